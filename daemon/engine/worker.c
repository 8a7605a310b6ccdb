/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's thread, from opening its connections to its last mail.
 *
 *   OPENING -> READY -> RUNNING -> DRAINING -> DONE
 *
 * OPENING makes the context of TLS, where there is TLS (that may take as long as reading all of a
 * system's authorities), opens a fixed pool and tells main; GO sets t0. RUNNING lasts until the
 * plan's end, an instant that a stop can only move forward; DRAINING until every arrival has ended
 * or the drain time is over. On the grid of intervals (counted from the window's start) the worker
 * hands over what is over for good and a pulse for the live view.
 *
 * Ending is decided in one place, worker_on_check, which is called from the loop and never from
 * inside a task: so the pool can be taken down without pulling it from under a callback. */
#include "daemon/engine/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "common/clock.h"
#include "common/plan.h"
#include "daemon/engine/mix.h"
#include "daemon/engine/pool.h"
#include "daemon/engine/producer.h"
#include "daemon/engine/schedule.h"
#include "daemon/engine/users.h"
#include "daemon/loop/mailbox.h"

#define WORKER_READ_SIZE (32 * 1024)

/* Interval buffers at most (60 KiB each). With fewer than the request timeout needs, intervals
 * share one while answers are that late. */
#define WORKER_BUFFERS_MAX 512

/* The heartbeat: a beat that comes much too late says that the thread was stopped or kept from its
 * CPU. In the closed model nothing else would show it. */
#define WORKER_BEAT_NS (100 * NSEC_PER_MSEC)
#define WORKER_BEAT_LATE_NS (20 * NSEC_PER_MSEC)

enum worker_state {
	WORKER_OPENING,
	WORKER_READY,
	WORKER_RUNNING,
	WORKER_DRAINING,
	WORKER_DONE,
};

/* An interval's buffer on its way to main and back. */
struct worker_interval {
	struct mail mail;
	struct worker *worker;
	struct stats_interval interval;
};

struct worker {
	/* set once before start */
	struct worker_config config;
	struct loop *loop;
	char *read_buffer;
	struct worker_interval *buffers;
	size_t n_buffers;

	/* owner: worker thread */
	enum worker_state state;
	struct tls_context *tls; /* NULL: plain TCP */
	struct task_env env;
	struct mix mix;
	struct pool pool;
	struct stats stats;
	struct producer producer; /* open model */
	struct users users;	  /* closed model */
	struct loop_task check;
	struct timer_queue marks;
	struct timer end_mark;	/* end of planning, then of the drain */
	struct timer tick_mark; /* the grid of intervals */
	struct timer beat_mark;
	int64_t stalled_ns;
	int64_t t0_ns;
	int64_t end_ns; /* nothing is planned from here on; CLOCK_NEVER: until the count */
	int64_t cpu_start_ns;
	int64_t pulse_cpu_ns; /* of the thread, at the last pulse */
	int64_t pulsed_ns;
	bool is_pulse_out;

	/* owner: main thread */
	pthread_t thread;
	bool has_thread;
	bool was_stopped;
	bool was_aborted;
	bool are_addresses_out;
	const struct address *new_addresses; /* to be posted when the mail is back; NULL: none */
	size_t n_new_addresses;

	/* mail: written before posting, read when delivered */
	struct mail ready_mail, pulse_mail, done_mail; /* to main */
	struct mail go_mail, stop_mail, abort_mail;    /* from main */
	struct mail addresses_mail;		       /* from main and back */
	const struct address *posted_addresses;
	size_t n_posted_addresses;
	enum fault ready_fault;
	char ready_why[256];
	struct worker_pulse pulse;
	int64_t go_t0_ns;
	int64_t stop_ns;
	struct worker_summary summary;
};

static void worker_post_main(struct worker *w, struct mail *mail)
{
	mailbox_post(loop_mailbox(w->config.main_loop), mail);
}

static int64_t worker_cpu_ns(void)
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

static void worker_hand_over(struct worker *w, struct stats_interval *i)
{
	struct worker_interval *b = container_of(i, struct worker_interval, interval);

	b->mail.on_delivered = worker_on_interval_mail;
	worker_post_main(w, &b->mail);
}

/* Nothing will be planned or happen before this instant. */
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

static void worker_post_pulse(struct worker *w)
{
	int64_t now_ns = clock_now_ns();
	int64_t cpu_ns = worker_cpu_ns();

	if (w->is_pulse_out)
		return; /* main is behind: it will see the next one */
	w->pulse = (struct worker_pulse){
		.before = w->pulse.ledger,
		.in_flight = w->stats.in_flight,
		.queue = w->pool.n_waiting,
		.connections = w->pool.n_idle + w->pool.n_busy,
		.oldest_ns = pool_oldest_ns(&w->pool),
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

static void worker_on_tick(struct worker *w)
{
	int64_t interval_ns = w->config.plan->interval_ns;
	int64_t next_ns = w->tick_mark.deadline_ns + interval_ns;
	int64_t now_ns = loop_now_ns(w->loop);
	struct stats_interval *i;

	while ((i = stats_take(&w->stats, worker_floor_ns(w))))
		worker_hand_over(w, i);
	worker_post_pulse(w);
	/* After a stop of the whole process the ticks that were missed are not made up for. */
	if (next_ns <= now_ns)
		next_ns += (now_ns - next_ns) / interval_ns * interval_ns + interval_ns;
	timer_start(&w->marks, &w->tick_mark, next_ns);
}

static void worker_on_beat(struct worker *w)
{
	int64_t now_ns = loop_now_ns(w->loop);
	int64_t late_ns = now_ns - w->beat_mark.deadline_ns;

	if (late_ns > WORKER_BEAT_LATE_NS)
		w->stalled_ns += late_ns;
	timer_start(&w->marks, &w->beat_mark, now_ns + WORKER_BEAT_NS);
}

/* ---------------------------------------------------------------- ending */

/* On the main thread. */
static void worker_on_done_mail(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, done_mail);

	w->config.on_done(w);
}

static void worker_finish(struct worker *w)
{
	struct stats_interval *i;

	w->state = WORKER_DONE;
	timer_stop(&w->end_mark);
	timer_stop(&w->tick_mark);
	timer_stop(&w->beat_mark);
	pool_abandon(&w->pool);
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
		.stale = w->env.stale,
		.requests = w->env.sent,
		.requests_on_new = w->env.requests_on_new,
		.queue_peak = w->pool.queue_peak,
		.tls_info = w->env.tls_info,
	};
	memcpy(w->summary.location, w->env.first_location, sizeof(w->summary.location));
	if (w->tls)
		w->summary.tls = tls_context_counts(w->tls);
	while ((i = stats_take_any(&w->stats)))
		worker_hand_over(w, i);
	/* The turn still goes on, so the last word is worker_main's. */
	loop_stop(w->loop);
}

static bool worker_planning_is_over(const struct worker *w)
{
	int64_t now_ns = clock_now_ns();

	if (w->config.schedule)
		return now_ns >= w->end_ns && producer_next_ns(&w->producer) == CLOCK_NEVER;
	return users_are_done(&w->users, now_ns);
}

static void worker_on_check(struct loop_task *task, uint32_t events)
{
	struct worker *w = container_of(task, struct worker, check);

	(void)events;
	if (w->state == WORKER_RUNNING && worker_planning_is_over(w)) {
		w->state = WORKER_DRAINING;
		timer_start(&w->marks, &w->end_mark, clock_now_ns() + w->config.plan->drain_ns);
	}
	if (w->state == WORKER_DRAINING && w->stats.outstanding == 0)
		worker_finish(w);
}

static void worker_on_mark(struct timer_queue *q, struct timer *timer)
{
	struct worker *w = q->userdata;

	if (timer == &w->tick_mark) {
		worker_on_tick(w);
		return;
	}
	if (timer == &w->beat_mark) {
		worker_on_beat(w);
		return;
	}
	if (w->state == WORKER_DRAINING)
		worker_finish(w);
	else
		loop_task_again(&w->check);
}

/* ---------------------------------------------------------------- from below */

static void worker_on_opened(struct pool *p, enum fault fault, const char *why)
{
	struct worker *w = p->config.owner;

	w->state = WORKER_READY;
	w->ready_fault = fault;
	if (fault != FAULT_NONE)
		(void)snprintf(w->ready_why, sizeof(w->ready_why),
			"%s (%zu of %zu connections open)", why, w->pool.n_idle,
			w->config.connections);
	worker_post_main(w, &w->ready_mail);
}

/* On the main thread. */
static void worker_on_ready_mail(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, ready_mail);

	w->config.on_ready(w, w->ready_fault, w->ready_why);
}

static void worker_on_ended(struct pool *p, bool connection_is_free)
{
	struct worker *w = p->config.owner;

	if (!w->config.schedule && w->state == WORKER_RUNNING)
		users_ended(&w->users, connection_is_free);
	/* At full speed this runs once for each request, so look before asking for a call. */
	if (w->stats.outstanding == 0)
		loop_task_again(&w->check);
}

static void worker_on_arrival(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns)
{
	struct worker *w = owner;

	bool is_last;

	/* What came due in the very turn that ended the run is not part of it any more. */
	if (w->state == WORKER_DONE)
		return;
	/* Users count for themselves, the schedule for all. */
	if (!w->config.schedule)
		k = k * w->config.n_workers + w->config.index;
	pool_arrive(&w->pool, planned_ns, picked_ns, mix_choose(&w->mix, k));
	/* Behind the last one the drain begins, whether or when the answers come. */
	if (w->config.schedule)
		is_last = producer_next_ns(&w->producer) == CLOCK_NEVER;
	else
		is_last = users_are_done(&w->users, picked_ns);
	if (is_last)
		loop_task_again(&w->check);
}

/* ---------------------------------------------------------------- from main */

/* This worker's share of a count of requests, closed model; 0 also where there is no count. */
static uint64_t worker_quota(const struct worker *w)
{
	const struct worker_config *c = &w->config;
	uint64_t n = c->plan->n_arrivals;

	return n / c->n_workers + (c->index < n % c->n_workers);
}

static void worker_on_go(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, go_mail);
	const struct plan *plan = w->config.plan;
	const struct schedule *s = w->config.schedule;
	int64_t t0_ns = w->go_t0_ns;
	int64_t window_start_ns = t0_ns + plan->warmup_ns;
	int64_t window_end_ns = CLOCK_NEVER;
	int64_t interval_ns = plan->interval_ns;

	if (w->state != WORKER_READY)
		return; /* aborted meanwhile */
	w->t0_ns = t0_ns;
	w->end_ns = CLOCK_NEVER;
	if (s) {
		/* A segment of the schedule holds its end, but not its start: an arrival on the
		 * border belongs to what lies before it. The window holds its start: 1 ns later. */
		window_start_ns = t0_ns + schedule_segment_start(s, SCHEDULE_WINDOW) + 1;
		window_end_ns = t0_ns + schedule_segment_end(s, SCHEDULE_WINDOW) + 1;
		w->end_ns = t0_ns + schedule_segment_end(s, SCHEDULE_COOLDOWN);
	} else if (plan->duration_ns != CLOCK_NEVER) {
		window_end_ns = window_start_ns + plan->duration_ns;
		w->end_ns = window_end_ns + plan->cooldown_ns;
	}
	/* Of a small count this worker's share may be nothing: then it only warms up. */
	if (!s && plan->n_arrivals > 0 && worker_quota(w) == 0)
		w->end_ns = window_start_ns;
	stats_set_window(&w->stats, window_start_ns, window_end_ns);
	w->state = WORKER_RUNNING;
	w->cpu_start_ns = w->pulse_cpu_ns = worker_cpu_ns();
	w->pulsed_ns = clock_now_ns();
	timer_start(&w->marks, &w->end_mark, w->end_ns);
	timer_start(&w->marks, &w->beat_mark, t0_ns + WORKER_BEAT_NS);
	timer_start(&w->marks, &w->tick_mark,
		t0_ns + (window_start_ns - t0_ns) % interval_ns + interval_ns);
	if (s) {
		producer_start(&w->producer, t0_ns, rate_per_s(plan_peak_rate(plan)));
	} else {
		users_stop_at(&w->users, w->end_ns);
		users_start(&w->users, t0_ns, window_start_ns);
	}
}

