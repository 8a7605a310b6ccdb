/* SPDX-License-Identifier: Apache-2.0 */
/* Classes come from the ledger's table and quantiles from theirs; each has a field of its name,
 * which the tests of the tables hold. */
#include "common/result/result_fill.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/memory.h"
#include "common/stats/quantile.h"
#include "common/result/result_table.h"

int result_set_text(char **field, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *copy = text ? memory_malloc(size) : result_null_text;

	if (!copy)
		return -ENOMEM;
	if (text)
		memcpy(copy, text, size);
	if (*field != result_null_text)
		free(*field);
	*field = copy;
	return 0;
}

/* The integer of that name. */
static int64_t *result_fill_int(const struct result_table *t, void *at, const char *name)
{
	return (int64_t *)(void *)((char *)at + result_table_find(t, name)->offset);
}

/* ---------------------------------------------------------------- ledgers */

void result_fill_ledger(const struct ledger *from, struct result_ledger *ret)
{
	const struct result_table *t = &result_ledger_table;

	ret->is = RESULT_IS_THERE;
	ret->planned = (int64_t)from->planned;
	ret->sent = (int64_t)from->sent;
	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		*result_fill_int(t, ret, ledger_class_names[c]) = (int64_t)from->classes[c];
	ret->balanced = ledger_balances(from) ? RESULT_YES : RESULT_NO;
}

static uint64_t result_count(int64_t n)
{
	return result_is_known(n) ? (uint64_t)n : 0;
}

struct ledger result_counts(const struct result_ledger *from)
{
	struct result_ledger copy = *from;
	struct ledger l = {
		.planned = result_count(from->planned),
		.sent = result_count(from->sent),
	};

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		l.classes[c] = result_count(
			*result_fill_int(&result_ledger_table, &copy, ledger_class_names[c]));
	return l;
}

int result_status_of(const struct result_number *row)
{
	int status = 0;

	if (row->is != RESULT_IS_THERE || row->n <= 0 || sscanf(row->name, "%3d", &status) != 1)
		return 0;
	return status;
}

void result_fill_outside(const struct ledger *warmup, const struct ledger *window,
	const struct ledger *cooldown, uint64_t retries, struct result_outside *ret)
{
	double sent = (double)warmup->sent + (double)window->sent + (double)cooldown->sent;

	ret->is = RESULT_IS_THERE;
	result_fill_ledger(warmup, &ret->warmup);
	result_fill_ledger(cooldown, &ret->cooldown);
	ret->retries = (int64_t)retries;
	ret->repeated_share = sent > 0 ? (double)retries / sent : RESULT_REAL_NULL;
}

/* ---------------------------------------------------------------- times */

static void result_fill_quantile(
	const struct result_table *t, void *at, const struct quantile_name *q, int64_t ns)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s_ns", q->name);
	*result_fill_int(t, at, name) = ns == QUANTILE_NONE ? RESULT_NULL : ns;
}

/* A figure in whole ns, null when there is nothing to say it of. */
static int64_t result_fill_ns(const struct histogram *h, double ns)
{
	if (h->count == 0)
		return RESULT_NULL;
	return ns < (double)INT64_MAX ? (int64_t)llround(ns) : INT64_MAX;
}

int result_set_hdr(char **field, const struct histogram *h)
{
	char *text = h->count > 0 ? hdr_encode(h) : result_null_text;

	if (!text)
		return -ENOMEM;
	if (*field != result_null_text)
		free(*field);
	*field = text;
	return 0;
}

int result_fill_latency(const struct histogram *h, struct result_latency *ret)
{
	ret->is = RESULT_IS_THERE;
	ret->count = (int64_t)h->count;
	ret->min_ns = h->count > 0 ? h->min : RESULT_NULL;
	ret->max_ns = h->count > 0 ? h->max : RESULT_NULL;
	ret->mean_ns = result_fill_ns(h, histogram_mean(h));
	ret->stddev_ns = result_fill_ns(h, histogram_stddev(h));
	for (unsigned i = 0; i < quantile_n_names; i++)
		result_fill_quantile(&result_latency_table, ret, &quantile_names[i],
			quantile_served(h, quantile_names[i].q));
	return result_set_hdr(&ret->hdr, h);
}

void result_fill_offered(const struct histogram *ok, uint64_t planned, struct result_offered *ret)
{
	ret->is = RESULT_IS_THERE;
	for (unsigned i = 0; i < quantile_n_names; i++)
		result_fill_quantile(&result_offered_table, ret, &quantile_names[i],
			quantile_offered(ok, planned, quantile_names[i].q));
	ret->unserved_share = planned == 0 ? RESULT_REAL_NULL
			      : planned > ok->count
				      ? (double)(planned - ok->count) / (double)planned
				      : 0;
}

int result_add_note(struct result_list *notes, const char *code, double value, double limit,
	const char *unit, const char *text, const char *remedy)
{
	struct result_note *note = result_list_add(&result_note_table, notes, NULL);

	if (!note)
		return -ENOMEM;
	note->value = value;
	note->limit = limit;
	return result_set_text(&note->code, code) |
	       (unit ? result_set_text(&note->unit, unit) : 0) |
	       result_set_text(&note->text, text) | result_set_text(&note->try, remedy);
}

/* ---------------------------------------------------------------- and back */

/* The exact figures of the document into a decoded histogram; false where they are not its own. */
static bool result_sharpen(const struct result_latency *l, struct histogram *h)
{
	double mean = (double)l->mean_ns;
	double deviation = result_is_known(l->stddev_ns) ? (double)l->stddev_ns : 0;

	if (!result_is_known(l->min_ns) || !result_is_known(l->max_ns) ||
		!result_is_known(l->mean_ns) || (uint64_t)l->count != h->count || l->min_ns < 0 ||
		histogram_index(h, l->min_ns) != histogram_index(h, h->min) ||
		histogram_index(h, l->max_ns) != histogram_index(h, h->max))
		return false;
	/* The mean was rounded. */
	if (mean < (double)l->min_ns - 1 || mean > (double)l->max_ns + 1 || deviation < 0 ||
		deviation > (double)l->max_ns + 1)
		return false;
	h->min = l->min_ns;
	h->max = l->max_ns;
	h->sum = mean * (double)l->count;
	h->sum_squares = (mean * mean + deviation * deviation) * (double)l->count;
	return true;
}

int result_read_histogram(const struct result_latency *from, struct histogram *ret)
{
	struct histogram h;
	int r;

	if (!result_is_known(from->count) || (from->count == 0 && !*result_words(from->hdr)))
		return 1;
	r = hdr_decode(result_words(from->hdr), &h);
	if (r < 0)
		return r;
	if (!result_sharpen(from, &h)) {
		histogram_fini(&h);
		return -EINVAL;
	}
	*ret = h;
	return 0;
}
