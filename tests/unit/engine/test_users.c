/* SPDX-License-Identifier: Apache-2.0 */
/* The users on a real loop; the test plays the server and ends their arrivals. */
#include "daemon/engine/users.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/engine/pace.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define SEC NSEC_PER_SEC

static struct loop *loop;
static struct users users;
static struct users_config config;

static unsigned n_made;
static unsigned n_out; /* made and not ended */
static int64_t last_planned_ns, last_picked_ns;
static int64_t least_gap_ns; /* under a cap: between two planned instants */

static void on_arrival(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns)
{
	ck_assert_ptr_eq(owner, &users);
	ck_assert_int_ge(picked_ns, planned_ns);
	ck_assert_uint_eq(k, n_made);
	/* Where the loop is late, one that is ready can come before one whose place was earlier. */
	if (n_made > 0 && config.pace)
		ck_assert_int_ge(llabs(planned_ns - last_planned_ns), least_gap_ns);
	n_made++;
	n_out++;
	ck_assert_uint_le(n_out, config.n);
	if (n_made == 1 || planned_ns > last_planned_ns)
		last_planned_ns = planned_ns;
	last_picked_ns = picked_ns;
}

static void setup(void)
{
	ck_assert_int_eq(loop_new(&loop), 0);
	n_made = n_out = 0;
	config = (struct users_config){.n = 4, .on_arrival = on_arrival, .owner = &users};
}

static void teardown(void)
{
	users_close(&users);
	loop = loop_free(loop);
}

static int64_t start(void)
{
	int64_t t0_ns = clock_now_ns();

	ck_assert_int_eq(users_open(&users, loop, &config), 0);
	users_start(&users, t0_ns, t0_ns);
	return t0_ns;
}

static void turn_until_made(unsigned n)
{
	while (n_made < n)
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
}

static void end(bool at_once)
{
	ck_assert_uint_gt(n_out, 0);
	n_out--;
	users_ended(&users, at_once);
}

START_TEST(everybody_begins_at_t0)
{
	int64_t t0_ns = start();

	turn_until_made(4);
	ck_assert_int_eq(last_planned_ns, t0_ns);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, 4); /* and then each waits for its answer */
}
END_TEST

START_TEST(nobody_begins_earlier)
{
	ck_assert_int_eq(users_open(&users, loop, &config), 0);
	users_start(&users, clock_now_ns() + 3600 * SEC, clock_now_ns() + 3600 * SEC);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, 0);
}
END_TEST

/* A free connection: the next request is made inside the call, planned now. */
START_TEST(next_request_at_once)
{
	int64_t before_ns;

	start();
	turn_until_made(4);
	before_ns = clock_now_ns();
	end(true);
	ck_assert_uint_eq(n_made, 5);
	ck_assert_int_ge(last_planned_ns, before_ns);
	ck_assert_int_eq(last_picked_ns, last_planned_ns);
}
END_TEST

/* No free connection: in the loop's next turn, but planned when the user was ready. */
START_TEST(next_request_is_deferred)
{
	int64_t after_ns;

	start();
	turn_until_made(4);
	end(false);
	after_ns = clock_now_ns();
	ck_assert_uint_eq(n_made, 4);
	ck_assert_int_le(users_next_ns(&users, clock_now_ns()), after_ns);
	turn_until_made(5);
	ck_assert_int_le(last_planned_ns, after_ns);
	ck_assert_int_ge(last_picked_ns, after_ns);
}
END_TEST

/* Many ready ones come in batches, so that the loop looks at its sockets in between. */
START_TEST(crowds_come_in_batches)
{
	unsigned before;

	config.n = 1000;
	start();
	while (n_made < 1000) {
		before = n_made;
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
		ck_assert_uint_le(n_made - before, 32);
	}
	/* All fail at once, and again: the ring goes round. */
	for (unsigned i = 0; i < 1000; i++)
		end(false);
	while (n_made < 2000) {
		before = n_made;
		ck_assert_int_eq(loop_turn(loop, SEC), 0);
		ck_assert_uint_le(n_made - before, 32);
	}
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, 2000);
}
END_TEST

START_TEST(think_time_is_kept)
{
	int64_t ended_ns;

	config.n = 1;
	config.think_ns = 20 * MS;
	start();
	turn_until_made(1);
	for (unsigned n = 2; n <= 4; n++) {
		ended_ns = clock_now_ns();
		end(n % 2);
		ck_assert_uint_eq(n_made, n - 1);
		turn_until_made(n);
		ck_assert_int_ge(last_planned_ns, ended_ns + 20 * MS);
		ck_assert_int_ge(last_picked_ns, last_planned_ns);
	}
}
END_TEST

