/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finished run is worth: rules over its figures, asked in this order.
 *
 * 1. The notes: each figure of ours against its limit. They make the verdict on the generator, and
 *    nothing but the verdict.
 * 2. Was the plan carried? Not, when under 99 % of it was answered well, when the connections
 * cannot carry it by their own arithmetic, when the answers were falling behind as the window
 * closed, or when the backlog grew all along and the times with it.
 * 3. What was the limit: the generator if it is saturated; the connections if waiting for one was
 *    most of the time and by their own arithmetic they hardly carry what was asked, or if the pace
 *    of opening them kept requests back; else the server, also where it carried the plan and stood
 *    still at times.
 *
 * The arithmetic of connections is limit / mean service time, without how late answers were read
 * and with the time for which requests hang there that are never answered. A
 * pool that carries more than that is no limit, however long requests wait for one of its
 * connections: then the server held all of them up, and would have held up more.
 *
 * Requests that get no answer while all others are fast are lost, which no lower rate mends: a
 * lower rate is advised where times or a backlog grew.
 *
 * Of a run without one good answer nothing is known but that: what was the limit is told only where
 * the generator failed, or where requests were left without an answer.
 *
 * 4. Headline, exit code, and the sentence that gives the figures, with what to try.
 *
 * A false alarm costs more than a late one: a hosted machine is late by milliseconds all day long,
 * so `saturated` needs a delay that is both large and a large part of the answer, and being late is
 * never by itself a reason for an exit code. The server's slowness is a finding, not a failure.
 *
 * In the closed model nothing is planned ahead: no request is late, a busy worker is the normal
 * state, and only answers that are not good ones make an overload. Users who think for longer than
 * they wait are the limit themselves.
 *
 * A sum of runs is judged as the one run that they were: by its own figures, however its runs were
 * judged. Advice is for each of them.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include "common/result/audit.h"

#include <math.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/json_path.h"
#include "common/result/audit_internal.h"
#include "common/result/audit_text.h"
#include "common/result/result_fill.h"
#include "common/str.h"

#define AUDIT_CARRIED 0.99 /* share of the plan answered well */
#define AUDIT_SENT 0.995   /* share of the plan sent; less, by the generator's fault, is void */
#define AUDIT_MANY_CONNECTIONS 1000
#define AUDIT_MARGIN 1.5 /* times the connections that are needed by the arithmetic */

/* Less of the good answers inside the window, and times that grew by this part of what it takes to
 * work off the rest: between thirds of a window, a straight line rises by two thirds. */
#define AUDIT_IN_WINDOW 0.95
#define AUDIT_RISE 0.4
/* A backlog and the times of fewer rows than this also need late answers to tell. */
#define AUDIT_ROWS_FEW 4
#define AUDIT_LATE_LEAST 20
/* Times what came through: a capacity above that is not the limit. */
#define AUDIT_EXPLAINS 1.5
/* A server stands still where its slowest hundredth is this slow, so many times its median, and far
 * more requests came to wait at once than are on their way on average: a few slow ones among fast
 * ones do not pile up. */
#define AUDIT_STALL_NS (100 * NSEC_PER_MSEC)
#define AUDIT_STALL_TIMES 10.0
#define AUDIT_STALL_PILE 3.0
/* Answers that take less than this part of the timeout are fast beside those that never came. */
#define AUDIT_FAST 0.1
/* As long without an answer, a server is slow by itself. */
#define AUDIT_SILENT_NS NSEC_PER_SEC

const char *const audit_limit_names[] = {
	[AUDIT_BY_PLAN] = "plan",
	[AUDIT_BY_SERVER] = "server",
	[AUDIT_BY_USERS] = "users",
	[AUDIT_BY_CONNECTIONS] = "connections",
	[AUDIT_BY_GENERATOR] = "generator",
	[AUDIT_BY_UNKNOWN] = "unknown",
};

const char *const audit_headline_names[] = {
	[AUDIT_HEADLINE_OK] = "ok",
	[AUDIT_HEADLINE_PASS] = "pass",
	[AUDIT_HEADLINE_FAIL] = "fail",
	[AUDIT_HEADLINE_UNDECIDED] = "undecided",
	[AUDIT_HEADLINE_OVERLOAD] = "overload",
	[AUDIT_HEADLINE_VOID] = "void",
};

