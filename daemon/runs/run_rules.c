/* SPDX-License-Identifier: Apache-2.0 */
/* A rule looks at a stretch of complete intervals: as many of the last ones as it asks for, or all
 * from `after` on. "abort-if p99 > 2s" ends the run where "p99 <= 2s" would be broken for certain:
 * too few requests, or what the generator itself added, end nothing. No histogram of an interval is
 * without the generator's share; the delay at the same rank is taken off instead.
 *
 * The arrivals of a server that does not answer at all end by their timeout, so that such a rule is
 * late by that. */
#include "daemon/runs/run_rules.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/figure.h"
#include "common/plan/plan.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/rules/rule.h"
#include "common/stats/confidence.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/timeline.h"

struct run_stretch {
	struct timeline_row row; /* its counts */
	struct histogram response, our_delay;
};

static int run_stretch_init(struct run_stretch *s)
{
	int r;

	*s = (struct run_stretch){0};
	r = histogram_init(&s->response, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		HISTOGRAM_INTERVAL_DIGITS);
	if (r == 0)
		r = histogram_init(&s->our_delay, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
			HISTOGRAM_INTERVAL_DIGITS);
	return r;
}

static void run_stretch_fini(struct run_stretch *s)
{
	histogram_fini(&s->response);
	histogram_fini(&s->our_delay);
}

/* The first of its rows, of which the last is the newest; false: it is not that long yet. */
static bool run_stretch_find(const struct timeline *t, const struct rule *rule, size_t *ret_from)
{
	int64_t width_ns = timeline_width_ns(t);
	size_t first = (size_t)((rule->after_ns + width_ns - 1) / width_ns);
	size_t n = (size_t)((rule->over_ns + width_ns - 1) / width_ns);
	size_t to = timeline_n_covered(t);

	*ret_from = n > 0 && to > n ? to - n : 0;
	if (to <= first || to - first < n)
		return false;
	*ret_from = *ret_from > first ? *ret_from : first;
	return true;
}

/* Rows [from, to) are added before those that it has. */
static void run_stretch_add(struct run_stretch *s, const struct timeline *t, size_t from, size_t to)
{
	struct timeline_row more;

	timeline_sum(t, from, to, &more, &s->response, &s->our_delay);
	s->row.start_ns = more.start_ns;
	s->row.width_ns += more.width_ns;
	s->row.planned += more.planned;
	s->row.sent += more.sent;
	s->row.completed += more.completed;
	s->row.ok += more.ok;
	s->row.n = more.n;
}

/* Of a latency over so many arrivals. */
static double run_stretch_stat(const struct histogram *h, const struct rule *rule, uint64_t planned)
{
	if (h->count == 0)
		return JUDGEMENT_UNSERVED;
	switch (rule->stat) {
	case RULE_QUANTILE:
		return judgement_figure(quantile_offered(h, planned, rule->percent / 100));
	case RULE_MEAN:
		return histogram_mean(h);
	case RULE_MIN:
		return (double)h->min;
	default:
		return planned > h->count ? JUDGEMENT_UNSERVED : (double)h->max;
	}
}

static void run_stretch_times(const struct run_stretch *s, const struct rule *rule, bool is_open,
	double level, struct judgement_figures *ret)
{
	bool is_delay = rule->metric == RULE_GENERATOR_DELAY;
	const struct histogram *h = is_delay ? &s->our_delay : &s->response;
	bool is_of_all = !is_delay && !rule->is_of_ok && s->row.planned > h->count;
	uint64_t planned = is_of_all ? s->row.planned : h->count;
	double share = 0;

	if (is_open && !is_delay && s->our_delay.count > 0)
		share = run_stretch_stat(&s->our_delay, rule, s->our_delay.count);
	ret->value = run_stretch_stat(h, rule, planned);
	ret->less_ours = isfinite(ret->value) ? fmax(ret->value - share, 0) : ret->value;
	ret->n_effective = (double)planned;
	ret->least_n = 1;
	if (rule->stat != RULE_QUANTILE)
		return;
	if (!judgement_is_certain(h, planned, 0, rule->percent / 100, share, rule->op, rule->limit))
		ret->least_n = confidence_least_n(rule->percent / 100, level);
}

static void run_stretch_counts(
	const struct run_stretch *s, const struct rule *rule, struct judgement_figures *ret)
{
	double seconds = (double)s->row.width_ns / NSEC_PER_SEC;
	double planned = (double)s->row.planned;

	ret->n_effective = planned;
	ret->least_n = 1;
	switch (rule->metric) {
	case RULE_OK_RATE:
		ret->value = (double)s->row.ok / seconds;
		break;
	case RULE_COMPLETED:
		ret->value = (double)s->row.completed / seconds;
		break;
	case RULE_SENT:
		ret->value = (double)s->row.sent / seconds;
		break;
	default:
		ret->value = planned - (double)s->row.n;
		if (!rule->is_count)
			ret->value = planned > 0 ? ret->value / planned : 0;
	}
	ret->less_ours = ret->value;
}

