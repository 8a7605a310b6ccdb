/* SPDX-License-Identifier: Apache-2.0 */
/* What is unknown (a file of /proc that is not there, a run that never began) is null in the
 * result. */
#include "daemon/runs/run_audit.h"

#include "common/result/result_fill.h"
#include "daemon/runs/run_private.h"

void run_audit_begin(struct run *run)
{
	struct run_audit *a = &run->audit;

	host_read_clock(&a->clock);
	host_read_counters(&a->counters_before);
	host_read_ticks(&a->ticks_before);
}

void run_audit_add_worker(struct run *run, const struct worker_summary *s)
{
	struct run_audit *a = &run->audit;
	int64_t wall_ns = s->ended_ns - s->started_ns;

	a->unbalanced += s->unbalanced;
	if (s->started_ns == 0 || wall_ns <= 0)
		return;
	if (s->run_queue_ns >= 0) {
		double share = (double)s->run_queue_ns / (double)wall_ns;

		a->knows_run_queue = true;
		if (share > a->run_queue_share)
			a->run_queue_share = share < 1 ? share : 1;
	}
	if (s->involuntary >= 0) {
		a->knows_involuntary = true;
		a->involuntary += s->involuntary;
	}
	if (s->turn_p99_ns > a->turn_p99_ns)
		a->turn_p99_ns = s->turn_p99_ns;
	if (s->turn_max_ns > a->turn_max_ns)
		a->turn_max_ns = s->turn_max_ns;
}

void run_audit_end(struct run *run)
{
	struct run_audit *a = &run->audit;

	host_read_ticks(&a->ticks_after);
	host_read_counters(&a->counters_after);
	a->time_wait = host_time_wait();
}

/* With what all else in this process has open, and at most. */
static uint64_t run_audit_descriptors(const struct run *run)
{
	return run->room.descriptors_used + run->n_started * ADMISSION_DESCRIPTORS_PER_WORKER +
	       run->summary.connections_peak;
}

/* Whether a port in TIME_WAIT can be taken again at once. */
static bool run_audit_reuses_ports(const struct run *run)
{
	return run->room.ports.tw_reuse == 1 ||
	       (run->room.ports.tw_reuse == 2 && run->is_colocated);
}

int run_audit_fill(const struct run *run, struct result_generator *ret)
{
	const struct run_audit *a = &run->audit;
	struct host_counters n = host_counters_between(&a->counters_before, &a->counters_after);
	bool has_begun = run->t0_ns > 0;

	ret->unbalanced_intervals = (int64_t)a->unbalanced;
	ret->descriptors.is = ret->ports.is = RESULT_IS_THERE;
	ret->descriptors.limit = (int64_t)run->room.descriptor_limit;
	ret->descriptors.used_at_most = (int64_t)run_audit_descriptors(run);
	ret->ports.range = (int64_t)run->room.ports.n;
	ret->ports.reused = run_audit_reuses_ports(run) ? RESULT_YES : RESULT_NO;
	ret->involuntary_switches = result_figure(a->knows_involuntary ? a->involuntary : -1);
	ret->run_queue_share =
		has_begun && a->knows_run_queue ? a->run_queue_share : RESULT_REAL_NULL;
	ret->steal_share = ret->softirq_share = ret->throttled_share = RESULT_REAL_NULL;
	ret->throttled_ns = ret->loop_p99_ns = ret->loop_max_ns = RESULT_NULL;
	ret->clock_ns = ret->ports.time_wait = RESULT_NULL;
	ret->tcp_segments = ret->retransmits = RESULT_NULL;
	if (has_begun) {
		ret->steal_share =
			result_share(host_steal_share(&a->ticks_before, &a->ticks_after));
		ret->softirq_share =
			result_share(host_softirq_share(&a->ticks_before, &a->ticks_after));
		if (n.throttled >= 0 && n.periods >= 0)
			ret->throttled_share =
				n.periods > 0 ? (double)n.throttled / (double)n.periods : 0;
		ret->throttled_ns = result_figure(n.throttled_ns);
		ret->loop_p99_ns = result_figure(a->turn_p99_ns);
		ret->loop_max_ns = result_figure(a->turn_max_ns);
		ret->clock_ns = result_figure(a->clock.read_ns);
		ret->ports.time_wait = result_figure(a->time_wait);
	}
	/* Not of Unix sockets, nor where the kernel does not count. */
	if (has_begun && run->summary.segments.sent > 0) {
		ret->tcp_segments = (int64_t)run->summary.segments.sent;
		ret->retransmits = (int64_t)run->summary.segments.again;
	}
	return result_set_text(&ret->clocksource, *a->clock.source ? a->clock.source : NULL);
}
