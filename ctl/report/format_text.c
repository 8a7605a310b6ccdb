/* SPDX-License-Identifier: Apache-2.0 */
/* The report as people read it: one screen of 80 columns; on a narrower terminal explanations are
 * left out first, then the last columns.
 *
 * From top to bottom: the run, the verdict with the limiting factor, the ledger, the percentiles,
 * errors, the course over time, and the next step. Every warning has a remedy. */
#include "ctl/report/format.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/stats/fault.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/result/notes.h"
#include "common/str.h"
#include "common/units.h"
#include "ctl/style.h"
#include "ctl/report/report.h"
#include "ctl/spark.h"

#define FORMAT_TEXT_ERRORS 6u
#define FORMAT_TEXT_ERROR_WIDTH 16u
#define FORMAT_TEXT_NOTES 3u /* of each kind; -v has them all */
/* Bytes of an example: two lines and a bit. */
#define FORMAT_TEXT_EXAMPLE 120u
/* The number of columns shown of a URL that does not fit. */
#define FORMAT_TEXT_URL_MIN 20u
/* The column after the counts, where the explanation beside them begins. */
#define FORMAT_TEXT_ASIDE 38u

/* ---------------------------------------------------------------- what ran */

static void format_text_header(struct report *r)
{
	const char *url = json_path_text(r->doc, "plan.target.url");
	const char *id = json_path_text(r->doc, "run.id");
	char method[48];
	char model[64];
	bool has_model;
	size_t fixed;
	size_t room;

	report_method(r, method, sizeof(method));
	report_model(r, model, sizeof(model));
	fixed = style_columns(id) + style_columns(method) + 4;
	/* If the URL would be cut to nothing, the model is left out, since it is shown below. */
	has_model = fixed + 3 + style_columns(model) + FORMAT_TEXT_URL_MIN <= r->width;
	if (has_model)
		fixed += 3 + style_columns(model);
	room = fixed + FORMAT_TEXT_URL_MIN < r->width ? r->width - fixed : FORMAT_TEXT_URL_MIN;
	report_line(r, "%s · %s%s%.*s%s%s%s", id, method, *method ? " " : "",
		(int)(style_columns(url) > room ? style_cut(url, room - 1) : strlen(url)), url,
		style_columns(url) > room ? "…" : "", has_model ? " · " : "",
		has_model ? model : "");
	report_gap(r);
}

/* ---------------------------------------------------------------- the verdict */

static void format_text_headline(struct report *r)
{
	struct report_verdict v;
	const char *lines[3];
	bool is_begun = false;
	char code[32] = "";
	char label[64];
	char text[400];
	unsigned indent;

	report_judge(r, &v);
	lines[0] = v.missing;
	lines[1] = v.reason;
	lines[2] = v.facts;
	indent = (unsigned)style_columns(v.word) + 5;
	if (v.exit_code)
		(void)snprintf(code, sizeof(code), " (exit" REPORT_GLUE "%d)", v.exit_code);
	(void)snprintf(label, sizeof(label), "  %s   ", v.word);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		/* The verdict and the exit status have a line even if nothing is said of them. */
		if (!*lines[i] && (is_begun || i + 1 < sizeof(lines) / sizeof(*lines)))
			continue;
		(void)snprintf(text, sizeof(text), "%s%s", lines[i], is_begun ? "" : code);
		report_wrapped(r, is_begun ? "" : label, indent, text);
		is_begun = true;
	}
	if (*v.remedy) {
		(void)snprintf(label, sizeof(label), "%*stry  ", (int)indent, "");
		report_wrapped(r, label, indent + 5, v.remedy);
	}
	report_gap(r);
}

/* ---------------------------------------------------------------- the ledger */

struct format_text_count {
	const char *name;
	struct figure count;
	struct figure rate;
};

/* The three rows below each other, with at least two blanks between the columns; after them, if
 * there is room, the explanations. Returns the width of the counts. */
