/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes on the machine: what its kernel, its neighbours and its clock have done to us. Only
 * what the measurement page names makes the verdict: a quota, neighbours, stamps that are late, a
 * standstill. The rest explains a verdict or is worth a word by itself. A figure that is unknown
 * says nothing.
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
#include "daemon/engine/audit_internal.h"

#define AUDIT_STEAL 0.05
#define AUDIT_STALLED_SUSPECT 0.01
#define AUDIT_RX_SLACK_SHARE 0.10
/* Below that it is a wake-up on a quiet machine: on loopback, where the service itself takes some
 * tens of microseconds, the share alone would accuse every run. */
#define AUDIT_RX_SLACK_NS (500 * NSEC_PER_USEC)
#define AUDIT_LITTLE 0.01
/* Answers that take longer than this part of the window make the rates say little. */
#define AUDIT_WINDOW_SHARE 0.2
#define AUDIT_RUN_QUEUE 0.10
#define AUDIT_RUN_QUEUE_EXPLAINS 0.01
#define AUDIT_TURN_NS (10 * NSEC_PER_MSEC)
#define AUDIT_TURN_EXPLAINS_NS NSEC_PER_MSEC
#define AUDIT_SOFTIRQ 0.25
#define AUDIT_RETRANSMITS 0.005
#define AUDIT_RETRANSMITS_LEAST 10
#define AUDIT_HEADROOM 0.05

static void audit_note_quota(const struct audit_input *in, struct audit *a)
{
	if (!(in->throttled_share > 0))
		return;
	audit_raise(a, AUDIT_SUSPECT);
	audit_add_note(a, "throttled", in->throttled_share, 0,
		"a larger quota of CPU time: CPUQuota= of the service, cpu.max of the cgroup",
		"the quota of CPU time ran out in %s of its periods, for %s altogether",
		figure_share(in->throttled_share).text, figure_time(in->throttled_ns).text);
}

static void audit_note_neighbours(const struct audit_input *in, struct audit *a)
{
	if (!(in->steal_share > AUDIT_STEAL))
		return;
	audit_raise(a, AUDIT_SUSPECT);
	audit_add_note(a, "steal", in->steal_share, AUDIT_STEAL, "a dedicated machine",
		"%s of this machine's CPU time went to other virtual machines",
		figure_share(in->steal_share).text);
}

static void audit_note_standstill(const struct audit_input *in, struct audit *a)
{
	if (!(in->stalled_share > AUDIT_STALLED_SUSPECT))
		return;
	audit_raise(
		a, in->stalled_share > AUDIT_STALLED_SATURATED ? AUDIT_SATURATED : AUDIT_SUSPECT);
	audit_add_note(a, "standstill", in->stalled_share, AUDIT_STALLED_SUSPECT,
		"see what stopped rpsd: a CPU quota, SIGSTOP, a machine that was paused",
		"a worker stood still for %s of the run", figure_share(in->stalled_share).text);
}

static void audit_note_stamps(const struct audit_input *in, struct audit *a)
{
	if (in->rx_slack_p99 <= AUDIT_RX_SLACK_NS || in->service_p50 <= 0 ||
		(double)in->rx_slack_p99 <= AUDIT_RX_SLACK_SHARE * (double)in->service_p50)
		return;
	audit_raise(a, AUDIT_SUSPECT);
	audit_add_note(a, "rx-slack", (double)in->rx_slack_p99,
		AUDIT_RX_SLACK_SHARE * (double)in->service_p50,
		"fewer connections on each worker: -t, if this machine has a CPU to spare",
		"completion stamps are late by up to %s (p99), service p50 is %s",
		figure_time(in->rx_slack_p99).text, figure_time(in->service_p50).text);
}

/* Why we were late, as far as the kernel and the loop tell. */
static void audit_note_causes(const struct audit_input *in, struct audit *a)
{
	bool explains = a->verdict > AUDIT_OK;
	double queue = explains ? AUDIT_RUN_QUEUE_EXPLAINS : AUDIT_RUN_QUEUE;
	int64_t turn_ns = explains ? AUDIT_TURN_EXPLAINS_NS : AUDIT_TURN_NS;

	if (in->run_queue_share > queue)
		audit_add_note(a, "run-queue", in->run_queue_share, queue,
			"a quieter machine; fewer programs than CPUs",
			"a worker waited for a CPU for %s of the run",
			figure_share(in->run_queue_share).text);
	if (in->turn_p99 > turn_ns)
		audit_add_note(a, "turns", (double)in->turn_p99, (double)turn_ns,
			"fewer connections on each worker: -t, if this machine has a CPU to spare",
			"a turn of a worker's loop took up to %s (p99), others waited for it",
			figure_time(in->turn_p99).text);
}

