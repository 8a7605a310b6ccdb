/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests in flight on one connection: written together, answered in order, cut at every
 * byte. Whatever happens, each arrival ends once, and what got no answer goes elsewhere if it may.
 */
#include <stdio.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/pool_fixture.h"

#define DEPTH 4
#define OTHER "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
#define UNTIL_CLOSE "HTTP/1.1 200 OK\r\n\r\nabc"
#define POST "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"
#define LAST "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

static unsigned n_again; /* arrivals to be made inside on_ended, as users do */

static void on_ended(struct pool *p, bool connection_is_free)
{
	fixture_on_ended(p, connection_is_free);
	if (connection_is_free && n_again > 0) {
		n_again--;
		fixture_arrive(1);
	}
}

static void setup(void)
{
	fixture_open_pool(16, 1);
	config.on_ended = on_ended;
	config.on_opened = fixture_on_opened_well;
	n_again = 0;
	task_env_fini(&fixture.env);
	fixture.env.depth = DEPTH;
	ck_assert_int_eq(task_env_init(&fixture.env), 0);
}

/* Reads what the connection says, once; as long as it is nothing but so many requests. */
static void hear_at_once(int i, unsigned n)
{
	char text[8192];
	ssize_t len;

	TURN_UNTIL(fixture_is_readable(peers[i]));
	len = recv(peers[i], text, sizeof(text), 0);
	ck_assert_int_eq(len, n * fixture.request.len);
	for (unsigned k = 0; k < n; k++)
		ck_assert_int_eq(memcmp(text + k * fixture.request.len, fixture.request.bytes,
					 fixture.request.len),
			0);
}

static void hear(int i, unsigned n)
{
	while (n-- > 0)
		fixture_hear(peers[i]);
}

static void say(int i, const char *text, unsigned n)
{
	char all[8192] = "";

	while (n-- > 0)
		strcat(all, text);
	fixture_say(peers[i], all);
}

static void hang_up(int i, bool resets)
{
	if (resets)
		mini_reset_fd(peers[i]);
	else
		close(peers[i]);
	peers[i] = -1;
}

/* A connection that has answered once, and n requests in flight on it, which the server has. */
static void begin(unsigned n)
{
	fixture_make_pool();
	fixture_arrive(1);
	fixture_take_peer();
	hear(0, 1);
	say(0, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_uint_eq(pool.n_idle, 1);
	fixture_arrive(n);
	hear(0, n);
	ck_assert_uint_eq(fixture.stats.in_flight, n);
	calls.n_ended = calls.n_free = 0;
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

/* ---- together */

START_TEST(one_write_for_all)
{
	const struct histogram *h = fixture.stats.totals.histograms;

	fixture_make_pool();
	fixture_arrive(DEPTH + 2);
	ck_assert_uint_eq(sent(), 0);
	fixture_take_peer();
	hear_at_once(0, DEPTH);
	ck_assert_uint_eq(sent(), DEPTH);
	ck_assert_uint_eq(pool.n_busy, 1);
	ck_assert_uint_eq(pool.n_waiting, 2);
	say(0, MINI_OK, DEPTH);
	TURN_UNTIL(calls.n_ended == DEPTH);
	hear_at_once(0, 2);
	say(0, MINI_OK, 2);
	TURN_UNTIL(calls.n_ended == DEPTH + 2);
	ck_assert_uint_eq(calls.n_free, DEPTH + 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), DEPTH + 2);
	ck_assert_uint_eq(fixture.env.opened, 1);
	ck_assert_uint_eq(fixture.env.requests_on_new, 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_in, (DEPTH + 2) * strlen(MINI_OK));
	ck_assert_uint_eq(fixture.stats.totals.bytes_out, (DEPTH + 2) * strlen(FIXTURE_GET));
	ck_assert(h[STATS_RESPONSE].sum ==
		  h[STATS_OUR_DELAY].sum + h[STATS_CONNECTION_WAIT].sum + h[STATS_SERVICE].sum);
}
END_TEST

/* Users that make their next request inside the call that ends the last one. */
START_TEST(users_go_out_together)
{
	fixture_make_pool();
	fixture_arrive(DEPTH);
	fixture_take_peer();
	for (int round = 0; round < 5; round++) {
		hear_at_once(0, DEPTH);
		n_again = DEPTH;
		say(0, MINI_OK, DEPTH);
		TURN_UNTIL(n_again == 0);
	}
	hear_at_once(0, DEPTH);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5 * DEPTH);
	ck_assert_uint_eq(pool.n_busy, 1);
	ck_assert_uint_eq(pool.n_idle, 0);
	ck_assert_uint_eq(pool.n_waiting, 0);
}
END_TEST

