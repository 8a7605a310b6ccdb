/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What limited a run, from facts that are gathered once.
 *
 * Was the plan carried? Not, when under 99 % of it was answered well, when the connections cannot
 * carry it by their own arithmetic, when the answers were falling behind as the window closed, when
 * the backlog grew all along and the times with it, or when they did so in a stage of the plan.
 *
 * What was the limit: the generator if it is saturated; the connections if waiting for one was most
 * of the time and by their own arithmetic they hardly carry what was asked, or if the pace of
 * opening them kept requests back; else the server, also where it carried the plan and stood still
 * at times. A server that answers one request after the other takes as much longer as there are
 * more connections in use: then they are not the limit, whatever their arithmetic says.
 *
 * The arithmetic of connections is limit / mean service time, without how late answers were read
 * and with the time for which requests hang there that are never answered. A pool that carries more
 * than that is no limit, however long requests wait for one of its connections: where they piled
 * up, the server held all of them up, and would have held up more.
 *
 * A server that stands still for a good part of the time, and is as fast as ever in between,
 * carries what it is asked: late answers and backlogs are those of the standstills, at any rate.
 *
 * Requests that get no answer while all others are fast are lost, which no lower rate mends.
 *
 * Of a run without one good answer nothing is known but that: what was the limit is told only where
 * the generator failed, or where requests were left without an answer.
 *
 * In the closed model nothing is planned ahead: no request is late, a busy worker is the normal
 * state, and only answers that are not good ones make an overload. Users who think for longer than
 * they wait are the limit themselves; and those who send as fast as the service's policy or the
 * pace of opening connections lets them are held by that.
 *
 * Pure; any thread.
 */
#include <math.h>

#include "common/result/audit_internal.h"
#include "common/result/result_fill.h"

#define AUDIT_SENT 0.995 /* share of the plan sent; less, by the generator's fault, is void */

/* Less of the good answers inside the window are late ones. */
#define AUDIT_IN_WINDOW 0.95
/* A backlog and the times of fewer rows than this also need late answers to tell. */
#define AUDIT_ROWS_FEW 4
#define AUDIT_LATE_LEAST 20
/* A server stands still where its slowest hundredth is this slow, so many times its median, and
 * requests piled up. */
#define AUDIT_STALL_NS (100 * NSEC_PER_MSEC)
#define AUDIT_STALL_TIMES 10.0
/* Answers that take less than this part of the timeout are fast beside those that never came: in a
 * queue that outgrows the timeout, those that still come in time take nearly as long as it. And
 * requests that were late by less were not late by that. */
#define AUDIT_FAST 0.3
#define AUDIT_PUNCTUAL 0.1
/* As many as the service lets a run send. */
#define AUDIT_ALLOWED 0.98
/* As long without an answer, a server is slow by itself. */
#define AUDIT_SILENT_NS NSEC_PER_SEC

/* Requests that were cut off with the run are not what went wrong with it. */
static bool audit_is_cut_off(const struct audit_view *v, enum ledger_class c)
{
	return v->outcome != AUDIT_COMPLETED && (c == LEDGER_UNSENT || c == LEDGER_UNFINISHED);
}

enum ledger_class audit_most(const struct audit_view *v)
{
	const struct ledger *l = &v->ledger;
	enum ledger_class most = LEDGER_NOT_CONNECTED;

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		if (c != LEDGER_OK && !audit_is_cut_off(v, c) && l->classes[c] > l->classes[most])
			most = c;
	return most;
}

enum ledger_class audit_failed_by(const struct audit_view *v)
{
	const struct ledger *l = &v->ledger;

	return v->failed_by != FAULT_NONE && (l->planned == 0 || l->classes[LEDGER_OK] > 0)
		       ? fault_table[v->failed_by].class
		       : audit_most(v);
}

bool audit_is_empty(const struct audit_view *v)
{
	return v->ledger.planned == 0 && v->outcome == AUDIT_COMPLETED;
}

/* ---------------------------------------------------------------- was the plan carried? */

/* Answers after the window are normal, as many as are on their way at a time (Little). Twice as
 * many, and the time they take was growing all along. Of few of them that cannot be said: a queue
 * that only wanders is three times its mean at one end in thirty. */
