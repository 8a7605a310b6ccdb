/* SPDX-License-Identifier: Apache-2.0 */
/* The stalls of an origin: its thread stops, and with it all of its work, like a server that
 * collects garbage or waits for a disk. Thread: that of the origin. */
#pragma once

#include <stdint.h>

#include "common/settings_origin.h"
#include "daemon/loop/timer.h"

struct origin_core;

struct origin_stall {
	struct origin_core *_core;
	struct settings_cycle _cycle;
	int64_t _start_ns; /* beginning of the grid; CLOCK_NEVER: no request has arrived */
	struct timer_queue _queue;
	struct timer _timer;
};

void origin_stall_init(struct origin_stall *s, struct origin_core *core);
void origin_stall_fini(struct origin_stall *s);

/* A request has arrived. The first one begins the grid, and with it the first stall: then this
 * returns at the stall's end. Returns whether time has passed. */
bool origin_stall_begin(struct origin_stall *s, int64_t now_ns);