/* Idle connections come first, then those with room: the same one, or in turn. */
START_TEST(who_has_room)
{
	bool rotates = _i == 1;

	config.limit = 2;
	config.reuse = rotates ? PLAN_REUSE_ROTATE : PLAN_REUSE_LIFO;
	config.is_fixed = true;
	fixture_make_pool();
	fixture_take_peer();
	fixture_take_peer();
	TURN_UNTIL(pool.n_idle == 2);
	fixture_arrive(2);
	ck_assert_uint_eq(pool.n_busy, 2);
	fixture_arrive(2);
	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(pool.tasks[i]._n_further,
			rotates ? 1
				: 2 * (i == 0 ? 0 : 1) +
					  (pool.tasks[0]._n_further > 0 ? 2 - 4 * i : 0));
	fixture_arrive(2 * DEPTH - 4);
	ck_assert_uint_eq(pool.n_waiting, 0);
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_waiting, 1);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_UNSENT), 2 * DEPTH + 1); /* nothing was written */
}
END_TEST

START_TEST(abandoned_in_flight)
{
	begin(3);
	fixture_arrive(1);
	pool_abandon(&pool);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 3);
	ck_assert_uint_eq(fixture_count(LEDGER_UNSENT), 1);
	ck_assert_uint_eq(calls.n_ended, 0);
}
END_TEST

/* Requests larger than the write buffer and the socket's, and small ones between them. */
START_TEST(large_requests)
{
	enum { LEN = 1 << 20 };
	char *bytes = malloc(LEN);
	static char text[65536];
	struct request requests[2] = {fixture.request, fixture.request};
	size_t left = 2 * LEN + 2 * strlen(FIXTURE_GET);

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'x', LEN);
	memcpy(bytes + LEN - 4, "\r\n\r\n", 4);
	requests[1].bytes = bytes;
	requests[1].len = LEN;
	fixture.env.requests = requests;
	fixture_make_pool();
	for (size_t i = 0; i < DEPTH; i++)
		pool_arrive(&pool, clock_now_ns(), clock_now_ns(), i % 2);
	fixture_take_peer();
	while (left > 0) {
		ssize_t n = recv(peers[0], text, sizeof(text), MSG_DONTWAIT);

		ck_assert(n > 0 || (n == -1 && errno == EAGAIN));
		if (n > 0)
			left -= (size_t)n;
		ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	}
	say(0, MINI_OK, DEPTH);
	TURN_UNTIL(calls.n_ended == DEPTH);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), DEPTH);
	ck_assert_uint_eq(sent(), DEPTH);
	ck_assert_uint_gt(fixture.stats.totals.histograms[STATS_SEND_STALL].count, 0);
	pool_fini(&pool);
	has_pool = false;
	free(bytes);
}
END_TEST

/* ---- answers cut anywhere */

static const char *const pairs[][2] = {
	{MINI_OK, MINI_OK},
	{OTHER, MINI_OK},
	{MINI_503, OTHER},
	{"HTTP/1.1 100 Continue\r\n\r\n" MINI_OK, OTHER},
};
#define N_PAIRS 4
#define PAIR_MAX 150

static bool is_good(const char *text)
{
	return strstr(text, " 200 ") != NULL;
}

START_TEST(split_anywhere)
{
	begin(2);
	for (unsigned p = 0; p < N_PAIRS; p++) {
		char text[400];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s%s", pairs[p][0], pairs[p][1]);
		size_t at = (size_t)_i % (len - 1) + 1;

		ck_assert_int_eq(write(peers[0], text, at), at);
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
		ck_assert_uint_eq(calls.n_ended, at >= strlen(pairs[p][0]));
		fixture_say(peers[0], text + at);
		TURN_UNTIL(calls.n_ended == 2);
		ck_assert_uint_eq(calls.n_free, 2);
		calls.n_ended = calls.n_free = 0;
		fixture_arrive(2);
		hear(0, 2);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1 + 4);
	ck_assert_uint_eq(fixture_count(LEDGER_HTTP_ERROR), 4);
	ck_assert_uint_eq(fixture.env.opened, 1);
}
END_TEST

/* The connection ends after any byte of two answers. Of which there is nothing, the turn never
 * came, but for the first one's. */
