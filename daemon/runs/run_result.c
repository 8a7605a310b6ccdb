/* SPDX-License-Identifier: Apache-2.0 */
/* A finished run as its document (schema rpsd.result/1). Each function makes one member; where one
 * has no memory there is no document at all (run_result_build), whether the function looked or not.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/plan_connections.h"
#include "common/plan_json.h"
#include "common/quantile.h"
#include "common/result.h"
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
	int64_t ns = run->window_end_ns - run->window_start_ns;

	return run->t0_ns > 0 && ns > 0 ? ns : 0;
}

/* The window without what was paused of it. */
static int64_t run_sending_ns(const struct run *run)
{
	int64_t ns = run_window_ns(run) - run_paused_ns(run);

	return ns > 0 ? ns : 0;
}

/* A count per second of that; 0 without any. */
static double run_per_s(const struct run *run, uint64_t count)
{
	int64_t ns = run_sending_ns(run);

	return ns > 0 ? (double)count * (double)NSEC_PER_SEC / (double)ns : 0;
}

static const struct histogram *run_histogram(const struct run *run, enum stats_histogram which)
{
	return &run->totals.histograms[which];
}

/* What the headline speaks of: response in the open model, service in the closed one. */
static enum stats_histogram run_main_histogram(const struct run *run)
{
	return run->schedule ? STATS_RESPONSE : STATS_SERVICE;
}

static int64_t run_offered(const struct run *run, double q)
{
	return quantile_offered(
		run_histogram(run, run_main_histogram(run)), run_ledger(run)->planned, q);
}

static json_t *run_ms(int64_t ns)
{
	return ns == QUANTILE_NONE ? json_null() : json_real((double)ns / 1e6);
}

