/* SPDX-License-Identifier: Apache-2.0 */
/* What entries of a plan cannot be together, as two tables. Part of the plan; included by nothing
 * else. Pure. */
#pragma once

struct ini_entry;
struct plan_input;

/* After all entries are read and the requests are made: of two keys that exclude each other one is
 * dropped. */
void plan_exclude(const struct plan_input *in);
/* Adds, at the later one of two entries of one file, that they contradict each other. */
void plan_contradict(const struct plan_input *in, const struct ini_entry *first,
	const struct ini_entry *last, const char *why);
/* After the load is settled: refuses what has no meaning in this plan, or drops it where a later
 * file turned the plan around. */
void plan_apply_rules(const struct plan_input *in);
