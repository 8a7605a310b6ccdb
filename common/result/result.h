/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a run as a struct: what a run fills in, what a document (schema rpsd.result/1) is
 * read into, and what several results add up to. result_table.h has a row for each field: its name,
 * type and unit, when it is null or absent, and how two of it add up. So a new figure is a field
 * here, a row there, and the line that measures it.
 *
 * A field may be null (unknown, or a rank without an answer) or absent (not applicable). For
 * numbers these are values that no figure has; a text is NULL where absent and result_null_text
 * where null; a part, a row and a list say it in their first member. Everything is absent in a new
 * result.
 *
 * Names of fields are those of the document. Times are ns where the name ends in _ns. Pure. */
#pragma once

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESULT_SCHEMA "rpsd.result/1"

#define RESULT_NULL INT64_MIN
#define RESULT_ABSENT (INT64_MIN + 1)
#define RESULT_REAL_NULL ((double)NAN)
#define RESULT_REAL_ABSENT (-(double)INFINITY)

enum result_flag {
	RESULT_NO,
	RESULT_YES,
	RESULT_FLAG_NULL,
	RESULT_FLAG_ABSENT,
};

/* Whether a part, a row or a list is in the document. */
enum result_state {
	RESULT_IS_ABSENT,
	RESULT_IS_NULL,
	RESULT_IS_THERE,
};

extern char result_null_text[];

static inline bool result_is_known(int64_t n)
{
	return n != RESULT_NULL && n != RESULT_ABSENT;
}

static inline bool result_is_real(double value)
{
	return !isnan(value) && value != RESULT_REAL_ABSENT;
}

/* "" where it is null or absent. */
static inline const char *result_words(const char *text)
{
	return text && text != result_null_text ? text : "";
}

/* A list: an array of the document, or an object whose members have names of their own. Its rows
 * are structs, each of which begins with state and, in the latter, name. */
struct result_list {
	enum result_state is;
	size_t n;
	size_t room;
	void *rows; /* owned */
};

/* Rows of lists that hold plain values. */
struct result_number {
	enum result_state is;
	char *name;
	int64_t n;
};
struct result_string {
	enum result_state is;
	char *name;
	char *text;
};

struct result_run {
	enum result_state is;
	char *id, *uuid, *name;
	struct result_list labels; /* struct result_string */
	char *user, *state, *outcome, *reason;
	int64_t exit_code;
	char *started;
	int64_t started_unix_ns;
	char *ended;
	char *failed_by;
};

struct result_headline {
	enum result_state is;
	char *result, *limited_by, *because, *try;
	double planned_per_s, ok_per_s, failed_share;
	double p50_ms, p99_ms, our_delay_share_of_p99;
	char *missing;
};

struct result_window {
	enum result_state is;
	int64_t start_ns, end_ns, warmup_ns, cooldown_ns, drain_ns, paused_ns;
};

struct result_threshold {
	enum result_state is;
	char *rule, *kind, *request, *metric, *op;
	double limit;
	char *unit, *scope;
	int64_t stage;
	char *of;
	int64_t over_ns, after_ns;
	double value, low, high;
	char *result, *because, *try;
	int64_t first_broken_ns;
};

struct result_ledger {
	enum result_state is;
	int64_t planned, sent;
	int64_t dropped, expired, not_connected, unsent, lost;
	int64_t ok, http_error, check_failed, bad_response, timeout, connection_error, unfinished;
	enum result_flag balanced;
};

struct result_outside {
	enum result_state is;
	struct result_ledger warmup, cooldown;
	int64_t retries;
	double repeated_share;
};

struct result_rates {
	enum result_state is;
	double planned_per_s, sent_per_s, completed_per_s, ok_per_s;
	double bytes_in_per_s, bytes_out_per_s;
	double allowed_per_s;
};

struct result_bytes {
	enum result_state is;
	int64_t in, out;
};

/* Of the figure, with the level of ci95: both ends, the high one null where it is not known. */
struct result_ci95 {
	enum result_state is;
	double level;
	struct result_list p50_ns, p90_ns, p99_ns, p99_9_ns; /* struct result_number */
};

struct result_effective {
	enum result_state is;
	double p50, p90, p99, p99_9;
};

struct result_latency {
	enum result_state is;
	char *name; /* "response", … */
	int64_t count, min_ns, max_ns, mean_ns, stddev_ns;
	int64_t p50_ns, p75_ns, p90_ns, p95_ns, p99_ns, p99_9_ns, p99_99_ns;
	char *hdr;
	struct result_ci95 ci95;
	struct result_effective n_effective;
};

struct result_offered {
	enum result_state is;
	int64_t p50_ns, p75_ns, p90_ns, p95_ns, p99_ns, p99_9_ns, p99_99_ns;
	double unserved_share;
};

struct result_error {
	enum result_state is;
	char *class, *phase;
	int64_t count, first_ns, last_ns;
	char *example;
};

struct result_redirects {
	enum result_state is;
	int64_t count;
	double share;
	char *location;
	enum result_flag expected;
};

