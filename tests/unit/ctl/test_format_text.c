/* SPDX-License-Identifier: Apache-2.0 */
/* The text report against recorded screens, and against documents that are broken or hostile.
 *
 * After a change that is meant, record anew and read what git diff shows:
 *	LC_ALL=C.UTF-8 build/rpsctl report [-v] tests/data/result_X.json >tests/data/report_X.txt */
#include "ctl/report/format.h"

#include "common/file.h"
#include "common/str.h"
#include "ctl/spark.h"
#include "tests/support/same_text.h"
#include "tests/support/quoted.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

#define DATA "tests/data/"

static const char *const documents[] = {
	"open", "errors", "overload", "failed", "closed", "empty", "requests"};
#define N_DOCUMENTS ((int)(sizeof(documents) / sizeof(*documents)))

static char *render_with(
	json_t *doc, const char *object, const char *name, json_t *value, struct style style)
{
	fixture_set(doc, object, name, value);
	return fixture_render(&format_text, doc, style);
}

static const struct {
	const char *document;
	const char *screen;
	struct style style;
} screens[] = {
	{"open", "open", {.width = 80, .utf8 = true}},
	{"errors", "errors", {.width = 80, .utf8 = true}},
	{"overload", "overload", {.width = 80, .utf8 = true}},
	{"failed", "failed", {.width = 80, .utf8 = true}},
	{"closed", "closed", {.width = 80, .utf8 = true}},
	{"empty", "empty", {.width = 80, .utf8 = true}},
	{"requests", "requests", {.width = 80, .utf8 = true}},
	{"errors", "errors_ascii", {.width = 80}},
	{"errors", "errors_full", {.width = 80, .utf8 = true, .verbose = true}},
	{"closed", "closed_full", {.width = 80, .utf8 = true, .verbose = true}},
	{"requests", "requests_full", {.width = 80, .utf8 = true, .verbose = true}},
};

START_TEST(test_screen)
{
	json_t *doc = recorded_report(screens[_i].document);
	char *text = fixture_render(&format_text, doc, screens[_i].style);
	char path[128];
	char *want;
	size_t len;

	(void)snprintf(path, sizeof(path), DATA "report_%s.txt", screens[_i].screen);
	ck_assert_int_eq(file_read(path, 1 << 20, &want, &len), 0);
	assert_same_text(path, text, want);
	free(want);
	free(text);
	json_decref(doc);
}
END_TEST

/* Every line fits, ends without blanks, and shows nothing but printable characters. An assertion
 * costs a write to check's pipe, so only a failure makes one. */
static void assert_lines_within(const char *text, bool utf8, unsigned width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[1024];

		if (len >= sizeof(line) || text[len] != '\n')
			ck_abort_msg("a line without end: %.100s", text);
		memcpy(line, text, len);
		line[len] = '\0';
		if (style_columns(line) > width)
			ck_abort_msg("too wide: %s", line);
		if (len > 0 && line[len - 1] == ' ')
			ck_abort_msg("blanks at the end: %s", line);
		for (size_t i = 0; i < len; i++) {
			unsigned char c = (unsigned char)line[i];

			if (c < ' ' || c == 0x7f || (!utf8 && c >= 0x80))
				ck_abort_msg("a character %02x in: %s", c, line);
		}
		text += len + 1;
	}
}

static void assert_lines(const char *text, bool utf8)
{
	assert_lines_within(text, utf8, 80);
}

START_TEST(test_silence_is_a_note)
{
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(doc, "events",
		json_pack("[{s:I s:s s:s} {s:I s:s s:s}]", "at_ns", (json_int_t)4, "kind",
			"silence", "text", "nothing answered since 0:03", "at_ns", (json_int_t)6,
			"kind", "answers", "text", "nothing answered for about 3 s, from 0:03"));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_ptr_nonnull(
		strstr(text, "  note    nothing answered for about 3 s, from 0:03\n"));
	ck_assert_ptr_null(strstr(text, "since 0:03"));
	free(text);
	json_decref(doc);
}
END_TEST

/* In all forms that people read: a run that was steered did something else than its plan says. */
START_TEST(test_steered)
{
	const struct style style = {.width = 80};
	json_t *doc = recorded_report("open");
	json_t *events;
	char *text;

	text = fixture_render(&format_text, doc, style);
	ck_assert_ptr_null(strstr(text, "steered"));
	free(text);
	events = json_pack("[{s:I s:s s:s s:s s:s} {s:I s:s s:s} {s:I s:s s:s}]", "at_ns",
		(json_int_t)3200000000, "kind", "rate", "text", "joe: rate 200/s -> 400/s", "from",
		"200/s", "to", "400/s", "at_ns", (json_int_t)4000000000, "kind", "silence", "text",
		"nothing", "at_ns", (json_int_t)65000000000, "kind", "pause", "text", "joe: pause");
	json_object_set(doc, "events", events);
	text = fixture_render(&format_text, doc, style);
	ck_assert_ptr_nonnull(
		strstr(text, "  steered 2 times: rate 200/s -> 400/s at 0:03, pause at 1:05\n"));
	free(text);
	text = fixture_render(&format_md, doc, style);
	ck_assert_ptr_nonnull(
		strstr(text, "- steered 2 times: rate 200/s -\\> 400/s at 0:03, pause at 1:05\n"));
	free(text);
	for (int i = 0; i < 3; i++)
		json_array_append_new(events,
			json_pack("{s:I s:s}", "at_ns", (json_int_t)70000000000, "kind", "next"));
	text = fixture_render(&format_text, doc, style);
	ck_assert_ptr_nonnull(strstr(text, "  steered 5 times: rate 200/s -> 400/s at 0:03, "));
	ck_assert_ptr_nonnull(strstr(text, " and 1 more"));
	assert_lines(text, false);
	free(text);
	json_decref(events);
	json_decref(doc);
}
END_TEST