const char *const audit_outcome_names[AUDIT_OUTCOMES] = {
	[AUDIT_COMPLETED] = "completed",
	[AUDIT_STOPPED] = "stopped",
	[AUDIT_ABORTED] = "aborted",
	[AUDIT_FAILED] = "failed",
	[AUDIT_INTERRUPTED] = "interrupted",
};

/* ---------------------------------------------------------------- was the plan carried? */

struct audit_facts {
	double due; /* arrivals, less those that were cut off with the run */
	double ok;
	double asked;	  /* per second */
	double ok_rate;	  /* per second */
	double capacity;  /* requests/s that the connections carry; 0: unknown */
	double late;	  /* ok, but only after the window */
	bool is_cut;	  /* the run did not come to its own end */
	bool is_full;	  /* every connection was in use */
	bool is_short;	  /* too few were answered well */
	bool is_too_much; /* for the connections, by their arithmetic */
	bool is_behind;	  /* answers were falling behind, */
	bool is_growing;  /* and so was the backlog, all along */
	bool is_stalling; /* the server stood still at times */
	bool is_lost;	  /* requests got no answer while all others were fast */
};

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

static bool audit_is_stalling(const struct audit_view *v, const struct audit_facts *f)
{
	double on_their_way = f->ok_rate * (double)v->less_ours->mean_ns / NSEC_PER_SEC;

	return v->less_ours->p50_ns >= 0 && v->less_ours->p99_ns >= AUDIT_STALL_NS &&
	       (double)v->less_ours->p99_ns >= AUDIT_STALL_TIMES * (double)v->less_ours->p50_ns &&
	       v->most_at_once > AUDIT_STALL_PILE * on_their_way + 4 * sqrt(on_their_way) + 10;
}

static enum ledger_class audit_most(const struct audit_view *v);

static bool audit_is_lost(const struct audit_view *v, const struct audit_facts *f)
{
	enum ledger_class most = audit_most(v);

	return (most == LEDGER_TIMEOUT || most == LEDGER_UNFINISHED) && !f->is_behind &&
	       f->ok > 0 && v->growth <= 0 && v->rise_ns <= 0 && v->less_ours->p99_ns >= 0 &&
	       (double)v->less_ours->p99_ns < AUDIT_FAST * (double)v->plan.request_timeout_ns;
}

static struct audit_facts audit_gather(const struct audit_view *v)
{
	const struct ledger *l = &v->ledger;
	double window_s = (double)v->window_ns / NSEC_PER_SEC;
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
	f.is_lost = audit_is_lost(v, &f);
	if (!v->is_open)
		return f;

	f.late = fmax(f.ok - v->ok_per_s * window_s, 0);
	f.is_too_much = f.is_full && v->connection_wait->p99_ns > v->service->p99_ns &&
			f.capacity > 0 && f.capacity < AUDIT_CARRIED * f.asked;
	f.is_growing = !f.is_cut && audit_is_growing(v, &f);
	f.is_behind =
		f.is_growing || (!f.is_cut && (audit_is_behind(v, &f) || audit_is_slowing(v, &f)));
	f.is_stalling = audit_is_stalling(v, &f);
	f.is_lost = audit_is_lost(v, &f);
	return f;
}

static bool audit_is_overload(const struct audit_facts *f)
{
	return f->is_short || f->is_too_much || f->is_behind;
}

/* ---------------------------------------------------------------- what was the limit? */

/* All connections in use, and waiting for one made most of the time or cost most of what failed. */
static bool audit_waits_for_connections(const struct audit_view *v, const struct audit_facts *f)
{
	const uint64_t *n = v->ledger.classes;
	int64_t wait_ns = v->connection_wait->p99_ns;
	double kept_back = (double)n[LEDGER_DROPPED] + (double)n[LEDGER_EXPIRED];

	if (!f->is_cut)
		kept_back += (double)n[LEDGER_UNSENT];
	return f->is_full && ((wait_ns > 0 && wait_ns > v->service->p99_ns) ||
				     (f->is_short && 2 * kept_back > f->due - f->ok));
}

