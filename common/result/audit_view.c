/* SPDX-License-Identifier: Apache-2.0 */
/* A result as the rules ask of it. A result may come from anywhere: what is missing in it is
 * unknown, and a text in it is as long as it likes. Pure; any thread. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json_path.h"
#include "common/result/audit_internal.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/str.h"

/* That of a word that is not known is the first one. */
static unsigned audit_find_word(const char *const *words, unsigned n, const char *word)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(words[i], word))
			return i;
	return 0;
}

static enum fault audit_find_fault(const char *name)
{
	unsigned f = FAULT_COUNT;

	while (--f > FAULT_NONE && !str_eq(fault_table[f].name, name))
		;
	return (enum fault)f;
}

static const struct result_latency *audit_find_latency(const struct result *r, const char *name)
{
	static const struct result_latency none = {
		.count = RESULT_ABSENT,
		.mean_ns = RESULT_ABSENT,
		.min_ns = RESULT_ABSENT,
		.p50_ns = RESULT_ABSENT,
		.p90_ns = RESULT_ABSENT,
		.p99_ns = RESULT_ABSENT,
		.p99_9_ns = RESULT_ABSENT,
	};
	const struct result_latency *found = result_find_latency(r, name);

	return found ? found : &none;
}

/* ---------------------------------------------------------------- the plan */

/* "unix:/PATH" or "unix:/PATH:/REQUEST". */
static void audit_read_unix(const char *text, struct audit_view *v)
{
	static const char unix_scheme[] = "unix:";

	if (!str_starts(text, unix_scheme))
		return;
	text += strlen(unix_scheme);
	(void)snprintf(v->plan.unix_path, sizeof(v->plan.unix_path), "%.*s",
		(int)strcspn(text, ":"), text);
}

static void audit_read_plan(struct audit_view *v)
{
	const json_t *plan = v->r->plan;
	const char *connect_to = json_path_text(plan, "effective.connect_to");
	const char *addresses = json_path_text(plan, "effective.addresses");
	bool verifies = true;
	int64_t max_age_ns = 0, n_slices = 1;

	v->plan.url = json_path_text(plan, "target.url");
	v->plan.method = v->r->requests.n > 1 ? "" : json_path_text(plan, "target.method");
	v->plan.certificate_name = json_path_text(plan, "target.tls_info.certificate_name");
	v->plan.requests = json_object_get(plan, "requests");
	v->plan.connect_to = str_starts(connect_to, "unix:") ? "" : connect_to;
	audit_read_unix(*connect_to ? connect_to : v->plan.url, v);
	(void)json_path_bool(plan, "target.tls", &v->plan.is_tls);
	(void)json_path_bool(plan, "target.tls_info.verify", &verifies);
	v->plan.takes_any_certificate = v->plan.is_tls && !verifies;
	(void)json_path_bool(
		plan, "target.tls_info.client_certificate", &v->plan.has_client_certificate);
	v->plan.is_one_family = str_eq(addresses, "v4") || str_eq(addresses, "v6");
	v->plan.spins = str_eq(json_path_text(plan, "effective.pacing"), "spin");
	v->plan.has_no_reuse = str_eq(json_path_text(plan, "effective.reuse"), "no");
	(void)json_path_int(
		plan, "effective.requests_per_connection", &v->plan.requests_per_connection);
	(void)json_path_int(plan, "effective.max_age_ns", &max_age_ns);
	v->plan.ages_connections = max_age_ns > 0;
	v->plan.pipeline = 1;
	(void)json_path_int(plan, "effective.pipeline", &v->plan.pipeline);
	(void)json_path_int(plan, "effective.think_ns", &v->plan.think_ns);
	(void)json_path_int(plan, "effective.request_timeout_ns", &v->plan.request_timeout_ns);
	(void)json_path_int(plan, "slice.of", &n_slices);
	v->plan.n_slices = n_slices > 1 ? (double)n_slices : 1;
}

/* ---------------------------------------------------------------- answers */

/* 304 has the number of a redirect, but says that nothing has changed. */
static bool audit_is_redirect(int status)
{
	return status >= 300 && status < 400 && status != 304;
}

static void audit_count_answers(struct audit_view *v)
{
	const struct result_number *statuses = v->r->statuses.rows;
	int64_t most = 0;

	v->redirect_status = 300;
	for (size_t i = 0; i < v->r->statuses.n; i++) {
		int64_t n = statuses[i].n;
		int status = result_status_of(&statuses[i]);

		if (statuses[i].is != RESULT_IS_THERE || n <= 0)
			continue;
		v->answers += (uint64_t)n;
		if (!audit_is_redirect(status) || v->r->redirects.expected == RESULT_YES)
			continue;
		v->redirects += (uint64_t)n;
		if (n > most) {
			most = n;
			v->redirect_status = (unsigned)status;
		}
	}
}

