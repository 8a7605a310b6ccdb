/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come slowly, bodies that are read slowly, the one server, and what the origin says
 * of it all at the end. As in test_origin_faults nothing may come too early, and everything comes.
 */
#include "tests/unit/origin/origin_client.h"

#include <sys/stat.h>

#include "common/stats/histogram.h"

/* ---- slow answers, slow reading */

START_TEST(answers_drip)
{
	int64_t begin_ns;
	char byte;
	int fd;

	settings.body_bytes = 101;
	settings.drip_pieces = 10;
	settings.drip_ns = 5 * MS;
	start();
	fd = new_client();
	send_text(fd, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" ONE ONE);
	ck_assert_uint_eq(read_answer(fd, true).status, 200);
	begin_ns = clock_now_ns();
	ck_assert_int_eq(recv(fd, &byte, 1, MSG_PEEK), 1);
	expect_200(fd);
	expect_200(fd);
	/* The first one's beginning may have come before. */
	ck_assert_int_ge(clock_now_ns() - begin_ns, 2 * 50 * MS - 40 * MS);
	(void)close(fd);
}
END_TEST

START_TEST(the_first_byte_of_a_drip_does_not_wait)
{
	char text[512];
	int fd;

	settings.body_bytes = 2;
	settings.drip_pieces = 1;
	settings.drip_ns = HOUR;
	start();
	fd = new_client();
	send_text(fd, ONE);
	do
		read_line(fd, text, sizeof(text));
	while (text[0]);
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 1);
	expect_silence(fd);
	ck_assert_uint_eq(counts().ok, 0);
	(void)close(fd);
}
END_TEST

static const char *const posts[] = {
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n",
};

/* With the head in a packet of its own and without; a request after it is read at once. */
START_TEST(bodies_are_read_slowly)
{
	bool is_chunked = _i & 1;
	char text[4000] = {0};
	int64_t begin_ns;
	size_t len;
	int fd;

	settings.read_bytes = 1000;
	settings.read_ns = 20 * MS;
	start();
	fd = new_client();
	len = strlen(posts[is_chunked]);
	memcpy(text, posts[is_chunked], len);
	memset(text + len, 'x', 3000);
	if (is_chunked)
		memcpy(text + len + 3000, "\r\n0\r\n\r\n", 7);
	begin_ns = clock_now_ns();
	if (_i & 2) {
		send_bytes(fd, text, len);
		pass_through();
		send_bytes(fd, text + len, 3000 + (is_chunked ? 7 : 0));
	} else {
		send_bytes(fd, text, len + 3000 + (is_chunked ? 7 : 0));
	}
	send_text(fd, ONE);
	expect_200(fd);
	ck_assert_int_ge(clock_now_ns() - begin_ns, 60 * MS);
	expect_200(fd);
	ck_assert_uint_eq(counts().requests, _i & 2 ? 3 : 2);
	(void)close(fd);
}
END_TEST

START_TEST(a_large_body_is_read_piece_by_piece)
{
	static char body[1000000];
	int64_t begin_ns;
	int fd;

	settings.read_bytes = 100000;
	settings.read_ns = 5 * MS;
	start();
	fd = new_client();
	begin_ns = clock_now_ns();
	send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
	send_bytes(fd, body, sizeof(body));
	expect_200(fd);
	ck_assert_int_ge(clock_now_ns() - begin_ns, 50 * MS);
	(void)close(fd);
}
END_TEST

static const struct expectation {
	const char *text;
	bool says_go_on;
} expectations[] = {
	{"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", true},
	{"POST / HTTP/1.1\r\nHost: a\r\nEXPECT:100-Continue\r\nContent-Length: 2\r\n\r\n", true},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", false},
	{"POST / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n"
	 "Content-Length: 2\r\n\r\n",
		false},
};

START_TEST(who_asks_before_the_body_is_told_to_go_on)
{
	char line[64];
	int fd;

	settings.drip_pieces = _i == 1 ? 2 : 0; /* that answer does not drip */
	settings.drip_ns = MS;
	start();
	fd = new_client();
	for (int i = 0; i < 3; i++) {
		send_text(fd, expectations[_i].text);
		if (expectations[_i].says_go_on) {
			read_line(fd, line, sizeof(line));
			ck_assert_str_eq(line, "HTTP/1.1 100 Continue");
			read_line(fd, line, sizeof(line));
			ck_assert_str_eq(line, "");
		}
		send_text(fd, "ab");
		expect_200(fd);
	}
	/* Whose body is there already is not told so, nor who has none. */
	send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		      "Content-Length: 2\r\n\r\nabPOST / HTTP/1.1\r\nHost: a\r\n"
		      "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n");
	expect_200(fd);
	expect_200(fd);
	wait_answers(5);
	ck_assert_uint_eq(counts().ok, 5);
	(void)close(fd);
}
END_TEST

