/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of rules: what is read, how it is written again, and at which column a mistake is. */
#include "common/rules/rule.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "tests/support/suite.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The text again; NULL: as it was. */
static const struct {
	const char *text, *again;
	enum rule_metric metric;
	enum judgement_op op;
	double limit;
} good[] = {
	{"p99 < 50ms", NULL, RULE_MAIN, JUDGEMENT_BELOW, 50 * NSEC_PER_MSEC},
	{"p99<50ms", "p99 < 50ms", RULE_MAIN, JUDGEMENT_BELOW, 50 * NSEC_PER_MSEC},
	{"  p99  <=  1m30s\t", "p99 <= 1m30s", RULE_MAIN, JUDGEMENT_AT_MOST, 90 * NSEC_PER_SEC},
	{"p1 > 0", "p1 > 0s", RULE_MAIN, JUDGEMENT_ABOVE, 0},
	{"p99.999 >= 81us", NULL, RULE_MAIN, JUDGEMENT_AT_LEAST, 81000},
	{"p99.90 < 1s", "p99.9 < 1s", RULE_MAIN, JUDGEMENT_BELOW, NSEC_PER_SEC},
	{"p99 of ok < 1.5ms", NULL, RULE_MAIN, JUDGEMENT_BELOW, 1500000},
	{"response p50 < 10ms", NULL, RULE_RESPONSE, JUDGEMENT_BELOW, 10 * NSEC_PER_MSEC},
	{"response mean of ok < 10ms", NULL, RULE_RESPONSE, JUDGEMENT_BELOW, 10 * NSEC_PER_MSEC},
	{"service max < 5s", NULL, RULE_SERVICE, JUDGEMENT_BELOW, 5 * NSEC_PER_SEC},
	{"first-byte p95 < 20ms", NULL, RULE_FIRST_BYTE, JUDGEMENT_BELOW, 20 * NSEC_PER_MSEC},
	{"connect p99 < 3ms", NULL, RULE_CONNECT, JUDGEMENT_BELOW, 3 * NSEC_PER_MSEC},
	{"tls min > 1us", NULL, RULE_TLS, JUDGEMENT_ABOVE, 1000},
	{"generator-delay p99 < 1ms", NULL, RULE_GENERATOR_DELAY, JUDGEMENT_BELOW, NSEC_PER_MSEC},
	{"errors < 0.1%", NULL, RULE_ERRORS, JUDGEMENT_BELOW, 0.001},
	{"errors <= 0", NULL, RULE_ERRORS, JUDGEMENT_AT_MOST, 0},
	{"failed < 100", NULL, RULE_FAILED, JUDGEMENT_BELOW, 100},
	{"timeouts < 0.000001%", NULL, RULE_TIMEOUTS, JUDGEMENT_BELOW, 0.00000001},
	{"dropped <= 0%", NULL, RULE_DROPPED, JUDGEMENT_AT_MOST, 0},
	{"checks < 1%", NULL, RULE_CHECKS, JUDGEMENT_BELOW, 0.01},
	{"status 503 < 1%", NULL, RULE_STATUS, JUDGEMENT_BELOW, 0.01},
	{"status 5xx <= 3", NULL, RULE_STATUS, JUDGEMENT_AT_MOST, 3},
	{"rate > 900/s", NULL, RULE_OK_RATE, JUDGEMENT_ABOVE, 900},
	{"rate >= 2k", "rate >= 2000/s", RULE_OK_RATE, JUDGEMENT_AT_LEAST, 2000},
	{"completed > 30/m", "completed > 0.5/s", RULE_COMPLETED, JUDGEMENT_ABOVE, 0.5},
	{"sent >= 999.5/s", NULL, RULE_SENT, JUDGEMENT_AT_LEAST, 999.5},
	{"generator-limited", NULL, RULE_GENERATOR_LIMITED, JUDGEMENT_BELOW, 0},
	{"connection-limited", NULL, RULE_CONNECTION_LIMITED, JUDGEMENT_BELOW, 0},
	{"unsteady", NULL, RULE_UNSTEADY, JUDGEMENT_BELOW, 0},
	{"stage 2: p99 < 80ms", NULL, RULE_MAIN, JUDGEMENT_BELOW, 80 * NSEC_PER_MSEC},
	{"stage 12:errors<1%", "stage 12: errors < 1%", RULE_ERRORS, JUDGEMENT_BELOW, 0.01},
	{"request buy: response p99 < 80ms", NULL, RULE_RESPONSE, JUDGEMENT_BELOW,
		80 * NSEC_PER_MSEC},
	{"request p99: p99 < 80ms", NULL, RULE_MAIN, JUDGEMENT_BELOW, 80 * NSEC_PER_MSEC},
	{"response p99 > 2s over 10s after 1m", NULL, RULE_RESPONSE, JUDGEMENT_ABOVE,
		2 * NSEC_PER_SEC},
	{"errors > 5% over 10s", NULL, RULE_ERRORS, JUDGEMENT_ABOVE, 0.05},
	{"errors > 5% after 10s", NULL, RULE_ERRORS, JUDGEMENT_ABOVE, 0.05},
};

