/* SPDX-License-Identifier: Apache-2.0 */
/* A control server with a table of methods of its own, and clients over socket pairs and over a
 * socket without a path. */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/control/varlink.h"
#include "daemon/loop/loop.h"
#include "daemon/service/control.h"

#define TURNS_MAX 2000

static struct loop *loop;
static struct control *control;
static unsigned n_echoes;
static unsigned n_oneway;
static unsigned n_closed;
static unsigned n_empty;
static struct control_connection *stream;
static unsigned n_clear;
static unsigned n_slow;
static unsigned n_parts;

/* ---------------------------------------------------------------- methods */

static inline void test_echo(struct control_connection *call, void *userdata)
{
	(void)userdata;
	n_echoes++;
	control_reply(call, json_incref(control_call_parameters(call)));
}

static inline void test_whoami(struct control_connection *call, void *userdata)
{
	const struct control_peer *peer = control_call_peer(call);

	(void)userdata;
	control_reply(call, json_pack("{s:I,s:I,s:s,s:s}", "uid", (json_int_t)peer->uid, "pid",
				    (json_int_t)peer->pid, "role", control_role_names[peer->role],
				    "user", control_call_user(call)));
}

static inline void test_fail(struct control_connection *call, void *userdata)
{
	(void)userdata;
	n_oneway++;
	control_error(call, "a.test.Failed", NULL);
}

/* Replies with {"text": N times 'x'}. */
static inline void test_big(struct control_connection *call, void *userdata)
{
	json_int_t n = json_integer_value(json_object_get(control_call_parameters(call), "n"));
	char *text = malloc((size_t)n + 1);

	(void)userdata;
	n_echoes++;
	memset(text, 'x', (size_t)n);
	text[n] = '\0';
	control_reply(call, json_pack("{s:s}", "text", text));
	free(text);
}

/* Replies with {"numbers": [0, 1, ... n - 1]}. */
static inline void test_many(struct control_connection *call, void *userdata)
{
	json_int_t n = json_integer_value(json_object_get(control_call_parameters(call), "n"));
	json_t *numbers = json_array();

	(void)userdata;
	for (json_int_t i = 0; i < n; i++)
		(void)json_array_append_new(numbers, json_integer(i));
	control_reply(call, json_pack("{s:o}", "numbers", numbers));
}

static struct control_closer test_closer;

static inline void test_on_closed(struct control_closer *closer)
{
	ck_assert_ptr_eq(closer, &test_closer);
	n_closed++;
	stream = NULL;
}

static inline void test_on_clear(struct control_connection *call, void *arg)
{
	ck_assert_ptr_eq(call, stream);
	ck_assert_ptr_eq(arg, &n_clear);
	n_clear++;
}

static inline void test_stream(struct control_connection *call, void *userdata)
{
	(void)userdata;
	if (!control_call_wants_more(call)) {
		control_error_parameter(call, "more");
		return;
	}
	stream = call;
	control_closer_init(&test_closer, test_on_closed);
	control_on_close(call, &test_closer);
	control_call_on_clear(call, test_on_clear, &n_clear);
}

/* Takes two milliseconds of the main thread's CPU time. */
static inline void test_slow(struct control_connection *call, void *userdata)
{
	int64_t end_ns = clock_thread_ns() + 2 * NSEC_PER_MSEC;

	(void)userdata;
	n_slow++;
	while (clock_thread_ns() < end_ns)
		;
	control_reply(call, json_object());
}

/* Takes two milliseconds and next to no CPU time, as if the CPU had been another process's. */
static inline void test_preempted(struct control_connection *call, void *userdata)
{
	const struct timespec wait = {.tv_nsec = 2 * NSEC_PER_MSEC};

	(void)userdata;
	n_slow++;
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
	control_reply(call, json_object());
}

#define LONG_PARTS 100

static inline void test_next_part(struct control_connection *call, void *arg)
{
	unsigned *parts = arg;

	if (++*parts < LONG_PARTS)
		control_call_on_turn(call, test_next_part, parts);
	else
		control_reply(call, json_pack("{s:i}", "parts", (int)*parts));
}

/* Answers in LONG_PARTS parts of work. */
static inline void test_long(struct control_connection *call, void *userdata)
{
	(void)userdata;
	control_call_on_turn(call, test_next_part, &n_parts);
}

