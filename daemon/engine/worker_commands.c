/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of main to a worker: go, stop, abort, other addresses, steering. The functions for
 * main run on the main thread and only post mail; the handlers run on the worker's thread, from its
 * loop, so never inside a task.
 *
 * Each act of steering is a separate mail that goes to the worker, is executed when it is received,
 * ahead of its instant, and goes back, so that main knows which schedules are not used any more.
 * Acts are received in the order in which they were requested, each based on the one before.
 *
 * In the open model an act is another schedule, which contains everything, including the new
 * position of the window. In the closed model it is the beginning or the end of a pause, which
 * moves everything after it.
 *
 * A worker that receives an act after its instant (its thread did not run) has planned by the old
 * schedule meanwhile. These arrivals stay: every arrival is counted, but there may be more or fewer
 * of them than in the schedule, and the summary reports it. */
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "daemon/engine/worker_internal.h"

/* Converts an instant of the schedule; CLOCK_NEVER, for instants unknown during a pause, stays. */
static int64_t worker_instant(const struct worker *w, int64_t ns)
{
	return ns == CLOCK_NEVER ? ns : w->t0_ns + ns;
}

/* The bounds of the window in its schedule; the window includes its start but not its end. */
static void worker_find_window(const struct worker *w, int64_t *ret_start_ns, int64_t *ret_end_ns)
{
	const struct schedule *s = w->config.schedule;

	/* A segment of the schedule includes its end, but not its start: an arrival on the border
	 * belongs to the segment before. The window includes its start: 1 ns later. */
	*ret_start_ns = worker_instant(w, schedule_segment_start(s, SCHEDULE_WINDOW));
	*ret_end_ns = worker_instant(w, schedule_segment_end(s, SCHEDULE_WINDOW));
	*ret_start_ns += *ret_start_ns != CLOCK_NEVER;
	*ret_end_ns += *ret_end_ns != CLOCK_NEVER;
}

/* Ticks are on the grid of the window's intervals. */
static void worker_start_ticks(struct worker *w, int64_t window_start_ns, int64_t from_ns)
{
	int64_t interval_ns = w->config.plan->interval_ns;

	/* Without a window, ticks are for the display alone: they stay as they are. */
	if (window_start_ns != CLOCK_NEVER)
		timer_start(&w->marks, &w->tick_mark,
			from_ns + (window_start_ns - from_ns) % interval_ns + interval_ns);
}

/* ---------------------------------------------------------------- go, stop, abort */

void worker_on_go(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, go_mail);
	const struct plan *plan = w->config.plan;
	const struct schedule *s = w->config.schedule;
	int64_t t0_ns = w->go_t0_ns;
	int64_t window_start_ns = t0_ns + plan->warmup_ns;
	int64_t window_end_ns = CLOCK_NEVER;

	if (w->state != WORKER_READY)
		return; /* aborted meanwhile */
	w->t0_ns = t0_ns;
	w->end_ns = CLOCK_NEVER;
	if (s) {
		worker_find_window(w, &window_start_ns, &window_end_ns);
		w->end_ns = t0_ns + schedule_segment_end(s, SCHEDULE_COOLDOWN);
	} else if (plan->duration_ns != CLOCK_NEVER) {
		window_end_ns = window_start_ns + plan->duration_ns;
		w->end_ns = window_end_ns + plan->cooldown_ns;
	}
	/* This worker's share of a small count may be zero: then it only warms up. */
	if (!s && plan->n_arrivals > 0 && worker_quota(w) == 0)
		w->end_ns = window_start_ns;
	stats_set_window(&w->stats, window_start_ns, window_end_ns);
	w->state = WORKER_RUNNING;
	worker_gauge_go(w);
	w->cpu_start_ns = w->pulse_cpu_ns = worker_cpu_ns();
	w->pulsed_ns = clock_now_ns();
	timer_start(&w->marks, &w->end_mark, w->end_ns);
	timer_start(&w->marks, &w->heartbeat_mark, t0_ns + WORKER_HEARTBEAT_NS);
	worker_start_ticks(w, window_start_ns, t0_ns);
	if (s) {
		producer_start(&w->producer, t0_ns);
	} else {
		users_stop_at(&w->users, w->end_ns);
		users_start(&w->users, t0_ns, window_start_ns);
	}
}

