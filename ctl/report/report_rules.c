/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a result, a line for each: the broken ones first, then what is undecided with the
 * reason, then those that hold; each with the value, and the interval of confidence where there is
 * one. The limit stands in the rule. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "common/rules/rule.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

/* In the order in which they are listed. */
static const struct {
	const char *result, *word, *colour;
} report_rule_words[] = {
	{"fail", "FAIL", STYLE_BAD},
	{"undecided", "undecided", STYLE_WARN},
	{"pass", "pass", STYLE_GOOD},
};
#define REPORT_RULE_WORDS (sizeof(report_rule_words) / sizeof(*report_rule_words))
#define REPORT_RULE_WIDTH_MAX 44u
#define REPORT_RULE_VALUE 8

/* What is not known is undecided. */
static size_t report_rule_rank(const json_t *row)
{
	const char *result = json_path_text(row, "result");

	if (str_eq(result, report_rule_words[0].result))
		return 0;
	return str_eq(result, report_rule_words[REPORT_RULE_WORDS - 1].result)
		       ? REPORT_RULE_WORDS - 1
		       : 1;
}

static bool report_is_rule(const json_t *row)
{
	return *json_path_text(row, "rule") && *json_path_text(row, "result");
}

size_t report_n_rules(const struct report *r)
{
	const json_t *rows = json_path_at(r->doc, "thresholds");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(rows); i++)
		n += report_is_rule(json_array_get(rows, i));
	return n;
}

/* Row i of them as they are listed; NULL: there is none. */
static const json_t *report_rule_at(const struct report *r, size_t i)
{
	const json_t *rows = json_path_at(r->doc, "thresholds");

	for (size_t rank = 0; rank < REPORT_RULE_WORDS; rank++)
		for (size_t k = 0; k < json_array_size(rows); k++) {
			const json_t *row = json_array_get(rows, k);

			if (report_is_rule(row) && report_rule_rank(row) == rank && i-- == 0)
				return row;
		}
	return NULL;
}

size_t report_count_rules(const struct report *r, const char *result)
{
	const json_t *row;
	size_t n = 0;

	for (size_t i = 0; (row = report_rule_at(r, i)); i++)
		n += str_eq(report_rule_words[report_rule_rank(row)].result, result);
	return n;
}

/* A figure in the unit of the rule. */
static struct figure report_rule_figure(const json_t *row, double value)
{
	const char *unit = json_path_text(row, "unit");
	double most = (double)JSON_PATH_INT_MAX;

	value = fmin(fmax(value, -most), most);
	if (str_eq(unit, "ns"))
		return figure_time((int64_t)value);
	if (str_eq(unit, "share"))
		return figure_share(value);
	return str_eq(unit, "/s") ? figure_per_s(value) : figure_count((int64_t)value);
}

static struct figure report_rule_value(const struct report *r, const json_t *row)
{
	struct figure none = {"-"};
	double value;

	if (json_path_real(row, "value", &value))
		return report_rule_figure(row, value);
	if (str_eq(json_path_text(row, "unit"), "ns") &&
		!str_eq(json_path_text(row, "result"), "undecided"))
		return report_unserved(r, r->doc);
	if (!*json_path_text(row, "unit"))
		none.text[0] = '\0';
	return none;
}

/* The unit stays with its number. */
static struct figure report_rule_end(const json_t *row, double value)
{
	struct figure f = report_rule_figure(row, value);
	char *unit = strchr(f.text, ' ');

	if (unit)
		*unit = REPORT_GLUE[0];
	return f;
}

/* "95 %: 41.8 to 45.6 ms"; "95 %: from 41.8 ms" */
static void report_rule_interval(const struct report *r, const json_t *row, char *ret, size_t size)
{
	struct figure from, to = {""};
	double low, high;
	char *unit;

	*ret = '\0';
	if (!json_path_real(row, "low", &low))
		return;
	from = report_rule_end(row, low);
	if (json_path_real(row, "high", &high))
		to = report_rule_end(row, high);
	unit = strchr(from.text, REPORT_GLUE[0]);
	if (unit && str_ends(to.text, unit))
		*unit = '\0';
	(void)snprintf(ret, size, "%g" REPORT_GLUE "%%: %s%s%s%s", report_level(r) * 100,
		*to.text ? "" : "from ", from.text, *to.text ? " to " : "", to.text);
}

/* Without a word for its times a rule is about those of the model. */
static void report_rule_text(const struct report *r, const json_t *row, char *ret, size_t size)
{
	struct rule rule;

	(void)snprintf(ret, size, "%s", json_path_text(row, "rule"));
	if (rule_parse(ret, &rule, NULL) != 0)
		return;
	if (rule.metric == RULE_MAIN)
		rule.metric = r->closed ? RULE_SERVICE : RULE_RESPONSE;
	rule_format(&rule, ret, size);
}

bool report_rule(const struct report *r, size_t i, struct report_rule *ret)
{
	const json_t *row = report_rule_at(r, i);

	if (!row)
		return false;
	ret->word = report_rule_words[report_rule_rank(row)].word;
	ret->colour = report_rule_words[report_rule_rank(row)].colour;
	ret->value = report_rule_value(r, row);
	ret->because = json_path_text(row, "because");
	ret->remedy = json_path_text(row, "try");
	report_rule_text(r, row, ret->text, sizeof(ret->text));
	report_rule_interval(r, row, ret->interval, sizeof(ret->interval));
	return true;
}

void report_rule_lines(struct report *r)
{
	size_t n = report_n_rules(r), word = 0, width = 0, value = REPORT_RULE_VALUE;
	struct report_rule rule;

	for (size_t i = 0; report_rule(r, i, &rule); i++) {
		word = strlen(rule.word) > word ? strlen(rule.word) : word;
		width = style_columns(rule.text) > width ? style_columns(rule.text) : width;
		value = strlen(rule.value.text) > value ? strlen(rule.value.text) : value;
	}
	width = width < REPORT_RULE_WIDTH_MAX ? width : REPORT_RULE_WIDTH_MAX;
	for (size_t i = 0; report_rule(r, i, &rule); i++) {
		int gap = (int)(word - strlen(rule.word));
		int after = style_columns(rule.text) < width
				    ? (int)(width - style_columns(rule.text))
				    : 0;
		char label[400];

		(void)snprintf(label, sizeof(label), "  %s%s" STYLE_PLAIN "%*s  %s%*s  %*s   ",
			rule.colour, rule.word, gap, "", rule.text, after, "", (int)value,
			rule.value.text);
		report_wrapped(r, label, (unsigned)style_columns(label),
			*rule.because ? rule.because : rule.interval);
	}
	if (n > 0)
		report_gap(r);
}