static int format_text_count_rows(struct report *r, struct format_text_count rows[static 3],
	const char *const aside[static 3])
{
	size_t count_width = 8;
	size_t rate_width = 8;
	size_t aside_at = FORMAT_TEXT_ASIDE;
	size_t aside_width = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t count = strlen(rows[i].count.text);
		size_t rate = strlen(rows[i].rate.text);

		count_width = count > count_width ? count : count_width;
		rate_width = rate > rate_width ? rate : rate_width;
		aside_width = strlen(aside[i]) > aside_width ? strlen(aside[i]) : aside_width;
	}
	/* "  planned  ", the two columns and blanks. */
	if (aside_at < 10 + count_width + 2 + rate_width + 2)
		aside_at = 10 + count_width + 2 + rate_width + 2;
	for (size_t i = 0; i < 3; i++) {
		char left[160];

		(void)snprintf(left, sizeof(left), "  %-8s%*s  %*s", rows[i].name, (int)count_width,
			rows[i].count.text, (int)rate_width, rows[i].rate.text);
		report_line(r, "%-*s%s", (int)aside_at, left,
			aside_at + aside_width <= r->width ? aside[i] : "");
	}
	return (int)count_width;
}

/* A run that ended before its window has sent something nevertheless. */
static void format_text_warmup(struct report *r)
{
	int64_t planned = report_int(r, "outside.warmup.planned");
	int64_t failed = planned - report_int(r, "outside.warmup.ok");

	if (planned == 0)
		return;
	report_line(r,
		"  warm-up  %s sent, %s ok, %s%s failed%s; it ended before the measured window",
		report_figure(r, "outside.warmup.sent").text,
		report_figure(r, "outside.warmup.ok").text, failed ? STYLE_BAD : "",
		failed ? figure_count(failed).text : "0", failed ? STYLE_PLAIN : "");
	report_gap(r);
}

static void format_text_statuses(struct report *r)
{
	struct buf list = {0};

	report_statuses(r, &list);
	if (list.len)
		report_wrapped(r, "  status", REPORT_LABEL, list.data);
	buf_fini(&list);
}

static void format_text_bytes(struct report *r)
{
	char text[96];

	report_bytes(r, text, sizeof(text));
	if (*text)
		report_line(r, "  bytes   %s", text);
}

static void format_text_counts(struct report *r)
{
	static const char *const open_aside[3] = {"response = planned -> last byte, what a",
		"user feels; service = sent -> last byte", ""};
	static const char *const closed_aside[3] = {"each user waits for the answer: a slow",
		"one delays only that user's next", "request, so these are service times"};
	static const char *const names[3] = {"planned", "sent", "ok"};
	int64_t planned = report_int(r, "ledger.planned");
	int64_t failed = planned - report_int(r, "ledger.ok");
	struct format_text_count rows[3];
	bool balanced = true;
	int width;

	if (planned == 0) {
		format_text_warmup(r);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		char count[32];

		(void)snprintf(count, sizeof(count), "ledger.%s", names[i]);
		rows[i] = (struct format_text_count){
			names[i], report_figure(r, count), report_rate(r, names[i])};
	}
	width = format_text_count_rows(r, rows, r->closed ? closed_aside : open_aside);
	(void)json_path_bool(r->doc, "ledger.balanced", &balanced);
	report_line(r, "  %-8s%*s%s%s   %s", "failed", width, figure_count(failed).text,
		failed ? "   " : "",
		failed ? figure_share((double)failed / (double)planned).text : "",
		balanced ? "ledger balances"
			 : STYLE_BAD
			"THE LEDGER DOES NOT BALANCE: a bug, please report" STYLE_PLAIN);
	format_text_statuses(r);
	format_text_bytes(r);
	report_gap(r);
}

/* ---------------------------------------------------------------- what went wrong */

/* The fault of a result's error, or NULL. */
static const struct fault_info *format_text_fault(const char *name)
{
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		if (str_eq(fault_table[i].name, name))
			return &fault_table[i];
	}
	return NULL;
}

/* An error tells of this class of the ledger. */
static bool format_text_is_explained(const struct report *r, enum ledger_class class)
{
	const json_t *errors = json_path_at(r->doc, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const struct fault_info *fault =
			format_text_fault(json_path_text(json_array_get(errors, i), "class"));

		if (fault && fault->class == class)
			return true;
	}
	return false;
}

static void format_text_error(struct report *r, bool is_first, const char *name, unsigned width,
	int64_t count, const char *detail)
{
	char label[128];
	char text[FORMAT_TEXT_EXAMPLE + 1];

	(void)snprintf(label, sizeof(label), "  %-8s%-*s %8s  ", is_first ? "errors" : "",
		(int)width, name, figure_count(count).text);
	(void)snprintf(text, sizeof(text), "%s", detail);
	report_wrapped(r, label, (unsigned)style_columns(label), text);
}

