/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of the live view: the events of all workers together from one instant of the grid of
 * intervals to another. */
#pragma once

#include <stdint.h>

#include "common/stats/ledger.h"

struct worker_pulse;

struct sample {
	int64_t at_ns;	      /* of the newest sample; before the first one, its beginning */
	int64_t width_ns;     /* of the newest sample; 0: there is none yet */
	struct ledger ledger; /* of all workers, up to it */
	struct ledger before; /* the same, up to the sample before it */
};

enum sample_news {
	SAMPLE_NOTHING,
	SAMPLE_WHOLE,
	SAMPLE_LACKING, /* a worker has not reported for long: its share is missing */
};

void sample_start(struct sample *s, int64_t t0_ns);

/* To be called for each pulse. pulses: the newest of each of the n workers, zero before its first.
 * ret_late: for SAMPLE_LACKING, the worker that has not reported. */
enum sample_news sample_take(struct sample *s, const struct worker_pulse *pulses, unsigned n,
	int64_t interval_ns, unsigned *ret_late);
