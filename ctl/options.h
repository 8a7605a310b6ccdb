/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of rpsctl: one table from which they are read, checked and explained. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/* Which commands know a flag; a command names the groups it takes. */
enum options_group {
	OPTIONS_PLAN = 1 << 0,	 /* what to send: keys of the run file */
	OPTIONS_REPORT = 1 << 1, /* where the report goes, and how detailed it is */
	OPTIONS_QUIET = 1 << 2,
	OPTIONS_WHERE = 1 << 3,	  /* --service */
	OPTIONS_CONTROL = 1 << 4, /* --socket */
	OPTIONS_JSON = 1 << 5,
	OPTIONS_STOP = 1 << 6,
	OPTIONS_ORIGIN = 1 << 7,
	OPTIONS_ANY = 1 << 8, /* --help */
	OPTIONS_MERGE = 1 << 9,
	OPTIONS_RULES = 1 << 10, /* of a result that is there already */
};

enum options_kind {
	OPTIONS_KEY,	  /* sets a key of the run file, or of [origin] */
	OPTIONS_KEY_TIME, /* the same; a bare number is seconds */
	OPTIONS_KEY_RATE, /* the same; "x0.1" is load.scale */
	OPTIONS_SET,	  /* section.key=value */
	OPTIONS_BOOL,
	OPTIONS_TEXT,
	OPTIONS_OUTPUT,
	OPTIONS_REQUIRE,
	OPTIONS_NOTHING,
};

struct options_flag {
	char letter;	   /* 0: none */
	const char *name;  /* NULL: none */
	const char *value; /* how help calls it; NULL: takes none */
	unsigned groups;
	enum options_kind kind;
	const char *key;   /* OPTIONS_KEY */
	const char *fixed; /* OPTIONS_KEY without a value of its own */
	size_t offset;	   /* OPTIONS_BOOL, OPTIONS_TEXT */
	const char *help;  /* NULL: the help and default of its key */
};

extern const struct options_flag options_flags[];
extern const size_t options_flags_n;

/* A key given as a flag. */
struct options_setting {
	char *key; /* "load.rate" */
	char *value;
	char *origin; /* "-r": the daemon names it in its messages */
};

/* Zero-initialise. Texts that are not char * are borrowed from argv. */
struct options {
	const char *command;		  /* whose flags these are, for messages; or NULL */
	struct options_setting *settings; /* in the order given */
	size_t n_settings;
	const char **outputs; /* -o */
	size_t n_outputs;
	const char **requires; /* --require, of a result that is there already */
	size_t n_requires;
	const char *undecided; /* the same; NULL: as its plan says */
	const char **args;     /* what is no flag, in order */
	size_t n_args;
	const char *socket;
	bool quiet;
	bool verbose;
	bool json;
	bool service;
	bool repeats;
	bool all;
	bool now;
	bool help;
	bool dry_run;
};

/* Reads the words after the command's name. groups: those that the command takes. Flags may be
 * anywhere; "--" ends them. 0, -EINVAL with one line in reterr, -ENOMEM. */
int options_parse(
	struct options *o, unsigned groups, int argc, char *const argv[], struct err *reterr);
void options_fini(struct options *o);

/* The value of a setting given so far (the last one), or NULL. */
const char *options_setting(const struct options *o, const char *key);
/* Adds one that follows from others. 0 or -ENOMEM. */
int options_set(struct options *o, const char *key, const char *value, const char *origin);

/* The table of the flags in these groups, as --help prints it: what a flag does begins at that
 * column, in its further lines too. 0 or -ENOMEM. */
#define OPTIONS_HELP_COLUMN 30u
int options_describe(unsigned groups, struct buf *ret);
