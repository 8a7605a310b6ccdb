/* SPDX-License-Identifier: Apache-2.0 */
/* A word of its own in each place of a run file where a secret can be, and every answer to every
 * role is searched for all of them. SECURITY.md has the same table. */
#include <sys/mman.h>

#include <sys/utsname.h>

#include "tests/support/mini_server.h"
#include "tests/support/skip.h"
#include "tests/support/suite.h"
#include "tests/unit/service/methods_fixture.h"

/* Who finds the word in some answer: s a observer, o an operator, a an administrator, l a reader of
 * the log. */
static const struct {
	const char *word;
	const char *place;
	const char *seen_by;
} test_marks[] = {
	{"MarkUrlPath", "path of the URL", "soal"},
	{"MarkUrlQuery", "query of the URL", "oa"},
	{"MarkUrlSecret", "query of the URL whose name tells", "a"},
	{"MarkPathQuery", "query of a path", "oa"},
	{"MarkPathSecret", "query of a path whose name tells", "a"},
	{"mark-host", "host of the URL", "soal"},
	{"MarkComment", "comment", "oa"},
	{"MarkCommentSecret", "comment with a word that tells", ""},
	{"MarkLabel", "label", "oa"},
	{"MarkLabelSecret", "label whose name tells", "a"},
	{"MarkLabelSet", "label of the call", "oa"},
	{"MarkHeaderValue", "header", "oa"},
	{"MarkHeaderSecret", "header whose name tells", ""},
	{"MarkHeaderDefault", "default of a variable in such a header", ""},
	{"MarkHeaderFile", "name of a header's file", "oa"},
	{"MarkContentHeader", "content of a header's file", ""},
	{"MarkTokenFile", "name of a token's file", "oa"},
	{"MarkContentToken", "content of a token's file", ""},
	{"MarkAuthUser", "user of auth", "oa"},
	{"MarkBody", "body", "oa"},
	{"MarkBodySecret", "body with a name that tells", ""},
	{"MarkExpectHeader", "expected header", "oa"},
	{"MarkExpectSecret", "expected header whose name tells", ""},
	{"MarkExpectBody", "expected body", "oa"},
	/* of a file that is not valid */
	{"MarkUserInfo", "user of a URL", ""},
	{"MarkSection", "section that is not closed", "a"},
	{"MarkKey", "key that nobody knows", "a"},
	{"MarkUnknown", "value of such a key", ""},
	{"MarkNoEquals", "line without =", "a"},
	{"MarkIndented", "line that is indented", "a"},
	{"MarkNoColon", "header without colon", "a"},
	{"MarkBadFigure", "what should be a figure", "oa"},
};

static const char test_good[] =
	"; MarkComment\n"
	"# password: MarkCommentSecret\n"
	"[target]\n"
	"url = http://mark-host.test/MarkUrlPath?q=MarkUrlQuery&api_key=MarkUrlSecret\n"
	"connect-to = %s\n"
	"[load]\n"
	"rate = 200\n"
	"duration = 200ms\n"
	"[statistics]\n"
	"interval = 100ms\n"
	"[run]\n"
	"label = owner=MarkLabel\n"
	"label = token=MarkLabelSecret\n"
	"[request one]\n"
	"path = one?q=MarkPathQuery&sid=MarkPathSecret\n"
	"header = X-Customer: MarkHeaderValue\n"
	"header = X-Api-Key: MarkHeaderSecret\n"
	"header = Cookie: ${NOBODY:-MarkHeaderDefault}\n"
	"header = X-From: @MarkHeaderFile\n"
	"auth = bearer @MarkTokenFile\n"
	"body = a=MarkBody\n"
	"expect-header = Content-Type: MarkExpectHeader\n"
	"[request two]\n"
	"method = POST\n"
	"auth = basic MarkAuthUser @MarkTokenFile\n"
	"body = password=MarkBodySecret\n"
	"expect-header = Set-Cookie: MarkExpectSecret\n"
	"expect-body = MarkExpectBody\n";