static void worker_on_stop(struct mail *mail)
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

static void worker_on_abort(struct mail *mail)
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

/* One mail goes to and fro, and the newest addresses wait for it: so there is nothing to free,
 * whether it is delivered or not. */
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

/* ---------------------------------------------------------------- life */

static struct tls_pem worker_pem(const struct plan_pem *pem)
{
	return (struct tls_pem){.name = pem->name, .text = pem->text, .len = pem->len};
}

/* Of the plan, where it wants TLS. 0 or -errno with reterr. */
static int worker_open_tls(struct worker *w, struct err *reterr)
{
	static const enum tls_version versions[] = {
		TLS_VERSION_DEFAULT, TLS_VERSION_1_2, TLS_VERSION_1_3};
	const struct plan *plan = w->config.plan;
	struct tls_config config = {
		.server_name = plan->tls_server_name,
		.skip_verify = !plan->tls_verify,
		.no_resumption = !plan->tls_resume,
		.min_version = versions[plan->tls_min_version],
		.max_version = versions[plan->tls_max_version],
		.ciphers = plan->tls_ciphers,
		.ciphersuites = plan->tls_ciphersuites,
		.ca = worker_pem(&plan->tls_ca),
		.certificate = worker_pem(&plan->tls_certificate),
		.key = worker_pem(&plan->tls_key),
	};
	int r;

	if (!plan->url.tls)
		return 0;
	r = tls_context_new(&config, &w->tls, reterr);
	w->env.tls = w->tls;
	return r;
}

