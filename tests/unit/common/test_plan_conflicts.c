/* SPDX-License-Identifier: Apache-2.0 */
/* The load of a plan: which model, which stages, how long, and which keys contradict each other. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/plan/plan.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

struct load_case {
	const char *text; /* after CONF_TARGET */
	enum plan_model model;
	uint64_t num, den; /* of the first stage; 0/1: none */
	size_t n_stages;
	int64_t duration_ns;
	uint64_t requests;
};

static const struct load_case load_cases[] = {
	{"", PLAN_OPEN, 100, 1, 1, 10 * NSEC_PER_SEC, 0},
	{"[load]\nrate = 2k\nduration = 30s", PLAN_OPEN, 2000, 1, 1, 30 * NSEC_PER_SEC, 0},
	{"[load]\nrate = 30/m\nmodel = open", PLAN_OPEN, 1, 2, 1, 10 * NSEC_PER_SEC, 0},
	{"[load]\nstage = hold 5 for 2s\nstage = hold 7 for 3s", PLAN_OPEN, 5, 1, 2,
		5 * NSEC_PER_SEC, 0},
	{"[load]\nrequests = 1000", PLAN_OPEN, 100, 1, 1, 10 * NSEC_PER_SEC, 1000},
	/* ceil(7 / 3 s) */
	{"[load]\nrate = 3\nrequests = 7", PLAN_OPEN, 3, 1, 1, INT64_C(2333333334), 7},
	{"[load]\nrate = 10M\nrequests = 1", PLAN_OPEN, 10000000, 1, 1, 100, 1},
	{"[load]\nrate = 1/h\nrequests = 2", PLAN_OPEN, 1, 3600, 1, 7200 * NSEC_PER_SEC, 2},
	{"[load]\nstage = hold 4 for 1h\nrequests = 2", PLAN_OPEN, 4, 1, 1, NSEC_PER_SEC / 2, 2},
	{"[load]\nrate = max", PLAN_CLOSED, 0, 1, 0, 10 * NSEC_PER_SEC, 0},
	{"[load]\nmodel = closed", PLAN_CLOSED, 0, 1, 0, 10 * NSEC_PER_SEC, 0},
	{"[load]\nmodel = closed\nrate = max\nduration = 1m", PLAN_CLOSED, 0, 1, 0,
		60 * NSEC_PER_SEC, 0},
	{"[load]\nmodel = closed\nrequests = 25000", PLAN_CLOSED, 0, 1, 0, CLOCK_NEVER, 25000},
};

static void expect_load(const struct plan *p, const struct load_case *c)
{
	ck_assert_int_eq(p->model, c->model);
	ck_assert_uint_eq(p->n_stages, c->n_stages);
	conf_expect_rate(p->rate, c->num, c->den);
	if (c->n_stages) {
		conf_expect_rate(p->stages[0].rate, c->num, c->den);
		ck_assert_ptr_nonnull(p->stage_texts[c->n_stages - 1]);
	}
	ck_assert_int_eq(p->duration_ns, c->duration_ns);
	ck_assert_uint_eq(p->n_arrivals, c->requests);
}

START_TEST(load_from_one_file)
{
	const struct load_case *c = &load_cases[_i];
	char text[256];
	struct plan *p;

	snprintf(text, sizeof(text), CONF_TARGET "%s\n", c->text);
	p = conf_plan(text);
	expect_load(p, c);
	ck_assert(p->rate_max == (strstr(c->text, "max") != NULL));
	plan_free(p);
}
END_TEST

