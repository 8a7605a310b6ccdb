/* SPDX-License-Identifier: Apache-2.0 */
/* One accepted connection of an origin, from accept to close. Thread: that of the origin. */
#pragma once

struct origin_core;
struct origin_job;
struct origin_peer;
struct origin_waiter;
struct timer;
struct timer_queue;

/* Takes over fd, a non-blocking stream socket, and its place in core->peers. 0 or -errno; then fd
 * is closed. */
int origin_conn_open(struct origin_core *core, int fd, struct origin_peer *peer);
/* Closes all connections of the core. */
void origin_conn_close_all(struct origin_core *core);

/* The core's callbacks. */
void origin_conn_on_due(struct origin_core *core, struct origin_waiter *waiter);
void origin_conn_on_served(struct origin_core *core, struct origin_job *job);
void origin_conn_on_linger_end(struct timer_queue *queue, struct timer *timer);
void origin_conn_on_idle_end(struct timer_queue *queue, struct timer *timer);
