/* SPDX-License-Identifier: Apache-2.0 */
/* When an origin that misbehaves does so: the instants of stalls, of the pieces of an answer and of
 * the pieces of a request. Pure. */
#pragma once

#include <stdint.h>

#include "common/settings_origin.h"

/* A cycle that began at start_ns (CLOCK_NEVER: it has not). The end of the stall in which now_ns
 * lies, or 0. */
int64_t origin_pace_stalled_until(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns);
/* The beginning of the first stall after now_ns; CLOCK_NEVER: there is none. */
int64_t origin_pace_next_stall(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns);

/* How much of head and body may be out passed_ns after the first byte. */
uint64_t origin_pace_drip(
	const struct settings_origin *s, uint64_t head_len, uint64_t body_len, int64_t passed_ns);
/* From the first byte to the next piece after passed_ns. */
int64_t origin_pace_next_drip(const struct settings_origin *s, int64_t passed_ns);

/* The reading of a body piece by piece. */
struct origin_pace_read {
	int64_t mark_ns; /* of the last piece, or of the body's begin */
	uint64_t left;	 /* of the last piece, to be read */
	uint64_t owed;	 /* read too early, with the head */
};
void origin_pace_read_begin(struct origin_pace_read *r, int64_t now_ns, uint64_t owed);
/* Returns the instant of the next piece; 0: now. There may then be left bytes to be read, but none
 * where just what was owed has become due. */
int64_t origin_pace_read_wait(
	struct origin_pace_read *r, const struct settings_origin *s, int64_t now_ns);
