/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a rule word by word: words end at blanks, at an operator and at the colon of a scope. Each
 * step either takes the next word or says what was expected in its place; nothing is guessed. */
#include "common/rules/rule.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json_path.h"
#include "common/str.h"
#include "common/units.h"

const char *const rule_scope_names[RULE_SCOPES] = {
	[RULE_OF_RUN] = "run",
	[RULE_OF_STAGE] = "stage",
	[RULE_OF_REQUEST] = "request",
};

const char *const rule_ops[] = {
	[JUDGEMENT_BELOW] = "<",
	[JUDGEMENT_AT_MOST] = "<=",
	[JUDGEMENT_ABOVE] = ">",
	[JUDGEMENT_AT_LEAST] = ">=",
};
#define RULE_OPS (sizeof(rule_ops) / sizeof(*rule_ops))

#define STAGES .in_stages = true
#define REQUESTS .in_requests = true
#define PLANNED .is_of_planned = true
#define INTERVALS .in_intervals = true
const struct rule_metric_info rule_metrics[RULE_METRICS] = {
	[RULE_MAIN] = {"", RULE_TIME, NULL, STAGES, REQUESTS, PLANNED, INTERVALS,
		.help = "response time; in the closed model service time"},
	[RULE_RESPONSE] = {"response", RULE_TIME, "response", STAGES, REQUESTS, PLANNED, INTERVALS,
		.help = "from the planned instant to the last byte; open model only"},
	[RULE_SERVICE] = {"service", RULE_TIME, "service", REQUESTS, PLANNED, INTERVALS,
		.help = "from sending to the last byte"},
	[RULE_FIRST_BYTE] = {"first-byte", RULE_TIME, "first_byte", REQUESTS, PLANNED,
		.help = "from sending to the first byte"},
	[RULE_CONNECT] = {"connect", RULE_TIME, "connect",
		.help = "to open a connection; with TLS its TCP part"},
	[RULE_TLS] = {"tls", RULE_TIME, "tls", .help = "TLS handshakes"},
	[RULE_GENERATOR_DELAY] = {"generator-delay", RULE_TIME, "our_delay", STAGES, INTERVALS,
		.help = "how late the generator sent"},
	[RULE_ERRORS] = {"errors", RULE_SHARE, NULL, STAGES, REQUESTS, INTERVALS,
		.help = "planned requests without a good answer"},
	[RULE_FAILED] = {"failed", RULE_SHARE, NULL, STAGES, REQUESTS, INTERVALS,
		.help = "the same"},
	[RULE_TIMEOUTS] = {"timeouts", RULE_SHARE, "timeout", STAGES, REQUESTS,
		.help = "requests that were not answered in time"},
	[RULE_DROPPED] = {"dropped", RULE_SHARE, "dropped", STAGES, REQUESTS,
		.help = "requests that found neither a connection nor room to wait"},
	[RULE_CHECKS] = {"checks", RULE_SHARE, "check_failed", STAGES, REQUESTS,
		.help = "answers that failed a check"},
	[RULE_STATUS] = {"status", RULE_SHARE, NULL,
		.help = "answers of one status, or of all that begin with a digit: status 503, "
			"status 5xx"},
	[RULE_OK_RATE] = {"rate", RULE_RATE, "ok_per_s", STAGES, REQUESTS, INTERVALS,
		.help = "good answers"},
	[RULE_COMPLETED] = {"completed", RULE_RATE, "completed_per_s", INTERVALS,
		.help = "complete answers, good or not"},
	[RULE_SENT] = {"sent", RULE_RATE, "sent_per_s", STAGES, REQUESTS, INTERVALS,
		.help = "requests sent"},
	[RULE_GENERATOR_LIMITED] = {"generator-limited", RULE_WORD, "generator",
		.help = "the generator limited the run"},
	[RULE_CONNECTION_LIMITED] = {"connection-limited", RULE_WORD, "connections",
		.help = "the connections limited the run"},
	[RULE_UNSTEADY] = {"unsteady", RULE_WORD, NULL, .help = "the run was not in one state"},
};

