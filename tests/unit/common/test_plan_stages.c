/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of stages, of the spacing of arrivals and of pacing: what is taken, what it comes to,
 * and what is refused with which words. That the schedule makes the same of it is in
 * tests/unit/engine/test_schedule_plan.c. */
#include "common/plan/plan_stages.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

#define SEC NSEC_PER_SEC
#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

/* ---- one stage ---- */

static const struct {
	const char *text;
	struct plan_stage want;
	uint64_t n_levels;
	const char *again; /* as it is written; NULL: as text */
} good_stages[] = {
	{"hold 500/s for 5m", {.kind = PLAN_HOLD, .rate = {500, 1}, .duration_ns = 300 * SEC}, 0,
		NULL},
	{"warmup hold 5/m for 1m30s",
		{.kind = PLAN_HOLD, .rate = {1, 12}, .duration_ns = 90 * SEC, .is_warmup = true}, 0,
		NULL},
	{"ramp from 50/s to 500/s over 30s",
		{.kind = PLAN_RAMP, .rate = {50, 1}, .to = {500, 1}, .duration_ns = 30 * SEC}, 0,
		NULL},
	{"ramp from 0/s to 1k over 10s",
		{.kind = PLAN_RAMP, .rate = {0, 1}, .to = {1000, 1}, .duration_ns = 10 * SEC}, 0,
		"ramp from 0/s to 1000/s over 10s"},
	{"warmup ramp from 0.5 to 0 over 1ms",
		{.kind = PLAN_RAMP,
			.rate = {1, 2},
			.to = {0, 1},
			.duration_ns = SEC / 1000,
			.is_warmup = true},
		0, "warmup ramp from 0.5/s to 0/s over 1ms"},
	/* Where it begins is not said. */
	{"ramp to 500 over 30s",
		{.kind = PLAN_RAMP, .rate = {0, 0}, .to = {500, 1}, .duration_ns = 30 * SEC}, 0,
		"ramp from max to 500/s over 30s"},
	{"step from 100/s to 500/s by 100/s every 1m",
		{.kind = PLAN_STEP,
			.rate = {100, 1},
			.to = {500, 1},
			.by = {100, 1},
			.every_ns = 60 * SEC,
			.duration_ns = 300 * SEC},
		5, NULL},
	/* The last one is not whole. */
	{"step from 500/s to 100/s by 150/s every 1s",
		{.kind = PLAN_STEP,
			.rate = {500, 1},
			.to = {100, 1},
			.by = {150, 1},
			.every_ns = SEC,
			.duration_ns = 4 * SEC},
		4, NULL},
	{"step from 1/m to 2/m by 0.3/m every 1h",
		{.kind = PLAN_STEP,
			.rate = {1, 60},
			.to = {1, 30},
			.by = {1, 200},
			.every_ns = 3600 * SEC,
			.duration_ns = 18000 * SEC},
		5, "step from 1/m to 2/m by 0.005/s every 1h"},
	{"step from 7/s to 7/s by 1/s every 1s",
		{.kind = PLAN_STEP,
			.rate = {7, 1},
			.to = {7, 1},
			.by = {1, 1},
			.every_ns = SEC,
			.duration_ns = SEC},
		1, NULL},
	{"step from 1/s to 2/s by 10M every 1s",
		{.kind = PLAN_STEP,
			.rate = {1, 1},
			.to = {2, 1},
			.by = {10000000, 1},
			.every_ns = SEC,
			.duration_ns = 2 * SEC},
		2, "step from 1/s to 2/s by 10000000/s every 1s"},
	{"step from 1/s to 10000/s by 1/s every 1ms",
		{.kind = PLAN_STEP,
			.rate = {1, 1},
			.to = {10000, 1},
			.by = {1, 1},
			.every_ns = SEC / 1000,
			.duration_ns = 10 * SEC},
		10000, NULL},
	{"pause 10s", {.kind = PLAN_PAUSE, .rate = {0, 1}, .duration_ns = 10 * SEC}, 0, NULL},
	{"warmup\tpause  \t1h",
		{.kind = PLAN_PAUSE, .rate = {0, 1}, .duration_ns = 3600 * SEC, .is_warmup = true},
		0, "warmup pause 1h"},
};

