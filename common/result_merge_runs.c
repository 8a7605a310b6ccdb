/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that tell of its runs: which they were, when, on what machines,
 * and whether they saw the same. Percentiles of a sum hide one sick host among many, so the parts
 * stand beside each other, and where they differ it is said. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/result.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

/* Medians further apart than that are not those of one distribution. */
#define RESULT_MERGE_P50_RATIO 1.5
/* The same for the wait for a connection, where it is worth a look at all: from that share of the
 * response time on. */
#define RESULT_MERGE_WAIT_RATIO 2.0
#define RESULT_MERGE_WAIT_SHARE 0.05
/* Started further apart than that, they did not load the server together. */
#define RESULT_MERGE_APART_NS NSEC_PER_SEC
/* That many are kept of good answers, and that many of others. */
#define RESULT_MERGE_SLOWEST 10

/* ---------------------------------------------------------------- the parts */

/* A latency as the parts show it. */
static json_t *result_merge_part_ms(const json_t *doc, const char *path)
{
	int64_t ns;

	return result_int(doc, path, &ns) ? json_real((double)ns / 1e6) : json_null();
}

static json_t *result_merge_copy(const json_t *doc, const char *path)
{
	const json_t *value = result_at(doc, path);

	return value ? json_deep_copy(value) : json_null();
}

static json_t *result_merge_part(const json_t *doc)
{
	bool is_open = result_at(doc, "latency.response") != NULL;
	const json_t *slice = result_at(doc, "plan.slice");
	json_t *part = json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}", "id",
		result_merge_copy(doc, "run.id"), "uuid", result_merge_copy(doc, "run.uuid"),
		"host", result_merge_copy(doc, "generator.host.name"), "seed",
		result_merge_copy(doc, "plan.seed"), "started_unix_ns",
		result_merge_copy(doc, "run.started_unix_ns"), "planned",
		result_merge_copy(doc, "ledger.planned"), "ok", result_merge_copy(doc, "ledger.ok"),
		"p50_ms",
		result_merge_part_ms(doc, is_open ? "offered.p50_ns" : "latency.service.p50_ns"),
		"p99_ms",
		result_merge_part_ms(doc, is_open ? "offered.p99_ns" : "latency.service.p99_ns"),
		"our_delay_p99_ms", result_merge_part_ms(doc, "latency.our_delay.p99_ns"),
		"connection_wait_p99_ms",
		result_merge_part_ms(doc, "latency.connection_wait.p99_ns"), "verdict",
		result_merge_copy(doc, "generator.verdict"), "result",
		result_merge_copy(doc, "headline.result"), "exit_code",
		result_merge_copy(doc, "run.exit_code"));

	return slice ? result_merge_with(part, "slice", json_deep_copy(slice)) : part;
}

json_t *result_merge_runs(const struct result_merge *m)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < m->n && runs; i++) {
		const json_t *parts = result_at(m->docs.at[i], "parts");
		json_t *copy = NULL;
		int r;

		if (json_is_array(parts)) {
			copy = json_deep_copy(parts);
			r = json_array_extend(runs, copy);
			json_decref(copy);
		} else {
			r = json_array_append_new(runs, result_merge_part(m->docs.at[i]));
		}
		if (r == 0)
			continue;
		json_decref(runs);
		runs = NULL;
	}
	return runs;
}

static struct result_merge_label result_merge_run_label(const json_t *run)
{
	const char *host = result_text(run, "host");
	struct result_merge_label label;

	(void)snprintf(label.text, sizeof(label.text), "%.64s%s%.64s", host, *host ? "/" : "",
		result_text(run, "id"));
	return label;
}

/* ---------------------------------------------------------------- did they see the same? */

/* The runs with the least and the most of a figure; false where fewer than two have it. */
static bool result_merge_extremes(const struct result_merge *m, const char *name,
	const json_t **ret_low, const json_t **ret_high)
{
	double low = INFINITY, high = -INFINITY, value;
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(m->runs); i++) {
		const json_t *run = json_array_get(m->runs, i);

		if (!result_real(run, name, &value))
			continue;
		n++;
		if (value < low) {
			low = value;
			*ret_low = run;
		}
		if (value > high) {
			high = value;
			*ret_high = run;
		}
	}
	return n > 1;
}

