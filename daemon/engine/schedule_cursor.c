/* SPDX-License-Identifier: Apache-2.0 */
/* Iterates over a schedule, for one of the shares it is split into.
 *
 * Constant and jittered arrivals are computed from their number, so a share skips those of the
 * others. Poisson arrivals are not: the points of a draw are n sorted uniform values, generated one
 * after the other (each is the smallest of those that are left, so the rest shrinks by the factor
 * v^(1/left)), and every share generates all of them and keeps its own. The uniform v of arrival k
 * is a hash of the seed and k: no generator's state to carry.
 *
 * The cursor is one arrival ahead. It keeps its state after the arrival before, so that the
 * schedule can be changed before the arrival that it has already computed. */
#include <assert.h>
#include <math.h>

#include "common/clock.h"
#include "daemon/engine/schedule_internal.h"

static double schedule_uniform(const struct schedule *s, uint64_t k)
{
	return ((double)(schedule_hash(s->seed, k) >> 11) + 0.5) * 0x1p-53;
}

/* ---------------------------------------------------------------- by number */

/* The last piece with k_first <= k: a piece without arrivals has the same k_first as the next
 * one. */
static size_t schedule_piece_of(const struct schedule *s, uint64_t k)
{
	size_t at = 0;

	for (size_t n = s->n_pieces; n > 1;) {
		size_t half = n / 2;

		at = s->pieces[at + half].k_first <= k ? at + half : at;
		n -= half;
	}
	return at;
}

/* Walks from the piece that contains the constant instant to the one that contains the jittered
 * one. */
static int64_t schedule_jittered(
	const struct schedule *s, size_t at, uint64_t k, schedule_units units)
{
	const struct schedule_piece *p = &s->pieces[at];
	double moved = s->jitter * (schedule_uniform(s, k) - 0.5) * (double)p->step;

	if (moved < 0 && units < (schedule_units)-moved)
		units = 0;
	else
		units += (__int128)moved;
	while (units <= p->from && p > s->pieces && p[-1].segment == p->segment)
		p--;
	while (units > p->to_units && p + 1 < s->pieces + s->n_pieces && p[1].segment == p->segment)
		p++;
	/* The segment's sum may end before the latest possible point of its last arrival. */
	if (units > p->to_units)
		units = p->to_units;
	return schedule_instant(p, units);
}

static int64_t schedule_numbered(const struct schedule *s, size_t at, uint64_t k)
{
	const struct schedule_piece *p = &s->pieces[at];
	uint64_t own = k - s->spans[p->segment].k_first;
	schedule_units units = (schedule_units)own * p->step + p->step / 2;

	if (s->arrivals == PLAN_JITTER)
		return schedule_jittered(s, at, k, units);
	return schedule_instant(p, units);
}

static void schedule_find_numbered(struct schedule_cursor *c)
{
	const struct schedule *s = c->_schedule;
	size_t at = c->_draw.piece;

	c->t_ns = CLOCK_NEVER;
	if (c->k >= schedule_count(s))
		return;
	while (c->k - s->pieces[at].k_first >= s->pieces[at].n)
		at++;
	c->_draw.piece = at;
	c->t_ns = schedule_numbered(s, at, c->k);
}

/* ---------------------------------------------------------------- by drawing */

/* Moves to the next piece of the draw; false: there is none. */
static bool schedule_draw_moves_on(const struct schedule *s, struct schedule_draw *d)
{
	const struct schedule_piece *p = &s->pieces[d->piece];
	size_t next = d->piece + 1;

	while (next < s->n_pieces && s->pieces[next].kind == PLAN_PAUSE)
		next++;
	if (next >= s->n_pieces || !s->pieces[next].continues ||
		s->pieces[next].segment != p->segment)
		return false;
	d->before += (long double)(p->to_units - p->from) / p->step;
	d->piece = next;
	return true;
}

/* Begins the next draw, at the present piece or after it. False: there is none. */
static bool schedule_draw_begins(const struct schedule *s, struct schedule_draw *d)
{
	while (d->piece < s->n_pieces && s->pieces[d->piece].kind == PLAN_PAUSE)
		d->piece++;
	if (d->piece >= s->n_pieces)
		return false;
	d->is_begun = true;
	d->origin = d->piece;
	d->left = s->pieces[d->piece].draw_n;
	d->remaining = 1;
	d->before = 0;
	return true;
}

