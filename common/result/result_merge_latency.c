/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies of a merged result. The slots are in hdr; count, extremes, mean and deviation are exact
 * in the document and not in hdr (result_read_histogram). What does not belong to its histogram is
 * no figure of ours, and is refused: it would bend the percentiles. */
#include <errno.h>
#include <stdio.h>

#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

/* 0; 1: there is nothing in it; -1: refused, or no memory. */
static int result_merge_read(struct result_merge *m, size_t part,
	const struct result_latency *latency, struct histogram *ret)
{
	int r = result_read_histogram(latency, ret);

	if (r != -EINVAL)
		return r < 0 ? -1 : r;
	result_merge_refuse(m,
		"%.200s: a latency has %jd values, but no histogram (hdr) of them that can be read",
		m->parts[part].name, (intmax_t)latency->count);
	return -1;
}

int result_merge_add(struct result_merge *m, struct histogram *to, const struct histogram *from)
{
	if (to->n_slots == 0 && histogram_init(to, from->lowest, from->highest, from->digits) < 0)
		return -1;
	if (from->count > INT64_MAX - to->count) {
		result_merge_refuse(m, "the counts are larger than counts can be");
		return -1;
	}
	if (to->lowest != from->lowest || to->highest != from->highest ||
		to->digits != from->digits)
		result_merge_note(m, NOTE_MERGE_REBINNED, "results of one version of rpsd",
			"the histograms of the parts are not of one layout: values were put into "
			"the first one's, each as the largest of its old slot");
	histogram_add(to, from);
	return 0;
}

/* The latencies of each part: of the whole, or of one request; NULL where it has none. */
struct result_merge_lists {
	const struct result_list *at[RESULT_MERGE_PARTS_MAX];
};

/* One latency of all parts. 0 or -1; sum may stay zeroed. */
static int result_merge_add_all(struct result_merge *m, const struct result_merge_lists *lists,
	const char *name, struct histogram *sum)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct result_latency *its =
			lists->at[i] ? result_list_find(&result_latency_table, lists->at[i], name)
				     : NULL;
		struct histogram h;
		int r = its ? result_merge_read(m, i, its, &h) : 1;

		if (r < 0)
			return -1;
		if (r > 0)
			continue;
		r = result_merge_add(m, sum, &h);
		histogram_fini(&h);
		if (r < 0)
			return -1;
	}
	return 0;
}

/* Fills the sum's rows. ret_main: the histogram of main_key. 0 or -1. */
static int result_merge_fill(struct result_merge *m, const struct result_merge_lists *lists,
	struct result_list *to, struct histogram *ret_main)
{
	struct result_latency *rows = to->rows;

	to->is = RESULT_IS_THERE;
	for (size_t i = 0; i < to->n; i++) {
		struct histogram sum = {0};
		int r = result_merge_add_all(m, lists, rows[i].name, &sum);

		if (r == 0)
			r = result_fill_latency(&sum, &rows[i]);
		if (str_eq(rows[i].name, m->main_key))
			*ret_main = sum;
		else
			histogram_fini(&sum);
		if (r < 0)
			return -1;
	}
	return 0;
}

int result_merge_latencies(struct result_merge *m)
{
	struct result_merge_lists lists = {0};

	for (size_t i = 0; i < m->n; i++)
		lists.at[i] = &m->results[i].latency;
	if (result_merge_fill(m, &lists, &m->sum.latency, &m->main) < 0)
		return -1;
	if (str_eq(m->main_key, "response"))
		result_fill_offered(&m->main, m->ledger.planned, &m->sum.offered);
	return 0;
}

/* ---------------------------------------------------------------- of requests and stages */

/* What is found anew in the counts and histograms of a request or a stage. 0 or -1. */
static int result_merge_anew(struct result_merge *m, const struct result_merge_lists *lists,
	struct result_ledger *ledger, struct result_list *latency, struct result_offered *offered)
{
	struct ledger counts = result_counts(ledger);
	struct histogram main = {0};
	int r = result_merge_fill(m, lists, latency, &main);

	result_fill_ledger(&counts, ledger);
	if (r == 0 && str_eq(m->main_key, "response"))
		result_fill_offered(&main, counts.planned, offered);
	histogram_fini(&main);
	return r;
}

/* Its counts and rates are in the sum already. 0 or -1. */
static int result_merge_request(struct result_merge *m, struct result_request *sum)
{
	const struct result_request *first = NULL;
	struct result_merge_lists lists = {0};
	int r = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct result_request *its =
			result_list_find(&result_request_table, &m->results[i].requests, sum->name);

		if (!its)
			continue;
		first = first ? first : its;
		lists.at[i] = &its->latency;
	}
	if (first && first->method)
		r |= result_set_text(&sum->method, result_words(first->method));
	if (first && first->target)
		r |= result_set_text(&sum->target, result_words(first->target));
	sum->weight = first ? first->weight : RESULT_ABSENT;
	sum->rates.is = RESULT_IS_THERE;
	if (r == 0)
		r = result_merge_anew(m, &lists, &sum->ledger, &sum->latency, &sum->offered);
	sum->share =
		m->ledger.planned > 0 ? (double)sum->ledger.planned / (double)m->ledger.planned : 0;
	return r;
}

int result_merge_requests(struct result_merge *m)
{
	struct result_request *rows = m->sum.requests.rows;

	m->sum.requests.is = RESULT_IS_THERE;
	for (size_t i = 0; i < m->sum.requests.n; i++)
		if (result_merge_request(m, &rows[i]) < 0)
			return -1;
	return 0;
}

/* Rows are of the same stage if they have its number: all parts are of one plan. */
int result_merge_stages(struct result_merge *m)
{
	struct result_stage *rows = m->sum.stages.rows;
	size_t next[RESULT_MERGE_PARTS_MAX] = {0};
	int r = 0;

	for (size_t k = 0; k < m->sum.stages.n && r == 0; k++) {
		struct result_merge_lists lists = {0};

		for (size_t i = 0; i < m->n; i++) {
			const struct result_list *its = &m->results[i].stages;
			const struct result_stage *row = its->rows;

			if (next[i] < its->n && row[next[i]].number == rows[k].number)
				lists.at[i] = &row[next[i]++].latency;
		}
		r = result_merge_anew(
			m, &lists, &rows[k].ledger, &rows[k].latency, &rows[k].offered);
	}
	return r;
}
