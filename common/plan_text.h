/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of plan_describe share: numbers as a person reads them, and the pages that stand
 * in files of their own. Part of the plan. Pure. */
#pragma once

#include <stdint.h>

#include "common/units.h"

struct buf;
struct plan;

/* Behind the widest name of a line. */
#define PLAN_INDENT "               "

/* Each returns text. "1,234,567", "1m30s", "500/s". */
#define PLAN_NUMBER_MAX 32
const char *plan_text_number(uint64_t n, char text[static PLAN_NUMBER_MAX]);
const char *plan_text_time(int64_t ns, char text[static UNITS_TEXT_MAX]);
const char *plan_text_rate(struct rate rate, char text[static UNITS_TEXT_MAX]);

/* How arrivals come in the open model: the spacing, and the stages as a table where there is more
 * to say than one rate. 0 or -ENOMEM. */
int plan_describe_stages(const struct plan *p, struct buf *b);
