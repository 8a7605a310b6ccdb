/* SPDX-License-Identifier: Apache-2.0 */
/* The list of rules in a result: each is a row, which keeps the rule as text, so that a sum and a
 * stored result judge it anew by the same code. The run is then worth what its worst rule is, if it
 * came to its end: a run that failed, was stopped or aborted stays that, and a void one can only
 * have a rule that is broken for certain. */
#include "common/result/result_rules.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/result/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_rules_figure.h"
#include "common/result/result_table.h"
#include "common/rules/rule.h"
#include "common/str.h"

/* ---------------------------------------------------------------- the list */

static const char *result_rules_unit(const struct rule *rule)
{
	switch (rule_metrics[rule->metric].form) {
	case RULE_TIME:
		return result_unit_names[RESULT_NS];
	case RULE_SHARE:
		return rule->is_count ? "count" : result_unit_names[RESULT_SHARE];
	case RULE_RATE:
		return result_unit_names[RESULT_PER_S];
	default:
		return NULL;
	}
}

int result_rules_add(struct result *r, const struct rule *rule, const char *kind)
{
	enum rule_form form = rule_metrics[rule->metric].form;
	struct result_threshold *row =
		result_list_add(&result_threshold_table, &r->thresholds, NULL);
	char text[RULE_TEXT_MAX], metric[RULE_TEXT_MAX];
	int failed;

	if (!row)
		return -ENOMEM;
	rule_format(rule, text, sizeof(text));
	rule_format_metric(rule, metric, sizeof(metric));
	failed = result_set_text(&row->rule, text) | result_set_text(&row->kind, kind) |
		 result_set_text(&row->metric, metric) |
		 result_set_text(&row->scope, rule_scope_names[rule->scope]);
	if (rule->scope == RULE_OF_REQUEST)
		failed |= result_set_text(&row->request, rule->request);
	if (rule->scope == RULE_OF_STAGE)
		row->stage = (int64_t)rule->stage;
	if (form != RULE_WORD) {
		row->limit = rule->limit;
		failed |= result_set_text(&row->op, rule_ops[rule->op]) |
			  result_set_text(&row->unit, result_rules_unit(rule));
	}
	if (form == RULE_TIME && rule_metrics[rule->metric].is_of_planned)
		failed |= result_set_text(&row->of, rule->is_of_ok ? "ok" : "planned");
	if (rule->over_ns > 0)
		row->over_ns = rule->over_ns;
	if (rule->after_ns > 0)
		row->after_ns = rule->after_ns;
	return failed ? -ENOMEM : 0;
}

int result_rules_check(const struct result *r, const struct rule *rule, struct err *reterr)
{
	bool is_open = r->offered.is == RESULT_IS_THERE;
	struct rule_figure figure;
	char text[RULE_TEXT_MAX];

	rule_format(rule, text, sizeof(text));
	if (rule->over_ns > 0 || rule->after_ns > 0) {
		err_set(reterr,
			"'%s': over and after are of abort-if, which looks at a run while "
			"it goes on: leave them out",
			text);
		return -EINVAL;
	}
	if (r->window.is != RESULT_IS_THERE)
		return 0;
	if (rule->metric == RULE_RESPONSE && !is_open) {
		err_set(reterr, "'%s': the closed model has no response times: use service", text);
		return -EINVAL;
	}
	if (rule->scope == RULE_OF_RUN)
		return 0;
	if (rule_figure_of(r, rule, &figure) == 0 && !figure.is_known) {
		err_set(reterr, "'%s': %s", text, figure.because);
		return -EINVAL;
	}
	return 0;
}

/* ---------------------------------------------------------------- one rule */

static const char *const result_rules_remedies[JUDGEMENT_COUNT] = {
	[JUDGEMENT_UNDECIDED_OURS] =
		"a quieter machine; -t with one worker more; [pacing] mode = spin",
	[JUDGEMENT_UNDECIDED_FEW] = "a longer run (-d), or a higher rate (-r)",
};

/* What its times are of. */
static const char *result_rules_noun(const struct rule *rule, bool is_one)
{
	if (rule->metric == RULE_CONNECT)
		return is_one ? "connection" : "connections";
	if (rule->metric == RULE_TLS)
		return is_one ? "handshake" : "handshakes";
	return is_one ? "request" : "requests";
}

/* Connections that are kept do not become more by more requests. */
static const char *result_rules_remedy(const struct rule *rule, enum judgement judgement)
{
	bool is_of_connections = rule->metric == RULE_CONNECT || rule->metric == RULE_TLS;

	if (judgement == JUDGEMENT_UNDECIDED_FEW && is_of_connections)
		return "more connections: --no-keepalive opens one for each request";
	return result_rules_remedies[judgement];
}

static void result_rules_explain(
	const struct rule *rule, enum judgement judgement, struct rule_figure *f)
{
	char metric[RULE_TEXT_MAX];

	rule_format_metric(rule, metric, sizeof(metric));
	if (judgement == JUDGEMENT_UNDECIDED_FEW && f->n > 0)
		(void)snprintf(f->because, sizeof(f->because), "%s %s, and %.40s takes %s",
			figure_count((int64_t)f->n).text, result_rules_noun(rule, f->n <= 1),
			metric, figure_count((int64_t)ceil(f->least_n)).text);
	else if (judgement == JUDGEMENT_UNDECIDED_FEW)
		(void)snprintf(f->because, sizeof(f->because), "there was no %s",
			result_rules_noun(rule, true));
	else if (f->less_ours > 1e15)
		(void)snprintf(f->because, sizeof(f->because), "the generator was the limit");
	else
		(void)snprintf(f->because, sizeof(f->because), "without the generator's share %s",
			rule_value(rule, f->less_ours).text);
}

