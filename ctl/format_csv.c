/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a run for spreadsheets and plots: one line of names with their units, one line for
 * each interval; the columns are in the table of the result. What is not known is an empty field.
 * Figures have a point, whatever the locale. */
#include <inttypes.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/result.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/format.h"

/* A figure in the unit that its column's name ends in. */
static int format_csv_field(const struct result_field *f, const json_t *row, struct buf *ret)
{
	bool flag = false;
	int64_t n;

	if (f->type == RESULT_FLAG)
		return result_bool(row, f->name, &flag) ? buf_puts(ret, flag ? "1" : "0") : 0;
	if (!result_int(row, f->name, &n))
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

static int format_csv_render(const json_t *doc, const struct look *look, struct buf *ret)
{
	const json_t *rows = result_at(doc, "intervals.rows");
	int r = format_csv_line(NULL, ret);

	(void)look;
	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++)
		r = format_csv_line(json_array_get(rows, i), ret);
	return r;
}

const struct format format_csv = {"csv", ".csv", format_csv_render};
