/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that are counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/result.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

json_t *result_merge_outside(const struct result_merge *m)
{
	const struct result_outside *sum = &m->sum.outside;
	struct ledger warmup = result_counts(&sum->warmup);
	struct ledger cooldown = result_counts(&sum->cooldown);

	return result_outside(&warmup, &m->ledger, &cooldown,
		result_is_known(sum->retries) ? (uint64_t)sum->retries : 0);
}

static const struct result_number *result_merge_status(const struct result_merge *m, size_t i)
{
	return (const struct result_number *)m->sum.statuses.rows + i;
}

/* In the order of numbers; what is no number of three digits is no status. */
json_t *result_merge_statuses(const struct result_merge *m)
{
	int64_t counts[1000] = {0};
	json_t *all = json_object();
	char name[16];

	for (size_t i = 0; i < m->sum.statuses.n; i++) {
		const struct result_number *status = result_merge_status(m, i);

		if (strlen(status->name) == 3 && strspn(status->name, "0123456789") == 3 &&
			result_is_known(status->n))
			counts[strtol(status->name, NULL, 10)] = status->n;
	}
	for (int status = 0; status < 1000; status++) {
		(void)snprintf(name, sizeof(name), "%03d", status);
		if (counts[status] > 0)
			all = result_merge_with(all, name, json_integer(counts[status]));
	}
	return all;
}

json_t *result_merge_redirects(struct result_merge *m)
{
	struct result_redirects *sum = &m->sum.redirects;
	double answers = 0;

	sum->is = RESULT_IS_THERE;
	if (!result_is_known(sum->count))
		sum->count = 0;
	for (size_t i = 0; i < m->sum.statuses.n; i++)
		if (result_is_known(result_merge_status(m, i)->n))
			answers += (double)result_merge_status(m, i)->n;
	sum->share = answers > 0 ? (double)sum->count / answers : RESULT_REAL_NULL;
	sum->location = result_null_text;
	for (size_t i = 0; i < m->n && sum->location == result_null_text; i++) {
		const char *location = m->results[i].redirects.location;

		if (location && location != result_null_text &&
			result_set_text(&sum->location, location) < 0)
			return NULL;
	}
	return result_table_write(&result_redirects_table, sum);
}

/* ---------------------------------------------------------------- errors */

static json_t *result_merge_error_like(json_t *all, const json_t *error)
{
	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *there = json_array_get(all, i);

		if (str_eq(result_text(there, "class"), result_text(error, "class")) &&
			str_eq(result_text(there, "phase"), result_text(error, "phase")))
			return there;
	}
	return NULL;
}

/* Counts add; the example is that of the first, by each run's own clock. */
static void result_merge_error(json_t *to, const json_t *from)
{
	const struct result_merge_view both = {.at = {to, from}};
	int64_t first = INT64_MAX, last = 0, other;

	(void)json_object_set_new(to, "count", json_integer(result_merge_sum(&both, "count")));
	(void)result_int(to, "first_ns", &first);
	(void)result_int(to, "last_ns", &last);
	if (result_int(from, "first_ns", &other) && other < first) {
		(void)json_object_set_new(to, "first_ns", json_integer(other));
		(void)json_object_set_new(to, "example", json_string(result_text(from, "example")));
	}
	if (result_int(from, "last_ns", &other) && other > last)
		(void)json_object_set_new(to, "last_ns", json_integer(other));
}

json_t *result_merge_errors(const struct result_merge *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->n; i++) {
		const json_t *errors = result_at(m->docs.at[i], "errors");

		for (size_t k = 0; k < json_array_size(errors); k++) {
			const json_t *error = json_array_get(errors, k);
			json_t *there = result_merge_error_like(all, error);

			if (there)
				result_merge_error(there, error);
			else if (json_is_object(error) &&
				 json_array_append_new(all, json_deep_copy(error)) < 0) {
				json_decref(all);
				return NULL;
			}
		}
	}
	return all;
}

/* ---------------------------------------------------------------- connections */

/* What a share of connections is a share of, in one part. */
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

json_t *result_merge_connections(struct result_merge *m)
{
	const struct result_table *t = &result_connections_table;
	struct result_connections *sum = &m->sum.connections;

	sum->is = RESULT_IS_THERE;
	sum->reused_share = result_merge_share(
		m, result_table_find(t, "reused_share"), result_merge_requests_sent);
	sum->tls_resumed_share = result_merge_share(
		m, result_table_find(t, "tls_resumed_share"), result_merge_handshakes);
	return result_table_write(t, sum);
}
