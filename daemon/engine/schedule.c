/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule: the instants of an open run as a function of the arrival's number.
 *
 * Let Lambda(t) be the number of arrivals due until t, counted from the start of a segment.
 * Constant arrival k of that segment is due when Lambda reaches k + 1/2: no arrival is at a round
 * second, and the count at any instant is Lambda rounded half up. Nothing is accumulated and no
 * interval is ever rounded, so the last arrival of a day is as exact as the first.
 *
 * Sums are integers. With L the common denominator of a segment's rates, arrivals are counted in
 * units of 1 / (2 L 10^9): then arrival k is at (2k + 1) L 10^9 units, a rate of r/L per second
 * collects exactly 2 r units each nanosecond, and a ramp of D ns, at the mean of its rates, a whole
 * number. A stage passes its sum on to the next, exact to the unit, so a fraction of an arrival
 * carries over the border between two stages.
 *
 * Each stage becomes a piece that contains the sum collected before it. In a hold an instant is one
 * multiplication and one division. In a ramp from p to q units per ns over D it is
 *     t = 2 u / (p + sqrt(p^2 + 2 a u)),  a = (q - p) / D,
 * which holds also for p = 0 and where p and q are nearly equal; the second
 * half of a falling ramp is one that rises from its end. In 64-bit mantissas a day of it is exact
 * to far below 1 ns. A ramp that was cut by steering is rounded to a unit at the cut: 10^-9 of an
 * arrival.
 *
 * An arrival due exactly on a border belongs to the piece before it: it never waits for a stage
 * without arrivals to end, and the last one may fall on the very end of its segment. Immutable once
 * made; any thread. */
#include "daemon/engine/schedule.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/engine/schedule_internal.h"

/* The units of one arrival, the units of one ns and all times are below 2^63, hence sums below
 * 2^126. */
#define SCHEDULE_STEP_MAX (UINT64_C(1) << 63)
/* The maximum number of levels of one step stage: with more it should be a ramp. */
#define SCHEDULE_LEVELS_MAX 100000

static uint64_t schedule_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

uint64_t schedule_hash(uint64_t seed, uint64_t k)
{
	/* The finalizer of splitmix64, applied to both (Steele, Lea, Flood 2014). */
	for (int i = 0; i < 2; i++) {
		seed = (i == 0 ? seed : seed ^ k) + UINT64_C(0x9e3779b97f4a7c15);
		seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		seed = (seed ^ (seed >> 27)) * UINT64_C(0x94d049bb133111eb);
		seed ^= seed >> 31;
	}
	return seed;
}

/* ---------------------------------------------------------------- within a piece */

/* The units that a ramp has collected t ns after the start of its whole, exact to far below one of
 * them. */
static long double schedule_ramp_units(const struct schedule_piece *p, int64_t t_ns)
{
	long double t = t_ns, whole = p->whole_ns;
	long double rise = (long double)p->pace_to - (long double)p->pace;

	return (long double)p->pace * t + rise * t / whole * t / 2;
}

static schedule_units schedule_ramp_sum(const struct schedule_piece *p, int64_t t_ns)
{
	/* At its end the sum is known without rounding. */
	if (t_ns == p->whole_ns)
		return ((schedule_units)p->pace + p->pace_to) / 2 *
		       (uint64_t)t_ns; /* paces are even */
	return (schedule_units)schedule_ramp_units(p, t_ns);
}

/* After so long in the piece, which need not have a start. The second half of a falling ramp is
 * computed from its end, where it is slow: forwards the root would be the difference of two nearly
 * equal numbers. */
