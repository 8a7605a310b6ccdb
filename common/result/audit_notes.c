/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes of the audit: each figure of ours against its limit. They make the verdict on the
 * generator, and nothing but the verdict.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/figure.h"
#include "common/result/audit_internal.h"
#include "common/result/audit_text.h"

/* A part of a figure is worth a mark when it is larger than both of these, and than half of the
 * figure's interval of confidence. Of 95 runs on healthy machines the two mark 36, all rightly, and
 * miss 9 that are wrong by a little more; with half of the first they would mark 8 wrongly, and
 * quotients of quantiles marked 29. */
#define AUDIT_PART_NS NSEC_PER_MSEC
#define AUDIT_PART_SHARE 0.10
#define AUDIT_DELAY_SATURATED_NS (20 * NSEC_PER_MSEC)
/* One standstill as long as busy hosts have them. In a window W its p99 is this less W/100: in one
 * of 2 s, recorded, 22 ms where 60 s would show nothing. One event is no state. */
#define AUDIT_DELAY_EVENT_NS (50 * NSEC_PER_MSEC)
/* An idle virtual machine shows up to 5.4 ms: below this, a short interval is a hiccup at its end.
 */
#define AUDIT_DELAY_QUIET_NS (6 * NSEC_PER_MSEC)
#define AUDIT_DELAY_SHARE 0.10
#define AUDIT_UNSTAMPED 0.01

void audit_raise(struct audit *a, enum audit_verdict to)
{
	if (a->verdict < to)
		a->verdict = to;
}

void audit_add_note(const struct audit_view *v, struct audit *a, const struct note *note,
	double value, double limit, const char *try_text, const char *format, ...)
{
	struct audit_note *to = &a->notes[a->n_notes];
	va_list args;

	audit_raise(a, note->verdict);
	if (a->n_notes == AUDIT_NOTES_MAX || (v->is_sum && note->is_of_run))
		return;
	a->n_notes++;
	*to = (struct audit_note){
		.code = note->code, .unit = note->unit, .value = value, .limit = limit};
	snprintf(to->try_text, sizeof(to->try_text), "%s", try_text);
	va_start(args, format);
	vsnprintf(to->text, sizeof(to->text), format, args);
	va_end(args);
}

static struct audit_text audit_requests(uint64_t n)
{
	struct audit_text t;

	snprintf(t.s, sizeof(t.s), "%.26s request%s", figure_count(n).text, n == 1 ? "" : "s");
	return t;
}

uint64_t audit_more_workers(const struct audit_view *v)
{
	int64_t workers = v->r->generator.workers;

	return (workers > 0 ? (uint64_t)workers / v->n_hosts : 0) + 1;
}

static struct audit_text audit_try_workers(const struct audit_view *v, const char *before)
{
	struct audit_text t;

	snprintf(t.s, sizeof(t.s), "%s-t %" PRIu64 "%s, if %s machine has a CPU to spare", before,
		audit_more_workers(v), v->n_hosts > 1 ? " for each run" : "",
		v->n_hosts > 1 ? "its" : "this");
	return t;
}

/* There is no figure of good answers, or it is of the few that came through although most arrivals
 * were late by a good part of their timeout. */
static bool audit_is_blind(const struct audit_view *v)
{
	const struct ledger *l = &v->ledger;

	if (!v->is_open || v->whole->p99_ns <= 0)
		return v->is_open;
	return 2 * (double)l->classes[LEDGER_OK] < (double)l->planned &&
	       v->plan.request_timeout_ns > 0 &&
	       (double)v->our_delay->p50_ns >=
		       AUDIT_DELAY_SHARE * (double)v->plan.request_timeout_ns;
}

double audit_delay_share(const struct audit_view *v, const struct audit *a)
{
	if (!audit_is_blind(v) || v->plan.request_timeout_ns <= 0)
		return a->our_delay_share_of_p99;
	return (double)v->our_delay->p99_ns / (double)v->plan.request_timeout_ns;
}

/* A limit of our delay's p99, or more where a single event could reach it. */
static int64_t audit_limit_ns(const struct audit_view *v, int64_t limit_ns)
{
	int64_t event_ns = AUDIT_DELAY_EVENT_NS - v->window_ns / 100;

	return event_ns > limit_ns ? event_ns : limit_ns;
}

/* ---------------------------------------------------------------- our part of the figures */

/* How far below the figure its interval goes, which is where the figure without us lies: what is
 * ours makes the interval wider above it. Negative: unknown. */
static double audit_room_below(const struct result_list *ends, int64_t figure_ns)
{
	const struct result_number *rows = ends->rows;

	return ends->n > 0 && result_is_known(rows[0].n) ? (double)figure_ns - (double)rows[0].n
							 : -1;
}

