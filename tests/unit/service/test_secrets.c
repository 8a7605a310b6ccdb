/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "daemon/service/secrets.h"
#include "tests/support/suite.h"

/* Lines of a file and what is shown of each to operators, and to observers; NULL: all of it. What
 * belongs to a section has that section before it. */
struct test_line {
	const char *line;
	const char *operators;
	const char *observers;
};

static const struct test_line test_defaults[] = {
	{"", NULL, NULL},
	{"  ", "", ""},
	/* headers */
	{"header = Authorization: Bearer abc", "header = Authorization: ***",
		"header = Authorization: ***"},
	{"header=Cookie:a=b; c=d", "header=Cookie: ***", "header=Cookie: ***"},
	{"header = X-Api-Key: 1 2\r", "header = X-Api-Key: ***", "header = X-Api-Key: ***"},
	{"header = X-AUTH-TOKEN: 1", "header = X-AUTH-TOKEN: ***", "header = X-AUTH-TOKEN: ***"},
	{"header = proxy-authorization: x", "header = proxy-authorization: ***",
		"header = proxy-authorization: ***"},
	{"header = X-Pin: 4711", "header = X-Pin: ***", "header = X-Pin: ***"},
	{"header = X-Shopping: 4711", NULL, "header = X-Shopping: ***"},
	{"header = Authorization: Bearer @token", NULL, "header = Authorization: ***"},
	{"header = Authorization: Bearer @@token", "header = Authorization: ***",
		"header = Authorization: ***"},
	{"header = Authorization: cred:token", NULL, "header = Authorization: ***"},
	{"header = Authorization: a@b c", "header = Authorization: ***",
		"header = Authorization: ***"},
	{"header = Authorization: a @", "header = Authorization: ***",
		"header = Authorization: ***"},
	{"header = Authorization: Bearer ${TOKEN}", NULL, "header = Authorization: ***"},
	{"header = Cookie: ${TOKEN:-abc}", "header = Cookie: ***", "header = Cookie: ***"},
	{"header = Cookie: x${TOKEN}", "header = Cookie: ***", "header = Cookie: ***"},
	{"header = Cookie: ${}", "header = Cookie: ***", "header = Cookie: ***"},
	{"header = Cookie: sid=abc; t=1 ${T}", "header = Cookie: ***", "header = Cookie: ***"},
	{"header = Authorization: Bearer abc @rest", "header = Authorization: ***",
		"header = Authorization: ***"},
	{"header = Authorization: ${TYPE}abc${X}", "header = Authorization: ***",
		"header = Authorization: ***"},
	{"header = Authorization:\tbasic  @token", NULL, "header = Authorization: ***"},
	{"header = Accept: text/html", NULL, "header = Accept: ***"},
	{"header = Referer: http://u:p@a.test/?token=1&q=2",
		"header = Referer: http://***@a.test/?token=***&q=2", "header = Referer: ***"},
	{"expect-header = X-Trace", NULL, NULL},
	{"expect-header = Set-Cookie: abc", "expect-header = Set-Cookie: ***",
		"expect-header = Set-Cookie: ***"},
	/* what is no header */
	{"header = abc", "header = ***", "header = ***"},
	{"header", "***", "***"},
	{"header Authorization: abc", "***", "***"},
	{"Header = Cookie: abc", "***", "***"},
	{"haeder = Cookie: abc", "***", "***"},
	{" header = Cookie: abc", "***", "***"},
	{"= abc", "***", "***"},
	{"pass word = abc", "***", "***"},
	{"[defaults", "***", "***"},
	{"[defaults abc]", "***", "***"},
	{"[defaults] abc", "***", "***"},
	{"[abc]", "***", "***"},
	/* comments */
	{"; header = Cookie: old", "; ***", ";"},
	{"#password abc", "# ***", "#"},
	{"; see http://u:p@a.test/?q=1", "; see http://***@a.test/?q=1", ";"},
	{"; as in April", NULL, ";"},
};

