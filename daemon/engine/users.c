/* SPDX-License-Identifier: Apache-2.0 */
/* The users. Users are not distinguished: only the number of ready users is kept, and since when
 * each is ready. In the common case (no think time, a good answer) the next request is made inside
 * the call that reports the end of the last one. The others are in a ring and are served in the
 * loop's next turns, USERS_BATCH at a time, so that neither 10,000 users at t0 nor a dead server
 * keep the loop from polling its sockets. */
#include "daemon/engine/users.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/engine/pace.h"

#define USERS_BATCH 32

/* Is there a pause at that instant? */
static bool users_are_paused_at(const struct users *u, int64_t instant_ns)
{
	bool is_paused = false;

	for (size_t i = 0; i < u->_n_toggles && u->_toggles[i] <= instant_ns; i++)
		is_paused = !is_paused;
	return is_paused;
}

static bool users_may_make(const struct users *u, int64_t planned_ns)
{
	if (planned_ns >= u->_end_ns)
		return false;
	return u->config.quota == 0 || u->_made < u->config.quota;
}

static void users_wait(struct users *u, struct timer_queue *q, int64_t instant_ns)
{
	struct list *node = list_pop_front(&u->_free);

	timer_start(q, container_of(node, struct timer, _node), instant_ns);
}

/* Makes the arrival of a ready user. */
static void users_go(struct users *u, int64_t planned_ns, int64_t picked_ns)
{
	if (users_are_paused_at(u, planned_ns)) {
		u->_n_held++;
		return;
	}
	if (!users_may_make(u, planned_ns))
		return;
	if (planned_ns >= u->_window_start_ns)
		u->_made++;
	u->config.on_arrival(u->config.owner, u->_n_made++, planned_ns, picked_ns);
}

/* A place in the cap's pace is taken only by a user that can use it: one that is at the end or
 * after it would be lost to the other workers. */
static void users_make(struct users *u, int64_t planned_ns, int64_t picked_ns)
{
	if (u->config.pace && !users_are_paused_at(u, planned_ns) &&
		users_may_make(u, planned_ns)) {
		int64_t place_ns = pace_plan(u->config.pace, planned_ns);

		if (place_ns > planned_ns) {
			users_wait(u, &u->_pacing, place_ns);
			return;
		}
	}
	users_go(u, planned_ns, picked_ns);
}

static void users_on_pace(struct timer_queue *q, struct timer *timer)
{
	struct users *u = q->userdata;

	list_push_front(&u->_free, &timer->_node);
	users_go(u, timer->deadline_ns, clock_now_ns());
}

static void users_defer(struct users *u, int64_t ready_ns)
{
	assert(u->_n_ready < u->config.n);
	u->_ready_ns[(u->_ready_head + u->_n_ready++) % u->config.n] = ready_ns;
	loop_task_again(&u->_task);
}

static void users_on_turn(struct loop_task *task, uint32_t events)
{
	struct users *u = container_of(task, struct users, _task);

	(void)events;
	for (int n = 0; u->_n_ready > 0; n++) {
		int64_t planned_ns = u->_ready_ns[u->_ready_head];

		if (n == USERS_BATCH) {
			loop_task_again(&u->_task);
			return;
		}
		u->_ready_head = (u->_ready_head + 1) % u->config.n;
		u->_n_ready--;
		users_make(u, planned_ns, clock_now_ns());
	}
}

static void users_on_timer(struct timer_queue *q, struct timer *timer)
{
	struct users *u = q->userdata;

	list_push_front(&u->_free, &timer->_node);
	users_defer(u, timer->deadline_ns);
}

/* The first pause is over: the users it has held are ready. */
static void users_on_resume(struct timer_queue *q, struct timer *timer)
{
	struct users *u = q->userdata;
	int64_t resumed_ns = u->_toggles[1];

	u->_n_toggles -= 2;
	memmove(u->_toggles, u->_toggles + 2, u->_n_toggles * sizeof(u->_toggles[0]));
	if (u->_n_toggles > 1)
		timer_start(q, timer, u->_toggles[1]);
	for (; u->_n_held > 0; u->_n_held--)
		users_defer(u, resumed_ns);
}

