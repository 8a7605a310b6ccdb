/* SPDX-License-Identifier: Apache-2.0 */
/* Does a figure meet its limit? There are three answers (measurement page A.8), because every
 * figure contains the delay that the generator added: a figure that meets its limit in spite of
 * that passes, one that is beyond it even after all of that is subtracted fails, and between the
 * two the answer is undecided. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct histogram;

enum judgement_op {
	JUDGEMENT_BELOW,    /* < */
	JUDGEMENT_AT_MOST,  /* <= */
	JUDGEMENT_ABOVE,    /* > */
	JUDGEMENT_AT_LEAST, /* >= */
};

enum judgement {
	JUDGEMENT_PASS,
	JUDGEMENT_FAIL,
	JUDGEMENT_UNDECIDED_OURS, /* within the limit only without the generator's share */
	JUDGEMENT_UNDECIDED_FEW,  /* too few arrivals to say */
	JUDGEMENT_COUNT,
};
extern const char *const judgement_names[JUDGEMENT_COUNT];   /* "pass", "fail", "undecided" twice */
extern const char *const judgement_reasons[JUDGEMENT_COUNT]; /* "", "", "ours", "n" */

/* No good answer at this rank: worse than any limit, whatever the op. */
#define JUDGEMENT_UNSERVED __builtin_inf()

/* A quantile in ns, or QUANTILE_NONE, as a figure. */
static inline double judgement_figure(int64_t ns)
{
	return ns < 0 ? JUDGEMENT_UNSERVED : (double)ns;
}

struct judgement_figures {
	/* One figure in two forms, in the unit of the limit; the true value lies between them. */
	double value;	    /* as a perfect generator would have measured it, approximately */
	double less_ours;   /* as a perfect generator would have measured it, within the limits of
			     * judgement.c */
	double n_effective; /* number of independent arrivals that the figure rests on */
	double least_n;	    /* number needed to judge at all; 0: any number will do */
};
/* Is the limit of the quantile q broken by so many that their number is enough, however few they
 * are for the quantile itself? h: values of good answers, of planned arrivals, as they would be but
 * for share; excused as in quantile_excusing. */
bool judgement_is_certain(const struct histogram *h, uint64_t planned, uint64_t excused, double q,
	double share, enum judgement_op op, double limit);

enum judgement judgement_of(
	const struct judgement_figures *figures, enum judgement_op op, double limit);
