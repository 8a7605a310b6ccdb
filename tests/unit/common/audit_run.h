/* SPDX-License-Identifier: Apache-2.0 */
/* A run in the figures that the audit's rules are about, made into a result as the daemon writes
 * it. Times in ns; -1 where there is none. */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/stats/fault.h"
#include "common/stats/ledger.h"
#include "common/result/audit.h"
#include "common/result/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"

struct audit_fault {
	uint64_t count;
	char example[128];
};

struct audit_run_row {
	uint64_t planned;
	int64_t p50_ns;
	uint64_t backlog; /* at its end */
};

/* The answers of a row. */
struct audit_run_answers {
	int64_t ok, max_ns;
	int64_t planned, backlog, p50_ns; /* open model */
};

struct audit_run_stage {
	int64_t start_ns, end_ns;
	const char *text;
};

struct audit_run_request {
	const char *name, *method, *target;
	int body_bytes, headers;
	uint64_t http_errors; /* of the window */
};

struct audit_run {
	bool is_open;
	enum audit_outcome outcome;
	struct ledger ledger; /* the measured window */
	int64_t window_ns;
	double planned_per_s;
	double ok_per_s;

	int64_t response_p50, response_p99; /* open model */
	int64_t offered_p99;		    /* of all arrivals; 0: as that of the ok ones */
	bool is_p99_unserved;		    /* of all arrivals; response_p99 is of the ok ones */
	int64_t service_p50, service_p99, service_mean;
	int64_t send_stall_p50;		  /* 0: no request was held up */
	int64_t service_min, service_p90; /* 0: none */
	int64_t our_delay_p50, our_delay_p99;
	int64_t our_delay_max; /* 0: none */
	int64_t request_timeout;
	int64_t connection_wait_p50, connection_wait_p99;
	int64_t connection_wait_mean; /* 0: none */
	int64_t rx_slack_p99;
	int64_t first_p50, last_p50; /* of six intervals, along a straight line; 0: no intervals */
	int64_t first_backlog, last_backlog;
	const struct audit_run_row *rows; /* in their place: n_rows of equal length */
	size_t n_rows;
	const struct audit_run_answers *row_answers; /* instead of rows */
	int64_t last_row;			     /* of these lies in the window; 0: all of it */
	const struct audit_run_stage *stages;
	size_t n_stages;
	/* Response, or service, without what the generator added; 0: found from the others. */
	int64_t less_p50, less_p99, less_mean;
	int64_t less_max;	   /* closed model */
	int64_t p99_low, p99_high; /* interval of confidence; 0: none */
	int64_t rx_slack_mean;
	int64_t oldest; /* of those that never ended */
	int64_t think;
	bool spins;

	uint64_t connections_limit;
	uint64_t connections_most;
	uint64_t connections_peak;
	uint64_t queue_peak;
	uint64_t connections_opened;
	uint64_t closed_by_peer, closed_by_us;
	const char *reuse; /* of the plan; NULL: lifo */
	int slice_of;	   /* of the plan; 0: it is no slice */
	uint64_t requests_per_connection;
	int64_t max_age;
	uint64_t reset_beside;
	uint64_t held_by_pace;
	double open_rate;
	double allowed_per_s; /* by the service; 0: no cap */
	enum fault failed_by;
	const char *reason;		  /* for which it could not begin */
	const struct audit_fault *faults; /* FAULT_COUNT of them; NULL: none */
	uint64_t retries;
	uint64_t sent; /* in and around the window; 0: in it alone */
	uint64_t surplus;
	uint64_t bytes_in;
	uint64_t answers;
	uint64_t redirects;
	unsigned redirect_status;
	const char *location;
	const char *url;
	const char *method;
	const char *connect_to;
	const struct audit_run_request *requests; /* n_requests of them */
	size_t n_requests;
	bool is_tls;
	bool takes_any_certificate;
	const char *certificate_name;
	bool has_client_certificate;
	const char *unix_path;
	bool is_one_family;
	unsigned workers;
	double cpu_share;
	double short_interval_share;
	double little_residual;
	double stalled_share;
	double steal_share;
	bool is_colocated;
	uint64_t unbalanced;

