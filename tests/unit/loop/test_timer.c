/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: order, moving, stopping, starting again from the callback. Deadlines in the past make the
 * order testable without waiting; one test waits a few milliseconds for the timerfd itself. */
#include "daemon/loop/timer.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/support/suite.h"

static struct loop *loop;
static struct timer_queue queue, other;
static struct timer timers[8];
static int fired[32];
static int n_fired;
static int again;

static void on_expired(struct timer_queue *q, struct timer *t)
{
	ck_assert(!timer_is_running(t));
	ck_assert_ptr_eq(q->userdata, q);
	fired[n_fired++] = (int)(t - timers);
	if (again-- > 0)
		timer_start(q, t, clock_now_ns() - 1);
	if (n_fired == 32)
		loop_stop(loop);
}

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	timer_queue_init(&queue, loop, on_expired, &queue);
	timer_queue_init(&other, loop, on_expired, &other);
	for (size_t i = 0; i < 8; i++)
		timer_init(&timers[i]);
	n_fired = again = 0;
}

static void teardown(void)
{
	timer_queue_fini(&queue);
	timer_queue_fini(&other);
	timer_queue_fini(&other); /* harmless */
	loop_free(loop);
}

START_TEST(fire_by_deadline)
{
	timer_start(&queue, &timers[0], 30);
	timer_start(&queue, &timers[1], 10); /* earlier than the last: walked to its place */
	timer_start(&queue, &timers[2], 20);
	timer_start(&queue, &timers[3], 30); /* equal: after */
	ck_assert_int_eq(loop_turn(loop, NSEC_PER_SEC), 0);
	ck_assert_int_eq(n_fired, 4);
	ck_assert_int_eq(fired[0], 1);
	ck_assert_int_eq(fired[1], 2);
	ck_assert_int_eq(fired[2], 0);
	ck_assert_int_eq(fired[3], 3);
}
END_TEST

START_TEST(stopped_and_moved)
{
	timer_start(&queue, &timers[0], 1);
	timer_start(&queue, &timers[1], 2);
	timer_stop(&timers[0]);
	timer_stop(&timers[0]);
	timer_start(&queue, &timers[2], 3);
	timer_start(&other, &timers[2], 4); /* into another queue */
	timer_start(&queue, &timers[3], 5);
	timer_start(&queue, &timers[3], CLOCK_NEVER); /* stops it */
	ck_assert_int_eq(loop_turn(loop, NSEC_PER_SEC), 0);
	ck_assert_int_eq(n_fired, 2);
	ck_assert_int_eq(fired[0], 1);
	ck_assert_int_eq(fired[1], 2);
}
END_TEST

START_TEST(future_deadline_waits)
{
	int64_t start = clock_now_ns();

	timer_start(&queue, &timers[0], CLOCK_NEVER - 1);
	timer_start(&other, &timers[1], start + 5 * NSEC_PER_MSEC);
	while (n_fired == 0)
		ck_assert_int_eq(loop_turn(loop, -1), 0);
	ck_assert_int_eq(fired[0], 1);
	ck_assert_int_ge(clock_now_ns() - start, 5 * NSEC_PER_MSEC);
	ck_assert(timer_is_running(&timers[0]));
}
END_TEST

START_TEST(head_stopped_then_later_one_still_fires)
{
	int64_t start = clock_now_ns();

	timer_start(&queue, &timers[0], start + 1 * NSEC_PER_MSEC);
	timer_start(&queue, &timers[1], start + 4 * NSEC_PER_MSEC);
	timer_stop(&timers[0]); /* the timerfd fires for it all the same */
	while (n_fired == 0)
		ck_assert_int_eq(loop_turn(loop, -1), 0);
	ck_assert_int_eq(n_fired, 1);
	ck_assert_int_eq(fired[0], 1);
}
END_TEST

START_TEST(started_again_in_the_callback)
{
	again = 100;
	timer_start(&queue, &timers[0], 1);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(n_fired, 32);
	again = 0;
	timer_stop(&timers[0]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("timer");
	TCase *t = tcase_create("timer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fire_by_deadline);
	tcase_add_test(t, stopped_and_moved);
	tcase_add_test(t, future_deadline_waits);
	tcase_add_test(t, head_stopped_then_later_one_still_fires);
	tcase_add_test(t, started_again_in_the_callback);
	suite_add_tcase(s, t);
	return suite_main(s);
}
