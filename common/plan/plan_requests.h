/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a plan: [request NAME] over [defaults]. Internal to the plan. Pure. */
#pragma once

struct buf;
struct plan;
struct plan_input;

/* To be called before keys_apply, which sets their fields: makes one request for each [request
 * NAME], with the defaults of its keys, or a single one. 0 (also with problems) or -ENOMEM. */
int plan_name_requests(const struct plan_input *in);
/* NULL: there is no request of that name. */
struct plan_request *plan_find_request(const struct plan *p, const char *name);
/* To be called after keys_apply: adds the values that come from [defaults], from several entries
 * and from files. 0 (also with problems) or -ENOMEM. */
int plan_resolve_requests(const struct plan_input *in);
/* Refuses impossible combinations, if all single values are valid. */
void plan_judge_requests(const struct plan_input *in);
void plan_fini_requests(struct plan *p);

/* For plan_describe: the lines on requests and on the expectations for their answers. 0 or
 * -ENOMEM. */
int plan_describe_requests(const struct plan *p, struct buf *b);
/* The size of a request on the wire in bytes, averaged over all kinds. */
double plan_request_bytes(const struct plan *p);
