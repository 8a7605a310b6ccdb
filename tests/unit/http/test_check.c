/* SPDX-License-Identifier: Apache-2.0 */
/* Checks over responses cut at every place: each gives the same verdict, and tells what it found.
 * Pieces are given as copies of their own size, so that a byte too far is a fault (ASan). */
#include "daemon/http/check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/plan/plan.h"
#include "tests/support/suite.h"

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define SHA256_OF_ABC                                                                              \
	{                                                                                          \
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d,      \
			0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4,    \
			0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad                                   \
	}

static void give(void (*take)(void *, const char *, size_t), void *arg, const char *data, size_t n)
{
	char *copy = malloc(n ? n : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, n);
	take(arg, copy, n);
	free(copy);
}

/* In pieces of size bytes, the first of `first` (0: none like that). */
static void give_cut(
	struct check *c, bool is_head, const char *data, size_t len, size_t first, size_t size)
{
	size_t at = 0;

	while (at < len) {
		const struct http1_sink *sink = check_sink(c);
		size_t piece = at == 0 && first > 0 ? first : size;

		if (piece > len - at)
			piece = len - at;
		if (is_head && sink->on_head)
			give(sink->on_head, sink->arg, data + at, piece);
		if (!is_head && sink->on_body)
			give(sink->on_body, sink->arg, data + at, piece);
		at += piece;
	}
}

/* Once with each split, once in single bytes: the same verdict and example, always. */
static enum fault judge(const struct plan_request *r, const char *head, const char *body,
	size_t body_len, char example[static CHECK_EXAMPLE_MAX])
{
	size_t head_len = strlen(head), longest = head_len > body_len ? head_len : body_len;
	enum fault fault = FAULT_COUNT;
	struct check *c;

	ck_assert_int_eq(check_new(r, 1, NULL, &c), 0);
	ck_assert_ptr_nonnull(c);
	for (size_t split = 0; split <= longest; split++) {
		char said[CHECK_EXAMPLE_MAX];
		size_t size = split == 0 ? 1 : longest;
		enum fault now;

		memset(said, 'x', sizeof(said));
		check_start(c, r);
		give_cut(c, true, head, head_len, split, size);
		give_cut(c, false, body, body_len, split, size);
		now = check_verdict(c, r, 200, body_len, said);
		if (split == 0) {
			fault = now;
			memcpy(example, said, sizeof(said));
		}
		ck_assert_int_eq(now, fault);
		ck_assert_str_eq(said, example);
	}
	ck_assert_ptr_null(check_free(c));
	return fault;
}

static struct plan_request plain(void)
{
	struct plan_request r = {.weight = 1};

	for (unsigned status = 200; status < 400; status++)
		r.expect_statuses.bits[status / 64] |= UINT64_C(1) << (status % 64);
	return r;
}

/* ---------------------------------------------------------------- status and size */

START_TEST(test_status)
{
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];

	r.has_expect_size = true;
	r.expect_size_min = r.expect_size_max = 7;
	ck_assert_int_eq(check_verdict(NULL, &r, 200, 7, example), FAULT_NONE);
	ck_assert_str_eq(example, "");
	ck_assert_int_eq(check_verdict(NULL, &r, 399, 7, example), FAULT_NONE);
	ck_assert_int_eq(check_verdict(NULL, &r, 199, 7, example), FAULT_STATUS);
	ck_assert_int_eq(check_verdict(NULL, &r, 400, 7, example), FAULT_STATUS);
	ck_assert_int_eq(check_verdict(NULL, &r, 999, 7, example), FAULT_STATUS);
	/* What else is wrong with it is not asked. */
	ck_assert_int_eq(check_verdict(NULL, &r, 503, 8, example), FAULT_STATUS);
	ck_assert_str_eq(example, "status 503");
	strcpy(r.expect_statuses.text, "201,204");
	ck_assert_int_eq(check_verdict(NULL, &r, 503, 8, example), FAULT_STATUS);
	ck_assert_str_eq(example, "status 503, expected 201,204");
}
END_TEST

