/* SPDX-License-Identifier: Apache-2.0 */
/* The figures for the sparklines of the live view: the intervals since watching began. Pure. */
#pragma once

#include <stdint.h>

#include "ctl/live/view.h"

/* One column for each interval since we began to watch; the oldest leave. Zero-initialise. */
struct view_history {
	double ok_per_s[VIEW_WIDTH_MAX];
	double p99_ns[VIEW_WIDTH_MAX]; /* negative: nothing ended */
	unsigned n;
};
/* One more interval: the newest of a progress, if it has one. */
void view_history_add(struct view_history *h, const struct progress *progress);
/* So many that we have not been told. */
void view_history_skip(struct view_history *h, uint64_t n);
