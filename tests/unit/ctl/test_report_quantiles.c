/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside percentiles: how far they may be off, and what is said where a rank falls on
 * an arrival without a good answer, or where the sample is too small. */
#include "common/clock.h"
#include "common/str.h"
#include "ctl/report/report.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

/* The document's text, with this in it or without; it is used up. */
static void says(json_t *doc, bool verbose, const char *what, bool is_there)
{
	struct style style = {.width = 80, .utf8 = true, .verbose = verbose};
	char *text = fixture_render(&format_text, doc, style);

	ck_assert_msg(is_there == (strstr(text, what) != NULL), "'%s' in:\n%s", what, text);
	free(text);
}

/* 98 of 100 were answered; of the others so many timed out, expired and were dropped. */
static const struct {
	int timeout, expired, dropped;
	int64_t limit_ns;
	const char *cell;
} unserved_rows[] = {
	{2, 0, 0, 2 * NSEC_PER_SEC, ">=2s"},
	{1, 1, 0, 2 * NSEC_PER_SEC, ">=2s"},
	{2, 0, 0, 1500 * NSEC_PER_MSEC, ">=1.5s"},
	{2, 0, 0, 250 * NSEC_PER_MSEC, ">=250ms"},
	{2, 0, 0, 3600 * NSEC_PER_SEC, ">=3600s"},
	{2, 0, 0, 0, "unserved"},
	{2, 0, 0, 123456 * NSEC_PER_SEC, "unserved"}, /* no room */
	{1, 0, 1, 2 * NSEC_PER_SEC, "unserved"},
	{0, 2, 0, 2 * NSEC_PER_SEC, "unserved"}, /* they were never sent: nothing timed out */
	{0, 0, 2, 2 * NSEC_PER_SEC, "unserved"},
};

START_TEST(test_timeouts_are_a_bound)
{
	json_t *doc = recorded_report("open");
	const char *cell = unserved_rows[_i].cell;
	const char *response[REPORT_CELLS] = {
		"1.21", "2.96", "4.11", cell, cell, cell, "-", "0.484"};
	struct report_quantiles t;
	char line[96];
	struct report r;

	fixture_set(doc, "plan.effective", "request_timeout_ns",
		json_integer(unserved_rows[_i].limit_ns));
	fixture_set(doc, "ledger", "planned", json_integer(100));
	fixture_set(doc, "ledger", "ok", json_integer(98));
	fixture_set(doc, "ledger", "timeout", json_integer(unserved_rows[_i].timeout));
	fixture_set(doc, "ledger", "expired", json_integer(unserved_rows[_i].expired));
	fixture_set(doc, "ledger", "dropped", json_integer(unserved_rows[_i].dropped));
	report_init(&r, doc);
	ck_assert_str_eq(report_unserved(&r, doc).text, unserved_rows[_i].cell);
	fixture_set(doc, "offered", "p99_ns", json_null());
	fixture_set(doc, "offered", "p99_9_ns", json_null());
	fixture_set(doc, "offered", "unserved_share", json_real(0.02));
	report_quantiles(&r, &t);
	ck_assert_str_eq(t.rows[1].name, "response");
	for (size_t c = 0; c < REPORT_CELLS; c++)
		ck_assert_str_eq(t.rows[1].cells[c].text, response[c]);
	(void)snprintf(line, sizeof(line), "\n  p99          %9s ", unserved_rows[_i].cell);
	says(doc, true, line, true);
	json_decref(doc);
}
END_TEST

START_TEST(test_half_width_is_the_larger_side)
{
	json_t *doc = recorded_report("open");
	struct report_interval i;
	struct report r;

	report_init(&r, doc);
	fixture_set(doc, "offered", "p99_ns", json_integer(10000000));
	fixture_set(doc, "latency.response.ci95", "p99_ns", json_pack("[i, i]", 9500000, 12000000));
	ck_assert(report_quantile_interval(&r, "p99_ns", &i));
	ck_assert_str_eq(i.low.text, "9.50");
	ck_assert_str_eq(i.high.text, "12.0");
	ck_assert_str_eq(i.half.text, "2.00");
	fixture_set(doc, "latency.response.ci95", "p99_ns", json_pack("[i, i]", 5000000, 12000000));
	ck_assert(report_quantile_interval(&r, "p99_ns", &i));
	ck_assert_str_eq(i.half.text, "5.00");
	fixture_set(doc, "latency.response.ci95", "p99_ns", json_pack("[i, n]", 5000000));
	ck_assert(report_quantile_interval(&r, "p99_ns", &i));
	ck_assert_str_eq(i.low.text, "5.00");
	ck_assert_str_eq(i.high.text, "no limit");
	ck_assert_str_eq(i.half.text, "no limit");
	fixture_set(doc, "latency.response.ci95", "p99_ns", json_null());
	ck_assert(!report_quantile_interval(&r, "p99_ns", &i));
	ck_assert_str_eq(i.half.text, "-");
	ck_assert(!report_quantile_interval(&r, "p75_ns", &i));
	json_decref(doc);
}
END_TEST

