/* SPDX-License-Identifier: Apache-2.0 */
/* Text is made safe when it is printed, not when it is read: then no path can be forgotten.
 * common/str.c defines which characters are safe, for messages and log lines too.
 *
 * A terminal without UTF-8 takes some bytes beyond ASCII for control characters, so it gets none. A
 * file or a pipe gets the text's own bytes, whatever the locale. */
#include "ctl/print.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/memory.h"
#include "common/std_fds.h"
#include "common/str.h"
#include "ctl/style.h"

static bool print_takes_utf8(FILE *to)
{
	struct style style;

	if (!isatty(fileno(to)))
		return true;
	style_of(fileno(to), &style);
	return style.utf8;
}

/* Bytes of the character at text, also of what is none. */
static size_t print_char_len(const char *text)
{
	size_t len = 1;

	while ((unsigned char)*text >= 0xc2 && len < 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

int print_clean(const char *text, bool is_utf8, struct buf *ret)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = str_harmless_len(text);

		if (*text == '\n' || *text == '\t')
			len = 1;
		if (len == 0 || (len > 1 && !is_utf8)) {
			/* A line end of Windows is one. */
			if (!str_starts(text, "\r\n"))
				r = buf_puts(ret, "?");
			text += print_char_len(text);
			continue;
		}
		r = buf_append(ret, text, len);
		text += len;
	}
	return r;
}

/* Of the first text for stdout that is not there: a write failed, or there was no memory. */
static int print_failure;

void print_rendered(FILE *to, const struct buf *text)
{
	if (text->len && fwrite(text->data, 1, text->len, to) != text->len && to == stdout &&
		!print_failure)
		print_failure = -errno;
}

int print_flush(void)
{
	int r = std_fds_flush();

	print_failure = print_failure ? print_failure : r;
	return print_failure;
}

/* Also when there is no memory for a message: that there is none. */
static void print_lost(FILE *to)
{
	memory_note();
	if (to == stdout && !print_failure)
		print_failure = -ENOMEM;
	if (to == stderr)
		(void)fputs("rpsctl: out of memory: " MEMORY_REMEDY "\n", stderr);
}

static void print_text(FILE *to, const char *text)
{
	struct buf clean = {0};

	if (print_clean(text, print_takes_utf8(to), &clean) == 0)
		print_rendered(to, &clean);
	else
		print_lost(to);
	buf_fini(&clean);
}

void print_out(const char *text)
{
	print_text(stdout, text);
}

void print_err(const char *text)
{
	print_text(stderr, text);
}

/* Columns of what was printed. */
static size_t print_formatted(FILE *to, const char *format, va_list args)
{
	size_t columns = 0;
	char *text;

	if (vasprintf(&text, format, args) == -1) {
		print_lost(to);
		return 0;
	}
	print_text(to, text);
	columns = style_columns(text);
	free(text);
	return columns;
}

size_t print_outf(const char *format, ...)
{
	va_list args;
	size_t columns;

	va_start(args, format);
	columns = print_formatted(stdout, format, args);
	va_end(args);
	return columns;
}

void print_errf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)print_formatted(stderr, format, args);
	va_end(args);
}

void print_marked(FILE *to, const char *text)
{
	struct buf out = {0};
	struct style style;

	style_of(fileno(to), &style);
	if (style_render(&style, text, &out) == 0)
		print_rendered(to, &out);
	buf_fini(&out);
}

/* ---------------------------------------------------------------- JSON */

/* The code point at text, which is len bytes of valid UTF-8, at most 3. */
static unsigned print_code_point(const char *text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text;

	if (len == 1)
		return c[0];
	if (len == 2)
		return (unsigned)((c[0] & 0x1f) << 6 | (c[1] & 0x3f));
	return (unsigned)((c[0] & 0x0f) << 12 | (c[1] & 0x3f) << 6 | (c[2] & 0x3f));
}

/* jansson writes valid UTF-8 and has escaped C0. What is left stands inside strings. */
static int print_escape(const char *text, struct buf *ret)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = str_harmless_len(text);

		if (len > 0 || *text == '\n') {
			len = len ? len : 1;
			r = buf_append(ret, text, len);
		} else {
			len = print_char_len(text);
			r = buf_printf(ret, "\\u%04X", print_code_point(text, len));
		}
		text += len;
	}
	return r;
}

static int print_add_json(const char *piece, size_t len, void *userdata)
{
	return buf_append(userdata, piece, len);
}

int print_render_json(const json_t *doc, size_t flags, struct buf *ret)
{
	struct buf text = {0};
	int r = json_dump_callback(doc, print_add_json, &text, flags) ? -ENOMEM : 0;

	r = r ? r : print_escape(text.data, ret);
	buf_fini(&text);
	return r ? r : buf_puts(ret, "\n");
}

void print_json(const json_t *doc, size_t flags)
{
	struct buf text = {0};

	if (!print_takes_utf8(stdout))
		flags |= JSON_ENSURE_ASCII;
	if (print_render_json(doc, flags, &text) == 0)
		print_rendered(stdout, &text);
	buf_fini(&text);
}
