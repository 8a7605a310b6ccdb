/* SPDX-License-Identifier: Apache-2.0 */
/* Results of every kind of run, recorded (tests/support/record_results.sh), in every form: none of
 * them changes by accident.
 *
 * After a change that is meant, record anew and read what git diff shows:
 *	RECORD=1 build/tests/ctl/test_recorded */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/file.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "tests/support/same_text.h"
#include "tests/support/suite.h"

#define RECORDED "tests/data/results/"
#define RECORDED_MIN 15

static const struct {
	const char *name;
	const struct format *format;
	struct style style;
} forms[] = {
	{"text", &format_text, {.width = 80}},
	{"full text", &format_text, {.width = 80, .utf8 = true, .verbose = true}},
	{"csv", &format_csv, {.width = 80}},
	{"md", &format_md, {.width = 80}},
	{"hlog", &format_hlog, {.width = 80}},
};

static void compare(const char *path, const char *got)
{
	char *want = NULL;
	size_t len = 0;

	if (getenv("RECORD")) {
		FILE *f = fopen(path, "w");

		ck_assert_ptr_nonnull(f);
		(void)fputs(got, f);
		ck_assert_int_eq(fclose(f), 0);
		return;
	}
	ck_assert_msg(file_read(path, 1 << 20, &want, &len) == 0, "%s cannot be read", path);
	assert_same_text(path, got, want);
	free(want);
}

static void check_document(const char *document)
{
	const int stem = (int)(strlen(document) - strlen(".json"));
	json_t *doc = json_load_file(document, 0, NULL);
	struct buf text = {0};
	struct style style = {.width = 80};
	char path[256];

	ck_assert_msg(doc != NULL, "%s", document);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		ck_assert_int_eq(buf_printf(&text, "==> %s <==\n", forms[i].name), 0);
		ck_assert_int_eq(forms[i].format->render(doc, &forms[i].style, &text), 0);
	}
	(void)snprintf(path, sizeof(path), "%.*s.forms", stem, document);
	compare(path, text.data);
	buf_fini(&text);
	/* The document is its own form, as it was recorded. */
	ck_assert_int_eq(format_json.render(doc, &style, &text), 0);
	compare(document, text.data);
	buf_fini(&text);
	json_decref(doc);
}

START_TEST(test_forms)
{
	glob_t found;

	ck_assert_int_eq(glob(RECORDED "*.json", 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, RECORDED_MIN);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_document(found.gl_pathv[i]);
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recorded");
	TCase *tcase = tcase_create("forms");

	tcase_add_test(tcase, test_forms);
	suite_add_tcase(suite, tcase);

	return suite_main(suite);
}
