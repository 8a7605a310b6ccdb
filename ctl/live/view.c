/* SPDX-License-Identifier: Apache-2.0 */
/* The live view of a run as text.
 *
 *   checkout-17  running  hold 500/s for 5m (stage 2 of 2)          3:12 of 5:30
 *   [███████████████████████████▌                   ]   58 %          2:18 left
 *
 *   asked       sent        ok          failed      in flight     queue
 *   500/s       500/s       499/s       0/s         7             0
 *
 *                       last 1 s   whole run
 *   response p50         12.1 ms     12.4 ms
 *   …
 *
 * Every figure keeps its place from one picture to the next, so that changes are easy to see; only
 * sparklines move. Lines are composed one by one, each with a weight; if the terminal has too few
 * rows those with the lowest weight are left out first. Figures of "last" are counts of the last
 * interval, but quantiles of the newest one whose requests have all ended: while nothing ends they
 * would be old ones that look current, so they are replaced by a dash; for a server that has
 * stalled the age of the oldest request is shown, which grows by the clock of rpsctl. */
#include "ctl/live/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/control/progress.h"
#include "common/figure.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/spark.h"
#include "ctl/live/view_history.h"
#include "ctl/live/view_read.h"
#include "ctl/live/view_rules.h"

#define VIEW_LINES_MAX 40u
/* The size of the widest line: three bytes for each column, and marks. */
#define VIEW_LINE_SIZE 768u
#define VIEW_EVENTS_FEW 2u
#define VIEW_EVENTS_MANY 16u
/* The text before and after a sparkline. */
#define VIEW_SPARK_LABEL 8u
#define VIEW_SPARK_FIGURE 11u
/* Columns of the table of figures, and what is added to each where there is room. */
#define VIEW_LABEL 15
#define VIEW_LAST 10
#define VIEW_WHOLE 11
#define VIEW_MORE_ROOM 80u

/* Rules that have a row of their own, at most. */
#define VIEW_RULES_MAX 6u

/* Lines that are kept longest come first. */
enum view_weight {
	VIEW_HEAD,
	VIEW_FIGURES,
	VIEW_TABLE,
	VIEW_BAR,
	VIEW_KEYS,
	VIEW_HELP,
	VIEW_EVENT,
	VIEW_SPARKS,
	VIEW_GAP,
};

struct view_page {
	const struct view *v;
	const struct progress *doc;
	size_t room; /* not the last column: some terminals wrap there */
	int64_t elapsed_ns;
	int64_t starts_in_ns; /* it waits for its instant; 0: it does not */
	bool closed;
	char lines[VIEW_LINES_MAX][VIEW_LINE_SIZE];
	enum view_weight weights[VIEW_LINES_MAX];
	unsigned n;
};

/* ---------------------------------------------------------------- lines */

/* Cuts at so many columns, with an ellipsis where something is lost. */
static void view_cut(char *text, size_t columns)
{
	size_t at;

	if (style_columns(text) <= columns)
		return;
	at = style_cut(text, columns > 0 ? columns - 1 : 0);
	(void)snprintf(text + at, VIEW_LINE_SIZE - at, "%s", columns > 0 ? "…" : "");
}

