/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual clock of tests/support: hours take no time, nothing that is under way is overtaken,
 * and what is due comes in order. */
#include "tests/support/skip_clock.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"
#include "tests/support/suite.h"

#define HOUR_NS (3600 * NSEC_PER_SEC)
#define HOUR_MS 3600000
#define TICKS(n) ((n) * (int64_t)SKIP_CLOCK_TICK_NS)

static int64_t start_ns;

static void setup(void)
{
	skip_clock_start();
	start_ns = clock_now_ns();
}

static void assert_passed(int64_t time_ns)
{
	int64_t passed_ns = clock_now_ns() - start_ns;

	ck_assert_int_ge(passed_ns, time_ns);
	ck_assert_int_le(passed_ns, time_ns + TICKS(20));
}

static void on_expired(struct timer_queue *q, struct timer *t)
{
	(void)t;
	loop_stop(q->userdata);
}

START_TEST(a_timer)
{
	struct timer_queue queue;
	struct timer timer;
	struct loop *loop;

	ck_assert_int_eq(loop_new(&loop), 0);
	timer_queue_init(&queue, loop, on_expired, loop);
	timer_init(&timer);
	timer_start(&queue, &timer, start_ns + HOUR_NS);
	ck_assert_int_eq(loop_turn(loop, HOUR_NS / 2), 0);
	assert_passed(HOUR_NS / 2);
	ck_assert(timer_is_running(&timer));
	ck_assert_int_eq(loop_run(loop), 0);
	assert_passed(HOUR_NS);
	timer_queue_fini(&queue);
	loop_free(loop);
}
END_TEST

/* A loop that waits for an instant by reading the clock. */
START_TEST(a_clock_that_is_read)
{
	while (clock_now_ns() < start_ns + TICKS(100))
		;
	assert_passed(TICKS(100));
}
END_TEST

START_TEST(both_clocks)
{
	int64_t wall_ns = clock_unix_ns();

	ck_assert_int_eq(poll(NULL, 0, HOUR_MS), 0);
	ck_assert_int_le(llabs(clock_unix_ns() - wall_ns - HOUR_NS), TICKS(20));
}
END_TEST

/* ---- threads */

static unsigned order[3], n_done;

static void *wait_for_a_while(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;

	(void)poll(NULL, 0, (int)n * HOUR_MS);
	order[n_done++] = n;
	return NULL;
}

START_TEST(threads_that_wait)
{
	pthread_t threads[3];

	for (uintptr_t i = 0; i < 3; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, wait_for_a_while, (void *)(3 - i)), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(n_done, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(order[i], i + 1);
	assert_passed(3 * HOUR_NS);
}
END_TEST

/* Answers each byte, after work that takes a while in real time and none in virtual time. */
static void *answer(void *arg)
{
	int listener = *(int *)arg;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char byte;

	while (recv(fd, &byte, 1, 0) == 1) {
		for (volatile int i = 0; i < 1000000; i++)
			;
		ck_assert_int_eq(send(fd, &byte, 1, MSG_NOSIGNAL), 1);
	}
	ck_assert_int_eq(close(fd), 0);
	return NULL;
}

START_TEST(an_answer_under_way)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *address = (struct sockaddr *)&in;
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	pthread_t thread;
	char byte = 0;

	ck_assert_int_eq(bind(listener, address, len), 0);
	ck_assert_int_eq(getsockname(listener, address, &len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, answer, &listener), 0);
	ck_assert_int_eq(connect(fd, address, len), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(send(fd, &byte, 1, 0), 1);
		ck_assert_int_eq(poll(&p, 1, 1), 1);
		ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
		ck_assert_int_eq(poll(&p, 1, 1), 0);
	}
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(close(listener), 0);
	ck_assert_int_ge(clock_now_ns(), start_ns + 20 * NSEC_PER_MSEC);
	ck_assert_int_le(clock_now_ns(), start_ns + 25 * NSEC_PER_MSEC);
}
END_TEST

/* ---- conditions */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open;

static void *open_later(void *arg)
{
	(void)poll(NULL, 0, HOUR_MS);
	(void)pthread_mutex_lock(&lock);
	is_open = true;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
	return arg;
}

START_TEST(a_condition)
{
	int64_t until_ns = start_ns + HOUR_NS / 2;
	struct timespec until = {until_ns / NSEC_PER_SEC, until_ns % NSEC_PER_SEC};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, open_later, NULL), 0);
	(void)pthread_mutex_lock(&lock);
	ck_assert_int_eq(
		pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until), ETIMEDOUT);
	assert_passed(HOUR_NS / 2);
	while (!is_open)
		ck_assert_int_eq(pthread_cond_wait(&changed, &lock), 0);
	(void)pthread_mutex_unlock(&lock);
	assert_passed(HOUR_NS);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("skip_clock");
	TCase *t = tcase_create("skip_clock");

	tcase_add_checked_fixture(t, setup, skip_clock_stop);
	tcase_add_test(t, a_timer);
	tcase_add_test(t, a_clock_that_is_read);
	tcase_add_test(t, both_clocks);
	tcase_add_test(t, threads_that_wait);
	tcase_add_test(t, an_answer_under_way);
	tcase_add_test(t, a_condition);
	suite_add_tcase(s, t);
	return suite_main(s);
}
