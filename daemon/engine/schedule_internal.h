/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of a schedule: schedule.c builds it, schedule_steer.c builds another from it,
 * schedule_cursor.c iterates over it. */
#pragma once

#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"

typedef unsigned __int128 schedule_units;

#define SCHEDULE_NO_ROW UINT16_MAX

struct schedule_piece {
	/* input */
	enum plan_stage_kind kind; /* hold, ramp or pause */
	enum schedule_segment segment;
	uint32_t stage;	   /* index in the plan; the plan's n_stages: none */
	uint32_t row;	   /* in the table of stages; SCHEDULE_NO_ROW: none */
	struct rate rate;  /* ramp: at the start of the whole */
	struct rate to;	   /* ramp: at its end */
	int64_t whole_ns;  /* ramp: from rate to `to` */
	int64_t offset_ns; /* ramp: time since its start where this piece begins */
	int64_t asked_ns;  /* CLOCK_NEVER: until it is resumed, or the count is reached */
	bool is_frozen;	   /* a pause by steering, not one of the plan */
	bool continues;	   /* Poisson: continues the draw of the piece before it, not counting
			    * pauses */
	/* Poisson: number of points of the draw that begins here, and the expected arrivals by the
	 * rates of this piece and those that continue it. Fixed: the draw was cut, and keeps the
	 * numbers with which it began. */
	bool is_draw_fixed;
	uint64_t draw_n;
	long double draw_len;

	/* filled in by schedule_compute */
	int64_t start_ns;
	int64_t duration_ns;
	uint64_t step;		       /* units of one arrival */
	uint64_t pace, pace_to;	       /* units collected each ns; ramp: at both ends of the
					* whole */
	schedule_units from, to_units; /* units collected since the segment's start */
	uint64_t k_first;	       /* the first arrival in it, if arrivals were constant */
	uint64_t n;
	schedule_units ramp_from; /* ramp: units collected by the whole where this piece begins */
};

struct schedule_span {
	int64_t start_ns;
	int64_t end_ns;
	int64_t paused_ns;
	uint64_t k_first;
	uint64_t k_end;
};

struct schedule {
	enum plan_arrivals arrivals;
	double jitter;
	uint64_t seed;
	uint64_t n_asked; /* exact count of the window; 0: computed from its rates */
	size_t n_stages;  /* of the plan */
	uint32_t n_rows;  /* of the stages so far */
	struct schedule_span spans[SCHEDULE_SEGMENT_COUNT];
	size_t n_pieces;
	size_t n_kept; /* the first pieces are equal to those of the schedule that it was steered
			* from */
	struct schedule_piece *pieces; /* in the order of time */
};

/* Copies the input of n pieces into a new schedule like `like`, with room for n_more after them.
 * NULL: no memory. */
struct schedule *schedule_copy(const struct schedule *like, size_t n, size_t n_more);
/* Computes all other fields from the input. 0, -EINVAL or -ERANGE. */
int schedule_compute(struct schedule *s);
/* The instant within a piece at which this many units of its segment are collected: from < units <=
 * to_units, or slightly more because of rounding. CLOCK_NEVER if the piece has no start. */
int64_t schedule_instant(const struct schedule_piece *p, schedule_units units);
/* A hash of the seed and a number, uniform over 2^64. */
uint64_t schedule_hash(uint64_t seed, uint64_t k);
