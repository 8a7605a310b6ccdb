/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine counts while a run is going, read before and after it. A file that is not there
 * (a chroot, a sandbox, another kernel) leaves its figures unknown and spoils nothing. Any
 * thread. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/host/host.h"
#include "common/host/host_text.h"

#define HOST_CGROUPS "/sys/fs/cgroup"
#define HOST_CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* The beginning of a file, "" where it cannot be read. True: there was something. */
static bool host_read_text(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	ret[0] = '\0';
	if (fd == -1)
		return false;
	while (len < size - 1) {
		n = read(fd, ret + len, size - 1 - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	(void)close(fd);
	ret[len] = '\0';
	return len > 0;
}

/* ---------------------------------------------------------------- CPU time */

void host_read_ticks(struct host_ticks *ret)
{
	char text[512];

	(void)host_read_text("/proc/stat", text, sizeof(text));
	host_text_ticks(text, ret);
}

/* What shares make of all ticks between two readings; negative: unknown. */
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

/* The cgroup in root, and those above it up to root itself: each may have a quota. In a container
 * the path can be the host's, and not be there: then what is found is the container's own. */
static void host_add_throttled(const char *root, char *path, struct host_counters *counters)
{
	char file[PATH_MAX + 256];
	char text[1024];
	char *slash;

	for (;;) {
		(void)snprintf(file, sizeof(file), "%s%s/cpu.stat", root, path);
		if (host_read_text(file, text, sizeof(text)))
			host_text_add_throttled(text, counters);
		slash = strrchr(path, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

static void host_read_throttled(struct host_counters *counters)
{
	char text[4096];
	char list[64];
	char path[PATH_MAX];
	char root[sizeof(HOST_CGROUPS) + sizeof(list)];

	if (!host_read_text("/proc/self/cgroup", text, sizeof(text)))
		return;
	/* Where version 1 has the controller, version 2 has not. */
	if (host_text_cgroup(text, "cpu", list, sizeof(list), path, sizeof(path)))
		(void)snprintf(root, sizeof(root), HOST_CGROUPS "/%s", list);
	else if (host_text_cgroup(text, "", list, sizeof(list), path, sizeof(path)))
		(void)snprintf(root, sizeof(root), HOST_CGROUPS);
	else
		return;
	if (strcmp(path, "/") == 0)
		path[0] = '\0';
	host_add_throttled(root, path, counters);
}

void host_read_counters(struct host_counters *ret)
{
	*ret = (struct host_counters){HOST_UNKNOWN, HOST_UNKNOWN, HOST_UNKNOWN};
	host_read_throttled(ret);
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

	if (!host_read_text("/proc/self/net/sockstat", text, sizeof(text)))
		return HOST_UNKNOWN;
	return host_text_sockstat(text, "TCP", "tw");
}

/* ---------------------------------------------------------------- the clock */

void host_read_clock(struct host_clock *ret)
{
	ret->read_ns = clock_cost_ns(clock_now_ns);
	(void)host_read_text(HOST_CLOCKSOURCE, ret->source, sizeof(ret->source));
	ret->source[strcspn(ret->source, "\n")] = '\0';
}
