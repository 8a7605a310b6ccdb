/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of waiting for what will surely come: they end a test that hangs. A sanitizer or a busy
 * machine needs more time, and tests/support/run_tests.sh says how many times as much. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "common/clock.h"

/* So many seconds from now. */
static inline int64_t limit_ns(int64_t seconds)
{
	const char *times = getenv("RPSD_TEST_TIMES");

	return clock_now_ns() + seconds * NSEC_PER_SEC * (times ? atoi(times) : 1);
}
