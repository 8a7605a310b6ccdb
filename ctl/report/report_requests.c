/* SPDX-License-Identifier: Apache-2.0 */
/* The named requests of a run, a line for each, in the order of the plan. The table is below the
 * run's percentiles and shares their unit; the closed model has service times here too. What
 * belongs to a name is read with the report turned to that name's part of the document, because a
 * name may hold the point that divides a path. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

#define REPORT_REQUESTS_MAX 12u
#define REPORT_REQUEST_NAME_MIN 10u
/* The cells after a name: share, ok, p50, p99 and failed, with their blanks. */
#define REPORT_REQUEST_CELLS 49u

static json_t *report_requests(const struct report *r)
{
	return json_object_get(r->doc, "requests");
}

/* The first one after at, or of all with NULL, that has counts; NULL: none. */
void *report_next_request(const struct report *r, void *at)
{
	json_t *all = report_requests(r);

	at = at ? json_object_iter_next(all, at) : json_object_iter(all);
	while (at && !json_is_object(json_object_get(json_object_iter_value(at), "ledger")))
		at = json_object_iter_next(all, at);
	return at;
}

size_t report_n_requests(const struct report *r)
{
	size_t n = 0;

	for (void *at = report_next_request(r, NULL); at; at = report_next_request(r, at))
		n++;
	return n;
}

const char *report_plan_digest(const struct report *r)
{
	const char *digest = json_path_text(r->doc, "plan.sha256");

	return *digest ? digest : "not shown: the plan has secrets";
}

void report_method(const struct report *r, char *method, size_t size)
{
	if (report_n_requests(r) > 1)
		(void)snprintf(method, size, "%zu requests to", report_n_requests(r));
	else
		(void)snprintf(method, size, "%s", json_path_text(r->doc, "plan.target.method"));
}

struct report_request report_request(const struct report *r, const char *name)
{
	struct report part = *r;
	const char *base = r->closed ? "latency.service" : "offered";
	struct figure missing = {"-"};

	part.doc = json_object_get(report_requests(r), name);
	part.table = &result_request_table;
	if (report_int(&part, "ledger.planned") > 0)
		missing = report_unserved(r, part.doc);
	return (struct report_request){
		.share = report_figure(&part, "share"),
		.ok = report_figure(&part, "ledger.ok"),
		.p50 = report_duration(&part, base, "p50_ns", missing.text),
		.p99 = report_duration(&part, base, "p99_ns", missing.text),
		.failed = figure_count(
			report_int(&part, "ledger.planned") - report_int(&part, "ledger.ok")),
	};
}

/* The widest name, as far as there is room. */
static unsigned report_name_width(const struct report *r)
{
	size_t width = REPORT_REQUEST_NAME_MIN;
	size_t most = r->width - 2 - REPORT_REQUEST_CELLS;

	for (void *at = report_next_request(r, NULL); at; at = report_next_request(r, at)) {
		size_t columns = style_columns(json_object_iter_key(at));

		width = columns > width ? columns : width;
	}
	return (unsigned)(width < most ? width : most);
}

static void report_request_line(struct report *r, const char *name, unsigned width)
{
	struct report_request q = report_request(r, name);
	bool is_cut = style_columns(name) > width;
	size_t len = is_cut ? style_cut(name, width - 1) : strlen(name);
	size_t columns = is_cut ? width : style_columns(name);

	report_line(r, "  %.*s%s%*s  %7s %12s %8s %8s %8s", (int)len, name, is_cut ? "…" : "",
		(int)(width - columns), "", q.share.text, q.ok.text, q.p50.text, q.p99.text,
		q.failed.text);
}

void report_request_table(struct report *r)
{
	unsigned width = report_name_width(r);
	size_t n = 0;

	if (report_n_requests(r) == 0)
		return;
	report_line(r, "  %-*s  %7s %12s %8s %8s %8s", (int)width, "request", "share", "ok", "p50",
		"p99", "failed");
	for (void *at = report_next_request(r, NULL); at; at = report_next_request(r, at)) {
		if (n++ == REPORT_REQUESTS_MAX) {
			report_line(r, "  %s",
				report_more(r, report_n_requests(r) - REPORT_REQUESTS_MAX).text);
			break;
		}
		report_request_line(r, json_object_iter_key(at), width);
	}
	report_gap(r);
}

struct figure report_error_name(const json_t *error)
{
	const char *class = json_path_text(error, "class");
	const char *phase = json_path_text(error, "phase");
	struct figure f;

	/* "connect-refused" says its phase itself, "stale" does not. */
	if (!*phase || strncmp(class, phase, strlen(phase)) == 0)
		return report_class(class);
	(void)snprintf(f.text, sizeof(f.text), "%.20s: %.24s", phase, class);
	return report_class(f.text);
}

/* A time in ms as the tables have it, the name of the request if it has one, how it ended. */
void report_slow(const struct report *r, const json_t *slow, char *ret, size_t size)
{
	const char *class = json_path_text(slow, "class");
	const char *name = json_path_text(slow, "request");
	int64_t ns = 0, at_ns = 0, status = 0, connection = 0;
	char answer[24] = "", on[64] = "";

	if (!json_path_int(slow, "response_ns", &ns))
		(void)json_path_int(slow, "service_ns", &ns);
	(void)json_path_int(slow, "at_ns", &at_ns);
	(void)json_path_int(slow, "status", &status);
	/* A status says no more of a good answer. */
	if (status > 0 && !str_eq(class, "ok"))
		(void)snprintf(answer, sizeof(answer), " %" PRId64, status);
	if (json_path_int(slow, "connection", &connection))
		(void)snprintf(on, sizeof(on), ", connection %s", figure_count(connection).text);
	(void)snprintf(ret, size, "%s %s%s%.64s %s%s%s, planned at %s",
		figure_value((double)ns / r->unit_ns).text, r->unit, *name ? " " : "", name,
		report_class(class).text, answer, on, figure_clock(at_ns).text);
}
