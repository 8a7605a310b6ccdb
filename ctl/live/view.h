/* SPDX-License-Identifier: Apache-2.0 */
/* The live view of a run as text: a function of what Watch has told and of the place where it is
 * shown. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct style;
struct progress;
struct view_history;

#define VIEW_WIDTH_MAX 200u
/* On less the one line of progress_bar is worth more. */
#define VIEW_WIDTH_MIN 60u
#define VIEW_ROWS_MIN 10u

struct view {
	const struct progress *progress; /* of the newest Watch answer */
	int64_t age_ns;			 /* of that answer; clocks go on from there */
	const struct view_history *history;
	uint64_t skipped;    /* answers left out since we began to watch */
	unsigned rows;	     /* of the terminal; the text has no more lines */
	bool is_watching;    /* the run goes on without us */
	bool has_keys;	     /* they are read, so they are named */
	bool may_steer;	     /* those too that steer */
	bool shows_events;   /* all of them, not the newest two */
	bool shows_help;     /* what keys and words mean, for sparklines and events */
	const char *message; /* one line; NULL: none */
};

/* Whether there is room for it. */
bool view_fits(const struct style *style, unsigned rows);
/* Whole lines of less than style->width columns, fit for the terminal. 0 or -ENOMEM. */
int view_compose(const struct view *v, const struct style *style, struct buf *ret);
