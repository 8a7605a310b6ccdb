/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to tell a person what is wrong: one clear line (struct err), or the
 * whole list of what a file has wrong (struct problems), each with its place. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* One line without a newline. Zero-initialise; e may be NULL in err_set. Texts of both kinds are
 * valid UTF-8 without control characters, whatever was quoted in them. */
struct err {
	char text[512];
};

void err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of one kind in one file, more than these are folded into one line. */
#define PROBLEMS_ALIKE_MAX 10
/* Texts that are kept. */
#define PROBLEMS_MAX 1000

/* All problems of one reading, in the order found. Zero-initialise. */
struct problems {
	char **texts; /* each "file:line: message", or "file: message" for line 0 */
	size_t n;
	size_t cap;
	size_t n_told;		     /* also those that are not kept */
	struct problem_note *_notes; /* one for each text */
};

/* Keeps a copy of the text. Problems of one format in one file are of one kind: of those beyond
 * PROBLEMS_ALIKE_MAX only the number is kept. Out of memory drops the text, but "n > 0" stays the
 * truth; such an entry's text is a constant. */
void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same, of a kind that is told by the address kind, for a format that serves several. */
void problems_add_kind(struct problems *p, const char *kind, const char *file, unsigned line,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
void problems_vadd(struct problems *p, const char *kind, const char *file, unsigned line,
	const char *format, va_list args) __attribute__((format(printf, 5, 0)));
/* To be called before they are shown. Puts them into the order of lines, file by file as the files
 * were first told of; what has no line comes after the lines of its file. A kind with more than
 * PROBLEMS_ALIKE_MAX becomes its first line, which ends in "(and 935 more)". */
void problems_finish(struct problems *p);
void problems_fini(struct problems *p);
