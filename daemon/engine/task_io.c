/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a task, written and read.
 *
 * Without a pipeline a request is one write from its own bytes. With one, the waiting requests are
 * collected in the worker's buffer, so that they need only one write and one segment together;
 * bytes that the kernel did not accept are collected again next time: the same bytes, perhaps
 * followed by more, as TLS requires of a repeated write. A request is sent (for stats, and for the
 * question whether it may be repeated) when its first byte was written, and its stamp is taken just
 * before that write.
 *
 * The bytes read are a response that was requested, or the connection cannot be used any more. One
 * read may return the responses of several requests of a pipeline; each ends its exchange and is
 * reported upwards before the next one is parsed. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/plan/plan.h"
#include "common/rare.h"
#include "common/str.h"
#include "daemon/engine/task_internal.h"
#include "daemon/http/quote.h"

/* The maximum number of reads in one call: a large response must not delay the other tasks. */
#define TASK_READ_BUDGET 16

/* A stop of the generator that matters. */
#define TASK_VERY_LATE_NS NSEC_PER_MSEC

/* So many stamps may be read; one more for so many requests, and one for so long a time. */
#define TASK_STAMPS 1024
#define TASK_STAMP_REQUESTS 64
#define TASK_STAMP_NS (NSEC_PER_MSEC / 2)

/* The maximum number of redirects that are searched for a location. */
#define TASK_LOCATION_TRIES 16

/* ---------------------------------------------------------------- writing */

/* Processes n bytes that were read. True: something is still in flight. */
static bool task_take(struct task *t, const char *data, size_t n, int64_t now_ns);

/* The last request that a connection may carry has "Connection: close". */
static inline const char *task_bytes_of(
	const struct task *t, const struct request *request, size_t i, size_t *ret_len)
{
	if (t->_requests == t->_env->requests_max && i == t->_n_further && request->last_bytes) {
		*ret_len = request->last_len;
		return request->last_bytes;
	}
	*ret_len = request->len;
	return request->bytes;
}

static const char *task_bytes(struct task *t, size_t i, size_t *ret_len)
{
	return task_bytes_of(t, task_request(t, task_at(t, i)), i, ret_len);
}

size_t task_n_bytes_written(const struct task *t)
{
	size_t sum = t->_sent, len;

	for (size_t i = 0; i < t->_n_written; i++) {
		(void)task_bytes((struct task *)t, i, &len);
		sum += len;
	}
	return sum;
}

/* The first byte is about to be written. */
static inline void task_begin(struct task *t, struct exchange *x, int64_t now_ns)
{
	struct task_env *env = t->_env;

	if (x->n_sent++ == 0) {
		x->sent_ns = now_ns;
		stats_sent(env->stats, x);
	} else {
		t->_turn_ns = now_ns;
		stats_retried(env->stats);
	}
	env->sent++;
	env->requests_on_new += t->_requests + t->_n_written == 1 + t->_n_further;
}

/* A server that refuses a large request answers, and closes with most of it unread: then there is
 * an answer, and it counts. */
static RARE void task_on_write_failed(struct task *t)
{
	struct task_env *env = t->_env;
	int error = t->_transport.error;
	size_t n;

	t->_peer_closing |= task_is_pipeline(t);
	while (transport_read(&t->_transport, env->read_buffer, env->read_size, &n) == IO_OK)
		if (!task_take(t, env->read_buffer, n, clock_now_ns()))
			return;
	t->_transport.error = error;
	task_fail_errno(t, true);
}

/* now_ns: a fresh stamp. */
static inline void task_write_one(struct task *t, const char *bytes, size_t len, int64_t now_ns)
{
	struct exchange *x = &t->_exchange;

	while (t->_sent < len) {
		size_t n;
		enum io io = transport_write(&t->_transport, bytes + t->_sent, len - t->_sent, &n);

		if (io == IO_AGAIN)
			return;
		if (io != IO_OK) {
			task_on_write_failed(t);
			return;
		}
		if (n == len && x->sent_all_ns == 0)
			x->sent_all_ns = x->sent_ns;
		stats_wrote(t->_env->stats, n, now_ns);
		t->_sent += n;
		if (t->_sent < len)
			now_ns = clock_now_ns();
	}
	if (x->sent_all_ns == 0)
		x->sent_all_ns = clock_now_ns();
	t->_sent = 0;
	t->_n_written = 1;
	task_set_state(t, TASK_RECEIVING);
}

/* ---------------------------------------------------------------- a pipeline */

