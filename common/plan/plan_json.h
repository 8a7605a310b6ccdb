/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON: the part that a result repeats, and the document of `rpsctl --dry-run --json`.
 * Pure. New references; NULL: no memory. */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct plan;

#define PLAN_SCHEMA "rpsd.plan/1"

/* The values that a run chose where the plan has auto. 0: not known before the start. */
struct plan_granted {
	uint64_t workers;
	uint64_t connections;
};

/* The member "plan" of a result, without addresses and tls_info, which are added by the run. */
json_t *plan_json(const struct plan *p, struct plan_granted granted);

/* All that is known before anything is sent: schema, name, labels, plan, window, requests, and the
 * totals in "sends". A count is null if it depends on the answers. */
json_t *plan_document(const struct plan *p);
