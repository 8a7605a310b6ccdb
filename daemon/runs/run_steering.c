/* SPDX-License-Identifier: Apache-2.0 */
/* An act takes effect at an instant in the future, so that every worker has received it by then: if
 * an interval's border is near, at that border, so that no interval has two rates. Acts take effect
 * in the order of their instants, each based on the one before, even if that is still in the
 * future.
 *
 * In the open model an act makes another schedule, the same up to its instant; the old one is kept
 * until no worker uses it any more. In the closed model there are users, without a rate or stages:
 * they can only be paused.
 *
 * During a pause, the ends of the window and of the run are those that would result if the pause
 * ended now; run_steering_paused_ns tells how much of the window was paused. */
#include "daemon/runs/run_steering.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "daemon/runs/caps.h"
#include "daemon/runs/run.h"

/* A limit for scripts that steer without end: each act makes the schedule longer. */
#define RUN_ACTS_MAX 1000
/* The maximum number of future acts; workers can keep USERS_TOGGLES_MAX. */
#define RUN_ACTS_AHEAD_MAX 16
/* The maximum distance of an interval's border that an act waits for. */
#define RUN_BORDER_NS NSEC_PER_SEC

/* What a run was before it is resumed, or before a rate that waits for that. */
#define RUN_PAUSED_WORD "paused"

/* A schedule that workers use or have used. */
struct run_schedule {
	struct list node; /* in the order of acts */
	struct schedule *schedule;
	unsigned n_heard; /* number of workers that use it, or a newer one */
};

