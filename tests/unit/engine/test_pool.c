/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of a worker and the arrivals that wait for them, against a server that the test
 * plays itself. */
#include "daemon/engine/pool.h"

#include <sys/resource.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/pool_fixture.h"

#define LIMIT 3

static unsigned n_again; /* arrivals to be made inside on_ended, as users do */

static void on_ended(struct pool *p, bool connection_is_free)
{
	fixture_on_ended(p, connection_is_free);
	for (; connection_is_free && n_again > 0; n_again--)
		fixture_arrive(1);
}

static void open_with_backlog(int backlog)
{
	fixture_open_pool(backlog, LIMIT);
	config.on_ended = on_ended;
	n_again = 0;
}

static void setup(void)
{
	open_with_backlog(16);
}

static void arrive_planned(int64_t planned_ns)
{
	pool_arrive(&pool, planned_ns, clock_now_ns(), 0);
}

static void accept_peers(int n)
{
	while (n_peers < n)
		fixture_take_peer();
}

/* A pool with n idle connections, each used once. */
static void warm_up(unsigned n)
{
	fixture_arrive(n);
	accept_peers((int)n);
	for (unsigned i = 0; i < n; i++)
		fixture_answer((int)i);
	TURN_UNTIL(calls.n_ended == n);
	ck_assert_uint_eq(pool.n_idle, n);
	memset(&calls, 0, sizeof(calls));
}

static void reset_peer(int i)
{
	const struct linger now = {.l_onoff = 1};

	ck_assert_int_eq(setsockopt(peers[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(peers[i]);
	peers[i] = -1;
}

static void refuse_from_now_on(void)
{
	close(fixture.server.listener);
	fixture.server.listener = -1;
}

static uint64_t planned(void)
{
	return fixture.stats.totals.ledgers[STATS_WINDOW].planned;
}

/* ---- growing and waiting */

START_TEST(grows_to_the_limit_and_queues)
{
	fixture_make_pool();
	ck_assert_uint_eq(calls.n_opened, 1); /* nothing to open */
	fixture_arrive(LIMIT + 2);
	ck_assert_uint_eq(pool.n_connecting, LIMIT);
	ck_assert_uint_eq(pool.n_waiting, LIMIT + 2);
	accept_peers(LIMIT);
	TURN_UNTIL(pool.n_busy == LIMIT);
	ck_assert_uint_eq(pool.n_waiting, 2);
	ck_assert_uint_eq(pool.n_connecting, 0);
	for (int i = 0; i < LIMIT; i++)
		fixture_answer(i);
	TURN_UNTIL(calls.n_ended == LIMIT);
	ck_assert_uint_eq(pool.n_waiting, 0);
	ck_assert_uint_eq(pool.n_busy, 2);
	ck_assert_uint_eq(pool.n_idle, LIMIT - 2);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), LIMIT);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 2);
	ck_assert_uint_eq(fixture.env.opened, LIMIT);
	ck_assert_uint_eq(pool.peak, LIMIT);
	ck_assert_uint_eq(pool.queue_peak, LIMIT + 2);
}
END_TEST

START_TEST(one_arrival_opens_one_connection)
{
	fixture_make_pool();
	for (unsigned n = 1; n <= 5; n++) {
		fixture_arrive(1);
		accept_peers(1);
		fixture_answer(0);
		TURN_UNTIL(calls.n_ended == n);
	}
	ck_assert_uint_eq(calls.n_free, 5);
	ck_assert_uint_eq(fixture.env.opened, 1);
	ck_assert_uint_eq(pool.peak, 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5);
}
END_TEST

/* The arrival that waits first is served first. */
START_TEST(queue_is_first_come_first_served)
{
	int64_t base_ns = clock_now_ns() - SEC;

	config.limit = 1;
	fixture_make_pool();
	for (int i = 0; i < 4; i++)
		arrive_planned(base_ns + i);
	accept_peers(1);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(pool_oldest_ns(&pool), base_ns + i);
		fixture_answer(0);
		TURN_UNTIL(calls.n_ended == i + 1);
	}
	ck_assert_int_eq(pool_oldest_ns(&pool), CLOCK_NEVER);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
}
END_TEST

