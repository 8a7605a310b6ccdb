/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline: workers' intervals merged by time, rows that fold when there are too many. */
#include "daemon/runs/timeline.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hdr_codec.h"
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

/* An arrival without a good answer is slower than all others. */
START_TEST(rows_rank_over_what_was_planned)
{
	const struct timeline_row *row;

	add(0, 0, 99, 1000000);
	add(1, 0, 0, 0);
	row = timeline_row(timeline, 0);
	ck_assert_int_eq(row->max_ns, 1000000);
	interval.planned = interval.failed = 1;
	ck_assert_int_eq(timeline_add(timeline, 1, &interval), 0);
	ck_assert_int_eq(row->p99_ns, 1000000);
	ck_assert_int_eq(row->max_ns, QUANTILE_NONE);
	ck_assert_int_eq(timeline_add(timeline, 1, &interval), 0);
	ck_assert_int_eq(row->p50_ns, 1000000);
	ck_assert_int_eq(row->p99_ns, QUANTILE_NONE);
	interval.planned = interval.failed = 99;
	ck_assert_int_eq(timeline_add(timeline, 1, &interval), 0);
	ck_assert_int_eq(row->p50_ns, QUANTILE_NONE);
	/* what the drift of good answers is judged by */
	ck_assert_int_eq(row->good_p50_ns, 1000000);
}
END_TEST

