/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of the Varlink server. Main thread; nothing here blocks.
 *
 * A connection is a task of the loop. When it is ready it asks for a turn (control_turns.c), and in
 *   its turn one step is made: a complete message is taken out of its input and dispatched, or more
 *   is read when there is none, and pending output is sent. It asks for another turn while there is
 *   more to do, but not
 *   - while a call is answered asynchronously: `busy`, until its final reply (which asks for a
 *     turn),
 *   - while more than output_max bytes are unsent: until the peer has read some (an edge).
 * A long reply is written to the output in parts, a step each, the next one when those before have
 * been sent; no call is begun meanwhile. So no step is long, and for a reader that does not read
 * only one part is in memory. Unread input stays in the socket and stops the sender there: no queue
 * here grows without bound.
 *
 * Replies only append to `out` and ask for a turn; a connection is closed only by its own task, its
 * timers, a newcomer when its peer has gone, and control_free. So the connection never becomes
 * invalid inside a method, or inside code that answers a long call.
 *
 * The peer may close in two ways. Half (it sends no more, but still reads): its calls are answered,
 * then the connection closes. Fully (EPOLLHUP, or EPIPE): answers cannot be delivered; complete
 * messages that arrived before are still executed if they may have an effect (a oneway "stop"
 * before closing) and the place is not needed, a long call is ended. A send that fails for another
 * reason is treated in the same way: the peer reads the end of the connection instead of an answer.
 *
 * Descriptors that a peer attaches (SCM_RIGHTS) cannot leak: this file calls recv and never recvmsg
 * with room for them, so the kernel drops them. But it ends a recv where they are attached, so a
 * short recv does not mean that the socket is empty: it is read until EAGAIN. */
#include "daemon/service/control_connection.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory.h"
#include "daemon/service/log.h"

#define CONTROL_READS_PER_TURN 8
#define CONTROL_KEEP_BYTES 16384 /* a larger buffer is freed when empty */
#define CONTROL_PART_BYTES 32768 /* of a reply, in one step: about half a millisecond */

/* ---------------------------------------------------------------- calls and replies */

const struct control_peer *control_call_peer(const struct control_connection *call)
{
	return &call->peer;
}

const char *control_call_user(struct control_connection *call)
{
	struct passwd entry;
	struct passwd *found = NULL;
	char text[4096];

	if (call->user[0])
		return call->user;
	if (getpwuid_r(call->peer.uid, &entry, text, sizeof(text), &found) == 0 && found &&
		strlen(found->pw_name) < sizeof(call->user) && found->pw_name[0])
		(void)snprintf(call->user, sizeof(call->user), "%s", found->pw_name);
	else
		(void)snprintf(call->user, sizeof(call->user), "uid %u", (unsigned)call->peer.uid);
	return call->user;
}

json_t *control_call_parameters(const struct control_connection *call)
{
	return call->parameters;
}

const char *control_call_method(const struct control_connection *call)
{
	return call->call.method;
}

bool control_call_wants_more(const struct control_connection *call)
{
	return call->call.more;
}

/* All replies written so far have been sent; a long one may continue. */
static bool control_is_sent(const struct control_connection *call)
{
	return call->out.len == call->sent;
}

static bool control_is_writing(const struct control_connection *call)
{
	return json_writer_is_writing(&call->rest);
}

bool control_call_is_clear(const struct control_connection *call)
{
	return control_is_sent(call) && !control_is_writing(call);
}

void control_call_on_clear(struct control_connection *call,
	void (*fn)(struct control_connection *call, void *arg), void *arg)
{
	call->on_clear = fn;
	call->on_clear_arg = arg;
}

void control_call_on_turn(struct control_connection *call,
	void (*fn)(struct control_connection *call, void *arg), void *arg)
{
	call->on_turn = fn;
	call->on_turn_arg = arg;
	if (!call->serving)
		control_turn_ask(call);
}

void control_closer_init(
	struct control_closer *closer, void (*on_closed)(struct control_closer *closer))
{
	list_init(&closer->_node);
	closer->on_closed = on_closed;
}

void control_on_close(struct control_connection *call, struct control_closer *closer)
{
	list_push_back(&call->closers, &closer->_node);
}

void control_closer_cancel(struct control_closer *closer)
{
	list_remove(&closer->_node);
}

