/* SPDX-License-Identifier: Apache-2.0 */
/* What a run wants to know of the machine it runs on. Missing files of /proc or /sys (a sandbox, an
 * old kernel) give the neutral answer. Any thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* CPUs that this process may use: the least of its affinity and its cgroup's quota, at least 1. */
unsigned host_cpus(void);

/* Ticks of all CPUs since boot, from /proc/stat. */
struct host_ticks {
	uint64_t total;
	uint64_t steal;
};
void host_read_ticks(struct host_ticks *ret);
/* Share of CPU time between two readings that the hypervisor took, 0..1. */
double host_steal_share(const struct host_ticks *before, const struct host_ticks *after);

/* Loopback, or the address of one of this host's interfaces. */
bool host_is_local(const struct sockaddr *sa);

/* Descriptors that this process may have open, and has open now. */
uint64_t host_descriptor_limit(void);
uint64_t host_descriptors_open(void);

/* {"name","kernel","cpus","cpu_model"}; NULL: no memory. */
json_t *host_json(void);
