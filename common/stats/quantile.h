/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of histograms. rank = ceil(q * N), at least 1; the value is the upper edge of the slot
 * where the rank falls, but never above the exact maximum. Pure. */
#pragma once

#include <stdint.h>

struct histogram;

/* No such value: the histogram is empty, or the rank falls on an arrival without a good answer. */
#define QUANTILE_NONE INT64_C(-1)

/* q in 0..1. ns, or QUANTILE_NONE when empty. */
int64_t quantile_served(const struct histogram *h, double q);

/* The offered quantile: the rank runs over all planned arrivals; those that are not in h (no good
 * answer) rank last. QUANTILE_NONE where the rank falls on one of them. planned >= h->count. */
int64_t quantile_offered(const struct histogram *h, uint64_t planned, double q);

/* The smallest value that it may be, within the resolution of the slots: the lower edge of its
 * slot, but never below the exact minimum. For the low end of an interval. */
int64_t quantile_offered_low(const struct histogram *h, uint64_t planned, double q);

/* The offered quantile if `excused` of the arrivals without a good answer might have had one at
 * once: they rank first. 0 where the rank falls on one of them. planned >= h->count + excused. */
int64_t quantile_excusing(const struct histogram *h, uint64_t planned, uint64_t excused, double q);

/* The table of quantiles that results and reports carry: p50 p75 p90 p95 p99 p99_9 p99_99. */
struct quantile_name {
	const char *name; /* "p99_9" */
	double q;
};
extern const struct quantile_name quantile_names[];
extern const unsigned quantile_n_names;
