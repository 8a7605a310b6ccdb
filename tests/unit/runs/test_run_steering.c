/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are steered on their way, by way of the registry, against a server on loopback, in
 * virtual time: what they send, what their documents tell of it, and what is refused. */
#include "common/clock.h"
#include "common/control/progress.h"
#include "daemon/runs/run_private.h"
#include "tests/support/skip_clock.h"
#include "tests/support/suite.h"
#include "tests/unit/runs/run_fixture.h"

#define MS NSEC_PER_MSEC
#define SEC NSEC_PER_SEC
#define TIMEOUT_S 20 /* only a broken test waits that long */

static struct mini_server server;
static struct run *run;
static struct err err;

static enum run_state seen[32];
static size_t n_seen;

static void on_state(struct run_observer *o, struct run *r)
{
	(void)o;
	ck_assert_uint_lt(n_seen, 32);
	seen[n_seen++] = run_get_state(r);
}

/* There are as many buffers as intervals may wait for an answer. */
static const char *const common[] = {"load", "workers", "2", "statistics", "interval", "100ms",
	"timeouts", "request", "1s", NULL};

static void setup(void)
{
	skip_clock_start();
	fixture_open();
	fixture.observer.on_state = on_state;
	fixture.common = common;
	ck_assert_int_eq(mini_server_open(&server, 64, mini_answer, NULL), 0);
	n_seen = 0;
}

static void teardown(void)
{
	fixture_close();
	mini_server_close(&server);
	skip_clock_stop();
}

static void start(const char *const *keys)
{
	run = fixture_start(fixture_plan_to(fixture_port(&server), keys));
}

static int64_t elapsed(void)
{
	struct progress p;
	int64_t elapsed_ns;

	ck_assert_int_eq(run_progress(run, &p), 0);
	elapsed_ns = p.elapsed_ns;
	progress_fini(&p);
	return elapsed_ns;
}

static void turn_until_state(enum run_state state)
{
	while (run_get_state(run) != state)
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
}

static void turn_until(int64_t elapsed_ns)
{
	while (run_get_state(run) == RUN_PREPARING || elapsed() < elapsed_ns)
		ck_assert_int_eq(loop_turn(fixture.loop, MS), 0);
}

static const struct run_event *steer(enum run_act act, uint64_t rate)
{
	struct run_order order = {.act = act, .rate = {rate, 1}, .user = "bob"};
	const struct run_event *e = NULL;

	err = (struct err){0};
	ck_assert_msg(run_steer(run, &order, &e, &err) == 0, "%s", err.text);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->user, "bob");
	return e;
}

static void refused(enum run_act act, uint64_t rate, const char *text)
{
	struct run_order order = {.act = act, .rate = {rate, 1}, .user = "bob"};
	const struct run_event *e = NULL;
	size_t before, after;

	(void)run_events(run, &before);
	err = (struct err){0};
	ck_assert_int_eq(run_steer(run, &order, &e, &err), RUN_E_REFUSED);
	ck_assert_str_eq(err.text, text);
	(void)run_events(run, &after);
	ck_assert_uint_eq(before, after);
}

static bool is_late(void)
{
	size_t n;
	const struct run_event *e = run_events(run, &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(e[i].kind, "late"))
			return true;
	return false;
}

static void finish(void)
{
	bool balanced = false;

	turn_until_state(RUN_FINISHED);
	ck_assert(json_path_bool(run_result(run), "ledger.balanced", &balanced) && balanced);
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), fixture_int(run, "ledger.ok"));
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

