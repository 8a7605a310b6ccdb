/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl resume: ends the pause of a run. */
#include "ctl/commands/cmd.h"
#include "ctl/live/steer.h"

int cmd_resume(struct options *o)
{
	return steer_command(o, "Resume", o->n_args ? o->args[0] : NULL, json_object());
}
