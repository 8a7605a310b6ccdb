/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedule against a second way to the same instants: a walk from one arrival to the next that
 * carries the rest of each division, as Bresenham draws a line. The walk knows nothing of sums, and
 * the schedule nothing of neighbours, so that an error in one is not repeated by the other. Where
 * no walk gets (a day at a third of a million per second), an instant is split by whole seconds.
 */
#include "daemon/engine/schedule.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "tests/support/suite.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR (3600 * NSEC_PER_SEC)

static struct plan_stage hold(uint64_t num, uint64_t den, int64_t duration_ns)
{
	return (struct plan_stage){
		.kind = PLAN_HOLD, .rate = {num, den}, .duration_ns = duration_ns};
}

static struct schedule *made(const struct plan *plan)
{
	struct schedule *s = NULL;

	ck_assert_int_eq(schedule_new(plan, &s), 0);
	ck_assert_ptr_nonnull(s);
	return s;
}

static struct schedule *made_of(struct plan_stage *stages, size_t n)
{
	struct plan plan = {.stages = stages, .n_stages = n};

	return made(&plan);
}

static int refused(const struct plan *plan)
{
	struct schedule *s = (struct schedule *)&plan;
	int r = schedule_new(plan, &s);

	ck_assert_ptr_eq(s, (struct schedule *)&plan);
	return r;
}

/* ---------------------------------------------------------------- the walk */

/* The next arrival lies at ns + part / whole, 0 <= part < whole. */
struct walk {
	const struct plan_stage *stages;
	size_t n_stages;
	size_t stage;
	int64_t stage_end;
	int64_t ns;
	__int128 part;
	__int128 whole;
};

static __int128 walk_gcd(__int128 a, __int128 b)
{
	return b ? walk_gcd(b, a % b) : a;
}

static void walk_set(struct walk *w, int64_t from, __int128 num, __int128 den)
{
	__int128 g = walk_gcd(num, den);

	w->whole = den / g;
	w->ns = from + (int64_t)(num / den);
	w->part = num / g % w->whole;
}

static bool walk_is_past_end(const struct walk *w)
{
	return w->ns > w->stage_end || (w->ns == w->stage_end && w->part > 0);
}

/* Moves what is left of the way to the next arrival into the stages where it falls. False: none. */
static bool walk_to_stage(struct walk *w)
{
	while (walk_is_past_end(w)) {
		struct rate old = w->stages[w->stage].rate;
		__int128 num = (w->ns - w->stage_end) * w->whole + w->part;
		__int128 den = w->whole;

		/* In arrivals times 10^9: time times rate. */
		num *= old.num;
		den *= old.den;
		while (++w->stage < w->n_stages && w->stages[w->stage].rate.num == 0)
			w->stage_end += w->stages[w->stage].duration_ns;
		if (w->stage == w->n_stages)
			return false;
		num *= w->stages[w->stage].rate.den;
		den *= w->stages[w->stage].rate.num;
		walk_set(w, w->stage_end, num, den);
		w->stage_end += w->stages[w->stage].duration_ns;
	}
	return true;
}

/* The first stage must have a rate. False: no arrival at all. */
static bool walk_start(struct walk *w, const struct plan_stage *stages, size_t n, int64_t from)
{
	*w = (struct walk){.stages = stages, .n_stages = n};
	w->stage_end = from + stages[0].duration_ns;
	walk_set(w, from, (__int128)NSEC_PER_SEC * stages[0].rate.den, 2 * stages[0].rate.num);
	return walk_to_stage(w);
}

static bool walk_next(struct walk *w)
{
	struct rate rate = w->stages[w->stage].rate;
	__int128 num = w->part * rate.num + (__int128)NSEC_PER_SEC * rate.den * w->whole;

	walk_set(w, w->ns, num, w->whole * rate.num);
	return walk_to_stage(w);
}

