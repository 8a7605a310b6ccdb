/* SPDX-License-Identifier: Apache-2.0 */
/* Workers report one by one, some milliseconds apart, each for an instant of the same grid. A
 * sample is made when the last of them has reported for an instant: made at the report of any one
 * of them, it would lack the share of the others and show too low a rate. Where a worker leaves an
 * instant out, the sample is made at the next one and is that much wider.
 *
 * Samples are differences of totals, so together they contain all events. A worker that does not
 * report delays the view for SAMPLE_WAIT_INTERVALS and SAMPLE_WAIT_NS at most; its events of that
 * time are in the sample after its next report. One that has ended has due_ns CLOCK_NEVER, and is
 * not awaited. Pure. */
#include "daemon/runs/sample.h"

#include "common/clock.h"
#include "daemon/engine/worker.h"

/* The number of intervals that the others may be ahead of a worker. */
#define SAMPLE_WAIT_INTERVALS 2
#define SAMPLE_WAIT_NS NSEC_PER_SEC

void sample_start(struct sample *s, int64_t t0_ns)
{
	*s = (struct sample){.at_ns = t0_ns};
}

static void sample_make(
	struct sample *s, const struct worker_pulse *pulses, unsigned n, int64_t at_ns)
{
	s->before = s->ledger;
	s->ledger = (struct ledger){0};
	for (unsigned w = 0; w < n; w++)
		ledger_add(&s->ledger, &pulses[w].ledger);
	s->width_ns = at_ns - s->at_ns;
	s->at_ns = at_ns;
}

enum sample_news sample_take(struct sample *s, const struct worker_pulse *pulses, unsigned n,
	int64_t interval_ns, unsigned *ret_late)
{
	int64_t all_ns = CLOCK_NEVER; /* all workers have reported up to here */
	int64_t one_ns = s->at_ns;    /* and at least one of them up to here */

	for (unsigned w = 0; w < n; w++) {
		if (pulses[w].due_ns == CLOCK_NEVER)
			continue;
		if (pulses[w].due_ns < all_ns) {
			all_ns = pulses[w].due_ns;
			*ret_late = w;
		}
		if (pulses[w].due_ns > one_ns)
			one_ns = pulses[w].due_ns;
	}
	if (all_ns != CLOCK_NEVER && all_ns > s->at_ns) {
		sample_make(s, pulses, n, all_ns);
		return SAMPLE_WHOLE;
	}
	if (one_ns - s->at_ns < SAMPLE_WAIT_INTERVALS * interval_ns + SAMPLE_WAIT_NS)
		return SAMPLE_NOTHING;
	sample_make(s, pulses, n, one_ns);
	return SAMPLE_LACKING;
}
