/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit, from both sides: runs that are well must not be called ill, however late a quiet
 * virtual machine is, and every ill run must be called by its name. Each case starts from a run
 * that is well in every figure and spoils some.
 */
#include "common/result/audit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/json_path.h"
#include "common/result/result_json.h"
#include "common/str.h"
#include "tests/support/recorded.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_run.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MS NSEC_PER_MSEC

static struct audit_fault faults[FAULT_COUNT];

/* What went wrong n times; the ledger is spoiled apart. */
static void blame(struct audit_run *in, enum fault fault, uint64_t n)
{
	memset(faults, 0, sizeof(faults));
	faults[fault].count = n;
	in->faults = faults;
}

/* Takes n of the ok ones into another class. */
static void spoil(struct audit_run *in, enum ledger_class to, uint64_t n)
{
	in->ledger.classes[LEDGER_OK] -= n;
	in->ledger.classes[to] += n;
	if (!ledger_class_is_sent(to))
		in->ledger.sent -= n;
	in->ok_per_s -= (double)n / ((double)in->window_ns / NSEC_PER_SEC);
}

static struct audit judged(const struct audit_run *in)
{
	struct audit a;

	memset(&a, 0xa5, sizeof(a));
	audit_run_judge(in, &a);

	/* Whatever the case: nothing is cut off, and everything is filled in. */
	ck_assert_uint_le(a.n_notes, AUDIT_NOTES_MAX);
	for (size_t i = 0; i < a.n_notes; i++) {
		ck_assert_ptr_nonnull(a.notes[i].code);
		ck_assert_uint_gt(strlen(a.notes[i].text), 0);
		ck_assert_uint_lt(strlen(a.notes[i].text), sizeof(a.notes[i].text) - 1);
		ck_assert_uint_lt(strlen(a.notes[i].try_text), sizeof(a.notes[i].try_text) - 1);
	}
	ck_assert_uint_lt(strlen(a.because), sizeof(a.because) - 1);
	ck_assert_uint_lt(strlen(a.try_text), sizeof(a.try_text) - 1);
	if (a.headline != AUDIT_HEADLINE_OK)
		ck_assert_uint_gt(strlen(a.because), 0);
	return a;
}

static const struct audit_note *note_of(const struct audit *a, const char *code)
{
	for (size_t i = 0; i < a->n_notes; i++)
		if (strcmp(a->notes[i].code, code) == 0)
			return &a->notes[i];
	return NULL;
}

#define ASSERT_JUDGED(a, want_headline, want_limit, want_exit)                                     \
	do {                                                                                       \
		ck_assert_str_eq(                                                                  \
			audit_headline_names[(a)->headline], audit_headline_names[want_headline]); \
		ck_assert_str_eq(                                                                  \
			audit_limit_names[(a)->limited_by], audit_limit_names[want_limit]);        \
		ck_assert_int_eq((a)->exit_code, want_exit);                                       \
	} while (0)

START_TEST(test_names)
{
	ck_assert_str_eq(audit_verdict_names[AUDIT_OK], "ok");
	ck_assert_str_eq(audit_verdict_names[AUDIT_SUSPECT], "suspect");
	ck_assert_str_eq(audit_verdict_names[AUDIT_SATURATED], "saturated");
	ck_assert_str_eq(audit_limit_names[AUDIT_BY_PLAN], "plan");
	ck_assert_str_eq(audit_limit_names[AUDIT_BY_UNKNOWN], "unknown");
	ck_assert_str_eq(audit_headline_names[AUDIT_HEADLINE_OK], "ok");
	ck_assert_str_eq(audit_headline_names[AUDIT_HEADLINE_VOID], "void");
	ck_assert_str_eq(audit_outcome_names[AUDIT_COMPLETED], "completed");
	ck_assert_str_eq(audit_outcome_names[AUDIT_INTERRUPTED], "interrupted");
}
END_TEST

/* ---------------------------------------------------------------- runs that are well */

START_TEST(test_plain_ok)
{
	struct audit_run in = audit_run_well();
	struct audit a = judged(&in);

	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_str_eq(a.because, "");
	ck_assert_str_eq(a.try_text, "");
	ck_assert_uint_eq(a.n_notes, 0);
	ck_assert_double_eq_tol(a.our_delay_share_of_p99, 0.1, 1e-9);
}
END_TEST

/* 6 rates, 6 latencies, 5 delays, 3 ends of the run: 540 runs as a quiet machine makes them. */
START_TEST(test_no_false_alarms)
{
	static const double rates[] = {0.2, 10, 100, 1000, 10000, 50000};
	static const int64_t latencies[] = {80000, 300000, MS, 20 * MS, 400 * MS, 5000 * MS};
	static const int64_t delays[] = {300000, 900000, 2 * MS, 4 * MS, 5 * MS};
	static const int64_t windows[] = {10, 60, 3600};
	unsigned n = 0;

	for (size_t r = 0; r < N_ELEMENTS(rates); r++)
		for (size_t l = 0; l < N_ELEMENTS(latencies); l++)
			for (size_t d = 0; d < N_ELEMENTS(delays); d++)
				for (size_t w = 0; w < N_ELEMENTS(windows); w++) {
					struct audit_run in = audit_run_well();
					int64_t service = latencies[l];
					uint64_t planned =
						(uint64_t)(rates[r] * (double)windows[w]);
					double in_flight =
						rates[r] * (double)service / NSEC_PER_SEC;
					double done = (double)planned - in_flight;
					struct audit a;

					in.window_ns = windows[w] * NSEC_PER_SEC;
					in.planned_per_s = rates[r];
					in.ledger.planned = in.ledger.sent = planned;
					in.ledger.classes[LEDGER_OK] = planned;
					in.ok_per_s = done > 0 ? done / (double)windows[w] : 0;
					in.service_p50 = in.service_mean = service;
					in.service_p99 = 2 * service;
					in.response_p50 = service + delays[d] / 8;
					in.response_p99 = 2 * service + delays[d];
					in.our_delay_p50 = delays[d] / 8;
					in.our_delay_p99 = delays[d];
					in.connections_limit = (uint64_t)(2 * in_flight) + 4;
					in.connections_peak = (uint64_t)(in_flight * 1.2) + 1;
					/* One hiccup of the machine at the end of an interval. */
					in.short_interval_share =
						n % 3 ? 0 : 1.0 / (double)windows[w];
					in.cpu_share = rates[r] / 70000;
					in.is_colocated = n % 2;
					a = judged(&in);
					ck_assert_int_ne(a.verdict, AUDIT_SATURATED);
					ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
					n++;
				}
	ck_assert_uint_eq(n, 540);
}
END_TEST