/* Every instant of the window, or the first `most`. */
static void assert_walk(
	const struct schedule *s, const struct plan_stage *stages, size_t n, uint64_t most)
{
	uint64_t k = schedule_segment_count(s, SCHEDULE_WARMUP);
	uint64_t end = k + schedule_segment_count(s, SCHEDULE_WINDOW);
	struct walk w;
	bool more = walk_start(&w, stages, n, schedule_segment_start(s, SCHEDULE_WINDOW));

	for (; more && k < end && most > 0; k++, most--) {
		if (schedule_at(s, k) != w.ns)
			ck_abort_msg("arrival %lu at %ld, not %ld", k, schedule_at(s, k), w.ns);
		more = walk_next(&w);
	}
	if (most > 0) {
		ck_assert_uint_eq(k, end);
		ck_assert(!more);
	}
}

/* ---------------------------------------------------------------- one rate */

static const struct {
	struct rate rate;
	int64_t duration_ns;
} rates[] = {
	{{1, 1}, 100 * NSEC_PER_SEC},
	{{100, 1}, 10 * NSEC_PER_SEC},
	{{1, 5}, HOUR},
	{{1, 3}, HOUR},
	{{7, 3600}, 1000 * HOUR},
	{{1, 3600}, 24 * HOUR},
	{{1, 3600000000}, INT64_C(2) * 1000000 * HOUR},
	{{999983, 1000000}, HOUR},
	{{1000003, 1000000}, HOUR + 1},
	{{100000, 7}, 7 * NSEC_PER_SEC},
	{{333333, 1}, NSEC_PER_SEC},
	{{UINT64_C(35999999999999989), 3600000000}, NSEC_PER_SEC / 50},
	{{10000000, 1}, NSEC_PER_SEC / 50},
	{{3, 1}, 1},
	{{3, 1}, NSEC_PER_SEC / 6 - 1},
	{{3, 1}, NSEC_PER_SEC / 6 + 1},
};

START_TEST(test_one_rate)
{
	struct plan_stage stage =
		hold(rates[_i].rate.num, rates[_i].rate.den, rates[_i].duration_ns);
	struct schedule *s = made_of(&stage, 1);

	assert_walk(s, &stage, 1, UINT64_MAX);
	ck_assert_uint_eq(schedule_count(s), schedule_segment_count(s, SCHEDULE_WINDOW));
	schedule_free(s);
}
END_TEST

START_TEST(test_known_instants)
{
	static const int64_t fifth[] = {2500000000, 7500000000, 12500000000, 17500000000};
	struct plan_stage stage = hold(1, 5, 20 * NSEC_PER_SEC);
	struct schedule *s = made_of(&stage, 1);

	ck_assert_uint_eq(schedule_count(s), N_ELEMENTS(fifth));
	for (size_t k = 0; k < N_ELEMENTS(fifth); k++)
		ck_assert_int_eq(schedule_at(s, k), fifth[k]);
	schedule_free(s);

	/* Rounded down, each for itself: 1/6, 3/6, 5/6 of a second. */
	stage = hold(3, 1, NSEC_PER_SEC);
	s = made_of(&stage, 1);
	ck_assert_uint_eq(schedule_count(s), 3);
	ck_assert_int_eq(schedule_at(s, 0), 166666666);
	ck_assert_int_eq(schedule_at(s, 1), 500000000);
	ck_assert_int_eq(schedule_at(s, 2), 833333333);
	schedule_free(s);
}
END_TEST

/* The first and the last second of each hour of a day, to the nanosecond. */
START_TEST(test_a_day)
{
	const uint64_t rate = 333333;
	struct plan_stage stage = hold(rate, 1, 24 * HOUR);
	struct schedule *s = made_of(&stage, 1);

	ck_assert_uint_eq(schedule_count(s), 24 * 3600 * rate);
	for (uint64_t half_hour = 0; half_hour < 48; half_hour++) {
		uint64_t second = half_hour / 2 * 3600 + (half_hour % 2) * 3599;

		for (uint64_t i = 0; i < rate; i++) {
			int64_t want = (int64_t)(second * 1000000000 +
						 (2 * i + 1) * 1000000000 / (2 * rate));

			if (schedule_at(s, second * rate + i) != want)
				ck_abort_msg("arrival %lu of second %lu", i, second);
		}
	}
	schedule_free(s);
}
END_TEST

