/* SPDX-License-Identifier: Apache-2.0 */
/* Variables in the values of run files. */
#include "common/config/variables.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

static const char *lookup(void *userdata, const char *name)
{
	static const char *const variables[][2] = {
		{"HOST", "127.0.0.1:8000"},
		{"EMPTY", ""},
		{"_x9", "nine"},
		{"LOOP", "${HOST}"},
		{"LINES", "a\n[load]\nrate = 5"},
	};
	unsigned *calls = userdata;

	(*calls)++;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		if (str_eq(variables[i][0], name))
			return variables[i][1];
	}
	return NULL;
}

static unsigned fill(struct conf_doc *d, size_t first)
{
	unsigned calls = 0;
	struct variables f = {lookup, &calls};

	ck_assert_int_eq(variables_expand(&d->ini, first, &f, &d->problems), 0);
	return calls;
}

static const struct {
	const char *written;
	const char *filled;
} values[] = {
	{"${HOST}", "127.0.0.1:8000"},
	{"http://${HOST}/", "http://127.0.0.1:8000/"},
	{"${_x9}${_x9}", "ninenine"},
	{"a ${EMPTY} b", "a  b"},
	{"${EMPTY}", ""},
	{"${HOST:-h}", "127.0.0.1:8000"},
	{"${EMPTY:-h}", "h"},
	{"${NONE:-h}", "h"},
	{"${NONE:-}", ""},
	{"${NONE:-a b:-c $ {}d", "a b:-c $ {d"},
	{"${NONE:-${_x9}}", "${_x9}"},
	{"${LOOP}", "${HOST}"},
	{"${LINES}", "a\n[load]\nrate = 5"},
	/* nothing to fill */
	{"$HOST $ {HOST} $$ {HOST}", "$HOST $ {HOST} $$ {HOST}"},
	{"$${_x9}", "$nine"},
	{"100 $", "100 $"},
	{"@file", "@file"},
};

START_TEST(values_are_filled)
{
	struct conf_doc d = {0};
	char text[256];

	(void)snprintf(text, sizeof(text), "[a]\nb = %s\n", values[_i].written);
	conf_read(&d, "f.ini", text);
	(void)fill(&d, 0);
	conf_expect_none(&d);
	ck_assert_str_eq(d.ini.entries[0].value, values[_i].filled);
	ck_assert(d.ini.entries[0].filled == (strstr(values[_i].written, "${") != NULL));
	ck_assert_uint_eq(d.ini.entries[0].line, 2);
	conf_fini(&d);
}
END_TEST

static const struct {
	const char *written;
	const char *says;
} wrong[] = {
	{"${NONE}", "f.ini:2: b: ${NONE} is not set; ${NONE:-DEFAULT} gives it a default"},
	{"${}", "f.ini:2: b: \"${}\" is neither ${NAME} nor ${NAME:-DEFAULT}"},
	{"${", "f.ini:2: b: \"${\" is neither"},
	{"x ${HOST", "\"${HOST\" is neither"},
	{"${HOST:-x", "\"${HOST:-x\" is neither"},
	{"${HOST-x}", "\"${HOST-x}\" is neither"},
	{"${9}", "\"${9}\" is neither"},
	{"${a.b}", "is neither"},
	{"${ HOST }", "is neither"},
	{"${\xc3\xa4}", "is neither"},
};

START_TEST(what_cannot_be_filled_is_told)
{
	struct conf_doc d = {0};
	char text[256];

	(void)snprintf(text, sizeof(text), "[a]\nb = %s\n", wrong[_i].written);
	conf_read(&d, "f.ini", text);
	(void)fill(&d, 0);
	conf_expect(&d, (const char *const[]){wrong[_i].says, NULL});
	ck_assert_str_eq(d.ini.entries[0].value, wrong[_i].written);
	ck_assert(!d.ini.entries[0].filled);
	conf_fini(&d);
}
END_TEST

START_TEST(each_problem_has_its_place)
{
	struct conf_doc d = {0};

	conf_read(&d, "f.ini", "[a]\nb = ${NO}\nc = ${HOST}\n");
	conf_read(&d, "o.ini", "; first\n[a]\n\nb = ${NEITHER}${NOR}\n");
	(void)fill(&d, 0);
	conf_expect(&d, (const char *const[]){"f.ini:2: b: ${NO}", "o.ini:4: b: ${NEITHER}", NULL});
	ck_assert_str_eq(d.ini.entries[1].value, "127.0.0.1:8000");
	conf_fini(&d);
}
END_TEST

