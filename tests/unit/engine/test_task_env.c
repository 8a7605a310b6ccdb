/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan asks of all connections: where they come from, how they are closed, what a good
 * answer is; and what is remembered of redirects. */
#include <fcntl.h>
#include <stdio.h>

#include "common/digest.h"
#include "tests/support/suite.h"
#include "tests/unit/engine/pool_fixture.h"

#define BODY "<html>welcome</html>"
#define PAGE "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n" BODY
#define CHUNKED_PAGE                                                                               \
	"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"         \
	"8\r\n<html>we\r\nc\r\nlcome</html>\r\n0\r\n\r\n"
#define MOVED "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: "

static int peer;

static void setup(void)
{
	fixture_open_pool(16, 4);
	peer = -1;
}

static void teardown(void)
{
	if (peer >= 0)
		close(peer);
	fixture_close_pool();
}

/* In the environment as it is by now. */
static void make_pool(void)
{
	task_env_fini(&fixture.env);
	ck_assert_int_eq(task_env_init(&fixture.env), 0);
	fixture_make_pool();
}

static void ask(void)
{
	fixture_arrive(1);
	if (peer < 0)
		peer = fixture_accept();
	fixture_hear(peer);
}

static void answer(const char *text)
{
	unsigned before = calls.n_ended;

	ask();
	fixture_say(peer, text);
	TURN_UNTIL(calls.n_ended == before + 1);
}

/* ---- from where */

static const struct plan_source sources[] = {
	{.address = {127, 0, 0, 2}},
	{.is_v6 = true, .address = {[15] = 1}},
	{.address = {127, 0, 0, 3}},
};

static unsigned last_byte_of_peer(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&in, &len), 0);
	ck_assert_int_eq(in.sin_family, AF_INET);
	return ntohl(in.sin_addr.s_addr) & 255;
}

/* In turn, those of the target's family, each worker beginning at another one. */
START_TEST(sources_in_turn)
{
	static const unsigned wanted[2][4] = {{2, 3, 2, 3}, {3, 2, 3, 2}};
	int fds[4];

	fixture.env.sources = sources;
	fixture.env.n_sources = 3;
	fixture.env.first = (size_t)_i;
	make_pool();
	for (int i = 0; i < 4; i++) {
		fixture_arrive(1);
		fds[i] = fixture_accept();
		ck_assert_uint_eq(last_byte_of_peer(fds[i]), wanted[_i][i]);
	}
	TURN_UNTIL(pool.n_busy == 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	TURN_UNTIL(calls.n_ended == 4);
}
END_TEST

/* An address without a source is passed over; where there is no other one it fails. */
START_TEST(no_source_of_that_family)
{
	struct address addresses[2] = {fixture.address, fixture.address};

	addresses[0].in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = 1};
	addresses[0].len = sizeof(addresses[0].in6);
	fixture.env.addresses = addresses;
	fixture.env.n_addresses = _i == 0 ? 2 : 1;
	fixture.env.sources = sources;
	fixture.env.n_sources = 1;
	make_pool();
	fixture_arrive(1);
	if (_i == 1) {
		ck_assert_uint_eq(calls.n_ended, 1);
		ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 1);
		ck_assert_str_eq(fixture.stats.totals.faults[FAULT_CONNECT_ERROR].example,
			"no source address is of the target's family");
		return;
	}
	peer = fixture_accept();
	ck_assert_uint_eq(last_byte_of_peer(peer), 2);
}
END_TEST

/* ---- how closed */