/* Beyond 64 bits: the last instants of very long runs. */
START_TEST(test_the_far_end)
{
	const uint64_t hours = 100000;
	struct plan_stage stage = hold(10000000, 1, (int64_t)hours * HOUR);
	struct schedule *s = made_of(&stage, 1);
	uint64_t n = schedule_count(s);

	ck_assert_uint_eq(n, hours * 3600 * 10000000);
	ck_assert_int_eq(schedule_at(s, n - 1), (int64_t)hours * HOUR - 50);
	ck_assert_int_eq(schedule_at(s, n - 10000000), (int64_t)hours * HOUR - NSEC_PER_SEC + 50);
	schedule_free(s);

	/* 3,600,000,001 in each hour: the last lies half an interval before the end. */
	stage = hold(UINT64_C(3600000001), 3600, (int64_t)hours * HOUR);
	s = made_of(&stage, 1);
	n = schedule_count(s);
	ck_assert_uint_eq(n, hours * UINT64_C(3600000001));
	ck_assert_int_eq(schedule_at(s, n - 1), (int64_t)hours * HOUR - 500);
	ck_assert_int_eq(schedule_at(s, n / 2 - 1), (int64_t)hours / 2 * HOUR - 500);
	ck_assert_int_eq(schedule_at(s, n / 2), (int64_t)hours / 2 * HOUR + 499);
	schedule_free(s);
}
END_TEST

/* ---------------------------------------------------------------- counts */

START_TEST(test_count_is_rounded_half_up)
{
	static const struct rate several[] = {{1, 1}, {1, 5}, {7, 3600}, {333333, 1}, {1, 1000000}};

	for (size_t i = 0; i < N_ELEMENTS(several); i++) {
		for (int64_t ms = 1; ms < 20000; ms += 7) {
			struct rate rate = several[i];
			struct plan_stage stage = hold(rate.num, rate.den, ms * NSEC_PER_MSEC);
			struct schedule *s = made_of(&stage, 1);
			uint64_t thousandths = rate.num * (uint64_t)ms;

			ck_assert_uint_eq(schedule_count(s),
				(thousandths + 500 * rate.den) / (1000 * rate.den));
			schedule_free(s);
		}
	}
}
END_TEST

/* Half an arrival is one, and it falls on the very end; a nanosecond less is none. */
START_TEST(test_half_an_arrival)
{
	struct plan_stage stage = hold(1, 5, 2500000000);
	struct schedule *s = made_of(&stage, 1);

	ck_assert_uint_eq(schedule_count(s), 1);
	ck_assert_int_eq(schedule_at(s, 0), 2500000000);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), 2500000000);
	schedule_free(s);

	stage.duration_ns--;
	s = made_of(&stage, 1);
	ck_assert_uint_eq(schedule_count(s), 0);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), 2499999999);
	schedule_free(s);
}
END_TEST

/* ---------------------------------------------------------------- stages */

START_TEST(test_fractions_cross_borders)
{
	/* Ten times three tenths of an arrival are three, not none. */
	struct plan_stage stages[10];
	struct plan_stage thirds[3] = {
		hold(1, 3, NSEC_PER_SEC), hold(1, 3, NSEC_PER_SEC), hold(1, 3, NSEC_PER_SEC)};
	struct schedule *s;

	for (size_t i = 0; i < N_ELEMENTS(stages); i++)
		stages[i] = hold(3, 10, NSEC_PER_SEC);
	s = made_of(stages, N_ELEMENTS(stages));
	ck_assert_uint_eq(schedule_count(s), 3);
	ck_assert_int_eq(schedule_at(s, 0), 1666666666);
	ck_assert_int_eq(schedule_at(s, 1), 5000000000);
	ck_assert_int_eq(schedule_at(s, 2), 8333333333);
	schedule_free(s);

	s = made_of(thirds, 3);
	ck_assert_uint_eq(schedule_count(s), 1);
	ck_assert_int_eq(schedule_at(s, 0), 1500000000);
	schedule_free(s);
}
END_TEST

