/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities of the output device: its width, UTF-8, colour; and the one function that
 * converts finished text for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct look {
	unsigned width; /* columns; 80 where it is no terminal */
	bool utf8;
	bool colour;
	bool terminal; /* lines can be redrawn in place */
	bool verbose;
};

/* Marks inside composed text, turned into colour or into nothing by look_render. These bytes are in
 * no UTF-8, so a text from JSON cannot hold them: it has no colour but what rpsctl gives it. */
#define LOOK_GOOD "\xf8"
#define LOOK_BAD "\xf9"
#define LOOK_WARN "\xfa"
#define LOOK_PLAIN "\xfb"

/* setlocale(LC_CTYPE, "") must have been called. Asks the size afresh each time. */
void look_at(int fd, struct look *ret);

/* Columns of UTF-8 text, marks not counted. */
size_t look_columns(const char *text);
/* Bytes of the longest beginning that is at most so many columns wide. */
size_t look_cut(const char *text, size_t columns);

/* Appends text (UTF-8 with marks) to out as the look allows: ASCII stand-ins without UTF-8, no
 * other control character but newline, so that nothing a server said can steer a terminal. 0 or
 * -ENOMEM. */
int look_render(const struct look *look, const char *text, struct buf *out);
