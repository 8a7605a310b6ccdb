/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles against a sorted array of the same values. */
#include "common/stats/quantile.h"

#include "common/stats/histogram.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static uint64_t seed = 7;

static uint64_t next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 11;
}

static int64_t random_latency(void)
{
	/* Roughly log-uniform from 1 us to 4 s. */
	return (int64_t)(1000 * exp((double)(next_random() % 1000000) / 1e6 * 15.2));
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct histogram run_histogram(void)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
	return h;
}

/* 1, 2, … n: all in slots of their own while n <= 2047. */
static struct histogram counting(int64_t n)
{
	struct histogram h = run_histogram();

	for (int64_t v = 1; v <= n; v++)
		histogram_record(&h, v);
	return h;
}

START_TEST(test_empty)
{
	struct histogram h = run_histogram();

	ck_assert_int_eq(quantile_served(&h, 0), QUANTILE_NONE);
	ck_assert_int_eq(quantile_served(&h, 0.5), QUANTILE_NONE);
	ck_assert_int_eq(quantile_served(&h, 1), QUANTILE_NONE);
	ck_assert_int_eq(quantile_offered(&h, 0, 0.5), QUANTILE_NONE);
	ck_assert_int_eq(quantile_offered(&h, 100, 0), QUANTILE_NONE);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_one)
{
	struct histogram h = run_histogram();
	static const double qs[] = {-1, 0, 1e-300, 0.5, 0.9999, 1, 2};

	/* Its slot ends at 1000341503: the exact maximum is what is said. */
	histogram_record(&h, 1000000000);
	for (unsigned i = 0; i < sizeof(qs) / sizeof(qs[0]); i++)
		ck_assert_int_eq(quantile_served(&h, qs[i]), 1000000000);
	ck_assert_int_eq(quantile_served(&h, (double)NAN), 1000000000);
	histogram_fini(&h);
}
END_TEST

/* i hundredths of 1..100 are exactly i: also for 7, 14, 28, 29, 55 … of which the product in
 * binary lies above. */
START_TEST(test_rank_is_exact)
{
	struct histogram h = counting(100);

	for (int i = 0; i <= 100; i++)
		ck_assert_int_eq(quantile_served(&h, i / 100.0), i ? i : 1);
	histogram_fini(&h);
}
END_TEST

/* The same with 10^9 arrivals in two slots, the border at i thousandths of them. */
START_TEST(test_rank_is_exact_per_mille)
{
	struct histogram h = run_histogram();

	h.count = 1000000000;
	h.max = 2;
	for (uint64_t i = 1; i < 1000; i++) {
		h.slots[1] = i * 1000000;
		h.slots[2] = h.count - h.slots[1];
		ck_assert_int_eq(quantile_served(&h, (double)i / 1000), 1);
		h.slots[1]--;
		h.slots[2]++;
		ck_assert_int_eq(quantile_served(&h, (double)i / 1000), 2);
	}
	histogram_fini(&h);
}
END_TEST

START_TEST(test_rank_rounds_up)
{
	struct histogram h = counting(10);

	ck_assert_int_eq(quantile_served(&h, 0.91), 10);
	ck_assert_int_eq(quantile_served(&h, 0.9), 9);
	ck_assert_int_eq(quantile_served(&h, 0.8999), 9);
	ck_assert_int_eq(quantile_served(&h, 0.801), 9);
	ck_assert_int_eq(quantile_served(&h, 0.05), 1);
	ck_assert_int_eq(quantile_served(&h, 0.9999), 10);
	histogram_fini(&h);
}
END_TEST

/* _i: how many values. Never below the true value, above it by at most its slot. */
START_TEST(test_against_sorted)
{
	static const double qs[] = {
		0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999, 1};
	struct histogram h = run_histogram();
	size_t n = (size_t)1 << _i;
	int64_t *values = malloc(n * sizeof(*values));

	ck_assert_ptr_nonnull(values);
	for (size_t i = 0; i < n; i++) {
		values[i] = random_latency();
		histogram_record(&h, values[i]);
	}
	qsort(values, n, sizeof(*values), by_value);
	for (unsigned i = 0; i < sizeof(qs) / sizeof(qs[0]); i++) {
		size_t rank = (size_t)ceil(qs[i] * (double)n);
		int64_t want = values[rank ? rank - 1 : 0];
		int64_t got = quantile_served(&h, qs[i]);

		ck_assert_int_ge(got, want);
		ck_assert_int_le(got, histogram_slot_high(&h, histogram_index(&h, want)));
		ck_assert_int_le(got, values[n - 1]);
	}
	ck_assert_int_eq(quantile_served(&h, 1), values[n - 1]);
	free(values);
	histogram_fini(&h);
}
END_TEST

