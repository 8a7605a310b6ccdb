/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the audit makes of the machine: each figure says nothing up to its limit and nothing when it
 * is unknown, and beyond it gives the figure, the limit and what to try. Only a quota, neighbours
 * and a standstill are reasons for a verdict, and only in the closed model.
 */
#include "common/result/audit.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_run.h"

#define MS NSEC_PER_MSEC
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* On a machine that is well in every figure. */
static struct audit_run with_machine(struct audit_run in)
{
	in.run_queue_share = 0.01;
	in.turn_p99 = MS;
	in.softirq_share = 0.05;
	in.segments = 60000;
	in.retransmits = 9;
	in.clocksource = "tsc";
	in.clock_ns = 30;
	in.descriptors = 1000;
	in.descriptors_used = 30;
	in.ports = 28232;
	in.time_wait = 100;
	return in;
}

static struct audit_run well(void)
{
	return with_machine(audit_run_well());
}

static struct audit_run well_closed(void)
{
	return with_machine(audit_run_well_closed());
}

static const struct audit_note *note_of(const struct audit *a, const char *code)
{
	for (size_t i = 0; i < a->n_notes; i++)
		if (strcmp(a->notes[i].code, code) == 0)
			return &a->notes[i];
	return NULL;
}

/* ---------------------------------------------------------------- each figure by itself */

static void set_throttled(struct audit_run *in, double v)
{
	in->throttled_share = v;
	in->throttled_ns = 1240 * MS;
}

static void set_steal(struct audit_run *in, double v)
{
	in->steal_share = v;
}

static void set_stalled(struct audit_run *in, double v)
{
	in->stalled_share = v;
}

static void set_run_queue(struct audit_run *in, double v)
{
	in->run_queue_share = v;
}

static void set_turn(struct audit_run *in, double v)
{
	in->turn_p99 = (int64_t)v;
}

static void set_softirq(struct audit_run *in, double v)
{
	in->softirq_share = v;
}

static void set_retransmits(struct audit_run *in, double v)
{
	in->retransmits = (int64_t)v;
}

static void set_clock(struct audit_run *in, double v)
{
	in->clock_ns = (int64_t)v;
}

static void set_descriptors(struct audit_run *in, double v)
{
	in->descriptors_used = (uint64_t)v;
}

static void set_ports(struct audit_run *in, double v)
{
	in->time_wait = (int64_t)v;
}

static const struct {
	const char *code;
	void (*set)(struct audit_run *in, double v);
	double quiet, loud, limit;
	enum audit_verdict closed_verdict;
	const char *text, *try_text;
} figures[] = {
	{"throttled", set_throttled, 0, 0.62, 0, AUDIT_SUSPECT,
		"the quota of CPU time ran out in 62.0 % of its periods, for 1.24 s altogether",
		"a larger quota of CPU time: CPUQuota= of the service, cpu.max of the cgroup"},
	{"steal", set_steal, 0.05, 0.12, 0.05, AUDIT_SUSPECT,
		"12.0 % of this machine's CPU time went to other virtual machines",
		"a dedicated machine"},
	{"standstill", set_stalled, 0.01, 0.03, 0.01, AUDIT_SUSPECT,
		"a worker stood still for 3.00 % of the run",
		"see what stopped rpsd: a CPU quota, SIGSTOP, a machine that was paused"},
	{"run-queue", set_run_queue, 0.10, 0.25, 0.10, AUDIT_OK,
		"a worker waited for a CPU for 25.0 % of the run",
		"a quieter machine; fewer programs than CPUs"},
	{"turns", set_turn, 10e6, 12e6, 10e6, AUDIT_OK,
		"a turn of a worker's loop took up to 12.0 ms (p99), others waited for it",
		"fewer connections on each worker: -t, if this machine has a CPU to spare"},
	{"softirq", set_softirq, 0.25, 0.4, 0.25, AUDIT_OK,
		"40.0 % of this machine's CPU time went into packets and timers",
		"a quieter machine"},
	{"retransmits", set_retransmits, 300, 1200, 300, AUDIT_OK,
		"1,200 of 60,000 TCP segments of the run's connections were sent again",
		"see where packets are lost, or which side reads slowly (nstat "
		"TcpExtTCPToZeroWindowAdv, ss -ti); a full queue of the server's new connections "
		"loses them too"},
	{"clock", set_clock, 200, 640, 200, AUDIT_OK,
		"reading the clock takes 640 ns (clocksource tsc), and each request reads it three "
		"times",
		"another clocksource, if the kernel has one: "
		"/sys/devices/system/clocksource/clocksource0"},
	{"descriptors", set_descriptors, 950, 980, 950, AUDIT_OK,
		"980 of 1,000 descriptors were in use",
		"more descriptors: ulimit -n, or LimitNOFILE= of the service"},
	{"ports-used", set_ports, 26820, 28000, 26820.4, AUDIT_OK,
		"28,000 connections hold their ports for another minute, and there are 28,232",
		"connections that stay open; more addresses to connect from (--set "
		"connections.source=ADDRESSES); "
		"a wider net.ipv4.ip_local_port_range"},
};

