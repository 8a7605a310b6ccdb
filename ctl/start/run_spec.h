/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run: a name in the service, a URL, or the path of a run file. */
#pragma once

enum run_spec_kind {
	RUN_SPEC_NAME, /* runs.d of the service */
	RUN_SPEC_URL,
	RUN_SPEC_PATH,
};

/* Judged by its form: "://" or a leading "unix:/" makes a URL; a leading '.' or '/' or a trailing
 * ".ini" a path; any other '/' or ':' a path if there is such a file, else a URL; "localhost" and
 * an IPv4 address are URLs; the rest is a name. */
enum run_spec_kind run_spec_kind(const char *what);

/* The run's name for a path: its file without .ini, with '_' for what a name cannot hold. */
#define RUN_SPEC_NAME_SIZE 65
void run_spec_name(const char *path, char ret[static RUN_SPEC_NAME_SIZE]);