static const struct {
	const char *name;
	enum rule_stat stat;
} rule_stats[] = {{"mean", RULE_MEAN}, {"min", RULE_MIN}, {"max", RULE_MAX}};
#define RULE_STATS (sizeof(rule_stats) / sizeof(*rule_stats))

#define RULE_BLANKS " \t"
#define RULE_OP_CHARS "<>="
#define RULE_PERCENT_LEAST 1.0
#define RULE_PERCENT_MOST 99.999
#define RULE_PERCENT_DECIMALS 6 /* as many as are written */
#define RULE_STAGE_DIGITS 4
#define RULE_COUNT_DIGITS 15
#define RULE_WORD_MAX 80

/* ---------------------------------------------------------------- words */

struct rule_reading {
	const char *text;
	const char *at;		  /* the first character of the next word, or the end */
	size_t len;		  /* of the next word; 0: the end */
	char word[RULE_WORD_MAX]; /* a copy of it; cut where it is longer */
	struct err *reterr;
};

static void rule_look(struct rule_reading *in)
{
	in->at += strspn(in->at, RULE_BLANKS);
	in->len = strspn(in->at, RULE_OP_CHARS);
	if (in->len == 0)
		in->len = strcspn(in->at, RULE_BLANKS RULE_OP_CHARS);
	str_cut(in->word, sizeof(in->word), in->at, in->len);
}

static void rule_next(struct rule_reading *in)
{
	in->at += in->len;
	rule_look(in);
}

static bool rule_is(const struct rule_reading *in, const char *word)
{
	return str_eq(in->word, word);
}

__attribute__((format(printf, 2, 3))) static int rule_refuse(
	const struct rule_reading *in, const char *format, ...)
{
	char what[300];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	err_set(in->reterr, "'%.80s', column %zu: %s", in->text, (size_t)(in->at - in->text) + 1,
		what);
	return -EINVAL;
}

/* "expected …, not 'xy'", or that nothing follows. */
static int rule_expect(const struct rule_reading *in, const char *what)
{
	if (in->len == 0)
		return rule_refuse(in, "the rule ends where %s is expected", what);
	return rule_refuse(in, "'%s' where %s is expected", in->word, what);
}

/* ---------------------------------------------------------------- scope */

static bool rule_read_digits(const char *text, size_t most, double *ret)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > most || text[n])
		return false;
	*ret = strtod(text, NULL);
	return true;
}

/* The word after "stage" or "request", which ends in a colon. */
static int rule_read_scope_name(struct rule_reading *in, struct rule *r)
{
	char name[RULE_NAME_MAX + 2] = "";
	const char *colon = memchr(in->at, ':', in->len);
	double stage = 0;
	size_t len = colon ? (size_t)(colon - in->at) : 0;

	if (colon && len < sizeof(name))
		memcpy(name, in->at, len);
	if (r->scope == RULE_OF_STAGE &&
		(!rule_read_digits(name, RULE_STAGE_DIGITS, &stage) || stage < 1))
		return rule_expect(in, "the number of a stage and a colon (stage 2: p99 < 80ms)");
	if (r->scope == RULE_OF_REQUEST && !str_is_name(name))
		return rule_expect(
			in, "the name of a request and a colon (request buy: p99 < 80ms)");
	r->stage = (unsigned)stage;
	if (r->scope == RULE_OF_REQUEST)
		memcpy(r->request, name, len + 1);
	/* What follows the colon needs no blank before it. */
	in->len = len + 1;
	rule_next(in);
	return 0;
}

static int rule_read_scope(struct rule_reading *in, struct rule *r)
{
	const char *colon = memchr(in->at, ':', in->len);

	for (unsigned s = RULE_OF_STAGE; s < RULE_SCOPES; s++) {
		if (!rule_is(in, rule_scope_names[s]))
			continue;
		r->scope = (enum rule_scope)s;
		rule_next(in);
		return rule_read_scope_name(in, r);
	}
	if (rule_is(in, "flow"))
		return rule_refuse(in, "there are no flows yet: a rule is of the run, of a stage "
				       "(stage 2:) or of a request (request NAME:)");
	if (colon)
		return rule_refuse(
			in, "'%s' is no scope: write stage N: or request NAME:", in->word);
	return 0;
}

/* ---------------------------------------------------------------- metric */

