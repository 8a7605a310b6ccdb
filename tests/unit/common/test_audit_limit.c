/* SPDX-License-Identifier: Apache-2.0 */
/* Was the plan carried, and what was the limit: overload by the server and by connections, and what
 * only looks like it. Each case starts from a run that is well in every figure and spoils some. */
#include "common/result/audit.h"

#include <check.h>
#include <string.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_judged.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MS NSEC_PER_MSEC

/* ---------------------------------------------------------------- plans that were carried */

/* The server stops for a second out of ten: late answers, but the plan is carried. */
START_TEST(test_stalls_are_no_overload)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.response_p99 = 902 * MS;
	in.less_p99 = 900 * MS;
	in.service_p99 = 902 * MS;
	in.service_mean = 51 * MS;
	in.connections_peak = 1000;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because,
		"limited by the server: it stood still at times: response "
		"p99 902 ms, p50 1.00 ms, up to 1,000 requests waiting at once");
	/* The figures are those of the row that has them. */
	in.is_p99_unserved = true;
	a = judged(&in);
	ck_assert_str_eq(a.because,
		"limited by the server: it stood still at times: p99 902 ms, "
		"p50 1.00 ms of the good answers, up to 1,000 requests waiting at once");
	in.is_p99_unserved = false;
	ck_assert_ptr_null(strstr(a.try_text, "-c"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "its log"));

	/* With ten connections the same wait is for a connection, and said so; but ten carry
	 * 25,000/s, and any number of them waits as long. */
	in.connections_limit = in.connections_peak = 10;
	in.queue_peak = 990;
	in.connection_wait_p99 = 900 * MS;
	in.service_p99 = 300000;
	in.service_mean = 400000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	ck_assert_ptr_null(strstr(a.try_text, "-c"));
	ck_assert_str_eq(note_of(&a, "connection-wait")->text,
		"p99 900 ms of the response time is the queue for a connection (10 of 10 in use)");
	ck_assert_ptr_null(strstr(note_of(&a, "connection-wait")->try_text, "-c"));

	/* Where they hardly carry what is asked, it is for want of them. */
	in.service_mean = 9100000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_ptr_nonnull(strstr(note_of(&a, "connection-wait")->try_text, "more connections"));
	in.service_mean = 9000000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	/* How late answers are read is no part of their time. */
	in.service_mean = 9100000;
	in.rx_slack_mean = 100000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);

	/* There was room for more: they were long in opening. */
	in.service_mean = 400000;
	in.connections_limit = 1000;
	a = judged(&in);
	ck_assert_ptr_null(strstr(note_of(&a, "connection-wait")->try_text, "more connections"));
	ck_assert_ptr_nonnull(strstr(note_of(&a, "connection-wait")->try_text, "-w"));
	ck_assert_str_eq(note_of(&a, "connection-wait")->text,
		"p99 900 ms of the response time is the opening of connections (10 of 1,000 in "
		"use)");

	/* Most requests open another: none that was opened before is still open. */
	in.connections_opened = in.ledger.classes[LEDGER_OK];
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "connection-wait")->try_text,
		"keep-alive: most requests opened a connection of their own");
}
END_TEST

/* Random arrivals at three quarters of what four connections of 20 ms carry: now and then a few of
 * them wait, and no server stands still. */
START_TEST(test_random_arrivals_are_no_standstill)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){.planned = 450, .sent = 450, .classes = {[LEDGER_OK] = 450}};
	in.window_ns = 3 * NSEC_PER_SEC;
	in.planned_per_s = in.ok_per_s = 150;
	in.response_p50 = 21 * MS;
	in.response_p99 = 51 * MS;
	in.service_min = in.service_p50 = in.service_mean = 20 * MS;
	in.service_p90 = in.service_p99 = 23 * MS;
	in.less_mean = 26 * MS;
	in.connection_wait_p99 = 31 * MS;
	in.connection_wait_mean = 6 * MS;
	in.connections_limit = in.connections_peak = 4;
	in.queue_peak = 7;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	ck_assert_str_eq(note_of(&a, "connection-wait")->try_text,
		"more connections (-c); if requests wait as long then, see what holds the server "
		"up "
		"at times");
	in.queue_peak = 70;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
}
END_TEST

/* 8/s of 0.1 ms on two connections, which the server closes when they are idle: requests wait for
 * another to open, and not in a queue. */
START_TEST(test_reopening_is_no_queue)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){.planned = 24, .sent = 24, .classes = {[LEDGER_OK] = 24}};
	in.window_ns = 3 * NSEC_PER_SEC;
	in.planned_per_s = in.ok_per_s = 8;
	in.response_p50 = 300000;
	in.response_p99 = 900000;
	in.service_p50 = in.service_mean = 100000;
	in.service_p99 = 300000;
	in.our_delay_p50 = in.our_delay_p99 = 20000;
	in.connection_wait_p99 = 752000;
	in.connections_limit = in.connections_peak = 2;
	in.queue_peak = 1;
	in.connections_opened = 74;
	in.closed_by_peer = 72;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	ck_assert_str_eq(note_of(&a, "connection-wait")->text,
		"p99 752 us of the response time is the opening of connections (74 opened)");
	ck_assert_str_eq(note_of(&a, "connection-wait")->try_text,
		"keep-alive at the server: it closed 72 of 74 connections");

	/* Many that wait at once do so for a server that stands still, or for busy connections. */
	in.queue_peak = 30;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	in.queue_peak = 1;
	in.service_mean = 240 * MS;
	in.service_p99 = 241 * MS;
	in.response_p99 = 600 * MS;
	in.connection_wait_p99 = 300 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_CONNECTIONS, 0);
	/* And where hardly any opened again, it is no matter of that. */
	in.service_mean = 100000;
	in.connections_opened = 2;
	in.closed_by_peer = 0;
	a = judged(&in);
	ck_assert_ptr_nonnull(
		strstr(note_of(&a, "connection-wait")->text, "the queue for a connection"));
}
END_TEST

