/* SPDX-License-Identifier: Apache-2.0 */
/* Runs from their start to their document, by way of the registry, against a server on loopback;
 * in virtual time, but for those in which the process is stopped. */
#include "daemon/runs/registry.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "common/clock.h"
#include "common/control/progress.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "daemon/runs/run_private.h"
#include "tests/support/limit.h"
#include "tests/support/skip_clock.h"
#include "tests/support/suite.h"
#include "tests/unit/runs/run_fixture.h"

static struct mini_server server;

static enum run_state seen[32];
static size_t n_seen;
static unsigned n_intervals, n_finished;
static void (*when_running)(struct run *run);
static void (*at_interval)(struct run *run);

static void on_state(struct run_observer *o, struct run *run)
{
	(void)o;
	ck_assert_uint_lt(n_seen, 32);
	seen[n_seen++] = run_get_state(run);
	if (run_get_state(run) == RUN_RUNNING && when_running)
		when_running(run);
}

static void on_interval(struct run_observer *o, struct run *run)
{
	(void)o;
	n_intervals++;
	if (at_interval)
		at_interval(run);
}

static void on_finished(struct run_observer *o, struct run *run)
{
	n_finished++;
	ck_assert_ptr_nonnull(run_result(run));
	run_unobserve(o);
}

/* There are as many buffers as intervals may wait for an answer. */
static const char *const common[] = {"timeouts", "request", "1s", NULL};

static void setup_in_real_time(void)
{
	fixture_open();
	fixture.common = common;
	fixture.observer.on_state = on_state;
	fixture.observer.on_interval = on_interval;
	fixture.observer.on_finished = on_finished;
	n_seen = n_intervals = n_finished = 0;
	when_running = at_interval = NULL;
}

static void setup(void)
{
	skip_clock_start();
	setup_in_real_time();
}

static void teardown(void)
{
	fixture_close();
	skip_clock_stop();
}

/* "section key value" over the server as the target. */
static struct plan *make_plan(const char *const *keys)
{
	return fixture_plan_to(fixture_port(&server), keys);
}

static double rate(const struct run *run, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "rates.%s_per_s", name);
	return fixture_real(run, path);
}

static const char *text(const struct run *run, const char *path)
{
	const char *s = json_string_value(json_path_at(run_result(run), path));

	ck_assert_msg(s != NULL, "no %s", path);
	return s;
}

/* On a busy machine the workers may have drained before we looked. */
static void check_states(const enum run_state *states, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (states[i] == RUN_DRAINING && at < n_seen && seen[at] == RUN_FINISHED)
			continue;
		ck_assert_uint_lt(at, n_seen);
		ck_assert_int_eq(seen[at++], states[i]);
	}
	ck_assert_uint_eq(at, n_seen);
}

START_TEST(open_run_from_start_to_document)
{
	static const char *const keys[] = {"load", "rate", "500", "load", "duration", "300ms",
		"load", "warmup", "100ms", "load", "cooldown", "50ms", "statistics", "interval",
		"100ms", "load", "workers", "2", NULL};
	static const enum run_state states[] = {
		RUN_PREPARING, RUN_WARMUP, RUN_RUNNING, RUN_DRAINING, RUN_FINISHED};
	const json_t *doc;
	struct run *run;
	bool balanced = false;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_start(make_plan(keys));
	ck_assert_str_eq(run_id(run), "test-1");
	fixture_finish();
	check_states(states, 5);
	ck_assert_uint_eq(n_finished, 1);
	ck_assert_uint_ge(n_intervals, 1);
	doc = run_result(run);
	ck_assert_str_eq(json_path_text(doc, "schema"), RESULT_SCHEMA);
	ck_assert_str_eq(json_path_text(doc, "run.user"), "alice");
	ck_assert_str_eq(json_path_text(doc, "run.outcome"), "completed");
	ck_assert_str_eq(json_path_text(doc, "plan.model"), "open");
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 150);
	ck_assert_int_eq(fixture_int(run, "ledger.sent"), 150);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 150);
	ck_assert(json_path_bool(doc, "ledger.balanced", &balanced) && balanced);
	ck_assert_int_eq(fixture_int(run, "outside.warmup.ok"), 50);
	ck_assert_int_eq(fixture_int(run, "outside.cooldown.ok"), 25);
	ck_assert_int_eq(fixture_int(run, "window.start_ns"), 100 * NSEC_PER_MSEC);
	ck_assert_int_eq(fixture_int(run, "window.end_ns"), 400 * NSEC_PER_MSEC);
	ck_assert_int_eq(fixture_int(run, "latency.response.count"), 150);
	ck_assert_int_eq(fixture_int(run, "statuses.200"), 150);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "intervals.rows")), 3);
	ck_assert_uint_eq(mini_server_requests(&server), 225);
	mini_server_close(&server);
}
END_TEST

