/* SPDX-License-Identifier: Apache-2.0 */
/* Does a run fit, and how is it split over workers? Asked before anything is opened. Pure but for
 * reading this host's limits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/host/host.h"
#include "daemon/runs/caps.h"

struct err;
struct plan;

/* epoll, eventfd and two timerfds. */
#define ADMISSION_DESCRIPTORS_PER_WORKER 4

struct admission {
	unsigned n_workers;
	uint64_t connections;	   /* over all workers; closed model: users */
	uint64_t connections_most; /* that descriptors and ports allow */
	uint64_t queue;		   /* arrivals that may wait, over all workers */
	uint64_t bytes;		   /* of memory for all of these */
	bool is_fixed_pool;
	char note[256]; /* what may go wrong with the ports; "": nothing */
};

/* What this host and the runs already there leave. */
struct admission_room {
	unsigned cpus;
	uint64_t descriptor_limit;
	uint64_t descriptors_used; /* open now, plus what active runs may still open */
	uint64_t memory;	   /* bytes, less those that active runs were given; 0: not known */
	struct host_ports ports;
	struct caps caps; /* none: zeroed */
};

/* What is known of the place that is loaded. */
struct admission_target {
	bool is_colocated; /* the server is on this host, so at most half the CPUs are ours */
	bool is_loopback;
	size_t n_v4, n_v6; /* addresses; none: not known yet, or a Unix socket, which has no ports
			    */
};

/* 0; REGISTRY_E_UNAVAILABLE with the figures in reterr. */
int admission_check(const struct plan *plan, const struct admission_room *room,
	const struct admission_target *target, struct admission *ret, struct err *reterr);
