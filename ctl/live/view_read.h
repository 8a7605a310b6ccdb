/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a Watch answer, whatever was sent; and the bar that shows how far it
 * is. Shared by the view and the one-line forms. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct progress;

/* 0 where it is null or absent. Far from overflow, so that two can be added or subtracted. */
int64_t view_int(int64_t n);
/* n of the newest interval per second; negative: there is no interval. */
double view_rate(const struct progress *doc, int64_t n);
/* Closed model: nothing is asked, and there is no response but service time. */
bool view_is_closed(const struct progress *doc);
/* Nothing has ended in the newest interval, well or badly. */
bool view_is_silent(const struct progress *doc);
/* The share of the plan that is over, by count or by time (elapsed_ns), 0..1; negative if
 * unknown. */
double view_share(const struct progress *doc, int64_t elapsed_ns);
/* The text after "stopping" for a run that has just been stopped: what its end waits for, "" if
 * nothing that is known. */
const char *view_awaits(const struct progress *doc);

/* "[████▌   ]" with so many cells between the brackets. 0 or -ENOMEM. */
int view_draw_bar(unsigned cells, double share, struct buf *ret);
