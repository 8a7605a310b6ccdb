/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the figure of a rule, and the same figure without what the generator added to it.
 *
 * Percentiles are found in the histograms, over all planned arrivals: those without a good answer
 * rank last. Of the times that the run's headline is about a second histogram without the
 * generator's share was recorded. Other times have none: from a percentile of one stage or request
 * is taken what the generator added to the same percentile of the whole run, but no more than is
 * above its service times; from service times and those to the first byte how late answers were
 * read.
 *
 * An arrival that timed out after the generator had been late may have failed by that. It had its
 * timeout less the longest delay: where that alone is beyond the limit the rule is broken without
 * the generator too; else the arrival is excused. So are those that this machine refused
 * descriptors, ports or memory.
 *
 * The number of arrivals that a percentile takes is that of independent ones, and it is compared
 * with the number that was planned: it is known before the run, so that no rule is decided in one
 * run and left open in the next. If far more arrivals are beyond the limit than the percentile
 * allows, fewer are enough to say that it is broken.
 *
 * Pure; any thread.
 */
#include "common/result/result_rules_figure.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/figure.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/result/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/rules/rule.h"
#include "common/stats/confidence.h"
#include "common/stats/fault.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "common/str.h"

#define RULE_LEVEL 0.95 /* where the result names none */
/* Of the timeout: a generator that was never later has made none of the timeouts. */
#define RULE_LATE 0.10
/* More than any rate, and a number. */
#define RULE_ANY_RATE 1e18
#define RULE_ROWS_LEAST 10 /* intervals of a share that scatters */
#define RULE_MANY 1000000  /* degrees of freedom: Student's t is normal */

/* What the rule is about: the run, one of its stages, one of its requests. */
struct rule_place {
	const struct result *r;
	bool is_open, is_run;
	struct ledger ledger;
	const struct result_rates *rates;
	const struct result_list *latency;
};

__attribute__((format(printf, 2, 3))) static void rule_leave_open(
	struct rule_figure *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(f->because, sizeof(f->because), format, args);
	va_end(args);
	f->is_known = false;
}

static const struct result_stage *rule_find_stage(const struct result *r, unsigned number)
{
	const struct result_stage *stages = r->stages.rows;

	for (size_t i = 0; i < r->stages.n; i++)
		if (stages[i].is == RESULT_IS_THERE && stages[i].number == (int64_t)number)
			return &stages[i];
	return NULL;
}

/* False: it is not in the result. */
static bool rule_find_place(const struct result *r, const struct rule *rule, struct rule_place *ret)
{
	const struct result_request *request;
	const struct result_stage *stage;

	*ret = (struct rule_place){.r = r,
		.is_open = r->offered.is == RESULT_IS_THERE,
		.is_run = true,
		.ledger = result_counts(&r->ledger),
		.rates = &r->rates,
		.latency = &r->latency};
	/* A plan of one stage has no table of them. */
	if (rule->scope == RULE_OF_RUN ||
		(rule->scope == RULE_OF_STAGE && rule->stage == 1 && r->stages.n == 0))
		return true;
	ret->is_run = false;
	if (rule->scope == RULE_OF_REQUEST) {
		request = result_list_find(&result_request_table, &r->requests, rule->request);
		if (!request)
			return false;
		ret->ledger = result_counts(&request->ledger);
		ret->rates = &request->rates;
		ret->latency = &request->latency;
		return true;
	}
	stage = rule_find_stage(r, rule->stage);
	if (!stage)
		return false;
	ret->ledger = result_counts(&stage->ledger);
	ret->rates = &stage->rates;
	ret->latency = &stage->latency;
	return true;
}

/* ---------------------------------------------------------------- what is the generator's */

/* The longest that it was late; 0: it never was, or that is not known. */
static double rule_latest_ns(const struct result *r)
{
	const struct result_latency *delay = result_find_latency(r, "our_delay");

	return delay && delay->max_ns > 0 ? (double)delay->max_ns : 0;
}

