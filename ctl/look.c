/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities of the output device. Everything is composed in UTF-8 with four marks for
 * colour; look_render is the only place that knows about ASCII stand-ins and escape sequences.
 * Texts of servers and files pass through it too, so it also removes control characters
 * (str_harmless_len). One column for each character is assumed: what rpsctl itself prints keeps to
 * that. */
#include "ctl/look.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/str.h"

#define LOOK_WIDTH 80u
#define LOOK_WIDTH_MAX 500u

/* Each one column wide, like what it stands for. */
struct look_stand_in {
	const char *utf8;
	const char *ascii;
};

static const struct look_stand_in look_stand_ins[] = {
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
} look_colours[] = {
	{LOOK_GOOD[0], "\033[1;32m"},
	{LOOK_BAD[0], "\033[1;31m"},
	{LOOK_WARN[0], "\033[1;33m"},
	{LOOK_PLAIN[0], "\033[0m"},
};

void look_at(int fd, struct look *ret)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	struct winsize size;

	*ret = (struct look){.width = LOOK_WIDTH};
	ret->utf8 = str_eq(nl_langinfo(CODESET), "UTF-8");
	if (!isatty(fd))
		return;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		ret->width = size.ws_col < LOOK_WIDTH_MAX ? size.ws_col : LOOK_WIDTH_MAX;
	ret->terminal = term && !str_eq(term, "dumb");
	ret->colour = ret->terminal && !(no_colour && *no_colour);
}

static bool look_is_mark(char c)
{
	return c >= LOOK_GOOD[0] && c <= LOOK_PLAIN[0];
}

/* Bytes of the character at text: 1 for anything that is not whole, valid UTF-8. */
static size_t look_char_len(const char *text)
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

size_t look_columns(const char *text)
{
	size_t columns = 0;

	while (*text) {
		if (!look_is_mark(*text))
			columns++;
		text += look_char_len(text);
	}
	return columns;
}

size_t look_cut(const char *text, size_t columns)
{
	const char *at = text;

	while (*at) {
		if (!look_is_mark(*at) && columns-- == 0)
			break;
		at += look_char_len(at);
	}
	return (size_t)(at - text);
}

static int look_render_mark(const struct look *look, char mark, struct buf *out)
{
	if (!look->colour)
		return 0;
	for (size_t i = 0; i < sizeof(look_colours) / sizeof(*look_colours); i++) {
		if (look_colours[i].mark == mark)
			return buf_puts(out, look_colours[i].escape);
	}
	return 0;
}

static int look_render_wide(const struct look *look, const char *at, size_t len, struct buf *out)
{
	if (str_harmless_len(at) != len)
		return buf_puts(out, "?");
	if (look->utf8)
		return buf_append(out, at, len);
	for (size_t i = 0; i < sizeof(look_stand_ins) / sizeof(*look_stand_ins); i++) {
		if (strncmp(look_stand_ins[i].utf8, at, len) == 0)
			return buf_puts(out, look_stand_ins[i].ascii);
	}
	return buf_puts(out, "?");
}

int look_render(const struct look *look, const char *text, struct buf *out)
{
	int r = 0;

	while (*text && r == 0) {
		size_t len = look_char_len(text);
		unsigned char c = (unsigned char)*text;

		if (look_is_mark(*text))
			r = look_render_mark(look, *text, out);
		else if (c >= 0x80)
			r = look_render_wide(look, text, len, out);
		else if (c == '\n' || (c >= ' ' && c != 0x7f))
			r = buf_append(out, text, 1);
		else
			r = buf_puts(out, "?");
		text += len;
	}
	return r;
}
