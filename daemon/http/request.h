/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a request, prepared once before the run: request line, headers, body in one piece,
 * so that sending is one system call (RFC 9112 section 3). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct plan;

struct request {
	char *bytes;
	size_t len;
	bool is_head; /* its response has no body */
};

/* Defaults that the plan's headers replace: Host, User-Agent (rpsd/VERSION run=ID), Accept, and
 * Content-Length where there is a body or the method expects one. With reuse = no,
 * "Connection: close". 0 or -ENOMEM. */
int request_init(struct request *r, const struct plan *plan, const char *run_id);
void request_fini(struct request *r);