/* A file, then keys of [load] as flags ("key = value;…"), and what comes out. */
static const struct {
	const char *text;
	const char *flags[4];
	struct load_case want;
} override_cases[] = {
	{"rate = 50\nduration = 20s", {"rate = 7", NULL},
		{"", PLAN_OPEN, 7, 1, 1, 20 * NSEC_PER_SEC, 0}},
	/* A rate replaces stages and goes on for as long as they did. */
	{"stage = hold 5 for 2s\nstage = hold 7 for 3s", {"rate = 9", NULL},
		{"", PLAN_OPEN, 9, 1, 1, 5 * NSEC_PER_SEC, 0}},
	{"stage = hold 5 for 2s\nstage = hold 7 for 3s", {"rate = 9", "duration = 1s", NULL},
		{"", PLAN_OPEN, 9, 1, 1, NSEC_PER_SEC, 0}},
	{"stage = hold 5 for 2s\nstage = hold 7 for 3s", {"rate = 10", "requests = 20", NULL},
		{"", PLAN_OPEN, 10, 1, 1, 2 * NSEC_PER_SEC, 20}},
	{"rate = 50\nduration = 20s", {"stage = hold 3 for 4s", NULL},
		{"", PLAN_OPEN, 3, 1, 1, 4 * NSEC_PER_SEC, 0}},
	{"rate = max", {"stage = hold 3 for 4s", NULL},
		{"", PLAN_OPEN, 3, 1, 1, 4 * NSEC_PER_SEC, 0}},
	{"stage = hold 5 for 2s", {"stage = hold 3 for 4s", "stage = hold 2 for 1s", NULL},
		{"", PLAN_OPEN, 3, 1, 2, 5 * NSEC_PER_SEC, 0}},
	/* One stage may be given another length. */
	{"stage = hold 5 for 2s", {"duration = 9s", NULL},
		{"", PLAN_OPEN, 5, 1, 1, 9 * NSEC_PER_SEC, 0}},
	{"stage = hold 5 for 2s", {"requests = 5", NULL},
		{"", PLAN_OPEN, 5, 1, 1, NSEC_PER_SEC, 5}},
	{"requests = 5", {"stage = hold 5 for 2s", NULL},
		{"", PLAN_OPEN, 5, 1, 1, 2 * NSEC_PER_SEC, 0}},
	{"duration = 20s", {"requests = 50", NULL},
		{"", PLAN_OPEN, 100, 1, 1, NSEC_PER_SEC / 2, 50}},
	{"requests = 50", {"duration = 20s", NULL},
		{"", PLAN_OPEN, 100, 1, 1, 20 * NSEC_PER_SEC, 0}},
	{"rate = 50\nduration = 20s", {"model = closed", NULL},
		{"", PLAN_CLOSED, 0, 1, 0, 20 * NSEC_PER_SEC, 0}},
	{"stage = hold 5 for 2s", {"model = closed", NULL},
		{"", PLAN_CLOSED, 0, 1, 0, 2 * NSEC_PER_SEC, 0}},
	{"rate = 50", {"rate = max", NULL}, {"", PLAN_CLOSED, 0, 1, 0, 10 * NSEC_PER_SEC, 0}},
	{"model = open\nrate = 50", {"rate = max", NULL},
		{"", PLAN_CLOSED, 0, 1, 0, 10 * NSEC_PER_SEC, 0}},
	{"model = closed\nthink = 1s", {"rate = 50", NULL},
		{"", PLAN_OPEN, 50, 1, 1, 10 * NSEC_PER_SEC, 0}},
	{"model = closed\nrequests = 50", {"rate = 50", NULL},
		{"", PLAN_OPEN, 50, 1, 1, NSEC_PER_SEC, 50}},
	{"rate = max\nthink = 1s", {"model = open", NULL},
		{"", PLAN_OPEN, 100, 1, 1, 10 * NSEC_PER_SEC, 0}},
	{"model = closed\nthink = 1s", {"model = auto", NULL},
		{"", PLAN_OPEN, 100, 1, 1, 10 * NSEC_PER_SEC, 0}},
};

