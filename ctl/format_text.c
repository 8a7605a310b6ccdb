/* SPDX-License-Identifier: Apache-2.0 */
/* The report as people read it: one screen of 80 columns.
 *
 * Top to bottom: what ran, the verdict with what limited it, the ledger, the percentiles, what went
 * wrong, the course over time, and what to do next. A reproach never comes without a remedy. The
 * response row ranks over all planned arrivals: where a rank falls on one without a good answer it
 * says "unserved", and the figures of the good answers alone stand below it. A closed model has
 * service times only, so its table has only these. */
#include "ctl/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/look.h"
#include "ctl/report.h"
#include "ctl/spark.h"

#define FORMAT_TEXT_ERRORS 6u
#define FORMAT_TEXT_NOTES 6u
/* Where the counts end and the explanation beside them begins. */
#define FORMAT_TEXT_ASIDE 38u

/* ---------------------------------------------------------------- what ran */

static void format_text_header(struct report *r)
{
	const char *arrivals = result_text(r->doc, "plan.arrivals");
	const char *method = result_text(r->doc, "plan.effective.method");
	const char *url = result_text(r->doc, "plan.target.url");
	const char *id = result_text(r->doc, "run.id");
	char model[64];
	size_t fixed;
	size_t room;

	if (r->closed)
		(void)snprintf(model, sizeof(model), "closed, %s users",
			figure_count(report_int(r, "connections.limit")).text);
	else
		(void)snprintf(model, sizeof(model), "open model, %.30s",
			str_eq(arrivals, "constant") || !*arrivals ? "even spacing" : arrivals);
	fixed = look_columns(id) + look_columns(method) + strlen(model) + 7;
	room = fixed + 20 < REPORT_WIDTH ? REPORT_WIDTH - fixed : 20;
	report_line(r, "%s · %s%s%.*s%s · %s", id, method, *method ? " " : "",
		(int)(look_columns(url) > room ? look_cut(url, room - 1) : strlen(url)), url,
		look_columns(url) > room ? "…" : "", model);
	report_gap(r);
}

/* ---------------------------------------------------------------- the verdict */

struct format_text_verdict {
	const char *match; /* run.outcome, or headline.result of a completed run */
	const char *word;
	const char *reason; /* where the result gives none */
};

static const struct format_text_verdict format_text_outcomes[] = {
	{"failed", LOOK_BAD "FAILED" LOOK_PLAIN, "not one good answer"},
	{"stopped", LOOK_WARN "STOPPED" LOOK_PLAIN, "by a person, before the plan was over"},
	{"aborted", LOOK_BAD "ABORTED" LOOK_PLAIN, "a rule ended the run"},
	{"interrupted", LOOK_BAD "INTERRUPTED" LOOK_PLAIN, "the daemon went down"},
};

static const struct format_text_verdict format_text_results[] = {
	{"ok", LOOK_GOOD "OK" LOOK_PLAIN, ""},
	{"pass", LOOK_GOOD "PASS" LOOK_PLAIN, ""},
	{"fail", LOOK_BAD "FAIL" LOOK_PLAIN, ""},
	{"undecided", LOOK_WARN "UNDECIDED" LOOK_PLAIN, "this machine, not the server, decided"},
	{"overload", LOOK_WARN "OVERLOAD" LOOK_PLAIN, ""},
	{"void", LOOK_BAD "VOID" LOOK_PLAIN, "this machine did not carry the plan out"},
};

static const struct format_text_verdict format_text_unknown = {"", "DONE", ""};

static const struct format_text_verdict *format_text_find(
	const struct format_text_verdict *table, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(table[i].match, word))
			return &table[i];
	}
	return NULL;
}

static const struct format_text_verdict *format_text_verdict_of(const struct report *r)
{
	const struct format_text_verdict *v;

	v = format_text_find(format_text_outcomes,
		sizeof(format_text_outcomes) / sizeof(*format_text_outcomes),
		result_text(r->doc, "run.outcome"));
	if (!v)
		v = format_text_find(format_text_results,
			sizeof(format_text_results) / sizeof(*format_text_results),
			result_text(r->doc, "headline.result"));
	return v ? v : &format_text_unknown;
}

