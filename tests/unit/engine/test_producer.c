/* SPDX-License-Identifier: Apache-2.0 */
/* The producer on a real loop: which arrivals come, in which order and never early. How late they
 * are is the machine's affair and not tested. */
#include "daemon/engine/producer.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define SEC NSEC_PER_SEC
#define SEEN_MAX 4096

static struct loop *loop;
static struct schedule *schedule;
static struct producer producer;
static struct producer_config pacing;

static int64_t seen[SEEN_MAX]; /* planned, in the order of coming */
static size_t n_seen;
static size_t stop_after; /* producer_stop_at after so many, from inside the call */

static void on_arrival(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns)
{
	ck_assert_ptr_eq(owner, &producer);
	ck_assert_int_ge(picked_ns, planned_ns);
	ck_assert_int_le(picked_ns, clock_now_ns());
	ck_assert_int_eq(planned_ns, producer._t0_ns + schedule_at(producer.config.schedule, k));
	ck_assert_uint_lt(n_seen, SEEN_MAX);
	seen[n_seen++] = planned_ns;
	if (stop_after > 0 && n_seen == stop_after)
		producer_stop_at(&producer, 0);
}

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	n_seen = 0;
	stop_after = 0;
	pacing = (struct producer_config){
		.gap_ns = -1, .on_arrival = on_arrival, .owner = &producer};
}

static void teardown(void)
{
	producer_close(&producer);
	schedule = schedule_free(schedule);
	loop = loop_free(loop);
}

static void plan_two_stages(uint64_t rate_a, uint64_t rate_b, int64_t each_ns)
{
	struct plan_stage stages[] = {
		{.kind = PLAN_HOLD, .rate = {rate_a, 1}, .duration_ns = each_ns},
		{.kind = PLAN_HOLD, .rate = {rate_b, 1}, .duration_ns = each_ns}};
	struct plan plan = {.stages = stages, .n_stages = 2};

	ck_assert_int_eq(schedule_new(&plan, &schedule), 0);
}

static void open_producer(uint64_t index, uint64_t stride)
{
	pacing.schedule = schedule;
	pacing.index = index;
	pacing.stride = stride;
	ck_assert_int_eq(producer_open(&producer, loop, &pacing), 0);
	ck_assert_int_eq(producer_next_ns(&producer), CLOCK_NEVER); /* not started */
}

static void turn_until_over(void)
{
	while (producer_next_ns(&producer) != CLOCK_NEVER)
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
}

static void assert_seen(int64_t t0_ns, uint64_t index, uint64_t stride, size_t n)
{
	ck_assert_uint_eq(n_seen, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(seen[i], t0_ns + schedule_at(schedule, index + i * stride));
}

/* Every arrival of each share, with its own instant: workers together take each exactly once. */
START_TEST(all_arrivals_in_order)
{
	static const uint64_t strides[] = {1, 2, 3, 7};
	uint64_t stride = strides[_i];
	uint64_t total = 0;

	plan_two_stages(1000, 9000, 20 * MS);
	for (uint64_t index = 0; index < stride; index++) {
		uint64_t n = (schedule_count(schedule) - index + stride - 1) / stride;
		int64_t t0_ns = clock_now_ns() + 5 * MS;

		n_seen = 0;
		open_producer(index, stride);
		producer_start(&producer, t0_ns);
		ck_assert_int_eq(producer_next_ns(&producer), t0_ns + schedule_at(schedule, index));
		turn_until_over();
		assert_seen(t0_ns, index, stride, n);
		total += n_seen;
		producer_close(&producer);
	}
	ck_assert_uint_eq(total, schedule_count(schedule));
	ck_assert_uint_eq(total, 200);
}
END_TEST

START_TEST(nothing_before_its_time)
{
	plan_two_stages(1, 1, SEC);
	open_producer(0, 1);
	producer_start(&producer, clock_now_ns() + 3600 * SEC);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 0);
}
END_TEST

/* A share without any arrival. */
START_TEST(no_arrivals)
{
	plan_two_stages(1, 1, SEC);
	open_producer(2, 3);
	producer_start(&producer, clock_now_ns());
	ck_assert_int_eq(producer_next_ns(&producer), CLOCK_NEVER);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 0);
}
END_TEST

/* Everything is due already: the loop looks at its sockets between the batches. */
START_TEST(backlog_comes_in_batches)
{
	int64_t t0_ns = clock_now_ns() - 10 * SEC;
	size_t before;

	plan_two_stages(1000, 500, SEC);
	open_producer(0, 1);
	producer_start(&producer, t0_ns);
	ck_assert_int_eq(loop_turn(loop, SEC), 0);
	ck_assert_uint_gt(n_seen, 0);
	while (producer_next_ns(&producer) != CLOCK_NEVER) {
		before = n_seen;
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
		ck_assert_uint_gt(n_seen, before);
		ck_assert_uint_le(n_seen - before, 32);
	}
	assert_seen(t0_ns, 0, 1, 1500);
}
END_TEST

