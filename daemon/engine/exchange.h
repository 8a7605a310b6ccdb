/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its response in flight: the stamps from which every duration is made (measurement
 * page A.1). All stamps are CLOCK_MONOTONIC ns; 0 = has not happened. Pure.
 *
 *   planned -> picked -> sent -> (sent_all) -> first byte -> done
 *   our delay | connection wait |             service            |
 *   response = our delay + connection wait + service, always.
 * A retry keeps all stamps, including sent_ns: service time begins with the first attempt. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct stats_interval;

struct exchange {
	int64_t planned_ns;    /* from the schedule; closed model: when its user was ready */
	int64_t picked_ns;     /* the producer handled it */
	int64_t sent_ns;       /* just before the first write */
	int64_t sent_all_ns;   /* the kernel has accepted the last byte; = sent_ns when at once */
	int64_t first_byte_ns; /* after the read that returned the first byte */
	int64_t done_ns;       /* after the read that completed the response */
	struct stats_interval *cohort; /* the interval that counts it; NULL outside the measured
					* window */
	uint8_t phase;		       /* enum stats_phase */
	uint8_t n_sent;		       /* number of times it was sent: 2 after a retry */
	uint16_t request;	       /* index of the plan's request */
	uint16_t stage;		       /* index of the plan's stage */
};

static inline int64_t exchange_our_delay_ns(const struct exchange *x)
{
	return x->picked_ns - x->planned_ns;
}
static inline int64_t exchange_connection_wait_ns(const struct exchange *x)
{
	return x->sent_ns - x->picked_ns;
}
static inline int64_t exchange_service_ns(const struct exchange *x)
{
	return x->done_ns - x->sent_ns;
}
static inline int64_t exchange_response_ns(const struct exchange *x)
{
	return x->done_ns - x->planned_ns;
}