static void schedule_draw_ends(const struct schedule *s, struct schedule_draw *d)
{
	while (schedule_draw_moves_on(s, d))
		continue;
	d->is_begun = false;
	d->piece++;
}

/* The instant of the point that is `at` expected arrivals after the draw's beginning; CLOCK_NEVER:
 * it is after the draw's pieces, because the draw was cut. */
static int64_t schedule_draw_instant(
	const struct schedule *s, struct schedule_draw *d, long double at)
{
	for (;;) {
		const struct schedule_piece *p = &s->pieces[d->piece];
		long double units = (at - d->before) * p->step;

		if (units <= (long double)(p->to_units - p->from)) {
			if (units < 0)
				units = 0;
			return schedule_instant(p, p->from + (schedule_units)units);
		}
		if (!schedule_draw_moves_on(s, d))
			return CLOCK_NEVER;
	}
}

/* Makes the next point, of any share. False: there is none. */
static bool schedule_draw_next(const struct schedule *s, struct schedule_draw *d, int64_t *ret_ns)
{
	for (;;) {
		const struct schedule_piece *origin;
		long double at;
		bool is_last;

		if (!d->is_begun && !schedule_draw_begins(s, d))
			return false;
		if (d->left == 0) {
			schedule_draw_ends(s, d);
			continue;
		}
		origin = &s->pieces[d->origin];
		d->remaining *= exp(log(schedule_uniform(s, d->k)) / (double)d->left);
		at = origin->draw_len * (1 - (long double)d->remaining);
		is_last = --d->left == 0;
		*ret_ns = schedule_draw_instant(s, d, at);
		if (*ret_ns != CLOCK_NEVER || s->pieces[d->piece].start_ns == CLOCK_NEVER) {
			d->k++;
			return true;
		}
		/* This point and all after it are in the part that was cut off; in a draw that was
		 * not cut, only rounding could put the last one there. */
		if (is_last && !origin->is_draw_fixed) {
			const struct schedule_piece *p = &s->pieces[d->piece];

			*ret_ns = schedule_instant(p, p->to_units);
			d->k++;
			return true;
		}
		d->left = 0;
	}
}

static void schedule_find_drawn(struct schedule_cursor *c)
{
	int64_t t_ns = CLOCK_NEVER;

	do {
		c->k = c->_draw.k;
		if (!schedule_draw_next(c->_schedule, &c->_draw, &t_ns)) {
			c->t_ns = CLOCK_NEVER;
			return;
		}
	} while (c->k % c->_stride != c->_index);
	c->t_ns = t_ns;
}

/* ---------------------------------------------------------------- the walk */

static bool schedule_is_drawn(const struct schedule_cursor *c)
{
	return c->_schedule->arrivals == PLAN_POISSON;
}

void schedule_begin(
	const struct schedule *s, uint64_t index, uint64_t stride, struct schedule_cursor *ret)
{
	*ret = (struct schedule_cursor){
		.k = index, ._schedule = s, ._index = index, ._stride = stride};
	if (schedule_is_drawn(ret))
		schedule_find_drawn(ret);
	else
		schedule_find_numbered(ret);
}

void schedule_next(struct schedule_cursor *c)
{
	c->_before = c->_draw;
	if (schedule_is_drawn(c)) {
		schedule_find_drawn(c);
	} else {
		c->k += c->_stride;
		schedule_find_numbered(c);
	}
}

void schedule_change(struct schedule_cursor *c, const struct schedule *s)
{
	c->_schedule = s;
	if (!schedule_is_drawn(c)) {
		c->_draw.piece = c->k < schedule_count(s) ? schedule_piece_of(s, c->k) : 0;
		schedule_find_numbered(c);
		return;
	}
	c->_draw = c->_before;
	/* The schedule was changed at an instant that has already passed: arrivals that were made
	 * stay. */
	if (c->_draw.piece >= s->n_kept) {
		c->_draw.piece = s->n_kept;
		c->_draw.is_begun = false;
	}
	schedule_find_drawn(c);
}

int64_t schedule_at(const struct schedule *s, uint64_t k)
{
	struct schedule_cursor c;

	assert(k < schedule_count(s));
	if (s->arrivals != PLAN_POISSON)
		return schedule_numbered(s, schedule_piece_of(s, k), k);
	schedule_begin(s, 0, 1, &c);
	while (c.k < k && c.t_ns != CLOCK_NEVER)
		schedule_next(&c);
	return c.t_ns;
}
