/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the audit's sentences. */
#include "common/result/audit_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/stats/ledger.h"
#include "tests/support/suite.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

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

	tcase_add_test(tcase, test_failures);
	tcase_add_test(tcase, test_round_number);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