/* Both models, one to three workers, a last row that the window's end cuts, and load after it. */
START_TEST(intervals_add_up_to_the_ledger)
{
	const char *keys[] = {"load", "rate", _i % 2 ? "max" : "1000", "load", "duration", "250ms",
		"load", "warmup", "50ms", "load", "cooldown", "100ms", "connections", "count", "6",
		"statistics", "interval", "100ms", "load", "workers", NULL, NULL};
	static const char *const workers[] = {"1", "2", "3"};
	int64_t planned = 0, sent = 0, completed = 0, ok = 0;
	struct run *run;
	json_t *row;
	size_t i;

	keys[20] = workers[_i / 2];
	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	json_array_foreach(json_path_at(run_result(run), "intervals.rows"), i, row)
	{
		planned += json_integer_value(json_object_get(row, "planned"));
		sent += json_integer_value(json_object_get(row, "sent"));
		completed += json_integer_value(json_object_get(row, "completed"));
		ok += json_integer_value(json_object_get(row, "ok"));
		ck_assert(json_is_false(json_object_get(row, "open")));
		ck_assert_int_eq(json_integer_value(json_object_get(row, "t_ns")),
			(json_int_t)i * fixture_int(run, "intervals.width_ns"));
	}
	ck_assert_uint_gt(i, 0);
	ck_assert_int_eq(planned, fixture_int(run, "ledger.planned"));
	ck_assert_double_eq_tol((double)sent, rate(run, "sent") * 0.25, 1e-3);
	ck_assert_double_eq_tol((double)completed, rate(run, "completed") * 0.25, 1e-3);
	ck_assert_double_eq_tol((double)ok, rate(run, "ok") * 0.25, 1e-3);
	mini_server_close(&server);
}
END_TEST

START_TEST(closed_run_by_count)
{
	static const char *const keys[] = {"load", "rate", "max", "load", "requests", "1001",
		"connections", "count", "7", "load", "workers", "3", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(fixture_int(run, "ledger.sent"), 1001);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 1001);
	ck_assert_ptr_null(json_path_at(run_result(run), "latency.response"));
	ck_assert_ptr_null(json_path_at(run_result(run), "offered"));
	ck_assert_int_gt(fixture_int(run, "window.end_ns"), 0);
	ck_assert_uint_eq(mini_server_requests(&server), 1001);
	mini_server_close(&server);
}
END_TEST

static void stop_it(struct run *run)
{
	run_stop(run, false, "stopped by alice");
}

static void stop_it_now(struct run *run)
{
	run_stop(run, true, "stopped by alice");
}

START_TEST(stopped_run_has_a_report)
{
	static const char *const keys[] = {"load", "rate", "200", "load", "duration", "1h",
		"statistics", "interval", "100ms", NULL};
	struct run *run;
	bool balanced = false;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	at_interval = _i == 0 ? stop_it : stop_it_now;
	run = fixture_run(make_plan(keys));
	ck_assert_str_eq(run_outcome(run), "stopped");
	ck_assert_str_eq(run_reason(run), "stopped by alice");
	ck_assert_int_eq(run_exit_code(run), EXIT_STOPPED);
	ck_assert(json_path_bool(run_result(run), "ledger.balanced", &balanced) && balanced);
	ck_assert_int_gt(fixture_int(run, "ledger.ok"), 0);
	ck_assert_int_lt(fixture_int(run, "window.end_ns"), NSEC_PER_SEC * 3000);
	mini_server_close(&server);
}
END_TEST

START_TEST(stopped_before_anything_was_sent)
{
	static const char *const keys[] = {"load", "rate", "100", NULL};
	struct run *run;
	char says[80];

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_start(make_plan(keys));
	run_stop(run, false, "stopped by alice"); /* still resolving */
	ck_assert_int_eq(run_get_state(run), RUN_FINISHED);
	ck_assert_int_eq(run_exit_code(run), EXIT_STOPPED);
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 0);
	(void)snprintf(says, sizeof(says),
		"stopped by alice, still connecting to 127.0.0.1:%u after ",
		(unsigned)ntohs(server.address.sin_port));
	ck_assert_msg(str_starts(run_reason(run), says), "%s", run_reason(run));
	mini_server_close(&server);
}
END_TEST

