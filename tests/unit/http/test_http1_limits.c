/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the response parser, each exactly met and passed by one, and the scans it is built
 * on. */
#include "daemon/http/http1.h"

#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "daemon/http/http1_scan.h"
#include "tests/support/suite.h"
#include "tests/unit/http/http1_feed.h"

#define OK11 "HTTP/1.1 200 OK\r\n"
#define TE "Transfer-Encoding: "
#define CHUNKED OK11 TE "chunked\r\n\r\n"

static void text_add(struct buf *t, const char *s)
{
	ck_assert_int_eq(buf_puts(t, s), 0);
}

static void text_fill(struct buf *t, char c, size_t n)
{
	ck_assert_int_eq(buf_reserve(t, n), 0);
	memset(t->data + t->len, c, n);
	t->len += n;
}

static void assert_limit(struct buf *t, enum http1_result result, size_t used, const char *error)
{
	struct message m = {t->data, t->len, 0, false};
	struct outcome pieces;
	struct outcome o = feed_pieces(&m, m.len, m.len);

	ck_assert_int_eq(o.result, result);
	ck_assert_uint_eq(o.used, used);
	if (error != NULL)
		ck_assert_str_eq(o.p.error, error);
	else
		ck_assert_ptr_null(o.p.error);
	pieces = feed_pieces(&m, 1, 4093);
	assert_same(&o, &pieces);
	pieces = feed_pieces(&m, m.len > 150 ? m.len - 150 : 1, 1);
	assert_same(&o, &pieces);
	buf_fini(t);
}

static const struct line_kind {
	const char *before, *line;
	char fill;
	const char *end;
} line_kinds[] = {
	{"", "HTTP/1.1 200 ", 'x', "\r\n"},
	{"", "HTTP/1.1 200 ", 'x', "\n"},
	{OK11, "A: ", 'x', "\r\n"},
	{OK11, "A: ", 'x', "\n"},
	{OK11, "A", 'x', ":\n"},
	{OK11, "Connection: ", 'x', "\n"},
	{OK11, "Connection: ", ',', "\n"},
	{OK11, "Content-Length: ", '0', "\r\n"},
	{OK11, TE, 'x', "\r\n"},
	{OK11, TE "x;a=\"", '"' - 1, "\"\r\n"},
	{OK11 "A: b\n", " ", 'x', "\n"},
	{OK11 "Content-Length: 5\n", "\t", ' ', "\r\n"},
	{CHUNKED, "5;", 'x', "\r\n"},
	{CHUNKED, "", '0', "1\r\n"},
	{CHUNKED, "5", ' ', "\r\n"},
	{CHUNKED "0\r\n", "A: ", 'x', "\n"},
};

#define N_LINE_KINDS (sizeof(line_kinds) / sizeof(line_kinds[0]))

/* A line may fill what is left of its block, one byte more does not fit. */
START_TEST(test_line_limit)
{
	const struct line_kind *k = &line_kinds[_i];
	bool in_body = strncmp(k->before, CHUNKED, strlen(CHUNKED)) == 0;
	size_t start = in_body ? strlen(k->before) : 0;
	size_t head = in_body ? 0 : strlen(k->before);
	size_t fill = HTTP1_HEADERS_MAX - head - strlen(k->line) - strlen(k->end);
	struct buf t;

	for (size_t more = 0; more < 2; more++) {
		t = (struct buf){0};
		text_add(&t, k->before);
		text_add(&t, k->line);
		text_fill(&t, k->fill, fill + more);
		text_add(&t, k->end);
		if (more == 0)
			assert_limit(&t, HTTP1_MORE, t.len, NULL);
		else
			assert_limit(&t, HTTP1_ERROR, start + HTTP1_HEADERS_MAX,
				in_body ? "chunk framing or trailers of more than 1 MiB"
					: "headers of more than 1 MiB");
	}
}
END_TEST

/* Endless headers (0), endless trailers (1), endless empty lines (2), each line short. */
START_TEST(test_block_limit)
{
	struct buf t = {0};
	size_t start = 0;

	if (_i == 1)
		text_add(&t, CHUNKED "1\r\na\r\n0\r\n");
	else if (_i == 0)
		text_add(&t, OK11);
	start = _i == 1 ? t.len : 0;
	while (t.len < start + HTTP1_HEADERS_MAX + 100)
		text_add(&t, _i == 2 ? "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
				     : "X-Header-Of-No-Interest: and its value, which is of no "
				       "interest as well, but long\r\n");
	assert_limit(&t, HTTP1_ERROR, start + HTTP1_HEADERS_MAX,
		_i == 1 ? "chunk framing or trailers of more than 1 MiB"
			: "headers of more than 1 MiB");
}
END_TEST

