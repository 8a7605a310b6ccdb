/* SPDX-License-Identifier: Apache-2.0 */
/* The values that describe a request and its answer: the path, the credentials, and the conditions
 * for a good answer. As in plan_values.c each grammar has one reader, which the key table names. A
 * secret must be in a file or a credential, never in a run file, which other users may be able to
 * read: a value that looks like one is refused without being quoted. */
#include "common/plan/plan_request_values.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"
#include "common/plan/plan.h"
#include "common/plan/plan_values.h"
#include "common/str.h"
#include "common/units.h"

#define PLAN_BLANKS " \t"
#define PLAN_STATUS_MIN 100
#define PLAN_STATUS_MAX 599

/* ---- path ---- */

int plan_check_request_path(const char *value, struct err *reterr)
{
	size_t scheme = strcspn(value, ":/?#");

	if (str_starts(value, "//") || (value[scheme] == ':' && value[scheme + 1] == '/')) {
		err_set(reterr,
			"'%.60s' leads to another host: write the part of the URL after its host, "
			"as in products?page=2",
			value);
		return -EINVAL;
	}
	if (!plan_is_field_value(value, strlen(value))) {
		err_set(reterr, "the path has a control character");
		return -EINVAL;
	}
	return 0;
}

/* ---- auth: RFC 7617 and RFC 6750 ---- */

#define PLAN_AUTH_HOW "write basic USER @FILE, bearer @FILE, cred:NAME instead of @FILE, or none"

/* The word is at text; *ret_rest: the text after it. */
static bool plan_is_word(const char *text, const char *word, const char **ret_rest)
{
	size_t n = strcspn(text, PLAN_BLANKS);

	*ret_rest = text + n + strspn(text + n, PLAN_BLANKS);
	return n == strlen(word) && !strncasecmp(text, word, n);
}

int plan_parse_auth(const char *value, void *field, struct err *reterr)
{
	struct plan_auth auth = {0};
	const char *rest;
	size_t len;

	if (plan_is_word(value, "none", &rest) && !*rest) {
		if (field)
			*(struct plan_auth *)field = auth;
		return 0;
	}
	if (plan_is_word(value, "basic", &rest))
		auth.scheme = PLAN_AUTH_BASIC;
	else if (plan_is_word(value, "bearer", &rest))
		auth.scheme = PLAN_AUTH_BEARER;
	if (auth.scheme == PLAN_AUTH_NONE || !*rest) {
		err_set(reterr, "unknown authentication: " PLAN_AUTH_HOW);
		return -EINVAL;
	}
	if (plan_check_body(rest, reterr))
		return -EINVAL;
	if (!plan_file_reference(rest, &len)) {
		err_set(reterr,
			"a secret must not be in a run file: write it to a file and name that, as "
			"in %s @FILE, or cred:NAME instead of @FILE",
			auth.scheme == PLAN_AUTH_BASIC ? "basic USER" : "bearer");
		return -EINVAL;
	}
	auth.secret = rest + len;
	while (len && strchr(PLAN_BLANKS, rest[len - 1]))
		len--;
	auth.user = rest;
	auth.user_len = len;
	if (auth.scheme == PLAN_AUTH_BEARER ? len > 0 : len == 0) {
		err_set(reterr, "%s: " PLAN_AUTH_HOW,
			len ? "bearer has no user" : "basic has a user");
		return -EINVAL;
	}
	if (memchr(rest, ':', len) || !plan_is_field_value(rest, len)) {
		err_set(reterr, "the user may have no ':' and no control character in it, and a "
				"password stands in a file: " PLAN_AUTH_HOW);
		return -EINVAL;
	}
	if (field)
		*(struct plan_auth *)field = auth;
	return 0;
}

/* ---- statuses ---- */

/* Reads "204" or "2xx" at *text, and moves *text past it. */
static bool plan_read_status(const char **text, unsigned *ret_low, unsigned *ret_high)
{
	const char *c = *text;
	unsigned first = (unsigned)(c[0] - '0');

	if (first < PLAN_STATUS_MIN / 100 || first > PLAN_STATUS_MAX / 100)
		return false;
	if ((c[1] == 'x' || c[1] == 'X') && (c[2] == 'x' || c[2] == 'X')) {
		*ret_low = first * 100;
		*ret_high = first * 100 + 99;
	} else if (c[1] >= '0' && c[1] <= '9' && c[2] >= '0' && c[2] <= '9') {
		*ret_low = first * 100 + (unsigned)(c[1] - '0') * 10 + (unsigned)(c[2] - '0');
		*ret_high = *ret_low;
	} else {
		return false;
	}
	*text = c + 3;
	return true;
}

