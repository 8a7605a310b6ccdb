/* SPDX-License-Identifier: Apache-2.0 */
/* Every word that a report prints is explained. */
#include "ctl/commands/glossary.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/stats/fault.h"
#include "common/file.h"
#include "common/stats/ledger.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/stats/steadiness.h"
#include "common/str.h"
#include "ctl/report/format.h"
#include "ctl/style.h"
#include "tests/support/recorded.h"
#include "tests/support/suite.h"

static bool is_known(const char *term)
{
	struct buf text = {0};
	int r = glossary_explain(term, &text);

	buf_fini(&text);
	return r == 0;
}

START_TEST(test_names)
{
	static const char *const same[] = {"our delay", "our_delay", "Our-Delay", " our  delay "};
	struct buf first = {0};

	ck_assert_int_eq(glossary_explain(same[0], &first), 0);
	ck_assert(str_starts(first.data, "our delay\n  "));
	for (size_t i = 1; i < sizeof(same) / sizeof(*same); i++) {
		struct buf text = {0};

		ck_assert_int_eq(glossary_explain(same[i], &text), 0);
		ck_assert_str_eq(text.data, first.data);
		buf_fini(&text);
	}
	buf_fini(&first);
	ck_assert(is_known("conn. wait"));
	ck_assert(is_known("p99.9"));
	ck_assert(is_known("not_connected"));
	ck_assert(!is_known(""));
	ck_assert(!is_known("|"));
	ck_assert(!is_known("open model|open"));
	ck_assert(!is_known("banana"));
}
END_TEST

START_TEST(test_nearest)
{
	ck_assert_str_eq(glossary_nearest("respnse"), "response");
	ck_assert_str_eq(glossary_nearest("legder"), "ledger");
	ck_assert_ptr_null(glossary_nearest("banana"));
	ck_assert_ptr_null(glossary_nearest(""));
}
END_TEST

/* Each is found by its own name, once, and fits the screen. */
START_TEST(test_table)
{
	size_t n = 0;

	for (; glossary_at(n); n++) {
		struct buf text = {0};
		char name[64];

		(void)snprintf(name, sizeof(name), "%s", glossary_at(n));
		ck_assert_msg(glossary_explain(name, &text) == 0, "%s", name);
		ck_assert_msg(str_starts(text.data, name), "%s: %s", name, text.data);
		ck_assert_ptr_nonnull(strstr(text.data, "\n  "));
		for (size_t k = 0; k < n; k++)
			ck_assert_str_ne(glossary_at(k), name);
		for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_msg(style_columns(line) <= 80, "%s", line);
		buf_fini(&text);
	}
	ck_assert_uint_gt(n, 60);
}
END_TEST

START_TEST(test_classes_and_faults)
{
	struct buf text = {0};

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		ck_assert_msg(is_known(ledger_class_names[c]), "%s", ledger_class_names[c]);
	for (unsigned f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		ck_assert_msg(is_known(fault_table[f].name), "%s", fault_table[f].name);
	ck_assert_int_eq(glossary_explain("timeout", &text), 0);
	ck_assert_ptr_nonnull(
		strstr(text.data, "A class of the ledger: no complete answer in time."));
	ck_assert_ptr_nonnull(strstr(text.data, "[timeouts] request."));
	ck_assert_ptr_nonnull(strstr(text.data, "An error of phase timeout: "));
	buf_fini(&text);
}
END_TEST

/* Some beginning of the piece is a term: "planned 30,000", "Little's law". */
static bool begins_with_term(const char *piece)
{
	char text[48];
	size_t len = strlen(piece);

	for (len = len < sizeof(text) ? len : sizeof(text) - 1; len > 0; len--) {
		if (piece[len] && piece[len] != ' ' && !strchr(".,;:=+(", piece[len]))
			continue;
		(void)snprintf(text, sizeof(text), "%.*s", (int)len, piece);
		if (is_known(text))
			return true;
	}
	return false;
}

/* In the full report every piece that begins with a word is about something. */
static void check_pieces(const char *line)
{
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *piece = strtok(copy, ",;:=+"); piece; piece = strtok(NULL, ",;:=+")) {
		piece += strspn(piece, " ");
		if (isalpha((unsigned char)*piece))
			ck_assert_msg(begins_with_term(piece), "'%s' in: %s", piece, line);
	}
}

/* The table's head: a word each. */
static void check_words(const char *line)
{
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		ck_assert_msg(is_known(word), "'%s' in: %s", word, line);
}

