/* SPDX-License-Identifier: Apache-2.0 */
/* A task, as a state machine over one non-blocking connection.
 *
 * The loop calls it on edges. It sends as much as the kernel accepts, reads until the transport is
 * drained or its budget ends (then it asks to be called again), and discards response bodies in the
 * kernel. Everything that ends an exchange goes through task_finish or task_drop, which call stats
 * once or return the exchange to be sent again; everything that ends a connection goes through
 * task_close. Instants: each send and each read that returned bytes takes a fresh stamp.
 *
 * In flight are, in the order of sending: _exchange, whose response comes next, and the ring
 * `further`. The first _n_written of them are completely written, and _sent bytes of the next one.
 * Without a pipeline (depth 1) the ring is empty, and task_send writes the request at once. With
 * one, task_send only queues: requests that become due in one turn of the loop are sent in one
 * write, at the end of the callback that queued them, or by the environment's own loop task.
 *
 * Bytes that TLS has read ahead cause no event. So before a connection becomes idle it is read
 * until there is nothing: after a handshake and after a response one more read confirms that, and
 * on an idle connection every event causes a read, since most are messages of TLS itself. A
 * direction that waits for the event of the other one is tried with either. */
#include "daemon/engine/task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/plan/plan.h"
#include "daemon/engine/mix.h"
#include "daemon/engine/task_internal.h"
#include "daemon/http/resolver.h"

/* Well below 40 ms, the maximum delay of an acknowledgement in Linux. */
#define TASK_RACE_NS (10 * NSEC_PER_MSEC)
/* A server that closes a connection which it has kept unused for as long does so for that. */
#define TASK_UNUSED_NS NSEC_PER_SEC

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
	t->_exchange = *task_further(t, 0);
	if (++t->_further_head == t->_env->depth - 1)
		t->_further_head = 0;
	t->_n_further--;
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
	if (1u + t->_n_further >= env->depth || t->_is_careful || t->_peer_closing ||
		t->_is_retiring || (env->requests_max > 0 && t->_requests >= env->requests_max))
		return false;
	return !is_retry || t->_requests > 1u + t->_n_further;
}

/* ---------------------------------------------------------------- how exchanges and connections
 * end
 *
 * A peer may close an idle connection just as a request is on its way to it (RFC 9112 section
 * 9.3.1). A request that was hit by such a race is sent once more if its method allows that (RFC
 * 9110 section 9.2.2), and is "stale" otherwise. A peer that has the request and closes without a
 * byte of an answer has dropped it: a connection error, and the request is not sent again. The two
 * are distinguished by the kernel's account (task_is_race):
 *
 * - A fresh connection that is closed under its first request is no race: the server does that.
 * - If the peer's kernel has acknowledged a byte of the request, the peer had it. A FIN that was in
 *   transit when the request was sent does not acknowledge it; a FIN after it does.
 * - A reset acknowledges nothing, not even bytes that have arrived. It belongs to a race if it came
 *   soon: within a round trip of the request, plus TASK_RACE_NS for the peer's work. A request that
 *   had arrived earlier would have been processed, or acknowledged.
 * - A request of a pipeline has arrived before its turn comes, so that its acknowledgement proves
 *   nothing. Its turn never came if the connection ended soon after the answer before it.
 *
 * Requests of a pipeline whose turn never came are sent once more if their methods allow it, for
 * whatever reason the connection was closed; otherwise they share the fault of the first one.
 * Requests of which no byte was written are not repeated, but just sent on another connection. */

void task_close(struct task *t)
{
	timer_stop(&t->_timer);
	timer_stop(&t->_age);
	list_remove(&t->_unflushed);
	loop_remove_task(&t->_loop_task);
	transport_close(&t->_transport);
	task_set_state(t, TASK_CLOSED);
}

const char *task_error_text(const struct task *t)
{
	return tls_get_fault(&t->_transport) != TLS_FAULT_NONE ? tls_fault_text(&t->_transport)
							       : strerror(t->_transport.error);
}

