/* SPDX-License-Identifier: Apache-2.0 */
/* The table of named runs. */
#include "ctl/list.h"

#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "common/str.h"
#include "ctl/style.h"
#include "tests/support/suite.h"

/* 80 columns, no colour */
static void expect(const char *json, const char *wanted)
{
	struct style style = {.width = 80, .utf8 = true};
	json_t *plans = json_loads(json, 0, NULL);
	json_t *listed = json_pack("{s:o, s:s}", "plans", plans, "directory", "/srv/runs.d");
	struct buf text = {0};
	struct buf out = {0};

	ck_assert_ptr_nonnull(plans);
	ck_assert_int_eq(list_render(listed, &text), 0);
	ck_assert_int_eq(style_render(&style, text.data, &out), 0);
	ck_assert_msg(str_eq(out.data, wanted), "--- want\n%s--- got\n%s", wanted, out.data);
	for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(style_columns(line) <= 80 || str_starts(line, "  "), "%s", line);
	buf_fini(&out);
	buf_fini(&text);
	json_decref(listed);
}

START_TEST(test_rows)
{
	expect("[]", "no named runs in /srv/runs.d; a file NAME.ini there makes one\n");
	expect("[{\"name\":\"talk\",\"target\":\"http://127.0.0.1:8000/\",\"summary\":"
	       "\"closed, 1 user for 30s\",\"problem\":null}]",
		"name          target                  load\n"
		"talk          http://127.0.0.1:8000/  closed, 1 user for 30s\n");
}
END_TEST

START_TEST(test_problem)
{
	expect("[{\"name\":\"a\",\"target\":\"http://h/\",\"summary\":\"open 5/s for 10s\"},"
	       "{\"name\":\"bad\",\"target\":\"\",\"summary\":\"\",\"problem\":"
	       "\"/etc/rpsd/runs.d/bad.ini:5: unknown key\"}]",
		"name          target        load\n"
		"a             http://h/     open 5/s for 10s\n"
		"bad\n"
		"  /etc/rpsd/runs.d/bad.ini:5: unknown key\n");
}
END_TEST

START_TEST(test_long_words)
{
	expect("[{\"name\":\"checkout-in-the-north-of-the-country\",\"target\":"
	       "\"http://shop.example.test:8443/checkout/cart\",\"summary\":"
	       "\"open, 12 stages up to 2000/s for 1h, warm-up 5m\",\"problem\":null}]",
		"name                      target                            load\n"
		"checkout-in-the-north-of-the-country\n"
		"                          http://shop.example.test:8443/c…  open, 12 stages "
		"up …\n");
}
END_TEST

/* What a daemon sends is not trusted. */
START_TEST(test_strange_answers)
{
	expect("{}", "no named runs in /srv/runs.d; a file NAME.ini there makes one\n");
	expect("[5,{\"name\":7}]", "name          target        load\n"
				   "                            \n"
				   "                            \n");
	expect("[{\"name\":\"a\\u001b[2J\",\"target\":\"\\t\",\"summary\":\"\"}]",
		"name          target        load\n"
		"a?[2J         ?             \n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("list");
	Suite *suite = suite_create("list");

	tcase_add_test(tcase, test_rows);
	tcase_add_test(tcase, test_problem);
	tcase_add_test(tcase, test_long_words);
	tcase_add_test(tcase, test_strange_answers);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