/* At or after the instant nothing, before it everything. */
START_TEST(stop_is_exact)
{
	int64_t t0_ns = clock_now_ns();
	int64_t stop_ns;

	plan_two_stages(1000, 1000, 50 * MS);
	open_producer(0, 1);
	stop_ns = t0_ns + schedule_at(schedule, 20) + _i; /* 0: arrival 20 is not before it */
	producer_start(&producer, t0_ns);
	producer_stop_at(&producer, stop_ns);
	producer_stop_at(&producer, stop_ns + SEC); /* never later again */
	turn_until_over();
	assert_seen(t0_ns, 0, 1, 20 + (size_t)_i);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 20 + (size_t)_i);
}
END_TEST

START_TEST(stop_before_the_start)
{
	plan_two_stages(1000, 1000, 50 * MS);
	open_producer(0, 1);
	producer_stop_at(&producer, 1);
	producer_start(&producer, clock_now_ns());
	ck_assert_int_eq(producer_next_ns(&producer), CLOCK_NEVER);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 0);
}
END_TEST

/* From inside the call, in the middle of a batch. */
START_TEST(stop_in_a_batch)
{
	plan_two_stages(1000, 1000, 50 * MS);
	open_producer(0, 1);
	stop_after = 7;
	producer_start(&producer, clock_now_ns() - SEC);
	turn_until_over();
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 7);
}
END_TEST

/* Every way of waiting brings the same arrivals, and between any two batches the sockets' turn. */
START_TEST(each_pacing_brings_all)
{
	static const struct {
		enum plan_pacing mode;
		int64_t gap_ns, spin_ns;
	} rows[] = {
		{PLAN_PACING_TIMER, 0, 0},
		{PLAN_PACING_TIMER, 3 * MS, 0},
		{PLAN_PACING_HYBRID, -1, 40000},
		{PLAN_PACING_HYBRID, -1, 0},
		{PLAN_PACING_HYBRID, 2 * MS, MS},
		{PLAN_PACING_SPIN, -1, 0},
		{PLAN_PACING_SPIN, MS, 0},
	};
	int64_t t0_ns = clock_now_ns() + MS;

	plan_two_stages(500, 7000, 20 * MS);
	pacing.mode = rows[_i].mode;
	pacing.gap_ns = rows[_i].gap_ns;
	pacing.spin_ns = rows[_i].spin_ns;
	open_producer(0, 1);
	producer_start(&producer, t0_ns);
	turn_until_over();
	assert_seen(t0_ns, 0, 1, 150);
}
END_TEST

/* Spinning, the loop turns without sleeping; where nothing is due for long it sleeps. */
START_TEST(spin_sleeps_only_when_far)
{
	plan_two_stages(1000, 1000, SEC);
	pacing.mode = PLAN_PACING_SPIN;
	open_producer(0, 1);
	producer_start(&producer, clock_now_ns() + (_i ? 3600 : 0) * SEC);
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(loop_turn(loop, _i ? 0 : 3600 * SEC), 0);
		ck_assert_int_eq(list_empty(&producer._task._ready), _i == 1);
	}
}
END_TEST

/* The gap: what falls into one goes out together, so there are few batches. */
START_TEST(gap_gathers)
{
	unsigned n_batches = 0;
	size_t before = 0;

	plan_two_stages(1000, 1000, 20 * MS);
	pacing.gap_ns = 10 * MS;
	open_producer(0, 1);
	producer_start(&producer, clock_now_ns());
	while (producer_next_ns(&producer) != CLOCK_NEVER) {
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
		n_batches += n_seen > before;
		before = n_seen;
	}
	ck_assert_uint_eq(n_seen, 40);
	ck_assert_uint_le(n_batches, 6);
}
END_TEST

/* Jittered and drawn arrivals, of all shares: the list of one walk. */
START_TEST(every_spacing_is_split)
{
	struct plan_stage stage = {.rate = {2000, 1}, .duration_ns = 50 * MS};
	struct plan plan = {.stages = &stage, .n_stages = 1, .seed = 7, .jitter = 1};
	struct schedule_cursor whole;

	plan.arrivals = _i ? PLAN_POISSON : PLAN_JITTER;
	ck_assert_int_eq(schedule_new(&plan, &schedule), 0);
	for (uint64_t index = 0; index < 3; index++) {
		int64_t t0_ns = clock_now_ns() - SEC;
		size_t n = 0;

		n_seen = 0;
		open_producer(index, 3);
		producer_start(&producer, t0_ns);
		turn_until_over();
		producer_close(&producer);
		schedule_begin(schedule, 0, 1, &whole);
		for (; whole.t_ns != CLOCK_NEVER; schedule_next(&whole))
			if (whole.k % 3 == index)
				ck_assert_int_eq(seen[n++], t0_ns + whole.t_ns);
		ck_assert_uint_eq(n, n_seen);
	}
}
END_TEST

/* Slice i of n, worker w of W within it: all of them together make each arrival of the one schedule
 * once, at its instant. */
