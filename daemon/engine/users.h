/* SPDX-License-Identifier: Apache-2.0 */
/* The users of the closed model: each makes one request, waits for its end, thinks, and makes the
 * next. A user's arrival is planned at the instant the user is ready: t0, then the end of the last
 * one plus the think time (measurement page A.6). Thread: that of the worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"

struct pace;
struct users;

/* The maximum number of beginnings and ends of pauses that are known in advance. */
#define USERS_TOGGLES_MAX 32

/* A user is ready. k: the number of arrivals made before this one, by these users. picked_ns: a
 * fresh stamp. */
typedef void (*users_fn)(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns);

struct users_config {
	size_t n;
	int64_t think_ns;
	/* A cap on the rate of these users and those of other workers; borrowed. NULL: none. Each
	 * arrival is planned for the instant of a place. */
	struct pace *pace;
	/* Limits the number of arrivals planned inside the window; 0: limited by time alone. */
	uint64_t quota;
	users_fn on_arrival;
	void *owner;
};

struct users {
	struct users_config config;
	struct loop_task _task; /* runs the ready ones */
	int64_t *_ready_ns;	/* ring of n: the instants at which they became ready */
	size_t _ready_head;
	size_t _n_ready;
	struct timer *_timers; /* one for each user: for the start, thinking, or the cap */
	struct list _free;
	struct timer_queue _thinking;
	struct timer_queue _pacing; /* ready, and delayed by the cap */
	/* The beginnings and ends of future and present pauses, alternating. */
	int64_t _toggles[USERS_TOGGLES_MAX];
	size_t _n_toggles;
	size_t _n_held; /* users who became ready during a pause */
	struct timer_queue _resuming;
	struct timer _resume; /* expires at the end of the first pause */
	int64_t _window_start_ns;
	int64_t _end_ns;
	uint64_t _made;	  /* inside the window */
	uint64_t _n_made; /* in total */
	bool _is_open;
};

/* 0, -ENOMEM or -errno. */
int users_open(struct users *u, struct loop *loop, const struct users_config *config);
void users_close(struct users *u); /* harmless when not open (zeroed) */

/* All users are ready at t0_ns; the quota counts from window_start_ns on. */
void users_start(struct users *u, int64_t t0_ns, int64_t window_start_ns);
/* No arrival is planned at or after this instant. */
void users_stop_at(struct users *u, int64_t instant_ns);
/* Moves both; a bound that moves had not been reached. */
void users_move(struct users *u, int64_t window_start_ns, int64_t end_ns);
/* Begins a pause at this instant, or ends it, alternating and each not before the last: at most
 * USERS_TOGGLES_MAX of them in advance. A user who becomes ready during a pause makes the next
 * request at its end. */
void users_toggle(struct users *u, int64_t instant_ns);
/* A user's arrival has ended. at_once: its next one may be made inside this call. */
void users_ended(struct users *u, bool at_once);
/* The same, but its next one is made neither inside this call nor before ready_ns. */
void users_ended_until(struct users *u, int64_t ready_ns);
/* No more arrivals will come: the quota is used up, or the end was reached. */
bool users_are_done(const struct users *u, int64_t now_ns);
/* The earliest instant at which something may still be planned. */
int64_t users_next_ns(const struct users *u, int64_t now_ns);
