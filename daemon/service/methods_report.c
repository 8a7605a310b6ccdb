/* SPDX-License-Identifier: Apache-2.0 */
/* Report: the document of a finished run. Its rows of intervals, up to 4,096, are most of it; who
 * calls with `more` gets them in batches, the next one when the one before has been sent, so that
 * neither side ever holds one long message. The document itself is shared and never changed: what
 * is sent are copies of its top with other parts in them. It outlives its run here.
 *
 * The run file in it is masked as in Show. */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/varlink.h"
#include "daemon/runs/registry.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/secrets.h"

#define METHODS_ROWS_MAX 256 /* of one reply; common/rpsd.varlink says so */

/* Of one call with more, from its first reply to its last. */
struct methods_report {
	struct control_closer closer;
	struct control_call *call;
	json_t *rows; /* all of them */
	size_t next;  /* the first that has not been sent */
};

/* ---------------------------------------------------------------- the document's parts */

/* A copy of object with another value (taken over) under key; NULL when memory ran out. */
static json_t *methods_with(json_t *object, const char *key, json_t *value)
{
	json_t *copy = json_copy(object);

	if (copy && value && json_object_set_new(copy, key, value) == 0)
		return copy;
	if (!copy)
		json_decref(value);
	json_decref(copy);
	return NULL;
}

static json_t *methods_masked_plan(json_t *plan, bool is_stranger)
{
	const char *text = json_string_value(json_object_get(plan, "text"));
	struct buf masked = {0};
	json_t *copy = NULL;

	if (secrets_mask(text ? text : "", text ? strlen(text) : 0, is_stranger, &masked) == 0)
		copy = methods_with(
			plan, "text", methods_json_text(masked.data ? masked.data : ""));
	buf_fini(&masked);
	return copy;
}

static json_t *methods_masked_result(json_t *result, bool is_stranger)
{
	json_t *plan = json_object_get(result, "plan");

	if (!json_is_object(plan))
		return json_incref(result);
	return methods_with(result, "plan", methods_masked_plan(plan, is_stranger));
}

/* {intervals: {rows: […]}} of at most METHODS_ROWS_MAX of them. */
static json_t *methods_some_rows(json_t *rows, size_t from)
{
	json_t *some = json_array();

	for (size_t i = from; i < json_array_size(rows) && i < from + METHODS_ROWS_MAX; i++)
		(void)json_array_append(some, json_array_get(rows, i));
	return some;
}

static json_t *methods_first_part(json_t *result, json_t *intervals, json_t *rows)
{
	return methods_with(
		result, "intervals", methods_with(intervals, "rows", methods_some_rows(rows, 0)));
}

/* ---------------------------------------------------------------- the stream */

static void methods_report_end(struct methods_report *r)
{
	json_decref(r->rows);
	free(r);
}

static void methods_report_on_closed(struct control_closer *closer)
{
	methods_report_end(container_of(closer, struct methods_report, closer));
}

static void methods_report_on_clear(struct control_call *call, void *arg)
{
	struct methods_report *r = arg;
	json_t *part = json_pack("{s:{s:{s:o}}}", "result", "intervals", "rows",
		methods_some_rows(r->rows, r->next));

	r->next += METHODS_ROWS_MAX;
	if (r->next < json_array_size(r->rows)) {
		control_reply_more(call, part);
		return;
	}
	control_closer_cancel(&r->closer);
	control_reply(call, part);
	methods_report_end(r);
}

/* Takes over result. */
static void methods_report_stream(struct control_call *call, json_t *result)
{
	json_t *intervals = json_object_get(result, "intervals");
	json_t *rows = json_object_get(intervals, "rows");
	struct methods_report *r = NULL;

	if (json_array_size(rows) <= METHODS_ROWS_MAX) {
		control_reply(call, json_pack("{s:o}", "result", result));
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		json_decref(result);
		control_reply(call, NULL);
		return;
	}
	r->call = call;
	r->rows = json_incref(rows);
	r->next = METHODS_ROWS_MAX;
	control_closer_init(&r->closer, methods_report_on_closed);
	control_on_close(call, &r->closer);
	control_call_on_clear(call, methods_report_on_clear, r);
	control_reply_more(
		call, json_pack("{s:o}", "result", methods_first_part(result, intervals, rows)));
	json_decref(result);
}

/* ---------------------------------------------------------------- the method */

static void methods_keep_finished(struct run *run, void *arg)
{
	struct run **newest = arg;

	if (run_get_state(run) == RUN_FINISHED)
		*newest = run;
}

void methods_report(struct control_call *call, void *userdata)
{
	static const struct methods_field fields[] = {{"run", METHODS_TEXT}, {0}};
	const struct methods *m = userdata;
	bool is_stranger = control_call_peer(call)->role < CONTROL_OPERATE;
	const char *id = methods_text(call, "run");
	struct run *run = NULL;
	json_t *result;

	if (!methods_check(call, fields))
		return;
	if (!id)
		registry_each(m->config.registry, methods_keep_finished, &run);
	if (!run)
		run = registry_find(m->config.registry, id);
	if (!run) {
		methods_no_such_run(call, id);
		return;
	}
	if (!run_result(run)) {
		control_error(call, RPSD_INTERFACE ".NotFinished",
			json_pack("{s:s, s:s}", "run", run_id(run), "state",
				run_state_names[run_get_state(run)]));
		return;
	}
	/* jansson counts references in what it reads too: no reader changes the document. */
	result = methods_masked_result((json_t *)run_result(run), is_stranger);
	if (!result)
		control_reply(call, NULL);
	else if (control_call_wants_more(call))
		methods_report_stream(call, result);
	else
		control_reply(call, json_pack("{s:o}", "result", result));
}
