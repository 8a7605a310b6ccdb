/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run: a name, a URL or a path. */
#include "ctl/start/run_spec.h"

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
		enum run_spec_kind kind;
	} rows[] = {
		{"checkout", RUN_SPEC_NAME},
		{"checkout-v1.2", RUN_SPEC_NAME},
		{"example.com", RUN_SPEC_NAME},
		{"", RUN_SPEC_NAME},
		{"cart.json", RUN_SPEC_NAME},
		{"http://h", RUN_SPEC_URL},
		{"https://h/x.ini", RUN_SPEC_URL},
		{"ftp://h", RUN_SPEC_URL},
		{"unix:/run/app.sock", RUN_SPEC_URL},
		{"unix:/run/app.sock:/x.ini", RUN_SPEC_URL},
		{"unix:///run/app.ini", RUN_SPEC_URL},
		{"unix:80", RUN_SPEC_URL},
		{"unix", RUN_SPEC_NAME},
		{"localhost", RUN_SPEC_URL},
		{"127.0.0.1", RUN_SPEC_URL},
		{"localhost:8000", RUN_SPEC_URL},
		{"h/x", RUN_SPEC_URL},
		{"[::1]:80", RUN_SPEC_URL},
		{"runs", RUN_SPEC_NAME},
		{"runs/", RUN_SPEC_URL},
		{"runs/cart", RUN_SPEC_PATH},
		{"runs/other", RUN_SPEC_URL},
		{"shop.ini", RUN_SPEC_PATH},
		{"runs/none.ini", RUN_SPEC_PATH},
		{"./cart", RUN_SPEC_PATH},
		{"../cart", RUN_SPEC_PATH},
		{"/cart", RUN_SPEC_PATH},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ck_assert_msg(run_spec_kind(rows[i].what) == rows[i].kind, "%s", rows[i].what);
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
	char name[RUN_SPEC_NAME_SIZE];
	char many[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		run_spec_name(rows[i][0], name);
		ck_assert_str_eq(name, rows[i][1]);
		ck_assert(str_is_name(name));
	}
	memset(many, 'n', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	run_spec_name(many, name);
	ck_assert(str_is_name(name));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("run_spec");
	Suite *suite = suite_create("run_spec");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_judge);
	tcase_add_test(tcase, test_name);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
