/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that are rows over time: batches, which hold histograms, and
 * intervals, which hold figures. Rows are added where all parts cut their windows alike, that is at
 * multiples of one width from the window's start; otherwise they are left out, and a note says so.
 *
 * Counts of intervals add up and maxima are the largest; a percentile of two parts is found in
 * their batches, where these are as wide as the intervals, and is null where it cannot be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/confidence.h"
#include "common/hdr_codec.h"
#include "common/memory.h"
#include "common/quantile.h"
#include "common/result.h"
#include "common/result_confidence.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

/* Where no part says it. */
#define RESULT_MERGE_LEVEL 0.95

/* What all parts agree on, of batches or intervals. */
struct result_merge_grid {
	int64_t width_ns;
	size_t n; /* rows that the longest part reaches to */
};

enum result_merge_fit {
	RESULT_MERGE_FIT,
	RESULT_MERGE_NONE, /* no part has rows */
	RESULT_MERGE_UNFIT,
};

/* Rows at rising multiples of the width. */
static bool result_merge_is_grid(const json_t *rows, int64_t width_ns, size_t n_most, size_t *ret_n)
{
	int64_t before = -1, t;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		if (!result_int(json_array_get(rows, i), "t_ns", &t) || t < 0 || t % width_ns ||
			t / width_ns <= before || t / width_ns >= (int64_t)n_most)
			return false;
		before = t / width_ns;
	}
	*ret_n = (size_t)(before + 1);
	return true;
}

/* Parts without rows at all, because they never came to their window, are in nobody's way. */
static enum result_merge_fit result_merge_fit(const struct result_merge *m,
	const struct result_merge_view *v, size_t n_most, struct result_merge_grid *ret)
{
	struct result_merge_grid grid = {0};

	for (size_t i = 0; i < m->n; i++) {
		const json_t *rows = result_at(v->at[i], "rows");
		int64_t planned = 0, width = 0;
		size_t n;

		(void)result_int(m->docs.at[i], "ledger.planned", &planned);
		if (json_array_size(rows) == 0) {
			if (planned > 0 && grid.width_ns > 0)
				return RESULT_MERGE_UNFIT;
			continue;
		}
		(void)result_int(v->at[i], "width_ns", &width);
		if (width <= 0 || (grid.width_ns > 0 && width != grid.width_ns) ||
			!result_merge_is_grid(rows, width, n_most, &n))
			return RESULT_MERGE_UNFIT;
		grid.width_ns = width;
		grid.n = n > grid.n ? n : grid.n;
	}
	/* One that came before the first with rows. */
	for (size_t i = 0; i < m->n && grid.width_ns > 0; i++) {
		int64_t planned = 0;

		(void)result_int(m->docs.at[i], "ledger.planned", &planned);
		if (planned > 0 && json_array_size(result_at(v->at[i], "rows")) == 0)
			return RESULT_MERGE_UNFIT;
	}
	*ret = grid;
	return grid.width_ns > 0 ? RESULT_MERGE_FIT : RESULT_MERGE_NONE;
}

bool result_merge_has_grid(const struct result_merge *m, const char *member, int64_t *ret_width_ns)
{
	struct result_merge_view v = result_merge_at(&m->docs, member);
	struct result_merge_grid grid;

	if (result_merge_fit(m, &v, RESULT_MERGE_ROWS_MAX, &grid) != RESULT_MERGE_FIT ||
		grid.width_ns > RESULT_MERGE_WIDTH_MAX ||
		(int64_t)grid.n > RESULT_MERGE_LENGTH_MAX / grid.width_ns)
		return false;
	*ret_width_ns = grid.width_ns;
	return true;
}

/* ---------------------------------------------------------------- batches */

/* 0, -1 as elsewhere; a text that is no histogram is the file's fault. */
static int result_merge_batch_add(
	struct result_merge *m, size_t part, const json_t *hdr, struct histogram *to)
{
	struct histogram h;
	int r;

	if (!json_is_string(hdr))
		return 0;
	r = hdr_decode(json_string_value(hdr), &h);
	if (r == -EINVAL)
		result_merge_refuse(
			m, "%.200s: a histogram in batches cannot be read", m->parts[part].name);
	if (r < 0)
		return -1;
	r = result_merge_add(m, to, &h);
	histogram_fini(&h);
	return r;
}

