/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of workers: up to two of them against the mini server, in virtual time, on a
 * plan that a test completes; the test's thread is main. A program sets the callbacks of config. */
#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "daemon/engine/worker.h"
#include "daemon/http/request.h"
#include "daemon/http/resolver.h"
#include "daemon/loop/loop.h"
#include "tests/support/mini_server.h"
#include "tests/support/skip_clock.h"

#define SEC NSEC_PER_SEC
#define MS NSEC_PER_MSEC
#define FIXTURE_TIMEOUT_S 20 /* only a broken test waits that long */
#define FIXTURE_WORKERS_MAX 2
#define FIXTURE_GET "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

static struct mini_server server;
static struct loop *loop;
static struct guard guard; /* zero: loopback only */
static struct address address;
static struct plan plan;
static struct plan_request kind = {.name = (char *)"", .weight = 1};
static struct request request = {.plan = &kind,
	.bytes = (char *)FIXTURE_GET,
	.len = sizeof(FIXTURE_GET) - 1,
	.is_idempotent = true};
static struct plan_stage stages[3];
static struct worker *workers[FIXTURE_WORKERS_MAX];
static struct worker_config config;
static unsigned n_workers;
static size_t n_connections;	   /* of all workers */
static struct stats_totals totals; /* of all workers; a program's on_done adds them */

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		while (!(condition))                                                               \
			ck_assert_int_eq(loop_turn(loop, SEC), 0);                                 \
	} while (0)

static inline void fixture_open_workers(void)
{
	skip_clock_start();
	memset(&server, 0, sizeof(server));
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(stats_totals_init(&totals, 0, 0), 0);
	for (unsigned status = 200; status < 400; status++)
		kind.expect_statuses.bits[status / 64] |= UINT64_C(1) << status % 64;
	plan = (struct plan){.stages = stages,
		.interval_ns = 20 * MS,
		.duration_ns = CLOCK_NEVER,
		.exhausted = PLAN_GROW,
		.reuse = PLAN_REUSE_LIFO,
		.connect_timeout_ns = 10 * SEC,
		.request_timeout_ns = 500 * MS,
		.drain_ns = 20 * SEC,
		.requests = &kind,
		.n_requests = 1};
	n_workers = 1;
	n_connections = 4;
	config = (struct worker_config){.main_loop = loop,
		.plan = &plan,
		.guard = &guard,
		.requests = &request,
		.addresses = &address,
		.n_addresses = 1,
		.queue_max = 100000,
		.open_rate = {0, 1}};
}

/* The schedule is the program's, to be freed after this. */
static inline void fixture_close_workers(void)
{
	for (unsigned i = 0; i < FIXTURE_WORKERS_MAX; i++)
		workers[i] = worker_free(workers[i]);
	stats_totals_fini(&totals);
	loop = loop_free(loop);
	if (server._conns)
		mini_server_close(&server);
	skip_clock_stop();
}

static inline void fixture_serve(mini_fn fn)
{
	ck_assert_int_eq(mini_server_open(&server, 128, fn, NULL), 0);
	address = (struct address){
		.in = server.address, .len = sizeof(server.address), .text = "the server"};
}

/* schedule NULL: the closed model. */
static inline void fixture_make_workers(const struct schedule *schedule)
{
	config.schedule = schedule;
	config.n_workers = n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		config.index = i;
		config.connections = n_connections / n_workers + (i < n_connections % n_workers);
		ck_assert_int_eq(worker_new(&config, &workers[i]), 0);
		ck_assert_uint_eq(worker_index(workers[i]), i);
	}
}

static inline void fixture_start_workers(void)
{
	for (unsigned i = 0; i < n_workers; i++)
		ck_assert_int_eq(worker_start(workers[i]), 0);
}

static inline void fixture_go(int64_t t0_ns)
{
	for (unsigned i = 0; i < n_workers; i++)
		worker_go(workers[i], t0_ns);
}
