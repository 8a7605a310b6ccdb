/* SPDX-License-Identifier: Apache-2.0 */
/* The response parser against the table of http1_cases.h. Each response is fed whole, byte by byte,
 * and cut in two at every place, plainly, with a memo and to a sink, always from memory that ends
 * at a page that may not be read; verdict, end, fields and even the reason of an error must be the
 * same each time. */
#include "daemon/http/http1.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/http/http1_cases.h"
#include "tests/unit/http/http1_feed.h"

/* So many cases for each process: with a sanitizer, forking takes longer than the test. */
#define BATCH 16
#define N_BATCHES ((N_CASES + BATCH - 1) / BATCH)

static void each_of_batch(int batch, void (*check)(size_t i))
{
	for (size_t i = (size_t)batch * BATCH; i < N_CASES && i / BATCH == (size_t)batch; i++)
		check(i);
}

static struct message message_of(const struct http1_case *c)
{
	static char text[4096];

	fed_name = c->name;
	ck_assert_uint_le(c->taken_len + c->rest_len, sizeof(text));
	memcpy(text, c->taken, c->taken_len);
	memcpy(text + c->taken_len, c->rest, c->rest_len);
	return (struct message){text, c->taken_len + c->rest_len,
		(c->flags & HEAD ? HTTP1_ASKED_HEAD : 0) |
			(c->flags & SWITCH ? HTTP1_ASKED_UPGRADE : 0),
		c->flags & CLOSE};
}

static void check_case(size_t i)
{
	const struct http1_case *c = &cases[i];
	struct message m = message_of(c);
	struct outcome o = feed_pieces(&m, m.len, m.len);

	ck_assert_msg(o.result == c->result, "%s: verdict %d (%s)", c->name, o.result,
		o.p.error ? o.p.error : "");
	ck_assert_msg(o.used == c->taken_len, "%s: used %zu of %zu (%s)", c->name, o.used,
		c->taken_len, o.p.error ? o.p.error : "");
	ck_assert_msg(o.p.status == c->status, "%s: status %u", c->name, o.p.status);
	ck_assert_msg(o.p.has_status == (c->status != 0), "%s: has_status", c->name);
	ck_assert_msg(o.p.body_bytes == strlen(c->content), "%s: content of %" PRIu64, c->name,
		o.p.body_bytes);
	ck_assert_msg(o.p.is_close_delimited == !!(c->flags & CLOSE), "%s: delimited", c->name);
	ck_assert_msg(o.p.keep_alive == !!(c->flags & KEEP), "%s: keep_alive", c->name);
	ck_assert_msg((o.p.error != NULL) == (o.result == HTTP1_ERROR), "%s: error", c->name);
	assert_splits_agree(&m, &o, 1);
}

START_TEST(test_case)
{
	each_of_batch(_i, check_case);
}
END_TEST

/* The same table: what the memo holds, this head or one of many others, changes nothing. */
static void check_memo_changes_nothing(size_t i)
{
	static struct http1_memo m0;
	const struct http1_case *c = &cases[i];
	struct message m = message_of(c);
	struct outcome plain = feed_pieces(&m, m.len, m.len);
	struct outcome o;

	memo = &m0;
	for (size_t other = i % 11; other < N_CASES; other += 11) {
		m = message_of(&cases[other]);
		(void)feed_pieces(&m, m.len, m.len);
		m = message_of(c);
		for (int again = 0; again < 2; again++) {
			o = feed_pieces(&m, m.len, m.len);
			assert_same(&plain, &o);
		}
	}
	assert_splits_agree(&m, &plain, 1);
	memo = NULL;
}

START_TEST(test_memo_changes_nothing)
{
	each_of_batch(_i, check_memo_changes_nothing);
}
END_TEST

/* The header lines of the final response, found in another way than the parser's: after the status
 * line that has its status, up to an empty line. */
static void find_head(
	const struct message *m, const struct http1_case *c, size_t *ret_start, size_t *ret_end)
{
	const char *t = m->data;
	size_t at = 0, end, taken_len = c->taken_len;
	char status[16];

	snprintf(status, sizeof(status), " %03u", c->status);
	while (at + 12 < taken_len &&
		(memcmp(t + at, "HTTP/1.", 7) != 0 || memcmp(t + at + 8, status, 4) != 0 ||
			(at > 0 && t[at - 1] != '\n')))
		at++;
	do
		at++;
	while (at < taken_len && t[at - 1] != '\n');
	for (end = at; end < taken_len; end++) {
		if (t[end] != '\n')
			continue;
		if (end == at || t[end - 1] == '\n' ||
			(t[end - 1] == '\r' && (end - 1 == at || t[end - 2] == '\n')))
			break;
	}
	*ret_start = at;
	*ret_end = end < taken_len ? end + 1 : taken_len;
}

