/* SPDX-License-Identifier: Apache-2.0 */
/* Repetitions of one load. They were not under way together, so nothing of them is added second by
 * second: the rows of each run follow those of the run before it, as in one long run, and how far a
 * percentile may be off is seen in its scatter between the runs. The batches within a run say less:
 * they do not see what differs from one run to the next. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/stats/confidence.h"
#include "common/stats/hdr_codec.h"
#include "common/memory.h"
#include "common/stats/quantile.h"
#include "common/result/result_add.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* ---------------------------------------------------------------- the percentiles of each */

/* Over all that was planned; the closed model knows service times only. 0 or -ENOMEM. */
static int result_merge_repeat(
	const struct result_merge *m, const struct result *r, struct result_repeat *to)
{
	const struct result_latency *service = result_find_latency(r, "service");
	const struct result_offered *o = &r->offered;
	bool is_open = str_eq(m->main_key, "response");

	to->p50_ns = is_open ? o->p50_ns : service ? service->p50_ns : RESULT_NULL;
	to->p90_ns = is_open ? o->p90_ns : service ? service->p90_ns : RESULT_NULL;
	to->p99_ns = is_open ? o->p99_ns : service ? service->p99_ns : RESULT_NULL;
	to->p99_9_ns = is_open ? o->p99_9_ns : service ? service->p99_9_ns : RESULT_NULL;
	return result_set_text(&to->id, result_words(r->run.id)) |
	       result_set_text(&to->uuid, result_words(r->run.uuid));
}

int result_merge_repeats(struct result_merge *m)
{
	const struct result_table *t = result_table_find(&result_table, "repeats")->table;
	struct result_list *all = &m->sum.repeats;

	for (size_t i = 0; i < m->n; i++) {
		const struct result *r = &m->results[i];
		const struct result_repeat *its = r->repeats.rows;

		for (size_t k = 0; k < result_n_repeats(r); k++) {
			struct result_repeat *to = result_list_add(t, all, NULL);
			int done = !to		      ? -ENOMEM
				   : r->repeats.n > 0 ? result_table_copy(t, &its[k], to)
						      : result_merge_repeat(m, r, to);

			if (done < 0)
				return -ENOMEM;
			/* An absent figure is unknown. */
			to->p50_ns = to->p50_ns == RESULT_ABSENT ? RESULT_NULL : to->p50_ns;
			to->p90_ns = to->p90_ns == RESULT_ABSENT ? RESULT_NULL : to->p90_ns;
			to->p99_ns = to->p99_ns == RESULT_ABSENT ? RESULT_NULL : to->p99_ns;
			to->p99_9_ns = to->p99_9_ns == RESULT_ABSENT ? RESULT_NULL : to->p99_9_ns;
		}
	}
	return 0;
}

/* Of the figure in each repetition. The interval is never without the figure of the sum, which is
 * beside it. Null where a repetition has none: it is beyond all that was measured. 0 or -ENOMEM. */
static int result_merge_interval(
	const struct result_merge *m, size_t offset, double q, struct result_list *to)
{
	int64_t x = quantile_offered(
		&m->main, str_eq(m->main_key, "response") ? m->ledger.planned : m->main.count, q);
	const struct result_repeat *repeats = m->sum.repeats.rows;
	size_t n = m->sum.repeats.n, k = 0;
	double *values = memory_calloc(n + 1, sizeof(*values));
	struct result_number *ends[2];
	double low, high;
	bool is_known;

	if (!values)
		return -ENOMEM;
	for (; k < n; k++) {
		int64_t ns = *(const int64_t *)(const void *)((const char *)&repeats[k] + offset);

		if (!result_is_known(ns))
			break;
		values[k] = (double)ns;
	}
	is_known = k == n && x != QUANTILE_NONE &&
		   confidence_between(values, n, result_merge_level(m), &low, &high);
	free(values);
	to->is = RESULT_IS_NULL;
	for (int i = 0; is_known && i < 2; i++) {
		ends[i] = result_list_add(&result_bound_table, to, NULL);
		if (!ends[i])
			return -ENOMEM;
		ends[i]->n =
			(int64_t)(i == 0 ? fmax(fmin(low, (double)x), 0)
					 : fmin(fmax(high, (double)x), (double)m->main.highest));
	}
	return 0;
}

