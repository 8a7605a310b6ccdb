/* SPDX-License-Identifier: Apache-2.0 */
/* The members ci95 and n_effective of a latency, for the daemon's results and for merged ones: the
 * same batches give the same figures, whoever adds them up. */
#include "common/result_confidence.h"

#include <errno.h>
#include <stdio.h>

#include "common/confidence.h"
#include "common/quantile.h"

static json_t *result_confidence_interval(const struct confidence *c)
{
	if (!c->is_known)
		return json_null();
	return json_pack("[I o]", (json_int_t)c->low_ns,
		c->high_ns == QUANTILE_NONE ? json_null() : json_integer(c->high_ns));
}

int result_confidence_add(json_t *latency, const struct confidence_batch *batches, size_t n_batches,
	const struct histogram *whole, uint64_t n, double level)
{
	static const char *const names[] = {"p50", "p90", "p99", "p99_9"};
	static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};
	json_t *ci = json_pack("{s:f}", "level", level);
	json_t *effective = json_object();
	int r = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && r == 0; i++) {
		struct confidence c;
		char key[16];

		if (confidence_of(batches, n_batches, whole, n, quantiles[i], level, &c) < 0) {
			r = -1;
			break;
		}
		(void)snprintf(key, sizeof(key), "%s_ns", names[i]);
		r |= json_object_set_new(ci, key, result_confidence_interval(&c));
		r |= json_object_set_new(effective, names[i],
			c.n_effective > 0 ? json_real(c.n_effective) : json_null());
	}
	r |= json_object_set_new(latency, "ci95", ci);
	r |= json_object_set_new(latency, "n_effective", effective);
	return r ? -ENOMEM : 0;
}
