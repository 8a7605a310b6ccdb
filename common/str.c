/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over C strings. Character classes are those of ASCII, whatever the locale is: names
 * of runs become file names and protocol fields, and must mean the same on every host. No state. */
#include "common/str.h"

#include <stdlib.h>
#include <string.h>

#define STR_NAME_MAX 64
#define STR_NEAREST_MAX 64 /* longer words are not compared */

char *str_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return NULL;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t text_len = strlen(text), suffix_len = strlen(suffix);

	return text_len >= suffix_len && str_eq(text + text_len - suffix_len, suffix);
}

static char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t str_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The number of typing errors between a and b: letters inserted, left out, replaced, or swapped
 * with the next one (optimal string alignment). Letter case is ignored; both at most
 * STR_NEAREST_MAX long. */
static size_t str_distance(const char *a, const char *b)
{
	size_t rows[3][STR_NEAREST_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			char x = str_lower(a[i - 1]), y = str_lower(b[j - 1]);

			row[j] = str_least(
				str_least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == str_lower(b[j - 2]) && y == str_lower(a[i - 2]))
				row[j] = str_least(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

/* In a short word two different letters make another word: "slo" is not "set". */
static size_t str_nearest_limit(size_t len)
{
	return len < 2 ? 0 : len < 6 ? 1 : 2;
}

const char *str_nearest(const char *text, const char *const *words, size_t n)
{
	const char *nearest = NULL;
	size_t len = strlen(text), least = str_nearest_limit(len) + 1;

	if (len > STR_NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t distance;

		if (strlen(words[i]) > STR_NEAREST_MAX)
			continue;
		distance = str_distance(text, words[i]);
		if (distance < least) {
			least = distance;
			nearest = words[i];
		}
	}
	return nearest;
}

bool str_is_name(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-.";
	size_t len = strspn(text, chars);

	return len >= 1 && len <= STR_NAME_MAX && text[len] == '\0' && text[0] != '.' &&
	       text[0] != '-';
}

void str_cut(char *ret, size_t size, const char *text, size_t len)
{
	static const char mark[] = "...";
	const char *end = "";

	if (len >= size) {
		len = size - sizeof(mark);
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		end = mark;
	}
	memcpy(ret, text, len);
	memcpy(ret + len, end, strlen(end) + 1);
}

size_t str_utf8_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;

	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

bool str_is_utf8(const char *text)
{
	for (size_t len; *text; text += len) {
		len = str_utf8_len(text);
		if (len == 0)
			return false;
	}
	return true;
}

size_t str_harmless_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = str_utf8_len(text);

	if (len == 1)
		return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
	if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return 0;
	/* U+202A to U+202E, U+2066 to U+2069. */
	if (len == 3 && s[0] == 0xe2 &&
		((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
			(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)))
		return 0;
	return len;
}