static void check_line(const char *line, const char *block)
{
	size_t indent = strspn(line, " ");
	const char *text = line + indent;

	if (!*text || str_eq(block, "Plan") || str_eq(block, "Events") || str_eq(block, "Slowest"))
		return;
	if (strncmp(text, "ms  ", 4) == 0 || strncmp(text, "us  ", 4) == 0) {
		check_words(text);
		return;
	}
	/* Deeper ones go on with the line above, or quote what a server said. */
	if (indent > 4 || (indent == 4 && str_eq(block, "Errors")) ||
		!isalpha((unsigned char)*text))
		return;
	/* Names of the plan, and what did not fit after one. */
	if (str_starts(text, "browse") || str_starts(text, "buy") || str_starts(text, "search-") ||
		str_starts(text, "error 3"))
		return;
	ck_assert_msg(begins_with_term(text), "%s", line);
	if (*block && !str_eq(block, "Result") && !str_eq(block, "Requests") &&
		!str_eq(block, "Errors") && !strstr(text, "addresses"))
		check_pieces(text);
	if (strstr(text, "unserved"))
		ck_assert(is_known("unserved"));
}

static const char *const documents[] = {
	"open", "errors", "overload", "failed", "closed", "empty", "requests"};

START_TEST(test_every_word_of_a_report)
{
	struct style style = {.width = 80, .utf8 = true, .verbose = true};
	struct buf text = {0};
	const char *block = "";
	json_t *doc = recorded_report(documents[_i]);
	size_t n = 0;
	char *save;

	ck_assert_int_eq(format_text.render(doc, &style, &text), 0);
	for (char *line = strtok_r(text.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save), n++) {
		/* The first line is the run's; the others without an indent are titles. */
		if (n > 0 && line[0] != ' ')
			block = line;
		else if (n > 0)
			check_line(line, block);
	}
	ck_assert_uint_gt(n, 5);
	buf_fini(&text);
	json_decref(doc);
}
END_TEST

/* What the tables of the report and the audit can print beside the recorded documents. */
START_TEST(test_words_of_tables)
{
	static const char *const words[] = {"ok", "pass", "fail", "undecided", "overload", "void",
		"failed", "stopped", "aborted", "interrupted", "done", "limited by the plan",
		"limited by the server", "limited by connections", "limited by the generator",
		"plan", "server", "connections", "generator", "unknown", "suspect", "saturated",
		"open model", "closed model", "ledger", "verdict", "percentiles", "n_eff",
		"offered", "response", "service", "our delay", "connection wait", "rx slack",
		"send stall", "response_less_ours", "coordinated omission", "exit status", "retry",
		"stale", "pipeline", "check_failed", "weight", "request", "redirect", "phase",
		"95 %", "90 %", "no limit", "no upper limit", "not enough data", "warming up",
		"staged", "slowest", "batches", "jitter", "poisson", "hybrid", "spin", "lifo",
		"rotate", ">="};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		ck_assert_msg(is_known(words[i]), "%s", words[i]);
}
END_TEST

START_TEST(test_words_of_steadiness)
{
	for (unsigned i = 0; i < STEADINESS_WORD_COUNT; i++)
		ck_assert_msg(is_known(steadiness_words[i]), "%s", steadiness_words[i]);
}
END_TEST

/* The string after each place where the text has this, if the next argument is one; how many there
 * were. */
static unsigned check_strings_behind(const char *text, const char *mark)
{
	unsigned n = 0;

	for (const char *at = strstr(text, mark); at; at = strstr(at, mark)) {
		const char *from;
		char word[48];

		at += strlen(mark);
		from = strchr(at, '"');
		if (!from || memchr(at, ',', (size_t)(from - at)))
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(from + 1, "\""), from + 1);
		ck_assert_msg(is_known(word), "'%s' is not explained", word);
		n++;
	}
	return n;
}

