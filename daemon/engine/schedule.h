/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule: when each arrival of the open model is planned. A pure function of the plan: the
 * instant of arrival k is the inverse of the cumulative rate Lambda at u_k (measurement page A.3).
 * u_k is k + 1/2 for constant arrivals, moved by at most half a jitter for jittered ones, and a
 * random point for Poisson arrivals, whose number in each stage is fixed beforehand. There is no
 * drift, however long the run is.
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

/* For the open model. If the plan gives a count, the window ends when the cumulative rate reaches
 * it, half an arrival after the last one: before the end of its stages, or after it, at their final
 * rate. 0, -EINVAL (a plan without stages, without an end, or whose count is never reached),
 * -ERANGE (sums of more than 128 bits: rates and durations that the plan's limits exclude),
 * -ENOMEM. */
int schedule_new(const struct plan *plan, struct schedule **ret);
struct schedule *schedule_free(struct schedule *s);

/* The number of all arrivals, and of those of one segment. For a Poisson schedule that was steered
 * this is computed from the rates; only a cursor can tell the actual number. */
uint64_t schedule_count(const struct schedule *s);
uint64_t schedule_segment_count(const struct schedule *s, enum schedule_segment segment);

/* Beginning and end of a segment, ns since t0; CLOCK_NEVER after a pause without an end. Its last
 * arrival may fall on its very end. */
int64_t schedule_segment_start(const struct schedule *s, enum schedule_segment segment);
int64_t schedule_segment_end(const struct schedule *s, enum schedule_segment segment);
/* How long it was paused by steering. */
int64_t schedule_segment_paused(const struct schedule *s, enum schedule_segment segment);

/* The target rate at an instant (ns since t0), for displays: 0/1 outside and in pauses; and the
 * index of the plan's stage, from 0; n_stages of the plan: none of them. */
struct rate schedule_rate_at(const struct schedule *s, int64_t t_ns);
size_t schedule_stage_at(const struct schedule *s, int64_t t_ns);
/* The index of the row in the plan's table of stages (plan_n_rows), from 0; a larger one: none. */
size_t schedule_row_at(const struct schedule *s, int64_t t_ns);
/* Beginning and end of a row of that table, ns since t0, and how long it was paused by steering in
 * between; a pause without an end ends it. False: all of it was skipped, or it comes after such a
 * pause. */
bool schedule_row_span(const struct schedule *s, size_t row, int64_t *start_ns, int64_t *end_ns,
	int64_t *paused_ns);
/* The highest rate of the whole schedule. */
double schedule_peak_per_s(const struct schedule *s);

/* ---- iteration: each worker walks through its share */

struct schedule_draw {
	uint64_t k;   /* number of the next arrival, of any share */
	size_t piece; /* the piece of the last one, or a later one */
	/* Poisson: is a draw in progress? `left` points are left, and the last one made is
	 * `remaining` of the draw's length before its end (1: at its beginning). */
	bool is_begun;
	uint64_t left;
	double remaining;
	long double before; /* expected arrivals from the draw's beginning to this piece */
	size_t origin;	    /* the piece in which it began */
};

struct schedule_cursor {
	uint64_t k;   /* the next arrival of this share */
	int64_t t_ns; /* its instant; CLOCK_NEVER: none left, or none before a pause ends */
	const struct schedule *_schedule;
	uint64_t _index, _stride;
	struct schedule_draw _draw;   /* after the arrival at t_ns */
	struct schedule_draw _before; /* after this share's last one, to go back to */
};

/* Walks arrivals k = index, index + stride, …; borrows the schedule. */
void schedule_begin(
	const struct schedule *s, uint64_t index, uint64_t stride, struct schedule_cursor *ret);
/* The arrival at t_ns has been made: moves to the next. Takes 5 ns; with Poisson 40 ns for each
 * arrival of all shares. */
void schedule_next(struct schedule_cursor *c);
/* Continues with another schedule, which has been steered away from the present one at an instant
 * that c has not passed. */
void schedule_change(struct schedule_cursor *c, const struct schedule *s);

/* ---- steering: another schedule, the same up to at_ns */

enum schedule_act {
	SCHEDULE_SET_RATE, /* the rest of the present stage has that constant rate */
	SCHEDULE_PAUSE,	   /* the schedule stops at at_ns; not while paused */
	SCHEDULE_RESUME,   /* the schedule continues at at_ns; only while paused */
	SCHEDULE_NEXT,	   /* the rest of the present stage is skipped */
};

/* Arrivals planned before at_ns stay as they are, to the ns and with their numbers. 0, -EINVAL (not
 * possible now: paused or not, no stage at at_ns), -ERANGE (the rate has too many decimals),
 * -ENOMEM. */
int schedule_steer(const struct schedule *s, enum schedule_act act, struct rate rate, int64_t at_ns,
	struct schedule **ret);
bool schedule_is_paused(const struct schedule *s);

/* The instant of arrival k < schedule_count, ns since t0, rounded down to 1 ns. For tests and
 * tables: with Poisson it iterates up to k. */
int64_t schedule_at(const struct schedule *s, uint64_t k);
enum schedule_segment schedule_segment_of(const struct schedule *s, uint64_t k);
