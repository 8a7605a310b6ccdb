/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the keys that contradict each other count, and the load that follows. Part of the plan;
 * nobody else includes it. Pure. */
#pragma once

#include <stdbool.h>

struct ini_entry;
struct plan_input;

/* After keys_apply: fills model, rate, stages, duration, requests and think. 0 or -ENOMEM. */
int plan_settle_load(const struct plan_input *in);

/* Two keys that contradict each other. The entry that lost; NULL: one of them is not written, or
 * bad. Where both are of one file, a problem is added too. */
struct plan_pair {
	const char *section, *key;
	const char *other_section, *other_key;
	const char *why; /* behind "A contradicts B: " */
};
const struct ini_entry *plan_settle_pair(const struct plan_input *in, const struct plan_pair *pair);