static void worker_prepare(struct worker *w)
{
	struct err err = {0};

	if (worker_open_tls(w, &err) == 0) {
		pool_open(&w->pool);
		return;
	}
	w->state = WORKER_READY;
	w->ready_fault = FAULT_TLS_PROTOCOL;
	(void)snprintf(w->ready_why, sizeof(w->ready_why), "%.255s", err.text);
	worker_post_main(w, &w->ready_mail);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	(void)snprintf(name, sizeof(name), "rpsd/worker%u", w->config.index % 1000);
	(void)pthread_setname_np(pthread_self(), name);
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	worker_prepare(w);
	/* epoll_wait fails only for a bad descriptor: a bug of ours, and then nothing can be told.
	 */
	if (loop_run(w->loop) < 0)
		abort();
	worker_post_main(w, &w->done_mail);
	return NULL;
}

int worker_start(struct worker *w)
{
	sigset_t all, before;
	int r;

	/* Signals are the main thread's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->has_thread = r == 0;
	return r;
}

static int worker_open_buffers(struct worker *w)
{
	const struct plan *plan = w->config.plan;
	int64_t wanted = plan->request_timeout_ns / plan->interval_ns + 2;
	size_t n = wanted < WORKER_BUFFERS_MAX ? (size_t)wanted : WORKER_BUFFERS_MAX;
	int r = 0;

	w->buffers = calloc(n, sizeof(*w->buffers));
	if (!w->buffers)
		return -ENOMEM;
	for (; w->n_buffers < n && r == 0; w->n_buffers++) {
		struct worker_interval *b = &w->buffers[w->n_buffers];

		r = stats_interval_init(&b->interval);
		if (r < 0)
			break;
		b->worker = w;
		stats_give(&w->stats, &b->interval);
	}
	return r;
}

static size_t worker_users(const struct worker *w)
{
	size_t depth = w->config.plan->pipeline > 1 ? w->config.plan->pipeline : 1;

	return w->config.users > 0 ? w->config.users : w->config.connections * depth;
}

static int worker_open_source(struct worker *w)
{
	const struct worker_config *c = &w->config;
	struct users_config users = {
		.n = worker_users(w),
		.think_ns = c->plan->think_ns,
		.quota = worker_quota(w),
		.on_arrival = worker_on_arrival,
		.owner = w,
	};

	if (c->schedule)
		return producer_open(&w->producer, w->loop, c->schedule, c->index, c->n_workers,
			worker_on_arrival, w);
	return users_open(&w->users, w->loop, &users);
}

static int worker_open_env(struct worker *w)
{
	const struct worker_config *c = &w->config;
	const struct plan *plan = c->plan;

	w->env = (struct task_env){
		.loop = w->loop,
		.stats = &w->stats,
		.guard = c->guard,
		.requests = c->requests,
		.n_requests = plan->n_requests,
		.addresses = c->addresses,
		.n_addresses = c->n_addresses,
		.sources = plan->sources,
		.n_sources = plan->n_sources,
		.first = c->index,
		.connect_timeout_ns = plan->connect_timeout_ns,
		.request_timeout_ns = plan->request_timeout_ns,
		.max_age_ns = plan->max_age_ns,
		.requests_max = plan->requests_per_connection,
		.depth = plan->pipeline,
		.read_buffer = w->read_buffer,
		.read_size = WORKER_READ_SIZE,
		.reuse = plan->reuse != PLAN_REUSE_NO,
		.resets = plan->close == PLAN_CLOSE_RST,
	};
	return task_env_init(&w->env);
}

static int worker_open(struct worker *w)
{
	const struct worker_config *c = &w->config;
	const struct plan *plan = c->plan;
	struct pool_config pool = {
		.env = &w->env,
		.limit = c->connections,
		.is_fixed = c->is_fixed_pool,
		.exhausted = plan->exhausted,
		.reuse = plan->reuse,
		.queue_max = c->queue_max,
		.open_rate = c->open_rate,
		.on_ended = worker_on_ended,
		.on_opened = worker_on_opened,
		.owner = w,
	};
	int r = loop_new(&w->loop);

	if (r < 0)
		return r;
	/* Users never wait in numbers above their own. */
	if (!c->schedule && pool.queue_max < worker_users(w))
		pool.queue_max = worker_users(w);
	timer_queue_init(&w->marks, w->loop, worker_on_mark, w);
	r = worker_open_env(w);
	if (r == 0)
		r = loop_add_task(w->loop, &w->check, -1, 0, worker_on_check);
	if (r == 0)
		r = pool_init(&w->pool, &pool);
	if (r == 0)
		r = worker_open_source(w);
	return r;
}

