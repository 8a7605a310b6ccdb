/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that stands still, seen in the rows.
 *
 * In the closed model nothing is due while users wait: one request of each is late, however long
 * the server stands still, and no percentile shows it. In a row begins a request that took very
 * long, and from there on answers are missing, about as many as would have come in its time. Where
 * a single request is slow the others' answers still come.
 *
 * In the open model the percentiles show a standstill now and then. Where it takes a good part of
 * the time they look like those of a slow server, and answers that come after the window like an
 * overload. But requests pile up for as long as the slowest takes, and are all answered right after
 * it, as fast as at any time: a queue that the server cannot keep up with is still there then.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/figure.h"
#include "common/result/audit_internal.h"
#include "common/result/audit_text.h"

/* A request takes long: more than that, so many times the median, and this part of a row, since
 * rows differ by a few percent without a reason. */
#define AUDIT_STILL_NS (note_table[NOTE_STALLS].limit)
#define AUDIT_STILL_TIMES 10.0
#define AUDIT_STILL_OF_ROW 0.25
/* This share of the answers of that time is missing, and at least so many. At the window's end
 * less, since it is not known when in its last row the standstill began. */
#define AUDIT_STILL_MISSING 0.75
#define AUDIT_STILL_MISSING_AT_END 0.55
#define AUDIT_STILL_FEW 10.0
/* At most so many rows tell what is normal. */
#define AUDIT_STILL_ROWS 256u
/* The generator stood still itself where the longest is less than that without its part. */
#define AUDIT_STILL_THEIRS 0.5

/* Fewer rows are told by their best one what is normal. */
#define AUDIT_STILL_ROWS_FEW 3u
/* Open model: this part of what was planned in the time waits at its end, and this at most after
 * it. Between the standstills answers are as fast as that, and they make this part of the window.
 */
#define AUDIT_STILL_PILED 0.75
#define AUDIT_STILL_LEFT 0.1
#define AUDIT_STILL_LEFT_FEW 3.0
#define AUDIT_STILL_FAST 3.0
#define AUDIT_STILL_PART 0.3

static bool audit_is_whole(const struct result_row *row)
{
	return row->is == RESULT_IS_THERE && row->length_ns <= 0 && row->open != RESULT_YES;
}

static size_t audit_count_whole(const struct result_intervals *intervals)
{
	const struct result_row *rows = intervals->rows.rows;
	size_t n = 0;

	while (n < intervals->rows.n && audit_is_whole(&rows[n]))
		n++;
	return n;
}

static bool audit_is_long(const struct audit_view *v, int64_t ns)
{
	return (double)ns >= AUDIT_STILL_NS &&
	       (double)ns >= AUDIT_STILL_TIMES * (double)v->service->p50_ns &&
	       (double)ns >= AUDIT_STILL_OF_ROW * (double)v->r->intervals.width_ns;
}

static int audit_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How much of a row lies in the window. */
static double audit_share_of_row(const struct audit_view *v, size_t i)
{
	const struct result_row *row = &((const struct result_row *)v->r->intervals.rows.rows)[i];
	double left_ns =
		(double)v->r->window.end_ns - (double)v->r->window.start_ns - (double)row->t_ns;

	return fmin(left_ns / (double)v->r->intervals.width_ns, 1);
}

/* How many good answers a row has in which nothing took long: the median; 0: there is none. Of few
 * rows it is the best, since one of them may lie in a standstill. */
static double audit_normal(const struct audit_view *v, size_t n_rows)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	size_t step = n_rows / AUDIT_STILL_ROWS + 1, n = 0;
	double values[AUDIT_STILL_ROWS];

	for (size_t i = 0; i < n_rows && n < AUDIT_STILL_ROWS; i += step) {
		double share = audit_share_of_row(v, i);

		if (!audit_is_long(v, rows[i].max_ns) && share >= AUDIT_STILL_OF_ROW)
			values[n++] = (double)rows[i].ok / share;
	}
	qsort(values, n, sizeof(*values), audit_compare);
	if (n == 0)
		return 0;
	return values[n < AUDIT_STILL_ROWS_FEW ? n - 1 : n / 2];
}

/* A standstill begins in the row at i, and lasts as long as its slowest request. */
static bool audit_stands_still(const struct audit_view *v, size_t n_rows, size_t i, double normal)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	double width_ns = (double)v->r->intervals.width_ns;
	double length = (double)rows[i].max_ns / width_ns, rest = (double)(n_rows - i);
	double missing = 0, least = AUDIT_STILL_MISSING * normal * length;

	if (length > rest)
		least = AUDIT_STILL_MISSING_AT_END * normal * rest;

	for (size_t k = i; k < n_rows && (double)(k - i) < length + 1; k++)
		missing += fmax(normal * audit_share_of_row(v, k) - (double)rows[k].ok, 0);
	return missing >= AUDIT_STILL_FEW && missing >= least;
}

static void audit_add_stall(struct audit_stalls *s, const struct result_row *row)
{
	if (s->n < AUDIT_STILL_NAMED)
		s->at_ns[s->n] = row->t_ns;
	s->n++;
	if (row->max_ns > s->longest_ns)
		s->longest_ns = row->max_ns;
}

