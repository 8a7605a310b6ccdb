/* SPDX-License-Identifier: Apache-2.0 */
/* A task, as a state machine over one non-blocking connection.
 *
 * The loop calls it on edges. It sends what the kernel takes, reads until the transport is drained
 * or its budget ends (then it asks to be called again), and drops response bodies in the kernel.
 * Everything that ends an exchange goes through task_finish, which tells stats once; everything
 * that ends a connection goes through task_close.
 * Instants: each send and each read that brought something takes a fresh stamp.
 *
 * No event tells of what TLS has read ahead. So whoever leaves the connection alone has read until
 * there was nothing: behind a handshake and behind a response one more read says so, and on an idle
 * connection any event is answered by a read, for most are TLS's own messages. A direction that
 * waits for the other's event is tried with either. */
#include "daemon/engine/task.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "daemon/engine/stats.h"
#include "daemon/http/request.h"
#include "daemon/http/resolver.h"

/* Reads of one call: a large response must not keep the others waiting. */
#define TASK_READ_BUDGET 16

/* The peer has closed or sent something. */
#define TASK_PEER_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* From the state of the row to the states of the columns that are set. */
static const bool task_transitions[TASK_STATE_COUNT][TASK_STATE_COUNT] = {
	[TASK_CLOSED] = {[TASK_CONNECTING] = true},
	[TASK_CONNECTING] = {[TASK_CLOSED] = true, [TASK_IDLE] = true},
	[TASK_IDLE] = {[TASK_CLOSED] = true, [TASK_SENDING] = true},
	[TASK_SENDING] = {[TASK_CLOSED] = true, [TASK_RECEIVING] = true},
	[TASK_RECEIVING] = {[TASK_CLOSED] = true, [TASK_IDLE] = true},
};

static void task_set_state(struct task *t, enum task_state state)
{
	assert(task_transitions[t->_state][state]);
	t->_state = (uint8_t)state;
}

enum task_state task_get_state(const struct task *t)
{
	return t->_state;
}

static bool task_has_exchange(const struct task *t)
{
	return t->_state == TASK_SENDING || t->_state == TASK_RECEIVING;
}

int64_t task_planned_ns(const struct task *t)
{
	return task_has_exchange(t) ? t->_exchange.planned_ns : CLOCK_NEVER;
}

/* ---------------------------------------------------------------- ends */

static void task_close(struct task *t)
{
	timer_stop(&t->_timer);
	loop_remove_task(&t->_loop_task);
	transport_close(&t->_transport);
	task_set_state(t, TASK_CLOSED);
}

/* How late a stamp taken now may be: bytes may have waited since the loop last looked. */
static int64_t task_slack_ns(const struct task *t, int64_t now_ns)
{
	const struct loop_wake *wake = loop_last_wake(t->_env->loop);
	int64_t since_ns = wake->slept ? wake->wake_ns : wake->prev_wake_ns;

	return now_ns > since_ns ? now_ns - since_ns : 0;
}

/* Of the last IO_ERROR. Outlives the connection. */
static const char *task_error_text(const struct task *t)
{
	return tls_get_fault(&t->_transport) != TLS_FAULT_NONE ? tls_fault_text(&t->_transport)
							       : strerror(t->_transport.error);
}

/* Tells stats how the exchange in flight ended. */
static void task_finish(struct task *t, enum fault fault, int64_t now_ns, const char *example)
{
	const struct http1 *p = &t->_response;
	struct stats_end end = {
		.fault = fault,
		.was_sent = true,
		.is_complete = fault == FAULT_NONE || fault == FAULT_STATUS,
		.status = p->has_status ? p->status : 0,
		.bytes_in = p->head_bytes + p->body_bytes,
		.slack_ns = task_slack_ns(t, now_ns),
		.end_ns = now_ns,
		.example = example,
	};

	timer_stop(&t->_timer);
	stats_end(t->_env->stats, &t->_exchange, &end);
}

/* The exchange fails and the connection cannot be used again. */
static void task_fail(struct task *t, enum fault fault, int64_t now_ns, const char *example)
{
	task_finish(t, fault, now_ns, example);
	task_close(t);
	t->_env->on_closed(t, true);
}

