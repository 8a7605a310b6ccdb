/* SPDX-License-Identifier: Apache-2.0 */
/* A built-in HTTP server to load: the talk's slow service, a scripted server for tests, a null
 * server that shows the maximum rate of this host. One thread and one loop for each origin. It
 * answers every request of an HTTP/1.1 client with a prepared response after its delay; pipelined
 * requests are answered in order. It misbehaves exactly as configured. */
#pragma once

#include <stdint.h>

struct err;
struct histogram;
struct origin;
struct settings_origin;

/* Listens and serves in its own thread until origin_free. settings are borrowed.
 * 0, or -errno with reterr naming the origin and its address. */
int origin_start(const struct settings_origin *settings, struct origin **ret, struct err *reterr);
/* Stops the thread, closes everything, writes the log of gaps. NULL is fine; returns NULL. */
struct origin *origin_free(struct origin *o);

const char *origin_name(const struct origin *o);
/* The bound address, "127.0.0.1:8000", with the real port if port 0 was requested. */
const char *origin_address(const struct origin *o);

/* Counted by the origin's thread; readable from any (relaxed atomics). */
struct origin_counts {
	uint64_t connections; /* open now */
	uint64_t accepted;
	uint64_t requests; /* read completely */
	uint64_t ok;	   /* answers written, by class */
	uint64_t errors;
	uint64_t refused; /* malformed requests: 400 */
	uint64_t hung;	  /* requests that are never answered */
	uint64_t closed;  /* connections closed by the origin itself */
};
void origin_read_counts(const struct origin *o, struct origin_counts *ret);
/* The status of injected errors. */
unsigned origin_error_status(const struct origin *o);
/* Copies the times from a request's arrival to its answer written into a new histogram. 0 or
 * -ENOMEM. */
int origin_read_times(const struct origin *o, struct histogram *ret);
