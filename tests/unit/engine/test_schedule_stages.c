/* SPDX-License-Identifier: Apache-2.0 */
/* Ramps, steps, pauses, jitter and Poisson arrivals against the formulas of measurement page A.3,
 * in long double; and cursors against each other, however a run is split and steered. */
#include "daemon/engine/schedule.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "tests/support/suite.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define SEC NSEC_PER_SEC
#define HOUR (3600 * SEC)

static struct plan plan;
static struct plan_stage stages[8];

static void setup(void)
{
	plan = (struct plan){.stages = stages, .seed = 42};
	memset(stages, 0, sizeof(stages));
}

static struct plan_stage hold(uint64_t per_s, int64_t duration_ns)
{
	return (struct plan_stage){
		.kind = PLAN_HOLD, .rate = {per_s, 1}, .duration_ns = duration_ns};
}

static struct plan_stage ramp(uint64_t from, uint64_t to, int64_t duration_ns)
{
	return (struct plan_stage){
		.kind = PLAN_RAMP, .rate = {from, 1}, .to = {to, 1}, .duration_ns = duration_ns};
}

static struct plan_stage step(
	uint64_t from, uint64_t to, uint64_t by, int64_t every_ns, int64_t n_levels)
{
	return (struct plan_stage){.kind = PLAN_STEP,
		.rate = {from, 1},
		.to = {to, 1},
		.by = {by, 1},
		.every_ns = every_ns,
		.duration_ns = n_levels * every_ns};
}

static struct plan_stage pause_for(int64_t duration_ns)
{
	return (struct plan_stage){.kind = PLAN_PAUSE, .rate = {0, 1}, .duration_ns = duration_ns};
}

static struct schedule *made(size_t n_stages)
{
	struct schedule *s = NULL;

	plan.n_stages = n_stages;
	ck_assert_int_eq(schedule_new(&plan, &s), 0);
	return s;
}

/* ---------------------------------------------------------------- ramps */

static const struct {
	uint64_t from, to;
	int64_t duration_ns;
} ramps[] = {
	{0, 1000, 10 * SEC}, /* T15: 5,000 requests, the k-th at sqrt(2 (k + .5) / 100) s */
	{1000, 0, 10 * SEC},
	{50, 500, 30 * SEC},
	{500, 50, 30 * SEC},
	{50000, 50001, HOUR},
	{100000, 99999, 24 * HOUR},
	{0, 333333, 24 * HOUR},
	{333333, 0, 24 * HOUR},
	{333333, 333333, 24 * HOUR},
	{7, 7, 10 * SEC},
	{0, 1, SEC},
};

/* t = 2n / (r0 + sqrt(r0^2 + 2 a n)), in ns, with a mantissa of 113 bits. */
static long double ramp_formula(uint64_t from, uint64_t to, int64_t duration_ns, uint64_t k)
{
	__float128 r0 = from, n = k + (__float128)0.5;
	__float128 a = ((__float128)to - from) * 1000000000 / duration_ns;
	__float128 square = r0 * r0 + 2 * a * n;
	__float128 root = sqrtl(square > 0 ? (long double)square : 0);

	for (int i = 0; i < 3 && root > 0; i++)
		root = (root + square / root) / 2;
	return (long double)(2 * n / (r0 + root) * 1000000000);
}

