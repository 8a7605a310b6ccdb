/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a run for spreadsheets and plots: one line of names with their units, one line for
 * each interval. What is not known is an empty field. Figures have a point, whatever the locale. */
#include <inttypes.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/result.h"
#include "ctl/format.h"

enum format_csv_kind {
	FORMAT_CSV_COUNT,
	FORMAT_CSV_S,	 /* ns, shown as seconds */
	FORMAT_CSV_MS,	 /* ns, shown as milliseconds */
	FORMAT_CSV_FLAG, /* 0 or 1 */
};

static const struct {
	const char *name;
	const char *member; /* of a row */
	enum format_csv_kind kind;
} format_csv_columns[] = {
	{"t_s", "t_ns", FORMAT_CSV_S},
	{"planned", "planned", FORMAT_CSV_COUNT},
	{"sent", "sent", FORMAT_CSV_COUNT},
	{"completed", "completed", FORMAT_CSV_COUNT},
	{"ok", "ok", FORMAT_CSV_COUNT},
	{"failed", "failed", FORMAT_CSV_COUNT},
	{"in_flight", "in_flight", FORMAT_CSV_COUNT},
	{"queue", "queue", FORMAT_CSV_COUNT},
	{"p50_ms", "p50_ns", FORMAT_CSV_MS},
	{"p99_ms", "p99_ns", FORMAT_CSV_MS},
	{"max_ms", "max_ns", FORMAT_CSV_MS},
	{"our_delay_p99_ms", "our_delay_p99_ns", FORMAT_CSV_MS},
	{"open", "open", FORMAT_CSV_FLAG},
};

#define FORMAT_CSV_N (sizeof(format_csv_columns) / sizeof(*format_csv_columns))

static int format_csv_field(
	const json_t *row, const char *member, enum format_csv_kind kind, struct buf *ret)
{
	bool flag = false;
	int64_t n;

	if (kind == FORMAT_CSV_FLAG)
		return result_bool(row, member, &flag) ? buf_puts(ret, flag ? "1" : "0") : 0;
	if (!result_int(row, member, &n))
		return 0;
	switch (kind) {
	case FORMAT_CSV_S:
		return buf_printf(ret, "%.3f", (double)n / (double)NSEC_PER_SEC);
	case FORMAT_CSV_MS:
		return buf_printf(ret, "%.3f", (double)n / (double)NSEC_PER_MSEC);
	default:
		return buf_printf(ret, "%" PRId64, n);
	}
}

static int format_csv_row(const json_t *row, struct buf *ret)
{
	int r = 0;

	for (size_t c = 0; c < FORMAT_CSV_N && r == 0; c++) {
		if (c)
			r = buf_puts(ret, ",");
		if (r == 0)
			r = format_csv_field(
				row, format_csv_columns[c].member, format_csv_columns[c].kind, ret);
	}
	return r ? r : buf_puts(ret, "\n");
}

static int format_csv_render(const json_t *doc, const struct look *look, struct buf *ret)
{
	const json_t *rows = result_at(doc, "intervals.rows");
	int r = 0;

	(void)look;
	for (size_t c = 0; c < FORMAT_CSV_N && r == 0; c++)
		r = buf_printf(ret, "%s%s", c ? "," : "", format_csv_columns[c].name);
	if (r == 0)
		r = buf_puts(ret, "\n");
	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++)
		r = format_csv_row(json_array_get(rows, i), ret);
	return r;
}

const struct format format_csv = {"csv", ".csv", format_csv_render};