START_TEST(flags_override_the_file)
{
	const struct load_case *want = &override_cases[_i].want;
	struct conf_doc d = {0};
	char text[256];
	struct plan *p;

	snprintf(text, sizeof(text), CONF_TARGET "[load]\n%s\n", override_cases[_i].text);
	conf_read(&d, "f.ini", text);
	for (const char *const *f = override_cases[_i].flags; *f; f++) {
		char key[64];
		const char *value = strstr(*f, " = ");

		snprintf(key, sizeof(key), "%.*s", (int)(value - *f), *f);
		conf_set(&d, "--set", "load", key, value + strlen(" = "));
	}
	p = conf_build(&d, "f", text, NULL, 0);
	expect_load(p, want);
	ck_assert_int_eq(p->think_ns, 0);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

/* The same rules hold for an overlay as for a flag. */
START_TEST(overlay_overrides_the_file)
{
	const struct load_case *want = &override_cases[_i].want;
	struct conf_doc d = {0};
	char text[256];
	size_t n;
	struct plan *p;

	snprintf(text, sizeof(text), CONF_TARGET "[load]\n%s\n", override_cases[_i].text);
	conf_read(&d, "f.ini", text);
	n = (size_t)snprintf(text, sizeof(text), "[load]\n");
	for (const char *const *f = override_cases[_i].flags; *f; f++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", *f);
	conf_read(&d, "over.ini", text);
	p = conf_build(&d, "f", text, NULL, 0);
	expect_load(p, want);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(contradictions_in_one_file)
{
	CONF_EXPECT(CONF_TARGET "[load]\nrate = 5\nstage = hold 1 for 1s\n",
		"f.ini:5: stage = hold 1 for 1s contradicts rate = 5 (line 4): keep one of them");
	CONF_EXPECT(CONF_TARGET "[load]\nduration = 5s\nstage = hold 1 for 1s\n",
		"f.ini:5: stage = hold 1 for 1s contradicts duration = 5s (line 4): the stage "
		"says");
	CONF_EXPECT(CONF_TARGET
		"[load]\nstage = hold 1 for 1s\nstage = hold 2 for 1s\nduration = 5s\n",
		"f.ini:6: duration contradicts the 2 stages, which say how long they are: leave "
		"duration out, or change the stages");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = step from 1 to 3 by 1 every 1s\nduration = 5s\n",
		"f.ini:5: duration contradicts the steps, which say how long they are: leave "
		"duration out, or change the steps");
	CONF_EXPECT(CONF_TARGET "[load]\nrequests = 5\nduration = 5s\n",
		"f.ini:5: duration = 5s contradicts requests = 5 (line 4)");
	CONF_EXPECT(CONF_TARGET "[load]\nthink = 5s\n", "f.ini:4: think is for the closed model");
	CONF_EXPECT(CONF_TARGET "[load]\nthink = 5s\nrate = 50\n",
		"f.ini:4: think is for the closed model");
	CONF_EXPECT(CONF_TARGET "[load]\nmodel = open\nrate = max\n",
		"f.ini:5: rate = max contradicts model = open (line 4): rate = max is the closed");
	CONF_EXPECT(CONF_TARGET "[load]\nmodel = closed\nrate = 5\n",
		"f.ini:5: rate = 5 contradicts model = closed (line 4): in the closed model users "
		"wait");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 1 for 1s\nmodel = closed\n",
		"f.ini:5: model = closed contradicts stage = hold 1 for 1s (line 4)");
	CONF_EXPECT(CONF_TARGET
		"[load]\nmodel = closed\n[connections]\nexhausted = drop\nqueue-max = 5\n",
		"f.ini:6: exhausted has no meaning in the closed model, in which each user has a "
		"connection: leave it out",
		"f.ini:7: queue-max has no meaning in the closed model");
	CONF_EXPECT(CONF_TARGET
		"[load]\nrate = 5\nstage = hold 1 for 1s\nthink = 1s\nduration = 1s\n"
		"requests = 1\n",
		"f.ini:5: stage = hold 1 for 1s contradicts rate",
		"f.ini:6: think is for the closed model",
		"f.ini:8: requests = 1 contradicts duration = 1s (line 7)");
}
END_TEST

/* What a value contradicts that is none, nobody can say. */
START_TEST(bad_values_contradict_nothing)
{
	CONF_EXPECT(CONF_TARGET "[load]\nrate = fast\nstage = hold 1 for 1s\n", "f.ini:4: rate:");
	CONF_EXPECT(CONF_TARGET "[load]\nmodel = closd\nthink = 1s\n", "f.ini:4: model:");
	CONF_EXPECT(CONF_TARGET "[load]\nrate = 1/h\nduration = long\n", "f.ini:5: duration:");
}
END_TEST

START_TEST(contradictions_between_flags)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	conf_read(&d, "f.ini", CONF_TARGET);
	conf_set(&d, "-r", "load", "rate", "100");
	conf_set(&d, "--closed", "load", "model", "closed");
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){
				"--closed: model = closed contradicts rate = 100 (-r)", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(flag_that_does_not_fit_the_file)
{
	struct conf_doc d = {0};
	struct plan *p = NULL;

	/* Nothing turned the model around, so the flag itself is out of place. */
	conf_read(
		&d, "f.ini", CONF_TARGET "[load]\nstage = hold 1 for 1s\nstage = hold 2 for 1s\n");
	conf_set(&d, "--set load.think", "load", "think", "1s");
	conf_set(&d, "-d", "load", "duration", "100s");
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d,
		(const char *const[]){"-d: duration contradicts the 2 stages, which say how "
				      "long they are: give a rate with it, or change the stages",
			"--set load.think: think is for the closed model", NULL});
	conf_fini(&d);
}
END_TEST

