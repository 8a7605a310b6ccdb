/* SPDX-License-Identifier: Apache-2.0 */
/* Batch means for quantiles. Let x be the quantile of the whole sample, and y_b the share of batch
 * b above x. The y_b scatter around 1 - q; the standard error s of their mean, times Student's
 * factor, is h, and the interval reaches from Q(q - h) to Q(q + h). It does not assume that
 * arrivals are independent, only that batches are, and that is checked: while neighbouring batches
 * are correlated (lag 1 above 0.2) they are joined in pairs.
 *
 * Batches may differ in size (random arrivals, users that wait), so the mean is a ratio of sums,
 * and the error is that of a ratio (Cochran, "Sampling Techniques", section 6.4): the residuals
 * above_b - mean * n_b take the place of the deviations.
 *
 * The variance inflation is the squared error against that of as many independent arrivals,
 * q (1 - q) / n; the effective number is n divided by it. */
#include "common/stats/confidence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/stats/histogram.h"
#include "common/memory.h"
#include "common/stats/quantile.h"

#define CONFIDENCE_CORRELATED 0.2

/* The values above the quantile must come from at least this many batches: two stalls do not tell
 * how bad the third will be. */
#define CONFIDENCE_CARRYING_LEAST 5.0

struct confidence_cell {
	double n;
	double above;
};

/* Standard normal quantile by Newton's method on erfc: the density is its derivative. */
static double confidence_normal(double p)
{
	double z = 1;

	for (int i = 0; i < 50; i++) {
		double excess = 0.5 * erfc(-z * M_SQRT1_2) - p;
		double step = excess * sqrt(2 * M_PI) * exp(z * z / 2);

		/* In the tails the density vanishes, and a full Newton step would overshoot. */
		if (step > 1)
			step = 1;
		else if (step < -1)
			step = -1;
		z -= step;
		if (fabs(step) < 1e-14)
			break;
	}
	return z;
}

/* The normal quantile with its expansion in 1 / freedom (Abramowitz and Stegun, 26.7.5). Two
 * degrees of freedom have a closed form, which the expansion would miss by 0.8 %. */
double confidence_student(double p, unsigned freedom)
{
	double z = confidence_normal(p);
	double z2 = z * z, v = freedom;
	double u = 2 * p - 1;

	if (freedom == 2)
		return u * sqrt(2 / (1 - u * u));
	return z * (1 + (z2 + 1) / (4 * v) + ((5 * z2 + 16) * z2 + 3) / (96 * v * v) +
			   (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * v * v * v) +
			   ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) /
				   (92160 * v * v * v * v));
}

double confidence_least_n(double q, double level)
{
	return ceil(log(1 - level) / log(q));
}

/* The number of good answers that took at most x, to the resolution of a slot. */
static uint64_t confidence_at_most(const struct histogram *h, int64_t x)
{
	uint32_t last = histogram_index(h, x);
	uint64_t n = 0;

	for (uint32_t i = 0; i <= last; i++)
		n += h->slots[i];
	return n;
}

/* Joins each run of `group` cells; a shorter rest at the end is added to the last one. */
static size_t confidence_join(struct confidence_cell *cells, size_t n, size_t group)
{
	size_t n_joined = n / group > 0 ? n / group : 1;

	for (size_t to = 0, from = 0; to < n_joined; to++) {
		struct confidence_cell sum = {0};
		size_t end = to + 1 == n_joined ? n : from + group;

		for (; from < end; from++) {
			sum.n += cells[from].n;
			sum.above += cells[from].above;
		}
		cells[to] = sum;
	}
	return n_joined;
}

static double confidence_residual(const struct confidence_cell *c, double mean)
{
	return c->above - mean * c->n;
}

/* The correlation of neighbouring residuals; 0 where nothing varies. */
static double confidence_correlation(const struct confidence_cell *cells, size_t n, double mean)
{
	double products = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		double e = confidence_residual(&cells[i], mean);

		squares += e * e;
		if (i > 0)
			products += e * confidence_residual(&cells[i - 1], mean);
	}
	return squares > 0 ? products / squares : 0;
}

