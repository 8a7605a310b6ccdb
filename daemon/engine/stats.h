/* SPDX-License-Identifier: Apache-2.0 */
/* The counts of one worker: totals over the run and a buffer for each open interval. Pure: instants
 * are arguments, buffers are given by the owner and taken out again. One thread.
 *
 * Two time frames (measurement page A.2): planned counts and latencies belong to the interval of
 * the planned instant (the cohort), sent and completed counts to the interval in which that
 * happened. So an interval is over for good only when its time has passed and its whole cohort has
 * ended; until then it stays open. Arrivals outside the measured window have no cohort, and events
 * outside it belong to no interval; they are only counted in the totals.
 *
 * If more intervals are open than there are buffers, the width of rows doubles, as often as
 * necessary: an interval never contains events outside its own time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/stats/fault.h"
#include "common/stats/histogram.h"
#include "common/stats/ledger.h"
#include "common/list.h"
#include "daemon/engine/exchange.h"
#include "daemon/engine/silence.h"
#include "daemon/engine/slowest.h"

enum stats_phase {
	STATS_WARMUP,
	STATS_WINDOW,
	STATS_COOLDOWN,
	STATS_PHASE_COUNT,
};

#define STATS_STATUS_MAX 1000 /* a status has three digits, and servers send all of them */

struct stats_interval {
	struct list _node;
	int64_t start_ns; /* since the window's start */
	int64_t width_ns; /* of one row, or of the rest of it; rows may become wider */
	uint64_t pending; /* arrivals of the cohort that have not ended */
	/* by planned instant */
	uint64_t planned;
	struct histogram response; /* good answers; the closed model records service here */
	struct histogram our_delay;
	/* by the instant it happened, inside the window */
	uint64_t sent;
	uint64_t completed; /* complete responses, good or not */
	uint64_t ok;
	uint64_t failed;
};
/* 0 or -ENOMEM. */
int stats_interval_init(struct stats_interval *i);
void stats_interval_fini(struct stats_interval *i);

enum stats_histogram {
	STATS_RESPONSE,	 /* good answers; open model only */
	STATS_SERVICE,	 /* good answers */
	STATS_LESS_OURS, /* response, in the closed model service, without what is of our making */
	STATS_OUR_DELAY, /* every arrival that was picked; open model only */
	STATS_CONNECTION_WAIT, /* every request sent; open model only */
	STATS_FIRST_BYTE,
	STATS_SEND_STALL,
	STATS_RX_SLACK,
	STATS_CONNECT,	    /* every connection opened; with TLS the TCP part */
	STATS_TLS,	    /* every handshake completed */
	STATS_FAILED,	    /* planned to failure, of all that failed after they were sent */
	STATS_UNSERVED_AGE, /* age of those that never ended: unfinished, unsent */
	STATS_HISTOGRAM_COUNT,
};
/* "response", "service", …: the names in results. */
extern const char *const stats_histogram_names[STATS_HISTOGRAM_COUNT];

struct stats_fault {
	uint64_t count;
	int64_t first_ns; /* since the window's start */
	int64_t last_ns;
	char example[128]; /* of the first one */
};

/* The histograms of each named request, measured window. */
enum stats_request_histogram {
	STATS_REQUEST_RESPONSE, /* open model only */
	STATS_REQUEST_SERVICE,
	STATS_REQUEST_FIRST_BYTE,
	STATS_REQUEST_FAILED,
	STATS_REQUEST_HISTOGRAM_COUNT,
};
extern const char *const stats_request_histogram_names[STATS_REQUEST_HISTOGRAM_COUNT];

struct stats_request {
	struct ledger ledger;
	struct histogram histograms[STATS_REQUEST_HISTOGRAM_COUNT];
};

/* The counts of each stage of the plan, measured window; open model only. The histograms have the
 * layout of intervals, since a plan may have many stages. */
struct stats_stage {
	struct ledger ledger;
	struct histogram response; /* good answers */
	struct histogram our_delay;
};

struct stats_totals {
	struct ledger ledgers[STATS_PHASE_COUNT];
	uint64_t sent_in_window;      /* by the instant of sending, any phase */
	uint64_t completed_in_window; /* by the instant of completion, any phase */
	uint64_t ok_in_window;
	/* Bytes moved inside the window: written requests, and responses that were read; for TLS
	 * the bytes of its content. */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t statuses[STATS_STATUS_MAX];	/* of complete responses, measured window */
	struct stats_fault faults[FAULT_COUNT]; /* measured window */
	struct histogram histograms[STATS_HISTOGRAM_COUNT];
	struct slowest slowest_ok;     /* good answers, measured window */
	struct slowest slowest_failed; /* requests that failed after they were sent, or never
					* ended */
	/* Little's law: requests in flight x ns, over the whole run; and the part of it that is not
	 * in the histogram of service times: of requests that failed, never ended or were not
	 * measured */
	double flight_integral;
	double other_flight_ns;
	int64_t last_done_ns;		/* the latest end of a measured arrival; 0: none */
	uint64_t merged_intervals;	/* intervals joined with the one before, for lack of
					 * buffers */
	uint64_t unstamped;		/* good answers of the measured window of which it is
					 * not known when the kernel received them */
	uint64_t retries;		/* requests sent a second time, all phases */
	struct stats_request *requests; /* NULL, 0: the plan has one request without a name */
	size_t n_requests;
	struct stats_stage *stages; /* NULL, 0: they are not counted one by one */
	size_t n_stages;
	uint64_t *_stage_slots; /* of all their histograms */
};
int stats_totals_init(struct stats_totals *t, size_t n_requests, size_t n_stages);
void stats_totals_fini(struct stats_totals *t);
void stats_totals_add(struct stats_totals *to, const struct stats_totals *from);

