/* SPDX-License-Identifier: Apache-2.0 */
/* The progress that an answer of Watch has, for tests that write it as JSON. */
#pragma once

#include <check.h>

#include "common/control/progress.h"

/* To be ended by progress_fini. */
static inline struct progress progress_of(json_t *doc)
{
	json_t *answer = json_pack("{s:O}", "progress", doc);
	struct progress now;
	uint64_t skipped;

	ck_assert_int_eq(progress_read(answer, &now, &skipped), 0);
	json_decref(answer);
	return now;
}