/* A stage cut into pieces is the same stage. */
START_TEST(test_cuts_change_nothing)
{
	struct plan_stage whole = hold(1000003, 1000000, 1000 * NSEC_PER_SEC);
	struct plan_stage cut[] = {hold(1000003, 1000000, 1), hold(1000003, 1000000, 0),
		hold(1000003, 1000000, 333333333333), hold(1000003, 1000000, 499999),
		hold(1000003, 1000000, 1000 * NSEC_PER_SEC - 333333833333)};
	struct schedule *a = made_of(&whole, 1);
	struct schedule *b = made_of(cut, N_ELEMENTS(cut));

	ck_assert_uint_eq(schedule_count(a), schedule_count(b));
	for (uint64_t k = 0; k < schedule_count(a); k++)
		ck_assert_int_eq(schedule_at(a, k), schedule_at(b, k));
	schedule_free(a);
	schedule_free(b);
}
END_TEST

START_TEST(test_several_rates)
{
	struct plan_stage stages[] = {
		hold(50, 1, 10 * NSEC_PER_SEC + 12345),
		hold(1, 3, 100 * NSEC_PER_SEC),
		hold(10000000, 1, NSEC_PER_MSEC + 33),
		hold(7, 3600, HOUR + 1),
		hold(999983, 1000000, 777777777777),
		hold(12345, 1, 3 * NSEC_PER_SEC),
	};
	struct schedule *s = made_of(stages, N_ELEMENTS(stages));

	assert_walk(s, stages, N_ELEMENTS(stages), UINT64_MAX);
	schedule_free(s);
}
END_TEST

START_TEST(test_silence_skips_time)
{
	struct plan_stage stages[] = {hold(0, 1, NSEC_PER_SEC), hold(1, 1, 2250000000),
		hold(0, 1, 100 * NSEC_PER_SEC), hold(1, 1, 2 * NSEC_PER_SEC)};
	struct schedule *s = made_of(stages, N_ELEMENTS(stages));

	ck_assert_uint_eq(schedule_count(s), 4);
	ck_assert_int_eq(schedule_at(s, 0), 1500000000);
	ck_assert_int_eq(schedule_at(s, 1), 2500000000);
	/* 2.25 arrivals were due before the silence: 0.25 later, after it, comes the third. */
	ck_assert_int_eq(schedule_at(s, 2), 103500000000);
	ck_assert_int_eq(schedule_at(s, 3), 104500000000);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), 105250000000);
	schedule_free(s);

	/* Due on the border: sent before the silence, not after it. */
	stages[1].duration_ns = 1500000000;
	s = made_of(stages, N_ELEMENTS(stages));
	ck_assert_int_eq(schedule_at(s, 1), 2500000000);
	ck_assert_int_eq(schedule_at(s, 2), 103500000000);
	schedule_free(s);

	s = made_of(stages, 1);
	ck_assert_uint_eq(schedule_count(s), 0);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), NSEC_PER_SEC);
	schedule_free(s);
}
END_TEST