static void result_merge_uneven(struct result_merge *m, const char *what, const json_t *low,
	const json_t *high, const char *name)
{
	double least = 0, most = 0;

	(void)result_real(low, name, &least);
	(void)result_real(high, name, &most);
	result_merge_note(m, "merge-uneven",
		"read the report of that part alone; a sick host must not hide in a sum",
		"uneven: %s is %.3g ms at %s, %.3g ms at %s", what, least,
		result_merge_run_label(low).text, most, result_merge_run_label(high).text);
}

/* A run in which the plan's quantile falls on an arrival without a good answer has none. */
static void result_merge_judge_p50(struct result_merge *m)
{
	const json_t *low = NULL, *high = NULL, *without = NULL;
	double least = 0, most = 0;

	for (size_t i = 0; i < json_array_size(m->runs); i++) {
		const json_t *run = json_array_get(m->runs, i);

		if (!result_real(run, "p50_ms", &most))
			without = run;
		else
			low = run;
	}
	if (low && without)
		result_merge_note(m, "merge-uneven",
			"read the report of that part alone; a sick host must not hide in a sum",
			"uneven: half of what %s planned had no good answer; others had",
			result_merge_run_label(without).text);
	if (!result_merge_extremes(m, "p50_ms", &low, &high))
		return;
	(void)result_real(low, "p50_ms", &least);
	(void)result_real(high, "p50_ms", &most);
	if (most > least * RESULT_MERGE_P50_RATIO)
		result_merge_uneven(m, "p50", low, high, "p50_ms");
}

static void result_merge_judge_wait(struct result_merge *m)
{
	const json_t *low, *high;
	double least = 0, most = 0, p99 = 0;

	if (!result_merge_extremes(m, "connection_wait_p99_ms", &low, &high))
		return;
	(void)result_real(low, "connection_wait_p99_ms", &least);
	(void)result_real(high, "connection_wait_p99_ms", &most);
	(void)result_real(high, "p99_ms", &p99);
	if (most > least * RESULT_MERGE_WAIT_RATIO && most > p99 * RESULT_MERGE_WAIT_SHARE)
		result_merge_uneven(
			m, "the wait for a connection (p99)", low, high, "connection_wait_p99_ms");
}

static bool result_merge_has_slice(const struct result_merge *m, int64_t index)
{
	int64_t there;

	for (size_t i = 0; i < json_array_size(m->runs); i++)
		if (result_int(json_array_get(m->runs, i), "slice.index", &there) && there == index)
			return true;
	return false;
}

/* "1, 2, 4": those that are there, or those that are not. */
static void result_merge_list_slices(
	const struct result_merge *m, int64_t of, bool is_there, struct buf *ret)
{
	for (int64_t i = 1; i <= of && ret->len < 80; i++) {
		if (result_merge_has_slice(m, i) != is_there)
			continue;
		(void)buf_printf(ret, "%s%jd", ret->len ? ", " : "", (intmax_t)i);
	}
	if (ret->len >= 80)
		(void)buf_puts(ret, ", ...");
}

static void result_merge_judge_slices(struct result_merge *m)
{
	const json_t *first = json_array_get(m->runs, 0);
	struct buf there = {0}, missing = {0};
	int64_t of = 0, seed = 0, other;

	if (!result_int(first, "slice.of", &of) || of < 1)
		return;
	(void)result_int(first, "seed", &seed);
	for (size_t i = 1; i < json_array_size(m->runs); i++)
		if (result_int(json_array_get(m->runs, i), "seed", &other) && other != seed)
			result_merge_note(m, "merge-seeds", "give all slices the same --seed",
				"the slices were made with different seeds: together they are not "
				"one schedule");
	if (json_array_size(m->runs) >= (size_t)of)
		return;
	result_merge_list_slices(m, of, true, &there);
	result_merge_list_slices(m, of, false, &missing);
	if (there.data && missing.data)
		result_merge_note(m, "merge-slices", "", "slices %s of %jd: %s missing", there.data,
			(intmax_t)of, missing.data);
	buf_fini(&there);
	buf_fini(&missing);
}

