/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule: when each arrival of the open model is planned. A pure function of the plan: the
 * instant of arrival k is the inverse of the cumulative rate Lambda at u_k (measurement page A.3).
 * u_k is k + 1/2 for constant arrivals, moved by at most half a jitter for jittered ones, and a
 * random point for Poisson arrivals, whose number in each stage is fixed beforehand. Nothing
 * drifts, however long the run.
 *
 * Instants are ns since t0, the start of the warm-up. The run has three segments: warm-up (at the
 * first stage's start rate, then the stages marked so), the measured window (the stages), cooldown
 * (at the last stage's end rate). Each segment counts its arrivals from its own start, so the
 * measured window holds exactly round(integral of the rate) arrivals, or the number that the plan
 * gives. Arrivals are numbered through all segments: worker w of W takes k = w mod W. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/units.h"

struct plan;

enum schedule_segment {
	SCHEDULE_WARMUP,
	SCHEDULE_WINDOW,
	SCHEDULE_COOLDOWN,
	SCHEDULE_SEGMENT_COUNT,
};

struct schedule;

/* For the open model. Where the plan gives a count, the window ends when the cumulative rate
 * reaches it, half an arrival after the last one: earlier than its stages say, or later at the rate
 * with which they end. 0, -EINVAL (a plan without stages, without an end, or whose count is never
 * reached), -ERANGE (sums beyond 128 bits: rates and durations that the plan's limits exclude),
 * -ENOMEM. */
int schedule_new(const struct plan *plan, struct schedule **ret);
struct schedule *schedule_free(struct schedule *s);

/* All arrivals, and those of one segment. Of a Poisson schedule that was steered this is what the
 * rates come to; how many there really were only a cursor can tell. */
uint64_t schedule_count(const struct schedule *s);
uint64_t schedule_segment_count(const struct schedule *s, enum schedule_segment segment);

/* Where a segment begins and ends, ns since t0; CLOCK_NEVER behind a pause without an end. Its last
 * arrival may fall on its very end. */
int64_t schedule_segment_start(const struct schedule *s, enum schedule_segment segment);
int64_t schedule_segment_end(const struct schedule *s, enum schedule_segment segment);
/* How much of it was paused by somebody. */
int64_t schedule_segment_paused(const struct schedule *s, enum schedule_segment segment);

/* What the plan asks for at an instant (ns since t0), for displays: the rate, 0/1 outside and in
 * pauses, and the number of the plan's stage, from 0; n_stages of the plan: none of them. */
struct rate schedule_rate_at(const struct schedule *s, int64_t t_ns);
size_t schedule_stage_at(const struct schedule *s, int64_t t_ns);
/* The highest rate anywhere. */
double schedule_peak_per_s(const struct schedule *s);

/* ---- going through it, each worker for its share */

struct schedule_draw {
	uint64_t k;   /* of the next arrival, of whatever share */
	size_t piece; /* where the last one lay, or behind it */
	/* Poisson: a draw is going on, of so many points that are left, the last of which lies so
	 * far from its end (1: its beginning) */
	bool is_begun;
	uint64_t left;
	double remaining;
	long double before; /* arrivals by the rates, from the draw's beginning to this piece */
	size_t origin;	    /* the piece in which it began */
};

struct schedule_cursor {
	uint64_t k;   /* the next arrival of this share */
	int64_t t_ns; /* its instant; CLOCK_NEVER: none left, or none before a pause ends */
	const struct schedule *_schedule;
	uint64_t _index, _stride;
	struct schedule_draw _draw;   /* behind the arrival at t_ns */
	struct schedule_draw _before; /* behind this share's last one, to go back to */
};

/* Arrivals k = index, index + stride, …; borrows the schedule. */
void schedule_begin(
	const struct schedule *s, uint64_t index, uint64_t stride, struct schedule_cursor *ret);
/* The arrival at t_ns has been made: on to the next. 5 ns, for each arrival of all shares 40 ns
 * with Poisson. */
void schedule_next(struct schedule_cursor *c);
/* From here on by another schedule, which has been steered away from the present one at an instant
 * that c has not passed. */
void schedule_change(struct schedule_cursor *c, const struct schedule *s);

/* ---- steering: another schedule, the same up to at_ns */

enum schedule_act {
	SCHEDULE_SET_RATE, /* the rest of the present stage is held at that rate */
	SCHEDULE_PAUSE,	   /* time stands still from at_ns on; not while paused */
	SCHEDULE_RESUME,   /* and goes on; only while paused */
	SCHEDULE_NEXT,	   /* the rest of the present stage is left out */
};

/* What has been planned before at_ns stays as it is, to the ns and with its number. 0, -EINVAL (not
 * now: paused or not, no stage at at_ns), -ERANGE (a rate that is too fine), -ENOMEM. */
int schedule_steer(const struct schedule *s, enum schedule_act act, struct rate rate, int64_t at_ns,
	struct schedule **ret);
bool schedule_is_paused(const struct schedule *s);

/* The instant of arrival k < schedule_count, ns since t0, rounded down to 1 ns. For tests and
 * tables: with Poisson it walks there. */
int64_t schedule_at(const struct schedule *s, uint64_t k);
enum schedule_segment schedule_segment_of(const struct schedule *s, uint64_t k);
