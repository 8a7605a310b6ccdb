/* SPDX-License-Identifier: Apache-2.0 */
/* Figures in words: digits, units, and what happens where one unit ends and the next begins. */
#include "common/figure.h"

#include <check.h>
#include <stdlib.h>

#include "common/units.h"
#include "tests/support/suite.h"

#define LEN(x) (int)(sizeof(x) / sizeof((x)[0]))

static const struct {
	double value;
	const char *text;
} values[] = {
	{0, "0"},
	{0.0004, "0"},
	{0.0612, "0.061"},
	{0.9994, "0.999"},
	{0.9996, "1.00"},
	{1.214, "1.21"},
	{9.996, "10.0"},
	{11.44, "11.4"},
	{99.96, "100"},
	{123.4, "123"},
	{999.6, "1,000"},
	{14234, "14,200"},
	{9996, "10,000"},
	{1234567, "1,230,000"},
	{-12.34, "-12.3"},
	{-12345, "-12,300"},
};

START_TEST(test_value)
{
	ck_assert_str_eq(figure_value(values[_i].value).text, values[_i].text);
}
END_TEST

START_TEST(test_count)
{
	ck_assert_str_eq(figure_count(0).text, "0");
	ck_assert_str_eq(figure_count(999).text, "999");
	ck_assert_str_eq(figure_count(1000).text, "1,000");
	ck_assert_str_eq(figure_count(12345).text, "12,345");
	ck_assert_str_eq(figure_count(999999).text, "999,999");
	ck_assert_str_eq(figure_count(1000000).text, "1,000,000");
	ck_assert_str_eq(figure_count(-123456).text, "-123,456");
	ck_assert_str_eq(figure_count(INT64_MIN).text, "-9,223,372,036,854,775,808");
}
END_TEST

static const struct {
	int64_t ns;
	const char *text;
} times[] = {
	{INT64_MIN, "-2,560,000 h"},
	{-81000, "-81.0 us"},
	{-1, "-1 ns"},
	{0, "0 s"},
	{24, "24 ns"},
	{999, "999 ns"},
	{1000, "1.00 us"},
	{9994, "9.99 us"},
	{9996, "10.0 us"},
	{81000, "81.0 us"},
	{99940, "99.9 us"},
	{99960, "100 us"},
	{999400, "999 us"},
	{999600, "1.00 ms"},
	{20100000, "20.1 ms"},
	{902400000, "902 ms"},
	{999499999, "999 ms"},
	{999500000, "1.00 s"},
	{14200000000, "14.2 s"},
	{60000000000, "60.0 s"},
	{999000000000, "999 s"},
	{1000000000000, "16.7 min"},
	{3600000000000, "60.0 min"},
	{86400000000000, "24.0 h"},
	{INT64_MAX, "2,560,000 h"},
};

START_TEST(test_time)
{
	ck_assert_str_eq(figure_time(times[_i].ns).text, times[_i].text);
}
END_TEST

START_TEST(test_rate)
{
	ck_assert_str_eq(figure_rate(0.2).text, "0.2");
	ck_assert_str_eq(figure_rate(2000).text, "2,000");
	ck_assert_str_eq(figure_rate(19960).text, "20,000");
	ck_assert_str_eq(figure_per_s(0).text, "0/s");
	ck_assert_str_eq(figure_per_s(0.2).text, "0.2/s");
	ck_assert_str_eq(figure_per_s(1.0 / 3).text, "0.333/s");
	ck_assert_str_eq(figure_per_s(49.75).text, "49.8/s");
	ck_assert_str_eq(figure_per_s(99.94).text, "99.9/s");
	ck_assert_str_eq(figure_per_s(99.96).text, "100/s");
	ck_assert_str_eq(figure_per_s(497).text, "497/s");
	ck_assert_str_eq(figure_per_s(999.9999).text, "1,000/s");
	ck_assert_str_eq(figure_per_s(19960).text, "19,960/s");
	ck_assert_str_eq(figure_per_s(10e6).text, "10,000,000/s");
	ck_assert_str_eq(figure_per_s(1e30).text, "9,000,000,000,000,000/s");
}
END_TEST

START_TEST(test_share)
{
	ck_assert_str_eq(figure_share(0).text, "0 %");
	ck_assert_str_eq(figure_share(0.065).text, "6.50 %");
	ck_assert_str_eq(figure_share(0.9999).text, "99.9 %");
	/* No double is 0.29 or 0.57; times 1,000 they are just below a whole number. */
	ck_assert_str_eq(figure_share(0.29).text, "29.0 %");
	ck_assert_str_eq(figure_share(0.57).text, "57.0 %");
	ck_assert_str_eq(figure_share(1 - 1e-12).text, "99.9 %");
	ck_assert_str_eq(figure_share(1).text, "100 %");
	ck_assert_str_eq(figure_share(0.0006).text, "0.06 %");
	ck_assert_str_eq(figure_share(0.00001).text, "0.0010 %");
	ck_assert_str_eq(figure_share(1e-9).text, "<0.0001 %");
	ck_assert_str_eq(figure_percent(0.004).text, "<1 %");
}
END_TEST

START_TEST(test_others)
{
	ck_assert_str_eq(figure_clock(INT64_C(192000000000)).text, "3:12");
	ck_assert_str_eq(figure_clock(INT64_C(3723000000000)).text, "1:02:03");
	ck_assert_str_eq(figure_clock(-1).text, "-0:01");
	ck_assert_str_eq(figure_bytes(1268777).text, "1.21 MiB");
	ck_assert_str_eq(figure_exact_time(INT64_C(90000000001)).text, "1m30s1ns");
	ck_assert_str_eq(figure_exact_rate((struct rate){1, 5}).text, "0.2/s");
	ck_assert_str_eq(figure_exact_rate((struct rate){0, 0}).text, "max");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("figure");
	Suite *suite = suite_create("figure");

	tcase_add_loop_test(tcase, test_value, 0, LEN(values));
	tcase_add_test(tcase, test_count);
	tcase_add_loop_test(tcase, test_time, 0, LEN(times));
	tcase_add_test(tcase, test_rate);
	tcase_add_test(tcase, test_share);
	tcase_add_test(tcase, test_others);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
