/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl help, rpsctl version: everything from the tables of commands, flags and terms. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/exit_codes.h"
#include "common/str.h"
#include "common/version.h"
#include "ctl/commands/cmd.h"
#include "ctl/print.h"
#include "ctl/commands/glossary.h"

#define CMD_HELP_WIDTH 78u

static void cmd_help_print_all(void)
{
	print_out("rpsctl starts, watches and stops runs of rpsd, the load generator.\n\n");
	print_out("usage: rpsctl [run] WHAT [FLAG...]      as in: rpsctl localhost:8000 -r 2000\n");
	print_out("       rpsctl COMMAND [FLAG...]\n\n");
	for (size_t i = 0; i < commands_n; i++) {
		const struct command *c = &commands[i];
		int used = (int)print_outf("  %s%s%s", c->name, *c->usage ? " " : "", c->usage);

		(void)print_outf("%*s%s\n", COMMAND_BRIEF_COLUMN - used, "", c->brief);
	}
	print_out("\nrpsctl help COMMAND lists the flags of one; rpsctl help TERM explains a word "
		  "of\n"
		  "the report, such as response or ledger; rpsctl help terms lists them.\n");
}

void command_print_help(const struct command *c)
{
	struct buf flags = {0};

	if (!c) {
		cmd_help_print_all();
		return;
	}
	(void)print_outf("usage: rpsctl %s%s%s [FLAG...]\n%s\n\n", c->name, *c->usage ? " " : "",
		c->usage, c->brief);
	if (options_describe(c->groups, &flags) == 0)
		print_out(flags.data);
	if (c->more)
		(void)print_outf("\n%s", c->more);
	buf_fini(&flags);
}

void command_print_usage(void)
{
	print_err("usage: rpsctl [run] URL|FILE.ini [FLAG...]\n"
		  "       rpsctl run NAME [FLAG...]\n"
		  "       rpsctl COMMAND [FLAG...]\n"
		  "\n"
		  "  rpsctl origin                          something to load, on port 8000\n"
		  "  rpsctl localhost:8000 -r 2000 -d 30    2,000 requests/s for 30 s\n"
		  "  rpsctl help                            all commands\n");
}

static void cmd_help_print_terms(void)
{
	size_t used = 0;

	for (size_t i = 0; glossary_at(i); i++) {
		size_t len = strlen(glossary_at(i));

		if (used && used + 2 + len > CMD_HELP_WIDTH) {
			print_out(",\n");
			used = 0;
		}
		used += print_outf("%s%s", used ? ", " : "  ", glossary_at(i));
	}
	print_out("\n");
}

/* The words of the command line as one. */
static int cmd_help_join(const struct options *o, struct buf *ret)
{
	int r = 0;

	for (size_t i = 0; i < o->n_args && r == 0; i++)
		r = buf_printf(ret, "%s%s", i ? " " : "", o->args[i]);
	return r;
}

static int cmd_help_unknown(const char *word)
{
	const char *command = command_nearest(word);
	const char *term = glossary_nearest(word);

	if (command || term)
		command_complain("help: %s is neither a command nor a term; did you mean %s?", word,
			command ? command : term);
	else
		command_complain("help: %s is neither a command nor a term; rpsctl help terms "
				 "lists the terms",
			word);
	return EXIT_USAGE;
}

/* A word that is both (run, report, status) is the command first: its flags are needed more often,
 * and the term stands below them. */
static int cmd_help_word(const char *word)
{
	const struct command *c = command_find(word);
	struct buf text = {0};
	int r;

	if (str_eq(word, "terms")) {
		cmd_help_print_terms();
		return 0;
	}
	r = glossary_explain(word, &text);
	if (c)
		command_print_help(c);
	if (r == 0 && c)
		(void)print_outf("\nThe word in the report: ");
	if (r == 0)
		print_out(text.data);
	buf_fini(&text);
	if (c || r == 0)
		return 0;
	return r == -ENOENT ? cmd_help_unknown(word) : EXIT_NO_DAEMON;
}

int cmd_help(struct options *o)
{
	struct buf word = {0};
	int r = 0;

	if (o->n_args == 0)
		command_print_help(NULL);
	else if (cmd_help_join(o, &word) == 0)
		r = cmd_help_word(word.data);
	buf_fini(&word);
	return r;
}

int cmd_version(struct options *o)
{
	(void)o;
	print_out("rpsctl " RPSD_VERSION "\n");
	return 0;
}
