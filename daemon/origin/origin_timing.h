/* SPDX-License-Identifier: Apache-2.0 */
/* When things happen in an origin: its random numbers, the instants of its stalls and of the pieces
 * of a message, the queue of its one server, and the heap of what waits for an instant. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/settings/settings_origin.h"

/* ---- dice: the random numbers of an origin, from its own generator, so that a seed means the same
 * with every C library */

struct origin_dice {
	uint64_t _state[4];
};

void origin_dice_init(struct origin_dice *d, uint64_t seed);
double origin_dice_throw(struct origin_dice *d); /* uniform in [0, 1) */

/* Draws a number only if the answer is not certain. */
bool origin_dice_hits(struct origin_dice *d, double share);
int64_t origin_dice_delay(struct origin_dice *d, const struct settings_delay *delay);
int64_t origin_dice_mixture(struct origin_dice *d, const struct settings_delays *delays);

/* ---- pace: the instants of stalls, of the pieces of an answer and of the pieces of a request */

/* A cycle that began at start_ns (CLOCK_NEVER: it has not begun). Returns the end of the stall that
 * contains now_ns, or 0. */
int64_t origin_pace_stalled_until(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns);
/* The beginning of the first stall after now_ns; CLOCK_NEVER: there is none. */
int64_t origin_pace_next_stall(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns);

/* The number of bytes of head and body that may have been sent passed_ns after the first byte. */
uint64_t origin_pace_drip(
	const struct settings_origin *s, uint64_t head_len, uint64_t body_len, int64_t passed_ns);
/* The time from the first byte to the next piece after passed_ns. */
int64_t origin_pace_next_drip(const struct settings_origin *s, int64_t passed_ns);

/* The state of reading a body piece by piece. */
struct origin_pace_read {
	int64_t mark_ns; /* instant of the last piece, or of the body's beginning */
	uint64_t left;	 /* bytes of the last piece that are still to be read */
	uint64_t owed;	 /* bytes read too early, together with the head */
};
void origin_pace_read_begin(struct origin_pace_read *r, int64_t now_ns, uint64_t owed);
/* Returns the instant of the next piece; 0: now. Then there may be `left` bytes to be read, but
 * none if only bytes that were owed have become due. */
int64_t origin_pace_read_wait(
	struct origin_pace_read *r, const struct settings_origin *s, int64_t now_ns);

/* ---- server: jobs are done one after the other in the order in which they came, each for its
 * length. A job is done at max(its arrival, the end of the one before) + its length, to the
 * nanosecond, however late the functions are called: M/D/1 or M/M/1 for the corresponding
 * arrivals. */

/* To be embedded. */
struct origin_job {
	struct list _node;
	int64_t _arrival_ns;
	int64_t length_ns;
};

struct origin_server {
	struct list _jobs;
	int64_t _due_ns; /* of the first job */
};

void origin_server_init(struct origin_server *s);
static inline void origin_job_init(struct origin_job *job)
{
	list_init(&job->_node);
}

/* Returns whether the job is the only one. */
bool origin_server_add(
	struct origin_server *s, struct origin_job *job, int64_t now_ns, int64_t length_ns);
/* The end of the present job; CLOCK_NEVER: there is none. */
int64_t origin_server_due_ns(const struct origin_server *s);
/* Removes and returns the job that is done by now_ns; NULL: none. */
struct origin_job *origin_server_take(struct origin_server *s, int64_t now_ns);
/* The present job, whether it is done or not. */
struct origin_job *origin_server_first(const struct origin_server *s);
/* Cancels a job from now_ns on. Harmless if it does not wait. */
void origin_server_drop(struct origin_server *s, struct origin_job *job, int64_t now_ns);
/* The server did not work for by_ns. */
void origin_server_shift(struct origin_server *s, int64_t by_ns);

/* ---- waiting: waiters for instants, the earliest first, in a binary heap */

/* To be embedded. */
struct origin_waiter {
	int64_t due_ns;
	size_t _place; /* in the heap, from 1; 0 = does not wait */
};

/* The instant is next to the pointer: sifting touches no cache lines of waiters. */
struct origin_waiting_slot {
	int64_t due_ns;
	struct origin_waiter *waiter;
};

/* Zero-initialise. */
struct origin_waiting {
	struct origin_waiting_slot *_slots;
	size_t _n;
	size_t _cap;
};

/* Makes room for n waiters, so that adding them cannot fail. 0 or -ENOMEM. */
int origin_waiting_reserve(struct origin_waiting *w, size_t n);
void origin_waiting_fini(struct origin_waiting *w);

/* waiter must not be waiting already. */
void origin_waiting_add(struct origin_waiting *w, struct origin_waiter *waiter, int64_t due_ns);
/* Harmless if it does not wait. */
void origin_waiting_remove(struct origin_waiting *w, struct origin_waiter *waiter);
/* The earliest, or NULL. */
struct origin_waiter *origin_waiting_first(const struct origin_waiting *w);
