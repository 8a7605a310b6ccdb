/* SPDX-License-Identifier: Apache-2.0 */
/* What occupies an origin: the one server, which handles all requests if it has a service time, and
 * stalls, in which the thread stops, and with it all of its work, like a server that collects
 * garbage or waits for a disk. Thread: that of the origin. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/settings/settings_origin.h"
#include "daemon/loop/timer.h"
#include "daemon/origin/origin_timing.h"

struct origin_core;

struct origin_service {
	struct origin_core *_core;
	struct origin_server _server;
	struct timer_queue _queue;
	struct timer _timer;
	struct loop_task _task;
	bool _burns;
};

int origin_service_init(struct origin_service *s, struct origin_core *core); /* 0 or -errno */
void origin_service_fini(struct origin_service *s);

/* core->on_served is called, from the loop, when the job is done. */
void origin_service_add(
	struct origin_service *s, struct origin_job *job, int64_t now_ns, int64_t length_ns);
void origin_service_drop(struct origin_service *s, struct origin_job *job);

/* ---- stalls */

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
