/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics of a run, from stretches that are made by hand: seconds of a run that never ran.
 * The judgements themselves are held to their figures in the tests of confidence and steadiness;
 * here it is which of the run's figures they are given, and what is said of them. */
#include "daemon/runs/run_figures.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "common/json_path.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define T0 (1000 * NSEC_PER_SEC)

static struct run run;
static struct stats_interval interval;
static struct run_figures figures;

static struct plan *make_plan(const char *text)
{
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct plan *plan = NULL;

	ck_assert_int_eq(ini_read(&doc, "run.ini", text, strlen(text), &problems), 0);
	ck_assert_int_eq(ini_set(&doc, "url", "target", "", "url", "http://127.0.0.1:8000/"), 0);
	ck_assert_msg(plan_build("test", &doc, text, NULL, 0, &plan, &problems) == 0, "%s",
		problems.n ? problems.texts[0] : "");
	problems_fini(&problems);
	ini_fini(&doc);
	return plan;
}

static void begin(const char *text)
{
	run = (struct run){.plan = make_plan(text), .times = {.t0_ns = T0}};
	run_steering_init(&run.steering, run.id, run.plan, &run.room.caps, &run.times);
	ck_assert_int_eq(run_steering_make_schedule(&run.steering), 0);
	run_steering_place_window(&run.steering);
	ck_assert_int_eq(timeline_new(run.plan->interval_ns, 1, &run.timeline), 0);
	ck_assert_int_eq(stats_totals_init(&run.totals, plan_n_named(run.plan), 0), 0);
	ck_assert_int_eq(stats_interval_init(&interval), 0);
}

static void judge(void)
{
	timeline_finish(run.timeline);
	ck_assert_int_eq(run_figures_init(&figures, &run), 0);
}

static void teardown(void)
{
	run_figures_fini(&figures);
	stats_interval_fini(&interval);
	stats_totals_fini(&run.totals);
	timeline_free(run.timeline);
	run_steering_fini(&run.steering);
	plan_free(run.plan);
	run = (struct run){0};
}

/* 100 arrivals in this second, so many of them answered well, after ns and up to a tenth more, in
 * an order that repeats after 7 seconds; so many in flight at its end. */
static void second(int64_t s, uint64_t ok, int64_t ns, uint64_t in_flight)
{
	enum stats_histogram which = run_schedule(&run) ? STATS_RESPONSE : STATS_SERVICE;

	histogram_reset(&interval.response);
	histogram_reset(&interval.our_delay);
	interval.start_ns = s * NSEC_PER_SEC;
	interval.width_ns = NSEC_PER_SEC;
	interval.planned = interval.sent = 100;
	for (uint64_t i = 0; i < ok; i++) {
		int64_t value = ns + ns / 10 * (int64_t)((i * 7 + (uint64_t)s * 3 % 7) % 10) / 10;

		histogram_record(&interval.response, value);
		histogram_record(&run.totals.histograms[which], value);
	}
	ck_assert_int_eq(timeline_add(run.timeline, 0, &interval), 0);
	timeline_note(run.timeline, (s + 1) * NSEC_PER_SEC + 200000, in_flight, 0);
	run.totals.ledgers[STATS_WINDOW].planned += 100;
	run.totals.ledgers[STATS_WINDOW].sent += 100;
	run.totals.ledgers[STATS_WINDOW].classes[LEDGER_OK] += ok;
	run.totals.ledgers[STATS_WINDOW].classes[LEDGER_TIMEOUT] += 100 - ok;
}

/* What these figures fill in of a result, as its document has it. New reference. */
static json_t *written(const char *path)
{
	struct result r;
	json_t *doc, *value;

	result_init(&r);
	r.is = r.generator.is = RESULT_IS_THERE;
	ck_assert_int_eq(run_figures_batches(&figures, &r.batches), 0);
	ck_assert_int_eq(run_figures_steadiness(&figures, &r.steadiness), 0);
	ck_assert_int_eq(run_figures_slowest(&figures, &r.slowest), 0);
	ck_assert_int_eq(run_figures_note(&figures, &r.generator.notes), 0);
	doc = result_write(&r);
	result_fini(&r);
	value = json_incref((json_t *)json_path_at(doc, path));
	json_decref(doc);
	return value;
}

/* The one note; NULL: there is none. */
static json_t *note(void)
{
	json_t *notes = written("generator.notes");
	json_t *one = json_incref(json_array_get(notes, 0));

	ck_assert_uint_le(json_array_size(notes), 1);
	json_decref(notes);
	return one;
}