static int result_merge_batch_row(struct result_merge *m, size_t part, const json_t *row)
{
	const struct result_merge_view one = {.at = {row}};
	struct result_merge_batch *b =
		&m->batches[result_merge_sum(&one, "t_ns") / m->batch_width_ns];
	int64_t planned = result_merge_sum(&one, "planned");

	b->is_there = true;
	b->planned += planned > 0 ? (uint64_t)planned : 0;
	if (result_merge_batch_add(m, part, result_at(row, "hdr"), &b->good) < 0)
		return -1;
	return result_merge_batch_add(m, part, result_at(row, "our_delay_hdr"), &b->our_delay);
}

bool result_merge_same_kind(const struct result_merge *m, const struct result_merge_view *v)
{
	for (size_t i = 0; i < m->n; i++)
		if (v->at[i] && !str_eq(result_text(v->at[i], "of"), m->main_key))
			return false;
	return true;
}

int result_merge_read_batches(struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "batches");
	struct result_merge_grid grid = {0};
	enum result_merge_fit fit = result_merge_fit(m, &v, RESULT_MERGE_BATCHES_MAX, &grid);

	if (fit == RESULT_MERGE_NONE)
		return 0;
	if (fit == RESULT_MERGE_UNFIT || !result_merge_same_kind(m, &v)) {
		result_merge_note(m, NOTE_MERGE_BATCHES, "",
			"the parts are not cut into equal batches: there are no confidence "
			"intervals of the sum");
		return 0;
	}
	m->batches = memory_calloc(RESULT_MERGE_BATCHES_MAX, sizeof(*m->batches));
	if (!m->batches)
		return -1;
	m->n_batches = grid.n;
	m->batch_width_ns = grid.width_ns;
	for (size_t i = 0; i < m->n; i++) {
		const json_t *rows = result_at(v.at[i], "rows");

		for (size_t k = 0; k < json_array_size(rows); k++)
			if (result_merge_batch_row(m, i, json_array_get(rows, k)) < 0)
				return -1;
	}
	return 0;
}

static json_t *result_merge_hdr(const struct histogram *h)
{
	json_t *value;
	char *text;

	if (h->count == 0)
		return json_null();
	text = hdr_encode(h);
	value = text ? json_string(text) : NULL;
	free(text);
	return value;
}

json_t *result_merge_batches(const struct result_merge *m)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < m->n_batches; i++) {
		const struct result_merge_batch *b = &m->batches[i];

		if (b->is_there &&
			json_array_append_new(rows,
				json_pack("{s:I s:I s:o s:o}", "t_ns",
					(json_int_t)i * m->batch_width_ns, "planned",
					(json_int_t)b->planned, "hdr", result_merge_hdr(&b->good),
					"our_delay_hdr", result_merge_hdr(&b->our_delay))) < 0) {
			json_decref(rows);
			return NULL;
		}
	}
	return json_pack("{s:I s:s s:o}", "width_ns", (json_int_t)m->batch_width_ns, "of",
		m->main_key, "rows", rows);
}

double result_merge_level(const struct result_merge *m)
{
	double level;
	char path[64];

	(void)snprintf(path, sizeof(path), "latency.%s.ci95.level", m->main_key);
	for (size_t i = 0; i < m->n; i++)
		if (result_real(m->docs.at[i], path, &level) && level >= 0.5 && level < 1)
			return level;
	return RESULT_MERGE_LEVEL;
}

int result_merge_confidence(const struct result_merge *m, json_t *latency)
{
	bool is_open = str_eq(m->main_key, "response");
	struct confidence_batch batches[RESULT_MERGE_BATCHES_MAX];
	struct histogram empty = {0};
	size_t n = 0;
	int r;

	if (m->main.count == 0)
		return 0;
	if (histogram_init(&empty, m->main.lowest, m->main.highest, m->main.digits) < 0)
		return -1;
	for (size_t i = 0; i < m->n_batches; i++) {
		const struct result_merge_batch *b = &m->batches[i];

		if (b->is_there)
			batches[n++] =
				(struct confidence_batch){b->good.count > 0 ? &b->good : &empty,
					is_open ? b->planned : b->good.count};
	}
	r = result_confidence_add(latency, batches, n, &m->main,
		is_open ? m->ledger.planned : m->main.count, result_merge_level(m));
	histogram_fini(&empty);
	return r;
}

/* ---------------------------------------------------------------- intervals */

/* The rows of all parts at one instant; each part's cursor moves behind its own. */
static struct result_merge_view result_merge_rows_at(const struct result_merge *m,
	const struct result_merge_view *v, int64_t t_ns, size_t *cursors)
{
	struct result_merge_view ret = {0};

	for (size_t i = 0; i < m->n; i++) {
		const json_t *row = json_array_get(result_at(v->at[i], "rows"), cursors[i]);
		int64_t t;

		if (!result_int(row, "t_ns", &t) || t != t_ns)
			continue;
		ret.at[i] = row;
		cursors[i]++;
	}
	return ret;
}

