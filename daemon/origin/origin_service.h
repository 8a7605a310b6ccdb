/* SPDX-License-Identifier: Apache-2.0 */
/* The one server of an origin, which handles all requests if it has a service time. Thread: that of
 * the origin. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop/timer.h"
#include "daemon/origin/origin_server.h"

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

/* For a stall: jobs done by now_ns are completed; then the server did not work for by_ns. */
void origin_service_settle(struct origin_service *s, int64_t now_ns);
void origin_service_shift(struct origin_service *s, int64_t by_ns);
