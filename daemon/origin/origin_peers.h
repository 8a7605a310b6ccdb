/* SPDX-License-Identifier: Apache-2.0 */
/* The number of connections of each address to an origin. Thread: that of the origin. */
#pragma once

#include <stdint.h>

#define ORIGIN_PEERS_BUCKETS 1024

struct sockaddr;

struct origin_peer {
	struct origin_peer *_next;
	uint8_t _address[16];
	uint64_t n; /* connections, at least 1 */
};

/* Zero-initialised: empty. */
struct origin_peers {
	struct origin_peer *_buckets[ORIGIN_PEERS_BUCKETS];
};

/* Counts one more connection from address, IPv4 or IPv6. NULL: it has max of them, or out of
 * memory. */
struct origin_peer *origin_peers_take(
	struct origin_peers *p, const struct sockaddr *address, uint64_t max);
/* One less. */
void origin_peers_leave(struct origin_peers *p, struct origin_peer *peer);
