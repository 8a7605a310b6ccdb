/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a plan are read in the order of the lines: those of a later file, and of flags, are
 * added to those of an earlier one, so that no overlay takes a limit away. A rule that a run of
 * this plan cannot answer is a problem: it would be undecided each time. */
#include "common/plan/plan_thresholds.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "common/plan/plan_input.h"
#include "common/str.h"

static int plan_refuse_times(const struct rule *rule, struct err *reterr)
{
	if (rule->over_ns == 0 && rule->after_ns == 0)
		return 0;
	err_set(reterr, "over and after are not for require, which is about the whole window: "
			"leave them out");
	return -EINVAL;
}

int plan_check_require(const char *value, struct err *reterr)
{
	struct rule rule;
	int r = rule_parse(value, &rule, reterr);

	return r ? r : plan_refuse_times(&rule, reterr);
}

/* While a run goes on, only what its intervals have is known. */
static int plan_refuse_figure(const struct rule *rule, struct err *reterr)
{
	char text[RULE_TEXT_MAX];

	if (rule->scope != RULE_OF_RUN) {
		err_set(reterr, "abort-if is about the whole run: leave the %s out",
			rule_scope_names[rule->scope]);
		return -EINVAL;
	}
	if (rule_metrics[rule->metric].in_intervals)
		return 0;
	rule_format_metric(rule, text, sizeof(text));
	err_set(reterr,
		"%s is not known while a run goes on: abort-if is about response (closed model: "
		"service), generator-delay, errors, rate, completed or sent",
		text);
	return -EINVAL;
}

int plan_check_abort_if(const char *value, struct err *reterr)
{
	struct rule rule;
	int r = rule_parse(value, &rule, reterr);

	return r ? r : plan_refuse_figure(&rule, reterr);
}

/* With the request's scope. */
static int plan_read_request_rule(
	const char *value, const char *name, struct rule *ret, struct err *reterr)
{
	char text[RULE_TEXT_MAX];
	int r = rule_parse(value, ret, reterr);

	if (r)
		return r;
	if (ret->scope != RULE_OF_RUN) {
		err_set(reterr,
			"'%.80s': in a [request] a rule is about that request: leave its "
			"scope out",
			value);
		return -EINVAL;
	}
	if (!rule_metrics[ret->metric].in_requests) {
		rule_format_metric(ret, text, sizeof(text));
		err_set(reterr,
			"%s is not counted for each request: write the rule in [thresholds]", text);
		return -EINVAL;
	}
	ret->scope = RULE_OF_REQUEST;
	str_cut(ret->request, sizeof(ret->request), name, strlen(name));
	return plan_refuse_times(ret, reterr);
}

int plan_check_request_require(const char *value, struct err *reterr)
{
	struct rule rule;

	return plan_read_request_rule(value, "", &rule, reterr);
}

/* ---------------------------------------------------------------- against the plan */

static bool plan_has_request(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < plan_n_named(p); i++)
		if (str_eq(p->requests[i].name, name))
			return true;
	return false;
}

/* 0, or -EINVAL: a run of this plan has no such figure. */
static int plan_judge_rule(
	const struct plan *p, bool is_abort, const struct rule *rule, struct err *reterr)
{
	size_t n_stages = plan_n_rows(p) > 0 ? plan_n_rows(p) : 1;
	bool is_closed = p->model == PLAN_CLOSED;

	if (is_closed && rule->metric == RULE_RESPONSE)
		err_set(reterr, "the closed model has no response times: use service");
	else if (is_closed && rule->metric == RULE_GENERATOR_DELAY)
		err_set(reterr, "in the closed model no request is late: leave the rule out");
	else if (is_abort && !is_closed && rule->metric == RULE_SERVICE)
		err_set(reterr, "in the open model abort-if is about response times");
	else if (!p->url.tls && rule->metric == RULE_TLS)
		err_set(reterr, "the URL is not https, so there are no handshakes");
	else if (rule->scope == RULE_OF_STAGE && (is_closed || rule->stage > n_stages))
		err_set(reterr, "there is no stage %u: the plan has %zu", rule->stage,
			is_closed ? 0 : n_stages);
	else if (rule->scope == RULE_OF_REQUEST && !plan_has_request(p, rule->request))
		err_set(reterr, "there is no [request %.64s]", rule->request);
	else
		return 0;
	return -EINVAL;
}

/* ---------------------------------------------------------------- the list */

static int plan_add_rule(const struct plan_input *in, const struct ini_entry *e, bool is_abort,
	const struct rule *rule)
{
	struct plan *p = in->plan;
	struct plan_threshold *all;

	if (p->n_thresholds == PLAN_THRESHOLDS_MAX) {
		problems_add(in->problems, e->file, e->line,
			"more than %d rules: remove some of them", PLAN_THRESHOLDS_MAX);
		return 0;
	}
	all = reallocarray(p->thresholds, p->n_thresholds + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	p->thresholds = all;
	p->thresholds[p->n_thresholds++] =
		(struct plan_threshold){.is_abort = is_abort, .rule = *rule};
	return 0;
}

int plan_resolve_thresholds(const struct plan_input *in)
{
	int r = 0;

	for (size_t i = 0; i < in->doc->n_entries && r == 0; i++) {
		const struct ini_entry *e = &in->doc->entries[i];
		struct err err = {0};
		bool is_abort = str_eq(e->key, "abort-if");
		struct rule rule;

		if ((!str_eq(e->key, "require") && !is_abort) || plan_is_bad(in, e) ||
			plan_is_lost(in, e))
			continue;
		r = *e->arg ? plan_read_request_rule(e->value, e->arg, &rule, &err)
			    : rule_parse(e->value, &rule, &err);
		if (r == 0)
			r = plan_judge_rule(in->plan, is_abort, &rule, &err);
		if (r == 0)
			r = plan_add_rule(in, e, is_abort, &rule);
		else
			problems_add(in->problems, e->file, e->line, "%s%s'%.80s': %s",
				e->line ? e->key : "", e->line ? ": " : "", e->value, err.text);
		r = r == -EINVAL ? 0 : r;
	}
	return r;
}

void plan_clear_thresholds(struct plan *p)
{
	free(p->thresholds);
	p->thresholds = NULL;
	p->n_thresholds = 0;
}
