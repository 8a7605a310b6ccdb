/* SPDX-License-Identifier: Apache-2.0 */
/* The grid begins with the first request and not with the origin, so that a run sees the same
 * stalls whenever it is started, and any later window of whole periods contains exactly its share
 * of them.
 *
 * The thread sleeps in a separate poll, outside its loop, and only the end of the origin wakes it.
 * Work of the one server (service) stops with it and continues after the stall; delays model waits
 * for another system and elapse meanwhile: answers that were due in the stall are sent at its
 * end. */
#include "daemon/origin/origin_stall.h"

#include <poll.h>
#include <time.h>

#include "common/clock.h"
#include "daemon/origin/origin_core.h"
#include "daemon/origin/origin_pace.h"

static void origin_stall_freeze(struct origin_stall *s, int64_t until_ns)
{
	struct origin_core *core = s->_core;
	struct pollfd stop = {.fd = core->stop_fd, .events = POLLIN};
	int64_t begin_ns = clock_now_ns();
	int64_t now_ns = begin_ns;

	origin_service_settle(&core->service, begin_ns);
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
