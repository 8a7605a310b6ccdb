/* SPDX-License-Identifier: Apache-2.0 */
/* Rules while a run goes on: which stretch of its intervals they look at, and what that says. */
#include "daemon/runs/run_rules.h"

#include <check.h>
#include <math.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan/plan.h"
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

static struct plan_threshold read_rule(const char *text)
{
	struct plan_threshold threshold = {0};
	struct err err = {0};

	ck_assert_msg(rule_parse(text, &threshold.rule, &err) == 0, "%s", err.text);
	return threshold;
}

static void judge(const struct timeline *t, enum plan_model model, struct plan_threshold *all,
	size_t n, struct run_rule_state *ret)
{
	struct plan plan = {
		.model = model, .confidence = 0.95, .thresholds = all, .n_thresholds = n};

	ck_assert_int_eq(run_rules_judge(t, &plan, ret), 0);
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
	struct plan_threshold threshold = read_rule(cases[_i].rule);
	double scale;
	bool is_there;

	judge(t, PLAN_OPEN, &threshold, 1, &state);
	is_there = state.is_known;
	ck_assert_msg(is_there == cases[_i].is_long_enough, "%s", cases[_i].rule);
	scale = rule_metrics[threshold.rule.metric].form == RULE_TIME ? 1.0 / MS : 1;
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
	struct run_rule_state state = {0};
	struct plan_threshold threshold = read_rule("p99 <= 50ms");

	judge(t, PLAN_CLOSED, &threshold, 1, &state);
	ck_assert(state.is_known);
	ck_assert_int_eq(state.judgement, JUDGEMENT_FAIL);
	timeline_free(t);
}
END_TEST

/* Stretches of any length, in any order, are those that each rule alone would look at. */
START_TEST(together_as_alone)
{
	struct timeline *t = make(worse, LEN(worse));
	struct plan_threshold all[LEN(cases)];
	struct run_rule_state together[LEN(cases)] = {0}, alone[LEN(cases)] = {0};

	for (size_t i = 0; i < LEN(cases); i++) {
		all[i] = read_rule(cases[i].rule);
		all[i].is_abort = i % 3 == 0;
	}
	judge(t, PLAN_OPEN, all, LEN(cases), together);
	for (size_t i = 0; i < LEN(cases); i++) {
		judge(t, PLAN_OPEN, &all[i], 1, &alone[i]);
		ck_assert_int_eq(together[i].is_known, alone[i].is_known);
		if (!alone[i].is_known)
			continue;
		ck_assert_msg(together[i].judgement == alone[i].judgement, "%s", cases[i].rule);
		ck_assert(isfinite(together[i].value) == isfinite(alone[i].value));
		if (isfinite(alone[i].value))
			ck_assert_double_eq_tol(
				together[i].value, alone[i].value, alone[i].value * 1e-9 + 1e-9);
		ck_assert_int_eq(together[i].end_ns, alone[i].end_ns);
	}
	timeline_free(t);
}
END_TEST

static int64_t cpu_ns(void)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* The least of some rounds, each of n rules over all that there is. */
static int64_t judging_ns(const struct timeline *t, struct plan_threshold *all, size_t n,
	struct run_rule_state *states)
{
	int64_t least_ns = INT64_MAX;

	for (int round = 0; round < 2; round++) {
		int64_t begin_ns = cpu_ns(), took_ns;

		judge(t, PLAN_OPEN, all, n, states);
		took_ns = cpu_ns() - begin_ns;
		least_ns = took_ns < least_ns ? took_ns : least_ns;
	}
	return least_ns;
}

/* The daemon judges each interval: as many rules as a plan may have must not take its time. */
START_TEST(many_rules_cost_little_more_than_one)
{
	static struct plan_threshold all[PLAN_THRESHOLDS_MAX];
	static struct run_rule_state states[PLAN_THRESHOLDS_MAX];
	struct stats_interval interval;
	struct timeline *t;
	int64_t one_ns, all_ns;

	ck_assert_int_eq(timeline_new(NSEC_PER_SEC, 1, &t), 0);
	ck_assert_int_eq(stats_interval_init(&interval), 0);
	for (int i = 0; i < 2000; i++)
		histogram_record(&interval.response, MS + i * MS / 20);
	for (int64_t i = 0; i < TIMELINE_ROWS_MAX; i++) {
		interval.start_ns = i * NSEC_PER_SEC;
		interval.width_ns = NSEC_PER_SEC;
		interval.planned = interval.ok = 2000;
		ck_assert_int_eq(timeline_add(t, 0, &interval), 0);
	}
	for (size_t i = 0; i < LEN(all); i++) {
		all[i] = read_rule("max > 1s");
		all[i].is_abort = true;
		all[i].rule.over_ns = i % 2 ? 0 : (4000 - (int64_t)i) * NSEC_PER_SEC;
	}
	one_ns = judging_ns(t, all, 1, states);
	all_ns = judging_ns(t, all, LEN(all), states);
	ck_assert_msg(all_ns < 32 * one_ns, "%lld us, and one takes %lld", (long long)all_ns / 1000,
		(long long)one_ns / 1000);
	stats_interval_fini(&interval);
	timeline_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, judged_by_the_table, 0, LEN(cases));
	tcase_add_test(tc, service_times_are_the_servers);
	tcase_add_test(tc, together_as_alone);
	tcase_add_test(tc, many_rules_cost_little_more_than_one);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
