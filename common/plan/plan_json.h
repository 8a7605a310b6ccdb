/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON: what of it a result repeats, and the document of `rpsctl --dry-run --json`. Pure.
 * New references; NULL: no memory. */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct plan;

#define PLAN_SCHEMA "rpsd.plan/1"

/* What a run started with where the plan says auto. 0: not known before the start. */
struct plan_granted {
	uint64_t workers;
	uint64_t connections;
};

/* The member "plan" of a result, but for addresses and tls_info, which a run finds out. */
json_t *plan_json(const struct plan *p, struct plan_granted granted);

/* All that is known before anything is sent: schema, name, labels, plan, window, requests, and in
 * "sends" what it comes to. A count is null where the answers decide it. */
json_t *plan_document(const struct plan *p);
