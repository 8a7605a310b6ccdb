/* SPDX-License-Identifier: Apache-2.0 */
/* The writing side of a task. Without a pipeline a request is one write from its own bytes. With
 * one, the waiting requests are collected in the worker's buffer, so that they need only one write
 * and one segment together; bytes that the kernel did not accept are collected again next time: the
 * same bytes, perhaps followed by more, as TLS requires of a repeated write.
 *
 * A request is sent (for stats, and for the question whether it may be repeated) when its first
 * byte was written, and its stamp is taken just before that write. */
#include <string.h>

#include "common/plan/plan.h"
#include "common/rare.h"
#include "daemon/engine/task_internal.h"

/* The last request that a connection may carry has "Connection: close". */
static inline const char *task_bytes_of(
	const struct task *t, const struct request *request, size_t i, size_t *ret_len)
{
	if (t->_requests == t->_env->requests_max && i == t->_n_behind && request->last_bytes) {
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
	env->requests_on_new += t->_requests + t->_n_written == 1 + t->_n_behind;
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
		*task_behind(t, t->_n_behind++) = *x;
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
