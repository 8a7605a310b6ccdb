/* SPDX-License-Identifier: Apache-2.0 */
/* Merging, from the top: the members of the document in their order. The documents are files that
 * may have come from anywhere: what does not fit together is refused or left out with a note, and
 * nothing in them is trusted to be of its type or size.
 *
 * A member is either added up, found anew from what was added up, or taken from one part: from the
 * one that ended worst where it says how, from the first where the plan says it. What comes of it
 * all is judged by the audit, as a run is. Everything that notes about several parts need is kept
 * in the member parts, so that they can be found anew too when merged documents are merged. */
#include "common/result/result_merge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/memory.h"
#include "common/stats/quantile.h"
#include "common/json_path.h"
#include "common/result/result_add.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* ---------------------------------------------------------------- pieces */

void result_merge_refuse(struct result_merge *m, const char *format, ...)
{
	char text[sizeof(m->err->text)];
	va_list args;

	/* The first reason is the one to mend. */
	if (m->is_refused)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(m->err, "%s", text);
	m->is_refused = true;
}

void result_merge_note(
	struct result_merge *m, enum note_code which, const char *remedy, const char *format, ...)
{
	const struct result_note *notes = m->notes.rows;
	const char *code = note_table[which].code;
	char text[400];
	va_list args;

	for (size_t i = 0; i < m->notes.n; i++)
		if (str_eq(result_words(notes[i].code), code))
			return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* A failure is seen in memory_failures. */
	(void)result_add_note(&m->notes, code, 0, 0, NULL, text, remedy);
}

int64_t result_merge_plus(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? -INT64_MAX : INT64_MAX;
	return sum;
}

struct result_merge_label result_merge_label(const struct result *r)
{
	const char *host = result_words(r->generator.host.name);
	struct result_merge_label label = {0};

	if (r->parts.is == RESULT_IS_ABSENT)
		(void)snprintf(label.text, sizeof(label.text), "%.64s%s%.64s", host,
			*host ? "/" : "", result_words(r->run.id));
	return label;
}

struct result_merge_text result_merge_of_part(const struct result *r, const char *text)
{
	struct result_merge_label label = result_merge_label(r);
	struct result_merge_text full;

	(void)snprintf(
		full.text, sizeof(full.text), "%s%s%s", label.text, *label.text ? ": " : "", text);
	return full;
}

/* ---------------------------------------------------------------- how they ended */

static size_t result_merge_rank(const char *const *words, size_t n, const char *word)
{
	size_t i = 0;

	while (i < n && !str_eq(words[i], word))
		i++;
	return i;
}

static size_t result_merge_badness(const struct result *r)
{
	static const char *const words[] = {
		"completed", "stopped", "aborted", "interrupted", "failed"};

	return result_merge_rank(
		words, sizeof(words) / sizeof(*words), result_words(r->run.outcome));
}

const struct result *result_merge_worst(const struct result_merge *m)
{
	const struct result *worst = &m->results[0];

	for (size_t i = 1; i < m->n; i++)
		if (result_merge_badness(&m->results[i]) > result_merge_badness(worst))
			worst = &m->results[i];
	return worst;
}

static double result_merge_ms(const struct result_merge *m, double q)
{
	int64_t ns = quantile_offered(&m->main, m->ledger.planned, q);

	return ns == QUANTILE_NONE ? RESULT_REAL_NULL : (double)ns / 1e6;
}

/* A figure that no part has is unknown. */
static double result_merge_known(double value)
{
	return result_is_real(value) ? value : RESULT_REAL_NULL;
}

/* Its words are the audit's. 0 or -ENOMEM. */
static int result_merge_headline(struct result_merge *m)
{
	struct result_headline *h = &m->sum.headline;

	h->is = RESULT_IS_THERE;
	h->planned_per_s = result_merge_known(h->planned_per_s);
	h->ok_per_s = result_merge_known(h->ok_per_s);
	h->failed_share = ledger_failed_share(&m->ledger);
	h->p50_ms = result_merge_ms(m, 0.5);
	h->p99_ms = result_merge_ms(m, 0.99);
	return result_merge_missing(m, &h->missing);
}

