/* SPDX-License-Identifier: Apache-2.0 */
/* Confidence intervals: their arithmetic by hand, and what they promise, held against a queue whose
 * quantiles are known in closed form: M/M/1 in steady state, where a response time is exponential
 * with rate mu - lambda. CONFIDENCE_RUNS sets the number of simulated runs. */
#include "common/stats/confidence.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "tests/support/suite.h"

#define RUN_S 60
#define RATE 4000.0
#define LOAD 0.8

/* ---- a generator with a fixed seed: the same runs everywhere */

static uint64_t state;

static double uniform(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return ((double)(z >> 11) + 0.5) * 0x1p-53;
}

static double exponential(double rate)
{
	return -log(uniform()) / rate;
}

/* ---- one run of the queue */

static struct histogram batches[RUN_S];
static struct confidence_batch views[RUN_S];
static struct histogram whole;

static void setup(void)
{
	for (int i = 0; i < RUN_S; i++)
		ck_assert_int_eq(histogram_init(&batches[i], HISTOGRAM_INTERVAL_LOWEST,
					 HISTOGRAM_HIGHEST_NS, HISTOGRAM_INTERVAL_DIGITS),
			0);
	ck_assert_int_eq(histogram_init(&whole, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
}

static void teardown(void)
{
	for (int i = 0; i < RUN_S; i++)
		histogram_fini(&batches[i]);
	histogram_fini(&whole);
}

static void clear(void)
{
	for (int i = 0; i < RUN_S; i++)
		histogram_reset(&batches[i]);
	histogram_reset(&whole);
}

static void simulate_mm1(void)
{
	double mu = RATE / LOAD, wait = 0;

	clear();
	/* In steady state an arrival waits with probability LOAD, and then exponentially long. */
	if (uniform() < LOAD)
		wait = exponential(mu - RATE);
	for (double t = exponential(RATE); t < RUN_S;) {
		double service = exponential(mu), gap = exponential(RATE);
		int64_t ns = (int64_t)((wait + service) * 1e9);

		histogram_record(&batches[(int)t], ns);
		histogram_record(&whole, ns);
		wait += service - gap;
		if (wait < 0)
			wait = 0;
		t += gap;
	}
	for (int i = 0; i < RUN_S; i++)
		views[i] = (struct confidence_batch){&batches[i], batches[i].count};
}

START_TEST(coverage_of_a_queue)
{
	static const double qs[] = {0.5, 0.9, 0.99};
	const char *asked = getenv("CONFIDENCE_RUNS");
	int n_runs = asked ? atoi(asked) : 200;
	int n_held[3] = {0}, n_known[3] = {0};

	ck_assert_int_gt(n_runs, 0);
	state = 20240229;
	for (int run = 0; run < n_runs; run++) {
		simulate_mm1();
		for (int i = 0; i < 3; i++) {
			double truth_ns = -log(1 - qs[i]) / (RATE / LOAD - RATE) * 1e9;
			struct confidence c;

			ck_assert_int_eq(
				confidence_of(views, RUN_S, &whole, whole.count, qs[i], 0.95, &c),
				0);
			n_known[i] += c.is_known;
			n_held[i] += c.is_known && truth_ns >= (double)c.low_ns &&
				     (c.high_ns == QUANTILE_NONE || truth_ns <= (double)c.high_ns);
		}
	}
	for (int i = 0; i < 3; i++) {
		double share = (double)n_held[i] / n_known[i];

		if (asked)
			printf("p%g: %.1f %% of %d intervals at 95 %% hold the truth\n",
				qs[i] * 100, share * 100, n_known[i]);
		ck_assert_int_ge(n_known[i], n_runs * 9 / 10);
		ck_assert_double_ge(share, 0.90);
		ck_assert_double_le(share, 0.98);
	}
}
END_TEST

/* ---- arithmetic */

START_TEST(interval_between_runs)
{
	static const double values[] = {12, 15, 12};
	double low = -1, high = -1;

	ck_assert(!confidence_between(values, 0, 0.95, &low, &high));
	ck_assert(!confidence_between(values, 2, 0.95, &low, &high));
	ck_assert_double_eq(low, -1);
	ck_assert(confidence_between(values, 3, 0.95, &low, &high));
	ck_assert_double_eq_tol(low, 13 - 4.3027, 0.0001);
	ck_assert_double_eq_tol(high, 13 + 4.3027, 0.0001);
}
END_TEST

START_TEST(student_is_the_tabulated_one)
{
	/* Two-sided 95 % and 99 %, from any table. */
	ck_assert_double_eq_tol(confidence_student(0.975, 2), 4.3027, 0.0001);
	ck_assert_double_eq_tol(confidence_student(0.975, 3), 3.182, 0.005);
	ck_assert_double_eq_tol(confidence_student(0.975, 9), 2.262, 0.001);
	ck_assert_double_eq_tol(confidence_student(0.975, 29), 2.045, 0.001);
	ck_assert_double_eq_tol(confidence_student(0.995, 19), 2.861, 0.001);
	ck_assert_double_eq_tol(confidence_student(0.95, 59), 1.671, 0.001);
	ck_assert_double_eq_tol(confidence_student(0.975, 1000000), 1.95996, 0.00001);
	ck_assert_double_eq_tol(confidence_student(0.5, 9), 0, 1e-9);
}
END_TEST

START_TEST(least_numbers)
{
	ck_assert_double_eq(confidence_least_n(0.99, 0.95), 299);
	ck_assert_double_eq(confidence_least_n(0.99, 0.99), 459);
	ck_assert_double_eq(confidence_least_n(0.999, 0.95), 2995);
	ck_assert_double_eq(confidence_least_n(0.999, 0.99), 4603);
	ck_assert_double_eq(confidence_least_n(0.9999, 0.95), 29956);
	ck_assert_double_eq(confidence_least_n(0.9999, 0.99), 46050);
}
END_TEST

/* So many batches of 1,000 arrivals, evenly spread from 1 to 1,000 us, each shifted. */
static void even_batches(size_t n, const int64_t *shift_us)
{
	clear();
	for (size_t b = 0; b < n; b++) {
		for (int64_t us = 1; us <= 1000; us++) {
			int64_t ns = (us + (shift_us ? shift_us[b] : 0)) * 1000;

			histogram_record(&batches[b], ns);
			histogram_record(&whole, ns);
		}
		views[b] = (struct confidence_batch){&batches[b], 1000};
	}
}

START_TEST(equal_batches_are_no_better_than_independent_arrivals)
{
	struct confidence c;
	double half = confidence_student(0.975, 19) * sqrt(0.25 / 20000);

	even_batches(20, NULL);
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.5, 0.95, &c), 0);
	ck_assert(c.is_known);
	ck_assert_uint_eq(c.n_batches, 20);
	ck_assert_double_eq(c.n_effective, 20000);
	ck_assert_double_eq_tol((double)c.low_ns, (0.5 - half) * 1e6, 1000);
	ck_assert_double_eq_tol((double)c.high_ns, (0.5 + half) * 1e6, 1000);
}
END_TEST