struct audit_part audit_part_of_p99(const struct audit_view *v)
{
	struct audit_part p = {.name = "p99", .ns = -1, .of_ns = v->whole->p99_ns};

	if (p.of_ns <= 0)
		return p;
	if (v->less_ours->p99_ns >= 0)
		p.ns = p.of_ns > v->less_ours->p99_ns ? p.of_ns - v->less_ours->p99_ns : 0;
	else if (v->is_open && v->our_delay->p99_ns >= 0)
		/* An older document: no more than that. */
		p.ns = v->our_delay->p99_ns < p.of_ns ? v->our_delay->p99_ns : p.of_ns;
	return p;
}

static bool audit_is_marked(const struct audit_part *p, const struct result_list *ends)
{
	return p->ns > AUDIT_PART_NS && (double)p->ns > AUDIT_PART_SHARE * (double)p->of_ns &&
	       (double)p->ns > audit_room_below(ends, p->of_ns);
}

/* The p99's, if it is marked; else that of the figure with the largest one. The p99.9 is a figure
 * only where its interval is known. */
static struct audit_part audit_worst_part(const struct audit_view *v)
{
	const struct result_latency *w = v->whole, *l = v->less_ours;
	const struct {
		const char *name;
		int64_t whole_ns, less_ns;
		const struct result_list *ends;
	} figures[] = {
		{"p99.9", w->ci95.p99_9_ns.n > 0 ? w->p99_9_ns : -1, l->p99_9_ns,
			&w->ci95.p99_9_ns},
		{"p90", w->p90_ns, l->p90_ns, &w->ci95.p90_ns},
		{"p50", w->p50_ns, l->p50_ns, &w->ci95.p50_ns},
	};
	struct audit_part worst = audit_part_of_p99(v);

	worst.is_marked = audit_is_marked(&worst, &w->ci95.p99_ns);
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures) && !worst.is_marked; i++) {
		struct audit_part p = {figures[i].name, -1, figures[i].whole_ns, false};

		if (p.of_ns > 0 && figures[i].less_ns >= 0)
			p.ns = p.of_ns - figures[i].less_ns;
		p.is_marked = audit_is_marked(&p, figures[i].ends);
		if (p.is_marked)
			worst = p;
	}
	return worst;
}

/* It is one of the percentiles of all arrivals, which is the row that has the name. */
static bool audit_is_offered(const struct audit_view *v, int64_t figure_ns)
{
	const struct result_offered *o = &v->r->offered;

	return figure_ns == o->p50_ns || figure_ns == o->p90_ns || figure_ns == o->p99_ns ||
	       figure_ns == o->p99_9_ns;
}

/* ": sent late by up to 1.43 ms, read late by up to 95 us (p99)", as far as they matter. Of few
 * answers these may be less than the part they explain: then it is the longest, or nothing. */
static struct audit_text audit_lateness(const struct audit_view *v, int64_t part_ns)
{
	int64_t sent_ns = v->is_open ? v->our_delay->p99_ns : -1;
	int64_t read_ns = v->r->generator.rx_slack_p99_ns;
	struct audit_text t = {""};

	if ((double)part_ns > fmax((double)sent_ns, 0) + fmax((double)read_ns, 0)) {
		if (v->is_open && v->our_delay->max_ns >= part_ns)
			snprintf(t.s, sizeof(t.s), ": sent late by up to %.26s (max)",
				figure_time(v->our_delay->max_ns).text);
		return t;
	}
	if (sent_ns > 0 && read_ns > 0)
		snprintf(t.s, sizeof(t.s),
			": sent late by up to %.26s, read late by up to %.26s (p99)",
			figure_time(sent_ns).text, figure_time(read_ns).text);
	else if (sent_ns > 0)
		snprintf(t.s, sizeof(t.s), ": sent late by up to %.26s (p99)",
			figure_time(sent_ns).text);
	else
		snprintf(t.s, sizeof(t.s), ": answers were read late by up to %.26s (p99)",
			figure_time(read_ns > 0 ? read_ns : 0).text);
	return t;
}

/* How much of the figures is ours. An arrival that was late without an effect on them is no mark.
 * Where no arrival had a good answer, our delay is measured against the time they were given. */
