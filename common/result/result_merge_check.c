/* SPDX-License-Identifier: Apache-2.0 */
/* Whether results may be merged at all. They must be of one plan, and no run may be there twice.
 *
 * Rates of two runs add up if both were parts of one load: different slices of one schedule, or
 * users of a closed model, who have no slices, if the runs overlapped in time. Runs with the same
 * slice, or both of the whole plan, are repetitions: the sum of their rates was never sent. They
 * are merged if the caller says that this is meant, and then each must have the slices of the
 * others. */
#include <stdlib.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/memory.h"
#include "common/plan/plan.h"
#include "common/plan/plan_slice.h"
#include "common/json_path.h"
#include "common/result/result_add.h"
#include "common/result/result_json.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* 0 or -1. */
static int result_merge_read_result(struct result_merge *m, size_t i)
{
	struct err err = {0};
	int r = result_read(m->parts[i].doc, &m->results[i], &err);

	if (r == RESULT_E_TOO_MANY)
		result_merge_refuse(m, "%.200s: %s", m->parts[i].name, err.text);
	if (result_find_latency(&m->results[i], "response"))
		m->main_key = "response";
	m->n_repeats += result_n_repeats(&m->results[i]);
	return r ? -1 : 0;
}

/* Parts add up stage by stage, by their numbers. */
static bool result_merge_has_stages_in_order(const struct result *r)
{
	const struct result_stage *stages = r->stages.rows;
	int64_t before = 0;

	for (size_t i = 0; i < r->stages.n; i++) {
		if (stages[i].number <= before || stages[i].number > PLAN_STAGES_MAX)
			return false;
		before = stages[i].number;
	}
	return true;
}

/* 0 or -1. */
static int result_merge_check_plans(struct result_merge *m)
{
	const char *first = m->parts[0].name, *sha256 = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct result *r = &m->results[i];
		const char *name = m->parts[i].name, *its;

		if (result_merge_read_result(m, i) < 0)
			return -1;
		its = json_path_text(r->plan, "sha256");
		sha256 = sha256 ? sha256 : its;
		if (!str_eq(result_words(r->schema), RESULT_SCHEMA))
			result_merge_refuse(m, "%.200s: this is not the result of a run (%s)", name,
				RESULT_SCHEMA);
		else if (!*its)
			result_merge_refuse(m,
				"%.200s: this result does not say what its plan was; one that an "
				"administrator has fetched from the service does",
				name);
		else if (!str_eq(its, sha256))
			result_merge_refuse(m,
				"%.200s and %.200s are not of one plan (plan.sha256 differs)",
				first, name);
		else if (!result_merge_has_stages_in_order(r))
			result_merge_refuse(m,
				"%.200s: its stages are not those of a plan, in their order", name);
		else if (m->is_repeats && r->ledger.planned <= 0)
			result_merge_refuse(m,
				"%.200s: this run did not come to its measured window: it has no "
				"rates to take a mean of",
				name);
		else if (!m->is_repeats && r->repeats.is != RESULT_IS_ABSENT)
			result_merge_refuse(m,
				"%.200s holds repetitions, whose rates are means: --repeats adds "
				"further ones; merge the slices of each repetition before that",
				name);
	}
	return m->is_refused ? -1 : 0;
}

/* The same identity, or the same id and start on one host: a copy that was given another uuid. */
static bool result_merge_is_same_run(const struct result_part *a, const struct result_part *b)
{
	const char *id = result_words(a->id);

	if (str_eq(result_words(a->uuid), result_words(b->uuid)))
		return true;
	return *id && str_eq(id, result_words(b->id)) &&
	       str_eq(result_words(a->host), result_words(b->host)) &&
	       result_is_known(a->started_unix_ns) && a->started_unix_ns == b->started_unix_ns;
}

/* 0: it is no slice. */
static int64_t result_merge_index(const struct result_part *run)
{
	return result_is_known(run->slice.index) ? run->slice.index : 0;
}

static int64_t result_merge_repeat_of(const struct result_part *run)
{
	return result_is_known(run->repeat) ? run->repeat : 0;
}

