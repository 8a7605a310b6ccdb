/* SPDX-License-Identifier: Apache-2.0 */
/* Only known parts of a run file are shown: the file is parsed as for a plan, each line that became
 * an entry is masked depending on its key, and every other line is masked. So unforeseen text is
 * hidden. Masking too much is an annoyance, masking too little a leak.
 *
 * Keys whose values are numbers or words of a list are harmless once they have been parsed. Of the
 * others observers see only those whose grammar allows nothing but figures and addresses. A new key
 * is hidden from observers until it is listed here. */
#include "daemon/service/secrets.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"
#include "common/units.h"

#define SECRETS_MASK "***"

/* ---------------------------------------------------------------- names that tell */

/* Matched anywhere in a name, ignoring case. */
static const char *const secrets_words[] = {"auth", "cookie", "token", "key", "secret", "pass",
	"pwd", "credential", "session", "signature", "jwt", "csrf", "xsrf"};
/* Too short for that: matched only if not surrounded by letters. */
static const char *const secrets_short_words[] = {"sig", "sid", "pin", "otp"};

static bool secrets_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Ignores case; word is in lower case. Texts may have a megabyte, so the first letter is compared
 * before all else. */
static bool secrets_contains(const char *text, size_t len, const char *word, bool is_whole)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++) {
		if ((text[i] | 0x20) != word[0] || strncasecmp(text + i, word, n) != 0)
			continue;
		if (!is_whole || ((i == 0 || !secrets_is_letter(text[i - 1])) &&
					 (i + n == len || !secrets_is_letter(text[i + n]))))
			return true;
	}
	return false;
}

static bool secrets_has_word(const char *name, size_t len)
{
	for (size_t w = 0; w < sizeof(secrets_words) / sizeof(secrets_words[0]); w++)
		if (secrets_contains(name, len, secrets_words[w], false))
			return true;
	for (size_t w = 0; w < sizeof(secrets_short_words) / sizeof(secrets_short_words[0]); w++)
		if (secrets_contains(name, len, secrets_short_words[w], true))
			return true;
	return false;
}

bool secrets_tells(const char *text)
{
	return secrets_has_word(text, strlen(text));
}

static int secrets_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The name of a query parameter: "%74oken" is "token". */
static bool secrets_query_name_tells(const char *name, size_t len)
{
	char plain[128];
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof(plain); i++) {
		bool is_code = name[i] == '%' && i + 2 < len && secrets_hex(name[i + 1]) >= 0 &&
			       secrets_hex(name[i + 2]) >= 0;

		plain[n++] =
			is_code ? (char)(secrets_hex(name[i + 1]) * 16 + secrets_hex(name[i + 2]))
				: name[i];
		i += is_code ? 2 : 0;
	}
	return secrets_has_word(plain, n);
}

/* ---------------------------------------------------------------- references */

/* Words that may precede a reference: RFC 9110 section 11.1, and what is customary. */
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

/* The value is @FILE, cred:NAME or ${NAME}, perhaps after the name of a scheme: any other text
 * before it may be one half of a secret. */
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

/* The word at *text, which is moved past it; 0 bytes: there is none. */
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

/* ---------------------------------------------------------------- URLs in texts */

/* The position in a URL or path of len bytes at which a query, a fragment or parameters begin; len:
 * there is none. In a text that is not marked as a URL, only a word with a '/' may have the latter
 * two. */
static size_t secrets_find_query(const char *token, size_t len, bool is_url)
{
	size_t end = len;

	/* A sentence may end after it. */
	while (!is_url && end > 0 && strchr(").,:;!?", token[end - 1]))
		end--;
	for (size_t i = 0; i + 1 < end; i++) {
		if (token[i] == '/')
			is_url = true;
		if (token[i] == '?' || (is_url && (token[i] == '#' || token[i] == ';')))
			return i;
	}
	return len;
}

