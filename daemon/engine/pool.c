/* SPDX-License-Identifier: Apache-2.0 */
/* The pool. Invariants: an arrival waits only while no connection is idle; each task is idle,
 * closed, connecting or busy and is in the list of the first two; the ring is ordered by planned
 * instant, so that its head expires first.
 *
 * pool_balance is the one place that decides whether another connection is opened. Opening is paced
 * by open-rate, so that a server is not struck by a storm of connects; with a connection for each
 * request, opening is a part of the request and is not paced. */
#include "daemon/engine/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/engine/stats.h"

static struct pool *pool_of(struct task *t)
{
	return t->_env->owner;
}

/* ---------------------------------------------------------------- the queue */

static void pool_start_expiry(struct pool *p)
{
	int64_t deadline_ns = CLOCK_NEVER;

	if (p->n_waiting > 0)
		deadline_ns =
			p->_ring[p->_ring_head].planned_ns + p->config.env->request_timeout_ns;
	if (deadline_ns != p->_expiry_timer.deadline_ns || !timer_is_running(&p->_expiry_timer))
		timer_start(&p->_expiry_timers, &p->_expiry_timer, deadline_ns);
}

static void pool_enqueue(struct pool *p, const struct exchange *x)
{
	size_t at = (p->_ring_head + p->n_waiting) % p->_ring_cap;

	p->_ring[at] =
		(struct pool_waiting){x->planned_ns, x->picked_ns, x->cohort, x->phase, x->request};
	if (++p->n_waiting > p->queue_peak)
		p->queue_peak = p->n_waiting;
	if (p->n_waiting == 1)
		pool_start_expiry(p);
}

static struct exchange pool_dequeue(struct pool *p)
{
	const struct pool_waiting *w = &p->_ring[p->_ring_head];
	struct exchange x = {.planned_ns = w->planned_ns,
		.picked_ns = w->picked_ns,
		.cohort = w->cohort,
		.phase = w->phase,
		.request = w->request};

	assert(p->n_waiting > 0);
	p->_ring_head = (p->_ring_head + 1) % p->_ring_cap;
	p->n_waiting--;
	pool_start_expiry(p);
	return x;
}

/* An arrival ends without having been sent. */
static void pool_fail(struct pool *p, struct exchange *x, enum fault fault, const char *why)
{
	struct stats_end end = {
		.fault = fault, .end_ns = clock_now_ns(), .slack_ns = -1, .example = why};

	stats_end(p->config.env->stats, x, &end);
	p->config.on_ended(p, false);
}

static void pool_on_expired(struct timer_queue *q, struct timer *timer)
{
	struct pool *p = q->userdata;
	int64_t now_ns = loop_now_ns(p->config.env->loop);

	(void)timer;
	while (p->n_waiting > 0 &&
		p->_ring[p->_ring_head].planned_ns + p->config.env->request_timeout_ns <= now_ns) {
		struct exchange x = pool_dequeue(p);

		pool_fail(p, &x, FAULT_EXPIRED, "no connection became free in time");
	}
}

/* ---------------------------------------------------------------- opening */

static size_t pool_n_open(const struct pool *p)
{
	return p->n_idle + p->n_busy + p->n_connecting;
}

static bool pool_wants_more(const struct pool *p)
{
	if (p->_is_ending || pool_n_open(p) >= p->config.limit)
		return false;
	if (p->n_waiting > p->n_connecting)
		return true;
	return p->config.is_fixed && p->config.reuse != PLAN_REUSE_NO && !p->_reopen_failed;
}

/* May a connection be opened now? If not, the timer comes back. */
static bool pool_pace(struct pool *p, int64_t now_ns)
{
	struct rate rate = p->config.open_rate;
	int64_t gap_ns;

	/* With a connection for each request only failing attempts are paced. */
	if (rate.num == 0 || (p->config.reuse == PLAN_REUSE_NO && !p->_reopen_failed))
		return true;
	if (now_ns < p->_next_open_ns) {
		if (!timer_is_running(&p->_open_timer))
			timer_start(&p->_open_timers, &p->_open_timer, p->_next_open_ns);
		return false;
	}
	gap_ns = (int64_t)((double)NSEC_PER_SEC * (double)rate.den / (double)rate.num);
	/* A late wake-up may catch up a little, a pause is not saved up. */
	if (p->_next_open_ns < now_ns - 20 * NSEC_PER_MSEC)
		p->_next_open_ns = now_ns;
	p->_next_open_ns += gap_ns;
	return true;
}

