/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to tell a person what is wrong: one clear line (struct err), or the
 * whole list of what a file has wrong (struct problems), each with its place. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* One line without a newline. Zero-initialise; e may be NULL in err_set. Texts of both kinds are
 * valid UTF-8 without control characters, whatever they quote. */
struct err {
	char text[512];
};

void err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* If one file has more problems of one kind than this, they are folded into one line. */
#define PROBLEMS_ALIKE_MAX 10
/* The maximum number of texts that are kept. */
#define PROBLEMS_MAX 1000

/* All problems of one reading, in the order found. Zero-initialise. */
struct problems {
	char **texts; /* each "file:line: message", or "file: message" for line 0 */
	size_t n;
	size_t cap;
	size_t n_told;		     /* all reported, also those not kept */
	struct problem_note *_notes; /* one for each text */
};

/* Keeps a copy of the text. Problems with the same format in the same file are of one kind; of
 * those after the first PROBLEMS_ALIKE_MAX only the number is kept. If memory runs out the text is
 * replaced by a constant, so that n > 0 still tells that there is a problem. */
void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same with a kind that is identified by the address in kind, for a format that several kinds
 * use. */
void problems_add_kind(struct problems *p, const char *kind, const char *file, unsigned line,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
void problems_vadd(struct problems *p, const char *kind, const char *file, unsigned line,
	const char *format, va_list args) __attribute__((format(printf, 5, 0)));
/* To be called before the problems are shown. Sorts them by line within each file, and files by
 * their first problem; problems without a line come after the lines of their file. A kind with more
 * than PROBLEMS_ALIKE_MAX problems becomes its first line, which ends in "(and 935 more)". */
void problems_finish(struct problems *p);
void problems_fini(struct problems *p);
