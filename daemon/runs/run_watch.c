/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that an observer needs at once and would notice too late in the figures: the first time
 * something fails, and with which fault; that answers have stopped, and for how long. Checked once
 * for each sample made from the workers' pulses. Main thread. */
#include <stdio.h>

#include "common/clock.h"
#include "common/stats/quantile.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"

/* A silence is reported when it lasts longer than this, and longer than answers have taken so
 * far. */
#define RUN_SILENCE_NS NSEC_PER_SEC
#define RUN_SILENCE_FACTOR 3

static void run_watch_faults(struct run *run)
{
	for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
		uint64_t n = 0;

		for (unsigned w = 0; w < run->n_started; w++)
			n += run->pulses[w].faults[i];
		if (n == 0 || run->fault_was_seen[i])
			continue;
		run->fault_was_seen[i] = true;
		run_add_event(run, "fault", "%s: %s", fault_table[i].name, fault_table[i].help);
	}
}

/* Merges the observations of all workers; returns the instant up to which they are known. */
static int64_t run_watch_gather(const struct run *run, struct silence *ret)
{
	int64_t seen_ns = CLOCK_NEVER;

	*ret = (struct silence){0};
	for (unsigned w = 0; w < run->n_started; w++) {
		silence_merge(ret, &run->pulses[w].silence);
		if (run->pulses[w].seen_ns < seen_ns)
			seen_ns = run->pulses[w].seen_ns;
	}
	return seen_ns;
}

/* A single user sends one request and then waits. */
static unsigned run_watch_least_asked(const struct run *run)
{
	return run_schedule(run) || run->admission.connections > 1 ? SILENCE_ASKED_MAX : 1;
}

static void run_watch_silence(struct run *run)
{
	int64_t p99_ns = run->timeline ? quantile_served(timeline_response(run->timeline), 0.99)
				       : QUANTILE_NONE;
	int64_t patience_ns = RUN_SILENCE_NS;
	int64_t seen_ns, from_s;
	struct silence s;

	if (p99_ns != QUANTILE_NONE && p99_ns > patience_ns / RUN_SILENCE_FACTOR)
		patience_ns = p99_ns * RUN_SILENCE_FACTOR;
	seen_ns = run_watch_gather(run, &s);
	if (!run->is_silence_told) {
		run->silent_since_ns =
			silence_since(&s, run_watch_least_asked(run), patience_ns, seen_ns);
		/* Before the first answer it is not known how long one takes. */
		if (run->silent_since_ns == 0 || p99_ns == QUANTILE_NONE)
			return;
		run->is_silence_told = true;
		from_s = (run->silent_since_ns - run->times.t0_ns) / NSEC_PER_SEC;
		run_add_event(run, "silence", "nothing answered since %d:%02d", (int)(from_s / 60),
			(int)(from_s % 60));
	} else if (s.answered_ns > run->silent_since_ns) {
		from_s = (run->silent_since_ns - run->times.t0_ns) / NSEC_PER_SEC;
		/* Answers resumed at some time in the interval that is over now. */
		run_add_event(run, "answers", "nothing answered for about %.0f s, from %d:%02d",
			(double)(clock_now_ns() - run->silent_since_ns -
				 run->plan->interval_ns / 2) /
				1e9,
			(int)(from_s / 60), (int)(from_s % 60));
		run->silent_since_ns = 0;
		run->is_silence_told = false;
	}
}

/* Passes on the samples of the live view; one that lacks a worker is reported once, until all
 * report again. */
void run_watch_sample(struct run *run)
{
	unsigned late = 0;
	enum sample_news news = sample_take(
		&run->sample, run->pulses, run->n_started, run->plan->interval_ns, &late);

	if (news == SAMPLE_NOTHING)
		return;
	if (news == SAMPLE_LACKING && !run->is_lateness_told)
		run_add_event(run, "late-worker",
			"worker %u does not report, its CPU may be too busy: the live view lacks "
			"its share until it does",
			late);
	run->is_lateness_told = news == SAMPLE_LACKING;
	run_watch_faults(run);
	run_watch_silence(run);
	list_for_each_safe (it, &run->observers) {
		struct run_observer *o = container_of(it, struct run_observer, _node);

		if (o->on_interval)
			o->on_interval(o, run);
	}
}

/* The worker has ended: no more pulses are awaited, and its totals are complete. */
void run_watch_end(struct run *run, const struct worker *w)
{
	struct worker_pulse *pulse = &run->pulses[worker_index(w)];

	*pulse = (struct worker_pulse){.due_ns = CLOCK_NEVER,
		.oldest_ns = CLOCK_NEVER,
		.seen_ns = CLOCK_NEVER,
		.silence = pulse->silence};
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ledger_add(&pulse->ledger, &worker_totals(w)->ledgers[i]);
	for (int i = 0; i < FAULT_COUNT; i++)
		pulse->faults[i] = worker_totals(w)->faults[i].count;
}