static void result_merge_judge_start(struct result_merge *m)
{
	int64_t first = INT64_MAX, last = INT64_MIN, at;

	for (size_t i = 0; i < json_array_size(m->runs); i++) {
		if (!result_int(json_array_get(m->runs, i), "started_unix_ns", &at) || at < 0)
			continue;
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	if (last > first && last - first > RESULT_MERGE_APART_NS)
		result_merge_note(m, "merge-apart", "",
			"the parts started up to %.3g s apart: rates are added as if they had run "
			"together",
			(double)(last - first) / (double)NSEC_PER_SEC);
}

void result_merge_judge_runs(struct result_merge *m)
{
	result_merge_judge_slices(m);
	result_merge_judge_p50(m);
	result_merge_judge_wait(m);
	result_merge_judge_start(m);
}

/* ---------------------------------------------------------------- run */

/* "a-1 + b-3 + c-2", "a-1 + 4 more". */
static json_t *result_merge_id(const struct result_merge *m)
{
	size_t n = json_array_size(m->runs);
	char text[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < n && i < (n > 3 ? 1 : 3); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.64s", i ? " + " : "",
			result_text(json_array_get(m->runs, i), "id"));
	if (n > 3)
		(void)snprintf(text + len, sizeof(text) - len, " + %zu more", n - 1);
	return result_merge_text(text);
}

static int result_merge_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of the parts' in their order as texts, so that the same parts make the same one. RFC 9562 leaves
 * version 8 to such. */
static json_t *result_merge_uuid(const struct result_merge *m)
{
	size_t n = json_array_size(m->runs);
	const char **uuids = calloc(n + 1, sizeof(*uuids));
	char hex[DIGEST_SHA256_HEX_SIZE];
	struct buf all = {0};
	json_t *uuid = NULL;
	int r = 0;

	if (!uuids)
		return NULL;
	for (size_t i = 0; i < n; i++)
		uuids[i] = result_text(json_array_get(m->runs, i), "uuid");
	qsort(uuids, n, sizeof(*uuids), result_merge_compare);
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_printf(&all, "%s\n", uuids[i]);
	if (r == 0) {
		digest_sha256_hex(all.data, all.len, hex);
		uuid = json_sprintf("%.8s-%.4s-8%.3s-%c%.3s-%.12s", hex, hex + 8, hex + 13,
			"89ab"[hex[16] & 3], hex + 17, hex + 20);
	}
	buf_fini(&all);
	free(uuids);
	return uuid;
}

/* Labels that all parts carry with the same text. */
static json_t *result_merge_labels(const struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "run.labels");
	json_t *labels = json_object();
	json_t *keys = result_merge_keys(m, &v);

	for (void *at = json_object_iter(keys); at; at = json_object_iter_next(keys, at)) {
		const char *key = json_object_iter_key(at);
		struct result_merge_view one = result_merge_member(m, &v, key);
		bool is_same = json_is_string(one.at[0]);

		for (size_t i = 1; i < m->n; i++)
			is_same = is_same && json_equal(one.at[0], one.at[i]);
		if (is_same)
			labels = result_merge_with(labels, key, json_deep_copy(one.at[0]));
	}
	json_decref(keys);
	return labels;
}

static json_t *result_merge_user(const struct result_merge *m)
{
	const json_t *user = result_at(m->docs.at[0], "run.user");

	for (size_t i = 1; i < m->n; i++)
		if (!json_equal(user, result_at(m->docs.at[i], "run.user")))
			return json_null();
	return user ? json_deep_copy(user) : json_null();
}

json_t *result_merge_run(const struct result_merge *m, const json_t *worst)
{
	const json_t *first = m->docs.at[0];
	const char *ended = "";
	int64_t started = INT64_MAX, at;
	json_t *run;

	for (size_t i = 0; i < m->n; i++) {
		const char *end = result_text(m->docs.at[i], "run.ended");

		if (result_int(m->docs.at[i], "run.started_unix_ns", &at) && at < started) {
			started = at;
			first = m->docs.at[i];
		}
		/* All are written alike, so the later text is the later instant. */
		if (strcmp(end, ended) > 0)
			ended = end;
	}
	run = json_pack("{s:o s:o s:s s:o s:o s:s s:s s:o s:o s:o s:o s:o}", "id",
		result_merge_id(m), "uuid", result_merge_uuid(m), "name",
		result_text(m->docs.at[0], "run.name"), "labels", result_merge_labels(m), "user",
		result_merge_user(m), "state", "finished", "outcome",
		result_text(worst, "run.outcome"), "reason",
		*result_text(worst, "run.reason") ? result_merge_of_part(worst, "run.reason")
						  : json_null(),
		"exit_code", result_merge_copy(worst, "run.exit_code"), "started",
		result_merge_copy(first, "run.started"), "started_unix_ns",
		started == INT64_MAX ? json_null() : json_integer(started), "ended",
		*ended ? json_string(ended) : json_null());
	if (!result_at(worst, "run.failed_by"))
		return run;
	return result_merge_with(run, "failed_by", result_merge_copy(worst, "run.failed_by"));
}

