/* SPDX-License-Identifier: Apache-2.0 */
/* Masks line by line and knows as little of the syntax as it can: a line that looks like a header
 * with a telling name loses its value, whatever the file makes of it otherwise. Too much masked is
 * an annoyance, too little a leak. */
#include "daemon/service/secrets.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"

/* In names of headers, case ignored. */
static const char *const secrets_words[] = {"auth", "cookie", "token", "key", "secret", "password",
	"credential", "session", "signature"};

static bool secrets_has_word(const char *name, size_t len)
{
	for (size_t w = 0; w < sizeof(secrets_words) / sizeof(secrets_words[0]); w++) {
		size_t n = strlen(secrets_words[w]);

		for (size_t i = 0; i + n <= len; i++)
			if (strncasecmp(name + i, secrets_words[w], n) == 0)
				return true;
	}
	return false;
}

/* ${NAME}, without a default. */
static bool secrets_is_variable(const char *word, size_t len)
{
	return len > 3 && strncmp(word, "${", 2) == 0 && word[len - 1] == '}' &&
	       !memchr(word, ':', len);
}

/* The last word is @FILE, cred:NAME or ${NAME}. */
static bool secrets_is_reference(const char *value, size_t len)
{
	size_t start;

	while (len > 0 &&
		(value[len - 1] == ' ' || value[len - 1] == '\t' || value[len - 1] == '\r'))
		len--;
	for (start = len; start > 0 && value[start - 1] != ' ' && value[start - 1] != '\t';)
		start--;
	return (len - start > 1 && value[start] == '@') ||
	       (len - start > 5 && strncmp(value + start, "cred:", 5) == 0) ||
	       secrets_is_variable(value + start, len - start);
}

/* How much of the line may be seen; len: all of it. */
static size_t secrets_visible(const char *line, size_t len, bool for_strangers)
{
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	const char *end = line + len;
	const char *secret = NULL;

	if (memmem(line, key_len, "header", 6)) {
		secret = memchr(equals, ':', (size_t)(end - equals));
		if (secret && !for_strangers &&
			!secrets_has_word(equals, (size_t)(secret - equals)))
			secret = NULL;
	} else if (for_strangers && memmem(line, key_len, "body", 4)) {
		secret = equals;
	}
	if (!secret || secrets_is_reference(secret + 1, (size_t)(end - secret - 1)))
		return len;
	return (size_t)(secret + 1 - line);
}

int secrets_mask(const char *text, size_t len, bool for_strangers, struct buf *out)
{
	const char *end = text + len;
	int r = 0;

	while (text < end && r == 0) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		size_t visible = secrets_visible(text, n, for_strangers);

		r = buf_append(out, text, visible);
		if (r == 0 && visible < n)
			r = buf_puts(out, " ***");
		if (r == 0 && newline)
			r = buf_puts(out, "\n");
		text += n + (newline ? 1 : 0);
	}
	return r;
}