/* A complete response has arrived, good or not. */
static bool task_is_complete(enum fault fault)
{
	return fault == FAULT_NONE || fault == FAULT_STATUS ||
	       fault_table[fault].class == LEDGER_CHECK_FAILED;
}

/* A good answer that came after its timeout. */
static bool task_is_late(const struct task *t, enum fault fault, int64_t now_ns)
{
	return __builtin_expect(t->_env->is_soft, 0) && fault == FAULT_NONE &&
	       now_ns - t->_exchange.planned_ns > t->_env->request_timeout_ns;
}

void task_finish(struct task *t, enum fault fault, int64_t now_ns, const char *example)
{
	bool is_complete = task_is_complete(fault);

	if (task_is_late(t, fault, now_ns)) {
		fault = FAULT_TIMEOUT;
		example = "answered, but too late";
	}
	task_finish_as(t, fault, is_complete, now_ns, example);
}

/* Ends an exchange of which no byte was received. */
static void task_finish_unanswered(
	struct task *t, struct exchange *x, enum fault fault, int64_t now_ns, const char *example)
{
	struct stats_end end = {
		.fault = fault,
		.was_sent = x->n_sent > 0,
		.slack_ns = -1,
		.end_ns = now_ns,
		.connection = t->_connection,
		.example = example,
	};

	stats_end(t->_env->stats, x, &end);
}

/* It was sent and not answered, and is not sent again. */
static void task_finish_lost(
	struct task *t, struct exchange *x, enum fault fault, int64_t now_ns, const char *why)
{
	const struct request *request = task_request(t, x);
	char example[128];

	if (x->n_sent > 1)
		(void)snprintf(example, sizeof(example), "%s, also when it was repeated", why);
	else
		(void)snprintf(example, sizeof(example), "%s; %.*s is not repeated", why,
			(int)strcspn(request->bytes, " "), request->bytes);
	task_finish_unanswered(t, x, fault, now_ns, example);
}

/* Returns number i in flight if it may be sent again, or ends it with that fault. True: it has
 * ended. */
static bool task_give_back(
	struct task *t, size_t i, enum fault fault, int64_t now_ns, const char *why)
{
	struct exchange *x = task_at(t, i);
	bool has_begun = i < task_n_begun(t);

	t->_env->stale += has_begun && fault == FAULT_STALE;
	if (!has_begun || (x->n_sent == 1 && task_request(t, x)->is_idempotent)) {
		t->_env->on_returned(t, x);
		return false;
	}
	task_finish_lost(t, x, fault, now_ns, why);
	return true;
}

void task_drop(struct task *t, struct task_loss loss, size_t n_done, enum fault fault,
	int64_t now_ns, const char *why)
{
	loss.was_busy = true;
	for (size_t i = n_done; i < task_n_in_flight(t); i++)
		loss.n_ended += task_give_back(t, i, fault, now_ns, why);
	task_close(t);
	t->_env->on_closed(t, &loss);
}

void task_fail(struct task *t, enum fault fault, int64_t now_ns, const char *example)
{
	task_finish(t, fault, now_ns, example);
	task_drop(t, (struct task_loss){.n_ended = 1}, 1, FAULT_STALE, now_ns,
		"closed for a fault of the request before it");
}

/* Was the connection being closed before the peer had read the first request in flight, of whose
 * answer no byte has arrived? */
static bool task_is_race(const struct task *t, enum fault fault, int64_t now_ns)
{
	const struct exchange *x = &t->_exchange;
	bool was_queued = task_is_pipeline(t) && t->_turn_ns > x->sent_ns;
	int64_t since_ns = t->_turn_ns > x->sent_ns ? t->_turn_ns : x->sent_ns;
	size_t n_written = task_n_bytes_written(t);
	struct transport_account account;
	bool is_acknowledged, is_soon, is_known;

	if (t->_requests <= 1u + t->_n_further)
		return false;
	/* A write that failed counts as one byte. */
	if (n_written <= 1)
		return true;
	account = transport_get_account(&t->_transport);
	is_acknowledged = account.unacknowledged < n_written - 1;
	is_soon = now_ns - task_slack_ns(t, now_ns, &is_known) - since_ns <=
		  account.round_trip_ns + TASK_RACE_NS;
	if (was_queued && is_soon)
		return true;
	return !is_acknowledged && (fault != FAULT_RESET || is_soon);
}