static void view_put(struct view_page *p, enum view_weight weight, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void view_put(struct view_page *p, enum view_weight weight, const char *format, ...)
{
	char *line = p->lines[p->n];
	va_list args;

	if (p->n == VIEW_LINES_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(line, VIEW_LINE_SIZE, format, args);
	va_end(args);
	/* A server's or a file's text must not make lines of its own. */
	for (char *c = strchr(line, '\n'); c; c = strchr(c, '\n'))
		*c = ' ';
	view_cut(line, p->room);
	for (size_t len = strlen(line); len > 0 && line[len - 1] == ' '; len--)
		line[len - 1] = '\0';
	p->weights[p->n++] = weight;
}

static void view_put_gap(struct view_page *p)
{
	view_put(p, VIEW_GAP, "%s", "");
}

/* printf's field widths count bytes; every figure is ASCII, labels too. */
static int view_width(const struct view_page *p, int width)
{
	return p->room + 1 >= VIEW_MORE_ROOM ? width + 3 : width;
}

/* ---------------------------------------------------------------- head and bar */

struct view_head {
	char text[VIEW_LINE_SIZE];
	size_t room;
};

/* False when it does not fit. */
static bool view_head_add(struct view_head *h, const char *colour, const char *text)
{
	size_t len = strlen(h->text);
	size_t used = style_columns(h->text);

	if (!*text)
		return true;
	if (used + 2 + style_columns(text) > h->room)
		return false;
	(void)snprintf(h->text + len, sizeof(h->text) - len, "%s%s%s%s", used ? "  " : "", colour,
		text, *colour ? STYLE_PLAIN : "");
	return true;
}

static const struct {
	const char *state;
	const char *colour;
	const char *text; /* NULL: the stage */
} view_states[] = {
	{"queued", "", "waits for its turn"},
	{"preparing", "", "resolving and connecting"},
	{"warmup", STYLE_WARN, "not measured yet"},
	{"running", STYLE_GOOD, NULL},
	{"paused", STYLE_WARN, "nothing is sent"},
	{"draining", STYLE_WARN, "nothing new is sent"},
};

static size_t view_state(const struct view_page *p)
{
	size_t n = sizeof(view_states) / sizeof(*view_states);

	for (size_t i = 0; i < n; i++) {
		if (str_eq(view_states[i].state, result_words(p->doc->run.state)))
			return i;
	}
	return n;
}

static bool view_has_state(const struct view_page *p, const char *state)
{
	return str_eq(result_words(p->doc->run.state), state);
}

static int64_t view_oldest(const struct view_page *p)
{
	int64_t oldest_ns = view_int(p->doc->oldest_ns);

	return oldest_ns > 0 ? oldest_ns + p->v->age_ns : 0;
}

/* A present problem as text; "" when there is none. */
static void view_alarm(const struct view_page *p, char *ret, size_t size)
{
	int64_t width_ns = view_int(p->doc->last.width_ns);

	*ret = '\0';
	if (p->v->age_ns > 2 * width_ns + 2 * NSEC_PER_SEC && !view_has_state(p, "preparing") &&
		!view_has_state(p, "queued"))
		(void)snprintf(ret, size, "no news for %" PRId64 " s", p->v->age_ns / NSEC_PER_SEC);
	else if (view_int(p->doc->silent_ns) > 0)
		(void)snprintf(ret, size, "no answers");
}

static void view_add_stage(const struct view_page *p, struct view_head *h)
{
	const char *text = result_words(p->doc->stage.text);
	int64_t number = view_int(p->doc->stage.number);
	int64_t of = view_int(p->doc->stage.of);
	char stage[VIEW_LINE_SIZE];
	char numbered[VIEW_LINE_SIZE];
	size_t used = style_columns(h->text) + 2;

	if (!*text && p->closed)
		(void)snprintf(stage, sizeof(stage), "closed model, %s users",
			figure_count(view_int(p->doc->connections_limit)).text);
	else if (!*text && p->elapsed_ns > 0)
		(void)snprintf(stage, sizeof(stage), "not measured any more");
	else
		(void)snprintf(stage, sizeof(stage), "%.200s", text);
	(void)snprintf(numbered, sizeof(numbered), "%.200s (stage %" PRId64 " of %" PRId64 ")",
		stage, number, of);
	if (of > 1 && view_head_add(h, "", numbered))
		return;
	(void)snprintf(numbered, sizeof(numbered), "%.200s (%" PRId64 " of %" PRId64 ")", stage,
		number, of);
	if (of > 1 && view_head_add(h, "", numbered))
		return;
	if (h->room > used + 8)
		view_cut(stage, h->room - used);
	(void)view_head_add(h, "", stage);
}

static void view_put_head(struct view_page *p)
{
	int64_t total_ns = view_int(p->doc->total_ns);
	size_t state = view_state(p);
	bool is_known = state < sizeof(view_states) / sizeof(*view_states);
	struct view_head h = {.room = p->room};
	char clock[128];
	char text[128];

	(void)snprintf(clock, sizeof(clock), "%s%s%s", figure_clock(p->elapsed_ns).text,
		total_ns > 0 ? " of " : "", total_ns > 0 ? figure_clock(total_ns).text : "");
	h.room -= strlen(clock) + 2;
	(void)snprintf(h.text, sizeof(h.text), "%.300s", result_words(p->doc->run.id));
	view_cut(h.text, p->room / 2);
	(void)view_head_add(&h, is_known ? view_states[state].colour : "",
		is_known ? view_states[state].state : result_words(p->doc->run.state));
	view_alarm(p, text, sizeof(text));
	if (p->starts_in_ns > 0)
		(void)snprintf(text, sizeof(text), "begins in %s",
			figure_clock(p->starts_in_ns + NSEC_PER_SEC - 1).text);
	(void)view_head_add(&h, p->starts_in_ns > 0 ? "" : STYLE_BAD, text);
	if (p->starts_in_ns == 0 && is_known && view_states[state].text)
		(void)view_head_add(&h, "", view_states[state].text);
	else if (p->starts_in_ns == 0)
		view_add_stage(p, &h);
	(void)snprintf(text, sizeof(text), "(%" PRIu64 " skipped)", p->v->skipped);
	if (p->v->skipped)
		(void)view_head_add(&h, "", text);
	view_put(p, VIEW_HEAD, "%s%*s%s", h.text,
		(int)(p->room - strlen(clock) - style_columns(h.text)), "", clock);
}

/* The text after the bar: it has the same width from the first picture to the last. */
static void view_bar_text(const struct view_page *p, double share, char *ret, size_t size)
{
	int64_t requests = view_int(p->doc->requests);
	int64_t total_ns = view_int(p->doc->total_ns);
	int64_t left_ns = total_ns - p->elapsed_ns;
	int width = (int)strlen(figure_count(requests).text);

	int clock_width = (int)strlen(figure_clock(total_ns).text) + 1;

	if (view_has_state(p, "draining") && total_ns > 0)
		(void)snprintf(ret, size, "%4.0f %%  %*s", share * 100, clock_width + 5, "");
	else if (total_ns > 0)
		(void)snprintf(ret, size, "%4.0f %%  %*s left", share * 100, clock_width,
			figure_clock(left_ns > 0 ? left_ns + NSEC_PER_SEC - 1 : 0).text);
	else
		(void)snprintf(ret, size, "%4.0f %%  %*s of %s requests", share * 100, width,
			figure_count(view_int(p->doc->ok) + view_int(p->doc->failed)).text,
			figure_count(requests).text);
}

static void view_put_bar(struct view_page *p)
{
	double share = view_share(p->doc, p->elapsed_ns);
	struct buf bar = {0};
	char text[160];
	size_t taken;

	/* Not begun: its place is kept. */
	if (share < 0 && p->elapsed_ns > 0)
		return;
	if (share < 0)
		(void)snprintf(text, sizeof(text), "%19s", "");
	else
		view_bar_text(p, share, text, sizeof(text));
	taken = strlen(text) + 2;
	if (p->room > taken &&
		view_draw_bar((unsigned)(p->room - taken), share > 0 ? share : 0, &bar) == 0)
		view_put(p, VIEW_BAR, "%s%s", bar.data, text);
	buf_fini(&bar);
}

/* ---------------------------------------------------------------- figures */

static struct figure view_per_s(double per_s)
{
	struct figure f = {"-"};

	if (per_s >= 0)
		(void)snprintf(f.text, sizeof(f.text), "%.44s/s", figure_rate(per_s).text);
	return f;
}

/* A duration; "-" where it is not known. */
static struct figure view_time(int64_t ns)
{
	struct figure f = {"-"};

	return result_is_known(ns) ? figure_time(ns) : f;
}

static struct figure view_share_of(int64_t part, int64_t rest)
{
	struct figure f = {"-"};

	return part + rest > 0 ? figure_share((double)part / (double)(part + rest)) : f;
}

/* Two lines, the words above the figures: nothing moves when a figure grows. */
static void view_put_figures(struct view_page *p)
{
	double asked = p->doc->asked_per_s;
	bool has_asked =
		!p->closed && !view_has_state(p, "draining") && !view_has_state(p, "paused");
	/* Widths for 60 columns. */
	const struct {
		const char *word;
		int width;
		bool open_only;
		struct figure figure;
	} cells[] = {
		{"asked", 10, true, view_per_s(has_asked ? asked : -1)},
		{"sent", 10, false, view_per_s(view_rate(p->doc, p->doc->last.sent))},
		{"ok", 10, false, view_per_s(view_rate(p->doc, p->doc->last.ok))},
		{"failed", 9, false, view_per_s(view_rate(p->doc, p->doc->last.failed))},
		{"in flight", 11, false, figure_count(view_int(p->doc->in_flight))},
		{"queue", 7, true, figure_count(view_int(p->doc->queue))},
	};
	int more = (int)(p->room - (VIEW_WIDTH_MIN - 1)) / 6;
	char words[VIEW_LINE_SIZE] = " ";
	char figures[VIEW_LINE_SIZE] = " ";

	more = more > 4 ? 4 : more;
	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
		size_t at = strlen(words);

		if (cells[i].open_only && p->closed)
			continue;
		(void)snprintf(words + at, sizeof(words) - at, " %-*s", cells[i].width + more - 1,
			cells[i].word);
		at = strlen(figures);
		(void)snprintf(figures + at, sizeof(figures) - at, " %-*s",
			cells[i].width + more - 1, cells[i].figure.text);
	}
	view_put(p, VIEW_FIGURES, "%s", words);
	view_put(p, VIEW_FIGURES, "%s", figures);
}

/* ---------------------------------------------------------------- the table */

static void view_put_row(struct view_page *p, const char *label, const char *last,
	const char *whole, const char *note)
{
	view_put(p, VIEW_TABLE, "  %-*s%*s%*s%s%s", view_width(p, VIEW_LABEL), label,
		view_width(p, VIEW_LAST), last, view_width(p, VIEW_WHOLE), whole,
		*note ? "   " : "", note);
}

static void view_put_quantile(
	struct view_page *p, const char *label, int64_t last_ns, int64_t whole_ns, const char *note)
{
	view_put_row(p, label, view_is_silent(p->doc) ? "-" : view_time(last_ns).text,
		view_time(whole_ns).text, note);
}

/* The rows of the table that a rule may stand beside; it is about all that was planned. */
enum view_row {
	VIEW_ROW_P50,
	VIEW_ROW_P99,
	VIEW_ROW_FAILED,
	VIEW_ROW_NONE,
};

static enum view_row view_row_of(const struct rule *rule)
{
	bool is_main = rule->metric == RULE_MAIN || rule->metric == RULE_RESPONSE ||
		       rule->metric == RULE_SERVICE;

	if ((rule->metric == RULE_ERRORS || rule->metric == RULE_FAILED) && !rule->is_count)
		return VIEW_ROW_FAILED;
	if (!is_main || rule->stat != RULE_QUANTILE || rule->is_of_ok)
		return VIEW_ROW_NONE;
	return rule->percent == 50   ? VIEW_ROW_P50
	       : rule->percent == 99 ? VIEW_ROW_P99
				     : VIEW_ROW_NONE;
}

/* The first rule beside that row; ret_i: its number, view_n_rules: none. */
static void view_rule_note(
	const struct view_page *p, enum view_row row, char *ret, size_t size, size_t *ret_i)
{
	struct view_rule rule;

	*ret = '\0';
	for (*ret_i = 0; *ret_i < view_n_rules(p->doc); ++*ret_i) {
		if (!view_rule(p->doc, *ret_i, &rule) || view_row_of(&rule.rule) != row)
			continue;
		(void)snprintf(ret, size, "%s  %s%s%s", rule.limit, rule.colour, rule.word,
			*rule.colour ? STYLE_PLAIN : "");
		return;
	}
}

/* Rules with a row of their own. */
static void view_put_rules(struct view_page *p, const size_t taken[static VIEW_ROW_NONE])
{
	unsigned n = 0;

	for (size_t i = 0; i < view_n_rules(p->doc) && n < VIEW_RULES_MAX; i++) {
		struct view_rule rule;
		bool is_taken = false;
		char note[192];

		for (size_t k = 0; k < VIEW_ROW_NONE; k++)
			is_taken |= taken[k] == i;
		if (is_taken || !view_rule(p->doc, i, &rule))
			continue;
		(void)snprintf(note, sizeof(note), "%s  %s%s%s", rule.limit, rule.colour, rule.word,
			*rule.colour ? STYLE_PLAIN : "");
		rule.metric[view_width(p, VIEW_LABEL)] = '\0';
		view_put_row(p, rule.metric, "", rule.value.text, note);
		n++;
	}
}

static void view_put_table(struct view_page *p)
{
	int64_t width_ms = view_int(p->doc->last.width_ns) / NSEC_PER_MSEC;
	int64_t oldest_ns = view_oldest(p);
	bool is_wide = p->room + 1 >= VIEW_MORE_ROOM;
	double cpu = 0;
	char title[48];
	char note[192];
	size_t taken[VIEW_ROW_NONE];

	if (width_ms % 1000 == 0)
		(void)snprintf(
			title, sizeof(title), "last %" PRId64 " s", width_ms ? width_ms / 1000 : 1);
	else
		(void)snprintf(title, sizeof(title), "last %" PRId64 " ms", width_ms);
	view_put(p, VIEW_TABLE, "  %*s%*s", view_width(p, VIEW_LABEL) + view_width(p, VIEW_LAST),
		title, view_width(p, VIEW_WHOLE), "whole run");
	view_rule_note(p, VIEW_ROW_P50, note, sizeof(note), &taken[VIEW_ROW_P50]);
	view_put_quantile(p, p->closed ? "service p50" : "response p50", p->doc->last.p50_ns,
		p->doc->p50_ns, note);
	view_rule_note(p, VIEW_ROW_P99, note, sizeof(note), &taken[VIEW_ROW_P99]);
	view_put_quantile(p, p->closed ? "service p99" : "response p99", p->doc->last.p99_ns,
		p->doc->p99_ns, note);
	if (result_is_real(p->doc->cpu_share))
		cpu = p->doc->cpu_share;
	view_rule_note(p, VIEW_ROW_FAILED, note, sizeof(note), &taken[VIEW_ROW_FAILED]);
	if (p->closed && !*note)
		(void)snprintf(note, sizeof(note), "cpu %s", figure_percent(cpu).text);
	view_put_row(p, "failed",
		view_share_of(view_int(p->doc->last.failed), view_int(p->doc->last.ok)).text,
		view_share_of(view_int(p->doc->failed), view_int(p->doc->ok)).text, note);
	(void)snprintf(note, sizeof(note), "cpu %s", figure_percent(cpu).text);
	/* Users who wait for their answers have no plan that we could be late for. */
	if (!p->closed)
		view_put_quantile(p, "our delay p99", p->doc->last.our_delay_p99_ns,
			p->doc->our_delay_p99_ns, note);
	(void)snprintf(note, sizeof(note), "%s%s%s %s",
		figure_count(view_int(p->doc->connections)).text, is_wide ? " of " : "/",
		figure_count(view_int(p->doc->connections_limit)).text,
		is_wide ? "connections" : "conn.");
	view_put_row(
		p, "oldest waiting", oldest_ns > 0 ? figure_time(oldest_ns).text : "-", "", note);
	view_put_rules(p, taken);
}

/* ---------------------------------------------------------------- sparklines, events, keys */

static void view_put_spark(
	struct view_page *p, const char *label, const double *values, const char *figure)
{
	size_t cells = p->room - VIEW_SPARK_LABEL - VIEW_SPARK_FIGURE - 2;
	unsigned n = p->v->history->n;
	struct buf line = {0};

	if (n > cells) {
		values += n - cells;
		n = (unsigned)cells;
	}
	if (n == 0 || spark_draw_cells(values, n, &line) == 0)
		view_put(p, VIEW_SPARKS, "  %-*s%s  %s", (int)VIEW_SPARK_LABEL, label,
			line.data ? line.data : "", figure);
	buf_fini(&line);
}

static void view_put_sparks(struct view_page *p)
{
	const struct view_history *h = p->v->history;

	view_put_spark(p, "ok/s", h->ok_per_s, view_per_s(view_rate(p->doc, p->doc->last.ok)).text);
	view_put_spark(p, "p99", h->p99_ns,
		view_is_silent(p->doc) ? "-" : view_time(p->doc->last.p99_ns).text);
}

static void view_put_events(struct view_page *p)
{
	const struct result_event *events = p->doc->events.rows;
	size_t n = p->doc->events.n;
	size_t most = p->v->shows_events ? VIEW_EVENTS_MANY : VIEW_EVENTS_FEW;
	/* The lines that are already there, the gap and the keys; the newest events are the most
	 * important. */
	size_t taken = p->n + 2 + (p->v->message != NULL);

	if (most > VIEW_EVENTS_FEW && p->v->rows < taken + most)
		most = p->v->rows > taken + VIEW_EVENTS_FEW ? p->v->rows - taken : VIEW_EVENTS_FEW;
	if (n > 0 || p->v->shows_events)
		view_put_gap(p);
	if (n == 0 && p->v->shows_events)
		view_put(p, VIEW_EVENT, "  no events so far");
	for (size_t i = n > most ? n - most : 0; i < n; i++)
		view_put(p, VIEW_EVENT, "%6s  %.*s", figure_clock(view_int(events[i].at_ns)).text,
			(int)VIEW_LINE_SIZE, result_words(events[i].text));
}

static bool view_is_staged(const struct view_page *p)
{
	return view_int(p->doc->stage.of) > 1;
}

static void view_put_help(struct view_page *p)
{
	const char *rate_keys = view_is_staged(p)
					? "+ - n      rate, and next stage, from the next second on"
					: "+ -        rate, from the next second on";
	const struct {
		bool open;
		bool closed;
		bool steers;
		const char *text;
	} lines[] = {
		{true, false, false, "response   planned instant to last byte: what a user feels"},
		{false, true, false, "service    sent to last byte"},
		{true, false, false, "our delay  how late rpsd itself was"},
		{true, false, false, "queue      due, and waiting for a free connection"},
		{true, true, false, "in flight  sent, and not yet answered to the last byte"},
		{true, true, false, "oldest     age of the request that has waited longest"},
		{true, true, false, "last       percentiles: newest interval all answered"},
		{true, true, true, "p pause    no new requests until p again"},
		{true, false, true, rate_keys},
		{true, true, false, "s stop     no new requests; waits for answers"},
	};

	view_put_gap(p);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (lines[i].steers && !p->v->may_steer)
			continue;
		if (p->closed ? lines[i].closed : lines[i].open)
			view_put(p, VIEW_HELP, "  %s", lines[i].text);
	}
}

