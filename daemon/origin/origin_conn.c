/* SPDX-License-Identifier: Apache-2.0 */
/* A connection serves one request at a time:
 *
 *   READING --request whole--> WAITING --delay over--> SENDING --answer out--> READING
 *      |                                                  ^  \--last answer--> LINGERING, closed
 *      +--malformed: answer is 400------------------------+
 *
 * With no delay WAITING is left out and the answer goes out from within the reading, so a request
 * costs one recv and one send. Pipelined requests lie in the kernel's buffer, or behind the present
 * one in `kept`, until their turn comes: answers are in order because there is nothing to order.
 *
 * The bytes of a recv are in the core's buffer and gone with the callback. A connection keeps a
 * copy only of half a line or of requests that came too early; one that waits for its delay is this
 * struct and 16 bytes in the heap.
 *
 * A client that half-closes still gets its answers. LINGERING: closing with unread bytes would
 * reset the connection and could destroy the last answer on its way, so the rest is read and
 * dropped until the client closes or a second has passed. */
#include "daemon/origin/origin_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/origin/origin_core.h"

/* Steps for one connection in one turn of the loop. */
#define ORIGIN_CONN_BUDGET 16
#define ORIGIN_CONN_DROP_SIZE ((size_t)1024 * 1024)
#define ORIGIN_CONN_LINGER_NS NSEC_PER_SEC

enum origin_conn_state {
	ORIGIN_CONN_READING,
	ORIGIN_CONN_WAITING,
	ORIGIN_CONN_SENDING,
	ORIGIN_CONN_LINGERING,
};

/* What a step leads to: go on at once, wait for the loop, or the end. */
enum origin_conn_step {
	ORIGIN_CONN_NEXT,
	ORIGIN_CONN_AGAIN,
	ORIGIN_CONN_CLOSE,
};

struct origin_conn {
	struct loop_task task;
	struct list node; /* in core->conns */
	struct origin_core *core;
	struct origin_waiter waiter;
	struct timer linger;
	struct origin_request request;
	const struct origin_answer *answer;
	uint64_t sent;
	uint64_t to_send;
	char *kept;
	uint32_t kept_len;
	enum origin_conn_state state;
	bool kept_is_fresh; /* not parsed yet, for want of its turn; else: half a line */
	bool readable;	    /* as far as the edges tell */
	bool peer_done;	    /* there is an end of stream to be read */
	bool closes;	    /* after this answer */
	bool has_unread;    /* dropped or refused bytes: linger */
};

static void origin_conn_close(struct origin_conn *c)
{
	struct origin_core *core = c->core;
	int fd = c->task.fd;

	origin_core_forget(core, &c->waiter);
	timer_stop(&c->linger);
	loop_remove_task(&c->task);
	list_remove(&c->node);
	(void)close(fd);
	free(c->kept);
	free(c);
	origin_core_add(&core->connections, (uint64_t)-1);
	core->on_closed(core);
}

static enum origin_conn_step origin_conn_send(struct origin_conn *c)
{
	const char *piece;
	size_t len = origin_answer_at(c->answer, c->sent, &piece);
	ssize_t n;

