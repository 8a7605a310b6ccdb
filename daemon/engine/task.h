/* SPDX-License-Identifier: Apache-2.0 */
/* A task: one connection's life. It does something, gives the loop back where it would wait, and
 * goes on later. One exchange at a time is in flight on it. Thread: its worker's.
 * CONNECTING is TCP and, where there is TLS, its handshake.
 *
 *   CLOSED -> CONNECTING -> IDLE <-> SENDING -> RECEIVING -> IDLE
 *      ^___________|_________|__________|___________|            */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/fault.h"
#include "common/list.h"
#include "daemon/engine/exchange.h"
#include "daemon/http/http1.h"
#include "daemon/http/tls.h"
#include "daemon/http/transport.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"

struct address;
struct guard;
struct request;
struct stats;
struct task;

enum task_state {
	TASK_CLOSED,
	TASK_CONNECTING,
	TASK_IDLE,
	TASK_SENDING,
	TASK_RECEIVING,
	TASK_STATE_COUNT,
};

/* What all tasks of a worker share. */
struct task_env {
	/* set once before start; borrowed */
	struct loop *loop;
	struct stats *stats;
	const struct guard *guard;
	const struct request *requests;	 /* exchange.request counts in them */
	const struct address *addresses; /* used in turn */
	size_t n_addresses;
	int64_t connect_timeout_ns;
	int64_t request_timeout_ns; /* from the planned instant */
	char *read_buffer;	    /* the worker's one */
	size_t read_size;
	bool reuse;		 /* false: a connection for each request */
	struct tls_context *tls; /* NULL: plain TCP */

	/* Called upwards, each as the task's last act. The connection is
	 * on_idle: free for a request (just opened, or its exchange has ended);
	 * on_closed: gone, after an exchange (had_exchange) or while idle (idle_why);
	 * on_connect_failed: not opened. */
	void (*on_idle)(struct task *t, bool had_exchange);
	void (*on_closed)(struct task *t, bool had_exchange);
	void (*on_connect_failed)(struct task *t, enum fault fault, const char *why);
	void *owner;
	/* For on_closed without an exchange: what was wrong, borrowed until it returns; NULL: the
	 * peer has just closed. */
	const char *idle_why;

	/* the environment's own, by task_env_init */
	struct timer_queue _connect_timeouts;
	struct timer_queue _request_timeouts;
	struct http1_memo _memo; /* the server answers all of them alike */
	size_t _next_address;

	/* counters */
	uint64_t opened;
	uint64_t closed_by_peer;
	uint64_t requests_on_new; /* first request of a connection */
	uint64_t sent;		  /* requests, retries too */
	struct tls_info tls_info; /* of the first handshake */
};
/* Fields "set once before start" are filled in before. */
void task_env_init(struct task_env *env);
void task_env_fini(struct task_env *env); /* after every task is closed */

struct task {
	struct list node; /* the pool's */
	/* the task's own */
	struct loop_task _loop_task;
	struct transport _transport;
	struct timer _timer;
	struct task_env *_env;
	struct exchange _exchange;
	struct http1 _response;
	size_t _sent;
	int64_t _connect_started_ns;
	int64_t _shake_started_ns; /* TCP is connected, TLS is not; 0: not so */
	uint32_t _requests;	   /* on this connection */
	uint8_t _state;		   /* enum task_state */
	bool _peer_closing;	   /* EPOLLRDHUP was seen */
};

void task_init(struct task *t, struct task_env *env);
enum task_state task_get_state(const struct task *t);

/* CLOSED: opens a connection to the next address. Its end comes by on_idle or on_connect_failed,
 * never from inside this call, but for the return value: a fault (and *ret_why, borrowed until the
 * next call) when it fails at once, and the task is CLOSED again. */
enum fault task_connect(struct task *t, const char **ret_why);

/* IDLE: sends the request of an arrival that stats_begin has begun. now_ns: a fresh stamp. The
 * exchange is copied. Ends by on_idle or on_closed, which may come from inside this call. */
void task_send(struct task *t, const struct exchange *x, int64_t now_ns);

/* Closes without a word upwards; an exchange in flight is given up as unfinished. */
void task_abandon(struct task *t, int64_t now_ns);

/* When the exchange in flight was planned; CLOCK_NEVER when there is none. */
int64_t task_planned_ns(const struct task *t);
