/* SPDX-License-Identifier: Apache-2.0 */
/* The origin at its limits: many clients, no descriptors, starting and stopping. */
#include "tests/unit/origin/origin_client.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

/* ---- many, few, none */

static void want_descriptors(rlim_t n)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < n)
		limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(waiting_connections_are_cheap_and_do_not_hold_up_the_end)
{
	enum { N = 1500 };
	static int fds[N];
	size_t before;
	char byte;

	want_descriptors(2 * N + 50);
	set_delay(SETTINGS_DELAY_FIXED, 3600 * NSEC_PER_SEC);
	start();
	before = mallinfo2().uordblks;
	for (int i = 0; i < N; i++) {
		fds[i] = new_client();
		send_text(fds[i], ONE);
	}
	while (counts().requests < N)
		(void)sched_yield();
	ck_assert_uint_le(mallinfo2().uordblks, before + (size_t)N * 512);
	origin = origin_free(origin);
	for (int i = 0; i < N; i++) {
		ck_assert_int_le(recv(fds[i], &byte, 1, 0), 0);
		(void)close(fds[i]);
	}
}
END_TEST

START_TEST(a_reset_client_is_forgotten_at_once)
{
	struct linger reset = {.l_onoff = 1};
	int fd;

	set_delay(SETTINGS_DELAY_FIXED, 3600 * NSEC_PER_SEC);
	start();
	fd = new_client();
	send_text(fd, ONE);
	while (counts().requests < 1)
		(void)sched_yield();
	ck_assert_uint_eq(counts().connections, 1);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	(void)close(fd);
	while (counts().connections > 0)
		(void)sched_yield();
}
END_TEST

/* Three clients where two have room, of all (0) or of one address (1). */
START_TEST(one_too_many_is_reset)
{
	int fds[3];
	char byte;

	if (_i == 0)
		settings.max_connections = 2;
	else
		settings.max_per_address = 2;
	start();
	for (int i = 0; i < 2; i++) {
		fds[i] = new_client();
		send_text(fds[i], ONE);
		expect_200(fds[i]);
	}
	fds[2] = new_client();
	ck_assert_int_eq(recv(fds[2], &byte, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_uint_eq(counts().closed, 1);
	ck_assert_uint_eq(counts().accepted, 2);
	/* A place that becomes free can be taken. */
	(void)close(fds[0]);
	while (counts().connections > 1)
		(void)sched_yield();
	fds[0] = new_client();
	send_text(fds[0], ONE);
	expect_200(fds[0]);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
}
END_TEST

START_TEST(counts_what_is_open)
{
	int one;
	int two;

	start();
	one = new_client();
	two = new_client();
	pass_through();
	while (counts().connections != 2) /* until its own is closed */
		(void)sched_yield();
	(void)close(one);
	while (counts().connections != 1)
		(void)sched_yield();
	(void)close(two);
	while (counts().connections != 0)
		(void)sched_yield();
	ck_assert_uint_eq(counts().accepted, 3);
	ck_assert_uint_eq(counts().requests, 1);
}
END_TEST

static int64_t cpu_now_ns(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Two descriptors are left for four clients. */
START_TEST(without_descriptors_it_waits_and_goes_on)
{
	struct rlimit limit;
	struct pollfd third;
	int64_t cpu_ns;
	int fds[4];
	int next;

	start();
	for (int i = 0; i < 4; i++)
		fds[i] = new_socket();
	next = fcntl(STDIN_FILENO, F_DUPFD, fds[3] + 1); /* as from here all are free */
	ck_assert_int_eq(close(next), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next + 2;
	for (int fd = 0; fd < next; fd++) /* no free one below */
		(void)fcntl(STDIN_FILENO, F_DUPFD, 0);
	for (int fd = next; fd < next * 3; fd++)
		(void)close(fd);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 4; i++) {
		connect_socket(fds[i]);
		send_text(fds[i], ONE);
	}
	expect_200(fds[0]);
	expect_200(fds[1]);
	third = (struct pollfd){.fd = fds[2], .events = POLLIN};
	cpu_ns = cpu_now_ns();
	ck_assert_int_eq(poll(&third, 1, 300), 0);
	ck_assert_int_lt(cpu_now_ns() - cpu_ns, 100 * NSEC_PER_MSEC);
	ck_assert_uint_eq(counts().accepted, 2);
	/* Shut, not closed: the descriptor itself stays taken. */
	ck_assert_int_eq(shutdown(fds[0], SHUT_RDWR), 0);
	expect_200(fds[2]);
	ck_assert_int_eq(shutdown(fds[1], SHUT_RDWR), 0);
	expect_200(fds[3]);
	ck_assert_uint_eq(counts().requests, 4);
}
END_TEST

/* ---- starting */

START_TEST(tells_its_name_and_the_real_port)
{
	start();
	ck_assert_str_eq(origin_name(origin), "test");
	ck_assert(strncmp(origin_address(origin), "127.0.0.1:", 10) == 0);
	ck_assert_int_gt(atoi(origin_address(origin) + 10), 0);
	pass_through();
}
END_TEST

START_TEST(names_the_address_that_is_taken)
{
	struct origin *second = NULL;
	struct err err = {0};
	char address[64];

	start();
	(void)snprintf(address, sizeof(address), "%s", origin_address(origin));
	settings.listen = address;
	settings.name = (char *)"second";
	ck_assert_int_eq(origin_start(&settings, &second, &err), -EADDRINUSE);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(err.text, address));
	ck_assert_ptr_nonnull(strstr(err.text, "second"));
	/* The port of an origin that has ended with connections open can be had again. */
	pass_through();
	origin = origin_free(origin);
	start();
	ck_assert_str_eq(origin_address(origin), address);
}
END_TEST

static const char *const bad_addresses[] = {
	"", "nonsense", "127.0.0.1", "127.0.0.1:", ":8000", "[]:1", "127.0.0.1:http", "1.2.3:x:4",
	"192.0.2.1:0", /* of nobody */
};

START_TEST(names_the_address_that_is_none)
{
	struct err err = {0};

	settings.listen = (char *)bad_addresses[_i];
	ck_assert_int_lt(origin_start(&settings, &origin, &err), 0);
	ck_assert_ptr_null(origin);
	ck_assert_ptr_nonnull(strstr(err.text, "origin test: cannot listen on"));
	ck_assert_ptr_nonnull(strstr(err.text, bad_addresses[_i]));
}
END_TEST

START_TEST(starts_and_stops_again_and_again)
{
	for (int i = 0; i < 20; i++) {
		start();
		if (i % 2)
			pass_through();
		origin = origin_free(origin);
		ck_assert_ptr_null(origin);
	}
	ck_assert_ptr_null(origin_free(NULL));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_limits");
	TCase *limits = new_tcase(suite, "limits");

	tcase_add_loop_test(limits, one_too_many_is_reset, 0, 2);
	tcase_add_test(limits, waiting_connections_are_cheap_and_do_not_hold_up_the_end);
	tcase_add_test(limits, a_reset_client_is_forgotten_at_once);
	tcase_add_test(limits, counts_what_is_open);
	tcase_add_test(limits, without_descriptors_it_waits_and_goes_on);
	tcase_add_test(limits, tells_its_name_and_the_real_port);
	tcase_add_test(limits, names_the_address_that_is_taken);
	tcase_add_loop_test(limits, names_the_address_that_is_none, 0, LEN(bad_addresses));
	tcase_add_test(limits, starts_and_stops_again_and_again);
	return suite_main(suite);
}