static bool audit_is_behind(const struct audit_view *v, const struct audit_facts *f)
{
	double response_ns = (double)v->service->mean_ns;
	double on_their_way;

	if (v->window_ns <= 0 || v->service->mean_ns < 0)
		return false;
	if (v->connection_wait->p50_ns > 0)
		response_ns += (double)v->connection_wait->p50_ns;
	if (v->our_delay->p50_ns > 0)
		response_ns += (double)v->our_delay->p50_ns;
	on_their_way = f->ok * response_ns / (double)v->window_ns;
	return f->late > (1 - AUDIT_IN_WINDOW) * f->ok &&
	       f->late > 1.5 * on_their_way + 3 * sqrt(on_their_way) + 10;
}

/* A server that carries half of the plan has as many answers on their way at the end as their mean
 * time says, for it is a mean over ever longer times: that they grew with the backlog tells. */
static bool audit_is_slowing(const struct audit_view *v, const struct audit_facts *f)
{
	return f->late > (1 - AUDIT_IN_WINDOW) * f->ok && f->ok_rate > 0 &&
	       (v->n_medians >= AUDIT_ROWS_FEW || f->late >= AUDIT_LATE_LEAST) &&
	       v->rise_ns > AUDIT_RISE * f->late / f->ok_rate * NSEC_PER_SEC;
}

/* Overload by a few percent shows nowhere else for minutes. That times grew by what it takes to
 * work off the backlog tells it from a rate that rises. */
static bool audit_is_growing(const struct audit_view *v, const struct audit_facts *f)
{
	return v->n_medians >= AUDIT_ROWS_FEW && v->growth > 0 && f->ok_rate > 0 &&
	       v->rise_ns > AUDIT_RISE * v->growth / f->ok_rate * NSEC_PER_SEC;
}

static bool audit_is_stalling(const struct audit_view *v)
{
	return v->less_ours->p50_ns >= 0 && v->less_ours->p99_ns >= AUDIT_STALL_NS &&
	       (double)v->less_ours->p99_ns >= AUDIT_STALL_TIMES * (double)v->less_ours->p50_ns &&
	       audit_has_piled_up(v);
}

static bool audit_is_lost(const struct audit_view *v, const struct audit_facts *f)
{
	enum ledger_class most = audit_most(v);
	double timeout_ns = (double)v->plan.request_timeout_ns;

	return (most == LEDGER_TIMEOUT || most == LEDGER_UNFINISHED) && !f->is_behind &&
	       f->ok > 0 && v->less_ours->p99_ns >= 0 &&
	       (double)v->less_ours->p99_ns < AUDIT_FAST * timeout_ns &&
	       (double)v->our_delay->p99_ns < AUDIT_PUNCTUAL * timeout_ns;
}

/* A closed run has no plan to fall behind. */
static void audit_gather_open(const struct audit_view *v, struct audit_facts *f)
{
	double window_s = (double)v->window_ns / NSEC_PER_SEC;

	f->late = fmax(f->ok - v->ok_per_s * window_s, 0);
	f->is_too_much =
		f->is_full && f->capacity > 0 && f->capacity < AUDIT_CARRIED * f->asked &&
		(v->connection_wait->p99_ns > v->service->p99_ns || audit_waits_on_average(v));
	f->is_growing = !f->is_cut && audit_is_growing(v, f);
	f->is_behind =
		f->is_growing || (!f->is_cut && (audit_is_behind(v, f) || audit_is_slowing(v, f)));
	f->is_stalling = audit_is_stalling(v);
	f->is_behind_in_stage = v->too_much.stage;
	if (!f->is_short)
		f->stalls = audit_find_stalls(v);
	if (f->stalls.n == 0)
		return;
	f->is_stalling = true;
	f->is_too_much = f->is_growing = f->is_behind = f->is_behind_in_stage = false;
}

struct audit_facts audit_gather(const struct audit_view *v)
{
	const struct ledger *l = &v->ledger;
	struct audit_facts f = {
		.due = (double)l->planned,
		.ok = (double)l->classes[LEDGER_OK],
		.asked = v->asked,
		.ok_rate = v->ok_per_s,
		.capacity = v->capacity,
		.is_cut = v->outcome != AUDIT_COMPLETED,
	};

