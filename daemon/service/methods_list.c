/* SPDX-License-Identifier: Apache-2.0 */
/* List: the named runs of runs.d, each with its summary or its problem. Each file is read and
 * planned as in Start, so a run that List calls good can be started; but for files that a run
 * refers to only the existence is checked: their content changes no line of the list, and every
 * user may call List.
 *
 * Every user may also call it often. So the result for a file is cached until the file changes, and
 * a long list is made in parts, between which other users are answered. The visible part of a file
 * depends on the caller: a row is cached for each role. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/control/varlink.h"
#include "common/file.h"
#include "common/json_text.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/methods_inputs.h"

#define METHODS_RUN_SUFFIX ".ini"

#define METHODS_LIST_PART_NS NSEC_PER_MSEC
#define METHODS_LIST_KEEP_NS (10 * NSEC_PER_SEC)

static int methods_is_run_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(d->d_name, METHODS_RUN_SUFFIX);
}

/* Compares bytes, as for rpsd.conf.d. */
static int methods_compare_files(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The type Listed; takes over target and problem. */
static json_t *methods_json_listed(
	const char *name, json_t *target, const char *summary, json_t *problem)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "name", json_text(name), "target", target,
		"summary", json_text(summary), "problem", problem);
}

static json_t *methods_list_plan(const struct plan *plan, enum control_role role)
{
	struct buf summary = {0};
	json_t *listed = NULL;

	if (plan_summary(plan, &summary) == 0)
		listed = methods_json_listed(plan->name, methods_json_masked(plan->url.text, role),
			summary.data, json_null());
	buf_fini(&summary);
	return listed;
}

/* ---------------------------------------------------------------- what is kept of a file */

struct methods_listed {
	char *file; /* "checkout.ini" */
	struct stat stat;
	int64_t until_ns; /* until then files elsewhere that it refers to are assumed unchanged */
	json_t *rows[CONTROL_ROLE_COUNT]; /* the row for each role */
};

struct methods_list_cache {
	struct stat dir;	      /* files that the runs refer to may be in it, too */
	struct methods_listed *files; /* by name */
	size_t n;
};

static void methods_listed_fini(struct methods_listed *l)
{
	free(l->file);
	for (size_t i = 0; i < CONTROL_ROLE_COUNT; i++)
		json_decref(l->rows[i]);
}

struct methods_list_cache *methods_list_cache_free(struct methods_list_cache *cache)
{
	for (size_t i = 0; cache && i < cache->n; i++)
		methods_listed_fini(&cache->files[i]);
	if (cache)
		free(cache->files);
	free(cache);
	return NULL;
}

static bool methods_is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Drops all cached rows if a file was added or removed. */
static void methods_cache_look(struct methods_list_cache *cache, const char *dir)
{
	struct stat st = {0};

	(void)stat(dir, &st);
	if (methods_is_same_file(&st, &cache->dir))
		return;
	cache->dir = st;
	for (size_t i = 0; i < cache->n; i++)
		cache->files[i].until_ns = 0;
}

