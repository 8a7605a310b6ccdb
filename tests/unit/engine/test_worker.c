/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs of one and two workers against the mini server, in virtual time; the test's thread is
 * main. Whatever happens, every ledger balances, the sums are those of the plan, and intervals come
 * once and in order. */
#include "daemon/engine/worker.h"

#include <unistd.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/worker_fixture.h"

#define N_TRIES 25 /* enough to meet a race that one in five tries shows */

static struct schedule *schedule;

/* What main has heard. */
static struct {
	unsigned n_ready, n_failed, n_done, n_pulses, n_intervals;
	uint64_t in_flight; /* in the last pulse */
	int64_t covered_ns[FIXTURE_WORKERS_MAX];
	bool is_done[FIXTURE_WORKERS_MAX];
	uint64_t planned, sent, completed, ok, failed, our_delays, responses, most_planned;
	int64_t widest_ns;
	char why[300];
} heard;
static struct worker_summary summary;

/* ---- main's callbacks */

static void on_ready(struct worker *w, enum fault fault, const char *why)
{
	ck_assert(!heard.is_done[worker_index(w)]);
	heard.n_ready++;
	heard.n_failed += fault != FAULT_NONE;
	if (fault != FAULT_NONE)
		strncpy(heard.why, why, sizeof(heard.why) - 1);
}

static void on_pulse(struct worker *w, const struct worker_pulse *pulse)
{
	uint64_t open = pulse->ledger.planned - ledger_resolved(&pulse->ledger);

	ck_assert(!heard.is_done[worker_index(w)]);
	ck_assert_uint_le(ledger_resolved(&pulse->ledger), pulse->ledger.planned);
	ck_assert_uint_le(pulse->in_flight + pulse->queue, open);
	ck_assert_int_eq(pulse->oldest_ns == CLOCK_NEVER, open == 0);
	heard.n_pulses++;
	heard.in_flight = pulse->in_flight;
}

static void on_interval(struct worker *w, const struct stats_interval *i)
{
	unsigned index = worker_index(w);

	ck_assert_ptr_eq(worker_owner(w), &heard);
	ck_assert(!heard.is_done[index]);
	ck_assert_int_ge(i->start_ns, heard.covered_ns[index]);
	ck_assert_int_gt(i->width_ns, 0);
	ck_assert_int_eq(i->start_ns % plan.interval_ns, 0);
	ck_assert_int_eq(i->width_ns % plan.interval_ns, 0);
	ck_assert_uint_eq(i->pending, 0);
	heard.covered_ns[index] = i->start_ns + i->width_ns;
	heard.n_intervals++;
	heard.widest_ns = i->width_ns > heard.widest_ns ? i->width_ns : heard.widest_ns;
	heard.most_planned = i->planned > heard.most_planned ? i->planned : heard.most_planned;
	heard.planned += i->planned;
	heard.sent += i->sent;
	heard.completed += i->completed;
	heard.ok += i->ok;
	heard.failed += i->failed;
	heard.our_delays += i->our_delay.count;
	heard.responses += i->response.count;
}

static void on_done(struct worker *w)
{
	const struct worker_summary *s = worker_summary(w);

	ck_assert(!heard.is_done[worker_index(w)]);
	heard.is_done[worker_index(w)] = true;
	heard.n_done++;
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ck_assert(ledger_balances(&worker_totals(w)->ledgers[i]));
	if (s->requests > 0)
		ck_assert_int_ge(s->ended_ns, s->started_ns);
	ck_assert_uint_le(s->connections_peak, s->connections_limit);
	stats_totals_add(&totals, worker_totals(w));
	summary.requests += s->requests;
	summary.opened += s->opened;
	summary.closed_by_us += s->closed_by_us;
	summary.connections_limit += s->connections_limit;
}

/* ---- a run, step by step */

static void setup(void)
{
	memset(&heard, 0, sizeof(heard));
	memset(&summary, 0, sizeof(summary));
	fixture_open_workers();
	config.on_ready = on_ready;
	config.on_pulse = on_pulse;
	config.on_interval = on_interval;
	config.on_done = on_done;
	config.owner = &heard;
}

