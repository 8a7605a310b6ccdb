/* SPDX-License-Identifier: Apache-2.0 */
/* The producer on a real loop: which arrivals come, in which order and never early. How late they
 * are is the machine's affair and not tested. */
#include "daemon/engine/producer.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/plan.h"
#include "daemon/engine/schedule.h"

#define MS NSEC_PER_MSEC
#define SEC NSEC_PER_SEC
#define SEEN_MAX 4096

static struct loop *loop;
static struct schedule *schedule;
static struct producer producer;

static int64_t seen[SEEN_MAX]; /* planned, in the order of coming */
static size_t n_seen;
static size_t stop_after; /* producer_stop_at behind so many, from inside the call */

static void on_arrival(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns)
{
	ck_assert_ptr_eq(owner, &producer);
	ck_assert_int_ge(picked_ns, planned_ns);
	ck_assert_int_le(picked_ns, clock_now_ns());
	ck_assert_int_eq(planned_ns, producer._t0_ns + schedule_at(producer._schedule, k));
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
		{PLAN_HOLD, {rate_a, 1}, each_ns}, {PLAN_HOLD, {rate_b, 1}, each_ns}};
	struct plan plan = {.stages = stages, .n_stages = 2};

	ck_assert_int_eq(schedule_new(&plan, &schedule), 0);
}

static void open_producer(uint64_t index, uint64_t stride)
{
	ck_assert_int_eq(
		producer_open(&producer, loop, schedule, index, stride, on_arrival, &producer), 0);
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
		producer_start(&producer, t0_ns, 9000);
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
	producer_start(&producer, clock_now_ns() + 3600 * SEC, 1);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 0);
}
END_TEST

/* A share without any arrival. */
START_TEST(no_arrivals)
{
	plan_two_stages(1, 1, SEC);
	open_producer(2, 3);
	producer_start(&producer, clock_now_ns(), 1);
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
	producer_start(&producer, t0_ns, 1000);
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
	producer_start(&producer, t0_ns, 1000);
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
	producer_start(&producer, clock_now_ns(), 1000);
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
	producer_start(&producer, clock_now_ns() - SEC, 1000);
	turn_until_over();
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_seen, 7);
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
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, all_arrivals_in_order, 0, 4);
	tcase_add_test(t, nothing_before_its_time);
	tcase_add_test(t, no_arrivals);
	tcase_add_test(t, backlog_comes_in_batches);
	tcase_add_loop_test(t, stop_is_exact, 0, 2);
	tcase_add_test(t, stop_before_the_start);
	tcase_add_test(t, stop_in_a_batch);
	tcase_add_test(t, close_of_nothing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
