/* SPDX-License-Identifier: Apache-2.0 */
/* A loop whose system calls fail: a timer that cannot be set ends the loop with its error, and mail
 * is delivered although the eventfd cannot be written. The calls are those of this file. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/mailbox.h"
#include "daemon/loop/timer.h"
#include "tests/support/suite.h"

static int timer_error;
static int eventfd_errors; /* so many writes fail */
static unsigned n_delivered;

int timerfd_settime(
	int fd, int flags, const struct itimerspec *value, struct itimerspec *ret_before)
{
	if (timer_error) {
		errno = timer_error;
		return -1;
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, value, ret_before);
}

int eventfd_write(int fd, eventfd_t value)
{
	if (eventfd_errors > 0) {
		eventfd_errors--;
		errno = EIO;
		return -1;
	}
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

static void on_expired(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	(void)timer;
}

START_TEST(timer_cannot_be_set)
{
	struct timer_queue queue;
	struct timer timer;
	struct loop *loop;

	ck_assert_int_eq(loop_new(&loop), 0);
	timer_queue_init(&queue, loop, on_expired, NULL);
	timer_init(&timer);
	timer_error = _i ? ENOMEM : EINVAL;
	timer_start(&queue, &timer, clock_now_ns() + NSEC_PER_SEC);
	timer_error = 0;
	ck_assert_int_eq(loop_turn(loop, 0), _i ? -ENOMEM : -EINVAL);
	ck_assert_int_eq(loop_run(loop), _i ? -ENOMEM : -EINVAL);
	timer_stop(&timer);
	timer_queue_fini(&queue);
	loop_free(loop);
}
END_TEST

static void on_delivered(struct mail *mail)
{
	(void)mail;
	n_delivered++;
}

static struct mail mails[3];

static void *post_from_elsewhere(void *arg)
{
	usleep(1000); /* so that the loop as a rule sleeps by then; either way it must wake */
	mailbox_post(loop_mailbox(arg), &mails[0]);
	return NULL;
}

START_TEST(eventfd_cannot_be_written)
{
	struct loop *loop;
	pthread_t thread;

	ck_assert_int_eq(loop_new(&loop), 0);
	for (size_t i = 0; i < 3; i++)
		mails[i].on_delivered = on_delivered;
	eventfd_errors = _i;
	ck_assert_int_eq(pthread_create(&thread, NULL, post_from_elsewhere, loop), 0);
	while (n_delivered == 0)
		ck_assert_int_eq(loop_turn(loop, -1), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	mailbox_post(loop_mailbox(loop), &mails[1]);
	mailbox_post(loop_mailbox(loop), &mails[2]);
	while (n_delivered < 3)
		ck_assert_int_eq(loop_turn(loop, -1), 0);
	mailbox_post(loop_mailbox(loop), &mails[0]);
	while (n_delivered < 4)
		ck_assert_int_eq(loop_turn(loop, -1), 0);
	loop_free(loop);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop_faults");
	TCase *t = tcase_create("loop_faults");

	tcase_add_loop_test(t, timer_cannot_be_set, 0, 2);
	tcase_add_loop_test(t, eventfd_cannot_be_written, 0, 4);
	suite_add_tcase(s, t);
	return suite_main(s);
}
