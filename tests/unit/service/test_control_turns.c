/* SPDX-License-Identifier: Apache-2.0 */
/* Who is served when: users share the turns, then their connections do, and a user has a share of
 * the time. Where two users are wanted the tests need root, to connect as one of them. */
#include <sys/ioctl.h>

#include "tests/support/skip.h"
#include "tests/support/suite.h"
#include "tests/unit/service/control_fixture.h"

#define PIPELINED 200
#define SLOW "{\"method\":\"a.test.Slow\"}"
#define PREEMPTED "{\"method\":\"a.test.Preempted\"}"
#define ONEWAY "{\"method\":\"a.test.Fail\",\"oneway\":true}"
#define MANY_CALL "{\"method\":\"a.test.Many\",\"parameters\":{\"n\":20000}}"
#define LONG "{\"method\":\"a.test.Long\"}"

static const uid_t observers[] = {65533, 65534};

/* By a user of the host who is neither root nor the daemon's own. */
static struct client test_connect_as(uid_t uid)
{
	struct client k;

	ck_assert_int_eq(seteuid(uid), 0);
	k = test_connect();
	ck_assert_int_eq(seteuid(0), 0);
	return k;
}

static void test_pipeline(struct client *k, const char *call, int n)
{
	struct buf calls = {0};

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(buf_append(&calls, call, strlen(call) + 1), 0);
	test_write(k, calls.data, calls.len);
	buf_fini(&calls);
}

/* Turns until something has come for k, one step each. */
static void test_until_answered(struct client *k)
{
	char byte;

	for (int i = 0; recv(k->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == -1; i++) {
		ck_assert_int_lt(i, 50);
		ck_assert_int_eq(loop_turn(loop, 5 * NSEC_PER_MSEC), 0);
	}
}

/* Each turn of the loop makes one step, so that the order can be seen. */
static void test_setup_steps(void)
{
	limits = control_default_limits;
	limits.turn_ns = 0;
	test_setup();
}

START_TEST(pipelining_does_not_starve_others)
{
	struct client greedy = test_pair(NULL);
	struct client modest = test_pair(NULL);

	test_pipeline(&greedy, ECHO(1), PIPELINED);
	test_send(&modest, ECHO(2));
	test_until_answered(&modest);
	ck_assert_uint_le(n_echoes, 2);
	for (int i = 0; i < PIPELINED; i++)
		test_expect(&greedy, ECHOED(1));
	test_expect(&modest, ECHOED(2));
	test_close(&greedy);
	test_close(&modest);
}
END_TEST

/* Its user stood in the round with nothing to serve, and the service crashed. */
START_TEST(who_leaves_while_it_waits_takes_its_turn_along)
{
	struct client first, leaves;

	test_listen(CONTROL_OBSERVE);
	first = test_connect();
	leaves = test_connect();
	test_send(&first, ECHO(1));
	test_expect(&first, ECHOED(1));
	test_send(&leaves, ECHO(2));
	test_expect(&leaves, ECHOED(2));
	for (int i = 0; i < 10; i++)
		test_turn();
	/* Both wait. The next step is the first's, and the other leaves before its own. */
	test_write(&first, "{", 1);
	test_write(&leaves, "{", 1);
	test_turn();
	test_close(&leaves);
	for (int i = 0; i < 10; i++)
		test_turn();
	test_write(&first, ECHO(3) + 1, strlen(ECHO(3)));
	test_expect(&first, ECHOED(3));
	test_close(&first);
}
END_TEST

START_TEST(a_user_with_many_connections_has_one_users_turns)
{
	struct client greedy[8];
	struct client modest;

	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < 8; i++) {
		greedy[i] = test_connect_as(observers[0]);
		test_pipeline(&greedy[i], ECHO(1), PIPELINED);
	}
	modest = test_connect_as(observers[1]);
	while (control_n_connections(control) < 9)
		test_turn();
	/* The greedy one's calls have all come; the modest one's is the newest. */
	test_send(&modest, ECHO(2));
	n_echoes = 0;
	test_until_answered(&modest);
	ck_assert_uint_le(n_echoes, 3);
	test_expect(&modest, ECHOED(2));
	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < PIPELINED; j++)
			test_expect(&greedy[i], ECHOED(1));
		test_close(&greedy[i]);
	}
	test_close(&modest);
}
END_TEST