static bool audit_is_by_connections(const struct audit_view *v, const struct audit_facts *f)
{
	return audit_waits_for_connections(v, f) && f->capacity > 0 &&
	       f->capacity < AUDIT_ENOUGH * f->asked;
}

/* Something came back from the server's side, or too late, or not at all; or it held up connections
 * that are enough. */
static bool audit_is_by_server(const struct audit_view *v, const struct audit_facts *f)
{
	const uint64_t *n = v->ledger.classes;

	return f->is_behind || f->is_stalling || audit_waits_for_connections(v, f) ||
	       n[LEDGER_HTTP_ERROR] || n[LEDGER_CHECK_FAILED] || n[LEDGER_BAD_RESPONSE] ||
	       n[LEDGER_TIMEOUT] || n[LEDGER_CONNECTION_ERROR] || n[LEDGER_UNFINISHED] ||
	       n[LEDGER_NOT_CONNECTED] > audit_count_ours(v);
}

static bool audit_is_sent_short(const struct audit_view *v, const struct audit_facts *f)
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

static bool audit_is_silent(const struct audit_view *v, const struct audit_facts *f)
{
	return v->ledger.sent > 0 && v->answers == 0 && f->ok <= 0;
}

/* They think for longer than they wait. */
static bool audit_is_by_users(const struct audit_view *v)
{
	return v->own_service_ns >= 0 && (double)v->plan.think_ns > v->own_service_ns;
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
		return audit_is_overload(f) && audit_is_by_server(v, f) ? AUDIT_BY_SERVER
									: AUDIT_BY_UNKNOWN;
	}
	if (audit_is_starved(v) || v->r->generator.stalled_share > AUDIT_STALLED_SATURATED)
		return AUDIT_BY_GENERATOR;
	if (f->is_cut && audit_is_silent(v, f))
		return audit_limit_of_silence(v, f);
	return audit_is_by_users(v) ? AUDIT_BY_USERS : AUDIT_BY_SERVER;
}

static enum audit_limit audit_find_limit(
	const struct audit_view *v, const struct audit_facts *f, const struct audit *a)
{
	if (!v->is_open)
		return audit_find_limit_of_closed(v, f);
	if (a->verdict == AUDIT_SATURATED &&
		(!audit_is_overload(f) || audit_is_sent_short(v, f) || audit_count_ours(v) > 0 ||
			audit_is_starved(v) || audit_delay_share(v, a) >= 0.5))
		return AUDIT_BY_GENERATOR;
	if (audit_is_by_connections(v, f))
		return AUDIT_BY_CONNECTIONS;
	if (audit_is_silent(v, f))
		return audit_limit_of_silence(v, f);
	if (audit_is_held_by_pace(v) && (!f->is_behind || audit_is_reopened(v)))
		return AUDIT_BY_CONNECTIONS;
	if (!audit_is_overload(f))
		return f->is_stalling || audit_waits_for_connections(v, f) ? AUDIT_BY_SERVER
									   : AUDIT_BY_PLAN;
	return audit_is_by_server(v, f) ? AUDIT_BY_SERVER : AUDIT_BY_UNKNOWN;
}

/* ---------------------------------------------------------------- headline, in words */

__attribute__((format(printf, 2, 3))) static void audit_because(
	struct audit *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->because, sizeof(a->because), format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void audit_try(
	struct audit *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->try_text, sizeof(a->try_text), format, args);
	va_end(args);
}

/* Not one ok: the class that took most of them says why, as in "not one of 1,000 requests ...". */
static const char *const audit_none_ok[LEDGER_CLASS_COUNT] = {
	[LEDGER_DROPPED] = "found a free connection",
	[LEDGER_EXPIRED] = "got a connection in time",
	[LEDGER_NOT_CONNECTED] = "found a connection",
	[LEDGER_UNSENT] = "was sent",
	[LEDGER_LOST] = "was sent before the generator ended",
	[LEDGER_HTTP_ERROR] = "was answered with an expected status",
	[LEDGER_CHECK_FAILED] = "was answered as the checks ask",
	[LEDGER_BAD_RESPONSE] = "was answered in HTTP/1.1",
	[LEDGER_TIMEOUT] = "was answered in time",
	[LEDGER_CONNECTION_ERROR] = "was answered before the connection broke",
	[LEDGER_UNFINISHED] = "was answered before the run ended",
};