START_TEST(a_rule_is_read_and_written)
{
	const char *again = good[_i].again ? good[_i].again : good[_i].text;
	struct err err = {0};
	char text[RULE_TEXT_MAX];
	struct rule r, twice;

	memset(&r, 0xa5, sizeof(r));
	ck_assert_msg(rule_parse(good[_i].text, &r, &err) == 0, "%s", err.text);
	ck_assert_int_eq(r.metric, good[_i].metric);
	ck_assert_int_eq(r.op, good[_i].op);
	ck_assert_double_eq_tol(r.limit, good[_i].limit, 1e-12);
	rule_format(&r, text, sizeof(text));
	ck_assert_str_eq(text, again);
	ck_assert_int_eq(rule_parse(text, &twice, &err), 0);
	ck_assert_mem_eq(&r, &twice, sizeof(r));
}
END_TEST

static const struct {
	const char *text;
	unsigned column;
	const char *part; /* of the message */
} bad[] = {
	{"", 1, "ends where what is compared"},
	{"   ", 4, "ends where"},
	{"p99", 4, "ends where <, <=, > or >= is expected"},
	{"p99 <", 6, "ends where a time is expected"},
	{"p99 < 50", 7, "'50' needs a unit of time"},
	{"p99 < 50ms ms", 12, "'ms' after the end of the rule"},
	{"p99 < 50 ms", 7, "needs a unit of time"},
	{"p99 << 50ms", 5, "'<<' where <, <=, > or >= is expected"},
	{"p99 = 50ms", 5, "'=' where"},
	{"p99 == 50ms", 5, "'==' where"},
	{"p99 < fast", 7, "'fast' is not a time: write it as in 50ms"},
	{"p99 < -1ms", 7, "'-1ms' is not a time"},
	{"p99 < 1%", 7, "'1%' needs a unit of time"},
	{"p0.5 < 1s", 1, "'p0.5' is out of range: p1 to p99.999"},
	{"p100 < 1s", 1, "p1 to p99.999"},
	{"p99.0000001 < 1s", 1, "'p99.0000001' has more than 6 decimals"},
	{"p99.000001 < 1s", 0, NULL},
	{"p99. < 1s", 1, "what is compared"},
	{"p < 1s", 1, "what is compared"},
	{"reponse p99 < 1s", 1, "did you mean response?"},
	{"response 99 < 1s", 10, "'99' where p50, p99, p99.9, mean, min or max is expected"},
	{"response < 1s", 10, "'<' where p50"},
	{"response p99 of all < 1s", 17, "'all' where ok"},
	{"connect p99 of ok < 1s", 13, "connect is not about answers"},
	{"errors < 1", 0, NULL}, /* a count */
	{"errors < 1ms", 10, "'1ms' needs a percent sign, as in 0.1% or 5"},
	{"errors < 101%", 10, "out of range"},
	{"errors < 0.5", 10, "needs a percent sign"},
	{"error < 1%", 1, "did you mean errors?"},
	{"errors p99 < 1%", 8, "'p99' where <"},
	{"status < 1%", 8, "'<' where a status"},
	{"status 99 < 1%", 8, "'99' where a status, as in 503 or 5xx"},
	{"status 0xx < 1%", 8, "where a status"},
	{"status 5xxx < 1%", 8, "where a status"},
	{"rate > 5%", 8, "'5%' needs a unit of rates, as in 900/s"},
	{"rate > max", 8, "'max' is not a rate"},
	{"rate > 11M", 8, "out of range"},
	{"unsteady < 1", 10, "'<' after the end of the rule"},
	{"stage : p99 < 1s", 7, "the number of a stage and a colon"},
	{"stage 2 p99 < 1s", 7, "'2' where the number of a stage and a colon"},
	{"stage 0: p99 < 1s", 7, "the number of a stage"},
	{"stage x: p99 < 1s", 7, "the number of a stage"},
	{"stage 2: service p99 < 1s", 10, "service is not counted for each stage"},
	{"stage 2:", 9, "ends where"},
	{"request : p99 < 1s", 9, "the name of a request"},
	{"request buy p99 < 1s", 9, "the name of a request and a colon"},
	{"request a/b: p99 < 1s", 9, "the name of a request"},
	{"request buy: connect p99 < 1s", 14, "connect is not counted for each request"},
	{"request buy: status 503 < 1%", 14, "status is not counted for each request"},
	{"flow login: p99 < 1s", 1, "there are no flows yet"},
	{"buy: p99 < 1s", 1, "'buy:' is no scope"},
	{"p99 < 1s over", 14, "ends where a time"},
	{"p99 < 1s over ten", 15, "'ten' is not a time: write it as in 10s"},
	{"p99 < 1s after 1s over 1s", 19, "'over' after the end"},
	{"p99 < 1s for 5s", 10, "'for' after the end"},
};

