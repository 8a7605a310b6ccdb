/* SPDX-License-Identifier: Apache-2.0 */
/* Steering: a new schedule that is the old one up to an instant. Its pieces are the old ones, the
 * one at that instant cut in two; those after it are replaced, shifted or left out, and everything
 * is computed again. Since instants are computed from sums of exact units, nothing before the cut
 * moves.
 *
 * A pause is a piece without a rate, without an end until it is resumed; until then pieces after it
 * have no instants. A Poisson draw that is cut by a pause continues after it; one whose stage gets
 * another rate, or is skipped, ends at the cut with the points it had placed before. */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/engine/schedule_internal.h"

static bool schedule_is_open_pause(const struct schedule_piece *p)
{
	return p->is_frozen && p->asked_ns == CLOCK_NEVER;
}

bool schedule_is_paused(const struct schedule *s)
{
	for (size_t i = 0; i < s->n_pieces; i++)
		if (schedule_is_open_pause(&s->pieces[i]))
			return true;
	return false;
}

/* The piece at that instant; n_pieces: none. */
static size_t schedule_find(const struct schedule *s, int64_t at_ns)
{
	for (size_t i = 0; i < s->n_pieces; i++) {
		const struct schedule_piece *p = &s->pieces[i];

		if (p->start_ns <= at_ns &&
			(p->duration_ns == CLOCK_NEVER || at_ns - p->start_ns < p->duration_ns))
			return i;
	}
	return s->n_pieces;
}

static bool schedule_is_same_stage(const struct schedule_piece *a, const struct schedule_piece *b)
{
	return a->segment == b->segment && a->stage == b->stage;
}

/* The draw that the piece belongs to keeps the numbers with which it began. */
static void schedule_fix_draw(struct schedule *s, size_t at)
{
	while (at > 0 && (s->pieces[at].continues || s->pieces[at].kind == PLAN_PAUSE))
		at--;
	s->pieces[at].is_draw_fixed = true;
}

static void schedule_push(struct schedule *s, struct schedule_piece piece)
{
	s->pieces[s->n_pieces++] = piece;
}

/* Appends the pieces of old from number first on, except those of the stage of `but`. */
static void schedule_push_rest(struct schedule *s, const struct schedule *old, size_t first,
	const struct schedule_piece *but)
{
	for (size_t i = first; i < old->n_pieces; i++)
		if (!but || !schedule_is_same_stage(&old->pieces[i], but))
			schedule_push(s, old->pieces[i]);
}

/* The rest of the piece after the cut. */
static struct schedule_piece schedule_remainder(const struct schedule_piece *p, int64_t into_ns)
{
	struct schedule_piece rest = *p;

	rest.offset_ns += into_ns;
	rest.continues = true;
	rest.is_draw_fixed = false;
	if (rest.asked_ns != CLOCK_NEVER)
		rest.asked_ns -= into_ns;
	return rest;
}

/* The time left in the stage of piece `at`, `into_ns` after its start; CLOCK_NEVER: until the count
 * is reached. */
static int64_t schedule_stage_left(const struct schedule *s, size_t at, int64_t into_ns)
{
	int64_t left_ns = -into_ns;

	for (size_t i = at; i < s->n_pieces; i++) {
		const struct schedule_piece *p = &s->pieces[i];

		if (!schedule_is_same_stage(p, &s->pieces[at]) || schedule_is_open_pause(p))
			continue;
		if (p->asked_ns == CLOCK_NEVER)
			return CLOCK_NEVER;
		left_ns += p->asked_ns;
	}
	return left_ns;
}

static bool schedule_has_tail(const struct schedule *s)
{
	for (size_t i = 0; i < s->n_pieces; i++)
		if (s->pieces[i].asked_ns == CLOCK_NEVER && !s->pieces[i].is_frozen)
			return true;
	return false;
}

static int schedule_act_on(struct schedule *s, const struct schedule *old, size_t at,
	enum schedule_act act, struct rate rate, int64_t into_ns)
{
	const struct schedule_piece *p = &old->pieces[at];
	struct schedule_piece pause = {.kind = PLAN_PAUSE,
		.segment = p->segment,
		.stage = p->stage,
		.row = p->row,
		.rate = {0, 1},
		.asked_ns = CLOCK_NEVER,
		.is_frozen = true};
	struct schedule_piece hold = {.kind = PLAN_HOLD,
		.segment = p->segment,
		.stage = p->stage,
		.row = p->row,
		.rate = rate};

	if (act == SCHEDULE_RESUME) {
		s->pieces[at].asked_ns = into_ns;
		schedule_push_rest(s, old, at + 1, NULL);
		return 0;
	}
	schedule_fix_draw(s, at);
	if (act == SCHEDULE_SET_RATE) {
		bool is_paused = schedule_is_open_pause(p);

		hold.asked_ns = schedule_stage_left(old, at, is_paused ? 0 : into_ns);
		if (!is_paused)
			s->pieces[at].asked_ns = into_ns;
		schedule_push(s, hold);
		schedule_push_rest(s, old, at + 1, p);
		return 0;
	}
	s->pieces[at].asked_ns = into_ns;
	if (act == SCHEDULE_PAUSE) {
		schedule_push(s, pause);
		schedule_push(s, schedule_remainder(p, into_ns));
		schedule_push_rest(s, old, at + 1, NULL);
		return 0;
	}
	schedule_push_rest(s, old, at + 1, p);
	/* Without the stage in which the count would have been reached, the window ends with its
	 * stages. */
	if (s->n_asked > 0 && !schedule_has_tail(s))
		s->n_asked = 0;
	return 0;
}

int schedule_steer(const struct schedule *old, enum schedule_act act, struct rate rate,
	int64_t at_ns, struct schedule **ret)
{
	size_t at = schedule_find(old, at_ns);
	struct schedule *s;
	int r;

	if (at == old->n_pieces || (act == SCHEDULE_SET_RATE && rate.num == 0))
		return -EINVAL;
	if (schedule_is_open_pause(&old->pieces[at]) != (act == SCHEDULE_RESUME) &&
		act != SCHEDULE_SET_RATE)
		return -EINVAL;
	if (act == SCHEDULE_PAUSE && schedule_is_paused(old))
		return -EINVAL;
	s = schedule_copy(old, at + 1, old->n_pieces - at + 2);
	if (!s)
		return -ENOMEM;
	s->n_kept = at + 1;
	r = schedule_act_on(s, old, at, act, rate, at_ns - old->pieces[at].start_ns);
	if (r == 0)
		r = schedule_compute(s);
	if (r < 0) {
		schedule_free(s);
		return r;
	}
	*ret = s;
	return 0;
}
