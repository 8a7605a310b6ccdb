/* SPDX-License-Identifier: Apache-2.0 */
/* A run is stopped before its plan ends by a user, by the end of the service, by the cap on its
 * time, and by a rule. The workers receive an instant from which on nothing is planned; requests in
 * progress are awaited, unless the run must end now. It is steered by users alone; what an act does
 * is in run_steering. */
#include "daemon/runs/run_orders.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/figure.h"
#include "common/plan/plan_connections.h"
#include "common/units.h"
#include "daemon/runs/run_private.h"

/* The time after the cap during which answers are still awaited. */
#define RUN_OVERTIME_NS (90 * NSEC_PER_MSEC)

/* "shop.test:443"; names are looked up before they are connected to, in one step. */
static void run_write_place(const struct plan *plan, char *text, size_t size)
{
	const char *host = plan_connect_host(plan);
	bool is_v6 = host && strchr(host, ':');

	if (host)
		(void)snprintf(text, size, "%s%.100s%s:%u", is_v6 ? "[" : "", host,
			is_v6 ? "]" : "", (unsigned)plan_connect_port(plan));
	else
		(void)snprintf(text, size, "%.110s", plan_connect_unix(plan));
}

/* Nothing has been sent: what was waited for. Else reason alone. */
static void run_write_reason(const struct run *run, const char *reason, char *text, size_t size)
{
	int64_t now_ns = clock_now_ns();
	char place[112];

	run_write_place(run->plan, place, sizeof(place));
	if (run->state == RUN_PREPARING && run->times.t0_ns > now_ns)
		(void)snprintf(text, size, "%.80s, %s before the instant of its start", reason,
			figure_time(run->times.t0_ns - now_ns).text);
	else if (run->state == RUN_PREPARING && run->times.t0_ns == 0)
		(void)snprintf(text, size, "%.64s, still connecting to %s after %s", reason, place,
			figure_time(now_ns - run->preparing_ns).text);
	else
		(void)snprintf(text, size, "%s", reason);
}

/* at_ns: nothing is planned from then on; now: and nothing is awaited. */
static void run_stop_at(
	struct run *run, enum audit_outcome outcome, bool now, int64_t at_ns, const char *reason)
{
	if (run->state == RUN_FINISHED)
		return;
	/* With now, during the drain: the wait for requests in progress ends. */
	if (run->outcome == AUDIT_COMPLETED && (run->state != RUN_DRAINING || now)) {
		run->outcome = outcome;
		run_write_reason(run, reason, run->reason, sizeof(run->reason));
	}
	run_add_event(run,
		outcome == AUDIT_ABORTED ? "abort"
		: now			 ? "stop-now"
					 : "stop",
		"%s", reason);
	if (run->n_started == 0) {
		run_end(run); /* still resolving, or not started */
		return;
	}
	if (now || run->times.t0_ns == 0) {
		if (run->times.t0_ns > 0 && run->stopped_at_ns == 0)
			run->stopped_at_ns = clock_now_ns();
		for (unsigned w = 0; w < run->n_started; w++)
			worker_abort(run->workers[w]);
	} else if (run->stopped_at_ns == 0 && run->state != RUN_DRAINING) {
		run->stopped_at_ns = at_ns;
		for (unsigned w = 0; w < run->n_started; w++)
			worker_stop(run->workers[w], at_ns);
		run_mark_state(run);
	}
	if (run->stopped_at_ns > 0 && run->stopped_at_ns < run->times.window_end_ns)
		run->times.window_end_ns = run->stopped_at_ns;
	/* If a pause before the window is not ended, there is no window, whatever the clock
	 * shows. */
	if (run->stopped_at_ns > 0 &&
		run_steering_paused_since(&run->steering) < run->times.window_start_ns)
		run->times.window_end_ns = run->times.window_start_ns;
}

void run_stop(struct run *run, bool now, const char *reason)
{
	run_stop_at(run, AUDIT_STOPPED, now, clock_now_ns() + RUN_LEAD_NS, reason);
}

void run_abort(struct run *run, const char *reason)
{
	run_stop_at(run, AUDIT_ABORTED, false, clock_now_ns() + RUN_LEAD_NS, reason);
}

/* ---------------------------------------------------------------- steering */

static int run_may_be_steered(const struct run *run, struct err *reterr)
{
	const char *why = NULL;

	if (run->state == RUN_FINISHED)
		why = "has finished";
	else if (run->stopped_at_ns > 0 || run->state == RUN_DRAINING ||
		 run->outcome != AUDIT_COMPLETED)
		why = "is ending";
	else if (run->state == RUN_QUEUED || run->state == RUN_PREPARING)
		why = "has not begun yet";
	if (!why)
		return 0;
	err_set(reterr, "%s %s", run->id, why);
	return RUN_E_REFUSED;
}

/* A worker that did not receive the newest schedule would use another one than the others. */
static int run_tell_workers(struct run *run, int64_t at_ns)
{
	int r = 0;

	for (unsigned w = 0; w < run->n_started && r == 0; w++)
		r = worker_steer(run->workers[w], run_schedule(run), at_ns);
	if (r < 0)
		run_stop(run, true, "no memory to steer it");
	return r;
}

int run_steer(struct run *run, const struct run_order *order, const struct run_event **ret,
	struct err *reterr)
{
	struct run_event e;
	int r = run_may_be_steered(run, reterr);

	if (r == 0)
		r = run_steering_act(&run->steering, order, &e, reterr);
	if (r != 0)
		return r;
	r = run_tell_workers(run, run->times.t0_ns + e.at_ns);
	if (r == 0)
		r = run_push_event(run, &e, ret);
	run_mark_state(run);
	return r;
}

/* ---------------------------------------------------------------- the cap on its time */

void run_limit_from(struct run *run, int64_t from_ns)
{
	if (run->room.caps.duration_ns == 0)
		return;
	run->limit_ns = from_ns + run->room.caps.duration_ns;
	timer_start(&run->marks, &run->limit_mark, run->limit_ns - RUN_LEAD_NS);
}

/* The end of planning, as far as it is known now. */
static int64_t run_plans_until(const struct run *run)
{
	if (run->stopped_at_ns > 0)
		return run->stopped_at_ns;
	return run_steering_paused_since(&run->steering) != CLOCK_NEVER ? CLOCK_NEVER
									: run->times.end_ns;
}

void run_on_limit(struct run *run)
{
	bool is_in_time = run_plans_until(run) <= run->limit_ns;
	bool is_over = clock_now_ns() >= run->limit_ns + (is_in_time ? RUN_OVERTIME_NS : 0);
	char cap[UNITS_TEXT_MAX];
	char reason[96];

	units_format_time(run->room.caps.duration_ns, cap, sizeof(cap));
	(void)snprintf(reason, sizeof(reason), "[policy] max-duration = %s is over", cap);
	if (is_over || run->times.t0_ns == 0) {
		run_stop(run, true, reason);
		return;
	}
	if (!is_in_time)
		run_stop_at(run, AUDIT_STOPPED, false, run->limit_ns, reason);
	if (run->state != RUN_FINISHED)
		timer_start(&run->marks, &run->limit_mark, run->limit_ns + RUN_OVERTIME_NS);
}
