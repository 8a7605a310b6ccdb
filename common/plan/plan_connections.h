/* SPDX-License-Identifier: Apache-2.0 */
/* Where a plan's connections go and how they are used: connect-to, addresses and dns of [target],
 * and what of [connections] contradicts itself, the target or the requests. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct plan;
struct plan_input;

/* Where to connect, from connect-to or the URL; Host, SNI and the certificate's name stay the
 * URL's. The socket's path; NULL: TCP, to host and port. Borrowed from the plan. */
const char *plan_connect_unix(const struct plan *p);
const char *plan_connect_host(const struct plan *p);
uint16_t plan_connect_port(const struct plan *p);

/* Users of the closed model: one for each request that may be in flight, which is connections x
 * pipeline. */
#define PLAN_USERS_MAX (1024 * 1024)
uint64_t plan_users(const struct plan *p);

/* Sending it twice is as good as once (RFC 9110 section 9.2.2). Of methods that are not known
 * nobody can say. */
bool plan_is_idempotent(const char *method);

/* Every request has the header "Connection: close". */
bool plan_all_requests_close(const struct plan *p);

/* Of connect-to and a URL that leaves it no room, the later one counts. */
void plan_settle_place(const struct plan_input *in);
/* After the rules: no reuse where every request closes its connection. */
void plan_settle_reuse(const struct plan_input *in);

/* For the key table (keys.h): into the field that is named here, NULL: only checked. 0, -EINVAL
 * with reterr, -ENOMEM. */
int plan_parse_connect_to(const char *value, void *plan, struct err *reterr);
void plan_clear_connect_to(void *plan);
int plan_parse_dns(const char *value, void *int64_ns, struct err *reterr);
