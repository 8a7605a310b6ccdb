/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include <time.h>

static int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail: both clocks exist on every Linux. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_unix_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}
