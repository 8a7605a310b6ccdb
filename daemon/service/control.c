/* SPDX-License-Identifier: Apache-2.0 */
/* The Varlink server: accepts connections and checks the permission for each call. The handling of
 * a connection is in control_call.c, its scheduling in control_turns.c. Main thread; nothing here
 * blocks.
 *
 * A peer is identified by SO_PEERCRED: the identity at the time of connect(), read once. The role
 * is derived from it and from the socket that was connected to; no names are looked up for it.
 *
 * Listening is edge-triggered too, so a client that waits when accept fails for lack of a
 * descriptor would wait for ever: a reserved descriptor is closed to accept that connection and
 * close it. */
#include "daemon/service/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/memory.h"
#include "common/str.h"
#include "daemon/service/control_connection.h"
#include "daemon/service/log.h"

#define CONTROL_ACCEPTS_MAX 16 /* of a listener, in */
#define CONTROL_PACE_NS NSEC_PER_MSEC
#define CONTROL_RETRY_NS NSEC_PER_SEC
#define CONTROL_COMPLAIN_NS (10 * NSEC_PER_SEC)

const char *const control_role_names[CONTROL_ROLE_COUNT] = {
	[CONTROL_OBSERVE] = "observe",
	[CONTROL_OPERATE] = "operate",
	[CONTROL_ADMIN] = "admin",
};

const struct control_limits control_default_limits = {
	.n_connections = 256,
	.n_reserved = 4,
	.n_observers = 192,
	.n_per_uid = 32,
	.turn_ns = NSEC_PER_MSEC,
	.share = 5,
	.burst_ns = 100 * NSEC_PER_MSEC,
	.call_max = VARLINK_CALL_MAX,
	.admin_call_max = VARLINK_START_MAX,
	.output_max = 256 * 1024,
	.partial_ns = 10 * NSEC_PER_SEC,
	.stall_ns = 30 * NSEC_PER_SEC,
};

struct control_listener {
	struct loop_task task;
	struct control *control;
	struct list node;
	enum control_role role;
	struct timer retry;
	struct timer pace;
	int64_t pace_from_ns; /* n_accepted counts from this instant */
	unsigned n_accepted;
};

/* ---------------------------------------------------------------- dispatch */

static const struct control_method *control_find_method(const struct control *c, const char *name)
{
	for (size_t i = 0; i < c->n_methods; i++)
		if (str_eq(c->methods[i].name, name))
			return &c->methods[i];
	return NULL;
}

/* Does the table have a method of the interface name[0..len)? */
static bool control_knows_interface(const struct control *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->n_methods; i++)
		if (strncmp(c->methods[i].name, name, len) == 0 &&
			strrchr(c->methods[i].name, '.') == c->methods[i].name + len)
			return true;
	return false;
}

static void control_no_method(struct control_connection *call)
{
	const char *name = call->call.method;
	const char *dot = strrchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : strlen(name);

	if (dot && control_knows_interface(call->control, name, len))
		control_error(call, "org.varlink.service.MethodNotFound",
			json_pack("{s:s}", "method", name));
	else
		control_error(call, "org.varlink.service.InterfaceNotFound",
			json_pack("{s:s%}", "interface", name, len));
}

/* Limits how often a message is logged: a client that floods the service must not flood the log. */
static bool control_may_complain(const struct control *c, int64_t *after_ns)
{
	int64_t now_ns = loop_now_ns(c->loop);

	if (now_ns < *after_ns)
		return false;
	*after_ns = now_ns + CONTROL_COMPLAIN_NS;
	return true;
}

static void control_refuse(struct control_connection *call, const struct control_method *method)
{
	struct control_user *user = call->user_of;

	user->n_refused++;
	if (control_may_complain(call->control, &user->complain_after_ns)) {
		log_trail(call->peer.uid, call->peer.pid, NULL,
			"refused %s: needs the role %s, has %s; calls refused to this user since "
			"the last such line: %u",
			method->name, control_role_names[method->role],
			control_role_names[call->peer.role], user->n_refused);
		user->n_refused = 0;
	}
	control_error(call, "org.varlink.service.PermissionDenied", json_object());
}

void control_dispatch(struct control_connection *call)
{
	const struct control_method *method = control_find_method(call->control, call->call.method);

	if (!method) {
		control_no_method(call);
	} else if (call->call.upgrade) {
		control_error(call, "org.varlink.service.MethodNotImplemented",
			json_pack("{s:s}", "method", method->name));
	} else if (call->peer.role < method->role) {
		control_refuse(call, method);
	} else if (call->mute && method->role == CONTROL_OBSERVE) {
		/* The peer reads no more, and such a method has no effect but its answer. */
		control_reply(call, json_object());
	} else {
		method->fn(call, call->control->userdata);
	}
}

/* ---------------------------------------------------------------- connections */

