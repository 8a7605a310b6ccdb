/* SPDX-License-Identifier: Apache-2.0 */
/* A connection serves one request at a time:
 *
 *   READING --request whole--> SERVED --its turn over--> WAITING --delay over--> SENDING --answer
 *   ^  | | \                     (one server for all)      ^  |                   |  ^ |    out--+
 *   |  | |  +--hangs, frozen--> HUNG, until the client    |  +-------------------+  | |         |
 *   |  | |                      closes                    |  (or back to READING)    | |         |
 *   |  | +--body piece not due yet------------------------+<--drip piece not due yet--|-+         |
 *   |  +--malformed: answer is 400; "100 Continue"----------------------------------+           |
 *   +----------------------------------------------------------------last one: LINGERING, closed-+
 *
 * With no service and no delay the answer is sent in the callback that read the request, so a
 * request costs one recv and one send. Pipelined requests wait in the kernel's buffer, or after the
 * present one in `kept`, until their turn comes: since one request is handled at a time, answers
 * are in order.
 *
 * The bytes of a recv are in the core's buffer and only valid during the callback. A connection
 * keeps a copy only of an incomplete line or of bytes that arrived too early; one that waits for
 * its delay needs this struct and 16 bytes in the heap.
 *
 * The time that an answer took counts from the kernel's stamp of the request's last bytes: what it
 * waited in the listen backlog, in the kernel's buffer or in `kept`, while the origin slept,
 * stalled or answered others, is of its making. Delays and service times begin when it is read.
 *
 * A client that half-closes still gets its answers, except on a HUNG connection, which sends none.
 * LINGERING: closing with unread bytes would reset the connection and could destroy the last answer
 * in transit, so the rest is read and dropped until the client closes or a second has passed. */
#include "daemon/origin/origin_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/http/transport.h"
#include "daemon/origin/origin_core.h"

/* The maximum number of steps for one connection in one turn of the loop. */
#define ORIGIN_CONN_BUDGET 16
#define ORIGIN_CONN_DROP_SIZE ((size_t)1024 * 1024)
#define ORIGIN_CONN_LINGER_NS NSEC_PER_SEC

enum origin_conn_state {
	ORIGIN_CONN_READING,
	ORIGIN_CONN_SERVED,
	ORIGIN_CONN_WAITING,
	ORIGIN_CONN_SENDING,
	ORIGIN_CONN_HUNG,
	ORIGIN_CONN_LINGERING,
};

/* The result of a step: continue at once, wait for the loop, or end. */
enum origin_conn_step {
	ORIGIN_CONN_NEXT,
	ORIGIN_CONN_AGAIN,
	ORIGIN_CONN_CLOSE,
};

struct origin_conn {
	struct loop_task task;
	struct list node; /* in core->conns */
	struct origin_core *core;
	struct origin_peer *peer;
	struct origin_waiter waiter;
	struct origin_job job; /* SERVED */
	struct timer timer;    /* in core->linger, or in core->idle while READING */
	struct origin_request request;
	struct origin_pace_read pace; /* for a body that is read slowly */
	const struct origin_answer *answer;
	uint64_t sent;
	uint64_t to_send;
	int64_t received_ns; /* when the last bytes read had arrived; 0: not known */
	int64_t whole_ns;    /* when all of the present request had arrived */
	int64_t begin_ns;    /* drip: when the answer began */
	int64_t delay_ns;    /* of the present request, after its service */
	char *kept;
	uint32_t kept_len;
	uint32_t n_answers; /* number of answers until it closes */
	enum origin_conn_state state;
	enum origin_conn_state next; /* WAITING: the state after it */
	enum origin_class class;     /* of the answer */
	bool kept_is_fresh;	     /* kept bytes were not parsed yet, because it was not their
				      * turn; else: part of a line */
	bool readable;		     /* according to the edges */
	bool peer_done;		     /* there is an EOF to be read */
	bool closes;		     /* after this answer */
	bool closes_unasked;
	bool has_unread; /* bytes were dropped or refused: linger */
	bool in_body;
	bool has_served; /* has served a request */
};

static void origin_conn_close(struct origin_conn *c)
{
	struct origin_core *core = c->core;
	int fd = c->task.fd;

	origin_core_forget(core, &c->waiter);
	if (c->state == ORIGIN_CONN_SERVED)
		origin_service_drop(&core->service, &c->job);
	timer_stop(&c->timer);
	loop_remove_task(&c->task);
	list_remove(&c->node);
	(void)close(fd);
	origin_peers_leave(&core->peers, c->peer);
	free(c->kept);
	free(c);
	origin_tally_add(&core->tally.connections, (uint64_t)-1);
	core->on_closed(core);
}