START_TEST(ring_goes_round)
{
	config.limit = 1;
	config.queue_max = 3;
	fixture_make_pool();
	fixture_arrive(1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	for (unsigned n = 1; n <= 10; n++) {
		fixture_arrive(3 - (unsigned)pool.n_waiting);
		ck_assert_uint_eq(pool.n_waiting, 3);
		fixture_answer(0);
		TURN_UNTIL(calls.n_ended == n);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 10);
	ck_assert_uint_eq(fixture_count(LEDGER_DROPPED), 0);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_UNSENT), 2);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 1);
}
END_TEST

START_TEST(queue_overflows)
{
	config.limit = 1;
	config.queue_max = (size_t)_i;
	fixture_make_pool();
	fixture_arrive(1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	fixture_arrive(10);
	ck_assert_uint_eq(pool.n_waiting, (size_t)(_i > 0 ? _i : 1));
	ck_assert_uint_eq(fixture_count(LEDGER_DROPPED), (uint64_t)(10 - (_i > 0 ? _i : 1)));
	ck_assert_uint_eq(calls.n_ended, fixture_count(LEDGER_DROPPED));
	ck_assert_str_eq(fixture.stats.totals.faults[FAULT_DROPPED].example,
		"the queue for a connection was full");
}
END_TEST

START_TEST(drop_instead_of_waiting)
{
	config.limit = 2;
	config.exhausted = PLAN_DROP;
	fixture_make_pool();
	fixture_arrive(5); /* two wait for their own connections; that is no waiting for others */
	ck_assert_uint_eq(fixture_count(LEDGER_DROPPED), 3);
	accept_peers(2);
	TURN_UNTIL(pool.n_busy == 2);
	fixture_arrive(1);
	ck_assert_uint_eq(fixture_count(LEDGER_DROPPED), 4);
	fixture_answer(0);
	TURN_UNTIL(pool.n_idle == 1);
	fixture_arrive(1);
	ck_assert_uint_eq(fixture_count(LEDGER_DROPPED), 4);
	ck_assert_uint_eq(pool.n_busy, 2);
}
END_TEST

/* In order, not before their time, and those that may still wait stay. */
START_TEST(waiting_arrivals_expire_in_order)
{
	int64_t now_ns = clock_now_ns();
	const struct stats_fault *f = &fixture.stats.totals.faults[FAULT_EXPIRED];

	config.limit = 1;
	fixture.env.request_timeout_ns = 30 * SEC;
	fixture_make_pool();
	fixture_arrive(1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	arrive_planned(now_ns - 30 * SEC + 50 * MS);
	arrive_planned(now_ns - 30 * SEC + 100 * MS);
	arrive_planned(clock_now_ns());
	TURN_UNTIL(fixture_count(LEDGER_EXPIRED) == 2);
	ck_assert_uint_eq(pool.n_waiting, 1);
	ck_assert_uint_eq(calls.n_ended, 2);
	ck_assert_int_ge(f->first_ns + fixture.stats.window_start_ns, now_ns + 50 * MS);
	ck_assert_int_ge(f->last_ns + fixture.stats.window_start_ns, now_ns + 100 * MS);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 3);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 4);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
}
END_TEST

/* The server's queue of new connections is full, and the connect timeout is longer than that of a
 * request: no arrival waits for a busy connection. */
START_TEST(arrivals_expire_before_connections_open)
{
	const struct stats_fault *f = &fixture.stats.totals.faults[FAULT_CONNECT_TIMEOUT];
	int64_t then_ns, now_ns;
	int filler;

	fixture_close();
	open_with_backlog(0);
	fixture.env.request_timeout_ns = 30 * SEC;
	fixture_make_pool();
	then_ns = clock_now_ns();
	fixture_arrive(1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	filler = mini_server_fill(&fixture.server);
	fixture.env.request_timeout_ns = 50 * MS;
	fixture_arrive(LIMIT + 2);
	ck_assert_uint_eq(pool.n_connecting, LIMIT - 1);
	TURN_UNTIL(calls.n_ended == LIMIT + 2);
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), LIMIT + 2);
	ck_assert_uint_eq(f->count, LIMIT + 2);
	ck_assert_str_eq(f->example, "no answer within the timeout of the request");

	/* Connections did open while this one waited, for others. */
	fixture.env.request_timeout_ns = 30 * SEC;
	now_ns = clock_now_ns();
	pool_arrive(&pool, now_ns - 30 * SEC + 50 * MS, then_ns, 0);
	TURN_UNTIL(calls.n_ended == LIMIT + 3);
	ck_assert_uint_eq(fixture_count(LEDGER_EXPIRED), 1);

	/* It was late by itself, and waited for no connection most of its time. */
	arrive_planned(clock_now_ns() - 30 * SEC + 50 * MS);
	TURN_UNTIL(calls.n_ended == LIMIT + 4);
	ck_assert_uint_eq(fixture_count(LEDGER_EXPIRED), 2);
	close(filler);
}
END_TEST