/* The position of file in the cache, or where it would be. True: it is there. */
static bool methods_cache_find(
	const struct methods_list_cache *cache, const char *file, size_t *ret_place)
{
	size_t low = 0;
	size_t high = cache->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(cache->files[middle].file, file);

		if (order == 0) {
			*ret_place = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_place = low;
	return false;
}

/* Takes over l. If there is no memory nothing is cached. */
static void methods_cache_put(struct methods_list_cache *cache, struct methods_listed *l)
{
	struct methods_listed *files;
	size_t place;

	if (methods_cache_find(cache, l->file, &place)) {
		methods_listed_fini(&cache->files[place]);
		cache->files[place] = *l;
		return;
	}
	files = realloc(cache->files, (cache->n + 1) * sizeof(*files));
	if (!files) {
		methods_listed_fini(l);
		return;
	}
	memmove(files + place + 1, files + place, (cache->n - place) * sizeof(*files));
	files[place] = *l;
	cache->files = files;
	cache->n++;
}

/* Removes files that are not among the n entries. Both are sorted by name. */
static void methods_cache_prune(struct methods_list_cache *cache, struct dirent **entries, int n)
{
	size_t n_kept = 0;
	int e = 0;

	for (size_t i = 0; i < cache->n; i++) {
		int order = -1;

		while (e < n && (order = strcmp(entries[e]->d_name, cache->files[i].file)) < 0)
			e++;
		if (e < n && order == 0)
			cache->files[n_kept++] = cache->files[i];
		else
			methods_listed_fini(&cache->files[i]);
	}
	cache->n = n_kept;
}

/* ---------------------------------------------------------------- one file */

static bool methods_list_is_whole(json_t *const *rows)
{
	for (size_t i = 0; i < CONTROL_ROLE_COUNT; i++)
		if (!rows[i])
			return false;
	return true;
}

/* Makes the rows of the run file of name. 0, -ENOENT (it was removed meanwhile) or -ENOMEM. */
static int methods_list_run(const char *dir, const char *name, json_t **rows)
{
	struct methods_inputs *inputs = calloc(1, sizeof(*inputs));
	struct plan *plan = NULL;
	int r;

	if (!inputs)
		return -ENOMEM;
	r = methods_read_named(inputs, dir, name, METHODS_LOOK);
	if (r == 0)
		r = plan_build(name, &inputs->doc, inputs->text, inputs->files, inputs->n_files,
			&plan, &inputs->problems);
	if (r < 0 && r != -ENOENT && inputs->problems.n == 0)
		problems_add(&inputs->problems, inputs->path, 0, METHODS_UNREADABLE, file_error(r));
	if (r != -ENOENT && r != -ENOMEM) {
		for (int i = 0; i < CONTROL_ROLE_COUNT; i++)
			rows[i] = plan ? methods_list_plan(plan, (enum control_role)i)
				       : methods_json_listed(name, json_string(""), "",
						 methods_json_problem(
							 inputs, 0, (enum control_role)i));
		r = methods_list_is_whole(rows) ? 0 : -ENOMEM;
	}
	plan_free(plan);
	methods_inputs_fini(inputs);
	return r;
}

static int methods_list_file(const char *dir, const char *file, json_t **rows)
{
	char *name = strndup(file, strlen(file) - strlen(METHODS_RUN_SUFFIX));
	int r = -ENOMEM;

	if (name && str_is_name(name)) {
		r = methods_list_run(dir, name, rows);
	} else if (name) {
		for (size_t i = 0; i < CONTROL_ROLE_COUNT; i++)
			rows[i] = methods_json_listed(name, json_string(""), "",
				json_string("this is not a name for a run: letters, digits, '_', "
					    "'-' and '.', at most 64, not first '-'"));
		r = methods_list_is_whole(rows) ? 0 : -ENOMEM;
	}
	free(name);
	return r;
}

/* ---------------------------------------------------------------- the list */

/* One call, from its first part to its reply. */
struct methods_listing {
	struct control_closer closer;
	struct methods *methods;
	enum control_role role;
	struct dirent **entries;
	int n;
	int next;
	json_t *plans;
};

static void methods_listing_free(struct methods_listing *l)
{
	for (int i = 0; i < l->n; i++)
		free(l->entries[i]);
	free(l->entries);
	json_decref(l->plans);
	free(l);
}

static void methods_listing_on_closed(struct control_closer *closer)
{
	methods_listing_free(container_of(closer, struct methods_listing, closer));
}

/* Adds the next file, from the cache or anew. 0 or -ENOMEM. */
static int methods_listing_add(struct methods_listing *l, const char *file)
{
	struct methods_list_cache *cache = l->methods->list_cache;
	const char *dir = l->methods->config.runs_dir;
	struct methods_listed listed = {0};
	int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int64_t now_ns = clock_now_ns();
	json_t *row;
	size_t place;
	int r;

	r = dir_fd == -1 || fstatat(dir_fd, file, &listed.stat, 0) == -1 ? -errno : 0;
	if (dir_fd != -1)
		(void)close(dir_fd);
	if (r == 0 && methods_cache_find(cache, file, &place) &&
		methods_is_same_file(&cache->files[place].stat, &listed.stat) &&
		now_ns < cache->files[place].until_ns)
		return json_array_append(l->plans, cache->files[place].rows[l->role]) < 0 ? -ENOMEM
											  : 0;
	r = methods_list_file(dir, file, listed.rows);
	if (r == 0) {
		listed.file = strdup(file);
		listed.until_ns = now_ns + METHODS_LIST_KEEP_NS;
		row = listed.rows[l->role];
		r = !listed.file || json_array_append(l->plans, row) < 0 ? -ENOMEM : 0;
	}
	if (r == 0)
		methods_cache_put(cache, &listed);
	else
		methods_listed_fini(&listed);
	return r == -ENOENT ? 0 : r;
}

/* Handles files for about a millisecond, then lets others have their turn. */
static void methods_listing_go_on(struct control_connection *call, void *arg)
{
	struct methods_listing *l = arg;
	int64_t end_ns = clock_now_ns() + METHODS_LIST_PART_NS;
	json_t *plans = NULL;
	int r = 0;

	while (r == 0 && l->next < l->n) {
		r = methods_listing_add(l, l->entries[l->next++]->d_name);
		if (r == 0 && l->next < l->n && clock_now_ns() >= end_ns) {
			control_call_on_turn(call, methods_listing_go_on, l);
			return;
		}
	}
	methods_cache_prune(l->methods->list_cache, l->entries, l->n);
	if (r == 0)
		plans = json_pack("{s:O, s:o}", "plans", l->plans, "directory",
			json_text(l->methods->config.runs_dir));
	control_closer_cancel(&l->closer);
	methods_listing_free(l);
	control_reply(call, plans);
}

void methods_list(struct control_connection *call, void *userdata)
{
	static const struct methods_field fields[] = {{0}};
	struct methods *m = userdata;
	struct methods_listing *l;

	if (!methods_check(call, fields))
		return;
	if (!m->list_cache)
		m->list_cache = calloc(1, sizeof(*m->list_cache));
	l = m->list_cache ? calloc(1, sizeof(*l)) : NULL;
	if (!l) {
		control_reply(call, NULL);
		return;
	}
	methods_cache_look(m->list_cache, m->config.runs_dir);
	l->methods = m;
	l->role = control_call_peer(call)->role;
	l->plans = json_array();
	l->n = scandir(m->config.runs_dir, &l->entries, methods_is_run_file, methods_compare_files);
	if (l->n == -1 && errno != ENOENT) {
		struct err why = {0};

		err_set(&why, "%s: %s: rpsd must be able to read this directory",
			m->config.runs_dir, strerror(errno));
		l->n = 0;
		methods_listing_free(l);
		methods_refuse(
			call, RPSD_INTERFACE ".Unavailable", "list the named runs", why.text);
		return;
	}
	if (l->n == -1)
		l->n = 0;
	control_closer_init(&l->closer, methods_listing_on_closed);
	control_on_close(call, &l->closer);
	methods_listing_go_on(call, l);
}