/* Starts the idle timeout if the next request is awaited. */
static void origin_conn_begin_reading(struct origin_conn *c)
{
	int64_t idle_ns = c->core->settings.idle_ns;

	c->state = ORIGIN_CONN_READING;
	if (idle_ns > 0 && !c->in_body)
		timer_start(&c->core->idle, &c->timer, clock_now_ns() + idle_ns);
}

static void origin_conn_wait(struct origin_conn *c, int64_t due_ns, enum origin_conn_state next)
{
	c->state = ORIGIN_CONN_WAITING;
	c->next = next;
	origin_core_wait(c->core, &c->waiter, due_ns);
}

/* ---- answering */

static void origin_conn_begin_sending(struct origin_conn *c)
{
	c->state = ORIGIN_CONN_SENDING;
	if (c->core->settings.drip_pieces > 0)
		c->begin_ns = clock_now_ns();
}

/* The number of bytes that may have been sent by now. */
static uint64_t origin_conn_allowed(const struct origin_conn *c)
{
	const struct settings_origin *s = &c->core->settings;
	uint64_t head_len = c->answer->head_len;

	if (s->drip_pieces == 0 || c->to_send <= head_len)
		return c->to_send;
	return origin_pace_drip(s, head_len, c->to_send - head_len, clock_now_ns() - c->begin_ns);
}

static void origin_conn_wait_for_piece(struct origin_conn *c)
{
	int64_t passed_ns = clock_now_ns() - c->begin_ns;
	int64_t next_ns = origin_pace_next_drip(&c->core->settings, passed_ns);

	origin_conn_wait(c, c->begin_ns + next_ns, ORIGIN_CONN_SENDING);
}

/* The kernel has accepted all of the answer. */
static enum origin_conn_step origin_conn_end_answer(struct origin_conn *c)
{
	struct origin_core *core = c->core;

	if (c->answer == &core->go_on) {
		origin_conn_begin_reading(c);
		return ORIGIN_CONN_NEXT;
	}
	origin_tally_answer(&core->tally, c->class, clock_now_ns() - c->whole_ns);
	if (!c->closes) {
		origin_conn_begin_reading(c);
		return ORIGIN_CONN_NEXT;
	}
	if (c->closes_unasked)
		origin_tally_add(&core->tally.closed, 1);
	if (!c->has_unread && (!c->readable || c->peer_done))
		return ORIGIN_CONN_CLOSE;
	c->state = ORIGIN_CONN_LINGERING;
	c->readable = true;
	(void)shutdown(c->task.fd, SHUT_WR);
	timer_start(&core->linger, &c->timer, clock_now_ns() + ORIGIN_CONN_LINGER_NS);
	return ORIGIN_CONN_NEXT;
}

static enum origin_conn_step origin_conn_send(struct origin_conn *c)
{
	uint64_t allowed = origin_conn_allowed(c);
	const char *piece;
	size_t len;
	ssize_t n;