START_TEST(a_ramp_is_its_formula)
{
	uint64_t from = ramps[_i].from, to = ramps[_i].to, n, k;
	int64_t duration_ns = ramps[_i].duration_ns;
	long double total = (from + (long double)to) / 2 * ((long double)duration_ns / 1e9L);
	int64_t last_ns = 0;
	struct schedule *s;

	stages[0] = ramp(from, to, duration_ns);
	s = made(1);
	n = schedule_segment_count(s, SCHEDULE_WINDOW);
	ck_assert_uint_eq(n, (uint64_t)floorl(total + 0.5L));
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), duration_ns);
	/* Its beginning, its end, and the first and last second of each hour, thinned out. */
	for (k = 0; k < n; k += k < 1000 || k + 1000 > n || k % 65536 < 64 ? 1 : 64) {
		int64_t t_ns;
		long double truth = ramp_formula(from, to, duration_ns, k);

		if (n > 1000000 && k > 2000 && k + 2000 < n) {
			uint64_t next = (k / 1000003 + 1) * 1000003;

			k = next + 2000 < n ? next : n - 2000;
			truth = ramp_formula(from, to, duration_ns, k);
		}
		t_ns = schedule_at(s, k);
		suite_assert_msg(fabsl((long double)t_ns - truth) <= 1.00001L,
			"k %lu: %ld, not %.3Lf", k, t_ns, truth);
		suite_assert(t_ns >= last_ns);
		suite_assert(t_ns <= duration_ns);
		last_ns = t_ns;
	}
	schedule_free(s);
}
END_TEST

START_TEST(fractions_carry_over_ramps)
{
	struct schedule *s;

	/* 12.5 + 5 x 2 + 7.5 = 30 arrivals; the 13th lies where the hold has made its first half.
	 */
	stages[0] = ramp(0, 25, SEC);
	stages[1] = hold(10, SEC);
	stages[2] = ramp(15, 0, SEC);
	s = made(3);
	ck_assert_uint_eq(schedule_count(s), 30);
	ck_assert_int_eq(schedule_at(s, 12), SEC);
	ck_assert_int_eq(schedule_at(s, 13), SEC + SEC / 10);
	ck_assert_int_eq(schedule_at(s, 22), 2 * SEC);
	ck_assert_int_le(schedule_at(s, 29), 3 * SEC);
	schedule_free(s);
}
END_TEST

START_TEST(a_count_ends_a_ramp_or_goes_on_at_its_end)
{
	struct schedule *s;

	stages[0] = ramp(0, 1000, 10 * SEC);
	plan.n_arrivals = 1250; /* half of the way makes a quarter of the arrivals */
	s = made(1);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WINDOW), 1250);
	ck_assert_int_ge(schedule_segment_end(s, SCHEDULE_WINDOW), 5 * SEC);
	ck_assert_int_le(schedule_segment_end(s, SCHEDULE_WINDOW), 5 * SEC + 1);
	schedule_free(s);
	plan.n_arrivals = 6000;
	s = made(1);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WINDOW), 6000);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), 11 * SEC);
	ck_assert_int_eq(schedule_at(s, 5999), 11 * SEC - SEC / 2000);
	schedule_free(s);
	stages[0] = ramp(1000, 0, 10 * SEC);
	plan.n_stages = 1;
	ck_assert_int_eq(schedule_new(&plan, &s), -EINVAL);
}
END_TEST

/* ---------------------------------------------------------------- steps, pauses, warm-up */

START_TEST(steps_are_holds)
{
	struct schedule *s;
	static const uint64_t up[] = {100, 250, 400, 500};

	stages[0] = step(100, 500, 150, SEC, 4);
	stages[1] = step(500, 100, 150, SEC, 4);
	s = made(2);
	ck_assert_uint_eq(schedule_count(s), 1250 + 500 + 350 + 200 + 100);
	for (int i = 0; i < 4; i++) {
		ck_assert_double_eq(
			rate_per_s(schedule_rate_at(s, i * SEC + SEC / 2)), (double)up[i]);
		ck_assert_uint_eq(schedule_stage_at(s, i * SEC), 0);
	}
	ck_assert_double_eq(rate_per_s(schedule_rate_at(s, 5 * SEC)), 350);
	ck_assert_double_eq(rate_per_s(schedule_rate_at(s, 7 * SEC)), 100);
	ck_assert_uint_eq(schedule_stage_at(s, 7 * SEC), 1);
	ck_assert_int_eq(schedule_at(s, 0), SEC / 200);
	ck_assert_int_eq(schedule_at(s, 100), SEC + SEC / 500);
	ck_assert_double_eq(schedule_peak_per_s(s), 500);
	schedule_free(s);
}
END_TEST

