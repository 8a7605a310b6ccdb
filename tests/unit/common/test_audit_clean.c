/* SPDX-License-Identifier: Apache-2.0 */
/*
 * False alarms. tests/data/audits_clean.txt holds what the audit saw of 100 clean runs on a virtual
 * machine of two CPUs: half of them left alone, as far as its other users did, half with one CPU
 * kept busy on purpose. Nothing was wrong with any of them but the machine. None may be called
 * saturated, and none may lose its headline, its exit status or the word that the plan was the
 * limit.
 *
 * "suspect" is no accusation but a remark, and on such a machine often a true one: it must then
 * stand on a part of the p99 that is of the generator's making, and a run whose p99 was not touched
 * must not have it, however late, busy or stolen from its machine was.
 */
#include "common/result/audit.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_run.h"

#define RUNS 100
#define QUIET 0.3 /* of the CPUs in use, by whomever */
#define LEN(x) (sizeof(x) / sizeof((x)[0]))

struct recorded {
	struct audit_run in;
	bool is_busy;
	double machine_busy; /* share of all CPUs, by everybody */
	char clocksource[32];
};

static struct recorded runs[RUNS];
static size_t n_runs;

/* Where a figure goes: at that offset, as an int64_t (also unsigned) or a double. */
#define INTEGER(name, member)                                                                      \
	{                                                                                          \
		name, offsetof(struct recorded, member), false                                     \
	}
#define REAL(name, member)                                                                         \
	{                                                                                          \
		name, offsetof(struct recorded, member), true                                      \
	}
static const struct {
	const char *name;
	size_t offset;
	bool is_real;
} members[] = {
	REAL("machine_busy", machine_busy),
	INTEGER("planned", in.ledger.planned),
	INTEGER("sent", in.ledger.sent),
	INTEGER("ok", in.ledger.classes[LEDGER_OK]),
	INTEGER("window_ns", in.window_ns),
	REAL("ok_per_s", in.ok_per_s),
	INTEGER("response_p50", in.response_p50),
	INTEGER("response_p99", in.response_p99),
	INTEGER("less_p50", in.less_p50),
	INTEGER("less_p99", in.less_p99),
	INTEGER("less_mean", in.less_mean),
	INTEGER("queue_peak", in.queue_peak),
	INTEGER("service_p50", in.service_p50),
	INTEGER("service_p99", in.service_p99),
	INTEGER("service_mean", in.service_mean),
	INTEGER("our_delay_p50", in.our_delay_p50),
	INTEGER("our_delay_p99", in.our_delay_p99),
	INTEGER("connection_wait_p50", in.connection_wait_p50),
	INTEGER("connection_wait_p99", in.connection_wait_p99),
	INTEGER("rx_slack_p99", in.rx_slack_p99),
	INTEGER("connections_limit", in.connections_limit),
	INTEGER("connections_peak", in.connections_peak),
	REAL("cpu_share", in.cpu_share),
	REAL("short_interval_share", in.short_interval_share),
	REAL("little_residual", in.little_residual),
	REAL("stalled_share", in.stalled_share),
	REAL("steal_share", in.steal_share),
	REAL("run_queue_share", in.run_queue_share),
	REAL("throttled_share", in.throttled_share),
	INTEGER("throttled_ns", in.throttled_ns),
	REAL("softirq_share", in.softirq_share),
	INTEGER("turn_p99", in.turn_p99),
	INTEGER("segments", in.segments),
	INTEGER("retransmits", in.retransmits),
	INTEGER("clock_ns", in.clock_ns),
	INTEGER("descriptors", in.descriptors),
	INTEGER("descriptors_used", in.descriptors_used),
	INTEGER("ports", in.ports),
	INTEGER("time_wait", in.time_wait),
};

/* One "name=value". */
static void take(struct recorded *r, const char *name, const char *value)
{
	unsigned workers;

	if (strcmp(name, "said") == 0)
		return; /* at that time */
	if (strcmp(name, "clocksource") == 0) {
		(void)snprintf(r->clocksource, sizeof(r->clocksource), "%s", value);
		return;
	}
	if (strcmp(name, "workers") == 0) {
		ck_assert_int_eq(sscanf(value, "%u", &workers), 1);
		r->in.workers = workers;
		return;
	}
	for (size_t i = 0; i < LEN(members); i++) {
		char *to = (char *)r + members[i].offset;
		double real = strtod(value, NULL);
		int64_t integer = strtoll(value, NULL, 10);

		if (strcmp(name, members[i].name) != 0)
			continue;
		if (members[i].is_real)
			memcpy(to, &real, sizeof(real));
		else
			memcpy(to, &integer, sizeof(integer));
		return;
	}
	ck_abort_msg("figure %s is not known here", name);
}