static double rule_timeout_ns(const struct result *r)
{
	int64_t ns = 0;

	(void)json_path_int(r->plan, "effective.request_timeout_ns", &ns);
	return (double)ns;
}

static uint64_t rule_timed_out(const struct ledger *l)
{
	return l->classes[LEDGER_TIMEOUT] + l->classes[LEDGER_EXPIRED];
}

/* Arrivals that this machine refused what they need. */
static uint64_t rule_refused_here(const struct rule_place *p)
{
	const struct result_error *errors = p->r->errors.rows;
	uint64_t n = 0, most = p->ledger.classes[LEDGER_NOT_CONNECTED];

	for (size_t i = 0; i < p->r->errors.n; i++)
		if (errors[i].count > 0 && str_eq(result_words(errors[i].phase),
						   fault_phase_names[FAULT_PHASE_GENERATOR]))
			n += (uint64_t)errors[i].count;
	return n < most ? n : most;
}

/* Those that may have failed because of the generator, and were given up within the limit. */
static uint64_t rule_excused(const struct rule_place *p, double limit_ns)
{
	double own_ns = rule_timeout_ns(p->r) - rule_latest_ns(p->r);

	return rule_refused_here(p) + p->ledger.classes[LEDGER_LOST] +
	       (own_ns <= limit_ns ? rule_timed_out(&p->ledger) : 0);
}

/* The same where there is no limit of time. */
static uint64_t rule_excused_failures(const struct rule_place *p)
{
	bool is_late = rule_latest_ns(p->r) >= RULE_LATE * rule_timeout_ns(p->r);

	return rule_refused_here(p) + p->ledger.classes[LEDGER_LOST] +
	       (is_late && rule_latest_ns(p->r) > 0 ? rule_timed_out(&p->ledger) : 0);
}

/* ---------------------------------------------------------------- times */

/* The times that the run's headline is about, and the same without the generator's share. */
static const char *rule_main_name(const struct rule_place *p)
{
	return p->is_open ? "response" : "service";
}

static const char *rule_less_name(const struct rule_place *p)
{
	return p->is_open ? "response_less_ours" : "service_less_ours";
}

static const char *rule_time_name(const struct rule_place *p, const struct rule *rule)
{
	const char *name = rule_metrics[rule->metric].field;

	return name ? name : rule_main_name(p);
}

/* Of a latency over so many arrivals, of which some are excused. An empty one has none. */
static double rule_stat_of(
	const struct histogram *h, const struct rule *rule, uint64_t planned, uint64_t excused)
{
	uint64_t missing = planned > h->count ? planned - h->count : 0;

	excused = excused < missing ? excused : missing;
	switch (rule->stat) {
	case RULE_QUANTILE:
		return judgement_figure(
			quantile_excusing(h, h->count + missing, excused, rule->percent / 100));
	case RULE_MEAN:
		return h->count > 0 ? histogram_mean(h) : JUDGEMENT_UNSERVED;
	case RULE_MIN:
		return h->count > 0 ? (double)h->min : JUDGEMENT_UNSERVED;
	default:
		return h->count > 0 && excused == missing ? (double)h->max : JUDGEMENT_UNSERVED;
	}
}

/* That of one of these latencies, over the values that it has; 0: there is none. */
static int rule_stat_in(
	const struct result_list *latencies, const char *name, const struct rule *rule, double *ret)
{
	const struct result_latency *latency =
		result_list_find(&result_latency_table, latencies, name);
	struct histogram h;
	int result = latency ? result_read_histogram(latency, &h) : 1;

	*ret = 0;
	if (result == -ENOMEM)
		return result;
	if (result != 0)
		return 0;
	*ret = rule_stat_of(&h, rule, h.count, 0);
	histogram_fini(&h);
	return 0;
}

/* A response takes its own service time at least, less how late its answer was read: what is above
 * that. */
