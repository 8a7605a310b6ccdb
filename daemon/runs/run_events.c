/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a run, recorded for its observers and its result, and the observers. Main thread.
 * The number of events that the run records by itself is limited, so that they cannot fill the
 * memory; that of steering acts is limited in run_steering.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/runs/run_private.h"

const char *const run_state_names[RUN_STATE_COUNT] = {
	[RUN_QUEUED] = "queued",
	[RUN_PREPARING] = "preparing",
	[RUN_WARMUP] = "warmup",
	[RUN_RUNNING] = "running",
	[RUN_PAUSED] = "paused",
	[RUN_DRAINING] = "draining",
	[RUN_FINISHED] = "finished",
};

void run_observer_init(struct run_observer *o)
{
	list_init(&o->_node);
}

void run_observe(struct run *run, struct run_observer *o)
{
	list_remove(&o->_node);
	list_push_back(&run->observers, &o->_node);
}

void run_unobserve(struct run_observer *o)
{
	list_remove(&o->_node);
}

int run_push_event(struct run *run, const struct run_event *event, const struct run_event **ret)
{
	if (run->n_events == run->events_room) {
		size_t room = run->events_room ? 2 * run->events_room : 8;
		struct run_event *events = reallocarray(run->events, room, sizeof(*events));

		if (!events)
			return -ENOMEM;
		run->events = events;
		run->events_room = room;
	}
	run->events[run->n_events] = *event;
	if (ret)
		*ret = &run->events[run->n_events];
	run->n_events++;
	return 0;
}

void run_add_event(struct run *run, const char *kind, const char *format, ...)
{
	struct run_event e = {.at_ns = run->times.t0_ns ? clock_now_ns() - run->times.t0_ns : 0};
	va_list args;

	if (run->n_noted == RUN_EVENTS_MAX)
		return;
	run->n_noted++;
	(void)snprintf(e.kind, sizeof(e.kind), "%s", kind);
	va_start(args, format);
	(void)vsnprintf(e.text, sizeof(e.text), format, args);
	va_end(args);
	(void)run_push_event(run, &e, NULL);
}

bool run_event_is_ahead(const struct run *run, const struct run_event *e)
{
	return run->times.t0_ns > 0 && run->state < RUN_DRAINING &&
	       e->at_ns > clock_now_ns() - run->times.t0_ns;
}

void run_note_late_acts(struct run *run)
{
	if (run->summary.late_acts > 0)
		run_add_event(run, "late",
			"steering reached workers late, %u times and by up to %.0f ms: every "
			"request is accounted for, but the schedule is not exact there",
			run->summary.late_acts, (double)run->summary.latest_act_ns / 1e6);
}

void run_note_kept_back(struct run *run)
{
	if (run->summary.kept_back > 0)
		run_add_event(run, "max-rate",
			"%" PRIu64 " requests came late or in a crowd and waited for [policy] "
			"max-rate = %" PRIu64,
			run->summary.kept_back, run->room.caps.rate);
}
