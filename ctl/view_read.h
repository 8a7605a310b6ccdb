/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the `progress` of a Watch answer, whatever was sent; and the bar that shows how far it
 * is. Shared by the view and the one-line forms. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;

/* 0 where there is none. Far from overflow, so that two can be added or subtracted. */
int64_t view_int(const json_t *doc, const char *path);
/* Per second in the newest interval; negative: there is none. */
double view_rate(const json_t *doc, const char *path);
/* Closed model: nothing is asked, and there is no response but service time. */
bool view_is_closed(const json_t *doc);
/* Nothing has ended in the newest interval, well or badly. */
bool view_is_silent(const json_t *doc);
/* Share of the plan that is over, by count or by time (elapsed_ns), 0..1; negative when nobody can
 * know. */
double view_share(const json_t *doc, int64_t elapsed_ns);

/* "[████▌   ]" with so many cells between the brackets. 0 or -ENOMEM. */
int view_draw_bar(unsigned cells, double share, struct buf *ret);