void task_fail_gone(struct task *t, enum fault fault, int64_t now_ns, const char *example)
{
	if (task_n_begun(t) > 0 &&
		(t->_exchange.first_byte_ns != 0 || !task_is_race(t, fault, now_ns))) {
		task_finish(t, fault, now_ns, example);
		task_drop(t, (struct task_loss){.n_ended = 1}, 1, fault, now_ns,
			"closed before its turn came");
		return;
	}
	task_drop(
		t, (struct task_loss){0}, 0, FAULT_STALE, now_ns, "closed as the request was sent");
}

void task_note_reset(struct task *t)
{
	int error = t->_transport.error;
	int64_t age_ns = loop_now_ns(t->_env->loop) - t->_connect_started_ns;
	bool was_unused = t->_state == TASK_IDLE && age_ns >= TASK_UNUSED_NS;
	bool was_answered = task_n_in_flight(t) > 0 ? t->_requests > 1u + t->_n_further ||
							      t->_exchange.first_byte_ns != 0
						    : t->_requests > 0;

	t->_env->reset_early +=
		(error == ECONNRESET || error == EPIPE) && !was_answered && !was_unused;
}

void task_fail_errno(struct task *t, bool sending)
{
	int error = t->_transport.error;

	task_note_reset(t);
	if (error == ECONNRESET || error == EPIPE)
		task_fail_gone(t, FAULT_RESET, clock_now_ns(), task_error_text(t));
	else
		task_fail(t, sending ? FAULT_SEND : FAULT_RECEIVE, clock_now_ns(),
			task_error_text(t));
}

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

/* ---------------------------------------------------------------- time is over */

/* Handles number i in flight, on a connection that is closed for a timeout. True: it has ended. */
static bool task_time_out(struct task *t, size_t i, int64_t due_ns, int64_t now_ns)
{
	struct exchange *x = task_at(t, i);
	bool is_due = x->planned_ns + t->_env->request_timeout_ns <= due_ns;

	if (i == 0 && x->first_byte_ns != 0)
		task_finish(t, FAULT_TIMEOUT, now_ns,
			is_due ? "the response was not complete"
			       : "closed as another request on the connection timed out");
	else if (!is_due)
		return task_give_back(t, i, FAULT_STALE, now_ns,
			"closed as another request on the connection timed out");
	else if (x->n_sent > 0)
		task_finish_unanswered(t, x, FAULT_TIMEOUT, now_ns, "no response");
	else
		task_finish_unanswered(
			t, x, FAULT_EXPIRED, now_ns, "no connection became free in time");
	return true;
}

/* HTTP/1.1 cannot cancel a request, so the connection is closed. */
static void task_on_request_timeout(struct timer_queue *q, struct timer *timer)
{
	struct task *t = container_of(timer, struct task, _timer);
	struct task_loss loss = {.was_busy = true};
	int64_t due_ns = loop_now_ns(t->_env->loop);
	int64_t earliest_ns = task_planned_ns(t) + t->_env->request_timeout_ns;
	int64_t now_ns;

	if (t->_env->is_soft)
		return; /* its end will show how late it was */
	if (earliest_ns > due_ns) {
		timer_start(q, timer, earliest_ns);
		return;
	}
	now_ns = clock_now_ns();
	for (size_t i = 0; i < task_n_in_flight(t); i++)
		loss.n_ended += task_time_out(t, i, due_ns, now_ns);
	task_close(t);
	t->_env->on_closed(t, &loss);
}

static void task_on_age(struct timer_queue *q, struct timer *timer)
{
	struct task *t = container_of(timer, struct task, _age);
	struct task_loss loss = {.by_us = true};

	(void)q;
	if (t->_state != TASK_IDLE) {
		t->_is_retiring = true;
		return;
	}
	t->_env->closed_by_us++;
	task_close(t);
	t->_env->on_closed(t, &loss);
}

