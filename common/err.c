/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that tell a person what is wrong.
 *
 * Such a text often quotes bytes from outside the program: a file's line, a flag, a peer's answer.
 * It is shown on a terminal, in a log and inside JSON, so every text is made safe here, once: it is
 * one line, without control characters, and valid UTF-8. Other bytes become '?'.
 *
 * Running out of memory while reporting a problem must not hide the problem: the text is a constant
 * then. Any thread, no shared state. */
#include "common/err.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/str.h"

static char problems_no_memory[] =
	"out of memory: this problem could not be described: " MEMORY_REMEDY;
/* Replaces the array when not even its first slot can be allocated (cap is 0 then). */
static char *problems_no_array[] = {problems_no_memory};

static void err_clean(char *text)
{
	while (*text) {
		size_t len = str_harmless_len(text);

		if (len == 0) {
			*text = '?';
			len = 1;
		}
		text += len;
	}
}

void err_set(struct err *e, const char *format, ...)
{
	va_list args;
	int len;

	if (!e)
		return;
	va_start(args, format);
	len = vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	if (len < 0)
		(void)snprintf(e->text, sizeof(e->text), "%s", problems_no_memory);
	if (len >= (int)sizeof(e->text)) {
		static const char cut[] = "...";
		size_t at = sizeof(e->text) - sizeof(cut);

		/* Do not cut in the middle of a character. */
		while (at > 0 && ((unsigned char)e->text[at] & 0xc0) == 0x80)
			at--;
		memcpy(e->text + at, cut, sizeof(cut));
	}
	err_clean(e->text);
}

/* "file:line: message" or NULL. */
static char *problems_format(const char *file, unsigned line, const char *format, va_list args)
{
	char *message, *text;
	int r;

	if (vasprintf(&message, format, args) == -1)
		return NULL;
	if (line > 0)
		r = asprintf(&text, "%s:%u: %s", file, line, message);
	else
		r = asprintf(&text, "%s: %s", file, message);
	free(message);
	if (r == -1)
		return NULL;
	err_clean(text);
	return text;
}

/* The properties of a text beside its characters. */
struct problem_note {
	const char *kind; /* NULL: out of memory */
	size_t file_len;
	size_t len;    /* of the text without what problems_finish appends */
	size_t n_more; /* number of further problems of this kind that were not kept */
};

/* Room for one more text and its note. 0 or -1. */
static int problems_make_room(struct problems *p)
{
	size_t cap = p->cap ? p->cap * 2 : 16;
	struct problem_note *notes;
	char **texts;

	if (p->n < p->cap)
		return 0;
	notes = reallocarray(p->_notes, cap, sizeof(*notes));
	if (!notes)
		return -1;
	p->_notes = notes;
	texts = reallocarray(p->cap ? p->texts : NULL, cap, sizeof(*texts));
	if (!texts)
		return -1;
	if (p->cap == 0 && p->n > 0) {
		texts[0] = problems_no_memory;
		notes[0] = (struct problem_note){0};
	}
	p->texts = texts;
	p->cap = cap;
	return 0;
}

static bool problems_is_alike(
	const struct problems *p, size_t i, const char *kind, const char *file, size_t file_len)
{
	const struct problem_note *note = &p->_notes[i];

	return note->kind == kind && note->file_len == file_len &&
	       memcmp(p->texts[i], file, file_len) == 0;
}

/* The number of kept texts of that kind; *ret_first: the first of them. */
static size_t problems_count_alike(const struct problems *p, const char *kind, const char *file,
	size_t file_len, struct problem_note **ret_first)
{
	size_t n = 0;

	for (size_t i = p->n; i-- > 0 && p->cap > 0;)
		if (problems_is_alike(p, i, kind, file, file_len)) {
			*ret_first = &p->_notes[i];
			n++;
		}
	return n;
}

void problems_vadd(struct problems *p, const char *kind, const char *file, unsigned line,
	const char *format, va_list args)
{
	struct problem_note *first = NULL;
	size_t file_len = strlen(file);
	size_t n = problems_count_alike(p, kind, file, file_len, &first);
	char *text;

	p->n_told++;
	if (n > PROBLEMS_ALIKE_MAX || (first && first->n_more > 0)) {
		first->n_more++;
		return;
	}
	if (p->n == PROBLEMS_MAX || problems_make_room(p) < 0) {
		/* If there are earlier problems n stays as it is, since every text below n must be
		 * readable. */
		if (p->n == 0) {
			p->texts = problems_no_array;
			p->n = 1;
		} else if (p->cap > 0) {
			p->_notes[p->n - 1].n_more++;
		}
		return;
	}
	text = problems_format(file, line, format, args);
	p->texts[p->n] = text ? text : problems_no_memory;
	p->_notes[p->n++] = (struct problem_note){
		text ? kind : NULL, file_len, text ? strlen(text) : strlen(problems_no_memory), 0};
}

