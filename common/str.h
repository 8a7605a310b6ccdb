/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over C strings. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Overwrites and frees a text that may be a secret; NULL is fine. Returns NULL. */
char *str_wipe(char *text);

static inline bool str_eq(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* The word of words[0..n) that is nearest to text, or NULL: at most 2 typing errors, and 1 where
 * text has fewer than 6 letters. Among equally near words the first one wins. */
const char *str_nearest(const char *text, const char *const *words, size_t n);

/* Name of a run, origin or label: letters, digits, '_', '-', '.', not first '.' or '-', 1..64. */
bool str_is_name(const char *text);

/* Copies len bytes of text into ret, which has room for size bytes (more than 4) with the NUL. A
 * text that does not fit ends in "...", and no UTF-8 character is cut in two. */
void str_cut(char *ret, size_t size, const char *text, size_t len);

/* The length of the character at text in bytes; 0 at the end of text, and for invalid UTF-8 (RFC
 * 3629: no surrogates, not longer than needed, at most U+10FFFF). */
size_t str_utf8_len(const char *text);
/* All of text is such characters. */
bool str_is_utf8(const char *text);

/* The length in bytes of the character at text, if a terminal shows it and does not interpret it;
 * 0: a control character (C0, DEL, C1), one that changes the direction of text (U+202A to U+202E,
 * U+2066 to U+2069), or invalid UTF-8. */
size_t str_harmless_len(const char *text);
