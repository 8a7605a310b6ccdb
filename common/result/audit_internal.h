/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations that the parts of the audit share. Pure. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/stats/fault.h"
#include "common/stats/ledger.h"
#include "common/result/audit.h"
#include "common/result/audit_text.h"
#include "common/result/result.h"

#define AUDIT_STALLED_SATURATED 0.05
#define AUDIT_CPU (note_table[NOTE_CPU].limit)
#define AUDIT_DELAY_SUSPECT_NS ((int64_t)note_table[NOTE_OUR_DELAY].limit)
/* So often that the quota is what limits a closed run. */
#define AUDIT_THROTTLED_LIMIT 0.10

/* A backlog of fewer requests is none; and times that grow with one do so by this part of what it
 * takes to work off the rest: between thirds of a window, a straight line rises by two thirds. */
#define AUDIT_GROWTH_LEAST 10
#define AUDIT_RISE 0.4

/* A stage of the plan that was too much, although the whole plan was carried. */
struct audit_stage {
	const struct result_stage *stage; /* NULL: there is none */
	double asked, carried;		  /* per second */
	double backlog;			  /* at its end */
};

/* audit_view.c: what the rules ask of a result and what must be looked up or added up for it. All
 * else they read from the result itself: a figure that is unknown there is below every limit. */
struct audit_view {
	const struct result *r;
	bool is_open;
	bool has_begun;
	enum audit_outcome outcome;
	enum fault failed_by; /* why it could not begin; FAULT_NONE: it could */
	struct ledger ledger; /* the measured window */
	int64_t window_ns;    /* in which was sent: without pauses */
	double ok_per_s;
	/* Where it rose all along, how much the median rose from the window's first third to its
	 * last; else 0. And the same of the backlog over the whole window: requests that were
	 * waiting or unanswered. */
	double rise_ns;
	double growth;
	size_t n_medians;	     /* they were found from so many rows, or groups of rows */
	double backlog;		     /* at the last row's end */
	double short_interval_share; /* of intervals with sent < 99 % of what was due */
	/* never NULL: all of it absent where there is none */
	const struct result_latency *service, *our_delay, *connection_wait;
	/* Response, in the closed model service; and the same without what the generator added. */
	const struct result_latency *whole, *less_ours;
	/* Arrivals a second; closed model: that came to pass. And of what connections must carry:
	 * those of the stage that was too much, where there is one. */
	double asked_on_average, asked;
	struct audit_stage too_much;
	double capacity; /* requests/s that the connections carry; 0: unknown */
	/* Mean time for which a request takes its connection: its service time, and where the
	 * server hangs, what it waits there until its timeout; for which it would if it had not
	 * waited before. < 0: unknown. */
	double holds_ns, would_hold_ns;
	double own_service_ns; /* mean service time, without how late answers were read; < 0:
				* unknown */
	double most_at_once;   /* the most requests that were waiting or unanswered at a time */
	const struct result_error *faults[FAULT_COUNT]; /* NULL: none */
	double sent;					/* in and around the window */
	uint64_t answers;				/* in the window, with any status */
	uint64_t redirects;	  /* of these, where the plan does not ask for them */
	unsigned redirect_status; /* of most of them */
	bool is_sum;		  /* of several runs, */
	unsigned n_hosts;	  /* so many at a time; 1 in a run */
	struct {
		const char *url;	      /* of the target; "": unknown */
		const char *method;	      /* of its one kind of request; "": unknown */
		const json_t *requests;	      /* what they send; NULL: unknown */
		const char *certificate_name; /* a host that a refused certificate is for; "" */
		const char *connect_to;	      /* another place than that of the URL; "" */
		char unix_path[128];	      /* that is connected to; "": an address */
		bool is_tls;		      /* https */
		bool takes_any_certificate;   /* https, and not verified */
		bool has_client_certificate;
		bool is_one_family;    /* addresses = v4 or v6: others of the name do not count */
		bool spins;	       /* pacing = spin: a worker uses its CPU by design */
		bool has_no_reuse;     /* reuse = no, or each request says that it closes */
		bool ages_connections; /* max-age */
		int64_t requests_per_connection; /* 0: no limit */
		int64_t pipeline;		 /* requests at a time on a connection */
		int64_t think_ns;
		int64_t request_timeout_ns; /* from the planned instant; 0: unknown */
		double n_slices;	    /* it is one of so many; 1: none, or all of them */
	} plan;
};
void audit_view_of(const struct result *r, struct audit_view *ret);
/* Too short a window for a limit, and for shares of CPU time (AUDIT_LEAST_NS). */
bool audit_is_too_short(const struct audit_view *v);
/* What was asked and not yet answered at the end of a row. */
static inline double audit_backlog_of(const struct result_row *row)
{
	return fmax((double)row->in_flight, 0) + fmax((double)row->queue, 0);
}

/* More than so many times the other; false where one of them is unknown. */
static inline bool audit_exceeds(int64_t figure, double times, int64_t other)
{
	return figure >= 0 && other >= 0 && (double)figure > times * (double)other;
}