static void teardown(void)
{
	fixture_close_workers();
	schedule = schedule_free(schedule);
}

static void plan_open(uint64_t num, uint64_t den, int64_t duration_ns)
{
	stages[0] = (struct plan_stage){
		.kind = PLAN_HOLD, .rate = {num, den}, .duration_ns = duration_ns};
	plan.model = PLAN_OPEN;
	plan.n_stages = 1;
	plan.duration_ns = duration_ns;
}

static void plan_closed(uint64_t requests, int64_t duration_ns)
{
	plan.model = PLAN_CLOSED;
	plan.n_arrivals = requests;
	plan.duration_ns = duration_ns;
	config.is_fixed_pool = true;
}

static void make_workers(void)
{
	if (plan.model == PLAN_OPEN)
		ck_assert_int_eq(schedule_new(&plan, &schedule), 0);
	fixture_make_workers(schedule);
}

static void start_workers(void)
{
	make_workers();
	fixture_start_workers();
}

/* All get the same t0, in_ns from now. */
static int64_t go(int64_t in_ns)
{
	int64_t t0_ns;

	start_workers();
	TURN_UNTIL(heard.n_ready == n_workers);
	ck_assert_uint_eq(heard.n_failed, 0);
	t0_ns = clock_now_ns() + in_ns;
	fixture_go(t0_ns);
	return t0_ns;
}

static void stop_all(int64_t instant_ns)
{
	for (unsigned i = 0; i < n_workers; i++)
		worker_stop(workers[i], instant_ns);
}

static void abort_all(void)
{
	for (unsigned i = 0; i < n_workers; i++)
		worker_abort(workers[i]);
}

static const struct ledger *ledger(enum stats_phase phase)
{
	return &totals.ledgers[phase];
}

static uint64_t count(enum ledger_class class)
{
	return totals.ledgers[STATS_WINDOW].classes[class];
}

/* To the end, and everything that must hold at every end. */
static void finish(void)
{
	uint64_t n_sent = 0;

	TURN_UNTIL(heard.n_done == n_workers);
	for (int i = 0; i < STATS_PHASE_COUNT; i++) {
		ck_assert(ledger_balances(ledger(i)));
		n_sent += ledger(i)->sent;
	}
	ck_assert_uint_eq(heard.planned, ledger(STATS_WINDOW)->planned);
	ck_assert_uint_eq(heard.our_delays, schedule ? ledger(STATS_WINDOW)->planned : 0);
	ck_assert_uint_eq(heard.responses, count(LEDGER_OK));
	ck_assert_uint_eq(heard.sent, totals.sent_in_window);
	ck_assert_uint_eq(heard.completed, totals.completed_in_window);
	ck_assert_uint_eq(heard.ok, totals.ok_in_window);
	ck_assert_uint_eq(summary.requests, n_sent);
	ck_assert_uint_eq(summary.connections_limit, n_connections);
	ck_assert_uint_le(totals.bytes_out, totals.sent_in_window * request.len);
}

/* Of a good server: bytes move where requests are sent and answers come. */
static void assert_bytes_are_exact(void)
{
	ck_assert_uint_eq(totals.bytes_out, totals.sent_in_window * request.len);
	ck_assert_uint_eq(totals.bytes_in, totals.completed_in_window * strlen(MINI_OK));
}

static void assert_phases_are_exact(void)
{
	ck_assert_uint_eq(
		ledger(STATS_WARMUP)->planned, schedule_segment_count(schedule, SCHEDULE_WARMUP));
	ck_assert_uint_eq(
		ledger(STATS_WINDOW)->planned, schedule_segment_count(schedule, SCHEDULE_WINDOW));
	ck_assert_uint_eq(ledger(STATS_COOLDOWN)->planned,
		schedule_segment_count(schedule, SCHEDULE_COOLDOWN));
}

/* ---- runs that complete */