static void assert_told(const struct message *m, const struct http1_case *c)
{
	size_t start, end;

	suite_assert_msg(told.body_len == strlen(c->content), "%s: content", c->name);
	suite_assert_msg(memcmp(told.body, c->content, told.body_len) == 0, "%s: content", c->name);
	if (c->status == 0) {
		suite_assert(told.head_len == 0);
		return;
	}
	find_head(m, c, &start, &end);
	suite_assert_msg(told.head_len == end - start, "%s: header", c->name);
	suite_assert_msg(
		memcmp(told.head, m->data + start, told.head_len) == 0, "%s: header", c->name);
}

/* The same table: a sink hears of the header and the content, and its presence changes nothing. */
static void check_sink(size_t i)
{
	static const struct http1_sink deaf;
	const struct http1_case *c = &cases[i];
	struct message m = message_of(c);
	struct outcome plain = feed_pieces(&m, m.len, m.len), o;

	sink = &both;
	for (size_t cut = 1; cut <= m.len; cut++) {
		o = feed_pieces(&m, cut, m.len);
		assert_same(&plain, &o);
		assert_told(&m, c);
		o = feed_pieces(&m, cut, cut);
		assert_same(&plain, &o);
		assert_told(&m, c);
	}
	sink = &deaf;
	o = feed_pieces(&m, m.len, m.len);
	assert_same(&plain, &o);
	sink = NULL;
}

START_TEST(test_sink)
{
	each_of_batch(_i, check_sink);
}
END_TEST

/* The same table: a peer that closes in the middle completes only what is delimited by that. */
static void check_closed_at_every_byte(size_t i)
{
	struct message m = message_of(&cases[i]);
	size_t len = m.len;
	enum http1_result before;
	struct outcome o;
	bool delimited;

	m.is_closed = false;
	for (m.len = 0; m.len <= len; m.len++) {
		o = feed_pieces(&m, m.len, m.len);
		before = o.result;
		delimited = o.p.is_close_delimited;
		o.result = http1_end(&o.p);
		if (before == HTTP1_MORE)
			ck_assert_int_eq(o.result, delimited ? HTTP1_DONE : HTTP1_ERROR);
		else
			ck_assert_int_eq(o.result, before);
		if (o.result == HTTP1_ERROR)
			ck_assert_ptr_nonnull(o.p.error);
	}
}

START_TEST(test_closed_at_every_byte)
{
	each_of_batch(_i, check_closed_at_every_byte);
}
END_TEST

START_TEST(test_closed_untouched)
{
	struct http1 p;

	http1_start(&p, 0);
	ck_assert_int_eq(http1_end(&p), HTTP1_ERROR);
	ck_assert_str_eq(p.error, "closed before the response");
	/* The engine asks this to know whether it may send the request again. */
	ck_assert(http1_is_untouched(&p));
}
END_TEST

START_TEST(test_nothing_after_the_end)
{
	struct http1 p;
	size_t used = 99;

	http1_start(&p, HTTP1_ASKED_HEAD);
	ck_assert_int_eq(http1_feed(&p, "HTTP/1.1 200\n\n", 14, &used), HTTP1_DONE);
	ck_assert_int_eq(http1_feed(&p, "HTTP", 4, &used), HTTP1_DONE);
	ck_assert_uint_eq(used, 0);
	http1_start(&p, 0);
	ck_assert_int_eq(http1_feed(&p, "X", 1, &used), HTTP1_ERROR);
	ck_assert(!http1_is_untouched(&p));
	ck_assert_int_eq(http1_feed(&p, "HTTP", 4, &used), HTTP1_ERROR);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(http1_skippable(&p), 0);
}
END_TEST

START_TEST(test_no_bytes)
{
	struct http1 p;
	size_t used = 99;

	http1_start(&p, 0);
	ck_assert_int_eq(http1_feed(&p, NULL, 0, &used), HTTP1_MORE);
	ck_assert_uint_eq(used, 0);
	ck_assert(http1_is_untouched(&p));
}
END_TEST

/* A status of 0 is one. */
START_TEST(test_status_zero)
{
	static const char text[] = "HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n";
	struct http1 p;
	size_t used;

	http1_start(&p, 0);
	ck_assert_int_eq(http1_feed(&p, text, sizeof(text) - 1, &used), HTTP1_DONE);
	ck_assert(p.has_status);
	ck_assert_uint_eq(p.status, 0);
	ck_assert(p.keep_alive);
}
END_TEST