static void expect_same_rate(struct rate got, struct rate want)
{
	if (!want.den && !want.num) /* not said in the table */
		want.den = got.den ? 1 : 0;
	ck_assert_uint_eq(got.num, want.num);
	ck_assert_uint_eq(got.den, want.den);
}

START_TEST(good_stage)
{
	const struct plan_stage *want = &good_stages[_i].want;
	struct plan_stage got = {0};
	struct err err = {0};
	char *text = NULL;

	ck_assert_msg(plan_parse_stage(good_stages[_i].text, &got, &err) == 0, "%s", err.text);
	ck_assert_int_eq(got.kind, want->kind);
	expect_same_rate(got.rate, want->rate);
	expect_same_rate(got.to, want->to);
	expect_same_rate(got.by, want->by);
	ck_assert_int_eq(got.duration_ns, want->duration_ns);
	ck_assert_int_eq(got.every_ns, want->every_ns);
	ck_assert(got.is_warmup == want->is_warmup);
	ck_assert_uint_eq(plan_stage_levels(&got), good_stages[_i].n_levels);
	ck_assert_int_eq(plan_format_stage(&got, &text), 0);
	ck_assert_str_eq(
		text, good_stages[_i].again ? good_stages[_i].again : good_stages[_i].text);
	free(text);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad_stages[] = {
	{"", "'' is not a stage: write hold RATE for TIME, ramp to RATE over TIME, step from"},
	{"warmup", "is not a stage: write hold RATE for TIME, ramp"},
	{"warm-up hold 5 for 5s", "or pause TIME, as in hold 500 for 5m"},
	{"warmup warmup hold 5 for 5s", "is not a stage: write hold RATE for TIME, ramp"},
	{"hold 5 5s", "'hold 5 5s' is not a stage: write hold RATE for TIME, as in hold 500"},
	{"hold max for 5s",
		"the rate of a stage is a number, 1/h to 10M/s, as in hold 500 for 5m; max, "
		"as fast as the answers allow, is for a whole run: rate = max"},
	{"hold 5 for max", "'max' is not a "},
	{"step from 1 to 5 by max every 1s", "the rate of a stage is a number"},
	{"hold 5 for 5s now", "write hold RATE for TIME, as in"},
	{"hold 0 for 5s", "a rate of 0 is where a ramp begins or ends, and nowhere else: write "
			  "pause TIME"},
	{"hold 0/s for 5s", "write pause TIME, as in pause 10s"},
	{"hold 5ms for 5s", "'5ms' has a unit that is not known here: write a number and /s"},
	{"hold 0.5/h for 5s", "'0.5/h' is out of range: 1/h..10M/s"},
	{"hold 5 for 0", "'0' is out of range: 1ms..8760h"},
	{"ramp", "'ramp' is not a stage: write ramp from RATE to RATE over TIME, or ramp to"},
	{"ramp from 1 to 2 for 3s", "as in ramp from 50 to 500 over 30s"},
	{"ramp from 1 over 3s", "write ramp from RATE to RATE over TIME"},
	{"ramp to 2 from 1 over 3s", "write ramp from RATE to RATE over TIME"},
	{"ramp to max over 3s", "the rate of a stage is a number"},
	{"ramp from 1 to 11M over 3s", "'11M' is too large"},
	{"ramp from 0 to 0 over 3s", "sends nothing: write pause TIME"},
	{"ramp from 1 to 2 over 3", "'3' has no unit"},
	{"step from 1 to 2 every 1s", "write step from RATE to RATE by RATE every TIME, as in"},
	{"step from 1 to 2 by 1 for 1s", "as in step from 100 to 500 by 100 every 1m"},
	{"step 1 to 2 by 1 every 1s", "as in step from 100 to 500 by 100 every 1m"},
	{"step from 0 to 2 by 1 every 1s", "a rate of 0 is where a ramp begins"},
	{"step from 2 to 0 by 1 every 1s", "a rate of 0 is where a ramp begins"},
	{"step from 1 to 2 by 0 every 1s", "a rate of 0 is where a ramp begins"},
	{"step from 1 to 2 by -1 every 1s", "'-1' is out of range"},
	{"step from 1 to 10001 by 1 every 1s", "has 10001 levels, and 10000 are the most: take a"},
	{"step from 1/h to 10M by 1/h every 1s", "levels, and 10000 are the most"},
	{"step from 1 to 3 by 1 every 8000h",
		"longer than a year (8760h): it has 3 levels; take fewer or "
		"shorter ones"},
	{"step from 1 to 10000 by 1 every 8760h", "lasts longer than a year"},
	{"pause", "'pause' is not a stage: write pause TIME, as in pause 10s"},
	{"pause for 10s", "write pause TIME, as in pause 10s"},
	{"pause 10", "'10' has no unit"},
	{"pause 0", "'0' is out of range"},
};

START_TEST(bad_stage)
{
	struct plan_stage got = {.duration_ns = 7};
	struct err err = {0};
	char text[256];

	ck_assert_int_eq(plan_parse_stage(bad_stages[_i].text, &got, &err), -EINVAL);
	ck_assert_int_eq(got.duration_ns, 7);
	ck_assert_msg(strstr(err.text, bad_stages[_i].why), "'%s' is not in: %s",
		bad_stages[_i].why, err.text);
	/* The reader of run files knows its line. */
	(void)snprintf(text, sizeof(text), CONF_TARGET "[load]\nstage = %s\n", bad_stages[_i].text);
	CONF_EXPECT(text, "f.ini:4: stage: ");
}
END_TEST

START_TEST(a_stage_has_a_length_that_text_can_have)
{
	struct plan_stage got;
	char text[600];

	memset(text, ' ', sizeof(text));
	memcpy(text, "pause", strlen("pause"));
	memcpy(text + 250, "10s", sizeof("10s"));
	ck_assert_int_eq(plan_parse_stage(text, &got, NULL), 0);
	ck_assert_int_eq(got.duration_ns, 10 * SEC);
	memset(text, ' ', sizeof(text));
	memcpy(text, "pause", strlen("pause"));
	memcpy(text + 500, "10s", sizeof("10s"));
	ck_assert_int_eq(plan_parse_stage(text, &got, NULL), -EINVAL);
}
END_TEST

/* ---- stages together ---- */

static const struct {
	const char *text; /* in [load] */
	const char *stages;
	uint64_t n, outside;
	int64_t warmup_ns, window_ns;
	uint64_t peak;
} plans[] = {
	/* T15: 5,000 requests. */
	{"stage = ramp to 1000 over 10s", "ramp from 0/s to 1000/s over 10s", 5000, 0, 0, 10 * SEC,
		1000},
	{"stage = hold 50 for 10s\nstage = ramp to 500 over 30s\nstage = ramp to 0 over 10s",
		"hold 50/s for 10s|ramp from 50/s to 500/s over 30s|ramp from 500/s to 0/s over "
		"10s",
		500 + 8250 + 2500, 0, 0, 50 * SEC, 500},
	/* After a pause: from the stage before it. */
	{"stage = hold 50 for 1s\nstage = pause 5s\nstage = pause 1s\nstage = ramp to 70 over 1s",
		"hold 50/s for 1s|pause 5s|pause 1s|ramp from 50/s to 70/s over 1s", 110, 0, 0,
		8 * SEC, 70},
	{"stage = pause 5s\nstage = ramp to 70 over 1s", "pause 5s|ramp from 0/s to 70/s over 1s",
		35, 0, 0, 6 * SEC, 70},
	/* After steps: from their last level. */
	{"stage = step from 100 to 500 by 150 every 1s\nstage = ramp to 100 over 2s",
		"step from 100/s to 500/s by 150/s every 1s|ramp from 500/s to 100/s over 2s",
		1250 + 600, 0, 0, 6 * SEC, 500},
	{"stage = step from 500 to 100 by 150 every 2s",
		"step from 500/s to 100/s by 150/s every 2s", 2 * (500 + 350 + 200 + 100), 0, 0,
		8 * SEC, 500},
	/* Warm-up is no part of the window, but may be the fastest. */
	{"stage = warmup ramp to 900 over 2s\nstage = warmup pause 1s\nstage = hold 5 for 2s",
		"warmup ramp from 0/s to 900/s over 2s|warmup pause 1s|hold 5/s for 2s", 10, 900,
		3 * SEC, 2 * SEC, 900},
	/* The keys are before the first and after the last. */
	{"warmup = 3s\ncooldown = 5s\nstage = warmup hold 10 for 1s\nstage = ramp to 20 over 2s",
		"warmup hold 10/s for 1s|ramp from 10/s to 20/s over 2s", 30, 40 + 100, 4 * SEC,
		2 * SEC, 20},
	/* Fractions carry over, and the sum is rounded half up. */
	{"stage = hold 0.25 for 1s\nstage = hold 0.25 for 1s\nstage = hold 1 for 1s", NULL, 2, 0, 0,
		3 * SEC, 1},
	{"stage = ramp from 0 to 1 over 1001ms", NULL, 1, 0, 0, SEC + SEC / 1000, 1},
	/* A count: earlier, or later, at the rate of the end. */
	{"requests = 1250\nstage = ramp to 1000 over 10s", "ramp from 0/s to 1000/s over 10s", 1250,
		0, 0, 5 * SEC, 1000},
	{"requests = 6000\nstage = ramp to 1000 over 10s", "ramp from 0/s to 1000/s over 10s", 6000,
		0, 0, 11 * SEC, 1000},
	{"requests = 450\nstage = step from 100 to 300 by 100 every 1s", NULL, 450, 0, 0,
		2 * SEC + SEC / 2, 300},
	{"requests = 900\nstage = step from 100 to 300 by 100 every 1s", NULL, 900, 0, 0, 4 * SEC,
		300},
	{"requests = 25\nstage = hold 10 for 1s\nstage = pause 1s\nstage = hold 10 for 1s", NULL,
		25, 0, 0, 3 * SEC + SEC / 2, 10},
	{"requests = 10\nstage = hold 10 for 1s\nstage = pause 1s", NULL, 10, 0, 0, SEC, 10},
	{"requests = 5000\nstage = ramp from 1000 to 0 over 10s", NULL, 5000, 0, 0, 10 * SEC, 1000},
	{"requests = 100\nstage = warmup hold 90 for 1s\nstage = hold 10 for 1s",
		"warmup hold 90/s for 1s|hold 10/s for 10s", 100, 90, SEC, 10 * SEC, 90},
	/* The scale is of every rate. */
	{"scale = x0.1\nstage = warmup hold 10 for 1s\nstage = ramp from 0 to 500 over 2s\n"
	 "stage = pause 1s\nstage = step from 100 to 500 by 150 every 1s\n",
		"warmup hold 1/s for 1s|ramp from 0/s to 50/s over 2s|pause 1s|"
		"step from 10/s to 50/s by 15/s every 1s",
		50 + 125, 1, SEC, 7 * SEC, 50},
};

/* Each stage as it is written again. */
static void expect_stages(const struct plan *p, const char *want)
{
	struct buf got = {0};

	for (size_t i = 0; i < p->n_stages; i++) {
		char *text = NULL;

		ck_assert_int_eq(plan_format_stage(&p->stages[i], &text), 0);
		ck_assert_int_eq(buf_printf(&got, "%s%s", i ? "|" : "", text), 0);
		free(text);
		ck_assert_ptr_nonnull(p->stage_texts[i]);
	}
	ck_assert_str_eq(got.data, want);
	buf_fini(&got);
}

START_TEST(a_plan_of_stages)
{
	char text[512];
	struct plan *p;

	(void)snprintf(text, sizeof(text), CONF_TARGET "[load]\n%s\n", plans[_i].text);
	p = conf_plan(text);
	if (plans[_i].stages)
		expect_stages(p, plans[_i].stages);
	ck_assert_uint_eq(plan_count(p), plans[_i].n);
	ck_assert_uint_eq(plan_outside_count(p), plans[_i].outside);
	ck_assert_int_eq(plan_warmup_ns(p), plans[_i].warmup_ns);
	ck_assert_int_eq(p->duration_ns, plans[_i].window_ns);
	conf_expect_rate(plan_peak_rate(p), plans[_i].peak, 1);
	plan_free(p);
}
END_TEST

START_TEST(sums_stay_exact_for_a_year)
{
	struct plan *p = conf_plan(CONF_TARGET "[load]\nstage = ramp from 9999999 to 9999998 over "
					       "8759h\nstage = hold 1/h for 1h\n");

	/* 9999998.5 x 31532400 + 1: no double has that. */
	ck_assert_uint_eq(plan_count(p), UINT64_C(315323952701401));
	plan_free(p);
	p = conf_plan(CONF_TARGET "[load]\nstage = hold 0.333333 for 8760h\n");
	/* 10511989.488, in a binary fraction or not. */
	ck_assert_uint_eq(plan_count(p), 10511989);
	plan_free(p);
}
END_TEST

START_TEST(stages_that_do_not_go_together)
{
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 5 for 1s\nstage = warmup hold 5 for 1s\n",
		"f.ini:5: a warm-up stage must come before the measured ones: move it up");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = pause 1s\nstage = pause 2s\n",
		"f.ini:5: no stage is measured and sends anything: add one, as in stage = hold");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = warmup hold 5 for 9s\n",
		"f.ini:4: no stage is measured and sends anything");
	CONF_EXPECT(CONF_TARGET "[load]\nrequests = 5\nstage = warmup hold 5 for 9s\n",
		"f.ini:5: no stage is measured and sends anything");
	CONF_EXPECT(CONF_TARGET "[load]\nrequests = 5\nstage = pause 9s\n",
		"f.ini:5: no stage is measured and sends anything");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 5 for 1s\nstage = ramp to 0 over 1s\n"
				"stage = pause 1s\nstage = ramp to 0 over 1s\n",
		"f.ini:7: this ramp begins and ends at 0: write the rate it begins with");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = ramp to 1 over 1s\n",
		"f.ini:4: the plan is too short for one request at this rate: lengthen it, or "
		"raise the rate");
	CONF_EXPECT(CONF_TARGET
		"[load]\nstage = step from 1 to 6000 by 1 every 1ms\n"
		"stage = step from 1 to 6000 by 1 every 1ms\nstage = hold 1 for 1s\n",
		"f.ini:5: more than 10000 levels in all steps together");
	CONF_EXPECT(CONF_TARGET
		"[load]\nstage = warmup hold 5 for 8000h\nstage = hold 5 for 8000h\n",
		"f.ini:5: the plan lasts longer than a year (8760h): shorten it");
	/* Of stages that are no stages nothing follows. */
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 5 for\nstage = pause 1s\n",
		"f.ini:4: stage: 'hold 5 for' is not a stage");
}
END_TEST

