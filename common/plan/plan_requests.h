/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a plan: [request NAME] over [defaults]. Part of the plan; nobody else includes
 * it. Pure. */
#pragma once

struct buf;
struct plan;
struct plan_input;

/* Before keys_apply, which fills them: one for each [request NAME], with the defaults of its keys,
 * or a single one. 0 (also with problems) or -ENOMEM. */
int plan_name_requests(const struct plan_input *in);
/* NULL: there is none of that name. */
struct plan_request *plan_find_request(const struct plan *p, const char *name);
/* After keys_apply: adds what comes of [defaults], of several entries and of files. 0 (also with
 * problems) or -ENOMEM. */
int plan_settle_requests(const struct plan_input *in);
/* Refuses what makes no sense together, where all single values are good. */
void plan_judge_requests(const struct plan_input *in);
void plan_fini_requests(struct plan *p);

/* For plan_describe: the lines on requests and what is expected of their answers. 0 or -ENOMEM. */
int plan_describe_requests(const struct plan *p, struct buf *b);
/* Bytes of a request on the wire, the average over all kinds. */
double plan_request_bytes(const struct plan *p);
