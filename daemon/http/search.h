/* SPDX-License-Identifier: Apache-2.0 */
/* Is a pattern somewhere in a text that comes in pieces? In linear time, whatever both are, without
 * a copy of the text. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Made once for a pattern, read by any number of searches for it in any thread. */
struct search_table {
	const char *pattern; /* borrowed */
	size_t len;
	uint32_t *_borders;
};

/* A pattern has less than 4 GiB. 0 or -ENOMEM. */
int search_table_init(struct search_table *t, const char *pattern, size_t len);
void search_table_fini(struct search_table *t);

/* One text's. */
struct search {
	size_t _matched; /* so much of the pattern is at the text's end; all of it once found */
};

/* Before each text. */
void search_start(struct search *s);
/* The text's next piece: has the pattern been there by now? The same table for the whole text. */
bool search_feed(struct search *s, const struct search_table *t, const char *data, size_t n);
