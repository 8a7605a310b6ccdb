/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of one worker and the arrivals that wait for one. An arrival takes a free
 * connection (or with a pipeline, a place on one) or waits, first come first served; how many
 * connections there may be and what happens when none is free is the plan's policy (measurement
 * page A.5). What met a connection being closed, and may be sent again, comes before them. Thread:
 * the worker's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/plan/plan.h"
#include "daemon/engine/task.h"

struct pace;
struct pool;

/* An arrival that waits. */
struct pool_waiting {
	int64_t planned_ns;
	int64_t picked_ns;
	struct stats_interval *cohort;
	uint8_t phase;
	uint16_t request;
};

/* Exchanges that came back and go out again before any arrival that waits. */
struct pool_returned {
	struct exchange *ring; /* as many as can be in flight */
	size_t cap;
	size_t head;
	struct timer timer; /* not later than the earliest request timeout among them */
};

struct pool_config {
	struct task_env *env; /* its upward calls are filled in by the pool */
	size_t limit;	      /* connections at most */
	bool is_fixed;	      /* open all of them before the run and keep them open */
	enum plan_exhausted exhausted;
	enum plan_reuse reuse;
	size_t queue_max;      /* arrivals waiting */
	struct rate open_rate; /* connections opened per second; num 0: unpaced */
	struct pace *pace;     /* a cap on what is sent, by others too; borrowed. NULL: none */
	/* Called upwards: every arrival that has ended, however; connection_is_free: its connection
	 * lives on, so another arrival may be made inside the call. */
	void (*on_ended)(struct pool *p, bool connection_is_free);
	/* Every connection of a fixed pool was tried, and at least one opened; or none did: why.
	 * Then each arrival tries one again, and by the back-off the pool does. */
	void (*on_opened)(struct pool *p, enum fault fault, const char *why);
	void *owner;
};

struct pool {
	struct pool_config config;
	struct task *tasks;
	struct list _idle;
	struct list _partial; /* busy, with room in its pipeline */
	struct list _closed;
	struct exchange *_behind;   /* of all tasks: the pipelines */
	struct pool_waiting *_ring; /* queue_max slots */
	size_t _ring_cap;
	size_t _ring_head;
	struct pool_returned _returned;
	size_t n_waiting;
	size_t n_returned;
	size_t n_idle; /* connections */
	size_t n_connecting;
	size_t n_busy;
	bool _is_opening;  /* the first opening of a fixed pool */
	bool _is_ending;   /* nothing more is opened or sent */
	bool _is_down;	   /* the last attempt failed */
	bool _is_failing;  /* an arrival ends as the attempt for it has failed */
	size_t _n_tried;   /* connections, during the first opening */
	enum fault _fault; /* of the first attempt or connection that failed during it */
	char _why[256];
	bool _is_probing; /* one connection is tried, unasked, after a failure */
	int64_t _backoff_ns;
	int64_t _failed_ns; /* when the back-off began */
	int64_t _retry_ns;  /* its end: nothing is opened before unless an arrival asks for it */
	int64_t _next_open_ns;
	struct timer_queue _open_timers;
	struct timer _open_timer;
	struct timer_queue _expiry_timers;
	struct timer _expiry_timer; /* of the one that waits longest */
	struct timer_queue _return_timers;
	struct timer_queue _held_timers;
	struct timer _held_timer; /* what waits may be sent then: the cap keeps it back */
	/* counters */
	size_t peak; /* connections open or opening at once */
	size_t queue_peak;
	uint64_t n_kept_back; /* arrivals that waited for the cap at first */
};

/* 0 or -ENOMEM; everything the run will need is allocated here. */
int pool_init(struct pool *p, const struct pool_config *config);
void pool_fini(struct pool *p);

/* Opens a fixed pool that keeps its connections; the end comes by on_opened (at once where there is
 * nothing to open). */
void pool_open(struct pool *p);

/* An arrival of that request, at the instant the producer handled it. */
void pool_arrive(struct pool *p, int64_t planned_ns, int64_t picked_ns, size_t request);

/* Inside on_ended: when the user of that arrival should try again. 0: at once. Where an attempt has
 * failed and other connections are open, that is the end of the back-off. */
int64_t pool_retry_ns(const struct pool *p);

/* The drain is over: everything waiting or in flight is given up, every connection closed. */
void pool_abandon(struct pool *p);

/* The planned instant of the arrival that has waited longest for its end; CLOCK_NEVER: none. */
int64_t pool_oldest_ns(const struct pool *p);
