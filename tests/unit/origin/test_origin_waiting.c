/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of those who wait: always the earliest first, whoever leaves in between. */
#include "daemon/origin/origin_timing.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

#define N 1000

static struct origin_waiting waiting;
static struct origin_waiter waiters[N];

static void setup(void)
{
	ck_assert_int_eq(origin_waiting_reserve(&waiting, N), 0);
}

static void teardown(void)
{
	origin_waiting_fini(&waiting);
}

/* Takes all out in order; returns how many there were. */
static size_t drain(void)
{
	struct origin_waiter *first;
	int64_t before_ns = INT64_MIN;
	size_t n = 0;

	while ((first = origin_waiting_first(&waiting))) {
		ck_assert_int_ge(first->due_ns, before_ns);
		before_ns = first->due_ns;
		origin_waiting_remove(&waiting, first);
		n++;
	}
	return n;
}

static void add_all(unsigned seed)
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < N; i++) {
		x = x * 1664525 + 1013904223;
		origin_waiting_add(&waiting, &waiters[i], (int64_t)(x >> 22)); /* with equals */
	}
}

START_TEST(nobody_waits_at_first)
{
	struct origin_waiter stranger = {0};

	ck_assert_ptr_null(origin_waiting_first(&waiting));
	origin_waiting_remove(&waiting, &stranger);
	ck_assert_ptr_null(origin_waiting_first(&waiting));
}
END_TEST

START_TEST(the_earliest_is_first)
{
	add_all((unsigned)_i);
	ck_assert_uint_eq(drain(), N);
}
END_TEST

START_TEST(anybody_may_leave)
{
	size_t left = 0;

	add_all((unsigned)_i);
	for (size_t i = (size_t)_i; i < N; i += 3) {
		origin_waiting_remove(&waiting, &waiters[i]);
		origin_waiting_remove(&waiting, &waiters[i]); /* harmless */
		left++;
	}
	ck_assert_uint_eq(drain(), N - left);
}
END_TEST

START_TEST(one_may_come_again)
{
	for (int round = 0; round < 3; round++) {
		origin_waiting_add(&waiting, &waiters[0], 30 - round);
		origin_waiting_add(&waiting, &waiters[1], 20);
		ck_assert_ptr_eq(origin_waiting_first(&waiting), &waiters[1]);
		origin_waiting_remove(&waiting, &waiters[1]);
		ck_assert_ptr_eq(origin_waiting_first(&waiting), &waiters[0]);
		origin_waiting_remove(&waiting, &waiters[0]);
	}
}
END_TEST

START_TEST(room_grows_with_those_inside)
{
	origin_waiting_fini(&waiting);
	for (size_t i = 0; i < N; i++) {
		ck_assert_int_eq(origin_waiting_reserve(&waiting, i + 1), 0);
		origin_waiting_add(&waiting, &waiters[i], (int64_t)(N - i));
	}
	ck_assert_uint_eq(drain(), N);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_waiting");
	TCase *tcase = tcase_create("heap");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nobody_waits_at_first);
	tcase_add_loop_test(tcase, the_earliest_is_first, 0, 8);
	tcase_add_loop_test(tcase, anybody_may_leave, 0, 8);
	tcase_add_test(tcase, one_may_come_again);
	tcase_add_test(tcase, room_grows_with_those_inside);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
