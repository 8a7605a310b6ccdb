/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzer has kept, fed to the parser again by the same property, so that a finding stays
 * found; and the same for the table. */
#include <check.h>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/http1_property.h"
#include "tests/support/suite.h"
#include "tests/unit/http/http1_cases.h"

#define CORPUS "tests/fuzz/corpus/http1"

START_TEST(test_corpus)
{
	ck_assert_uint_gt(corpus_replay(CORPUS, http1_property_holds), 50);
}
END_TEST

START_TEST(test_table)
{
	static uint8_t data[4096];

	for (size_t i = 0; i < N_CASES; i++) {
		const struct http1_case *c = &cases[i];

		memcpy(data + 1, c->taken, c->taken_len);
		memcpy(data + 1 + c->taken_len, c->rest, c->rest_len);
		for (unsigned how = 0; how < 256; how += 5) {
			data[0] = (uint8_t)how;
			http1_property_holds(data, 1 + c->taken_len + c->rest_len);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http1_corpus");
	TCase *tcase = tcase_create("corpus");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_corpus);
	tcase_add_test(tcase, test_table);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
