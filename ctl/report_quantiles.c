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
#include "common/confidence.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/look.h"
#include "ctl/report.h"

struct report_row {
	const char *name;
	const char *base;    /* of the quantiles */
	const char *extreme; /* of max and mean; NULL: as base */
	const char *missing;
};

#define REPORT_CELLS 6u
/* "  conn. wait", and a cell with its blank. */
#define REPORT_NAME_WIDTH 12u
#define REPORT_CELL_WIDTH 9u

/* Those that have intervals, in the order of their cells. */
static const struct {
	const char *name;  /* as people write it */
	const char *field; /* of a latency, and of its ci95 */
	const char *key;   /* of n_effective */
	double q;
} report_quantiles[] = {
	{"p50", "p50_ns", "p50", 0.5},
	{"p90", "p90_ns", "p90", 0.9},
	{"p99", "p99_ns", "p99", 0.99},
	{"p99.9", "p99_9_ns", "p99_9", 0.999},
};
#define REPORT_QUANTILES (sizeof(report_quantiles) / sizeof(*report_quantiles))

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
	if (strlen(limit) + 2 <= REPORT_CELL_WIDTH - 1)
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
	return result_at(r->doc, path);
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
	if (result_at(r->doc, path)) {
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
	if (!result_real(r->doc, path, &n) || !(n >= 0 && n < 1e12))
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
	for (size_t i = 0; i < REPORT_QUANTILES; i++)
		if (json_is_array(report_interval(r, report_quantiles[i].field)))
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

	return result_int(r->doc, r->closed ? "latency.service.p50_ns" : "offered.p50_ns", &ns);
}

static void report_listed(char *list, size_t size, const char *text)
{
	size_t used = strlen(list);

	(void)snprintf(list + used, size - used, "%s%s", used ? ", " : "", text);
}