/* The widest name of the errors that are listed. */
static unsigned format_text_error_width(const struct report *r)
{
	const json_t *errors = json_path_at(r->doc, "errors");
	size_t width = FORMAT_TEXT_ERROR_WIDTH;

	for (size_t i = 0; i < json_array_size(errors) && i < FORMAT_TEXT_ERRORS; i++) {
		size_t len = style_columns(report_error_name(json_array_get(errors, i)).text);

		width = len > width ? len : width;
	}
	return (unsigned)width;
}

static unsigned format_text_listed_errors(struct report *r)
{
	const json_t *errors = json_path_at(r->doc, "errors");
	unsigned width = format_text_error_width(r);
	size_t i;

	for (i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);
		const struct fault_info *fault = format_text_fault(json_path_text(error, "class"));
		const char *example = json_path_text(error, "example");
		int64_t count = 0;

		if (i == FORMAT_TEXT_ERRORS) {
			report_line(r, "%*s%s", (int)REPORT_LABEL, "",
				report_more(r, json_array_size(errors) - i).text);
			break;
		}
		(void)json_path_int(error, "count", &count);
		format_text_error(r, i == 0, report_error_name(error).text, width, count,
			!*example && fault ? fault->help : example);
	}
	return (unsigned)i;
}

/* Why a run could not begin: then there is nothing to count. */
static void format_text_failed_by(struct report *r)
{
	const char *name = json_path_text(r->doc, "run.failed_by");
	const struct fault_info *fault = format_text_fault(name);
	char text[160];

	if (!*name || json_array_size(json_path_at(r->doc, "errors")))
		return;
	(void)snprintf(text, sizeof(text), "%.40s%s%.100s", name, fault ? ": " : "",
		fault ? fault->help : "");
	report_wrapped(r, "  error", REPORT_LABEL, text);
	report_gap(r);
}

static void format_text_errors(struct report *r)
{
	unsigned n = format_text_listed_errors(r);
	char path[48];

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		const char *name = ledger_class_names[c];
		int64_t count;

		(void)snprintf(path, sizeof(path), "ledger.%s", name);
		count = report_int(r, path);
		if (c != LEDGER_OK && count > 0 &&
			!format_text_is_explained(r, (enum ledger_class)c))
			format_text_error(r, n++ == 0, report_class(name).text,
				format_text_error_width(r), count,
				c == LEDGER_UNFINISHED && report_is_cut_short(r)
					? "no answer yet when the run was stopped"
					: report_class_meaning(name));
	}
	if (n)
		report_gap(r);
}

/* The slowest one, where it failed or where requests have names that tell it from the others. */
static void format_text_slow(struct report *r)
{
	const json_t *slowest = json_path_at(r->doc, "slowest");
	const json_t *first = json_array_get(slowest, 0);
	size_t n = json_array_size(slowest);
	char text[256];
	char more[40] = "";

	if (!first || (str_eq(json_path_text(first, "class"), "ok") && report_n_requests(r) == 0))
		return;
	if (n > 1)
		(void)snprintf(more, sizeof(more), "  %.36s", report_more(r, n - 1).text);
	report_slow(r, first, text, sizeof(text));
	if (REPORT_LABEL + style_columns(text) + strlen(more) > r->width)
		more[0] = '\0';
	report_line(r, "  slow    %s%s", text, more);
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
	/* the first whose p99 is that of an arrival without a good answer; negative: none */
	int64_t unserved_at_ns;
};

/* Placeholder for a p99 without a value, until the highest of the others is known. */
#define FORMAT_TEXT_UNSERVED INFINITY

static void format_text_course_row(
	struct format_text_course *c, const json_t *row, double width_s, double window_s)
{
	double completed = 0;
	double p99 = -1;
	double planned = 0;
	double ok = 0;
	int64_t at = 0, length;
	double left_s;

	(void)json_path_int(row, "t_ns", &at);
	(void)json_path_real(row, "completed", &completed);
	(void)json_path_real(row, "p99_ns", &p99);
	/* The window may end within the last one, which then says little about the course. */
	left_s = window_s - (double)at / NSEC_PER_SEC;
	if (json_path_int(row, "length_ns", &length) && length > 0)
		left_s = (double)length / NSEC_PER_SEC;
	c->rates[c->n] = completed / (left_s > 0 && left_s < width_s ? left_s : width_s);
	c->p99s[c->n] = p99;
	if (c->n == 0 || left_s >= width_s) {
		c->least = c->n == 0 ? c->rates[0] : fmin(c->least, c->rates[c->n]);
		c->most = fmax(c->most, c->rates[c->n]);
	}
	(void)json_path_real(row, "planned", &planned);
	(void)json_path_real(row, "ok", &ok);
	/* In a merged row it may be null because it is unknown. */
	if (p99 < 0 && ok < planned) {
		c->p99s[c->n] = FORMAT_TEXT_UNSERVED;
		if (c->unserved_at_ns < 0)
			c->unserved_at_ns = at;
	} else if (p99 > c->worst) {
		c->worst = p99;
		c->worst_at_ns = at;
	}
	c->n++;
}

