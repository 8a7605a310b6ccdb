/* SPDX-License-Identifier: Apache-2.0 */
/* The producer. Between two polls of the sockets it passes on at most PRODUCER_BATCH arrivals, so
 * that a burst (for example after the process was stopped) cannot delay the answers that wait to be
 * read: then it asks to be called again, and the loop polls in between.
 *
 * There are three ways to wait for an instant. With `timer` an arrival is late by the time that the
 * machine needs to wake up: tens of microseconds. With `hybrid` the timer is set earlier, and
 * during the rest the producer asks to be called again, so the loop turns without sleeping, sockets
 * are served in every turn, and the arrival is sent within a fraction of a microsecond. `spin` is
 * the same with so long a lead that the loop does not sleep at all between arrivals, except if
 * nothing is due for PRODUCER_FAR_NS (a pause, a start that is still far off), where it would waste
 * a CPU.
 *
 * Sleeping for less than the cost of a wake-up does not pay: at high rates the timer is set at
 * least PRODUCER_GAP_NS ahead and the arrivals due by then are sent together, late by at most that
 * gap; it is part of "our delay" like every other lateness. With `hybrid` and `spin` the CPU time
 * is used anyway, so there `auto` is no gap. */
#include "daemon/engine/producer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"

#define PRODUCER_BATCH 32
#define PRODUCER_GAP_NS (50 * NSEC_PER_USEC)
#define PRODUCER_GAP_RATE 5000.0 /* per second and worker; from this rate on the gap applies */
#define PRODUCER_FAR_NS NSEC_PER_SEC

static void producer_arm(struct producer *p, int64_t instant_ns)
{
	struct itimerspec spec = {
		.it_value = {instant_ns / NSEC_PER_SEC, instant_ns % NSEC_PER_SEC}};

	/* Without the timer nothing more would be sent: the worker has to know. */
	if (timerfd_settime(p->_task.fd, TFD_TIMER_ABSTIME, &spec, NULL) == -1)
		loop_fail(p->_task._loop, -errno);
}

/* Arranges the call for the next arrival. */
static void producer_wait(struct producer *p, int64_t now_ns)
{
	int64_t wake_ns;

	if (p->_next_ns == CLOCK_NEVER)
		return;
	wake_ns = p->_next_ns - p->_lead_ns;
	if (wake_ns < now_ns + p->_gap_ns)
		wake_ns = now_ns + p->_gap_ns;
	/* With `timer` the timer is armed even if the arrival is due: that costs one turn, as
	 * asking does. */
	if (p->_lead_ns > 0 && wake_ns <= now_ns)
		loop_task_again(&p->_task);
	else
		producer_arm(p, wake_ns);
}

static void producer_look_up(struct producer *p)
{
	p->_next_ns = CLOCK_NEVER;
	if (p->_cursor.t_ns == CLOCK_NEVER || p->_t0_ns == CLOCK_NEVER)
		return;
	p->_next_ns = p->_t0_ns + p->_cursor.t_ns;
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
		uint64_t k = p->_cursor.k;

		if (n == PRODUCER_BATCH) {
			loop_task_again(&p->_task);
			return;
		}
		schedule_next(&p->_cursor);
		producer_look_up(p);
		p->config.on_arrival(p->config.owner, k, planned_ns, now_ns);
		now_ns = clock_now_ns();
	}
	producer_wait(p, now_ns);
}

/* Derives gap and lead from the pacing and the schedule's rates. */
static void producer_pace(struct producer *p)
{
	const struct producer_config *c = &p->config;
	bool is_fast = schedule_peak_per_s(c->schedule) / (double)c->stride > PRODUCER_GAP_RATE;

	p->_gap_ns = c->gap_ns;
	if (c->gap_ns < 0)
		p->_gap_ns = c->mode == PLAN_PACING_TIMER && is_fast ? PRODUCER_GAP_NS : 0;
	p->_lead_ns = 0;
	if (c->mode == PLAN_PACING_HYBRID)
		p->_lead_ns = c->spin_ns;
	if (c->mode == PLAN_PACING_SPIN)
		p->_lead_ns = PRODUCER_FAR_NS;
}

int producer_open(struct producer *p, struct loop *loop, const struct producer_config *config)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int r;

	if (fd == -1)
		return -errno;
	*p = (struct producer){.config = *config,
		._t0_ns = CLOCK_NEVER,
		._next_ns = CLOCK_NEVER,
		._end_ns = CLOCK_NEVER,
		._is_open = true};
	schedule_begin(config->schedule, config->index, config->stride, &p->_cursor);
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

	if (!p->_is_open)
		return;
	loop_remove_task(&p->_task);
	(void)close(fd);
	*p = (struct producer){0};
}

void producer_start(struct producer *p, int64_t t0_ns)
{
	p->_t0_ns = t0_ns;
	producer_pace(p);
	producer_look_up(p);
	producer_wait(p, clock_now_ns());
}

void producer_steer(struct producer *p, const struct schedule *schedule)
{
	p->config.schedule = schedule;
	schedule_change(&p->_cursor, schedule);
	producer_pace(p);
	producer_look_up(p);
	producer_wait(p, clock_now_ns());
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

/* An arrival that is due on the border of two rows belongs to the first of them (schedule.c). */
size_t producer_row_of(const struct producer *p, int64_t planned_ns)
{
	int64_t t_ns = planned_ns - p->_t0_ns;

	return schedule_row_at(p->config.schedule, t_ns > 0 ? t_ns - 1 : 0);
}
