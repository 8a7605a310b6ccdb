/* SPDX-License-Identifier: Apache-2.0 */
/* A run's intervals, merged over its workers. At most 4,096 rows are kept: when they are full, or
 * when a worker passes on a wider interval, neighbours merge and the width doubles; so a run of any
 * length has a bounded timeline, and every row is of the same width. A row keeps its latencies in
 * compact form, so merged rows have true quantiles, not averages. Batches are coarser: complete
 * histograms of periods long enough to be nearly independent. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats/histogram.h"

struct result_batches;
struct result_intervals;
struct stats_interval;
struct timeline;

#define TIMELINE_ROWS_MAX 4096

struct timeline_row {
	int64_t start_ns; /* since the window's start */
	int64_t width_ns;
	uint64_t planned, sent, completed, ok, failed;
	uint64_t in_flight, queue; /* at its end, if is_noted */
	bool is_noted;		   /* a pulse arrived at its end */
	double mean_ns;		   /* 0: no good answer yet */
	uint64_t n;		   /* good answers to arrivals planned in it */
	/* over all arrivals planned in it; QUANTILE_NONE: the rank falls on one without a good
	 * answer */
	int64_t p50_ns, p99_ns, max_ns;
	int64_t good_p50_ns; /* over good answers alone: shows whether the server has changed */
	int64_t our_delay_p99_ns;
	bool is_open; /* some of its arrivals have not ended yet */
};

/* 0 or -ENOMEM. */
int timeline_new(int64_t interval_ns, unsigned n_workers, struct timeline **ret);
struct timeline *timeline_free(struct timeline *t);

/* An interval of worker w is over for good. 0 or -ENOMEM (its quantiles are lost, not its counts).
 */
int timeline_add(struct timeline *t, unsigned w, const struct stats_interval *i);
/* Records the figures of the pulses at an instant since the window's start: close to the end of an
 * interval, mostly shortly after it. */
void timeline_note(struct timeline *t, int64_t at_ns, uint64_t in_flight, uint64_t queue);
/* Every worker has passed on all of its intervals. */
void timeline_finish(struct timeline *t);

/* The newest row for which every worker has passed on its interval; false when there is none
 * yet. */
bool timeline_newest(const struct timeline *t, struct timeline_row *ret);
/* Can a row's times still represent the present? Not if its server has become silent since, or if
 * an arrival has by now waited clearly longer than any in the row: the rows since then are open
 * just because they are slow. oldest_ns: the age of the oldest arrival that has not ended,
 * CLOCK_NEVER: none. n_ended: arrivals that ended between the last two samples. */
bool timeline_row_is_present(const struct timeline_row *row, int64_t oldest_ns, uint64_t n_ended);
/* Histograms of good answers and of our delay over all intervals so far, 2 digits. Borrowed. */
const struct histogram *timeline_response(const struct timeline *t);
const struct histogram *timeline_our_delay(const struct timeline *t);

/* The number of rows, from the first on, for which every worker has passed on its interval; how
 * wide they are. And those of [from, to) together: counts in ret, latencies added to both
 * histograms, which have the layout of intervals. */
size_t timeline_n_covered(const struct timeline *t);
int64_t timeline_width_ns(const struct timeline *t);
void timeline_sum(const struct timeline *t, size_t from, size_t to, struct timeline_row *ret,
	struct histogram *response, struct histogram *our_delay);

/* The number of rows that end inside the window; they are in the order of time, from 0. */
size_t timeline_n_rows(const struct timeline *t, int64_t window_ns);
const struct timeline_row *timeline_row(const struct timeline *t, size_t i);

/* Periods of the window of equal length, at least TIMELINE_BATCH_NS, made of complete rows; the
 * last may be shorter. */
#define TIMELINE_BATCHES_MAX 120
#define TIMELINE_BATCH_NS INT64_C(1000000000)
struct timeline_batch {
	int64_t start_ns;	    /* since the window's start */
	uint64_t planned;	    /* arrivals */
	struct histogram response;  /* of their good answers; closed model: service */
	struct histogram our_delay; /* open model only */
};
struct timeline_batches {
	int64_t width_ns;
	size_t n;
	struct timeline_batch all[TIMELINE_BATCHES_MAX];
};
/* 0 or -ENOMEM. */
int timeline_batches_new(
	const struct timeline *t, int64_t window_ns, struct timeline_batches **ret);
struct timeline_batches *timeline_batches_free(struct timeline_batches *b);
/* The member batches of a result. of: the kind of the latencies, "response" or "service". 0 or
 * -ENOMEM. */
int timeline_batches_fill(
	const struct timeline_batches *b, const char *of, struct result_batches *ret);

/* The member intervals of a result: the rows that begin inside the window. 0 or -ENOMEM. */
int timeline_fill(const struct timeline *t, int64_t window_ns, struct result_intervals *ret);
