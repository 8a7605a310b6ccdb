/* SPDX-License-Identifier: Apache-2.0 */
/* Mail and futures, from the owner's thread and from others. */
#include "daemon/loop/future.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/suite.h"

#define N_THREADS 4
#define N_MAILS 5000

static struct loop *loop;

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void)
{
	loop_free(loop);
}

struct letter {
	struct mail mail;
	int thread;
	int number;
};

static int next_number[N_THREADS];
static int n_delivered;

static void letter_on_delivered(struct mail *mail)
{
	struct letter *l = container_of(mail, struct letter, mail);

	ck_assert_int_eq(l->number, next_number[l->thread]++);
	if (++n_delivered == N_THREADS * N_MAILS)
		loop_stop(loop);
}

static void *letter_writer(void *arg)
{
	struct letter *letters = arg;

	for (int i = 0; i < N_MAILS; i++)
		mailbox_post(loop_mailbox(loop), &letters[i].mail);
	return NULL;
}

START_TEST(mail_from_many_threads_in_order)
{
	struct letter *letters = calloc(N_THREADS * N_MAILS, sizeof(*letters));
	pthread_t threads[N_THREADS];

	for (int t = 0; t < N_THREADS; t++) {
		for (int i = 0; i < N_MAILS; i++)
			letters[t * N_MAILS + i] =
				(struct letter){{.on_delivered = letter_on_delivered}, t, i};
		ck_assert_int_eq(
			pthread_create(&threads[t], NULL, letter_writer, &letters[t * N_MAILS]), 0);
	}
	ck_assert_int_eq(loop_run(loop), 0);
	for (int t = 0; t < N_THREADS; t++)
		pthread_join(threads[t], NULL);
	ck_assert_int_eq(n_delivered, N_THREADS * N_MAILS);
	free(letters);
}
END_TEST

static int n_posts;

static void post_again(struct mail *mail)
{
	if (++n_posts < 10)
		mailbox_post(loop_mailbox(loop), mail);
	else
		loop_stop(loop);
}

START_TEST(mail_posted_while_delivering)
{
	struct mail mail = {.on_delivered = post_again};

	mailbox_post(loop_mailbox(loop), &mail);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(n_posts, 10);
}
END_TEST

static void *got_result;
static int n_done;

static void on_done(struct future *f, void *result, void *arg)
{
	ck_assert_ptr_eq(arg, f);
	got_result = result;
	n_done++;
	loop_stop(loop);
}

static int winners;

static void *complete(void *arg)
{
	if (future_done(arg, &winners))
		__atomic_fetch_add(&winners, 1, __ATOMIC_RELAXED);
	return NULL;
}

START_TEST(future_completed_by_one_of_many_threads)
{
	struct future f;
	pthread_t threads[N_THREADS];

	loop_add_future(loop, &f);
	future_on_done(&f, on_done, &f);
	for (int t = 0; t < N_THREADS; t++)
		ck_assert_int_eq(pthread_create(&threads[t], NULL, complete, &f), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	for (int t = 0; t < N_THREADS; t++)
		pthread_join(threads[t], NULL);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(winners, 1);
	ck_assert_int_eq(n_done, 1);
	ck_assert_ptr_eq(got_result, &winners);
}
END_TEST

START_TEST(future_done_before_anybody_asks)
{
	struct future f;
	int result;

	loop_add_future(loop, &f);
	ck_assert(future_done(&f, &result));
	ck_assert(!future_done(&f, NULL));
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(n_done, 0);
	future_on_done(&f, on_done, &f); /* at once */
	ck_assert_int_eq(n_done, 1);
	ck_assert_ptr_eq(got_result, &result);
}
END_TEST

START_TEST(future_of_another_thread_wakes_a_sleeping_loop)
{
	struct future f;
	pthread_t thread;

	loop_add_future(loop, &f);
	future_on_done(&f, on_done, &f);
	ck_assert_int_eq(pthread_create(&thread, NULL, complete, &f), 0);
	ck_assert_int_eq(loop_run(loop), 0); /* without the eventfd it would never return */
	pthread_join(thread, NULL);
	ck_assert_int_eq(n_done, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("future");
	TCase *t = tcase_create("future");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, mail_from_many_threads_in_order);
	tcase_add_test(t, mail_posted_while_delivering);
	tcase_add_test(t, future_completed_by_one_of_many_threads);
	tcase_add_test(t, future_done_before_anybody_asks);
	tcase_add_test(t, future_of_another_thread_wakes_a_sleeping_loop);
	suite_add_tcase(s, t);
	return suite_main(s);
}