	double run_queue_share;
	double throttled_share;
	int64_t throttled_ns;
	double softirq_share;
	int64_t turn_p99;
	int64_t segments;
	int64_t retransmits;
	const char *clocksource;
	int64_t clock_ns;
	uint64_t descriptors;
	uint64_t descriptors_used;
	uint64_t ports;
	int64_t time_wait;
};

/* An open run without fault: 1,000/s for 30 s against a server of 1 ms. */
static inline struct audit_run audit_run_well(void)
{
	return (struct audit_run){
		.is_open = true,
		.outcome = AUDIT_COMPLETED,
		.ledger = {.planned = 30000, .sent = 30000, .classes = {[LEDGER_OK] = 30000}},
		.window_ns = 30 * NSEC_PER_SEC,
		.planned_per_s = 1000,
		.ok_per_s = 999.9,
		.response_p50 = NSEC_PER_MSEC,
		.response_p99 = 3 * NSEC_PER_MSEC,
		.service_p50 = NSEC_PER_MSEC,
		.service_p99 = 3 * NSEC_PER_MSEC,
		.service_mean = NSEC_PER_MSEC,
		.our_delay_p50 = 60 * NSEC_PER_USEC,
		.our_delay_p99 = 300 * NSEC_PER_USEC,
		.rx_slack_p99 = 50 * NSEC_PER_USEC,
		.connections_limit = 1000,
		.connections_peak = 7,
		.workers = 1,
		.cpu_share = 0.1,
	};
}

/* A closed run without fault: 64 users, the worker at three quarters. */
static inline struct audit_run audit_run_well_closed(void)
{
	struct audit_run in = audit_run_well();

	in.is_open = false;
	in.planned_per_s = 0;
	in.ok_per_s = 1000;
	in.response_p50 = in.response_p99 = -1;
	in.our_delay_p50 = in.our_delay_p99 = -1;
	in.connection_wait_p50 = in.connection_wait_p99 = -1;
	in.connections_limit = in.connections_peak = 64;
	in.cpu_share = 0.75;
	return in;
}

