/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict of a report, in words: one for the run, why, what was delivered, what to do. Every
 * form says it with the same words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/exit_codes.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/report/report.h"

struct report_word {
	const char *match; /* run.outcome, or headline.result of a completed run */
	const char *word;
	const char *reason; /* where the result gives none */
};

static const struct report_word report_outcomes[] = {
	{"failed", STYLE_BAD "FAILED" STYLE_PLAIN, "not one good answer"},
	{"stopped", STYLE_WARN "STOPPED" STYLE_PLAIN, "by a person, before the plan was over"},
	{"aborted", STYLE_BAD "ABORTED" STYLE_PLAIN, "a rule ended the run"},
	{"interrupted", STYLE_BAD "INTERRUPTED" STYLE_PLAIN, "the daemon ended"},
};

static const struct report_word report_results[] = {
	{"ok", STYLE_GOOD "OK" STYLE_PLAIN, ""},
	{"pass", STYLE_GOOD "PASS" STYLE_PLAIN, ""},
	{"fail", STYLE_BAD "FAIL" STYLE_PLAIN, ""},
	{"undecided", STYLE_WARN "UNDECIDED" STYLE_PLAIN, ""},
	{"overload", STYLE_WARN "OVERLOAD" STYLE_PLAIN, ""},
	{"failed", STYLE_BAD "FAILED" STYLE_PLAIN, "not one good answer"},
	{"void", STYLE_BAD "VOID" STYLE_PLAIN, "this machine did not carry the plan out"},
};

static const struct report_word report_unknown = {"", "DONE", ""};

/* More than this of the plan failed: the plan was carried, but green would read as praise. */
#define REPORT_MANY_FAILED 0.01
static const struct report_word report_ok_but = {"ok", STYLE_WARN "OK" STYLE_PLAIN, ""};

static const struct report_word *report_find(
	const struct report_word *table, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(table[i].match, word))
			return &table[i];
	}
	return NULL;
}

/* Most answers were good ones, but of another place than was meant, and the audit says so. */
static bool report_is_redirected(const struct report *r)
{
	return report_real(r, "redirects.share") > 0.5 &&
	       strstr(json_path_text(r->doc, "headline.because"), "redirects");
}

/* So many requests went out twice that the load was not the one planned. */
#define REPORT_MANY_REPEATED 0.01
static bool report_is_repeated(const struct report *r)
{
	return report_real(r, "outside.repeated_share") > REPORT_MANY_REPEATED;
}

static const struct report_word *report_word_of(const struct report *r)
{
	const struct report_word *v;

	v = report_find(report_outcomes, sizeof(report_outcomes) / sizeof(*report_outcomes),
		json_path_text(r->doc, "run.outcome"));
	/* Before there were rules, "fail" was what is "failed" now. */
	if (!v)
		v = report_find(report_results, sizeof(report_results) / sizeof(*report_results),
			report_int(r, "run.exit_code") == EXIT_RUN_FAILED
				? "failed"
				: json_path_text(r->doc, "headline.result"));
	if (v && str_eq(v->match, "ok") &&
		(report_real(r, "headline.failed_share") > REPORT_MANY_FAILED ||
			report_is_redirected(r) || report_is_repeated(r) ||
			*json_path_text(r->doc, "headline.missing")))
		return &report_ok_but;
	return v ? v : &report_unknown;
}

static const char *report_limit(const struct report *r)
{
	static const char *const words[][2] = {
		{"plan", "limited by the plan"},
		{"server", "limited by the server"},
		{"users", "limited by the users"},
		{"connections", "limited by connections"},
		{"policy", "limited by the policy"},
		{"generator", "limited by the generator"},
	};
	const char *limit = json_path_text(r->doc, "headline.limited_by");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (str_eq(words[i][0], limit))
			return words[i][1];
	}
	if (r->closed && report_int(r, "ledger.ok") > 0 &&
		str_eq(json_path_text(r->doc, "run.outcome"), "completed") &&
		report_window_ns(r) < (double)AUDIT_LEAST_NS)
		return "too short to name a limit";
	return "";
}

/* " · mean of 3 runs": rates are, of repetitions; "" for any other result. */
static struct figure report_repeats(const struct report *r)
{
	size_t n = json_array_size(json_path_at(r->doc, "repeats"));
	struct figure f = {""};

	if (n > 1)
		(void)snprintf(f.text, sizeof(f.text),
			" · mean" REPORT_GLUE "of" REPORT_GLUE "%zu" REPORT_GLUE "runs", n);
	return f;
}

