/* SPDX-License-Identifier: Apache-2.0 */
/* Rules while a run goes on: which stretch of its intervals they look at, and what that says. */
#include "daemon/runs/run_rules.h"

#include <check.h>
#include <math.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/rules/rule.h"
#include "daemon/engine/stats.h"
#include "daemon/runs/timeline.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A second of a run: so many good answers, that took so long and were sent so late, and failures.
 */
struct second {
	uint64_t n;
	int64_t took_ns, late_ns;
	uint64_t failed;
};

static struct timeline *make(const struct second *seconds, size_t n)
{
	struct stats_interval interval;
	struct timeline *t;

	ck_assert_int_eq(timeline_new(NSEC_PER_SEC, 1, &t), 0);
	ck_assert_int_eq(stats_interval_init(&interval), 0);
	for (size_t i = 0; i < n; i++) {
		const struct second *s = &seconds[i];

		histogram_reset(&interval.response);
		histogram_reset(&interval.our_delay);
		interval.start_ns = (int64_t)i * NSEC_PER_SEC;
		interval.width_ns = NSEC_PER_SEC;
		interval.planned = interval.sent = interval.completed = s->n + s->failed;
		interval.ok = s->n;
		interval.failed = s->failed;
		for (uint64_t k = 0; k < s->n; k++) {
			histogram_record(&interval.response, s->took_ns);
			histogram_record(&interval.our_delay, s->late_ns);
		}
		ck_assert_int_eq(timeline_add(t, 0, &interval), 0);
	}
	stats_interval_fini(&interval);
	return t;
}

static const struct second steady[] = {{500, 10 * MS, 0, 0}, {500, 10 * MS, 0, 0}};
static const struct second worse[] = {
	{500, 10 * MS, 0, 0}, {500, 10 * MS, 0, 0}, {500, 900 * MS, 0, 0}};
static const struct second late[] = {{500, 900 * MS, 895 * MS, 0}};
static const struct second few[] = {{100, 900 * MS, 0, 0}};
static const struct second one_slow[] = {{100, 10 * MS, 0, 0}, {1, 900 * MS, 0, 0}};
static const struct second failing[] = {{500, 10 * MS, 0, 0}, {450, 10 * MS, 0, 50}};
static const struct second silent[] = {{0, 0, 0, 500}};
static const struct second nothing[] = {{0, 0, 0, 0}};

