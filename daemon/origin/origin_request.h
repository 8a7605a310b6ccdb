/* SPDX-License-Identifier: Apache-2.0 */
/* Reads HTTP/1.0 and HTTP/1.1 requests as they come, to learn only what the origin must know: where
 * each one ends, whether it wants a body back and whether the connection stays open. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Request line and headers together, and again a chunked body's trailers. */
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
	uint32_t head_bytes; /* read of the present head or trailers */
	uint64_t body_left;  /* of the body, or of the present chunk */
	bool is_head;	     /* the method: wants no body back */
	bool is_http10;
	bool has_host;
	bool has_length;
	bool is_chunked;
	bool wants_close;
	bool wants_keep_alive;
	bool expects_100; /* its body comes when it was asked for */
	bool at_body;	  /* its head has just ended, and a body follows */
};

void origin_request_init(struct origin_request *r);

/* Reads up to the end of this request, or of its head where a body follows (at_body), and returns
 * how many bytes it used. What it did not use is the body's (at_body: feed it again), the next
 * request's (DONE), of no interest any more (BAD), or part of a line: then it wants to see the same
 * bytes again with more behind them. Such a part is shorter than ORIGIN_REQUEST_HEAD_MAX. */
size_t origin_request_feed(struct origin_request *r, const char *data, size_t len);

/* How many bytes of body may be dropped unseen, then told by _skip; 0 outside a body. */
uint64_t origin_request_skippable(const struct origin_request *r);
void origin_request_skip(struct origin_request *r, uint64_t len);

/* Of a request that is DONE: does the connection stay open? */
bool origin_request_keeps_alive(const struct origin_request *r);