START_TEST(flags_and_what_is_before_first_stay)
{
	struct conf_doc d = {0};

	conf_read(&d, "f.ini", "[a]\nb = ${HOST}\n");
	conf_read(&d, "o.ini", "[a]\nb = ${HOST}\n");
	conf_set(&d, "-r", "a", "b", "${HOST}");
	ck_assert_uint_eq(fill(&d, 1), 1);
	conf_expect_none(&d);
	ck_assert_str_eq(d.ini.entries[0].value, "${HOST}");
	ck_assert_str_eq(d.ini.entries[1].value, "127.0.0.1:8000");
	ck_assert_str_eq(d.ini.entries[2].value, "${HOST}");
	conf_fini(&d);
}
END_TEST

START_TEST(a_very_long_name)
{
	struct conf_doc d = {0};
	char text[600] = "[a]\nb = ${";

	memset(text + strlen(text), 'N', 500);
	(void)strcpy(text + 510, "}\n");
	conf_read(&d, "f.ini", text);
	ck_assert_uint_eq(fill(&d, 0), 0);
	conf_expect(&d, (const char *const[]){"is neither", NULL});
	ck_assert_uint_le(strlen(d.problems.texts[0]), 200);
	conf_fini(&d);
}
END_TEST

static const char *lookup_long(void *userdata, const char *name)
{
	(void)name;
	return userdata;
}

/* Short text, long variables: memory is bounded, and so is what comes of it. */
START_TEST(what_grows_too_long_is_told)
{
	static char value[100001];
	struct variables f = {lookup_long, value};
	struct conf_doc d = {0};
	struct buf text = {0};
	size_t sum = 0;

	memset(value, 'x', sizeof(value) - 1);
	ck_assert_int_eq(buf_puts(&text, "[a]\nb = ${A}${A}\nc = "), 0);
	for (int i = 0; i < 4000; i++)
		ck_assert_int_eq(buf_puts(&text, "${A}"), 0);
	for (int i = 0; i < 4000; i++)
		ck_assert_int_eq(buf_printf(&text, "\nd%d = ${A}", i), 0);
	conf_read(&d, "f.ini", text.data);
	ck_assert_int_eq(variables_expand(&d.ini, 0, &f, &d.problems), 0);
	conf_expect(&d, (const char *const[]){"f.ini:3: c: filled in, it has more than 1048576 b",
				"not filled in: the values before", NULL});
	for (size_t i = 0; i < d.ini.n_entries; i++)
		sum += strlen(d.ini.entries[i].value);
	ck_assert_uint_eq(strlen(d.ini.entries[0].value), 200000);
	ck_assert_uint_eq(strlen(d.ini.entries[1].value), 16000);
	ck_assert_uint_lt(sum, 10 << 20);
	buf_fini(&text);
	conf_fini(&d);
}
END_TEST

/* The text of a plan stays as it was written; what it was filled with decides its digest. */
START_TEST(a_plan_keeps_its_text)
{
	static const char text[] = "[target]\nurl = http://${HOST}/\n[load]\nrate = ${RATE:-50}\n"
				   "[defaults]\nheader = A: ${_x9}\n";
	struct conf_doc d = {0};
	struct plan *filled, *plain;

	conf_read(&d, "f.ini", text);
	(void)fill(&d, 0);
	filled = conf_build(&d, "f", text, NULL, 0);
	ck_assert_str_eq(filled->text, text);
	ck_assert_str_eq(filled->url.text, "http://127.0.0.1:8000/");
	ck_assert_str_eq(filled->requests[0].headers[0].value, "nine");
	conf_expect_rate(filled->rate, 50, 1);
	ck_assert_int_eq(ini_replace(&d.ini, 2, "A: ten"), 0);
	plain = conf_build(&d, "f", text, NULL, 0);
	ck_assert_str_ne(filled->sha256, plain->sha256);
	plan_free(plain);
	plan_free(filled);
	conf_fini(&d);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("fill");
	TCase *t = tcase_create("fill");

	tcase_add_loop_test(t, values_are_filled, 0, N(values));
	tcase_add_loop_test(t, what_cannot_be_filled_is_told, 0, N(wrong));
	tcase_add_test(t, each_problem_has_its_place);
	tcase_add_test(t, flags_and_what_is_before_first_stay);
	tcase_add_test(t, a_very_long_name);
	tcase_add_test(t, what_grows_too_long_is_told);
	tcase_add_test(t, a_plan_keeps_its_text);
	suite_add_tcase(s, t);
	return suite_main(s);
}