/* The standard error of mean. */
static double confidence_error(
	const struct confidence_cell *cells, size_t n, double mean, double total)
{
	double squares = 0;

	for (size_t i = 0; i < n; i++) {
		double e = confidence_residual(&cells[i], mean);

		squares += e * e;
	}
	return sqrt(squares * (double)n / (double)(n - 1)) / total;
}

/* The number of batches over which the values above the quantile would be spread if they were
 * spread evenly (their effective number). */
static double confidence_carrying(const struct confidence_cell *cells, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += cells[i].above;
		squares += cells[i].above * cells[i].above;
	}
	return squares > 0 ? sum * sum / squares : (double)n;
}

static void confidence_compute(struct confidence_cell *cells, size_t n,
	const struct histogram *whole, uint64_t n_whole, double q, double level,
	struct confidence *ret)
{
	double total = 0, above = 0, mean, error, half, inflation;
	struct confidence c = *ret;

	for (size_t i = 0; i < n; i++) {
		total += cells[i].n;
		above += cells[i].above;
	}
	c.n_batches = (unsigned)n;
	c.n_beyond = (uint64_t)above;
	*ret = c;
	if (n < CONFIDENCE_BATCHES_LEAST || !(total > 0))
		return;
	mean = above / total;
	while (n / 2 >= CONFIDENCE_BATCHES_LEAST &&
		confidence_correlation(cells, n, mean) > CONFIDENCE_CORRELATED)
		n = confidence_join(cells, n, 2);
	c.n_batches = (unsigned)n;
	error = confidence_error(cells, n, mean, total);
	inflation = error * error * total / (q * (1 - q));
	/* Batches cannot show more information than there are arrivals. */
	c.n_effective = inflation > 1 ? total / inflation : total;
	ret->n_batches = c.n_batches;
	ret->n_effective = c.n_effective;
	if (c.n_effective < confidence_least_n(q, level))
		return;
	/* Evenly spaced arrivals at a steady server scatter less than independent ones would, and
	 * within one coarse slot not at all: the interval is never narrower than one rank of
	 * independent arrivals. */
	if (error < sqrt(q * (1 - q) / total))
		error = sqrt(q * (1 - q) / total);
	half = confidence_student((1 + level) / 2, (unsigned)n - 1) * error;
	c.low_ns = quantile_offered_low(whole, n_whole, q - half);
	if (q + half < 1 && confidence_carrying(cells, n) >= CONFIDENCE_CARRYING_LEAST)
		c.high_ns = quantile_offered(whole, n_whole, q + half);
	c.is_known = c.low_ns != QUANTILE_NONE;
	if (c.is_known)
		*ret = c;
}

int confidence_of(const struct confidence_batch *batches, size_t n_batches,
	const struct histogram *whole, uint64_t n, double q, double level, struct confidence *ret)
{
	int64_t x = quantile_offered(whole, n, q);
	struct confidence_cell *cells;
	struct confidence c = {.low_ns = QUANTILE_NONE, .high_ns = QUANTILE_NONE};
	size_t group;

	if (x == QUANTILE_NONE || n_batches == 0) {
		c.n_batches = (unsigned)n_batches;
		*ret = c;
		return 0;
	}
	cells = memory_calloc(n_batches, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < n_batches; i++) {
		uint64_t below = confidence_at_most(batches[i].histogram, x);

		cells[i].n = (double)batches[i].n;
		cells[i].above = below < batches[i].n ? (double)(batches[i].n - below) : 0;
	}
	group = (n_batches + CONFIDENCE_BATCHES_MOST - 1) / CONFIDENCE_BATCHES_MOST;
	n_batches = confidence_join(cells, n_batches, group);
	confidence_compute(cells, n_batches, whole, n, q, level, &c);
	free(cells);
	*ret = c;
	return 0;
}

bool confidence_between(
	const double *values, size_t n, double level, double *ret_low, double *ret_high)
{
	double mean = 0, squares = 0, half;

	if (n < CONFIDENCE_RUNS_LEAST)
		return false;
	for (size_t i = 0; i < n; i++)
		mean += values[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	half = confidence_student((1 + level) / 2, (unsigned)n - 1) *
	       sqrt(squares / (double)(n - 1) / (double)n);
	*ret_low = mean - half;
	*ret_high = mean + half;
	return true;
}