START_TEST(open_run)
{
	n_workers = (unsigned)_i;
	n_connections = 5;
	plan_open(2000, 1, 150 * MS);
	plan.warmup_ns = 50 * MS;
	plan.cooldown_ns = 30 * MS;
	fixture_serve(mini_answer);
	go(10 * MS);
	finish();
	assert_phases_are_exact();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 300);
	ck_assert_uint_eq(count(LEDGER_OK), 300);
	ck_assert_uint_eq(totals.histograms[STATS_RESPONSE].count, 300);
	ck_assert_uint_eq(mini_server_requests(&server), 460);
	ck_assert_uint_eq(totals.statuses[200], 300);
	assert_bytes_are_exact();
	ck_assert_uint_le(totals.completed_in_window, 460);
	/* The identity, summed up. */
	ck_assert(totals.histograms[STATS_RESPONSE].sum ==
		  totals.histograms[STATS_OUR_DELAY].sum +
			  totals.histograms[STATS_CONNECTION_WAIT].sum +
			  totals.histograms[STATS_SERVICE].sum);
}
END_TEST

/* An arrival that falls on the very end of a segment belongs to it, not to the next one. */
START_TEST(arrivals_on_borders)
{
	n_workers = (unsigned)_i;
	plan_open(50, 1, 50 * MS);  /* 2.5: three, the last one at the end */
	plan.warmup_ns = 10 * MS;   /* 0.5: one, at the end */
	plan.cooldown_ns = 30 * MS; /* 1.5: two, the last one at the end */
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(schedule_count(schedule), 6);
	assert_phases_are_exact();
	ck_assert_uint_eq(count(LEDGER_OK), 3);
}
END_TEST

START_TEST(open_run_with_a_count)
{
	n_workers = (unsigned)_i;
	plan_open(3000, 1, CLOCK_NEVER);
	plan.n_arrivals = 101;
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 101);
	ck_assert_uint_eq(count(LEDGER_OK), 101);
	ck_assert_uint_eq(mini_server_requests(&server), 101);
}
END_TEST

/* Exactly so many, also where a worker's share is nothing. */
START_TEST(closed_run_with_a_count)
{
	static const uint64_t counts[] = {1, 2, 3, 1001};
	uint64_t n = counts[_i / 2];

	n_workers = 1 + (unsigned)_i % 2;
	plan_closed(n, CLOCK_NEVER);
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, n);
	ck_assert_uint_eq(count(LEDGER_OK), n);
	ck_assert_uint_eq(mini_server_requests(&server), n);
	ck_assert_uint_eq(totals.histograms[STATS_SERVICE].count, n);
	ck_assert_uint_eq(totals.histograms[STATS_RESPONSE].count, 0);
	ck_assert_uint_eq(summary.opened, n_connections);
}
END_TEST

/* The warm-up does not count, and a worker without a share takes part in it. */
START_TEST(closed_run_with_a_warmup)
{
	n_workers = 2;
	n_connections = 2;
	plan_closed(1 + (uint64_t)_i, CLOCK_NEVER);
	plan.warmup_ns = 30 * MS;
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	assert_bytes_are_exact();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 1 + (uint64_t)_i);
	ck_assert_uint_gt(ledger(STATS_WARMUP)->planned, 0);
	ck_assert_uint_eq(ledger(STATS_COOLDOWN)->planned, 0);
}
END_TEST

START_TEST(closed_run_by_time)
{
	int64_t t0_ns;

	n_workers = (unsigned)_i;
	plan_closed(0, 60 * MS);
	plan.warmup_ns = 20 * MS;
	plan.cooldown_ns = 20 * MS;
	plan.think_ns = 1 * MS;
	fixture_serve(mini_answer);
	t0_ns = go(5 * MS);
	finish();
	ck_assert_int_ge(clock_now_ns(), t0_ns + 100 * MS);
	ck_assert_uint_gt(count(LEDGER_OK), 0);
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, count(LEDGER_OK));
	ck_assert_uint_eq(mini_server_requests(&server), summary.requests);
}
END_TEST

/* ---- servers that misbehave: everything is sent, and everything ends in the one class */

