/* SPDX-License-Identifier: Apache-2.0 */
/* A task: the life of one connection. It works until it would have to wait, returns to the loop,
 * and continues later. One exchange at a time is in flight on it, or with a pipeline several,
 * answered in the order in which they were sent. Thread: that of its worker. CONNECTING is TCP and,
 * with TLS, its handshake; SENDING: something is still to be written.
 *
 *   CLOSED -> CONNECTING -> IDLE <-> SENDING <-> RECEIVING -> IDLE
 *      ^___________|_________|__________|____________| */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats/fault.h"
#include "common/err.h"
#include "common/list.h"
#include "daemon/engine/exchange.h"
#include "daemon/http/http1.h"
#include "daemon/http/tls.h"
#include "daemon/http/transport.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"

struct address;
struct check;
struct guard;
struct plan_source;
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

/* How a connection was closed. */
struct task_loss {
	bool was_busy;	  /* with exchanges in flight */
	bool by_us;	  /* because of a limit of the plan; false: by the peer, or after a fault */
	unsigned n_ended; /* exchanges that have ended with it */
	enum fault fault; /* of an idle connection */
	const char *why;  /* the reason as text; NULL: the peer has just closed */
};

/* The number of memos. A server's answers to one request all begin in the same way; requests share
 * memos by number. */
#define TASK_MEMOS 8

/* The state that all tasks of a worker share. */
struct task_env {
	/* set once before start; borrowed */
	struct loop *loop;
	struct stats *stats;
	const struct guard *guard;
	const struct request *requests;	 /* exchange.request is an index into them */
	size_t n_requests;		 /* at most MIX_MAX */
	const struct address *addresses; /* used in turn; may be replaced at any time */
	size_t n_addresses;
	const struct plan_source *sources; /* to connect from, in turn; none: the kernel chooses */
	size_t n_sources;
	size_t first; /* index of the first address and source to use */
	int64_t connect_timeout_ns;
	int64_t request_timeout_ns; /* from the planned instant */
	bool is_soft; /* sent requests are waited for beyond it, and count as a timeout then */
	int64_t max_age_ns;    /* of a connection; 0: no limit */
	uint64_t requests_max; /* on a connection; 0: no limit */
	size_t depth;	       /* maximum of exchanges in flight on a connection; 0 means 1 */
	char *read_buffer;     /* the only one of the worker */
	size_t read_size;
	char *write_buffer; /* where several requests become one write; for a depth above 1 */
	size_t write_size;
	bool reuse;		 /* false: a connection for each request */
	bool resets;		 /* closing sends RST */
	struct tls_context *tls; /* NULL: plain TCP */

	/* Called upwards. The connection is
	 * on_idle: open now, or kept after an exchange that has ended; on_spared: idle, and kept
	 * though task_is_doomed may have been true; on_closed: closed; on_connect_failed: not
	 * opened. Each is the task's last act, except that with a pipeline it may continue reading;
	 * there task_send does not write at once, so it cannot fail in between. */
	void (*on_idle)(struct task *t, bool had_exchange);
	void (*on_spared)(struct task *t);
	void (*on_closed)(struct task *t, const struct task_loss *loss);
	void (*on_connect_failed)(struct task *t, enum fault fault, const char *why);
	/* Before on_closed: an exchange that was not answered and may be sent on another
	 * connection, for the first time (n_sent 0) or again. The callee takes it over and copies
	 * it. */
	void (*on_returned)(struct task *t, const struct exchange *x);
	void *owner;

	/* the environment's own, set by task_env_init */
	const struct loop_wake *_wake;
	struct timer_queue _connect_timeouts;
	struct timer_queue _request_timeouts;
	struct timer_queue _ages;
	struct loop_task _flush;
	struct list _unflushed;
	bool _is_in_task;   /* the caller will flush */
	uint8_t _wants[64]; /* of each request, TASK_WANTS_… */
	size_t _next_address;
	size_t _next_source;
	unsigned _location_tries;
	/* When the kernel received the first answer of the turn that began at _stamped_wake_ns; 0:
	 * not known. */
	int64_t _stamped_wake_ns;
	int64_t _first_received_ns;
	uint64_t _n_stamps;
	int64_t _opened_ns; /* when it was initialized */
	bool _is_late;	    /* the turn began so long after it that each answer's stamp is read */
	bool _is_again;	    /* the task that is being called had asked for it */