static int rule_find_most(const struct rule_place *p, const struct rule *rule, double *ret)
{
	double response = 0, service = 0, slack = 0;
	int r = rule_stat_in(p->latency, "response", rule, &response);

	if (r == 0)
		r = rule_stat_in(p->latency, "service", rule, &service);
	if (r == 0)
		r = rule_stat_in(&p->r->latency, "rx_slack", rule, &slack);
	*ret = service > 0 ? fmax(response - fmax(service - slack, 0), 0) : response;
	return r;
}

/* What the generator added to this figure, where no histogram has it without. */
static int rule_find_share(const struct rule_place *p, const struct rule *rule, double *ret)
{
	const struct result_list *all = &p->r->latency;
	const char *name = rule_time_name(p, rule);
	double whole = 0, less = 0, most = 0;
	int r = 0;

	*ret = 0;
	if (!rule_metrics[rule->metric].is_of_planned)
		return 0;
	if (!str_eq(name, rule_main_name(p)))
		return rule_stat_in(all, "rx_slack", rule, ret);
	r = rule_stat_in(all, name, rule, &whole);
	if (r == 0)
		r = rule_stat_in(all, rule_less_name(p), rule, &less);
	*ret = less > 0 ? fmax(whole - less, 0) : 0;
	if (r == 0 && p->is_open) {
		r = rule_find_most(p, rule, &most);
		*ret = fmin(*ret, most);
	}
	return r;
}

static double rule_level(const struct result_latency *latency)
{
	double level = latency ? latency->ci95.level : RULE_LEVEL;

	return level > 0 && level < 1 ? level : RULE_LEVEL;
}

/* The ends that the result has of this percentile. */
static void rule_take_interval(
	const struct result_latency *latency, double percent, struct rule_figure *f)
{
	const struct result_ci95 *ci = &latency->ci95;
	const struct {
		double percent;
		const struct result_list *ends;
	} all[] = {{50, &ci->p50_ns}, {90, &ci->p90_ns}, {99, &ci->p99_ns}, {99.9, &ci->p99_9_ns}};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct result_number *ends = all[i].ends->rows;

		if (all[i].percent != percent || all[i].ends->n != 2)
			continue;
		f->low = result_is_known(ends[0].n) ? (double)ends[0].n : NAN;
		f->high = result_is_known(ends[1].n) ? (double)ends[1].n : NAN;
	}
}

/* The figures of one latency, of which less has the generator's share taken off (empty: it has
 * not, and share_ns is that share). */
static void rule_fill_times(const struct rule_place *p, const struct rule *rule,
	const struct histogram *whole, const struct histogram *less, double share_ns,
	struct rule_figure *f)
{
	bool is_of_all = rule_metrics[rule->metric].is_of_planned && !rule->is_of_ok;
	bool is_from_above = rule->op == JUDGEMENT_BELOW || rule->op == JUDGEMENT_AT_MOST;
	uint64_t planned =
		is_of_all && p->ledger.planned > whole->count ? p->ledger.planned : whole->count;
	uint64_t missing = planned - whole->count;
	uint64_t excused = is_of_all && is_from_above ? rule_excused(p, rule->limit) : 0;

	excused = excused < missing ? excused : missing;
	f->is_known = true;
	f->value = rule_stat_of(whole, rule, planned, 0);
	f->less_ours = less->count == whole->count
			       ? rule_stat_of(less, rule, planned, excused)
			       : rule_stat_of(whole, rule, planned, excused) - share_ns;
	if (f->less_ours < 0)
		f->less_ours = 0;
	f->n = (double)planned;
	if (rule->stat == RULE_QUANTILE)
		f->least_n = confidence_least_n(rule->percent / 100,
			rule_level(result_find_latency(p->r, rule_main_name(p))));
	else
		f->least_n = 1;
	if (rule->stat == RULE_QUANTILE)
		f->is_certain =
			less->count == whole->count
				? judgement_is_certain(less, planned, excused, rule->percent / 100,
					  0, rule->op, rule->limit)
				: judgement_is_certain(whole, planned, excused, rule->percent / 100,
					  share_ns, rule->op, rule->limit);
}

