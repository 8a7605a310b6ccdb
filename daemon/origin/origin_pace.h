/* SPDX-License-Identifier: Apache-2.0 */
/* The instants of an origin's misbehaviour: of stalls, of the pieces of an answer and of the pieces
 * of a request. Pure. */
#pragma once

#include <stdint.h>

#include "common/settings_origin.h"

/* A cycle that began at start_ns (CLOCK_NEVER: it has not begun). Returns the end of the stall that
 * contains now_ns, or 0. */
int64_t origin_pace_stalled_until(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns);
/* The beginning of the first stall after now_ns; CLOCK_NEVER: there is none. */
int64_t origin_pace_next_stall(const struct settings_cycle *c, int64_t start_ns, int64_t now_ns);

/* The number of bytes of head and body that may have been sent passed_ns after the first byte. */
uint64_t origin_pace_drip(
	const struct settings_origin *s, uint64_t head_len, uint64_t body_len, int64_t passed_ns);
/* The time from the first byte to the next piece after passed_ns. */
int64_t origin_pace_next_drip(const struct settings_origin *s, int64_t passed_ns);

/* The state of reading a body piece by piece. */
struct origin_pace_read {
	int64_t mark_ns; /* instant of the last piece, or of the body's beginning */
	uint64_t left;	 /* bytes of the last piece that are still to be read */
	uint64_t owed;	 /* bytes read too early, together with the head */
};
void origin_pace_read_begin(struct origin_pace_read *r, int64_t now_ns, uint64_t owed);
/* Returns the instant of the next piece; 0: now. Then there may be `left` bytes to be read, but
 * none if only bytes that were owed have become due. */
int64_t origin_pace_read_wait(
	struct origin_pace_read *r, const struct settings_origin *s, int64_t now_ns);
