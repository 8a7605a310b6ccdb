/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/runs/host.h"

#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The smallest CPU quota of the cgroup (v2) and those above it, in CPUs; 0: none. */
static double host_cgroup_quota(void)
{
	char line[4096];
	char path[4200] = "";
	double least = 0;
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s", line + 3);
	}
	(void)fclose(f);
	while (strlen(path) > strlen("/sys/fs/cgroup")) {
		char file[4300];
		uint64_t quota, period;

		(void)snprintf(file, sizeof(file), "%s/cpu.max", path);
		f = fopen(file, "re");
		if (f) {
			if (fscanf(f, "%" SCNu64 " %" SCNu64, &quota, &period) == 2 && period > 0)
				if (least == 0 || (double)quota / (double)period < least)
					least = (double)quota / (double)period;
			(void)fclose(f);
		}
		*strrchr(path, '/') = '\0';
	}
	return least;
}

unsigned host_cpus(void)
{
	cpu_set_t set;
	unsigned n = 1;
	double quota = host_cgroup_quota();

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		n = (unsigned)CPU_COUNT(&set);
	if (quota > 0 && quota < n)
		n = quota < 1 ? 1 : (unsigned)quota;
	return n;
}

static bool host_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	if (a->sa_family == AF_INET6)
		return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
			       &((const struct sockaddr_in6 *)b)->sin6_addr,
			       sizeof(struct in6_addr)) == 0;
	return false;
}

bool host_is_loopback(const struct sockaddr *sa)
{
	const struct in6_addr *in6;

	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family != AF_INET6)
		return false;
	in6 = &((const struct sockaddr_in6 *)sa)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}

bool host_is_local(const struct sockaddr *sa)
{
	struct ifaddrs *all;
	bool found = false;

	if (sa->sa_family == AF_UNIX || host_is_loopback(sa))
		return true;
	/* Needs netlink, which the service's sandbox forbids: then only loopback is known. */
	if (getifaddrs(&all) == -1)
		return false;
	for (struct ifaddrs *i = all; i && !found; i = i->ifa_next)
		found = i->ifa_addr && host_same_address(i->ifa_addr, sa);
	freeifaddrs(all);
	return found;
}

int host_try_source(const struct sockaddr *sa, unsigned len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd == -1)
		return -errno;
	if (bind(fd, sa, len) == -1)
		error = errno;
	(void)close(fd);
	return -error;
}

/* ---------------------------------------------------------------- ports */

/* A line of a file of /proc/sys, "" where there is none. */
static void host_read_line(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "re");

	ret[0] = '\0';
	if (!f)
		return;
	if (!fgets(ret, (int)size, f))
		ret[0] = '\0';
	(void)fclose(f);
}

/* The kernel writes the list sorted and without overlaps. */
static unsigned host_count_reserved(const char *list, unsigned low, unsigned high)
{
	unsigned from, to, n = 0;
	int used;

	while (sscanf(list, " %u%n", &from, &used) == 1) {
		list += used;
		to = from;
		if (sscanf(list, "-%u%n", &to, &used) == 1)
			list += used;
		from = from > low ? from : low;
		to = to < high ? to : high;
		n += from <= to ? to - from + 1 : 0;
		if (*list++ != ',')
			break;
	}
	return n;
}

void host_parse_ports(const char *range, const char *reserved, struct host_ports *ret)
{
	unsigned low, high, n;

	ret->low = ret->high = ret->n = 0;
	if (sscanf(range, "%u %u", &low, &high) != 2 || low > high || high > UINT16_MAX)
		return;
	n = high - low + 1 - host_count_reserved(reserved, low, high);
	*ret = (struct host_ports){low, high, n, ret->tw_reuse};
}

void host_read_ports(struct host_ports *ret)
{
	char range[64];
	char reserved[4096]; /* what is cut off would only make it look like more ports */
	char reuse[16];

	host_read_line("/proc/sys/net/ipv4/tcp_tw_reuse", reuse, sizeof(reuse));
	host_read_line("/proc/sys/net/ipv4/ip_local_port_range", range, sizeof(range));
	host_read_line("/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, sizeof(reserved));
	*ret = (struct host_ports){.tw_reuse = (unsigned)strtoul(reuse, NULL, 10)};
	host_parse_ports(range, reserved, ret);
}

/* ---------------------------------------------------------------- descriptors */

uint64_t host_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1024;
	return limit.rlim_cur;
}

uint64_t host_descriptors_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

static void host_cpu_model(char *ret, size_t size)
{
	char line[512];
	FILE *f = fopen("/proc/cpuinfo", "re");

	(void)snprintf(ret, size, "unknown");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		(void)snprintf(ret, size, "%s", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	(void)fclose(f);
}

json_t *host_json(void)
{
	struct utsname u;
	char model[128];

	if (uname(&u) == -1)
		return json_object();
	host_cpu_model(model, sizeof(model));
	return json_pack("{s:s s:s s:i s:s}", "name", u.nodename, "kernel", u.release, "cpus",
		(int)host_cpus(), "cpu_model", model);
}
