/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the control server that its files share: its users, one connection, and the call
 * that the connection is answering. For control.c, control_connection.c and control_turns.c alone;
 * all other files use control.h. */
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
	struct list users;	     /* all users that have a connection */
	struct list in_turn;	     /* users whose connections need to be served now, next one
				      * first */
	struct loop_task turn;	     /* serves them; it has no descriptor */
	struct timer_queue looks;    /* users that rest, or that have left with a debt */
	struct timer_queue partials; /* connections with an incomplete message */
	struct timer_queue stalls;   /* connections that do not read */
	struct timer_queue retries;  /* listeners that could not accept */
	struct timer_queue paces;    /* listeners that have accepted enough for now */
	int reserve_fd;		     /* closed to reject a client when there are no other
				      * descriptors */
	int64_t complain_after_ns;
	unsigned long n_memory_failures; /* when the last reply was made, or a call begun */
	bool closing;
	void (*on_empty)(void *arg);
	void *on_empty_arg;
	char scratch[CONTROL_READ_SIZE];
};

/* All connections of one uid; each ready-made connection is a separate user. Made with its first
 * connection, freed with its last. */
struct control_user {
	struct list node;      /* in control->users */
	struct list in_turn;   /* in control->in_turn, or unlinked */
	struct list waiting;   /* connections that need to be served */
	struct timer look;     /* expires when the rest ends, or the debt is paid */
	int64_t owes_until_ns; /* the instant at which the debt of CPU time will be paid by
				* waiting */
	bool is_resting;       /* not served until then */
	uid_t uid;
	bool is_ready_made;
	unsigned n_connections;
	unsigned n_refused;	   /* calls above the role, since the last message in the log */
	int64_t complain_after_ns; /* when the next message may be logged */
};

/* A connection and the call it is answering. */
struct control_connection {
	struct loop_task task;
	struct control *control;
	struct list node;
	struct control_user *user_of; /* owns its turns and its share of the time */
	struct list waiting;	      /* in user_of->waiting, or unlinked */
	struct control_peer peer;
	bool is_ready_made;
	char user[64]; /* "" until it is requested */
	struct list closers;

	struct buf in;
	size_t searched;
	struct buf out; /* unsent from `sent` on */
	size_t sent;
	struct json_writer rest; /* of a long reply, which is not in out yet */
	size_t reply_len;	 /* length of that reply so far */
	struct timer partial;
	struct timer stall;
	bool readable; /* the socket may hold more */
	bool ended;    /* the peer sends no more */
	bool mute;     /* the peer reads no more: output is dropped */
	bool broken;   /* to be closed by its task */
	bool serving;  /* inside its task, which will send appended output */

	/* the call, while busy */
	bool busy;
	json_t *message; /* owns what call borrows */
	json_t *parameters;
	struct varlink_call call;
	void (*on_clear)(struct control_connection *call, void *arg);
	void *on_clear_arg;
	void (*on_turn)(struct control_connection *call, void *arg); /* once */
	void *on_turn_arg;
};

/* A new connection on fd, which it takes over when it succeeds. 0 or -errno. */
int control_call_open(struct control *c, int fd, const struct control_peer *peer,
	bool is_ready_made, struct control_connection **ret);
/* One step: at most one call, or one bounded piece of reading. It may close the connection. True:
 * there is more to do for it now. */
bool control_call_serve(struct control_connection *call);
/* Calls the closers and frees it. */
void control_call_close(struct control_connection *call);
/* Answers call->call, or starts to; in control.c. */
void control_dispatch(struct control_connection *call);

/* ---------------------------------------------------------------- turns, in control_turns.c */

void control_turns_init(struct control *c);
void control_turns_fini(struct control *c); /* without connections */
/* The user of a new connection, created if there is none yet; NULL: no memory. */
struct control_user *control_user_join(struct control *c, uid_t uid, bool is_ready_made);
void control_user_leave(struct control *c, struct control_user *user);
unsigned control_user_connections(const struct control *c, uid_t uid);
/* The connection needs to be served: it waits for its turn. Harmless when it already waits. */
void control_turn_ask(struct control_connection *call);
/* The connection does not wait any more, and its user only if another of its connections waits. */
void control_turn_leave(struct control_connection *call);
