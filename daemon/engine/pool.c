/* SPDX-License-Identifier: Apache-2.0 */
/* The pool. Invariants: an arrival waits only while no connection has room for it, or while the cap
 * on the rate delays it; each task is closed, connecting, idle or busy and is in the list of closed
 * or idle tasks, or, if busy with room in its pipeline, in the list of partial ones; the ring of
 * arrivals is ordered by planned instant, so that its head expires first.
 *
 * A returned exchange is sent on a new connection if one may be opened now, since the idle
 * connections may be closing for the same reason; otherwise, and when that attempt fails, on any.
 * While none is being opened for it no arrival overtakes it on a connection that becomes free.
 *
 * Under a cap every request that is sent takes a place of the pace as soon as its connection is
 * known, including those that are sent again. While the next place is too far off, waiting requests
 * are held, in their order, until the timer of that place expires. */
#include "daemon/engine/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/engine/pace.h"
#include "daemon/engine/pool_internal.h"
#include "daemon/engine/stats.h"
#include "daemon/http/check.h"
#include "daemon/http/request.h"

#define POOL_WRITE_SIZE (64 * 1024)

static struct pool *pool_of(struct task *t)
{
	return t->_env->owner;
}

/* ---------------------------------------------------------------- who is free */

static void pool_list(struct pool *p, struct list *list, struct task *t)
{
	if (p->config.reuse == PLAN_REUSE_ROTATE)
		list_push_back(list, &t->node);
	else
		list_push_front(list, &t->node);
}

/* With a pipeline: puts the task into the list where it belongs now. */
static void pool_place(struct pool *p, struct task *t)
{
	list_remove(&t->node);
	if (task_get_state(t) == TASK_IDLE)
		pool_list(p, &p->_idle, t);
	else if (task_has_room(t, false))
		pool_list(p, &p->_partial, t);
}

static struct task *pool_search(struct pool *p, bool is_retry)
{
	list_for_each (it, &p->_idle) {
		struct task *t = container_of(it, struct task, node);

		if (!task_is_doomed(t))
			return t;
	}
	list_for_each (it, &p->_partial) {
		struct task *t = container_of(it, struct task, node);

		if (task_has_room(t, is_retry))
			return t;
	}
	return NULL;
}

/* Finds a connection for one more request, idle ones first; NULL: none. */
static inline struct task *pool_find(struct pool *p, bool is_retry)
{
	struct task *t = container_of(p->_idle.next, struct task, node);

	if (!list_empty(&p->_idle) && !task_is_doomed(t))
		return t;
	return pool_search(p, is_retry);
}

/* Sends to a task that pool_find has found. Without a pipeline all callbacks may come from inside
 * this call, including that the task is closed. */
static inline void pool_send(
	struct pool *p, struct task *t, const struct exchange *x, int64_t now_ns)
{
	bool is_pipeline = p->config.env->depth > 1;

	if (!is_pipeline || task_get_state(t) == TASK_IDLE) {
		list_remove(&t->node);
		p->n_idle--;
		p->n_busy++;
	}
	task_send(t, x, now_ns);
	if (is_pipeline)
		pool_place(p, t);
}

/* ---------------------------------------------------------------- the cap on the rate */

static bool pool_has_next(const struct pool *p)
{
	return p->n_waiting + p->n_returned > 0 && !p->_is_ending;
}

/* May one more be sent now? If so, its place is taken. If not, the timer will serve the waiting
 * requests. */
static bool pool_take_place_at(struct pool *p, int64_t now_ns)
{
	int64_t again_ns = pace_send(p->config.pace, now_ns);

	if (again_ns > 0 && !pool_is_held(p))
		timer_start(&p->_held_timers, &p->_held_timer, again_ns);
	return again_ns == 0;
}

static inline bool pool_take_place(struct pool *p)
{
	return !p->config.pace || pool_take_place_at(p, clock_now_ns());
}

/* The same for an arrival, which must not overtake held requests. */
static bool pool_keeps_back(struct pool *p, int64_t now_ns)
{
	bool is_kept = pool_is_held(p) || !pool_take_place_at(p, now_ns);

	p->n_kept_back += is_kept;
	return is_kept;
}

static void pool_on_held_timer(struct timer_queue *q, struct timer *timer)
{
	struct pool *p = q->userdata;

	(void)timer;
	while (pool_has_next(p) && pool_serve_one(p))
		;
	pool_balance(p);
}

bool pool_serve_one(struct pool *p)
{
	struct task *t = pool_find(p, true);
	struct exchange x;

	if (!t || !pool_take_place(p))
		return false;
	x = pool_dequeue(p);
	pool_send(p, t, &x, clock_now_ns());
	return true;
}

void pool_serve_returned(struct pool *p)
{
	while (p->n_returned > p->n_connecting && !p->_is_ending)
		if (!pool_serve_one(p))
			return;
}

