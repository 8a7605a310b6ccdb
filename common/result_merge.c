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

struct result_merge_label result_merge_label(const json_t *doc)
{
	const char *host = result_text(doc, "generator.host.name");
	struct result_merge_label label = {0};

	if (!result_at(doc, "parts"))
		(void)snprintf(label.text, sizeof(label.text), "%.64s%s%.64s", host,
			*host ? "/" : "", result_text(doc, "run.id"));
	return label;
}

/* ---------------------------------------------------------------- how they ended */

static int result_merge_rank(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(words[i], word))
			return (int)i;
	return (int)n;
}

static int result_merge_badness(const json_t *doc)
{
	static const char *const words[] = {
		"completed", "stopped", "aborted", "interrupted", "failed"};

	return result_merge_rank(
		words, sizeof(words) / sizeof(*words), result_text(doc, "run.outcome"));
}

/* The part that ended worst: the sum is a whole load only if all came to their end. */
static const json_t *result_merge_worst(const struct result_merge *m)
{
	const json_t *worst = m->parts[0].doc;

	for (size_t i = 1; i < m->n; i++)
		if (result_merge_badness(m->parts[i].doc) > result_merge_badness(worst))
			worst = m->parts[i].doc;
	return worst;
}

json_t *result_merge_of_part(const json_t *doc, const char *path)
{
	struct result_merge_label label = result_merge_label(doc);
	const char *text = result_text(doc, path);
	char full[512];

	(void)snprintf(full, sizeof(full), "%s%s%s", *text ? label.text : "",
		*text && *label.text ? ": " : "", text);
	return json_text(full);
}

static json_t *result_merge_ms(int64_t ns)
{
	return ns == QUANTILE_NONE ? json_null() : json_real((double)ns / 1e6);
}

static json_t *result_merge_real(double value)
{
	return result_is_real(value) ? json_real(value) : json_null();
}

static json_t *result_merge_int(int64_t n)
{
	return result_is_known(n) ? json_integer(n) : json_null();
}