START_TEST(connections_of_one_user_take_turns)
{
	struct client greedy;
	struct client modest;

	test_listen(CONTROL_OPERATE);
	greedy = test_connect();
	test_pipeline(&greedy, ECHO(1), PIPELINED);
	modest = test_connect();
	while (control_n_connections(control) < 2)
		test_turn();
	test_send(&modest, ECHO(2));
	n_echoes = 0;
	test_until_answered(&modest);
	ck_assert_uint_le(n_echoes, 3);
	test_close(&greedy);
	test_close(&modest);
}
END_TEST

/* 16 in a millisecond: the last ones come three milliseconds after the first. */
START_TEST(connections_are_accepted_at_a_pace)
{
	enum { N = 64 };
	int64_t before_ns;
	struct client k[N];

	limits.n_per_uid = N;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < N; i++)
		k[i] = test_connect();
	before_ns = clock_now_ns();
	while (control_n_connections(control) < N)
		ck_assert_int_eq(loop_turn(loop, NSEC_PER_MSEC), 0);
	ck_assert_int_ge(clock_now_ns() - before_ns, 3 * NSEC_PER_MSEC);
	for (int i = 0; i < N; i++)
		test_close(&k[i]);
}
END_TEST

/* ---------------------------------------------------------------- the share of the time */

static void test_setup_share(void)
{
	limits = control_default_limits;
	limits.share = 10;
	limits.burst_ns = 10 * NSEC_PER_MSEC;
	test_setup();
}

static unsigned test_ask_slowly(struct client *k, int n)
{
	test_pipeline(k, SLOW, n);
	for (int i = 0; i < n; i++)
		test_expect(k, "{\"parameters\":{}}");
	return (unsigned)n;
}

START_TEST(a_user_gets_no_more_than_the_share)
{
	int64_t before_ns = clock_now_ns();
	struct client k;

	test_listen(CONTROL_OPERATE);
	k = test_connect();
	/* 40 ms of work, 10 of them at once: the rest takes ten times as long, but for the last
	 * call, which nothing has to wait for. */
	test_ask_slowly(&k, 20);
	ck_assert_int_ge(clock_now_ns() - before_ns, 10 * (40 - 10 - 2) * NSEC_PER_MSEC);
	test_close(&k);
}
END_TEST

START_TEST(who_leaves_and_comes_back_still_owes)
{
	int64_t before_ns = clock_now_ns();

	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < 20; i++) {
		struct client k = test_connect();

		test_ask_slowly(&k, 1);
		test_close(&k);
		while (control_n_connections(control) > 0)
			ck_assert_int_eq(loop_turn(loop, NSEC_PER_MSEC), 0);
	}
	ck_assert_int_ge(clock_now_ns() - before_ns, 10 * (40 - 10 - 2) * NSEC_PER_MSEC);
}
END_TEST

/* The place of a connection that was closed is free at once. */
START_TEST(a_place_becomes_free_while_its_user_rests)
{
	struct client k;

	limits.n_per_uid = 1;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	k = test_connect();
	test_ask_slowly(&k, 10);
	test_close(&k);
	test_turn();
	ck_assert_uint_eq(control_n_connections(control), 0);
	k = test_connect();
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	test_close(&k);
}
END_TEST

/* The only connection that its user may have, and the user rests. */
static struct client test_resting(enum control_role role)
{
	struct client k;

	limits.n_per_uid = 1;
	limits.share = 50; /* for half a second */
	test_setup_again();
	test_listen(role);
	k = test_connect();
	test_ask_slowly(&k, 10);
	return k;
}

/* What an observer asked has no effect but the answer, which would go nowhere. */
START_TEST(an_observer_who_leaves_unread_calls_leaves_the_place)
{
	struct client k = test_resting(CONTROL_OBSERVE);

	n_slow = 0;
	test_pipeline(&k, SLOW, 50);
	test_write(&k, "{\"half", 6);
	test_close(&k);
	test_turn();
	ck_assert_uint_eq(control_n_connections(control), 0);
	k = test_connect();
	test_turn();
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	ck_assert_uint_eq(n_slow, 0);
	test_close(&k);
}
END_TEST

/* What has an effect waits for its turn, unless the place is wanted. */
START_TEST(who_leaves_unread_acts_keeps_the_place_until_it_is_wanted)
{
	struct client k = test_resting(CONTROL_OPERATE);

	test_pipeline(&k, ONEWAY, 50);
	test_close(&k);
	test_turn();
	ck_assert_uint_eq(control_n_connections(control), 1);
	ck_assert_uint_eq(n_oneway, 0);
	k = test_connect();
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	ck_assert_uint_eq(n_oneway, 0);
	test_close(&k);
}
END_TEST

