/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that cannot run everywhere: such a test says so in a line that tests/support/run_tests.sh
 * counts. */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Says that a test is skipped; flushed, since check forks. */
static inline void skip_say(const char *test, const char *why)
{
	printf("skipped: %s (%s)\n", test, why);
	fflush(stdout);
}

static inline bool skip_unless_root(const char *test)
{
	if (geteuid() == 0)
		return false;
	skip_say(test, "needs root");
	return true;
}

#define tcase_add_loop_test_of_root(tcase, test, first, end)                                       \
	do {                                                                                       \
		if (!skip_unless_root(#test))                                                      \
			tcase_add_loop_test(tcase, test, first, end);                              \
	} while (0)
#define tcase_add_test_of_root(tcase, test) tcase_add_loop_test_of_root(tcase, test, 0, 1)
