/* SPDX-License-Identifier: Apache-2.0 */
/* Names into addresses that answer. One thread for each lookup: getaddrinfo, then a connection to
 * each address that the guard allows, all at once; those that answered are kept. The answer comes
 * through a future on the asking loop. */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/err.h"
#include "daemon/loop/future.h"

struct guard;

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
	char text[64]; /* "127.0.0.1:8000", "[::1]:8000" */
};

#define RESOLVER_ADDRESSES_MAX 32

enum resolver_outcome {
	RESOLVER_OK,	       /* at least one address answered */
	RESOLVER_NO_NAME,      /* the name has no address */
	RESOLVER_REFUSED,      /* the guard forbids every address */
	RESOLVER_NOT_ANSWERED, /* none could be connected to */
	RESOLVER_FAILED,       /* no thread, no descriptor */
};

struct resolver {
	struct future done; /* result: this struct resolver */
	enum resolver_outcome outcome;
	struct address addresses[RESOLVER_ADDRESSES_MAX]; /* those that answered, in the order of
							     getaddrinfo */
	size_t n_addresses;
	char note[256]; /* "::1 refused, using 127.0.0.1"; "" where all answered */
	struct err err; /* why not RESOLVER_OK: one line that names host and port */

	/* the thread's */
	char *_host;
	uint16_t _port;
	int64_t _connect_timeout_ns;
	const struct guard *_guard;
	pthread_t _thread;
	bool _has_thread;
	int _hurry_fd; /* an eventfd: wait for nobody any more; -1: there is none */
};

/* guard is borrowed until done. Even when no thread can be made the future is completed (with
 * RESOLVER_FAILED), so there is one way to learn the end. */
void resolver_start(struct resolver *r, struct loop *loop, const char *host, uint16_t port,
	int64_t connect_timeout_ns, const struct guard *guard);
/* Nobody wants the answer any more: it comes as soon as the name service has answered. */
void resolver_hurry(struct resolver *r);
/* After the future was delivered: joins the thread and frees. Before that it cuts short the wait
 * for connections and waits for the thread (which may still ask the name service), and the loop may
 * not run any more: the answer is on its way to it. */
void resolver_fini(struct resolver *r);
