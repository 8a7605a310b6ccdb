/* SPDX-License-Identifier: Apache-2.0 */
/* Report: the document of a finished run. Its rows of intervals, up to 4,096, are most of it; a
 * call with `more` gets them in batches, the next one when the one before has been sent, so that
 * neither side ever has one long message in memory. The document itself is shared and never
 * changed: replies are copies of its top level with other parts in them. It may outlive its run
 * here.
 *
 * The run file in it is masked as in Show; URLs, labels and examples depending on the caller. */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/json_text.h"
#include "common/str.h"
#include "daemon/runs/registry.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/secrets.h"

#define METHODS_CHECK "check-" /* prefix of the names of failed checks */
#define METHODS_ROWS_MAX 256   /* of one reply; common/control/rpsd.varlink says so */

/* The state of one call with more, from its first reply to its last. */
struct methods_report {
	struct control_closer closer;
	struct control_connection *call;
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

/* ---------------------------------------------------------------- what a role may see */

static json_t *methods_masked(json_t *value, enum control_role role);

/* The example of a failed check quotes the expected and the actual text. */
static bool methods_may_see_example(const char *example, enum control_role role)
{
	return role >= CONTROL_OPERATE && !secrets_tells(example);
}

/* The position of the example in "check-header (EXAMPLE" and the like; NULL: there is none, or it
 * may be seen. */
static const char *methods_find_example(const char *text, enum control_role role)
{
	const char *class = strstr(text, METHODS_CHECK);
	const char *example = class ? strstr(class, " (") : NULL;

	return example && !methods_may_see_example(example, role) ? example + 2 : NULL;
}

/* All return a new reference, to value itself if it may be seen as it is; NULL: no memory. */
static json_t *methods_masked_text(json_t *value, enum control_role role)
{
	const char *example = methods_find_example(json_string_value(value), role);
	json_t *masked;

	if (example)
		return json_sprintf("%.*s***)", (int)(example - json_string_value(value)),
			json_string_value(value));
	if (!strpbrk(json_string_value(value), "?#;@"))
		return json_incref(value);
	masked = methods_json_masked(json_string_value(value), role);
	if (masked && json_equal(masked, value)) {
		json_decref(masked);
		return json_incref(value);
	}
	return masked;
}

static json_t *methods_masked_array(json_t *array, enum control_role role)
{
	json_t *copy = json_incref(array);
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		json_t *masked = methods_masked(item, role);

		if (masked == item) {
			json_decref(masked);
			continue;
		}
		if (copy == array) {
			json_decref(copy);
			copy = json_copy(array);
		}
		if (!copy || !masked || json_array_set_new(copy, i, masked) < 0) {
			json_decref(copy);
			return NULL;
		}
	}
	return copy;
}

static json_t *methods_masked_object(json_t *object, enum control_role role)
{
	json_t *copy = json_incref(object);
	const char *key;
	json_t *item;

	json_object_foreach(object, key, item)
	{
		json_t *masked = methods_masked(item, role);

		if (masked == item) {
			json_decref(masked);
			continue;
		}
		if (copy == object) {
			json_decref(copy);
			copy = json_copy(object);
		}
		if (!copy || !masked || json_object_set_new(copy, key, masked) < 0) {
			json_decref(copy);
			return NULL;
		}
	}
	return copy;
}

/* Masks all URLs in it, at any depth. */
static json_t *methods_masked(json_t *value, enum control_role role)
{
	if (json_is_string(value))
		return methods_masked_text(value, role);
	if (json_is_array(value))
		return methods_masked_array(value, role);
	return json_is_object(value) ? methods_masked_object(value, role) : json_incref(value);
}

/* Masks the texts of labels; their names stay. */
static json_t *methods_masked_labels(const json_t *labels, enum control_role role)
{
	json_t *copy = json_object();
	const char *name;
	json_t *text;

	json_object_foreach((json_t *)labels, name, text)(void) json_object_set_new(copy, name,
		role < CONTROL_OPERATE || secrets_tells(name) ? json_string("***")
							      : json_incref(text));
	return copy;
}

