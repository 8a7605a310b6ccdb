/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a server has stopped answering. One request that hangs is no silence, and neither is a
 * time in which nothing was asked for (a pause, users who think, a slow plan). So what counts is
 * the arrivals since the last whole response, of whatever status: the first of them begins the
 * silence, and the second, which has waited long enough too, proves it. Pure; one thread. */
#pragma once

#include <stdint.h>

#include "common/clock.h"

#define SILENCE_ASKED_MAX 2

struct silence {
	int64_t answered_ns;		     /* the last whole response; 0: none yet */
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

/* Adds what another worker has seen. */
void silence_merge(struct silence *to, const struct silence *from);

/* Since when nothing is answered, if so many arrivals (1 or 2) have waited for patience_ns; 0 where
 * there is no silence. Before the first response it counts from the first arrival. now_ns: the
 * instant up to which every worker's part is known. */
int64_t silence_since(
	const struct silence *s, unsigned least_asked, int64_t patience_ns, int64_t now_ns);
