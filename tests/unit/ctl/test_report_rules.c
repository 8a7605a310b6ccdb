/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of the rules: order, value, interval, reason; and the rules of the command line. */
#include "ctl/report/report.h"

#include <check.h>

#include "common/exit_codes.h"
#include "common/result/result_table.h"
#include "ctl/options.h"
#include "ctl/report/rules.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

static const char rows[] =
	"[{\"rule\":\"p99 < 50ms\",\"kind\":\"require\",\"unit\":\"ns\",\"value\":43700000.0,"
	"\"low\":41800000.0,\"high\":45600000.0,\"result\":\"pass\"},"
	"{\"rule\":\"p99.9 < 50ms\",\"kind\":\"require\",\"unit\":\"ns\",\"value\":48700000.0,"
	"\"low\":41800000.0,\"high\":null,\"result\":\"undecided\",\"because\":\"400 requests, and "
	"p99.9 takes 2,995\",\"try\":\"a longer run\"},"
	"{\"rule\":\"request buy: response p99 < 80ms\",\"kind\":\"require\",\"unit\":\"ns\","
	"\"value\":null,\"result\":\"fail\"},"
	"{\"rule\":\"errors < 0.1%\",\"kind\":\"require\",\"unit\":\"share\",\"value\":0.0006,"
	"\"low\":0.0004,\"high\":0.0008,\"result\":\"pass\"},"
	"{\"rule\":\"status 5xx <= 3\",\"kind\":\"require\",\"unit\":\"count\",\"value\":1234,"
	"\"result\":\"fail\"},"
	"{\"rule\":\"rate > 900/s\",\"kind\":\"require\",\"unit\":\"/s\",\"value\":950.0,"
	"\"result\":\"pass\"},"
	"{\"rule\":\"unsteady\",\"kind\":\"require\",\"result\":\"pass\"},"
	"{\"rule\":\"p99 > 2s over 10s\",\"kind\":\"abort-if\"},"
	"{\"rule\":\"a later | "
	"form\",\"kind\":\"require\",\"unit\":\"new\",\"result\":\"new\"},5,{}]";

static json_t *ruled(const char *headline)
{
	json_t *doc = recorded_report("open");

	fixture_set(doc, "headline", "result", json_string(headline));
	json_object_set_new(doc, "thresholds", json_loads(rows, 0, NULL));
	return doc;
}

static const char *const lines[] = {
	"  FAIL   2 of 8 rules are broken\n",
	"\n\n"
	"  FAIL       request buy: response p99 < 80ms  unserved\n"
	"  FAIL       status 5xx <= 3                      1,234\n"
	"  undecided  response p99.9 < 50ms              48.7 ms   400 requests, and\n"
	"                                                          p99.9 takes 2,995\n"
	"  undecided  a later | form                           -\n"
	"  pass       response p99 < 50ms                43.7 ms   95 %: 41.8 to 45.6 ms\n"
	"  pass       errors < 0.1%                       0.06 %   95 %: 0.04 to 0.08 %\n"
	"  pass       rate > 900/s                         950/s\n"
	"  pass       unsteady\n"
	"\n",
};

