/* SPDX-License-Identifier: Apache-2.0 */
/* The members that tell how far quantiles may be off: what is known stands as numbers, what is not
 * as null. The intervals themselves are test_confidence's. */
#include "common/result/result_confidence.h"

#include <check.h>
#include <stdio.h>

#include "common/stats/confidence.h"
#include "common/stats/histogram.h"
#include "common/json_path.h"
#include "tests/support/suite.h"
#include "tests/unit/common/written.h"

#define BATCHES 30

static struct histogram batch_of(int64_t first_ns, unsigned n)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
	for (unsigned i = 0; i < n; i++)
		histogram_record(&h, first_ns + (int64_t)i * 10000);
	return h;
}

/* The latency of so many equal batches, each with n answers to so many arrivals. */
static json_t *latency_of(size_t n_batches, unsigned n, uint64_t planned)
{
	struct confidence_batch batches[BATCHES];
	struct histogram each = batch_of(1000000, n);
	struct histogram whole = batch_of(0, 0);
	json_t *latency;

	for (size_t i = 0; i < n_batches; i++) {
		batches[i] = (struct confidence_batch){&each, planned};
		histogram_add(&whole, &each);
	}
	latency = written_confidence(batches, n_batches, &whole, planned * n_batches);
	ck_assert_ptr_nonnull(latency);
	histogram_fini(&each);
	histogram_fini(&whole);
	return latency;
}

START_TEST(test_known)
{
	json_t *latency = latency_of(BATCHES, 100, 100);
	double level = 0, n = 0;

	ck_assert(json_path_real(latency, "ci95.level", &level));
	ck_assert_double_eq_tol(level, 0.95, 1e-12);
	ck_assert_uint_eq(json_array_size(json_path_at(latency, "ci95.p50_ns")), 2);
	ck_assert_uint_eq(json_array_size(json_path_at(latency, "ci95.p99_ns")), 2);
	ck_assert_int_le(
		json_integer_value(json_array_get(json_path_at(latency, "ci95.p50_ns"), 0)),
		1500000);
	ck_assert_int_ge(
		json_integer_value(json_array_get(json_path_at(latency, "ci95.p50_ns"), 1)),
		1490000);
	ck_assert(json_path_real(latency, "n_effective.p50", &n));
	ck_assert_double_eq_tol(n, 3000, 1e-6);
	/* 2,995 would do for p99.9, were they there: 3,000 are. */
	ck_assert(json_is_array(json_path_at(latency, "ci95.p99_9_ns")));
	json_decref(latency);
}
END_TEST

/* Most values lie at the lower edge of their slot: a bound from below is no larger than they. */
START_TEST(test_low_end_is_below)
{
	struct histogram each = batch_of(1000000, 100);
	struct confidence_batch batches[BATCHES];
	struct histogram whole = batch_of(0, 0);
	json_t *latency;

	histogram_record(&whole, 900000);
	histogram_record(&whole, 9000000);
	for (size_t i = 0; i < BATCHES; i++) {
		batches[i] = (struct confidence_batch){&each, 100};
		for (int k = 0; k < 100; k++)
			histogram_record(&whole, 1000001);
	}
	latency = written_confidence(batches, BATCHES, &whole, 100 * BATCHES + 2);
	ck_assert_ptr_nonnull(latency);
	ck_assert_int_le(
		json_integer_value(json_array_get(json_path_at(latency, "ci95.p50_ns"), 0)),
		1000001);
	ck_assert_int_ge(
		json_integer_value(json_array_get(json_path_at(latency, "ci95.p50_ns"), 1)),
		1000001);
	json_decref(latency);
	histogram_fini(&each);
	histogram_fini(&whole);
}
END_TEST

/* Fewer arrivals than a bound takes, fewer batches than an error takes, no answer at all. */
static const struct {
	size_t n_batches;
	unsigned n;
} short_of[] = {{BATCHES, 5}, {5, 100}, {BATCHES, 0}, {0, 0}};

START_TEST(test_not_enough)
{
	json_t *latency = latency_of(short_of[_i].n_batches, short_of[_i].n, 100);

	if (short_of[_i].n < 100)
		ck_assert(json_is_null(json_path_at(latency, "ci95.p99_ns")));
	ck_assert(json_is_null(json_path_at(latency, "ci95.p99_9_ns")));
	ck_assert_ptr_nonnull(json_path_at(latency, "n_effective.p50"));
	if (short_of[_i].n_batches < CONFIDENCE_BATCHES_LEAST)
		ck_assert(json_is_null(json_path_at(latency, "n_effective.p50")));
	json_decref(latency);
}
END_TEST

/* Few values are known from below only: the sample holds no upper bound of their quantile. */
START_TEST(test_unbounded)
{
	json_t *latency = latency_of(BATCHES, 99, 100);
	const json_t *interval = json_path_at(latency, "ci95.p99_ns");

	ck_assert_uint_eq(json_array_size(interval), 2);
	ck_assert(json_is_integer(json_array_get(interval, 0)));
	ck_assert(json_is_null(json_array_get(interval, 1)));
	json_decref(latency);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("result_confidence");
	TCase *tcase = tcase_create("members");

	tcase_add_test(tcase, test_known);
	tcase_add_test(tcase, test_low_end_is_below);
	tcase_add_loop_test(tcase, test_not_enough, 0, (int)(sizeof(short_of) / sizeof(*short_of)));
	tcase_add_test(tcase, test_unbounded);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
