/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of durations in ns: log-linear buckets in the layout of HdrHistogram, with the exact
 * count, minimum, maximum, sum and sum of squares beside the buckets. Pure; one thread at a time.
 *
 * Layout (measurement page B): sub_bucket_count = 2^ceil(log2(2*10^digits)), the unit is the
 * largest power of two <= lowest. Values above highest are recorded as highest in the buckets and
 * exactly in max and sum. Counts are 64 bits wide everywhere: one width, no overflow rule. */
#pragma once

#include <stdint.h>

struct histogram {
	int64_t lowest; /* ns, >= 1 */
	int64_t highest;
	int digits; /* 1..5 significant decimal digits */
	int unit_magnitude;
	int half_magnitude; /* log2(sub_bucket_count / 2) */
	int64_t sub_mask;
	uint32_t n_slots;
	uint64_t *slots;
	uint64_t count;
	int64_t min; /* INT64_MAX while empty */
	int64_t max; /* 0 while empty */
	double sum;
	double sum_squares;
};

/* The layouts in use: whole-run histograms and per-interval ones. */
#define HISTOGRAM_HIGHEST_NS INT64_C(3600000000000)
#define HISTOGRAM_RUN_LOWEST 1
#define HISTOGRAM_RUN_DIGITS 3
#define HISTOGRAM_INTERVAL_LOWEST 64
#define HISTOGRAM_INTERVAL_DIGITS 2

/* 0, -EINVAL or -ENOMEM. */
int histogram_init(struct histogram *h, int64_t lowest, int64_t highest, int digits);
void histogram_fini(struct histogram *h); /* may be zeroed */
void histogram_reset(struct histogram *h);

/* The slot of a value; that of 0 when it is negative, of highest when it is above. */
uint32_t histogram_index(const struct histogram *h, int64_t value);
int64_t histogram_slot_low(const struct histogram *h, uint32_t index);	/* smallest value in it */
int64_t histogram_slot_high(const struct histogram *h, uint32_t index); /* largest value in it */

/* Negative values count as 0 (they cannot arise from a monotonic clock). About 5 ns. */
void histogram_record(struct histogram *h, int64_t value);
/* Records one value in two histograms of one layout, for little more time than in one. */
void histogram_record_both(struct histogram *a, struct histogram *b, int64_t value);

/* Adds all of from. Same layout: slot by slot. Another layout: each slot of from is re-binned by
 * its largest value. min, max, sum stay exact in both cases. */
void histogram_add(struct histogram *to, const struct histogram *from);

double histogram_mean(const struct histogram *h);   /* 0 while empty */
double histogram_stddev(const struct histogram *h); /* population; 0 while empty */
