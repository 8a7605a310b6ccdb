/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME} and ${NAME:-DEFAULT} in the values of run files. Both programs fill in, so that a plan's
 * text can stay as it was written: rpsctl to learn which variables and files are needed, the daemon
 * with what rpsctl has sent. Pure. */
#pragma once

#include <stddef.h>

struct ini_doc;
struct problems;

struct fill {
	/* The variable's value, borrowed until the next call; NULL: there is none. */
	const char *(*lookup)(void *userdata, const char *name);
	void *userdata;
};

/* Fills the values of doc's entries from index first on, but for those that come from flags (a
 * shell has filled these). A DEFAULT stands in for a variable that is missing or empty. A missing
 * one without a default, a "${" that begins nothing, and a value that would become longer than
 * 1 MiB are problems; the value then stays as it is. 0 or -ENOMEM. */
int fill_doc(struct ini_doc *doc, size_t first, const struct fill *fill, struct problems *problems);