START_TEST(broken_rules_come_first)
{
	json_t *doc = ruled("fail");
	char *text = fixture_render(&format_text, doc, (struct style){.width = 80, .utf8 = true});

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "%s\nis not in\n%s", lines[i], text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(an_undecided_run_says_what_helps)
{
	json_t *doc = ruled("undecided");
	char *text;

	fixture_set(doc, "headline", "try", json_string(""));
	text = fixture_render(&format_text, doc, (struct style){.width = 80, .utf8 = true});
	ck_assert_msg(strstr(text, "  UNDECIDED   2 of 8 rules are undecided\n"), "%s", text);
	ck_assert_msg(strstr(text, "try  a longer run\n"), "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(the_closed_model_has_service_times)
{
	json_t *doc = recorded_report("closed");
	char *text;

	json_object_set_new(doc, "thresholds", json_loads(rows, 0, NULL));
	text = fixture_render(&format_text, doc, (struct style){.width = 80, .utf8 = true});
	ck_assert_msg(strstr(text, "service p99 < 50ms"), "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(a_summary_has_a_table)
{
	json_t *doc = ruled("fail");
	char *text = fixture_render(&format_md, doc, (struct style){.width = 80, .utf8 = true});

	ck_assert_msg(strstr(text, "\n| | rule | value | |\n|:--|:--|--:|:--|\n"
				   "| FAIL | `request buy: response p99 < 80ms` | unserved |  |\n"),
		"%s", text);
	ck_assert_msg(strstr(text, "| undecided | `a later \\| form` | - |  |\n"), "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(without_rules_there_are_no_lines)
{
	json_t *doc = recorded_report("open");
	struct report r;

	report_init(&r, doc);
	ck_assert_uint_eq(report_n_rules(&r), 0);
	report_rule_lines(&r);
	ck_assert_uint_eq(r.text.len, 0);
	json_decref(doc);
}
END_TEST

/* ---------------------------------------------------------------- of the command line */

static const struct {
	const char *run, *rule, *undecided;
	int status; /* of the command */
	const char *headline;
	int64_t exit_code;
} gates[] = {
	{"open", "p99 < 50ms", NULL, 0, "pass", 0},
	{"open", "p99 < 10us", NULL, 0, "fail", EXIT_RULE_FAILED},
	{"open", "p99.99 < 50ms", NULL, 0, "undecided", EXIT_UNDECIDED},
	{"open", "p99.99 < 50ms", "pass", 0, "undecided", 0},
	{"open", "p99.99 < 50ms", "fail", 0, "undecided", EXIT_RULE_FAILED},
	{"open", "p99.99 < 50ms", "undecided", 0, "undecided", EXIT_UNDECIDED},
	{"errors", "errors < 1%", NULL, 0, "fail", EXIT_RULE_FAILED},
	{"errors", "errors < 50%", NULL, 0, "pass", 0},
	{"closed", "p99 < 50ms", NULL, 0, "pass", 0},
	{"refused", "errors < 1%", NULL, 0, "failed", EXIT_RUN_FAILED},
	{"untrusted", "errors < 1%", NULL, 0, "failed", EXIT_RUN_FAILED},
	{"slices", "errors < 1%", NULL, 0, "pass", 0},
	{"closed", "response p99 < 50ms", NULL, EXIT_USAGE, NULL, 0},
	{"open", "request buy: p99 < 50ms", NULL, EXIT_USAGE, NULL, 0},
	{"open", "p99 < 50", NULL, EXIT_USAGE, NULL, 0},
	{"open", "p99 < 50ms", "maybe", EXIT_USAGE, NULL, 0},
};

START_TEST(a_stored_result_is_judged)
{
	json_t *doc = recorded_run(gates[_i].run);
	json_t *before = json_deep_copy(doc);
	const char *rule = gates[_i].rule;
	struct options o = {.requires = &rule, .n_requires = 1, .undecided = gates[_i].undecided};
	int r = rules_check(&o);

	r = r ? r : rules_apply(&o, doc);
	ck_assert_int_eq(r, gates[_i].status);
	if (r) {
		ck_assert(json_equal(doc, before));
	} else {
		int64_t code = -1;

		ck_assert_str_eq(json_path_text(doc, "headline.result"), gates[_i].headline);
		ck_assert(json_path_int(doc, "run.exit_code", &code));
		ck_assert_int_eq(code, gates[_i].exit_code);
		/* Nothing else has changed. */
		json_object_set_new(doc, "thresholds", json_array());
		json_object_set_new(before, "thresholds", json_array());
		fixture_set(before, "headline", "result", json_string(gates[_i].headline));
		fixture_set(before, "run", "exit_code", json_integer(gates[_i].exit_code));
		ck_assert(json_equal(doc, before));
	}
	json_decref(doc);
	json_decref(before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_test(tc, broken_rules_come_first);
	tcase_add_test(tc, an_undecided_run_says_what_helps);
	tcase_add_test(tc, the_closed_model_has_service_times);
	tcase_add_test(tc, a_summary_has_a_table);
	tcase_add_test(tc, without_rules_there_are_no_lines);
	tcase_add_loop_test(tc, a_stored_result_is_judged, 0, sizeof(gates) / sizeof(*gates));
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
