/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of result_merge. Documents are read into struct result, and what they add up to
 * is made there, member by member. Where parts are refused reterr says why, and is_refused is set.
 * Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats/histogram.h"
#include "common/stats/ledger.h"
#include "common/result/notes.h"
#include "common/result/result.h"
#include "common/result/result_merge.h"

struct buf;
struct err;

/* Batches that line up: what all parts together saw in one stretch. */
struct result_merge_batch {
	uint64_t planned;
	bool is_there;
	struct histogram good; /* zeroed while nothing was added */
	struct histogram our_delay;
};
#define RESULT_MERGE_BATCHES_MAX 128
/* Runs, and repetitions, of all parts together: each is compared with each. */
#define RESULT_MERGE_RUNS_MAX 1024
/* As many as a result holds; a file that claims more is not worth the memory. */
#define RESULT_MERGE_ROWS_MAX 4096
/* Longer than the longest run (a year), and so many of all parts, each rounded up to a multiple of
 * the width of its rows, fit 64 bits. */
#define RESULT_MERGE_LENGTH_MAX (INT64_MAX / RESULT_MERGE_PARTS_MAX / 9 * 8)
#define RESULT_MERGE_WIDTH_MAX (RESULT_MERGE_LENGTH_MAX / 8)

struct result_merge {
	const struct result_merge_part *parts;
	size_t n;
	struct result *results; /* of the documents; n of them */
	struct result sum;	/* what comes of it */
	struct err *err;
	bool is_refused;
	bool is_repeats;
	struct result_list notes; /* struct result_note: what merging has to say */
	int64_t n_slices;	  /* of which the runs are slices; 0: they are no slices */
	size_t n_repeats;
	bool *has_slice; /* of repetition r (0: of none) slice i, at r * (n_slices + 1) + i */
	struct ledger ledger;
	const char *main_key;  /* "response"; "service" in the closed model */
	struct histogram main; /* zeroed while empty */
	struct result_merge_batch *batches;
	size_t n_batches; /* 0: none, or they do not line up */
	int64_t batch_width_ns;
	/* Repetitions: where each part's rows begin, in multiples of the width; 0: no rows */
	int64_t turns_ns[RESULT_MERGE_PARTS_MAX];
	int64_t turn_width_ns;
};