START_TEST(a_count_that_is_never_reached)
{
	CONF_EXPECT(CONF_TARGET "[load]\nrequests = 5001\nstage = ramp from 1000 to 0 over 10s\n",
		"f.ini:4: the stages end at rate 0 before they have made so many requests: ask");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 10 for 1s\nstage = pause 1s\nrequests = 11\n",
		"f.ini:6: the stages end at rate 0 before");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 1/h for 1s\nstage = hold 2/h for 1s\n"
				"requests = 1000000\n",
		"f.ini:6: the plan lasts longer than a year");
}
END_TEST

static const struct {
	const char *text; /* in [load] */
	const char *stages;
	const char *why; /* of a problem */
} durations[] = {
	{"stage = ramp to 10 over 5s", "ramp from 0/s to 10/s over 20s", NULL},
	{"stage = warmup hold 1 for 3s\nstage = hold 10 for 5s",
		"warmup hold 1/s for 3s|hold 10/s for 20s", NULL},
	{"stage = step from 1 to 3 by 1 every 1s", NULL,
		"-d: duration contradicts the steps, which say how long they are"},
	{"stage = hold 1 for 3s\nstage = ramp to 10 over 5s", NULL,
		"-d: duration contradicts the 2 stages"},
	{"stage = hold 1 for 3s\nstage = pause 5s", NULL, "-d: duration contradicts the 2 stages"},
};

