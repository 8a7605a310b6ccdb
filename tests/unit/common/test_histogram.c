/* SPDX-License-Identifier: Apache-2.0 */
/* The layout against the reference figures and, over several layouts, as a property; recording and
 * adding against plain arithmetic. */
#include "common/stats/histogram.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/suite.h"

static const struct {
	int64_t lowest;
	int64_t highest;
	int digits;
	uint32_t n_slots; /* 0: not checked */
} layouts[] = {
	{HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_RUN_DIGITS, 33792},
	{HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_INTERVAL_DIGITS, 3840},
	{1, 2, 1, 32},
	{1, 31, 1, 32},
	{1, 32, 1, 48},
	{3, 1000000, 2, 0},
	{1000, HISTOGRAM_HIGHEST_NS, 3, 0},
	{1, 100000000, 4, 0},
	{7, 1000000, 5, 0},
	{1, INT64_MAX, 1, 0},
	{1, INT64_MAX, 3, 0},
	{1, INT64_MAX, 5, 0},
	{INT64_C(1) << 57, INT64_MAX, 1, 0},
};
#define N_LAYOUTS ((int)(sizeof(layouts) / sizeof(layouts[0])))
#define LARGEST 11

static uint64_t seed = 1;

/* A value whose length in bits is as even as its value: all buckets get their share. */
static int64_t random_value(int64_t highest)
{
	uint64_t v;

	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	v = (seed ^ seed >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	v >>= 1 + (seed >> 58) % 63;
	return v > (uint64_t)highest ? (int64_t)(v % (uint64_t)highest) : (int64_t)v;
}

static struct histogram layout(int i)
{
	struct histogram h;

	ck_assert_int_eq(
		histogram_init(&h, layouts[i].lowest, layouts[i].highest, layouts[i].digits), 0);
	return h;
}

static uint64_t slots_total(const struct histogram *h)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < h->n_slots; i++)
		total += h->slots[i];
	return total;
}

START_TEST(test_init_limits)
{
	struct histogram h = {.digits = 99};

	ck_assert_int_eq(histogram_init(&h, 0, 1000, 3), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, -1, 1000, 3), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, INT64_MIN, INT64_MAX, 3), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, 1, 1, 3), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, 1, INT64_MIN, 3), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, INT64_MAX, INT64_MAX, 3), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, 1, 1000, 0), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, 1, 1000, 6), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, 1, 1000, -1), -EINVAL);
	/* The values of the largest bucket would not fit 63 bits. */
	ck_assert_int_eq(histogram_init(&h, INT64_C(1) << 58, INT64_MAX, 1), -EINVAL);
	ck_assert_int_eq(histogram_init(&h, INT64_C(1) << 52, INT64_MAX, 3), -EINVAL);
	ck_assert_int_eq(h.digits, 99);
}
END_TEST