/* Each has a problem that quotes. */
static const char *const test_bad[] = {
	"[target]\nurl = http://MarkUserInfo:x@a.test/\n",
	"[target]\nurl = a.test\n[MarkSection\n",
	"[target]\nurl = a.test\nMarkKey = MarkUnknown\n",
	"[target]\nurl = a.test\nMarkNoEquals\n",
	"[target]\nurl = a.test\n MarkIndented = 1\n",
	"[target]\nurl = a.test\n[defaults]\nheader = MarkNoColon\n",
	"[target]\nurl = a.test\n[load]\nrate = MarkBadFigure\n",
};

#define TEST_N(array) (sizeof(array) / sizeof((array)[0]))

static void test_add(struct buf *said, struct client *k, const char *method, json_t *parameters)
{
	json_t *reply = test_call(k, method, parameters);
	char *text = json_dumps(reply, 0);

	ck_assert_int_eq(buf_printf(said, "%s %s\n", method, text), 0);
	free(text);
	json_decref(reply);
}

static json_t *test_named(const char *key, const char *value)
{
	return json_pack("{s:s}", key, value);
}

/* All that may be asked about the runs; also what is refused. */
static void test_ask(struct client *k, const char *id, struct buf *said)
{
	static const char *const about[] = {"Status", "Watch", "Report"};
	char name[16];

	test_add(said, k, "List", NULL);
	test_add(said, k, "Show", NULL);
	test_add(said, k, "Show", test_named("name", "good"));
	test_add(said, k, "Origins", NULL);
	for (size_t i = 0; i < TEST_N(about); i++) {
		test_add(said, k, about[i], NULL);
		test_add(said, k, about[i], test_named("run", id));
	}
	for (size_t i = 0; i < TEST_N(test_bad); i++) {
		(void)snprintf(name, sizeof(name), "bad%zu", i);
		test_add(said, k, "Show", test_named("name", name));
		test_add(said, k, "Start", test_named("name", name));
	}
}

static void test_check(const struct buf *said, char role)
{
	for (size_t i = 0; i < TEST_N(test_marks); i++) {
		bool is_seen = false;
		size_t len = strlen(test_marks[i].word);

		/* MarkLabel is no part of MarkLabelSecret. */
		for (const char *at = said->data; (at = strstr(at, test_marks[i].word)); at += len)
			is_seen |= !(at[len] >= 'A' && at[len] <= 'Z');
		ck_assert_msg(is_seen == (strchr(test_marks[i].seen_by, role) != NULL),
			"%s (%s) is %s by '%c'", test_marks[i].word, test_marks[i].place,
			is_seen ? "seen" : "not seen", role);
	}
}

static void test_files(bool are_there)
{
	char name[16];
	char text[2048];

	(void)snprintf(text, sizeof(text), test_good, origin_address(origin));
	(void)(are_there ? test_write_file("good.ini", text) : test_remove_file("good.ini"));
	(void)(are_there ? test_write_file("MarkHeaderFile", "MarkContentHeader")
			 : test_remove_file("MarkHeaderFile"));
	(void)(are_there ? test_write_file("MarkTokenFile", "MarkContentToken")
			 : test_remove_file("MarkTokenFile"));
	for (size_t i = 0; i < TEST_N(test_bad); i++) {
		(void)snprintf(name, sizeof(name), "bad%zu.ini", i);
		(void)(are_there ? test_write_file(name, test_bad[i]) : test_remove_file(name));
	}
}

/* stderr into a file, whose descriptor it returns. */
static int test_log_to_memory(int *ret_saved)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	*ret_saved = dup(STDERR_FILENO);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_ne(dup2(fd, STDERR_FILENO), -1);
	log_open(LOG_INFO);
	return fd;
}

