/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a run: one JSON document (schema rpsd.result/1), the same from the daemon, the
 * store and a file; every output format is rendered from it. This header has what both programs
 * share: the members that repeat, and reading a figure by its path. Pure.
 *
 * Integers in ns where the name ends in _ns; null = unknown or unserved; absent = not
 * applicable. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct histogram;
struct ledger;

#define RESULT_SCHEMA "rpsd.result/1"

/* Far above any figure of a run. A document may come from any source: larger numbers are read as
 * this one, so that the sum and the difference of two figures stay in range, and a real fits an
 * int64_t. */
#define RESULT_INT_MAX (INT64_MAX / 2)

/* {"count","min_ns","max_ns","mean_ns","stddev_ns","p50_ns",…,"p99_99_ns","hdr"}; all but count
 * null while empty. New reference, NULL: no memory. */
json_t *result_latency(const struct histogram *h);
/* {"p50_ns",…,"unserved_share"} over planned arrivals; null where a rank is unserved. */
json_t *result_offered(const struct histogram *ok, uint64_t planned);
/* {"planned","sent",…every class…,"balanced"} */
json_t *result_ledger(const struct ledger *l);
/* {"warmup","cooldown","retries","repeated_share"}: the last is a share of all requests sent, in
 * and around the window; null if none was sent. */
json_t *result_outside(const struct ledger *warmup, const struct ledger *window,
	const struct ledger *cooldown, uint64_t retries);

/* The value at "latency.response.p99_ns"; NULL when a part is absent. Borrowed. */
const json_t *result_at(const json_t *doc, const char *path);
/* False when absent or null (or of another type): *ret is untouched. Within RESULT_INT_MAX on both
 * sides of zero. */
bool result_int(const json_t *doc, const char *path, int64_t *ret);
bool result_real(const json_t *doc, const char *path, double *ret); /* integers too */
bool result_bool(const json_t *doc, const char *path, bool *ret);
const char *result_text(const json_t *doc, const char *path); /* "" when absent or null */