static const char *format_text_limit(const struct report *r)
{
	static const char *const words[][2] = {
		{"plan", "limited by the plan"},
		{"server", "limited by the server"},
		{"connections", "limited by connections"},
		{"generator", "limited by the generator"},
	};
	const char *limit = result_text(r->doc, "headline.limited_by");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (str_eq(words[i][0], limit))
			return words[i][1];
	}
	return "";
}

/* "plan delivered 100.0 % · nothing failed · limited by the plan" */
static void format_text_facts(const struct report *r, char *facts, size_t size)
{
	int64_t planned = report_int(r, "ledger.planned");
	double sent = (double)report_int(r, "ledger.sent");
	double failed = report_real(r, "headline.failed_share");
	const char *limit = format_text_limit(r);
	char first[64];

	facts[0] = '\0';
	if (planned == 0)
		return;
	if (r->closed)
		(void)snprintf(first, sizeof(first), "%s/s answered well",
			figure_rate(report_real(r, "rates.ok_per_s")).text);
	else
		/* Cut, not rounded: 99.96 % is not all of it. */
		(void)snprintf(first, sizeof(first), "plan delivered %.1f %%",
			floor(sent / (double)planned * 1000) / 10);
	(void)snprintf(facts, size, "%s · %s%s%s%s", first,
		failed > 0 ? figure_share(failed).text : "nothing", " failed", *limit ? " · " : "",
		limit);
}

/* Where connections were the limit: what they could carry at most. */
static void format_text_overload(const struct report *r, char *reason, size_t size)
{
	int64_t limit = report_int(r, "connections.limit");
	double service_ns = report_real(r, "latency.service.mean_ns");
	const char *limited_by = result_text(r->doc, "headline.limited_by");
	struct figure asked = figure_rate(report_real(r, "headline.planned_per_s"));

	if (str_eq(limited_by, "connections") && limit > 0 && service_ns > 0)
		(void)snprintf(reason, size, "%s x %s each = %s/s, asked %s/s",
			figure_count(limit).text, figure_time((int64_t)service_ns).text,
			figure_rate((double)limit * NSEC_PER_SEC / service_ns).text, asked.text);
	else
		(void)snprintf(reason, size, "answered %s/s, asked %s/s",
			figure_rate(report_real(r, "headline.ok_per_s")).text, asked.text);
}

static void format_text_headline(struct report *r)
{
	const struct format_text_verdict *v = format_text_verdict_of(r);
	int64_t exit_code = report_int(r, "run.exit_code");
	const char *given = result_text(r->doc, "run.reason");
	char reason[320];
	char facts[160];
	char code[32] = "";
	char label[48];
	unsigned indent = (unsigned)look_columns(v->word) + 5;

	format_text_facts(r, facts, sizeof(facts));
	(void)snprintf(reason, sizeof(reason), "%.300s", *given ? given : v->reason);
	if (!*reason && str_eq(v->match, "overload"))
		format_text_overload(r, reason, sizeof(reason));
	if (exit_code)
		(void)snprintf(code, sizeof(code), " (exit %d)", (int)exit_code);
	(void)snprintf(label, sizeof(label), "  %s   ", v->word);
	/* The first line has the word with its colour; the text behind it may need more lines. */
	if (*reason && strlen(reason) + strlen(code) + indent <= REPORT_WIDTH) {
		report_line(r, "%s%s%s", label, reason, code);
	} else if (*reason) {
		report_line(r, "%s%s", label, code + (*code == ' '));
		report_wrapped(r, "", indent, reason);
	} else {
		report_line(r, "%s%s%s", label, facts, code);
		facts[0] = '\0';
	}
	if (*facts)
		report_wrapped(r, "", indent, facts);
	report_gap(r);
}

/* ---------------------------------------------------------------- the ledger */

