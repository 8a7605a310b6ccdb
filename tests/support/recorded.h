/* SPDX-License-Identifier: Apache-2.0 */
/* The results that are recorded in tests/data, as documents; new references. */
#pragma once

#include <check.h>
#include <jansson.h>
#include <stdio.h>

static inline json_t *recorded_load(const char *prefix, const char *name)
{
	char path[128];
	json_error_t error;
	json_t *doc;

	(void)snprintf(path, sizeof(path), "tests/data/%s%s.json", prefix, name);
	doc = json_load_file(path, 0, &error);
	ck_assert_msg(doc != NULL, "%s: %s", path, error.text);
	return doc;
}

/* Those whose reports are recorded, too. */
static inline json_t *recorded_report(const char *name)
{
	return recorded_load("result_", name);
}

/* Those of every kind of run (tests/support/record_results.sh). */
static inline json_t *recorded_run(const char *name)
{
	return recorded_load("results/", name);
}
