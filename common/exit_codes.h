/* SPDX-License-Identifier: Apache-2.0 */
/* The exit status of rpsctl (blueprint section 8); the daemon puts that of a run into its
 * result. */
#pragma once

enum exit_code {
	EXIT_OUTPUT = 1, /* the output could not be written */
	EXIT_RULE_FAILED = 10,
	EXIT_RUN_ABORTED = 11,
	EXIT_UNDECIDED = 12,  /* or void */
	EXIT_RUN_FAILED = 13, /* nothing connected, or not one ok */
	EXIT_STOPPED = 14,    /* by a person */
	EXIT_USAGE = 64,
	EXIT_NO_INPUT = 66,  /* no such run or file */
	EXIT_NO_DAEMON = 69, /* unreachable or lost */
	EXIT_REFUSED = 77,   /* by policy or role */
	EXIT_CONFIG = 78,
	EXIT_INTERRUPTED = 130, /* the second Ctrl-C */
};