/* Removes the bytes that have been sent, before a large reply is appended. */
static void control_compact(struct control_connection *call)
{
	if (call->sent < call->out.len / 2)
		return;
	buf_consume(&call->out, call->sent);
	call->sent = 0;
}

/* Has an allocation failed since the last reply, or since the call began? A document made meanwhile
 * may be incomplete. */
static bool control_lacks_memory(struct control *c)
{
	unsigned long before = c->n_memory_failures;

	c->n_memory_failures = memory_failures();
	return c->n_memory_failures != before;
}

static void control_break(struct control_connection *call, const char *why)
{
	log_warning("a reply to uid %u %s; connection closed", (unsigned)call->peer.uid, why);
	json_writer_fini(&call->rest);
	call->broken = true;
}

/* Writes some more of the present reply. */
static void control_write(struct control_connection *call, size_t enough)
{
	size_t before = call->out.len;
	int r = json_writer_write(&call->rest, &call->out, enough);

	call->reply_len += call->out.len - before;
	if (r == 0 && !control_is_writing(call))
		r = buf_append(&call->out, "", 1);
	if (r == 0 && call->reply_len <= VARLINK_REPLY_MAX)
		return;
	buf_cut(&call->out, before);
	control_break(call, r == 0 ? "is too long" : "does not fit into memory");
}

static void control_put(
	struct control_connection *call, const char *error, json_t *parameters, bool continues)
{
	json_t *message;

	assert(call->busy);
	if (!call->serving)
		control_turn_ask(call);
	if (call->call.oneway || call->mute) {
		json_decref(parameters);
		return;
	}
	if (control_lacks_memory(call->control) && !error) {
		json_decref(parameters);
		parameters = NULL;
	}
	if (!error && !parameters && !continues)
		message = varlink_make_error(RPSD_INTERFACE ".Unavailable",
			json_pack(
				"{s:s}", "reason", "out of memory for the answer: " MEMORY_REMEDY));
	else if (error)
		message = varlink_make_error(error, parameters);
	else
		message = parameters ? varlink_make_reply(parameters, continues) : NULL;
	control_compact(call);
	/* Streams wait until all is sent, so that there is seldom a reply to finish here. */
	if (control_is_writing(call))
		control_write(call, SIZE_MAX);
	if (!message) {
		control_break(call, "does not fit into memory");
		return;
	}
	call->reply_len = 0;
	json_writer_begin(&call->rest, message);
	control_write(call, CONTROL_PART_BYTES);
}

static void control_end_call(struct control_connection *call)
{
	call->busy = false;
	call->on_clear = NULL;
	call->on_turn = NULL;
	call->call = (struct varlink_call){0};
	json_decref(call->parameters);
	json_decref(call->message);
	call->parameters = call->message = NULL;
}

void control_reply(struct control_connection *call, json_t *parameters)
{
	control_put(call, NULL, parameters, false);
	control_end_call(call);
}

void control_reply_more(struct control_connection *call, json_t *parameters)
{
	assert(call->call.more);
	control_put(call, NULL, parameters, true);
}

void control_error(struct control_connection *call, const char *error, json_t *parameters)
{
	control_put(call, error, parameters, false);
	control_end_call(call);
}

void control_error_parameter(struct control_connection *call, const char *parameter)
{
	control_error(call, "org.varlink.service.InvalidParameter",
		json_pack("{s:s}", "parameter", parameter));
}

/* Takes over message. 0, VARLINK_E_PROTOCOL or -ENOMEM. */
static int control_begin_call(struct control_connection *call, json_t *message)
{
	json_t *parameters;
	int r;

	r = varlink_parse_call(message, &call->call);
	if (r != 0)
		goto refused;
	parameters = call->call.parameters ? json_incref(call->call.parameters) : json_object();
	if (!parameters) {
		r = -ENOMEM;
		goto refused;
	}
	call->message = message;
	call->parameters = parameters;
	call->busy = true;
	(void)control_lacks_memory(call->control);
	control_dispatch(call);
	return 0;

refused:
	json_decref(message);
	return r;
}

/* ---------------------------------------------------------------- a connection's life */

