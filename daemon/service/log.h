/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the daemon to its administrator: lines on stderr, for the journal or a terminal,
 * including the audit log of calls. Any thread; a line is one write. */
#pragma once

#include <sys/types.h>
#include <syslog.h> /* LOG_ERR and the like */

/* Selects the form, once, before threads: "<6>text" for the journal, else "rpsd: text". Lines of a
 * priority lower than max_priority are dropped (LOG_WARNING drops the audit log and notices). */
void log_open(int max_priority);

/* One line, without its newline; control characters in it are replaced. At most 1 KiB. */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)

/* One line of the audit log: "TEXT (run=ID uid=UID pid=PID)"; run may be NULL. */
void log_trail(uid_t uid, pid_t pid, const char *run, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
