/* SPDX-License-Identifier: Apache-2.0 */
/* Repetitions of one load. They were not under way together, so nothing of them is added second by
 * second: the rows of each run follow those of the run before it, as in one long run, and how far a
 * percentile may be off is seen in its scatter between the runs. The batches within a run say less:
 * they do not see what differs from one run to the next. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/confidence.h"
#include "common/hdr_codec.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/quantile.h"
#include "common/result.h"
#include "common/result/result_add.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

static const struct {
	const char *name; /* of a latency, of its ci95, and of a member of repeats */
	const char *key;  /* of n_effective */
	double q;
} result_merge_quantiles[] = {
	{"p50_ns", "p50", 0.5},
	{"p90_ns", "p90", 0.9},
	{"p99_ns", "p99", 0.99},
	{"p99_9_ns", "p99_9", 0.999},
};
#define RESULT_MERGE_QUANTILES (sizeof(result_merge_quantiles) / sizeof(*result_merge_quantiles))

/* ---------------------------------------------------------------- the percentiles of each */

/* Over all that was planned; the closed model knows service times only. */
static json_t *result_merge_repeat(const struct result_merge *m, const json_t *doc)
{
	bool is_open = str_eq(m->main_key, "response");
	const json_t *from = result_at(doc, is_open ? "offered" : "latency.service");
	json_t *repeat = json_pack("{s:o s:o}", "id", json_text(result_text(doc, "run.id")), "uuid",
		json_text(result_text(doc, "run.uuid")));

	for (size_t i = 0; i < RESULT_MERGE_QUANTILES; i++) {
		const char *name = result_merge_quantiles[i].name;
		int64_t ns;

		repeat = result_merge_with(repeat, name,
			from && result_int(from, name, &ns) ? json_integer(ns) : json_null());
	}
	return repeat;
}

json_t *result_merge_repeats(const struct result_merge *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->n && all; i++) {
		const json_t *doc = m->docs.at[i];
		json_t *its = json_array_size(result_at(doc, "repeats")) > 0
				      ? json_deep_copy(result_at(doc, "repeats"))
				      : json_pack("[o]", result_merge_repeat(m, doc));
		int r = its ? json_array_extend(all, its) : -1;

		json_decref(its);
		if (r == 0)
			continue;
		json_decref(all);
		all = NULL;
	}
	return all;
}

/* Of the figure in each repetition. The interval is never without the figure of the sum, which it
 * stands beside. Null where a repetition has none: it is beyond all that was measured. */
static json_t *result_merge_interval(const struct result_merge *m, const json_t *repeats, size_t i)
{
	int64_t x = quantile_offered(&m->main,
		str_eq(m->main_key, "response") ? m->ledger.planned : m->main.count,
		result_merge_quantiles[i].q);
	size_t n = json_array_size(repeats), k;
	double *values = memory_calloc(n + 1, sizeof(*values));
	json_t *interval = NULL;
	double low, high;

	if (!values)
		return NULL;
	for (k = 0; k < n; k++)
		if (!result_real(
			    json_array_get(repeats, k), result_merge_quantiles[i].name, &values[k]))
			break;
	if (k == n && x != QUANTILE_NONE &&
		confidence_between(values, n, result_merge_level(m), &low, &high)) {
		low = fmax(fmin(low, (double)x), 0);
		high = fmin(fmax(high, (double)x), (double)m->main.highest);
		interval = json_pack("[I I]", (json_int_t)low, (json_int_t)high);
	} else {
		interval = json_null();
	}
	free(values);
	return interval;
}

int result_merge_between(const struct result_merge *m, json_t *latency)
{
	json_t *repeats = result_merge_repeats(m);
	json_t *ci = json_pack("{s:f}", "level", result_merge_level(m));
	json_t *effective = json_object();

	for (size_t i = 0; i < RESULT_MERGE_QUANTILES && repeats; i++) {
		ci = result_merge_with(
			ci, result_merge_quantiles[i].name, result_merge_interval(m, repeats, i));
		effective =
			result_merge_with(effective, result_merge_quantiles[i].key, json_null());
	}
	json_decref(repeats);
	if (!repeats || !ci || !effective) {
		json_decref(ci);
		json_decref(effective);
		return -1;
	}
	return json_object_set_new(latency, "ci95", ci) |
	       json_object_set_new(latency, "n_effective", effective);
}

/* ---------------------------------------------------------------- rows, one run after the other */

struct result_merge_length result_merge_length(const struct result *r)
{
	const struct result_window *w = &r->window;
	int64_t end = result_is_known(w->end_ns) ? w->end_ns : 0;
	struct result_merge_length length = {0};

	if (w->start_ns > 0 && w->start_ns <= RESULT_MERGE_LENGTH_MAX)
		length.start_ns = w->start_ns;
	end = end < RESULT_MERGE_LENGTH_MAX ? end : RESULT_MERGE_LENGTH_MAX;
	length.ns = end > length.start_ns ? end - length.start_ns : 0;
	length.mean_ns = length.ns / (int64_t)result_n_repeats(r);
	return length;
}

