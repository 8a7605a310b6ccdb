/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of result_merge. Each member of the document is made by one function, which
 * returns a new reference; NULL where memory is out or the parts are refused (reterr then says why,
 * and is_refused is set). Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"
#include "common/ledger.h"
#include "common/result_merge.h"

struct err;

/* The same member of every part; NULL where a part has none. */
struct result_merge_view {
	const json_t *at[RESULT_MERGE_PARTS_MAX];
};

/* Batches that line up: what all parts together saw in one stretch. */
struct result_merge_batch {
	uint64_t planned;
	bool is_there;
	struct histogram good; /* zeroed while nothing was added */
	struct histogram our_delay;
};
#define RESULT_MERGE_BATCHES_MAX 128

struct result_merge {
	const struct result_merge_part *parts;
	size_t n;
	struct result_merge_view docs;
	struct err *err;
	bool is_refused;
	json_t *notes; /* what merging has to say, {"code","value","limit","text","try"} */
	json_t *runs;  /* the member parts */
	struct ledger ledger;
	const char *main_key;  /* "response"; "service" in the closed model */
	struct histogram main; /* zeroed while empty */
	struct result_merge_batch *batches;
	size_t n_batches; /* 0: none, or they do not line up */
	int64_t batch_width_ns;
};

/* Objects of parts, by path and by a name that may hold a point. */
struct result_merge_view result_merge_at(const struct result_merge_view *v, const char *path);
struct result_merge_view result_merge_member(
	const struct result_merge *m, const struct result_merge_view *v, const char *key);
/* All keys of the objects, in the order met: an object of nulls. */
json_t *result_merge_keys(const struct result_merge *m, const struct result_merge_view *v);
/* Sums over those that have it; an integer stays within 64 bits. */
int64_t result_merge_sum(const struct result_merge_view *v, const char *path);
double result_merge_sum_real(const struct result_merge_view *v, const char *path);
json_t *result_merge_max_real(const struct result_merge_view *v, const char *path);
/* Of numbers of every kind: the mean with each part's weight; 0 without any. */
double result_merge_mean(
	const struct result_merge_view *v, const char *path, const double *weights);

void result_merge_refuse(struct result_merge *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Once for each code. */
void result_merge_note(struct result_merge *m, const char *code, const char *remedy,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Steals both; NULL where either is. */
json_t *result_merge_with(json_t *object, const char *key, json_t *value);
/* "host/id", or "id": how texts of a part begin; "" where the part is merged and they do already.
 */
struct result_merge_label {
	char text[160];
};
struct result_merge_label result_merge_label(const json_t *doc);
/* A string of text that formatting may have cut within a character; what err_set makes of it. */
json_t *result_merge_text(const char *text);
/* The text at path behind the label; "" where there is none. */
json_t *result_merge_of_part(const json_t *doc, const char *path);

/* result_merge_counts.c */
struct ledger result_merge_ledger(const struct result_merge_view *ledgers);
json_t *result_merge_outside(const struct result_merge *m);
json_t *result_merge_rates(const struct result_merge_view *v);
json_t *result_merge_statuses(const struct result_merge *m);
json_t *result_merge_redirects(const struct result_merge *m);
json_t *result_merge_errors(const struct result_merge *m);
json_t *result_merge_connections(const struct result_merge *m);

/* result_merge_latency.c */
/* 0; 1: there is nothing in it; -1: refused, or no memory. */
int result_merge_read(
	struct result_merge *m, size_t part, const json_t *latency, struct histogram *ret);
/* 0 or -1. to may be zeroed. */
int result_merge_add(struct result_merge *m, struct histogram *to, const struct histogram *from);
/* ret_main: the histogram of main_key; or NULL. */
json_t *result_merge_latency(
	struct result_merge *m, const struct result_merge_view *v, struct histogram *ret_main);
json_t *result_merge_requests(struct result_merge *m);

/* result_merge_rows.c */
/* Fills m->batches. 0 or -1. */
int result_merge_read_batches(struct result_merge *m);
json_t *result_merge_batches(const struct result_merge *m);
int result_merge_confidence(const struct result_merge *m, json_t *latency);
json_t *result_merge_intervals(struct result_merge *m);

/* result_merge_runs.c */
json_t *result_merge_runs(const struct result_merge *m);
void result_merge_judge_runs(struct result_merge *m);
json_t *result_merge_run(const struct result_merge *m, const json_t *worst);
json_t *result_merge_generator(const struct result_merge *m);
json_t *result_merge_steadiness(const struct result_merge *m);
json_t *result_merge_events(const struct result_merge *m);
json_t *result_merge_slowest(const struct result_merge *m);
