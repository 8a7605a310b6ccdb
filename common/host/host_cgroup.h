/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of this process's cgroup and of those above it, of version 1 or 2, down to the one
 * that is mounted: in a container that one is the container's own. A root of "" is the machine's;
 * with another, proc/ and sys/ are looked for in that folder. Any thread. */
#pragma once

#include <stdint.h>

struct host_counters;

/* The least quota of CPU time, in CPUs; 0: none. */
double host_cgroup_quota(const char *root);

/* The least number of bytes that one of them leaves, what it can drop of its file cache included;
 * UINT64_MAX: no limit. */
uint64_t host_cgroup_memory(const char *root);

/* What those that have a quota say of it; HOST_UNKNOWN where none does. */
void host_cgroup_throttled(const char *root, struct host_counters *ret);