static void audit_note_part(const struct audit_view *v, struct audit *a)
{
	const struct note *late = &note_table[v->is_open ? NOTE_OUR_DELAY : NOTE_RX_SLACK];
	const struct note *intervals = &note_table[NOTE_SHORT_INTERVALS];
	bool is_blind = audit_is_blind(v);
	struct audit_part part = audit_worst_part(v);
	int64_t ns = is_blind ? v->our_delay->p99_ns : part.ns;
	bool is_short = v->short_interval_share > intervals->limit &&
			ns > audit_limit_ns(v, AUDIT_DELAY_QUIET_NS);
	int64_t large_ns = audit_limit_ns(v, AUDIT_DELAY_SATURATED_NS);
	bool is_saturated = v->is_open && audit_delay_share(v, a) >= AUDIT_DELAY_SHARE &&
			    (ns > large_ns || is_short);
	double limit_ns = (double)(is_saturated && ns > large_ns ? large_ns : AUDIT_PART_NS);
	struct audit_text try_text = audit_try_workers(v, "a quieter machine; ");

	if (is_blind ? ns <= AUDIT_PART_NS || (audit_delay_share(v, a) >= 0 &&
						      audit_delay_share(v, a) < AUDIT_PART_SHARE)
		     : !part.is_marked)
		return;
	audit_raise(a, is_saturated ? AUDIT_SATURATED : AUDIT_OK);
	if (is_blind)
		audit_add_note(v, a, late, (double)ns, limit_ns, try_text.s, "our delay p99 %s",
			figure_time(ns).text);
	else
		audit_add_note(v, a, late, (double)ns, limit_ns,
			v->is_open ? try_text.s : audit_spread(v),
			"%s%s of the %s %s%s is the generator's%s",
			v->r->generator.rx_unstamped_share > AUDIT_UNSTAMPED ? "at least " : "",
			figure_time(ns).text, part.name, figure_time(part.of_ns).text,
			v->is_open && !audit_is_offered(v, part.of_ns) ? " of the good answers"
								       : "",
			audit_lateness(v, ns).s);
	if (is_saturated && is_short)
		audit_add_note(v, a, intervals, v->short_interval_share, intervals->limit,
			try_text.s, "%s of the intervals sent less than 99 %% of what was due",
			figure_share(v->short_interval_share).text);
}

/* With spinning it is the way of pacing. */
static void audit_note_cpu(const struct audit_view *v, struct audit *a)
{
	struct audit_text try_text = audit_try_workers(v, "");
	double share = v->r->generator.cpu_share;

	if (!(share > AUDIT_CPU) || v->plan.spins || audit_is_too_short(v))
		return;
	if (v->is_open)
		audit_add_note(v, a, &note_table[NOTE_CPU], share, AUDIT_CPU, try_text.s,
			"the busiest worker used %s of its CPU", figure_share(share).text);
	else
		audit_add_note(v, a, &note_table[NOTE_CEILING], share, AUDIT_CPU, try_text.s,
			"the busiest worker used %s of its CPU: this is the generator's ceiling, "
			"not the server's",
			figure_share(share).text);
}

/* Open model: how far waiting for a connection made the response time. */
static void audit_note_connections(const struct audit_view *v, struct audit *a)
{
	const struct result_connections *c = &v->r->connections;
	int64_t wait_ns = v->connection_wait->p99_ns, response_ns = v->r->offered.p99_ns;
	bool is_reopening = audit_waits_to_reopen(v), is_tail;
	bool is_full = audit_was_full(v) && !is_reopening;
	struct audit_sentence use;
	struct audit_sentence keeping = audit_try_keeping(v);
	const char *remedy;

	if (audit_is_held_by_pace(v)) {
		audit_add_note(v, a, &note_table[NOTE_OPEN_RATE], (double)c->held_by_pace,
			AUDIT_HELD_MANY * (double)v->ledger.planned, audit_try_pace(v).s, "%s",
			audit_tell_pace(v).s);
		return;
	}
	is_tail = 2 * (double)wait_ns >= (double)response_ns;
	if (wait_ns <= 0 || response_ns <= 0 ||
		(!is_tail && !(is_full && v->capacity < AUDIT_ENOUGH * v->asked &&
				     audit_waits_on_average(v))))
		return;
	/* More are of no use to a pool that was never full: it waited for them to open. Nor to one
	 * that carries what is asked, by its own arithmetic; nor is opening them before, where most
	 * requests open another. */
	if (is_full && audit_is_in_turns(v))
		remedy = "a lower rate (-r): with more connections each answer takes longer";
	else if (is_full && v->capacity >= AUDIT_ENOUGH * v->asked && !audit_has_piled_up(v))
		remedy = "more connections (-c); if requests wait as long then, see what holds the "
			 "server up at times";
	else if (is_full && v->capacity >= AUDIT_ENOUGH * v->asked)
		remedy = AUDIT_STALL_REMEDY;
	else if (is_full)
		remedy = "more connections (-c), or a lower rate (-r)";
	else if (is_reopening || audit_is_reopened(v))
		remedy = keeping.s;
	else
		remedy = "see what opening one takes: connect, tls; a warm-up (-w) or -c N opens "
			 "them before";
	if (is_reopening && audit_was_full(v))
		snprintf(use.s, sizeof(use.s), "%.26s opened", figure_count(c->opened).text);
	else
		snprintf(use.s, sizeof(use.s), "%.26s of %.26s in use", figure_count(c->peak).text,
			figure_count(c->limit).text);
	audit_add_note(v, a, &note_table[NOTE_CONNECTION_WAIT], (double)wait_ns,
		(double)response_ns / 2, remedy, "%s%s%s of the response time is %s (%s)",
		is_tail ? "p99 " : "",
		figure_time(is_tail ? wait_ns : v->connection_wait->mean_ns).text,
		is_tail ? "" : " (mean)",
		is_full ? "the queue for a connection" : "the opening of connections", use.s);
}

