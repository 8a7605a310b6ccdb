/* SPDX-License-Identifier: Apache-2.0 */
/* A summary for pull requests: headline, ledger and times as tables, errors, the plan folded away.
 *
 * Such a page is rendered, and mentions notify people: text of servers and plans is put in code,
 * where it is neither markup nor a mention of a user; all other text from outside is escaped.
 * Newlines are removed, since they end tables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/stats/fault.h"
#include "common/stats/ledger.h"
#include "common/json_path.h"
#include "common/str.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

#define FORMAT_MD_ERRORS 10u
#define FORMAT_MD_QUOTE 200u

static void format_md_put(struct report *r, const char *text, size_t len)
{
	if (r->r == 0)
		r->r = buf_append(&r->text, text, len);
}

static void format_md_puts(struct report *r, const char *text)
{
	format_md_put(r, text, strlen(text));
}

/* Appends text from outside as text. */
static void format_md_escape(struct report *r, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			format_md_puts(r, "&lt;");
		else if (*text == '\n' || *text == REPORT_GLUE[0])
			format_md_puts(r, " ");
		else if (strchr("\\`*_[]|>#~@", *text)) {
			format_md_puts(r, "\\");
			format_md_put(r, text, 1);
		} else {
			format_md_put(r, text, 1);
		}
	}
}

/* The longest row of backticks in it. */
static size_t format_md_ticks(const char *text)
{
	size_t most = 0;

	for (; *text; text++) {
		size_t n = strspn(text, "`");

		most = n > most ? n : most;
		text += n ? n - 1 : 0;
	}
	return most;
}

static void format_md_repeat(struct report *r, const char *what, size_t n)
{
	while (n--)
		format_md_puts(r, what);
}

/* Appends text from outside as code, truncated if it is long. In a table '|' would end the cell
 * even there. */
static void format_md_code(struct report *r, const char *text, bool in_table)
{
	size_t cut = style_cut(text, FORMAT_MD_QUOTE);
	size_t ticks = format_md_ticks(text) + 1;
	const char *pad = ticks > 1 || *text == ' ' ? " " : "";

	if (!*text)
		return;
	format_md_repeat(r, "`", ticks);
	format_md_puts(r, pad);
	for (size_t i = 0; i < cut; i++) {
		if (text[i] == '\n')
			format_md_puts(r, " ");
		else if (text[i] == '|' && in_table)
			format_md_puts(r, "\\|");
		else
			format_md_put(r, &text[i], 1);
	}
	if (text[cut])
		format_md_puts(r, "…");
	format_md_puts(r, pad);
	format_md_repeat(r, "`", ticks);
}

/* ---------------------------------------------------------------- the headline */

static void format_md_headline(struct report *r)
{
	struct report_verdict v;
	const char *lines[3];
	bool is_begun = false;
	char code[32] = "";

	report_judge(r, &v);
	lines[0] = v.missing;
	lines[1] = v.reason;
	lines[2] = v.facts;
	if (v.exit_code)
		(void)snprintf(code, sizeof(code), " (exit %d)", v.exit_code);
	format_md_puts(r, "### ");
	format_md_puts(r, v.word);
	format_md_puts(r, " · ");
	format_md_escape(r, json_path_text(r->doc, "run.id"));
	format_md_puts(r, "\n\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (!*lines[i])
			continue;
		format_md_puts(r, is_begun ? "  \n" : "");
		format_md_escape(r, lines[i]);
		format_md_puts(r, is_begun ? "" : code);
		is_begun = true;
	}
	format_md_puts(r, is_begun ? "" : code);
	if (*v.remedy) {
		format_md_puts(r, "  \ntry: ");
		format_md_escape(r, v.remedy);
	}
	format_md_puts(r, "\n\n");
}

