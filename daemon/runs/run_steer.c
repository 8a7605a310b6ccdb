/* SPDX-License-Identifier: Apache-2.0 */
/* Steering of a run in progress: another rate, a pause, its end, the next stage. Main thread.
 *
 * An act takes effect at an instant in the future, so that every worker has received it by then: if
 * an interval's border is near, at that border, so that no interval has two rates. Acts take effect
 * in the order of their instants, each based on the one before, even if that is still in the
 * future.
 *
 * In the open model an act makes another schedule, the same up to its instant; the old one is kept
 * until no worker uses it any more. In the closed model there are users, without a rate or stages:
 * they can only be paused.
 *
 * During a pause, the ends of the window and of the run are those that would result if the pause
 * ended now; run_paused_ns tells how much of the window was paused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/run_private.h"

/* A limit for scripts that steer without end: each act makes the schedule longer. */
#define RUN_ACTS_MAX 1000
/* The maximum number of future acts; workers can keep USERS_TOGGLES_MAX. */
#define RUN_ACTS_AHEAD_MAX 16
/* The maximum distance of an interval's border that an act waits for. */
#define RUN_BORDER_NS NSEC_PER_SEC

/* A schedule that workers use or have used. */
struct run_schedule {
	struct list node; /* in the order of acts */
	struct schedule *schedule;
	unsigned n_heard; /* number of workers that use it, or a newer one */
};

