/* SPDX-License-Identifier: Apache-2.0 */
/* The origin's faults as its clients see them. Instants are tested on a clock of our own
 * (test_origin_pace, test_origin_server); here nothing may come too early, and everything comes. */
#include "tests/unit/origin/origin_client.h"

/* ---- stalls */

START_TEST(a_stall_begins_with_the_first_request_and_comes_again)
{
	int fd;

	settings.stall = (struct settings_cycle){60 * MS, 120 * MS};
	start();
	fd = new_client();
	ck_assert_int_ge(answer_time_ns(fd), 60 * MS);
	/* A client that is held up itself misses one; then the next. */
	while (answer_time_ns(fd) < 40 * MS)
		;
	(void)close(fd);
}
END_TEST

START_TEST(a_stall_without_a_period_comes_once)
{
	int64_t begin_ns;
	int fd;

	settings.stall = (struct settings_cycle){20 * MS, 0};
	start();
	fd = new_client();
	ck_assert_int_ge(answer_time_ns(fd), 20 * MS);
	begin_ns = clock_now_ns();
	for (int i = 0; i < 50; i++)
		(void)answer_time_ns(fd);
	ck_assert_int_lt(clock_now_ns() - begin_ns, 50 * 20 * MS);
	(void)close(fd);
}
END_TEST

