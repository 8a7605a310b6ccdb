/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of at most 80 columns over a result document.
 *
 * A result may come from a file that another version wrote, or that was edited: figures that are
 * absent are left out of the report, and nothing in the document is trusted to be short, printable
 * or of the right type. The first failure to grow the text is kept and ends the work silently; the
 * caller looks once, at the end. */
#include "ctl/report/report.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/stats/ledger.h"
#include "common/json_path.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/style.h"

#define REPORT_PATH_MAX 96
/* Text breaks in no less than so many columns. */
#define REPORT_WRAP_MIN 20u

void report_init(struct report *r, const json_t *doc)
{
	int64_t p99;

	*r = (struct report){.doc = doc,
		.table = &result_table,
		.width = REPORT_WIDTH,
		.unit = "ms",
		.unit_ns = (double)NSEC_PER_MSEC};
	r->closed = str_eq(json_path_text(doc, "plan.model"), "closed");
	r->timeout_ns = report_int(r, "plan.effective.request_timeout_ns");
	if ((json_path_int(doc, "latency.response.p99_ns", &p99) ||
		    json_path_int(doc, "latency.service.p99_ns", &p99)) &&
		p99 < NSEC_PER_MSEC) {
		r->unit = "us";
		r->unit_ns = (double)NSEC_PER_USEC;
	}
}

static void report_put(struct report *r, const char *text, size_t len)
{
	if (r->r == 0)
		r->r = buf_append(&r->text, text, len);
}

void report_gap(struct report *r)
{
	report_put(r, "\n", 1);
}

static void report_put_line(struct report *r, const char *line)
{
	size_t cut = style_cut(line, r->width);

	if (line[cut]) {
		cut = style_cut(line, r->width - 1);
		report_put(r, line, cut);
		report_put(r, "…", strlen("…"));
	} else {
		while (cut > 0 && line[cut - 1] == ' ')
			cut--;
		report_put(r, line, cut);
	}
	report_gap(r);
}

void report_line(struct report *r, const char *format, ...)
{
	char *line;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&line, format, args);
	va_end(args);
	if (len == -1) {
		r->r = r->r ? r->r : -ENOMEM;
		return;
	}
	/* A line stays one: texts of servers may hold newlines. */
	for (char *c = line; *c; c++) {
		if (*c == '\n' || *c == REPORT_GLUE[0])
			*c = ' ';
	}
	report_put_line(r, line);
	free(line);
}

void report_wrapped(struct report *r, const char *label, unsigned indent, const char *text)
{
	size_t room;

	/* Names and figures of a document may be as wide as the line. */
	if (indent + REPORT_WRAP_MIN > r->width) {
		report_line(r, "%s", label);
		label = "";
		indent = REPORT_LABEL;
	}
	room = r->width - indent;
	do {
		size_t used = style_columns(label);
		size_t len = style_cut(text, room);

		if (text[len]) {
			size_t at = len;

			while (at > 0 && text[at] != ' ')
				at--;
			len = at > 0 ? at : len;
		}
		report_line(r, "%s%*s%.*s", label, used < indent ? (int)(indent - used) : 0, "",
			(int)len, text);
		text += len;
		text += strspn(text, " ");
		label = "";
	} while (*text);
}

int64_t report_int(const struct report *r, const char *path)
{
	int64_t value = 0;

	(void)json_path_int(r->doc, path, &value);
	return value;
}

double report_real(const struct report *r, const char *path)
{
	double value = 0;

	(void)json_path_real(r->doc, path, &value);
	return value;
}

struct figure report_figure(const struct report *r, const char *path)
{
	const struct result_field *field = result_table_at(r->table, path);

	assert(field != NULL);
	switch (field->unit) {
	case RESULT_NS:
		return figure_time((int64_t)report_real(r, path));
	case RESULT_SHARE:
		return figure_share(report_real(r, path));
	case RESULT_PER_S:
		return figure_rate(report_real(r, path));
	case RESULT_BYTES:
	case RESULT_BYTES_PER_S:
		return figure_bytes(report_real(r, path));
	default:
		return figure_count(report_int(r, path));
	}
}

struct figure report_duration(
	const struct report *r, const char *base, const char *name, const char *missing)
{
	char path[REPORT_PATH_MAX];
	struct figure f = {0};
	int64_t ns;

	(void)snprintf(path, sizeof(path), "%s.%s", base, name);
	if (json_path_int(r->doc, path, &ns))
		return figure_value((double)ns / r->unit_ns);
	(void)snprintf(f.text, sizeof(f.text), "%s", missing);
	return f;
}

/* So many requests make a rate of a window of any length; so long a window makes one of any number.
 */
#define REPORT_RATE_REQUESTS 100
#define REPORT_RATE_NS NSEC_PER_SEC

static struct figure report_in(double ns)
{
	int64_t bound_ns = ns < (double)JSON_PATH_INT_MAX ? (int64_t)ns : JSON_PATH_INT_MAX;
	struct figure f;