void control_call_close(struct control_connection *call)
{
	struct control *c = call->control;
	int fd = call->task.fd;
	struct list *node;

	/* A closer may end a run, and with it the call that this very connection waits for: its
	 * last reply is dropped and asks for no turn. */
	call->mute = true;
	call->serving = true;
	loop_remove_task(&call->task);
	timer_stop(&call->partial);
	timer_stop(&call->stall);
	(void)close(fd);
	list_remove(&call->node);
	control_turn_leave(call);
	control_user_leave(c, call->user_of);
	c->n_connections--;
	while ((node = list_pop_front(&call->closers))) {
		struct control_closer *closer = container_of(node, struct control_closer, _node);

		closer->on_closed(closer);
	}
	control_end_call(call);
	json_writer_fini(&call->rest);
	buf_fini(&call->in);
	buf_fini(&call->out);
	free(call);
	if (c->n_connections == 0 && c->on_empty && !c->closing)
		c->on_empty(c->on_empty_arg);
}

static bool control_is_clogged(const struct control_connection *call)
{
	return call->out.len - call->sent > call->control->limits.output_max;
}

/* Reads once. 0, also when there is nothing; or -errno. */
static int control_receive(struct control_connection *call)
{
	char *scratch = call->control->scratch;
	ssize_t n = recv(call->task.fd, scratch, CONTROL_READ_SIZE, MSG_DONTWAIT);
	int r;

	if (n > 0) {
		r = buf_append(&call->in, scratch, (size_t)n);
		/* It may be a file that contains a password. */
		explicit_bzero(scratch, (size_t)n);
		return r;
	}
	if (n == -1 && errno == EINTR)
		return 0;
	if (n == -1 && errno != EAGAIN)
		return -errno;
	call->readable = false;
	if (n == 0)
		call->ended = true;
	return 0;
}

/* Nothing can be sent any more. It is normal that a peer has closed, so that is not logged. */
static void control_lose(struct control_connection *call, int error)
{
	call->mute = true;
	if (error != EPIPE && error != ECONNRESET)
		log_warning("the control connection of uid %u is closed: sending failed: %s",
			(unsigned)call->peer.uid, strerror(error));
}

