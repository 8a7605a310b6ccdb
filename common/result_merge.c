/* SPDX-License-Identifier: Apache-2.0 */
/* Merging, from the top: the members of the document in their order. The documents are files that
 * may have come from anywhere: what does not fit together is refused or left out with a note, and
 * nothing in them is trusted to be of its type or size.
 *
 * A member is either added up, found anew from what was added up, or taken from one part: from the
 * one that ended worst where it says how, from the first where the plan says it. What comes of it
 * all is judged by the audit, as a run is. Everything that notes about several parts need is kept
 * in the member parts, so that they can be found anew too when merged documents are merged. */
#include "common/result_merge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/quantile.h"
#include "common/result.h"
#include "common/result/result_add.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

/* ---------------------------------------------------------------- pieces */

struct result_merge_view result_merge_at(const struct result_merge_view *v, const char *path)
{
	struct result_merge_view ret;

	for (size_t i = 0; i < RESULT_MERGE_PARTS_MAX; i++)
		ret.at[i] = v->at[i] ? result_at(v->at[i], path) : NULL;
	return ret;
}

struct result_merge_view result_merge_member(
	const struct result_merge *m, const struct result_merge_view *v, const char *key)
{
	struct result_merge_view ret = {0};

	for (size_t i = 0; i < m->n; i++)
		ret.at[i] = json_object_get(v->at[i], key);
	return ret;
}

json_t *result_merge_keys(const struct result_merge *m, const struct result_merge_view *v)
{
	json_t *keys = json_object();

	for (size_t i = 0; i < m->n; i++) {
		json_t *from = (json_t *)v->at[i]; /* jansson iterates over what it may change */

		for (void *at = json_object_iter(from); at; at = json_object_iter_next(from, at)) {
			if (json_object_set_new(keys, json_object_iter_key(at), json_null()) == 0)
				continue;
			json_decref(keys);
			return NULL;
		}
	}
	return keys;
}

int64_t result_merge_sum(const struct result_merge_view *v, const char *path)
{
	int64_t sum = 0, one;

	for (size_t i = 0; i < RESULT_MERGE_PARTS_MAX; i++) {
		if (v->at[i] && result_int(v->at[i], path, &one) &&
			__builtin_add_overflow(sum, one, &sum))
			sum = one < 0 ? INT64_MIN : INT64_MAX;
	}
	return sum;
}

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

json_t *result_merge_with(json_t *object, const char *key, json_t *value)
{
	if (object && json_object_set_new(object, key, value) == 0)
		return object;
	if (!object)
		json_decref(value);
	json_decref(object);
	return NULL;
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

/* What no part has is not known. */
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
	struct result_merge_view effective = result_merge_at(&m->docs, "plan.effective");
	int64_t most = RESULT_NULL, one;

	for (size_t i = 0; i < m->n; i++)
		if (effective.at[i] && result_int(effective.at[i], name, &one) && one > most)
			most = one;
	if (most == RESULT_NULL)
		return json_null();
	return json_integer(m->is_repeats ? most : result_merge_sum(&effective, name));
}

