/* SPDX-License-Identifier: Apache-2.0 */
/* Steering a run: what the commands set, pause, resume and next have in common with the keys of the
 * live view. */
#pragma once

#include <jansson.h>

#include "ctl/live/display.h"

struct buf;
struct client_answer;
struct options;
struct progress;
struct result_event;

/* What a key of the view asks of the daemon; progress: the newest, absent where there is none yet.
 * The method, with its parameters in ret; NULL where there is nothing to ask. *asked_ns, 0 at
 * first: the age of the run at which a pause was asked for: until there is a newer answer, the same
 * key is the same wish. */
const char *steer_by_key(enum display_key key, const char *run, const struct progress *progress,
	int64_t *asked_ns, json_t **ret);
/* Why a key asks nothing here, for the user; NULL: there is nothing to say. */
const char *steer_why_not(enum display_key key, const struct progress *progress);
/* The answer's event, in one line with newline: "checkout-17: rate 400/s -> 500/s, takes effect at
 * 0:12". Nothing where it has none. 0 or -ENOMEM. */
int steer_describe(const struct client_answer *a, struct buf *ret);
/* The same of an event alone: "pausing, takes effect at 0:12". */
int steer_describe_event(const struct result_event *event, struct buf *ret);

/* One act as a command: asks the service and prints what was done. parameters are taken over; run
 * NULL: the newest. Returns the exit status. */
int steer_command(const struct options *o, const char *method, const char *run, json_t *parameters);