struct stats {
	struct stats_totals totals;
	/* set once before start */
	bool is_open;
	unsigned worker; /* its number, for the list of the slowest */
	int64_t window_start_ns;
	int64_t window_end_ns; /* CLOCK_NEVER: open end; moved down when a run is stopped */
	/* owner: worker thread */
	size_t stage;	     /* of arrivals that begin from now on; n_stages or more: none */
	int64_t interval_ns; /* width of a row; doubles when buffers run out */
	bool _has_joined;    /* an exchange's cohort may have become part of another one */
	struct list _open;   /* oldest first, without gaps */
	struct list _free;
	/* The interval of most instants, and its bounds; width 0: unknown. */
	struct stats_interval *_present;
	int64_t _present_start_ns;
	int64_t _present_width_ns;
	uint64_t in_flight;
	uint64_t outstanding; /* planned and not ended, all phases */
	struct silence silence;
	int64_t _flight_changed_ns;
	int64_t _taken_ns; /* end of the last interval taken, since the window's start */
};

/* n_requests: number of named ones, n_stages: rows of the table of stages (plan_n_rows); 0:
 * none. */
int stats_init(
	struct stats *s, bool is_open, int64_t interval_ns, size_t n_requests, size_t n_stages);
void stats_fini(struct stats *s);
/* Every arrival so far is in a class of the ledger, in flight or waiting. */
bool stats_balances(const struct stats *s);
/* Sets the measured window in absolute time, before the first arrival. */
void stats_set_window(struct stats *s, int64_t start_ns, int64_t end_ns);
/* The window ends earlier: nothing was planned after end_ns yet. */
void stats_cut_window(struct stats *s, int64_t end_ns);

/* Moves the window, forwards or backwards: a bound that moves had not been reached, and nothing was
 * planned between the old and the new one. CLOCK_NEVER: while a pause lasts. */
void stats_move_window(struct stats *s, int64_t start_ns, int64_t end_ns);

/* Gives stats a free buffer. stats_take gives it back. */
void stats_give(struct stats *s, struct stats_interval *i);
/* The oldest interval if it is over for good: its time is before floor_ns (nothing before that will
 * be planned or happen any more) and its cohort has ended. NULL otherwise, and as long as it is the
 * only buffer left to count in. To be called until NULL. */
struct stats_interval *stats_take(struct stats *s, int64_t floor_ns);
/* The oldest open interval in any state, at the very end; NULL when there is none. */
struct stats_interval *stats_take_any(struct stats *s);

/* An arrival begins: sets planned, picked, request, phase and cohort of x. */
void stats_begin(
	struct stats *s, struct exchange *x, int64_t planned_ns, int64_t picked_ns, size_t request);
/* Its first byte is about to be written, for the first time: x->sent_ns is set. */
void stats_sent(struct stats *s, const struct exchange *x);
/* It will be sent again, since nothing was answered: it is counted, and remains in flight. */
void stats_retried(struct stats *s);
/* It ends, once. fault FAULT_NONE: a good answer, x->done_ns is set. status 0: none was read.
 * example: NULL or a line about what went wrong. slack_ns: how late done_ns is, -1 unknown. A
 * complete response always has a status, which may be 000. */
struct stats_end {
	enum fault fault;
	bool was_sent;
	bool is_complete; /* a complete response was read */
	unsigned status;
	int64_t slack_ns;
	bool is_slack_known; /* false: it is the least, and may be more */
	int64_t end_ns;	     /* when it ended */
	uint64_t connection; /* sequence number of its connection in the worker, from 1; 0: none */
	const char *example;
};
void stats_end(struct stats *s, struct exchange *x, const struct stats_end *end);
/* It will not end any more: the drain is over. */
void stats_give_up(struct stats *s, struct exchange *x, bool was_sent, int64_t now_ns);

static inline bool stats_is_in_window(const struct stats *s, int64_t instant_ns)
{
	return instant_ns >= s->window_start_ns && instant_ns < s->window_end_ns;
}

/* A write has accepted n bytes of requests, or a read has returned n of responses. now_ns: the
 * stamp of that call. */
static inline void stats_wrote(struct stats *s, size_t n, int64_t now_ns)
{
	if (stats_is_in_window(s, now_ns))
		s->totals.bytes_out += n;
}
static inline void stats_read(struct stats *s, size_t n, int64_t now_ns)
{
	if (stats_is_in_window(s, now_ns))
		s->totals.bytes_in += n;
}

/* A connection was opened: from connect() to established. */
void stats_connected(struct stats *s, int64_t connect_ns);
/* A TLS handshake was completed: from established to its end. */
void stats_shook_hands(struct stats *s, int64_t tls_ns);