	/* counters */
	uint64_t opened;
	uint64_t closed_by_peer;
	uint64_t closed_by_us;	  /* because of a limit (number of requests, age), or after
				   * unexpected bytes */
	uint64_t surplus;	  /* answers followed by bytes that belong to no answer */
	uint64_t stale;		  /* requests that met a connection being closed */
	uint64_t reset_early;	  /* connections that the peer reset before an answer on them, less
				   * those that it had kept unused */
	uint64_t requests_on_new; /* the first request of a connection */
	uint64_t sent;		  /* requests, including retries */
	struct transport_segments segments; /* of connections that have been closed */
	struct tls_info tls_info;	    /* of the first handshake */
	char first_location[256];	    /* of the first redirect that has one, ending in "..."
					     * if it is longer; "": none */

	struct err _quoted;		      /* a reason that quotes the peer */
	struct http1_memo _memos[TASK_MEMOS]; /* index: number of the request modulo TASK_MEMOS */
};
/* The fields "set once before start" must be set before. 0 or -errno. */
int task_env_init(struct task_env *env);
void task_env_fini(struct task_env *env); /* after every task is closed */

struct task {
	struct list node; /* used by the pool */
	/* set once, before it is first opened: memory that belongs to its owner */
	struct exchange *further; /* depth - 1 */
	struct check *check;	  /* for all requests; NULL: none has checks */
	/* the task's own */
	struct loop_task _loop_task;
	struct transport _transport;
	struct timer _timer;
	struct task_env *_env;
	struct exchange _exchange; /* the one whose response comes next */
	struct http1 _response;
	size_t _sent;	      /* bytes of the first request that is not completely written */
	uint64_t _connection; /* sequence number of the connection in its environment, from 1 */
	uint32_t _requests;   /* sent on this connection */
	uint32_t _n_written;  /* requests in flight that are completely written */
	uint32_t _n_further;  /* exchanges in flight after the first: a ring */
	uint32_t _further_head;
	uint8_t _state;	    /* enum task_state */
	uint8_t _wants;	    /* for the response that comes next */
	bool _peer_closing; /* EPOLLRDHUP was seen */
	bool _is_retiring;  /* too old, or a request says close: to be closed when idle */
	bool _is_careful;   /* its first request is a retry, and not answered yet */
	/* fields that a request seldom needs, after the others */
	struct timer _age;
	struct list _unflushed;
	int64_t _connect_started_ns;
	int64_t _shake_started_ns; /* when TCP was connected, during the TLS handshake; 0:
				    * otherwise */
	int64_t _turn_ns; /* when the awaited request was sent again, or the last of a pipeline was
			   * answered */
};

void task_init(struct task *t, struct task_env *env);
enum task_state task_get_state(const struct task *t);

/* CLOSED: opens a connection to the next address. The end is reported by on_idle or
 * on_connect_failed, never from inside this call. If it fails at once the fault is returned (and
 * *ret_why, borrowed until the next call), and the task is CLOSED again. */
enum fault task_connect(struct task *t, const char **ret_why);

/* What the attempt to connect that has lasted longest waits for: FAULT_CONNECT_TIMEOUT, in the TLS
 * handshake FAULT_TLS_TIMEOUT, and since when; FAULT_NONE: there is none. */
enum fault task_awaits(const struct task_env *env, int64_t *ret_since_ns);

/* May a request be sent on it? An IDLE task may always be used, if not task_is_doomed; with a
 * pipeline a busy one too, if there is room. is_retry: a request that was sent before is not queued
 * after others as long as nothing was answered on this connection (RFC 9112 section 9.3.2). */
bool task_has_room(const struct task *t, bool is_retry);
/* An event is pending that may mean the connection's end: it will be closed in this turn, or
 * on_spared called. */
bool task_is_doomed_by(const struct task *t, uint32_t events);
static inline bool task_is_doomed(const struct task *t)
{
	uint32_t events = loop_task_pending(&t->_loop_task);

	return events != 0 && task_is_doomed_by(t, events);
}

/* Without a pipeline, of an idle task: the place of its next exchange. An exchange that was begun
 * there is not copied by task_send. */
static inline struct exchange *task_next_exchange(struct task *t)
{
	return &t->_exchange;
}

/* Sends the request of an arrival that stats_begin has begun; there must be room. now_ns: a fresh
 * stamp. The exchange is copied. The end is reported by on_idle, on_closed or on_returned, which
 * may be called from inside this call; with a pipeline they do not, and the request is written in
 * this turn of the loop or at the beginning of the next one, together with others. */
void task_send(struct task *t, const struct exchange *x, int64_t now_ns);

/* Closes without callbacks; exchanges in flight end as unfinished. */
void task_abandon(struct task *t, int64_t now_ns);

/* The planned instant of the oldest exchange in flight; CLOCK_NEVER when there is none. */
int64_t task_planned_ns(const struct task *t);
/* The number of requests so far on its connection. */
static inline uint32_t task_n_requests(const struct task *t)
{
	return t->_requests;
}
