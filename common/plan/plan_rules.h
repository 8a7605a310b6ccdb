/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a plan that cannot be combined, as two tables. Internal to the plan. Pure. */
#pragma once

struct ini_entry;
struct plan_input;

/* To be called after all entries are read and the requests are made: drops one of two keys that
 * exclude each other. */
void plan_exclude(const struct plan_input *in);
/* Reports, at the later one of two entries of one file, that they contradict each other. */
void plan_contradict(const struct plan_input *in, const struct ini_entry *first,
	const struct ini_entry *last, const char *why);
/* To be called after the load is determined: refuses keys that have no meaning in this plan, or
 * drops them if a later file changed the plan. */
void plan_apply_rules(const struct plan_input *in);
