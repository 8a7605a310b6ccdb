/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that tell a person what is wrong.
 *
 * Such a text often quotes bytes that somebody else chose: a file's line, a flag, a peer's answer.
 * It ends on a terminal, in a log and inside JSON, so every text is made harmless here, once: it
 * is one line, without control characters, and valid UTF-8. Bytes that are not become '?'.
 *
 * Running out of memory while telling of a problem must not hide the problem: there is always a
 * constant to point to. Any thread, no shared state. */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char problems_no_memory[] = "out of memory: this problem could not be described";
/* Stands in for the array when not even its first slot can be had (cap is 0 then). */
static char *problems_no_array[] = {problems_no_memory};

/* Length of the UTF-8 character at s, 0 when there is none (RFC 3629: no surrogates, not longer
 * than needed, at most U+10FFFF). C1 control characters count as none. */
static size_t err_utf8_len(const unsigned char *s)
{
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
		(s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
		(s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void err_clean(char *text)
{
	while (*text) {
		size_t len = err_utf8_len((const unsigned char *)text);

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

		/* Not in the middle of a character. */
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

/* A slot for one more text, or NULL. */
static char **problems_slot(struct problems *p)
{
	if (p->n >= p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		char **texts = reallocarray(p->cap ? p->texts : NULL, cap, sizeof(*texts));

		if (!texts)
			return NULL;
		if (p->cap == 0 && p->n > 0)
			texts[0] = problems_no_memory;
		p->texts = texts;
		p->cap = cap;
	}
	return &p->texts[p->n];
}

void problems_add(struct problems *p, const char *file, unsigned line, const char *format, ...)
{
	char **slot = problems_slot(p);
	va_list args;
	char *text;

	if (!slot) {
		/* With earlier problems there, n stays: every text below n can be read. */
		if (p->n == 0) {
			p->texts = problems_no_array;
			p->n = 1;
		}
		return;
	}
	va_start(args, format);
	text = problems_format(file, line, format, args);
	va_end(args);
	*slot = text ? text : problems_no_memory;
	p->n++;
}

void problems_fini(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->texts[i] != problems_no_memory)
			free(p->texts[i]);
	if (p->cap > 0)
		free(p->texts);
	*p = (struct problems){0};
}
