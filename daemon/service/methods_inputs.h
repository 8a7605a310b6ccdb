/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a plan when a client starts or lists runs: a text, the files that it names and the
 * settings that override it. For methods*.c alone. Main thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "common/control/start.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "daemon/service/control.h"

#define METHODS_RUN_FILE_MAX (1u << 20)

/* The problem of a named run whose file cannot be read, with file_error. */
#define METHODS_UNREADABLE "%s: a named run is a file that rpsd may read"

/* The inputs for one plan. */
struct methods_inputs {
	struct start start; /* the call's parameters; all absent where there is no call */
	char *path;	    /* of a named run's file; NULL: ad hoc */
	char *text;	    /* of that file */
	struct ini_doc doc;
	/* Entries and sections of doc that a named run's file has; those after them came with the
	 * call. */
	size_t n_named, n_named_sections;
	/* Those that a named run's file names, whose data is owned, come before those of the call:
	 * of two with one name the plan takes the first. */
	struct plan_file files[2 * START_FILES_MAX];
	size_t n_named_files, n_files;
	size_t n_bytes; /* of those that are no piece of start.content */
	struct problems problems;
};

/* Problem i as role may see it. A problem quotes its line: for a line of a named run's file the
 * full text is shown only to those who may see the whole line. */
json_t *methods_json_problem(const struct methods_inputs *m, size_t i, enum control_role role);

/* Frees inputs that was allocated with calloc. */
void methods_inputs_fini(struct methods_inputs *m);

/* Reads the run file of name in dir, and its files. 0 or -errno (-ENOENT: there is no such run). */
enum methods_files {
	METHODS_READ, /* with their content */
	METHODS_LOOK, /* only checks that they exist; a placeholder replaces their content */
};
int methods_read_named(
	struct methods_inputs *inputs, const char *dir, const char *name, enum methods_files how);
/* What came with the call: texts, settings and files, as far as they fit. 0 or -ENOMEM. */
int methods_read_call(struct methods_inputs *m);
