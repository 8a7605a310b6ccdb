/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of Start, both ways, and what is read from them. */
#include "common/control/start.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "tests/support/quoted.h"
#include "tests/support/suite.h"

static const char content[] = "cart and token";

static void fill_all(struct start *s, bool is_held)
{
	s->name = "shop";
	s->text = "[load]\nrate = ${RATE}\n";
	s->file = "runs/shop.ini";
	s->variables = json_pack("{s:s, s:s}", "RATE", "5", "WHO", "\xc3\xa9");
	s->hold = true;
	s->content = content;
	s->content_len = strlen(content);
	s->is_held = is_held;
	ck_assert_int_eq(start_add_overlay(s, "a.ini", "[load]\n"), 0);
	ck_assert_int_eq(start_add_overlay(s, "b.ini", ""), 0);
	ck_assert_int_eq(start_add_setting(s, "load.rate", "7", "-r"), 0);
	ck_assert_int_eq(start_add_setting(s, "load.rate", "8", NULL), 0);
	ck_assert_int_eq(start_add_file(s, "cart", content, 4), 0);
	ck_assert_int_eq(start_add_file(s, "empty", "", 0), 0);
	ck_assert_int_eq(start_add_file(s, "cred:token", content + 9, 5), 0);
}

static void assert_same_text(const char *a, const char *b)
{
	ck_assert_msg(a == b || (a && b && str_eq(a, b)), "%s, %s", a ? a : "-", b ? b : "-");
}

static void assert_same(const struct start *a, const struct start *b)
{
	assert_same_text(a->name, b->name);
	assert_same_text(a->text, b->text);
	assert_same_text(a->file, b->file);
	ck_assert(a->hold == b->hold);
	ck_assert(a->variables == b->variables || json_equal(a->variables, b->variables));
	ck_assert_uint_eq(a->n_overlays, b->n_overlays);
	for (size_t i = 0; i < a->n_overlays; i++) {
		assert_same_text(a->overlays[i].file, b->overlays[i].file);
		assert_same_text(a->overlays[i].text, b->overlays[i].text);
	}
	ck_assert_uint_eq(a->n_set, b->n_set);
	for (size_t i = 0; i < a->n_set; i++) {
		assert_same_text(a->set[i].key, b->set[i].key);
		assert_same_text(a->set[i].value, b->set[i].value);
		assert_same_text(a->set[i].origin, b->set[i].origin);
	}
	ck_assert_uint_eq(a->n_files, b->n_files);
	for (size_t i = 0; i < a->n_files; i++) {
		assert_same_text(a->files[i].name, b->files[i].name);
		ck_assert_uint_eq(a->files[i].len, b->files[i].len);
		ck_assert_mem_eq(a->files[i].data, b->files[i].data, a->files[i].len);
	}
}

/* As files and as places in a content that both have. */
START_TEST(every_parameter_comes_back)
{
	static const char *const members[] = {
		"name", "text", "file", "overlays", "variables", "set", "hold"};
	struct start a = {0}, b = {0};
	const char *bad = NULL;
	json_t *p;

	fill_all(&a, _i == 1);
	p = start_write(&a);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		ck_assert_msg(json_object_get(p, members[i]) != NULL, "%s", members[i]);
	ck_assert_ptr_nonnull(json_object_get(p, _i == 1 ? "held" : "files"));
	ck_assert_uint_eq(json_object_size(p), 8);
	b.content = content;
	b.content_len = strlen(content);
	ck_assert_msg(start_read(&b, p, &bad) == 0, "%s", bad);
	assert_same(&a, &b);
	for (size_t i = 0; i < b.n_files; i++)
		ck_assert(start_lies_in_content(&b, &b.files[i]) == (_i == 1 && b.files[i].len));
	start_fini(&a);
	start_fini(&b);
	json_decref(p);
}
END_TEST

START_TEST(what_is_absent_is_not_written)
{
	struct start s = {.name = "shop"};
	json_t *p = start_write(&s);
	json_t *want = quoted("{'name': 'shop', 'set': []}");

	ck_assert(json_equal(p, want));
	json_decref(want);
	json_decref(p);
	start_fini(&s);
	/* A value that no JSON can carry. */
	s.text = "\xff";
	ck_assert_ptr_null(start_write(&s));
	s.text = NULL;
	ck_assert_int_eq(start_add_setting(&s, "a.b", "\xff", NULL), 0);
	ck_assert_ptr_null(start_write(&s));
	start_fini(&s);
}
END_TEST

START_TEST(null_is_absent)
{
	json_t *p =
		quoted("{'name': 'n', 'text': null, 'file': null, 'overlays': null, 'variables':"
		       " null, 'files': null, 'held': null, 'set': null, 'hold': null,"
		       " 'allowInteractiveAuthentication': true}");
	struct start s = {0}, nothing = {.name = "n"};
	const char *bad;

	ck_assert_int_eq(start_read(&s, p, &bad), 0);
	assert_same(&s, &nothing);
	start_fini(&s);
	json_decref(p);
}
END_TEST

