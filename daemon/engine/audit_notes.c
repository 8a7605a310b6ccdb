/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes of the audit: each figure of ours against its limit. They make the verdict on the
 * generator, and nothing but the verdict.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/figure.h"
#include "daemon/engine/audit_internal.h"
#include "daemon/engine/audit_text.h"
#include "daemon/engine/stats.h"

/* A smaller part of the response time's p99 than this is no part worth a word. */
#define AUDIT_DELAY_NIL_SHARE 0.01
#define AUDIT_DELAY_SATURATED_NS (20 * NSEC_PER_MSEC)
/* One standstill as long as busy hosts have them. In a window W its p99 is this less W/100: in one
 * of 2 s, recorded, 22 ms where 60 s would show nothing. One event is no state. */
#define AUDIT_DELAY_EVENT_NS (50 * NSEC_PER_MSEC)
/* An idle virtual machine shows up to 5.4 ms: below this, a short interval is a hiccup at its end.
 */
#define AUDIT_DELAY_QUIET_NS (6 * NSEC_PER_MSEC)
#define AUDIT_DELAY_SHARE 0.10
#define AUDIT_SHORT_INTERVALS 0.01

void audit_raise(struct audit *a, enum audit_verdict to)
{
	if (a->verdict < to)
		a->verdict = to;
}

void audit_add_note(struct audit *a, const char *code, double value, double limit,
	const char *try_text, const char *format, ...)
{
	struct audit_note *note = &a->notes[a->n_notes];
	va_list args;

	if (a->n_notes == AUDIT_NOTES_MAX)
		return;
	a->n_notes++;
	*note = (struct audit_note){.code = code, .value = value, .limit = limit};
	snprintf(note->try_text, sizeof(note->try_text), "%s", try_text);
	va_start(args, format);
	vsnprintf(note->text, sizeof(note->text), format, args);
	va_end(args);
}

const char *audit_note_unit(const struct audit_note *note)
{
	static const char *const times[] = {
		"our-delay", "connection-wait", "rx-slack", "turns", "clock", "short-window"};
	static const char *const shares[] = {"short-intervals", "cpu", "ceiling", "steal", "little",
		"standstill", "run-queue", "softirq", "throttled"};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strcmp(note->code, times[i]) == 0)
			return "ns";
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		if (strcmp(note->code, shares[i]) == 0)
			return "share";
	return "count";
}

static struct audit_text audit_requests(uint64_t n)
{
	struct audit_text t;

	snprintf(t.s, sizeof(t.s), "%.26s request%s", figure_count(n).text, n == 1 ? "" : "s");
	return t;
}

static struct audit_text audit_more_workers(const struct audit_input *in, const char *before)
{
	struct audit_text t;

	snprintf(t.s, sizeof(t.s), "%s-t %u, if this machine has a CPU to spare", before,
		in->workers + 1);
	return t;
}

double audit_delay_share(const struct audit_input *in, const struct audit *a)
{
	if (a->our_delay_share_of_p99 >= 0 || !in->is_open || in->request_timeout <= 0)
		return a->our_delay_share_of_p99;
	return (double)in->our_delay_p99 / (double)in->request_timeout;
}

/* A limit of our delay's p99, or more where a single event could reach it. */
static int64_t audit_limit_ns(const struct audit_input *in, int64_t limit_ns)
{
	int64_t event_ns = AUDIT_DELAY_EVENT_NS - in->window_ns / 100;

	return event_ns > limit_ns ? event_ns : limit_ns;
}

/* Open model: how late we were. */
static void audit_note_delay(const struct audit_input *in, struct audit *a)
{
	double share = a->our_delay_share_of_p99;
	bool is_short = in->short_interval_share > AUDIT_SHORT_INTERVALS &&
			in->our_delay_p99 > audit_limit_ns(in, AUDIT_DELAY_QUIET_NS);
	int64_t large_ns = audit_limit_ns(in, AUDIT_DELAY_SATURATED_NS);
	bool is_large = in->our_delay_p99 > large_ns;
	bool is_saturated = audit_delay_share(in, a) >= AUDIT_DELAY_SHARE && (is_large || is_short);
	double limit_ns = (double)(is_saturated && is_large ? large_ns : AUDIT_DELAY_SUSPECT_NS);
	struct audit_text try_text = audit_more_workers(in, "a quieter machine; ");

	if (in->our_delay_p99 <= AUDIT_DELAY_SUSPECT_NS ||
		(audit_delay_share(in, a) >= 0 && audit_delay_share(in, a) < AUDIT_DELAY_NIL_SHARE))
		return;
	audit_raise(a, is_saturated ? AUDIT_SATURATED : AUDIT_SUSPECT);
	if (share < 0)
		audit_add_note(a, "our-delay", (double)in->our_delay_p99, limit_ns, try_text.s,
			"our delay p99 %s", figure_time(in->our_delay_p99).text);
	else
		audit_add_note(a, "our-delay", (double)in->our_delay_p99, limit_ns, try_text.s,
			"our delay p99 %s, %s of the response time's p99 %s",
			figure_time(in->our_delay_p99).text, figure_share(share).text,
			figure_time(in->response_p99).text);
	if (is_saturated && is_short)
		audit_add_note(a, "short-intervals", in->short_interval_share,
			AUDIT_SHORT_INTERVALS, try_text.s,
			"%s of the intervals sent less than 99 %% of what was due",
			figure_share(in->short_interval_share).text);
}

