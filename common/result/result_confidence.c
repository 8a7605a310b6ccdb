/* SPDX-License-Identifier: Apache-2.0 */
/* The members ci95 and n_effective of a latency, for the daemon's results and for merged ones: the
 * same batches give the same figures in both. */
#include "common/result/result_confidence.h"

#include <errno.h>

#include "common/stats/confidence.h"
#include "common/stats/quantile.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"

/* Both ends, or null. 0 or -ENOMEM. */
static int result_confidence_interval(const struct confidence *c, struct result_list *ret)
{
	const int64_t ends[] = {c->low_ns, c->high_ns == QUANTILE_NONE ? RESULT_NULL : c->high_ns};

	ret->is = RESULT_IS_NULL;
	for (size_t i = 0; i < 2 && c->is_known; i++) {
		struct result_number *end = result_list_add(&result_bound_table, ret, NULL);

		if (!end)
			return -ENOMEM;
		end->n = ends[i];
	}
	return 0;
}

int result_confidence_fill(struct result_latency *latency, const struct confidence_batch *batches,
	size_t n_batches, const struct histogram *whole, uint64_t n, double level)
{
	struct result_ci95 *ci = &latency->ci95;
	struct result_effective *effective = &latency->n_effective;
	const struct {
		double q;
		struct result_list *interval;
		double *n;
	} all[] = {
		{0.5, &ci->p50_ns, &effective->p50},
		{0.9, &ci->p90_ns, &effective->p90},
		{0.99, &ci->p99_ns, &effective->p99},
		{0.999, &ci->p99_9_ns, &effective->p99_9},
	};
	int r = 0;

	ci->is = effective->is = RESULT_IS_THERE;
	ci->level = level;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && r == 0; i++) {
		struct confidence c;

		r = confidence_of(batches, n_batches, whole, n, all[i].q, level, &c);
		if (r < 0)
			break;
		*all[i].n = c.n_effective > 0 ? c.n_effective : RESULT_REAL_NULL;
		r = result_confidence_interval(&c, all[i].interval);
	}
	return r < 0 ? -ENOMEM : 0;
}