static const struct {
	uint64_t min, max, bytes;
	const char *example; /* NULL: good */
} sizes[] = {
	{1024, 1024, 1024, NULL},
	{1024, 1024, 512, "body has 512 bytes, expected 1024"},
	{0, 0, 0, NULL},
	{0, 0, 1, "body has 1 bytes, expected 0"},
	{10, 20, 10, NULL},
	{10, 20, 20, NULL},
	{10, 20, 9, "body has 9 bytes, expected at least 10"},
	{10, 20, 21, "body has 21 bytes, expected at most 20"},
	{10, UINT64_MAX, UINT64_MAX, NULL},
	{UINT64_MAX, UINT64_MAX, 0, "body has 0 bytes, expected 18446744073709551615"},
};

START_TEST(test_size)
{
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];
	struct check *c;

	r.has_expect_size = true;
	r.expect_size_min = sizes[_i].min;
	r.expect_size_max = sizes[_i].max;
	ck_assert(!check_wants_head(&r) && !check_wants_body(&r));
	ck_assert_int_eq(check_new(&r, 1, NULL, &c), 0);
	ck_assert_ptr_null(c);
	ck_assert_int_eq(check_verdict(NULL, &r, 200, sizes[_i].bytes, example),
		sizes[_i].example ? FAULT_CHECK_SIZE : FAULT_NONE);
	ck_assert_str_eq(example, sizes[_i].example ? sizes[_i].example : "");
}
END_TEST

/* ---------------------------------------------------------------- headers */

#define LONG_VALUE                                                                                 \
	"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"                 \
	"0123456789abcdefghijklmnopqrstuvwxyz"

static const struct {
	const char *name, *value; /* expected */
	const char *head;
	const char *example; /* NULL: good */
} headers[] = {
	{"X-A", NULL, "X-A: 1\r\n\r\n", NULL},
	{"X-A", NULL, "x-a:\r\n\r\n", NULL}, /* there, though empty */
	{"X-A", NULL, "X-AB: 1\r\nX: 2\r\n\r\n", "no header X-A"},
	{"X-A", NULL, "\r\n", "no header X-A"},
	{"X-A", NULL, "Other: X-A: 1\r\n\r\n", "no header X-A"},
	{"X-A", "1", "x-A:1\r\n\r\n", NULL},
	{"X-A", "1", "Date: now\r\nX-A: \t 1 \t \r\nZ: 9\r\n\r\n", NULL},
	{"X-A", "1", "X-A: 11\r\n\r\n", "X-A is 11, expected 1"},
	{"X-A", "11", "X-A: 1\r\n\r\n", "X-A is 1, expected 11"},
	{"X-A", "a", "X-A: A\r\n\r\n", "X-A is A, expected a"},
	{"X-A", "", "X-A: \t \r\n\r\n", NULL},
	{"X-A", "", "X-A: 1\r\n\r\n", "X-A is 1, expected it empty"},
	{"X-A", "1", "X-A:\r\n\r\n", "X-A is empty, expected 1"},
	{"X-A", "a:b c", "X-A: a:b c\r\n\r\n", NULL},
	{"X-A", "a b", "X-A: a  b\r\n\r\n", "X-A is a  b, expected a b"},
	/* several lines: any may fit, the first is told */
	{"X-A", "2", "X-A: 1\r\nX-A: 2\r\nX-A: 3\r\n\r\n", NULL},
	{"X-A", "4", "X-A: 1\r\nX-A: 2\r\n\r\n", "X-A is 1, expected 4"},
	/* the last line of all */
	{"X-A", "1", "B: 2\r\nX-A: 1\r\n\r\n", NULL},
	/* bare line feeds, as a lenient parser may let them pass */
	{"X-A", "1", "B: 2\nX-A: 1\n\n", NULL},
	/* folded lines */
	{"X-A", "1 2", "X-A: 1 \r\n \t 2\r\n\r\n", NULL},
	{"X-A", "1", "X-A:\r\n 1\r\n\r\n", NULL},
	{"X-A", "1", "X-A: 1\r\n \r\n\r\n", NULL},
	{"X-A", "1", "X-A: 1\r\n 2\r\n\r\n", "X-A is 1 2, expected 1"},
	{"X-A", "1", "B: 1\r\n X-A: 1\r\n\r\n", "no header X-A"},
	{"X-A", "1", "B: 1\r\n 2\r\nX-A: 1\r\n\r\n", NULL},
	/* longer than all that is expected, and than what is shown */
	{"X-A", LONG_VALUE, "X-A: " LONG_VALUE "\r\n\r\n", NULL},
	{"X-A", LONG_VALUE, "X-A: " LONG_VALUE "         \t  \r\n\r\n", NULL},
	{"X-A", LONG_VALUE, "X-A: " LONG_VALUE "         \t x\r\n\r\n",
		"X-A is 0123456789abcdefghijklmnopqrstuvwxyz0123..., expected "
		"0123456789abcdefghijkl"
		"mnopqrstuvwxyz0123456789abcdefghijklmnopq..."},
	{"X-A", "1",
		"X-A: 1                                                                          "
		"                                                                           "
		"\r\n\r\n",
		NULL},
	{"X-A", "1", "X-A-which-is-much-longer-than-any-name-that-is-expected: 1\r\nX-A: 1\r\n\r\n",
		NULL},
	/* not what a terminal should get */
	{"X-A", "1", "X-A: \x1b[2J\xff\xc3\xa4\r\n\r\n", "X-A is ?[2J?\xc3\xa4, expected 1"},
	/* a character that is cut is left out */
	{"X-A", "1", "X-A: 012345678901234567890123456789012345678\xc3\xa4\r\n\r\n",
		"X-A is 012345678901234567890123456789012345678..., expected 1"},
};

