/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of a run, shared by run.c (its life cycle), run_events.c, run_watch.c and run_orders.c
 * (what happens to it), run_progress.c and run_result.c (its documents), and the constructor that
 * only the registry calls. What a run consists of is in headers of its own. */
#pragma once

#include "common/control/progress.h"
#include "common/host/host.h"
#include "common/plan/plan.h"
#include "common/result/audit.h"
#include "daemon/engine/pace.h"
#include "daemon/engine/stats.h"
#include "daemon/engine/worker.h"
#include "daemon/http/request.h"
#include "daemon/loop/timer.h"
#include "daemon/runs/admission.h"
#include "daemon/runs/run.h"
#include "daemon/runs/run_host.h"
#include "daemon/runs/run_steering.h"
#include "daemon/runs/run_target.h"
#include "daemon/runs/sample.h"

struct run_rule_state;
struct timeline;

#define RUN_EVENTS_MAX 64 /* not counting steering acts */

struct run {
	struct list registry_node; /* used by the registry */
	/* set once before start */
	struct loop *loop;
	const struct guard *guard; /* borrowed */
	struct plan *plan;
	char id[96];
	char uuid[37];
	uid_t uid;
	char user[64];
	int64_t created_unix_ns;
	struct admission_room room;
	void (*on_released)(struct run *run, void *arg); /* set by the registry: the run has
							  * finished */
	void *released_arg;

	/* owner: main thread */
	enum run_state state;
	enum audit_outcome outcome;
	char reason[256];
	int exit_code;
	struct list observers;
	struct run_target target;
	struct run_steering steering;
	enum fault failed_by;	  /* the fault, before anything was sent; FAULT_NONE: it was not a
				   * fault */
	struct request *requests; /* one for each of the plan's */
	struct admission admission;
	struct worker **workers;
	unsigned n_started;
	unsigned n_ready;
	unsigned n_not_connected; /* number of these of which no connection opened */
	unsigned n_done;
	struct worker_pulse *pulses; /* the newest of each worker */
	struct sample sample;
	struct pace pace;      /* shared by all workers; only with a cap on the rate */
	bool is_lateness_told; /* the lateness of a worker was reported by an event */
	int64_t at_ns;	       /* its start time, by this host's clock; 0: as soon as possible */
	int64_t preparing_ns;  /* since when; 0: not yet */
	struct run_times times;
	int64_t stopped_at_ns; /* when planning ended early; 0: it did not */
	int64_t limit_ns;      /* by the cap on its time nothing is sent from here on; 0: no cap */
	struct timer limit_mark;
	int64_t drained_ns;
	int64_t started_unix_ns, ended_unix_ns;
	struct timer_queue marks;
	struct timer state_mark;
	struct timeline *timeline;
	struct stats_totals totals;
	struct worker_summary summary; /* sums over workers */
	struct run_host host;
	struct run_rule_state *rule_states; /* one for each of the plan's; NULL: it has none */
	int64_t rules_seen_ns; /* of the window: up to here the rules have been asked */
	size_t aborted_by;     /* the number of the plan's rule, from 1; 0: none */
	double aborted_by_value;
	int64_t aborted_at_ns; /* of the window */
	bool fault_was_seen[FAULT_COUNT];
	int64_t silent_since_ns; /* beginning of the silence; 0: there are answers */
	bool is_silence_told;	 /* the silence was reported by an event */
	struct run_event *events;
	size_t n_events, events_room;
	size_t n_noted; /* number of events, without acts */
	json_t *result;
	size_t result_bytes;	       /* approximate memory of the result */
	bool is_let_go;		       /* finished, and the data that its figures came from is
					* freed */
	struct progress last_progress; /* for then; owns nothing */
};

/* Takes over the plan, also on failure. 0, -ENOMEM, or REGISTRY_E_UNAVAILABLE with reterr. */
struct run_config {
	struct loop *loop;
	const struct guard *guard;
	struct plan *plan;
	const char *id;
	uid_t uid;
	const char *user;
	struct admission_room room;
	void (*on_released)(struct run *run, void *arg);
	void *released_arg;
};
int run_new(const struct run_config *config, struct run **ret, struct err *reterr);
/* queued -> preparing. All later states follow from events of the loop. */
void run_start(struct run *run);
/* Frees a finished run, or one that was never started. NULL is fine; returns NULL. */
struct run *run_free(struct run *run);

/* The newest schedule; NULL: closed model. */
static inline const struct schedule *run_schedule(const struct run *run)
{
	return run_steering_schedule(&run->steering);
}

/* run_watch.c: a worker has reported, or (run_watch_end) has ended. If that completes a sample,
 * observers are called. */
void run_watch_sample(struct run *run);
void run_watch_end(struct run *run, const struct worker *w);

/* run_events.c */
void run_add_event(struct run *run, const char *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with all fields set; *ret may be NULL. 0 or -ENOMEM. */
int run_push_event(struct run *run, const struct run_event *event, const struct run_event **ret);
/* At the end: records that workers received steering acts too late, and that the cap on the rate
 * had an effect. */
void run_note_late_acts(struct run *run);
void run_note_kept_back(struct run *run);

/* run.c: updates the state by the clock, and sets the timer for the next change. */
void run_mark_state(struct run *run);
/* The run is over: no worker runs any more. */
void run_end(struct run *run);

/* run_result.c: makes the document from all of this. NULL: no memory. Sets run->exit_code. */
json_t *run_result_build(struct run *run);
