/* SPDX-License-Identifier: Apache-2.0 */
/* The pace: a cap on the rate of all workers of a run together, exact in every window of time.
 * Two rows of places, each 1/rate after the one before at least:
 *
 *   planned   users take the next place, and plan their requests for its instant: no more than
 *             rate x window + 1 of them in any window
 *   sent      what goes out, whatever it is and however late: places may be taken up to
 *             PACE_LATE_NS before their instants, so that a request that comes late by as much
 *             keeps none back; no more than rate x (window + PACE_LATE_NS) + 1 in any window
 *
 * Each row is one word, the next free place, that every worker moves on with one atomic step: to
 * give each worker places of its own would make the bound less exact, or requests wait for the
 * places of a worker that has none to send. No clock: instants are arguments, and the bounds hold
 * in terms of these. Any thread. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/clock.h"

#define PACE_LATE_NS (100 * NSEC_PER_MSEC)

struct pace {
	int64_t zero_ns; /* places are counted from here: no instant lies more than a year after it
			  */
	int64_t gap;	 /* between two places, in 256ths of a ns */
	_Atomic int64_t planned;
	_Atomic int64_t sent;
};

/* rate_per_s > 0. Before the workers begin. */
void pace_init(struct pace *p, uint64_t rate_per_s, int64_t zero_ns);

/* The instant of a place, at ready_ns or later: it is taken. */
int64_t pace_plan(struct pace *p, int64_t ready_ns);

/* To send at now_ns: 0, and a place is taken. Otherwise none is, and this is when to ask again. */
int64_t pace_send(struct pace *p, int64_t now_ns);
