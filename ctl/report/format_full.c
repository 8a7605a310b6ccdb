/* SPDX-License-Identifier: Apache-2.0 */
/* The full report after the one screen (-v): nine blocks in a fixed order, if the result has their
 * figures: the result and whether it is reliable, the load and steering acts, the ledger, the
 * rates, percentiles over all planned arrivals with their intervals, the times of good answers side
 * by side, errors, the generator, the plan. No number appears without its load model. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/stats/ledger.h"
#include "common/stats/quantile.h"
#include "common/json_path.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

/* "  steadiness" and a blank. */
#define FORMAT_FULL_LABEL 13u

static void format_full_title(struct report *r, const char *title)
{
	report_gap(r);
	report_line(r, "%s", title);
}

static const char *format_full_string(const json_t *string)
{
	return json_is_string(string) ? json_string_value(string) : "?";
}

/* Is it enough, and was it one state? */
static void format_full_result(struct report *r)
{
	const char *word = json_path_text(r->doc, "steadiness.word");
	const char *because = json_path_text(r->doc, "steadiness.because");
	struct report_verdict v;
	char text[600];

	report_judge(r, &v);
	format_full_title(r, "Result");
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", v.word, *v.missing || *v.facts ? ": " : "",
		v.missing, *v.missing && *v.facts ? "; " : "", v.facts);
	report_wrapped(r, "  verdict", FORMAT_FULL_LABEL, text);
	if (str_eq(word, "staged"))
		because = "there was more than one rate, so it is not judged";
	else if (str_eq(word, "unknown"))
		because = "too few intervals to tell";
	(void)snprintf(text, sizeof(text), "%.40s%s%.200s", word, *because ? ": " : "", because);
	if (*word)
		report_wrapped(r, "  steadiness", FORMAT_FULL_LABEL, text);
	report_not_enough(r, text, sizeof(text));
	if (!*text && report_has_intervals(r))
		(void)snprintf(text, sizeof(text), "enough for each percentile that is served");
	if (*text)
		report_wrapped(r, "  data", FORMAT_FULL_LABEL, text);
}

/* How arrivals are timed and what becomes of them without a connection; of older results nothing is
 * known. */
static void format_full_policy(struct report *r)
{
	const char *pacing = json_path_text(r->doc, "plan.effective.pacing");
	const char *exhausted = json_path_text(r->doc, "plan.effective.exhausted");

	if (*pacing)
		report_line(r, "  pacing     %s; timeouts %s after %s", pacing,
			json_path_text(r->doc, "plan.effective.timeout_mode"),
			figure_time(r->timeout_ns).text);
	if (*exhausted)
		report_line(r, "  policy     exhausted %s, reuse %s, close %s", exhausted,
			json_path_text(r->doc, "plan.effective.reuse"),
			json_path_text(r->doc, "plan.effective.close"));
}

static void format_full_load(struct report *r)
{
	const json_t *stages = json_path_at(r->doc, "plan.stages");
	const json_t *addresses = json_path_at(r->doc, "plan.target.addresses");
	struct buf list = {0};

	format_full_title(r, "Load");
	report_line(r, "  model      %s, arrivals %s, seed %s",
		json_path_text(r->doc, "plan.model"), json_path_text(r->doc, "plan.arrivals"),
		/* No figure: it is whatever it is. */
		figure_count(json_integer_value(json_path_at(r->doc, "plan.seed"))).text);
	for (size_t i = 0; i < json_array_size(stages); i++)
		report_line(r, "  stage %-4zu %s", i + 1,
			format_full_string(json_array_get(stages, i)));
	report_line(r, "  window     %s to %s; warm-up %s, drain %s",
		figure_clock(report_int(r, "window.start_ns")).text,
		figure_clock(report_int(r, "window.end_ns")).text,
		report_figure(r, "window.warmup_ns").text,
		report_figure(r, "window.drain_ns").text);
	for (size_t i = 0; i < json_array_size(addresses); i++)
		(void)buf_printf(&list, "%s%s", i ? ", " : "",
			format_full_string(json_array_get(addresses, i)));
	if (list.len)
		report_wrapped(r, "  addresses", 13, list.data);
	buf_fini(&list);
	report_line(r, "  pool       %s connection%s at most, %s at the peak, %s opened",
		report_figure(r, "connections.limit").text,
		report_int(r, "connections.limit") == 1 ? "" : "s",
		report_figure(r, "connections.peak").text,
		report_figure(r, "connections.opened").text);
	report_line(r, "             %s closed by the server; most waiting for one %s",
		report_figure(r, "connections.closed_by_peer").text,
		report_figure(r, "connections.queue_peak").text);
	if (report_int(r, "connections.closed_by_us") > 0 || report_int(r, "connections.stale") > 0)
		report_line(r, "             %s closed by the client; %s used too late",
			report_figure(r, "connections.closed_by_us").text,
			report_figure(r, "connections.stale").text);
	format_full_policy(r);
}

