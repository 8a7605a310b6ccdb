/* SPDX-License-Identifier: Apache-2.0 */
/* Confidence intervals: their arithmetic by hand, and what they promise, held against a queue whose
 * quantiles are known in closed form: M/M/1 in steady state, where a response time is exponential
 * with rate mu - lambda; and against a server whose level wanders. tests/honesty/coverage.c tries
 * many more. */
#include "common/stats/confidence.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "tests/support/chance.h"
#include "tests/support/suite.h"

#define RUNS 200
#define RUN_S 60
#define RATE 4000.0
#define LOAD 0.8

/* ---- a generator with a fixed seed: the same runs everywhere */

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

static struct confidence interval(size_t n_batches, double q)
{
	struct confidence c;

	ck_assert_int_eq(confidence_of(views, n_batches, &whole, whole.count, q, 0.95, &c), 0);
	return c;
}

static bool holds(const struct confidence *c, double truth_ns)
{
	return c->is_known && truth_ns >= (double)c->low_ns &&
	       (c->high_ns == QUANTILE_NONE || truth_ns <= (double)c->high_ns);
}

START_TEST(coverage_of_a_queue)
{
	static const double qs[] = {0.5, 0.9, 0.99};
	int n_held[3] = {0}, n_two[3] = {0};

	state = 20240229;
	for (int run = 0; run < RUNS; run++) {
		simulate_mm1();
		for (int i = 0; i < 3; i++) {
			struct confidence c = interval(RUN_S, qs[i]);

			n_held[i] += holds(&c, -log(1 - qs[i]) / (RATE / LOAD - RATE) * 1e9);
			n_two[i] += c.high_ns != QUANTILE_NONE;
		}
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_int_ge(n_held[i], RUNS * 90 / 100);
		ck_assert_int_le(n_held[i], RUNS * 99 / 100);
		ck_assert_int_ge(n_two[i], RUNS * 90 / 100);
	}
}
END_TEST

/* ---- a level that keeps nine tenths of its deviation from second to second */

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static int64_t response_at(double level)
{
	return (int64_t)(level * exp(0.5 * normal()) * 1e7);
}

static void simulate_wandering(void)
{
	double level = 1 + 0.1 * normal();

	clear();
	for (int s = 0; s < RUN_S; s++) {
		for (int i = 0; i < 400; i++) {
			int64_t ns = response_at(level);

			histogram_record(&batches[s], ns);
			histogram_record(&whole, ns);
		}
		views[s] = (struct confidence_batch){&batches[s], 400};
		level = 1 + 0.9 * (level - 1) + 0.1 * sqrt(1 - 0.81) * normal();
	}
}

