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

#include "common/stats/confidence.h"
#include "common/stats/hdr_codec.h"
#include "common/memory.h"
#include "common/stats/quantile.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/result/result_confidence.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* The level if no part has one. */
#define RESULT_MERGE_LEVEL 0.95

/* The width and start on which the batches or intervals of all parts agree. */
struct result_merge_grid {
	int64_t width_ns;
	size_t n; /* rows that the longest part reaches to */
};

enum result_merge_fit {
	RESULT_MERGE_FIT,
	RESULT_MERGE_NONE, /* no part has rows */
	RESULT_MERGE_UNFIT,
};

struct result_merge_rows result_merge_rows_of(const struct result *r, enum result_merge_kind kind)
{
	if (kind == RESULT_MERGE_BATCHES)
		return (struct result_merge_rows){
			kind, r->batches.width_ns, r->batches.rows.rows, r->batches.rows.n};
	return (struct result_merge_rows){
		kind, r->intervals.width_ns, r->intervals.rows.rows, r->intervals.rows.n};
}

int64_t result_merge_row_ns(const struct result_merge_rows *rows, size_t i)
{
	if (rows->kind == RESULT_MERGE_BATCHES)
		return ((const struct result_batch *)rows->rows)[i].t_ns;
	return ((const struct result_row *)rows->rows)[i].t_ns;
}

/* Rows at rising multiples of the width. */
static bool result_merge_is_grid(const struct result_merge_rows *rows, size_t n_most, size_t *ret_n)
{
	int64_t before = -1;

	for (size_t i = 0; i < rows->n; i++) {
		int64_t t = result_merge_row_ns(rows, i);

		if (t < 0 || t % rows->width_ns || t / rows->width_ns <= before ||
			t / rows->width_ns >= (int64_t)n_most)
			return false;
		before = t / rows->width_ns;
	}
	*ret_n = (size_t)(before + 1);
	return true;
}

/* A part without rows at all may never have come to its window; otherwise it lacks them. */
static enum result_merge_fit result_merge_fit(const struct result_merge *m,
	enum result_merge_kind kind, size_t n_most, struct result_merge_grid *ret)
{
	struct result_merge_grid grid = {0};
	bool lacks_rows = false;

	for (size_t i = 0; i < m->n; i++) {
		struct result_merge_rows rows = result_merge_rows_of(&m->results[i], kind);
		size_t n;

		if (rows.n == 0) {
			lacks_rows = lacks_rows || m->results[i].ledger.planned > 0;
			continue;
		}
		if (rows.width_ns <= 0 || (grid.width_ns > 0 && rows.width_ns != grid.width_ns) ||
			!result_merge_is_grid(&rows, n_most, &n))
			return RESULT_MERGE_UNFIT;
		grid.width_ns = rows.width_ns;
		grid.n = n > grid.n ? n : grid.n;
	}
	*ret = grid;
	if (grid.width_ns == 0)
		return RESULT_MERGE_NONE;
	return lacks_rows ? RESULT_MERGE_UNFIT : RESULT_MERGE_FIT;
}

bool result_merge_has_grid(
	const struct result_merge *m, enum result_merge_kind kind, int64_t *ret_width_ns)
{
	struct result_merge_grid grid;

	if (result_merge_fit(m, kind, RESULT_MERGE_ROWS_MAX, &grid) != RESULT_MERGE_FIT ||
		grid.width_ns > RESULT_MERGE_WIDTH_MAX ||
		(int64_t)grid.n > RESULT_MERGE_LENGTH_MAX / grid.width_ns)
		return false;
	*ret_width_ns = grid.width_ns;
	return true;
}

/* ---------------------------------------------------------------- batches */

/* 0, -1 as elsewhere; a text that is no histogram is the file's fault. */
static int result_merge_batch_add(
	struct result_merge *m, size_t part, const char *hdr, struct histogram *to)
{
	struct histogram h;
	int r = result_merge_decode(m, part, hdr, &h);

	if (r != 0)
		return r > 0 ? 0 : -1;
	r = result_merge_add(m, to, &h);
	histogram_fini(&h);
	return r;
}

int result_merge_decode(struct result_merge *m, size_t part, const char *hdr, struct histogram *ret)
{
	int r;

	if (!hdr || hdr == result_null_text)
		return 1;
	r = hdr_decode(hdr, ret);
	if (r == -EINVAL)
		result_merge_refuse(
			m, "%.200s: a histogram in batches cannot be read", m->parts[part].name);
	return r < 0 ? -1 : 0;
}