START_TEST(broken_anywhere)
{
	bool resets = _i % 2;
	const char *const *pair = pairs[_i / 2 % N_PAIRS];
	size_t at = (size_t)_i / 2 / N_PAIRS;
	size_t first = strlen(pair[0]), both = first + strlen(pair[1]);
	unsigned n_answered = (at >= first) + (at >= both);
	bool is_cut = at < first; /* in the first */
	bool is_second_cut = at > first && at < both;
	unsigned n_again_sent = 2 - n_answered - is_cut - is_second_cut;
	unsigned n_ok = 1;
	char text[400];

	if (at > both)
		return;
	(void)snprintf(text, sizeof(text), "%s%s", pair[0], pair[1]);
	begin(2);
	ck_assert_int_eq(write(peers[0], text, at), at);
	if (resets && at > 0 && n_answered < 2)
		TURN_UNTIL(calls.n_ended == n_answered &&
			   (at == first || pool.tasks[0]._exchange.first_byte_ns != 0));
	fixture_acknowledge(&pool.tasks[0], true);
	hang_up(0, resets);
	if (n_again_sent > 0) {
		fixture_take_peer();
		/* Those come one by one: the first has to be answered before others follow. */
		for (unsigned n = 0; n < n_again_sent; n++) {
			hear_at_once(1, 1);
			say(1, MINI_OK, 1);
		}
	}
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture.stats.totals.retries, n_again_sent);
	ck_assert_uint_eq(
		fixture_faults(resets ? FAULT_RESET : FAULT_CLOSED), is_cut + is_second_cut);
	n_ok += n_again_sent + (n_answered > 0 && is_good(pair[0])) +
		(n_answered > 1 && is_good(pair[1]));
	ck_assert_uint_eq(fixture_count(LEDGER_OK), n_ok);
	ck_assert_uint_eq(sent(), 3);
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), 0);
}
END_TEST

/* One is answered; the server works on the second one, and drops it. The third one's turn never
 * came. */
START_TEST(dropped)
{
	bool is_post = _i & 1, resets = _i & 2;
	enum fault fault = resets ? FAULT_RESET : FAULT_CLOSED;

	if (is_post)
		use_post();
	begin(3);
	say(0, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 1);
	pool.tasks[0]._exchange.sent_ns -= SEC;
	pool.tasks[0]._turn_ns -= SEC;
	hang_up(0, resets);
	if (!is_post) {
		fixture_take_peer();
		hear_at_once(1, 1);
		say(1, MINI_OK, 1);
	}
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_faults(fault), is_post ? 2 : 1);
	ck_assert_str_eq(fixture_example(fault),
		resets ? "Connection reset by peer" : "closed before any byte of the response");
	ck_assert_uint_eq(fixture.stats.totals.retries, !is_post);
	ck_assert_uint_eq(fixture.env.stale, 0);
}
END_TEST

/* ---- no more answers will come */

/* The first answer is the last one, as it says; or as only its end says. */
START_TEST(closed_behind_an_answer)
{
	static const char *const texts[] = {MINI_OK_CLOSE,
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", UNTIL_CLOSE, MINI_OK_CLOSE MINI_OK};

	begin(3);
	fixture_say(peers[0], texts[_i]);
	if (_i == 2)
		hang_up(0, false);
	fixture_take_peer();
	ck_assert_uint_eq(calls.n_ended, 1);
	ck_assert_uint_eq(fixture.stats.in_flight, 2);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 1);
	hear_at_once(1, 1);
	say(1, MINI_OK, 1);
	hear_at_once(1, 1);
	say(1, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
	ck_assert_uint_eq(fixture.stats.totals.retries, 2);
	ck_assert_uint_eq(sent(), 4);
}
END_TEST

/* A repeated request is not put into a pipeline that may break again, but new ones follow it as
 * soon as it is answered. */
START_TEST(carefully_repeated)
{
	begin(1);
	fixture_acknowledge(&pool.tasks[0], false);
	hang_up(0, false);
	fixture_take_peer();
	TURN_UNTIL(pool.n_busy == 1);
	fixture_arrive(3);
	ck_assert_uint_eq(pool.n_waiting, 3);
	hear_at_once(1, 1);
	say(1, MINI_OK, 1);
	hear_at_once(1, 3);
	say(1, MINI_OK, 3);
	TURN_UNTIL(calls.n_ended == 4);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5);
}
END_TEST

START_TEST(method_forbids_it)
{
	use_post();
	begin(3);
	fixture_say(peers[0], MINI_OK_CLOSE);
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), 2);
	ck_assert_str_eq(
		fixture_example(FAULT_STALE), "closed before its turn came; POST is not repeated");
	ck_assert_uint_eq(calls.n_free, 0);
}
END_TEST

