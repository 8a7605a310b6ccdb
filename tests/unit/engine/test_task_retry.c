/* SPDX-License-Identifier: Apache-2.0 */
/* The stale keep-alive race: the server closes a connection just as it is used again. What may be
 * repeated is, once, and is one arrival all the same; what may not is "stale". And the limits of a
 * connection, which are the other reason why one goes. */
#include <stdio.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/pool_fixture.h"

#define LAST "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"

static unsigned n_heard;

enum ways { BY_FIN, BY_RST, BY_HALF_CLOSE, N_WAYS };

static void setup(void)
{
	fixture_open_pool(16, 3);
	config.on_opened = fixture_on_opened_well;
	n_heard = 0;
}

static void teardown(void)
{
	ck_assert_uint_le(n_heard, fixture.env.sent);
	fixture_close_pool();
}

static void hear(int i)
{
	fixture_hear(peers[i]);
	n_heard++;
}

static void answer(int i)
{
	hear(i);
	fixture_say(peers[i], MINI_OK);
}

static void close_as(int i, int way)
{
	if (way == BY_HALF_CLOSE) {
		ck_assert_int_eq(shutdown(peers[i], SHUT_WR), 0);
		return;
	}
	if (way == BY_RST)
		mini_reset_fd(peers[i]);
	else
		close(peers[i]);
	peers[i] = -1;
}

/* The server closes without having had what was sent last: so the kernel says. */
static void hang_up(int i, int way)
{
	for (size_t k = 0; k < pool.config.limit; k++)
		if (task_get_state(&pool.tasks[k]) == TASK_RECEIVING)
			fixture_acknowledge(&pool.tasks[k], false);
	close_as(i, way);
}

/* One connection that has answered once. */
static void warm_up(void)
{
	fixture_make_pool();
	fixture_arrive(1);
	fixture_take_peer();
	answer(0);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(pool.n_idle, 1);
}

static uint64_t sent(void)
{
	return fixture.stats.totals.ledgers[STATS_WINDOW].sent;
}

static void use_post(void)
{
	fixture.request.bytes = (char *)POST;
	fixture.request.len = strlen(POST);
	fixture.request.is_idempotent = false;
}

/* ---- the race */

