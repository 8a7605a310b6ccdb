/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl pause: holds a run, so that nothing new is sent. */
#include "ctl/commands/cmd.h"
#include "ctl/live/steer.h"

int cmd_pause(struct options *o)
{
	return steer_command(o, "Pause", o->n_args ? o->args[0] : NULL, json_object());
}
