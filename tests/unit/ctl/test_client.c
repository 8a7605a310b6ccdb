/* SPDX-License-Identifier: Apache-2.0 */
/* A connection and a whole run against a server that follows a script: a child process with the
 * other ends of the two connections. */
#include "ctl/live/session.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/options.h"
#include "ctl/terminal.h"
#include "tests/support/suite.h"

/* ---------------------------------------------------------------- the server */

enum { STREAM, STEER };

static int server[2];
static struct buf server_in[2];
static size_t server_searched[2];

/* The child's failures are seen by its exit status. */
static void server_fail(const char *what)
{
	(void)fprintf(stderr, "server: %s\n", what);
	_exit(1);
}

/* Waits for a call, checks its method and that the text stands in it. */
static void server_expect(int which, const char *method, const char *has)
{
	char name[64];
	char *text;
	json_t *call = NULL;

	for (;;) {
		ssize_t n;

		if (varlink_take(&server_in[which], 1 << 20, &server_searched[which], &call))
			server_fail("bad call");
		if (call)
			break;
		if (buf_reserve(&server_in[which], 4096))
			server_fail("memory");
		n = recv(server[which], server_in[which].data + server_in[which].len, 4096, 0);
		if (n <= 0)
			server_fail("the client has gone");
		server_in[which].len += (size_t)n;
	}
	(void)snprintf(name, sizeof(name), RPSD_INTERFACE ".%s", method);
	if (!str_eq(json_string_value(json_object_get(call, "method")), name))
		server_fail(method);
	text = json_dumps(call, JSON_COMPACT);
	if (!text || !strstr(text, has))
		server_fail(text);
	free(text);
	json_decref(call);
}

static void server_send_bytes(int which, const void *data, size_t len)
{
	if (send(server[which], data, len, MSG_NOSIGNAL) != (ssize_t)len)
		server_fail("send");
}

/* JSON text with its NUL. */
static void server_send(int which, const char *json)
{
	server_send_bytes(which, json, strlen(json) + 1);
}

static void server_until_closed(int which)
{
	char byte;

	if (recv(server[which], &byte, 1, 0) != 0)
		server_fail("the client said more");
}

#define ID "{\"parameters\":{\"id\":\"x-1\"}}"
#define PROGRESS(state) "{\"run\":{\"id\":\"x-1\",\"state\":\"" state "\"},\"last\":null}"
#define MORE(state)                                                                                \
	"{\"continues\":true,\"parameters\":{\"skipped\":0,\"progress\":" PROGRESS(state) "}}"
#define LAST "{\"parameters\":{\"skipped\":0,\"progress\":" PROGRESS("finished") "}}"
#define RESULT(code) "{\"parameters\":{\"result\":{\"run\":{\"exit_code\":" code "}}}}"

static void script_good(void)
{
	server_expect(STREAM, "Start", "\"hold\":true");
	server_send(STREAM, ID);
	server_expect(STREAM, "Watch", "\"more\":true");
	server_send(STREAM, MORE("running"));
	server_send(STREAM, MORE("draining"));
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "\"run\":\"x-1\"");
	server_send(STREAM, RESULT("0"));
	server_until_closed(STREAM);
}

static void script_failed_run(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, ID);
	server_expect(STREAM, "Watch", "");
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "");
	server_send(STREAM, RESULT("13"));
}

/* Byte by byte, so that every message arrives in pieces. */
static void script_in_pieces(void)
{
	static const char all[] = ID "\0" MORE("running") "\0" LAST "\0" RESULT("10");

	for (size_t i = 0; i < sizeof(all); i++) {
		if (i == sizeof(ID))
			server_expect(STREAM, "Start", "");
		server_send_bytes(STREAM, all + i, 1);
	}
	server_until_closed(STEER);
}

static void script_plan_invalid(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, "{\"error\":\"io.rpsd.Control.PlanInvalid\",\"parameters\":"
			    "{\"problems\":[\"-r: no rate\",\"x.ini:3: no key\"]}}");
}