START_TEST(stopped_when_it_is_told_to_go)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "warmup", "1h", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	when_running = stop_it; /* never: it stays in warm-up */
	at_interval = stop_it;
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(run_exit_code(run), EXIT_STOPPED);
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 0);
	ck_assert_int_gt(fixture_int(run, "outside.warmup.planned"), 0);
	mini_server_close(&server);
}
END_TEST

START_TEST(refused_server_fails_with_one_line)
{
	static const char *const keys[] = {"load", "rate", "100", NULL};
	struct run *run;
	uint16_t port;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	port = fixture_port(&server);
	mini_server_close(&server);
	run = fixture_run(fixture_plan_to(port, keys));
	ck_assert_str_eq(run_outcome(run), "failed");
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	/* Nothing was in flight: that is not the same as 0 %. */
	ck_assert(json_is_null(json_path_at(run_result(run), "generator.little_residual")));
	ck_assert_ptr_nonnull(strstr(run_reason(run), "connection refused"));
	ck_assert_ptr_null(strchr(run_reason(run), '\n'));
}
END_TEST

START_TEST(address_that_the_guard_forbids_is_refused)
{
	static const char *const keys[] = {
		"target", "url", "http://169.254.169.254/", "load", "rate", "100", NULL};
	struct err err = {0};
	struct run *run;

	ck_assert_int_eq(fixture_try(fixture_plan_to(1, keys), &run, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "169.254.169.254"));
}
END_TEST

START_TEST(every_answer_bad_is_a_failed_run)
{
	static const char *const keys[] = {
		"load", "rate", "200", "load", "duration", "100ms", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer_503, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	ck_assert_int_eq(fixture_int(run, "ledger.http_error"), 20);
	ck_assert_int_eq(fixture_int(run, "statuses.503"), 20);
	ck_assert_str_eq(
		json_string_value(json_object_get(
			json_array_get(json_path_at(run_result(run), "errors"), 0), "class")),
		"status");
	mini_server_close(&server);
}
END_TEST

static size_t request_len;

static void note_request(struct run *run)
{
	request_len = run->requests[0].len;
}

/* As all rates they are of the window: neither warm-up nor cool-down is in them. */
START_TEST(bytes_are_of_the_window)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "300ms",
		"load", "warmup", "700ms", "load", "cooldown", "200ms", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	when_running = note_request;
	run = fixture_run(make_plan(keys));
	ck_assert_double_eq_tol(
		rate(run, "bytes_in"), rate(run, "completed") * (double)strlen(MINI_OK), 1e-6);
	ck_assert_double_eq_tol(
		rate(run, "bytes_out"), rate(run, "sent") * (double)request_len, 1e-6);
	mini_server_close(&server);
}
END_TEST

/* A status after another, and in between an answer that breaks off. */
static void answer_anything(struct mini_conn *c)
{
	static const unsigned statuses[] = {200, 404, 599, 600, 780, 999};
	char text[64];

	while (mini_read_request(c)) {
		unsigned n = mini_server_requests(c->server) - 1;

		if (n % 7 == 6) {
			(void)mini_write(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
			return;
		}
		(void)snprintf(text, sizeof(text), "HTTP/1.1 %u X\r\nContent-Length: 0\r\n\r\n",
			statuses[n % 7]);
		(void)mini_write(c, text);
	}
}

START_TEST(statuses_add_up_to_the_answers)
{
	static const char *const keys[] = {
		"load", "rate", "max", "load", "requests", "70", "connections", "count", "1", NULL};
	json_t *statuses;
	const char *name;
	json_t *count;
	int64_t sum = 0;
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, answer_anything, NULL), 0);
	run = fixture_run(make_plan(keys));
	statuses = json_object_get(run_result(run), "statuses");
	json_object_foreach(statuses, name, count)
	{
		ck_assert_int_eq(json_integer_value(count), 10);
		sum += json_integer_value(count);
	}
	ck_assert_int_eq(sum, 60);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 10);
	ck_assert_int_eq(fixture_int(run, "ledger.http_error"), 50);
	ck_assert_int_eq(fixture_int(run, "ledger.connection_error"), 10);
	mini_server_close(&server);
}
END_TEST