START_TEST(batches_that_differ_widen_the_interval)
{
	int64_t shift_us[20];
	struct confidence narrow, wide;

	even_batches(20, NULL);
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.5, 0.95, &narrow), 0);
	for (int i = 0; i < 20; i++)
		shift_us[i] = i % 2 ? 200 : 0;
	even_batches(20, shift_us);
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.5, 0.95, &wide), 0);
	ck_assert(wide.is_known);
	ck_assert_uint_eq(wide.n_batches, 20);
	ck_assert_double_lt(wide.n_effective, 2000);
	ck_assert_int_gt(wide.high_ns - wide.low_ns, 3 * (narrow.high_ns - narrow.low_ns));
}
END_TEST

START_TEST(neighbours_that_resemble_each_other_are_joined)
{
	int64_t shift_us[RUN_S];
	struct confidence c;

	for (int i = 0; i < RUN_S; i++)
		shift_us[i] = i / 10 % 2 ? 200 : 0;
	even_batches(RUN_S, shift_us);
	ck_assert_int_eq(confidence_of(views, RUN_S, &whole, whole.count, 0.5, 0.95, &c), 0);
	ck_assert_uint_lt(c.n_batches, RUN_S / 2);
	ck_assert_uint_ge(c.n_batches, CONFIDENCE_BATCHES_LEAST);
}
END_TEST

