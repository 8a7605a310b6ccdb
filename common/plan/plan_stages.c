/* SPDX-License-Identifier: Apache-2.0 */
/* Stages: read, written and summed up.
 *
 * A stage has one of a few forms, which are data: a word of a form is either that word or a
 * placeholder for a field of the stage. The kind is the first word that is not "warmup"; then the
 * rest is compared with one form, and the message can name it.
 *
 * Sums are integers, as in the schedule, so that `check` shows exactly the number that is sent: the
 * denominator of every rate divides 3600 * 10^6, and so does that of every level between two of
 * them. A rate counts in parts of 1 / (3600 * 10^6) per second, and a stage's arrivals in parts of
 * 1 / (3600 * 10^15); twice, because a ramp has the mean of its two rates. A root is needed only
 * where a count ends within a ramp; it is computed in long double. Pure. */
#include "common/plan/plan_stages.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"
#include "common/units.h"

#define PLAN_FORM_WORDS 9 /* number of words of the longest form */
#define PLAN_STAGE_TEXT_MAX 256
#define PLAN_BLANKS " \t"
#define PLAN_RATE_PARTS UINT64_C(3600000000)
#define PLAN_YEAR_NS (8760 * 3600 * NSEC_PER_SEC) /* as [load] duration */

/* Words that are placeholders for a field. */
#define PLAN_AT_RATE "RATE"
#define PLAN_AT_TO "TO"
#define PLAN_AT_BY "BY"
#define PLAN_AT_DURATION "DURATION"
#define PLAN_AT_EVERY "EVERY"

struct plan_form {
	enum plan_stage_kind kind;
	const char *words[PLAN_FORM_WORDS + 1]; /* ended by NULL */
};

static const struct plan_form plan_forms[] = {
	{PLAN_HOLD, {"hold", PLAN_AT_RATE, "for", PLAN_AT_DURATION}},
	{PLAN_RAMP, {"ramp", "from", PLAN_AT_RATE, "to", PLAN_AT_TO, "over", PLAN_AT_DURATION}},
	{PLAN_RAMP, {"ramp", "to", PLAN_AT_TO, "over", PLAN_AT_DURATION}},
	{PLAN_STEP, {"step", "from", PLAN_AT_RATE, "to", PLAN_AT_TO, "by", PLAN_AT_BY, "every",
			    PLAN_AT_EVERY}},
	{PLAN_PAUSE, {"pause", PLAN_AT_DURATION}},
};

/* The expected form, by kind. */
static const char *const plan_stage_how[] = {
	[PLAN_HOLD] = "hold RATE for TIME, as in hold 500 for 5m",
	[PLAN_RAMP] = "ramp from RATE to RATE over TIME, or ramp to RATE over TIME, as in ramp "
		      "from 50 to 500 over 30s",
	[PLAN_STEP] = "step from RATE to RATE by RATE every TIME, as in step from 100 to 500 by "
		      "100 every 1m",
	[PLAN_PAUSE] = "pause TIME, as in pause 10s",
};

/* ---- one stage ---- */

static plan_parts plan_rate_parts(struct rate rate)
{
	return rate.den ? (plan_parts)rate.num * PLAN_RATE_PARTS / rate.den : 0;
}

static bool plan_rate_is_less(struct rate a, struct rate b)
{
	return (plan_parts)a.num * b.den < (plan_parts)b.num * a.den;
}

static bool plan_stage_moves(const struct plan_stage *stage)
{
	return stage->kind == PLAN_RAMP || stage->kind == PLAN_STEP;
}

struct rate plan_stage_end(const struct plan_stage *stage)
{
	return plan_stage_moves(stage) ? stage->to : stage->rate;
}

struct rate plan_stage_peak(const struct plan_stage *stage)
{
	bool rises = plan_stage_moves(stage) && plan_rate_is_less(stage->rate, stage->to);

	return rises ? stage->to : stage->rate;
}

