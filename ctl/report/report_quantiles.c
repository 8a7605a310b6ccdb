/* SPDX-License-Identifier: Apache-2.0 */
/* The percentiles of the one screen, and their confidence intervals.
 *
 * The response row ranks over all planned arrivals: if a rank falls on one without a good answer it
 * shows that, and the figures of the good answers alone are below it. The row of intervals belongs
 * to the one above it: half widths, the larger of the two sides, since the interval of a high
 * percentile reaches further up than down. A closed model has service times only, so its table has
 * only these. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/stats/confidence.h"
#include "common/json_path.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

/* The latencies that a row is about. */
struct report_row {
	const char *name;
	const char *base;    /* of the quantiles */
	const char *extreme; /* of max and mean; NULL: as base */
	const char *least;   /* of min; NULL: as base */
	const char *missing;
};

#define REPORT_CELLS_KEPT 6u /* that are not left out for a remark */
/* "  conn. wait" */
#define REPORT_NAME_WIDTH 12u
/* The longest text of a cell. */
#define REPORT_CELL_MAX 8u

/* The columns; the last ones are left out on a narrow terminal. */
static const struct {
	const char *title;
	const char *field;
} report_columns[REPORT_CELLS] = {
	{"p50", "p50_ns"},
	{"p90", "p90_ns"},
	{"p95", "p95_ns"},
	{"p99", "p99_ns"},
	{"p99.9", "p99_9_ns"},
	{"max", "max_ns"},
	{"mean", "mean_ns"},
	{"min", "min_ns"},
};

/* Those that have intervals. */
static const struct {
	const char *name;  /* as people write it */
	const char *field; /* of a latency, and of its ci95 */
	const char *key;   /* of n_effective */
	double q;
} report_bounded[] = {
	{"p50", "p50_ns", "p50", 0.5},
	{"p90", "p90_ns", "p90", 0.9},
	{"p99", "p99_ns", "p99", 0.99},
	{"p99.9", "p99_9_ns", "p99_9", 0.999},
};
#define REPORT_BOUNDED (sizeof(report_bounded) / sizeof(*report_bounded))

/* ---------------------------------------------------------------- what is not there */

/* As short as a cell: "2s", "1.5s", "250ms". */
static void report_short_time(int64_t ns, char *ret, size_t size)
{
	if (ns >= NSEC_PER_SEC)
		(void)snprintf(ret, size, "%.4gs", (double)ns / (double)NSEC_PER_SEC);
	else
		(void)snprintf(ret, size, "%.4gms", (double)ns / (double)NSEC_PER_MSEC);
}

struct figure report_unserved(const struct report *r, const json_t *part)
{
	const struct report of = {.doc = part};
	int64_t unserved = report_int(&of, "ledger.planned") - report_int(&of, "ledger.ok");
	int64_t timeout = report_int(&of, "ledger.timeout");
	struct figure f = {"unserved"};
	char limit[24];

	/* Whichever of them the rank falls on, it has waited its timeout. */
	if (r->timeout_ns <= 0 || timeout <= 0 ||
		timeout + report_int(&of, "ledger.expired") != unserved)
		return f;
	report_short_time(r->timeout_ns, limit, sizeof(limit));
	if (strlen(limit) + 2 <= REPORT_CELL_MAX)
		(void)snprintf(f.text, sizeof(f.text), ">=%s", limit);
	return f;
}

/* ---------------------------------------------------------------- intervals */

static const char *report_interval_base(const struct report *r)
{
	return r->closed ? "latency.service" : "latency.response";
}

static const json_t *report_interval(const struct report *r, const char *field)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s.ci95.%s", report_interval_base(r), field);
	return json_path_at(r->doc, path);
}

bool report_quantile_interval(
	const struct report *r, const char *field, struct report_interval *ret)
{
	const json_t *pair = report_interval(r, field);
	char path[96];
	double low, high;

	*ret = (struct report_interval){{"-"}, {"-"}, {"-"}};
	if (!json_is_array(pair) || !json_is_integer(json_array_get(pair, 0)))
		return false;
	low = (double)json_integer_value(json_array_get(pair, 0));
	high = (double)json_integer_value(json_array_get(pair, 1));
	ret->low = figure_value(low / r->unit_ns);
	if (!json_is_integer(json_array_get(pair, 1))) {
		ret->high = ret->half = (struct figure){"no limit"};
		return true;
	}
	ret->high = figure_value(high / r->unit_ns);
	(void)snprintf(
		path, sizeof(path), "%s.%s", r->closed ? "latency.service" : "offered", field);
	if (json_path_at(r->doc, path)) {
		double x = report_real(r, path);

		ret->half = figure_value((high - x > x - low ? high - x : x - low) / r->unit_ns);
	}
	return true;
}