static const struct {
	const struct second *seconds;
	size_t n;
	const char *rule;
	bool is_long_enough;
	enum judgement want;
	double value; /* times in ms */
} cases[] = {
	{steady, 2, "p99 <= 50ms", true, JUDGEMENT_PASS, 10},
	{steady, 2, "p99 <= 5ms", true, JUDGEMENT_FAIL, 10},
	{steady, 2, "p99 <= 5ms over 2s", true, JUDGEMENT_FAIL, 10},
	{steady, 2, "p99 <= 5ms over 3s", false, JUDGEMENT_PASS, 0},
	{steady, 2, "p99 <= 5ms after 1s", true, JUDGEMENT_FAIL, 10},
	{steady, 2, "p99 <= 5ms after 2s", false, JUDGEMENT_PASS, 0},
	{steady, 2, "p99 <= 5ms over 2s after 1s", false, JUDGEMENT_PASS, 0},
	{steady, 2, "p99 <= 5ms over 500ms", true, JUDGEMENT_FAIL, 10},
	{steady, 2, "mean <= 5ms", true, JUDGEMENT_FAIL, 10},
	{steady, 2, "max <= 50ms", true, JUDGEMENT_PASS, 10},
	/* the last second is slow: a third of all */
	{worse, 3, "p50 <= 50ms", true, JUDGEMENT_PASS, 10},
	{worse, 3, "p50 <= 50ms over 1s", true, JUDGEMENT_FAIL, 900},
	{worse, 3, "p50 <= 50ms after 2s", true, JUDGEMENT_FAIL, 900},
	{worse, 2, "p50 <= 50ms over 1s", true, JUDGEMENT_PASS, 10},
	/* the generator was late */
	{late, 1, "p99 <= 50ms", true, JUDGEMENT_UNDECIDED_OURS, 900},
	{late, 1, "p99 <= 2ms", true, JUDGEMENT_FAIL, 900},
	{late, 1, "generator-delay p99 <= 50ms", true, JUDGEMENT_FAIL, 895},
	/* few requests */
	{few, 1, "p99 <= 950ms", true, JUDGEMENT_UNDECIDED_FEW, 900},
	{few, 1, "p99 <= 50ms", true, JUDGEMENT_FAIL, 900},
	{one_slow, 2, "p99 <= 50ms over 1s", true, JUDGEMENT_UNDECIDED_FEW, 900},
	{one_slow, 2, "max <= 50ms over 1s", true, JUDGEMENT_FAIL, 900},
	{nothing, 1, "p99 <= 50ms", true, JUDGEMENT_UNDECIDED_FEW, INFINITY},
	{nothing, 1, "errors <= 5%", true, JUDGEMENT_UNDECIDED_FEW, 0},
	/* failures */
	{failing, 2, "errors <= 5%", true, JUDGEMENT_PASS, 0.05},
	{failing, 2, "errors <= 5% over 1s", true, JUDGEMENT_FAIL, 0.1},
	{failing, 2, "failed < 50", true, JUDGEMENT_FAIL, 50},
	{failing, 2, "p99 <= 50ms", true, JUDGEMENT_FAIL, INFINITY},
	{failing, 2, "p99 of ok <= 50ms", true, JUDGEMENT_PASS, 10},
	{silent, 1, "p50 <= 50ms", true, JUDGEMENT_FAIL, INFINITY},
	{silent, 1, "errors < 100%", true, JUDGEMENT_FAIL, 1},
	/* rates */
	{failing, 2, "rate >= 480/s", true, JUDGEMENT_FAIL, 475},
	{failing, 2, "rate >= 460/s over 1s", true, JUDGEMENT_FAIL, 450},
	{failing, 2, "completed >= 500/s", true, JUDGEMENT_PASS, 500},
	{failing, 2, "sent >= 501/s", true, JUDGEMENT_FAIL, 500},
};

START_TEST(judged_by_the_table)
{
	struct timeline *t = make(cases[_i].seconds, cases[_i].n);
	struct run_rule_state state = {0};
	struct err err = {0};
	struct rule rule;
	double scale;
	bool is_there;

	ck_assert_msg(rule_parse(cases[_i].rule, &rule, &err) == 0, "%s", err.text);
	is_there = run_rules_judge(t, &rule, true, 0.95, &state);
	ck_assert_msg(is_there == cases[_i].is_long_enough, "%s", cases[_i].rule);
	scale = rule_metrics[rule.metric].form == RULE_TIME ? 1.0 / MS : 1;
	if (is_there) {
		ck_assert_msg(state.judgement == cases[_i].want, "%s: %d, not %d", cases[_i].rule,
			state.judgement, cases[_i].want);
		ck_assert_int_eq(state.end_ns, (int64_t)cases[_i].n * NSEC_PER_SEC);
		/* Intervals have two digits. */
		if (isfinite(cases[_i].value))
			ck_assert_double_eq_tol(state.value * scale, cases[_i].value,
				cases[_i].value * 0.01 + 1e-9);
		else
			ck_assert(!isfinite(state.value));
	}
	timeline_free(t);
}
END_TEST

/* The closed model has no delays to take off. */
START_TEST(service_times_are_the_servers)
{
	struct timeline *t = make(late, 1);
	struct run_rule_state state;
	struct rule rule;

	ck_assert_int_eq(rule_parse("p99 <= 50ms", &rule, NULL), 0);
	ck_assert(run_rules_judge(t, &rule, false, 0.95, &state));
	ck_assert_int_eq(state.judgement, JUDGEMENT_FAIL);
	timeline_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, judged_by_the_table, 0, LEN(cases));
	tcase_add_test(tc, service_times_are_the_servers);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
