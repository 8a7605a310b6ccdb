/* SPDX-License-Identifier: Apache-2.0 */
/* The internal interface between the two parts of a task: task.c has its life cycle and ends
 * exchanges and connections, task_io.c moves bytes. */
#pragma once

#include <assert.h>

#include "common/clock.h"
#include "daemon/engine/stats.h"
#include "daemon/engine/task.h"
#include "daemon/http/check.h"
#include "daemon/http/request.h"

/* The peer has closed or sent something. */
#define TASK_PEER_EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)

/* The parts of a response that a request's checks need. */
#define TASK_WANTS_SINK 1    /* header lines or content */
#define TASK_WANTS_BODY 2    /* content: nothing may be discarded unread */
#define TASK_WANTS_VERDICT 4 /* the verdict depends on more than the status */
#define TASK_WANTS_STATUS 8  /* other than 200 to 399 */
#define TASK_WANTS_CLOSE 16  /* sent "Connection: close" on a connection that would be kept */

/* ---- task.c */

extern const bool task_transitions[TASK_STATE_COUNT][TASK_STATE_COUNT];

static inline void task_set_state(struct task *t, enum task_state state)
{
	assert(task_transitions[t->_state][state]);
	t->_state = (uint8_t)state;
}

static inline size_t task_n_in_flight(const struct task *t)
{
	return t->_state == TASK_SENDING || t->_state == TASK_RECEIVING ? 1u + t->_n_further : 0;
}

static inline struct exchange *task_further(struct task *t, size_t i)
{
	size_t at = t->_further_head + i;
	size_t size = t->_env->depth - 1;

	return &t->further[at < size ? at : at - size];
}

/* In the order of sending; 0 is the one whose response comes next. */
static inline struct exchange *task_at(struct task *t, size_t i)
{
	return i == 0 ? &t->_exchange : task_further(t, i - 1);
}

static inline bool task_is_pipeline(const struct task *t)
{
	return t->_env->depth > 1;
}

/* The number of requests in flight of which at least one byte was written. Without a pipeline
 * writing is tried at once, and that counts. */
static inline size_t task_n_begun(const struct task *t)
{
	return task_is_pipeline(t) ? t->_n_written + (t->_sent > 0) : 1;
}

static inline const struct request *task_request(const struct task *t, const struct exchange *x)
{
	return &t->_env->requests[x->request];
}

/* The part that few requests need. */
void task_expect_more(struct task *t, const struct request *request);
/* The response of _exchange begins. */
static inline void task_expect(struct task *t, const struct request *request)
{
	http1_start(&t->_response, request->asked);
	t->_wants = t->_env->_wants[t->_exchange.request];
	if (t->_wants & (TASK_WANTS_SINK | TASK_WANTS_CLOSE))
		task_expect_more(t, request);
}

/* _exchange has ended and others are in flight: the next one takes its place. */
void task_advance(struct task *t);

/* The text of the last IO_ERROR. It outlives the connection. */
const char *task_error_text(const struct task *t);
/* Closes the connection without callbacks. */
void task_close(struct task *t);
/* A turn that begins so long after its first answer was received is late. */
#define TASK_LATE_NS (100 * NSEC_PER_USEC)

/* An event of this turn may have waited that long. */
static inline bool task_is_long_ago(const struct loop_wake *wake)
{
	return wake->wake_ns - wake->prev_wait_ns > TASK_LATE_NS;
}

/* How late a stamp taken now is for what was read last: since the kernel received it. Where its own
 * stamp was not read, that of the turn's first answer bounds it, since the kernel reports events in
 * their order. Without any it may have waited since the loop last polled; or longer, which is
 * unknown if the poll before that was long ago. */
static inline int64_t task_slack_ns(const struct task *t, int64_t now_ns, bool *ret_is_known)
{
	const struct task_env *env = t->_env;
	const struct loop_wake *wake = env->_wake;
	int64_t since_ns = wake->slept ? wake->wake_ns : wake->prev_wake_ns;

	*ret_is_known = true;
	if (t->_transport.received_ns > 0 && t->_transport.received_ns > t->_exchange.sent_ns)
		since_ns = t->_transport.received_ns;
	else if (env->_stamped_wake_ns == wake->wake_ns && env->_first_received_ns > 0)
		since_ns = env->_first_received_ns;
	else
		*ret_is_known = !task_is_long_ago(wake);
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

/* Reports to stats how the exchange whose response arrived ended. */
void task_finish(struct task *t, enum fault fault, int64_t now_ns, const char *example);
/* The same for an end that does not depend on lateness; is_complete: the complete response has
 * arrived. */
static inline void task_finish_as(
	struct task *t, enum fault fault, bool is_complete, int64_t now_ns, const char *example)
{
	const struct http1 *p = &t->_response;
	struct stats_end end = {
		.fault = fault,
		.was_sent = true,
		.is_complete = is_complete,
		.status = p->status,
		.end_ns = now_ns,
		.connection = t->_connection,
		.example = example,
	};

	end.slack_ns = task_slack_ns(t, now_ns, &end.is_slack_known);
	stats_end(t->_env->stats, &t->_exchange, &end);
}
/* Closes the connection. The first n_done in flight have ended already and are counted in
 * loss.n_ended; the others are returned, or end with that fault. why: the reason for these. To be
 * the last act of a callback. */
void task_drop(struct task *t, struct task_loss loss, size_t n_done, enum fault fault,
	int64_t now_ns, const char *why);
/* The exchange whose response was awaited fails, and the connection cannot be used again. */
void task_fail(struct task *t, enum fault fault, int64_t now_ns, const char *example);
/* The peer has closed or reset the connection while a response was awaited. */
void task_fail_gone(struct task *t, enum fault fault, int64_t now_ns, const char *example);
void task_fail_errno(struct task *t, bool sending);
/* Its transport has failed: counts a reset before the first answer, unless it was long unused. */
void task_note_reset(struct task *t);

/* ---- task_io.c */

void task_write(struct task *t);
/* Writes the queued requests of pipelines, at the end of the callback that queued them. */
void task_flush(struct task_env *env);
/* Counts bytes of the requests in flight. */
size_t task_n_bytes_written(const struct task *t);
void task_read(struct task *t);
void task_on_idle_event(struct task *t, uint32_t events);
