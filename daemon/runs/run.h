/* SPDX-License-Identifier: Apache-2.0 */
/* One run, as seen from the main thread: its life cycle, its workers, its totals and its result. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/stats/histogram.h"
#include "common/stats/ledger.h"
#include "common/list.h"
#include "common/units.h"

struct guard;
struct loop;
struct plan;
struct run;

enum run_state {
	RUN_QUEUED,
	RUN_PREPARING, /* resolving, connecting */
	RUN_WARMUP,
	RUN_RUNNING,
	RUN_PAUSED,
	RUN_DRAINING, /* nothing new is sent; requests in progress are awaited */
	RUN_FINISHED,
	RUN_STATE_COUNT,
};
extern const char *const run_state_names[RUN_STATE_COUNT];

/* Callbacks of a run; set by the observer. Any may be NULL. Called on the main thread, from the
 * loop; the observer may remove itself inside. */
struct run_observer {
	struct list _node;
	void (*on_state)(struct run_observer *o, struct run *run);
	void (*on_interval)(struct run_observer *o, struct run *run); /* run_progress has new
								       * figures */
	void (*on_finished)(struct run_observer *o, struct run *run); /* run_result is available */
};
void run_observe(struct run *run, struct run_observer *o);
void run_unobserve(struct run_observer *o); /* harmless when not observing (after init) */
void run_observer_init(struct run_observer *o);

const char *run_id(const struct run *run);
enum run_state run_get_state(const struct run *run);
const struct plan *run_plan(const struct run *run);
const char *run_user(const struct run *run);
/* "" until it has finished: "completed", "stopped", "aborted", "failed", "interrupted". */
const char *run_outcome(const struct run *run);
/* The reason in one line; "" if there is none. */
const char *run_reason(const struct run *run);
int run_exit_code(const struct run *run); /* once finished */

/* Ends the run: planning stops and requests in progress are awaited (at most the drain time); with
 * now, nothing is awaited. A second call with now ends the wait. reason: "stopped by alice". */
void run_stop(struct run *run, bool now, const char *reason);

/* ---- steering */

enum run_act {
	RUN_SET_RATE, /* for the rest of the present stage */
	RUN_PAUSE,    /* the schedule stops: requests in progress are answered, nothing new is
		       * sent */
	RUN_RESUME,
	RUN_NEXT, /* the next stage; after the last one, the end */
};

struct run_order {
	enum run_act act;
	/* RUN_SET_RATE */
	struct rate rate;
	bool is_scale; /* rate is a factor of the present one */
	const char *user;
};

enum {
	RUN_E_REFUSED = 1, /* not possible for this run, or not now: reterr has the reason */
};
/* Takes effect 50 ms from now, or up to 1 s if an interval ends by then. 0 and its event (borrowed
 * until the next one), RUN_E_REFUSED or -ENOMEM. */
struct run_event;
int run_steer(struct run *run, const struct run_order *order, const struct run_event **ret,
	struct err *reterr);

/* The result document, borrowed; NULL until finished. */
const json_t *run_result(const struct run *run);

/* Where the run is: all of it but who and what it is (run) and what happened to it (events). ret is
 * to be ended whatever is returned. 0 or -ENOMEM. */
struct progress;
int run_progress(const struct run *run, struct progress *ret);

/* An event of the run: stops, addresses that did not answer, …; in the order in which they were
 * recorded: at most 64, and in addition each steering act. */
struct run_event {
	int64_t at_ns; /* since t0; 0 while preparing */
	char kind[24];
	char text[200];
	/* acts: "" if there is no value */
	char from[64];
	char to[64];
	char user[64];
};
const struct run_event *run_events(const struct run *run, size_t *ret_n);
/* The event is a steering act that was requested and has not taken effect yet. */
bool run_event_is_ahead(const struct run *run, const struct run_event *e);
