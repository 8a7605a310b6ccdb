/* SPDX-License-Identifier: Apache-2.0 */
/* How exchanges and connections end.
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
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/engine/task_internal.h"

/* Well below 40 ms, the maximum delay of an acknowledgement in Linux. */
#define TASK_RACE_NS (10 * NSEC_PER_MSEC)

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
	bool is_behind = task_is_pipeline(t) && t->_turn_ns > x->sent_ns;
	int64_t since_ns = t->_turn_ns > x->sent_ns ? t->_turn_ns : x->sent_ns;
	size_t n_written = task_n_bytes_written(t);
	struct transport_account account;
	bool is_acknowledged, is_soon;

	if (t->_requests <= 1u + t->_n_behind)
		return false;
	/* A write that failed counts as one byte. */
	if (n_written <= 1)
		return true;
	account = transport_get_account(&t->_transport);
	is_acknowledged = account.unacknowledged < n_written - 1;
	is_soon = now_ns - task_slack_ns(t, now_ns) - since_ns <=
		  account.round_trip_ns + TASK_RACE_NS;
	if (is_behind && is_soon)
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

void task_fail_errno(struct task *t, bool sending)
{
	int error = t->_transport.error;

	if (error == ECONNRESET || error == EPIPE)
		task_fail_gone(t, FAULT_RESET, clock_now_ns(), task_error_text(t));
	else
		task_fail(t, sending ? FAULT_SEND : FAULT_RECEIVE, clock_now_ns(),
			task_error_text(t));
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
void task_on_request_timeout(struct timer_queue *q, struct timer *timer)
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

void task_on_age(struct timer_queue *q, struct timer *timer)
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