/* As far apart as there is room for all of them. */
static void view_put_key_names(struct view_page *p)
{
	bool steers = p->v->may_steer && !view_has_state(p, "draining");
	const char *names[] = {
		p->v->is_watching ? "q leave (run goes on)" : NULL,
		steers ? (view_has_state(p, "paused") ? "p resume" : "p pause") : NULL,
		steers && !p->closed ? "+ - rate 10 %" : NULL,
		steers && view_is_staged(p) ? "n next" : NULL,
		"s stop",
		"e events",
		"? help",
	};
	char line[VIEW_LINE_SIZE];

	for (int gap = 3; gap > 0; gap--) {
		size_t len = 1;

		(void)snprintf(line, sizeof(line), " ");
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (names[i])
				len += (size_t)snprintf(line + len, sizeof(line) - len, "%*s%s",
					len == 1 ? 1 : gap, "", names[i]);
		if (len <= p->room)
			break;
		/* Where it is tight, this goes without saying. */
		if (names[0])
			names[0] = "q leave";
		if (gap == 2 && names[2])
			names[2] = "+ - rate";
	}
	view_put(p, VIEW_KEYS, "%s", line);
}

static void view_put_keys(struct view_page *p)
{
	if (p->v->message)
		view_put(p, VIEW_HEAD, "  %s", p->v->message);
	else
		view_put_gap(p);
	if (p->v->has_keys)
		view_put_key_names(p);
	else if (p->v->is_watching)
		view_put(p, VIEW_KEYS, "  Ctrl-C leave (run goes on)");
	else
		view_put(p, VIEW_KEYS, "  Ctrl-C stop");
}