START_TEST(acts_of_who_has_left_come_after_the_rest)
{
	struct client k = test_resting(CONTROL_OPERATE);

	test_pipeline(&k, ONEWAY, 50);
	test_close(&k);
	for (int i = 0; i < TURNS_MAX && control_n_connections(control) > 0; i++)
		ck_assert_int_eq(loop_turn(loop, 5 * NSEC_PER_MSEC), 0);
	ck_assert_uint_eq(n_oneway, 50);
}
END_TEST

/* The last place of all belongs to another user's peer, which has gone. */
START_TEST(one_who_has_gone_gives_way_to_another_user)
{
	struct client k;

	limits.n_connections = 1;
	limits.n_reserved = 0;
	limits.share = 50;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	k = test_connect_as(observers[0]);
	test_ask_slowly(&k, 10);
	test_pipeline(&k, ONEWAY, 50);
	test_close(&k);
	test_turn();
	k = test_connect_as(observers[1]);
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	test_close(&k);
}
END_TEST

START_TEST(who_came_and_went_takes_no_place)
{
	struct client k;

	limits.n_per_uid = 1;
	test_setup_again();
	test_listen(CONTROL_OPERATE);
	for (int i = 0; i < 10; i++) {
		k = test_connect();
		test_close(&k);
	}
	k = test_connect();
	test_send(&k, ECHO(1));
	test_expect(&k, ECHOED(1));
	test_close(&k);
}
END_TEST

START_TEST(half_a_close_with_nothing_asked_ends_at_once)
{
	struct client k = test_resting(CONTROL_OPERATE);

	ck_assert_int_eq(shutdown(k.fd, SHUT_WR), 0);
	test_turn();
	ck_assert_uint_eq(control_n_connections(control), 0);
	test_expect_closed(&k);
	test_close(&k);
}
END_TEST

/* 120 ms of the clock are no debt, where 10 of the CPU would be one. */
START_TEST(what_other_processes_take_is_not_charged)
{
	struct client k;

	test_listen(CONTROL_OPERATE);
	k = test_connect();
	test_pipeline(&k, PREEMPTED, 60);
	for (int i = 0; i < 60; i++)
		test_expect(&k, "{\"parameters\":{}}");
	n_echoes = 0;
	test_send(&k, ECHO(1));
	for (int i = 0; i < 2; i++)
		test_turn();
	ck_assert_uint_eq(n_echoes, 1);
	test_close(&k);
}
END_TEST

START_TEST(another_user_is_answered_while_one_rests)
{
	struct client slow;
	struct client quick;

	test_listen(CONTROL_OPERATE);
	slow = test_connect_as(observers[0]);
	test_pipeline(&slow, SLOW, 50); /* a second of rest */
	quick = test_connect_as(observers[1]);
	n_slow = 0;
	for (int i = 0; i < 20; i++) {
		test_send(&quick, ECHO(2));
		test_expect(&quick, ECHOED(2));
	}
	ck_assert_uint_lt(n_slow, 50);
	test_close(&slow);
	test_close(&quick);
}
END_TEST

START_TEST(a_ready_made_connection_is_not_limited)
{
	struct client k = test_pair(NULL);

	test_pipeline(&k, SLOW, 20);
	for (int i = 0; i < 20; i++)
		test_expect(&k, "{\"parameters\":{}}");
	test_turn();
	/* It would rest now: the next call is answered by the next turn but one. */
	n_echoes = 0;
	test_send(&k, ECHO(1));
	for (int i = 0; i < 2; i++)
		test_turn();
	ck_assert_uint_eq(n_echoes, 1);
	test_close(&k);
}
END_TEST

/* ---------------------------------------------------------------- long answers */

START_TEST(a_long_answer_is_made_in_parts)
{
	struct client slow = test_pair(NULL);
	struct client quick = test_pair(NULL);

	test_send(&slow, LONG);
	while (n_parts == 0)
		test_turn();
	test_send(&quick, ECHO(1));
	test_until_answered(&quick);
	ck_assert_uint_lt(n_parts, LONG_PARTS);
	test_expect(&slow, "{\"parameters\":{\"parts\":100}}");
	test_close(&slow);
	test_close(&quick);
}
END_TEST

