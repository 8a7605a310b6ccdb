/* SPDX-License-Identifier: Apache-2.0 */
/* Where a piece holds a whole candidate the C library searches it, as fast as it can. What is left
 * are matches that cross the pieces' borders, and those are followed byte by byte.
 *
 * The bytes of the matched candidate need not be kept, as they are the pattern's own beginning.
 * Call w those and the byte after them that did not fit. The next candidate begins where w agrees
 * with itself, at a period of w. Tables hold these periods for each length (Knuth, Morris, Pratt);
 * here the one in need is found from the greatest suffix v of w = uv in alphabetical order and the
 * smallest period p of v, which are worked out together while walking over w once (Crochemore).
 *
 * - If w repeats itself at p, then p is its smallest period: any smaller one would be one of v.
 * - Else w has no period q <= |u|: v would also stand q further left, and with what follows it be
 *   a greater suffix. None that is p or less: v has no smaller one. And none that is |v| - p or
 *   less: with p it would make v repeat itself so regularly that q is a multiple of p, and as u
 *   is found again in v, w would repeat itself at p. So all candidates up to the greatest of the
 *   three are passed over, at least a third of w, and the rest of w is compared again.
 *
 * Either way a byte is looked at a bounded number of times on the average. Where w repeats itself,
 * v stays the greatest suffix of what is left of w as long as it is one period longer than
 * its first two, and is kept; otherwise what is left is at most two periods long, and walked over
 * again. */
#include "daemon/http/search.h"

#include <string.h>

static void search_forget(struct search *s)
{
	s->_start = 0;
	s->_rival = 1;
	s->_agree = 0;
	s->_period = 1;
}

void search_start(struct search *s)
{
	s->_is_found = false;
	s->_matched = 0;
	search_forget(s);
}

/* Goes on to the greatest suffix of w, which is the pattern's first n bytes and then last; so far
 * it is known for w's first rival + agree bytes. */
static void search_extend(struct search *s, const char *pattern, size_t n, char last)
{
	while (s->_rival + s->_agree <= n) {
		unsigned char best = (unsigned char)pattern[s->_start + s->_agree];
		size_t at = s->_rival + s->_agree;
		unsigned char next = (unsigned char)(at < n ? pattern[at] : last);

		if (next == best) {
			if (++s->_agree == s->_period) {
				s->_rival += s->_period;
				s->_agree = 0;
			}
		} else if (next < best) {
			s->_rival = at + 1;
			s->_agree = 0;
			s->_period = s->_rival - s->_start;
		} else {
			s->_start = s->_rival;
			s->_rival = s->_start + 1;
			s->_agree = 0;
			s->_period = 1;
		}
	}
}

/* Does w, as above, repeat itself at the period of its greatest suffix? There it does: that leaves
 * the bytes before it. */
static bool search_is_periodic(const struct search *s, const char *pattern, size_t n, char last)
{
	size_t start = s->_start, period = s->_period;

	if (start > period)
		return false;
	if (start + period == n + 1 && start > 0)
		return memcmp(pattern, pattern + period, start - 1) == 0 &&
		       pattern[start - 1] == last;
	return memcmp(pattern, pattern + period, start) == 0;
}

/* The candidate's first matched bytes fit, and byte does not. By how much to go on to the next
 * candidate; of that one so many bytes are matched as s says then, of those that were looked at. */
static size_t search_shift(struct search *s, const char *pattern, char byte)
{
	size_t n = s->_matched;
	size_t shift, rest;

	search_extend(s, pattern, n, byte);
	shift = s->_period;
	if (search_is_periodic(s, pattern, n, byte)) {
		s->_matched = n + 1 - shift;
		if (s->_rival - s->_start > shift)
			s->_rival -= shift;
		else
			search_forget(s);
		return shift;
	}
	rest = n + 1 - s->_start - s->_period;
	if (shift < s->_start)
		shift = s->_start;
	if (shift < rest)
		shift = rest;
	s->_matched = 0;
	search_forget(s);
	return shift + 1;
}

/* The text's next byte, which does not go on with the candidate. */
static void search_mismatch(struct search *s, const char *pattern, char byte)
{
	size_t n = s->_matched;
	size_t at = search_shift(s, pattern, byte); /* where in w the candidate begins */

	while (at + s->_matched <= n) {
		size_t i = at + s->_matched;
		char next = i < n ? pattern[i] : byte;

		if (next == pattern[s->_matched])
			s->_matched++;
		else
			at += search_shift(s, pattern, next);
	}
}

static bool search_step(struct search *s, const char *pattern, size_t len, char byte)
{
	if (byte == pattern[s->_matched])
		s->_is_found = ++s->_matched == len;
	else
		search_mismatch(s, pattern, byte);
	return s->_is_found;
}

bool search_feed(struct search *s, const char *pattern, size_t len, const char *data, size_t n)
{
	size_t at = 0;

	if (s->_is_found || len == 0)
		return s->_is_found = true;
	/* A candidate that began in an earlier piece. */
	while (at < n && s->_matched > at)
		if (search_step(s, pattern, len, data[at++]))
			return true;
	if (s->_matched <= at && n - (at - s->_matched) >= len) {
		at -= s->_matched;
		if (memmem(data + at, n - at, pattern, len))
			return s->_is_found = true;
		/* Only one that does not end in this piece is still possible. */
		at = n - (len - 1);
		search_start(s);
	}
	while (at < n) {
		if (s->_matched == 0) {
			const char *first = memchr(data + at, pattern[0], n - at);

			if (!first)
				break;
			at = (size_t)(first - data);
		}
		if (search_step(s, pattern, len, data[at++]))
			return true;
	}
	return false;
}