/* The offered quantile is the sorted array with infinities after it. */
START_TEST(test_offered_against_sorted)
{
	struct histogram h = run_histogram();
	int64_t values[1000];

	for (int i = 0; i < 1000; i++)
		values[i] = INT64_MAX;
	for (int i = 0; i < _i; i++) {
		values[i] = random_latency();
		histogram_record(&h, values[i]);
	}
	qsort(values, 1000, sizeof(*values), by_value);
	for (int per_mille = 1; per_mille <= 1000; per_mille++) {
		int64_t want = values[per_mille - 1];
		int64_t got = quantile_offered(&h, 1000, per_mille / 1000.0);

		if (want == INT64_MAX) {
			ck_assert_int_eq(got, QUANTILE_NONE);
			continue;
		}
		ck_assert_int_ge(got, want);
		ck_assert_int_le(got, histogram_slot_high(&h, histogram_index(&h, want)));
	}
	histogram_fini(&h);
}
END_TEST

START_TEST(test_offered_border)
{
	struct histogram h = counting(99);

	/* 99 of 100 answered: p99 is the slowest answer, p99.1 is nobody's. */
	ck_assert_int_eq(quantile_offered(&h, 100, 0.99), 99);
	ck_assert_int_eq(quantile_offered(&h, 100, 0.991), QUANTILE_NONE);
	ck_assert_int_eq(quantile_offered(&h, 100, 1), QUANTILE_NONE);
	ck_assert_int_eq(quantile_offered(&h, 100, 0.5), 50);
	/* All answered: served and offered are the same. */
	ck_assert_int_eq(quantile_offered(&h, 99, 1), 99);
	ck_assert_int_eq(quantile_offered(&h, 99, 0.3), quantile_served(&h, 0.3));
	/* None of a huge plan. */
	ck_assert_int_eq(quantile_offered(&h, UINT64_MAX, 0.5), QUANTILE_NONE);
	ck_assert_int_eq(quantile_offered(&h, UINT64_MAX, 0), 1);
	ck_assert_int_eq(quantile_offered(&h, UINT64_MAX, 1), QUANTILE_NONE);
	histogram_fini(&h);
}
END_TEST

/* Values beyond the layout share the last slot, whose upper edge is the exact maximum. */
START_TEST(test_above_highest)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, 1, 1000000, 2), 0);
	for (int i = 0; i < 50; i++)
		histogram_record(&h, 10);
	for (int i = 0; i < 50; i++)
		histogram_record(&h, 7000000 + i);
	ck_assert_int_eq(quantile_served(&h, 0.5), 10);
	ck_assert_int_eq(quantile_served(&h, 0.51), 7000049);
	ck_assert_int_eq(quantile_served(&h, 1), 7000049);
	histogram_fini(&h);
}
END_TEST

/* The whole of 64 bits: no conversion from a double overflows. */
START_TEST(test_huge_counts)
{
	struct histogram h = run_histogram();

	h.slots[1] = UINT64_MAX - 1;
	h.slots[2] = 1;
	h.count = UINT64_MAX;
	h.max = 2;
	ck_assert_int_eq(quantile_served(&h, 0.5), 1);
	ck_assert_int_eq(quantile_served(&h, 0.99999), 1);
	ck_assert_int_eq(quantile_served(&h, 1), 2);
	/* The largest number below 1. */
	ck_assert_int_ge(quantile_served(&h, nextafter(1, 0)), 1);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_monotone)
{
	struct histogram h = run_histogram();
	int64_t before = 0;

	for (int i = 0; i < 997; i++)
		histogram_record(&h, random_latency());
	for (int i = 0; i <= 5000; i++) {
		int64_t v = quantile_served(&h, i / 5000.0);

		ck_assert_int_ge(v, before);
		before = v;
	}
	ck_assert_int_eq(before, h.max);
	histogram_fini(&h);
}
END_TEST

