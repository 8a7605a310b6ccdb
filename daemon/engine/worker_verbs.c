/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of main to a worker. The functions for main run on the main thread and only post
 * mail; the handlers run on the worker's thread, from its loop, so never inside a task. */
#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "daemon/engine/worker_internal.h"

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
	timer_start(&w->marks, &w->beat_mark, t0_ns + WORKER_BEAT_NS);
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

void worker_abort(struct worker *w)
{
	if (w->was_aborted)
		return;
	w->was_aborted = true;
	mailbox_post(loop_mailbox(w->loop), &w->abort_mail);
}
