/* SPDX-License-Identifier: Apache-2.0 */
/* How connections are opened. pool_balance is the one place that decides whether another one is.
 * Opening is paced by open-rate, so that a server is not flooded with connects; with a connection
 * for each request, opening is a part of the request and is not paced.
 *
 * A waiting arrival always causes an attempt, and fails with it. A fixed pool also replaces lost
 * connections by itself: at once if the connection had served requests before it was closed, else
 * (a failed attempt, or a server that closes idle connections, which would do it again) after
 * POOL_BACKOFF_MIN_NS, doubled up to POOL_BACKOFF_MAX_NS; first with one connection, and when that
 * is open, with the others.
 *
 * Before the run, a fixed pool tries each of its connections once. Connections that fail then, or
 * are closed by the peer again, do not prevent the run, as long as at least one has connected. If
 * none has, and for a fault of this host, no further attempt is made. */
#include <assert.h>
#include <stdio.h>

#include "common/clock.h"
#include "daemon/engine/pool_internal.h"

/* The part of open-rate that retries may use in advance. */
#define POOL_RETRY_AHEAD_NS NSEC_PER_SEC

#define POOL_BACKOFF_MIN_NS (100 * NSEC_PER_MSEC)
#define POOL_BACKOFF_MAX_NS (5 * NSEC_PER_SEC)
#define POOL_FORGET_NS (10 * NSEC_PER_SEC)

static void pool_wake_at(struct pool *p, int64_t instant_ns)
{
	if (!timer_is_running(&p->_open_timer) || instant_ns < p->_open_timer.deadline_ns)
		timer_start(&p->_open_timers, &p->_open_timer, instant_ns);
}

void pool_on_open_timer(struct timer_queue *q, struct timer *timer)
{
	(void)timer;
	pool_balance(q->userdata);
}

/* ---------------------------------------------------------------- back-off */

/* Failures before the next attempt is due belong to the last one. After a long time without
 * failures the back-off starts again at its minimum. */
static void pool_back_off(struct pool *p, int64_t now_ns)
{
	p->_is_down = true;
	p->_is_probing = false;
	if (now_ns < p->_retry_ns)
		return;
	if (p->_backoff_ns == 0 || now_ns - p->_failed_ns > p->_backoff_ns + POOL_FORGET_NS)
		p->_backoff_ns = POOL_BACKOFF_MIN_NS;
	else if (p->_backoff_ns < POOL_BACKOFF_MAX_NS / 2)
		p->_backoff_ns *= 2;
	else
		p->_backoff_ns = POOL_BACKOFF_MAX_NS;
	p->_failed_ns = now_ns;
	p->_retry_ns = now_ns + p->_backoff_ns;
}

/* The length of the back-off is kept until a connection opened after it has served requests. */
void pool_note_opened(struct pool *p)
{
	p->_opened_ns = loop_now_ns(p->config.env->loop);
	if (!p->_is_probing && p->config.reuse != PLAN_REUSE_NO)
		return;
	p->_is_down = p->_is_probing = false;
	p->_retry_ns = 0;
}

/* Records the first fault during the first opening. */
static void pool_note_fault(struct pool *p, enum fault fault, const char *why)
{
	if (!p->_is_opening || p->_fault != FAULT_NONE)
		return;
	p->_fault = fault;
	(void)snprintf(p->_why, sizeof(p->_why), "%s", why);
}

void pool_note_lost(struct pool *p, const struct task *t, const struct task_loss *loss)
{
	if (loss->by_us)
		return;
	if (p->_is_opening) {
		pool_note_fault(p, loss->fault, loss->why ? loss->why : "closed by the peer");
		return;
	}
	if (task_n_requests(t) > 0) {
		p->_is_down = false;
		p->_backoff_ns = p->_retry_ns = 0;
	} else {
		pool_back_off(p, clock_now_ns());
	}
}

/* May the pool open a connection that no arrival waits for? */
static bool pool_may_refill(struct pool *p, int64_t now_ns)
{
	if (!p->config.is_fixed || p->config.reuse == PLAN_REUSE_NO)
		return false;
	if (!p->_is_down)
		return true;
	if (p->n_connecting > 0)
		return false;
	if (now_ns < p->_retry_ns) {
		pool_wake_at(p, p->_retry_ns);
		return false;
	}
	p->_is_probing = true;
	return true;
}

/* Does the first opening continue? */
static bool pool_goes_on_opening(const struct pool *p)
{
	if (p->_fault != FAULT_NONE &&
		(p->config.env->opened == 0 ||
			fault_table[p->_fault].phase == FAULT_PHASE_GENERATOR))
		return false;
	return p->_n_tried < p->config.limit;
}