/* Reads the headers alone; then it keeps the connection, or closes it over the unread body. */
static void refuse_early(struct mini_conn *c)
{
	bool closes = c->server->userdata != NULL;

	if (mini_read_request(c) && mini_write(c, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n") &&
		!closes)
		(void)mini_hold(c);
}

START_TEST(an_answer_may_come_before_the_request_has_gone_out)
{
	static char body[12 * 1024 * 1024];
	const struct plan_file file = {.name = "b", .data = body, .len = sizeof(body)};
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct plan *plan = NULL;
	struct run *run;
	char url[64];

	ck_assert_int_eq(mini_server_open(&server, 64, refuse_early, _i ? &server : NULL), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", fixture_port(&server));
	ck_assert_int_eq(ini_set(&doc, "t", "target", "", "url", url), 0);
	ck_assert_int_eq(ini_set(&doc, "t", "load", "", "rate", "50"), 0);
	ck_assert_int_eq(ini_set(&doc, "t", "load", "", "duration", "100ms"), 0);
	ck_assert_int_eq(ini_set(&doc, "t", "timeouts", "", "request", "1s"), 0);
	ck_assert_int_eq(ini_set(&doc, "t", "defaults", "", "method", "POST"), 0);
	ck_assert_int_eq(ini_set(&doc, "t", "defaults", "", "body", "@b"), 0);
	ck_assert_int_eq(
		plan_build_within(SIZE_MAX, "test", &doc, NULL, &file, 1, &plan, &problems), 0);
	problems_fini(&problems);
	ini_fini(&doc);
	run = fixture_run(plan);
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 5);
	ck_assert_int_eq(fixture_int(run, "ledger.http_error"), 5);
	ck_assert_int_eq(fixture_int(run, "statuses.413"), 5);
	/* What the writes took: buffers do not hold that much. */
	ck_assert_double_lt(rate(run, "bytes_out"), 50.0 * sizeof(body));
	mini_server_close(&server);
}
END_TEST

START_TEST(unanswered_requests_end_with_the_drain)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "100ms",
		"timeouts", "drain", "100ms", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_hang, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(fixture_int(run, "ledger.unfinished"), 10);
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	ck_assert(json_is_null(json_path_at(run_result(run), "offered.p50_ns")));
	mini_server_close(&server);
}
END_TEST

/* Stops this process for half a second, from outside. */
static void sleep_at_interval(struct run *run)
{
	pid_t pid;

	(void)run;
	at_interval = NULL;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct timespec half = {0, 500 * NSEC_PER_MSEC};

		(void)kill(getppid(), SIGSTOP);
		(void)nanosleep(&half, NULL);
		(void)kill(getppid(), SIGCONT);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* What nobody sent in time is not the server's fault. */
START_TEST(a_daemon_that_was_stopped_blames_itself)
{
	static const char *const keys[] = {"load", "rate", "200", "load", "duration", "1s",
		"timeouts", "request", "100ms", "statistics", "interval", "100ms", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	at_interval = sleep_at_interval;
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 200);
	ck_assert_int_ge(fixture_int(run, "ledger.expired"), 50);
	ck_assert_str_eq(text(run, "generator.verdict"), "saturated");
	ck_assert_str_eq(text(run, "headline.limited_by"), "generator");
	ck_assert_str_eq(text(run, "headline.result"), "void");
	ck_assert_int_eq(run_exit_code(run), EXIT_UNDECIDED);
	mini_server_close(&server);
}
END_TEST

/* In the closed model nothing is late: the heartbeat tells. */
START_TEST(a_daemon_that_was_stopped_blames_itself_closed)
{
	static const char *const keys[] = {"load", "rate", "max", "load", "duration", "1s",
		"connections", "count", "4", "statistics", "interval", "100ms", NULL};
	struct run *run;
	double stalled = 0;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	at_interval = sleep_at_interval;
	run = fixture_run(make_plan(keys));
	ck_assert(json_path_real(run_result(run), "generator.stalled_share", &stalled));
	ck_assert_double_ge(stalled, 0.2); /* half a second of one, less a heartbeat */
	ck_assert_str_eq(text(run, "generator.verdict"), "saturated");
	ck_assert_str_eq(text(run, "headline.limited_by"), "generator");
	mini_server_close(&server);
}
END_TEST

/* Ten answers, then each one when the test says so. */
static void answer_then_hold(struct mini_conn *c)
{
	while (mini_read_request(c)) {
		if (mini_server_requests(c->server) > 10 && !mini_hold(c))
			return;
		if (!mini_write(c, MINI_OK))
			return;
	}
}

static void release_when_told(struct run *run)
{
	size_t n;
	const struct run_event *e = run_events(run, &n);

	if (n > 0 && strcmp(e[n - 1].kind, "silence") == 0)
		mini_server_release(&server, 1000);
}

START_TEST(silence_is_an_event_while_it_lasts)
{
	static const char *const keys[] = {"load", "rate", "40", "load", "duration", "3s",
		"timeouts", "request", "5s", "statistics", "interval", "100ms", NULL};
	struct run *run;
	const struct run_event *e;
	size_t n;

	ck_assert_int_eq(mini_server_open(&server, 64, answer_then_hold, NULL), 0);
	at_interval = release_when_told; /* nothing but the event ends the silence */
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 120);
	e = run_events(run, &n);
	ck_assert_uint_ge(n, 2);
	ck_assert_str_eq(e[0].kind, "silence");
	ck_assert_str_eq(e[1].kind, "answers");
	mini_server_close(&server);
}
END_TEST

