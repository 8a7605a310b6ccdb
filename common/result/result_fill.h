/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a result from what was counted: the same for a run, for one of its requests and for a
 * sum of runs. Pure. */
#pragma once

#include <stdint.h>

#include "common/stats/ledger.h"
#include "common/result/result.h"

struct histogram;

/* A text, which replaces the field's; NULL: null. 0 or -ENOMEM. */
int result_set_text(char **field, const char *text);

void result_fill_ledger(const struct ledger *from, struct result_ledger *ret);
/* The other way; what is not known counts as 0. */
struct ledger result_counts(const struct result_ledger *from);
/* The status whose answers it counts; 0: it is none, or there were none. */
int result_status_of(const struct result_number *row);

/* All but the count null while empty. ret: of result_list_add, or initialised. 0 or -ENOMEM. */
int result_fill_latency(const struct histogram *h, struct result_latency *ret);
/* The histogram as text; null while empty. 0 or -ENOMEM. */
int result_set_hdr(char **field, const struct histogram *h);
/* The other way: the sums are made again from mean and deviation, exact but for the rounding of the
 * mean to a nanosecond. 0; 1: there is nothing in it; -EINVAL: hdr is none, or not that of these
 * figures; -ENOMEM. ret is untouched but for 0. */
int result_read_histogram(const struct result_latency *from, struct histogram *ret);
/* Over planned arrivals. */
void result_fill_offered(const struct histogram *ok, uint64_t planned, struct result_offered *ret);
void result_fill_outside(const struct ledger *warmup, const struct ledger *window,
	const struct ledger *cooldown, uint64_t retries, struct result_outside *ret);

/* One more note. unit NULL: absent. 0 or -ENOMEM. */
int result_add_note(struct result_list *notes, const char *code, double value, double limit,
	const char *unit, const char *text, const char *remedy);
/* Figures that may be unknown: below 0. */
static inline int64_t result_figure(int64_t n)
{
	return n < 0 ? RESULT_NULL : n;
}
static inline double result_share(double share)
{
	return share < 0 ? RESULT_REAL_NULL : share;
}
