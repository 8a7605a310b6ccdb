/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes on the machine: what its kernel, its neighbours and its clock have done to us. They
 * explain a verdict or are worth a word by itself; a quota, neighbours and a standstill make one in
 * the closed model, where the rate is what they leave of it. A figure that is unknown says nothing.
 *
 * Chosen here, where the page has no limit:
 * - Waiting for a CPU and long turns of the loop explain our delay, so a small share of them is
 *   told only where the generator is not "ok" already.
 * - Segments that were lost are the network's or the server's doing: they make no verdict.
 *
 * Pure; any thread. Texts are ASCII.
 */
#include "common/figure.h"
#include "common/host/host_text.h"
#include "common/result/audit_internal.h"

/* Answers that take longer than this part of the window make the rates say little. */
#define AUDIT_WINDOW_SHARE 0.2
#define AUDIT_RUN_QUEUE_EXPLAINS 0.01
/* The rate of two runs differs by as much without any of this. */
#define AUDIT_RATE_PART 0.02
#define AUDIT_TURN_EXPLAINS_NS NSEC_PER_MSEC
#define AUDIT_RETRANSMITS 0.005
#define AUDIT_RETRANSMITS_LEAST 10
/* A full buffer of the socket, and not the time that the system call takes. */
#define AUDIT_STALLED_SEND_NS NSEC_PER_MSEC
#define AUDIT_HEADROOM 0.05

/* In the closed model the rate is a figure too, and each of these takes as much of it. In the open
 * one they matter as far as they show in the times (audit_notes.c). */
static void audit_mark_rate(const struct audit_view *v, struct audit *a)
{
	audit_raise(a, v->is_open ? AUDIT_OK : AUDIT_SUSPECT);
}

static void audit_note_quota(const struct audit_view *v, struct audit *a)
{
	const struct result_generator *g = &v->r->generator;

	if (g->throttled_share > 0) {
		/* A quota that ran out for moments has not taken much of the rate. */
		if (g->throttled_share > AUDIT_THROTTLED_LIMIT ||
			(double)g->throttled_ns > AUDIT_RATE_PART * (double)v->window_ns)
			audit_mark_rate(v, a);
		audit_add_note(v, a, &note_table[NOTE_THROTTLED], g->throttled_share, 0,
			"a larger quota of CPU time: CPUQuota= of the service, cpu.max of the "
			"cgroup",
			"the quota of CPU time ran out in %s of its periods, for %s altogether",
			figure_share(g->throttled_share).text, figure_time(g->throttled_ns).text);
	}
}

static void audit_note_neighbours(const struct audit_view *v, struct audit *a)
{
	const struct note *note = &note_table[NOTE_STEAL];
	double share = v->r->generator.steal_share;

	if (!(share > note->limit) || audit_is_too_short(v))
		return;
	audit_mark_rate(v, a);
	audit_add_note(v, a, note, share, note->limit, "a dedicated machine",
		"%s of this machine's CPU time went to other virtual machines",
		figure_share(share).text);
}

static void audit_note_standstill(const struct audit_view *v, struct audit *a)
{
	const struct note *note = &note_table[NOTE_STANDSTILL];
	double share = v->r->generator.stalled_share;

	if (!(share > note->limit))
		return;
	if (share > AUDIT_RATE_PART)
		audit_mark_rate(v, a);
	if (!v->is_open && share > AUDIT_STALLED_SATURATED)
		audit_raise(a, AUDIT_SATURATED);
	audit_add_note(v, a, note, share, note->limit,
		"see what stopped rpsd: a CPU quota, SIGSTOP, a machine that was paused",
		"a worker stood still for %s of the run", figure_share(share).text);
}

/* More workers have nothing to take from one that has a single connection. */
const char *audit_spread(const struct audit_view *v)
{
	return v->r->connections.peak > v->r->generator.workers
		       ? "fewer connections on each worker: -t, if this machine has a CPU to spare"
		       : "a quieter machine";
}

