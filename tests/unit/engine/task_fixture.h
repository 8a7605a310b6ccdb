/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of a single task: the task in the environment of engine_fixture.h, and what
 * it has called. */
#pragma once

#include <stdio.h>

#include "tests/unit/engine/engine_fixture.h"

static struct task task;

static struct {
	unsigned n_idle, n_spared, n_closed, n_failed, n_returned;
	struct exchange returned;
	bool had_exchange;
	enum fault fault;
	char why[512];
} calls;

static inline void fixture_on_idle(struct task *t, bool had_exchange)
{
	ck_assert_int_eq(task_get_state(t), TASK_IDLE);
	calls.n_idle++;
	calls.had_exchange = had_exchange;
}

static inline void fixture_on_closed(struct task *t, const struct task_loss *loss)
{
	ck_assert_int_eq(task_get_state(t), TASK_CLOSED);
	calls.n_closed++;
	calls.had_exchange = loss->was_busy;
	calls.fault = loss->fault;
	(void)snprintf(calls.why, sizeof(calls.why), "%s", loss->why ? loss->why : "");
}

static inline void fixture_on_spared(struct task *t)
{
	ck_assert_int_eq(task_get_state(t), TASK_IDLE);
	calls.n_spared++;
}

static inline void fixture_on_returned(struct task *t, const struct exchange *x)
{
	ck_assert_int_ne(task_get_state(t), TASK_CLOSED);
	calls.n_returned++;
	calls.returned = *x;
}

static inline void fixture_on_connect_failed(struct task *t, enum fault fault, const char *why)
{
	ck_assert_int_eq(task_get_state(t), TASK_CLOSED);
	calls.n_failed++;
	calls.fault = fault;
	(void)snprintf(calls.why, sizeof(calls.why), "%s", why);
}

/* The server's backlog. */
static inline void fixture_open_task(int backlog)
{
	fixture_open(backlog);
	fixture.env.on_idle = fixture_on_idle;
	fixture.env.on_spared = fixture_on_spared;
	fixture.env.on_closed = fixture_on_closed;
	fixture.env.on_returned = fixture_on_returned;
	fixture.env.on_connect_failed = fixture_on_connect_failed;
	memset(&calls, 0, sizeof(calls));
	task_init(&task, &fixture.env);
}

static inline void fixture_start_connecting(void)
{
	const char *why = NULL;

	ck_assert_int_eq(task_connect(&task, &why), FAULT_NONE);
	ck_assert_int_eq(task_get_state(&task), TASK_CONNECTING);
}

/* A request that was planned for that instant. */
static inline void fixture_send(int64_t planned_ns)
{
	struct exchange x;

	stats_begin(&fixture.stats, &x, planned_ns, clock_now_ns(), 0);
	task_send(&task, &x, clock_now_ns());
}
