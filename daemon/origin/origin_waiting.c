/* SPDX-License-Identifier: Apache-2.0 */
/* The reason for a heap: exponential delays are not sorted, and with thousands waiting the sorted
 * queue of daemon/loop/timer would walk over many of them for each new one. A heap costs O(log n)
 * and 16 bytes for each; for equal delays, whose order is that of arrival, adding is one
 * comparison. A timer wheel would be O(1), but rounds instants to its grid, and a delay must not
 * end early.
 *
 * Slot i has its children at 2i and 2i + 1; slot 0 is unused, so place 0 can mean "not here". */
#include "daemon/origin/origin_waiting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int origin_waiting_reserve(struct origin_waiting *w, size_t n)
{
	struct origin_waiting_slot *slots;
	size_t cap = w->_cap ? w->_cap : 64;

	if (n < w->_cap)
		return 0;
	while (cap <= n)
		cap *= 2;
	slots = realloc(w->_slots, cap * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	w->_slots = slots;
	w->_cap = cap;
	return 0;
}

void origin_waiting_fini(struct origin_waiting *w)
{
	free(w->_slots);
	*w = (struct origin_waiting){0};
}

static void origin_waiting_put(struct origin_waiting *w, size_t place, struct origin_waiting_slot s)
{
	w->_slots[place] = s;
	s.waiter->_place = place;
}

/* Finds the place of s, from the empty one at place towards the top. */
static void origin_waiting_rise(
	struct origin_waiting *w, size_t place, struct origin_waiting_slot s)
{
	while (place > 1 && w->_slots[place / 2].due_ns > s.due_ns) {
		origin_waiting_put(w, place, w->_slots[place / 2]);
		place /= 2;
	}
	origin_waiting_put(w, place, s);
}

static void origin_waiting_sink(
	struct origin_waiting *w, size_t place, struct origin_waiting_slot s)
{
	for (;;) {
		size_t child = place * 2;

		if (child > w->_n)
			break;
		if (child < w->_n && w->_slots[child + 1].due_ns < w->_slots[child].due_ns)
			child++;
		if (w->_slots[child].due_ns >= s.due_ns)
			break;
		origin_waiting_put(w, place, w->_slots[child]);
		place = child;
	}
	origin_waiting_put(w, place, s);
}

void origin_waiting_add(struct origin_waiting *w, struct origin_waiter *waiter, int64_t due_ns)
{
	assert(waiter->_place == 0 && w->_n + 1 < w->_cap);
	waiter->due_ns = due_ns;
	w->_n++;
	origin_waiting_rise(w, w->_n, (struct origin_waiting_slot){due_ns, waiter});
}

void origin_waiting_remove(struct origin_waiting *w, struct origin_waiter *waiter)
{
	size_t place = waiter->_place;
	struct origin_waiting_slot last;

	if (place == 0)
		return;
	waiter->_place = 0;
	last = w->_slots[w->_n--];
	if (last.waiter == waiter)
		return;
	if (place > 1 && w->_slots[place / 2].due_ns > last.due_ns)
		origin_waiting_rise(w, place, last);
	else
		origin_waiting_sink(w, place, last);
}

struct origin_waiter *origin_waiting_first(const struct origin_waiting *w)
{
	return w->_n > 0 ? w->_slots[1].waiter : NULL;
}
