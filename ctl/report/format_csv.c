/* SPDX-License-Identifier: Apache-2.0 */
/* A run for spreadsheets and plots: one line of names with their units, one line for each interval,
 * whose columns are in the table of the result; or one for each measured stage. What is not known
 * is an empty field. Figures have a point, whatever the locale. */
#include <inttypes.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json_path.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/report/format.h"
#include "ctl/print.h"

/* A figure in the unit that its column's name ends in. */
static int format_csv_field(const struct result_field *f, const json_t *row, struct buf *ret)
{
	bool flag = false;
	int64_t n;

	if (f->type == RESULT_FLAG)
		return json_path_bool(row, f->name, &flag) ? buf_puts(ret, flag ? "1" : "0") : 0;
	if (!json_path_int(row, f->name, &n))
		return 0;
	if (f->unit != RESULT_NS)
		return buf_printf(ret, "%" PRId64, n);
	return buf_printf(ret, "%.3f",
		(double)n / (double)(str_ends(f->csv, "_ms") ? NSEC_PER_MSEC : NSEC_PER_SEC));
}

/* The columns, or with a row its fields. */
static int format_csv_line(const json_t *row, struct buf *ret)
{
	const struct result_table *t = &result_row_table;
	bool is_first = true;
	int r = 0;

	for (size_t c = 0; c < t->n && r == 0; c++) {
		const struct result_field *f = &t->fields[c];

		if (!f->csv)
			continue;
		if (!is_first)
			r = buf_puts(ret, ",");
		if (r == 0)
			r = row ? format_csv_field(f, row, ret) : buf_puts(ret, f->csv);
		is_first = false;
	}
	return r ? r : buf_puts(ret, "\n");
}

static int format_csv_render(const json_t *doc, const struct style *style, struct buf *ret)
{
	const json_t *rows = json_path_at(doc, "intervals.rows");
	int r = format_csv_line(NULL, ret);

	(void)style;
	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++)
		r = format_csv_line(json_array_get(rows, i), ret);
	return r;
}

const struct format format_csv = {"csv", ".csv", format_csv_render};

/* ---------------------------------------------------------------- stages */

/* unit: what the figure is divided by; 0: it is a text. */
static const struct {
	const char *column, *path;
	int decimals;
	double unit;
} format_csv_stages[] = {
	{"stage", "number", 0, 1},
	{"text", "text", 0, 0},
	{"start_s", "start_ns", 3, NSEC_PER_SEC},
	{"end_s", "end_ns", 3, NSEC_PER_SEC},
	{"planned_per_s", "rates.planned_per_s", 3, 1},
	{"ok_per_s", "rates.ok_per_s", 3, 1},
	{"planned", "ledger.planned", 0, 1},
	{"sent", "ledger.sent", 0, 1},
	{"ok", "ledger.ok", 0, 1},
	{"p50_ms", "offered.p50_ns", 3, NSEC_PER_MSEC},
	{"p95_ms", "offered.p95_ns", 3, NSEC_PER_MSEC},
	{"p99_ms", "offered.p99_ns", 3, NSEC_PER_MSEC},
	{"our_delay_p99_ms", "latency.our_delay.p99_ns", 3, NSEC_PER_MSEC},
};
#define FORMAT_CSV_STAGES (sizeof(format_csv_stages) / sizeof(*format_csv_stages))

/* In quotes, in which a quote is doubled (RFC 4180); in one line, and without control characters:
 * it may have come from anywhere, and the file may be shown on a terminal. */
static int format_csv_text(const char *text, struct buf *ret)
{
	struct buf clean = {0};
	int r = print_clean(text, true, &clean);

	if (r == 0)
		r = buf_puts(ret, "\"");
	for (const char *c = clean.data; c && *c && r == 0; c++) {
		bool is_blank = *c == '\n' || *c == '\t';

		r = *c == '"' ? buf_puts(ret, "\"\"") : buf_append(ret, is_blank ? " " : c, 1);
	}
	buf_fini(&clean);
	return r ? r : buf_puts(ret, "\"");
}

static int format_csv_stage(const json_t *stage, struct buf *ret)
{
	int r = 0;

	for (size_t c = 0; c < FORMAT_CSV_STAGES && r == 0; c++) {
		const char *path = format_csv_stages[c].path;
		double value, unit = format_csv_stages[c].unit;

		r = c > 0 ? buf_puts(ret, ",") : 0;
		if (r == 0 && unit == 0)
			r = format_csv_text(json_path_text(stage, path), ret);
		else if (r == 0 && json_path_real(stage, path, &value))
			r = buf_printf(ret, "%.*f", format_csv_stages[c].decimals, value / unit);
	}
	return r ? r : buf_puts(ret, "\n");
}

static int format_csv_render_stages(const json_t *doc, const struct style *style, struct buf *ret)
{
	const json_t *stages = json_path_at(doc, "stages");
	int r = 0;

	(void)style;
	for (size_t c = 0; c < FORMAT_CSV_STAGES && r == 0; c++)
		r = buf_printf(ret, "%s%s", c > 0 ? "," : "", format_csv_stages[c].column);
	if (r == 0)
		r = buf_puts(ret, "\n");
	for (size_t i = 0; i < json_array_size(stages) && r == 0; i++)
		r = format_csv_stage(json_array_get(stages, i), ret);
	return r;
}

const struct format format_stages_csv = {"stages", ".stages.csv", format_csv_render_stages};