/* All connections that there may be were in use. Those that only wait for the server to accept them
 * count in the peak, but are never opened. */
bool audit_was_full(const struct audit_view *v);
/* The server answers one request after the other: with N connections in use all answers take about
 * N times as long as one alone, so that more connections would only wait longer. */
bool audit_is_in_turns(const struct audit_view *v);
/* Answers took far longer than they need at least: with more of them at a time, by all appearance.
 */
bool audit_has_grown(const struct audit_view *v);
/* More requests came to wait at once than are ever on their way at a time but by a standstill. */
bool audit_has_piled_up(const struct audit_view *v);
/* Connections that are enough were opened again and again, and requests waited for that. */
bool audit_waits_to_reopen(const struct audit_view *v);
/* On average requests waited for a connection for a good part of the time that an answer takes. */
bool audit_waits_on_average(const struct audit_view *v);
/* Arrivals that ended by it. */
uint64_t audit_fault_count(const struct audit_view *v, enum fault fault);

/* audit_stages.c: that of a run with the least share of answers; and " in stage 2 (hold 100 for
 * 2s)", or "". */
struct audit_stage audit_find_stage(const struct audit_view *v);
struct audit_text audit_in_stage(const struct audit_view *v);

struct audit_sentence {
	char s[256];
};

/* audit_notes.c: fills in the notes, the verdict and our share of the p99. */
void audit_take_notes(const struct audit_view *v, struct audit *a);
void audit_raise(struct audit *a, enum audit_verdict to);
/* Raises the verdict as the table says. Of a sum, what is about one run is not added: the notes of
 * its runs say it. */
