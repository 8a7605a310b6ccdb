/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics over the stretches of a run (measurement page A.9). A percentile ranks over the same
 * arrivals as in the headline: in the open model all that were planned, in the closed one those
 * with a good answer.
 *
 * Steadiness is judged only if the rate was the same all the time: the effect of a ramp on a server
 * is no drift. The rate is taken from the schedule, not from the plan, since a user may have
 * steered the run. */
#include "daemon/runs/run_figures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/stats/confidence.h"
#include "common/memory.h"
#include "common/plan/plan_stages.h"
#include "common/result/notes.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/result/result_confidence.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"

#define RUN_FIGURES_HELD_MANY 0.01

static int64_t run_figures_window_ns(const struct run *run)
{
	int64_t ns = run->times.window_end_ns - run->times.window_start_ns;

	return run->times.t0_ns > 0 && ns > 0 ? ns : 0;
}

static bool run_figures_same_rate(struct rate a, struct rate b)
{
	return (unsigned __int128)a.num * b.den == (unsigned __int128)b.num * a.den;
}

/* Does the plan ask for more than one rate in the window? */
static bool run_figures_is_staged(const struct run *run)
{
	int64_t window_ns = run_figures_window_ns(run);
	size_t n = timeline_n_rows(run->timeline, window_ns);
	struct rate first = {0, 1};

	if (!run_schedule(run))
		return false;
	for (size_t i = 0; i < run->plan->n_stages; i++) {
		const struct plan_stage *stage = &run->plan->stages[i];

		if (!stage->is_warmup && stage->kind != PLAN_HOLD)
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		const struct timeline_row *row = timeline_row(run->timeline, i);
		struct rate rate = schedule_rate_at(
			run_schedule(run), run->times.window_start_ns - run->times.t0_ns +
						   row->start_ns + row->width_ns / 2);

		if (i == 0)
			first = rate;
		else if (!run_figures_same_rate(first, rate))
			return true;
	}
	return schedule_segment_paused(run_schedule(run), SCHEDULE_WINDOW) > 0;
}

static int run_figures_judge(struct run_figures *f)
{
	const struct timeline *t = f->run->timeline;
	size_t n = timeline_n_rows(t, run_figures_window_ns(f->run));
	struct steadiness_row *rows;
	double in_flight = 0;

	if (n == 0 || f->is_staged)
		return 0;
	rows = memory_calloc(n, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct timeline_row *row = timeline_row(t, i);

		/* A missing pulse changes nothing. */
		if (row->is_noted)
			in_flight = (double)(row->in_flight + row->queue);
		rows[i] = (struct steadiness_row){.n = row->n,
			.mean_ns = row->mean_ns,
			.p50_ns = (double)row->good_p50_ns,
			.in_flight = in_flight};
	}
	steadiness_judge(rows, n, timeline_row(t, 0)->width_ns, run_schedule(f->run) != NULL,
		&f->steadiness);
	free(rows);
	return 0;
}

int run_figures_init(struct run_figures *f, const struct run *run)
{
	int r;

	*f = (struct run_figures){.run = run};
	if (!run->timeline)
		return 0;
	r = timeline_batches_new(run->timeline, run_figures_window_ns(run), &f->batches);
	if (r == 0) {
		f->is_staged = run_figures_is_staged(run);
		r = run_figures_judge(f);
	}
	if (r < 0)
		run_figures_fini(f);
	return r;
}

void run_figures_fini(struct run_figures *f)
{
	f->batches = timeline_batches_free(f->batches);
}

int run_figures_batches(const struct run_figures *f, struct result_batches *ret)
{
	const char *of = run_schedule(f->run) ? "response" : "service";

	if (f->batches)
		return timeline_batches_fill(f->batches, of, ret);
	ret->is = ret->rows.is = RESULT_IS_THERE;
	ret->width_ns = f->run->plan->interval_ns;
	return result_set_text(&ret->of, of);
}

