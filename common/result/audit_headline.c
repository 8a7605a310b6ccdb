/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headline: its word, the sentence that gives the figures, and what to try.
 *
 * A false alarm costs more than a late one, and the server's slowness is a finding, not a failure.
 * A lower rate is advised where times or a backlog grew. Flags that are advised are for one run of
 * a sum.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/figure.h"
#include "common/json_path.h"
#include "common/result/audit_internal.h"
#include "common/result/audit_text.h"
#include "common/result/result_fill.h"

#define AUDIT_MANY_CONNECTIONS 1000
#define AUDIT_MARGIN 1.5 /* times the connections that are needed by the arithmetic */
/* Times what came through: a capacity above that is not the limit. */
#define AUDIT_EXPLAINS 1.5
/* Where so many time out, others come in time by chance of their place in the queue: how many they
 * are tells little of what the server carries. */
#define AUDIT_TIMED_OUT_MANY 0.1

/* ---------------------------------------------------------------- parts of sentences */

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
	if (most == LEDGER_HTTP_ERROR && *audit_tell_statuses(v).s)
		snprintf(t.s, sizeof(t.s), " (%.180s)", audit_tell_statuses(v).s);
	if (most != LEDGER_CHECK_FAILED || fault == FAULT_NONE)
		return t;
	told = audit_tell_fault(v, fault);
	snprintf(t.s, sizeof(t.s), ": %.180s", told.s);
	return t;
}

/* Redirects that are not expected are statuses that are not expected. */
static void audit_try_class(const struct audit_view *v, enum ledger_class most, struct audit *a)
{
	if (most == LEDGER_HTTP_ERROR && audit_is_mostly_redirects(v))
		audit_try(a, "%s", audit_try_redirects(v).s);
	else
		audit_try(a, "%s", audit_remedy(v, most).s);
}

static void audit_try_against_ours(const struct audit_view *v, struct audit *a)
{
	audit_try(a, "%s", audit_fault_remedy(v, audit_main_fault(v, FAULT_PHASE_GENERATOR)).s);
}

/* ---------------------------------------------------------------- what is told */

static void audit_tell_failed(const struct audit_view *v, struct audit *a)
{
	const struct ledger *l = &v->ledger;
	const char *reason = result_words(v->r->run.reason);
	enum ledger_class most = audit_failed_by(v);

	if (audit_is_empty(v)) {
		audit_because(a, "no request was due in the measured window");
		audit_try(a, "a longer run (-d), or a higher rate (-r)");
		return;
	}
	if (v->failed_by == FAULT_EVENT_LOOP) {
		audit_because(a, "%s after %s requests", fault_table[v->failed_by].help,
			figure_count(l->sent).text);
		audit_try(a, "%s", audit_fault_remedy(v, v->failed_by).s);
		return;
	}
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
		audit_try_against_ours(v, a);
	else
		audit_try_class(v, most, a);
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
		audit_try_against_ours(v, a);
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
	struct figure ok = figure_per_s(f->ok_rate), asked = figure_per_s(v->asked_on_average);

	if (f->is_short)
		audit_because(a, "%s: ok %s of %s asked; %s", who, ok.text, asked.text,
			audit_text_failures(&v->ledger).s);
	else if (f->is_behind_in_stage)
		audit_because(a, "%s: answered %s of %s asked%s; the backlog grew to %s", who,
			figure_per_s(v->too_much.carried).text,
			figure_per_s(v->too_much.asked).text, audit_in_stage(v).s,
			figure_count((int64_t)v->too_much.backlog).text);
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
	else if (limit < AUDIT_MANY_CONNECTIONS && limit > 1 && !audit_has_grown(v))
		audit_try(a, "-c %" PRIu64 "%s (or leave -c out: the pool then grows as needed)", n,
			each);
	else
		audit_try(a,
			"-c %" PRIu64 "%s; if each answer then takes longer, the server is the "
			"limit",
			n, each);
}

/* The pace at which connections are opened kept requests back. */
static void audit_tell_opening(const struct audit_view *v, struct audit *a)
{
	audit_because(a, "limited by connections: %s", audit_tell_pace(v).s);
	audit_try(a, "%s", audit_try_pace(v).s);
}

static bool audit_timed_out(const struct audit_view *v)
{
	const uint64_t *n = v->ledger.classes;

	return (double)n[LEDGER_TIMEOUT] + (double)n[LEDGER_EXPIRED] >
	       AUDIT_TIMED_OUT_MANY * (double)v->ledger.planned;
}

/* The mean service time is that of the answers that came in time, and the others took longer. */
static bool audit_is_mean_cut(const struct audit_view *v)
{
	return audit_timed_out(v) && audit_has_grown(v) && v->holds_ns <= v->own_service_ns;
}

