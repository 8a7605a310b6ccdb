/* SPDX-License-Identifier: Apache-2.0 */
/* A schedule's inside: schedule.c builds it, schedule_steer.c builds another from it,
 * schedule_cursor.c walks over it. */
#pragma once

#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"

typedef unsigned __int128 schedule_units;

struct schedule_piece {
	/* what is asked for */
	enum plan_stage_kind kind; /* hold, ramp or pause */
	enum schedule_segment segment;
	uint32_t stage;	   /* of the plan; its n_stages: none */
	struct rate rate;  /* ramp: at the start of the whole */
	struct rate to;	   /* ramp: at its end */
	int64_t whole_ns;  /* ramp: from rate to `to` */
	int64_t offset_ns; /* ramp: how far it has gone where this piece begins */
	int64_t asked_ns;  /* CLOCK_NEVER: until somebody resumes, or the count is reached */
	bool is_frozen;	   /* a pause by somebody, not of the plan */
	bool continues;	   /* Poisson: the draw of the piece before it (but for pauses) */
	/* Poisson: points of the draw that begins here, over so many arrivals by the rates, of this
	 * piece and those that continue it. Fixed: it was cut, and goes on as it had begun. */
	bool is_draw_fixed;
	uint64_t draw_n;
	long double draw_len;

	/* schedule_settle's */
	int64_t start_ns;
	int64_t duration_ns;
	uint64_t step;		       /* units of one arrival */
	uint64_t pace, pace_to;	       /* units collected each ns, ramp: at the whole's ends */
	schedule_units from, to_units; /* collected since the segment's start */
	uint64_t k_first;	       /* the first arrival in it, by the rule of constant ones */
	uint64_t n;
	schedule_units ramp_from; /* ramp: collected by the whole where this piece begins */
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
	uint64_t n_asked; /* exact count of the window; 0: what its rates come to */
	size_t n_stages;  /* of the plan */
	struct schedule_span spans[SCHEDULE_SEGMENT_COUNT];
	size_t n_pieces;
	size_t n_kept; /* the first pieces are those that it was steered away from */
	struct schedule_piece *pieces; /* in the order of time */
};

/* Copies the askings of n pieces into a new schedule like `like`, with room for n_more behind.
 * NULL: no memory. */
struct schedule *schedule_copy(const struct schedule *like, size_t n, size_t n_more);
/* Fills in what follows from what is asked for. 0, -EINVAL or -ERANGE. */
int schedule_settle(struct schedule *s);
/* The instant within a piece at which so many units of its segment are collected: from < units <=
 * to_units, or anything beyond for the last word of rounding. CLOCK_NEVER where it has no start. */
int64_t schedule_instant(const struct schedule_piece *p, schedule_units units);
/* Equally distributed over 2^64, from the seed and a number. */
uint64_t schedule_hash(uint64_t seed, uint64_t k);
