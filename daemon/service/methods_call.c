/* SPDX-License-Identifier: Apache-2.0 */
/* Common parts of the methods: parameters, errors, and the types in the answers of several of them.
 *
 * Parameters are checked by a table before any action: an unknown one is an error too, because a
 * misspelt `run` in Stop would otherwise stop another run. Main thread. */
#include "daemon/service/methods_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/buf.h"
#include "common/control/progress.h"
#include "common/control/varlink.h"
#include "common/json_text.h"
#include "common/plan/plan.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
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

bool methods_check(struct control_connection *call, const struct methods_field *fields)
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

json_t *methods_value(const struct control_connection *call, const char *name)
{
	json_t *value = json_object_get(control_call_parameters(call), name);

	return json_is_null(value) ? NULL : value;
}

const char *methods_text(const struct control_connection *call, const char *name)
{
	return json_string_value(methods_value(call, name));
}

bool methods_flag(const struct control_connection *call, const char *name)
{
	return json_is_true(methods_value(call, name));
}

int methods_set_masked(char **field, const char *text, enum control_role role)
{
	struct buf masked = {0};
	int r = 0;

	if (role >= CONTROL_ADMIN)
		return result_set_text(field, text);
	r = secrets_mask_urls(text, role < CONTROL_OPERATE, &masked);
	if (r == 0)
		r = result_set_text(field, masked.data ? masked.data : "");
	buf_fini(&masked);
	return r;
}

json_t *methods_json_masked(const char *text, enum control_role role)
{
	char *masked = NULL;
	json_t *value = NULL;

	if (methods_set_masked(&masked, text, role) == 0)
		value = json_text(masked);
	free(masked);
	return value;
}

void methods_no_such_run(struct control_connection *call, const char *run)
{
	control_error(call, RPSD_INTERFACE ".NoSuchRun", json_pack("{s:s}", "run", run ? run : ""));
}

void methods_refuse(
	struct control_connection *call, const char *error, const char *what, const char *reason)
{
	const struct control_peer *peer = control_call_peer(call);

	log_trail(peer->uid, peer->pid, NULL, "refused to %s: %s", what, reason);
	control_error(call, error, json_pack("{s:o}", "reason", json_text(reason)));
}

/* ---------------------------------------------------------------- types */

/* "" becomes null. */
static int methods_set_some(char **field, const char *text)
{
	return result_set_text(field, *text ? text : NULL);
}

static int methods_fill_event(const struct run_event *e, struct result_event *to)
{
	to->is = RESULT_IS_THERE;
	to->at_ns = e->at_ns;
	return result_set_text(&to->kind, e->kind) | result_set_text(&to->text, e->text) |
	       methods_set_some(&to->from, e->from) | methods_set_some(&to->to, e->to) |
	       methods_set_some(&to->user, e->user);
}

int methods_add_event(const struct run_event *e, struct result_list *to)
{
	struct result_event *event = result_list_add(&result_event_table, to, NULL);

	return event ? methods_fill_event(e, event) : -ENOMEM;
}

json_t *methods_json_event(const struct run_event *e)
{
	struct result_event event;
	json_t *value = NULL;

	result_table_init(&result_event_table, &event);
	if (methods_fill_event(e, &event) == 0)
		value = result_table_write(&result_event_table, &event);
	result_table_fini(&result_event_table, &event);
	return value;
}

int methods_fill_run(const struct run *run, enum control_role role, struct progress_run *to)
{
	const char *reason = run_reason(run);
	size_t n;
	const struct run_event *e = run_events(run, &n);
	int r = result_set_text(&to->id, run_id(run)) |
		result_set_text(&to->name, run_plan(run)->name) |
		result_set_text(&to->state, run_state_names[run_get_state(run)]) |
		methods_set_some(&to->outcome, run_outcome(run)) |
		(*reason ? methods_set_masked(&to->reason, reason, role)
			 : result_set_text(&to->reason, NULL)) |
		result_set_text(&to->user, run_user(run)) |
		methods_set_masked(&to->target, run_plan(run)->url.text, role);

	to->is = to->ahead.is = RESULT_IS_THERE;
	to->exit_code = run_get_state(run) == RUN_FINISHED ? run_exit_code(run) : RESULT_NULL;
	for (size_t i = 0; i < n && r == 0; i++)
		if (run_event_is_ahead(run, &e[i]))
			r = methods_add_event(&e[i], &to->ahead);
	return r;
}

json_t *methods_json_run(const struct run *run, enum control_role role)
{
	struct progress_run to;
	json_t *value = NULL;

	result_table_init(&progress_run_table, &to);
	if (methods_fill_run(run, role, &to) == 0)
		value = result_table_write(&progress_run_table, &to);
	result_table_fini(&progress_run_table, &to);
	return value;
}

/* ---------------------------------------------------------------- files of a private run */

void methods_unmap_content(struct methods *m)
{
	if (m->content)
		(void)munmap((void *)(uintptr_t)m->content, m->content_len);
	m->content = NULL;
	m->content_len = 0;
}