/* -d 20s */
START_TEST(a_flag_gives_one_stage_another_length)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;
	char text[256];

	(void)snprintf(text, sizeof(text), CONF_TARGET "[load]\n%s\n", durations[_i].text);
	conf_read(&d, "f.ini", text);
	conf_set(&d, "-d", "load", "duration", "20s");
	if (durations[_i].why) {
		ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
		conf_expect(&d, (const char *const[]){durations[_i].why, NULL});
	} else {
		p = conf_build(&d, "f", "", NULL, 0);
		expect_stages(p, durations[_i].stages);
		/* What the result shows is what is done. */
		ck_assert_ptr_nonnull(strstr(p->stage_texts[p->n_stages - 1], "20s"));
		ck_assert_int_eq(p->duration_ns, 20 * SEC);
		plan_free(p);
	}
	conf_fini(&d);
}
END_TEST

START_TEST(other_flags_over_stages)
{
	static const char text[] = CONF_TARGET "[load]\nstage = warmup hold 1 for 3s\nstage = ramp "
					       "to 10 over 5s\nstage = pause 2s\n"
					       "stage = step from 10 to 30 by 10 every 1s\n";
	struct conf_doc d = {0};
	struct plan *p;

	/* -r 70: as long as what was measured. */
	conf_read(&d, "f.ini", text);
	conf_set(&d, "-r", "load", "rate", "70");
	p = conf_build(&d, "f", text, NULL, 0);
	expect_stages(p, "hold 70/s for 10s");
	plan_free(p);
	conf_fini(&d);
	d = (struct conf_doc){0};
	/* -n 40: 27.5 up to the steps, 10 in the first, 2.5 of the second. */
	conf_read(&d, "f.ini", text);
	conf_set(&d, "-n", "load", "requests", "40");
	p = conf_build(&d, "f", text, NULL, 0);
	ck_assert_uint_eq(p->n_stages, 4);
	ck_assert_int_eq(p->duration_ns, 8 * SEC + SEC / 8);
	plan_free(p);
	conf_fini(&d);
	/* Stages of an overlay take the place of all others. */
	d = (struct conf_doc){0};
	conf_read(&d, "f.ini", text);
	conf_read(&d, "o.ini", "[load]\nstage = ramp to 4 over 1s\n");
	p = conf_build(&d, "f", text, NULL, 0);
	expect_stages(p, "ramp from 0/s to 4/s over 1s");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* ---- how arrivals are spaced and met ---- */

static const struct {
	const char *text;
	enum plan_arrivals arrivals;
	double jitter;
} spacings[] = {
	{"", PLAN_CONSTANT, 0},
	{"arrivals = constant", PLAN_CONSTANT, 0},
	{"arrivals = poisson", PLAN_POISSON, 0},
	{"arrivals = jitter:0.3", PLAN_JITTER, 0.3},
	{"arrivals = jitter:30%", PLAN_JITTER, 0.3},
	{"arrivals = jitter:0", PLAN_JITTER, 0},
	{"arrivals = jitter:1", PLAN_JITTER, 1},
	{"arrivals = jitter:100%", PLAN_JITTER, 1},
};

START_TEST(spacing)
{
	char text[256];
	struct plan *p;

	(void)snprintf(text, sizeof(text), CONF_TARGET "[load]\n%s\n", spacings[_i].text);
	p = conf_plan(text);
	ck_assert_uint_eq(p->arrivals, spacings[_i].arrivals);
	ck_assert_double_eq(p->jitter, spacings[_i].jitter);
	plan_free(p);
}
END_TEST

static const char *const bad_keys[][2] = {
	{"[load]\narrivals = Poisson", "arrivals: 'Poisson' is not a known value: write constant"},
	{"[load]\narrivals =", "arrivals: '' is not a known value"},
	{"[load]\narrivals = jitter",
		"arrivals: 'jitter' is not a jitter: write a share of the gap"},
	{"[load]\narrivals = jitter:", "as in jitter:0.3"},
	{"[load]\narrivals = jitter:1.1", "as in jitter:0.3"},
	{"[load]\narrivals = jitter:-0.1", "as in jitter:0.3"},
	{"[load]\narrivals = jitter:101%", "as in jitter:0.3"},
	{"[load]\narrivals = jitter:0.3/s", "as in jitter:0.3"},
	{"[load]\narrivals = jitter:1/m", "as in jitter:0.3"},
	{"[load]\narrivals = jitter:0.0000001", "as in jitter:0.3"},
	{"[load]\narrivals = jitter 0.3", "as in jitter:0.3"},
	{"[pacing]\nmode = busy", "mode: 'busy' is not a known value: write one of timer, hybrid"},
	{"[pacing]\ngap = 11ms", "gap: '11ms' is not a gap: write auto, or 0 to 10ms, as in 50us"},
	{"[pacing]\ngap = 50", "is not a gap"},
	{"[pacing]\ngap = -1us", "is not a gap"},
	{"[pacing]\ngap =", "is not a gap"},
	{"[pacing]\nspin = 2ms", "spin: '2ms' is out of range: 0..1ms"},
	{"[timeouts]\nmode = firm", "mode: 'firm' is not a known value: write one of hard, soft"},
	{"[statistics]\nconfidence = 49", "confidence: '49' is out of range: 50..99"},
	{"[statistics]\nconfidence = 100", "confidence: '100' is out of range: 50..99"},
	{"[statistics]\nconfidence = 95%", "confidence: '95%' is not a whole number"},
};

START_TEST(bad_key)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;
	char text[256];

	(void)snprintf(text, sizeof(text), CONF_TARGET "%s\n", bad_keys[_i][0]);
	conf_read(&d, "f.ini", text);
	ck_assert_int_eq(plan_build("f", &d.ini, text, NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){bad_keys[_i][1], NULL});
	ck_assert_msg(!strncmp(d.problems.texts[0], "f.ini:4: ", 9), "%s", d.problems.texts[0]);
	conf_fini(&d);
}
END_TEST