START_TEST(test_header)
{
	struct plan_header expected = {(char *)headers[_i].name, (char *)headers[_i].value};
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];
	enum fault fault;

	r.expect_headers = &expected;
	r.n_expect_headers = 1;
	fault = judge(&r, headers[_i].head, "body: X-A: 1", 12, example);
	ck_assert_str_eq(example, headers[_i].example ? headers[_i].example : "");
	ck_assert_int_eq(fault, headers[_i].example ? FAULT_CHECK_HEADER : FAULT_NONE);
}
END_TEST

START_TEST(test_headers_together)
{
	struct plan_header expected[] = {{(char *)"A", (char *)"1"}, {(char *)"B", NULL},
		{(char *)"a", (char *)"2"}, {(char *)"Content-Type", (char *)"text/plain"}};
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];

	r.expect_headers = expected;
	r.n_expect_headers = 4;
	ck_assert_int_eq(judge(&r, "a: 2\r\nA: 1\r\nb: 0\r\ncontent-type: text/plain\r\n\r\n", "",
				 0, example),
		FAULT_NONE);
	ck_assert_int_eq(judge(&r, "a: 2\r\nA: 1\r\nb: 0\r\ncontent-type: text/html\r\n\r\n", "", 0,
				 example),
		FAULT_CHECK_HEADER);
	ck_assert_str_eq(example, "Content-Type is text/html, expected text/plain");
	ck_assert_int_eq(judge(&r, "a: 3\r\nB: 0\r\n\r\n", "", 0, example), FAULT_CHECK_HEADER);
	ck_assert_str_eq(example, "A is 3, expected 1"); /* the first one expected */
	ck_assert_int_eq(judge(&r, "A: 1\r\nA: 2\r\n\r\n", "", 0, example), FAULT_CHECK_HEADER);
	ck_assert_str_eq(example, "no header B");
}
END_TEST

/* ---------------------------------------------------------------- body */

static const struct {
	const char *text;
	size_t text_len;
	const char *body;
	size_t body_len;
	const char *example; /* NULL: good */
} bodies[] = {
	{"ok", 2, "all is ok", 9, NULL},
	{"ok", 2, "o k", 3, "body of 3 bytes lacks the text; it begins: o k"},
	{"ok", 2, "", 0, "body is empty"},
	{"", 0, "", 0, NULL},
	{"", 0, "x", 1, NULL},
	{"aab", 3, "aaaaab", 6, NULL},
	{"abcabd", 6, "abcabcabcabd!", 13, NULL},
	{"abaabaaab", 9, "abaabaabaabaaab", 15, NULL},
	{"\0\xff\r\n", 4, "x\0\0\xff\r\ny", 7, NULL},
	{"\0\xff", 2, "\xff\0\r\n{\"a\":\t1}", 12,
		"body of 12 bytes lacks the text; it begins: ??  {\"a\": 1}"},
	{"<html>", 6,
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789<html",
		115,
		"body of 115 bytes lacks the text; it begins: "
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678.."
		"."},
};

