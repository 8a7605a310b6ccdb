/* SPDX-License-Identifier: Apache-2.0 */
/* Does a figure meet its limit? Three answers (measurement page A.8): what the generator added is
 * in every figure, so a figure that meets its limit in spite of that passes, one that is beyond it
 * even with all of ours taken off fails, and between the two nobody can say here. Pure. */
#pragma once

#include <stdint.h>

enum judgement_op {
	JUDGEMENT_BELOW,    /* < */
	JUDGEMENT_AT_MOST,  /* <= */
	JUDGEMENT_ABOVE,    /* > */
	JUDGEMENT_AT_LEAST, /* >= */
};

enum judgement {
	JUDGEMENT_PASS,
	JUDGEMENT_FAIL,
	JUDGEMENT_UNDECIDED_OURS, /* within the limit only without what is ours */
	JUDGEMENT_UNDECIDED_FEW,  /* too few arrivals to say */
	JUDGEMENT_COUNT,
};
extern const char *const judgement_names[JUDGEMENT_COUNT];   /* "pass", "fail", "undecided" twice */
extern const char *const judgement_reasons[JUDGEMENT_COUNT]; /* "", "", "ours", "n" */

/* No good answer at this rank: worse than any limit, whichever the op. */
#define JUDGEMENT_UNSERVED __builtin_inf()

/* A quantile in ns, or QUANTILE_NONE, as a figure. */
static inline double judgement_figure(int64_t ns)
{
	return ns < 0 ? JUDGEMENT_UNSERVED : (double)ns;
}

struct judgement_figures {
	/* One figure twice, in the unit of the limit; the truth lies between them. */
	double value;	    /* as measured: over all that was planned */
	double less_ours;   /* of a perfect generator, to within its bounds */
	double n_effective; /* independent arrivals behind them */
	double least_n;	    /* that it takes to say anything; 0: any number will do */
};
enum judgement judgement_of(
	const struct judgement_figures *figures, enum judgement_op op, double limit);