struct figure report_effective(const struct report *r, const char *key)
{
	struct figure f = {"-"};
	char path[96];
	double n;

	(void)snprintf(path, sizeof(path), "%s.n_effective.%s", report_interval_base(r), key);
	if (!json_path_real(r->doc, path, &n) || !(n >= 0 && n < 1e12))
		return f;
	/* An estimate, and its place is narrow. */
	if (n < 999500)
		return figure_rate(n);
	(void)snprintf(f.text, sizeof(f.text), "%.3g%s", n < 999.5e6 ? n / 1e6 : n / 1e9,
		n < 999.5e6 ? "M" : "G");
	return f;
}

bool report_has_intervals(const struct report *r)
{
	for (size_t i = 0; i < REPORT_BOUNDED; i++)
		if (json_is_array(report_interval(r, report_bounded[i].field)))
			return true;
	return false;
}

double report_level(const struct report *r)
{
	const json_t *level = report_interval(r, "level");
	double value = json_is_number(level) ? json_number_value(level) : 0;

	return value >= 0.5 && value < 1 ? value : 0.95;
}

/* Does any rank fall on a good answer? */
static bool report_is_served(const struct report *r)
{
	int64_t ns;

	return json_path_int(r->doc, r->closed ? "latency.service.p50_ns" : "offered.p50_ns", &ns);
}

static void report_listed(char *list, size_t size, const char *text)
{
	size_t used = strlen(list);

	(void)snprintf(list + used, size - used, "%s%s", used ? ", " : "", text);
}

static bool report_is_open(const struct report *r, const char *field)
{
	const json_t *pair = report_interval(r, field);

	return json_array_size(pair) == 2 && json_is_integer(json_array_get(pair, 0)) &&
	       !json_is_integer(json_array_get(pair, 1));
}

/* "no upper limit of p99, p99.9: at least 14.2, 20.1 ms"; "": each has one. */
static void report_open_ends(const struct report *r, char *ret, size_t size)
{
	char names[64] = "";
	char lows[96] = "";

	*ret = '\0';
	for (size_t i = 0; i < REPORT_BOUNDED; i++) {
		struct report_interval interval;

		if (!report_is_open(r, report_bounded[i].field))
			continue;
		(void)report_quantile_interval(r, report_bounded[i].field, &interval);
		report_listed(names, sizeof(names), report_bounded[i].name);
		report_listed(lows, sizeof(lows), interval.low.text);
	}
	if (*names)
		(void)snprintf(ret, size, "no upper limit of %s: at least %s" REPORT_GLUE "%s",
			names, lows, r->unit);
}

/* Those without an interval, and why. */
static void report_unbounded(const struct report *r, char *ret, size_t size)
{
	char names[64] = "";
	char has[96] = "";
	char needs[96] = "";
	size_t n_repeats = json_array_size(json_path_at(r->doc, "repeats"));

	*ret = '\0';
	for (size_t i = 0; i < REPORT_BOUNDED; i++) {
		char path[96];
		double n;

		(void)snprintf(path, sizeof(path), "%s.n_effective.%s", report_interval_base(r),
			report_bounded[i].key);
		/* A rank that falls on an arrival without a good answer does not lack data. */
		if (!json_path_real(r->doc, path, &n) ||
			json_is_array(report_interval(r, report_bounded[i].field)))
			continue;
		report_listed(names, sizeof(names), report_bounded[i].name);
		report_listed(has, sizeof(has), figure_rate(n).text);
		report_listed(needs, sizeof(needs),
			figure_count(
				(int64_t)confidence_least_n(report_bounded[i].q, report_level(r)))
				.text);
	}
	if (*names)
		(void)snprintf(ret, size,
			"not enough data to bound %s: n_eff %s where %s are needed", names, has,
			needs);
	else if (n_repeats > 0 && n_repeats < CONFIDENCE_RUNS_LEAST)
		(void)snprintf(ret, size,
			"not enough data to say how far percentiles may be off: that takes %d "
			"repetitions",
			CONFIDENCE_RUNS_LEAST);
	else if (n_repeats == 0 && !report_has_intervals(r) && report_is_served(r))
		(void)snprintf(ret, size,
			"not enough data to say how far percentiles may be off: that takes "
			"%d" REPORT_GLUE "s",
			CONFIDENCE_BATCHES_LEAST);
}

void report_not_enough(const struct report *r, char *ret, size_t size)
{
	char open[REPORT_NOT_ENOUGH / 2];
	size_t used;

	*ret = '\0';
	/* The result is from another version, or nothing was measured. */
	if (!report_interval(r, "level") || report_int(r, "latency.service.count") == 0)
		return;
	report_unbounded(r, ret, size);
	report_open_ends(r, open, sizeof(open));
	used = strlen(ret);
	if (*open)
		(void)snprintf(ret + used, size - used, "%s%s", used ? "; " : "", open);
}

