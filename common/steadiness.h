/* SPDX-License-Identifier: Apache-2.0 */
/* Was the run in one state all the time? Percentiles of a run that drifts depend on how long it
 * was, and one that had not warmed up mixes two servers (measurement page A.9). Rules over rows of
 * equal width; meant for runs whose rate does not change. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One interval of the measured window. */
struct steadiness_row {
	uint64_t n;	  /* good answers to arrivals planned in it */
	double mean_ns;	  /* of their response (closed model: service); unused with n 0 */
	double p50_ns;	  /* likewise */
	double in_flight; /* sent or waiting, unanswered, at its end */
};

enum steadiness_word {
	STEADINESS_UNKNOWN, /* too few rows to tell */
	STEADINESS_STEADY,
	STEADINESS_UNSTEADY,	 /* it drifted: percentiles depend on the run's length */
	STEADINESS_WARMUP_SHORT, /* its beginning was different from the rest */
	STEADINESS_WORD_COUNT,
};
extern const char *const steadiness_words[STEADINESS_WORD_COUNT]; /* "unknown", "steady", … */

struct steadiness {
	enum steadiness_word word;
	int64_t warmup_advice_ns; /* beyond the warm-up there was; WARMUP_SHORT alone */
	char because[160];	  /* what it was seen by, with figures; "" for the other words */
};

#define STEADINESS_ROWS_LEAST 10

/* rows in the order of time, each width_ns long; is_open: arrivals do not wait for answers, so that
 * a backlog can grow. */
void steadiness_judge(const struct steadiness_row *rows, size_t n, int64_t width_ns, bool is_open,
	struct steadiness *ret);