START_TEST(a_mistake_is_at_its_column)
{
	struct err err = {0};
	char place[32];
	struct rule r, untouched;
	int result;

	memset(&r, 0xa5, sizeof(r));
	untouched = r;
	result = rule_parse(bad[_i].text, &r, &err);
	if (!bad[_i].part) {
		ck_assert_int_eq(result, 0);
		return;
	}
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_mem_eq(&r, &untouched, sizeof(r));
	(void)snprintf(place, sizeof(place), ", column %u: ", bad[_i].column);
	ck_assert_msg(strstr(err.text, place) != NULL, "%s: %s", place, err.text);
	ck_assert_msg(strstr(err.text, bad[_i].part) != NULL, "%s: %s", bad[_i].part, err.text);
}
END_TEST

START_TEST(each_metric_has_a_row)
{
	for (unsigned m = 0; m < RULE_METRICS; m++) {
		ck_assert_ptr_nonnull(rule_metrics[m].name);
		ck_assert_ptr_nonnull(rule_metrics[m].help);
		ck_assert(m == RULE_MAIN || *rule_metrics[m].name != '\0');
	}
}
END_TEST

START_TEST(a_long_rule_is_cut_and_refused)
{
	char text[4096];
	struct err err = {0};
	struct rule r;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(rule_parse(text, &r, &err), -EINVAL);
	memcpy(text, "request ", 8);
	ck_assert_int_eq(rule_parse(text, &r, &err), -EINVAL);
	text[200] = ':';
	ck_assert_int_eq(rule_parse(text, &r, &err), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule");
	TCase *tc = tcase_create("rule");

	tcase_add_loop_test(tc, a_rule_is_read_and_written, 0, LEN(good));
	tcase_add_loop_test(tc, a_mistake_is_at_its_column, 0, LEN(bad));
	tcase_add_test(tc, each_metric_has_a_row);
	tcase_add_test(tc, a_long_rule_is_cut_and_refused);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