uint64_t plan_stage_levels(const struct plan_stage *stage)
{
	plan_parts from, to, way, by, n;

	if (stage->kind != PLAN_STEP)
		return 0;
	from = plan_rate_parts(stage->rate);
	to = plan_rate_parts(stage->to);
	by = plan_rate_parts(stage->by);
	way = from < to ? to - from : from - to;
	n = by ? (way + by - 1) / by + 1 : 1;
	return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

/* Twice the number of parts that each ns of a level adds. */
static plan_parts plan_level_parts_2(const struct plan_stage *stage, uint64_t i)
{
	plan_parts from = plan_rate_parts(stage->rate), to = plan_rate_parts(stage->to);
	plan_parts way = from < to ? to - from : from - to, by = plan_rate_parts(stage->by) * i;

	if (by >= way)
		return 2 * to;
	return 2 * (from < to ? from + by : from - by);
}

plan_parts plan_stage_parts_2(const struct plan_stage *stage)
{
	plan_parts from = plan_rate_parts(stage->rate), sum = 0;

	switch (stage->kind) {
	case PLAN_HOLD:
		return 2 * from * (uint64_t)stage->duration_ns;
	case PLAN_RAMP:
		return (from + plan_rate_parts(stage->to)) * (uint64_t)stage->duration_ns;
	case PLAN_STEP:
		for (uint64_t i = 0, n = plan_stage_levels(stage); i < n; i++)
			sum += plan_level_parts_2(stage, i) * (uint64_t)stage->every_ns;
		return sum;
	case PLAN_PAUSE:
		break;
	}
	return 0;
}

/* ---- reading ---- */

/* Cuts text into words; returns how many there are, at most n + 1. */
static size_t plan_split_words(char *text, char **words, size_t n)
{
	size_t i = 0;

	for (char *save, *w = strtok_r(text, PLAN_BLANKS, &save); w && i <= n;
		w = strtok_r(NULL, PLAN_BLANKS, &save)) {
		if (i < n)
			words[i] = w;
		i++;
	}
	return i;
}

static bool plan_is_field(const char *word)
{
	return word[0] >= 'A' && word[0] <= 'Z';
}

static const struct plan_form *plan_find_form(char *const *words, size_t n)
{
	for (size_t f = 0; f < sizeof(plan_forms) / sizeof(*plan_forms); f++) {
		const char *const *form = plan_forms[f].words;
		size_t i = 0;

		while (i < n && form[i] && (plan_is_field(form[i]) || str_eq(words[i], form[i])))
			i++;
		if (i == n && !form[i])
			return &plan_forms[f];
	}
	return NULL;
}

/* Reports that no form has these words. */
static int plan_refuse_stage(const char *value, const char *kind, struct err *reterr)
{
	for (size_t f = 0; kind && f < sizeof(plan_forms) / sizeof(*plan_forms); f++)
		if (str_eq(kind, plan_forms[f].words[0])) {
			err_set(reterr, "'%.60s' is not a stage: write %s", value,
				plan_stage_how[plan_forms[f].kind]);
			return -EINVAL;
		}
	err_set(reterr,
		"'%.60s' is not a stage: write hold RATE for TIME, ramp to RATE over TIME, step "
		"from RATE to RATE by RATE every TIME or pause TIME, as in hold 500 for 5m",
		value);
	return -EINVAL;
}

/* The limits are those of the short form of one stage, and 0 where a ramp begins or ends. */
static int plan_parse_stage_rate(
	const char *word, enum plan_stage_kind kind, struct rate *ret, struct err *reterr)
{
	struct key key = *keys_find(&plan_keys, "load", "rate");

	if (str_eq(word, key.word)) {
		err_set(reterr, "the rate of a stage is a number, 1/h to 10M/s, as in hold 500 for "
				"5m; max, "
				"as fast as the answers allow, is for a whole run: rate = max (-r "
				"max) with "
				"a duration");
		return -EINVAL;
	}
	if (!units_parse_rate(word, ret) && !ret->num) {
		if (kind == PLAN_RAMP)
			return 0;
		err_set(reterr,
			"a rate of 0 is where a ramp begins or ends, and nowhere else: write pause "
			"TIME, as in pause 10s");
		return -EINVAL;
	}
	key.word = NULL;
	return keys_parse(&key, word, ret, reterr);
}

static int plan_parse_field(
	const char *field, const char *word, struct plan_stage *stage, struct err *reterr)
{
	const struct key *duration = keys_find(&plan_keys, "load", "duration");

	if (str_eq(field, PLAN_AT_DURATION))
		return keys_parse(duration, word, &stage->duration_ns, reterr);
	if (str_eq(field, PLAN_AT_EVERY))
		return keys_parse(duration, word, &stage->every_ns, reterr);
	if (str_eq(field, PLAN_AT_TO))
		return plan_parse_stage_rate(word, stage->kind, &stage->to, reterr);
	if (str_eq(field, PLAN_AT_BY))
		return plan_parse_stage_rate(word, stage->kind, &stage->by, reterr);
	return plan_parse_stage_rate(word, stage->kind, &stage->rate, reterr);
}

/* Checks the words in combination. */
static int plan_check_fields(const char *value, struct plan_stage *stage, struct err *reterr)
{
	uint64_t n = plan_stage_levels(stage);

	if (stage->kind == PLAN_RAMP && stage->rate.den && !stage->rate.num && !stage->to.num) {
		err_set(reterr, "'%.60s' sends nothing: write pause TIME, as in pause 10s", value);
		return -EINVAL;
	}
	if (stage->kind != PLAN_STEP)
		return 0;
	if (n > PLAN_LEVELS_MAX) {
		err_set(reterr,
			"'%.60s' has %llu levels, and %d are the most: take a larger step, or a "
			"ramp",
			value, (unsigned long long)n, PLAN_LEVELS_MAX);
		return -EINVAL;
	}
	if (__builtin_mul_overflow(n, stage->every_ns, &stage->duration_ns) ||
		stage->duration_ns > PLAN_YEAR_NS) {
		err_set(reterr,
			"'%.60s' lasts longer than a year (8760h): it has %llu levels; take fewer "
			"or shorter ones",
			value, (unsigned long long)n);
		return -EINVAL;
	}
	return 0;
}

int plan_parse_stage(const char *value, struct plan_stage *ret, struct err *reterr)
{
	struct plan_stage stage = {.rate = {0, 1}, .to = {0, 1}, .by = {0, 1}};
	char text[PLAN_STAGE_TEXT_MAX], *all[PLAN_FORM_WORDS + 1], **words = all;
	size_t n = strlen(value);
	const struct plan_form *form;
	int r = 0;

	if (n >= sizeof(text)) /* all valid stages are shorter */
		return plan_refuse_stage(value, NULL, reterr);
	memcpy(text, value, n + 1);
	n = plan_split_words(text, all, PLAN_FORM_WORDS + 1);
	if (n && str_eq(all[0], "warmup")) {
		stage.is_warmup = true;
		words++;
		n--;
	}
	form = n <= PLAN_FORM_WORDS ? plan_find_form(words, n) : NULL;
	if (!form)
		return plan_refuse_stage(value, n ? words[0] : NULL, reterr);
	stage.kind = form->kind;
	if (stage.kind == PLAN_RAMP)
		stage.rate.den = 0; /* not given yet */
	for (size_t i = 0; i < n && !r; i++)
		if (plan_is_field(form->words[i]))
			r = plan_parse_field(form->words[i], words[i], &stage, reterr);
	if (!r)
		r = plan_check_fields(value, &stage, reterr);
	if (!r)
		*ret = stage;
	return r;
}

/* ---- writing ---- */

int plan_format_stage(const struct plan_stage *stage, char **ret)
{
	const char *lead = stage->is_warmup ? "warmup " : "";
	char rate[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX], by[UNITS_TEXT_MAX], time[UNITS_TEXT_MAX];
	int n = -1;

	units_format_rate(stage->rate, rate, sizeof(rate));
	units_format_rate(stage->to, to, sizeof(to));
	units_format_rate(stage->by, by, sizeof(by));
	units_format_time(stage->kind == PLAN_STEP ? stage->every_ns : stage->duration_ns, time,
		sizeof(time));
	switch (stage->kind) {
	case PLAN_HOLD:
		n = asprintf(ret, "%shold %s for %s", lead, rate, time);
		break;
	case PLAN_RAMP:
		n = asprintf(ret, "%sramp from %s to %s over %s", lead, rate, to, time);
		break;
	case PLAN_STEP:
		n = asprintf(ret, "%sstep from %s to %s by %s every %s", lead, rate, to, by, time);
		break;
	case PLAN_PAUSE:
		n = asprintf(ret, "%spause %s", lead, time);
		break;
	}
	return n == -1 ? -ENOMEM : 0;
}

void plan_format_step(
	const struct plan_stage *stage, uint64_t i, uint64_t n, char *text, size_t size)
{
	struct rate rate = {(uint64_t)(plan_level_parts_2(stage, i) / 2), PLAN_RATE_PARTS};
	char level[UNITS_TEXT_MAX], time[UNITS_TEXT_MAX];

	units_format_rate(rate, level, sizeof(level));
	units_format_time(stage->every_ns, time, sizeof(time));
	(void)snprintf(text, size, "hold %s for %s (step %" PRIu64 " of %" PRIu64 ")", level, time,
		i + 1, n);
}

/* ---- all of them ---- */

static size_t plan_rows_with_steps(const struct plan_stage *stage)
{
	uint64_t n = plan_stage_levels(stage);

	return n > 0 && n < SIZE_MAX ? (size_t)n : 1;
}

/* Each step counts as a row. */
static bool plan_has_step_rows(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_stages && n <= PLAN_STEP_ROWS_MAX; i++)
		n += plan_rows_with_steps(&p->stages[i]);
	return n <= PLAN_STEP_ROWS_MAX;
}

