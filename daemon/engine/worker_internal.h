/* SPDX-License-Identifier: Apache-2.0 */
/* The internal interface between the parts of a worker: worker.c has its thread, worker_commands.c
 * the commands of main, worker_report.c the reports to main, up to the last one. */
#pragma once

#include <pthread.h>

#include "common/stats/histogram.h"
#include "common/plan/plan.h"
#include "daemon/engine/gauge.h"
#include "daemon/engine/mix.h"
#include "daemon/engine/pool.h"
#include "daemon/engine/producer.h"
#include "daemon/engine/users.h"
#include "daemon/engine/worker.h"
#include "daemon/loop/mailbox.h"

/* The interval of the heartbeat: one that is much too late shows that the thread was stopped. In
 * the closed model nothing else would show it. A stop is missed if it ends before the next beat is
 * due, so the interval is short against the stops that matter. */
#define WORKER_HEARTBEAT_NS (20 * NSEC_PER_MSEC)

enum worker_state {
	WORKER_OPENING,
	WORKER_READY,
	WORKER_RUNNING,
	WORKER_DRAINING,
	WORKER_DONE,
};

/* An interval's buffer while it is mailed to main and back. */
struct worker_interval {
	struct mail mail;
	struct worker *worker;
	struct stats_interval interval;
};

/* A steering act while it is mailed to the worker and back. */
struct worker_act {
	struct mail mail;
	struct list node; /* used by main */
	struct worker *worker;
	const struct schedule *schedule;
	int64_t at_ns;
};

struct worker {
	/* set once before start */
	struct worker_config config;
	struct loop *loop;
	char *read_buffer;
	struct worker_interval *buffers;
	size_t n_buffers;

	/* owner: worker thread */
	enum worker_state state;
	struct tls_context *tls; /* NULL: plain TCP */
	struct task_env env;
	struct mix mix;
	struct pool pool;
	struct stats stats;
	struct producer producer; /* open model */
	struct users users;	  /* closed model */
	struct loop_task check;
	struct timer_queue marks;
	struct timer end_mark;	/* end of planning, then of the drain */
	struct timer tick_mark; /* the grid of intervals */
	struct timer heartbeat_mark;
	int64_t beat_cpu_ns, beat_run_queue_ns; /* at the last beat */
	int64_t stalled_ns;
	struct gauge gauge; /* at go */
	struct histogram turns;
	uint64_t unbalanced; /* ticks at which the ledger did not balance */
	int64_t t0_ns;
	int64_t paused_ns; /* closed model: beginning of the present pause; CLOCK_NEVER: there is
			    * none */
	/* closed model: their values when the pause began */
	int64_t paused_window_start_ns, paused_window_end_ns, paused_end_ns;
	unsigned late_acts;
	int64_t latest_act_ns;
	int64_t end_ns;	 /* no arrival is planned from here on; CLOCK_NEVER: until the count */
	bool is_drained; /* the drain time is over */
	int64_t cpu_start_ns;
	int64_t pulse_cpu_ns; /* of the thread, at the last pulse */
	int64_t pulsed_ns;
	bool is_pulse_out;

	/* owner: main thread */
	pthread_t thread;
	bool has_thread;
	bool was_stopped;
	bool was_aborted;
	bool are_addresses_out;
	struct list acts;		     /* in progress */
	const struct address *new_addresses; /* to be posted when the mail is back; NULL: none */
	size_t n_new_addresses;

	/* mail: written before posting, read when delivered */
	struct mail ready_mail, pulse_mail, done_mail; /* to main */
	struct mail go_mail, stop_mail, abort_mail;    /* from main */
	struct mail addresses_mail;		       /* from main and back */
	const struct address *posted_addresses;
	size_t n_posted_addresses;
	enum fault ready_fault;
	char ready_why[256];
	struct worker_pulse pulse;
	int64_t go_t0_ns;
	int64_t stop_ns;
	struct worker_summary summary;
};

/* Its share of a count of requests, closed model; 0 also if there is no count. */
static inline uint64_t worker_quota(const struct worker *w)
{
	const struct worker_config *c = &w->config;
	uint64_t n = c->plan->n_arrivals;

	return n / c->n_workers + (c->index < n % c->n_workers);
}

/* ---- worker_commands.c */

void worker_on_go(struct mail *mail);
void worker_on_stop(struct mail *mail);
void worker_on_abort(struct mail *mail);
void worker_free_acts(struct worker *w);

/* ---- worker_report.c */

void worker_post_main(struct worker *w, struct mail *mail);
int64_t worker_cpu_ns(void);		 /* CPU time of the calling thread */
int worker_gauge_open(struct worker *w); /* 0 or -ENOMEM; before the thread */
void worker_gauge_close(struct worker *w);
void worker_gauge_go(struct worker *w);
void worker_on_tick(struct worker *w);
void worker_on_heartbeat(struct worker *w);
/* The last call on the worker's thread, in any state but DONE. */
void worker_finish(struct worker *w);