static void format_text_draw(struct report *r, const char *label, const double *values, size_t n,
	enum spark_merge merge, const char *remark)
{
	struct buf line = {0};

	if (spark_draw(values, n, merge, &line) == 0 && line.data) {
		size_t columns = REPORT_LABEL + style_columns(line.data) + 2 + strlen(remark);

		report_line(r, "  %-8s%s  %s", label, line.data, columns <= r->width ? remark : "");
	}
	buf_fini(&line);
}

/* Rows whose p99 is unserved are as high as the highest, or as the timeout that they waited. */
static void format_text_course_p99(struct report *r, struct format_text_course *c)
{
	struct figure unserved = report_unserved(r, r->doc);
	double top = c->worst > 0 ? c->worst : 1;
	char text[128];

	if (unserved.text[0] == '>' && (double)r->timeout_ns > top)
		top = (double)r->timeout_ns;
	for (size_t i = 0; i < c->n; i++)
		c->p99s[i] = fmin(c->p99s[i], top);
	if (c->unserved_at_ns >= 0)
		(void)snprintf(text, sizeof(text), "worst %s at %s", unserved.text,
			figure_clock(c->unserved_at_ns).text);
	else
		(void)snprintf(text, sizeof(text), "worst %s at %s",
			figure_value(c->worst / r->unit_ns).text,
			figure_clock(c->worst_at_ns).text);
	if (c->worst >= 0 || c->unserved_at_ns >= 0)
		format_text_draw(r, str_eq(r->unit, "us") ? "p99 us" : "p99 ms", c->p99s, c->n,
			SPARK_MAX, text);
}

static void format_text_course(struct report *r)
{
	const json_t *rows = json_path_at(r->doc, "intervals.rows");
	double width_s = (double)report_int(r, "intervals.width_ns") / (double)NSEC_PER_SEC;
	double window_s =
		(double)(report_int(r, "window.end_ns") - report_int(r, "window.start_ns")) /
		(double)NSEC_PER_SEC;
	double rate = report_real(r, "rates.completed_per_s");
	size_t n = json_array_size(rows);
	struct format_text_course c = {.worst = -1, .unserved_at_ns = -1};
	char text[128];

	if (n < 2 || width_s <= 0)
		return;
	c.rates = memory_calloc(n, sizeof(*c.rates));
	c.p99s = memory_calloc(n, sizeof(*c.p99s));
	if (c.rates && c.p99s) {
		for (size_t i = 0; i < n; i++)
			format_text_course_row(&c, json_array_get(rows, i), width_s, window_s);
		if (c.most - c.least <= 0.05 * c.most)
			/* The rate of the whole window: the largest row's is chance. */
			(void)snprintf(text, sizeof(text), "%s flat",
				figure_rate(rate > 0 ? rate : c.most).text);
		else
			(void)snprintf(text, sizeof(text), "%s to %s", figure_rate(c.least).text,
				figure_rate(c.most).text);
		if (c.most > 0)
			format_text_draw(r, "rate/s", c.rates, n, SPARK_MEAN, text);
		format_text_course_p99(r, &c);
	}
	free(c.rates);
	free(c.p99s);
}

/* ---------------------------------------------------------------- what to do next */

/* Shows the silences of the server, which a mean over the whole run hides. Returns how many of
 * these are left out. */
static size_t format_text_silences(struct report *r)
{
	const json_t *events = json_path_at(r->doc, "events");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);

		if (!str_eq(json_path_text(event, "kind"), "answers"))
			continue;
		if (r->is_full || n < FORMAT_TEXT_NOTES)
			report_wrapped(r, "  note", REPORT_LABEL, json_path_text(event, "text"));
		n++;
	}
	return r->is_full || n < FORMAT_TEXT_NOTES ? 0 : n - FORMAT_TEXT_NOTES;
}

/* Figures of a run that was steered are not those of its plan. */
static void format_text_steered(struct report *r)
{
	char text[400];

	report_steered(r, text, sizeof(text));
	if (*text)
		report_wrapped(r, "  steered", REPORT_LABEL, text);
}