/* ---- service, delays */

START_TEST(one_server_serves_one_after_the_other)
{
	int fds[10];
	int64_t begin_ns;

	settings.service.ns = 5 * MS;
	settings.burn = _i;
	start();
	begin_ns = clock_now_ns();
	for (int i = 0; i < LEN(fds); i++) {
		fds[i] = new_client();
		send_text(fds[i], ONE ONE);
	}
	for (int i = 0; i < LEN(fds); i++) {
		expect_200(fds[i]);
		expect_200(fds[i]);
		(void)close(fds[i]);
	}
	ck_assert_int_ge(clock_now_ns() - begin_ns, 2 * LEN(fds) * 5 * MS);
}
END_TEST

START_TEST(clients_may_leave_the_queue)
{
	int fds[20];

	settings.service.ns = HOUR;
	start();
	for (int i = 0; i < LEN(fds); i++) {
		fds[i] = new_client();
		send_text(fds[i], ONE);
	}
	while (counts().requests < (uint64_t)LEN(fds))
		(void)sched_yield();
	for (int i = 0; i < LEN(fds); i++) {
		struct linger reset = {.l_onoff = 1};
		int fd = fds[(i * 7) % LEN(fds)];

		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
		(void)close(fd);
	}
	wait_connections(0);
	ck_assert_uint_eq(counts().ok, 0);
}
END_TEST

START_TEST(a_delay_follows_the_service)
{
	int fd;

	settings.service.ns = 10 * MS;
	set_delay(SETTINGS_DELAY_FIXED, 10 * MS);
	start();
	fd = new_client();
	ck_assert_int_ge(answer_time_ns(fd), 20 * MS);
	(void)close(fd);
}
END_TEST

START_TEST(errors_may_come_without_the_delay)
{
	int fd;

	settings.error_share = 1;
	settings.error_has_delay = true;
	set_delay(SETTINGS_DELAY_FIXED, HOUR);
	start();
	fd = new_client();
	send_text(fd, ONE);
	ck_assert_uint_eq(read_answer(fd, false).status, 503);
	(void)close(fd);
}
END_TEST

/* ---- the ledger */

START_TEST(answers_are_counted_by_what_they_are)
{
	struct origin_counts c;
	int fd;

	settings.error_share = 0.5;
	start();
	fd = new_client();
	for (int i = 0; i < 100; i++) {
		send_text(fd, ONE);
		(void)read_answer(fd, false);
	}
	send_text(fd, "nonsense\n");
	ck_assert_uint_eq(read_answer(fd, false).status, 400);
	wait_answers(101);
	c = counts();
	ck_assert_uint_eq(c.requests, 100);
	ck_assert_uint_eq(c.ok + c.errors, 100);
	ck_assert_uint_ge(c.errors, 20);
	ck_assert_uint_ge(c.ok, 20);
	ck_assert_uint_eq(c.refused, 1);
	ck_assert_uint_eq(c.hung, 0);
	ck_assert_uint_eq(c.closed, 0);
	(void)close(fd);
}
END_TEST

START_TEST(times_are_those_of_the_answers)
{
	struct histogram h;
	int fd;

	set_delay(SETTINGS_DELAY_FIXED, 3 * MS);
	start();
	ck_assert_int_eq(origin_read_times(origin, &h), 0);
	ck_assert_uint_eq(h.count, 0);
	histogram_fini(&h);
	fd = new_client();
	for (int i = 0; i < 20; i++)
		(void)answer_time_ns(fd);
	wait_answers(20);
	/* The counter is written first: these may not all be there yet. */
	ck_assert_int_eq(origin_read_times(origin, &h), 0);
	ck_assert_uint_ge(h.count, 19);
	ck_assert_uint_le(h.count, 20);
	ck_assert_int_ge(h.min, 3 * MS);
	ck_assert_int_ge(h.max, h.min);
	ck_assert_double_ge(histogram_mean(&h), 2.8 * (double)MS);
	histogram_fini(&h);
	(void)close(fd);
}
END_TEST

/* The longest time once n requests are answered. */
static int64_t longest_ns(unsigned n)
{
	struct histogram h = {0};
	int64_t max_ns;

	do {
		histogram_fini(&h);
		ck_assert_int_eq(origin_read_times(origin, &h), 0);
	} while (h.count < n);
	max_ns = h.max;
	histogram_fini(&h);
	return max_ns;
}

/* What a request waits before it is read counts: for the origin to accept its connection, or for
 * those before it on the same one. The kernel begins to stamp a moment after the listener has asked
 * for it, so it is tried until then. */