/* Exactly so many, however they end. */
START_TEST(quota_is_exact)
{
	static const uint64_t quotas[] = {1, 3, 4, 5, 100};

	config.quota = quotas[_i];
	ck_assert_int_eq(users_open(&users, loop, &config), 0);
	ck_assert(!users_are_done(&users, clock_now_ns()));
	users_start(&users, clock_now_ns(), 0);
	for (unsigned n = 0; n < config.quota;) {
		while (n_out == 0)
			ck_assert_int_eq(loop_turn(loop, SEC), 0);
		n++;
		end(n % 3);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, config.quota);
	ck_assert_uint_eq(n_out, 0);
	ck_assert(users_are_done(&users, clock_now_ns()));
}
END_TEST

/* What is planned before the window does not count. */
START_TEST(quota_counts_in_the_window)
{
	int64_t now_ns = clock_now_ns();

	config.n = 2;
	config.quota = 3;
	ck_assert_int_eq(users_open(&users, loop, &config), 0);
	users_start(&users, now_ns, now_ns + 30 * MS);
	for (unsigned n_in_window = 0; n_in_window < 3;) {
		while (n_out == 0)
			ck_assert_int_eq(loop_turn(loop, SEC), 0);
		n_in_window += last_planned_ns >= now_ns + 30 * MS;
		ck_assert(n_in_window == 3 || !users_are_done(&users, clock_now_ns()));
		if (n_in_window < 3)
			end(n_out == 1);
	}
	ck_assert(users_are_done(&users, clock_now_ns()));
}
END_TEST

/* At or after the instant nothing, however ready somebody is. */
START_TEST(stop_is_exact)
{
	int64_t stop_ns;

	start();
	turn_until_made(4);
	stop_ns = clock_now_ns() + 20 * MS;
	users_stop_at(&users, stop_ns);
	users_stop_at(&users, stop_ns + SEC); /* never later again */
	ck_assert(!users_are_done(&users, stop_ns - 1));
	ck_assert(users_are_done(&users, stop_ns));
	while (n_out > 0) {
		end(n_made % 2);
		ck_assert_int_eq(loop_turn(loop, 0), 0);
	}
	ck_assert_int_lt(last_planned_ns, stop_ns);
	ck_assert_int_ge(clock_now_ns(), stop_ns - 1);
}
END_TEST

START_TEST(stop_before_t0)
{
	int64_t t0_ns = start();

	users_stop_at(&users, t0_ns);
	ck_assert_int_eq(loop_turn(loop, SEC), 0);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, 0);
}
END_TEST

/* Nobody who would be ready after the end thinks on. */
START_TEST(no_thinking_beyond_the_end)
{
	int64_t t0_ns;

	config.n = 1;
	config.think_ns = 3600 * SEC;
	t0_ns = start();
	users_stop_at(&users, t0_ns + SEC);
	turn_until_made(1);
	end(true);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, 1);
}
END_TEST

/* Whoever has been ready for a while but was not served yet may still plan for that instant, also
 * when his timer has run out and was not heard yet. */
START_TEST(next_instant_is_that_of_the_readiest)
{
	int64_t t0_ns = start();
	int64_t now_ns = clock_now_ns() + SEC;

	ck_assert_int_eq(users_next_ns(&users, now_ns), t0_ns); /* due, and no turn since */
	ck_assert_int_eq(users_next_ns(&users, t0_ns - 5), t0_ns - 5);
	turn_until_made(4);
	ck_assert_int_eq(users_next_ns(&users, now_ns), now_ns); /* nobody is ready */
}
END_TEST

START_TEST(next_instant_of_a_thinker)
{
	int64_t now_ns;

	config.n = 1;
	config.think_ns = 30 * MS;
	start();
	turn_until_made(1);
	now_ns = clock_now_ns();
	end(true);
	ck_assert_int_ge(users_next_ns(&users, now_ns + SEC), now_ns + 30 * MS);
	ck_assert_int_lt(users_next_ns(&users, CLOCK_NEVER), CLOCK_NEVER);
	ck_assert_int_eq(users_next_ns(&users, now_ns + 29 * MS), now_ns + 29 * MS);
	turn_until_made(2);
}
END_TEST

/* Whoever becomes ready in a pause makes the next request at its end, and all of them do. */
START_TEST(pause_holds_everybody)
{
	int64_t pause_ns, resume_ns;

	start();
	turn_until_made(4);
	pause_ns = clock_now_ns();
	resume_ns = pause_ns + 20 * MS;
	users_toggle(&users, pause_ns);
	while (n_out > 0)
		end(n_out % 2);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_uint_eq(n_made, 4);
	ck_assert(!users_are_done(&users, clock_now_ns()));
	users_toggle(&users, resume_ns);
	ck_assert_int_eq(users_next_ns(&users, resume_ns + SEC), resume_ns);
	turn_until_made(8);
	ck_assert_uint_eq(n_made, 8);
	ck_assert_int_eq(last_planned_ns, resume_ns);
}
END_TEST