/* Requests that were cut off with the run are not what went wrong with it. */
static bool audit_is_cut_off(const struct audit_view *v, enum ledger_class c)
{
	return v->outcome != AUDIT_COMPLETED && (c == LEDGER_UNSENT || c == LEDGER_UNFINISHED);
}

/* The largest class but ok. */
static enum ledger_class audit_most(const struct audit_view *v)
{
	const struct ledger *l = &v->ledger;
	enum ledger_class most = LEDGER_NOT_CONNECTED;

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		if (c != LEDGER_OK && !audit_is_cut_off(v, c) && l->classes[c] > l->classes[most])
			most = c;
	return most;
}

/* Flags are for one run: " for each run" after their numbers, where there were several at a time.
 */
static const char *audit_each(const struct audit_view *v)
{
	return v->n_hosts > 1 ? " for each run" : "";
}

/* Which check it was, where checks failed most: ": check-size (body has 1 bytes, expected 2)"; and
 * which connections, where it was these. */
static struct audit_sentence audit_which(const struct audit_view *v, enum ledger_class most)
{
	enum fault fault = audit_main_fault(v, FAULT_PHASE_CHECK);
	struct audit_sentence t = {""}, told;

	if (audit_is_reset(v, most)) {
		told = audit_tell_reset(v);
		snprintf(t.s, sizeof(t.s), ": %.180s", told.s);
	}
	if (most != LEDGER_CHECK_FAILED || fault == FAULT_NONE)
		return t;
	told = audit_tell_fault(v, fault);
	snprintf(t.s, sizeof(t.s), ": %.180s", told.s);
	return t;
}

/* Redirects that are not expected are statuses that are not expected. */
static bool audit_is_redirected(const struct audit_view *v, enum ledger_class most)
{
	return most == LEDGER_HTTP_ERROR && audit_is_mostly_redirects(v);
}

/* A wrong address, scheme, certificate or path is no limit; a server that took a connection, and
 * then no more, is. */