/* A single slow request among a hundred fast ones does not make others wait: no stall. */
START_TEST(test_slow_ones_are_no_stall)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.response_p99 = in.service_p99 = 2 * NSEC_PER_SEC;
	in.service_mean = 30 * MS;
	in.connections_peak = 55;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
}
END_TEST

/* 2,500/s to a server of 300 ms: the first 750 connections open at 1,000/s. */
START_TEST(test_held_by_the_pace_of_opening)
{
	struct audit_run in = audit_run_well();
	const struct audit_note *note;
	struct audit a;

	in.ledger =
		(struct ledger){.planned = 10000, .sent = 10000, .classes = {[LEDGER_OK] = 10000}};
	in.window_ns = 4 * NSEC_PER_SEC;
	in.planned_per_s = 2500;
	in.ok_per_s = 2312;
	in.response_p50 = in.service_p50 = in.service_p99 = in.service_mean = 300 * MS;
	in.response_p99 = 537 * MS;
	in.less_mean = 349 * MS;
	in.connection_wait_p99 = 237 * MS;
	in.connections_limit = 10000;
	in.connections_peak = in.connections_opened = 1000;
	in.queue_peak = 400;
	in.held_by_pace = 605;
	in.open_rate = 1000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_CONNECTIONS, 0);
	note = note_of(&a, "open-rate");
	ck_assert_ptr_nonnull(note);
	ck_assert_str_eq(note->text, "605 of 10,000 requests waited for connections to be opened, "
				     "1,000/s at most");
	ck_assert_str_eq(note->try_text, "--set connections.open-rate=2500, or a warm-up (-w) that "
					 "opens them before");
	ck_assert_double_eq_tol(note->value, 605, 1e-9);
	ck_assert_str_eq(a.because, "limited by connections: 605 of 10,000 requests waited for "
				    "connections to be opened, 1,000/s at most");
	ck_assert_str_eq(a.try_text, note->try_text);

	/* A server that closes each connection does so with those of a warm-up too. */
	in.connections_opened = 10000;
	in.closed_by_peer = 9000;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "open-rate")->try_text,
		"--set connections.open-rate=2500; or keep-alive at the server: it closed 9,000 of "
		"10,000 connections");

	/* Then no more requests are answered than connections may be opened. */
	in.ok_per_s = 1000;
	in.less_mean = 2 * NSEC_PER_SEC;
	in.first_p50 = 200 * MS;
	in.last_p50 = 5 * NSEC_PER_SEC;
	in.first_backlog = 1000;
	in.last_backlog = 6000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_ptr_nonnull(strstr(a.because, "605 of 10,000 requests waited for connections"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "connections.open-rate=2500"));
	in.ok_per_s = 2312;
	in.less_mean = 349 * MS;
	in.first_p50 = 0;

	/* A standstill made many of them want connections at once. */
	in.connections_opened = 1000;
	in.service_p50 = 10 * MS;
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "open-rate"));
	in.service_p50 = 300 * MS;

	/* One in a hundred is the tail alone, and a wait that does not show is none. */
	in.held_by_pace = 100;
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "open-rate"));
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	in.held_by_pace = 605;
	in.connection_wait_p99 = 30 * MS;
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "open-rate"));
}
END_TEST

/* Users who think for longer than they wait are the limit, not a server that is idle. */
START_TEST(test_users_who_think)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a;

	in.cpu_share = 0.02;
	in.think = 50 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_USERS, 0);
	ck_assert_str_eq(a.because, "limited by the users: 64 of them, who think for 50.0 ms after "
				    "an answer of 1.00 ms");
	ck_assert_ptr_nonnull(strstr(a.try_text, "more users (-c)"));
	/* A server that takes longer than they think. */
	in.service_p50 = in.service_p99 = in.service_mean = 51 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	/* And a generator that does not run. */
	in.service_mean = MS;
	in.stalled_share = 0.3;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_GENERATOR, 0);
}
END_TEST

/* 64 users of 5 ms could send 12,800/s, but the service lets a run send 500/s. */
START_TEST(test_users_whom_the_service_holds_back)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a;

	in.ledger =
		(struct ledger){.planned = 15003, .sent = 15003, .classes = {[LEDGER_OK] = 15003}};
	in.ok_per_s = 499.9;
	in.service_p50 = in.service_p99 = in.service_mean = 5 * MS;
	in.cpu_share = 0.1;
	in.allowed_per_s = 500;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_POLICY, 0);
	ck_assert_str_eq(a.because, "limited by the policy of the service: max-rate = 500/s");
	ck_assert_ptr_nonnull(strstr(a.try_text, "[policy] max-rate of rpsd.conf"));
	in.allowed_per_s = 520;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "");
}
END_TEST