START_TEST(test_init_empty)
{
	struct histogram h = layout(_i);

	ck_assert_int_eq(h.lowest, layouts[_i].lowest);
	ck_assert_int_eq(h.highest, layouts[_i].highest);
	ck_assert_int_eq(h.digits, layouts[_i].digits);
	if (layouts[_i].n_slots)
		ck_assert_uint_eq(h.n_slots, layouts[_i].n_slots);
	ck_assert_uint_eq(h.count, 0);
	ck_assert_int_eq(h.min, INT64_MAX);
	ck_assert_int_eq(h.max, 0);
	ck_assert_double_eq(histogram_mean(&h), 0);
	ck_assert_double_eq(histogram_stddev(&h), 0);
	ck_assert_uint_eq(slots_total(&h), 0);
	histogram_fini(&h);
	ck_assert_ptr_null(h.slots);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_index_reference)
{
	struct histogram h = layout(0);

	ck_assert_int_eq(h.half_magnitude, 10);
	ck_assert_int_eq(h.sub_mask, 2047);
	ck_assert_uint_eq(histogram_index(&h, 0), 0);
	ck_assert_uint_eq(histogram_index(&h, 1), 1);
	ck_assert_uint_eq(histogram_index(&h, 2047), 2047);
	ck_assert_uint_eq(histogram_index(&h, 2048), 2048);
	ck_assert_uint_eq(histogram_index(&h, 2049), 2048);
	ck_assert_uint_eq(histogram_index(&h, 2050), 2049);
	ck_assert_uint_eq(histogram_index(&h, 1000000), 11169);
	ck_assert_uint_eq(histogram_index(&h, 12345678), 14819);
	ck_assert_uint_eq(histogram_index(&h, 1000000000), 21363);
	ck_assert_uint_eq(histogram_index(&h, INT64_C(3600000000000)), 33420);
	ck_assert_int_eq(histogram_slot_high(&h, 21363), 1000341503);
	ck_assert_int_eq(histogram_slot_high(&h, 11169), 1000447);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_index_clamps)
{
	struct histogram h = layout(_i);

	ck_assert_uint_eq(histogram_index(&h, -1), 0);
	ck_assert_uint_eq(histogram_index(&h, INT64_MIN), 0);
	ck_assert_uint_eq(histogram_index(&h, INT64_MAX), histogram_index(&h, h.highest));
	ck_assert_uint_lt(histogram_index(&h, INT64_MAX), h.n_slots);
	histogram_fini(&h);
}
END_TEST

/* The slots cover 0..highest without gaps, each as narrow as the digits promise. */
START_TEST(test_slots_touch)
{
	struct histogram h = layout(_i);
	uint32_t last = histogram_index(&h, h.highest);
	int64_t next = 0, unit = INT64_C(1) << h.unit_magnitude;

	for (uint32_t i = 0; i < h.n_slots; i++) {
		int64_t low = histogram_slot_low(&h, i), high = histogram_slot_high(&h, i);

		/* No ck_assert for each slot: the largest layout has six million. */
		if (low != next || high < low)
			ck_abort_msg("slot %u: %jd..%jd, want %jd", i, low, high, next);
		if (high - low >= unit && (double)(high - low + 1) > low * pow(10, -h.digits))
			ck_abort_msg("slot %u: %jd..%jd is too wide", i, low, high);
		if (i <= last && histogram_index(&h, low) != i)
			ck_abort_msg("slot %u: low %jd elsewhere", i, low);
		if (i < last && histogram_index(&h, high) != i)
			ck_abort_msg("slot %u: high %jd elsewhere", i, high);
		if (i == h.n_slots - 1)
			ck_assert_int_ge(high, h.highest);
		else
			next = high + 1;
	}
	histogram_fini(&h);
}
END_TEST

START_TEST(test_index_monotone)
{
	struct histogram h = layout(_i);

	for (int n = 0; n < 100000; n++) {
		int64_t a = random_value(h.highest), b = random_value(h.highest);
		uint32_t ia = histogram_index(&h, a), ib = histogram_index(&h, b);

		if (histogram_slot_low(&h, ia) > a || histogram_slot_high(&h, ia) < a)
			ck_abort_msg("%jd is not in its slot %u", a, ia);
		if (a <= b ? ia > ib : ia < ib)
			ck_abort_msg("%jd in %u, %jd in %u", a, ia, b, ib);
	}
	histogram_fini(&h);
}
END_TEST