/* Under 1 % of trouble is not overload, and a late quarter of a percent is nobody's fault. */
START_TEST(test_little_trouble_is_ok)
{
	static const enum ledger_class classes[] = {LEDGER_DROPPED, LEDGER_EXPIRED,
		LEDGER_NOT_CONNECTED, LEDGER_UNSENT, LEDGER_HTTP_ERROR, LEDGER_CHECK_FAILED,
		LEDGER_BAD_RESPONSE, LEDGER_TIMEOUT, LEDGER_CONNECTION_ERROR, LEDGER_UNFINISHED};

	for (size_t i = 0; i < N_ELEMENTS(classes); i++) {
		struct audit_run in = audit_run_well();
		struct audit a;

		spoil(&in, classes[i], 290);
		a = judged(&in);
		ck_assert_int_eq(a.verdict, AUDIT_OK);
		ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, 0);
	}
}
END_TEST

/* The server stops for a second out of ten: late answers, but the plan is carried. */
START_TEST(test_stalls_are_no_overload)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.response_p99 = 902 * MS;
	in.service_p99 = 902 * MS;
	in.service_mean = 51 * MS;
	in.connections_peak = 1000;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "limited by the server: it stood still at times: p99 902 ms, "
				    "p50 940 us, up to 1,000 requests waiting at once");
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

/* Who closes the connections, as far as the result tells. */
static const struct {
	uint64_t by_peer, by_us, surplus;
	const char *reuse;
	uint64_t requests;
	int64_t max_age;
	const char *says;
} closings[] = {
	{29990, 10, 0, "lifo", 0, 0,
		"keep-alive at the server: it closed 29,990 of 30,000 connections"},
	{0, 29990, 29990, "lifo", 0, 0,
		"see the note on surplus bytes: rpsd closed 29,990 of 30,000 connections for them"},
	{14000, 15500, 0, "rotate", 0, MS,
		"a larger max-age: rpsd closed 15,500 of 30,000 connections by it"},
	/* The request says that it is the last one, and the server closes. */
	{29990, 0, 0, "lifo", 1, 0,
		"a larger requests-per-connection: after 1 the run closes each connection"},
	{29990, 0, 0, "no", 0, 0,
		"leave out --no-keepalive (reuse = no, or a header Connection: close): the run "
		"opens a connection for each request"},
	{0, 29990, 0, "lifo", 0, 0, "keep-alive: most requests opened a connection of their own"},
	{9000, 9000, 0, "lifo", 0, 0, "keep-alive: most requests opened a connection of their own"},
};

START_TEST(test_keep_alive_names_who_closes)
{
	struct audit_run in = audit_run_well();
	struct audit a;
	char text[256];

	in.response_p99 = 900 * MS;
	in.connection_wait_p99 = 890 * MS;
	in.connections_peak = 10;
	in.connections_opened = 30000;
	in.closed_by_peer = closings[_i].by_peer;
	in.closed_by_us = closings[_i].by_us;
	in.surplus = closings[_i].surplus;
	in.reuse = closings[_i].reuse;
	in.requests_per_connection = closings[_i].requests;
	in.max_age = closings[_i].max_age;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "connection-wait")->try_text, closings[_i].says);

	in.held_by_pace = 30000;
	in.open_rate = 1000;
	a = judged(&in);
	(void)snprintf(
		text, sizeof(text), "--set connections.open-rate=1000; or %s", closings[_i].says);
	ck_assert_str_eq(note_of(&a, "open-rate")->try_text, text);
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

START_TEST(test_closed)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a = judged(&in);

	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	/* What is of the generator's making is how late answers were read. */
	ck_assert_double_eq_tol(a.our_delay_share_of_p99, 0.05 / 3, 1e-9);
	ck_assert_str_eq(a.because, "");

	/* Busy is normal. */
	in.cpu_share = 0.97;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_GENERATOR, 0);
	ck_assert_str_eq(note_of(&a, "ceiling")->text,
		"the busiest worker used 97.0 % of its CPU: this is "
		"the generator's ceiling, not the server's");
	ck_assert_str_eq(
		note_of(&a, "ceiling")->try_text, "-t 2, if this machine has a CPU to spare");

	/* Many bad answers are no good news in any model. */
	spoil(&in, LEDGER_HTTP_ERROR, 6000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_GENERATOR, 0);
	ck_assert_str_eq(a.because, "20.0 % of 30,000 requests failed: http error 6,000");
}
END_TEST

/* ---------------------------------------------------------------- notes on the generator */

/* A few milliseconds name no limit of the closed model, whatever its figures are. */
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
	ck_assert_str_eq(a.try_text, "fewer connections (-c), or a higher limit of connections in "
				     "the server; its log may say why it resets them");
	ck_assert_ptr_null(note_of(&a, "reset-beside")); /* the headline has said it */

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
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);

	in.window_ns = AUDIT_LEAST_NS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_GENERATOR, 0);
	ck_assert_ptr_nonnull(note_of(&a, "ceiling"));
}
END_TEST