/* A stop of a second in four of fourteen: how bad they can be nobody knows yet. */
START_TEST(a_few_stalls_have_no_upper_bound)
{
	struct confidence c;

	even_batches(14, NULL);
	for (int b = 0; b < 14; b += 4)
		for (int i = 0; i < 200; i++) {
			int64_t ns = 1000000000 + i * 5000000;

			histogram_record(&batches[b], ns);
			histogram_record(&whole, ns);
			views[b].n++;
		}
	ck_assert_int_eq(confidence_of(views, 14, &whole, whole.count, 0.985, 0.95, &c), 0);
	ck_assert(c.is_known);
	ck_assert_int_gt(c.low_ns, 1000000000);
	ck_assert_int_eq(c.high_ns, QUANTILE_NONE);
	/* Below them there is no doubt. */
	ck_assert_int_eq(confidence_of(views, 14, &whole, whole.count, 0.5, 0.95, &c), 0);
	ck_assert(c.is_known);
	ck_assert_int_lt(c.high_ns, 1000000);
}
END_TEST

START_TEST(too_little_is_said_to_be_too_little)
{
	struct confidence c;

	even_batches(CONFIDENCE_BATCHES_LEAST - 1, NULL);
	ck_assert_int_eq(confidence_of(views, CONFIDENCE_BATCHES_LEAST - 1, &whole, whole.count,
				 0.5, 0.95, &c),
		0);
	ck_assert(!c.is_known);
	ck_assert_uint_eq(c.n_batches, CONFIDENCE_BATCHES_LEAST - 1);
	/* 20,000 arrivals are not enough for p99.99 (29,956), and are for p99.9. */
	even_batches(20, NULL);
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.9999, 0.95, &c), 0);
	ck_assert(!c.is_known);
	ck_assert_uint_le(c.n_beyond, 20);
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.999, 0.95, &c), 0);
	ck_assert(c.is_known);
	clear();
	ck_assert_int_eq(confidence_of(views, 20, &whole, 0, 0.5, 0.95, &c), 0);
	ck_assert(!c.is_known);
	ck_assert_int_eq(confidence_of(NULL, 0, &whole, 0, 0.5, 0.95, &c), 0);
	ck_assert(!c.is_known);
}
END_TEST

START_TEST(arrivals_without_an_answer_rank_last)
{
	struct confidence c;

	even_batches(20, NULL);
	/* One of a hundred is missing: p99 is on the edge, and its upper end has no value. */
	for (int i = 0; i < 20; i++)
		views[i].n = 1010;
	ck_assert_int_eq(confidence_of(views, 20, &whole, 20200, 0.99, 0.95, &c), 0);
	ck_assert(c.is_known);
	ck_assert_int_eq(c.high_ns, QUANTILE_NONE);
	ck_assert_int_gt(c.low_ns, 900000);
	/* And where the quantile itself is missing there is no interval. */
	ck_assert_int_eq(confidence_of(views, 20, &whole, 30000, 0.99, 0.95, &c), 0);
	ck_assert(!c.is_known);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("confidence");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, coverage_of_a_queue);
	tcase_add_test(tcase, student_is_the_tabulated_one);
	tcase_add_test(tcase, interval_between_runs);
	tcase_add_test(tcase, least_numbers);
	tcase_add_test(tcase, equal_batches_are_no_better_than_independent_arrivals);
	tcase_add_test(tcase, batches_that_differ_widen_the_interval);
	tcase_add_test(tcase, neighbours_that_resemble_each_other_are_joined);
	tcase_add_test(tcase, a_few_stalls_have_no_upper_bound);
	tcase_add_test(tcase, too_little_is_said_to_be_too_little);
	tcase_add_test(tcase, arrivals_without_an_answer_rank_last);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