static void run_stretch_judge(const struct run_stretch *s, const struct rule *rule, bool is_open,
	double level, struct run_rule_state *ret)
{
	struct judgement_figures figures = {0};

	if (rule_metrics[rule->metric].form == RULE_TIME)
		run_stretch_times(s, rule, is_open, level, &figures);
	else
		run_stretch_counts(s, rule, &figures);
	ret->is_known = true;
	ret->judgement = judgement_of(&figures, rule->op, rule->limit);
	ret->value = figures.value;
	ret->end_ns = s->row.start_ns + s->row.width_ns;
}

/* ---------------------------------------------------------------- all of a plan's */

struct run_rule_stretch {
	size_t from; /* its first row */
	size_t which;
};

/* The shortest stretch first. */
static int run_rules_order(const void *a, const void *b)
{
	const struct run_rule_stretch *x = a, *y = b;

	return (x->from < y->from) - (x->from > y->from);
}

/* What is to be kept is looked at by all of the run so far. */
static bool run_rules_is_live(const struct plan *plan, size_t i)
{
	const struct rule *rule = &plan->thresholds[i].rule;

	if (rule->scope != RULE_OF_RUN)
		return false;
	return rule_metrics[rule->metric].in_intervals &&
	       (rule->metric != RULE_SERVICE || plan->model == PLAN_CLOSED);
}

int run_rules_judge(const struct timeline *t, const struct plan *plan, struct run_rule_state *ret)
{
	struct run_rule_stretch all[PLAN_THRESHOLDS_MAX];
	struct run_stretch s;
	size_t n = 0, from = timeline_n_covered(t);
	int r = run_stretch_init(&s);

	for (size_t i = 0; i < plan->n_thresholds && r == 0; i++) {
		ret[i].is_known = false;
		all[n].which = i;
		if (run_rules_is_live(plan, i) &&
			run_stretch_find(t, &plan->thresholds[i].rule, &all[n].from))
			n++;
	}
	/* All of them end with the newest row: a longer one adds to a shorter one. */
	if (n > 0)
		qsort(all, n, sizeof(*all), run_rules_order);
	for (size_t i = 0; i < n; i++) {
		struct rule rule = plan->thresholds[all[i].which].rule;

		if (plan->thresholds[all[i].which].is_abort)
			rule.op = rule_inverse(rule.op);
		if (all[i].from < from)
			run_stretch_add(&s, t, all[i].from, from);
		from = all[i].from;
		run_stretch_judge(
			&s, &rule, plan->model == PLAN_OPEN, plan->confidence, &ret[all[i].which]);
	}
	run_stretch_fini(&s);
	return r;
}

/* ---------------------------------------------------------------- how they stand */

int run_rules_fill(const struct run *run, struct result_list *to)
{
	char text[RULE_TEXT_MAX];

	to->is = RESULT_IS_THERE;
	for (size_t i = 0; run->rule_states && i < run->plan->n_thresholds; i++) {
		const struct run_rule_state *state = &run->rule_states[i];
		struct progress_rule *row;

		if (!state->is_known || run->plan->thresholds[i].is_abort)
			continue;
		row = result_list_add(&progress_rule_table, to, NULL);
		if (!row)
			return -ENOMEM;
		rule_format(&run->plan->thresholds[i].rule, text, sizeof(text));
		row->value = isfinite(state->value) ? state->value : RESULT_REAL_NULL;
		if (result_set_text(&row->rule, text) < 0 ||
			result_set_text(&row->result, judgement_names[state->judgement]) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---------------------------------------------------------------- ending the run */

static void run_rules_note(
	struct run *run, size_t which, const struct run_rule_state *state, char *ret, size_t size)
{
	const struct rule *rule = &run->plan->thresholds[which].rule;
	char text[RULE_TEXT_MAX];

	rule_format(rule, text, sizeof(text));
	(void)snprintf(ret, size, "abort-if %.120s: %.48s at %.48s", text,
		rule_value(rule, state->value).text, figure_clock(state->end_ns).text);
	run->aborted_by = which + 1;
	run->aborted_by_value = state->value;
	run->aborted_at_ns = state->end_ns;
}

bool run_rules_watch(struct run *run, char *ret_reason, size_t size)
{
	const struct plan *plan = run->plan;
	int64_t covered_ns =
		(int64_t)timeline_n_covered(run->timeline) * timeline_width_ns(run->timeline);

	if (covered_ns <= run->rules_seen_ns || run->outcome != AUDIT_COMPLETED ||
		run->stopped_at_ns > 0)
		return false;
	run->rules_seen_ns = covered_ns;
	if (!run->rule_states || run_rules_judge(run->timeline, plan, run->rule_states) < 0)
		return false;
	for (size_t i = 0; i < plan->n_thresholds; i++) {
		const struct run_rule_state *state = &run->rule_states[i];

		if (!plan->thresholds[i].is_abort || !state->is_known ||
			state->judgement != JUDGEMENT_FAIL)
			continue;
		run_rules_note(run, i, state, ret_reason, size);
		return true;
	}
	return false;
}