void worker_on_stop(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, stop_mail);

	if (w->state == WORKER_OPENING || w->state == WORKER_READY) {
		worker_finish(w);
		return;
	}
	if (w->state != WORKER_RUNNING || w->stop_ns >= w->end_ns)
		return;
	w->end_ns = w->stop_ns;
	stats_cut_window(&w->stats, w->stop_ns);
	if (w->config.schedule)
		producer_stop_at(&w->producer, w->stop_ns);
	else
		users_stop_at(&w->users, w->stop_ns);
	timer_start(&w->marks, &w->end_mark, w->stop_ns);
}

void worker_on_abort(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, abort_mail);

	if (w->state == WORKER_RUNNING)
		stats_cut_window(&w->stats, clock_now_ns());
	if (w->state != WORKER_DONE)
		worker_finish(w);
}

void worker_go(struct worker *w, int64_t t0_ns)
{
	w->go_t0_ns = t0_ns;
	mailbox_post(loop_mailbox(w->loop), &w->go_mail);
}

void worker_stop(struct worker *w, int64_t instant_ns)
{
	if (w->was_stopped)
		return;
	w->was_stopped = true;
	w->stop_ns = instant_ns;
	mailbox_post(loop_mailbox(w->loop), &w->stop_mail);
}

void worker_abort(struct worker *w)
{
	if (w->was_aborted)
		return;
	w->was_aborted = true;
	mailbox_post(loop_mailbox(w->loop), &w->abort_mail);
}

/* ---------------------------------------------------------------- addresses */

static void worker_on_addresses_back(struct mail *mail);

/* On the worker's thread. */
static void worker_on_addresses(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, addresses_mail);

	w->env.addresses = w->posted_addresses;
	w->env.n_addresses = w->n_posted_addresses;
	mail->on_delivered = worker_on_addresses_back;
	worker_post_main(w, mail);
}

static void worker_post_addresses(struct worker *w)
{
	w->posted_addresses = w->new_addresses;
	w->n_posted_addresses = w->n_new_addresses;
	w->new_addresses = NULL;
	w->are_addresses_out = true;
	w->addresses_mail.on_delivered = worker_on_addresses;
	mailbox_post(loop_mailbox(w->loop), &w->addresses_mail);
}

/* On the main thread, and before on_done. */
static void worker_on_addresses_back(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, addresses_mail);

	w->are_addresses_out = false;
	if (w->new_addresses)
		worker_post_addresses(w);
}

/* One mail goes to the worker and back, and the newest addresses wait for it: so there is nothing
 * to free, whether it is delivered or not. */
int worker_set_addresses(struct worker *w, const struct address *addresses, size_t n)
{
	if (n == 0)
		return 0;
	w->new_addresses = addresses;
	w->n_new_addresses = n;
	if (!w->are_addresses_out)
		worker_post_addresses(w);
	return 0;
}

/* ---------------------------------------------------------------- steering, on the worker's thread
 */

static void worker_move(struct worker *w, int64_t window_start_ns, int64_t window_end_ns)
{
	bool has_moved = window_start_ns != w->stats.window_start_ns;

	stats_move_window(&w->stats, window_start_ns, window_end_ns);
	if (has_moved)
		worker_start_ticks(w, window_start_ns, clock_now_ns());
	timer_start(&w->marks, &w->end_mark, w->end_ns);
}

static void worker_change_schedule(struct worker *w, const struct schedule *s)
{
	int64_t window_start_ns, window_end_ns;

	w->config.schedule = s;
	worker_find_window(w, &window_start_ns, &window_end_ns);
	w->end_ns = worker_instant(w, schedule_segment_end(s, SCHEDULE_COOLDOWN));
	producer_steer(&w->producer, s);
	worker_move(w, window_start_ns, window_end_ns);
}