static struct {
	int64_t start_ns, end_ns, paused_ns;
} span;

static void expect_span(const struct schedule *s, size_t stage, int64_t start_ns, int64_t end_ns)
{
	ck_assert(schedule_row_span(s, stage, &span.start_ns, &span.end_ns, &span.paused_ns));
	ck_assert_int_eq(span.start_ns, start_ns);
	ck_assert_int_eq(span.end_ns, end_ns);
}

/* A warm-up, a stage and the three steps of another; what steering leaves out has no row. */
START_TEST(each_step_has_a_row)
{
	struct schedule *s, *paused, *next;

	stages[0] = hold(10, SEC);
	stages[0].is_warmup = true;
	stages[1] = hold(10, SEC);
	stages[2] = step(10, 30, 10, SEC, 3);
	plan.warmup_ns = SEC;
	plan.cooldown_ns = SEC;
	s = made(3);
	ck_assert_uint_eq(plan_n_rows(&plan), 5);
	ck_assert_uint_ge(schedule_row_at(s, 0), 5);
	for (int row = 0; row < 5; row++) {
		ck_assert_uint_eq(schedule_row_at(s, (row + 1) * SEC), row);
		expect_span(s, (size_t)row, (row + 1) * SEC, (row + 2) * SEC);
	}
	ck_assert_uint_ge(schedule_row_at(s, 6 * SEC), 5);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_PAUSE, (struct rate){0, 1}, 4 * SEC + SEC / 2, &paused),
		0);
	ck_assert_int_eq(
		schedule_steer(paused, SCHEDULE_RESUME, (struct rate){0, 1}, 6 * SEC, &next), 0);
	expect_span(next, 3, 4 * SEC, 6 * SEC + SEC / 2);
	ck_assert_int_eq(span.paused_ns, SEC + SEC / 2);
	expect_span(next, 4, 6 * SEC + SEC / 2, 7 * SEC + SEC / 2);
	schedule_free(next);
	schedule_free(paused);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_SET_RATE, (struct rate){5, 1}, 4 * SEC + SEC / 2, &next),
		0);
	expect_span(next, 3, 4 * SEC, 6 * SEC);
	ck_assert(!schedule_row_span(next, 4, &span.start_ns, &span.end_ns, &span.paused_ns));
	schedule_free(next);
	schedule_free(s);
}
END_TEST

/* A pause that has no end yet: the ramp in which the count is reached has no start. */
START_TEST(a_count_is_reached_after_a_pause)
{
	struct schedule *s, *paused, *resumed;

	stages[0] = hold(10, 10 * SEC);
	stages[1] = ramp(10, 30, 10 * SEC);
	plan.n_arrivals = 200;
	s = made(2);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_PAUSE, (struct rate){0, 1}, 5 * SEC, &paused), 0);
	ck_assert_uint_eq(schedule_count(paused), 200);
	ck_assert_int_eq(
		schedule_steer(paused, SCHEDULE_RESUME, (struct rate){0, 1}, 8 * SEC, &resumed), 0);
	ck_assert_uint_eq(schedule_count(resumed), 200);
	ck_assert_int_eq(schedule_at(resumed, 199), schedule_at(s, 199) + 3 * SEC);
	schedule_free(resumed);
	schedule_free(paused);
	schedule_free(s);
}
END_TEST

/* So many steps are too many rows: each stage has one then. */
START_TEST(many_steps_have_one_row)
{
	struct schedule *s;

	stages[0] = step(1, PLAN_STEP_ROWS_MAX, 1, SEC, PLAN_STEP_ROWS_MAX);
	plan.n_stages = 1;
	ck_assert_uint_eq(plan_n_rows(&plan), PLAN_STEP_ROWS_MAX);
	stages[1] = hold(10, SEC);
	s = made(2);
	ck_assert_uint_eq(plan_n_rows(&plan), 2);
	expect_span(s, 0, 0, PLAN_STEP_ROWS_MAX * SEC);
	expect_span(s, 1, PLAN_STEP_ROWS_MAX * SEC, (PLAN_STEP_ROWS_MAX + 1) * SEC);
	schedule_free(s);
	plan.n_stages = 1;
	ck_assert_uint_eq(plan_n_rows(&plan), PLAN_STEP_ROWS_MAX);
	stages[0].to.num++;
	ck_assert_uint_eq(plan_n_rows(&plan), 0);
}
END_TEST