int users_open(struct users *u, struct loop *loop, const struct users_config *config)
{
	int r;

	*u = (struct users){.config = *config, ._end_ns = CLOCK_NEVER};
	u->_ready_ns = calloc(config->n, sizeof(*u->_ready_ns));
	u->_timers = calloc(config->n, sizeof(*u->_timers));
	r = u->_ready_ns && u->_timers ? 0 : -ENOMEM;
	if (r == 0)
		r = loop_add_task(loop, &u->_task, -1, 0, users_on_turn);
	if (r < 0) {
		free(u->_ready_ns);
		free(u->_timers);
		*u = (struct users){0};
		return r;
	}
	list_init(&u->_free);
	for (size_t i = 0; i < config->n; i++) {
		timer_init(&u->_timers[i]);
		list_push_back(&u->_free, &u->_timers[i]._node);
	}
	timer_queue_init(&u->_thinking, loop, users_on_timer, u);
	timer_queue_init(&u->_pacing, loop, users_on_pace, u);
	timer_queue_init(&u->_resuming, loop, users_on_resume, u);
	timer_init(&u->_resume);
	u->_is_open = true;
	return 0;
}

void users_close(struct users *u)
{
	if (!u->_is_open)
		return;
	loop_remove_task(&u->_task);
	timer_queue_fini(&u->_thinking);
	timer_queue_fini(&u->_pacing);
	timer_queue_fini(&u->_resuming);
	free(u->_ready_ns);
	free(u->_timers);
	*u = (struct users){0};
}

void users_start(struct users *u, int64_t t0_ns, int64_t window_start_ns)
{
	u->_window_start_ns = window_start_ns;
	for (size_t i = 0; i < u->config.n; i++)
		users_wait(u, &u->_thinking, t0_ns);
}

void users_stop_at(struct users *u, int64_t instant_ns)
{
	if (instant_ns < u->_end_ns)
		u->_end_ns = instant_ns;
}

void users_move(struct users *u, int64_t window_start_ns, int64_t end_ns)
{
	u->_window_start_ns = window_start_ns;
	u->_end_ns = end_ns;
}

void users_toggle(struct users *u, int64_t instant_ns)
{
	/* Two toggles at one instant cancel each other, but a pause that has begun stays the
	 * first. */
	if (u->_n_toggles > 0 && u->_toggles[u->_n_toggles - 1] == instant_ns) {
		u->_n_toggles--;
		if (u->_n_toggles == 1)
			timer_stop(&u->_resume);
		return;
	}
	assert(u->_n_toggles < USERS_TOGGLES_MAX);
	u->_toggles[u->_n_toggles++] = instant_ns;
	if (u->_n_toggles == 2)
		timer_start(&u->_resuming, &u->_resume, instant_ns);
}

void users_ended(struct users *u, bool at_once)
{
	int64_t now_ns = clock_now_ns();

	/* A user who would be ready after the end still thinks: a pause may move the end. */
	if (!users_may_make(u, now_ns))
		return;
	if (u->config.think_ns > 0)
		users_wait(u, &u->_thinking, now_ns + u->config.think_ns);
	else if (at_once)
		users_make(u, now_ns, now_ns);
	else
		users_defer(u, now_ns);
}

void users_ended_until(struct users *u, int64_t ready_ns)
{
	int64_t now_ns = clock_now_ns();

	if (ready_ns <= now_ns + u->config.think_ns)
		users_ended(u, false);
	else if (users_may_make(u, now_ns))
		users_wait(u, &u->_thinking, ready_ns);
}

bool users_are_done(const struct users *u, int64_t now_ns)
{
	return !users_may_make(u, now_ns);
}

int64_t users_next_ns(const struct users *u, int64_t now_ns)
{
	int64_t next_ns = timer_queue_head_ns(&u->_thinking);

	if (timer_queue_head_ns(&u->_pacing) < next_ns)
		next_ns = timer_queue_head_ns(&u->_pacing);
	if (u->_n_ready > 0 && u->_ready_ns[u->_ready_head] < next_ns)
		next_ns = u->_ready_ns[u->_ready_head];
	if (u->_n_held > 0 && u->_n_toggles > 1 && u->_toggles[1] < next_ns)
		next_ns = u->_toggles[1];
	return next_ns < now_ns ? next_ns : now_ns;
}
