/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side of a task: the bytes are a response that was requested, or the connection cannot
 * be used any more. One read may return the responses of several requests of a pipeline; each ends
 * its exchange and is reported upwards before the next one is parsed. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/plan/plan.h"
#include "common/rare.h"
#include "common/str.h"
#include "daemon/engine/task_internal.h"

/* The maximum number of reads in one call: a large response must not delay the other tasks. */
#define TASK_READ_BUDGET 16

/* The maximum number of redirects that are searched for a location. */
#define TASK_LOCATION_TRIES 16

/* ---------------------------------------------------------------- bytes that belong to no answer
 */

/* Counts the bytes that are line ends. Some servers send one after a body; if no answer is awaited
 * they are dropped (RFC 9112 sections 2.2 and 9.2). */
static size_t task_count_line_ends(const char *data, size_t n)
{
	size_t i = 0;

	while (i < n && (data[i] == '\r' || data[i] == '\n'))
		i++;
	return i;
}

/* An answer was followed by n bytes that were read with it. True: they belong to no answer, so it
 * is unknown where the next answer would begin. The bytes after 101 belong to another protocol. */
static RARE bool task_is_surplus(struct task *t, const char *data, size_t n)
{
	bool is_surplus = t->_response.status != 101 && task_count_line_ends(data, n) < n;

	t->_env->surplus += is_surplus;
	return is_surplus;
}

/* The result of a read while nothing is expected. */
enum task_quiet {
	TASK_QUIET,  /* only line ends were read, perhaps more follow in the next turn */
	TASK_SPEAKS, /* the bytes are in read_buffer */
	TASK_ENDS,
	TASK_FAILS, /* the transport has the reason */
};

static enum task_quiet task_read_nothing(struct task *t, size_t *ret_n)
{
	struct task_env *env = t->_env;

	for (int budget = TASK_READ_BUDGET; budget > 0; budget--) {
		switch (transport_read(&t->_transport, env->read_buffer, env->read_size, ret_n)) {
		case IO_AGAIN:
			return TASK_QUIET;
		case IO_EOF:
			return TASK_ENDS;
		case IO_ERROR:
			return TASK_FAILS;
		case IO_OK:
			break;
		}
		if (task_count_line_ends(env->read_buffer, *ret_n) < *ret_n)
			return TASK_SPEAKS;
		if (t->_transport.is_drained && !t->_peer_closing)
			return TASK_QUIET;
	}
	loop_task_again(&t->_loop_task);
	return TASK_QUIET;
}

/* After an answer: nothing has been read ahead, and there is nothing to read. Not called if the
 * last read has already shown that. */
static RARE bool task_is_quiet(struct task *t, bool *ret_has_surplus)
{
	size_t n;

	switch (task_read_nothing(t, &n)) {
	case TASK_QUIET:
		return true;
	case TASK_SPEAKS:
		*ret_has_surplus = task_is_surplus(t, t->_env->read_buffer, n);
		return false;
	case TASK_ENDS:
	case TASK_FAILS:
		break;
	}
	t->_peer_closing = true;
	return false;
}

/* ---------------------------------------------------------------- an answer is there */

/* The verdict if it depends on more than the usual set of statuses. */
static enum fault task_check(
	struct task *t, const struct plan_request *r, char example[static CHECK_EXAMPLE_MAX])
{
	unsigned status = t->_response.status;

	if (t->_wants & TASK_WANTS_VERDICT)
		return check_verdict(t->check, r, status, t->_response.body_bytes, example);
	if (plan_statuses_has(&r->expect_statuses, status))
		return FAULT_NONE;
	(void)snprintf(example, CHECK_EXAMPLE_MAX, "status %03u", status);
	return FAULT_STATUS;
}

static __attribute__((noinline)) void task_judge(struct task *t, int64_t now_ns)
{
	char example[CHECK_EXAMPLE_MAX];
	enum fault fault;

	fault = task_check(t, task_request(t, &t->_exchange)->plan, example);
	task_finish(t, fault, now_ns, fault == FAULT_NONE ? NULL : example);
}

/* The default: 200 to 399. */
static inline bool task_is_good(const struct task *t)
{
	return t->_wants == 0 && t->_response.status - 200 < 200;
}

static bool task_may_live_on(const struct task *t, bool has_surplus)
{
	/* The answer arrived before the request was completely written: the rest will never be
	 * sent. */
	return t->_env->reuse && t->_response.keep_alive && !has_surplus && t->_n_written > 0;
}

/* Closes the connection that has just answered. */
static RARE void task_part(struct task *t, int64_t now_ns, bool has_surplus)
{
	struct task_env *env = t->_env;
	struct task_loss loss = {.n_ended = 1};
	bool is_last = t->_requests == env->requests_max && t->_n_behind == 0;
	bool says_close = t->_wants & TASK_WANTS_CLOSE;
	bool is_by_us = has_surplus || is_last || t->_is_retiring || t->_response.status == 101;
	bool said_so = !t->_response.keep_alive && !is_last && t->_response.status != 101;

	if (!says_close && (t->_peer_closing || (env->reuse && said_so))) {
		env->closed_by_peer++;
	} else if (env->reuse && is_by_us) {
		env->closed_by_us++;
		loss.by_us = true;
	}
	task_drop(t, loss, 1, FAULT_STALE, now_ns, "closed before its turn came");
}

