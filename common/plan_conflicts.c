/* SPDX-License-Identifier: Apache-2.0 */
/* From keys that may contradict each other to one load: the model, its stages, its length.
 *
 * Of two contradicting keys the one from the later file wins and the other counts as not written,
 * so that an overlay or a flag can turn any plan around without the person having to unset
 * anything; flags together count as one file after all others. Within one file it is unknown which
 * of the two was meant, and that is a problem. Only the last entry of a key is looked at.
 *
 * The order of the questions matters: first what says how fast (rate or stages), then the model,
 * then what says how long, then the keys that one model alone has. Each question removes the losers
 * from the table of sources before the next one is asked.
 *
 * A value that is no value has been reported before; what would follow from it is not told. */
#include "common/plan_conflicts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/ini.h"
#include "common/keys.h"
#include "common/plan.h"
#include "common/plan_input.h"
#include "common/plan_stages.h"
#include "common/plan_values.h"
#include "common/str.h"

#define PLAN_DEFAULT_DURATION_NS (10 * NSEC_PER_SEC)
#define PLAN_DURATION_MAX_NS (8760 * 3600 * NSEC_PER_SEC) /* as [load] duration */

enum plan_source_id {
	PLAN_SOURCE_MODEL,
	PLAN_SOURCE_RATE,
	PLAN_SOURCE_STAGE,
	PLAN_SOURCE_DURATION,
	PLAN_SOURCE_REQUESTS,
	PLAN_SOURCE_THINK,
	PLAN_SOURCE_ARRIVALS,
	PLAN_SOURCE_EXHAUSTED,
	PLAN_SOURCE_QUEUE_MAX,
	PLAN_SOURCE_COUNT,
};

static const char *const plan_source_keys[PLAN_SOURCE_COUNT][2] = {
	[PLAN_SOURCE_MODEL] = {"load", "model"},
	[PLAN_SOURCE_RATE] = {"load", "rate"},
	[PLAN_SOURCE_STAGE] = {"load", "stage"},
	[PLAN_SOURCE_DURATION] = {"load", "duration"},
	[PLAN_SOURCE_REQUESTS] = {"load", "requests"},
	[PLAN_SOURCE_THINK] = {"load", "think"},
	[PLAN_SOURCE_ARRIVALS] = {"load", "arrivals"},
	[PLAN_SOURCE_EXHAUSTED] = {"connections", "exhausted"},
	[PLAN_SOURCE_QUEUE_MAX] = {"connections", "queue-max"},
};

/* Where a key was written last; entry NULL: nowhere, or it lost. */
struct plan_choice {
	const struct ini_entry *entry;
	unsigned precedence;
};

struct plan_load {
	const struct plan_input *in;
	struct plan *plan; /* in's */
	struct plan_choice at[PLAN_SOURCE_COUNT];
	unsigned model_precedence; /* of the key that decided the model */
	int64_t kept_ns;	   /* length of the stages that a later key replaced */
	bool is_doubtful;	   /* a value was bad: the rest may be well with the right one */
};

static void plan_find_sources(struct plan_load *l)
{
	for (size_t i = 0; i < l->in->doc->n_entries; i++) {
		const struct ini_entry *e = &l->in->doc->entries[i];

		for (size_t s = 0; s < PLAN_SOURCE_COUNT; s++)
			if (str_eq(e->section, plan_source_keys[s][0]) &&
				str_eq(e->key, plan_source_keys[s][1]))
				l->at[s] = (struct plan_choice){e, e->precedence};
	}
}

/* Of a bad value nobody can say what it contradicts. */
static void plan_doubt(struct plan_load *l)
{
	for (size_t i = 0; i < l->in->doc->n_entries && !l->is_doubtful; i++) {
		const struct ini_entry *e = &l->in->doc->entries[i];

		for (size_t s = 0; s < PLAN_SOURCE_COUNT; s++)
			if (str_eq(e->section, plan_source_keys[s][0]) &&
				str_eq(e->key, plan_source_keys[s][1]) && plan_is_bad(l->in, e))
				l->is_doubtful = true;
	}
}

static bool plan_has(const struct plan_load *l, enum plan_source_id id)
{
	return l->at[id].entry;
}