static void pool_check_opened(struct pool *p)
{
	enum fault_phase phase = fault_table[p->_fault].phase;
	bool is_hopeless;

	if (!p->_is_opening || p->n_connecting > 0 || pool_goes_on_opening(p))
		return;
	p->_is_opening = false;
	/* A server that closes silent connections may still answer requests; one that sends data
	 * first will not. */
	is_hopeless =
		phase == FAULT_PHASE_GENERATOR ||
		(p->n_idle == 0 && (p->config.env->opened == 0 || phase == FAULT_PHASE_PARSE));
	/* A limit of the plan may have closed them again: then nothing has failed. */
	p->config.on_opened(p, is_hopeless ? p->_fault : FAULT_NONE, p->_why);
	pool_balance(p); /* replaces those lost during the opening */
}

static bool pool_wants_more(struct pool *p, int64_t now_ns)
{
	size_t depth = p->config.env->depth;
	size_t n_asking = p->n_returned + (p->n_waiting + depth - 1) / depth;

	/* The waiting requests are delayed by the cap on the rate, not by a lack of connections. */
	if (pool_is_held(p) && p->n_idle > 0)
		n_asking = 0;
	if (p->_is_ending || pool_n_open(p) >= p->config.limit)
		return false;
	if (p->_is_opening)
		return pool_goes_on_opening(p);
	return n_asking > p->n_connecting || pool_may_refill(p, now_ns);
}

/* May a connection be opened now? If not, a timer is set for it. */
static bool pool_pace(struct pool *p, int64_t now_ns)
{
	struct rate rate = p->config.open_rate;
	/* A retry does not wait for its turn; it uses a later one in advance. */
	int64_t ahead_ns = p->n_returned > p->n_connecting ? POOL_RETRY_AHEAD_NS : 0;
	int64_t gap_ns;

	/* With a connection for each request only failing attempts are paced. */
	if (rate.num == 0 || (p->config.reuse == PLAN_REUSE_NO && !p->_is_down))
		return true;
	if (now_ns < p->_next_open_ns - ahead_ns) {
		pool_wake_at(p, p->_next_open_ns - ahead_ns);
		return false;
	}
	gap_ns = (int64_t)((double)NSEC_PER_SEC * (double)rate.den / (double)rate.num);
	/* A late wake-up may catch up a little, but unused turns of a pause are not accumulated. */
	if (p->_next_open_ns < now_ns - 20 * NSEC_PER_MSEC)
		p->_next_open_ns = now_ns;
	p->_next_open_ns += gap_ns;
	return true;
}

bool pool_waits_for_pace(const struct pool *p)
{
	return timer_is_running(&p->_open_timer) && !p->_is_down && !pool_is_held(p) &&
	       p->n_waiting + p->n_returned > p->n_connecting && pool_n_open(p) < p->config.limit;
}

/* ---------------------------------------------------------------- attempts */

void pool_connect_failed(struct pool *p, enum fault fault, const char *why)
{
	struct exchange x;
	char text[128];

	pool_back_off(p, clock_now_ns());
	pool_note_fault(p, fault, why);
	if (p->n_returned + p->n_waiting == 0)
		return;
	if (p->n_returned > 0 && (pool_serve_one(p) || pool_is_held(p)))
		return;
	/* This connection was opened for the request that has waited longest. */
	x = pool_dequeue(p);
	p->_is_failing = true;
	if (x.n_sent > 0) {
		(void)snprintf(text, sizeof(text),
			"closed as the request was sent, then no connection: %s", why);
		pool_fail(p, &x, FAULT_STALE, text);
	} else {
		pool_fail(p, &x, fault, why);
	}
	p->_is_failing = false;
}

void pool_balance(struct pool *p)
{
	int64_t now_ns = clock_now_ns();

	while (pool_wants_more(p, now_ns) && pool_pace(p, now_ns)) {
		struct list *node = list_pop_front(&p->_closed);
		struct task *t = container_of(node, struct task, node);
		const char *why = "";
		enum fault fault = task_connect(t, &why);

		p->_n_tried += p->_is_opening;
		if (fault != FAULT_NONE) {
			list_push_back(&p->_closed, &t->node);
			pool_connect_failed(p, fault, why);
		} else {
			p->n_connecting++;
			if (pool_n_open(p) > p->peak)
				p->peak = pool_n_open(p);
		}
		now_ns = clock_now_ns();
	}
	pool_serve_returned(p);
	pool_check_opened(p);
}

int64_t pool_retry_ns(const struct pool *p)
{
	return p->_is_failing && p->n_idle + p->n_busy > 0 ? p->_retry_ns : 0;
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