static void format_text_counts(struct report *r)
{
	static const char *const open_aside[4] = {"response = planned -> last byte, what a",
		"user feels; service = sent -> last byte", "", ""};
	static const char *const closed_aside[4] = {"each user waits for the answer: a slow",
		"one delays only that user's next", "request, so these are service times", ""};
	const char *const *aside = r->closed ? closed_aside : open_aside;
	static const char *const names[3] = {"planned", "sent", "ok"};
	int64_t planned = report_int(r, "ledger.planned");
	int64_t failed = planned - report_int(r, "ledger.ok");
	bool balanced = true;
	int width = (int)strlen(figure_count(planned).text);

	if (planned == 0)
		return;
	width = width > 8 ? width : 8;
	for (size_t i = 0; i < 3; i++) {
		char count[32];
		char rate[32];
		char left[128];

		(void)snprintf(count, sizeof(count), "ledger.%s", names[i]);
		(void)snprintf(rate, sizeof(rate), "rates.%s_per_s", names[i]);
		(void)snprintf(left, sizeof(left), "  %-8s%*s%8s/s", names[i], width,
			figure_count(report_int(r, count)).text,
			figure_rate(report_real(r, rate)).text);
		report_line(r, "%-*s%s", (int)FORMAT_TEXT_ASIDE, left, aside[i]);
	}
	(void)result_bool(r->doc, "ledger.balanced", &balanced);
	report_line(r, "  %-8s%*s%s%s   %s", "failed", width, figure_count(failed).text,
		failed ? "   " : "",
		failed ? figure_share((double)failed / (double)planned).text : "",
		balanced ? "ledger balances"
			 : LOOK_BAD "THE LEDGER DOES NOT BALANCE: a bug, please report" LOOK_PLAIN);
	report_gap(r);
}

/* ---------------------------------------------------------------- the percentiles */

struct format_text_row {
	const char *name;
	const char *base;    /* of the quantiles */
	const char *extreme; /* of max and mean; NULL: as base */
	const char *missing;
};

static void format_text_row(struct report *r, const struct format_text_row *row, const char *remark)
{
	const char *extreme = row->extreme ? row->extreme : row->base;

	report_line(r, "  %-11s%8s%8s%8s%8s%8s%8s   %s", row->name,
		report_duration(r, row->base, "p50_ns", row->missing).text,
		report_duration(r, row->base, "p90_ns", row->missing).text,
		report_duration(r, row->base, "p99_ns", row->missing).text,
		report_duration(r, row->base, "p99_9_ns", row->missing).text,
		report_duration(r, extreme, "max_ns", row->missing).text,
		report_duration(r, extreme, "mean_ns", "-").text, remark);
}

static void format_text_our_delay(struct report *r)
{
	static const struct format_text_row row = {"our delay", "latency.our_delay", NULL, "-"};
	const char *verdict = result_text(r->doc, "generator.verdict");
	char remark[96] = "";
	double share;

	if (result_real(r->doc, "headline.our_delay_share_of_p99", &share))
		(void)snprintf(remark, sizeof(remark), "%s%s%.10s", figure_percent(share).text,
			str_eq(verdict, "ok") ? " of p99: " : ": ", verdict);
	format_text_row(r, &row, remark);
}

/* Worth a row when it is more than a twentieth of the response time. */
static bool format_text_waited(const struct report *r)
{
	int64_t wait = report_int(r, "latency.connection_wait.p99_ns");
	int64_t response = report_int(r, "latency.response.p99_ns");

	return wait > 0 && wait > response / 20;
}

static void format_text_table(struct report *r)
{
	static const struct format_text_row all = {
		"response", "offered", "latency.response", "unserved"};
	/* With arrivals unserved, the largest response time is not known. */
	static const struct format_text_row some = {"response", "offered", "offered", "unserved"};
	static const struct format_text_row good = {"  ok only", "latency.response", NULL, "-"};
	static const struct format_text_row wait = {
		"conn. wait", "latency.connection_wait", NULL, "-"};
	static const struct format_text_row service = {"service", "latency.service", NULL, "-"};
	bool unserved = report_real(r, "offered.unserved_share") > 0;

	if (report_int(r, "latency.service.count") == 0)
		return;
	report_line(r, "  %-11s%8s%8s%8s%8s%8s%8s", r->unit, "p50", "p90", "p99", "p99.9", "max",
		"mean");
	if (!r->closed) {
		format_text_row(r, unserved ? &some : &all, "");
		if (unserved)
			format_text_row(r, &good, "");
		if (format_text_waited(r))
			format_text_row(r, &wait, "");
	}
	format_text_row(r, &service, "");
	if (!r->closed)
		format_text_our_delay(r);
	report_gap(r);
}