/* Reads "200", "200-299" or "2xx" at *text, and moves *text past it and the blanks after it. */
static bool plan_read_statuses(const char **text, struct plan_statuses *set)
{
	unsigned low, high, other;

	*text += strspn(*text, PLAN_BLANKS);
	if (!plan_read_status(text, &low, &high))
		return false;
	if (**text == '-') {
		++*text;
		if (!plan_read_status(text, &other, &high) || high < low)
			return false;
	}
	*text += strspn(*text, PLAN_BLANKS);
	for (unsigned status = low; status <= high; status++)
		set->bits[status / 64] |= UINT64_C(1) << (status % 64);
	return true;
}

/* For messages, without the range that everyone knows. */
static void plan_tell_statuses(const char *value, struct plan_statuses *set)
{
	bool is_usual = true;

	for (unsigned status = 100; status <= PLAN_STATUS_MAX; status++)
		is_usual &= plan_statuses_has(set, status) == (status >= 200 && status < 400);
	if (!is_usual && strlen(value) < sizeof(set->text))
		(void)snprintf(set->text, sizeof(set->text), "%s", value);
	else if (!is_usual)
		(void)snprintf(
			set->text, sizeof(set->text), "%.*s...", (int)sizeof(set->text) - 4, value);
}

int plan_parse_statuses(const char *value, void *field, struct err *reterr)
{
	struct plan_statuses set = {0};
	const char *at = value;
	bool is_good = plan_read_statuses(&at, &set);

	while (is_good && *at == ',') {
		at++;
		is_good = plan_read_statuses(&at, &set);
	}
	if (!is_good || *at) {
		err_set(reterr,
			"'%.60s' is not a list of statuses: write statuses from 100 to 599, as in "
			"200,201, 200-299 or 2xx",
			value);
		return -EINVAL;
	}
	for (unsigned status = 101; status <= PLAN_STATUS_MAX; status++) {
		if ((status == 101 || status >= 200) && plan_statuses_has(&set, status)) {
			plan_tell_statuses(value, &set);
			if (field)
				*(struct plan_statuses *)field = set;
			return 0;
		}
	}
	err_set(reterr,
		"'%.60s' is never a final status: after 1xx another one follows; only 101 is "
		"final, after a request with the header Upgrade",
		value);
	return -EINVAL;
}

/* ---- sizes and digests ---- */

static bool plan_read_size(const char *text, size_t len, uint64_t *ret)
{
	char size[UNITS_TEXT_MAX];

	if (len >= sizeof(size))
		return false;
	memcpy(size, text, len);
	size[len] = '\0';
	/* The format of Content-Length: bytes. */
	if (len && strspn(size, "0123456789") == len && len + 2 <= sizeof(size)) {
		size[len] = 'B';
		size[len + 1] = '\0';
	}
	return units_parse_size(size, ret) == 0;
}

int plan_parse_sizes(const char *value, void *field, struct err *reterr)
{
	struct plan_request *request = field;
	const char *dots = strstr(value, "..");
	const char *last = dots ? dots + 2 : "";
	uint64_t min = 0, max = UINT64_MAX;
	bool is_good;

	if (!*value) {
		is_good = true;
	} else if (!dots) {
		is_good = plan_read_size(value, strlen(value), &min);
		max = min;
	} else {
		is_good = (dots > value || *last) &&
			  (dots == value || plan_read_size(value, (size_t)(dots - value), &min)) &&
			  (!*last || plan_read_size(last, strlen(last), &max));
	}
	if (!is_good) {
		err_set(reterr,
			"'%.60s' is not a size: write bytes, or with KiB or MiB, or MIN..MAX, as "
			"in 512B, 1KiB..64KiB, 1KiB.. or ..64KiB",
			value);
		return -EINVAL;
	}
	if (min > max) {
		err_set(reterr, "'%.60s' is an empty range: the first size is above the second",
			value);
		return -EINVAL;
	}
	if (request) {
		request->has_expect_size = *value != '\0';
		request->expect_size_min = min;
		request->expect_size_max = max;
	}
	return 0;
}

static int plan_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int plan_parse_sha256(const char *value, void *field, struct err *reterr)
{
	struct plan_request *request = field;
	uint8_t bytes[32];
	size_t n = 0;

	while (*value && n < sizeof(bytes)) {
		int high = plan_hex_digit(value[2 * n]);
		int low = high < 0 ? -1 : plan_hex_digit(value[2 * n + 1]);

		if (low < 0)
			break;
		bytes[n++] = (uint8_t)(high << 4 | low);
	}
	if (*value && (n < sizeof(bytes) || value[2 * n])) {
		err_set(reterr,
			"'%.80s' is not a SHA-256 digest: write 64 hex digits, as sha256sum prints",
			value);
		return -EINVAL;
	}
	if (request) {
		request->has_expect_sha256 = *value != '\0';
		memcpy(request->expect_sha256, bytes, n);
	}
	return 0;
}
