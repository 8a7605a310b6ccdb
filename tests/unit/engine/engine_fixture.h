/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of task and pool: a loop, statistics whose window is open, a server that the
 * test itself plays, and an environment of tasks that points there. Everything runs on the test's
 * thread; what waits is bounded by the test's time limit. */
#pragma once

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/guard.h"
#include "common/plan/plan.h"
#include "daemon/engine/stats.h"
#include "daemon/engine/task.h"
#include "daemon/http/request.h"
#include "daemon/http/resolver.h"
#include "tests/support/mini_server.h"
#include "tests/support/mini_tls.h"

#define SEC NSEC_PER_SEC
#define MS NSEC_PER_MSEC
#define FIXTURE_TIMEOUT_S 10 /* only a broken test waits that long */
#define FIXTURE_READ_SIZE 512
#define FIXTURE_GET "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

static struct {
	struct mini_server server;
	struct mini_tls tls; /* of the server; zero: it speaks plain HTTP */
	struct loop *loop;
	struct stats stats;
	struct stats_interval interval;
	struct guard guard;	  /* zero: loopback only */
	struct plan_request kind; /* any status from 200 to 399 is good */
	struct request request;
	struct address address;
	struct task_env env;
	char read_buffer[FIXTURE_READ_SIZE];
} fixture;

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		while (!(condition))                                                               \
			ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);                         \
	} while (0)

static inline struct address fixture_address_of(const struct mini_server *s)
{
	return (struct address){.in = s->address, .len = sizeof(s->address), .text = "the server"};
}

static inline void fixture_open(int backlog)
{
	ck_assert_int_eq(mini_server_open(&fixture.server, backlog, NULL, NULL), 0);
	ck_assert_int_eq(loop_new(&fixture.loop), 0);
	ck_assert_int_eq(stats_init(&fixture.stats, true, 3600 * SEC, 0, 0), 0);
	ck_assert_int_eq(stats_interval_init(&fixture.interval), 0);
	stats_give(&fixture.stats, &fixture.interval);
	stats_set_window(&fixture.stats, clock_now_ns() - 60 * SEC, CLOCK_NEVER);
	fixture.kind = (struct plan_request){0};
	for (unsigned status = 200; status < 400; status++)
		fixture.kind.expect_statuses.bits[status / 64] |= UINT64_C(1) << status % 64;
	fixture.request = (struct request){.plan = &fixture.kind,
		.bytes = (char *)FIXTURE_GET,
		.len = strlen(FIXTURE_GET),
		.is_idempotent = true};
	fixture.address = fixture_address_of(&fixture.server);
	fixture.env = (struct task_env){
		.loop = fixture.loop,
		.stats = &fixture.stats,
		.guard = &fixture.guard,
		.requests = &fixture.request,
		.n_requests = 1,
		.addresses = &fixture.address,
		.n_addresses = 1,
		.connect_timeout_ns = 3600 * SEC,
		.request_timeout_ns = 3600 * SEC,
		.read_buffer = fixture.read_buffer,
		.read_size = sizeof(fixture.read_buffer),
		.reuse = true,
	};
	ck_assert_int_eq(task_env_init(&fixture.env), 0);
}

/* From here on the task speaks TLS and trusts the server's authority. */
static inline void fixture_open_tls(enum mini_tls_who who, int version)
{
	struct tls_config config = {.server_name = MINI_TLS_HOST};
	struct err err = {0};

	mini_tls_open(&fixture.tls, who, version);
	config.ca = (struct tls_pem){
		.name = "ca.pem", .text = fixture.tls.ca_pem, .len = strlen(fixture.tls.ca_pem)};
	ck_assert_msg(tls_context_new(&config, &fixture.env.tls, &err) == 0, "%s", err.text);
}

/* Every test ends here: what has begun has ended, in exactly one class. */
static inline void fixture_close(void)
{
	ck_assert_uint_eq(fixture.stats.outstanding, 0);
	ck_assert_uint_eq(fixture.stats.in_flight, 0);
	ck_assert(ledger_balances(&fixture.stats.totals.ledgers[STATS_WINDOW]));
	fixture.env.tls = tls_context_free(fixture.env.tls);
	mini_tls_close(&fixture.tls);
	fixture.tls = (struct mini_tls){0};
	task_env_fini(&fixture.env);
	stats_fini(&fixture.stats);
	stats_interval_fini(&fixture.interval);
	fixture.loop = loop_free(fixture.loop);
	mini_server_close(&fixture.server);
}

static inline uint64_t fixture_count(enum ledger_class class)
{
	return fixture.stats.totals.ledgers[STATS_WINDOW].classes[class];
}

static inline uint64_t fixture_faults(enum fault fault)
{
	return fixture.stats.totals.faults[fault].count;
}

static inline const char *fixture_example(enum fault fault)
{
	return fixture.stats.totals.faults[fault].example;
}

/* ---- the kernel's side */

static inline struct transport_account fixture_account_of_acknowledged(const struct transport *t)
{
	(void)t;
	return (struct transport_account){.round_trip_ns = 3600 * SEC};
}

static inline struct transport_account fixture_account_of_unheard(const struct transport *t)
{
	(void)t;
	return (struct transport_account){SIZE_MAX, 3600 * SEC};
}

/* Of an open task: as if the kernel said that of its bytes; the connection's end comes soon. */
static inline void fixture_acknowledge(struct task *t, bool is_acknowledged)
{
	static struct transport_ops ops;

	ops = *t->_transport.ops;
	ops.account =
		is_acknowledged ? fixture_account_of_acknowledged : fixture_account_of_unheard;
	t->_transport.ops = &ops;
}

/* ---- the server's side; while it waits, the loop turns */

static inline bool fixture_is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static inline int fixture_accept(void)
{
	int fd;

	TURN_UNTIL(fixture_is_readable(fixture.server.listener));
	fd = mini_server_accept(&fixture.server);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static inline void fixture_hear(int fd)
{
	struct mini_conn c = {.server = &fixture.server, .fd = fd};

	TURN_UNTIL(fixture_is_readable(fd));
	ck_assert(mini_read_request(&c));
}

static inline void fixture_say(int fd, const char *text)
{
	struct mini_conn c = {.server = &fixture.server, .fd = fd};

	ck_assert(mini_write(&c, text));
}

/* The server's side of TLS, in memory: the test carries in what has come and out what is to go. */
static inline SSL *fixture_accept_tls(BIO **ret_in, BIO **ret_out)
{
	SSL *ssl = SSL_new(fixture.tls.ctx);

	*ret_in = BIO_new(BIO_s_mem());
	*ret_out = BIO_new(BIO_s_mem());
	(void)BIO_set_mem_eof_return(*ret_in, -1);
	SSL_set_bio(ssl, *ret_in, *ret_out);
	SSL_set_accept_state(ssl);
	return ssl;
}
