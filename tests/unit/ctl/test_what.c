/* SPDX-License-Identifier: Apache-2.0 */
/* WHAT to run: a name, a URL or a path; and what of it goes to the daemon. */
#include "ctl/what.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/options.h"

/* The working directory of each test, with files in it. */
static char directory[] = "/tmp/rpsd-what.XXXXXX";

static void put(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(mkdir("runs", 0700), 0);
	put_text("runs/cart", "[target]\nurl = http://h/\n");
	put_text("runs/shop.ini", "[target]\nurl = http://h/\n[defaults]\nbody = @cart.json\n"
				  "header = A: x @token\n");
	put_text("runs/cart.json", "beside");
	put_text("runs/token", "secret");
	put_text("cart.json", "here");
	put_text("flag.json", "flag");
}

static void teardown(void)
{
	static const char *const files[] = {"runs/cart", "runs/shop.ini", "runs/cart.json",
		"runs/token", "cart.json", "flag.json", "runs"};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)remove(files[i]);
	(void)chdir("/");
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

static json_t *parameters(const char *what, const struct options *o)
{
	struct err err = {0};
	json_t *p = NULL;

	ck_assert_msg(what_parameters(what, o, true, &p, &err) == 0, "%s", err.text);
	return p;
}

static void assert_file(const json_t *p, const char *name, const char *content)
{
	const char *base64 = json_string_value(json_object_get(json_object_get(p, "files"), name));
	size_t len;
	char *data;

	ck_assert_msg(base64 != NULL, "%s", name);
	data = digest_base64_decode(base64, &len);
	ck_assert_str_eq(data, content);
	free(data);
}

START_TEST(test_url)
{
	struct options o = {0};
	json_t *p = parameters("localhost:8000/x", &o);

	ck_assert_str_eq(result_text(p, "text"), "[target]\nurl = localhost:8000/x\n");
	ck_assert_ptr_null(json_object_get(p, "name"));
	ck_assert_ptr_null(json_object_get(p, "files"));
	ck_assert(json_is_true(json_object_get(p, "hold")));
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 0);
	json_decref(p);
}
END_TEST

START_TEST(test_body_means_post)
{
	struct options o = {0};
	json_t *p;

	ck_assert_int_eq(options_set(&o, "defaults.body", "x", "--data"), 0);
	p = parameters("http://h/", &o);
	ck_assert_str_eq(
		result_text(json_array_get(json_object_get(p, "set"), 1), "value"), "POST");
	json_decref(p);
	/* A file and a name have a method of their own. */
	p = parameters("runs/cart", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
	p = parameters("cart", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 1);
	json_decref(p);
	ck_assert_int_eq(options_set(&o, "defaults.method", "PUT", "-X"), 0);
	p = parameters("http://h/", &o);
	ck_assert_uint_eq(json_array_size(json_object_get(p, "set")), 2);
	json_decref(p);
	options_fini(&o);
}
END_TEST

START_TEST(test_name_goes_alone)
{
	struct options o = {0};
	json_t *p;

	ck_assert_int_eq(options_set(&o, "load.rate", "5", "-r"), 0);
	p = parameters("checkout", &o);
	ck_assert_str_eq(result_text(p, "name"), "checkout");
	ck_assert_ptr_null(json_object_get(p, "text"));
	ck_assert_str_eq(result_text(json_array_get(json_object_get(p, "set"), 0), "origin"), "-r");
	json_decref(p);
	options_fini(&o);
}
END_TEST

START_TEST(test_path_with_files)
{
	struct options o = {0};
	json_t *p = parameters("runs/shop.ini", &o);

	ck_assert_str_eq(result_text(p, "name"), "shop");
	ck_assert_str_eq(result_text(p, "file"), "runs/shop.ini");
	ck_assert(str_starts(result_text(p, "text"), "[target]\nurl"));
	ck_assert_uint_eq(json_object_size(json_object_get(p, "files")), 2);
	assert_file(p, "cart.json", "beside");
	assert_file(p, "token", "secret");
	json_decref(p);
	/* A flag's file is looked up here, and wins. */
	ck_assert_int_eq(options_set(&o, "defaults.body", "@cart.json", "--data"), 0);
	ck_assert_int_eq(options_set(&o, "defaults.header", "B: @flag.json", "-H"), 0);
	p = parameters("runs/shop.ini", &o);
	assert_file(p, "cart.json", "here");
	assert_file(p, "flag.json", "flag");
	assert_file(p, "token", "secret");
	json_decref(p);
	options_fini(&o);
}
END_TEST

static const struct {
	const char *what;
	const char *key, *value; /* a flag, or NULL */
	int status;
	const char *says;
} wrong[] = {
	{"runs/none.ini", NULL, NULL, EXIT_NO_INPUT, "runs/none.ini: No such file"},
	{"./", NULL, NULL, EXIT_NO_INPUT, "./: "},
	{"http://", NULL, NULL, EXIT_CONFIG, ""},
	{"http://a b/", NULL, NULL, EXIT_CONFIG, ""},
	{"http://h/\nrate=1", NULL, NULL, EXIT_CONFIG, ""},
	{"http://h/", "defaults.body", "@none", EXIT_NO_INPUT, "none: No such file"},
	{"name", "defaults.body", "@none", EXIT_NO_INPUT, "none: No such file"},
	{"http://h/", "defaults.body", "\xff", EXIT_USAGE, "UTF-8"},
	{"./bad.ini", NULL, NULL, EXIT_CONFIG, "no text in UTF-8"},
	{"./nul.ini", NULL, NULL, EXIT_CONFIG, "no text in UTF-8"},
};

START_TEST(test_wrong)
{
	struct options o = {0};
	struct err err = {0};
	json_t *p = NULL;

	put_text("bad.ini", "[target]\nurl = \xff\n");
	put("nul.ini", "[target]\0\n", 10);
	if (wrong[_i].key)
		ck_assert_int_eq(options_set(&o, wrong[_i].key, wrong[_i].value, "flag"), 0);
	ck_assert_int_eq(what_parameters(wrong[_i].what, &o, true, &p, &err), wrong[_i].status);
	ck_assert_ptr_null(p);
	ck_assert_msg(*err.text && strstr(err.text, wrong[_i].says), "%s", err.text);
	options_fini(&o);
	(void)remove("bad.ini");
	(void)remove("nul.ini");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("what");
	Suite *suite = suite_create("what");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_judge);
	tcase_add_test(tcase, test_name);
	tcase_add_test(tcase, test_url);
	tcase_add_test(tcase, test_body_means_post);
	tcase_add_test(tcase, test_name_goes_alone);
	tcase_add_test(tcase, test_path_with_files);
	tcase_add_loop_test(tcase, test_wrong, 0, (int)(sizeof(wrong) / sizeof(*wrong)));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