/* "planned 9 = sent 8 + dropped 1 + …" for the classes of one side. */
static void format_full_equation(struct report *r, const char *total, const char *also, bool sent)
{
	struct buf sum = {0};
	char path[48];
	const char *plus = " = ";

	(void)snprintf(path, sizeof(path), "ledger.%s", total);
	(void)buf_printf(&sum, "%s %s", total, report_figure(r, path).text);
	if (*also) {
		(void)snprintf(path, sizeof(path), "ledger.%s", also);
		(void)buf_printf(&sum, " = %s %s", also, report_figure(r, path).text);
		plus = " + ";
	}
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		if (ledger_class_is_sent((enum ledger_class)c) != sent)
			continue;
		(void)snprintf(path, sizeof(path), "ledger.%s", ledger_class_names[c]);
		/* A whole run has none. */
		if (c == LEDGER_LOST && report_int(r, path) == 0)
			continue;
		(void)buf_printf(&sum, "%s%s" REPORT_GLUE "%s", plus,
			report_class(ledger_class_names[c]).text, report_figure(r, path).text);
		plus = " + ";
	}
	if (sum.data)
		report_wrapped(r, "", 2, sum.data);
	buf_fini(&sum);
}

static void format_full_ledger(struct report *r)
{
	const char *location = json_path_text(r->doc, "redirects.location");

	format_full_title(r, "Ledger");
	format_full_equation(r, "planned", "sent", false);
	format_full_equation(r, "sent", "", true);
	report_line(r, "  outside the window: warm-up sent %s, cooldown sent %s, retries %s",
		report_figure(r, "outside.warmup.sent").text,
		report_figure(r, "outside.cooldown.sent").text,
		report_figure(r, "outside.retries").text);
	if (report_int(r, "redirects.count") > 0)
		report_line(r, "  redirects: %s, %s of the answers%s%s%s",
			report_figure(r, "redirects.count").text,
			report_figure(r, "redirects.share").text, *location ? " (to " : "",
			location, *location ? ")" : "");
}

static void format_full_rates(struct report *r)
{
	format_full_title(r, "Rates over the window, per second");
	if (!str_ends(report_rate(r, "ok").text, "/s")) {
		report_line(r, "  planned %s, ok %s: too short, or too few, for a rate",
			report_rate(r, "planned").text, report_rate(r, "ok").text);
		return;
	}
	report_line(r, "  planned %s, sent %s, completed %s, ok %s",
		report_figure(r, "rates.planned_per_s").text,
		report_figure(r, "rates.sent_per_s").text,
		report_figure(r, "rates.completed_per_s").text,
		report_figure(r, "rates.ok_per_s").text);
	report_line(r, "  in %s, out %s", report_figure(r, "rates.bytes_in_per_s").text,
		report_figure(r, "rates.bytes_out_per_s").text);
}

static void format_full_row(
	struct report *r, const char *name, const char *base, bool has_max, const char *missing)
{
	char line[256];
	size_t len = (size_t)snprintf(line, sizeof(line), "  %-12s", name);

	for (unsigned i = 0; i < quantile_n_names && len < sizeof(line); i++) {
		char field[24];

		(void)snprintf(field, sizeof(field), "%s_ns", quantile_names[i].name);
		len += (size_t)snprintf(line + len, sizeof(line) - len, " %7.20s",
			report_duration(r, base, field, missing).text);
	}
	report_line(r, "%s %7s", line, has_max ? report_duration(r, base, "max_ns", "-").text : "");
}