static inline int64_t audit_run_count(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static inline struct result_latency *audit_run_latency(
	struct result *r, const char *name, int64_t p50_ns, int64_t p99_ns, int64_t mean_ns)
{
	struct result_latency *l = result_list_add(&result_latency_table, &r->latency, name);

	l->p50_ns = result_figure(p50_ns);
	l->p99_ns = result_figure(p99_ns);
	l->mean_ns = result_figure(mean_ns);
	return l;
}

static inline void audit_run_interval(const struct audit_run *in, struct result_latency *l)
{
	const int64_t ends[] = {in->p99_low, in->p99_high};

	for (int i = 0; i < 2 && in->p99_high > 0; i++) {
		struct result_number *end =
			result_list_add(&result_number_table, &l->ci95.p99_ns, NULL);

		end->n = ends[i];
	}
}

static inline int64_t audit_run_less(int64_t given_ns, int64_t whole_ns, int64_t ours_ns)
{
	if (given_ns > 0 || whole_ns < 0)
		return given_ns > 0 ? given_ns : -1;
	return ours_ns > whole_ns ? 0 : ours_ns > 0 ? whole_ns - ours_ns : whole_ns;
}

/* What the headline is about, and the same without what is of the generator's making. */
static inline void audit_run_main(const struct audit_run *in, struct result *r)
{
	int64_t mean_ns = in->less_mean > 0 ? in->less_mean : in->service_mean;

	if (in->is_open) {
		audit_run_interval(in,
			audit_run_latency(r, "response", in->response_p50, in->response_p99, -1));
		audit_run_latency(r, "response_less_ours",
			audit_run_less(in->less_p50, in->response_p50, in->our_delay_p50),
			audit_run_less(in->less_p99, in->response_p99, in->our_delay_p99), mean_ns);
		return;
	}
	audit_run_latency(r, "service_less_ours", audit_run_less(in->less_p50, in->service_p50, 0),
		audit_run_less(in->less_p99, in->service_p99, in->rx_slack_p99), mean_ns)
		->max_ns = in->less_max;
}

static inline void audit_run_status(struct result *r, unsigned status, uint64_t n)
{
	struct result_number *to;
	char name[16];

	(void)snprintf(name, sizeof(name), "%03u", status);
	to = result_list_add(&result_number_table, &r->statuses, name);
	to->n = audit_run_count(n);
}

/* A thousand rows, of which so many are short. */
static inline void audit_run_rows(struct result *r, double short_share, int64_t window_ns)
{
	struct result_intervals *to = &r->intervals;

	to->is = RESULT_IS_THERE;
	to->width_ns = window_ns / 1000;
	for (int i = 0; i < 1000; i++) {
		struct result_row *row = result_list_add(&result_row_table, &to->rows, NULL);

		row->t_ns = i * to->width_ns;
		row->planned = 1000;
		row->sent = i + 1 <= 1000 * short_share + 1e-6 ? 900 : 1000;
	}
}

/* Six rows, whose medians go straight from the first to the last. */
static inline void audit_run_medians(struct result *r, const struct audit_run *in)
{
	struct result_intervals *to = &r->intervals;

	to->is = RESULT_IS_THERE;
	to->width_ns = in->window_ns / 6;
	for (int i = 0; i < 6; i++) {
		struct result_row *row = result_list_add(&result_row_table, &to->rows, NULL);

		row->t_ns = i * to->width_ns;
		row->planned = row->sent = 1000;
		row->p50_ns = in->first_p50 + i * (in->last_p50 - in->first_p50) / 5;
		row->in_flight = in->first_backlog + i * (in->last_backlog - in->first_backlog) / 5;
	}
}

static inline void audit_run_answers_of_rows(struct result *r, const struct audit_run *in)
{
	struct result_intervals *to = &r->intervals;

	to->is = RESULT_IS_THERE;
	to->width_ns = in->window_ns / (int64_t)in->n_rows;
	for (size_t i = 0; i < in->n_rows; i++) {
		struct result_row *row = result_list_add(&result_row_table, &to->rows, NULL);

		row->t_ns = (int64_t)i * to->width_ns;
		row->planned = row->sent = row->ok = in->row_answers[i].ok;
		row->max_ns = in->row_answers[i].max_ns;
		row->in_flight = in->row_answers[i].backlog;
		row->completed = row->ok;
		if (in->row_answers[i].planned > 0)
			row->planned = row->sent = in->row_answers[i].planned;
		if (in->row_answers[i].p50_ns > 0)
			row->p50_ns = in->row_answers[i].p50_ns;
	}
}

static inline void audit_run_course(struct result *r, const struct audit_run *in)
{
	struct result_intervals *to = &r->intervals;

	to->is = RESULT_IS_THERE;
	to->width_ns = in->window_ns / (int64_t)in->n_rows;
	for (size_t i = 0; i < in->n_rows; i++) {
		struct result_row *row = result_list_add(&result_row_table, &to->rows, NULL);

		row->t_ns = (int64_t)i * to->width_ns;
		row->planned = row->sent = (int64_t)in->rows[i].planned;
		row->completed = row->planned - (int64_t)in->rows[i].backlog +
				 (i > 0 ? (int64_t)in->rows[i - 1].backlog : 0);
		row->p50_ns = in->rows[i].p50_ns;
		row->in_flight = (int64_t)in->rows[i].backlog;
	}
}

static inline void audit_run_stages(struct result *r, const struct audit_run *in)
{
	for (size_t i = 0; i < in->n_stages; i++) {
		struct result_stage *stage = result_list_add(&result_stage_table, &r->stages, NULL);

		stage->number = (int64_t)i + 1;
		stage->start_ns = in->stages[i].start_ns;
		stage->end_ns = in->stages[i].end_ns;
		result_set_text(&stage->text, in->stages[i].text);
	}
}

static inline json_t *audit_run_plan(const struct audit_run *in)
{
	bool is_tls = in->is_tls || in->takes_any_certificate;
	json_t *plan = json_pack("{s:{s:s* s:s* s:b s:{s:b s:s*}} s:{s:I s:I s:s s:s}}", "target",
		"url", in->url, "method", in->method, "tls", is_tls, "tls_info", "verify",
		!in->takes_any_certificate, "certificate_name", in->certificate_name, "effective",
		"request_timeout_ns", (json_int_t)in->request_timeout, "think_ns",
		(json_int_t)in->think, "pacing", in->spins ? "spin" : "timer", "addresses",
		in->is_one_family ? "v4" : "any");

	ck_assert_ptr_nonnull(plan);
	json_object_set_new(json_object_get(plan, "effective"), "reuse",
		json_string(in->reuse ? in->reuse : "lifo"));
	json_object_set_new(json_object_get(plan, "effective"), "requests_per_connection",
		json_integer((json_int_t)in->requests_per_connection));
	json_object_set_new(json_object_get(plan, "effective"), "max_age_ns",
		json_integer((json_int_t)in->max_age));
	if (in->slice_of > 0)
		json_object_set_new(
			plan, "slice", json_pack("{s:i s:i}", "index", 1, "of", in->slice_of));
	json_object_set_new(json_object_get(json_object_get(plan, "target"), "tls_info"),
		"client_certificate", json_boolean(in->has_client_certificate));
	if (in->unix_path)
		json_object_set_new(json_object_get(plan, "effective"), "connect_to",
			json_sprintf("unix:%s", in->unix_path));
	if (in->connect_to)
		json_object_set_new(json_object_get(plan, "effective"), "connect_to",
			json_string(in->connect_to));
	return plan;
}

static inline void audit_run_requests(const struct audit_run *in, struct result *r)
{
	json_t *all = json_array();

	for (size_t i = 0; i < in->n_requests; i++) {
		const struct audit_run_request *q = &in->requests[i];
		struct result_request *row;

		(void)json_array_append_new(
			all, json_pack("{s:s s:s s:s s:i s:i}", "name", q->name, "method",
				     q->method, "target", q->target, "body_bytes", q->body_bytes,
				     "headers", q->headers));
		if (in->n_requests == 1)
			continue;
		row = result_list_add(&result_request_table, &r->requests, q->name);
		row->ledger.is = RESULT_IS_THERE;
		row->ledger.http_error = audit_run_count(q->http_errors);
	}
	if (in->n_requests > 0)
		(void)json_object_set(r->plan, "requests", all);
	json_decref(all);
}

static inline void audit_run_faults(struct result *r, const struct audit_fault *faults)
{
	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT && faults; f++) {
		struct result_error *error;

		if (faults[f].count == 0)
			continue;
		error = result_list_add(&result_error_table, &r->errors, NULL);
		error->count = audit_run_count(faults[f].count);
		result_set_text(&error->class, fault_table[f].name);
		result_set_text(&error->example, faults[f].example);
	}
}