/* Writes NAME=VALUE pairs, between separators; values whose names suggest a secret are masked. */
static int secrets_put_pairs(const char *text, size_t len, struct buf *out)
{
	static const char separators[] = "?&;#";
	int r = 0;

	for (size_t at = 0; at < len && r == 0;) {
		size_t end = at;
		const char *equals;
		size_t shown;

		while (end < len && (end == at || !strchr(separators, text[end])))
			end++;
		equals = memchr(text + at, '=', end - at);
		shown = equals ? (size_t)(equals + 1 - text) - at : end - at;
		/* The separator is a part of the name here. */
		if (!equals || !secrets_query_name_tells(text + at, shown - 1))
			shown = end - at;
		r = buf_append(out, text + at, shown);
		if (r == 0 && shown < end - at)
			r = buf_puts(out, SECRETS_MASK);
		at = end;
	}
	return r;
}

/* The length of the token before a host's user and password, which are *ret_len bytes; *ret_len 0:
 * there are none. */
static size_t secrets_find_user_info(const char *token, size_t len, bool is_url, size_t *ret_len)
{
	const char *slashes = memmem(token, len, "://", 3);
	size_t start = slashes ? (size_t)(slashes + 3 - token) : 0;

	*ret_len = 0;
	for (size_t i = start; i < len && (slashes || is_url) && !strchr("/?#", token[i]); i++)
		if (token[i] == '@')
			*ret_len = i - start;
	return start;
}

/* One word: a URL, a path or something else. */
static int secrets_put_token(
	const char *token, size_t len, bool for_observers, bool is_url, struct buf *out)
{
	size_t user_len;
	size_t start = secrets_find_user_info(token, len, is_url, &user_len);
	size_t query;
	int r = 0;

	if (user_len > 0) {
		r = buf_append(out, token, start);
		if (r == 0)
			r = buf_puts(out, SECRETS_MASK);
		token += start + user_len;
		len -= start + user_len;
	}
	query = secrets_find_query(token, len, is_url || user_len > 0);
	if (r == 0)
		r = buf_append(out, token, query + (for_observers && query < len));
	if (r == 0 && query < len)
		r = for_observers ? buf_puts(out, SECRETS_MASK)
				  : secrets_put_pairs(token + query, len - query, out);
	return r;
}

static bool secrets_ends_token(char c)
{
	return (unsigned char)c <= ' ' || strchr("\"'`<>", c);
}

int secrets_mask_urls(const char *text, bool for_observers, struct buf *out)
{
	int r = buf_puts(out, "");

	while (*text && r == 0) {
		size_t len = 0;

		while (text[len] && !secrets_ends_token(text[len]))
			len++;
		r = secrets_put_token(text, len, for_observers, false, out);
		text += len;
		if (r == 0 && *text)
			r = buf_append(out, text++, 1);
	}
	return r;
}

/* ---------------------------------------------------------------- values of keys */

/* Keys whose values, once parsed, can contain nothing but figures, words of lists and addresses. */
static const char *const secrets_open_keys[] = {"stage", "scale", "arrivals", "slice", "at", "gap",
	"dns", "connect-to", "source", "server-name", "ciphers", "ciphersuites", "method",
	"expect-status", "expect-size"};

static bool secrets_is_open(const struct key *key)
{
	for (size_t i = 0; i < sizeof(secrets_open_keys) / sizeof(secrets_open_keys[0]); i++)
		if (str_eq(secrets_open_keys[i], key->name))
			return true;
	return key->type != KEY_TEXT && key->type != KEY_CUSTOM;
}

/* Writes the value up to and including the first byte `last`, and the mask after it. */
static int secrets_put_after(const char *value, char last, const char *blank, struct buf *out)
{
	const char *at = strchr(value, last);

	if (!at)
		return buf_puts(out, SECRETS_MASK);
	return buf_printf(out, "%.*s%s" SECRETS_MASK, (int)(at + 1 - value), value, blank);
}