START_TEST(pauses_skip_time)
{
	struct schedule *s;

	stages[0] = hold(10, SEC);
	stages[1] = pause_for(5 * SEC);
	stages[2] = hold(10, SEC);
	s = made(3);
	ck_assert_uint_eq(schedule_count(s), 20);
	ck_assert_int_eq(schedule_at(s, 9), SEC - SEC / 20);
	ck_assert_int_eq(schedule_at(s, 10), 6 * SEC + SEC / 20);
	ck_assert_double_eq(rate_per_s(schedule_rate_at(s, 3 * SEC)), 0);
	ck_assert_int_eq(schedule_segment_paused(s, SCHEDULE_WINDOW), 0);
	expect_span(s, 1, SEC, 6 * SEC);
	ck_assert_int_eq(span.paused_ns, 0);
	schedule_free(s);
}
END_TEST

START_TEST(warmup_stages_are_not_measured)
{
	struct schedule *s;

	stages[0] = ramp(0, 100, 10 * SEC);
	stages[0].is_warmup = true;
	stages[1] = hold(100, SEC);
	plan.cooldown_ns = SEC;
	s = made(2);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WARMUP), 500);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WINDOW), 100);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_COOLDOWN), 100);
	ck_assert_int_eq(schedule_segment_start(s, SCHEDULE_WINDOW), 10 * SEC);
	ck_assert_int_eq(schedule_segment_of(s, 500), SCHEDULE_WINDOW);
	ck_assert_uint_eq(schedule_stage_at(s, 10 * SEC), 1);
	ck_assert_uint_eq(schedule_stage_at(s, 11 * SEC), 2);
	expect_span(s, 1, 10 * SEC, 11 * SEC);
	ck_assert(!schedule_row_span(s, 99, &span.start_ns, &span.end_ns, &span.paused_ns));
	schedule_free(s);
}
END_TEST

/* ---------------------------------------------------------------- arrivals at random */

START_TEST(jitter_moves_each_by_its_share_of_the_gap)
{
	struct schedule *s;
	int64_t last_ns = 0;
	double sum = 0;

	stages[0] = hold(1000, 5 * SEC);
	stages[1] = ramp(1000, 100, 5 * SEC);
	plan.arrivals = PLAN_JITTER;
	plan.jitter = _i / 4.0;
	s = made(2);
	ck_assert_uint_eq(schedule_count(s), 7750);
	for (uint64_t k = 0; k < 5000; k++) {
		int64_t t_ns = schedule_at(s, k), even_ns = (int64_t)k * 1000000 + 500000;

		suite_assert(t_ns >= last_ns);
		suite_assert(fabs((double)(t_ns - even_ns)) <= plan.jitter * 500000 + 1);
		sum += fabs((double)(t_ns - even_ns));
		last_ns = t_ns;
	}
	/* The mean distance of a uniform variable from its middle is a quarter of its width. */
	ck_assert_double_eq_tol(sum / 5000, plan.jitter * 250000, 10000);
	for (uint64_t k = 5000; k < 7750; k++) {
		suite_assert(schedule_at(s, k) >= last_ns);
		last_ns = schedule_at(s, k);
	}
	ck_assert_int_le(last_ns, 10 * SEC);
	schedule_free(s);
}
END_TEST

/* Kolmogorov and Smirnov: the greatest distance of n sorted values in 0..1 from uniform ones. */
static double distance_from_uniform(const double *values, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double above = (double)(i + 1) / (double)n - values[i];
		double below = values[i] - (double)i / (double)n;

		most = fmax(most, fmax(above, below));
	}
	return most * sqrt((double)n);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define POISSON_N 100000

