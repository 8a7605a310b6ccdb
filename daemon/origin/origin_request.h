/* SPDX-License-Identifier: Apache-2.0 */
/* Parses HTTP/1.0 and HTTP/1.1 requests incrementally, for the properties that the origin needs:
 * where each one ends, whether its response has a body and whether the connection stays open.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The limit for request line and headers together, and for a chunked body's trailers. */
#define ORIGIN_REQUEST_HEAD_MAX (64 * 1024)

enum origin_request_state {
	ORIGIN_REQUEST_START,
	ORIGIN_REQUEST_HEADER,
	ORIGIN_REQUEST_BODY,
	ORIGIN_REQUEST_CHUNK_SIZE,
	ORIGIN_REQUEST_CHUNK_DATA,
	ORIGIN_REQUEST_CHUNK_END,
	ORIGIN_REQUEST_TRAILER,
	ORIGIN_REQUEST_DONE,
	ORIGIN_REQUEST_BAD,
};

struct origin_request {
	enum origin_request_state state;
	uint32_t head_bytes; /* bytes read of the present head or trailers */
	uint64_t body_left;  /* remaining bytes of the body, or of the present chunk */
	bool is_head;	     /* HEAD: the response has no body */
	bool is_http10;
	bool has_host;
	bool has_length;
	bool is_chunked;
	bool wants_close;
	bool wants_keep_alive;
	bool expects_100; /* the body is sent after 100 (Continue) */
	bool at_body;	  /* its head has just ended, and a body follows */
};

void origin_request_init(struct origin_request *r);

/* Reads up to the end of this request, or of its head if a body follows (at_body), and returns the
 * number of bytes used. The rest belongs to the body (at_body: feed it again), to the next request
 * (DONE), is not needed any more (BAD), or is part of a line: then the same bytes must be fed
 * again, followed by more. Such a part is shorter than ORIGIN_REQUEST_HEAD_MAX. */
size_t origin_request_feed(struct origin_request *r, const char *data, size_t len);

/* The number of bytes of the body that may be discarded unread, then reported by _skip; 0 outside a
 * body. */
uint64_t origin_request_skippable(const struct origin_request *r);
void origin_request_skip(struct origin_request *r, uint64_t len);

/* For a request that is DONE: does the connection stay open? */
bool origin_request_keeps_alive(const struct origin_request *r);