START_TEST(test_body)
{
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];
	enum fault fault;

	r.expect_body = (char *)bodies[_i].text;
	r.expect_body_len = bodies[_i].text_len;
	fault = judge(&r, "A: ok\r\n\r\n", bodies[_i].body, bodies[_i].body_len, example);
	ck_assert_str_eq(example, bodies[_i].example ? bodies[_i].example : "");
	ck_assert_int_eq(fault, bodies[_i].example ? FAULT_CHECK_BODY : FAULT_NONE);
}
END_TEST

START_TEST(test_hash)
{
	struct plan_request r = plain();
	static const uint8_t abc[32] = SHA256_OF_ABC;
	char example[CHECK_EXAMPLE_MAX];

	r.has_expect_sha256 = true;
	memcpy(r.expect_sha256, abc, sizeof(abc));
	ck_assert_int_eq(judge(&r, "\r\n", "abc", 3, example), FAULT_NONE);
	ck_assert_int_eq(judge(&r, "\r\n", "", 0, example), FAULT_CHECK_HASH);
	ck_assert_str_eq(example,
		"body has SHA-256 "
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

/* Text and hash together: the text at the very front must not keep the rest from the hash. */
START_TEST(test_text_and_hash)
{
	struct plan_request r = plain();
	static const uint8_t abc[32] = SHA256_OF_ABC;
	char example[CHECK_EXAMPLE_MAX];

	r.has_expect_sha256 = true;
	memcpy(r.expect_sha256, abc, sizeof(abc));
	r.expect_body = (char *)"a";
	r.expect_body_len = 1;
	ck_assert_int_eq(judge(&r, "\r\n", "abc", 3, example), FAULT_NONE);
	ck_assert_int_eq(judge(&r, "\r\n", "abd", 3, example), FAULT_CHECK_HASH);
}
END_TEST

/* Each check fails, and is mended, one after the other. */
START_TEST(test_order)
{
	struct plan_header expected = {(char *)"A", (char *)"1"};
	struct plan_request r = plain();
	static const uint8_t abc[32] = SHA256_OF_ABC;
	char example[CHECK_EXAMPLE_MAX];

	r.expect_headers = &expected;
	r.n_expect_headers = 1;
	r.has_expect_size = true;
	r.expect_size_min = r.expect_size_max = 9;
	r.expect_body = (char *)"z";
	r.expect_body_len = 1;
	r.has_expect_sha256 = true;
	r.expect_statuses = (struct plan_statuses){0};
	ck_assert_int_eq(judge(&r, "A: 2\r\n\r\n", "abc", 3, example), FAULT_STATUS);
	r.expect_statuses = plain().expect_statuses;
	ck_assert_int_eq(judge(&r, "A: 2\r\n\r\n", "abc", 3, example), FAULT_CHECK_HEADER);
	ck_assert_int_eq(judge(&r, "A: 1\r\n\r\n", "abc", 3, example), FAULT_CHECK_SIZE);
	r.expect_size_min = r.expect_size_max = 3;
	ck_assert_int_eq(judge(&r, "A: 1\r\n\r\n", "abc", 3, example), FAULT_CHECK_BODY);
	r.expect_body = (char *)"bc";
	r.expect_body_len = 2;
	ck_assert_int_eq(judge(&r, "A: 1\r\n\r\n", "abc", 3, example), FAULT_CHECK_HASH);
	memcpy(r.expect_sha256, abc, sizeof(abc));
	ck_assert_int_eq(judge(&r, "A: 1\r\n\r\n", "abc", 3, example), FAULT_NONE);
}
END_TEST

/* ---------------------------------------------------------------- life */

/* An answer to HEAD has no content, whatever its header says: its headers are judged, and a text
 * in its body is not there. */
START_TEST(test_head)
{
	struct plan_header expected = {(char *)"Content-Length", (char *)"3"};
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];

	r.method = (char *)"HEAD";
	r.expect_headers = &expected;
	r.n_expect_headers = 1;
	ck_assert_int_eq(judge(&r, "Content-Length: 3\r\n\r\n", "", 0, example), FAULT_NONE);
	r.expect_body = (char *)"abc";
	r.expect_body_len = 3;
	ck_assert_int_eq(judge(&r, "Content-Length: 3\r\n\r\n", "", 0, example), FAULT_CHECK_BODY);
	ck_assert_str_eq(example, "body is empty");
}
END_TEST

/* One object for different requests, in any order, also after a response that was never finished.
 */
START_TEST(test_several_requests)
{
	struct plan_header expected[] = {{(char *)"A", (char *)"1"}, {(char *)"B", (char *)"2"}};
	struct plan_request requests[3] = {plain(), plain(), plain()};
	char example[CHECK_EXAMPLE_MAX];
	struct check *c;

	requests[0].expect_headers = expected;
	requests[0].n_expect_headers = 2;
	requests[1].expect_body = (char *)"hello";
	requests[1].expect_body_len = 5;
	ck_assert(check_wants_head(&requests[0]) && !check_wants_body(&requests[0]));
	ck_assert(!check_wants_head(&requests[1]) && check_wants_body(&requests[1]));
	ck_assert_int_eq(check_new(requests, 3, NULL, &c), 0);
	ck_assert_ptr_nonnull(c);
	for (int round = 0; round < 3; round++) {
		check_start(c, &requests[0]);
		ck_assert_ptr_nonnull(check_sink(c)->on_head);
		ck_assert_ptr_null(check_sink(c)->on_body);
		give_cut(c, true, "A: 1\r\nB: 2\r\n\r\n", 14, 0, 100);
		ck_assert_int_eq(check_verdict(c, &requests[0], 200, 0, example), FAULT_NONE);
		/* broken off in the middle of what would have been good */
		check_start(c, &requests[0]);
		give_cut(c, true, "A: 1\r\nB: 2", 10, 0, 100);
		check_start(c, &requests[1]);
		ck_assert_ptr_null(check_sink(c)->on_head);
		give_cut(c, false, "hel", 3, 0, 100);
		check_start(c, &requests[1]);
		give_cut(c, false, "lo", 2, 0, 100);
		ck_assert_int_eq(check_verdict(c, &requests[1], 200, 2, example), FAULT_CHECK_BODY);
		check_start(c, &requests[0]);
		give_cut(c, true, "\r\n", 2, 0, 100);
		ck_assert_int_eq(
			check_verdict(c, &requests[0], 200, 0, example), FAULT_CHECK_HEADER);
		/* one that asks for nothing needs no start */
		ck_assert_int_eq(check_verdict(c, &requests[2], 200, 9, example), FAULT_NONE);
	}
	check_free(c);
}
END_TEST

/* Once the text was found the rest of a body may go unseen; not while the hash wants it. */
START_TEST(test_rest_of_body_is_not_wanted)
{
	struct plan_request r = plain();
	char example[CHECK_EXAMPLE_MAX];
	struct check *c;

	r.expect_body = (char *)"hello";
	r.expect_body_len = 5;
	ck_assert_int_eq(check_new(&r, 1, NULL, &c), 0);
	check_start(c, &r);
	give_cut(c, false, "hell", 4, 0, 100);
	ck_assert_ptr_nonnull(check_sink(c)->on_body);
	give_cut(c, false, "o", 1, 0, 100);
	ck_assert_ptr_null(check_sink(c)->on_body);
	ck_assert_int_eq(check_verdict(c, &r, 200, 1000, example), FAULT_NONE);
	check_start(c, &r);
	ck_assert_ptr_nonnull(check_sink(c)->on_body);
	check_free(c);
	r.has_expect_sha256 = true;
	ck_assert_int_eq(check_new(&r, 1, NULL, &c), 0);
	check_start(c, &r);
	give_cut(c, false, "hello", 5, 0, 100);
	ck_assert_ptr_nonnull(check_sink(c)->on_body);
	check_free(c);
	ck_assert_ptr_null(check_free(NULL));
}
END_TEST

static TCase *cases(void)
{
	TCase *t = tcase_create("check");

	tcase_add_test(t, test_status);
	tcase_add_loop_test(t, test_size, 0, N(sizes));
	tcase_add_loop_test(t, test_header, 0, N(headers));
	tcase_add_test(t, test_headers_together);
	tcase_add_loop_test(t, test_body, 0, N(bodies));
	tcase_add_test(t, test_hash);
	tcase_add_test(t, test_text_and_hash);
	tcase_add_test(t, test_order);
	tcase_add_test(t, test_head);
	tcase_add_test(t, test_several_requests);
	tcase_add_test(t, test_rest_of_body_is_not_wanted);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("check");

	suite_add_tcase(suite, cases());
	return suite_main(suite);
}
