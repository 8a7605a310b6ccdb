/* SPDX-License-Identifier: Apache-2.0 */
/* The measured stages of a run that has several, a line for each: what was planned and answered in
 * it, its percentiles over all planned arrivals, and the p99 of our own delay. The table is below
 * the run's percentiles and shares their unit. */
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

#define REPORT_STAGES_MAX 12u /* -v has them all */
#define REPORT_STAGE_NAME_MIN 8u

const char *const report_stage_titles[REPORT_STAGE_CELLS] = {
	"rate/s", "planned", "ok", "failed", "p50", "p95", "p99", "ours"};

static const json_t *report_stages(const struct report *r)
{
	return json_path_at(r->doc, "stages");
}

size_t report_n_stages(const struct report *r)
{
	return json_array_size(report_stages(r));
}

struct report_stage report_stage(const struct report *r, size_t i)
{
	struct report part = *r;
	int64_t planned, ok;
	struct figure missing = {"-"};
	struct report_stage s;
	const char *text;

	part.doc = json_array_get(report_stages(r), i);
	part.table = &result_stage_table;
	planned = report_int(&part, "ledger.planned");
	ok = report_int(&part, "ledger.ok");
	if (planned > 0)
		missing = report_unserved(r, part.doc);
	s = (struct report_stage){
		.cells = {report_figure(&part, "rates.planned_per_s"), figure_count(planned),
			figure_count(ok), figure_count(planned - ok)}};
	s.cells[4] = report_duration(&part, "offered", "p50_ns", missing.text);
	s.cells[5] = report_duration(&part, "offered", "p95_ns", missing.text);
	s.cells[6] = report_duration(&part, "offered", "p99_ns", missing.text);
	s.cells[7] = report_duration(&part, "latency.our_delay", "p99_ns", "-");
	text = json_path_text(part.doc, "text");
	/* Most stages hold a rate: the room is for the others' words. */
	if (str_starts(text, "hold "))
		text += strlen("hold ");
	(void)snprintf(
		s.name, sizeof(s.name), "%lld %s", (long long)report_int(&part, "number"), text);
	return s;
}

/* Each column is as wide as its widest cell and two blanks; the name has the rest. */
static size_t report_stage_widths(
	const struct report *r, size_t n, size_t widths[static REPORT_STAGE_CELLS])
{
	size_t most = 0, all = 2;

	for (size_t c = 0; c < REPORT_STAGE_CELLS; c++)
		widths[c] = strlen(report_stage_titles[c]) + 2;
	for (size_t i = 0; i < n; i++) {
		struct report_stage s = report_stage(r, i);
		size_t name = style_columns(s.name);

		most = name > most ? name : most;
		for (size_t c = 0; c < REPORT_STAGE_CELLS; c++) {
			size_t width = strlen(s.cells[c].text) + 2;

			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	for (size_t c = 0; c < REPORT_STAGE_CELLS; c++)
		all += widths[c];
	if (all + REPORT_STAGE_NAME_MIN > r->width)
		return REPORT_STAGE_NAME_MIN;
	return most < r->width - all ? most : r->width - all;
}

static void report_stage_line(struct report *r, const char *name, size_t name_width,
	const size_t widths[static REPORT_STAGE_CELLS],
	const struct figure cells[static REPORT_STAGE_CELLS])
{
	bool is_cut = style_columns(name) > name_width;
	size_t len = is_cut ? style_cut(name, name_width - 1) : strlen(name);
	size_t used = 2 + name_width;
	struct buf line = {0};

	(void)buf_printf(&line, "  %.*s%s%*s", (int)len, name, is_cut ? "…" : "",
		is_cut ? 0 : (int)(name_width - style_columns(name)), "");
	for (size_t c = 0; c < REPORT_STAGE_CELLS && used + widths[c] <= r->width; c++) {
		(void)buf_printf(&line, "%*s", (int)widths[c], cells[c].text);
		used += widths[c];
	}
	report_line(r, "%s", line.data ? line.data : "");
	buf_fini(&line);
}

void report_stage_table(struct report *r)
{
	size_t n = report_n_stages(r);
	size_t n_shown = n > REPORT_STAGES_MAX && !r->is_full ? REPORT_STAGES_MAX : n;
	struct figure titles[REPORT_STAGE_CELLS];
	size_t widths[REPORT_STAGE_CELLS];
	size_t name_width = report_stage_widths(r, n_shown, widths);

	if (n == 0)
		return;
	for (size_t c = 0; c < REPORT_STAGE_CELLS; c++)
		(void)snprintf(
			titles[c].text, sizeof(titles[c].text), "%s", report_stage_titles[c]);
	report_stage_line(r, "stage", name_width, widths, titles);
	for (size_t i = 0; i < n_shown; i++) {
		struct report_stage s = report_stage(r, i);

		report_stage_line(r, s.name, name_width, widths, s.cells);
	}
	if (n_shown < n)
		report_line(r, "  %s", report_more(r, n - n_shown).text);
	report_gap(r);
}
