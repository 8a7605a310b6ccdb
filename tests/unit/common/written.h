/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a result as its document has them: filled and written by the table of its fields. */
#pragma once

#include <jansson.h>

#include "common/stats/confidence.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result/result_confidence.h"

/* NULL: no memory. */
static inline json_t *written_latency(const struct histogram *h)
{
	struct result_latency latency;
	json_t *object = NULL;

	result_table_init(&result_latency_table, &latency);
	if (result_fill_latency(h, &latency) == 0)
		object = result_table_write(&result_latency_table, &latency);
	result_table_fini(&result_latency_table, &latency);
	return object;
}

static inline json_t *written_offered(const struct histogram *ok, uint64_t planned)
{
	struct result_offered offered;

	result_table_init(&result_offered_table, &offered);
	result_fill_offered(ok, planned, &offered);
	return result_table_write(&result_offered_table, &offered);
}

static inline json_t *written_ledger(const struct ledger *l)
{
	struct result_ledger ledger;

	result_table_init(&result_ledger_table, &ledger);
	result_fill_ledger(l, &ledger);
	return result_table_write(&result_ledger_table, &ledger);
}

/* Of a latency's members those that say how exact its quantiles are, at a level of 0.95. */
static inline json_t *written_confidence(const struct confidence_batch *batches, size_t n_batches,
	const struct histogram *whole, uint64_t n)
{
	struct result_latency latency;
	json_t *object = NULL;

	result_table_init(&result_latency_table, &latency);
	if (result_confidence_fill(&latency, batches, n_batches, whole, n, 0.95) == 0)
		object = json_pack("{s:o, s:o}", "ci95",
			result_table_write(&result_ci95_table, &latency.ci95), "n_effective",
			result_table_write(&result_effective_table, &latency.n_effective));
	result_table_fini(&result_latency_table, &latency);
	return object;
}
