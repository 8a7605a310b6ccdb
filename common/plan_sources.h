/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses to connect from, as [connections] source lists them. Part of the plan. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct plan_source;

#define PLAN_SOURCES_MAX 4096
#define PLAN_SOURCES_SLOTS (2 * PLAN_SOURCES_MAX)

/* Zero-initialise. Each address once, in the order in which they were first named. */
struct plan_sources {
	struct plan_source *list;
	size_t n;
	size_t _n_named;		     /* also those named again */
	uint16_t _slots[PLAN_SOURCES_SLOTS]; /* by hash: 1 + index, 0 where empty */
};

/* Adds those of "10.0.0.1, 10.0.0.5-10.0.0.9, 10.1.0.0/28, ::1". Of an IPv4 network of more than
 * two addresses, the first and the last are no host's and left out. 0, -ENOMEM, or -EINVAL with
 * reterr, then some of them may be there. */
int plan_sources_add(struct plan_sources *s, const char *value, struct err *reterr);
/* Gives back what the list does not need; nothing is added afterwards. */
void plan_sources_shrink(struct plan_sources *s);
void plan_sources_fini(struct plan_sources *s);

/* For the key table. */
int plan_check_sources(const char *value, struct err *reterr);
