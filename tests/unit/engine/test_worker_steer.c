/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that are steered while they run against the mini server, in virtual time; the test's
 * thread is main. The counts are those of the last schedule, to the arrival, and every ledger
 * balances. */
#include "daemon/engine/worker.h"

#include "tests/support/suite.h"
#include "tests/unit/engine/worker_fixture.h"

#define N_SCHEDULES 16

static struct schedule *schedules[N_SCHEDULES]; /* each steered away from the one before */
static unsigned n_schedules;
static int64_t t0_ns;

static unsigned n_ready, n_done, n_steered;
static uint64_t n_planned_paused; /* by intervals that lie in the pause */
static int64_t quiet_from_ns, quiet_to_ns;
static unsigned n_late;
static int64_t ended_ns;

static void on_ready(struct worker *w, enum fault fault, const char *why)
{
	(void)w;
	(void)why;
	ck_assert_int_eq(fault, FAULT_NONE);
	n_ready++;
}

static void on_pulse(struct worker *w, const struct worker_pulse *pulse)
{
	(void)w;
	ck_assert_uint_le(ledger_resolved(&pulse->ledger), pulse->ledger.planned);
}

static void on_interval(struct worker *w, const struct stats_interval *i)
{
	(void)w;
	ck_assert_uint_eq(i->pending, 0);
	if (i->start_ns >= quiet_from_ns && i->start_ns + i->width_ns <= quiet_to_ns)
		n_planned_paused += i->planned;
}

static void on_steered(struct worker *w, const struct schedule *schedule)
{
	(void)w;
	ck_assert_ptr_nonnull(schedule);
	n_steered++;
}

static void on_done(struct worker *w)
{
	n_done++;
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ck_assert(ledger_balances(&worker_totals(w)->ledgers[i]));
	stats_totals_add(&totals, worker_totals(w));
	n_late += worker_summary(w)->late_acts;
	if (worker_summary(w)->ended_ns > ended_ns)
		ended_ns = worker_summary(w)->ended_ns;
}

static void setup(void)
{
	n_ready = n_done = n_steered = n_schedules = n_late = 0;
	n_planned_paused = 0;
	quiet_from_ns = quiet_to_ns = ended_ns = 0;
	fixture_open_workers();
	plan.interval_ns = 10 * MS;
	plan.pacing_gap_ns = -1;
	plan.seed = 42;
	n_workers = 2;
	config.queue_max = 10000;
	config.on_ready = on_ready;
	config.on_pulse = on_pulse;
	config.on_interval = on_interval;
	config.on_steered = on_steered;
	config.on_done = on_done;
	fixture_serve(mini_answer);
}

static void teardown(void)
{
	fixture_close_workers();
	while (n_schedules > 0)
		schedule_free(schedules[--n_schedules]);
}

static void plan_stages_of(uint64_t rate_a, uint64_t rate_b, int64_t each_ns)
{
	stages[0] =
		(struct plan_stage){.kind = PLAN_HOLD, .rate = {rate_a, 1}, .duration_ns = each_ns};
	stages[1] =
		(struct plan_stage){.kind = PLAN_HOLD, .rate = {rate_b, 1}, .duration_ns = each_ns};
	plan.model = PLAN_OPEN;
	plan.n_stages = 2;
}

static void go(void)
{
	bool is_open = plan.model == PLAN_OPEN;

	if (is_open)
		ck_assert_int_eq(schedule_new(&plan, &schedules[n_schedules++]), 0);
	config.is_fixed_pool = !is_open;
	n_connections = 2 * n_workers;
	fixture_make_workers(is_open ? schedules[0] : NULL);
	fixture_start_workers();
	TURN_UNTIL(n_ready == n_workers);
	t0_ns = clock_now_ns() + 20 * MS;
	fixture_go(t0_ns);
}

static const struct schedule *newest(void)
{
	return schedules[n_schedules - 1];
}

/* at_ns: since t0. */
static void steer(enum schedule_act act, uint64_t rate, int64_t at_ns)
{
	ck_assert_uint_lt(n_schedules, N_SCHEDULES);
	ck_assert_int_eq(schedule_steer(newest(), act, (struct rate){rate, 1}, at_ns,
				 &schedules[n_schedules]),
		0);
	n_schedules++;
	for (unsigned i = 0; i < n_workers; i++)
		ck_assert_int_eq(worker_steer(workers[i], newest(), t0_ns + at_ns), 0);
}

static void toggle(int64_t at_ns)
{
	for (unsigned i = 0; i < n_workers; i++)
		ck_assert_int_eq(worker_steer(workers[i], NULL, t0_ns + at_ns), 0);
}

static void wait_until(int64_t at_ns)
{
	while (clock_now_ns() < t0_ns + at_ns)
		ck_assert_int_eq(loop_turn(loop, MS), 0);
}

static void finish(void)
{
	TURN_UNTIL(n_done == n_workers);
}