START_TEST(test_block_exactly_full)
{
	struct buf t = {0};

	text_add(&t, OK11 "Content-Length: 1\r\n");
	while (HTTP1_HEADERS_MAX - t.len > 100000 + 2) {
		text_add(&t, "A:");
		text_fill(&t, 'x', 997);
		text_add(&t, "\n");
	}
	text_add(&t, "A:");
	text_fill(&t, 'x', HTTP1_HEADERS_MAX - t.len - 2);
	text_add(&t, "\n\nb");
	assert_limit(&t, HTTP1_DONE, HTTP1_HEADERS_MAX + 1, NULL);
}
END_TEST

/* Servers are met that send more, in lines and in all, than other clients take. */
START_TEST(test_large_headers)
{
	struct buf t = {0};

	text_add(&t, OK11 "Set-Cookie: a=");
	text_fill(&t, 'x', 20000);
	text_add(&t, "\r\n");
	for (size_t i = 0; i < 5000; i++)
		text_add(&t, i % 3 == 0	  ? "Connection: x\r\n"
			     : i % 3 == 1 ? "A:\r\n b\r\n"
					  : "Set-Cookie: a=b; path=/\r\n");
	text_add(&t, "Content-Length: 1\r\n\r\na");
	assert_limit(&t, HTTP1_DONE, t.len, NULL);
}
END_TEST

/* Many small chunks, each with an extension, are more than a header block may be: no limit. */
START_TEST(test_many_chunks)
{
	struct buf t = {0};

	text_add(&t, CHUNKED);
	while (t.len < 2 * HTTP1_HEADERS_MAX)
		text_add(&t, "1;extension\r\na\r\n");
	text_add(&t, "0\r\n\r\n");
	assert_limit(&t, HTTP1_DONE, t.len, NULL);
}
END_TEST

START_TEST(test_informational_limit)
{
	struct buf t = {0}, u = {0};

	for (int i = 0; i < HTTP1_INFORMATIONAL_MAX; i++) {
		text_add(&t, "HTTP/1.1 102 x\r\n\r\n");
		text_add(&u, "HTTP/1.1 102 x\r\n\r\n");
	}
	text_add(&t, OK11 "Content-Length: 0\r\n\r\n");
	assert_limit(&t, HTTP1_DONE, t.len, NULL);
	text_add(&u, "HTTP/1.1 102 x\r\n\r\n");
	assert_limit(&u, HTTP1_ERROR, u.len - 2, "too many 1xx responses");
}
END_TEST

/* ---------------------------------------------------------------- passing over runs */

static const char *slow_token(const char *s, const char *end)
{
	while (s < end && http1_scan_is_tchar[(unsigned char)*s])
		s++;
	return s;
}

static const char *slow_text(const char *s, const char *end)
{
	while (s < end && !http1_scan_is_control((unsigned char)*s))
		s++;
	return s;
}

/* Runs of every length up to 70, ended by every byte or by a page that may not be read, from every
 * offset: the vectorised scan, the portable one and the plain loop agree. */
START_TEST(test_scan)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	uint32_t random = 1;

	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)(round % 71);
		char *start = guard_end - len;

		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			start[i] = letters[(random >> 16) % (sizeof(letters) - 1)];
			if ((random >> 8) % 37 == 0)
				start[i] = (char)(random >> 24);
		}
		for (const char *s = start; s < guard_end; s++) {
			suite_assert(http1_scan_token(s, guard_end) == slow_token(s, guard_end));
			suite_assert(http1_scan_token_portable(s, guard_end) ==
				     slow_token(s, guard_end));
			suite_assert(http1_scan_text(s, guard_end) == slow_text(s, guard_end));
			suite_assert(
				http1_scan_text_portable(s, guard_end) == slow_text(s, guard_end));
		}
	}
	ck_assert_ptr_eq(http1_scan_token(guard_end, guard_end), guard_end);
	ck_assert_ptr_eq(http1_scan_text(guard_end, guard_end), guard_end);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http1_limits");
	TCase *tcase = tcase_create("limits");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup_guard, NULL);
	tcase_add_loop_test(tcase, test_line_limit, 0, N_LINE_KINDS);
	tcase_add_loop_test(tcase, test_block_limit, 0, 3);
	tcase_add_test(tcase, test_block_exactly_full);
	tcase_add_test(tcase, test_large_headers);
	tcase_add_test(tcase, test_many_chunks);
	tcase_add_test(tcase, test_informational_limit);
	tcase_add_test(tcase, test_scan);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
