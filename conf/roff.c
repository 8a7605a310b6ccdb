/* SPDX-License-Identifier: Apache-2.0 */
/* roff gives hyphens, quotes, carets and backslashes a meaning or a prettier form; in a manual, a
 * key or a flag must come out as it is typed, whatever formatter reads it. */
#include "conf/roff.h"

#include <stdio.h>
#include <string.h>

static const struct {
	char c;
	const char *escape;
} roff_escapes[] = {
	{'\\', "\\e"},
	{'-', "\\-"},
	{'\'', "\\(aq"},
	{'`', "\\(ga"},
	{'"', "\\(dq"},
	{'^', "\\(ha"},
	{'~', "\\(ti"},
};

static const char *roff_escape(char c)
{
	for (size_t i = 0; i < sizeof(roff_escapes) / sizeof(*roff_escapes); i++) {
		if (roff_escapes[i].c == c)
			return roff_escapes[i].escape;
	}
	return NULL;
}

void roff_put_part(const char *text, size_t len)
{
	/* At the beginning of a line it would be a request. */
	if (len && text[0] == '.')
		(void)fputs("\\&", stdout);
	for (size_t i = 0; i < len; i++) {
		const char *escape = roff_escape(text[i]);

		if (escape)
			(void)fputs(escape, stdout);
		else
			(void)putchar(text[i]);
	}
}

void roff_put(const char *text)
{
	roff_put_part(text, strlen(text));
}

int roff_finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	perror("stdout");
	return 1;
}