/* ---------------------------------------------------------------- the plan and its window */

/* What each run was granted of what they have together; of repetitions the most. */
static json_t *result_merge_granted(const struct result_merge *m, const char *name)
{
	int64_t most = 0, sum = 0, one;
	bool is_known = false;

	for (size_t i = 0; i < m->n; i++) {
		if (!json_path_int(json_path_at(m->results[i].plan, "effective"), name, &one))
			continue;
		most = !is_known || one > most ? one : most;
		sum = result_merge_plus(sum, one);
		is_known = true;
	}
	return is_known ? json_integer(m->is_repeats ? most : sum) : json_null();
}

static json_t *result_merge_plan(const struct result_merge *m)
{
	static const char *const sums[] = {"workers", "connections"};
	json_t *plan = json_deep_copy(m->results[0].plan);
	json_t *to = json_object_get(plan, "effective");

	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		if (json_object_get(to, sums[i]))
			(void)json_object_set_new(to, sums[i], result_merge_granted(m, sums[i]));
	(void)json_object_del(plan, "slice");
	return plan;
}

/* The first that is known, as long as the longest of parts, or as repetitions one after the other:
 * a run that was cut short counts what it did. */
static void result_merge_window(struct result_merge *m)
{
	struct result_window *to = &m->sum.window, *first = NULL;
	int64_t drain_ns = to->drain_ns, paused_ns = to->paused_ns;
	int64_t start = 0, end = 0, most = 0, least = INT64_MAX;

	for (size_t i = 0; i < m->n; i++) {
		struct result_merge_length its = result_merge_length(&m->results[i]);

		if (m->results[i].window.is != RESULT_IS_THERE)
			continue;
		if (!first) {
			first = &m->results[i].window;
			start = its.start_ns;
		}
		least = its.mean_ns < least ? its.mean_ns : least;
		most = its.mean_ns > most ? its.mean_ns : most;
		if (m->is_repeats)
			end = start + m->turns_ns[i] + its.ns;
		else if (its.start_ns + its.ns > end)
			end = its.start_ns + its.ns;
	}
	to->is = RESULT_IS_NULL;
	if (!first)
		return;
	if (least < most - most / 100)
		result_merge_note(m, NOTE_MERGE_WINDOW, RESULT_MERGE_ALIKE,
			m->is_repeats ? "the windows of the repetitions are not equally long: each "
					"counts alike in mean rates"
				      : "the windows of the parts are not equally long: rates are "
					"added as if they were");
	*to = *first;
	to->end_ns = end;
	to->drain_ns = result_is_known(drain_ns) ? drain_ns : RESULT_NULL;
	if (m->is_repeats)
		to->paused_ns = result_is_known(paused_ns) ? paused_ns : RESULT_NULL;
}

/* The row of that rule; NULL: there is none yet. */
static struct result_threshold *result_merge_find_rule(
	const struct result_list *list, const struct result_threshold *like)
{
	struct result_threshold *rows = list->rows;

	for (size_t i = 0; i < list->n; i++)
		if (str_eq(result_words(rows[i].rule), result_words(like->rule)) &&
			str_eq(result_words(rows[i].kind), result_words(like->kind)))
			return &rows[i];
	return NULL;
}

