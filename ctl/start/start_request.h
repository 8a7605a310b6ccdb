/* SPDX-License-Identifier: Apache-2.0 */
/* A run before it is started: WHAT, its overlays and the flags as the parameters of Start, and as
 * the plan that they make. Reads files and the environment with the caller's rights. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/control/start.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "ctl/start/content.h"
#include "ctl/start/run_spec.h"

struct buf;
struct options;
struct plan;

struct start_request {
	/* set before start_request_make, or zero */
	const char *named_text; /* of a named run's file, for start_request_plan alone */
	bool is_service;	/* it goes to the service: no private key does */
	bool is_check;		/* WHAT is a path */
	struct start start;	/* hold */

	/* after it */
	json_t *parameters;	  /* of Start */
	struct ini_doc doc;	  /* what of it is known here, filled */
	struct problems problems; /* "file:line: message" of what was read */
	char *text;
	char load[200]; /* what is sent where no rate is given; "": one is, or it is not known */
	struct content content; /* of the files, where it does not go to the service */
	bool is_unfilled;	/* a variable is missing: nothing can come of it */
	bool is_unreadable;	/* a file that a value names: a problem, and not to be started */
	char _name[RUN_SPEC_NAME_SIZE];
};

/* words: WHAT, then the paths of overlays. 0; or the exit status to end with, and one line in
 * reterr or (is_unfilled) the problems. */
int start_request_make(struct start_request *d, const char *const *words, size_t n,
	const struct options *o, struct err *reterr);

/* The plan, with the contents of files that were read; problems are added to those that there are.
 * What a named run's file refers to counts as empty, as do, in a check, credentials where there are
 * none; these are listed in ret_unread (borrowed names, an array of the caller's to free; NULL:
 * none). 0, -EINVAL (problems) or -ENOMEM, which is said on stderr. */
int start_request_plan(
	struct start_request *d, struct plan **ret, const char ***ret_unread, size_t *ret_n_unread);

/* Appends a line on each of these, to be shown after the plan's description. 0 or -ENOMEM. */
int start_request_put_notes(const char *const *unread, size_t n, struct buf *ret);

/* All problems to stderr, in the order of lines. */
void start_request_print_problems(struct start_request *d);
/* What is valid, but hardly meant, to stderr. */
void start_request_print_hints(const struct start_request *d);
/* With problems: EXIT_USAGE where flags alone are wrong, else EXIT_CONFIG. */
int start_request_status(const struct start_request *d);
/* The kind of a file that begins as no run file does; NULL: it may be one. */
const char *start_request_odd_text(const char *path);
/* Fine on a zeroed one. */
void start_request_fini(struct start_request *d);
