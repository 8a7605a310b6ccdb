/* SPDX-License-Identifier: Apache-2.0 */
/* The interface to systemd: passed sockets, readiness, the watchdog. Without libsystemd at build
 * time, or without systemd at run time, all of it does nothing. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/loop/timer.h"

struct systemd_socket {
	int fd;
	char *name; /* FileDescriptorName= of the socket unit */
};

/* The listening stream sockets that this process was started with; the caller owns them. To be
 * called before threads exist: it removes the variables from the environment. 0 or -errno; n may be
 * 0. */
int systemd_take_sockets(struct systemd_socket **ret, size_t *ret_n);
/* Frees the array and the names, not the descriptors. */
void systemd_free_sockets(struct systemd_socket *sockets, size_t n);

/* "READY=1", "STOPPING=1", "STATUS=3 runs". */
void systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* While the watchdog runs, notifies it that the loop turns: twice in each interval. */
struct systemd_watchdog {
	struct timer_queue _queue;
	struct timer _timer;
	int64_t interval_ns; /* half of the unit's value; 0: no watchdog */
};
void systemd_watchdog_start(struct systemd_watchdog *w, struct loop *loop);
void systemd_watchdog_stop(struct systemd_watchdog *w);