size_t plan_stage_rows(const struct plan *p, size_t i)
{
	return plan_has_step_rows(p) ? plan_rows_with_steps(&p->stages[i]) : 1;
}

size_t plan_n_rows(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_stages; i++)
		n += plan_stage_rows(p, i);
	return n > 1 ? n : 0;
}

struct rate plan_peak_rate(const struct plan *p)
{
	struct rate peak = {0, 1};

	for (size_t i = 0; i < p->n_stages; i++) {
		struct rate rate = plan_stage_peak(&p->stages[i]);

		if (plan_rate_is_less(peak, rate))
			peak = rate;
	}
	return peak;
}

double plan_own_peak_per_s(const struct plan *p)
{
	return rate_per_s(plan_peak_rate(p)) / plan_n_slices(p);
}

int64_t plan_stages_duration(const struct plan *p, bool is_warmup)
{
	int64_t sum = 0;

	for (size_t i = 0; i < p->n_stages; i++)
		if (p->stages[i].is_warmup == is_warmup &&
			__builtin_add_overflow(sum, p->stages[i].duration_ns, &sum))
			return INT64_MAX;
	return sum;
}

int64_t plan_warmup_ns(const struct plan *p)
{
	return p->warmup_ns + plan_stages_duration(p, true);
}

plan_parts plan_window_parts_2(const struct plan *p)
{
	plan_parts sum = 0;

	for (size_t i = 0; i < p->n_stages; i++)
		if (!p->stages[i].is_warmup)
			sum += plan_stage_parts_2(&p->stages[i]);
	return sum;
}

