/* SPDX-License-Identifier: Apache-2.0 */
/* The notes, the verdict that they make, and the generator as a limit: how much of the figures is
 * its own, and from where on that is too much. */
#include "common/result/audit.h"

#include <check.h>
#include <string.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_judged.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MS NSEC_PER_MSEC

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

	in.our_delay_p99 = 3 * MS;
	in.less_p99 = 2 * MS;
	in.response_p99 = 5 * MS;
	spoil(&in, LEDGER_TIMEOUT, 600);
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms is the generator's: sent late by up to 3.00 ms, read "
		"late by up to 50.0 us (p99)");
	/* Of all arrivals it is another one. */
	in.offered_p99 = 7 * MS;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms of the good answers is the generator's: sent late by "
		"up to 3.00 ms, read late by up to 50.0 us (p99)");
	in.is_p99_unserved = true;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms of the good answers is the generator's: sent late by "
		"up to 3.00 ms, read late by up to 50.0 us (p99)");
	/* Of few arrivals, percentiles of parts may lie below the part of the percentile. */
	in.our_delay_p99 = 2 * MS;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms of the good answers is the generator's");
	in.our_delay_max = 4 * MS;
	a = judged(&in);
	ck_assert_str_eq(note_of(&a, "our-delay")->text,
		"3.00 ms of the p99 5.00 ms of the good answers is the generator's: sent late by "
		"up to 4.00 ms (max)");
}
END_TEST

/* Rates are of what came in the window, counts of what was planned in it. */
START_TEST(test_rate_beside_the_count)
{
	static const struct {
		uint64_t warmup;
		double ok_per_s;
		const char *text; /* NULL: they differ by what is on its way at a border */
	} cases[] = {
		{0, 999.9, NULL},
		{2000, 1049, NULL},
		{2000, 1066.7,
			"the rate of ok has 2,001 answers more than its count: those of the "
			"warm-up "
			"that came in the window"},
		{0, 951, NULL},
		{0, 900,
			"the rate of ok lacks 3,000 answers of its count: they came after the "
			"window"},
	};
	struct audit_run in = audit_run_well();
	const struct audit_note *note;
	struct audit a;

	in.sent = in.ledger.sent + cases[_i].warmup;
	in.ok_per_s = cases[_i].ok_per_s;
	/* As slow from the first second on. */
	if (in.ok_per_s < 990)
		in.response_p50 = in.response_p99 = in.service_p50 = in.service_p99 =
			in.service_mean = 3 * NSEC_PER_SEC;
	a = judged(&in);
	note = note_of(&a, "ok-rate");
	ck_assert_int_eq(note != NULL, cases[_i].text != NULL);
	if (note)
		ck_assert_str_eq(note->text, cases[_i].text);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	/* The headline says it, and a run that was cut has late answers anyway. */
	in = audit_run_well();
	in.ok_per_s = 900;
	a = judged(&in);
	ck_assert_ptr_nonnull(strstr(a.because, "came after the window"));
	ck_assert_ptr_null(note_of(&a, "ok-rate"));
	in = audit_run_well();
	in.outcome = AUDIT_STOPPED;
	in.ok_per_s = 900;
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "ok-rate"));
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
	in.stalled_share = 0.021;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
	ck_assert_str_eq(a.notes[0].code, "standstill");
	/* So much is no more than what the rates of two runs differ by. */
	in.stalled_share = 0.02;
	a = judged(&in);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
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
	/* In a longer run they would take longer still. */
	in.first_p50 = NSEC_PER_SEC;
	in.last_p50 = 8 * NSEC_PER_SEC;
	in.first_backlog = 100;
	in.last_backlog = 8000;
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "short-window"));
	in.first_p50 = in.last_p50 = 0;
	/* The time of the few answers that there were is not what went wrong. */
	spoil(&in, LEDGER_NOT_CONNECTED, in.ledger.planned * 19 / 20);
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "short-window"));
	in.ledger.classes[LEDGER_HTTP_ERROR] = in.ledger.planned / 10;
	in.ledger.classes[LEDGER_NOT_CONNECTED] -= in.ledger.planned / 10;
	a = judged(&in);
	ck_assert_ptr_nonnull(note_of(&a, "short-window"));
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
	{0, 15500, 0, "rotate", 0, MS,
		"a larger max-age, below the server's keep-alive timeout: rpsd closed 15,500 of "
		"30,000 connections by it"},
	/* Those that it left were closed by the server as soon. */
	{10, 15500, 0, "rotate", 0, MS,
		"a longer keep-alive timeout of the server, and then a larger max-age: rpsd closed "
		"15,500 of 30,000 connections by it"},
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

int main(void)
{
	Suite *suite = suite_create("audit of notes");
	TCase *tcase = tcase_create("audit of notes");

	tcase_add_loop_test(tcase, test_suspect, 0, 4);
	tcase_add_test(tcase, test_part_of_the_good_answers);
	tcase_add_loop_test(tcase, test_rate_beside_the_count, 0, 5);
	tcase_add_loop_test(tcase, test_part_of_a_figure, 0, 8);
	tcase_add_test(tcase, test_spinning);
	tcase_add_test(tcase, test_notes_without_a_verdict);
	tcase_add_test(tcase, test_frozen_generator);
	tcase_add_loop_test(tcase, test_saturated_borders, 0, 17);
	tcase_add_test(tcase, test_generator_errors);
	tcase_add_test(tcase, test_delay_that_is_nil);
	tcase_add_test(tcase, test_standstill);
	tcase_add_test(tcase, test_short_rows_are_counted);
	tcase_add_test(tcase, test_short_window);
	tcase_add_loop_test(tcase, test_keep_alive_names_who_closes, 0,
		(int)(sizeof(closings) / sizeof(*closings)));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
