/* SPDX-License-Identifier: Apache-2.0 */
/* Report, whole and in batches. A run with hundreds of intervals would take minutes, so the rows of
 * a short one are multiplied. */
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/service/methods_fixture.h"

/* Of the finished run; the test alone changes it. */
static json_t *test_result(const char *id)
{
	return (json_t *)run_result(registry_find(registry, id));
}

/* A finished run with n rows, which are told apart by t_ns. */
static void test_finished_run(char id[static 96], int n)
{
	json_t *rows;

	test_start_short(id, json_pack("{}"));
	test_until_finished(id);
	rows = json_object_get(json_object_get(test_result(id), "intervals"), "rows");
	ck_assert(json_is_array(rows));
	ck_assert_int_eq(json_array_clear(rows), 0);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(json_array_append_new(rows, json_pack("{s:i}", "t_ns", i)), 0);
}

/* The next reply's rows, which begin with first; whether more follow in ret_more. */
static size_t test_next_rows(struct client *k, json_int_t first, bool *ret_more)
{
	json_t *reply = test_next(k);
	json_t *result = json_object_get(json_object_get(reply, "parameters"), "result");
	json_t *intervals = json_object_get(result, "intervals");
	json_t *rows = json_object_get(intervals, "rows");
	size_t n = json_array_size(rows);

	ck_assert_ptr_null(json_object_get(reply, "error"));
	*ret_more = json_is_true(json_object_get(reply, "continues"));
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(
			json_integer_value(json_object_get(json_array_get(rows, i), "t_ns")),
			first + (json_int_t)i);
	/* Only the first part is a document. */
	ck_assert_int_eq(json_object_get(result, "ledger") != NULL, first == 0);
	if (first > 0) {
		ck_assert_uint_eq(json_object_size(result), 1);
		ck_assert_uint_eq(json_object_size(intervals), 1);
	} else {
		ck_assert_ptr_nonnull(json_object_get(intervals, "width_ns"));
	}
	json_decref(reply);
	return n;
}

static const int test_sizes[] = {0, 1, 256, 257, 512, 600, 4096};

START_TEST(rows_come_in_batches)
{
	int n = test_sizes[_i];
	int n_batches = 0;
	json_int_t next = 0;
	bool more = true;
	char id[96];

	test_finished_run(id, n);
	test_send(&admin, "Report", json_pack("{s:s}", "run", id), true);
	while (more) {
		size_t some = test_next_rows(&admin, next, &more);

		ck_assert_uint_le(some, 256);
		ck_assert(!more || some == 256);
		next += (json_int_t)some;
		n_batches++;
	}
	ck_assert_int_eq(next, n);
	ck_assert_int_eq(n_batches, n == 0 ? 1 : (n + 255) / 256);
	/* The document is as it was, and the connection too. */
	test_send(&admin, "Report", json_pack("{s:s}", "run", id), false);
	ck_assert_uint_eq(test_next_rows(&admin, 0, &more), (size_t)n);
	ck_assert(!more);
}
END_TEST

/* What has been begun is finished, though the run may be forgotten meanwhile. */
START_TEST(who_reads_late_or_leaves_does_no_harm)
{
	struct client late = test_client();
	struct client gone = test_client();
	json_int_t next = 0;
	bool more = true;
	char id[96];

	test_finished_run(id, 4096);
	test_send(&late, "Report", json_pack("{s:s}", "run", id), true);
	test_send(&gone, "Report", json_pack("{s:s}", "run", id), true);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(loop_turn(loop, 0), 0);
	test_close(&gone);
	while (control_n_connections(control) > 2)
		ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
	while (more)
		next += (json_int_t)test_next_rows(&late, next, &more);
	ck_assert_int_eq(next, 4096);
	test_close(&late);
}
END_TEST

static const char *test_text_of(json_t *reply)
{
	json_t *plan = json_object_get(json_object_get(reply, "result"), "plan");

	return json_string_value(json_object_get(plan, "text"));
}

START_TEST(the_run_file_in_it_has_no_secrets)
{
	struct client observer = test_observer();
	json_t *reply;
	char id[96];

	test_finished_run(id, 1);
	reply = test_ok(&admin, "Report", NULL);
	ck_assert_ptr_nonnull(strstr(test_text_of(reply), "rate = 200\n"));
	ck_assert_ptr_nonnull(strstr(test_text_of(reply), "header = Cookie: ***\n"));
	json_decref(reply);
	reply = test_ok(&observer, "Report", NULL);
	ck_assert_ptr_nonnull(strstr(test_text_of(reply), "header = Cookie: ***\n"));
	json_decref(reply);
	test_close(&observer);
}
END_TEST

START_TEST(what_has_not_finished_has_no_report)
{
	json_t *reply;
	char id[96];

	reply = test_set("load.duration", "20s");
	test_start_short(id, reply);
	test_send(&admin, "Report", json_pack("{s:s}", "run", id), true);
	reply = test_next(&admin);
	ck_assert_str_eq(
		json_string_value(json_object_get(reply, "error")), RPSD_INTERFACE ".NotFinished");
	json_decref(reply);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("methods_report");
	TCase *t = test_case(s, "report");

	tcase_add_loop_test(
		t, rows_come_in_batches, 0, (int)(sizeof(test_sizes) / sizeof(test_sizes[0])));
	tcase_add_test(t, who_reads_late_or_leaves_does_no_harm);
	tcase_add_test(t, the_run_file_in_it_has_no_secrets);
	tcase_add_test(t, what_has_not_finished_has_no_report);
	return suite_main(s);
}
