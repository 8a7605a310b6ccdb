/* SPDX-License-Identifier: Apache-2.0 */
/* Single values: what an active run's rate may be set to, and what is said of one that may not. */
#include "common/plan/plan_values.h"

#include <check.h>
#include <errno.h>

#include "common/err.h"
#include "common/units.h"
#include "tests/support/suite.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))
#define HOW                                                                                        \
	": write a number and /s, /m or /h, as in 2000, 2k/s or 30/m, or x1.1 of the present one"
#define RANGE "; the range is 1/h..10M/s"

static const struct {
	const char *value;
	double per_s;
	bool is_scale;
} rates[] = {
	{"500", 500, false},
	{"30/m", 0.5, false},
	{"10M/s", 1e7, false},
	{"1/h", 1.0 / 3600, false},
	{"0", 0, false}, /* refused where it is carried out, with pause as the remedy */
	{"x1.1", 1.1, true},
	{"x0.000001", 1e-6, true},
	{"x10000000", 1e7, true},
};

START_TEST(test_new_rate)
{
	struct err err = {0};
	struct rate rate = {0};
	bool is_scale = !rates[_i].is_scale;

	ck_assert_int_eq(plan_parse_new_rate(rates[_i].value, &rate, &is_scale, &err), 0);
	ck_assert_double_eq_tol(rate_per_s(rate), rates[_i].per_s, 1e-9);
	ck_assert_int_eq(is_scale, rates[_i].is_scale);
}
END_TEST

static const struct {
	const char *value, *says;
} mistakes[] = {
	{"-5", "'-5' is out of range: 1/h..10M/s, or x1.1 of the present one"},
	{"-5/m", "'-5/m' is out of range: 1/h..10M/s, or x1.1 of the present one"},
	{"0.5/h", "'0.5/h' is out of range: 1/h..10M/s, or x1.1 of the present one"},
	{"11M", "'11M' is too large" HOW RANGE},
	{"0.0000001", "'0.0000001' is too large or has too many decimals" HOW RANGE},
	{"fast", "'fast' is not a rate" HOW},
	{"-fast", "'-fast' is not a rate" HOW},
	{"max", "'max' is not a rate" HOW},
	{"5s", "'5s' has a unit that is not known here" HOW},
	{"", "'' is not a rate" HOW},
	{"'5'", "the value is in quotes: leave them out"},
	{"x-1", "'x-1' is out of range: x0.000001..x10000000, with at most six decimals"},
	{"x0", "'x0' is out of range: x0.000001..x10000000, with at most six decimals"},
	{"x11000000",
		"'x11000000' is out of range: x0.000001..x10000000, with at most six decimals"},
	{"x1.1234567",
		"'x1.1234567' is out of range: x0.000001..x10000000, with at most six decimals"},
	{"x", "'x' is not a scale: write x and a number above 0, as in x0.1 or x2"},
	{"x-fast", "'x-fast' is not a scale: write x and a number above 0, as in x0.1 or x2"},
	{"x2k", "'x2k' is not a scale: write x and a number above 0, as in x0.1 or x2"},
};

START_TEST(test_no_new_rate)
{
	struct err err = {0};
	struct rate rate = {7, 1};
	bool is_scale = false;

	ck_assert_int_eq(plan_parse_new_rate(mistakes[_i].value, &rate, &is_scale, &err), -EINVAL);
	ck_assert_str_eq(err.text, mistakes[_i].says);
	ck_assert_uint_eq(rate.num, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_values");
	TCase *tcase = tcase_create("plan_values");

	tcase_add_loop_test(tcase, test_new_rate, 0, (int)N_ELEMENTS(rates));
	tcase_add_loop_test(tcase, test_no_new_rate, 0, (int)N_ELEMENTS(mistakes));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