static void pool_connect_failed(struct pool *p, enum fault fault, const char *why)
{
	p->_reopen_failed = true;
	if (p->_is_opening) {
		p->_is_opening = false;
		p->_is_ending = true;
		p->config.on_opened(p, fault, why);
		return;
	}
	/* The arrival that has waited longest is the one this connection was meant for. */
	if (p->n_waiting > 0) {
		struct exchange x = pool_dequeue(p);

		pool_fail(p, &x, fault, why);
	}
}

static void pool_balance(struct pool *p)
{
	while (pool_wants_more(p) && pool_pace(p, clock_now_ns())) {
		struct list *node = list_pop_front(&p->_closed);
		struct task *t = container_of(node, struct task, node);
		const char *why = "";
		enum fault fault = task_connect(t, &why);

		if (fault != FAULT_NONE) {
			list_push_back(&p->_closed, &t->node);
			pool_connect_failed(p, fault, why);
			continue;
		}
		p->n_connecting++;
		if (pool_n_open(p) > p->peak)
			p->peak = pool_n_open(p);
	}
}

static void pool_on_open_timer(struct timer_queue *q, struct timer *timer)
{
	(void)timer;
	pool_balance(q->userdata);
}

void pool_open(struct pool *p)
{
	p->_next_open_ns = clock_now_ns();
	if (!p->config.is_fixed || p->config.reuse == PLAN_REUSE_NO) {
		p->config.on_opened(p, FAULT_NONE, NULL);
		return;
	}
	p->_is_opening = true;
	pool_balance(p);
}

/* ---------------------------------------------------------------- from the tasks */

static void pool_send(struct pool *p, struct task *t, const struct exchange *x, int64_t now_ns)
{
	p->n_busy++;
	task_send(t, x, now_ns);
}

static void pool_on_idle(struct task *t, bool had_exchange)
{
	struct pool *p = pool_of(t);

	if (had_exchange) {
		p->n_busy--;
	} else {
		p->n_connecting--;
		p->_reopen_failed = false;
	}
	if (p->n_waiting > 0 && !p->_is_ending) {
		struct exchange x = pool_dequeue(p);

		pool_send(p, t, &x, clock_now_ns());
	} else {
		p->n_idle++;
		if (p->config.reuse == PLAN_REUSE_ROTATE)
			list_push_back(&p->_idle, &t->node);
		else
			list_push_front(&p->_idle, &t->node);
	}
	if (had_exchange)
		p->config.on_ended(p, true);
	if (p->_is_opening) {
		pool_balance(p);
		if (p->_is_opening && p->n_idle == p->config.limit) {
			p->_is_opening = false;
			p->config.on_opened(p, FAULT_NONE, NULL);
		}
	}
}

static void pool_on_closed(struct task *t, bool had_exchange)
{
	struct pool *p = pool_of(t);

	if (had_exchange) {
		p->n_busy--;
	} else {
		p->n_idle--;
		list_remove(&t->node);
		/* A server that hangs up on who is idle would do it again: wait for an arrival. */
		p->_reopen_failed = !p->_is_opening;
	}
	list_push_front(&p->_closed, &t->node);
	if (had_exchange)
		p->config.on_ended(p, false);
	/* A few may be lost on the way; a peer that hangs up on all would keep us opening for ever.
	 */
	if (p->_is_opening && ++p->_n_lost > p->config.limit)
		pool_connect_failed(p, FAULT_CLOSED,
			t->_env->idle_why ? t->_env->idle_why
					  : "closed by the peer before any request");
	pool_balance(p);
}

