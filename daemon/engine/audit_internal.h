/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the audit share. Pure. */
#pragma once

#include "common/clock.h"
#include "daemon/engine/audit.h"

#define AUDIT_DELAY_SUSPECT_NS NSEC_PER_MSEC
#define AUDIT_STALLED_SATURATED 0.05
#define AUDIT_CPU 0.85

/* audit_notes.c: fills in the notes, the verdict and our share of the p99. */
void audit_take_notes(const struct audit_input *in, struct audit *a);
/* Our part of the response time's p99. Where that is of arrivals without an answer, our part of the
 * time they were given. Negative: unknown. */
double audit_delay_share(const struct audit_input *in, const struct audit *a);
