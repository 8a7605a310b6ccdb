/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of this process's cgroup and of those above it, of version 1 or 2, down to the one
 * that is mounted: in a container that one is the container's own. A root of "" is that of the
 * machine; with another, proc/ and sys/ are looked up in that directory. Any thread. */
#pragma once

#include <stdint.h>

struct host_counters;

/* The smallest quota of CPU time, in CPUs; 0: none. */
double host_cgroup_quota(const char *root);

/* The smallest number of bytes that one of the limits leaves, including file cache that can be
 * dropped; UINT64_MAX: no limit. */
uint64_t host_cgroup_memory(const char *root);

/* Sums over the cgroups that have a quota; HOST_UNKNOWN if none has. */
void host_cgroup_throttled(const char *root, struct host_counters *ret);