void report_not_enough(const struct report *r, char *ret, size_t size)
{
	char names[64] = "";
	char has[96] = "";
	char needs[96] = "";
	size_t n_repeats = json_array_size(result_at(r->doc, "repeats"));

	*ret = '\0';
	/* The result is from another version, or nothing was measured. */
	if (!report_interval(r, "level") || report_int(r, "latency.service.count") == 0)
		return;
	for (size_t i = 0; i < REPORT_QUANTILES; i++) {
		char path[96];
		double n;

		(void)snprintf(path, sizeof(path), "%s.n_effective.%s", report_interval_base(r),
			report_quantiles[i].key);
		/* A rank that falls on an arrival without a good answer does not lack data. */
		if (!result_real(r->doc, path, &n) ||
			json_is_array(report_interval(r, report_quantiles[i].field)))
			continue;
		report_listed(names, sizeof(names), report_quantiles[i].name);
		report_listed(has, sizeof(has), figure_rate(n).text);
		report_listed(needs, sizeof(needs),
			figure_count(
				(int64_t)confidence_least_n(report_quantiles[i].q, report_level(r)))
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

const char *report_unsteady(const struct report *r)
{
	const char *word = result_text(r->doc, "steadiness.word");

	if (str_eq(word, "unsteady"))
		return "unsteady";
	return str_eq(word, "warm-up too short") ? "warming up" : "";
}

/* ---------------------------------------------------------------- the table */

/* A row of the table: the cells that fit, and a remark where all of it does. */
static void report_cells(struct report *r, const char *name,
	const struct figure cells[static REPORT_CELLS], const char *remark)
{
	unsigned n = (r->width - REPORT_NAME_WIDTH) / REPORT_CELL_WIDTH;
	size_t columns = look_columns(name);
	struct buf line = {0};

	(void)buf_printf(&line, "  %s%*s", name, columns < 10 ? (int)(10 - columns) : 0, "");
	for (unsigned i = 0; i < REPORT_CELLS && i < n; i++)
		(void)buf_printf(&line, " %8s", cells[i].text);
	if (*remark && line.data && look_columns(line.data) + 2 + strlen(remark) <= r->width)
		(void)buf_printf(&line, "  %s", remark);
	report_line(r, "%s", line.data ? line.data : "");
	buf_fini(&line);
}

static void report_row(struct report *r, const struct report_row *row, const char *remark)
{
	const char *extreme = row->extreme ? row->extreme : row->base;
	struct figure cells[REPORT_CELLS];

	for (size_t i = 0; i < REPORT_QUANTILES; i++)
		cells[i] = report_duration(r, row->base, report_quantiles[i].field, row->missing);
	cells[4] = report_duration(r, extreme, "max_ns", row->missing);
	cells[5] = report_duration(r, extreme, "mean_ns", "-");
	report_cells(r, row->name, cells, remark);
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

static void report_interval_row(struct report *r)
{
	struct figure cells[REPORT_CELLS] = {0};
	char name[32];

	if (!report_has_intervals(r))
		return;
	for (size_t i = 0; i < REPORT_QUANTILES; i++) {
		struct report_interval interval;

		(void)report_quantile_interval(r, report_quantiles[i].field, &interval);
		cells[i] = interval.half;
	}
	(void)snprintf(name, sizeof(name), "  %.0f %% ±", report_level(r) * 100);
	report_cells(r, name, cells, "");
}

static void report_our_delay(struct report *r)
{
	static const struct report_row row = {"our delay", "latency.our_delay", NULL, "-"};
	const char *verdict = result_text(r->doc, "generator.verdict");
	char remark[96] = "";
	double share;

	/* The notes say why where it is not ok. */
	if (*verdict && !str_eq(verdict, "ok"))
		(void)snprintf(remark, sizeof(remark), "%.12s", verdict);
	else if (result_real(r->doc, "headline.our_delay_share_of_p99", &share))
		(void)snprintf(remark, sizeof(remark), "%s of p99", figure_percent(share).text);
	report_row(r, &row, remark);
}

/* Worth a row when it is more than a twentieth of the response time. */
static bool report_waited(const struct report *r)
{
	int64_t wait = report_int(r, "latency.connection_wait.p99_ns");
	int64_t response = report_int(r, "latency.response.p99_ns");

	return wait > 0 && wait > response / 20;
}

static void report_responses(struct report *r, const char *remark)
{
	static const struct report_row good = {"  ok only", "latency.response", NULL, "-"};
	static const struct report_row wait = {"conn. wait", "latency.connection_wait", NULL, "-"};
	struct figure missing = report_unserved(r, r->doc);
	struct report_row all = {"response", "offered", "latency.response", missing.text};
	bool unserved = report_real(r, "offered.unserved_share") > 0;

	/* With arrivals unserved, the largest response time is not known. */
	if (unserved)
		all.extreme = "offered";
	report_row(r, &all, remark);
	report_interval_row(r);
	if (unserved)
		report_row(r, &good, "");
	if (report_waited(r))
		report_row(r, &wait, "");
}

void report_quantile_table(struct report *r)
{
	static const struct report_row service = {"service", "latency.service", NULL, "-"};
	static const struct report_row connect = {"connect", "latency.connect", NULL, "-"};
	static const struct report_row tls = {"tls", "latency.tls", NULL, "-"};
	static const struct figure titles[REPORT_CELLS] = {
		{"p50"}, {"p90"}, {"p99"}, {"p99.9"}, {"max"}, {"mean"}};
	char remark[48];

	if (report_int(r, "latency.service.count") == 0)
		return;
	report_remark(r, remark, sizeof(remark));
	report_cells(r, r->unit, titles, "");
	if (!r->closed)
		report_responses(r, remark);
	report_row(r, &service, r->closed ? remark : "");
	if (r->closed)
		report_interval_row(r);
	else
		report_our_delay(r);
	/* Per connection, and worth their rows where they are not next to nothing. */
	if (report_int(r, "latency.tls.count") > 0) {
		report_row(r, &connect, "");
		report_row(r, &tls, "");
	}
	report_gap(r);
}