/* Where the last row of a document ends. */
static int64_t result_merge_rows_end(const json_t *doc, const char *member, int64_t width_ns)
{
	const json_t *rows = result_at(result_at(doc, member), "rows");
	int64_t t = -width_ns;

	(void)result_int(json_array_get(rows, json_array_size(rows) - 1), "t_ns", &t);
	return t + width_ns;
}

void result_merge_take_turns(struct result_merge *m)
{
	int64_t batches_ns = 0, intervals_ns = 0, at = 0;

	(void)result_merge_has_grid(m, "batches", &batches_ns);
	(void)result_merge_has_grid(m, "intervals", &intervals_ns);
	/* One width for both, so that the rows of both begin where those of the run before end. */
	m->turn_width_ns = batches_ns > 0 ? batches_ns : intervals_ns;
	for (size_t i = 0; i < m->n; i++) {
		int64_t width = m->turn_width_ns > 0 ? m->turn_width_ns : 1;
		int64_t length = result_merge_length(&m->results[i]).ns, end;

		m->turns_ns[i] = at;
		for (int k = 0; k < 2; k++) {
			int64_t its_width = k ? intervals_ns : batches_ns;

			if (its_width <= 0)
				continue;
			end = result_merge_rows_end(
				m->docs.at[i], k ? "intervals" : "batches", its_width);
			length = end > length ? end : length;
		}
		at += (length + width - 1) / width * width;
	}
}

static bool result_merge_is_hdr(struct result_merge *m, size_t part, const json_t *hdr)
{
	struct histogram h;
	int r;

	if (!json_is_string(hdr))
		return true;
	r = hdr_decode(json_string_value(hdr), &h);
	if (r == 0)
		histogram_fini(&h);
	if (r == -EINVAL)
		result_merge_refuse(
			m, "%.200s: a histogram in batches cannot be read", m->parts[part].name);
	return r == 0;
}

/* The row in which a window ends is shorter than the others, and is no longer the last one. 0 or
 * -1. */
static int result_merge_shorten(json_t *row, int64_t length_ns, int64_t width_ns)
{
	if (length_ns <= 0 || length_ns >= width_ns || result_at(row, "length_ns"))
		return 0;
	return json_object_set_new(row, "length_ns", json_integer(length_ns));
}

/* 0 or -1. */
static int result_merge_append_rows(
	struct result_merge *m, size_t part, const json_t *rows, int64_t width_ns, json_t *to)
{
	int64_t window_ns = result_merge_length(&m->results[part]).ns;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_deep_copy(json_array_get(rows, i));
		int64_t t = 0;

		(void)result_int(row, "t_ns", &t);
		if (!row || json_array_append_new(to, row) < 0 ||
			json_object_set_new(row, "t_ns", json_integer(m->turns_ns[part] + t)) < 0 ||
			result_merge_shorten(row, window_ns - t, width_ns) < 0 ||
			!result_merge_is_hdr(m, part, result_at(row, "hdr")) ||
			!result_merge_is_hdr(m, part, result_at(row, "our_delay_hdr")))
			return -1;
	}
	return 0;
}

static size_t result_merge_n_rows(const struct result_merge *m, const struct result_merge_view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += json_array_size(v->at[i] ? result_at(v->at[i], "rows") : NULL);
	return n;
}

json_t *result_merge_rows_in_turn(struct result_merge *m, const char *member)
{
	struct result_merge_view v = result_merge_at(&m->docs, member);
	bool is_batches = str_eq(member, "batches");
	int64_t width_ns = 0;
	json_t *rows = json_array();
	int r = 0;

	if (result_merge_n_rows(m, &v) == 0)
		; /* no run came to its window */
	else if (!result_merge_has_grid(m, member, &width_ns) || m->turn_width_ns % width_ns ||
		 (is_batches && !result_merge_same_kind(m, &v)) ||
		 result_merge_n_rows(m, &v) > RESULT_MERGE_ROWS_MAX) {
		width_ns = 0;
		if (!is_batches)
			result_merge_note(m, NOTE_MERGE_INTERVALS, "",
				"the repetitions do not have equal intervals, or more than %d of "
				"them: there is no course over time",
				RESULT_MERGE_ROWS_MAX);
	} else {
		for (size_t i = 0; i < m->n && r == 0; i++)
			r = result_merge_append_rows(
				m, i, v.at[i] ? result_at(v.at[i], "rows") : NULL, width_ns, rows);
	}
	if (r < 0) {
		json_decref(rows);
		return NULL;
	}
	if (width_ns == 0 && v.at[0])
		(void)result_int(v.at[0], "width_ns", &width_ns);
	if (!is_batches)
		return json_pack("{s:I s:o}", "width_ns", (json_int_t)width_ns, "rows", rows);
	return json_pack(
		"{s:I s:s s:o}", "width_ns", (json_int_t)width_ns, "of", m->main_key, "rows", rows);
}