static json_t *run_instant(int64_t unix_ns)
{
	time_t seconds = unix_ns / NSEC_PER_SEC;
	char text[32];
	struct tm tm;

	if (unix_ns == 0 || !gmtime_r(&seconds, &tm))
		return json_null();
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

/* ---------------------------------------------------------------- the audit's figures */

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

static unsigned run_main_redirect(const struct run *run)
{
	int most = 300;

	for (int i = 300; i < 400; i++)
		if (run_is_redirect(i) && run->totals.statuses[i] > run->totals.statuses[most])
			most = i;
	return (unsigned)most;
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

/* Where the first redirect pointed to; NULL: nobody knows. */
static const char *run_location(const struct run *run)
{
	return run->summary.location[0] != '\0' ? run->summary.location : NULL;
}

/* In and around the window. */
static uint64_t run_sent(const struct run *run)
{
	uint64_t n = 0;

	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		n += run->totals.ledgers[i].sent;
	return n;
}

static struct audit_input run_audit_input(const struct run *run)
{
	const struct histogram *service = run_histogram(run, STATS_SERVICE);
	const struct histogram *ours = run_histogram(run, STATS_OUR_DELAY);
	const struct histogram *wait = run_histogram(run, STATS_CONNECTION_WAIT);
	int64_t window_ns = run_window_ns(run);

	return (struct audit_input){
		.is_open = run->schedule != NULL,
		.outcome = run->outcome,
		.ledger = *run_ledger(run),
		.window_ns = run_sending_ns(run),
		.planned_per_s = run->schedule ? run_per_s(run, run_ledger(run)->planned) : 0,
		.ok_per_s = run_per_s(run, run->totals.ok_in_window),
		.response_p50 = run->schedule ? run_offered(run, 0.5) : -1,
		.response_p99 = run->schedule ? run_offered(run, 0.99) : -1,
		.service_p50 = quantile_served(service, 0.5),
		.service_p99 = quantile_served(service, 0.99),
		.service_mean = service->count > 0 ? (int64_t)histogram_mean(service) : -1,
		.our_delay_p50 = run->schedule ? quantile_served(ours, 0.5) : -1,
		.our_delay_p99 = run->schedule ? quantile_served(ours, 0.99) : -1,
		.request_timeout = run->plan->request_timeout_ns,
		.connection_wait_p50 = quantile_served(wait, 0.5),
		.connection_wait_p99 = quantile_served(wait, 0.99),
		.rx_slack_p99 = quantile_served(run_histogram(run, STATS_RX_SLACK), 0.99),
		.connections_limit = run->summary.connections_limit,
		.connections_most = run->admission.connections_most,
		.connections_peak = run->summary.connections_peak,
		.failed_by = run->failed_by,
		.faults = run->totals.faults,
		.retries = run->totals.retries,
		.surplus = run->summary.surplus,
		.sent = run_sent(run),
		.answers = run_count_answers(run, NULL),
		.redirects = run_wants_redirects(run) ? 0 : run_count_answers(run, run_is_redirect),
		.redirect_status = run_main_redirect(run),
		.location = run_location(run),
		.url = run->plan->url_text,
		.method = run->plan->n_requests == 1 ? run->plan->requests[0].method : NULL,
		.is_tls = run->plan->url.tls,
		.certificate_name = run->summary.certificate_name[0] != '\0'
					    ? run->summary.certificate_name
					    : NULL,
		.takes_any_certificate = run->plan->url.tls && !run->plan->tls_verify,
		.unix_path = plan_connect_unix(run->plan),
		.is_one_family = run->plan->addresses == PLAN_ADDRESSES_V4 ||
				 run->plan->addresses == PLAN_ADDRESSES_V6,
		.workers = run->n_started,
		.cpu_share = run->busiest_cpu_share,
		.short_interval_share =
			run->timeline ? timeline_short_share(run->timeline, window_ns) : 0,
		.little_residual = run_little_residual(run),
		.stalled_share = run->stalled_share,
		.is_colocated = run->is_colocated,
	};
}

/* ---------------------------------------------------------------- members */

/* Steals both; NULL where either is. */
static json_t *run_json_with(json_t *object, const char *key, json_t *value)
{
	if (object && json_object_set_new(object, key, value) == 0)
		return object;
	if (!object)
		json_decref(value);
	json_decref(object);
	return NULL;
}

static json_t *run_json_labels(const struct run *run)
{
	const struct plan *plan = run->plan;
	json_t *all = json_object();

	for (size_t i = 0; i < plan->n_labels; i++)
		(void)json_object_set_new(
			all, plan->labels[i].name, json_text(plan->labels[i].text));
	return all;
}

static json_t *run_json_run(const struct run *run)
{
	int64_t started_ns = run->started_unix_ns ? run->started_unix_ns : run->created_unix_ns;
	json_t *doc = json_pack("{s:s s:s s:s s:o s:s s:s s:s s:o s:i s:o s:I s:o}", "id", run->id,
		"uuid", run->uuid, "name", run->plan->name, "labels", run_json_labels(run), "user",
		run->user, "state", run_state_names[RUN_FINISHED], "outcome",
		audit_outcome_names[run->outcome], "reason", json_text(run->reason), "exit_code",
		run->exit_code, "started", run_instant(started_ns), "started_unix_ns",
		(json_int_t)started_ns, "ended", run_instant(run->ended_unix_ns));

	if (run->failed_by == FAULT_NONE)
		return doc;
	return run_json_with(doc, "failed_by", json_string(fault_table[run->failed_by].name));
}

static json_t *run_json_headline(
	const struct run *run, const struct audit *audit, const struct run_figures *figures)
{
	char unsteady[256] = "";

	/* The percentiles of the headline are marked, if there is nothing worse to say. */
	if (audit->because[0] == '\0')
		(void)run_figures_unsteady(figures, unsteady);
	return json_pack("{s:s s:s s:o s:o s:f s:f s:f s:o s:o s:o}", "result",
		audit_headline_names[audit->headline], "limited_by",
		audit_limit_names[audit->limited_by], "because",
		json_text(audit->because[0] ? audit->because : unsteady), "try",
		json_text(audit->try_text), "planned_per_s",
		run_per_s(run, run_ledger(run)->planned), "ok_per_s",
		run_per_s(run, run->totals.ok_in_window), "failed_share",
		ledger_failed_share(run_ledger(run)), "p50_ms", run_ms(run_offered(run, 0.5)),
		"p99_ms", run_ms(run_offered(run, 0.99)), "our_delay_share_of_p99",
		audit->our_delay_share_of_p99 < 0 ? json_null()
						  : json_real(audit->our_delay_share_of_p99));
}

/* What was agreed on; null where there was no handshake. */
static json_t *run_json_tls(const struct run *run)
{
	const struct tls_info *info = &run->summary.tls_info;
	bool is_known = info->version[0] != '\0';

	return json_pack("{s:o s:o s:b s:s}", "version",
		is_known ? json_string(info->version) : json_null(), "cipher",
		is_known ? json_string(info->cipher) : json_null(), "verify",
		(int)run->plan->tls_verify, "server_name", run->plan->tls_server_name);
}

/* What of the target a run finds out is added to what the plan says of it. */
static json_t *run_json_plan(const struct run *run)
{
	const struct plan *plan = run->plan;
	struct plan_granted granted = {run->admission.n_workers, run->admission.connections};
	json_t *doc = plan_json(plan, granted);
	json_t *target = json_object_get(doc, "target");
	int failed = json_object_set_new(target, "addresses", run_reach_json(run));

	if (plan->url.tls)
		failed |= json_object_set_new(target, "tls_info", run_json_tls(run));
	if (!failed)
		return doc;
	json_decref(doc);
	return NULL;
}

static json_t *run_json_window(const struct run *run)
{
	int64_t planned_end_ns = run->stopped_at_ns ? run->stopped_at_ns : run->end_ns;
	int64_t drain_ns = 0;

	if (run->t0_ns == 0)
		return json_null();
	if (planned_end_ns != CLOCK_NEVER && run->drained_ns > planned_end_ns)
		drain_ns = run->drained_ns - planned_end_ns;
	return json_pack("{s:I s:I s:I s:I s:I s:I}", "start_ns",
		(json_int_t)(run->window_start_ns - run->t0_ns), "end_ns",
		(json_int_t)(run->window_start_ns - run->t0_ns + run_window_ns(run)), "warmup_ns",
		(json_int_t)plan_warmup_ns(run->plan), "cooldown_ns",
		(json_int_t)run->plan->cooldown_ns, "drain_ns", (json_int_t)drain_ns, "paused_ns",
		(json_int_t)run_paused_ns(run));
}

static json_t *run_json_rates(const struct run *run)
{
	return json_pack("{s:f s:f s:f s:f s:f s:f}", "planned_per_s",
		run_per_s(run, run_ledger(run)->planned), "sent_per_s",
		run_per_s(run, run->totals.sent_in_window), "completed_per_s",
		run_per_s(run, run->totals.completed_in_window), "ok_per_s",
		run_per_s(run, run->totals.ok_in_window), "bytes_in_per_s",
		run_per_s(run, run->totals.bytes_in), "bytes_out_per_s",
		run_per_s(run, run->totals.bytes_out));
}

static json_t *run_json_latency(const struct run *run)
{
	json_t *all = json_object();

	for (int i = 0; i < STATS_HISTOGRAM_COUNT; i++) {
		bool needs_schedule = i == STATS_RESPONSE || i == STATS_RESPONSE_LESS_OURS ||
				      i == STATS_OUR_DELAY || i == STATS_CONNECTION_WAIT;

		if (needs_schedule && !run->schedule)
			continue; /* absent: the closed model knows service time only */
		if (i == STATS_TLS && !run->plan->url.tls)
			continue;
		if (json_object_set_new(all, stats_histogram_names[i],
			    result_latency(run_histogram(run, (enum stats_histogram)i))) < 0) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static json_t *run_json_errors(const struct run *run)
{
	json_t *all = json_array();

	for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
		const struct stats_fault *f = &run->totals.faults[i];

		if (f->count > 0)
			(void)json_array_append_new(all,
				json_pack("{s:s s:s s:I s:I s:I s:o}", "class", fault_table[i].name,
					"phase", fault_phase_names[fault_table[i].phase], "count",
					(json_int_t)f->count, "first_ns", (json_int_t)f->first_ns,
					"last_ns", (json_int_t)f->last_ns, "example",
					json_text(f->example)));
	}
	return all;
}

static json_t *run_json_statuses(const struct run *run)
{
	json_t *all = json_object();
	char name[16];

	for (int i = 0; i < STATS_STATUS_MAX; i++) {
		if (run->totals.statuses[i] == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%03d", i);
		(void)json_object_set_new(
			all, name, json_integer((json_int_t)run->totals.statuses[i]));
	}
	return all;
}

/* Of answers in the measured window. */
static json_t *run_json_redirects(const struct run *run)
{
	uint64_t n = run_count_answers(run, run_is_redirect);
	uint64_t answers = run_count_answers(run, NULL);
	const char *location = run_location(run);

	return json_pack("{s:I s:o s:o}", "count", (json_int_t)n, "share",
		answers > 0 ? json_real((double)n / (double)answers) : json_null(), "location",
		location ? json_text(location) : json_null());
}

static json_t *run_json_request_latency(const struct run *run, const struct stats_request *request)
{
	json_t *all = json_object();

	for (int i = 0; i < STATS_REQUEST_HISTOGRAM_COUNT && all; i++)
		if (i != STATS_REQUEST_RESPONSE || run->schedule)
			all = run_json_with(all, stats_request_histogram_names[i],
				result_latency(&request->histograms[i]));
	return all;
}

static json_t *run_json_request(const struct run *run, size_t i)
{
	const struct plan_request *planned = &run->plan->requests[i];
	const struct stats_request *request = &run->totals.requests[i];
	const struct ledger *l = &request->ledger;
	uint64_t all = run_ledger(run)->planned;
	json_t *doc = json_pack("{s:s s:o s:I s:f s:o s:{s:f s:f s:f} s:o}", "method",
		planned->method, "target", json_text(planned->target), "weight",
		(json_int_t)planned->weight, "share",
		all > 0 ? (double)l->planned / (double)all : 0.0, "ledger", result_ledger(l),
		"rates", "planned_per_s", run_per_s(run, l->planned), "sent_per_s",
		run_per_s(run, l->sent), "ok_per_s", run_per_s(run, l->classes[LEDGER_OK]),
		"latency", run_json_request_latency(run, request));

	if (!run->schedule)
		return doc;
	return run_json_with(doc, "offered",
		result_offered(&request->histograms[STATS_REQUEST_RESPONSE], l->planned));
}

/* In the order of the plan. */
static json_t *run_json_requests(const struct run *run)
{
	json_t *all = json_object();

	for (size_t i = 0; i < run->totals.n_requests && all; i++)
		all = run_json_with(all, run->plan->requests[i].name, run_json_request(run, i));
	return all;
}

static json_t *run_json_connections(const struct run *run)
{
	const struct worker_summary *s = &run->summary;
	double reused = s->requests > 0 ? 1 - (double)s->requests_on_new / (double)s->requests : 0;

	json_t *all = json_pack("{s:I s:I s:I s:I s:I s:I s:I s:f s:I}", "limit",
		(json_int_t)run->admission.connections, "peak", (json_int_t)s->connections_peak,
		"opened", (json_int_t)s->opened, "closed_by_peer", (json_int_t)s->closed_by_peer,
		"closed_by_us", (json_int_t)s->closed_by_us, "surplus", (json_int_t)s->surplus,
		"stale", (json_int_t)s->stale, "reused_share", reused, "queue_peak",
		(json_int_t)s->queue_peak);

	if (all && run->plan->url.tls)
		(void)json_object_set_new(all, "tls_resumed_share",
			s->tls.handshakes > 0
				? json_real((double)s->tls.resumed / (double)s->tls.handshakes)
				: json_null());
	return all;
}

static json_t *run_json_generator(const struct run *run, const struct audit_input *in,
	const struct audit *audit, json_t *steadiness)
{
	json_t *notes = steadiness ? json_array() : NULL;
	uint64_t requests = run->summary.requests;

	/* First, and a note, so that no report is without it. */
	if (run->plan->url.tls && !run->plan->tls_verify)
		(void)json_array_append_new(
			notes, json_pack("{s:s s:f s:f s:s s:s}", "code",
				       "certificate-not-verified", "value", 0.0, "limit", 0.0,
				       "text", "certificate not verified (-k)", "try", ""));
	if (run->admission.note[0])
		(void)json_array_append_new(notes,
			json_pack("{s:s s:f s:f s:o s:s}", "code", "ports", "value", 0.0, "limit",
				0.0, "text", json_text(run->admission.note), "try", ""));
	if (json_is_object(steadiness))
		(void)json_array_append(notes, steadiness);
	json_decref(steadiness);
	for (size_t i = 0; i < audit->n_notes; i++) {
		const struct audit_note *n = &audit->notes[i];

		(void)json_array_append_new(
			notes, json_pack("{s:s s:f s:f s:s s:o s:o}", "code", n->code, "value",
				       n->value, "limit", n->limit, "unit", audit_note_unit(n),
				       "text", json_text(n->text), "try", json_text(n->try_text)));
	}
	return run_audit_json(run, in,
		json_pack("{s:s s:o s:s s:o s:i s:f s:f s:o s:f s:b s:I}", "verdict",
			audit_verdict_names[audit->verdict], "notes", notes, "version",
			RPSD_VERSION, "host", host_json(), "workers", (int)run->admission.n_workers,
			"cpu_share", in->cpu_share, "cpu_ns_per_request",
			requests > 0 ? (double)run->summary.cpu_ns / (double)requests : 0.0,
			"little_residual",
			in->little_residual < 0 ? json_null() : json_real(in->little_residual),
			"stalled_share", in->stalled_share, "colocated", run->is_colocated,
			"merged_intervals", (json_int_t)run->totals.merged_intervals));
}

/* What somebody has done to it says also who, from what and to what. */
static json_t *run_json_event(const struct run_event *e)
{
	json_t *doc = json_pack("{s:I s:s s:o}", "at_ns", (json_int_t)e->at_ns, "kind", e->kind,
		"text", json_text(e->text));

	if (doc && e->user[0])
		doc = run_json_with(doc, "user", json_text(e->user));
	if (doc && e->from[0])
		doc = run_json_with(doc, "from", json_text(e->from));
	if (doc && e->to[0])
		doc = run_json_with(doc, "to", json_text(e->to));
	return doc;
}

static json_t *run_json_events(const struct run *run)
{
	json_t *all = json_array();

	for (size_t i = 0; i < run->n_events; i++)
		(void)json_array_append_new(all, run_json_event(&run->events[i]));
	return all;
}

static json_t *run_json_intervals(const struct run *run)
{
	if (!run->timeline)
		return json_pack(
			"{s:I s:[]}", "width_ns", (json_int_t)run->plan->interval_ns, "rows");
	return timeline_json(run->timeline, run_window_ns(run));
}

/* Steals the document and returns it. */
static json_t *run_json_more(const struct run *run, const struct run_figures *figures, json_t *doc)
{
	if (doc)
		doc = run_json_with(doc, "redirects", run_json_redirects(run));
	if (doc && run->schedule)
		doc = run_json_with(doc, "offered",
			result_offered(
				run_histogram(run, STATS_RESPONSE), run_ledger(run)->planned));
	if (doc && run->totals.n_requests > 0)
		doc = run_json_with(doc, "requests", run_json_requests(run));
	if (doc)
		doc = run_json_with(doc, "batches", run_figures_batches(figures));
	if (doc)
		doc = run_json_with(doc, "steadiness", run_figures_steadiness(figures));
	if (doc)
		doc = run_json_with(doc, "slowest", run_figures_slowest(figures));
	return doc;
}

json_t *run_result_build(struct run *run)
{
	unsigned long n_failures = memory_failures();
	struct audit_input in = run_audit_input(run);
	const struct ledger *ledgers = run->totals.ledgers;
	struct run_figures figures;
	struct audit audit;
	json_t *doc;

	run_audit_fill(run, &in);
	audit_judge(&in, &audit);
	run->exit_code = run->is_refused ? EXIT_REFUSED : audit.exit_code;
	if (run->failed_by == FAULT_TLS_SETUP) {
		run->exit_code = EXIT_CONFIG;
		(void)snprintf(audit.try_text, sizeof(audit.try_text),
			"see the reason; the files are --cacert, --cert and --key ([tls] "
			"ca-file, certificate and key)");
	}
	/* Nothing was asked of the server: there is nothing to see there. */
	if (run->is_refused)
		(void)snprintf(audit.try_text, sizeof(audit.try_text), "%s",
			strstr(run->reason, "[policy]")
				? "root can list the address in rpsd.conf: [policy] allow = ADDRESS"
				: "");
	if (run_figures_init(&figures, run) < 0)
		return NULL;
	doc = json_pack("{s:s s:o s:o s:o s:o s:[] s:o s:o s:o s:o s:o s:o s:o s:o s:o "
			"s:o}",
		"schema", RESULT_SCHEMA, "run", run_json_run(run), "headline",
		run_json_headline(run, &audit, &figures), "plan", run_json_plan(run), "window",
		run_json_window(run), "thresholds", "ledger", result_ledger(run_ledger(run)),
		"outside",
		result_outside(&ledgers[STATS_WARMUP], &ledgers[STATS_WINDOW],
			&ledgers[STATS_COOLDOWN], run->totals.retries),
		"rates", run_json_rates(run), "latency",
		run_figures_confidence(&figures, run_json_latency(run)), "errors",
		run_json_errors(run), "statuses", run_json_statuses(run), "connections",
		run_json_connections(run), "intervals", run_json_intervals(run), "generator",
		run_json_generator(run, &in, &audit, run_figures_note(&figures)), "events",
		run_json_events(run));
	doc = run_json_more(run, &figures, doc);
	run_figures_fini(&figures);
	if (memory_failures() == n_failures)
		return doc;
	/* Some member may lack what could not be allocated. */
	json_decref(doc);
	return NULL;
}