static int result_merge_batch_row(
	struct result_merge *m, size_t part, const struct result_batch *row)
{
	struct result_merge_batch *b = &m->batches[row->t_ns / m->batch_width_ns];

	b->is_there = true;
	b->planned += row->planned > 0 ? (uint64_t)row->planned : 0;
	if (result_merge_batch_add(m, part, row->hdr, &b->good) < 0)
		return -1;
	return result_merge_batch_add(m, part, row->our_delay_hdr, &b->our_delay);
}

bool result_merge_same_kind(const struct result_merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->results[i].batches.is != RESULT_IS_ABSENT &&
			!str_eq(result_words(m->results[i].batches.of), m->main_key))
			return false;
	return true;
}

int result_merge_read_batches(struct result_merge *m)
{
	struct result_merge_grid grid = {0};
	enum result_merge_fit fit =
		result_merge_fit(m, RESULT_MERGE_BATCHES, RESULT_MERGE_BATCHES_MAX, &grid);

	if (fit == RESULT_MERGE_NONE)
		return 0;
	if (fit == RESULT_MERGE_UNFIT || !result_merge_same_kind(m)) {
		result_merge_note(m, NOTE_MERGE_BATCHES, RESULT_MERGE_ALIKE,
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
		const struct result_batch *rows = m->results[i].batches.rows.rows;

		for (size_t k = 0; k < m->results[i].batches.rows.n; k++)
			if (result_merge_batch_row(m, i, &rows[k]) < 0)
				return -1;
	}
	return 0;
}

int result_merge_batches(struct result_merge *m)
{
	struct result_batches *to = &m->sum.batches;

	if (m->n_batches == 0)
		return 0;
	to->is = to->rows.is = RESULT_IS_THERE;
	to->width_ns = m->batch_width_ns;
	for (size_t i = 0; i < m->n_batches; i++) {
		const struct result_merge_batch *b = &m->batches[i];
		struct result_batch *row;

		if (!b->is_there)
			continue;
		row = result_list_add(&result_batch_table, &to->rows, NULL);
		if (!row || result_set_hdr(&row->hdr, &b->good) < 0 ||
			result_set_hdr(&row->our_delay_hdr, &b->our_delay) < 0)
			return -1;
		row->t_ns = (int64_t)i * m->batch_width_ns;
		row->planned = (int64_t)b->planned;
	}
	return result_set_text(&to->of, m->main_key);
}

double result_merge_level(const struct result_merge *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct result_latency *main =
			result_find_latency(&m->results[i], m->main_key);

		if (main && main->ci95.level >= 0.5 && main->ci95.level < 1)
			return main->ci95.level;
	}
	return RESULT_MERGE_LEVEL;
}

int result_merge_confidence(const struct result_merge *m, struct result_latency *latency)
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
	r = result_confidence_fill(latency, batches, n, &m->main,
		is_open ? m->ledger.planned : m->main.count, result_merge_level(m));
	histogram_fini(&empty);
	return r;
}

/* ---------------------------------------------------------------- intervals */

/* The rows of all parts at one instant, NULL where a part has none. */
struct result_merge_row {
	const struct result_row *at[RESULT_MERGE_PARTS_MAX];
	size_t n; /* that are there */
};

/* Each part's cursor moves past its own. */
static struct result_merge_row result_merge_row_at(
	const struct result_merge *m, int64_t t_ns, size_t *cursors)
{
	struct result_merge_row ret = {0};

	for (size_t i = 0; i < m->n; i++) {
		const struct result_list *list = &m->results[i].intervals.rows;
		const struct result_row *rows = list->rows;

		if (cursors[i] >= list->n || rows[cursors[i]].t_ns != t_ns)
			continue;
		ret.at[i] = &rows[cursors[i]++];
		ret.n++;
	}
	return ret;
}

/* One that does not say how many it planned may have planned some. */
static bool result_merge_row_is_busy(const struct result_row *row)
{
	return row && (!result_is_known(row->planned) || row->planned > 0);
}

static int64_t result_merge_row_int(const struct result_row *row, size_t offset)
{
	return *(const int64_t *)(const void *)((const char *)row + offset);
}

/* Of one part alone it is its own; of several it is in their batch, if that is the same stretch:
 * over so many arrivals, or over those of the batch alone. */
