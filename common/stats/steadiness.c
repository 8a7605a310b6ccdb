/* SPDX-License-Identifier: Apache-2.0 */
/* Four tests on the rows of a run. Each requires significance and size: a drift too small to matter
 * does not count, however significant it is.
 *
 * - Backlog (open model): the least-squares line through the requests in flight. The line is flat
 *   for a server that keeps up, and rises for one that does not.
 * - Warm-up: MSER (White, "An effective truncation heuristic", 1997) finds the beginning without
 *   which the mean is known best; it counts if that beginning is different from the rest.
 * - Trend: Mann-Kendall on the medians, robust against single bad rows, with the size by Theil and
 *   Sen's slope.
 * - Shift: Geweke's comparison of the first fifth with the last half, its errors widened by the
 *   correlation of neighbours.
 *
 * The other tests look at the rows after the warm-up that MSER proposes: a run that only began
 * slowly is reported as such, and not as drifting. */
#include "common/stats/steadiness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

const char *const steadiness_words[STEADINESS_WORD_COUNT] = {
	[STEADINESS_UNKNOWN] = "unknown",
	[STEADINESS_STEADY] = "steady",
	[STEADINESS_UNSTEADY] = "unsteady",
	[STEADINESS_WARMUP_SHORT] = "warm-up too short",
};

/* More rows than this are joined first: trends are slow, and Theil and Sen look at every pair. */
#define STEADINESS_ROWS_MOST 240

/* Smaller differences do not count: a share of the level, and an amount that a machine causes by
 * itself. */
#define STEADINESS_PART 0.10
#define STEADINESS_WARMUP_PART 0.25
#define STEADINESS_FLOOR_NS 200e3
#define STEADINESS_WARMUP_SIGMAS 8.0
#define STEADINESS_QUIET 3
/* A row stands out if it has this share of the difference between the beginning and the rest. */
#define STEADINESS_STANDS_OUT (1.0 / 3)
#define STEADINESS_ROWS_MANY 20
#define STEADINESS_BACKLOG_LEAST 5.0

struct steadiness_series {
	struct steadiness_row rows[STEADINESS_ROWS_MOST];
	size_t n;
	double width_s;
};

static bool steadiness_matters(double change, double level, double part)
{
	return fabs(change) > part * level && fabs(change) > STEADINESS_FLOOR_NS;
}

/* ---------------------------------------------------------------- rows */

/* Joins neighbours to at most STEADINESS_ROWS_MOST and leaves out those without an answer. The
 * median of joined rows is the mean of their medians, which is good enough for a trend. */
static void steadiness_gather(
	const struct steadiness_row *rows, size_t n, int64_t width_ns, struct steadiness_series *s)
{
	size_t group = n / (STEADINESS_ROWS_MOST + 1) + 1;

	*s = (struct steadiness_series){.width_s = (double)width_ns * (double)group / 1e9};
	for (size_t i = 0; i + group <= n; i += group) {
		struct steadiness_row sum = {0};

		for (size_t k = i; k < i + group; k++) {
			double weight = (double)rows[k].n;

			sum.n += rows[k].n;
			sum.mean_ns += weight * rows[k].mean_ns;
			sum.p50_ns += weight * rows[k].p50_ns;
			sum.in_flight += rows[k].in_flight / (double)group;
		}
		if (sum.n == 0)
			continue;
		sum.mean_ns /= (double)sum.n;
		sum.p50_ns /= (double)sum.n;
		s->rows[s->n++] = sum;
	}
}

static double steadiness_mean(const struct steadiness_row *rows, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += rows[i].mean_ns;
	return sum / (double)n;
}

static double steadiness_variance(const struct steadiness_row *rows, size_t n, double mean)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (rows[i].mean_ns - mean) * (rows[i].mean_ns - mean);
	return n > 1 ? sum / (double)(n - 1) : 0;
}

/* ---------------------------------------------------------------- the four looks */

static bool steadiness_backlog(const struct steadiness_series *s, struct steadiness *ret)
{
	double n = (double)s->n, mean_x = (n - 1) / 2, mean_y = 0, xx = 0, xy = 0, rest = 0;
	double slope, growth, sd;

	for (size_t i = 0; i < s->n; i++)
		mean_y += s->rows[i].in_flight / n;
	for (size_t i = 0; i < s->n; i++) {
		double x = (double)i - mean_x;

		xx += x * x;
		xy += x * (s->rows[i].in_flight - mean_y);
	}
	slope = xy / xx;
	for (size_t i = 0; i < s->n; i++) {
		double e = s->rows[i].in_flight - mean_y - slope * ((double)i - mean_x);

		rest += e * e;
	}
	sd = sqrt(rest / (n - 2));
	growth = slope * n;
	if (growth <= 3 * sd || slope * sqrt(xx) <= 5 * sd || growth < STEADINESS_BACKLOG_LEAST ||
		growth < 0.5 * mean_y)
		return false;
	ret->word = STEADINESS_UNSTEADY;
	(void)snprintf(ret->because, sizeof(ret->because),
		"the backlog grew by %.3g requests a second, to %.0f", slope / s->width_s,
		mean_y + growth / 2);
	return true;
}