/* On the border of an interval, to the arrival, and in the document. */
START_TEST(rate_is_set)
{
	static const char *const keys[] = {
		"load", "rate", "500", "load", "duration", "600ms", NULL};
	const struct run_event *e;
	const json_t *event;
	int64_t at_ns;

	start(keys);
	turn_until(120 * MS);
	e = steer(RUN_SET_RATE, 1000);
	at_ns = e->at_ns;
	ck_assert_int_eq(at_ns % (100 * MS), 0);
	ck_assert_int_ge(at_ns, 200 * MS);
	ck_assert_str_eq(e->kind, "rate");
	ck_assert_str_eq(e->text, "bob: rate 500/s -> 1000/s");
	finish();
	ck_assert(!is_late());
	ck_assert_int_eq(
		fixture_int(run, "ledger.planned"), at_ns / (2 * MS) + (600 * MS - at_ns) / MS);
	event = json_array_get(json_path_at(run_result(run), "events"), 0);
	ck_assert_str_eq(json_path_text(event, "kind"), "rate");
	ck_assert_str_eq(json_path_text(event, "from"), "500/s");
	ck_assert_str_eq(json_path_text(event, "to"), "1000/s");
	ck_assert_str_eq(json_path_text(event, "user"), "bob");
	ck_assert_str_eq(json_path_text(run_result(run), "steadiness.word"), "staged");
}
END_TEST

START_TEST(rate_is_scaled)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "10s", NULL};
	struct run_order order = {
		.act = RUN_SET_RATE, .rate = {11, 10}, .is_scale = true, .user = "bob"};
	const struct run_event *e;

	start(keys);
	turn_until(0);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(run_steer(run, &order, &e, &err), 0);
	ck_assert_str_eq(e->to, "313.843/s"); /* of three decimals each time */
	run->room.caps.rate = 320;
	ck_assert_int_eq(run_steer(run, &order, &e, &err), RUN_E_REFUSED);
	ck_assert_str_eq(
		err.text, "rate 345.227/s is above [policy] max-rate = 320: take a lower one");
	order.rate = (struct rate){1, 1000000};
	ck_assert_int_eq(run_steer(run, &order, &e, &err), RUN_E_REFUSED);
	run->room.caps.rate = 0;
	order.rate = (struct rate){1000000, 1};
	ck_assert_int_eq(run_steer(run, &order, &e, &err), RUN_E_REFUSED);
	run_stop(run, true, "enough");
	turn_until_state(RUN_FINISHED);
}
END_TEST

/* What is paused is neither window nor load: counts and rates are those of the plan. */
START_TEST(pause_and_resume)
{
	static const char *const open_keys[] = {
		"load", "rate", "500", "load", "duration", "400ms", NULL};
	static const char *const closed_keys[] = {"load", "rate", "max", "load", "duration",
		"400ms", "load", "think", "1ms", "connections", "count", "4", NULL};
	static const enum run_state states[] = {
		RUN_PREPARING, RUN_RUNNING, RUN_PAUSED, RUN_RUNNING, RUN_DRAINING, RUN_FINISHED};
	int64_t pause_ns, resume_ns;
	struct progress p;

	start(_i ? closed_keys : open_keys);
	turn_until(20 * MS);
	pause_ns = steer(RUN_PAUSE, 0)->at_ns;
	refused(RUN_PAUSE, 0, "test-1 is pausing already; resume sends again");
	turn_until_state(RUN_PAUSED);
	turn_until(600 * MS);
	ck_assert_int_eq(run_progress(run, &p), 0);
	ck_assert_int_ge(p.total_ns, 800 * MS);
	progress_fini(&p);
	resume_ns = steer(RUN_RESUME, 0)->at_ns;
	refused(RUN_RESUME, 0, "test-1 is not paused");
	finish();
	check_states(states, 6);
	ck_assert_int_eq(fixture_int(run, "window.paused_ns"), resume_ns - pause_ns);
	ck_assert_int_eq(fixture_int(run, "window.end_ns"), 400 * MS + resume_ns - pause_ns);
	ck_assert(!is_late());
	if (!_i) {
		ck_assert_int_eq(fixture_int(run, "ledger.planned"), 200);
		ck_assert_double_eq_tol(fixture_real(run, "rates.planned_per_s"), 500, 0.01);
	}
	for (size_t i = (size_t)(pause_ns / (100 * MS)); i < (size_t)(resume_ns / (100 * MS)); i++)
		ck_assert_int_eq(
			json_integer_value(json_object_get(
				json_array_get(json_path_at(run_result(run), "intervals.rows"), i),
				"planned")),
			0);
}
END_TEST