/* ---------------------------------------------------------------- from the tasks */

/* With a pipeline: sends as many requests as there is room for. */
static void pool_fill(struct pool *p, struct task *t, bool was_busy)
{
	if (task_get_state(t) == TASK_IDLE) {
		p->n_busy -= was_busy;
		p->n_idle++;
	}
	while (pool_has_next(p) && task_has_room(t, p->n_returned > 0) && pool_take_place(p)) {
		struct exchange x = pool_dequeue(p);

		pool_send(p, t, &x, 0);
	}
	pool_place(p, t);
}

/* Returned exchanges are left to the connections that are being opened for them: this connection
 * has been kept as long as the one that was lost, and may be closing too. */
static bool pool_spares(const struct pool *p, const struct task *t)
{
	return p->n_returned > 0 && p->n_returned <= p->n_connecting && task_n_requests(t) > 0;
}

static void pool_on_idle(struct task *t, bool had_exchange)
{
	struct pool *p = pool_of(t);

	if (!had_exchange) {
		p->n_connecting--;
		pool_note_opened(p);
	}
	if (p->config.env->depth > 1) {
		pool_fill(p, t, had_exchange);
	} else if (pool_has_next(p) && (p->n_waiting > 0 || !pool_spares(p, t)) &&
		   pool_take_place(p)) {
		struct exchange x = pool_spares(p, t) ? pool_dequeue_waiting(p) : pool_dequeue(p);

		p->n_busy += !had_exchange;
		task_send(t, &x, clock_now_ns());
	} else {
		p->n_busy -= had_exchange;
		p->n_idle++;
		pool_list(p, &p->_idle, t);
	}
	if (had_exchange)
		p->config.on_ended(p, true);
	else if (p->config.is_fixed)
		pool_balance(p);
}

/* Arrivals may have started to wait for another connection meanwhile. */
static void pool_on_spared(struct task *t)
{
	struct pool *p = pool_of(t);

	while (pool_has_next(p) && pool_serve_one(p))
		;
}

/* A server that resets some before it answers on them, and keeps others, has a limit for them. */
static void pool_note_reset(struct pool *p)
{
	bool is_reset = p->config.env->reset_early > p->_n_reset;

	p->_n_reset = p->config.env->reset_early;
	p->n_reset_beside += is_reset && p->n_idle + p->n_busy > 0;
}

static void pool_on_closed(struct task *t, const struct task_loss *loss)
{
	struct pool *p = pool_of(t);

	if (loss->was_busy) {
		p->n_busy--;
		p->_lost_ns = loop_now_ns(p->config.env->loop);
	} else {
		p->n_idle--;
	}
	pool_note_reset(p);
	list_remove(&t->node);
	list_push_front(&p->_closed, &t->node);
	if (!loss->was_busy)
		pool_note_lost(p, t, loss);
	for (unsigned n = loss->n_ended; n > 0; n--)
		p->config.on_ended(p, false);
	pool_balance(p);
}

static void pool_on_connect_failed(struct task *t, enum fault fault, const char *why)
{
	struct pool *p = pool_of(t);

	p->n_connecting--;
	pool_note_reset(p);
	list_push_back(&p->_closed, &t->node);
	pool_connect_failed(p, fault, why);
	pool_balance(p);
}

static void pool_on_returned(struct task *t, const struct exchange *x)
{
	pool_return(pool_of(t), x);
}

/* ---------------------------------------------------------------- arrivals */

void pool_arrive(struct pool *p, int64_t planned_ns, int64_t picked_ns, size_t request)
{
	struct task_env *env = p->config.env;
	struct task *t = p->n_returned > p->n_connecting ? NULL : pool_find(p, false);
	struct exchange other, *x;
	bool is_measured;

	if (t && p->config.pace && pool_keeps_back(p, picked_ns))
		t = NULL;
	x = t && env->depth == 1 ? task_next_exchange(t) : &other;
	stats_begin(env->stats, x, planned_ns, picked_ns, request);
	/* Its timeout has been used up by the generator's delay: sending it now would only cost a
	 * connection. */
	if (picked_ns - planned_ns >= env->request_timeout_ns) {
		pool_fail(p, x, FAULT_EXPIRED, "rpsd was late by more than the timeout");
		return;
	}
	if (t) {
		/* The stamp of picking is also the stamp of sending: nothing happens between the
		 * two. */
		pool_send(p, t, x, picked_ns);
		return;
	}
	if (p->config.exhausted == PLAN_DROP && list_empty(&p->_idle) &&
		pool_n_open(p) >= p->config.limit) {
		pool_fail(p, x, FAULT_DROPPED, "every connection was busy");
		return;
	}
	if (p->n_waiting == p->_ring_cap) {
		pool_fail(p, x, FAULT_DROPPED, "the queue for a connection was full");
		return;
	}
	is_measured = x->phase == STATS_WINDOW;
	pool_enqueue(p, x);
	pool_balance(p);
	p->n_held_by_pace += is_measured && pool_waits_for_pace(p);
}