/* What the newest closed row said before a stall is not shown in it. */
START_TEST(rows_of_the_past_are_told)
{
	struct timeline_row row = {.width_ns = NSEC_PER_SEC, .max_ns = 2 * NSEC_PER_MSEC};

	ck_assert(timeline_row_is_present(&row, CLOCK_NEVER, 0));
	ck_assert(timeline_row_is_present(&row, 100 * NSEC_PER_MSEC, 0));
	ck_assert(!timeline_row_is_present(&row, 101 * NSEC_PER_MSEC, 0));
	ck_assert(!timeline_row_is_present(&row, 101 * NSEC_PER_MSEC, 50));
	/* a slow server is slow at present too, until it is silent */
	row.max_ns = 2 * NSEC_PER_SEC;
	ck_assert(timeline_row_is_present(&row, 2500 * NSEC_PER_MSEC, 50));
	ck_assert(!timeline_row_is_present(&row, 2501 * NSEC_PER_MSEC, 50));
	ck_assert(!timeline_row_is_present(&row, NSEC_PER_SEC, 0));
	/* those who had no good answer may have waited for long */
	row.max_ns = QUANTILE_NONE;
	ck_assert(timeline_row_is_present(&row, 5 * NSEC_PER_SEC, 50));
	ck_assert(!timeline_row_is_present(&row, 5 * NSEC_PER_SEC, 0));
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

/* A pulse comes a little behind the end that it tells of, and a row that none told of says so. */
START_TEST(pulses_belong_to_the_nearest_end)
{
	for (int64_t s = 0; s < 4; s++)
		add(0, s, 1, 1000);
	timeline_note(timeline, NSEC_PER_SEC + 300000, 5, 1);
	timeline_note(timeline, 3 * NSEC_PER_SEC - 300000, 8, 2);
	timeline_note(timeline, -NSEC_PER_SEC, 100, 100);
	timeline_note(timeline, 300000, 100, 100); /* of the warm-up */
	ck_assert_uint_eq(timeline_n_rows(timeline, 4 * NSEC_PER_SEC), 4);
	ck_assert_uint_eq(timeline_n_rows(timeline, 4 * NSEC_PER_SEC - 1), 3);
	ck_assert_uint_eq(timeline_n_rows(timeline, 100 * NSEC_PER_SEC), 4);
	ck_assert_uint_eq(timeline_n_rows(timeline, 0), 0);
	ck_assert(timeline_row(timeline, 0)->is_noted);
	ck_assert_uint_eq(timeline_row(timeline, 0)->in_flight, 5);
	ck_assert(!timeline_row(timeline, 1)->is_noted);
	ck_assert(timeline_row(timeline, 2)->is_noted);
	ck_assert_uint_eq(timeline_row(timeline, 2)->in_flight, 8);
	ck_assert_uint_eq(timeline_row(timeline, 2)->queue, 2);
	ck_assert(!timeline_row(timeline, 3)->is_noted);
}
END_TEST

START_TEST(rows_have_exact_means)
{
	add(0, 0, 3, 1000);
	add(1, 0, 1, 5001);
	ck_assert_uint_eq(timeline_row(timeline, 0)->n, 4);
	ck_assert_double_eq(timeline_row(timeline, 0)->mean_ns, 8001 / 4.0);
}
END_TEST

/* At most 120, at least 1 s, all of whole rows and of one width, nothing lost. */
static const struct {
	int64_t interval_ns;
	int64_t n_intervals;
	int64_t width_ns;
	size_t n;
} batch_cases[] = {
	{NSEC_PER_SEC, 1, NSEC_PER_SEC, 1},
	{NSEC_PER_SEC, 120, NSEC_PER_SEC, 120},
	{NSEC_PER_SEC, 121, 2 * NSEC_PER_SEC, 61},
	{NSEC_PER_SEC, 3600, 30 * NSEC_PER_SEC, 120},
	{100 * NSEC_PER_MSEC, 30, NSEC_PER_SEC, 3},
	{100 * NSEC_PER_MSEC, 95, NSEC_PER_SEC, 10},
	{300 * NSEC_PER_MSEC, 10, 1200 * NSEC_PER_MSEC, 3},
	{60 * NSEC_PER_SEC, 5, 60 * NSEC_PER_SEC, 5},
	{100 * NSEC_PER_MSEC, 3 * TIMELINE_ROWS_MAX, 10400 * NSEC_PER_MSEC, 119},
};

START_TEST(batches)
{
	struct timeline *t;
	struct timeline_batches *b;
	int64_t interval_ns = batch_cases[_i].interval_ns;
	int64_t n = batch_cases[_i].n_intervals;
	uint64_t planned = 0, answered = 0;

	ck_assert_int_eq(timeline_new(interval_ns, 1, &t), 0);
	histogram_record(&interval.response, 1000000);
	histogram_record(&interval.our_delay, 1000);
	interval.planned = 2;
	for (int64_t i = 0; i < n + 5; i++) { /* the last ones are behind the window */
		interval.start_ns = i * interval_ns;
		interval.width_ns = interval_ns;
		ck_assert_int_eq(timeline_add(t, 0, &interval), 0);
	}
	ck_assert_int_eq(timeline_batches_new(t, n * interval_ns, &b), 0);
	ck_assert_int_eq(b->width_ns, batch_cases[_i].width_ns);
	ck_assert_uint_eq(b->n, batch_cases[_i].n);
	for (size_t i = 0; i < b->n; i++) {
		ck_assert_int_eq(b->all[i].start_ns, (int64_t)i * b->width_ns);
		ck_assert_uint_eq(b->all[i].response.count, b->all[i].our_delay.count);
		ck_assert_double_eq_tol(histogram_mean(&b->all[i].response), 1e6, 1e-3);
		planned += b->all[i].planned;
		answered += b->all[i].response.count;
	}
	/* Folded rows may reach over the end. */
	ck_assert_uint_ge(planned, 2 * (uint64_t)n);
	ck_assert_uint_le(planned, 2 * (uint64_t)n + 2 * 3);
	ck_assert_uint_eq(planned, 2 * answered);
	timeline_batches_free(b);
	timeline_free(t);
}
END_TEST

START_TEST(batches_of_nothing)
{
	struct timeline_batches *b;
	json_t *doc;

	ck_assert_int_eq(timeline_batches_new(timeline, 0, &b), 0);
	ck_assert_uint_eq(b->n, 0);
	timeline_batches_free(b);
	ck_assert_int_eq(timeline_batches_new(timeline, 10 * NSEC_PER_SEC, &b), 0);
	ck_assert_uint_eq(b->n, 0);
	doc = timeline_batches_json(b, "service");
	ck_assert_str_eq(json_string_value(json_object_get(doc, "of")), "service");
	ck_assert_uint_eq(json_array_size(json_object_get(doc, "rows")), 0);
	json_decref(doc);
	timeline_batches_free(b);
	ck_assert_ptr_null(timeline_batches_free(NULL));
}
END_TEST

START_TEST(batches_as_json)
{
	struct timeline_batches *b;
	struct histogram h;
	json_t *doc, *row;

	add(0, 0, 7, 1000000);
	add(0, 1, 0, 0);
	interval.start_ns = 2 * NSEC_PER_SEC;
	interval.planned = 5; /* none answered */
	ck_assert_int_eq(timeline_add(timeline, 0, &interval), 0);
	ck_assert_int_eq(timeline_batches_new(timeline, 3 * NSEC_PER_SEC, &b), 0);
	doc = timeline_batches_json(b, "response");
	timeline_batches_free(b);
	ck_assert_str_eq(json_string_value(json_object_get(doc, "of")), "response");
	ck_assert_int_eq(json_integer_value(json_object_get(doc, "width_ns")), NSEC_PER_SEC);
	ck_assert_uint_eq(json_array_size(json_object_get(doc, "rows")), 3);
	row = json_array_get(json_object_get(doc, "rows"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "t_ns")), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "planned")), 7);
	ck_assert_int_eq(hdr_decode(json_string_value(json_object_get(row, "hdr")), &h), 0);
	ck_assert_uint_eq(h.count, 7);
	ck_assert_int_eq(h.lowest, HISTOGRAM_INTERVAL_LOWEST);
	ck_assert_int_eq(h.digits, HISTOGRAM_INTERVAL_DIGITS);
	histogram_fini(&h);
	ck_assert_int_eq(
		hdr_decode(json_string_value(json_object_get(row, "our_delay_hdr")), &h), 0);
	ck_assert_uint_eq(h.count, 7);
	histogram_fini(&h);
	row = json_array_get(json_object_get(doc, "rows"), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "t_ns")), 2 * NSEC_PER_SEC);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "planned")), 5);
	ck_assert(json_is_null(json_object_get(row, "hdr")));
	ck_assert(json_is_null(json_object_get(row, "our_delay_hdr")));
	json_decref(doc);
}
END_TEST

