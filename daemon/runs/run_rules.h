/* SPDX-License-Identifier: Apache-2.0 */
/* Rules while a run goes on: by its intervals, of which each is complete when all arrivals that
 * were planned in it have ended. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats/judgement.h"

struct plan;
struct result_list;
struct run;
struct timeline;

/* What the last `over` of a rule says to it, or the whole window so far. */
struct run_rule_state {
	bool is_known;		  /* else nothing below is */
	enum judgement judgement; /* JUDGEMENT_FAIL of an abort-if: it ends the run */
	double value;	/* in the unit of its limit; not finite: of an arrival without an answer */
	int64_t end_ns; /* of the stretch, since the window's start */
};
/* One state for each rule of the plan, all by one pass over the rows: it costs hardly more than one
 * rule. 0 or -ENOMEM: they are as they were. */
int run_rules_judge(const struct timeline *t, const struct plan *plan, struct run_rule_state *ret);

/* How the rules to be kept stand, as far as they can be judged meanwhile: struct progress_rule. 0
 * or -ENOMEM. */
int run_rules_fill(const struct run *run, struct result_list *to);

/* An interval has come: true where a rule of the plan ends the run, with the reason in words. The
 * rule is remembered for the result. */
bool run_rules_watch(struct run *run, char *ret_reason, size_t size);