/* So many that there is one for each request, and then some. */
static double audit_more_connections(const struct audit_view *v, const struct audit_facts *f)
{
	return AUDIT_MARGIN * f->asked * v->would_hold_ns /
	       ((double)v->plan.pipeline * NSEC_PER_SEC);
}

/* The figures of a row that is printed: that of all arrivals, or, where some of these have no
 * figure, that of the good answers. */
static struct audit_text audit_stall_times(const struct audit_view *v)
{
	const struct result_offered *all = &v->r->offered;
	bool has_all = all->p50_ns >= 0 && all->p99_ns >= 0;
	struct audit_text t;

	snprintf(t.s, sizeof(t.s), "%sp99 %.26s, p50 %.26s%s", has_all ? "response " : "",
		figure_time(has_all ? all->p99_ns : v->whole->p99_ns).text,
		figure_time(has_all ? all->p50_ns : v->whole->p50_ns).text,
		has_all ? "" : " of the good answers");
	return t;
}

/* The plan was carried, and yet requests waited for connections. */
static void audit_tell_waiting(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	if (v->connection_wait->mean_ns < 0)
		return;
	audit_because(a,
		"limited by connections: requests waited %s for one of %s, and then %s for the "
		"answer (mean)",
		figure_time(v->connection_wait->mean_ns).text,
		figure_count(v->r->connections.limit).text, figure_time(v->service->mean_ns).text);
	audit_try_connections(
		v, fmax(audit_more_connections(v, f), 2.0 * (double)v->r->connections.limit), a);
}

static void audit_tell_connections(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	double more = audit_more_connections(v, f);
	double sent_rate = v->window_ns > 0
				   ? (double)v->ledger.sent * NSEC_PER_SEC / (double)v->window_ns
				   : f->ok_rate;

	if (!audit_is_by_connections(v, f)) {
		audit_tell_opening(v, a);
		return;
	}
	/* Where much less came through than they could carry, their arithmetic explains nothing.
	 * What was given up came through too. */
	if (f->capacity > 0 && f->capacity < f->asked && f->capacity < AUDIT_EXPLAINS * sent_rate &&
		!audit_is_mean_cut(v)) {
		/* A capacity is not rounded up. */
		audit_because(a, "limited by connections: %s x %s each = %s, asked %s%s",
			figure_count(v->r->connections.limit).text,
			figure_time((int64_t)v->holds_ns).text,
			figure_per_s(f->capacity >= 100 ? floor(f->capacity) : f->capacity).text,
			figure_per_s(f->asked).text, audit_in_stage(v).s);
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
	audit_try_class(v, most, a);
}

/* "14 of 300 requests got no answer within 500 ms, while the others took 0.1 ms (service p99)". */
static void audit_tell_lost(const struct audit_view *v, struct audit *a)
{
	const uint64_t *n = v->ledger.classes;
	bool timed_out = n[LEDGER_TIMEOUT] > 0 && v->plan.request_timeout_ns > 0;

	audit_because(a,
		"%s of %s requests got no answer%s%s, while the others took %s (service p99)",
		figure_count((int64_t)(n[LEDGER_TIMEOUT] + n[LEDGER_UNFINISHED])).text,
		figure_count(v->ledger.planned).text, timed_out ? " within " : "",
		timed_out ? figure_time(v->plan.request_timeout_ns).text : "",
		figure_time(v->service->p99_ns).text);
	audit_try(a,
		"see the server's log: why did it not answer these%s? A lower rate does not help "
		"where the others are fast%s",
		timed_out ? " in time" : "",
		timed_out ? "; a longer --timeout shows whether they ever are answered" : "");
}

static void audit_try_lower_rate(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	/* In a slice the flag is the rate of the whole plan. */
	double less = f->ok_rate * 0.9 * v->plan.n_slices;
	double step = 1;

	if (f->is_behind_in_stage)
		less = v->too_much.carried * 0.9 * v->plan.n_slices;
	/* Two digits are enough to begin with. */
	while (less >= 100 * step && step < 1e12)
		step *= 10;
	if (audit_timed_out(v) && v->n_hosts == 1 && v->plan.n_slices <= 1)
		audit_try(a, "-r max -c 4 to find what it carries: good answers are no measure of "
			     "it where so many time out");
	else if (less >= 1 && f->is_behind_in_stage && !audit_timed_out(v))
		audit_try(a, "%.0f/s in stage %s: a tenth below what it carried there",
			floor(less / step + 0.1) * step,
			figure_count(v->too_much.stage->number).text);
	else if (less >= 1 && !v->r->headline.missing && !audit_timed_out(v))
		audit_try(a, "-r %.0f%s carried", floor(less / step + 0.1) * step,
			v->plan.n_slices > 1 ? " for all slices: a tenth below what this one"
					     : ": a tenth below what it");
	else
		audit_try(a, "a lower rate (-r)");
}

/* After how short of the rate it fell. */
static void audit_tell_turns(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	size_t len = strlen(a->because);

	snprintf(a->because + len, sizeof(a->because) - len,
		"; with %.26s connections in use an answer took %.26s (p50), alone %.26s",
		figure_count(v->r->connections.limit).text, figure_time(v->service->p50_ns).text,
		figure_time(v->service->min_ns).text);
	audit_try_lower_rate(v, f, a);
	len = strlen(a->try_text);
	snprintf(a->try_text + len, sizeof(a->try_text) - len,
		"; with more connections (-c) each answer takes longer");
}

/* Times or a backlog grew, so that a lower rate helps. */
static bool audit_is_slow(const struct audit_view *v, const struct audit_facts *f)
{
	return f->is_behind || f->is_behind_in_stage || v->growth > 0 || v->rise_ns > 0 ||
	       v->ledger.classes[LEDGER_TIMEOUT] > 0;
}

/* It cuts off the longer ones of answers of any length. In a queue that outgrows it, nearly all
 * that come in time take nearly as long. */
#define AUDIT_CUTS 0.8
#define AUDIT_CUTS_HALF 0.5

static bool audit_is_timeout_short(const struct audit_view *v, const struct audit_facts *f)
{
	double timeout_ns = (double)v->plan.request_timeout_ns;

	return v->ledger.classes[LEDGER_TIMEOUT] > 0 && timeout_ns > 0 && f->ok > 0 &&
	       !f->is_behind && v->rise_ns <= 0 && v->growth <= 0 &&
	       (double)v->whole->p99_ns >= AUDIT_CUTS * timeout_ns &&
	       (double)v->whole->p50_ns <= AUDIT_CUTS_HALF * timeout_ns;
}

static void audit_try_longer(const struct audit_view *v, struct audit *a)
{
	audit_try(a, "a longer --timeout than %s: the good answers take up to it, %s (p99)",
		figure_time(v->plan.request_timeout_ns).text, figure_time(v->whole->p99_ns).text);
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
		if (most == LEDGER_TIMEOUT && audit_is_timeout_short(v, f))
			audit_try_longer(v, a);
		return;
	}
	audit_tell_shortfall(v, f,
		a->limited_by == AUDIT_BY_SERVER ? "limited by the server"
						 : "not carried, for an unknown reason",
		a);
	if (audit_is_in_turns(v))
		audit_tell_turns(v, f, a);
	else if (f->is_stalling || audit_waits_for_connections(v, f))
		audit_try(a, AUDIT_STALL_REMEDY);
	else if (most == LEDGER_TIMEOUT && audit_is_timeout_short(v, f))
		audit_try_longer(v, a);
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
	audit_try(a, "%s", audit_try_kept(v).s);
}

