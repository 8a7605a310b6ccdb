/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals of quantiles from batches of time. Let x be the quantile of the whole sample. Of batch
 * b's n_b arrivals above_b took longer than x; over all batches that is the share p = 1 - q, and
 * how far p itself may be off is how far the interval reaches to both sides of q. Nothing is
 * assumed of single arrivals, and batches need not be independent either: servers stand still,
 * queues grow for seconds, levels wander for a minute, and a run is short.
 *
 * 1. Deviations. Batches differ in size, so the share is a ratio of sums, and its error is that of
 *    a ratio: e_b = above_b - p n_b (Cochran, "Sampling Techniques", section 6.4). Batches have
 *    coarser slots than the whole, so the slot of x is divided in the proportion that makes the
 *    above_b add up to p n; otherwise all beyond x may lie in that slot and no batch has any.
 * 2. Their sum's variance. It is the spectrum of the e_b at frequency 0, and is estimated by the
 *    mean of the lowest K cosine coefficients squared (Heidelberger and Welch 1981; Lazarus, Lewis,
 *    Stock and Watson 2018, "HAR inference"), with Student's factor for K degrees of freedom. Slow
 *    changes are in these coefficients, whereas the scatter of single batches does not show them.
 * 3. The correlation that is left. Where batches are correlated for long, even the lowest
 *    coefficients are less than the spectrum at 0. They are divided by what an autoregression of
 *    first order (Andrews and Monahan 1992, prewhitening) has there, K is smaller, and so are the
 *    degrees of freedom: those of n / tau independent batches. The correlation is that of the e_b
 *    or that of the same deviations at the median, whichever is the slower: few arrivals are beyond
 *    a high quantile, and their number does not show that the level wanders.
 * 4. Skewness. Arrivals beyond x come in clusters, and a share that is larger scatters more. So the
 *    low end, whose share is larger than p, is found on the angle asin(sqrt(p)), on which scatter
 *    does not depend on the share. A sample that lacks clusters lacks their scatter too, so at the
 *    high end the term of second order for clusters at random times is added (Johnson 1978,
 *    "Modified t tests"). Where nothing of p remains the sample does not tell how far above it the
 *    quantile may be: there is no upper limit.
 *
 * The error is never below that of independent batches, which stalls at even distances would make
 * it, nor below that of independent arrivals, p q / n: evenly spaced arrivals at a steady server
 * scatter less, within one slot not at all. The effective number of arrivals is p q divided by the
 * squared error.
 *
 * Joining neighbours until they are uncorrelated (ASAP3, Skart) takes more batches than a run of
 * some seconds has. tests/honesty/coverage.c counts how many of the intervals hold the truth. */
#include "common/stats/confidence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/stats/histogram.h"
#include "common/memory.h"
#include "common/stats/quantile.h"

/* Cosines, whatever the correlation: Student's factor is 2.45, and 2.78 for four. */
#define CONFIDENCE_COSINES_LEAST 6u
#define CONFIDENCE_FREEDOM_LEAST 3u
/* A correlation below so many standard errors may be chance. */
#define CONFIDENCE_CHANCE 1.5
/* Of neighbours: a level that is kept for 33 batches cannot be told from one that is kept for ever.
 */
#define CONFIDENCE_PERSISTENCE_MOST 0.97
/* The part of the variance that the sample's mean may have taken away. */
#define CONFIDENCE_LOST_MOST 0.4

