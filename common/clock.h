/* SPDX-License-Identifier: Apache-2.0 */
/* Time in nanoseconds as int64_t. Every measured instant is CLOCK_MONOTONIC,
 * the clock that timerfd uses too; the wall clock only labels results. */
#pragma once

#include <stdint.h>

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)

/* Never set in a measurement: larger than any instant or duration. */
#define CLOCK_NEVER INT64_MAX

/* A fresh CLOCK_MONOTONIC stamp (about 30 ns through the vDSO). Any thread. */
int64_t clock_now_ns(void);

/* The CPU time that the calling thread has used (a system call, some 200 ns). */
int64_t clock_thread_ns(void);

/* Wall clock, ns since 1970. Any thread. */
int64_t clock_unix_ns(void);

/* The cost of one reading of a clock, in ns: the minimum of several rounds, since an interrupted
 * round takes longer. Takes some 100 us with clock_now_ns. Any thread. */
int64_t clock_cost_ns(int64_t (*read_ns)(void));
