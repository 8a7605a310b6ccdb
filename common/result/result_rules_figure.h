/* SPDX-License-Identifier: Apache-2.0 */
/* The figure that a rule is about, as a result has it. Pure. */
#pragma once

#include <stdbool.h>

#include "common/stats/judgement.h"

struct result;
struct rule;

struct rule_figure {
	bool is_known;	   /* false: because says why it cannot be judged */
	bool is_certain;   /* the limit is broken by so many that their number is enough */
	bool is_true;	   /* a word */
	double value;	   /* JUDGEMENT_UNSERVED: of an arrival without a good answer */
	double less_ours;  /* the same without what the generator added */
	double low, high;  /* its interval of confidence; NAN: not known */
	double n, least_n; /* arrivals that it rests on, and that it takes */
	char because[160];
};

/* 0 or -ENOMEM. */
int rule_figure_of(const struct result *r, const struct rule *rule, struct rule_figure *ret);