/* "18,400/s answered well"; where that is no rate, "3 answered well in 421 ms". */
static void report_speed(const struct report *r, char *text, size_t size)
{
	struct figure rate = report_rate(r, "ok");

	if (str_ends(rate.text, "/s"))
		(void)snprintf(text, size, "%s answered well", rate.text);
	else
		(void)snprintf(text, size, "%s answered well %s",
			report_figure(r, "ledger.ok").text, rate.text);
}

/* Of a run that did not come to its own end: so many had no answer yet. */
static int64_t report_cut_off(const struct report *r)
{
	if (str_eq(json_path_text(r->doc, "run.outcome"), "completed"))
		return 0;
	return report_int(r, "ledger.unfinished") + report_int(r, "ledger.unsent");
}

/* "nothing failed"; "12.0 % failed · 30 requests had no answer yet when it was stopped". What was
 * cut off with the run has not failed. */
static void report_failures(const struct report *r, char *text, size_t size)
{
	double failed = report_real(r, "headline.failed_share");
	int64_t n = report_cut_off(r);
	char share[64] = "nothing failed";

	if (n > 0)
		failed = ((double)report_int(r, "ledger.planned") -
				 (double)report_int(r, "ledger.ok") - (double)n) /
			 (double)report_int(r, "ledger.planned");
	if (failed > 0)
		(void)snprintf(share, sizeof(share), STYLE_BAD "%.32s failed" STYLE_PLAIN,
			figure_share(failed).text);
	if (n <= 0)
		(void)snprintf(text, size, "%s", share);
	else
		(void)snprintf(text, size, "%s%s%s request%s had no answer yet when %s",
			failed > 0 || report_int(r, "ledger.ok") > 0 ? share : "",
			failed > 0 || report_int(r, "ledger.ok") > 0 ? " · " : "",
			figure_count(n).text, n == 1 ? "" : "s",
			report_is_cut_short(r) ? "it was stopped" : "the drain ended");
}

/* "plan delivered 100.0 % · nothing failed · limited by the plan" */
static void report_facts(
	const struct report *r, bool has_limit, bool has_repeated, char *facts, size_t size)
{
	int64_t planned = report_int(r, "ledger.planned");
	double sent = (double)report_int(r, "ledger.sent");
	const char *limit = has_limit ? report_limit(r) : "";
	char first[128];
	char failures[128];
	char repeated[96] = "";

	facts[0] = '\0';
	if (planned == 0)
		return;
	if (r->closed)
		report_speed(r, first, sizeof(first));
	else
		/* Cut, not rounded: 99.96 % is not all of it. */
		(void)snprintf(first, sizeof(first), "%s delivered %.1f %%%s",
			*json_path_text(r->doc, "headline.missing") ? "these slices" : "plan",
			floor(sent / (double)planned * 1000) / 10,
			str_eq(json_path_text(r->doc, "run.outcome"), "completed")
				? ""
				: " of what was due until then");
	if (has_repeated && report_is_repeated(r))
		(void)snprintf(repeated, sizeof(repeated),
			" · " STYLE_WARN "%s sent twice" STYLE_PLAIN,
			report_figure(r, "outside.repeated_share").text);
	report_failures(r, failures, sizeof(failures));
	(void)snprintf(facts, size, "%s · %s%s%s%s%s%s%s", first, failures, repeated,
		*limit ? " · " : "", limit, *report_unsteady(r) ? " · " : "", report_unsteady(r),
		report_repeats(r).text);
}

static bool report_says_repeated(const struct report *r)
{
	return report_is_repeated(r) &&
	       strstr(json_path_text(r->doc, "headline.because"), "sent twice");
}

/* "1 of 3 rules is broken", and what the audit has to say of such a run; false: no rule decided. */
static bool report_tell_rules(
	const struct report *r, const struct report_word *v, char *reason, size_t size)
{
	static const struct {
		const char *match, *words;
	} words[] = {{"fail", "broken"}, {"undecided", "undecided"}};
	const char *because = json_path_text(r->doc, "headline.because");
	size_t all = report_n_rules(r);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = report_count_rules(r, words[i].match);

		if (!str_eq(v->match, words[i].match) || n == 0)
			continue;
		if (all == 1)
			(void)snprintf(reason, size, "the rule is %s%s%.250s", words[i].words,
				*because ? "; " : "", because);
		else
			(void)snprintf(reason, size, "%zu of %zu rules %s %s%s%.250s", n, all,
				n == 1 ? "is" : "are", words[i].words, *because ? "; " : "",
				because);
		return true;
	}
	return false;
}