static void script_refused(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, "{\"error\":\"io.rpsd.Control.Refused\",\"parameters\":"
			    "{\"reason\":\"only loopback\"}}");
}

static void script_lost_at_once(void)
{
}

static void script_lost_in_the_middle(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, ID);
	server_expect(STREAM, "Watch", "");
	server_send(STREAM, MORE("running"));
}

static void script_lost_before_report(void)
{
	script_lost_in_the_middle();
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "");
	server_send_bytes(STREAM, "{\"parameters\":", 14);
}

static void script_garbage(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, "hello");
	server_until_closed(STREAM);
}

static void script_no_id(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, "{}");
}

static void script_no_result(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, ID);
	server_expect(STREAM, "Watch", "");
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "");
	server_send(STREAM, "{\"parameters\":{}}");
}

/* A first interrupt stops the run on the other connection; its report still comes. */
static void script_interrupted(void)
{
	server_expect(STREAM, "Start", "");
	server_send(STREAM, ID);
	server_expect(STREAM, "Watch", "");
	server_send(STREAM, MORE("running"));
	(void)kill(getppid(), SIGINT);
	server_expect(STEER, "Stop", "\"now\":false");
	server_send(STEER, "{\"parameters\":{\"stopped\":[\"x-1\"]}}");
	server_send(STREAM, MORE("draining"));
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "");
	server_send(STREAM, RESULT("14"));
}

static void script_interrupted_twice(void)
{
	script_lost_in_the_middle();
	(void)kill(getppid(), SIGTERM);
	server_expect(STEER, "Stop", "\"now\":false");
	(void)kill(getppid(), SIGINT);
	server_expect(STEER, "Stop", "\"now\":true");
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "");
	server_send(STREAM, RESULT("14"));
}

static void script_interrupted_thrice(void)
{
	script_lost_in_the_middle();
	(void)kill(getppid(), SIGINT);
	server_expect(STEER, "Stop", "\"now\":false");
	(void)kill(getppid(), SIGINT);
	server_expect(STEER, "Stop", "\"now\":true");
	(void)kill(getppid(), SIGINT);
	server_until_closed(STREAM);
}

/* Before there is an id the stop waits for it. The signal is there before the answer is. */
static void script_interrupted_early(void)
{
	server_expect(STREAM, "Start", "");
	(void)kill(getppid(), SIGINT);
	server_send(STREAM, ID);
	server_expect(STREAM, "Watch", "");
	server_expect(STEER, "Stop", "\"run\":\"x-1\"");
	server_send(STREAM, LAST);
	server_expect(STREAM, "Report", "");
	server_send(STREAM, RESULT("14"));
}

/* The second connection may go: only a stop would need it. */
static void script_steer_lost(void)
{
	(void)close(server[STEER]);
	script_failed_run();
}

static const struct {
	void (*script)(void);
	int status;
	bool has_result;
	const char *says;
} runs[] = {
	{script_good, 0, true, ""},
	{script_failed_run, EXIT_RUN_FAILED, true, ""},
	{script_in_pieces, EXIT_RULE_FAILED, true, ""},
	{script_plan_invalid, EXIT_CONFIG, false, "-r: no rate\nx.ini:3: no key\n"},
	{script_refused, EXIT_REFUSED, false, "rpsctl: refused: only loopback\n"},
	{script_lost_at_once, EXIT_NO_DAEMON, false, "rpsctl: the daemon went away before the "},
	{script_lost_in_the_middle, EXIT_NO_DAEMON, false,
		"rpsctl: the daemon went away in the middle of the run\n"},
	{script_lost_before_report, EXIT_NO_DAEMON, false,
		"rpsctl: the daemon went away before it reported\n"},
	{script_garbage, EXIT_NO_DAEMON, false,
		"rpsctl: the daemon sent an invalid message "
		"before the run began: rpsctl doctor compares the versions of both\n"},
	{script_no_id, EXIT_NO_DAEMON, false, "without an id"},
	{script_no_result, EXIT_NO_DAEMON, false, "without a result"},
	{script_interrupted, EXIT_STOPPED, true, ""},
	{script_interrupted_twice, EXIT_INTERRUPTED, true, ""},
	{script_interrupted_thrice, EXIT_INTERRUPTED, false, ""},
	{script_interrupted_early, EXIT_STOPPED, true, ""},
	{script_steer_lost, EXIT_RUN_FAILED, true, ""},
};

