/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded results are read into the struct and written again as they were; foreign ones are read
 * within bounds; the table says when a field is null or absent. */
#include "common/result/result_json.h"

#include <check.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/result_table.h"
#include "common/str.h"
#include "tests/support/fail_here.h"
#include "tests/support/recorded.h"
#include "tests/support/suite.h"

#define RECORDED "tests/data/results/*.json"
#define RECORDED_MIN 20

/* Calls fn with each recorded document. */
static void for_each_recorded(void (*fn)(const char *path, json_t *doc))
{
	glob_t found;

	ck_assert_int_eq(glob(RECORDED, 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, RECORDED_MIN);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *doc = json_load_file(found.gl_pathv[i], 0, NULL);

		ck_assert_msg(doc != NULL, "%s", found.gl_pathv[i]);
		fn(found.gl_pathv[i], doc);
		json_decref(doc);
	}
	globfree(&found);
}

/* Read, copied, and written. */
static json_t *again(const json_t *doc)
{
	struct err err = {0};
	struct result r, copy;
	json_t *ret;

	ck_assert_msg(result_read(doc, &r, &err) == 0, "%s", err.text);
	result_init(&copy);
	ck_assert_int_eq(result_table_copy(&result_table, &r, &copy), 0);
	result_fini(&r);
	ret = result_write(&copy);
	result_fini(&copy);
	return ret;
}

/* Byte for byte. */
static void check_round(const char *path, json_t *doc)
{
	size_t flags = JSON_INDENT(2);
	json_t *written = again(doc);
	char *want = json_dumps(doc, flags), *got = json_dumps(written, flags);
	size_t at = 0;

	ck_assert_ptr_nonnull(got);
	while (want[at] && want[at] == got[at])
		at++;
	ck_assert_msg(str_eq(want, got), "%s: byte %zu: want ...%.200s\ngot ...%.200s", path, at,
		want + (at > 80 ? at - 80 : 0), got + (at > 80 ? at - 80 : 0));
	free(want);
	free(got);
	json_decref(written);
}

START_TEST(test_recorded)
{
	for_each_recorded(check_round);
}
END_TEST

/* ---------------------------------------------------------------- what the table says */

static void check_truth(
	const char *path, const char *where, const struct result_table *t, const json_t *value);

static void check_field(
	const char *path, const char *where, const struct result_field *f, const json_t *value)
{
	char below[160];
	json_t *rows = (json_t *)value;
	json_t *row;
	const char *key;
	size_t i;

	(void)snprintf(below, sizeof(below), "%s.%s", where, f->name);
	if (!value)
		ck_assert_msg(f->absent_when != NULL, "%s: %s is absent", path, below);
	if (json_is_null(value))
		ck_assert_msg(f->null_when != NULL, "%s: %s is null", path, below);
	if (f->type == RESULT_PART && json_is_object(value))
		check_truth(path, below, f->table, value);
	json_array_foreach(rows, i, row) if (json_is_object(row))
		check_truth(path, below, f->table, row);
	if (f->type == RESULT_NAMED)
		json_object_foreach(rows, key, row) if (json_is_object(row))
			check_truth(path, below, f->table, row);
}

static void check_truth(
	const char *path, const char *where, const struct result_table *t, const json_t *value)
{
	for (size_t i = 0; i < t->n; i++)
		check_field(path, where, &t->fields[i], json_object_get(value, t->fields[i].name));
}

static void check_document(const char *path, json_t *doc)
{
	check_truth(path, "", &result_table, doc);
}

/* Null and absent where the table says that it may be, in all that was recorded. */
START_TEST(test_null_and_absent)
{
	for_each_recorded(check_document);
}
END_TEST

static void check_table(const struct result_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct result_field *f = &t->fields[i];

		ck_assert_ptr_nonnull(f->help);
		ck_assert_uint_ge(f->offset, sizeof(enum result_state));
		ck_assert_uint_lt(f->offset, t->size);
		for (size_t k = 0; k < i; k++) {
			ck_assert_str_ne(t->fields[k].name, f->name);
			ck_assert_uint_ne(t->fields[k].offset, f->offset);
		}
		if (f->table)
			check_table(f->table);
		ck_assert_int_eq(f->table != NULL, f->type == RESULT_PART ||
							   f->type == RESULT_ROWS ||
							   f->type == RESULT_NAMED);
		/* Names end in their unit. */
		if (!f->table && *f->name)
			ck_assert_int_eq(f->unit == RESULT_NS,
				str_ends(f->name, "_ns") || str_eq(f->name, "cpu_ns_per_request"));
	}
}