/* The server closes each connection after an answer, and they are opened at 1,000/s. */
START_TEST(test_users_whom_the_pace_of_opening_holds_back)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a;

	in.ledger = (struct ledger){.planned = 1005, .sent = 1005, .classes = {[LEDGER_OK] = 1005}};
	in.window_ns = NSEC_PER_SEC;
	in.ok_per_s = 1001;
	in.service_p50 = 70000;
	in.service_p99 = 2 * MS;
	in.service_mean = 200000;
	in.cpu_share = 0.1;
	in.connections_limit = in.connections_peak = in.queue_peak = 4;
	in.connections_opened = 1005;
	in.closed_by_peer = 926;
	in.held_by_pace = 970;
	in.open_rate = 1000;
	in.retries = 82;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(a.because, "limited by connections: 970 of 1,005 requests waited for "
				    "connections to be opened, 1,000/s at most");
	ck_assert_str_eq(a.try_text, "--set connections.open-rate=20000; or keep-alive at the "
				     "server: it closed 926 of 1,005 connections");
	/* Five requests on each, by the run's own rule. */
	in.ledger = (struct ledger){.planned = 5005, .sent = 5005, .classes = {[LEDGER_OK] = 5005}};
	in.ok_per_s = 5000;
	in.requests_per_connection = 5;
	in.closed_by_us = 1001;
	in.closed_by_peer = in.retries = 0;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(a.try_text, "--set connections.open-rate=4000; or a larger "
				     "requests-per-connection: after 5 the run closes each "
				     "connection");
	/* The users are busy nearly all the time: more could not be sent. */
	in.service_mean = 700000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	in.service_mean = 200000;
	/* Fewer were opened than may be. */
	in.open_rate = 2000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	/* Opened once, and kept. */
	in.open_rate = 1000;
	in.connections_limit = in.connections_peak = 1000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
}
END_TEST

/* A few milliseconds name no limit of the closed model, whatever its figures are. */
START_TEST(test_too_short_for_a_limit)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a;

	in.ledger = (struct ledger){.planned = 100, .sent = 100, .classes = {[LEDGER_OK] = 100}};
	in.window_ns = 5 * MS;
	in.ok_per_s = 20000;
	in.service_mean = in.service_p50 = in.service_p99 = MS / 10;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_UNKNOWN, 0);
	/* What the kernel counts in ticks is chance. */
	in.cpu_share = 0.96;
	in.run_queue_share = 0.7;
	in.softirq_share = 0.4;
	in.steal_share = 0.3;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_UNKNOWN, 0);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 0);
	in.is_open = true;
	in.planned_per_s = 20000;
	in.response_p50 = in.response_p99 = MS / 10;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	ck_assert_uint_eq(a.n_notes, 0);
	in.is_open = false;

	/* What failed has failed, and who thinks does so at once. */
	in.think = MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_USERS, 0);
	in.think = 0;
	spoil(&in, LEDGER_HTTP_ERROR, 20);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_UNKNOWN, 0);

	in.window_ns = AUDIT_LEAST_NS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_GENERATOR, 0);
	ck_assert_ptr_nonnull(note_of(&a, "ceiling"));
}
END_TEST

static const enum ledger_class reset_classes[] = {LEDGER_CONNECTION_ERROR, LEDGER_NOT_CONNECTED};

/* A server that resets the connections beyond its limit, and answers well on the others. */
START_TEST(test_limit_of_connections)
{
	bool is_closed = _i % 2;
	enum ledger_class class = reset_classes[_i / 2];
	struct audit_run in = is_closed ? audit_run_well_closed() : audit_run_well();
	struct audit a;

	spoil(&in, class, 3000);
	blame(&in, class == LEDGER_NOT_CONNECTED ? FAULT_CONNECT_ERROR : FAULT_RESET, 3000);
	in.answers = 27000;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "while others"));
	ck_assert_ptr_null(note_of(&a, "reset-beside"));

	in.reset_beside = 3000;
	in.cpu_share = 0.99;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_ptr_nonnull(strstr(a.because,
		": the server reset 3,000 connections before an answer, while others worked"));
	ck_assert_str_eq(a.try_text,
		in.is_open ? "fewer connections (-c) or a lower rate (-r), or a higher limit of "
			     "connections in the server; its log may say why it resets them"
			   : "fewer connections (-c), or a higher limit of connections in the "
			     "server; its log may say why it resets them");
	ck_assert_ptr_null(note_of(&a, "reset-beside")); /* the headline has said it */

	/* Nor is it why the requests failed, where these met something else. */
	blame(&in, class == LEDGER_NOT_CONNECTED ? FAULT_CONNECT_REFUSED : FAULT_CLOSED, 3000);
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "while others"));
	ck_assert_ptr_null(strstr(a.try_text, "fewer connections"));
	ck_assert_ptr_nonnull(note_of(&a, "reset-beside"));
	blame(&in, class == LEDGER_NOT_CONNECTED ? FAULT_CONNECT_ERROR : FAULT_RESET, 3000);

	/* A few among other failures are a note. */
	in.reset_beside = 1;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "while others"));
	ck_assert_str_eq(note_of(&a, "reset-beside")->text,
		"the server reset 1 connection before an answer, while others worked: has it a "
		"limit of connections?");
	ck_assert_ptr_nonnull(
		strstr(note_of(&a, "reset-beside")->try_text, "fewer connections (-c)"));

	/* None works. */
	in.reset_beside = 30000;
	in.ledger.classes[class] += in.ledger.classes[LEDGER_OK];
	in.ledger.classes[LEDGER_OK] = 0;
	if (class == LEDGER_NOT_CONNECTED)
		in.ledger.sent = 0;
	in.answers = 0;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "while others"));
	ck_assert_ptr_null(note_of(&a, "reset-beside"));
}
END_TEST

/* ---------------------------------------------------------------- overload */

