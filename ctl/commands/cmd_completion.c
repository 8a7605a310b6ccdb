/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl completion bash */
#include <stdio.h>

#include "common/buf.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "ctl/commands/cmd.h"
#include "ctl/commands/completion.h"
#include "ctl/print.h"

int cmd_completion(struct options *o)
{
	struct buf text = {0};
	int r;

	if (!str_eq(o->args[0], "bash")) {
		command_complain("completion: only bash is known, not %s", o->args[0]);
		return EXIT_USAGE;
	}
	r = completion_bash(&text);
	if (r == 0)
		print_rendered(stdout, &text);
	buf_fini(&text);
	return r ? EXIT_NO_DAEMON : 0;
}