/* The number of rows at the beginning that MSER leaves out: at most half. */
static size_t steadiness_truncation(const struct steadiness_series *s)
{
	double best = INFINITY;
	size_t cut = 0;

	for (size_t d = 0; d <= s->n / 2; d++) {
		size_t n = s->n - d;
		double mean = steadiness_mean(s->rows + d, n);
		double score = steadiness_variance(s->rows + d, n, mean) * (double)(n - 1) /
			       ((double)n * (double)n);

		if (score < best) {
			best = score;
			cut = d;
		}
	}
	return cut;
}

/* The squared error of a mean over these rows, widened by the correlation of neighbours. */
static double steadiness_squared_error(const struct steadiness_row *rows, size_t n, double mean)
{
	double products = 0, squares = 0, correlation;

	for (size_t i = 0; i < n; i++) {
		double e = rows[i].mean_ns - mean;

		squares += e * e;
		if (i > 0)
			products += e * (rows[i - 1].mean_ns - mean);
	}
	correlation = squares > 0 ? products / squares : 0;
	/* Of few rows it comes out too low by this (Kendall, "Note on bias in the estimation of
	 * autocorrelation", 1954). */
	if (correlation > 0)
		correlation += (1 + 4 * correlation) / (double)n;
	if (correlation < 0)
		correlation = 0;
	else if (correlation > 0.9)
		correlation = 0.9;
	return squares / (double)(n - 1) / (double)n * (1 + correlation) / (1 - correlation);
}

static bool steadiness_has_other_median(
	const struct steadiness_row *row, const struct steadiness_row *rest, size_t n_rest)
{
	double level = 0;

	for (size_t i = 0; i < n_rest; i++)
		level += rest[i].p50_ns / (double)n_rest;
	return steadiness_matters(row->p50_ns - level, level, STEADINESS_WARMUP_PART);
}

/* The rows that are left out may differ by a single outlier somewhere among them: then it was a
 * pause like any other, and the run's beginning is like the rest. So from the first row on, those
 * that stand out must be half of all even without one of them. A single row must be the first one,
 * and a single pause would have fallen there with a probability of one in n: too likely for few
 * rows, except where most of the row's answers differ. */
static bool steadiness_is_beginning(
	const struct steadiness_series *s, size_t cut, double level, double change)
{
	double sd = sqrt(steadiness_variance(s->rows + cut, s->n - cut, level));
	size_t n = 0, end = 0;

	for (size_t i = 0; i < cut; i++) {
		double part = (s->rows[i].mean_ns - level) / change;

		if (part < STEADINESS_STANDS_OUT && part * fabs(change) < 3 * sd)
			continue;
		n++;
		if (i == 0 || 2 * (n - 1) >= i + 1)
			end = i + 1;
	}
	if (end != 1 || s->n >= STEADINESS_ROWS_MANY)
		return end > 0;
	return steadiness_has_other_median(s->rows, s->rows + cut, s->n - cut);
}

/* Is the beginning different, or did a few rows stand out by chance? */
static bool steadiness_begins_otherwise(const struct steadiness_series *s, size_t cut)
{
	const struct steadiness_row *rest = s->rows + cut;
	size_t n_rest = s->n - cut;
	double level, error, change;

	if (cut == 0)
		return false;
	level = steadiness_mean(rest, n_rest);
	change = steadiness_mean(s->rows, cut) - level;
	/* The error of a mean over so few rows, if they were like the others. */
	error = sqrt(steadiness_squared_error(rest, n_rest, level) * (double)n_rest / (double)cut);
	return steadiness_matters(change, level, STEADINESS_WARMUP_PART) &&
	       fabs(change) > STEADINESS_WARMUP_SIGMAS * error &&
	       steadiness_is_beginning(s, cut, level, change);
}

/* Of the rows that MSER leaves out, counts those before the first few that are like the rest: after
 * these a row may stand out by chance. */