/* What the run itself says, else the audit, else the word's own. */
static void report_reason(
	const struct report *r, const struct report_word *v, char *reason, size_t size)
{
	bool is_cut = !str_eq(json_path_text(r->doc, "run.outcome"), "completed");
	const char *given = is_cut ? json_path_text(r->doc, "run.reason") : "";

	if (!*given && report_tell_rules(r, v, reason, size))
		return;
	/* Failures in a run that is ok are shown in the facts and among the errors. */
	if (!*given &&
		((!str_eq(v->match, "ok") && !str_eq(v->match, "pass")) ||
			report_is_redirected(r) || report_says_repeated(r) ||
			str_starts(json_path_text(r->doc, "headline.because"), "limited by")))
		given = json_path_text(r->doc, "headline.because");
	/* "STOPPED by alice" says it once. */
	if (str_eq(v->match, "stopped") && str_starts(given, "stopped "))
		given += strlen("stopped ");
	(void)snprintf(reason, size, "%.300s", *given ? given : v->reason);
}

/* Where the audit has nothing to try, what helps to decide a rule. */
static const char *report_remedy(const struct report *r, const struct report_word *v)
{
	const char *remedy = json_path_text(r->doc, "headline.try");
	struct report_rule rule;

	if (!str_eq(v->match, "undecided"))
		return remedy;
	for (size_t i = 0; !*remedy && report_rule(r, i, &rule); i++)
		remedy = rule.remedy;
	return remedy;
}

void report_judge(const struct report *r, struct report_verdict *ret)
{
	const struct report_word *v = report_word_of(r);

	ret->word = v->word;
	ret->exit_code = (int)report_int(r, "run.exit_code");
	/* A run stopped by a user has more than one exit status: the second Ctrl-C has its own. */
	if (str_eq(v->match, "stopped") && ret->exit_code == EXIT_STOPPED)
		ret->exit_code = 0;
	ret->remedy = report_remedy(r, v);
	ret->missing = json_path_text(r->doc, "headline.missing");
	report_reason(r, v, ret->reason, sizeof(ret->reason));
	report_facts(r, !strstr(ret->reason, "limited by"), !strstr(ret->reason, "sent twice"),
		ret->facts, sizeof(ret->facts));
}

/* The load model: "open model, even spacing", "closed, 64 users". */
void report_model(const struct report *r, char *model, size_t size)
{
	const char *arrivals = json_path_text(r->doc, "plan.arrivals");
	int64_t users = report_int(r, "connections.limit");
	int64_t each = report_int(r, "plan.effective.pipeline");

	/* With pipelining a connection has several. */
	if (each > 1 && __builtin_mul_overflow(users, each, &users))
		users = JSON_PATH_INT_MAX;
	if (r->closed)
		(void)snprintf(model, size, "closed, %s user%s", figure_count(users).text,
			users == 1 ? "" : "s");
	else
		(void)snprintf(model, size, "open model, %.30s",
			str_eq(arrivals, "constant") || !*arrivals ? "even spacing" : arrivals);
}

/* ---------------------------------------------------------------- steering */

static const struct {
	const char *kind; /* of an event */
	const char *words;
} report_acts[] = {
	{"rate", "rate"},
	{"pause", "pause"},
	{"resume", "resume"},
	{"next", "next stage"},
};
#define REPORT_ACTS_SHOWN 4u

/* NULL: the event is no act of steering. */
static const char *report_act(const json_t *event)
{
	for (size_t i = 0; i < sizeof(report_acts) / sizeof(*report_acts); i++)
		if (str_eq(report_acts[i].kind, json_path_text(event, "kind")))
			return report_acts[i].words;
	return NULL;
}

static void report_put_act(const json_t *event, const char *words, struct buf *ret)
{
	const char *from = json_path_text(event, "from");
	const char *to = json_path_text(event, "to");
	int64_t at_ns = 0;

	(void)json_path_int(event, "at_ns", &at_ns);
	(void)buf_printf(ret, "%s%s", ret->len ? ", " : "", words);
	if (str_eq(words, "rate") && *from && *to)
		(void)buf_printf(ret, " %.30s -> %.30s", from, to);
	(void)buf_printf(ret, " at" REPORT_GLUE "%s", figure_clock(at_ns).text);
}

void report_steered(const struct report *r, char *ret, size_t size)
{
	const json_t *events = json_path_at(r->doc, "events");
	struct buf acts = {0};
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		const char *words = report_act(event);

		if (words && n++ < REPORT_ACTS_SHOWN)
			report_put_act(event, words, &acts);
	}
	*ret = '\0';
	if (n > REPORT_ACTS_SHOWN)
		(void)buf_printf(&acts, " and %zu more", n - REPORT_ACTS_SHOWN);
	if (n > 0 && acts.data)
		(void)snprintf(ret, size, "%zu time%s: %s", n, n == 1 ? "" : "s", acts.data);
	buf_fini(&acts);
}