static const char *word(void)
{
	static char text[64];
	json_t *doc = written("steadiness");

	(void)snprintf(text, sizeof(text), "%s", json_path_text(doc, "word"));
	json_decref(doc);
	return text;
}

static json_t *latency(void)
{
	enum stats_histogram which = run_schedule(&run) ? STATS_RESPONSE : STATS_SERVICE;
	struct result_latency main;
	json_t *doc;

	result_table_init(&result_latency_table, &main);
	ck_assert_int_eq(result_fill_latency(&run.totals.histograms[which], &main), 0);
	ck_assert_int_eq(run_figures_confidence(&figures, &main), 0);
	doc = json_pack("{s:o}", stats_histogram_names[which],
		result_table_write(&result_latency_table, &main));
	result_table_fini(&result_latency_table, &main);
	ck_assert_ptr_nonnull(doc);
	return doc;
}

static int64_t figure(const json_t *doc, const char *path, size_t i)
{
	const json_t *pair = json_path_at(doc, path);

	ck_assert_msg(json_array_size(pair) == 2, "no %s", path);
	return json_integer_value(json_array_get(pair, i));
}

static const char open_text[] = "[load]\nrate = 100\nduration = 60s\n";

START_TEST(intervals_of_an_open_run)
{
	double level = 0, effective = 0;
	int64_t p50 = 0;
	json_t *doc;

	begin(open_text);
	for (int64_t s = 0; s < 60; s++)
		second(s, 100, (s % 5 == 0 ? 3 : 1) * MS, 2);
	judge();
	doc = latency();
	ck_assert(json_path_real(doc, "response.ci95.level", &level));
	ck_assert_double_eq(level, 0.95);
	ck_assert(json_path_int(doc, "response.p50_ns", &p50));
	ck_assert_int_le(figure(doc, "response.ci95.p50_ns", 0), p50);
	ck_assert_int_ge(figure(doc, "response.ci95.p50_ns", 1), p50);
	ck_assert(json_path_real(doc, "response.n_effective.p50", &effective));
	ck_assert_double_gt(effective, 100);
	ck_assert_double_le(effective, 6000);
	/* 6,000 arrivals are enough for p99.9, if they were independent. */
	ck_assert(json_path_real(doc, "response.n_effective.p99_9", &effective));
	json_decref(doc);
	ck_assert_str_eq(word(), "steady");
	doc = written("batches");
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "rows")), 60);
	ck_assert_str_eq(json_path_text(doc, "of"), "response");
	json_decref(doc);
	doc = note();
	ck_assert_ptr_null(doc);
	json_decref(doc);
}
END_TEST

/* What was not answered well ranks last: the p99 of these arrivals is nobody's, its interval too.
 */
START_TEST(intervals_are_over_planned_arrivals)
{
	json_t *doc;

	begin(open_text);
	for (int64_t s = 0; s < 60; s++)
		second(s, 90 + (s % 4 == 0), MS, 2);
	judge();
	doc = latency();
	ck_assert(json_is_array(json_path_at(doc, "response.ci95.p50_ns")));
	ck_assert(json_is_null(json_path_at(doc, "response.ci95.p99_ns")));
	ck_assert(json_is_null(json_path_at(doc, "response.n_effective.p99")));
	/* p90 is somebody's, but it may as well be nobody's. */
	ck_assert(json_is_null(json_array_get(json_path_at(doc, "response.ci95.p90_ns"), 1)));
	json_decref(doc);
}
END_TEST

START_TEST(short_runs_have_no_intervals)
{
	double level = 0;
	json_t *doc;

	begin("[load]\nrate = 100\nduration = 5s\n[statistics]\nconfidence = 90\n");
	for (int64_t s = 0; s < 5; s++)
		second(s, 100, MS, 2);
	judge();
	doc = latency();
	ck_assert(json_path_real(doc, "response.ci95.level", &level));
	ck_assert_double_eq(level, 0.9);
	ck_assert(json_is_null(json_path_at(doc, "response.ci95.p50_ns")));
	ck_assert(json_is_null(json_path_at(doc, "response.n_effective.p50")));
	json_decref(doc);
	ck_assert_str_eq(word(), "unknown");
}
END_TEST