int result_merge_between(const struct result_merge *m, struct result_latency *latency)
{
	struct result_ci95 *ci = &latency->ci95;
	struct result_effective *effective = &latency->n_effective;

	ci->is = effective->is = RESULT_IS_THERE;
	ci->level = result_merge_level(m);
	effective->p50 = effective->p90 = effective->p99 = effective->p99_9 = RESULT_REAL_NULL;
	return result_merge_interval(m, offsetof(struct result_repeat, p50_ns), 0.5, &ci->p50_ns) |
	       result_merge_interval(m, offsetof(struct result_repeat, p90_ns), 0.9, &ci->p90_ns) |
	       result_merge_interval(m, offsetof(struct result_repeat, p99_ns), 0.99, &ci->p99_ns) |
	       result_merge_interval(
		       m, offsetof(struct result_repeat, p99_9_ns), 0.999, &ci->p99_9_ns);
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

/* Returns the instant at which the last row of a result ends. */
static int64_t result_merge_rows_end(
	const struct result *r, enum result_merge_kind kind, int64_t width_ns)
{
	struct result_merge_rows rows = result_merge_rows_of(r, kind);

	return rows.n > 0 ? result_merge_row_ns(&rows, rows.n - 1) + width_ns : 0;
}

void result_merge_take_turns(struct result_merge *m)
{
	int64_t widths[RESULT_MERGE_KINDS] = {0}, at = 0;

	for (unsigned k = 0; k < RESULT_MERGE_KINDS; k++)
		(void)result_merge_has_grid(m, (enum result_merge_kind)k, &widths[k]);
	/* One width for both, so that the rows of both begin where those of the run before end. */
	m->turn_width_ns = widths[RESULT_MERGE_BATCHES] > 0 ? widths[RESULT_MERGE_BATCHES]
							    : widths[RESULT_MERGE_INTERVALS];
	for (size_t i = 0; i < m->n; i++) {
		int64_t width = m->turn_width_ns > 0 ? m->turn_width_ns : 1;
		int64_t length = result_merge_length(&m->results[i]).ns;

		m->turns_ns[i] = at;
		for (unsigned k = 0; k < RESULT_MERGE_KINDS; k++) {
			int64_t end = widths[k] > 0 ? result_merge_rows_end(&m->results[i],
							      (enum result_merge_kind)k, widths[k])
						    : 0;

			length = end > length ? end : length;
		}
		at += (length + width - 1) / width * width;
	}
}

static bool result_merge_is_hdr(struct result_merge *m, size_t part, const char *hdr)
{
	struct histogram h;
	int r = result_merge_decode(m, part, hdr, &h);

	if (r == 0)
		histogram_fini(&h);
	return r >= 0;
}

/* The row in which a window ends is shorter than the others, and is no longer the last one. */
static void result_merge_shorten(int64_t rest_ns, int64_t width_ns, int64_t *length_ns)
{
	if (rest_ns > 0 && rest_ns < width_ns && *length_ns == RESULT_ABSENT)
		*length_ns = rest_ns;
}

/* 0 or -1. */
static int result_merge_append_batches(struct result_merge *m, size_t part, int64_t width_ns)
{
	const struct result_list *from = &m->results[part].batches.rows;
	const struct result_batch *rows = from->rows;
	int64_t window_ns = result_merge_length(&m->results[part]).ns;

	for (size_t i = 0; i < from->n; i++) {
		struct result_batch *row =
			result_list_add(&result_batch_table, &m->sum.batches.rows, NULL);

		if (!row || result_table_copy(&result_batch_table, &rows[i], row) < 0 ||
			!result_merge_is_hdr(m, part, row->hdr) ||
			!result_merge_is_hdr(m, part, row->our_delay_hdr))
			return -1;
		row->t_ns = m->turns_ns[part] + rows[i].t_ns;
		result_merge_shorten(window_ns - rows[i].t_ns, width_ns, &row->length_ns);
	}
	return 0;
}

/* 0 or -1. */
static int result_merge_append_intervals(struct result_merge *m, size_t part, int64_t width_ns)
{
	const struct result_list *from = &m->results[part].intervals.rows;
	const struct result_row *rows = from->rows;
	int64_t window_ns = result_merge_length(&m->results[part]).ns;

	for (size_t i = 0; i < from->n; i++) {
		struct result_row *row =
			result_list_add(&result_row_table, &m->sum.intervals.rows, NULL);

		if (!row || result_table_copy(&result_row_table, &rows[i], row) < 0)
			return -1;
		row->t_ns = m->turns_ns[part] + rows[i].t_ns;
		result_merge_shorten(window_ns - rows[i].t_ns, width_ns, &row->length_ns);
	}
	return 0;
}

static size_t result_merge_n_rows(const struct result_merge *m, enum result_merge_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += result_merge_rows_of(&m->results[i], kind).n;
	return n;
}

/* Whether the rows of all can follow each other, and how wide they are. */
static bool result_merge_has_turns(
	const struct result_merge *m, enum result_merge_kind kind, int64_t *ret_width_ns)
{
	return result_merge_has_grid(m, kind, ret_width_ns) &&
	       m->turn_width_ns % *ret_width_ns == 0 &&
	       result_merge_n_rows(m, kind) <= RESULT_MERGE_ROWS_MAX;
}

int result_merge_rows_in_turn(struct result_merge *m)
{
	struct result_intervals *intervals = &m->sum.intervals;
	struct result_batches *batches = &m->sum.batches;
	int64_t first_ns = m->results[0].intervals.width_ns, width_ns = 0;
	int r = 0;

	intervals->is = intervals->rows.is = RESULT_IS_THERE;
	intervals->width_ns = result_is_known(first_ns) ? first_ns : 0;
	if (result_merge_has_turns(m, RESULT_MERGE_INTERVALS, &width_ns)) {
		intervals->width_ns = width_ns;
		for (size_t i = 0; i < m->n && r == 0; i++)
			r = result_merge_append_intervals(m, i, width_ns);
	} else if (result_merge_n_rows(m, RESULT_MERGE_INTERVALS) > 0) {
		result_merge_note(m, NOTE_MERGE_INTERVALS, RESULT_MERGE_ALIKE_ROWS,
			"the repetitions do not have equal intervals, or more than %d of them: "
			"there is no course over time",
			RESULT_MERGE_ROWS_MAX);
	}
	if (r < 0 || !result_merge_has_turns(m, RESULT_MERGE_BATCHES, &width_ns) ||
		!result_merge_same_kind(m))
		return r;
	batches->is = batches->rows.is = RESULT_IS_THERE;
	batches->width_ns = width_ns;
	for (size_t i = 0; i < m->n && r == 0; i++)
		r = result_merge_append_batches(m, i, width_ns);
	return r | result_set_text(&batches->of, m->main_key);
}