static json_t *result_merge_plan(const struct result_merge *m)
{
	static const char *const sums[] = {"workers", "connections"};
	json_t *plan = json_deep_copy(result_at(m->docs.at[0], "plan"));
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
		result_merge_note(m, NOTE_MERGE_WINDOW, "",
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

/* Each rule as the part sees it where it is worst. 0 or -ENOMEM. */
static int result_merge_thresholds(struct result_merge *m)
{
	static const char *const words[] = {"pass", "undecided", "fail"};
	const struct result_table *t = result_table_find(&result_table, "thresholds")->table;
	struct result_list *to = &m->sum.thresholds;

	to->is = RESULT_IS_THERE;
	for (size_t k = 0; k < m->results[0].thresholds.n; k++) {
		const struct result_threshold *worst = NULL;
		struct result_threshold *rule;

		for (size_t i = 0; i < m->n; i++) {
			const struct result_list *its = &m->results[i].thresholds;
			const struct result_threshold *there = its->rows;

			if (k < its->n && there[k].is == RESULT_IS_THERE &&
				(!worst ||
					result_merge_rank(words, 3, result_words(there[k].result)) >
						result_merge_rank(
							words, 3, result_words(worst->result))))
				worst = &there[k];
		}
		if (!worst)
			continue;
		rule = result_list_add(t, to, NULL);
		if (!rule || result_table_copy(t, worst, rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* ---------------------------------------------------------------- the document */

static json_t *result_merge_latencies(struct result_merge *m)
{
	struct result_merge_view latencies = result_merge_at(&m->docs, "latency");
	json_t *latency = result_merge_latency(m, &latencies, &m->main);
	json_t *main = json_object_get(latency, m->main_key);
	int r = 0;

	if (main && m->is_repeats)
		r = result_merge_between(m, main);
	else if (main && m->n_batches > 0)
		r = result_merge_confidence(m, main);
	if (r < 0) {
		json_decref(latency);
		return NULL;
	}
	return latency;
}

/* Steals the document and returns it. */
static json_t *result_merge_over_time(struct result_merge *m, json_t *doc)
{
	json_t *batches;

	if (!m->is_repeats) {
		doc = result_merge_with(doc, "intervals", result_merge_intervals(m));
		return doc && m->n_batches > 0
			       ? result_merge_with(doc, "batches", result_merge_batches(m))
			       : doc;
	}
	doc = result_merge_with(doc, "intervals", result_merge_rows_in_turn(m, "intervals"));
	batches = doc ? result_merge_rows_in_turn(m, "batches") : NULL;
	if (!batches || json_array_size(json_object_get(batches, "rows")) > 0)
		return result_merge_with(doc, "batches", batches);
	json_decref(batches);
	return doc;
}

/* What is made as a document: what is in histograms, and rows over time. */
static json_t *result_merge_document(struct result_merge *m)
{
	json_t *latency = result_merge_latencies(m);
	json_t *doc = json_object();

	doc = result_merge_with(doc, "latency", latency);
	if (doc && str_eq(m->main_key, "response"))
		doc = result_merge_with(
			doc, "offered", result_offered(&m->main, m->ledger.planned));
	doc = result_merge_with(doc, "requests", result_merge_requests(m));
	doc = result_merge_over_time(m, doc);
	if (doc && m->is_repeats)
		doc = result_merge_with(doc, "repeats", result_merge_repeats(m));
	return doc;
}

#define RESULT_MERGE_SWAP(a, b)                                                                    \
	do {                                                                                       \
		__typeof__(a) swapped = (a);                                                       \
		(a) = (b);                                                                         \
		(b) = swapped;                                                                     \
	} while (0)

/* 0 or -1. */
static int result_merge_read_document(struct result_merge *m)
{
	struct result *sum = &m->sum, read;
	json_t *doc = result_merge_document(m);
	struct err err = {0};
	int r;

	if (!doc)
		return -1;
	r = result_read(doc, &read, &err);
	json_decref(doc);
	if (r == RESULT_E_TOO_MANY)
		result_merge_refuse(m, "the sum would have %s", err.text);
	if (r == 0) {
		RESULT_MERGE_SWAP(sum->latency, read.latency);
		RESULT_MERGE_SWAP(sum->offered, read.offered);
		RESULT_MERGE_SWAP(sum->requests, read.requests);
		RESULT_MERGE_SWAP(sum->intervals, read.intervals);
		RESULT_MERGE_SWAP(sum->batches, read.batches);
		RESULT_MERGE_SWAP(sum->repeats, read.repeats);
	}
	result_fini(&read);
	return r == 0 ? 0 : -1;
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
	if (result_merge_read_document(m) < 0)
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
		err_set(reterr, "2 to %d results can be merged, not %zu", RESULT_MERGE_PARTS_MAX,
			n);
		return RESULT_MERGE_E_REFUSED;
	}
	for (size_t i = 0; i < n; i++)
		m.docs.at[i] = parts[i].doc;
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