/* "line 4" or "-r". */
static void plan_name_place(const struct ini_entry *e, char *text, size_t size)
{
	if (e->line)
		snprintf(text, size, "line %u", e->line);
	else
		snprintf(text, size, "%s", e->file);
}

/* Adds, at the later one of two entries of one file, that they contradict each other. */
static void plan_contradict(const struct ini_entry *first, const struct ini_entry *last,
	const char *why, struct problems *problems)
{
	char place[64];

	plan_name_place(first, place, sizeof(place));
	problems_add(problems, last->file, last->line, "%s = %.60s contradicts %s = %.60s (%s): %s",
		last->key, last->value, first->key, first->value, place, why);
}

/* The two contradict each other: one is dropped, or a problem is added at the later one. */
static void plan_settle(
	struct plan_load *l, enum plan_source_id a, enum plan_source_id b, const char *why)
{
	struct plan_choice *first = &l->at[a], *last = &l->at[b];

	if (!first->entry || !last->entry)
		return;
	if (first->entry > last->entry) {
		first = &l->at[b];
		last = &l->at[a];
	}
	if (first->precedence == last->precedence && !l->is_doubtful)
		plan_contradict(first->entry, last->entry, why, l->in->problems);
	first->entry = NULL;
}

const struct ini_entry *plan_settle_pair(const struct plan_input *in, const struct plan_pair *pair)
{
	const struct ini_entry *first = keys_last(in->doc, pair->section, "", pair->key);
	const struct ini_entry *last = keys_last(in->doc, pair->other_section, "", pair->other_key);

	if (!first || !last || plan_is_bad(in, first) || plan_is_bad(in, last))
		return NULL;
	if (first > last) {
		const struct ini_entry *swap = first;

		first = last;
		last = swap;
	}
	if (first->precedence == last->precedence)
		plan_contradict(first, last, pair->why, in->problems);
	return first;
}

/* ---- stages ---- */

/* It is a stage line of the last file that has any. */
static bool plan_is_stage_entry(const struct plan_load *l, size_t i)
{
	const struct ini_entry *e = &l->in->doc->entries[i];

	return e->precedence == l->at[PLAN_SOURCE_STAGE].precedence && str_eq(e->section, "load") &&
	       str_eq(e->key, "stage");
}

