/* SPDX-License-Identifier: Apache-2.0 */
/* units: exact values or a refusal, and texts that read back to the same value. */
#include "common/units.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/suite.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *text;
	int r;
	uint64_t num, den;
	const char *back;
} rates[] = {
	{"1000", 0, 1000, 1, "1000/s"},
	{"2000/s", 0, 2000, 1, "2000/s"},
	{"0.2/s", 0, 1, 5, "0.2/s"},
	{"0.2", 0, 1, 5, "0.2/s"},
	{"2.5k", 0, 2500, 1, "2500/s"},
	{"1M", 0, 1000000, 1, "1000000/s"},
	{"1M/m", 0, 50000, 3, "1000000/m"},
	{"30/m", 0, 1, 2, "0.5/s"},
	{"1/m", 0, 1, 60, "1/m"},
	{"7/h", 0, 7, 3600, "7/h"},
	{"6/h", 0, 1, 600, "0.1/m"},
	{"0.000001/h", 0, 1, UINT64_C(3600000000), "0.000001/h"},
	{"1.234567k/m", 0, 1234567, 60000, "1234.567/m"},
	{"0", 0, 0, 1, "0/s"},
	{"0/h", 0, 0, 1, "0/s"},
	{"00012", 0, 12, 1, "12/s"},
	{"1.500000", 0, 3, 2, "1.5/s"},
	{"10M", 0, 10000000, 1, "10000000/s"},
	{"600M/m", 0, 10000000, 1, "10000000/s"},
	{"36000000000/h", 0, 10000000, 1, "10000000/s"},
	{"10000000.000001", UNITS_E_RANGE, 0, 0, NULL},
	{"10.000001M", UNITS_E_RANGE, 0, 0, NULL},
	{"99999999999999999999999999", UNITS_E_RANGE, 0, 0, NULL},
	{"0.0000001", UNITS_E_RANGE, 0, 0, NULL},
	{"1.0000000", UNITS_E_RANGE, 0, 0, NULL},
	{"", UNITS_E_SYNTAX, 0, 0, NULL},
	{"max", UNITS_E_SYNTAX, 0, 0, NULL},
	{"-1", UNITS_E_SYNTAX, 0, 0, NULL},
	{"+1", UNITS_E_SYNTAX, 0, 0, NULL},
	{" 1", UNITS_E_SYNTAX, 0, 0, NULL},
	{"1 ", UNITS_E_SYNTAX, 0, 0, NULL},
	{"1 /s", UNITS_E_SYNTAX, 0, 0, NULL},
	{"1.", UNITS_E_SYNTAX, 0, 0, NULL},
	{".5", UNITS_E_SYNTAX, 0, 0, NULL},
	{"1.5.5", UNITS_E_SYNTAX, 0, 0, NULL},
	{"1e3", UNITS_E_SYNTAX, 0, 0, NULL},
	{"0x10", UNITS_E_SYNTAX, 0, 0, NULL},
	{"1,5", UNITS_E_SYNTAX, 0, 0, NULL},
	{"5/", UNITS_E_SYNTAX, 0, 0, NULL},
	{"5kk", UNITS_E_SYNTAX, 0, 0, NULL},
	{"5/s/s", UNITS_E_SYNTAX, 0, 0, NULL},
	{"5sk", UNITS_E_SYNTAX, 0, 0, NULL},
	{"5s", UNITS_E_UNIT, 0, 0, NULL},
	{"5m", UNITS_E_UNIT, 0, 0, NULL},
	{"5K", UNITS_E_UNIT, 0, 0, NULL},
	{"5%", UNITS_E_UNIT, 0, 0, NULL},
	{"5KiB", UNITS_E_UNIT, 0, 0, NULL},
};

START_TEST(parses_rates)
{
	struct rate rate = {77, 99};
	char back[UNITS_TEXT_MAX];

	ck_assert_msg(units_parse_rate(rates[_i].text, &rate) == rates[_i].r, "%s", rates[_i].text);
	if (rates[_i].r != 0) {
		ck_assert_uint_eq(rate.num, 77);
		ck_assert_uint_eq(rate.den, 99);
		return;
	}
	ck_assert_uint_eq(rate.num, rates[_i].num);
	ck_assert_uint_eq(rate.den, rates[_i].den);
	ck_assert_uint_eq((UINT64_C(3600) * 1000000) % rate.den, 0);
	units_format_rate(rate, back, sizeof(back));
	ck_assert_str_eq(back, rates[_i].back);
	rate = (struct rate){0};
	ck_assert_int_eq(units_parse_rate(back, &rate), 0);
	ck_assert_uint_eq(rate.num, rates[_i].num);
	ck_assert_uint_eq(rate.den, rates[_i].den);
}
END_TEST

