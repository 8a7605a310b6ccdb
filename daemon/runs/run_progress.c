/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a run, for its observers: counts from the newest sample of all workers, latencies
 * from the intervals that they have passed on, the stage from the plan. Main thread. */
#include <stdio.h>

#include "common/clock.h"
#include "common/control/progress.h"
#include "common/stats/quantile.h"
#include "common/result/result_fill.h"
#include "common/str.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"

static int64_t run_progress_known(int64_t ns)
{
	return ns == QUANTILE_NONE || ns == CLOCK_NEVER ? RESULT_NULL : ns;
}

static int64_t run_progress_quantile(const struct histogram *h, double q)
{
	return run_progress_known(quantile_served(h, q));
}

static void run_progress_latency(const struct run *run, struct progress *p)
{
	int64_t oldest_ns = result_is_known(p->oldest_ns) ? p->oldest_ns : CLOCK_NEVER;
	struct progress_last *last = &p->last;
	struct timeline_row row;

	p->p50_ns = p->p99_ns = p->our_delay_p99_ns = RESULT_NULL;
	last->p50_ns = last->p99_ns = last->max_ns = last->our_delay_p99_ns = RESULT_NULL;
	if (!run->timeline)
		return;
	p->p50_ns = run_progress_quantile(timeline_response(run->timeline), 0.5);
	p->p99_ns = run_progress_quantile(timeline_response(run->timeline), 0.99);
	p->our_delay_p99_ns = run_progress_quantile(timeline_our_delay(run->timeline), 0.99);
	if (last->is != RESULT_IS_THERE || !timeline_newest(run->timeline, &row) ||
		!timeline_row_is_present(&row, oldest_ns, (uint64_t)(last->ok + last->failed)))
		return;
	last->p50_ns = run_progress_known(row.p50_ns);
	last->p99_ns = run_progress_known(row.p99_ns);
	last->max_ns = run_progress_known(row.max_ns);
	last->our_delay_p99_ns = run_progress_known(row.our_delay_p99_ns);
}

static void run_progress_pulses(const struct run *run, struct progress *p)
{
	int64_t oldest_ns = CLOCK_NEVER;

	for (unsigned w = 0; run->pulses && w < run->admission.n_workers; w++) {
		const struct worker_pulse *pulse = &run->pulses[w];

		p->in_flight += (int64_t)pulse->in_flight;
		p->queue += (int64_t)pulse->queue;
		p->connections += (int64_t)pulse->connections;
		if (pulse->cpu_share > p->cpu_share)
			p->cpu_share = pulse->cpu_share;
		if (pulse->ledger.planned > 0 && pulse->oldest_ns < oldest_ns)
			oldest_ns = pulse->oldest_ns;
	}
	if (oldest_ns != CLOCK_NEVER)
		p->oldest_ns = clock_now_ns() - oldest_ns;
}

static void run_progress_counts(const struct ledger *l, struct progress *p)
{
	p->planned = (int64_t)l->planned;
	p->sent = (int64_t)l->sent;
	p->ok = (int64_t)l->classes[LEDGER_OK];
	p->failed = (int64_t)ledger_resolved(l) - p->ok;
}

/* The counts of the whole run, and those of the newest sample. */
static void run_progress_sample(const struct run *run, struct progress *p)
{
	struct progress before;

	run_progress_counts(&run->sample.ledger, p);
	run_progress_counts(&run->sample.before, &before);
	p->last.is = RESULT_IS_NULL;
	if (p->planned == 0 || run->sample.width_ns == 0)
		return;
	p->last.is = RESULT_IS_THERE;
	p->last.width_ns = run->sample.width_ns;
	p->last.planned = p->planned - before.planned;
	p->last.sent = p->sent - before.sent;
	p->last.ok = p->ok - before.ok;
	p->last.failed = p->failed - before.failed;
}

/* What is known when all workers have ended. */
static void run_progress_end(const struct run *run, struct progress *p)
{
	struct ledger all = {0};

	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ledger_add(&all, &run->totals.ledgers[i]);
	run_progress_counts(&all, p);
	p->in_flight = p->queue = p->connections = 0;
	p->oldest_ns = RESULT_NULL;
}

