/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies of a merged result. The slots are in hdr; count, extremes, mean and deviation are exact
 * in the document and not in hdr, so the sums that they come from are made again from them: exact
 * but for the rounding of the mean to a nanosecond. What does not belong to its histogram is no
 * figure of ours, and is refused: it would bend the percentiles. */
#include <errno.h>
#include <stdio.h>

#include "common/hdr_codec.h"
#include "common/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

/* The exact figures of the document into a decoded histogram; false where they are not its own. */
static bool result_merge_sharpen(const json_t *latency, struct histogram *h)
{
	int64_t count, min, max;
	double mean, deviation = 0;

	if (!result_int(latency, "count", &count) || !result_int(latency, "min_ns", &min) ||
		!result_int(latency, "max_ns", &max) || !result_real(latency, "mean_ns", &mean))
		return false;
	(void)result_real(latency, "stddev_ns", &deviation);
	if (count < 0 || (uint64_t)count != h->count || min < 0 ||
		histogram_index(h, min) != histogram_index(h, h->min) ||
		histogram_index(h, max) != histogram_index(h, h->max))
		return false;
	/* Written so that what is no number is refused; the mean was rounded. */
	if (!(mean >= (double)min - 1 && mean <= (double)max + 1 && deviation >= 0 &&
		    deviation <= (double)max + 1))
		return false;
	h->min = min;
	h->max = max;
	h->sum = mean * (double)count;
	h->sum_squares = (mean * mean + deviation * deviation) * (double)count;
	return true;
}

int result_merge_read(
	struct result_merge *m, size_t part, const json_t *latency, struct histogram *ret)
{
	int64_t count = 0;
	struct histogram h;
	int r;

	(void)result_int(latency, "count", &count);
	if (count == 0)
		return 1;
	r = hdr_decode(result_text(latency, "hdr"), &h);
	if (r == -ENOMEM)
		return -1;
	if (r == 0 && result_merge_sharpen(latency, &h)) {
		*ret = h;
		return 0;
	}
	if (r == 0)
		histogram_fini(&h);
	result_merge_refuse(m,
		"%.200s: a latency has %jd values, but no histogram (hdr) of them that can be read",
		m->parts[part].name, (intmax_t)count);
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
		result_merge_note(m, NOTE_MERGE_REBINNED, "",
			"the histograms of the parts are not of one layout: values were put into "
			"the first one's, each as the largest of its old slot");
	histogram_add(to, from);
	return 0;
}

/* One latency of all parts. 0 or -1; sum may stay zeroed. */
static int result_merge_add_all(
	struct result_merge *m, const struct result_merge_view *v, struct histogram *sum)
{
	for (size_t i = 0; i < m->n; i++) {
		struct histogram h;
		int r;

		if (!v->at[i])
			continue;
		r = result_merge_read(m, i, v->at[i], &h);
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

json_t *result_merge_latency(
	struct result_merge *m, const struct result_merge_view *v, struct histogram *ret_main)
{
	json_t *keys = result_merge_keys(m, v);
	json_t *all = json_object();

	for (void *at = json_object_iter(keys); at && all; at = json_object_iter_next(keys, at)) {
		const char *key = json_object_iter_key(at);
		struct result_merge_view one = result_merge_member(m, v, key);
		struct histogram sum = {0};

		if (result_merge_add_all(m, &one, &sum) == 0) {
			all = result_merge_with(all, key, result_latency(&sum));
		} else {
			json_decref(all);
			all = NULL;
		}
		if (all && ret_main && str_eq(key, m->main_key))
			*ret_main = sum;
		else
			histogram_fini(&sum);
	}
	if (!keys) {
		json_decref(all);
		all = NULL;
	}
	json_decref(keys);
	return all;
}

/* ---------------------------------------------------------------- by the name of the request */

static const json_t *result_merge_first(
	const struct result_merge *m, const struct result_merge_view *v)
{
	for (size_t i = 0; i < m->n; i++)
		if (json_is_object(v->at[i]))
			return v->at[i];
	return NULL;
}

static struct result_request *result_merge_request_sum(struct result_merge *m, const char *name)
{
	struct result_request *all = m->sum.requests.rows;

	for (size_t i = 0; i < m->sum.requests.n; i++)
		if (str_eq(all[i].name, name))
			return &all[i];
	return NULL;
}

/* Its counts and rates are in the sum already. */
static json_t *result_merge_request(
	struct result_merge *m, const struct result_merge_view *v, struct result_request *sum)
{
	const json_t *first = result_merge_first(m, v);
	struct result_merge_view latencies = result_merge_at(v, "latency");
	struct ledger ledger = result_counts(&sum->ledger);
	struct histogram main = {0};
	json_t *latency = result_merge_latency(m, &latencies, &main);
	json_t *doc = NULL;
	int r = 0;

	if (json_is_string(result_at(first, "method")))
		r |= result_set_text(&sum->method, result_text(first, "method"));
	if (json_is_string(result_at(first, "target")))
		r |= result_set_text(&sum->target, result_text(first, "target"));
	(void)result_int(first, "weight", &sum->weight);
	sum->share = m->ledger.planned > 0 ? (double)ledger.planned / (double)m->ledger.planned : 0;
	result_fill_ledger(&ledger, &sum->ledger);
	sum->rates.is = RESULT_IS_THERE;
	if (str_eq(m->main_key, "response"))
		result_fill_offered(&main, ledger.planned, &sum->offered);
	/* The latencies have their place before the offered percentiles. */
	sum->latency.is = RESULT_IS_NULL;
	if (r == 0)
		doc = result_table_write(&result_request_table, sum);
	doc = result_merge_with(doc, "latency", latency);
	histogram_fini(&main);
	return doc;
}

json_t *result_merge_requests(struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "requests");
	json_t *keys = result_merge_keys(m, &v);
	json_t *all = json_object();

	for (void *at = json_object_iter(keys); at && all; at = json_object_iter_next(keys, at)) {
		struct result_merge_view one = result_merge_member(m, &v, json_object_iter_key(at));

		struct result_request *sum = result_merge_request_sum(m, json_object_iter_key(at));

		if (sum)
			all = result_merge_with(all, sum->name, result_merge_request(m, &one, sum));
	}
	json_decref(keys);
	return all;
}
