/* SPDX-License-Identifier: Apache-2.0 */
/* names: who mistypes a run is told of the nearest, by a service that answers one question. */
#include "ctl/suggest.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/exit_codes.h"
#include "ctl/client.h"
#include "ctl/options.h"
#include "tests/support/suite.h"

#define PLANS                                                                                      \
	"{\"parameters\":{\"directory\":\"/srv/runs.d\",\"plans\":[{\"name\":\"talk\"},"           \
	"{\"name\":\"checkout\"},{\"x\":1},7]}}"
#define RUNS                                                                                       \
	"{\"parameters\":{\"runs\":[{\"id\":\"talk-9\"},{\"id\":\"talk-10\"},"                     \
	"{\"id\":\"talk-10-1\"},{\"id\":\"shop-2\"}]}}"

static char directory[] = "/tmp/rpsd-names.XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
}

static void teardown(void)
{
	(void)unlink(address.sun_path);
	(void)rmdir(directory);
}

/* A process that answers one call with these bytes, if it asks for that. */
static pid_t serve(const char *method, const char *answer)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	(void)unlink(address.sun_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0) {
		char call[1024] = "";
		int peer = accept(fd, NULL, NULL);
		bool is_it = recv(peer, call, sizeof(call) - 1, 0) > 0 && strstr(call, method);

		if (is_it)
			(void)send(peer, answer, strlen(answer) + 1, MSG_NOSIGNAL);
		_exit(is_it ? 0 : 1);
	}
	(void)close(fd);
	return pid;
}

static void expect_served(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static const struct {
	const char *method;
	const char *name;
	enum suggest_known known;
	const char *line;
} lookups[] = {
	{"Start", "tolk", SUGGEST_NEARLY,
		"rpsctl: no such run in /srv/runs.d: tolk; did you mean talk?\n"},
	{"Show", "zebra", SUGGEST_NOT,
		"rpsctl: no such run in /srv/runs.d: zebra; rpsctl list lists the known ones\n"},
	{"Start", "talk", SUGGEST_EXACTLY, NULL},
	/* The newest of that name, which is the last one, and not a run of another name. */
	{"Report", "talk", SUGGEST_NEARLY, "rpsctl: no such run: talk; did you mean talk-10?\n"},
	{"Stop", "shop-3", SUGGEST_NEARLY, "rpsctl: no such run: shop-3; did you mean shop-2?\n"},
	{"Watch", "zebra", SUGGEST_NOT,
		"rpsctl: no such run: zebra; rpsctl status lists the known ones\n"},
};

START_TEST(test_nearest)
{
	const struct options o = {.socket = address.sun_path};
	bool is_plan = _i < 3;
	struct buf near = {0}, place = {0}, line = {0};
	pid_t pid = serve(is_plan ? ".List" : ".Status", is_plan ? PLANS : RUNS);

	ck_assert_int_eq(
		suggest_find(&o, is_plan, lookups[_i].name, &near, &place), lookups[_i].known);
	ck_assert_int_eq(near.len > 0, lookups[_i].known == SUGGEST_NEARLY);
	ck_assert_str_eq(place.data ? place.data : "", is_plan ? "/srv/runs.d" : "");
	expect_served(pid);
	buf_fini(&place);
	buf_fini(&near);
	if (!lookups[_i].line)
		return;
	pid = serve(is_plan ? ".List" : ".Status", is_plan ? PLANS : RUNS);
	suggest_explain(&o, lookups[_i].method, lookups[_i].name, &line);
	ck_assert_str_eq(line.data, lookups[_i].line);
	expect_served(pid);
	buf_fini(&line);
}
END_TEST

/* Nobody there, nonsense, a refusal: then nothing is near. */
START_TEST(test_no_help)
{
	static const char *const answers[] = {
		"hello", "{\"parameters\":{}}", "{\"error\":\"x.y.Z\"}", "[]"};
	const struct options o = {.socket = address.sun_path};
	struct buf near = {0}, place = {0};

	ck_assert_int_eq(suggest_find(&o, true, "talk", &near, &place), SUGGEST_NOT);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		pid_t pid = serve(".List", answers[i]);

		ck_assert_int_eq(suggest_find(&o, true, "talk", &near, &place), SUGGEST_NOT);
		ck_assert_uint_eq(near.len, 0);
		ck_assert_uint_eq(place.len, 0);
		expect_served(pid);
	}
}
END_TEST

/* What there is to do instead depends on what was asked. */
START_TEST(test_no_run_at_all)
{
	static const struct {
		const char *command, *remedy;
	} rows[] = {{"report", "rpsctl report FILE.json shows a result's file"},
		{"watch", "rpsctl URL runs without the service"}};
	const struct options o = {.socket = address.sun_path, .command = rows[_i].command};
	json_t *parameters = json_pack("{s:s}", "run", "");
	const struct client_answer a = {
		.error = "io.rpsd.Control.NoSuchRun", .parameters = parameters};
	struct buf line = {0};
	char want[256];

	(void)snprintf(want, sizeof(want),
		"rpsctl: %s: the service has no run; rpsctl start NAME starts one (rpsctl list "
		"shows the names), %s\n",
		rows[_i].command, rows[_i].remedy);
	ck_assert_int_eq(suggest_explain_answer(&o, "Report", &a, &line), EXIT_NO_INPUT);
	ck_assert_str_eq(line.data, want);
	buf_fini(&line);
	json_decref(parameters);
}
END_TEST

/* Other errors are told as ever, and nobody is asked. */
START_TEST(test_other_errors)
{
	const struct options o = {.socket = address.sun_path};
	json_t *parameters = json_pack("{s:s}", "reason", "r");
	const struct client_answer a = {
		.error = "io.rpsd.Control.Refused", .parameters = parameters};
	struct buf line = {0};

	ck_assert_int_eq(suggest_explain_answer(&o, "Start", &a, &line), EXIT_REFUSED);
	ck_assert_str_eq(line.data, "rpsctl: refused: r\n");
	buf_fini(&line);
	json_decref(parameters);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("suggest");
	Suite *suite = suite_create("suggest");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_nearest, 0, (int)(sizeof(lookups) / sizeof(*lookups)));
	tcase_add_test(tcase, test_no_help);
	tcase_add_loop_test(tcase, test_no_run_at_all, 0, 2);
	tcase_add_test(tcase, test_other_errors);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