/* The end of the origin does not wait for a stall, a burning server or a queue. */
START_TEST(nothing_holds_up_the_end)
{
	int fds[3];

	if (_i == 0)
		settings.stall = (struct settings_cycle){HOUR, 0};
	else
		settings.service.ns = HOUR;
	settings.burn = _i == 2;
	start();
	for (int i = 0; i < LEN(fds); i++) {
		fds[i] = new_client();
		send_text(fds[i], ONE);
	}
	while (counts().requests == 0)
		(void)sched_yield();
	origin = origin_free(origin);
	for (int i = 0; i < LEN(fds); i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(an_accept_stall_holds_up_new_connections)
{
	int64_t begin_ns;
	int fd;

	settings.accept_stall = (struct settings_cycle){60 * MS, 0};
	settings.backlog = 1;
	start();
	begin_ns = clock_now_ns();
	fd = new_client();
	send_text(fd, ONE);
	expect_200(fd);
	ck_assert_int_ge(clock_now_ns() - begin_ns, 60 * MS);
	(void)close(fd);
	pass_through();
}
END_TEST

/* ---- no answers */

START_TEST(a_hung_request_is_never_answered)
{
	int fd;

	settings.hang_share = 1;
	start();
	fd = new_client();
	send_text(fd, ONE ONE);
	while (counts().hung == 0)
		(void)sched_yield();
	expect_silence(fd);
	ck_assert_uint_eq(counts().requests, 1);
	ck_assert_uint_eq(counts().connections, 1);
	if (_i == 0)
		(void)close(fd);
	else
		ck_assert_int_eq(shutdown(fd, SHUT_WR), 0); /* there is no answer to wait for */
	wait_connections(0);
	ck_assert_uint_eq(counts().ok, 0);
	ck_assert_uint_eq(counts().closed, 0);
}
END_TEST

/* The client's end is known before the request is. */
START_TEST(a_client_that_has_ended_does_not_hang)
{
	int fd;

	settings.hang_share = 1;
	start();
	fd = new_client();
	send_text(fd, "GET / HTTP/1.1\r\n");
	send_text(fd, "Host: a\r\n\r\n");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
	ck_assert_uint_eq(counts().hung, 1);
	(void)close(fd);
}
END_TEST

/* Which of n requests hang, each on a connection of its own. */
static void draw_hung(size_t n, char *ret)
{
	start();
	for (size_t i = 0; i < n; i++) {
		uint64_t hung = counts().hung;
		int fd = new_client();

		send_text(fd, ONE);
		while (counts().hung + counts().ok < i + 1)
			(void)sched_yield();
		ret[i] = counts().hung > hung ? 'H' : '.';
		(void)close(fd);
	}
	ret[n] = '\0';
	origin = origin_free(origin);
}

START_TEST(the_share_of_the_hung_comes_from_the_seed)
{
	enum { N = 200 };
	char one[N + 1];
	char again[N + 1];
	size_t hung = 0;

	settings.hang_share = 0.5;
	settings.seed = 7;
	draw_hung(N, one);
	/* Other matters have dice of their own. */
	settings.service = (struct settings_delay){SETTINGS_DELAY_EXPONENTIAL, 1000};
	draw_hung(N, again);
	ck_assert_str_eq(one, again);
	for (size_t i = 0; i < N; i++)
		hung += one[i] == 'H';
	ck_assert_uint_ge(hung, 60);
	ck_assert_uint_le(hung, 140);
}
END_TEST

START_TEST(a_frozen_connection_answers_once)
{
	int one;
	int two;
	int three;

	settings.freeze = 1;
	start();
	(void)close(new_client()); /* one that never asks is not counted */
	one = new_client();
	two = new_client();
	send_text(one, ONE);
	expect_200(one);
	send_text(two, ONE);
	expect_200(two);
	send_text(one, ONE);
	while (counts().hung == 0)
		(void)sched_yield();
	for (int i = 0; i < 10; i++)
		(void)answer_time_ns(two);
	expect_silence(one);
	(void)close(one);
	three = new_client();
	for (int i = 0; i < 10; i++)
		(void)answer_time_ns(three);
	ck_assert_uint_eq(counts().hung, 1);
	(void)close(two);
	(void)close(three);
}
END_TEST

/* ---- closing */

START_TEST(it_closes_after_so_many_answers)
{
	int fd;

	settings.close_after = 3;
	settings.close_is_said = _i;
	start();
	fd = new_client();
	for (int i = 0; i < 3; i++) {
		struct answer a;

		send_text(fd, ONE);
		a = read_answer(fd, false);
		ck_assert_uint_eq(a.status, 200);
		ck_assert_int_eq(a.says_close, _i && i == 2);
	}
	expect_end(fd);
	ck_assert_uint_eq(counts().closed, 1);
	(void)close(fd);
	pass_through();
}
END_TEST

/* Those after are lost, but the answers before are not. */
START_TEST(closing_loses_no_answer)
{
	int fd;

	settings.close_after = 2;
	start();
	fd = new_client();
	send_text(fd, ONE ONE ONE ONE);
	expect_200(fd);
	expect_200(fd);
	expect_end(fd);
	ck_assert_uint_eq(counts().requests, 2);
	(void)close(fd);
}
END_TEST

/* What the client wants closed is not closed unasked. */
START_TEST(a_close_that_was_asked_for_is_not_counted)
{
	int fd;

	settings.close_after = 1;
	start();
	fd = new_client();
	send_text(fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	ck_assert(read_answer(fd, false).says_close);
	expect_end(fd);
	ck_assert_uint_eq(counts().closed, 0);
	(void)close(fd);
}
END_TEST

static const char *const idlers[] = {"", "GET / HTTP/1.1\r\nHost: a\r\n", ONE};

START_TEST(idle_connections_are_closed)
{
	int64_t begin_ns;
	int fd;

	settings.idle_ns = 30 * MS;
	start();
	begin_ns = clock_now_ns();
	fd = new_client();
	send_text(fd, idlers[_i]);
	if (_i == 2)
		expect_200(fd);
	expect_end(fd);
	ck_assert_int_ge(clock_now_ns() - begin_ns, 30 * MS);
	wait_connections(0);
	ck_assert_uint_eq(counts().closed, 1);
	(void)close(fd);
}
END_TEST

/* Neither while it waits for its answer nor while its body is on its way. */
START_TEST(a_connection_at_work_is_not_idle)
{
	int fd;

	settings.idle_ns = 20 * MS;
	set_delay(SETTINGS_DELAY_FIXED, 60 * MS);
	start();
	fd = new_client();
	send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
	expect_silence(fd); /* waits 50 ms */
	send_text(fd, "b");
	expect_200(fd);
	expect_end(fd);
	(void)close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_faults");
	TCase *faults = new_tcase(suite, "faults");

	tcase_add_test(faults, a_stall_begins_with_the_first_request_and_comes_again);
	tcase_add_test(faults, a_stall_without_a_period_comes_once);
	tcase_add_loop_test(faults, nothing_holds_up_the_end, 0, 3);
	tcase_add_test(faults, an_accept_stall_holds_up_new_connections);
	tcase_add_loop_test(faults, a_hung_request_is_never_answered, 0, 2);
	tcase_add_test(faults, a_client_that_has_ended_does_not_hang);
	tcase_add_test(faults, the_share_of_the_hung_comes_from_the_seed);
	tcase_add_test(faults, a_frozen_connection_answers_once);
	tcase_add_loop_test(faults, it_closes_after_so_many_answers, 0, 2);
	tcase_add_test(faults, closing_loses_no_answer);
	tcase_add_test(faults, a_close_that_was_asked_for_is_not_counted);
	tcase_add_loop_test(faults, idle_connections_are_closed, 0, LEN(idlers));
	tcase_add_test(faults, a_connection_at_work_is_not_idle);
	return suite_main(suite);
}