	if (len > c->to_send - c->sent)
		len = (size_t)(c->to_send - c->sent); /* HEAD */
	do {
		n = send(c->task.fd, piece, len, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? ORIGIN_CONN_AGAIN : ORIGIN_CONN_CLOSE;
	c->sent += (uint64_t)n;
	if (c->sent < c->to_send)
		return ORIGIN_CONN_NEXT;
	if (!c->closes) {
		c->state = ORIGIN_CONN_READING;
		return ORIGIN_CONN_NEXT;
	}
	if (!c->has_unread && (!c->readable || c->peer_done))
		return ORIGIN_CONN_CLOSE;
	c->state = ORIGIN_CONN_LINGERING;
	c->readable = true;
	(void)shutdown(c->task.fd, SHUT_WR);
	timer_start(&c->core->linger, &c->linger, clock_now_ns() + ORIGIN_CONN_LINGER_NS);
	return ORIGIN_CONN_NEXT;
}

/* The request is whole: throws the dice for it and starts its delay. */
static void origin_conn_answer(struct origin_conn *c)
{
	struct origin_core *core = c->core;
	bool keeps_alive = origin_request_keeps_alive(&c->request);
	bool is_error = origin_core_draw_error(core);
	int64_t delay_ns = origin_core_draw_delay(core);
	enum origin_answer_kind kind = ORIGIN_ANSWER_STAYS;
	int64_t due_ns;

	if (!keeps_alive)
		kind = ORIGIN_ANSWER_CLOSES;
	else if (c->request.is_http10)
		kind = ORIGIN_ANSWER_STAYS_HTTP10;
	c->answer = &core->answers[is_error][kind];
	c->to_send = c->request.is_head ? c->answer->head_len : c->answer->total;
	c->sent = 0;
	c->closes = !keeps_alive;
	origin_core_add(&core->requests, 1);
	if (is_error)
		origin_core_add(&core->errors, 1);
	origin_request_init(&c->request);

	if (delay_ns <= 0) {
		c->state = ORIGIN_CONN_SENDING;
		return;
	}
	if (__builtin_add_overflow(clock_now_ns(), delay_ns, &due_ns))
		due_ns = CLOCK_NEVER;
	c->state = ORIGIN_CONN_WAITING;
	origin_core_wait(core, &c->waiter, due_ns);
}

static void origin_conn_refuse(struct origin_conn *c)
{
	c->answer = &c->core->refusal;
	c->to_send = c->answer->total;
	c->sent = 0;
	c->closes = true;
	c->has_unread = true;
	c->state = ORIGIN_CONN_SENDING;
}

/* data lies in the core's buffer; the connection has kept nothing when this is called. */
static enum origin_conn_step origin_conn_keep(struct origin_conn *c, const char *data, size_t len)
{
	if (len == 0 || c->closes)
		return ORIGIN_CONN_NEXT;
	c->kept = malloc(len);
	if (!c->kept)
		return ORIGIN_CONN_CLOSE;
	memcpy(c->kept, data, len);
	c->kept_len = (uint32_t)len;
	c->kept_is_fresh = c->state != ORIGIN_CONN_READING;
	return ORIGIN_CONN_NEXT;
}

static enum origin_conn_step origin_conn_consume(
	struct origin_conn *c, const char *data, size_t len)
{
	while (len > 0 && c->state == ORIGIN_CONN_READING) {
		size_t used = origin_request_feed(&c->request, data, len);

		data += used;
		len -= used;
		if (c->request.state == ORIGIN_REQUEST_BAD) {
			origin_conn_refuse(c);
		} else if (c->request.state == ORIGIN_REQUEST_DONE) {
			origin_conn_answer(c);
			c->has_unread = c->closes && len > 0;
			if (c->state == ORIGIN_CONN_SENDING &&
				origin_conn_send(c) == ORIGIN_CONN_CLOSE)
				return ORIGIN_CONN_CLOSE;
		} else {
			break;
		}
	}
	return origin_conn_keep(c, data, len);
}

/* A long body is dropped in the kernel. */
static enum origin_conn_step origin_conn_drop_body(struct origin_conn *c, uint64_t body_left)
{
	size_t len = body_left < ORIGIN_CONN_DROP_SIZE ? (size_t)body_left : ORIGIN_CONN_DROP_SIZE;
	ssize_t n = recv(c->task.fd, NULL, len, MSG_TRUNC);

	if (n == 0)
		return ORIGIN_CONN_CLOSE;
	if (n == -1 && errno == EINTR)
		return ORIGIN_CONN_NEXT;
	if (n == -1) {
		c->readable = false;
		return errno == EAGAIN ? ORIGIN_CONN_AGAIN : ORIGIN_CONN_CLOSE;
	}
	origin_request_skip(&c->request, (uint64_t)n);
	if (c->request.state == ORIGIN_REQUEST_DONE)
		origin_conn_answer(c);
	return ORIGIN_CONN_NEXT;
}

static enum origin_conn_step origin_conn_read(struct origin_conn *c)
{
	char *buffer = c->core->buffer;
	size_t kept_len = c->kept_len;
	ssize_t n = 0;

	if (!c->kept_is_fresh) {
		uint64_t body_left = origin_request_skippable(&c->request);

		if (!c->readable)
			return ORIGIN_CONN_AGAIN;
		if (body_left > ORIGIN_READ_SIZE && kept_len == 0)
			return origin_conn_drop_body(c, body_left);
		n = recv(c->task.fd, buffer + kept_len, ORIGIN_READ_SIZE, 0);
		if (n == 0)
			return ORIGIN_CONN_CLOSE;
		if (n == -1 && errno == EINTR)
			return ORIGIN_CONN_NEXT;
		if (n == -1) {
			c->readable = false;
			return errno == EAGAIN ? ORIGIN_CONN_AGAIN : ORIGIN_CONN_CLOSE;
		}
		/* A short recv has drained the socket, unless its end is known to lie behind. */
		if ((size_t)n < ORIGIN_READ_SIZE && !c->peer_done)
			c->readable = false;
	}
	if (kept_len > 0) {
		memcpy(buffer, c->kept, kept_len);
		free(c->kept);
		c->kept = NULL;
		c->kept_len = 0;
		c->kept_is_fresh = false;
	}
	return origin_conn_consume(c, buffer, kept_len + (size_t)n);
}

static enum origin_conn_step origin_conn_drain(struct origin_conn *c)
{
	ssize_t n;

	if (!c->readable)
		return ORIGIN_CONN_AGAIN;
	n = recv(c->task.fd, NULL, ORIGIN_CONN_DROP_SIZE, MSG_TRUNC);
	if (n > 0 || (n == -1 && errno == EINTR))
		return ORIGIN_CONN_NEXT;
	if (n == 0 || errno != EAGAIN)
		return ORIGIN_CONN_CLOSE;
	c->readable = false;
	return ORIGIN_CONN_AGAIN;
}

static enum origin_conn_step origin_conn_step(struct origin_conn *c)
{
	switch (c->state) {
	case ORIGIN_CONN_READING:
		return origin_conn_read(c);
	case ORIGIN_CONN_SENDING:
		return origin_conn_send(c);
	case ORIGIN_CONN_LINGERING:
		return origin_conn_drain(c);
	case ORIGIN_CONN_WAITING:
		break;
	}
	return ORIGIN_CONN_AGAIN;
}

/* May free c. */
static void origin_conn_run(struct origin_conn *c)
{
	for (int i = 0; i < ORIGIN_CONN_BUDGET; i++) {
		switch (origin_conn_step(c)) {
		case ORIGIN_CONN_NEXT:
			break;
		case ORIGIN_CONN_AGAIN:
			return;
		case ORIGIN_CONN_CLOSE:
			origin_conn_close(c);
			return;
		}
	}
	loop_task_again(&c->task);
}

static void origin_conn_on_ready(struct loop_task *task, uint32_t events)
{
	struct origin_conn *c = container_of(task, struct origin_conn, task);

	/* Reset, or closed in both directions and not by us: nobody is there to be answered. */
	if ((events & EPOLLERR) || ((events & EPOLLHUP) && c->state != ORIGIN_CONN_LINGERING)) {
		origin_conn_close(c);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		c->readable = true;
	if (events & EPOLLRDHUP)
		c->peer_done = true;
	origin_conn_run(c);
}

void origin_conn_on_due(struct origin_core *core, struct origin_waiter *waiter)
{
	struct origin_conn *c = container_of(waiter, struct origin_conn, waiter);

	(void)core;
	c->state = ORIGIN_CONN_SENDING;
	origin_conn_run(c);
}

void origin_conn_on_linger_end(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	origin_conn_close(container_of(timer, struct origin_conn, linger));
}

int origin_conn_open(struct origin_core *core, int fd)
{
	uint64_t n_conns = atomic_load_explicit(&core->connections, memory_order_relaxed);
	struct origin_conn *c = calloc(1, sizeof(*c));
	int r = c ? origin_core_reserve(core, n_conns + 1) : -ENOMEM;

	if (r == 0) {
		c->core = core;
		c->state = ORIGIN_CONN_READING;
		list_init(&c->node);
		timer_init(&c->linger);
		origin_request_init(&c->request);
		r = loop_add_task(core->loop, &c->task, fd, LOOP_STREAM, origin_conn_on_ready);
	}
	if (r < 0) {
		free(c);
		(void)close(fd);
		return r;
	}
	list_push_back(&core->conns, &c->node);
	origin_core_add(&core->connections, 1);
	origin_core_add(&core->accepted, 1);
	return 0;
}

void origin_conn_close_all(struct origin_core *core)
{
	while (!list_empty(&core->conns))
		origin_conn_close(container_of(core->conns.next, struct origin_conn, node));
}