int64_t pool_oldest_ns(const struct pool *p)
{
	int64_t oldest_ns = pool_oldest_waiting_ns(p);

	for (size_t i = 0; i < p->config.limit; i++) {
		int64_t planned_ns = task_planned_ns(&p->tasks[i]);

		if (planned_ns < oldest_ns)
			oldest_ns = planned_ns;
	}
	return oldest_ns;
}

void pool_abandon(struct pool *p)
{
	int64_t now_ns = clock_now_ns();

	p->_is_ending = true;
	pool_give_up_waiting(p, now_ns);
	for (size_t i = 0; i < p->config.limit; i++) {
		list_remove(&p->tasks[i].node);
		task_abandon(&p->tasks[i], now_ns);
	}
	p->n_idle = p->n_busy = p->n_connecting = 0;
	timer_stop(&p->_open_timer);
	timer_stop(&p->_held_timer);
}

/* ---------------------------------------------------------------- life */

static int pool_alloc(struct pool *p)
{
	struct task_env *env = p->config.env;
	size_t limit = p->config.limit;

	p->tasks = calloc(limit, sizeof(*p->tasks));
	p->_ring = calloc(p->_ring_cap, sizeof(*p->_ring));
	p->_returned.cap = limit * env->depth;
	p->_returned.ring = calloc(p->_returned.cap, sizeof(*p->_returned.ring));
	if (!p->tasks || !p->_ring || !p->_returned.ring)
		return -ENOMEM;
	if (env->depth == 1)
		return 0;
	p->_further = calloc(limit * (env->depth - 1), sizeof(*p->_further));
	env->write_size = POOL_WRITE_SIZE;
	env->write_buffer = malloc(env->write_size);
	return p->_further && env->write_buffer ? 0 : -ENOMEM;
}

static int pool_init_tasks(struct pool *p)
{
	struct task_env *env = p->config.env;
	int r = 0;

	for (size_t i = 0; i < p->config.limit; i++) {
		struct task *t = &p->tasks[i];

		task_init(t, env);
		if (p->_further)
			t->further = p->_further + i * (env->depth - 1);
		list_push_back(&p->_closed, &t->node);
	}
	for (size_t i = 0; i < p->config.limit && r == 0; i++)
		r = check_new(env->requests[0].plan, env->n_requests, p->tasks[0].check,
			&p->tasks[i].check);
	return r;
}

static void pool_free(struct pool *p)
{
	/* The first task's check is freed last: the others use its tables. */
	for (size_t i = p->tasks ? p->config.limit : 0; i > 0; i--)
		check_free(p->tasks[i - 1].check);
	free(p->tasks);
	free(p->_further);
	free(p->_ring);
	free(p->_returned.ring);
	free(p->config.env->write_buffer);
	p->config.env->write_buffer = NULL;
	*p = (struct pool){0};
}

int pool_init(struct pool *p, const struct pool_config *config)
{
	struct task_env *env = config->env;
	int r;

	*p = (struct pool){.config = *config};
	p->_ring_cap = config->queue_max > 0 ? config->queue_max : 1;
	list_init(&p->_idle);
	list_init(&p->_partial);
	list_init(&p->_closed);
	env->write_buffer = NULL;
	r = pool_alloc(p);
	if (r == 0)
		r = pool_init_tasks(p);
	if (r < 0) {
		pool_free(p);
		return r;
	}
	env->on_idle = pool_on_idle;
	env->on_spared = pool_on_spared;
	env->on_closed = pool_on_closed;
	env->on_connect_failed = pool_on_connect_failed;
	env->on_returned = pool_on_returned;
	env->owner = p;
	timer_queue_init(&p->_open_timers, env->loop, pool_on_open_timer, p);
	timer_queue_init(&p->_expiry_timers, env->loop, pool_on_expired, p);
	timer_queue_init(&p->_return_timers, env->loop, pool_on_return_timer, p);
	timer_queue_init(&p->_held_timers, env->loop, pool_on_held_timer, p);
	timer_init(&p->_open_timer);
	timer_init(&p->_held_timer);
	timer_init(&p->_expiry_timer);
	timer_init(&p->_returned.timer);
	return 0;
}

void pool_fini(struct pool *p)
{
	if (!p->tasks)
		return;
	pool_abandon(p);
	timer_queue_fini(&p->_open_timers);
	timer_queue_fini(&p->_expiry_timers);
	timer_queue_fini(&p->_return_timers);
	timer_queue_fini(&p->_held_timers);
	pool_free(p);
}