static unsigned control_count_observers(const struct control *c)
{
	unsigned n = 0;

	list_for_each (node, &c->connections)
		n += container_of(node, struct control_connection, node)->peer.role ==
		     CONTROL_OBSERVE;
	return n;
}

static int control_read_peer(int fd, struct control_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return -errno;
	ret->uid = cred.uid;
	ret->gid = cred.gid;
	ret->pid = cred.pid;
	return 0;
}

int control_add_connection(struct control *c, int fd, struct control_closer *closer)
{
	struct control_peer peer = {.role = CONTROL_ADMIN};
	struct control_connection *call;
	int r;

	r = control_read_peer(fd, &peer);
	if (r == 0)
		r = control_call_open(c, fd, &peer, true, &call);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	if (closer)
		control_on_close(call, closer);
	return 0;
}

/* ---------------------------------------------------------------- listening */

enum control_room {
	CONTROL_ROOM,
	CONTROL_FULL,
	CONTROL_FULL_OF_OBSERVERS,
	CONTROL_FULL_OF_USER, /* there is room, but not for this user */
};

/* Is there room for one more connection of this kind? If not, ret_why has the reason. */
static enum control_room control_look_for_room(
	const struct control *c, const struct control_peer *peer, struct err *ret_why)
{
	const struct control_limits *limits = &c->limits;
	unsigned most = limits->n_connections;

	if (peer->role != CONTROL_ADMIN)
		most -= limits->n_reserved;
	if (c->n_connections >= most) {
		err_set(ret_why, "the daemon has %u control connections, the most it takes", most);
		return CONTROL_FULL;
	}
	if (peer->role == CONTROL_OBSERVE && control_count_observers(c) >= limits->n_observers) {
		err_set(ret_why, "the daemon has %u observers, the most it takes",
			limits->n_observers);
		return CONTROL_FULL_OF_OBSERVERS;
	}
	if (control_user_connections(c, peer->uid) >= limits->n_per_uid) {
		err_set(ret_why, "user %u has %u control connections, the most for one user",
			(unsigned)peer->uid, limits->n_per_uid);
		return CONTROL_FULL_OF_USER;
	}
	return CONTROL_ROOM;
}

/* Closes the oldest connection whose peer has closed, of uid alone or of any user. It only waits
 * for its user's turn: its last request is worth less than a place for a present peer. Connections
 * of observers that have closed do not wait. */
static bool control_give_up_gone(struct control *c, bool of_any, uid_t uid)
{
	list_for_each (node, &c->connections) {
		struct control_connection *call =
			container_of(node, struct control_connection, node);

		if (call->mute && (of_any || call->peer.uid == uid)) {
			control_call_close(call);
			return true;
		}
	}
	return false;
}

/* The reason why there is no room for one more connection of this kind, and none can be made;
 * false: there is room. */
static bool control_is_full(struct control *c, const struct control_peer *peer, struct err *ret_why)
{
	enum control_room room;

	do {
		room = control_look_for_room(c, peer, ret_why);
	} while ((room == CONTROL_FULL || room == CONTROL_FULL_OF_USER) &&
		 control_give_up_gone(c, room == CONTROL_FULL, peer->uid));
	return room != CONTROL_ROOM;
}

/* Takes over fd and sends the reason in the one message that the peer gets, as if it were the
 * answer to its first call. The send buffer of a newly accepted socket has room for it. */
