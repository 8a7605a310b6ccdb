/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of one worker and the arrivals that wait for one. An arrival takes a free
 * connection (or with a pipeline, a place on one) or waits, first come first served; the number of
 * connections, and the action when none is free, are set by the plan (measurement page A.5).
 * Requests that met a connection being closed, and may be sent again, come before them. Thread:
 * that of the worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/plan/plan.h"
#include "daemon/engine/task.h"

struct pace;
struct pool;

/* A waiting arrival. */
struct pool_waiting {
	int64_t planned_ns;
	int64_t picked_ns;
	struct stats_interval *cohort;
	uint8_t phase;
	uint16_t request, stage;
};

/* Exchanges that were returned and are sent again before any waiting arrival. */
struct pool_returned {
	struct exchange *ring; /* size: the maximum in flight */
	size_t cap;
	size_t head;
	struct timer timer; /* not later than the earliest request timeout among them */
};

struct pool_config {
	struct task_env *env; /* its upward calls are filled in by the pool */
	size_t limit;	      /* maximum number of connections */
	bool is_fixed;	      /* open all of them before the run and keep them open */
	enum plan_exhausted exhausted;
	enum plan_reuse reuse;
	size_t queue_max;      /* maximum number of waiting arrivals */
	struct rate open_rate; /* connections opened per second; num 0: unpaced */
	struct pace *pace;     /* cap on requests sent, shared with other workers; borrowed. NULL:
				* none */
	/* Called upwards for every arrival that has ended, in any way; connection_is_free: its
	 * connection is kept, so another arrival may be made inside the call. */
	void (*on_ended)(struct pool *p, bool connection_is_free);
	/* Every connection of a fixed pool was tried, and at least one opened; or none did: fault
	 * and why tell the reason. From then on each arrival tries again to open one, and the pool
	 * does after its back-off. */
	void (*on_opened)(struct pool *p, enum fault fault, const char *why);
	void *owner;
};

struct pool {
	struct pool_config config;
	struct task *tasks;
	struct list _idle;
	struct list _partial; /* busy, with room in its pipeline */
	struct list _closed;
	struct exchange *_further;  /* of all tasks: the pipelines */
	struct pool_waiting *_ring; /* queue_max slots */
	size_t _ring_cap;
	size_t _ring_head;
	struct pool_returned _returned;
	size_t n_waiting;
	size_t n_returned;
	size_t n_idle; /* number of connections */
	size_t n_connecting;
	size_t n_busy;
	bool _is_opening;  /* the first opening of a fixed pool */
	bool _is_ending;   /* nothing more is opened or sent */
	bool _is_down;	   /* the last attempt to connect failed */
	bool _is_failing;  /* an arrival ends because the attempt for it has failed */
	size_t _n_tried;   /* number of connections, during the first opening */
	enum fault _fault; /* that of the first attempt or connection that failed during it */
	char _why[256];
	bool _is_probing; /* one connection is tried by the pool itself, after a failure */
	int64_t _backoff_ns;
	int64_t _failed_ns; /* when the back-off began */
	int64_t _retry_ns;  /* its end: before it a connection is opened only if an arrival needs
			     * one */
	int64_t _next_open_ns;
	uint64_t _n_reset;  /* of reset_early of the environment, those that were looked at */
	int64_t _opened_ns; /* when the last attempt to connect succeeded */
	int64_t _lost_ns;   /* when a busy connection was closed last */
	struct timer_queue _open_timers;
	struct timer _open_timer;
	struct timer_queue _expiry_timers;
	struct timer _expiry_timer; /* for the arrival that waits longest */
	struct timer_queue _return_timers;
	struct timer_queue _held_timers;
	struct timer _held_timer; /* when waiting requests that the cap delays may be sent */
	/* counters */
	size_t peak; /* maximum of connections open or opening at once */
	size_t queue_peak;
	uint64_t n_kept_back;	 /* arrivals that were at first delayed by the cap */
	uint64_t n_reset_beside; /* connections that were reset before their first answer, while
				  * others were open */
	uint64_t n_held_by_pace; /* arrivals of the window that waited because open_rate was used
				  * up */
};

/* 0 or -ENOMEM; everything the run will need is allocated here. */
int pool_init(struct pool *p, const struct pool_config *config);
void pool_fini(struct pool *p);

/* Opens a fixed pool that keeps its connections; the end is reported by on_opened (at once if there
 * is nothing to open). */
void pool_open(struct pool *p);

/* An arrival of the given request, at the instant when the producer handled it. */
void pool_arrive(struct pool *p, int64_t planned_ns, int64_t picked_ns, size_t request);

/* To be called inside on_ended: when should the user of that arrival try again? 0: at once. If an
 * attempt has failed and other connections are open, it is the end of the back-off. */
int64_t pool_retry_ns(const struct pool *p);

/* The drain is over: ends everything waiting or in flight, and closes every connection. */
void pool_abandon(struct pool *p);

/* The planned instant of the oldest arrival that has not ended; CLOCK_NEVER: none. */
int64_t pool_oldest_ns(const struct pool *p);