static int64_t schedule_ramp_time(const struct schedule_piece *p, schedule_units units)
{
	schedule_units u = units - p->from + p->ramp_from;
	schedule_units total = ((schedule_units)p->pace + p->pace_to) / 2 * (uint64_t)p->whole_ns;
	bool backwards = p->pace_to < p->pace && u > total / 2;
	long double way = backwards ? (u < total ? total - u : 0) : u;
	long double here = backwards ? p->pace_to : p->pace;
	long double there = backwards ? p->pace : p->pace_to;
	long double sum = here + sqrtl(here * here + 2 * (there - here) / p->whole_ns * way);
	long double t = sum > 0 ? 2 * way / sum : 0;

	if (backwards)
		t = p->whole_ns - t;
	if (t < p->offset_ns)
		t = p->offset_ns;
	if (t > p->offset_ns + p->duration_ns)
		t = p->offset_ns + p->duration_ns;
	return (int64_t)t - p->offset_ns;
}

int64_t schedule_instant(const struct schedule_piece *p, schedule_units units)
{
	schedule_units own = units - p->from;

	if (p->start_ns == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (p->kind == PLAN_RAMP)
		return p->start_ns + schedule_ramp_time(p, units);
	if (p->pace == 0)
		return p->start_ns;
	if ((uint64_t)(own >> 64) == 0)
		return p->start_ns + (int64_t)((uint64_t)own / p->pace);
	return p->start_ns + (int64_t)(own / p->pace);
}

/* ---------------------------------------------------------------- from the input to the figures */

/* One segment while its pieces are computed. */
struct schedule_sum {
	struct schedule *schedule;
	struct schedule_span *span;
	uint64_t scale;		     /* L */
	uint64_t step;		     /* units of one arrival, 2 L 10^9 */
	schedule_units sum;	     /* units collected so far */
	schedule_units stop;	     /* units after which the segment ends; 0: it ends with its
				      * stages */
	struct schedule_piece *draw; /* the piece in which the present draw began */
};

static int schedule_sum_init(
	struct schedule_sum *sum, struct schedule *s, enum schedule_segment segment)
{
	struct schedule_span *span = &s->spans[segment];
	uint64_t scale = 1;

	for (size_t i = 0; i < s->n_pieces; i++) {
		const struct schedule_piece *p = &s->pieces[i];
		uint64_t dens[] = {p->rate.den, p->kind == PLAN_RAMP ? p->to.den : 1};

		if (p->segment != segment)
			continue;
		for (int k = 0; k < 2; k++) {
			if (dens[k] == 0)
				return -EINVAL;
			if (__builtin_mul_overflow(
				    scale, dens[k] / schedule_gcd(scale, dens[k]), &scale))
				return -ERANGE;
		}
	}
	if (scale >= SCHEDULE_STEP_MAX / (2 * NSEC_PER_SEC))
		return -ERANGE;
	*span = (struct schedule_span){0};
	if (segment > 0) {
		span->start_ns = s->spans[segment - 1].end_ns;
		span->k_first = s->spans[segment - 1].k_end;
	}
	span->end_ns = span->start_ns;
	span->k_end = span->k_first;
	*sum = (struct schedule_sum){
		.schedule = s,
		.span = span,
		.scale = scale,
		.step = 2 * scale * NSEC_PER_SEC,
	};
	if (segment == SCHEDULE_WINDOW)
		sum->stop = (schedule_units)s->n_asked * sum->step;
	return 0;
}

/* The number of arrivals of the segment that are due when this many units are collected. */
static schedule_units schedule_due(const struct schedule_sum *sum, schedule_units units)
{
	return (units + sum->step / 2) / sum->step;
}

static int schedule_pace(const struct schedule_sum *sum, struct rate rate, uint64_t *ret)
{
	if (__builtin_mul_overflow(rate.num, 2 * (sum->scale / rate.den), ret) ||
		*ret >= SCHEDULE_STEP_MAX)
		return -ERANGE;
	return 0;
}

/* A requested count ends the window, early or late, when Lambda reaches it: half an arrival after
 * the last one, so that count / window is the rate. */
static int schedule_stop_piece(struct schedule_sum *sum, struct schedule_piece *p)
{
	schedule_units wanted = sum->stop - sum->sum;

	if (p->kind == PLAN_RAMP) {
		p->duration_ns = schedule_ramp_time(p, sum->stop) + 1;
	} else {
		schedule_units ns = p->pace ? (wanted + p->pace - 1) / p->pace : CLOCK_NEVER;

		if (p->pace == 0)
			return -EINVAL;
		if (ns >= CLOCK_NEVER)
			return -ERANGE;
		p->duration_ns = (int64_t)ns;
	}
	p->to_units = sum->stop;
	return 0;
}

/* Computes the units that the piece collects. */
static int schedule_collect(struct schedule_sum *sum, struct schedule_piece *p)
{
	bool is_open = p->duration_ns == CLOCK_NEVER;

	p->ramp_from = 0;
	p->to_units = p->from;
	if (sum->stop && sum->sum >= sum->stop) {
		p->duration_ns = 0; /* the count was reached before it */
		return 0;
	}
	if (p->kind == PLAN_PAUSE)
		return 0;
	if (p->kind == PLAN_RAMP) {
		p->ramp_from = schedule_ramp_sum(p, p->offset_ns);
		p->to_units += schedule_ramp_sum(p, p->offset_ns + p->duration_ns) - p->ramp_from;
	} else if (!is_open) {
		p->to_units += (schedule_units)p->pace * (uint64_t)p->duration_ns;
	}
	if (sum->stop && (is_open || p->to_units >= sum->stop))
		return schedule_stop_piece(sum, p);
	return is_open ? -EINVAL : 0;
}

/* Poisson points are spread over a piece and those that continue its draw. */
static void schedule_share_draw(struct schedule_sum *sum, struct schedule_piece *p)
{
	if (p->kind == PLAN_PAUSE)
		return;
	if (!p->is_draw_fixed) {
		p->draw_n = 0;
		p->draw_len = 0;
	}
	if (!p->continues || !sum->draw)
		sum->draw = p;
	if (sum->draw->is_draw_fixed)
		return;
	sum->draw->draw_n += p->n;
	sum->draw->draw_len += (long double)(p->to_units - p->from) / p->step;
}

static int schedule_compute_piece(struct schedule_sum *sum, struct schedule_piece *p)
{
	struct schedule_span *span = sum->span;
	schedule_units due;
	int64_t end_ns;
	int r;

	if (p->asked_ns < 0)
		return -EINVAL;
	p->start_ns = span->end_ns;
	p->duration_ns = p->asked_ns;
	p->step = sum->step;
	p->from = sum->sum;
	p->k_first = span->k_end;
	p->pace_to = 0;
	r = schedule_pace(sum, p->rate, &p->pace);
	if (r == 0 && p->kind == PLAN_RAMP)
		r = schedule_pace(sum, p->to, &p->pace_to);
	if (r == 0)
		r = schedule_collect(sum, p);
	if (r < 0)
		return r;
	if (p->duration_ns == CLOCK_NEVER || span->end_ns == CLOCK_NEVER)
		end_ns = CLOCK_NEVER;
	else if (__builtin_add_overflow(span->end_ns, p->duration_ns, &end_ns) ||
		 end_ns == CLOCK_NEVER)
		return -ERANGE;
	if (p->is_frozen && p->duration_ns != CLOCK_NEVER)
		span->paused_ns += p->duration_ns;
	span->end_ns = end_ns;
	sum->sum = p->to_units;
	due = schedule_due(sum, sum->sum);
	if (due > UINT64_MAX - span->k_first)
		return -ERANGE;
	span->k_end = span->k_first + (uint64_t)due;
	p->n = span->k_end - p->k_first;
	schedule_share_draw(sum, p);
	return 0;
}

int schedule_compute(struct schedule *s)
{
	for (int segment = 0; segment < SCHEDULE_SEGMENT_COUNT; segment++) {
		struct schedule_sum sum;
		int r = schedule_sum_init(&sum, s, (enum schedule_segment)segment);

		for (size_t i = 0; i < s->n_pieces && r == 0; i++)
			if ((int)s->pieces[i].segment == segment)
				r = schedule_compute_piece(&sum, &s->pieces[i]);
		if (r == 0 && sum.sum < sum.stop)
			r = -EINVAL;
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---------------------------------------------------------------- from the plan */

static size_t schedule_levels(const struct plan_stage *stage)
{
	int64_t n = stage->every_ns > 0 ? stage->duration_ns / stage->every_ns : 0;

	return n > 0 && n <= SCHEDULE_LEVELS_MAX ? (size_t)n : 0;
}

static struct rate schedule_min(struct rate a, struct rate b)
{
	return (schedule_units)a.num * b.den < (schedule_units)b.num * a.den ? a : b;
}

static struct rate schedule_max(struct rate a, struct rate b)
{
	return (schedule_units)a.num * b.den < (schedule_units)b.num * a.den ? b : a;
}

/* Level i of a step stage, never beyond its end. False: its fraction is too fine. */
static bool schedule_level(const struct plan_stage *stage, uint64_t i, struct rate *ret)
{
	struct rate from = stage->rate, by = stage->by, to = stage->to;
	bool is_up = (schedule_units)from.num * to.den <= (schedule_units)to.num * from.den;
	uint64_t shared = schedule_gcd(from.den, by.den), den, a, b, common;

	if (shared == 0 || __builtin_mul_overflow(from.den, by.den / shared, &den) ||
		__builtin_mul_overflow(from.num, den / from.den, &a) ||
		__builtin_mul_overflow(by.num, den / by.den, &b) ||
		__builtin_mul_overflow(b, i, &b) || (is_up && a > UINT64_MAX - b))
		return false;
	if (!is_up && b > a) {
		*ret = to;
		return true;
	}
	a = is_up ? a + b : a - b;
	common = schedule_gcd(a, den);
	*ret = (struct rate){a / common, den / common};
	*ret = is_up ? schedule_min(*ret, to) : schedule_max(*ret, to);
	return true;
}

static struct schedule_piece *schedule_add(
	struct schedule *s, enum schedule_segment segment, size_t stage, struct rate rate)
{
	struct schedule_piece *p = &s->pieces[s->n_pieces++];

	*p = (struct schedule_piece){.kind = PLAN_HOLD,
		.segment = segment,
		.stage = (uint32_t)stage,
		.row = stage < s->n_stages ? s->n_rows : SCHEDULE_NO_ROW,
		.rate = rate};
	return p;
}

/* n_rows: 1, or one for each step. */
static int schedule_add_stage(struct schedule *s, enum schedule_segment segment, size_t index,
	const struct plan_stage *stage, size_t n_rows)
{
	struct schedule_piece *p;
	size_t n = schedule_levels(stage);

	if (stage->duration_ns < 0)
		return -EINVAL;
	switch (stage->kind) {
	case PLAN_HOLD:
		p = schedule_add(s, segment, index, stage->rate);
		p->asked_ns = stage->duration_ns;
		return 0;
	case PLAN_RAMP:
		if (stage->duration_ns == CLOCK_NEVER)
			return -EINVAL;
		p = schedule_add(s, segment, index, stage->rate);
		p->kind = PLAN_RAMP;
		p->to = stage->to;
		p->whole_ns = p->asked_ns = stage->duration_ns;
		if (stage->duration_ns == 0)
			p->kind = PLAN_HOLD;
		return 0;
	case PLAN_STEP:
		for (size_t i = 0; i < n; i++) {
			struct rate level;

			if (!schedule_level(stage, i, &level))
				return -ERANGE;
			p = schedule_add(s, segment, index, level);
			p->row += n_rows > 1 ? (uint32_t)i : 0;
			p->asked_ns = stage->every_ns;
		}
		return n > 0 ? 0 : -EINVAL;
	case PLAN_PAUSE:
		p = schedule_add(s, segment, index, (struct rate){0, 1});
		p->kind = PLAN_PAUSE;
		p->asked_ns = stage->duration_ns;
		return stage->duration_ns == CLOCK_NEVER ? -EINVAL : 0;
	}
	return -EINVAL;
}

static struct rate schedule_end_rate(const struct plan_stage *stage)
{
	bool moves = stage->kind == PLAN_RAMP || stage->kind == PLAN_STEP;

	return moves ? stage->to : stage->rate;
}

/* For a pause the rate is 0/1: there is no arrival before or after it either. */
static struct rate schedule_start_rate(const struct plan_stage *stage)
{
	return stage->kind == PLAN_PAUSE ? (struct rate){0, 1} : stage->rate;
}

static int schedule_build(struct schedule *s, const struct plan *plan)
{
	const struct plan_stage *last = &plan->stages[plan->n_stages - 1];
	struct schedule_piece *p;
	int r = 0;

	p = schedule_add(s, SCHEDULE_WARMUP, plan->n_stages, schedule_start_rate(plan->stages));
	p->asked_ns = plan->warmup_ns;
	for (size_t i = 0; i < plan->n_stages && r == 0; i++) {
		const struct plan_stage *stage = &plan->stages[i];
		size_t n_rows = plan_stage_rows(plan, i);

		r = schedule_add_stage(
			s, stage->is_warmup ? SCHEDULE_WARMUP : SCHEDULE_WINDOW, i, stage, n_rows);
		s->n_rows += (uint32_t)n_rows;
	}
	if (r < 0)
		return r;
	if (plan->n_arrivals > 0) {
		p = schedule_add(s, SCHEDULE_WINDOW, plan->n_stages - 1, schedule_end_rate(last));
		p->row = s->n_rows - 1;
		p->asked_ns = CLOCK_NEVER;
		p->continues = true;
	}
	p = schedule_add(s, SCHEDULE_COOLDOWN, plan->n_stages, schedule_end_rate(last));
	p->asked_ns = plan->cooldown_ns;
	return schedule_compute(s);
}

struct schedule *schedule_copy(const struct schedule *like, size_t n, size_t n_more)
{
	struct schedule *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	*s = *like;
	s->n_pieces = n;
	s->pieces = calloc(n + n_more, sizeof(*s->pieces));
	if (!s->pieces) {
		free(s);
		return NULL;
	}
	if (n > 0)
		memcpy(s->pieces, like->pieces, n * sizeof(*s->pieces));
	return s;
}

int schedule_new(const struct plan *plan, struct schedule **ret)
{
	struct schedule like = {.arrivals = plan->arrivals,
		.jitter = plan->jitter,
		.seed = plan->seed,
		.n_asked = plan->n_arrivals,
		.n_stages = plan->n_stages};
	size_t n = plan->n_stages + 3;
	struct schedule *s;
	int r;

	if (plan->n_stages == 0)
		return -EINVAL;
	for (size_t i = 0; i < plan->n_stages; i++)
		if (plan->stages[i].kind == PLAN_STEP)
			n += schedule_levels(&plan->stages[i]);
	s = schedule_copy(&like, 0, n);
	if (!s)
		return -ENOMEM;
	r = schedule_build(s, plan);
	if (r < 0) {
		schedule_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct schedule *schedule_free(struct schedule *s)
{
	if (s)
		free(s->pieces);
	free(s);
	return NULL;
}

/* ---------------------------------------------------------------- asked from outside */

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

int64_t schedule_segment_paused(const struct schedule *s, enum schedule_segment segment)
{
	return s->spans[segment].paused_ns;
}

enum schedule_segment schedule_segment_of(const struct schedule *s, uint64_t k)
{
	assert(k < schedule_count(s));
	if (k < s->spans[SCHEDULE_WARMUP].k_end)
		return SCHEDULE_WARMUP;
	return k < s->spans[SCHEDULE_WINDOW].k_end ? SCHEDULE_WINDOW : SCHEDULE_COOLDOWN;
}
