/* SPDX-License-Identifier: Apache-2.0 */
/* A finished run as a result (result.h), and that as its document. Each function fills in one
 * member; where one has no memory there is no document at all (run_result_build). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_json.h"
#include "common/plan/plan_stages.h"
#include "common/stats/quantile.h"
#include "common/json_path.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_rules.h"
#include "common/result/result_table.h"
#include "common/version.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/run_figures.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"

static const struct ledger *run_ledger(const struct run *run)
{
	return &run->totals.ledgers[STATS_WINDOW];
}

static int64_t run_window_ns(const struct run *run)
{
	int64_t ns = run->times.window_end_ns - run->times.window_start_ns;

	return run->times.t0_ns > 0 && ns > 0 ? ns : 0;
}

/* The window without what was paused of it. */
static int64_t run_sending_ns(const struct run *run)
{
	int64_t ns = run_window_ns(run) - run_steering_paused_ns(&run->steering);

	return ns > 0 ? ns : 0;
}

/* A count per second of that; 0 without any. */
static double run_per_s_of(int64_t ns, uint64_t count)
{
	return ns > 0 ? (double)count * (double)NSEC_PER_SEC / (double)ns : 0;
}

static double run_per_s(const struct run *run, uint64_t count)
{
	return run_per_s_of(run_sending_ns(run), count);
}

static const struct histogram *run_histogram(const struct run *run, enum stats_histogram which)
{
	return &run->totals.histograms[which];
}

/* What the headline speaks of: response in the open model, service in the closed one. */
static enum stats_histogram run_main_histogram(const struct run *run)
{
	return run_schedule(run) ? STATS_RESPONSE : STATS_SERVICE;
}

static int64_t run_offered(const struct run *run, double q)
{
	return quantile_offered(
		run_histogram(run, run_main_histogram(run)), run_ledger(run)->planned, q);
}

static double run_ms(int64_t ns)
{
	return ns == QUANTILE_NONE ? RESULT_REAL_NULL : (double)ns / 1e6;
}

/* 0 or -ENOMEM. */
static int run_set_instant(char **field, int64_t unix_ns)
{
	time_t seconds = unix_ns / NSEC_PER_SEC;
	char text[32];
	struct tm tm;

	if (unix_ns == 0 || !gmtime_r(&seconds, &tm))
		return result_set_text(field, NULL);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return result_set_text(field, text);
}

/* Every request that was in flight has ended, well or badly: the area under their number is the sum
 * of their times, to the rounding. Negative: nothing was in flight. */
static double run_little_residual(const struct run *run)
{
	double area = run->totals.flight_integral;
	double times = run_histogram(run, STATS_SERVICE)->sum + run->totals.other_flight_ns;

	return area > 0 ? fabs(area - times) / area : -1;
}

/* Answers that send us elsewhere. 304 has the number of one, but says that nothing has changed. */
static bool run_is_redirect(int status)
{
	return status >= 300 && status < 400 && status != 304;
}

static uint64_t run_count_answers(const struct run *run, bool (*is_meant)(int status))
{
	uint64_t n = 0;

	for (int i = 0; i < STATS_STATUS_MAX; i++)
		if (!is_meant || is_meant(i))
			n += run->totals.statuses[i];
	return n;
}

/* Some but not all of 3xx: who writes such an expect-status means them. */
static bool run_wants_redirects(const struct run *run)
{
	for (size_t i = 0; i < run->plan->n_requests; i++) {
		unsigned n = 0;

		for (unsigned status = 300; status < 400; status++)
			n += plan_statuses_has(&run->plan->requests[i].expect_statuses, status);
		if (n > 0 && n < 100)
			return true;
	}
	return false;
}

/* Where the first redirect pointed to; NULL: unknown. */
static const char *run_location(const struct run *run)
{
	return run->summary.location[0] != '\0' ? run->summary.location : NULL;
}