/* ---------------------------------------------------------------- the tests */

/* Our ends in ret; the child plays and goes. */
static pid_t start_server(void (*script)(void), int ret[2])
{
	int pairs[2][2];
	pid_t pid;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	for (int i = 0; i < 2; i++) {
		if (pid == 0) {
			server[i] = pairs[i][1];
			(void)close(pairs[i][0]);
		} else {
			ret[i] = pairs[i][0];
			(void)close(pairs[i][1]);
		}
	}
	if (pid == 0) {
		script();
		_exit(0);
	}
	return pid;
}

static void assert_server_content(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the server complains");
}

START_TEST(test_run)
{
	struct session s = {.signals = terminal_block_signals()};
	int fds[2];
	pid_t pid;
	int status;

	ck_assert_int_ge(s.signals, 0);
	pid = start_server(runs[_i].script, fds);
	client_init(&s.stream, fds[STREAM]);
	client_init(&s.steer, fds[STEER]);
	status = session_run(&s, json_pack("{s:b}", "hold", 1));
	ck_assert_msg(
		status == runs[_i].status, "%d: %s", status, s.trouble.data ? s.trouble.data : "");
	ck_assert_int_eq(s.result != NULL, runs[_i].has_result);
	ck_assert_int_eq(s.trouble.len > 0, *runs[_i].says != '\0');
	if (*runs[_i].says)
		ck_assert_msg(strstr(s.trouble.data, runs[_i].says) != NULL, "%s", s.trouble.data);
	session_fini(&s);
	assert_server_content(pid);
}
END_TEST

static void script_one_call(void)
{
	server_expect(STREAM, "Status", "");
	server_send(STREAM, "{\"parameters\":{\"runs\":[]}}");
	server_until_closed(STREAM);
}

START_TEST(test_call)
{
	struct client_answer a;
	struct client c;
	int fds[2];
	pid_t pid = start_server(script_one_call, fds);

	client_init(&c, fds[STREAM]);
	(void)close(fds[STEER]);
	ck_assert_int_eq(client_call(&c, "Status", NULL, &a), 0);
	ck_assert_ptr_null(a.error);
	ck_assert(!a.continues);
	ck_assert(json_is_array(json_object_get(a.parameters, "runs")));
	client_answer_fini(&a);
	client_close(&c);
	client_close(&c);
	assert_server_content(pid);
}
END_TEST

#define BATCH(continues, rows)                                                                     \
	"{" continues "\"parameters\":{\"result\":{\"intervals\":{\"rows\":[" rows "]}}}}"
#define FIRST_BATCH                                                                                \
	"{\"continues\":true,\"parameters\":{\"result\":{\"intervals\":{\"width_ns\":5,\"rows\":[" \
	"1,"                                                                                       \
	"2]},\"ledger\":{}}}}"

static void script_batches(void)
{
	server_expect(STREAM, "Report", "\"more\":true");
	server_send(STREAM, FIRST_BATCH);
	server_send(STREAM, BATCH("\"continues\":true,", "3,4"));
	server_send(STREAM, BATCH("", "5"));
	server_expect(STREAM, "Report", "\"more\":true");
	server_send(STREAM, BATCH("", "6"));
	/* What has begun and ends with an error leaves nothing behind. */
	server_expect(STREAM, "Report", "");
	server_send(STREAM, FIRST_BATCH);
	server_send(STREAM, "{\"error\":\"a.b.C\"}");
	server_expect(STREAM, "Report", "");
	server_send(STREAM, BATCH("", "7"));
	server_expect(STREAM, "Report", "");
	server_send(STREAM, FIRST_BATCH);
	server_send(STREAM, "{\"parameters\":{\"result\":{}}}");
	server_until_closed(STREAM);
}