/* Before the window begins: it begins later. */
START_TEST(pause_in_the_warmup)
{
	static const char *const open_keys[] = {"load", "rate", "500", "load", "duration", "200ms",
		"load", "warmup", "300ms", NULL};
	static const char *const closed_keys[] = {"load", "rate", "max", "load", "duration",
		"200ms", "load", "warmup", "300ms", "load", "think", "1ms", NULL};
	static const enum run_state states[] = {RUN_PREPARING, RUN_WARMUP, RUN_PAUSED, RUN_WARMUP,
		RUN_RUNNING, RUN_DRAINING, RUN_FINISHED};
	int64_t paused_ns;

	start(_i ? closed_keys : open_keys);
	turn_until(0);
	paused_ns = -steer(RUN_PAUSE, 0)->at_ns;
	turn_until_state(RUN_PAUSED);
	turn_until(400 * MS);
	paused_ns += steer(RUN_RESUME, 0)->at_ns;
	finish();
	check_states(states, 7);
	ck_assert_int_eq(fixture_int(run, "window.paused_ns"), 0);
	ck_assert_int_eq(fixture_int(run, "window.start_ns"), 300 * MS + paused_ns);
	ck_assert_int_eq(fixture_int(run, "window.end_ns"), 500 * MS + paused_ns);
	ck_assert(!is_late());
	if (!_i) {
		ck_assert_int_eq(fixture_int(run, "ledger.planned"), 100);
		ck_assert_int_eq(fixture_int(run, "outside.warmup.planned"), 150);
	}
}
END_TEST

/* The rest of a stage is left out; after the last one the run ends. */
START_TEST(next_stage)
{
	static const char *const keys[] = {
		"load", "stage", "hold 500/s for 1h", "load", "stage", "hold 1000/s for 1h", NULL};
	const struct run_event *e;
	struct progress p;
	int64_t first_ns, last_ns;

	start(keys);
	turn_until(20 * MS);
	ck_assert_int_eq(run_progress(run, &p), 0);
	ck_assert_int_eq(p.stage.number, 1);
	ck_assert_int_eq(p.stage.of, 2);
	ck_assert_str_eq(p.stage.text, "hold 500/s for 1h");
	progress_fini(&p);
	/* Of another rate as soon as that is in force, and in this stage alone. */
	e = steer(RUN_SET_RATE, 500);
	ck_assert_int_eq(run_progress(run, &p), 0);
	ck_assert_str_eq(p.stage.text, "hold 500/s for 1h");
	progress_fini(&p);
	turn_until(e->at_ns + MS);
	ck_assert_int_eq(run_progress(run, &p), 0);
	ck_assert_str_eq(p.stage.text, "hold 500/s for 1h, set to 500/s");
	progress_fini(&p);
	e = steer(RUN_NEXT, 0);
	ck_assert_str_eq(e->text, "bob: next stage, hold 500/s for 1h -> hold 1000/s for 1h");
	first_ns = e->at_ns;
	turn_until(first_ns + MS);
	ck_assert_int_eq(run_progress(run, &p), 0);
	ck_assert_int_eq(p.stage.number, 2);
	ck_assert_str_eq(p.stage.text, "hold 1000/s for 1h");
	progress_fini(&p);
	e = steer(RUN_NEXT, 0);
	ck_assert_str_eq(e->text, "bob: next stage, hold 1000/s for 1h -> the end");
	last_ns = e->at_ns;
	finish();
	ck_assert_str_eq(json_path_text(run_result(run), "run.outcome"), "completed");
	ck_assert_int_eq(fixture_int(run, "window.end_ns"), last_ns);
	ck_assert(!is_late());
	ck_assert_int_eq(fixture_int(run, "ledger.planned"),
		first_ns / (2 * MS) + (last_ns - first_ns) / MS);
}
END_TEST

/* The rate before was that before the pause, and the new one waits for its end. */
START_TEST(rate_of_a_paused_run)
{
	static const char *const keys[] = {
		"load", "rate", "100", "load", "duration", "300ms", NULL};
	const struct run_event *e;

	start(keys);
	turn_until(0);
	(void)steer(RUN_PAUSE, 0);
	e = steer(RUN_SET_RATE, 200);
	ck_assert_str_eq(e->from, "paused");
	ck_assert_str_eq(e->to, "200/s");
	ck_assert_str_eq(e->text, "bob: rate 200/s, when resumed");
	(void)steer(RUN_RESUME, 0);
	e = steer(RUN_SET_RATE, 400);
	ck_assert_str_eq(e->text, "bob: rate 200/s -> 400/s");
	finish();
}
END_TEST

