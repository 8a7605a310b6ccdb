/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a plan as text, for plan_describe: one rate on one line, anything else as a table
 * of start, duration, rate and number of requests. The numbers of requests are those of the
 * schedule: each segment (warm-up, window, cooldown) carries its fractions from stage to stage, so
 * that the rows add up to the number of requests sent. */
#include "common/plan/plan_describe_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/figure.h"
#include "common/plan/plan.h"
#include "common/plan/plan_stages.h"

#define PLAN_WHAT_MAX 256

enum plan_segment {
	PLAN_SEGMENT_NONE,
	PLAN_SEGMENT_WARMUP,
	PLAN_SEGMENT_WINDOW,
	PLAN_SEGMENT_COOLDOWN,
};

/* A walk through the stages in their order, with the keys warmup and cooldown around them. */
struct plan_walk {
	const struct plan *plan;
	size_t next; /* 0: warmup, then the stages, then cooldown */
	int64_t end_ns;
	enum plan_segment segment;
	plan_parts sum_2; /* of the segment */
	uint64_t n;	  /* of the segment */
};

struct plan_row {
	struct plan_stage stage;
	int64_t at_ns;
	enum plan_segment segment;
	uint64_t n;
	bool is_reached;
};

static uint64_t plan_walk_count(const struct plan_walk *w)
{
	uint64_t n = plan_parts_whole(w->sum_2);
	uint64_t asked = w->segment == PLAN_SEGMENT_WINDOW ? w->plan->n_arrivals : 0;
	size_t n_stages = w->plan->n_stages;

	/* The last stage goes on until the count is reached. */
	if (asked && (n > asked || w->next == n_stages + 1))
		return asked;
	return n;
}

static void plan_walk_stage(struct plan_walk *w, const struct plan_stage *stage,
	enum plan_segment segment, struct plan_row *ret)
{
	uint64_t before, asked = segment == PLAN_SEGMENT_WINDOW ? w->plan->n_arrivals : 0;

	if (segment != w->segment) {
		w->segment = segment;
		w->sum_2 = 0;
		w->n = 0;
	}
	before = w->n;
	*ret = (struct plan_row){.stage = *stage,
		.at_ns = w->end_ns,
		.segment = segment,
		.is_reached = !asked || before < asked};
	w->sum_2 += plan_stage_parts_2(stage);
	w->n = plan_walk_count(w);
	w->end_ns += stage->duration_ns;
	ret->n = w->n - before;
}

/* Gets the next row; false: there are no more. */
static bool plan_walk_next(struct plan_walk *w, struct plan_row *ret)
{
	const struct plan *p = w->plan;

	while (w->next <= p->n_stages + 1) {
		size_t i = w->next++;
		bool is_inner = i > 0 && i <= p->n_stages;
		struct plan_stage flat = {.kind = PLAN_HOLD, .rate = p->stages[0].rate};
		const struct plan_stage *stage = is_inner ? &p->stages[i - 1] : &flat;
		enum plan_segment segment = i > p->n_stages	     ? PLAN_SEGMENT_COOLDOWN
					    : !i || stage->is_warmup ? PLAN_SEGMENT_WARMUP
								     : PLAN_SEGMENT_WINDOW;

		flat.duration_ns = i ? p->cooldown_ns : p->warmup_ns;
		if (segment == PLAN_SEGMENT_COOLDOWN) {
			flat.rate = plan_stage_end(&p->stages[p->n_stages - 1]);
			/* A count may end the window at another instant than its stages do. */
			w->end_ns = plan_warmup_ns(p) + p->duration_ns;
		}
		if (!stage->duration_ns)
			continue;
		plan_walk_stage(w, stage, segment, ret);
		return true;
	}
	return false;
}

/* "50/s to 500/s", and the step or spacing after it. */
static void plan_write_row(const struct plan_row *row, char what[static PLAN_WHAT_MAX])
{
	const struct plan_stage *s = &row->stage;
	struct figure rate = figure_exact_rate(s->rate);
	struct figure to = figure_exact_rate(s->to);

	if (s->kind == PLAN_PAUSE)
		(void)snprintf(what, PLAN_WHAT_MAX, "pause");
	else if (s->kind == PLAN_HOLD)
		(void)snprintf(what, PLAN_WHAT_MAX, "%s", rate.text);
	else if (s->kind == PLAN_RAMP)
		(void)snprintf(what, PLAN_WHAT_MAX, "%s to %s", rate.text, to.text);
	else
		(void)snprintf(what, PLAN_WHAT_MAX, "%s to %s by %s every %s", rate.text, to.text,
			figure_exact_rate(s->by).text, figure_exact_time(s->every_ns).text);
}

struct plan_widths {
	int at, lasts, what, n;
};

static int plan_wider(int width, const char *text)
{
	int len = (int)strlen(text);

	return len > width ? len : width;
}

static int plan_put_table(const struct plan *p, struct buf *b)
{
	static const char *const notes[] = {[PLAN_SEGMENT_WARMUP] = "warm-up",
		[PLAN_SEGMENT_WINDOW] = "",
		[PLAN_SEGMENT_COOLDOWN] = "cooldown"};
	struct plan_widths w = {2, 3, 4, 8}; /* widths of the column titles */
	int r = 0;

	for (int pass = 0; pass < 2; pass++) {
		struct plan_walk walk = {.plan = p};
		struct plan_row row;

		if (pass)
			r = buf_printf(b, PLAN_INDENT "%-*s  %-*s  %-*s  %*s\n", w.at, "at",
				w.lasts, "for", w.what, "rate", w.n, "requests");
		while (!r && plan_walk_next(&walk, &row)) {
			struct figure at = figure_exact_time(row.at_ns);
			struct figure lasts = figure_exact_time(row.stage.duration_ns);
			struct figure n = figure_count((int64_t)row.n);
			char what[PLAN_WHAT_MAX];
			const char *note = row.is_reached ? notes[row.segment] : "not reached";

			plan_write_row(&row, what);
			w = (struct plan_widths){plan_wider(w.at, at.text),
				plan_wider(w.lasts, lasts.text), plan_wider(w.what, what),
				plan_wider(w.n, n.text)};
			if (pass)
				r = buf_printf(b, PLAN_INDENT "%-*s  %-*s  %-*s  %*s%s%s\n", w.at,
					at.text, w.lasts, lasts.text, w.what, what, w.n, n.text,
					*note ? "  " : "", note);
		}
	}
	return r;
}

int plan_describe_stages(const struct plan *p, struct buf *b)
{
	int r;

	if (p->arrivals == PLAN_JITTER)
		r = buf_printf(b, "  load         open model, spacing with jitter %.6g", p->jitter);
	else
		r = buf_printf(b, "  load         open model, %s",
			p->arrivals == PLAN_POISSON ? "Poisson arrivals" : "even spacing");
	if (r)
		return r;
	if (p->n_stages == 1 && p->stages[0].kind == PLAN_HOLD)
		return buf_printf(b, ": %s\n", p->stage_texts[0]);
	r = buf_printf(b, ", up to %s\n", figure_exact_rate(plan_peak_rate(p)).text);
	return r ? r : plan_put_table(p, b);
}