static void pool_on_connect_failed(struct task *t, enum fault fault, const char *why)
{
	struct pool *p = pool_of(t);

	p->n_connecting--;
	list_push_back(&p->_closed, &t->node);
	pool_connect_failed(p, fault, why);
	pool_balance(p);
}

/* ---------------------------------------------------------------- arrivals */

void pool_arrive(struct pool *p, int64_t planned_ns, int64_t picked_ns, size_t request)
{
	struct list *node;
	struct exchange x;

	stats_begin(p->config.env->stats, &x, planned_ns, picked_ns, request);
	/* Sent now, it would only cost a connection: its time has been used up by us. */
	if (picked_ns - planned_ns >= p->config.env->request_timeout_ns) {
		pool_fail(p, &x, FAULT_EXPIRED, "rpsd was late by more than the timeout");
		return;
	}
	node = list_pop_front(&p->_idle);
	if (node) {
		p->n_idle--;
		/* The stamp of picking is the stamp of sending: nothing lies between. */
		pool_send(p, container_of(node, struct task, node), &x, picked_ns);
		return;
	}
	if (p->config.exhausted == PLAN_DROP && pool_n_open(p) >= p->config.limit) {
		pool_fail(p, &x, FAULT_DROPPED, "every connection was busy");
		return;
	}
	if (p->n_waiting == p->_ring_cap) {
		pool_fail(p, &x, FAULT_DROPPED, "the queue for a connection was full");
		return;
	}
	pool_enqueue(p, &x);
	pool_balance(p);
}

int64_t pool_oldest_ns(const struct pool *p)
{
	int64_t oldest_ns = p->n_waiting > 0 ? p->_ring[p->_ring_head].planned_ns : CLOCK_NEVER;

	for (size_t i = 0; i < p->config.limit; i++)
		if (task_planned_ns(&p->tasks[i]) < oldest_ns)
			oldest_ns = task_planned_ns(&p->tasks[i]);
	return oldest_ns;
}

void pool_abandon(struct pool *p)
{
	int64_t now_ns = clock_now_ns();

	p->_is_ending = true;
	while (p->n_waiting > 0) {
		struct exchange x = pool_dequeue(p);

		stats_give_up(p->config.env->stats, &x, false, now_ns);
	}
	for (size_t i = 0; i < p->config.limit; i++) {
		list_remove(&p->tasks[i].node);
		task_abandon(&p->tasks[i], now_ns);
	}
	p->n_idle = p->n_busy = p->n_connecting = 0;
	timer_stop(&p->_open_timer);
}

/* ---------------------------------------------------------------- life */

int pool_init(struct pool *p, const struct pool_config *config)
{
	struct task_env *env = config->env;

	*p = (struct pool){.config = *config};
	p->_ring_cap = config->queue_max > 0 ? config->queue_max : 1;
	p->tasks = calloc(config->limit, sizeof(*p->tasks));
	p->_ring = calloc(p->_ring_cap, sizeof(*p->_ring));
	if (!p->tasks || !p->_ring) {
		free(p->tasks);
		free(p->_ring);
		*p = (struct pool){0};
		return -ENOMEM;
	}
	env->on_idle = pool_on_idle;
	env->on_closed = pool_on_closed;
	env->on_connect_failed = pool_on_connect_failed;
	env->owner = p;
	list_init(&p->_idle);
	list_init(&p->_closed);
	for (size_t i = 0; i < config->limit; i++) {
		task_init(&p->tasks[i], env);
		list_push_back(&p->_closed, &p->tasks[i].node);
	}
	timer_queue_init(&p->_open_timers, env->loop, pool_on_open_timer, p);
	timer_queue_init(&p->_expiry_timers, env->loop, pool_on_expired, p);
	timer_init(&p->_open_timer);
	timer_init(&p->_expiry_timer);
	return 0;
}

void pool_fini(struct pool *p)
{
	if (!p->tasks)
		return;
	pool_abandon(p);
	timer_queue_fini(&p->_open_timers);
	timer_queue_fini(&p->_expiry_timers);
	free(p->tasks);
	free(p->_ring);
	*p = (struct pool){0};
}
