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

/* The time waited, from the text of /proc/…/schedstat; -1: it is missing, or not kept. */
int64_t gauge_parse_run_queue(const char *schedstat);
