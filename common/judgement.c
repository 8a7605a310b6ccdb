/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement on one rule.
 *
 * The page's sentence is of limits from above: "response meets the limit: pass, whatever the lag;
 * still broken when everything of ours is taken off: fail". A limit from below turns it round (our
 * delay could make "response p50 > 10ms" true), and so could a figure that we make smaller
 * (completed). All follow from one thought: the truth lies between the figure as measured and the
 * figure less ours. Where both are on one side of the limit, so is the truth.
 *
 * Of arrivals without a good answer some may have failed because we were late: a timeout that began
 * at the planned instant, say. A perfect generator might have had their answers at once, so in the
 * figure less ours they rank first (quantile_excusing).
 *
 * Response less ours has bounds: it does not know which requests were slow because we had sent
 * others in a heap, after a delay. So "fail" can blame a server for the time it took to work off
 * such a heap; "pass" is never wrong by it. */
#include "common/judgement.h"

#include <math.h>
#include <stdbool.h>

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

	/* Written so that a number of arrivals that is no number is too few. */
	if (figures->least_n > 0 && !(figures->n_effective >= figures->least_n))
		return JUDGEMENT_UNDECIDED_FEW;
	if (meets && (would_meet || is_from_above))
		return JUDGEMENT_PASS;
	return meets || would_meet ? JUDGEMENT_UNDECIDED_OURS : JUDGEMENT_FAIL;
}