/* Ten connections of 20.1 ms, all answered in the end, only far too late. */
START_TEST(test_overload_by_connections)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ok_per_s = 497;
	in.connections_limit = in.connections_peak = 10;
	in.service_p50 = 20 * MS;
	in.service_p99 = 22 * MS;
	in.service_mean = 20100000;
	in.connection_wait_p50 = 7 * NSEC_PER_SEC;
	in.connection_wait_p99 = 14200 * MS;
	in.response_p50 = 7020 * MS;
	in.response_p99 = 14220 * MS;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(
		a.because, "limited by connections: 10 x 20.1 ms each = 497/s, asked 1,000/s");
	ck_assert_str_eq(a.try_text, "-c 30 (or leave -c out: the pool then grows as needed)");
	ck_assert_str_eq(note_of(&a, "connection-wait")->text,
		"p99 14.2 s of the response time is the queue for a connection (10 of 10 in use)");

	/* The pool grew to all it may, and that is not enough for 5 s each. */
	in.connections_limit = in.connections_peak = 1000;
	in.service_p50 = in.service_p99 = in.service_mean = 5 * NSEC_PER_SEC;
	spoil(&in, LEDGER_EXPIRED, 20000);
	in.ok_per_s = 166;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(
		a.because, "limited by connections: 1,000 x 5.00 s each = 200/s, asked 1,000/s");
	ck_assert_str_eq(
		a.try_text, "-c 7500; if each answer then takes longer, the server is the limit");

	/* What the host does not allow is not advised. */
	in.connections_most = 4000;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "-c 4000: as many as the descriptors allow (ulimit -n)");
	in.connections_most = 1003;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "more descriptors (ulimit -n), and then -c 7500");

	/* A server that takes no more of them: 1,000 of 5 ms would carry 200,000/s. */
	in.connections_most = 20000;
	in.service_p50 = in.service_p99 = in.service_mean = 5 * MS;
	in.planned_per_s = 1000000;
	a = judged(&in);
	ck_assert_str_eq(
		a.because, "limited by connections: ok 166/s of 1,000,000/s asked; expired 20,000");
	ck_assert_str_eq(
		a.try_text, "-c 7500; if each answer then takes longer, the server is the limit");
}
END_TEST

/* Two connections of 50 ms for 100/s: five are the least, however few requests came through. */
START_TEST(test_connections_needed_beside_timeouts)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){
		.planned = 500, .sent = 500, .classes = {[LEDGER_OK] = 64, [LEDGER_TIMEOUT] = 436}};
	in.window_ns = 5 * NSEC_PER_SEC;
	in.planned_per_s = 100;
	in.ok_per_s = 12.8;
	in.service_p50 = in.service_mean = 50 * MS;
	in.service_p99 = 54 * MS;
	in.response_p50 = in.response_p99 = -1;
	in.connection_wait_p50 = 950 * MS;
	in.connection_wait_p99 = 960 * MS;
	in.connections_limit = in.connections_peak = 2;
	in.request_timeout = NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(a.because, "limited by connections: 2 x 50.0 ms each = 40/s, asked 100/s");
	ck_assert_str_eq(a.try_text, "-c 7 (or leave -c out: the pool then grows as needed)");
}
END_TEST

/* Ten connections, each lost for what is left of 2 s with 2 % of 1,000/s. */
START_TEST(test_connections_needed_beside_hangs)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){.planned = 10000,
		.sent = 9800,
		.classes = {[LEDGER_OK] = 9604, [LEDGER_TIMEOUT] = 196, [LEDGER_EXPIRED] = 200}};
	in.window_ns = 10 * NSEC_PER_SEC;
	in.ok_per_s = 960;
	in.service_p50 = in.service_mean = in.service_p99 = 200000;
	in.response_p99 = -1;
	in.connection_wait_p50 = 1500 * MS;
	in.connection_wait_p99 = 1900 * MS;
	in.connections_limit = in.connections_peak = 10;
	in.request_timeout = 2 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(
		a.because, "limited by connections: 10 x 10.2 ms each = 980/s, asked 1,000/s");
	ck_assert_ptr_nonnull(strstr(a.try_text, "-c 60"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "the server's log: 196 requests got no answer"));
}
END_TEST

/* One in ten takes a second and the others 5 ms: the tail is the server's, and yet ten connections
 * of 120 ms do not carry 100/s. */
START_TEST(test_connections_held_by_a_few_slow_ones)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){.planned = 300, .sent = 300, .classes = {[LEDGER_OK] = 300}};
	in.window_ns = 3 * NSEC_PER_SEC;
	in.planned_per_s = 100;
	in.ok_per_s = 97;
	in.response_p50 = 624 * MS;
	in.response_p99 = 1500 * MS;
	in.service_min = in.service_p50 = 5 * MS;
	in.service_p90 = in.service_p99 = NSEC_PER_SEC;
	in.service_mean = 120 * MS;
	in.connection_wait_p50 = 531 * MS;
	in.connection_wait_mean = 420 * MS;
	in.connection_wait_p99 = 700 * MS;
	in.connections_limit = in.connections_peak = 10;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(
		a.because, "limited by connections: 10 x 120 ms each = 83.3/s, asked 100/s");
	ck_assert_str_eq(a.try_text, "-c 20 (or leave -c out: the pool then grows as needed)");
	ck_assert_ptr_nonnull(note_of(&a, "connection-wait"));
	ck_assert_str_eq(note_of(&a, "connection-wait")->text,
		"420 ms (mean) of the response time is the queue for a connection (10 of 10 in "
		"use)");

	/* They just carry it, so that requests wait. */
	in.service_mean = 95 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(a.because, "limited by connections: requests waited 420 ms for one of 10, "
				    "and then 95.0 ms for the answer (mean)");
	ck_assert_str_eq(a.try_text, "-c 20 (or leave -c out: the pool then grows as needed)");
	/* They need not wait long for that. */
	in.connection_wait_mean = 40 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	ck_assert_ptr_null(note_of(&a, "connection-wait"));
}
END_TEST

/* Four connections to a server that answers one request after the other in 20 ms: more of them only
 * wait longer. */
