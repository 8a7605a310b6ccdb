/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines by kind, on one timerfd.
 *
 * Each queue is sorted by deadline. As a rule a new timer is the latest of its kind and goes to the
 * end; if it is not (a queue of different timeouts, a retry that keeps its deadline) its place is
 * searched from the end. The timerfd is armed for the earliest head so far and may fire for a timer
 * that was stopped since: then nothing is due and it is armed for the next head. That saves a
 * system call for each timer, at the price of a wake-up now and then. */
#include "daemon/loop/timer.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"

const struct timer *timer_queue_head(const struct timer_queue *q)
{
	return list_empty(&q->_timers) ? NULL : container_of(q->_timers.next, struct timer, _node);
}

int64_t timer_queue_head_ns(const struct timer_queue *q)
{
	const struct timer *head = timer_queue_head(q);

	return head ? head->deadline_ns : CLOCK_NEVER;
}

static void timer_clock_arm(struct timer_clock *c, int64_t deadline_ns)
{
	struct itimerspec spec = {0};

	if (deadline_ns >= c->_armed_ns)
		return;
	c->_armed_ns = deadline_ns;
	if (deadline_ns < 1)
		deadline_ns = 1; /* zero would disarm */
	spec.it_value.tv_sec = deadline_ns / NSEC_PER_SEC;
	spec.it_value.tv_nsec = deadline_ns % NSEC_PER_SEC;
	/* Without the timer no timeout would ever expire: the loop's user has to know. */
	if (timerfd_settime(c->_task.fd, TFD_TIMER_ABSTIME, &spec, NULL) == -1)
		loop_fail(c->_task._loop, -errno);
}

static void timer_queue_expire(struct timer_queue *q, int64_t now_ns)
{
	while (timer_queue_head_ns(q) <= now_ns) {
		struct list *node = list_pop_front(&q->_timers);

		q->_on_expired(q, container_of(node, struct timer, _node));
	}
}

static void timer_clock_on_fired(struct loop_task *task, uint32_t events)
{
	struct timer_clock *c = container_of(task, struct timer_clock, _task);
	int64_t now_ns = loop_now_ns(task->_loop);
	int64_t next_ns = CLOCK_NEVER;
	struct list todo;
	struct list *node;

	(void)events;
	c->_armed_ns = CLOCK_NEVER;
	/* Callbacks may add and remove queues, so each is moved back before its timers expire. */
	list_init(&todo);
	list_splice_back(&todo, &c->_queues);
	while ((node = list_pop_front(&todo))) {
		list_push_back(&c->_queues, node);
		timer_queue_expire(container_of(node, struct timer_queue, _in_clock), now_ns);
	}
	list_for_each (it, &c->_queues) {
		int64_t head_ns =
			timer_queue_head_ns(container_of(it, struct timer_queue, _in_clock));

		if (head_ns < next_ns)
			next_ns = head_ns;
	}
	timer_clock_arm(c, next_ns);
}

int timer_clock_open(struct timer_clock *c, struct loop *loop)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int r;

	if (fd == -1)
		return -errno;
	list_init(&c->_queues);
	c->_armed_ns = CLOCK_NEVER;
	r = loop_add_task(loop, &c->_task, fd, LOOP_INPUT, timer_clock_on_fired);
	if (r < 0)
		(void)close(fd);
	return r;
}

void timer_clock_close(struct timer_clock *c)
{
	int fd = c->_task.fd;

	assert(list_empty(&c->_queues));
	loop_remove_task(&c->_task);
	(void)close(fd);
}

void timer_init(struct timer *t)
{
	list_init(&t->_node);
	t->deadline_ns = CLOCK_NEVER;
}

void timer_queue_init(
	struct timer_queue *q, struct loop *loop, timer_expired_fn on_expired, void *userdata)
{
	q->_clock = loop_timer_clock(loop);
	q->_on_expired = on_expired;
	q->userdata = userdata;
	list_init(&q->_timers);
	list_init(&q->_in_clock);
	list_push_back(&q->_clock->_queues, &q->_in_clock);
}

void timer_queue_fini(struct timer_queue *q)
{
	struct list *node;

	if (!q->_clock)
		return;
	while ((node = list_pop_front(&q->_timers)))
		;
	list_remove(&q->_in_clock);
	q->_clock = NULL;
}

void timer_start_anywhere(struct timer_queue *q, struct timer *t, int64_t deadline_ns)
{
	struct list *after;

	list_remove(&t->_node);
	t->deadline_ns = deadline_ns;
	if (deadline_ns == CLOCK_NEVER)
		return;
	after = q->_timers.prev;
	while (after != &q->_timers &&
		container_of(after, struct timer, _node)->deadline_ns > deadline_ns)
		after = after->prev;
	list_insert_after(after, &t->_node);
	if (after == &q->_timers)
		timer_clock_arm(q->_clock, deadline_ns);
}