static void format_text_note(struct report *r, const json_t *note)
{
	const char *remedy = json_path_text(note, "try");

	report_wrapped(r, "  note", REPORT_LABEL, json_path_text(note, "text"));
	if (*remedy)
		report_wrapped(r, "  try", REPORT_LABEL, remedy);
}

/* A note without which the figures would be misread is never left out. */
static bool format_text_is_vital(const json_t *note)
{
	struct note known;

	return note_find(json_path_text(note, "code"), &known) && known.is_vital;
}

static void format_text_notes(struct report *r)
{
	const json_t *notes = json_path_at(r->doc, "generator.notes");
	size_t n = json_array_size(notes);
	size_t more = format_text_silences(r);
	size_t n_urgent = 0;
	size_t n_shown = 0;
	size_t n_other;
	char text[REPORT_NOT_ENOUGH];

	report_not_enough(r, text, sizeof(text));
	if (*text)
		report_wrapped(r, "  note", REPORT_LABEL, text);
	/* Notes with a remedy come first; of either kind, the first are the most important. */
	for (size_t i = 0; i < n; i++)
		n_urgent += *json_path_text(json_array_get(notes, i), "try") != '\0' &&
			    !format_text_is_vital(json_array_get(notes, i));
	n_other = n_urgent < FORMAT_TEXT_NOTES ? FORMAT_TEXT_NOTES - n_urgent : 0;
	n_urgent = FORMAT_TEXT_NOTES;
	for (size_t i = 0; i < n; i++) {
		const json_t *note = json_array_get(notes, i);
		size_t *left = *json_path_text(note, "try") ? &n_urgent : &n_other;

		if (!format_text_is_vital(note)) {
			if (!r->is_full && *left == 0)
				continue;
			*left -= *left > 0;
		}
		n_shown++;
		format_text_note(r, note);
	}
	more += n - n_shown;
	if (more > 0)
		report_line(r, "%*s%s", (int)REPORT_LABEL, "", report_more(r, more).text);
}

/* Fewer requests than that say too little to build on; nor does a window below AUDIT_LEAST_NS. */
#define FORMAT_TEXT_NEXT_LEAST 100
/* The range of -r: 1/h to 10M/s, six decimals. */
#define FORMAT_TEXT_RATE_LEAST (1.0 / 3600)
#define FORMAT_TEXT_RATE_MOST 10e6

/* A rate to be pasted after -r, with this many leading digits, rounded towards zero: 18,437 ->
 * 18000. */
static struct figure format_text_pasted(double rate, int figures)
{
	double step = pow(10, floor(log10(rate)) - (figures - 1));
	/* 0.7 / 0.1 is a hair less than 7. */
	double rounded = floor(rate / step * (1 + 1e-9)) * step;
	struct figure f;
	size_t len;

	(void)snprintf(f.text, sizeof(f.text), "%.6f", rounded);
	len = strlen(f.text);
	while (f.text[len - 1] == '0')
		f.text[--len] = '\0';
	if (f.text[len - 1] == '.')
		f.text[--len] = '\0';
	return f;
}

/* What was answered only after the window says nothing of twice the rate. */
#define FORMAT_TEXT_KEEPS_UP 0.95

/* Less than this part of twice the rate is hardly more. */
#define FORMAT_TEXT_MORE 0.6

/* One rate would take the place of such a plan, or contradict it. */
static bool format_text_is_staged(const struct report *r)
{
	const json_t *stages = json_path_at(r->doc, "plan.stages");
	const char *first = json_string_value(json_array_get(stages, 0));

	return json_array_size(stages) > 1 || (first && !str_starts(first, "hold "));
}

/* What a run that was steered was asked for last says more of the next step than the mean of all it
 * was asked for. */
static double format_text_asked(const struct report *r)
{
	const json_t *events = json_path_at(r->doc, "events");
	double asked = report_real(r, "headline.planned_per_s");

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		int64_t at_ns = 0;
		struct rate rate;

		(void)json_path_int(event, "at_ns", &at_ns);
		if (str_eq(json_path_text(event, "kind"), "rate") &&
			at_ns < report_int(r, "window.end_ns") &&
			units_parse_rate(json_path_text(event, "to"), &rate) == 0)
			asked = rate_per_s(rate);
	}
	return asked;
}