/* Three, those first that something can be done about; all of them with -v. */
START_TEST(test_notes_are_few)
{
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(json_object_get(doc, "generator"), "notes",
		json_pack("[{s:s} {s:s s:s} {s:s} {s:s s:s} {s:s}]", "text", "first", "text",
			"second", "try", "this", "text", "third", "text", "fourth", "try", "that",
			"text", "fifth"));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_ptr_nonnull(strstr(text, "  note    first\n  note    second\n"
					   "  try     this\n  note    fourth\n  try     that\n"
					   "          (2 more: -v)\n"));
	free(text);
	text = fixture_render(&format_text, doc, (struct style){.width = 80, .verbose = true});
	ck_assert_ptr_nonnull(strstr(text, "  note    first\n  note    second\n"
					   "  try     this\n  note    third\n  note    fourth\n"
					   "  try     that\n  note    fifth\n"));
	ck_assert_ptr_null(strstr(text, "more: -v"));
	free(text);
	/* That the certificate was not looked at stands in every report. */
	json_object_set_new(json_object_get(doc, "generator"), "notes",
		json_pack("[{s:s s:s} {s:s s:s} {s:s s:s} {s:s s:s s:s}]", "text", "one", "try",
			"a", "text", "two", "try", "b", "text", "three", "try", "c", "code",
			"certificate-not-verified", "text", "any certificate", "try", ""));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_ptr_nonnull(strstr(text, "  try     c\n  note    any certificate\n"));
	ck_assert_ptr_null(strstr(text, "more: -v"));
	free(text);
	/* Nor do redirects hide: these answers are of something else. */
	(void)json_array_append_new(json_object_get(json_object_get(doc, "generator"), "notes"),
		json_pack("{s:s s:s s:s}", "code", "redirects", "text", "all redirects", "try",
			"load that"));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_ptr_nonnull(strstr(text, "  note    all redirects\n  try     load that\n"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_every_line_fits)
{
	json_t *doc = recorded_report(documents[_i / 4]);
	struct style style = {.width = 80, .utf8 = _i & 1, .verbose = _i & 2};
	char *text = fixture_render(&format_text, doc, style);

	ck_assert_uint_gt(strlen(text), 0);
	assert_lines(text, style.utf8);
	free(text);
	json_decref(doc);
}
END_TEST

/* No line is cut off in the middle of a figure: those that would not fit are not begun. */
START_TEST(test_narrow)
{
	json_t *doc = recorded_report(documents[_i]);

	for (unsigned width = 60; width < 80; width++) {
		char *text = fixture_render(
			&format_text, doc, (struct style){.width = width, .utf8 = true});

		assert_lines_within(text, true, width);
		ck_assert_msg(strstr(strchr(text, '\n'), "…\n") == NULL, "%u: %s", width, text);
		free(text);
	}
	json_decref(doc);
}
END_TEST

/* However large the figures, a blank stands between them. */
START_TEST(test_columns_do_not_touch)
{
	static const char *const rates[] = {"planned_per_s", "sent_per_s", "ok_per_s"};
	static const char *const counts[] = {"planned", "sent", "ok"};
	json_t *doc = recorded_report("open");
	char *text;

	for (size_t i = 0; i < 3; i++) {
		json_object_set_new(
			json_object_get(doc, "ledger"), counts[i], json_integer(4000000));
		json_object_set_new(json_object_get(doc, "rates"), rates[i], json_real(2e6));
	}
	json_object_set_new(json_object_get(json_object_get(doc, "latency"), "service"), "max_ns",
		json_integer(INT64_C(12345678900000)));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_msg(
		strstr(text, "planned 4,000,000  2,000,000/s      response") != NULL, "%s", text);
	ck_assert_msg(strstr(text, " 12,300,000 ") != NULL, "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

/* What "next" says can be pasted: six decimals at most, in reach of -r, and not out of thin air. */
START_TEST(test_next)
{
	static const struct {
		double rate;
		int requests;
		const char *line; /* NULL: none */
		double carried;	  /* part of it, answered inside the window */
	} rows[] = {
		{1.0 / 3, 1000, "-r 0.666 for more", 1},
		{0.5, 1000, "-r 1 for more", 1},
		{2000, 1000, "-r 4000 for more", 1},
		{1234.5678, 1000, "-r 2460 for more", 1},
		{0.35, 1000, "-r 0.7 for more", 1},
		{0.0003, 1000, "-r 0.0006 for more", 1},
		{4e6, 1000, "-r 8000000 for more", 1},
		{6e6, 1000, NULL, 1},
		{2000, 99, NULL, 1},
		/* Twice the rate is no advice for a server that carries half of it. */
		{2000, 1000, NULL, 0.5},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *doc = recorded_report("open");
		char *text;

		json_object_set_new(
			json_object_get(doc, "headline"), "planned_per_s", json_real(rows[i].rate));
		json_object_set_new(json_object_get(doc, "rates"), "ok_per_s",
			json_real(rows[i].rate * rows[i].carried));
		text = render_with(doc, "ledger", "planned", json_integer(rows[i].requests),
			(struct style){.width = 80});
		if (rows[i].line)
			ck_assert_msg(
				strstr(text, rows[i].line) != NULL, "%s: %s", rows[i].line, text);
		else
			ck_assert_msg(strstr(text, "  next ") == NULL, "%s", text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* No more than the service allows. */
START_TEST(test_next_within_the_policy)
{
	static const struct {
		double allowed;
		const char *stages; /* NULL: of one rate */
		const char *line;   /* NULL: none */
	} cases[] = {
		{1000000, NULL, "  next    -r 4000 for more, -r max for the ceiling\n"},
		{4000, NULL, "  next    -r 4000 for more, -r max for the ceiling\n"},
		{3001, NULL,
			"  next    -r 3001 for more, which is what [policy] max-rate allows\n"},
		{2000, NULL, NULL},
		{4000, "['hold 2000/s for 1s', 'hold 8/s for 1s']", "  next    -r x2 for twice"},
		{3999, "['ramp from 8/s to 2000/s over 1s', 'hold 9/s for 1s']", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *doc = recorded_report("open");
		char *text;

		json_object_set_new(
			json_object_get(doc, "headline"), "planned_per_s", json_real(2000));
		json_object_set_new(json_object_get(doc, "rates"), "ok_per_s", json_real(2000));
		if (cases[i].stages)
			json_object_set_new(
				json_object_get(doc, "plan"), "stages", quoted(cases[i].stages));
		text = render_with(doc, "rates", "allowed_per_s", json_real(cases[i].allowed),
			(struct style){.width = 80});
		if (cases[i].line)
			ck_assert_msg(
				strstr(text, cases[i].line) != NULL, "%s: %s", cases[i].line, text);
		else
			ck_assert_msg(strstr(text, "  next ") == NULL, "%s", text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* A slice sends a part of the plan's rate, which is what -r sets. */
START_TEST(test_next_of_a_slice)
{
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(
		json_object_get(doc, "plan"), "slice", json_pack("{s:i s:i}", "index", 2, "of", 3));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_msg(
		strstr(text, "  next    -r 12000 for more in all slices\n") != NULL, "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

/* The rate that was asked last is what the next one follows from. */
START_TEST(test_next_of_a_steered_run)
{
	static const struct {
		json_int_t at_ns;
		const char *kind, *to, *line;
	} cases[] = {
		{1000000000, "rate", "20/s", "  next    -r 40 for more"},
		{1000000000, "rate", "90/m", "  next    -r 3 for more"},
		{1000000000, "rate", "fast", "  next    -r 2000 for more"},
		{1000000000, "pause", "paused", "  next    -r 2000 for more"},
		/* It would have begun after the end. */
		{3600000000000, "rate", "20/s", "  next    -r 2000 for more"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *doc = recorded_report("open");
		char *text;

		json_object_set_new(doc, "events",
			json_pack("[{s:s s:I s:s} {s:s s:I s:s}]", "kind", "rate", "at_ns",
				(json_int_t)10, "to", "1000/s", "kind", cases[i].kind, "at_ns",
				cases[i].at_ns, "to", cases[i].to));
		text = fixture_render(&format_text, doc, (struct style){.width = 80});
		ck_assert_msg(strstr(text, cases[i].line) != NULL, "%zu: %s", i, text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* Of milliseconds nothing follows for any other rate, and nothing was the limit. */
START_TEST(test_too_short_to_conclude)
{
	for (int is_closed = 0; is_closed < 2; is_closed++)
		for (int is_short = 0; is_short < 2; is_short++) {
			static const char says[] = "too short to name a limit";
			json_t *doc = recorded_report(is_closed ? "closed" : "open");
			json_int_t end_ns = is_short ? 499999999 : 500000000;
			char *text;

			fixture_set(doc, "window", "start_ns", json_integer(0));
			if (is_closed)
				fixture_set(doc, "headline", "limited_by", json_string("unknown"));
			text = render_with(doc, "window", "end_ns", json_integer(end_ns),
				(struct style){.width = 80});
			ck_assert_msg((strstr(text, "  next ") == NULL) == is_short, "%s", text);
			ck_assert_msg((strstr(text, says) != NULL) == (is_closed && is_short), "%s",
				text);
			free(text);
			json_decref(doc);
		}
}
END_TEST

/* A plan of stages has no one rate: -r 2000 would take their place, or contradict --stage. */
START_TEST(test_next_of_stages)
{
	static const struct {
		const char *stages, *text;
		const char *line; /* NULL: none */
	} rows[] = {
		{"['hold 9/s for 1s']", "stage = hold 9 for 1s\n", "  next    -r 2000 for more"},
		{"['hold 9/s for 1s', 'hold 8/s for 1s']", "", "  next    -r x2 for twice"},
		{"['ramp from 1/s to 9/s over 1s']", "", "  next    -r x2 for twice"},
		{"['hold 9/s for 1s', 'hold 8/s for 1s']", "scale = x2\n", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *doc = recorded_report("open");
		json_t *plan = json_object_get(doc, "plan");
		char *text;

		json_object_set_new(
			json_object_get(doc, "headline"), "planned_per_s", json_real(1000));
		json_object_set_new(json_object_get(doc, "rates"), "ok_per_s", json_real(1000));
		json_object_set_new(plan, "stages", quoted(rows[i].stages));
		text = render_with(doc, "plan", "text", json_string(rows[i].text),
			(struct style){.width = 80});
		if (rows[i].line)
			ck_assert_msg(
				strstr(text, rows[i].line) != NULL, "%s: %s", rows[i].line, text);
		else
			ck_assert_msg(strstr(text, "  next ") == NULL, "%s", text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* Replaces what stands at the n-th place of the document, counted depth first; false: no such. */
static bool replace_nth(json_t *at, int *n, json_t *value)
{
	if (json_is_object(at)) {
		for (void *i = json_object_iter(at); i; i = json_object_iter_next(at, i)) {
			if ((*n)-- == 0) {
				json_object_iter_set(at, i, value);
				return true;
			}
			if (replace_nth(json_object_iter_value(i), n, value))
				return true;
		}
	}
	for (size_t i = 0; json_is_array(at) && i < json_array_size(at) && i < 2; i++) {
		if ((*n)-- == 0)
			return json_array_set(at, i, value) == 0;
		if (replace_nth(json_array_get(at, i), n, value))
			return true;
	}
	return false;
}

/* Each value in turn becomes something that nobody expects there. */
static void break_everywhere(const char *name, json_t *value, bool verbose)
{
	struct style style = {.width = 80, .verbose = verbose};
	json_t *whole = recorded_report(name);

	/* Two rows are as good as sixty. */
	while (json_array_remove(json_object_get(json_object_get(whole, "intervals"), "rows"), 2) ==
		0)
		continue;
	for (int n = 0;; n++) {
		json_t *doc = json_deep_copy(whole);
		int left = n;
		char *text;

		if (!replace_nth(doc, &left, value)) {
			ck_assert_int_gt(n, 100);
			json_decref(doc);
			break;
		}
		text = fixture_render(&format_text, doc, style);
		assert_lines(text, false);
		free(text);
		json_decref(doc);
	}
	json_decref(whole);
	json_decref(value);
}

START_TEST(test_broken_values)
{
	const char *name = documents[_i];

	break_everywhere(name, json_null(), true);
	break_everywhere(name, json_integer(INT64_MIN), true);
	break_everywhere(name, json_integer(INT64_MAX), false);
	break_everywhere(name, json_real(-1e300), true);
	break_everywhere(name, json_object(), false);
	break_everywhere(name, json_array(), true);
}
END_TEST

/* A name and a count that fill the line leave no column for what explains them. */
START_TEST(test_wide_error)
{
	static const int64_t counts[] = {0, 1000000000, INT64_MAX, INT64_MIN};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		for (int width = 10; width < 60; width++) {
			json_t *errors = json_pack("[{s:I s:s}]", "count", (json_int_t)counts[i],
				"example", "why it failed");
			json_t *doc = recorded_report("open");
			char name[64] = "";
			char *text;

			memset(name, 'x', (size_t)width);
			json_object_set_new(json_array_get(errors, 0), "class", json_string(name));
			json_object_set_new(doc, "errors", errors);
			text = fixture_render(&format_text, doc, (struct style){.width = 80});
			assert_lines(text, false);
			ck_assert_ptr_nonnull(strstr(text, "why it failed"));
			free(text);
			json_decref(doc);
		}
	}
}
END_TEST

/* A long text takes as long as it is long. */
START_TEST(test_long_text)
{
	size_t size = 16 << 20;
	char *long_text = malloc(size), *text;
	json_t *doc = recorded_report("open");

	ck_assert_ptr_nonnull(long_text);
	memset(long_text, 'x', size);
	for (size_t i = 7; i < size; i += 8)
		long_text[i] = ' ';
	long_text[size - 1] = '\0';
	json_object_set_new(json_object_get(doc, "headline"), "try", json_string(long_text));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_uint_gt(strlen(text), size);
	free(text);
	free(long_text);
	json_decref(doc);
}
END_TEST

/* A width of rows that is none makes no course. */
START_TEST(test_no_width)
{
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(json_object_get(doc, "intervals"), "width_ns", json_real(1e-300));
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	assert_lines(text, false);
	ck_assert_ptr_null(strstr(text, "rate/s"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_many_users)
{
	json_t *doc = recorded_report("closed");
	char *text;

	json_object_set_new(json_object_get(doc, "connections"), "limit", json_integer(INT64_MAX));
	json_object_set_new(json_object_get(json_object_get(doc, "plan"), "effective"), "pipeline",
		json_integer(INT64_MAX));
	text = fixture_render(&format_md, doc, (struct style){.width = 80});
	ck_assert_ptr_nonnull(strstr(text, "closed, 4,611,686,018,427,387,903 users"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_hostile_texts)
{
	char text[600];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	break_everywhere("errors", json_string(text), true);
	break_everywhere("errors",
		json_string("\x1b[2J\x07\r\n\t \xc2\x9b"
			    "31m \xe2\x80\xae \xf0\x9f\x98\x80 %s%n"),
		true);
}
END_TEST

START_TEST(test_colour_is_on_the_verdict)
{
	json_t *doc = recorded_report("open");
	struct style style = {.width = 80, .utf8 = true, .colour = true, .terminal = true};
	char *text = fixture_render(&format_text, doc, style);
	char *first = strchr(text, '\033');

	ck_assert_ptr_nonnull(first);
	ck_assert_msg(str_starts(first, "\033[1;32mOK\033[0m   plan"), "%s", text);
	first = strchr(first + 1, '\033');
	ck_assert_ptr_null(strchr(first + 1, '\033'));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_outcomes)
{
	static const struct {
		const char *outcome, *result, *word;
	} rows[] = {
		{"completed", "ok", "  OK   "},
		{"completed", "pass", "  PASS   "},
		{"completed", "fail", "  FAIL   "},
		{"completed", "undecided", "  UNDECIDED   "},
		{"completed", "overload", "  OVERLOAD   "},
		{"completed", "void", "  VOID   "},
		{"completed", "failed", "  FAILED   "},
		{"failed", "failed", "  FAILED   "},
		{"stopped", "ok", "  STOPPED   "},
		{"aborted", "void", "  ABORTED   "},
		{"interrupted", "void", "  INTERRUPTED   "},
		{"something", "new", "  DONE   "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *doc = recorded_report("open");
		char *text;

		json_object_set_new(
			json_object_get(doc, "run"), "outcome", json_string(rows[i].outcome));
		json_object_set_new(
			json_object_get(doc, "headline"), "result", json_string(rows[i].result));
		text = fixture_render(&format_text, doc, (struct style){.width = 80});
		ck_assert_msg(strstr(text, rows[i].word) != NULL, "%s: %s", rows[i].word, text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* The second Ctrl-C ends with 130 where the result says 14: the report names neither. */
START_TEST(test_stopped_has_one_form)
{
	static const char *const reasons[] = {"stopped by root", ""};

	for (size_t i = 0; i < 2; i++) {
		json_t *doc = recorded_report("open");
		char *text;

		json_object_set_new(json_object_get(doc, "run"), "outcome", json_string("stopped"));
		json_object_set_new(json_object_get(doc, "run"), "exit_code", json_integer(14));
		json_object_set_new(json_object_get(doc, "headline"), "because",
			json_string("stopped by a person: 5 requests sent until then"));
		text = render_with(
			doc, "run", "reason", json_string(reasons[i]), (struct style){.width = 80});
		ck_assert_msg(strstr(text, "  STOPPED   by ") != NULL, "%s", text);
		ck_assert_msg(strstr(text, "(exit") == NULL, "%s", text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

/* One blank where lines break, and between words. */
static void squeeze(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (!strchr(" \n", *from))
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	*to = '\0';
}

/* What was cut off with the run has not failed. */
START_TEST(test_cut_off_is_no_failure)
{
	static const struct {
		const char *event;
		int ok, timeout, unfinished, unsent;
		const char *has, *lacks;
	} cases[] = {
		{"stop-now", 0, 0, 29, 1,
			" · 30 requests had no answer yet when it was stopped planned",
			"100 % failed"},
		{"stop-now", 29, 0, 1, 0,
			" · nothing failed · 1 request had no answer yet when it was stopped "
			"planned",
			" % failed"},
		{"stop-now", 0, 3, 27, 0,
			" · 10.0 % failed · 27 requests had no answer yet when it was stopped "
			"planned",
			"drain"},
		{"stop", 0, 0, 30, 0,
			" · 30 requests had no answer yet when the drain ended planned",
			"100 % failed"},
		{"stop", 30, 0, 0, 0, " · nothing failed planned", "no answer yet"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *doc = recorded_report("open");
		char *text;

		fixture_set(doc, "run", "outcome", json_string("stopped"));
		fixture_set(doc, "headline", "limited_by", json_string("unknown"));
		fixture_set(doc, "headline", "failed_share", json_real(1 - cases[i].ok / 30.0));
		json_object_set_new(doc, "ledger",
			json_pack("{s:i s:i s:i s:i s:i s:i s:b}", "planned", 30, "sent",
				30 - cases[i].unsent, "ok", cases[i].ok, "timeout",
				cases[i].timeout, "unfinished", cases[i].unfinished, "unsent",
				cases[i].unsent, "balanced", 1));
		json_object_set_new(doc, "events",
			json_pack("[{s:s s:I}]", "kind", cases[i].event, "at_ns", (json_int_t)1));
		text = fixture_render(
			&format_text, doc, (struct style){.width = 200, .utf8 = true});
		squeeze(text);
		ck_assert_msg(strstr(text, cases[i].has) != NULL, "%zu: %s", i, text);
		ck_assert_msg(strstr(text, cases[i].lacks) == NULL, "%zu: %s", i, text);
		free(text);
		json_decref(doc);
	}
}
END_TEST

START_TEST(test_many_sent_twice_is_no_praise)
{
	static const char why[] = "5.0 % of 60,000 requests were sent twice: the server had closed "
				  "a kept connection";
	struct style style = {.width = 120, .utf8 = true, .colour = true, .terminal = true};
	json_t *doc = recorded_report("open");
	char *text = render_with(doc, "outside", "repeated_share", json_real(0.01), style);

	ck_assert_ptr_nonnull(strstr(text, "\033[1;32mOK\033[0m"));
	ck_assert_ptr_null(strstr(text, "sent twice"));
	free(text);
	/* The reason is another one, or this is a sum of results: among the facts. */
	text = render_with(doc, "outside", "repeated_share", json_real(0.05), style);
	ck_assert_ptr_nonnull(strstr(text, "\033[1;33mOK\033[0m"));
	ck_assert_ptr_nonnull(strstr(text, "5.00 % sent twice"));
	free(text);
	text = render_with(doc, "headline", "because", json_string(why), style);
	ck_assert_ptr_nonnull(strstr(text, "\033[1;33mOK\033[0m   5.0 % of 60,000 requests"));
	ck_assert_ptr_null(strstr(text, "5.00 % sent twice"));
	free(text);
	json_decref(doc);
}
END_TEST

/* Rows of 400 a second but for one: the rate is that of all. */
START_TEST(test_flat_is_the_rate_of_all)
{
	struct style style = {.width = 80, .utf8 = true};
	json_t *doc = recorded_report("open");
	json_t *rows = json_array();
	char *text;

	for (int i = 0; i < 10; i++)
		json_array_append_new(
			rows, json_pack("{s:I, s:i, s:i, s:i, s:i}", "t_ns",
				      (json_int_t)i * 1000000000, "planned", 400, "ok", 400,
				      "completed", i == 3 ? 407 : 400, "p99_ns", 1000000));
	json_object_set_new(
		json_object_get(doc, "intervals"), "width_ns", json_integer(1000000000));
	json_object_set_new(json_object_get(doc, "intervals"), "rows", rows);
	text = render_with(doc, "rates", "completed_per_s", json_real(400.0), style);
	ck_assert_msg(strstr(text, "  400 flat\n") != NULL, "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_ok_with_failures_is_no_praise)
{
	struct style style = {.width = 80, .utf8 = true, .colour = true, .terminal = true};
	json_t *doc = recorded_report("open");
	char *text = render_with(doc, "headline", "failed_share", json_real(0.02), style);

	ck_assert_msg(strstr(text, "\033[1;33mOK\033[0m") != NULL, "%s", text);
	free(text);
	text = render_with(doc, "headline", "failed_share", json_real(0.009), style);
	ck_assert_msg(strstr(text, "\033[1;32mOK\033[0m") != NULL, "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_stopped_in_warmup)
{
	json_t *doc = recorded_report("empty");
	char *text = render_with(doc, "outside", "warmup",
		json_pack("{s:i, s:i, s:i}", "planned", 1400, "sent", 1399, "ok", 1398),
		(struct style){.width = 80});

	ck_assert_msg(
		strstr(text, "\n  warm-up  1,399 sent, 1,398 ok, 2 failed") != NULL, "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_one_user)
{
	json_t *doc = recorded_report("closed");
	char *text = render_with(
		doc, "connections", "limit", json_integer(1), (struct style){.width = 80});

	ck_assert_msg(strstr(text, "closed, 1 user\n") != NULL, "%s", text);
	free(text);
	json_decref(doc);
}
END_TEST

/* Connections have their rows where they cost a handshake, and only there. */
START_TEST(test_rows_of_tls)
{
	static const struct format *const formats[] = {&format_text, &format_md};
	struct style style = {.width = 80, .utf8 = true};
	json_t *doc = recorded_report("open");
	json_t *latency = json_object_get(doc, "latency");
	char *text = fixture_render(formats[_i], doc, style);

	ck_assert_ptr_null(strstr(text, _i ? "| connect |" : "  connect "));
	ck_assert_ptr_null(strstr(text, _i ? "| tls" : "  tls"));
	free(text);
	json_object_set(latency, "tls", json_object_get(latency, "service"));
	text = fixture_render(formats[_i], doc, style);
	ck_assert_ptr_nonnull(strstr(text, _i ? "\n| connect |" : "\n  connect  "));
	ck_assert_ptr_nonnull(strstr(text, _i ? "\n| tls |" : "\n  tls  "));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_unbalanced_ledger_is_said)
{
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(json_object_get(doc, "ledger"), "balanced", json_false());
	text = fixture_render(&format_text, doc, (struct style){.width = 80});
	ck_assert_ptr_nonnull(strstr(text, "THE LEDGER DOES NOT BALANCE"));
	ck_assert_ptr_null(strstr(text, "ledger balances"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_json_is_the_document)
{
	json_t *doc = recorded_report(documents[_i]);
	char *text = fixture_render(&format_json, doc, (struct style){.width = 80});
	json_t *again = json_loads(text, 0, NULL);
	char *twice;

	/* What was read back is written as before: nothing is lost on the way but the sixteenth
	 * digit of a share. */
	ck_assert_ptr_nonnull(again);
	twice = fixture_render(&format_json, again, (struct style){.width = 80});
	ck_assert_str_eq(text, twice);
	free(twice);
	ck_assert_int_eq(
		json_equal(json_object_get(doc, "ledger"), json_object_get(again, "ledger")), 1);
	ck_assert_int_eq(
		json_equal(json_object_get(doc, "latency"), json_object_get(again, "latency")), 1);
	ck_assert(str_ends(text, "}\n"));
	ck_assert_msg(str_starts(text, "{\n  \"schema\": \"rpsd.result/1\""), "%.60s", text);
	json_decref(again);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_format_by_ending)
{
	ck_assert_ptr_eq(format_for("a/b.json"), &format_json);
	ck_assert_ptr_eq(format_for("b.txt"), &format_text);
	ck_assert_ptr_null(format_for("b.html"));
	ck_assert_ptr_null(format_for("json"));
}
END_TEST

/* The worst interval is the one whose p99 had no good answer, whatever the others took. */
static void assert_has(const char *text, const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "%s\n--- in\n%s", what, text);
}

/* Of three requests in 30 ms there is no rate, and where the answers come after the window none of
 * them is in it: what is known is how long it took. All forms say it. */
START_TEST(test_few_requests_have_no_rate)
{
	static const struct {
		int64_t window_ns, n;
		double ok_per_s;
		const char *planned, *sent, *ok, *cell;
	} rows[] = {
		{30000000, 3, 66.7, "  planned        3  in 30.0 ms ", "  sent           3   ",
			"  ok             3   in 430 ms\n", "| ok | 3 | in 430 ms | 100 % |"},
		{30000000, 3, 0, "  planned        3  in 30.0 ms ", "  sent           3   ",
			"  ok             3   in 430 ms\n", "| ok | 3 | in 430 ms | 100 % |"},
		{2000000000, 100, 0, "  planned      100       50/s ",
			"  sent         100       50/s ", "  ok           100  in 2.40 s\n",
			"| ok | 100 | in 2.40 s | 100 % |"},
		{30000000, 100, 66.7, "  planned      100   3,330/s ",
			"  sent         100   3,330/s ", "  ok           100    66.7/s\n",
			"| ok | 100 | 66.7/s | 100 % |"},
		{2000000000, 100, 0.0002, "  planned      100      50/s ", "  sent         100 ",
			"  ok           100  <0.001/s\n", "| ok | 100 | <0.001/s | 100 % |"},
	};
	const struct style style = {.width = 80, .utf8 = true};
	const struct style full = {.width = 80, .utf8 = true, .verbose = true};
	double per_s = (double)rows[_i].n * 1e9 / (double)rows[_i].window_ns;
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(doc, "window",
		json_pack("{s:i, s:I, s:I}", "start_ns", 0, "end_ns",
			(json_int_t)rows[_i].window_ns, "drain_ns", (json_int_t)400000000));
	json_object_set_new(doc, "ledger",
		json_pack("{s:I, s:I, s:I, s:b}", "planned", (json_int_t)rows[_i].n, "sent",
			(json_int_t)rows[_i].n, "ok", (json_int_t)rows[_i].n, "balanced", 1));
	json_object_set_new(doc, "rates",
		json_pack("{s:f, s:f, s:f}", "planned_per_s", per_s, "sent_per_s", per_s,
			"ok_per_s", rows[_i].ok_per_s));
	json_object_set_new(doc, "statuses", json_pack("{s:I}", "200", (json_int_t)rows[_i].n));
	json_object_set_new(doc, "bytes", json_pack("{s:i, s:i}", "in", 0, "out", 1024));
	text = fixture_render(&format_text, doc, style);
	assert_has(text, strstr(rows[_i].ok, "/s") ? "  bytes   0 B in, 1.00 KiB out\n"
						   : "  bytes   0 B in, 1.00 KiB out, until the "
						     "window's end\n");
	assert_has(text, rows[_i].planned);
	assert_has(text, rows[_i].sent);
	assert_has(text, rows[_i].ok);
	ck_assert_ptr_null(strstr(text, " 0/s"));
	free(text);
	text = fixture_render(&format_md, doc, style);
	assert_has(text, rows[_i].cell);
	assert_has(text, strstr(rows[_i].ok, "/s") ? "; 0 B in, 1.00 KiB out\n"
						   : "; 0 B in, 1.00 KiB out, until the window's");
	assert_has(text, "\nStatuses: 200: ");
	free(text);
	text = fixture_render(&format_text, doc, full);
	assert_has(text, strstr(rows[_i].ok, "/s") ? "  planned " : "too short, or too few");
	free(text);
	json_object_set_new(json_object_get(doc, "plan"), "model", json_string("closed"));
	text = fixture_render(&format_text, doc, style);
	assert_has(text, strstr(rows[_i].ok, "/s") ? "/s answered well" : " answered well in ");
	free(text);
	json_decref(doc);
}
END_TEST

/* Bytes of answers that came after the window are in none of its figures. */
START_TEST(test_bytes_of_late_answers)
{
	static const struct {
		int in_time;
		bool is_late;
	} rows[] = {{400, false}, {397, false}, {395, true}, {0, true}};
	const struct style style = {.width = 80, .utf8 = true};
	json_t *doc = recorded_report("open");
	char *text;

	json_object_set_new(doc, "window",
		json_pack("{s:i, s:I}", "start_ns", 0, "end_ns", (json_int_t)2000000000));
	json_object_set_new(doc, "statuses", json_pack("{s:i, s:i}", "200", 390, "503", 10));
	json_object_set_new(doc, "bytes", json_pack("{s:i, s:i}", "in", 1024, "out", 1024));
	fixture_set(doc, "rates", "completed_per_s", json_real(rows[_i].in_time / 2.0));
	text = fixture_render(&format_text, doc, style);
	assert_has(text, rows[_i].is_late ? "  bytes   1.00 KiB in, 1.00 KiB out, until the "
					    "window's end\n"
					  : "  bytes   1.00 KiB in, 1.00 KiB out\n");
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_course_says_unserved)
{
	const struct style style = {.width = 80, .utf8 = true};
	json_t *doc = recorded_report("open");
	json_t *row = json_array_get(json_object_get(json_object_get(doc, "intervals"), "rows"), 3);
	char *text;

	json_object_set_new(row, "p99_ns", json_null());
	text = fixture_render(&format_text, doc, style);
	ck_assert_ptr_nonnull(strstr(text, "worst 31.2 at 0:12")); /* unknown why */
	free(text);
	json_object_set_new(row, "ok", json_integer(1));
	text = fixture_render(&format_text, doc, style);
	ck_assert_ptr_nonnull(strstr(text, "worst unserved at 0:03"));
	ck_assert_ptr_nonnull(strstr(text, "p99 ms  ▄▄▄█"));
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_sparkline)
{
	const double ramp[] = {0, 1, 2, 3, 4, 5, 6, 7, -1, 7};
	double many[1000];
	struct buf text = {0};

	ck_assert_int_eq(spark_draw(ramp, 10, SPARK_MEAN, &text), 0);
	ck_assert_str_eq(text.data, "▁▂▃▄▅▆▇█ █");
	buf_fini(&text);
	for (int i = 0; i < 1000; i++)
		many[i] = i == 500 ? 100 : 1;
	ck_assert_int_eq(spark_draw(many, 1000, SPARK_MAX, &text), 0);
	ck_assert_uint_eq(style_columns(text.data), SPARK_CELLS);
	ck_assert_ptr_nonnull(strstr(text.data, "▁█▁"));
	buf_fini(&text);
	ck_assert_int_eq(spark_draw(many, 0, SPARK_MAX, &text), 0);
	ck_assert_uint_eq(text.len, 0);
}
END_TEST

START_TEST(test_look)
{
	const struct style ascii = {.width = 80};
	const struct style utf8 = {.width = 80, .utf8 = true, .colour = true};
	struct buf text = {0};

	ck_assert_uint_eq(style_columns("a·b" STYLE_BAD "█" STYLE_PLAIN), 4);
	ck_assert_uint_eq(style_cut("·ab", 1), 2);
	ck_assert_uint_eq(style_cut("ab", 5), 2);
	ck_assert_uint_eq(style_cut("\xe2\x96", 1), 1);
	ck_assert_int_eq(style_render(&ascii, STYLE_GOOD "·…█ü\x1b\n\xff" STYLE_PLAIN, &text), 0);
	ck_assert_str_eq(text.data, "-~#??\n?");
	buf_fini(&text);
	ck_assert_int_eq(
		style_render(
			&utf8, "·\x11\x14\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa6", &text),
		0);
	ck_assert_str_eq(text.data, "·??????\xe2\x80\xa6");
	buf_fini(&text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("format_text");
	Suite *suite = suite_create("format_text");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_screen, 0, (int)(sizeof(screens) / sizeof(*screens)));
	tcase_add_loop_test(tcase, test_every_line_fits, 0, N_DOCUMENTS * 4);
	tcase_add_loop_test(tcase, test_narrow, 0, N_DOCUMENTS);
	tcase_add_test(tcase, test_columns_do_not_touch);
	tcase_add_test(tcase, test_next);
	tcase_add_test(tcase, test_too_short_to_conclude);
	tcase_add_test(tcase, test_next_within_the_policy);
	tcase_add_test(tcase, test_next_of_a_slice);
	tcase_add_test(tcase, test_next_of_a_steered_run);
	tcase_add_test(tcase, test_next_of_stages);
	tcase_add_loop_test(tcase, test_broken_values, 0, N_DOCUMENTS);
	tcase_add_test(tcase, test_hostile_texts);
	tcase_add_test(tcase, test_wide_error);
	tcase_add_test(tcase, test_long_text);
	tcase_add_test(tcase, test_no_width);
	tcase_add_test(tcase, test_many_users);
	tcase_add_test(tcase, test_colour_is_on_the_verdict);
	tcase_add_test(tcase, test_outcomes);
	tcase_add_test(tcase, test_stopped_has_one_form);
	tcase_add_test(tcase, test_cut_off_is_no_failure);
	tcase_add_test(tcase, test_ok_with_failures_is_no_praise);
	tcase_add_test(tcase, test_many_sent_twice_is_no_praise);
	tcase_add_test(tcase, test_flat_is_the_rate_of_all);
	tcase_add_test(tcase, test_stopped_in_warmup);
	tcase_add_test(tcase, test_one_user);
	tcase_add_loop_test(tcase, test_rows_of_tls, 0, 2);
	tcase_add_test(tcase, test_unbalanced_ledger_is_said);
	tcase_add_loop_test(tcase, test_json_is_the_document, 0, N_DOCUMENTS);
	tcase_add_test(tcase, test_format_by_ending);
	tcase_add_test(tcase, test_steered);
	tcase_add_test(tcase, test_notes_are_few);
	tcase_add_test(tcase, test_sparkline);
	tcase_add_loop_test(tcase, test_few_requests_have_no_rate, 0, 5);
	tcase_add_loop_test(tcase, test_bytes_of_late_answers, 0, 4);
	tcase_add_test(tcase, test_course_says_unserved);
	tcase_add_test(tcase, test_look);
	tcase_add_test(tcase, test_silence_is_a_note);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
