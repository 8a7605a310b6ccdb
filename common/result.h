/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a run: one JSON document (schema rpsd.result/1), the same from the daemon, the
 * store and a file; every output format is rendered from it. This header reads a
 * figure by its path. Pure.
 *
 * Integers in ns where the name ends in _ns; null = unknown or unserved; absent = not
 * applicable. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define RESULT_SCHEMA "rpsd.result/1"

/* Far above any figure of a run. A document may come from any source: larger numbers are read as
 * this one, so that the sum and the difference of two figures stay in range, and a real fits an
 * int64_t. */
#define RESULT_INT_MAX (INT64_MAX / 2)

/* The value at "latency.response.p99_ns"; NULL when a part is absent. Borrowed. */
const json_t *result_at(const json_t *doc, const char *path);
/* False when absent or null (or of another type): *ret is untouched. Within RESULT_INT_MAX on both
 * sides of zero. */
bool result_int(const json_t *doc, const char *path, int64_t *ret);
bool result_real(const json_t *doc, const char *path, double *ret); /* integers too */
bool result_bool(const json_t *doc, const char *path, bool *ret);
const char *result_text(const json_t *doc, const char *path); /* "" when absent or null */