/* ---------------------------------------------------------------- members, 0 or -ENOMEM each */

static int run_fill_labels(const struct run *run, struct result_list *labels)
{
	const struct plan *plan = run->plan;
	int r = 0;

	labels->is = RESULT_IS_THERE;
	for (size_t i = 0; i < plan->n_labels && r == 0; i++) {
		struct result_string *label =
			result_list_add(&result_string_table, labels, plan->labels[i].name);

		r = label ? result_set_text(&label->text, plan->labels[i].text) : -ENOMEM;
	}
	return r;
}

static int run_fill_run(const struct run *run, struct result_run *to)
{
	int64_t started_ns = run->started_unix_ns ? run->started_unix_ns : run->created_unix_ns;
	int r = run_fill_labels(run, &to->labels);

	to->is = RESULT_IS_THERE;
	r |= result_set_text(&to->id, run->id);
	r |= result_set_text(&to->uuid, run->uuid);
	r |= result_set_text(&to->name, run->plan->name);
	r |= result_set_text(&to->user, run->user);
	r |= result_set_text(&to->state, run_state_names[RUN_FINISHED]);
	r |= result_set_text(&to->outcome, audit_outcome_names[run->outcome]);
	r |= result_set_text(&to->reason, run->reason);
	r |= run_set_instant(&to->started, started_ns);
	to->started_unix_ns = started_ns;
	r |= run_set_instant(&to->ended, run->ended_unix_ns);
	if (run->failed_by != FAULT_NONE)
		r |= result_set_text(&to->failed_by, fault_table[run->failed_by].name);
	return r;
}

/* Its words are the audit's. */
static void run_fill_headline(const struct run *run, struct result_headline *to)
{
	to->is = RESULT_IS_THERE;
	to->planned_per_s = run_per_s(run, run_ledger(run)->planned);
	to->ok_per_s = run_per_s(run, run->totals.ok_in_window);
	to->failed_share = ledger_failed_share(run_ledger(run));
	to->p50_ms = run_ms(run_offered(run, 0.5));
	to->p99_ms = run_ms(run_offered(run, 0.99));
}

/* What was agreed on; null where there was no handshake. And whom a certificate was for that was
 * refused. */
static json_t *run_json_tls(const struct run *run)
{
	const struct tls_info *info = &run->summary.tls_info;
	const char *name = run->summary.certificate_name;
	bool is_known = info->version[0] != '\0';

	return json_pack("{s:o s:o s:b s:s s:b s:o*}", "version",
		is_known ? json_string(info->version) : json_null(), "cipher",
		is_known ? json_string(info->cipher) : json_null(), "verify",
		(int)run->plan->tls_verify, "server_name", run->plan->tls_server_name,
		"client_certificate", run->plan->tls_certificate.name != NULL, "certificate_name",
		*name ? json_text(name) : NULL);
}

/* What of the target a run finds out is added to what the plan says of it. */
static int run_fill_plan(const struct run *run, json_t **to)
{
	const struct plan *plan = run->plan;
	struct plan_granted granted = {run->admission.n_workers, run->admission.connections};
	json_t *doc = plan_json(plan, granted);
	json_t *target = json_object_get(doc, "target");
	int failed = json_object_set_new(target, "addresses", run_target_json(&run->target));

	if (plan->url.tls)
		failed |= json_object_set_new(target, "tls_info", run_json_tls(run));
	*to = doc;
	return failed ? -ENOMEM : 0;
}

static void run_fill_window(const struct run *run, struct result_window *to)
{
	int64_t planned_end_ns = run->stopped_at_ns ? run->stopped_at_ns : run->times.end_ns;

	to->is = run->times.t0_ns == 0 ? RESULT_IS_NULL : RESULT_IS_THERE;
	to->start_ns = run->times.window_start_ns - run->times.t0_ns;
	to->end_ns = to->start_ns + run_window_ns(run);
	to->warmup_ns = plan_warmup_ns(run->plan);
	to->cooldown_ns = run->plan->cooldown_ns;
	to->drain_ns = planned_end_ns != CLOCK_NEVER && run->drained_ns > planned_end_ns
			       ? run->drained_ns - planned_end_ns
			       : 0;
	to->paused_ns = run_steering_paused_ns(&run->steering);
}

