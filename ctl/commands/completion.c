/* SPDX-License-Identifier: Apache-2.0 */
/* A bash function with its data. The data are case tables made from those of rpsctl: the flags of
 * each command, the possible values of a flag, the words after a command. The function around them
 * is fixed, needs nothing but bash (no bash-completion), and asks the service for names and ids of
 * runs only when these are needed.
 *
 * Words that come from a daemon or are names of files are data: none is expanded by the shell,
 * since a daemon could otherwise run commands as the user who presses TAB. */
#include "ctl/commands/completion.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"
#include "ctl/commands/cmd.h"
#include "ctl/commands/glossary.h"

static const char completion_head[] =
	"# bash completion for rpsctl; made by: rpsctl completion bash\n"
	"# shellcheck shell=bash\n";

static const char completion_function[] =
	"# Each of these offers what begins with the word that is typed. None starts a process "
	"without "
	"need:\n"
	"# a person waits.\n"
	"\n"
	"# _rpsctl_some WORDS. compgen -W would expand the words, and run commands that are in "
	"them.\n"
	"_rpsctl_some() {\n"
	"\tlocal words word\n"
	"\n"
	"\tIFS=$' \\t\\n' read -rd '' -a words <<<\"$1\"\n"
	"\tfor word in \"${words[@]}\"; do\n"
	"\t\tif [[ $word == \"$cur\"* ]]; then\n"
	"\t\t\tCOMPREPLY+=(\"$word\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# Names of the service's runs, ids of runs: nothing where there is no service. What "
	"looks like neither\n"
	"# is not offered, whatever the daemon says.\n"
	"_rpsctl_names() {\n"
	"\tlocal lines line\n"
	"\n"
	"\tmapfile -t -s 1 lines < <(\"${COMP_WORDS[0]}\" list 2>/dev/null)\n"
	"\tlocal LC_ALL=C\n"
	"\tfor line in \"${lines[@]}\"; do\n"
	"\t\tif [[ $line =~ ^([A-Za-z0-9_][A-Za-z0-9._-]*)(' '|$) ]]; then\n"
	"\t\t\t_rpsctl_some \"${BASH_REMATCH[1]}\"\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"_rpsctl_ids() {\n"
	"\tlocal lines line is_run=''\n"
	"\n"
	"\tmapfile -t lines < <(\"${COMP_WORDS[0]}\" status 2>/dev/null)\n"
	"\tlocal LC_ALL=C\n"
	"\tfor line in \"${lines[@]}\"; do\n"
	"\t\tif [[ $line == 'run '* ]]; then\n"
	"\t\t\tis_run=yes\n"
	"\t\telif [[ $is_run && $line =~ ^([A-Za-z0-9_][A-Za-z0-9._-]*-[0-9]+)' ' ]]; then\n"
	"\t\t\t_rpsctl_some \"${BASH_REMATCH[1]}\"\n"
	"\t\tfi\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# _rpsctl_files PATTERN: files of that pattern, and directories.\n"
	"_rpsctl_files() {\n"
	"\tlocal files\n"
	"\n"
	"\tmapfile -t files < <(compgen -f -X \"!$1\" -- \"$cur\"; compgen -d -- \"$cur\")\n"
	"\tCOMPREPLY+=(\"${files[@]}\")\n"
	"}\n"
	"\n"
	"# _rpsctl_kind KIND: words of that kind. Readline quotes the names of files.\n"
	"_rpsctl_kind() {\n"
	"\tcase $1 in\n"
	"\tstart | what | file | result | results) compopt -o filenames 2>/dev/null ;;\n"
	"\tkey) compopt -o nospace 2>/dev/null ;;\n"
	"\tesac\n"
	"\tcase $1 in\n"
	"\twhat)\n"
	"\t\t_rpsctl_files '*.ini'\n"
	"\t\t[[ $cur == */* || $COMP_CWORD -eq 1 ]] || _rpsctl_names\n"
	"\t\t;;\n"
	"\tname) _rpsctl_names ;;\n"
	"\trun) _rpsctl_ids ;;\n"
	"\tfile) _rpsctl_files '*' ;;\n"
	"\tresult)\n"
	"\t\t_rpsctl_files '*.json'\n"
	"\t\t[[ $cur == */* ]] || _rpsctl_ids\n"
	"\t\t;;\n"
	"\tresults) _rpsctl_files '*.json' ;;\n"
	"\tcommand) _rpsctl_some \"$_rpsctl_commands terms $_rpsctl_terms\" ;;\n"
	"\tshell) _rpsctl_some bash ;;\n"
	"\tkey) _rpsctl_some \"$_rpsctl_keys\" ;;\n"
	"\tmethod) _rpsctl_some 'GET HEAD POST PUT PATCH DELETE OPTIONS' ;;\n"
	"\tstart)\n"
	"\t\t_rpsctl_some \"$_rpsctl_commands\"\n"
	"\t\t_rpsctl_kind what\n"
	"\t\t;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_rpsctl() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal command='' kind=''\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\t# --flag=VALUE is three words to bash.\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $before == = ]]; then\n"
	"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tif ((COMP_CWORD > 1)) && [[ \" $_rpsctl_commands \" == *\" ${COMP_WORDS[1]} \"* ]]; "
	"then\n"
	"\t\tcommand=${COMP_WORDS[1]}\n"
	"\tfi\n"
	"\t# A URL, a path or a flag in front is run without the word.\n"
	"\tif [[ -z $command && ($COMP_CWORD -gt 1 || $cur == -*) ]]; then\n"
	"\t\tcommand=run\n"
	"\tfi\n"
	"\tif [[ -z $command ]]; then\n"
	"\t\t_rpsctl_kind start\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t_rpsctl_value \"$command\" \"$before\"\n"
	"\tif [[ -z $kind && $cur == -* ]]; then\n"
	"\t\t_rpsctl_flags \"$command\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t[[ $kind ]] || _rpsctl_words \"$command\"\n"
	"\t_rpsctl_kind \"$kind\"\n"
	"}\n"
	"\n"
	"complete -F _rpsctl rpsctl\n";

/* ---------------------------------------------------------------- the data */

static int completion_put_commands(struct buf *ret)
{
	int r = buf_puts(ret, "_rpsctl_commands='");

	for (size_t i = 0; i < commands_n && r == 0; i++)
		r = buf_printf(ret, "%s%s", i ? " " : "", commands[i].name);
	return r ? r : buf_puts(ret, "'\n");
}

/* "our delay" is typed as our-delay; what a shell would read otherwise is left out. */
static int completion_put_terms(struct buf *ret)
{
	int r = buf_puts(ret, "_rpsctl_terms='");
	bool is_first = true;

	for (size_t i = 0; glossary_at(i) && r == 0; i++) {
		size_t from = ret->len;

		if (strpbrk(glossary_at(i), "'%"))
			continue;
		r = buf_printf(ret, "%s%s", is_first ? "" : " ", glossary_at(i));
		for (size_t at = from + !is_first; r == 0 && at < ret->len; at++) {
			if (ret->data[at] == ' ')
				ret->data[at] = '-';
		}
		is_first = false;
	}
	return r ? r : buf_puts(ret, "'\n");
}

static int completion_put_keys(struct buf *ret)
{
	int r = buf_puts(ret, "_rpsctl_keys='");
	bool is_first = true;

	for (size_t i = 0; i < plan_keys.n && r == 0; i++) {
		const struct key *k = &plan_keys.rows[i];

		if (k->named)
			continue;
		r = buf_printf(ret, "%s%s.%s=", is_first ? "" : " ", k->section, k->name);
		is_first = false;
	}
	return r ? r : buf_puts(ret, "'\n");
}

static int completion_put_flags(struct buf *ret)
{
	int r = buf_puts(
		ret, "\n# Offers the flags of a command.\n_rpsctl_flags() {\n\tcase $1 in\n");

	for (size_t i = 0; i < commands_n && r == 0; i++) {
		r = buf_printf(ret, "\t%s) _rpsctl_some '", commands[i].name);
		for (size_t k = 0; k < options_flags_n && r == 0; k++) {
			const struct options_flag *f = &options_flags[k];

			if (!(f->groups & (commands[i].groups | OPTIONS_ANY)))
				continue;
			if (f->letter)
				r = buf_printf(ret, "-%c ", f->letter);
			if (f->name && r == 0)
				r = buf_printf(ret, "--%s ", f->name);
		}
		if (r == 0)
			r = buf_puts(ret, "' ;;\n");
	}
	return r ? r : buf_puts(ret, "\tesac\n}\n");
}

/* The kind of a flag's value, by its name in the help. */
static const char *completion_value_kind(const struct options_flag *f)
{
	static const char *const kinds[][2] = {
		{"FILE", "file"},
		{"PATH", "file"},
		{"METHOD", "method"},
		{"SECTION.KEY=VALUE", "key"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (str_eq(kinds[i][0], f->value))
			return kinds[i][1];
	}
	return "nothing";
}

/* Those of a group in one case each; a letter may mean two things in two groups. */
static int completion_put_values(struct buf *ret)
{
	int r = buf_puts(ret, "\n# Sets kind to what the value of a flag is, where it takes "
			      "one.\n_rpsctl_value() {\n"
			      "\tcase $1:$2 in\n");

	for (size_t i = 0; i < commands_n && r == 0; i++) {
		for (size_t k = 0; k < options_flags_n && r == 0; k++) {
			const struct options_flag *f = &options_flags[k];
			const char *bar = f->letter && f->name ? " | " : "";

			if (!f->value || !(f->groups & (commands[i].groups | OPTIONS_ANY)))
				continue;
			r = buf_puts(ret, "\t");
			if (r == 0 && f->letter)
				r = buf_printf(ret, "%s:-%c%s", commands[i].name, f->letter, bar);
			if (r == 0 && f->name)
				r = buf_printf(ret, "%s:--%s", commands[i].name, f->name);
			if (r == 0)
				r = buf_printf(ret, ") kind='%s' ;;\n", completion_value_kind(f));
		}
	}
	return r ? r : buf_puts(ret, "\tesac\n}\n");
}

static int completion_put_words(struct buf *ret)
{
	static const char *const words[] = {
		[COMMAND_NOTHING] = "nothing",
		[COMMAND_WHAT] = "what",
		[COMMAND_NAME] = "name",
		[COMMAND_RUN] = "run",
		[COMMAND_FILE] = "file",
		[COMMAND_RESULT] = "result",
		[COMMAND_RESULTS] = "results",
		[COMMAND_COMMAND] = "command",
		[COMMAND_SHELL] = "shell",
	};
	int r = buf_puts(ret, "\n# Sets kind to what the words after a command "
			      "are.\n_rpsctl_words() {\n\tcase $1 in\n");

	for (size_t i = 0; i < commands_n && r == 0; i++)
		r = buf_printf(
			ret, "\t%s) kind='%s' ;;\n", commands[i].name, words[commands[i].words]);
	return r ? r : buf_puts(ret, "\tesac\n}\n\n");
}

int completion_bash(struct buf *ret)
{
	static int (*const parts[])(struct buf *) = {
		completion_put_commands,
		completion_put_terms,
		completion_put_keys,
		completion_put_flags,
		completion_put_values,
		completion_put_words,
	};
	int r = buf_puts(ret, completion_head);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && r == 0; i++)
		r = parts[i](ret);
	return r ? r : buf_puts(ret, completion_function);
}
