/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's accounting of the calling thread: how long it has run, and how long it was runnable
 * without a CPU. Any thread. */
#pragma once

#include <stdint.h>

struct gauge {
	int64_t run_queue_ns; /* time spent waiting for a CPU; -1: unknown */
	int64_t involuntary;  /* number of involuntary context switches; -1: unknown */
};
/* Opens and closes a file: not to be called for each request. */
void gauge_read(struct gauge *ret);

int64_t gauge_run_queue_ns(void); /* that figure alone */

/* A beat of a thread that asks to be woken at a fixed interval. */
struct gauge_beat {
	int64_t late_ns;      /* after its instant */
	int64_t cpu_ns;	      /* since the beat before */
	int64_t run_queue_ns; /* time waited for a CPU since then; 0: unknown */
};
/* How long the thread was stopped since the beat before: what is late of this one and was neither
 * used on a CPU nor waited for one. 0: it was not. */
int64_t gauge_stopped_ns(const struct gauge_beat *beat, int64_t interval_ns);

/* The time waited, from the text of /proc/…/schedstat; -1: it is missing, or not kept. */
int64_t gauge_parse_run_queue(const char *schedstat);