static const struct test_line test_values[] = {
	/* bodies */
	{"body = user=a&password=b", "body = ***", "body = ***"},
	{"body = a=1", NULL, "body = ***"},
	{"body = @cart.json", NULL, "body = ***"},
	{"body = @@token.json", "body = ***", "body = ***"},
	{"body = half @cart.json", NULL, "body = ***"},
	{"body =", NULL, NULL},
	{"expect-body = \"token\": 1", "expect-body = ***", "expect-body = ***"},
	{"expect-sha256 = 00000000000000000000000000000000000000000000000000000000000000ff", NULL,
		"expect-sha256 = ***"},
	/* auth */
	{"auth = bearer @token", NULL, "auth = bearer @***"},
	{"auth = Basic  user cred:pw", NULL, "auth = basic *** @***"},
	{"auth = none", NULL, NULL},
	{"auth = basic user ${PW}", NULL, "auth = ***"},
	{"auth = basic user ${PW:-abc}", "auth = ***", "auth = ***"},
	{"auth = bearer abc", "auth = ***", "auth = ***"},
	{"auth = basic user abc", "auth = ***", "auth = ***"},
	{"auth = basic user:abc @pw", "auth = ***", "auth = ***"},
	{"auth = basic user abc @pw", "auth = ***", "auth = basic *** @***"},
	{"auth = bearer @pw abc", "auth = ***", "auth = ***"},
	{"auth = basic @pw", "auth = ***", "auth = ***"},
	{"auth = none abc", "auth = ***", "auth = ***"},
	{"auth = abc", "auth = ***", "auth = ***"},
	/* paths */
	{"path = /a/b", NULL, NULL},
	{"path = /a?token=1&q=2", "path = /a?token=***&q=2", "path = /a?***"},
	{"path = a?q=2;sid=4#key=5", "path = a?q=2;sid=***#key=***", "path = a?***"},
	{"path = a?%74oken=1", "path = a?%74oken=***", "path = a?***"},
	{"path = /a;jsessionid=5?q=1", "path = /a;jsessionid=***?q=1", "path = /a;***"},
	/* figures and words, if they are */
	{"weight = 3", NULL, NULL},
	{"weight = abc", NULL, "weight = ***"},
	{"method = POST", NULL, NULL},
	{"chunked = 4KiB", NULL, NULL},
	{"expect-status = 200,2xx", NULL, NULL},
	{"expect-status = abc", NULL, "expect-status = ***"},
	{"expect-size = 1..", NULL, NULL},
};

static const struct test_line test_target[] = {
	{"url = http://a.test/b", NULL, NULL},
	{"url = http://a.test/?key:1", NULL, "url = http://a.test/?***"},
	{"url = a.test/b?code=1&auth=x y", "url = a.test/b?code=1&auth=***", "url = ***"},
	{"url = http://a.test/#token=1", "url = http://a.test/#token=***",
		"url = http://a.test/#***"},
	{"url = http://user:abc@a.test/", "url = http://***@a.test/", "url = ***"},
	{"url = user:abc@a.test/", "url = ***@a.test/", "url = ***"},
	{"url = unix:/run/a.sock:/b?sid=1", "url = unix:/run/a.sock:/b?sid=***",
		"url = unix:/run/a.sock:/b?***"},
	{"url = http://${HOST:-abc}/", NULL, "url = ***"},
	{"connect-to = 192.0.2.1:80", NULL, NULL},
	{"connect-to = a b", NULL, "connect-to = ***"},
	{"addresses = first", NULL, NULL},
	{"dns = once", NULL, NULL},
	{"dns = abc", NULL, "dns = ***"},
};

static const struct test_line test_rest[] = {
	{"label = commit=1f2e", NULL, "label = commit=***"},
	{"label = api-key=1f2e", "label = api-key=***", "label = api-key=***"},
	{"label = abc", NULL, "label = ***"},
};

/* The lines in one file after the section's; a line that makes a section is followed by it again.
 */
static void test_lines(const char *section, const struct test_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct test_line *l = &lines[i];
		struct buf text = {0}, out = {0};

		for (int observers = 0; observers < 2; observers++) {
			const char *want = observers ? l->observers : l->operators;
			struct buf shown = {0};

			ck_assert_int_eq(buf_printf(&text, "[%s]\n%s\n", section, l->line), 0);
			ck_assert_int_eq(
				buf_printf(&shown, "[%s]\n%s\n", section, want ? want : l->line),
				0);
			ck_assert_int_eq(secrets_mask(text.data, text.len, observers, &out), 0);
			ck_assert_msg(strcmp(out.data, shown.data) == 0,
				"'%s' is shown as '%s', not '%s'", text.data, out.data, shown.data);
			ck_assert_msg(
				secrets_line_is_shown(text.data, text.len, 2, observers) == !want ||
					*l->line == ' ',
				"%s", text.data);
			buf_fini(&out);
			buf_fini(&text);
			buf_fini(&shown);
		}
	}
}

#define TEST_N(lines) (sizeof(lines) / sizeof((lines)[0]))

