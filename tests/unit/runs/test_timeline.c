/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline: workers' intervals merged by time, rows that fold when there are too many. */
#include "daemon/runs/timeline.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/stats/hdr_codec.h"
#include "common/stats/quantile.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "daemon/engine/stats.h"
#include "tests/support/suite.h"

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

static json_t *timeline_json(const struct timeline *t, int64_t window_ns)
{
	struct result_intervals intervals;
	json_t *doc;

	result_table_init(&result_intervals_table, &intervals);
	ck_assert_int_eq(timeline_fill(t, window_ns, &intervals), 0);
	doc = result_table_write(&result_intervals_table, &intervals);
	result_table_fini(&result_intervals_table, &intervals);
	return doc;
}

static json_t *timeline_batches_json(const struct timeline_batches *b, const char *of)
{
	struct result_batches batches;
	json_t *doc;

	result_table_init(&result_batches_table, &batches);
	ck_assert_int_eq(timeline_batches_fill(b, of, &batches), 0);
	doc = result_table_write(&result_batches_table, &batches);
	result_table_fini(&result_batches_table, &batches);
	return doc;
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
	add(0, 2, 1, 1000); /* after the window: the drain */
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

/* A worker that had too few buffers hands over a wider interval: then all rows are that wide, and
 * none has what belongs to another. */
START_TEST(a_wide_interval_makes_all_rows_wide)
{
	for (int64_t s = 0; s < 7; s++)
		add(0, s, 10, 1000);
	add(1, 0, 1, 1000);
	interval.start_ns = 3 * NSEC_PER_SEC; /* the rest of a row of 4 s */
	ck_assert_int_eq(timeline_add(timeline, 1, &interval), 0);
	ck_assert_int_eq(timeline_row(timeline, 0)->width_ns, NSEC_PER_SEC);
	interval.start_ns = 4 * NSEC_PER_SEC;
	interval.width_ns = 4 * NSEC_PER_SEC;
	ck_assert_int_eq(timeline_add(timeline, 1, &interval), 0);
	ck_assert_uint_eq(timeline_n_rows(timeline, 8 * NSEC_PER_SEC), 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(timeline_row(timeline, i)->width_ns, 4 * NSEC_PER_SEC);
		ck_assert_uint_eq(timeline_row(timeline, i)->planned, i == 0 ? 42 : 31);
	}
}
END_TEST

/* ---- from arrivals to rows: whatever happens, each count is in the row of its instant */

#define N_ARRIVALS 500
#define N_ROWS_MAX 300
#define WINDOW_ROWS 200

struct arrival {
	struct exchange x;
	int64_t sent_ns, end_ns; /* since the window's start */
	bool was_sent, is_ok, is_over;
};

struct sums {
	uint64_t planned, sent, completed, ok, failed;
};

static struct arrival arrivals[N_ARRIVALS];

static uint64_t draw(uint64_t *state, uint64_t n)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (*state >> 33) % n;
}

static void note(struct sums *rows, int64_t window_ns, int64_t width_ns, const struct arrival *a,
	int64_t planned_ns)
{
	if (planned_ns >= 0 && planned_ns < window_ns)
		rows[planned_ns / width_ns].planned++;
	if (a->was_sent && a->sent_ns >= 0 && a->sent_ns < window_ns)
		rows[a->sent_ns / width_ns].sent++;
	if (a->is_over && a->end_ns >= 0 && a->end_ns < window_ns) {
		rows[a->end_ns / width_ns].completed += a->is_ok;
		rows[a->end_ns / width_ns].ok += a->is_ok;
		rows[a->end_ns / width_ns].failed += !a->is_ok;
	}
}

static void end_arrival(struct stats *s, struct arrival *a)
{
	int64_t end_ns = s->window_start_ns + a->end_ns;
	struct stats_end end = {.fault = a->is_ok ? FAULT_NONE : FAULT_TIMEOUT,
		.was_sent = a->was_sent,
		.is_complete = a->is_ok,
		.status = a->is_ok ? 200 : 0,
		.slack_ns = -1,
		.end_ns = end_ns};

	if (!a->was_sent)
		end.fault = FAULT_EXPIRED;
	a->x.first_byte_ns = a->x.done_ns = end_ns;
	stats_end(s, &a->x, &end);
	a->is_over = true;
}