void result_merge_refuse(struct result_merge *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What makes windows, batches and intervals of runs alike. */
#define RESULT_MERGE_ALIKE "the same duration (-d) for all"
#define RESULT_MERGE_ALIKE_ROWS "the same duration (-d) and statistics.interval for all"

/* Once for each code. */
void result_merge_note(struct result_merge *m, enum note_code which, const char *remedy,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "host/id", or "id": how texts of a part begin; "" where the part is merged and they do already.
 */
struct result_merge_label {
	char text[160];
};
struct result_merge_label result_merge_label(const struct result *r);
/* A text of a part after its label. */
struct result_merge_text {
	char text[512];
};
struct result_merge_text result_merge_of_part(const struct result *r, const char *text);
/* The part that ended worst: the sum is a whole load only if all came to their end. */
const struct result *result_merge_worst(const struct result_merge *m);
/* Within 64 bits, and known. */
int64_t result_merge_plus(int64_t a, int64_t b);

/* result_merge_check.c */
/* Fills the sum's parts and m->n_slices. 0, or -1: refused, or no memory. */
int result_merge_check(struct result_merge *m);
/* A run of it is there, and has begun. Of the parts of a sum, repeat is 0. */
bool result_merge_has_slice(const struct result_merge *m, int64_t repeat, int64_t index);
/* "1, 2, 4": those that are there, or those that are not; nothing without slices. */
void result_merge_list_slices(
	const struct result_merge *m, int64_t repeat, bool is_there, struct buf *ret);

/* result_merge_judge.c */
/* "read the report of that part alone: …" */
const char *result_merge_uneven_remedy(const struct result_merge *m);
struct result_merge_label result_merge_run_label(const struct result_part *run);
struct result_merge_times {
	bool is_known;	     /* of each run, when it started and how long it was */
	int64_t apart_ns;    /* from the first start to the last */
	int64_t shortest_ns; /* INT64_MAX: nothing is known */
};
struct result_merge_times result_merge_times(const struct result_merge *m);
/* "slices 1, 2 of 3: 3 missing"; left as it is where none is. 0 or -ENOMEM. */
int result_merge_missing(const struct result_merge *m, char **ret);
void result_merge_judge_runs(struct result_merge *m);

/* result_merge_figures.c */
/* Fills in what the audit says of the sum, and the generator. 0 or -ENOMEM. */
int result_merge_judge(struct result_merge *m);

/* result_merge_repeats.c */
/* The window of a result, not below 0 and with room for sums; ns of it all, and of each of its
 * repetitions. */
struct result_merge_length {
	int64_t start_ns;
	int64_t ns;
	int64_t mean_ns;
};
struct result_merge_length result_merge_length(const struct result *r);
/* Fills m->turns_ns and m->turn_width_ns. */
void result_merge_take_turns(struct result_merge *m);
/* The member repeats. 0 or -ENOMEM. */
int result_merge_repeats(struct result_merge *m);
/* Intervals and batches: the rows of all parts, one part after the other. 0 or -1. */
int result_merge_rows_in_turn(struct result_merge *m);
/* The interval of confidence between the repetitions. 0 or -ENOMEM. */
int result_merge_between(const struct result_merge *m, struct result_latency *latency);

/* result_merge_counts.c */
/* Fills in ledger, outside, rates, statuses, redirects, errors, connections of the sum. 0 or
 * -ENOMEM. */
int result_merge_count(struct result_merge *m);

/* result_merge_latency.c */
/* 0 or -1. to may be zeroed. */
int result_merge_add(struct result_merge *m, struct histogram *to, const struct histogram *from);
/* Fills the sum's latencies and what is offered, m->main, and the sum's requests. 0 or -1. */
int result_merge_latencies(struct result_merge *m);
int result_merge_requests(struct result_merge *m);
int result_merge_stages(struct result_merge *m);

/* result_merge_rows.c */
enum result_merge_kind {
	RESULT_MERGE_BATCHES,
	RESULT_MERGE_INTERVALS,
	RESULT_MERGE_KINDS,
};
struct result_merge_rows {
	enum result_merge_kind kind;
	int64_t width_ns;
	const void *rows;
	size_t n;
};
struct result_merge_rows result_merge_rows_of(const struct result *r, enum result_merge_kind kind);
int64_t result_merge_row_ns(const struct result_merge_rows *rows, size_t i);
/* Fills in the width of the rows of a kind that all parts cut alike; false where they do not, or
 * where rows are not within RESULT_MERGE_LENGTH_MAX. */
bool result_merge_has_grid(
	const struct result_merge *m, enum result_merge_kind kind, int64_t *ret_width_ns);
/* The histogram of a batch. 0; 1: there is none; -1: refused, or no memory. */
int result_merge_decode(
	struct result_merge *m, size_t part, const char *hdr, struct histogram *ret);
/* Fills m->batches. 0 or -1. */
int result_merge_read_batches(struct result_merge *m);
/* Members of the sum. 0 or -1. */
int result_merge_batches(struct result_merge *m);
int result_merge_intervals(struct result_merge *m);
/* All batches are of the main latency. */
bool result_merge_same_kind(const struct result_merge *m);
int result_merge_confidence(const struct result_merge *m, struct result_latency *latency);
/* The level asked for in the plan, which is one for all parts. */
double result_merge_level(const struct result_merge *m);

/* result_merge_runs.c */
/* Fills the sum's parts, one for each run. 0 or -ENOMEM. */
int result_merge_runs(struct result_merge *m);
const struct result_part *result_merge_run_at(const struct result_merge *m, size_t i);
/* These members of the sum. 0 or -ENOMEM. */
int result_merge_run(struct result_merge *m);
int result_merge_steadiness(struct result_merge *m);
int result_merge_events(struct result_merge *m);
int result_merge_slowest(struct result_merge *m);
