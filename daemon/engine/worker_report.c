/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of a worker to main. While it runs: on the grid of intervals those that are over for
 * good, and a pulse for the live view. Buffers and the pulse are mailed to main and back, so
 * nothing is shared; if main has not returned the last pulse, the next one is left out. The
 * heartbeat records when the thread could not run. At its end: its summary. Worker's thread, but
 * for what says otherwise. */
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "common/stats/quantile.h"
#include "common/str.h"
#include "daemon/engine/worker_internal.h"
#include "daemon/loop/loop.h"

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

/* ---------------------------------------------------------------- what the audit needs
 *
 * How long the turns of its loop take, how long its thread waited for a CPU, and whether its ledger
 * balanced at every interval. A turn costs one count in a histogram, everything else is read once
 * or at intervals. */

int worker_gauge_open(struct worker *w)
{
	return histogram_init(&w->turns, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		HISTOGRAM_INTERVAL_DIGITS);
}

void worker_gauge_close(struct worker *w)
{
	histogram_fini(&w->turns);
}

void worker_gauge_go(struct worker *w)
{
	gauge_read(&w->gauge);
	w->beat_cpu_ns = worker_cpu_ns();
	w->beat_run_queue_ns = w->gauge.run_queue_ns;
	loop_watch_turns(w->loop, &w->turns);
}

static void worker_gauge_tick(struct worker *w)
{
	w->unbalanced += !stats_balances(&w->stats);
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

static void worker_hand_over(struct worker *w, struct stats_interval *i)
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

void worker_on_heartbeat(struct worker *w)
{
	int64_t now_ns = loop_now_ns(w->loop);
	int64_t cpu_ns = worker_cpu_ns(), run_queue_ns = gauge_run_queue_ns();
	struct gauge_beat beat = {
		.late_ns = now_ns - w->heartbeat_mark.deadline_ns,
		.cpu_ns = cpu_ns - w->beat_cpu_ns,
	};

	if (run_queue_ns >= 0 && w->beat_run_queue_ns >= 0)
		beat.run_queue_ns = run_queue_ns - w->beat_run_queue_ns;
	w->stalled_ns += gauge_stopped_ns(&beat, WORKER_HEARTBEAT_NS);
	w->beat_cpu_ns = cpu_ns;
	w->beat_run_queue_ns = run_queue_ns;
	timer_start(&w->marks, &w->heartbeat_mark, now_ns + WORKER_HEARTBEAT_NS);
}

/* ---------------------------------------------------------------- the end */

/* To be called after the last arrival's end. Before t0 there is nothing to report. */
static void worker_gauge_finish(struct worker *w)
{
	struct worker_summary *s = &w->summary;
	struct gauge now;

	s->run_queue_ns = s->involuntary = -1;
	s->turn_p99_ns = s->turn_max_ns = -1;
	loop_watch_turns(w->loop, NULL);
	worker_gauge_tick(w);
	s->unbalanced = w->unbalanced;
	if (w->t0_ns == 0)
		return;
	gauge_read(&now);
	if (now.run_queue_ns >= w->gauge.run_queue_ns && w->gauge.run_queue_ns >= 0)
		s->run_queue_ns = now.run_queue_ns - w->gauge.run_queue_ns;
	if (now.involuntary >= w->gauge.involuntary && w->gauge.involuntary >= 0)
		s->involuntary = now.involuntary - w->gauge.involuntary;
	s->turn_p99_ns = quantile_served(&w->turns, 0.99);
	if (w->turns.count > 0)
		s->turn_max_ns = w->turns.max;
}

static void worker_sum_up(struct worker *w)
{
	w->summary = (struct worker_summary){
		.started_ns = w->t0_ns,
		.ended_ns = clock_now_ns(),
		.cpu_ns = w->t0_ns ? worker_cpu_ns() - w->cpu_start_ns : 0,
		.connections_limit = w->config.connections,
		.connections_peak = w->pool.peak,
		.stalled_ns = w->stalled_ns,
		.opened = w->env.opened,
		.closed_by_peer = w->env.closed_by_peer,
		.closed_by_us = w->env.closed_by_us,
		.surplus = w->env.surplus,
		.stale = w->env.stale,
		.segments = w->env.segments,
		.requests = w->env.sent,
		.requests_on_new = w->env.requests_on_new,
		.queue_peak = w->pool.queue_peak,
		.kept_back = w->pool.n_kept_back,
		.reset_beside = w->pool.n_reset_beside,
		.held_by_pace = w->pool.n_held_by_pace,
		.tls_info = w->env.tls_info,
		.late_acts = w->late_acts,
		.latest_act_ns = w->latest_act_ns,
	};
	memcpy(w->summary.location, w->env.first_location, sizeof(w->summary.location));
	if (w->tls) {
		const char *name = tls_context_certificate_name(w->tls);

		w->summary.tls = tls_context_counts(w->tls);
		str_cut(w->summary.certificate_name, sizeof(w->summary.certificate_name), name,
			strlen(name));
	}
	worker_gauge_finish(w);
}

void worker_finish(struct worker *w)
{
	struct stats_interval *i;

	w->state = WORKER_DONE;
	timer_stop(&w->end_mark);
	timer_stop(&w->tick_mark);
	timer_stop(&w->heartbeat_mark);
	pool_abandon(&w->pool);
	worker_sum_up(w);
	while ((i = stats_take_any(&w->stats)))
		worker_hand_over(w, i);
	/* The turn continues, so the last mail is posted by worker_main. */
	loop_stop(w->loop);
}

void worker_summary_add(struct worker_summary *sum, const struct worker_summary *s)
{
	sum->cpu_ns += s->cpu_ns;
	sum->unbalanced += s->unbalanced;
	sum->connections_limit += s->connections_limit;
	sum->connections_peak += s->connections_peak;
	sum->opened += s->opened;
	sum->closed_by_peer += s->closed_by_peer;
	sum->closed_by_us += s->closed_by_us;
	sum->surplus += s->surplus;
	sum->stale += s->stale;
	sum->segments.sent += s->segments.sent;
	sum->segments.again += s->segments.again;
	sum->requests += s->requests;
	sum->requests_on_new += s->requests_on_new;
	sum->queue_peak += s->queue_peak;
	sum->kept_back += s->kept_back;
	sum->reset_beside += s->reset_beside;
	sum->held_by_pace += s->held_by_pace;
	sum->tls.handshakes += s->tls.handshakes;
	sum->tls.resumed += s->tls.resumed;
	sum->tls.failed += s->tls.failed;
	if (sum->tls_info.version[0] == '\0')
		sum->tls_info = s->tls_info;
	if (sum->certificate_name[0] == '\0')
		memcpy(sum->certificate_name, s->certificate_name, sizeof(sum->certificate_name));
	if (sum->location[0] == '\0')
		memcpy(sum->location, s->location, sizeof(sum->location));
	if (s->ended_ns > sum->ended_ns)
		sum->ended_ns = s->ended_ns;
	sum->late_acts += s->late_acts;
	if (s->latest_act_ns > sum->latest_act_ns)
		sum->latest_act_ns = s->latest_act_ns;
}
