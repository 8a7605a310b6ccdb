/* SPDX-License-Identifier: Apache-2.0 */
/* Waiters for instants, the earliest first: a binary heap. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* To be embedded. */
struct origin_waiter {
	int64_t due_ns;
	size_t _place; /* in the heap, from 1; 0 = does not wait */
};

/* The instant is next to the pointer: sifting touches no cache lines of waiters. */
struct origin_waiting_slot {
	int64_t due_ns;
	struct origin_waiter *waiter;
};

/* Zero-initialise. */
struct origin_waiting {
	struct origin_waiting_slot *_slots;
	size_t _n;
	size_t _cap;
};

/* Makes room for n waiters, so that adding them cannot fail. 0 or -ENOMEM. */
int origin_waiting_reserve(struct origin_waiting *w, size_t n);
void origin_waiting_fini(struct origin_waiting *w);

/* waiter must not be waiting already. */
void origin_waiting_add(struct origin_waiting *w, struct origin_waiter *waiter, int64_t due_ns);
/* Harmless if it does not wait. */
void origin_waiting_remove(struct origin_waiting *w, struct origin_waiter *waiter);
/* The earliest, or NULL. */
struct origin_waiter *origin_waiting_first(const struct origin_waiting *w);
