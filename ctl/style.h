/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities of the output device: its width, UTF-8, colour; and the one function that
 * converts finished text for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct style {
	unsigned width; /* columns; 80 where it is no terminal */
	bool utf8;
	bool colour;
	bool terminal; /* lines can be redrawn in place */
	bool verbose;
};

/* Marks inside composed text, turned into colour or into nothing by style_render. These bytes are
 * in no UTF-8, so a text from JSON cannot hold them: it has no colour but what rpsctl gives it. */
#define STYLE_GOOD "\xf8"
#define STYLE_BAD "\xf9"
#define STYLE_WARN "\xfa"
#define STYLE_PLAIN "\xfb"

/* setlocale(LC_CTYPE, "") must have been called. Asks the size afresh each time. */
void style_of(int fd, struct style *ret);

/* Columns of UTF-8 text, marks not counted. */
size_t style_columns(const char *text);
/* Bytes of the longest beginning that is at most so many columns wide. */
size_t style_cut(const char *text, size_t columns);

/* Appends text (UTF-8 with marks) to out as the style allows: ASCII stand-ins without UTF-8, no
 * other control character but newline, so that nothing a server said can steer a terminal. 0 or
 * -ENOMEM. */
int style_render(const struct style *style, const char *text, struct buf *out);