static void result_merge_check_runs(struct result_merge *m, const char *const *names)
{
	for (size_t i = 0; i < m->sum.parts.n; i++) {
		const struct result_part *run = result_merge_run_at(m, i);

		if (!*result_words(run->uuid))
			result_merge_refuse(
				m, "%.200s: this result does not say which run it is", names[i]);
		for (size_t k = 0; k < i && !m->is_refused; k++)
			if (result_merge_is_same_run(result_merge_run_at(m, k), run))
				result_merge_refuse(m,
					"%.180s is the same run as %.180s, %.64s (%.40s): it would "
					"count twice",
					names[i], names[k], result_words(run->id),
					result_words(run->uuid));
	}
}

/* All are slices of one number of slices, or none is a slice. */
static void result_merge_check_slices(struct result_merge *m, const char *const *names)
{
	int64_t of = 0;

	for (size_t i = 0; i < m->sum.parts.n; i++) {
		const struct result_part *run = result_merge_run_at(m, i);
		int64_t my_index = result_merge_index(run);
		int64_t my_of = result_is_known(run->slice.of) ? run->slice.of : 0;

		if ((my_of || my_index) &&
			(my_of > PLAN_SLICES_MAX || my_index < 1 || my_index > my_of))
			result_merge_refuse(m, "%.200s: there is no slice %jd of %jd", names[i],
				(intmax_t)my_index, (intmax_t)my_of);
		if (i == 0)
			of = my_of;
		else if (my_of != of && (of == 0 || my_of == 0))
			result_merge_refuse(m,
				"%.200s is a slice of the plan, %.200s the whole of it",
				of ? names[0] : names[i], of ? names[i] : names[0]);
		else if (my_of != of)
			result_merge_refuse(m,
				"%.180s is a slice of %jd, %.180s one of %jd: these are not one "
				"schedule",
				names[0], (intmax_t)of, names[i], (intmax_t)my_of);
	}
	m->n_slices = m->is_refused ? 0 : of;
}

/* The run of a repetition that has the slice, beginning with run number `from`; its number, or that
 * of all runs if there is none. */
static size_t result_merge_find_slice(
	const struct result_merge *m, size_t from, int64_t repeat, int64_t index)
{
	while (from < m->sum.parts.n &&
		(result_merge_repeat_of(result_merge_run_at(m, from)) != repeat ||
			result_merge_index(result_merge_run_at(m, from)) != index))
		from++;
	return from;
}

/* Fills m->has_slice; of two runs of one slice the first counts. 0 or -1. */
static int result_merge_index_slices(struct result_merge *m)
{
	size_t width = (size_t)m->n_slices + 1;

	m->has_slice = calloc((m->n_repeats + 1) * width, sizeof(*m->has_slice));
	if (!m->has_slice)
		return -1;
	for (size_t i = m->sum.parts.n; i-- > 0;) {
		const struct result_part *run = result_merge_run_at(m, i);
		int64_t repeat = result_merge_repeat_of(run), index = result_merge_index(run);

		if (repeat >= 0 && (size_t)repeat <= m->n_repeats && index >= 0 &&
			(size_t)index < width)
			m->has_slice[(size_t)repeat * width + (size_t)index] =
				run->duration_ns != RESULT_NULL;
	}
	return 0;
}

bool result_merge_has_slice(const struct result_merge *m, int64_t repeat, int64_t index)
{
	return m->has_slice[(size_t)repeat * ((size_t)m->n_slices + 1) + (size_t)index];
}

/* No slice is there twice in one load; without slices, the runs of a closed model overlapped. */
static void result_merge_check_once(struct result_merge *m, const char *const *names)
{
	static const char advice[] = "their rates do not add up; --repeats merges repetitions";
	struct result_merge_times times = result_merge_times(m);
	bool is_together = str_eq(m->main_key, "service") && times.is_known &&
			   times.apart_ns < times.shortest_ns / 2;

	if (m->n_slices == 0 && !m->is_repeats && !is_together)
		result_merge_refuse(m, "%.180s and %.180s both ran the whole plan: %s",
			m->parts[0].name, m->parts[1].name, advice);
	for (size_t i = 0; m->n_slices > 0 && i < m->sum.parts.n; i++) {
		const struct result_part *run = result_merge_run_at(m, i);
		int64_t repeat = result_merge_repeat_of(run), index = result_merge_index(run);
		size_t k;

		k = result_merge_find_slice(m, i + 1, repeat, index);
		if (k < m->sum.parts.n)
			result_merge_refuse(m, "%.180s and %.180s are both slice %jd of %jd: %s",
				names[i], names[k], (intmax_t)index, (intmax_t)m->n_slices, advice);
	}
}