START_TEST(closing)
{
	char byte;
	ssize_t n;

	fixture.env.resets = _i == 1;
	make_pool();
	answer(MINI_OK);
	pool_abandon(&pool);
	n = recv(peer, &byte, 1, 0);
	ck_assert_int_eq(n, _i == 1 ? -1 : 0);
	if (_i == 1)
		ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

/* ---- good answers */

static struct plan_header expected = {.name = (char *)"content-type", .value = NULL};

static const struct {
	const char *text;
	const char *body;   /* expected */
	const char *header; /* expected value of Content-Type; "*": any */
	size_t size_min, size_max;
	const char *hashed; /* the body that was meant */
	enum fault fault;
} judgements[] = {
	{PAGE, NULL, NULL, 0, 0, NULL, FAULT_NONE},
	{PAGE, "welcome", NULL, 0, 0, NULL, FAULT_NONE},
	{CHUNKED_PAGE, "welcome", NULL, 0, 0, NULL, FAULT_NONE},
	{PAGE, "farewell", NULL, 0, 0, NULL, FAULT_CHECK_BODY},
	{PAGE, NULL, "text/html", 0, 0, NULL, FAULT_NONE},
	{PAGE, NULL, "*", 0, 0, NULL, FAULT_NONE},
	{PAGE, NULL, "text/plain", 0, 0, NULL, FAULT_CHECK_HEADER},
	{MINI_OK, NULL, "*", 0, 0, NULL, FAULT_CHECK_HEADER},
	{PAGE, NULL, NULL, 20, 20, NULL, FAULT_NONE},
	{PAGE, NULL, NULL, 21, 30, NULL, FAULT_CHECK_SIZE},
	{CHUNKED_PAGE, NULL, NULL, 1, 20, NULL, FAULT_NONE},
	{CHUNKED_PAGE, NULL, NULL, 1, 19, NULL, FAULT_CHECK_SIZE},
	{PAGE, NULL, NULL, 0, 0, BODY, FAULT_NONE},
	{CHUNKED_PAGE, NULL, NULL, 0, 0, BODY, FAULT_NONE},
	{PAGE, NULL, NULL, 0, 0, "another", FAULT_CHECK_HASH},
	{MINI_503, "welcome", NULL, 0, 0, NULL, FAULT_STATUS},
	{PAGE, "welcome", "text/html", 20, 20, BODY, FAULT_NONE},
};

static void expect(int i)
{
	if (judgements[i].body) {
		fixture.kind.expect_body = (char *)judgements[i].body;
		fixture.kind.expect_body_len = strlen(judgements[i].body);
	}
	if (judgements[i].header) {
		bool is_any = strcmp(judgements[i].header, "*") == 0;

		expected.value = is_any ? NULL : (char *)judgements[i].header;
		fixture.kind.expect_headers = &expected;
		fixture.kind.n_expect_headers = 1;
	}
	if (judgements[i].size_max > 0) {
		fixture.kind.has_expect_size = true;
		fixture.kind.expect_size_min = judgements[i].size_min;
		fixture.kind.expect_size_max = judgements[i].size_max;
	}
	if (judgements[i].hashed) {
		struct digest_sha256 *d = digest_sha256_new();

		ck_assert_ptr_nonnull(d);
		digest_sha256_reset(d);
		digest_sha256_update(d, judgements[i].hashed, strlen(judgements[i].hashed));
		ck_assert(digest_sha256_final(d, fixture.kind.expect_sha256));
		digest_sha256_free(d);
		fixture.kind.has_expect_sha256 = true;
	}
}

/* Thrice on one connection: nothing is left of the answer before. Whole, and byte by byte. */
START_TEST(judged)
{
	int i = _i / 2;
	enum fault fault = judgements[i].fault;
	const char *text = judgements[i].text;

	expect(i);
	make_pool();
	for (unsigned n = 1; n <= 3; n++) {
		ask();
		if (_i % 2 == 0)
			fixture_say(peer, text);
		for (size_t at = 0; _i % 2 == 1 && text[at]; at++) {
			ck_assert_int_eq(write(peer, text + at, 1), 1);
			ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
		}
		TURN_UNTIL(calls.n_ended == n);
		ck_assert_uint_eq(fixture_count(fault_table[fault].class), n);
		if (fault != FAULT_NONE)
			ck_assert_uint_eq(fixture_faults(fault), n);
	}
	ck_assert_uint_eq(fixture.env.opened, 1);
}
END_TEST

/* A large body is read, not thrown away, when somebody wants to see it. */
START_TEST(large_body_is_looked_at)
{
	enum { LEN = 100000 };
	static char text[LEN + 100];
	int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LEN);
	size_t at = 0, len = (size_t)n + LEN;

	memset(text + n, 'x', LEN);
	memcpy(text + n + 50000, "welcome", 7);
	fixture.kind.expect_body = (char *)(_i == 0 ? "welcome" : "farewell");
	fixture.kind.expect_body_len = strlen(fixture.kind.expect_body);
	make_pool();
	ask();
	ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
	while (at < len) {
		ssize_t sent = write(peer, text + at, len - at);

		ck_assert(sent > 0 || errno == EAGAIN);
		at += sent > 0 ? (size_t)sent : 0;
		ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	}
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(fixture_count(_i == 0 ? LEDGER_OK : LEDGER_CHECK_FAILED), 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_in, len);
}
END_TEST