START_TEST(times_begin_when_a_request_arrives)
{
	int64_t give_up_ns = clock_now_ns() + 10 * NSEC_PER_SEC;
	int64_t least_ns = 39 * MS, most_ns;

	if (_i == 0)
		settings.accept_stall = (struct settings_cycle){40 * MS, 0};
	else
		set_delay(SETTINGS_DELAY_FIXED, 20 * MS);
	do {
		int fd;

		ck_assert_int_lt(clock_now_ns(), give_up_ns);
		start();
		fd = new_client();
		send_text(fd, _i == 0 ? ONE : ONE ONE);
		expect_200(fd);
		if (_i == 1)
			expect_200(fd);
		most_ns = longest_ns(1 + (unsigned)_i);
		(void)close(fd);
		origin = origin_free(origin);
	} while (most_ns < least_ns);
	ck_assert_int_lt(most_ns, 10 * NSEC_PER_SEC);
}
END_TEST

/* ---- the log of gaps */

static char directory[64];
static char gaps[128];

static void gaps_setup(void)
{
	setup();
	strcpy(directory, "/tmp/rpsd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(gaps, sizeof(gaps), "%s/gaps", directory);
	settings.gaps = gaps;
}

static void gaps_teardown(void)
{
	teardown();
	(void)unlink(gaps);
	(void)rmdir(gaps);
	ck_assert_int_eq(rmdir(directory), 0);
}

START_TEST(arrivals_are_logged)
{
	enum { N = 50 };
	char line[128];
	long long instant = 0;
	FILE *f;
	int fd;

	start();
	fd = new_client();
	for (int i = 0; i < N; i++)
		(void)answer_time_ns(fd);
	(void)close(fd);
	origin = origin_free(origin);
	f = fopen(gaps, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(line, "# instant_ns gap_ns\n");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_str_eq(line, "0 -\n");
	for (int i = 1; i < N; i++) {
		long long at;
		long long gap;

		ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
		ck_assert_int_eq(sscanf(line, "%lld %lld", &at, &gap), 2);
		ck_assert_int_gt(gap, 0);
		ck_assert_int_eq(at, instant + gap);
		instant = at;
	}
	ck_assert_ptr_null(fgets(line, sizeof(line), f));
	ck_assert_int_eq(fclose(f), 0);
}
END_TEST

START_TEST(no_requests_no_lines)
{
	struct stat st;

	start();
	origin = origin_free(origin);
	ck_assert_int_eq(stat(gaps, &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)strlen("# instant_ns gap_ns\n"));
}
END_TEST

START_TEST(what_cannot_be_written_is_said_at_once)
{
	struct err err = {0};

	if (_i == 0)
		ck_assert_int_eq(mkdir(gaps, 0700), 0);
	else if (_i == 1)
		ck_assert_int_eq(mkfifo(gaps, 0600), 0);
	else
		settings.gaps = (char *)"/dev/null";
	ck_assert_int_lt(origin_start(&settings, &origin, &err), 0);
	ck_assert_ptr_null(origin);
	ck_assert_ptr_nonnull(strstr(err.text, "origin test: cannot write "));
	ck_assert_ptr_nonnull(strstr(err.text, settings.gaps));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_slow");
	TCase *slow = new_tcase(suite, "slow");
	TCase *ledger = new_tcase(suite, "ledger");
	TCase *log = tcase_create("gaps");

	tcase_add_test(slow, answers_drip);
	tcase_add_test(slow, the_first_byte_of_a_drip_does_not_wait);
	tcase_add_loop_test(slow, bodies_are_read_slowly, 0, 4);
	tcase_add_test(slow, a_large_body_is_read_piece_by_piece);
	tcase_add_loop_test(slow, who_asks_before_the_body_is_told_to_go_on, 0, LEN(expectations));
	tcase_add_loop_test(slow, one_server_serves_one_after_the_other, 0, 2);
	tcase_add_test(slow, clients_may_leave_the_queue);
	tcase_add_test(slow, a_delay_follows_the_service);
	tcase_add_test(slow, errors_may_come_without_the_delay);
	tcase_add_test(ledger, answers_are_counted_by_what_they_are);
	tcase_add_test(ledger, times_are_those_of_the_answers);
	tcase_add_loop_test(ledger, times_begin_when_a_request_arrives, 0, 2);
	tcase_add_checked_fixture(log, gaps_setup, gaps_teardown);
	tcase_set_timeout(log, 30);
	tcase_add_test(log, arrivals_are_logged);
	tcase_add_test(log, no_requests_no_lines);
	tcase_add_loop_test(log, what_cannot_be_written_is_said_at_once, 0, 3);
	suite_add_tcase(suite, log);
	return suite_main(suite);
}