/* Of good stages that are in force, how they stand together. */
static void plan_judge_stages(struct plan_load *l)
{
	const struct plan *p = l->plan;
	uint64_t n_levels = 0;

	if (l->is_doubtful || !plan_has(l, PLAN_SOURCE_STAGE))
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

/* ---- the questions, in their order ---- */

/* A flat rate, or users, in the place of stages go on for as long as those did. */
static void plan_forget_lost_stages(struct plan_load *l)
{
	if (plan_has(l, PLAN_SOURCE_STAGE) || !l->plan->n_stages)
		return;
	l->kept_ns = plan_stages_duration(l->plan, false);
	plan_clear_stages(l->plan);
}

static void plan_settle_speed(struct plan_load *l)
{
	plan_settle(l, PLAN_SOURCE_RATE, PLAN_SOURCE_STAGE, "keep one of them");
	plan_forget_lost_stages(l);
}

static void plan_settle_model(struct plan_load *l)
{
	static const char *const why[] = {
		[PLAN_OPEN] = "rate = max is the closed model: write a rate, or model = closed",
		[PLAN_CLOSED] = "users wait for answers there, so nothing else sets the pace: "
				"leave one of them out",
	};
	struct plan *p = l->plan;
	enum plan_source_id speed =
		plan_has(l, PLAN_SOURCE_STAGE) ? PLAN_SOURCE_STAGE : PLAN_SOURCE_RATE;
	const struct plan_choice *model = &l->at[PLAN_SOURCE_MODEL];
	bool is_max = speed == PLAN_SOURCE_RATE && plan_has(l, speed) &&
		      str_eq(l->at[speed].entry->value, "max");
	enum plan_model implied = is_max ? PLAN_CLOSED : PLAN_OPEN;

	l->model_precedence = model->precedence;
	if (model->entry && p->model_choice) {
		p->model = (enum plan_model)(p->model_choice - 1);
		if (plan_has(l, speed) && p->model != implied)
			plan_settle(l, PLAN_SOURCE_MODEL, speed, why[p->model]);
	}
	/* What sets the pace may have been the later word. */
	if (!plan_has(l, PLAN_SOURCE_MODEL) || !p->model_choice)
		p->model = implied;
	if (plan_has(l, speed) && l->at[speed].precedence > l->model_precedence)
		l->model_precedence = l->at[speed].precedence;
	p->rate_max = is_max && plan_has(l, speed);
	plan_forget_lost_stages(l);
}

/* A key that only the other model has: forgotten where the model was turned around behind it. */
static void plan_refuse(struct plan_load *l, enum plan_source_id id, const char *why)
{
	const struct ini_entry *e = l->at[id].entry;

	if (e && l->at[id].precedence >= l->model_precedence && !l->is_doubtful)
		problems_add(l->in->problems, e->file, e->line, "%s", why);
}

/* A duration for stages: of one that is measured it is the length. */
static void plan_settle_duration(struct plan_load *l)
{
	struct plan_choice *length = &l->at[PLAN_SOURCE_DURATION];
	const struct plan_stage *only = plan_only_measured(l->plan);
	const struct ini_entry *e = length->entry;

	if (only && only->kind != PLAN_STEP) {
		if (length->precedence == l->at[PLAN_SOURCE_STAGE].precedence)
			plan_settle(l, PLAN_SOURCE_DURATION, PLAN_SOURCE_STAGE,
				"the stage says how long it is: keep one of them");
		return;
	}
	if (l->is_doubtful)
		return;
	if (only)
		problems_add(l->in->problems, e->file, e->line,
			"duration contradicts the steps, which say how long they are: give a rate "
			"with it, or change the steps");
	else
		problems_add(l->in->problems, e->file, e->line,
			"duration contradicts the %zu stages, which say how long they are: give a "
			"rate with it, or change the stages",
			l->plan->n_stages);
}

static void plan_settle_length(struct plan_load *l)
{
	struct plan_choice *stage = &l->at[PLAN_SOURCE_STAGE];
	enum plan_source_id lengths[] = {PLAN_SOURCE_DURATION, PLAN_SOURCE_REQUESTS};

	plan_settle(l, PLAN_SOURCE_DURATION, PLAN_SOURCE_REQUESTS, "keep one of them");
	for (size_t i = 0; i < 2 && stage->entry; i++) {
		struct plan_choice *length = &l->at[lengths[i]];

		if (!length->entry)
			continue;
		if (length->precedence < stage->precedence)
			length->entry = NULL; /* the later stages say how long */
		else if (lengths[i] == PLAN_SOURCE_DURATION)
			plan_settle_duration(l);
	}
	if (!plan_has(l, PLAN_SOURCE_DURATION))
		l->plan->duration_ns = 0;
	if (!plan_has(l, PLAN_SOURCE_REQUESTS))
		l->plan->n_arrivals = 0;
}

static void plan_settle_closed(struct plan_load *l)
{
	/* `arrivals = constant` says nothing. */
	if (l->plan->arrivals != PLAN_CONSTANT)
		plan_refuse(l, PLAN_SOURCE_ARRIVALS,
			"arrivals has no meaning in the closed model: a user's next request comes "
			"when the answer does");
	l->plan->arrivals = PLAN_CONSTANT;
	l->plan->jitter = 0;
	plan_refuse(l, PLAN_SOURCE_EXHAUSTED,
		"exhausted has no meaning in the closed model: each user has a connection");
	plan_refuse(l, PLAN_SOURCE_QUEUE_MAX,
		"queue-max has no meaning in the closed model: each user has a connection");
}

static void plan_settle_open(struct plan_load *l)
{
	/* `think = 0` says nothing. */
	if (l->plan->think_ns)
		plan_refuse(l, PLAN_SOURCE_THINK,
			"think is for the closed model: add model = closed, or leave it out");
	l->plan->think_ns = 0;
}

/* ---- the scale ---- */

/* Scales one rate within what may be written as one. */
static bool plan_scale_rate(
	struct plan_load *l, const struct ini_entry *e, struct rate scale, struct rate *rate)
{
	const struct key *key = keys_find(KEYS_RUN, "load", "rate");
	char before[UNITS_TEXT_MAX], after[UNITS_TEXT_MAX];
	struct rate scaled, checked;

	if (!rate->num)
		return true; /* a ramp's end */
	units_format_rate(*rate, before, sizeof(before));
	if (!rate_scale(*rate, scale, &scaled)) {
		units_format_rate(scaled, after, sizeof(after));
		if (!keys_parse(key, after, &checked, NULL)) {
			*rate = scaled;
			return true;
		}
	}
	problems_add(l->in->problems, e->file, e->line,
		"%.60s of %s is no rate: those are %s, exact to six decimals", e->value, before,
		key->limits);
	return false;
}

static bool plan_scale_stage(
	struct plan_load *l, const struct ini_entry *e, struct rate scale, struct plan_stage *stage)
{
	return plan_scale_rate(l, e, scale, &stage->rate) &&
	       plan_scale_rate(l, e, scale, &stage->to) && plan_scale_rate(l, e, scale, &stage->by);
}

/* Multiplies every rate; a problem where there is none. 0 or -ENOMEM. */
static int plan_scale(struct plan_load *l)
{
	const struct ini_entry *e = keys_last(l->in->doc, "load", "", "scale");
	struct plan *p = l->plan;
	struct rate scale = p->scale;

	if (!e || l->is_doubtful || plan_is_bad(l->in, e))
		return 0;
	if (p->model == PLAN_CLOSED) {
		problems_add(l->in->problems, e->file, e->line,
			"%.60s scales a rate, but users wait for answers here and nothing sets the "
			"pace",
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
	static const enum plan_source_id by[] = {
		PLAN_SOURCE_REQUESTS, PLAN_SOURCE_STAGE, PLAN_SOURCE_DURATION, PLAN_SOURCE_RATE};
	const struct ini_entry *e = NULL;

	if (l->is_doubtful)
		return;
	for (size_t i = 0; i < sizeof(by) / sizeof(*by) && !e; i++)
		e = l->at[by[i]].entry;
	/* The default rate, and what is made of it. */
	if (!e)
		e = keys_last(l->in->doc, "load", "", "scale");
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

	/* Empty only when all of them are bad, which has been reported. */
	if (plan_has(l, PLAN_SOURCE_STAGE) && !p->n_stages)
		return 0;
	plan_judge_stages(l);
	r = plan_find_length(l, &length);
	if (r)
		return r == -ERANGE ? 0 : r;
	if (__builtin_add_overflow(length, plan_stages_duration(p, true), &all) ||
		all > PLAN_DURATION_MAX_NS) {
		plan_add_length_problem(l, "the plan lasts longer than a year (8760h)");
		return 0;
	}
	p->rate = p->stages[0].rate;
	p->duration_ns = length;
	/* The first arrival stands half an interval behind the start. A plan that does not send at
	 * all has been told so. */
	if (!p->n_arrivals && plan_window_parts_2(p) <= PLAN_ARRIVAL_PARTS &&
		(plan_window_parts_2(p) || !plan_has(l, PLAN_SOURCE_STAGE)))
		plan_add_length_problem(
			l, "the plan is too short for one request at this rate: nothing is sent");
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

int plan_settle_load(const struct plan_input *in)
{
	struct plan *plan = in->plan;
	struct plan_load l = {.in = in, .plan = plan};
	int r;

	plan_find_sources(&l);
	plan_doubt(&l);
	plan_settle_speed(&l);
	plan_settle_model(&l);
	plan_settle_length(&l);
	if (plan->model == PLAN_CLOSED) {
		plan_settle_closed(&l);
		plan_finish_closed(&l);
		return plan_scale(&l);
	}
	plan_settle_open(&l);
	/* The rate in force may have lost, or be a bad value that was reported. */
	if (!plan_has(&l, PLAN_SOURCE_RATE) || !plan->rate.den) {
		const struct key *key = keys_find(KEYS_RUN, "load", "rate");

		(void)keys_parse(key, key->fallback, &plan->rate, NULL);
	}
	r = plan_scale(&l);
	return r ? r : plan_finish_open(&l);
}