static double audit_sent(const struct result *r)
{
	const int64_t sent[] = {r->outside.warmup.sent, r->ledger.sent, r->outside.cooldown.sent};
	double all = 0;

	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++)
		if (sent[i] > 0)
			all += (double)sent[i];
	return all;
}

/* ---------------------------------------------------------------- time */

/* Windows of repetitions are put one after the other at multiples of the width of their rows, so
 * their own lengths are found from what they planned at what rate. */
static int64_t audit_window_ns(const struct audit_view *v)
{
	const struct result_window *w = &v->r->window;
	double planned_per_s = v->r->rates.planned_per_s;
	int64_t ns;

	if (w->is != RESULT_IS_THERE || !result_is_known(w->start_ns) ||
		!result_is_known(w->end_ns) || __builtin_sub_overflow(w->end_ns, w->start_ns, &ns))
		return 0;
	if (v->r->repeats.n > 0 && planned_per_s > 0) {
		double all_ns = (double)v->ledger.planned * NSEC_PER_SEC / planned_per_s;

		return all_ns < (double)ns ? (int64_t)all_ns : ns;
	}
	if (result_is_known(w->paused_ns) && w->paused_ns > 0)
		ns -= w->paused_ns;
	return ns > 0 ? ns : 0;
}

/* A row that the window's end cuts is too short to tell, unless it is the only one. */
static double audit_short_share(const struct audit_view *v)
{
	const struct result_intervals *intervals = &v->r->intervals;
	const struct result_row *rows = intervals->rows.rows;
	int64_t start_ns = v->r->window.start_ns, end_ns = v->r->window.end_ns;
	size_t n = 0, n_short = 0;

	if (!v->has_begun || !result_is_known(start_ns) || !result_is_known(end_ns))
		return 0;
	for (size_t i = 0; i < intervals->rows.n; i++) {
		const struct result_row *row = &rows[i];
		bool is_cut =
			row->length_ns > 0 || (double)row->t_ns + (double)intervals->width_ns >
						      (double)end_ns - (double)start_ns;

		if (row->is != RESULT_IS_THERE || (is_cut && intervals->rows.n > 1))
			continue;
		n++;
		/* One arrival of each host may fall across a border, so a row that misses one is
		 * not short. */
		n_short += (double)row->sent + v->n_hosts < 0.99 * (double)row->planned;
	}
	return n > 0 ? (double)n_short / (double)n : 0;
}

/* So many figures, each of as many rows of the window as it takes. */
#define AUDIT_GROUPS_MOST 12
#define AUDIT_GROUPS_LEAST 2
/* This share of all pairs must rise: a trend, and not chance. */
#define AUDIT_RISING 0.9
/* A backlog must be this much of its mean, and so many times what it scatters around a straight
 * line: a queue that only wanders does not go straight. */
#define AUDIT_GROWTH_OF_MEAN 0.5
#define AUDIT_GROWTH_SIGMAS 8

/* How many whole rows the window has. */
static size_t audit_whole_rows(const struct audit_view *v)
{
	const struct result_intervals *intervals = &v->r->intervals;
	const struct result_row *rows = intervals->rows.rows;
	double window_ns = (double)v->r->window.end_ns - (double)v->r->window.start_ns;
	size_t n = 0;

	while (n < intervals->rows.n && rows[n].is == RESULT_IS_THERE && rows[n].length_ns <= 0 &&
		(double)rows[n].t_ns + (double)intervals->width_ns <= window_ns)
		n++;
	return n;
}

static double audit_mean(const double *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum / (double)n;
}

static bool audit_rises(const double *values, size_t n)
{
	unsigned pairs = 0, rising = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++, pairs++)
			rising += values[k] > values[i];
	return pairs > 0 && rising >= AUDIT_RISING * pairs;
}

/* The median and, at its end, the backlog of each group of rows. */
struct audit_course {
	size_t n;
	bool has_medians; /* all of them are known */
	double medians[AUDIT_GROUPS_MOST];
	double backlog[AUDIT_GROUPS_MOST];
};

static void audit_follow(const struct audit_view *v, struct audit_course *ret)
{
	const struct result_row *rows = v->r->intervals.rows.rows;
	size_t n_rows = audit_whole_rows(v);

	*ret = (struct audit_course){
		.n = n_rows < AUDIT_GROUPS_MOST ? n_rows : AUDIT_GROUPS_MOST, .has_medians = true};
	for (size_t i = 0; i < ret->n; i++) {
		size_t from = i * n_rows / ret->n, to = (i + 1) * n_rows / ret->n;

		for (size_t k = from; k < to; k++) {
			ret->has_medians &= rows[k].p50_ns >= 0;
			ret->medians[i] += (double)rows[k].p50_ns / (double)(to - from);
		}
		ret->backlog[i] = audit_backlog_of(&rows[to - 1]);
	}
}