/* The plan was carried, and yet something other than the plan was the limit. */
static void audit_tell_limit(
	const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	if (a->limited_by == AUDIT_BY_SERVER && f->stalls.n > 0) {
		audit_because(a, "limited by the server: it %s", audit_tell_stalls(&f->stalls).s);
		audit_try(a, AUDIT_STILL_REMEDY);
	} else if (a->limited_by == AUDIT_BY_SERVER && v->is_open && f->is_stalling) {
		audit_because(a,
			"limited by the server: it stood still at times: %s, up to %s requests "
			"waiting at once",
			audit_stall_times(v).s, figure_count((int64_t)v->most_at_once).text);
		audit_try(a, AUDIT_STALL_REMEDY);
	} else if (a->limited_by == AUDIT_BY_CONNECTIONS && audit_is_held_by_pace(v)) {
		audit_tell_opening(v, a);
	} else if (a->limited_by == AUDIT_BY_CONNECTIONS) {
		audit_tell_waiting(v, f, a);
	} else if (a->limited_by == AUDIT_BY_POLICY) {
		audit_because(a, "limited by the policy of the service: max-rate = %s",
			figure_per_s(v->r->rates.allowed_per_s).text);
		audit_try(
			a, "a higher [policy] max-rate of rpsd.conf, if more is meant to be sent");
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
			audit_is_silent(v, f) ? ", not one answered" : "");
	else if (a->verdict == AUDIT_SATURATED)
		audit_tell_generator(v, a);
	else if (ledger_failed_share(l) > 1 - AUDIT_CARRIED)
		audit_tell_failures(v, a);
	else if (!v->is_open && a->limited_by == AUDIT_BY_CONNECTIONS)
		audit_tell_opening(v, a);
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

/* ---------------------------------------------------------------- the headline */

void audit_find_headline(const struct audit_view *v, const struct audit_facts *f, struct audit *a)
{
	const struct ledger *l = &v->ledger;

	if (f->is_failed) {
		a->headline = AUDIT_HEADLINE_FAILED;
		audit_tell_failed(v, a);
	} else if (!ledger_balances(l) || v->r->generator.unbalanced_intervals > 0) {
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
