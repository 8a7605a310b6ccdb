/* SPDX-License-Identifier: Apache-2.0 */
/* Watch: the progress of a run, as a stream. A watch observes its run and its connection, and is
 * freed by whichever ends first.
 *
 * It sends only when there is no unsent output for its reader; meanwhile only the fact of news is
 * recorded, and the newest state is sent when the reader has caught up. So a reader that does not
 * read costs one message. */
#include <stdlib.h>

#include "common/control/progress.h"
#include "daemon/runs/registry.h"
#include "daemon/runs/run_rules.h"
#include "daemon/service/methods_call.h"

#define METHODS_EVENTS_MAX 16 /* the newest ones are shown */

struct methods_watch {
	struct run_observer observer;
	struct control_closer closer;
	struct control_connection *call;
	struct run *run;
	bool has_news; /* there is news that the reader has not been sent */
	uint64_t skipped;
};

static int methods_fill_events(const struct run *run, struct result_list *to)
{
	size_t n;
	const struct run_event *e = run_events(run, &n);
	int r = 0;

	to->is = RESULT_IS_THERE;
	for (size_t i = n > METHODS_EVENTS_MAX ? n - METHODS_EVENTS_MAX : 0; i < n; i++)
		r |= methods_add_event(&e[i], to);
	return r;
}

static json_t *methods_json_watch(
	const struct run *run, const struct control_connection *call, uint64_t skipped)
{
	struct progress p;
	json_t *answer = NULL;

	if (run_progress(run, &p) == 0 &&
		methods_fill_run(run, control_call_peer(call)->role, &p.run) == 0 &&
		methods_fill_events(run, &p.events) == 0 && run_rules_fill(run, &p.rules) == 0)
		answer = progress_write(&p, skipped);
	progress_fini(&p);
	return answer;
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
		return; /* the final reply reports it */
	if (control_call_is_clear(w->call)) {
		methods_watch_send(w);
		return;
	}
	w->skipped += w->has_news;
	w->has_news = true;
}

static void methods_watch_on_clear(struct control_connection *call, void *arg)
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

void methods_watch(struct control_connection *call, void *userdata)
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
