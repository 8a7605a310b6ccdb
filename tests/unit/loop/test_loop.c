/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: edges, the ready list, removal during dispatch. */
#include "daemon/loop/loop.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stats/histogram.h"
#include "tests/support/suite.h"

struct peer {
	struct loop_task task;
	int other;
	int calls;
	uint32_t events;
	size_t budget; /* bytes read in a call */
	size_t n_read;
	struct peer *victim; /* taken out in the callback */
	bool stop;
};

static struct loop *loop;

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void)
{
	loop = loop_free(loop);
}

static void peer_on_ready(struct loop_task *task, uint32_t events)
{
	struct peer *p = container_of(task, struct peer, task);
	char bytes[64];
	ssize_t n;

	p->calls++;
	p->events |= events;
	if (p->victim)
		loop_remove_task(&p->victim->task);
	if (p->budget > 0) {
		n = read(task->fd, bytes, p->budget);
		if (n > 0) {
			p->n_read += (size_t)n;
			loop_task_again(task);
		}
	}
	if (p->stop)
		loop_stop(task->_loop);
}

static void peer_open(struct peer *p)
{
	int fds[2];

	*p = (struct peer){0};
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	p->other = fds[1];
	ck_assert_int_eq(loop_add_task(loop, &p->task, fds[0], LOOP_STREAM, peer_on_ready), 0);
}

static void peer_close(struct peer *p)
{
	int fd = p->task.fd;

	loop_remove_task(&p->task);
	if (fd >= 0)
		close(fd);
	close(p->other);
}

START_TEST(edge_is_reported_once)
{
	struct peer p;

	peer_open(&p);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(p.calls, 1); /* writable */
	ck_assert_uint_eq(p.events & EPOLLOUT, EPOLLOUT);
	ck_assert_int_eq(write(p.other, "0123456789", 10), 10);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(p.calls, 2); /* nobody read, and still no second call */
	peer_close(&p);
}
END_TEST

START_TEST(stopping_early_is_called_again)
{
	struct peer p;

	peer_open(&p);
	p.budget = 3;
	ck_assert_int_eq(write(p.other, "0123456789", 10), 10);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(p.n_read, 10);
	ck_assert_int_eq(p.calls, 5); /* 3 + 3 + 3 + 1, and the one that finds nothing */
	peer_close(&p);
}
END_TEST

START_TEST(removed_during_dispatch_is_not_called)
{
	struct peer a, b;

	peer_open(&a);
	peer_open(&b);
	int b_fd = b.task.fd;
	a.victim = &b;
	b.victim = &a;
	int a_fd = a.task.fd;
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(a.calls + b.calls, 1); /* both were ready; the first took the other out */
	loop_remove_task(&a.task);
	loop_remove_task(&b.task);
	close(a_fd);
	close(b_fd);
	close(a.other);
	close(b.other);
}
END_TEST

START_TEST(task_without_descriptor_runs_when_asked)
{
	struct peer p = {0};

	ck_assert_int_eq(loop_add_task(loop, &p.task, -1, 0, peer_on_ready), 0);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(p.calls, 0);
	loop_task_again(&p.task);
	loop_task_again(&p.task);
	ck_assert_int_eq(loop_turn(loop, -1), 0); /* does not sleep */
	ck_assert_int_eq(p.calls, 1);
	loop_task_again(&p.task);
	loop_remove_task(&p.task);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(p.calls, 1);
}
END_TEST

START_TEST(peer_close_is_an_event)
{
	struct peer p;

	peer_open(&p);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	p.events = 0;
	close(p.other);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_ne(p.events & EPOLLRDHUP, 0);
	p.other = -1;
	peer_close(&p);
}
END_TEST

START_TEST(run_ends_at_stop)
{
	struct peer p;

	peer_open(&p);
	p.stop = true;
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(p.calls, 1);
	peer_close(&p);
}
END_TEST

START_TEST(turns_are_recorded_while_somebody_wants_to_know)
{
	struct histogram turns;

	ck_assert_int_eq(histogram_init(&turns, 1, NSEC_PER_SEC, 2), 0);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	loop_watch_turns(loop, &turns);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(loop_turn(loop, i % 2 ? NSEC_PER_MSEC : 0), 0);
	ck_assert_uint_eq(turns.count, 5);
	ck_assert_int_ge(turns.min, 0);
	loop_watch_turns(loop, NULL);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(turns.count, 5);
	histogram_fini(&turns);
}
END_TEST

START_TEST(bad_descriptor_is_an_error)
{
	struct loop_task t;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_lt(loop_add_task(loop, &t, file, LOOP_INPUT, peer_on_ready), 0);
	loop_remove_task(&t); /* harmless */
	close(file);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, edge_is_reported_once);
	tcase_add_test(t, stopping_early_is_called_again);
	tcase_add_test(t, removed_during_dispatch_is_not_called);
	tcase_add_test(t, task_without_descriptor_runs_when_asked);
	tcase_add_test(t, peer_close_is_an_event);
	tcase_add_test(t, run_ends_at_stop);
	tcase_add_test(t, bad_descriptor_is_an_error);
	tcase_add_test(t, turns_are_recorded_while_somebody_wants_to_know);
	suite_add_tcase(s, t);
	return suite_main(s);
}
