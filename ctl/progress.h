/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen while a run goes on: one line that is redrawn in place on a terminal, or one plain
 * line each interval for awk. Composing is pure; struct progress is the drawing. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct look;

/* doc: the `progress` of a Watch answer. One line without newline, less than look->width columns.
 * 0 or -ENOMEM. */
int progress_bar(const json_t *doc, const struct look *look, struct buf *ret);
/* One line with newline, its fields fixed; nothing while there is no interval. 0 or -ENOMEM. */
int progress_plain(const json_t *doc, struct buf *ret);

struct progress {
	int fd;
	json_t *newest; /* NULL: none yet */
	bool drawn;	/* there is a line to be wiped */
};
void progress_init(struct progress *p, int fd);
/* Shows news; progress_redraw shows the same again (the terminal's size has changed). */
void progress_show(struct progress *p, json_t *doc);
void progress_redraw(struct progress *p);
/* Wipes the line, so that something else can be printed. */
void progress_clear(struct progress *p);
void progress_fini(struct progress *p);