static void format_full_columns(struct report *r)
{
	report_line(r, "  %-12s     p50     p75     p90     p95     p99   p99.9  p99.99     max",
		r->unit);
}

/* The table of each named request. */
static const struct {
	const char *name;
	const char *base;
} format_full_times[] = {
	{"  response", "latency.response"},
	{"  service", "latency.service"},
	{"  first byte", "latency.first_byte"},
	{"  failed", "latency.failed"},
};

/* The intervals of the headline's latency: over all planned arrivals, in the closed model over
 * those with a good answer. */
static void format_full_intervals(struct report *r)
{
	const char *base = r->closed ? "latency.service" : "offered";
	const struct figure missing = r->closed ? (struct figure){"-"} : report_unserved(r, r->doc);
	char title[96];

	(void)snprintf(title, sizeof(title), "Percentiles of %s, with %.0f %% intervals",
		r->closed ? "service" : "response, offered", report_level(r) * 100);
	format_full_title(r, title);
	report_line(r, "  %-12s %9s %9s %9s %9s", r->unit, r->closed ? "service" : "offered", "low",
		"high", "n_eff");
	for (unsigned i = 0; i < quantile_n_names; i++) {
		struct report_interval interval;
		char name[16];
		char field[24];
		char *dash;

		(void)snprintf(field, sizeof(field), "%s_ns", quantile_names[i].name);
		(void)snprintf(name, sizeof(name), "%s", quantile_names[i].name);
		dash = strchr(name, '_');
		if (dash)
			*dash = '.';
		(void)report_quantile_interval(r, field, &interval);
		report_line(r, "  %-12s %9s %9s %9s %9s", name,
			report_duration(r, base, field, missing.text).text, interval.low.text,
			interval.high.text, report_effective(r, quantile_names[i].name).text);
	}
}

static void format_full_quantiles(struct report *r)
{
	static const struct {
		const char *name;
		const char *base;
	} rows[] = {
		{"response", "latency.response"},
		{"service", "latency.service"},
		{"our delay", "latency.our_delay"},
		{"conn. wait", "latency.connection_wait"},
		{"first byte", "latency.first_byte"},
		{"connect", "latency.connect"},
		{"tls", "latency.tls"},
		{"less ours", "latency.response_less_ours"},
		{"less ours", "latency.service_less_ours"},
		{"send stall", "latency.send_stall"},
		{"rx slack", "latency.rx_slack"},
	};
	char count[48];

	format_full_title(r, "Times of good answers");
	format_full_columns(r);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		(void)snprintf(count, sizeof(count), "%s.count", rows[i].base);
		if (report_int(r, count) > 0)
			format_full_row(r, rows[i].name, rows[i].base, true, "-");
	}
}

/* "planned 10: ok 9, timeout 1": what became of a name's requests. */
static void format_full_request_ledger(struct report *r)
{
	struct buf line = {0};
	char path[48];

	(void)buf_printf(&line, "planned" REPORT_GLUE "%s: ok" REPORT_GLUE "%s",
		report_figure(r, "ledger.planned").text, report_figure(r, "ledger.ok").text);
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		const char *name = ledger_class_names[c];

		(void)snprintf(path, sizeof(path), "ledger.%s", name);
		if (c != LEDGER_OK && report_int(r, path) > 0)
			(void)buf_printf(&line, ", %s" REPORT_GLUE "%s", report_class(name).text,
				report_figure(r, path).text);
	}
	if (line.data)
		report_wrapped(r, "", 4, line.data);
	buf_fini(&line);
}

/* In a cell of seven. */
static struct figure format_full_unserved(const struct report *r)
{
	struct figure f = report_unserved(r, r->doc);

	return strlen(f.text) > 7 ? (struct figure){"unserv."} : f;
}

