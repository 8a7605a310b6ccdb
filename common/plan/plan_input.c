/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries are in force. An entry keeps its place and its value in any case; flags beside it
 * tell that it is bad or overridden. */
#include "common/plan/plan_input.h"

#include <stddef.h>

#include "common/config/keys.h"
#include "common/plan/plan_keys.h"

const struct ini_entry *plan_entry(
	const struct plan_input *in, const char *section, const char *key)
{
	const struct ini_entry *e = keys_last(in->doc, section, "", key);

	return e && !plan_is_lost(in, e) ? e : NULL;
}

void plan_drop(const struct plan_input *in, const struct ini_entry *e)
{
	in->lost[e - in->doc->entries] = true;
	/* Keys that can be dropped have defaults that need no memory. */
	(void)keys_reset(keys_find(&plan_keys, e->section, e->key), in->plan);
}
