/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of this machine that affect the load. If files of /proc or /sys are missing (a
 * sandbox, an old kernel) the result is a neutral value. Any thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

/* CPUs that this process may use: the least of its affinity and its cgroup's quota, at least 1. */
unsigned host_cpus(void);
/* The two parts of it: CPUs of its affinity; the smallest quota of its cgroups in CPUs, 0: none. */
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

/* Counters of the kernel, each since an arbitrary start. */
#define HOST_UNKNOWN INT64_C(-1)
struct host_counters {
	/* sums over our own cgroup and those above it that have a quota of CPU time */
	int64_t periods, throttled, throttled_ns;
};
void host_read_counters(struct host_counters *ret);
/* The difference; unknown if either reading is, or if the counter was reset between them. */
struct host_counters host_counters_between(
	const struct host_counters *before, const struct host_counters *after);
/* The number of ports in TIME_WAIT now, or HOST_UNKNOWN. */
int64_t host_time_wait(void);

/* The clock that every measurement reads, and the cost of reading it. Takes some 100 us. */
struct host_clock {
	char source[32]; /* "tsc"; "": unknown */
	int64_t read_ns;
};
void host_read_clock(struct host_clock *ret);

/* Loopback, the address of one of this host's interfaces, or a Unix socket. */
bool host_is_local(const struct sockaddr *sa);
/* Loopback alone. */
bool host_is_loopback(const struct sockaddr *sa);

/* Can connections come from this address, whose port is 0? 0 or -errno, -EADDRNOTAVAIL if it is not
 * an address of this host. */
int host_try_source(const struct sockaddr *sa, unsigned len);

/* The ports that connections come from, and how long one stays in use. */
struct host_ports {
	unsigned low, high; /* net.ipv4.ip_local_port_range */
	unsigned n;	    /* number of them, without those reserved; 0: not known */
	unsigned tw_reuse;  /* net.ipv4.tcp_tw_reuse: 0 no, 1 yes, 2 on loopback */
};
void host_read_ports(struct host_ports *ret);
/* From the texts of ip_local_port_range and ip_local_reserved_ports ("8080,9148-9150"). */
void host_parse_ports(const char *range, const char *reserved, struct host_ports *ret);

/* The limit of descriptors of this process, and the number that are open now. */
uint64_t host_descriptor_limit(void);
uint64_t host_descriptors_open(void);

/* {"name","kernel","cpus","cpu_model"}; NULL: no memory. */
json_t *host_json(void);
