/* SPDX-License-Identifier: Apache-2.0 */
/* Does a text that arrives in pieces contain a pattern? In linear time for any text and pattern,
 * without a copy of the text. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Made once for a pattern, used by any number of searches for it in any thread. */
struct search_table {
	const char *pattern; /* borrowed */
	size_t len;
	uint32_t *_borders;
};

/* A pattern must be shorter than 4 GiB. 0 or -ENOMEM. */
int search_table_init(struct search_table *t, const char *pattern, size_t len);
void search_table_fini(struct search_table *t);

/* The state of one search. */
struct search {
	size_t _matched; /* length of the pattern's beginning that the text ends with; all of it
			  * once found */
};

/* To be called before each text. */
void search_start(struct search *s);
/* Reads the text's next piece: has the pattern been found so far? The table must be the same for
 * the whole text. */
bool search_feed(struct search *s, const struct search_table *t, const char *data, size_t n);
