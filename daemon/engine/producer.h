/* SPDX-License-Identifier: Apache-2.0 */
/* The producer: the open model's source of arrivals. A one-shot, absolute timerfd stands at the
 * next planned instant of the schedule; what is due is handed on in batches, each arrival with its
 * own planned instant, however late it is. Thread: the worker's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop/loop.h"

struct producer;
struct schedule;

/* k: the arrival's number in the schedule. picked_ns: a fresh stamp, taken for this arrival. */
typedef void (*producer_fn)(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns);

struct producer {
	struct loop_task _task; /* the timerfd; never read */
	const struct schedule *_schedule;
	producer_fn _on_arrival;
	void *_owner;
	uint64_t _next_k;
	uint64_t _stride;
	int64_t _t0_ns;
	int64_t _next_ns; /* CLOCK_NEVER: nothing more */
	int64_t _end_ns;  /* nothing planned from here on */
	int64_t _gap_ns;  /* the timer is not armed nearer than this */
};

/* Takes arrivals k = index, index + stride, … of the schedule (borrowed). 0 or -errno. */
int producer_open(struct producer *p, struct loop *loop, const struct schedule *schedule,
	uint64_t index, uint64_t stride, producer_fn on_arrival, void *owner);
void producer_close(struct producer *p); /* harmless when not open (zeroed) */

/* t0_ns: the schedule's zero. peak_per_s: the highest rate of the whole schedule. */
void producer_start(struct producer *p, int64_t t0_ns, double peak_per_s);
/* Nothing planned at or after this instant any more. */
void producer_stop_at(struct producer *p, int64_t instant_ns);
/* The planned instant of the next arrival; CLOCK_NEVER when there is none left. */
int64_t producer_next_ns(const struct producer *p);
