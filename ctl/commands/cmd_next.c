/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl next: leaves out the rest of a run's present stage. */
#include "ctl/commands/cmd.h"
#include "ctl/live/steer.h"

int cmd_next(struct options *o)
{
	return steer_command(o, "Next", o->n_args ? o->args[0] : NULL, json_object());
}