START_TEST(each_figure_has_its_limit)
{
	struct audit_run in = well();
	const struct audit_note *note;
	struct audit a;

	figures[_i].set(&in, figures[_i].quiet);
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 0);

	figures[_i].set(&in, -1);
	in.descriptors_used = 0;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 0);

	figures[_i].set(&in, figures[_i].loud);
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_uint_eq(a.n_notes, 1);
	note = note_of(&a, figures[_i].code);
	ck_assert_ptr_nonnull(note);
	ck_assert_double_eq_tol(note->value, figures[_i].loud, 1e-9);
	ck_assert_double_eq_tol(note->limit, figures[_i].limit, 1e-6);
	ck_assert_str_eq(note->text, figures[_i].text);
	ck_assert_str_eq(note->try_text, figures[_i].try_text);
	/* None of them is by itself a reason for an exit code or another headline. */
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OK);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_PLAN);
	ck_assert_int_eq(a.exit_code, 0);

	/* What it takes of the rate is a figure of the closed model. */
	in = well_closed();
	figures[_i].set(&in, figures[_i].loud);
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, figures[_i].closed_verdict);
}
END_TEST

START_TEST(units)
{
	static const struct {
		const char *code, *unit;
	} codes[] = {{"our-delay", "ns"}, {"turns", "ns"}, {"clock", "ns"}, {"steal", "share"},
		{"throttled", "share"}, {"ceiling", "share"}, {"no-ports", "count"},
		{"ledger", "count"}, {"descriptors", "count"}};

	for (size_t i = 0; i < LEN(codes); i++) {
		struct note note;

		ck_assert(note_find(codes[i].code, &note));
		ck_assert_str_eq(note.unit, codes[i].unit);
	}
}
END_TEST

/* Each code is one note, and has a unit wherever it has a limit. */
START_TEST(table_of_notes)
{
	struct note note;

	for (unsigned i = 0; i < NOTE_COUNT; i++) {
		ck_assert(note_find(note_table[i].code, &note));
		ck_assert_ptr_eq(note.code, note_table[i].code);
		ck_assert(note.unit || note.limit == 0);
		for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
			ck_assert_str_ne(note.code, fault_table[f].name);
	}
	ck_assert(note_find(fault_table[FAULT_NO_PORTS].name, &note));
	ck_assert_int_eq(note.verdict, AUDIT_SATURATED);
	ck_assert(note.is_of_run);
	ck_assert(!note_find("", NULL));
	ck_assert(!note_find("banana", NULL));
}
END_TEST

START_TEST(few_lost_segments_are_nothing)
{
	struct audit_run in = well();
	struct audit a;

	in.segments = 100;
	in.retransmits = 9;
	audit_run_judge(&in, &a);
	ck_assert_uint_eq(a.n_notes, 0);
	in.retransmits = 10;
	audit_run_judge(&in, &a);
	ck_assert_ptr_nonnull(note_of(&a, "retransmits"));
}
END_TEST

/* A window that is closed is probed with what was not taken: nothing was lost. */
START_TEST(a_slow_reader_is_named)
{
	struct audit_run in = well();
	struct audit a;

	in.segments = 1000;
	in.retransmits = 26;
	in.send_stall_p50 = 341 * MS;
	audit_run_judge(&in, &a);
	ck_assert_str_eq(note_of(&a, "retransmits")->try_text,
		"see why the server takes requests slowly (send stall p50 341 ms): segments that "
		"it takes late are sent again; where packets are lost: nstat, ss -ti");
	in.send_stall_p50 = MS / 2;
	audit_run_judge(&in, &a);
	ck_assert_ptr_nonnull(strstr(note_of(&a, "retransmits")->try_text, "which side reads"));
}
END_TEST

