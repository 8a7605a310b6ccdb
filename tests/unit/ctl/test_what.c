/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run: a name, a URL or a path. */
#include "ctl/what.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"
#include "tests/support/suite.h"

/* The working directory of each test, with files in it. */
static char directory[] = "/tmp/rpsd-what.XXXXXX";

static void put_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(mkdir("runs", 0700), 0);
	put_text("runs/cart", "[target]\nurl = http://h/\n");
}

static void teardown(void)
{
	(void)remove("runs/cart");
	(void)rmdir("runs");
	ck_assert_int_eq(chdir("/"), 0);
	(void)rmdir(directory);
}

START_TEST(test_judge)
{
	static const struct {
		const char *what;
		enum what_kind kind;
	} rows[] = {
		{"checkout", WHAT_NAME},
		{"checkout-v1.2", WHAT_NAME},
		{"example.com", WHAT_NAME},
		{"", WHAT_NAME},
		{"cart.json", WHAT_NAME},
		{"http://h", WHAT_URL},
		{"https://h/x.ini", WHAT_URL},
		{"ftp://h", WHAT_URL},
		{"unix:/run/app.sock", WHAT_URL},
		{"unix:/run/app.sock:/x.ini", WHAT_URL},
		{"unix:///run/app.ini", WHAT_URL},
		{"unix:80", WHAT_URL},
		{"unix", WHAT_NAME},
		{"localhost", WHAT_URL},
		{"127.0.0.1", WHAT_URL},
		{"localhost:8000", WHAT_URL},
		{"h/x", WHAT_URL},
		{"[::1]:80", WHAT_URL},
		{"runs", WHAT_NAME},
		{"runs/", WHAT_URL},
		{"runs/cart", WHAT_PATH},
		{"runs/other", WHAT_URL},
		{"shop.ini", WHAT_PATH},
		{"runs/none.ini", WHAT_PATH},
		{"./cart", WHAT_PATH},
		{"../cart", WHAT_PATH},
		{"/cart", WHAT_PATH},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ck_assert_msg(what_judge(rows[i].what) == rows[i].kind, "%s", rows[i].what);
}
END_TEST

START_TEST(test_name)
{
	static const char *const rows[][2] = {
		{"checkout.ini", "checkout"},
		{"a/b/checkout.ini", "checkout"},
		{"/x/my run.v2", "my_run.v2"},
		{"./.hidden.ini", "_hidden"},
		{"-x.ini", "_x"},
		{".ini", "run"},
		{"a/", "run"},
	};
	char name[WHAT_NAME_SIZE];
	char many[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		what_name(rows[i][0], name);
		ck_assert_str_eq(name, rows[i][1]);
		ck_assert(str_is_name(name));
	}
	memset(many, 'n', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	what_name(many, name);
	ck_assert(str_is_name(name));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("what");
	Suite *suite = suite_create("what");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_judge);
	tcase_add_test(tcase, test_name);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
