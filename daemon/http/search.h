/* SPDX-License-Identifier: Apache-2.0 */
/* Is a pattern somewhere in a text that comes in pieces? In linear time, whatever both are, with
 * nothing but a few numbers kept between the pieces: no copy of the text and no table of the
 * pattern, which may be megabytes. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct search {
	bool _is_found;
	size_t _matched; /* so much of the pattern stands at the text's end */
	/* the greatest suffix of what was compared last, see search.c */
	size_t _start, _rival, _agree, _period;
};

/* Before each text. */
void search_start(struct search *s);
/* The text's next piece: has the pattern been there by now? The same pattern for the whole text. */
bool search_feed(struct search *s, const char *pattern, size_t len, const char *data, size_t n);
