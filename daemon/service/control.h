/* SPDX-License-Identifier: Apache-2.0 */
/* The Varlink server: listening sockets and ready-made connections on the main loop. It knows the
 * caller and its role, but not the meaning of methods: their table is an argument. Main thread.
 * Facts and limits: platform page, section 2. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/list.h"

struct control;
struct control_connection;
struct loop;

enum control_role {
	CONTROL_OBSERVE, /* read */
	CONTROL_OPERATE, /* start named runs, stop */
	CONTROL_ADMIN,	 /* everything: root, the daemon's own user, the peer of a ready-made fd */
	CONTROL_ROLE_COUNT,
};
extern const char *const control_role_names[CONTROL_ROLE_COUNT];

/* The peer of a connection: SO_PEERCRED, read once when it is accepted. */
struct control_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	enum control_role role;
};

/* ---------------------------------------------------------------- methods */

/* Answers with control_reply or control_error before it returns, or later. Until the final reply
 * its connection is busy: further calls wait, replies keep the order of calls. */
typedef void (*control_method_fn)(struct control_connection *call, void *userdata);

struct control_method {
	const char *name;	/* "io.rpsd.Control.Start" */
	enum control_role role; /* the lowest role that may call it */
	control_method_fn fn;
};

const struct control_peer *control_call_peer(const struct control_connection *call);
/* The user's name, or "uid 1000" where there is none; looked up at most once for a connection. */
const char *control_call_user(struct control_connection *call);
/* An object, perhaps empty; borrowed until the final reply. */
json_t *control_call_parameters(const struct control_connection *call);
const char *control_call_method(const struct control_connection *call);
bool control_call_wants_more(const struct control_connection *call);

/* Each takes over parameters (NULL: none, or memory ran out and the connection ends). The final
 * ones end the call: it must not be used any more. Nothing is sent and no connection closed inside.
 */
void control_reply(struct control_connection *call, json_t *parameters);
void control_error(struct control_connection *call, const char *error, json_t *parameters);
/* org.varlink.service.InvalidParameter */
void control_error_parameter(struct control_connection *call, const char *parameter);
/* Only if control_call_wants_more; the call continues. */
void control_reply_more(struct control_connection *call, json_t *parameters);

/* For streams: is there no unsent output for this peer, and a callback for when that becomes so? A
 * stream that sends only then gives a slow reader the newest state and never a queue. */
bool control_call_is_clear(const struct control_connection *call);
void control_call_on_clear(struct control_connection *call,
	void (*fn)(struct control_connection *call, void *arg), void *arg);
/* For long answers: fn is called once, in the next turn of this connection, and does the next part
 * of the work. A call that takes more than about a millisecond is made of such parts, so that other
 * users are answered meanwhile. */
void control_call_on_turn(struct control_connection *call,
	void (*fn)(struct control_connection *call, void *arg), void *arg);

/* Called when the connection closes, for any reason. Embed it. Called once, after which it is
 * removed from the list and may be freed; the call, if it still runs, is not valid any more. */
struct control_closer {
	struct list _node;
	void (*on_closed)(struct control_closer *closer);
};
void control_closer_init(
	struct control_closer *closer, void (*on_closed)(struct control_closer *closer));
void control_on_close(struct control_connection *call, struct control_closer *closer);
void control_closer_cancel(struct control_closer *closer); /* harmless when not in the list */

/* ---------------------------------------------------------------- the server */

struct control_limits {
	unsigned n_connections;
	unsigned n_reserved;  /* of them: for root and the daemon's own user, who can stop runs */
	unsigned n_observers; /* the part that observers may use, so that they cannot lock out
			       * operators */
	unsigned n_per_uid;   /* ready-made connections are not counted */
	int64_t turn_ns;  /* after this time in one turn of the loop, its other tasks go first */
	unsigned share;	  /* one user gets at most 1/share of a CPU in the long run, and */
	int64_t burst_ns; /* so much at once; ready-made connections are not limited */
	size_t call_max;  /* bytes of one message */
	size_t admin_call_max; /* it may carry a run's files */
	size_t output_max;     /* unsent bytes: above this no further call is begun */
	int64_t partial_ns;    /* a message that has begun must be complete */
	int64_t stall_ns;      /* a peer must read its output within this time, if not ready-made */
};
extern const struct control_limits control_default_limits;

struct control_config {
	struct loop *loop;
	const struct control_method *methods; /* borrowed */
	size_t n_methods;
	void *userdata;
	const struct control_limits *limits; /* borrowed; NULL: the default ones */
};

/* 0 or -errno. */
int control_new(const struct control_config *config, struct control **ret);
/* Closes everything and calls the closers. NULL is fine; returns NULL. */
struct control *control_free(struct control *c);

/* Takes over a listening socket (also on failure). role: that of callers other than root and the
 * daemon's own user; on a socket for CONTROL_OBSERVE these two have no more. 0 or -errno. */
int control_listen(struct control *c, int fd, enum control_role role);
/* Takes over a connected socket (also on failure); its peer is admin. closer may be NULL. */
int control_add_connection(struct control *c, int fd, struct control_closer *closer);

/* No new connections from now on; those that exist stay. */
void control_stop_listening(struct control *c);
unsigned control_n_connections(const struct control *c);
/* fn is called each time the last connection has closed; not from control_free. */
void control_on_empty(struct control *c, void (*fn)(void *arg), void *arg);
