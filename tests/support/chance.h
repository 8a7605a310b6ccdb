/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from a seed, the same everywhere (splitmix64). One thread. */
#pragma once

#include <math.h>
#include <stdint.h>

static uint64_t state; /* the seed, set before the first number */

/* Above 0, below 1. */
static inline double uniform(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return ((double)(z >> 11) + 0.5) * 0x1p-53;
}