START_TEST(test_server_that_answers_in_turns)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){.planned = 300, .sent = 300, .classes = {[LEDGER_OK] = 300}};
	in.window_ns = 3 * NSEC_PER_SEC;
	in.planned_per_s = 100;
	in.ok_per_s = 49.7;
	in.response_p50 = 1510 * MS;
	in.response_p99 = 2980 * MS;
	in.service_min = 20200000;
	in.service_p50 = in.service_p90 = in.service_p99 = 80 * MS;
	in.service_mean = 79200000;
	in.connection_wait_p50 = in.connection_wait_mean = 1430 * MS;
	in.connection_wait_p99 = 2900 * MS;
	in.connections_limit = in.connections_peak = 4;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because,
		"limited by the server: ok 49.7/s of 100/s asked; 150 answers came after the "
		"window; with 4 connections in use an answer took 80.0 ms (p50), alone 20.2 ms");
	ck_assert_str_eq(a.try_text,
		"-r 44: a tenth below what it carried; with more connections (-c) each answer "
		"takes longer");
	ck_assert_ptr_null(strstr(note_of(&a, "connection-wait")->try_text, "-c"));

	/* Most time out: those that did not took their turns as well. */
	spoil(&in, LEDGER_TIMEOUT, 200);
	in.service_p50 = 60 * MS;
	in.request_timeout = 300 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_ptr_null(strstr(a.try_text, "-r 4"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "-r max -c 4"));

	/* It answers two at a time, or such times are as they are: either may be. */
	in = audit_run_well();
	in.ok_per_s = 500;
	in.response_p50 = 7 * NSEC_PER_SEC;
	in.response_p99 = 14 * NSEC_PER_SEC;
	in.service_min = 8 * MS;
	in.service_p50 = in.service_mean = 20 * MS;
	in.service_p90 = in.service_p99 = 22 * MS;
	in.connection_wait_p50 = in.connection_wait_mean = 7 * NSEC_PER_SEC;
	in.connection_wait_p99 = 14 * NSEC_PER_SEC;
	in.connections_limit = in.connections_peak = 10;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(
		a.because, "limited by connections: 10 x 20.0 ms each = 500/s, asked 1,000/s");
	ck_assert_str_eq(
		a.try_text, "-c 30; if each answer then takes longer, the server is the limit");
	/* Of one connection nothing else can be known. */
	in.service_min = in.service_p50;
	in.connections_limit = in.connections_peak = 1;
	a = judged(&in);
	ck_assert_str_eq(
		a.try_text, "-c 30; if each answer then takes longer, the server is the limit");
	/* Microseconds differ for many reasons. */
	in.connections_limit = in.connections_peak = 10;
	in.planned_per_s = 1000000;
	in.service_min = 20000;
	in.service_p50 = in.service_p90 = in.service_p99 = in.service_mean = 200000;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_ptr_nonnull(strstr(a.try_text, "leave -c out"));
	in.planned_per_s = 1000;
	in.service_p50 = in.service_mean = 20 * MS;
	/* Times that differ as much as these are no turns, be the median where it may. */
	in.service_min = 2 * MS;
	in.service_p90 = in.service_p99 = 60 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);

	/* Where most timed out of answers that grew, the mean of those that did not explains
	 * nothing. */
	in.service_min = 8 * MS;
	in.service_p90 = in.service_p99 = 22 * MS;
	in.request_timeout = 60 * MS;
	spoil(&in, LEDGER_TIMEOUT, 20000);
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, " each ="));
}
END_TEST

/* exhausted = drop: none waits, a stall costs what does not fit. Ten connections of 1 ms carry ten
 * times what is asked. */
START_TEST(test_overload_by_dropping)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.connections_limit = in.connections_peak = 10;
	spoil(&in, LEDGER_DROPPED, 2970);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(
		a.because, "limited by the server: ok 901/s of 1,000/s asked; dropped 2,970");
	ck_assert_ptr_null(strstr(a.try_text, "-c"));
	/* Ten of 11 ms do not. */
	in.service_p50 = in.service_p99 = in.service_mean = 11 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_ptr_nonnull(strstr(a.try_text, "-c 15"));
}
END_TEST

