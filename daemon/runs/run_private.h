/* SPDX-License-Identifier: Apache-2.0 */
/* Internals of a run, shared by run.c (its life cycle), run_reach.c (its target addresses) and
 * run_result.c (its document), and the constructor that only the registry calls. */
#pragma once

#include "common/control/progress.h"
#include "common/host/host.h"
#include "common/plan/plan.h"
#include "common/result/audit.h"
#include "daemon/engine/pace.h"
#include "daemon/engine/stats.h"
#include "daemon/engine/worker.h"
#include "daemon/http/request.h"
#include "daemon/http/resolver.h"
#include "daemon/loop/timer.h"
#include "daemon/runs/admission.h"
#include "daemon/runs/beat.h"
#include "daemon/runs/run.h"
#include "daemon/runs/run_audit.h"

struct schedule;
struct timeline;

#define RUN_EVENTS_MAX 64 /* not counting steering acts */

/* The time from GO to t0, and from a stop or an act to the instant at which it takes effect: mail
 * must have arrived by then. */
#define RUN_LEAD_NS (50 * NSEC_PER_MSEC)

/* Addresses that workers use or have used: they may be referenced until the workers are joined. */
struct run_addresses {
	struct list node;
	size_t n;
	struct address all[];
};

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
	struct resolver resolver;
	bool is_resolving;
	bool has_resolver;
	struct list address_lists; /* struct run_addresses, oldest first */
	unsigned n_address_lists;
	const struct run_addresses *addresses; /* one of them: new connections go there */
	struct run_addresses *silent;	       /* those that did not answer at the start; not in the
						* list */
	struct timer dns_mark;		       /* expires at the next lookup */
	bool lookup_failed;		       /* the last lookup failed */
	unsigned n_lookup_events;
	bool is_refused;	   /* by the guard */
	enum fault failed_by;	   /* the fault, before anything was sent; FAULT_NONE: it was not a
				    * fault */
	struct list schedules;	   /* struct run_schedule: the newest, and those that workers still
				    * use */
	struct schedule *schedule; /* the newest of them; NULL: closed model */
	struct request *requests;  /* one for each of the plan's */
	struct admission admission;
	bool is_colocated;
	struct worker **workers;
	unsigned n_started;
	unsigned n_ready;
	unsigned n_not_connected; /* number of these of which no connection opened */
	unsigned n_done;
	struct worker_pulse *pulses; /* the newest of each worker */
	struct beat beat;
	struct pace pace;      /* shared by all workers; only with a cap on the rate */
	bool is_lateness_told; /* the lateness of a worker was reported by an event */
	int64_t at_ns;	       /* its start time, by this host's clock; 0: as soon as possible */
	int64_t t0_ns;	       /* 0: not set */
	int64_t window_start_ns, window_end_ns, end_ns;
	int64_t stopped_at_ns; /* when planning ended early; 0: it did not */
	int64_t limit_ns;      /* by the cap on its time nothing is sent from here on; 0: no cap */
	struct timer limit_mark;
	/* steering; instants may be in the future */
	unsigned n_acts;
	unsigned n_acts_ahead;
	int64_t acted_ns;	     /* of the newest act */
	bool is_paused;		     /* as of the newest act */
	int64_t pause_ns, resume_ns; /* start of the newest pause, 0: none; end of the newest that
				      * was ended */
	int64_t paused_before_ns;    /* total within the window, without the newest pause */
	int64_t drained_ns;
	int64_t started_unix_ns, ended_unix_ns;
	struct timer_queue marks;
	struct timer state_mark;
	struct timeline *timeline;
	struct stats_totals totals;
	struct worker_summary summary; /* sums over workers; cpu of the busiest is separate */
	double busiest_cpu_share;
	double stalled_share; /* of the worker that was stalled longest */
	struct run_audit audit;
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

/* run_reach.c. Checks whether connections can come from the plan's sources: 0, or
 * REGISTRY_E_UNAVAILABLE with reterr. */
int run_reach_check_sources(const struct run *run, struct err *reterr);
/* Resolves the target and tries its addresses; fn is called at the end. The second function takes
 * the result: does the run fit, now that the server's address is known? 0, -ENOMEM, or
 * REGISTRY_E_UNAVAILABLE with reterr. */
void run_reach_resolve(struct run *run, future_fn fn);
int run_reach_admit(struct run *run, struct err *reterr);
/* From t0 on the target is looked up again, if the plan requires it; at dns_mark, until the drain
 * begins. */
void run_reach_go(struct run *run, int64_t t0_ns);
void run_reach_look_again(struct run *run);
void run_reach_stop(struct run *run);
/* The addresses that were used, each once. NULL: no memory. */
json_t *run_reach_json(const struct run *run);
void run_reach_init(struct run *run);
/* All workers must have been freed. */
void run_reach_fini(struct run *run);

/* run_watch.c: a worker has reported, or (run_watch_end) has ended. If that completes a sample,
 * observers are called. */
void run_watch_beat(struct run *run);
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

/* run_steer.c */
int run_make_schedule(struct run *run); /* from the plan; 0 or -errno */
void run_free_schedules(struct run *run);
void run_on_steered(struct worker *w, const struct schedule *schedule);
/* Computes the bounds of the window from t0 and the schedule. */
void run_place_window(struct run *run);
bool run_is_paused_at(const struct run *run, int64_t now_ns);
/* How long the measured window was paused, so far or in total. */
int64_t run_paused_ns(const struct run *run);

/* run_result.c: makes the document from all of this. NULL: no memory. Sets run->exit_code. */
json_t *run_result_build(struct run *run);
