/* SPDX-License-Identifier: Apache-2.0 */
/* Derives one load from the keys in force: the model, its stages, its length. If keys exclude each
 * other, one has been dropped before (plan_rules.c). First the model is derived from the key that
 * sets the pace, then the length, then the scale, and at the end the window, in which a flat rate
 * is one stage.
 *
 * A bad value has been reported before; its consequences are not reported. */
#include "common/plan/plan_load.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_input.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_values.h"
#include "common/str.h"

#define PLAN_DEFAULT_DURATION_NS (10 * NSEC_PER_SEC)
#define PLAN_DURATION_MAX_NS (8760 * 3600 * NSEC_PER_SEC) /* as [load] duration */

struct plan_load {
	const struct plan_input *in;
	struct plan *plan; /* that of in */
	/* The entries in force; NULL: there is none. */
	const struct ini_entry *stage; /* the last one */
	const struct ini_entry *duration, *requests, *rate;
	int64_t kept_ns; /* total length of the stages that a later key replaced */
};

bool plan_is_load_doubtful(const struct plan_input *in)
{
	static const char *const keys[][2] = {{"load", "model"}, {"load", "rate"},
		{"load", "stage"}, {"load", "duration"}, {"load", "requests"}, {"load", "think"},
		{"load", "arrivals"}, {"connections", "exhausted"}, {"connections", "queue-max"}};

	for (size_t i = 0; i < in->doc->n_entries; i++) {
		const struct ini_entry *e = &in->doc->entries[i];

		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys) && plan_is_bad(in, e); k++)
			if (str_eq(e->section, keys[k][0]) && str_eq(e->key, keys[k][1]))
				return true;
	}
	return false;
}

/* ---- stages ---- */

/* The entry is a stage line of the last file that has any. */
static bool plan_is_stage_entry(const struct plan_load *l, size_t i)
{
	const struct ini_entry *e = &l->in->doc->entries[i];

	return e->precedence == l->stage->precedence && str_eq(e->section, "load") &&
	       str_eq(e->key, "stage");
}

/* Checks whether the valid stages in force fit together. */
static void plan_judge_stages(struct plan_load *l)
{
	const struct plan *p = l->plan;
	uint64_t n_levels = 0;

	if (l->in->is_load_doubtful || !l->stage)
		return;
	for (size_t i = 0, n = 0; i < l->in->doc->n_entries && n < p->n_stages; i++) {
		const struct ini_entry *e = &l->in->doc->entries[i];
		const char *trouble;

		if (!plan_is_stage_entry(l, i))
			continue;
		trouble = plan_stage_trouble(p, n);
		if (trouble)
			problems_add(l->in->problems, e->file, e->line, "%s", trouble);
		n_levels += plan_stage_levels(&p->stages[n++]);
		if (n_levels > PLAN_LEVELS_MAX) {
			problems_add(l->in->problems, e->file, e->line,
				"more than %d levels in all steps together: take larger ones",
				PLAN_LEVELS_MAX);
			return;
		}
	}
}

/* ---- model and length ---- */

static void plan_resolve_model(struct plan_load *l)
{
	struct plan *p = l->plan;

	p->rate_max = !l->stage && l->rate && !p->rate.den;
	if (p->model_choice && plan_entry(l->in, "load", "model"))
		p->model = (enum plan_model)(p->model_choice - 1);
	else
		p->model = p->rate_max ? PLAN_CLOSED : PLAN_OPEN;
}

/* A duration together with stages: if one stage is measured, it becomes its length. A rate takes
 * the place of stages of an earlier file, and contradicts those of the same one. */
static void plan_check_duration(struct plan_load *l)
{
	const struct plan_stage *only = plan_only_measured(l->plan);
	const struct ini_entry *e = l->duration;
	const char *remedy =
		e->precedence > l->stage->precedence ? "give a rate with it" : "leave duration out";

	if ((only && only->kind != PLAN_STEP) || l->in->is_load_doubtful)
		return;
	if (only)
		problems_add(l->in->problems, e->file, e->line,
			"duration contradicts the steps, which say how long they are: %s, or "
			"change the steps",
			remedy);
	else
		problems_add(l->in->problems, e->file, e->line,
			"duration contradicts the %zu stages, which say how long they are: %s, or "
			"change the stages",
			l->plan->n_stages, remedy);
}

/* Stages of a later file determine the length. */
static void plan_resolve_length(struct plan_load *l)
{
	const struct ini_entry **lengths[] = {&l->duration, &l->requests};

	for (size_t i = 0; i < 2 && l->stage; i++) {
		const struct ini_entry *e = *lengths[i];

		if (!e || e->precedence >= l->stage->precedence)
			continue;
		plan_drop(l->in, e);
		*lengths[i] = NULL;
	}
	if (l->stage && l->duration)
		plan_check_duration(l);
}

/* ---- the scale ---- */

/* Scales one rate, within the limits of rates in a run file. */
static bool plan_scale_rate(
	struct plan_load *l, const struct ini_entry *e, struct rate scale, struct rate *rate)
{
	const struct key *key = keys_find(&plan_keys, "load", "rate");
	char before[UNITS_TEXT_MAX], after[UNITS_TEXT_MAX];
	struct rate scaled, checked;

	if (!rate->num)
		return true; /* the end of a ramp */
	units_format_rate(*rate, before, sizeof(before));
	if (!rate_scale(*rate, scale, &scaled)) {
		units_format_rate(scaled, after, sizeof(after));
		if (!keys_parse(key, after, &checked, NULL)) {
			*rate = scaled;
			return true;
		}
	}
	problems_add(l->in->problems, e->file, e->line,
		"%.60s of %s is not a rate: those are %s, exact to six decimals", e->value, before,
		key->limits);
	return false;
}