/* The few arrivals beyond p99.9 do not show the level, but those beyond the median do. */
START_TEST(coverage_of_a_wandering_level)
{
	static const double qs[] = {0.5, 0.99, 0.999};
	double truth_ns[3];
	int n_held[3] = {0};

	state = 20240229;
	clear();
	for (int i = 0; i < 1000000; i++)
		histogram_record(&whole, response_at(1 + 0.1 * normal()));
	for (int i = 0; i < 3; i++)
		truth_ns[i] = (double)quantile_served(&whole, qs[i]);
	for (int run = 0; run < RUNS; run++) {
		simulate_wandering();
		for (int i = 0; i < 3; i++) {
			struct confidence c = interval(RUN_S, qs[i]);

			n_held[i] += holds(&c, truth_ns[i]);
		}
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_ge(n_held[i], RUNS * 90 / 100);
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
	double half = 1.96 * sqrt(0.25 / 20000);

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

/* Shifted every second second, and shifted ten seconds of twenty: single batches scatter alike, but
 * the second are six long stretches only. */
START_TEST(neighbours_that_resemble_each_other_tell_less)
{
	int64_t shift_us[RUN_S];
	struct confidence apart, alike;

	for (int i = 0; i < RUN_S; i++)
		shift_us[i] = i % 2 ? 200 : 0;
	even_batches(RUN_S, shift_us);
	apart = interval(RUN_S, 0.5);
	for (int i = 0; i < RUN_S; i++)
		shift_us[i] = i / 10 % 2 ? 200 : 0;
	even_batches(RUN_S, shift_us);
	alike = interval(RUN_S, 0.5);
	ck_assert_double_lt(alike.n_effective, apart.n_effective / 4);
	ck_assert_int_lt(alike.low_ns, apart.low_ns);
	ck_assert(alike.high_ns == QUANTILE_NONE || alike.high_ns > apart.high_ns);
	/* And so do the arrivals beyond p99.9, whose number hardly differs. */
	ck_assert_double_lt(interval(RUN_S, 0.999).n_effective, 60000 / 4);
}
END_TEST

/* A trend of ten batches, too few to be joined. */
START_TEST(few_batches_that_resemble_each_other_tell_less)
{
	int64_t shift_us[10];
	struct confidence apart, alike;

	for (int i = 0; i < 10; i++)
		shift_us[i] = i % 2 ? 100 + 10 * (i / 2) : 10 * (i / 2);
	even_batches(10, shift_us);
	apart = interval(10, 0.5);
	for (int i = 0; i < 10; i++)
		shift_us[i] = i / 5 ? 100 + 10 * (i % 5) : 10 * (i % 5);
	even_batches(10, shift_us);
	alike = interval(10, 0.5);
	ck_assert_double_lt(alike.n_effective, apart.n_effective / 2);
}
END_TEST

/* A stop of a second in four of fourteen does not tell how bad they can be. */
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
	c = interval(14, 0.985);
	ck_assert(c.is_known);
	ck_assert_int_gt(c.low_ns, 1000000000);
	ck_assert_int_eq(c.high_ns, QUANTILE_NONE);
	/* Below them there is no doubt. */
	c = interval(14, 0.5);
	ck_assert(c.is_known);
	ck_assert_int_lt(c.high_ns, 1000000);
}
END_TEST

/* 800/s, and a stop of 300 ms in every third of twelve seconds: all of the slowest thousandth lie
 * in one slot of the batches. */
START_TEST(the_slowest_of_few_stalls_have_no_upper_bound)
{
	struct confidence c;

	clear();
	for (int i = 0; i < 12 * 800; i++) {
		int at = i % 2400 - 800;
		int64_t ns = at >= 0 && at < 240 ? (240 - at) * 1250000 : 1000000;

		histogram_record(&batches[i / 800], ns);
		histogram_record(&whole, ns);
	}
	for (int s = 0; s < 12; s++)
		views[s] = (struct confidence_batch){&batches[s], 800};
	c = interval(12, 0.999);
	ck_assert(c.is_known);
	ck_assert_uint_eq(c.n_beyond, 9);
	ck_assert_double_lt(c.n_effective, 9600 * 0.8);
	ck_assert_int_eq(c.high_ns, QUANTILE_NONE);
}
END_TEST

/* The batches have one slot for what the whole has eight for. */
START_TEST(the_slot_of_the_quantile_is_divided)
{
	struct confidence c;

	clear();
	for (int s = 0; s < 20; s++) {
		for (int i = 0; i < 1000; i++) {
			int64_t ns = 1000000 + i * 7;

			histogram_record(&batches[s], ns);
			histogram_record(&whole, ns);
		}
		views[s] = (struct confidence_batch){&batches[s], 1000};
	}
	c = interval(20, 0.9);
	ck_assert_uint_eq(c.n_beyond, 2000);
	ck_assert_double_eq_tol(c.n_effective, 20000, 1);
	ck_assert_int_ge(c.low_ns, 1005000);
	ck_assert_int_le(c.high_ns, 1007000);
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
	/* Batches of nothing beside a sum of something, as a foreign document may have them. */
	for (int i = 0; i < 20; i++) {
		histogram_reset(&batches[i]);
		views[i].n = 0;
	}
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.99, 0.95, &c), 0);
	ck_assert(!c.is_known);
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

/* As a foreign document may have them: their sum is beyond 64 bits. */
START_TEST(more_arrivals_than_can_be_counted)
{
	struct confidence c;

	even_batches(20, NULL);
	for (int i = 0; i < 20; i++)
		views[i].n = (uint64_t)INT64_MAX;
	ck_assert_int_eq(confidence_of(views, 20, &whole, whole.count, 0.5, 0.95, &c), 0);
	ck_assert_uint_ge(c.n_beyond, (uint64_t)INT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("confidence");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, coverage_of_a_queue);
	tcase_add_test(tcase, coverage_of_a_wandering_level);
	tcase_add_test(tcase, student_is_the_tabulated_one);
	tcase_add_test(tcase, interval_between_runs);
	tcase_add_test(tcase, least_numbers);
	tcase_add_test(tcase, equal_batches_are_no_better_than_independent_arrivals);
	tcase_add_test(tcase, batches_that_differ_widen_the_interval);
	tcase_add_test(tcase, neighbours_that_resemble_each_other_tell_less);
	tcase_add_test(tcase, few_batches_that_resemble_each_other_tell_less);
	tcase_add_test(tcase, a_few_stalls_have_no_upper_bound);
	tcase_add_test(tcase, the_slowest_of_few_stalls_have_no_upper_bound);
	tcase_add_test(tcase, the_slot_of_the_quantile_is_divided);
	tcase_add_test(tcase, too_little_is_said_to_be_too_little);
	tcase_add_test(tcase, arrivals_without_an_answer_rank_last);
	tcase_add_test(tcase, more_arrivals_than_can_be_counted);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
