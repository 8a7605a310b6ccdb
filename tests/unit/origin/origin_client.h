/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the origin's tests: one origin, and an HTTP client of nothing but a socket. Waits are
 * bounded by the time limit of the test; nothing sleeps. */
#pragma once

#include "daemon/origin/origin.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/settings/settings.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define HOUR (3600 * NSEC_PER_SEC)
#define ONE "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct origin *origin;
static struct settings_origin settings;

/* ---- a client of nothing but a socket */

struct answer {
	unsigned status;
	bool says_close;
	bool says_keep_alive;
	bool is_plain_text;
	long content_length; /* -1: none */
};

static inline void setup(void)
{
	origin = NULL;
	settings = (struct settings_origin){
		.name = (char *)"test",
		.listen = (char *)"127.0.0.1:0",
		.backlog = 4096,
		.error_status = 503,
		.body_bytes = 10,
		.seed = 1,
	};
}

static inline void set_delay(enum settings_delay_kind kind, int64_t ns)
{
	settings.delay.n = 1;
	settings.delay.parts[0] =
		(struct settings_delay_part){.upto = 1, .delay = {.kind = kind, .ns = ns}};
}

static inline void teardown(void)
{
	origin = origin_free(origin);
}

static inline void start(void)
{
	struct err err = {0};

	ck_assert_msg(origin_start(&settings, &origin, &err) == 0, "%s", err.text);
}

static inline int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	return fd;
}

static inline void connect_socket(int fd)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(strrchr(origin_address(origin), ':') + 1)),
	};

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static inline int new_client(void)
{
	int fd = new_socket();

	connect_socket(fd);
	return fd;
}

static inline void send_bytes(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		ck_assert_int_gt(n, 0);
		data += n;
		len -= (size_t)n;
	}
}

static inline void send_text(int fd, const char *text)
{
	send_bytes(fd, text, strlen(text));
}

/* Byte by byte, so that it never takes a byte of the next answer; and each assertion of the check
 * library costs a write, so there is none for each byte. */
static inline void read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	do {
		if (len == size || recv(fd, line + len, 1, 0) != 1)
			ck_abort_msg("the answer ends within a line, or never");
	} while (line[len++] != '\n');
	ck_assert_uint_ge(len, 2);
	ck_assert_int_eq(line[len - 2], '\r');
	line[len - 2] = '\0';
}

static inline void read_body(int fd, size_t len)
{
	static char bytes[65536];

	while (len > 0) {
		ssize_t n = recv(fd, bytes, len < sizeof(bytes) ? len : sizeof(bytes), 0);

		ck_assert_int_gt(n, 0);
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != 'x')
				ck_abort_msg("the body holds a %d", bytes[i]);
		}
		len -= (size_t)n;
	}
}

static inline struct answer read_answer(int fd, bool is_head)
{
	struct answer a = {.content_length = -1};
	char line[256];

	read_line(fd, line, sizeof(line));
	ck_assert_int_eq(sscanf(line, "HTTP/1.1 %u ", &a.status), 1);
	for (;;) {
		read_line(fd, line, sizeof(line));
		if (line[0] == '\0')
			break;
		if (strncasecmp(line, "Content-Length: ", 16) == 0)
			a.content_length = atol(line + 16);
		else if (strcasecmp(line, "Connection: close") == 0)
			a.says_close = true;
		else if (strcasecmp(line, "Connection: keep-alive") == 0)
			a.says_keep_alive = true;
		else if (strcasecmp(line, "Content-Type: text/plain") == 0)
			a.is_plain_text = true;
	}
	if (!is_head && a.content_length > 0)
		read_body(fd, (size_t)a.content_length);
	return a;
}

/* In order, with nothing behind. */
static inline void expect_end(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

static inline struct origin_counts counts(void)
{
	struct origin_counts c;

	origin_read_counts(origin, &c);
	return c;
}

/* An answer is counted when it is written, which its reader may know first. */
static inline void wait_answers(uint64_t n)
{
	for (;;) {
		struct origin_counts c = counts();

		if (c.ok + c.errors + c.refused >= n)
			return;
		(void)sched_yield();
	}
}

static inline void expect_200(int fd)
{
	struct answer a = read_answer(fd, false);

	ck_assert_uint_eq(a.status, 200);
	ck_assert_int_eq(a.content_length, (long)settings.body_bytes);
	ck_assert(a.is_plain_text);
}

/* Until the origin's thread has handled everything that was sent to it before: it serves events in
 * the order in which they came. Only for origins without a delay. */
static inline void pass_through(void)
{
	int fd = new_client();

	send_text(fd, ONE);
	expect_200(fd);
	(void)close(fd);
}

static inline int64_t answer_time_ns(int fd)
{
	int64_t begin_ns = clock_now_ns();

	send_text(fd, ONE);
	expect_200(fd);
	return clock_now_ns() - begin_ns;
}

/* Everything that was sent before has been handled, and fd has nothing to read. */
static inline void expect_silence(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, 50), 0);
}

static inline void wait_connections(uint64_t n)
{
	while (counts().connections != n)
		(void)sched_yield();
}

static inline TCase *new_tcase(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	return tcase;
}