/* One worker over its whole life: arrivals that wait for up to most_rows rows, n_buffers, and a
 * main thread that gives buffers back lag ticks late. */
static void live(struct stats *s, unsigned w, int64_t width_ns, int64_t window_ns, size_t n_buffers,
	uint64_t most_rows, size_t lag, uint64_t *seed, struct timeline *t)
{
	struct stats_interval buffers[40], *out[40], *i;
	int64_t step_ns = (window_ns + 40 * width_ns) / N_ARRIVALS;
	size_t n_out = 0;

	for (size_t b = 0; b < n_buffers; b++) {
		ck_assert_int_eq(stats_interval_init(&buffers[b]), 0);
		stats_give(s, &buffers[b]);
	}
	for (int64_t n = 0; n < N_ARRIVALS; n++) {
		int64_t now_ns = n * step_ns - 20 * width_ns;
		struct arrival *a = &arrivals[n];
		int64_t now_abs_ns = s->window_start_ns + now_ns;

		for (int64_t k = 0; k < n; k++)
			if (!arrivals[k].is_over && arrivals[k].end_ns <= now_ns)
				end_arrival(s, &arrivals[k]);
		*a = (struct arrival){.sent_ns = now_ns,
			.end_ns = now_ns + (int64_t)draw(seed, most_rows * (uint64_t)width_ns),
			.was_sent = draw(seed, 10) > 0,
			.is_ok = draw(seed, 4) > 0};
		a->is_ok = a->is_ok && a->was_sent;
		stats_begin(s, &a->x, now_abs_ns - 1, now_abs_ns, 0);
		if (a->was_sent) {
			a->x.n_sent = 1;
			a->x.sent_ns = a->x.sent_all_ns = now_abs_ns;
			stats_sent(s, &a->x);
		}
		while (n_out > lag)
			stats_give(s, out[--n_out]);
		while ((i = stats_take(s, now_abs_ns))) {
			ck_assert_int_eq(timeline_add(t, w, i), 0);
			out[n_out++] = i;
		}
	}
	for (int64_t k = 0; k < N_ARRIVALS; k++) {
		struct arrival *a = &arrivals[k];

		if (!a->is_over && k % 2)
			stats_give_up(s, &a->x, a->was_sent, s->window_start_ns + 2 * window_ns);
		else if (!a->is_over)
			end_arrival(s, a);
	}
	while ((i = stats_take_any(s))) {
		ck_assert_uint_eq(i->pending, 0);
		ck_assert_int_eq(timeline_add(t, w, i), 0);
	}
	for (size_t b = 0; b < n_buffers; b++)
		stats_interval_fini(&buffers[b]);
}

static uint64_t member(const json_t *row, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(row, name));
}