START_TEST(formats_odd_rates)
{
	char text[UNITS_TEXT_MAX];

	units_format_rate((struct rate){0, 0}, text, sizeof(text));
	ck_assert_str_eq(text, "max");
	units_format_rate((struct rate){1, 7}, text, sizeof(text));
	ck_assert_str_eq(text, "0.142857/s");
	units_format_rate((struct rate){UINT64_MAX, 1}, text, sizeof(text));
	ck_assert_str_eq(text, "1.84467e+19/s");
	memset(text, 'x', sizeof(text));
	units_format_rate((struct rate){123456, 1}, text, 4);
	ck_assert_uint_eq(strlen(text), 3);
}
END_TEST

static const struct {
	const char *rate;
	const char *factor;
	const char *product; /* NULL: refused */
} scales[] = {
	{"1000", "0.1", "100"},
	{"500", "1", "500"},
	{"1/m", "0.1", "0.1/m"},
	{"7/h", "3", "21/h"},
	{"1000000/m", "0.6", "10000"},
	{"0.000001", "1000000", "1"},
	{"1000000", "0.000001", "1"},
	{"10M", "1", "10M"},
	{"0", "5", "0"},
	{"9999999.999999", "1", "9999999.999999"},
	{"10M", "1.000001", NULL},
	{"10M", "10M", NULL},
	{"0.000001", "0.1", "0.00036/h"},
	{"0.000001/h", "0.5", NULL},
	{"1.234567", "0.123456", NULL},
	{"9999999.999999", "9999999.999999", NULL},
};

