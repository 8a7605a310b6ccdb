/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to tell a person what is wrong: one clear line (struct err), or the
 * whole list of what a file has wrong (struct problems), each with its place. */
#pragma once

#include <stddef.h>

/* One line without a newline. Zero-initialise; e may be NULL in err_set. Texts of both kinds are
 * valid UTF-8 without control characters, whatever was quoted in them. */
struct err {
	char text[512];
};

void err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* More than anybody reads; what comes behind is dropped. */
#define PROBLEMS_MAX 1000

/* All problems of one reading, in the order found. Zero-initialise. */
struct problems {
	char **texts; /* each "file:line: message", or "file: message" for line 0 */
	size_t n;
	size_t cap;
};

/* Keeps a copy of the text. Out of memory drops the text, but "n > 0" stays the truth; such an
 * entry's text is a constant. */
void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts them into the order of lines, file by file as the files were first told of; what has no line
 * comes behind the lines of its file. */
void problems_sort(struct problems *p);
void problems_fini(struct problems *p);
