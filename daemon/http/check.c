/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of one connection's responses, one response after the other. Everything is checked
 * while it is received: header lines against the expected names and values, content by the search
 * and the digest. For messages the wrong value of an expected header and the beginning of the body
 * are kept.
 *
 * A field line is assembled only while it may be an expected header: its name up to the length of
 * the longest expected name, its value up to that of the longest expected value. A longer one does
 * not match, whatever follows. The parser has checked every line before, so irregular lines do no
 * harm here; folded lines count as one, with a blank where they were folded (RFC 9112 section 5.2).
 *
 * All memory is allocated in check_new, except for that of libcrypto. Thread: that of the owner. */
#include "daemon/http/check.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/digest.h"
#include "common/err.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "daemon/http/quote.h"
#include "daemon/http/search.h"

#define CHECK_SEEN_MAX QUOTE_MAX /* length of a value or a body that is shown to people */

enum check_line {
	CHECK_BEGINS, /* at the beginning of a line, or of a folded value if it begins with a
		       * blank */
	CHECK_NAME,
	CHECK_BLANKS, /* before a value, or where it continues */
	CHECK_VALUE,
	CHECK_OTHER, /* not relevant up to its end */
};

/* The result for one expected header. */
struct check_header {
	bool is_good;
	bool is_there;
	uint8_t seen_len;
	char seen[CHECK_SEEN_MAX]; /* the first value that differs from the expected one */
};

/* The bytes of a name or a value, up to the relevant length. */
struct check_field {
	char *data;
	size_t len;
	size_t max;
	bool is_longer;
};

struct check {
	const struct plan_request *request;
	struct http1_sink sink;
	/* head */
	struct check_header *headers; /* maximum over all requests */
	struct check_field name;
	struct check_field value;
	enum check_line line;
	bool is_value_open; /* the last line's value is relevant, and may continue in the next */
	/* body */
	const struct plan_request *requests;
	struct search_table *tables; /* one for each request; unused if it expects no body */
	size_t n_own_tables;	     /* 0: they belong to another check */
	struct search search;
	struct digest_sha256 *digest; /* NULL: no digest is expected */
	uint8_t begins_len;
	char begins[CHECK_SEEN_MAX]; /* the body's first bytes */
};

bool check_wants_head(const struct plan_request *r)
{
	return r->n_expect_headers > 0;
}

bool check_wants_body(const struct plan_request *r)
{
	return r->expect_body || r->has_expect_sha256;
}

static size_t check_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static int check_field_init(struct check_field *f, size_t max)
{
	f->max = max;
	f->data = malloc(max);
	return f->data ? 0 : -ENOMEM;
}

static int check_make_tables(struct check *c, const struct plan_request *requests, size_t n)
{
	int r = 0;

	c->tables = calloc(n, sizeof(*c->tables));
	if (!c->tables)
		return -ENOMEM;
	c->n_own_tables = n;
	for (size_t i = 0; i < n && r == 0; i++)
		if (requests[i].expect_body)
			r = search_table_init(&c->tables[i], requests[i].expect_body,
				requests[i].expect_body_len);
	return r;
}

static int check_alloc(struct check *c, const struct plan_request *requests, size_t n)
{
	size_t n_headers = 0, name_max = 1, value_max = CHECK_SEEN_MAX;
	bool has_sha256 = false;

	for (size_t i = 0; i < n; i++) {
		const struct plan_request *r = &requests[i];

		n_headers = check_max(n_headers, r->n_expect_headers);
		has_sha256 |= r->has_expect_sha256;
		for (size_t h = 0; h < r->n_expect_headers; h++) {
			const struct plan_header *header = &r->expect_headers[h];

			name_max = check_max(name_max, strlen(header->name));
			if (header->value)
				value_max = check_max(value_max, strlen(header->value));
		}
	}
	if (has_sha256) {
		c->digest = digest_sha256_new();
		if (!c->digest)
			return -ENOMEM;
	}
	if (n_headers == 0)
		return 0;
	c->headers = calloc(n_headers, sizeof(*c->headers));
	if (!c->headers || check_field_init(&c->name, name_max) < 0)
		return -ENOMEM;
	return check_field_init(&c->value, value_max);
}