static const struct control_method test_methods[] = {
	{"a.test.Echo", CONTROL_OBSERVE, test_echo},
	{"a.test.Whoami", CONTROL_OBSERVE, test_whoami},
	{"a.test.Fail", CONTROL_OPERATE, test_fail},
	{"a.test.Big", CONTROL_OBSERVE, test_big},
	{"a.test.Many", CONTROL_OBSERVE, test_many},
	{"a.test.Stream", CONTROL_OBSERVE, test_stream},
	{"a.test.Slow", CONTROL_OBSERVE, test_slow},
	{"a.test.Preempted", CONTROL_OBSERVE, test_preempted},
	{"a.test.Long", CONTROL_OBSERVE, test_long},
	{"a.test.Operate", CONTROL_OPERATE, test_echo},
	{"a.test.Administer", CONTROL_ADMIN, test_echo},
};

/* ---------------------------------------------------------------- fixture */

static struct control_limits limits;
static struct sockaddr_un address;
static socklen_t address_len;

static inline void test_on_empty(void *arg)
{
	(void)arg;
	n_empty++;
}

static inline void test_setup(void)
{
	struct control_config config = {
		.methods = test_methods,
		.n_methods = sizeof(test_methods) / sizeof(test_methods[0]),
		.limits = &limits,
	};

	ck_assert_int_eq(loop_new(&loop), 0);
	config.loop = loop;
	if (limits.n_connections == 0)
		limits = control_default_limits;
	ck_assert_int_eq(control_new(&config, &control), 0);
	control_on_empty(control, test_on_empty, NULL);
}

static inline void test_teardown(void)
{
	control = control_free(control);
	loop = loop_free(loop);
}

static inline void test_setup_again(void)
{
	test_teardown();
	test_setup();
}

/* An abstract address that the kernel picks. */
static inline void test_listen(enum control_role role)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(listen(fd, 128), 0);
	address_len = sizeof(address);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_len), 0);
	ck_assert_int_eq(control_listen(control, fd, role), 0);
}

struct client {
	int fd;
	struct buf in;
	size_t searched;
};

static inline struct client test_connect(void)
{
	struct client k = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	ck_assert_int_eq(connect(k.fd, (struct sockaddr *)&address, address_len), 0);
	return k;
}

/* A ready-made connection. */
static inline struct client test_pair(struct control_closer *closer)
{
	struct client k = {0};
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(control_add_connection(control, fds[1], closer), 0);
	k.fd = fds[0];
	return k;
}

static inline void test_close(struct client *k)
{
	ck_assert_int_eq(close(k->fd), 0);
	buf_fini(&k->in);
}

static inline void test_turn(void)
{
	ck_assert_int_eq(loop_turn(loop, 0), 0);
}

/* Writes all of it; the server runs when the socket is full. */
static inline void test_write(struct client *k, const char *data, size_t len)
{
	for (unsigned i = 0; len > 0; i++) {
		ssize_t n = send(k->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		ck_assert_uint_lt(i, TURNS_MAX);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else {
			ck_assert_int_eq(errno, EAGAIN);
			test_turn();
		}
	}
}

/* One call, its JSON as text. */
static inline void test_send(struct client *k, const char *text)
{
	test_write(k, text, strlen(text) + 1);
}

/* The next reply; NULL: the server closed. */
static inline json_t *test_next(struct client *k)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		char data[8192];
		json_t *message;
		ssize_t n;

		ck_assert_int_eq(
			varlink_take(&k->in, VARLINK_REPLY_MAX, &k->searched, &message), 0);
		if (message)
			return message;
		n = recv(k->fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			ck_assert_int_eq(buf_append(&k->in, data, (size_t)n), 0);
		else if (n == 0 || errno == ECONNRESET)
			return NULL;
		else
			ck_assert_int_eq(loop_turn(loop, 5 * NSEC_PER_MSEC), 0);
	}
	ck_abort_msg("no reply");
	return NULL;
}

static inline void test_expect(struct client *k, const char *want)
{
	json_t *message = test_next(k);
	char *text;

	ck_assert_msg(message != NULL, "closed instead of %s", want);
	text = json_dumps(message, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(text, want);
	free(text);
	json_decref(message);
}

static inline void test_expect_closed(struct client *k)
{
	json_t *message = test_next(k);

	ck_assert_msg(message == NULL, "a reply instead of the end");
}

/* Nothing has come and the connection lives. */
static inline void test_expect_nothing(struct client *k)
{
	char byte;

	for (int i = 0; i < 10; i++)
		test_turn();
	ck_assert_int_eq(recv(k->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

#define ECHO(n) "{\"method\":\"a.test.Echo\",\"parameters\":{\"n\":" #n "}}"
#define ECHOED(n) "{\"parameters\":{\"n\":" #n "}}"
#define STREAM "{\"method\":\"a.test.Stream\",\"more\":true}"