static void assert_report(struct client *c, const char *want)
{
	struct client_answer a;
	char *text;

	ck_assert_int_eq(client_call(c, "Report", NULL, &a), 0);
	ck_assert(!a.continues);
	text = json_dumps(a.parameters, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(text, want);
	free(text);
	client_answer_fini(&a);
}

START_TEST(test_batches_are_one_report)
{
	struct client_answer a;
	struct client c;
	int fds[2];
	pid_t pid = start_server(script_batches, fds);

	client_init(&c, fds[STREAM]);
	(void)close(fds[STEER]);
	assert_report(&c, "{\"result\":{\"intervals\":{\"rows\":[1,2,3,4,5],\"width_ns\":5},"
			  "\"ledger\":{}}}");
	assert_report(&c, "{\"result\":{\"intervals\":{\"rows\":[6]}}}");
	ck_assert_int_eq(client_call(&c, "Report", NULL, &a), 0);
	ck_assert_str_eq(a.error, "a.b.C");
	client_answer_fini(&a);
	assert_report(&c, "{\"result\":{\"intervals\":{\"rows\":[7]}}}");
	/* A batch without rows is none. */
	ck_assert_int_eq(client_call(&c, "Report", NULL, &a), CLIENT_E_PROTOCOL);
	client_close(&c);
	assert_server_content(pid);
}
END_TEST

/* A daemon that takes no more of us says why before we have asked, and hangs up. */
static void script_declined(void)
{
	server_send(STREAM, "{\"error\":\"io.rpsd.Control.Refused\",\"parameters\":"
			    "{\"reason\":\"enough of you\"}}");
}

START_TEST(test_declined)
{
	struct client_answer a;
	struct buf text = {0};
	struct client c;
	int fds[2];
	pid_t pid = start_server(script_declined, fds);

	assert_server_content(pid); /* it has gone */
	client_init(&c, fds[STREAM]);
	(void)close(fds[STEER]);
	ck_assert_int_eq(client_call(&c, "Status", NULL, &a), 0);
	ck_assert_int_eq(client_explain(&a, &text), EXIT_REFUSED);
	ck_assert_str_eq(text.data, "rpsctl: refused: enough of you\n");
	buf_fini(&text);
	client_answer_fini(&a);
	client_close(&c);
}
END_TEST

START_TEST(test_call_lost)
{
	struct client_answer a;
	struct client c;
	int fds[2];
	pid_t pid = start_server(script_lost_at_once, fds);

	client_init(&c, fds[STREAM]);
	(void)close(fds[STEER]);
	ck_assert_int_eq(client_call(&c, "Status", NULL, &a), CLIENT_E_LOST);
	ck_assert_ptr_null(a.message);
	client_close(&c);
	assert_server_content(pid);
}
END_TEST

static const struct {
	const char *error;
	const char *parameters;
	int status;
	const char *says;
} errors[] = {
	{"io.rpsd.Control.NoSuchRun", "{\"run\":\"x\"}", EXIT_NO_INPUT, "no such run: x\n"},
	{"io.rpsd.Control.NoSuchRun", "{\"run\":\"\"}", EXIT_NO_INPUT,
		"there is no run: rpsctl start NAME starts one\n"},
	{"io.rpsd.Control.Finished", "{\"run\":\"x-1\"}", EXIT_NO_INPUT,
		"rpsctl: x-1 has finished; rpsctl report x-1 shows its report\n"},
	{"io.rpsd.Control.NotFinished", "{\"run\":\"x\",\"state\":\"running\"}", EXIT_NO_INPUT,
		"x is running"},
	{"io.rpsd.Control.PlanInvalid", "{}", EXIT_CONFIG,
		"not valid, and the daemon does not say why: see its log (journalctl -u rpsd)\n"},
	{"io.rpsd.Control.PlanInvalid", "{\"problems\":[\"-r: x\",\"--set a.b: y\"]}", EXIT_USAGE,
		"rpsctl: -r: x\nrpsctl: --set a.b: y\n"},
	{"io.rpsd.Control.PlanInvalid", "{\"problems\":[\"-r: x\",\"a.ini:3: y\"]}", EXIT_CONFIG,
		"a.ini:3: y\n"},
	{"io.rpsd.Control.Refused", "{\"reason\":\"r\"}", EXIT_REFUSED, "refused: r\n"},
	{"io.rpsd.Control.Unavailable", "{\"reason\":\"fds\"}", EXIT_NO_DAEMON, "cannot: fds\n"},
	{"org.varlink.service.PermissionDenied", "{}", EXIT_REFUSED, "refused"},
	{"org.varlink.service.MethodNotFound", "{}", EXIT_NO_DAEMON, "MethodNotFound"},
	{"other", "[]", EXIT_NO_DAEMON, "other: rpsctl doctor compares the versions of both\n"},
};

START_TEST(test_explain)
{
	json_t *parameters = json_loads(errors[_i].parameters, 0, NULL);
	struct client_answer a = {.error = errors[_i].error, .parameters = parameters};
	struct buf text = {0};

	ck_assert_int_eq(client_explain(&a, &text), errors[_i].status);
	ck_assert_msg(strstr(text.data, errors[_i].says) != NULL, "%s", text.data);
	ck_assert_int_eq(text.data[text.len - 1], '\n');
	buf_fini(&text);
	json_decref(parameters);
}
END_TEST

START_TEST(test_connect)
{
	char directory[] = "/tmp/rpsd-client.XXXXXX";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client c = {.fd = -1};
	struct options o = {0};
	struct err err = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
	o.socket = address.sun_path;
	ck_assert_int_eq(client_connect(&c, &o, true, &err), EXIT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(err.text, "no service at"));
	/* What systemd starts listens elsewhere. */
	ck_assert_ptr_null(strstr(err.text, "systemctl"));
	ck_assert_ptr_nonnull(strstr(err.text, "to start it: rpsd --socket /tmp/rpsd-client."));
	ck_assert_ptr_nonnull(strstr(err.text, "a run of your own needs none: rpsctl URL"));
	o.command = "report";
	ck_assert_int_eq(client_connect(&c, &o, true, &err), EXIT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(err.text, "rpsctl report FILE.json"));
	o.socket = directory;
	ck_assert_int_eq(client_connect(&c, &o, true, &err), EXIT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(err.text, " is not a socket: --socket"));
	o.socket = "/run/rpsd/no-such.socket";
	ck_assert_int_eq(client_connect(&c, &o, true, &err), EXIT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(err.text, "to start it: systemctl start rpsd.socket, or"));
	o.socket = address.sun_path;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(client_connect(&c, &o, true, &err), EXIT_NO_DAEMON);
	ck_assert_ptr_nonnull(strstr(err.text, "no service answers at"));
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(client_connect(&c, &o, true, &err), 0);
	client_close(&c);
	/* The environment stands after the flag. */
	ck_assert_int_eq(setenv("RPSCTL_SOCKET", "/nowhere/s", 1), 0);
	ck_assert_str_eq(client_socket_path(&o), address.sun_path);
	o.socket = NULL;
	ck_assert_str_eq(client_socket_path(&o), "/nowhere/s");
	ck_assert_int_eq(setenv("RPSCTL_SOCKET", "", 1), 0);
	ck_assert_str_eq(client_socket_path(&o), "/run/rpsd/control.socket");
	(void)close(fd);
	(void)unlink(address.sun_path);
	(void)rmdir(directory);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	TCase *tcase = tcase_create("client");
	Suite *suite = suite_create("client");

	tcase_set_timeout(tcase, 20);
	tcase_add_loop_test(tcase, test_run, 0, COUNT(runs));
	tcase_add_test(tcase, test_call);
	tcase_add_test(tcase, test_batches_are_one_report);
	tcase_add_test(tcase, test_declined);
	tcase_add_test(tcase, test_call_lost);
	tcase_add_loop_test(tcase, test_explain, 0, COUNT(errors));
	tcase_add_test(tcase, test_connect);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