/* The fifth request is never answered, all others are. */
static void answer_but_the_fifth(struct mini_conn *c)
{
	while (mini_read_request(c)) {
		if (mini_server_requests(c->server) == 5 && !mini_hold(c))
			return;
		if (!mini_write(c, MINI_OK))
			return;
	}
}

/* The oldest request waits all the time, and for more than a second nothing is asked for. */
START_TEST(a_planned_pause_is_no_silence)
{
	static const char *const keys[] = {"load", "stage", "hold 100 for 500ms", "load", "stage",
		"pause 1200ms", "load", "stage", "hold 100 for 200ms", "timeouts", "request",
		"2500ms", "timeouts", "drain", "1ms", "statistics", "interval", "100ms", NULL};
	struct run *run;
	double residual = -1;
	size_t n;

	ck_assert_int_eq(mini_server_open(&server, 64, answer_but_the_fifth, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 69);
	(void)run_events(run, &n);
	ck_assert_uint_eq(n, 0);
	/* A single request that hangs is time in flight like any other. */
	ck_assert(json_path_real(run_result(run), "generator.little_residual", &residual));
	ck_assert_double_le(residual, 1e-6);
	mini_server_close(&server);
}
END_TEST

START_TEST(the_first_fault_of_a_kind_is_an_event)
{
	static const char *const keys[] = {"load", "rate", "200", "load", "duration", "300ms",
		"statistics", "interval", "100ms", NULL};
	struct run *run;
	const struct run_event *e;
	size_t n;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer_503, NULL), 0);
	run = fixture_run(make_plan(keys));
	e = run_events(run, &n);
	ck_assert_uint_ge(n, 1);
	ck_assert_str_eq(e[0].kind, "fault");
	ck_assert_ptr_nonnull(strstr(e[0].text, "status"));
	mini_server_close(&server);
}
END_TEST

START_TEST(numbers_rise_and_survive)
{
	static const char *const keys[] = {"load", "rate", "100", NULL};

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	for (int i = 1; i <= 3; i++) {
		struct run *run = fixture_start(make_plan(keys));
		char id[32];

		(void)snprintf(id, sizeof(id), "test-%d", i);
		ck_assert_str_eq(run_id(run), id);
		run_stop(run, true, "enough");
		if (i == 2) {
			fixture_reopen(true);
		}
	}
	mini_server_close(&server);
}
END_TEST

static void count(struct run *run, void *arg)
{
	(void)run;
	(*(unsigned *)arg)++;
}

START_TEST(finished_runs_are_found_and_in_time_forgotten)
{
	static const char *const keys[] = {"load", "rate", "max", "load", "requests", "1", NULL};
	unsigned n = 0;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	ck_assert_ptr_null(registry_find(fixture.registry, NULL));
	for (int i = 0; i < 5; i++) {
		struct run *run = fixture_start(make_plan(keys));

		ck_assert_uint_eq(registry_n_active(fixture.registry), 1);
		ck_assert_ptr_eq(registry_find(fixture.registry, NULL), run);
		fixture_finish();
		ck_assert_uint_eq(registry_n_active(fixture.registry), 0);
	}
	registry_each(fixture.registry, count, &n);
	ck_assert_uint_eq(n, 3); /* keep_runs = 2 and the newest */
	ck_assert_ptr_null(registry_find(fixture.registry, "test-1"));
	ck_assert_ptr_nonnull(registry_find(fixture.registry, "test-4"));
	ck_assert_ptr_eq(
		registry_find(fixture.registry, NULL), registry_find(fixture.registry, "test-5"));
	mini_server_close(&server);
}
END_TEST

/* Also those within keep_runs, where their results take too much memory. */
START_TEST(large_results_are_forgotten_earlier)
{
	static const char *const keys[] = {"load", "rate", "max", "load", "requests", "1", NULL};
	unsigned n = 0;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	for (int i = 0; i < 3; i++) {
		struct run *run = fixture_run(make_plan(keys));
		ck_assert_uint_gt(
			run->result_bytes, json_dumpb(run_result(run), NULL, 0, JSON_COMPACT));
		run->result_bytes = 40 << 20;
	}
	registry_each(fixture.registry, count, &n);
	ck_assert_uint_eq(n, 2); /* one of 40 MiB and the newest */
	mini_server_close(&server);
}
END_TEST

