/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines. systemd sets $JOURNAL_STREAM where stderr is the journal and $INVOCATION_ID in every
 * unit; there a line begins with its priority, "<4>", which the journal removes. Elsewhere a line
 * begins with the name of the program.
 *
 * A line is built in a buffer of fixed size and written with one write, so lines of several threads
 * do not mix. It may contain text from outside (run names, errors of peers): control characters
 * become '?', so that a second line cannot be forged. There is no remedy if writing a log line
 * fails. */
#include "daemon/service/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/str.h"

#define LOG_LINE_MAX 1024

/* set once, before threads */
static bool log_for_journal;
static int log_max_priority = LOG_INFO;

void log_open(int max_priority)
{
	log_max_priority = max_priority;
	log_for_journal = getenv("JOURNAL_STREAM") || getenv("INVOCATION_ID");
}

static void log_write(int priority, const char *text)
{
	char line[LOG_LINE_MAX + 16];
	int len;

	if (priority > log_max_priority)
		return;
	if (log_for_journal)
		len = snprintf(line, sizeof(line) - 1, "<%d>%s", priority, text);
	else
		len = snprintf(line, sizeof(line) - 1, "rpsd: %s", text);
	if (len < 0)
		return;
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	for (char *c = line; *c; c += str_harmless_len(c))
		if (str_harmless_len(c) == 0)
			*c = '?';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) == -1)
		return; /* stderr is the only place to report to */
}

void log_line(int priority, const char *format, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_write(priority, text);
}

void log_trail(uid_t uid, pid_t pid, const char *run, const char *format, ...)
{
	char text[LOG_LINE_MAX - 160]; /* so that the uid and pid at the end always fit */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_line(LOG_NOTICE, "%s (%s%.96s%suid=%u pid=%d)", text, run ? "run=" : "", run ? run : "",
		run ? " " : "", (unsigned)uid, (int)pid);
}
