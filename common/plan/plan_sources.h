/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses to connect from, as [connections] source lists them. Part of the plan. Pure. */
#pragma once

struct err;
struct plan;

#define PLAN_SOURCES_MAX 4096

/* For the key table: adds the addresses of "10.0.0.1, 10.0.0.5-10.0.0.9, 10.1.0.0/28, ::1" to the
 * plan, each once, in the order of their first occurrence. The first and the last address of an
 * IPv4 network of more than two are not host addresses and are left out. plan NULL: only checks
 * them. 0, -ENOMEM, or -EINVAL with reterr, then some of them may be there. */
int plan_parse_sources(const char *value, void *plan, struct err *reterr);
void plan_clear_sources(void *plan);
/* Frees the memory that is needed only while they are read. */
void plan_finish_sources(struct plan *p);
