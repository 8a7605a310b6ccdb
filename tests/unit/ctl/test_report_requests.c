/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of named requests, errors with their phases, redirects and runs that could not begin:
 * what the recorded screens do not show. */
#include "common/stats/fault.h"
#include "common/str.h"
#include "ctl/report/report.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

/* Every line fits. */
static char *render(const struct format *format, const json_t *doc, unsigned width, bool verbose)
{
	struct style style = {.width = width, .utf8 = true, .verbose = verbose};
	char *text = fixture_render(format, doc, style);

	for (const char *at = text; *at && format == &format_text;) {
		size_t len = strcspn(at, "\n");
		char line[512];

		ck_assert_uint_lt(len, sizeof(line));
		(void)snprintf(line, sizeof(line), "%.*s", (int)len, at);
		ck_assert_msg(style_columns(line) <= width, "%s", line);
		at += len + (at[len] == '\n');
	}
	return text;
}

/* A document with n requests, each a copy of the first one; several are numbered. */
static json_t *with_requests(int n, const char *stem)
{
	json_t *doc = recorded_report("requests");
	json_t *one = json_object_get(json_object_get(doc, "requests"), "browse");
	json_t *all = json_object();

	for (int i = 1; i <= n; i++) {
		char name[128];

		if (n > 1)
			(void)snprintf(name, sizeof(name), "%s%d", stem, i);
		else
			(void)snprintf(name, sizeof(name), "%s", stem);
		json_object_set(all, name, one);
	}
	json_object_set_new(doc, "requests", all);
	return doc;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

static const struct {
	int n;
	size_t lines;
	const char *more;
} many[] = {
	{1, 1, NULL}, {12, 12, NULL}, {13, 12, "  (1 more: -v)\n"}, {64, 12, "  (52 more: -v)\n"}};

START_TEST(test_many)
{
	json_t *doc = with_requests(many[_i].n, "kind");
	char *text = render(&format_text, doc, 80, false);

	ck_assert_uint_eq(count(text, "\n  kind"), many[_i].lines);
	ck_assert_int_eq(strstr(text, "\n  (") != NULL, many[_i].more != NULL);
	if (many[_i].more)
		ck_assert_ptr_nonnull(strstr(text, many[_i].more));
	free(text);
	/* All of them, in the order of the plan. */
	text = render(&format_text, doc, 80, true);
	ck_assert_uint_ge(count(text, "\n  kind"), (size_t)many[_i].n);
	free(text);
	text = render(&format_md, doc, 80, false);
	ck_assert_uint_eq(count(text, "\n| kind"), (size_t)many[_i].n);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_who_is_named_first)
{
	json_t *doc = with_requests(1, "only");
	char *text = render(&format_text, doc, 80, false);

	ck_assert(str_starts(text, "shop-3 · GET http://localhost:8000/"));
	free(text);
	json_decref(doc);
	doc = with_requests(2, "kind");
	text = render(&format_text, doc, 80, false);
	ck_assert(str_starts(text, "shop-3 · 2 requests to http://localhost:8000/"));
	free(text);
	json_decref(doc);
}
END_TEST

/* A path is divided by points: a name is not a path. Wide characters, none, and long ones. */
START_TEST(test_names)
{
	static const char *const names[] = {"a.b.c", "ledger.ok", "\xc3\xa4\xc3\xb6\xc3\xbc", "",
		"x",
		"a-name-that-is-longer-than-any-terminal-is-wide-so-that-it-must-be-cut-somewhere"};
	json_t *doc = with_requests(1, names[_i]);
	char *text = render(&format_text, doc, 80, true);

	ck_assert_ptr_nonnull(strstr(text, "60.2 %       36,108     1.21     11.4       12\n"));
	free(text);
	text = render(&format_text, doc, 60, true);
	ck_assert_ptr_nonnull(strstr(text, "60.2 %       36,108     1.21     11.4       12\n"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_closed_model_shows_service)
{
	json_t *doc = recorded_report("requests");
	char *text;

	json_object_set_new(json_object_get(doc, "plan"), "model", json_string("closed"));
	text = render(&format_text, doc, 80, true);
	ck_assert_ptr_nonnull(strstr(text, "11,530     1.96     18.7      410\n"));
	free(text);
	json_decref(doc);
}
END_TEST

/* A result that was edited, or of another version. */
START_TEST(test_broken)
{
	static const char *const values[] = {"[]", "{}", "null", "\"x\"", "{\"a\":null}",
		"{\"a\":{}}", "{\"a\":{\"ledger\":{}}}", "{\"a\":{\"ledger\":{\"planned\":-9}}}",
		"{\"a\":{\"ledger\":{\"planned\":\"x\"},\"latency\":[],\"share\":1e300}}"};
	json_t *doc = recorded_report("requests");
	char *text;

	json_object_set_new(doc, "requests", json_loads(values[_i], JSON_DECODE_ANY, NULL));
	text = render(&format_text, doc, 80, true);
	ck_assert_uint_gt(strlen(text), 1000);
	free(text);
	free(render(&format_md, doc, 80, false));
	json_decref(doc);
}
END_TEST

START_TEST(test_failed_by)
{
	json_t *doc = recorded_report("failed");
	json_t *run = json_object_get(doc, "run");
	char *text;

	json_array_clear(json_object_get(doc, "errors"));
	json_object_set_new(run, "failed_by", json_string("tls-expired"));
	text = render(&format_text, doc, 80, false);
	ck_assert_ptr_nonnull(
		strstr(text, "\n  error   tls-expired: the server's certificate has expired\n"));
	free(text);
	json_object_set_new(run, "failed_by", json_string("of-another-version"));
	text = render(&format_text, doc, 80, false);
	ck_assert_ptr_nonnull(strstr(text, "\n  error   of-another-version\n"));
	free(text);
	json_decref(doc);
}
END_TEST

/* All that most answers were redirects changes is the colour and the reason. */
START_TEST(test_redirects)
{
	struct report_verdict v;
	json_t *doc = recorded_report("requests");
	struct report r;

	report_init(&r, doc);
	report_judge(&r, &v);
	ck_assert_str_eq(v.word, STYLE_WARN "OK" STYLE_PLAIN);
	ck_assert_ptr_nonnull(strstr(v.reason, "redirects (301 to https://shop.test/)"));
	/* They were asked for: then the audit says nothing of them. */
	json_object_set_new(json_object_get(doc, "headline"), "because", json_string(""));
	report_judge(&r, &v);
	ck_assert_str_eq(v.word, STYLE_GOOD "OK" STYLE_PLAIN);
	ck_assert_str_eq(v.reason, "");
	json_decref(doc);
}
END_TEST

/* Every fault's line names its phase, once. */
START_TEST(test_error_name)
{
	const struct fault_info *f = &fault_table[_i];
	json_t *error =
		json_pack("{s:s s:s}", "class", f->name, "phase", fault_phase_names[f->phase]);
	const char *name = report_error_name(error).text;

	ck_assert(str_starts(name, fault_phase_names[f->phase]));
	ck_assert(str_ends(name, f->name));
	ck_assert_uint_le(strlen(name), 25);
	json_decref(error);
	error = json_pack("{s:s}", "class", f->name);
	ck_assert_str_eq(report_error_name(error).text, f->name);
	json_decref(error);
}
END_TEST

static TCase *cases(void)
{
	TCase *t = tcase_create("requests in reports");

	tcase_add_loop_test(t, test_many, 0, sizeof(many) / sizeof(many[0]));
	tcase_add_test(t, test_who_is_named_first);
	tcase_add_loop_test(t, test_names, 0, 6);
	tcase_add_test(t, test_closed_model_shows_service);
	tcase_add_loop_test(t, test_broken, 0, 9);
	tcase_add_test(t, test_failed_by);
	tcase_add_test(t, test_redirects);
	tcase_add_loop_test(t, test_error_name, FAULT_NONE + 1, FAULT_COUNT);
	return t;
}

int main(void)
{
	Suite *suite = suite_create("requests in reports");

	suite_add_tcase(suite, cases());
	return suite_main(suite);
}
