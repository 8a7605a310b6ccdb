/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/origin/origin_timing.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"

/* ---- dice: xoshiro256**, seeded by splitmix64 */

static uint64_t origin_dice_spread(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void origin_dice_init(struct origin_dice *d, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		d->_state[i] = origin_dice_spread(&seed);
}

static uint64_t origin_dice_rotate(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

double origin_dice_throw(struct origin_dice *d)
{
	uint64_t *s = d->_state;
	uint64_t result = origin_dice_rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = origin_dice_rotate(s[3], 45);
	return (double)(result >> 11) * 0x1.0p-53;
}

bool origin_dice_hits(struct origin_dice *d, double share)
{
	return share > 0 && origin_dice_throw(d) < share;
}

int64_t origin_dice_delay(struct origin_dice *d, const struct settings_delay *delay)
{
	double ns;

	if (delay->kind == SETTINGS_DELAY_FIXED || delay->ns == 0)
		return delay->ns;
	ns = -log1p(-origin_dice_throw(d)) * (double)delay->ns;
	return ns < 0x1.0p62 ? (int64_t)ns : INT64_C(1) << 62;
}

int64_t origin_dice_mixture(struct origin_dice *d, const struct settings_delays *delays)
{
	double at;

	if (delays->n == 0)
		return 0;
	if (delays->n == 1 && delays->parts[0].upto >= 1)
		return origin_dice_delay(d, &delays->parts[0].delay);
	at = origin_dice_throw(d);
	for (unsigned i = 0; i < delays->n; i++) {
		if (at < delays->parts[i].upto)
			return origin_dice_delay(d, &delays->parts[i].delay);
	}
	return 0;
}

/* ---- pace: all instants are on a grid with one beginning and never "a while after the last one":
 * so a single delay does not move later instants, and a client can be told the exact instants */

int64_t origin_pace_stalled_until(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns)
{
	int64_t passed_ns;
	int64_t begin_ns = start_ns;

	if (c->length_ns == 0 || start_ns == CLOCK_NEVER || now_ns < start_ns)
		return 0;
	passed_ns = now_ns - start_ns;
	if (c->every_ns > 0)
		begin_ns += passed_ns - passed_ns % c->every_ns;
	return now_ns - begin_ns < c->length_ns ? begin_ns + c->length_ns : 0;
}

int64_t origin_pace_next_stall(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns)
{
	if (c->length_ns == 0 || start_ns == CLOCK_NEVER)
		return CLOCK_NEVER;
	if (now_ns < start_ns)
		return start_ns;
	if (c->every_ns == 0)
		return CLOCK_NEVER;
	return start_ns + ((now_ns - start_ns) / c->every_ns + 1) * c->every_ns;
}

uint64_t origin_pace_drip(
	const struct settings_origin *s, uint64_t head_len, uint64_t body_len, int64_t passed_ns)
{
	uint64_t pieces;

	if (s->drip_pieces == 0 || body_len == 0)
		return head_len + body_len;
	pieces = passed_ns > 0 ? (uint64_t)(passed_ns / s->drip_ns) : 0;
	if (pieces >= s->drip_pieces)
		return head_len + body_len;
	/* 64 MiB times a million fits into 64 bits. */
	return head_len + 1 + (body_len - 1) * pieces / s->drip_pieces;
}

int64_t origin_pace_next_drip(const struct settings_origin *s, int64_t passed_ns)
{
	return (passed_ns / s->drip_ns + 1) * s->drip_ns;
}

void origin_pace_read_begin(struct origin_pace_read *r, int64_t now_ns, uint64_t owed)
{
	*r = (struct origin_pace_read){.mark_ns = now_ns, .owed = owed};
}

int64_t origin_pace_read_wait(
	struct origin_pace_read *r, const struct settings_origin *s, int64_t now_ns)
{
	int64_t due_ns = r->mark_ns + s->read_ns;
	uint64_t paid;

	if (r->left > 0)
		return 0;
	if (now_ns < due_ns)
		return due_ns;
	/* A client that was slow itself does not get the pieces of the past at once. */
	r->mark_ns = now_ns - due_ns < s->read_ns ? due_ns : now_ns;
	paid = r->owed < s->read_bytes ? r->owed : s->read_bytes;
	r->owed -= paid;
	r->left = s->read_bytes - paid;
	return r->owed > 0 ? r->mark_ns + s->read_ns : 0;
}

/* ---- server */

void origin_server_init(struct origin_server *s)
{
	list_init(&s->_jobs);
	s->_due_ns = CLOCK_NEVER;
}

struct origin_job *origin_server_first(const struct origin_server *s)
{
	if (list_empty(&s->_jobs))
		return NULL;
	return container_of(s->_jobs.next, struct origin_job, _node);
}

/* Starts the next job; the server has been free since free_ns. */
static void origin_server_next(struct origin_server *s, int64_t free_ns)
{
	const struct origin_job *job = origin_server_first(s);
	int64_t begin_ns;

	s->_due_ns = CLOCK_NEVER;
	if (!job)
		return;
	begin_ns = job->_arrival_ns > free_ns ? job->_arrival_ns : free_ns;
	if (__builtin_add_overflow(begin_ns, job->length_ns, &s->_due_ns))
		s->_due_ns = CLOCK_NEVER - 1;
}

bool origin_server_add(
	struct origin_server *s, struct origin_job *job, int64_t now_ns, int64_t length_ns)
{
	bool is_only = list_empty(&s->_jobs);

	job->_arrival_ns = now_ns;
	job->length_ns = length_ns;
	list_push_back(&s->_jobs, &job->_node);
	if (is_only)
		origin_server_next(s, now_ns);
	return is_only;
}

int64_t origin_server_due_ns(const struct origin_server *s)
{
	return s->_due_ns;
}

struct origin_job *origin_server_take(struct origin_server *s, int64_t now_ns)
{
	struct origin_job *job = origin_server_first(s);

	if (!job || s->_due_ns > now_ns)
		return NULL;
	list_remove(&job->_node);
	origin_server_next(s, s->_due_ns);
	return job;
}

void origin_server_drop(struct origin_server *s, struct origin_job *job, int64_t now_ns)
{
	bool is_first = origin_server_first(s) == job;

	list_remove(&job->_node);
	if (is_first)
		origin_server_next(s, now_ns);
}

void origin_server_shift(struct origin_server *s, int64_t by_ns)
{
	if (!list_empty(&s->_jobs) && s->_due_ns < CLOCK_NEVER - by_ns)
		s->_due_ns += by_ns;
}

/* ---- waiting
 *
 * The reason for a heap: exponential delays are not sorted, and with thousands waiting the sorted
 * queue of daemon/loop/timer would walk over many of them for each new one. A heap costs O(log n)
 * and 16 bytes for each; for equal delays, whose order is that of arrival, adding is one
 * comparison. A timer wheel would be O(1), but rounds instants to its grid, and a delay must not
 * end early.
 *
 * Slot i has its children at 2i and 2i + 1; slot 0 is unused, so place 0 can mean "not here". */

int origin_waiting_reserve(struct origin_waiting *w, size_t n)
{
	struct origin_waiting_slot *slots;
	size_t cap = w->_cap ? w->_cap : 64;

	if (n < w->_cap)
		return 0;
	while (cap <= n)
		cap *= 2;
	slots = realloc(w->_slots, cap * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	w->_slots = slots;
	w->_cap = cap;
	return 0;
}

void origin_waiting_fini(struct origin_waiting *w)
{
	free(w->_slots);
	*w = (struct origin_waiting){0};
}

static void origin_waiting_put(struct origin_waiting *w, size_t place, struct origin_waiting_slot s)
{
	w->_slots[place] = s;
	s.waiter->_place = place;
}

/* Finds the place of s, from the empty one at place towards the top. */
static void origin_waiting_rise(
	struct origin_waiting *w, size_t place, struct origin_waiting_slot s)
{
	while (place > 1 && w->_slots[place / 2].due_ns > s.due_ns) {
		origin_waiting_put(w, place, w->_slots[place / 2]);
		place /= 2;
	}
	origin_waiting_put(w, place, s);
}

static void origin_waiting_sink(
	struct origin_waiting *w, size_t place, struct origin_waiting_slot s)
{
	for (;;) {
		size_t child = place * 2;

		if (child > w->_n)
			break;
		if (child < w->_n && w->_slots[child + 1].due_ns < w->_slots[child].due_ns)
			child++;
		if (w->_slots[child].due_ns >= s.due_ns)
			break;
		origin_waiting_put(w, place, w->_slots[child]);
		place = child;
	}
	origin_waiting_put(w, place, s);
}

void origin_waiting_add(struct origin_waiting *w, struct origin_waiter *waiter, int64_t due_ns)
{
	assert(waiter->_place == 0 && w->_n + 1 < w->_cap);
	waiter->due_ns = due_ns;
	w->_n++;
	origin_waiting_rise(w, w->_n, (struct origin_waiting_slot){due_ns, waiter});
}

void origin_waiting_remove(struct origin_waiting *w, struct origin_waiter *waiter)
{
	size_t place = waiter->_place;
	struct origin_waiting_slot last;

	if (place == 0)
		return;
	waiter->_place = 0;
	last = w->_slots[w->_n--];
	if (last.waiter == waiter)
		return;
	if (place > 1 && w->_slots[place / 2].due_ns > last.due_ns)
		origin_waiting_rise(w, place, last);
	else
		origin_waiting_sink(w, place, last);
}

struct origin_waiter *origin_waiting_first(const struct origin_waiting *w)
{
	return w->_n > 0 ? w->_slots[1].waiter : NULL;
}
