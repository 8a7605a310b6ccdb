/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the runs of a merged result saw the same, and at the same time. Percentiles of a sum hide
 * one sick host among many, so notes say where the parts differ. All of it is found in the member
 * parts, so that it is found anew if merged documents are merged. */
#include <math.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/result.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

/* Medians further apart than that are not those of one distribution. */
#define RESULT_MERGE_P50_RATIO 1.5
/* The same for the wait for a connection, where it is worth a look at all: from that share of the
 * response time on. */
#define RESULT_MERGE_WAIT_RATIO 2.0
#define RESULT_MERGE_WAIT_SHARE 0.05
/* Runs with a common --at start within the precision of their clocks. */
#define RESULT_MERGE_APART_NS (100 * NSEC_PER_MSEC)

struct result_merge_label result_merge_run_label(const json_t *run)
{
	const char *host = result_text(run, "host");
	struct result_merge_label label;

	(void)snprintf(label.text, sizeof(label.text), "%.64s%s%.64s", host, *host ? "/" : "",
		result_text(run, "id"));
	return label;
}

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

const char *result_merge_uneven_remedy(const struct result_merge *m)
{
	return m->is_repeats
		       ? "read the reports of both: what was different between them?"
		       : "read the report of that part alone: a sum hides a host that differs";
}

static void result_merge_uneven(struct result_merge *m, const char *what, const json_t *low,
	const json_t *high, const char *name)
{
	double least = 0, most = 0;

	(void)result_real(low, name, &least);
	(void)result_real(high, name, &most);
	result_merge_note(m, NOTE_MERGE_UNEVEN, result_merge_uneven_remedy(m),
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
		result_merge_note(m, NOTE_MERGE_UNEVEN, result_merge_uneven_remedy(m),
			"uneven: at least half of the requests planned at %s had no good "
			"answer, in other runs fewer",
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

static void result_merge_judge_seeds(struct result_merge *m)
{
	const json_t *seed = result_at(json_array_get(m->runs, 0), "seed"), *other;

	for (size_t i = 1; i < json_array_size(m->runs) && m->n_slices > 0; i++) {
		other = result_at(json_array_get(m->runs, i), "seed");
		if (json_is_integer(other) && !json_equal(other, seed))
			result_merge_note(m, NOTE_MERGE_SEEDS, "give all slices the same --seed",
				"the slices were made with different seeds: together they are not "
				"one schedule");
	}
}

json_t *result_merge_missing(const struct result_merge *m)
{
	int64_t repeat = m->is_repeats ? 1 : 0;
	struct buf there = {0}, missing = {0};
	json_t *text = NULL;

	result_merge_list_slices(m, repeat, true, &there);
	result_merge_list_slices(m, repeat, false, &missing);
	if (there.data && missing.data)
		text = json_sprintf("slices %s of %jd: %s missing", there.data,
			(intmax_t)m->n_slices, missing.data);
	buf_fini(&there);
	buf_fini(&missing);
	return text;
}

/* ---------------------------------------------------------------- did they run together? */

/* From its start to the end of its window; false where that is not known. */
static bool result_merge_span(const json_t *run, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	int64_t start, length;

	if (!result_int(run, "started_unix_ns", &start) || start < 0 || start > INT64_MAX / 2 ||
		!result_int(run, "duration_ns", &length) || length < 0 || length > INT64_MAX / 2)
		return false;
	*ret_start_ns = start;
	*ret_end_ns = start + length;
	return true;
}

struct result_merge_times result_merge_times(const struct result_merge *m)
{
	struct result_merge_times times = {.is_known = true, .shortest_ns = INT64_MAX};
	int64_t first = INT64_MAX, last = 0, start, end;

	for (size_t i = 0; i < json_array_size(m->runs); i++) {
		if (!result_merge_span(json_array_get(m->runs, i), &start, &end)) {
			times.is_known = false;
			continue;
		}
		first = start < first ? start : first;
		last = start > last ? start : last;
		times.shortest_ns =
			end - start < times.shortest_ns ? end - start : times.shortest_ns;
	}
	times.apart_ns = last > first ? last - first : 0;
	return times;
}

/* How long two runs of different repetitions were under way at the same time; 0 or less: never. */
static int64_t result_merge_overlap(const json_t *a, const json_t *b)
{
	int64_t a_start, a_end, b_start, b_end;

	if (json_equal(json_object_get(a, "repeat"), json_object_get(b, "repeat")) ||
		!result_merge_span(a, &a_start, &a_end) || !result_merge_span(b, &b_start, &b_end))
		return 0;
	return (a_end < b_end ? a_end : b_end) - (a_start > b_start ? a_start : b_start);
}

static void result_merge_judge_overlap(struct result_merge *m)
{
	int64_t most = 0;

	for (size_t i = 0; i < json_array_size(m->runs); i++)
		for (size_t k = 0; k < i; k++) {
			int64_t overlap = result_merge_overlap(
				json_array_get(m->runs, k), json_array_get(m->runs, i));

			most = overlap > most ? overlap : most;
		}
	if (most > RESULT_MERGE_APART_NS)
		result_merge_note(m, NOTE_MERGE_OVERLAP, "run repetitions one after the other",
			"repetitions overlapped for up to %.3g s: each was a part of the other's "
			"load",
			(double)most / (double)NSEC_PER_SEC);
}

static void result_merge_judge_start(struct result_merge *m)
{
	struct result_merge_times times = result_merge_times(m);
	double apart_s = (double)times.apart_ns / (double)NSEC_PER_SEC;

	if (times.apart_ns <= RESULT_MERGE_APART_NS)
		return;
	if (m->n_slices > 0)
		result_merge_note(m, NOTE_MERGE_APART, "give all slices the same --at INSTANT",
			"the slices started up to %.3g s apart: the server did not get the plan's "
			"schedule, and their rates are added as if it had",
			apart_s);
	else
		result_merge_note(m, NOTE_MERGE_APART, "",
			"the parts started up to %.3g s apart: rates are added as if they had run "
			"together",
			apart_s);
}

void result_merge_judge_runs(struct result_merge *m)
{
	result_merge_judge_p50(m);
	result_merge_judge_wait(m);
	if (m->is_repeats) {
		result_merge_judge_overlap(m);
	} else {
		result_merge_judge_seeds(m);
		result_merge_judge_start(m);
	}
}
