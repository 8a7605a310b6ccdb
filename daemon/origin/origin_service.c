/* SPDX-License-Identifier: Apache-2.0 */
/* There are two kinds of service. Normally the server is only an account of time (origin_server),
 * so that its service times are exact on any machine and cost nothing. With burn it really works:
 * the thread spins for the length of a job, in which it reads and answers nothing else, so the
 * queue is partly in the sockets. Between two jobs the loop runs a turn.
 *
 * The grid of stalls begins with the first request and not with the origin, so that a run sees the
 * same stalls whenever it is started, and any later window of whole periods contains exactly its
 * share of them.
 *
 * In a stall the thread sleeps in a separate poll, outside its loop, and only the end of the origin
 * wakes it. Work of the one server stops with it and continues after the stall; delays model waits
 * for another system and elapse meanwhile: answers that were due in the stall are sent at its
 * end. */
#include "daemon/origin/origin_service.h"

#include <poll.h>
#include <time.h>

#include "common/clock.h"
#include "daemon/origin/origin_core.h"

/* The maximum number of jobs in one turn of the loop. */
#define ORIGIN_SERVICE_BUDGET 256

static void origin_service_serve(struct origin_service *s, int64_t now_ns, int budget)
{
	for (int i = 0; i < budget; i++) {
		struct origin_job *job = origin_server_take(&s->_server, now_ns);

		if (!job) {
			timer_start(&s->_queue, &s->_timer, origin_server_due_ns(&s->_server));
			return;
		}
		s->_core->on_served(s->_core, job);
	}
	loop_task_again(&s->_task);
}

static void origin_service_burn(struct origin_service *s)
{
	struct origin_job *job = origin_server_first(&s->_server);
	int64_t begin_ns = clock_now_ns();
	int64_t now_ns = begin_ns;

	if (!job)
		return;
	while (now_ns - begin_ns < job->length_ns && !origin_core_is_stopping(s->_core))
		now_ns = clock_now_ns();
	origin_server_drop(&s->_server, job, now_ns);
	s->_core->on_served(s->_core, job);
	if (origin_server_first(&s->_server))
		loop_task_again(&s->_task);
}

static void origin_service_on_turn(struct loop_task *task, uint32_t events)
{
	struct origin_service *s = container_of(task, struct origin_service, _task);

	(void)events;
	if (s->_burns)
		origin_service_burn(s);
	else
		origin_service_serve(s, clock_now_ns(), ORIGIN_SERVICE_BUDGET);
}

static void origin_service_on_done(struct timer_queue *queue, struct timer *timer)
{
	struct origin_service *s = queue->userdata;

	(void)timer;
	origin_service_serve(s, clock_now_ns(), ORIGIN_SERVICE_BUDGET);
}

int origin_service_init(struct origin_service *s, struct origin_core *core)
{
	s->_core = core;
	s->_burns = core->settings.burn;
	origin_server_init(&s->_server);
	timer_init(&s->_timer);
	loop_task_init(&s->_task);
	timer_queue_init(&s->_queue, core->loop, origin_service_on_done, s);
	return loop_add_task(core->loop, &s->_task, -1, 0, origin_service_on_turn);
}

void origin_service_fini(struct origin_service *s)
{
	timer_stop(&s->_timer);
	timer_queue_fini(&s->_queue);
	loop_remove_task(&s->_task);
}

void origin_service_add(
	struct origin_service *s, struct origin_job *job, int64_t now_ns, int64_t length_ns)
{
	if (!origin_server_add(&s->_server, job, now_ns, length_ns))
		return;
	if (s->_burns)
		loop_task_again(&s->_task);
	else
		timer_start(&s->_queue, &s->_timer, origin_server_due_ns(&s->_server));
}

/* The timer may then expire without a job that is done, which sets it for the next. */
void origin_service_drop(struct origin_service *s, struct origin_job *job)
{
	origin_server_drop(&s->_server, job, clock_now_ns());
}

/* ---- stalls */

/* Completes the jobs that are done by now_ns. */
static void origin_service_complete_due(struct origin_service *s, int64_t now_ns)
{
	if (!s->_burns)
		origin_service_serve(s, now_ns, INT32_MAX);
}

/* The server did not work for by_ns. */
static void origin_service_shift(struct origin_service *s, int64_t by_ns)
{
	if (s->_burns)
		return;
	origin_server_shift(&s->_server, by_ns);
	timer_start(&s->_queue, &s->_timer, origin_server_due_ns(&s->_server));
}

static void origin_stall_freeze(struct origin_stall *s, int64_t until_ns)
{
	struct origin_core *core = s->_core;
	struct pollfd stop = {.fd = core->stop_fd, .events = POLLIN};
	int64_t begin_ns = clock_now_ns();
	int64_t now_ns = begin_ns;

	origin_service_complete_due(&core->service, begin_ns);
	while (now_ns < until_ns && !origin_core_is_stopping(core)) {
		struct timespec left = {
			.tv_sec = (until_ns - now_ns) / NSEC_PER_SEC,
			.tv_nsec = (until_ns - now_ns) % NSEC_PER_SEC,
		};

		(void)ppoll(&stop, 1, &left, NULL);
		now_ns = clock_now_ns();
	}
	origin_service_shift(&core->service, now_ns - begin_ns);
}

static void origin_stall_arm(struct origin_stall *s)
{
	timer_start(&s->_queue, &s->_timer,
		origin_pace_next_stall(&s->_cycle, s->_start_ns, clock_now_ns()));
}

/* If this is late, the stall is shorter; if the stall is already over, it is skipped. */
static void origin_stall_on_begin(struct timer_queue *queue, struct timer *timer)
{
	struct origin_stall *s = queue->userdata;
	int64_t until_ns = origin_pace_stalled_until(&s->_cycle, s->_start_ns, clock_now_ns());

	(void)timer;
	if (until_ns > 0)
		origin_stall_freeze(s, until_ns);
	origin_stall_arm(s);
}

void origin_stall_init(struct origin_stall *s, struct origin_core *core)
{
	s->_core = core;
	s->_cycle = core->settings.stall;
	s->_start_ns = CLOCK_NEVER;
	timer_init(&s->_timer);
	timer_queue_init(&s->_queue, core->loop, origin_stall_on_begin, s);
}

void origin_stall_fini(struct origin_stall *s)
{
	timer_stop(&s->_timer);
	timer_queue_fini(&s->_queue);
}

bool origin_stall_begin(struct origin_stall *s, int64_t now_ns)
{
	if (s->_cycle.length_ns == 0 || s->_start_ns != CLOCK_NEVER)
		return false;
	s->_start_ns = now_ns;
	origin_stall_freeze(s, now_ns + s->_cycle.length_ns);
	origin_stall_arm(s);
	return true;
}