/* The server has gone: the same arrival, on another connection. */
START_TEST(is_repeated)
{
	const struct histogram *h = fixture.stats.totals.histograms;

	warm_up();
	fixture_arrive(1);
	hear(0);
	hang_up(0, _i);
	fixture_take_peer();
	ck_assert_uint_eq(calls.n_ended, 1);
	ck_assert_uint_eq(fixture.stats.in_flight, 1);
	answer(1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(calls.n_free, 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(sent(), 2);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
	ck_assert_uint_eq(fixture.env.stale, 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_out, 3 * strlen(FIXTURE_GET));
	ck_assert_uint_eq(fixture.env.opened, 2);
	/* The identity holds, with service from the first sending on. */
	ck_assert(h[STATS_RESPONSE].sum ==
		  h[STATS_OUR_DELAY].sum + h[STATS_CONNECTION_WAIT].sum + h[STATS_SERVICE].sum);
}
END_TEST

static void sent_earlier(int64_t by_ns)
{
	pool.tasks[0]._exchange.sent_ns -= by_ns;
	pool.tasks[0]._turn_ns -= by_ns;
}

/* As the kernel tells it: the server had closed before the request left. */
START_TEST(closed_before)
{
	warm_up();
	close_as(0, _i);
	fixture_arrive(1);
	fixture_take_peer();
	answer(1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* The server has read the request and closes without an answer: it has dropped it. */
START_TEST(dropped)
{
	bool resets = _i % N_WAYS == BY_RST;

	if (_i / N_WAYS)
		use_post();
	warm_up();
	fixture_arrive(1);
	hear(0);
	/* An acknowledgement may wait for 40 ms, and a reset tells of none. */
	if (resets)
		sent_earlier(SEC);
	close_as(0, _i % N_WAYS);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_faults(resets ? FAULT_RESET : FAULT_CLOSED), 1);
	ck_assert_str_eq(fixture_example(resets ? FAULT_RESET : FAULT_CLOSED),
		resets ? "Connection reset by peer" : "closed before any byte of the response");
	ck_assert_uint_eq(fixture.stats.totals.retries + fixture.env.stale, 0);
	ck_assert_uint_eq(sent(), 2);
}
END_TEST

/* A reset is a race only if it comes soon, and if the request is not acknowledged. */
START_TEST(reset_late_or_acknowledged)
{
	bool is_acknowledged = _i & 1, is_late = _i & 2, is_race = _i == 0;

	use_post();
	warm_up();
	fixture_arrive(1);
	hear(0);
	if (is_late)
		sent_earlier(2 * 3600 * SEC);
	fixture_acknowledge(&pool.tasks[0], is_acknowledged);
	close_as(0, BY_RST);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), is_race);
	ck_assert_uint_eq(fixture_faults(FAULT_RESET), !is_race);
	ck_assert_uint_eq(fixture.env.stale, is_race);
}
END_TEST

/* Any byte of an answer, and it is none. */
START_TEST(answer_has_begun)
{
	static const char text[] = MINI_OK;
	size_t n = (size_t)_i / 2 + 1;
	int way = _i % 2;

	warm_up();
	fixture_arrive(1);
	hear(0);
	ck_assert_int_eq(write(peers[0], text, n), n);
	hang_up(0, way);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_faults(way == BY_RST ? FAULT_RESET : FAULT_CLOSED), 1);
	ck_assert_uint_eq(fixture.stats.totals.retries + fixture.env.stale, 0);
}
END_TEST

START_TEST(first_request_is_no_race)
{
	fixture_make_pool();
	fixture_arrive(1);
	fixture_take_peer();
	hear(0);
	hang_up(0, _i);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(fixture_faults(_i == BY_RST ? FAULT_RESET : FAULT_CLOSED), 1);
	ck_assert_uint_eq(fixture.env.stale + fixture.stats.totals.retries, 0);
}
END_TEST

START_TEST(method_forbids_it)
{
	use_post();
	warm_up();
	fixture_arrive(1);
	hear(0);
	hang_up(0, _i);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_CONNECTION_ERROR), 1);
	ck_assert_str_eq(fixture_example(FAULT_STALE),
		"closed as the request was sent; POST is not repeated");
	ck_assert_uint_eq(fixture.stats.totals.retries, 0);
}
END_TEST

/* The other connection is closed under it as well: one that had answered before. */
START_TEST(only_once)
{
	config.limit = 2;
	fixture_make_pool();
	for (int i = 0; i < 2; i++)
		fixture_arrive(1);
	for (int i = 0; i < 2; i++)
		fixture_take_peer();
	for (int i = 0; i < 2; i++)
		answer(i);
	TURN_UNTIL(calls.n_ended == 2);
	/* No third connection: it has to take the other idle one. */
	pool.config.open_rate = (struct rate){1, 3600};
	pool._next_open_ns = clock_now_ns() + 3600 * SEC;
	fixture_arrive(1);
	hear(fixture_is_readable(peers[1]) ? 1 : 0);
	for (int i = 0; i < 2; i++)
		hang_up(i, BY_RST);
	TURN_UNTIL(pool.n_busy + pool.n_idle == 0);
	if (calls.n_ended == 2) {
		/* Both ends were seen in one turn: it waits for a connection. */
		ck_assert_uint_eq(pool.n_returned, 1);
		pool_abandon(&pool);
		ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 1);
		return;
	}
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), 1);
	ck_assert_str_eq(fixture_example(FAULT_STALE),
		"closed as the request was sent, also when it was repeated");
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* On a fresh one it is the server's doing. */
START_TEST(closed_again_on_a_fresh_connection)
{
	warm_up();
	fixture_arrive(1);
	hear(0);
	hang_up(0, BY_FIN);
	fixture_take_peer();
	hear(1);
	hang_up(1, BY_FIN);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_faults(FAULT_CLOSED), 1);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
	ck_assert_uint_eq(sent(), 2);
}
END_TEST

