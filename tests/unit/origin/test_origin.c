/* SPDX-License-Identifier: Apache-2.0 */
/* The origin as its clients see it: requests, answers, delays, errors. */
#include "tests/unit/origin/origin_client.h"

/* ---- requests and answers */

START_TEST(keeps_the_connection_alive)
{
	int fd;

	start();
	fd = new_client();
	for (int i = 0; i < 3; i++) {
		send_text(fd, ONE);
		expect_200(fd);
	}
	ck_assert_uint_eq(counts().requests, 3);
	ck_assert_uint_eq(counts().accepted, 1);
	ck_assert_uint_eq(counts().connections, 1);
	ck_assert_uint_eq(counts().errors, 0);
	(void)close(fd);
}
END_TEST

/* HEAD among them shows that the answers come in order. */
START_TEST(answers_pipelined_requests_in_order)
{
	int fd;

	set_delay(SETTINGS_DELAY_FIXED, _i * NSEC_PER_MSEC); /* without and with waiting */
	start();
	fd = new_client();
	send_text(fd, ONE ONE "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" ONE
			      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" ONE
			      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" ONE);
	for (int i = 0; i < 7; i++) {
		struct answer a = read_answer(fd, i == 2 || i == 4);

		ck_assert_uint_eq(a.status, 200);
		ck_assert_int_eq(a.content_length, 10);
		ck_assert_int_eq(a.says_close, i == 6);
	}
	expect_end(fd);
	ck_assert_uint_eq(counts().requests, 7);
	(void)close(fd);
}
END_TEST

/* More than a recv takes at once, and more answers than fit into the client's window. */
START_TEST(answers_deep_pipelines)
{
	enum { N = 4000 };
	char *all = malloc(N * strlen(ONE));
	int fd;

	ck_assert_ptr_nonnull(all);
	for (size_t i = 0; i < N; i++)
		memcpy(all + i * strlen(ONE), ONE, strlen(ONE));
	settings.body_bytes = (uint64_t)_i * 300;
	start();
	fd = new_client();
	send_bytes(fd, all, N * strlen(ONE));
	for (int i = 0; i < N; i++)
		expect_200(fd);
	ck_assert_uint_eq(counts().requests, N);
	(void)close(fd);
	free(all);
}
END_TEST

static const struct closing {
	const char *text;
	bool closes;
	bool says_keep_alive;
} closings[] = {
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true, false},
	{"GET / HTTP/1.0\r\n\r\n", true, false},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false, true},
	{ONE, false, false},
};

START_TEST(closes_when_the_client_asks)
{
	const struct closing *c = &closings[_i];
	struct answer a;
	int fd;

	start();
	fd = new_client();
	send_text(fd, c->text);
	a = read_answer(fd, false);
	ck_assert_uint_eq(a.status, 200);
	ck_assert_int_eq(a.says_close, c->closes);
	ck_assert_int_eq(a.says_keep_alive, c->says_keep_alive);
	if (c->closes) {
		expect_end(fd);
	} else {
		send_text(fd, c->text);
		ck_assert_uint_eq(read_answer(fd, false).status, 200);
	}
	(void)close(fd);
}
END_TEST

START_TEST(a_half_closed_client_gets_its_answers)
{
	int fd;

	set_delay(SETTINGS_DELAY_FIXED, 2 * NSEC_PER_MSEC);
	start();
	fd = new_client();
	send_text(fd, ONE ONE);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_200(fd);
	expect_200(fd);
	expect_end(fd);
	(void)close(fd);
}
END_TEST

static const char *const malformed[] = {
	"nonsense\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
	"\x16\x03\x01\x02\x01\n",
};

START_TEST(refuses_malformed_requests)
{
	struct answer a;
	int fd;

	start();
	fd = new_client();
	send_text(fd, malformed[_i]);
	a = read_answer(fd, false);
	ck_assert_uint_eq(a.status, 400);
	ck_assert(a.says_close);
	expect_end(fd);
	ck_assert_uint_eq(counts().requests, 0);
	ck_assert_uint_eq(counts().errors, 0);
	(void)close(fd);
	pass_through();
	while (counts().connections > 0)
		(void)sched_yield();
}
END_TEST

/* The client sends all of it and then reads; the refusal must reach it all the same. */
START_TEST(refuses_an_endless_head)
{
	enum { LEN = 70000 };
	char *head = malloc(LEN);
	int fd;

	ck_assert_ptr_nonnull(head);
	memset(head, 'x', LEN);
	memcpy(head, "GET /", 5);
	start();
	fd = new_client();
	send_bytes(fd, head, LEN);
	ck_assert_uint_eq(read_answer(fd, false).status, 400);
	expect_end(fd);
	(void)close(fd);
	free(head);
}
END_TEST

/* The two parts come in two recvs: what is sent on another connection in between is answered only
 * when the first part was read. */
START_TEST(requests_may_be_split_anywhere)
{
	static const char text[] =
		"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n0\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
	int fd;
	int other;

	start();
	fd = new_client();
	other = new_client();
	for (size_t split = 1; split < sizeof(text) - 1; split++) {
		send_bytes(fd, text, split);
		send_text(other, ONE);
		expect_200(other);
		send_bytes(fd, text + split, sizeof(text) - 1 - split);
		expect_200(fd);
		ck_assert_uint_eq(read_answer(fd, true).status, 200);
	}
	ck_assert_uint_eq(counts().requests, 3 * (sizeof(text) - 2));
	(void)close(fd);
	(void)close(other);
}
END_TEST