static json_t *methods_masked_errors(json_t *errors, enum control_role role)
{
	json_t *copy = json_array();
	json_t *one;
	size_t i;

	json_array_foreach(errors, i, one)
	{
		const char *class = json_string_value(json_object_get(one, "class"));
		const char *example = json_string_value(json_object_get(one, "example"));
		bool is_hidden = class && example && str_starts(class, METHODS_CHECK) &&
				 !methods_may_see_example(example, role);

		(void)json_array_append_new(
			copy, is_hidden ? methods_with(one, "example", json_string("***"))
					: json_incref(one));
	}
	return copy;
}

/* A masked text could be guessed from its digest. The digest covers overlays and settings, too: so
 * an operator gets it only if all of the text is shown and the rest has come from the same user. */
static json_t *methods_masked_plan(json_t *plan, enum control_role role, bool is_own)
{
	const char *text = json_string_value(json_object_get(plan, "text"));
	struct buf masked = {0};
	json_t *copy = NULL;
	bool is_whole;

	if (secrets_mask(text ? text : "", text ? strlen(text) : 0, role < CONTROL_OPERATE,
		    &masked) == 0)
		copy = methods_with(plan, "text", json_text(masked.data ? masked.data : ""));
	is_whole = text && masked.data && str_eq(text, masked.data);
	buf_fini(&masked);
	if (copy && role < CONTROL_ADMIN && (role < CONTROL_OPERATE || !is_own || !is_whole))
		(void)json_object_set_new(copy, "sha256", json_null());
	return copy;
}

/* Takes over value; NULL where it or the object is. */
static json_t *methods_replace(json_t *object, const char *key, json_t *value)
{
	json_t *copy = object ? methods_with(object, key, value) : NULL;

	if (!object)
		json_decref(value);
	json_decref(object);
	return copy;
}

/* is_own: the caller has started the run. Only these members contain text from outside; the others
 * are figures, and long. */
static json_t *methods_masked_result(json_t *result, enum control_role role, bool is_own)
{
	static const char *const texts[] = {"run", "headline", "plan", "errors", "redirects",
		"requests", "generator", "events", "slowest"};
	json_t *plan = methods_masked_plan(json_object_get(result, "plan"), role, is_own);
	json_t *masked = methods_replace(json_incref(result), "plan", plan);
	json_t *run;

	for (size_t i = 0; role < CONTROL_ADMIN && i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *member = json_object_get(masked, texts[i]);

		if (member)
			masked = methods_replace(masked, texts[i], methods_masked(member, role));
	}
	if (!masked || role >= CONTROL_ADMIN)
		return masked;
	run = json_object_get(masked, "run");
	run = methods_with(
		run, "labels", methods_masked_labels(json_object_get(run, "labels"), role));
	masked = methods_replace(masked, "run", run);
	return methods_replace(
		masked, "errors", methods_masked_errors(json_object_get(masked, "errors"), role));
}

/* ---------------------------------------------------------------- the rows */

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

static void methods_report_on_clear(struct control_connection *call, void *arg)
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
static void methods_report_stream(struct control_connection *call, json_t *result)
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

void methods_report(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{"run", METHODS_TEXT}, {0}};
	const struct methods *m = userdata;
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
	if (!run_result(run) && run_get_state(run) == RUN_FINISHED) {
		control_error(call, RPSD_INTERFACE ".Unavailable",
			json_pack("{s:s}", "reason", run_reason(run)));
		return;
	}
	if (!run_result(run)) {
		control_error(call, RPSD_INTERFACE ".NotFinished",
			json_pack("{s:s, s:s}", "run", run_id(run), "state",
				run_state_names[run_get_state(run)]));
		return;
	}
	/* jansson counts references in what it reads too: no reader changes the document. */
	result = methods_masked_result((json_t *)run_result(run), control_call_peer(call)->role,
		str_eq(run_user(run), control_call_user(call)));
	if (!result)
		control_reply(call, NULL);
	else if (control_call_wants_more(call))
		methods_report_stream(call, result);
	else
		control_reply(call, json_pack("{s:o}", "result", result));
}
