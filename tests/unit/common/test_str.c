/* SPDX-License-Identifier: Apache-2.0 */
/* str: names, near misses, and files read whole. */
#include "common/str.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

START_TEST(starts_and_ends)
{
	ck_assert(str_starts("cred:token", "cred:"));
	ck_assert(str_starts("x", ""));
	ck_assert(!str_starts("cre", "cred:"));
	ck_assert(str_ends("checkout.ini", ".ini"));
	ck_assert(str_ends(".ini", ".ini"));
	ck_assert(str_ends("x", ""));
	ck_assert(!str_ends("ini", ".ini"));
	ck_assert(!str_ends("a.ini.bak", ".ini"));
}
END_TEST

static const char *const words[] = {"rate", "duration", "url", "d", "warmup", "rates", "set"};

static const struct {
	const char *text, *nearest;
} misses[] = {
	{"rat", "rate"},
	{"raet", "rate"},
	{"ratess", "rates"},
	{"Duration", "duration"},
	{"URL", "url"},
	{"durations", "duration"},
	{"dratio", "duration"},
	{"durat", NULL}, /* distance 3 */
	{"warm-up", "warmup"},
	{"x", NULL}, /* one letter, all of it wrong */
	{"ur", "url"},
	{"", NULL},
	{"ratt", "rate"}, /* before "rates", which is as near as 2 */
	{"zzzzzz", NULL},
	/* another word, not a misspelt one */
	{"slo", NULL},
	{"sni", NULL},
	{"user", NULL},
	{"ste", "set"}, /* swapped letters are one mistake */
	{"wramup", "warmup"},
};

START_TEST(nearest_word)
{
	const char *got = str_nearest(misses[_i].text, words, sizeof(words) / sizeof(words[0]));

	if (misses[_i].nearest)
		ck_assert_pstr_eq(got, misses[_i].nearest);
	else
		ck_assert_ptr_null(got);
}
END_TEST

START_TEST(nearest_of_long_words)
{
	char text[200], other[200];
	const char *const long_words[] = {other, "rate"};

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(other, text, sizeof(other));
	ck_assert_ptr_null(str_nearest(text, long_words, 2));
	ck_assert_pstr_eq(str_nearest("rate", long_words, 2), "rate");
	text[64] = '\0';
	other[63] = '\0';
	ck_assert_ptr_eq(str_nearest(text, long_words, 2), other);
	ck_assert_ptr_null(str_nearest("rate", NULL, 0));
}
END_TEST

START_TEST(names)
{
	char text[66];

	ck_assert(str_is_name("checkout"));
	ck_assert(str_is_name("a"));
	ck_assert(str_is_name("_A-b.C_9"));
	ck_assert(str_is_name("9.ini"));
	ck_assert(!str_is_name(""));
	ck_assert(!str_is_name(".hidden"));
	ck_assert(!str_is_name(".."));
	ck_assert(!str_is_name("-r"));
	ck_assert(!str_is_name("a/b"));
	ck_assert(!str_is_name("a b"));
	ck_assert(!str_is_name("a\n"));
	ck_assert(!str_is_name("gr\xc3\xbc\xc3\x9f"));
	memset(text, 'n', sizeof(text));
	text[64] = '\0';
	ck_assert(str_is_name(text));
	text[64] = 'n';
	text[65] = '\0';
	ck_assert(!str_is_name(text));
}
END_TEST

START_TEST(cuts_between_characters)
{
	static const struct {
		const char *text;
		size_t size;
		const char *wanted;
	} cuts[] = {
		{"", 5, ""},
		{"abcd", 5, "abcd"},
		{"abcde", 5, "a..."},
		{"a\xc3\xa9g", 5, "a\xc3\xa9g"},
		{"ab\xc3\xa9"
		 "def",
			7, "ab..."},
		{"ab\xc3\xa9"
		 "def",
			8,
			"ab\xc3\xa9"
			"def"},
		{"ab\xc3\xa9"
		 "defg",
			8, "ab\xc3\xa9..."},
		{"\xf0\x9f\x98\x80"
		 "ab",
			5, "..."},
		{"\x80\x80\x80\x80\x80", 5, "..."},
	};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		char ret[16];

		memset(ret, 'x', sizeof(ret));
		str_cut(ret, cuts[i].size, cuts[i].text, strlen(cuts[i].text));
		ck_assert_str_eq(ret, cuts[i].wanted);
	}
}
END_TEST

START_TEST(is_utf8)
{
	ck_assert(str_is_utf8(""));
	ck_assert(str_is_utf8("gr\xc3\xbc\xc3\x9f"));
	ck_assert(!str_is_utf8("gr\xfc\xdf"));
	ck_assert(!str_is_utf8("cut \xc3"));
	ck_assert(!str_is_utf8("\xed\xa0\x80")); /* a surrogate */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("str");
	TCase *tcase = tcase_create("str");

	tcase_add_test(tcase, starts_and_ends);
	tcase_add_loop_test(tcase, nearest_word, 0, sizeof(misses) / sizeof(misses[0]));
	tcase_add_test(tcase, nearest_of_long_words);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, cuts_between_characters);
	tcase_add_test(tcase, is_utf8);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
