/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/request.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/plan/plan.h"
#include "common/version.h"
#include "daemon/http/http1.h"
#include "tests/support/suite.h"

#define AGENT "User-Agent: rpsd/" RPSD_VERSION " run=shop-7\r\n"
#define HEADERS_MAX 4

struct sample {
	const char *name;
	const char *method;
	struct plan_header headers[HEADERS_MAX];
	const char *body;
	unsigned reuse;
	const char *expected;
};

/* plan_header is not const: nothing here is written to. */
#define H(n, v)                                                                                    \
	{                                                                                          \
		(char *)(n), (char *)(v)                                                           \
	}

static const struct sample samples[] = {
	{"bare", "GET", {{0}}, NULL, PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n\r\n"},
	{"close", "GET", {{0}}, NULL, PLAN_REUSE_NO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Connection: close\r\n\r\n"},
	{"rotate keeps alive", "GET", {{0}}, NULL, PLAN_REUSE_ROTATE,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n\r\n"},
	{"HEAD", "HEAD", {{0}}, NULL, PLAN_REUSE_LIFO,
		"HEAD /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n\r\n"},
	{"body", "GET", {{0}}, "hello", PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Content-Length: 5\r\n\r\nhello"},
	{"POST without a body", "POST", {{0}}, NULL, PLAN_REUSE_LIFO,
		"POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Content-Length: 0\r\n\r\n"},
	{"PUT without a body", "PUT", {{0}}, NULL, PLAN_REUSE_LIFO,
		"PUT /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Content-Length: 0\r\n\r\n"},
	{"PATCH, close", "PATCH", {{0}}, "x", PLAN_REUSE_NO,
		"PATCH /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Content-Length: 1\r\nConnection: close\r\n\r\nx"},
	{"methods have case", "post", {{0}}, NULL, PLAN_REUSE_LIFO,
		"post /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n\r\n"},
	{"DELETE", "DELETE", {{0}}, NULL, PLAN_REUSE_LIFO,
		"DELETE /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n\r\n"},
	{"own headers", "GET", {H("X-A", "1"), H("X-B", ""), H("X-A", "2")}, NULL, PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"X-A: 1\r\nX-B:\r\nX-A: 2\r\n\r\n"},
	{"own headers replace", "GET",
		{H("accept", "text/html"), H("HOST", "other.test"), H("user-AGENT", "me")}, NULL,
		PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: other.test\r\naccept: text/html\r\nuser-AGENT: "
		"me\r\n\r\n"},
	{"the first Host counts", "GET", {H("Host", "one"), H("X", "y"), H("host", "two")}, NULL,
		PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: one\r\n" AGENT "Accept: */*\r\nX: y\r\n\r\n"},
	{"an empty Host", "GET", {H("Host", "")}, NULL, PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost:\r\n" AGENT "Accept: */*\r\n\r\n"},
	{"own Connection", "GET", {H("connection", "keep-alive")}, NULL, PLAN_REUSE_NO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"connection: keep-alive\r\n\r\n"},
	{"own Content-Length", "POST", {H("content-length", "9")}, "ab", PLAN_REUSE_LIFO,
		"POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"content-length: 9\r\n\r\nab"},
	{"body in chunks", "POST", {H("Transfer-Encoding", "chunked")}, "0\r\n\r\n",
		PLAN_REUSE_LIFO,
		"POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"an unknown method", "BREW", {{0}}, "x", PLAN_REUSE_LIFO,
		"BREW /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Content-Length: 1\r\n\r\nx"},
	{"an empty User-Agent", "GET", {H("User-Agent", "")}, NULL, PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\nAccept: */*\r\nUser-Agent:\r\n\r\n"},
	{"headers repeated that replace defaults", "GET", {H("Accept", "a"), H("accept", "b")},
		NULL, PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT
		"Accept: a\r\naccept: b\r\n\r\n"},
	{"names that only begin alike", "GET", {H("Hosts", "a"), H("Accept-Encoding", "b")}, NULL,
		PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Hosts: a\r\nAccept-Encoding: b\r\n\r\n"},
};

static const struct chunked {
	uint64_t chunk_bytes;
	struct sample sample;
} chunked[] = {
	{16, {"chunks", "POST", {{0}}, "0123456789abcdefghij!", PLAN_REUSE_LIFO,
		     "POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n"
		     "10\r\n0123456789abcdef\r\n5\r\nghij!\r\n0\r\n\r\n"}},
	{2, {"chunks that fit exactly, close", "PUT", {{0}}, "abcd", PLAN_REUSE_NO,
		    "PUT /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
		    "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"}},
	{1, {"chunks of a byte", "GET", {{0}}, "ab", PLAN_REUSE_LIFO,
		    "GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"}},
	{UINT64_MAX,
		{"one chunk larger than the body", "POST", {{0}}, "hello", PLAN_REUSE_LIFO,
			"POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
			"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}},
	{10, {"chunks of nothing", "POST", {{0}}, NULL, PLAN_REUSE_LIFO,
		     "POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}},
	{10, {"own coding, chunks", "POST", {H("transfer-encoding", "gzip, chunked")}, "ab",
		     PLAN_REUSE_LIFO,
		     "POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		     "transfer-encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"}},
	{10, {"own length instead of chunks", "POST", {H("Content-Length", "2")}, "ab",
		     PLAN_REUSE_LIFO,
		     "POST /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		     "Content-Length: 2\r\n\r\nab"}},
};

static struct plan_request kind;

static struct plan make_plan(const struct sample *s)
{
	kind = (struct plan_request){
		.method = (char *)s->method,
		.target = (char *)"/a?b",
		.headers = (struct plan_header *)s->headers,
		.body = (char *)s->body,
		.body_len = s->body != NULL ? strlen(s->body) : 0,
	};
	while (kind.n_headers < HEADERS_MAX && s->headers[kind.n_headers].name != NULL)
		kind.n_headers++;
	return (struct plan){
		.url = {.authority = (char *)"shop.test:8080", .path = (char *)"/a?b"},
		.requests = &kind,
		.n_requests = 1,
		.reuse = s->reuse,
	};
}

static void assert_sample(const struct sample *s, uint64_t chunk_bytes)
{
	struct plan plan = make_plan(s);
	struct request r;

	kind.chunk_bytes = chunk_bytes;
	ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
	ck_assert_msg(r.len == strlen(s->expected) && memcmp(r.bytes, s->expected, r.len) == 0,
		"%s:\n%.*s", s->name, (int)r.len, r.bytes);
	ck_assert_uint_eq(r.asked, strcmp(s->method, "HEAD") == 0 ? HTTP1_ASKED_HEAD : 0);
	request_fini(&r);
	ck_assert_ptr_null(r.bytes);
	request_fini(&r);
}

START_TEST(test_sample)
{
	assert_sample(&samples[_i], 0);
}
END_TEST

START_TEST(test_chunked)
{
	assert_sample(&chunked[_i].sample, chunked[_i].chunk_bytes);
}
END_TEST

#define START(line) line " HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"

/* The last request on a connection says close; the others do not. */
START_TEST(test_last)
{
	static const char kept[] = START("POST /a?b") "Content-Length: 2\r\n\r\nab";
	static const char last[] =
		START("POST /a?b") "Content-Length: 2\r\nConnection: close\r\n\r\nab";
	struct sample s = {.method = "POST", .body = "ab", .reuse = PLAN_REUSE_ROTATE};
	struct plan plan = make_plan(&s);
	struct request r;

	plan.requests_per_connection = 7;
	ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
	ck_assert_uint_eq(r.len, strlen(kept));
	ck_assert_mem_eq(r.bytes, kept, r.len);
	ck_assert_uint_eq(r.last_len, strlen(last));
	ck_assert_mem_eq(r.last_bytes, last, r.last_len);
	request_fini(&r);

	/* Where each of them closes, all are the last. */
	plan.reuse = PLAN_REUSE_NO;
	ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
	ck_assert_ptr_null(r.last_bytes);
	ck_assert_uint_eq(r.len, strlen(last));
	ck_assert_mem_eq(r.bytes, last, r.len);
	request_fini(&r);

	plan.reuse = PLAN_REUSE_LIFO;
	plan.requests_per_connection = 0;
	ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
	ck_assert_ptr_null(r.last_bytes);
	request_fini(&r);
}
END_TEST

/* Each of several requests has its own bytes. */
START_TEST(test_index)
{
	struct plan_request two[] = {
		{.method = (char *)"GET", .target = (char *)"/one"},
		{.method = (char *)"HEAD", .target = (char *)"/two"},
	};
	struct plan plan = {
		.url = {.authority = (char *)"shop.test:8080", .path = (char *)"/"},
		.requests = two,
		.n_requests = 2,
	};
	struct request r;

	ck_assert_int_eq(request_init(&r, &plan, 1, "shop-7"), 0);
	ck_assert_uint_eq(r.len, strlen(START("HEAD /two") "\r\n"));
	ck_assert_mem_eq(r.bytes, START("HEAD /two") "\r\n", r.len);
	ck_assert_ptr_eq(r.plan, &two[1]);
	ck_assert_uint_eq(r.asked, HTTP1_ASKED_HEAD);
	request_fini(&r);
}
END_TEST

/* RFC 9110 section 9.2.2; methods have case. */
START_TEST(test_idempotent)
{
	static const struct {
		const char *method;
		bool is_idempotent;
	} all[] = {{"GET", true}, {"HEAD", true}, {"OPTIONS", true}, {"TRACE", true}, {"PUT", true},
		{"DELETE", true}, {"POST", false}, {"PATCH", false}, {"get", false},
		{"BREW", false}};
	struct request r;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct sample s = {.method = all[i].method};
		struct plan plan = make_plan(&s);

		ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
		ck_assert_msg(r.is_idempotent == all[i].is_idempotent, "%s", all[i].method);
		request_fini(&r);
	}
}
END_TEST

START_TEST(test_binary_body)
{
	static char body[100000];
	struct sample s = {.method = "PUT"};
	struct plan plan = make_plan(&s);
	struct request r;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)i;
	kind.body = body;
	kind.body_len = sizeof(body);
	ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
	ck_assert_ptr_nonnull(memmem(r.bytes, r.len, "\r\nContent-Length: 100000\r\n", 26));
	ck_assert_uint_gt(r.len, sizeof(body));
	ck_assert_mem_eq(r.bytes + r.len - sizeof(body), body, sizeof(body));
	ck_assert_mem_eq(r.bytes + r.len - sizeof(body) - 4, "\r\n\r\n", 4);
	request_fini(&r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *tcase = tcase_create("request");

	tcase_add_loop_test(tcase, test_sample, 0, sizeof(samples) / sizeof(samples[0]));
	tcase_add_loop_test(tcase, test_chunked, 0, sizeof(chunked) / sizeof(chunked[0]));
	tcase_add_test(tcase, test_last);
	tcase_add_test(tcase, test_index);
	tcase_add_test(tcase, test_idempotent);
	tcase_add_test(tcase, test_binary_body);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