/* It waited for a connection that was busy, and only at last for one that is opened in its place.
 */
START_TEST(arrivals_expire_after_a_busy_connection)
{
	int64_t now_ns;
	int filler;

	fixture_close();
	open_with_backlog(0);
	config.limit = 1;
	fixture.env.request_timeout_ns = 30 * SEC;
	fixture_make_pool();
	fixture_arrive(1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	pool._opened_ns = 0; /* as if long ago */
	fixture_hear(peers[0]);
	filler = mini_server_fill(&fixture.server);
	now_ns = clock_now_ns();
	pool_arrive(&pool, now_ns - 30 * SEC + 100 * MS, now_ns - 30 * SEC, 0);
	reset_peer(0);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(pool.n_connecting, 1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 0);
	ck_assert_uint_eq(fixture_count(LEDGER_EXPIRED), 1);
	close(filler);
}
END_TEST

/* One that comes too late for its own patience does not block those after it. */
START_TEST(expired_on_arrival)
{
	config.limit = 1;
	fixture.env.request_timeout_ns = 30 * SEC;
	fixture_make_pool();
	fixture_arrive(1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	arrive_planned(clock_now_ns() - 31 * SEC);
	TURN_UNTIL(fixture_count(LEDGER_EXPIRED) == 1);
	ck_assert_uint_eq(pool.n_waiting, 0);
}
END_TEST

/* ---- which connection is taken */

/* The peer that hears the next request, which was sent inside pool_arrive. */
static int who_hears(void)
{
	for (;;)
		for (int i = 0; i < LIMIT; i++)
			if (fixture_is_readable(peers[i]))
				return i;
}

START_TEST(reuse_order)
{
	bool rotates = _i == 1;
	int heard[2 * LIMIT];

	config.reuse = rotates ? PLAN_REUSE_ROTATE : PLAN_REUSE_LIFO;
	fixture_make_pool();
	warm_up(LIMIT);
	for (unsigned n = 0; n < 2 * LIMIT; n++) {
		fixture_arrive(1);
		heard[n] = who_hears();
		fixture_answer(heard[n]);
		TURN_UNTIL(calls.n_ended == n + 1);
	}
	for (int n = 1; n < 2 * LIMIT; n++)
		ck_assert_int_eq(heard[n] == heard[n - 1], !rotates);
	for (int n = LIMIT; rotates && n < 2 * LIMIT; n++)
		ck_assert_int_eq(heard[n], heard[n - LIMIT]);
}
END_TEST

START_TEST(a_connection_for_each_request)
{
	fixture.env.reuse = false;
	config.reuse = PLAN_REUSE_NO;
	config.is_fixed = true;
	config.open_rate = (struct rate){1, 3600}; /* opening is a part of the request: not paced */
	fixture_make_pool();
	ck_assert_uint_eq(calls.n_opened, 1);
	ck_assert_uint_eq(pool.n_connecting, 0);
	for (unsigned n = 1; n <= 4; n++) {
		fixture_arrive(1);
		ck_assert_uint_eq(pool.n_connecting, 1);
		peers[0] = fixture_accept();
		n_peers = 1;
		fixture_answer(0);
		TURN_UNTIL(calls.n_ended == n);
		close(peers[0]);
		n_peers = 0;
		ck_assert_uint_eq(pool.n_idle + pool.n_busy + pool.n_connecting, 0);
	}
	ck_assert_uint_eq(fixture.env.opened, 4);
	ck_assert_uint_eq(fixture.env.requests_on_new, 4);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
}
END_TEST

/* ---- a fixed pool */

START_TEST(fixed_pool_opens)
{
	config.is_fixed = true;
	fixture_make_pool();
	ck_assert_uint_eq(calls.n_opened, 0);
	ck_assert_uint_eq(pool.n_connecting, LIMIT); /* unpaced: all at once */
	accept_peers(LIMIT);
	TURN_UNTIL(calls.n_opened > 0);
	ck_assert_int_eq(calls.fault, FAULT_NONE);
	ck_assert_uint_eq(pool.n_idle, LIMIT);
	ck_assert_uint_eq(fixture.env.opened, LIMIT);
	ck_assert_uint_eq(pool.peak, LIMIT);
	ck_assert_uint_eq(calls.n_opened, 1);
}
END_TEST

/* n connections take at least n - 1 gaps, however late the timers are. */
START_TEST(opening_is_paced)
{
	int64_t start_ns = clock_now_ns();

	config.is_fixed = _i == 0;
	config.open_rate = (struct rate){50, 1};
	fixture_make_pool();
	if (_i == 1)
		fixture_arrive(LIMIT);
	ck_assert_uint_eq(pool.n_connecting, 1);
	accept_peers(1);
	TURN_UNTIL(fixture.env.opened == LIMIT);
	ck_assert_int_ge(clock_now_ns() - start_ns, (LIMIT - 1) * 20 * MS);
	accept_peers(LIMIT);
	if (_i == 0)
		ck_assert_uint_eq(calls.n_opened, 1);
}
END_TEST

START_TEST(fixed_pool_is_refused)
{
	config.is_fixed = true;
	refuse_from_now_on();
	fixture_make_pool();
	TURN_UNTIL(calls.n_opened > 0);
	ck_assert_int_eq(calls.fault, FAULT_CONNECT_REFUSED);
	ck_assert_ptr_nonnull(strstr(calls.why, "refused"));
	TURN_UNTIL(pool.n_connecting == 0);
	ck_assert_uint_eq(calls.n_opened, 1); /* told once */
}
END_TEST

START_TEST(fixed_pool_times_out)
{
	int filler;

	fixture_close();
	open_with_backlog(0);
	filler = mini_server_fill(&fixture.server);
	config.is_fixed = true;
	fixture.env.connect_timeout_ns = 30 * MS;
	fixture_make_pool();
	TURN_UNTIL(calls.n_opened > 0);
	ck_assert_int_eq(calls.fault, FAULT_CONNECT_TIMEOUT);
	TURN_UNTIL(pool.n_connecting == 0);
	ck_assert_uint_eq(calls.n_opened, 1);
	close(filler);
}
END_TEST

START_TEST(fixed_pool_without_descriptors)
{
	struct rlimit limit, before;

	config.is_fixed = true;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fixture_make_pool();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_uint_eq(calls.n_opened, 1);
	ck_assert_int_eq(calls.fault, FAULT_NO_DESCRIPTORS);
	ck_assert_uint_eq(pool.n_connecting, 0);
}
END_TEST

/* The server has room for one: the run can begin with that, and what the others meet is its own. */
START_TEST(fixed_pool_is_refused_in_part)
{
	config.is_fixed = true;
	config.open_rate = (struct rate){50, 1};
	fixture_make_pool();
	accept_peers(1);
	TURN_UNTIL(pool.n_idle == 1);
	refuse_from_now_on();
	TURN_UNTIL(calls.n_opened > 0);
	ck_assert_int_eq(calls.fault, FAULT_NONE);
	ck_assert_uint_eq(pool.n_idle, 1);
	ck_assert_uint_eq(fixture.env.opened, 1);
	/* One that waits for a second connection fails with the attempt. */
	fixture_arrive(2);
	TURN_UNTIL(calls.n_ended == 1);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(calls.n_opened, 1);
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
}
END_TEST

/* Something accepts and hangs up, as a proxy without a server behind it: opening must end. */
START_TEST(fixed_pool_is_hung_up_on)
{
	config.is_fixed = true;
	config.open_rate = (struct rate){50, 1};
	fixture_make_pool();
	while (calls.n_opened == 0) {
		while (fixture_is_readable(fixture.server.listener))
			close(fixture_accept());
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
		ck_assert_uint_le(fixture.env.opened, 10 * LIMIT);
	}
	ck_assert_int_eq(calls.fault, FAULT_NONE);
	ck_assert_uint_eq(calls.n_opened, 1);
}
END_TEST

/* One that is lost on the way is opened again. */
START_TEST(fixed_pool_forgives_a_lost_connection)
{
	config.is_fixed = true;
	config.limit = 2;
	config.open_rate = (struct rate){50, 1};
	fixture_make_pool();
	close(fixture_accept());
	accept_peers(2);
	TURN_UNTIL(fixture.env.opened == 3 && pool.n_idle == 2);
	ck_assert_uint_eq(calls.n_opened, 1);
	ck_assert_int_eq(calls.fault, FAULT_NONE);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 1);
}
END_TEST

/* A server that hangs up on who is idle would do it again, at open-rate and for ever. */
START_TEST(fixed_pool_reopens_for_an_arrival)
{
	config.is_fixed = true;
	config.limit = 1;
	fixture_make_pool();
	accept_peers(1);
	TURN_UNTIL(calls.n_opened > 0);
	close(peers[0]);
	TURN_UNTIL(pool.n_idle + pool.n_connecting == 0);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 1);
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_connecting, 1);
	peers[0] = fixture_accept();
	TURN_UNTIL(fixture.env.opened == 2);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 1);
}
END_TEST

