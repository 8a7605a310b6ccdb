/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of plan_describe that have files of their own. Part of the plan. Pure. */
#pragma once

struct buf;
struct plan;

/* The column after the widest name of a line. */
#define PLAN_INDENT "               "

/* How arrivals come in the open model: the spacing, and the stages as a table where there is more
 * to say than one rate. 0 or -ENOMEM. */
int plan_describe_stages(const struct plan *p, struct buf *b);