/* The server has gone altogether: it was sent, so it is no "not connected". */
START_TEST(no_connection_to_repeat_it_on)
{
	warm_up();
	fixture_arrive(1);
	hear(0);
	close(fixture.server.listener);
	fixture.server.listener = -1;
	hang_up(0, BY_FIN);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 0);
	ck_assert_str_eq(fixture_example(FAULT_STALE),
		"closed as the request was sent, then no connection: Connection refused");
	ck_assert_uint_eq(fixture.stats.totals.retries, 0);
}
END_TEST

/* It goes before arrivals that wait already. */
START_TEST(goes_first)
{
	int64_t base_ns;

	config.limit = 1;
	warm_up();
	base_ns = clock_now_ns();
	for (int i = 0; i < 3; i++)
		pool_arrive(&pool, base_ns + i, clock_now_ns(), 0);
	hear(0);
	hang_up(0, BY_FIN);
	fixture_take_peer();
	TURN_UNTIL(pool.n_busy == 1);
	ck_assert_uint_eq(pool.n_returned, 0);
	ck_assert_uint_eq(pool.n_waiting, 2);
	ck_assert_int_eq(task_planned_ns(&pool.tasks[0]), base_ns);
	for (unsigned i = 0; i < 3; i++) {
		answer(1);
		TURN_UNTIL(calls.n_ended == 2 + i);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
}
END_TEST

/* Its patience is counted from the planned instant, and it was sent: a timeout. */
START_TEST(times_out_while_it_waits)
{
	int64_t planned_ns;

	fixture.env.request_timeout_ns = 30 * SEC;
	warm_up();
	pool.config.open_rate = (struct rate){1, 3600};
	pool._next_open_ns = clock_now_ns() + 3600 * SEC;
	planned_ns = clock_now_ns() - 30 * SEC + 100 * MS;
	pool_arrive(&pool, planned_ns, clock_now_ns(), 0);
	hear(0);
	hang_up(0, BY_FIN);
	TURN_UNTIL(pool.n_busy == 0);
	ck_assert_uint_eq(pool.n_returned, 1);
	ck_assert_int_eq(pool_oldest_ns(&pool), planned_ns);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_int_ge(clock_now_ns(), planned_ns + 30 * SEC);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_EXPIRED), 0);
	ck_assert_uint_eq(pool.n_returned, 0);
}
END_TEST

