/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that go to files, .csv and .md, against recorded ones and hostile documents.
 *
 * After a change that is meant, record anew and read what git diff shows:
 *	build/rpsctl report tests/data/result_X.json -o tests/data/report_X.md */
#include "common/file.h"
#include "tests/support/same_text.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

#define DATA "tests/data/"

static char *render(const struct format *format, const json_t *doc)
{
	return fixture_render(format, doc, (struct style){.width = 80});
}

static const struct {
	const char *document;
	const char *file;
} files[] = {
	{"open", "report_open.md"},
	{"errors", "report_errors.md"},
	{"overload", "report_overload.md"},
	{"closed", "report_closed.md"},
	{"failed", "report_failed.md"},
	{"empty", "report_empty.md"},
	{"requests", "report_requests.md"},
	{"open", "report_open.csv"},
	{"overload", "report_overload.csv"},
	{"empty", "report_empty.csv"},
};

START_TEST(test_recorded)
{
	json_t *doc = recorded_report(files[_i].document);
	char *got = render(format_for(files[_i].file), doc);
	char path[128];
	char *want;
	size_t len;

	(void)snprintf(path, sizeof(path), DATA "%s", files[_i].file);
	ck_assert_int_eq(file_read(path, 1 << 20, &want, &len), 0);
	assert_same_text(path, got, want);
	free(got);
	free(want);
	json_decref(doc);
}
END_TEST

/* Each line has as many fields as the first. */
START_TEST(test_csv_is_a_table)
{
	json_t *doc = recorded_report("errors");
	char *text = render(&format_csv, doc);
	size_t fields = 0;
	size_t lines = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		size_t n = 1;

		for (const char *c = line; *c; c++)
			n += *c == ',';
		fields = lines ? fields : n;
		ck_assert_uint_eq(n, fields);
	}
	ck_assert_uint_gt(lines, 2);
	ck_assert_uint_eq(fields, 13);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_csv_fields)
{
	json_t *doc =
		json_loads("{\"intervals\":{\"rows\":["
			   "{\"t_ns\":1500000000,\"planned\":7,\"p50_ns\":1234567,\"p99_ns\":null,"
			   "\"open\":true,\"sent\":\"x\"},5]}}",
			0, NULL);
	char *text = render(&format_csv, doc);

	ck_assert_str_eq(strchr(text, '\n') + 1, "1.500,7,,,,,,,1.235,,,,1\n,,,,,,,,,,,,\n");
	free(text);
	json_decref(doc);
}
END_TEST

/* What others wrote is neither markup nor the end of a table, a fence or a fold. */
START_TEST(test_md_is_not_led_astray)
{
	json_t *doc = json_loads(
		"{\"run\":{\"id\":\"a*b\",\"outcome\":\"completed\",\"labels\":{\"k\":\"`x` | "
		"@bob\"}},"
		"\"headline\":{\"result\":\"fail\",\"because\":\"<script>\\n| @alice [x](y)\"},"
		"\"plan\":{\"target\":{\"url\":\"http://h/`|</details>\",\"method\":\"GET\"},"
		"\"text\":\"a\\n````\\n</details>\"},"
		"\"errors\":[{\"class\":\"x|y\",\"count\":1,\"example\":\"``\\n|\\u001b[2J "
		"@carol\"}],"
		"\"generator\":{\"notes\":[{\"text\":\"_n_\",\"try\":\"#1\"}]}}",
		0, NULL);
	char *text = render(&format_md, doc);

	ck_assert_ptr_nonnull(strstr(text, "### FAIL · a\\*b\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n&lt;script\\> \\| \\@alice \\[x\\](y)\n"));
	ck_assert_ptr_nonnull(strstr(text, "`` GET http://h/`|</details> ``"));
	ck_assert_ptr_nonnull(strstr(text, " · `` k=`x` | @bob ``\n"));
	ck_assert_ptr_nonnull(strstr(text, "| x\\|y | 1 | ``` `` \\|?[2J @carol ``` |\n"));
	ck_assert_ptr_nonnull(strstr(text, "- note: \\_n\\_; try: \\#1\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n`````ini\na\n````\n</details>\n`````\n"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_strange_documents)
{
	static const char *const documents[] = {"{}", "[]", "{\"intervals\":5}",
		"{\"ledger\":{\"planned\":-5}}", "{\"errors\":[[],{}],\"plan\":{\"stages\":[5]}}",
		"{\"run\":{\"labels\":{\"a\":5}}}"};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		json_t *doc = json_loads(documents[i], 0, NULL);

		ck_assert_ptr_nonnull(doc);
		free(render(&format_csv, doc));
		free(render(&format_md, doc));
		json_decref(doc);
	}
}
END_TEST

START_TEST(test_endings)
{
	ck_assert_ptr_eq(format_for("a.md"), &format_md);
	ck_assert_ptr_eq(format_for("/x/a.csv"), &format_csv);
	ck_assert_ptr_eq(format_for("a.txt"), &format_text);
	ck_assert_ptr_eq(format_for("a.json"), &format_json);
	ck_assert_ptr_null(format_for("a.xlsx"));
	ck_assert_ptr_null(format_for("md"));
	ck_assert_str_eq(format_endings(), ".json, .txt, .stages.csv, .csv, .md or .hlog");
	ck_assert_str_eq(format_endings(), ".json, .txt, .stages.csv, .csv, .md or .hlog");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("files");
	Suite *suite = suite_create("format_files");

	tcase_add_loop_test(tcase, test_recorded, 0, (int)(sizeof(files) / sizeof(*files)));
	tcase_add_test(tcase, test_csv_is_a_table);
	tcase_add_test(tcase, test_csv_fields);
	tcase_add_test(tcase, test_md_is_not_led_astray);
	tcase_add_test(tcase, test_strange_documents);
	tcase_add_test(tcase, test_endings);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