START_TEST(slices_make_the_whole)
{
	static const uint64_t n = 3, n_workers = 2;
	struct plan_stage stage = {.rate = {2000, 1}, .duration_ns = 50 * MS};
	struct plan plan = {.stages = &stage, .n_stages = 1, .seed = 7, .jitter = 0.5};
	int64_t t0_ns = clock_now_ns() - SEC;
	struct schedule_cursor whole;
	int64_t all[100] = {0};
	size_t n_all = 0;

	plan.arrivals = (unsigned)_i;
	ck_assert_int_eq(schedule_new(&plan, &schedule), 0);
	for (uint64_t part = 0; part < n * n_workers; part++) {
		uint64_t slice = part % n, worker = part / n;
		uint64_t k = slice + n * worker;

		n_seen = 0;
		open_producer(k, n * n_workers);
		producer_start(&producer, t0_ns);
		turn_until_over();
		producer_close(&producer);
		for (size_t i = 0; i < n_seen; i++, k += n * n_workers, n_all++) {
			ck_assert_uint_lt(k, 100);
			ck_assert_int_eq(all[k], 0);
			all[k] = seen[i];
		}
	}
	ck_assert_uint_eq(n_all, 100);
	schedule_begin(schedule, 0, 1, &whole);
	for (; whole.t_ns != CLOCK_NEVER; schedule_next(&whole))
		ck_assert_int_eq(all[whole.k], t0_ns + whole.t_ns);
}
END_TEST

/* ---- steering */

static struct schedule *steered[4];
static size_t n_steered;

static void steer(enum schedule_act act, uint64_t rate, int64_t at_ns)
{
	const struct schedule *now = n_steered ? steered[n_steered - 1] : schedule;

	ck_assert_int_eq(
		schedule_steer(now, act, (struct rate){rate, 1}, at_ns, &steered[n_steered]), 0);
	producer_steer(&producer, steered[n_steered++]);
}

static void free_steered(void)
{
	producer_close(&producer);
	while (n_steered > 0)
		schedule_free(steered[--n_steered]);
}

/* Before the instant the old rate, after it the new one, no arrival lost or doubled. */
START_TEST(rate_changes_on_the_way)
{
	int64_t t0_ns = clock_now_ns(), at_ns = _i ? MS : 30 * MS;
	size_t n_made = 0;

	plan_two_stages(1000, 500, 40 * MS);
	open_producer(0, 1);
	producer_start(&producer, t0_ns);
	while (n_seen < 5)
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
	/* Told in time or too late. */
	steer(SCHEDULE_SET_RATE, 4000, at_ns);
	/* On a busy machine the other one is too late as well. */
	if (clock_now_ns() >= t0_ns + at_ns)
		n_made = n_seen;
	turn_until_over();
	ck_assert_uint_eq(n_seen, schedule_count(steered[0]));
	/* What was made before we were told stays made. */
	for (size_t i = n_made; i < n_seen; i++)
		ck_assert_int_eq(seen[i], t0_ns + schedule_at(steered[0], i));
	free_steered();
}
END_TEST

START_TEST(pause_and_resume)
{
	int64_t t0_ns = clock_now_ns();

	plan_two_stages(1000, 1000, 10 * MS);
	pacing.mode = _i ? PLAN_PACING_SPIN : PLAN_PACING_TIMER;
	open_producer(0, 1);
	producer_start(&producer, t0_ns);
	steer(SCHEDULE_PAUSE, 0, 5 * MS);
	turn_until_over();
	ck_assert_uint_eq(n_seen, 5);
	ck_assert_int_eq(producer_next_ns(&producer), CLOCK_NEVER);
	steer(SCHEDULE_RESUME, 0, 30 * MS);
	turn_until_over();
	ck_assert_uint_eq(n_seen, 20);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(seen[i], t0_ns + schedule_at(schedule, i) + (i < 5 ? 0 : 25 * MS));
	free_steered();
}
END_TEST

START_TEST(close_of_nothing)
{
	struct producer none = {0};

	producer_close(&none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("producer");
	TCase *t = tcase_create("producer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, all_arrivals_in_order, 0, 4);
	tcase_add_test(t, nothing_before_its_time);
	tcase_add_test(t, no_arrivals);
	tcase_add_test(t, backlog_comes_in_batches);
	tcase_add_loop_test(t, stop_is_exact, 0, 2);
	tcase_add_test(t, stop_before_the_start);
	tcase_add_test(t, stop_in_a_batch);
	tcase_add_loop_test(t, each_pacing_brings_all, 0, 7);
	tcase_add_loop_test(t, spin_sleeps_only_when_far, 0, 2);
	tcase_add_test(t, gap_gathers);
	tcase_add_loop_test(t, every_spacing_is_split, 0, 2);
	tcase_add_loop_test(t, slices_make_the_whole, 0, 3);
	tcase_add_loop_test(t, rate_changes_on_the_way, 0, 2);
	tcase_add_loop_test(t, pause_and_resume, 0, 2);
	tcase_add_test(t, close_of_nothing);
	suite_add_tcase(s, t);
	return suite_main(s);
}
