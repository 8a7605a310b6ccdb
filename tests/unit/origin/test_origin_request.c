/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's request reader: where requests end, however they come in pieces. */
#include "daemon/origin/origin_request.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define ONE "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/* A head with a body after it ends a feed. */
static size_t feed_all(struct origin_request *r, const char *text, size_t len)
{
	size_t used = 0;

	do {
		used += origin_request_feed(r, text + used, len - used);
	} while (r->at_body && used < len);
	return used;
}

/* Feeds text in two parts and what the reader left behind with the second, as the connection does.
 * Returns the bytes used in all. */
static size_t feed_split(struct origin_request *r, const char *text, size_t len, size_t split)
{
	size_t used = feed_all(r, text, split);

	ck_assert_uint_le(used, split);
	return used + feed_all(r, text + used, len - used);
}

/* Copies to the heap, so that a read after the end is seen by the sanitizer. */
static size_t feed_copy(struct origin_request *r, const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	size_t used;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	used = feed_all(r, copy, len);
	free(copy);
	return used;
}

static const struct good {
	const char *text; /* one whole request */
	bool is_head;
	bool keeps_alive;
} goods[] = {
	{ONE, false, true},
	{"\r\n\r\n" ONE, false, true},
	{"GET / HTTP/1.1\nHost: a\n\n", false, true},
	{"HEAD /x?y=%20 HTTP/1.1\r\nHost:\r\n\r\n", true, true},
	{"GET http://a/ HTTP/1.1\r\nhOST: a\r\nConnection: close\r\n\r\n", false, false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade , CLOSE\r\n\r\n", false, false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", false, true},
	{"GET / HTTP/1.0\r\n\r\n", false, false},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false, true},
	{"HEAD / HTTP/1.0\r\n\r\n", true, false},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab\r\nc", false, true},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", false, true},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", false,
		true},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
	 "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
		false, true},
	{"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "1\nx\n000\nTrailer: t\nOther: u\n\n",
		false, true},
	{"get-it! * HTTP/1.1\r\nHost: a\r\nX: \t v : w \r\nEmpty:\r\n\r\n", false, true},
};

/* Every request, split at every byte, followed by the beginning of the next one. */
START_TEST(reads_whole_requests_at_every_split)
{
	const struct good *g = &goods[_i];
	size_t len = strlen(g->text);
	char text[512];

	memcpy(text, g->text, len);
	memcpy(text + len, "GET", 3);
	for (size_t split = 0; split <= len; split++) {
		struct origin_request r;

		origin_request_init(&r);
		ck_assert_uint_eq(feed_split(&r, text, len + 3, split), len);
		ck_assert_int_eq(r.state, ORIGIN_REQUEST_DONE);
		ck_assert_int_eq(r.is_head, g->is_head);
		ck_assert_int_eq(origin_request_keeps_alive(&r), g->keeps_alive);
	}
}
END_TEST

START_TEST(an_incomplete_request_is_not_done)
{
	const struct good *g = &goods[_i];

	for (size_t len = 0; len < strlen(g->text); len++) {
		struct origin_request r;

		origin_request_init(&r);
		ck_assert_uint_le(feed_copy(&r, g->text, len), len);
		ck_assert_int_ne(r.state, ORIGIN_REQUEST_DONE);
		ck_assert_int_ne(r.state, ORIGIN_REQUEST_BAD);
	}
}
END_TEST

static const char *const bads[] = {
	"GET /\r\n",
	"GET / \r\n",
	"GET  HTTP/1.1\r\n",
	" GET / HTTP/1.1\r\n",
	"GET / /x HTTP/1.1\r\n",
	"G@T / HTTP/1.1\r\n",
	"GET /\t HTTP/1.1\r\n",
	"GET / HTTP/2.0\r\n",
	"GET / HTTP/1.2\r\n",
	"GET / HTTP/1.10\r\n",
	"GET / http/1.1\r\n",
	"GET / HTTP/1.1\r\r\n",
	"\x16\x03\x01\x02\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
	"GET / HTTP/1.1\r\nHost : a\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n",
	"GET / HTTP/1.1\r\nHost: a\rb\r\n",
	"GET / HTTP/1.1\r\nno colon\r\n",
	"GET / HTTP/1.1\r\n: a\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
	"chunked\r\n",
	"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1z\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1234567890abcdef\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
};

START_TEST(refuses_what_is_malformed_at_every_split)
{
	const char *text = bads[_i];
	size_t len = strlen(text);

	for (size_t split = 0; split <= len; split++) {
		struct origin_request r;

		origin_request_init(&r);
		(void)feed_split(&r, text, len, split);
		ck_assert_int_eq(r.state, ORIGIN_REQUEST_BAD);
	}
}
END_TEST

