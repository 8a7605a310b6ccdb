/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of this machine that load depends on. Missing files of /proc or /sys (a sandbox, an
 * old kernel) give the neutral answer. Any thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* CPUs that this process may use: the least of its affinity and its cgroup's quota, at least 1. */
unsigned host_cpus(void);
/* The two of them: CPUs of its affinity; the least quota of its cgroups in CPUs, 0: none. */
unsigned host_affinity(void);
double host_quota(void);

/* Bytes that this process can still have: the least of what the machine has available and what its
 * cgroups leave. UINT64_MAX: not known. */
uint64_t host_memory(void);

/* Ticks of all CPUs since boot, from /proc/stat. */
struct host_ticks {
	uint64_t total; /* 0: unknown, as all of these */
	uint64_t softirq;
	uint64_t steal;
};
void host_read_ticks(struct host_ticks *ret);
/* Share of CPU time between two readings that the hypervisor took, or that the kernel spent on
 * packets and timers, 0..1; negative: unknown. */
double host_steal_share(const struct host_ticks *before, const struct host_ticks *after);
double host_softirq_share(const struct host_ticks *before, const struct host_ticks *after);

/* What the kernel counts from some beginning on. */
#define HOST_UNKNOWN INT64_C(-1)
struct host_counters {
	/* of our own cgroup and those above it, as far as they have a quota of CPU time */
	int64_t periods, throttled, throttled_ns;
};
void host_read_counters(struct host_counters *ret);
/* What has been added; unknown where either is, or where the counter began anew. */
struct host_counters host_counters_between(
	const struct host_counters *before, const struct host_counters *after);
/* Ports that wait to be used again (TIME_WAIT), now; HOST_UNKNOWN. */
int64_t host_time_wait(void);

/* The clock that every measurement reads, and what reading it costs. Takes some 100 us. */
struct host_clock {
	char source[32]; /* "tsc"; "": unknown */
	int64_t read_ns;
};
void host_read_clock(struct host_clock *ret);

/* Loopback, the address of one of this host's interfaces, or a Unix socket. */
bool host_is_local(const struct sockaddr *sa);
/* Loopback alone. */
bool host_is_loopback(const struct sockaddr *sa);

/* Connections may come from this address, whose port is 0: 0 or -errno, -EADDRNOTAVAIL where it is
 * not one of this host's. */
int host_try_source(const struct sockaddr *sa, unsigned len);

/* The ports that connections come from, and how long one stays taken. */
struct host_ports {
	unsigned low, high; /* net.ipv4.ip_local_port_range */
	unsigned n;	    /* of them, less those reserved; 0: not known */
	unsigned tw_reuse;  /* net.ipv4.tcp_tw_reuse: 0 no, 1 yes, 2 on loopback */
};
void host_read_ports(struct host_ports *ret);
/* From the texts of ip_local_port_range and ip_local_reserved_ports ("8080,9148-9150"). */
void host_parse_ports(const char *range, const char *reserved, struct host_ports *ret);

/* Descriptors that this process may have open, and has open now. */
uint64_t host_descriptor_limit(void);
uint64_t host_descriptors_open(void);

/* {"name","kernel","cpus","cpu_model"}; NULL: no memory. */
json_t *host_json(void);
