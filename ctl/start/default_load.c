/* SPDX-License-Identifier: Apache-2.0 */
/* Other load generators take a number of connections and no rate: for wrk, hey, ab, oha and h2load
 * -c 100 is 100 users, each of whom waits for the answer. With a URL rpsctl does the same; a run
 * file has its own defaults, and the same keys mean the same there whether a flag overrides them or
 * not. If no rate is given, the resulting load is reported. */
#include "ctl/start/default_load.h"

#include <stdbool.h>
#include <stdio.h>

#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"

static const struct ini_entry *default_load_find(
	const struct ini_doc *doc, const char *section, const char *key)
{
	return keys_last(doc, section, "", key);
}

const struct ini_entry *default_load_users(const struct ini_doc *doc)
{
	/* These say more of the load, or belong to the open model. */
	static const char *const others[][2] = {{"load", "model"}, {"load", "rate"},
		{"load", "stage"}, {"load", "scale"}, {"load", "arrivals"}, {"load", "slice"},
		{"connections", "exhausted"}, {"connections", "queue-max"}};
	const struct ini_entry *count = default_load_find(doc, "connections", "count");

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (default_load_find(doc, others[i][0], others[i][1]))
			return NULL;
	return count && !count->line && !str_eq(count->value, "auto") ? count : NULL;
}

/* "2 workers, " where a flag says so: another tool's -t may have meant a time. */
static int default_load_put_workers(const struct ini_doc *doc, char *ret, size_t size)
{
	const struct ini_entry *e = default_load_find(doc, "load", "workers");

	if (!e || e->line)
		return 0;
	return snprintf(ret, size, "%.20s worker%s, ", e->value, str_eq(e->value, "1") ? "" : "s");
}

void default_load_describe(
	const struct ini_doc *doc, const struct ini_entry *users, char *ret, size_t size)
{
	const struct ini_entry *model = default_load_find(doc, "load", "model");
	const struct ini_entry *scale = default_load_find(doc, "load", "scale");
	const struct ini_entry *n = default_load_find(doc, "load", "requests");
	const struct ini_entry *pipeline = default_load_find(doc, "connections", "pipeline");
	bool has_rate = default_load_find(doc, "load", "rate") ||
			default_load_find(doc, "load", "stage") ||
			(model && str_eq(model->value, "closed"));
	int len;

	*ret = '\0';
	if (has_rate)
		return;
	len = default_load_put_workers(doc, ret, size);
	ret += len;
	size -= (size_t)len;
	if (users)
		(void)snprintf(ret, size,
			"closed model with %.20s%s%.20s user%s, as %.40s is given without a rate; "
			"-r RATE sets one",
			users->value, pipeline ? " x " : "", pipeline ? pipeline->value : "",
			str_eq(users->value, "1") && !pipeline ? "" : "s", users->file);
	else
		(void)snprintf(ret, size,
			"%.20s%s%s at %.20s%s%s, which is the default rate; -r RATE sets another",
			n ? n->value : "open model", n ? " request" : "",
			n && !str_eq(n->value, "1") ? "s" : "", scale ? scale->value : "",
			scale ? " of " : "", keys_find(&plan_keys, "load", "rate")->fallback);
}