/* "p99.9" */
static bool rule_read_percentile(const char *word, double *ret)
{
	size_t whole, part;

	if (word[0] != 'p')
		return false;
	whole = strspn(word + 1, "0123456789");
	part = word[1 + whole] == '.' ? 1 + strspn(word + 2 + whole, "0123456789") : 0;
	if (whole == 0 || part == 1 || word[1 + whole + part])
		return false;
	*ret = strtod(word + 1, NULL);
	return true;
}

static int rule_read_stat(struct rule_reading *in, struct rule *r)
{
	for (size_t i = 0; i < RULE_STATS; i++) {
		if (!rule_is(in, rule_stats[i].name))
			continue;
		r->stat = rule_stats[i].stat;
		rule_next(in);
		return 0;
	}
	if (!rule_read_percentile(in->word, &r->percent))
		return rule_expect(in, "p50, p99, p99.9, mean, min or max");
	if (r->percent < RULE_PERCENT_LEAST || r->percent > RULE_PERCENT_MOST)
		return rule_refuse(in, "'%s' is out of range: p1 to p99.999", in->word);
	if (strcspn(in->word, ".") + 1 + RULE_PERCENT_DECIMALS < in->len)
		return rule_refuse(in, "'%s' has more than %d decimals: write it shorter", in->word,
			RULE_PERCENT_DECIMALS);
	r->stat = RULE_QUANTILE;
	rule_next(in);
	return 0;
}

/* " of ok" */
static int rule_read_of(struct rule_reading *in, struct rule *r)
{
	if (!rule_is(in, "of"))
		return 0;
	if (r->metric != RULE_MAIN && !rule_metrics[r->metric].is_of_planned)
		return rule_refuse(in, "%s is not about answers: leave of ok out",
			rule_metrics[r->metric].name);
	rule_next(in);
	if (!rule_is(in, "ok"))
		return rule_expect(in, "ok (p99 of ok: of good answers only)");
	r->is_of_ok = true;
	rule_next(in);
	return 0;
}

/* "503" or "5xx" */
static int rule_read_status(struct rule_reading *in, struct rule *r)
{
	double code;

	if (in->len == 3 && in->word[0] >= '1' && in->word[0] <= '9' &&
		str_eq(in->word + 1, "xx")) {
		r->status = (unsigned)(in->word[0] - '0');
	} else if (in->len == 3 && rule_read_digits(in->word, 3, &code) && code >= 100) {
		r->status = (unsigned)code;
	} else {
		return rule_expect(in, "a status, as in 503 or 5xx");
	}
	rule_next(in);
	return 0;
}

static int rule_refuse_metric(const struct rule_reading *in)
{
	const char *words[RULE_METRICS + RULE_STATS];
	const char *nearest;
	size_t n = 0;

	for (unsigned m = RULE_MAIN + 1; m < RULE_METRICS; m++)
		words[n++] = rule_metrics[m].name;
	for (size_t i = 0; i < RULE_STATS; i++)
		words[n++] = rule_stats[i].name;
	nearest = in->len ? str_nearest(in->word, words, n) : NULL;
	if (nearest)
		return rule_refuse(in, "'%s' is not known; did you mean %s?", in->word, nearest);
	return rule_expect(in, "what is compared (p99, mean, errors, rate, service p99)");
}

static int rule_read_metric(struct rule_reading *in, struct rule *r)
{
	const struct rule_metric_info *info;
	double percent;
	unsigned m = RULE_METRICS;
	int result = 0;

	while (--m > RULE_MAIN && !rule_is(in, rule_metrics[m].name))
		;
	r->metric = (enum rule_metric)m;
	info = &rule_metrics[m];
	if ((r->scope == RULE_OF_STAGE && !info->in_stages) ||
		(r->scope == RULE_OF_REQUEST && !info->in_requests))
		return rule_refuse(in, "%s is not counted for each %s: leave %s out", info->name,
			rule_scope_names[r->scope], rule_scope_names[r->scope]);
	if (m == RULE_MAIN && !rule_read_percentile(in->word, &percent)) {
		bool is_stat = false;

		for (size_t i = 0; i < RULE_STATS; i++)
			is_stat |= rule_is(in, rule_stats[i].name);
		if (!is_stat)
			return rule_refuse_metric(in);
	}
	if (m != RULE_MAIN)
		rule_next(in);
	if (info->form == RULE_TIME) {
		result = rule_read_stat(in, r);
		if (result == 0)
			result = rule_read_of(in, r);
	}
	if (m == RULE_STATUS)
		result = rule_read_status(in, r);
	return result;
}

