/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions for a good response (plan.h: expect-…), checked while it is received, in pieces of
 * any size; nothing of it is kept except the state of the checks. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats/fault.h"
#include "daemon/http/http1.h"

struct digest_sha256;
struct plan_request;

/* Must header lines, or content, be examined for this request? If not, a response needs no sink and
 * its body may be discarded unread. */
bool check_wants_head(const struct plan_request *r);
bool check_wants_body(const struct plan_request *r);

/* The state of the checks of one response; one for each connection, used again for each response on
 * it. */
struct check;
/* Allocates everything that any of these requests will need. like: a check of the same requests
 * that is freed after this one, which uses its tables; NULL: this one has its own. The requests are
 * borrowed until check_free. 0 or -ENOMEM. *ret is NULL if none of them needs a check. */
int check_new(const struct plan_request *requests, size_t n, const struct check *like,
	struct check **ret);
struct check *check_free(struct check *c); /* NULL is fine; returns NULL */

/* To be called before each response to such a request; r is one of those given to check_new. */
void check_start(struct check *c, const struct plan_request *r);
/* The sink for the parser until the verdict; its members are NULL if they are not needed, and
 * on_body also as soon as the rest of the body cannot change the verdict: it may be discarded
 * then. */
const struct http1_sink *check_sink(struct check *c);

/* The verdict on a complete response: FAULT_NONE, or the first of status, header, size, body, hash
 * that is not as expected, with the actual value in example. body_bytes: length of the content. c
 * may be NULL if only the status and the size are checked. */
#define CHECK_EXAMPLE_MAX 128
enum fault check_verdict(struct check *c, const struct plan_request *r, unsigned status,
	uint64_t body_bytes, char example[static CHECK_EXAMPLE_MAX]);
/* "status 200, expected 201" */
void check_tell_status(
	const struct plan_request *r, unsigned status, char example[static CHECK_EXAMPLE_MAX]);