START_TEST(test_overload_by_server)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ok_per_s = 997;
	spoil(&in, LEDGER_TIMEOUT, 16500);
	spoil(&in, LEDGER_CONNECTION_ERROR, 12);
	in.response_p99 = in.service_p99 = 30 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "limited by the server: ok 447/s of 1,000/s asked; "
				    "timeout 16,500, connection error 12");
	/* What came in time, when most did not, is less than what it carries. */
	ck_assert_str_eq(a.try_text, "-r max -c 4 to find what it carries: good answers are no "
				     "measure of it where so many time out");

	in.slice_of = 3;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "a lower rate (-r)");

	/* The flag is for the whole plan, not for one slice of it. */
	in = audit_run_well();
	spoil(&in, LEDGER_TIMEOUT, 2700);
	in.response_p99 = in.service_p99 = 30 * NSEC_PER_SEC;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "-r 810: a tenth below what it carried");
	in.slice_of = 3;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "-r 2400 for all slices: a tenth below what this one carried");

	/* Wrong answers are no matter of the rate. */
	in = audit_run_well();
	spoil(&in, LEDGER_HTTP_ERROR, 18000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_PLAN, 0);
	ck_assert_str_eq(a.because, "60.0 % of 30,000 requests failed: http error 18,000");
	ck_assert_str_eq(a.try_text, "look at one answer: curl -i URL");
	in.url = "http://shop.test/cart?a=1&b=2";
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "look at one answer: curl -i 'http://shop.test/cart?a=1&b=2'");
	in.url = "http://shop.test/";
	in.unix_path = "/run/app.sock";
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "look at one answer: curl -i --unix-socket /run/app.sock "
				     "http://shop.test/");
	/* curl knows no unix:, and asks for another thing without the method. */
	in.url = "unix:/run/app.sock";
	in.method = "POST";
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "look at one answer: curl -i -X POST --unix-socket "
				     "/run/app.sock http://localhost/");
	in.url = "unix:/run/app.sock:/cart?a=1&b=2";
	in.method = "GET";
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "look at one answer: curl -i --unix-socket "
				     "/run/app.sock 'http://localhost/cart?a=1&b=2'");
	in.unix_path = NULL;
	in.url = "https://shop.test/";
	in.method = "HEAD";
	in.takes_any_certificate = true;
	a = judged(&in);
	ck_assert_str_eq(a.try_text, "look at one answer: curl -kI https://shop.test/");

	/* The server takes connections and says nothing in the handshake. */
	in = audit_run_well();
	in.sent = in.ledger.sent = 0;
	in.ledger.classes[LEDGER_OK] = 0;
	in.ledger.classes[LEDGER_EXPIRED] = in.ledger.planned;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.try_text, "more connections"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "timeouts.connect"));
	in.connections_peak = in.connections_limit;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "more connections"));

	/* As many as may be were begun, but never as many were open. */
	in.connections_opened = in.connections_limit - 1;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.try_text, "more connections"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "timeouts.connect"));
	in.connections_opened = in.connections_limit;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "more connections"));

	/* Refused now and then. */
	in = audit_run_well();
	spoil(&in, LEDGER_NOT_CONNECTED, 600);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_ptr_nonnull(strstr(a.try_text, "is up")); /* a lower rate would not help */

	/* It is up, and takes no more connections. */
	blame(&in, FAULT_CONNECT_TIMEOUT, 600);
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "somaxconn"));
	ck_assert_ptr_null(strstr(a.try_text, "is up"));
	in.ledger.classes[LEDGER_NOT_CONNECTED] += in.ledger.classes[LEDGER_OK] - 1;
	in.ledger.classes[LEDGER_OK] = 0;
	in.ledger.classes[LEDGER_TIMEOUT] = in.ledger.sent = 1;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_SERVER, EXIT_RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(a.try_text, "somaxconn"));
	/* No connection was ever made: the address may be wrong. */
	in.ledger.classes[LEDGER_NOT_CONNECTED]++;
	in.ledger.classes[LEDGER_TIMEOUT] = in.ledger.sent = 0;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(a.try_text, "is up"));

	/* It is up, and not trusted. */
	in = audit_run_well();
	spoil(&in, LEDGER_NOT_CONNECTED, 600);
	blame(&in, FAULT_TLS_UNTRUSTED, 600);
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "--cacert"));
}
END_TEST

/* Everything is answered, but later and later: the pool grows and hides it. */
START_TEST(test_overload_hidden_by_growing)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ok_per_s = 900;
	in.connections_limit = 10000;
	in.connections_peak = 3000;
	in.response_p50 = in.service_p50 = in.service_mean = 1500 * MS;
	in.response_p99 = in.service_p99 = 2970 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "limited by the server: ok 900/s of 1,000/s asked; "
				    "3,000 answers came after the window");
	ck_assert_str_eq(a.try_text, "-r 810: a tenth below what it carried");

	/* A server that needs as long all the time has as many on their way: no overload. */
	in.service_p50 = in.service_p99 = in.service_mean = 3 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
}
END_TEST

/* The heavier the overload, the more the mean time hides it: 1,500 answers of 3,000 were on their
 * way at the end, and Little's law says no less. */
START_TEST(test_overload_seen_by_rising_times)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ok_per_s = 500;
	in.response_p50 = in.service_p50 = in.service_mean = 15 * NSEC_PER_SEC;
	in.response_p99 = in.service_p99 = 29 * NSEC_PER_SEC;
	in.request_timeout = 60 * NSEC_PER_SEC;
	in.first_p50 = 2500 * MS;
	in.last_p50 = 27500 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "limited by the server: ok 500/s of 1,000/s asked; "
				    "15,000 answers came after the window");
	/* As slow from the first second on. */
	in.first_p50 = in.last_p50 = 15 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
}
END_TEST

/* 204/s to a server of 200/s: each second four more wait, and each answer takes 20 ms longer. */
START_TEST(test_overload_of_a_few_percent)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ledger = (struct ledger){.planned = 1632, .sent = 1632, .classes = {[LEDGER_OK] = 1632}};
	in.window_ns = 8 * NSEC_PER_SEC;
	in.planned_per_s = 204;
	in.ok_per_s = 200;
	in.response_p50 = in.service_p50 = in.service_mean = 85 * MS;
	in.response_p99 = in.service_p99 = 164 * MS;
	in.connections_peak = 33;
	in.first_p50 = 15 * MS;
	in.last_p50 = 150 * MS;
	in.first_backlog = 5;
	in.last_backlog = 32;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "limited by the server: ok 200/s of 204/s asked; the backlog "
				    "grew all along, to 32");
	ck_assert_str_eq(a.try_text, "-r 180: a tenth below what it carried");

	/* A rate that rises takes more requests on their way, and no more time for each. */
	in.first_p50 = 84 * MS;
	in.last_p50 = 86 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	/* Slower, but without a backlog. */
	in.last_p50 = 150 * MS;
	in.first_backlog = in.last_backlog = 20;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
}
END_TEST

static const struct audit_run_row peak_rows[] = {{30, 20 * MS, 1}, {30, 20 * MS, 1},
	{100, 510 * MS, 51}, {100, 1500 * MS, 101}, {30, 1800 * MS, 81}, {30, 1400 * MS, 61},
	{30, 1000 * MS, 41}};
static const struct audit_run_stage peak_stages[] = {{0, 2 * NSEC_PER_SEC, "hold 30 for 2s"},
	{2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC, "hold 100 for 2s"},
	{4 * NSEC_PER_SEC, 7 * NSEC_PER_SEC, "hold 30 for 3s"}};

