/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the runs of a merged result saw the same, and at the same time. Percentiles of a sum hide
 * one sick host among many, so notes say where the parts differ. All of it is found in the member
 * parts, so that it is found anew if merged documents are merged. */
#include <math.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json_path.h"
#include "common/result/result_fill.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* Medians further apart than that are not those of one distribution. */
#define RESULT_MERGE_P50_RATIO 1.5
/* The same for the wait for a connection, where it is worth a look at all: from that share of the
 * response time on. */
#define RESULT_MERGE_WAIT_RATIO 2.0
#define RESULT_MERGE_WAIT_SHARE 0.05
/* Runs with a common --at start within the precision of their clocks. */
#define RESULT_MERGE_APART_NS (100 * NSEC_PER_MSEC)

struct result_merge_label result_merge_run_label(const struct result_part *run)
{
	const char *host = result_words(run->host);
	struct result_merge_label label;

	(void)snprintf(label.text, sizeof(label.text), "%.64s%s%.64s", host, *host ? "/" : "",
		result_words(run->id));
	return label;
}

typedef double (*result_merge_figure)(const struct result_part *run);

static double result_merge_p50(const struct result_part *run)
{
	return run->p50_ms;
}

static double result_merge_wait(const struct result_part *run)
{
	return run->connection_wait_p99_ms;
}

/* The runs with the least and the most of a figure; false where fewer than two have it. */
static bool result_merge_extremes(const struct result_merge *m, result_merge_figure figure,
	const struct result_part **ret_low, const struct result_part **ret_high)
{
	double low = INFINITY, high = -INFINITY;
	size_t n = 0;

	for (size_t i = 0; i < m->sum.parts.n; i++) {
		const struct result_part *run = result_merge_run_at(m, i);
		double value = figure(run);

		if (!result_is_real(value))
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

static void result_merge_uneven(struct result_merge *m, const char *what,
	result_merge_figure figure, const struct result_part *low, const struct result_part *high)
{
	result_merge_note(m, NOTE_MERGE_UNEVEN, result_merge_uneven_remedy(m),
		"uneven: %s is %.3g ms at %s, %.3g ms at %s", what, figure(low),
		result_merge_run_label(low).text, figure(high), result_merge_run_label(high).text);
}

/* A run in which the plan's quantile falls on an arrival without a good answer has none. */
static void result_merge_judge_p50(struct result_merge *m)
{
	const struct result_part *low = NULL, *high = NULL, *without = NULL;

	for (size_t i = 0; i < m->sum.parts.n; i++) {
		const struct result_part *run = result_merge_run_at(m, i);

		if (result_is_real(run->p50_ms))
			low = run;
		else
			without = run;
	}
	if (low && without)
		result_merge_note(m, NOTE_MERGE_UNEVEN, result_merge_uneven_remedy(m),
			"uneven: at least half of the requests planned at %s had no good "
			"answer, in other runs fewer",
			result_merge_run_label(without).text);
	if (result_merge_extremes(m, result_merge_p50, &low, &high) &&
		high->p50_ms > low->p50_ms * RESULT_MERGE_P50_RATIO)
		result_merge_uneven(m, "p50", result_merge_p50, low, high);
}

static void result_merge_judge_wait(struct result_merge *m)
{
	const struct result_part *low = NULL, *high = NULL;
	double most, p99_ms;

	if (!result_merge_extremes(m, result_merge_wait, &low, &high))
		return;
	most = high->connection_wait_p99_ms;
	p99_ms = result_is_real(high->p99_ms) ? high->p99_ms : 0;
	if (most > low->connection_wait_p99_ms * RESULT_MERGE_WAIT_RATIO &&
		most > p99_ms * RESULT_MERGE_WAIT_SHARE)
		result_merge_uneven(
			m, "the wait for a connection (p99)", result_merge_wait, low, high);
}

static void result_merge_judge_seeds(struct result_merge *m)
{
	for (size_t i = 1; i < m->sum.parts.n && m->n_slices > 0; i++) {
		int64_t seed = result_merge_run_at(m, i)->seed;

		if (result_is_known(seed) && seed != result_merge_run_at(m, 0)->seed)
			result_merge_note(m, NOTE_MERGE_SEEDS, "give all slices the same --seed",
				"the slices were made with different seeds: together they are not "
				"one schedule");
	}
}

int result_merge_missing(const struct result_merge *m, char **ret)
{
	int64_t repeat = m->is_repeats ? 1 : 0;
	struct buf there = {0}, missing = {0};
	char text[256] = "";

	result_merge_list_slices(m, repeat, true, &there);
	result_merge_list_slices(m, repeat, false, &missing);
	if (there.data && missing.data)
		(void)snprintf(text, sizeof(text), "slices %s of %jd: %s missing", there.data,
			(intmax_t)m->n_slices, missing.data);
	buf_fini(&there);
	buf_fini(&missing);
	return *text ? result_set_text(ret, text) : 0;
}

/* ---------------------------------------------------------------- did they run together? */

/* From its start to the end of its window; false where that is not known. */
static bool result_merge_span(
	const struct result_part *run, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	int64_t start = run->started_unix_ns, length = run->duration_ns;

	/* An unknown figure is below 0. */
	if (start < 0 || start > INT64_MAX / 2 || length < 0 || length > INT64_MAX / 2)
		return false;
	*ret_start_ns = start;
	*ret_end_ns = start + length;
	return true;
}

struct result_merge_times result_merge_times(const struct result_merge *m)
{
	struct result_merge_times times = {.is_known = true, .shortest_ns = INT64_MAX};
	int64_t first = INT64_MAX, last = 0, start, end;

	for (size_t i = 0; i < m->sum.parts.n; i++) {
		if (!result_merge_span(result_merge_run_at(m, i), &start, &end)) {
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
static int64_t result_merge_overlap(const struct result_part *a, const struct result_part *b)
{
	int64_t a_start, a_end, b_start, b_end;

	if (a->repeat == b->repeat || !result_merge_span(a, &a_start, &a_end) ||
		!result_merge_span(b, &b_start, &b_end))
		return 0;
	return (a_end < b_end ? a_end : b_end) - (a_start > b_start ? a_start : b_start);
}

static void result_merge_judge_overlap(struct result_merge *m)
{
	int64_t most = 0;

	for (size_t i = 0; i < m->sum.parts.n; i++)
		for (size_t k = 0; k < i; k++) {
			int64_t overlap = result_merge_overlap(
				result_merge_run_at(m, k), result_merge_run_at(m, i));

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
		result_merge_note(m, NOTE_MERGE_APART, "the same --at INSTANT for all",
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