START_TEST(test_suspect)
{
	static const struct {
		const char *code;
		int64_t our_delay_p99, rx_slack_p99;
		double steal_share, cpu_share;
		double value, limit;
		const char *text;
	} cases[] = {
		{"our-delay", 1100000, 0, 0, 0, 1100000, 1e6,
			"1.10 ms of the p99 3.00 ms is the generator's: sent late by up to 1.10 ms "
			"(p99)"},
		{"rx-slack", 0, 1100000, 0, 0, 1100000, 1e6,
			"1.10 ms of the p99 3.00 ms is the generator's: answers were read late by "
			"up to 1.10 ms (p99)"},
		{"steal", 0, 0, 0.0501, 0, 0.0501, 0.05,
			"5.01 % of this machine's CPU time went to other virtual machines"},
		{"cpu", 0, 0, 0, 0.851, 0.851, 0.85, "the busiest worker used 85.1 % of its CPU"},
	};
	struct audit_run in = _i == 1 ? audit_run_well_closed() : audit_run_well();
	struct audit a;

	in.our_delay_p99 = cases[_i].our_delay_p99;
	in.rx_slack_p99 = cases[_i].rx_slack_p99;
	in.steal_share = cases[_i].steal_share;
	in.cpu_share = cases[_i].cpu_share;
	a = judged(&in);
	/* Neighbours and a busy CPU that do not show in a figure are no mark. */
	ck_assert_int_eq(a.verdict, _i < 2 ? AUDIT_SUSPECT : AUDIT_OK);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, _i == 1 ? AUDIT_BY_SERVER : AUDIT_BY_PLAN, 0);
	ck_assert_uint_eq(a.n_notes, 1);
	ck_assert_str_eq(a.notes[0].code, cases[_i].code);
	ck_assert_str_eq(a.notes[0].text, cases[_i].text);
	ck_assert_double_eq_tol(a.notes[0].value, cases[_i].value, 1e-9);
	ck_assert_double_eq_tol(a.notes[0].limit, cases[_i].limit, 1e-6);

	/* At the limit itself there is nothing to say. */
	in = audit_run_well();
	in.our_delay_p99 = MS;
	in.rx_slack_p99 = 500000;
	in.steal_share = 0.05;
	in.cpu_share = 0.85;
	in.little_residual = 0.01;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 0);
}
END_TEST

/* Where the rank falls on an arrival without a good answer, the p99 that we have a part in is that
 * of the others. */
START_TEST(test_part_of_the_good_answers)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.our_delay_p99 = in.less_p99 = 2 * MS;
	in.response_p99 = 5 * MS;
	spoil(&in, LEDGER_TIMEOUT, 600);
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms is the generator's: sent late by up to 2.00 ms, read "
		"late by up to 50.0 us (p99)");
	in.is_p99_unserved = true;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms of the good answers is the generator's: sent late by "
		"up to 2.00 ms, read late by up to 50.0 us (p99)");
}
END_TEST

/* A part of a figure, and not a quotient of two: late arrivals that are not those that waited for
 * the server make no difference to its p99. */
START_TEST(test_part_of_a_figure)
{
	static const struct {
		int64_t whole, less, our_delay, low, high;
		enum audit_verdict want;
		const char *text;
	} cases[] = {
		/* late by as much as the p99, which is not moved by it */
		{100 * MS, 99 * MS, 100 * MS, 0, 0, AUDIT_OK, NULL},
		{4100000, 3200000, 2 * MS, 0, 0, AUDIT_OK, NULL},
		{4100000, 3000000, 2 * MS, 0, 0, AUDIT_SUSPECT,
			"1.10 ms of the p99 4.10 ms is the generator's: sent late by up to 2.00 "
			"ms, "
			"read late by up to 50.0 us (p99)"},
		/* less than a tenth of it */
		{40 * MS, 37 * MS, 5 * MS, 0, 0, AUDIT_OK, NULL},
		{40 * MS, 35 * MS, 5 * MS, 0, 0, AUDIT_SUSPECT,
			"5.00 ms of the p99 40.0 ms is the generator's: sent late by up to 5.00 "
			"ms, read late by up to 50.0 us (p99)"},
		/* less than the figure is uncertain by, and more */
		{40 * MS, 35 * MS, 5 * MS, 33 * MS, 46 * MS, AUDIT_OK, NULL},
		{40 * MS, 35 * MS, 5 * MS, 36 * MS, 44 * MS, AUDIT_SUSPECT, NULL},
		/* however far up: what is ours makes a figure larger, and its interval wider there
		 */
		{40 * MS, 35 * MS, 5 * MS, 36 * MS, 90 * MS, AUDIT_SUSPECT, NULL},
	};
	struct audit_run in = audit_run_well();
	struct audit a;

	in.response_p99 = cases[_i].whole;
	in.less_p99 = cases[_i].less;
	in.our_delay_p99 = cases[_i].our_delay;
	in.p99_low = cases[_i].low;
	in.p99_high = cases[_i].high;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, cases[_i].want);
	ck_assert_int_eq(note_of(&a, "our-delay") != NULL, cases[_i].want != AUDIT_OK);
	if (cases[_i].text)
		ck_assert_str_eq(note_of(&a, "our-delay")->text, cases[_i].text);
	ck_assert_double_eq_tol(a.our_delay_share_of_p99,
		(double)(cases[_i].whole - cases[_i].less) / (double)cases[_i].whole, 1e-9);
}
END_TEST

