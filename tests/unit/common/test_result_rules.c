/* SPDX-License-Identifier: Apache-2.0 */
/* What results say to rules: passed, broken, undecided, with value, limit and interval; what the
 * run is then worth, and how it exits. */
#include "common/result/result_rules.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/result/audit.h"
#include "common/result/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/rules/rule.h"
#include "common/stats/histogram.h"
#include "common/stats/ledger.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define WINDOW_S 10

/* A run of 10 s: so many fast answers of 10 ms and slow ones of 100 ms, the slow ones by the
 * generator's fault or the server's; and failures. */
struct made {
	uint64_t fast, slow, errors_503, timeouts, refused_here;
	bool is_closed, is_ours;
	int64_t late_ns; /* the generator's longest delay */
	const char *limited_by, *verdict, *steadiness;
	bool has_intervals; /* of the percentiles */
};

static void put(struct result_list *to, const char *name, const struct histogram *h)
{
	struct result_latency *l = result_list_add(&result_latency_table, to, name);

	ck_assert_int_eq(result_fill_latency(h, l), 0);
}

static void record(struct histogram *h, int64_t value, uint64_t n)
{
	while (n-- > 0)
		histogram_record(h, value);
}

static void put_latencies(const struct made *m, struct result_list *to)
{
	struct histogram whole, less, delay;

	ck_assert_int_eq(histogram_init(&whole, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	ck_assert_int_eq(histogram_init(&less, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	ck_assert_int_eq(histogram_init(&delay, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	record(&whole, 10 * MS, m->fast);
	record(&whole, 100 * MS, m->slow);
	record(&less, 10 * MS, m->fast + (m->is_ours ? m->slow : 0));
	record(&less, 100 * MS, m->is_ours ? 0 : m->slow);
	record(&delay, MS / 100, m->fast);
	record(&delay, m->late_ns ? m->late_ns : MS / 100, 1);
	put(to, m->is_closed ? "service" : "response", &whole);
	put(to, m->is_closed ? "service_less_ours" : "response_less_ours", &less);
	if (!m->is_closed) {
		put(to, "service", &less);
		put(to, "our_delay", &delay);
	}
	histogram_fini(&whole);
	histogram_fini(&less);
	histogram_fini(&delay);
}

static void put_end(struct result_list *ends, int64_t ns)
{
	((struct result_number *)result_list_add(&result_bound_table, ends, NULL))->n = ns;
}

static void put_intervals(struct result *r)
{
	struct result_latency *rows = r->latency.rows;

	rows[0].ci95.is = RESULT_IS_THERE;
	rows[0].ci95.level = 0.95;
	put_end(&rows[0].ci95.p99_ns, 40 * MS);
	put_end(&rows[0].ci95.p99_ns, 60 * MS);
	put_end(&rows[0].ci95.p50_ns, 9 * MS);
	put_end(&rows[0].ci95.p50_ns, RESULT_NULL);
}

static void put_counts(const struct made *m, struct result *r)
{
	struct ledger l = {
		.planned = m->fast + m->slow + m->errors_503 + m->timeouts + m->refused_here};
	struct result_error *error;
	struct result_number *status;

	l.sent = l.planned - m->refused_here;
	l.classes[LEDGER_OK] = m->fast + m->slow;
	l.classes[LEDGER_HTTP_ERROR] = m->errors_503;
	l.classes[LEDGER_TIMEOUT] = m->timeouts;
	l.classes[LEDGER_NOT_CONNECTED] = m->refused_here;
	result_fill_ledger(&l, &r->ledger);
	r->rates.is = RESULT_IS_THERE;
	r->rates.planned_per_s = (double)l.planned / WINDOW_S;
	r->rates.sent_per_s = (double)l.sent / WINDOW_S;
	r->rates.completed_per_s = (double)(l.sent - m->timeouts) / WINDOW_S;
	r->rates.ok_per_s = (double)l.classes[LEDGER_OK] / WINDOW_S;
	status = result_list_add(&result_number_table, &r->statuses, "200");
	status->n = (int64_t)l.classes[LEDGER_OK];
	status = result_list_add(&result_number_table, &r->statuses, "503");
	status->n = (int64_t)m->errors_503;
	error = result_list_add(&result_error_table, &r->errors, NULL);
	error->count = (int64_t)m->refused_here;
	ck_assert_int_eq(result_set_text(&error->class, "no-descriptors"), 0);
	ck_assert_int_eq(result_set_text(&error->phase, "generator"), 0);
}

static void make(const struct made *m, struct result *r)
{
	result_init(r);
	r->is = r->run.is = r->headline.is = r->window.is = r->generator.is = RESULT_IS_THERE;
	r->window.start_ns = 0;
	r->window.end_ns = WINDOW_S * NSEC_PER_SEC;
	r->run.exit_code = 0;
	r->plan =
		json_pack("{s:{s:I}}", "effective", "request_timeout_ns", (json_int_t)NSEC_PER_SEC);
	if (!m->is_closed)
		r->offered.is = RESULT_IS_THERE;
	put_counts(m, r);
	put_latencies(m, &r->latency);
	if (m->has_intervals)
		put_intervals(r);
	ck_assert_int_eq(result_set_text(&r->run.outcome, "completed"), 0);
	ck_assert_int_eq(result_set_text(&r->headline.result, "ok"), 0);
	ck_assert_int_eq(
		result_set_text(&r->headline.limited_by, m->limited_by ? m->limited_by : "plan"),
		0);
	ck_assert_int_eq(result_set_text(&r->generator.verdict, m->verdict ? m->verdict : "ok"), 0);
	ck_assert_int_eq(
		result_set_text(&r->steadiness.word, m->steadiness ? m->steadiness : "steady"), 0);
}

static void add(struct result *r, const char *text)
{
	struct err err = {0};
	struct rule rule;

	ck_assert_msg(rule_parse(text, &rule, &err) == 0, "%s", err.text);
	ck_assert_int_eq(result_rules_add(r, &rule, RESULT_RULE_REQUIRE), 0);
}

static const struct result_threshold *row_of(const struct result *r, size_t i)
{
	return (const struct result_threshold *)r->thresholds.rows + i;
}

/* ---------------------------------------------------------------- one rule */

#define UNKNOWN NAN
static const struct made healthy = {.fast = 1000};
static const struct made slow = {.fast = 900, .slow = 100};
static const struct made late = {.fast = 900, .slow = 100, .is_ours = true, .late_ns = 90 * MS};
static const struct made errors = {.fast = 9815, .errors_503 = 185};
static const struct made hangs = {.fast = 980, .timeouts = 20};
static const struct made late_hangs = {.fast = 980, .timeouts = 20, .late_ns = 950 * MS};
static const struct made refused = {.fast = 900, .refused_here = 100};
static const struct made few = {.fast = 100};
static const struct made few_slow = {.fast = 1, .slow = 99};
static const struct made one = {.slow = 1};
static const struct made nothing = {.fast = 0};
static const struct made none_ok = {.errors_503 = 1000};
static const struct made closed = {.fast = 1000, .is_closed = true, .limited_by = "server"};
static const struct made ceiling = {.fast = 1000, .is_closed = true, .limited_by = "generator"};
static const struct made unsteady = {.fast = 1000, .steadiness = "unsteady"};
static const struct made staged = {.fast = 1000, .steadiness = "staged"};
static const struct made unknown = {.fast = 1000, .limited_by = "unknown"};
static const struct made across = {.fast = 989, .slow = 11, .has_intervals = true};

static const struct {
	const struct made *of;
	const char *rule, *result;
	double value; /* in the unit of the rule, times in ms; UNKNOWN: null */
	const char *because;
} cases[] = {
	{&healthy, "p99 < 50ms", "pass", 10, NULL},
	{&healthy, "p99 < 5ms", "fail", 10, NULL},
	{&healthy, "p99 > 5ms", "pass", 10, NULL},
	{&healthy, "max < 11ms", "pass", 10, NULL},
	{&healthy, "mean < 11ms", "pass", 10, NULL},
	{&healthy, "min > 11ms", "fail", 10, NULL},
	{&healthy, "response p50 <= 11ms", "pass", 10, NULL},
	{&healthy, "service p50 <= 11ms", "pass", 10, NULL},
	{&slow, "p90 < 50ms", "pass", 10, NULL},
	{&slow, "p99 < 50ms", "fail", 100, NULL},
	{&slow, "mean < 15ms", "fail", 19, NULL},
	/* slow only because of the generator */
	{&late, "p99 < 50ms", "undecided", 100, "without the generator's share 10.0 ms"},
	{&late, "p99 < 200ms", "pass", 100, NULL},
	{&late, "p99 < 5ms", "fail", 100, NULL},
	{&late, "max < 50ms", "undecided", 100, NULL},
	{&late, "mean < 15ms", "undecided", 19, NULL},
	{&late, "p99 > 50ms", "undecided", 100, NULL},
	{&late, "service p99 < 50ms", "pass", 10, NULL},
	{&late, "generator-delay max < 50ms", "fail", 90, NULL},
	/* arrivals without a good answer are the slowest of all planned */
	{&errors, "p99 < 50ms", "fail", UNKNOWN, NULL},
	{&errors, "p99 > 5ms", "fail", UNKNOWN, NULL},
	{&errors, "p98 < 50ms", "pass", 10, NULL},
	{&errors, "p99 of ok < 50ms", "pass", 10, NULL},
	{&errors, "max < 50ms", "fail", UNKNOWN, NULL},
	{&errors, "max of ok < 50ms", "pass", 10, NULL},
	{&errors, "errors < 1%", "fail", 0.0185, NULL},
	{&errors, "failed < 2%", "pass", 0.0185, NULL},
	{&errors, "errors <= 185", "pass", 185, NULL},
	{&errors, "errors < 185", "fail", 185, NULL},
	{&errors, "status 503 < 1%", "fail", 0.0185, NULL},
	{&errors, "status 5xx < 2%", "pass", 0.0185, NULL},
	{&errors, "status 404 <= 0", "pass", 0, NULL},
	{&errors, "timeouts <= 0", "pass", 0, NULL},
	/* 20 of 1,000 hang: the timeout of 1 s is what they took at least */
	{&hangs, "p99 < 50ms", "fail", UNKNOWN, NULL},
	{&hangs, "errors < 1%", "fail", 0.02, NULL},
	{&hangs, "timeouts < 1%", "fail", 0.02, NULL},
	/* the generator was late by nearly the whole timeout */
	{&late_hangs, "p99 < 60ms", "undecided", UNKNOWN, NULL},
	{&late_hangs, "p99 < 40ms", "fail", UNKNOWN, NULL},
	{&late_hangs, "errors < 1%", "undecided", 0.02, "without the generator's share 0 %"},
	{&late_hangs, "timeouts < 1%", "undecided", 0.02, NULL},
	/* this machine refused descriptors */
	{&refused, "errors < 1%", "undecided", 0.1, NULL},
	{&refused, "p99 < 50ms", "undecided", UNKNOWN, NULL},
	{&refused, "rate > 95/s", "undecided", 90, "without the generator's share 100/s"},
	{&refused, "rate > 101/s", "fail", 90, NULL},
	{&refused, "rate > 80/s", "pass", 90, NULL},
	{&healthy, "rate >= 100/s", "pass", 100, NULL},
	{&healthy, "sent >= 100/s", "pass", 100, NULL},
	{&hangs, "completed > 99/s", "fail", 98, NULL},
	/* too few, unless far too many are beyond the limit */
	{&few, "p99 < 50ms", "undecided", 10, "100 requests, and p99 takes 299"},
	{&few, "p95 < 50ms", "pass", 10, NULL},
	{&few, "p99 < 5ms", "fail", 10, NULL},
	{&few_slow, "p99 < 50ms", "fail", 100, NULL},
	{&one, "p99 < 50ms", "undecided", 100, "1 request, and p99 takes 299"},
	{&one, "max < 50ms", "fail", 100, NULL},
	{&nothing, "p99 < 50ms", "undecided", UNKNOWN, "there was no request"},
	{&nothing, "errors < 1%", "undecided", UNKNOWN, "there was no request"},
	{&nothing, "rate > 1/s", "undecided", 0, "there was no request"},
	{&none_ok, "p99 < 50ms", "fail", UNKNOWN, NULL},
	{&none_ok, "mean < 50ms", "fail", UNKNOWN, NULL},
	{&none_ok, "errors < 1%", "fail", 1, NULL},
	/* the closed model */
	{&closed, "p99 < 50ms", "pass", 10, NULL},
	{&closed, "rate > 90/s", "pass", 100, NULL},
	{&closed, "rate > 900/s", "fail", 100, NULL},
	{&ceiling, "rate > 900/s", "undecided", 100, "the generator was the limit"},
	{&ceiling, "rate > 90/s", "pass", 100, NULL},
	{&closed, "response p99 < 1s", "undecided", UNKNOWN, "the result has no response times"},
	{&closed, "tls p99 < 1s", "undecided", UNKNOWN, "the result has no tls times"},
	/* words */
	{&healthy, "generator-limited", "pass", UNKNOWN, NULL},
	{&ceiling, "generator-limited", "fail", UNKNOWN, NULL},
	{&unknown, "generator-limited", "undecided", UNKNOWN, "what limited the run is not known"},
	{&healthy, "connection-limited", "pass", UNKNOWN, NULL},
	{&healthy, "unsteady", "pass", UNKNOWN, NULL},
	{&unsteady, "unsteady", "fail", UNKNOWN, NULL},
	{&staged, "unsteady", "undecided", UNKNOWN, "whether the run was steady is not known"},
	/* what is not there */
	{&healthy, "request buy: p99 < 1s", "undecided", UNKNOWN, "no request buy was made"},
	{&healthy, "stage 2: p99 < 1s", "undecided", UNKNOWN, "stage 2 did not begin"},
	{&healthy, "stage 1: p99 < 50ms", "pass", 10, NULL},
	/* the interval goes across the limit: the value decides */
	{&across, "p99 < 50ms", "fail", 100, NULL},
	{&across, "p50 < 10ms", "fail", 10, NULL},
};

static void assert_value(const struct result_threshold *row, double want)
{
	double scale = strcmp(result_words(row->unit), "ns") == 0 ? 1.0 / MS : 1;

	if (isnan(want))
		ck_assert(!result_is_real(row->value));
	else
		ck_assert_msg(fabs(row->value * scale - want) <= 0.001 * fabs(want), "%g, not %g",
			row->value * scale, want);
}

START_TEST(judged_by_the_table)
{
	const struct result_threshold *row;
	struct result r;

	make(cases[_i].of, &r);
	add(&r, cases[_i].rule);
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	ck_assert_uint_eq(r.thresholds.n, 1);
	row = row_of(&r, 0);
	ck_assert_str_eq(row->rule, cases[_i].rule);
	ck_assert_msg(strcmp(row->result, cases[_i].result) == 0, "%s: %s, not %s (%s)", row->rule,
		row->result, cases[_i].result, result_words(row->because));
	assert_value(row, cases[_i].value);
	if (cases[_i].because)
		ck_assert_str_eq(result_words(row->because), cases[_i].because);
	else if (strcmp(row->result, "undecided") != 0)
		ck_assert_str_eq(result_words(row->because), "");
	else
		ck_assert_str_ne(result_words(row->because), "");
	result_fini(&r);
}
END_TEST

START_TEST(a_rule_is_a_row)
{
	const struct result_threshold *row;
	struct result r;

	make(&across, &r);
	add(&r, "p99 < 50ms");
	add(&r, "request buy: errors < 0.1%");
	add(&r, "stage 2: rate > 9/s");
	add(&r, "unsteady");
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	row = row_of(&r, 0);
	ck_assert_str_eq(row->kind, "require");
	ck_assert_str_eq(row->metric, "p99");
	ck_assert_str_eq(row->op, "<");
	ck_assert_str_eq(row->unit, "ns");
	ck_assert_str_eq(row->scope, "run");
	ck_assert_str_eq(row->of, "planned");
	ck_assert_double_eq(row->limit, 50 * MS);
	ck_assert_double_eq(row->low, 40 * MS);
	ck_assert_double_eq(row->high, 60 * MS);
	row = row_of(&r, 1);
	ck_assert_str_eq(row->scope, "request");
	ck_assert_str_eq(row->request, "buy");
	ck_assert_str_eq(row->unit, "share");
	ck_assert_int_eq(row_of(&r, 2)->stage, 2);
	ck_assert_str_eq(row_of(&r, 2)->unit, "/s");
	ck_assert_ptr_null(row_of(&r, 3)->op);
	ck_assert(row_of(&r, 3)->limit == RESULT_REAL_ABSENT);
	result_fini(&r);
}
END_TEST

/* Connections that are kept become no more in a longer run. */
START_TEST(few_connections_are_no_requests)
{
	struct histogram connects;
	struct result r;

	make(&healthy, &r);
	ck_assert_int_eq(histogram_init(&connects, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	put(&r.latency, "tls", &connects);
	record(&connects, MS, 2);
	put(&r.latency, "connect", &connects);
	histogram_fini(&connects);
	add(&r, "connect p50 < 50ms");
	add(&r, "tls p50 < 50ms");
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	ck_assert_str_eq(row_of(&r, 0)->because, "2 connections, and connect p50 takes 5");
	ck_assert_str_eq(
		row_of(&r, 0)->try, "more connections: --no-keepalive opens one for each request");
	ck_assert_str_eq(row_of(&r, 1)->because, "there was no handshake");
	result_fini(&r);
}
END_TEST

START_TEST(a_share_has_an_interval)
{
	const struct result_threshold *row;
	struct result_row *interval;
	double low;
	struct result r;

	make(&errors, &r);
	add(&r, "errors < 1%");
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	row = row_of(&r, 0);
	ck_assert_double_eq_tol(row->low, 0.01604, 1e-4);
	ck_assert_double_eq_tol(row->high, 0.02134, 1e-4);
	low = row->low;
	/* All errors in one of ten intervals: they do not come independently. */
	for (int i = 0; i < 10; i++) {
		interval = result_list_add(&result_row_table, &r.intervals.rows, NULL);
		interval->planned = 1000;
		interval->ok = i == 3 ? 815 : 1000;
	}
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	row = row_of(&r, 0);
	ck_assert_double_lt(row->low, low / 2);
	result_fini(&r);
}
END_TEST

START_TEST(a_ledger_that_does_not_balance_decides_nothing)
{
	struct result r;

	make(&healthy, &r);
	r.ledger.balanced = RESULT_NO;
	add(&r, "p99 < 50ms");
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	ck_assert_str_eq(row_of(&r, 0)->result, "undecided");
	ck_assert_str_eq(row_of(&r, 0)->because, "the ledger does not balance");
	result_fini(&r);
}
END_TEST

START_TEST(a_run_that_did_not_begin_decides_nothing)
{
	struct result r;

	make(&nothing, &r);
	r.window.is = RESULT_IS_NULL;
	add(&r, "errors < 1%");
	add(&r, "unsteady");
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	ck_assert_str_eq(row_of(&r, 0)->because, "the run did not begin");
	ck_assert_str_eq(row_of(&r, 1)->because, "the run did not begin");
	result_fini(&r);
}
END_TEST

/* ---------------------------------------------------------------- requests and stages */

static void put_request(struct result *r, const char *name, uint64_t fast, uint64_t slow_ones)
{
	struct result_request *q = result_list_add(&result_request_table, &r->requests, name);
	struct ledger l = {.planned = fast + slow_ones, .sent = fast + slow_ones};
	struct histogram h;

	l.classes[LEDGER_OK] = l.planned;
	result_fill_ledger(&l, &q->ledger);
	q->rates.is = RESULT_IS_THERE;
	q->rates.ok_per_s = (double)l.planned / WINDOW_S;
	ck_assert_int_eq(histogram_init(&h, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	record(&h, 10 * MS, fast);
	record(&h, 100 * MS, slow_ones);
	put(&q->latency, "response", &h);
	histogram_fini(&h);
}

/* They take as long as their responses. */
static void put_service(struct result *r, size_t request, uint64_t slow_ones)
{
	struct result_request *q = (struct result_request *)r->requests.rows + request;
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	record(&h, 100 * MS, slow_ones);
	put(&q->latency, "service", &h);
	histogram_fini(&h);
}

START_TEST(requests_are_judged_apart)
{
	static const struct {
		const struct made *of;
		const char *rule, *result;
	} rows[] = {
		{&slow, "request buy: p99 < 50ms", "fail"},
		{&slow, "request browse: p99 < 50ms", "pass"},
		{&slow, "request buy: rate > 30/s", "pass"},
		{&slow, "request buy: errors < 1%", "pass"},
		{&slow, "request buy: service p99 < 50ms", "undecided"},
		{&slow, "request slow: service p99 < 50ms", "fail"},
		/* What the generator added to the run's p99 is taken off, but its service times
		 * are the server's. */
		{&late, "request buy: p99 < 50ms", "undecided"},
		{&late, "request buy: p99 < 5ms", "fail"},
		{&late, "request slow: p99 < 50ms", "fail"},
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		struct result r;

		make(rows[i].of, &r);
		put_request(&r, "browse", 600, 0);
		put_request(&r, "buy", 300, 100);
		put_request(&r, "slow", 0, 400);
		put_service(&r, 2, 400);
		add(&r, rows[i].rule);
		ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
		ck_assert_msg(strcmp(row_of(&r, 0)->result, rows[i].result) == 0, "%s: %s",
			rows[i].rule, row_of(&r, 0)->result);
		result_fini(&r);
	}
}
END_TEST

START_TEST(what_a_result_does_not_have_is_refused)
{
	static const struct {
		const struct made *of;
		const char *rule, *refusal; /* NULL: it is fine */
	} rows[] = {
		{&healthy, "p99 < 50ms", NULL},
		{&healthy, "response p99 < 50ms", NULL},
		{&closed, "p99 < 50ms", NULL},
		{&closed, "response p99 < 50ms", "use service"},
		{&healthy, "request buy: p99 < 50ms", "no request buy was made"},
		{&healthy, "stage 3: p99 < 50ms", "stage 3 did not begin"},
		{&healthy, "p99 < 50ms over 10s", "over and after are of abort-if"},
		{&healthy, "p99 < 50ms after 10s", "over and after are of abort-if"},
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		struct err err = {0};
		struct rule rule;
		struct result r;

		make(rows[i].of, &r);
		ck_assert_int_eq(rule_parse(rows[i].rule, &rule, &err), 0);
		ck_assert_int_eq(
			result_rules_check(&r, &rule, &err), rows[i].refusal ? -EINVAL : 0);
		if (rows[i].refusal)
			ck_assert_msg(strstr(err.text, rows[i].refusal) != NULL, "%s", err.text);
		result_fini(&r);
	}
}
END_TEST

/* ---------------------------------------------------------------- the run */

static const struct {
	const char *outcome, *headline;
	int exit_code;
	const char *rules[2];
	const char *undecided;
	const char *want_headline;
	int want_exit;
} runs[] = {
	{"completed", "ok", 0, {"p99 < 50ms", NULL}, NULL, "pass", 0},
	{"completed", "overload", 0, {"p99 < 50ms", NULL}, NULL, "pass", 0},
	{"completed", "ok", 0, {"p99 < 5ms", "p99 < 50ms"}, NULL, "fail", EXIT_RULE_FAILED},
	{"completed", "ok", 0, {"p99.999 < 50ms", NULL}, NULL, "undecided", EXIT_UNDECIDED},
	{"completed", "ok", 0, {"p99.999 < 50ms", NULL}, "fail", "undecided", EXIT_RULE_FAILED},
	{"completed", "ok", 0, {"p99.999 < 50ms", NULL}, "pass", "undecided", 0},
	{"completed", "ok", 0, {"p99.999 < 50ms", "p99 < 5ms"}, "pass", "fail", EXIT_RULE_FAILED},
	{"completed", "ok", 0, {NULL, NULL}, "fail", "ok", 0},
	/* judged before, by other rules */
	{"completed", "pass", 0, {"p99 < 5ms", NULL}, NULL, "fail", EXIT_RULE_FAILED},
	{"completed", "undecided", EXIT_UNDECIDED, {"p99 < 50ms", NULL}, NULL, "pass", 0},
	/* the plan was not carried out, and yet the server is too slow */
	{"completed", "void", EXIT_UNDECIDED, {"p99 < 50ms", NULL}, NULL, "void", EXIT_UNDECIDED},
	{"completed", "void", EXIT_UNDECIDED, {"p99 < 5ms", NULL}, NULL, "fail", EXIT_RULE_FAILED},
	/* what comes before rules */
	{"completed", "failed", EXIT_RUN_FAILED, {"p99 < 5ms", NULL}, NULL, "failed",
		EXIT_RUN_FAILED},
	{"failed", "failed", EXIT_REFUSED, {"p99 < 5ms", NULL}, NULL, "failed", EXIT_REFUSED},
	{"stopped", "ok", EXIT_STOPPED, {"p99 < 5ms", NULL}, NULL, "ok", EXIT_STOPPED},
	{"aborted", "void", EXIT_RUN_ABORTED, {"p99 < 5ms", NULL}, NULL, "void", EXIT_RUN_ABORTED},
};

START_TEST(a_run_is_worth_its_worst_rule)
{
	struct result r;

	make(&healthy, &r);
	ck_assert_int_eq(result_set_text(&r.run.outcome, runs[_i].outcome), 0);
	ck_assert_int_eq(result_set_text(&r.headline.result, runs[_i].headline), 0);
	r.run.exit_code = runs[_i].exit_code;
	for (size_t i = 0; i < 2 && runs[_i].rules[i]; i++)
		add(&r, runs[_i].rules[i]);
	ck_assert_int_eq(result_rules_judge(&r, runs[_i].undecided), 0);
	ck_assert_str_eq(r.headline.result, runs[_i].want_headline);
	ck_assert_int_eq(r.run.exit_code, runs[_i].want_exit);
	/* Twice makes no difference. */
	ck_assert_int_eq(result_rules_judge(&r, runs[_i].undecided), 0);
	ck_assert_str_eq(r.headline.result, runs[_i].want_headline);
	ck_assert_int_eq(r.run.exit_code, runs[_i].want_exit);
	result_fini(&r);
}
END_TEST

START_TEST(the_plan_says_what_undecided_means)
{
	struct result r;

	make(&healthy, &r);
	ck_assert_int_eq(json_object_set_new(json_object_get(r.plan, "effective"), "undecided",
				 json_string("pass")),
		0);
	add(&r, "p99.999 < 50ms");
	ck_assert_int_eq(result_rules_judge(&r, NULL), 0);
	ck_assert_int_eq(r.run.exit_code, 0);
	ck_assert_int_eq(result_rules_judge(&r, "fail"), 0);
	ck_assert_int_eq(r.run.exit_code, EXIT_RULE_FAILED);
	result_fini(&r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("result_rules");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, judged_by_the_table, 0, LEN(cases));
	tcase_add_test(tc, few_connections_are_no_requests);
	tcase_add_test(tc, a_rule_is_a_row);
	tcase_add_test(tc, a_share_has_an_interval);
	tcase_add_test(tc, a_ledger_that_does_not_balance_decides_nothing);
	tcase_add_test(tc, a_run_that_did_not_begin_decides_nothing);
	tcase_add_test(tc, requests_are_judged_apart);
	tcase_add_test(tc, what_a_result_does_not_have_is_refused);
	tcase_add_loop_test(tc, a_run_is_worth_its_worst_rule, 0, LEN(runs));
	tcase_add_test(tc, the_plan_says_what_undecided_means);
	suite_add_tcase(suite, tc);
	return suite_main(suite);
}
