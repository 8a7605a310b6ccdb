/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a result, and what it says to each: of a run that has just ended, of a sum, and of
 * one that was stored. Three answers are possible (common/stats/judgement.h). Pure. */
#pragma once

struct err;
struct result;
struct rule;

#define RESULT_RULE_REQUIRE "require"
#define RESULT_RULE_ABORT "abort-if"

/* What an undecided rule does to the exit code: plan.effective.undecided. */
#define RESULT_UNDECIDED_FAIL "fail"
#define RESULT_UNDECIDED_PASS "pass"

/* Adds a rule to those of the result; it is not judged yet. kind: one of those above. 0 or
 * -ENOMEM. */
int result_rules_add(struct result *r, const struct rule *rule, const char *kind);

/* Can it be asked of this result? 0, or -EINVAL with the reason: a request or a stage that it does
 * not have, response times in the closed model. */
int result_rules_check(const struct result *r, const struct rule *rule, struct err *reterr);

/* Judges all rules to be kept anew, and then the run by them: headline.result and run.exit_code of
 * a run that came to its end. To be called after the audit. undecided: instead of what the plan
 * says, or NULL. 0 or -ENOMEM. */
int result_rules_judge(struct result *r, const char *undecided);