START_TEST(scales_rates_exactly)
{
	struct rate rate, factor, want, got = {77, 99};
	int r;

	ck_assert_int_eq(units_parse_rate(scales[_i].rate, &rate), 0);
	ck_assert_int_eq(units_parse_rate(scales[_i].factor, &factor), 0);
	r = rate_scale(rate, factor, &got);
	if (!scales[_i].product) {
		ck_assert_int_eq(r, UNITS_E_RANGE);
		ck_assert_uint_eq(got.num, 77);
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(units_parse_rate(scales[_i].product, &want), 0);
	ck_assert_uint_eq(got.num, want.num);
	ck_assert_uint_eq(got.den, want.den);
}
END_TEST

START_TEST(rate_as_a_double)
{
	ck_assert_double_eq(rate_per_s((struct rate){5, 2}), 2.5);
	ck_assert_double_eq(rate_per_s((struct rate){0, 1}), 0.0);
	ck_assert_double_eq(rate_per_s((struct rate){0, 0}), 0.0);
}
END_TEST

static const struct {
	const char *text;
	int r;
	int64_t ns;
	const char *back;
} times[] = {
	{"0", 0, 0, "0s"},
	{"0s", 0, 0, "0s"},
	{"1ns", 0, 1, "1ns"},
	{"999ns", 0, 999, "999ns"},
	{"1us", 0, 1000, "1us"},
	{"1.5us", 0, 1500, "1.5us"},
	{"250ms", 0, 250 * NSEC_PER_MSEC, "250ms"},
	{"0.25s", 0, 250 * NSEC_PER_MSEC, "250ms"},
	{"1.234567ms", 0, 1234567, "1.234567ms"},
	{"1.5s", 0, 1500 * NSEC_PER_MSEC, "1.5s"},
	{"1s500ms", 0, 1500 * NSEC_PER_MSEC, "1.5s"},
	{"90s", 0, 90 * NSEC_PER_SEC, "1m30s"},
	{"1m30s", 0, 90 * NSEC_PER_SEC, "1m30s"},
	{"30s1m", 0, 90 * NSEC_PER_SEC, "1m30s"},
	{"1m", 0, 60 * NSEC_PER_SEC, "1m"},
	{"0.5m", 0, 30 * NSEC_PER_SEC, "30s"},
	{"1h", 0, 3600 * NSEC_PER_SEC, "1h"},
	{"1.5h", 0, 5400 * NSEC_PER_SEC, "1h30m"},
	{"1h250ms", 0, 3600 * NSEC_PER_SEC + 250 * NSEC_PER_MSEC, "1h250ms"},
	{"1h2m3s4ms5us6ns", 0, INT64_C(3723004005006), "1h2m3s4.005006ms"},
	{"1.000001s", 0, INT64_C(1000001000), "1.000001s"},
	{"1s1ns", 0, INT64_C(1000000001), "1s1ns"},
	{"59s999.999999ms", 0, INT64_C(59999999999), "59s999.999999ms"},
	{"24h", 0, 86400 * NSEC_PER_SEC, "24h"},
	{"100000h", 0, (int64_t)UNITS_TIME_MAX_NS, "100000h"},
	{"100000h1ns", UNITS_E_RANGE, 0, NULL},
	{"99999h61m", UNITS_E_RANGE, 0, NULL},
	{"999999999999999999h", UNITS_E_RANGE, 0, NULL},
	{"1000000000000000000ns", UNITS_E_RANGE, 0, NULL},
	{"1.5ns", UNITS_E_RANGE, 0, NULL},
	{"0.0001us", UNITS_E_RANGE, 0, NULL},
	{"0.0000001s", UNITS_E_RANGE, 0, NULL},
	{"1s1.5ns", UNITS_E_RANGE, 0, NULL},
	{"", UNITS_E_SYNTAX, 0, NULL},
	{"s", UNITS_E_SYNTAX, 0, NULL},
	{"-1s", UNITS_E_SYNTAX, 0, NULL},
	{"1s ", UNITS_E_SYNTAX, 0, NULL},
	{"1 s", UNITS_E_SYNTAX, 0, NULL},
	{"1m 30s", UNITS_E_SYNTAX, 0, NULL},
	{"1.s", UNITS_E_SYNTAX, 0, NULL},
	{"1x", UNITS_E_SYNTAX, 0, NULL},
	{"1S", UNITS_E_SYNTAX, 0, NULL},
	{"1s-", UNITS_E_SYNTAX, 0, NULL},
	{"never", UNITS_E_SYNTAX, 0, NULL},
	{"30", UNITS_E_UNIT, 0, NULL},
	{"1m30", UNITS_E_UNIT, 0, NULL},
	{"0.0", UNITS_E_UNIT, 0, NULL},
	{"1d", UNITS_E_UNIT, 0, NULL},
	{"1min", UNITS_E_UNIT, 0, NULL},
	{"30/s", UNITS_E_UNIT, 0, NULL},
	{"30%", UNITS_E_UNIT, 0, NULL},
};

START_TEST(parses_times)
{
	char back[UNITS_TEXT_MAX];
	int64_t ns = 77;

	ck_assert_msg(units_parse_time(times[_i].text, &ns) == times[_i].r, "%s", times[_i].text);
	if (times[_i].r != 0) {
		ck_assert_int_eq(ns, 77);
		return;
	}
	ck_assert_int_eq(ns, times[_i].ns);
	units_format_time(ns, back, sizeof(back));
	ck_assert_str_eq(back, times[_i].back);
	ns = 77;
	ck_assert_int_eq(units_parse_time(back, &ns), 0);
	ck_assert_int_eq(ns, times[_i].ns);
}
END_TEST

/* Times of every size, none of them round. */
START_TEST(times_read_back)
{
	uint64_t x = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		char text[UNITS_TEXT_MAX];
		int64_t ns, back = -1;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		ns = (int64_t)((x >> (i % 64)) % (UNITS_TIME_MAX_NS + 1));
		units_format_time(ns, text, sizeof(text));
		ck_assert_msg(units_parse_time(text, &back) == 0, "%s", text);
		ck_assert_msg(back == ns, "%s", text);
	}
}
END_TEST

START_TEST(rates_read_back)
{
	static const uint64_t periods[] = {1, 60, 3600};
	uint64_t x = 362436069u;

	for (int i = 0; i < 20000; i++) {
		static const char *const ends[] = {"/s", "/m", "/h"};
		char text[UNITS_TEXT_MAX];
		struct rate rate = {0}, back = {0};
		uint64_t whole, parts, den;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		whole = (x >> 20) % (UINT64_C(1) << (i % 23));
		parts = x % 1000000;
		snprintf(text, sizeof(text), "%lu.%06lu%s", whole, parts, ends[i % 3]);
		ck_assert_msg(units_parse_rate(text, &rate) == 0, "%s", text);
		/* num / den == (whole * 10^6 + parts) / (10^6 * period), crosswise */
		den = 1000000 * periods[i % 3];
		ck_assert((unsigned __int128)rate.num * den ==
			  (unsigned __int128)(whole * 1000000 + parts) * rate.den);
		units_format_rate(rate, text, sizeof(text));
		ck_assert_msg(units_parse_rate(text, &back) == 0, "%s", text);
		ck_assert_uint_eq(back.num, rate.num);
		ck_assert_uint_eq(back.den, rate.den);
	}
}
END_TEST

