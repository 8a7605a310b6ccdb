/* SPDX-License-Identifier: Apache-2.0 */
/* The runs that a merged result is the sum of, a line for each: a sum hides one sick host among
 * many, its line does not. Below the percentiles, in their unit. */
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "ctl/style.h"
#include "ctl/report.h"

#define REPORT_PARTS_MAX 20u
#define REPORT_PART_NAME_MIN 10u
/* The cells after a name, with blanks; on a narrow terminal without planned and our delay. */
#define REPORT_PART_CELLS 60u
#define REPORT_PART_CELLS_NARROW 40u

struct report_part_name {
	char text[140];
};

/* "host/id", or "id". */
static struct report_part_name report_part_name(const json_t *part)
{
	const char *host = json_path_text(part, "host");
	struct report_part_name name;

	(void)snprintf(name.text, sizeof(name.text), "%.64s%s%.64s", host, *host ? "/" : "",
		json_path_text(part, "id"));
	return name;
}

static struct figure report_part_ms(
	const struct report *r, const json_t *part, const char *key, const char *missing)
{
	struct figure f = {0};
	double ms;

	if (json_path_real(part, key, &ms))
		return figure_value(ms * 1e6 / r->unit_ns);
	(void)snprintf(f.text, sizeof(f.text), "%s", missing);
	return f;
}

static struct figure report_part_count(const json_t *part, const char *key)
{
	int64_t n = 0;

	(void)json_path_int(part, key, &n);
	return figure_count(n);
}

static void report_part_line(struct report *r, const json_t *part, unsigned width)
{
	struct report_part_name name = report_part_name(part);
	bool is_cut = style_columns(name.text) > width;
	int len = (int)(is_cut ? style_cut(name.text, width - 1) : strlen(name.text));
	int gap = (int)(width - (is_cut ? width : style_columns(name.text)));
	struct figure planned = report_part_count(part, "planned");
	struct figure ok = report_part_count(part, "ok");
	struct figure p50 = report_part_ms(r, part, "p50_ms", "unserved");
	struct figure p99 = report_part_ms(r, part, "p99_ms", "unserved");
	struct figure ours = report_part_ms(r, part, "our_delay_p99_ms", "-");
	const char *verdict = json_path_text(part, "verdict");

	if (r->width < REPORT_WIDTH)
		report_line(r, "  %.*s%s%*s %10s %8s %8s  %.9s", len, name.text, is_cut ? "…" : "",
			gap, "", ok.text, p50.text, p99.text, verdict);
	else
		report_line(r, "  %.*s%s%*s %10s %10s %8s %8s %8s  %.9s", len, name.text,
			is_cut ? "…" : "", gap, "", planned.text, ok.text, p50.text, p99.text,
			ours.text, verdict);
}

void report_parts_table(struct report *r)
{
	const json_t *parts = json_path_at(r->doc, "parts");
	bool is_narrow = r->width < REPORT_WIDTH;
	size_t width = REPORT_PART_NAME_MIN;
	size_t most = r->width - 2 - (is_narrow ? REPORT_PART_CELLS_NARROW : REPORT_PART_CELLS);
	size_t n = json_array_size(parts);

	if (n == 0)
		return;
	for (size_t i = 0; i < n && i < REPORT_PARTS_MAX; i++) {
		struct report_part_name name = report_part_name(json_array_get(parts, i));

		if (style_columns(name.text) > width)
			width = style_columns(name.text);
	}
	width = width < most ? width : most;
	if (is_narrow)
		report_line(r, "  %-*s %10s %8s %8s  %s", (int)width, "part", "ok", "p50", "p99",
			"generator");
	else
		report_line(r, "  %-*s %10s %10s %8s %8s %8s  %s", (int)width, "part", "planned",
			"ok", "p50", "p99", "our p99", "generator");
	for (size_t i = 0; i < n && i < REPORT_PARTS_MAX; i++)
		report_part_line(r, json_array_get(parts, i), (unsigned)width);
	if (n > REPORT_PARTS_MAX)
		report_line(r, "  (%zu more: --json)", n - REPORT_PARTS_MAX);
	report_gap(r);
}
