/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl stop: ends runs of the service and prints which. If there was none to stop, that is an
 * error with its own exit status, except with --all: then the goal is reached. */

#include "common/exit_codes.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/print.h"

int cmd_stop(struct options *o)
{
	struct client_answer answer;
	json_t *parameters;
	const json_t *stopped;
	int r;

	if (o->all && o->n_args) {
		command_complain("stop: either %s or --all", o->args[0]);
		return EXIT_USAGE;
	}
	parameters = json_pack("{s:b, s:b}", "now", o->now, "all", o->all);
	r = o->n_args ? command_put_run(o, parameters, "run", o->args[0]) : 0;
	if (r)
		return r;
	r = command_ask(o, false, "Stop", parameters, &answer);
	if (r)
		return r;
	stopped = json_object_get(answer.parameters, "stopped");
	if (!json_array_size(stopped)) {
		if (o->n_args)
			command_complain("%s has finished; rpsctl report %s shows its report",
				o->args[0], o->args[0]);
		else
			command_complain("stop: no run of the service is active; rpsctl status "
					 "shows those that have finished, and Ctrl-C ends one of "
					 "your own");
		r = o->all ? 0 : EXIT_NO_INPUT;
	}
	for (size_t i = 0; i < json_array_size(stopped); i++) {
		const json_t *id = json_array_get(stopped, i);

		if (json_is_string(id))
			(void)print_outf("%s\n", json_string_value(id));
	}
	client_answer_fini(&answer);
	return r;
}