/* Sets a figure that may be unknown, or of an arrival without an answer. */
static double result_rules_real(double value)
{
	return isfinite(value) ? value : RESULT_REAL_NULL;
}

static enum judgement result_rules_decide(const struct rule *rule, const struct rule_figure *f)
{
	struct judgement_figures figures = {
		.value = f->value,
		.less_ours = f->less_ours,
		.n_effective = f->n,
		.least_n = f->is_certain ? 0 : f->least_n,
	};

	if (rule_metrics[rule->metric].form == RULE_WORD)
		return f->is_true ? JUDGEMENT_FAIL : JUDGEMENT_PASS;
	return judgement_of(&figures, rule->op, rule->limit);
}

static int result_rules_judge_one(
	const struct result *r, const struct rule *rule, struct result_threshold *row)
{
	enum judgement judgement = JUDGEMENT_UNDECIDED_FEW;
	struct rule_figure f;
	int failed = rule_figure_of(r, rule, &f);

	if (failed < 0)
		return failed;
	if (f.is_known) {
		judgement = result_rules_decide(rule, &f);
		if (judgement == JUDGEMENT_UNDECIDED_FEW || judgement == JUDGEMENT_UNDECIDED_OURS)
			result_rules_explain(rule, judgement, &f);
	}
	if (rule_metrics[rule->metric].form != RULE_WORD) {
		row->value = result_rules_real(f.value);
		row->low = result_rules_real(f.low);
		row->high = result_rules_real(f.high);
	}
	failed = result_set_text(&row->result, judgement_names[judgement]);
	failed |= result_set_text(&row->because, *f.because ? f.because : NULL) |
		  result_set_text(
			  &row->try, f.is_known ? result_rules_remedy(rule, judgement) : NULL);
	return failed ? -ENOMEM : 0;
}

/* ---------------------------------------------------------------- the run */

enum result_rules_worst {
	RESULT_RULES_NONE,
	RESULT_RULES_PASS,
	RESULT_RULES_UNDECIDED,
	RESULT_RULES_FAIL,
};

static enum result_rules_worst result_rules_worst(const char *word)
{
	if (str_eq(word, judgement_names[JUDGEMENT_PASS]))
		return RESULT_RULES_PASS;
	return str_eq(word, judgement_names[JUDGEMENT_FAIL]) ? RESULT_RULES_FAIL
							     : RESULT_RULES_UNDECIDED;
}

static int result_rules_undecided(const struct result *r, const char *undecided)
{
	if (!undecided)
		undecided = json_path_text(r->plan, "effective.undecided");
	if (str_eq(undecided, RESULT_UNDECIDED_PASS))
		return 0;
	return str_eq(undecided, RESULT_UNDECIDED_FAIL) ? EXIT_RULE_FAILED : EXIT_UNDECIDED;
}

/* What the run is worth by itself is kept where that is no judgement on its figures. */
static int result_rules_judge_run(
	struct result *r, enum result_rules_worst worst, const char *undecided)
{
	static const enum audit_headline words[] = {
		[RESULT_RULES_PASS] = AUDIT_HEADLINE_PASS,
		[RESULT_RULES_UNDECIDED] = AUDIT_HEADLINE_UNDECIDED,
		[RESULT_RULES_FAIL] = AUDIT_HEADLINE_FAIL,
	};
	const char *word = result_words(r->headline.result);
	bool is_void = str_eq(word, audit_headline_names[AUDIT_HEADLINE_VOID]);
	const int codes[] = {
		[RESULT_RULES_PASS] = 0,
		[RESULT_RULES_UNDECIDED] = result_rules_undecided(r, undecided),
		[RESULT_RULES_FAIL] = EXIT_RULE_FAILED,
	};

	if (worst == RESULT_RULES_NONE ||
		!str_eq(result_words(r->run.outcome), audit_outcome_names[AUDIT_COMPLETED]) ||
		str_eq(word, audit_headline_names[AUDIT_HEADLINE_FAILED]) ||
		r->run.exit_code == EXIT_RUN_FAILED || (is_void && worst != RESULT_RULES_FAIL))
		return 0;
	r->run.exit_code = codes[worst];
	return result_set_text(&r->headline.result, audit_headline_names[words[worst]]);
}

int result_rules_judge(struct result *r, const char *undecided)
{
	struct result_threshold *rows = r->thresholds.rows;
	enum result_rules_worst worst = RESULT_RULES_NONE, its;
	struct rule rule;
	int failed = 0;

	for (size_t i = 0; i < r->thresholds.n && failed == 0; i++) {
		if (rows[i].is != RESULT_IS_THERE ||
			!str_eq(result_words(rows[i].kind), RESULT_RULE_REQUIRE))
			continue;
		/* A rule of a later version stays as that has judged it. */
		if (rule_parse(result_words(rows[i].rule), &rule, NULL) == 0)
			failed = result_rules_judge_one(r, &rule, &rows[i]);
		its = result_rules_worst(result_words(rows[i].result));
		worst = its > worst ? its : worst;
	}
	return failed ? failed : result_rules_judge_run(r, worst, undecided);
}
