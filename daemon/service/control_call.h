/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the control server and the call it is answering. For control.c and
 * control_call.c alone; everybody else sees control.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/varlink.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"
#include "daemon/service/control.h"

#define CONTROL_READ_SIZE 65536

struct control {
	/* set once by control_new */
	struct loop *loop;
	const struct control_method *methods;
	size_t n_methods;
	void *userdata;
	struct control_limits limits;

	struct list listeners;
	struct list connections;
	unsigned n_connections;
	struct timer_queue partials; /* connections with half a message */
	struct timer_queue stalls;   /* connections that do not read */
	struct timer_queue retries;  /* listeners that could not accept */
	int reserve_fd;		     /* given up to turn somebody away when there are no others */
	int64_t complain_after_ns;
	bool closing;
	void (*on_empty)(void *arg);
	void *on_empty_arg;
	char scratch[CONTROL_READ_SIZE];
};

/* A connection and the call it is answering. */
struct control_call {
	struct loop_task task;
	struct control *control;
	struct list node;
	struct control_peer peer;
	bool is_ready_made;
	char user[64]; /* "" until asked for */
	struct list closers;

	struct buf in;
	size_t searched;
	struct buf out; /* from sent on: waits to be sent */
	size_t sent;
	struct timer partial;
	struct timer stall;
	bool readable; /* the socket may hold more */
	bool ended;    /* the peer sends no more */
	bool mute;     /* the peer reads no more: output is dropped */
	bool broken;   /* to be closed by its task */
	bool serving;  /* inside its task, which will send what is put */

	/* the call, while busy */
	bool busy;
	json_t *message; /* owns what call borrows */
	json_t *parameters;
	struct varlink_call call;
	void (*on_clear)(struct control_call *call, void *arg);
	void *on_clear_arg;
};

/* A new connection on fd, which it takes over when it succeeds. 0 or -errno. */
int control_call_open(
	struct control *c, int fd, const struct control_peer *peer, struct control_call **ret);
/* Tells the closers and frees it. */
void control_call_close(struct control_call *call);
/* Answers call->call, or starts to; in control.c. */
void control_dispatch(struct control_call *call);