static void run_fill_rates(const struct run *run, struct result_rates *to)
{
	to->is = RESULT_IS_THERE;
	to->planned_per_s = run_per_s(run, run_ledger(run)->planned);
	to->sent_per_s = run_per_s(run, run->totals.sent_in_window);
	to->completed_per_s = run_per_s(run, run->totals.completed_in_window);
	to->ok_per_s = run_per_s(run, run->totals.ok_in_window);
	to->bytes_in_per_s = run_per_s(run, run->totals.bytes_in);
	to->bytes_out_per_s = run_per_s(run, run->totals.bytes_out);
	if (run->room.caps.rate > 0)
		to->allowed_per_s = (double)run->room.caps.rate;
}

static void run_fill_bytes(const struct run *run, struct result_bytes *to)
{
	to->is = RESULT_IS_THERE;
	to->in = (int64_t)run->totals.bytes_in;
	to->out = (int64_t)run->totals.bytes_out;
}

static int run_fill_one_latency(const char *name, const struct histogram *h, struct result_list *to,
	const struct run_figures *figures)
{
	struct result_latency *latency = result_list_add(&result_latency_table, to, name);

	if (!latency || result_fill_latency(h, latency) < 0)
		return -ENOMEM;
	return figures ? run_figures_confidence(figures, latency) : 0;
}

static int run_fill_latency(
	const struct run *run, const struct run_figures *figures, struct result_list *to)
{
	int r = 0;

	for (int i = 0; i < STATS_HISTOGRAM_COUNT && r == 0; i++) {
		bool needs_schedule =
			i == STATS_RESPONSE || i == STATS_OUR_DELAY || i == STATS_CONNECTION_WAIT;
		const char *name = stats_histogram_names[i];

		if (i == STATS_LESS_OURS && !run_schedule(run))
			name = "service_less_ours";
		if (needs_schedule && !run_schedule(run))
			continue; /* absent: the closed model knows service time only */
		if (i == STATS_TLS && !run->plan->url.tls)
			continue;
		r = run_fill_one_latency(name, run_histogram(run, (enum stats_histogram)i), to,
			i == (int)run_main_histogram(run) ? figures : NULL);
	}
	return r;
}

static int run_fill_errors(const struct run *run, struct result_list *to)
{
	int r = 0;

	to->is = RESULT_IS_THERE;
	for (int i = FAULT_NONE + 1; i < FAULT_COUNT && r == 0; i++) {
		const struct stats_fault *f = &run->totals.faults[i];
		struct result_error *error;

		if (f->count == 0)
			continue;
		error = result_list_add(&result_error_table, to, NULL);
		if (!error)
			return -ENOMEM;
		error->count = (int64_t)f->count;
		error->first_ns = f->first_ns;
		error->last_ns = f->last_ns;
		r |= result_set_text(&error->class, fault_table[i].name);
		r |= result_set_text(&error->phase, fault_phase_names[fault_table[i].phase]);
		r |= result_set_text(&error->example, f->example);
	}
	return r;
}