const char *report_unsteady(const struct report *r)
{
	const char *word = json_path_text(r->doc, "steadiness.word");

	if (str_eq(word, "unsteady"))
		return "unsteady";
	return str_eq(word, "warm-up too short") ? "warming up" : "";
}

/* ---------------------------------------------------------------- the table */

static struct report_cells *report_add_row(
	struct report_quantiles *t, const char *name, const char *remark)
{
	struct report_cells *row = &t->rows[t->n++];

	(void)snprintf(row->name, sizeof(row->name), "%s", name);
	(void)snprintf(row->remark, sizeof(row->remark), "%s", remark);
	return row;
}

static void report_row(const struct report *r, struct report_quantiles *t,
	const struct report_row *row, const char *remark)
{
	struct report_cells *to = report_add_row(t, row->name, remark);

	for (size_t i = 0; i < REPORT_CELLS; i++) {
		const char *field = report_columns[i].field;
		const char *base = row->base, *missing = row->missing;

		if ((str_eq(field, "max_ns") || str_eq(field, "mean_ns")) && row->extreme)
			base = row->extreme;
		if (str_eq(field, "min_ns") && row->least)
			base = row->least;
		if (str_eq(field, "mean_ns") || str_eq(field, "min_ns"))
			missing = "-";
		to->cells[i] = report_duration(r, base, field, missing);
	}
}

/* The number of columns that fit, and the width of the line that they make. */
static size_t report_columns_within(
	size_t most, size_t gap, const size_t widths[static REPORT_CELLS], size_t *ret_width)
{
	size_t n = 0;

	*ret_width = REPORT_NAME_WIDTH;
	while (n < REPORT_CELLS && *ret_width + gap + widths[n] <= most)
		*ret_width += gap + widths[n++];
	return n;
}

/* Prints the columns that fit; a remark is worth more than the last of them. */
static void report_print_table(struct report *r, const struct report_quantiles *t)
{
	size_t widths[REPORT_CELLS] = {0};
	size_t all = REPORT_NAME_WIDTH, remark = 0, gap, n;

	for (size_t c = 0; c < REPORT_CELLS; c++) {
		for (size_t i = 0; i < t->n; i++) {
			size_t width = strlen(t->rows[i].cells[c].text);

			widths[c] = width > widths[c] ? width : widths[c];
		}
		all += widths[c] + 2;
	}
	for (size_t i = 0; i < t->n; i++)
		if (*t->rows[i].remark && strlen(t->rows[i].remark) + 2 > remark)
			remark = strlen(t->rows[i].remark) + 2;
	gap = all + remark <= r->width ? 2 : 1;
	n = report_columns_within(r->width - remark, gap, widths, &all);
	if (n < REPORT_CELLS_KEPT)
		n = report_columns_within(r->width, gap, widths, &all);
	for (size_t i = 0; i < t->n; i++) {
		const struct report_cells *row = &t->rows[i];
		size_t columns = style_columns(row->name);
		struct buf line = {0};

		(void)buf_printf(
			&line, "  %s%*s", row->name, columns < 10 ? (int)(10 - columns) : 0, "");
		for (size_t c = 0; c < n; c++)
			(void)buf_printf(&line, "%*s", (int)(gap + widths[c]), row->cells[c].text);
		if (*row->remark && all + 2 + strlen(row->remark) <= r->width)
			(void)buf_printf(&line, "  %s", row->remark);
		report_line(r, "%s", line.data ? line.data : "");
		buf_fini(&line);
	}
}

/* The remark after the row of the headline. */
static void report_remark(const struct report *r, char *ret, size_t size)
{
	struct figure n = report_effective(r, "p99");

	*ret = '\0';
	if (str_eq(n.text, "-"))
		n = report_effective(r, "p50");
	if (*report_unsteady(r))
		(void)snprintf(ret, size, "%s", report_unsteady(r));
	else if (!str_eq(n.text, "-"))
		(void)snprintf(ret, size, "n_eff %.20s", n.text);
}

static void report_interval_row(const struct report *r, struct report_quantiles *t)
{
	struct report_cells *row;
	char name[32];

	if (!report_has_intervals(r))
		return;
	(void)snprintf(name, sizeof(name), "  %.0f %% ±", report_level(r) * 100);
	row = report_add_row(t, name, "");
	/* A result has no intervals of the others: for these it is "-", too. */
	for (size_t c = 0; c < REPORT_CELLS; c++) {
		struct report_interval interval;

		(void)report_quantile_interval(r, report_columns[c].field, &interval);
		row->cells[c] = interval.half;
	}
}

