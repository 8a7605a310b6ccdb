/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen while a run goes on: on a terminal the view, redrawn in place (one line of it where
 * there is no room for more), elsewhere one plain line each interval for awk. Composing is pure;
 * struct progress is the drawing and what keys change in it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/terminal.h"
#include "ctl/view_history.h"

struct buf;
struct look;

/* doc: the `progress` of a Watch answer. One line without newline, less than look->width columns.
 * 0 or -ENOMEM. */
int progress_bar(const json_t *doc, const struct look *look, struct buf *ret);
/* One line with newline, its fields fixed; nothing while there is no interval. 0 or -ENOMEM. */
int progress_plain(const json_t *doc, struct buf *ret);

#define PROGRESS_LINES_MAX 64u

struct progress {
	/* may be set after progress_init */
	bool is_watching; /* the run goes on without us */
	bool may_steer;	  /* there are keys for it */

	struct terminal terminal;
	json_t *newest; /* NULL: none yet */
	int64_t newest_at_ns;
	struct view_history history;
	uint64_t skipped;
	char message[160];
	bool shows_events;
	bool shows_help;
	int lost; /* -errno of what could not be written; 0: all was */

	/* The picture on the terminal: the columns of each of its lines. */
	size_t drawn[PROGRESS_LINES_MAX];
	unsigned n_drawn;
	int64_t drawn_at_ns;
};
/* Draws on fd; keys are read from stdin where both are terminals. Changes no terminal yet. */
void progress_init(struct progress *p, int fd);
/* Shows news; skipped: how many were left out before them. */
void progress_show(struct progress *p, json_t *doc, uint64_t skipped);
/* The news that come with a run's end: in a pipe, the line of an interval that was not shown. */
void progress_show_last(struct progress *p, json_t *doc, uint64_t skipped);
/* Shows the same again: the terminal's size has changed, or it is ours again. */
void progress_redraw(struct progress *p);
/* One line that is no news of the run: inside the view, or on stderr. */
void progress_say(struct progress *p, const char *text);
/* Wipes the picture, so that something else can be printed. */
void progress_clear(struct progress *p);
/* Wipes it and puts the terminal back. */
void progress_fini(struct progress *p);

/* For poll: how long until clocks in the picture go on; -1: for ever. Then progress_tick. */
int progress_wait_ms(const struct progress *p);
void progress_tick(struct progress *p);
/* For poll: where keys come from, -1: nowhere. Then progress_on_keys with poll's events. */
int progress_key_fd(const struct progress *p);

enum progress_key {
	PROGRESS_NOTHING,
	PROGRESS_STOP,
	PROGRESS_LEAVE, /* only while watching */
	/* only where we may steer */
	PROGRESS_PAUSE, /* or resume */
	PROGRESS_FASTER,
	PROGRESS_SLOWER,
	PROGRESS_NEXT,
};
/* What keys change in the view is done; the rest is the answer. */
enum progress_key progress_on_keys(struct progress *p, short events);

/* SIGTSTP: puts the terminal back, stops this process, and draws again when it goes on. */
void progress_suspend(struct progress *p);
/* SIGCONT: whatever is on the terminal now, it is not our picture. */
void progress_continue(struct progress *p);