/* A worker that spins uses its CPU by design. */
START_TEST(test_spinning)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.spins = true;
	in.cpu_share = 1;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 0);
}
END_TEST

START_TEST(test_notes_without_a_verdict)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.is_colocated = true;
	in.little_residual = 0.02;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 2);
	ck_assert_str_eq(note_of(&a, "co-located")->text,
		"server on this machine: it shares the CPU with rpsd");
	ck_assert_ptr_nonnull(note_of(&a, "little"));
}
END_TEST

/* Frozen for 200 ms of every 2 s: p99 of our delay is 180 ms. */
START_TEST(test_frozen_generator)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.our_delay_p99 = 180 * MS;
	in.response_p99 = 182 * MS;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_GENERATOR, 0);
	ck_assert_str_eq(a.because, "limited by the generator: sent 30,000 of 30,000, "
				    "our delay p99 180 ms of 182 ms");
	ck_assert_str_eq(a.try_text, "a quieter machine; a lower rate (-r); -t 2");
	ck_assert_double_eq_tol(note_of(&a, "our-delay")->limit, 20e6, 1);

	/* It kept back more than half a percent: the run is void. */
	spoil(&in, LEDGER_UNSENT, 151);
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_VOID, AUDIT_BY_GENERATOR, EXIT_UNDECIDED);
	ck_assert_str_eq(a.because, "limited by the generator: sent 29,849 of 30,000, "
				    "our delay p99 180 ms of 182 ms");

	/* Exactly half a percent is not. */
	in = audit_run_well();
	in.our_delay_p99 = 180 * MS;
	in.response_p99 = 182 * MS;
	spoil(&in, LEDGER_UNSENT, 150);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_GENERATOR, 0);
}
END_TEST

/* Saturated needs both: late, and late by a good part of the response. */
START_TEST(test_saturated_borders)
{
	static const struct {
		int64_t our_delay_p99, response_p99;
		double short_interval_share;
		enum audit_verdict want;
		int64_t window_ns;
	} cases[] = {
		{20 * MS, 25 * MS, 0, AUDIT_SUSPECT, 0},
		{20 * MS + 1, 25 * MS, 0, AUDIT_SATURATED, 0},
		{21 * MS, 209 * MS, 0, AUDIT_SATURATED, 0},
		{21 * MS, 210 * MS, 0, AUDIT_OK, 0},
		{10 * MS, 12 * MS, 0.01, AUDIT_SUSPECT, 0},
		{10 * MS, 12 * MS, 0.02, AUDIT_SATURATED, 0},
		{10 * MS, 120 * MS, 0.02, AUDIT_OK, 0},
		{5 * MS, 6 * MS, 0.1, AUDIT_SUSPECT, 0},
		{900000, 950000, 0.1, AUDIT_OK, 0},
		{30 * MS, -1, 0, AUDIT_SUSPECT, 0},
		/* in a short window a single event is no state: 50 ms less a hundredth of it */
		{30 * MS, 31 * MS, 0, AUDIT_SUSPECT, 2 * NSEC_PER_SEC},
		{30 * MS + 1, 31 * MS, 0, AUDIT_SATURATED, 2 * NSEC_PER_SEC},
		{30 * MS, 31 * MS, 0.5, AUDIT_SUSPECT, 2 * NSEC_PER_SEC},
		{49 * MS + 1, 50 * MS, 0, AUDIT_SATURATED, 100 * MS},
		{21 * MS, 22 * MS, 0, AUDIT_SATURATED, 3 * NSEC_PER_SEC},
		{10 * MS, 12 * MS, 0.2, AUDIT_SUSPECT, 4 * NSEC_PER_SEC},
		{10 * MS + 1, 12 * MS, 0.2, AUDIT_SATURATED, 4 * NSEC_PER_SEC},
	};
	struct audit_run in = audit_run_well();
	struct audit a;

	in.our_delay_p99 = cases[_i].our_delay_p99;
	in.response_p99 = cases[_i].response_p99;
	if (cases[_i].window_ns > 0) {
		in.window_ns = cases[_i].window_ns;
		in.ok_per_s = in.planned_per_s = 30000.0 * NSEC_PER_SEC / (double)in.window_ns;
	}
	in.short_interval_share = cases[_i].short_interval_share;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, cases[_i].want);
	ck_assert_int_eq(a.limited_by,
		cases[_i].want == AUDIT_SATURATED ? AUDIT_BY_GENERATOR : AUDIT_BY_PLAN);
	ck_assert_int_eq(a.exit_code, 0);
}
END_TEST

/* Out of ports after 28,232 connections: ours, and said so. */
START_TEST(test_generator_errors)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	blame(&in, FAULT_NO_DESCRIPTORS, 1768);
	spoil(&in, LEDGER_NOT_CONNECTED, 1768);
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_VOID, AUDIT_BY_GENERATOR, EXIT_UNDECIDED);
	ck_assert_str_eq(a.because,
		"limited by the generator: sent 28,232 of 30,000, 1,768 errors of the generator");
	ck_assert_ptr_nonnull(strstr(a.try_text, "ulimit -n"));
	ck_assert_ptr_nonnull(note_of(&a, "no-descriptors"));

	/* The same in the closed model. */
	in = audit_run_well_closed();
	blame(&in, FAULT_NO_DESCRIPTORS, 1768);
	spoil(&in, LEDGER_NOT_CONNECTED, 1768);
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_VOID, AUDIT_BY_GENERATOR, EXIT_UNDECIDED);

	/* A single one is told, but the run stands. */
	in = audit_run_well();
	blame(&in, FAULT_NO_DESCRIPTORS, 1);
	spoil(&in, LEDGER_NOT_CONNECTED, 1);
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_GENERATOR, 0);
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
	ck_assert_str_eq(a.try_text, "-r 400: a tenth below what it carried");

	/* Wrong answers are no matter of the rate. */
	in = audit_run_well();
	spoil(&in, LEDGER_HTTP_ERROR, 6000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, "20.0 % of 30,000 requests failed: http error 6,000");
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
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_SERVER, EXIT_RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(a.try_text, "somaxconn"));
	/* No connection was ever made: the address may be wrong. */
	in.ledger.classes[LEDGER_NOT_CONNECTED]++;
	in.ledger.classes[LEDGER_TIMEOUT] = in.ledger.sent = 0;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(a.try_text, "is up"));

	/* It is up, and not trusted. */
	in = audit_run_well();
	spoil(&in, LEDGER_NOT_CONNECTED, 600);
	blame(&in, FAULT_TLS_UNTRUSTED, 600);
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "--cacert"));
}
END_TEST

