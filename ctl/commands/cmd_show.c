/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl show: a named run's file, or the daemon's merged configuration, as the service reads it.
 */

#include "common/exit_codes.h"
#include "common/json_path.h"
#include "ctl/client.h"
#include "ctl/commands/cmd.h"
#include "ctl/commands/named_file.h"
#include "ctl/print.h"
#include "ctl/start/run_spec.h"

int cmd_show(struct options *o)
{
	struct client_answer answer;
	json_t *parameters;
	int r;

	if (o->n_args && run_spec_kind(o->args[0]) != RUN_SPEC_NAME) {
		command_complain("show: %s is not the name of a run of the service; rpsctl check "
				 "FILE prints what a file means",
			o->args[0]);
		return EXIT_USAGE;
	}
	if (o->n_args && named_file_complain(o, o->args[0]))
		return EXIT_USAGE;
	parameters = json_object();
	r = o->n_args ? command_put_run(o, parameters, "name", o->args[0]) : 0;
	if (r)
		return r;
	r = command_ask(o, true, "Show", parameters, &answer);
	if (r)
		return r;
	print_out(json_path_text(answer.parameters, "text"));
	client_answer_fini(&answer);
	return 0;
}