static int run_fill_statuses(const struct run *run, struct result_list *to)
{
	char name[16];

	to->is = RESULT_IS_THERE;
	for (int i = 0; i < STATS_STATUS_MAX; i++) {
		struct result_number *status;

		if (run->totals.statuses[i] == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%03d", i);
		status = result_list_add(&result_number_table, to, name);
		if (!status)
			return -ENOMEM;
		status->n = (int64_t)run->totals.statuses[i];
	}
	return 0;
}

/* Of answers in the measured window. */
static int run_fill_redirects(const struct run *run, struct result_redirects *to)
{
	uint64_t n = run_count_answers(run, run_is_redirect);
	uint64_t answers = run_count_answers(run, NULL);

	to->is = RESULT_IS_THERE;
	to->count = (int64_t)n;
	to->share = answers > 0 ? (double)n / (double)answers : RESULT_REAL_NULL;
	to->expected = run_wants_redirects(run) ? RESULT_YES : RESULT_NO;
	return result_set_text(&to->location, run_location(run));
}

/* What became of a part of the arrivals, over the time in which they were sent. */
static void run_fill_counts(const struct ledger *l, int64_t sending_ns,
	struct result_ledger *ledger, struct result_rates *rates)
{
	result_fill_ledger(l, ledger);
	rates->is = RESULT_IS_THERE;
	rates->planned_per_s = run_per_s_of(sending_ns, l->planned);
	rates->sent_per_s = run_per_s_of(sending_ns, l->sent);
	rates->ok_per_s = run_per_s_of(sending_ns, l->classes[LEDGER_OK]);
}

static int run_fill_request(const struct run *run, size_t i, struct result_request *to)
{
	const struct plan_request *planned = &run->plan->requests[i];
	const struct stats_request *request = &run->totals.requests[i];
	const struct ledger *l = &request->ledger;
	uint64_t all = run_ledger(run)->planned;
	int r = result_set_text(&to->method, planned->method) |
		result_set_text(&to->target, planned->target);

	to->weight = (int64_t)planned->weight;
	to->share = all > 0 ? (double)l->planned / (double)all : 0;
	run_fill_counts(l, run_sending_ns(run), &to->ledger, &to->rates);
	for (int h = 0; h < STATS_REQUEST_HISTOGRAM_COUNT && r == 0; h++)
		if (h != STATS_REQUEST_RESPONSE || run_schedule(run))
			r = run_fill_one_latency(stats_request_histogram_names[h],
				&request->histograms[h], &to->latency, NULL);
	if (run_schedule(run))
		result_fill_offered(
			&request->histograms[STATS_REQUEST_RESPONSE], l->planned, &to->offered);
	return r;
}

/* In the order of the plan; absent where it names none. */
static int run_fill_requests(const struct run *run, struct result_list *to)
{
	int r = 0;

	for (size_t i = 0; i < run->totals.n_requests && r == 0; i++) {
		struct result_request *request =
			result_list_add(&result_request_table, to, run->plan->requests[i].name);

		r = request ? run_fill_request(run, i, request) : -ENOMEM;
	}
	return r;
}

/* Row i of the table. Where the run's own end cuts it short it is shorter. */
static int run_fill_stage(const struct run *run, size_t i, const char *text, struct result_list *to)
{
	const struct stats_stage *stage = &run->totals.stages[i];
	struct result_stage *row;
	int64_t start_ns, end_ns, paused_ns;
	int r;

	if (!schedule_row_span(run_schedule(run), i, &start_ns, &end_ns, &paused_ns))
		return 0;
	start_ns -= run->times.window_start_ns - run->times.t0_ns;
	end_ns = end_ns == CLOCK_NEVER ? end_ns
				       : end_ns - (run->times.window_start_ns - run->times.t0_ns);
	if (end_ns > run_window_ns(run))
		end_ns = run_window_ns(run);
	if (start_ns < 0 || start_ns >= end_ns)
		return 0;
	row = result_list_add(&result_stage_table, to, NULL);
	if (!row)
		return -ENOMEM;
	row->number = (int64_t)i + 1;
	row->start_ns = start_ns;
	row->end_ns = end_ns;
	r = result_set_text(&row->kind, "stage") | result_set_text(&row->text, text) |
	    run_fill_one_latency(
		    stats_histogram_names[STATS_RESPONSE], &stage->response, &row->latency, NULL) |
	    run_fill_one_latency(
		    stats_histogram_names[STATS_OUR_DELAY], &stage->our_delay, &row->latency, NULL);
	run_fill_counts(&stage->ledger, end_ns - start_ns - paused_ns, &row->ledger, &row->rates);
	result_fill_offered(&stage->response, stage->ledger.planned, &row->offered);
	return r;
}

/* Measured stages, and steps of them, that had begun, in the order of the plan. */
static int run_fill_stages(const struct run *run, struct result_list *to)
{
	char step[160];
	size_t row = 0;
	int r = 0;

	if (!run_schedule(run) || run->totals.n_stages == 0)
		return 0;
	to->is = RESULT_IS_THERE;
	for (size_t i = 0; i < run->plan->n_stages; i++) {
		size_t n = plan_stage_rows(run->plan, i);

		for (size_t k = 0; k < n && r == 0; k++, row++) {
			if (n > 1)
				plan_format_step(&run->plan->stages[i], k, n, step, sizeof(step));
			r = run_fill_stage(run, row, n > 1 ? step : run->plan->stage_texts[i], to);
		}
	}
	return r;
}

static void run_fill_connections(const struct run *run, struct result_connections *to)
{
	const struct worker_summary *s = &run->summary;

	to->is = RESULT_IS_THERE;
	to->limit = (int64_t)run->admission.connections;
	to->allowed = run->admission.connections_most > 0 ? (int64_t)run->admission.connections_most
							  : RESULT_NULL;
	to->peak = (int64_t)s->connections_peak;
	to->opened = (int64_t)s->opened;
	to->closed_by_peer = (int64_t)s->closed_by_peer;
	to->closed_by_us = (int64_t)s->closed_by_us;
	to->surplus = (int64_t)s->surplus;
	to->stale = (int64_t)s->stale;
	to->reset_beside = (int64_t)s->reset_beside;
	to->reused_share =
		s->requests > 0 ? 1 - (double)s->requests_on_new / (double)s->requests : 0;
	to->queue_peak = (int64_t)s->queue_peak;
	to->held_by_pace = (int64_t)s->held_by_pace;
	to->open_rate_per_s =
		run->plan->open_rate.num > 0
			? (double)run->plan->open_rate.num / (double)run->plan->open_rate.den
			: RESULT_REAL_NULL;
	if (run->plan->url.tls)
		to->tls_resumed_share = s->tls.handshakes > 0
						? (double)s->tls.resumed / (double)s->tls.handshakes
						: RESULT_REAL_NULL;
}

/* First what is no figure of the audit, so that no report is without it; the audit adds its own. */
static int run_fill_notes(
	const struct run *run, const struct run_figures *figures, struct result_list *to)
{
	int r = 0;

	to->is = RESULT_IS_THERE;
	if (run->plan->url.tls && !run->plan->tls_verify)
		r |= result_add_note(to, note_table[NOTE_NOT_VERIFIED].code, 0, 0, NULL,
			"certificate not verified (-k)", "");
	if (run->admission.note[0])
		r |= result_add_note(
			to, note_table[NOTE_PORTS].code, 0, 0, NULL, run->admission.note, "");
	return r | run_figures_note(figures, to);
}

static int run_fill_host(struct result_host *to)
{
	json_t *host = host_json();
	int r = host ? result_table_read(&result_host_table, host, to, NULL) : -ENOMEM;

	json_decref(host);
	return r;
}

/* What it used of the descriptors, with all else that this process has open, and of the ports. */
static void run_fill_resources(const struct run *run, struct result_generator *to)
{
	const struct admission_room *room = &run->room;
	bool is_colocated = run_target_is_colocated(&run->target);

	to->descriptors.is = to->ports.is = RESULT_IS_THERE;
	to->descriptors.limit = (int64_t)room->descriptor_limit;
	to->descriptors.used_at_most =
		(int64_t)(room->descriptors_used + run->n_started * PLAN_DESCRIPTORS_PER_WORKER +
			  run->summary.connections_peak);
	to->ports.range = (int64_t)room->ports.n;
	/* Whether a port in TIME_WAIT can be taken again at once. */
	to->ports.reused = room->ports.tw_reuse == 1 || (room->ports.tw_reuse == 2 && is_colocated)
				   ? RESULT_YES
				   : RESULT_NO;
}

static int run_fill_generator(
	const struct run *run, const struct run_figures *figures, struct result_generator *to)
{
	uint64_t requests = run->summary.requests;
	int r = run_fill_notes(run, figures, &to->notes) | run_fill_host(&to->host) |
		run_host_fill(&run->host, to);

	to->is = RESULT_IS_THERE;
	r |= result_set_text(&to->version, RPSD_VERSION);
	to->workers = (int64_t)run->admission.n_workers;
	to->cpu_ns_per_request = requests > 0 ? (double)run->summary.cpu_ns / (double)requests : 0;
	to->little_residual = result_share(run_little_residual(run));
	to->rx_slack_p99_ns =
		result_figure(quantile_served(run_histogram(run, STATS_RX_SLACK), 0.99));
	if (run_histogram(run, STATS_SERVICE)->count > 0)
		to->rx_unstamped_share = (double)run->totals.unstamped /
					 (double)run_histogram(run, STATS_SERVICE)->count;
	else
		to->rx_unstamped_share = RESULT_REAL_NULL;
	to->colocated = run_target_is_colocated(&run->target) ? RESULT_YES : RESULT_NO;
	to->merged_intervals = (int64_t)run->totals.merged_intervals;
	to->unbalanced_intervals = (int64_t)run->summary.unbalanced;
	run_fill_resources(run, to);
	/* Not of Unix sockets, nor where the kernel does not count. */
	to->tcp_segments = to->retransmits = RESULT_NULL;
	if (run->summary.segments.sent > 0) {
		to->tcp_segments = (int64_t)run->summary.segments.sent;
		to->retransmits = (int64_t)run->summary.segments.again;
	}
	return r;
}

/* What a person has done to it says also who, from what and to what. */
static int run_fill_event(const struct run_event *e, struct result_event *to)
{
	int r = result_set_text(&to->kind, e->kind) | result_set_text(&to->text, e->text);

	to->at_ns = e->at_ns;
	if (e->user[0])
		r |= result_set_text(&to->user, e->user);
	if (e->from[0])
		r |= result_set_text(&to->from, e->from);
	if (e->to[0])
		r |= result_set_text(&to->to, e->to);
	return r;
}

static int run_fill_events(const struct run *run, struct result_list *to)
{
	int r = 0;

	to->is = RESULT_IS_THERE;
	for (size_t i = 0; i < run->n_events && r == 0; i++) {
		struct result_event *event = result_list_add(&result_event_table, to, NULL);

		r = event ? run_fill_event(&run->events[i], event) : -ENOMEM;
	}
	return r;
}

static int run_fill_intervals(const struct run *run, struct result_intervals *to)
{
	if (run->timeline)
		return timeline_fill(run->timeline, run_window_ns(run), to);
	to->is = to->rows.is = RESULT_IS_THERE;
	to->width_ns = run->plan->interval_ns;
	return 0;
}

/* Not judged yet. */
static int run_fill_thresholds(const struct run *run, struct result *to)
{
	int r = 0;

	to->thresholds.is = RESULT_IS_THERE;
	for (size_t i = 0; i < run->plan->n_thresholds && r == 0; i++) {
		const struct plan_threshold *t = &run->plan->thresholds[i];
		struct result_threshold *row;

		r = result_rules_add(
			to, &t->rule, t->is_abort ? RESULT_RULE_ABORT : RESULT_RULE_REQUIRE);
		if (r < 0 || run->aborted_by != i + 1)
			continue;
		row = (struct result_threshold *)to->thresholds.rows + i;
		row->value =
			isfinite(run->aborted_by_value) ? run->aborted_by_value : RESULT_REAL_NULL;
		row->first_broken_ns = run->aborted_at_ns;
	}
	return r;
}

/* ---------------------------------------------------------------- the whole */

static int run_fill(const struct run *run, const struct run_figures *figures, struct result *to)
{
	const struct ledger *ledgers = run->totals.ledgers;
	int r = result_set_text(&to->schema, RESULT_SCHEMA);

	to->is = RESULT_IS_THERE;
	r |= run_fill_run(run, &to->run);
	run_fill_headline(run, &to->headline);
	r |= run_fill_plan(run, &to->plan);
	run_fill_window(run, &to->window);
	r |= run_fill_thresholds(run, to);
	result_fill_ledger(run_ledger(run), &to->ledger);
	result_fill_outside(&ledgers[STATS_WARMUP], &ledgers[STATS_WINDOW],
		&ledgers[STATS_COOLDOWN], run->totals.retries, &to->outside);
	run_fill_rates(run, &to->rates);
	run_fill_bytes(run, &to->bytes);
	r |= run_fill_latency(run, figures, &to->latency);
	r |= run_fill_errors(run, &to->errors);
	r |= run_fill_statuses(run, &to->statuses);
	run_fill_connections(run, &to->connections);
	r |= run_fill_intervals(run, &to->intervals);
	r |= run_fill_generator(run, figures, &to->generator);
	r |= run_fill_events(run, &to->events);
	r |= run_fill_redirects(run, &to->redirects);
	if (run_schedule(run))
		result_fill_offered(
			run_histogram(run, STATS_RESPONSE), run_ledger(run)->planned, &to->offered);
	r |= run_fill_requests(run, &to->requests);
	r |= run_fill_stages(run, &to->stages);
	r |= run_figures_batches(figures, &to->batches);
	r |= run_figures_steadiness(figures, &to->steadiness);
	r |= run_figures_slowest(figures, &to->slowest);
	return r;
}

/* What the audit cannot know: which file, list or source of the plan's it was, and that nothing was
 * asked of the server, so that there is nothing to see there. 0 or -ENOMEM. */
static int run_judge(const struct run *run, struct result *to)
{
	struct audit audit;

	audit_judge(to, &audit);
	if (run->failed_by == FAULT_TLS_SETUP) {
		audit.exit_code = EXIT_CONFIG;
		(void)snprintf(audit.try_text, sizeof(audit.try_text),
			"another file for --cacert, --cert or --key ([tls] ca-file, certificate "
			"or key), or other ciphers");
	}
	if (run->failed_by != FAULT_NONE && strstr(run->reason, RESOLVER_NO_SOURCE))
		(void)snprintf(audit.try_text, sizeof(audit.try_text),
			"an address of that family in [connections] source");
	if (run_target_is_refused(&run->target)) {
		audit.exit_code = EXIT_REFUSED;
		(void)snprintf(audit.try_text, sizeof(audit.try_text), "%s",
			strstr(run->reason, "[policy]")
				? "root can list the address in rpsd.conf: [policy] allow = ADDRESS"
				: "");
	}
	return audit_fill(&audit, to) < 0 ? -ENOMEM : result_rules_judge(to, NULL);
}

json_t *run_result_build(struct run *run)
{
	unsigned long n_failures = memory_failures();
	struct run_figures figures;
	struct result result;
	json_t *doc = NULL;

	if (run_figures_init(&figures, run) < 0)
		return NULL;
	result_init(&result);
	if (run_fill(run, &figures, &result) == 0 && run_judge(run, &result) == 0) {
		run->exit_code = (int)result.run.exit_code;
		doc = result_write(&result);
	}
	result_fini(&result);
	run_figures_fini(&figures);
	if (memory_failures() == n_failures)
		return doc;
	/* Some member may lack what could not be allocated. */
	json_decref(doc);
	return NULL;
}
