/* SPDX-License-Identifier: Apache-2.0 */
/* The steering of a run in progress: another rate, a pause, its end, the next stage. It has the
 * schedules, knows when the run is paused, and places the run's window. Main thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/list.h"

struct caps;
struct err;
struct plan;
struct run_event;
struct run_order;
struct schedule;

/* The time from GO to t0, and from a stop or an act to the instant at which it takes effect: mail
 * must have arrived by then. */
#define RUN_LEAD_NS (50 * NSEC_PER_MSEC)

/* The instants of a run; acts move the window and the end. CLOCK_NEVER: not known. */
struct run_times {
	int64_t t0_ns; /* 0: not set */
	int64_t window_start_ns, window_end_ns, end_ns;
};

struct run_steering {
	/* set once; borrowed */
	const char *_id; /* of the run, for messages */
	const struct plan *_plan;
	const struct caps *_caps;
	struct run_times *_times;

	struct list _schedules; /* struct run_schedule: the newest, and those that workers still
				 * use */
	const struct schedule *_newest; /* NULL: closed model */
	unsigned _n_acts;
	unsigned _n_acts_ahead;
	/* instants may be in the future */
	int64_t _acted_ns;	   /* of the newest act */
	bool _is_paused;	   /* as of the newest act */
	int64_t _pause_ns;	   /* start of the newest pause; 0: none */
	int64_t _resume_ns;	   /* end of the newest pause that was ended */
	int64_t _paused_before_ns; /* total within the window, without the newest pause */
};

void run_steering_init(struct run_steering *s, const char *id, const struct plan *plan,
	const struct caps *caps, struct run_times *times);
/* Makes the schedule of the plan, if it has one. 0 or -errno. */
int run_steering_make_schedule(struct run_steering *s);
/* No worker may run any more. A second call has no effect. */
void run_steering_fini(struct run_steering *s);

/* Computes the bounds of the window from t0 and the schedule. */
void run_steering_place_window(struct run_steering *s);
/* Decides on an act, whose workers are to be told of it then. 0 and the event that describes it,
 * RUN_E_REFUSED with reterr, or -ENOMEM. */
int run_steering_act(struct run_steering *s, const struct run_order *order, struct run_event *ret,
	struct err *reterr);
/* One more of n workers uses this schedule. */
void run_steering_heard(struct run_steering *s, const struct schedule *schedule, unsigned n);

/* The newest schedule; NULL: closed model. */
static inline const struct schedule *run_steering_schedule(const struct run_steering *s)
{
	return s->_newest;
}

/* The start of the pause that no act has ended; CLOCK_NEVER: there is none. */
static inline int64_t run_steering_paused_since(const struct run_steering *s)
{
	return s->_is_paused ? s->_pause_ns : CLOCK_NEVER;
}

bool run_steering_is_paused_at(const struct run_steering *s, int64_t now_ns);
/* The first start or end of a pause after now_ns; CLOCK_NEVER: none is known. */
int64_t run_steering_next_change(const struct run_steering *s, int64_t now_ns);
/* How long the measured window was paused, so far or in total. */
int64_t run_steering_paused_ns(const struct run_steering *s);
