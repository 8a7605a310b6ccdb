/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/request.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/plan.h"
#include "common/version.h"

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
	{"names that only begin alike", "GET", {H("Hosts", "a"), H("Accept-Encoding", "b")}, NULL,
		PLAN_REUSE_LIFO,
		"GET /a?b HTTP/1.1\r\nHost: shop.test:8080\r\n" AGENT "Accept: */*\r\n"
		"Hosts: a\r\nAccept-Encoding: b\r\n\r\n"},
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

START_TEST(test_sample)
{
	const struct sample *s = &samples[_i];
	struct plan plan = make_plan(s);
	struct request r;

	ck_assert_int_eq(request_init(&r, &plan, 0, "shop-7"), 0);
	ck_assert_msg(r.len == strlen(s->expected) && memcmp(r.bytes, s->expected, r.len) == 0,
		"%s:\n%.*s", s->name, (int)r.len, r.bytes);
	ck_assert_int_eq(r.is_head, strcmp(s->method, "HEAD") == 0);
	request_fini(&r);
	ck_assert_ptr_null(r.bytes);
	request_fini(&r);
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
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, test_sample, 0, sizeof(samples) / sizeof(samples[0]));
	tcase_add_test(tcase, test_binary_body);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