static bool result_merge_row_is_busy(const struct result_merge_view *rows, size_t i)
{
	int64_t planned;

	return rows->at[i] && (!result_int(rows->at[i], "planned", &planned) || planned > 0);
}

/* Of one part alone it is its own; of several it is in their batch, if that is the same stretch:
 * over so many arrivals, or over those of the batch alone. */
static json_t *result_merge_row_quantile(const struct result_merge *m,
	const struct result_merge_view *rows, const char *name, const struct histogram *batch,
	uint64_t planned, double q)
{
	int64_t value = QUANTILE_NONE;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (!result_merge_row_is_busy(rows, i))
			continue;
		(void)result_int(rows->at[i], name, &value);
		n++;
	}
	if (n > 1)
		value = batch ? quantile_offered(
					batch, planned > batch->count ? planned : batch->count, q)
			      : QUANTILE_NONE;
	return value == QUANTILE_NONE ? json_null() : json_integer(value);
}

/* Null where one of them is: an arrival without a good answer is the slowest. */
static json_t *result_merge_row_most(
	const struct result_merge *m, const struct result_merge_view *rows, const char *name)
{
	int64_t most = QUANTILE_NONE, value;

	for (size_t i = 0; i < m->n; i++) {
		if (!result_merge_row_is_busy(rows, i))
			continue;
		if (!result_int(rows->at[i], name, &value))
			return json_null();
		if (value > most)
			most = value;
	}
	return most == QUANTILE_NONE ? json_null() : json_integer(most);
}

static json_t *result_merge_row(const struct result_merge *m, const struct result_merge_view *rows,
	int64_t t_ns, const struct result_merge_batch *batch)
{
	static const char *const sums[] = {
		"planned", "sent", "completed", "ok", "failed", "in_flight", "queue"};
	const struct histogram *good = batch ? &batch->good : NULL;
	uint64_t planned = batch ? batch->planned : 0;
	json_t *row = json_pack("{s:I}", "t_ns", (json_int_t)t_ns);
	bool is_open = false, one;

	for (size_t i = 0; i < m->n; i++)
		if (rows->at[i] && result_bool(rows->at[i], "open", &one))
			is_open = is_open || one;
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		row = result_merge_with(
			row, sums[i], json_integer(result_merge_sum(rows, sums[i])));
	row = result_merge_with(
		row, "p50_ns", result_merge_row_quantile(m, rows, "p50_ns", good, planned, 0.5));
	row = result_merge_with(
		row, "p99_ns", result_merge_row_quantile(m, rows, "p99_ns", good, planned, 0.99));
	row = result_merge_with(row, "max_ns", result_merge_row_most(m, rows, "max_ns"));
	row = result_merge_with(row, "our_delay_p99_ns",
		result_merge_row_quantile(
			m, rows, "our_delay_p99_ns", batch ? &batch->our_delay : NULL, 0, 0.99));
	return result_merge_with(row, "open", json_boolean(is_open));
}

json_t *result_merge_intervals(struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "intervals");
	size_t cursors[RESULT_MERGE_PARTS_MAX] = {0};
	struct result_merge_grid grid = {0};
	json_t *rows = json_array();
	int64_t width_ns = 0;

	if (result_merge_fit(m, &v, RESULT_MERGE_ROWS_MAX, &grid) == RESULT_MERGE_UNFIT) {
		grid.n = 0;
		result_merge_note(m, NOTE_MERGE_INTERVALS, "",
			"the parts do not have equal intervals: there is no course over time");
	}
	for (size_t i = 0; i < grid.n && rows; i++) {
		int64_t t_ns = (int64_t)i * grid.width_ns;
		struct result_merge_view at = result_merge_rows_at(m, &v, t_ns, cursors);
		const struct result_merge_batch *batch =
			grid.width_ns == m->batch_width_ns && i < m->n_batches ? &m->batches[i]
									       : NULL;
		bool is_there = false;

		for (size_t k = 0; k < m->n; k++)
			is_there = is_there || at.at[k];
		if (is_there &&
			json_array_append_new(rows, result_merge_row(m, &at, t_ns, batch)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	}
	(void)result_int(v.at[0], "width_ns", &width_ns);
	return json_pack("{s:I s:o}", "width_ns",
		(json_int_t)(grid.width_ns > 0 ? grid.width_ns : width_ns), "rows", rows);
}
