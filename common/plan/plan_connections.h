/* SPDX-License-Identifier: Apache-2.0 */
/* The destination and use of a plan's connections: connect-to, addresses and dns of [target], and
 * contradictions of [connections] with itself, the target or the requests. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct plan;
struct plan_input;

/* The place to connect to, from connect-to or the URL; Host, SNI and the name checked in the
 * certificate remain those of the URL. Returns the socket's path; NULL: TCP, to host and port.
 * Borrowed from the plan. */
const char *plan_connect_unix(const struct plan *p);
const char *plan_connect_host(const struct plan *p);
uint16_t plan_connect_port(const struct plan *p);

/* The number of users of the closed model: one for each request that may be in flight, which is
 * connections x pipeline. */
#define PLAN_USERS_MAX (1024 * 1024)
uint64_t plan_users(const struct plan *p);

/* Is the method idempotent (RFC 9110 section 9.2.2), so that a request may be sent twice? Unknown
 * methods are not. */
bool plan_is_idempotent(const char *method);

/* Every request has the header "Connection: close". */
bool plan_all_requests_close(const struct plan *p);

/* Resolves a conflict between connect-to and a URL that leaves it no room: the later one wins. */
void plan_resolve_place(const struct plan_input *in);
/* After the rules: disables reuse if every request closes its connection. */
void plan_resolve_reuse(const struct plan_input *in);

/* For the key table (keys.h): parses into the field that is named here, NULL: only checks. 0,
 * -EINVAL with reterr, -ENOMEM. */
int plan_parse_connect_to(const char *value, void *plan, struct err *reterr);
void plan_clear_connect_to(void *plan);
int plan_parse_dns(const char *value, void *int64_ns, struct err *reterr);
