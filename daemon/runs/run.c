/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a run, on the main thread.
 *
 *   queued -> preparing -> warmup -> running -> draining -> finished
 *                 |           |  ^      |  ^                   ^
 *                 |           v  |      v  |                   |
 *                 |          paused    paused                  |
 *                 +-----------+---------+----------------------+   (stopped, failed)
 *
 * Preparing resolves the name, makes the workers and waits until each has its connections; then all
 * get one t0 that is RUN_LEAD_NS ahead, so that none begins late. From there the workers follow the
 * plan by themselves; main only updates the state, merges their intervals and waits for the last of
 * them. Every end of a run goes through run_end. */
#include "daemon/runs/run.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/exit_codes.h"
#include "common/memory.h"
#include "common/plan/plan_tls.h"
#include "daemon/engine/schedule.h"
#include "daemon/loop/loop.h"
#include "daemon/runs/registry.h"
#include "daemon/runs/run_private.h"
#include "daemon/runs/run_orders.h"
#include "daemon/runs/run_rules.h"
#include "daemon/runs/timeline.h"

/* The smallest block of glibc's malloc, with its header; jansson allocates one for each value and
 * for each key. */
#define RUN_JSON_VALUE_BYTES 48

/* Row: the present state; columns that are set: the allowed next states. */
static const bool run_transitions[RUN_STATE_COUNT][RUN_STATE_COUNT] = {
	[RUN_QUEUED] = {[RUN_PREPARING] = true, [RUN_FINISHED] = true},
	[RUN_PREPARING] = {[RUN_WARMUP] = true,
		[RUN_RUNNING] = true,
		[RUN_DRAINING] = true,
		[RUN_FINISHED] = true},
	[RUN_WARMUP] = {[RUN_RUNNING] = true,
		[RUN_PAUSED] = true,
		[RUN_DRAINING] = true,
		[RUN_FINISHED] = true},
	[RUN_RUNNING] = {[RUN_PAUSED] = true, [RUN_DRAINING] = true, [RUN_FINISHED] = true},
	[RUN_PAUSED] = {[RUN_WARMUP] = true,
		[RUN_RUNNING] = true,
		[RUN_DRAINING] = true,
		[RUN_FINISHED] = true},
	[RUN_DRAINING] = {[RUN_FINISHED] = true},
};

static void run_set_state(struct run *run, enum run_state state)
{
	assert(run_transitions[run->state][state]);
	run->state = state;
	list_for_each_safe (it, &run->observers) {
		struct run_observer *o = container_of(it, struct run_observer, _node);

		if (o->on_state)
			o->on_state(o, run);
	}
}

/* ---------------------------------------------------------------- the end */

static void run_sum_up(struct run *run)
{
	for (unsigned w = 0; w < run->n_started; w++) {
		const struct worker_summary *s = worker_summary(run->workers[w]);

		stats_totals_add(&run->totals, worker_totals(run->workers[w]));
		run_host_add_worker(&run->host, s);
		worker_summary_add(&run->summary, s);
	}
}

static void run_free_workers(struct run *run)
{
	for (unsigned w = 0; w < run->n_started; w++)
		worker_free(run->workers[w]);
	run->n_started = 0;
}

/* A body may have megabytes, and keys and credentials are not needed any more. */
static void run_let_go_of_content(struct run *run)
{
	struct plan *plan = run->plan;

	plan_fini_tls(plan);
	for (size_t i = 0; i < plan->n_requests; i++)
		request_fini(&run->requests[i]);
	plan_forget_content(plan);
}

/* The approximate memory of a JSON value: the value, its place in its parent, its text. */
static size_t run_json_bytes(const json_t *value)
{
	size_t n = RUN_JSON_VALUE_BYTES;
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value))
		return n + json_string_length(value);
	if (json_is_array(value))
		json_array_foreach(value, i, member) n += run_json_bytes(member);
	if (json_is_object(value))
		json_object_foreach((json_t *)value, key, member) n +=
			RUN_JSON_VALUE_BYTES + strlen(key) + run_json_bytes(member);
	return n;
}

