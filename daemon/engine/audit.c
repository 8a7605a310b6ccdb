/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a finished run is worth: rules over its figures, asked in this order.
 *
 * 1. The notes: each figure of ours against its limit. They make the verdict on the generator, and
 *    nothing but the verdict.
 * 2. Was the plan carried? Not, when under 99 % of it was answered well, when the connections
 * cannot carry it by their own arithmetic, or when the answers were falling behind as the window
 * closed.
 * 3. What was the limit: the generator if it is saturated, the connections if all were in use and
 *    waiting for one was most of the time, else the server.
 * 4. Headline, exit code, and the sentence that gives the figures, with what to try.
 *
 * A false alarm costs more than a late one: a hosted machine is late by milliseconds all day long,
 * so `saturated` needs a delay that is both large and a large part of the answer, and being late is
 * never by itself a reason for an exit code. The server's slowness is a finding, not a failure.
 *
 * In the closed model nothing is planned ahead: nobody is late, a busy worker is the normal state,
 * and only answers that are not good ones make an overload.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include "daemon/engine/audit.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/exit_codes.h"
#include "common/figure.h"
#include "daemon/engine/audit_internal.h"
#include "daemon/engine/audit_text.h"
#include "daemon/engine/stats.h"

#define AUDIT_CARRIED 0.99 /* of the plan, answered well */
#define AUDIT_SENT 0.995   /* of the plan; less for reasons of ours is void */
#define AUDIT_MANY_CONNECTIONS 1000

const char *const audit_verdict_names[] = {
	[AUDIT_OK] = "ok",
	[AUDIT_SUSPECT] = "suspect",
	[AUDIT_SATURATED] = "saturated",
};