static const char *const refused[][2] = {
	{"{}", "name"},
	{"{'name': null}", "name"},
	{"{'name': ''}", "name"},
	{"{'name': 'a/b'}", "name"},
	{"{'name': '../n'}", "name"},
	{"{'name': 5}", "name"},
	{"{'name': 'n', 'text': 5}", "text"},
	{"{'name': 'n', 'file': []}", "file"},
	{"{'name': 'n', 'nam': 'm'}", "nam"},
	{"{'name': 'n', 'nam': null}", "nam"},
	{"{'name': 'n', 'hold': 1}", "hold"},
	{"{'name': 'n', 'overlays': {}}", "overlays"},
	{"{'name': 'n', 'overlays': [null]}", "overlays"},
	{"{'name': 'n', 'overlays': [{'file': 'o', 'text': null}]}", "overlays"},
	{"{'name': 'n', 'overlays': [{'file': 'o'}]}", "overlays"},
	{"{'name': 'n', 'overlays': [{'file': 'o', 'text': '', 'a': ''}]}", "overlays"},
	{"{'name': 'n', 'variables': []}", "variables"},
	{"{'name': 'n', 'variables': {'A': 5}}", "variables"},
	{"{'name': 'n', 'variables': {'A': null}}", "variables"},
	{"{'name': 'n', 'files': []}", "files"},
	{"{'name': 'n', 'files': {'a': 5}}", "files"},
	{"{'name': 'n', 'files': {'a': 'YQ='}}", "files"},
	{"{'name': 'n', 'held': []}", "held"},
	{"{'name': 'n', 'held': {'a': 'YQ=='}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 0}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 0, 'len': 1.0}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': -1, 'len': 1}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 1, 'len': -1}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 0, 'len': 15}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 15, 'len': 0}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 9223372036854775807, 'len': 1}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 1, 'len': 9223372036854775807}}}", "held"},
	{"{'name': 'n', 'held': {'a': {'offset': 0, 'len': 1, 'fd': 0}}}", "held"},
	{"{'name': 'n', 'set': {}}", "set"},
	{"{'name': 'n', 'set': ['load.rate=5']}", "set"},
	{"{'name': 'n', 'set': [{'key': 'a.b'}]}", "set"},
	{"{'name': 'n', 'set': [{'key': 'a.b', 'value': null}]}", "set"},
	{"{'name': 'n', 'set': [{'key': 'a.b', 'value': '', 'origin': 5}]}", "set"},
	{"{'name': 'n', 'set': [{'key': 'a.b', 'value': '', 'more': ''}]}", "set"},
};

START_TEST(what_is_wrong_is_named)
{
	struct start s = {.content = content, .content_len = strlen(content)};
	json_t *p = quoted(refused[_i][0]);
	const char *bad = NULL;

	ck_assert_int_eq(start_read(&s, p, &bad), -EINVAL);
	ck_assert_str_eq(bad, refused[_i][1]);
	start_fini(&s);
	json_decref(p);
}
END_TEST

/* The whole of the content, and the place after its end. */
START_TEST(pieces_lie_within_the_content)
{
	json_t *p =
		quoted("{'name': 'n', 'held': {'a': {'offset': 0, 'len': 14}, 'b': {'offset': 14,"
		       " 'len': 0}}}");
	struct start s = {.content = content, .content_len = strlen(content)};
	const char *bad;

	ck_assert_int_eq(start_read(&s, p, &bad), 0);
	ck_assert_uint_eq(s.n_files, 2);
	ck_assert_str_eq(s.files[0].data, content);
	ck_assert_str_eq(s.files[1].data, "");
	start_fini(&s);
	json_decref(p);
}
END_TEST

START_TEST(files_have_a_number)
{
	json_t *p = quoted("{'name': 'n', 'files': {}, 'held': {'z': {'offset': 0, 'len': 0}}}");
	struct start s = {.content = content, .content_len = strlen(content)};
	const char *bad;
	char name[16];

	for (unsigned i = 0; i < START_FILES_MAX + 9; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		(void)json_object_set_new(json_object_get(p, "files"), name, json_string("YQ=="));
	}
	ck_assert_int_eq(start_read(&s, p, &bad), 0);
	ck_assert_uint_eq(s.n_files, START_FILES_MAX);
	start_fini(&s);
	json_decref(p);
}
END_TEST

/* ---------------------------------------------------------------- entries */

static void read_entries(const struct start *s, struct ini_doc *doc, struct problems *problems)
{
	ck_assert_int_eq(start_read_texts(s, doc, problems), 0);
	ck_assert_int_eq(start_fill(s->variables, 0, doc, problems), 0);
	ck_assert_int_eq(start_read_settings(s, 0, doc, problems), 0);
}

