/* SPDX-License-Identifier: Apache-2.0 */
/* The producer: the open model's source of arrivals. A one-shot, absolute timerfd is set to the
 * next planned instant of the schedule, or before it, depending on the pacing; due arrivals are
 * passed on in batches, each arrival with its own planned instant, however late it is. Thread: that
 * of the worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "daemon/loop/loop.h"

struct producer;

/* k: the arrival's number in the schedule. picked_ns: a fresh stamp, taken for this arrival. */
typedef void (*producer_fn)(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns);

struct producer_config {
	const struct schedule *schedule; /* borrowed, until replaced by another */
	uint64_t index, stride;		 /* takes arrivals k = index, index + stride, … of it */
	enum plan_pacing mode;
	int64_t gap_ns;	 /* minimum time between two wake-ups; -1: depends on the rate */
	int64_t spin_ns; /* hybrid: how long it is awake before an arrival */
	producer_fn on_arrival;
	void *owner;
};

struct producer {
	struct producer_config config;
	struct loop_task _task; /* the timerfd; never read */
	struct schedule_cursor _cursor;
	int64_t _t0_ns;	  /* CLOCK_NEVER: not started */
	int64_t _next_ns; /* CLOCK_NEVER: none, during a pause or at the end */
	int64_t _end_ns;  /* nothing planned from here on */
	int64_t _gap_ns;  /* minimum distance of the timer */
	int64_t _lead_ns; /* how long before the arrival the timer is set */
	bool _is_open;
};

/* 0 or -errno. */
int producer_open(struct producer *p, struct loop *loop, const struct producer_config *config);
void producer_close(struct producer *p); /* harmless when not open (zeroed) */

/* t0_ns: the schedule's zero. */
void producer_start(struct producer *p, int64_t t0_ns);
/* Continues with another schedule, which was steered away from the present one. */
void producer_steer(struct producer *p, const struct schedule *schedule);
/* No arrival is planned at or after this instant. */
void producer_stop_at(struct producer *p, int64_t instant_ns);
/* The row of the table of stages that an arrival planned at this instant belongs to; one beyond all
 * of them: none. */
size_t producer_row_of(const struct producer *p, int64_t planned_ns);
/* The planned instant of the next arrival; CLOCK_NEVER when there is none left, or none before a
 * pause ends. */
int64_t producer_next_ns(const struct producer *p);