uint64_t plan_parts_whole(plan_parts parts_2)
{
	return (uint64_t)((parts_2 + PLAN_ARRIVAL_PARTS) / 2 / PLAN_ARRIVAL_PARTS);
}

uint64_t plan_count(const struct plan *p)
{
	return p->n_arrivals ? p->n_arrivals : plan_parts_whole(plan_window_parts_2(p));
}

uint64_t plan_outside_count(const struct plan *p)
{
	plan_parts before = 0, after = 0;

	if (!p->n_stages)
		return 0;
	before = 2 * plan_rate_parts(p->stages[0].rate) * (uint64_t)p->warmup_ns;
	for (size_t i = 0; i < p->n_stages; i++)
		if (p->stages[i].is_warmup)
			before += plan_stage_parts_2(&p->stages[i]);
	after = 2 * plan_rate_parts(plan_stage_end(&p->stages[p->n_stages - 1])) *
		(uint64_t)p->cooldown_ns;
	return plan_parts_whole(before) + plan_parts_whole(after);
}

/* The time that a steady rate takes for this many parts. */
static int64_t plan_hold_until(plan_parts parts_2, plan_parts each_ns_2)
{
	plan_parts ns = (parts_2 + each_ns_2 - 1) / each_ns_2;

	return ns > (plan_parts)INT64_MAX ? INT64_MAX : (int64_t)ns;
}

/* t = n / (r0 + sqrt(r0^2 + a n)) for twice the arrivals n, measurement page A.3. */
static int64_t plan_ramp_until(const struct plan_stage *stage, plan_parts parts_2)
{
	long double from = plan_rate_parts(stage->rate), to = plan_rate_parts(stage->to);
	long double square = from * from + (to - from) / stage->duration_ns * parts_2;
	long double sum = from + sqrtl(square > 0 ? square : 0);
	long double ns = sum > 0 ? ceill(parts_2 / sum) : 0;

	return ns < stage->duration_ns ? (int64_t)ns : stage->duration_ns;
}

/* The time until the stage has made this many parts; it makes at least so many. */
static int64_t plan_stage_until(const struct plan_stage *stage, plan_parts parts_2)
{
	int64_t ns = 0;

	if (stage->kind == PLAN_HOLD)
		return plan_hold_until(parts_2, 2 * plan_rate_parts(stage->rate));
	if (stage->kind == PLAN_RAMP)
		return plan_ramp_until(stage, parts_2);
	for (uint64_t i = 0, n = plan_stage_levels(stage); i < n; i++) {
		plan_parts each = plan_level_parts_2(stage, i);

		if (each * (uint64_t)stage->every_ns >= parts_2)
			return ns + plan_hold_until(parts_2, each);
		parts_2 -= each * (uint64_t)stage->every_ns;
		ns += stage->every_ns;
	}
	return ns;
}