START_TEST(exhausted_is_forgotten_when_a_flag_closes_the_model)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", CONF_TARGET "[connections]\nexhausted = drop\n");
	conf_set(&d, "--closed", "load", "model", "closed");
	p = conf_build(&d, "f", "", NULL, 0);
	ck_assert_int_eq(p->model, PLAN_CLOSED);
	ck_assert_uint_eq(plan_connection_limit(p), 64);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(lengths_beyond_reason)
{
	CONF_EXPECT(CONF_TARGET "[load]\nrate = 1/h\nrequests = 1000000\n",
		"f.ini:5: the plan lasts longer than a year");
	CONF_EXPECT(CONF_TARGET "[load]\nstage = hold 1 for 8000h\nstage = hold 1 for 8000h\n",
		"f.ini:5: the plan lasts longer than a year");
	CONF_EXPECT(CONF_TARGET "[load]\nrate = 1/h\nduration = 10s\n",
		"f.ini:5: the plan is too short for one request at this rate");
	/* 0.1/s for 5 s is half a request: its instant is the window's end. */
	CONF_EXPECT(CONF_TARGET "[load]\nrate = 0.1\nduration = 5s\n",
		"f.ini:5: the plan is too short");
	plan_free(conf_plan(CONF_TARGET "[load]\nrate = 0.1\nduration = 5100ms\n"));
}
END_TEST

static const char *const bad_stages[] = {
	"hold",
	"hold 5",
	"hold 5 for",
	"hold 5 5s",
	"hold 5 for 5",
	"hold 5 for 5s now",
	"hold 0 for 5s",
	"hold max for 5s",
	"hold 5 for 0s",
	"hold -5 for 5s",
	"hold 5/x for 5s",
	"keep 5 for 5s",
	"5 for 5s",
	"hold 5 for 9999h",
	"hold 5 for 5s                                                                        "
	"                                                                       and on",
};

START_TEST(bad_stage)
{
	char text[512];

	snprintf(text, sizeof(text), CONF_TARGET "[load]\nstage = %s\n", bad_stages[_i]);
	CONF_EXPECT(text, "f.ini:4: stage: ");
}
END_TEST

START_TEST(stage_with_wide_blanks)
{
	struct plan *p = conf_plan(CONF_TARGET "[load]\nstage = hold\t5/m   for  1m30s\n");

	conf_expect_rate(p->stages[0].rate, 1, 12);
	ck_assert_int_eq(p->stages[0].duration_ns, 90 * NSEC_PER_SEC);
	ck_assert_str_eq(p->stage_texts[0], "hold\t5/m   for  1m30s");
	plan_free(p);
}
END_TEST

START_TEST(too_many_stages)
{
	struct conf_doc d = {0};
	struct buf text = {0};
	struct plan *p = NULL;

	ck_assert_int_eq(buf_puts(&text, CONF_TARGET "[load]\n"), 0);
	for (int i = 0; i < 1001; i++)
		ck_assert_int_eq(buf_puts(&text, "stage = hold 1 for 1s\n"), 0);
	conf_read(&d, "f.ini", text.data);
	ck_assert_int_eq(plan_build("f", &d.ini, "", NULL, 0, &p, &d.problems), -EINVAL);
	conf_expect(&d, (const char *const[]){"f.ini:1004: stage: more than 1000 stages", NULL});
	conf_fini(&d);
	buf_fini(&text);
}
END_TEST

static const struct {
	const char *text; /* after CONF_TARGET */
	const char *stages;
	int64_t duration_ns;
} scale_cases[] = {
	{"scale = x0.1", "hold 10/s for 10s", 10 * NSEC_PER_SEC},
	{"scale = 2", "hold 200/s for 10s", 10 * NSEC_PER_SEC},
	{"scale = x1", "hold 100/s for 10s", 10 * NSEC_PER_SEC},
	{"rate = 1/m\nduration = 1h\nscale = x0.5", "hold 0.5/m for 1h", 3600 * NSEC_PER_SEC},
	{"stage = hold 500 for 5m\nstage = hold 0.5 for 90s\nscale = x0.1",
		"hold 50/s for 5m|hold 0.05/s for 1m30s", 390 * NSEC_PER_SEC},
	/* The count stays, and takes longer. */
	{"rate = 100\nrequests = 500\nscale = x0.1", "hold 10/s for 50s", 50 * NSEC_PER_SEC},
	{"stage = hold 4 for 1h\nrequests = 2\nscale = x0.5", "hold 2/s for 1s", NSEC_PER_SEC},
};