START_TEST(poisson_gaps_are_exponential_and_their_number_exact)
{
	static double values[POISSON_N];
	struct schedule_cursor c;
	struct schedule *s;
	int64_t last_ns = 0;
	size_t n = 0;

	stages[0] = hold(10000, 10 * SEC);
	plan.arrivals = PLAN_POISSON;
	plan.seed = 1 + (uint64_t)_i;
	s = made(1);
	for (schedule_begin(s, 0, 1, &c); c.t_ns != CLOCK_NEVER; schedule_next(&c)) {
		suite_assert(c.k == n);
		suite_assert(c.t_ns >= last_ns);
		suite_assert(c.t_ns <= 10 * SEC);
		suite_assert(n < POISSON_N);
		values[n++] = 1 - exp(-(double)(c.t_ns - last_ns) / 1e5);
		last_ns = c.t_ns;
	}
	ck_assert_uint_eq(n, POISSON_N);
	qsort(values, n, sizeof(*values), compare);
	/* 1.95 is exceeded once in a thousand. */
	ck_assert_double_lt(distance_from_uniform(values, n), 1.95);
	schedule_free(s);
}
END_TEST

START_TEST(poisson_follows_a_ramp_and_counts_each_stage)
{
	static double values[POISSON_N];
	struct schedule_cursor c;
	struct schedule *s;
	size_t n = 0;

	stages[0] = ramp(0, 10000, 10 * SEC);
	stages[1] = pause_for(SEC);
	stages[2] = hold(1000, SEC);
	plan.arrivals = PLAN_POISSON;
	s = made(3);
	ck_assert_uint_eq(schedule_count(s), 51000);
	for (schedule_begin(s, 0, 1, &c); c.t_ns != CLOCK_NEVER; schedule_next(&c)) {
		double at = (double)c.t_ns / 10e9;

		if (n < 50000) {
			suite_assert(c.t_ns <= 10 * SEC);
			values[n] = at * at; /* of all arrivals, the share due until then */
		} else {
			suite_assert(c.t_ns >= 11 * SEC);
		}
		n++;
	}
	ck_assert_uint_eq(n, 51000);
	ck_assert_double_lt(distance_from_uniform(values, 50000), 1.95);
	schedule_free(s);
}
END_TEST

/* ---------------------------------------------------------------- shares */

#define SHARES_MAX 5
#define ARRIVALS_MAX 30000

/* All arrivals of a schedule as so many cursors make them, by number; returns how many. */
static uint64_t gather(const struct schedule *s, uint64_t n_shares, int64_t *ret)
{
	uint64_t n = 0;

	for (uint64_t w = 0; w < n_shares; w++) {
		struct schedule_cursor c;

		for (schedule_begin(s, w, n_shares, &c); c.t_ns != CLOCK_NEVER; schedule_next(&c)) {
			suite_assert(c.k % n_shares == w);
			suite_assert(c.k < ARRIVALS_MAX);
			ret[c.k] = c.t_ns;
			n++;
		}
	}
	return n;
}

START_TEST(shares_make_up_the_whole)
{
	static int64_t whole[ARRIVALS_MAX], split[ARRIVALS_MAX];
	struct schedule *s;
	uint64_t n;

	stages[0] = ramp(0, 1000, 3 * SEC);
	stages[1] = pause_for(SEC);
	stages[2] = step(1000, 3000, 1000, SEC, 3);
	stages[3] = hold(777, 3 * SEC);
	plan.arrivals = (enum plan_arrivals)_i;
	plan.jitter = 1;
	plan.warmup_ns = SEC;
	plan.cooldown_ns = SEC;
	s = made(4);
	n = gather(s, 1, whole);
	ck_assert_uint_eq(n, schedule_count(s));
	for (uint64_t w = 2; w <= SHARES_MAX; w++) {
		ck_assert_uint_eq(gather(s, w, split), n);
		ck_assert_mem_eq(split, whole, n * sizeof(*whole));
	}
	for (uint64_t k = 0; k < n; k += 97)
		suite_assert(schedule_at(s, k) == whole[k]);
	schedule_free(s);
}
END_TEST

