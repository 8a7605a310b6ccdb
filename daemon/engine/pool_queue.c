/* SPDX-License-Identifier: Apache-2.0 */
/* The exchanges that have no connection: arrivals that were not sent yet, in the order of their
 * planned instants, so that the head expires first; and before them those that a connection
 * returned. These keep their instants, so they are not sorted by time, but they are few and rare:
 * they share one timer, set to their earliest deadline, and all of them are checked when it
 * expires. */
#include <assert.h>

#include "common/clock.h"
#include "daemon/engine/pool_internal.h"
#include "daemon/engine/stats.h"

void pool_fail(struct pool *p, struct exchange *x, enum fault fault, const char *why)
{
	struct stats_end end = {.fault = fault,
		.was_sent = x->n_sent > 0,
		.end_ns = clock_now_ns(),
		.slack_ns = -1,
		.example = why};

	stats_end(p->config.env->stats, x, &end);
	p->config.on_ended(p, false);
}

/* ---------------------------------------------------------------- arrivals that wait */

static void pool_start_expiry(struct pool *p)
{
	int64_t deadline_ns = CLOCK_NEVER;

	if (p->n_waiting > 0)
		deadline_ns =
			p->_ring[p->_ring_head].planned_ns + p->config.env->request_timeout_ns;
	if (deadline_ns != p->_expiry_timer.deadline_ns || !timer_is_running(&p->_expiry_timer))
		timer_start(&p->_expiry_timers, &p->_expiry_timer, deadline_ns);
}

void pool_enqueue(struct pool *p, const struct exchange *x)
{
	size_t at = (p->_ring_head + p->n_waiting) % p->_ring_cap;

	p->_ring[at] = (struct pool_waiting){
		x->planned_ns, x->picked_ns, x->cohort, x->phase, x->request, x->stage};
	if (++p->n_waiting > p->queue_peak)
		p->queue_peak = p->n_waiting;
	if (p->n_waiting == 1)
		pool_start_expiry(p);
}

struct exchange pool_dequeue_waiting(struct pool *p)
{
	const struct pool_waiting *w = &p->_ring[p->_ring_head];
	struct exchange x = {.planned_ns = w->planned_ns,
		.picked_ns = w->picked_ns,
		.cohort = w->cohort,
		.phase = w->phase,
		.request = w->request,
		.stage = w->stage};

	assert(p->n_waiting > 0);
	p->_ring_head = (p->_ring_head + 1) % p->_ring_cap;
	p->n_waiting--;
	pool_start_expiry(p);
	return x;
}

/* What it waited for most of its time, if that was a connection being opened, and none that was
 * busy; FAULT_NONE: another thing, or it was late by itself. */
static enum fault pool_awaited(const struct pool *p, const struct exchange *x)
{
	int64_t now_ns = clock_now_ns(), waited_ns = now_ns - x->picked_ns;
	int64_t since_ns = 0;
	enum fault fault = task_awaits(p->config.env, &since_ns);
	bool was_busy = p->n_busy > 0 || p->_lost_ns > x->picked_ns;

	if (pool_is_held(p) || p->_opened_ns > x->picked_ns ||
		waited_ns < p->config.env->request_timeout_ns / 2)
		return FAULT_NONE;
	return was_busy && now_ns - since_ns < waited_ns / 2 ? FAULT_NONE : fault;
}

/* It was not sent within its timeout. Connections that were being opened all that time are no
 * connections that were busy with others: then it is the server that did not take them, and more
 * of them would wait as well. */
static void pool_fail_late(struct pool *p, struct exchange *x)
{
	enum fault fault = pool_awaited(p, x);

	if (fault == FAULT_CONNECT_TIMEOUT)
		pool_fail(p, x, fault, "no answer within the timeout of the request");
	else if (fault == FAULT_TLS_TIMEOUT)
		pool_fail(p, x, fault,
			"no end of the TLS handshake within the timeout of the request");
	else
		pool_fail(p, x, FAULT_EXPIRED, "no connection became free in time");
}

void pool_on_expired(struct timer_queue *q, struct timer *timer)
{
	struct pool *p = q->userdata;
	int64_t now_ns = loop_now_ns(p->config.env->loop);

	(void)timer;
	while (p->n_waiting > 0 &&
		p->_ring[p->_ring_head].planned_ns + p->config.env->request_timeout_ns <= now_ns) {
		struct exchange x = pool_dequeue_waiting(p);

		pool_fail_late(p, &x);
	}
}

/* ---------------------------------------------------------------- what came back */

void pool_return(struct pool *p, const struct exchange *x)
{
	struct pool_returned *r = &p->_returned;
	int64_t deadline_ns = x->planned_ns + p->config.env->request_timeout_ns;

	/* While a returned exchange waits without a connection being opened for it, nothing is sent
	 * for the first time; so there are never more than can be in flight. */
	assert(p->n_returned < r->cap);
	r->ring[(r->head + p->n_returned++) % r->cap] = *x;
	if (!timer_is_running(&r->timer) || deadline_ns < r->timer.deadline_ns)
		timer_start(&p->_return_timers, &r->timer, deadline_ns);
}

static struct exchange pool_dequeue_returned(struct pool *p)
{
	struct pool_returned *r = &p->_returned;
	struct exchange x = r->ring[r->head];

	r->head = (r->head + 1) % r->cap;
	if (--p->n_returned == 0)
		timer_stop(&r->timer);
	return x;
}

struct exchange pool_dequeue(struct pool *p)
{
	return p->n_returned > 0 ? pool_dequeue_returned(p) : pool_dequeue_waiting(p);
}

/* Each is checked once; those that may still wait keep their order. Exchanges that are returned
 * meanwhile come after them. */
void pool_on_return_timer(struct timer_queue *q, struct timer *timer)
{
	struct pool *p = q->userdata;
	int64_t timeout_ns = p->config.env->request_timeout_ns;
	int64_t now_ns = loop_now_ns(p->config.env->loop);

	(void)timer;
	for (size_t n = p->n_returned; n > 0; n--) {
		struct exchange x = pool_dequeue_returned(p);

		if (x.planned_ns + timeout_ns > now_ns)
			pool_return(p, &x);
		else if (x.n_sent > 0)
			pool_fail(p, &x, FAULT_TIMEOUT, "no connection to repeat it on in time");
		else
			pool_fail_late(p, &x);
	}
}

/* ---------------------------------------------------------------- both */

void pool_give_up_waiting(struct pool *p, int64_t now_ns)
{
	while (p->n_returned + p->n_waiting > 0) {
		struct exchange x = pool_dequeue(p);

		stats_give_up(p->config.env->stats, &x, x.n_sent > 0, now_ns);
	}
}

int64_t pool_oldest_waiting_ns(const struct pool *p)
{
	const struct pool_returned *r = &p->_returned;
	int64_t oldest_ns = p->n_waiting > 0 ? p->_ring[p->_ring_head].planned_ns : CLOCK_NEVER;

	for (size_t i = 0; i < p->n_returned; i++) {
		int64_t planned_ns = r->ring[(r->head + i) % r->cap].planned_ns;

		if (planned_ns < oldest_ns)
			oldest_ns = planned_ns;
	}
	return oldest_ns;
}