/* The warm-up that would have been long enough, in whole seconds, to be pasted into a run file. */
static int64_t run_figures_advice_ns(const struct run_figures *f)
{
	int64_t ns = plan_warmup_ns(f->run->plan) + f->steadiness.warmup_advice_ns;

	return (ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC * NSEC_PER_SEC;
}

/* The beginning is not the server's, if requests waited for connections to be opened. */
static bool run_figures_is_opening(const struct run *run)
{
	return (double)run->summary.held_by_pace >
	       RUN_FIGURES_HELD_MANY * (double)run->totals.ledgers[STATS_WINDOW].planned;
}

const char *run_figures_unsteady(const struct run_figures *f, char text[static 256])
{
	const struct steadiness *s = &f->steadiness;

	if (s->word == STEADINESS_UNSTEADY)
		(void)snprintf(
			text, 256, "unsteady: percentiles depend on run length: %s", s->because);
	else if (s->word == STEADINESS_WARMUP_SHORT)
		(void)snprintf(text, 256, "warm-up too short: %s%s", s->because,
			run_figures_is_opening(f->run)
				? ": connections were still being opened, at open-rate"
				: "");
	else
		return NULL;
	return text;
}

int run_figures_note(const struct run_figures *f, struct result_list *notes)
{
	bool is_short = f->steadiness.word == STEADINESS_WARMUP_SHORT;
	char remedy[64] = "a lower rate, or a run as long as the drift";
	char text[256];

	if (!run_figures_unsteady(f, text))
		return 0;
	if (is_short)
		(void)snprintf(remedy, sizeof(remedy), "-w %" PRId64 "s",
			run_figures_advice_ns(f) / NSEC_PER_SEC);
	return result_add_note(notes, note_table[is_short ? NOTE_WARMUP_SHORT : NOTE_UNSTEADY].code,
		is_short ? (double)run_figures_advice_ns(f) : 0, 0, NULL, text, remedy);
}

/* 0 or -ENOMEM. */
static int run_figures_slow(const struct run *run, const struct slow *s, struct result_list *all)
{
	const char *name = run->totals.n_requests > 0 ? run->plan->requests[s->request].name : NULL;
	/* An HTTP error always has a status, which may be 000. */
	bool has_status = s->status > 0 || s->class == LEDGER_HTTP_ERROR;
	struct result_slow *to = result_list_add(&result_slow_table, all, NULL);

	if (!to)
		return -ENOMEM;
	to->at_ns = s->at_ns;
	if (run_schedule(run))
		to->response_ns = s->ns;
	else
		to->service_ns = s->ns;
	to->status = has_status ? s->status : RESULT_NULL;
	to->connection = s->connection ? (int64_t)s->connection : RESULT_NULL;
	to->worker = s->worker;
	return result_set_text(&to->request, name) |
	       result_set_text(&to->class, ledger_class_names[s->class]);
}

int run_figures_slowest(const struct run_figures *f, struct result_list *ret)
{
	const struct stats_totals *t = &f->run->totals;
	struct slow ok[SLOWEST_MAX], failed[SLOWEST_MAX];
	size_t n_ok = slowest_sorted(&t->slowest_ok, ok);
	size_t n_failed = slowest_sorted(&t->slowest_failed, failed);
	int r = 0;

	ret->is = RESULT_IS_THERE;
	for (size_t a = 0, b = 0; r == 0 && (a < n_ok || b < n_failed);) {
		bool is_ok = b == n_failed || (a < n_ok && ok[a].ns >= failed[b].ns);

		r = run_figures_slow(f->run, is_ok ? &ok[a++] : &failed[b++], ret);
	}
	return r;
}

int run_figures_steadiness(const struct run_figures *f, struct result_steadiness *ret)
{
	const struct steadiness *s = &f->steadiness;

	ret->is = RESULT_IS_THERE;
	ret->warmup_advice_ns =
		s->word == STEADINESS_WARMUP_SHORT ? run_figures_advice_ns(f) : RESULT_NULL;
	return result_set_text(&ret->word, f->is_staged ? "staged" : steadiness_words[s->word]) |
	       result_set_text(&ret->because, s->because);
}

/* ---------------------------------------------------------------- confidence */

int run_figures_confidence(const struct run_figures *f, struct result_latency *main)
{
	const struct run *run = f->run;
	const struct histogram *whole =
		&run->totals.histograms[run_schedule(run) ? STATS_RESPONSE : STATS_SERVICE];
	uint64_t n = run_schedule(run) ? run->totals.ledgers[STATS_WINDOW].planned : whole->count;
	struct confidence_batch batches[TIMELINE_BATCHES_MAX];
	size_t n_batches = f->batches ? f->batches->n : 0;

	for (size_t i = 0; i < n_batches; i++)
		batches[i] = (struct confidence_batch){&f->batches->all[i].response,
			run_schedule(run) ? f->batches->all[i].planned
					  : f->batches->all[i].response.count};
	return result_confidence_fill(main, batches, n_batches, whole, n, run->plan->confidence);
}