START_TEST(pacing_timeouts_and_confidence)
{
	struct plan *p = conf_plan(CONF_TARGET);

	ck_assert_uint_eq(p->pacing_mode, PLAN_PACING_TIMER);
	ck_assert_int_eq(p->pacing_gap_ns, -1);
	ck_assert_int_eq(p->pacing_spin_ns, 40000);
	ck_assert_uint_eq(p->timeout_soft, 0);
	ck_assert_double_eq(p->confidence, 0.95);
	plan_free(p);
	p = conf_plan(CONF_TARGET "[pacing]\nmode = hybrid\ngap = 0\nspin = 1ms\n[timeouts]\n"
				  "mode = soft\n[statistics]\nconfidence = 99\n");
	ck_assert_uint_eq(p->pacing_mode, PLAN_PACING_HYBRID);
	ck_assert_int_eq(p->pacing_gap_ns, 0);
	ck_assert_int_eq(p->pacing_spin_ns, 1000000);
	ck_assert_uint_eq(p->timeout_soft, 1);
	ck_assert_double_eq(p->confidence, 0.99);
	plan_free(p);
	p = conf_plan(CONF_TARGET "[pacing]\nmode = spin\ngap = 10ms\nspin = 0\n");
	ck_assert_uint_eq(p->pacing_mode, PLAN_PACING_SPIN);
	ck_assert_int_eq(p->pacing_gap_ns, 10000000);
	plan_free(p);
}
END_TEST