static void task_fail_errno(struct task *t, bool sending)
{
	int error = t->_transport.error;
	enum fault fault = sending ? FAULT_SEND : FAULT_RECEIVE;

	if (error == ECONNRESET || error == EPIPE)
		fault = FAULT_RESET;
	task_fail(t, fault, clock_now_ns(), task_error_text(t));
}

void task_abandon(struct task *t, int64_t now_ns)
{
	if (t->_state == TASK_CLOSED)
		return;
	if (task_has_exchange(t))
		stats_give_up(t->_env->stats, &t->_exchange, true, now_ns);
	task_close(t);
}

/* ---------------------------------------------------------------- connecting */

static void task_note_tls(struct task *t)
{
	struct task_env *env = t->_env;

	stats_shook_hands(env->stats, clock_now_ns() - t->_shake_started_ns);
	if (env->tls_info.version[0] == '\0')
		tls_get_info(&t->_transport, &env->tls_info);
}

static void task_connected(struct task *t, uint32_t events)
{
	timer_stop(&t->_timer);
	t->_requests = 0;
	t->_env->opened++;
	if (t->_env->tls)
		task_note_tls(t);
	else
		stats_connected(t->_env->stats, clock_now_ns() - t->_connect_started_ns);
	task_set_state(t, TASK_IDLE);
	/* The same edge may tell that the peer has closed already, and no other one will. */
	if (events & TASK_PEER_EVENTS || t->_env->tls)
		loop_task_again(&t->_loop_task);
	t->_env->on_idle(t, false);
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
		[TLS_FAULT_PROTOCOL] = FAULT_TLS_PROTOCOL,
		[TLS_FAULT_ALERT] = FAULT_TLS_ALERT,
		[TLS_FAULT_CLOSED] = FAULT_TLS_CLOSED,
		[TLS_FAULT_OURS] = FAULT_NO_MEMORY,
	};
	enum tls_fault fault = tls_get_fault(&t->_transport);

	return fault == TLS_FAULT_NONE ? fault_of_connect_errno(t->_transport.error)
				       : of_tls[fault];
}

/* One half of connecting after the other. */
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

static void task_on_connect_event(struct task *t, uint32_t events)
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

/* ---------------------------------------------------------------- sending */

static bool task_take(struct task *t, const char *data, size_t n, int64_t now_ns);

/* A server that refuses a large request answers, and closes with most of it unread: then the answer
 * is there, and counts. */
static void task_on_write_failed(struct task *t)
{
	struct task_env *env = t->_env;
	int error = t->_transport.error;
	size_t n;

	if (transport_read(&t->_transport, env->read_buffer, env->read_size, &n) == IO_OK &&
		!task_take(t, env->read_buffer, n, clock_now_ns()))
		return;
	t->_transport.error = error;
	task_fail_errno(t, true);
}

static void task_write(struct task *t)
{
	const struct request *request = &t->_env->requests[t->_exchange.request];

	while (t->_sent < request->len) {
		size_t n;
		enum io io = transport_write(
			&t->_transport, request->bytes + t->_sent, request->len - t->_sent, &n);

		if (io == IO_AGAIN)
			return;
		if (io != IO_OK) {
			task_on_write_failed(t);
			return;
		}
		if (n == request->len)
			t->_exchange.sent_all_ns = t->_exchange.sent_ns;
		t->_sent += n;
	}
	if (t->_exchange.sent_all_ns == 0)
		t->_exchange.sent_all_ns = clock_now_ns();
	task_set_state(t, TASK_RECEIVING);
}

void task_send(struct task *t, const struct exchange *x, int64_t now_ns)
{
	struct task_env *env = t->_env;
	const struct request *request = &env->requests[x->request];

	t->_exchange = *x;
	t->_exchange.n_sent++;
	t->_exchange.sent_ns = now_ns;
	t->_sent = 0;
	http1_start(&t->_response, request->is_head);
	env->sent++;
	env->requests_on_new += t->_requests++ == 0;
	stats_sent(env->stats, &t->_exchange);
	env->stats->totals.bytes_out += request->len;
	timer_start(&env->_request_timeouts, &t->_timer, x->planned_ns + env->request_timeout_ns);
	task_set_state(t, TASK_SENDING);
	task_write(t);
}

