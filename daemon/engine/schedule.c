/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedule: the instants of an open run as a pure function of the arrival's number.
 *
 * Let Lambda(t) be the arrivals due until t, counted from the start of a segment. Arrival k of that
 * segment is due when Lambda reaches k + 1/2: no arrival sits on a round second, and the count at
 * any instant is Lambda rounded half up. Nothing is accumulated and no interval is ever rounded, so
 * the last arrival of a day is as exact as the first.
 *
 * All sums are integers. With L the common denominator of a segment's rates, arrivals are counted
 * in units of 1 / (2 L 10^9): then arrival k lies at (2k + 1) L 10^9 units, and a rate of r/L per
 * second collects exactly 2 r units each nanosecond. A stage hands on what it has collected, down
 * to the unit, so a fraction of an arrival carries over the border between two stages.
 *
 * Each stage becomes a piece that knows its first arrival and how many units that one still lacks
 * when the piece begins. An instant is then one multiplication and one division, in 64 bits as long
 * as they suffice. An arrival due exactly on a border belongs to the piece before it: it never
 * waits for a stage without arrivals to end, and the last one may fall on the very end of its
 * segment.
 *
 * Immutable after schedule_new; any thread.
 */
#include "daemon/engine/schedule.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/plan.h"

/* The units of one arrival, those of one ns and all times stay below 2^63, hence sums below 2^126.
 */
#define SCHEDULE_STEP_MAX (UINT64_C(1) << 63)

struct schedule_piece {
	uint64_t k_first; /* the first arrival in this piece, or in a later one if it has none */
	uint64_t first;	  /* units from the start of the piece to that arrival */
	uint64_t step;	  /* units of one arrival */
	uint64_t pace;	  /* units collected each ns */
	int64_t start_ns;
	struct rate rate;
};

struct schedule_span {
	int64_t start_ns;
	int64_t end_ns;
	uint64_t k_first;
	uint64_t k_end;
};

struct schedule {
	struct schedule_span spans[SCHEDULE_SEGMENT_COUNT];
	size_t n_pieces;
	struct schedule_piece pieces[]; /* by k_first and by start_ns */
};

/* One segment while it is being built. */
struct schedule_sum {
	struct schedule *schedule;
	struct schedule_span *span;
	uint64_t scale;		/* L */
	uint64_t step;		/* units of one arrival, 2 L 10^9 */
	unsigned __int128 sum;	/* units collected so far */
	unsigned __int128 stop; /* units after which the segment ends, 0: when its stages do */
};

static uint64_t schedule_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static int schedule_sum_init(struct schedule_sum *sum, struct schedule *s,
	enum schedule_segment segment, const struct plan_stage *stages, size_t n_stages)
{
	uint64_t scale = 1;

	for (size_t i = 0; i < n_stages; i++) {
		uint64_t den = stages[i].rate.den;

		if (den == 0)
			return -EINVAL;
		if (__builtin_mul_overflow(scale, den / schedule_gcd(scale, den), &scale))
			return -ERANGE;
	}
	if (scale >= SCHEDULE_STEP_MAX / (2 * NSEC_PER_SEC))
		return -ERANGE;

	*sum = (struct schedule_sum){
		.schedule = s,
		.span = &s->spans[segment],
		.scale = scale,
		.step = 2 * scale * NSEC_PER_SEC,
	};
	if (segment > 0) {
		sum->span->start_ns = s->spans[segment - 1].end_ns;
		sum->span->k_first = s->spans[segment - 1].k_end;
	}
	sum->span->end_ns = sum->span->start_ns;
	sum->span->k_end = sum->span->k_first;
	return 0;
}

/* Arrivals of the segment that are due once so many units are collected. */
static unsigned __int128 schedule_due(const struct schedule_sum *sum, unsigned __int128 units)
{
	return (units + sum->step / 2) / sum->step;
}

/* Takes a stage up: a piece that collects so many units in its time. */
static int schedule_add_piece(struct schedule_sum *sum, struct rate rate, uint64_t pace,
	int64_t duration_ns, unsigned __int128 units)
{
	struct schedule *s = sum->schedule;
	struct schedule_span *span = sum->span;
	unsigned __int128 due = schedule_due(sum, sum->sum);
	int64_t end_ns;

	if (__builtin_add_overflow(span->end_ns, duration_ns, &end_ns) || end_ns == CLOCK_NEVER)
		return -ERANGE;
	if (duration_ns > 0) {
		s->pieces[s->n_pieces++] = (struct schedule_piece){
			.k_first = span->k_end,
			.first = (uint64_t)(due * sum->step + sum->step / 2 - sum->sum),
			.step = sum->step,
			.pace = pace,
			.start_ns = span->end_ns,
			.rate = rate,
		};
	}
	sum->sum += units;
	span->end_ns = end_ns;
	due = schedule_due(sum, sum->sum);
	if (due > UINT64_MAX - span->k_first)
		return -ERANGE;
	span->k_end = span->k_first + (uint64_t)due;
	return 0;
}

static int schedule_add_hold(
	struct schedule_sum *sum, struct rate rate, int64_t duration_ns, bool is_last)
{
	unsigned __int128 units;
	uint64_t pace;

