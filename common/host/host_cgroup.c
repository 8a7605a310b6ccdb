/* SPDX-License-Identifier: Apache-2.0 */
/* The walk from this process's cgroup up to the one that is mounted. Each may have a limit, and the
 * smallest of them is in effect. In a container /proc/self/cgroup can name the path on the host,
 * which does not exist there; then the mounted cgroup is used, which is that of the container. */
#include "common/host/host_cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/host/host_file.h"
#include "common/host/host_text.h"

#define HOST_CGROUP_FILE_SIZE 8192 /* memory.stat is the longest */

typedef void host_cgroup_fn(const char *dir, void *arg);

/* A controller attached to a hierarchy of version 1 is not available in version 2. */
static void host_cgroup_each(
	const char *root, const char *controller, host_cgroup_fn *fn, void *arg)
{
	char text[HOST_CGROUP_FILE_SIZE];
	char list[64];
	char path[PATH_MAX];
	char dir[2 * PATH_MAX];
	size_t mounted;
	char *slash;

	(void)snprintf(dir, sizeof(dir), "%.*s/proc/self/cgroup", PATH_MAX / 2, root);
	if (!host_file_read(dir, text, sizeof(text)))
		return;
	if (!host_text_cgroup(text, controller, list, sizeof(list), path, sizeof(path)) &&
		!host_text_cgroup(text, "", list, sizeof(list), path, sizeof(path)))
		return;
	mounted = (size_t)snprintf(dir, sizeof(dir), "%.*s/sys/fs/cgroup%s%s", PATH_MAX / 2, root,
		*list ? "/" : "", list);
	(void)snprintf(dir + mounted, sizeof(dir) - mounted, "%s", strcmp(path, "/") ? path : "");
	for (;;) {
		fn(dir, arg);
		slash = strrchr(dir + mounted, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

static bool host_cgroup_read(const char *dir, const char *name, char *ret, size_t size)
{
	char path[3 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return host_file_read(path, ret, size);
}

/* ---------------------------------------------------------------- CPU time */

static void host_cgroup_add_quota(const char *dir, void *arg)
{
	double *least = arg;
	char quota[64];
	char period[64];
	double cpus;

	if (!host_cgroup_read(dir, "cpu.max", quota, sizeof(quota))) {
		(void)host_cgroup_read(dir, "cpu.cfs_quota_us", quota, sizeof(quota));
		(void)host_cgroup_read(dir, "cpu.cfs_period_us", period, sizeof(period));
		cpus = host_text_quota(quota, period);
	} else {
		cpus = host_text_quota(quota, quota + strcspn(quota, " "));
	}
	if (cpus > 0 && (*least == 0 || cpus < *least))
		*least = cpus;
}

double host_cgroup_quota(const char *root)
{
	double least = 0;

	host_cgroup_each(root, "cpu", host_cgroup_add_quota, &least);
	return least;
}

static void host_cgroup_add_throttled(const char *dir, void *arg)
{
	char text[1024];

	if (host_cgroup_read(dir, "cpu.stat", text, sizeof(text)))
		host_text_add_throttled(text, arg);
}

void host_cgroup_throttled(const char *root, struct host_counters *ret)
{
	*ret = (struct host_counters){HOST_UNKNOWN, HOST_UNKNOWN, HOST_UNKNOWN};
	host_cgroup_each(root, "cpu", host_cgroup_add_throttled, ret);
}

/* ---------------------------------------------------------------- memory */

static void host_cgroup_add_memory(const char *dir, void *arg)
{
	uint64_t *least = arg;
	uint64_t left;
	char max[64];
	char used[64];
	char stat[HOST_CGROUP_FILE_SIZE];

	if (!host_cgroup_read(dir, "memory.max", max, sizeof(max)) ||
		!host_cgroup_read(dir, "memory.current", used, sizeof(used))) {
		(void)host_cgroup_read(dir, "memory.limit_in_bytes", max, sizeof(max));
		(void)host_cgroup_read(dir, "memory.usage_in_bytes", used, sizeof(used));
	}
	(void)host_cgroup_read(dir, "memory.stat", stat, sizeof(stat));
	left = host_text_memory_left(max, used, stat);
	if (left < *least)
		*least = left;
}

uint64_t host_cgroup_memory(const char *root)
{
	uint64_t least = UINT64_MAX;

	host_cgroup_each(root, "memory", host_cgroup_add_memory, &least);
	return least;
}
