/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop. The talk keeps runnable tasks in a deque and stopped ones in a map; here these
 * are the ready list and the epoll set.
 *
 * Invariants: a task is in the ready list at most once; its _events are the union of all edges
 * since its last call; after phase one of a turn nothing refers to the kernel's event array any
 * more. Tasks that become ready (or ask for another call) while a turn runs wait for the next one,
 * and that turn does not sleep: a busy task can delay the others by one budget, never starve
 * them. */
#include "daemon/loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stats/histogram.h"
#include "daemon/loop/mailbox.h"
#include "daemon/loop/timer.h"

/* With small batches connects starve when tens of thousands of descriptors are ready at once
 * (platform page). */
#define LOOP_EVENTS_MAX 512

/* An epoll_wait that took less than this may not have slept at all. */
#define LOOP_SLEPT_NS (5 * NSEC_PER_USEC)

struct loop {
	int epoll_fd;
	bool stopping;
	int error; /* from loop_fail; 0: none */
	int64_t now_ns;
	struct loop_wake wake;
	struct histogram *turns; /* NULL: turns are not recorded */
	struct list ready;
	struct timer_clock timer_clock;
	struct mailbox mailbox;
	struct epoll_event events[LOOP_EVENTS_MAX];
};

int loop_new(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	list_init(&loop->ready);
	loop->now_ns = clock_now_ns();
	loop->wake.wake_ns = loop->wake.prev_wake_ns = loop->now_ns;
	loop->wake.wait_ns = loop->wake.prev_wait_ns = loop->now_ns;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd == -1) {
		r = -errno;
		free(loop);
		return r;
	}
	r = timer_clock_open(&loop->timer_clock, loop);
	if (r < 0)
		goto no_timer;
	r = mailbox_open(&loop->mailbox, loop);
	if (r < 0)
		goto no_mailbox;
	*ret = loop;
	return 0;

no_mailbox:
	timer_clock_close(&loop->timer_clock);
no_timer:
	(void)close(loop->epoll_fd);
	free(loop);
	return r;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	mailbox_close(&loop->mailbox);
	timer_clock_close(&loop->timer_clock);
	assert(list_empty(&loop->ready));
	(void)close(loop->epoll_fd);
	free(loop);
	return NULL;
}

void loop_task_init(struct loop_task *task)
{
	*task = (struct loop_task){.fd = -1};
	list_init(&task->_ready);
}

int loop_add_task(
	struct loop *loop, struct loop_task *task, int fd, uint32_t events, loop_task_fn on_ready)
{
	loop_task_init(task);
	if (fd >= 0) {
		struct epoll_event event = {.events = events | EPOLLET, .data.ptr = task};

		if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
			return -errno;
	}
	task->fd = fd;
	task->_loop = loop;
	task->_on_ready = on_ready;
	return 0;
}

void loop_remove_task(struct loop_task *task)
{
	list_remove(&task->_ready);
	task->_events = 0;
	/* Closing the descriptor would remove it too, as long as there is no duplicate; this does
	 * not depend on that. */
	if (task->fd >= 0 && task->_loop)
		(void)epoll_ctl(task->_loop->epoll_fd, EPOLL_CTL_DEL, task->fd, NULL);
	task->fd = -1;
	task->_loop = NULL;
}

void loop_task_again(struct loop_task *task)
{
	task->_events |= LOOP_AGAIN;
	if (list_empty(&task->_ready))
		list_push_back(&task->_loop->ready, &task->_ready);
}

void loop_wake_writable(struct loop *loop, struct loop_task *task, int fd)
{
	struct epoll_event event = {.events = LOOP_INPUT | EPOLLOUT | EPOLLET, .data.ptr = task};

	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

/* Phase one: copies the kernel's events into the tasks. */
static int loop_collect(struct loop *loop, int timeout_ms)
{
	int64_t before_ns = clock_now_ns();
	int n;

	if (loop->turns)
		histogram_record(loop->turns, before_ns - loop->wake.wake_ns);
	/* SIGCONT interrupts it, and what comes then has waited as if it had not. */
	do {
		n = epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS_MAX, timeout_ms);
	} while (n == -1 && errno == EINTR);
	loop->wake.prev_wait_ns = loop->wake.wait_ns;
	loop->wake.wait_ns = before_ns;
	loop->wake.prev_wake_ns = loop->wake.wake_ns;
	loop->wake.wake_ns = loop->now_ns = clock_now_ns();
	loop->wake.slept = loop->now_ns - before_ns > LOOP_SLEPT_NS;
	if (n == -1)
		return -errno;

	for (int i = 0; i < n; i++) {
		struct loop_task *task = loop->events[i].data.ptr;

		task->_events |= loop->events[i].events;
		if (list_empty(&task->_ready))
			list_push_back(&loop->ready, &task->_ready);
	}
	return 0;
}

/* Phase two: calls the tasks that are ready now, once each. */
static void loop_dispatch(struct loop *loop)
{
	struct list batch;
	struct list *node;

	list_init(&batch);
	list_splice_back(&batch, &loop->ready);
	while ((node = list_pop_front(&batch))) {
		struct loop_task *task = container_of(node, struct loop_task, _ready);
		uint32_t events = task->_events;

		task->_events = 0;
		task->_on_ready(task, events);
	}
}

int loop_turn(struct loop *loop, int64_t timeout_ns)
{
	int timeout_ms = -1;
	int r;

	if (loop->error)
		return loop->error;
	if (!list_empty(&loop->ready))
		timeout_ms = 0;
	else if (timeout_ns >= 0)
		timeout_ms = (int)((timeout_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
	r = loop_collect(loop, timeout_ms);
	if (r < 0)
		return r;
	loop_dispatch(loop);
	return loop->error;
}

int loop_run(struct loop *loop)
{
	int r = 0;

	while (!loop->stopping && r == 0)
		r = loop_turn(loop, -1);
	loop->stopping = false;
	return r;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

void loop_fail(struct loop *loop, int error)
{
	if (loop->error == 0)
		loop->error = error;
}

int64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

struct mailbox *loop_mailbox(struct loop *loop)
{
	return &loop->mailbox;
}

struct timer_clock *loop_timer_clock(struct loop *loop)
{
	return &loop->timer_clock;
}

const struct loop_wake *loop_last_wake(const struct loop *loop)
{
	return &loop->wake;
}

void loop_watch_turns(struct loop *loop, struct histogram *turns)
{
	loop->turns = turns;
}
