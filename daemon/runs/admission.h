/* SPDX-License-Identifier: Apache-2.0 */
/* Does a run fit, and how is it split over workers? Asked before anything is opened. Pure, except
 * for reading this host's limits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/host/host.h"
#include "daemon/runs/caps.h"

struct err;
struct plan;

struct admission {
	unsigned n_workers;
	uint64_t connections;	   /* over all workers; closed model: users */
	uint64_t connections_most; /* limit by descriptors and ports */
	uint64_t queue;		   /* arrivals that may wait, over all workers */
	uint64_t bytes;		   /* memory for all of these */
	bool is_fixed_pool;
	char note[256]; /* a possible problem with the ports; "": none */
};

/* The resources of this host that are not used by present runs. */
struct admission_room {
	bool is_private; /* of rpsctl, whose limits it has */
	unsigned cpus;
	uint64_t descriptor_limit;
	uint64_t descriptors_used; /* open now, plus what active runs may still open */
	uint64_t memory;	   /* bytes, without those given to active runs; 0: not known */
	struct host_ports ports;
	struct caps caps; /* none: zeroed */
};

/* The known properties of the target. */
struct admission_target {
	bool is_colocated; /* the server is on this host, so at most half the CPUs are available */
	bool is_loopback;
	size_t n_v4, n_v6; /* number of addresses; none: not known yet, or a Unix socket, which has
			    * no ports */
};

/* 0; REGISTRY_E_UNAVAILABLE with the figures in reterr. */
int admission_check(const struct plan *plan, const struct admission_room *room,
	const struct admission_target *target, struct admission *ret, struct err *reterr);