START_TEST(refuses_a_zero_byte)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n";
	struct origin_request r;

	origin_request_init(&r);
	(void)feed_copy(&r, text, sizeof(text) - 1);
	ck_assert_int_eq(r.state, ORIGIN_REQUEST_BAD);
}
END_TEST

/* A head of exactly len bytes: request line, Host, and one long header or many short ones. */
static char *make_head(size_t len, bool is_one_line)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\n";
	char *head = malloc(len + 1);
	size_t n = strlen(start);

	ck_assert_ptr_nonnull(head);
	memcpy(head, start, n);
	memset(head + n, 'x', len - n);
	for (size_t i = n; i < len - 2; i += is_one_line ? len : 100) {
		size_t end = is_one_line || len - 2 - i < 200 ? len - 2 : i + 100;

		memcpy(head + i, "X:", 2);
		memcpy(head + end - 2, "\r\n", 2);
		if (end == len - 2)
			break;
	}
	memcpy(head + len - 2, "\r\n", 3);
	return head;
}

START_TEST(a_head_may_have_64_kib)
{
	for (int is_one_line = 0; is_one_line < 2; is_one_line++) {
		char *head = make_head(ORIGIN_REQUEST_HEAD_MAX, is_one_line);
		struct origin_request r;

		origin_request_init(&r);
		ck_assert_uint_eq(
			feed_copy(&r, head, ORIGIN_REQUEST_HEAD_MAX), ORIGIN_REQUEST_HEAD_MAX);
		ck_assert_int_eq(r.state, ORIGIN_REQUEST_DONE);
		free(head);
	}
}
END_TEST

START_TEST(a_longer_head_is_refused_before_its_end)
{
	for (int is_one_line = 0; is_one_line < 2; is_one_line++) {
		char *head = make_head(2 * ORIGIN_REQUEST_HEAD_MAX, is_one_line);
		struct origin_request r;

		origin_request_init(&r);
		(void)feed_copy(&r, head, ORIGIN_REQUEST_HEAD_MAX);
		ck_assert_int_eq(r.state, ORIGIN_REQUEST_BAD);
		free(head);
	}
}
END_TEST

START_TEST(endless_empty_lines_and_chunk_lines_are_refused)
{
	static const char chunked[] =
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
	char *lines = malloc(ORIGIN_REQUEST_HEAD_MAX);
	struct origin_request r;
	size_t fed = 0;

	ck_assert_ptr_nonnull(lines);
	memset(lines, '\n', ORIGIN_REQUEST_HEAD_MAX);
	origin_request_init(&r);
	while (r.state == ORIGIN_REQUEST_START && fed <= 2 * ORIGIN_REQUEST_HEAD_MAX)
		fed += origin_request_feed(&r, lines, 4096);
	ck_assert_int_eq(r.state, ORIGIN_REQUEST_BAD);

	origin_request_init(&r);
	(void)feed_all(&r, chunked, strlen(chunked));
	memset(lines, '0', ORIGIN_REQUEST_HEAD_MAX);
	memcpy(lines, "1;", 2);
	(void)origin_request_feed(&r, lines, 5000);
	ck_assert_int_eq(r.state, ORIGIN_REQUEST_BAD);
	free(lines);
}
END_TEST

START_TEST(a_body_may_be_skipped_unseen)
{
	static const char head[] =
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000000\r\n\r\n";
	struct origin_request r;

	origin_request_init(&r);
	ck_assert_uint_eq(origin_request_skippable(&r), 0);
	ck_assert_uint_eq(feed_copy(&r, head, strlen(head)), strlen(head));
	ck_assert_uint_eq(origin_request_skippable(&r), 3000000000);
	origin_request_skip(&r, 2999999999);
	ck_assert_int_eq(r.state, ORIGIN_REQUEST_BODY);
	ck_assert_uint_eq(feed_copy(&r, "xGET", 4), 1);
	ck_assert_int_eq(r.state, ORIGIN_REQUEST_DONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_request");
	TCase *tcase = tcase_create("reader");

	tcase_add_loop_test(tcase, reads_whole_requests_at_every_split, 0,
		(int)(sizeof(goods) / sizeof(goods[0])));
	tcase_add_loop_test(tcase, an_incomplete_request_is_not_done, 0,
		(int)(sizeof(goods) / sizeof(goods[0])));
	tcase_add_loop_test(tcase, refuses_what_is_malformed_at_every_split, 0,
		(int)(sizeof(bads) / sizeof(bads[0])));
	tcase_add_test(tcase, refuses_a_zero_byte);
	tcase_add_test(tcase, a_head_may_have_64_kib);
	tcase_add_test(tcase, a_longer_head_is_refused_before_its_end);
	tcase_add_test(tcase, endless_empty_lines_and_chunk_lines_are_refused);
	tcase_add_test(tcase, a_body_may_be_skipped_unseen);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
