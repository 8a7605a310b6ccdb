/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256**, seeded by splitmix64. */
#include "daemon/origin/origin_dice.h"

#include <math.h>
#include <stddef.h>

#include "common/settings_origin.h"

static uint64_t origin_dice_spread(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void origin_dice_init(struct origin_dice *d, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		d->_state[i] = origin_dice_spread(&seed);
}

static uint64_t origin_dice_rotate(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

double origin_dice_throw(struct origin_dice *d)
{
	uint64_t *s = d->_state;
	uint64_t result = origin_dice_rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = origin_dice_rotate(s[3], 45);
	return (double)(result >> 11) * 0x1.0p-53;
}

bool origin_dice_hits(struct origin_dice *d, double share)
{
	return share > 0 && origin_dice_throw(d) < share;
}

int64_t origin_dice_delay(struct origin_dice *d, const struct settings_delay *delay)
{
	double ns;

	if (delay->kind == SETTINGS_DELAY_FIXED || delay->ns == 0)
		return delay->ns;
	ns = -log1p(-origin_dice_throw(d)) * (double)delay->ns;
	return ns < 0x1.0p62 ? (int64_t)ns : INT64_C(1) << 62;
}

int64_t origin_dice_mixture(struct origin_dice *d, const struct settings_delays *delays)
{
	double at;

	if (delays->n == 0)
		return 0;
	if (delays->n == 1 && delays->parts[0].upto >= 1)
		return origin_dice_delay(d, &delays->parts[0].delay);
	at = origin_dice_throw(d);
	for (unsigned i = 0; i < delays->n; i++) {
		if (at < delays->parts[i].upto)
			return origin_dice_delay(d, &delays->parts[i].delay);
	}
	return 0;
}
