/* SPDX-License-Identifier: Apache-2.0 */
/* The runs that a merged result is the sum of, a line for each: a sum hides one sick host among
 * many, its line does not. Below the percentiles, in their unit. */
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

#define REPORT_PART_NAME_MIN 10u
/* The cells after a name, with blanks; on a narrow terminal without planned and our delay. */
#define REPORT_PART_CELLS 60u
#define REPORT_PART_CELLS_NARROW 40u

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

size_t report_n_parts(const struct report *r)
{
	return json_array_size(json_path_at(r->doc, "parts"));
}

struct report_part report_part(const struct report *r, size_t i)
{
	const json_t *part = json_array_get(json_path_at(r->doc, "parts"), i);
	const char *host = json_path_text(part, "host");
	struct report_part p = {
		.planned = report_part_count(part, "planned"),
		.ok = report_part_count(part, "ok"),
		.p50 = report_part_ms(r, part, "p50_ms", "unserved"),
		.p99 = report_part_ms(r, part, "p99_ms", "unserved"),
		.ours = report_part_ms(r, part, "our_delay_p99_ms", "-"),
	};

	(void)snprintf(p.name, sizeof(p.name), "%.64s%s%.64s", host, *host ? "/" : "",
		json_path_text(part, "id"));
	(void)snprintf(p.verdict, sizeof(p.verdict), "%s", json_path_text(part, "verdict"));
	return p;
}

static void report_part_line(struct report *r, const struct report_part *p, unsigned width)
{
	bool is_cut = style_columns(p->name) > width;
	int len = (int)(is_cut ? style_cut(p->name, width - 1) : strlen(p->name));
	int gap = (int)(width - (is_cut ? width : style_columns(p->name)));

	if (r->width < REPORT_WIDTH)
		report_line(r, "  %.*s%s%*s %10s %8s %8s  %s", len, p->name, is_cut ? "…" : "", gap,
			"", p->ok.text, p->p50.text, p->p99.text, p->verdict);
	else
		report_line(r, "  %.*s%s%*s %10s %10s %8s %8s %8s  %s", len, p->name,
			is_cut ? "…" : "", gap, "", p->planned.text, p->ok.text, p->p50.text,
			p->p99.text, p->ours.text, p->verdict);
}

void report_parts_table(struct report *r)
{
	bool is_narrow = r->width < REPORT_WIDTH;
	size_t width = REPORT_PART_NAME_MIN;
	size_t most = r->width - 2 - (is_narrow ? REPORT_PART_CELLS_NARROW : REPORT_PART_CELLS);
	size_t n = report_n_parts(r);

	if (n == 0)
		return;
	for (size_t i = 0; i < n && i < REPORT_PARTS_MAX; i++) {
		struct report_part p = report_part(r, i);

		if (style_columns(p.name) > width)
			width = style_columns(p.name);
	}
	width = width < most ? width : most;
	if (is_narrow)
		report_line(r, "  %-*s %10s %8s %8s  %s", (int)width, "part", "ok", "p50", "p99",
			"generator");
	else
		report_line(r, "  %-*s %10s %10s %8s %8s %8s  %s", (int)width, "part", "planned",
			"ok", "p50", "p99", "our p99", "generator");
	for (size_t i = 0; i < n && i < REPORT_PARTS_MAX; i++) {
		struct report_part p = report_part(r, i);

		report_part_line(r, &p, (unsigned)width);
	}
	if (n > REPORT_PARTS_MAX)
		report_line(r, "  (%zu more: --json)", n - REPORT_PARTS_MAX);
	report_gap(r);
}
