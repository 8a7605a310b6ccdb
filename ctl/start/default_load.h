/* SPDX-License-Identifier: Apache-2.0 */
/* Which load is meant where no rate is given, and how that is said. Pure. */
#pragma once

#include <stddef.h>

struct ini_doc;
struct ini_entry;

/* The number of connections, where it is a flag and means users of the closed model; else NULL.
 * doc: everything that is known of a run whose WHAT is a URL, the flags last. */
const struct ini_entry *default_load_users(const struct ini_doc *doc);

/* One line without its end; "" where a rate, stages or a model are given. users: of the function
 * above, or NULL. */
void default_load_describe(
	const struct ini_doc *doc, const struct ini_entry *users, char *ret, size_t size);