/* Plans by dice, always the same ones. */
START_TEST(test_any_plan)
{
	static const uint64_t dens[] = {1, 1, 3, 5, 60, 3600};
	uint64_t dice = (uint64_t)_i * 2654435761 + 1;
	struct plan_stage stages[4];
	size_t n = 1 + (size_t)_i % N_ELEMENTS(stages);
	struct schedule *s;
	int64_t before = 0;

	for (size_t i = 0; i < n; i++) {
		dice = dice * 6364136223846793005 + 1442695040888963407;
		stages[i] = hold(1 + (dice >> 33) % 5000, dens[(dice >> 20) % N_ELEMENTS(dens)],
			(int64_t)((dice >> 13) % 3000000007));
		if (i > 0 && (dice >> 60) == 0)
			stages[i].rate.num = 0;
	}
	s = made_of(stages, n);
	assert_walk(s, stages, n, UINT64_MAX);
	for (uint64_t k = 0; k < schedule_count(s); k++) {
		ck_assert_int_le(before, schedule_at(s, k));
		before = schedule_at(s, k);
	}
	ck_assert_int_le(before, schedule_segment_end(s, SCHEDULE_WINDOW));
	schedule_free(s);
}
END_TEST

/* ---------------------------------------------------------------- segments */

START_TEST(test_segments)
{
	struct plan_stage stages[] = {hold(10, 1, 2 * NSEC_PER_SEC), hold(3, 1, NSEC_PER_SEC)};
	struct plan plan = {
		.stages = stages, .n_stages = 2, .warmup_ns = 1025000000, .cooldown_ns = 700000000};
	struct schedule *s = made(&plan);

	/* 10.25 arrivals of warm-up are 10; the quarter is not handed to the window. */
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WARMUP), 10);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WINDOW), 23);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_COOLDOWN), 2);
	ck_assert_uint_eq(schedule_count(s), 35);
	ck_assert_int_eq(schedule_segment_start(s, SCHEDULE_WARMUP), 0);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WARMUP), 1025000000);
	ck_assert_int_eq(schedule_segment_start(s, SCHEDULE_WINDOW), 1025000000);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), 4025000000);
	ck_assert_int_eq(schedule_segment_start(s, SCHEDULE_COOLDOWN), 4025000000);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_COOLDOWN), 4725000000);

	ck_assert_int_eq(schedule_at(s, 0), 50000000);
	ck_assert_int_eq(schedule_at(s, 9), 950000000);
	ck_assert_int_eq(schedule_at(s, 10), 1025000000 + 50000000);
	ck_assert_int_eq(schedule_at(s, 30), 3025000000 + 166666666);
	ck_assert_int_eq(schedule_at(s, 33), 4025000000 + 166666666);
	ck_assert_int_eq(schedule_at(s, 34), 4025000000 + 500000000);
	for (uint64_t k = 0; k < 35; k++)
		ck_assert_uint_eq(schedule_segment_of(s, k), k < 10   ? SCHEDULE_WARMUP
							     : k < 33 ? SCHEDULE_WINDOW
								      : SCHEDULE_COOLDOWN);
	assert_walk(s, stages, 2, UINT64_MAX);
	schedule_free(s);
}
END_TEST

START_TEST(test_empty_segments)
{
	struct plan_stage stage = hold(5, 1, 2 * NSEC_PER_SEC);
	struct plan plan = {.stages = &stage, .n_stages = 1};
	struct schedule *s = made(&plan);

	for (uint64_t k = 0; k < schedule_count(s); k++)
		ck_assert_uint_eq(schedule_segment_of(s, k), SCHEDULE_WINDOW);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WARMUP), 0);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_COOLDOWN), 0);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WARMUP), 0);
	ck_assert_int_eq(schedule_segment_start(s, SCHEDULE_COOLDOWN), 2 * NSEC_PER_SEC);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_COOLDOWN), 2 * NSEC_PER_SEC);
	schedule_free(s);

	/* A warm-up too short for an arrival still takes its time. */
	plan.warmup_ns = 99999999;
	s = made(&plan);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WARMUP), 0);
	ck_assert_uint_eq(schedule_segment_of(s, 0), SCHEDULE_WINDOW);
	ck_assert_int_eq(schedule_at(s, 0), 199999999);
	schedule_free(s);

	/* Nothing at all. */
	plan.warmup_ns = 0;
	stage.duration_ns = 0;
	s = made(&plan);
	ck_assert_uint_eq(schedule_count(s), 0);
	ck_assert_uint_eq(schedule_rate_at(s, 0).num, 0);
	schedule_free(s);
	ck_assert_ptr_null(schedule_free(NULL));
}
END_TEST