static void read_line(char *line)
{
	struct recorded *r = &runs[n_runs];
	char *save = NULL;
	char *word = strtok_r(line, " \n", &save);
	size_t n = 0;

	ck_assert_uint_lt(n_runs, RUNS);
	*r = (struct recorded){.in = {.is_open = true, .outcome = AUDIT_COMPLETED}};
	r->is_busy = strcmp(word, "busy") == 0;
	ck_assert(r->is_busy || strcmp(word, "quiet") == 0);
	while ((word = strtok_r(NULL, " \n", &save))) {
		char *value = strchr(word, '=');

		ck_assert_ptr_nonnull(value);
		*value++ = '\0';
		take(r, word, value);
		n++;
	}
	/* Older records have not the times without what the generator added. */
	ck_assert(n == LEN(members) + 3 || n == LEN(members) + 3 - 4);
	r->in.clocksource = r->clocksource;
	r->in.is_colocated = true;
	r->in.request_timeout = 30 * NSEC_PER_SEC;
	r->in.planned_per_s = (double)r->in.ledger.planned * NSEC_PER_SEC / (double)r->in.window_ns;
	n_runs++;
}

static void setup(void)
{
	static char line[4096];
	FILE *f = fopen("tests/data/audits_clean.txt", "re");

	ck_assert_ptr_nonnull(f);
	n_runs = 0;
	while (fgets(line, sizeof(line), f))
		if (line[0] != '#')
			read_line(line);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_uint_eq(n_runs, RUNS);
}

/* The reason for a verdict that is no more than suspect. */
static bool stands_on_a_figure(const struct audit *a)
{
	for (size_t i = 0; i < a->n_notes; i++)
		if (strcmp(a->notes[i].code, "our-delay") == 0 &&
			a->notes[i].value > a->notes[i].limit && *a->notes[i].try_text)
			return true;
	return false;
}

START_TEST(no_clean_run_is_accused)
{
	unsigned n_busy = 0;

	for (size_t i = 0; i < n_runs; i++) {
		struct audit a;

		audit_run_judge(&runs[i].in, &a);
		n_busy += runs[i].is_busy;
		ck_assert_msg(a.verdict != AUDIT_SATURATED, "run %zu: %s", i,
			a.n_notes ? a.notes[0].text : "");
		ck_assert_msg(a.headline == AUDIT_HEADLINE_OK, "run %zu: %s", i, a.because);
		ck_assert_msg(a.limited_by == AUDIT_BY_PLAN, "run %zu: %s", i,
			audit_limit_names[a.limited_by]);
		ck_assert_int_eq(a.exit_code, 0);
		ck_assert_str_eq(a.because, "");
	}
	ck_assert_uint_eq(n_busy, RUNS / 2);
}
END_TEST

START_TEST(what_is_suspect_has_a_figure)
{
	unsigned n_suspect = 0, n_ok = 0, n_quiet = 0, n_quiet_suspect = 0;

	for (size_t i = 0; i < n_runs; i++) {
		const struct audit_run *in = &runs[i].in;
		struct audit a;
		int64_t part_ns;

		audit_run_judge(in, &a);
		if (a.verdict == AUDIT_SUSPECT) {
			n_suspect++;
			ck_assert_msg(stands_on_a_figure(&a), "run %zu", i);
		}
		n_quiet += runs[i].machine_busy < QUIET;
		n_quiet_suspect += runs[i].machine_busy < QUIET && a.verdict == AUDIT_SUSPECT;
		part_ns = in->less_p99 > 0 ? in->response_p99 - in->less_p99 : in->our_delay_p99;
		if (part_ns <= NSEC_PER_MSEC || 10 * part_ns <= in->response_p99) {
			n_ok++;
			ck_assert_msg(a.verdict == AUDIT_OK, "run %zu: %s", i,
				a.n_notes ? a.notes[0].text : "");
		}
	}
	/* The record has some of both, or it would show nothing. */
	ck_assert_uint_gt(n_suspect, 0);
	ck_assert_uint_gt(n_ok, 0);
	/* Where nobody else wants the CPU, it is rare. */
	ck_assert_uint_ge(n_quiet, 20);
	ck_assert_uint_le(n_quiet_suspect, n_quiet / 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit of clean runs");
	TCase *t = tcase_create("clean");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, no_clean_run_is_accused);
	tcase_add_test(t, what_is_suspect_has_a_figure);
	suite_add_tcase(s, t);
	return suite_main(s);
}
