/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to feed a response to the parser, and what is the same in all of them: whole, in pieces of
 * any size, with a memo, to a sink, or skipping content; always from memory that ends at a page
 * may not be read. For the tests of http1. */
#pragma once

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/http/http1.h"
#include "tests/support/suite.h"

/* ---------------------------------------------------------------- memory that ends */

#define ROOM (3 * HTTP1_HEADERS_MAX)

static char *guard_end; /* the byte here may not be touched */

static inline void setup_guard(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *m = mmap(NULL, ROOM + (size_t)page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(m, MAP_FAILED);
	ck_assert_int_eq(mprotect(m + ROOM, (size_t)page, PROT_NONE), 0);
	guard_end = m + ROOM;
}

/* ---------------------------------------------------------------- ways of feeding */

struct message {
	const char *data;
	size_t len;
	unsigned asked; /* as of http1_start */
	bool is_closed;
};

struct outcome {
	enum http1_result result;
	size_t used;
	struct http1 p;
};

/* What a sink was told of the present response. */
static struct {
	size_t head_len, body_len;
	char head[ROOM], body[ROOM];
} told;

static inline void on_head(void *arg, const char *data, size_t len)
{
	suite_assert(arg == &told);
	suite_assert(len > 0);
	suite_assert(told.body_len == 0);
	memcpy(told.head + told.head_len, data, len);
	told.head_len += len;
}

static inline void on_body(void *arg, const char *data, size_t len)
{
	suite_assert(arg == &told);
	suite_assert(len > 0);
	memcpy(told.body + told.body_len, data, len);
	told.body_len += len;
}

/* How pieces are fed: with the memo, to the sink, or, where both are NULL, plainly. */
static struct http1_memo *memo;
static const struct http1_sink *sink;
static const struct http1_sink both = {on_head, on_body, &told};

static inline enum http1_result feed_at_guard(
	struct http1 *p, const char *data, size_t len, size_t *ret_used)
{
	memcpy(guard_end - len, data, len);
	if (memo != NULL)
		return http1_feed_memo(p, memo, guard_end - len, len, ret_used);
	if (sink != NULL)
		return http1_feed_sink(p, sink, guard_end - len, len, ret_used);
	return http1_feed(p, guard_end - len, len, ret_used);
}

/* Feeds pieces: the first of size first, all others of size rest. */
static inline struct outcome feed_pieces(const struct message *m, size_t first, size_t rest)
{
	struct outcome o = {.result = HTTP1_MORE};
	size_t n, used = 0;

	told.head_len = told.body_len = 0;
	http1_start(&o.p, m->asked);
	suite_assert(http1_is_untouched(&o.p));
	for (size_t at = 0; at < m->len && o.result == HTTP1_MORE; at += n) {
		n = at == 0 ? first : rest;
		if (n > m->len - at)
			n = m->len - at;
		o.result = feed_at_guard(&o.p, m->data + at, n, &used);
		o.used += used;
		if (o.result == HTTP1_MORE)
			suite_assert(used == n);
		suite_assert(used <= n);
		suite_assert(!http1_is_untouched(&o.p));
	}
	if (m->is_closed && o.result == HTTP1_MORE)
		o.result = http1_end(&o.p);
	return o;
}

/* Body bytes are skipped, at most `most` at once, and everything else is fed byte by byte. */
static inline struct outcome feed_skipping(const struct message *m, uint64_t most)
{
	struct outcome o = {.result = HTTP1_MORE};
	size_t used;
	uint64_t n;

	http1_start(&o.p, m->asked);
	while (o.used < m->len && o.result == HTTP1_MORE) {
		n = http1_skippable(&o.p);
		if (n > most)
			n = most;
		if (n > m->len - o.used)
			n = m->len - o.used;
		if (n > 0) {
			o.result = http1_skipped(&o.p, n);
			o.used += n;
			most = most == 1 ? 2 : most;
		}
		if (o.used < m->len && o.result == HTTP1_MORE) {
			o.result = feed_at_guard(&o.p, m->data + o.used, 1, &used);
			o.used += used;
		}
	}
	if (m->is_closed && o.result == HTTP1_MORE)
		o.result = http1_end(&o.p);
	return o;
}

/* What is being fed, for the message of a failure. */
static const char *fed_name = "";

#define ASSERT_SAME(field) suite_assert_msg(a->field == b->field, "%s: another " #field, fed_name)

static inline void assert_same(const struct outcome *a, const struct outcome *b)
{
	ASSERT_SAME(result);
	ASSERT_SAME(used);
	ASSERT_SAME(p.status);
	ASSERT_SAME(p.has_status);
	ASSERT_SAME(p.is_close_delimited);
	ASSERT_SAME(p.keep_alive);
	ASSERT_SAME(p.body_bytes);
	ASSERT_SAME(p.head_bytes);
	ASSERT_SAME(p.error);
	ASSERT_SAME(p.foreign);
}

static inline void assert_splits_agree(
	const struct message *m, const struct outcome *whole, size_t step)
{
	struct outcome o;

	o = feed_pieces(m, 1, 1);
	assert_same(whole, &o);
	o = feed_pieces(m, 1, 7);
	assert_same(whole, &o);
	for (size_t cut = 1; cut < m->len; cut += step) {
		o = feed_pieces(m, cut, m->len);
		assert_same(whole, &o);
	}
	for (uint64_t most = 1; most < 4; most++) {
		o = feed_skipping(m, most);
		assert_same(whole, &o);
	}
	o = feed_skipping(m, UINT64_MAX);
	assert_same(whole, &o);
}
