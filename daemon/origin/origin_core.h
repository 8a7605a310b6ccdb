/* SPDX-License-Identifier: Apache-2.0 */
/* The state that all connections of one origin share: its answers, its random numbers, the waiters,
 * its counters. Thread: that of the origin, except for the counters and the stop. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/settings/settings_origin.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"
#include "daemon/origin/origin_answer.h"
#include "daemon/origin/origin_peers.h"
#include "daemon/origin/origin_request.h"
#include "daemon/origin/origin_service.h"
#include "daemon/origin/origin_tally.h"
#include "daemon/origin/origin_timing.h"

/* The size of one recv; in the buffer there is room before it for the bytes that a connection had
 * kept. */
#define ORIGIN_READ_SIZE ((size_t)16 * 1024)
#define ORIGIN_BUFFER_SIZE (ORIGIN_REQUEST_HEAD_MAX + 2 * ORIGIN_READ_SIZE)

/* The random choices for a request. */
struct origin_fate {
	bool hangs;
	bool is_error;
	int64_t service_ns;
	int64_t delay_ns;
};

struct origin_core {
	/* set once before start */
	struct settings_origin settings; /* without its strings */
	struct loop *loop;
	struct origin_answer answers[2][ORIGIN_ANSWER_COUNT]; /* [is error] */
	struct origin_answer refusal;			      /* 400 */
	struct origin_answer go_on;			      /* 100 */
	char *buffer; /* ORIGIN_BUFFER_SIZE; used within one callback only */
	void (*on_due)(struct origin_core *core, struct origin_waiter *waiter);
	void (*on_served)(struct origin_core *core, struct origin_job *job);
	void (*on_closed)(struct origin_core *core); /* a connection was closed, so a descriptor is
						      * free */
	struct origin_gaps *gaps;		     /* NULL: none; borrowed */

	/* owner: origin thread */
	struct list conns;
	struct origin_peers peers; /* of conns */
	struct timer_queue linger; /* lingering connections; userdata is the core */
	struct timer_queue idle;   /* connections between two requests; the same userdata */
	struct origin_service service;
	struct origin_stall stall;
	uint64_t n_frozen;
	struct origin_waiting _waiting;
	struct timer_queue _alarms;
	struct timer _alarm; /* for the first waiter */
	struct loop_task _due;
	/* One for each purpose, so that the numbers for one do not depend on the others. */
	struct origin_dice _delay_dice;
	struct origin_dice _error_dice;
	struct origin_dice _hang_dice;
	struct origin_dice _service_dice;

	/* any thread */
	struct origin_tally tally;
	atomic_bool _stopping;
	int stop_fd; /* readable after the stop */
};

/* on_linger, on_idle: a timer of that queue expired. 0 or -errno; _fini must be called even after a
 * failure. */
int origin_core_init(struct origin_core *core, struct loop *loop,
	const struct settings_origin *settings, timer_expired_fn on_linger,
	timer_expired_fn on_idle);
void origin_core_fini(struct origin_core *core);

/* Any thread: ends a stall or a job that uses CPU time at once. */
void origin_core_stop(struct origin_core *core);
static inline bool origin_core_is_stopping(const struct origin_core *core)
{
	return atomic_load_explicit(&core->_stopping, memory_order_relaxed);
}

/* Draws the random choices for the next request. */
struct origin_fate origin_core_draw(struct origin_core *core);

/* core->on_due is called at due_ns or later, from the loop; origin_core_forget cancels it. */
int origin_core_reserve(struct origin_core *core, size_t n_conns);
void origin_core_wait(struct origin_core *core, struct origin_waiter *waiter, int64_t due_ns);
void origin_core_forget(struct origin_core *core, struct origin_waiter *waiter);
