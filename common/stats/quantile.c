/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the slots up to a rank. Served and offered quantiles differ in the number of arrivals that
 * the rank runs over, and in nothing else: an arrival without a good answer is infinitely slow. */
#include "common/stats/quantile.h"

#include "common/stats/histogram.h"

#include <math.h>

const struct quantile_name quantile_names[] = {
	{"p50", 0.5},
	{"p75", 0.75},
	{"p90", 0.9},
	{"p95", 0.95},
	{"p99", 0.99},
	{"p99_9", 0.999},
	{"p99_99", 0.9999},
};
const unsigned quantile_n_names = sizeof(quantile_names) / sizeof(quantile_names[0]);

/* ceil(q * n) in 1..n, for n >= 1. */
static uint64_t quantile_rank(uint64_t n, double q)
{
	double rank;

	if (!(q > 0))
		return 1;
	if (q >= 1)
		return n;
	/* 0.07 * 100 is 7.000000000000001 in binary, and its ceiling would be one rank too far:
	 * the two roundings, of q and of the product (2^-53 each), are subtracted first. */
	rank = ceil(q * (double)n * (1 - 0x1p-52));
	return rank < 1 ? 1 : (uint64_t)rank;
}

/* The slot that contains the rank; n_slots: none. */
static uint32_t quantile_slot(const struct histogram *h, uint64_t rank)
{
	uint64_t seen = 0;
	uint32_t i;

	for (i = 0; i < h->n_slots; i++) {
		seen += h->slots[i];
		if (seen >= rank)
			break;
	}
	return i;
}

static int64_t quantile_at_rank(const struct histogram *h, uint64_t rank)
{
	uint32_t last = histogram_index(h, h->highest);
	uint32_t i = quantile_slot(h, rank);
	int64_t value;

	/* Values above highest are counted in its slot, whose upper edge is then max. */
	if (i >= h->n_slots || (i == last && h->max > h->highest))
		return h->max;
	value = histogram_slot_high(h, i);
	return value < h->max ? value : h->max;
}

int64_t quantile_offered(const struct histogram *h, uint64_t planned, double q)
{
	uint64_t rank;

	if (h->count == 0 || planned == 0)
		return QUANTILE_NONE;
	rank = quantile_rank(planned, q);
	return rank <= h->count ? quantile_at_rank(h, rank) : QUANTILE_NONE;
}

int64_t quantile_offered_low(const struct histogram *h, uint64_t planned, double q)
{
	uint64_t rank;
	uint32_t i;
	int64_t value;

	if (h->count == 0 || planned == 0)
		return QUANTILE_NONE;
	rank = quantile_rank(planned, q);
	if (rank > h->count)
		return QUANTILE_NONE;
	i = quantile_slot(h, rank);
	value = i < h->n_slots ? histogram_slot_low(h, i) : h->max;
	return value > h->min ? value : h->min;
}

int64_t quantile_excusing(const struct histogram *h, uint64_t planned, uint64_t excused, double q)
{
	uint64_t rank;

	if (planned == 0)
		return QUANTILE_NONE;
	rank = quantile_rank(planned, q);
	if (rank <= excused)
		return 0;
	rank -= excused;
	return rank <= h->count ? quantile_at_rank(h, rank) : QUANTILE_NONE;
}

int64_t quantile_served(const struct histogram *h, double q)
{
	return quantile_offered(h, h->count, q);
}