static const struct {
	mini_fn fn;
	enum ledger_class class;
} servers[] = {
	{mini_answer, LEDGER_OK},
	{mini_answer_503, LEDGER_HTTP_ERROR},
	{mini_answer_close, LEDGER_OK},
	{mini_hang, LEDGER_TIMEOUT},
	{mini_hang_up, LEDGER_CONNECTION_ERROR},
	{mini_garble, LEDGER_BAD_RESPONSE},
	{mini_break, LEDGER_CONNECTION_ERROR},
};
#define N_SERVERS (int)(sizeof(servers) / sizeof(servers[0]))

START_TEST(open_run_against_any_server)
{
	bool hangs = servers[_i].fn == mini_hang;

	n_workers = 2;
	n_connections = 200;
	plan_open(500, 1, 100 * MS);
	if (hangs)
		plan.request_timeout_ns = 50 * MS;
	fixture_serve(servers[_i].fn);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 50);
	ck_assert_uint_eq(count(servers[_i].class), 50);
}
END_TEST

START_TEST(closed_run_against_any_server)
{
	bool hangs = servers[_i].fn == mini_hang;

	n_workers = 2;
	plan_closed(21, CLOCK_NEVER);
	if (hangs)
		plan.request_timeout_ns = 50 * MS;
	fixture_serve(servers[_i].fn);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 21);
	ck_assert_uint_eq(count(servers[_i].class), 21);
}
END_TEST

START_TEST(a_connection_for_each_request)
{
	plan.reuse = PLAN_REUSE_NO;
	plan_closed(40, CLOCK_NEVER);
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(count(LEDGER_OK), 40);
	ck_assert_uint_eq(mini_server_connections(&server), 40);
	ck_assert_uint_eq(summary.opened, 40);
}
END_TEST

static void room_for_two(struct mini_conn *c)
{
	int way = *(int *)c->server->userdata;

	if (c->index < 2) {
		mini_answer(c);
		return;
	}
	if (way == 0)
		(void)mini_write(c, "HTTP/1.1 503 Full\r\nConnection: close\r\n"
				    "Content-Length: 0\r\n\r\n");
	if (way == 1)
		mini_reset(c);
}

/* The server has room for two of eight: the run is made, and what the others meet is counted. */
START_TEST(closed_run_with_too_little_room)
{
	n_connections = 8;
	plan_closed(100, CLOCK_NEVER);
	fixture_serve(room_for_two);
	server.userdata = &_i;
	go(5 * MS);
	finish();
	ck_assert_uint_eq(heard.n_failed, 0);
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 100);
	ck_assert_uint_ge(count(LEDGER_OK), 1);
	ck_assert_uint_eq(count(LEDGER_OK) + count(LEDGER_HTTP_ERROR) +
				  count(LEDGER_CONNECTION_ERROR) + count(LEDGER_NOT_CONNECTED),
		100);
}
END_TEST

/* No program listens any more: no arrival is sent, and the run ends. */
START_TEST(nothing_connects)
{
	plan_open(500, 1, 50 * MS);
	fixture_serve(NULL);
	close(server.listener);
	server.listener = -1;
	go(5 * MS);
	finish();
	ck_assert_uint_eq(count(LEDGER_NOT_CONNECTED), 25);
	ck_assert_uint_eq(ledger(STATS_WINDOW)->sent, 0);
	ck_assert_uint_eq(summary.opened, 0);
}
END_TEST

/* ---- intervals that wait for their cohort */

START_TEST(interval_waits_for_a_late_answer)
{
	plan_open(5, 1, 200 * MS); /* one arrival, at 100 ms */
	fixture_serve(mini_answer_held);
	go(5 * MS);
	mini_server_await_held(&server, 1);
	heard.n_pulses = 0;
	heard.n_intervals = 0;
	TURN_UNTIL(heard.n_pulses == 3);
	ck_assert_uint_eq(heard.n_intervals, 0);
	ck_assert_uint_eq(heard.n_done, 0);
	mini_server_release(&server, 1);
	finish();
	ck_assert_uint_eq(count(LEDGER_OK), 1);
	ck_assert_uint_gt(heard.n_intervals, 0);
	ck_assert(totals.flight_integral > 0);
}
END_TEST

/* ---- opening fails */

