/* SPDX-License-Identifier: Apache-2.0 */
/* The log of arrivals: when each request was complete, to test a generator's pacing from outside.
 * Thread: that of the origin; opened and closed by the code that starts and frees the origin. */
#pragma once

#include <stdint.h>

/* Further instants are counted, not kept. */
#define ORIGIN_GAPS_MAX (1024 * 1024)

struct origin_gaps;

/* Creates or truncates the file, so that an error is reported at once. 0 or -errno. */
int origin_gaps_open(const char *path, struct origin_gaps **ret);
void origin_gaps_add(struct origin_gaps *g, int64_t now_ns);
/* Writes the file: a line "INSTANT GAP" for each request, both in ns, the instant since the first
 * one, whose gap is "-". 0 or -errno. NULL is fine. */
int origin_gaps_close(struct origin_gaps *g);