	if (f.is_cut)
		f.due -= (double)l->classes[LEDGER_UNSENT] + (double)l->classes[LEDGER_UNFINISHED];
	f.is_full = audit_was_full(v);
	f.is_short = f.ok < AUDIT_CARRIED * f.due;
	/* What was only cut off with the run has not failed. */
	f.is_failed = v->outcome == AUDIT_FAILED ||
		      (l->classes[LEDGER_OK] == 0 && (!f.is_cut || f.due > 0));
	if (v->is_open)
		audit_gather_open(v, &f);
	f.is_lost = audit_is_lost(v, &f);
	return f;
}

bool audit_is_overload(const struct audit_facts *f)
{
	return f->is_short || f->is_too_much || f->is_behind || f->is_behind_in_stage;
}

/* ---------------------------------------------------------------- what was the limit? */

bool audit_waits_for_connections(const struct audit_view *v, const struct audit_facts *f)
{
	const uint64_t *n = v->ledger.classes;
	int64_t wait_ns = v->connection_wait->p99_ns;
	double kept_back = (double)n[LEDGER_DROPPED] + (double)n[LEDGER_EXPIRED];

	if (!f->is_cut)
		kept_back += (double)n[LEDGER_UNSENT];
	return f->is_full &&
	       ((wait_ns > 0 && wait_ns > v->service->p99_ns &&
			(f->capacity < AUDIT_ENOUGH * f->asked || audit_has_piled_up(v))) ||
		       (f->is_short && 2 * kept_back > f->due - f->ok));
}

bool audit_is_by_connections(const struct audit_view *v, const struct audit_facts *f)
{
	return f->capacity > 0 && f->capacity < AUDIT_ENOUGH * f->asked && f->stalls.n == 0 &&
	       !audit_is_in_turns(v) &&
	       (audit_waits_for_connections(v, f) || (f->is_full && audit_waits_on_average(v)));
}

/* Something came back from the server's side, or too late, or not at all; or it held up connections
 * that are enough. */
static bool audit_is_by_server(const struct audit_view *v, const struct audit_facts *f)
{
	const uint64_t *n = v->ledger.classes;

	return f->is_behind || f->is_behind_in_stage || f->is_stalling ||
	       audit_waits_for_connections(v, f) || n[LEDGER_HTTP_ERROR] ||
	       n[LEDGER_CHECK_FAILED] || n[LEDGER_BAD_RESPONSE] || n[LEDGER_TIMEOUT] ||
	       n[LEDGER_CONNECTION_ERROR] || n[LEDGER_UNFINISHED] ||
	       n[LEDGER_NOT_CONNECTED] > audit_count_ours(v);
}

/* All was answered in time, and nothing waited; but some answers are not as they should be. */
static bool audit_is_only_wrong(const struct audit_view *v, const struct audit_facts *f)
{
	const uint64_t *n = v->ledger.classes;
	double wrong = (double)n[LEDGER_HTTP_ERROR] + (double)n[LEDGER_CHECK_FAILED];

	return f->is_short && !f->is_too_much && !f->is_behind && !f->is_behind_in_stage &&
	       !f->is_stalling && !audit_waits_for_connections(v, f) && f->ok + wrong >= f->due;
}

bool audit_is_sent_short(const struct audit_view *v, const struct audit_facts *f)
{
	double unsent = f->is_cut ? (double)v->ledger.classes[LEDGER_UNSENT] : 0;

	return (double)v->ledger.sent < AUDIT_SENT * ((double)v->ledger.planned - unsent);
}

/* It wanted its CPU nearly all the time: on it, waiting for it, or kept from it by a quota. Then
 * answers and connections wait for us, however slow they look. */
static bool audit_is_starved(const struct audit_view *v)
{
	const struct result_generator *g = &v->r->generator;

	return (!v->plan.spins &&
		       fmax(g->cpu_share, 0) + fmax(g->run_queue_share, 0) > AUDIT_CPU) ||
	       g->throttled_share > AUDIT_THROTTLED_LIMIT;
}

/* Not one answer yet, of any kind: a server that does not answer, if some have waited for long.
 * What was cut off with the run might have been answered within its timeout. */
static enum audit_limit audit_limit_of_silence(
	const struct audit_view *v, const struct audit_facts *f)
{
	const struct result_latency *age = result_find_latency(v->r, "unserved_age");

	return v->ledger.classes[LEDGER_TIMEOUT] > 0 ||
			       (!f->is_cut && age && age->max_ns >= AUDIT_SILENT_NS)
		       ? AUDIT_BY_SERVER
		       : AUDIT_BY_UNKNOWN;
}