/* After a failure it does not try on its own, but every arrival tries once. */
START_TEST(fixed_pool_waits_after_a_failure)
{
	config.is_fixed = true;
	config.limit = 1;
	fixture_make_pool();
	accept_peers(1);
	TURN_UNTIL(calls.n_opened > 0);
	refuse_from_now_on();
	close(peers[0]);
	n_peers = 0;
	TURN_UNTIL(pool.n_idle + pool.n_connecting == 0);
	for (unsigned n = 1; n <= 3; n++) {
		fixture_arrive(1);
		TURN_UNTIL(calls.n_ended == n);
		ck_assert_uint_eq(pool.n_connecting, 0);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 3);
	ck_assert_uint_eq(calls.n_free, 0);
}
END_TEST

/* ---- when connections fail */

START_TEST(refused_arrivals_are_not_connected)
{
	refuse_from_now_on();
	fixture_make_pool();
	fixture_arrive(10);
	TURN_UNTIL(calls.n_ended == 10);
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 10);
	ck_assert_uint_eq(fixture.stats.totals.faults[FAULT_CONNECT_REFUSED].count, 10);
	ck_assert_uint_eq(pool.n_waiting + pool.n_connecting, 0);
}
END_TEST

START_TEST(arrivals_without_descriptors)
{
	struct rlimit limit, before;

	fixture_make_pool();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fixture_arrive(4);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_uint_eq(calls.n_ended, 4);
	ck_assert_uint_eq(fixture.stats.totals.faults[FAULT_NO_DESCRIPTORS].count, 4);
	fixture_arrive(1); /* and then it works again */
	accept_peers(1);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 5);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
}
END_TEST

