/* SPDX-License-Identifier: Apache-2.0 */
/* What all connections of one origin share: its answers, its dice, who waits for a delay, its
 * counters. Thread: the origin's own, but for the counters. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/settings.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"
#include "daemon/origin/origin_answer.h"
#include "daemon/origin/origin_request.h"
#include "daemon/origin/origin_waiting.h"

/* One recv; before it in the buffer there is room for what a connection had kept. */
#define ORIGIN_READ_SIZE ((size_t)16 * 1024)
#define ORIGIN_BUFFER_SIZE (ORIGIN_REQUEST_HEAD_MAX + 2 * ORIGIN_READ_SIZE)

/* A generator of our own, so that a seed means the same with every C library. */
struct origin_dice {
	uint64_t _state[4];
};

struct origin_core {
	/* set once before start */
	struct loop *loop;
	struct origin_answer answers[2][ORIGIN_ANSWER_COUNT]; /* [is error] */
	struct origin_answer refusal;			      /* 400 */
	enum settings_delay_kind delay_kind;
	int64_t delay_ns;
	double error_share;
	char *buffer; /* ORIGIN_BUFFER_SIZE; used within one callback only */
	void (*on_due)(struct origin_core *core, struct origin_waiter *waiter);
	void (*on_closed)(struct origin_core *core); /* a connection, so a descriptor is free */

	/* owner: origin thread */
	struct list conns;
	struct timer_queue linger; /* of connections that say good-bye; userdata is the core */
	struct origin_waiting _waiting;
	struct timer_queue _alarms;
	struct timer _alarm; /* for the first who waits */
	struct loop_task _due;
	struct origin_dice _delay_dice; /* apart, so that the errors of a seed stay the same */
	struct origin_dice _error_dice; /* whatever the delays are */

	/* atomic, written by the origin's thread only */
	_Atomic uint64_t connections;
	_Atomic uint64_t accepted;
	_Atomic uint64_t requests;
	_Atomic uint64_t errors;
};

/* on_linger: a timer of core->linger ran out. 0 or -ENOMEM; _fini also after a failure. */
int origin_core_init(struct origin_core *core, struct loop *loop,
	const struct settings_origin *settings, timer_expired_fn on_linger);
void origin_core_fini(struct origin_core *core);

/* The next throw of the dice: the delay of a request, and whether it gets the error. */
int64_t origin_core_draw_delay(struct origin_core *core);
bool origin_core_draw_error(struct origin_core *core);

/* core->on_due is called at due_ns or later, from the loop; origin_core_forget takes back. */
int origin_core_reserve(struct origin_core *core, size_t n_conns);
void origin_core_wait(struct origin_core *core, struct origin_waiter *waiter, int64_t due_ns);
void origin_core_forget(struct origin_core *core, struct origin_waiter *waiter);

/* One writer, so no locked instruction is needed. */
static inline void origin_core_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + n, memory_order_relaxed);
}