/* Its words are the audit's. */
static json_t *result_merge_headline(const struct result_merge *m)
{
	json_t *missing = result_merge_missing(m);
	json_t *headline = json_pack("{s:o s:o s:f s:o s:o}", "planned_per_s",
		result_merge_real(m->sum.headline.planned_per_s), "ok_per_s",
		result_merge_real(m->sum.headline.ok_per_s), "failed_share",
		ledger_failed_share(&m->ledger), "p50_ms",
		result_merge_ms(quantile_offered(&m->main, m->ledger.planned, 0.5)), "p99_ms",
		result_merge_ms(quantile_offered(&m->main, m->ledger.planned, 0.99)));

	return missing ? result_merge_with(headline, "missing", missing) : headline;
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
	return m->is_repeats || most == RESULT_NULL
		       ? result_merge_int(most)
		       : json_integer(result_merge_sum(&effective, name));
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
static json_t *result_merge_window(struct result_merge *m)
{
	struct result_merge_view windows = result_merge_at(&m->docs, "window");
	json_t *window = NULL;
	int64_t start = 0, end = 0, most = 0, least = INT64_MAX;

	for (size_t i = 0; i < m->n; i++) {
		struct result_merge_length its = result_merge_length(m->docs.at[i]);

		if (!json_is_object(windows.at[i]))
			continue;
		if (!window) {
			window = json_deep_copy(windows.at[i]);
			start = its.start_ns;
		}
		least = its.mean_ns < least ? its.mean_ns : least;
		most = its.mean_ns > most ? its.mean_ns : most;
		if (m->is_repeats)
			end = start + m->turns_ns[i] + its.ns;
		else if (its.start_ns + its.ns > end)
			end = its.start_ns + its.ns;
	}
	if (!window)
		return json_null();
	if (least < most - most / 100)
		result_merge_note(m, NOTE_MERGE_WINDOW, "",
			m->is_repeats ? "the windows of the repetitions are not equally long: each "
					"counts alike in mean rates"
				      : "the windows of the parts are not equally long: rates are "
					"added as if they were");
	(void)json_object_set_new(window, "end_ns", json_integer(end));
	(void)json_object_set_new(window, "drain_ns", result_merge_int(m->sum.window.drain_ns));
	if (m->is_repeats)
		(void)json_object_set_new(
			window, "paused_ns", result_merge_int(m->sum.window.paused_ns));
	return window;
}

/* Each rule as the part sees it where it is worst. */
static json_t *result_merge_thresholds(const struct result_merge *m)
{
	static const char *const words[] = {"pass", "undecided", "fail"};
	json_t *rules = json_deep_copy(result_at(m->docs.at[0], "thresholds"));

	for (size_t i = 1; i < m->n; i++) {
		const json_t *from = result_at(m->docs.at[i], "thresholds");

		for (size_t k = 0; k < json_array_size(rules); k++) {
			const json_t *there = json_array_get(from, k);

			if (result_merge_rank(words, 3, result_text(there, "result")) >
					result_merge_rank(words, 3,
						result_text(json_array_get(rules, k), "result")) &&
				json_is_object(there))
				(void)json_array_set_new(rules, k, json_deep_copy(there));
		}
	}
	return rules ? rules : json_array();
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

/* The members after each other, since some need those before. */
static json_t *result_merge_build(struct result_merge *m)
{
	const json_t *worst = result_merge_worst(m);
	json_t *doc, *latency;

	result_init(&m->sum);
	if (result_add(&m->sum, m->results, m->n, m->is_repeats) < 0)
		return NULL;
	m->sum.rates.is = RESULT_IS_THERE;
	m->ledger = result_counts(&m->sum.ledger);
	if (m->is_repeats)
		result_merge_take_turns(m);
	else if (result_merge_read_batches(m) < 0)
		return NULL;
	latency = result_merge_latencies(m);
	if (!latency)
		return NULL;
	doc = json_pack("{s:s}", "schema", RESULT_SCHEMA);
	doc = result_merge_with(doc, "run", result_merge_run(m, worst));
	doc = result_merge_with(doc, "headline", result_merge_headline(m));
	doc = result_merge_with(doc, "plan", result_merge_plan(m));
	doc = result_merge_with(doc, "window", result_merge_window(m));
	doc = result_merge_with(doc, "thresholds", result_merge_thresholds(m));
	doc = result_merge_with(doc, "ledger", result_ledger(&m->ledger));
	doc = result_merge_with(doc, "outside", result_merge_outside(m));
	doc = result_merge_with(
		doc, "rates", result_table_write(&result_rates_table, &m->sum.rates));
	doc = result_merge_with(doc, "latency", latency);
	if (doc && str_eq(m->main_key, "response"))
		doc = result_merge_with(
			doc, "offered", result_offered(&m->main, m->ledger.planned));
	doc = result_merge_with(doc, "errors", result_merge_errors(m));
	doc = result_merge_with(doc, "statuses", result_merge_statuses(m));
	doc = result_merge_with(doc, "redirects", result_merge_redirects(m));
	doc = result_merge_with(doc, "requests", result_merge_requests(m));
	doc = result_merge_with(doc, "connections", result_merge_connections(m));
	doc = result_merge_over_time(m, doc);
	result_merge_judge_runs(m);
	doc = result_merge_with(doc, "steadiness", result_merge_steadiness(m));
	doc = result_merge_with(doc, "events", result_merge_events(m));
	doc = result_merge_with(doc, "slowest", result_merge_slowest(m));
	doc = result_merge_with(doc, "parts", json_incref(m->runs));
	if (doc && m->is_repeats)
		doc = result_merge_with(doc, "repeats", result_merge_repeats(m));
	return doc;
}

/* Steals the document; the sum of what it says and of what its generators say is judged as a run
 * is. */
static json_t *result_merge_judged(struct result_merge *m, json_t *doc)
{
	struct result all;
	struct err err = {0};
	json_t *ret = NULL;
	int r = result_read(doc, &all, &err);

	json_decref(doc);
	if (r == RESULT_E_TOO_MANY)
		result_merge_refuse(m, "the sum would have %s", err.text);
	else if (r == 0 && result_merge_judge(m, &all) == 0)
		ret = result_write(&all);
	result_fini(&all);
	return ret;
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
	json_decref(m->runs);
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
	for (size_t i = 0; i < n; i++) {
		m.docs.at[i] = parts[i].doc;
		if (result_at(parts[i].doc, "latency.response"))
			m.main_key = "response";
		m.n_repeats += result_merge_n_repeats(parts[i].doc);
	}
	m.results = memory_calloc(n, sizeof(*m.results));
	if (m.results && result_merge_check(&m) == 0)
		doc = result_merge_build(&m);
	if (doc)
		doc = result_merge_judged(&m, doc);
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