static enum audit_limit audit_limit_of_failure(const struct audit_view *v, enum ledger_class most)
{
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

static void audit_tell_failed(const struct audit_view *v, struct audit *a)
{
	const struct ledger *l = &v->ledger;
	const char *reason = result_words(v->r->run.reason);
	enum ledger_class most =
		v->failed_by != FAULT_NONE && (l->planned == 0 || l->classes[LEDGER_OK] > 0)
			? fault_table[v->failed_by].class
			: audit_most(v);

	a->headline = AUDIT_HEADLINE_FAIL;
	a->exit_code = EXIT_RUN_FAILED;
	if (l->planned == 0 && v->outcome == AUDIT_COMPLETED) {
		audit_because(a, "no request was due in the measured window");
		audit_try(a, "a longer run (-d), or a higher rate (-r)");
		return;
	}
	if (v->failed_by == FAULT_EVENT_LOOP) {
		a->limited_by = AUDIT_BY_GENERATOR;
		audit_because(a, "%s after %s requests", fault_table[v->failed_by].help,
			figure_count(l->sent).text);
		audit_try(a, "%s", audit_fault_remedy(v, v->failed_by).s);
		return;
	}
	a->limited_by = audit_limit_of_failure(v, most);
	if (l->classes[LEDGER_OK] > 0)
		audit_because(a, "a run of the sum failed: %.300s",
			*reason ? reason : fault_table[v->failed_by].help);
	else if (l->planned == 0)
		audit_because(a, "nothing could be sent: %s",
			v->failed_by ? fault_table[v->failed_by].help : "no connection was made");
	else
		audit_because(a, "not one of %s requests %s: %s%s", figure_count(l->planned).text,
			audit_none_ok[most], audit_text_failures(l).s, audit_which(v, most).s);
	if (audit_count_ours(v) > 0)
		audit_try(a, "%s",
			audit_fault_remedy(v, audit_main_fault(v, FAULT_PHASE_GENERATOR)).s);
	else if (audit_is_redirected(v, most))
		audit_try(a, "%s", audit_try_redirects(v).s);
	else
		audit_try(a, "%s", audit_remedy(v, most).s);
}

static void audit_tell_generator(const struct audit_view *v, struct audit *a)
{
	const struct ledger *l = &v->ledger;
	struct audit_text errors = {""}, delay = {""};

	if (audit_count_ours(v) > 0)
		snprintf(errors.s, sizeof(errors.s), ", %.32s errors of the generator",
			figure_count(audit_count_ours(v)).text);
	if (v->our_delay->p99_ns > AUDIT_DELAY_SUSPECT_NS && v->r->offered.p99_ns <= 0)
		snprintf(delay.s, sizeof(delay.s), ", our delay p99 %.24s",
			figure_time(v->our_delay->p99_ns).text);
	else if (v->our_delay->p99_ns > AUDIT_DELAY_SUSPECT_NS)
		snprintf(delay.s, sizeof(delay.s), ", our delay p99 %.24s of %.24s",
			figure_time(v->our_delay->p99_ns).text,
			figure_time(v->r->offered.p99_ns).text);
	audit_because(a, "limited by the generator: sent %s of %s%s%s", figure_count(l->sent).text,
		figure_count(l->planned).text, errors.s, delay.s);
	if (audit_count_ours(v) > 0)
		audit_try(a, "%s",
			audit_fault_remedy(v, audit_main_fault(v, FAULT_PHASE_GENERATOR)).s);
	else if (*audit_machine_remedy(v))
		audit_try(a, "%s", audit_machine_remedy(v));
	else
		audit_try(a, "a quieter machine; a lower rate (-r); -t %" PRIu64 "%s",
			audit_more_workers(v), audit_each(v));
}

/* "ok 450/s of 1,000/s asked; timeout 5,500", after what was the limit. */
static void audit_tell_shortfall(
	const struct audit_view *v, const struct audit_facts *f, const char *who, struct audit *a)
{
	struct figure ok = figure_per_s(f->ok_rate), asked = figure_per_s(f->asked);

	if (f->is_short)
		audit_because(a, "%s: ok %s of %s asked; %s", who, ok.text, asked.text,
			audit_text_failures(&v->ledger).s);
	else if (f->is_growing)
		audit_because(a, "%s: ok %s of %s asked; the backlog grew all along, to %s", who,
			ok.text, asked.text, figure_count((int64_t)v->backlog).text);
	else
		audit_because(a, "%s: ok %s of %s asked; %s answers came after the window", who,
			ok.text, asked.text,
			figure_count((int64_t)fmin(f->late, (double)JSON_PATH_INT_MAX)).text);
}

/* Returns the number of connections that would carry the plan, as far as this host allows it. */
static void audit_try_connections(const struct audit_view *v, double more, struct audit *a)
{
	uint64_t n = audit_text_round_number(fmax(more / v->n_hosts, 1));
	double limit = fmax((double)v->r->connections.limit, 0) / v->n_hosts;
	int64_t allowed = v->r->connections.allowed;
	uint64_t most = allowed > 0 ? (uint64_t)allowed / v->n_hosts : 0;
	const char *each = audit_each(v);

	if (most > 0 && n > most && (double)most > limit * 1.1)
		audit_try(a, "-c %" PRIu64 "%s: as many as the descriptors allow (ulimit -n)", most,
			each);
	else if (most > 0 && n > most)
		audit_try(a, "more descriptors (ulimit -n), and then -c %" PRIu64 "%s", n, each);
	else if (limit < AUDIT_MANY_CONNECTIONS)
		audit_try(a, "-c %" PRIu64 "%s (or leave -c out: the pool then grows as needed)", n,
			each);
	else
		audit_try(a,
			"-c %" PRIu64 "%s; if each answer then takes longer, the server is the "
			"limit",
			n, each);
}

static void audit_tell_connections(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	double more = AUDIT_MARGIN * f->asked * v->would_hold_ns /
		      ((double)v->plan.pipeline * NSEC_PER_SEC);
	double sent_rate = v->window_ns > 0
				   ? (double)v->ledger.sent * NSEC_PER_SEC / (double)v->window_ns
				   : f->ok_rate;

	if (!audit_is_by_connections(v, f)) {
		audit_because(a, "limited by connections: %s", audit_tell_pace(v).s);
		audit_try(a, "%s", audit_try_pace(v).s);
		return;
	}
	/* Where much less came through than they could carry, their arithmetic explains nothing.
	 * What was given up came through too. */
	if (f->capacity > 0 && f->capacity < f->asked && f->capacity < AUDIT_EXPLAINS * sent_rate) {
		/* A capacity is not rounded up. */
		audit_because(a, "limited by connections: %s x %s each = %s, asked %s",
			figure_count(v->r->connections.limit).text,
			figure_time((int64_t)v->holds_ns).text,
			figure_per_s(f->capacity >= 100 ? floor(f->capacity) : f->capacity).text,
			figure_per_s(f->asked).text);
	} else {
		more = fmax(more, 2.0 * (double)v->r->connections.limit);
		audit_tell_shortfall(v, f, "limited by connections", a);
	}
	audit_try_connections(v, more, a);
	if (v->holds_ns > v->own_service_ns)
		snprintf(a->try_text + strlen(a->try_text),
			sizeof(a->try_text) - strlen(a->try_text),
			"; see the server's log: %.26s requests got no answer",
			figure_count((int64_t)v->ledger.classes[LEDGER_TIMEOUT]).text);
}

/* "20.0 % of 30,000 requests failed: http error 6,000", where the rate is not to blame. */
static void audit_tell_failures(const struct audit_view *v, struct audit *a)
{
	const struct ledger *l = &v->ledger;
	enum ledger_class most = audit_most(v);

	audit_because(a, "%s of %s requests failed: %s%s",
		figure_share(ledger_failed_share(l)).text, figure_count(l->planned).text,
		audit_text_failures(l).s, audit_which(v, most).s);
	if (audit_is_redirected(v, most))
		audit_try(a, "%s", audit_try_redirects(v).s);
	else
		audit_try(a, "%s", audit_remedy(v, most).s);
}

/* "14 of 300 requests got no answer, while the others took 0.1 ms (p99)". */
static void audit_tell_lost(const struct audit_view *v, struct audit *a)
{
	const uint64_t *n = v->ledger.classes;

	audit_because(a, "%s of %s requests got no answer, while the others took %s (p99)",
		figure_count((int64_t)(n[LEDGER_TIMEOUT] + n[LEDGER_UNFINISHED])).text,
		figure_count(v->ledger.planned).text, figure_time(v->less_ours->p99_ns).text);
	audit_try(a, "see the server's log: why did it not answer these? A lower rate does not "
		     "help where the others are fast");
}

static void audit_try_lower_rate(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	double less = f->ok_rate * 0.9;
	double step = 1;

	/* Two digits are enough to begin with. */
	while (less >= 100 * step && step < 1e12)
		step *= 10;
	if (less >= 1 && !v->r->headline.missing)
		audit_try(a, "-r %.0f: a tenth below what it carried",
			floor(less / step + 0.1) * step);
	else
		audit_try(a, "a lower rate (-r)");
}

/* Times or a backlog grew, so that a lower rate helps. */
static bool audit_is_slow(const struct audit_view *v, const struct audit_facts *f)
{
	return f->is_behind || v->growth > 0 || v->rise_ns > 0 ||
	       v->ledger.classes[LEDGER_TIMEOUT] > 0;
}

static void audit_tell_server(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	enum ledger_class most = audit_most(v);
	/* A lower rate does not help against these. */
	bool is_wrong = most == LEDGER_HTTP_ERROR || most == LEDGER_CHECK_FAILED ||
			most == LEDGER_BAD_RESPONSE || most == LEDGER_NOT_CONNECTED ||
			most == LEDGER_CONNECTION_ERROR;

	if (f->is_short && f->is_lost) {
		audit_tell_lost(v, a);
		return;
	}
	if (f->is_short && (is_wrong || !v->is_open)) {
		audit_tell_failures(v, a);
		return;
	}
	audit_tell_shortfall(v, f,
		a->limited_by == AUDIT_BY_SERVER ? "limited by the server"
						 : "not carried, for an unknown reason",
		a);
	if (f->is_stalling || audit_waits_for_connections(v, f))
		audit_try(a, AUDIT_STALL_REMEDY);
	else if (audit_is_slow(v, f))
		audit_try_lower_rate(v, f, a);
	else
		audit_try(a, "%s", audit_remedy(v, most).s);
}

static void audit_tell_ledger(const struct audit_view *v, struct audit *a)
{
	const struct ledger *l = &v->ledger;
	int64_t n = v->r->generator.unbalanced_intervals;

	if (ledger_balances(l))
		audit_because(a,
			"the ledger did not balance during the run: at the end of %s interval%s",
			figure_count(n).text, n == 1 ? "" : "s");
	else
		audit_because(a,
			"the ledger does not balance: %s planned, %s sent, %s accounted for",
			figure_count(l->planned).text, figure_count(l->sent).text,
			figure_count(ledger_resolved(l)).text);
	audit_try(a, "report this as a bug of rpsd, with the result file");
}

static void audit_tell_again(const struct audit_view *v, struct audit *a)
{
	audit_because(a, "%s", audit_tell_repeated(v).s);
	audit_try(a, AUDIT_KEEP_ALIVE_REMEDY);
}

/* The plan was carried, and yet something other than the plan was the limit. */
static void audit_tell_limit(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	if (a->limited_by == AUDIT_BY_SERVER && v->is_open && f->is_stalling) {
		audit_because(a,
			"limited by the server: it stood still at times: p99 %s, p50 %s, up to %s "
			"requests waiting at once",
			figure_time(v->less_ours->p99_ns).text,
			figure_time(v->less_ours->p50_ns).text,
			figure_count((int64_t)v->most_at_once).text);
		audit_try(a, AUDIT_STALL_REMEDY);
	} else if (a->limited_by == AUDIT_BY_CONNECTIONS && audit_is_held_by_pace(v)) {
		audit_because(a, "limited by connections: %s", audit_tell_pace(v).s);
		audit_try(a, "%s", audit_try_pace(v).s);
	} else if (a->limited_by == AUDIT_BY_USERS) {
		int64_t users = v->r->connections.limit;

		audit_because(a,
			"limited by the users: %s of them, who think for %s after an answer of %s",
			figure_count(users).text, figure_time(v->plan.think_ns).text,
			figure_time((int64_t)v->own_service_ns).text);
		audit_try(a, "more users (-c), or a shorter think time (--think)");
	}
}

static void audit_tell_ok(const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	const struct ledger *l = &v->ledger;

	if (v->outcome == AUDIT_STOPPED)
		audit_because(a, "%sstopped by a person: %s requests sent until then%s",
			v->is_sum ? "a run of the sum was " : "", figure_count(l->sent).text,
			l->sent > 0 && v->answers == 0 && f->ok <= 0 ? ", not one answered" : "");
	else if (a->verdict == AUDIT_SATURATED)
		audit_tell_generator(v, a);
	else if (ledger_failed_share(l) > 1 - AUDIT_CARRIED)
		audit_tell_failures(v, a);
	else if (*audit_tell_repeated(v).s)
		audit_tell_again(v, a);
	if (!*a->because && !audit_is_mostly_redirects(v))
		audit_tell_limit(v, f, a);
	if (*a->because || !audit_is_mostly_redirects(v))
		return;
	/* Fast and good answers, but not of what was meant to be loaded. */
	audit_because(a, "%s", audit_tell_redirects(v).s);
	audit_try(a, "%s", audit_try_redirects(v).s);
}

/* ---------------------------------------------------------------- the judgement */

/* Nothing connected, or not one ok. What was only cut off with the run has not failed. */
static bool audit_is_failed(const struct audit_view *v, const struct audit_facts *f)
{
	if (v->outcome == AUDIT_FAILED)
		return true;
	if (v->ledger.classes[LEDGER_OK] > 0)
		return false;
	return !f->is_cut || f->due > 0;
}

static void audit_find_headline(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	const struct ledger *l = &v->ledger;

	if (!ledger_balances(l) || v->r->generator.unbalanced_intervals > 0) {
		a->headline = AUDIT_HEADLINE_VOID;
		audit_tell_ledger(v, a);
	} else if (a->verdict == AUDIT_SATURATED && audit_is_sent_short(v, f)) {
		a->headline = AUDIT_HEADLINE_VOID;
		audit_tell_generator(v, a);
	} else if (v->outcome == AUDIT_ABORTED || v->outcome == AUDIT_INTERRUPTED) {
		a->headline = AUDIT_HEADLINE_VOID;
		audit_because(a, "%s%s before the end of the plan: %s requests sent until then",
			v->is_sum ? "a run of the sum was " : "", audit_outcome_names[v->outcome],
			figure_count(l->sent).text);
	} else if (audit_is_overload(f)) {
		a->headline = AUDIT_HEADLINE_OVERLOAD;
		if (a->limited_by == AUDIT_BY_GENERATOR && v->is_open)
			audit_tell_generator(v, a);
		else if (a->limited_by == AUDIT_BY_CONNECTIONS)
			audit_tell_connections(v, f, a);
		else
			audit_tell_server(v, f, a);
	} else {
		a->headline = AUDIT_HEADLINE_OK;
		audit_tell_ok(v, f, a);
	}
}

/* Unless the headline has said it. */
static void audit_mention_reset(const struct audit_view *v, struct audit *a)
{
	int64_t n = v->r->connections.reset_beside;

	if (*audit_tell_reset(v).s && !strstr(a->because, audit_tell_reset(v).s))
		audit_add_note(v, a, &note_table[NOTE_RESET], (double)n, 0, AUDIT_RESET_REMEDY,
			"%s: has it a limit of connections?", audit_tell_reset(v).s);
}

/* The same of redirects. */
static void audit_mention_redirects(const struct audit_view *v, struct audit *a)
{
	if (audit_has_redirects(v) && strcmp(a->because, audit_tell_redirects(v).s) != 0)
		audit_note_redirects(v, a);
}

void audit_judge(const struct result *r, struct audit *ret)
{
	struct audit_view view;
	const struct audit_view *v = &view;
	struct audit_facts f;

	audit_view_of(r, &view);
	f = audit_gather(v);
	memset(ret, 0, sizeof(*ret));
	audit_take_notes(v, ret);
	ret->limited_by = audit_find_limit(v, &f, ret);
	if (audit_is_failed(v, &f)) {
		audit_tell_failed(v, ret);
		audit_mention_redirects(v, ret);
		return;
	}
	audit_find_headline(v, &f, ret);
	audit_mention_reset(v, ret);
	audit_mention_redirects(v, ret);
	if (v->outcome == AUDIT_STOPPED)
		ret->exit_code = EXIT_STOPPED;
	else if (v->outcome == AUDIT_ABORTED || v->outcome == AUDIT_INTERRUPTED)
		ret->exit_code = EXIT_RUN_ABORTED;
	else if (ret->headline == AUDIT_HEADLINE_VOID)
		ret->exit_code = EXIT_UNDECIDED;
}

/* ---------------------------------------------------------------- into the result */

/* A run that drifted makes percentiles that are to be read with care, if there is nothing worse. */
static const char *audit_unsteady(const struct result *r)
{
	const struct result_note *notes = r->generator.notes.rows;

	for (size_t i = 0; i < r->generator.notes.n; i++)
		if (str_eq(result_words(notes[i].code), note_table[NOTE_UNSTEADY].code) ||
			str_eq(result_words(notes[i].code), note_table[NOTE_WARMUP_SHORT].code))
			return result_words(notes[i].text);
	return "";
}

int audit_fill(const struct audit *a, struct result *r)
{
	struct result_headline *h = &r->headline;
	const char *because = *a->because ? a->because : audit_unsteady(r);
	int done = result_set_text(&h->result, audit_headline_names[a->headline]) |
		   result_set_text(&h->limited_by, audit_limit_names[a->limited_by]) |
		   result_set_text(&h->because, because) | result_set_text(&h->try, a->try_text) |
		   result_set_text(&r->generator.verdict, audit_verdict_names[a->verdict]);

	r->run.exit_code = a->exit_code;
	h->our_delay_share_of_p99 =
		a->our_delay_share_of_p99 < 0 ? RESULT_REAL_NULL : a->our_delay_share_of_p99;
	r->generator.notes.is = RESULT_IS_THERE;
	for (size_t i = 0; i < a->n_notes && done == 0; i++) {
		const struct audit_note *n = &a->notes[i];

		done = result_add_note(&r->generator.notes, n->code, n->value, n->limit, n->unit,
			n->text, n->try_text);
	}
	return done ? -ENOMEM : 0;
}