static void audit_note_cpu(const struct audit_input *in, struct audit *a)
{
	struct audit_text try_text = audit_more_workers(in, "");

	if (!(in->cpu_share > AUDIT_CPU))
		return;
	if (in->is_open) {
		audit_raise(a, AUDIT_SUSPECT);
		audit_add_note(a, "cpu", in->cpu_share, AUDIT_CPU, try_text.s,
			"the busiest worker used %s of its CPU", figure_share(in->cpu_share).text);
	} else {
		audit_add_note(a, "ceiling", in->cpu_share, AUDIT_CPU, try_text.s,
			"the busiest worker used %s of its CPU: this is the generator's ceiling, "
			"not the server's",
			figure_share(in->cpu_share).text);
	}
}

/* Open model: how far waiting for a connection made the response time. */
static void audit_note_connections(const struct audit_input *in, struct audit *a)
{
	bool is_full;

	if (in->connection_wait_p99 <= 0 || in->response_p99 <= 0 ||
		2 * (double)in->connection_wait_p99 < (double)in->response_p99)
		return;
	/* More are of no use to a pool that was never full: it waited for them to open. */
	is_full = in->connections_peak >= in->connections_limit;
	audit_add_note(a, "connection-wait", (double)in->connection_wait_p99,
		(double)in->response_p99 / 2,
		is_full ? "more connections (-c), or a lower rate (-r)"
			: "see what opening one takes: connect, tls; a warm-up (-w) or -c N "
			  "opens them before",
		"p99 %s of the response time is the queue for a connection (%s of %s in use)",
		figure_time(in->connection_wait_p99).text, figure_count(in->connections_peak).text,
		figure_count(in->connections_limit).text);
}

/* What this machine refused us, each with its own remedy. */
static void audit_note_ours(const struct audit_input *in, struct audit *a)
{
	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT && in->faults; f++) {
		const struct fault_info *fault = &fault_table[f];
		uint64_t n = in->faults[f].count;

		if (fault->phase != FAULT_PHASE_GENERATOR || n == 0)
			continue;
		audit_raise(a, AUDIT_SATURATED);
		audit_add_note(a, fault->name, (double)n, 0,
			audit_fault_remedy(in, (enum fault)f).s, "%s without a connection: %s",
			audit_requests(n).s, fault->help);
	}
}

/* Each of them has cost a connection. */
static void audit_note_surplus(const struct audit_input *in, struct audit *a)
{
	if (in->surplus == 0)
		return;
	audit_add_note(a, "surplus", (double)in->surplus, 0,
		"count the bytes of one body: curl -s URL | wc -c",
		"%s answer%s followed by bytes that belong to none: is Content-Length too small?",
		figure_count(in->surplus).text, in->surplus == 1 ? " was" : "s were");
}

/* What became of connections that were kept open. */
static void audit_note_kept(const struct audit_input *in, struct audit *a)
{
	uint64_t n = in->faults ? in->faults[FAULT_STALE].count : 0;

	if (in->retries > 0)
		audit_add_note(a, "retries", (double)in->retries, 0, "",
			"%s sent again: the server had closed a kept connection",
			audit_requests(in->retries).s);
	if (n > 0)
		audit_add_note(a, fault_table[FAULT_STALE].name, (double)n, 0,
			AUDIT_KEEP_ALIVE_REMEDY, "%s failed: %s", audit_requests(n).s,
			fault_table[FAULT_STALE].help);
}

static void audit_note_ledger(const struct audit_input *in, struct audit *a)
{
	if (!ledger_balances(&in->ledger))
		audit_add_note(a, "ledger",
			fabs((double)in->ledger.planned - (double)ledger_resolved(&in->ledger)), 0,
			"report this as a bug of rpsd", "%s requests planned, %s accounted for",
			figure_count(in->ledger.planned).text,
			figure_count(ledger_resolved(&in->ledger)).text);
	if (in->unbalanced > 0)
		audit_add_note(a, "ledger-interval", (double)in->unbalanced, 0,
			"report this as a bug of rpsd",
			"a worker's ledger did not balance at the end of %s interval%s",
			figure_count(in->unbalanced).text, in->unbalanced == 1 ? "" : "s");
}

void audit_take_notes(const struct audit_input *in, struct audit *a)
{
	a->our_delay_share_of_p99 = -1;
	if (in->is_open && in->our_delay_p99 >= 0 && in->response_p99 > 0)
		a->our_delay_share_of_p99 =
			fmin((double)in->our_delay_p99 / (double)in->response_p99, 1);

	audit_note_ledger(in, a);
	audit_note_ours(in, a);
	audit_note_surplus(in, a);
	if (in->is_open) {
		audit_note_delay(in, a);
		audit_note_connections(in, a);
	}
	audit_note_cpu(in, a);
	audit_note_machine(in, a);
	audit_note_kept(in, a);
}

void audit_note_redirects(const struct audit_input *in, struct audit *a)
{
	audit_add_note(a, "redirects", (double)in->redirects, 0, audit_try_redirects(in).s, "%s",
		audit_tell_redirects(in).s);
}