void result_merge_list_slices(
	const struct result_merge *m, int64_t repeat, bool is_there, struct buf *ret)
{
	for (int64_t i = 1; i <= m->n_slices && ret->len < 80; i++)
		if (result_merge_has_slice(m, repeat, i) == is_there)
			(void)buf_printf(ret, "%s%jd", ret->len ? ", " : "", (intmax_t)i);
	if (ret->len >= 80)
		(void)buf_puts(ret, ", ...");
}

static bool result_merge_has_same_slices(const struct result_merge *m, int64_t repeat)
{
	for (int64_t i = 1; i <= m->n_slices; i++)
		if (result_merge_has_slice(m, repeat, i) != result_merge_has_slice(m, 1, i))
			return false;
	return true;
}

static void result_merge_refuse_slices(
	struct result_merge *m, const char *first_name, int64_t repeat, const char *name)
{
	struct buf first = {0}, its = {0};

	result_merge_list_slices(m, 1, true, &first);
	result_merge_list_slices(m, repeat, true, &its);
	result_merge_refuse(m,
		"%.120s has slice %s of %jd, %.120s slice %s: repetitions have the same slices "
		"(those of one run are merged without --repeats)",
		first_name, first.data ? first.data : "?", (intmax_t)m->n_slices, name,
		its.data ? its.data : "?");
	buf_fini(&first);
	buf_fini(&its);
}

/* The load of each repetition was that of the first. */
static void result_merge_check_repeats(struct result_merge *m, const char *const *names)
{
	size_t n_first = 0;

	for (size_t repeat = 1; repeat <= m->n_repeats && !m->is_refused; repeat++) {
		size_t n = 0, run = 0;

		for (size_t i = 0; i < m->sum.parts.n; i++)
			if (result_merge_run_at(m, i)->repeat == (int64_t)repeat && n++ == 0)
				run = i;
		n_first = repeat == 1 ? n : n_first;
		if (!result_merge_has_same_slices(m, (int64_t)repeat))
			result_merge_refuse_slices(m, names[0], (int64_t)repeat, names[run]);
		else if (n != n_first)
			result_merge_refuse(m,
				"%.180s is a sum of %zu runs, %.180s of %zu: these are not "
				"repetitions of one load",
				names[0], n_first, names[run], n);
	}
}

int result_merge_check(struct result_merge *m)
{
	const char **names;
	size_t n = 0;

	if (result_merge_check_plans(m) < 0)
		return -1;
	if (result_merge_runs(m) < 0)
		return -1;
	if (m->n_repeats > RESULT_MERGE_RUNS_MAX || m->sum.parts.n > RESULT_MERGE_RUNS_MAX) {
		result_merge_refuse(
			m, "these are more than %d runs: merge fewer", RESULT_MERGE_RUNS_MAX);
		return -1;
	}
	names = memory_calloc(m->sum.parts.n + 1, sizeof(*names));
	if (!names)
		return -1;
	/* Merged documents bring several runs. */
	for (size_t i = 0; i < m->n; i++) {
		const struct result_list *its = &m->results[i].parts;

		for (size_t k = its->is == RESULT_IS_THERE ? its->n : 1; k > 0; k--)
			names[n++] = m->parts[i].name;
	}
	result_merge_check_runs(m, names);
	result_merge_check_slices(m, names);
	if (result_merge_index_slices(m) < 0) {
		free(names);
		return -1;
	}
	if (!m->is_refused)
		result_merge_check_once(m, names);
	if (!m->is_refused && m->is_repeats)
		result_merge_check_repeats(m, names);
	free(names);
	return m->is_refused ? -1 : 0;
}
