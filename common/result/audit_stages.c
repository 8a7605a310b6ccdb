/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which stage of the plan was too much: a peak between quieter stages is worked off in the next
 * one, so that the whole run shows neither a missing answer nor a backlog that grew all along.
 *
 * It is judged by the rows that lie in the stage. Fewer requests were answered than were planned,
 * the rest waited at its end, and the median had risen by what it takes to work that off: a rate
 * that rises has more on their way, and a standstill leaves most of the times as they were.
 *
 * Pure; any thread.
 */
#include <math.h>
#include <stdio.h>

#include "common/figure.h"
#include "common/result/audit_internal.h"

#define AUDIT_STAGE_ANSWERED 0.9

struct audit_rows {
	size_t from, to; /* in the list of rows: those that lie in the stage */
	double planned, completed;
};

static struct audit_rows audit_rows_of_stage(
	const struct audit_view *v, const struct result_stage *stage)
{
	const struct result_intervals *intervals = &v->r->intervals;
	const struct result_row *rows = intervals->rows.rows;
	struct audit_rows in = {0};

	for (size_t i = 0; i < intervals->rows.n; i++) {
		const struct result_row *row = &rows[i];

		if (row->is != RESULT_IS_THERE || row->length_ns > 0 ||
			row->t_ns < stage->start_ns ||
			(double)row->t_ns + (double)intervals->width_ns > (double)stage->end_ns)
			continue;
		if (in.to == 0)
			in.from = i;
		in.to = i + 1;
		in.planned += fmax((double)row->planned, 0);
		in.completed += fmax((double)row->completed, 0);
	}
	return in;
}

/* stage NULL: it was carried. */
static struct audit_stage audit_judge_stage(
	const struct audit_view *v, const struct result_stage *stage)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	struct audit_rows in = audit_rows_of_stage(v, stage);
	double length_s =
		(double)(in.to - in.from) * (double)v->r->intervals.width_ns / NSEC_PER_SEC;
	struct audit_stage none = {0}, too_much = {.stage = stage};
	double growth, rise_ns;
	int64_t before_ns;

	if (in.to == 0 || !(in.completed > 0) || in.completed >= AUDIT_STAGE_ANSWERED * in.planned)
		return none;
	before_ns = in.from > 0 ? rows[in.from - 1].p50_ns : v->service->min_ns;
	too_much.backlog = audit_backlog_of(&rows[in.to - 1]);
	too_much.asked = in.planned / length_s;
	too_much.carried = in.completed / length_s;
	growth = too_much.backlog - (in.from > 0 ? audit_backlog_of(&rows[in.from - 1]) : 0);
	rise_ns = (double)rows[in.to - 1].p50_ns - (double)before_ns;
	return before_ns >= 0 && growth >= AUDIT_GROWTH_LEAST &&
			       rise_ns > AUDIT_RISE * growth / too_much.carried * NSEC_PER_SEC
		       ? too_much
		       : none;
}

struct audit_stage audit_find_stage(const struct audit_view *v)
{
	const struct result_stage *stages = v->r->stages.rows;
	struct audit_stage worst = {0};

	if (v->is_sum || !v->has_begun || !v->is_open || v->outcome != AUDIT_COMPLETED)
		return worst;
	for (size_t i = 0; i < v->r->stages.n; i++) {
		struct audit_stage one = audit_judge_stage(v, &stages[i]);

		if (one.stage &&
			(!worst.stage || one.carried * worst.asked < worst.carried * one.asked))
			worst = one;
	}
	return worst;
}

struct audit_text audit_in_stage(const struct audit_view *v)
{
	struct audit_text t = {""};

	if (v->too_much.stage)
		snprintf(t.s, sizeof(t.s), " in stage %.26s (%.80s)",
			figure_count(v->too_much.stage->number).text,
			result_words(v->too_much.stage->text));
	return t;
}
