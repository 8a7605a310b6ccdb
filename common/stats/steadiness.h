/* SPDX-License-Identifier: Apache-2.0 */
/* Was the run in one state all the time? Percentiles of a run that drifts depend on its length, and
 * those of a run that had not warmed up mix two states of the server (measurement page A.9). Rules
 * over rows of equal width; meant for runs whose rate does not change. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One interval of the measured window. */
struct steadiness_row {
	uint64_t n;	  /* good answers to arrivals planned in it */
	double mean_ns;	  /* of their response (closed model: service); unused with n 0 */
	double p50_ns;	  /* the same */
	double in_flight; /* requests sent or waiting, unanswered, at its end */
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
	int64_t warmup_advice_ns; /* how much longer the warm-up should be; WARMUP_SHORT alone */
	char because[160];	  /* the evidence, with figures; "" for the other words */
};

#define STEADINESS_ROWS_LEAST 10

/* rows are in the order of time, each width_ns long; is_open: arrivals do not wait for answers, so
 * that a backlog can grow. */
void steadiness_judge(const struct steadiness_row *rows, size_t n, int64_t width_ns, bool is_open,
	struct steadiness *ret);
