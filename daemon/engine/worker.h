/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one thread that generates its share of a run's load, with its own loop, connections and
 * statistics. It shares nothing with other workers and communicates with the main thread by mail
 * alone.
 *
 * worker_new, worker_start and worker_free belong to the main thread, and so do the commands
 * between them, which only post mail. The config's callbacks run on the main thread, from its
 * loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/stats/ledger.h"
#include "common/units.h"
#include "daemon/engine/stats.h"
#include "daemon/http/tls.h"

struct address;
struct guard;
struct loop;
struct pace;
struct plan;
struct request;
struct schedule;
struct worker;

/* The state of a worker, posted at each interval. */
struct worker_pulse {
	struct ledger ledger; /* all phases together */
	int64_t due_ns;	      /* the instant of the grid that it describes */
	uint64_t in_flight;
	uint64_t queue;
	uint64_t connections;
	int64_t oldest_ns; /* planned instant of the oldest that has not ended; CLOCK_NEVER: none */
	int64_t seen_ns;   /* when this state was read */
	struct silence silence;
	double cpu_share;	      /* of its thread since the last pulse, 0..1 */
	uint64_t faults[FAULT_COUNT]; /* in the measured window so far */
};

/* The figures of a worker at its end, in addition to its totals. */
struct worker_summary {
	int error;	      /* -errno: its event loop failed, and it ended early; 0: it did not */
	int64_t started_ns;   /* when it received GO */
	int64_t ended_ns;     /* end of the drain */
	int64_t cpu_ns;	      /* of its thread, from go to the end */
	int64_t stalled_ns;   /* time in which its thread was stopped, or the whole machine */
	int64_t run_queue_ns; /* time in which it waited for a CPU; -1: unknown, as all of these */
	int64_t involuntary;  /* number of involuntary context switches */
	int64_t turn_p99_ns, turn_max_ns; /* of its loop, from wake-up to sleep */
	uint64_t unbalanced; /* intervals at whose end the ledger did not balance, and the run's
			      * end */
	uint64_t connections_limit, connections_peak, opened, closed_by_peer;
	uint64_t closed_by_us; /* because of requests-per-connection, max-age, or unexpected
				* bytes */
	uint64_t surplus;      /* answers followed by bytes that belong to no answer */
	uint64_t stale;	       /* requests that met a connection being closed, repeated or not */
	uint64_t requests, requests_on_new;
	struct transport_segments segments; /* of all its connections; 0 for Unix sockets */
	uint64_t queue_peak;
	struct tls_counts tls;	   /* all 0 without TLS */
	struct tls_info tls_info;  /* of its first handshake */
	char certificate_name[80]; /* tls_context_certificate_name */
	char location[256];	   /* of the first redirect that had one; "": none */
	uint64_t kept_back;	   /* requests that were delayed by the cap on the rate */
	uint64_t reset_beside;	   /* connections reset before an answer, others being open */
	uint64_t held_by_pace;	   /* arrivals that waited because open_rate was used up */
	unsigned late_acts;	   /* steering acts that it received after their instants */
	int64_t latest_act_ns;	   /* the maximum delay of these */
};

struct worker_config {
	/* borrowed until worker_free */
	struct loop *main_loop;
	const struct plan *plan;
	const struct schedule *schedule; /* NULL in the closed model */
	const struct guard *guard;
	const struct request *requests;	 /* one for each of the plan's */
	const struct address *addresses; /* until worker_set_addresses replaces them */
	size_t n_addresses;
	/* this worker's share */
	unsigned index;
	unsigned n_workers;
	unsigned slice;	    /* index of the schedule's slice, from 0 */
	unsigned n_slices;  /* 0 and 1: it is not sliced */
	size_t connections; /* limit */
	size_t users;	    /* closed model; 0: as many as may be in flight on the connections */
	struct pace *pace;  /* a cap on the rate of all workers together; NULL: none */
	bool is_fixed_pool;
	size_t queue_max;
	struct rate open_rate;

	/* Called on the main thread. With a fault it cannot start, for the reason why (including a
	 * failed TLS context). */
	void (*on_ready)(struct worker *w, enum fault fault, const char *why);
	void (*on_pulse)(struct worker *w, const struct worker_pulse *pulse);
	/* An interval is over for good; copy what is needed, the buffer goes back after the call.
	 */
	void (*on_interval)(struct worker *w, const struct stats_interval *interval);
	/* It uses this schedule now and does not use older ones any more. May be NULL. */
	void (*on_steered)(struct worker *w, const struct schedule *schedule);
	/* The last callback: the totals may be read now, and worker_free must be called. */
	void (*on_done)(struct worker *w);
	void *owner;
};

/* The number of intervals for which a worker has buffers. */
size_t worker_n_intervals(const struct plan *plan);

/* Allocates everything that the run will need. 0, -ENOMEM or -errno (descriptors). */
int worker_new(const struct worker_config *config, struct worker **ret);
/* Starts the thread, which opens its connections and then reports on_ready. 0 or -errno. */
int worker_start(struct worker *w);
/* After on_done, or when it was never started. NULL is fine; returns NULL. */
struct worker *worker_free(struct worker *w);

/* Starts the load: t0 is the start of warm-up. Once, after on_ready. */
void worker_go(struct worker *w, int64_t t0_ns);
/* No arrival is planned at or after instant_ns; those in progress are awaited. The first call
 * counts. */
void worker_stop(struct worker *w, int64_t instant_ns);
/* Between go and stop, changes the arrivals planned from at_ns on; in the order of at_ns, at most
 * USERS_TOGGLES_MAX of them in advance. Open model: another schedule, steered away from the one
 * before at at_ns - t0, borrowed until worker_free or until on_steered has reported a newer one.
 * Closed model (NULL): a pause begins, or the present one ends. 0 or -ENOMEM. */
int worker_steer(struct worker *w, const struct schedule *schedule, int64_t at_ns);
/* New connections go to these addresses from now on; borrowed until worker_free. At any time. 0 or
 * -ENOMEM. */
int worker_set_addresses(struct worker *w, const struct address *addresses, size_t n);
/* Ends at once, in any state; requests in progress are unfinished. on_done follows. */
void worker_abort(struct worker *w);

void *worker_owner(const struct worker *w);
unsigned worker_index(const struct worker *w);
/* After on_done. */
const struct stats_totals *worker_totals(const struct worker *w);
const struct worker_summary *worker_summary(const struct worker *w);
/* Adds the figures of a worker to those of others; of TLS, certificates and locations the first one
 * stays. Not: error, started_ns, and what run_host.h compares. */
void worker_summary_add(struct worker_summary *sum, const struct worker_summary *s);
