/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

static const struct {
	const char *text;
	const char *summary;
} test_plans[] = {
	{"", "open 100/s for 10s"},
	{"[load]\nrate = 500\nduration = 5m\nwarmup = 10s\n", "open 500/s for 5m, warm-up 10s"},
	{"[load]\nrate = 30/m\nduration = 90s\ncooldown = 5s\n",
		"open 0.5/s for 1m30s, cooldown 5s"},
	{"[load]\nrate = 2k\nrequests = 5000\n", "open 2000/s, 5000 requests"},
	{"[load]\nrequests = 1\n", "open 100/s, 1 request"},
	{"[load]\nstage = hold 10 for 1m\nstage = hold 90 for 2m\nstage = hold 50 for 1m\n",
		"open, 3 stages up to 90/s for 4m"},
	{"[load]\nstage = warmup hold 10 for 1m\nwarmup = 5s\nstage = ramp to 90 over 2m\n"
	 "arrivals = poisson\n",
		"open, 2 stages up to 90/s for 2m, warm-up 1m5s, Poisson"},
	{"[load]\nstage = ramp from 90 to 0 over 2m\narrivals = jitter:1\n",
		"open, up to 90/s for 2m, jittered"},
	{"[load]\nrate = max\nduration = 30s\n", "closed, 64 users for 30s"},
	{"[load]\nrate = max\nrequests = 7\nwarmup = 1s\n[connections]\ncount = 1\n",
		"closed, 1 user, 7 requests, warm-up 1s"},
	{"[tls]\n", "open 100/s for 10s, TLS"},
	{"[tls]\nverify = no\n", "open 100/s for 10s, TLS, certificate NOT verified"},
};

START_TEST(a_plan_in_one_line)
{
	const char *target = strstr(test_plans[_i].text, "[tls]")
				     ? "[target]\nurl = https://127.0.0.1/\n"
				     : CONF_TARGET;
	char text[256];
	struct buf b = {0};
	struct plan *p;

	(void)snprintf(text, sizeof(text), "%s%s", target, test_plans[_i].text);
	p = conf_plan(text);
	ck_assert_int_eq(plan_summary(p, &b), 0);
	ck_assert_str_eq(b.data, test_plans[_i].summary);
	buf_fini(&b);
	plan_free(p);
}
END_TEST

START_TEST(what_stands_before_it_stays)
{
	struct plan *p = conf_plan(CONF_TARGET);
	struct buf b = {0};

	ck_assert_int_eq(buf_puts(&b, "x: "), 0);
	ck_assert_int_eq(plan_summary(p, &b), 0);
	ck_assert_str_eq(b.data, "x: open 100/s for 10s");
	buf_fini(&b);
	plan_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan_summary");
	TCase *t = tcase_create("plan_summary");

	tcase_add_loop_test(
		t, a_plan_in_one_line, 0, (int)(sizeof(test_plans) / sizeof(test_plans[0])));
	tcase_add_test(t, what_stands_before_it_stays);
	suite_add_tcase(s, t);
	return suite_main(s);
}