START_TEST(formats_extreme_times)
{
	char text[UNITS_TEXT_MAX];

	units_format_time(INT64_MAX, text, sizeof(text));
	ck_assert_str_eq(text, "2562047h47m16s854.775807ms");
	units_format_time(INT64_MIN, text, sizeof(text));
	ck_assert_str_eq(text, "-2562047h47m16s854.775808ms");
	memset(text, 'x', sizeof(text));
	units_format_time(90 * NSEC_PER_SEC, text, 3);
	ck_assert_str_eq(text, "1m");
}
END_TEST

static const struct {
	const char *text;
	int r;
	double share;
} shares[] = {
	{"0%", 0, 0.0},
	{"0.1%", 0, 0.001},
	{"20%", 0, 0.2},
	{"99.999999%", 0, 0.99999999},
	{"100%", 0, 1.0},
	{"100.000001%", UNITS_E_RANGE, 0},
	{"200%", UNITS_E_RANGE, 0},
	{"0.0000001%", UNITS_E_RANGE, 0},
	{"", UNITS_E_SYNTAX, 0},
	{"%", UNITS_E_SYNTAX, 0},
	{"-1%", UNITS_E_SYNTAX, 0},
	{"5 %", UNITS_E_SYNTAX, 0},
	{"5%%", UNITS_E_SYNTAX, 0},
	{"5", UNITS_E_UNIT, 0},
	{"0.05", UNITS_E_UNIT, 0},
	{"5s", UNITS_E_UNIT, 0},
};

START_TEST(parses_shares)
{
	double share = -7.0;

	ck_assert_msg(
		units_parse_share(shares[_i].text, &share) == shares[_i].r, "%s", shares[_i].text);
	ck_assert_double_eq(share, shares[_i].r == 0 ? shares[_i].share : -7.0);
}
END_TEST

static const struct {
	const char *text;
	int r;
	uint64_t bytes;
} sizes[] = {
	{"0", 0, 0},
	{"0B", 0, 0},
	{"1B", 0, 1},
	{"1KiB", 0, 1024},
	{"1.5KiB", 0, 1536},
	{"16MiB", 0, 16u << 20},
	{"0.000977KiB", UNITS_E_RANGE, 0},
	{"0.5B", UNITS_E_RANGE, 0},
	{"8796093022207MiB", 0, UINT64_C(8796093022207) << 20},
	{"8796093022208MiB", UNITS_E_RANGE, 0},
	{"", UNITS_E_SYNTAX, 0},
	{"KiB", UNITS_E_SYNTAX, 0},
	{"1 KiB", UNITS_E_SYNTAX, 0},
	{"1kib", UNITS_E_SYNTAX, 0},
	{"1KiBx", UNITS_E_SYNTAX, 0},
	{"-1B", UNITS_E_SYNTAX, 0},
	{"1", UNITS_E_UNIT, 0},
	{"1KB", UNITS_E_UNIT, 0},
	{"1GiB", UNITS_E_UNIT, 0},
	{"1s", UNITS_E_UNIT, 0},
};

START_TEST(parses_sizes)
{
	uint64_t bytes = 77;

	ck_assert_msg(
		units_parse_size(sizes[_i].text, &bytes) == sizes[_i].r, "%s", sizes[_i].text);
	ck_assert_uint_eq(bytes, sizes[_i].r == 0 ? sizes[_i].bytes : 77);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("units");
	TCase *tcase = tcase_create("units");

	tcase_add_loop_test(tcase, parses_rates, 0, COUNT(rates));
	tcase_add_test(tcase, formats_odd_rates);
	tcase_add_loop_test(tcase, scales_rates_exactly, 0, COUNT(scales));
	tcase_add_test(tcase, rate_as_a_double);
	tcase_add_test(tcase, rates_read_back);
	tcase_add_loop_test(tcase, parses_times, 0, COUNT(times));
	tcase_add_test(tcase, times_read_back);
	tcase_add_test(tcase, formats_extreme_times);
	tcase_add_loop_test(tcase, parses_shares, 0, COUNT(shares));
	tcase_add_loop_test(tcase, parses_sizes, 0, COUNT(sizes));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