/* Written so that it can be parsed as a run file again. */
static int secrets_put_hidden_auth(const char *value, struct buf *out)
{
	if (strcasecmp(value, "none") == 0)
		return buf_puts(out, value);
	return buf_puts(out, strncasecmp(value, "basic", 5) == 0 ? "basic " SECRETS_MASK
								   " @" SECRETS_MASK
								 : "bearer @" SECRETS_MASK);
}

static bool secrets_is_header(const struct key *key)
{
	return str_eq(key->name, "header") || str_eq(key->name, "expect-header");
}

static bool secrets_is_url(const struct key *key)
{
	return str_eq(key->name, "url") || str_eq(key->name, "path");
}

static int secrets_put_for_observers(const struct key *key, const char *value, struct buf *out)
{
	if (keys_parse(key, value, NULL, NULL) != 0)
		return buf_puts(out, SECRETS_MASK);
	if (secrets_is_open(key) || !*value)
		return buf_puts(out, value);
	if (secrets_is_url(key))
		return secrets_put_token(value, strlen(value), true, true, out);
	if (secrets_is_header(key) && strchr(value, ':'))
		return secrets_put_after(value, ':', " ", out);
	if (secrets_is_header(key))
		return buf_puts(out, value); /* only shows that one is expected */
	if (str_eq(key->name, "label"))
		return secrets_put_after(value, '=', "", out);
	if (str_eq(key->name, "auth"))
		return secrets_put_hidden_auth(value, out);
	return buf_puts(out, SECRETS_MASK);
}

static int secrets_put_header(const struct key *key, const char *value, struct buf *out)
{
	const char *colon = strchr(value, ':');

	if (!colon)
		return buf_puts(
			out, keys_parse(key, value, NULL, NULL) == 0 ? value : SECRETS_MASK);
	if (secrets_has_word(value, (size_t)(colon - value)) &&
		!secrets_is_reference(colon + 1, strlen(colon + 1)))
		return secrets_put_after(value, ':', " ", out);
	return secrets_mask_urls(value, false, out);
}

static int secrets_put_for_operators(const struct key *key, const char *value, struct buf *out)
{
	size_t len = strlen(value);
	const char *equals = strchr(value, '=');

	if (secrets_is_url(key))
		return secrets_put_token(value, len, false, true, out);
	if (secrets_is_header(key))
		return secrets_put_header(key, value, out);
	if (str_eq(key->name, "auth") && len > 0 && !secrets_is_auth(value, len))
		return buf_puts(out, SECRETS_MASK);
	if ((str_eq(key->name, "body") || str_eq(key->name, "expect-body")) &&
		!secrets_is_reference(value, len) && secrets_tells(value))
		return buf_puts(out, SECRETS_MASK);
	if (str_eq(key->name, "label") && equals &&
		secrets_has_word(value, (size_t)(equals - value)))
		return secrets_put_after(value, '=', "", out);
	return buf_puts(out, value);
}

/* ---------------------------------------------------------------- lines */

/* A run file and the position up to which its lines have been read. */
struct secrets_reading {
	struct ini_doc doc;
	struct problems problems;
	size_t entry, section; /* the next ones */
	unsigned line;
	const char *rest;
	size_t len;
	bool for_observers;
};

static int secrets_read(
	struct secrets_reading *rd, const char *text, size_t len, bool for_observers)
{
	*rd = (struct secrets_reading){.rest = text, .len = len, .for_observers = for_observers};
	return ini_read(&rd->doc, "", text, len, &rd->problems);
}

static void secrets_read_end(struct secrets_reading *rd)
{
	ini_fini(&rd->doc);
	problems_fini(&rd->problems);
}

static bool secrets_knows_section(const struct ini_section *s)
{
	const struct key *key = s->is_mended ? NULL : keys_of_section(&plan_keys, s->name);

	return key && key->named == (*s->arg != '\0');
}

