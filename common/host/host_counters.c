/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the machine, read before and after a run. A missing file (a chroot, a sandbox,
 * another kernel) leaves its figures unknown and has no other effect. Any thread. */
#include <string.h>

#include "common/clock.h"
#include "common/host/host.h"
#include "common/host/host_cgroup.h"
#include "common/host/host_file.h"
#include "common/host/host_text.h"

#define HOST_CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* ---------------------------------------------------------------- CPU time */

void host_read_ticks(struct host_ticks *ret)
{
	char text[512];

	(void)host_file_read("/proc/stat", text, sizeof(text));
	host_text_ticks(text, ret);
}

/* These ticks as a share of all ticks between two readings; negative: unknown. */
static double host_share(
	const struct host_ticks *before, const struct host_ticks *after, uint64_t from, uint64_t to)
{
	if (before->total == 0 || after->total <= before->total || to < from)
		return -1;
	return (double)(to - from) / (double)(after->total - before->total);
}

double host_steal_share(const struct host_ticks *before, const struct host_ticks *after)
{
	return host_share(before, after, before->steal, after->steal);
}

double host_softirq_share(const struct host_ticks *before, const struct host_ticks *after)
{
	return host_share(before, after, before->softirq, after->softirq);
}

/* ---------------------------------------------------------------- a quota of CPU time */

void host_read_counters(struct host_counters *ret)
{
	host_cgroup_throttled("", ret);
}

static int64_t host_between(int64_t before, int64_t after)
{
	return before < 0 || after < before ? HOST_UNKNOWN : after - before;
}

struct host_counters host_counters_between(
	const struct host_counters *before, const struct host_counters *after)
{
	return (struct host_counters){
		.periods = host_between(before->periods, after->periods),
		.throttled = host_between(before->throttled, after->throttled),
		.throttled_ns = host_between(before->throttled_ns, after->throttled_ns),
	};
}

int64_t host_time_wait(void)
{
	char text[1024];

	if (!host_file_read("/proc/self/net/sockstat", text, sizeof(text)))
		return HOST_UNKNOWN;
	return host_text_sockstat(text, "TCP", "tw");
}

/* ---------------------------------------------------------------- the clock */

void host_read_clock(struct host_clock *ret)
{
	ret->read_ns = clock_cost_ns(clock_now_ns);
	(void)host_file_read(HOST_CLOCKSOURCE, ret->source, sizeof(ret->source));
	ret->source[strcspn(ret->source, "\n")] = '\0';
}