/* Several pauses known in advance, and two acts at one instant. */
START_TEST(pauses_ahead)
{
	int64_t t0_ns;

	config.n = 1;
	t0_ns = start();
	users_toggle(&users, t0_ns + 10 * MS);
	users_toggle(&users, t0_ns + 20 * MS);
	users_toggle(&users, t0_ns + 30 * MS);
	users_toggle(&users, t0_ns + 40 * MS);
	users_toggle(&users, t0_ns + 50 * MS);
	users_toggle(&users, t0_ns + 50 * MS); /* nothing */
	for (turn_until_made(1); last_planned_ns < t0_ns + 60 * MS;) {
		int64_t into_ns = last_planned_ns - t0_ns;

		ck_assert(into_ns < 10 * MS || (into_ns >= 20 * MS && into_ns < 30 * MS) ||
			  into_ns >= 40 * MS);
		end(false);
		turn_until_made(n_made + 1);
	}
}
END_TEST

/* The thinking that a pause's end finds going on is not cut short. */
START_TEST(pause_while_thinking)
{
	int64_t now_ns;

	config.n = 1;
	config.think_ns = 30 * MS;
	start();
	turn_until_made(1);
	now_ns = clock_now_ns();
	users_toggle(&users, now_ns);
	users_toggle(&users, now_ns + 5 * MS);
	end(true);
	turn_until_made(2);
	ck_assert_int_ge(last_planned_ns, now_ns + 30 * MS);
}
END_TEST

/* The end is moved away while somebody thinks up to after the old one. */
START_TEST(end_is_moved)
{
	int64_t t0_ns;

	config.n = 1;
	config.think_ns = 20 * MS;
	t0_ns = start();
	users_stop_at(&users, t0_ns + 10 * SEC);
	users_move(&users, t0_ns, t0_ns + 15 * MS);
	turn_until_made(1);
	end(true);
	users_move(&users, t0_ns, CLOCK_NEVER);
	turn_until_made(2);
	ck_assert_int_ge(last_planned_ns, t0_ns + 20 * MS);
}
END_TEST

static struct pace pace;

/* A cap of so many per second. */
static void cap(uint64_t rate_per_s)
{
	pace_init(&pace, rate_per_s, clock_now_ns());
	config.pace = &pace;
}

/* With a cap no two arrivals of all users are planned nearer to each other than its pace. */
START_TEST(a_cap_is_kept)
{
	int64_t t0_ns;

	config.n = 8;
	least_gap_ns = 2 * MS;
	cap(500);
	t0_ns = start();
	while (n_made < 60) {
		turn_until_made(n_made + 1);
		while (n_out > 0)
			end(true);
	}
	/* And they are not slower than the cap allows, but for how late the loop is. */
	ck_assert_int_le(last_planned_ns - t0_ns, 60 * least_gap_ns + SEC);
}
END_TEST

/* A cap far above what the users do changes nothing: the next request is made at once. */
START_TEST(a_high_cap_is_not_felt)
{
	config.n = 1;
	cap(10000000);
	(void)start();
	turn_until_made(1);
	for (unsigned i = 2; i < 500; i++) {
		end(true);
		ck_assert_uint_eq(n_made, i);
	}
}
END_TEST

START_TEST(a_cap_and_a_pause)
{
	int64_t t0_ns, resume_ns;

	least_gap_ns = 5 * MS;
	cap(200);
	t0_ns = start();
	turn_until_made(2);
	resume_ns = t0_ns + 40 * MS;
	users_toggle(&users, t0_ns + 12 * MS);
	users_toggle(&users, resume_ns);
	while (n_out > 0)
		end(true);
	while (clock_now_ns() < resume_ns)
		ck_assert_int_eq(loop_turn(loop, MS), 0);
	turn_until_made(n_made + 3); /* the fourth is still answered */
	/* At the pace of the cap, not at once. */
	ck_assert_int_ge(last_planned_ns, resume_ns + 2 * least_gap_ns);
}
END_TEST

START_TEST(close_of_nothing)
{
	struct users none = {0};

	users_close(&none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("users");
	TCase *t = tcase_create("users");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, everybody_begins_at_t0);
	tcase_add_test(t, nobody_begins_earlier);
	tcase_add_test(t, next_request_at_once);
	tcase_add_test(t, next_request_is_deferred);
	tcase_add_test(t, crowds_come_in_batches);
	tcase_add_test(t, think_time_is_kept);
	tcase_add_loop_test(t, quota_is_exact, 0, 5);
	tcase_add_test(t, quota_counts_in_the_window);
	tcase_add_test(t, stop_is_exact);
	tcase_add_test(t, stop_before_t0);
	tcase_add_test(t, no_thinking_beyond_the_end);
	tcase_add_test(t, next_instant_is_that_of_the_readiest);
	tcase_add_test(t, next_instant_of_a_thinker);
	tcase_add_test(t, pause_holds_everybody);
	tcase_add_test(t, pauses_ahead);
	tcase_add_test(t, pause_while_thinking);
	tcase_add_test(t, a_cap_is_kept);
	tcase_add_test(t, a_high_cap_is_not_felt);
	tcase_add_test(t, a_cap_and_a_pause);
	tcase_add_test(t, end_is_moved);
	tcase_add_test(t, close_of_nothing);
	suite_add_tcase(s, t);
	return suite_main(s);
}
