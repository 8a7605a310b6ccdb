/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a schedule at an instant: its rate, its stage and its row in the table of
 * stages; and the span of each row. */
#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule_internal.h"

static const struct schedule_piece *schedule_piece_at(const struct schedule *s, int64_t t_ns)
{
	size_t low = 0, high = s->n_pieces;

	if (t_ns < 0 || t_ns >= s->spans[SCHEDULE_COOLDOWN].end_ns)
		return NULL;
	/* Those before low have started by then. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->pieces[middle].start_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	while (low-- > 0)
		if (s->pieces[low].duration_ns > 0)
			return &s->pieces[low];
	return NULL;
}

struct rate schedule_rate_at(const struct schedule *s, int64_t t_ns)
{
	const struct schedule_piece *p = schedule_piece_at(s, t_ns);
	double from, to, now;

	if (!p || p->kind == PLAN_PAUSE)
		return (struct rate){0, 1};
	if (p->kind == PLAN_HOLD)
		return p->rate;
	from = rate_per_s(p->rate);
	to = rate_per_s(p->to);
	now = from +
	      (to - from) * (double)(p->offset_ns + t_ns - p->start_ns) / (double)p->whole_ns;
	return (struct rate){(uint64_t)(now * 1000 + 0.5), 1000};
}

size_t schedule_stage_at(const struct schedule *s, int64_t t_ns)
{
	const struct schedule_piece *p = schedule_piece_at(s, t_ns);

	return p ? p->stage : s->n_stages;
}

size_t schedule_row_at(const struct schedule *s, int64_t t_ns)
{
	const struct schedule_piece *p = schedule_piece_at(s, t_ns);

	return p ? p->row : SCHEDULE_NO_ROW;
}

bool schedule_row_span(const struct schedule *s, size_t row, int64_t *start_ns, int64_t *end_ns,
	int64_t *paused_ns)
{
	bool is_found = false;

	*paused_ns = 0;
	for (size_t i = 0; i < s->n_pieces; i++) {
		const struct schedule_piece *p = &s->pieces[i];

		if (p->row != row || p->start_ns == CLOCK_NEVER || p->duration_ns == 0)
			continue;
		if (p->is_frozen && p->duration_ns == CLOCK_NEVER)
			break;
		if (!is_found)
			*start_ns = p->start_ns;
		is_found = true;
		*end_ns =
			p->duration_ns == CLOCK_NEVER ? CLOCK_NEVER : p->start_ns + p->duration_ns;
		if (p->is_frozen)
			*paused_ns += p->duration_ns;
	}
	return is_found;
}

double schedule_peak_per_s(const struct schedule *s)
{
	double peak = 0;

	for (size_t i = 0; i < s->n_pieces; i++) {
		const struct schedule_piece *p = &s->pieces[i];

		if (p->duration_ns > 0 && rate_per_s(p->rate) > peak)
			peak = rate_per_s(p->rate);
		if (p->kind == PLAN_RAMP && rate_per_s(p->to) > peak)
			peak = rate_per_s(p->to);
	}
	return peak;
}
