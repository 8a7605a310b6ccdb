/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of the addresses that have a connection now, so that its size is limited by the
 * number of connections. */
#include "daemon/origin/origin_peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* The address as bytes; IPv4 is mapped to IPv6. */
static void origin_peers_key(const struct sockaddr *address, uint8_t ret[16])
{
	const void *any = address;
	const struct sockaddr_in6 *in6 = any;
	const struct sockaddr_in *in = any;

	memset(ret, 0, 16);
	if (address->sa_family == AF_INET6) {
		memcpy(ret, &in6->sin6_addr, 16);
	} else if (address->sa_family == AF_INET) {
		ret[10] = ret[11] = 0xff;
		memcpy(ret + 12, &in->sin_addr, 4);
	}
}

/* The address of the table in memory is part of the hash, which makes collisions hard to
 * provoke. */
static struct origin_peer **origin_peers_bucket(struct origin_peers *p, const uint8_t key[16])
{
	uint64_t half[2], hash;

	memcpy(half, key, sizeof(half));
	hash = (half[0] ^ (uint64_t)(uintptr_t)p) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ (hash >> 32) ^ half[1]) * UINT64_C(0x9e3779b97f4a7c15);
	return &p->_buckets[(hash >> 48) % ORIGIN_PEERS_BUCKETS];
}

struct origin_peer *origin_peers_take(
	struct origin_peers *p, const struct sockaddr *address, uint64_t max)
{
	struct origin_peer **bucket, *peer;
	uint8_t key[16];

	origin_peers_key(address, key);
	bucket = origin_peers_bucket(p, key);
	for (peer = *bucket; peer; peer = peer->_next) {
		if (memcmp(peer->_address, key, sizeof(key)) != 0)
			continue;
		if (peer->n >= max)
			return NULL;
		peer->n++;
		return peer;
	}
	peer = max > 0 ? malloc(sizeof(*peer)) : NULL;
	if (!peer)
		return NULL;
	*peer = (struct origin_peer){._next = *bucket, .n = 1};
	memcpy(peer->_address, key, sizeof(key));
	*bucket = peer;
	return peer;
}

void origin_peers_leave(struct origin_peers *p, struct origin_peer *peer)
{
	struct origin_peer **at = origin_peers_bucket(p, peer->_address);

	if (--peer->n > 0)
		return;
	while (*at != peer)
		at = &(*at)->_next;
	*at = peer->_next;
	free(peer);
}