/* The report is turned to the part of one name while its lines are written. */
static void format_full_request(struct report *r, const char *name, const json_t *part)
{
	const json_t *doc = r->doc;
	const struct result_table *table = r->table;

	r->doc = part;
	r->table = &result_request_table;
	report_line(r, "  %s: share %s, weight %s, %s %s", name, report_figure(r, "share").text,
		report_figure(r, "weight").text, json_path_text(part, "method"),
		json_path_text(part, "target"));
	format_full_request_ledger(r);
	if (!r->closed)
		format_full_row(r, "  offered", "offered", false, format_full_unserved(r).text);
	for (size_t i = 0; i < sizeof(format_full_times) / sizeof(*format_full_times); i++) {
		char count[48];

		(void)snprintf(count, sizeof(count), "%s.count", format_full_times[i].base);
		if (report_int(r, count) > 0)
			format_full_row(
				r, format_full_times[i].name, format_full_times[i].base, true, "-");
	}
	r->doc = doc;
	r->table = table;
}

static void format_full_requests(struct report *r)
{
	if (report_n_requests(r) == 0)
		return;
	format_full_title(r, "Requests");
	format_full_columns(r);
	for (void *at = report_next_request(r, NULL); at; at = report_next_request(r, at))
		format_full_request(r, json_object_iter_key(at), json_object_iter_value(at));
}

static void format_full_errors(struct report *r)
{
	const json_t *errors = json_path_at(r->doc, "errors");

	if (!json_array_size(errors))
		return;
	format_full_title(r, "Errors");
	if (report_int(r, "latency.failed.count") > 0) {
		format_full_columns(r);
		format_full_row(r, "failed", "latency.failed", true, "-");
	}
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);
		int64_t count = 0;
		int64_t first = 0;
		int64_t last = 0;

		(void)json_path_int(error, "count", &count);
		(void)json_path_int(error, "first_ns", &first);
		(void)json_path_int(error, "last_ns", &last);
		report_line(r, "  %s x %s, first at %s, last at %s", figure_count(count).text,
			report_error_name(error).text, figure_clock(first).text,
			figure_clock(last).text);
		if (*json_path_text(error, "example"))
			report_wrapped(r, "", 4, json_path_text(error, "example"));
	}
}

static void format_full_slowest(struct report *r)
{
	const json_t *slowest = json_path_at(r->doc, "slowest");
	char text[256];

	if (!json_array_size(slowest))
		return;
	format_full_title(r, "Slowest");
	for (size_t i = 0; i < json_array_size(slowest); i++) {
		report_slow(r, json_array_get(slowest, i), text, sizeof(text));
		report_line(r, "  %s", text);
	}
}

static void format_full_events(struct report *r)
{
	const json_t *events = json_path_at(r->doc, "events");

	if (!json_array_size(events))
		return;
	format_full_title(r, "Events");
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		char head[96];
		int64_t at = 0;

		(void)json_path_int(event, "at_ns", &at);
		(void)snprintf(head, sizeof(head), "  %8s  %.20s  ", figure_clock(at).text,
			json_path_text(event, "kind"));
		report_wrapped(
			r, head, (unsigned)style_columns(head), json_path_text(event, "text"));
	}
}

/* A note's value or limit; "" where the document does not say what it counts. */
static struct figure format_full_figure(const json_t *note, const char *member)
{
	const char *unit = json_path_text(note, "unit");
	struct figure none = {""};
	double v = 0;

	/* Written so that what is no number is none. */
	if (!json_path_real(note, member, &v) || !(v >= 0 && v < 9e18))
		return none;
	if (strcmp(unit, "ns") == 0)
		return figure_time((int64_t)v);
	if (strcmp(unit, "share") == 0)
		return figure_percent(v);
	return strcmp(unit, "count") == 0 ? figure_count((int64_t)v) : none;
}

/* Each reason of the verdict: its figure, its limit, and what to try. */
static void format_full_notes(struct report *r)
{
	const json_t *notes = json_path_at(r->doc, "generator.notes");

	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);
		struct figure value = format_full_figure(note, "value");
		struct figure limit = format_full_figure(note, "limit");

		if (*value.text && *json_path_text(note, "try"))
			report_line(r, "  %s: %s, limit %s", json_path_text(note, "code"),
				value.text, limit.text);
	}
}