/* Or when it was sent again. */
START_TEST(times_out_when_it_was_repeated)
{
	int64_t planned_ns;

	fixture.env.request_timeout_ns = 30 * SEC;
	warm_up();
	planned_ns = clock_now_ns() - 30 * SEC + 200 * MS;
	pool_arrive(&pool, planned_ns, clock_now_ns(), 0);
	hear(0);
	hang_up(0, BY_FIN);
	fixture_take_peer();
	hear(1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_int_ge(clock_now_ns(), planned_ns + 30 * SEC);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* Where no connection may be opened, an idle one serves, but none whose end is known. */
START_TEST(idle_connection_serves)
{
	config.limit = 3;
	fixture_make_pool();
	for (int i = 0; i < 3; i++)
		fixture_arrive(1);
	for (int i = 0; i < 3; i++)
		fixture_take_peer();
	for (int i = 0; i < 3; i++)
		answer(i);
	TURN_UNTIL(calls.n_ended == 3);
	pool.config.open_rate = (struct rate){1, 3600};
	pool._next_open_ns = clock_now_ns() + 3600 * SEC;
	fixture_arrive(1);
	for (int i = 0, heard = 0; i < 3; i++)
		if (!heard && fixture_is_readable(peers[i])) {
			heard = 1;
			hear(i);
			hang_up(i, _i);
		}
	while (calls.n_ended < 4) {
		ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
		for (int i = 0; i < 3; i++)
			if (peers[i] >= 0 && pool.n_returned == 0 &&
				fixture_is_readable(peers[i]) &&
				fixture.stats.totals.retries == 1) {
				answer(i);
				TURN_UNTIL(calls.n_ended == 4);
				break;
			}
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* Two connections that have answered, and both are asked again. */
static void warm_up_two(void)
{
	config.limit = 2;
	fixture_make_pool();
	for (int i = 0; i < 2; i++)
		fixture_arrive(1);
	for (int i = 0; i < 2; i++)
		fixture_take_peer();
	for (int i = 0; i < 2; i++)
		answer(i);
	TURN_UNTIL(calls.n_ended == 2);
	for (int i = 0; i < 2; i++)
		fixture_arrive(1);
}

/* A connection that becomes free has been kept as long as the one that was lost: what came back is
 * left to the one that is being opened for it, and who else waits is not. */
START_TEST(kept_one_is_spared)
{
	bool has_waiting = _i >= N_WAYS;

	warm_up_two();
	if (has_waiting)
		fixture_arrive(1);
	hear(0);
	hang_up(0, _i % N_WAYS);
	answer(1); /* in the same turn */
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(pool.n_connecting, 1);
	ck_assert_uint_eq(pool.n_returned, 1);
	ck_assert_uint_eq(pool.n_waiting, 0);
	ck_assert_uint_eq(pool.n_idle, has_waiting ? 0 : 1);
	fixture_take_peer();
	answer(2);
	if (has_waiting)
		answer(1);
	TURN_UNTIL(calls.n_ended == (has_waiting ? 5 : 4));
	ck_assert_uint_eq(fixture_count(LEDGER_OK), calls.n_ended);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* Where none can be opened, a kept one is better than none. */
START_TEST(kept_one_serves_at_last)
{
	warm_up_two();
	hear(0);
	answer(1);
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_int_eq(shutdown(fixture.server.listener, SHUT_RD), 0);
	hang_up(0, _i);
	TURN_UNTIL(fixture.stats.totals.retries == 1);
	answer(1);
	TURN_UNTIL(calls.n_ended == 4);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
}
END_TEST

START_TEST(drain_ends_before_it_is_repeated)
{
	warm_up();
	pool.config.open_rate = (struct rate){1, 3600};
	pool._next_open_ns = clock_now_ns() + 3600 * SEC;
	fixture_arrive(1);
	hear(0);
	hang_up(0, BY_FIN);
	TURN_UNTIL(pool.n_returned == 1);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_UNSENT), 0);
	ck_assert_uint_eq(calls.n_ended, 1);
}
END_TEST

/* The end of an idle connection stands in the loop already when an arrival comes: it takes another
 * one. */
START_TEST(pending_end_is_seen)
{
	config.limit = 2;
	warm_up();
	hang_up(0, _i);
	/* Copy the event into the task without calling it: an arrival comes in between. */
	while (!(loop_task_pending(&pool.tasks[0]._loop_task) & EPOLLRDHUP) && pool.n_idle == 1)
		pool.tasks[0]._loop_task._events |= EPOLLRDHUP | EPOLLIN;
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_connecting, 1);
	ck_assert_uint_eq(pool.n_waiting, 1);
	fixture_take_peer();
	answer(1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(fixture.env.stale, 0);
}
END_TEST

/* ---- limits of a connection */

START_TEST(requests_per_connection)
{
	unsigned n_max = (unsigned)_i;
	char text[256];

	fixture.request.last_bytes = (char *)LAST;
	fixture.request.last_len = strlen(LAST);
	fixture.env.requests_max = n_max;
	fixture_make_pool();
	for (unsigned n = 0; n < 3 * n_max; n++) {
		bool is_last = n % n_max == n_max - 1;
		ssize_t len;

		fixture_arrive(1);
		if (n % n_max == 0)
			fixture_take_peer();
		TURN_UNTIL(fixture_is_readable(peers[n_peers - 1]));
		len = recv(peers[n_peers - 1], text, sizeof(text) - 1, 0);
		n_heard++;
		ck_assert_int_gt(len, 0);
		text[len] = '\0';
		ck_assert_str_eq(text, is_last ? LAST : FIXTURE_GET);
		fixture_say(peers[n_peers - 1], is_last && n % 2 ? MINI_OK_CLOSE : MINI_OK);
		TURN_UNTIL(calls.n_ended == n + 1);
		ck_assert_uint_eq(pool.n_idle, !is_last);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3 * n_max);
	ck_assert_uint_eq(fixture.env.opened, 3);
	ck_assert_uint_eq(fixture.env.closed_by_us, 3);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
}
END_TEST

/* A fixed pool refills at once what it has closed itself. */
START_TEST(old_connections_are_closed)
{
	int64_t start_ns = clock_now_ns();

	config.is_fixed = true;
	config.limit = 2;
	fixture.env.max_age_ns = 40 * MS;
	fixture_make_pool();
	TURN_UNTIL(calls.n_opened == 1);
	TURN_UNTIL(fixture.env.opened >= 4);
	ck_assert_int_ge(clock_now_ns() - start_ns, 40 * MS);
	ck_assert_uint_ge(fixture.env.closed_by_us, 2);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
}
END_TEST

/* One that is busy is closed after its exchange. */
START_TEST(old_and_busy)
{
	int64_t until_ns;

	fixture.env.max_age_ns = 20 * MS;
	fixture_make_pool();
	fixture_arrive(1);
	fixture_take_peer();
	TURN_UNTIL(pool.n_busy == 1);
	until_ns = clock_now_ns() + 40 * MS;
	while (clock_now_ns() < until_ns)
		ck_assert_int_eq(loop_turn(fixture.loop, 5 * MS), 0);
	ck_assert_uint_eq(pool.n_busy, 1);
	answer(0);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(pool.n_busy + pool.n_idle, 0);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.env.closed_by_us, 1);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
}
END_TEST

/* Ages end while the first connections are still being opened: that ends all the same. */
START_TEST(old_before_all_are_open)
{
	config.is_fixed = true;
	config.limit = 6;
	config.open_rate = (struct rate){100, 1};
	fixture.env.max_age_ns = 15 * MS;
	fixture_make_pool();
	TURN_UNTIL(calls.n_opened == 1);
	ck_assert_uint_ge(fixture.env.closed_by_us, 1);
}
END_TEST

/* ---- a fixed pool recovers */

/* Without arrivals, in 100 ms, 200 ms, … */
START_TEST(lost_connections_come_back)
{
	int64_t lost_ns;

	config.is_fixed = true;
	config.limit = 2;
	fixture_make_pool();
	for (int i = 0; i < 2; i++)
		fixture_take_peer();
	TURN_UNTIL(calls.n_opened == 1);
	lost_ns = clock_now_ns();
	for (int i = 0; i < 2; i++)
		hang_up(i, BY_FIN);
	TURN_UNTIL(pool.n_idle == 0);
	fixture_take_peer();
	ck_assert_int_ge(clock_now_ns() - lost_ns, 100 * MS);
	fixture_take_peer();
	TURN_UNTIL(pool.n_idle == 2);
	ck_assert_uint_eq(fixture.env.opened, 4);
}
END_TEST

/* One that has served is opened again at once. */
START_TEST(used_connection_comes_back_at_once)
{
	config.is_fixed = true;
	config.limit = 1;
	fixture_make_pool();
	fixture_take_peer();
	TURN_UNTIL(calls.n_opened == 1);
	fixture_arrive(1);
	answer(0);
	TURN_UNTIL(calls.n_ended == 1);
	hang_up(0, BY_FIN);
	TURN_UNTIL(pool.n_idle == 0);
	ck_assert_uint_eq(pool.n_connecting, 1);
}
END_TEST

START_TEST(attempts_become_rarer)
{
	int64_t start_ns;

	config.is_fixed = true;
	config.limit = 2;
	fixture_make_pool();
	for (int i = 0; i < 2; i++)
		fixture_take_peer();
	TURN_UNTIL(calls.n_opened == 1);
	close(fixture.server.listener);
	fixture.server.listener = -1;
	start_ns = clock_now_ns();
	for (int i = 0; i < 2; i++)
		hang_up(i, BY_FIN);
	TURN_UNTIL(pool._backoff_ns == 400 * MS);
	/* 100 ms and 200 ms have passed; the third attempt has failed. */
	ck_assert_int_ge(clock_now_ns() - start_ns, 300 * MS);
	/* An arrival does not wait for the next one. */
	fixture_arrive(1);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_NOT_CONNECTED), 1);
	ck_assert_int_eq(pool._backoff_ns, 400 * MS);
}
END_TEST

