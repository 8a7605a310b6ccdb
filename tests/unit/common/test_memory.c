/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out while documents are made: each allocation in turn fails, and there is a
 * whole document or none. The allocations are those of this file: jansson's and the program's own.
 */
#include "common/memory.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/stats/histogram.h"
#include "common/json_path.h"
#include "tests/support/fail_here.h"
#include "tests/support/suite.h"
#include "tests/unit/common/written.h"

static void setup(void)
{
	memory_watch(free);
}

START_TEST(success_is_not_counted)
{
	unsigned long before = memory_failures();
	json_t *text = json_string("a text");
	void *zeros = memory_calloc(2, 8);

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(zeros);
	ck_assert_uint_eq(memory_failures(), before);
	json_decref(text);
	free(zeros);
}
END_TEST

START_TEST(failures_are_counted)
{
	unsigned long before = memory_failures();
	struct buf b = {0};
	json_t *array = json_array();

	fail_left = 0;
	ck_assert_ptr_null(json_string("a text"));
	ck_assert_uint_eq(memory_failures(), before + 1);
	fail_left = 0;
	ck_assert_int_lt(buf_puts(&b, "a text"), 0);
	ck_assert_uint_eq(memory_failures(), before + 2);
	fail_left = 0;
	ck_assert_ptr_null(memory_calloc(1, 1));
	ck_assert_uint_eq(memory_failures(), before + 3);
	/* What nobody looks at is counted too. */
	fail_left = 0;
	(void)json_array_append_new(array, json_integer(1));
	ck_assert_uint_eq(memory_failures(), before + 4);
	fail_left = -1;
	json_decref(array);
}
END_TEST

/* Also the text of a histogram, which jansson does not make. */
START_TEST(histogram_without_memory)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
	histogram_record(&h, 1000);
	for (long n = 0;; n++) {
		unsigned long before = memory_failures();
		json_t *doc;

		fail_left = n;
		doc = written_latency(&h);
		if (fail_left >= 0) {
			fail_left = -1;
			ck_assert_ptr_nonnull(json_object_get(doc, "hdr"));
			json_decref(doc);
			break;
		}
		ck_assert(!doc || memory_failures() > before);
		json_decref(doc);
	}
	histogram_fini(&h);
}
END_TEST

/* Strings and numbers of every length: what is read is all of the text, or nothing. */
START_TEST(read_without_memory)
{
	for (int len = 1; len < 140; len++) {
		struct buf text = {0};
		json_t *whole;

		ck_assert_int_eq(
			buf_printf(&text, "{\"a%0*d\": \"%0*d\\u00e9\", \"b\": [1.%0*d, 1%0*d]}",
				len, 0, len, 7, len, 3, len % 17 + 1, 5),
			0);
		whole = memory_load_json(text.data, text.len, 0, NULL);
		ck_assert_ptr_nonnull(whole);
		for (long n = 0;; n++) {
			unsigned long before = memory_failures();
			json_t *again;
			bool has_failed;

			fail_left = n;
			again = memory_load_json(text.data, text.len, 0, NULL);
			has_failed = fail_left < 0;
			fail_left = -1;
			ck_assert_uint_eq(memory_failures() - before, has_failed);
			ck_assert(has_failed ? !again : json_equal(again, whole));
			json_decref(again);
			if (!has_failed)
				break;
		}
		json_decref(whole);
		buf_fini(&text);
	}
}
END_TEST

START_TEST(what_is_no_json)
{
	unsigned long before = memory_failures();
	json_error_t error;

	ck_assert_ptr_null(memory_load_json("{\"a\": 1,\n]", 11, 0, &error));
	ck_assert_int_eq(error.line, 2);
	ck_assert_uint_eq(memory_failures(), before);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("memory");
	TCase *t = tcase_create("memory");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, success_is_not_counted);
	tcase_add_test_of_failures(t, failures_are_counted);
	tcase_add_test_of_failures(t, histogram_without_memory);
	tcase_add_test_of_failures(t, read_without_memory);
	tcase_add_test(t, what_is_no_json);
	suite_add_tcase(s, t);
	return suite_main(s);
}
