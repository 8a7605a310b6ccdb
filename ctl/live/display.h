/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen while a run goes on: on a terminal the view, redrawn in place (one line of it where
 * there is no room for more), elsewhere one plain line each interval for awk. Composing is pure;
 * struct display is the drawing and what keys change in it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/control/progress.h"
#include "ctl/terminal.h"
#include "ctl/live/view_history.h"

struct buf;
struct style;

/* One line without newline, less than style->width columns.
 * 0 or -ENOMEM. */
int display_bar(const struct progress *doc, const struct style *style, struct buf *ret);
/* One line with newline, its fields fixed; nothing while there is no interval. 0 or -ENOMEM. */
int display_plain(const struct progress *doc, struct buf *ret);

#define DISPLAY_LINES_MAX 64u

struct display {
	/* may be set after display_init */
	bool is_watching; /* the run goes on without us */
	bool may_steer;	  /* there are keys for it */

	struct terminal terminal;
	struct progress newest; /* absent: none yet */
	int64_t newest_at_ns;
	struct view_history history;
	uint64_t skipped;
	int64_t asked_ns; /* of steer_by_key */
	char message[160];
	bool shows_events;
	bool shows_help;
	int lost; /* -errno of what could not be written; 0: all was */

	/* The picture on the terminal: the columns of each of its lines. */
	size_t drawn[DISPLAY_LINES_MAX];
	unsigned n_drawn;
	int64_t drawn_at_ns;
};
/* Draws on fd; keys are read from stdin where both are terminals. Changes no terminal yet. */
void display_init(struct display *p, int fd);
/* Shows news, which it takes over; skipped: how many were left out before them. */
void display_show(struct display *p, struct progress *now, uint64_t skipped);
/* The news that come with a run's end: in a pipe, the line of an interval that was not shown. */
void display_show_last(struct display *p, struct progress *now, uint64_t skipped);
/* Shows the same again: the terminal's size has changed, or it is ours again. */
void display_redraw(struct display *p);
/* One line that is no news of the run: inside the view, or on stderr. */
void display_say(struct display *p, const char *text);
/* The same for a run that is being stopped: what its end waits for; then the rest of the line. */
void display_say_stopping(struct display *p, const char *rest);
/* Wipes the picture, so that something else can be printed. */
void display_clear(struct display *p);
/* Wipes it and puts the terminal back. */
void display_fini(struct display *p);

/* For poll: how long until clocks in the picture go on; -1: for ever. Then display_tick. */
int display_wait_ms(const struct display *p);
void display_tick(struct display *p);
/* For poll: where keys come from, -1: nowhere. Then display_on_keys with poll's events. */
int display_key_fd(const struct display *p);

enum display_key {
	DISPLAY_NOTHING,
	DISPLAY_STOP,
	DISPLAY_LEAVE, /* only while watching */
	/* only where we may steer */
	DISPLAY_PAUSE, /* or resume */
	DISPLAY_FASTER,
	DISPLAY_SLOWER,
	DISPLAY_NEXT,
};
/* Keys that change the view are handled here; the others are returned. */
enum display_key display_on_keys(struct display *p, short events);

/* SIGTSTP: puts the terminal back, stops this process, and draws again when it goes on. */
void display_suspend(struct display *p);
/* SIGCONT: whatever is on the terminal now, it is not our picture. */
void display_continue(struct display *p);
