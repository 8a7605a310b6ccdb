/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduling of connections. Main thread; nothing here blocks.
 *
 * A connection that needs to be served waits in the list of its user, and a user that has such
 * connections waits in the list of the server. One task of the loop serves them round-robin: for
 * the first user one step is made for the first of its connections, and both go to the end of their
 * lists. So turns are shared by user first and by connection second, regardless of pipelined calls,
 * and a call waits for at most one step of each other user. After turn_ns the loop's other tasks
 * and timers have their turn: the runs' mail, the watchdog.
 *
 * A user has a share of the time as well, so that a flood leaves the CPU to the load: each
 * nanosecond of CPU time spent on it is a debt of `share` nanoseconds, paid by waiting. While it
 * owes more than burst_ns allows it rests, and its calls stay in its sockets. The time is measured
 * by the thread's CPU clock (some 200 ns for each step), so that other work of the machine is not
 * charged to users. */
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/service/control_connection.h"

#define CONTROL_LOOK_NS (5 * NSEC_PER_MSEC)

/* ---------------------------------------------------------------- users */

static struct control_user *control_user_find(const struct control *c, uid_t uid)
{
	list_for_each (node, &c->users) {
		struct control_user *user = container_of(node, struct control_user, node);

		if (user->uid == uid && !user->is_ready_made)
			return user;
	}
	return NULL;
}

struct control_user *control_user_join(struct control *c, uid_t uid, bool is_ready_made)
{
	struct control_user *user = is_ready_made ? NULL : control_user_find(c, uid);

	if (!user) {
		user = calloc(1, sizeof(*user));
		if (!user)
			return NULL;
		user->uid = uid;
		user->is_ready_made = is_ready_made;
		list_init(&user->in_turn);
		list_init(&user->waiting);
		timer_init(&user->look);
		list_push_back(&c->users, &user->node);
	}
	user->n_connections++;
	return user;
}

static void control_user_free(struct control_user *user)
{
	timer_stop(&user->look);
	list_remove(&user->node);
	free(user);
}

/* The value of owes_until_ns for a user without recent use: a full burst is available. */
static int64_t control_user_floor(const struct control *c, int64_t now_ns)
{
	return now_ns - (int64_t)c->limits.share * c->limits.burst_ns;
}

static void control_user_look_later(struct control *c, struct control_user *user, int64_t now_ns)
{
	if (!timer_is_running(&user->look))
		timer_start(&c->looks, &user->look, now_ns + CONTROL_LOOK_NS);
}

/* A user that closed and connected again would have a full burst again: the record is kept until
 * the debt is paid. */
void control_user_leave(struct control *c, struct control_user *user)
{
	if (--user->n_connections > 0)
		return;
	if (c->closing || user->owes_until_ns <= control_user_floor(c, loop_now_ns(c->loop)))
		control_user_free(user);
	else
		control_user_look_later(c, user, loop_now_ns(c->loop));
}

unsigned control_user_connections(const struct control *c, uid_t uid)
{
	const struct control_user *user = control_user_find(c, uid);

	return user ? user->n_connections : 0;
}

/* ---------------------------------------------------------------- turns */

/* Adds the user to the list, if it has a waiting connection and does not rest. */
static void control_user_ask(struct control *c, struct control_user *user)
{
	if (list_empty(&user->waiting) || user->is_resting || !list_empty(&user->in_turn))
		return;
	list_push_back(&c->in_turn, &user->in_turn);
	loop_task_again(&c->turn);
}

void control_turn_ask(struct control_connection *call)
{
	if (list_empty(&call->waiting))
		list_push_back(&call->user_of->waiting, &call->waiting);
	control_user_ask(call->control, call->user_of);
}

void control_turn_leave(struct control_connection *call)
{
	list_remove(&call->waiting);
	if (list_empty(&call->user_of->waiting))
		list_remove(&call->user_of->in_turn);
}

/* Charges the CPU time that has been spent for the user. */
static void control_user_pay(
	const struct control *c, struct control_user *user, int64_t now_ns, int64_t spent_ns)
{
	int64_t floor_ns = control_user_floor(c, now_ns);

	if (user->is_ready_made)
		return;
	if (user->owes_until_ns < floor_ns)
		user->owes_until_ns = floor_ns;
	user->owes_until_ns += (int64_t)c->limits.share * spent_ns;
	user->is_resting = user->owes_until_ns > now_ns;
}

/* Makes one step for one connection of the first user. The reading of the CPU clock is passed from
 * step to step. */
static void control_turn_step(struct control *c, int64_t *now_ns, int64_t *cpu_ns)
{
	struct control_user *user =
		container_of(list_pop_front(&c->in_turn), struct control_user, in_turn);
	struct control_connection *call =
		container_of(list_pop_front(&user->waiting), struct control_connection, waiting);
	int64_t cpu_before_ns = *cpu_ns;

	user->n_connections++; /* the step may close the last of them */
	if (control_call_serve(call) && list_empty(&call->waiting))
		list_push_back(&user->waiting, &call->waiting);
	*now_ns = clock_now_ns();
	*cpu_ns = clock_thread_ns();
	control_user_pay(c, user, *now_ns, *cpu_ns - cpu_before_ns);
	if (user->is_resting) {
		list_remove(&user->in_turn);
		control_user_look_later(c, user, *now_ns);
	}
	control_user_ask(c, user);
	control_user_leave(c, user);
}

static void control_on_turn(struct loop_task *task, uint32_t events)
{
	struct control *c = container_of(task, struct control, turn);
	int64_t now_ns = clock_now_ns();
	int64_t cpu_ns = clock_thread_ns();
	int64_t end_ns = now_ns + c->limits.turn_ns;

	(void)events;
	do {
		if (list_empty(&c->in_turn))
			return;
		control_turn_step(c, &now_ns, &cpu_ns);
	} while (now_ns < end_ns);
	if (!list_empty(&c->in_turn))
		loop_task_again(&c->turn);
}

static void control_on_look(struct timer_queue *queue, struct timer *timer)
{
	struct control *c = queue->userdata;
	struct control_user *user = container_of(timer, struct control_user, look);
	int64_t now_ns = clock_now_ns();

	if (user->owes_until_ns <= now_ns)
		user->is_resting = false;
	control_user_ask(c, user);
	if (user->n_connections == 0 && user->owes_until_ns <= control_user_floor(c, now_ns))
		control_user_free(user);
	else if (user->n_connections == 0 || user->is_resting)
		control_user_look_later(c, user, now_ns);
}

void control_turns_init(struct control *c)
{
	list_init(&c->users);
	list_init(&c->in_turn);
	timer_queue_init(&c->looks, c->loop, control_on_look, c);
	(void)loop_add_task(c->loop, &c->turn, -1, 0, control_on_turn);
}

void control_turns_fini(struct control *c)
{
	loop_remove_task(&c->turn);
	while (!list_empty(&c->users))
		control_user_free(container_of(c->users.next, struct control_user, node));
	timer_queue_fini(&c->looks);
}
