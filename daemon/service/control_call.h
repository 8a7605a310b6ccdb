/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the control server that its files share: its users, one connection, and the call
 * that the connection is answering. For control.c, control_call.c and control_turns.c alone;
 * everybody else sees control.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/json_writer.h"
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
	struct list users;	     /* everyone who has a connection */
	struct list in_turn;	     /* users who have something to be served now, next one first */
	struct loop_task turn;	     /* serves them; it has no descriptor */
	struct timer_queue looks;    /* users who rest, or who left and still owe */
	struct timer_queue partials; /* connections with half a message */
	struct timer_queue stalls;   /* connections that do not read */
	struct timer_queue retries;  /* listeners that could not accept */
	struct timer_queue paces;    /* listeners that have accepted enough for now */
	int reserve_fd;		     /* given up to turn somebody away when there are no others */
	int64_t complain_after_ns;
	unsigned long n_memory_failures; /* when the last reply was made, or a call begun */
	bool closing;
	void (*on_empty)(void *arg);
	void *on_empty_arg;
	char scratch[CONTROL_READ_SIZE];
};

/* All connections of one uid; each ready-made connection is a user of its own. Made with its first
 * connection, freed with its last. */
struct control_user {
	struct list node;      /* in control->users */
	struct list in_turn;   /* in control->in_turn, or alone */
	struct list waiting;   /* connections with something to be served */
	struct timer look;     /* when to see whether the rest is over, or nothing is owed */
	int64_t owes_until_ns; /* the instant at which waiting has made up for the CPU time used */
	bool is_resting;       /* not served until then */
	uid_t uid;
	bool is_ready_made;
	unsigned n_connections;
	unsigned n_refused;	   /* calls above the role, since the log told of one */
	int64_t complain_after_ns; /* when it may do so again */
};

/* A connection and the call it is answering. */
struct control_call {
	struct loop_task task;
	struct control *control;
	struct list node;
	struct control_user *user_of; /* who shares its turns and its share of the time */
	struct list waiting;	      /* in user_of->waiting, or alone */
	struct control_peer peer;
	bool is_ready_made;
	char user[64]; /* "" until asked for */
	struct list closers;

	struct buf in;
	size_t searched;
	struct buf out; /* from sent on: waits to be sent */
	size_t sent;
	struct json_writer rest; /* of a long reply, which is not in out yet */
	size_t reply_len;	 /* how long that reply is so far */
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
	void (*on_turn)(struct control_call *call, void *arg); /* once */
	void *on_turn_arg;
};

/* A new connection on fd, which it takes over when it succeeds. 0 or -errno. */
int control_call_open(struct control *c, int fd, const struct control_peer *peer,
	bool is_ready_made, struct control_call **ret);
/* One step: at most one call, or one bounded piece of reading. It may close the connection. True:
 * there is more to do for it now. */
bool control_call_serve(struct control_call *call);
/* Tells the closers and frees it. */
void control_call_close(struct control_call *call);
/* Answers call->call, or starts to; in control.c. */
void control_dispatch(struct control_call *call);

/* ---------------------------------------------------------------- turns, in control_turns.c */

void control_turns_init(struct control *c);
void control_turns_fini(struct control *c); /* without connections */
/* The user of a connection about to be made, made when there is none yet; NULL: no memory. */
struct control_user *control_user_join(struct control *c, uid_t uid, bool is_ready_made);
void control_user_leave(struct control *c, struct control_user *user);
unsigned control_user_connections(const struct control *c, uid_t uid);
/* The connection has something to be served: it waits for its turn. Harmless when it does so. */
void control_turn_ask(struct control_call *call);
/* It waits no longer, and its user does only when another of his connections waits. */
void control_turn_leave(struct control_call *call);