/* Resources that this machine refused, each with its own remedy. */
static void audit_note_ours(const struct audit_view *v, struct audit *a)
{
	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
		const struct note note = note_of_fault((enum fault)f);
		uint64_t n = audit_fault_count(v, (enum fault)f);

		if (fault_table[f].phase != FAULT_PHASE_GENERATOR || n == 0)
			continue;
		audit_add_note(v, a, &note, (double)n, 0, audit_fault_remedy(v, (enum fault)f).s,
			"%s without a connection: %s", audit_requests(n).s, note.meaning);
	}
}

/* Each of them has cost a connection. */
static void audit_note_surplus(const struct audit_view *v, struct audit *a)
{
	int64_t n = v->r->connections.surplus;

	if (n <= 0)
		return;
	audit_add_note(v, a, &note_table[NOTE_SURPLUS], (double)n, 0,
		"count the bytes of one body: curl -s URL | wc -c",
		"%s answer%s followed by bytes that belong to none: is Content-Length too small?",
		figure_count(n).text, n == 1 ? " was" : "s were");
}

/* Counts what happened to connections that were kept open. */
static void audit_note_kept(const struct audit_view *v, struct audit *a)
{
	const struct note stale = note_of_fault(FAULT_STALE);
	uint64_t n = audit_fault_count(v, FAULT_STALE);
	int64_t retries = v->r->outside.retries;

	if (retries > 0)
		audit_add_note(v, a, &note_table[NOTE_RETRIES], (double)retries, 0, "",
			"%s sent again: the server had closed a kept connection",
			audit_requests((uint64_t)retries).s);
	if (n > 0)
		audit_add_note(v, a, &stale, (double)n, 0, audit_try_kept(v).s, "%s failed: %s",
			audit_requests(n).s, stale.meaning);
}

static void audit_note_ledger(const struct audit_view *v, struct audit *a)
{
	const struct ledger *l = &v->ledger;
	int64_t n = v->r->generator.unbalanced_intervals;

	if (!ledger_balances(l))
		audit_add_note(v, a, &note_table[NOTE_LEDGER],
			fabs((double)l->planned - (double)ledger_resolved(l)), 0,
			"report this as a bug of rpsd", "%s requests planned, %s accounted for",
			figure_count(l->planned).text, figure_count(ledger_resolved(l)).text);
	if (n > 0)
		audit_add_note(v, a, &note_table[NOTE_LEDGER_INTERVAL], (double)n, 0,
			"report this as a bug of rpsd",
			"a worker's ledger did not balance at the end of %s interval%s",
			figure_count(n).text, n == 1 ? "" : "s");
}

void audit_take_notes(const struct audit_view *v, struct audit *a)
{
	struct audit_part p99 = audit_part_of_p99(v);

	a->our_delay_share_of_p99 = -1;
	if (p99.ns >= 0)
		a->our_delay_share_of_p99 = (double)p99.ns / (double)p99.of_ns;

	audit_note_ledger(v, a);
	audit_note_ours(v, a);
	audit_note_surplus(v, a);
	audit_note_part(v, a);
	audit_note_stalls(v, a);
	if (v->is_open)
		audit_note_connections(v, a);
	audit_note_cpu(v, a);
	audit_note_machine(v, a);
	audit_note_kept(v, a);
}

void audit_note_redirects(const struct audit_view *v, struct audit *a)
{
	audit_add_note(v, a, &note_table[NOTE_REDIRECTS], (double)v->redirects, 0,
		audit_try_redirects(v).s, "%s", audit_tell_redirects(v).s);
}
