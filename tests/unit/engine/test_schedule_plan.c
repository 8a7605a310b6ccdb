/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan says of itself before the run (`rpsctl check`, caps) is what its schedule makes: how
 * many requests, how long, how fast at most. Both come from the text of a run file here. */
#include "daemon/engine/schedule.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/plan/plan_stages.h"
#include "tests/support/suite.h"

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

#define TARGET "[target]\nurl = http://127.0.0.1:8000/\n"

static struct plan *plan_of(const char *text)
{
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct plan *p = NULL;
	int r;

	ck_assert_int_eq(ini_read(&doc, "f.ini", text, strlen(text), &problems), 0);
	r = plan_build("f", &doc, text, NULL, 0, &p, &problems);
	ck_assert_msg(r == 0, "%d: %s", r, problems.n ? problems.texts[0] : "");
	ini_fini(&doc);
	problems_fini(&problems);
	return p;
}

static const char *const loads[] = {
	"",
	"rate = 2k\nduration = 30s\nwarmup = 3s\ncooldown = 2s",
	"rate = 3\nrequests = 7",
	"rate = 333333\nduration = 24h",
	"stage = ramp to 1000 over 10s",
	"stage = ramp from 1000 to 0 over 10s",
	"stage = hold 0.25 for 1s\nstage = hold 0.25 for 1s\nstage = hold 1 for 1s",
	"stage = ramp from 0 to 1 over 1001ms",
	"stage = ramp from 9999999 to 9999998 over 8759h\nstage = hold 1/h for 1h",
	"stage = warmup ramp to 50 over 5s\nstage = warmup pause 1s\nstage = hold 50 for 5s\n"
	"stage = ramp to 500 over 30s\nstage = pause 10s\nstage = ramp to 77/m over 7s\n"
	"stage = step from 100 to 500 by 150 every 1m\nwarmup = 2s\ncooldown = 1500ms",
	"stage = step from 500/m to 100/m by 0.7/m every 1100ms\nstage = ramp to 0 over 3s\n"
	"cooldown = 9s",
	"stage = step from 1 to 10000 by 1 every 1ms",
	"stage = hold 10 for 1s\nstage = hold 0.333333 for 1h\nstage = hold 7.000001/h for 1h",
	/* A count: within each kind, on a border, and after all of them. */
	"stage = ramp to 1000 over 10s\nrequests = 1",
	"stage = ramp to 1000 over 10s\nrequests = 1250",
	"stage = ramp to 1000 over 10s\nrequests = 4999",
	"stage = ramp to 1000 over 10s\nrequests = 5000",
	"stage = ramp to 1000 over 10s\nrequests = 6001",
	"stage = ramp from 1000 to 0 over 10s\nrequests = 4999",
	"stage = ramp from 1000 to 0 over 10s\nrequests = 5000",
	"stage = ramp from 50 to 50 over 10s\nrequests = 77",
	"stage = step from 100 to 300 by 100 every 1s\nrequests = 100",
	"stage = step from 100 to 300 by 100 every 1s\nrequests = 450",
	"stage = step from 300 to 100 by 150 every 1s\nrequests = 5000",
	"stage = hold 10 for 1s\nstage = pause 1s\nstage = hold 10 for 1s\nrequests = 10",
	"stage = hold 10 for 1s\nstage = pause 1s\nstage = hold 10 for 1s\nrequests = 11",
	"stage = hold 10 for 1s\nstage = pause 1s\nrequests = 10",
	"stage = warmup hold 90 for 1s\nstage = hold 10 for 1s\nrequests = 100\ncooldown = 1s",
	"scale = x0.1\nstage = ramp from 0 to 500 over 2s\nstage = step from 100 to 500 by 150 "
	"every "
	"1s",
};

static const char *const spacings[] = {"constant", "jitter:0.5", "poisson"};

START_TEST(the_schedule_makes_what_the_plan_says)
{
	int64_t start_ns, end_ns, off_ns;
	struct schedule *s = NULL;
	struct plan *p;
	char text[1024];

	(void)snprintf(text, sizeof(text), TARGET "[load]\n%s\narrivals = %s\n",
		loads[_i / N(spacings)], spacings[_i % N(spacings)]);
	p = plan_of(text);
	ck_assert_int_eq(schedule_new(p, &s), 0);
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WINDOW), plan_count(p));
	ck_assert_uint_eq(schedule_segment_count(s, SCHEDULE_WARMUP) +
				  schedule_segment_count(s, SCHEDULE_COOLDOWN),
		plan_outside_count(p));
	start_ns = schedule_segment_start(s, SCHEDULE_WINDOW);
	end_ns = schedule_segment_end(s, SCHEDULE_WINDOW);
	ck_assert_int_eq(start_ns, plan_warmup_ns(p));
	/* A root is rounded where a count ends within a ramp. */
	off_ns = end_ns - start_ns - p->duration_ns;
	ck_assert_msg(off_ns >= -2 && off_ns <= 2, "%ld ns off", off_ns);
	if (!p->n_arrivals)
		ck_assert_int_eq(off_ns, 0);
	ck_assert_int_eq(schedule_segment_end(s, SCHEDULE_COOLDOWN) - end_ns, p->cooldown_ns);
	/* Stages that a count leaves out do not count for the schedule. */
	if (!p->n_arrivals)
		ck_assert_double_eq_tol(
			schedule_peak_per_s(s), rate_per_s(plan_peak_rate(p)), 1e-9);
	else
		ck_assert_double_le(schedule_peak_per_s(s), rate_per_s(plan_peak_rate(p)) + 1e-9);
	schedule_free(s);
	plan_free(p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule_plan");
	TCase *t = tcase_create("schedule_plan");

	tcase_add_loop_test(t, the_schedule_makes_what_the_plan_says, 0, N(loads) * N(spacings));
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
