/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several requests an arrival makes, by their weights: a function of the plan and of the
 * arrival's number alone, so that it is the same however many workers share the run. Pure,
 * immutable once made; borrows the plan. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct plan;

/* The maximum number of requests in a plan. */
#define MIX_MAX 64

struct mix {
	const struct plan *plan;
	size_t n;
	uint64_t total;		 /* of all weights */
	uint64_t below[MIX_MAX]; /* sum of the weights up to and including this one */
};

void mix_init(struct mix *m, const struct plan *plan);
/* The request of arrival k (numbered through the whole run, over all workers): 0 .. n - 1. */
size_t mix_choose(const struct mix *m, uint64_t k);