static struct audit_stalls audit_find_stalls_of_closed(const struct audit_view *v)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	size_t n_rows = v->r->intervals.width_ns > 0 ? audit_count_whole(&v->r->intervals) : 0;
	struct audit_stalls s = {.n = 0};
	double normal = audit_normal(v, n_rows);

	for (size_t i = 0; i < n_rows; i++) {
		if (!audit_is_long(v, rows[i].max_ns) || !audit_stands_still(v, n_rows, i, normal))
			continue;
		audit_add_stall(&s, &rows[i]);
	}
	return s;
}

/* ---------------------------------------------------------------- open model */

/* The requests that waited with the slowest one of the row at i were answered with it: it began in
 * the row, so that they were by the end of one of two rows. ret_is_over: both lie in the window. */
static bool audit_is_cleared(const struct audit_view *v, size_t n_rows, size_t i, bool *ret_is_over)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	double width_ns = (double)v->r->intervals.width_ns;
	size_t end = i + (size_t)((double)rows[i].max_ns / width_ns);
	double piled = v->asked_on_average * (double)rows[i].max_ns / NSEC_PER_SEC;
	double left = fmax(AUDIT_STILL_LEFT * piled, AUDIT_STILL_LEFT_FEW);

	*ret_is_over = end + 1 < n_rows;
	for (size_t k = end; k <= end + 1 && k < n_rows; k++)
		if (audit_backlog_of(&rows[k]) <= left)
			return true;
	return false;
}

/* Its slowest request waited for the end of the same standstill as that of the row at from: it was
 * planned later by as much as it took less. */
static bool audit_is_same_stall(const struct audit_view *v, size_t from, size_t i)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	double later_ns = (double)(i - from - 1) * (double)v->r->intervals.width_ns;

	return (double)rows[i].max_ns <= (double)rows[from].max_ns - later_ns;
}

static bool audit_is_fast_between(const struct audit_view *v, size_t n_rows)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	double fast_ns = AUDIT_STILL_FAST * (double)v->service->min_ns + NSEC_PER_MSEC;

	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].p50_ns >= 0 && (double)rows[i].p50_ns <= fast_ns)
			return v->service->min_ns >= 0;
	return false;
}

struct audit_stalls audit_find_stalls(const struct audit_view *v)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	size_t n_rows = v->r->intervals.width_ns > 0 ? audit_count_whole(&v->r->intervals) : 0;
	struct audit_stalls s = {.n = 0}, none = {.n = 0};
	double width_ns = (double)v->r->intervals.width_ns, all_ns = 0, piled;
	bool is_over;
	size_t from = 0;

	if (!v->is_open || v->is_sum || !v->has_begun || !audit_is_fast_between(v, n_rows))
		return none;
	for (size_t i = 0; i < n_rows; i++) {
		double ns = (double)rows[i].max_ns;

		if (ns < AUDIT_STILL_NS || ns < AUDIT_STILL_OF_ROW * width_ns ||
			(s.n > 0 && audit_is_same_stall(v, from, i)))
			continue;
		/* One that the window's end cuts is told by those before it. */
		if (!audit_is_cleared(v, n_rows, i, &is_over) && (is_over || s.n == 0))
			return none;
		audit_add_stall(&s, &rows[i]);
		all_ns += fmin(ns, (double)v->window_ns - (double)rows[i].t_ns);
		from = i;
	}
	piled = v->asked_on_average * (double)s.longest_ns / NSEC_PER_SEC;
	if (s.n == 0 || all_ns < AUDIT_STILL_PART * (double)v->window_ns ||
		piled < AUDIT_STILL_FEW || v->most_at_once < AUDIT_STILL_PILED * piled ||
		(double)v->less_ours->p99_ns < AUDIT_STILL_THEIRS * (double)s.longest_ns)
		return none;
	return s;
}

/* ---------------------------------------------------------------- words */

/* "0:03, 0:06, ..." */
static struct audit_text audit_instants(const struct audit_stalls *s)
{
	struct audit_text t = {""};
	size_t len = 0;

	for (unsigned i = 0; i < s->n && i < AUDIT_STILL_NAMED; i++) {
		len += (size_t)snprintf(t.s + len, sizeof(t.s) - len, "%s%.12s", i > 0 ? ", " : "",
			figure_clock(s->at_ns[i] > 0 ? s->at_ns[i] : 0).text);
	}
	snprintf(t.s + len, sizeof(t.s) - len, "%s", s->n > AUDIT_STILL_NAMED ? ", ..." : "");
	return t;
}

struct audit_sentence audit_tell_stalls(const struct audit_stalls *s)
{
	struct audit_sentence t;

	snprintf(t.s, sizeof(t.s), "stood still %sat %s: no answer came for %s%.26s",
		s->n > 1 ? "at times, " : "", audit_instants(s).s, s->n > 1 ? "up to " : "",
		figure_time(s->longest_ns).text);
	return t;
}

void audit_note_stalls(const struct audit_view *v, struct audit *a)
{
	const struct note *note = &note_table[NOTE_STALLS];
	struct audit_stalls s;

	if (v->is_open || v->is_sum || !v->has_begun)
		return;
	s = audit_find_stalls_of_closed(v);
	if (s.n == 0 || (double)v->less_ours->max_ns < AUDIT_STILL_THEIRS * (double)s.longest_ns)
		return;
	audit_add_note(v, a, note, (double)s.longest_ns, note->limit, AUDIT_STALL_REMEDY,
		"the server %s", audit_tell_stalls(&s).s);
}