/* Many finished runs are kept: data that the result already contains, often megabytes, is freed. */
static void run_let_go(struct run *run)
{
	run_progress(run, &run->last_progress);
	run->timeline = timeline_free(run->timeline);
	stats_totals_fini(&run->totals);
	run_steering_fini(&run->steering);
	run_target_let_go(&run->target);
	run_let_go_of_content(run);
	run->is_let_go = true;
	/* The result was allocated after the memory of the workers, so none of that would return to
	 * the kernel by itself. */
	(void)malloc_trim(0);
}

void run_end(struct run *run)
{
	timer_stop(&run->state_mark);
	timer_stop(&run->limit_mark);
	run_target_stop(&run->target);
	run->ended_unix_ns = clock_unix_ns();
	run->drained_ns = clock_now_ns();
	run_sum_up(run);
	run_note_late_acts(run);
	run_note_kept_back(run);
	run_host_end(&run->host);
	if (run->timeline)
		timeline_finish(run->timeline);
	/* With a count the window ends with the last answer, and includes it. */
	if (run->times.window_end_ns == CLOCK_NEVER)
		run->times.window_end_ns = run->totals.last_done_ns > run->times.window_start_ns
						   ? run->totals.last_done_ns + 1
						   : run->drained_ns;
	run->result = run_result_build(run);
	run->result_bytes = run->result ? run_json_bytes(run->result) : 0;
	if (!run->result) {
		run->outcome = AUDIT_FAILED;
		run->exit_code = EXIT_NO_DAEMON;
		(void)snprintf(run->reason, sizeof(run->reason),
			"out of memory for the result: " MEMORY_REMEDY);
	}
	run_free_workers(run);
	run_set_state(run, RUN_FINISHED);
	run_let_go(run);
	list_for_each_safe (it, &run->observers) {
		struct run_observer *o = container_of(it, struct run_observer, _node);

		if (o->on_finished)
			o->on_finished(o, run);
	}
	run->on_released(run, run->released_arg);
}

/* The run cannot start. Workers that exist already are ended first. */
static void run_fail(struct run *run, enum fault fault, const char *why)
{
	if (run->outcome == AUDIT_COMPLETED) {
		run->outcome = AUDIT_FAILED;
		run->failed_by = fault;
		(void)snprintf(run->reason, sizeof(run->reason), "%s", why);
	}
	for (unsigned w = 0; w < run->n_started; w++)
		worker_abort(run->workers[w]);
	if (run->n_started == 0)
		run_end(run);
}

/* ---------------------------------------------------------------- from the workers */

static void run_on_worker_done(struct worker *w)
{
	struct run *run = worker_owner(w);
	int error = worker_summary(w)->error;
	struct err why = {0};

	if (error) {
		err_set(&why, "%s: %s", fault_table[FAULT_EVENT_LOOP].help, strerror(-error));
		run_fail(run, FAULT_EVENT_LOOP, why.text);
	}
	run_watch_end(run, w);
	if (++run->n_done == run->n_started)
		run_end(run);
	else
		run_watch_sample(run);
}

static void run_on_steered(struct worker *w, const struct schedule *schedule)
{
	struct run *run = worker_owner(w);

	run_steering_heard(&run->steering, schedule, run->n_started);
}

static void run_on_interval(struct worker *w, const struct stats_interval *interval)
{
	struct run *run = worker_owner(w);
	char reason[sizeof(run->reason)];

	(void)timeline_add(run->timeline, worker_index(w), interval);
	if (run_rules_watch(run, reason, sizeof(reason)))
		run_abort(run, reason);
}

static void run_on_pulse(struct worker *w, const struct worker_pulse *pulse)
{
	struct run *run = worker_owner(w);
	uint64_t in_flight = 0;
	uint64_t queue = 0;

	run->pulses[worker_index(w)] = *pulse;
	for (unsigned i = 0; i < run->n_started; i++) {
		in_flight += run->pulses[i].in_flight;
		queue += run->pulses[i].queue;
	}
	timeline_note(run->timeline, clock_now_ns() - run->times.window_start_ns, in_flight, queue);
	run_watch_sample(run);
}