	if (c->sent == allowed) {
		origin_conn_wait_for_piece(c);
		return ORIGIN_CONN_AGAIN;
	}
	len = origin_answer_at(c->answer, c->sent, &piece);
	if (len > allowed - c->sent)
		len = (size_t)(allowed - c->sent); /* HEAD, or drip */
	do {
		n = send(c->task.fd, piece, len, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? ORIGIN_CONN_AGAIN : ORIGIN_CONN_CLOSE;
	c->sent += (uint64_t)n;
	return c->sent < c->to_send ? ORIGIN_CONN_NEXT : origin_conn_end_answer(c);
}

static void origin_conn_prepare(
	struct origin_conn *c, const struct origin_answer *answer, enum origin_class class)
{
	c->answer = answer;
	c->to_send = answer->total;
	c->sent = 0;
	c->class = class;
}

/* Chooses the Connection header, and whether the connection is really closed. */
static enum origin_answer_kind origin_conn_choose_end(struct origin_conn *c)
{
	const struct settings_origin *s = &c->core->settings;
	bool keeps_alive = origin_request_keeps_alive(&c->request);

	c->closes = !keeps_alive;
	c->closes_unasked = keeps_alive && s->close_after > 0 && ++c->n_answers >= s->close_after;
	if (c->closes_unasked)
		c->closes = true;
	if (!keeps_alive || (c->closes_unasked && s->close_is_said))
		return ORIGIN_ANSWER_CLOSES;
	return c->request.is_http10 ? ORIGIN_ANSWER_STAYS_HTTP10 : ORIGIN_ANSWER_STAYS;
}

/* For its times a request begins when the kernel has received it, however late it is read. */
static int64_t origin_conn_arrived_ns(const struct origin_conn *c, int64_t now_ns)
{
	return c->received_ns > 0 && c->received_ns < now_ns ? c->received_ns : now_ns;
}

static void origin_conn_delay(struct origin_conn *c, int64_t from_ns)
{
	int64_t due_ns;

	if (c->delay_ns <= 0) {
		origin_conn_begin_sending(c);
		return;
	}
	if (__builtin_add_overflow(from_ns, c->delay_ns, &due_ns))
		due_ns = CLOCK_NEVER;
	origin_conn_wait(c, due_ns, ORIGIN_CONN_SENDING);
}

/* For a request that will not be answered only the connection is kept. */
static void origin_conn_hang(struct origin_conn *c)
{
	origin_tally_add(&c->core->tally.hung, 1);
	c->state = ORIGIN_CONN_HUNG;
	c->closes = true;
}

static bool origin_conn_freezes(struct origin_conn *c)
{
	struct origin_core *core = c->core;
	bool freezes = c->has_served && core->n_frozen < core->settings.freeze;

	c->has_served = true;
	if (freezes)
		core->n_frozen++;
	return freezes;
}

/* The request is complete: draws its random numbers and starts its service or its delay. */
static void origin_conn_answer(struct origin_conn *c)
{
	struct origin_core *core = c->core;
	struct origin_fate fate = origin_core_draw(core);
	int64_t now_ns = clock_now_ns();
	const struct origin_answer *answers = core->answers[fate.is_error];

	c->whole_ns = origin_conn_arrived_ns(c, now_ns);
	c->in_body = false;
	timer_stop(&c->timer);
	origin_tally_add(&core->tally.requests, 1);
	if (core->gaps)
		origin_gaps_add(core->gaps, now_ns);
	if (origin_stall_begin(&core->stall, now_ns))
		now_ns = clock_now_ns();
	if (origin_conn_freezes(c) || fate.hangs) {
		origin_conn_hang(c);
		return;
	}
	origin_conn_prepare(c, &answers[origin_conn_choose_end(c)],
		fate.is_error ? ORIGIN_CLASS_ERROR : ORIGIN_CLASS_OK);
	if (c->request.is_head)
		c->to_send = c->answer->head_len;
	origin_request_init(&c->request);
	c->delay_ns = fate.delay_ns;
	if (core->settings.service.ns == 0) {
		origin_conn_delay(c, now_ns);
		return;
	}
	c->state = ORIGIN_CONN_SERVED;
	origin_service_add(&core->service, &c->job, now_ns, fate.service_ns);
}

static void origin_conn_refuse(struct origin_conn *c)
{
	c->whole_ns = origin_conn_arrived_ns(c, clock_now_ns());
	c->in_body = false;
	timer_stop(&c->timer);
	origin_conn_prepare(c, &c->core->refusal, ORIGIN_CLASS_REFUSED);
	c->closes = true;
	c->closes_unasked = false;
	c->has_unread = true;
	origin_conn_begin_sending(c);
}

/* The head has ended; n_behind bytes of the body have already arrived. */
static void origin_conn_begin_body(struct origin_conn *c, size_t n_behind)
{
	uint64_t skippable = origin_request_skippable(&c->request);
	uint64_t n_read = skippable > 0 && skippable < n_behind ? skippable : n_behind;

	c->in_body = true;
	timer_stop(&c->timer);
	origin_pace_read_begin(&c->pace, clock_now_ns(), n_read);
	if (!c->request.expects_100 || n_behind > 0)
		return;
	origin_conn_prepare(c, &c->core->go_on, ORIGIN_CLASS_OK);
	origin_conn_begin_sending(c);
}

/* ---- reading */

/* A body that is read slowly is read in pieces. False: not now; the connection waits. */
static bool origin_conn_may_read(struct origin_conn *c)
{
	const struct settings_origin *s = &c->core->settings;
	int64_t due_ns;

	if (s->read_bytes == 0 || !c->in_body)
		return true;
	due_ns = origin_pace_read_wait(&c->pace, s, clock_now_ns());
	if (due_ns > 0)
		origin_conn_wait(c, due_ns, ORIGIN_CONN_READING);
	return due_ns == 0;
}

/* The maximum size of one recv, as the pace allows; origin_conn_was_read counts what it read. */
static size_t origin_conn_read_max(const struct origin_conn *c, size_t max)
{
	bool is_paced = c->core->settings.read_bytes > 0 && c->in_body;

	return is_paced && c->pace.left < max ? (size_t)c->pace.left : max;
}

static void origin_conn_was_read(struct origin_conn *c, size_t n)
{
	if (c->core->settings.read_bytes > 0 && c->in_body)
		c->pace.left -= n;
}

/* data is in the core's buffer; the connection must have kept nothing when this is called. */
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
		} else if (c->request.at_body) {
			origin_conn_begin_body(c, len);
			if (c->state == ORIGIN_CONN_READING)
				(void)origin_conn_may_read(c);
		} else {
			break;
		}
	}
	return origin_conn_keep(c, data, len);
}