/* ---------------------------------------------------------------- receiving */

/* Nothing has been read ahead, and nothing is there to read: no goodbye, no byte that nobody asked
 * for. Where the last read has told, this costs none. */
static bool task_is_quiet(struct task *t)
{
	size_t n;

	if (t->_transport.is_drained)
		return true;
	switch (transport_read(&t->_transport, t->_env->read_buffer, t->_env->read_size, &n)) {
	case IO_AGAIN:
		return true;
	case IO_EOF:
	case IO_ERROR:
		t->_peer_closing = true;
		break;
	case IO_OK:
		break;
	}
	return false;
}

static void task_complete(struct task *t, int64_t now_ns, bool has_surplus)
{
	struct task_env *env = t->_env;
	unsigned status = t->_response.status;

	t->_exchange.done_ns = now_ns;
	if (t->_state == TASK_SENDING)
		t->_exchange.sent_all_ns = now_ns; /* it never will be */
	if (status < 400) {
		task_finish(t, FAULT_NONE, now_ns, NULL);
	} else {
		char example[32];

		(void)snprintf(example, sizeof(example), "status %u", status);
		task_finish(t, FAULT_STATUS, now_ns, example);
	}
	if (env->reuse && t->_response.keep_alive && !has_surplus && !t->_peer_closing &&
		t->_state == TASK_RECEIVING && task_is_quiet(t)) {
		task_set_state(t, TASK_IDLE);
		env->on_idle(t, true);
		return;
	}
	if (t->_peer_closing || (env->reuse && !t->_response.keep_alive))
		env->closed_by_peer++;
	task_close(t);
	env->on_closed(t, true);
}

/* Takes in n bytes that were read. True: the exchange goes on. */
static bool task_take(struct task *t, const char *data, size_t n, int64_t now_ns)
{
	size_t used;

	if (t->_exchange.first_byte_ns == 0)
		t->_exchange.first_byte_ns = now_ns;
	switch (http1_feed_memo(&t->_response, &t->_env->_memo, data, n, &used)) {
	case HTTP1_MORE:
		return true;
	case HTTP1_DONE:
		task_complete(t, now_ns, used < n);
		return false;
	case HTTP1_ERROR:
		break;
	}
	task_fail(t, FAULT_BAD_RESPONSE, now_ns, t->_response.error);
	return false;
}

static void task_on_end(struct task *t)
{
	int64_t now_ns = clock_now_ns();

	const char *why = "closed in the middle of the response";

	t->_peer_closing = true;
	if (http1_end(&t->_response) == HTTP1_DONE) {
		if (!t->_transport.is_truncated) {
			task_complete(t, now_ns, false);
			return;
		}
		why = "closed without TLS's goodbye: the body may be cut";
	} else if (http1_is_untouched(&t->_response)) {
		why = "closed before any byte of the response";
	}
	t->_env->closed_by_peer++;
	task_fail(t, FAULT_CLOSED, now_ns, why);
}

static void task_read(struct task *t)
{
	struct task_env *env = t->_env;

	for (int budget = TASK_READ_BUDGET; budget > 0; budget--) {
		uint64_t skippable = http1_skippable(&t->_response);
		bool discards = skippable > env->read_size;
		size_t want = env->read_size;
		size_t n;
		enum io io;

		if (discards) {
			/* All but the last byte: the read that takes it sees what is behind. */
			want = skippable < SIZE_MAX / 2 ? (size_t)skippable - 1 : SIZE_MAX / 2;
			io = transport_discard(&t->_transport, want, &n);
		} else {
			io = transport_read(&t->_transport, env->read_buffer, want, &n);
		}
		if (io == IO_AGAIN)
			return;
		if (io == IO_EOF) {
			task_on_end(t);
			return;
		}
		if (io == IO_ERROR) {
			task_fail_errno(t, false);
			return;
		}
		if (discards)
			(void)http1_skipped(&t->_response, n);
		else if (!task_take(t, env->read_buffer, n, clock_now_ns()))
			return;
		/* Drained does not tell of the peer's close. */
		if (t->_transport.is_drained && !t->_peer_closing)
			return;
	}
	loop_task_again(&t->_loop_task);
}

