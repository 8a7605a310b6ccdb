/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of requests: by weight, and the same for everybody who asks for the same arrival. */
#include "daemon/engine/mix.h"

#include <check.h>
#include <stdlib.h>

#include "common/plan/plan.h"
#include "tests/support/suite.h"

static struct plan_request requests[MIX_MAX];
static struct plan plan;
static struct mix mix;

static void make(size_t n, const uint64_t *weights, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		requests[i].weight = weights[i];
	plan = (struct plan){.requests = requests, .n_requests = n, .seed = seed};
	mix_init(&mix, &plan);
}

START_TEST(only_one)
{
	make(1, (uint64_t[]){7}, 1);
	for (uint64_t k = 0; k < 1000; k++)
		ck_assert_uint_eq(mix_choose(&mix, k), 0);
	ck_assert_uint_eq(mix_choose(&mix, UINT64_MAX), 0);
}
END_TEST

/* Shares of n draws, within five standard deviations. */
START_TEST(by_weight)
{
	enum { N = 100000 };
	static const uint64_t weights[] = {8, 2, 1, 5};
	uint64_t counts[4] = {0};

	make(4, weights, (uint64_t)_i);
	for (uint64_t k = 0; k < N; k++)
		counts[mix_choose(&mix, k)]++;
	for (int i = 0; i < 4; i++) {
		double share = (double)weights[i] / 16, mean = N * share;
		double off = (double)counts[i] - mean;

		ck_assert_double_lt(off * off, 25 * N * share * (1 - share));
	}
}
END_TEST

/* Arrivals that follow each other, or are W apart, do not take turns. */
START_TEST(neighbours_are_independent)
{
	enum { N = 40000 };
	uint64_t same = 0;

	make(2, (uint64_t[]){1, 1}, 42);
	for (uint64_t k = 0; k < N; k++)
		same += mix_choose(&mix, k) == mix_choose(&mix, k + (uint64_t)_i);
	ck_assert_uint_gt(same, N / 2 - 1000);
	ck_assert_uint_lt(same, N / 2 + 1000);
}
END_TEST

/* Every round of as many arrivals as the weights add up to has each request as often as it weighs.
 */
START_TEST(in_sequence)
{
	static const size_t round[] = {0, 0, 0, 1, 2, 2};

	make(3, (uint64_t[]){3, 1, 2}, 42);
	plan.order = PLAN_SEQUENCE;
	for (uint64_t k = 0; k < 60; k++)
		ck_assert_uint_eq(mix_choose(&mix, k), round[k % 6]);
	ck_assert_uint_eq(mix_choose(&mix, UINT64_MAX), round[UINT64_MAX % 6]);
}
END_TEST

START_TEST(depends_on_the_seed_and_nothing_else)
{
	size_t first[1000];
	unsigned n_differ = 0;

	make(3, (uint64_t[]){1, 1, 1}, 1);
	for (uint64_t k = 0; k < 1000; k++)
		first[k] = mix_choose(&mix, k);
	make(3, (uint64_t[]){1, 1, 1}, 1);
	for (uint64_t k = 0; k < 1000; k++)
		ck_assert_uint_eq(mix_choose(&mix, k), first[k]);
	make(3, (uint64_t[]){1, 1, 1}, 2);
	for (uint64_t k = 0; k < 1000; k++)
		n_differ += mix_choose(&mix, k) != first[k];
	ck_assert_uint_gt(n_differ, 500);
}
END_TEST

START_TEST(as_many_as_there_may_be)
{
	uint64_t weights[MIX_MAX];
	uint64_t seen = 0;

	for (int i = 0; i < MIX_MAX; i++)
		weights[i] = i % 2 ? 1 : 1000000;
	make(MIX_MAX, weights, 3);
	for (uint64_t k = 0; k < 10000; k++) {
		size_t i = mix_choose(&mix, k);

		ck_assert_uint_lt(i, MIX_MAX);
		seen |= UINT64_C(1) << i;
	}
	/* All of the heavy ones. */
	ck_assert_uint_eq(seen & UINT64_C(0x5555555555555555), UINT64_C(0x5555555555555555));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mix");
	TCase *t = tcase_create("mix");

	tcase_add_test(t, only_one);
	tcase_add_loop_test(t, by_weight, 0, 10);
	tcase_add_loop_test(t, neighbours_are_independent, 1, 5);
	tcase_add_test(t, in_sequence);
	tcase_add_test(t, depends_on_the_seed_and_nothing_else);
	tcase_add_test(t, as_many_as_there_may_be);
	suite_add_tcase(s, t);
	return suite_main(s);
}