/* A long body is discarded in the kernel. */
static enum origin_conn_step origin_conn_drop_body(struct origin_conn *c, uint64_t body_left)
{
	size_t len = body_left < ORIGIN_CONN_DROP_SIZE ? (size_t)body_left : ORIGIN_CONN_DROP_SIZE;
	ssize_t n = tcp_receive_stamped(
		c->task.fd, NULL, origin_conn_read_max(c, len), MSG_TRUNC, &c->received_ns);

	if (n == 0)
		return ORIGIN_CONN_CLOSE;
	if (n == -1 && errno == EINTR)
		return ORIGIN_CONN_NEXT;
	if (n == -1) {
		c->readable = false;
		return errno == EAGAIN ? ORIGIN_CONN_AGAIN : ORIGIN_CONN_CLOSE;
	}
	origin_conn_was_read(c, (size_t)n);
	origin_request_skip(&c->request, (uint64_t)n);
	if (c->request.state == ORIGIN_REQUEST_DONE)
		origin_conn_answer(c);
	return ORIGIN_CONN_NEXT;
}

static enum origin_conn_step origin_conn_read(struct origin_conn *c)
{
	char *buffer = c->core->buffer;
	size_t kept_len = c->kept_len;
	size_t max;
	ssize_t n = 0;

	if (!origin_conn_may_read(c))
		return ORIGIN_CONN_AGAIN;
	if (!c->kept_is_fresh) {
		uint64_t body_left = origin_request_skippable(&c->request);

		if (!c->readable)
			return ORIGIN_CONN_AGAIN;
		if (body_left > ORIGIN_READ_SIZE && kept_len == 0)
			return origin_conn_drop_body(c, body_left);
		max = origin_conn_read_max(c, ORIGIN_READ_SIZE);
		n = tcp_receive_stamped(c->task.fd, buffer + kept_len, max, 0, &c->received_ns);
		if (n == 0)
			return ORIGIN_CONN_CLOSE;
		if (n == -1 && errno == EINTR)
			return ORIGIN_CONN_NEXT;
		if (n == -1) {
			c->readable = false;
			return errno == EAGAIN ? ORIGIN_CONN_AGAIN : ORIGIN_CONN_CLOSE;
		}
		/* A short recv has drained the socket, unless an EOF is known to follow. */
		if ((size_t)n < max && !c->peer_done)
			c->readable = false;
		origin_conn_was_read(c, (size_t)n);
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
	case ORIGIN_CONN_HUNG:
		return c->peer_done ? ORIGIN_CONN_CLOSE : ORIGIN_CONN_AGAIN;
	case ORIGIN_CONN_SERVED:
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

	/* The connection was reset, or closed in both directions and not by this side: no answer
	 * can be delivered. */
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
	c->state = c->next;
	/* An answer that drips has already begun. */
	if (c->state == ORIGIN_CONN_SENDING && c->sent == 0)
		origin_conn_begin_sending(c);
	origin_conn_run(c);
}

void origin_conn_on_served(struct origin_core *core, struct origin_job *job)
{
	struct origin_conn *c = container_of(job, struct origin_conn, job);

	(void)core;
	origin_conn_delay(c, clock_now_ns());
	origin_conn_run(c);
}

void origin_conn_on_linger_end(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	origin_conn_close(container_of(timer, struct origin_conn, timer));
}

void origin_conn_on_idle_end(struct timer_queue *queue, struct timer *timer)
{
	struct origin_core *core = queue->userdata;

	origin_tally_add(&core->tally.closed, 1);
	origin_conn_close(container_of(timer, struct origin_conn, timer));
}

int origin_conn_open(struct origin_core *core, int fd, struct origin_peer *peer)
{
	uint64_t n_conns = atomic_load_explicit(&core->tally.connections, memory_order_relaxed);
	struct origin_conn *c = calloc(1, sizeof(*c));
	int r = c ? origin_core_reserve(core, n_conns + 1) : -ENOMEM;

	if (r == 0) {
		c->core = core;
		c->peer = peer;
		list_init(&c->node);
		timer_init(&c->timer);
		origin_job_init(&c->job);
		origin_request_init(&c->request);
		r = loop_add_task(core->loop, &c->task, fd, LOOP_STREAM, origin_conn_on_ready);
	}
	if (r < 0) {
		free(c);
		origin_peers_leave(&core->peers, peer);
		(void)close(fd);
		return r;
	}
	origin_conn_begin_reading(c);
	list_push_back(&core->conns, &c->node);
	origin_tally_add(&core->tally.connections, 1);
	origin_tally_add(&core->tally.accepted, 1);
	return 0;
}

void origin_conn_close_all(struct origin_core *core)
{
	while (!list_empty(&core->conns))
		origin_conn_close(container_of(core->conns.next, struct origin_conn, node));
}
