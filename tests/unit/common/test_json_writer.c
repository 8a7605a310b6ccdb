/* SPDX-License-Identifier: Apache-2.0 */
/* The text is jansson's, however it is cut. */
#include "common/json_writer.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "tests/support/suite.h"

static const char *const test_documents[] = {
	"{}",
	"[]",
	"[[],{},[{}],[[[]]]]",
	"{\"a\":{\"b\":[1,-2,3.5,1e300,0.1,100.0,true,false,null,\"\"]},\"\":\"\",\"c\":{}}",
	"[\"\\\" \\\\ / \\b \\f \\n \\r \\t \\u0001 \\u001f \\u007f \\u00e9 \\ud83d\\ude00 "
	"\\u2028\"]",
	"{\"quote \\\" in a key\\n\":[-9223372036854775808,9223372036854775807]}",
	"\"a text alone\"",
	"-17",
	"null",
};
#define N_DOCUMENTS ((int)(sizeof(test_documents) / sizeof(test_documents[0])))

/* In parts of at least `enough` bytes; how many there were. */
static unsigned test_write(json_t *document, size_t enough, struct buf *out)
{
	struct json_writer w = {0};
	unsigned n_parts = 0;

	json_writer_begin(&w, json_incref(document));
	while (json_writer_is_writing(&w)) {
		size_t before = out->len;

		ck_assert_int_eq(json_writer_write(&w, out, enough), 0);
		ck_assert(out->len - before >= enough || !json_writer_is_writing(&w));
		n_parts++;
	}
	json_writer_fini(&w);
	return n_parts;
}

static void test_compare(json_t *document, size_t enough)
{
	char *want = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
	struct buf out = {0};

	ck_assert_ptr_nonnull(want);
	test_write(document, enough, &out);
	ck_assert_str_eq(out.data, want);
	buf_fini(&out);
	free(want);
}

START_TEST(the_text_is_that_of_jansson)
{
	json_t *document = json_loads(test_documents[_i], JSON_DECODE_ANY, NULL);

	ck_assert_ptr_nonnull(document);
	for (size_t enough = 1; enough < 40; enough++)
		test_compare(document, enough);
	test_compare(document, SIZE_MAX);
	ck_assert_uint_eq(document->refcount, json_typeof(document) == JSON_NULL ? SIZE_MAX : 1);
	json_decref(document);
}
END_TEST

START_TEST(a_part_is_not_much_longer_than_asked_for)
{
	json_t *document = json_array();
	struct buf out = {0};
	unsigned n_parts;

	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(json_array_append_new(document, json_pack("{s:i}", "n", i)), 0);
	n_parts = test_write(document, 1000, &out);
	ck_assert_uint_ge(n_parts, out.len / 1020);
	ck_assert_uint_le(n_parts, out.len / 1000 + 1);
	buf_fini(&out);
	json_decref(document);
}
END_TEST

/* Deeper than the stack of the writer. */
START_TEST(what_is_nested_deeply_is_written_too)
{
	json_t *document = json_integer(1);

	for (int i = 0; i < 3 * JSON_WRITER_DEPTH; i++)
		document = i % 2 ? json_pack("[o, i]", document, i)
				 : json_pack("{s:o, s:i}", "a", document, "b", i);
	test_compare(document, 1);
	test_compare(document, SIZE_MAX);
	json_decref(document);
}
END_TEST

START_TEST(a_text_with_a_nul_is_written_whole)
{
	json_t *document = json_pack("[s#]", "a\0b", 3);
	char *want = json_dumps(document, JSON_COMPACT);

	test_compare(document, 1);
	ck_assert_str_eq(want, "[\"a\\u0000b\"]");
	free(want);
	json_decref(document);
}
END_TEST

START_TEST(what_was_not_finished_is_given_back)
{
	json_t *document = json_pack("[[i, i], i]", 1, 2, 3);
	struct json_writer w = {0};
	struct buf out = {0};

	json_writer_begin(&w, json_incref(document));
	ck_assert_int_eq(json_writer_write(&w, &out, 2), 0);
	ck_assert(json_writer_is_writing(&w));
	json_writer_fini(&w);
	ck_assert(!json_writer_is_writing(&w));
	json_writer_fini(&w);
	ck_assert_uint_eq(document->refcount, 1);
	buf_fini(&out);
	json_decref(document);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("json_writer");
	TCase *t = tcase_create("json_writer");

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, the_text_is_that_of_jansson, 0, N_DOCUMENTS);
	tcase_add_test(t, a_part_is_not_much_longer_than_asked_for);
	tcase_add_test(t, what_is_nested_deeply_is_written_too);
	tcase_add_test(t, a_text_with_a_nul_is_written_whole);
	tcase_add_test(t, what_was_not_finished_is_given_back);
	return suite_main(s);
}