	if (__builtin_mul_overflow(rate.num, 2 * (sum->scale / rate.den), &pace) ||
		pace >= SCHEDULE_STEP_MAX)
		return -ERANGE;
	units = (unsigned __int128)pace * (uint64_t)duration_ns;
	/* A count asked for ends the window, early or late, when Lambda reaches it: half an arrival
	 * after the last one, so that count / window is the rate. */
	if (sum->stop && (is_last || units >= sum->stop - sum->sum)) {
		unsigned __int128 ns;

		if (pace == 0)
			return -EINVAL;
		units = sum->stop - sum->sum;
		ns = (units + pace - 1) / pace;
		if (ns >= CLOCK_NEVER)
			return -ERANGE;
		duration_ns = (int64_t)ns;
	}
	if (duration_ns == CLOCK_NEVER)
		return -EINVAL;
	return schedule_add_piece(sum, rate, pace, duration_ns, units);
}

/* The one place that knows the kinds of stages. A list of steps is so many holds; a ramp is another
 * kind of piece, whose sum is as whole in these units and whose inverse goes to schedule_at. */
static int schedule_add_stage(
	struct schedule_sum *sum, const struct plan_stage *stage, bool is_last)
{
	if (stage->duration_ns < 0)
		return -EINVAL;
	switch (stage->kind) {
	case PLAN_HOLD:
		return schedule_add_hold(sum, stage->rate, stage->duration_ns, is_last);
	}
	return -EINVAL;
}

/* requests: the exact count, 0: what the stages come to. */
static int schedule_add_segment(struct schedule *s, enum schedule_segment segment,
	const struct plan_stage *stages, size_t n_stages, uint64_t requests)
{
	struct schedule_sum sum;
	int r;

	r = schedule_sum_init(&sum, s, segment, stages, n_stages);
	if (r)
		return r;
	sum.stop = (unsigned __int128)requests * sum.step;
	for (size_t i = 0; i < n_stages; i++) {
		r = schedule_add_stage(&sum, &stages[i], i + 1 == n_stages);
		if (r)
			return r;
		if (sum.stop && sum.sum >= sum.stop)
			break;
	}
	return 0;
}

static int schedule_build(struct schedule *s, const struct plan *plan)
{
	const struct plan_stage *last = &plan->stages[plan->n_stages - 1];
	struct plan_stage warmup = {PLAN_HOLD, plan->stages[0].rate, plan->warmup_ns};
	struct plan_stage cooldown = {PLAN_HOLD, last->rate, plan->cooldown_ns};
	int r;

	r = schedule_add_segment(s, SCHEDULE_WARMUP, &warmup, 1, 0);
	if (r)
		return r;
	r = schedule_add_segment(
		s, SCHEDULE_WINDOW, plan->stages, plan->n_stages, plan->n_arrivals);
	if (r)
		return r;
	return schedule_add_segment(s, SCHEDULE_COOLDOWN, &cooldown, 1, 0);
}

int schedule_new(const struct plan *plan, struct schedule **ret)
{
	struct schedule *s;
	int r;

	if (plan->n_stages == 0)
		return -EINVAL;
	s = calloc(1, sizeof(*s) + (plan->n_stages + 2) * sizeof(s->pieces[0]));
	if (!s)
		return -ENOMEM;
	r = schedule_build(s, plan);
	if (r) {
		schedule_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct schedule *schedule_free(struct schedule *s)
{
	free(s);
	return NULL;
}

uint64_t schedule_count(const struct schedule *s)
{
	return s->spans[SCHEDULE_COOLDOWN].k_end;
}

uint64_t schedule_segment_count(const struct schedule *s, enum schedule_segment segment)
{
	return s->spans[segment].k_end - s->spans[segment].k_first;
}

int64_t schedule_segment_start(const struct schedule *s, enum schedule_segment segment)
{
	return s->spans[segment].start_ns;
}

int64_t schedule_segment_end(const struct schedule *s, enum schedule_segment segment)
{
	return s->spans[segment].end_ns;
}

/* Once for each request: 4 to 8 ns. */
int64_t schedule_at(const struct schedule *s, uint64_t k)
{
	const struct schedule_piece *p = s->pieces;
	unsigned __int128 units;

	assert(k < schedule_count(s));
	/* The last piece with k_first <= k: pieces without arrivals fall behind the next one. */
	for (size_t n = s->n_pieces; n > 1;) {
		size_t half = n / 2;

		p = p[half].k_first <= k ? p + half : p;
		n -= half;
	}
	units = (unsigned __int128)(k - p->k_first) * p->step + p->first;
	if ((uint64_t)(units >> 64) == 0)
		return p->start_ns + (int64_t)((uint64_t)units / p->pace);
	return p->start_ns + (int64_t)(units / p->pace);
}

enum schedule_segment schedule_segment_of(const struct schedule *s, uint64_t k)
{
	assert(k < schedule_count(s));
	if (k < s->spans[SCHEDULE_WARMUP].k_end)
		return SCHEDULE_WARMUP;
	return k < s->spans[SCHEDULE_WINDOW].k_end ? SCHEDULE_WINDOW : SCHEDULE_COOLDOWN;
}

struct rate schedule_rate_at(const struct schedule *s, int64_t t_ns)
{
	if (t_ns < 0 || t_ns >= s->spans[SCHEDULE_COOLDOWN].end_ns)
		return (struct rate){0, 1};
	for (size_t i = s->n_pieces; i-- > 0;) {
		if (s->pieces[i].start_ns <= t_ns)
			return s->pieces[i].rate;
	}
	return (struct rate){0, 1};
}