static int rule_find_times(
	const struct rule_place *p, const struct rule *rule, struct rule_figure *f)
{
	const char *name = rule_time_name(p, rule);
	const struct result_latency *latency =
		result_list_find(&result_latency_table, p->latency, name);
	bool is_main = p->is_run && str_eq(name, rule_main_name(p));
	const struct result_latency *less_latency =
		is_main ? result_find_latency(p->r, rule_less_name(p)) : NULL;
	struct histogram whole = {0}, less = {0};
	double share_ns = 0;
	int r;

	if (!latency) {
		rule_leave_open(f, "the result has no %s times",
			*rule_metrics[rule->metric].name ? rule_metrics[rule->metric].name : name);
		return 0;
	}
	r = result_read_histogram(latency, &whole);
	if (r >= 0 && less_latency)
		r = result_read_histogram(less_latency, &less);
	if (r >= 0 && less.count != whole.count)
		r = rule_find_share(p, rule, &share_ns);
	if (r >= 0) {
		rule_fill_times(p, rule, &whole, &less, share_ns, f);
		/* The intervals are of ranks over all planned. */
		if (is_main && rule->stat == RULE_QUANTILE &&
			(!rule->is_of_ok || p->ledger.planned == whole.count))
			rule_take_interval(latency, rule->percent, f);
	} else if (r == -EINVAL) {
		rule_leave_open(f, "the histogram of the %s times cannot be read", name);
	}
	histogram_fini(&whole);
	histogram_fini(&less);
	return r == -ENOMEM ? r : 0;
}

/* ---------------------------------------------------------------- shares */

static uint64_t rule_count_statuses(const struct result *r, unsigned which)
{
	const struct result_number *rows = r->statuses.rows;
	uint64_t n = 0;

	for (size_t i = 0; i < r->statuses.n; i++) {
		unsigned status = (unsigned)result_status_of(&rows[i]);

		if (status > 0 && (which < 10 ? status / 100 == which : status == which))
			n += (uint64_t)rows[i].n;
	}
	return n;
}

/* How many times more a share scatters between intervals than one of independent arrivals would; 1
 * where that is not known. */
static double rule_scatter(const struct result *r, double share)
{
	const struct result_row *rows = r->intervals.rows.rows;
	double squares = 0, expected = 0;
	size_t n = 0;

	for (size_t i = 0; i < r->intervals.rows.n; i++) {
		double planned, d;

		if (rows[i].is != RESULT_IS_THERE || rows[i].planned <= 0 || rows[i].ok < 0)
			continue;
		planned = (double)rows[i].planned;
		d = planned - (double)rows[i].ok - share * planned;
		squares += d * d;
		expected += planned * share * (1 - share);
		n++;
	}
	return n >= RULE_ROWS_LEAST && expected > 0 ? fmax(squares / expected, 1) : 1;
}

/* Wilson's interval, of as many arrivals as would carry the same information. */
static void rule_take_share_interval(
	const struct result *r, double count, double planned, struct rule_figure *f, double unit)
{
	double level = rule_level(
		result_find_latency(r, r->offered.is == RESULT_IS_THERE ? "response" : "service"));
	double z = confidence_student((1 + level) / 2, RULE_MANY);
	double share = count / planned, n = planned / rule_scatter(r, share), z2 = z * z;
	double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
	double half = z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n));

	f->low = fmax(middle - half, 0) * unit;
	f->high = fmin(middle + half, 1) * unit;
}

