/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a plan: from [thresholds], from requests, from overlays; and those that no run of
 * the plan could answer. */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "common/plan/plan_json.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

#define CLOSED CONF_TARGET "[load]\nrate = max\n"
#define REQUESTS CONF_TARGET "[request buy]\n"

static void assert_rules(const struct plan *p, const char *const *want)
{
	char text[RULE_TEXT_MAX];
	size_t n = 0;

	for (; want[n]; n++) {
		ck_assert_uint_lt(n, p->n_thresholds);
		rule_format(&p->thresholds[n].rule, text, sizeof(text));
		ck_assert_str_eq(text, want[n]);
	}
	ck_assert_uint_eq(p->n_thresholds, n);
}
#define ASSERT_RULES(p, ...) assert_rules(p, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(rules_are_read_in_their_order)
{
	struct plan *p =
		conf_plan(REQUESTS "require = p99<80ms\nrequire = errors < 1%\n"
				   "[thresholds]\nrequire = failed < 0.1%\n"
				   "require = request buy: rate > 5\nrequire = unsteady\n");

	ASSERT_RULES(p, "request buy: p99 < 80ms", "request buy: errors < 1%", "failed < 0.1%",
		"request buy: rate > 5/s", "unsteady");
	ck_assert_uint_eq(p->undecided, PLAN_UNDECIDED);
	plan_free(p);
	p = conf_plan(CONF_TARGET);
	ck_assert_uint_eq(p->n_thresholds, 0);
	plan_free(p);
	p = conf_plan(CONF_TARGET "[run]\nundecided = fail\n");
	ck_assert_uint_eq(p->undecided, PLAN_UNDECIDED_FAIL);
	plan_free(p);
}
END_TEST

START_TEST(rules_of_overlays_and_flags_are_added)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", CONF_TARGET "[thresholds]\nrequire = p99 < 50ms\n");
	conf_read(&d, "more.ini", "[thresholds]\nrequire = p50 < 5ms\n");
	p = conf_build(&d, "f", NULL, NULL, 0);
	ASSERT_RULES(p, "p99 < 50ms", "p50 < 5ms");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* What is asked of a run does not make it another load. */
START_TEST(rules_are_not_of_the_digest)
{
	struct conf_doc with = {0}, without = {0};
	struct plan *a, *b;

	conf_read(&with, "f.ini",
		CONF_TARGET "[thresholds]\nrequire = p99 < 50ms\n"
			    "[run]\nundecided = pass\n");
	conf_read(&without, "f.ini", CONF_TARGET);
	a = conf_build(&with, "f", NULL, NULL, 0);
	b = conf_build(&without, "f", NULL, NULL, 0);
	ck_assert_str_eq(a->sha256, b->sha256);
	plan_free(a);
	plan_free(b);
	conf_fini(&with);
	conf_fini(&without);
}
END_TEST

START_TEST(what_no_run_could_answer_is_refused)
{
	CONF_EXPECT(CONF_TARGET "[thresholds]\nrequire = p99 << 50ms\n",
		"f.ini:4: require: 'p99 << 50ms', column 5: '<<' where <, <=, > or >= is expected");
	CONF_EXPECT(CONF_TARGET "[thresholds]\nrequire = p99 < 50ms over 10s\n",
		"f.ini:4: require: over and after are not for require, which is about the whole "
		"window: "
		"leave them out");
	CONF_EXPECT(CLOSED "[thresholds]\nrequire = p99 < 50ms\nrequire = response p99 < 50ms\n"
			   "require = generator-delay p99 < 1ms\nrequire = stage 1: p99 < 1s\n",
		"f.ini:7: require: 'response p99 < 50ms': the closed model has no response times: "
		"use "
		"service",
		"f.ini:8: require: 'generator-delay p99 < 1ms': in the closed model no request is "
		"late: "
		"leave the rule out",
		"f.ini:9: require: 'stage 1: p99 < 1s': there is no stage 1: the plan has 0");
	CONF_EXPECT(CONF_TARGET "[thresholds]\nrequire = tls p99 < 50ms\n",
		"f.ini:4: require: 'tls p99 < 50ms': the URL is not https, so there are no "
		"handshakes");
	CONF_EXPECT(CONF_TARGET "[thresholds]\nrequire = stage 2: p99 < 50ms\n",
		"f.ini:4: require: 'stage 2: p99 < 50ms': there is no stage 2: the plan has 1");
	CONF_EXPECT(REQUESTS "[thresholds]\nrequire = request by: p99 < 50ms\n",
		"f.ini:5: require: 'request by: p99 < 50ms': there is no [request by]");
	CONF_EXPECT(REQUESTS "require = request buy: p99 < 50ms\nrequire = status 503 < 1%\n",
		"f.ini:4: require: 'request buy: p99 < 50ms': in a [request] a rule is about that "
		"request: "
		"leave its scope out",
		"f.ini:5: require: status 503 is not counted for each request: write the rule in "
		"[thresholds]");
}
END_TEST

