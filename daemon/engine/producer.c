/* SPDX-License-Identifier: Apache-2.0 */
/* The producer. Between two looks at the sockets it hands on at most PRODUCER_BATCH arrivals, so
 * that a burst (after the process was stopped, say) cannot delay the answers that wait to be read:
 * then it asks to be called again, and the loop polls in between.
 *
 * Below the cost of a wake-up sleeping does not pay: at high rates the timer stands at least
 * PRODUCER_GAP_NS ahead and what has come due by then goes out together, late by at most that gap;
 * it is in "our delay" like every other lateness. */
#include "daemon/engine/producer.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/engine/schedule.h"

#define PRODUCER_BATCH 32
#define PRODUCER_GAP_NS (50 * NSEC_PER_USEC)
#define PRODUCER_GAP_RATE 5000.0 /* per second and worker, from which the gap holds */

static void producer_arm(struct producer *p, int64_t instant_ns)
{
	struct itimerspec spec = {
		.it_value = {instant_ns / NSEC_PER_SEC, instant_ns % NSEC_PER_SEC}};
	int r = timerfd_settime(p->_task.fd, TFD_TIMER_ABSTIME, &spec, NULL);

	assert(r == 0); /* fails only for a bad descriptor or time */
	(void)r;
}

/* Steps to the arrival _next_k. */
static void producer_look_up(struct producer *p)
{
	p->_next_ns = CLOCK_NEVER;
	if (p->_next_k >= schedule_count(p->_schedule))
		return;
	p->_next_ns = p->_t0_ns + schedule_at(p->_schedule, p->_next_k);
	if (p->_next_ns >= p->_end_ns)
		p->_next_ns = CLOCK_NEVER;
}

static void producer_on_due(struct loop_task *task, uint32_t events)
{
	struct producer *p = container_of(task, struct producer, _task);
	int64_t now_ns = clock_now_ns();

	(void)events;
	for (int n = 0; p->_next_ns <= now_ns; n++) {
		int64_t planned_ns = p->_next_ns;
		uint64_t k = p->_next_k;

		if (n == PRODUCER_BATCH) {
			loop_task_again(&p->_task);
			return;
		}
		p->_next_k += p->_stride;
		producer_look_up(p);
		p->_on_arrival(p->_owner, k, planned_ns, now_ns);
		now_ns = clock_now_ns();
	}
	if (p->_next_ns == CLOCK_NEVER)
		return;
	producer_arm(p, p->_next_ns > now_ns + p->_gap_ns ? p->_next_ns : now_ns + p->_gap_ns);
}

int producer_open(struct producer *p, struct loop *loop, const struct schedule *schedule,
	uint64_t index, uint64_t stride, producer_fn on_arrival, void *owner)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int r;

	if (fd == -1)
		return -errno;
	*p = (struct producer){._schedule = schedule,
		._on_arrival = on_arrival,
		._owner = owner,
		._next_k = index,
		._stride = stride,
		._next_ns = CLOCK_NEVER,
		._end_ns = CLOCK_NEVER};
	r = loop_add_task(loop, &p->_task, fd, LOOP_INPUT, producer_on_due);
	if (r < 0) {
		(void)close(fd);
		*p = (struct producer){0};
	}
	return r;
}

void producer_close(struct producer *p)
{
	int fd = p->_task.fd;

	if (!p->_schedule)
		return;
	loop_remove_task(&p->_task);
	(void)close(fd);
	*p = (struct producer){0};
}

void producer_start(struct producer *p, int64_t t0_ns, double peak_per_s)
{
	p->_gap_ns = peak_per_s / (double)p->_stride > PRODUCER_GAP_RATE ? PRODUCER_GAP_NS : 0;
	p->_t0_ns = t0_ns;
	producer_look_up(p);
	if (p->_next_ns != CLOCK_NEVER)
		producer_arm(p, p->_next_ns);
}

void producer_stop_at(struct producer *p, int64_t instant_ns)
{
	if (instant_ns < p->_end_ns)
		p->_end_ns = instant_ns;
	if (p->_next_ns >= p->_end_ns)
		p->_next_ns = CLOCK_NEVER;
}

int64_t producer_next_ns(const struct producer *p)
{
	return p->_next_ns;
}