START_TEST(each_line_is_shown_to_whom_it_may_be)
{
	test_lines("defaults", test_defaults, TEST_N(test_defaults));
	test_lines("request browse", test_values, TEST_N(test_values));
	test_lines("target", test_target, TEST_N(test_target));
	test_lines("run", test_rest, TEST_N(test_rest));
}
END_TEST

/* A key that is added to the table is hidden from observers until somebody has thought about it. */
START_TEST(observers_see_no_text_that_is_not_known)
{
	static const char *const shown[] = {"url", "path", "stage", "scale", "arrivals", "slice",
		"at", "gap", "dns", "connect-to", "source", "server-name", "ciphers",
		"ciphersuites", "method", "expect-status", "expect-size"};

	for (size_t i = 0; i < plan_keys.n; i++) {
		const struct key *k = &plan_keys.rows[i];
		struct buf text = {0}, out = {0};
		bool is_text = k->type == KEY_TEXT || k->type == KEY_CUSTOM;

		for (size_t s = 0; s < TEST_N(shown); s++)
			is_text &= strcmp(shown[s], k->name) != 0;
		if (!is_text)
			continue;
		ck_assert_int_eq(buf_printf(&text, "[%s%s]\n%s = geheim\n", k->section,
					 k->named ? " a" : "", k->name),
			0);
		ck_assert_int_eq(secrets_mask(text.data, text.len, true, &out), 0);
		/* A name of a header is shown. */
		if (strcmp(k->name, "expect-header") != 0)
			ck_assert_msg(!strstr(out.data, "geheim"), "%s", out.data);
		buf_fini(&text);
		buf_fini(&out);
	}
}
END_TEST

/* What is shown can be read as a run file again, but for what was none. */
START_TEST(what_is_left_is_masked_whole)
{
	static const char text[] =
		"\xef\xbb\xbf"
		"rate = 5\n[load]\nrate = 6\n\n[load]\nrate = 7\r\n"
		"[load x]\nrate = 8\n[request a]\npath = /a\n[run]\nrate = 9\nlabel = a=b";
	struct buf out = {0};

	ck_assert_int_eq(secrets_mask(text, strlen(text), true, &out), 0);
	ck_assert_str_eq(out.data,
		"***\n[load]\nrate = 6\n\n***\nrate = 7\n***\nrate = 8\n[request a]\n"
		"path = /a\n[run]\n***\nlabel = a=***");
	buf_fini(&out);
	/* A byte that ends the reading. */
	ck_assert_int_eq(secrets_mask("[load]\n\0\nrate = 6\n", 18, true, &out), 0);
	ck_assert_str_eq(out.data, "[load]\n***\n***\n");
	buf_fini(&out);
	ck_assert_int_eq(secrets_mask("", 0, true, &out), 0);
	ck_assert_uint_eq(out.len, 0);
	buf_fini(&out);
}
END_TEST

static const struct test_line test_urls[] = {
	{"", NULL, NULL},
	{"is Content-Length too small? (see what?)", NULL, NULL},
	{"try: curl -i 'http://a.test/b?token=1&q=2'",
		"try: curl -i 'http://a.test/b?token=***&q=2'",
		"try: curl -i 'http://a.test/b?***'"},
	{"redirect to https://u:p@b.test/#access_token=1 (302)",
		"redirect to https://***@b.test/#access_token=*** (302)",
		"redirect to https://***@b.test/#***"
		" (302)"},
	{"/a;jsessionid=1", "/a;jsessionid=***", "/a;***"},
	{"/a?q=1?token=2", "/a?q=1?token=***", "/a?***"},
	{"/a?***", NULL, NULL},
	{"a@b.test #3; done", NULL, NULL},
	{"/a?b", NULL, "/a?***"},
	{"/a?", NULL, NULL},
};

START_TEST(urls_in_texts_lose_their_secrets)
{
	const struct test_line *l = &test_urls[_i];

	for (int observers = 0; observers < 2; observers++) {
		const char *want = observers ? l->observers : l->operators;
		struct buf out = {0};

		ck_assert_int_eq(secrets_mask_urls(l->line, observers, &out), 0);
		ck_assert_str_eq(out.data ? out.data : "", want ? want : l->line);
		buf_fini(&out);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secrets");
	TCase *t = tcase_create("secrets");

	tcase_add_test(t, each_line_is_shown_to_whom_it_may_be);
	tcase_add_test(t, observers_see_no_text_that_is_not_known);
	tcase_add_test(t, what_is_left_is_masked_whole);
	tcase_add_loop_test(t, urls_in_texts_lose_their_secrets, 0, (int)TEST_N(test_urls));
	suite_add_tcase(s, t);
	return suite_main(s);
}
