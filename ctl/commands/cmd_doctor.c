/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl doctor: whether this host is fit for load. */
#include <stdio.h>

#include "common/buf.h"
#include "common/exit_codes.h"
#include "ctl/commands/cmd.h"
#include "ctl/commands/doctor.h"

int cmd_doctor(struct options *o)
{
	static struct doctor_facts facts;
	struct buf text = {0};
	unsigned warnings = 0;
	int r;

	doctor_gather(&facts, o);
	r = doctor_judge(&facts, &text, &warnings);
	if (r == 0)
		command_print(text.data);
	else
		(void)command_out_of_memory("the checks");
	buf_fini(&text);
	if (r)
		return EXIT_NO_DAEMON;
	return warnings ? 1 : 0;
}
