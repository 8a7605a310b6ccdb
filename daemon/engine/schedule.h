/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule: when each arrival of the open model is planned. A pure function of the plan: the
 * instant of arrival k is the inverse of the cumulative rate at u_k = k + 1/2 (measurement page
 * A.3), computed in exact fractions with 128 bits, so that nothing drifts however long the run.
 *
 * Instants are ns since t0, the start of the warm-up. The run has three segments: warm-up (at the
 * first stage's start rate), the measured window (the stages), cooldown (at the last stage's end
 * rate). Each segment counts its arrivals from its own start, so the measured window holds exactly
 * round(integral of the rate) arrivals, or `requests` where the plan gives a count. Arrivals are
 * numbered through all segments: worker w of W takes k = w mod W. */
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
 * reaches it, half an arrival after the last one: earlier than its stages say, or later in the last
 * of them. 0, -EINVAL (a plan without stages or without an end), -ERANGE (sums beyond 128 bits:
 * rates and durations that the plan's limits exclude), -ENOMEM. */
int schedule_new(const struct plan *plan, struct schedule **ret);
struct schedule *schedule_free(struct schedule *s);

/* All arrivals, and those of one segment. */
uint64_t schedule_count(const struct schedule *s);
uint64_t schedule_segment_count(const struct schedule *s, enum schedule_segment segment);

/* Where a segment begins and ends, ns since t0. Its last arrival may fall on its very end. */
int64_t schedule_segment_start(const struct schedule *s, enum schedule_segment segment);
int64_t schedule_segment_end(const struct schedule *s, enum schedule_segment segment);

/* The instant of arrival k < schedule_count, ns since t0, rounded down to 1 ns. */
int64_t schedule_at(const struct schedule *s, uint64_t k);
enum schedule_segment schedule_segment_of(const struct schedule *s, uint64_t k);

/* The rate that the plan asks for at an instant (ns since t0): 0/1 outside. For displays. */
struct rate schedule_rate_at(const struct schedule *s, int64_t t_ns);