START_TEST(fixed_pool_does_not_open)
{
	n_workers = 2;
	plan_closed(10, CLOCK_NEVER);
	fixture_serve(NULL);
	close(server.listener);
	server.listener = -1;
	start_workers();
	TURN_UNTIL(heard.n_ready == 2);
	ck_assert_uint_eq(heard.n_failed, 2);
	ck_assert_ptr_nonnull(strstr(heard.why, "refused"));
	ck_assert_ptr_nonnull(strstr(heard.why, "(0 of 2 connections open)"));
	abort_all();
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 0);
}
END_TEST

/* ---- stopping */

/* Exactly what the schedule has before the instant, over all workers. */
START_TEST(stop_is_exact)
{
	int64_t t0_ns, stop_ns;
	uint64_t n = 0;

	n_workers = (unsigned)_i;
	plan_open(1000, 1, 3600 * SEC);
	fixture_serve(mini_answer);
	t0_ns = go(5 * MS);
	TURN_UNTIL(heard.n_pulses > 2);
	stop_ns = clock_now_ns() + 200 * MS;
	stop_all(stop_ns);
	stop_all(stop_ns + SEC); /* the first call counts */
	finish();
	while (t0_ns + schedule_at(schedule, n) < stop_ns)
		n++;
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, n);
	ck_assert_uint_eq(ledger(STATS_COOLDOWN)->planned, 0);
	ck_assert_uint_eq(count(LEDGER_OK), n);
}
END_TEST

START_TEST(stop_a_closed_run)
{
	n_workers = 2;
	plan_closed(_i == 0 ? 0 : 1000000000, CLOCK_NEVER);
	fixture_serve(mini_answer);
	go(5 * MS);
	TURN_UNTIL(heard.n_pulses > 2);
	stop_all(clock_now_ns() + 20 * MS);
	finish();
	ck_assert_uint_gt(count(LEDGER_OK), 0);
	ck_assert_uint_eq(count(LEDGER_OK), ledger(STATS_WINDOW)->planned);
}
END_TEST

/* More intervals are open than there are buffers: rows of twice the width, and none of them takes
 * what belongs to its neighbours. */
START_TEST(more_open_intervals_than_buffers)
{
	plan.interval_ns = MS;
	plan.request_timeout_ns = 5 * SEC;
	plan.drain_ns = 20 * MS;
	plan_open(2000, 1, 600 * MS);
	fixture_serve(mini_hang);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 1200);
	ck_assert_int_eq(heard.widest_ns, 2 * MS);
	ck_assert_uint_le(heard.most_planned, 4 + 1); /* a border holds one of either side */
	ck_assert_uint_gt(totals.merged_intervals, 0);
}
END_TEST

/* The window ends with the stop: what is answered after it belongs to no rate. */
START_TEST(stop_ends_the_window)
{
	int64_t stop_ns;

	n_connections = 2;
	plan_closed(0, CLOCK_NEVER);
	fixture_serve(mini_answer_held);
	(void)go(5 * MS);
	mini_server_await_held(&server, 2);
	stop_ns = clock_now_ns() + 100 * MS;
	stop_all(stop_ns);
	TURN_UNTIL(clock_now_ns() > stop_ns);
	mini_server_release(&server, 2);
	finish();
	ck_assert_uint_eq(count(LEDGER_OK), 2);
	ck_assert_uint_eq(totals.completed_in_window, 0);
	ck_assert_uint_eq(totals.ok_in_window, 0);
	ck_assert(totals.flight_integral > 0);
	ck_assert_double_eq_tol(totals.flight_integral, totals.histograms[STATS_SERVICE].sum, 1);
}
END_TEST

/* Before t0, in READY (no GO at all) and in OPENING: nothing was planned. */
START_TEST(stop_before_the_start)
{
	n_workers = 2;
	plan_open(1000, 1, SEC);
	if (_i == 3)
		plan_closed(0, SEC);
	plan.warmup_ns = _i == 1 ? 10 * SEC : 0;
	fixture_serve(mini_answer);
	if (_i == 2)
		start_workers();
	else
		go(3600 * SEC);
	stop_all(clock_now_ns() + 5 * MS);
	finish();
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ck_assert_uint_eq(ledger(i)->planned, 0);
}
END_TEST