struct result_request {
	enum result_state is;
	char *name;
	char *method, *target;
	int64_t weight;
	double share;
	struct result_ledger ledger;
	struct result_rates rates;
	struct result_list latency; /* struct result_latency */
	struct result_offered offered;
};

/* A stage of the plan; times are from the start of the window. */
struct result_stage {
	enum result_state is;
	char *kind;
	int64_t number;
	char *text;
	int64_t start_ns, end_ns;
	struct result_ledger ledger;
	struct result_rates rates;
	struct result_list latency; /* struct result_latency */
	struct result_offered offered;
};

struct result_connections {
	enum result_state is;
	int64_t limit, allowed, peak, opened, closed_by_peer, closed_by_us, surplus, stale;
	int64_t reset_beside;
	double reused_share;
	int64_t queue_peak;
	int64_t held_by_pace;
	double open_rate_per_s;
	double tls_resumed_share;
};

struct result_row {
	enum result_state is;
	int64_t t_ns, planned, sent, completed, ok, failed, in_flight, queue;
	int64_t p50_ns, p99_ns, max_ns, our_delay_p99_ns;
	enum result_flag open;
	int64_t length_ns;
};

struct result_intervals {
	enum result_state is;
	int64_t width_ns;
	struct result_list rows; /* struct result_row */
};

struct result_batch {
	enum result_state is;
	int64_t t_ns, planned;
	char *hdr, *our_delay_hdr;
	int64_t length_ns;
};

struct result_batches {
	enum result_state is;
	int64_t width_ns;
	char *of;
	struct result_list rows; /* struct result_batch */
};

struct result_note {
	enum result_state is;
	char *code;
	double value, limit;
	char *unit, *text, *try;
};

struct result_host {
	enum result_state is;
	char *name, *kernel;
	int64_t cpus;
	char *cpu_model;
};

struct result_descriptors {
	enum result_state is;
	int64_t limit, used_at_most;
};

struct result_ports {
	enum result_state is;
	int64_t range, time_wait;
	enum result_flag reused;
};

struct result_generator {
	enum result_state is;
	char *verdict;
	struct result_list notes; /* struct result_note */
	char *version;
	struct result_host host;
	int64_t workers;
	double cpu_share, cpu_ns_per_request, little_residual, stalled_share;
	enum result_flag colocated;
	int64_t merged_intervals;
	double steal_share, softirq_share, throttled_share;
	int64_t throttled_ns;
	double run_queue_share;
	int64_t involuntary_switches, loop_p99_ns, loop_max_ns, rx_slack_p99_ns;
	double rx_unstamped_share;
	int64_t tcp_segments, retransmits, tcp_timeouts;
	char *clocksource;
	int64_t clock_ns, unbalanced_intervals;
	struct result_descriptors descriptors;
	struct result_ports ports;
};

struct result_event {
	enum result_state is;
	int64_t at_ns;
	char *kind, *text, *user, *from, *to;
};

struct result_steadiness {
	enum result_state is;
	char *word, *because;
	int64_t warmup_advice_ns;
};

struct result_slow {
	enum result_state is;
	int64_t at_ns, response_ns, service_ns;
	char *request;
	int64_t status;
	char *class;
	int64_t connection, worker;
	char *part;
};

struct result_slice {
	enum result_state is;
	int64_t index, of;
};

struct result_part {
	enum result_state is;
	char *id, *uuid, *host;
	int64_t seed, started_unix_ns, duration_ns, planned, ok;
	double p50_ms, p99_ms, our_delay_p99_ms, connection_wait_p99_ms;
	char *verdict, *result;
	int64_t exit_code;
	struct result_slice slice;
	int64_t repeat;
};

struct result_repeat {
	enum result_state is;
	char *id, *uuid;
	int64_t p50_ns, p90_ns, p99_ns, p99_9_ns;
};

struct result {
	enum result_state is;
	char *schema;
	struct result_run run;
	struct result_headline headline;
	json_t *plan; /* owned; plan_json.h makes it */
	struct result_window window;
	struct result_list thresholds; /* struct result_threshold */
	struct result_ledger ledger;
	struct result_outside outside;
	struct result_rates rates;
	struct result_bytes bytes;
	struct result_list latency;  /* struct result_latency */
	struct result_list errors;   /* struct result_error */
	struct result_list statuses; /* struct result_number */
	struct result_connections connections;
	struct result_intervals intervals;
	struct result_generator generator;
	struct result_list events; /* struct result_event */
	struct result_redirects redirects;
	struct result_offered offered;
	struct result_list requests; /* struct result_request */
	struct result_list stages;   /* struct result_stage */
	struct result_batches batches;
	struct result_steadiness steadiness;
	struct result_list slowest; /* struct result_slow */
	struct result_list parts;   /* struct result_part */
	struct result_list repeats; /* struct result_repeat */
	/* Reserved: kept as they are. Owned. */
	json_t *flows, *lists, *search, *hosts, *compare;
};

/* That of the run by its name; NULL: there is none. */
const struct result_latency *result_find_latency(const struct result *r, const char *name);

void result_init(struct result *r);
void result_fini(struct result *r); /* fine on a zeroed one */