/* What was queued, but not written, was not sent: any method may go elsewhere. */
START_TEST(queued_and_not_written)
{
	use_post();
	begin(1);
	fixture_say(peers[0], MINI_OK_CLOSE);
	fixture_arrive(2);
	/* The flush comes before the read in the next turn, or after it: both are right. */
	TURN_UNTIL(calls.n_ended >= 1);
	if (fixture_faults(FAULT_STALE) == 0) {
		fixture_take_peer();
		hear(1, 2);
		say(1, MINI_OK, 2);
	}
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK) + fixture_faults(FAULT_STALE), 4);
	ck_assert_uint_eq(fixture.stats.totals.retries, 0);
}
END_TEST

START_TEST(bad_answer)
{
	begin(2);
	fixture_say(peers[0], "220 mail.test ESMTP\r\n");
	fixture_take_peer();
	hear(1, 1);
	say(1, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_BAD_RESPONSE), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
}
END_TEST

/* More than was asked for. */
START_TEST(surplus)
{
	begin(2);
	fixture_say(peers[0], MINI_OK MINI_OK MINI_OK);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3);
	ck_assert_uint_eq(pool.n_idle + pool.n_busy, 0);
	ck_assert_uint_eq(fixture.env.closed_by_us, 1);
	ck_assert_uint_eq(fixture.env.surplus, 1);
}
END_TEST

/* A line end after each body, also where the next answer follows at once. */
START_TEST(line_ends)
{
	begin(3);
	fixture_say(peers[0], MINI_OK "\r\n" MINI_OK "\r\n");
	TURN_UNTIL(calls.n_ended == 2);
	fixture_say(peers[0], "\r\n" MINI_OK "\r\n");
	TURN_UNTIL(calls.n_ended == 3);
	fixture_say(peers[0], "\r\n");
	fixture_arrive(2);
	hear(0, 2);
	say(0, MINI_OK "\r\n", 2);
	TURN_UNTIL(calls.n_ended == 5);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 6);
	ck_assert_uint_eq(fixture.env.opened, 1);
	ck_assert_uint_eq(fixture.env.surplus, 0);
	ck_assert_uint_eq(pool.n_idle, 1);
}
END_TEST

/* The same while requests stand in the queue of which no byte was written. */
START_TEST(surplus_before_the_question)
{
	begin(2);
	n_again = 2;
	fixture_say(peers[0], MINI_OK MINI_OK MINI_OK);
	fixture_take_peer();
	TURN_UNTIL(calls.n_ended >= 2);
	hear(1, 2 - n_again);
	say(1, MINI_OK, 2);
	TURN_UNTIL(calls.n_ended == 2 + (2 - n_again));
	ck_assert_uint_eq(fixture.stats.totals.retries, 0);
	ck_assert_uint_eq(fixture_count(LEDGER_BAD_RESPONSE), 0);
}
END_TEST

/* ---- time */