/* ---------------------------------------------------------------- opening
 *
 * Addresses and sources are used in turn, each worker beginning at another one; a source only
 * serves addresses of its family, so an address without one is skipped. The port is chosen by
 * connect (transport.h), so one source serves as many connections to each address as there are
 * ports. */

static void task_on_ready(struct loop_task *loop_task, uint32_t events);

static void task_note_tls(struct task *t)
{
	struct task_env *env = t->_env;

	stats_shook_hands(env->stats, clock_now_ns() - t->_shake_started_ns);
	if (env->tls_info.version[0] == '\0')
		tls_get_info(&t->_transport, &env->tls_info);
}

static void task_connected(struct task *t, uint32_t events)
{
	struct task_env *env = t->_env;

	timer_stop(&t->_timer);
	t->_connection = ++env->opened;
	if (env->tls)
		task_note_tls(t);
	else
		stats_connected(env->stats, clock_now_ns() - t->_connect_started_ns);
	if (env->max_age_ns > 0)
		timer_start(&env->_ages, &t->_age, clock_now_ns() + env->max_age_ns);
	task_set_state(t, TASK_IDLE);
	/* The same edge may mean that the peer has already closed, and no other one will follow. */
	if (events & TASK_PEER_EVENTS || env->tls)
		loop_task_again(&t->_loop_task);
	env->on_idle(t, false);
}

static enum fault task_connect_fault(const struct task *t)
{
	static const enum fault of_tls[TLS_FAULT_COUNT] = {
		[TLS_FAULT_EXPIRED] = FAULT_TLS_EXPIRED,
		[TLS_FAULT_NOT_YET_VALID] = FAULT_TLS_NOT_YET_VALID,
		[TLS_FAULT_SELF_SIGNED] = FAULT_TLS_SELF_SIGNED,
		[TLS_FAULT_UNKNOWN_ISSUER] = FAULT_TLS_UNTRUSTED,
		[TLS_FAULT_WRONG_HOST] = FAULT_TLS_WRONG_HOST,
		[TLS_FAULT_CERTIFICATE] = FAULT_TLS_CERTIFICATE,
		[TLS_FAULT_ALPN] = FAULT_TLS_ALPN,
		[TLS_FAULT_NOT_TLS] = FAULT_NOT_TLS,
		[TLS_FAULT_PROTOCOL] = FAULT_TLS_PROTOCOL,
		[TLS_FAULT_ALERT] = FAULT_TLS_ALERT,
		[TLS_FAULT_CLOSED] = FAULT_TLS_CLOSED,
		[TLS_FAULT_OURS] = FAULT_NO_MEMORY,
	};
	enum tls_fault fault = tls_get_fault(&t->_transport);

	return fault == TLS_FAULT_NONE ? fault_of_connect_errno(t->_transport.error)
				       : of_tls[fault];
}

/* TCP first, then TLS. */
static enum io task_finish_connect(struct task *t)
{
	if (t->_env->tls && t->_shake_started_ns == 0) {
		enum io io = tls_finish_tcp(&t->_transport);

		if (io != IO_OK)
			return io;
		t->_shake_started_ns = clock_now_ns();
		stats_connected(t->_env->stats, t->_shake_started_ns - t->_connect_started_ns);
	}
	return transport_finish_connect(&t->_transport);
}

/* Not inlined: task_on_event is called for every answer. */
static __attribute__((noinline)) void task_on_connect_event(struct task *t, uint32_t events)
{
	enum io io = task_finish_connect(t);
	enum fault fault;
	const char *why;

	if (io == IO_AGAIN)
		return;
	if (io == IO_OK) {
		task_connected(t, events);
		return;
	}
	task_note_reset(t);
	fault = task_connect_fault(t);
	why = task_error_text(t);
	task_close(t);
	t->_env->on_connect_failed(t, fault, why);
}

