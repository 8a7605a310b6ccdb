/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a plan: [request NAME] over [defaults]. Part of the plan; nobody else includes
 * it. Pure. */
#pragma once

struct buf;
struct plan;
struct plan_input;

/* After keys_apply and the target. 0 (also with problems) or -ENOMEM. */
int plan_settle_requests(const struct plan_input *in);
/* Refuses what makes no sense together, where all single values are good. */
void plan_judge_requests(const struct plan_input *in);
void plan_fini_requests(struct plan *p);

/* For plan_describe: the lines on requests and what is expected of their answers. 0 or -ENOMEM. */
int plan_describe_requests(const struct plan *p, struct buf *b);
/* Bytes of a request on the wire, the average over all kinds. */
double plan_request_bytes(const struct plan *p);
