/* SPDX-License-Identifier: Apache-2.0 */
/* The slowest few of many exchanges, kept one by one, where histograms keep only a count. A heap
 * with the fastest on top, so that a usual answer costs one comparison. Pure; one thread at a
 * time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOWEST_MAX 10

struct slow {
	int64_t ns;	     /* response; closed model: service */
	int64_t at_ns;	     /* planned, since the window's start */
	uint64_t connection; /* counted from 1 in the order in which its worker opened them; 0:
			      * none */
	uint16_t worker;
	uint16_t request; /* index of the plan's request */
	uint16_t status;  /* 0: none was read */
	uint8_t class;	  /* enum ledger_class */
};

struct slowest {
	size_t n;
	struct slow all[SLOWEST_MAX];
};

/* Would one with this duration be kept? */
static inline bool slowest_takes(const struct slowest *s, int64_t ns)
{
	return s->n < SLOWEST_MAX || ns > s->all[0].ns;
}

/* Keeps it, if it is one of the slowest. */
void slowest_add(struct slowest *s, const struct slow *one);
/* Adds all of from. */
void slowest_merge(struct slowest *to, const struct slowest *from);
/* Copies them, the slowest first, into an array of SLOWEST_MAX; returns their number. */
size_t slowest_sorted(const struct slowest *s, struct slow *ret);
