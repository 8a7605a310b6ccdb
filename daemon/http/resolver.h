/* SPDX-License-Identifier: Apache-2.0 */
/* Names into addresses that answer. One thread for each lookup: getaddrinfo (localhost and names
 * below it are known: ::1 and 127.0.0.1), then a connection to
 * each address that the guard allows, all at once; those that answered are kept. The path of a Unix
 * socket is an address already, and is tried like the others. The answer comes through a future on
 * the asking loop. */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"
#include "common/fault.h"
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

/* To connect from: the port is chosen by the kernel. */
void address_of_source(const struct plan_source *source, struct address *ret);

#define RESOLVER_ADDRESSES_MAX 32

/* All but guard and sources is copied. */
struct resolver_config {
	const char *host;
	uint16_t port;
	const char *unix_path; /* then host and port mean nothing; NULL: TCP */
	unsigned filter;       /* enum plan_addresses; first: of those that answered */
	/* Connects to each address. Otherwise all that the guard allows and a source is there for
	 * are as good as answered, and the filter "first" keeps them all. */
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
	RESOLVER_NO_NAME,      /* the name has no address, or none that the filter wants */
	RESOLVER_REFUSED,      /* the guard forbids every address */
	RESOLVER_NOT_ANSWERED, /* none could be connected to */
	RESOLVER_FAILED,       /* no thread, no descriptor */
};

struct resolver {
	struct future done; /* result: this struct resolver */
	enum resolver_outcome outcome;
	/* Those that answered, in the order of getaddrinfo, and behind them those that did not. */
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	size_t n_addresses; /* that answered */
	size_t n_found;
	char note[256];	  /* "::1 refused, using 127.0.0.1"; "" where all answered */
	struct err err;	  /* why not RESOLVER_OK: one line that names host and port */
	enum fault fault; /* the same as a fault, of the first address */

	/* the thread's */
	struct resolver_config _config;
	char *_host; /* or path */
	pthread_t _thread;
	bool _has_thread;
	int _hurry_fd; /* an eventfd: wait for nobody any more; -1: there is none */
};

/* Even when no thread can be made the future is completed (with RESOLVER_FAILED), so there is one
 * way to learn the end. */
void resolver_start(struct resolver *r, struct loop *loop, const struct resolver_config *config);
/* Nobody wants the answer any more: it comes as soon as the name service has answered. */
void resolver_hurry(struct resolver *r);
/* After the future was delivered: joins the thread and frees what it had; what it found stays
 * readable, and another call does nothing. Before that it cuts short the wait
 * for connections and waits for the thread (which may still ask the name service), and the loop may
 * not run any more: the answer is on its way to it. */
void resolver_fini(struct resolver *r);
