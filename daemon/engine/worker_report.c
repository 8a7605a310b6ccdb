/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of a worker to main while it runs: on the grid of intervals those that are over for
 * good, and a pulse for the live view. Buffers and the pulse are mailed to main and back, so
 * nothing is shared; if main has not returned the last pulse, the next one is left out. The
 * heartbeat records when the thread could not run. */
#include <time.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/worker_internal.h"

void worker_post_main(struct worker *w, struct mail *mail)
{
	mailbox_post(loop_mailbox(w->config.main_loop), mail);
}

int64_t worker_cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* ---------------------------------------------------------------- intervals */

static void worker_on_interval_mail(struct mail *mail);

static void worker_on_interval_back(struct mail *mail)
{
	struct worker_interval *b = container_of(mail, struct worker_interval, mail);

	stats_give(&b->worker->stats, &b->interval);
}

/* On the main thread. */
static void worker_on_interval_mail(struct mail *mail)
{
	struct worker_interval *b = container_of(mail, struct worker_interval, mail);
	struct worker *w = b->worker;

	w->config.on_interval(w, &b->interval);
	mail->on_delivered = worker_on_interval_back;
	mailbox_post(loop_mailbox(w->loop), mail);
}

void worker_hand_over(struct worker *w, struct stats_interval *i)
{
	struct worker_interval *b = container_of(i, struct worker_interval, interval);

	b->mail.on_delivered = worker_on_interval_mail;
	worker_post_main(w, &b->mail);
}

/* No arrival will be planned and no event will happen before this instant. */
static int64_t worker_floor_ns(const struct worker *w)
{
	int64_t now_ns = clock_now_ns();
	int64_t next_ns;

	if (w->config.schedule)
		next_ns = producer_next_ns(&w->producer);
	else
		next_ns = users_next_ns(&w->users, now_ns);
	return next_ns < now_ns ? next_ns : now_ns;
}

static void worker_on_pulse_back(struct mail *mail)
{
	container_of(mail, struct worker, pulse_mail)->is_pulse_out = false;
}

/* On the main thread. */
static void worker_on_pulse_mail(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, pulse_mail);

	w->config.on_pulse(w, &w->pulse);
	mail->on_delivered = worker_on_pulse_back;
	mailbox_post(loop_mailbox(w->loop), mail);
}

static void worker_post_pulse(struct worker *w, int64_t due_ns)
{
	int64_t now_ns = clock_now_ns();
	int64_t cpu_ns = worker_cpu_ns();

	if (w->is_pulse_out)
		return; /* main has not handled the last one: it will get the next one */
	w->pulse = (struct worker_pulse){
		.due_ns = due_ns,
		.in_flight = w->stats.in_flight,
		.queue = w->pool.n_waiting,
		.connections = w->pool.n_idle + w->pool.n_busy,
		.oldest_ns = pool_oldest_ns(&w->pool),
		.seen_ns = now_ns,
		.silence = w->stats.silence,
		.cpu_share = now_ns > w->pulsed_ns ? (double)(cpu_ns - w->pulse_cpu_ns) /
							     (double)(now_ns - w->pulsed_ns)
						   : 0,
	};
	w->pulse_cpu_ns = cpu_ns;
	w->pulsed_ns = now_ns;
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ledger_add(&w->pulse.ledger, &w->stats.totals.ledgers[i]);
	for (int i = 0; i < FAULT_COUNT; i++)
		w->pulse.faults[i] = w->stats.totals.faults[i].count;
	w->is_pulse_out = true;
	w->pulse_mail.on_delivered = worker_on_pulse_mail;
	worker_post_main(w, &w->pulse_mail);
}

void worker_on_tick(struct worker *w)
{
	int64_t interval_ns = w->config.plan->interval_ns;
	int64_t next_ns = w->tick_mark.deadline_ns + interval_ns;
	int64_t now_ns = loop_now_ns(w->loop);
	struct stats_interval *i;

	while ((i = stats_take(&w->stats, worker_floor_ns(w))))
		worker_hand_over(w, i);
	worker_gauge_tick(w);
	worker_post_pulse(w, w->tick_mark.deadline_ns);
	/* After a stop of the whole process missed ticks are not repeated. */
	if (next_ns <= now_ns)
		next_ns += (now_ns - next_ns) / interval_ns * interval_ns + interval_ns;
	timer_start(&w->marks, &w->tick_mark, next_ns);
}

void worker_on_beat(struct worker *w)
{
	int64_t now_ns = loop_now_ns(w->loop);
	int64_t late_ns = now_ns - w->beat_mark.deadline_ns;

	if (late_ns > WORKER_BEAT_LATE_NS)
		w->stalled_ns += late_ns;
	timer_start(&w->marks, &w->beat_mark, now_ns + WORKER_BEAT_NS);
}
