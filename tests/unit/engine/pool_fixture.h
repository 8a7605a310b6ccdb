/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of a pool: the pool in the environment of engine_fixture.h, the server's ends
 * of its connections, and what it has called. A test changes config before fixture_make_pool. */
#pragma once

#include "daemon/engine/pool.h"
#include "tests/unit/engine/engine_fixture.h"

#define FIXTURE_PEERS_MAX 8

static struct pool pool;
static struct pool_config config;
static bool has_pool;
static int peers[FIXTURE_PEERS_MAX]; /* -1: closed by the test */
static int n_peers;

static struct {
	unsigned n_ended, n_free, n_opened;
	enum fault fault; /* of the opening */
	char why[256];
} calls;

static inline void fixture_on_ended(struct pool *p, bool connection_is_free)
{
	ck_assert_ptr_eq(p, &pool);
	calls.n_ended++;
	calls.n_free += connection_is_free;
}

static inline void fixture_on_opened(struct pool *p, enum fault fault, const char *why)
{
	ck_assert_ptr_eq(p, &pool);
	calls.n_opened++;
	calls.fault = fault;
	strncpy(calls.why, why ? why : "", sizeof(calls.why) - 1);
}

/* For tests whose server takes every connection. */
static inline void fixture_on_opened_well(struct pool *p, enum fault fault, const char *why)
{
	ck_assert_int_eq(fault, FAULT_NONE);
	fixture_on_opened(p, fault, why);
}

/* The server's backlog; limit: of the pool's connections. */
static inline void fixture_open_pool(int backlog, size_t limit)
{
	fixture_open(backlog);
	memset(&calls, 0, sizeof(calls));
	has_pool = false;
	n_peers = 0;
	config = (struct pool_config){
		.env = &fixture.env,
		.limit = limit,
		.exhausted = PLAN_GROW,
		.reuse = PLAN_REUSE_LIFO,
		.queue_max = 100,
		.open_rate = {0, 1},
		.on_ended = fixture_on_ended,
		.on_opened = fixture_on_opened,
	};
}

static inline void fixture_close_pool(void)
{
	uint64_t sent = fixture.stats.totals.retries;

	if (has_pool)
		pool_fini(&pool);
	for (int i = 0; i < n_peers; i++)
		if (peers[i] >= 0)
			close(peers[i]);
	/* What was sent, and what was sent again; nothing else. */
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		sent += fixture.stats.totals.ledgers[i].sent;
	ck_assert_uint_eq(fixture.env.sent, sent);
	fixture_close();
}

static inline void fixture_make_pool(void)
{
	ck_assert_int_eq(pool_init(&pool, &config), 0);
	has_pool = true;
	pool_open(&pool);
}

static inline void fixture_arrive(unsigned n)
{
	for (; n > 0; n--) {
		int64_t now_ns = clock_now_ns();

		pool_arrive(&pool, now_ns, now_ns, 0);
	}
}

static inline void fixture_take_peer(void)
{
	ck_assert_int_lt(n_peers, FIXTURE_PEERS_MAX);
	peers[n_peers++] = fixture_accept();
}

static inline void fixture_answer(int i)
{
	fixture_hear(peers[i]);
	fixture_say(peers[i], MINI_OK);
}