/* A share of the p99 that nobody can see is no reason to suspect. */
START_TEST(test_delay_that_is_nil)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.our_delay_p99 = 30 * MS;
	in.response_p99 = in.service_p99 = 301 * MS;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	in.response_p99 = 299 * MS;
	in.less_p99 = 268 * MS;
	in.window_ns = NSEC_PER_SEC;
	in.planned_per_s = in.ok_per_s = 30000;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
}
END_TEST

/* Stopped for a while: the closed model has no plan to be late against, but stood still. */
START_TEST(test_standstill)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.is_open = false;
	in.stalled_share = 0.011;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
	ck_assert_str_eq(a.notes[0].code, "standstill");
	in.stalled_share = 0.5;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_GENERATOR);
	ck_assert_str_eq(a.notes[0].text, "a worker stood still for 50.0 % of the run");
	in.stalled_share = 0.01;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
}
END_TEST

/* The note's value in a run of five rows of 1 s, of which the last lacks sent requests; -1 without
 * a note. */
static double short_share_of(int64_t last_sent, int64_t window_ns)
{
	struct audit_run in = audit_run_well();
	double value = -1;
	struct result r;
	struct audit a;

	in.our_delay_p99 = in.response_p99 = NSEC_PER_SEC;
	audit_run_result(&in, &r);
	r.window.end_ns = window_ns;
	r.intervals.is = RESULT_IS_THERE;
	r.intervals.width_ns = NSEC_PER_SEC;
	for (int i = 0; i < 5; i++) {
		struct result_row *row =
			result_list_add(&result_row_table, &r.intervals.rows, NULL);

		row->t_ns = i * NSEC_PER_SEC;
		row->planned = 1000;
		row->sent = i < 4 ? 1000 : last_sent;
	}
	audit_judge(&r, &a);
	for (size_t i = 0; i < a.n_notes; i++)
		if (str_eq(a.notes[i].code, "short-intervals"))
			value = a.notes[i].value;
	result_fini(&r);
	return value;
}

/* A row that the window's end cuts is too short to tell. */
START_TEST(test_short_rows_are_counted)
{
	ck_assert_double_eq(short_share_of(1000, 5 * NSEC_PER_SEC), -1);
	ck_assert_double_eq_tol(short_share_of(900, 5 * NSEC_PER_SEC), 0.2, 1e-9);
	ck_assert_double_eq(short_share_of(900, 4 * NSEC_PER_SEC), -1);
}
END_TEST

/* One answer takes as long as the run. */
START_TEST(test_short_window)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.service_mean = in.window_ns / 4;
	in.service_p50 = in.service_p99 = in.response_p50 = in.response_p99 = in.service_mean;
	a = judged(&in);
	ck_assert_uint_ge(a.n_notes, 1);
	ck_assert_str_eq(a.notes[0].code, "short-window");
	ck_assert_int_eq(a.verdict, AUDIT_OK);
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

/* Lost answers are no matter of the rate. */
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
		"1,500 of 30,000 requests got no answer, while the others took 200 us (p99)");
	ck_assert_ptr_nonnull(strstr(a.try_text, "the server's log"));
	ck_assert_ptr_null(strstr(a.try_text, "-r "));

	/* Where the others nearly took as long, it is. */
	in.less_p99 = 900 * MS;
	a = judged(&in);
	ck_assert_ptr_null(strstr(a.because, "no answer"));
	ck_assert_ptr_nonnull(strstr(a.try_text, _i ? "lower rate" : "-r 850"));
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

/* ---------------------------------------------------------------- failed, void, cut off */

/* What to look at where nothing could be connected to. */
START_TEST(test_where_to_connect)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.outcome = AUDIT_FAILED;
	in.ledger = (struct ledger){.planned = 0};
	in.failed_by = FAULT_RESOLVE;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "spelled right"));
	in.is_one_family = true;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "leave out -4 or -6"));
	in.failed_by = FAULT_CONNECT_ERROR;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "address and port"));
	in.unix_path = "/run/app.sock";
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.try_text, "this socket"));
}
END_TEST

