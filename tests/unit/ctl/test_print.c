/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/print.h"

#include <check.h>
#include <stdlib.h>

#include "common/buf.h"
#include "tests/support/suite.h"

static const struct {
	const char *text;
	const char *utf8;
	const char *ascii;
} test_texts[] = {
	{"", "", ""},
	{"a b\n\tc\n", "a b\n\tc\n", "a b\n\tc\n"},
	{"p50 = 3 µs · ok", "p50 = 3 µs · ok", "p50 = 3 ?s ? ok"},
	{"\033[2J\033]0;title\a", "?[2J?]0;title?", "?[2J?]0;title?"},
	{"a\r\nb\rc", "a\nb?c", "a\nb?c"},
	{"\x7f\b\x0e\x11", "????", "????"},
	{"\xc2\x9b"
	 "31m \xc2\x80 \xc2\x9f \xc2\xa0",
		"?31m ? ? \xc2\xa0", "?31m ? ? ?"},
	{"\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9", "????", "????"},
	{"\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
		"\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa", "????"},
	{"\x9b\xff \xed\xa0\x80 \xf0\x9f\x98\x80", "?? ? \xf0\x9f\x98\x80", "?? ? ?"},
	{"cut \xe2\x80", "cut ?", "cut ?"},
};

START_TEST(text_steers_no_terminal)
{
	struct buf out = {0};

	ck_assert_int_eq(print_clean(test_texts[_i].text, true, &out), 0);
	ck_assert_str_eq(out.data ? out.data : "", test_texts[_i].utf8);
	buf_fini(&out);
	ck_assert_int_eq(print_clean(test_texts[_i].text, false, &out), 0);
	ck_assert_str_eq(out.data ? out.data : "", test_texts[_i].ascii);
	buf_fini(&out);
}
END_TEST

/* Every character that JSON leaves as it is; what is read again is the same. */
START_TEST(json_says_the_same_harmlessly)
{
	json_t *doc = json_pack("{s:s, s:s}", "a\xc2\x9b",
		"\033\x7f\xc2\x85 µ \xe2\x80\xae \xe2\x81\xa9 \"\\", "b", "plain · text");
	struct buf out = {0};
	json_t *again;

	ck_assert_int_eq(print_render_json(doc, JSON_COMPACT | JSON_SORT_KEYS, &out), 0);
	ck_assert_str_eq(out.data,
		"{\"a\\u009B\":\"\\u001B\\u007F\\u0085 µ \\u202E \\u2069 \\\"\\\\\","
		"\"b\":\"plain · text\"}\n");
	again = json_loads(out.data, 0, NULL);
	ck_assert(json_equal(doc, again));
	json_decref(again);
	json_decref(doc);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("print");
	TCase *t = tcase_create("print");

	tcase_add_loop_test(
		t, text_steers_no_terminal, 0, (int)(sizeof(test_texts) / sizeof(test_texts[0])));
	tcase_add_test(t, json_says_the_same_harmlessly);
	suite_add_tcase(s, t);
	return suite_main(s);
}