START_TEST(request_bodies_are_passed_over)
{
	static char body[4000000];
	int fd;

	start();
	fd = new_client();
	memset(body, '\n', sizeof(body));
	send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
	send_bytes(fd, body, sizeof(body));
	send_text(fd, ONE);
	expect_200(fd);
	expect_200(fd);
	ck_assert_uint_eq(counts().requests, 2);
	(void)close(fd);
}
END_TEST

static const uint64_t body_sizes[] = {0, 1, 100000, 262144, 262145, 3000001};

START_TEST(long_bodies_arrive_whole)
{
	int small = 4096;
	int fd = new_socket();

	settings.body_bytes = body_sizes[_i];
	start();
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	connect_socket(fd);
	send_text(fd, ONE "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" ONE);
	expect_200(fd);
	ck_assert_int_eq(read_answer(fd, true).content_length, (long)body_sizes[_i]);
	expect_200(fd);
	(void)close(fd);
}
END_TEST

/* ---- delays and errors */

START_TEST(a_fixed_delay_is_honoured)
{
	int64_t before_ns;
	int fd;

	set_delay(SETTINGS_DELAY_FIXED, 30 * NSEC_PER_MSEC);
	start();
	fd = new_client();
	for (int i = 0; i < 3; i++) {
		before_ns = clock_now_ns();
		send_text(fd, ONE);
		expect_200(fd);
		ck_assert_int_ge(clock_now_ns() - before_ns, 30 * NSEC_PER_MSEC);
	}
	(void)close(fd);
}
END_TEST

/* The delays are those of the seed: a hundred with a mean of 2 ms last 100 ms and more, whatever
 * the machine does. */
START_TEST(exponential_delays_have_their_mean)
{
	int64_t before_ns;
	int fd;

	set_delay(SETTINGS_DELAY_EXPONENTIAL, 2 * NSEC_PER_MSEC);
	start();
	fd = new_client();
	before_ns = clock_now_ns();
	for (int i = 0; i < 100; i++) {
		send_text(fd, ONE);
		expect_200(fd);
	}
	ck_assert_int_ge(clock_now_ns() - before_ns, 100 * NSEC_PER_MSEC);
	(void)close(fd);
}
END_TEST

/* Many wait at once and each is answered; those with short delays before those with long ones, or
 * this would take 200 times as long as the test may. */
START_TEST(delays_run_side_by_side)
{
	int fds[200];

	set_delay(_i ? SETTINGS_DELAY_EXPONENTIAL : SETTINGS_DELAY_FIXED, 200 * NSEC_PER_MSEC);
	start();
	for (int i = 0; i < 200; i++) {
		fds[i] = new_client();
		send_text(fds[i], ONE);
	}
	for (int i = 0; i < 200; i++) {
		expect_200(fds[i]);
		(void)close(fds[i]);
	}
	ck_assert_uint_eq(counts().requests, 200);
}
END_TEST

/* Statuses of n requests on one connection, as '.' and 'E'. */
static void draw(size_t n, uint64_t seed, char *ret)
{
	int fd;
	size_t errors = 0;

	settings.seed = seed;
	start();
	fd = new_client();
	for (size_t i = 0; i < n; i++) {
		unsigned status;

		send_text(fd, ONE);
		status = read_answer(fd, false).status;
		ck_assert(status == 200 || status == 503);
		ret[i] = status == 200 ? '.' : 'E';
		errors += status == 503;
	}
	ret[n] = '\0';
	wait_answers(n);
	ck_assert_uint_eq(counts().errors, errors);
	ck_assert_uint_eq(counts().requests, n);
	(void)close(fd);
	origin = origin_free(origin);
}

START_TEST(the_share_of_errors_comes_from_the_seed)
{
	enum { N = 1000 };
	char one[N + 1];
	char again[N + 1];
	char other[N + 1];
	size_t errors = 0;

	settings.error_share = 0.2;
	draw(N, 7, one);
	set_delay(SETTINGS_DELAY_EXPONENTIAL, 1000);
	draw(N, 7, again);
	draw(N, 8, other);
	ck_assert_str_eq(one, again);
	ck_assert_str_ne(one, other);
	for (size_t i = 0; i < N; i++)
		errors += one[i] == 'E';
	ck_assert_uint_ge(errors, 150);
	ck_assert_uint_le(errors, 250);
}
END_TEST

START_TEST(all_or_none_fail_at_the_limits)
{
	char statuses[101];

	settings.error_share = _i;
	draw(100, 3, statuses);
	ck_assert_uint_eq(strspn(statuses, _i ? "E" : "."), 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin");
	TCase *requests = new_tcase(suite, "requests");
	TCase *delays = new_tcase(suite, "delays and errors");

	tcase_add_test(requests, keeps_the_connection_alive);
	tcase_add_loop_test(requests, answers_pipelined_requests_in_order, 0, 2);
	tcase_add_loop_test(requests, answers_deep_pipelines, 0, 2);
	tcase_add_loop_test(requests, closes_when_the_client_asks, 0, LEN(closings));
	tcase_add_test(requests, a_half_closed_client_gets_its_answers);
	tcase_add_loop_test(requests, refuses_malformed_requests, 0, LEN(malformed));
	tcase_add_test(requests, refuses_an_endless_head);
	tcase_add_test(requests, requests_may_be_split_anywhere);
	tcase_add_test(requests, request_bodies_are_passed_over);
	tcase_add_loop_test(requests, long_bodies_arrive_whole, 0, LEN(body_sizes));
	tcase_add_test(delays, a_fixed_delay_is_honoured);
	tcase_add_test(delays, exponential_delays_have_their_mean);
	tcase_add_loop_test(delays, delays_run_side_by_side, 0, 2);
	tcase_add_test(delays, the_share_of_errors_comes_from_the_seed);
	tcase_add_loop_test(delays, all_or_none_fail_at_the_limits, 0, 2);
	return suite_main(suite);
}