/* The kernel's figures on the threads and the machine; absent in older documents. */
static void format_full_machine(struct report *r)
{
	double share;
	int64_t n;

	if (json_path_real(r->doc, "generator.run_queue_share", &share))
		report_line(r, "  waited for a CPU %s of the run, lost it %s times",
			figure_percent(share).text,
			report_figure(r, "generator.involuntary_switches").text);
	if (json_path_int(r->doc, "generator.loop_p99_ns", &n))
		report_line(r, "  a turn of its loop took up to %s (p99), at most %s",
			figure_time(n).text, report_figure(r, "generator.loop_max_ns").text);
	if (json_path_real(r->doc, "generator.throttled_share", &share))
		report_line(
			r, "  CPU quota ran out in %s of its periods", figure_percent(share).text);
	if (json_path_real(r->doc, "generator.softirq_share", &share))
		report_line(r, "  packets and timers %s of this machine's CPU time",
			figure_percent(share).text);
	if (json_path_int(r->doc, "generator.retransmits", &n))
		report_line(r, "  TCP: %s segments sent, %s of them again",
			report_figure(r, "generator.tcp_segments").text, figure_count(n).text);
	if (json_path_int(r->doc, "generator.clock_ns", &n))
		report_line(r, "  clock %s, %s ns a reading",
			*json_path_text(r->doc, "generator.clocksource")
				? json_path_text(r->doc, "generator.clocksource")
				: "unknown",
			figure_count(n).text);
	if (json_path_int(r->doc, "generator.descriptors.limit", &n))
		report_line(r, "  descriptors %s of %s",
			report_figure(r, "generator.descriptors.used_at_most").text,
			figure_count(n).text);
	if (json_path_int(r->doc, "generator.ports.time_wait", &n))
		report_line(r, "  ports %s, of this machine %s wait to be used again",
			report_figure(r, "generator.ports.range").text, figure_count(n).text);
}

/* The kernel has told when it received the answers, but for a few. Older documents said so of
 * all. */
static bool format_full_is_stamped(const struct report *r)
{
	return report_real(r, "generator.rx_unstamped_share") <= 0.01;
}

static void format_full_generator(struct report *r)
{
	double share;

	format_full_title(r, "Generator");
	report_line(r, "  verdict %s, workers %s, version %s",
		json_path_text(r->doc, "generator.verdict"),
		report_figure(r, "generator.workers").text,
		json_path_text(r->doc, "generator.version"));
	if (json_path_real(r->doc, "generator.cpu_share", &share))
		report_line(r, "  CPU %s of its workers' time, %s for each request",
			figure_percent(share).text,
			report_figure(r, "generator.cpu_ns_per_request").text);
	if (json_path_real(r->doc, "generator.stalled_share", &share))
		report_line(r, "  stood still %s of the run", figure_percent(share).text);
	if (json_path_real(r->doc, "generator.steal_share", &share))
		report_line(r, "  steal %s of this machine's CPU time", figure_percent(share).text);
	if (report_int(r, "latency.rx_slack.count") > 0)
		report_line(r, "  rx slack: completion stamps are late by at %s %s (p99)",
			format_full_is_stamped(r) ? "most" : "least",
			report_figure(r, "latency.rx_slack.p99_ns").text);
	if (json_path_real(r->doc, "generator.little_residual", &share))
		report_line(r, "  Little's law: in flight differs by %s from rate x service time",
			figure_share(share < 0 ? -share : share).text);
	format_full_machine(r);
	format_full_notes(r);
}

static void format_full_plan(struct report *r)
{
	const char *text = json_path_text(r->doc, "plan.text");

	format_full_title(r, "Plan");
	report_line(r, "  sha256 %s", report_plan_digest(r));
	while (*text) {
		size_t len = strcspn(text, "\n");

		report_line(r, "  %.*s", (int)(len < 4096 ? len : 4096), text);
		text += len + (text[len] == '\n');
	}
}

void format_full_append(struct report *r)
{
	format_full_result(r);
	format_full_load(r);
	format_full_events(r);
	format_full_ledger(r);
	format_full_rates(r);
	if (report_int(r, "latency.service.count") > 0) {
		format_full_intervals(r);
		format_full_quantiles(r);
	}
	format_full_requests(r);
	format_full_errors(r);
	format_full_slowest(r);
	format_full_generator(r);
	format_full_plan(r);
}