START_TEST(test_table)
{
	check_table(&result_table);
	ck_assert_ptr_nonnull(result_table_find(&result_generator_table, "steal_share"));
	ck_assert_ptr_null(result_table_find(&result_generator_table, "stealing"));
}
END_TEST

/* ---------------------------------------------------------------- foreign documents */

static json_t *again_text(const char *text)
{
	json_t *doc = json_loads(text, 0, NULL);
	json_t *ret;

	ck_assert_msg(doc != NULL, "%s", text);
	ret = again(doc);
	json_decref(doc);
	return ret;
}

static const struct {
	const char *doc;
	const char *want;
} foreign[] = {
	{"{}", "{}"},
	{"[]", "{}"},
	/* Of another type: not there. */
	{"{\"run\": 5, \"ledger\": [], \"events\": {}, \"latency\": []}", "{}"},
	{"{\"ledger\": {\"planned\": \"7\", \"sent\": 1.5, \"balanced\": 1}}", "{\"ledger\": {}}"},
	/* Of no result. */
	{"{\"more\": 5, \"ledger\": {\"sent\": 1, \"x\": 2}}", "{\"ledger\": {\"sent\": 1}}"},
	/* Beyond bounds. */
	{"{\"ledger\": {\"planned\": -5, \"sent\": 9223372036854775807}}",
		"{\"ledger\": {\"planned\": 0, \"sent\": 4611686018427387903}}"},
	{"{\"window\": {\"start_ns\": -9223372036854775808}}",
		"{\"window\": {\"start_ns\": -4611686018427387903}}"},
	{"{\"rates\": {\"ok_per_s\": 1e300}}",
		"{\"rates\": {\"ok_per_s\": 4.6116860184273879e18}}"},
	{"{\"parts\": [{\"seed\": -9223372036854775808}]}",
		"{\"parts\": [{\"seed\": -9223372036854775806}]}"},
	/* Integers are reals, too. */
	{"{\"rates\": {\"ok_per_s\": 7}}", "{\"rates\": {\"ok_per_s\": 7.0}}"},
	/* Null and absent are two things. */
	{"{\"window\": null, \"events\": null, \"run\": {\"user\": null}}",
		"{\"run\": {\"user\": null}, \"window\": null, \"events\": null}"},
	{"{\"events\": [5, {}, null], \"statuses\": {\"200\": \"x\", \"404\": 2}}",
		"{\"statuses\": {\"200\": null, \"404\": 2}, \"events\": [null, {}, null]}"},
	{"{\"plan\": {\"whatever\": [1]}, \"flows\": 7}",
		"{\"plan\": {\"whatever\": [1]}, \"flows\": 7}"},
};

START_TEST(test_foreign)
{
	json_t *written = again_text(foreign[_i].doc);
	char *got = json_dumps(written, 0);

	ck_assert_str_eq(got, foreign[_i].want);
	free(got);
	json_decref(written);
}
END_TEST

START_TEST(test_too_many)
{
	json_t *errors = json_array(), *doc = json_pack("{s:o}", "errors", errors);
	struct err err = {0};
	struct result r;

	for (int i = 0; i < 257; i++)
		ck_assert_int_eq(json_array_append_new(errors, json_object()), 0);
	ck_assert_int_eq(result_read(doc, &r, &err), RESULT_E_TOO_MANY);
	ck_assert_str_eq(err.text, "257 members in errors, no result has more than 256");
	result_fini(&r);
	json_decref(doc);
}
END_TEST

/* A document is whole, or there is none. */
START_TEST(test_without_memory)
{
	struct err err = {0};
	struct result r;
	unsigned n_failed = 0;
	json_t *doc, *written;

	memory_watch(free);
	doc = recorded_run("requests");
	for (long n = 0; fail_left < 0; n += 1 + n / 50) {
		int done;

		fail_left = n;
		done = result_read(doc, &r, &err);
		written = done == 0 ? result_write(&r) : NULL;
		ck_assert(done == 0 || done == -ENOMEM);
		if (written)
			ck_assert(json_equal(written, doc));
		n_failed += !written;
		result_fini(&r);
		json_decref(written);
	}
	fail_left = -1;
	ck_assert_uint_gt(n_failed, 50);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("result_json");
	TCase *tcase = tcase_create("documents");

	tcase_add_test(tcase, test_recorded);
	tcase_add_test(tcase, test_null_and_absent);
	tcase_add_test(tcase, test_table);
	tcase_add_loop_test(tcase, test_foreign, 0, (int)(sizeof(foreign) / sizeof(*foreign)));
	tcase_add_test(tcase, test_too_many);
	tcase_add_test_of_failures(tcase, test_without_memory);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
