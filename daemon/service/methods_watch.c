/* SPDX-License-Identifier: Apache-2.0 */
/* Watch: the progress of a run, as a stream. A watch observes its run and its connection, and is
 * freed by whichever ends first.
 *
 * It sends only when nothing waits to be sent to its reader; news that come meanwhile are counted
 * and the newest is sent when the reader has caught up. So a reader that sleeps costs one message.
 */
#include <stdlib.h>

#include "common/clock.h"
#include "common/json_text.h"
#include "common/plan/plan.h"
#include "common/quantile.h"
#include "daemon/runs/registry.h"
#include "daemon/service/methods_call.h"

#define METHODS_EVENTS_MAX 16 /* the newest ones are shown */

struct methods_watch {
	struct run_observer observer;
	struct control_closer closer;
	struct control_call *call;
	struct run *run;
	bool has_news; /* that the reader has not been sent */
	uint64_t skipped;
};

static json_t *methods_json_ns(int64_t ns)
{
	return ns == QUANTILE_NONE || ns == CLOCK_NEVER ? json_null() : json_integer(ns);
}

static json_t *methods_json_last(const struct run_progress *p)
{
	if (p->last_width_ns == 0)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "width_ns",
		(json_int_t)p->last_width_ns, "planned", (json_int_t)p->last_planned, "sent",
		(json_int_t)p->last_sent, "ok", (json_int_t)p->last_ok, "failed",
		(json_int_t)p->last_failed, "p50_ns", methods_json_ns(p->last_p50_ns), "p99_ns",
		methods_json_ns(p->last_p99_ns), "max_ns", methods_json_ns(p->last_max_ns),
		"our_delay_p99_ns", methods_json_ns(p->last_our_delay_p99_ns));
}

static json_t *methods_json_stage(const struct run_progress *p)
{
	if (p->stage == 0)
		return json_null();
	return json_pack("{s:i, s:i, s:s}", "number", (int)p->stage, "of", (int)p->n_stages, "text",
		p->stage_text);
}

static json_t *methods_json_events(const struct run *run)
{
	json_t *all = json_array();
	size_t n;
	const struct run_event *e = run_events(run, &n);

	for (size_t i = n > METHODS_EVENTS_MAX ? n - METHODS_EVENTS_MAX : 0; i < n; i++)
		(void)json_array_append_new(all, methods_json_event(&e[i]));
	return all;
}

static json_t *methods_json_progress(const struct run *run, enum control_role role)
{
	const struct plan *plan = run_plan(run);
	bool open = plan->model == PLAN_OPEN;
	struct run_progress p = {0};
	uint64_t ok;

	run_progress(run, &p);
	ok = p.ledger.classes[LEDGER_OK];
	return json_pack(
		"{s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:f, "
		"s:o, s:o, s:o, s:o, s:o, s:o}",
		"run", methods_json_run(run, role), "elapsed_ns", (json_int_t)p.elapsed_ns,
		"total_ns", methods_json_ns(p.total_ns), "requests",
		plan->n_arrivals && plan_n_slices(plan) == 1
			? json_integer((json_int_t)plan->n_arrivals)
			: json_null(),
		"asked_per_s", open ? json_real(p.asked_per_s) : json_null(), "planned",
		(json_int_t)p.ledger.planned, "sent", (json_int_t)p.ledger.sent, "ok",
		(json_int_t)ok, "failed", (json_int_t)(ledger_resolved(&p.ledger) - ok),
		"in_flight", (json_int_t)p.in_flight, "queue", (json_int_t)p.queue, "connections",
		(json_int_t)p.connections, "connections_limit", (json_int_t)p.connections_limit,
		"oldest_ns", methods_json_ns(p.oldest_ns), "silent_ns",
		methods_json_ns(p.silent_ns), "cpu_share", p.cpu_share, "stage",
		methods_json_stage(&p), "last", methods_json_last(&p), "p50_ns",
		methods_json_ns(p.p50_ns), "p99_ns", methods_json_ns(p.p99_ns), "our_delay_p99_ns",
		methods_json_ns(p.our_delay_p99_ns), "events", methods_json_events(run));
}

static json_t *methods_json_watch(
	const struct run *run, const struct control_call *call, uint64_t skipped)
{
	return json_pack("{s:o, s:I}", "progress",
		methods_json_progress(run, control_call_peer(call)->role), "skipped",
		(json_int_t)skipped);
}

static void methods_watch_send(struct methods_watch *w)
{
	control_reply_more(w->call, methods_json_watch(w->run, w->call, w->skipped));
	w->has_news = false;
	w->skipped = 0;
}

static void methods_watch_on_news(struct run_observer *o, struct run *run)
{
	struct methods_watch *w = container_of(o, struct methods_watch, observer);

	if (run_get_state(run) == RUN_FINISHED)
		return; /* said by the final reply */
	if (control_call_is_clear(w->call)) {
		methods_watch_send(w);
		return;
	}
	w->skipped += w->has_news;
	w->has_news = true;
}

static void methods_watch_on_clear(struct control_call *call, void *arg)
{
	struct methods_watch *w = arg;

	(void)call;
	if (w->has_news)
		methods_watch_send(w);
}

static void methods_watch_on_finished(struct run_observer *o, struct run *run)
{
	struct methods_watch *w = container_of(o, struct methods_watch, observer);

	run_unobserve(&w->observer);
	control_closer_cancel(&w->closer);
	control_reply(w->call, methods_json_watch(run, w->call, w->skipped + w->has_news));
	free(w);
}

static void methods_watch_on_closed(struct control_closer *closer)
{
	struct methods_watch *w = container_of(closer, struct methods_watch, closer);

	run_unobserve(&w->observer);
	free(w);
}

void methods_watch(struct control_call *call, void *userdata)
{
	static const struct methods_field fields[] = {{"run", METHODS_TEXT}, {0}};
	const struct methods *m = userdata;
	const char *id = methods_text(call, "run");
	struct methods_watch *w;
	struct run *run;

	if (!methods_check(call, fields))
		return;
	run = registry_find(m->config.registry, id);
	if (!run) {
		methods_no_such_run(call, id);
		return;
	}
	if (!control_call_wants_more(call) || run_get_state(run) == RUN_FINISHED) {
		control_reply(call, methods_json_watch(run, call, 0));
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		control_reply(call, NULL);
		return;
	}
	w->call = call;
	w->run = run;
	run_observer_init(&w->observer);
	w->observer.on_state = methods_watch_on_news;
	w->observer.on_interval = methods_watch_on_news;
	w->observer.on_finished = methods_watch_on_finished;
	run_observe(run, &w->observer);
	control_closer_init(&w->closer, methods_watch_on_closed);
	control_on_close(call, &w->closer);
	control_call_on_clear(call, methods_watch_on_clear, w);
	methods_watch_send(w);
}