START_TEST(first_times_out)
{
	int64_t now_ns;

	fixture.env.request_timeout_ns = 30 * SEC;
	begin(0);
	now_ns = clock_now_ns();
	pool_arrive(&pool, now_ns - 30 * SEC + 60 * MS, now_ns, 0);
	pool_arrive(&pool, now_ns, now_ns, 0);
	hear(0, 2);
	if (_i == 1)
		ck_assert_int_eq(write(peers[0], MINI_OK, 10), 10);
	TURN_UNTIL(calls.n_ended == 1);
	ck_assert_int_ge(clock_now_ns(), now_ns + 60 * MS);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
	ck_assert_str_eq(fixture_example(FAULT_TIMEOUT),
		_i == 1 ? "the response was not complete" : "no response");
	fixture_take_peer();
	hear(1, 1);
	say(1, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* The oldest need not stand first. */
START_TEST(second_times_out)
{
	int64_t now_ns;

	fixture.env.request_timeout_ns = 30 * SEC;
	begin(0);
	now_ns = clock_now_ns();
	pool_arrive(&pool, now_ns, now_ns, 0);
	pool_arrive(&pool, now_ns - 30 * SEC + 60 * MS, now_ns, 0);
	ck_assert_int_eq(pool_oldest_ns(&pool), now_ns - 30 * SEC + 60 * MS);
	hear(0, 2);
	if (_i == 1)
		ck_assert_int_eq(write(peers[0], MINI_OK, 10), 10);
	TURN_UNTIL(calls.n_ended == 1 + (unsigned)_i);
	ck_assert_int_ge(clock_now_ns(), now_ns + 60 * MS);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1 + (uint64_t)_i);
	if (_i == 1)
		return;
	fixture_take_peer();
	hear(1, 1);
	say(1, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
}
END_TEST

/* The deadline of an exchange that was answered is no other's. */
START_TEST(timer_follows)
{
	int64_t now_ns, until_ns;

	fixture.env.request_timeout_ns = 30 * SEC;
	begin(0);
	now_ns = clock_now_ns();
	pool_arrive(&pool, now_ns - 30 * SEC + 60 * MS, now_ns, 0);
	pool_arrive(&pool, now_ns - 30 * SEC + 160 * MS, now_ns, 0);
	hear(0, 2);
	say(0, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 1);
	if (fixture_count(LEDGER_OK) != 2)
		return; /* the machine was too slow to tell */
	until_ns = now_ns + 100 * MS;
	while (clock_now_ns() < until_ns)
		ck_assert_int_eq(loop_turn(fixture.loop, 5 * MS), 0);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_int_ge(clock_now_ns(), now_ns + 160 * MS);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
}
END_TEST

/* ---- limits */

START_TEST(requests_per_connection)
{
	char text[2048];
	size_t want = 2 * strlen(FIXTURE_GET) + strlen(LAST);
	ssize_t len;

	fixture.request.last_bytes = (char *)LAST;
	fixture.request.last_len = strlen(LAST);
	fixture.env.requests_max = 3;
	fixture_make_pool();
	fixture_arrive(5);
	fixture_take_peer();
	TURN_UNTIL(fixture_is_readable(peers[0]));
	len = recv(peers[0], text, sizeof(text), 0);
	ck_assert_int_eq(len, want);
	ck_assert_int_eq(memcmp(text + 2 * strlen(FIXTURE_GET), LAST, strlen(LAST)), 0);
	ck_assert_uint_eq(pool.n_waiting, 2);
	say(0, MINI_OK, 3);
	fixture_take_peer();
	hear(1, 2);
	say(1, MINI_OK, 2);
	TURN_UNTIL(calls.n_ended == 5);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5);
	ck_assert_uint_eq(fixture.env.closed_by_us, 1);
	ck_assert_uint_eq(fixture.stats.totals.retries, 0);
}
END_TEST

START_TEST(old_connection_takes_no_more)
{
	int64_t until_ns;

	fixture.env.max_age_ns = 20 * MS;
	fixture_make_pool();
	fixture_arrive(2);
	fixture_take_peer();
	hear(0, 2);
	until_ns = clock_now_ns() + 40 * MS;
	while (clock_now_ns() < until_ns)
		ck_assert_int_eq(loop_turn(fixture.loop, 5 * MS), 0);
	fixture_arrive(1);
	ck_assert_uint_eq(pool.n_waiting, 1);
	say(0, MINI_OK, 2);
	TURN_UNTIL(calls.n_ended == 2);
	ck_assert_uint_eq(fixture.env.closed_by_us, 1);
	fixture_take_peer();
	hear(1, 1);
	say(1, MINI_OK, 1);
	TURN_UNTIL(calls.n_ended == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3);
}
END_TEST

/* The end stands in the socket after all answers. */
START_TEST(closed_when_all_is_answered)
{
	begin(3);
	say(0, MINI_OK, 3);
	hang_up(0, false);
	TURN_UNTIL(calls.n_ended == 3);
	TURN_UNTIL(pool.n_idle + pool.n_busy == 0);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 1);
	ck_assert_uint_eq(fixture.env.stale, 0);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, one_write_for_all);
	tcase_add_test(t, users_go_out_together);
	tcase_add_loop_test(t, who_has_room, 0, 2);
	tcase_add_test(t, abandoned_in_flight);
	tcase_add_test(t, large_requests);
	tcase_add_loop_test(t, split_anywhere, 0, PAIR_MAX);
	tcase_add_loop_test(t, broken_anywhere, 0, 2 * N_PAIRS * PAIR_MAX);
	tcase_add_loop_test(t, closed_behind_an_answer, 0, 4);
	tcase_add_loop_test(t, dropped, 0, 4);
	tcase_add_test(t, carefully_repeated);
	tcase_add_test(t, method_forbids_it);
	tcase_add_test(t, queued_and_not_written);
	tcase_add_test(t, bad_answer);
	tcase_add_test(t, surplus);
	tcase_add_test(t, line_ends);
	tcase_add_test(t, surplus_before_the_question);
	tcase_add_loop_test(t, first_times_out, 0, 2);
	tcase_add_loop_test(t, second_times_out, 0, 2);
	tcase_add_test(t, timer_follows);
	tcase_add_test(t, requests_per_connection);
	tcase_add_test(t, old_connection_takes_no_more);
	tcase_add_test(t, closed_when_all_is_answered);
}

int main(void)
{
	Suite *s = suite_create("task_pipeline");
	TCase *t = tcase_create("task_pipeline");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, fixture_close_pool);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
