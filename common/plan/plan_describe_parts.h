/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of plan_describe that have their own files. Part of the plan. Pure. */
#pragma once

struct buf;
struct plan;

/* The column after the widest name of a line. */
#define PLAN_INDENT "               "

/* The arrivals of the open model: the spacing, and the stages as a table if there is more than one
 * rate. 0 or -ENOMEM. */
int plan_describe_stages(const struct plan *p, struct buf *b);