/* The tables of the audit and its notes. */
START_TEST(test_words_of_the_audit)
{
	for (unsigned i = 0; i < AUDIT_VERDICTS; i++)
		ck_assert_msg(is_known(audit_verdict_names[i]), "%s", audit_verdict_names[i]);
	for (unsigned i = 0; i <= AUDIT_BY_UNKNOWN; i++)
		ck_assert_msg(is_known(audit_limit_names[i]), "%s", audit_limit_names[i]);
	for (unsigned i = 0; i <= AUDIT_HEADLINE_VOID; i++)
		ck_assert_msg(is_known(audit_headline_names[i]), "%s", audit_headline_names[i]);
	for (unsigned i = 0; i < AUDIT_OUTCOMES; i++)
		ck_assert_msg(is_known(audit_outcome_names[i]), "%s", audit_outcome_names[i]);
	for (unsigned i = 0; i < NOTE_COUNT; i++)
		ck_assert_msg(is_known(note_table[i].code), "%s", note_table[i].code);
}
END_TEST

/* What the daemon can say in words of its own: the names of its histograms. It is another program,
 * so they are read from its source. */
START_TEST(test_words_of_the_daemon)
{
	static const struct {
		const char *paths;
		const char *mark;
		unsigned least;
	} rows[] = {
		{"daemon/engine/stats_totals.c", "\t[STATS_", 16},
	};
	unsigned n = 0;
	glob_t found;

	ck_assert_int_eq(glob(rows[_i].paths, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text;
		size_t len;

		ck_assert_int_eq(file_read(found.gl_pathv[i], 1 << 20, &text, &len), 0);
		n += check_strings_behind(text, rows[_i].mark);
		free(text);
	}
	globfree(&found);
	ck_assert_uint_ge(n, rows[_i].least);
}
END_TEST

/* The members of a result with a table of times, and the fields of its rows. */
START_TEST(test_words_of_a_result)
{
	json_t *doc = recorded_report("errors");
	static const char *const tables[] = {"latency", "ledger"};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		json_t *table = json_object_get(doc, tables[i]);

		for (void *at = json_object_iter(table); at;
			at = json_object_iter_next(table, at)) {
			if (str_eq(json_object_iter_key(at), "balanced"))
				continue;
			ck_assert_msg(
				is_known(json_object_iter_key(at)), "%s", json_object_iter_key(at));
		}
	}
	json_decref(doc);
}
END_TEST

/* One line of several, of which each but the first is indented. */
static void join_lines(char *text)
{
	char *to = text;
	const char *from = text;

	while (*from) {
		from += *from == '\n' ? strspn(from + 1, " ") : 0;
		*to++ = *from++;
	}
	*to = '\0';
}

/* Whatever makes a generator suspect, by the name that help explains it under. */
START_TEST(test_reasons_of_suspect)
{
	struct buf text = {0};

	ck_assert_int_eq(glossary_explain("suspect", &text), 0);
	join_lines(text.data);
	for (unsigned i = 0; i < NOTE_COUNT; i++) {
		char name[64];

		if (note_table[i].verdict != AUDIT_SUSPECT)
			continue;
		(void)snprintf(name, sizeof(name), "%s", note_table[i].code);
		for (char *c = name; *c; c++)
			*c = *c == '-' ? ' ' : *c;
		ck_assert_msg(is_known(name), "%s", name);
		ck_assert_msg(strcasestr(text.data, name), "%s in: %s", name, text.data);
	}
	buf_fini(&text);
}
END_TEST

/* The words on top of a report: with the exit status that a run under them has. */
START_TEST(test_verdicts)
{
	static const struct {
		const char *word, *status;
	} verdicts[] = {{"ok", "exit 0"}, {"overload", "exit 0"}, {"FAILED", "exit 13"},
		{"stopped", "exit 14"}, {"void", "exit 12"}};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		struct buf text = {0};

		ck_assert_int_eq(glossary_explain(verdicts[i].word, &text), 0);
		join_lines(text.data);
		ck_assert_msg(strstr(text.data, verdicts[i].status), "%s", text.data);
		ck_assert_msg(!strstr(text.data, "exit 10"), "%s", text.data);
		buf_fini(&text);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("glossary");
	Suite *suite = suite_create("glossary");

	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_nearest);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_classes_and_faults);
	tcase_add_loop_test(tcase, test_every_word_of_a_report, 0,
		(int)(sizeof(documents) / sizeof(*documents)));
	tcase_add_test(tcase, test_words_of_tables);
	tcase_add_test(tcase, test_words_of_steadiness);
	tcase_add_test(tcase, test_words_of_the_audit);
	tcase_add_loop_test(tcase, test_words_of_the_daemon, 0, 1);
	tcase_add_test(tcase, test_words_of_a_result);
	tcase_add_test(tcase, test_verdicts);
	tcase_add_test(tcase, test_reasons_of_suspect);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