START_TEST(spacing_is_of_the_open_model)
{
	struct conf_doc d = {0};
	struct plan *p;

	CONF_EXPECT(CONF_TARGET "[load]\nmodel = closed\narrivals = poisson\n",
		"f.ini:5: arrivals has no meaning in the closed model, in which a user's next "
		"request "
		"comes when the answer does: leave it out");
	plan_free(conf_plan(CONF_TARGET "[load]\nmodel = closed\narrivals = constant\n"));
	/* Forgotten where a flag turns the model around. */
	conf_read(&d, "f.ini", CONF_TARGET "[load]\narrivals = jitter:0.3\n");
	conf_set(&d, "--closed", "load", "model", "closed");
	p = conf_build(&d, "f", "", NULL, 0);
	ck_assert_uint_eq(p->arrivals, PLAN_CONSTANT);
	ck_assert_double_eq(p->jitter, 0);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* ---- in words ---- */

static const struct {
	const char *text; /* after CONF_TARGET */
	const char *wanted[7];
} descriptions[] = {
	{"[load]\nstage = warmup ramp to 50 over 5s\nstage = hold 50 for 5s\n"
	 "stage = ramp to 500 over 30s\nstage = pause 10s\n"
	 "stage = step from 100 to 500 by 150 every 1m\nwarmup = 2s\ncooldown = 3s\n"
	 "arrivals = poisson\nseed = 7\n",
		{"  load         open model, Poisson arrivals, up to 500/s\n"
		 "               at     for  rate                              requests\n"
		 "               0s     2s   0/s                                      0  warm-up\n"
		 "               2s     5s   0/s to 50/s                            125  warm-up\n"
		 "               7s     5s   50/s                                   250\n"
		 "               12s    30s  50/s to 500/s                        8,250\n"
		 "               42s    10s  pause                                    0\n"
		 "               52s    4m   100/s to 500/s by 150/s every 1m    75,000\n"
		 "               4m52s  3s   500/s                                1,500  cooldown\n"
		 "  lasts        4m45s, warm-up 7s before, cooldown 3s after\n",
			NULL}},
	{"[load]\nstage = ramp to 50 over 5s\nstage = hold 50 for 5s\nrequests = 50\n"
	 "cooldown = 1s\n",
		{"open model, even spacing, up to 50/s\n",
			"               0s              5s   0/s to 50/s        50\n",
			"               5s              5s   50/s                0  not "
			"reached\n",
			"50/s               50  cooldown\n", "sends        50 requests, ",
			"plus 50 in warm-up and cooldown", NULL}},
	{"[load]\nrate = 10\narrivals = jitter:0.25\n",
		{"open model, spacing with jitter 0.25: hold 10/s for 10s\n",
			"  seed         42, of the spacing\n", "100 requests",
			"p95 (needs 59 independent requests); p99 takes 299\n", NULL}},
	{"[request a]\npath = a\n[request b]\npath = b\n[load]\narrivals = poisson\n",
		{"  seed         42, of the spacing and the choice of requests\n", NULL}},
	{"[request a]\npath = a\n[request b]\npath = b\n",
		{"  seed         42, of the choice of requests\n", NULL}},
	{"[load]\nduration = 9999ms\n",
		{"\n               too short for confidence intervals: they take 10s\n", NULL}},
	{"[pacing]\nmode = spin\n",
		{"  pacing       spin: never sleeps, one CPU for each worker\n", NULL}},
	{"[pacing]\nmode = hybrid\nspin = 60us\n",
		{"  pacing       timer, 60us early, and a spin for the rest\n", NULL}},
	{"[pacing]\ngap = 0\n", {"  pacing       timer, gap 0s\n", NULL}},
	{"[timeouts]\nmode = soft\n", {"soft: late answers are counted and still awaited\n", NULL}},
	{"[statistics]\nconfidence = 99\n", {"p99 (needs 459 independent requests); p99.9 takes "
					     "4,603\n               at 99 % confidence\n",
						    NULL}},
};

static char *described(const char *text)
{
	struct plan *p;
	struct buf b = {0};
	char all[1024];

	(void)snprintf(all, sizeof(all), CONF_TARGET "%s", text);
	p = conf_plan(all);
	ck_assert_int_eq(plan_describe(p, &b), 0);
	plan_free(p);
	return b.data;
}

START_TEST(description)
{
	char *got = described(descriptions[_i].text);

	for (const char *const *w = descriptions[_i].wanted; *w; w++)
		ck_assert_msg(strstr(got, *w), "'%s' is not in:\n%s", *w, got);
	for (const char *line = got; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 80);
	free(got);
}
END_TEST

START_TEST(what_is_usual_is_not_said)
{
	char *got = described("");

	ck_assert_ptr_null(strstr(got, "seed"));
	ck_assert_ptr_null(strstr(got, "  pacing"));
	ck_assert_ptr_null(strstr(got, "soft"));
	ck_assert_ptr_null(strstr(got, "too short"));
	free(got);
	got = described("[load]\norder = sequence\n[request a]\npath = a\n[request b]\npath = b\n");
	ck_assert_ptr_nonnull(strstr(got, "\n  order        in turn, each as often in a row"));
	ck_assert_ptr_null(strstr(got, "seed"));
	ck_assert_ptr_null(strstr(got, "confidence"));
	ck_assert_ptr_null(strstr(got, "window"));
	free(got);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan_stages");
	TCase *t = tcase_create("plan_stages");

	tcase_add_loop_test(t, good_stage, 0, N(good_stages));
	tcase_add_loop_test(t, bad_stage, 0, N(bad_stages));
	tcase_add_test(t, a_stage_has_a_length_that_text_can_have);
	tcase_add_loop_test(t, a_plan_of_stages, 0, N(plans));
	tcase_add_test(t, sums_stay_exact_for_a_year);
	tcase_add_test(t, stages_that_do_not_go_together);
	tcase_add_test(t, a_count_that_is_never_reached);
	tcase_add_loop_test(t, a_flag_gives_one_stage_another_length, 0, N(durations));
	tcase_add_test(t, other_flags_over_stages);
	tcase_add_loop_test(t, spacing, 0, N(spacings));
	tcase_add_loop_test(t, bad_key, 0, N(bad_keys));
	tcase_add_test(t, pacing_timeouts_and_confidence);
	tcase_add_test(t, spacing_is_of_the_open_model);
	tcase_add_loop_test(t, description, 0, N(descriptions));
	tcase_add_test(t, what_is_usual_is_not_said);
	suite_add_tcase(s, t);
	return suite_main(s);
}