static int run_refuse(struct err *reterr, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int run_refuse(struct err *reterr, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(reterr, "%s", text);
	return RUN_E_REFUSED;
}

/* ---------------------------------------------------------------- the run's own time */

bool run_is_paused_at(const struct run *run, int64_t now_ns)
{
	return run->is_paused ? now_ns >= run->pause_ns : now_ns < run->resume_ns;
}

int64_t run_paused_ns(const struct run *run)
{
	int64_t until_ns = run->is_paused ? CLOCK_NEVER : run->resume_ns;

	if (run->pause_ns == 0 || run->pause_ns < run->window_start_ns)
		return run->paused_before_ns;
	if (until_ns > run->window_end_ns)
		until_ns = run->window_end_ns;
	return run->paused_before_ns + (until_ns > run->pause_ns ? until_ns - run->pause_ns : 0);
}

void run_place_window(struct run *run)
{
	const struct plan *plan = run->plan;
	const struct schedule *s = run->schedule;

	if (s) {
		run->window_start_ns = run->t0_ns + schedule_segment_start(s, SCHEDULE_WINDOW);
		run->window_end_ns = run->t0_ns + schedule_segment_end(s, SCHEDULE_WINDOW);
		run->end_ns = run->t0_ns + schedule_segment_end(s, SCHEDULE_COOLDOWN);
		return;
	}
	run->window_start_ns = run->t0_ns + plan->warmup_ns;
	if (plan->duration_ns == CLOCK_NEVER)
		return;
	run->window_end_ns = run->window_start_ns + plan->duration_ns;
	run->end_ns = run->window_end_ns + plan->cooldown_ns;
}

/* Moves the window of the closed model, after a pause. */
static void run_shift_window(struct run *run, int64_t by_ns)
{
	if (run->pause_ns < run->window_start_ns)
		run->window_start_ns += by_ns;
	if (run->end_ns == CLOCK_NEVER)
		return;
	if (run->pause_ns < run->window_end_ns)
		run->window_end_ns += by_ns;
	run->end_ns += by_ns;
}

/* ---------------------------------------------------------------- schedules */

void run_on_steered(struct worker *w, const struct schedule *schedule)
{
	struct run *run = worker_owner(w);

	list_for_each (it, &run->schedules) {
		struct run_schedule *s = container_of(it, struct run_schedule, node);

		if (s->schedule == schedule && ++s->n_heard < run->n_started)
			return;
		if (s->schedule == schedule)
			break;
	}
	/* All workers use it: those before it are not used any more. */
	while (!list_empty(&run->schedules)) {
		struct run_schedule *s =
			container_of(run->schedules.next, struct run_schedule, node);

		if (s->schedule == schedule)
			break;
		list_remove(&s->node);
		schedule_free(s->schedule);
		free(s);
	}
}

void run_free_schedules(struct run *run)
{
	list_for_each_safe (it, &run->schedules) {
		struct run_schedule *s = container_of(it, struct run_schedule, node);

		list_remove(it);
		schedule_free(s->schedule);
		free(s);
	}
	run->schedule = NULL;
}

static int run_take_schedule(struct run *run, struct schedule *schedule)
{
	struct run_schedule *s = calloc(1, sizeof(*s));

	if (!s) {
		schedule_free(schedule);
		return -ENOMEM;
	}
	s->schedule = schedule;
	list_init(&s->node);
	list_push_back(&run->schedules, &s->node);
	run->schedule = schedule;
	return 0;
}

int run_make_schedule(struct run *run)
{
	struct schedule *schedule;
	int r = schedule_new(run->plan, &schedule);

	return r < 0 ? r : run_take_schedule(run, schedule);
}

/* ---------------------------------------------------------------- may it, and when */

static int run_may_be_steered(const struct run *run, enum run_act act, struct err *reterr)
{
	if (run->state == RUN_FINISHED)
		return run_refuse(reterr, "%s has finished", run->id);
	if (run->stopped_at_ns > 0 || run->state == RUN_DRAINING || run->outcome != AUDIT_COMPLETED)
		return run_refuse(reterr, "%s is ending", run->id);
	if (run->state == RUN_QUEUED || run->state == RUN_PREPARING)
		return run_refuse(reterr, "%s has not begun yet", run->id);
	/* The hosts of the other slices would continue with the schedule that this one leaves. */
	if (run->plan->slice_of > 1)
		return run_refuse(
			reterr, "%s is a slice of a schedule: it cannot be steered", run->id);
	if (!run->schedule && act == RUN_SET_RATE)
		return run_refuse(reterr,
			"a closed run has no rate: its users send as soon as they are answered");
	if (!run->schedule && act == RUN_NEXT)
		return run_refuse(reterr, "a closed run has no stages");
	if (act == RUN_PAUSE && run->is_paused)
		return run_refuse(reterr, "%s is %s already; resume sends again", run->id,
			run->acted_ns > clock_now_ns() ? "pausing" : "paused");
	if (act == RUN_RESUME && !run->is_paused)
		return run_refuse(reterr, "%s is not paused", run->id);
	if (act == RUN_NEXT && run->is_paused)
		return run_refuse(reterr, "%s is paused: resume it first", run->id);
	if (run->n_acts == RUN_ACTS_MAX)
		return run_refuse(reterr,
			"%s has been steered %d times, which is the limit of a run: let it end, or "
			"stop it",
			run->id, RUN_ACTS_MAX);
	if (run->n_acts_ahead >= RUN_ACTS_AHEAD_MAX && run->acted_ns > clock_now_ns())
		return run_refuse(reterr, "too many changes at once: try again in a second");
	return 0;
}

/* CLOCK_NEVER: it would be after the run's end. */
static int64_t run_act_instant(const struct run *run)
{
	int64_t now_ns = clock_now_ns();
	int64_t end_ns = run->is_paused ? CLOCK_NEVER : run->end_ns;
	int64_t interval_ns = run->plan->interval_ns;
	int64_t at_ns = now_ns + RUN_LEAD_NS;
	int64_t beyond_ns, border_ns;

	if (at_ns < run->acted_ns)
		at_ns = run->acted_ns;
	if (at_ns < run->t0_ns)
		at_ns = run->t0_ns;
	beyond_ns = (at_ns - run->window_start_ns) % interval_ns;
	border_ns = at_ns - beyond_ns + (beyond_ns > 0 ? interval_ns : 0);
	if (border_ns <= now_ns + RUN_BORDER_NS && border_ns < end_ns)
		return border_ns;
	return at_ns < end_ns ? at_ns : CLOCK_NEVER;
}

/* ---------------------------------------------------------------- the acts */

/* The rate to be set; ret_from: the previous one, num 0 if nothing is sent. */
static int run_find_rate(const struct run *run, const struct run_order *order, int64_t at_ns,
	struct rate *ret_from, struct rate *ret, struct err *reterr)
{
	struct rate from = schedule_rate_at(run->schedule, at_ns - run->t0_ns);
	struct rate to = order->rate;
	char text[UNITS_TEXT_MAX];

	/* Written with three decimals: repeated scaling would soon need too many. */
	(void)snprintf(text, sizeof(text), "%.3f", rate_per_s(from));
	if (units_parse_rate(text, &from))
		from = (struct rate){0, 1};
	if (order->is_scale && from.num == 0)
		return run_refuse(reterr, "nothing is sent now, so there is no rate to change by a "
					  "part: resume first, "
					  "or give a rate in numbers");
	if (order->is_scale) {
		(void)snprintf(
			text, sizeof(text), "%.3f", rate_per_s(from) * rate_per_s(order->rate));
		if (units_parse_rate(text, &to))
			return run_refuse(reterr, "%s/s is not a rate: 10,000,000/s at most", text);
	}
	units_format_rate(to, text, sizeof(text));
	if (to.num == 0)
		return run_refuse(
			reterr, "%s is not a rate to continue with; use pause to wait", text);
	if (caps_check_rate(&run->room.caps, rate_per_s(to), reterr) != 0)
		return RUN_E_REFUSED;
	*ret_from = from;
	*ret = to;
	return 0;
}

static int run_change_schedule(struct run *run, const struct run_order *order, struct rate rate,
	int64_t at_ns, struct err *reterr)
{
	static const enum schedule_act acts[] = {
		[RUN_SET_RATE] = SCHEDULE_SET_RATE,
		[RUN_PAUSE] = SCHEDULE_PAUSE,
		[RUN_RESUME] = SCHEDULE_RESUME,
		[RUN_NEXT] = SCHEDULE_NEXT,
	};
	struct schedule *s;
	int r = schedule_steer(run->schedule, acts[order->act], rate, at_ns - run->t0_ns, &s);

	if (r == -EINVAL)
		return run_refuse(reterr, "%s is at its end", run->id);
	if (r == -ERANGE)
		return run_refuse(reterr, "this rate does not go together with those of the plan: "
					  "give one with fewer digits");
	return r < 0 ? r : run_take_schedule(run, s);
}

/* Updates the run's record of pauses. */
static void run_note_pause(struct run *run, enum run_act act, int64_t at_ns)
{
	if (act == RUN_PAUSE) {
		run->paused_before_ns = run_paused_ns(run);
		run->is_paused = true;
		run->pause_ns = at_ns;
	} else if (act == RUN_RESUME) {
		run->is_paused = false;
		run->resume_ns = at_ns;
		if (!run->schedule)
			run_shift_window(run, at_ns - run->pause_ns);
	}
	/* During a pause the schedule has no instants for the ends. */
	if (run->schedule && !run->is_paused)
		run_place_window(run);
}

static const char *run_stage_text(const struct run *run, int64_t at_ns)
{
	size_t stage = schedule_stage_at(run->schedule, at_ns - run->t0_ns);

	if (stage < run->plan->n_stages)
		return run->plan->stage_texts[stage];
	if (at_ns >= run->end_ns)
		return "the end";
	return at_ns < run->window_start_ns ? "warm-up" : "cooldown";
}

static void run_describe_act(struct run_event *e, enum run_act act, const char *user)
{
	static const char *const kinds[] = {[RUN_SET_RATE] = "rate",
		[RUN_PAUSE] = "pause",
		[RUN_RESUME] = "resume",
		[RUN_NEXT] = "next"};

	(void)snprintf(e->kind, sizeof(e->kind), "%s", kinds[act]);
	(void)snprintf(e->user, sizeof(e->user), "%s", user);
	if (act == RUN_PAUSE || act == RUN_RESUME)
		(void)snprintf(e->text, sizeof(e->text), "%.60s: %s", user, kinds[act]);
	else
		(void)snprintf(e->text, sizeof(e->text), "%.60s: %s %.60s -> %.60s", user,
			act == RUN_NEXT ? "next stage," : "rate", e->from, e->to);
}

/* Sends run->schedule to all workers. A worker that did not receive it would use another schedule
 * than the others. */
static int run_tell_workers(struct run *run, int64_t at_ns)
{
	int r = 0;

	for (unsigned w = 0; w < run->n_started && r == 0; w++)
		r = worker_steer(run->workers[w], run->schedule, at_ns);
	if (r < 0)
		run_stop(run, true, "no memory to steer it");
	return r;
}

int run_steer(struct run *run, const struct run_order *order, const struct run_event **ret,
	struct err *reterr)
{
	struct run_event e = {0};
	struct rate from = {0, 1}, to = {0, 1};
	int64_t at_ns = run_act_instant(run);
	int r = run_may_be_steered(run, order->act, reterr);

	if (r == 0 && at_ns == CLOCK_NEVER)
		r = run_refuse(reterr, "%s is at its end", run->id);
	if (r == 0 && order->act == RUN_SET_RATE)
		r = run_find_rate(run, order, at_ns, &from, &to, reterr);
	if (r != 0)
		return r;
	if (order->act == RUN_SET_RATE) {
		units_format_rate(from, e.from, sizeof(e.from));
		units_format_rate(to, e.to, sizeof(e.to));
	} else if (order->act == RUN_NEXT) {
		(void)snprintf(e.from, sizeof(e.from), "%s", run_stage_text(run, at_ns));
	} else {
		(void)snprintf(e.from, sizeof(e.from), "%s",
			order->act == RUN_PAUSE ? "running" : "paused");
		(void)snprintf(
			e.to, sizeof(e.to), "%s", order->act == RUN_PAUSE ? "paused" : "running");
	}
	if (run->schedule)
		r = run_change_schedule(run, order, to, at_ns, reterr);
	if (r != 0)
		return r;
	run_note_pause(run, order->act, at_ns);
	if (order->act == RUN_NEXT)
		(void)snprintf(e.to, sizeof(e.to), "%s", run_stage_text(run, at_ns));
	run->n_acts++;
	run->n_acts_ahead = run->acted_ns > clock_now_ns() ? run->n_acts_ahead + 1 : 1;
	run->acted_ns = at_ns;
	e.at_ns = at_ns - run->t0_ns;
	run_describe_act(&e, order->act, order->user);
	r = run_tell_workers(run, at_ns);
	if (r == 0)
		r = run_push_event(run, &e, ret);
	run_mark_state(run);
	return r;
}