struct confidence_cell {
	double n;
	double above;
	double e; /* deviation of above */
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

/* ---------------------------------------------------------------- deviations */

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

/* Those beyond the slot of x, and so much of the slot that the share p of all is above. Returns the
 * number of all. */
static double confidence_count(const struct confidence_batch *batches, size_t n, int64_t x,
	double p, struct confidence_cell *cells)
{
	double total = 0, beyond = 0, within = 0, part = 0;

	for (size_t i = 0; i < n; i++) {
		const struct histogram *h = batches[i].histogram;
		uint32_t slot = histogram_index(h, x);
		uint64_t most = h->slots[slot];

		for (uint32_t k = 0; k < slot; k++)
			most += h->slots[k];
		cells[i].n = (double)batches[i].n;
		cells[i].above = batches[i].n > most ? (double)(batches[i].n - most) : 0;
		total += cells[i].n;
		beyond += cells[i].above;
		within += (double)h->slots[slot];
	}
	if (within > 0)
		part = fmin(fmax((p * total - beyond) / within, 0), 1);
	for (size_t i = 0; i < n; i++)
		cells[i].above +=
			part * (double)batches[i]
				       .histogram->slots[histogram_index(batches[i].histogram, x)];
	return total;
}

/* Sets the cells to the deviations from p at x. Returns the number of cells, 0 if there are no
 * arrivals. */
static size_t confidence_deviate(const struct confidence_batch *batches, size_t n, int64_t x,
	double p, struct confidence_cell *cells, double *ret_total)
{
	double above = 0;

	*ret_total = confidence_count(batches, n, x, p, cells);
	if (!(*ret_total > 0))
		return 0;
	n = confidence_join(cells, n, (n + CONFIDENCE_BATCHES_MOST - 1) / CONFIDENCE_BATCHES_MOST);
	for (size_t i = 0; i < n; i++)
		above += cells[i].above;
	for (size_t i = 0; i < n; i++)
		cells[i].e = cells[i].above - above / *ret_total * cells[i].n;
	return n;
}

/* ---------------------------------------------------------------- correlation */

static double confidence_correlation(const struct confidence_cell *cells, size_t n, size_t lag)
{
	double products = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		squares += cells[i].e * cells[i].e;
		if (i >= lag)
			products += cells[i].e * cells[i - lag].e;
	}
	return squares > 0 ? products / squares : 0;
}

/* The sum of all correlations of a batch with others, if each is phi times the one before. */
static double confidence_time(double phi)
{
	return (1 + phi) / (1 - phi);
}

/* The correlation of neighbours; 0 where it might be chance. That of lag 2 tells apart what is
 * chance within each batch, which makes lag 1 smaller, and what decays from batch to batch. As the
 * deviations are from the mean of the sample, the variance of that mean, which is tau / n of
 * theirs, is missing from each product (the bias of Marriott and Pope 1954). */
static double confidence_persistence(const struct confidence_cell *cells, size_t n)
{
	double phi = 0;

	for (int pass = 0; pass < 3; pass++) {
		double lost = fmin(confidence_time(phi) / (double)n, CONFIDENCE_LOST_MOST);

		phi = 0;
		for (size_t lag = 1; lag <= 2; lag++) {
			double r = confidence_correlation(cells, n, lag);

			if (r < CONFIDENCE_CHANCE / sqrt((double)n))
				continue;
			r += (1 - r) * lost;
			phi = fmax(phi, lag == 1 ? r : sqrt(r));
		}
		phi = fmin(phi, CONFIDENCE_PERSISTENCE_MOST);
	}
	return phi;
}

/* Two standard errors on the safe side, the less the weaker it is: a slight correlation is mostly
 * chance. */
static double confidence_safe(double phi, size_t n)
{
	phi += 2 * phi * sqrt((1 - phi * phi) / (double)n);
	return fmin(phi, CONFIDENCE_PERSISTENCE_MOST);
}

/* ---------------------------------------------------------------- error */

/* The variance of the number above x if batches were independent. */
static double confidence_scatter(const struct confidence_cell *cells, size_t n)
{
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		squares += cells[i].e * cells[i].e;
	return squares * (double)n / (double)(n - 1);
}

struct confidence_error {
	double variance; /* of the number above x */
	unsigned freedom;
};

