/* SPDX-License-Identifier: Apache-2.0 */
/* The random number for arrival k is a hash of the seed and k, not the next number of a generator:
 * workers do not depend on the numbers of others. The hash is the finalizer of splitmix64 (Steele,
 * Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014), applied to seed and k in
 * turn. Its 64 bits become a number below the total of the weights by a multiplication, whose bias
 * is below total / 2^64. */
#include "daemon/engine/mix.h"

#include "common/plan/plan.h"

_Static_assert(MIX_MAX == PLAN_REQUESTS_MAX, "each of a plan's requests can be chosen");

void mix_init(struct mix *m, const struct plan *plan)
{
	*m = (struct mix){.plan = plan};
	for (size_t i = 0; i < plan->n_requests && i < MIX_MAX; i++) {
		m->total += plan->requests[i].weight;
		m->below[m->n++] = m->total;
	}
}

static uint64_t mix_hash(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

size_t mix_choose(const struct mix *m, uint64_t k)
{
	uint64_t draw;
	size_t i = 0;

	if (m->n <= 1)
		return 0;
	if (m->plan->order == PLAN_SEQUENCE)
		draw = k % m->total;
	else
		draw = (uint64_t)((unsigned __int128)mix_hash(mix_hash(m->plan->seed) ^ k) *
					  m->total >>
				  64);
	while (draw >= m->below[i])
		i++;
	return i;
}
