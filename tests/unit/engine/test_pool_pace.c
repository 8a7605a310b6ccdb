/* SPDX-License-Identifier: Apache-2.0 */
/* The pool under a cap on the rate: what may not be sent yet waits, in its order, and everything
 * that is sent takes a place, whatever it is. */
#include "daemon/engine/pace.h"
#include "tests/support/suite.h"
#include "tests/unit/engine/pool_fixture.h"

/* Two at once, the others by PACE_LATE_NS apart. */
#define RATE 10

#define LIMIT 4

static struct pace pace;

static void setup(void)
{
	fixture_open_pool(16, LIMIT);
	config.on_opened = fixture_on_opened_well;
}

/* n idle connections, and from then on a cap; since when. */
static int64_t warm_up(int n)
{
	fixture_make_pool();
	fixture_arrive((unsigned)n);
	while (n_peers < n)
		fixture_take_peer();
	for (int i = 0; i < n; i++)
		fixture_answer(i);
	TURN_UNTIL(calls.n_ended == (unsigned)n);
	calls.n_ended = 0;
	pace_init(&pace, RATE, clock_now_ns());
	pool.config.pace = &pace;
	return clock_now_ns();
}

static void answer_whoever_asks(void)
{
	for (int i = 0; i < n_peers; i++)
		if (fixture_is_readable(peers[i]))
			fixture_answer(i);
}

START_TEST(a_crowd_goes_out_at_the_pace)
{
	int64_t from_ns = warm_up(3);

	fixture_arrive(5);
	ck_assert_uint_eq(pool.n_busy, 2);
	ck_assert_uint_eq(pool.n_idle, 1);
	ck_assert_uint_eq(pool.n_waiting, 3);
	ck_assert_uint_eq(pool.n_connecting, 0); /* there is a free one for who is held */
	ck_assert_uint_eq(pool.n_kept_back, 3);
	while (calls.n_ended < 5) {
		answer_whoever_asks();
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
		/* Never more than the cap has places. */
		ck_assert_uint_le(fixture.env.sent - 3,
			(uint64_t)((clock_now_ns() - from_ns + PACE_LATE_NS) * RATE / SEC + 1));
	}
	ck_assert_int_ge(clock_now_ns() - from_ns, 3 * PACE_LATE_NS);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3 + 5);
}
END_TEST

/* Also not where a place has become free, and the timer was not heard yet. */
START_TEST(who_is_held_is_not_overtaken)
{
	int64_t from_ns = warm_up(3);

	fixture_arrive(3);
	while (clock_now_ns() < from_ns + 2 * PACE_LATE_NS)
		;
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_busy, 2);
	ck_assert_uint_eq(pool.n_waiting, 2);
	while (calls.n_ended < 4) {
		answer_whoever_asks();
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	}
}
END_TEST

/* An answer on a busy connection frees it for who is held, and sends nothing by itself. */
START_TEST(an_answer_is_no_place)
{
	int64_t from_ns = warm_up(2);

	fixture_arrive(4);
	ck_assert_uint_eq(pool.n_busy, 2);
	fixture_answer(0);
	fixture_answer(1);
	TURN_UNTIL(calls.n_ended == 2);
	if (clock_now_ns() < from_ns + PACE_LATE_NS)
		ck_assert_uint_eq(pool.n_busy, 0);
	while (calls.n_ended < 4) {
		answer_whoever_asks();
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	}
	ck_assert_int_ge(clock_now_ns() - from_ns, 2 * PACE_LATE_NS);
}
END_TEST

START_TEST(a_pipeline_is_filled_at_the_pace)
{
	int64_t from_ns;

	fixture.env.depth = 8;
	config.limit = 1;
	from_ns = warm_up(1);
	fixture_arrive(5);
	ck_assert_uint_eq(pool.n_waiting, 3);
	while (calls.n_ended < 5) {
		answer_whoever_asks();
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	}
	ck_assert_int_ge(clock_now_ns() - from_ns, 3 * PACE_LATE_NS);
}
END_TEST

/* What is sent again takes a place like any other. */
START_TEST(a_retry_takes_a_place)
{
	int64_t from_ns;

	config.limit = 1;
	from_ns = warm_up(1);
	fixture_arrive(1);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 1);
	fixture_arrive(1);
	fixture_acknowledge(&pool.tasks[0], false);
	close(peers[0]);
	peers[0] = fixture_accept();
	TURN_UNTIL(fixture.env.opened == 2);
	if (clock_now_ns() < from_ns + PACE_LATE_NS) {
		ck_assert_uint_eq(pool.n_idle, 1);
		ck_assert_uint_eq(pool.n_returned, 1);
	}
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_int_ge(clock_now_ns() - from_ns, PACE_LATE_NS);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3);
}
END_TEST

/* Who needs a connection gets one, held or not. */
START_TEST(connections_are_opened_for_the_others)
{
	(void)warm_up(1);
	fixture_arrive(4);
	ck_assert_uint_eq(pool.n_busy, 1);
	ck_assert_uint_ge(pool.n_connecting, 1);
	while (calls.n_ended < 4) {
		while (fixture_is_readable(fixture.server.listener))
			fixture_take_peer();
		answer_whoever_asks();
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	}
}
END_TEST

START_TEST(who_is_held_may_expire)
{
	(void)warm_up(3);
	fixture.env.request_timeout_ns = 50 * MS;
	pace_init(&pace, 1, clock_now_ns());
	fixture_arrive(3);
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_EXPIRED), 2);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
}
END_TEST

START_TEST(abandoned_while_held)
{
	(void)warm_up(3);
	fixture_arrive(3);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_UNSENT), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pool_pace");
	TCase *t = tcase_create("pool_pace");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, fixture_close_pool);
	tcase_add_test(t, a_crowd_goes_out_at_the_pace);
	tcase_add_test(t, who_is_held_is_not_overtaken);
	tcase_add_test(t, an_answer_is_no_place);
	tcase_add_test(t, a_pipeline_is_filled_at_the_pace);
	tcase_add_test(t, a_retry_takes_a_place);
	tcase_add_test(t, connections_are_opened_for_the_others);
	tcase_add_test(t, who_is_held_may_expire);
	tcase_add_test(t, abandoned_while_held);
	suite_add_tcase(s, t);
	return suite_main(s);
}