/* Every rule of any part once, to be judged by the sum's own figures. 0 or -ENOMEM. */
static int result_merge_thresholds(struct result_merge *m)
{
	const struct result_table *t = &result_threshold_table;
	struct result_list *to = &m->sum.thresholds;

	to->is = RESULT_IS_THERE;
	for (size_t i = 0; i < m->n; i++) {
		const struct result_threshold *its = m->results[i].thresholds.rows;

		for (size_t k = 0; k < m->results[i].thresholds.n; k++) {
			struct result_threshold *rule;

			if (its[k].is != RESULT_IS_THERE || result_merge_find_rule(to, &its[k]))
				continue;
			rule = result_list_add(t, to, NULL);
			if (!rule || result_table_copy(t, &its[k], rule) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* ---------------------------------------------------------------- the document */

/* How far the percentiles of the main latency may be off. 0 or -1. */
static int result_merge_sureness(struct result_merge *m)
{
	struct result_latency *rows = m->sum.latency.rows;
	size_t i = 0;

	while (i < m->sum.latency.n && !str_eq(rows[i].name, m->main_key))
		i++;
	if (i == m->sum.latency.n)
		return 0;
	if (m->is_repeats)
		return result_merge_between(m, &rows[i]);
	return m->n_batches > 0 ? result_merge_confidence(m, &rows[i]) : 0;
}

/* Latencies, and what is found in histograms or is rows over time. 0 or -1. */
static int result_merge_measured(struct result_merge *m)
{
	if (result_merge_latencies(m) < 0 || result_merge_requests(m) < 0 ||
		result_merge_stages(m) < 0)
		return -1;
	if (m->is_repeats ? result_merge_repeats(m) < 0 || result_merge_rows_in_turn(m) < 0
			  : result_merge_intervals(m) < 0 || result_merge_batches(m) < 0)
		return -1;
	return result_merge_sureness(m);
}

/* The members after each other, since some need those before. 0 or -1. */
static int result_merge_build(struct result_merge *m)
{
	int r = result_add(&m->sum, m->results, m->n, m->is_repeats);

	if (r == 0)
		r = result_merge_count(m);
	if (r < 0)
		return -1;
	if (m->is_repeats)
		result_merge_take_turns(m);
	else if (result_merge_read_batches(m) < 0)
		return -1;
	if (result_merge_measured(m) < 0)
		return -1;
	result_merge_window(m);
	result_merge_judge_runs(m);
	m->sum.plan = result_merge_plan(m);
	r = result_set_text(&m->sum.schema, RESULT_SCHEMA) | result_merge_run(m) |
	    result_merge_headline(m) | result_merge_thresholds(m) | result_merge_steadiness(m) |
	    result_merge_events(m) | result_merge_slowest(m);
	return r == 0 ? result_merge_judge(m) : -1;
}

static void result_merge_fini(struct result_merge *m)
{
	for (size_t i = 0; m->batches && i < RESULT_MERGE_BATCHES_MAX; i++) {
		histogram_fini(&m->batches[i].good);
		histogram_fini(&m->batches[i].our_delay);
	}
	free(m->batches);
	histogram_fini(&m->main);
	for (size_t i = 0; m->results && i < m->n; i++)
		result_fini(&m->results[i]);
	free(m->results);
	result_fini(&m->sum);
	free(m->has_slice);
	result_list_fini(&result_note_table, false, &m->notes);
}

int result_merge(const struct result_merge_part *parts, size_t n, enum result_merge_mode mode,
	json_t **ret, struct err *reterr)
{
	struct result_merge m = {.parts = parts,
		.n = n,
		.err = reterr,
		.main_key = "service",
		.is_repeats = mode == RESULT_MERGE_REPEATS};
	unsigned long n_failures = memory_failures();
	json_t *doc = NULL;
	int r = -ENOMEM;

	if (n < 2 || n > RESULT_MERGE_PARTS_MAX) {
		err_set(reterr,
			"%zu results, and 2 to %d can be merged at once: merge some of them first, "
			"then the sums",
			n, RESULT_MERGE_PARTS_MAX);
		return RESULT_MERGE_E_REFUSED;
	}
	m.results = memory_calloc(n, sizeof(*m.results));
	result_init(&m.sum);
	if (m.results && result_merge_check(&m) == 0 && result_merge_build(&m) == 0)
		doc = result_write(&m.sum);
	if (m.is_refused) {
		r = RESULT_MERGE_E_REFUSED;
		json_decref(doc);
	} else if (memory_failures() != n_failures) {
		json_decref(doc); /* some member may lack what could not be allocated */
	} else if (doc) {
		*ret = doc;
		r = 0;
	}
	result_merge_fini(&m);
	return r;
}