/* Why we were late, as far as the kernel and the loop tell. */
static void audit_note_causes(const struct audit_view *v, struct audit *a)
{
	const struct note *waits = &note_table[NOTE_RUN_QUEUE], *turns = &note_table[NOTE_TURNS];
	const struct result_generator *g = &v->r->generator;
	bool explains = a->verdict > AUDIT_OK;
	double queue = explains ? AUDIT_RUN_QUEUE_EXPLAINS : waits->limit;
	double turn_ns = explains ? (double)AUDIT_TURN_EXPLAINS_NS : turns->limit;

	if (g->run_queue_share > queue && !audit_is_too_short(v))
		audit_add_note(v, a, waits, g->run_queue_share, queue,
			"a quieter machine; fewer programs than CPUs",
			"a worker waited for a CPU for %s of the run",
			figure_share(g->run_queue_share).text);
	if ((double)g->loop_p99_ns > turn_ns)
		audit_add_note(v, a, turns, (double)g->loop_p99_ns, turn_ns, audit_spread(v),
			"a turn of a worker's loop took up to %s (p99), others waited for it",
			figure_time(g->loop_p99_ns).text);
}

/* Where requests wait for the peer to take them, segments that it takes late are sent again. */
static struct audit_sentence audit_try_segments(const struct audit_view *v)
{
	const struct result_latency *stall = result_find_latency(v->r, "send_stall");
	struct audit_sentence t = {"see where packets are lost, or which side reads slowly (nstat "
				   "TcpExtTCPToZeroWindowAdv, ss -ti); a full queue of the "
				   "server's new connections loses them too"};

	if (stall && stall->p50_ns >= AUDIT_STALLED_SEND_NS)
		snprintf(t.s, sizeof(t.s),
			"see why the server takes requests slowly (send stall p50 %.26s): segments "
			"that it takes late are sent again; where packets are lost: nstat, ss -ti",
			figure_time(stall->p50_ns).text);
	return t;
}

static void audit_note_network(const struct audit_view *v, struct audit *a)
{
	const struct note *softirq = &note_table[NOTE_SOFTIRQ];
	const struct result_generator *g = &v->r->generator;
	double lost = AUDIT_RETRANSMITS * (double)g->tcp_segments;

	if (g->softirq_share > softirq->limit && !audit_is_too_short(v))
		audit_add_note(v, a, softirq, g->softirq_share, softirq->limit, "a quieter machine",
			"%s of this machine's CPU time went into packets and timers",
			figure_share(g->softirq_share).text);
	if (g->retransmits >= AUDIT_RETRANSMITS_LEAST && g->tcp_segments > 0 &&
		(double)g->retransmits > lost)
		audit_add_note(v, a, &note_table[NOTE_RETRANSMITS], (double)g->retransmits, lost,
			audit_try_segments(v).s,
			"%s of %s TCP segments of the run's connections were sent again",
			figure_count(g->retransmits).text, figure_count(g->tcp_segments).text);
}

static void audit_note_clock(const struct audit_view *v, struct audit *a)
{
	const struct note *note = &note_table[NOTE_CLOCK];
	const char *source = result_words(v->r->generator.clocksource);
	int64_t clock_ns = v->r->generator.clock_ns;

	source = *source ? source : "unknown";
	if (result_is_known(clock_ns) && host_text_is_slow_clock(source, clock_ns))
		audit_add_note(v, a, note, (double)clock_ns, note->limit,
			"another clocksource, if the kernel has one: "
			"/sys/devices/system/clocksource/clocksource0",
			"reading the clock takes %s (clocksource %.32s), and each request reads it "
			"three times",
			figure_time(clock_ns).text, source);
}