/* With a connection for each request, failing attempts are paced after the first. */
START_TEST(failing_attempts_are_paced)
{
	int64_t start_ns = clock_now_ns();

	fixture.env.reuse = false;
	config.reuse = PLAN_REUSE_NO;
	config.limit = 1;
	config.open_rate = (struct rate){50, 1};
	refuse_from_now_on();
	fixture_make_pool();
	fixture_arrive(4);
	TURN_UNTIL(calls.n_ended == 4);
	ck_assert_int_ge(clock_now_ns() - start_ns, 2 * 20 * MS);
}
END_TEST

/* Those that wait for their turn to be opened are counted, those that wait for one that is being
 * opened, or for one of a full pool, are not. */
START_TEST(arrivals_that_open_rate_holds_back_are_counted)
{
	config.limit = 2;
	config.open_rate = (struct rate){1, 3600};
	fixture_make_pool();
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_connecting, 1);
	ck_assert_uint_eq(pool.n_held_by_pace, 0);
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_held_by_pace, 1);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_held_by_pace, 2);
}
END_TEST

START_TEST(arrivals_before_a_full_pool_are_not_held_back)
{
	config.limit = 1;
	config.open_rate = (struct rate){1, 3600};
	fixture_make_pool();
	fixture_arrive(3);
	ck_assert_uint_eq(pool.n_connecting, 1);
	ck_assert_uint_eq(pool.n_held_by_pace, 0);
}
END_TEST

