/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "daemon/service/secrets.h"

static const struct {
	const char *text;
	const char *shown;
} test_texts[] = {
	{"", ""},
	{"\n", "\n"},
	{"[load]\nrate = 5\n", "[load]\nrate = 5\n"},
	{"header = Authorization: Bearer abc\n", "header = Authorization: ***\n"},
	{"header = Authorization: Bearer abc", "header = Authorization: ***"},
	{"header=Cookie:a=b; c=d\nrate = 5\n", "header=Cookie: ***\nrate = 5\n"},
	{"header = X-Api-Key: 1 2\r\n", "header = X-Api-Key: ***\n"},
	{"header = X-AUTH-TOKEN: 1\n", "header = X-AUTH-TOKEN: ***\n"},
	{"header = proxy-authorization: x\n", "header = proxy-authorization: ***\n"},
	{"; header = Cookie: old\n", "; header = Cookie: ***\n"},
	{"header = Authorization: Bearer @token\n", "header = Authorization: Bearer @token\n"},
	{"header = Authorization: Bearer @@token\n", "header = Authorization: ***\n"},
	{"header = Authorization: cred:token \n", "header = Authorization: cred:token \n"},
	{"header = Authorization: a@b c\n", "header = Authorization: ***\n"},
	{"header = Authorization: a @\n", "header = Authorization: ***\n"},
	{"header = Authorization: Bearer ${TOKEN}\n", "header = Authorization: Bearer ${TOKEN}\n"},
	{"header = Cookie: ${TOKEN:-abc}\n", "header = Cookie: ***\n"},
	{"header = Cookie: x${TOKEN}\n", "header = Cookie: ***\n"},
	{"header = Cookie: ${}\n", "header = Cookie: ***\n"},
	{"header = Cookie: sid=abc; t=1 ${T}\n", "header = Cookie: ***\n"},
	{"header = Authorization: Bearer abc @rest\n", "header = Authorization: ***\n"},
	{"header = Authorization: ${TYPE}abc${X}\n", "header = Authorization: ***\n"},
	{"header = Authorization:\tbasic  @token\n", "header = Authorization:\tbasic  @token\n"},
	{"header = X-Pass: abc\n", "header = X-Pass: ***\n"},
	{"header = X-JWT: abc\n", "header = X-JWT: ***\n"},
	{"Header = Cookie: abc\n", "Header = Cookie: ***\n"},
	{"url = http://user:abc@a.test/\n", "url = http:// ***\n"},
	{"url = @b\n", "url = @b\n"},
	{"auth = bearer @token\n", "auth = bearer @token\n"},
	{"auth = Basic  user cred:pw \r\n", "auth = Basic  user cred:pw \r\n"},
	{"auth = none\n", "auth = none\n"},
	{"auth = basic user ${PW}\n", "auth = basic user ${PW}\n"},
	{"auth = basic user ${PW:-abc}\n", "auth = ***\n"},
	{"auth = bearer abc\n", "auth = ***\n"},
	{"auth = basic user abc\n", "auth = ***\n"},
	{"auth = basic user:abc @pw\n", "auth = ***\n"},
	{"auth = basic user abc @pw\n", "auth = ***\n"},
	{"auth = bearer @pw abc\n", "auth = ***\n"},
	{"auth = basic @pw\n", "auth = ***\n"},
	{"auth = none abc\n", "auth = ***\n"},
	{"auth = abc\n", "auth = ***\n"},
	{"auth=\n; auth = abc", "auth=\n; auth = ***"},
	{"header = Accept: text/html\n", "header = Accept: text/html\n"},
	{"header = nonsense\nheader\n", "header = nonsense\nheader\n"},
	{"url = http://a.test/?key:1\n", "url = http://a.test/?key:1\n"},
};

START_TEST(secrets_are_masked_and_nothing_else)
{
	const char *text = test_texts[_i].text;
	struct buf out = {0};

	ck_assert_int_eq(secrets_mask(text, strlen(text), false, &out), 0);
	ck_assert_str_eq(out.data ? out.data : "", test_texts[_i].shown);
	buf_fini(&out);
}
END_TEST

static const struct {
	const char *text;
	const char *shown;
} test_strangers[] = {
	{"[load]\nrate = 5\n", "[load]\nrate = 5\n"},
	{"header = Authorization: Bearer abc\n", "header = Authorization: ***\n"},
	{"header = X-Customer: 4711\nrate = 5\n", "header = X-Customer: ***\nrate = 5\n"},
	{"header = X-Customer: @file\n", "header = X-Customer: @file\n"},
	{"body = user=a&password=b\n", "body = ***\n"},
	{"body = @cart.json\n", "body = @cart.json\n"},
	{"body = @@cart.json\n", "body = ***\n"},
	{"body = half @cart.json\n", "body = ***\n"},
	{"header = X-Customer: 4711 ${X}\n", "header = X-Customer: ***\n"},
	{"; body = old\nbody =\nbody\n", "; body = ***\nbody =\nbody\n"},
};

START_TEST(strangers_see_no_header_and_no_body)
{
	const char *text = test_strangers[_i].text;
	struct buf out = {0};

	ck_assert_int_eq(secrets_mask(text, strlen(text), true, &out), 0);
	ck_assert_str_eq(out.data, test_strangers[_i].shown);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secrets");
	TCase *t = tcase_create("secrets");
	SRunner *runner;
	int n_failed;

	tcase_add_loop_test(t, secrets_are_masked_and_nothing_else, 0,
		(int)(sizeof(test_texts) / sizeof(test_texts[0])));
	tcase_add_loop_test(t, strangers_see_no_header_and_no_body, 0,
		(int)(sizeof(test_strangers) / sizeof(test_strangers[0])));
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? 0 : 1;
}