/* ---------------------------------------------------------------- generator */

/* Those that are found anew from the parts. */
static bool result_merge_is_anew(const char *code)
{
	return str_eq(code, "merge-uneven") || str_eq(code, "merge-slices") ||
	       str_eq(code, "merge-seeds") || str_eq(code, "merge-apart");
}

/* Ours first, then the notes of each part with its label in front. */
static json_t *result_merge_notes(const struct result_merge *m)
{
	json_t *all = json_copy(m->notes);

	for (size_t i = 0; i < m->n; i++) {
		const json_t *notes = result_at(m->docs.at[i], "generator.notes");

		for (size_t k = 0; k < json_array_size(notes); k++) {
			const json_t *from = json_array_get(notes, k);
			struct result_merge_label label = result_merge_label(m->docs.at[i]);
			json_t *note;

			if (!json_is_object(from) ||
				result_merge_is_anew(result_text(from, "code")))
				continue;
			note = json_deep_copy(from);
			if (*label.text) {
				char text[512];

				(void)snprintf(text, sizeof(text), "%s: %s", label.text,
					result_text(from, "text"));
				note = result_merge_with(note, "text", result_merge_text(text));
			}
			if (json_array_append_new(all, note) < 0) {
				json_decref(all);
				return NULL;
			}
		}
	}
	return all;
}

static const char *result_merge_verdict(const struct result_merge *m)
{
	static const char *const words[] = {"ok", "suspect", "saturated"};
	size_t worst = 0;

	for (size_t i = 0; i < m->n; i++)
		for (size_t k = worst + 1; k < sizeof(words) / sizeof(*words); k++)
			if (str_eq(result_text(m->docs.at[i], "generator.verdict"), words[k]))
				worst = k;
	return words[worst];
}

/* What is the same everywhere, else null. */
static json_t *result_merge_same(const struct result_merge *m, const char *path)
{
	const json_t *value = result_at(m->docs.at[0], path);

	for (size_t i = 1; i < m->n; i++)
		if (!json_equal(value, result_at(m->docs.at[i], path)))
			return json_null();
	return value ? json_deep_copy(value) : json_null();
}

json_t *result_merge_generator(const struct result_merge *m)
{
	static const char *const maxima[] = {
		"cpu_share", "little_residual", "stalled_share", "steal_share"};
	struct result_merge_view v = result_merge_at(&m->docs, "generator");
	double weights[RESULT_MERGE_PARTS_MAX] = {0};
	bool is_colocated = false, one;
	json_t *generator;

	for (size_t i = 0; i < m->n; i++) {
		(void)result_real(m->docs.at[i], "ledger.sent", &weights[i]);
		if (result_bool(m->docs.at[i], "generator.colocated", &one))
			is_colocated = is_colocated || one;
	}
	generator = json_pack("{s:s s:o s:o s:o s:I s:f s:b s:I}", "verdict",
		result_merge_verdict(m), "notes", result_merge_notes(m), "version",
		result_merge_same(m, "generator.version"), "host",
		result_merge_same(m, "generator.host"), "workers",
		(json_int_t)result_merge_sum(&v, "workers"), "cpu_ns_per_request",
		result_merge_mean(&v, "cpu_ns_per_request", weights), "colocated",
		(int)is_colocated, "merged_intervals",
		(json_int_t)result_merge_sum(&v, "merged_intervals"));
	for (size_t i = 0; i < sizeof(maxima) / sizeof(*maxima); i++)
		generator = result_merge_with(
			generator, maxima[i], result_merge_max_real(&v, maxima[i]));
	return generator;
}