START_TEST(some_rules_end_the_run)
{
	struct plan *p = conf_plan(CONF_TARGET
		"[thresholds]\nrequire = p99 < 50ms\nabort-if = errors > 5% over 10s after 1m\n");

	ASSERT_RULES(p, "p99 < 50ms", "errors > 5% over 10s after 1m");
	ck_assert(!p->thresholds[0].is_abort);
	ck_assert(p->thresholds[1].is_abort);
	plan_free(p);
	CONF_EXPECT(CONF_TARGET "[thresholds]\nabort-if = status 5xx > 1%\n"
				"abort-if = stage 1: p99 > 1s\nabort-if = unsteady\n",
		"f.ini:4: abort-if: status 5xx is not known while a run goes on: abort-if is about "
		"response (closed model: service), generator-delay, errors, rate, completed or "
		"sent",
		"f.ini:5: abort-if: abort-if is about the whole run: leave the stage out",
		"f.ini:6: abort-if: unsteady is not known while a run goes on: abort-if is about "
		"response (closed model: service), generator-delay, errors, rate, completed or "
		"sent");
	CONF_EXPECT(CONF_TARGET "[thresholds]\nabort-if = service p99 > 1s\n",
		"f.ini:4: abort-if: 'service p99 > 1s': in the open model abort-if is about "
		"response times");
}
END_TEST

START_TEST(stages_are_numbered_as_their_table)
{
	struct plan *p = conf_plan(
		CONF_TARGET "[load]\nstage = warmup hold 5 for 1s\nstage = hold 5 for 1s\n"
			    "stage = step from 10 to 30 by 10 every 1s\n"
			    "[thresholds]\nrequire = stage 4: p99 < 50ms\n");

	ASSERT_RULES(p, "stage 4: p99 < 50ms");
	plan_free(p);
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 5 for 1s\nstage = hold 50 for 1s\n"
				"[thresholds]\nrequire = stage 3: p99 < 50ms\n",
		"f.ini:7: require: 'stage 3: p99 < 50ms': there is no stage 3: the plan has 2");
}
END_TEST

START_TEST(there_is_a_limit)
{
	static char text[PLAN_THRESHOLDS_MAX * 32 + 256];
	struct plan *p;

	strcpy(text, CONF_TARGET "[thresholds]\n");
	for (int i = 0; i < PLAN_THRESHOLDS_MAX; i++)
		strcat(text, "require = p99 < 50ms\n");
	p = conf_plan(text);
	ck_assert_uint_eq(p->n_thresholds, PLAN_THRESHOLDS_MAX);
	plan_free(p);
	strcat(text, "require = p99 < 50ms\n");
	CONF_EXPECT(text, "f.ini:260: more than 256 rules: remove some of them");
}
END_TEST

START_TEST(documents_and_texts_have_them)
{
	struct plan *p =
		conf_plan(CONF_TARGET "[thresholds]\nrequire = p99<50ms\nrequire = unsteady\n"
				      "[run]\nundecided = pass\n");
	json_t *doc = plan_document(p);
	struct buf text = {0};

	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(doc, "rules"), 0), "rule")),
		"p99 < 50ms");
	ck_assert_str_eq(
		json_string_value(json_object_get(
			json_object_get(json_object_get(doc, "plan"), "effective"), "undecided")),
		"pass");
	ck_assert_int_eq(plan_describe(p, &text), 0);
	ck_assert_msg(strstr(text.data, "\n  require      p99 < 50ms\n               unsteady\n"),
		"%s", text.data);
	buf_fini(&text);
	json_decref(doc);
	plan_free(p);
}
END_TEST

START_TEST(what_takes_more_requests_is_told)
{
	struct plan *p = conf_plan(CONF_TARGET "[load]\nrequests = 299\n[thresholds]\n"
					       "require = p99 < 50ms\nrequire = p99.9 < 50ms\n"
					       "require = max < 50ms\nabort-if = p99.9 > 1s\n"
					       "abort-if = p50 > 1s over 1s after 1s\n"
					       "abort-if = p50 > 1s over 2s after 1s\n");
	struct buf text = {0};

	ck_assert_int_eq(plan_describe(p, &text), 0);
	ck_assert_msg(strstr(text.data, "\n  require      p99 < 50ms\n"
					"               p99.9 < 50ms  (takes 2,995 requests)\n"
					"               max < 50ms\n"
					"  abort if     p99.9 > 1s\n"
					"               p50 > 1s over 1s after 1s\n"
					"               p50 > 1s over 2s after 1s"
					"  (never: the run is shorter)\n"),
		"%s", text.data);
	buf_fini(&text);
	plan_free(p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_thresholds");
	TCase *tc = tcase_create("thresholds");

	tcase_add_test(tc, rules_are_read_in_their_order);
	tcase_add_test(tc, rules_of_overlays_and_flags_are_added);
	tcase_add_test(tc, rules_are_not_of_the_digest);
	tcase_add_test(tc, what_no_run_could_answer_is_refused);
	tcase_add_test(tc, some_rules_end_the_run);
	tcase_add_test(tc, stages_are_numbered_as_their_table);
	tcase_add_test(tc, there_is_a_limit);
	tcase_add_test(tc, what_takes_more_requests_is_told);
	tcase_add_test(tc, documents_and_texts_have_them);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