/* Sixty-four of them are kept by default. The first one leaves a compressor for all of them. */
START_TEST(a_finished_run_is_small)
{
	static const char *const keys[] = {
		"load", "rate", "200", "load", "duration", "100ms", NULL};
	struct mallinfo2 before, after;
	struct progress p;
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	(void)fixture_start(make_plan(keys));
	fixture_finish();
	before = mallinfo2();
	run = fixture_run(make_plan(keys));
	mini_server_close(&server);
	after = mallinfo2();
	ck_assert_uint_lt(
		after.uordblks + after.hblkhd - before.uordblks - before.hblkhd, 512 * 1024);
	ck_assert_int_eq(run_progress(run, &p), 0);
	ck_assert_int_eq(p.ok, 20);
	ck_assert_int_gt(p.p99_ns, 0);
	ck_assert_int_eq(p.connections, 0);
	progress_fini(&p);
}
END_TEST

static void lose_an_arrival(struct run *run)
{
	run->totals.ledgers[STATS_WINDOW].planned++;
}

static void err_on_the_way(struct run *run)
{
	run->summary.unbalanced++;
}

static bool has_note(const struct run *run, const char *code)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_path_at(run_result(run), "generator.notes"), i, note)
	{
		if (strcmp(json_path_text(note, "code"), code) == 0)
			return true;
	}
	return false;
}

/* It says so, and nobody can take it for a good one. */
START_TEST(a_run_whose_ledger_is_wrong_is_void)
{
	static const char *const keys[] = {
		"load", "rate", "100", "load", "duration", "100ms", NULL};
	bool balanced;
	struct run *run;

	when_running = _i ? err_on_the_way : lose_an_arrival;
	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(run_exit_code(run), EXIT_UNDECIDED);
	ck_assert_str_eq(text(run, "headline.result"), "void");
	ck_assert_ptr_nonnull(strstr(text(run, "headline.because"), "ledger"));
	ck_assert(json_path_bool(run_result(run), "ledger.balanced", &balanced));
	ck_assert_int_eq(balanced, _i);
	ck_assert(has_note(run, _i ? "ledger-interval" : "ledger"));
	ck_assert_int_eq(fixture_int(run, "generator.unbalanced_intervals"), _i);
	mini_server_close(&server);
}
END_TEST

/* Figures of the machine are there, or null where they cannot be read; never left out. */
START_TEST(a_run_tells_of_its_machine)
{
	static const char *const keys[] = {
		"load", "rate", "500", "load", "duration", "200ms", NULL};
	static const char *const members[] = {"steal_share", "softirq_share", "throttled_share",
		"throttled_ns", "run_queue_share", "involuntary_switches", "loop_p99_ns",
		"loop_max_ns", "rx_slack_p99_ns", "tcp_segments", "retransmits", "clocksource",
		"clock_ns", "descriptors", "ports"};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		ck_assert_msg(
			json_object_get(json_path_at(run_result(run), "generator"), members[i]),
			"no %s", members[i]);
	ck_assert_int_gt(fixture_int(run, "generator.loop_p99_ns"), 0);
	ck_assert_int_ge(fixture_int(run, "generator.loop_max_ns") * 102 / 100,
		fixture_int(run, "generator.loop_p99_ns"));
	ck_assert_int_gt(fixture_int(run, "generator.clock_ns"), 0);
	ck_assert_int_eq(fixture_int(run, "generator.unbalanced_intervals"), 0);
	ck_assert_int_gt(fixture_int(run, "generator.descriptors.used_at_most"), 0);
	mini_server_close(&server);
}
END_TEST

/* Finished runs are kept in numbers. */
START_TEST(a_finished_run_holds_no_descriptor)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "50ms", NULL};
	struct run *run;
	uint64_t before = host_descriptors_open();

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_int_eq(run_get_state(run), RUN_FINISHED);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 5);
	mini_server_close(&server);
	ck_assert_uint_eq(host_descriptors_open(), before);
}
END_TEST

