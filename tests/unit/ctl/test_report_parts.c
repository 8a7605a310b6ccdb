/* SPDX-License-Identifier: Apache-2.0 */
/* What reports say of merged results: a line for each run, on wide and narrow terminals, which
 * slices are missing, and that figures are means. */
#include "ctl/report/report.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

static char *render(const char *parts, unsigned width)
{
	json_t *doc = json_pack("{s:{s:{s:i s:i s:i}} s:o?}", "latency", "response", "count", 10,
		"p50_ns", 5000000, "p99_ns", 9000000, "parts", json_loads(parts, 0, NULL));
	struct style style = {.width = width, .utf8 = true};
	struct buf text = {0};
	struct report r;

	ck_assert_ptr_nonnull(doc);
	report_init(&r, doc);
	r.width = width;
	report_parts_table(&r);
	ck_assert_int_eq(r.r, 0);
	ck_assert_int_eq(style_render(&style, r.text.data ? r.text.data : "", &text), 0);
	buf_fini(&r.text);
	json_decref(doc);
	return text.data ? text.data : strdup("");
}

static void check(const char *parts, unsigned width, const char *want)
{
	char *got = render(parts, width);

	ck_assert_str_eq(got, want);
	free(got);
}

#define TWO                                                                                        \
	"[{\"id\":\"shop-7\",\"host\":\"web-1\",\"planned\":12000,\"ok\":12000,\"p50_ms\":1.641,"  \
	"\"p99_ms\":9.67,\"our_delay_p99_ms\":0.031,\"verdict\":\"ok\"},"                          \
	"{\"id\":\"shop-12\",\"host\":null,\"planned\":12000,\"ok\":5,\"p50_ms\":null,"            \
	"\"p99_ms\":null,\"our_delay_p99_ms\":null,\"verdict\":\"saturated\"}]"

START_TEST(test_wide)
{
	check(TWO, 80,
		"  part            planned         ok      p50      p99  our p99  generator\n"
		"  web-1/shop-7     12,000     12,000     1.64     9.67    0.031  ok\n"
		"  shop-12          12,000          5 unserved unserved        -  saturated\n\n");
}
END_TEST

START_TEST(test_narrow)
{
	check(TWO, 60,
		"  part                 ok      p50      p99  generator\n"
		"  web-1/shop-7     12,000     1.64     9.67  ok\n"
		"  shop-12               5 unserved unserved  saturated\n\n");
}
END_TEST

/* The page for pull requests has them too. */
START_TEST(test_markdown)
{
	json_t *doc = recorded_report("open");
	const struct style style = {0};
	char *text = fixture_render(&format_md, doc, style);

	ck_assert_ptr_null(strstr(text, "| part |"));
	free(text);
	json_object_set_new(doc, "parts", json_loads(TWO, 0, NULL));
	text = fixture_render(&format_md, doc, style);
	ck_assert_ptr_nonnull(
		strstr(text, "\n\n| part | planned | ok | p50 | p99 | our p99 | generator |\n"
			     "|:--|--:|--:|--:|--:|--:|:--|\n"
			     "| web-1/shop-7 | 12,000 | 12,000 | 1.64 | 9.67 | 0.031 | ok |\n"
			     "| shop-12 | 12,000 | 5 | unserved | unserved | - | saturated |\n\n"));
	free(text);
	for (int i = 0; i < 20; i++)
		json_array_append_new(json_object_get(doc, "parts"), json_object());
	text = fixture_render(&format_md, doc, style);
	ck_assert_ptr_nonnull(strstr(text, "\n\n2 more: --json\n\n"));
	free(text);
	json_decref(doc);
}
END_TEST

