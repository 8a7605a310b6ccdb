/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of what can go wrong: whole, in the order of the phases, with names that people can
 * type, and an answer for each errno. */
#include "common/stats/fault.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(test_entry)
{
	const struct fault_info *f = &fault_table[_i];

	ck_assert_ptr_nonnull(f->name);
	ck_assert_uint_gt(strlen(f->name), 0);
	for (const char *c = f->name; *c; c++)
		ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
				      (*c == '-' && c > f->name && c[1]),
			"%s", f->name);
	/* It stands in a column of 17 in the report. */
	ck_assert_msg(strlen(f->name) <= 17, "%s", f->name);
	for (int other = 0; other < _i; other++)
		ck_assert_str_ne(f->name, fault_table[other].name);
	ck_assert_ptr_nonnull(f->help);
	ck_assert_uint_gt(strlen(f->help), 0);
	/* One line, no sentence: it stands after a colon or in brackets. */
	ck_assert_ptr_null(strchr(f->help, '\n'));
	ck_assert_int_ne(f->help[strlen(f->help) - 1], '.');
	ck_assert_msg(strlen(f->help) <= 90, "%s", f->help);
	ck_assert_int_lt(f->class, LEDGER_CLASS_COUNT);
}
END_TEST

START_TEST(test_only_none_is_ok)
{
	for (int i = 0; i < FAULT_COUNT; i++) {
		ck_assert_int_eq(fault_table[i].class == LEDGER_OK, i == FAULT_NONE);
		ck_assert_int_eq(fault_table[i].phase == FAULT_PHASE_NONE, i == FAULT_NONE);
	}
}
END_TEST

/* What lists the table by phase may go through it once. */
START_TEST(test_order_of_phases)
{
	bool has[FAULT_PHASE_COUNT] = {false};

	for (int i = 0; i < FAULT_COUNT; i++) {
		has[fault_table[i].phase] = true;
		if (i > 0)
			ck_assert_int_ge(fault_table[i].phase, fault_table[i - 1].phase);
	}
	for (int phase = 0; phase < FAULT_PHASE_COUNT; phase++) {
		ck_assert_msg(
			has[phase], "nothing goes wrong in phase %s", fault_phase_names[phase]);
		ck_assert_ptr_nonnull(fault_phase_names[phase]);
		ck_assert_int_eq(fault_phase_names[phase][0] == '\0', phase == FAULT_PHASE_NONE);
		for (int other = 0; other < phase; other++)
			ck_assert_str_ne(fault_phase_names[phase], fault_phase_names[other]);
	}
}
END_TEST

/* All but those in which a request ends with the run, or with its generator. */
START_TEST(test_every_failure_class_has_a_fault)
{
	bool has[LEDGER_CLASS_COUNT] = {false};

	for (int i = 0; i < FAULT_COUNT; i++)
		has[fault_table[i].class] = true;
	for (int class = 0; class < LEDGER_CLASS_COUNT; class ++)
		ck_assert_msg(has[class] == (class != LEDGER_UNSENT && class != LEDGER_LOST &&
						    class != LEDGER_UNFINISHED),
			"%s", ledger_class_names[class]);
}
END_TEST

static const struct {
	enum fault_phase phase;
	enum ledger_class class;
} phase_classes[] = {
	{FAULT_PHASE_RESOLVE, LEDGER_NOT_CONNECTED},
	{FAULT_PHASE_CONNECT, LEDGER_NOT_CONNECTED},
	{FAULT_PHASE_TLS, LEDGER_NOT_CONNECTED},
	{FAULT_PHASE_SEND, LEDGER_CONNECTION_ERROR},
	{FAULT_PHASE_RECEIVE, LEDGER_CONNECTION_ERROR},
	{FAULT_PHASE_PARSE, LEDGER_BAD_RESPONSE},
	{FAULT_PHASE_TIMEOUT, LEDGER_TIMEOUT},
	{FAULT_PHASE_STATUS, LEDGER_HTTP_ERROR},
	{FAULT_PHASE_CHECK, LEDGER_CHECK_FAILED},
	{FAULT_PHASE_GENERATOR, LEDGER_NOT_CONNECTED},
};

START_TEST(test_phase_says_the_class)
{
	for (int i = 0; i < FAULT_COUNT; i++)
		if (fault_table[i].phase == phase_classes[_i].phase)
			ck_assert_int_eq(fault_table[i].class, phase_classes[_i].class);
}
END_TEST

static const struct {
	int error;
	enum fault fault;
} errnos[] = {
	{ECONNREFUSED, FAULT_CONNECT_REFUSED},
	{EAGAIN, FAULT_CONNECT_BACKLOG},
	{ETIMEDOUT, FAULT_CONNECT_TIMEOUT},
	{EHOSTUNREACH, FAULT_CONNECT_ERROR},
	{ENETUNREACH, FAULT_CONNECT_ERROR},
	{ECONNRESET, FAULT_CONNECT_ERROR},
	{0, FAULT_CONNECT_ERROR},
	{-1, FAULT_CONNECT_ERROR},
	{EMFILE, FAULT_NO_DESCRIPTORS},
	{ENFILE, FAULT_NO_DESCRIPTORS},
	{EADDRNOTAVAIL, FAULT_NO_PORTS},
	{EADDRINUSE, FAULT_NO_PORTS},
	{ENOMEM, FAULT_NO_MEMORY},
	{ENOBUFS, FAULT_NO_MEMORY},
	{EPERM, FAULT_FORBIDDEN},
	{EACCES, FAULT_FORBIDDEN},
};

START_TEST(test_errno)
{
	ck_assert_int_eq(fault_of_connect_errno(errnos[_i].error), errnos[_i].fault);
}
END_TEST

/* What is said of a fault holds for each error that it stands for. */
START_TEST(test_words_of_connect_errors)
{
	const char *help = fault_table[fault_of_connect_errno(ECONNRESET)].help;

	ck_assert_msg(strstr(help, "reset") != NULL, "%s", help);
	help = fault_table[fault_of_connect_errno(EHOSTUNREACH)].help;
	ck_assert_msg(strstr(help, "no route") != NULL, "%s", help);
	help = fault_table[fault_of_connect_errno(ENOENT)].help;
	ck_assert_msg(strstr(help, "no such socket") != NULL, "%s", help);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fault");
	TCase *t = tcase_create("fault");

	tcase_add_loop_test(t, test_entry, 0, FAULT_COUNT);
	tcase_add_test(t, test_only_none_is_ok);
	tcase_add_test(t, test_order_of_phases);
	tcase_add_test(t, test_every_failure_class_has_a_fault);
	tcase_add_loop_test(t, test_phase_says_the_class, 0, N(phase_classes));
	tcase_add_loop_test(t, test_errno, 0, N(errnos));
	tcase_add_test(t, test_words_of_connect_errors);
	suite_add_tcase(s, t);
	return suite_main(s);
}
