/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of Watch, both ways. */
#include "common/control/progress.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/control/varlink.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "tests/support/quoted.h"
#include "tests/support/suite.h"

static const char whole[] =
	"{'progress': {'run': {'id': 'a-1', 'name': 'a', 'state': 'running', 'outcome': 'stopped',"
	" 'reason': 'by bob', 'user': 'alice', 'target': 'http://h/', 'exit_code': 0, 'ahead':"
	" [{'at_ns': 9, 'kind': 'rate', 'text': 't', 'user': 'bob', 'from': '1/s', 'to': '2/s'}]},"
	" 'elapsed_ns': -1, 'total_ns': 2, 'requests': 3, 'asked_per_s': 4.5, 'planned': 5,"
	" 'sent': 6, 'ok': 7, 'failed': 8, 'in_flight': 9, 'queue': 10, 'connections': 11,"
	" 'connections_limit': 12, 'oldest_ns': 13, 'silent_ns': 14, 'cpu_share': 0.25,"
	" 'stage': {'number': 1, 'of': 2, 'text': 'hold'},"
	" 'last': {'width_ns': 15, 'planned': 16, 'sent': 17, 'ok': 18, 'failed': 19, 'p50_ns': 20,"
	" 'p99_ns': 21, 'max_ns': 22, 'our_delay_p99_ns': 23},"
	" 'p50_ns': 24, 'p99_ns': 25, 'our_delay_p99_ns': 26,"
	" 'events': [{'at_ns': 1, 'kind': 'late', 'text': 'x', 'user': null, 'from': null,"
	" 'to': null}]}, 'skipped': 27}";

static void assert_comes_back(json_t *answer)
{
	struct progress p;
	uint64_t skipped;
	json_t *again;

	ck_assert_int_eq(progress_read(answer, &p, &skipped), 0);
	again = progress_write(&p, skipped);
	ck_assert(json_equal(answer, again));
	json_decref(again);
	progress_fini(&p);
}

START_TEST(every_member_comes_back)
{
	json_t *answer = quoted(whole);
	struct progress p;
	uint64_t skipped;

	assert_comes_back(answer);
	ck_assert_int_eq(progress_read(answer, &p, &skipped), 0);
	ck_assert_uint_eq(skipped, 27);
	ck_assert_str_eq(p.run.target, "http://h/");
	ck_assert_int_eq(p.elapsed_ns, -1);
	ck_assert_double_eq(p.asked_per_s, 4.5);
	ck_assert_int_eq(p.last.our_delay_p99_ns, 23);
	ck_assert_uint_eq(p.events.n, 1);
	progress_fini(&p);
	json_decref(answer);
}
END_TEST

/* null stays null, and what is absent stays absent. */
START_TEST(each_member_may_be_null_or_absent)
{
	json_t *answer = quoted(whole);
	json_t *progress = json_object_get(answer, "progress");
	static const char *const parts[] = {"", "run", "stage", "last"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		json_t *at = *parts[i] ? json_object_get(progress, parts[i]) : progress;
		json_t *names = json_deep_copy(at);
		const char *key;
		json_t *value;

		ck_assert_uint_gt(json_object_size(names), 0);
		json_object_foreach(names, key, value)
		{
			json_t *before = json_incref(json_object_get(at, key));

			json_object_set_new(at, key, json_null());
			assert_comes_back(answer);
			json_object_del(at, key);
			assert_comes_back(answer);
			json_object_set_new(at, key, before);
		}
		json_decref(names);
	}
	json_decref(answer);
}
END_TEST

/* All that the interface names in its type is a field, and all fields are in it. */
START_TEST(the_fields_are_those_of_the_interface)
{
	const char *type = strstr(varlink_interface_text, "\ntype Progress (\n");
	const char *end = strstr(type, "\n)");
	size_t n = 0;

	for (const char *c = strchr(type + 1, '\n'); c < end; c = strchr(c + 1, '\n')) {
		char name[64] = "";

		ck_assert_int_eq(sscanf(c, " %63[a-z0-9_]:", name), 1);
		ck_assert_msg(result_table_find(&progress_table, name) != NULL, "%s", name);
		n++;
	}
	ck_assert_uint_eq(n, progress_table.n);
}
END_TEST

static const char *const nonsense[] = {
	"{'run': 3, 'stage': [], 'last': 'x', 'events': {}}",
	"{'run': {'id': 5, 'exit_code': 'x', 'ahead': [1, null, {'at_ns': 'x'}]}}",
	"{'elapsed_ns': '1', 'planned': 1.5, 'asked_per_s': 'x', 'cpu_share': true}",
	"{'events': [[], {'text': 5}], 'stage': {'number': null}}",
};

START_TEST(what_is_of_another_type_is_absent)
{
	json_t *doc = quoted(nonsense[_i]);
	json_t *answer = json_pack("{s:o, s:i}", "progress", doc, "skipped", -5);
	struct progress p;
	uint64_t skipped;

	ck_assert_int_eq(progress_read(answer, &p, &skipped), 0);
	ck_assert_uint_eq(skipped, 0);
	ck_assert(!result_is_known(p.elapsed_ns) && !result_is_known(p.planned));
	ck_assert(!result_is_real(p.asked_per_s) && !result_is_real(p.cpu_share));
	ck_assert_str_eq(result_words(p.run.id), "");
	ck_assert(!result_is_known(p.stage.number) && !result_is_known(p.last.width_ns));
	progress_fini(&p);
	json_decref(answer);
}
END_TEST

START_TEST(numbers_have_bounds)
{
	json_t *answer = quoted("{'progress': {'planned': 9223372036854775807, 'elapsed_ns':"
				" -9223372036854775808, 'asked_per_s': 1e308}}");
	struct progress p;
	uint64_t skipped;

	ck_assert_int_eq(progress_read(answer, &p, &skipped), 0);
	ck_assert_int_eq(p.planned, INT64_MAX / 2);
	ck_assert_int_eq(p.elapsed_ns, -(INT64_MAX / 2));
	ck_assert_double_eq(p.asked_per_s, (double)(INT64_MAX / 2));
	progress_fini(&p);
	json_decref(answer);
}
END_TEST

START_TEST(no_progress_is_none)
{
	static const char *const answers[] = {"{}", "{'progress': null}", "{'progress': []}"};

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		json_t *answer = quoted(answers[i]);
		struct progress p;
		uint64_t skipped;

		ck_assert_int_eq(progress_read(answer, &p, &skipped), -EINVAL);
		ck_assert(p.is == RESULT_IS_ABSENT);
		progress_fini(&p);
		json_decref(answer);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("progress");
	TCase *t = tcase_create("progress");

	tcase_add_test(t, every_member_comes_back);
	tcase_add_test(t, each_member_may_be_null_or_absent);
	tcase_add_test(t, the_fields_are_those_of_the_interface);
	tcase_add_loop_test(t, what_is_of_another_type_is_absent, 0, 4);
	tcase_add_test(t, numbers_have_bounds);
	tcase_add_test(t, no_progress_is_none);
	suite_add_tcase(s, t);
	return suite_main(s);
}