/* ---------------------------------------------------------------- what went wrong */

/* The ledger's class is there, but no error explains it. */
static bool format_text_is_explained(const struct report *r, const char *class)
{
	const json_t *error;
	size_t i;

	json_array_foreach(result_at(r->doc, "errors"), i, error)
	{
		if (str_eq(result_text(error, "class"), class))
			return true;
	}
	return false;
}

static void format_text_error(
	struct report *r, bool is_first, const char *class, int64_t count, const char *detail)
{
	report_line(r, "  %-8s%-17s%9s  %s", is_first ? "errors" : "", report_class(class).text,
		figure_count(count).text, *detail ? detail : report_class_meaning(class));
}

static unsigned format_text_listed_errors(struct report *r)
{
	const json_t *errors = result_at(r->doc, "errors");
	const json_t *error;
	char detail[320];
	size_t i;

	json_array_foreach(errors, i, error)
	{
		const char *phase = result_text(error, "phase");
		const char *example = result_text(error, "example");
		int64_t count = 0;

		if (i == FORMAT_TEXT_ERRORS) {
			report_line(r, "%*s(%zu more: -v)", (int)REPORT_LABEL, "",
				json_array_size(errors) - i);
			break;
		}
		(void)result_int(error, "count", &count);
		(void)snprintf(detail, sizeof(detail), "%.60s%s%.200s", *example ? phase : "",
			*phase && *example ? ": " : "", example);
		format_text_error(r, i == 0, result_text(error, "class"), count, detail);
	}
	return (unsigned)i;
}

static void format_text_errors(struct report *r)
{
	static const char *const failing[] = {"dropped", "expired", "not_connected", "unsent",
		"http_error", "check_failed", "bad_response", "timeout", "connection_error",
		"unfinished"};
	unsigned n = format_text_listed_errors(r);
	char path[48];

	for (size_t i = 0; i < sizeof(failing) / sizeof(*failing); i++) {
		int64_t count;

		(void)snprintf(path, sizeof(path), "ledger.%s", failing[i]);
		count = report_int(r, path);
		if (count > 0 && !format_text_is_explained(r, failing[i]))
			format_text_error(r, n++ == 0, failing[i], count, "");
	}
	if (report_int(r, "ledger.http_error") > 0) {
		struct buf list = {0};
		const char *status;
		json_t *count;

		json_object_foreach((json_t *)(uintptr_t)result_at(r->doc, "statuses"), status,
			count)(void) buf_printf(&list, "%s%s: %s", list.len ? " · " : "", status,
			figure_count(json_integer_value(count)).text);
		if (list.len)
			report_wrapped(r, "  status", REPORT_LABEL, list.data);
		buf_fini(&list);
	}
	if (n)
		report_gap(r);
}

/* ---------------------------------------------------------------- over time */

struct format_text_course {
	double *rates;
	double *p99s;
	size_t n;
	double least; /* rates of whole intervals */
	double most;
	double worst; /* p99 in ns; negative: none */
	int64_t worst_at_ns;
};

static void format_text_course_row(
	struct format_text_course *c, const json_t *row, double width_s, bool is_last)
{
	double completed = 0;
	double p99 = -1;
	int64_t at = 0;

	(void)result_int(row, "t_ns", &at);
	(void)result_real(row, "completed", &completed);
	(void)result_real(row, "p99_ns", &p99);
	c->rates[c->n] = completed / width_s;
	c->p99s[c->n] = p99;
	/* The last one holds what was drained, or is not whole. */
	if (!is_last || c->n == 0) {
		c->least = c->n == 0 ? c->rates[0] : fmin(c->least, c->rates[c->n]);
		c->most = fmax(c->most, c->rates[c->n]);
	}
	if (p99 > c->worst) {
		c->worst = p99;
		c->worst_at_ns = at;
	}
	c->n++;
}

static void format_text_draw(struct report *r, const char *label, const double *values, size_t n,
	enum spark_merge merge, const char *remark)
{
	struct buf line = {0};

	if (spark_draw(values, n, merge, &line) == 0)
		report_line(r, "  %-8s%s  %s", label, line.data ? line.data : "", remark);
	buf_fini(&line);
}