static size_t steadiness_beginning(const struct steadiness_series *s, size_t cut)
{
	const struct steadiness_row *rest = s->rows + cut;
	double level = steadiness_mean(rest, s->n - cut);
	double sd = sqrt(steadiness_variance(rest, s->n - cut, level));
	size_t n = 1;

	for (size_t i = 1; i < cut && i < n + STEADINESS_QUIET; i++)
		if (fabs(s->rows[i].mean_ns - level) > 3 * sd)
			n = i + 1;
	return n;
}

static int steadiness_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median slope over all pairs, per row; NAN without memory. */
static double steadiness_slope(const struct steadiness_row *rows, size_t n)
{
	size_t n_slopes = 0;
	double *slopes = memory_calloc(n * (n - 1) / 2, sizeof(*slopes));
	double slope;

	if (!slopes)
		return NAN;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			slopes[n_slopes++] = (rows[k].p50_ns - rows[i].p50_ns) / (double)(k - i);
	qsort(slopes, n_slopes, sizeof(*slopes), steadiness_compare);
	slope = slopes[n_slopes / 2];
	free(slopes);
	return slope;
}

static double steadiness_kendall(const struct steadiness_row *rows, size_t n)
{
	double s = 0, m = (double)n;

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			s += (rows[k].p50_ns > rows[i].p50_ns) - (rows[k].p50_ns < rows[i].p50_ns);
	if (s == 0)
		return 0;
	return (s > 0 ? s - 1 : s + 1) / sqrt(m * (m - 1) * (2 * m + 5) / 18);
}

static bool steadiness_trend(
	const struct steadiness_row *rows, size_t n, double width_s, struct steadiness *ret)
{
	double slope, change, level = 0;

	for (size_t i = 0; i < n; i++)
		level += rows[i].p50_ns / (double)n;
	if (n < 7 || fabs(steadiness_kendall(rows, n)) < (n < 20 ? 3.3 : 4))
		return false;
	slope = steadiness_slope(rows, n);
	change = slope * (double)(n - 1);
	if (isnan(slope) || !steadiness_matters(change, level, STEADINESS_PART))
		return false;
	ret->word = STEADINESS_UNSTEADY;
	(void)snprintf(ret->because, sizeof(ret->because),
		"the median %s from %.3g to %.3g ms within %.0f s", change > 0 ? "rose" : "fell",
		(level - change / 2) / 1e6, (level + change / 2) / 1e6, (double)n * width_s);
	return true;
}

static bool steadiness_shift(const struct steadiness_row *rows, size_t n, struct steadiness *ret)
{
	size_t n_first = n / 5, n_last = n / 2;
	const struct steadiness_row *last = rows + n - n_last;
	double first_ns, last_ns, error;

	if (n < 20)
		return false;
	first_ns = steadiness_mean(rows, n_first);
	last_ns = steadiness_mean(last, n_last);
	error = sqrt(steadiness_squared_error(rows, n_first, first_ns) +
		     steadiness_squared_error(last, n_last, last_ns));
	if (fabs(last_ns - first_ns) < 5 * error ||
		!steadiness_matters(last_ns - first_ns, first_ns, STEADINESS_PART))
		return false;
	ret->word = STEADINESS_UNSTEADY;
	(void)snprintf(ret->because, sizeof(ret->because),
		"the mean was %.3g ms in the first fifth and %.3g ms in the last half",
		first_ns / 1e6, last_ns / 1e6);
	return true;
}

void steadiness_judge(const struct steadiness_row *rows, size_t n, int64_t width_ns, bool is_open,
	struct steadiness *ret)
{
	struct steadiness_series s;
	size_t cut;

	*ret = (struct steadiness){.word = STEADINESS_UNKNOWN};
	steadiness_gather(rows, n, width_ns, &s);
	if (s.n < STEADINESS_ROWS_LEAST)
		return;
	if (is_open && steadiness_backlog(&s, ret))
		return;
	cut = steadiness_truncation(&s);
	if (!steadiness_begins_otherwise(&s, cut))
		cut = 0;
	if (steadiness_trend(s.rows + cut, s.n - cut, s.width_s, ret) ||
		steadiness_shift(s.rows + cut, s.n - cut, ret))
		return;
	ret->word = STEADINESS_STEADY;
	if (cut == 0)
		return;
	cut = steadiness_beginning(&s, cut);
	ret->word = STEADINESS_WARMUP_SHORT;
	ret->warmup_advice_ns = (int64_t)((double)cut * s.width_s * 1e9);
	(void)snprintf(ret->because, sizeof(ret->because),
		"the mean was %.3g ms in the first %.3g s and %.3g ms after them",
		steadiness_mean(s.rows, cut) / 1e6, (double)cut * s.width_s,
		steadiness_mean(s.rows + cut, s.n - cut) / 1e6);
}