START_TEST(a_finished_run_has_let_go_of_its_body)
{
	static char body[4 << 20];
	const char *const keys[] = {"defaults", "method", "POST", "defaults", "body", body, NULL};
	struct mallinfo2 before = mallinfo2();
	struct mallinfo2 after;
	uint16_t port;

	memset(body, 'x', sizeof(body) - 1);
	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	port = fixture_port(&server);
	mini_server_close(&server); /* nobody is there, and it fails at once */
	(void)fixture_start(fixture_plan_to(port, keys));
	fixture_finish();
	after = mallinfo2();
	ck_assert_uint_lt(
		after.uordblks + after.hblkhd - before.uordblks - before.hblkhd, 512 * 1024);
}
END_TEST

/* Sanitizers keep what is freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Resident memory, in bytes. */
static int64_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	int64_t size, pages;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%" SCNd64 " %" SCNd64, &size, &pages), 2);
	ck_assert_int_eq(fclose(f), 0);
	return pages * sysconf(_SC_PAGESIZE);
}

START_TEST(a_large_run_gives_its_memory_back)
{
	static const char *const keys[] = {"load", "rate", "200", "load", "duration", "100ms",
		"timeouts", "request", "50s", "statistics", "interval", "100ms", NULL};
	int64_t before = resident();
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	mini_server_close(&server);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 20);
	ck_assert_int_lt(resident() - before, 8 * 1024 * 1024);
}
END_TEST

START_TEST(caps_hold_in_the_service_only)
{
	static const char *const keys[] = {"load", "rate", "1001", NULL};
	struct err err = {0};
	struct run *run;

	fixture.settings.max_rate = 1000;
	fixture.settings.max_runs = 1;
	fixture.settings.max_connections = 10;
	fixture.settings.max_duration_ns = NSEC_PER_SEC * 3600;
	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_start(make_plan(keys));
	run_stop(run, true, "enough");
	fixture_reopen(false);
	ck_assert_int_eq(fixture_try(make_plan(keys), &run, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-rate"));
	fixture.settings.max_rate = 2000;
	fixture.settings.max_runs = 0;
	ck_assert_int_eq(fixture_try(make_plan(keys), &run, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "max-runs"));
	mini_server_close(&server);
}
END_TEST

/* The main thread stands still over the instant at which the cap ends: the plan ended in time, so
 * its last answers have theirs. */
START_TEST(a_late_look_at_the_cap_gives_nothing_up)
{
	static const char *const keys[] = {"load", "rate", "50", "load", "duration", "200ms", NULL};
	struct err err = {0};
	struct run *run;

	fixture.settings.max_rate = fixture.settings.max_connections = 1000;
	fixture.settings.max_runs = 1;
	fixture.settings.max_duration_ns = 200 * NSEC_PER_MSEC;
	ck_assert_int_eq(mini_server_open(&server, 64, mini_hang, NULL), 0);
	guard_fini(&fixture.guard);
	ck_assert_int_eq(guard_init_service(&fixture.guard, NULL, 0, &err), 0);
	fixture_reopen(false);
	run = fixture_start(make_plan(keys));
	while (run->times.t0_ns == 0 && run->state != RUN_FINISHED)
		ck_assert_int_eq(loop_turn(fixture.loop, 10 * NSEC_PER_MSEC), 0);
	ck_assert_int_gt(run->limit_ns, clock_now_ns());
	(void)poll(NULL, 0, (int)((run->limit_ns - clock_now_ns()) / NSEC_PER_MSEC) + 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(loop_turn(fixture.loop, NSEC_PER_MSEC), 0);
	ck_assert_int_eq(run->outcome, AUDIT_COMPLETED);
	while (run->state != RUN_FINISHED)
		ck_assert_int_eq(loop_turn(fixture.loop, 10 * NSEC_PER_MSEC), 0);
	ck_assert_int_eq(run->outcome, AUDIT_STOPPED);
	mini_server_close(&server);
}
END_TEST

/* Its resolver waits for a server that takes no connection, for an hour. */
START_TEST(a_run_stopped_while_resolving_leaves_no_thread_behind)
{
	static const char *const keys[] = {"timeouts", "connect", "1h", NULL};
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fds[3];
	int64_t until_ns = limit_ns(5);
	struct err err = {0};
	struct run *run;
	uint16_t port;

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fds[0], 0), 0);
	ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&sa, &len), 0);
	for (int i = 1; i < 3; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fds[i], (struct sockaddr *)&sa, sizeof(sa));
	}
	port = ntohs(sa.sin_port);
	guard_fini(&fixture.guard);
	ck_assert_int_eq(guard_init_service(&fixture.guard, NULL, 0, &err), 0);
	fixture.settings.max_runs = 1;
	fixture.settings.max_rate = fixture.settings.max_connections = 100000;
	fixture.settings.max_duration_ns = 24 * 3600 * NSEC_PER_SEC;
	fixture_reopen(false);
	ck_assert_int_eq(fixture_try(fixture_plan_to(port, keys), &run, &err), 0);
	run_stop(run, true, "enough");
	ck_assert_uint_eq(registry_n_active(fixture.registry), 0);
	/* Not before its thread has come to an end. */
	ck_assert_int_eq(fixture_try(fixture_plan_to(port, keys), &run, &err), REGISTRY_E_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "still look their host up"));
	while (fixture_try(fixture_plan_to(port, keys), &run, &err)) {
		ck_assert_int_lt(clock_now_ns(), until_ns);
		ck_assert_int_eq(loop_turn(fixture.loop, 10 * NSEC_PER_MSEC), 0);
	}
	run_stop(run, true, "enough");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(close(fds[i]), 0);
}
END_TEST