/* Names are cut, and what a file says fits however long it is. */
START_TEST(test_long_names)
{
	static const unsigned widths[] = {60, 79, 80};
	char parts[4096] = "[";

	for (int i = 0; i < 25; i++)
		(void)snprintf(parts + strlen(parts), sizeof(parts) - strlen(parts),
			"%s{\"id\":\"a-very-long-name-of-a-run-%d\",\"host\":\"h\u00e9te-of-a-"
			"host\","
			"\"planned\":123456789,\"ok\":123456789,\"verdict\":\"saturated\"}",
			i ? "," : "", i);
	(void)strcat(parts, "]");
	for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
		char *text = render(parts, widths[w]);
		size_t n = 0;

		ck_assert_ptr_nonnull(strstr(text, "…"));
		ck_assert_ptr_nonnull(strstr(text, "  (5 more: --json)\n"));
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++)
			ck_assert_uint_le(style_columns(line), widths[w]);
		ck_assert_uint_eq(n, 22);
		free(text);
	}
}
END_TEST

START_TEST(test_strange)
{
	check("[]", 80, "");
	check("{}", 80, "");
	free(render("[5,[],{},null]", 80));
	free(render("[{\"id\":5,\"host\":{},\"p50_ms\":\"x\",\"planned\":1.5}]", 60));
}
END_TEST

/* Of a run that was cut short, the rest of its plan was never due. */
START_TEST(test_delivered_until_then)
{
	static const char *const outcomes[] = {"stopped", "aborted", "interrupted", "completed"};

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
		json_t *doc = recorded_report("open");
		struct style style = {.width = 120, .utf8 = true};
		char *text;

		fixture_set(doc, "run", "outcome", json_string(outcomes[i]));
		text = fixture_render(&format_text, doc, style);
		ck_assert_msg(
			strstr(text, i < 3 ? "plan delivered 100.0 % of what was due until then ·"
					   : "plan delivered 100.0 % ·"),
			"%s", text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* Where a headline is, it says first that slices are missing; so does the one line of a log. */
START_TEST(test_missing)
{
	static const struct {
		const struct format *format;
		bool verbose;
		const char *text;
	} rows[] = {
		{&format_text, false,
			"  OK   slices 1, 2 of 3: 3 missing\n"
			"       these slices delivered 100.0 % · nothing failed · limited by the "
			"plan\n"},
		{&format_text, true, "verdict    OK: slices 1, 2 of 3: 3 missing; these slices"},
		{&format_md, false, "\nslices 1, 2 of 3: 3 missing  \nthese slices delivered"},
		{&format_json, false, "\"missing\": \"slices 1, 2 of 3: 3 missing\""},
		{&format_hlog, false, "#[Only slices 1, 2 of 3: 3 missing]\n"},
	};
	json_t *doc = recorded_report("open");

	fixture_set(doc, "headline", "missing", json_string("slices 1, 2 of 3: 3 missing"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct style style = {.width = 80, .utf8 = true, .verbose = rows[i].verbose};
		char *text = fixture_render(rows[i].format, doc, style);

		ck_assert_msg(strstr(text, rows[i].text), "'%s' in:\n%s", rows[i].text, text);
		free(text);
	}
	json_decref(doc);
}
END_TEST

START_TEST(test_repeats)
{
	struct style style = {.width = 80, .utf8 = true};
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(doc, "repeats", json_pack("[{},{}]"));
	fixture_set(
		doc, "latency.response", "ci95", json_pack("{s:f s:n}", "level", 0.95, "p50_ns"));
	json_object_del(
		json_object_get(json_object_get(doc, "latency"), "response"), "n_effective");
	text = fixture_render(&format_text, doc, style);
	ck_assert_ptr_nonnull(strstr(text, "mean of 2 runs\n"));
	ck_assert_ptr_nonnull(strstr(text, "that takes 3\n          repetitions\n"));
	free(text);
	json_decref(doc);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("parts");
	Suite *suite = suite_create("report_parts");

	tcase_add_test(tcase, test_wide);
	tcase_add_test(tcase, test_narrow);
	tcase_add_test(tcase, test_markdown);
	tcase_add_test(tcase, test_long_names);
	tcase_add_test(tcase, test_strange);
	tcase_add_test(tcase, test_missing);
	tcase_add_test(tcase, test_delivered_until_then);
	tcase_add_test(tcase, test_repeats);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