int check_new(
	const struct plan_request *requests, size_t n, const struct check *like, struct check **ret)
{
	struct check *c;
	bool is_wanted = false;

	for (size_t i = 0; i < n; i++)
		is_wanted |= check_wants_head(&requests[i]) || check_wants_body(&requests[i]);
	if (!is_wanted) {
		*ret = NULL;
		return 0;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->requests = requests;
	if (like)
		c->tables = like->tables;
	if (check_alloc(c, requests, n) < 0 || (!like && check_make_tables(c, requests, n) < 0)) {
		check_free(c);
		return -ENOMEM;
	}
	c->sink.arg = c;
	*ret = c;
	return 0;
}

struct check *check_free(struct check *c)
{
	if (!c)
		return NULL;
	digest_sha256_free(c->digest);
	for (size_t i = 0; i < c->n_own_tables; i++)
		search_table_fini(&c->tables[i]);
	if (c->n_own_tables > 0)
		free(c->tables);
	free(c->headers);
	free(c->name.data);
	free(c->value.data);
	free(c);
	return NULL;
}

/* ---------------------------------------------------------------- head */

static bool check_is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static void check_field_clear(struct check_field *f)
{
	f->len = 0;
	f->is_longer = false;
}

static void check_field_add(struct check_field *f, char byte)
{
	if (f->len < f->max)
		f->data[f->len++] = byte;
	else
		f->is_longer |= !check_is_blank(byte);
}

static void check_field_trim(struct check_field *f)
{
	while (f->len > 0 && check_is_blank(f->data[f->len - 1]))
		f->len--;
}

static bool check_is_named(const struct check *c, const struct plan_header *header)
{
	return !c->name.is_longer && strlen(header->name) == c->name.len &&
	       strncasecmp(header->name, c->name.data, c->name.len) == 0;
}

static bool check_is_expected(const struct check *c)
{
	for (size_t i = 0; i < c->request->n_expect_headers; i++)
		if (check_is_named(c, &c->request->expect_headers[i]))
			return true;
	return false;
}

/* A line with an expected name is complete. */
static void check_field_line(struct check *c)
{
	check_field_trim(&c->value);
	for (size_t i = 0; i < c->request->n_expect_headers; i++) {
		const struct plan_header *expected = &c->request->expect_headers[i];
		struct check_header *found = &c->headers[i];

		if (!check_is_named(c, expected))
			continue;
		if (!expected->value ||
			(!c->value.is_longer && strlen(expected->value) == c->value.len &&
				memcmp(expected->value, c->value.data, c->value.len) == 0))
			found->is_good = true;
		if (found->is_there)
			continue;
		found->is_there = true;
		found->seen_len =
			(uint8_t)(c->value.len < CHECK_SEEN_MAX ? c->value.len : CHECK_SEEN_MAX);
		memcpy(found->seen, c->value.data, found->seen_len);
	}
}

/* The first byte of a line. */
static void check_line_begins(struct check *c, char byte)
{
	if (byte == ' ' || byte == '\t') {
		c->line = c->is_value_open ? CHECK_BLANKS : CHECK_OTHER;
		return;
	}
	if (c->is_value_open)
		check_field_line(c);
	c->is_value_open = false;
	check_field_clear(&c->name);
	check_field_clear(&c->value);
	check_field_add(&c->name, byte);
	c->line = CHECK_NAME;
}

static void check_head_byte(struct check *c, char byte)
{
	switch (c->line) {
	case CHECK_BEGINS:
		check_line_begins(c, byte);
		break;
	case CHECK_NAME:
		if (byte != ':') {
			check_field_add(&c->name, byte);
			break;
		}
		c->is_value_open = check_is_expected(c);
		c->line = c->is_value_open ? CHECK_BLANKS : CHECK_OTHER;
		break;
	case CHECK_BLANKS:
		if (check_is_blank(byte) || byte == '\n')
			break;
		check_field_trim(&c->value);
		if (c->value.len > 0)
			check_field_add(&c->value, ' ');
		c->line = CHECK_VALUE;
		check_field_add(&c->value, byte);
		break;
	case CHECK_VALUE:
		if (byte != '\n')
			check_field_add(&c->value, byte);
		break;
	case CHECK_OTHER:
		break;
	}
	if (byte == '\n')
		c->line = CHECK_BEGINS;
}

static void check_on_head(void *arg, const char *data, size_t len)
{
	struct check *c = arg;

	for (size_t i = 0; i < len; i++) {
		if (c->line == CHECK_OTHER) {
			const char *end = memchr(data + i, '\n', len - i);

			if (!end)
				return;
			i = (size_t)(end - data);
		}
		check_head_byte(c, data[i]);
	}
}

/* ---------------------------------------------------------------- body */

static void check_on_body(void *arg, const char *data, size_t len)
{
	struct check *c = arg;
	const struct plan_request *r = c->request;

	if (c->begins_len < CHECK_SEEN_MAX) {
		size_t room = CHECK_SEEN_MAX - c->begins_len;
		size_t n = len < room ? len : room;

		memcpy(c->begins + c->begins_len, data, n);
		c->begins_len += (uint8_t)n;
	}
	if (r->has_expect_sha256)
		digest_sha256_update(c->digest, data, len);
	if (r->expect_body && search_feed(&c->search, &c->tables[r - c->requests], data, len) &&
		!r->has_expect_sha256)
		c->sink.on_body = NULL; /* the rest cannot change the verdict */
}

void check_start(struct check *c, const struct plan_request *r)
{
	c->request = r;
	c->sink.on_head = check_wants_head(r) ? check_on_head : NULL;
	c->sink.on_body = check_wants_body(r) ? check_on_body : NULL;
	for (size_t i = 0; i < r->n_expect_headers; i++)
		c->headers[i].is_good = c->headers[i].is_there = false;
	c->line = CHECK_BEGINS;
	c->is_value_open = false;
	c->begins_len = 0;
	search_start(&c->search);
	if (r->has_expect_sha256)
		digest_sha256_reset(c->digest);
}

const struct http1_sink *check_sink(struct check *c)
{
	return &c->sink;
}

/* ---------------------------------------------------------------- verdict */

static bool check_headers(const struct check *c, const struct plan_request *r, struct err *ret_why)
{
	for (size_t i = 0; i < r->n_expect_headers; i++) {
		const struct check_header *found = &c->headers[i];
		const char *name = r->expect_headers[i].name;
		const char *value = r->expect_headers[i].value;
		struct quote quote;

		if (found->is_good)
			continue;
		if (found->is_there)
			err_set(ret_why, "%.32s is %s, expected %s", name,
				found->seen_len ? quote_bytes(&quote, found->seen, found->seen_len,
							  QUOTE_SHORT_MAX)
						: "empty",
				*value ? value : "it empty");
		else
			err_set(ret_why, "no header %s", name);
		return false;
	}
	return true;
}

static bool check_size(const struct plan_request *r, uint64_t bytes, struct err *ret_why)
{
	uint64_t min = r->expect_size_min, max = r->expect_size_max;

	if (!r->has_expect_size || (bytes >= min && bytes <= max))
		return true;
	if (min == max)
		err_set(ret_why, "body has %" PRIu64 " bytes, expected %" PRIu64, bytes, min);
	else if (bytes < min)
		err_set(ret_why, "body has %" PRIu64 " bytes, expected at least %" PRIu64, bytes,
			min);
	else
		err_set(ret_why, "body has %" PRIu64 " bytes, expected at most %" PRIu64, bytes,
			max);
	return false;
}

static bool check_body(
	struct check *c, const struct plan_request *r, uint64_t bytes, struct err *ret_why)
{
	struct quote quote;

	/* A response without a body has not called the search yet: an empty text is found in it. */
	if (!r->expect_body || search_feed(&c->search, &c->tables[r - c->requests], "", 0))
		return true;
	if (bytes == 0)
		err_set(ret_why, "body is empty");
	else
		err_set(ret_why, "body of %" PRIu64 " bytes lacks the text; it begins: %s", bytes,
			quote_bytes(&quote, c->begins, c->begins_len, CHECK_SEEN_MAX));
	return false;
}

static bool check_hash(struct check *c, const struct plan_request *r, struct err *ret_why)
{
	uint8_t digest[DIGEST_SHA256_SIZE];
	char hex[DIGEST_SHA256_HEX_SIZE];

	if (!r->has_expect_sha256)
		return true;
	if (!digest_sha256_final(c->digest, digest)) {
		err_set(ret_why, "libcrypto made no SHA-256 of the body");
		return false;
	}
	if (memcmp(digest, r->expect_sha256, sizeof(digest)) == 0)
		return true;
	digest_hex(digest, hex);
	err_set(ret_why, "body has SHA-256 %s", hex);
	return false;
}

void check_tell_status(
	const struct plan_request *r, unsigned status, char example[static CHECK_EXAMPLE_MAX])
{
	const char *expected = r->expect_statuses.text;

	(void)snprintf(example, CHECK_EXAMPLE_MAX, "status %03u%s%s", status,
		*expected ? ", expected " : "", expected);
}

static enum fault check_judge(struct check *c, const struct plan_request *r, unsigned status,
	uint64_t body_bytes, struct err *ret_why)
{
	if (!plan_statuses_has(&r->expect_statuses, status)) {
		check_tell_status(r, status, ret_why->text);
		return FAULT_STATUS;
	}
	if (c && !check_headers(c, r, ret_why))
		return FAULT_CHECK_HEADER;
	if (!check_size(r, body_bytes, ret_why))
		return FAULT_CHECK_SIZE;
	if (c && !check_body(c, r, body_bytes, ret_why))
		return FAULT_CHECK_BODY;
	if (c && !check_hash(c, r, ret_why))
		return FAULT_CHECK_HASH;
	return FAULT_NONE;
}

enum fault check_verdict(struct check *c, const struct plan_request *r, unsigned status,
	uint64_t body_bytes, char example[static CHECK_EXAMPLE_MAX])
{
	struct err why; /* escapes the text that it quotes */
	enum fault fault;

	assert((c && c->request == r) || (!check_wants_head(r) && !check_wants_body(r)));
	why.text[0] = '\0';
	fault = check_judge(c, r, status, body_bytes, &why);
	str_cut(example, CHECK_EXAMPLE_MAX, why.text, strlen(why.text));
	return fault;
}