static inline void audit_run_generator(const struct audit_run *in, struct result_generator *to)
{
	to->is = to->descriptors.is = to->ports.is = RESULT_IS_THERE;
	to->rx_slack_p99_ns = result_figure(in->rx_slack_p99);
	to->workers = in->workers;
	to->cpu_share = in->cpu_share;
	to->little_residual = result_share(in->little_residual);
	to->stalled_share = in->stalled_share;
	to->steal_share = result_share(in->steal_share);
	to->colocated = in->is_colocated ? RESULT_YES : RESULT_NO;
	to->unbalanced_intervals = audit_run_count(in->unbalanced);
	to->run_queue_share = result_share(in->run_queue_share);
	to->throttled_share = result_share(in->throttled_share);
	to->throttled_ns = result_figure(in->throttled_ns);
	to->softirq_share = result_share(in->softirq_share);
	to->loop_p99_ns = result_figure(in->turn_p99);
	to->tcp_segments = result_figure(in->segments);
	to->retransmits = result_figure(in->retransmits);
	result_set_text(&to->clocksource, in->clocksource);
	to->clock_ns = result_figure(in->clock_ns);
	to->descriptors.limit = audit_run_count(in->descriptors);
	to->descriptors.used_at_most = audit_run_count(in->descriptors_used);
	to->ports.range = audit_run_count(in->ports);
	to->ports.time_wait = result_figure(in->time_wait);
}

