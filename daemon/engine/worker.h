/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one thread that generates its share of a run's load, with a loop, connections and
 * statistics of its own. It shares nothing with its siblings; all that passes between it and the
 * main thread is mail.
 *
 * worker_new, worker_start and worker_free belong to the main thread, and so do the verbs between
 * them, which only post. The config's callbacks run on the main thread, from its loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ledger.h"
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

/* Where a worker stands, posted at each interval. */
struct worker_pulse {
	struct ledger ledger; /* all phases together */
	int64_t due_ns;	      /* the instant of the grid that it tells of */
	uint64_t in_flight;
	uint64_t queue;
	uint64_t connections;
	int64_t oldest_ns; /* planned instant of the oldest that has not ended; CLOCK_NEVER: none */
	int64_t seen_ns;   /* when all this was so */
	struct silence silence;
	double cpu_share;	      /* of its thread since the last pulse, 0..1 */
	uint64_t faults[FAULT_COUNT]; /* in the measured window so far */
};

/* What is left of it at its end, beside its totals. */
struct worker_summary {
	int error;	      /* -errno: its event loop failed, and it ended early; 0 */
	int64_t started_ns;   /* the instant it was told to go */
	int64_t ended_ns;     /* end of the drain */
	int64_t cpu_ns;	      /* of its thread, from go to the end */
	int64_t stalled_ns;   /* in which its thread did not run though it wanted to, to
				 WORKER_BEAT_NS */
	int64_t run_queue_ns; /* in which it waited for a CPU; -1: unknown, as all of these */
	int64_t involuntary;  /* times that the CPU was taken from it */
	int64_t turn_p99_ns, turn_max_ns; /* of its loop, from wake-up to sleep */
	uint64_t unbalanced; /* intervals at whose end the ledger was not right, and the run's end
			      */
	uint64_t connections_limit, connections_peak, opened, closed_by_peer;
	uint64_t closed_by_us; /* for requests-per-connection, max-age, or what had come */
	uint64_t surplus;      /* answers followed by bytes that belong to none */
	uint64_t stale;	       /* requests that met a connection being closed, repeated or not */
	uint64_t requests, requests_on_new;
	struct transport_segments segments; /* of all its connections; of Unix sockets 0 */
	uint64_t queue_peak;
	struct tls_counts tls;	   /* all 0 without TLS */
	struct tls_info tls_info;  /* of its first handshake */
	char certificate_name[80]; /* tls_context_certificate_name */
	char location[256];	   /* of the first redirect that named one; "": none did */
	uint64_t kept_back;	   /* requests that waited for the cap on the rate */
	unsigned late_acts;	   /* of steering that it heard of behind their instants */
	int64_t latest_act_ns;	   /* the worst of them, by so much */
};

struct worker_config {
	/* borrowed until worker_free */
	struct loop *main_loop;
	const struct plan *plan;
	const struct schedule *schedule; /* NULL in the closed model */
	const struct guard *guard;
	const struct request *requests;	 /* one for each of the plan's */
	const struct address *addresses; /* until worker_set_addresses gives others */
	size_t n_addresses;
	/* this worker's share */
	unsigned index;
	unsigned n_workers;
	unsigned slice;	    /* of the schedule, from 0 */
	unsigned n_slices;  /* 0 and 1: it is not sliced */
	size_t connections; /* limit */
	size_t users;	    /* closed model; 0: as many as may be in flight on them */
	struct pace *pace;  /* a cap on the rate of all workers together; NULL: none */
	bool is_fixed_pool;
	size_t queue_max;
	struct rate open_rate;

	/* Called on the main thread. A fault: it cannot begin, why (also where TLS cannot). */
	void (*on_ready)(struct worker *w, enum fault fault, const char *why);
	void (*on_pulse)(struct worker *w, const struct worker_pulse *pulse);
	/* An interval is over for good; copy what is needed, the buffer goes back after the call.
	 */
	void (*on_interval)(struct worker *w, const struct stats_interval *interval);
	/* It goes by this schedule now and has let go of those before. May be NULL. */
	void (*on_steered)(struct worker *w, const struct schedule *schedule);
	/* The last word: the totals may be read now, and worker_free is due. */
	void (*on_done)(struct worker *w);
	void *owner;
};

/* Allocates everything that the run will need. 0, -ENOMEM or -errno (descriptors). */
int worker_new(const struct worker_config *config, struct worker **ret);
/* Starts the thread, which opens its connections and then reports on_ready. 0 or -errno. */
int worker_start(struct worker *w);
/* After on_done, or when it was never started. NULL is fine; returns NULL. */
struct worker *worker_free(struct worker *w);

/* Go: t0 is the start of warm-up. Once, after on_ready. */
void worker_go(struct worker *w, int64_t t0_ns);
/* Nothing planned at or after instant_ns; what is under way is awaited. The first call counts. */
void worker_stop(struct worker *w, int64_t instant_ns);
/* Between go and stop, for what is planned from at_ns on; in the order of at_ns, at most
 * USERS_TOGGLES_MAX of them ahead. Open model: another schedule, steered away from the one before
 * at at_ns - t0, borrowed until worker_free or until on_steered has told of a newer one. Closed
 * model (NULL): a pause begins, or the one that goes on ends. 0 or -ENOMEM. */
int worker_steer(struct worker *w, const struct schedule *schedule, int64_t at_ns);
/* New connections go to these from now on; borrowed until worker_free. At any time. -ENOMEM. */
int worker_set_addresses(struct worker *w, const struct address *addresses, size_t n);
/* End at once, in any state; what is under way is unfinished. on_done follows. */
void worker_abort(struct worker *w);

void *worker_owner(const struct worker *w);
unsigned worker_index(const struct worker *w);
/* After on_done. */
const struct stats_totals *worker_totals(const struct worker *w);
const struct worker_summary *worker_summary(const struct worker *w);