/* ---------------------------------------------------------------- over time */

/* That of the part which is worst off. */
json_t *result_merge_steadiness(const struct result_merge *m)
{
	static const char *const words[] = {
		"", "steady", "staged", "unknown", "warm-up too short", "unsteady"};
	const json_t *worst = NULL;
	size_t rank = 0;
	json_t *copy;

	for (size_t i = 0; i < m->n; i++)
		for (size_t k = rank + 1; k < sizeof(words) / sizeof(*words); k++)
			if (str_eq(result_text(m->docs.at[i], "steadiness.word"), words[k])) {
				rank = k;
				worst = m->docs.at[i];
			}
	if (!worst)
		return json_pack("{s:s}", "word", "unknown");
	copy = result_merge_copy(worst, "steadiness");
	if (!result_at(worst, "steadiness.because"))
		return copy;
	return result_merge_with(
		copy, "because", result_merge_of_part(worst, "steadiness.because"));
}

static int result_merge_earlier(const void *a, const void *b)
{
	int64_t x = 0, y = 0;

	(void)result_int(*(json_t *const *)a, "at_ns", &x);
	(void)result_int(*(json_t *const *)b, "at_ns", &y);
	return x < y ? -1 : x > y;
}

static int64_t result_merge_slow_ns(const json_t *slow)
{
	int64_t ns = 0;

	if (!result_int(slow, "response_ns", &ns))
		(void)result_int(slow, "service_ns", &ns);
	return ns;
}

static int result_merge_slower(const void *a, const void *b)
{
	int64_t x = result_merge_slow_ns(*(json_t *const *)a);
	int64_t y = result_merge_slow_ns(*(json_t *const *)b);

	return x > y ? -1 : x < y;
}

/* Steals the array. */
static json_t *result_merge_sorted(json_t *rows, int (*compare)(const void *, const void *))
{
	size_t n = json_array_size(rows);
	json_t **order = calloc(n + 1, sizeof(json_t *));
	json_t *sorted = json_array();

	for (size_t i = 0; i < n && order; i++)
		order[i] = json_array_get(rows, i);
	if (order)
		qsort(order, n, sizeof(*order), compare);
	for (size_t i = 0; i < n && order; i++)
		(void)json_array_append(sorted, order[i]);
	free(order);
	json_decref(rows);
	return sorted;
}

/* Of good answers and of others as many as a run keeps of each: those of the sum are among those
 * of the parts. Each says in which part it was. */
json_t *result_merge_slowest(const struct result_merge *m)
{
	json_t *all = json_array(), *kept = json_array();
	size_t n_ok = 0, n_failed = 0;

	for (size_t i = 0; i < m->n; i++) {
		const json_t *rows = result_at(m->docs.at[i], "slowest");
		struct result_merge_label label = result_merge_label(m->docs.at[i]);

		for (size_t k = 0; k < json_array_size(rows); k++) {
			json_t *row = json_deep_copy(json_array_get(rows, k));

			if (json_is_object(row) && *label.text)
				row = result_merge_with(row, "part", result_merge_text(label.text));
			(void)json_array_append_new(all, row);
		}
	}
	all = result_merge_sorted(all, result_merge_slower);
	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *row = json_array_get(all, i);
		bool is_ok = str_eq(result_text(row, "class"), "ok");

		if ((is_ok ? n_ok++ : n_failed++) < RESULT_MERGE_SLOWEST)
			(void)json_array_append(kept, row);
	}
	json_decref(all);
	return kept;
}

json_t *result_merge_events(const struct result_merge *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->n; i++) {
		const json_t *events = result_at(m->docs.at[i], "events");
		struct result_merge_label label = result_merge_label(m->docs.at[i]);

		for (size_t k = 0; k < json_array_size(events); k++) {
			json_t *event = json_deep_copy(json_array_get(events, k));
			char text[512];

			if (*label.text && json_is_object(event)) {
				(void)snprintf(text, sizeof(text), "%s: %s", label.text,
					result_text(event, "text"));
				event = result_merge_with(event, "text", result_merge_text(text));
			}
			(void)json_array_append_new(all, event);
		}
	}
	return result_merge_sorted(all, result_merge_earlier);
}
