/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of the result document that repeat, by the table of its fields, and paths into it. */
#include "common/result.h"

#include <math.h>
#include <string.h>

#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"

json_t *result_latency(const struct histogram *h)
{
	struct result_latency latency;
	json_t *object = NULL;

	result_table_init(&result_latency_table, &latency);
	if (result_fill_latency(h, &latency) == 0)
		object = result_table_write(&result_latency_table, &latency);
	result_table_fini(&result_latency_table, &latency);
	return object;
}

json_t *result_offered(const struct histogram *ok, uint64_t planned)
{
	struct result_offered offered;

	result_table_init(&result_offered_table, &offered);
	result_fill_offered(ok, planned, &offered);
	return result_table_write(&result_offered_table, &offered);
}

json_t *result_ledger(const struct ledger *l)
{
	struct result_ledger ledger;

	result_table_init(&result_ledger_table, &ledger);
	result_fill_ledger(l, &ledger);
	return result_table_write(&result_ledger_table, &ledger);
}

json_t *result_outside(const struct ledger *warmup, const struct ledger *window,
	const struct ledger *cooldown, uint64_t retries)
{
	struct result_outside outside;

	result_table_init(&result_outside_table, &outside);
	result_fill_outside(warmup, window, cooldown, retries, &outside);
	return result_table_write(&result_outside_table, &outside);
}

const json_t *result_at(const json_t *doc, const char *path)
{
	while (doc) {
		size_t len = strcspn(path, ".");

		doc = json_object_getn(doc, path, len);
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	return doc;
}

bool result_int(const json_t *doc, const char *path, int64_t *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	if (*ret > RESULT_INT_MAX)
		*ret = RESULT_INT_MAX;
	else if (*ret < -RESULT_INT_MAX)
		*ret = -RESULT_INT_MAX;
	return true;
}

bool result_real(const json_t *doc, const char *path, double *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_number(value))
		return false;
	/* NaN is none of these. */
	*ret = fmin(
		fmax(json_number_value(value), -(double)RESULT_INT_MAX), (double)RESULT_INT_MAX);
	return true;
}

bool result_bool(const json_t *doc, const char *path, bool *ret)
{
	const json_t *value = result_at(doc, path);

	if (!json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

const char *result_text(const json_t *doc, const char *path)
{
	const json_t *value = result_at(doc, path);

	return json_is_string(value) ? json_string_value(value) : "";
}