static uint64_t planned(enum stats_phase phase)
{
	return totals.ledgers[phase].planned;
}

/* The counts of the last schedule. */
static void assert_exact(void)
{
	ck_assert_uint_eq(n_late, 0);
	ck_assert_uint_eq(planned(STATS_WARMUP), schedule_segment_count(newest(), SCHEDULE_WARMUP));
	ck_assert_uint_eq(planned(STATS_WINDOW), schedule_segment_count(newest(), SCHEDULE_WINDOW));
	ck_assert_uint_eq(
		planned(STATS_COOLDOWN), schedule_segment_count(newest(), SCHEDULE_COOLDOWN));
	ck_assert_uint_eq(mini_server_requests(&server), schedule_count(newest()));
}

/* ---- the open model */

START_TEST(rate_is_set)
{
	n_workers = 1 + (unsigned)_i % 2;
	plan.arrivals = _i / 2 ? PLAN_JITTER : PLAN_CONSTANT;
	plan.jitter = 1;
	plan_stages_of(500, 1000, 150 * MS);
	plan.warmup_ns = 20 * MS;
	plan.cooldown_ns = 20 * MS;
	go();
	steer(SCHEDULE_SET_RATE, 2000, 100 * MS);
	finish();
	assert_exact();
	ck_assert_uint_eq(n_steered, n_workers);
	/* 80 ms at 500/s, 70 ms at 2,000/s, 150 ms at 1,000/s. */
	ck_assert_uint_eq(planned(STATS_WINDOW), 40 + 140 + 150);
}
END_TEST

START_TEST(pause_and_resume)
{
	int64_t at_ns = _i == 0 ? 10 * MS : 60 * MS; /* in the warm-up, or after it */

	plan_stages_of(1000, 2000, 60 * MS);
	plan.warmup_ns = 40 * MS;
	go();
	steer(SCHEDULE_PAUSE, 0, at_ns);
	wait_until(at_ns + 40 * MS);
	steer(SCHEDULE_RESUME, 0, at_ns + 100 * MS);
	quiet_from_ns = 20 * MS;
	quiet_to_ns = _i == 0 ? 0 : 120 * MS;
	finish();
	assert_exact();
	ck_assert_uint_eq(planned(STATS_WARMUP), 40);
	ck_assert_uint_eq(planned(STATS_WINDOW), 180);
	ck_assert_uint_eq(n_planned_paused, 0);
	ck_assert_int_ge(ended_ns, t0_ns + 260 * MS);
}
END_TEST

/* The next stage, and after the last one the end. */
START_TEST(next_stage)
{
	plan_stages_of(1000, 2000, 3600 * SEC);
	go();
	steer(SCHEDULE_NEXT, 0, 50 * MS);
	steer(SCHEDULE_NEXT, 0, 100 * MS);
	finish();
	assert_exact();
	ck_assert_uint_eq(planned(STATS_WINDOW), 50 + 100);
}
END_TEST

/* All known before the first of them has come, some for the same instant. */
START_TEST(acts_ahead)
{
	plan.arrivals = _i ? PLAN_POISSON : PLAN_CONSTANT;
	plan_stages_of(1000, 1000, 80 * MS);
	go();
	steer(SCHEDULE_SET_RATE, 1500, 40 * MS);
	steer(SCHEDULE_SET_RATE, 2000, 40 * MS);
	steer(SCHEDULE_PAUSE, 0, 60 * MS);
	steer(SCHEDULE_RESUME, 0, 60 * MS);
	steer(SCHEDULE_PAUSE, 0, 60 * MS);
	steer(SCHEDULE_SET_RATE, 500, 80 * MS);
	steer(SCHEDULE_RESUME, 0, 110 * MS);
	steer(SCHEDULE_NEXT, 0, 120 * MS);
	steer(SCHEDULE_SET_RATE, 3000, 120 * MS);
	finish();
	ck_assert_uint_eq(n_steered, 9 * n_workers);
	if (_i == 0)
		assert_exact();
	else
		ck_assert_uint_gt(planned(STATS_WINDOW), 0);
}
END_TEST

/* A worker that hears of it too late says so, and loses nothing. */
START_TEST(heard_late)
{
	static const enum schedule_act acts[] = {
		SCHEDULE_SET_RATE, SCHEDULE_SET_RATE, SCHEDULE_PAUSE, SCHEDULE_NEXT};

	plan_stages_of(1000, 1000, 60 * MS);
	plan.warmup_ns = 20 * MS;
	go();
	wait_until(50 * MS);
	steer(acts[_i], _i == 0 ? 3000 : 100, 30 * MS);
	if (acts[_i] == SCHEDULE_PAUSE)
		steer(SCHEDULE_RESUME, 0, 90 * MS);
	finish();
	ck_assert_uint_ge(n_late, n_workers);
	ck_assert_uint_eq(totals.ledgers[STATS_WINDOW].classes[LEDGER_OK], planned(STATS_WINDOW));
	ck_assert_uint_gt(planned(STATS_WINDOW), 0);
}
END_TEST

