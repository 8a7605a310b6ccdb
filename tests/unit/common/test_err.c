/* SPDX-License-Identifier: Apache-2.0 */
/* err: what is quoted in a message can never break a terminal, a log line or JSON. */
#include "common/err.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/support/suite.h"

START_TEST(set_formats)
{
	struct err e = {0};

	err_set(&e, "port %d of %s", 70000, "h");
	ck_assert_str_eq(e.text, "port 70000 of h");
	err_set(&e, "%s", "");
	ck_assert_str_eq(e.text, "");
	err_set(NULL, "nobody %s", "listens");
}
END_TEST

static const struct {
	const char *in, *out;
} quoted[] = {
	{"plain", "plain"},
	{"two\nlines\r\n", "two?lines??"},
	{"tab\there \x1b[31mred\x7f", "tab?here ?[31mred?"},
	{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
	{"latin \xfc!", "latin ?!"},
	{"cut \xe2\x82", "cut ??"},
	{"overlong \xc0\xaf \xe0\x80\xaf", "overlong ?? ???"},
	{"surrogate \xed\xa0\x80", "surrogate ???"},
	{"beyond \xf4\x90\x80\x80 \xf5", "beyond ???? ?"},
	{"c1 \xc2\x9b", "c1 ??"},
	{"turned \xe2\x80\xae \xe2\x81\xa9", "turned ??? ???"},
};

START_TEST(quotes_are_harmless)
{
	struct problems p = {0};
	struct err e = {0};

	err_set(&e, "%s", quoted[_i].in);
	ck_assert_str_eq(e.text, quoted[_i].out);
	problems_add(&p, "f", 0, "%s", quoted[_i].in);
	ck_assert_str_eq(p.texts[0] + strlen("f: "), quoted[_i].out);
	problems_fini(&p);
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
	char in[1024] = "";
	struct err e = {0};
	size_t len;

	memset(in, 'x', (size_t)_i);
	while (strlen(in) < 900)
		strcat(in, "\xe2\x82\xac");
	err_set(&e, "%s", in);
	len = strlen(e.text);
	ck_assert_uint_lt(len, sizeof(e.text));
	ck_assert_uint_ge(len, sizeof(e.text) - 4);
	ck_assert_str_eq(e.text + len - 3, "...");
	ck_assert_ptr_null(strchr(e.text, '?'));
}
END_TEST

START_TEST(just_fitting_text_is_whole)
{
	struct err e = {0};
	char in[sizeof(e.text)];

	memset(in, 'x', sizeof(in));
	in[sizeof(in) - 1] = '\0';
	err_set(&e, "%s", in);
	ck_assert_str_eq(e.text, in);
}
END_TEST

START_TEST(problems_are_bounded)
{
	struct problems p = {0};

	static char kinds[PROBLEMS_MAX + 10];

	for (unsigned i = 0; i < sizeof(kinds); i++)
		problems_add_kind(&p, &kinds[i], "f", i + 1, "bad");
	ck_assert_uint_eq(p.n, PROBLEMS_MAX);
	ck_assert_uint_eq(p.n_told, sizeof(kinds));
	problems_finish(&p);
	ck_assert_uint_eq(p.n, PROBLEMS_MAX);
	ck_assert_str_eq(p.texts[PROBLEMS_MAX - 2], "f:999: bad");
	ck_assert_str_eq(p.texts[PROBLEMS_MAX - 1], "f:1000: bad (and 10 more)");
	problems_fini(&p);
}
END_TEST

/* Up to PROBLEMS_ALIKE_MAX of one kind are told, more are one line; others stay as they are. Told
 * in the order of lines or against it. */
START_TEST(problems_of_a_kind_are_folded)
{
	struct problems p = {0};

	for (unsigned i = 0; i < 12; i++) {
		problems_add(&p, "a.ini", _i ? 12 - i : 1 + i, "no key: %u", i);
		problems_add(&p, "b.ini", i, "%s", i % 2 ? "x" : "y");
		if (i < PROBLEMS_ALIKE_MAX)
			problems_add(&p, "b.ini", i, "no key: %u", i);
	}
	/* Again, as more are added afterwards. */
	for (unsigned n = 11; n < 13; n++) {
		char text[64];

		problems_finish(&p);
		(void)snprintf(text, sizeof(text), "a.ini:%u: no key: %u (and %u more)", _i ? 2 : 1,
			_i ? 10 : 0, n);
		ck_assert_str_eq(p.texts[0], text);
		ck_assert_uint_eq(p.n, 1 + 1 + PROBLEMS_ALIKE_MAX);
		for (unsigned i = 0; i < PROBLEMS_ALIKE_MAX; i++) {
			(void)snprintf(text, sizeof(text),
				i ? "b.ini:%u: no key: %u" : "b.ini: no key: 0", i, i);
			ck_assert_str_eq(p.texts[i ? 1 + i : p.n - 1], text);
		}
		problems_add(&p, "a.ini", 13, "no key: %u", 77);
	}
	problems_fini(&p);
}
END_TEST

START_TEST(problems_keep_order_and_place)
{
	struct problems p = {0};

	problems_add(&p, "a.ini", 7, "unknown key \"%s\"", "rat");
	problems_add(&p, "-r", 0, "bad rate");
	for (unsigned i = 3; i <= 12; i++)
		problems_add(&p, "b.ini", i, "%u", i);
	ck_assert_uint_eq(p.n, 12);
	ck_assert_str_eq(p.texts[0], "a.ini:7: unknown key \"rat\"");
	ck_assert_str_eq(p.texts[1], "-r: bad rate");
	ck_assert_str_eq(p.texts[11], "b.ini:12: 12");
	problems_fini(&p);
	ck_assert_uint_eq(p.n, 0);
	ck_assert_ptr_null(p.texts);
	problems_fini(&p);
}
END_TEST

START_TEST(problems_are_sorted_by_line)
{
	static const char *const wanted[] = {"-r: bad", "a.ini:2: x", "a.ini:10: y", "a.ini:10: z",
		"a.ini: no line", "b:1.ini:3: w"};
	struct problems p = {0};

	problems_add(&p, "-r", 0, "bad");
	problems_add(&p, "a.ini", 0, "no line");
	problems_add(&p, "a.ini", 10, "y");
	problems_add(&p, "b:1.ini", 3, "w");
	problems_add(&p, "a.ini", 2, "x");
	problems_add(&p, "a.ini", 10, "z");
	problems_finish(&p);
	for (size_t i = 0; i < 6; i++)
		ck_assert_str_eq(p.texts[i], wanted[i]);
	problems_fini(&p);
	problems_finish(&p);
}
END_TEST

START_TEST(problems_take_long_texts)
{
	struct problems p = {0};
	char in[5001];

	memset(in, 'v', sizeof(in) - 1);
	in[sizeof(in) - 1] = '\0';
	problems_add(&p, "f", 1, "%s", in);
	ck_assert_uint_eq(strlen(p.texts[0]), strlen("f:1: ") + 5000);
	problems_fini(&p);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__
#ifndef __SANITIZE_THREAD__
/* With the address space shut, the text cannot be formatted: the problem still counts. */
START_TEST(problems_survive_no_memory)
{
	const struct rlimit none = {0, 0};
	struct problems p = {0};

	problems_add(&p, "f", 1, "first");
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	problems_add(&p, "f", 2, "%0*d", 64 << 20, 1);
	ck_assert_uint_eq(p.n, 2);
	ck_assert_str_eq(p.texts[0], "f:1: first");
	ck_assert_ptr_nonnull(strstr(p.texts[1], "memory"));
	problems_fini(&p);
}
END_TEST
#define HAVE_MEMORY_TEST 1
#endif
#endif

int main(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");

	tcase_add_test(tcase, set_formats);
	tcase_add_loop_test(tcase, quotes_are_harmless, 0, sizeof(quoted) / sizeof(quoted[0]));
	tcase_add_loop_test(tcase, long_text_is_cut_between_characters, 0, 4);
	tcase_add_test(tcase, just_fitting_text_is_whole);
	tcase_add_test(tcase, problems_keep_order_and_place);
	tcase_add_test(tcase, problems_are_bounded);
	tcase_add_loop_test(tcase, problems_of_a_kind_are_folded, 0, 2);
	tcase_add_test(tcase, problems_are_sorted_by_line);
	tcase_add_test(tcase, problems_take_long_texts);
#ifdef HAVE_MEMORY_TEST
	tcase_add_test(tcase, problems_survive_no_memory);
#endif
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