static void test_read_log(int fd, int saved, struct buf *said)
{
	off_t len = lseek(fd, 0, SEEK_END);

	log_open(LOG_ERR);
	ck_assert_int_ne(dup2(saved, STDERR_FILENO), -1);
	(void)close(saved);
	ck_assert_int_eq(buf_reserve(said, (size_t)len + 1), 0);
	ck_assert_int_eq(pread(fd, said->data, (size_t)len, 0), len);
	said->data[len] = '\0';
	said->len = (size_t)len;
	(void)close(fd);
}

START_TEST(each_role_sees_what_it_may)
{
	struct client observer = test_observer();
	struct client member = {0};
	struct buf said[3] = {0}, logged = {0};
	bool is_root = geteuid() == 0;
	json_t *reply;
	char id[96];
	int log, saved;

	test_files(true);
	log = test_log_to_memory(&saved);
	reply = test_ok(&admin, "Start",
		json_pack("{s:s, s:[{s:s, s:s}]}", "name", "good", "set", "key", "run.label",
			"value", "more=MarkLabelSet"));
	(void)snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(reply, "id")));
	json_decref(reply);
	test_until_finished(id);
	if (is_root) {
		member = test_operator();
		test_ask(&member, id, &said[1]);
		test_close(&member);
	}
	test_ask(&observer, id, &said[0]);
	test_ask(&admin, id, &said[2]);
	test_close(&observer);
	test_read_log(log, saved, &logged);
	test_files(false);
	test_check(&said[0], 's');
	if (is_root)
		test_check(&said[1], 'o');
	else
		skip_say("what an operator sees", "needs root");
	test_check(&said[2], 'a');
	test_check(&logged, 'l');
	for (size_t i = 0; i < TEST_N(said); i++)
		buf_fini(&said[i]);
	buf_fini(&logged);
}
END_TEST

/* ---------------------------------------------------------------- where a redirect points to */

static void test_redirect(struct mini_conn *c)
{
	while (mini_read_request(c) &&
		mini_write(c, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
			      "http://mark-away.test/MarkAwayPath?q=MarkAwayQuery&"
			      "token=MarkAwaySecret\r\n\r\n"))
		continue;
}

START_TEST(a_redirects_query_is_masked_like_any)
{
	static const struct {
		const char *word;
		const char *seen_by;
	} marks[] = {{"MarkAwayPath", "soa"}, {"MarkAwayQuery", "oa"}, {"MarkAwaySecret", "a"}};
	struct mini_server server;
	struct client clients[] = {test_observer(), test_operator(), test_client()};
	char text[512];
	json_t *reply;
	char id[96];

	ck_assert_int_eq(mini_server_open(&server, 16, test_redirect, NULL), 0);
	(void)snprintf(text, sizeof(text),
		"[target]\nurl = http://127.0.0.1:%u/\n[load]\nrate = 100\nduration = 100ms\n",
		(unsigned)ntohs(server.address.sin_port));
	test_write_file("body.ini", text);
	reply = test_ok(&admin, "Start", test_named("name", "body"));
	(void)snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(reply, "id")));
	json_decref(reply);
	test_until_finished(id);
	for (size_t r = 0; r < TEST_N(clients); r++) {
		struct buf said = {0};

		test_ask(&clients[r], id, &said);
		for (size_t i = 0; i < TEST_N(marks); i++)
			ck_assert_msg((strstr(said.data, marks[i].word) != NULL) ==
					      (strchr(marks[i].seen_by, "soa"[r]) != NULL),
				"%s by '%c'", marks[i].word, "soa"[r]);
		buf_fini(&said);
		test_close(&clients[r]);
	}
	mini_server_close(&server);
}
END_TEST

/* ---------------------------------------------------------------- what everybody may see */

static void test_sees(struct client *k, const char *method, json_t *parameters, const char *word)
{
	struct buf said = {0};

	test_add(&said, k, method, parameters);
	ck_assert_msg(
		strstr(said.data, word) != NULL, "%s: %s is not in %s", method, word, said.data);
	buf_fini(&said);
}