/* No cell is left blank, which would read as 0. */
START_TEST(test_cells_without_interval)
{
	json_t *doc = recorded_report("open");
	struct report_quantiles t;
	struct report r;

	report_init(&r, doc);
	report_quantiles(&r, &t);
	ck_assert_str_eq(t.rows[2].name, "  95 % ±");
	for (size_t c = 0; c < REPORT_CELLS; c++) {
		bool has = c == 0 || c == 1 || c == 3 || c == 4;

		ck_assert_msg(has == !str_eq(t.rows[2].cells[c].text, "-"), "%s: '%s'",
			t.rows[0].cells[c].text, t.rows[2].cells[c].text);
		ck_assert(*t.rows[2].cells[c].text);
	}
	json_decref(doc);
}
END_TEST

START_TEST(test_level_is_said)
{
	json_t *doc = recorded_report("open");

	says(doc, false, "\n    95 % ±  ", true);
	fixture_set(doc, "latency.response.ci95", "level", json_real(0.99));
	says(doc, false, "\n    99 % ±  ", true);
	says(doc, true, "with 99 % intervals", true);
	fixture_set(doc, "latency.response.ci95", "level", json_integer(7)); /* nonsense */
	says(doc, false, "\n    95 % ±  ", true);
	json_decref(doc);
}
END_TEST

START_TEST(test_effective_numbers)
{
	static const struct {
		double n;
		const char *text;
	} rows[] = {{31.4, "n_eff 31.4"}, {9803.2, "n_eff 9,800"}, {88123, "n_eff 88,100"},
		{999499, "n_eff 999,000"}, {999501, "n_eff 1M"}, {1.264e6, "n_eff 1.26M"},
		{2.5e9, "n_eff 2.5G"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *doc = recorded_report("open");
		struct report r;

		fixture_set(doc, "latency.response.n_effective", "p99", json_real(rows[i].n));
		report_init(&r, doc);
		ck_assert_str_eq(report_effective(&r, "p99").text, rows[i].text + 6);
		says(doc, false, rows[i].text, true);
		says(doc, false, "…", false);
		json_decref(doc);
	}
}
END_TEST

START_TEST(test_not_enough_data)
{
	static const char *const names[] = {"p50", "p90", "p99", "p99_9"};
	json_t *doc = recorded_report("open");
	char name[16];

	says(doc, false, "not enough data", false);
	says(doc, true, "enough for each percentile", true);
	fixture_set(doc, "latency.response.ci95", "p99_9_ns", json_null());
	fixture_set(doc, "latency.response.n_effective", "p99_9", json_real(810));
	says(doc, false,
		"  note    not enough data to bound p99.9: n_eff 810 where 2,995 are needed\n",
		true);
	fixture_set(doc, "latency.response.ci95", "p99_ns", json_null());
	fixture_set(doc, "latency.response.n_effective", "p99", json_real(120));
	says(doc, false, "not enough data to bound p99, p99.9: n_eff 120, 810 where 299, 2,995",
		true);
	/* Whose rank falls on nobody's answer lacks no data. */
	fixture_set(doc, "latency.response.n_effective", "p99_9", json_null());
	says(doc, false, "not enough data to bound p99: n_eff 120 where 299", true);
	/* And one that has a low end only. */
	fixture_set(doc, "latency.response.ci95", "p90_ns", json_pack("[i, n]", 5000000));
	fixture_set(doc, "latency.response.ci95", "p99_9_ns", json_pack("[i, n]", 9000000));
	says(doc, false,
		"  note    not enough data to bound p99: n_eff 120 where 299 are needed; no upper\n"
		"          limit of p90, p99.9: at least 5.00, 9.00 ms\n",
		true);
	/* A short run. */
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "%s_ns", names[i]);
		fixture_set(doc, "latency.response.ci95", name, json_null());
		fixture_set(doc, "latency.response.n_effective", names[i], json_null());
	}
	says(doc, false, "that takes 10 s\n", true);
	says(doc, false, "±", false);
	/* What another version wrote is not blamed. */
	json_object_del(json_object_get(json_object_get(doc, "latency"), "response"), "ci95");
	says(doc, false, "not enough data", false);
	json_decref(doc);
}
END_TEST

