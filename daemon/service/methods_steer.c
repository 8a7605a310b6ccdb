/* SPDX-License-Identifier: Apache-2.0 */
/* Set, Pause, Resume and Next: steering acts on a run in progress. Each answers with its event,
 * which has the instant at which it takes effect, and writes a line to the audit log, as a refusal
 * does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/control/varlink.h"
#include "common/err.h"
#include "common/plan/plan_values.h"
#include "common/str.h"
#include "daemon/runs/registry.h"
#include "daemon/service/log.h"
#include "daemon/service/methods_call.h"

/* The newest run in progress, if no run is named. NULL: the call has been answered. */
static struct run *methods_steer_find(const struct methods *m, struct control_connection *call)
{
	const char *id = methods_text(call, "run");
	struct run *run = registry_find(m->config.registry, id);

	if (!run)
		methods_no_such_run(call, id);
	if (run && run_get_state(run) == RUN_FINISHED) {
		control_error(
			call, RPSD_INTERFACE ".Finished", json_pack("{s:s}", "run", run_id(run)));
		return NULL;
	}
	return run;
}

static void methods_steer_refuse(
	struct control_connection *call, struct run *run, const char *verb, const char *reason)
{
	char what[160];

	(void)snprintf(what, sizeof(what), "%s %s", verb, run_id(run));
	methods_refuse(call, RPSD_INTERFACE ".Refused", what, reason);
}

static void methods_steer(
	struct control_connection *call, struct run *run, const char *verb, struct run_order *order)
{
	const struct control_peer *peer = control_call_peer(call);
	const struct run_event *event = NULL;
	struct err err = {0};
	char user[64];
	int r;

	(void)snprintf(user, sizeof(user), "%s", control_call_user(call));
	order->user = user;
	r = run_steer(run, order, &event, &err);
	if (r == RUN_E_REFUSED) {
		methods_steer_refuse(call, run, verb, err.text);
		return;
	}
	if (r < 0) {
		control_reply(call, NULL);
		return;
	}
	log_trail(peer->uid, peer->pid, run_id(run), "%s", event->text);
	control_reply(call,
		json_pack("{s:s, s:o}", "run", run_id(run), "event", methods_json_event(event)));
}

/* ---------------------------------------------------------------- Set */

/* The one setting there is. False: the call has been answered. */
static bool methods_set_read(
	struct control_connection *call, struct run *run, struct run_order *order)
{
	json_t *settings = methods_value(call, "settings");
	const json_t *one = json_array_get(settings, 0);
	const char *key = json_string_value(json_object_get(one, "key"));
	const char *value = json_string_value(json_object_get(one, "value"));
	struct err err = {0};
	char text[200];

	if (json_array_size(settings) != 1 || !key || !value) {
		control_error_parameter(call, "settings");
		return false;
	}
	if (!str_eq(key, "rate")) {
		(void)snprintf(text, sizeof(text),
			"'%.60s' cannot be set while it runs: only rate can", key);
		methods_steer_refuse(call, run, "set", text);
		return false;
	}
	if (plan_parse_new_rate(value, &order->rate, &order->is_scale, &err)) {
		methods_steer_refuse(call, run, "set", err.text);
		return false;
	}
	return true;
}

void methods_set(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {
		{"run", METHODS_TEXT}, {"settings", METHODS_ARRAY}, {0}};
	const struct methods *m = userdata;
	struct run_order order = {.act = RUN_SET_RATE};
	struct run *run;

	if (!methods_check(call, fields))
		return;
	run = methods_steer_find(m, call);
	if (!run || !methods_set_read(call, run, &order))
		return;
	methods_steer(call, run, "set", &order);
}

/* ---------------------------------------------------------------- Pause, Resume, Next */

static void methods_steer_plainly(struct control_connection *call, const struct methods *m,
	enum run_act act, const char *verb)
{
	static const struct methods_field fields[] = {{"run", METHODS_TEXT}, {0}};
	struct run_order order = {.act = act};
	struct run *run;

	if (!methods_check(call, fields))
		return;
	run = methods_steer_find(m, call);
	if (run)
		methods_steer(call, run, verb, &order);
}

void methods_pause(struct control_connection *call, void *userdata)
{
	methods_steer_plainly(call, userdata, RUN_PAUSE, "pause");
}

void methods_resume(struct control_connection *call, void *userdata)
{
	methods_steer_plainly(call, userdata, RUN_RESUME, "resume");
}

void methods_next(struct control_connection *call, void *userdata)
{
	methods_steer_plainly(call, userdata, RUN_NEXT, "go on with");
}