/* The generator's verdict may be that of another note: a busy CPU, late stamps. */
static bool report_delay_has_note(const struct report *r)
{
	const json_t *notes = json_path_at(r->doc, "generator.notes");

	for (size_t i = 0; i < json_array_size(notes); i++)
		if (str_eq(json_path_text(json_array_get(notes, i), "code"), "our-delay"))
			return true;
	return false;
}

/* Some arrivals have no good answer: the row of all is not that of the good answers alone. */
static bool report_has_unserved(const struct report *r)
{
	return report_real(r, "offered.unserved_share") > 0;
}

/* "0.9 ms of p99": what of it is not of the server's making. A difference of the two, for the
 * share of one quantile in another says nothing. Both are of good answers: where these have a row
 * of their own, "0.9 ms of ok p99", and no room is taken to say that it is none. */
static struct figure report_our_part(const struct report *r)
{
	struct figure f = {""};
	int64_t whole, less;

	if (!json_path_int(r->doc, "latency.response.p99_ns", &whole) ||
		!json_path_int(r->doc, "latency.response_less_ours.p99_ns", &less))
		return f;
	if (whole > less)
		(void)snprintf(f.text, sizeof(f.text), "%.20s of %sp99",
			figure_time(whole - less).text, report_has_unserved(r) ? "ok " : "");
	else if (!report_has_unserved(r))
		(void)snprintf(f.text, sizeof(f.text), "none of p99");
	return f;
}

static void report_our_delay(const struct report *r, struct report_quantiles *t)
{
	static const struct report_row row = {
		.name = "our delay", .base = "latency.our_delay", .missing = "-"};
	const char *verdict = json_path_text(r->doc, "generator.verdict");
	struct figure part = report_our_part(r);
	char remark[96];

	/* The note says why where it is not ok. */
	if (*verdict && !str_eq(verdict, "ok") && report_delay_has_note(r))
		(void)snprintf(remark, sizeof(remark), "%.12s", verdict);
	else
		(void)snprintf(remark, sizeof(remark), "%s", part.text);
	report_row(r, t, &row, remark);
}

/* Worth a row when it is more than a twentieth of the response time. */
static bool report_waited(const struct report *r)
{
	int64_t wait = report_int(r, "latency.connection_wait.p99_ns");
	int64_t response = report_int(r, "latency.response.p99_ns");

	return wait > 0 && wait > response / 20;
}

static void report_responses(const struct report *r, struct report_quantiles *t, const char *remark)
{
	static const struct report_row good = {
		.name = "  ok only", .base = "latency.response", .missing = "-"};
	static const struct report_row wait = {
		.name = "conn. wait", .base = "latency.connection_wait", .missing = "-"};
	struct figure missing = report_unserved(r, r->doc);
	bool unserved = report_has_unserved(r);
	/* With arrivals unserved, the largest response time is not known. */
	struct report_row all = {.name = "response",
		.base = "offered",
		.extreme = unserved ? NULL : "latency.response",
		.least = "latency.response",
		.missing = missing.text};

	report_row(r, t, &all, remark);
	report_interval_row(r, t);
	if (unserved)
		report_row(r, t, &good, "");
	if (report_waited(r))
		report_row(r, t, &wait, "");
}

void report_quantiles(const struct report *r, struct report_quantiles *t)
{
	static const struct report_row service = {
		.name = "service", .base = "latency.service", .missing = "-"};
	static const struct report_row connect = {
		.name = "connect", .base = "latency.connect", .missing = "-"};
	static const struct report_row tls = {.name = "tls", .base = "latency.tls", .missing = "-"};
	struct report_cells *titles;
	char remark[48];

	*t = (struct report_quantiles){0};
	if (report_int(r, "latency.service.count") == 0)
		return;
	report_remark(r, remark, sizeof(remark));
	titles = report_add_row(t, r->unit, "");
	for (size_t c = 0; c < REPORT_CELLS; c++)
		(void)snprintf(titles->cells[c].text, sizeof(titles->cells[c].text), "%s",
			report_columns[c].title);
	if (!r->closed)
		report_responses(r, t, remark);
	report_row(r, t, &service, r->closed ? remark : "");
	if (r->closed)
		report_interval_row(r, t);
	else
		report_our_delay(r, t);
	/* Per connection, and worth their rows where they are not next to nothing. */
	if (report_int(r, "latency.tls.count") > 0) {
		report_row(r, t, &connect, "");
		report_row(r, t, &tls, "");
	}
}

void report_quantile_table(struct report *r)
{
	struct report_quantiles t;

	report_quantiles(r, &t);
	if (t.n == 0)
		return;
	report_print_table(r, &t);
	report_gap(r);
}