int worker_new(const struct worker_config *config, struct worker **ret)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->config = *config;
	w->ready_mail.on_delivered = worker_on_ready_mail;
	w->done_mail.on_delivered = worker_on_done_mail;
	w->go_mail.on_delivered = worker_on_go;
	w->stop_mail.on_delivered = worker_on_stop;
	w->abort_mail.on_delivered = worker_on_abort;
	loop_task_init(&w->check);
	timer_init(&w->end_mark);
	timer_init(&w->tick_mark);
	timer_init(&w->beat_mark);
	r = stats_init(&w->stats, config->schedule != NULL, config->plan->interval_ns,
		plan_n_named(config->plan));
	mix_init(&w->mix, config->plan);
	if (r == 0)
		r = worker_open_buffers(w);
	if (r == 0) {
		w->read_buffer = malloc(WORKER_READ_SIZE);
		r = w->read_buffer ? worker_open(w) : -ENOMEM;
	}
	if (r < 0) {
		worker_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	if (w->has_thread)
		(void)pthread_join(w->thread, NULL);
	producer_close(&w->producer);
	users_close(&w->users);
	pool_fini(&w->pool);
	tls_context_free(w->tls);
	if (w->loop) {
		loop_remove_task(&w->check);
		timer_queue_fini(&w->marks);
		task_env_fini(&w->env);
		loop_free(w->loop);
	}
	for (size_t i = 0; i < w->n_buffers; i++)
		stats_interval_fini(&w->buffers[i].interval);
	free(w->buffers);
	free(w->read_buffer);
	stats_fini(&w->stats);
	free(w);
	return NULL;
}

void *worker_owner(const struct worker *w)
{
	return w->config.owner;
}

unsigned worker_index(const struct worker *w)
{
	return w->config.index;
}

const struct stats_totals *worker_totals(const struct worker *w)
{
	return &w->stats.totals;
}

const struct worker_summary *worker_summary(const struct worker *w)
{
	return &w->summary;
}
