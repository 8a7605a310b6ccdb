/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include <time.h>

static int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail: these clocks exist on every Linux. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_thread_ns(void)
{
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_unix_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

int64_t clock_cost_ns(int64_t (*read_ns)(void))
{
	enum { ROUNDS = 20, READINGS = 100 };
	int64_t least_ns = CLOCK_NEVER;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t start_ns = read_ns();
		int64_t end_ns = start_ns;

		for (int k = 0; k < READINGS; k++)
			end_ns = read_ns();
		if (end_ns - start_ns < least_ns)
			least_ns = end_ns - start_ns;
	}
	return least_ns / READINGS;
}