/* ---------------------------------------------------------------- an exact count */

START_TEST(test_requests)
{
	static const int64_t durations[] = {CLOCK_NEVER, 0, NSEC_PER_SEC, 10 * NSEC_PER_SEC, HOUR};
	struct plan_stage stage = hold(100, 1, durations[_i]);
	struct plan plan = {.stages = &stage,
		.n_stages = 1,
		.n_arrivals = 1000,
		.warmup_ns = NSEC_PER_SEC,
		.cooldown_ns = NSEC_PER_SEC};
	struct schedule *s = made(&plan);

	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WARMUP), 100);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WINDOW), 1000);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_COOLDOWN), 100);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), 11 * NSEC_PER_SEC);
	ck_assert_int_eq(schedule_at(s, 1099), 11 * NSEC_PER_SEC - 5000000);
	ck_assert_int_eq(schedule_at(s, 1100), 11 * NSEC_PER_SEC + 5000000);
	schedule_free(s);
}
END_TEST

START_TEST(test_requests_and_stages)
{
	struct plan_stage stages[] = {
		hold(10, 1, NSEC_PER_SEC), hold(20, 1, NSEC_PER_SEC), hold(7, 1, CLOCK_NEVER)};
	static const struct {
		uint64_t requests;
		int64_t end_ns;
	} cases[] = {
		{1, 100000000},
		{10, 1000000000},
		{11, 1050000000},
		{30, 2000000000},
		{31, 2142857143},
		{37, 3000000000},
		{7030, 1002000000000},
	};
	struct plan plan = {.stages = stages, .n_stages = 3};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct schedule *s;

		plan.n_arrivals = cases[i].requests;
		s = made(&plan);
		ck_assert_uint_eq(schedule_count(s), cases[i].requests);
		ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_WINDOW), cases[i].end_ns);
		ck_assert_int_lt(schedule_at(s, cases[i].requests - 1), cases[i].end_ns);
		schedule_free(s);
	}
}
END_TEST

/* ---------------------------------------------------------------- what is refused */

START_TEST(test_refused)
{
	struct plan_stage stages[] = {hold(10, 1, NSEC_PER_SEC), hold(10, 1, NSEC_PER_SEC)};
	struct plan plan = {.stages = stages, .n_stages = 0};

	ck_assert_int_eq(refused(&plan), -EINVAL);
	plan.n_stages = 2;
	stages[1].rate.den = 0;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	stages[1].rate.den = 1;
	stages[1].duration_ns = -1;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	stages[1].duration_ns = CLOCK_NEVER;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	stages[1].duration_ns = NSEC_PER_SEC;
	stages[1].kind = (enum plan_stage_kind)99;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	stages[1].kind = PLAN_HOLD;
	plan.warmup_ns = -1;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	plan.warmup_ns = 0;
	plan.cooldown_ns = CLOCK_NEVER;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	plan.cooldown_ns = 0;

	/* A count that a silent last stage never reaches. */
	stages[1].rate.num = 0;
	plan.n_arrivals = 11;
	ck_assert_int_eq(refused(&plan), -EINVAL);
	plan.n_arrivals = 10;
	schedule_free(made(&plan));
}
END_TEST