/* r is to be ended by result_fini. */
static inline void audit_run_result(const struct audit_run *in, struct result *r)
{
	struct result_latency *service;

	result_init(r);
	r->is = r->run.is = r->window.is = RESULT_IS_THERE;
	result_set_text(&r->run.outcome, audit_outcome_names[in->outcome]);
	if (in->failed_by != FAULT_NONE)
		result_set_text(&r->run.failed_by, fault_table[in->failed_by].name);
	result_set_text(&r->run.reason, in->reason);
	r->plan = audit_run_plan(in);
	audit_run_requests(in, r);
	r->window.start_ns = 0;
	r->window.end_ns = in->window_ns;
	result_fill_ledger(&in->ledger, &r->ledger);
	r->outside.retries = audit_run_count(in->retries);
	r->outside.warmup.sent =
		in->sent > in->ledger.sent ? audit_run_count(in->sent - in->ledger.sent) : 0;
	r->rates.planned_per_s = in->planned_per_s;
	r->rates.ok_per_s = in->ok_per_s;
	if (in->allowed_per_s > 0)
		r->rates.allowed_per_s = in->allowed_per_s;
	service =
		audit_run_latency(r, "service", in->service_p50, in->service_p99, in->service_mean);
	service->min_ns = in->service_min > 0 ? in->service_min : RESULT_NULL;
	service->p90_ns = in->service_p90 > 0 ? in->service_p90 : RESULT_NULL;
	audit_run_main(in, r);
	audit_run_latency(r, "rx_slack", -1, in->rx_slack_p99, in->rx_slack_mean);
	if (in->send_stall_p50 > 0)
		audit_run_latency(r, "send_stall", in->send_stall_p50, in->send_stall_p50, -1);
	if (in->oldest > 0)
		audit_run_latency(r, "unserved_age", -1, -1, -1)->max_ns = in->oldest;
	if (in->is_open) {
		r->offered.is = RESULT_IS_THERE;
		r->offered.p50_ns = result_figure(in->response_p50);
		r->offered.p99_ns = in->is_p99_unserved	  ? RESULT_NULL
				    : in->offered_p99 > 0 ? in->offered_p99
							  : result_figure(in->response_p99);
		audit_run_latency(r, "our_delay", in->our_delay_p50, in->our_delay_p99, -1)
			->max_ns = in->our_delay_max;
		audit_run_latency(r, "connection_wait", in->connection_wait_p50,
			in->connection_wait_p99,
			in->connection_wait_mean > 0 ? in->connection_wait_mean : -1);
	}
	if (in->last_row > 0)
		r->window.end_ns -= in->window_ns / (int64_t)in->n_rows - in->last_row;
	audit_run_faults(r, in->faults);
	audit_run_status(r, 200, in->answers - in->redirects);
	audit_run_status(r, in->redirect_status ? in->redirect_status : 300, in->redirects);
	result_set_text(&r->redirects.location, in->location);
	r->connections.limit = audit_run_count(in->connections_limit);
	r->connections.allowed =
		in->connections_most > 0 ? audit_run_count(in->connections_most) : RESULT_NULL;
	r->connections.peak = audit_run_count(in->connections_peak);
	r->connections.queue_peak = audit_run_count(in->queue_peak);
	r->connections.opened = audit_run_count(in->connections_opened);
	r->connections.closed_by_peer = audit_run_count(in->closed_by_peer);
	r->connections.closed_by_us = audit_run_count(in->closed_by_us);
	r->connections.reset_beside = audit_run_count(in->reset_beside);
	r->connections.held_by_pace = audit_run_count(in->held_by_pace);
	r->connections.open_rate_per_s = in->open_rate;
	r->bytes.in = audit_run_count(in->bytes_in);
	r->connections.surplus = audit_run_count(in->surplus);
	if (in->short_interval_share > 0)
		audit_run_rows(r, in->short_interval_share, in->window_ns);
	if (in->first_p50 > 0)
		audit_run_medians(r, in);
	if (in->n_rows > 0 && in->row_answers)
		audit_run_answers_of_rows(r, in);
	else if (in->n_rows > 0)
		audit_run_course(r, in);
	audit_run_stages(r, in);
	audit_run_generator(in, &r->generator);
}

static inline void audit_run_judge(const struct audit_run *in, struct audit *ret)
{
	struct result r;

	audit_run_result(in, &r);
	audit_judge(&r, ret);
	result_fini(&r);
}
