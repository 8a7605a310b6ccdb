/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a plan, from [thresholds] and from its requests. Internal to the plan. Pure. */
#pragma once

struct err;
struct plan;
struct plan_input;

/* For the key table: a rule to be kept, one that ends the run, and one of a request's own section,
 * which needs no scope. */
int plan_check_require(const char *value, struct err *reterr);
int plan_check_abort_if(const char *value, struct err *reterr);
int plan_check_request_require(const char *value, struct err *reterr);

/* Reads all rules into the plan, which is whole but for them, and reports those that it can never
 * answer. 0 or -ENOMEM. */
int plan_resolve_thresholds(const struct plan_input *in);
void plan_clear_thresholds(struct plan *p);
