/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a worker for the audit in addition to its statistics: how long its loop's turns
 * take, how long its thread waited for a CPU, and whether its ledger balanced at every interval. A
 * turn costs one count in a histogram, everything else is read once or at intervals. Worker's
 * thread, except open and close. */
#include "common/quantile.h"
#include "daemon/engine/worker_internal.h"
#include "daemon/loop/loop.h"

int worker_gauge_open(struct worker *w)
{
	return histogram_init(&w->turns, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		HISTOGRAM_INTERVAL_DIGITS);
}

void worker_gauge_close(struct worker *w)
{
	histogram_fini(&w->turns);
}

void worker_gauge_go(struct worker *w)
{
	gauge_read(&w->gauge);
	loop_watch_turns(w->loop, &w->turns);
}

void worker_gauge_tick(struct worker *w)
{
	w->unbalanced += !stats_balances(&w->stats);
}

/* To be called after the last arrival's end. Before t0 there is nothing to report. */
void worker_gauge_finish(struct worker *w)
{
	struct worker_summary *s = &w->summary;
	struct gauge now;

	s->run_queue_ns = s->involuntary = -1;
	s->turn_p99_ns = s->turn_max_ns = -1;
	loop_watch_turns(w->loop, NULL);
	worker_gauge_tick(w);
	s->unbalanced = w->unbalanced;
	if (w->t0_ns == 0)
		return;
	gauge_read(&now);
	if (now.run_queue_ns >= w->gauge.run_queue_ns && w->gauge.run_queue_ns >= 0)
		s->run_queue_ns = now.run_queue_ns - w->gauge.run_queue_ns;
	if (now.involuntary >= w->gauge.involuntary && w->gauge.involuntary >= 0)
		s->involuntary = now.involuntary - w->gauge.involuntary;
	s->turn_p99_ns = quantile_served(&w->turns, 0.99);
	if (w->turns.count > 0)
		s->turn_max_ns = w->turns.max;
}