static void make_older(int64_t by_ns)
{
	for (int i = 0; i < LIMIT; i++)
		pool.tasks[i]._connect_started_ns -= by_ns;
}

/* A limit of the server: it resets those that are too many. One that was answered on, or the only
 * one there is, tells of none. */
START_TEST(resets_beside_open_connections_are_counted)
{
	int used;

	config.is_fixed = true;
	fixture_make_pool();
	accept_peers(LIMIT);
	TURN_UNTIL(calls.n_opened > 0);
	fixture_arrive(1);
	used = who_hears();
	fixture_answer(used);
	TURN_UNTIL(calls.n_ended == 1);
	make_older(-60 * SEC); /* they stay young, however slow this machine is */
	for (int i = 0; i < LIMIT; i++)
		if (i != used)
			reset_peer(i);
	TURN_UNTIL(pool.n_reset_beside == LIMIT - 1);
	reset_peer(used);
	TURN_UNTIL(fixture.env.closed_by_peer == LIMIT);
	ck_assert_uint_eq(pool.n_reset_beside, LIMIT - 1);
}
END_TEST

/* A server closes those that are not used for long: that is no limit of their number. */
START_TEST(resets_of_unused_connections_are_not_counted)
{
	config.is_fixed = true;
	fixture_make_pool();
	accept_peers(LIMIT);
	TURN_UNTIL(calls.n_opened > 0);
	make_older(2 * SEC);
	reset_peer(0);
	TURN_UNTIL(fixture.env.closed_by_peer == 1);
	ck_assert_uint_eq(pool.n_reset_beside, 0);

	/* The first request on one tells. */
	fixture_arrive(LIMIT - 1);
	for (int i = 1; i < LIMIT; i++)
		fixture_hear(peers[i]);
	reset_peer(1);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(pool.n_reset_beside, 1);
}
END_TEST

START_TEST(resets_before_an_answer_are_counted)
{
	fixture_make_pool();
	fixture_arrive(2);
	accept_peers(2);
	TURN_UNTIL(pool.n_busy == 2);
	fixture_hear(peers[0]);
	fixture_hear(peers[1]);
	reset_peer(0);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(pool.n_reset_beside, 1);
	reset_peer(1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(pool.n_reset_beside, 1);
}
END_TEST

/* The server goes in the middle: what waits gets another connection. */
START_TEST(waiting_arrivals_survive_a_lost_connection)
{
	config.limit = 1;
	fixture_make_pool();
	fixture_arrive(2);
	accept_peers(1);
	TURN_UNTIL(pool.n_busy == 1);
	fixture_hear(peers[0]);
	mini_reset_fd(peers[0]);
	peers[0] = fixture_accept();
	TURN_UNTIL(calls.n_ended == 1);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_CONNECTION_ERROR), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.env.opened, 2);
}
END_TEST

/* Sending fails inside pool_arrive, on a connection whose end nobody has read yet: once more on
 * another one, in which nobody but stats takes part. */
/* What has come on an idle connection may be its end, so arrivals wait; if it was a line end, they
 * need not wait longer. */
START_TEST(line_ends_on_an_idle_connection)
{
	config.limit = 2;
	fixture_make_pool();
	warm_up(2);
	fixture_arrive(1);
	for (int i = 0; i < 2; i++)
		if (fixture_is_readable(peers[i])) {
			fixture_hear(peers[i]);
			fixture_say(peers[i], MINI_OK);
		} else {
			fixture_say(peers[i], "\r\n");
		}
	n_again = 2;
	TURN_UNTIL(calls.n_ended == 1 && pool.n_idle == 0);
	ck_assert_uint_eq(pool.n_busy, 2);
	ck_assert_uint_eq(pool.n_waiting, 0);
	fixture_answer(0);
	fixture_answer(1);
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5);
	ck_assert_uint_eq(fixture.env.opened, 2);
}
END_TEST