static int run_steering_refuse(struct err *reterr, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int run_steering_refuse(struct err *reterr, const char *format, ...)
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

bool run_steering_is_paused_at(const struct run_steering *s, int64_t now_ns)
{
	return s->_is_paused ? now_ns >= s->_pause_ns : now_ns < s->_resume_ns;
}

int64_t run_steering_next_change(const struct run_steering *s, int64_t now_ns)
{
	int64_t next_ns = s->_pause_ns > now_ns ? s->_pause_ns : CLOCK_NEVER;

	return s->_resume_ns > now_ns && s->_resume_ns < next_ns ? s->_resume_ns : next_ns;
}

int64_t run_steering_paused_ns(const struct run_steering *s)
{
	int64_t until_ns = s->_is_paused ? CLOCK_NEVER : s->_resume_ns;

	if (s->_pause_ns == 0 || s->_pause_ns < s->_times->window_start_ns)
		return s->_paused_before_ns;
	if (until_ns > s->_times->window_end_ns)
		until_ns = s->_times->window_end_ns;
	return s->_paused_before_ns + (until_ns > s->_pause_ns ? until_ns - s->_pause_ns : 0);
}

void run_steering_place_window(struct run_steering *s)
{
	const struct plan *plan = s->_plan;
	const struct schedule *schedule = s->_newest;
	struct run_times *t = s->_times;

	if (schedule) {
		t->window_start_ns = t->t0_ns + schedule_segment_start(schedule, SCHEDULE_WINDOW);
		t->window_end_ns = t->t0_ns + schedule_segment_end(schedule, SCHEDULE_WINDOW);
		t->end_ns = t->t0_ns + schedule_segment_end(schedule, SCHEDULE_COOLDOWN);
		return;
	}
	t->window_start_ns = t->t0_ns + plan->warmup_ns;
	if (plan->duration_ns == CLOCK_NEVER)
		return;
	t->window_end_ns = t->window_start_ns + plan->duration_ns;
	t->end_ns = t->window_end_ns + plan->cooldown_ns;
}

/* Moves the window of the closed model, after a pause. */
static void run_steering_shift_window(struct run_steering *s, int64_t by_ns)
{
	if (s->_pause_ns < s->_times->window_start_ns)
		s->_times->window_start_ns += by_ns;
	if (s->_times->end_ns == CLOCK_NEVER)
		return;
	if (s->_pause_ns < s->_times->window_end_ns)
		s->_times->window_end_ns += by_ns;
	s->_times->end_ns += by_ns;
}

/* ---------------------------------------------------------------- schedules */

void run_steering_heard(struct run_steering *s, const struct schedule *schedule, unsigned n)
{
	list_for_each (it, &s->_schedules) {
		struct run_schedule *known = container_of(it, struct run_schedule, node);

		if (known->schedule == schedule && ++known->n_heard < n)
			return;
		if (known->schedule == schedule)
			break;
	}
	/* All workers use it: those before it are not used any more. */
	while (!list_empty(&s->_schedules)) {
		struct run_schedule *known =
			container_of(s->_schedules.next, struct run_schedule, node);

		if (known->schedule == schedule)
			break;
		list_remove(&known->node);
		schedule_free(known->schedule);
		free(known);
	}
}

static int run_steering_use(struct run_steering *s, struct schedule *schedule)
{
	struct run_schedule *known = calloc(1, sizeof(*known));

	if (!known) {
		schedule_free(schedule);
		return -ENOMEM;
	}
	known->schedule = schedule;
	list_init(&known->node);
	list_push_back(&s->_schedules, &known->node);
	s->_newest = schedule;
	return 0;
}

void run_steering_init(struct run_steering *s, const char *id, const struct plan *plan,
	const struct caps *caps, struct run_times *times)
{
	*s = (struct run_steering){._id = id, ._plan = plan, ._caps = caps, ._times = times};
	list_init(&s->_schedules);
}

int run_steering_make_schedule(struct run_steering *s)
{
	struct schedule *schedule;
	int r;

	if (s->_plan->model != PLAN_OPEN)
		return 0;
	r = schedule_new(s->_plan, &schedule);
	return r < 0 ? r : run_steering_use(s, schedule);
}

void run_steering_fini(struct run_steering *s)
{
	list_for_each_safe (it, &s->_schedules) {
		struct run_schedule *known = container_of(it, struct run_schedule, node);

		list_remove(it);
		schedule_free(known->schedule);
		free(known);
	}
	s->_newest = NULL;
}

/* ---------------------------------------------------------------- may it, and when */

static int run_steering_check(const struct run_steering *s, enum run_act act, struct err *reterr)
{
	/* The hosts of the other slices would continue with the schedule that this one leaves. */
	if (s->_plan->slice_of > 1)
		return run_steering_refuse(
			reterr, "%s is a slice of a schedule: it cannot be steered", s->_id);
	if (!s->_newest && act == RUN_SET_RATE)
		return run_steering_refuse(reterr,
			"a closed run has no rate: its users send as soon as they are answered");
	if (!s->_newest && act == RUN_NEXT)
		return run_steering_refuse(reterr, "a closed run has no stages");
	if (act == RUN_PAUSE && s->_is_paused)
		return run_steering_refuse(reterr, "%s is %s already; resume sends again", s->_id,
			s->_acted_ns > clock_now_ns() ? "pausing" : "paused");
	if (act == RUN_RESUME && !s->_is_paused)
		return run_steering_refuse(reterr, "%s is not paused", s->_id);
	if (act == RUN_NEXT && s->_is_paused)
		return run_steering_refuse(reterr, "%s is paused: resume it first", s->_id);
	if (s->_n_acts == RUN_ACTS_MAX)
		return run_steering_refuse(reterr,
			"%s has been steered %d times, which is the limit of a run: let it end, or "
			"stop it",
			s->_id, RUN_ACTS_MAX);
	if (s->_n_acts_ahead >= RUN_ACTS_AHEAD_MAX && s->_acted_ns > clock_now_ns())
		return run_steering_refuse(
			reterr, "too many changes at once: try again in a second");
	return 0;
}

/* CLOCK_NEVER: it would be after the run's end. */
static int64_t run_steering_instant(const struct run_steering *s)
{
	int64_t now_ns = clock_now_ns();
	int64_t end_ns = s->_is_paused ? CLOCK_NEVER : s->_times->end_ns;
	int64_t interval_ns = s->_plan->interval_ns;
	int64_t at_ns = now_ns + RUN_LEAD_NS;
	int64_t beyond_ns, border_ns;

	if (at_ns < s->_acted_ns)
		at_ns = s->_acted_ns;
	if (at_ns < s->_times->t0_ns)
		at_ns = s->_times->t0_ns;
	beyond_ns = (at_ns - s->_times->window_start_ns) % interval_ns;
	border_ns = at_ns - beyond_ns + (beyond_ns > 0 ? interval_ns : 0);
	if (border_ns <= now_ns + RUN_BORDER_NS && border_ns < end_ns)
		return border_ns;
	return at_ns < end_ns ? at_ns : CLOCK_NEVER;
}

/* ---------------------------------------------------------------- the acts */

/* The rate to be set; ret_from: the previous one, num 0 if nothing is sent. */
static int run_steering_find_rate(const struct run_steering *s, const struct run_order *order,
	int64_t at_ns, struct rate *ret_from, struct rate *ret, struct err *reterr)
{
	struct rate from = schedule_rate_at(s->_newest, at_ns - s->_times->t0_ns);
	struct rate to = order->rate;
	char text[UNITS_TEXT_MAX];

	/* Written with three decimals: repeated scaling would soon need too many. */
	(void)snprintf(text, sizeof(text), "%.3f", rate_per_s(from));
	if (units_parse_rate(text, &from))
		from = (struct rate){0, 1};
	if (order->is_scale && from.num == 0)
		return run_steering_refuse(reterr,
			"nothing is sent now, so there is no rate to change by a part: resume "
			"first, or give a rate in numbers");
	if (order->is_scale) {
		(void)snprintf(
			text, sizeof(text), "%.3f", rate_per_s(from) * rate_per_s(order->rate));
		if (units_parse_rate(text, &to))
			return run_steering_refuse(
				reterr, "%s/s is out of range: 1/h..10M/s", text);
	}
	units_format_rate(to, text, sizeof(text));
	if (to.num == 0)
		return run_steering_refuse(
			reterr, "%s is not a rate to continue with; use pause to wait", text);
	if (caps_check_rate(s->_caps, rate_per_s(to), reterr) != 0)
		return RUN_E_REFUSED;
	*ret_from = from;
	*ret = to;
	return 0;
}

static int run_steering_change_schedule(struct run_steering *s, const struct run_order *order,
	struct rate rate, int64_t at_ns, struct err *reterr)
{
	static const enum schedule_act acts[] = {
		[RUN_SET_RATE] = SCHEDULE_SET_RATE,
		[RUN_PAUSE] = SCHEDULE_PAUSE,
		[RUN_RESUME] = SCHEDULE_RESUME,
		[RUN_NEXT] = SCHEDULE_NEXT,
	};
	struct schedule *schedule;
	int r = schedule_steer(
		s->_newest, acts[order->act], rate, at_ns - s->_times->t0_ns, &schedule);

	if (r == -EINVAL)
		return run_steering_refuse(reterr, "%s is at its end", s->_id);
	if (r == -ERANGE)
		return run_steering_refuse(reterr,
			"this rate does not go together with those of the plan: "
			"give one with fewer digits");
	return r < 0 ? r : run_steering_use(s, schedule);
}

/* Updates the run's record of pauses. */
static void run_steering_record_pause(struct run_steering *s, enum run_act act, int64_t at_ns)
{
	if (act == RUN_PAUSE) {
		s->_paused_before_ns = run_steering_paused_ns(s);
		s->_is_paused = true;
		s->_pause_ns = at_ns;
	} else if (act == RUN_RESUME) {
		s->_is_paused = false;
		s->_resume_ns = at_ns;
		if (!s->_newest)
			run_steering_shift_window(s, at_ns - s->_pause_ns);
	}
	/* During a pause the schedule has no instants for the ends. */
	if (s->_newest && !s->_is_paused)
		run_steering_place_window(s);
}

static const char *run_steering_stage_text(const struct run_steering *s, int64_t at_ns)
{
	size_t stage = schedule_stage_at(s->_newest, at_ns - s->_times->t0_ns);

	if (stage < s->_plan->n_stages)
		return s->_plan->stage_texts[stage];
	if (at_ns >= s->_times->end_ns)
		return "the end";
	return at_ns < s->_times->window_start_ns ? "warm-up" : "cooldown";
}

static void run_steering_describe(struct run_event *e, enum run_act act, const char *user)
{
	static const char *const kinds[] = {[RUN_SET_RATE] = "rate",
		[RUN_PAUSE] = "pause",
		[RUN_RESUME] = "resume",
		[RUN_NEXT] = "next"};

	(void)snprintf(e->kind, sizeof(e->kind), "%s", kinds[act]);
	(void)snprintf(e->user, sizeof(e->user), "%s", user);
	if (act == RUN_PAUSE || act == RUN_RESUME)
		(void)snprintf(e->text, sizeof(e->text), "%.60s: %s", user, kinds[act]);
	else if (act == RUN_SET_RATE && strcmp(e->from, RUN_PAUSED_WORD) == 0)
		(void)snprintf(
			e->text, sizeof(e->text), "%.60s: rate %.60s, when resumed", user, e->to);
	else
		(void)snprintf(e->text, sizeof(e->text), "%.60s: %s %.60s -> %.60s", user,
			act == RUN_NEXT ? "next stage," : "rate", e->from, e->to);
}

int run_steering_act(struct run_steering *s, const struct run_order *order, struct run_event *ret,
	struct err *reterr)
{
	struct run_event e = {0};
	struct rate from = {0, 1}, to = {0, 1};
	int64_t at_ns = run_steering_instant(s);
	int r = run_steering_check(s, order->act, reterr);

	if (r == 0 && at_ns == CLOCK_NEVER)
		r = run_steering_refuse(reterr, "%s is at its end", s->_id);
	if (r == 0 && order->act == RUN_SET_RATE)
		r = run_steering_find_rate(s, order, at_ns, &from, &to, reterr);
	if (r != 0)
		return r;
	if (order->act == RUN_SET_RATE) {
		if (s->_is_paused)
			(void)snprintf(e.from, sizeof(e.from), RUN_PAUSED_WORD);
		else
			units_format_rate(from, e.from, sizeof(e.from));
		units_format_rate(to, e.to, sizeof(e.to));
	} else if (order->act == RUN_NEXT) {
		(void)snprintf(e.from, sizeof(e.from), "%s", run_steering_stage_text(s, at_ns));
	} else {
		(void)snprintf(e.from, sizeof(e.from), "%s",
			order->act == RUN_PAUSE ? "running" : RUN_PAUSED_WORD);
		(void)snprintf(e.to, sizeof(e.to), "%s",
			order->act == RUN_PAUSE ? RUN_PAUSED_WORD : "running");
	}
	if (s->_newest)
		r = run_steering_change_schedule(s, order, to, at_ns, reterr);
	if (r != 0)
		return r;
	run_steering_record_pause(s, order->act, at_ns);
	if (order->act == RUN_NEXT)
		(void)snprintf(e.to, sizeof(e.to), "%s", run_steering_stage_text(s, at_ns));
	s->_n_acts++;
	s->_n_acts_ahead = s->_acted_ns > clock_now_ns() ? s->_n_acts_ahead + 1 : 1;
	s->_acted_ns = at_ns;
	e.at_ns = at_ns - s->_times->t0_ns;
	run_steering_describe(&e, order->act, order->user);
	*ret = e;
	return 0;
}