static double audit_rise_ns(const struct audit_course *c)
{
	size_t third = c->n / 3 > 0 ? c->n / 3 : 1;

	if (!c->has_medians || !audit_rises(c->medians, c->n))
		return 0;
	return audit_mean(c->medians + c->n - third, third) - audit_mean(c->medians, third);
}

/* The rise of the straight line through the backlog, over the window; 0: it did not grow all along.
 */
static double audit_growth(const struct audit_course *c)
{
	double n = (double)c->n, mean = audit_mean(c->backlog, c->n);
	double xx = 0, xy = 0, rest = 0, growth;

	if (!audit_rises(c->backlog, c->n))
		return 0;
	for (size_t i = 0; i < c->n; i++) {
		double x = (double)i - (n - 1) / 2;

		xx += x * x;
		xy += x * (c->backlog[i] - mean);
	}
	growth = xy / xx * n;
	for (size_t i = 0; i < c->n; i++) {
		double e = c->backlog[i] - mean - xy / xx * ((double)i - (n - 1) / 2);

		rest += e * e;
	}
	if (growth < AUDIT_GROWTH_LEAST || growth < AUDIT_GROWTH_OF_MEAN * mean ||
		growth < AUDIT_GROWTH_SIGMAS * sqrt(rest / n))
		return 0;
	return growth;
}

static void audit_find_trend(struct audit_view *v)
{
	struct audit_course course;

	if (v->is_sum || !v->has_begun)
		return;
	audit_follow(v, &course);
	if (course.n < AUDIT_GROUPS_LEAST)
		return;
	v->n_medians = course.n;
	v->rise_ns = audit_rise_ns(&course);
	v->growth = audit_growth(&course);
	v->backlog = course.backlog[course.n - 1];
}

/* ---------------------------------------------------------------- what is the server's */

/* Both means are over the same answers, so they may be subtracted. */
static double audit_own_service_ns(const struct audit_view *v)
{
	const struct result_latency *slack = audit_find_latency(v->r, "rx_slack");
	double late_ns = fmax((double)slack->mean_ns, 0);

	if (v->service->mean_ns < 0)
		return -1;
	return fmax((double)v->service->mean_ns - late_ns, 0);
}

/* What is left of a timeout when a request is sent at last may be no more than the server takes:
 * then it was cut short, and hung nowhere. */
#define AUDIT_HANGS 3.0

static void audit_find_holding(struct audit_view *v)
{
	double timeouts = (double)v->ledger.classes[LEDGER_TIMEOUT];
	double share = v->ledger.sent > 0 ? timeouts / (double)v->ledger.sent : 0;
	double whole_ns = (double)v->plan.request_timeout_ns;
	double left_ns = whole_ns - fmax((double)v->connection_wait->p50_ns, 0);
	bool hangs = left_ns > AUDIT_HANGS * (double)v->service->p99_ns;

	v->holds_ns = v->would_hold_ns = v->own_service_ns;
	if (v->own_service_ns < 0 || !hangs)
		return;
	v->holds_ns += share * left_ns;
	v->would_hold_ns += share * whole_ns;
}

static void audit_find_capacity(struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;

	v->asked = v->is_open ? v->r->rates.planned_per_s : 0;
	if (!(v->asked > 0))
		v->asked = v->window_ns > 0
				   ? (double)v->ledger.planned * NSEC_PER_SEC / (double)v->window_ns
				   : 0;
	v->asked_on_average = v->asked;
	if (v->too_much.stage)
		v->asked = v->too_much.asked;
	audit_find_holding(v);
	if (c->limit > 0 && v->holds_ns > 0)
		v->capacity =
			(double)c->limit * (double)v->plan.pipeline * NSEC_PER_SEC / v->holds_ns;
}

bool audit_is_too_short(const struct audit_view *v)
{
	return v->has_begun && v->window_ns < AUDIT_LEAST_NS;
}

bool audit_was_full(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;

	return c->limit > 0 && c->peak >= c->limit && (c->opened <= 0 || c->opened >= c->limit);
}

/* Microseconds grow for many reasons. */
#define AUDIT_GROWN_NS NSEC_PER_MSEC
/* Of fewer connections it cannot be told from an answer that by chance took so much less. */
#define AUDIT_TURNS_LEAST 3
#define AUDIT_TURNS_OFF 0.3
/* Turns are equally long but for the first ones: the median is no less of the p90. */
#define AUDIT_TURNS_ALIKE 0.6