/* Sends as much as the socket accepts. True: it accepted some. */
static bool control_send(struct control_connection *call)
{
	size_t before = call->sent;

	while (!call->mute && call->sent < call->out.len) {
		ssize_t n = send(call->task.fd, call->out.data + call->sent,
			call->out.len - call->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			call->sent += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			control_lose(call, errno);
	}
	if (call->mute)
		json_writer_fini(&call->rest);
	if (call->mute || control_is_sent(call)) {
		call->out.len = call->sent = 0;
		if (call->out.cap > CONTROL_KEEP_BYTES && !control_is_writing(call))
			buf_fini(&call->out);
		return true;
	}
	return call->sent > before;
}

/* The result of a step. */
enum control_pause {
	CONTROL_WAITS,	 /* for input: there is no complete message, the socket is empty */
	CONTROL_BLOCKED, /* busy, too much unsent output, or a reply is being written */
	CONTROL_AGAIN,	 /* there may be more to do */
	CONTROL_FAILED,	 /* a violation, an error of the socket, no memory */
};

static enum control_pause control_serve_input(struct control_connection *call)
{
	const struct control_limits *limits = &call->control->limits;
	size_t max = call->peer.role == CONTROL_ADMIN ? limits->admin_call_max : limits->call_max;

	for (unsigned n_reads = 0;;) {
		json_t *message;

		if (call->busy || control_is_writing(call) || control_is_clogged(call))
			return CONTROL_BLOCKED;
		if (varlink_take_call(&call->in, max, &call->searched, &message) != 0)
			return CONTROL_FAILED;
		if (message) {
			timer_stop(&call->partial);
			return control_begin_call(call, message) == 0 ? CONTROL_AGAIN
								      : CONTROL_FAILED;
		}
		if (!call->readable)
			return CONTROL_WAITS;
		if (n_reads++ == CONTROL_READS_PER_TURN)
			return CONTROL_AGAIN;
		if (control_receive(call) < 0)
			return CONTROL_FAILED;
	}
}

/* The next part of a long answer. */
static void control_go_on(struct control_connection *call)
{
	void (*fn)(struct control_connection * call, void *arg) = call->on_turn;

	call->on_turn = NULL;
	fn(call, call->on_turn_arg);
}

static void control_start_timers(
	struct control_connection *call, enum control_pause pause, bool sent)
{
	struct control *c = call->control;
	int64_t now_ns = loop_now_ns(c->loop);

	/* The time counts from the message's first bytes; further bytes do not prolong it. */
	if (pause == CONTROL_BLOCKED || call->in.len == 0)
		timer_stop(&call->partial);
	else if (!timer_is_running(&call->partial))
		timer_start(&c->partials, &call->partial, now_ns + c->limits.partial_ns);

	/* An rpsctl that a user has suspended must find its private daemon again; the amount of
	 * output for it is limited. */
	if (control_is_sent(call) || call->is_ready_made)
		timer_stop(&call->stall);
	else if (sent || !timer_is_running(&call->stall))
		timer_start(&c->stalls, &call->stall, now_ns + c->limits.stall_ns);
}

/* Nothing is left to be done for this connection; this is decided here alone. It does not need a
 * turn: the place of a peer that has closed becomes free at once, even while its user rests. Calls
 * of observers have no effect but the answer. */
static bool control_has_ended(const struct control_connection *call)
{
	bool may_hold_a_call = call->readable || call->searched < call->in.len;

	if (call->broken)
		return true;
	if (call->mute)
		return call->busy || !may_hold_a_call || call->peer.role == CONTROL_OBSERVE;
	return call->ended && !may_hold_a_call && !call->busy && control_call_is_clear(call);
}

/* The peer sends no more: is there unread input? */
static void control_look_at_end(struct control_connection *call)
{
	char byte;
	ssize_t n = recv(call->task.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	call->readable = n > 0 || (n == -1 && errno == EINTR);
	call->ended = !call->readable;
}

static void control_on_ready(struct loop_task *task, uint32_t events)
{
	struct control_connection *call = container_of(task, struct control_connection, task);

	if (events & (EPOLLHUP | EPOLLERR))
		call->mute = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		control_look_at_end(call);
	else if (events & EPOLLIN)
		call->readable = true;
	if (control_has_ended(call))
		control_call_close(call);
	else
		control_turn_ask(call);
}

/* One part of a reply, or of the work for one, or a call. */
static enum control_pause control_make_step(struct control_connection *call)
{
	if (control_is_writing(call)) {
		if (control_is_sent(call))
			control_write(call, CONTROL_PART_BYTES);
		return CONTROL_BLOCKED;
	}
	if (call->on_turn && !call->mute) {
		control_go_on(call);
		return call->busy ? CONTROL_BLOCKED : CONTROL_AGAIN;
	}
	return control_serve_input(call);
}

bool control_call_serve(struct control_connection *call)
{
	enum control_pause pause;
	bool sent;

	call->serving = true;
	pause = control_make_step(call);
	call->serving = false;
	sent = control_send(call);
	if (call->busy && call->on_clear && control_call_is_clear(call) && !call->mute)
		call->on_clear(call, call->on_clear_arg);

	if (pause == CONTROL_FAILED || control_has_ended(call)) {
		control_call_close(call);
		return false;
	}
	if (call->in.len == 0 && call->in.cap > CONTROL_KEEP_BYTES)
		buf_fini(&call->in);
	control_start_timers(call, pause, sent);
	/* Blocked by its output, which has just been sent: no edge will come. */
	if (control_is_writing(call))
		return control_is_sent(call);
	return call->on_turn || pause == CONTROL_AGAIN ||
	       (pause == CONTROL_BLOCKED && !call->busy && !control_is_clogged(call));
}

int control_call_open(struct control *c, int fd, const struct control_peer *peer,
	bool is_ready_made, struct control_connection **ret)
{
	struct control_connection *call = calloc(1, sizeof(*call));
	int r = -ENOMEM;

	if (!call)
		return r;
	call->control = c;
	call->peer = *peer;
	call->is_ready_made = is_ready_made;
	list_init(&call->node);
	list_init(&call->waiting);
	list_init(&call->closers);
	timer_init(&call->partial);
	timer_init(&call->stall);
	call->user_of = control_user_join(c, peer->uid, is_ready_made);
	if (call->user_of)
		r = loop_add_task(c->loop, &call->task, fd, LOOP_STREAM, control_on_ready);
	if (r < 0) {
		if (call->user_of)
			control_user_leave(c, call->user_of);
		free(call);
		return r;
	}
	list_push_back(&c->connections, &call->node);
	c->n_connections++;
	*ret = call;
	return 0;
}