const char *const audit_limit_names[] = {
	[AUDIT_BY_PLAN] = "plan",
	[AUDIT_BY_SERVER] = "server",
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

const char *const audit_outcome_names[] = {
	[AUDIT_COMPLETED] = "completed",
	[AUDIT_STOPPED] = "stopped",
	[AUDIT_ABORTED] = "aborted",
	[AUDIT_FAILED] = "failed",
	[AUDIT_INTERRUPTED] = "interrupted",
};

/* ---------------------------------------------------------------- was the plan carried? */

static uint64_t audit_count_ours(const struct audit_input *in)
{
	return audit_count_faults(in, FAULT_PHASE_GENERATOR);
}

struct audit_facts {
	double due; /* arrivals, less those that were cut off with the run */
	double ok;
	double asked;	  /* per second */
	double ok_rate;	  /* per second */
	double capacity;  /* of the connections, per second; 0 where unknown */
	double late;	  /* ok, but only after the window */
	bool is_cut;	  /* the run did not come to its own end */
	bool is_full;	  /* every connection was in use */
	bool is_short;	  /* too few were answered well */
	bool is_too_much; /* for the connections, by their arithmetic */
	bool is_behind;	  /* answers were falling behind */
};

/* Answers after the window are normal, as many as are on their way at a time (Little). Twice as
 * many, and the time they take was growing all along. */
static bool audit_is_behind(const struct audit_input *in, const struct audit_facts *f)
{
	double response_ns = (double)in->service_mean;
	double on_their_way;

	if (in->window_ns <= 0 || in->service_mean < 0)
		return false;
	if (in->connection_wait_p50 > 0)
		response_ns += (double)in->connection_wait_p50;
	if (in->our_delay_p50 > 0)
		response_ns += (double)in->our_delay_p50;
	on_their_way = f->ok * response_ns / (double)in->window_ns;
	return f->late > (1 - AUDIT_CARRIED) * f->ok &&
	       f->late > 1.5 * on_their_way + 3 * sqrt(on_their_way) + 10;
}

static struct audit_facts audit_gather(const struct audit_input *in)
{
	const struct ledger *l = &in->ledger;
	double window_s = (double)in->window_ns / NSEC_PER_SEC;
	struct audit_facts f = {
		.due = (double)l->planned,
		.ok = (double)l->classes[LEDGER_OK],
		.asked = in->planned_per_s,
		.ok_rate = in->ok_per_s,
		.is_cut = in->outcome != AUDIT_COMPLETED,
	};

	if (f.is_cut)
		f.due -= (double)l->classes[LEDGER_UNSENT] + (double)l->classes[LEDGER_UNFINISHED];
	if (f.asked <= 0 && window_s > 0)
		f.asked = (double)l->planned / window_s;
	f.is_full = in->connections_limit > 0 && in->connections_peak >= in->connections_limit;
	if (in->service_mean > 0)
		f.capacity =
			(double)in->connections_limit * NSEC_PER_SEC / (double)in->service_mean;
	f.is_short = f.ok < AUDIT_CARRIED * f.due;
	if (!in->is_open)
		return f;

	f.late = fmax(f.ok - in->ok_per_s * window_s, 0);
	f.is_too_much = f.is_full && in->connection_wait_p99 > in->service_p99 && f.capacity > 0 &&
			f.capacity < AUDIT_CARRIED * f.asked;
	f.is_behind = !f.is_cut && audit_is_behind(in, &f);
	return f;
}

static bool audit_is_overload(const struct audit_facts *f)
{
	return f->is_short || f->is_too_much || f->is_behind;
}

/* ---------------------------------------------------------------- what was the limit? */

/* All connections in use, and waiting for one made most of the time or cost most of what failed. */
static bool audit_is_by_connections(const struct audit_input *in, const struct audit_facts *f)
{
	const uint64_t *n = in->ledger.classes;
	double kept_back = (double)n[LEDGER_DROPPED] + (double)n[LEDGER_EXPIRED];

	if (!f->is_cut)
		kept_back += (double)n[LEDGER_UNSENT];
	return f->is_full &&
	       ((in->connection_wait_p99 > 0 && in->connection_wait_p99 > in->service_p99) ||
		       (f->is_short && 2 * kept_back > f->due - f->ok));
}

/* Something came back from the server's side, or too late, or not at all. */
static bool audit_is_by_server(const struct audit_input *in, const struct audit_facts *f)
{
	const uint64_t *n = in->ledger.classes;

	return f->is_behind || n[LEDGER_HTTP_ERROR] || n[LEDGER_CHECK_FAILED] ||
	       n[LEDGER_BAD_RESPONSE] || n[LEDGER_TIMEOUT] || n[LEDGER_CONNECTION_ERROR] ||
	       n[LEDGER_UNFINISHED] || n[LEDGER_NOT_CONNECTED] > audit_count_ours(in);
}

static bool audit_is_sent_short(const struct audit_input *in, const struct audit_facts *f)
{
	double unsent = f->is_cut ? (double)in->ledger.classes[LEDGER_UNSENT] : 0;

	return (double)in->ledger.sent < AUDIT_SENT * ((double)in->ledger.planned - unsent);
}

/* It wanted its CPU nearly all the time: on it, waiting for it, or kept from it by a quota. Then
 * answers and connections wait for us, however slow they look. */
static bool audit_is_starved(const struct audit_input *in)
{
	return in->cpu_share + fmax(in->run_queue_share, 0) > AUDIT_CPU ||
	       in->throttled_share > AUDIT_THROTTLED_LIMIT;
}

static enum audit_limit audit_find_limit(
	const struct audit_input *in, const struct audit_facts *f, const struct audit *a)
{
	if (!in->is_open) {
		if (audit_count_ours(in) > 0 || audit_is_starved(in) ||
			in->stalled_share > AUDIT_STALLED_SATURATED)
			return AUDIT_BY_GENERATOR;
		return AUDIT_BY_SERVER;
	}
	if (a->verdict == AUDIT_SATURATED &&
		(!audit_is_overload(f) || audit_is_sent_short(in, f) || audit_count_ours(in) > 0 ||
			audit_is_starved(in) || audit_delay_share(in, a) >= 0.5))
		return AUDIT_BY_GENERATOR;
	if (audit_is_by_connections(in, f))
		return AUDIT_BY_CONNECTIONS;
	if (!audit_is_overload(f))
		return AUDIT_BY_PLAN;
	return audit_is_by_server(in, f) ? AUDIT_BY_SERVER : AUDIT_BY_UNKNOWN;
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

/* The largest class but ok. */
static enum ledger_class audit_most(const struct ledger *l)
{
	enum ledger_class most = LEDGER_NOT_CONNECTED;

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		if (c != LEDGER_OK && l->classes[c] > l->classes[most])
			most = c;
	return most;
}

/* Which check it was, where checks failed most: ": check-size (body has 1 bytes, expected 2)". */
static struct audit_sentence audit_which_check(const struct audit_input *in, enum ledger_class most)
{
	enum fault fault = audit_main_fault(in, FAULT_PHASE_CHECK);
	struct audit_sentence t = {""}, told;

	if (most != LEDGER_CHECK_FAILED || fault == FAULT_NONE)
		return t;
	told = audit_tell_fault(in, fault);
	snprintf(t.s, sizeof(t.s), ": %.180s", told.s);
	return t;
}

/* Redirects that are not expected are statuses that are not expected. */
static bool audit_is_redirected(const struct audit_input *in, enum ledger_class most)
{
	return most == LEDGER_HTTP_ERROR && audit_is_mostly_redirects(in);
}

static void audit_tell_failed(const struct audit_input *in, struct audit *a)
{
	const struct ledger *l = &in->ledger;
	enum ledger_class most = l->planned == 0 && in->failed_by != FAULT_NONE
					 ? fault_table[in->failed_by].class
					 : audit_most(l);

	a->headline = AUDIT_HEADLINE_FAIL;
	a->exit_code = EXIT_RUN_FAILED;
	if (l->planned == 0 && in->outcome == AUDIT_COMPLETED) {
		audit_because(a, "no request was due in the measured window");
		audit_try(a, "a longer run (-d), or a higher rate (-r)");
		return;
	}
	if (in->failed_by == FAULT_EVENT_LOOP) {
		a->limited_by = AUDIT_BY_GENERATOR;
		audit_because(a, "%s after %s requests", fault_table[in->failed_by].help,
			figure_count(l->sent).text);
		audit_try(a, "%s", audit_fault_remedy(in, in->failed_by).s);
		return;
	}
	if (a->limited_by == AUDIT_BY_PLAN)
		a->limited_by = audit_count_ours(in) > 0 ? AUDIT_BY_GENERATOR : AUDIT_BY_SERVER;
	if (l->planned == 0)
		audit_because(a, "nothing could be sent: %s",
			in->failed_by ? fault_table[in->failed_by].help : "no connection was made");
	else
		audit_because(a, "not one of %s requests %s: %s%s", figure_count(l->planned).text,
			audit_none_ok[most], audit_text_failures(l).s,
			audit_which_check(in, most).s);
	if (audit_count_ours(in) > 0)
		audit_try(a, "%s",
			audit_fault_remedy(in, audit_main_fault(in, FAULT_PHASE_GENERATOR)).s);
	else if (audit_is_redirected(in, most))
		audit_try(a, "%s", audit_try_redirects(in).s);
	else
		audit_try(a, "%s", audit_remedy(in, most).s);
}

static void audit_tell_generator(const struct audit_input *in, struct audit *a)
{
	const struct ledger *l = &in->ledger;
	struct audit_text errors = {""}, delay = {""};

	if (audit_count_ours(in) > 0)
		snprintf(errors.s, sizeof(errors.s), ", %.32s errors of the generator",
			figure_count(audit_count_ours(in)).text);
	if (in->our_delay_p99 > AUDIT_DELAY_SUSPECT_NS && in->response_p99 <= 0)
		snprintf(delay.s, sizeof(delay.s), ", our delay p99 %.24s",
			figure_time(in->our_delay_p99).text);
	else if (in->our_delay_p99 > AUDIT_DELAY_SUSPECT_NS)
		snprintf(delay.s, sizeof(delay.s), ", our delay p99 %.24s of %.24s",
			figure_time(in->our_delay_p99).text, figure_time(in->response_p99).text);
	audit_because(a, "limited by the generator: sent %s of %s%s%s", figure_count(l->sent).text,
		figure_count(l->planned).text, errors.s, delay.s);
	if (audit_count_ours(in) > 0)
		audit_try(a, "%s",
			audit_fault_remedy(in, audit_main_fault(in, FAULT_PHASE_GENERATOR)).s);
	else if (*audit_machine_remedy(in))
		audit_try(a, "%s", audit_machine_remedy(in));
	else
		audit_try(a, "a quieter machine; a lower rate (-r); -t %u", in->workers + 1);
}

/* "ok 450/s of 1,000/s asked; timeout 5,500", for whoever is to blame. */
static void audit_tell_shortfall(
	const struct audit_input *in, const struct audit_facts *f, const char *who, struct audit *a)
{
	struct figure ok = figure_per_s(f->ok_rate), asked = figure_per_s(f->asked);

	if (f->is_short)
		audit_because(a, "%s: ok %s of %s asked; %s", who, ok.text, asked.text,
			audit_text_failures(&in->ledger).s);
	else
		audit_because(a, "%s: ok %s of %s asked; %s answers came after the window", who,
			ok.text, asked.text, figure_count((int64_t)f->late).text);
}

/* What would carry the plan, as far as this host allows it. */
static void audit_try_connections(const struct audit_input *in, uint64_t more, struct audit *a)
{
	uint64_t most = in->connections_most;

	if (most > 0 && more > most && most > in->connections_limit + in->connections_limit / 10)
		audit_try(a, "-c %llu: as many as the descriptors allow (ulimit -n)",
			(unsigned long long)most);
	else if (most > 0 && more > most)
		audit_try(a, "more descriptors (ulimit -n), and then -c %llu",
			(unsigned long long)more);
	else if (in->connections_limit < AUDIT_MANY_CONNECTIONS)
		audit_try(a, "-c %llu (or leave -c out: the pool then grows as needed)",
			(unsigned long long)more);
	else
		audit_try(a, "-c %llu; if each answer then takes longer, the server is the limit",
			(unsigned long long)more);
}

static void audit_tell_connections(
	const struct audit_input *in, const struct audit_facts *f, struct audit *a)
{
	double needed = f->asked * (double)in->service_mean / NSEC_PER_SEC;
	uint64_t more = audit_text_round_number(fmax(1.5 * needed, 1));

	if (f->capacity > 0 && f->capacity < f->asked) {
		/* A capacity is not rounded up. */
		audit_because(a, "limited by connections: %s x %s each = %s, asked %s",
			figure_count(in->connections_limit).text,
			figure_time(in->service_mean).text,
			figure_per_s(f->capacity >= 100 ? floor(f->capacity) : f->capacity).text,
			figure_per_s(f->asked).text);
	} else {
		more = audit_text_round_number(2.0 * (double)in->connections_limit);
		audit_tell_shortfall(in, f, "limited by connections", a);
	}
	audit_try_connections(in, more, a);
}

/* "20.0 % of 30,000 requests failed: http error 6,000", where the rate is not to blame. */
static void audit_tell_failures(const struct audit_input *in, struct audit *a)
{
	const struct ledger *l = &in->ledger;
	enum ledger_class most = audit_most(l);

	audit_because(a, "%s of %s requests failed: %s%s",
		figure_share(ledger_failed_share(l)).text, figure_count(l->planned).text,
		audit_text_failures(l).s, audit_which_check(in, most).s);
	if (audit_is_redirected(in, most))
		audit_try(a, "%s", audit_try_redirects(in).s);
	else
		audit_try(a, "%s", audit_remedy(in, most).s);
}

static void audit_tell_server(
	const struct audit_input *in, const struct audit_facts *f, struct audit *a)
{
	enum ledger_class most = audit_most(&in->ledger);
	/* A lower rate does not help against these. */
	bool is_wrong = most == LEDGER_HTTP_ERROR || most == LEDGER_CHECK_FAILED ||
			most == LEDGER_BAD_RESPONSE || most == LEDGER_NOT_CONNECTED ||
			most == LEDGER_CONNECTION_ERROR;
	double less = f->ok_rate * 0.9;
	double step = 1;

	if (f->is_short && (is_wrong || !in->is_open)) {
		audit_tell_failures(in, a);
		return;
	}
	audit_tell_shortfall(in, f,
		a->limited_by == AUDIT_BY_SERVER ? "limited by the server"
						 : "not carried, for an unknown reason",
		a);
	/* Two digits are enough to begin with. */
	while (less >= 100 * step && step < 1e12)
		step *= 10;
	if (less >= 1)
		audit_try(a, "-r %.0f: a tenth below what it carried", floor(less / step) * step);
	else
		audit_try(a, "a lower rate (-r)");
}

static void audit_tell_ledger(const struct audit_input *in, struct audit *a)
{
	const struct ledger *l = &in->ledger;

	if (ledger_balances(l))
		audit_because(a,
			"the ledger did not balance during the run: at the end of %s interval%s",
			figure_count(in->unbalanced).text, in->unbalanced == 1 ? "" : "s");
	else
		audit_because(a,
			"the ledger does not balance: %s planned, %s sent, %s accounted for",
			figure_count(l->planned).text, figure_count(l->sent).text,
			figure_count(ledger_resolved(l)).text);
	audit_try(a, "report this as a bug of rpsd, with the result file");
}

static void audit_tell_again(const struct audit_input *in, struct audit *a)
{
	audit_because(a, "%s", audit_tell_repeated(in).s);
	audit_try(a, AUDIT_KEEP_ALIVE_REMEDY);
}

static void audit_tell_ok(const struct audit_input *in, struct audit *a)
{
	const struct ledger *l = &in->ledger;

	if (in->outcome == AUDIT_STOPPED)
		audit_because(a, "stopped by a person: %s requests sent until then",
			figure_count(l->sent).text);
	else if (a->verdict == AUDIT_SATURATED)
		audit_tell_generator(in, a);
	else if (ledger_failed_share(l) > 1 - AUDIT_CARRIED)
		audit_tell_failures(in, a);
	else if (*audit_tell_repeated(in).s)
		audit_tell_again(in, a);
	if (*a->because || !audit_is_mostly_redirects(in))
		return;
	/* Fast and good answers, but not of what was meant to be loaded. */
	audit_because(a, "%s", audit_tell_redirects(in).s);
	audit_try(a, "%s", audit_try_redirects(in).s);
}

/* ---------------------------------------------------------------- the judgement */

/* Nothing connected, or not one ok. What was only cut off with the run has not failed. */
static bool audit_is_failed(const struct audit_input *in, const struct audit_facts *f)
{
	if (in->outcome == AUDIT_FAILED)
		return true;
	if (in->ledger.classes[LEDGER_OK] > 0)
		return false;
	return !f->is_cut || f->due > 0;
}

static void audit_find_headline(
	const struct audit_input *in, const struct audit_facts *f, struct audit *a)
{
	const struct ledger *l = &in->ledger;

	if (!ledger_balances(l) || in->unbalanced > 0) {
		a->headline = AUDIT_HEADLINE_VOID;
		audit_tell_ledger(in, a);
	} else if (a->verdict == AUDIT_SATURATED && audit_is_sent_short(in, f)) {
		a->headline = AUDIT_HEADLINE_VOID;
		audit_tell_generator(in, a);
	} else if (in->outcome == AUDIT_ABORTED || in->outcome == AUDIT_INTERRUPTED) {
		a->headline = AUDIT_HEADLINE_VOID;
		audit_because(a, "%s before the end of the plan: %s requests sent until then",
			audit_outcome_names[in->outcome], figure_count(l->sent).text);
	} else if (audit_is_overload(f)) {
		a->headline = AUDIT_HEADLINE_OVERLOAD;
		if (a->limited_by == AUDIT_BY_GENERATOR && in->is_open)
			audit_tell_generator(in, a);
		else if (a->limited_by == AUDIT_BY_CONNECTIONS)
			audit_tell_connections(in, f, a);
		else
			audit_tell_server(in, f, a);
	} else {
		a->headline = AUDIT_HEADLINE_OK;
		audit_tell_ok(in, a);
	}
}

/* Unless the headline has said it. */
static void audit_mention_redirects(const struct audit_input *in, struct audit *a)
{
	if (audit_has_redirects(in) && strcmp(a->because, audit_tell_redirects(in).s) != 0)
		audit_note_redirects(in, a);
}

void audit_judge(const struct audit_input *in, struct audit *ret)
{
	struct audit_facts f = audit_gather(in);

	memset(ret, 0, sizeof(*ret));
	audit_take_notes(in, ret);
	ret->limited_by = audit_find_limit(in, &f, ret);
	if (audit_is_failed(in, &f)) {
		audit_tell_failed(in, ret);
		audit_mention_redirects(in, ret);
		return;
	}
	audit_find_headline(in, &f, ret);
	audit_mention_redirects(in, ret);
	if (in->outcome == AUDIT_STOPPED)
		ret->exit_code = EXIT_STOPPED;
	else if (in->outcome == AUDIT_ABORTED || in->outcome == AUDIT_INTERRUPTED)
		ret->exit_code = EXIT_RUN_ABORTED;
	else if (ret->headline == AUDIT_HEADLINE_VOID)
		ret->exit_code = EXIT_UNDECIDED;
}
