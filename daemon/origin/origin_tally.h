/* SPDX-License-Identifier: Apache-2.0 */
/* What an origin records: its counts, which are independent of the generator's ledger, and the log
 * of arrivals. One thread counts, any thread may read the counts meanwhile. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/stats/histogram.h"

struct origin_counts;

/* The classes of an origin's answers. */
enum origin_class {
	ORIGIN_CLASS_OK,
	ORIGIN_CLASS_ERROR,
	ORIGIN_CLASS_REFUSED, /* malformed: 400 */
	ORIGIN_CLASS_COUNT,
};

struct origin_tally {
	_Atomic uint64_t connections; /* open */
	_Atomic uint64_t accepted;
	_Atomic uint64_t requests;
	_Atomic uint64_t answers[ORIGIN_CLASS_COUNT];
	_Atomic uint64_t hung;
	_Atomic uint64_t closed;
	struct histogram _times; /* accessed by atomic reads and writes only */
};

int origin_tally_init(struct origin_tally *t); /* 0 or -ENOMEM */
void origin_tally_fini(struct origin_tally *t);

/* There is one writer, so no locked instruction is needed. */
static inline void origin_tally_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + n, memory_order_relaxed);
}

/* An answer is written; its request had arrived took_ns before. */
void origin_tally_answer(struct origin_tally *t, enum origin_class class, int64_t took_ns);

/* Any thread. */
void origin_tally_read(const struct origin_tally *t, struct origin_counts *ret);
int origin_tally_read_times(const struct origin_tally *t, struct histogram *ret);

/* ---- the log of arrivals: when each request was complete, to test a generator's pacing from
 * outside. Thread: that of the origin; opened and closed by the code that starts and frees the
 * origin. */

/* Further instants are counted, not kept. */
#define ORIGIN_GAPS_MAX (1024 * 1024)

struct origin_gaps;

/* Creates or truncates the file, so that an error is reported at once. 0 or -errno. */
int origin_gaps_open(const char *path, struct origin_gaps **ret);
void origin_gaps_add(struct origin_gaps *g, int64_t now_ns);
/* Writes the file: a line "INSTANT GAP" for each request, both in ns, the instant since the first
 * one, whose gap is "-". 0 or -errno. NULL is fine. */
int origin_gaps_close(struct origin_gaps *g);