/* A set of statuses of its own, each way. */
START_TEST(statuses_as_expected)
{
	memset(&fixture.kind.expect_statuses, 0, sizeof(fixture.kind.expect_statuses));
	fixture.kind.expect_statuses.bits[503 / 64] |= UINT64_C(1) << 503 % 64;
	strcpy(fixture.kind.expect_statuses.text, "503");
	make_pool();
	answer(MINI_503);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	answer(MINI_OK);
	ck_assert_uint_eq(fixture_count(LEDGER_HTTP_ERROR), 1);
	ck_assert_str_eq(
		fixture.stats.totals.faults[FAULT_STATUS].example, "status 200, expected 503");
}
END_TEST

/* Several requests, each with its own idea of a good answer. */
START_TEST(each_request_has_its_own)
{
	struct plan_request kinds[2] = {fixture.kind, fixture.kind};
	struct request requests[2] = {fixture.request, fixture.request};

	kinds[1].expect_body = (char *)"welcome";
	kinds[1].expect_body_len = 7;
	requests[0].plan = &kinds[0];
	requests[1].plan = &kinds[1];
	fixture.env.requests = requests;
	fixture.env.n_requests = 2;
	make_pool();
	for (unsigned n = 0; n < 6; n++) {
		int64_t now_ns = clock_now_ns();

		pool_arrive(&pool, now_ns, now_ns, n % 2);
		if (peer < 0)
			peer = fixture_accept();
		fixture_hear(peer);
		fixture_say(peer, n < 4 ? PAGE : MINI_OK);
		TURN_UNTIL(calls.n_ended == n + 1);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5);
	ck_assert_uint_eq(fixture_faults(FAULT_CHECK_BODY), 1);
	pool_fini(&pool);
	has_pool = false;
}
END_TEST

/* The second of two requests says "Connection: close": its connection is closed after the answer,
 * whether the server says so as well or not. */
START_TEST(request_says_close)
{
	struct plan_header header = {(char *)"connection", (char *)"te, Close"};
	struct plan_request kinds[2] = {fixture.kind, fixture.kind};
	struct request requests[2] = {fixture.request, fixture.request};

	kinds[1].headers = &header;
	kinds[1].n_headers = 1;
	requests[0].plan = &kinds[0];
	requests[1].plan = &kinds[1];
	fixture.env.requests = requests;
	fixture.env.n_requests = 2;
	make_pool();
	for (unsigned n = 0; n < 6; n++) {
		bool closes = n % 3 == 2;
		int64_t now_ns = clock_now_ns();
		char byte;

		pool_arrive(&pool, now_ns, now_ns, closes);
		if (peer < 0)
			peer = fixture_accept();
		fixture_hear(peer);
		fixture_say(peer, n == 5 ? MINI_OK_CLOSE : MINI_OK);
		TURN_UNTIL(calls.n_ended == n + 1);
		ck_assert_uint_eq(pool.n_idle, !closes);
		if (closes) {
			ck_assert_int_eq(read(peer, &byte, 1), 0);
			close(peer);
			peer = -1;
		}
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 6);
	ck_assert_uint_eq(fixture.env.opened, 2);
	ck_assert_uint_eq(fixture.env.closed_by_us, 2);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
	pool_fini(&pool);
	has_pool = false;
}
END_TEST

/* ---- redirects */

