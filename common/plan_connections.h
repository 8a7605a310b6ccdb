/* SPDX-License-Identifier: Apache-2.0 */
/* Where a plan's connections go and how they are used: connect-to, addresses and dns of [target],
 * and what of [connections] contradicts itself, the target or the requests. Pure. */
#pragma once

#include <stdint.h>

struct err;
struct ini_doc;
struct plan;
struct problems;

/* Where to connect, from connect-to or the URL; Host, SNI and the certificate's name stay the
 * URL's. The socket's path; NULL: TCP, to host and port. Borrowed from the plan. */
const char *plan_connect_unix(const struct plan *p);
const char *plan_connect_host(const struct plan *p);
uint16_t plan_connect_port(const struct plan *p);

/* Users of the closed model: one for each request that may be in flight, which is connections x
 * pipeline. */
uint64_t plan_users(const struct plan *p);
