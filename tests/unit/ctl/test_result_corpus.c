/* SPDX-License-Identifier: Apache-2.0 */
/* Result documents that the fuzzer starts from or has found, and the recorded ones, by the same
 * property. */
#include <check.h>
#include <glob.h>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/result_property.h"
#include "tests/support/suite.h"

START_TEST(test_corpus)
{
	ck_assert_uint_ge(corpus_replay("tests/fuzz/corpus/result", result_property_holds), 5);
}
END_TEST

START_TEST(test_recorded)
{
	static const char *const names[] = {
		"closed", "empty", "errors", "failed", "open", "overload", "requests"};
	char path[64];

	(void)snprintf(path, sizeof(path), "tests/data/result_%s.json", names[_i]);
	corpus_feed(path, result_property_holds);
}
END_TEST

START_TEST(test_runs)
{
	glob_t found;

	ck_assert_int_eq(glob("tests/data/results/*.json", 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 20);
	for (size_t i = 0; i < found.gl_pathc; i++)
		corpus_feed(found.gl_pathv[i], result_property_holds);
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("result_corpus");
	TCase *tcase = tcase_create("corpus");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_corpus);
	tcase_add_loop_test(tcase, test_recorded, 0, 7);
	tcase_add_test(tcase, test_runs);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
