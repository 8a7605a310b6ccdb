/* SPDX-License-Identifier: Apache-2.0 */
/* A false alarm costs more than a late one: a hosted machine is late by milliseconds all day long.
 * So only what shows in a figure makes a verdict; the rest explains one, or is worth a word by
 * itself. Limits were chosen from recorded runs. */
#include "common/result/notes.h"

#include <stddef.h>

#include "common/clock.h"
#include "common/host/host_text.h"
#include "common/str.h"

const char *const audit_verdict_names[AUDIT_VERDICTS] = {
	[AUDIT_OK] = "ok",
	[AUDIT_SUSPECT] = "suspect",
	[AUDIT_SATURATED] = "saturated",
};

const struct note note_table[NOTE_COUNT] = {
	[NOTE_LEDGER] = {"ledger", "count", 0, .is_of_run = true, .is_vital = true},
	[NOTE_LEDGER_INTERVAL] = {"ledger-interval", "count", 0, .is_of_run = true,
		.is_vital = true,
		.meaning = "A worker's ledger did not balance in the middle of the run: a bug, "
			   "please report it."},
	[NOTE_SURPLUS] = {"surplus", "count", 0},
	[NOTE_RESET] = {"reset-beside", "count", 0,
		.meaning = "Connections that the server reset before it had answered on them, "
			   "while others were open: as a server does that has a limit for them."},
	[NOTE_OUR_DELAY] = {"our-delay", "ns", NSEC_PER_MSEC, AUDIT_SUSPECT},
	[NOTE_SHORT_INTERVALS] = {"short-intervals", "share", 0.01,
		.meaning = "Intervals in which less than 99 % of what was due was sent."},
	[NOTE_STALLS] = {"stalls", "ns", 200 * NSEC_PER_MSEC, .is_of_run = true,
		.meaning = "Closed model: how long the server stood still, and so did all users. "
			   "Percentiles do not show it: a user has one late request for it, and "
			   "sends none meanwhile. What a plan at a rate feels is what -r shows."},
	[NOTE_OPEN_RATE] = {"open-rate", "count", NOTE_RELATIVE,
		.meaning = "Requests that waited because connections are opened no faster than "
			   "[connections] open-rate: a part of their response time is of the "
			   "generator's making. -w opens them before the window."},
	[NOTE_CONNECTION_WAIT] = {"connection-wait", "ns", NOTE_RELATIVE},
	[NOTE_CPU] = {"cpu", "share", 0.85, .is_of_run = true},
	[NOTE_CEILING] = {"ceiling", "share", 0.85, .is_of_run = true,
		.meaning = "The busiest worker had no CPU time left: the rate is this machine's."},
	[NOTE_THROTTLED] = {"throttled", "share", 0, .is_of_run = true,
		.meaning = "The quota of CPU time of rpsd's cgroup ran out: CPUQuota= or cpu.max "
			   "is too small for this load."},
	[NOTE_STEAL] = {"steal", "share", 0.05, .is_of_run = true,
		.meaning = "CPU time that the host gave to other virtual machines while rpsd "
			   "wanted it."},
	[NOTE_RX_SLACK] = {"rx-slack", "ns", NSEC_PER_MSEC, AUDIT_SUSPECT, .is_of_run = true},
	[NOTE_STANDSTILL] = {"standstill", "share", 0.01, .is_of_run = true,
		.meaning = "The share of the run in which a worker did not run: the process was "
			   "stopped, or had no CPU."},
	[NOTE_RUN_QUEUE] = {"run-queue", "share", 0.10, .is_of_run = true,
		.meaning = "A worker was ready to run and waited for a CPU: too many programs on "
			   "this machine."},
	[NOTE_TURNS] = {"turns", "ns", 10 * NSEC_PER_MSEC, .is_of_run = true,
		.meaning = "How long a worker took to handle all that had happened at once; what "
			   "came last in a turn waited for the rest."},
	[NOTE_SOFTIRQ] = {"softirq", "share", 0.25, .is_of_run = true,
		.meaning = "CPU time that the kernel spent on packets and timers, of all "
			   "programs."},
	[NOTE_RETRANSMITS] = {"retransmits", "count", NOTE_RELATIVE,
		.meaning = "TCP segments that the run's own connections sent again: they were "
			   "lost, or "
			   "not taken in time by a peer that reads slowly."},
	[NOTE_CLOCK] = {"clock", "ns", HOST_CLOCK_MAX_NS, .is_of_run = true,
		.meaning = "Reading the clock is slow here, and each request needs it three "
			   "times."},
	[NOTE_DESCRIPTORS] = {"descriptors", "count", NOTE_RELATIVE, .is_of_run = true,
		.meaning = "Nearly all descriptors that this process may have were in use."},
	[NOTE_PORTS_USED] = {"ports-used", "count", NOTE_RELATIVE, .is_of_run = true,
		.meaning = "Connections that were closed hold their local ports for a minute, and "
			   "nearly all ports are held."},
	[NOTE_LITTLE] = {"little", "share", 0.01, .is_of_run = true,
		.meaning = "The area under the number of requests in flight is the sum of the "
			   "times that they took, of all that ended, well or badly. Where the two "
			   "differ by more than 1 %, the measurement is in doubt."},
	[NOTE_SHORT_WINDOW] = {"short-window", "ns", NOTE_RELATIVE, .is_of_run = true,
		.meaning = "The run is too short against its answers for what begins and ends at "
			   "its borders not to matter."},
	[NOTE_COLOCATED] = {"co-located", "count", 0, .is_of_run = true, .is_vital = true,
		.meaning = "The server is on this machine and shares its CPU with rpsd."},
	[NOTE_RETRIES] = {"retries", "count", 0},
	[NOTE_REDIRECTS] = {"redirects", "count", 0, .is_vital = true},
	[NOTE_OK_RATE] = {"ok-rate", "count", NOTE_RELATIVE,
		.meaning = "A count is of the requests planned in the window, a rate of what "
			   "happened in it. Where a server held answers back at one of its "
			   "borders, the two differ."},

	[NOTE_NOT_VERIFIED] = {"certificate-not-verified", .is_of_run = true, .is_vital = true},
	[NOTE_PORTS] = {"ports", .is_of_run = true,
		.meaning = "Local ports limit how many connections can be opened and closed in a "
			   "time."},
	[NOTE_UNSTEADY] = {"unsteady", .is_of_run = true},
	[NOTE_WARMUP_SHORT] = {"warmup-too-short", .is_of_run = true},

	[NOTE_MERGE_VERDICT] = {"merge-verdict",
		.meaning = "One of the runs of a sum has a worse verdict of its generator than "
			   "their sum: a sick host is diluted by healthy ones."},
	[NOTE_MERGE_UNEVEN] = {"merge-uneven",
		.meaning = "Parts of a merged result saw different things: their p50 are more than "
			   "1.5 times apart, or their waits for a connection more than twice. One "
			   "host or its way to the server may be at fault, and the percentiles of "
			   "the sum describe neither."},
	[NOTE_MERGE_SEEDS] = {"merge-seeds",
		.meaning = "The slices of a merged result were made with different seeds: together "
			   "they are not one schedule."},
	[NOTE_MERGE_APART] = {"merge-apart",
		.meaning = "The runs of a merged result did not start together: their rates are "
			   "added as if they had."},
	[NOTE_MERGE_OVERLAP] = {"merge-overlap",
		.meaning = "Repetitions were under way at the same time: each was a part of the "
			   "other's load."},
	[NOTE_MERGE_WINDOW] = {"merge-window", .is_of_run = true,
		.meaning = "The windows of the runs of a merged result are not equally long."},
	[NOTE_MERGE_REBINNED] = {"merge-rebinned", .is_of_run = true,
		.meaning = "The histograms of the runs of a merged result are not of one layout: "
			   "values were put into that of the first."},
	[NOTE_MERGE_INTERVALS] = {"merge-intervals", .is_of_run = true,
		.meaning = "The runs of a merged result do not have equal intervals: the result "
			   "has no course over time."},
	[NOTE_MERGE_BATCHES] = {"merge-batches", .is_of_run = true,
		.meaning = "The runs of a merged result do not have equal batches: the result has "
			   "no intervals of confidence."},
};

/* A refusal by this machine concerns one machine. */
struct note note_of_fault(enum fault fault)
{
	bool is_ours = fault_table[fault].phase == FAULT_PHASE_GENERATOR;

	return (struct note){
		.code = fault_table[fault].name,
		.unit = "count",
		.verdict = is_ours ? AUDIT_SATURATED : AUDIT_OK,
		.is_of_run = is_ours,
		.meaning = fault_table[fault].help,
	};
}

bool note_find(const char *code, struct note *ret)
{
	struct note none;

	ret = ret ? ret : &none;
	for (unsigned i = 0; i < NOTE_COUNT; i++) {
		*ret = note_table[i];
		if (str_eq(code, ret->code))
			return true;
	}
	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
		*ret = note_of_fault((enum fault)f);
		if (str_eq(code, ret->code))
			return true;
	}
	return false;
}
