/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's side of a run's audit: what was read before and after it, and what its workers
 * found out about their threads. Main thread. */
#pragma once

#include <stdint.h>

#include "common/host/host.h"

struct result_generator;
struct run;
struct worker_summary;

struct run_audit {
	/* at go, and at the end */
	struct host_ticks ticks_before, ticks_after;
	struct host_counters counters_before, counters_after;
	struct host_clock clock;
	int64_t time_wait;
	/* of the worker where it was worst; 0: unknown, or none */
	double run_queue_share;
	int64_t turn_p99_ns, turn_max_ns;
	/* of all workers */
	bool knows_run_queue;
	bool knows_involuntary;
	int64_t involuntary;
	uint64_t unbalanced;
};

void run_audit_begin(struct run *run);
void run_audit_add_worker(struct run *run, const struct worker_summary *summary);
void run_audit_end(struct run *run);

/* The members of the result's generator that come from here. 0 or -ENOMEM. */
int run_audit_fill(const struct run *run, struct result_generator *ret);
