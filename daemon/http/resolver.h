/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves names to addresses that answer. Each lookup has its own thread: getaddrinfo (not for
 * localhost and names below it, which are ::1 and 127.0.0.1), then a connection to each address
 * that the guard allows, all at once; the addresses that answered are kept. The path of a Unix
 * socket is an address already, and is tried like the others. The answer comes through a future on
 * the loop of the caller. */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"
#include "common/stats/fault.h"
#include "daemon/loop/future.h"

struct guard;
struct plan_source;

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
	char text[120]; /* "127.0.0.1:8000", "[::1]:8000", "unix:/run/app.sock" */
};

/* The address to connect from: the kernel chooses the port. */
void address_of_source(const struct plan_source *source, struct address *ret);

#define RESOLVER_ADDRESSES_MAX 32
/* How the reason begins if an address lacks a source; its family follows. */
#define RESOLVER_NO_SOURCE "no source address is "

/* Everything but guard and sources is copied. */
struct resolver_config {
	const char *host;
	uint16_t port;
	const char *unix_path; /* if set, host and port are unused; NULL: TCP */
	unsigned filter;       /* enum plan_addresses; first: of those that answered */
	/* Connects to each address. Otherwise every address that the guard allows and that has a
	 * source counts as answered, and the filter "first" keeps them all. */
	bool probes;
	int64_t connect_timeout_ns;
	/* borrowed until done */
	const struct guard *guard;
	const struct plan_source *sources; /* an address needs one of its family, if there are any
					    */
	size_t n_sources;
};

enum resolver_outcome {
	RESOLVER_OK,	       /* at least one address answered */
	RESOLVER_NO_NAME,      /* the name has no address, or none that the filter selects */
	RESOLVER_REFUSED,      /* the guard forbids every address */
	RESOLVER_NOT_ANSWERED, /* no connection could be made */
	RESOLVER_FAILED,       /* no thread, no descriptor */
};

struct resolver {
	struct future done; /* result: this struct resolver */
	enum resolver_outcome outcome;
	/* Those that answered, in the order of getaddrinfo, and after them those that did not. */
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t n_addresses; /* that answered */
	size_t n_found;
	char note[256];	  /* "::1 refused, using 127.0.0.1"; "" if all answered */
	struct err err;	  /* if not RESOLVER_OK: the reason, one line that names host and port */
	enum fault fault; /* the same as a fault, of the first address */

	/* used by the thread */
	struct resolver_config _config;
	char *_host; /* or the path */
	pthread_t _thread;
	bool _has_thread;
	int _hurry_fd; /* an eventfd that ends the wait for probes; -1: there is none */
};

/* Even if no thread can be created the future is completed (with RESOLVER_FAILED), so the end is
 * always reported in the same way. */
void resolver_start(struct resolver *r, struct loop *loop, const struct resolver_config *config);
/* The answer is not needed any more: the future completes as soon as the name service has
 * answered. */
void resolver_hurry(struct resolver *r);
/* After the future was delivered: joins the thread and frees its memory; the results stay readable,
 * and another call does nothing. Before that it ends the wait for connections and waits for the
 * thread (which may still ask the name service), and the loop must not run any more: the future is
 * already posted to it. */
void resolver_fini(struct resolver *r);
