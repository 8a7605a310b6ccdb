/* SPDX-License-Identifier: Apache-2.0 */
/* The pace. The bounds hold for any order of the workers: each place that is taken is at least one
 * gap after the one that was taken before it, and not before the instant that was passed with it.
 * So if m places were taken with instants from a to b, the last is at a + (m - 1) gaps or later;
 * and it was only granted at b if it is at b + PACE_LATE_NS or before.
 *
 * A gap is rounded up, so the rate is never exceeded. Fractions of a ns are counted, since a run
 * that sends at exactly the rate of its cap would otherwise accumulate a lag: at 300,000/s, 100 ms
 * in eight minutes; with 256ths of a ns, in a day and a half. */
#include "daemon/engine/pace.h"

#define PACE_UNITS 256 /* units in one ns: the units of a year fit in 63 bits */

static int64_t pace_units(const struct pace *p, int64_t instant_ns)
{
	int64_t ns = instant_ns - p->zero_ns;

	return ns > 0 ? ns * PACE_UNITS : 0;
}

/* The instant, rounded up. */
static int64_t pace_instant(const struct pace *p, int64_t units)
{
	return p->zero_ns + (units + PACE_UNITS - 1) / PACE_UNITS;
}

void pace_init(struct pace *p, uint64_t rate_per_s, int64_t zero_ns)
{
	int64_t rate = (int64_t)rate_per_s;

	p->zero_ns = zero_ns;
	p->gap = (NSEC_PER_SEC * PACE_UNITS + rate - 1) / rate;
	atomic_init(&p->planned, 0);
	atomic_init(&p->sent, 0);
}

int64_t pace_plan(struct pace *p, int64_t ready_ns)
{
	int64_t ready = pace_units(p, ready_ns);
	int64_t next = atomic_load_explicit(&p->planned, memory_order_relaxed);
	int64_t place;

	do {
		place = next > ready ? next : ready;
	} while (!atomic_compare_exchange_weak_explicit(
		&p->planned, &next, place + p->gap, memory_order_relaxed, memory_order_relaxed));
	return pace_instant(p, place);
}

int64_t pace_send(struct pace *p, int64_t now_ns)
{
	int64_t now = pace_units(p, now_ns);
	int64_t next = atomic_load_explicit(&p->sent, memory_order_relaxed);
	int64_t place;

	do {
		place = next > now ? next : now;
		if (place - now > PACE_LATE_NS * PACE_UNITS)
			return pace_instant(p, place - PACE_LATE_NS * PACE_UNITS);
	} while (!atomic_compare_exchange_weak_explicit(
		&p->sent, &next, place + p->gap, memory_order_relaxed, memory_order_relaxed));
	return 0;
}