void audit_add_note(const struct audit_view *v, struct audit *a, const struct note *note,
	double value, double limit, const char *try_text, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Our part of a figure: that less the same figure without it. Never a quotient of two quantiles,
 * which are of different requests. */
struct audit_part {
	const char *name;  /* "p99"; NULL: there is none */
	int64_t ns, of_ns; /* the part, and the figure */
	bool is_marked;	   /* large enough to put the figure in doubt */
};
/* The p99's; ns < 0: unknown. */
struct audit_part audit_part_of_p99(const struct audit_view *v);

#define AUDIT_STALL_REMEDY                                                                         \
	"see what holds the server up at times: its log, at the worst intervals; more "            \
	"connections "                                                                             \
	"would wait as long"
#define AUDIT_STILL_REMEDY                                                                         \
	"see what holds the server up at times: its log, at these instants; a lower rate or more " \
	"connections would wait as long"
/* Connections that carry less than so many times what is asked are too few: at random instants more
 * than the mean is asked for. */
#define AUDIT_ENOUGH 1.1
/* So often that the figures are those of another load than was planned. */
#define AUDIT_HELD_MANY 0.01
/* So many requests waited for a connection to be opened, because of the pace at which they are,
 * that it shows in the times. */
bool audit_is_held_by_pace(const struct audit_view *v);
/* Most requests opened a connection of their own. */
bool audit_is_reopened(const struct audit_view *v);
/* What keeps connections open then: it depends on who closes them. */
struct audit_sentence audit_try_keeping(const struct audit_view *v);
/* "605 of 10,000 requests waited for connections, which open at 1,000/s"; and what to try. */
struct audit_sentence audit_tell_pace(const struct audit_view *v);
struct audit_sentence audit_try_pace(const struct audit_view *v);

/* audit_stalls.c: a server that stood still, seen in the rows. */

/* So many of them are named. */
#define AUDIT_STILL_NAMED 4u

struct audit_stalls {
	unsigned n; /* 0: there is none */
	int64_t longest_ns;
	int64_t at_ns[AUDIT_STILL_NAMED]; /* rows, from the window's start */
};
/* Open model: those that take a good part of the window. And "stood still at times, at 0:00, 0:03:
 * no answer came for up to 2.00 s". */
struct audit_stalls audit_find_stalls(const struct audit_view *v);
struct audit_sentence audit_tell_stalls(const struct audit_stalls *s);
/* The closed model's word on them. */
void audit_note_stalls(const struct audit_view *v, struct audit *a);

/* audit_limit.c: facts, and what limited the run. */

#define AUDIT_CARRIED 0.99 /* share of the plan answered well */
struct audit_facts {
	double due; /* arrivals, less those that were cut off with the run */
	double ok;
	double asked;		    /* per second, of connections: as in the view */
	double ok_rate;		    /* per second */
	double capacity;	    /* requests/s that the connections carry; 0: unknown */
	double late;		    /* ok, but only after the window */
	bool is_cut;		    /* the run did not come to its own end */
	bool is_failed;		    /* nothing connected, or not one ok */
	bool is_full;		    /* every connection was in use */
	bool is_short;		    /* too few were answered well */
	bool is_too_much;	    /* for the connections, by their arithmetic */
	bool is_behind;		    /* answers were falling behind, */
	bool is_growing;	    /* and so was the backlog, all along */
	bool is_behind_in_stage;    /* they were in a stage */
	bool is_stalling;	    /* the server stood still at times */
	struct audit_stalls stalls; /* for a good part of the time: late answers are theirs */
	bool is_lost;		    /* requests got no answer while all others were fast */
};

struct audit_facts audit_gather(const struct audit_view *v);
bool audit_is_overload(const struct audit_facts *f);
/* Less was sent of the plan than a result may miss. */
bool audit_is_sent_short(const struct audit_view *v, const struct audit_facts *f);
/* All connections in use, and waiting for one made most of the tail or cost most of what failed. */
bool audit_waits_for_connections(const struct audit_view *v, const struct audit_facts *f);
/* All connections in use, and requests waited for one, in the tail or on average; and they hardly
 * carry what was asked. */
bool audit_is_by_connections(const struct audit_view *v, const struct audit_facts *f);
/* The largest class but ok, without what was cut off with the run. */
enum ledger_class audit_most(const struct audit_view *v);
/* The class by which a run failed: that of the fault for which it, or a run of the sum, could not
 * begin; else the largest. */
enum ledger_class audit_failed_by(const struct audit_view *v);
/* It came to its end, and nothing was due in it. */
bool audit_is_empty(const struct audit_view *v);
/* Requests were sent, and not one was answered. */
bool audit_is_silent(const struct audit_view *v, const struct audit_facts *f);
enum audit_limit audit_find_limit(
	const struct audit_view *v, const struct audit_facts *f, const struct audit *a);

/* audit_headline.c: the headline in words. */

void audit_find_headline(const struct audit_view *v, const struct audit_facts *f, struct audit *a);

/* audit_machine.c: what this machine and its kernel have done to us. After all that is about our
 * own delay: some figures matter only where there is one. */
void audit_note_machine(const struct audit_view *v, struct audit *a);
/* What helps where answers are read late. */
const char *audit_spread(const struct audit_view *v);
/* Returns the remedy for a machine that does not let the generator run; "" for one that does. */
const char *audit_machine_remedy(const struct audit_view *v);

/* -t: one worker more in each run. */
uint64_t audit_more_workers(const struct audit_view *v);
void audit_note_redirects(const struct audit_view *v, struct audit *a);
/* Our part of the response time's p99. Where that is of arrivals without an answer, our part of the
 * time they were given. Negative: unknown. */
double audit_delay_share(const struct audit_view *v, const struct audit *a);

/* audit_faults.c: what the answers and the faults say. */

/* How many faults were the generator's, and the most frequent one of a phase (FAULT_NONE: none),
 * both with what the run could not begin for. */
uint64_t audit_count_ours(const struct audit_view *v);
enum fault audit_main_fault(const struct audit_view *v, enum fault_phase phase);
/* Connections were made, so that the address is right, and others wait to be accepted. */
bool audit_accepts_no_more(const struct audit_view *v);
/* The first example of a fault, in brackets after its name: "check-size (body has 1 bytes, …)". */
struct audit_sentence audit_tell_fault(const struct audit_view *v, enum fault fault);

/* "the server reset 3 connections before an answer, while others worked"; "": it did not. And
 * whether that is why most of the requests failed that did. */
struct audit_sentence audit_tell_reset(const struct audit_view *v);
bool audit_is_reset(const struct audit_view *v, enum ledger_class most);
struct audit_sentence audit_try_against_resets(const struct audit_view *v);

/* "status 503: 37, 500: 2", the most frequent ones; "" where what is unexpected is not known. And
 * whether some of them are such as a server sends that has too much to do. */
struct audit_sentence audit_tell_statuses(const struct audit_view *v);
bool audit_may_shed(const struct audit_view *v);

/* "5.2 % of 10,000 requests were sent twice: ..."; "" where so few were that it is not worth the
 * headline. And what to do about it. */
struct audit_sentence audit_tell_repeated(const struct audit_view *v);
struct audit_sentence audit_try_kept(const struct audit_view *v);

/* "9,800 of 10,000 answers were redirects (301 to https://…), which are never followed", and what
 * to try. */
bool audit_is_mostly_redirects(const struct audit_view *v);
bool audit_has_redirects(const struct audit_view *v); /* worth a word */
struct audit_sentence audit_tell_redirects(const struct audit_view *v);
struct audit_sentence audit_try_redirects(const struct audit_view *v);

/* Whether the words say it that tell of a fault: of one that is counted, or of that for which the
 * run could not begin. */
bool audit_fault_says(const struct audit_view *v, enum fault fault, const char *words);

/* audit_remedy.c: what to try; "" where there is nothing. */

struct audit_sentence audit_fault_remedy(const struct audit_view *v, enum fault fault);
/* Against the class that took most requests. */
struct audit_sentence audit_remedy(const struct audit_view *v, enum ledger_class most);

/* audit_look.c: the command that shows one answer, to be pasted into a shell: of the request of
 * which most ended in that class. */
struct audit_sentence audit_try_look(const struct audit_view *v, enum ledger_class most);
