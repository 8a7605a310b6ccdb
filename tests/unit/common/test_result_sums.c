/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of recorded results are what they were: of slices, of some of the slices, of users of a
 * closed model, of repetitions. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/result/result_merge.h"
#include "tests/support/same_text.h"
#include "tests/support/recorded.h"
#include "tests/support/suite.h"

/* As documents are written to files. */
#define DIGITS JSON_REAL_PRECISION(15)

static const struct {
	const char *sum;
	enum result_merge_mode mode;
	const char *parts[4];
} sums[] = {
	{"slices", RESULT_MERGE_PARTS, {"slice1", "slice2", "slice3"}},
	{"slices_two", RESULT_MERGE_PARTS, {"slice1", "slice3"}},
	{"users", RESULT_MERGE_PARTS, {"user1", "user2"}},
	{"repeats", RESULT_MERGE_REPEATS, {"repeat1", "repeat2", "repeat3"}},
};

START_TEST(test_recorded)
{
	struct result_merge_part parts[4];
	json_t *want = recorded_run(sums[_i].sum), *got = NULL;
	const char *member;
	struct err err = {0};
	json_t *value;
	size_t n = 0;

	for (; n < 4 && sums[_i].parts[n]; n++)
		parts[n] = (struct result_merge_part){
			sums[_i].parts[n], recorded_run(sums[_i].parts[n])};
	ck_assert_msg(result_merge(parts, n, sums[_i].mode, &got, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(json_object_size(got), json_object_size(want));
	json_object_foreach(want, member, value)
	{
		char *a = json_dumps(value, JSON_ENCODE_ANY | DIGITS);
		char *b = json_dumps(json_object_get(got, member), JSON_ENCODE_ANY | DIGITS);

		assert_same_text(member, b ? b : "", a);
		free(a);
		free(b);
	}
	while (n > 0)
		json_decref((json_t *)parts[--n].doc);
	json_decref(want);
	json_decref(got);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("result_sums");
	TCase *tcase = tcase_create("sums");

	tcase_add_loop_test(tcase, test_recorded, 0, (int)(sizeof(sums) / sizeof(*sums)));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