/* Something that hangs up on who is idle, for ever: no busy loop. */
START_TEST(hung_up_on_for_ever)
{
	int64_t until_ns;

	config.is_fixed = true;
	config.limit = 2;
	fixture_make_pool();
	for (int i = 0; i < 2; i++)
		fixture_take_peer();
	TURN_UNTIL(calls.n_opened == 1);
	for (int i = 0; i < 2; i++)
		hang_up(i, BY_FIN);
	until_ns = clock_now_ns() + 700 * MS;
	while (clock_now_ns() < until_ns) {
		ck_assert_int_eq(loop_turn(fixture.loop, 5 * MS), 0);
		while (fixture_is_readable(fixture.server.listener))
			close(mini_server_accept(&fixture.server));
	}
	/* At 100, 300 and 700 ms, of two connections each. */
	ck_assert_uint_ge(fixture.env.opened, 4);
	ck_assert_uint_le(fixture.env.opened, 2 + 3 * 4);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, is_repeated, 0, N_WAYS);
	tcase_add_loop_test(t, closed_before, 0, BY_HALF_CLOSE);
	tcase_add_loop_test(t, dropped, 0, 2 * N_WAYS);
	tcase_add_loop_test(t, reset_late_or_acknowledged, 0, 4);
	tcase_add_loop_test(t, answer_has_begun, 0, 2 * ((int)strlen(MINI_OK) - 1));
	tcase_add_loop_test(t, first_request_is_no_race, 0, N_WAYS);
	tcase_add_loop_test(t, method_forbids_it, 0, N_WAYS);
	tcase_add_test(t, only_once);
	tcase_add_test(t, closed_again_on_a_fresh_connection);
	tcase_add_test(t, no_connection_to_repeat_it_on);
	tcase_add_test(t, goes_first);
	tcase_add_test(t, times_out_while_it_waits);
	tcase_add_test(t, times_out_when_it_was_repeated);
	tcase_add_loop_test(t, idle_connection_serves, 0, N_WAYS);
	tcase_add_loop_test(t, kept_one_is_spared, 0, 2 * N_WAYS);
	tcase_add_loop_test(t, kept_one_serves_at_last, 0, N_WAYS);
	tcase_add_test(t, drain_ends_before_it_is_repeated);
	tcase_add_loop_test(t, pending_end_is_seen, 0, N_WAYS);
	tcase_add_loop_test(t, requests_per_connection, 1, 4);
	tcase_add_test(t, old_connections_are_closed);
	tcase_add_test(t, old_and_busy);
	tcase_add_test(t, old_before_all_are_open);
	tcase_add_test(t, lost_connections_come_back);
	tcase_add_test(t, used_connection_comes_back_at_once);
	tcase_add_test(t, attempts_become_rarer);
	tcase_add_test(t, hung_up_on_for_ever);
}

int main(void)
{
	Suite *s = suite_create("task_retry");
	TCase *t = tcase_create("task_retry");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
