/* SPDX-License-Identifier: Apache-2.0 */
/* Masks line by line and knows as little of the syntax as it can: a line that looks like a header
 * with a telling name, or like auth, loses its value, whatever the file makes of it otherwise. Too
 * much masked is an annoyance, too little a leak. */
#include "daemon/service/secrets.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"

/* In names of headers, case ignored. */
static const char *const secrets_words[] = {"auth", "cookie", "token", "key", "secret", "pass",
	"pwd", "credential", "session", "signature", "jwt", "csrf", "xsrf"};

/* Case ignored. */
static bool secrets_contains(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp(text + i, word, n) == 0)
			return true;
	return false;
}

static bool secrets_has_word(const char *name, size_t len)
{
	for (size_t w = 0; w < sizeof(secrets_words) / sizeof(secrets_words[0]); w++)
		if (secrets_contains(name, len, secrets_words[w]))
			return true;
	return false;
}

/* May stand before a reference: RFC 9110 section 11.1, and what is customary. */
static const char *const secrets_schemes[] = {
	"Basic", "Bearer", "Digest", "Token", "ApiKey", "Key", "Negotiate"};

static bool secrets_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool secrets_is_scheme(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(secrets_schemes) / sizeof(secrets_schemes[0]); i++)
		if (strlen(secrets_schemes[i]) == len &&
			strncasecmp(secrets_schemes[i], word, len) == 0)
			return true;
	return false;
}

/* ${NAME}, without a default, and nothing else. */
static bool secrets_is_variable(const char *word, size_t len)
{
	return len > 3 && strncmp(word, "${", 2) == 0 && word[len - 1] == '}' &&
	       !memchr(word, ':', len) && !memchr(word, '}', len - 1);
}

/* It is @FILE, cred:NAME or ${NAME}, perhaps behind the name of a scheme: what else stands before
 * it may be the half of a secret. */
static bool secrets_is_reference(const char *value, size_t len)
{
	size_t start;
	size_t before;

	while (len > 0 && secrets_is_blank(value[len - 1]))
		len--;
	while (len > 0 && secrets_is_blank(*value)) {
		value++;
		len--;
	}
	for (start = len; start > 0 && !secrets_is_blank(value[start - 1]);)
		start--;
	for (before = start; before > 0 && secrets_is_blank(value[before - 1]);)
		before--;
	if (before > 0 && !secrets_is_scheme(value, before))
		return false;
	/* "@@" begins a text. */
	return (len - start > 1 && value[start] == '@' && value[start + 1] != '@') ||
	       (len - start > 5 && strncmp(value + start, "cred:", 5) == 0) ||
	       secrets_is_variable(value + start, len - start);
}

/* The word at *text, which is left behind it; 0 bytes: there is none. */
static size_t secrets_word(const char **text, size_t *len, const char **ret)
{
	size_t n = 0;

	while (*len > 0 && secrets_is_blank(**text)) {
		++*text;
		--*len;
	}
	*ret = *text;
	while (n < *len && !secrets_is_blank((*text)[n]))
		n++;
	*text += n;
	*len -= n;
	return n;
}

/* "none", "bearer REFERENCE" or "basic USER REFERENCE" and nothing else: a fourth word, or a ':' in
 * the user, may be a password that was meant to be one. */
static bool secrets_is_auth(const char *value, size_t len)
{
	const char *word;
	size_t n = secrets_word(&value, &len, &word);

	if (n == 4 && strncasecmp(word, "none", 4) == 0)
		return secrets_word(&value, &len, &word) == 0;
	if (n == 5 && strncasecmp(word, "basic", 5) == 0)
		n = secrets_word(&value, &len, &word);
	else if (n != 6 || strncasecmp(word, "bearer", 6) != 0)
		return false;
	if (memchr(word, ':', n))
		return false;
	n = secrets_word(&value, &len, &word);
	return n > 0 && secrets_is_reference(word, n) && secrets_word(&value, &len, &word) == 0;
}

/* The last byte before a user and password in a URL; NULL: there are none. */
static const char *secrets_user_info(const char *value, size_t len)
{
	const char *slashes = memmem(value, len, "://", 3);
	const char *at = slashes;

	for (size_t n = len - (slashes ? (size_t)(slashes - value) : len); n > 0; n--, at++)
		if (*at == '@')
			return slashes + 2;
	return NULL;
}

/* How much of the line may be seen; len: all of it. */
static size_t secrets_visible(const char *line, size_t len, bool for_strangers)
{
	/* A misspelt key is no reason to show its value. */
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	const char *end = line + len;
	const char *secret = NULL;

	if (secrets_contains(line, key_len, "header")) {
		secret = memchr(equals, ':', (size_t)(end - equals));
		if (secret && !for_strangers &&
			!secrets_has_word(equals, (size_t)(secret - equals)))
			secret = NULL;
	} else if (for_strangers && secrets_contains(line, key_len, "body")) {
		secret = equals;
	} else if (secrets_contains(line, key_len, "auth")) {
		return secrets_is_auth(equals + 1, (size_t)(end - equals - 1))
			       ? len
			       : (size_t)(equals + 1 - line);
	} else if (secrets_contains(line, key_len, "url")) {
		secret = secrets_user_info(equals, (size_t)(end - equals));
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
