/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities of the output device. Everything is composed in UTF-8 with four marks for
 * colour; style_render is the only place that knows about ASCII stand-ins and escape sequences.
 * Texts of servers and files pass through it too, so it also removes control characters
 * (str_harmless_len). One column for each character is assumed: what rpsctl itself prints keeps to
 * that. */
#include "ctl/style.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/str.h"

#define STYLE_WIDTH 80u
#define STYLE_WIDTH_MAX 500u

/* Each one column wide, like what it stands for. */
struct style_stand_in {
	const char *utf8;
	const char *ascii;
};

static const struct style_stand_in style_stand_ins[] = {
	{"·", "-"},
	{"…", "~"},
	{"µ", "u"},
	{"×", "x"},
	{"±", "~"},
	{"▁", "_"},
	{"▂", "."},
	{"▃", ":"},
	{"▄", "-"},
	{"▅", "="},
	{"▆", "+"},
	{"▇", "*"},
	{"█", "#"},
	/* eighths of a bar's last cell */
	{"▏", " "},
	{"▎", " "},
	{"▍", " "},
	{"▌", " "},
	{"▋", " "},
	{"▊", " "},
	{"▉", " "},
};

static const struct {
	char mark;
	const char *escape;
} style_colours[] = {
	{STYLE_GOOD[0], "\033[1;32m"},
	{STYLE_BAD[0], "\033[1;31m"},
	{STYLE_WARN[0], "\033[1;33m"},
	{STYLE_PLAIN[0], "\033[0m"},
};

void style_of(int fd, struct style *ret)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size;

	*ret = (struct style){.width = STYLE_WIDTH};
	ret->utf8 = str_eq(nl_langinfo(CODESET), "UTF-8");
	if (!isatty(fd))
		return;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		ret->width = size.ws_col < STYLE_WIDTH_MAX ? size.ws_col : STYLE_WIDTH_MAX;
	ret->terminal = term && !str_eq(term, "dumb");
	ret->colour = ret->terminal && !(no_colour && *no_colour);
}

static bool style_is_mark(char c)
{
	return c >= STYLE_GOOD[0] && c <= STYLE_PLAIN[0];
}

/* Bytes of the character at text: 1 for anything that is not whole, valid UTF-8. */
static size_t style_char_len(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t len;

	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 1;
	len = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < len; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 1;
	}
	return len;
}

size_t style_columns(const char *text)
{
	size_t columns = 0;

	while (*text) {
		if (!style_is_mark(*text))
			columns++;
		text += style_char_len(text);
	}
	return columns;
}

size_t style_cut(const char *text, size_t columns)
{
	const char *at = text;

	while (*at) {
		if (!style_is_mark(*at) && columns-- == 0)
			break;
		at += style_char_len(at);
	}
	return (size_t)(at - text);
}

static int style_render_mark(const struct style *style, char mark, struct buf *out)
{
	if (!style->colour)
		return 0;
	for (size_t i = 0; i < sizeof(style_colours) / sizeof(*style_colours); i++) {
		if (style_colours[i].mark == mark)
			return buf_puts(out, style_colours[i].escape);
	}
	return 0;
}

static int style_render_wide(const struct style *style, const char *at, size_t len, struct buf *out)
{
	if (str_harmless_len(at) != len)
		return buf_puts(out, "?");
	if (style->utf8)
		return buf_append(out, at, len);
	for (size_t i = 0; i < sizeof(style_stand_ins) / sizeof(*style_stand_ins); i++) {
		if (strncmp(style_stand_ins[i].utf8, at, len) == 0)
			return buf_puts(out, style_stand_ins[i].ascii);
	}
	return buf_puts(out, "?");
}

int style_render(const struct style *style, const char *text, struct buf *out)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = style_char_len(text);
		unsigned char c = (unsigned char)*text;

		if (style_is_mark(*text))
			r = style_render_mark(style, *text, out);
		else if (c >= 0x80)
			r = style_render_wide(style, text, len, out);
		else if (c == '\n' || (c >= ' ' && c != 0x7f))
			r = buf_append(out, text, 1);
		else
			r = buf_puts(out, "?");
		text += len;
	}
	return r;
}
