/* SPDX-License-Identifier: Apache-2.0 */
/* Judges one rule. The measurement page states the rule for upper limits: a response that meets the
 * limit passes, whatever the lag; one that is still above it after the generator's own delay is
 * subtracted fails. A lower limit reverses this (the generator's delay could make "response p50 >
 * 10ms" true), and so does a figure that the generator makes smaller (completed). All cases follow
 * from one fact: the true value lies between the figure as measured and the figure less the
 * generator's share. Where both are on one side of the limit, so is the true value.
 *
 * Some of the arrivals without a good answer may have failed because the generator was late, for
 * example by a timeout that began at the planned instant. A perfect generator might have had their
 * answers at once, so in the second figure they rank first (quantile_excusing).
 *
 * The second figure is limited: it does not show which requests were slow because the generator,
 * after a delay, had sent others in a burst. So "fail" can count the time that a server took to
 * work off such a burst; "pass" is not affected. */
#include "common/stats/judgement.h"

#include <math.h>

#include "common/stats/quantile.h"

#define JUDGEMENT_SIGMAS 1.96

const char *const judgement_names[JUDGEMENT_COUNT] = {
	[JUDGEMENT_PASS] = "pass",
	[JUDGEMENT_FAIL] = "fail",
	[JUDGEMENT_UNDECIDED_OURS] = "undecided",
	[JUDGEMENT_UNDECIDED_FEW] = "undecided",
};

const char *const judgement_reasons[JUDGEMENT_COUNT] = {
	[JUDGEMENT_PASS] = "",
	[JUDGEMENT_FAIL] = "",
	[JUDGEMENT_UNDECIDED_OURS] = "ours",
	[JUDGEMENT_UNDECIDED_FEW] = "n",
};

static bool judgement_meets(double value, enum judgement_op op, double limit)
{
	if (!isfinite(value))
		return false;
	switch (op) {
	case JUDGEMENT_BELOW:
		return value < limit;
	case JUDGEMENT_AT_MOST:
		return value <= limit;
	case JUDGEMENT_ABOVE:
		return value > limit;
	default:
		return value >= limit;
	}
}

enum judgement judgement_of(
	const struct judgement_figures *figures, enum judgement_op op, double limit)
{
	bool is_from_above = op == JUDGEMENT_BELOW || op == JUDGEMENT_AT_MOST;
	bool meets = judgement_meets(figures->value, op, limit);
	bool would_meet = judgement_meets(figures->less_ours, op, limit);

	/* Written so that NaN as the number of arrivals counts as too few. */
	if (figures->least_n > 0 && !(figures->n_effective >= figures->least_n))
		return JUDGEMENT_UNDECIDED_FEW;
	if (meets && (would_meet || is_from_above))
		return JUDGEMENT_PASS;
	return meets || would_meet ? JUDGEMENT_UNDECIDED_OURS : JUDGEMENT_FAIL;
}

/* At this rank an arrival is faster than the quantile, for sure: the number of those beyond is
 * binomial. */
bool judgement_is_certain(const struct histogram *h, uint64_t planned, uint64_t excused, double q,
	double share, enum judgement_op op, double limit)
{
	double n = (double)planned;
	double rank = floor(n * q - JUDGEMENT_SIGMAS * sqrt(n * q * (1 - q)) - 1);
	struct judgement_figures figures = {0};

	if (rank < 1)
		return false;
	figures.value = judgement_figure(quantile_excusing(h, planned, excused, (rank - 0.5) / n));
	figures.less_ours = fmax(figures.value - share, 0);
	return judgement_of(&figures, op, limit) == JUDGEMENT_FAIL;
}