static void format_text_course(struct report *r)
{
	const json_t *rows = result_at(r->doc, "intervals.rows");
	double width_s = report_real(r, "intervals.width_ns") / (double)NSEC_PER_SEC;
	size_t n = json_array_size(rows);
	struct format_text_course c = {.worst = -1};
	const json_t *row;
	char text[128];
	size_t i;

	if (n < 2 || width_s <= 0)
		return;
	c.rates = calloc(n, sizeof(*c.rates));
	c.p99s = calloc(n, sizeof(*c.p99s));
	if (c.rates && c.p99s) {
		json_array_foreach(rows, i, row)
			format_text_course_row(&c, row, width_s, i + 1 == n);
		if (c.most - c.least <= 0.05 * c.most)
			(void)snprintf(text, sizeof(text), "%s flat", figure_rate(c.most).text);
		else
			(void)snprintf(text, sizeof(text), "%s to %s", figure_rate(c.least).text,
				figure_rate(c.most).text);
		format_text_draw(r, "rate/s", c.rates, n, SPARK_MEAN, text);
		(void)snprintf(text, sizeof(text), "worst %s at %s",
			figure_value(c.worst / r->unit_ns).text, figure_clock(c.worst_at_ns).text);
		if (c.worst >= 0)
			format_text_draw(r, str_eq(r->unit, "us") ? "p99 us" : "p99 ms", c.p99s, n,
				SPARK_MAX, text);
	}
	free(c.rates);
	free(c.p99s);
}

/* ---------------------------------------------------------------- what to do next */

static void format_text_notes(struct report *r)
{
	const json_t *note;
	size_t i;

	json_array_foreach(result_at(r->doc, "generator.notes"), i, note)
	{
		const char *remedy = result_text(note, "try");

		if (i == FORMAT_TEXT_NOTES)
			break;
		report_wrapped(r, "  note", REPORT_LABEL, result_text(note, "text"));
		if (*remedy)
			report_wrapped(r, "  try", REPORT_LABEL, remedy);
	}
}

/* Two leading figures, towards zero: 18,437 -> 18000. */
static double format_text_rounded(double value)
{
	double step = value >= 100 ? pow(10, floor(log10(value)) - 1) : 1;

	return value < 1 ? value : floor(value / step) * step;
}

static void format_text_next(struct report *r)
{
	const char *limit = result_text(r->doc, "headline.limited_by");
	bool is_done = str_eq(result_text(r->doc, "run.outcome"), "completed");
	double planned = report_real(r, "headline.planned_per_s");
	double ok = report_real(r, "rates.ok_per_s");
	double service_s = report_real(r, "latency.service.mean_ns") / (double)NSEC_PER_SEC;

	if (!is_done || ok <= 0)
		return;
	if (r->closed)
		report_line(r, "  next    -r %.10g for what users feel at that rate",
			format_text_rounded(ok * 0.8));
	else if (str_eq(limit, "plan"))
		report_line(r, "  next    -r %.10g for more, -r max for the ceiling", planned * 2);
	else if (str_eq(limit, "connections"))
		report_line(r,
			"  try     -c %.0f   (or leave -c out: the pool then grows as needed)",
			ceil(planned * service_s * 1.5));
	else if (str_eq(limit, "server"))
		report_line(r, "  try     -r %.10g, somewhat less than it answered",
			format_text_rounded(ok * 0.9));
}

static int format_text_render(const json_t *doc, const struct look *look, struct buf *ret)
{
	struct report r;
	int result;

	report_init(&r, doc);
	format_text_header(&r);
	format_text_headline(&r);
	format_text_counts(&r);
	format_text_table(&r);
	format_text_errors(&r);
	format_text_course(&r);
	format_text_notes(&r);
	format_text_next(&r);
	if (look->verbose)
		format_full_append(&r);
	result = r.r;
	/* A gap that nothing follows. */
	while (result == 0 && r.text.len > 1 && r.text.data[r.text.len - 1] == '\n' &&
		r.text.data[r.text.len - 2] == '\n')
		r.text.data[--r.text.len] = '\0';
	if (result == 0 && r.text.len)
		result = look_render(look, r.text.data, ret);
	buf_fini(&r.text);
	return result;
}

const struct format format_text = {"text", ".txt", format_text_render};