/* ---------------------------------------------------------------- limit */

static int rule_read_op(struct rule_reading *in, struct rule *r)
{
	for (size_t i = 0; i < RULE_OPS; i++) {
		if (!rule_is(in, rule_ops[i]))
			continue;
		r->op = (enum judgement_op)i;
		rule_next(in);
		return 0;
	}
	return rule_expect(in, "<, <=, > or >=");
}

static int rule_refuse_number(const struct rule_reading *in, int why, const char *what,
	const char *unit, const char *example)
{
	if (in->len == 0)
		return rule_expect(in, what);
	if (why == UNITS_E_UNIT)
		return rule_refuse(in, "'%s' needs %s, as in %s", in->word, unit, example);
	if (why == UNITS_E_RANGE)
		return rule_refuse(in, "'%s' is out of range", in->word);
	return rule_refuse(in, "'%s' is not %s: write it as in %s", in->word, what, example);
}

static int rule_read_time(struct rule_reading *in, const char *example, int64_t *ret)
{
	int r = units_parse_time(in->word, ret);

	if (r)
		return rule_refuse_number(in, r, "a time", "a unit of time (us, ms, s)", example);
	rule_next(in);
	return 0;
}

static int rule_read_share(struct rule_reading *in, struct rule *rule)
{
	int r = 0;

	rule->is_count = rule_read_digits(in->word, RULE_COUNT_DIGITS, &rule->limit);
	if (!rule->is_count)
		r = units_parse_share(in->word, &rule->limit);
	if (r)
		return rule_refuse_number(
			in, r, "a share or a count", "a percent sign", "0.1% or 5");
	rule_next(in);
	return 0;
}

static int rule_read_limit(struct rule_reading *in, struct rule *rule)
{
	int64_t ns = 0;
	int r;

	switch (rule_metrics[rule->metric].form) {
	case RULE_TIME:
		r = rule_read_time(in, "50ms", &ns);
		rule->limit = (double)ns;
		return r;
	case RULE_SHARE:
		return rule_read_share(in, rule);
	default:
		r = units_parse_rate(in->word, &rule->rate);
		if (r)
			return rule_refuse_number(in, r, "a rate", "a unit of rates", "900/s");
		rule->limit = rate_per_s(rule->rate);
		rule_next(in);
		return 0;
	}
}

/* " over 10s", " after 1m", in this order. */
static int rule_read_times(struct rule_reading *in, struct rule *r)
{
	const struct {
		const char *word;
		int64_t *ns;
	} times[] = {{"over", &r->over_ns}, {"after", &r->after_ns}};
	int result = 0;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times) && result == 0; i++) {
		if (!rule_is(in, times[i].word))
			continue;
		rule_next(in);
		result = rule_read_time(in, "10s", times[i].ns);
	}
	if (result == 0 && in->len > 0)
		result = rule_refuse(in, "'%s' after the end of the rule", in->word);
	return result;
}

int rule_parse(const char *text, struct rule *ret, struct err *reterr)
{
	struct rule_reading in = {.text = text, .at = text, .reterr = reterr};
	struct rule r = {0};
	int result;

	rule_look(&in);
	result = rule_read_scope(&in, &r);
	if (result == 0)
		result = rule_read_metric(&in, &r);
	if (result == 0 && rule_metrics[r.metric].form != RULE_WORD) {
		result = rule_read_op(&in, &r);
		if (result == 0)
			result = rule_read_limit(&in, &r);
	}
	if (result == 0)
		result = rule_read_times(&in, &r);
	if (result == 0)
		*ret = r;
	return result;
}

enum judgement_op rule_inverse(enum judgement_op op)
{
	static const enum judgement_op inverse[] = {
		[JUDGEMENT_BELOW] = JUDGEMENT_AT_LEAST,
		[JUDGEMENT_AT_MOST] = JUDGEMENT_ABOVE,
		[JUDGEMENT_ABOVE] = JUDGEMENT_AT_MOST,
		[JUDGEMENT_AT_LEAST] = JUDGEMENT_BELOW,
	};