static void format_md_rules(struct report *r)
{
	struct report_rule rule;

	if (report_n_rules(r) == 0)
		return;
	format_md_puts(r, "| | rule | value | |\n|:--|:--|--:|:--|\n");
	for (size_t i = 0; report_rule(r, i, &rule); i++) {
		format_md_puts(r, "| ");
		format_md_puts(r, rule.word);
		format_md_puts(r, " | ");
		format_md_code(r, rule.text, true);
		format_md_puts(r, " | ");
		format_md_escape(r, rule.value.text);
		format_md_puts(r, " | ");
		format_md_escape(r, *rule.because ? rule.because : rule.interval);
		format_md_puts(r, " |\n");
	}
	format_md_puts(r, "\n");
}

static void format_md_load(struct report *r)
{
	json_t *labels = json_object_get(json_object_get(r->doc, "run"), "labels");
	char target[512];
	char method[48];
	char model[64];

	report_model(r, model, sizeof(model));
	report_method(r, method, sizeof(method));
	(void)snprintf(target, sizeof(target), "%.40s %.470s", method,
		json_path_text(r->doc, "plan.target.url"));
	format_md_code(r, target + (target[0] == ' '), false);
	format_md_puts(r, " · ");
	format_md_escape(r, model);
	for (void *at = json_object_iter(labels); at; at = json_object_iter_next(labels, at)) {
		const char *text = json_string_value(json_object_iter_value(at));
		char label[400];

		(void)snprintf(label, sizeof(label), "%.64s=%.300s", json_object_iter_key(at),
			text ? text : "");
		format_md_puts(r, " · ");
		format_md_code(r, label, false);
	}
	format_md_puts(r, "\n\n");
}

/* ---------------------------------------------------------------- the ledger */

static void format_md_count(struct report *r, const char *name, int64_t planned, bool has_rate)
{
	char path[64];
	char line[256];
	int64_t count;

	(void)snprintf(path, sizeof(path), "ledger.%s", name);
	count = report_int(r, path);
	(void)snprintf(line, sizeof(line), "| %s | %s | %s | %s |\n", report_class(name).text,
		figure_count(count).text, has_rate ? report_rate(r, name).text : "",
		figure_share((double)count / (double)planned).text);
	format_md_puts(r, line);
}

/* Both equations, without the classes in which nothing ended. */
static void format_md_ledger(struct report *r)
{
	int64_t planned = report_int(r, "ledger.planned");
	bool balanced = true;

	if (planned <= 0)
		return;
	(void)json_path_bool(r->doc, "ledger.balanced", &balanced);
	format_md_puts(r, "| ledger | requests | rate | share |\n|:--|--:|--:|--:|\n");
	format_md_count(r, "planned", planned, true);
	format_md_count(r, "sent", planned, true);
	format_md_count(r, "ok", planned, true);
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		char path[48];

		(void)snprintf(path, sizeof(path), "ledger.%s", ledger_class_names[c]);
		if (c != LEDGER_OK && report_int(r, path) > 0)
			format_md_count(r, ledger_class_names[c], planned, false);
	}
	format_md_puts(r, balanced
				  ? "\nThe ledger balances.\n\n"
				  : "\n**The ledger does not balance: a bug, please report.**\n\n");
}

static void format_md_answers(struct report *r)
{
	struct buf statuses = {0};
	char bytes[96];

	report_statuses(r, &statuses);
	report_bytes(r, bytes, sizeof(bytes));
	if (statuses.len) {
		format_md_puts(r, "Statuses: ");
		format_md_escape(r, statuses.data);
		format_md_puts(r, *bytes ? "; " : "");
	}
	format_md_puts(r, *bytes && !statuses.len ? "Bytes: " : "");
	format_md_puts(r, bytes);
	format_md_puts(r, statuses.len || *bytes ? "\n\n" : "");
	buf_fini(&statuses);
}

/* ---------------------------------------------------------------- the times */

