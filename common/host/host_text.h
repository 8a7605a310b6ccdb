/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers for the kernel's texts in /proc and in cgroups: a missing figure is unknown, which is not
 * 0. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/host/host.h"

/* /proc/stat: the first line. All 0 if it is malformed. */
void host_text_ticks(const char *stat, struct host_ticks *ret);

/* Files with one figure in a line, "name 12": cpu.stat of a cgroup. HOST_UNKNOWN if it is
 * missing. */
int64_t host_text_figure(const char *text, const char *name);

/* /proc/net/sockstat: the figure after a word in the line of a group, "TCP: inuse 4 tw 9". */
int64_t host_text_sockstat(const char *text, const char *group, const char *word);

/* /proc/self/cgroup: the path of our own cgroup, of the hierarchy with that controller, or of
 * version 2 where it is "". False: there is none. ret_list: the controllers of the hierarchy as
 * they are written there ("cpu,cpuacct"), which is the name of its directory. */
bool host_text_cgroup(const char *text, const char *controller, char *ret_list, size_t list_size,
	char *ret_path, size_t path_size);

/* A quota of CPU time in CPUs, from the texts of quota and period ("max" or -1: none); 0: none. */
double host_text_quota(const char *quota, const char *period);

/* The number of bytes that a cgroup's limit leaves, from the texts of limit, use and memory.stat of
 * version 1 or 2: file pages that were not used lately can be dropped and count as available.
 * UINT64_MAX: no limit, or not known. */
uint64_t host_text_memory_left(const char *max, const char *used, const char *stat);

/* /proc/meminfo: bytes available without swapping; UINT64_MAX: not known. */
uint64_t host_text_available(const char *meminfo);

/* A clock that costs more than this in ns is slow: it is read three times for each request. */
#define HOST_CLOCK_MAX_NS 200
/* Does reading this clock take a system call, by the name of its source, or take too long? A source
 * of "" or "unknown" is judged by its cost alone. */
bool host_text_is_slow_clock(const char *source, int64_t read_ns);

/* Adds the figures in cpu.stat of one cgroup, version 1 or 2; unknown figures stay as they are. */
void host_text_add_throttled(const char *cpu_stat, struct host_counters *counters);