/* The state by the clock; for a run whose workers have received GO. */
static enum run_state run_state_at(const struct run *run, int64_t now_ns)
{
	bool has_warmup = run->times.window_start_ns > run->times.t0_ns;

	if (run->stopped_at_ns > 0 && now_ns >= run->stopped_at_ns)
		return RUN_DRAINING;
	if (now_ns + RUN_LEAD_NS < run->times.t0_ns)
		return RUN_PREPARING;
	if (run_steering_is_paused_at(&run->steering, now_ns))
		return RUN_PAUSED;
	if (now_ns >= run->times.end_ns)
		return RUN_DRAINING;
	return has_warmup && now_ns < run->times.window_start_ns ? RUN_WARMUP : RUN_RUNNING;
}

void run_mark_state(struct run *run)
{
	int64_t now_ns = clock_now_ns();
	enum run_state state = run_state_at(run, now_ns);
	/* During a pause neither the window nor the end comes nearer. */
	int64_t until_ns = run_steering_paused_since(&run->steering);
	const int64_t marks[] = {run->times.t0_ns - RUN_LEAD_NS, run->times.window_start_ns,
		run->times.end_ns, run_steering_next_change(&run->steering, now_ns)};
	int64_t next_ns = run->stopped_at_ns > now_ns ? run->stopped_at_ns : CLOCK_NEVER;

	if (run->state >= RUN_DRAINING)
		return;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (marks[i] > now_ns && marks[i] <= until_ns && marks[i] < next_ns)
			next_ns = marks[i];
	timer_start(&run->marks, &run->state_mark, next_ns);
	/* Requests in progress need no other address. */
	if (state == RUN_DRAINING)
		run_target_stop(&run->target);
	if (state != run->state)
		run_set_state(run, state);
}

/* ---------------------------------------------------------------- going */

static void run_go(struct run *run)
{
	int64_t now_ns = clock_now_ns();
	int64_t t0_ns = now_ns + RUN_LEAD_NS;

	if (run->at_ns > 0 && run->at_ns < t0_ns) {
		run_fail(run, FAULT_NONE, "connecting took until after the instant of its start");
		return;
	}
	if (run->at_ns > 0)
		t0_ns = run->at_ns;
	run->times.t0_ns = t0_ns;
	run->started_unix_ns = clock_unix_ns() + t0_ns - now_ns;
	run_steering_place_window(&run->steering);
	run_host_begin(&run->host);
	sample_start(&run->sample, t0_ns);
	if (run->room.caps.rate > 0)
		pace_init(&run->pace, run->room.caps.rate, t0_ns);
	for (unsigned w = 0; w < run->n_started; w++)
		worker_go(run->workers[w], t0_ns);
	run_limit_from(run, t0_ns);
	run_mark_state(run);
	run_target_go(&run->target, t0_ns);
}

static void run_on_mark(struct timer_queue *q, struct timer *timer)
{
	struct run *run = q->userdata;

	if (timer == &run->limit_mark)
		run_on_limit(run);
	else
		run_mark_state(run);
}

static void run_on_ready(struct worker *w, enum fault fault, const char *why)
{
	struct run *run = worker_owner(w);

	bool is_ours =
		fault == FAULT_TLS_SETUP || fault_table[fault].phase == FAULT_PHASE_GENERATOR;

	/* A server that refuses the connections of one worker may accept those of others. */
	run->n_not_connected += fault != FAULT_NONE;
	if (is_ours || run->n_not_connected == run->n_started) {
		run_fail(run, fault, why);
		return;
	}
	if (++run->n_ready == run->n_started && run->outcome == AUDIT_COMPLETED)
		run_go(run);
}

/* ---------------------------------------------------------------- preparing */

/* Share i of n of a whole, remainders to the first. */
static uint64_t run_share(uint64_t whole, unsigned n, unsigned i)
{
	return whole / n + (i < whole % n);
}

