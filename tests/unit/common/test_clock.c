/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks, against the system's own readings before and after. */
#include "common/clock.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

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

START_TEST(test_unix_is_the_wall_clock)
{
	int64_t now = clock_unix_ns();

	/* A second of room: somebody may set the wall clock. */
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

int main(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");

	tcase_add_test(t, test_now_is_monotonic);
	tcase_add_test(t, test_now_is_the_timers_clock);
	tcase_add_test(t, test_unix_is_the_wall_clock);
	tcase_add_test(t, test_units);
	suite_add_tcase(s, t);

	SRunner *r = srunner_create(s);

	srunner_run_all(r, CK_ENV);

	int failed = srunner_ntests_failed(r);

	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