START_TEST(closed_runs_have_service_times)
{
	struct slow slow = {.ns = 5 * MS, .class = LEDGER_OK, .status = 200};
	json_t *doc;
	int64_t ns = 0;

	begin("[load]\nrate = max\nduration = 30s\n");
	for (int64_t s = 0; s < 30; s++)
		second(s, 90, (1 + s % 2) * MS, 64);
	slowest_add(&run.totals.slowest_ok, &slow);
	judge();
	doc = latency();
	/* The ten of each second that failed do not count here. */
	ck_assert(json_is_array(json_path_at(doc, "service.ci95.p99_ns")));
	json_decref(doc);
	doc = written("batches");
	ck_assert_str_eq(json_path_text(doc, "of"), "service");
	json_decref(doc);
	doc = written("slowest");
	ck_assert(json_path_int(json_array_get(doc, 0), "service_ns", &ns));
	ck_assert_int_eq(ns, 5 * MS);
	ck_assert_ptr_null(json_path_at(json_array_get(doc, 0), "response_ns"));
	json_decref(doc);
	ck_assert_str_eq(word(), "steady");
}
END_TEST

START_TEST(nothing_was_sent)
{
	json_t *doc;

	begin(open_text);
	timeline_free(run.timeline);
	run.timeline = NULL;
	run.times.t0_ns = 0;
	ck_assert_int_eq(run_figures_init(&figures, &run), 0);
	doc = latency();
	ck_assert(json_is_null(json_path_at(doc, "response.ci95.p50_ns")));
	json_decref(doc);
	doc = written("batches");
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "rows")), 0);
	json_decref(doc);
	doc = written("slowest");
	ck_assert_uint_eq(json_array_size(doc), 0);
	json_decref(doc);
	ck_assert_str_eq(word(), "unknown");
}
END_TEST

START_TEST(a_backlog_is_unsteady)
{
	char text[256];
	json_t *doc;

	begin(open_text);
	for (int64_t s = 0; s < 60; s++)
		second(s, 100, MS, 3 + 5 * (uint64_t)s);
	judge();
	ck_assert_str_eq(word(), "unsteady");
	doc = note();
	ck_assert_str_eq(json_path_text(doc, "code"), "unsteady");
	ck_assert_ptr_nonnull(strstr(json_path_text(doc, "text"),
		"unsteady: percentiles depend on run length: the backlog grew by 5 requests"));
	ck_assert_str_eq(run_figures_unsteady(&figures, text), json_path_text(doc, "text"));
	ck_assert_str_ne(json_path_text(doc, "try"), "");
	json_decref(doc);
}
END_TEST

START_TEST(a_short_warmup_is_told_its_length)
{
	int64_t advice = 0;
	json_t *doc;

	begin("[load]\nrate = 100\nduration = 60s\nwarmup = 3s\n");
	for (int64_t s = 0; s < 60; s++)
		second(s, 100, (s < 5 ? 20 : 1) * MS, 2);
	judge();
	ck_assert_str_eq(word(), "warm-up too short");
	doc = written("steadiness");
	ck_assert(json_path_int(doc, "warmup_advice_ns", &advice));
	ck_assert_int_eq(advice, 8 * NSEC_PER_SEC);
	json_decref(doc);
	doc = note();
	ck_assert_str_eq(json_path_text(doc, "code"), "warmup-too-short");
	ck_assert_str_eq(json_path_text(doc, "try"), "-w 8s");
	json_decref(doc);
}
END_TEST

/* Good answers as quick as ever are no drift, however many others there come to be: that is told
 * where failures are. */
START_TEST(failures_are_no_drift)
{
	begin("[load]\nrate = 100\nduration = 60s\n");
	for (int64_t s = 0; s < 60; s++)
		second(s, s < 30 ? 100 : 40, 10 * MS, 2);
	judge();
	ck_assert_str_eq(word(), "steady");
}
END_TEST

/* More than one rate: a drift would be the plan's. */
static const struct {
	const char *text;
	const char *word;
} stage_cases[] = {
	{"[load]\nstage = hold 100/s for 30s\nstage = hold 100/s for 30s\n", "unsteady"},
	{"[load]\nstage = warmup ramp to 100/s over 10s\nstage = hold 100/s for 60s\n", "unsteady"},
	{"[load]\nstage = hold 100/s for 30s\nstage = hold 200/s for 30s\n", "staged"},
	{"[load]\nstage = ramp from 50/s to 150/s over 60s\n", "staged"},
	{"[load]\nstage = step from 50/s to 150/s by 50/s every 20s\n", "staged"},
	{"[load]\nstage = hold 100/s for 30s\nstage = pause 10s\nstage = hold 100/s for 20s\n",
		"staged"},
};

