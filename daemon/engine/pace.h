/* SPDX-License-Identifier: Apache-2.0 */
/* The pace: a cap on the rate of all workers of a run together, exact in every window of time.
 * There are two sequences of places, each place at least 1/rate after the one before:
 *
 *   planned   users take the next place, and plan their requests for its instant: at most
 *             rate x window + 1 of them in any window
 *   sent      every request that is sent, however late: places may be taken up to PACE_LATE_NS
 *             before their instants, so that a request that is late by as much delays no other;
 *             at most rate x (window + PACE_LATE_NS) + 1 in any window
 *
 * Each sequence is one word, the next free place, that every worker advances with one atomic
 * operation: separate places for each worker would make the bound less exact, or requests would
 * wait for the places of a worker that has none to send. No clock is read: instants are arguments,
 * and the bounds hold in terms of these. Any thread. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/clock.h"

#define PACE_LATE_NS (100 * NSEC_PER_MSEC)

struct pace {
	int64_t zero_ns; /* places are counted from here: no instant is more than a year after it */
	int64_t gap;	 /* between two places, in 256ths of a ns */
	_Atomic int64_t planned;
	_Atomic int64_t sent;
};

/* rate_per_s > 0. To be called before the workers start. */
void pace_init(struct pace *p, uint64_t rate_per_s, int64_t zero_ns);

/* Takes a place and returns its instant, at ready_ns or later. */
int64_t pace_plan(struct pace *p, int64_t ready_ns);

/* For sending at now_ns: returns 0 if a place was taken. Otherwise none is, and the result is the
 * instant at which to ask again. */
int64_t pace_send(struct pace *p, int64_t now_ns);