/* How many independent requests the intervals rest on, or why there are none. */
static void format_md_data(struct report *r)
{
	static const char *const keys[] = {"p50", "p99"};
	bool is_said = false;
	char text[REPORT_NOT_ENOUGH];

	report_not_enough(r, text, sizeof(text));
	if (report_has_intervals(r)) {
		const char *mark = "n\\_eff ";

		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			struct figure n = report_effective(r, keys[i]);

			if (str_eq(n.text, "-"))
				continue;
			format_md_puts(r, mark);
			mark = ", ";
			is_said = true;
			format_md_puts(r, n.text);
			format_md_puts(r, " at ");
			format_md_puts(r, keys[i]);
		}
		if (is_said)
			format_md_puts(r, *text ? "; " : "\n\n");
	}
	if (*text) {
		format_md_escape(r, text);
		format_md_puts(r, "\n\n");
	}
}

static void format_md_times(struct report *r)
{
	struct report_quantiles t;

	report_quantiles(r, &t);
	for (size_t i = 0; i < t.n; i++) {
		format_md_puts(r, "| ");
		format_md_puts(r, t.rows[i].name + strspn(t.rows[i].name, " "));
		for (size_t c = 0; c < REPORT_CELLS; c++) {
			format_md_puts(r, " | ");
			format_md_puts(r, t.rows[i].cells[c].text);
		}
		format_md_puts(r, " |\n");
		if (i > 0)
			continue;
		format_md_puts(r, "|:--|");
		format_md_repeat(r, "--:|", REPORT_CELLS);
		format_md_puts(r, "\n");
	}
	if (t.n == 0)
		return;
	format_md_puts(r, "\n");
	format_md_data(r);
}

static void format_md_requests(struct report *r)
{
	if (report_n_requests(r) == 0)
		return;
	format_md_puts(r, "| request | share | ok | p50 | p99 | failed |\n");
	format_md_puts(r, "|:--|--:|--:|--:|--:|--:|\n");
	for (void *at = report_next_request(r, NULL); at; at = report_next_request(r, at)) {
		struct report_request q = report_request(r, json_object_iter_key(at));
		char line[256];

		format_md_puts(r, "| ");
		format_md_escape(r, json_object_iter_key(at));
		(void)snprintf(line, sizeof(line), " | %s | %s | %s | %s | %s |\n", q.share.text,
			q.ok.text, q.p50.text, q.p99.text, q.failed.text);
		format_md_puts(r, line);
	}
	format_md_puts(r, "\n");
}

static void format_md_stages(struct report *r)
{
	if (report_n_stages(r) == 0)
		return;
	format_md_puts(r, "| stage |");
	for (size_t c = 0; c < REPORT_STAGE_CELLS; c++) {
		format_md_puts(r, " ");
		format_md_puts(r, report_stage_titles[c]);
		format_md_puts(r, " |");
	}
	format_md_puts(r, "\n|:--|");
	format_md_repeat(r, "--:|", REPORT_STAGE_CELLS);
	for (size_t i = 0; i < report_n_stages(r); i++) {
		struct report_stage s = report_stage(r, i);

		format_md_puts(r, "\n| ");
		format_md_escape(r, s.name);
		for (size_t c = 0; c < REPORT_STAGE_CELLS; c++) {
			format_md_puts(r, " | ");
			format_md_puts(r, s.cells[c].text);
		}
		format_md_puts(r, " |");
	}
	format_md_puts(r, "\n\n");
}

static void format_md_parts(struct report *r)
{
	size_t n = report_n_parts(r);

	if (n == 0)
		return;
	format_md_puts(r, "| part | planned | ok | p50 | p99 | our p99 | generator |\n");
	format_md_puts(r, "|:--|--:|--:|--:|--:|--:|:--|\n");
	for (size_t i = 0; i < n && i < REPORT_PARTS_MAX; i++) {
		struct report_part p = report_part(r, i);
		char line[256];

		format_md_puts(r, "| ");
		format_md_escape(r, p.name);
		(void)snprintf(line, sizeof(line), " | %s | %s | %s | %s | %s | ", p.planned.text,
			p.ok.text, p.p50.text, p.p99.text, p.ours.text);
		format_md_puts(r, line);
		format_md_escape(r, p.verdict);
		format_md_puts(r, " |\n");
	}
	if (n > REPORT_PARTS_MAX) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\n%zu more: --json\n", n - REPORT_PARTS_MAX);
		format_md_puts(r, line);
	}
	format_md_puts(r, "\n");
}

