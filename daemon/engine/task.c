/* SPDX-License-Identifier: Apache-2.0 */
/* A task, as a state machine over one non-blocking connection.
 *
 * The loop calls it on edges. It sends as much as the kernel accepts, reads until the transport is
 * drained or its budget ends (then it asks to be called again), and discards response bodies in the
 * kernel. Everything that ends an exchange goes through task_end.c, which calls stats once or
 * returns the exchange to be sent again; everything that ends a connection goes through task_close.
 * Instants: each send and each read that returned bytes takes a fresh stamp.
 *
 * In flight are, in the order of sending: _exchange, whose response comes next, and the ring
 * `behind`. The first _n_written of them are completely written, and _sent bytes of the next one.
 * Without a pipeline (depth 1) the ring is empty, and task_send writes the request at once. With
 * one, task_send only queues: requests that become due in one turn of the loop are sent in one
 * write, at the end of the callback that queued them, or by the environment's own loop task.
 *
 * Bytes that TLS has read ahead cause no event. So before a connection becomes idle it is read
 * until there is nothing: after a handshake and after a response one more read confirms that, and
 * on an idle connection every event causes a read, since most are messages of TLS itself. A
 * direction that waits for the event of the other one is tried with either. */
#include "daemon/engine/task.h"

#include "common/plan/plan.h"
#include "daemon/engine/mix.h"
#include "daemon/engine/task_internal.h"

/* Row: the present state; columns that are set: the allowed next states. */
const bool task_transitions[TASK_STATE_COUNT][TASK_STATE_COUNT] = {
	[TASK_CLOSED] = {[TASK_CONNECTING] = true},
	[TASK_CONNECTING] = {[TASK_CLOSED] = true, [TASK_IDLE] = true},
	[TASK_IDLE] = {[TASK_CLOSED] = true, [TASK_SENDING] = true},
	[TASK_SENDING] = {[TASK_CLOSED] = true, [TASK_RECEIVING] = true},
	[TASK_RECEIVING] = {[TASK_CLOSED] = true, [TASK_IDLE] = true, [TASK_SENDING] = true},
};

enum task_state task_get_state(const struct task *t)
{
	return t->_state;
}

/* ---------------------------------------------------------------- what is in flight */

void task_expect_more(struct task *t, const struct request *request)
{
	if (t->_wants & TASK_WANTS_SINK)
		check_start(t->check, request->plan);
	if (t->_wants & TASK_WANTS_CLOSE)
		t->_is_retiring = true;
}

void task_advance(struct task *t)
{
	t->_turn_ns = t->_exchange.done_ns;
	t->_exchange = *task_behind(t, 0);
	if (++t->_behind_head == t->_env->depth - 1)
		t->_behind_head = 0;
	t->_n_behind--;
	t->_n_written--;
	task_expect(t, task_request(t, &t->_exchange));
}

int64_t task_planned_ns(const struct task *t)
{
	int64_t planned_ns = CLOCK_NEVER;

	for (size_t i = 0; i < task_n_in_flight(t); i++) {
		const struct exchange *x = task_at((struct task *)t, i);

		if (x->planned_ns < planned_ns)
			planned_ns = x->planned_ns;
	}
	return planned_ns;
}

bool task_is_doomed_by(const struct task *t, uint32_t events)
{
	/* An idle TLS connection may receive session tickets and keys. */
	uint32_t of_end = t->_env->tls ? EPOLLRDHUP | EPOLLHUP | EPOLLERR : TASK_PEER_EVENTS;

	return t->_state == TASK_IDLE && (events & of_end) != 0;
}

bool task_has_room(const struct task *t, bool is_retry)
{
	const struct task_env *env = t->_env;

	if (t->_state == TASK_IDLE)
		return true;
	if (t->_state != TASK_SENDING && t->_state != TASK_RECEIVING)
		return false;
	if (1u + t->_n_behind >= env->depth || t->_is_careful || t->_peer_closing ||
		t->_is_retiring || (env->requests_max > 0 && t->_requests >= env->requests_max))
		return false;
	return !is_retry || t->_requests > 1u + t->_n_behind;
}

/* ---------------------------------------------------------------- the end of all */

void task_abandon(struct task *t, int64_t now_ns)
{
	if (t->_state == TASK_CLOSED)
		return;
	for (size_t i = 0; i < task_n_in_flight(t); i++) {
		struct exchange *x = task_at(t, i);

		stats_give_up(t->_env->stats, x, x->n_sent > 0, now_ns);
	}
	task_close(t);
}