START_TEST(test_record)
{
	struct histogram h = layout(0);

	histogram_record(&h, 1000);
	histogram_record(&h, 1000);
	histogram_record(&h, 3000000);
	ck_assert_uint_eq(h.count, 3);
	ck_assert_uint_eq(h.slots[1000], 2);
	ck_assert_uint_eq(h.slots[histogram_index(&h, 3000000)], 1);
	ck_assert_int_eq(h.min, 1000);
	ck_assert_int_eq(h.max, 3000000);
	ck_assert_double_eq(h.sum, 3002000);
	ck_assert_double_eq(h.sum_squares, 2e6 + 9e12);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_record_limits)
{
	struct histogram h = layout(_i);

	histogram_record(&h, -5);
	histogram_record(&h, INT64_MIN);
	ck_assert_uint_eq(h.slots[0], 2);
	ck_assert_int_eq(h.min, 0);
	ck_assert_int_eq(h.max, 0);
	ck_assert_double_eq(h.sum, 0);

	histogram_record(&h, h.highest);
	histogram_record(&h, INT64_MAX);
	ck_assert_uint_eq(h.slots[histogram_index(&h, h.highest)], 2);
	ck_assert_uint_eq(h.count, 4);
	ck_assert_int_eq(h.max, INT64_MAX);
	ck_assert_double_eq(h.sum, (double)h.highest + (double)INT64_MAX);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_mean_stddev)
{
	struct histogram h = layout(0);
	static const int64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9};

	for (unsigned i = 0; i < 8; i++)
		histogram_record(&h, values[i] * 1000000);
	ck_assert_double_eq_tol(histogram_mean(&h), 5e6, 1e-6);
	ck_assert_double_eq_tol(histogram_stddev(&h), 2e6, 1e-3);

	/* Equal values: no square root of a negative rounding error. */
	histogram_reset(&h);
	for (int i = 0; i < 1000; i++)
		histogram_record(&h, INT64_C(1234567890123));
	ck_assert_double_eq_tol(histogram_mean(&h), 1234567890123.0, 1);
	ck_assert(isfinite(histogram_stddev(&h)));
	ck_assert_double_lt(histogram_stddev(&h), 1234567890123.0 * 1e-6);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_reset)
{
	struct histogram h = layout(_i);

	for (int i = 0; i < 1000; i++)
		histogram_record(&h, random_value(h.highest));
	histogram_reset(&h);
	ck_assert_uint_eq(h.count, 0);
	ck_assert_uint_eq(slots_total(&h), 0);
	ck_assert_int_eq(h.min, INT64_MAX);
	ck_assert_int_eq(h.max, 0);
	ck_assert_double_eq(h.sum, 0);
	ck_assert_double_eq(h.sum_squares, 0);
	histogram_record(&h, 1);
	ck_assert_uint_eq(h.count, 1);
	ck_assert_int_eq(h.min, 1);
	histogram_fini(&h);
}
END_TEST

/* Two halves added are the same as all recorded in one. */
START_TEST(test_add_same_layout)
{
	struct histogram a = layout(_i), b = layout(_i), all = layout(_i);

	for (int i = 0; i < 2000; i++) {
		/* Kept below 2^40 for sums that are exact in a double whatever their order. */
		int64_t v = random_value(a.highest < 1 << 30 ? a.highest : INT64_C(1) << 30);

		histogram_record(i % 3 ? &a : &b, v);
		histogram_record(&all, v);
	}
	histogram_add(&a, &b);
	ck_assert_mem_eq(a.slots, all.slots, all.n_slots * sizeof(*all.slots));
	ck_assert_uint_eq(a.count, 2000);
	ck_assert_int_eq(a.min, all.min);
	ck_assert_int_eq(a.max, all.max);
	ck_assert_double_eq(a.sum, all.sum);
	ck_assert_double_eq_tol(a.sum_squares, all.sum_squares, all.sum_squares * 1e-12);
	histogram_fini(&a);
	histogram_fini(&b);
	histogram_fini(&all);
}
END_TEST

static void add_rebinned(int from_layout, int to_layout)
{
	struct histogram from = layout(from_layout), to = layout(to_layout);

	for (int i = 0; i < 500; i++)
		histogram_record(&from, random_value(from.highest));
	histogram_record(&to, 1);
	histogram_add(&to, &from);
	ck_assert_uint_eq(to.count, 501);
	ck_assert_uint_eq(slots_total(&to), 501);
	ck_assert_int_eq(to.min, from.min < 1 ? from.min : 1);
	ck_assert_int_eq(to.max, from.max > 1 ? from.max : 1);
	ck_assert_double_eq(to.sum, from.sum + 1);
	ck_assert_double_eq(to.sum_squares, from.sum_squares + 1);
	histogram_fini(&from);
	histogram_fini(&to);
}