int plan_window_until(const struct plan *p, uint64_t n, int64_t *ret_ns)
{
	plan_parts left = (plan_parts)2 * n * PLAN_ARRIVAL_PARTS;
	int64_t ns = 0, rest;

	for (size_t i = 0; i < p->n_stages && left; i++) {
		const struct plan_stage *stage = &p->stages[i];
		plan_parts made = stage->is_warmup ? 0 : plan_stage_parts_2(stage);

		if (stage->is_warmup)
			continue;
		rest = made >= left ? plan_stage_until(stage, left) : stage->duration_ns;
		if (__builtin_add_overflow(ns, rest, &ns))
			ns = INT64_MAX;
		left -= made >= left ? left : made;
	}
	if (left) {
		struct rate end = plan_stage_end(&p->stages[p->n_stages - 1]);

		if (!end.num)
			return -ERANGE;
		rest = plan_hold_until(left, 2 * plan_rate_parts(end));
		if (__builtin_add_overflow(ns, rest, &ns))
			ns = INT64_MAX;
	}
	*ret_ns = ns;
	return 0;
}

/* ---- into the plan ---- */

int plan_add_stage(struct plan *p, const struct plan_stage *stage, const char *text)
{
	char **texts;
	struct plan_stage *stages;

	texts = reallocarray(p->stage_texts, p->n_stages + 1, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	p->stage_texts = texts;
	stages = reallocarray(p->stages, p->n_stages + 1, sizeof(*stages));
	if (!stages)
		return -ENOMEM;
	p->stages = stages;
	texts[p->n_stages] = NULL;
	if (text)
		texts[p->n_stages] = strdup(text);
	else
		(void)plan_format_stage(stage, &texts[p->n_stages]);
	if (!texts[p->n_stages])
		return -ENOMEM;
	stages[p->n_stages++] = *stage;
	return 0;
}

/* The final rate of the last stage that was not a pause. */
static struct rate plan_last_rate(const struct plan *p)
{
	for (size_t i = p->n_stages; i-- > 0;)
		if (p->stages[i].kind != PLAN_PAUSE)
			return plan_stage_end(&p->stages[i]);
	return (struct rate){0, 1};
}

int plan_read_stage(const char *value, void *field, struct err *reterr)
{
	struct plan *p = field;
	struct plan_stage stage;
	int r = plan_parse_stage(value, &stage, reterr);

	if (r || !p)
		return r;
	if (p->n_stages == PLAN_STAGES_MAX) {
		err_set(reterr,
			"more than %d stages: steps from RATE to RATE joins several into one",
			PLAN_STAGES_MAX);
		return -EINVAL;
	}
	if (!stage.rate.den)
		stage.rate = plan_last_rate(p);
	return plan_add_stage(p, &stage, value);
}

void plan_clear_stages(void *field)
{
	struct plan *p = field;

	for (size_t i = 0; i < p->n_stages; i++)
		free(p->stage_texts[i]);
	free(p->stage_texts);
	free(p->stages);
	p->stage_texts = NULL;
	p->stages = NULL;
	p->n_stages = 0;
}

int plan_write_stage(struct plan *p, size_t i)
{
	char *text;
	int r = plan_format_stage(&p->stages[i], &text);

	if (r)
		return r;
	free(p->stage_texts[i]);
	p->stage_texts[i] = text;
	return 0;
}

struct plan_stage *plan_only_measured(const struct plan *p)
{
	struct plan_stage *only = NULL;

	for (size_t i = 0; i < p->n_stages; i++) {
		if (p->stages[i].is_warmup)
			continue;
		if (only)
			return NULL;
		only = &p->stages[i];
	}
	return only;
}

int plan_stretch(struct plan *p, int64_t duration_ns)
{
	struct plan_stage *only = plan_only_measured(p);

	if (!only || only->duration_ns == duration_ns)
		return 0;
	only->duration_ns = duration_ns;
	return plan_write_stage(p, (size_t)(only - p->stages));
}

const char *plan_stage_trouble(const struct plan *p, size_t i)
{
	const struct plan_stage *stage = &p->stages[i];

	if (stage->is_warmup && i && !stage[-1].is_warmup)
		return "a warm-up stage must come before the measured ones: move it up, or leave "
		       "out warmup";
	if (stage->kind == PLAN_RAMP && !stage->rate.num && !stage->to.num)
		return "this ramp begins and ends at 0: write the rate it begins with, as in ramp "
		       "from 500 to 0 over 30s";
	if (i + 1 == p->n_stages && !plan_window_parts_2(p))
		return "no stage is measured and sends anything: add one, as in stage = hold 500 "
		       "for 5m";
	return NULL;
}
