/* SPDX-License-Identifier: Apache-2.0 */
/* The delays of all connections hang on one timer, set to the first of the heap. When it rings, a
 * task of its own serves those who are due, some in each turn: with thousands due at one instant
 * the loop still accepts and reads in between. */
#include "daemon/origin/origin_core.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"

#define ORIGIN_DUE_BUDGET 256

static uint64_t origin_dice_spread(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void origin_dice_init(struct origin_dice *d, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		d->_state[i] = origin_dice_spread(&seed);
}

static uint64_t origin_dice_rotate(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

/* xoshiro256**; uniform in [0, 1). */
static double origin_dice_throw(struct origin_dice *d)
{
	uint64_t *s = d->_state;
	uint64_t result = origin_dice_rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = origin_dice_rotate(s[3], 45);
	return (double)(result >> 11) * 0x1.0p-53;
}

int64_t origin_core_draw_delay(struct origin_core *core)
{
	double ns;

	if (core->delay_kind == SETTINGS_DELAY_FIXED || core->delay_ns == 0)
		return core->delay_ns;
	ns = -log1p(-origin_dice_throw(&core->_delay_dice)) * (double)core->delay_ns;
	return ns < 0x1.0p62 ? (int64_t)ns : INT64_C(1) << 62;
}

bool origin_core_draw_error(struct origin_core *core)
{
	return core->error_share > 0 && origin_dice_throw(&core->_error_dice) < core->error_share;
}

static void origin_core_set_alarm(struct origin_core *core)
{
	struct origin_waiter *first = origin_waiting_first(&core->_waiting);

	timer_start(&core->_alarms, &core->_alarm, first ? first->due_ns : CLOCK_NEVER);
}

static void origin_core_on_alarm(struct timer_queue *queue, struct timer *timer)
{
	struct origin_core *core = queue->userdata;

	(void)timer;
	loop_task_again(&core->_due);
}

static void origin_core_on_due(struct loop_task *task, uint32_t events)
{
	struct origin_core *core = container_of(task, struct origin_core, _due);
	int64_t now_ns = clock_now_ns();

	(void)events;
	for (int i = 0; i < ORIGIN_DUE_BUDGET; i++) {
		struct origin_waiter *first = origin_waiting_first(&core->_waiting);

		if (!first || first->due_ns > now_ns) {
			origin_core_set_alarm(core);
			return;
		}
		origin_waiting_remove(&core->_waiting, first);
		core->on_due(core, first);
	}
	loop_task_again(task);
}

int origin_core_reserve(struct origin_core *core, size_t n_conns)
{
	return core->delay_ns > 0 ? origin_waiting_reserve(&core->_waiting, n_conns) : 0;
}

void origin_core_wait(struct origin_core *core, struct origin_waiter *waiter, int64_t due_ns)
{
	origin_waiting_add(&core->_waiting, waiter, due_ns);
	if (origin_waiting_first(&core->_waiting) == waiter)
		origin_core_set_alarm(core);
}

/* The alarm may then ring for nobody, which sets it for the next. */
void origin_core_forget(struct origin_core *core, struct origin_waiter *waiter)
{
	origin_waiting_remove(&core->_waiting, waiter);
}

static int origin_core_build_answers(
	struct origin_core *core, const struct settings_origin *settings)
{
	for (int is_error = 0; is_error < 2; is_error++) {
		unsigned status = is_error ? settings->error_status : 200;

		for (int kind = 0; kind < ORIGIN_ANSWER_COUNT; kind++) {
			int r = origin_answer_build(&core->answers[is_error][kind], status,
				(enum origin_answer_kind)kind, settings->body_bytes);

			if (r < 0)
				return r;
		}
	}
	return origin_answer_build(&core->refusal, 400, ORIGIN_ANSWER_CLOSES, 0);
}

int origin_core_init(struct origin_core *core, struct loop *loop,
	const struct settings_origin *settings, timer_expired_fn on_linger)
{
	int r;

	*core = (struct origin_core){
		.loop = loop,
		.delay_kind = settings->delay_kind,
		.delay_ns = settings->delay_ns,
		.error_share = settings->error_share,
	};
	list_init(&core->conns);
	loop_task_init(&core->_due);
	timer_init(&core->_alarm);
	timer_queue_init(&core->_alarms, loop, origin_core_on_alarm, core);
	timer_queue_init(&core->linger, loop, on_linger, core);
	origin_dice_init(&core->_delay_dice, settings->seed);
	origin_dice_init(&core->_error_dice, ~settings->seed);
	core->buffer = malloc(ORIGIN_BUFFER_SIZE);
	if (!core->buffer)
		return -ENOMEM;
	r = origin_core_build_answers(core, settings);
	if (r < 0)
		return r;
	return loop_add_task(loop, &core->_due, -1, 0, origin_core_on_due);
}

void origin_core_fini(struct origin_core *core)
{
	loop_remove_task(&core->_due);
	timer_stop(&core->_alarm);
	timer_queue_fini(&core->_alarms);
	timer_queue_fini(&core->linger);
	origin_waiting_fini(&core->_waiting);
	for (int kind = 0; kind < ORIGIN_ANSWER_COUNT; kind++) {
		origin_answer_fini(&core->answers[0][kind]);
		origin_answer_fini(&core->answers[1][kind]);
	}
	origin_answer_fini(&core->refusal);
	free(core->buffer);
	core->buffer = NULL;
}