START_TEST(entries_come_in_the_order_of_precedence)
{
	static const char *const want[][3] = {{"runs/shop.ini", "rate", "5"},
		{"a.ini", "rate", "6"}, {"-r", "rate", "7"}, {"set load.rate", "rate", "8"}};
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct start s = {0};

	fill_all(&s, false);
	s.overlays[0].text = "[load]\nrate = ${NONE:-6}\n";
	read_entries(&s, &doc, &problems);
	ck_assert_uint_eq(problems.n, 0);
	ck_assert_uint_eq(doc.n_entries, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(doc.entries[i].file, want[i][0]);
		ck_assert_str_eq(doc.entries[i].key, want[i][1]);
		ck_assert_str_eq(doc.entries[i].value, want[i][2]);
	}
	ini_fini(&doc);
	start_fini(&s);
}
END_TEST

START_TEST(problems_of_entries_have_their_place)
{
	static const char *const want[] = {
		"text:1: ", "a.ini:2: rate: ${NO} is not set", "-x: 'key'"};
	struct problems problems = {0};
	struct ini_doc doc = {0};
	struct start s = {.text = "rubbish"};

	ck_assert_int_eq(start_add_overlay(&s, "a.ini", "[load]\nrate = ${NO}\n"), 0);
	ck_assert_int_eq(start_add_setting(&s, "key", "1", "-x"), 0);
	ck_assert_int_eq(start_add_setting(&s, "load.rate", "1", "-r"), 0);
	read_entries(&s, &doc, &problems);
	ck_assert_uint_eq(problems.n, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(str_starts(problems.texts[i], want[i]), "%s", problems.texts[i]);
	ck_assert_uint_eq(doc.n_entries, 2);
	/* rpsctl leaves it to the daemon to tell. */
	ck_assert_int_eq(start_read_settings(&s, 0, &doc, NULL), 0);
	problems_fini(&problems);
	ini_fini(&doc);
	start_fini(&s);
	s.name = "n";
	ck_assert_str_eq(start_label(&s), "n");
}
END_TEST

/* ---------------------------------------------------------------- paths */

static const struct {
	const char *name;
	const char *credentials;
	const char *path; /* NULL: nowhere */
} paths[] = {
	{"beside", NULL, "dir/beside"},
	{"flag", NULL, "flag"},
	{"both", NULL, "both"},
	{"/abs", NULL, "/abs"},
	{"other", NULL, "other"},
	{"-", "/run/c", NULL},
	{"cred:token", "/run/c", "/run/c/token"},
	{"cred:token", NULL, NULL},
};

START_TEST(files_lie_beside_the_file_that_names_them)
{
	static const char text[] = "[defaults]\nbody = @beside\n[request a]\nbody = @both\n"
				   "[request b]\nbody = @/abs\n[request c]\nbody = @-\n"
				   "[request d]\nauth = bearer cred:token\n";
	struct problems problems = {0};
	struct ini_doc doc = {0};
	char path[PATH_MAX];
	int r;

	ck_assert_int_eq(ini_read(&doc, "dir/shop.ini", text, strlen(text), &problems), 0);
	ck_assert_int_eq(ini_set_path(&doc, "-b", "request.e.body", "@flag"), 0);
	ck_assert_int_eq(ini_set_path(&doc, "-b", "request.f.body", "@both"), 0);
	r = start_file_path(&doc, paths[_i].name, paths[_i].credentials, path);
	ck_assert_int_eq(r, paths[_i].path ? 0 : START_E_NOWHERE);
	if (paths[_i].path)
		ck_assert_str_eq(path, paths[_i].path);
	ini_fini(&doc);
	problems_fini(&problems);
}
END_TEST

START_TEST(a_path_has_a_length)
{
	static char name[PATH_MAX + 1];
	struct ini_doc doc = {0};
	char path[PATH_MAX];

	memset(name, 'x', PATH_MAX - 1);
	ck_assert_int_eq(start_file_path(&doc, name, NULL, path), 0);
	name[PATH_MAX - 1] = 'x';
	ck_assert_int_eq(start_file_path(&doc, name, NULL, path), -ENAMETOOLONG);
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *s = suite_create("start");
	TCase *t = tcase_create("start");

	tcase_add_loop_test(t, every_parameter_comes_back, 0, 2);
	tcase_add_test(t, what_is_absent_is_not_written);
	tcase_add_test(t, null_is_absent);
	tcase_add_loop_test(t, what_is_wrong_is_named, 0, N(refused));
	tcase_add_test(t, pieces_lie_within_the_content);
	tcase_add_test(t, files_have_a_number);
	tcase_add_test(t, entries_come_in_the_order_of_precedence);
	tcase_add_test(t, problems_of_entries_have_their_place);
	tcase_add_loop_test(t, files_lie_beside_the_file_that_names_them, 0, N(paths));
	tcase_add_test(t, a_path_has_a_length);
	suite_add_tcase(s, t);
	return suite_main(s);
}
