/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME} and ${NAME:-DEFAULT} in the values of run files. Both programs expand them, so that a
 * plan's text can stay as it was written: rpsctl to find out which variables and files are needed,
 * the daemon with the values that rpsctl has sent. Pure. */
#pragma once

#include <stddef.h>

struct ini_doc;
struct problems;

struct variables {
	/* The variable's value, borrowed until the next call; NULL: it is not set. */
	const char *(*lookup)(void *userdata, const char *name);
	void *userdata;
};

/* Expands variables in the values of doc's entries from index first on, except for those that come
 * from flags (the shell has expanded these). DEFAULT replaces a variable that is missing or empty.
 * A missing variable without a default, a "${" that does not begin a variable, and a value that
 * would become longer than 1 MiB are problems; the value then stays as it is. 0 or -ENOMEM. */
int variables_expand(struct ini_doc *doc, size_t first, const struct variables *variables,
	struct problems *problems);