/* Collects the bytes to be written next, in one piece. */
static const char *task_gather(struct task *t, size_t *ret_len)
{
	struct task_env *env = t->_env;
	size_t n = task_n_in_flight(t), skip = t->_sent, len = 0, of;
	const char *bytes = task_bytes(t, t->_n_written, &of);

	if (t->_n_written + 1 == n || of - skip >= env->write_size) {
		*ret_len = of - skip;
		return bytes + skip;
	}
	for (size_t i = t->_n_written; i < n && len < env->write_size; i++) {
		size_t left, room = env->write_size - len;

		bytes = task_bytes(t, i, &of);
		left = of - skip < room ? of - skip : room;
		memcpy(env->write_buffer + len, bytes + skip, left);
		len += left;
		skip = 0;
	}
	*ret_len = len;
	return env->write_buffer;
}

/* n bytes were written, in a write that began at now_ns. */
static void task_note_written(struct task *t, size_t n, int64_t now_ns)
{
	while (n > 0) {
		struct exchange *x = task_at(t, t->_n_written);
		bool begins = t->_sent == 0;
		size_t len;

		(void)task_bytes(t, t->_n_written, &len);
		if (begins)
			task_begin(t, x, now_ns);
		if (n < len - t->_sent) {
			t->_sent += n;
			return;
		}
		n -= len - t->_sent;
		t->_sent = 0;
		t->_n_written++;
		if (x->sent_all_ns == 0)
			x->sent_all_ns = begins ? x->sent_ns : clock_now_ns();
	}
}

/* Requests in a failed write count as sent: nothing is retried endlessly. */
static void task_note_unwritable(struct task *t, int64_t now_ns)
{
	if (t->_sent > 0)
		return;
	task_begin(t, task_at(t, t->_n_written), now_ns);
	t->_sent = 1;
}

static void task_write_all(struct task *t)
{
	while (t->_n_written < task_n_in_flight(t)) {
		int64_t now_ns = clock_now_ns();
		size_t len, n;
		const char *data = task_gather(t, &len);
		enum io io = transport_write(&t->_transport, data, len, &n);

		if (io == IO_AGAIN)
			return;
		if (io != IO_OK) {
			task_note_unwritable(t, now_ns);
			task_on_write_failed(t);
			return;
		}
		stats_wrote(t->_env->stats, n, now_ns);
		task_note_written(t, n, now_ns);
	}
	task_set_state(t, TASK_RECEIVING);
}

void task_write(struct task *t)
{
	const char *bytes;
	size_t len;

	if (task_is_pipeline(t)) {
		task_write_all(t);
		return;
	}
	bytes = task_bytes(t, 0, &len);
	task_write_one(t, bytes, len, clock_now_ns());
}

/* A failure may queue requests on other tasks, which are appended to the list. */
void task_flush(struct task_env *env)
{
	struct list *node;

	while ((node = list_pop_front(&env->_unflushed))) {
		struct task *t = container_of(node, struct task, _unflushed);

		if (t->_state == TASK_SENDING)
			task_write(t);
	}
}

/* ---------------------------------------------------------------- an exchange begins */

/* With a pipeline the timer is set to the earliest deadline among those in flight so far; when it
 * expires the deadline is checked. */
static void task_start_timer(struct task *t, const struct exchange *x)
{
	struct task_env *env = t->_env;
	int64_t deadline_ns = x->planned_ns + env->request_timeout_ns;

	if (!timer_is_running(&t->_timer) || deadline_ns < t->_timer.deadline_ns)
		timer_start(&env->_request_timeouts, &t->_timer, deadline_ns);
}

static void task_queue(struct task *t, const struct exchange *x)
{
	struct task_env *env = t->_env;

	assert(task_has_room(t, x->n_sent > 0));
	if (t->_state == TASK_IDLE) {
		t->_exchange = *x;
		t->_is_careful = x->n_sent > 0 && t->_requests == 0;
		task_expect(t, task_request(t, x));
	} else {
		*task_further(t, t->_n_further++) = *x;
	}
	t->_requests++;
	task_start_timer(t, x);
	if (t->_state != TASK_SENDING)
		task_set_state(t, TASK_SENDING);
	if (list_empty(&t->_unflushed))
		list_push_back(&env->_unflushed, &t->_unflushed);
	if (!env->_is_in_task)
		loop_task_again(&env->_flush);
}