static int run_make_workers(struct run *run)
{
	const struct plan *plan = run->plan;
	const struct run_addresses *addresses = run_target_addresses(&run->target);
	unsigned n = run->admission.n_workers;
	int r = 0;

	run->workers = calloc(n, sizeof(*run->workers));
	run->pulses = calloc(n, sizeof(*run->pulses));
	if (!run->workers || !run->pulses)
		return -ENOMEM;
	r = timeline_new(plan->interval_ns, n, &run->timeline);
	for (unsigned i = 0; i < n && r == 0; i++) {
		struct worker_config c = {
			.main_loop = run->loop,
			.plan = plan,
			.schedule = run_schedule(run),
			.guard = run->guard,
			.requests = run->requests,
			.addresses = addresses->all,
			.n_addresses = addresses->n,
			.index = i,
			.n_workers = n,
			.slice = plan->slice_of > 0 ? plan->slice_index - 1 : 0,
			.n_slices = plan_n_slices(plan),
			.connections = run_share(run->admission.connections, n, i),
			.pace = run->room.caps.rate > 0 ? &run->pace : NULL,
			.is_fixed_pool = run->admission.is_fixed_pool,
			.queue_max = run_share(run->admission.queue, n, i),
			.open_rate = {plan->open_rate.num, plan->open_rate.den * n},
			.on_ready = run_on_ready,
			.on_pulse = run_on_pulse,
			.on_interval = run_on_interval,
			.on_steered = run_on_steered,
			.on_done = run_on_worker_done,
			.owner = run,
		};

		r = worker_new(&c, &run->workers[i]);
		if (r == 0) {
			r = worker_start(run->workers[i]);
			if (r < 0)
				run->workers[i] = worker_free(run->workers[i]);
			else
				run->n_started++;
		}
	}
	return r;
}

/* Does the run fit, now that the server's address is known? 0, -ENOMEM, or REGISTRY_E_UNAVAILABLE
 * with reterr. */
static int run_admit(struct run *run, struct err *reterr)
{
	struct admission_target target;
	int r = run_target_accept(&run->target, &target);

	if (r < 0)
		return r;
	r = admission_check(run->plan, &run->room, &target, &run->admission, reterr);
	if (r == 0 && run->admission.note[0])
		run_add_event(run, "ports", "%s", run->admission.note);
	return r;
}

static void run_on_resolved(struct run_target *target, const struct resolver *resolver)
{
	struct run *run = container_of(target, struct run, target);
	struct err err = {0};
	int r;

	if (resolver->outcome != RESOLVER_OK) {
		run_fail(run, resolver->fault, resolver->err.text);
		return;
	}
	if (resolver->note[0])
		run_add_event(run, "addresses", "%s", resolver->note);
	r = run_admit(run, &err);
	if (r == 0)
		r = run_make_workers(run);
	if (r < 0)
		err_set(&err, "cannot make the workers: %s", strerror(-r));
	/* There were enough descriptors when the run was created: now it must be the ports. */
	if (r != 0)
		run_fail(run, r < 0 ? fault_of_connect_errno(-r) : FAULT_NO_PORTS, err.text);
}

/* A worker for which there is no memory keeps the old ones until they change again. */
static void run_on_addresses(struct run_target *target, const struct run_addresses *now)
{
	struct run *run = container_of(target, struct run, target);

	for (unsigned w = 0; w < run->n_started; w++)
		(void)worker_set_addresses(run->workers[w], now->all, now->n);
}

static void run_on_lookup_event(struct run_target *target, const char *text)
{
	run_add_event(container_of(target, struct run, target), "addresses", "%s", text);
}

void run_start(struct run *run)
{
	run->preparing_ns = clock_now_ns();
	run_set_state(run, RUN_PREPARING);
	run_limit_from(run, run->at_ns > 0 ? run->at_ns : clock_now_ns());
	run_target_resolve(&run->target);
}

/* ---------------------------------------------------------------- life */