/* What the owner is told of bytes that are no response. */
static const struct {
	const char *data;
	size_t len;
	enum http1_foreign foreign;
	const char *error;
} refused[] = {
	{TEXT("\x15\x03\x01"), HTTP1_FOREIGN_TLS,
		"this server speaks TLS at this port: try https://"},
	{TEXT("\r\n\x15\x03"), HTTP1_FOREIGN_TLS,
		"this server speaks TLS at this port: try https://"},
	{TEXT("\0\0\x12\x04\0"), HTTP1_FOREIGN_HTTP2,
		"this server speaks HTTP/2, which rpsd does not"},
	{TEXT("\0\0\x12\x05\0"), HTTP1_FOREIGN_OTHER, "this is not an HTTP response"},
	{TEXT("\x15\x02"), HTTP1_FOREIGN_OTHER, "this is not an HTTP response"},
	{TEXT("\x15\n"), HTTP1_FOREIGN_OTHER, "the status line is cut short"},
	{TEXT("220 mail"), HTTP1_FOREIGN_OTHER, "this is not an HTTP response"},
	{TEXT("HTCPCP/1.0"), HTTP1_FOREIGN_OTHER, "this is not an HTTP response"},
	{TEXT("HT\x01"), HTTP1_FOREIGN_OTHER, "a control character in a line"},
	{TEXT("HTTP/2 200\r\n"), HTTP1_NOT_FOREIGN, "the version is not HTTP/1"},
	{TEXT("HTTP/1.1  200 OK\r\n"), HTTP1_NOT_FOREIGN, "more than one blank before the status"},
	{TEXT("HTTP/1.1 2 \r\n"), HTTP1_NOT_FOREIGN, "the status is not three digits"},
	{TEXT("HTTP/1.1 100\r\n\r\nabc"), HTTP1_NOT_FOREIGN, "this is not an HTTP response"},
	{TEXT("HTTP/1.1 200\r\n\x01: x\r\n"), HTTP1_NOT_FOREIGN, "a control character in a line"},
};

START_TEST(test_refused_as)
{
	struct http1 p;
	size_t used;

	http1_start(&p, 0);
	ck_assert_int_eq(http1_feed(&p, refused[_i].data, refused[_i].len, &used), HTTP1_ERROR);
	ck_assert_str_eq(p.error, refused[_i].error);
	ck_assert_int_eq(p.foreign, refused[_i].foreign);
}
END_TEST

START_TEST(test_head_bytes)
{
	static const char text[] = "\n"
				   "HTTP/1.1 100 C\r\n\r\n" OK11
				   "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n";
	struct http1 p;
	size_t used;

	http1_start(&p, 0);
	ck_assert_int_eq(http1_feed(&p, text, sizeof(text) - 1, &used), HTTP1_DONE);
	ck_assert_uint_eq(p.head_bytes, 1 + 18 + 17 + 28 + 2);
	ck_assert_uint_eq(p.body_bytes, 1);
}
END_TEST

START_TEST(test_skip_giant)
{
	static const char head[] = OK11 "Content-Length: 9000000000000000001\r\n\r\n";
	uint64_t giant = UINT64_C(9000000000000000000);
	struct http1 p;
	size_t used;

	http1_start(&p, 0);
	ck_assert_int_eq(http1_feed(&p, head, sizeof(head) - 1, &used), HTTP1_MORE);
	ck_assert_uint_eq(http1_skippable(&p), giant + 1);
	ck_assert_int_eq(http1_skipped(&p, 0), HTTP1_MORE);
	ck_assert_int_eq(http1_skipped(&p, giant), HTTP1_MORE);
	ck_assert_uint_eq(http1_skippable(&p), 1);
	ck_assert_int_eq(http1_skipped(&p, 1), HTTP1_DONE);
	ck_assert_uint_eq(p.body_bytes, giant + 1);
	ck_assert(p.keep_alive);
}
END_TEST

/* Every byte in every kind of place: only the bytes that may stand there are taken. */
START_TEST(test_every_byte)
{
	static const char *const before[] = {"HTTP/1.1 200 ", OK11 "A", OK11 "A: "};
	char text[64];
	struct http1 p;
	size_t used, len = strlen(before[_i]);
	bool good;

	for (int c = 0; c < 256; c++) {
		memcpy(text, before[_i], len);
		text[len] = (char)c;
		memcpy(text + len + 1, "abcdefgh", 8);
		http1_start(&p, 0);
		good = http1_feed(&p, text, len + 9, &used) == HTTP1_MORE;
		if (_i == 1)
			ck_assert_int_eq(good,
				c == ':' || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL) ||
					(c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
					(c >= 'A' && c <= 'Z'));
		else
			ck_assert_int_eq(good, c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http1");
	TCase *table = tcase_create("table"), *rest = tcase_create("rest");

	tcase_set_timeout(table, 60);
	tcase_add_checked_fixture(table, setup_guard, NULL);
	tcase_add_loop_test(table, test_case, 0, N_BATCHES);
	tcase_add_loop_test(table, test_closed_at_every_byte, 0, N_BATCHES);
	tcase_add_loop_test(table, test_memo_changes_nothing, 0, N_BATCHES);
	tcase_add_loop_test(table, test_sink, 0, N_BATCHES);
	suite_add_tcase(suite, table);

	tcase_set_timeout(rest, 60);
	tcase_add_checked_fixture(rest, setup_guard, NULL);
	tcase_add_test(rest, test_closed_untouched);
	tcase_add_test(rest, test_nothing_after_the_end);
	tcase_add_test(rest, test_no_bytes);
	tcase_add_test(rest, test_status_zero);
	tcase_add_loop_test(rest, test_refused_as, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(rest, test_head_bytes);
	tcase_add_test(rest, test_skip_giant);
	tcase_add_loop_test(rest, test_every_byte, 0, 3);
	suite_add_tcase(suite, rest);

	return suite_main(suite);
}