/* ---------------------------------------------------------------- steering */

struct act {
	int64_t at_ns;
	enum schedule_act act;
	uint64_t per_s;
};

/* Goes through a run that is steered: a cursor that has made everything before an act is told of
 * it. Returns the number made. */
static uint64_t steer_through(struct schedule *first, uint64_t n_shares, const struct act *acts,
	size_t n_acts, int64_t *ret)
{
	struct schedule *versions[8] = {first};
	struct schedule_cursor cursors[SHARES_MAX];
	uint64_t n = 0;

	for (uint64_t w = 0; w < n_shares; w++)
		schedule_begin(first, w, n_shares, &cursors[w]);
	for (size_t a = 0; a <= n_acts; a++) {
		int64_t until_ns = a < n_acts ? acts[a].at_ns : CLOCK_NEVER;

		for (uint64_t w = 0; w < n_shares; w++) {
			struct schedule_cursor *c = &cursors[w];

			/* Mail comes before the instant it is about. */
			while (c->t_ns < until_ns - SEC / 20) {
				ret[c->k] = c->t_ns;
				n++;
				schedule_next(c);
			}
		}
		if (a == n_acts)
			break;
		ck_assert_int_eq(
			schedule_steer(versions[a], acts[a].act, (struct rate){acts[a].per_s, 1},
				until_ns, &versions[a + 1]),
			0);
		for (uint64_t w = 0; w < n_shares; w++)
			schedule_change(&cursors[w], versions[a + 1]);
	}
	for (size_t a = 0; a <= n_acts; a++)
		schedule_free(versions[a]);
	return n;
}

static const struct act course[] = {
	{2 * SEC + 123456789, SCHEDULE_SET_RATE, 500},
	{3 * SEC, SCHEDULE_PAUSE, 0},
	{5 * SEC + 1, SCHEDULE_RESUME, 0},
	{6 * SEC, SCHEDULE_SET_RATE, 2000},
	{6 * SEC + SEC / 2, SCHEDULE_NEXT, 0},
};

START_TEST(steered_shares_make_up_the_whole)
{
	static int64_t plain[ARRIVALS_MAX], whole[ARRIVALS_MAX], split[ARRIVALS_MAX];
	struct schedule *s;
	uint64_t n;

	for (int i = 0; i < 4; i++)
		stages[i] = i == 1 ? ramp(1000, 200, 3 * SEC) : hold(1000, 4 * SEC);
	plan.arrivals = (enum plan_arrivals)_i;
	plan.jitter = 0.7;
	s = made(3);
	(void)gather(s, 1, plain);
	n = steer_through(s, 1, course, N_ELEMENTS(course), whole);
	/* 2.123 s at 1,000 and 0.876 s at 500, none for 2 s, 0.999 s at 500, 0.5 s at 2,000 of
	 * the first stage that has 0.999 + ... left; then the ramp and the last stage. */
	for (uint64_t k = 0; k < n && whole[k] <= course[0].at_ns; k++)
		suite_assert(whole[k] == plain[k]);
	for (uint64_t k = 0; k < n; k++) {
		suite_assert(k == 0 || whole[k] >= whole[k - 1]);
		suite_assert(whole[k] <= course[1].at_ns || whole[k] >= course[2].at_ns);
	}
	for (uint64_t w = 2; w <= SHARES_MAX; w++) {
		ck_assert_uint_eq(steer_through(made(3), w, course, N_ELEMENTS(course), split), n);
		ck_assert_mem_eq(split, whole, n * sizeof(*whole));
	}
}
END_TEST

