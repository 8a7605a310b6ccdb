/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl set: changes the rate of a run in progress. An invalid rate is reported here already, by
 * the same parsers as in the daemon. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/exit_codes.h"
#include "common/plan/plan_values.h"
#include "common/str.h"
#include "common/units.h"
#include "ctl/commands/cmd.h"
#include "ctl/live/steer.h"

static int cmd_set_check(const char *value)
{
	struct err err = {0};
	struct rate rate;
	bool is_scale;

	if (plan_parse_new_rate(value, &rate, &is_scale, &err) == 0)
		return 0;
	command_complain("set: %s", err.text);
	return EXIT_USAGE;
}

int cmd_set(struct options *o)
{
	const char *setting = o->args[o->n_args - 1];
	const char *value = strchr(setting, '=');
	int r;

	if (!value && o->n_args > 1 && strchr(o->args[0], '=')) {
		command_complain(
			"set: the run comes first: rpsctl set %.100s %.60s", setting, o->args[0]);
		return EXIT_USAGE;
	}
	if (!value) {
		command_complain("set: '%.60s' is not KEY=VALUE: write rate=RATE", setting);
		return EXIT_USAGE;
	}
	if (!str_starts(setting, "rate=")) {
		command_complain("set: '%.*s' cannot be set while it runs: only rate can",
			(int)(value - setting), setting);
		return EXIT_USAGE;
	}
	r = cmd_set_check(++value);
	if (r)
		return r;
	return steer_command(o, "Set", o->n_args > 1 ? o->args[0] : NULL,
		json_pack("{s:[{s:s, s:s}]}", "settings", "key", "rate", "value", value));
}
