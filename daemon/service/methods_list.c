/* SPDX-License-Identifier: Apache-2.0 */
/* List: the named runs of runs.d, each with what it does or why it cannot. Each file is read and
 * planned as Start would, so what List calls good can be started; but files that a run refers to
 * are only looked for: their content changes no line of the list, and anybody may ask for it.
 *
 * A problem quotes what it complains of, which may be a secret: who may not operate is told the
 * place alone. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/plan.h"
#include "common/str.h"
#include "common/varlink.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/methods_material.h"

#define METHODS_RUN_SUFFIX ".ini"

static int methods_is_run_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(d->d_name, METHODS_RUN_SUFFIX);
}

/* By bytes, as rpsd.conf.d is read. */
static int methods_compare_files(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The type Listed; problem NULL: none. */
static json_t *methods_json_listed(
	const char *name, const char *target, const char *summary, const char *problem)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "name", methods_json_text(name), "target",
		methods_json_text(target), "summary", methods_json_text(summary), "problem",
		methods_json_text_or_null(problem));
}

/* There is at least one. */
static json_t *methods_list_problem(
	const char *name, const struct methods_material *material, bool is_stranger)
{
	const char *text = material->problems.texts[0];
	size_t place = strlen(material->path);
	struct buf hidden = {0};
	json_t *listed;

	if (!is_stranger)
		return methods_json_listed(name, "", "", text);
	if (strncmp(text, material->path, place) == 0)
		place += strspn(text + place, ":0123456789");
	else
		place = 0;
	if (buf_printf(&hidden, "%.*s%snot valid; who may operate sees why", (int)place, text,
		    place ? " " : "") < 0)
		return NULL;
	listed = methods_json_listed(name, "", "", hidden.data);
	buf_fini(&hidden);
	return listed;
}

static json_t *methods_list_plan(const struct plan *plan)
{
	struct buf summary = {0};
	json_t *listed = NULL;

	if (plan_summary(plan, &summary) == 0)
		listed = methods_json_listed(plan->name, plan->url.text, summary.data, NULL);
	buf_fini(&summary);
	return listed;
}

/* NULL: no memory; null: the file is gone again. */
static json_t *methods_list_run(const char *dir, const char *name, bool is_stranger)
{
	struct methods_material *material = calloc(1, sizeof(*material));
	struct plan *plan = NULL;
	json_t *listed = NULL;
	int r;

	if (!material)
		return NULL;
	r = methods_read_named(material, dir, name, METHODS_LOOK);
	if (r == 0)
		r = plan_build(name, &material->doc, material->text, material->files,
			material->n_files, &plan, &material->problems);
	if (r < 0 && r != -ENOENT && material->problems.n == 0)
		problems_add(&material->problems, material->path, 0, "%s", strerror(-r));
	if (r == -ENOENT)
		listed = json_null();
	else if (plan)
		listed = methods_list_plan(plan);
	else if (r != -ENOMEM && material->problems.cap > 0)
		listed = methods_list_problem(name, material, is_stranger);
	plan_free(plan);
	methods_material_fini(material);
	return listed;
}

static json_t *methods_list_file(const char *dir, const char *file, bool is_stranger)
{
	char *name = strndup(file, strlen(file) - strlen(METHODS_RUN_SUFFIX));
	json_t *listed = NULL;

	if (name && str_is_name(name))
		listed = methods_list_run(dir, name, is_stranger);
	else if (name)
		listed = methods_json_listed(name, "", "",
			"this is not a name for a run: letters, digits, '_', '-' and '.', at most "
			"64, not first '-'");
	free(name);
	return listed;
}

/* []Listed, or NULL with -errno in ret. */
static json_t *methods_list_dir(const char *dir, bool is_stranger, int *ret)
{
	struct dirent **entries = NULL;
	json_t *plans = json_array();
	int n = scandir(dir, &entries, methods_is_run_file, methods_compare_files);

	*ret = 0;
	if (n == -1 && errno != ENOENT)
		*ret = -errno;
	for (int i = 0; i < n; i++) {
		json_t *listed = NULL;

		if (*ret == 0)
			listed = methods_list_file(dir, entries[i]->d_name, is_stranger);
		if (*ret == 0 && !json_is_null(listed) && json_array_append_new(plans, listed) < 0)
			*ret = -ENOMEM;
		free(entries[i]);
	}
	free(entries);
	if (*ret == 0)
		return plans;
	json_decref(plans);
	return NULL;
}

void methods_list(struct control_call *call, void *userdata)
{
	static const struct methods_field fields[] = {{0}};
	const struct methods *m = userdata;
	bool is_stranger = control_call_peer(call)->role < CONTROL_OPERATE;
	json_t *plans;
	int r;

	if (!methods_check(call, fields))
		return;
	plans = methods_list_dir(m->config.runs_dir, is_stranger, &r);
	if (r == 0 || r == -ENOMEM)
		control_reply(call, plans ? json_pack("{s:o}", "plans", plans) : NULL);
	else
		methods_refuse(
			call, RPSD_INTERFACE ".Unavailable", "list the named runs", strerror(-r));
}
