/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel knows of the calling thread: how long it has run, and how long it was kept from
 * running though it wanted to. Any thread. */
#pragma once

#include <stdint.h>

struct gauge {
	int64_t run_queue_ns; /* it has waited for a CPU so long; -1: unknown */
	int64_t involuntary;  /* the kernel has taken the CPU away from it so often; -1: unknown */
};
/* Opens and closes a file: not for each request. */
void gauge_read(struct gauge *ret);

/* Of the text of /proc/…/schedstat, the time waited; -1: it is not there, or not kept. */
int64_t gauge_parse_run_queue(const char *schedstat);