START_TEST(what_is_refused)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "300ms",
		"timeouts", "drain", "5s", NULL};

	start(keys);
	refused(RUN_PAUSE, 0, "test-1 has not begun yet");
	turn_until(0);
	refused(RUN_SET_RATE, 0, "0/s is not a rate to continue with; use pause to wait");
	refused(RUN_RESUME, 0, "test-1 is not paused");
	(void)steer(RUN_PAUSE, 0);
	refused(RUN_NEXT, 0, "test-1 is paused: resume it first");
	(void)steer(RUN_SET_RATE, 200);
	(void)steer(RUN_RESUME, 0);
	turn_until(270 * MS);
	refused(RUN_SET_RATE, 400, "test-1 is at its end");
	finish();
	refused(RUN_PAUSE, 0, "test-1 has finished");
}
END_TEST

START_TEST(a_closed_run_has_no_rate)
{
	static const char *const keys[] = {
		"load", "rate", "max", "load", "duration", "10s", "load", "think", "1ms", NULL};

	start(keys);
	turn_until(0);
	refused(RUN_SET_RATE, 100,
		"a closed run has no rate: its users send as soon as they are answered");
	refused(RUN_NEXT, 0, "a closed run has no stages");
	run_stop(run, false, "stopped by bob");
	refused(RUN_PAUSE, 0, "test-1 is ending");
	finish();
}
END_TEST

/* A pause that is never ended is not measured. */
START_TEST(stopped_in_a_pause)
{
	static const char *const open_keys[] = {
		"load", "rate", "500", "load", "duration", "1h", NULL};
	static const char *const closed_keys[] = {
		"load", "rate", "max", "load", "duration", "1h", "load", "think", "1ms", NULL};
	int64_t at_ns, sent_ns;

	start(_i % 2 ? closed_keys : open_keys);
	turn_until(20 * MS);
	at_ns = steer(RUN_PAUSE, 0)->at_ns;
	turn_until_state(RUN_PAUSED);
	turn_until(500 * MS);
	run_stop(run, _i / 2, "stopped by bob");
	turn_until_state(RUN_FINISHED);
	sent_ns = fixture_int(run, "window.end_ns") - fixture_int(run, "window.paused_ns");
	ck_assert_int_eq(sent_ns, at_ns);
	ck_assert_int_ge(fixture_int(run, "window.end_ns"), 500 * MS);
	ck_assert_str_eq(json_path_text(run_result(run), "run.outcome"), "stopped");
	ck_assert(!is_late());
	if (_i == 0)
		ck_assert_double_eq_tol(fixture_real(run, "rates.planned_per_s"), 500, 0.01);
}
END_TEST

/* What lies after a pause of the warm-up never came. */
START_TEST(stopped_in_a_pause_of_the_warmup)
{
	static const char *const open_keys[] = {"load", "rate", "500", "load", "duration", "200ms",
		"load", "warmup", "300ms", NULL};
	static const char *const closed_keys[] = {"load", "rate", "max", "load", "duration",
		"200ms", "load", "warmup", "300ms", "load", "think", "1ms", NULL};

	start(_i % 2 ? closed_keys : open_keys);
	turn_until(0);
	(void)steer(RUN_PAUSE, 0);
	turn_until_state(RUN_PAUSED);
	turn_until(600 * MS);
	run_stop(run, _i / 2, "stopped by bob");
	turn_until_state(RUN_FINISHED);
	ck_assert_int_eq(fixture_int(run, "window.end_ns"), fixture_int(run, "window.start_ns"));
	ck_assert_int_eq(fixture_int(run, "window.paused_ns"), 0);
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 0);
	ck_assert_uint_eq(json_array_size(json_path_at(run_result(run), "intervals.rows")), 0);
}
END_TEST

