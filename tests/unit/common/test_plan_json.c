/* SPDX-License-Identifier: Apache-2.0 */
#include "common/plan/plan_json.h"
#include "tests/support/suite.h"

#include "tests/unit/common/conf_plan.h"

/* Compared as JSON: expected is what path leads to. */
static const json_t *member(const json_t *doc, const char *path)
{
	char parts[128];
	char *rest = NULL;

	(void)snprintf(parts, sizeof(parts), "%s", path);
	for (char *part = strtok_r(parts, ".", &rest); part; part = strtok_r(NULL, ".", &rest))
		doc = json_object_get(doc, part);
	return doc;
}

static const struct {
	const char *text;
	const char *path;
	const char *json;
} test_members[] = {
	{"", "schema", "\"rpsd.plan/1\""},
	{"", "name", "\"f\""},
	{"", "labels", "{}"},
	{"[run]\nlabel = a=b\n", "labels", "{\"a\":\"b\"}"},
	{"", "plan.model", "\"open\""},
	{"", "plan.stages", "[\"hold 100/s for 10s\"]"},
	{"[load]\nrate = max\n", "plan.model", "\"closed\""},
	{"[load]\nrate = max\n", "plan.stages", "[]"},
	{"[load]\narrivals = jitter:0.3\n", "plan.arrivals", "\"jitter:0.3\""},
	{"", "plan.target",
		"{\"url\":\"http://127.0.0.1:8000/\",\"method\":\"GET\",\"tls\":false}"},
	/* Not known before the start. */
	{"", "plan.effective.order", "\"random\""},
	{"", "plan.effective.workers", "null"},
	{"", "plan.effective.connections", "null"},
	{"[load]\nworkers = 3\n", "plan.effective.workers", "3"},
	{"[connections]\ncount = 5\n", "plan.effective.connections", "5"},
	{"[connections]\nexhausted = drop\n", "plan.effective.exhausted", "\"drop\""},
	{"[connections]\nreuse = rotate\n", "plan.effective.reuse", "\"rotate\""},
	{"[connections]\nclose = rst\n", "plan.effective.close", "\"rst\""},
	{"[timeouts]\nmode = soft\n", "plan.effective.timeout_mode", "\"soft\""},
	{"[pacing]\nmode = spin\n", "plan.effective.pacing", "\"spin\""},
	{"[load]\nduration = 5s\nwarmup = 1s\n[timeouts]\ndrain = 2s\n", "window",
		"{\"duration_ns\":5000000000,\"warmup_ns\":1000000000,\"cooldown_ns\":0,"
		"\"drain_ns\":2000000000}"},
	{"[load]\nrate = max\nrequests = 7\n", "window.duration_ns", "null"},
	{"[load]\nrate = max\nrequests = 7\n", "sends.requests", "7"},
	{"[load]\nrate = max\n", "sends.requests", "null"},
	{"[load]\nrate = 20\nduration = 2s\n", "sends.requests", "40"},
	{"[load]\nrate = 20\nwarmup = 2s\n", "sends.outside", "40"},
	{"[request a]\nweight = 3\npath = x\n[request b]\nmethod = POST\nbody = hi\n", "requests",
		"[{\"name\":\"a\",\"weight\":3,\"method\":\"GET\",\"target\":\"/x\","
		"\"body_bytes\":0},{\"name\":\"b\",\"weight\":1,\"method\":\"POST\","
		"\"target\":\"/\",\"body_bytes\":2}]"},
	{"[request a]\npath = x\n[request b]\nmethod = POST\nbody = hi\nheader = A: b\n"
	 "header = C: d\n",
		"plan.requests",
		"[{\"name\":\"a\",\"method\":\"GET\",\"target\":\"/x\",\"body_bytes\":0,"
		"\"headers\":0},{\"name\":\"b\",\"method\":\"POST\",\"target\":\"/\","
		"\"body_bytes\":2,\"headers\":2}]"},
};

START_TEST(a_plan_has_this_member)
{
	char text[256];
	struct plan *p;
	json_t *doc;
	char *got;

	(void)snprintf(text, sizeof(text), "%s%s", CONF_TARGET, test_members[_i].text);
	p = conf_plan(text);
	doc = plan_document(p);
	ck_assert_ptr_nonnull(doc);
	got = json_dumps(member(doc, test_members[_i].path), JSON_COMPACT | JSON_ENCODE_ANY);
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, test_members[_i].json);
	free(got);
	json_decref(doc);
	plan_free(p);
}
END_TEST

/* In a result they are what the run was granted. */
START_TEST(a_result_has_what_was_granted)
{
	struct plan *p = conf_plan(CONF_TARGET "[connections]\ncount = 5\n");
	json_t *doc = plan_json(p, (struct plan_granted){2, 4});

	ck_assert_int_eq(json_integer_value(member(doc, "effective.workers")), 2);
	ck_assert_int_eq(json_integer_value(member(doc, "effective.connections")), 4);
	json_decref(doc);
	plan_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan_json");
	TCase *t = tcase_create("plan_json");

	tcase_add_loop_test(t, a_plan_has_this_member, 0,
		(int)(sizeof(test_members) / sizeof(test_members[0])));
	tcase_add_test(t, a_result_has_what_was_granted);
	suite_add_tcase(s, t);
	return suite_main(s);
}