START_TEST(a_pause_only_shifts)
{
	static const struct act acts[] = {
		{SEC + SEC / 3, SCHEDULE_PAUSE, 0}, {7 * SEC, SCHEDULE_RESUME, 0}};
	static int64_t plain[ARRIVALS_MAX], paused[ARRIVALS_MAX];
	int64_t shift_ns = acts[1].at_ns - acts[0].at_ns;
	struct schedule *s;
	uint64_t n;

	stages[0] = _i % 2 ? ramp(100, 3000, 4 * SEC) : hold(1000, 4 * SEC);
	plan.arrivals = (enum plan_arrivals)(_i / 2);
	plan.jitter = 0.5;
	s = made(1);
	n = gather(s, 1, plain);
	ck_assert_uint_eq(steer_through(s, 1, acts, 2, paused), n);
	for (uint64_t k = 0; k < n; k++) {
		int64_t expected_ns = plain[k] + (plain[k] > acts[0].at_ns ? shift_ns : 0);

		/* Rounding to units and to ns, once on each side of the cut. */
		suite_assert(paused[k] >= expected_ns - 2);
		suite_assert(paused[k] <= expected_ns + 2);
	}
}
END_TEST

START_TEST(counts_of_a_steered_schedule)
{
	struct schedule *s, *slow, *paused, *resumed, *next;

	stages[0] = hold(1000, 10 * SEC);
	stages[1] = hold(10, 10 * SEC);
	s = made(2);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_SET_RATE, (struct rate){100, 1}, 4 * SEC, &slow), 0);
	ck_assert_uint_eq(schedule_count(slow), 4000 + 600 + 100);
	ck_assert_double_eq(rate_per_s(schedule_rate_at(slow, 5 * SEC)), 100);
	ck_assert_double_eq(rate_per_s(schedule_rate_at(slow, 11 * SEC)), 10);
	ck_assert_int_eq(
		schedule_steer(slow, SCHEDULE_PAUSE, (struct rate){0, 1}, 6 * SEC, &paused), 0);
	ck_assert(schedule_is_paused(paused));
	ck_assert_int_eq(schedule_segment_end(paused, SCHEDULE_WINDOW), CLOCK_NEVER);
	expect_span(paused, 0, 0, 6 * SEC);
	ck_assert(!schedule_row_span(paused, 1, &span.start_ns, &span.end_ns, &span.paused_ns));
	ck_assert_int_eq(
		schedule_steer(paused, SCHEDULE_PAUSE, (struct rate){0, 1}, 7 * SEC, &next),
		-EINVAL);
	ck_assert_int_eq(schedule_steer(paused, SCHEDULE_NEXT, (struct rate){0, 1}, 7 * SEC, &next),
		-EINVAL);
	ck_assert_int_eq(
		schedule_steer(paused, SCHEDULE_RESUME, (struct rate){0, 1}, 9 * SEC, &resumed), 0);
	ck_assert(!schedule_is_paused(resumed));
	ck_assert_int_eq(schedule_segment_end(resumed, SCHEDULE_WINDOW), 23 * SEC);
	ck_assert_int_eq(schedule_segment_paused(resumed, SCHEDULE_WINDOW), 3 * SEC);
	expect_span(resumed, 0, 0, 13 * SEC);
	ck_assert_int_eq(span.paused_ns, 3 * SEC);
	expect_span(resumed, 1, 13 * SEC, 23 * SEC);
	ck_assert_uint_eq(schedule_count(resumed), 4700);
	ck_assert_int_eq(
		schedule_steer(resumed, SCHEDULE_NEXT, (struct rate){0, 1}, 10 * SEC, &next), 0);
	ck_assert_uint_eq(schedule_count(next), 4000 + 300 + 100);
	ck_assert_int_eq(schedule_segment_end(next, SCHEDULE_WINDOW), 20 * SEC);
	expect_span(next, 0, 0, 10 * SEC);
	expect_span(next, 1, 10 * SEC, 20 * SEC);
	schedule_free(s);
	schedule_free(slow);
	schedule_free(paused);
	schedule_free(resumed);
	schedule_free(next);
}
END_TEST