/* Every layout into every other: nothing is lost, the exact figures stay exact, and no value moves
 * down by re-binning. The largest, of 48 MB, meets the first and itself alone. */
START_TEST(test_add_rebins)
{
	for (int to = 0; to < N_LAYOUTS; to++) {
		if (to == _i || to == 0 || _i == 0 || (to != LARGEST && _i != LARGEST))
			add_rebinned(_i, to);
	}
}
END_TEST

START_TEST(test_rebin_upwards)
{
	struct histogram from = layout(1), to = layout(0);

	histogram_record(&from, 1000000);
	int64_t edge = histogram_slot_high(&from, histogram_index(&from, 1000000));

	histogram_add(&to, &from);
	ck_assert_uint_eq(to.slots[histogram_index(&to, edge)], 1);
	ck_assert_int_eq(to.max, 1000000);
	ck_assert_int_eq(to.min, 1000000);

	/* Beyond the other's highest: into its last slot, with the exact maximum. */
	struct histogram small = layout(3);

	histogram_add(&small, &from);
	ck_assert_uint_eq(small.slots[histogram_index(&small, small.highest)], 1);
	ck_assert_int_eq(small.max, 1000000);
	histogram_fini(&from);
	histogram_fini(&to);
	histogram_fini(&small);
}
END_TEST

START_TEST(test_add_empty)
{
	struct histogram a = layout(0), same = layout(0), other = layout(1);

	histogram_add(&a, &same);
	histogram_add(&a, &other);
	ck_assert_uint_eq(a.count, 0);
	ck_assert_int_eq(a.min, INT64_MAX);
	histogram_record(&a, 77);
	histogram_add(&a, &same);
	histogram_add(&a, &other);
	ck_assert_uint_eq(a.count, 1);
	ck_assert_int_eq(a.min, 77);
	ck_assert_int_eq(a.max, 77);
	histogram_fini(&a);
	histogram_fini(&same);
	histogram_fini(&other);
}
END_TEST

/* More than 32 bits hold. */
START_TEST(test_wide_counts)
{
	struct histogram a = layout(0);

	histogram_record(&a, 5);
	for (int i = 0; i < 40; i++)
		histogram_add(&a, &a);
	ck_assert_uint_eq(a.count, UINT64_C(1) << 40);
	ck_assert_uint_eq(a.slots[5], UINT64_C(1) << 40);
	ck_assert_double_eq(histogram_mean(&a), 5);
	histogram_fini(&a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("histogram");
	TCase *t = tcase_create("layout");

	tcase_add_test(t, test_init_limits);
	tcase_add_loop_test(t, test_init_empty, 0, N_LAYOUTS);
	tcase_add_test(t, test_index_reference);
	tcase_add_loop_test(t, test_index_clamps, 0, N_LAYOUTS);
	tcase_add_loop_test(t, test_slots_touch, 0, N_LAYOUTS);
	tcase_add_loop_test(t, test_index_monotone, 0, N_LAYOUTS);
	suite_add_tcase(s, t);

	t = tcase_create("counting");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_record);
	tcase_add_loop_test(t, test_record_limits, 0, N_LAYOUTS);
	tcase_add_test(t, test_mean_stddev);
	tcase_add_loop_test(t, test_reset, 0, N_LAYOUTS);
	tcase_add_loop_test(t, test_add_same_layout, 0, N_LAYOUTS);
	tcase_add_loop_test(t, test_add_rebins, 0, N_LAYOUTS);
	tcase_add_test(t, test_rebin_upwards);
	tcase_add_test(t, test_add_empty);
	tcase_add_test(t, test_wide_counts);
	suite_add_tcase(s, t);

	return suite_main(s);
}
