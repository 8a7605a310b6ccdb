/* SPDX-License-Identifier: Apache-2.0 */
/* Where a run stands, for those who watch it: counts from the newest sample of all workers,
 * latencies from what they have handed over, the stage from the plan. Main thread. */
#include "common/clock.h"
#include "common/quantile.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"

static void run_progress_latency(const struct run *run, struct run_progress *p)
{
	struct timeline_row row;

	p->p50_ns = quantile_served(timeline_response(run->timeline), 0.5);
	p->p99_ns = quantile_served(timeline_response(run->timeline), 0.99);
	p->our_delay_p99_ns = quantile_served(timeline_our_delay(run->timeline), 0.99);
	if (!timeline_newest(run->timeline, &row) ||
		!timeline_row_is_present(&row, p->oldest_ns, p->last_ok + p->last_failed))
		return;
	p->last_p50_ns = row.p50_ns;
	p->last_p99_ns = row.p99_ns;
	p->last_max_ns = row.max_ns;
	p->last_our_delay_p99_ns = row.our_delay_p99_ns;
}

static void run_progress_pulses(const struct run *run, struct run_progress *p)
{
	const struct ledger *before = &run->beat.before;
	int64_t oldest_ns = CLOCK_NEVER;

	for (unsigned w = 0; run->pulses && w < run->admission.n_workers; w++) {
		const struct worker_pulse *pulse = &run->pulses[w];

		p->in_flight += pulse->in_flight;
		p->queue += pulse->queue;
		p->connections += pulse->connections;
		if (pulse->cpu_share > p->cpu_share)
			p->cpu_share = pulse->cpu_share;
		if (pulse->ledger.planned > 0 && pulse->oldest_ns < oldest_ns)
			oldest_ns = pulse->oldest_ns;
	}
	if (oldest_ns != CLOCK_NEVER)
		p->oldest_ns = clock_now_ns() - oldest_ns;
	p->ledger = run->beat.ledger;
	if (p->ledger.planned == 0)
		return;
	p->last_width_ns = run->beat.width_ns;
	p->last_planned = p->ledger.planned - before->planned;
	p->last_sent = p->ledger.sent - before->sent;
	p->last_ok = p->ledger.classes[LEDGER_OK] - before->classes[LEDGER_OK];
	p->last_failed = ledger_resolved(&p->ledger) - ledger_resolved(before) - p->last_ok;
}

/* While a pause goes on, the end moves away. */
static int64_t run_progress_total(const struct run *run)
{
	int64_t now_ns = clock_now_ns();

	if (run->end_ns == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (run->is_paused && now_ns > run->pause_ns && run->stopped_at_ns == 0)
		return run->end_ns - run->t0_ns + now_ns - run->pause_ns;
	return run->end_ns - run->t0_ns;
}

static void run_progress_stage(const struct run *run, struct run_progress *p)
{
	const struct plan *plan = run->plan;
	size_t stage = plan->n_stages;

	p->n_stages = (unsigned)plan->n_stages;
	if (run->schedule)
		stage = schedule_stage_at(run->schedule, p->elapsed_ns);
	if (stage == plan->n_stages)
		return;
	p->stage = (unsigned)stage + 1;
	p->stage_text = plan->stage_texts[stage];
}

const struct run_event *run_events(const struct run *run, size_t *ret_n)
{
	*ret_n = run->n_events;
	return run->events;
}

void run_progress(const struct run *run, struct run_progress *ret)
{
	struct run_progress p = {
		.total_ns = run->end_ns,
		.last_p50_ns = QUANTILE_NONE,
		.last_p99_ns = QUANTILE_NONE,
		.last_max_ns = QUANTILE_NONE,
		.last_our_delay_p99_ns = QUANTILE_NONE,
		.oldest_ns = CLOCK_NEVER,
		.silent_ns = CLOCK_NEVER,
		.connections_limit = run->admission.connections,
		.p50_ns = QUANTILE_NONE,
		.p99_ns = QUANTILE_NONE,
		.our_delay_p99_ns = QUANTILE_NONE,
	};
	int64_t end_ns = run->state == RUN_FINISHED ? run->drained_ns : clock_now_ns();

	if (run->is_let_go) {
		*ret = run->last_progress;
		return;
	}
	if (run->t0_ns > 0) {
		p.elapsed_ns = end_ns - run->t0_ns;
		p.total_ns = run_progress_total(run);
	}
	/* What was asked in the middle of the interval that is being looked back at. */
	if (run->schedule && run->t0_ns > 0)
		p.asked_per_s = rate_per_s(schedule_rate_at(
					run->schedule, p.elapsed_ns - run->plan->interval_ns / 2)) /
				plan_n_slices(run->plan);
	run_progress_pulses(run, &p);
	if (run->state == RUN_FINISHED) {
		p.ledger = (struct ledger){0};
		for (int i = 0; i < STATS_PHASE_COUNT; i++)
			ledger_add(&p.ledger, &run->totals.ledgers[i]);
		p.in_flight = p.queue = p.connections = 0;
		p.oldest_ns = CLOCK_NEVER;
	} else if (run->silent_since_ns > 0) {
		p.silent_ns = clock_now_ns() - run->silent_since_ns;
	}
	if (run->t0_ns > 0 && run->state != RUN_FINISHED)
		run_progress_stage(run, &p);
	if (run->timeline)
		run_progress_latency(run, &p);
	*ret = p;
}