/* ---------------------------------------------------------------- what went wrong, what to do */

static void format_md_errors(struct report *r)
{
	const json_t *errors = json_path_at(r->doc, "errors");

	if (!json_array_size(errors))
		return;
	format_md_puts(r, "| error | requests | example |\n|:--|--:|:--|\n");
	for (size_t i = 0; i < json_array_size(errors) && i < FORMAT_MD_ERRORS; i++) {
		const json_t *error = json_array_get(errors, i);
		int64_t count = 0;

		(void)json_path_int(error, "count", &count);
		format_md_puts(r, "| ");
		format_md_escape(r, report_error_name(error).text);
		format_md_puts(r, " | ");
		format_md_puts(r, figure_count(count).text);
		format_md_puts(r, " | ");
		format_md_code(r, json_path_text(error, "example"), true);
		format_md_puts(r, " |\n");
	}
	format_md_puts(r, "\n");
}

static void format_md_notes(struct report *r)
{
	const json_t *notes = json_path_at(r->doc, "generator.notes");
	char steered[400];

	report_steered(r, steered, sizeof(steered));
	if (*steered) {
		format_md_puts(r, "- steered ");
		format_md_escape(r, steered);
		format_md_puts(r, "\n");
	}
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);

		format_md_puts(r, "- note: ");
		format_md_escape(r, json_path_text(note, "text"));
		if (*json_path_text(note, "try")) {
			format_md_puts(r, "; try: ");
			format_md_escape(r, json_path_text(note, "try"));
		}
		format_md_puts(r, "\n");
	}
	if (json_array_size(notes) || *steered)
		format_md_puts(r, "\n");
}

/* ---------------------------------------------------------------- the plan */

static void format_md_plan(struct report *r)
{
	const json_t *stages = json_path_at(r->doc, "plan.stages");
	const char *text = json_path_text(r->doc, "plan.text");
	size_t ticks = format_md_ticks(text) + 1;

	ticks = ticks < 3 ? 3 : ticks;
	format_md_puts(r, "<details><summary>Plan</summary>\n\n");
	for (size_t i = 0; i < json_array_size(stages); i++) {
		const char *stage = json_string_value(json_array_get(stages, i));

		format_md_puts(r, "- ");
		format_md_code(r, stage ? stage : "?", false);
		format_md_puts(r, "\n");
	}
	if (json_array_size(stages))
		format_md_puts(r, "\n");
	format_md_repeat(r, "`", ticks);
	format_md_puts(r, "ini\n");
	format_md_puts(r, text);
	if (*text && !str_ends(text, "\n"))
		format_md_puts(r, "\n");
	format_md_repeat(r, "`", ticks);
	format_md_puts(r, "\n\nsha256 ");
	format_md_code(r, report_plan_digest(r), false);
	format_md_puts(r, ", rpsd ");
	format_md_escape(r, json_path_text(r->doc, "generator.version"));
	format_md_puts(r, "\n\n</details>\n");
}

static int format_md_render(const json_t *doc, const struct style *style, struct buf *ret)
{
	/* No marks, no stand-ins, no control characters, wherever it goes. */
	static const struct style plain = {.utf8 = true};
	struct report r;
	int result;

	(void)style;
	report_init(&r, doc);
	format_md_headline(&r);
	format_md_rules(&r);
	format_md_load(&r);
	format_md_ledger(&r);
	if (report_int(&r, "ledger.planned") > 0)
		format_md_answers(&r);
	format_md_times(&r);
	format_md_requests(&r);
	format_md_stages(&r);
	format_md_parts(&r);
	format_md_errors(&r);
	format_md_notes(&r);
	format_md_plan(&r);
	result = r.r;
	if (result == 0)
		result = style_render(&plain, r.text.data, ret);
	buf_fini(&r.text);
	return result;
}

const struct format format_md = {"md", ".md", format_md_render};
