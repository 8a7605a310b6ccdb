/* SPDX-License-Identifier: Apache-2.0 */
/* The prepared answers: their heads, and bodies longer than what is held of them. */
#include "daemon/origin/origin_answer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static struct origin_answer answer;

static void teardown(void)
{
	origin_answer_fini(&answer);
}

static const struct head {
	unsigned status;
	enum origin_answer_kind kind;
	uint64_t body_bytes;
	uint64_t total_body;
	const char *text;
} heads[] = {
	{200, ORIGIN_ANSWER_STAYS, 3, 3,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n"},
	{200, ORIGIN_ANSWER_STAYS_HTTP10, 0, 0,
		"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: text/plain\r\n"
		"Content-Length: 0\r\n\r\n"},
	{503, ORIGIN_ANSWER_CLOSES, UINT64_C(9000000000), UINT64_C(9000000000),
		"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: "
		"text/plain\r\nContent-Length: 9000000000\r\n\r\n"},
	{599, ORIGIN_ANSWER_STAYS, 1, 1,
		"HTTP/1.1 599 \r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n"},
	/* No body is allowed, so none is announced. */
	{204, ORIGIN_ANSWER_STAYS, 7, 0, "HTTP/1.1 204 \r\n\r\n"},
	{304, ORIGIN_ANSWER_CLOSES, 7, 0, "HTTP/1.1 304 \r\nConnection: close\r\n\r\n"},
};

START_TEST(the_head_says_it_all)
{
	const struct head *h = &heads[_i];

	ck_assert_int_eq(origin_answer_build(&answer, h->status, h->kind, h->body_bytes), 0);
	ck_assert_uint_eq(answer.head_len, strlen(h->text));
	ck_assert_mem_eq(answer.block, h->text, answer.head_len);
	ck_assert_uint_eq(answer.total, answer.head_len + h->total_body);
}
END_TEST

static const uint64_t sizes[] = {0, 1, 262143, 262144, 262145, 1000000};

/* From every offset that a partial send may leave, the pieces add up to the whole. */
START_TEST(the_pieces_make_the_whole)
{
	static const uint64_t steps[] = {UINT64_MAX, 1000, 77777};
	const char *piece;

	ck_assert_int_eq(origin_answer_build(&answer, 200, ORIGIN_ANSWER_STAYS, sizes[_i]), 0);
	for (size_t s = 0; s < 3; s++) {
		uint64_t offset = 0;

		while (offset < answer.total) {
			size_t len = origin_answer_at(&answer, offset, &piece);

			ck_assert_uint_ge(len, 1);
			ck_assert_uint_le(len, answer.total - offset);
			if (offset == 0)
				ck_assert_mem_eq(piece, "HTTP/1.1 200", 12);
			ck_assert(piece[len - 1] == 'x' || offset + len == answer.head_len);
			if (offset >= answer.head_len)
				ck_assert_int_eq(piece[0], 'x');
			offset += len < steps[s] ? len : steps[s];
		}
		ck_assert_uint_eq(offset, answer.total);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_answer");
	TCase *tcase = tcase_create("answers");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(
		tcase, the_head_says_it_all, 0, (int)(sizeof(heads) / sizeof(heads[0])));
	tcase_add_loop_test(
		tcase, the_pieces_make_the_whole, 0, (int)(sizeof(sizes) / sizeof(sizes[0])));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