static void task_on_connect_timeout(struct timer_queue *q, struct timer *timer)
{
	struct task *t = container_of(timer, struct task, _timer);
	bool is_shaking = t->_shake_started_ns != 0;

	(void)q;
	task_close(t);
	if (is_shaking)
		t->_env->on_connect_failed(
			t, FAULT_TLS_TIMEOUT, "no end of the TLS handshake in time");
	else
		t->_env->on_connect_failed(t, FAULT_CONNECT_TIMEOUT, "no answer in time");
}

enum fault task_awaits(const struct task_env *env, int64_t *ret_since_ns)
{
	const struct timer *timer = timer_queue_head(&env->_connect_timeouts);
	const struct task *t;

	if (!timer)
		return FAULT_NONE;
	t = container_of(timer, const struct task, _timer);
	*ret_since_ns = t->_connect_started_ns;
	return t->_shake_started_ns != 0 ? FAULT_TLS_TIMEOUT : FAULT_CONNECT_TIMEOUT;
}

/* ---------------------------------------------------------------- from where, to where */

/* The next source of that family; false: there is none. */
static bool task_next_source(struct task_env *env, bool is_v6, struct address *ret)
{
	for (size_t n = 0; n < env->n_sources; n++) {
		const struct plan_source *s = &env->sources[env->_next_source++ % env->n_sources];

		if (s->is_v6 == is_v6) {
			address_of_source(s, ret);
			return true;
		}
	}
	return false;
}

/* The next address, and in options its source. NULL: no address has a source. */
static const struct address *task_next_address(
	struct task_env *env, struct address *source, struct transport_options *options)
{
	for (size_t n = 0; n < env->n_addresses; n++) {
		const struct address *a = &env->addresses[env->_next_address++ % env->n_addresses];

		if (env->n_sources == 0 || a->sa.sa_family == AF_UNIX)
			return a;
		if (task_next_source(env, a->sa.sa_family == AF_INET6, source)) {
			options->source = &source->sa;
			options->source_len = source->len;
			return a;
		}
	}
	return NULL;
}

static int task_open_transport(struct task *t, struct err *reterr)
{
	struct task_env *env = t->_env;
	struct transport_options options = {.resets = env->resets, .segments = &env->segments};
	struct address source;
	const struct address *a = task_next_address(env, &source, &options);
	int r;

	if (!a) {
		err_set(reterr, "no source address is of the target's family");
		return -EAFNOSUPPORT;
	}
	r = env->tls ? tls_connect(&t->_transport, env->tls, &a->sa, a->len, &options, env->guard,
			       reterr)
		     : tcp_connect(&t->_transport, &a->sa, a->len, &options, env->guard, reterr);
	if (r < 0)
		return r;
	r = loop_add_task(env->loop, &t->_loop_task, t->_transport.fd, LOOP_STREAM, task_on_ready);
	if (r < 0) {
		transport_close(&t->_transport);
		err_set(reterr, "connect to %s: %s", a->text, strerror(-r));
	}
	return r;
}

enum fault task_connect(struct task *t, const char **ret_why)
{
	static _Thread_local struct err err;
	struct task_env *env = t->_env;
	int r;

	t->_connect_started_ns = clock_now_ns();
	t->_shake_started_ns = 0;
	t->_peer_closing = t->_is_retiring = t->_is_careful = false;
	t->_requests = 0;
	t->_n_written = t->_n_further = t->_further_head = 0;
	t->_sent = 0;
	err.text[0] = '\0';
	r = task_open_transport(t, &err);
	if (r < 0) {
		*ret_why = err.text;
		return fault_of_connect_errno(-r);
	}
	task_set_state(t, TASK_CONNECTING);
	timer_start(&env->_connect_timeouts, &t->_timer,
		t->_connect_started_ns + env->connect_timeout_ns);
	return FAULT_NONE;
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

static void task_on_ready(struct loop_task *loop_task, uint32_t events)
{
	struct task *t = container_of(loop_task, struct task, _loop_task);
	struct task_env *env = t->_env;

	env->_is_again = events & LOOP_AGAIN;
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
	env->_opened_ns = clock_now_ns();
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