/* One of a pipeline is answered, and others follow. */
static __attribute__((noinline)) bool task_go_on(struct task *t, int64_t now_ns)
{
	/* The peer has closed, and the rest was not even begun. */
	if (t->_peer_closing && task_n_begun(t) <= 1) {
		task_part(t, now_ns, false);
		return false;
	}
	t->_is_careful = false;
	task_advance(t);
	t->_env->on_idle(t, true);
	return true;
}

/* The response is complete. True: others are in flight, and may have arrived too. */
static inline __attribute__((always_inline)) bool task_complete(
	struct task *t, int64_t now_ns, bool has_surplus)
{
	struct task_env *env = t->_env;

	t->_exchange.done_ns = now_ns;
	if (t->_exchange.sent_all_ns == 0)
		t->_exchange.sent_all_ns = now_ns;
	if (!task_is_good(t))
		task_judge(t, now_ns);
	else if (env->is_soft)
		task_finish(t, FAULT_NONE, now_ns, NULL);
	else
		task_finish_as(t, FAULT_NONE, true, now_ns, NULL);
	if (!task_may_live_on(t, has_surplus)) {
		task_part(t, now_ns, has_surplus);
		return false;
	}
	if (t->_n_behind > 0)
		return task_go_on(t, now_ns);
	if (t->_peer_closing || t->_is_retiring || t->_requests == env->requests_max ||
		!(t->_transport.is_drained || task_is_quiet(t, &has_surplus))) {
		task_part(t, now_ns, has_surplus);
		return false;
	}
	timer_stop(&t->_timer);
	t->_n_written = 0;
	t->_sent = 0;
	t->_is_careful = false;
	task_set_state(t, TASK_IDLE);
	env->on_idle(t, true);
	return false;
}

/* Keeps the location of a redirect, if the line is completely in these bytes. */
static void task_note_location(struct task *t, const char *data, size_t n)
{
	static const char name[] = "\nlocation:";
	struct task_env *env = t->_env;
	const char *end = data + n, *at = data, *line_end;

	env->_location_tries++;
	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		if ((size_t)(end - at) <= strlen(name) || at[1] == '\r' || at[1] == '\n')
			return;
		if (strncasecmp(at, name, strlen(name)) == 0)
			break;
		at++;
	}
	if (!at)
		return;
	at += strlen(name);
	line_end = memchr(at, '\n', (size_t)(end - at));
	if (!line_end)
		return;
	while (at < line_end && (*at == ' ' || *at == '\t'))
		at++;
	while (line_end > at && (line_end[-1] == '\r' || line_end[-1] == ' '))
		line_end--;
	str_cut(env->first_location, sizeof(env->first_location), at, (size_t)(line_end - at));
}

/* Looks only at the first bytes of a response: its head, or most of it. */
static RARE void task_note_redirect(struct task *t, const char *data, size_t n, int64_t now_ns)
{
	const struct task_env *env = t->_env;

	if (t->_exchange.first_byte_ns == now_ns && t->_response.status != 304 &&
		env->first_location[0] == '\0' && env->_location_tries < TASK_LOCATION_TRIES)
		task_note_location(t, data, n);
}

static inline enum http1_result task_feed(
	struct task *t, const char *data, size_t n, size_t *ret_used)
{
	struct task_env *env = t->_env;

	if (t->_wants & TASK_WANTS_SINK)
		return http1_feed_sink(&t->_response, check_sink(t->check), data, n, ret_used);
	return http1_feed_memo(
		&t->_response, &env->_memos[t->_exchange.request % TASK_MEMOS], data, n, ret_used);
}

static RARE void task_refuse(struct task *t, int64_t now_ns)
{
	static const enum fault faults[] = {
		[HTTP1_NOT_FOREIGN] = FAULT_BAD_RESPONSE,
		[HTTP1_FOREIGN_OTHER] = FAULT_NOT_HTTP,
		[HTTP1_FOREIGN_TLS] = FAULT_SPEAKS_TLS,
		[HTTP1_FOREIGN_HTTP2] = FAULT_SPEAKS_HTTP2,
	};

	task_fail(t, faults[t->_response.foreign], now_ns, t->_response.error);
}

/* Nothing of the response has arrived except perhaps line ends: they belong to the one before it,
 * and are no first byte. Returns the number of bytes to feed at once. */
static inline size_t task_begin_response(struct task *t, const char *data, size_t n, int64_t now_ns)
{
	if (__builtin_expect(*data == '\r' || *data == '\n', 0))
		return task_count_line_ends(data, n);
	t->_exchange.first_byte_ns = now_ns;
	return n;
}

