/* SPDX-License-Identifier: Apache-2.0 */
/* Detects that a server has stopped answering. One request that hangs is no silence, and neither is
 * a time without requests (a pause, users who think, a low rate). So the arrivals since the last
 * complete response, of any status, are considered: the first of them begins the silence, and the
 * second, which must have waited long enough too, confirms it. Pure; one thread. */
#pragma once

#include <stdint.h>

#include "common/clock.h"

#define SILENCE_ASKED_MAX 2

struct silence {
	int64_t answered_ns;		     /* the last complete response; 0: none yet */
	int64_t asked_ns[SILENCE_ASKED_MAX]; /* the first arrivals since then */
	unsigned n_asked;
};

static inline void silence_asked(struct silence *s, int64_t now_ns)
{
	if (s->n_asked < SILENCE_ASKED_MAX)
		s->asked_ns[s->n_asked++] = now_ns;
}

static inline void silence_answered(struct silence *s, int64_t now_ns)
{
	s->answered_ns = now_ns;
	s->n_asked = 0;
}

/* Adds the observations of another worker. */
void silence_merge(struct silence *to, const struct silence *from);

/* The instant since which nothing was answered, if this many arrivals (1 or 2) have waited for
 * patience_ns; 0 if there is no silence. Before the first response it counts from the first
 * arrival. now_ns: the instant up to which all workers have reported. */
int64_t silence_since(
	const struct silence *s, unsigned least_asked, int64_t patience_ns, int64_t now_ns);
