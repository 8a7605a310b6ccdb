/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of the control server, whatever a client sends in whatever pieces: each call
 * has its replies, in the order of the calls and with what its method answers, a one-way call has
 * none, and when the client sends no more, or has lost the framing, the connection ends.
 *
 * An input is one byte that seeds the cuts, and then what the client sends. The methods are a.Echo,
 * a.Later, which answers in the next turn, a.Stream, which answers three times, and a.Fail. */
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "daemon/loop/loop.h"
#include "daemon/service/control.h"
#include "tests/fuzz/property.h"

#define CONTROL_PROPERTY_MAX 65536u
#define CONTROL_PROPERTY_TURNS 100000u
#define CONTROL_PROPERTY_STREAM 3

static inline void control_property_echo(struct control_connection *call, void *arg)
{
	(void)arg;
	/* NULL would say that memory ran out. */
	control_reply(call, json_incref(control_call_parameters(call)));
}

static inline void control_property_later(struct control_connection *call, void *arg)
{
	control_call_on_turn(call, control_property_echo, arg);
}

static inline void control_property_stream(struct control_connection *call, void *arg)
{
	(void)arg;
	if (!control_call_wants_more(call)) {
		control_error_parameter(call, "more");
		return;
	}
	for (int i = 1; i < CONTROL_PROPERTY_STREAM; i++)
		control_reply_more(call, json_object());
	control_reply(call, json_object());
}

static inline void control_property_fail(struct control_connection *call, void *arg)
{
	(void)arg;
	control_error(call, "a.Failed", NULL);
}

static const struct control_method control_property_methods[] = {
	{"a.Echo", CONTROL_ADMIN, control_property_echo},
	{"a.Later", CONTROL_OBSERVE, control_property_later},
	{"a.Stream", CONTROL_OBSERVE, control_property_stream},
	{"a.Fail", CONTROL_OPERATE, control_property_fail},
};
#define CONTROL_PROPERTY_METHODS                                                                   \
	(sizeof(control_property_methods) / sizeof(*control_property_methods))

/* Adds the replies to one call: parameters, or null for an error; with true before each that is not
 * the last one. */
static inline void control_property_expect(const struct varlink_call *call, json_t *replies)
{
	bool is_known = false;

	for (size_t i = 0; i < CONTROL_PROPERTY_METHODS; i++)
		is_known = is_known || strcmp(call->method, control_property_methods[i].name) == 0;
	if (call->oneway)
		return;
	if (strcmp(call->method, "a.Stream") == 0 && call->more && !call->upgrade) {
		for (int i = 1; i < CONTROL_PROPERTY_STREAM; i++) {
			json_array_append_new(replies, json_true());
			json_array_append_new(replies, json_object());
		}
		json_array_append_new(replies, json_object());
	} else if (is_known && !call->upgrade && strcmp(call->method, "a.Fail") != 0 &&
		   strcmp(call->method, "a.Stream") != 0) {
		json_array_append_new(
			replies, call->parameters ? json_incref(call->parameters) : json_object());
	} else if (strncmp(call->method, "org.varlink.service.", 20) == 0) {
		/* The server's own; what it says is not of interest. */
		json_array_append_new(replies, json_false());
	} else {
		json_array_append_new(replies, json_null());
	}
}

/* True: these bytes keep the framing to their end. */
static inline bool control_property_expect_all(const uint8_t *data, size_t len, json_t *replies)
{
	struct buf in = {0};
	size_t searched = 0;
	json_t *message;
	int r;

	PROPERTY(buf_append(&in, data, len) == 0);
	while ((r = varlink_take_call(&in, VARLINK_CALL_MAX, &searched, &message)) == 0 &&
		message) {
		struct varlink_call call;

		r = varlink_parse_call(message, &call);
		if (r == 0)
			control_property_expect(&call, replies);
		json_decref(message);
		if (r)
			break;
	}
	buf_fini(&in);
	return r == 0;
}

/* The replies as above. */
static inline void control_property_take(struct buf *in, size_t *searched, json_t *replies)
{
	json_t *message;

	for (;;) {
		struct varlink_reply reply;

		PROPERTY(varlink_take(in, VARLINK_REPLY_MAX, searched, &message) == 0);
		if (!message)
			return;
		PROPERTY(varlink_parse_reply(message, &reply) == 0);
		if (reply.continues)
			json_array_append_new(replies, json_true());
		if (reply.error)
			json_array_append_new(replies, json_null());
		else
			json_array_append(replies, reply.parameters);
		json_decref(message);
	}
}

/* Sends all of it and takes what comes until the server closes. */
static inline void control_property_talk(
	struct loop *loop, int fd, const uint8_t *data, size_t len, uint32_t seed, json_t *replies)
{
	struct buf in = {0};
	size_t searched = 0, at = 0;
	bool is_open = true;

	for (unsigned turn = 0; is_open; turn++) {
		char piece[4096];
		ssize_t n;

		PROPERTY(turn < CONTROL_PROPERTY_TURNS);
		seed = seed * 1664525 + 1013904223;
		n = (ssize_t)((seed >> 20) % 199 + 1);
		n = (size_t)n < len - at ? n : (ssize_t)(len - at);
		n = n > 0 ? send(fd, data + at, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		if (n > 0)
			at += (size_t)n;
		/* A server that has closed takes no more. */
		if (at == len || (n == -1 && errno != EAGAIN)) {
			at = len;
			(void)shutdown(fd, SHUT_WR);
		}
		PROPERTY(loop_turn(loop, 0) == 0);
		while ((n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0)
			PROPERTY(buf_append(&in, piece, (size_t)n) == 0);
		is_open = n == -1 && errno == EAGAIN;
	}
	control_property_take(&in, &searched, replies);
	PROPERTY(in.len == 0);
	buf_fini(&in);
}

static inline void control_property_holds(const uint8_t *input, size_t size)
{
	struct control_config config = {
		.methods = control_property_methods, .n_methods = CONTROL_PROPERTY_METHODS};
	json_t *want = json_array(), *got = json_array();
	struct control *control;
	bool is_whole;
	int fds[2];

	if (size >= 1 && size <= CONTROL_PROPERTY_MAX) {
		PROPERTY(loop_new(&config.loop) == 0);
		PROPERTY(control_new(&config, &control) == 0);
		PROPERTY(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
		PROPERTY(control_add_connection(control, fds[1], NULL) == 0);
		is_whole = control_property_expect_all(input + 1, size - 1, want);
		control_property_talk(config.loop, fds[0], input + 1, size - 1, input[0], got);
		PROPERTY(control_n_connections(control) == 0);
		PROPERTY(json_array_size(got) <= json_array_size(want));
		PROPERTY(!is_whole || json_array_size(got) == json_array_size(want));
		for (size_t i = 0; i < json_array_size(got); i++)
			PROPERTY(json_is_false(json_array_get(want, i)) ||
				 json_equal(json_array_get(want, i), json_array_get(got, i)));
		(void)close(fds[0]);
		control_free(control);
		loop_free(config.loop);
	}
	json_decref(want);
	json_decref(got);
}