void task_send(struct task *t, const struct exchange *x, int64_t now_ns)
{
	struct task_env *env = t->_env;
	const struct request *request = &env->requests[x->request];
	const char *bytes;
	size_t len;

	if (task_is_pipeline(t)) {
		task_queue(t, x);
		return;
	}
	if (x != &t->_exchange)
		t->_exchange = *x;
	t->_requests++;
	task_expect(t, request);
	timer_start(&env->_request_timeouts, &t->_timer, x->planned_ns + env->request_timeout_ns);
	task_set_state(t, TASK_SENDING);
	bytes = task_bytes_of(t, request, 0, &len);
	task_begin(t, &t->_exchange, now_ns);
	task_write_one(t, bytes, len, now_ns);
}

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
	check_tell_status(r, status, example);
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
	bool is_last = t->_requests == env->requests_max && t->_n_further == 0;
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
	if (t->_n_further > 0)
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

/* "WHAT; it begins: 220 mail.test ESMTP"; borrowed until the next call. */
static const char *task_quote(struct task_env *env, const char *what, const char *data, size_t n)
{
	struct quote quote;

	while (n > 0 && data[n - 1] >= 0 && data[n - 1] <= ' ')
		n--;
	err_set(&env->_quoted, "%s; it begins: %s", what,
		quote_bytes(&quote, data, n, QUOTE_SHORT_MAX));
	return env->_quoted.text;
}

static RARE void task_refuse(struct task *t, const char *data, size_t n, int64_t now_ns)
{
	static const enum fault faults[] = {
		[HTTP1_NOT_FOREIGN] = FAULT_BAD_RESPONSE,
		[HTTP1_FOREIGN_OTHER] = FAULT_NOT_HTTP,
		[HTTP1_FOREIGN_TLS] = FAULT_SPEAKS_TLS,
		[HTTP1_FOREIGN_HTTP2] = FAULT_SPEAKS_HTTP2,
	};

	if (t->_response.foreign == HTTP1_FOREIGN_OTHER)
		task_fail(t, FAULT_NOT_HTTP, now_ns,
			task_quote(t->_env, t->_response.error, data, n));
	else
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

static bool task_take(struct task *t, const char *data, size_t n, int64_t now_ns)
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
			task_refuse(t, data, n, now_ns);
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
	t->_env->surplus += t->_requests > 1u + t->_n_further;
	t->_env->closed_by_us++;
	task_drop(t, (struct task_loss){0}, 0, FAULT_STALE, clock_now_ns(), "");
	return false;
}

/* No event has waited longer than since the poll before the last one began. Where that is long, the
 * stamp of the turn's first answer is read; where that one came late, those of the turn's other
 * answers too; as far as the requests can pay for them, unless it is very long. */
static inline bool task_wants_stamp(const struct task_env *env)
{
	const struct loop_wake *wake = env->_wake;

	if (env->_stamped_wake_ns == wake->wake_ns) {
		if (!env->_is_late)
			return false;
	} else if (!task_is_long_ago(wake)) {
		return false;
	} else if (wake->wake_ns - wake->prev_wait_ns > TASK_VERY_LATE_NS) {
		return true;
	}
	return env->_n_stamps <
	       TASK_STAMPS + env->sent / TASK_STAMP_REQUESTS +
		       (uint64_t)((wake->wake_ns - env->_opened_ns) / TASK_STAMP_NS);
}

static RARE void task_note_stamp(const struct task *t)
{
	struct task_env *env = t->_env;
	int64_t wake_ns = env->_wake->wake_ns, received_ns = t->_transport.received_ns;

	/* Nothing is received before its request is sent, unless the wall clock was set since. */
	if (received_ns <= t->_exchange.sent_ns)
		received_ns = 0;
	/* Of what came during the turn, or was left from the last one, nothing follows for the
	 * others. */
	env->_n_stamps++;
	if (env->_stamped_wake_ns == wake_ns || received_ns > wake_ns || env->_is_again)
		return;
	env->_stamped_wake_ns = wake_ns;
	env->_first_received_ns = received_ns;
	env->_is_late = received_ns > 0 && wake_ns - received_ns > TASK_LATE_NS;
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
			t->_transport.wants_stamp = task_wants_stamp(env);
			io = transport_read(&t->_transport, env->read_buffer, want, &n);
			if (t->_transport.wants_stamp && io == IO_OK)
				task_note_stamp(t);
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
		.why = task_quote(t->_env,
			"the server speaks before it is asked: it is not a server of HTTP/1.1",
			t->_env->read_buffer, n)};
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
		task_note_reset(t);
		/* fall through */
	case TASK_ENDS:
		env->closed_by_peer++;
		break;
	}
	task_close(t);
	env->on_closed(t, &loss);
}
