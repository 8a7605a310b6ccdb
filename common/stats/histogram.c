/* SPDX-License-Identifier: Apache-2.0 */
/* Log-linear buckets: bucket 0 holds sub_bucket_count slots of one unit each, every further bucket
 * doubles the width of its slots and adds half as many again, because its lower half is what the
 * bucket before already covers. So a slot is never wider than 10^-digits of the values in it, and
 * the index is a count of leading zeros, a shift and an addition.
 *
 * Invariants: count is the sum of the slots; slot_low(index(v)) <= v <= slot_high(index(v)) for
 * every v in 0..highest; index is monotone, and slots touch without gaps. min, max and the sums are
 * of the values as recorded, not of their slots.
 *
 * One histogram belongs to one thread at a time: a worker fills it, posts it, and main merges. No
 * locks, no atomics, and no allocation after histogram_init. */
#include "common/stats/histogram.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* With a larger magnitude the values of the largest bucket would not fit 63 bits. */
#define HISTOGRAM_MAGNITUDE_MAX 61

static int histogram_log2_floor(uint64_t value)
{
	return 63 - __builtin_clzll(value);
}

/* The number of buckets, such that the largest value of the last one reaches highest. */
static uint32_t histogram_count_buckets(uint64_t first_above, int64_t highest)
{
	uint32_t n = 1;

	/* first_above is a power of two, at most 2^63 when the loop ends. */
	while (first_above <= (uint64_t)highest) {
		first_above <<= 1;
		n++;
	}
	return n;
}

int histogram_init(struct histogram *h, int64_t lowest, int64_t highest, int digits)
{
	struct histogram new = {.lowest = lowest, .highest = highest, .digits = digits};
	uint64_t resolution = 2; /* values that bucket 0 must tell apart */

	if (lowest < 1 || highest / 2 < lowest || digits < 1 || digits > 5)
		return -EINVAL;
	for (int i = 0; i < digits; i++)
		resolution *= 10;
	new.unit_magnitude = histogram_log2_floor((uint64_t)lowest);
	new.half_magnitude = histogram_log2_floor(resolution - 1);
	if (new.unit_magnitude + new.half_magnitude > HISTOGRAM_MAGNITUDE_MAX)
		return -EINVAL;

	uint64_t sub_count = UINT64_C(2) << new.half_magnitude;
	uint32_t n_buckets = histogram_count_buckets(sub_count << new.unit_magnitude, highest);

	new.sub_mask = (int64_t)((sub_count - 1) << new.unit_magnitude);
	new.n_slots = (n_buckets + 1) << new.half_magnitude;
	new.slots = calloc(new.n_slots, sizeof(*new.slots));
	if (!new.slots)
		return -ENOMEM;
	new.min = INT64_MAX;
	*h = new;
	return 0;
}

void histogram_fini(struct histogram *h)
{
	free(h->slots);
	*h = (struct histogram){0};
}

void histogram_reset(struct histogram *h)
{
	if (h->count > 0)
		memset(h->slots, 0, h->n_slots * sizeof(*h->slots));
	h->count = 0;
	h->min = INT64_MAX;
	h->max = 0;
	h->sum = 0;
	h->sum_squares = 0;
}

static int64_t histogram_clamp(const struct histogram *h, int64_t value)
{
	if (value < 0)
		return 0;
	return value < h->highest ? value : h->highest;
}

/* value is in 0..highest. Above bucket 0 a sub-bucket number has its top bit set, so that bucket b
 * starts where the upper half of bucket b - 1 ends: no slot is wasted. */
static inline uint32_t histogram_slot(const struct histogram *h, int64_t value)
{
	/* log2 of the width of a slot in the value's bucket */
	int magnitude = histogram_log2_floor((uint64_t)(value | h->sub_mask)) - h->half_magnitude;
	uint32_t bucket = (uint32_t)(magnitude - h->unit_magnitude);

	return (bucket << h->half_magnitude) + (uint32_t)(value >> magnitude);
}

uint32_t histogram_index(const struct histogram *h, int64_t value)
{
	return histogram_slot(h, histogram_clamp(h, value));
}

static inline void histogram_record_in(struct histogram *h, uint32_t slot, int64_t value)
{
	double square = (double)value * (double)value;

	h->slots[slot]++;
	h->count++;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->sum += (double)value;
	h->sum_squares += square;
}

/* Called several times for each request. Measured: 2.4 ns as a call, 2.7 ns when inlined into its
 * callers, where the loads of the layout are the same and the code is larger. */
void histogram_record(struct histogram *h, int64_t value)
{
	if (value < 0)
		value = 0;
	histogram_record_in(h, histogram_slot(h, value < h->highest ? value : h->highest), value);
}

void histogram_record_both(struct histogram *a, struct histogram *b, int64_t value)
{
	uint32_t slot;

	if (value < 0)
		value = 0;
	slot = histogram_slot(a, value < a->highest ? value : a->highest);
	histogram_record_in(a, slot, value);
	histogram_record_in(b, slot, value);
}

/* log2 of the width of a slot. */
static int histogram_slot_magnitude(const struct histogram *h, uint32_t index)
{
	uint32_t bucket = index >> h->half_magnitude;

	/* The first two halves both belong to bucket 0. */
	return h->unit_magnitude + (int)(bucket ? bucket - 1 : 0);
}

int64_t histogram_slot_low(const struct histogram *h, uint32_t index)
{
	int magnitude = histogram_slot_magnitude(h, index);
	uint64_t bucket = (uint64_t)(magnitude - h->unit_magnitude);

	return (int64_t)((index - (bucket << h->half_magnitude)) << magnitude);
}

int64_t histogram_slot_high(const struct histogram *h, uint32_t index)
{
	uint64_t width = UINT64_C(1) << histogram_slot_magnitude(h, index);

	return (int64_t)((uint64_t)histogram_slot_low(h, index) + width - 1);
}

static bool histogram_same_layout(const struct histogram *a, const struct histogram *b)
{
	return a->unit_magnitude == b->unit_magnitude && a->half_magnitude == b->half_magnitude &&
	       a->n_slots == b->n_slots;
}

/* Only the slots between the extremes are visited: of most histograms that is a small part, and
 * pages that were never written are not even read. */
static void histogram_add_slots(struct histogram *to, const struct histogram *from)
{
	uint32_t first, last;

	if (from->count == 0)
		return;
	first = histogram_index(from, from->min);
	last = histogram_index(from, from->max);
	if (histogram_same_layout(to, from)) {
		for (uint32_t i = first; i <= last; i++)
			to->slots[i] += from->slots[i];
		return;
	}
	for (uint32_t i = first; i <= last; i++)
		if (from->slots[i])
			to->slots[histogram_index(to, histogram_slot_high(from, i))] +=
				from->slots[i];
}

void histogram_add(struct histogram *to, const struct histogram *from)
{
	histogram_add_slots(to, from);
	to->count += from->count;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->sum += from->sum;
	to->sum_squares += from->sum_squares;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}

double histogram_stddev(const struct histogram *h)
{
	double mean, variance;

	if (h->count == 0)
		return 0;
	mean = histogram_mean(h);
	variance = h->sum_squares / (double)h->count - mean * mean;
	/* Rounding may leave a tiny negative value when all values are nearly equal. */
	return variance > 0 ? sqrt(variance) : 0;
}
