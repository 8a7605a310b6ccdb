/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: edge-triggered epoll with a ready list in user space.
 *
 * A turn has two phases. First the kernel's events are copied into the tasks they belong to, and
 * the tasks are put on the ready list; then the ready tasks are called. So a callback may free any
 * other task (that unlinks it), and no pointer from the kernel's batch is ever stale. A callback
 * that stops early, because it has used its budget, calls loop_task_again and is called in the
 * next turn, without a new edge.
 *
 * A descriptor is registered once, with all the events it will ever need, and never changed.
 * Everything here belongs to the one thread that calls loop_run, except mail and futures. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/list.h"

struct histogram;
struct loop;
struct mailbox;
struct timer_clock;
struct loop_task;

/* Events for stream sockets, added after connect() was called; and for everything else (eventfd,
 * timerfd, listeners), where EPOLLOUT would only add spurious turns. */
#define LOOP_STREAM (EPOLLIN | EPOLLOUT | EPOLLRDHUP)
#define LOOP_INPUT (EPOLLIN)

/* A bit that differs from all EPOLL… bits: loop_task_again was called. */
#define LOOP_AGAIN (1u << 26)

/* events: EPOLL… bits since the last call, and LOOP_AGAIN. */
typedef void (*loop_task_fn)(struct loop_task *task, uint32_t events);

/* The loop's record of a task: embed it. */
struct loop_task {
	struct list _ready; /* in the loop's ready list, or unlinked */
	struct loop *_loop;
	loop_task_fn _on_ready;
	uint32_t _events;
	int fd;
};

/* 0 or -errno. */
int loop_new(struct loop **ret);
/* Tasks, timers and futures must be gone. NULL is fine; returns NULL. */
struct loop *loop_free(struct loop *loop);

/* Registers fd edge-triggered for events (LOOP_STREAM or LOOP_INPUT); the caller keeps owning it.
 * A task with fd -1 has no descriptor and runs only by loop_task_again. 0 or -errno. */
int loop_add_task(
	struct loop *loop, struct loop_task *task, int fd, uint32_t events, loop_task_fn on_ready);

/* Takes the task out of the ready list and the epoll set. Harmless when it is not in the loop (but
 * zeroed memory is not a task: see loop_task_init). Call it before closing the descriptor. */
void loop_remove_task(struct loop_task *task);
void loop_task_init(struct loop_task *task);

/* Calls the task again in the next turn, with LOOP_AGAIN and all events that arrive until then. */
void loop_task_again(struct loop_task *task);

/* Callable from any thread: the loop wakes up and calls the task, whose descriptor fd was added for
 * input and is writable. After that each change of the descriptor may cause a spurious call. */
void loop_wake_writable(struct loop *loop, struct loop_task *task, int fd);

/* The events that the task will be called with in this turn, as far as they are known. */
static inline uint32_t loop_task_pending(const struct loop_task *task)
{
	return task->_events;
}

/* Runs until loop_stop or loop_fail. 0 or -errno, from epoll_wait or from loop_fail. */
int loop_run(struct loop *loop);
/* One turn: waits at most timeout_ns (-1: until something happens; 0: not at all). For tests. */
int loop_turn(struct loop *loop, int64_t timeout_ns);
/* From a callback: the present turn is the last. Otherwise: the next one is. */
void loop_stop(struct loop *loop);
/* From a callback: the loop cannot continue, for instance because a timer cannot be set. The
 * present turn is the last, and loop_run returns error (-errno); the first call counts. */
void loop_fail(struct loop *loop, int error);

/* The instant of the present turn, for timers. Measurements take clock_now_ns(). */
int64_t loop_now_ns(const struct loop *loop);

/* The loop's own mailbox, and its timerfd (for timer_queue_init). */
struct mailbox *loop_mailbox(struct loop *loop);
struct timer_clock *loop_timer_clock(struct loop *loop);

/* For the audit: when the last epoll_wait returned, when the one before it did, and whether the
 * last one slept (if it did not, an event handled now may have waited since prev_wake_ns). The
 * kernel collects events before this thread can take the stamp of its return, and the thread may
 * lose its CPU in between: so an event handled now may have waited since prev_wait_ns, and no
 * longer. */
struct loop_wake {
	int64_t wake_ns;
	int64_t prev_wake_ns;
	int64_t wait_ns;      /* just before the last epoll_wait */
	int64_t prev_wait_ns; /* just before the one before it */
	bool slept;
};
const struct loop_wake *loop_last_wake(const struct loop *loop);

/* From now on records the duration of each turn, from its wake-up until the loop waits again; NULL:
 * stops. Borrowed. */
void loop_watch_turns(struct loop *loop, struct histogram *turns);
