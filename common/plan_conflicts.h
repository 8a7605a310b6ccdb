/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the keys that contradict each other count, and the load that follows. Part of the plan;
 * nobody else includes it. Pure. */
#pragma once

struct ini_doc;
struct plan;
struct problems;

/* For each entry of doc the number of its file, from 0; flags share one behind all files. New array
 * (one element at least), NULL: no memory. */
unsigned *plan_layers_new(const struct ini_doc *doc);

/* After keys_apply: fills model, rate, stages, duration, requests and think. 0 or -ENOMEM. */
int plan_settle_load(struct plan *plan, const struct ini_doc *doc, const unsigned *layers,
	struct problems *problems);
