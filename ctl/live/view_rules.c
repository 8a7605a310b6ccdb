/* SPDX-License-Identifier: Apache-2.0 */
/* A rule in the words of the view. What is known of it while the run goes on is of complete
 * intervals: the report has the last word. */
#include "ctl/live/view_rules.h"

#include <stdio.h>
#include <string.h>

#include "common/control/progress.h"
#include "common/str.h"
#include "ctl/style.h"

/* The worst last. */
static const struct {
	const char *result, *word, *colour;
} view_rule_words[] = {
	{"pass", "holding", ""},
	{"undecided", "undecided", STYLE_WARN},
	{"fail", "broken", STYLE_BAD},
};
#define VIEW_RULE_WORDS (sizeof(view_rule_words) / sizeof(*view_rule_words))

static const struct progress_rule *view_rule_at(const struct progress *doc, size_t i)
{
	const struct progress_rule *rows = doc->rules.rows;

	return i < doc->rules.n && rows[i].is == RESULT_IS_THERE ? &rows[i] : NULL;
}

/* A word of a later version is the middle one. */
static size_t view_rule_rank(const struct progress_rule *row)
{
	for (size_t i = 0; i < VIEW_RULE_WORDS; i++)
		if (str_eq(view_rule_words[i].result, result_words(row->result)))
			return i;
	return 1;
}

size_t view_n_rules(const struct progress *doc)
{
	return doc->rules.n;
}

const char *view_worst_rule(const struct progress *doc)
{
	const struct progress_rule *row;
	size_t worst = 0;
	bool is_any = false;

	for (size_t i = 0; i < doc->rules.n; i++) {
		row = view_rule_at(doc, i);
		if (!row)
			continue;
		is_any = true;
		worst = view_rule_rank(row) > worst ? view_rule_rank(row) : worst;
	}
	return is_any ? view_rule_words[worst].word : "";
}

bool view_rule(const struct progress *doc, size_t i, struct view_rule *ret)
{
	const struct progress_rule *row = view_rule_at(doc, i);
	char text[RULE_TEXT_MAX], metric[RULE_TEXT_MAX];
	struct figure none = {"-"};

	if (!row || rule_parse(result_words(row->rule), &ret->rule, NULL) != 0)
		return false;
	rule_format(&ret->rule, text, sizeof(text));
	rule_format_metric(&ret->rule, metric, sizeof(metric));
	(void)snprintf(ret->metric, sizeof(ret->metric), "%.60s", metric);
	(void)snprintf(ret->limit, sizeof(ret->limit), "%.60s",
		strlen(text) > strlen(metric) ? text + strlen(metric) + 1 : "");
	ret->word = view_rule_words[view_rule_rank(row)].word;
	ret->colour = view_rule_words[view_rule_rank(row)].colour;
	ret->value = result_is_real(row->value) ? rule_value(&ret->rule, row->value) : none;
	return true;
}