START_TEST(test_not_one_ok)
{
	static const struct {
		enum ledger_class class;
		const char *because;
	} cases[] = {
		{LEDGER_DROPPED,
			"not one of 30,000 requests found a free connection: dropped 30,000"},
		{LEDGER_EXPIRED,
			"not one of 30,000 requests got a connection in time: expired 30,000"},
		{LEDGER_NOT_CONNECTED,
			"not one of 30,000 requests found a connection: not connected 30,000"},
		{LEDGER_UNSENT, "not one of 30,000 requests was sent: unsent 30,000"},
		{LEDGER_LOST, "not one of 30,000 requests was sent before the generator ended: "
			      "lost 30,000"},
		{LEDGER_HTTP_ERROR, "not one of 30,000 requests was answered with an expected "
				    "status: http error 30,000"},
		{LEDGER_CHECK_FAILED, "not one of 30,000 requests was answered as the checks ask: "
				      "check failed 30,000"},
		{LEDGER_BAD_RESPONSE, "not one of 30,000 requests was answered in HTTP/1.1: "
				      "bad response 30,000"},
		{LEDGER_TIMEOUT, "not one of 30,000 requests was answered in time: timeout 30,000"},
		{LEDGER_CONNECTION_ERROR, "not one of 30,000 requests was answered before the "
					  "connection broke: connection error 30,000"},
		{LEDGER_UNFINISHED, "not one of 30,000 requests was answered before the run ended: "
				    "unfinished 30,000"},
	};
	struct audit_run in = _i % 2 ? audit_run_well_closed() : audit_run_well();
	struct audit a;

	spoil(&in, cases[_i / 2].class, 30000);
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_FAIL);
	ck_assert_int_eq(a.exit_code, EXIT_RUN_FAILED);
	ck_assert_int_ne(a.limited_by, AUDIT_BY_PLAN);
	ck_assert_str_eq(a.because, cases[_i / 2].because);
	ck_assert_uint_gt(strlen(a.try_text), 0);

	/* One ok, and it is a result. */
	in.ledger.classes[cases[_i / 2].class] -= 1;
	in.ledger.classes[LEDGER_OK] = 1;
	if (!ledger_class_is_sent(cases[_i / 2].class))
		in.ledger.sent++;
	a = judged(&in);
	ck_assert_int_ne(a.headline, AUDIT_HEADLINE_FAIL);
	ck_assert_int_eq(a.exit_code, 0);
}
END_TEST

START_TEST(test_failed_before_the_start)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.outcome = AUDIT_FAILED;
	in.ledger = (struct ledger){.planned = 0};
	in.ok_per_s = 0;
	in.response_p50 = in.response_p99 = in.service_p50 = in.service_p99 = in.service_mean = -1;
	in.our_delay_p50 = in.our_delay_p99 = in.rx_slack_p99 = -1;
	in.connection_wait_p50 = in.connection_wait_p99 = -1;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);
	ck_assert_str_eq(a.because, "nothing could be sent: no connection was made");
	ck_assert_double_lt(a.our_delay_share_of_p99, 0);

	in.failed_by = FAULT_NO_DESCRIPTORS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_GENERATOR, EXIT_RUN_FAILED);

	/* A plan without a request is no success. */
	in.failed_by = FAULT_NONE;
	in.outcome = AUDIT_COMPLETED;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_PLAN, EXIT_RUN_FAILED);
	ck_assert_str_eq(a.because, "no request was due in the measured window");
}
END_TEST

START_TEST(test_unbalanced)
{
	struct audit_run in = _i ? audit_run_well_closed() : audit_run_well();
	struct audit a;

	in.ledger.classes[LEDGER_OK] -= 2;
	a = judged(&in);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_VOID);
	ck_assert_int_eq(a.exit_code, EXIT_UNDECIDED);
	ck_assert_str_eq(a.because, "the ledger does not balance: 30,000 planned, 30,000 sent, "
				    "29,998 accounted for");
	ck_assert_double_eq_tol(note_of(&a, "ledger")->value, 2, 1e-9);
}
END_TEST

START_TEST(test_stopped)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	/* What the person cut off is no overload and no fault of ours. */
	in.outcome = AUDIT_STOPPED;
	spoil(&in, LEDGER_UNSENT, 20000);
	spoil(&in, LEDGER_UNFINISHED, 100);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, EXIT_STOPPED);
	ck_assert_str_eq(a.because, "stopped by a person: 10,000 requests sent until then");

	/* Before the first answer: nothing is known of the server, however long that was; a person
	 * was faster than its timeout. */
	spoil(&in, LEDGER_UNFINISHED, 9900);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_UNKNOWN, EXIT_STOPPED);
	ck_assert_str_eq(a.because, "stopped by a person: 10,000 requests sent until then, not one "
				    "answered");
	in.oldest = 2 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_UNKNOWN, EXIT_STOPPED);
	spoil(&in, LEDGER_UNFINISHED, in.ledger.classes[LEDGER_OK]);
	in.ledger.classes[LEDGER_TIMEOUT] = 1;
	in.ledger.classes[LEDGER_UNFINISHED]--;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_SERVER, EXIT_RUN_FAILED);
	in = audit_run_well_closed();
	in.outcome = AUDIT_STOPPED;
	spoil(&in, LEDGER_UNFINISHED, in.ledger.planned);
	in.oldest = 2 * NSEC_PER_SEC;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_UNKNOWN, EXIT_STOPPED);

	/* Not one ok comes first, where something did fail. */
	in = audit_run_well();
	in.outcome = AUDIT_STOPPED;
	spoil(&in, LEDGER_UNSENT, 29000);
	spoil(&in, LEDGER_NOT_CONNECTED, 1000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);

	/* And being stopped comes before being void. */
	in = audit_run_well();
	in.outcome = AUDIT_STOPPED;
	in.ledger.planned++;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_VOID, AUDIT_BY_PLAN, EXIT_STOPPED);

	/* During the warm-up. */
	in = audit_run_well();
	in.outcome = AUDIT_STOPPED;
	in.ledger = (struct ledger){.planned = 0};
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_PLAN, EXIT_STOPPED);
}
END_TEST

START_TEST(test_aborted)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.outcome = _i ? AUDIT_ABORTED : AUDIT_INTERRUPTED;
	spoil(&in, LEDGER_UNSENT, 20000);
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_VOID, AUDIT_BY_PLAN, EXIT_RUN_ABORTED);
	ck_assert_str_eq(a.because,
		_i ? "aborted before the end of the plan: 10,000 requests sent until then"
		   : "interrupted before the end of the plan: 10,000 requests sent until then");
}
END_TEST

