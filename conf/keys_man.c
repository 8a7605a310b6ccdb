/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the build: the keys of run files ("run") or of rpsd.conf ("daemon") as mdoc, section
 * by section in the order of the key table, each key with what its value is, its help, default and
 * limits. So the manuals cannot say anything else than the parser does.
 *
 *	keys_man run|daemon|rules
 *
 * and what rules compare, from the table of their metrics. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/rules/rule.h"
#include "common/settings/settings_keys.h"
#include "common/str.h"
#include "conf/roff.h"

/* As the manuals explain them under VALUES. */
static const char *const keys_man_values[] = {
	[KEY_TEXT] = "TEXT",
	[KEY_UINT] = "N",
	[KEY_RATE] = "RATE",
	[KEY_TIME] = "TIME",
	[KEY_SIZE] = "SIZE",
	[KEY_CUSTOM] = "VALUE",
};

/* ".It Ic rate No = Ar RATE | Cm max" */
static void keys_man_head(const struct key *k)
{
	(void)fputs(".It Ic ", stdout);
	roff_put(k->name);
	(void)fputs(" No =", stdout);
	if (k->type != KEY_CHOICE)
		(void)printf(" Ar %s", keys_man_values[k->type]);
	for (size_t i = 0; k->type == KEY_CHOICE && k->choices[i]; i++) {
		(void)fputs(i ? " | " : " Cm ", stdout);
		roff_put(k->choices[i]);
	}
	if (k->word) {
		(void)fputs(" | Cm ", stdout);
		roff_put(k->word);
	}
	(void)putchar('\n');
}

static void keys_man_fact(const char *label, const char *text, bool *is_first)
{
	(void)fputs(*is_first ? " (" : "; ", stdout);
	(void)fputs(label, stdout);
	roff_put(text);
	*is_first = false;
}

/* "requests per second (default 100/s; 1/h to 10M/s)" */
static void keys_man_text(const struct key *k)
{
	bool is_first = true;

	roff_put(k->help);
	if (k->fallback)
		keys_man_fact("default ", k->fallback, &is_first);
	if (k->limits) {
		const char *dots = strstr(k->limits, "..");

		(void)fputs(is_first ? " (" : "; ", stdout);
		roff_put_part(k->limits, (size_t)(dots - k->limits));
		(void)fputs(" to ", stdout);
		roff_put(dots + 2);
		is_first = false;
	}
	if (k->repeated)
		keys_man_fact("", "may stand several times", &is_first);
	(void)puts(is_first ? "" : ")");
}

static void keys_man_print(const struct key_table *table)
{
	const char *section = NULL;

	for (size_t i = 0; i < table->n; i++) {
		const struct key *k = &table->rows[i];

		if (!section || !str_eq(section, k->section)) {
			if (section)
				(void)puts(".El");
			(void)printf(".Ss \\&[%s%s]\n.Bl -tag -width Ds\n", k->section,
				k->named ? " NAME" : "");
			section = k->section;
		}
		keys_man_head(k);
		keys_man_text(k);
	}
	if (section)
		(void)puts(".El");
}

/* What a rule compares: "service p99 | mean | min | max", "status 503". */
static void keys_man_metrics(void)
{
	static const char *const forms[] = {
		[RULE_TIME] = "Ar STAT",
		[RULE_SHARE] = "",
		[RULE_RATE] = "",
		[RULE_WORD] = "",
	};

	(void)puts(".Bl -tag -width \"connection-limited\" -compact");
	for (unsigned m = 0; m < RULE_METRICS; m++) {
		const struct rule_metric_info *info = &rule_metrics[m];

		(void)fputs(".It", stdout);
		if (*info->name) {
			(void)fputs(" Cm ", stdout);
			roff_put(info->name);
		}
		(void)printf("%s%s\n", *forms[info->form] ? " " : "",
			m == RULE_STATUS ? " Ar CODE" : forms[info->form]);
		roff_put(info->help);
		if (!info->in_requests || !info->in_stages)
			(void)printf(" (of the run%s%s)", info->in_requests ? " or a request" : "",
				info->in_stages ? " or a stage" : "");
		(void)putchar('\n');
	}
	(void)puts(".El");
}

int main(int argc, char *argv[])
{
	if (argc == 2 && str_eq(argv[1], "run")) {
		keys_man_print(&plan_keys);
	} else if (argc == 2 && str_eq(argv[1], "daemon")) {
		keys_man_print(&settings_keys);
	} else if (argc == 2 && str_eq(argv[1], "rules")) {
		keys_man_metrics();
	} else {
		(void)fputs("usage: keys_man run|daemon|rules\n", stderr);
		return 64;
	}
	return roff_finish();
}