START_TEST(a_rate_set_while_paused)
{
	struct schedule *s, *paused, *set, *resumed;

	stages[0] = hold(100, 10 * SEC);
	s = made(1);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_PAUSE, (struct rate){0, 1}, 2 * SEC, &paused), 0);
	ck_assert_int_eq(
		schedule_steer(paused, SCHEDULE_SET_RATE, (struct rate){10, 1}, 3 * SEC, &set), 0);
	ck_assert(schedule_is_paused(set));
	ck_assert_int_eq(
		schedule_steer(set, SCHEDULE_RESUME, (struct rate){0, 1}, 5 * SEC, &resumed), 0);
	ck_assert_uint_eq(schedule_count(resumed), 280);
	ck_assert_int_eq(schedule_segment_end(resumed, SCHEDULE_WINDOW), 13 * SEC);
	schedule_free(s);
	schedule_free(paused);
	schedule_free(set);
	schedule_free(resumed);
}
END_TEST

START_TEST(a_count_stays_exact_when_steered)
{
	static const struct act acts[] = {{SEC, SCHEDULE_SET_RATE, 500},
		{2 * SEC, SCHEDULE_PAUSE, 0}, {3 * SEC, SCHEDULE_RESUME, 0}};
	static int64_t made_at[ARRIVALS_MAX];

	stages[0] = hold(1000, 100 * SEC);
	plan.n_arrivals = 5000;
	/* 1,000 and 500, then 3,500 more at 500/s from second 3 on. */
	ck_assert_uint_eq(steer_through(made(1), 2, acts, 3, made_at), 5000);
	ck_assert_int_eq(made_at[4999], 10 * SEC - SEC / 1000);
}
END_TEST

START_TEST(nothing_to_steer)
{
	struct schedule *s, *other;

	stages[0] = hold(100, SEC);
	s = made(1);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_PAUSE, (struct rate){0, 1}, SEC, &other), -EINVAL);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_PAUSE, (struct rate){0, 1}, -1, &other), -EINVAL);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_RESUME, (struct rate){0, 1}, 1, &other), -EINVAL);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_SET_RATE, (struct rate){0, 1}, 1, &other), -EINVAL);
	ck_assert_int_eq(
		schedule_steer(s, SCHEDULE_SET_RATE, (struct rate){UINT64_MAX, 1}, 1, &other),
		-ERANGE);
	schedule_free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule_stages");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, a_ramp_is_its_formula, 0, N_ELEMENTS(ramps));
	tcase_add_test(tcase, fractions_carry_over_ramps);
	tcase_add_test(tcase, a_count_ends_a_ramp_or_goes_on_at_its_end);
	tcase_add_test(tcase, steps_are_holds);
	tcase_add_test(tcase, pauses_skip_time);
	tcase_add_test(tcase, warmup_stages_are_not_measured);
	tcase_add_loop_test(tcase, jitter_moves_each_by_its_share_of_the_gap, 0, 5);
	tcase_add_loop_test(tcase, poisson_gaps_are_exponential_and_their_number_exact, 0, 5);
	tcase_add_test(tcase, poisson_follows_a_ramp_and_counts_each_stage);
	tcase_add_loop_test(tcase, shares_make_up_the_whole, 0, 3);
	tcase_add_loop_test(tcase, steered_shares_make_up_the_whole, 0, 3);
	tcase_add_loop_test(tcase, a_pause_only_shifts, 0, 6);
	tcase_add_test(tcase, counts_of_a_steered_schedule);
	tcase_add_test(tcase, a_rate_set_while_paused);
	tcase_add_test(tcase, a_count_stays_exact_when_steered);
	tcase_add_test(tcase, nothing_to_steer);
	tcase_add_test(tcase, each_step_has_a_row);
	tcase_add_test(tcase, many_steps_have_one_row);
	tcase_add_test(tcase, a_count_is_reached_after_a_pause);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