static void control_decline(int fd, const char *reason)
{
	struct buf out = {0};

	if (varlink_put_error(
		    &out, RPSD_INTERFACE ".Refused", json_pack("{s:s}", "reason", reason)) == 0)
		(void)send(fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_fini(&out);
	(void)close(fd);
}

/* The peer closed before it was accepted, and has sent no call. */
static bool control_came_and_went(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* Takes over fd. */
static void control_welcome(struct control_listener *l, int fd)
{
	struct control *c = l->control;
	struct control_peer peer = {.role = l->role};
	struct control_connection *call;
	struct err why = {0};

	/* A client that only connects and closes must cost as little as possible, and no place. */
	if (control_came_and_went(fd) || control_read_peer(fd, &peer) < 0) {
		(void)close(fd);
		return;
	}
	if (peer.role >= CONTROL_OPERATE && (peer.uid == 0 || peer.uid == geteuid()))
		peer.role = CONTROL_ADMIN;
	if (!control_is_full(c, &peer, &why)) {
		if (control_call_open(c, fd, &peer, false, &call) == 0)
			return;
		err_set(&why, "out of memory for one more control connection: " MEMORY_REMEDY);
	}
	if (control_may_complain(c, &c->complain_after_ns))
		log_trail(peer.uid, peer.pid, NULL, "control connection refused: %s", why.text);
	control_decline(fd, why.text);
}

/* There is no descriptor for a new connection. The edge has been used up and will not come again
 * for the clients that wait, so the first of them is rejected using the reserved descriptor; if
 * another thread was faster to use that one, accepting is tried again in a second. True: one was
 * rejected. */
static bool control_turn_away(struct control_listener *l, int error)
{
	struct control *c = l->control;
	int fd = -1;

	if (control_may_complain(c, &c->complain_after_ns))
		log_error("cannot accept a control connection: %s; clients are turned away: raise "
			  "LimitNOFILE=, or start fewer runs at a time",
			strerror(error));
	if (c->reserve_fd >= 0) {
		(void)close(c->reserve_fd);
		fd = accept4(l->task.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			(void)close(fd);
	}
	c->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return true;
	timer_start(&c->retries, &l->retry, loop_now_ns(c->loop) + CONTROL_RETRY_NS);
	return false;
}

/* Connections that are opened and closed at once would use most of a CPU, and their user is known
 * too late: so a listener accepts a limited number in a millisecond. False: it will be called
 * again. */
static bool control_may_accept(struct control_listener *l)
{
	struct control *c = l->control;
	int64_t now_ns = loop_now_ns(c->loop);

	if (now_ns >= l->pace_from_ns + CONTROL_PACE_NS) {
		l->pace_from_ns = now_ns;
		l->n_accepted = 0;
	}
	if (l->n_accepted < CONTROL_ACCEPTS_MAX)
		return true;
	if (!timer_is_running(&l->pace))
		timer_start(&c->paces, &l->pace, now_ns + CONTROL_PACE_NS);
	return false;
}

static void control_on_accept(struct loop_task *task, uint32_t events)
{
	struct control_listener *l = container_of(task, struct control_listener, task);

	(void)events;
	while (control_may_accept(l)) {
		int fd = accept4(task->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		l->n_accepted++;
		if (fd >= 0)
			control_welcome(l, fd);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR && errno != ECONNABORTED && !control_turn_away(l, errno))
			return;
	}
}

static void control_on_pace(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	loop_task_again(&container_of(timer, struct control_listener, pace)->task);
}

static void control_on_retry(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	loop_task_again(&container_of(timer, struct control_listener, retry)->task);
}

int control_listen(struct control *c, int fd, enum control_role role)
{
	struct control_listener *l = calloc(1, sizeof(*l));
	int flags = fcntl(fd, F_GETFL);
	int r = -ENOMEM;

	if (!l)
		goto failed;
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		r = -errno;
		goto failed;
	}
	l->control = c;
	l->role = role;
	timer_init(&l->retry);
	timer_init(&l->pace);
	r = loop_add_task(c->loop, &l->task, fd, LOOP_INPUT, control_on_accept);
	if (r < 0)
		goto failed;
	list_push_back(&c->listeners, &l->node);
	return 0;

failed:
	free(l);
	(void)close(fd);
	return r;
}

/* ---------------------------------------------------------------- the server */

static void control_on_partial(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	control_call_close(container_of(timer, struct control_connection, partial));
}

static void control_on_stall(struct timer_queue *queue, struct timer *timer)
{
	(void)queue;
	control_call_close(container_of(timer, struct control_connection, stall));
}

int control_new(const struct control_config *config, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (c->reserve_fd == -1) {
		int r = -errno;

		free(c);
		return r;
	}
	c->loop = config->loop;
	c->methods = config->methods;
	c->n_methods = config->n_methods;
	c->userdata = config->userdata;
	c->limits = config->limits ? *config->limits : control_default_limits;
	list_init(&c->listeners);
	list_init(&c->connections);
	timer_queue_init(&c->partials, c->loop, control_on_partial, c);
	timer_queue_init(&c->stalls, c->loop, control_on_stall, c);
	timer_queue_init(&c->retries, c->loop, control_on_retry, c);
	timer_queue_init(&c->paces, c->loop, control_on_pace, c);
	control_turns_init(c);
	*ret = c;
	return 0;
}

void control_stop_listening(struct control *c)
{
	struct list *node;

	while ((node = list_pop_front(&c->listeners))) {
		struct control_listener *l = container_of(node, struct control_listener, node);
		int fd = l->task.fd;

		timer_stop(&l->retry);
		timer_stop(&l->pace);
		loop_remove_task(&l->task);
		(void)close(fd);
		free(l);
	}
}

struct control *control_free(struct control *c)
{
	if (!c)
		return NULL;
	c->closing = true;
	control_stop_listening(c);
	while (!list_empty(&c->connections))
		control_call_close(
			container_of(c->connections.next, struct control_connection, node));
	control_turns_fini(c);
	timer_queue_fini(&c->partials);
	timer_queue_fini(&c->stalls);
	timer_queue_fini(&c->retries);
	timer_queue_fini(&c->paces);
	if (c->reserve_fd >= 0)
		(void)close(c->reserve_fd);
	free(c);
	return NULL;
}

unsigned control_n_connections(const struct control *c)
{
	return c->n_connections;
}

void control_on_empty(struct control *c, void (*fn)(void *arg), void *arg)
{
	c->on_empty = fn;
	c->on_empty_arg = arg;
}
