/* SPDX-License-Identifier: Apache-2.0 */
/* The slowest few: always the right ones, in the right order, however they come. */
#include "daemon/engine/slowest.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

static struct slow one(int64_t ns, int64_t at_ns)
{
	return (struct slow){.ns = ns, .at_ns = at_ns};
}

static void add(struct slowest *s, int64_t ns, int64_t at_ns)
{
	struct slow x = one(ns, at_ns);

	slowest_add(s, &x);
}

/* Rising, falling, and each value once in an order that jumps. */
static int64_t value_of(int order, int64_t i, int64_t n)
{
	if (order == 0)
		return i;
	if (order == 1)
		return n - 1 - i;
	return i * 7 % n; /* n is prime */
}

START_TEST(keeps_the_slowest)
{
	const int64_t n = 101;
	struct slow sorted[SLOWEST_MAX];
	struct slowest s = {0};

	for (int64_t i = 0; i < n; i++) {
		int64_t ns = value_of(_i, i, n);

		ck_assert(slowest_takes(&s, INT64_MAX));
		add(&s, ns, i);
		ck_assert_uint_le(s.n, SLOWEST_MAX);
		for (size_t k = 1; k < s.n; k++)
			ck_assert_int_le(s.all[0].ns, s.all[k].ns);
	}
	ck_assert_uint_eq(slowest_sorted(&s, sorted), SLOWEST_MAX);
	for (int64_t i = 0; i < SLOWEST_MAX; i++)
		ck_assert_int_eq(sorted[i].ns, n - 1 - i);
	ck_assert(!slowest_takes(&s, n - SLOWEST_MAX));
	ck_assert(slowest_takes(&s, n - SLOWEST_MAX + 1));
}
END_TEST

START_TEST(few_and_none)
{
	struct slow sorted[SLOWEST_MAX];
	struct slowest s = {0};

	ck_assert_uint_eq(slowest_sorted(&s, sorted), 0);
	add(&s, 5, 1);
	add(&s, 0, 2);
	add(&s, 5, 0);
	ck_assert_uint_eq(slowest_sorted(&s, sorted), 3);
	ck_assert_int_eq(sorted[0].at_ns, 0);
	ck_assert_int_eq(sorted[1].at_ns, 1);
	ck_assert_int_eq(sorted[2].ns, 0);
}
END_TEST

START_TEST(of_equal_ones_the_first_stay)
{
	struct slow sorted[SLOWEST_MAX];
	struct slowest s = {0};

	for (int64_t i = 0; i < 3 * SLOWEST_MAX; i++)
		add(&s, 1000, i);
	slowest_sorted(&s, sorted);
	for (int64_t i = 0; i < SLOWEST_MAX; i++)
		ck_assert_int_eq(sorted[i].at_ns, i);
}
END_TEST

START_TEST(workers_merge)
{
	struct slow sorted[SLOWEST_MAX];
	struct slowest a = {0}, b = {0}, all = {0};

	for (int64_t i = 0; i < 50; i++)
		add(i % 3 ? &a : &b, i, i);
	slowest_merge(&all, &a);
	slowest_merge(&all, &b);
	ck_assert_uint_eq(slowest_sorted(&all, sorted), SLOWEST_MAX);
	for (int64_t i = 0; i < SLOWEST_MAX; i++)
		ck_assert_int_eq(sorted[i].ns, 49 - i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slowest");
	TCase *t = tcase_create("slowest");

	tcase_add_loop_test(t, keeps_the_slowest, 0, 3);
	tcase_add_test(t, few_and_none);
	tcase_add_test(t, of_equal_ones_the_first_stay);
	tcase_add_test(t, workers_merge);
	suite_add_tcase(s, t);
	return suite_main(s);
}