static int64_t result_merge_row_quantile(const struct result_merge *m,
	const struct result_merge_row *rows, size_t offset, const struct histogram *batch,
	uint64_t planned, double q)
{
	int64_t value = RESULT_NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (!result_merge_row_is_busy(rows->at[i]))
			continue;
		if (result_is_known(result_merge_row_int(rows->at[i], offset)))
			value = result_merge_row_int(rows->at[i], offset);
		n++;
	}
	if (n <= 1)
		return value;
	value = batch ? quantile_offered(batch, planned > batch->count ? planned : batch->count, q)
		      : QUANTILE_NONE;
	return value == QUANTILE_NONE ? RESULT_NULL : value;
}

/* Null where one of them is: an arrival without a good answer is the slowest. */
static int64_t result_merge_row_most(
	const struct result_merge *m, const struct result_merge_row *rows)
{
	int64_t most = RESULT_NULL;

	for (size_t i = 0; i < m->n; i++) {
		if (!result_merge_row_is_busy(rows->at[i]))
			continue;
		if (!result_is_known(rows->at[i]->max_ns))
			return RESULT_NULL;
		if (rows->at[i]->max_ns > most)
			most = rows->at[i]->max_ns;
	}
	return most;
}

static void result_merge_row(const struct result_merge *m, const struct result_merge_row *rows,
	const struct result_merge_batch *batch, struct result_row *to)
{
	static const size_t sums[] = {offsetof(struct result_row, planned),
		offsetof(struct result_row, sent), offsetof(struct result_row, completed),
		offsetof(struct result_row, ok), offsetof(struct result_row, failed),
		offsetof(struct result_row, in_flight), offsetof(struct result_row, queue)};
	const struct histogram *good = batch ? &batch->good : NULL;
	const struct histogram *ours = batch ? &batch->our_delay : NULL;
	uint64_t planned = batch ? batch->planned : 0;

	to->open = RESULT_NO;
	for (size_t k = 0; k < sizeof(sums) / sizeof(*sums); k++) {
		int64_t sum = 0;

		for (size_t i = 0; i < m->n; i++)
			if (rows->at[i] &&
				result_is_known(result_merge_row_int(rows->at[i], sums[k])))
				sum = result_merge_plus(
					sum, result_merge_row_int(rows->at[i], sums[k]));
		*(int64_t *)(void *)((char *)to + sums[k]) = sum;
	}
	for (size_t i = 0; i < m->n; i++)
		if (rows->at[i] && rows->at[i]->open == RESULT_YES)
			to->open = RESULT_YES;
	to->p50_ns = result_merge_row_quantile(
		m, rows, offsetof(struct result_row, p50_ns), good, planned, 0.5);
	to->p99_ns = result_merge_row_quantile(
		m, rows, offsetof(struct result_row, p99_ns), good, planned, 0.99);
	to->max_ns = result_merge_row_most(m, rows);
	to->our_delay_p99_ns = result_merge_row_quantile(
		m, rows, offsetof(struct result_row, our_delay_p99_ns), ours, 0, 0.99);
}

int result_merge_intervals(struct result_merge *m)
{
	size_t cursors[RESULT_MERGE_PARTS_MAX] = {0};
	struct result_intervals *to = &m->sum.intervals;
	struct result_merge_grid grid = {0};
	int64_t first_ns = m->results[0].intervals.width_ns;

	if (result_merge_fit(m, RESULT_MERGE_INTERVALS, RESULT_MERGE_ROWS_MAX, &grid) ==
		RESULT_MERGE_UNFIT) {
		grid = (struct result_merge_grid){0};
		result_merge_note(m, NOTE_MERGE_INTERVALS, RESULT_MERGE_ALIKE_ROWS,
			"the parts do not have equal intervals: there is no course over time");
	}
	to->is = to->rows.is = RESULT_IS_THERE;
	to->width_ns = grid.width_ns > 0 ? grid.width_ns : result_is_known(first_ns) ? first_ns : 0;
	for (size_t i = 0; i < grid.n; i++) {
		int64_t t_ns = (int64_t)i * grid.width_ns;
		struct result_merge_row at = result_merge_row_at(m, t_ns, cursors);
		bool has_batch = grid.width_ns == m->batch_width_ns && i < m->n_batches;
		struct result_row *row;

		if (at.n == 0)
			continue;
		row = result_list_add(&result_row_table, &to->rows, NULL);
		if (!row)
			return -1;
		row->t_ns = t_ns;
		result_merge_row(m, &at, has_batch ? &m->batches[i] : NULL, row);
	}
	return 0;
}
