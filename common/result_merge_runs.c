/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that tell of its runs: which they were, and what was in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/result.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

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
	json_t *part = json_pack("{s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o}",
		"id", result_merge_copy(doc, "run.id"), "uuid", result_merge_copy(doc, "run.uuid"),
		"host", result_merge_copy(doc, "generator.host.name"), "seed",
		result_merge_copy(doc, "plan.seed"), "started_unix_ns",
		result_merge_copy(doc, "run.started_unix_ns"), "duration_ns",
		result_merge_copy(doc, "window.end_ns"), "planned",
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

/* The runs of one document, each with the number of its repetition. */
static json_t *result_merge_runs_of(const struct result_merge *m, const json_t *doc, int64_t before)
{
	const json_t *parts = result_at(doc, "parts");
	json_t *runs = json_is_array(parts) ? json_deep_copy(parts)
					    : json_pack("[o]", result_merge_part(doc));

	for (size_t i = 0; i < json_array_size(runs); i++) {
		json_t *run = json_array_get(runs, i);
		int64_t repeat = 1;

		if (result_at(doc, "repeats"))
			(void)result_int(run, "repeat", &repeat);
		(void)json_object_del(run, "repeat");
		if (m->is_repeats && repeat >= 1 && (size_t)repeat <= result_merge_n_repeats(doc))
			(void)json_object_set_new(run, "repeat", json_integer(before + repeat));
	}
	return runs;
}

json_t *result_merge_runs(const struct result_merge *m)
{
	json_t *runs = json_array();
	int64_t n_repeats = 0;

	for (size_t i = 0; i < m->n && runs; i++) {
		json_t *its = result_merge_runs_of(m, m->docs.at[i], n_repeats);
		int r = its ? json_array_extend(runs, its) : -1;

		json_decref(its);
		n_repeats += (int64_t)result_merge_n_repeats(m->docs.at[i]);
		if (r == 0)
			continue;
		json_decref(runs);
		runs = NULL;
	}
	return runs;
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
	return json_text(text);
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
	const char **uuids = memory_calloc(n + 1, sizeof(*uuids));
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
	json_t **order = memory_calloc(n + 1, sizeof(json_t *));
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

			if (!json_is_object(row)) {
				json_decref(row);
				continue;
			}
			if (*label.text)
				row = result_merge_with(row, "part", json_text(label.text));
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
				event = result_merge_with(event, "text", json_text(text));
			}
			(void)json_array_append_new(all, event);
		}
	}
	return result_merge_sorted(all, result_merge_earlier);
}