/* The bytes that are no UTF-8 do not take the readable ones with them, here as in `watch`. */
START_TEST(text_that_is_not_utf8_is_shown_as_far_as_it_is)
{
	static const char *const keys[] = {"load", "requests", "2", "load", "rate", "100",
		"defaults", "header", "X-Name: caf\xc3\xa9 \xff", NULL};
	struct run *run;

	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	run = fixture_run(make_plan(keys));
	ck_assert_ptr_nonnull(strstr(text(run, "plan.text"), "X-Name: caf\xc3\xa9 ?"));
	mini_server_close(&server);
}
END_TEST

START_TEST(state_directory_that_is_not_there)
{
	struct err err = {0};
	struct registry *r = NULL;

	fixture.config.state_dir = "/nonexistent/rpsd";
	ck_assert_int_lt(registry_new(&fixture.config, &r, &err), 0);
	ck_assert_ptr_null(r);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/rpsd/run-number"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("run");
	TCase *real = tcase_create("run in real time");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, open_run_from_start_to_document);
	tcase_add_loop_test(t, intervals_add_up_to_the_ledger, 0, 6);
	tcase_add_test(t, bytes_are_of_the_window);
	tcase_add_test(t, statuses_add_up_to_the_answers);
	tcase_add_test(t, closed_run_by_count);
	tcase_add_loop_test(t, stopped_run_has_a_report, 0, 2);
	tcase_add_test(t, stopped_before_anything_was_sent);
	tcase_add_test(t, stopped_when_it_is_told_to_go);
	tcase_add_test(t, refused_server_fails_with_one_line);
	tcase_add_test(t, address_that_the_guard_forbids_is_refused);
	tcase_add_test(t, every_answer_bad_is_a_failed_run);
	tcase_add_loop_test(t, an_answer_may_come_before_the_request_has_gone_out, 0, 2);
	tcase_add_test(t, unanswered_requests_end_with_the_drain);
	tcase_add_test(t, silence_is_an_event_while_it_lasts);
	tcase_add_test(t, a_planned_pause_is_no_silence);
	tcase_add_test(t, the_first_fault_of_a_kind_is_an_event);
	tcase_add_test(t, numbers_rise_and_survive);
	tcase_add_test(t, finished_runs_are_found_and_in_time_forgotten);
	tcase_add_test(t, large_results_are_forgotten_earlier);
	tcase_add_loop_test(t, a_run_whose_ledger_is_wrong_is_void, 0, 2);
	tcase_add_test(t, a_run_tells_of_its_machine);
	tcase_add_test(t, a_finished_run_is_small);
	tcase_add_test(t, a_finished_run_holds_no_descriptor);
	tcase_add_test(t, a_finished_run_has_let_go_of_its_body);
	if (!SANITIZED)
		tcase_add_test(t, a_large_run_gives_its_memory_back);
	tcase_add_test(t, caps_hold_in_the_service_only);
	tcase_add_test(t, a_late_look_at_the_cap_gives_nothing_up);
	tcase_add_test(t, a_run_stopped_while_resolving_leaves_no_thread_behind);
	tcase_add_test(t, text_that_is_not_utf8_is_shown_as_far_as_it_is);
	tcase_add_test(t, state_directory_that_is_not_there);
	suite_add_tcase(s, t);

	/* These stop the process. */
	tcase_add_checked_fixture(real, setup_in_real_time, fixture_close);
	tcase_set_timeout(real, 30);
	tcase_add_test(real, a_daemon_that_was_stopped_blames_itself);
	tcase_add_test(real, a_daemon_that_was_stopped_blames_itself_closed);
	suite_add_tcase(s, real);
	return suite_main(s);
}