/* In a pause a run can be stopped and aborted as ever, and one that is over hears nothing. */
START_TEST(end_in_a_pause)
{
	if (_i < 2) {
		plan_stages_of(1000, 1000, 3600 * SEC);
	} else {
		plan.model = PLAN_CLOSED;
		plan.duration_ns = 3600 * SEC;
	}
	go();
	if (_i < 2)
		steer(SCHEDULE_PAUSE, 0, 40 * MS);
	else
		toggle(40 * MS);
	wait_until(50 * MS);
	for (unsigned i = 0; i < n_workers; i++)
		if (_i % 2)
			worker_abort(workers[i]);
		else
			worker_stop(workers[i], t0_ns + 60 * MS);
	finish();
	if (_i < 2)
		steer(SCHEDULE_RESUME, 0, 100 * MS);
	ck_assert_uint_gt(planned(STATS_WINDOW), 0);
	if (_i == 0)
		ck_assert_uint_eq(planned(STATS_WINDOW), 40);
}
END_TEST

/* ---- the closed model */

START_TEST(users_pause)
{
	int64_t at_ns = _i == 0 ? 10 * MS : 50 * MS; /* in the warm-up, or after it */

	plan.model = PLAN_CLOSED;
	plan.duration_ns = 60 * MS;
	plan.warmup_ns = 30 * MS;
	plan.think_ns = MS;
	go();
	toggle(at_ns);
	wait_until(at_ns + 40 * MS);
	toggle(at_ns + 100 * MS);
	quiet_from_ns = 20 * MS;
	quiet_to_ns = _i == 0 ? 0 : 120 * MS;
	finish();
	ck_assert_int_ge(ended_ns, t0_ns + 190 * MS - MS);
	ck_assert_uint_gt(planned(STATS_WARMUP), 0);
	ck_assert_uint_gt(planned(STATS_WINDOW), 0);
	ck_assert_uint_eq(planned(STATS_COOLDOWN), 0);
	ck_assert_uint_eq(n_late, 0);
	ck_assert_uint_eq(n_planned_paused, 0);
}
END_TEST

START_TEST(users_pause_with_a_count)
{
	plan.model = PLAN_CLOSED;
	plan.n_arrivals = 101;
	plan.think_ns = MS;
	go();
	toggle(10 * MS);
	toggle(30 * MS);
	finish();
	ck_assert_uint_eq(planned(STATS_WINDOW), 101);
	ck_assert_uint_eq(mini_server_requests(&server), 101);
}
END_TEST

/* Asked for ahead of the window's end, or after it, a pause of the cooldown leaves the window as
 * it is: what is planned until the pause begins is of the cooldown. */
START_TEST(users_pause_in_the_cooldown)
{
	plan.model = PLAN_CLOSED;
	plan.duration_ns = 100 * MS;
	plan.cooldown_ns = 300 * MS;
	plan.think_ns = MS;
	go();
	if (_i > 0)
		wait_until(120 * MS);
	toggle(300 * MS);
	wait_until(300 * MS);
	toggle(360 * MS);
	finish();
	ck_assert_int_ge(ended_ns, t0_ns + 460 * MS - MS);
	/* A user thinks for 1 ms: there cannot be more, however fast the server is. */
	ck_assert_uint_gt(planned(STATS_WINDOW), 0);
	ck_assert_uint_le(planned(STATS_WINDOW), 2 * 2 * 101);
	ck_assert_uint_gt(planned(STATS_COOLDOWN), 0);
}
END_TEST

/* Of one request for two workers, one has nothing to do but to warm up; so it is also where a pause
 * lies after that. */
START_TEST(users_pause_without_a_share)
{
	plan.model = PLAN_CLOSED;
	plan.n_arrivals = 1;
	plan.warmup_ns = 60 * MS;
	plan.think_ns = 20 * MS;
	go();
	toggle(150 * MS);
	toggle(170 * MS);
	finish();
	ck_assert_uint_eq(planned(STATS_WINDOW), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("worker_steer");
	TCase *t = tcase_create("worker_steer");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, rate_is_set, 0, 4);
	tcase_add_loop_test(t, pause_and_resume, 0, 2);
	tcase_add_test(t, next_stage);
	tcase_add_loop_test(t, acts_ahead, 0, 2);
	tcase_add_loop_test(t, heard_late, 0, 4);
	tcase_add_loop_test(t, end_in_a_pause, 0, 4);
	tcase_add_loop_test(t, users_pause, 0, 2);
	tcase_add_test(t, users_pause_with_a_count);
	tcase_add_loop_test(t, users_pause_in_the_cooldown, 0, 2);
	tcase_add_test(t, users_pause_without_a_share);
	suite_add_tcase(s, t);
	return suite_main(s);
}
