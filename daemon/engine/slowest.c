/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of ten. all[0] is the fastest: a request that is not slower is rejected at once,
 * and a slower one replaces it and sinks. */
#include "daemon/engine/slowest.h"

#include <stdlib.h>
#include <string.h>

static void slowest_sink(struct slowest *s, size_t at)
{
	struct slow one = s->all[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= s->n)
			break;
		if (child + 1 < s->n && s->all[child + 1].ns < s->all[child].ns)
			child++;
		if (s->all[child].ns >= one.ns)
			break;
		s->all[at] = s->all[child];
		at = child;
	}
	s->all[at] = one;
}

static void slowest_rise(struct slowest *s, size_t at)
{
	struct slow one = s->all[at];

	while (at > 0 && s->all[(at - 1) / 2].ns > one.ns) {
		s->all[at] = s->all[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	s->all[at] = one;
}

void slowest_add(struct slowest *s, const struct slow *one)
{
	if (!slowest_takes(s, one->ns))
		return;
	if (s->n < SLOWEST_MAX) {
		s->all[s->n++] = *one;
		slowest_rise(s, s->n - 1);
		return;
	}
	s->all[0] = *one;
	slowest_sink(s, 0);
}

void slowest_merge(struct slowest *to, const struct slowest *from)
{
	for (size_t i = 0; i < from->n; i++)
		slowest_add(to, &from->all[i]);
}

/* Among equally slow ones the earlier comes first: the same run gives the same list. */
static int slowest_compare(const void *a, const void *b)
{
	const struct slow *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

size_t slowest_sorted(const struct slowest *s, struct slow *ret)
{
	memcpy(ret, s->all, s->n * sizeof(*ret));
	qsort(ret, s->n, sizeof(*ret), slowest_compare);
	return s->n;
}