void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	problems_vadd(p, format, file, line, format, args);
	va_end(args);
}

void problems_add_kind(struct problems *p, const char *kind, const char *file, unsigned line,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	problems_vadd(p, kind, file, line, format, args);
	va_end(args);
}

/* ---------------------------------------------------------------- order */

/* The length of FILE in "FILE:LINE: message" or "FILE: message". */
static size_t problems_place(const char *text, unsigned long *ret_line)
{
	const char *at = text;

	*ret_line = ULONG_MAX;
	while ((at = strchr(at, ':'))) {
		size_t digits = strspn(at + 1, "0123456789");

		if (digits > 0 && str_starts(at + 1 + digits, ": ")) {
			*ret_line = strtoul(at + 1, NULL, 10);
			return (size_t)(at - text);
		}
		if (at[1] == ' ')
			return (size_t)(at - text);
		at++;
	}
	return strlen(text);
}

/* The position at which text belongs among the first n, which are sorted. */
static size_t problems_find_place(const struct problems *p, size_t n, const char *text)
{
	unsigned long line, other_line;
	size_t len = problems_place(text, &line);
	size_t place = n;

	for (size_t i = n; i-- > 0;) {
		bool is_same = problems_place(p->texts[i], &other_line) == len &&
			       memcmp(p->texts[i], text, len) == 0;

		if (is_same && other_line <= line)
			return i + 1;
		if (is_same)
			place = i;
	}
	return place;
}

static void problems_sort(struct problems *p)
{
	/* At most some hundreds. */
	for (size_t i = 1; i < p->n; i++) {
		struct problem_note note = p->_notes[i];
		char *text = p->texts[i];
		size_t to = problems_find_place(p, i, text);

		memmove(p->texts + to + 1, p->texts + to, (i - to) * sizeof(*p->texts));
		memmove(p->_notes + to + 1, p->_notes + to, (i - to) * sizeof(*p->_notes));
		p->texts[to] = text;
		p->_notes[to] = note;
	}
}

/* ---------------------------------------------------------------- kinds */

static void problems_remove(struct problems *p, size_t i)
{
	size_t n_after = p->n - i - 1;

	free(p->texts[i]);
	memmove(p->texts + i, p->texts + i + 1, n_after * sizeof(*p->texts));
	memmove(p->_notes + i, p->_notes + i + 1, n_after * sizeof(*p->_notes));
	p->n--;
}

/* Keeps only text i of its kind, where there are too many of the kind, and puts their number in its
 * note. */
static void problems_fold(struct problems *p, size_t i)
{
	struct problem_note *note = &p->_notes[i], *first = NULL;
	const char *text = p->texts[i];

	if (!note->kind || problems_count_alike(p, note->kind, text, note->file_len, &first) <=
				   PROBLEMS_ALIKE_MAX)
		return;
	for (size_t k = p->n; k-- > i + 1;) {
		if (!problems_is_alike(p, k, note->kind, text, note->file_len))
			continue;
		note->n_more += 1 + p->_notes[k].n_more;
		problems_remove(p, k);
	}
}

static void problems_say_more(struct problems *p, size_t i)
{
	size_t len = p->_notes[i].len, n_more = p->_notes[i].n_more;
	char *text;

	if (n_more == 0 || p->texts[i] == problems_no_memory)
		return;
	if (asprintf(&text, "%.*s (and %zu more)", (int)len, p->texts[i], n_more) == -1)
		return;
	free(p->texts[i]);
	p->texts[i] = text;
}

void problems_finish(struct problems *p)
{
	/* If the array is problems_no_array there is only one text. */
	if (p->cap == 0)
		return;
	problems_sort(p);
	for (size_t i = 0; i < p->n; i++)
		problems_fold(p, i);
	for (size_t i = 0; i < p->n; i++)
		problems_say_more(p, i);
}

void problems_fini(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->texts[i] != problems_no_memory)
			free(p->texts[i]);
	if (p->cap > 0)
		free(p->texts);
	free(p->_notes);
	*p = (struct problems){0};
}