/* ---- aborting, in every state */

START_TEST(abort_while_opening)
{
	n_workers = 2;
	plan_closed(0, SEC);
	fixture_serve(mini_answer);
	config.open_rate = (struct rate){1, 3600}; /* the second connection never comes */
	start_workers();
	abort_all();
	abort_all();
	finish();
	ck_assert_uint_eq(heard.n_ready, 0);
}
END_TEST

START_TEST(abort_when_ready)
{
	n_workers = 2;
	plan_closed(0, SEC);
	fixture_serve(mini_answer);
	if (_i == 0) {
		start_workers();
		TURN_UNTIL(heard.n_ready == 2);
	} else {
		go(3600 * SEC);
	}
	abort_all();
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 0);
}
END_TEST

START_TEST(abort_while_running)
{
	n_workers = 2;
	n_connections = 4;
	if (_i == 0)
		plan_open(1000, 1, 3600 * SEC);
	else
		plan_closed(0, 3600 * SEC);
	fixture_serve(mini_answer_held);
	go(5 * MS);
	mini_server_await_held(&server, 4);
	TURN_UNTIL(heard.n_pulses > 2);
	abort_all();
	finish();
	ck_assert_uint_eq(count(LEDGER_UNFINISHED), 4);
	ck_assert_uint_eq(
		count(LEDGER_UNFINISHED) + count(LEDGER_UNSENT), ledger(STATS_WINDOW)->planned);
	ck_assert_uint_eq(
		totals.histograms[STATS_UNSERVED_AGE].count, ledger(STATS_WINDOW)->planned);
}
END_TEST

/* The producer may be due in the very turn in which the word comes. */
START_TEST(abort_in_a_busy_turn)
{
	plan_open(20000, 1, 3600 * SEC);
	plan.exhausted = PLAN_DROP;
	n_connections = 1;
	fixture_serve(mini_hang);
	go(1 * MS);
	/* The first pulse may come before the connection is open. */
	TURN_UNTIL(heard.in_flight > 0);
	abort_all();
	finish();
	ck_assert_uint_eq(count(LEDGER_UNFINISHED), 1);
}
END_TEST

START_TEST(abort_while_draining)
{
	plan_open(1000, 1, 10 * MS);
	fixture_serve(mini_hang);
	go(5 * MS);
	/* The plan ends after 10 ms; two ticks of 20 ms later it drains. */
	TURN_UNTIL(heard.n_pulses > 2);
	abort_all();
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 10);
	ck_assert_uint_eq(count(LEDGER_UNFINISHED) + count(LEDGER_UNSENT), 10);
}
END_TEST

/* ---- the drain is over before the answers come */

START_TEST(drain_ends)
{
	int64_t t0_ns;

	n_workers = 2;
	n_connections = 10;
	plan.drain_ns = _i * 30 * MS;
	plan.request_timeout_ns = 3600 * SEC;
	plan.interval_ns = SEC; /* fewer buffers */
	plan_open(200, 1, 100 * MS);
	fixture_serve(mini_hang);
	t0_ns = go(20 * MS);
	finish();
	ck_assert_int_ge(clock_now_ns(), t0_ns + 100 * MS + plan.drain_ns);
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 20);
	ck_assert_uint_eq(count(LEDGER_UNFINISHED) + count(LEDGER_UNSENT), 20);
	ck_assert_uint_ge(count(LEDGER_UNSENT), 10);
}
END_TEST

/* A count is reached when the last request is made: the drain begins there. */
START_TEST(drain_ends_after_a_count)
{
	n_workers = 2;
	plan.drain_ns = 20 * MS;
	plan.request_timeout_ns = 3600 * SEC;
	plan.interval_ns = 3600 * SEC;
	plan_closed(4, CLOCK_NEVER);
	fixture_serve(mini_hang);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(count(LEDGER_UNFINISHED), 4);
}
END_TEST