/* Interval histograms merged into a run's, which is finer: never below the true value, above it by
 * at most a slot of the coarse layout and one of the fine. */
START_TEST(test_rebinned_against_sorted)
{
	struct histogram run = run_histogram(), interval;
	int64_t values[3000];

	ck_assert_int_eq(histogram_init(&interval, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_INTERVAL_DIGITS),
		0);
	for (int i = 0; i < 3000; i++) {
		values[i] = random_latency();
		histogram_record(&interval, values[i]);
		if (i % 1000 == 999) {
			histogram_add(&run, &interval);
			histogram_reset(&interval);
		}
	}
	ck_assert_uint_eq(run.count, 3000);
	qsort(values, 3000, sizeof(*values), by_value);
	for (int i = 1; i <= 3000; i++) {
		int64_t want = values[i - 1], got = quantile_served(&run, i / 3000.0);
		int64_t edge = histogram_slot_high(&interval, histogram_index(&interval, want));

		ck_assert_int_ge(got, want);
		ck_assert_int_le(got, histogram_slot_high(&run, histogram_index(&run, edge)));
	}
	ck_assert_int_eq(quantile_served(&run, 1), values[2999]);
	histogram_fini(&interval);
	histogram_fini(&run);
}
END_TEST

START_TEST(test_names)
{
	static const char *const want[] = {"p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99"};

	ck_assert_uint_eq(quantile_n_names, sizeof(want) / sizeof(want[0]));
	for (unsigned i = 0; i < quantile_n_names; i++) {
		char digits[16];

		/* The name and the number say the same. */
		ck_assert_str_eq(quantile_names[i].name, want[i]);
		snprintf(digits, sizeof(digits), "%s", want[i] + 1);
		if (strchr(digits, '_'))
			*strchr(digits, '_') = '.';
		ck_assert_double_eq_tol(quantile_names[i].q, atof(digits) / 100, 1e-15);
	}
}
END_TEST

/* The two edges of a slot hold the value between them, within the exact minimum and maximum. */
START_TEST(test_low_edge)
{
	struct histogram h = run_histogram();

	ck_assert_int_eq(quantile_offered_low(&h, 10, 0.5), QUANTILE_NONE);
	histogram_record(&h, 1000003);
	ck_assert_int_eq(quantile_offered_low(&h, 1, 0.5), 1000003);
	histogram_record(&h, 1000900);
	histogram_record(&h, 9000000);
	ck_assert_int_eq(quantile_offered_low(&h, 3, 0.1), 1000003);
	ck_assert_int_eq(quantile_offered_low(&h, 3, 0.5),
		histogram_slot_low(&h, histogram_index(&h, 1000900)));
	ck_assert_int_le(quantile_offered_low(&h, 3, 0.5), 1000900);
	ck_assert_int_ge(quantile_offered(&h, 3, 0.5), 1000900);
	ck_assert_int_le(quantile_offered_low(&h, 3, 0.99), 9000000);
	/* The rank falls on one without a good answer. */
	ck_assert_int_eq(quantile_offered_low(&h, 4, 0.99), QUANTILE_NONE);
	ck_assert_int_eq(quantile_offered_low(&h, 0, 0.5), QUANTILE_NONE);
	histogram_fini(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("quantile");
	TCase *t = tcase_create("quantile");

	tcase_add_test(t, test_empty);
	tcase_add_test(t, test_one);
	tcase_add_test(t, test_rank_is_exact);
	tcase_add_test(t, test_rank_is_exact_per_mille);
	tcase_add_test(t, test_rank_rounds_up);
	tcase_add_loop_test(t, test_against_sorted, 0, 17);
	tcase_add_loop_test(t, test_offered_against_sorted, 0, 11);
	tcase_add_loop_test(t, test_offered_against_sorted, 990, 1001);
	tcase_add_test(t, test_offered_border);
	tcase_add_test(t, test_above_highest);
	tcase_add_test(t, test_huge_counts);
	tcase_add_test(t, test_monotone);
	tcase_add_test(t, test_rebinned_against_sorted);
	tcase_add_test(t, test_names);
	tcase_add_test(t, test_low_edge);
	suite_add_tcase(s, t);

	return suite_main(s);
}
