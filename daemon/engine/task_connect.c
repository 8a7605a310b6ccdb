/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the connection of a task. Addresses and sources are used in turn, each worker beginning at
 * another one; a source only serves addresses of its family, so an address without one is skipped.
 * The port is chosen by connect (transport.h), so one source serves as many connections to each
 * address as there are ports. */
#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "common/plan/plan.h"
#include "daemon/engine/task_internal.h"
#include "daemon/http/resolver.h"

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

void task_on_connect_event(struct task *t, uint32_t events)
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

void task_on_connect_timeout(struct timer_queue *q, struct timer *timer)
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
	t->_n_written = t->_n_behind = t->_behind_head = 0;
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
