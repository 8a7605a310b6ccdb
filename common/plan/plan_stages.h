/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of an open plan: their grammar and their totals. Part of the plan; the key table names
 * the reader. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/plan/plan.h"

struct err;

#define PLAN_LEVELS_MAX 10000 /* limit for all steps of a plan */

/* [warmup] (hold RATE for TIME | ramp [from RATE] to RATE over TIME | step from RATE to RATE by
 * RATE every TIME | pause TIME). A ramp without an initial rate has 0/0 there. 0, -EINVAL with
 * reterr. */
int plan_parse_stage(const char *value, struct plan_stage *ret, struct err *reterr);
/* For the key table: appends the stage to the plan; one without an initial rate starts at the final
 * rate of the one before. plan NULL: only checks it. 0, -EINVAL with reterr, -ENOMEM. */
int plan_read_stage(const char *value, void *plan, struct err *reterr);
void plan_clear_stages(void *plan);

/* The stage as it is written in a run file; new text in *ret. 0 or -ENOMEM. */
int plan_format_stage(const struct plan_stage *stage, char **ret);
/* Step i of n of a step stage, as the stage that it would be by itself. */
void plan_format_step(
	const struct plan_stage *stage, uint64_t i, uint64_t n, char *text, size_t size);

/* The number of levels of a step stage; 0 for the others. */
uint64_t plan_stage_levels(const struct plan_stage *stage);
/* The final rate, 0/1 for a pause; and the highest rate. */
struct rate plan_stage_end(const struct plan_stage *stage);
struct rate plan_stage_peak(const struct plan_stage *stage);

/* Twice the number of arrivals of one stage, in parts of an arrival: exact. All stages of a year
 * together stay below 2^112. */
#define PLAN_ARRIVAL_PARTS (UINT64_C(3600000000) * UINT64_C(1000000000))
typedef unsigned __int128 plan_parts;
plan_parts plan_stage_parts_2(const struct plan_stage *stage);
/* The number of whole arrivals, rounded half up, as the schedule does at a segment's end. */
uint64_t plan_parts_whole(plan_parts parts_2);
/* All measured stages together. */
plan_parts plan_window_parts_2(const struct plan *p);

/* The time that the measured stages take to make n arrivals, where the last one continues at its
 * final rate; INT64_MAX: longer than fits. 0, or -ERANGE: they never make so many. */
int plan_window_until(const struct plan *p, uint64_t n, int64_t *ret_ns);

/* The number of arrivals before and after the window, each of the two rounded to a whole number. */
uint64_t plan_outside_count(const struct plan *p);

/* The total length of all measured stages, or of all warm-up stages. INT64_MAX if it does not
 * fit. */
int64_t plan_stages_duration(const struct plan *p, bool is_warmup);

/* text NULL: as plan_format_stage writes it. 0 or -ENOMEM. */
int plan_add_stage(struct plan *p, const struct plan_stage *stage, const char *text);
/* Writes the text of stage i again after the stage was changed. 0 or -ENOMEM. */
int plan_write_stage(struct plan *p, size_t i);

/* The only measured stage; NULL: there is none, or more than one. */
struct plan_stage *plan_only_measured(const struct plan *p);
/* Changes its length, if there is one. 0 or -ENOMEM. */
int plan_stretch(struct plan *p, int64_t duration_ns);

/* The reason why stage i does not fit the others; NULL: it does. */
const char *plan_stage_trouble(const struct plan *p, size_t i);
