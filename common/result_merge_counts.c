/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a merged result that are counts. */
#include <stdio.h>
#include <string.h>

#include "common/result.h"
#include "common/result_merge_internal.h"
#include "common/str.h"

struct ledger result_merge_ledger(const struct result_merge_view *ledgers)
{
	struct ledger sum = {
		.planned = (uint64_t)result_merge_sum(ledgers, "planned"),
		.sent = (uint64_t)result_merge_sum(ledgers, "sent"),
	};

	for (unsigned c = 0; c < LEDGER_CLASS_COUNT; c++)
		sum.classes[c] = (uint64_t)result_merge_sum(ledgers, ledger_class_names[c]);
	return sum;
}

json_t *result_merge_outside(const struct result_merge *m)
{
	struct result_merge_view warmups = result_merge_at(&m->docs, "outside.warmup");
	struct result_merge_view cooldowns = result_merge_at(&m->docs, "outside.cooldown");
	struct ledger warmup = result_merge_ledger(&warmups);
	struct ledger cooldown = result_merge_ledger(&cooldowns);

	return result_outside(&warmup, &m->ledger, &cooldown,
		(uint64_t)result_merge_sum(&m->docs, "outside.retries"));
}

/* In the order of numbers. */
json_t *result_merge_statuses(const struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "statuses");
	json_t *all = json_object();
	char name[16];

	for (int status = 0; status < 1000; status++) {
		int64_t n;

		(void)snprintf(name, sizeof(name), "%03d", status);
		n = result_merge_sum(&v, name);
		if (n > 0)
			all = result_merge_with(all, name, json_integer(n));
	}
	return all;
}

static int64_t result_merge_answers(const json_t *doc)
{
	json_t *statuses = json_object_get(doc, "statuses");
	double n = 0;

	for (void *at = json_object_iter(statuses); at; at = json_object_iter_next(statuses, at))
		n += json_number_value(json_object_iter_value(at));
	return n < 9e18 ? (int64_t)n : INT64_MAX;
}

json_t *result_merge_redirects(const struct result_merge *m)
{
	int64_t n = result_merge_sum(&m->docs, "redirects.count");
	const char *location = NULL;
	double answers = 0;

	for (size_t i = 0; i < m->n; i++) {
		const json_t *there = result_at(m->docs.at[i], "redirects.location");

		answers += (double)result_merge_answers(m->docs.at[i]);
		if (!location && json_is_string(there))
			location = json_string_value(there);
	}
	return json_pack("{s:I s:o s:o}", "count", (json_int_t)n, "share",
		answers > 0 ? json_real((double)n / answers) : json_null(), "location",
		location ? json_string(location) : json_null());
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

/* What a share is a share of, for each part. */
static void result_merge_weights(
	const struct result_merge *m, const char *share, double *ret_weights)
{
	bool of_handshakes = str_eq(share, "tls_resumed_share");

	for (size_t i = 0; i < m->n; i++) {
		const struct result_merge_view one = {.at = {m->docs.at[i]}};

		ret_weights[i] =
			of_handshakes
				? result_merge_sum_real(&one, "latency.tls.count")
				: result_merge_sum_real(&one, "ledger.sent") +
					  result_merge_sum_real(&one, "outside.warmup.sent") +
					  result_merge_sum_real(&one, "outside.cooldown.sent");
	}
}

/* How many there were at a time, not how many in all: repetitions do not add it up. */
static bool result_merge_is_mark(const char *key)
{
	return str_eq(key, "limit") || str_ends(key, "peak");
}

json_t *result_merge_connections(const struct result_merge *m)
{
	struct result_merge_view v = result_merge_at(&m->docs, "connections");
	double weights[RESULT_MERGE_PARTS_MAX] = {0};
	json_t *keys = result_merge_keys(m, &v);
	json_t *all = json_object();

	for (void *at = json_object_iter(keys); at; at = json_object_iter_next(keys, at)) {
		const char *key = json_object_iter_key(at);
		double weight = 0;

		if (!str_ends(key, "_share")) {
			bool is_mark = m->is_repeats && result_merge_is_mark(key);

			all = result_merge_with(all, key,
				result_merge_value(m, &v, key,
					is_mark ? RESULT_MERGE_MOST : RESULT_MERGE_SUM));
			continue;
		}
		result_merge_weights(m, key, weights);
		for (size_t i = 0; i < m->n; i++)
			weight += weights[i];
		all = result_merge_with(all, key,
			weight > 0 ? json_real(result_merge_mean(&v, key, weights)) : json_null());
	}
	json_decref(keys);
	return all;
}