/* Without the right to operate one still learns whether it was this service that sent the load, who
 * told it to, and from where. */
START_TEST(what_is_no_secret_is_for_all)
{
	struct client clients[] = {test_observer(), test_operator(), test_client()};
	struct utsname host;
	char id[96];

	test_start_short(id, json_pack("{}"));
	json_decref(test_ok(&admin, "Stop", NULL));
	test_until_finished(id);
	ck_assert_int_eq(uname(&host), 0);
	for (size_t r = 0; r < TEST_N(clients); r++) {
		test_sees(&clients[r], "Status", NULL, "192.0.2.7:80");
		test_sees(&clients[r], "Status", NULL, "\"max_rate\": 5000");
		test_sees(&clients[r], "Status", NULL, run_user(registry_find(registry, id)));
		test_sees(&clients[r], "Status", NULL, "stopped by ");
		test_sees(&clients[r], "Show", NULL, "allow = 192.0.2.7:80");
		test_sees(&clients[r], "Show", NULL, "# rpsd.conf:2");
		test_sees(&clients[r], "Watch", test_named("run", id), "stopped by ");
		test_sees(&clients[r], "Report", test_named("run", id), "stopped by ");
		test_sees(&clients[r], "Report", test_named("run", id), origin_address(origin));
		test_sees(&clients[r], "Report", test_named("run", id), host.nodename);
		test_sees(&clients[r], "Report", test_named("run", id), host.release);
		test_sees(&clients[r], "Origins", NULL, origin_address(origin));
		test_close(&clients[r]);
	}
}
END_TEST

/* ---------------------------------------------------------------- digests */

static json_t *test_digest(struct client *k)
{
	json_t *reply = test_ok(k, "Report", NULL);
	json_t *digest = json_incref(json_object_get(
		json_object_get(json_object_get(reply, "result"), "plan"), "sha256"));

	json_decref(reply);
	return digest;
}

/* Four digits are found in a moment by who knows the digest of a text and all else that is in it.
 */
START_TEST(no_digest_tells_what_is_masked)
{
	struct client observer = test_observer();
	struct client member = test_operator();
	char id[96], text[512];
	json_t *digest;

	/* "short" has a cookie. */
	test_start_short(id, json_pack("{}"));
	test_until_finished(id);
	ck_assert(json_is_null(test_digest(&observer)));
	ck_assert(json_is_null(test_digest(&member)));
	digest = test_digest(&admin);
	ck_assert_uint_eq(json_string_length(digest), 64);
	json_decref(digest);

	(void)snprintf(text, sizeof(text),
		"[target]\nurl = http://%s/\n[load]\nrate = 200\nduration = 100ms\n",
		origin_address(origin));
	test_write_file("body.ini", text);
	json_decref(test_ok(&member, "Start", test_named("name", "body")));
	test_until_finished("body-2");
	digest = test_digest(&member);
	ck_assert_uint_eq(json_string_length(digest), 64);
	json_decref(digest);
	ck_assert(json_is_null(test_digest(&observer)));
	/* What another has set is not in the text. */
	json_decref(test_ok(&admin, "Start",
		json_pack("{s:s, s:[{s:s, s:s}]}", "name", "body", "set", "key", "defaults.header",
			"value", "X-Pin: 4711")));
	test_until_finished("body-3");
	ck_assert(json_is_null(test_digest(&member)));
	test_close(&observer);
	test_close(&member);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("who_sees_what");
	TCase *t = test_case(s, "who_sees_what");

	tcase_set_timeout(t, 20);
	tcase_add_test(t, each_role_sees_what_it_may);
	tcase_add_test_of_root(t, a_redirects_query_is_masked_like_any);
	tcase_add_test_of_root(t, what_is_no_secret_is_for_all);
	tcase_add_test_of_root(t, no_digest_tells_what_is_masked);
	return suite_main(s);
}
