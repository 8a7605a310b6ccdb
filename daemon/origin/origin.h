/* SPDX-License-Identifier: Apache-2.0 */
/* A built-in HTTP server to load: the talk's slow service, a scripted server for tests, a null
 * server that tells what this host can generate. One thread and one loop for each origin. It
 * answers every request of an HTTP/1.1 client with a prepared response after its delay; pipelined
 * requests are answered in order. */
#pragma once

#include <stdint.h>

struct err;
struct origin;
struct settings_origin;

/* Listens and serves in its own thread until origin_free. settings are borrowed.
 * 0, or -errno with reterr naming the origin and its address. */
int origin_start(const struct settings_origin *settings, struct origin **ret, struct err *reterr);
/* Stops the thread, closes everything. NULL is fine; returns NULL. */
struct origin *origin_free(struct origin *o);

const char *origin_name(const struct origin *o);
/* The bound address, "127.0.0.1:8000", with the real port where 0 was asked for. */
const char *origin_address(const struct origin *o);

/* Counted by the origin's thread; readable from any (relaxed atomics). */
struct origin_counts {
	uint64_t connections; /* open now */
	uint64_t accepted;
	uint64_t requests; /* read completely */
	uint64_t errors;   /* answered with the error status */
};
void origin_read_counts(const struct origin *o, struct origin_counts *ret);
