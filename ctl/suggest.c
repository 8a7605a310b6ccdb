/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of rpsctl take two kinds of names: those of run files in the service's runs.d, and ids
 * of runs, which are such a name with a number. For a name of the wrong kind, or a mistyped one,
 * the message suggests what exists; that costs one more call to the service, which is only made in
 * this case. */
#include "ctl/suggest.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/control/varlink.h"
#include "common/err.h"
#include "common/json_path.h"
#include "common/str.h"
#include "ctl/client.h"
#include "ctl/options.h"

#define NAMES_MAX 1000u

/* A new reference to what List or Status answers, or NULL. */
static json_t *suggest_ask(const struct options *o, bool is_plan, struct buf *ret_place)
{
	struct client client = {.fd = -1};
	struct client_answer answer = {0};
	struct err err = {0};
	json_t *known = NULL;

	if (client_connect(&client, o, true, &err))
		return NULL;
	if (client_call(&client, is_plan ? "List" : "Status", NULL, &answer) == 0 && !answer.error)
		known = json_incref(json_object_get(answer.parameters, is_plan ? "plans" : "runs"));
	if (known && is_plan)
		(void)buf_puts(ret_place, json_path_text(answer.parameters, "directory"));
	client_answer_fini(&answer);
	client_close(&client);
	return known;
}

/* "talk" is nearly the newest of its runs: talk-9, and not talk-10-1. */
static const char *suggest_numbered(const char *const *words, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = n; i-- > 0;) {
		const char *number = words[i] + len + 1;

		if (str_starts(words[i], name) && words[i][len] == '-' && *number &&
			number[strspn(number, "0123456789")] == '\0')
			return words[i];
	}
	return NULL;
}

enum suggest_known suggest_find(const struct options *o, bool is_plan, const char *name,
	struct buf *ret, struct buf *ret_place)
{
	json_t *known = suggest_ask(o, is_plan, ret_place);
	enum suggest_known found = SUGGEST_NOT;
	const char *words[NAMES_MAX];
	const char *near = NULL;
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(known) && n < NAMES_MAX; i++) {
		words[n] = json_path_text(json_array_get(known, i), is_plan ? "name" : "id");
		if (str_eq(words[n++], name))
			found = SUGGEST_EXACTLY;
	}
	if (found == SUGGEST_NOT && !is_plan)
		near = suggest_numbered(words, n, name);
	if (found == SUGGEST_NOT && !near)
		near = str_nearest(name, words, n);
	if (near && buf_puts(ret, near) == 0)
		found = SUGGEST_NEARLY;
	json_decref(known);
	return found;
}

void suggest_explain(const struct options *o, const char *method, const char *name, struct buf *ret)
{
	bool is_plan = str_eq(method, "Start") || str_eq(method, "Show");
	struct buf near = {0}, place = {0};
	enum suggest_known known = suggest_find(o, is_plan, name, &near, &place);
	const char *where = place.len ? place.data : "the service's runs.d";

	(void)buf_puts(ret, "rpsctl: no such run");
	if (is_plan)
		(void)buf_printf(ret, " in %s", where);
	(void)buf_printf(ret, ": %s; ", name);
	if (known == SUGGEST_NEARLY)
		(void)buf_printf(ret, "did you mean %s?\n", near.data);
	else
		(void)buf_printf(
			ret, "rpsctl %s lists the known ones\n", is_plan ? "list" : "status");
	buf_fini(&place);
	buf_fini(&near);
}

/* No run was named, and there is none. */
static void suggest_explain_none(const struct options *o, struct buf *ret)
{
	(void)buf_printf(ret,
		"rpsctl: %s: the service has no run; rpsctl start NAME starts one (rpsctl list "
		"shows the names), %s\n",
		o->command,
		str_eq(o->command, "report") ? "rpsctl report FILE.json shows a result's file"
					     : "rpsctl URL runs without the service");
}

int suggest_explain_answer(
	const struct options *o, const char *method, const struct client_answer *a, struct buf *ret)
{
	const char *run = json_string_value(json_object_get(a->parameters, "run"));
	struct buf known = {0};
	int status = client_explain(a, &known);

	if (str_eq(a->error, RPSD_INTERFACE ".NoSuchRun") && run && *run)
		suggest_explain(o, method, run, ret);
	else if (str_eq(a->error, RPSD_INTERFACE ".NoSuchRun"))
		suggest_explain_none(o, ret);
	else
		(void)buf_puts(ret, known.data ? known.data : "");
	buf_fini(&known);
	return status;
}