bool task_take(struct task *t, const char *data, size_t n, int64_t now_ns)
{
	struct task_env *env = t->_env;

	for (;;) {
		enum http1_result result;
		size_t used, fed = n;

		if (t->_exchange.first_byte_ns == 0)
			fed = task_begin_response(t, data, n, now_ns);
		result = task_feed(t, data, fed, &used);
		stats_read(env->stats, used, now_ns);
		if (__builtin_expect(t->_response.status - 300 < 100, 0))
			task_note_redirect(t, data, used, now_ns);
		if (result == HTTP1_ERROR) {
			task_refuse(t, now_ns);
			return false;
		}
		data += used;
		n -= used;
		if (result == HTTP1_MORE) {
			if (n == 0)
				return true;
			continue;
		}
		if (!task_complete(t, now_ns,
			    n > 0 && task_n_begun(t) <= 1 && task_is_surplus(t, data, n)))
			return false;
		if (n == 0)
			return true;
	}
}

static RARE void task_on_end(struct task *t)
{
	int64_t now_ns = clock_now_ns();

	t->_peer_closing = true;
	if (task_n_begun(t) > 0 && http1_end(&t->_response) == HTTP1_DONE) {
		if (!t->_transport.is_truncated) {
			task_complete(t, now_ns, false);
			return;
		}
		t->_env->closed_by_peer++;
		task_fail_gone(t, FAULT_TRUNCATED, now_ns,
			"closed without TLS close_notify: the body may be cut");
		return;
	}
	t->_env->closed_by_peer++;
	task_fail_gone(t, FAULT_CLOSED, now_ns,
		t->_exchange.first_byte_ns ? "closed in the middle of the response"
					   : "closed before any byte of the response");
}

/* Perhaps no byte of a pipeline's requests is written yet: then no response may arrive. True: read
 * on. */
static RARE bool task_take_unasked(struct task *t, size_t n)
{
	if (task_count_line_ends(t->_env->read_buffer, n) == n)
		return true;
	t->_env->surplus += t->_requests > 1u + t->_n_behind;
	t->_env->closed_by_us++;
	task_drop(t, (struct task_loss){0}, 0, FAULT_STALE, clock_now_ns(), "");
	return false;
}

void task_read(struct task *t)
{
	struct task_env *env = t->_env;

	for (int budget = TASK_READ_BUDGET; budget > 0; budget--) {
		bool is_wanted = !t->_response.has_status || t->_wants & TASK_WANTS_BODY;
		uint64_t skippable = is_wanted ? 0 : http1_skippable(&t->_response);
		bool discards = skippable > env->read_size;
		size_t want = env->read_size;
		size_t n;
		enum io io;

		if (discards) {
			/* All but the last byte: the read that gets it sees the bytes after it. */
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
		if (discards) {
			stats_read(env->stats, n, clock_now_ns());
			(void)http1_skipped(&t->_response, n);
		} else if (task_n_begun(t) == 0
				   ? !task_take_unasked(t, n)
				   : !task_take(t, env->read_buffer, n, clock_now_ns())) {
			return;
		}
		/* Drained does not show that the peer has closed. */
		if (t->_transport.is_drained && !t->_peer_closing)
			return;
	}
	loop_task_again(&t->_loop_task);
}

/* The peer of an idle connection has sent n bytes. If no request was sent on it, they show which
 * protocol it speaks. */
static RARE struct task_loss task_loss_of_surplus(struct task *t, size_t n)
{
	size_t used;

	t->_env->closed_by_us++;
	if (t->_requests > 0) {
		t->_env->surplus++;
		return (struct task_loss){.why = "bytes came that belong to no answer"};
	}
	http1_start(&t->_response, 0);
	(void)http1_feed(&t->_response, t->_env->read_buffer, n, &used);
	if (t->_response.foreign == HTTP1_FOREIGN_HTTP2)
		return (struct task_loss){.fault = FAULT_SPEAKS_HTTP2, .why = t->_response.error};
	return (struct task_loss){
		.fault = t->_response.foreign ? FAULT_NOT_HTTP : FAULT_BAD_RESPONSE,
		.why = "the server speaks before it is asked: it is not a server of HTTP/1.1"};
}

/* No response is awaited: the peer closes, or sends unexpected data. Called again if task_connected
 * has read and nothing was sent since. Messages of TLS itself are handled by the transport. */
void task_on_idle_event(struct task *t, uint32_t events)
{
	struct task_env *env = t->_env;
	struct task_loss loss = {.fault = FAULT_CLOSED};
	size_t n;

	if (!env->tls && !(events & (LOOP_AGAIN | TASK_PEER_EVENTS)))
		return;
	switch (task_read_nothing(t, &n)) {
	case TASK_QUIET:
		env->on_spared(t);
		return;
	case TASK_SPEAKS:
		loss = task_loss_of_surplus(t, n);
		break;
	case TASK_FAILS:
		loss.why = task_error_text(t);
		/* fall through */
	case TASK_ENDS:
		env->closed_by_peer++;
		break;
	}
	task_close(t);
	env->on_closed(t, &loss);
}
