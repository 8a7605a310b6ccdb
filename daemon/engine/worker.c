/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's thread, from opening its connections to its last mail.
 *
 *   OPENING -> READY -> RUNNING -> DRAINING -> DONE
 *
 * OPENING makes the TLS context, if there is TLS (which may take as long as reading all authorities
 * of the system), opens a fixed pool and notifies main; GO sets t0. RUNNING lasts until the plan's
 * end, an instant that a stop can only make earlier; DRAINING until every arrival has ended or the
 * drain time is over. On the grid of intervals (counted from the window's start) the worker passes
 * finished intervals and a pulse for the live view to main.
 *
 * Ending is decided in one place, worker_on_check, which is called from the loop and never from
 * inside a task: so the pool is never freed while one of its callbacks runs. */
#include "daemon/engine/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/plan/plan.h"
#include "daemon/engine/schedule.h"
#include "daemon/engine/worker_internal.h"

#define WORKER_READ_SIZE (32 * 1024)

/* Interval buffers (60 KiB each). If there are fewer than the request timeout needs, rows become
 * wider while answers are that late. Some are spare, in case the main thread does not run for a
 * moment. */
#define WORKER_BUFFERS_SPARE 20
#define WORKER_BUFFERS_MAX 512

/* ---------------------------------------------------------------- ending */

/* On the main thread. */
static void worker_on_done_mail(struct mail *mail)
{
	struct worker *w = container_of(mail, struct worker, done_mail);

	w->config.on_done(w);
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
	if (w->state == WORKER_DRAINING && (w->is_drained || w->stats.outstanding == 0))
		worker_finish(w);
}

static void worker_on_mark(struct timer_queue *q, struct timer *timer)
{
	struct worker *w = q->userdata;

	if (timer == &w->tick_mark) {
		worker_on_tick(w);
		return;
	}
	if (timer == &w->heartbeat_mark) {
		worker_on_heartbeat(w);
		return;
	}
	/* Handled after the timers of this turn: a request timeout that is due as well comes
	 * first. */
	w->is_drained = w->state == WORKER_DRAINING;
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

	if (!w->config.schedule && w->state == WORKER_RUNNING) {
		if (connection_is_free)
			users_ended(&w->users, true);
		else
			users_ended_until(&w->users, pool_retry_ns(p));
	}
	/* At full speed this runs once for each request, so it checks before asking for a call. */
	if (w->stats.outstanding == 0)
		loop_task_again(&w->check);
}

static void worker_on_arrival(void *owner, uint64_t k, int64_t planned_ns, int64_t picked_ns)
{
	struct worker *w = owner;

	bool is_last;

	/* An arrival that became due in the very turn that ended the run is not part of it any
	 * more. */
	if (w->state == WORKER_DONE)
		return;
	/* Users number their own arrivals, the schedule those of all workers. */
	if (!w->config.schedule)
		k = k * w->config.n_workers + w->config.index;
	if (w->stats.totals.n_stages > 0)
		w->stats.stage = producer_row_of(&w->producer, planned_ns);
	pool_arrive(&w->pool, planned_ns, picked_ns, mix_choose(&w->mix, k));
	/* After the last arrival the drain begins, whether or not it is answered. */
	if (w->config.schedule)
		is_last = producer_next_ns(&w->producer) == CLOCK_NEVER;
	else
		is_last = users_are_done(&w->users, picked_ns);
	if (is_last)
		loop_task_again(&w->check);
}

/* ---------------------------------------------------------------- life */

static struct tls_pem worker_pem(const struct plan_pem *pem)
{
	return (struct tls_pem){.name = pem->name, .text = pem->text, .len = pem->len};
}

/* Makes the TLS context if the plan needs one. 0 or -errno with reterr. */
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
	int r = worker_open_tls(w, &err);

	if (r == 0) {
		pool_open(&w->pool);
		return;
	}
	w->state = WORKER_READY;
	w->ready_fault = r == -ENOMEM ? FAULT_NO_MEMORY : FAULT_TLS_SETUP;
	(void)snprintf(w->ready_why, sizeof(w->ready_why), "%.255s", err.text);
	worker_post_main(w, &w->ready_mail);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	int stamps_fd = tcp_stamps_open();
	char name[16];
	int r;

	(void)snprintf(name, sizeof(name), "rpsd/worker%u", w->config.index % 1000);
	(void)pthread_setname_np(pthread_self(), name);
	(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	worker_prepare(w);
	r = loop_run(w->loop);
	/* A timer cannot be set, or epoll_wait failed: the worker ends at once. */
	if (r < 0 && w->state != WORKER_DONE) {
		worker_finish(w);
		w->summary.error = r;
	}
	if (stamps_fd >= 0)
		(void)close(stamps_fd);
	worker_post_main(w, &w->done_mail);
	return NULL;
}

int worker_start(struct worker *w)
{
	sigset_t all, before;
	int r;

	/* Signals are handled by the main thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->has_thread = r == 0;
	return r;
}

size_t worker_n_intervals(const struct plan *plan)
{
	/* The number that may be open; one that is over waits for the next tick to be passed on,
	 * and then for the main thread. */
	int64_t wanted = plan->request_timeout_ns / plan->interval_ns + WORKER_BUFFERS_SPARE;

	return wanted < WORKER_BUFFERS_MAX ? (size_t)wanted : WORKER_BUFFERS_MAX;
}

static int worker_open_buffers(struct worker *w)
{
	size_t n = worker_n_intervals(w->config.plan);
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
	unsigned n_slices = c->n_slices > 0 ? c->n_slices : 1;
	struct users_config users = {
		.n = worker_users(w),
		.think_ns = c->plan->think_ns,
		.pace = c->pace,
		.quota = worker_quota(w),
		.on_arrival = worker_on_arrival,
		.owner = w,
	};
	struct producer_config producer = {
		.schedule = c->schedule,
		.index = c->slice + (uint64_t)n_slices * c->index,
		.stride = (uint64_t)n_slices * c->n_workers,
		.mode = (enum plan_pacing)c->plan->pacing_mode,
		.gap_ns = c->plan->pacing_gap_ns,
		.spin_ns = c->plan->pacing_spin_ns,
		.on_arrival = worker_on_arrival,
		.owner = w,
	};

	if (c->schedule)
		return producer_open(&w->producer, w->loop, &producer);
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
		.is_soft = plan->timeout_soft,
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
		.pace = c->pace,
		.on_ended = worker_on_ended,
		.on_opened = worker_on_opened,
		.owner = w,
	};
	int r = loop_new(&w->loop);

	if (r < 0)
		return r;
	/* No more users can wait than there are. */
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
	w->paused_ns = CLOCK_NEVER;
	list_init(&w->acts);
	w->ready_mail.on_delivered = worker_on_ready_mail;
	w->done_mail.on_delivered = worker_on_done_mail;
	w->go_mail.on_delivered = worker_on_go;
	w->stop_mail.on_delivered = worker_on_stop;
	w->abort_mail.on_delivered = worker_on_abort;
	loop_task_init(&w->check);
	timer_init(&w->end_mark);
	timer_init(&w->tick_mark);
	timer_init(&w->heartbeat_mark);
	r = stats_init(&w->stats, config->schedule != NULL, config->plan->interval_ns,
		plan_n_named(config->plan), plan_n_rows(config->plan));
	w->stats.worker = config->index;
	mix_init(&w->mix, config->plan);
	if (r == 0)
		r = worker_gauge_open(w);
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
	worker_free_acts(w);
	for (size_t i = 0; i < w->n_buffers; i++)
		stats_interval_fini(&w->buffers[i].interval);
	free(w->buffers);
	free(w->read_buffer);
	worker_gauge_close(w);
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
