/* SPDX-License-Identifier: Apache-2.0 */
/* The random numbers of an origin: its own generator, so that a seed means the same with every C
 * library. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct settings_delay;
struct settings_delays;

struct origin_dice {
	uint64_t _state[4];
};

void origin_dice_init(struct origin_dice *d, uint64_t seed);
double origin_dice_throw(struct origin_dice *d); /* uniform in [0, 1) */

/* Draws a number only if the answer is not certain. */
bool origin_dice_hits(struct origin_dice *d, double share);
int64_t origin_dice_delay(struct origin_dice *d, const struct settings_delay *delay);
int64_t origin_dice_mixture(struct origin_dice *d, const struct settings_delays *delays);