START_TEST(every_count_is_in_the_row_of_its_instant)
{
	static const int64_t widths_ns[] = {100 * NSEC_PER_MSEC, NSEC_PER_SEC, 7 * NSEC_PER_SEC};
	static const size_t n_buffers[] = {2, 5, 40};
	static const uint64_t most_rows[] = {1, 30, 150};
	static struct sums fine[N_ROWS_MAX];
	int64_t width_ns = widths_ns[_i % 3];
	int64_t window_ns = WINDOW_ROWS * width_ns + width_ns * 2 / 5;
	unsigned n_workers = 1 + (unsigned)_i / 2 % 3;
	uint64_t seed = (uint64_t)_i, planned = 0;
	struct stats_totals totals;
	struct sums all = {0};
	struct timeline_batches *b;
	struct timeline *t;
	json_t *doc, *row;
	size_t i, n_rows;

	memset(fine, 0, sizeof(fine));
	ck_assert_int_eq(stats_totals_init(&totals, 0, 0), 0);
	ck_assert_int_eq(timeline_new(width_ns, n_workers, &t), 0);
	for (unsigned w = 0; w < n_workers; w++) {
		struct stats s;

		ck_assert_int_eq(stats_init(&s, _i % 2, width_ns, 0, 0), 0);
		stats_set_window(&s, NSEC_PER_SEC * 100000, NSEC_PER_SEC * 100000 + window_ns);
		live(&s, w, width_ns, window_ns, n_buffers[_i / 6 % 3], most_rows[_i / 18],
			(size_t)_i / 3 % 2, &seed, t);
		ck_assert(stats_balances(&s));
		stats_totals_add(&totals, &s.totals);
		for (int64_t n = 0; n < N_ARRIVALS; n++)
			note(fine, window_ns, width_ns, &arrivals[n],
				arrivals[n].x.planned_ns - s.window_start_ns);
		stats_fini(&s);
	}
	timeline_finish(t);
	doc = timeline_json(t, window_ns);
	n_rows = member(doc, "width_ns") / (uint64_t)width_ns; /* fine ones in each */
	if (n_buffers[_i / 6 % 3] == 40 && most_rows[_i / 18] <= 30)
		ck_assert_uint_eq(n_rows, 1);
	json_array_foreach(json_object_get(doc, "rows"), i, row)
	{
		struct sums want = {0};

		for (size_t k = i * n_rows; k < (i + 1) * n_rows && k < N_ROWS_MAX; k++) {
			want.planned += fine[k].planned;
			want.sent += fine[k].sent;
			want.completed += fine[k].completed;
			want.ok += fine[k].ok;
			want.failed += fine[k].failed;
		}
		ck_assert_uint_eq(member(row, "t_ns"), i * member(doc, "width_ns"));
		ck_assert_uint_eq(member(row, "planned"), want.planned);
		ck_assert_uint_eq(member(row, "sent"), want.sent);
		ck_assert_uint_eq(member(row, "completed"), want.completed);
		ck_assert_uint_eq(member(row, "ok"), want.ok);
		ck_assert_uint_eq(member(row, "failed"), want.failed);
		all.planned += want.planned;
		all.sent += want.sent;
		all.completed += want.completed;
		all.ok += want.ok;
	}
	ck_assert_uint_eq(all.planned, totals.ledgers[STATS_WINDOW].planned);
	ck_assert_uint_eq(all.sent, totals.sent_in_window);
	ck_assert_uint_eq(all.completed, totals.completed_in_window);
	ck_assert_uint_eq(all.ok, totals.ok_in_window);
	ck_assert_uint_eq(
		timeline_response(t)->count, totals.ledgers[STATS_WINDOW].classes[LEDGER_OK]);
	ck_assert_int_eq(timeline_batches_new(t, window_ns, &b), 0);
	for (i = 0; i < b->n; i++)
		planned += b->all[i].planned;
	ck_assert_uint_eq(planned, all.planned);
	timeline_batches_free(b);
	json_decref(doc);
	timeline_free(t);
	stats_totals_fini(&totals);
}
END_TEST

/* A pulse comes a little after the end that it tells of, and a row that none told of says so. */
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
	for (int64_t i = 0; i < n + 5; i++) { /* the last ones are after the window */
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

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, workers_add_up);
	tcase_add_test(t, empty_interval_has_no_quantiles);
	tcase_add_test(t, rows_rank_over_what_was_planned);
	tcase_add_test(t, rows_of_the_past_are_told);
	tcase_add_test(t, rows_fold_and_keep_everything);
	tcase_add_test(t, json_marks_open_rows_and_ends_at_the_window);
	tcase_add_test(t, a_wide_interval_makes_all_rows_wide);
	tcase_add_loop_test(t, every_count_is_in_the_row_of_its_instant, 0, 54);
	tcase_add_test(t, pulses_belong_to_the_nearest_end);
	tcase_add_test(t, rows_have_exact_means);
	tcase_add_loop_test(t, batches, 0, (int)(sizeof(batch_cases) / sizeof(*batch_cases)));
	tcase_add_test(t, batches_of_nothing);
	tcase_add_test(t, batches_as_json);
	tcase_add_test(t, a_day_does_not_grow);
	suite_add_tcase(s, t);
	return suite_main(s);
}