/* During a pause the end moves away. */
static int64_t run_progress_total(const struct run *run)
{
	int64_t paused_ns = run_steering_paused_since(&run->steering);
	int64_t now_ns = clock_now_ns();

	if (run->times.end_ns == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (now_ns > paused_ns && run->stopped_at_ns == 0)
		return run->times.end_ns - run->times.t0_ns + now_ns - paused_ns;
	return run->times.end_ns - run->times.t0_ns;
}

/* The rate that this stage was set to; "": it has that of the plan. */
static const char *run_progress_set_rate(const struct run *run, size_t stage, int64_t elapsed_ns)
{
	for (size_t i = run->n_events; i-- > 0;) {
		const struct run_event *e = &run->events[i];

		if (str_eq(e->kind, "rate") && e->at_ns <= elapsed_ns &&
			schedule_stage_at(run_schedule(run), e->at_ns) == stage)
			return e->to;
	}
	return "";
}

static int run_progress_stage(const struct run *run, struct progress *p)
{
	const struct plan *plan = run->plan;
	size_t stage = plan->n_stages;
	const char *rate;
	char text[256];

	p->stage.is = RESULT_IS_NULL;
	if (run_schedule(run) && run->times.t0_ns > 0 && run->state != RUN_FINISHED)
		stage = schedule_stage_at(run_schedule(run), p->elapsed_ns);
	if (stage == plan->n_stages)
		return 0;
	p->stage.is = RESULT_IS_THERE;
	p->stage.number = (int64_t)stage + 1;
	p->stage.of = (int64_t)plan->n_stages;
	rate = run_progress_set_rate(run, stage, p->elapsed_ns);
	(void)snprintf(text, sizeof(text), "%.160s%s%s", plan->stage_texts[stage],
		*rate ? ", set to " : "", rate);
	return result_set_text(&p->stage.text, text);
}

/* The target rate in the middle of the newest interval. */
static double run_progress_asked(const struct run *run, int64_t elapsed_ns)
{
	if (run->plan->model != PLAN_OPEN)
		return RESULT_REAL_NULL;
	if (!run_schedule(run) || run->times.t0_ns == 0)
		return 0;
	return rate_per_s(schedule_rate_at(
		       run_schedule(run), elapsed_ns - run->plan->interval_ns / 2)) /
	       plan_n_slices(run->plan);
}

const struct run_event *run_events(const struct run *run, size_t *ret_n)
{
	*ret_n = run->n_events;
	return run->events;
}

int run_progress(const struct run *run, struct progress *ret)
{
	bool is_finished = run->state == RUN_FINISHED;
	const struct plan *plan = run->plan;
	struct progress *p = ret;

	if (run->is_let_go) {
		*ret = run->last_progress;
		return 0;
	}
	progress_init(p);
	p->is = RESULT_IS_THERE;
	p->run.is = p->events.is = p->rules.is = RESULT_IS_NULL;
	p->elapsed_ns = 0;
	p->total_ns = run_progress_known(run->times.end_ns);
	if (run->times.t0_ns > 0) {
		p->elapsed_ns = (is_finished ? run->drained_ns : clock_now_ns()) - run->times.t0_ns;
		p->total_ns = run_progress_known(run_progress_total(run));
	}
	p->requests = plan->n_arrivals && plan_n_slices(plan) == 1 ? (int64_t)plan->n_arrivals
								   : RESULT_NULL;
	p->asked_per_s = run_progress_asked(run, p->elapsed_ns);
	p->in_flight = p->queue = p->connections = 0;
	p->connections_limit = run->admission.connections;
	p->cpu_share = 0;
	p->oldest_ns = p->silent_ns = RESULT_NULL;
	run_progress_pulses(run, p);
	run_progress_sample(run, p);
	if (is_finished)
		run_progress_end(run, p);
	else if (run->silent_since_ns > 0)
		p->silent_ns = clock_now_ns() - run->silent_since_ns;
	run_progress_latency(run, p);
	return run_progress_stage(run, p);
}
