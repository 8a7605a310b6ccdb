/* SPDX-License-Identifier: Apache-2.0 */
#include "common/host/host.h"

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

#include "common/host/host_cgroup.h"
#include "common/host/host_file.h"
#include "common/host/host_text.h"

unsigned host_affinity(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

double host_quota(void)
{
	return host_cgroup_quota("");
}

unsigned host_cpus(void)
{
	unsigned n = host_affinity();
	double quota = host_quota();

	if (quota > 0 && quota < n)
		n = quota < 1 ? 1 : (unsigned)quota;
	return n;
}

uint64_t host_memory(void)
{
	char text[4096];
	uint64_t available, left;

	(void)host_file_read("/proc/meminfo", text, sizeof(text));
	available = host_text_available(text);
	left = host_cgroup_memory("");
	return left < available ? left : available;
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
	/* getifaddrs needs netlink, which the service's sandbox forbids: then only loopback is
	 * known. */
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
	char reserved[4096]; /* truncating it only overestimates the number of ports */
	char reuse[16];

	(void)host_file_read("/proc/sys/net/ipv4/tcp_tw_reuse", reuse, sizeof(reuse));
	(void)host_file_read("/proc/sys/net/ipv4/ip_local_port_range", range, sizeof(range));
	(void)host_file_read(
		"/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, sizeof(reserved));
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