static void run_make_uuid(char ret[static 37])
{
	uint8_t b[16] = {0};

	/* It never fails on the systems that rpsd supports, and a run without a unique id is still
	 * a run. */
	if (getrandom(b, sizeof(b), 0) == -1)
		memset(b, 0, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40; /* RFC 9562 section 5.4: version 4, variant 10 */
	b[8] = (b[8] & 0x3f) | 0x80;
	(void)snprintf(ret, 37,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
}

static int run_make_requests(struct run *run)
{
	int r = 0;

	run->requests = calloc(run->plan->n_requests, sizeof(*run->requests));
	if (!run->requests)
		return -ENOMEM;
	for (size_t i = 0; i < run->plan->n_requests && r == 0; i++)
		r = request_init(&run->requests[i], run->plan, i, run->id);
	return r;
}

int run_new(const struct run_config *config, struct run **ret, struct err *reterr)
{
	static const struct admission_target nowhere;
	const struct run_target_config target = {
		.loop = config->loop,
		.plan = config->plan,
		.guard = config->guard,
		.on_resolved = run_on_resolved,
		.on_changed = run_on_addresses,
		.on_event = run_on_lookup_event,
	};
	struct run *run = calloc(1, sizeof(*run));
	int r;

	if (!run) {
		plan_free(config->plan);
		return -ENOMEM;
	}
	run->loop = config->loop;
	run->guard = config->guard;
	run->plan = config->plan;
	run->uid = config->uid;
	run->room = config->room;
	run->on_released = config->on_released;
	run->released_arg = config->released_arg;
	run->created_unix_ns = clock_unix_ns();
	if (run->plan->at_unix_ns > 0)
		run->at_ns = clock_now_ns() + run->plan->at_unix_ns - run->created_unix_ns;
	run->times.window_end_ns = run->times.end_ns = CLOCK_NEVER;
	(void)snprintf(run->id, sizeof(run->id), "%s", config->id);
	(void)snprintf(run->user, sizeof(run->user), "%s", config->user);
	run_make_uuid(run->uuid);
	list_init(&run->registry_node);
	list_init(&run->observers);
	run_steering_init(&run->steering, run->id, run->plan, &run->room.caps, &run->times);
	run_target_init(&run->target, &target);
	timer_init(&run->state_mark);
	timer_init(&run->limit_mark);
	timer_queue_init(&run->marks, run->loop, run_on_mark, run);
	if (run->plan->n_thresholds > 0) {
		run->rule_states = calloc(run->plan->n_thresholds, sizeof(*run->rule_states));
		if (!run->rule_states) {
			run_free(run);
			return -ENOMEM;
		}
	}
	r = stats_totals_init(&run->totals, plan_n_named(run->plan), plan_n_rows(run->plan));
	if (r == 0)
		r = run_make_requests(run);
	if (r == 0)
		r = run_steering_make_schedule(&run->steering);
	/* Admission checks again when the server's address is known; a run that cannot fit in any
	 * case is refused now. */
	if (r == 0)
		r = admission_check(run->plan, &run->room, &nowhere, &run->admission, reterr);
	if (r == 0)
		r = run_target_check_sources(run->plan, reterr);
	if (r != 0) {
		run_free(run);
		return r;
	}
	*ret = run;
	return 0;
}

struct run *run_free(struct run *run)
{
	if (!run)
		return NULL;
	assert(run->n_started == 0);
	list_for_each_safe (it, &run->observers)
		list_remove(it);
	run_target_fini(&run->target);
	timer_queue_fini(&run->marks);
	run_steering_fini(&run->steering);
	free(run->events);
	free(run->rule_states);
	for (size_t i = 0; run->requests && i < run->plan->n_requests; i++)
		request_fini(&run->requests[i]);
	free(run->requests);
	timeline_free(run->timeline);
	stats_totals_fini(&run->totals);
	json_decref(run->result);
	free(run->workers);
	free(run->pulses);
	plan_free(run->plan);
	free(run);
	return NULL;
}

/* ---------------------------------------------------------------- asked from outside */

const char *run_id(const struct run *run)
{
	return run->id;
}

enum run_state run_get_state(const struct run *run)
{
	return run->state;
}

const struct plan *run_plan(const struct run *run)
{
	return run->plan;
}

const char *run_user(const struct run *run)
{
	return run->user;
}

const char *run_outcome(const struct run *run)
{
	return run->state == RUN_FINISHED ? audit_outcome_names[run->outcome] : "";
}

const char *run_reason(const struct run *run)
{
	return run->reason;
}

int run_exit_code(const struct run *run)
{
	return run->exit_code;
}

const json_t *run_result(const struct run *run)
{
	return run->result;
}