/* 50/s are what the server carries: a stage of 100/s is too much for it, and its backlog is worked
 * off in the next one. */
START_TEST(test_overload_in_a_stage)
{
	struct audit_run in = audit_run_well();
	struct audit_run_row rows[N_ELEMENTS(peak_rows)];
	struct audit_run_stage stages[N_ELEMENTS(peak_stages)];
	struct audit a;

	memcpy(rows, peak_rows, sizeof(rows));
	memcpy(stages, peak_stages, sizeof(stages));
	in.ledger = (struct ledger){.planned = 350, .sent = 350, .classes = {[LEDGER_OK] = 350}};
	in.window_ns = 7 * NSEC_PER_SEC;
	in.planned_per_s = 50;
	in.ok_per_s = 44.1;
	in.response_p50 = in.service_p50 = in.service_mean = NSEC_PER_SEC;
	in.response_p99 = in.service_p99 = 2 * NSEC_PER_SEC;
	in.service_min = 20 * MS;
	in.connections_peak = 101;
	in.rows = rows;
	in.n_rows = N_ELEMENTS(rows);
	in.stages = stages;
	in.n_stages = N_ELEMENTS(stages);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "limited by the server: answered 50/s of 100/s asked in "
				    "stage 2 (hold 100 for 2s); the backlog grew to 101");
	ck_assert_str_eq(a.try_text, "45/s in stage 2: a tenth below what it carried there");

	/* The rows may be as long as two stages. */
	stages[1].start_ns = 2500 * MS;
	stages[2].start_ns = stages[1].end_ns = 3500 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	memcpy(stages, peak_stages, sizeof(stages));

	/* Ten connections of 200 ms are what carries 50/s. */
	in.connections_limit = in.connections_peak = 10;
	in.service_p50 = in.service_p99 = in.service_mean = in.service_min = 200 * MS;
	in.connection_wait_p50 = in.connection_wait_mean = 800 * MS;
	in.connection_wait_p99 = 1800 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(a.because, "limited by connections: 10 x 200 ms each = 50/s, asked 100/s "
				    "in stage 2 (hold 100 for 2s)");
	ck_assert_ptr_nonnull(strstr(a.try_text, "-c 30"));
	in.connections_limit = 1000;

	/* As slow from the beginning: more requests are on their way at a higher rate. */
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		rows[i].p50_ns = NSEC_PER_SEC;
	in.service_min = in.service_p50 = in.service_mean = in.service_p99 = NSEC_PER_SEC;
	in.connection_wait_p50 = in.connection_wait_p99 = -1;
	in.connection_wait_mean = 0;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	/* A standstill at the stage's end leaves its times as they are. */
	memcpy(rows, peak_rows, sizeof(rows));
	in.service_min = 20 * MS;
	rows[2].backlog = 1;
	rows[2].p50_ns = 20 * MS;
	rows[3].backlog = 41;
	rows[3].p50_ns = 100 * MS;
	rows[4].backlog = rows[5].backlog = rows[6].backlog = 1;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
}
END_TEST

/* Lost answers are no matter of the rate. */
/* Where few are wrong, one to look at would be a good one. */
START_TEST(test_a_few_wrong_answers)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	spoil(&in, LEDGER_HTTP_ERROR, 1500);
	in.answers = 30000;
	in.redirects = 1500; /* this helper's word for answers with another status */
	in.redirect_status = 500;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_PLAN, 0);
	ck_assert_str_eq(a.because, "5.00 % of 30,000 requests failed: http error 1,500 (status "
				    "500: 1,500)");
	ck_assert_str_eq(
		a.try_text, "see the server's log: why does it answer some with such a status?");

	/* It may have too much to do, which is not known. */
	in.redirect_status = 503;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_UNKNOWN, 0);
	ck_assert_ptr_nonnull(strstr(a.because, "(status 503: 1,500)"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "status? If it sheds load: a lower rate (-r)"));

	/* Other answers were expected not to be good ones. */
	in.redirects = 9000;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "status"));

	/* Some did not come in time. */
	spoil(&in, LEDGER_TIMEOUT, 300);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
}
END_TEST

START_TEST(test_lost_answers)
{
	struct audit_run in = _i ? audit_run_well_closed() : audit_run_well();
	struct audit a;

	in.request_timeout = NSEC_PER_SEC;
	in.response_p99 = _i ? -1 : 3 * MS;
	in.less_p99 = 200000;
	spoil(&in, LEDGER_TIMEOUT, 1500);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because,
		"1,500 of 30,000 requests got no answer within 1.00 s, while the "
		"others took 3.00 ms (service p99)");
	ck_assert_ptr_nonnull(strstr(a.try_text, "the server's log"));
	ck_assert_ptr_nonnull(strstr(a.try_text, "; a longer --timeout shows whether they ever"));
	ck_assert_ptr_null(strstr(a.try_text, "-r "));

	/* Neither a median that wanders nor what waits for answers that never come is a trend. */
	in.first_p50 = 100000;
	in.last_p50 = 200000;
	in.last_backlog = 50;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.because, "got no answer"));
	in.first_p50 = in.last_p50 = 0;
	in.last_backlog = 0;

	/* A late generator is not why, as long as it is late by a small part of the timeout. */
	if (in.is_open) {
		in.our_delay_p99 = 60 * MS;
		in.response_p99 = 62 * MS;
		a = judged(&in);
		ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
		ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
		ck_assert_ptr_nonnull(strstr(a.because, "got no answer"));
		in.our_delay_p99 = in.response_p99 = 2 * NSEC_PER_SEC;
		a = judged(&in);
		ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_GENERATOR, 0);
		in.our_delay_p99 = 300000;
		in.response_p99 = 3 * MS;
	}

	/* Where the others nearly took as long, it is. */
	in.less_p99 = 900 * MS;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "no answer"));
	ck_assert_ptr_nonnull(strstr(a.try_text, _i ? "or fewer connections (-c)" : "-r 850"));
}
END_TEST