bool audit_is_in_turns(const struct audit_view *v)
{
	const struct result_latency *s = v->service;
	double n = (double)v->r->connections.limit * (double)v->plan.pipeline;
	double times = s->min_ns > 0 ? (double)s->p90_ns / (double)s->min_ns : 0;

	return audit_was_full(v) && n >= AUDIT_TURNS_LEAST &&
	       (double)s->p90_ns - (double)s->min_ns >= AUDIT_GROWN_NS &&
	       times >= (1 - AUDIT_TURNS_OFF) * n && times <= (1 + AUDIT_TURNS_OFF) * n &&
	       (double)s->p50_ns >= AUDIT_TURNS_ALIKE * (double)s->p90_ns;
}

#define AUDIT_GROWN 1.5

bool audit_has_grown(const struct audit_view *v)
{
	return v->service->min_ns > 0 &&
	       (double)v->service->p50_ns - (double)v->service->min_ns >= AUDIT_GROWN_NS &&
	       (double)v->service->p50_ns >= AUDIT_GROWN * (double)v->service->min_ns;
}

/* Times what is on its way on average: a few slow ones among fast ones do not pile up. */
#define AUDIT_PILE 3.0

bool audit_has_piled_up(const struct audit_view *v)
{
	double on_their_way = v->ok_per_s * (double)v->less_ours->mean_ns / NSEC_PER_SEC;

	return v->most_at_once > AUDIT_PILE * on_their_way + 4 * sqrt(on_their_way) + 10;
}

/* So many that the p99 of the wait is theirs. */
#define AUDIT_REOPENED 0.01

bool audit_waits_to_reopen(const struct audit_view *v)
{
	const struct result_connections *c = &v->r->connections;

	return audit_exceeds(c->opened, 2, c->peak) &&
	       (double)c->opened > AUDIT_REOPENED * v->sent &&
	       v->capacity >= AUDIT_ENOUGH * v->asked && !audit_has_piled_up(v);
}

#define AUDIT_WAITS 0.5

bool audit_waits_on_average(const struct audit_view *v)
{
	return v->service->mean_ns > 0 &&
	       (double)v->connection_wait->mean_ns > AUDIT_WAITS * (double)v->service->mean_ns;
}

/* ---------------------------------------------------------------- the whole */

uint64_t audit_fault_count(const struct audit_view *v, enum fault fault)
{
	return v->faults[fault] && v->faults[fault]->count > 0 ? (uint64_t)v->faults[fault]->count
							       : 0;
}

void audit_view_of(const struct result *r, struct audit_view *ret)
{
	const struct result_error *errors = r->errors.rows;
	struct audit_view *v = ret;

	*v = (struct audit_view){
		.r = r,
		.is_open = r->offered.is == RESULT_IS_THERE,
		.has_begun = r->window.is == RESULT_IS_THERE,
		.outcome = audit_find_word(
			audit_outcome_names, AUDIT_OUTCOMES, result_words(r->run.outcome)),
		.failed_by = audit_find_fault(result_words(r->run.failed_by)),
		.ledger = result_counts(&r->ledger),
		.ok_per_s = result_is_real(r->rates.ok_per_s) ? r->rates.ok_per_s : 0,
		.service = audit_find_latency(r, "service"),
		.our_delay = audit_find_latency(r, "our_delay"),
		.connection_wait = audit_find_latency(r, "connection_wait"),
		.sent = audit_sent(r),
		.is_sum = r->parts.n > 0,
		.n_hosts = 1,
	};
	if (v->is_sum)
		v->n_hosts = (unsigned)(r->parts.n / (r->repeats.n > 0 ? r->repeats.n : 1));
	if (v->n_hosts == 0)
		v->n_hosts = 1;
	for (size_t i = 0; i < r->errors.n; i++)
		v->faults[audit_find_fault(result_words(errors[i].class))] = &errors[i];
	v->window_ns = audit_window_ns(v);
	v->short_interval_share = audit_short_share(v);
	audit_find_trend(v);
	v->whole = audit_find_latency(r, v->is_open ? "response" : "service");
	v->less_ours =
		audit_find_latency(r, v->is_open ? "response_less_ours" : "service_less_ours");
	v->own_service_ns = audit_own_service_ns(v);
	v->most_at_once =
		fmax((double)r->connections.peak, 0) + fmax((double)r->connections.queue_peak, 0);
	audit_count_answers(v);
	audit_read_plan(v);
	v->too_much = audit_find_stage(v);
	audit_find_capacity(v);
}
