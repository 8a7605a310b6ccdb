/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that are counts: what is found anew in the sums. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "common/result/result_merge_internal.h"
#include "common/str.h"

static void result_merge_outside(struct result_merge *m)
{
	struct result_outside *sum = &m->sum.outside;
	struct ledger warmup = result_counts(&sum->warmup);
	struct ledger cooldown = result_counts(&sum->cooldown);
	uint64_t retries = result_is_known(sum->retries) ? (uint64_t)sum->retries : 0;

	result_fill_outside(&warmup, &m->ledger, &cooldown, retries, sum);
}

/* In the order of numbers; what is no number of three digits is no status. 0 or -ENOMEM. */
static int result_merge_statuses(struct result_merge *m)
{
	struct result_list *sum = &m->sum.statuses;
	const struct result_number *all = sum->rows;
	int64_t counts[1000] = {0};
	char name[16];

	for (size_t i = 0; i < sum->n; i++)
		if (strlen(all[i].name) == 3 && strspn(all[i].name, "0123456789") == 3 &&
			result_is_known(all[i].n))
			counts[strtol(all[i].name, NULL, 10)] = all[i].n;
	result_list_fini(&result_number_table, true, sum);
	sum->is = RESULT_IS_THERE;
	for (int status = 0; status < 1000; status++) {
		struct result_number *row;

		if (counts[status] <= 0)
			continue;
		(void)snprintf(name, sizeof(name), "%03d", status);
		row = result_list_add(&result_number_table, sum, name);
		if (!row)
			return -ENOMEM;
		row->n = counts[status];
	}
	return 0;
}

/* The share is one of all answers, whatever their statuses. 0 or -ENOMEM. */
static int result_merge_redirects(struct result_merge *m)
{
	struct result_redirects *sum = &m->sum.redirects;
	const struct result_number *statuses = m->sum.statuses.rows;
	double answers = 0;

	sum->is = RESULT_IS_THERE;
	if (!result_is_known(sum->count))
		sum->count = 0;
	for (size_t i = 0; i < m->sum.statuses.n; i++)
		if (result_is_known(statuses[i].n))
			answers += (double)statuses[i].n;
	sum->share = answers > 0 ? (double)sum->count / answers : RESULT_REAL_NULL;
	for (size_t i = 0; i < m->n; i++)
		if (*result_words(m->results[i].redirects.location))
			return result_set_text(&sum->location, m->results[i].redirects.location);
	sum->location = result_null_text;
	return 0;
}

/* ---------------------------------------------------------------- errors */

static struct result_error *result_merge_error_like(
	const struct result_list *all, const struct result_error *error)
{
	struct result_error *rows = all->rows;

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(result_words(rows[i].class), result_words(error->class)) &&
			str_eq(result_words(rows[i].phase), result_words(error->phase)))
			return &rows[i];
	return NULL;
}

/* Counts add; the example is that of the first, by each run's own clock. 0 or -ENOMEM. */
static int result_merge_error(struct result_error *to, const struct result_error *from)
{
	int64_t first = result_is_known(to->first_ns) ? to->first_ns : INT64_MAX;

	if (result_is_known(from->count))
		to->count =
			result_merge_plus(result_is_known(to->count) ? to->count : 0, from->count);
	if (result_is_known(from->last_ns) &&
		(!result_is_known(to->last_ns) || from->last_ns > to->last_ns))
		to->last_ns = from->last_ns;
	if (!result_is_known(from->first_ns) || from->first_ns >= first)
		return 0;
	to->first_ns = from->first_ns;
	return result_set_text(&to->example, result_words(from->example));
}

/* 0 or -ENOMEM. */
static int result_merge_errors(struct result_merge *m)
{
	struct result_list *all = &m->sum.errors;
	int r = 0;

	all->is = RESULT_IS_THERE;
	for (size_t i = 0; i < m->n; i++) {
		const struct result_error *its = m->results[i].errors.rows;

		for (size_t k = 0; k < m->results[i].errors.n && r == 0; k++) {
			struct result_error *there = result_merge_error_like(all, &its[k]);

			if (its[k].is != RESULT_IS_THERE)
				continue;
			if (there) {
				r = result_merge_error(there, &its[k]);
				continue;
			}
			there = result_list_add(&result_error_table, all, NULL);
			r = there ? result_table_copy(&result_error_table, &its[k], there)
				  : -ENOMEM;
		}
	}
	return r;
}

/* ---------------------------------------------------------------- connections */

/* The shares of connections are shares of this number, in one part. */
static double result_merge_requests_sent(const struct result *r)
{
	const int64_t sent[] = {r->ledger.sent, r->outside.warmup.sent, r->outside.cooldown.sent};
	double all = 0;

	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++)
		if (result_is_known(sent[i]))
			all += (double)sent[i];
	return all;
}

static double result_merge_handshakes(const struct result *r)
{
	const struct result_latency *latencies = r->latency.rows;

	for (size_t i = 0; i < r->latency.n; i++)
		if (str_eq(latencies[i].name, "tls") && result_is_known(latencies[i].count))
			return (double)latencies[i].count;
	return 0;
}

/* The mean of a share over what it is a share of; null where there is none of that, absent where no
 * part has it. */
static double result_merge_share(const struct result_merge *m, const struct result_field *f,
	double (*weight_of)(const struct result *r))
{
	double sum = 0, known = 0, all = 0;
	bool is_there = false;

	for (size_t i = 0; i < m->n; i++) {
		double share =
			*(const double *)(const void *)((const char *)&m->results[i].connections +
							f->offset);
		double weight = weight_of(&m->results[i]);

		is_there = is_there || share != RESULT_REAL_ABSENT;
		all += weight;
		if (!result_is_real(share))
			continue;
		sum += share * weight;
		known += weight;
	}
	if (!is_there)
		return RESULT_REAL_ABSENT;
	return all <= 0 ? RESULT_REAL_NULL : known > 0 ? sum / known : 0;
}

static void result_merge_connections(struct result_merge *m)
{
	const struct result_table *t = &result_connections_table;
	struct result_connections *sum = &m->sum.connections;

	sum->is = RESULT_IS_THERE;
	sum->reused_share = result_merge_share(
		m, result_table_find(t, "reused_share"), result_merge_requests_sent);
	sum->tls_resumed_share = result_merge_share(
		m, result_table_find(t, "tls_resumed_share"), result_merge_handshakes);
}

int result_merge_count(struct result_merge *m)
{
	m->ledger = result_counts(&m->sum.ledger);
	result_fill_ledger(&m->ledger, &m->sum.ledger);
	m->sum.rates.is = RESULT_IS_THERE;
	result_merge_outside(m);
	result_merge_connections(m);
	/* Redirects before statuses: these lose what is no status. */
	return result_merge_redirects(m) | result_merge_statuses(m) | result_merge_errors(m);
}