/* Every note at once, with the longest figures there are. */
START_TEST(test_the_worst)
{
	static char longest[2000];

	memset(longest, 'x', sizeof(longest) - 1);
	for (unsigned f = 0; f < FAULT_COUNT; f++) {
		faults[f].count = UINT64_MAX / 100;
		memset(faults[f].example, 'x', sizeof(faults[f].example) - 1);
	}
	for (unsigned outcome = 0; outcome <= AUDIT_INTERRUPTED; outcome++)
		for (unsigned open = 0; open < 2; open++) {
			struct audit_run in = {
				.is_open = open,
				.outcome = outcome,
				.ledger = {.planned = UINT64_MAX, .sent = UINT64_MAX / 2},
				.window_ns = INT64_MAX,
				.planned_per_s = 1e300,
				.ok_per_s = 1e299,
				.response_p50 = INT64_MAX,
				.response_p99 = INT64_MAX,
				.service_p50 = INT64_MAX / 100,
				.service_p99 = INT64_MAX / 100,
				.service_mean = INT64_MAX / 100,
				.our_delay_p50 = INT64_MAX,
				.our_delay_p99 = INT64_MAX,
				.connection_wait_p50 = INT64_MAX,
				.connection_wait_p99 = INT64_MAX,
				.rx_slack_p99 = INT64_MAX,
				.connections_limit = UINT64_MAX,
				.connections_peak = UINT64_MAX,
				.faults = faults,
				.retries = UINT64_MAX,
				.answers = UINT64_MAX,
				.redirects = UINT64_MAX,
				.redirect_status = 308,
				.location = longest,
				.workers = 4294967294,
				.cpu_share = 1,
				.short_interval_share = 1,
				.little_residual = 1e9,
				.steal_share = 1,
				.is_colocated = true,
			};

			for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
				in.ledger.classes[c] = UINT64_MAX / 12;
			judged(&in);
			in.ledger.classes[LEDGER_OK] = 0;
			judged(&in);
			in.redirects = 0;
			blame(&in, FAULT_CHECK_BODY, UINT64_MAX / 12);
			memset(faults[FAULT_CHECK_BODY].example, 'x',
				sizeof(faults[FAULT_CHECK_BODY].example) - 1);
			judged(&in);
			in.faults = NULL;
			in.our_delay_p99 = 0;
			in.ledger.planned = in.ledger.sent = ledger_resolved(&in.ledger);
			judged(&in);
		}
}
END_TEST

/* ---------------------------------------------------------------- sums of runs */

/* Parts of one load, n of them. */
static struct audit judged_sum(const struct audit_run *in, size_t n, size_t n_repeats)
{
	struct result r;
	struct audit a;

	audit_run_result(in, &r);
	result_set_text(&r.run.reason, "web/b-1: refused");
	for (size_t i = 0; i < n * (n_repeats ? n_repeats : 1); i++)
		result_list_add(result_table_find(&result_table, "parts")->table, &r.parts, NULL);
	for (size_t i = 0; i < n_repeats; i++)
		result_list_add(
			result_table_find(&result_table, "repeats")->table, &r.repeats, NULL);
	audit_judge(&r, &a);
	result_fini(&r);
	return a;
}

/* Flags are for one run. */
START_TEST(test_advice_for_each_run)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.ok_per_s = 497;
	in.connections_limit = in.connections_peak = 10;
	in.service_p50 = in.service_mean = 20 * MS;
	in.service_p99 = 22 * MS;
	in.connection_wait_p50 = 7 * NSEC_PER_SEC;
	in.connection_wait_p99 = 14200 * MS;
	in.response_p50 = 7020 * MS;
	in.response_p99 = 14220 * MS;
	a = judged_sum(&in, 5, 0);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OVERLOAD, AUDIT_BY_CONNECTIONS, 0);
	ck_assert_str_eq(
		a.because, "limited by connections: 10 x 20.0 ms each = 500/s, asked 1,000/s");
	ck_assert_str_eq(
		a.try_text, "-c 6 for each run (or leave -c out: the pool then grows as needed)");
	/* Repetitions were there one after the other. */
	a = judged_sum(&in, 1, 5);
	ck_assert_str_eq(a.try_text, "-c 30 (or leave -c out: the pool then grows as needed)");
	in.workers = 5;
	in.our_delay_p99 = 2 * NSEC_PER_SEC;
	a = judged_sum(&in, 5, 0);
	ck_assert_str_eq(note_of(&a, "our-delay")->try_text,
		"a quieter machine; -t 2 for each run, if its machine has a CPU to spare");
}
END_TEST

/* What is about one machine makes the verdict of the sum, and is told by the run's own note. */
START_TEST(test_machines_of_a_sum)
{
	struct audit_run in = audit_run_well_closed();
	struct audit a;

	in.steal_share = 0.3;
	in.is_colocated = true;
	a = judged_sum(&in, 2, 0);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
	ck_assert_uint_eq(a.n_notes, 0);
	in.stalled_share = 0.06;
	a = judged_sum(&in, 2, 0);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ck_assert_uint_eq(a.n_notes, 0);
}
END_TEST

/* One of them could not begin, though the others did. */
START_TEST(test_a_run_of_a_sum_that_failed)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.outcome = AUDIT_FAILED;
	in.failed_by = FAULT_CONNECT_REFUSED;
	a = judged_sum(&in, 2, 0);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAIL, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);
	ck_assert_str_eq(a.because, "a run of the sum failed: web/b-1: refused");
	ck_assert_ptr_nonnull(strstr(a.try_text, "is up"));
	in.outcome = AUDIT_INTERRUPTED;
	a = judged_sum(&in, 2, 0);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_VOID, AUDIT_BY_PLAN, EXIT_RUN_ABORTED);
	ck_assert_str_eq(a.because, "a run of the sum was interrupted before the end of the plan: "
				    "30,000 requests sent until then");
}
END_TEST

