/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl help, rpsctl version: everything from the tables of commands and flags. */
#include <stdio.h>

#include "common/buf.h"
#include "common/exit_codes.h"
#include "common/version.h"
#include "ctl/cmd.h"

static void cmd_help_print_all(void)
{
	(void)puts("rpsctl starts, watches, steers and stops runs of rpsd, the load generator.\n");
	(void)puts("usage: rpsctl [run] WHAT [FLAG...]      as in: rpsctl localhost:8000 -r 2000");
	(void)puts("       rpsctl COMMAND [FLAG...]\n");
	for (size_t i = 0; i < commands_n; i++)
		(void)printf(
			"  %-8s%-12s%s\n", commands[i].name, commands[i].usage, commands[i].brief);
	(void)puts("\nrpsctl help COMMAND lists the flags of one.");
}

void command_print_help(const struct command *c)
{
	struct buf flags = {0};

	if (!c) {
		cmd_help_print_all();
		return;
	}
	(void)printf("usage: rpsctl %s%s%s [FLAG...]\n%s\n\n", c->name, *c->usage ? " " : "",
		c->usage, c->brief);
	if (options_describe(c->groups, &flags) == 0)
		(void)fputs(flags.data, stdout);
	if (c->more)
		(void)printf("\n%s", c->more);
	buf_fini(&flags);
}

void command_print_usage(void)
{
	(void)fputs("usage: rpsctl [run] URL|FILE.ini|NAME [FLAG...]\n"
		    "       rpsctl COMMAND [FLAG...]\n"
		    "\n"
		    "  rpsctl origin                          something to load, on port 8000\n"
		    "  rpsctl localhost:8000 -r 2000 -d 30    2,000 requests/s for 30 s\n"
		    "  rpsctl help                            all commands\n",
		stderr);
}

int cmd_help(struct options *o)
{
	const struct command *c = NULL;

	if (o->n_args) {
		c = command_find(o->args[0]);
		if (!c) {
			const char *nearest = command_nearest(o->args[0]);

			command_complain("there is no command %s%s%s", o->args[0],
				nearest ? "; did you mean " : "", nearest ? nearest : "");
			return EXIT_USAGE;
		}
	}
	command_print_help(c);
	return 0;
}

int cmd_version(struct options *o)
{
	(void)o;
	(void)puts("rpsctl " RPSD_VERSION);
	return 0;
}