/* Resources that were nearly used up. */
static void audit_note_headroom(const struct audit_view *v, struct audit *a)
{
	const struct result_descriptors *d = &v->r->generator.descriptors;
	const struct result_ports *p = &v->r->generator.ports;
	double descriptors = (double)d->limit, ports = (double)p->range;

	if (v->has_begun && d->used_at_most > 0 && d->limit >= 0 &&
		descriptors - (double)d->used_at_most < AUDIT_HEADROOM * descriptors)
		audit_add_note(v, a, &note_table[NOTE_DESCRIPTORS], (double)d->used_at_most,
			(1 - AUDIT_HEADROOM) * descriptors,
			audit_fault_remedy(v, FAULT_NO_DESCRIPTORS).s,
			"%s of %s descriptors were in use", figure_count(d->used_at_most).text,
			figure_count(d->limit).text);
	if (v->has_begun && p->range > 0 && p->reused != RESULT_YES &&
		(double)p->time_wait > (1 - AUDIT_HEADROOM) * ports)
		audit_add_note(v, a, &note_table[NOTE_PORTS_USED], (double)p->time_wait,
			(1 - AUDIT_HEADROOM) * ports, audit_fault_remedy(v, FAULT_NO_PORTS).s,
			"%s connections hold their ports for another minute, and there are %s",
			figure_count(p->time_wait).text, figure_count(p->range).text);
}

/* The time of a few answers is not what went wrong where nearly all requests had none. */
#define AUDIT_ANSWERED 0.1

static bool audit_has_answers(const struct audit_view *v)
{
	const uint64_t *n = v->ledger.classes;
	double answered = (double)n[LEDGER_OK] + (double)n[LEDGER_HTTP_ERROR] +
			  (double)n[LEDGER_CHECK_FAILED];

	return answered >= AUDIT_ANSWERED * (double)v->ledger.planned;
}

/* Notes on the figures themselves. */
static void audit_note_figures(const struct audit_view *v, struct audit *a)
{
	const struct note *little = &note_table[NOTE_LITTLE];
	double residual = v->r->generator.little_residual;
	double most_ns = AUDIT_WINDOW_SHARE * (double)v->window_ns;

	if (residual > little->limit)
		audit_add_note(v, a, little, residual, little->limit,
			"report it as a bug of rpsd, with the result file",
			"the time that requests were in flight differs by %s from the sum of their "
			"times: a bug, or the clock jumped",
			figure_share(residual).text);
	/* Where they take ever longer, they do so in a longer one too. */
	if (v->window_ns > 0 && (double)v->service->mean_ns > most_ns && v->growth <= 0 &&
		audit_has_answers(v))
		audit_add_note(v, a, &note_table[NOTE_SHORT_WINDOW], (double)v->service->mean_ns,
			most_ns, "a longer run (-d) after a warm-up (-w)",
			"an answer takes %s of a window of %s: rates count what ended inside it",
			figure_time(v->service->mean_ns).text, figure_time(v->window_ns).text);
	if (v->r->generator.colocated == RESULT_YES)
		audit_add_note(v, a, &note_table[NOTE_COLOCATED], 1, 0, "",
			"server on this machine: it shares the CPU with rpsd");
}

void audit_note_machine(const struct audit_view *v, struct audit *a)
{
	audit_note_quota(v, a);
	audit_note_neighbours(v, a);
	audit_note_standstill(v, a);
	audit_note_causes(v, a);
	audit_note_network(v, a);
	audit_note_clock(v, a);
	audit_note_headroom(v, a);
	audit_note_figures(v, a);
}

const char *audit_machine_remedy(const struct audit_view *v)
{
	if (v->r->generator.throttled_share > AUDIT_THROTTLED_LIMIT)
		return "a larger quota of CPU time: CPUQuota= of the service, cpu.max of the "
		       "cgroup";
	if (v->r->generator.stalled_share > AUDIT_STALLED_SATURATED)
		return "see what stopped rpsd: a CPU quota, SIGSTOP, a machine that was paused";
	return "";
}
