/* SPDX-License-Identifier: Apache-2.0 */
/* The generator's check of itself, and what it makes of a run: verdict, what limited it, headline
 * and exit code (measurement page A.8, blueprint section 8). Rules over figures, nothing else.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/fault.h"
#include "common/ledger.h"

struct stats_fault;

enum audit_verdict {
	AUDIT_OK,
	AUDIT_SUSPECT,
	AUDIT_SATURATED,
};
extern const char *const audit_verdict_names[]; /* "ok", … */

enum audit_limit {
	AUDIT_BY_PLAN,
	AUDIT_BY_SERVER,
	AUDIT_BY_CONNECTIONS,
	AUDIT_BY_GENERATOR,
	AUDIT_BY_UNKNOWN,
};
extern const char *const audit_limit_names[]; /* "plan", "server", … */

enum audit_headline {
	AUDIT_HEADLINE_OK,
	AUDIT_HEADLINE_PASS,
	AUDIT_HEADLINE_FAIL,
	AUDIT_HEADLINE_UNDECIDED,
	AUDIT_HEADLINE_OVERLOAD,
	AUDIT_HEADLINE_VOID,
};
extern const char *const audit_headline_names[];

enum audit_outcome {
	AUDIT_COMPLETED,
	AUDIT_STOPPED, /* by a person */
	AUDIT_ABORTED,
	AUDIT_FAILED, /* nothing could be sent at all */
	AUDIT_INTERRUPTED,
};
extern const char *const audit_outcome_names[];

/* Figures of one finished run. Times in ns; -1 where there is none. */
struct audit_input {
	bool is_open;
	enum audit_outcome outcome;
	struct ledger ledger; /* the measured window */
	int64_t window_ns;
	double planned_per_s; /* by the plan; 0 in the closed model */
	double ok_per_s;

	int64_t response_p50, response_p99; /* open model */
	int64_t service_p50, service_p99, service_mean;
	int64_t our_delay_p50, our_delay_p99;
	int64_t request_timeout; /* from the planned instant; 0: unknown */
	int64_t connection_wait_p50, connection_wait_p99;
	int64_t rx_slack_p99;

	uint64_t connections_limit;
	uint64_t connections_most; /* that this host allows; 0: unknown */
	uint64_t connections_peak;
	enum fault failed_by;		  /* why it could not begin; FAULT_NONE: it could */
	const struct stats_fault *faults; /* FAULT_COUNT of them, measured window; NULL: none */
	uint64_t retries;		  /* requests sent a second time, all phases, */
	uint64_t sent;			  /* of so many that were sent */
	uint64_t surplus;	    /* answers followed by bytes that belong to none, of the run */
	uint64_t answers;	    /* measured window, with any status */
	uint64_t redirects;	    /* of these, where the plan does not ask for them */
	unsigned redirect_status;   /* of most of them */
	const char *location;	    /* of one of them; NULL: unknown */
	const char *url;	    /* of the target, as written; NULL: unknown */
	const char *method;	    /* of its one kind of request; NULL: unknown */
	bool is_tls;		    /* https */
	bool takes_any_certificate; /* https, and not verified */
	const char *certificate_name; /* a host that a refused certificate is for; NULL: unknown */
	const char *unix_path;	      /* that is connected to; NULL: an address */
	bool is_one_family;	      /* addresses = v4 or v6: others of the name do not count */
	unsigned workers;
	double cpu_share;	     /* of the busiest worker, 0..1 */
	double short_interval_share; /* of intervals with sent < 99 % of what was due */
	double little_residual;	     /* |L - lambda W| / L; negative: unknown */
	double stalled_share;	     /* of the run in which a worker stood still, 0..1 */
	double steal_share;	     /* of host CPU time, 0..1 */
	bool is_colocated;	     /* the server is on this host */
	uint64_t unbalanced; /* times, in the run, at which a worker's ledger was not right */

	/* 0 or negative: unknown */
	double run_queue_share; /* of the run in which a worker waited for a CPU; the worst one's */
	double throttled_share; /* of periods in which our quota of CPU time ran out, 0..1 */
	int64_t throttled_ns;	/* how long altogether, over all CPUs */
	double softirq_share;	/* of host CPU time, on packets and timers, 0..1 */
	int64_t turn_p99;	/* of a worker's loop, from its wake-up until it waits again */
	int64_t segments;	/* of TCP, sent by the run's own connections, */
	int64_t retransmits;	/* and of these sent again */
	const char *clocksource;   /* of the kernel; NULL or "": unknown */
	int64_t clock_ns;	   /* what a reading costs */
	uint64_t descriptors;	   /* that this process may have */
	uint64_t descriptors_used; /* at most, by all that is in it */
	uint64_t ports;		   /* that connections can come from */
	int64_t time_wait;	   /* of them, those that wait to be used again at the end */
};

struct audit_note {
	const char *code; /* "our-delay", "steal", "co-located", … */
	double value;	  /* times in ns, shares 0..1, counts */
	double limit;
	char text[256];
	char try_text[192]; /* a remedy; "" where there is none */
};
#define AUDIT_NOTES_MAX 32
/* Of its value and its limit: "ns", "share", "count". */
const char *audit_note_unit(const struct audit_note *note);

struct audit {
	enum audit_verdict verdict;
	enum audit_limit limited_by;
	enum audit_headline headline;
	int exit_code;
	double our_delay_share_of_p99; /* of response p99; -1 where there is none */
	struct audit_note notes[AUDIT_NOTES_MAX];
	size_t n_notes;
	char because[448]; /* the headline's second line in words, with figures; "" for plain ok */
	char try_text[256];
};

void audit_judge(const struct audit_input *in, struct audit *ret);
