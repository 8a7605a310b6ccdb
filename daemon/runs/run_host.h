/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's side of a run's audit: what was read before and after it, and what its workers
 * found out about their threads. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/host/host.h"

struct result_generator;
struct worker_summary;

/* Zero-initialise. */
struct run_host {
	bool _has_begun;
	/* at go, and at the end */
	struct host_ticks _ticks_before, _ticks_after;
	struct host_counters _counters_before, _counters_after;
	struct host_clock _clock;
	int64_t _time_wait;
	/* of the worker where it was worst; 0: unknown, or none */
	double _cpu_share;
	double _stalled_share;
	double _run_queue_share;
	int64_t _turn_p99_ns, _turn_max_ns;
	/* of all workers */
	bool _knows_run_queue;
	bool _knows_involuntary;
	int64_t _involuntary;
};

void run_host_begin(struct run_host *h);
void run_host_add_worker(struct run_host *h, const struct worker_summary *summary);
void run_host_end(struct run_host *h);

/* The members of the result's generator that come from here. 0 or -ENOMEM. */
int run_host_fill(const struct run_host *h, struct result_generator *ret);
