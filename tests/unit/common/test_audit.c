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
#include "tests/support/recorded.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_judged.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define MS NSEC_PER_MSEC

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
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_FAILED);
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
	ck_assert_int_ne(a.headline, AUDIT_HEADLINE_FAILED);
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
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);
	ck_assert_str_eq(a.because, "nothing could be sent: no connection was made");
	ck_assert_double_lt(a.our_delay_share_of_p99, 0);

	in.failed_by = FAULT_NO_DESCRIPTORS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_GENERATOR, EXIT_RUN_FAILED);

	/* A plan without a request is no success. */
	in.failed_by = FAULT_NONE;
	in.outcome = AUDIT_COMPLETED;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_PLAN, EXIT_RUN_FAILED);
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
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_SERVER, EXIT_RUN_FAILED);
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
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);

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
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_FAILED, AUDIT_BY_UNKNOWN, EXIT_RUN_FAILED);
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
	tcase_add_test(tcase, test_closed);
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
