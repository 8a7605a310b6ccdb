/* SPDX-License-Identifier: Apache-2.0 */
/* All output of rpsctl on stdout and stderr goes through these functions. A daemon's answer, text
 * from a server, a result from another user and a file's name are untrusted: nothing in them may
 * control a terminal. So control characters other than newline and tab (C0, DEL, C1), characters
 * that turn the direction of text, and bytes that are no UTF-8 are printed as '?', in JSON as
 * \uXXXX. `make lint` holds that nothing else in ctl/ prints; the live view writes what
 * style_render has made. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct buf;

/* Each ignores a failure: main looks at stdout's in the end. */
void print_out(const char *text);
void print_err(const char *text);
/* Returns the columns of the text, which has one line at most. */
size_t print_outf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_errf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Composed text with marks (style.h), with the colours that the place there can show. */
void print_marked(FILE *to, const char *text);
/* Prints the result of style_render, or of a format with that style: it is already safe. */
void print_rendered(FILE *to, const struct buf *text);
/* The document and a newline; flags are jansson's. */
void print_json(const json_t *doc, size_t flags);

/* 0 where all that was printed on stdout has been taken, else -errno of the first that was not. */
int print_flush(void);

/* Appends text as it is printed; is_utf8: bytes beyond ASCII may be. 0 or -ENOMEM. */
int print_clean(const char *text, bool is_utf8, struct buf *ret);
/* Appends the JSON of doc, which says the same with harmless characters. 0 or -ENOMEM. */
int print_render_json(const json_t *doc, size_t flags, struct buf *ret);
