/* SPDX-License-Identifier: Apache-2.0 */
/* When a server is said to be silent, under a virtual clock. */
#include "daemon/engine/silence.h"

#include <check.h>

#include "tests/support/suite.h"

#define SEC NSEC_PER_SEC
#define MS NSEC_PER_MSEC
#define START (1000 * SEC)

/* Two workers that take arrivals in turn, and what main knows of them at an instant. */
static struct silence workers[2];

static int64_t silent_since(int64_t at_ns)
{
	struct silence all = {0};

	for (int w = 0; w < 2; w++)
		silence_merge(&all, &workers[w]);
	return silence_since(&all, 2, SEC, START + at_ns);
}

static void ask(int w, int64_t at_ns)
{
	silence_asked(&workers[w], START + at_ns);
}

static void answer(int w, int64_t at_ns)
{
	silence_answered(&workers[w], START + at_ns);
}

/* One of so many hangs, the others are answered at once. Looked at at every step. */
static void steady(int64_t from_ns, int64_t to_ns, int64_t gap_ns, int hang)
{
	int n = 0;

	for (int64_t t = from_ns; t < to_ns; t += gap_ns, n++) {
		ask(n % 2, t);
		ck_assert_int_eq(silent_since(t), 0);
		if (n % hang != hang - 1)
			answer(n % 2, t + MS);
		ck_assert_int_eq(silent_since(t + MS), 0);
	}
}

static void setup(void)
{
	workers[0] = workers[1] = (struct silence){0};
}

START_TEST(test_one_request_that_hangs_is_no_silence)
{
	steady(0, 20 * SEC, 20 * MS, 99);
	/* Whatever its age, as long as others are answered. */
	ck_assert_int_eq(silent_since(20 * SEC), 0);
}
END_TEST

START_TEST(test_a_pause_is_no_silence)
{
	steady(0, 6 * SEC, 20 * MS, 99);
	ck_assert_int_eq(silent_since(8 * SEC), 0);
	/* The last request before it hangs. */
	ask(0, 8 * SEC);
	for (int64_t t = 8 * SEC; t < 20 * SEC; t += 500 * MS)
		ck_assert_int_eq(silent_since(t), 0);
	steady(20 * SEC, 24 * SEC, 20 * MS, 99);
}
END_TEST

START_TEST(test_a_slow_plan_is_no_silence)
{
	steady(0, 60 * SEC, 1 * SEC, 9);
	steady(60 * SEC, 600 * SEC, 10 * SEC, 9);
}
END_TEST

START_TEST(test_a_server_that_stops_is_silent)
{
	steady(0, 5 * SEC, 20 * MS, 99);
	for (int64_t t = 5 * SEC; t < 9 * SEC; t += 20 * MS)
		ask((t / (20 * MS)) % 2 != 0, t);
	ck_assert_int_eq(silent_since(5500 * MS), 0);
	ck_assert_int_eq(silent_since(6040 * MS), START + 5 * SEC);
	ck_assert_int_eq(silent_since(9 * SEC), START + 5 * SEC);
	answer(1, 9 * SEC + MS);
	ck_assert_int_eq(silent_since(9 * SEC + 2 * MS), 0);
	ck_assert_int_eq(silent_since(90 * SEC), 0);
}
END_TEST

START_TEST(test_silence_begins_with_the_first_request_after_a_pause)
{
	steady(0, 5 * SEC, 20 * MS, 99);
	for (int64_t t = 7 * SEC; t < 9 * SEC; t += 20 * MS)
		ask((t / (20 * MS)) % 2 != 0, t);
	ck_assert_int_eq(silent_since(7900 * MS), 0);
	ck_assert_int_eq(silent_since(8100 * MS), START + 7 * SEC);
}
END_TEST

/* The other one's arrivals, all of which hang, neither hide nor make a silence. */
START_TEST(test_a_worker_that_has_no_answers)
{
	answer(1, 1 * MS);
	for (int64_t t = SEC; t < 5 * SEC; t += 20 * MS) {
		ask(1, t);
		ask(0, t);
		answer(0, t + MS);
		ck_assert_int_eq(silent_since(t + MS), 0);
	}
	for (int64_t t = 5 * SEC; t < 7 * SEC; t += 20 * MS)
		ask(0, t);
	ck_assert_int_eq(silent_since(7 * SEC), START + 5 * SEC);
}
END_TEST

START_TEST(test_a_server_that_never_answers_is_silent)
{
	for (int64_t t = 0; t < 5 * SEC; t += 20 * MS)
		ask(0, t);
	ck_assert_int_eq(silent_since(SEC), 0);
	ck_assert_int_eq(silent_since(5 * SEC), START);
}
END_TEST

/* The instant of a batch of arrivals is from before the response that came last. */
START_TEST(test_an_old_instant_is_no_older_than_the_answer)
{
	answer(0, SEC);
	ask(0, SEC - MS);
	ask(0, SEC - MS);
	ck_assert_int_eq(silent_since(3 * SEC), START + SEC);
}
END_TEST

START_TEST(test_a_single_user_can_ask_once)
{
	struct silence s = {0};

	silence_answered(&s, START);
	ck_assert_int_eq(silence_since(&s, 1, SEC, START + 9 * SEC), 0);
	silence_asked(&s, START + 5 * SEC);
	ck_assert_int_eq(silence_since(&s, 1, SEC, START + 9 * SEC), START + 5 * SEC);
	ck_assert_int_eq(silence_since(&s, 2, SEC, START + 9 * SEC), 0);
}
END_TEST

/* In any order of the workers, only the first two arrivals are kept. */
START_TEST(test_the_first_two_are_kept)
{
	ask(0, 3 * SEC);
	ask(0, 4 * SEC);
	answer(1, SEC);
	ask(1, 2 * SEC);
	ask(1, 5 * SEC);
	for (int round = 0; round < 2; round++) {
		struct silence all = {0}, other = workers[0];

		silence_merge(&all, &workers[0]);
		silence_merge(&all, &workers[1]);
		ck_assert_int_eq(all.asked_ns[0], START + 2 * SEC);
		ck_assert_int_eq(all.asked_ns[1], START + 3 * SEC);
		workers[0] = workers[1];
		workers[1] = other;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("silence");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_one_request_that_hangs_is_no_silence);
	tcase_add_test(tcase, test_a_pause_is_no_silence);
	tcase_add_test(tcase, test_a_slow_plan_is_no_silence);
	tcase_add_test(tcase, test_a_server_that_stops_is_silent);
	tcase_add_test(tcase, test_silence_begins_with_the_first_request_after_a_pause);
	tcase_add_test(tcase, test_a_worker_that_has_no_answers);
	tcase_add_test(tcase, test_a_server_that_never_answers_is_silent);
	tcase_add_test(tcase, test_an_old_instant_is_no_older_than_the_answer);
	tcase_add_test(tcase, test_a_single_user_can_ask_once);
	tcase_add_test(tcase, test_the_first_two_are_kept);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