static const struct {
	const char *text;
	const char *location;
} redirects[] = {
	{MOVED "https://other.test/\r\n\r\n", "https://other.test/"},
	{"HTTP/1.1 302 Found\r\nlocation:/x \r\nContent-Length: 0\r\n\r\n", "/x"},
	{"HTTP/1.1 307 x\nLOCATION:\t /y\nContent-Length: 0\n\n", "/y"},
	{"HTTP/1.1 308 x\r\nContent-Length: 15\r\n\r\n\nLocation: /no\n", ""},
	{"HTTP/1.1 301 x\r\nX-Location: /no\r\nContent-Length: 0\r\n\r\n", ""},
	{"HTTP/1.1 304 x\r\nLocation: /no\r\n\r\n", ""},
	{"HTTP/1.1 200 x\r\nContent-Length: 0\r\nLocation: /no\r\n\r\n", ""},
	{"HTTP/1.1 404 x\r\nContent-Length: 0\r\nLocation: /no\r\n\r\n", ""},
	{"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation:\r\n\r\n", ""},
};

START_TEST(location_of_a_redirect)
{
	make_pool();
	answer(MINI_OK);
	answer(redirects[_i].text);
	ck_assert_str_eq(fixture.env.first_location, redirects[_i].location);
	/* The first that names one counts. */
	answer(MOVED "/second\r\n\r\n");
	answer(MOVED "/third\r\n\r\n");
	ck_assert_str_eq(fixture.env.first_location,
		redirects[_i].location[0] ? redirects[_i].location : "/second");
}
END_TEST

/* In two pieces it may be lost, but it is never another one. */
START_TEST(location_split)
{
	static const char text[] = MOVED "https://other.test/\r\n\r\n";

	make_pool();
	ask();
	ck_assert_int_eq(write(peer, text, (size_t)_i), _i);
	ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	fixture_say(peer, text + _i);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert(fixture.env.first_location[0] == '\0' ||
		  strcmp(fixture.env.first_location, "https://other.test/") == 0);
}
END_TEST

START_TEST(location_is_cut)
{
	char text[600] = MOVED;

	memset(text + strlen(text), 'x', 400);
	strcat(text, "\r\n\r\n");
	fixture.env.read_size = FIXTURE_READ_SIZE;
	make_pool();
	answer(text);
	ck_assert_uint_eq(
		strlen(fixture.env.first_location), sizeof(fixture.env.first_location) - 1);
	ck_assert_str_eq(fixture.env.first_location + 250, "xx...");
}
END_TEST

/* The cut falls into a character of two bytes. */
START_TEST(location_is_cut_between_characters)
{
	char text[600] = MOVED "https://o/x";

	if (_i)
		strcat(text, "x");
	for (unsigned i = 0; i < 150; i++)
		strcat(text, "\xc3\xa9");
	strcat(text, "\r\n\r\n");
	fixture.env.read_size = FIXTURE_READ_SIZE;
	make_pool();
	answer(text);
	ck_assert_uint_eq(strlen(fixture.env.first_location), _i ? 255 : 255 - 1);
	ck_assert_str_eq(fixture.env.first_location + (_i ? 250 : 249), "\xc3\xa9...");
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, sources_in_turn, 0, 2);
	tcase_add_loop_test(t, no_source_of_that_family, 0, 2);
	tcase_add_loop_test(t, closing, 0, 2);
	tcase_add_loop_test(t, judged, 0, 2 * sizeof(judgements) / sizeof(judgements[0]));
	tcase_add_loop_test(t, large_body_is_looked_at, 0, 2);
	tcase_add_test(t, statuses_as_expected);
	tcase_add_test(t, each_request_has_its_own);
	tcase_add_test(t, request_says_close);
	tcase_add_loop_test(t, location_of_a_redirect, 0, sizeof(redirects) / sizeof(redirects[0]));
	tcase_add_loop_test(t, location_split, 1, (int)strlen(MOVED "https://other.test/\r\n\r\n"));
	tcase_add_test(t, location_is_cut);
	tcase_add_loop_test(t, location_is_cut_between_characters, 0, 2);
}

int main(void)
{
	Suite *s = suite_create("task_env");
	TCase *t = tcase_create("task_env");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
