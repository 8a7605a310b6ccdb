/* SPDX-License-Identifier: Apache-2.0 */
/* What the methods share: parameters, errors, and the types that several of them answer with.
 *
 * Parameters are checked against a table before anything is done: an unknown one is an error too,
 * because a misspelt `run` in Stop would otherwise stop another run. Main thread. */
#include "daemon/service/methods_call.h"

#include <string.h>
#include <sys/mman.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/json_text.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "common/url.h"
#include "daemon/runs/run.h"
#include "daemon/service/log.h"
#include "daemon/service/secrets.h"

/* ---------------------------------------------------------------- parameters and errors */

static bool methods_is_of_type(const json_t *value, enum methods_type type)
{
	switch (type) {
	case METHODS_TEXT:
		return json_is_string(value);
	case METHODS_BOOL:
		return json_is_boolean(value);
	case METHODS_ARRAY:
		return json_is_array(value);
	}
	return false;
}

bool methods_check(struct control_call *call, const struct methods_field *fields)
{
	json_t *parameters = control_call_parameters(call);
	const char *key;
	json_t *value;

	json_object_foreach(parameters, key, value)
	{
		const struct methods_field *f = fields;

		if (varlink_is_for_all(key))
			continue;
		while (f->name && !str_eq(f->name, key))
			f++;
		if (f->name && (json_is_null(value) || methods_is_of_type(value, f->type)))
			continue;
		control_error_parameter(call, key);
		return false;
	}
	return true;
}

json_t *methods_value(const struct control_call *call, const char *name)
{
	json_t *value = json_object_get(control_call_parameters(call), name);

	return json_is_null(value) ? NULL : value;
}

const char *methods_text(const struct control_call *call, const char *name)
{
	return json_string_value(methods_value(call, name));
}

bool methods_flag(const struct control_call *call, const char *name)
{
	return json_is_true(methods_value(call, name));
}

json_t *methods_json_masked(const char *text, enum control_role role)
{
	struct buf masked = {0};
	json_t *value = NULL;

	if (role >= CONTROL_ADMIN)
		return json_text(text);
	if (secrets_mask_urls(text, role < CONTROL_OPERATE, &masked) == 0)
		value = json_text(masked.data ? masked.data : "");
	buf_fini(&masked);
	return value;
}

json_t *methods_json_text_or_null(const char *text)
{
	return text && *text ? json_text(text) : json_null();
}

void methods_no_such_run(struct control_call *call, const char *run)
{
	control_error(call, RPSD_INTERFACE ".NoSuchRun", json_pack("{s:s}", "run", run ? run : ""));
}

void methods_refuse(
	struct control_call *call, const char *error, const char *what, const char *reason)
{
	const struct control_peer *peer = control_call_peer(call);

	log_trail(peer->uid, peer->pid, NULL, "refused to %s: %s", what, reason);
	control_error(call, error, json_pack("{s:o}", "reason", json_text(reason)));
}

/* ---------------------------------------------------------------- types */

json_t *methods_json_event(const struct run_event *e)
{
	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o}", "at_ns", (json_int_t)e->at_ns, "kind",
		e->kind, "text", json_text(e->text), "from", methods_json_text_or_null(e->from),
		"to", methods_json_text_or_null(e->to), "user", methods_json_text_or_null(e->user));
}

static json_t *methods_json_ahead(const struct run *run)
{
	json_t *all = json_array();
	size_t n;
	const struct run_event *e = run_events(run, &n);

	for (size_t i = 0; i < n; i++)
		if (run_event_is_ahead(run, &e[i]))
			(void)json_array_append_new(all, methods_json_event(&e[i]));
	return all;
}

json_t *methods_json_run(const struct run *run, enum control_role role)
{
	bool finished = run_get_state(run) == RUN_FINISHED;
	const struct plan *plan = run_plan(run);
	const char *reason = run_reason(run);

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", run_id(run), "name",
		plan->name, "state", run_state_names[run_get_state(run)], "outcome",
		methods_json_text_or_null(run_outcome(run)), "reason",
		*reason ? methods_json_masked(reason, role) : json_null(), "user",
		json_text(run_user(run)), "target", methods_json_masked(plan->url.text, role),
		"exit_code", finished ? json_integer(run_exit_code(run)) : json_null(), "ahead",
		methods_json_ahead(run));
}

/* ---------------------------------------------------------------- files of a private run */

void methods_unmap_content(struct methods *m)
{
	if (m->content)
		(void)munmap((void *)(uintptr_t)m->content, m->content_len);
	m->content = NULL;
	m->content_len = 0;
}
