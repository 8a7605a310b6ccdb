/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's two equations: what holds them, and that every single slip breaks them. */
#include "common/stats/ledger.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

/* One arrival in class 0, two in class 1, and so on. */
static struct ledger balanced(void)
{
	struct ledger l = {0};

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++) {
		l.classes[c] = c + 1;
		l.planned += c + 1;
		if (ledger_class_is_sent(c))
			l.sent += c + 1;
	}
	return l;
}

START_TEST(test_names)
{
	static const char *const want[] = {"dropped", "expired", "not_connected", "unsent", "lost",
		"ok", "http_error", "check_failed", "bad_response", "timeout", "connection_error",
		"unfinished"};

	ck_assert_uint_eq(sizeof(want) / sizeof(want[0]), LEDGER_CLASS_COUNT);
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		ck_assert_str_eq(ledger_class_names[c], want[c]);
}
END_TEST

START_TEST(test_sent_classes)
{
	ck_assert(!ledger_class_is_sent(LEDGER_DROPPED));
	ck_assert(!ledger_class_is_sent(LEDGER_EXPIRED));
	ck_assert(!ledger_class_is_sent(LEDGER_NOT_CONNECTED));
	ck_assert(!ledger_class_is_sent(LEDGER_UNSENT));
	ck_assert(!ledger_class_is_sent(LEDGER_LOST));
	for (unsigned c = LEDGER_OK; c < LEDGER_CLASS_COUNT; c++)
		ck_assert(ledger_class_is_sent(c));
}
END_TEST

START_TEST(test_empty)
{
	struct ledger l = {0};

	ck_assert(ledger_balances(&l));
	ck_assert_uint_eq(ledger_resolved(&l), 0);
	ck_assert_double_eq(ledger_failed_share(&l), 0);
}
END_TEST

START_TEST(test_balances)
{
	struct ledger l = balanced();

	ck_assert(ledger_balances(&l));
	ck_assert_uint_eq(ledger_resolved(&l), l.planned);
	ck_assert_uint_eq(l.planned, 78);
	ck_assert_uint_eq(l.sent, 63);
}
END_TEST

/* _i: the class that is counted once too often, or not at all. */
START_TEST(test_one_class_off)
{
	struct ledger more = balanced(), less = balanced(), moved = balanced();

	more.classes[_i]++;
	ck_assert(!ledger_balances(&more));
	less.classes[_i]--;
	ck_assert(!ledger_balances(&less));

	/* One arrival in a class of the other kind: the total stays right, sent does not. */
	moved.classes[_i]--;
	moved.classes[ledger_class_is_sent(_i) ? LEDGER_DROPPED : LEDGER_OK]++;
	ck_assert_uint_eq(ledger_resolved(&moved), moved.planned);
	ck_assert(!ledger_balances(&moved));
}
END_TEST

START_TEST(test_totals_off)
{
	struct ledger l = balanced();

	l.planned++;
	ck_assert(!ledger_balances(&l));
	l = balanced();
	l.sent++;
	ck_assert(!ledger_balances(&l));
	l.planned++;
	ck_assert(!ledger_balances(&l));
}
END_TEST

START_TEST(test_add)
{
	struct ledger a = balanced(), b = {.planned = 3, .sent = 2}, zero = {0};

	b.classes[LEDGER_OK] = 1;
	b.classes[LEDGER_TIMEOUT] = 1;
	b.classes[LEDGER_UNSENT] = 1;
	ledger_add(&a, &b);
	ck_assert_uint_eq(a.planned, 81);
	ck_assert_uint_eq(a.sent, 65);
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		ck_assert_uint_eq(a.classes[c], c + 1 + b.classes[c]);
	ck_assert(ledger_balances(&a));

	struct ledger before = a;

	ledger_add(&a, &zero);
	ck_assert_mem_eq(&a, &before, sizeof(a));
}
END_TEST

START_TEST(test_failed_share)
{
	struct ledger l = {.planned = 1000, .sent = 990};

	l.classes[LEDGER_OK] = 980;
	l.classes[LEDGER_HTTP_ERROR] = 10;
	l.classes[LEDGER_DROPPED] = 10;
	ck_assert(ledger_balances(&l));
	ck_assert_double_eq_tol(ledger_failed_share(&l), 0.02, 1e-12);

	l.classes[LEDGER_OK] = 0;
	ck_assert_double_eq(ledger_failed_share(&l), 1.0);
	l.classes[LEDGER_OK] = 1000;
	ck_assert_double_eq(ledger_failed_share(&l), 0);
	/* One failure in 10^15 is not rounded away. */
	l.planned = UINT64_C(1000000000000000);
	l.classes[LEDGER_OK] = l.planned - 1;
	ck_assert_double_gt(ledger_failed_share(&l), 0);
	/* More ok than planned is a bug elsewhere; it must not look like a huge failure. */
	l.planned = 10;
	l.classes[LEDGER_OK] = 11;
	ck_assert_double_le(ledger_failed_share(&l), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ledger");
	TCase *t = tcase_create("ledger");

	tcase_add_test(t, test_names);
	tcase_add_test(t, test_sent_classes);
	tcase_add_test(t, test_empty);
	tcase_add_test(t, test_balances);
	tcase_add_loop_test(t, test_one_class_off, 0, LEDGER_CLASS_COUNT);
	tcase_add_test(t, test_totals_off);
	tcase_add_test(t, test_add);
	tcase_add_test(t, test_failed_share);
	suite_add_tcase(s, t);

	return suite_main(s);
}
