/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/service/log.h"
#include "tests/support/suite.h"

static int test_pipe[2];

/* stderr into a pipe; every test is a process of its own. */
static void test_setup(void)
{
	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	ck_assert_int_eq(unsetenv("INVOCATION_ID"), 0);
	ck_assert_int_eq(pipe2(test_pipe, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(dup2(test_pipe[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *test_written(void)
{
	static char text[8192];
	ssize_t n = read(test_pipe[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(a_person_is_told_who_speaks)
{
	log_open(LOG_INFO);
	log_error("%d apples", 3);
	ck_assert_str_eq(test_written(), "rpsd: 3 apples\n");
}
END_TEST

START_TEST(the_journal_is_told_the_priority)
{
	ck_assert_int_eq(setenv(_i ? "JOURNAL_STREAM" : "INVOCATION_ID", "1:2", 1), 0);
	log_open(LOG_INFO);
	log_warning("a");
	log_info("b");
	ck_assert_str_eq(test_written(), "<4>a\n<6>b\n");
}
END_TEST

START_TEST(what_matters_less_can_be_left_out)
{
	log_open(LOG_WARNING);
	log_info("news");
	log_trail(1, 2, NULL, "trail");
	ck_assert_str_eq(test_written(), "");
	log_warning("warning");
	ck_assert_str_eq(test_written(), "rpsd: warning\n");
}
END_TEST

START_TEST(the_trail_says_who)
{
	log_open(LOG_INFO);
	log_trail(1000, 42, "checkout-7", "started by %s", "alice");
	log_trail(0, 1, NULL, "refused");
	ck_assert_str_eq(test_written(), "rpsd: started by alice (run=checkout-7 uid=1000 pid=42)\n"
					 "rpsd: refused (uid=0 pid=1)\n");
}
END_TEST

START_TEST(nobody_forges_a_line)
{
	log_open(LOG_INFO);
	log_info("a\nrpsd: b\r\x1b[0m\x7f\xc2\x9b µ \xe2\x80\xae");
	ck_assert_str_eq(test_written(), "rpsd: a?rpsd: b??[0m??? µ ???\n");
}
END_TEST

START_TEST(a_long_line_is_cut_but_not_its_author)
{
	char text[4000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_open(LOG_INFO);
	log_trail(1000, 42, text, "%s", text);
	line = test_written();
	ck_assert_uint_lt(strlen(line), 1100);
	ck_assert_ptr_nonnull(strstr(line, " uid=1000 pid=42)\n"));
	log_info("%s", text);
	line = test_written();
	ck_assert_uint_lt(strlen(line), 1100);
	ck_assert_str_eq(line + strlen(line) - 2, "x\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_checked_fixture(t, test_setup, NULL);
	tcase_add_test(t, a_person_is_told_who_speaks);
	tcase_add_loop_test(t, the_journal_is_told_the_priority, 0, 2);
	tcase_add_test(t, what_matters_less_can_be_left_out);
	tcase_add_test(t, the_trail_says_who);
	tcase_add_test(t, nobody_forges_a_line);
	tcase_add_test(t, a_long_line_is_cut_but_not_its_author);
	suite_add_tcase(s, t);
	return suite_main(s);
}