/* ---------------------------------------------------------------- recorded results */

static const char *const recorded[] = {"closed", "dropped", "errors", "hang", "insecure", "open",
	"overload", "refused", "requests", "slice1", "stages", "steered", "tls", "untrusted"};

static void assert_words(const json_t *want, const json_t *got, const char *path)
{
	ck_assert_msg(strcmp(json_path_text(want, path), json_path_text(got, path)) == 0,
		"%s: %s instead of %s", path, json_path_text(got, path),
		json_path_text(want, path));
}

static void assert_near(const json_t *want, const json_t *got, const char *path)
{
	double a = -1, b = -1;

	(void)json_path_real(want, path, &a);
	(void)json_path_real(got, path, &b);
	ck_assert_msg(fabs(a - b) <= 1e-9 * fabs(a), "%s: %g instead of %g", path, b, a);
}

/* A stored result is judged again as it was in the daemon: not with the same sentences, which are
 * those of today, but for the same reasons. */
START_TEST(test_recorded)
{
	json_t *doc = recorded_run(recorded[_i]), *got;
	struct err err = {0};
	struct result r;
	struct audit a;

	ck_assert_int_eq(result_read(doc, &r, &err), 0);
	audit_judge(&r, &a);
	result_list_fini(&result_note_table, false, &r.generator.notes);
	ck_assert_int_eq(audit_fill(&a, &r), 0);
	got = result_write(&r);
	assert_words(doc, got, "headline.result");
	assert_words(doc, got, "headline.limited_by");
	assert_words(doc, got, "generator.verdict");
	assert_near(doc, got, "run.exit_code");
	assert_near(doc, got, "headline.our_delay_share_of_p99");
	for (size_t i = 0, k = 0; i < json_array_size(json_path_at(doc, "generator.notes")); i++) {
		const json_t *want = json_array_get(json_path_at(doc, "generator.notes"), i);
		const json_t *note = json_array_get(json_path_at(got, "generator.notes"), k);

		if (!json_path_at(want, "unit"))
			continue; /* not the audit's */
		assert_words(want, note, "code");
		assert_words(want, note, "unit");
		assert_near(want, note, "value");
		assert_near(want, note, "limit");
		k++;
	}
	result_fini(&r);
	json_decref(got);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit");
	TCase *tcase = tcase_create("audit");

	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_plain_ok);
	tcase_add_test(tcase, test_no_false_alarms);
	tcase_add_test(tcase, test_little_trouble_is_ok);
	tcase_add_test(tcase, test_stalls_are_no_overload);
	tcase_add_test(tcase, test_slow_ones_are_no_stall);
	tcase_add_test(tcase, test_held_by_the_pace_of_opening);
	tcase_add_loop_test(tcase, test_keep_alive_names_who_closes, 0,
		(int)(sizeof(closings) / sizeof(*closings)));
	tcase_add_test(tcase, test_users_who_think);
	tcase_add_test(tcase, test_closed);
	tcase_add_loop_test(tcase, test_limit_of_connections, 0, 4);
	tcase_add_test(tcase, test_too_short_for_a_limit);
	tcase_add_test(tcase, test_part_of_the_good_answers);
	tcase_add_loop_test(tcase, test_part_of_a_figure, 0, 8);
	tcase_add_test(tcase, test_spinning);
	tcase_add_test(tcase, test_connections_needed_beside_timeouts);
	tcase_add_test(tcase, test_connections_needed_beside_hangs);
	tcase_add_test(tcase, test_overload_of_a_few_percent);
	tcase_add_loop_test(tcase, test_lost_answers, 0, 2);
	tcase_add_loop_test(tcase, test_suspect, 0, 4);
	tcase_add_test(tcase, test_notes_without_a_verdict);
	tcase_add_test(tcase, test_frozen_generator);
	tcase_add_loop_test(tcase, test_saturated_borders, 0, 17);
	tcase_add_test(tcase, test_generator_errors);
	tcase_add_test(tcase, test_overload_by_connections);
	tcase_add_test(tcase, test_overload_by_dropping);
	tcase_add_test(tcase, test_overload_by_server);
	tcase_add_test(tcase, test_overload_hidden_by_growing);
	tcase_add_test(tcase, test_delay_that_is_nil);
	tcase_add_test(tcase, test_standstill);
	tcase_add_test(tcase, test_short_window);
	tcase_add_test(tcase, test_short_rows_are_counted);
	tcase_add_test(tcase, test_overload_seen_by_rising_times);
	tcase_add_test(tcase, test_stopped_run_blames_what_failed);
	tcase_add_test(tcase, test_late_answers_are_no_overload);
	tcase_add_test(tcase, test_overload_unknown);
	tcase_add_test(tcase, test_overload_beside_a_late_generator);
	tcase_add_test(tcase, test_where_to_connect);
	tcase_add_loop_test(tcase, test_not_one_ok, 0, 22);
	tcase_add_test(tcase, test_failed_before_the_start);
	tcase_add_loop_test(tcase, test_unbalanced, 0, 2);
	tcase_add_test(tcase, test_stopped);
	tcase_add_loop_test(tcase, test_aborted, 0, 2);
	tcase_add_test(tcase, test_the_worst);
	tcase_add_test(tcase, test_advice_for_each_run);
	tcase_add_test(tcase, test_machines_of_a_sum);
	tcase_add_test(tcase, test_a_run_of_a_sum_that_failed);
	tcase_add_loop_test(tcase, test_recorded, 0, (int)N_ELEMENTS(recorded));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