START_TEST(a_long_answer_ends_with_its_reader)
{
	struct client k = test_pair(NULL);
	unsigned before;

	test_send(&k, LONG);
	while (n_parts == 0)
		test_turn();
	test_close(&k);
	while (control_n_connections(control) > 0)
		test_turn();
	before = n_parts;
	for (int i = 0; i < 5; i++)
		test_turn();
	ck_assert_uint_eq(n_parts, before);
}
END_TEST

/* A text of 109 KB. */
#define MANY 20000

/* Turns until something has come for k; how much that is. */
static int test_first_bytes(struct client *k)
{
	int n = 0;

	test_until_answered(k);
	ck_assert_int_eq(ioctl(k->fd, FIONREAD, &n), 0);
	return n;
}

static void test_expect_many(struct client *k)
{
	json_t *reply = test_next(k);
	json_t *numbers = json_object_get(json_object_get(reply, "parameters"), "numbers");

	bool is_right = json_array_size(numbers) == MANY;

	for (size_t i = 0; i < MANY; i++)
		is_right &= json_integer_value(json_array_get(numbers, i)) == (json_int_t)i;
	ck_assert(is_right);
	json_decref(reply);
}

START_TEST(a_long_reply_is_written_in_parts)
{
	struct client slow = test_pair(NULL);
	struct client quick = test_pair(NULL);

	test_send(&slow, MANY_CALL);
	test_send(&slow, ECHO(1));
	ck_assert_int_lt(test_first_bytes(&slow), 65536);
	test_send(&quick, ECHO(2));
	test_until_answered(&quick);
	ck_assert_uint_eq(n_echoes, 1);
	test_expect_many(&slow);
	test_expect(&slow, ECHOED(1));
	test_expect(&quick, ECHOED(2));
	test_close(&slow);
	test_close(&quick);
}
END_TEST

START_TEST(a_long_reply_ends_with_its_reader)
{
	struct client k = test_pair(NULL);

	test_send(&k, MANY_CALL);
	test_until_answered(&k);
	test_close(&k);
	for (int i = 0; i < 5; i++)
		test_turn();
	ck_assert_uint_eq(control_n_connections(control), 0);
}
END_TEST

START_TEST(half_a_close_is_no_end_of_a_long_reply)
{
	struct client k = test_pair(NULL);

	test_send(&k, MANY_CALL);
	ck_assert_int_eq(shutdown(k.fd, SHUT_WR), 0);
	test_expect_many(&k);
	test_expect_closed(&k);
	test_close(&k);
}
END_TEST

static TCase *test_case(Suite *s, const char *name, void (*setup)(void))
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, test_teardown);
	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("control_turns");
	TCase *t = test_case(s, "turns", test_setup_steps);

	tcase_add_test(t, pipelining_does_not_starve_others);
	tcase_add_test(t, connections_of_one_user_take_turns);
	tcase_add_test(t, who_leaves_while_it_waits_takes_its_turn_along);
	tcase_add_test(t, connections_are_accepted_at_a_pace);
	tcase_add_test_of_root(t, a_user_with_many_connections_has_one_users_turns);

	t = test_case(s, "share", test_setup_share);
	tcase_add_test(t, a_user_gets_no_more_than_the_share);
	tcase_add_test(t, who_leaves_and_comes_back_still_owes);
	tcase_add_test(t, a_place_becomes_free_while_its_user_rests);
	tcase_add_test(t, an_observer_who_leaves_unread_calls_leaves_the_place);
	tcase_add_test(t, who_leaves_unread_acts_keeps_the_place_until_it_is_wanted);
	tcase_add_test(t, acts_of_who_has_left_come_after_the_rest);
	tcase_add_test_of_root(t, one_who_has_gone_gives_way_to_another_user);
	tcase_add_test(t, who_came_and_went_takes_no_place);
	tcase_add_test(t, half_a_close_with_nothing_asked_ends_at_once);
	tcase_add_test(t, what_other_processes_take_is_not_charged);
	tcase_add_test(t, a_ready_made_connection_is_not_limited);
	tcase_add_test_of_root(t, another_user_is_answered_while_one_rests);

	t = test_case(s, "long answers", test_setup_steps);
	tcase_add_test(t, a_long_answer_is_made_in_parts);
	tcase_add_test(t, a_long_answer_ends_with_its_reader);
	tcase_add_test(t, a_long_reply_is_written_in_parts);
	tcase_add_test(t, a_long_reply_ends_with_its_reader);
	tcase_add_test(t, half_a_close_is_no_end_of_a_long_reply);

	return suite_main(s);
}