/* Answers of any length up to the timeout, while nothing grows: it cuts the longer ones off. */
START_TEST(test_a_timeout_that_cuts_answers_off)
{
	struct audit_run in = _i ? audit_run_well_closed() : audit_run_well();
	struct audit a;

	in.request_timeout = 400 * MS;
	in.service_p50 = 115 * MS;
	in.service_p99 = 388 * MS;
	in.response_p50 = _i ? -1 : in.service_p50;
	in.response_p99 = _i ? -1 : in.service_p99;
	spoil(&in, LEDGER_TIMEOUT, 4000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.try_text,
		"a longer --timeout than 400 ms: the good answers take up to it, 388 ms (p99)");

	/* In a queue that outgrows the timeout nearly all of them take so long. */
	in.service_p50 = 300 * MS;
	in.response_p50 = _i ? -1 : in.service_p50;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.try_text, "a longer --timeout than"));
	in.service_p50 = in.response_p50 = 115 * MS;
	if (_i)
		return;
	in.first_p50 = 50 * MS;
	in.last_p50 = 350 * MS;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.try_text, "a longer --timeout than"));
}
END_TEST

/* A person ended it before the rest could be sent: that is not what failed. */
START_TEST(test_stopped_run_blames_what_failed)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.outcome = AUDIT_STOPPED;
	in.ok_per_s = 0;
	spoil(&in, LEDGER_UNSENT, 29000);
	spoil(&in, LEDGER_NOT_CONNECTED, 1000);
	a = judged(&in);
	ck_assert_int_eq(a.exit_code, EXIT_RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(a.because, "found a connection"));
	ck_assert_ptr_null(strstr(a.try_text, "drain"));
}
END_TEST

/* Some answers come after every window; that alone means nothing. */
START_TEST(test_late_answers_are_no_overload)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	/* By chance half again as many were on their way when it closed. */
	in.ok_per_s = 860;
	in.connections_limit = 10000;
	in.service_p50 = in.service_p99 = in.service_mean = 3 * NSEC_PER_SEC;
	in.response_p50 = in.response_p99 = 3 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);

	/* Six of a hundred, in a short and slow run. */
	in = audit_run_well();
	in.window_ns = 10 * NSEC_PER_SEC;
	in.ledger.planned = in.ledger.sent = in.ledger.classes[LEDGER_OK] = 100;
	in.planned_per_s = 10;
	in.ok_per_s = 9.4;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);

	/* A person stopped it. */
	in = audit_run_well();
	in.outcome = AUDIT_STOPPED;
	in.ok_per_s = 900;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, EXIT_STOPPED);

	/* Slow to connect, with connections to spare: not for want of them. */
	in = audit_run_well();
	in.connections_limit = 10;
	in.connections_peak = 9;
	in.service_mean = 20 * MS;
	in.connection_wait_p99 = 50 * MS;
	in.response_p99 = 53 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
}
END_TEST

START_TEST(test_overload_unknown)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	spoil(&in, LEDGER_UNSENT, 1000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_UNKNOWN, 0);
	ck_assert_ptr_nonnull(strstr(a.because, "unsent 1,000"));
}
END_TEST

/* Late by a tenth of what the server's trouble costs: the server stays the reason. */
START_TEST(test_overload_beside_a_late_generator)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	spoil(&in, LEDGER_TIMEOUT, 3000);
	in.our_delay_p99 = 30 * MS;
	in.response_p99 = 200 * MS;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	in.response_p99 = 50 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_GENERATOR, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit of limits");
	TCase *tcase = tcase_create("audit of limits");

	tcase_add_test(tcase, test_stalls_are_no_overload);
	tcase_add_test(tcase, test_random_arrivals_are_no_standstill);
	tcase_add_test(tcase, test_reopening_is_no_queue);
	tcase_add_test(tcase, test_slow_ones_are_no_stall);
	tcase_add_test(tcase, test_held_by_the_pace_of_opening);
	tcase_add_test(tcase, test_users_who_think);
	tcase_add_test(tcase, test_users_whom_the_service_holds_back);
	tcase_add_test(tcase, test_users_whom_the_pace_of_opening_holds_back);
	tcase_add_test(tcase, test_too_short_for_a_limit);
	tcase_add_loop_test(tcase, test_limit_of_connections, 0, 4);
	tcase_add_test(tcase, test_overload_by_connections);
	tcase_add_test(tcase, test_connections_needed_beside_timeouts);
	tcase_add_test(tcase, test_connections_needed_beside_hangs);
	tcase_add_test(tcase, test_connections_held_by_a_few_slow_ones);
	tcase_add_test(tcase, test_server_that_answers_in_turns);
	tcase_add_test(tcase, test_overload_by_dropping);
	tcase_add_test(tcase, test_overload_by_server);
	tcase_add_test(tcase, test_overload_hidden_by_growing);
	tcase_add_test(tcase, test_overload_seen_by_rising_times);
	tcase_add_test(tcase, test_overload_of_a_few_percent);
	tcase_add_test(tcase, test_overload_in_a_stage);
	tcase_add_test(tcase, test_a_few_wrong_answers);
	tcase_add_loop_test(tcase, test_lost_answers, 0, 2);
	tcase_add_loop_test(tcase, test_a_timeout_that_cuts_answers_off, 0, 2);
	tcase_add_test(tcase, test_stopped_run_blames_what_failed);
	tcase_add_test(tcase, test_late_answers_are_no_overload);
	tcase_add_test(tcase, test_overload_unknown);
	tcase_add_test(tcase, test_overload_beside_a_late_generator);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