static const struct {
	const char *source;
	bool is_told;
} clocks[] = {
	{"tsc", false},
	{"kvm-clock", false},
	{"arch_sys_counter", false},
	{"hyperv_clocksource_tsc_page", false},
	{"", false},
	{NULL, false},
	{"hpet", true},
	{"acpi_pm", true},
	{"refined-jiffies", true},
};

START_TEST(clocks_are_known_by_name)
{
	struct audit_run in = well();
	struct audit a;

	in.clocksource = clocks[_i].source;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(note_of(&a, "clock") != NULL, clocks[_i].is_told);
	in.clock_ns = 0;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(note_of(&a, "clock") != NULL, clocks[_i].is_told);
	in.clock_ns = 201; /* slow, whatever its name */
	audit_run_judge(&in, &a);
	ck_assert_ptr_nonnull(note_of(&a, "clock"));
}
END_TEST

/* ---------------------------------------------------------------- together */

/* A small share explains a delay that is there. */
START_TEST(causes_are_told_beside_a_delay)
{
	struct audit_run in = well();
	struct audit a;

	in.run_queue_share = 0.03;
	in.turn_p99 = 4 * MS;
	audit_run_judge(&in, &a);
	ck_assert_uint_eq(a.n_notes, 0);
	in.our_delay_p99 = 2 * MS;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
	ck_assert_str_eq(
		note_of(&a, "run-queue")->text, "a worker waited for a CPU for 3.00 % of the run");
	ck_assert_ptr_nonnull(note_of(&a, "turns"));
}
END_TEST

/* A quota of 20 %: late, and it says why and what to try. */
START_TEST(a_quota_is_the_reason)
{
	struct audit_run in = well();
	struct audit a;

	in.throttled_share = 0.9;
	in.throttled_ns = 20 * NSEC_PER_SEC;
	in.our_delay_p50 = 40 * MS;
	in.our_delay_p99 = 80 * MS;
	in.response_p99 = 83 * MS;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_GENERATOR);
	ck_assert_ptr_nonnull(note_of(&a, "throttled"));
	ck_assert_ptr_nonnull(note_of(&a, "our-delay"));
	ck_assert_str_eq(a.try_text,
		"a larger quota of CPU time: CPUQuota= of the service, cpu.max of the cgroup");
}
END_TEST

/* Recorded: 60,000/s with a quota of 20 %. Connections and answers wait for us, so neither the pool
 * nor the server is to blame. */
START_TEST(a_quota_makes_the_server_look_slow)
{
	struct audit_run in = well();
	struct audit a;

	in.ledger = (struct ledger){
		.planned = 120000, .sent = 120000, .classes = {[LEDGER_OK] = 120000}};
	in.window_ns = 2 * NSEC_PER_SEC;
	in.planned_per_s = 60000;
	in.ok_per_s = 46535;
	in.response_p50 = 197 * MS;
	in.response_p99 = 620 * MS;
	in.service_p50 = 3 * MS;
	in.service_p99 = 83 * MS;
	in.service_mean = 10 * MS;
	in.our_delay_p50 = 41 * MS;
	in.our_delay_p99 = 175 * MS;
	in.connection_wait_p50 = 115 * MS;
	in.connection_wait_p99 = 585 * MS;
	in.connections_peak = 793;
	in.cpu_share = 0.2;
	in.short_interval_share = 1;
	if (_i == 0)
		in.throttled_share = 0.96;
	else
		in.run_queue_share = 0.78;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_SATURATED);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OVERLOAD);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_GENERATOR);
	ck_assert_ptr_nonnull(strstr(a.because, "limited by the generator: sent 120,000"));
	/* Without either it is the server's. */
	in.throttled_share = in.run_queue_share = 0;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_SERVER);
}
END_TEST