	return inverse[op];
}

/* ---------------------------------------------------------------- as text */

/* A number without trailing zeros, which reads back as the same one. */
static void rule_format_number(double value, char *text, size_t size)
{
	(void)snprintf(text, size, "%.*f", RULE_PERCENT_DECIMALS, value);
	for (size_t n = strlen(text); n > 0 && text[n - 1] == '0'; n--)
		text[n - 1] = '\0';
	if (str_ends(text, "."))
		text[strlen(text) - 1] = '\0';
}

void rule_format_metric(const struct rule *rule, char *text, size_t size)
{
	const struct rule_metric_info *info = &rule_metrics[rule->metric];
	char number[UNITS_TEXT_MAX];
	char stat[UNITS_TEXT_MAX + 1] = "";

	rule_format_number(rule->percent, number, sizeof(number));
	if (info->form == RULE_TIME && rule->stat == RULE_QUANTILE)
		(void)snprintf(stat, sizeof(stat), "p%s", number);
	for (size_t i = 0; info->form == RULE_TIME && i < RULE_STATS; i++)
		if (rule_stats[i].stat == rule->stat)
			(void)snprintf(stat, sizeof(stat), "%s", rule_stats[i].name);
	if (rule->metric == RULE_STATUS)
		(void)snprintf(stat, sizeof(stat), rule->status < 10 ? "%uxx" : "%u", rule->status);
	(void)snprintf(text, size, "%s%s%s%s", info->name, *info->name && *stat ? " " : "", stat,
		rule->is_of_ok ? " of ok" : "");
}

static void rule_format_limit(const struct rule *rule, char *text, size_t size)
{
	char number[UNITS_TEXT_MAX];
	enum rule_form form = rule_metrics[rule->metric].form;

	if (form == RULE_TIME) {
		units_format_time((int64_t)rule->limit, text, size);
	} else if (form == RULE_RATE) {
		units_format_rate(rule->rate, text, size);
	} else {
		rule_format_number(
			rule->is_count ? rule->limit : rule->limit * 100, number, sizeof(number));
		(void)snprintf(text, size, "%s%s", number, rule->is_count ? "" : "%");
	}
}

void rule_format(const struct rule *rule, char *text, size_t size)
{
	char scope[RULE_NAME_MAX + 16] = "", metric[160], limit[UNITS_TEXT_MAX + 2] = "";
	char over[UNITS_TEXT_MAX] = "", after[UNITS_TEXT_MAX] = "";
	bool has_limit = rule_metrics[rule->metric].form != RULE_WORD;

	if (rule->scope == RULE_OF_STAGE)
		(void)snprintf(scope, sizeof(scope), "stage %u: ", rule->stage);
	else if (rule->scope == RULE_OF_REQUEST)
		(void)snprintf(scope, sizeof(scope), "request %s: ", rule->request);
	rule_format_metric(rule, metric, sizeof(metric));
	if (has_limit)
		rule_format_limit(rule, limit, sizeof(limit));
	if (rule->over_ns)
		units_format_time(rule->over_ns, over, sizeof(over));
	if (rule->after_ns)
		units_format_time(rule->after_ns, after, sizeof(after));
	(void)snprintf(text, size, "%s%s%s%s%s%s%s%s%s%s", scope, metric, has_limit ? " " : "",
		has_limit ? rule_ops[rule->op] : "", has_limit ? " " : "", limit,
		*over ? " over " : "", over, *after ? " after " : "", after);
}

struct figure rule_value(const struct rule *rule, double value)
{
	struct figure none = {"without an answer"};
	double most = (double)JSON_PATH_INT_MAX;

	if (!isfinite(value))
		return none;
	/* A document may come from anywhere. */
	value = fmin(fmax(value, -most), most);
	switch (rule_metrics[rule->metric].form) {
	case RULE_TIME:
		return figure_time((int64_t)value);
	case RULE_SHARE:
		return rule->is_count ? figure_count((int64_t)value) : figure_share(value);
	default:
		return figure_per_s(value);
	}
}