/* And that of their slow changes. */
static struct confidence_error confidence_spectrum(
	const struct confidence_cell *cells, size_t n, double phi)
{
	double independent = (double)n / confidence_time(phi);
	unsigned k = (unsigned)lround(independent / 4);
	double squares = 0, shape = 0;
	unsigned freedom;

	k = k > CONFIDENCE_COSINES_LEAST ? k : CONFIDENCE_COSINES_LEAST;
	for (unsigned j = 1; j <= k; j++) {
		double w = M_PI * j / (double)n, sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += cells[i].e * cos(w * ((double)i + 0.5));
		squares += 2 * sum * sum;
		/* The spectrum of the autoregression at w, as a part of that at 0. */
		shape += (1 - phi) * (1 - phi) / (1 - 2 * phi * cos(w) + phi * phi);
	}
	freedom = independent > CONFIDENCE_FREEDOM_LEAST + 1 ? (unsigned)independent - 1
							     : CONFIDENCE_FREEDOM_LEAST;
	return (struct confidence_error){squares / shape, freedom < k ? freedom : k};
}

/* The shares of arrivals above the ends of the interval. high: 0 or less: there is no upper end. */
static void confidence_shares(const struct confidence_cell *cells, size_t n, double phi,
	double total, double p, double level, struct confidence *c, double *ret_low,
	double *ret_high)
{
	double chance = p * (1 - p) * total, scatter = confidence_scatter(cells, n);
	struct confidence_error slow = confidence_spectrum(cells, n, phi);
	double variance = fmax(fmax(slow.variance, scatter), chance);
	double tail = (1 + level) / 2, half, angle, clustered;

	half = confidence_student(tail, slow.freedom) * sqrt(slow.variance);
	half = fmax(half, confidence_student(tail, (unsigned)n - 1) * sqrt(scatter));
	half = fmax(half, confidence_normal(tail) * sqrt(chance)) / total;
	c->n_effective = total * chance / variance;
	clustered = 1 - chance / variance;
	angle = asin(sqrt(p)) + half / (2 * sqrt(p * (1 - p)));
	*ret_low = angle < M_PI_2 ? sin(angle) * sin(angle) : 1;
	*ret_high = p - half - clustered * half * half / (3 * p);
}

/* c: with n_batches as they were given. cells: room for as many. */
static void confidence_compute(const struct confidence_batch *batches, size_t n_batches,
	const struct histogram *whole, uint64_t n_whole, double q, double level,
	struct confidence_cell *cells, struct confidence *c)
{
	int64_t x = quantile_offered(whole, n_whole, q);
	int64_t median = quantile_offered(whole, n_whole, 0.5);
	double p = 1 - q, phi = 0, total, low, high;
	size_t n;

	if (q > 0.5 && median != QUANTILE_NONE) {
		n = confidence_deviate(batches, n_batches, median, 0.5, cells, &total);
		phi = confidence_persistence(cells, n);
	}
	n = confidence_deviate(batches, n_batches, x, p, cells, &total);
	c->n_batches = (unsigned)n;
	/* The sum of a foreign document may be beyond 64 bits. */
	c->n_beyond = (uint64_t)fmin(p * total + 1e-6, 0x1p63);
	if (n < CONFIDENCE_BATCHES_LEAST)
		return;
	phi = confidence_safe(fmax(phi, confidence_persistence(cells, n)), n);
	confidence_shares(cells, n, phi, total, p, level, c, &low, &high);
	if (total < confidence_least_n(q, level))
		return;
	c->low_ns = quantile_offered_low(whole, n_whole, 1 - low);
	if (high > 0)
		c->high_ns = quantile_offered(whole, n_whole, 1 - high);
	c->is_known = true;
}

int confidence_of(const struct confidence_batch *batches, size_t n_batches,
	const struct histogram *whole, uint64_t n, double q, double level, struct confidence *ret)
{
	struct confidence c = {.low_ns = QUANTILE_NONE,
		.high_ns = QUANTILE_NONE,
		.n_batches = (unsigned)n_batches};
	struct confidence_cell *cells;

	if (quantile_offered(whole, n, q) != QUANTILE_NONE && n_batches > 0) {
		cells = memory_calloc(n_batches, sizeof(*cells));
		if (!cells)
			return -ENOMEM;
		confidence_compute(batches, n_batches, whole, n, q, level, cells, &c);
		free(cells);
	}
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