/* Bytes in use; 0 where the allocator does not say (under a sanitizer). */
static size_t bytes_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* Every second of a day, with latencies from 1 us to 1 s in it. What was needed at most in the
 * first three hours, in which rows fold twice, is as much as the rest of the day needs. */
START_TEST(a_day_does_not_grow)
{
	const int64_t day_s = 24 * 3600;
	size_t before = bytes_in_use(), early = 0, later = 0;
	struct timeline_batches *b;
	struct timeline *t;
	json_t *doc;

	ck_assert_int_eq(timeline_new(NSEC_PER_SEC, 1, &t), 0);
	for (int64_t ns = 1000; ns < NSEC_PER_SEC; ns += ns / 8) {
		histogram_record(&interval.response, ns);
		histogram_record(&interval.our_delay, ns / 10);
	}
	interval.planned = interval.sent = interval.ok = interval.response.count;
	for (int64_t s = 0; s < day_s; s++) {
		size_t *most = s < 3 * 3600 ? &early : &later;
		size_t now;

		interval.start_ns = s * NSEC_PER_SEC;
		interval.width_ns = NSEC_PER_SEC;
		ck_assert(timeline_add(t, 0, &interval) == 0);
		if (s % 64)
			continue;
		now = bytes_in_use() - before;
		*most = now > *most ? now : *most;
	}
	ck_assert_uint_le(later, early + early / 50);
	ck_assert_uint_le(later, 16 << 20);
	timeline_finish(t);
	doc = timeline_json(t, day_s * NSEC_PER_SEC);
	ck_assert_uint_le(json_array_size(json_object_get(doc, "rows")), TIMELINE_ROWS_MAX);
	json_decref(doc);
	ck_assert_int_eq(timeline_batches_new(t, day_s * NSEC_PER_SEC, &b), 0);
	ck_assert_uint_le(b->n, TIMELINE_BATCHES_MAX);
	ck_assert_uint_ge(b->n, TIMELINE_BATCHES_MAX / 2);
	timeline_batches_free(b);
	timeline_free(t);
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
	tcase_add_test(t, rows_rank_over_what_was_planned);
	tcase_add_test(t, rows_of_the_past_are_told);
	tcase_add_test(t, rows_fold_and_keep_everything);
	tcase_add_test(t, json_marks_open_rows_and_ends_at_the_window);
	tcase_add_test(t, short_rows_are_counted);
	tcase_add_test(t, pulses_belong_to_the_nearest_end);
	tcase_add_test(t, rows_have_exact_means);
	tcase_add_loop_test(t, batches, 0, (int)(sizeof(batch_cases) / sizeof(*batch_cases)));
	tcase_add_test(t, batches_of_nothing);
	tcase_add_test(t, batches_as_json);
	tcase_add_test(t, a_day_does_not_grow);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