bool audit_is_silent(const struct audit_view *v, const struct audit_facts *f)
{
	return v->ledger.sent > 0 && v->answers == 0 && f->ok <= 0;
}

/* They think for longer than they wait. */
static bool audit_is_by_users(const struct audit_view *v)
{
	return v->own_service_ns >= 0 && (double)v->plan.think_ns > v->own_service_ns;
}

static bool audit_is_by_policy(const struct audit_view *v)
{
	return v->r->rates.allowed_per_s > 0 &&
	       v->asked >= AUDIT_ALLOWED * v->r->rates.allowed_per_s;
}

static enum audit_limit audit_find_limit_of_closed(
	const struct audit_view *v, const struct audit_facts *f)
{
	if (audit_count_ours(v) > 0)
		return AUDIT_BY_GENERATOR;
	if (f->is_short && audit_is_reset(v, audit_most(v)))
		return AUDIT_BY_SERVER;
	if (audit_is_too_short(v)) {
		if (audit_is_by_users(v))
			return AUDIT_BY_USERS;
		return audit_is_overload(f) && audit_is_by_server(v, f) &&
				       !audit_is_only_wrong(v, f)
			       ? AUDIT_BY_SERVER
			       : AUDIT_BY_UNKNOWN;
	}
	if (audit_is_by_policy(v))
		return AUDIT_BY_POLICY;
	if (!f->is_short && audit_is_held_by_pace(v))
		return AUDIT_BY_CONNECTIONS;
	if (audit_is_starved(v) || v->r->generator.stalled_share > AUDIT_STALLED_SATURATED)
		return AUDIT_BY_GENERATOR;
	if (f->is_cut && audit_is_silent(v, f))
		return audit_limit_of_silence(v, f);
	return audit_is_by_users(v) ? AUDIT_BY_USERS : AUDIT_BY_SERVER;
}

/* A wrong address, scheme, certificate or path is no limit; a server that took a connection, and
 * then no more, is. */
static enum audit_limit audit_limit_of_failure(const struct audit_view *v)
{
	enum ledger_class most = audit_failed_by(v);

	if (audit_count_ours(v) > 0)
		return AUDIT_BY_GENERATOR;
	if (v->ledger.classes[most] == 0)
		return AUDIT_BY_UNKNOWN;
	if (most == LEDGER_DROPPED)
		return AUDIT_BY_CONNECTIONS;
	if (most == LEDGER_NOT_CONNECTED && audit_accepts_no_more(v))
		return AUDIT_BY_SERVER;
	return most == LEDGER_TIMEOUT || most == LEDGER_UNFINISHED ? AUDIT_BY_SERVER
								   : AUDIT_BY_UNKNOWN;
}

enum audit_limit audit_find_limit(
	const struct audit_view *v, const struct audit_facts *f, const struct audit *a)
{
	if (f->is_failed && !audit_is_empty(v))
		return audit_limit_of_failure(v);
	if (!v->is_open)
		return audit_find_limit_of_closed(v, f);
	if (a->verdict == AUDIT_SATURATED &&
		(!audit_is_overload(f) || audit_is_sent_short(v, f) || audit_count_ours(v) > 0 ||
			audit_is_starved(v) || (!f->is_lost && audit_delay_share(v, a) >= 0.5)))
		return AUDIT_BY_GENERATOR;
	if (audit_is_by_connections(v, f))
		return AUDIT_BY_CONNECTIONS;
	if (audit_is_silent(v, f))
		return audit_limit_of_silence(v, f);
	if (f->stalls.n == 0 && audit_is_held_by_pace(v) && (!f->is_behind || audit_is_reopened(v)))
		return AUDIT_BY_CONNECTIONS;
	if (!audit_is_overload(f))
		return f->is_stalling || audit_waits_for_connections(v, f) ? AUDIT_BY_SERVER
									   : AUDIT_BY_PLAN;
	if (audit_is_only_wrong(v, f))
		return audit_may_shed(v) ? AUDIT_BY_UNKNOWN : AUDIT_BY_PLAN;
	return audit_is_by_server(v, f) ? AUDIT_BY_SERVER : AUDIT_BY_UNKNOWN;
}
