/* SPDX-License-Identifier: Apache-2.0 */
/* Text from anywhere as JSON. */
#include "common/json_text.h"

#include <check.h>
#include <stdlib.h>

#include "common/str.h"
#include "tests/support/suite.h"

static const struct {
	const char *text;
	const char *want;
} texts[] = {
	{"", ""},
	{"plain", "plain"},
	{"two\nlines\tand \x01", "two\nlines\tand \x01"},
	{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
	/* Readable text stays beside bytes that are none. */
	{"caf\xc3\xa9 \xff.", "caf\xc3\xa9 ?."},
	{"cut \xe2\x82", "cut ??"},
	{"\xc0\xaf \xe0\x80\xaf \xf0\x80\x80\x80", "?? ??? ????"},
	{"\xed\xa0\x80 \xf4\x90\x80\x80 \xf5", "??? ???? ?"},
	{"\x80\xbf", "??"},
	/* Not harmless on a terminal, and text all the same. */
	{"\xc2\x80 \xe2\x80\xae", "\xc2\x80 \xe2\x80\xae"},
};

START_TEST(test_text)
{
	json_t *value = json_text(texts[_i].text);

	ck_assert_str_eq(json_string_value(value), texts[_i].want);
	json_decref(value);
}
END_TEST

/* What jansson takes is taken as it is, and the other way round, for each pair of bytes. */
START_TEST(test_as_jansson)
{
	for (unsigned a = 1; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			char text[] = {(char)a, (char)b, '\0'};
			json_t *direct = json_string(text), *value = json_text(text);

			ck_assert_int_eq(direct != NULL, str_eq(json_string_value(value), text));
			json_decref(direct);
			json_decref(value);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_text");
	TCase *tcase = tcase_create("text");

	tcase_add_loop_test(tcase, test_text, 0, (int)(sizeof(texts) / sizeof(*texts)));
	tcase_add_test(tcase, test_as_jansson);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
