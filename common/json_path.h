/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a JSON document by their paths: "latency.response.p99_ns". Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Far above any figure of a run. A document may come from any source: larger numbers are read as
 * this one, so that the sum and the difference of two figures stay in range, and a real fits an
 * int64_t. */
#define JSON_PATH_INT_MAX (INT64_MAX / 2)

/* The value at "latency.response.p99_ns"; NULL when a part is absent. Borrowed. */
const json_t *json_path_at(const json_t *doc, const char *path);
/* False when absent or null (or of another type): *ret is untouched. Within JSON_PATH_INT_MAX on
 * both sides of zero. */
bool json_path_int(const json_t *doc, const char *path, int64_t *ret);
bool json_path_real(const json_t *doc, const char *path, double *ret); /* integers too */
bool json_path_bool(const json_t *doc, const char *path, bool *ret);
const char *json_path_text(const json_t *doc, const char *path); /* "" when absent or null */
