/* SPDX-License-Identifier: Apache-2.0 */
/* Figures in words: digits, units, and what happens where one unit ends and the next begins. */
#include "daemon/engine/audit_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/ledger.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(test_count)
{
	ck_assert_str_eq(audit_text_count(0).s, "0");
	ck_assert_str_eq(audit_text_count(999).s, "999");
	ck_assert_str_eq(audit_text_count(1000).s, "1,000");
	ck_assert_str_eq(audit_text_count(12345).s, "12,345");
	ck_assert_str_eq(audit_text_count(999999).s, "999,999");
	ck_assert_str_eq(audit_text_count(1000000).s, "1,000,000");
	ck_assert_str_eq(audit_text_count(UINT64_MAX).s, "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(test_time)
{
	static const struct {
		int64_t ns;
		const char *want;
	} cases[] = {
		{INT64_MIN, "0 ns"},
		{-1, "0 ns"},
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{9994, "9.99 us"},
		{9996, "10.0 us"},
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
		{INT64_MAX, "2562048 h"},
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		ck_assert_str_eq(audit_text_time(cases[i].ns).s, cases[i].want);
}
END_TEST

START_TEST(test_rate)
{
	ck_assert_str_eq(audit_text_rate(0).s, "0/s");
	ck_assert_str_eq(audit_text_rate(0.2).s, "0.2/s");
	ck_assert_str_eq(audit_text_rate(1.0 / 3).s, "0.333/s");
	ck_assert_str_eq(audit_text_rate(49.75).s, "49.8/s");
	ck_assert_str_eq(audit_text_rate(99.94).s, "99.9/s");
	ck_assert_str_eq(audit_text_rate(99.96).s, "100/s");
	ck_assert_str_eq(audit_text_rate(497).s, "497/s");
	ck_assert_str_eq(audit_text_rate(999.9999).s, "1,000/s");
	ck_assert_str_eq(audit_text_rate(10e6).s, "10,000,000/s");
	ck_assert_str_eq(audit_text_rate(1e30).s, "1e+30/s");
}
END_TEST

START_TEST(test_share)
{
	ck_assert_str_eq(audit_text_share(0).s, "0.0 %");
	ck_assert_str_eq(audit_text_share(0.00012).s, "0.012 %");
	ck_assert_str_eq(audit_text_share(0.065).s, "6.5 %");
	ck_assert_str_eq(audit_text_share(1).s, "100.0 %");
}
END_TEST

START_TEST(test_failures)
{
	struct ledger l = {.planned = 0};

	ck_assert_str_eq(audit_text_failures(&l).s, "");
	l.classes[LEDGER_OK] = 1000000;
	ck_assert_str_eq(audit_text_failures(&l).s, "");
	l.classes[LEDGER_CONNECTION_ERROR] = 12;
	l.classes[LEDGER_TIMEOUT] = 5500;
	ck_assert_str_eq(audit_text_failures(&l).s, "timeout 5,500, connection error 12");
	l.classes[LEDGER_DROPPED] = 13;
	l.classes[LEDGER_UNSENT] = 11;
	ck_assert_str_eq(
		audit_text_failures(&l).s, "timeout 5,500, dropped 13, connection error 12");
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		l.classes[c] = UINT64_MAX;
	ck_assert_uint_lt(strlen(audit_text_failures(&l).s), sizeof(struct audit_text) - 1);
}
END_TEST

START_TEST(test_round_number)
{
	static const uint64_t magnitudes[] = {1, 9, 10, 11, 30, 99, 100, 101, 1234, 45678, 1000000};

	ck_assert_uint_eq(audit_text_round_number(1), 1);
	ck_assert_uint_eq(audit_text_round_number(8.7), 9);
	ck_assert_uint_eq(audit_text_round_number(30.15), 30);
	ck_assert_uint_eq(audit_text_round_number(33), 35);
	ck_assert_uint_eq(audit_text_round_number(301.5), 300);
	ck_assert_uint_eq(audit_text_round_number(15000), 15000);
	for (size_t i = 0; i < N_ELEMENTS(magnitudes); i++) {
		uint64_t n = audit_text_round_number((double)magnitudes[i]);

		ck_assert_uint_ge(4 * n, 3 * magnitudes[i]);
		ck_assert_uint_le(4 * n, 5 * magnitudes[i]);
	}
	ck_assert_uint_eq(audit_text_round_number(1e300), 1000000000000000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit_text");
	TCase *tcase = tcase_create("audit_text");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, test_count);
	tcase_add_test(tcase, test_time);
	tcase_add_test(tcase, test_rate);
	tcase_add_test(tcase, test_share);
	tcase_add_test(tcase, test_failures);
	tcase_add_test(tcase, test_round_number);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
