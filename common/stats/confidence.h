/* SPDX-License-Identifier: Apache-2.0 */
/* How far a quantile may be off: confidence intervals from batches of time (measurement page A.9).
 * Successive response times are correlated, because requests wait for each other. So a thousand of
 * them carry less information than a thousand independent ones, and textbook intervals are far too
 * narrow. How much batches differ, above all in their slow changes, tells how far the whole may be
 * off. Where that is too little to bound a quantile from above, it has a low end only. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histogram;

/* A stretch of the run, at least CONFIDENCE_BATCH_NS long. */
struct confidence_batch {
	const struct histogram *histogram; /* good answers to the arrivals planned in it */
	uint64_t n;			   /* arrivals planned in it, answered well or not */
};
#define CONFIDENCE_BATCH_NS INT64_C(1000000000)

/* Batches are joined until at most CONFIDENCE_BATCHES_MOST are left; with fewer than the least
 * number nothing is reported. */
#define CONFIDENCE_BATCHES_MOST 60
#define CONFIDENCE_BATCHES_LEAST 10

struct confidence {
	bool is_known; /* false: too few batches or arrivals, and no ends */
	int64_t low_ns;
	int64_t high_ns;    /* QUANTILE_NONE: no upper limit */
	double n_effective; /* number of independent arrivals that carry the same information; 0:
			       unknown */
	unsigned n_batches; /* after joining */
	uint64_t n_beyond;  /* arrivals above the quantile */
};

/* The interval of the quantile q (0 < q < 1) over all arrivals, where those without a good answer
 * rank above all others, at the given confidence level (0.95): each end is missed by half of the
 * rest, also where there is no other. Of fewer arrivals than confidence_least_n nothing is said:
 * the slowest of them may be faster than the quantile. whole: all good answers, in a layout
 * at least as fine, of n arrivals; it may be the sum of the batches. 0 or -ENOMEM. */
int confidence_of(const struct confidence_batch *batches, size_t n_batches,
	const struct histogram *whole, uint64_t n, double q, double level, struct confidence *ret);

/* The number of independent arrivals of which, at this level, one at least is above the quantile q:
 * the least n with q^n <= 1 - level. 299 for p99 at 95 %. */
double confidence_least_n(double q, double level);

/* The value below which a Student variable with this many degrees of freedom (>= 2) falls with
 * probability p, 0.5 <= p < 1. */
double confidence_student(double p, unsigned freedom);

/* The interval of the mean of a figure that each of n runs has once, from their scatter (Student's
 * t): it holds for further runs, whereas the batches of one run describe that run only. False, with
 * outputs untouched, below the least number of runs: the factor of two is 12.7. */
#define CONFIDENCE_RUNS_LEAST 3
bool confidence_between(
	const double *values, size_t n, double level, double *ret_low, double *ret_high);
