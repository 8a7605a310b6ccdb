/* SPDX-License-Identifier: Apache-2.0 */
/* The waits of all connections use one timer, set to the first of the heap. When it expires, a
 * separate task serves the waiters that are due, some in each turn: with thousands due at one
 * instant the loop still accepts and reads in between. */
#include "daemon/origin/origin_core.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"

#define ORIGIN_DUE_BUDGET 256

struct origin_fate origin_core_draw(struct origin_core *core)
{
	const struct settings_origin *s = &core->settings;
	struct origin_fate fate = {
		.hangs = origin_dice_hits(&core->_hang_dice, s->hang_share),
		.is_error = origin_dice_hits(&core->_error_dice, s->error_share),
		.service_ns = origin_dice_delay(&core->_service_dice, &s->service),
	};

	if (fate.is_error && s->error_has_delay)
		fate.delay_ns = origin_dice_delay(&core->_delay_dice, &s->error_delay);
	else
		fate.delay_ns = origin_dice_mixture(&core->_delay_dice, &s->delay);
	return fate;
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

/* If all answers are immediate no connection waits. */
static bool origin_core_waits(const struct settings_origin *s)
{
	return s->delay.n > 1 || (s->delay.n == 1 && s->delay.parts[0].delay.ns > 0) ||
	       (s->error_has_delay && s->error_delay.ns > 0) || s->drip_pieces > 0 ||
	       s->read_bytes > 0;
}

int origin_core_reserve(struct origin_core *core, size_t n_conns)
{
	if (!origin_core_waits(&core->settings))
		return 0;
	return origin_waiting_reserve(&core->_waiting, n_conns);
}

void origin_core_wait(struct origin_core *core, struct origin_waiter *waiter, int64_t due_ns)
{
	origin_waiting_add(&core->_waiting, waiter, due_ns);
	if (origin_waiting_first(&core->_waiting) == waiter)
		origin_core_set_alarm(core);
}

/* The alarm may then expire without a waiter that is due, which sets it for the next. */
void origin_core_forget(struct origin_core *core, struct origin_waiter *waiter)
{
	origin_waiting_remove(&core->_waiting, waiter);
}

static int origin_core_build_answers(struct origin_core *core)
{
	const struct settings_origin *s = &core->settings;

	for (int is_error = 0; is_error < 2; is_error++) {
		unsigned status = is_error ? s->error_status : 200;

		for (int kind = 0; kind < ORIGIN_ANSWER_COUNT; kind++) {
			int r = origin_answer_build(&core->answers[is_error][kind], status,
				(enum origin_answer_kind)kind, s->body_bytes);

			if (r < 0)
				return r;
		}
	}
	if (origin_answer_build(&core->go_on, 100, ORIGIN_ANSWER_STAYS, 0) < 0)
		return -ENOMEM;
	return origin_answer_build(&core->refusal, 400, ORIGIN_ANSWER_CLOSES, 0);
}

static void origin_core_init_dice(struct origin_core *core)
{
	uint64_t seed = core->settings.seed;

	origin_dice_init(&core->_delay_dice, seed);
	origin_dice_init(&core->_error_dice, ~seed);
	origin_dice_init(&core->_hang_dice, seed ^ UINT64_C(0x68616e67)); /* "hang" */
	origin_dice_init(&core->_service_dice, seed ^ UINT64_C(0x73657276));
}

/* Initialises the parts that _fini frees even when the rest fails. */
static void origin_core_init_loop(struct origin_core *core, struct loop *loop,
	timer_expired_fn on_linger, timer_expired_fn on_idle)
{
	core->loop = loop;
	list_init(&core->conns);
	loop_task_init(&core->_due);
	timer_init(&core->_alarm);
	timer_queue_init(&core->_alarms, loop, origin_core_on_alarm, core);
	timer_queue_init(&core->linger, loop, on_linger, core);
	timer_queue_init(&core->idle, loop, on_idle, core);
	origin_stall_init(&core->stall, core);
}

int origin_core_init(struct origin_core *core, struct loop *loop,
	const struct settings_origin *settings, timer_expired_fn on_linger,
	timer_expired_fn on_idle)
{
	int r;

	*core = (struct origin_core){.settings = *settings, .stop_fd = -1};
	core->settings.name = core->settings.listen = core->settings.gaps = NULL;
	origin_core_init_loop(core, loop, on_linger, on_idle);
	origin_core_init_dice(core);
	r = origin_service_init(&core->service, core);
	if (r < 0)
		return r;
	core->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (core->stop_fd == -1)
		return -errno;
	core->buffer = malloc(ORIGIN_BUFFER_SIZE);
	if (!core->buffer)
		return -ENOMEM;
	r = origin_tally_init(&core->tally);
	if (r == 0)
		r = origin_core_build_answers(core);
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
	timer_queue_fini(&core->idle);
	origin_stall_fini(&core->stall);
	origin_service_fini(&core->service);
	origin_waiting_fini(&core->_waiting);
	for (int kind = 0; kind < ORIGIN_ANSWER_COUNT; kind++) {
		origin_answer_fini(&core->answers[0][kind]);
		origin_answer_fini(&core->answers[1][kind]);
	}
	origin_answer_fini(&core->refusal);
	origin_answer_fini(&core->go_on);
	origin_tally_fini(&core->tally);
	if (core->stop_fd >= 0)
		(void)close(core->stop_fd);
	core->stop_fd = -1;
	free(core->buffer);
	core->buffer = NULL;
}

void origin_core_stop(struct origin_core *core)
{
	atomic_store_explicit(&core->_stopping, true, memory_order_relaxed);
	(void)eventfd_write(core->stop_fd, 1);
}
