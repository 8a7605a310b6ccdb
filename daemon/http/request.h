/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a request, prepared once before the run: request line, headers, body in one piece,
 * so that sending is one system call (RFC 9112 section 3). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct plan;

struct request {
	const struct plan_request *plan; /* borrowed */
	char *bytes;
	size_t len;
	/* The same with "Connection: close", for the last request on a connection whose number of
	 * requests is limited (RFC 9112 section 9.6); NULL if there is no such limit. */
	char *last_bytes;
	size_t last_len;
	unsigned asked;	    /* HTTP1_ASKED_...: determines the end of its response */
	bool is_idempotent; /* may be repeated when it is unknown whether it was processed (RFC 9110
			     * section 9.2.2) */
};

/* Defaults that the plan's headers replace: Host, User-Agent (rpsd/VERSION run=ID), Accept, and
 * Content-Length if there is a body or the method expects one, or with chunk_bytes
 * "Transfer-Encoding: chunked". With reuse = no, "Connection: close". index: that of the request in
 * the plan; the plan is borrowed until request_fini. 0 or -ENOMEM. */
int request_init(struct request *r, const struct plan *plan, size_t index, const char *run_id);
void request_fini(struct request *r);
