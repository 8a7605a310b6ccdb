/* SPDX-License-Identifier: Apache-2.0 */
/* What is unknown (a file of /proc that is not there, a run that never began) is null in the
 * result. */
#include "daemon/runs/run_host.h"

#include "common/result/result_fill.h"
#include "daemon/engine/worker.h"

void run_host_begin(struct run_host *h)
{
	h->_has_begun = true;
	host_read_clock(&h->_clock);
	host_read_counters(&h->_counters_before);
	host_read_ticks(&h->_ticks_before);
}

static void run_host_raise(double *most, int64_t part_ns, int64_t whole_ns)
{
	double share = (double)part_ns / (double)whole_ns;

	if (share > *most)
		*most = share;
}

void run_host_add_worker(struct run_host *h, const struct worker_summary *s)
{
	int64_t wall_ns = s->ended_ns - s->started_ns;

	if (s->started_ns == 0 || wall_ns <= 0)
		return;
	run_host_raise(&h->_cpu_share, s->cpu_ns, wall_ns);
	run_host_raise(&h->_stalled_share, s->stalled_ns, wall_ns);
	if (s->run_queue_ns >= 0) {
		h->_knows_run_queue = true;
		run_host_raise(&h->_run_queue_share,
			s->run_queue_ns < wall_ns ? s->run_queue_ns : wall_ns, wall_ns);
	}
	if (s->involuntary >= 0) {
		h->_knows_involuntary = true;
		h->_involuntary += s->involuntary;
	}
	if (s->turn_p99_ns > h->_turn_p99_ns)
		h->_turn_p99_ns = s->turn_p99_ns;
	if (s->turn_max_ns > h->_turn_max_ns)
		h->_turn_max_ns = s->turn_max_ns;
}

void run_host_end(struct run_host *h)
{
	host_read_ticks(&h->_ticks_after);
	host_read_counters(&h->_counters_after);
	h->_time_wait = host_time_wait();
}

int run_host_fill(const struct run_host *h, struct result_generator *ret)
{
	struct host_counters n = host_counters_between(&h->_counters_before, &h->_counters_after);

	ret->cpu_share = h->_cpu_share;
	ret->stalled_share = h->_stalled_share;
	ret->involuntary_switches = result_figure(h->_knows_involuntary ? h->_involuntary : -1);
	ret->run_queue_share =
		h->_has_begun && h->_knows_run_queue ? h->_run_queue_share : RESULT_REAL_NULL;
	ret->steal_share = ret->softirq_share = ret->throttled_share = RESULT_REAL_NULL;
	ret->throttled_ns = ret->loop_p99_ns = ret->loop_max_ns = RESULT_NULL;
	ret->clock_ns = ret->ports.time_wait = RESULT_NULL;
	if (h->_has_begun) {
		ret->steal_share =
			result_share(host_steal_share(&h->_ticks_before, &h->_ticks_after));
		ret->softirq_share =
			result_share(host_softirq_share(&h->_ticks_before, &h->_ticks_after));
		if (n.throttled >= 0 && n.periods >= 0)
			ret->throttled_share =
				n.periods > 0 ? (double)n.throttled / (double)n.periods : 0;
		ret->throttled_ns = result_figure(n.throttled_ns);
		ret->loop_p99_ns = result_figure(h->_turn_p99_ns);
		ret->loop_max_ns = result_figure(h->_turn_max_ns);
		ret->clock_ns = result_figure(h->_clock.read_ns);
		ret->ports.time_wait = result_figure(h->_time_wait);
	}
	return result_set_text(&ret->clocksource, *h->_clock.source ? h->_clock.source : NULL);
}
