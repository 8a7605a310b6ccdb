/* SPDX-License-Identifier: Apache-2.0 */
/* What a response must be to count as a good one (plan.h: expect-…), judged while it is read, in
 * whatever pieces it comes; nothing of it is kept but what the checks need. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/fault.h"
#include "daemon/http/http1.h"

struct digest_sha256;
struct plan_request;

/* Are header lines, and content, to be looked at for this request? Where not, a response needs no
 * check's sink and its body may be thrown away unseen. */
bool check_wants_head(const struct plan_request *r);
bool check_wants_body(const struct plan_request *r);

/* The progress over one response; one for each connection, used again for each response on it. */
struct check;
/* Everything that any of these requests will need is allocated here. like: of the same requests,
 * and freed after this one, which uses its tables; NULL: this one has its own. The requests are
 * borrowed until check_free. 0 or -ENOMEM. *ret is NULL where none of them wants anything. */
int check_new(const struct plan_request *requests, size_t n, const struct check *like,
	struct check **ret);
struct check *check_free(struct check *c); /* NULL is fine; returns NULL */

/* Before each response to such a request; r is one of those that check_new was given. */
void check_start(struct check *c, const struct plan_request *r);
/* Where the parser says what it reads, until the verdict; NULL members where nothing is wanted, and
 * on_body also from where the rest of the body cannot change the verdict: it may go unseen then. */
const struct http1_sink *check_sink(struct check *c);

/* After a complete response: FAULT_NONE, or the first of status, header, size, body, hash that is
 * not as it should be, with what was found instead in example. body_bytes: of content. c may be
 * NULL where nothing but the status and the size is asked. */
#define CHECK_EXAMPLE_MAX 128
enum fault check_verdict(struct check *c, const struct plan_request *r, unsigned status,
	uint64_t body_bytes, char example[static CHECK_EXAMPLE_MAX]);
