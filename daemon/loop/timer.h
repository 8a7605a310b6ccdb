/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines by kind. A queue holds the timers of one kind of timeout in the order of their
 * deadlines; as all timeouts of a kind are equally long, starting one appends at the end. The loop
 * has one timerfd for all its queues, re-armed only when it fires or an earlier head appears:
 * starting and stopping a timer is a list operation, never a system call.
 * Thread: that of the loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/list.h"
#include "daemon/loop/loop.h"

/* The loop's one timerfd: one-shot, absolute, never read (a periodic one would fire only once under
 * EPOLLET). It belongs to the loop; no other code opens one. */
struct timer_clock {
	struct loop_task _task;
	struct list _queues;
	int64_t _armed_ns; /* CLOCK_NEVER: not armed */
};
int timer_clock_open(struct timer_clock *c, struct loop *loop); /* 0 or -errno */
void timer_clock_close(struct timer_clock *c);

struct timer {
	struct list _node; /* in its queue, or unlinked */
	int64_t deadline_ns;
};

struct timer_queue;
/* The timer has been removed; it may be started again or its object freed. The queue itself must
 * exist until its callback has returned. */
typedef void (*timer_expired_fn)(struct timer_queue *queue, struct timer *timer);

struct timer_queue {
	/* set once by timer_queue_init */
	struct timer_clock *_clock;
	struct list _in_clock;
	timer_expired_fn _on_expired;
	void *userdata;

	struct list _timers; /* by deadline */
};

void timer_init(struct timer *t);
static inline bool timer_is_running(const struct timer *t)
{
	return !list_empty(&t->_node);
}

/* The queue must outlive its running timers and be removed with timer_queue_fini. */
void timer_queue_init(
	struct timer_queue *q, struct loop *loop, timer_expired_fn on_expired, void *userdata);
void timer_queue_fini(struct timer_queue *q);
/* The earliest deadline of a running timer, even if it has passed; CLOCK_NEVER: none. */
int64_t timer_queue_head_ns(const struct timer_queue *q);
const struct timer *timer_queue_head(const struct timer_queue *q); /* NULL: none */

/* Absolute CLOCK_MONOTONIC; a running timer is moved; CLOCK_NEVER just stops it. A deadline that
 * has passed fires in the next turn. O(1) when it is not earlier than the queue's last one. */
void timer_start_anywhere(struct timer_queue *q, struct timer *t, int64_t deadline_ns);
static inline void timer_start(struct timer_queue *q, struct timer *t, int64_t deadline_ns)
{
	struct list *last = q->_timers.prev;

	/* Usually the timer is not running and its deadline is not before that of the last one. */
	if (timer_is_running(t) || last == &q->_timers || deadline_ns == CLOCK_NEVER ||
		container_of(last, struct timer, _node)->deadline_ns > deadline_ns) {
		timer_start_anywhere(q, t, deadline_ns);
		return;
	}
	t->deadline_ns = deadline_ns;
	list_insert_after(last, &t->_node);
}
/* Harmless when it is not running. */
static inline void timer_stop(struct timer *t)
{
	list_remove(&t->_node);
}
