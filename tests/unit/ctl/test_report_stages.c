/* SPDX-License-Identifier: Apache-2.0 */
/* The table of stages: what is left out on a narrow terminal, how many rows there are, and texts
 * from files of other programs. */
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

static json_t *with_stages(int n, const char *text)
{
	json_t *doc = recorded_report("requests");
	json_t *stages = json_array();

	(void)json_object_del(doc, "requests");
	for (int i = 1; i <= n; i++)
		(void)json_array_append_new(stages,
			json_pack("{s:s s:i s:s s:I s:I s:{s:i s:i s:i} s:{s:f} s:{s:{s:i}} "
				  "s:{s:i s:i s:n}}",
				"kind", "stage", "number", i, "text", text, "start_ns",
				(json_int_t)0, "end_ns", (json_int_t)5000000000, "ledger",
				"planned", 12345, "ok", 12340, "timeout", 1, "rates",
				"planned_per_s", 2469.0, "latency", "our_delay", "p99_ns", 250000,
				"offered", "p50_ns", 1500000, "p95_ns", 9000000, "p99_ns"));
	ck_assert_int_eq(json_object_set_new(doc, "stages", stages), 0);
	return doc;
}

static char *render(const struct format *format, const json_t *doc, unsigned width, bool verbose)
{
	struct style style = {.width = width, .utf8 = true, .verbose = verbose};
	return fixture_render(format, doc, style);
}

/* Every line of the table fits; the last columns go first. */
static const struct {
	unsigned width;
	const char *line;
} widths[] = {
	{80, "\n  2 500 for 10m   2,470   12,345  12,340       5  1.50  9.00  unserved  0.250\n"},
	{70, "\n  2 500 f…   2,470   12,345  12,340       5  1.50  9.00  unserved\n"},
	{50, "\n  2 500 f…   2,470   12,345  12,340       5  1.50  9.00\n"},
};

START_TEST(test_widths)
{
	json_t *doc = with_stages(2, "hold 500 for 10m");
	char *text = render(&format_text, doc, widths[_i].width, false);
	const char *line;

	ck_assert_msg(strstr(text, widths[_i].line) != NULL, "%s", text);
	line = strstr(text, "\n  stage ");
	ck_assert_ptr_nonnull(line);
	for (int i = 0; i < 3; i++) {
		char copy[256];
		size_t len = strcspn(++line, "\n");

		(void)snprintf(copy, sizeof(copy), "%.*s", (int)len, line);
		ck_assert_uint_le(
			style_columns(copy), widths[_i].width < 60 ? 60 : widths[_i].width);
		line += len;
	}
	free(text);
	json_decref(doc);
}
END_TEST

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

START_TEST(test_many)
{
	json_t *doc = with_stages(14, "hold 1");
	char *text = render(&format_text, doc, 80, false);

	ck_assert_uint_eq(count(text, "  2,470   12,345  12,340"), 12);
	ck_assert_ptr_nonnull(strstr(text, "\n  (2 more: -v)\n"));
	free(text);
	text = render(&format_text, doc, 80, true);
	ck_assert_uint_ge(count(text, "  2,470   12,345  12,340"), 14);
	free(text);
	text = render(&format_md, doc, 80, false);

	ck_assert_uint_eq(count(text, " 1 | 2,470 | 12,345 | 12,340 | 5 |"), 14);
	free(text);
	text = render(&format_stages_csv, doc, 80, false);
	ck_assert_uint_eq(
		count(text, ",\"hold 1\",0.000,5.000,2469.000,,12345,,12340,1.500,9.000,,0.250\n"),
		14);
	ck_assert_uint_eq(count(text, "\n"), 15);
	free(text);
	json_decref(doc);
}
END_TEST

/* A text with what tables are made of. */
START_TEST(test_texts)
{
	json_t *doc = with_stages(1, "a|b \"c\"\x1b[31m\nd");
	char *text = render(&format_md, doc, 80, false);

	ck_assert_ptr_nonnull(strstr(text, "| 1 a\\|b "));
	ck_assert_ptr_null(strstr(text, "\x1b"));
	free(text);
	text = render(&format_stages_csv, doc, 80, false);
	ck_assert_ptr_nonnull(strstr(text, "\n1,\"a|b \"\"c\"\"?[31m d\",0.000,"));
	ck_assert_ptr_null(strstr(text, "\x1b"));
	ck_assert_uint_eq(count(text, "\n"), 2);
	free(text);
	text = render(&format_text, doc, 80, false);
	ck_assert_ptr_null(strstr(text, "\x1b"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_none)
{
	json_t *doc = with_stages(0, "");
	char *text = render(&format_text, doc, 80, false);

	ck_assert_ptr_null(strstr(text, "\n  stage "));
	free(text);
	text = render(&format_md, doc, 80, false);
	ck_assert_ptr_null(strstr(text, "| stage |"));
	free(text);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("report_stages");
	TCase *t = tcase_create("report_stages");

	tcase_add_loop_test(t, test_widths, 0, (int)(sizeof(widths) / sizeof(*widths)));
	tcase_add_test(t, test_many);
	tcase_add_test(t, test_texts);
	tcase_add_test(t, test_none);
	suite_add_tcase(s, t);
	return suite_main(s);
}