	(void)snprintf(f.text, sizeof(f.text), "in %.40s", figure_time(bound_ns).text);
	return f;
}

/* Of a document from anywhere the sum of so many is not within 64 bits. */
double report_window_ns(const struct report *r)
{
	return report_real(r, "window.end_ns") - report_real(r, "window.start_ns") -
	       report_real(r, "window.paused_ns");
}

struct figure report_rate(const struct report *r, const char *name)
{
	double window_ns = report_window_ns(r);
	double whole_ns = window_ns + fmax(report_real(r, "window.cooldown_ns"), 0) +
			  fmax(report_real(r, "window.drain_ns"), 0);
	bool is_brief = window_ns > 0 && window_ns < (double)REPORT_RATE_NS &&
			report_int(r, "ledger.planned") < REPORT_RATE_REQUESTS;
	struct figure f = {0};
	char path[REPORT_PATH_MAX];
	double per_s;

	(void)snprintf(path, sizeof(path), "rates.%s_per_s", name);
	per_s = report_real(r, path);
	(void)snprintf(path, sizeof(path), "ledger.%s", name);
	if (!is_brief && (per_s > 0 || report_int(r, path) == 0 || window_ns <= 0))
		(void)snprintf(f.text, sizeof(f.text), "%.40s/s", figure_rate(per_s).text);
	else if (str_eq(name, "planned"))
		return report_in(window_ns);
	else if (!str_eq(name, "sent"))
		return report_in(whole_ns);
	return f;
}

void report_statuses(const struct report *r, struct buf *ret)
{
	json_t *statuses = json_object_get(r->doc, "statuses");

	for (void *at = json_object_iter(statuses); at; at = json_object_iter_next(statuses, at))
		(void)buf_printf(ret, "%s%s: %s", ret->len ? " · " : "", json_object_iter_key(at),
			figure_count(json_integer_value(json_object_iter_value(at))).text);
}

/* So many of the answers came after the window's end, in which their bytes are not counted. Those
 * of a warm-up that came in it hide as many. */
#define REPORT_MANY_LATE 0.01
static bool report_has_late_answers(const struct report *r)
{
	json_t *statuses = json_object_get(r->doc, "statuses");
	double answers = 0;
	double per_s;

	/* Rates of repetitions are means, and counts are sums. */
	if (!json_path_real(r->doc, "rates.completed_per_s", &per_s) ||
		json_array_size(json_path_at(r->doc, "repeats")) > 1)
		return false;
	for (void *at = json_object_iter(statuses); at; at = json_object_iter_next(statuses, at))
		answers += (double)json_integer_value(json_object_iter_value(at));
	return answers - per_s * report_window_ns(r) / 1e9 > REPORT_MANY_LATE * answers;
}

void report_bytes(const struct report *r, char *ret, size_t size)
{
	bool is_late = str_starts(report_rate(r, "ok").text, "in ") || report_has_late_answers(r);

	*ret = '\0';
	if (json_path_at(r->doc, "bytes.in"))
		(void)snprintf(ret, size, "%s in, %s out%s", report_figure(r, "bytes.in").text,
			report_figure(r, "bytes.out").text,
			is_late ? ", until the window's end" : "");
}

struct figure report_more(const struct report *r, size_t n)
{
	struct figure f;

	(void)snprintf(f.text, sizeof(f.text), "(%zu more%s)", n, r->is_full ? " below" : ": -v");
	return f;
}

struct figure report_class(const char *name)
{
	struct figure f = {0};

	(void)snprintf(f.text, sizeof(f.text), "%s", name);
	for (char *c = f.text; *c; c++) {
		if (*c == '_')
			*c = ' ';
	}
	return f;
}

static const char *const report_meanings[LEDGER_CLASS_COUNT] = {
	[LEDGER_DROPPED] = "no free connection and no room to wait",
	[LEDGER_EXPIRED] = "timed out while waiting for a connection",
	[LEDGER_NOT_CONNECTED] = "no connection could be opened",
	[LEDGER_UNSENT] = "still waiting when the run ended",
	[LEDGER_LOST] = "the generator that held it is gone",
	[LEDGER_OK] = "",
	[LEDGER_HTTP_ERROR] = "a status that is not expected",
	[LEDGER_CHECK_FAILED] = "answered, but a check failed",
	[LEDGER_BAD_RESPONSE] = "not HTTP/1.1",
	[LEDGER_TIMEOUT] = "no complete answer in time",
	[LEDGER_CONNECTION_ERROR] = "closed or reset before the answer was complete",
	[LEDGER_UNFINISHED] = "no answer yet when the drain ended",
};

bool report_is_cut_short(const struct report *r)
{
	const json_t *events = json_path_at(r->doc, "events");

	for (size_t i = 0; i < json_array_size(events); i++)
		if (str_eq(json_path_text(json_array_get(events, i), "kind"), "stop-now"))
			return true;
	return false;
}

const char *report_class_meaning(const char *name)
{
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		if (str_eq(ledger_class_names[c], name))
			return report_meanings[c];
	}
	return "";
}