static bool plan_scale_stage(
	struct plan_load *l, const struct ini_entry *e, struct rate scale, struct plan_stage *stage)
{
	return plan_scale_rate(l, e, scale, &stage->rate) &&
	       plan_scale_rate(l, e, scale, &stage->to) && plan_scale_rate(l, e, scale, &stage->by);
}

/* Multiplies every rate; it is a problem if there is none. 0 or -ENOMEM. */
static int plan_scale(struct plan_load *l)
{
	const struct ini_entry *e = plan_entry(l->in, "load", "scale");
	struct plan *p = l->plan;
	struct rate scale = p->scale;

	if (!e || l->in->is_load_doubtful || plan_is_bad(l->in, e))
		return 0;
	if (p->model == PLAN_CLOSED) {
		problems_add(l->in->problems, e->file, e->line,
			"%.60s scales a rate, but the closed model has none: leave it out",
			e->value);
		return 0;
	}
	if (!p->n_stages) {
		(void)plan_scale_rate(l, e, scale, &p->rate);
		return 0;
	}
	for (size_t i = 0; i < p->n_stages; i++) {
		int r;

		if (!plan_scale_stage(l, e, scale, &p->stages[i]))
			return 0;
		r = plan_write_stage(p, i);
		if (r)
			return r;
	}
	return 0;
}

/* ---- what follows from the answers ---- */

static void plan_add_length_problem(struct plan_load *l, const char *text)
{
	const struct ini_entry *by[] = {l->requests, l->stage, l->duration, l->rate};
	const struct ini_entry *e = NULL;

	if (l->in->is_load_doubtful)
		return;
	for (size_t i = 0; i < sizeof(by) / sizeof(*by) && !e; i++)
		e = by[i];
	/* None of these keys: it is the default rate, changed by scale. */
	if (!e)
		e = plan_entry(l->in, "load", "scale");
	problems_add(l->in->problems, e ? e->file : "run", e ? e->line : 0, "%s", text);
}

static int64_t plan_default_length(const struct plan_load *l)
{
	return l->kept_ns ? l->kept_ns : PLAN_DEFAULT_DURATION_NS;
}

/* The length of the window. 0, -ERANGE (its count is never reached: reported), -ENOMEM. */
static int plan_find_length(struct plan_load *l, int64_t *ret)
{
	struct plan *p = l->plan;
	int r = 0;

	if (!p->n_stages) {
		struct plan_stage flat = {
			.kind = PLAN_HOLD, .rate = p->rate, .to = {0, 1}, .by = {0, 1}};

		flat.duration_ns = p->duration_ns ? p->duration_ns : plan_default_length(l);
		r = plan_add_stage(p, &flat, NULL);
	}
	if (r)
		return r;
	*ret = p->duration_ns ? p->duration_ns : plan_stages_duration(p, false);
	if (p->n_arrivals && plan_window_until(p, p->n_arrivals, ret)) {
		if (plan_window_parts_2(p))
			plan_add_length_problem(l,
				"the stages end at rate 0 before they have made so many requests: "
				"ask for fewer, or add a stage, as in stage = hold 500 for 5m");
		return -ERANGE;
	}
	/* A ramp that a count ends keeps its slope. */
	if (p->n_arrivals && plan_only_measured(p) && plan_only_measured(p)->kind != PLAN_HOLD)
		return 0;
	return plan_stretch(p, *ret);
}

static int plan_finish_open(struct plan_load *l)
{
	struct plan *p = l->plan;
	int64_t length, all;
	int r;

	/* Empty only if all of them are bad, which has been reported. */
	if (l->stage && !p->n_stages)
		return 0;
	plan_judge_stages(l);
	r = plan_find_length(l, &length);
	if (r)
		return r == -ERANGE ? 0 : r;
	if (__builtin_add_overflow(length, plan_stages_duration(p, true), &all) ||
		all > PLAN_DURATION_MAX_NS) {
		plan_add_length_problem(l, "the plan lasts longer than a year (8760h): shorten it");
		return 0;
	}
	p->rate = p->stages[0].rate;
	p->duration_ns = length;
	/* The first arrival is half an interval after the start. A plan that does not send at all
	 * has already been reported. */
	if (!p->n_arrivals && plan_window_parts_2(p) <= PLAN_ARRIVAL_PARTS &&
		(plan_window_parts_2(p) || !l->stage))
		plan_add_length_problem(l, "the plan is too short for one request at this rate: "
					   "lengthen it, or raise the rate");
	return 0;
}

static void plan_finish_closed(struct plan_load *l)
{
	struct plan *p = l->plan;

	p->rate = (struct rate){0, 1};
	if (p->n_arrivals)
		p->duration_ns = CLOCK_NEVER;
	else if (!p->duration_ns)
		p->duration_ns = plan_default_length(l);
}

int plan_resolve_load(const struct plan_input *in)
{
	struct plan *plan = in->plan;
	struct plan_load l = {.in = in,
		.plan = plan,
		.stage = plan_entry(in, "load", "stage"),
		.duration = plan_entry(in, "load", "duration"),
		.requests = plan_entry(in, "load", "requests"),
		.rate = plan_entry(in, "load", "rate")};
	int r;

	/* A flat rate, or users, that replace stages last as long as those did. */
	if (!l.stage)
		l.kept_ns = in->stages_ns;
	plan_resolve_model(&l);
	plan_resolve_length(&l);
	if (plan->model == PLAN_CLOSED) {
		plan_finish_closed(&l);
		return plan_scale(&l);
	}
	/* rate = max was given twice, or together with a bad model. */
	if (!plan->rate.den)
		(void)keys_reset(keys_find(&plan_keys, "load", "rate"), plan);
	r = plan_scale(&l);
	return r ? r : plan_finish_open(&l);
}