START_TEST(sending_fails_at_once)
{
	fixture_make_pool();
	warm_up(1);
	mini_reset_fd(peers[0]);
	n_peers = 0;
	fixture_arrive(1);
	ck_assert_uint_eq(calls.n_ended, 0);
	ck_assert_uint_eq(pool.n_returned, 1);
	ck_assert_uint_eq(pool.n_connecting, 1);
	ck_assert_uint_eq(fixture.stats.in_flight, 1);
	accept_peers(1);
	fixture_answer(0);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(calls.n_free, 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(fixture.stats.totals.ledgers[STATS_WINDOW].sent, 2);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
	ck_assert_uint_eq(fixture.env.stale, 1);
	ck_assert_uint_eq(fixture.env.sent, 3);
}
END_TEST

/* ---- the end */

START_TEST(abandon_everything)
{
	config.limit = LIMIT;
	fixture_make_pool();
	warm_up(2);
	fixture_arrive(2); /* busy */
	fixture_arrive(2); /* one connecting, and one more that waits */
	ck_assert_uint_eq(pool.n_connecting, 1);
	ck_assert_uint_eq(pool.n_waiting, 2);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 2);
	ck_assert_uint_eq(fixture_count(LEDGER_UNSENT), 2);
	ck_assert_uint_eq(planned(), 6);
	ck_assert_uint_eq(calls.n_ended, 0); /* without a word */
	ck_assert_int_eq(pool_oldest_ns(&pool), CLOCK_NEVER);
	ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	pool_abandon(&pool); /* harmless */
}
END_TEST

START_TEST(fini_of_nothing)
{
	struct pool none = {0};

	pool_fini(&none);
	ck_assert_ptr_null(none.tasks);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, grows_to_the_limit_and_queues);
	tcase_add_test(t, one_arrival_opens_one_connection);
	tcase_add_test(t, queue_is_first_come_first_served);
	tcase_add_test(t, ring_goes_round);
	tcase_add_loop_test(t, queue_overflows, 0, 4);
	tcase_add_test(t, drop_instead_of_waiting);
	tcase_add_test(t, waiting_arrivals_expire_in_order);
	tcase_add_test(t, arrivals_expire_before_connections_open);
	tcase_add_test(t, arrivals_expire_after_a_busy_connection);
	tcase_add_test(t, expired_on_arrival);
	tcase_add_loop_test(t, reuse_order, 0, 2);
	tcase_add_test(t, a_connection_for_each_request);
	tcase_add_test(t, fixed_pool_opens);
	tcase_add_loop_test(t, opening_is_paced, 0, 2);
	tcase_add_test(t, fixed_pool_is_refused);
	tcase_add_test(t, fixed_pool_times_out);
	tcase_add_test(t, fixed_pool_without_descriptors);
	tcase_add_test(t, fixed_pool_is_refused_in_part);
	tcase_add_test(t, fixed_pool_is_hung_up_on);
	tcase_add_test(t, fixed_pool_forgives_a_lost_connection);
	tcase_add_test(t, fixed_pool_reopens_for_an_arrival);
	tcase_add_test(t, fixed_pool_waits_after_a_failure);
	tcase_add_test(t, refused_arrivals_are_not_connected);
	tcase_add_test(t, arrivals_without_descriptors);
	tcase_add_test(t, failing_attempts_are_paced);
	tcase_add_test(t, arrivals_that_open_rate_holds_back_are_counted);
	tcase_add_test(t, arrivals_before_a_full_pool_are_not_held_back);
	tcase_add_test(t, resets_beside_open_connections_are_counted);
	tcase_add_test(t, resets_of_unused_connections_are_not_counted);
	tcase_add_test(t, resets_before_an_answer_are_counted);
	tcase_add_test(t, waiting_arrivals_survive_a_lost_connection);
	tcase_add_test(t, line_ends_on_an_idle_connection);
	tcase_add_test(t, sending_fails_at_once);
	tcase_add_test(t, abandon_everything);
	tcase_add_test(t, fini_of_nothing);
}

int main(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("pool");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, fixture_close_pool);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
