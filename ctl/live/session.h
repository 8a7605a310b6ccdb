/* SPDX-License-Identifier: Apache-2.0 */
/* One run from Start to its result over two connections, with Ctrl-C on the way. One thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/client.h"

struct display;

struct session {
	/* set before session_run */
	struct client stream;	 /* Start, Watch, Report, in this order */
	struct client steer;	 /* Stop and the acts of keys, while the stream is busy */
	struct display *display; /* NULL: quiet */
	char where[256];	 /* said when the run has been started, unless quiet */
	char load[200];		 /* said after it; "": nothing */
	int signals;		 /* of terminal_block_signals, or -1 */

	/* after it */
	json_t *result;	    /* NULL: there is none */
	struct buf trouble; /* why there is none: whole lines */

	char *_id;
	unsigned _step;
	unsigned _interrupts;
	int64_t _patience_ns; /* the instant of giving up; 0: not yet */
	bool _told;
};

/* Takes over parameters (of Start) and returns the exit status: the run's, where there is a result.
 * The first interrupt drains and reports, the second does not wait for answers, a third not even
 * for the report. The connections stay open. */
int session_run(struct session *s, json_t *parameters);
void session_fini(struct session *s);