/* ---------------------------------------------------------------- the loop's side */

/* A server may refuse a large request before it has read all of it: its answer is read first,
 * because once it has closed the write would fail. */
static void task_on_sending_event(struct task *t, uint32_t events)
{
	bool is_tls = t->_env->tls != NULL;

	if (events & (LOOP_AGAIN | TASK_PEER_EVENTS) || is_tls)
		task_read(t);
	if (t->_state == TASK_SENDING && (events & EPOLLOUT || is_tls))
		task_write(t);
	if (t->_state == TASK_RECEIVING)
		task_read(t);
}

static void task_on_event(struct task *t, uint32_t events)
{
	if (events & (EPOLLRDHUP | EPOLLHUP))
		t->_peer_closing = true;
	switch ((enum task_state)t->_state) {
	case TASK_CONNECTING:
		task_on_connect_event(t, events);
		return;
	case TASK_IDLE:
		task_on_idle_event(t, events);
		return;
	case TASK_SENDING:
		task_on_sending_event(t, events);
		return;
	case TASK_RECEIVING:
		if (events != EPOLLOUT || t->_transport.is_crossed)
			task_read(t);
		return;
	case TASK_CLOSED:
	case TASK_STATE_COUNT:
		break;
	}
	assert(!"a closed task is not in the loop");
}

void task_on_ready(struct loop_task *loop_task, uint32_t events)
{
	struct task *t = container_of(loop_task, struct task, _loop_task);
	struct task_env *env = t->_env;

	if (env->depth == 1) {
		task_on_event(t, events);
		return;
	}
	env->_is_in_task = true;
	task_on_event(t, events);
	task_flush(env);
	env->_is_in_task = false;
}

/* For requests queued from outside a task: by the producer, a user, a timer. */
static void task_on_flush(struct loop_task *loop_task, uint32_t events)
{
	struct task_env *env = container_of(loop_task, struct task_env, _flush);

	(void)events;
	env->_is_in_task = true;
	task_flush(env);
	env->_is_in_task = false;
}

/* ---------------------------------------------------------------- life */

void task_init(struct task *t, struct task_env *env)
{
	*t = (struct task){._env = env, ._transport.fd = -1};
	list_init(&t->node);
	list_init(&t->_unflushed);
	loop_task_init(&t->_loop_task);
	timer_init(&t->_timer);
	timer_init(&t->_age);
}

static uint8_t task_wants_of(const struct task_env *env, const struct plan_request *r)
{
	uint8_t wants = 0;

	for (unsigned status = 0; status < STATS_STATUS_MAX; status++)
		if (plan_statuses_has(&r->expect_statuses, status) != (status - 200 < 200))
			wants |= TASK_WANTS_STATUS;
	if (check_wants_head(r))
		wants |= TASK_WANTS_SINK | TASK_WANTS_VERDICT;
	if (check_wants_body(r))
		wants |= TASK_WANTS_SINK | TASK_WANTS_BODY | TASK_WANTS_VERDICT;
	if (r->has_expect_size)
		wants |= TASK_WANTS_VERDICT;
	if (env->reuse && plan_request_closes(r))
		wants |= TASK_WANTS_CLOSE;
	return wants;
}

int task_env_init(struct task_env *env)
{
	if (env->depth == 0)
		env->depth = 1;
	env->_next_address = env->_next_source = env->first;
	static_assert(sizeof(env->_wants) >= MIX_MAX, "a flag for each request");
	for (size_t i = 0; i < env->n_requests; i++)
		env->_wants[i] = task_wants_of(env, env->requests[i].plan);
	list_init(&env->_unflushed);
	env->_wake = loop_last_wake(env->loop);
	timer_queue_init(&env->_connect_timeouts, env->loop, task_on_connect_timeout, env);
	timer_queue_init(&env->_request_timeouts, env->loop, task_on_request_timeout, env);
	timer_queue_init(&env->_ages, env->loop, task_on_age, env);
	return loop_add_task(env->loop, &env->_flush, -1, 0, task_on_flush);
}

void task_env_fini(struct task_env *env)
{
	timer_queue_fini(&env->_connect_timeouts);
	timer_queue_fini(&env->_request_timeouts);
	timer_queue_fini(&env->_ages);
	if (env->_flush._loop)
		loop_remove_task(&env->_flush);
}