static void audit_note_network(const struct audit_input *in, struct audit *a)
{
	if (in->softirq_share > AUDIT_SOFTIRQ)
		audit_add_note(a, "softirq", in->softirq_share, AUDIT_SOFTIRQ, "a quieter machine",
			"%s of this machine's CPU time went into packets and timers",
			figure_share(in->softirq_share).text);
	if (in->retransmits >= AUDIT_RETRANSMITS_LEAST && in->segments > 0 &&
		(double)in->retransmits > AUDIT_RETRANSMITS * (double)in->segments)
		audit_add_note(a, "retransmits", (double)in->retransmits,
			AUDIT_RETRANSMITS * (double)in->segments,
			"see where packets are lost: nstat, ss -ti; a full queue of the server's "
			"new connections loses them too",
			"%s of %s TCP segments of the run's connections were sent again",
			figure_count((int64_t)in->retransmits).text,
			figure_count((int64_t)in->segments).text);
}

static void audit_note_clock(const struct audit_input *in, struct audit *a)
{
	const char *source = in->clocksource && *in->clocksource ? in->clocksource : "unknown";

	if (!host_text_is_slow_clock(source, in->clock_ns))
		return;
	audit_add_note(a, "clock", (double)in->clock_ns, HOST_CLOCK_MAX_NS,
		"another clocksource, if the kernel has one: "
		"/sys/devices/system/clocksource/clocksource0",
		"reading the clock takes %s (clocksource %.32s), and each request reads it three "
		"times",
		figure_time(in->clock_ns).text, source);
}

/* What was nearly used up. */
static void audit_note_headroom(const struct audit_input *in, struct audit *a)
{
	double descriptors = (double)in->descriptors;
	double ports = (double)in->ports;

	if (in->descriptors_used > 0 &&
		descriptors - (double)in->descriptors_used < AUDIT_HEADROOM * descriptors)
		audit_add_note(a, "descriptors", (double)in->descriptors_used,
			(1 - AUDIT_HEADROOM) * descriptors,
			audit_fault_remedy(in, FAULT_NO_DESCRIPTORS).s,
			"%s of %s descriptors were in use", figure_count(in->descriptors_used).text,
			figure_count(in->descriptors).text);
	if (in->ports > 0 && (double)in->time_wait > (1 - AUDIT_HEADROOM) * ports)
		audit_add_note(a, "ports-used", (double)in->time_wait, (1 - AUDIT_HEADROOM) * ports,
			audit_fault_remedy(in, FAULT_NO_PORTS).s,
			"%s connections hold their ports for another minute, and there are %s",
			figure_count((int64_t)in->time_wait).text, figure_count(in->ports).text);
}

/* Notes on the figures themselves. */
static void audit_note_figures(const struct audit_input *in, struct audit *a)
{
	if (in->little_residual > AUDIT_LITTLE)
		audit_add_note(a, "little", in->little_residual, AUDIT_LITTLE,
			"report it as a bug of rpsd, with the result file",
			"the time that requests were in flight differs by %s from the sum of their "
			"times: a bug, or the clock jumped",
			figure_share(in->little_residual).text);
	if (in->window_ns > 0 && in->service_mean > AUDIT_WINDOW_SHARE * (double)in->window_ns)
		audit_add_note(a, "short-window", (double)in->service_mean,
			AUDIT_WINDOW_SHARE * (double)in->window_ns,
			"a longer run (-d) after a warm-up (-w)",
			"an answer takes %s of a window of %s: rates count what ended inside it",
			figure_time(in->service_mean).text, figure_time(in->window_ns).text);
	if (in->is_colocated)
		audit_add_note(a, "co-located", 1, 0, "",
			"server on this machine: it shares the CPU with rpsd");
}

void audit_note_machine(const struct audit_input *in, struct audit *a)
{
	audit_note_quota(in, a);
	audit_note_neighbours(in, a);
	audit_note_stamps(in, a);
	audit_note_standstill(in, a);
	audit_note_causes(in, a);
	audit_note_network(in, a);
	audit_note_clock(in, a);
	audit_note_headroom(in, a);
	audit_note_figures(in, a);
}

const char *audit_machine_remedy(const struct audit_input *in)
{
	if (in->throttled_share > AUDIT_THROTTLED_LIMIT)
		return "a larger quota of CPU time: CPUQuota= of the service, cpu.max of the "
		       "cgroup";
	if (in->stalled_share > AUDIT_STALLED_SATURATED)
		return "see what stopped rpsd: a CPU quota, SIGSTOP, a machine that was paused";
	return "";
}