static int secrets_put_comment(const char *line, size_t len, bool for_observers, struct buf *out)
{
	char *text;
	int r;

	if (for_observers)
		return buf_append(out, line, 1);
	if (secrets_has_word(line, len) || secrets_contains(line, len, "header", false) ||
		secrets_contains(line, len, "body", false))
		return buf_printf(out, "%c " SECRETS_MASK, *line);
	text = strndup(line, len);
	r = text ? secrets_mask_urls(text, false, out) : -ENOMEM;
	free(text);
	return r;
}

/* Writes the line with the value that the reader may see; the blanks around the '=' are kept. */
static int secrets_put_entry(const struct secrets_reading *rd, const struct ini_entry *e,
	const char *line, size_t len, struct buf *out)
{
	const struct key *key = keys_find(&plan_keys, e->section, e->key);
	const char *value = memchr(line, '=', len);
	int r;

	if (!key || !value)
		return buf_puts(out, SECRETS_MASK);
	value++;
	while (value < line + len && secrets_is_blank(*value))
		value++;
	r = buf_append(out, line, (size_t)(value - line));
	if (r)
		return r;
	return rd->for_observers ? secrets_put_for_observers(key, e->value, out)
				 : secrets_put_for_operators(key, e->value, out);
}

/* Writes the next line as it may be seen, without its end. False: there is none, or *ret_r is
 * set. */
static bool secrets_next(
	struct secrets_reading *rd, struct buf *out, bool *ret_is_shown, int *ret_r)
{
	const char *line = rd->rest;
	const char *newline = rd->len ? memchr(line, '\n', rd->len) : NULL;
	size_t len = newline ? (size_t)(newline - line) : rd->len;
	const struct ini_doc *doc = &rd->doc;
	size_t before = out->len;
	bool is_entry, is_section;

	if (rd->len == 0)
		return false;
	rd->line++;
	rd->rest += len + (newline ? 1 : 0);
	rd->len -= len + (newline ? 1 : 0);
	is_entry = rd->entry < doc->n_entries && doc->entries[rd->entry].line == rd->line;
	is_section = rd->section < doc->n_sections && doc->sections[rd->section].line == rd->line;
	while (len > 0 && secrets_is_blank(line[len - 1]))
		len--;
	if (len == 0)
		*ret_r = buf_puts(out, "");
	else if (*line == ';' || *line == '#')
		*ret_r = secrets_put_comment(line, len, rd->for_observers, out);
	else if (is_entry)
		*ret_r = secrets_put_entry(rd, &doc->entries[rd->entry], line, len, out);
	else if (is_section && secrets_knows_section(&doc->sections[rd->section]))
		*ret_r = buf_append(out, line, len);
	else
		*ret_r = buf_puts(out, SECRETS_MASK);
	rd->entry += is_entry;
	rd->section += is_section;
	*ret_is_shown = *ret_r == 0 && out->len - before == len &&
			(len == 0 || memcmp(out->data + before, line, len) == 0);
	if (*ret_r == 0 && newline)
		*ret_r = buf_puts(out, "\n");
	return *ret_r == 0;
}

int secrets_mask(const char *text, size_t len, bool for_observers, struct buf *out)
{
	struct secrets_reading rd;
	bool is_shown;
	int r = secrets_read(&rd, text, len, for_observers);

	while (r == 0 && secrets_next(&rd, out, &is_shown, &r))
		;
	secrets_read_end(&rd);
	return r;
}

bool secrets_line_is_shown(const char *text, size_t len, unsigned line, bool for_observers)
{
	struct secrets_reading rd;
	struct buf out = {0};
	bool is_shown = false;
	int r = secrets_read(&rd, text, len, for_observers);

	while (r == 0 && rd.line < line && secrets_next(&rd, &out, &is_shown, &r))
		;
	is_shown = is_shown && r == 0 && rd.line == line;
	secrets_read_end(&rd);
	buf_fini(&out);
	return is_shown;
}