/* The producer is far behind at the plan's end: the drain begins when it has caught up. */
START_TEST(drain_ends_after_a_late_producer)
{
	plan.drain_ns = 20 * MS;
	plan.request_timeout_ns = 3600 * SEC;
	plan.interval_ns = 3600 * SEC;
	plan_open(20000, 1, 100 * MS);
	fixture_serve(mini_hang);
	go(-1 * SEC);
	finish();
	ck_assert_uint_eq(ledger(STATS_WINDOW)->planned, 2000);
	ck_assert_uint_eq(count(LEDGER_UNFINISHED) + count(LEDGER_UNSENT), 2000);
}
END_TEST

/* ---- life */

START_TEST(never_started)
{
	n_workers = 2;
	if (_i == 0)
		plan_open(1000, 1, SEC);
	else
		plan_closed(5, CLOCK_NEVER);
	fixture_serve(mini_answer);
	make_workers();
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_ptr_eq(worker_owner(workers[i]), &heard);
		workers[i] = worker_free(workers[i]);
		ck_assert_ptr_null(workers[i]);
	}
}
END_TEST

START_TEST(started_and_aborted_before_main_looks)
{
	plan_open(1000, 1, SEC);
	fixture_serve(mini_answer);
	start_workers();
	abort_all();
	finish();
}
END_TEST

/* ---- several in flight on a connection */

START_TEST(closed_run_with_a_pipeline)
{
	n_workers = 1 + (unsigned)_i % 2;
	n_connections = 2;
	plan.pipeline = 4;
	plan_closed(1001, CLOCK_NEVER);
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	assert_bytes_are_exact();
	ck_assert_uint_eq(count(LEDGER_OK), 1001);
	ck_assert_uint_eq(mini_server_requests(&server), 1001);
	ck_assert_uint_eq(mini_server_connections(&server), 2);
}
END_TEST

START_TEST(open_run_with_a_pipeline)
{
	n_workers = 2;
	n_connections = 2;
	plan.pipeline = 16;
	plan_open(4000, 1, 100 * MS);
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	assert_bytes_are_exact();
	ck_assert_uint_eq(count(LEDGER_OK), 400);
	ck_assert_uint_eq(mini_server_requests(&server), 400);
}
END_TEST

/* As many users as may be in flight: one answer each, then none is left. */
START_TEST(users_of_a_pipeline)
{
	n_connections = 2;
	plan.pipeline = 3;
	plan_closed(0, 3600 * SEC);
	fixture_serve(mini_hang);
	go(5 * MS);
	TURN_UNTIL(heard.n_pulses > 2);
	abort_all();
	finish();
	ck_assert_uint_eq(count(LEDGER_UNFINISHED), 6);
}
END_TEST

START_TEST(closed_run_with_limits)
{
	n_connections = 3;
	plan.requests_per_connection = 10;
	plan_closed(300, CLOCK_NEVER);
	fixture_serve(mini_answer);
	go(5 * MS);
	finish();
	ck_assert_uint_eq(count(LEDGER_OK), 300);
	ck_assert_uint_ge(mini_server_connections(&server), 30);
	ck_assert_uint_ge(summary.closed_by_us, 27);
}
END_TEST

/* ---- other addresses */

static struct mini_server other;

static struct address serve_elsewhere(mini_fn fn)
{
	ck_assert_int_eq(mini_server_open(&other, 128, fn, NULL), 0);
	return (struct address){
		.in = other.address, .len = sizeof(other.address), .text = "the other server"};
}

/* Before the start, they are the only ones; while it runs, what is opened later goes there. */
START_TEST(new_addresses)
{
	struct address elsewhere = serve_elsewhere(mini_answer);

	n_workers = 2;
	plan.reuse = PLAN_REUSE_NO;
	plan_closed(0, 3600 * SEC);
	fixture_serve(mini_answer);
	if (_i == 0) {
		make_workers();
		for (unsigned i = 0; i < 2; i++) {
			ck_assert_int_eq(worker_set_addresses(workers[i], &elsewhere, 1), 0);
			ck_assert_int_eq(worker_start(workers[i]), 0);
		}
		TURN_UNTIL(heard.n_ready == 2);
		for (unsigned i = 0; i < 2; i++)
			worker_go(workers[i], clock_now_ns());
	} else {
		go(5 * MS);
		/* More often than the mail can go to and fro: the last ones count. */
		for (unsigned n = 0; n < 100; n++)
			for (unsigned i = 0; i < 2; i++)
				ck_assert_int_eq(worker_set_addresses(workers[i],
							 n % 2 ? &elsewhere : &address, 1),
					0);
	}
	TURN_UNTIL(mini_server_requests(&other) > 20);
	stop_all(clock_now_ns());
	finish();
	if (_i == 0)
		ck_assert_uint_eq(mini_server_requests(&server), 0);
	mini_server_close(&other);
}
END_TEST