/* The greatest rate of the plan's stages. */
static double format_text_peak(const struct report *r)
{
	const json_t *stages = json_path_at(r->doc, "plan.stages");
	double peak = 0;

	for (size_t i = 0; i < json_array_size(stages); i++) {
		const char *at = json_string_value(json_array_get(stages, i));

		while (at && *at) {
			size_t len = strcspn(at, " ");
			char word[UNITS_TEXT_MAX];
			struct rate rate;

			(void)snprintf(word, sizeof(word), "%.*s", (int)len, at);
			if (strchr(word, '/') && units_parse_rate(word, &rate) == 0)
				peak = fmax(peak, rate_per_s(rate));
			at += len + strspn(at + len, " ");
		}
	}
	return peak;
}

/* more: twice the rate; it is advised as far as the service allows it. */
static void format_text_next_rate(struct report *r, double more, double n_slices)
{
	double allowed = report_real(r, "rates.allowed_per_s") * n_slices;

	if (allowed <= 0 || more <= allowed)
		report_line(r, "  next    -r %s for more%s", format_text_pasted(more, 3).text,
			n_slices > 1 ? " in all slices" : ", -r max for the ceiling");
	else if (allowed >= more * FORMAT_TEXT_MORE)
		report_line(r, "  next    -r %s for more%s, which is what [policy] max-rate allows",
			format_text_pasted(allowed, 8).text, n_slices > 1 ? " in all slices" : "");
}

static void format_text_next(struct report *r)
{
	double allowed = report_real(r, "rates.allowed_per_s");
	const char *limit = json_path_text(r->doc, "headline.limited_by");
	bool is_done = str_eq(json_path_text(r->doc, "run.outcome"), "completed");
	double planned = report_real(r, "headline.planned_per_s");
	double ok = report_real(r, "rates.ok_per_s");

	/* In a slice the flag is the rate of the whole plan, which has no ceiling to be found. */
	double n_slices = fmax(report_real(r, "plan.slice.of"), 1);
	double more = r->closed ? ok * 0.8 : format_text_asked(r) * n_slices * 2;
	bool keeps_up = ok >= FORMAT_TEXT_KEEPS_UP * planned;

	/* For a merged result, each of its runs has its own next step. */
	if (!is_done || ok <= 0 || json_array_size(json_path_at(r->doc, "parts")) > 0 ||
		report_int(r, "ledger.planned") < FORMAT_TEXT_NEXT_LEAST ||
		report_window_ns(r) < (double)AUDIT_LEAST_NS ||
		!(more >= FORMAT_TEXT_RATE_LEAST && more <= FORMAT_TEXT_RATE_MOST))
		return;
	if (r->closed)
		report_line(r, "  next    -r %s for what users feel at that rate",
			format_text_pasted(more, 2).text);
	else if (!str_eq(limit, "plan") || !keeps_up || report_real(r, "headline.failed_share") > 0)
		return;
	else if (!format_text_is_staged(r))
		format_text_next_rate(r, more, n_slices);
	else if (!strstr(json_path_text(r->doc, "plan.text"), "scale") &&
		 (allowed <= 0 || 2 * format_text_peak(r) <= allowed))
		report_line(r, "  next    -r x2 for twice the rate in each stage");
}

static int format_text_render(const json_t *doc, const struct style *style, struct buf *ret)
{
	struct report r;
	int result;

	report_init(&r, doc);
	r.is_full = style->verbose;
	if (style->width < REPORT_WIDTH)
		r.width = style->width > REPORT_WIDTH_MIN ? style->width : REPORT_WIDTH_MIN;
	format_text_header(&r);
	format_text_headline(&r);
	report_rule_lines(&r);
	format_text_counts(&r);
	report_quantile_table(&r);
	report_request_table(&r);
	report_stage_table(&r);
	report_parts_table(&r);
	format_text_failed_by(&r);
	format_text_errors(&r);
	format_text_slow(&r);
	format_text_course(&r);
	format_text_steered(&r);
	format_text_notes(&r);
	format_text_next(&r);
	if (style->verbose)
		format_full_append(&r);
	result = r.r;
	/* A gap that nothing follows. */
	while (result == 0 && r.text.len > 1 && r.text.data[r.text.len - 1] == '\n' &&
		r.text.data[r.text.len - 2] == '\n')
		r.text.data[--r.text.len] = '\0';
	if (result == 0 && r.text.len)
		result = style_render(style, r.text.data, ret);
	buf_fini(&r.text);
	return result;
}

const struct format format_text = {"text", ".txt", format_text_render};