/* A quota that ran out for moments takes little of the rate. */
START_TEST(a_quota_that_hardly_ran_out)
{
	struct audit_run in = well_closed();
	struct audit a;

	in.throttled_share = 0.02;
	in.throttled_ns = in.window_ns / 50;
	audit_run_judge(&in, &a);
	ck_assert_ptr_nonnull(note_of(&a, "throttled"));
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	in.throttled_ns++;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
}
END_TEST

START_TEST(closed_runs_that_are_kept_from_their_cpu)
{
	struct audit_run in = well_closed();
	struct audit a;

	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_SERVER);
	/* half on a CPU and half waiting for one: it does nothing but want it */
	in.run_queue_share = 0.4;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_GENERATOR);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OK);
	ck_assert_int_eq(a.verdict, AUDIT_OK);
	in.run_queue_share = -1;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_SERVER);
	in.cpu_share = 0.2;
	in.throttled_share = 0.5;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.limited_by, AUDIT_BY_GENERATOR);
	ck_assert_int_eq(a.verdict, AUDIT_SUSPECT);
}
END_TEST

/* It balances in the end, but it did not on the way. */
START_TEST(a_ledger_that_was_wrong_on_the_way)
{
	struct audit_run in = _i ? well_closed() : well();
	struct audit a;

	in.unbalanced = 3;
	audit_run_judge(&in, &a);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_VOID);
	ck_assert_int_eq(a.exit_code, EXIT_UNDECIDED);
	ck_assert_str_eq(
		a.because, "the ledger did not balance during the run: at the end of 3 intervals");
	ck_assert_str_eq(a.try_text, "report this as a bug of rpsd, with the result file");
	ck_assert_str_eq(note_of(&a, "ledger-interval")->text,
		"a worker's ledger did not balance at the end of 3 intervals");
}
END_TEST

START_TEST(the_worst_fits)
{
	static char longest[2000];
	struct audit_run in = well();
	struct audit a;

	memset(longest, 'x', sizeof(longest) - 1);
	in.our_delay_p99 = in.response_p99 = INT64_MAX;
	in.unbalanced = UINT64_MAX;
	in.run_queue_share = in.throttled_share = in.softirq_share = in.steal_share = 1;
	in.stalled_share = in.little_residual = 1e9;
	in.throttled_ns = in.turn_p99 = in.retransmits = INT64_MAX;
	in.rx_slack_p99 = in.clock_ns = in.time_wait = in.segments = INT64_MAX;
	in.clocksource = longest;
	in.descriptors = in.descriptors_used = in.ports = UINT64_MAX;
	in.is_colocated = true;
	audit_run_judge(&in, &a);
	ck_assert_uint_ge(a.n_notes, 12);
	ck_assert_uint_lt(a.n_notes, AUDIT_NOTES_MAX);
	for (size_t i = 0; i < a.n_notes; i++) {
		ck_assert_uint_gt(strlen(a.notes[i].text), 0);
		ck_assert_uint_lt(strlen(a.notes[i].text), sizeof(a.notes[i].text) - 1);
		ck_assert_uint_lt(strlen(a.notes[i].try_text), sizeof(a.notes[i].try_text) - 1);
	}
	ck_assert_uint_lt(strlen(a.because), sizeof(a.because) - 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit of the machine");
	TCase *t = tcase_create("machine");

	tcase_add_loop_test(t, each_figure_has_its_limit, 0, (int)LEN(figures));
	tcase_add_test(t, units);
	tcase_add_test(t, table_of_notes);
	tcase_add_test(t, few_lost_segments_are_nothing);
	tcase_add_test(t, a_slow_reader_is_named);
	tcase_add_loop_test(t, clocks_are_known_by_name, 0, (int)LEN(clocks));
	tcase_add_test(t, causes_are_told_beside_a_delay);
	tcase_add_test(t, a_quota_is_the_reason);
	tcase_add_loop_test(t, a_quota_makes_the_server_look_slow, 0, 2);
	tcase_add_test(t, a_quota_that_hardly_ran_out);
	tcase_add_test(t, closed_runs_that_are_kept_from_their_cpu);
	tcase_add_loop_test(t, a_ledger_that_was_wrong_on_the_way, 0, 2);
	tcase_add_test(t, the_worst_fits);
	suite_add_tcase(s, t);
	return suite_main(s);
}