START_TEST(test_out_of_range)
{
	struct plan_stage stages[] = {hold(10, 1, NSEC_PER_SEC), hold(10, 1, NSEC_PER_SEC)};
	struct plan plan = {.stages = stages, .n_stages = 2};

	/* Times that do not add up. */
	stages[0].duration_ns = CLOCK_NEVER - NSEC_PER_SEC;
	ck_assert_int_eq(refused(&plan), -ERANGE);
	stages[0].duration_ns--;
	schedule_free(made(&plan));
	plan.warmup_ns = 1;
	ck_assert_int_eq(refused(&plan), -ERANGE);
	plan.warmup_ns = 0;
	stages[0].duration_ns = NSEC_PER_SEC;

	/* Rates and fractions beyond the limits of plans. */
	stages[0].rate = (struct rate){UINT64_MAX, 1};
	ck_assert_int_eq(refused(&plan), -ERANGE);
	stages[0] = hold(UINT64_C(5000000000000000000), 1, 1);
	ck_assert_int_eq(refused(&plan), -ERANGE);
	stages[0].duration_ns = NSEC_PER_SEC;
	stages[0].rate = (struct rate){1, UINT64_MAX};
	ck_assert_int_eq(refused(&plan), -ERANGE);
	stages[0].rate = (struct rate){1, 4294967291};
	stages[1].rate = (struct rate){1, 4294967279};
	ck_assert_int_eq(refused(&plan), -ERANGE);
	stages[0].rate = stages[1].rate = (struct rate){10, 1};

	/* Counts. */
	plan.n_arrivals = UINT64_MAX;
	ck_assert_int_eq(refused(&plan), -ERANGE);
	plan.n_arrivals = 0;
	stages[0] = hold(UINT64_C(4000000000000000000), 1, HOUR);
	ck_assert_int_eq(refused(&plan), -ERANGE);
}
END_TEST

/* ---------------------------------------------------------------- the rate asked for */

START_TEST(test_rate_at)
{
	struct plan_stage stages[] = {hold(10, 1, NSEC_PER_SEC), hold(0, 1, NSEC_PER_SEC),
		hold(99, 1, 0), hold(1, 3, NSEC_PER_SEC)};
	struct plan plan = {.stages = stages, .n_stages = 4, .warmup_ns = 500, .cooldown_ns = 300};
	struct schedule *s = made(&plan);
	const int64_t end = 3 * NSEC_PER_SEC + 800;
	static const struct {
		int64_t t_ns;
		struct rate want;
	} cases[] = {
		{INT64_MIN, {0, 1}},
		{-1, {0, 1}},
		{0, {10, 1}},
		{500, {10, 1}},
		{NSEC_PER_SEC + 499, {10, 1}},
		{NSEC_PER_SEC + 500, {0, 1}},
		{2 * NSEC_PER_SEC + 499, {0, 1}},
		{2 * NSEC_PER_SEC + 500, {1, 3}},
		{3 * NSEC_PER_SEC + 799, {1, 3}},
		{3 * NSEC_PER_SEC + 800, {0, 1}},
		{CLOCK_NEVER, {0, 1}},
	};

	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_COOLDOWN), end);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct rate rate = schedule_rate_at(s, cases[i].t_ns);

		ck_assert_uint_eq(rate.num, cases[i].want.num);
		ck_assert_uint_eq(rate.den, cases[i].want.den);
	}
	schedule_free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_one_rate, 0, (int)N_ELEMENTS(rates));
	tcase_add_test(tcase, test_known_instants);
	tcase_add_test(tcase, test_a_day);
	tcase_add_test(tcase, test_the_far_end);
	tcase_add_test(tcase, test_count_is_rounded_half_up);
	tcase_add_test(tcase, test_half_an_arrival);
	tcase_add_test(tcase, test_fractions_cross_borders);
	tcase_add_test(tcase, test_cuts_change_nothing);
	tcase_add_test(tcase, test_several_rates);
	tcase_add_test(tcase, test_silence_skips_time);
	tcase_add_loop_test(tcase, test_any_plan, 0, 60);
	tcase_add_test(tcase, test_segments);
	tcase_add_test(tcase, test_empty_segments);
	tcase_add_loop_test(tcase, test_requests, 0, 5);
	tcase_add_test(tcase, test_requests_and_stages);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_out_of_range);
	tcase_add_test(tcase, test_rate_at);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
