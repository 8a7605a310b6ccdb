/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of rpsctl: one table for dispatch and help. Each lives in its own cmd_NAME.c and
 * returns the exit status. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/command.h"
#include "ctl/options.h"

/* The column of the briefs in the list of commands, and their maximum length. */
#define COMMAND_BRIEF_COLUMN 31
#define COMMAND_BRIEF_MAX 49

/* The kind of the words after a command, for its completion. */
enum command_words {
	COMMAND_NOTHING,
	COMMAND_WHAT,	 /* a run file, or a named run */
	COMMAND_NAME,	 /* a named run */
	COMMAND_RUN,	 /* an id */
	COMMAND_FILE,	 /* any file */
	COMMAND_RESULT,	 /* an id, or a result's file */
	COMMAND_RESULTS, /* results' files */
	COMMAND_COMMAND, /* or a word of the report */
	COMMAND_SHELL,
};

struct command {
	const char *name;
	const char *usage; /* the words after the name; may hold several */
	const char *brief; /* one line, of at most COMMAND_BRIEF_MAX columns */
	const char *more;  /* additional lines for its own help; NULL: none */
	unsigned groups;   /* of enum options_group */
	unsigned min_args;
	unsigned max_args;
	int (*run)(struct options *o);
	enum command_words words;
};

extern const struct command commands[];
extern const size_t commands_n;

/* NULL when there is none. */
const struct command *command_find(const char *name);
/* The nearest name, or NULL. */
const char *command_nearest(const char *name);
/* Reads argv after the command's name and runs it. */
int command_run(const struct command *c, int argc, char *const argv[]);

/* Help about one command (NULL: all of them) to stdout. */
void command_print_help(const struct command *c);
/* The short usage, to stderr. */
void command_print_usage(void);

int cmd_run(struct options *o);
int cmd_start(struct options *o);
int cmd_stop(struct options *o);
int cmd_set(struct options *o);
int cmd_pause(struct options *o);
int cmd_resume(struct options *o);
int cmd_next(struct options *o);
int cmd_status(struct options *o);
int cmd_watch(struct options *o);
int cmd_wait(struct options *o);
int cmd_check(struct options *o);
int cmd_show(struct options *o);
int cmd_report(struct options *o);
int cmd_merge(struct options *o);
int cmd_origins(struct options *o);
int cmd_origin(struct options *o);
int cmd_list(struct options *o);
int cmd_doctor(struct options *o);
int cmd_completion(struct options *o);
int cmd_help(struct options *o);
int cmd_version(struct options *o);
