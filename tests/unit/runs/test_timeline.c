/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline: workers' intervals merged by time, rows that fold when there are too many. */
#include "daemon/runs/timeline.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/quantile.h"
#include "daemon/engine/stats.h"

static struct stats_interval interval;
static struct timeline *timeline;

static void setup(void)
{
	ck_assert_int_eq(stats_interval_init(&interval), 0);
	ck_assert_int_eq(timeline_new(NSEC_PER_SEC, 2, &timeline), 0);
}

static void teardown(void)
{
	stats_interval_fini(&interval);
	timeline_free(timeline);
}

/* An interval with n good answers of latency_ns each. */
static void add(unsigned w, int64_t second, uint64_t n, int64_t latency_ns)
{
	interval.start_ns = second * NSEC_PER_SEC;
	interval.width_ns = NSEC_PER_SEC;
	interval.planned = interval.sent = interval.completed = interval.ok = n;
	histogram_reset(&interval.response);
	histogram_reset(&interval.our_delay);
	for (uint64_t i = 0; i < n; i++) {
		histogram_record(&interval.response, latency_ns);
		histogram_record(&interval.our_delay, 1000);
	}
	ck_assert_int_eq(timeline_add(timeline, w, &interval), 0);
}

START_TEST(workers_add_up)
{
	struct timeline_row row;

	ck_assert(!timeline_newest(timeline, &row));
	add(0, 0, 99, 1000000);
	ck_assert(!timeline_newest(timeline, &row)); /* the other worker is still out */
	add(1, 0, 101, 5000000);
	ck_assert(timeline_newest(timeline, &row));
	ck_assert_uint_eq(row.planned, 200);
	ck_assert_uint_eq(row.ok, 200);
	ck_assert_int_eq(row.max_ns, 5000000);
	/* two digits: within 1 % above the truth, and never above the maximum */
	ck_assert_int_ge(row.p50_ns, 5000000 - 50000);
	ck_assert_int_le(row.p50_ns, 5000000);
	ck_assert_int_ge(row.our_delay_p99_ns, 1000);
	ck_assert_uint_eq(timeline_response(timeline)->count, 200);
}
END_TEST

START_TEST(empty_interval_has_no_quantiles)
{
	struct timeline_row row;

	add(0, 0, 0, 0);
	add(1, 0, 0, 0);
	ck_assert(timeline_newest(timeline, &row));
	ck_assert_int_eq(row.p50_ns, QUANTILE_NONE);
	ck_assert_int_eq(row.max_ns, QUANTILE_NONE);
}
END_TEST

START_TEST(rows_fold_and_keep_everything)
{
	struct timeline_row row;
	const json_int_t n = 3 * TIMELINE_ROWS_MAX;
	uint64_t planned = 0;
	json_t *doc, *rows, *one;
	size_t i;

	for (json_int_t s = 0; s < n; s++) {
		add(0, s, 1, 1000000 * (s % 2 + 1));
		add(1, s, 1, 1000000);
	}
	timeline_finish(timeline);
	doc = timeline_json(timeline, n * NSEC_PER_SEC);
	rows = json_object_get(doc, "rows");
	ck_assert_uint_le(json_array_size(rows), TIMELINE_ROWS_MAX);
	ck_assert_int_eq(json_integer_value(json_object_get(doc, "width_ns")), 4 * NSEC_PER_SEC);
	json_array_foreach(rows, i, one)
	{
		planned += (uint64_t)json_integer_value(json_object_get(one, "planned"));
		ck_assert_int_eq(json_integer_value(json_object_get(one, "t_ns")),
			(json_int_t)i * 4 * NSEC_PER_SEC);
		/* 8 answers, 2 of them of 2 ms: merged, not averaged */
		ck_assert_int_eq(json_integer_value(json_object_get(one, "max_ns")), 2000000);
		ck_assert_int_le(json_integer_value(json_object_get(one, "p50_ns")), 1010000);
	}
	ck_assert_uint_eq(planned, 2 * (uint64_t)n);
	ck_assert(timeline_newest(timeline, &row));
	ck_assert_int_eq(row.width_ns, 4 * NSEC_PER_SEC);
	json_decref(doc);
}
END_TEST

START_TEST(json_marks_open_rows_and_ends_at_the_window)
{
	json_t *doc, *rows;

	add(0, 0, 1, 1000);
	add(0, 1, 1, 1000);
	add(1, 0, 1, 1000);
	add(0, 2, 1, 1000); /* behind the window: the drain */
	timeline_note(timeline, 2 * NSEC_PER_SEC, 7, 3);
	doc = timeline_json(timeline, 2 * NSEC_PER_SEC);
	rows = json_object_get(doc, "rows");
	ck_assert_uint_eq(json_array_size(rows), 2);
	ck_assert(json_is_false(json_object_get(json_array_get(rows, 0), "open")));
	ck_assert(json_is_true(json_object_get(json_array_get(rows, 1), "open")));
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_array_get(rows, 1), "in_flight")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(rows, 1), "queue")), 3);
	json_decref(doc);
}
END_TEST

START_TEST(short_rows_are_counted)
{
	for (unsigned w = 0; w < 2; w++)
		for (int64_t s = 0; s < 4; s++)
			add(w, s, 1000, 1000);
	ck_assert_double_eq(timeline_short_share(timeline, 4 * NSEC_PER_SEC), 0);
	interval.start_ns = 4 * NSEC_PER_SEC;
	interval.sent = 900;
	ck_assert_int_eq(timeline_add(timeline, 0, &interval), 0);
	ck_assert_double_eq_tol(timeline_short_share(timeline, 5 * NSEC_PER_SEC), 0.2, 1e-9);
	ck_assert_double_eq(timeline_short_share(timeline, 4 * NSEC_PER_SEC), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("timeline");
	TCase *t = tcase_create("timeline");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, workers_add_up);
	tcase_add_test(t, empty_interval_has_no_quantiles);
	tcase_add_test(t, rows_fold_and_keep_everything);
	tcase_add_test(t, json_marks_open_rows_and_ends_at_the_window);
	tcase_add_test(t, short_rows_are_counted);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
