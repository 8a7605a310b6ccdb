/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual clock for test programs in which all parties, load generator and servers, are threads
 * of one process: what such a program waits for costs no time.
 *
 * Virtual time stands still while a thread runs, except that each reading of the clock adds
 * SKIP_CLOCK_TICK_NS, so that loops that wait for an instant end. When every thread waits and
 * nothing that one of them waits for is ready, time skips to the earliest timer. So neither a slow
 * nor a busy machine makes anything late: durations in a test are exact to a number of ticks, and
 * a timeout may be as short as the test likes.
 *
 * The code under test is the production code. The program is linked with --wrap for the calls
 * listed in the Makefile (SKIP_CLOCK_CALLS; a program is added to SKIP_CLOCK_TESTS): the readings
 * of common/clock.h, those that set timers (a timerfd is an eventfd that the clock writes to),
 * those that block, and those that start and join threads. Every thread started after
 * skip_clock_start takes part. A call that blocks and is not in the list counts as running and
 * holds time up: a test that hangs in virtual time uses one, or waits for another process. A thread
 * that reads the clock in a loop lets time pass faster than the others may work; to stand still for
 * a while in a test, wait by poll without descriptors.
 *
 * Not virtual: the CPU time of threads, the kernel's accounts in /proc, and TCP's own timers (a
 * test that needs a retransmission, or a process that is stopped, belongs to the real clock). */
#pragma once

/* What a reading of the clock adds: a request takes some ten of them, so that a closed run without
 * thinking time sends some thousands a second. */
#define SKIP_CLOCK_TICK_NS 10000

/* For fixtures: from start to stop the calling thread, the only one of the process, and those it
 * starts have virtual time. It begins with the real time. Meanwhile the process keeps to one
 * CPU. */
void skip_clock_start(void);
/* The other threads must have been joined. */
void skip_clock_stop(void);