/* The row of our delay is marked for a note of its own, and not for another's. */
START_TEST(test_mark_of_our_delay)
{
	static const char *const codes[] = {"our-delay", "rx-slack"};
	json_t *doc = recorded_report("open");
	char *text;

	fixture_set(doc, "generator", "verdict", json_string("suspect"));
	fixture_set(doc, "generator", "notes",
		json_pack("[{s:s, s:s, s:s}]", "code", codes[_i], "text", "a reason", "try", ""));
	text = fixture_render(&format_text, doc, (struct style){.width = 80, .utf8 = true});
	ck_assert_msg(strstr(text, "  note    a reason\n"), "%s", text);
	ck_assert_msg((strstr(text, "suspect") != NULL) == (_i == 0), "%s", text);
	ck_assert_msg((strstr(text, " of p99\n") != NULL) == (_i == 1), "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

/* What of the p99 is ours is of the good answers, whose row is another where some have none. */
START_TEST(test_part_of_the_ok_row)
{
	for (int ours = 0; ours < 2; ours++)
		for (int unserved = 0; unserved < 2; unserved++) {
			json_t *doc = recorded_report("open");
			char *text;

			fixture_set(doc, "latency.response", "p99_ns", json_integer(5000000));
			fixture_set(doc, "latency.response_less_ours", "p99_ns",
				json_integer(ours ? 3000000 : 5000000));
			fixture_set(doc, "offered", "unserved_share", json_real(0.02 * unserved));
			text = fixture_render(
				&format_text, doc, (struct style){.width = 120, .utf8 = true});
			ck_assert_msg(
				(strstr(text, "  2.00 ms of p99\n") != NULL) == (ours && !unserved),
				"%s", text);
			ck_assert_msg((strstr(text, "  2.00 ms of ok p99\n") != NULL) ==
					      (ours && unserved),
				"%s", text);
			ck_assert_msg(
				(strstr(text, "  none of p99\n") != NULL) == (!ours && !unserved),
				"%s", text);
			free(text);
			json_decref(doc);
		}
}
END_TEST

START_TEST(test_nothing_served_lacks_no_data)
{
	json_t *doc = recorded_report("overload");

	says(doc, true, "not enough data", false);
	json_decref(doc);
}
END_TEST

START_TEST(test_steadiness_marks_the_percentiles)
{
	static const struct {
		const char *word, *mark;
	} rows[] = {{"unsteady", "  unsteady\n"}, {"warm-up too short", "  warming up\n"},
		{"steady", "  n_eff 9,800\n"}, {"staged", "  n_eff 9,800\n"},
		{"unknown", "  n_eff 9,800\n"}, {"something new", "  n_eff 9,800\n"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *doc = recorded_report("open");

		fixture_set(doc, "steadiness", "word", json_string(rows[i].word));
		says(doc, false, rows[i].mark, true);
		says(doc, true, rows[i].word, true);
		json_decref(doc);
	}
}
END_TEST

START_TEST(test_slow_in_words)
{
	json_t *doc = recorded_report("requests");
	json_t *slow = json_pack("{s:I s:I s:s s:i s:s s:i}", "at_ns", (json_int_t)108200000000,
		"response_ns", (json_int_t)5000000000, "request", "buy", "status", 503, "class",
		"http_error", "connection", 31);
	struct report r;
	char text[256];

	report_init(&r, doc);
	report_slow(&r, slow, text, sizeof(text));
	ck_assert_str_eq(text, "5,000 ms buy http error 503, connection 31, planned at 1:48");
	json_object_clear(slow);
	report_slow(&r, slow, text, sizeof(text));
	ck_assert_str_eq(text, "0 ms , planned at 0:00");
	json_decref(slow);
	json_decref(doc);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report quantiles");
	Suite *suite = suite_create("report quantiles");

	tcase_add_loop_test(tcase, test_timeouts_are_a_bound, 0,
		(int)(sizeof(unserved_rows) / sizeof(*unserved_rows)));
	tcase_add_test(tcase, test_half_width_is_the_larger_side);
	tcase_add_test(tcase, test_cells_without_interval);
	tcase_add_test(tcase, test_level_is_said);
	tcase_add_test(tcase, test_effective_numbers);
	tcase_add_test(tcase, test_not_enough_data);
	tcase_add_loop_test(tcase, test_mark_of_our_delay, 0, 2);
	tcase_add_test(tcase, test_part_of_the_ok_row);
	tcase_add_test(tcase, test_nothing_served_lacks_no_data);
	tcase_add_test(tcase, test_steadiness_marks_the_percentiles);
	tcase_add_test(tcase, test_slow_in_words);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
