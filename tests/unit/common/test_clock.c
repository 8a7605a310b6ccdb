/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks, against the system's own readings before and after. */
#include "common/clock.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/suite.h"

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(id, &ts), 0);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

START_TEST(test_now_is_monotonic)
{
	int64_t before = clock_now_ns();

	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_now_ns();

		ck_assert_int_ge(now, before);
		before = now;
	}
}
END_TEST

START_TEST(test_now_is_the_timers_clock)
{
	int64_t before = read_ns(CLOCK_MONOTONIC), now = clock_now_ns();

	ck_assert_int_ge(now, before);
	ck_assert_int_le(now, read_ns(CLOCK_MONOTONIC));
	ck_assert_int_lt(now, CLOCK_NEVER);
}
END_TEST

/* What the thread computes counts, also while others compute; what it waits for does not. */
START_TEST(test_thread_is_what_the_thread_has_used)
{
	int64_t before = read_ns(CLOCK_THREAD_CPUTIME_ID), used = clock_thread_ns();
	const struct timespec wait = {.tv_nsec = 50 * NSEC_PER_MSEC};

	ck_assert_int_ge(used, before);
	ck_assert_int_le(used, read_ns(CLOCK_THREAD_CPUTIME_ID));
	ck_assert_int_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL), 0);
	ck_assert_int_lt(clock_thread_ns() - used, wait.tv_nsec / 2);
}
END_TEST

START_TEST(test_unix_is_the_wall_clock)
{
	int64_t now = clock_unix_ns();

	/* A second of room: the wall clock may be set. */
	ck_assert_int_le(llabs(now - read_ns(CLOCK_REALTIME)), NSEC_PER_SEC);
	/* Nanoseconds, not milliseconds or seconds: this century. */
	ck_assert_int_gt(now, INT64_C(946684800) * NSEC_PER_SEC);
}
END_TEST

START_TEST(test_units)
{
	ck_assert_int_eq(NSEC_PER_SEC, 1000000000);
	ck_assert_int_eq(NSEC_PER_MSEC * 1000, NSEC_PER_SEC);
	ck_assert_int_eq(NSEC_PER_USEC * 1000, NSEC_PER_MSEC);
}
END_TEST

/* A clock of 45 ns a reading. The thread is interrupted for 20 us in most rounds of any length. */
static int64_t interrupted_ns, n_readings;

static int64_t read_interrupted(void)
{
	interrupted_ns += 45;
	if (++n_readings % 113 == 0)
		interrupted_ns += 20000;
	return interrupted_ns;
}

START_TEST(test_an_interruption_is_no_cost_of_the_clock)
{
	ck_assert_int_eq(clock_cost_ns(read_interrupted), 45);
	ck_assert_int_ge(n_readings, 1000);
}
END_TEST

START_TEST(test_the_real_clock_has_a_cost)
{
	int64_t cost_ns = clock_cost_ns(clock_now_ns);

	ck_assert_int_gt(cost_ns, 0);
	ck_assert_int_lt(cost_ns, NSEC_PER_MSEC);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");

	tcase_add_test(t, test_now_is_monotonic);
	tcase_add_test(t, test_now_is_the_timers_clock);
	tcase_add_test(t, test_thread_is_what_the_thread_has_used);
	tcase_add_test(t, test_unix_is_the_wall_clock);
	tcase_add_test(t, test_units);
	tcase_add_test(t, test_an_interruption_is_no_cost_of_the_clock);
	tcase_add_test(t, test_the_real_clock_has_a_cost);
	suite_add_tcase(s, t);

	return suite_main(s);
}
