/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm of Knuth, Morris and Pratt. Matches within one piece are searched by the C library,
 * which is faster. The rest are matches that cross a border between pieces, and those are followed
 * byte by byte: the bytes that matched are the pattern's own beginning, and when the next byte does
 * not match the table tells how many of them still match for a candidate that begins later. */
#include "daemon/http/search.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* The length of the longest proper prefix of the pattern's first n bytes that is also their
 * suffix. */
static size_t search_border(const struct search_table *t, size_t n)
{
	return t->_borders[n - 1];
}

/* The matched length after one more byte of text. */
static size_t search_step(const struct search_table *t, size_t matched, char byte)
{
	while (matched > 0 && t->pattern[matched] != byte)
		matched = search_border(t, matched);
	return t->pattern[matched] == byte ? matched + 1 : 0;
}

int search_table_init(struct search_table *t, const char *pattern, size_t len)
{
	assert(len <= UINT32_MAX);
	*t = (struct search_table){pattern, len, memory_calloc(len, sizeof(*t->_borders))};
	if (!t->_borders && len > 0)
		return -ENOMEM;
	for (size_t i = 1; i < len; i++)
		t->_borders[i] = (uint32_t)search_step(t, t->_borders[i - 1], pattern[i]);
	return 0;
}

void search_table_fini(struct search_table *t)
{
	free(t->_borders);
	t->_borders = NULL;
}

void search_start(struct search *s)
{
	s->_matched = 0;
}

bool search_feed(struct search *s, const struct search_table *t, const char *data, size_t n)
{
	size_t at = 0;

	/* Follows a candidate that began in an earlier piece. */
	while (at < n && s->_matched > at && s->_matched < t->len)
		s->_matched = search_step(t, s->_matched, data[at++]);
	if (s->_matched == t->len)
		return true;
	if (n - at + s->_matched >= t->len) {
		if (memmem(data + at - s->_matched, n - at + s->_matched, t->pattern, t->len)) {
			s->_matched = t->len;
			return true;
		}
		/* Only a candidate that does not end in this piece is still possible. */
		at = n - (t->len - 1);
		s->_matched = 0;
	}
	while (at < n) {
		if (s->_matched == 0) {
			const char *first = memchr(data + at, t->pattern[0], n - at);

			if (!first)
				break;
			at = (size_t)(first - data);
		}
		s->_matched = search_step(t, s->_matched, data[at++]);
	}
	return false;
}
