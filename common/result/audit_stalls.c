/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that stands still, seen in the closed model. There nothing is due while users wait: one
 * request of each is late, however long the server stands still, and no percentile shows it. It is
 * seen in the rows: in one of them begins a request that took very long, and from there on answers
 * are missing, about as many as would have come in its time. Where a single request is slow the
 * others' answers still come.
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

/* So many of them are named. */
#define AUDIT_STILL_NAMED 4u

struct audit_stalls {
	unsigned n;
	int64_t longest_ns;
	int64_t at_ns[AUDIT_STILL_NAMED]; /* rows, from the window's start */
};

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

/* How many good answers a row has in which nothing took long: the median; 0: there is none. */
static double audit_normal(const struct audit_view *v, size_t n_rows)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	size_t step = n_rows / AUDIT_STILL_ROWS + 1, n = 0;
	double values[AUDIT_STILL_ROWS];

	for (size_t i = 0; i < n_rows && n < AUDIT_STILL_ROWS; i += step)
		if (!audit_is_long(v, rows[i].max_ns))
			values[n++] = (double)rows[i].ok;
	qsort(values, n, sizeof(*values), audit_compare);
	return n > 0 ? values[n / 2] : 0;
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
		missing += fmax(normal - (double)rows[k].ok, 0);
	return missing >= AUDIT_STILL_FEW && missing >= least;
}

static struct audit_stalls audit_find_stalls(const struct audit_view *v)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	size_t n_rows = v->r->intervals.width_ns > 0 ? audit_count_whole(&v->r->intervals) : 0;
	struct audit_stalls s = {.n = 0};
	double normal = audit_normal(v, n_rows);

	for (size_t i = 0; i < n_rows; i++) {
		if (!audit_is_long(v, rows[i].max_ns) || !audit_stands_still(v, n_rows, i, normal))
			continue;
		if (s.n < AUDIT_STILL_NAMED)
			s.at_ns[s.n] = rows[i].t_ns;
		s.n++;
		if (rows[i].max_ns > s.longest_ns)
			s.longest_ns = rows[i].max_ns;
	}
	return s;
}

/* "0:03, 0:06, ..." */
static struct audit_text audit_instants(const struct audit_stalls *s)
{
	struct audit_text t = {""};
	size_t len = 0;

	for (unsigned i = 0; i < s->n && i < AUDIT_STILL_NAMED; i++) {
		int64_t seconds = s->at_ns[i] > 0 ? s->at_ns[i] / NSEC_PER_SEC : 0;

		len += (size_t)snprintf(t.s + len, sizeof(t.s) - len, "%s%lld:%02d",
			i > 0 ? ", " : "", (long long)(seconds / 60), (int)(seconds % 60));
	}
	snprintf(t.s + len, sizeof(t.s) - len, "%s", s->n > AUDIT_STILL_NAMED ? ", ..." : "");
	return t;
}

void audit_note_stalls(const struct audit_view *v, struct audit *a)
{
	const struct note *note = &note_table[NOTE_STALLS];
	struct audit_stalls s;

	if (v->is_open || v->is_sum || !v->has_begun)
		return;
	s = audit_find_stalls(v);
	if (s.n == 0 || (double)v->less_ours->max_ns < AUDIT_STILL_THEIRS * (double)s.longest_ns)
		return;
	audit_add_note(v, a, note, (double)s.longest_ns, note->limit, AUDIT_STALL_REMEDY,
		"the server stood still %sat %s: no answer came for %s%s",
		s.n > 1 ? "at times, " : "", audit_instants(&s).s, s.n > 1 ? "up to " : "",
		figure_time(s.longest_ns).text);
}
