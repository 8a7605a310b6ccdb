/* SPDX-License-Identifier: Apache-2.0 */
/* The end of main of every test program. */
#pragma once

#include <check.h>
#include <stdlib.h>

/* As ck_assert and ck_assert_msg, for what is asserted a million times: those write to the runner
 * also when all is well, which costs more than most of what they ask. */
#define suite_assert(condition) suite_assert_msg(condition, "Assertion '%s' failed", #condition)
#define suite_assert_msg(condition, ...)                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg(__VA_ARGS__);                                                 \
	} while (0)

/* Runs the suite, whose verbosity is CK_VERBOSITY's and which forks unless CK_FORK is no. Frees it;
 * the exit status. */
static inline int suite_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