/* Nothing was asked: the peer closes, or speaks out of turn. No events: task_connected has seen it
 * and nothing was sent since. TLS has words of its own, of which the transport keeps silent. */
static void task_on_idle_event(struct task *t, uint32_t events)
{
	struct task_env *env = t->_env;
	size_t n;

	env->idle_why = NULL;
	if (env->tls) {
		enum io io = transport_read(&t->_transport, env->read_buffer, env->read_size, &n);

		if (io == IO_AGAIN)
			return;
		if (io == IO_ERROR)
			env->idle_why = task_error_text(t);
	} else if (events != 0 && !(events & TASK_PEER_EVENTS)) {
		return;
	}
	env->closed_by_peer++;
	task_close(t);
	t->_env->on_closed(t, false);
}

static void task_on_request_timeout(struct timer_queue *q, struct timer *timer)
{
	struct task *t = container_of(timer, struct task, _timer);

	(void)q;
	/* HTTP/1.1 cannot cancel a request, so the connection goes with it. */
	task_fail(t, FAULT_TIMEOUT, clock_now_ns(),
		t->_exchange.first_byte_ns ? "the response was not complete" : "no response");
}

/* ---------------------------------------------------------------- the loop's side */

/* A server may refuse a large request before it has read all of it: its answer is read first,
 * because with the close behind it the write would fail. */
static void task_on_sending_event(struct task *t, uint32_t events)
{
	bool is_tls = t->_env->tls != NULL;

	if (events == 0 || events & TASK_PEER_EVENTS || is_tls)
		task_read(t);
	if (t->_state == TASK_SENDING && (events & EPOLLOUT || is_tls))
		task_write(t);
	if (t->_state == TASK_RECEIVING)
		task_read(t);
}

static void task_on_ready(struct loop_task *loop_task, uint32_t events)
{
	struct task *t = container_of(loop_task, struct task, _loop_task);

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
		if (events == 0 || events & ~(uint32_t)EPOLLOUT || t->_transport.is_crossed)
			task_read(t);
		return;
	case TASK_CLOSED:
	case TASK_STATE_COUNT:
		break;
	}
	assert(!"a closed task is not in the loop");
}

void task_init(struct task *t, struct task_env *env)
{
	*t = (struct task){._env = env, ._transport.fd = -1};
	list_init(&t->node);
	loop_task_init(&t->_loop_task);
	timer_init(&t->_timer);
}

enum fault task_connect(struct task *t, const char **ret_why)
{
	static _Thread_local struct err err;
	struct task_env *env = t->_env;
	const struct address *a = &env->addresses[env->_next_address++ % env->n_addresses];
	int r;

	t->_connect_started_ns = clock_now_ns();
	t->_peer_closing = false;
	err.text[0] = '\0';
	t->_shake_started_ns = 0;
	r = env->tls ? tls_connect(&t->_transport, env->tls, &a->sa, a->len, NULL, env->guard, &err)
		     : tcp_connect(&t->_transport, &a->sa, a->len, NULL, env->guard, &err);
	if (r == 0) {
		r = loop_add_task(
			env->loop, &t->_loop_task, t->_transport.fd, LOOP_STREAM, task_on_ready);
		if (r < 0)
			transport_close(&t->_transport);
	}
	if (r < 0) {
		if (err.text[0] == '\0')
			err_set(&err, "connect to %s: %s", a->text, strerror(-r));
		*ret_why = err.text;
		return fault_of_connect_errno(-r);
	}
	task_set_state(t, TASK_CONNECTING);
	timer_start(&env->_connect_timeouts, &t->_timer,
		t->_connect_started_ns + env->connect_timeout_ns);
	return FAULT_NONE;
}

void task_env_init(struct task_env *env)
{
	timer_queue_init(&env->_connect_timeouts, env->loop, task_on_connect_timeout, env);
	timer_queue_init(&env->_request_timeouts, env->loop, task_on_request_timeout, env);
}

void task_env_fini(struct task_env *env)
{
	timer_queue_fini(&env->_connect_timeouts);
	timer_queue_fini(&env->_request_timeouts);
}