static void rule_find_share_of(
	const struct rule_place *p, const struct rule *rule, struct rule_figure *f)
{
	const char *field = rule_metrics[rule->metric].field;
	double planned = (double)p->ledger.planned, count, excused = 0, unit;
	bool is_errors = rule->metric == RULE_ERRORS || rule->metric == RULE_FAILED;

	if (rule->metric == RULE_STATUS) {
		count = (double)rule_count_statuses(p->r, rule->status);
	} else if (is_errors) {
		count = planned - (double)p->ledger.classes[LEDGER_OK];
		excused = (double)rule_excused_failures(p);
	} else {
		unsigned c = LEDGER_CLASS_COUNT;

		while (--c > 0 && !str_eq(ledger_class_names[c], field))
			;
		count = (double)p->ledger.classes[c];
		if (rule->metric == RULE_TIMEOUTS &&
			rule_excused_failures(p) > rule_refused_here(p))
			excused = count;
	}
	f->is_known = true;
	f->n = planned;
	f->least_n = 1;
	if (!(planned > 0))
		return;
	unit = rule->is_count ? planned : 1;
	f->value = count / planned * unit;
	f->less_ours = fmax(count - excused, 0) / planned * unit;
	if (is_errors && p->is_run)
		rule_take_share_interval(p->r, count, planned, f, unit);
}

/* ---------------------------------------------------------------- rates, words */

static void rule_find_rate(
	const struct rule_place *p, const struct rule *rule, struct rule_figure *f)
{
	const char *field = rule_metrics[rule->metric].field;
	const struct result_field *row = result_table_find(&result_rates_table, field);
	double planned = (double)p->ledger.planned, missing;

	f->value = *(const double *)(const void *)((const char *)p->rates + row->offset);
	if (!result_is_real(f->value)) {
		rule_leave_open(f, "the result has no such rate");
		return;
	}
	f->is_known = true;
	f->n = planned;
	f->least_n = 1;
	/* The closed model has no plan: a generator without a CPU to spare hides the rate. */
	if (!p->is_open && str_eq(result_words(p->r->headline.limited_by),
				   audit_limit_names[AUDIT_BY_GENERATOR])) {
		f->less_ours = RULE_ANY_RATE;
		return;
	}
	missing = (double)rule_excused_failures(p);
	if (str_eq(result_words(p->r->generator.verdict), audit_verdict_names[AUDIT_SATURATED]))
		missing += (double)p->ledger.classes[LEDGER_UNSENT];
	f->less_ours = f->value;
	if (planned > 0 && p->rates->planned_per_s > 0)
		f->less_ours += missing / planned * p->rates->planned_per_s;
}

static void rule_find_word(
	const struct rule_place *p, const struct rule *rule, struct rule_figure *f)
{
	const struct result *r = p->r;
	const char *word = rule->metric == RULE_UNSTEADY ? result_words(r->steadiness.word)
							 : result_words(r->headline.limited_by);

	f->n = f->least_n = 1;
	f->is_known = *word && !str_eq(word, "unknown") && !str_eq(word, "staged");
	if (!f->is_known)
		rule_leave_open(f, rule->metric == RULE_UNSTEADY
					   ? "whether the run was steady is not known"
					   : "what limited the run is not known");
	f->is_true = rule->metric == RULE_UNSTEADY ? !str_eq(word, "steady")
						   : str_eq(word, rule_metrics[rule->metric].field);
}

/* ---------------------------------------------------------------- the whole */

int rule_figure_of(const struct result *r, const struct rule *rule, struct rule_figure *ret)
{
	struct rule_place p;

	*ret = (struct rule_figure){.low = NAN, .high = NAN, .value = NAN, .less_ours = NAN};
	if (r->window.is != RESULT_IS_THERE) {
		rule_leave_open(ret, "the run did not begin");
		return 0;
	}
	if (r->ledger.balanced == RESULT_NO) {
		rule_leave_open(ret, "the ledger does not balance");
		return 0;
	}
	if (!rule_find_place(r, rule, &p)) {
		if (rule->scope == RULE_OF_STAGE)
			rule_leave_open(ret, "stage %u did not begin", rule->stage);
		else
			rule_leave_open(ret, "no request %.64s was made", rule->request);
		return 0;
	}
	switch (rule_metrics[rule->metric].form) {
	case RULE_TIME:
		return rule_find_times(&p, rule, ret);
	case RULE_SHARE:
		rule_find_share_of(&p, rule, ret);
		return 0;
	case RULE_RATE:
		rule_find_rate(&p, rule, ret);
		return 0;
	default:
		rule_find_word(&p, rule, ret);
		return 0;
	}
}