/* CLOCK_NEVER for an instant that the pause beginning at at_ns delays; an instant before it, or at
 * its very beginning, stays. */
static int64_t worker_held(int64_t instant_ns, int64_t at_ns)
{
	return instant_ns > at_ns ? CLOCK_NEVER : instant_ns;
}

/* The instant after the pause from at_ns to to_ns. */
static int64_t worker_shifted(int64_t instant_ns, int64_t at_ns, int64_t to_ns)
{
	if (instant_ns == CLOCK_NEVER || instant_ns <= at_ns)
		return instant_ns;
	return instant_ns + (to_ns - at_ns);
}

static void worker_toggle_pause(struct worker *w, int64_t at_ns)
{
	int64_t window_start_ns = w->stats.window_start_ns;
	int64_t window_end_ns = w->stats.window_end_ns;
	int64_t from_ns = w->paused_ns;

	users_toggle(&w->users, at_ns);
	if (from_ns == CLOCK_NEVER) {
		w->paused_ns = at_ns;
		w->paused_window_start_ns = window_start_ns;
		w->paused_window_end_ns = window_end_ns;
		w->paused_end_ns = w->end_ns;
		window_start_ns = worker_held(window_start_ns, at_ns);
		window_end_ns = worker_held(window_end_ns, at_ns);
		w->end_ns = worker_held(w->end_ns, at_ns);
	} else {
		if (window_start_ns == CLOCK_NEVER)
			window_start_ns = worker_shifted(w->paused_window_start_ns, from_ns, at_ns);
		window_end_ns = worker_shifted(w->paused_window_end_ns, from_ns, at_ns);
		w->end_ns = worker_shifted(w->paused_end_ns, from_ns, at_ns);
		w->paused_ns = CLOCK_NEVER;
	}
	users_move(&w->users, window_start_ns, w->end_ns);
	worker_move(w, window_start_ns, window_end_ns);
}

static void worker_on_act_back(struct mail *mail);

static void worker_on_act(struct mail *mail)
{
	struct worker_act *act = container_of(mail, struct worker_act, mail);
	struct worker *w = act->worker;
	int64_t late_ns = clock_now_ns() - act->at_ns;

	if (late_ns > 0) {
		w->late_acts++;
		if (late_ns > w->latest_act_ns)
			w->latest_act_ns = late_ns;
	}
	if (w->state == WORKER_RUNNING && act->schedule)
		worker_change_schedule(w, act->schedule);
	else if (w->state == WORKER_RUNNING)
		worker_toggle_pause(w, act->at_ns);
	mail->on_delivered = worker_on_act_back;
	worker_post_main(w, mail);
}

/* ---------------------------------------------------------------- steering, on the main thread */

static void worker_on_act_back(struct mail *mail)
{
	struct worker_act *act = container_of(mail, struct worker_act, mail);
	struct worker *w = act->worker;
	const struct schedule *schedule = act->schedule;

	list_remove(&act->node);
	free(act);
	if (schedule && w->config.on_steered)
		w->config.on_steered(w, schedule);
}

int worker_steer(struct worker *w, const struct schedule *schedule, int64_t at_ns)
{
	struct worker_act *act = calloc(1, sizeof(*act));

	if (!act)
		return -ENOMEM;
	act->mail.on_delivered = worker_on_act;
	act->worker = w;
	act->schedule = schedule;
	act->at_ns = at_ns;
	list_init(&act->node);
	list_push_back(&w->acts, &act->node);
	mailbox_post(loop_mailbox(w->loop), &act->mail);
	return 0;
}

/* The thread has ended; undelivered mail will not be delivered any more. */
void worker_free_acts(struct worker *w)
{
	list_for_each_safe (it, &w->acts) {
		list_remove(it);
		free(container_of(it, struct worker_act, node));
	}
}