START_TEST(scale_multiplies_every_rate)
{
	char text[256];
	char got[256] = "";
	struct plan *p;

	(void)snprintf(text, sizeof(text), CONF_TARGET "[load]\n%s\n", scale_cases[_i].text);
	p = conf_plan(text);
	for (size_t i = 0; i < p->n_stages; i++)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? "|" : "",
			p->stage_texts[i]);
	ck_assert_str_eq(got, scale_cases[_i].stages);
	ck_assert_int_eq(p->duration_ns, scale_cases[_i].duration_ns);
	conf_expect_rate(p->rate, p->stages[0].rate.num, p->stages[0].rate.den);
	plan_free(p);
}
END_TEST

START_TEST(scale_of_a_flag_has_the_last_word)
{
	struct conf_doc d = {0};
	struct plan *p;

	conf_read(&d, "f.ini", CONF_TARGET "[load]\nscale = x3\nstage = hold 10 for 1s\n");
	conf_set(&d, "-r", "load", "rate", "200");
	conf_set(&d, "-r", "load", "scale", "x0.5");
	p = conf_build(&d, "f", NULL, NULL, 0);
	ck_assert_str_eq(p->stage_texts[0], "hold 100/s for 1s");
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(scale_that_makes_no_rate)
{
	CONF_EXPECT(CONF_TARGET "[load]\nrate = max\nscale = x2\n",
		"f.ini:5: x2 scales a rate, but the closed model");
	CONF_EXPECT(CONF_TARGET "[load]\nscale = x0.000001\nrate = 1/m\nduration = 1h\n",
		"f.ini:4: x0.000001 of 1/m is not a rate: those are 1/h..10M/s");
	CONF_EXPECT(CONF_TARGET
		"[load]\nscale = x2\nstage = hold 1 for 1s\nstage = hold 9M for 1s\n",
		"f.ini:4: x2 of 9000000/s is not a rate");
	CONF_EXPECT(CONF_TARGET "[load]\nrate = 0.333333\nscale = x0.333333\n",
		"f.ini:5: x0.333333 of 0.333333/s is not a rate");
	CONF_EXPECT(CONF_TARGET "[load]\nscale = x0\n",
		"f.ini:4: scale: 'x0' is out of range: x0.000001..x10000000");
	CONF_EXPECT(CONF_TARGET "[load]\nscale = x2/s\n", "f.ini:4: scale: 'x2/s' is not a scale");
	CONF_EXPECT(CONF_TARGET "[load]\nscale = x2k\n", "f.ini:4: scale: 'x2k' is not a scale");
	CONF_EXPECT(CONF_TARGET "[load]\nscale = xx2\n", "f.ini:4: scale: 'xx2' is not a scale");
	CONF_EXPECT(CONF_TARGET "[load]\nscale =\n", "f.ini:4: scale: '' is not a scale");
	/* Too little is left of it to send anything. */
	CONF_EXPECT(CONF_TARGET "[load]\nscale = x0.0001\n", "lengthen it, or raise the rate");
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("plan_conflicts");
	TCase *load = tcase_create("load");

	tcase_add_loop_test(load, load_from_one_file, 0, N(load_cases));
	tcase_add_loop_test(load, flags_override_the_file, 0, N(override_cases));
	tcase_add_loop_test(load, overlay_overrides_the_file, 0, N(override_cases));
	tcase_add_test(load, contradictions_in_one_file);
	tcase_add_test(load, bad_values_contradict_nothing);
	tcase_add_test(load, contradictions_between_flags);
	tcase_add_test(load, flag_that_does_not_fit_the_file);
	tcase_add_test(load, exhausted_is_forgotten_when_a_flag_closes_the_model);
	tcase_add_test(load, lengths_beyond_reason);
	tcase_add_loop_test(load, bad_stage, 0, N(bad_stages));
	tcase_add_test(load, stage_with_wide_blanks);
	tcase_add_test(load, too_many_stages);
	tcase_add_loop_test(load, scale_multiplies_every_rate, 0, N(scale_cases));
	tcase_add_test(load, scale_of_a_flag_has_the_last_word);
	tcase_add_test(load, scale_that_makes_no_rate);
	suite_add_tcase(s, load);
	return suite_main(s);
}