/* ---------------------------------------------------------------- the page */

bool view_fits(const struct style *style, unsigned rows)
{
	return style->terminal && style->width >= VIEW_WIDTH_MIN && rows >= VIEW_ROWS_MIN;
}

static void view_put_all(struct view_page *p)
{
	view_put_head(p);
	view_put_bar(p);
	view_put_gap(p);
	view_put_figures(p);
	view_put_gap(p);
	view_put_table(p);
	if (p->v->shows_help) {
		view_put_help(p);
	} else {
		view_put_gap(p);
		view_put_sparks(p);
		view_put_events(p);
	}
	view_put_keys(p);
}

/* The least weighty go, of equals the highest: the oldest event. */
static void view_squeeze(struct view_page *p, unsigned rows)
{
	while (p->n > rows) {
		unsigned victim = 0;

		for (unsigned i = 1; i < p->n; i++) {
			if (p->weights[i] > p->weights[victim])
				victim = i;
		}
		p->n--;
		memmove(p->lines[victim], p->lines[victim + 1],
			(p->n - victim) * sizeof(p->lines[0]));
		memmove(&p->weights[victim], &p->weights[victim + 1],
			(p->n - victim) * sizeof(p->weights[0]));
	}
}

int view_compose(const struct view *v, const struct style *style, struct buf *ret)
{
	unsigned width = style->width < VIEW_WIDTH_MAX ? style->width : VIEW_WIDTH_MAX;
	struct view_page p = {.v = v, .doc = v->progress};
	int r = 0;

	p.room = (width > VIEW_WIDTH_MIN ? width : VIEW_WIDTH_MIN) - 1;
	p.closed = view_is_closed(v->progress);
	p.elapsed_ns = view_int(v->progress->elapsed_ns);
	/* 0: it has no start yet. */
	if (p.elapsed_ns)
		p.elapsed_ns += v->age_ns;
	if (p.elapsed_ns < 0) {
		if (view_has_state(&p, "preparing"))
			p.starts_in_ns = -p.elapsed_ns;
		p.elapsed_ns = 0;
	}
	view_put_all(&p);
	view_squeeze(&p, v->rows);
	for (unsigned i = 0; i < p.n && r == 0; i++) {
		r = style_render(style, p.lines[i], ret);
		if (r == 0)
			r = buf_puts(ret, "\n");
	}
	return r;
}
