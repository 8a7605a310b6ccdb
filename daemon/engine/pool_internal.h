/* SPDX-License-Identifier: Apache-2.0 */
/* The internal interface between the parts of a pool: pool.c has the connections, pool_open.c opens
 * them, pool_queue.c has the waiting arrivals. */
#pragma once

#include "daemon/engine/pool.h"

/* ---- pool.c */

static inline size_t pool_n_open(const struct pool *p)
{
	return p->n_idle + p->n_busy + p->n_connecting;
}

/* The cap delays waiting requests, though there may be room. */
static inline bool pool_is_held(const struct pool *p)
{
	return timer_is_running(&p->_held_timer);
}

/* Sends returned exchanges on connections that are open already, except those for which one is
 * being opened. */
void pool_serve_returned(struct pool *p);
/* Sends one of them, on any connection. False: none has room, or the cap on the rate delays it. */
bool pool_serve_one(struct pool *p);

/* ---- pool_open.c */

/* Opens the connections that are needed and may be opened now; a timer calls it again for the
 * rest. */
void pool_balance(struct pool *p);
/* Some wait for a connection that there is room for, and that open_rate does not allow yet. */
bool pool_waits_for_pace(const struct pool *p);
/* An attempt has failed: the arrival for which it was made fails too. */
void pool_connect_failed(struct pool *p, enum fault fault, const char *why);
/* A connection is open. */
void pool_note_opened(struct pool *p);
/* An idle connection was closed. */
void pool_note_lost(struct pool *p, const struct task *t, const struct task_loss *loss);
void pool_on_open_timer(struct timer_queue *q, struct timer *timer);

/* ---- pool_queue.c */

void pool_enqueue(struct pool *p, const struct exchange *x);
void pool_return(struct pool *p, const struct exchange *x);
/* Takes the next one to be sent; there must be one. Returned exchanges come first. */
struct exchange pool_dequeue(struct pool *p);
struct exchange pool_dequeue_waiting(struct pool *p);
/* Ends an exchange without an answer. */
void pool_fail(struct pool *p, struct exchange *x, enum fault fault, const char *why);
/* The drain is over: ends all that wait. */
void pool_give_up_waiting(struct pool *p, int64_t now_ns);
void pool_on_expired(struct timer_queue *q, struct timer *timer);
void pool_on_return_timer(struct timer_queue *q, struct timer *timer);
/* The planned instant of the oldest; CLOCK_NEVER: none. */
int64_t pool_oldest_waiting_ns(const struct pool *p);