START_TEST(stages_are_not_judged)
{
	begin(stage_cases[_i].text);
	for (int64_t s = 0; s < 60; s++)
		second(s, 100, MS, 3 + 5 * (uint64_t)s);
	judge();
	ck_assert_str_eq(word(), stage_cases[_i].word);
}
END_TEST

static const struct {
	enum schedule_act act;
	struct rate rate;
	const char *word;
} steer_cases[] = {
	{SCHEDULE_SET_RATE, {400, 1}, "staged"},
	{SCHEDULE_SET_RATE, {100, 1}, "unsteady"},
	{SCHEDULE_PAUSE, {0, 1}, "staged"},
};

START_TEST(steered_runs_are_staged)
{
	struct schedule *steered;
	const struct schedule *whole;

	begin(open_text);
	whole = run_schedule(&run);
	ck_assert_int_eq(schedule_steer(whole, steer_cases[_i].act, steer_cases[_i].rate,
				 20 * NSEC_PER_SEC, &steered),
		0);
	if (steer_cases[_i].act == SCHEDULE_PAUSE) {
		struct schedule *paused = steered;

		ck_assert_int_eq(schedule_steer(paused, SCHEDULE_RESUME, (struct rate){0, 1},
					 20 * NSEC_PER_SEC + 100 * MS, &steered),
			0);
		schedule_free(paused);
	}
	run.steering._newest = steered;
	for (int64_t s = 0; s < 60; s++)
		second(s, 100, MS, 3 + 5 * (uint64_t)s);
	judge();
	ck_assert_str_eq(word(), steer_cases[_i].word);
	schedule_free(steered);
}
END_TEST

START_TEST(slowest_in_order)
{
	static const int64_t want[] = {9, 8, 7, 5};
	json_t *doc;

	begin(open_text);
	slowest_add(&run.totals.slowest_ok,
		&(struct slow){.ns = 5, .at_ns = 50, .status = 200, .class = LEDGER_OK});
	slowest_add(&run.totals.slowest_failed, &(struct slow){.ns = 9,
							.at_ns = 10,
							.class = LEDGER_TIMEOUT,
							.connection = 31,
							.worker = 1});
	slowest_add(&run.totals.slowest_ok, &(struct slow){.ns = 8, .class = LEDGER_OK});
	slowest_add(&run.totals.slowest_failed,
		&(struct slow){.ns = 7, .status = 503, .class = LEDGER_HTTP_ERROR});
	judge();
	doc = written("slowest");
	ck_assert_uint_eq(json_array_size(doc), 4);
	for (size_t i = 0; i < 4; i++) {
		int64_t ns = 0;

		ck_assert(json_path_int(json_array_get(doc, i), "response_ns", &ns));
		ck_assert_int_eq(ns, want[i]);
	}
	ck_assert_str_eq(json_path_text(json_array_get(doc, 0), "class"), "timeout");
	ck_assert(json_is_null(json_path_at(json_array_get(doc, 0), "status")));
	ck_assert(json_is_null(json_path_at(json_array_get(doc, 0), "request")));
	ck_assert_int_eq(
		json_integer_value(json_path_at(json_array_get(doc, 0), "connection")), 31);
	ck_assert_int_eq(json_integer_value(json_path_at(json_array_get(doc, 0), "worker")), 1);
	ck_assert_int_eq(json_integer_value(json_path_at(json_array_get(doc, 2), "status")), 503);
	ck_assert_int_eq(json_integer_value(json_path_at(json_array_get(doc, 3), "at_ns")), 50);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run figures");
	TCase *t = tcase_create("run figures");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, intervals_of_an_open_run);
	tcase_add_test(t, intervals_are_over_planned_arrivals);
	tcase_add_test(t, short_runs_have_no_intervals);
	tcase_add_test(t, closed_runs_have_service_times);
	tcase_add_test(t, nothing_was_sent);
	tcase_add_test(t, a_backlog_is_unsteady);
	tcase_add_test(t, a_short_warmup_is_told_its_length);
	tcase_add_test(t, failures_are_no_drift);
	tcase_add_loop_test(
		t, stages_are_not_judged, 0, (int)(sizeof(stage_cases) / sizeof(*stage_cases)));
	tcase_add_loop_test(
		t, steered_runs_are_staged, 0, (int)(sizeof(steer_cases) / sizeof(*steer_cases)));
	tcase_add_test(t, slowest_in_order);
	suite_add_tcase(s, t);
	return suite_main(s);
}