/* Never delivered, or to a worker that is done. */
START_TEST(new_addresses_too_late)
{
	plan_closed(5, CLOCK_NEVER);
	fixture_serve(mini_answer);
	if (_i == 0) {
		make_workers();
		ck_assert_int_eq(worker_set_addresses(workers[0], &address, 1), 0);
		return;
	}
	if (_i == 1) {
		go(5 * MS);
		finish();
		ck_assert_int_eq(worker_set_addresses(workers[0], &address, 1), 0);
		ck_assert_int_eq(worker_set_addresses(workers[0], &address, 1), 0);
		return;
	}
	go(5 * MS);
	for (unsigned n = 0; n < 10; n++)
		ck_assert_int_eq(worker_set_addresses(workers[0], &address, 1), 0);
	abort_all();
	for (unsigned n = 0; n < 10; n++)
		ck_assert_int_eq(worker_set_addresses(workers[0], &address, 1), 0);
	finish();
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, closed_run_with_a_pipeline, 0, 2);
	tcase_add_test(t, open_run_with_a_pipeline);
	tcase_add_test(t, users_of_a_pipeline);
	tcase_add_test(t, closed_run_with_limits);
	tcase_add_loop_test(t, new_addresses, 0, 2);
	tcase_add_loop_test(t, new_addresses_too_late, 0, 3 + N_TRIES);
	tcase_add_loop_test(t, open_run, 1, 3);
	tcase_add_loop_test(t, arrivals_on_borders, 1, 3);
	tcase_add_loop_test(t, open_run_with_a_count, 1, 3);
	tcase_add_loop_test(t, closed_run_with_a_count, 0, 8);
	tcase_add_loop_test(t, closed_run_with_a_warmup, 0, 3);
	tcase_add_loop_test(t, closed_run_by_time, 1, 3);
	tcase_add_loop_test(t, open_run_against_any_server, 0, N_SERVERS);
	tcase_add_loop_test(t, closed_run_against_any_server, 0, N_SERVERS);
	tcase_add_test(t, a_connection_for_each_request);
	tcase_add_loop_test(t, closed_run_with_too_little_room, 0, 3);
	tcase_add_test(t, nothing_connects);
	tcase_add_test(t, interval_waits_for_a_late_answer);
	tcase_add_test(t, more_open_intervals_than_buffers);
	tcase_add_test(t, fixed_pool_does_not_open);
	tcase_add_loop_test(t, stop_is_exact, 1, 3);
	tcase_add_loop_test(t, stop_a_closed_run, 0, 2);
	tcase_add_test(t, stop_ends_the_window);
	tcase_add_loop_test(t, stop_before_the_start, 0, 4);
	tcase_add_test(t, abort_while_opening);
	tcase_add_loop_test(t, abort_when_ready, 0, 2);
	tcase_add_loop_test(t, abort_while_running, 0, 2);
	tcase_add_loop_test(t, abort_in_a_busy_turn, 0, N_TRIES);
	tcase_add_test(t, abort_while_draining);
	tcase_add_loop_test(t, drain_ends, 0, 2);
	tcase_add_test(t, drain_ends_after_a_count);
	tcase_add_test(t, drain_ends_after_a_late_producer);
	tcase_add_loop_test(t, never_started, 0, 2);
	tcase_add_test(t, started_and_aborted_before_main_looks);
}

int main(void)
{
	Suite *s = suite_create("worker");
	TCase *t = tcase_create("worker");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