/* More of them than may be under way at once. */
START_TEST(steered_by_a_machine)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "1h", NULL};
	struct run_order order = {.act = RUN_SET_RATE, .user = "bob"};
	const struct run_event *e;
	unsigned n_refused = 0;

	start(keys);
	turn_until(0);
	for (unsigned n = 0; n < 60; n++) {
		order.rate = (struct rate){100 + n % 7, 1};
		while (run_steer(run, &order, &e, &err) != 0) {
			ck_assert_str_eq(
				err.text, "too many changes at once: try again in a second");
			n_refused++;
			ck_assert_int_eq(loop_turn(fixture.loop, 10 * MS), 0);
		}
	}
	ck_assert_uint_gt(n_refused, 0);
	run_stop(run, true, "enough");
	turn_until_state(RUN_FINISHED);
	ck_assert_uint_ge(json_array_size(json_path_at(run_result(run), "events")), 60);
}
END_TEST

/* ---- slices */

/* A slice begins at its instant, makes its part, and cannot be steered. */
START_TEST(slice_at_an_instant)
{
	char at[32];
	const char *const keys[] = {"load", "rate", "100", "load", "duration", "310ms", "load",
		"slice", "2/3", "load", "at", at, NULL};
	static const enum run_state states[] = {
		RUN_PREPARING, RUN_RUNNING, RUN_DRAINING, RUN_FINISHED};
	int64_t at_ns = clock_unix_ns() + 1300 * MS;

	(void)snprintf(
		at, sizeof(at), "%lld.%09lld", (long long)(at_ns / SEC), (long long)(at_ns % SEC));
	start(keys);
	ck_assert_int_eq(run_get_state(run), RUN_PREPARING);
	refused(RUN_PAUSE, 0, "test-1 has not begun yet");
	turn_until(0);
	ck_assert_int_ge(clock_unix_ns(), at_ns);
	refused(RUN_PAUSE, 0, "test-1 is a slice of a schedule: it cannot be steered");
	finish();
	check_states(states, 4);
	/* Of 31: 1, 4, …, 28 from 0 on. */
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 10);
	ck_assert_int_eq(fixture_int(run, "plan.slice.index"), 2);
	ck_assert_int_eq(fixture_int(run, "plan.slice.of"), 3);
	ck_assert_int_eq(mini_server_requests(&server), 10);
	/* The two clocks are read one after the other. */
	ck_assert_int_le(llabs(fixture_int(run, "run.started_unix_ns") - at_ns), MS);
}
END_TEST

START_TEST(stopped_before_its_instant)
{
	char at[32];
	const char *const keys[] = {"load", "at", at, NULL};

	(void)snprintf(at, sizeof(at), "%lld", (long long)(clock_unix_ns() / SEC + 3600));
	start(keys);
	if (_i < 2)
		while (elapsed() >= 0)
			ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	run_stop(run, _i % 2, "stopped by bob");
	turn_until_state(RUN_FINISHED);
	ck_assert_int_eq(fixture_int(run, "ledger.planned"), 0);
	ck_assert_str_eq(json_path_text(run_result(run), "run.outcome"), "stopped");
	ck_assert_msg(
		strstr(run_reason(run), _i < 2 ? " before the instant of its start"
					       : "stopped by bob, still connecting to 127.0.0.1:"),
		"%s", run_reason(run));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run_steering");
	TCase *t = tcase_create("run_steering");

	tcase_set_timeout(t, TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rate_is_set);
	tcase_add_test(t, rate_is_scaled);
	tcase_add_loop_test(t, pause_and_resume, 0, 2);
	tcase_add_loop_test(t, pause_in_the_warmup, 0, 2);
	tcase_add_test(t, next_stage);
	tcase_add_test(t, rate_of_a_paused_run);
	tcase_add_test(t, what_is_refused);
	tcase_add_test(t, a_closed_run_has_no_rate);
	tcase_add_loop_test(t, stopped_in_a_pause, 0, 4);
	tcase_add_loop_test(t, stopped_in_a_pause_of_the_warmup, 0, 4);
	tcase_add_test(t, steered_by_a_machine);
	tcase_add_test(t, slice_at_an_instant);
	tcase_add_loop_test(t, stopped_before_its_instant, 0, 4);
	suite_add_tcase(s, t);
	return suite_main(s);
}
