/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's settings from rpsd.conf and its drop-ins. The key table reads the single values;
 * this file has the grammars of the daemon's own keys and collects the [origin NAME] sections, of
 * which there may be any number. Lists are joined over files (a drop-in that allows one network
 * more removes none), everything else is overridden by the later file. Main thread, at start and
 * reload. */
#include "common/settings/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/guard.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/settings/settings_keys.h"
#include "common/str.h"
#include "common/units.h"

#define SETTINGS_ORIGINS_MAX 64

/* ---- single values ---- */

int settings_check_socket(const char *value, struct err *reterr)
{
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (value[0] == '/' && strlen(value) <= max)
		return 0;
	err_set(reterr, "'%.120s' is not a path for a socket: from the root, at most %zu bytes",
		value, max);
	return -EINVAL;
}

int settings_check_observe(const char *value, struct err *reterr)
{
	return *value ? settings_check_socket(value, reterr) : 0;
}

int settings_parse_allow(const char *value, void *field, struct err *reterr)
{
	struct settings *s = field;
	struct guard guard = {0};
	char **allow;
	int r;

	r = guard_init_service(&guard, &value, 1, reterr);
	guard_fini(&guard);
	if (r || !s)
		return r;
	allow = reallocarray(s->allow, s->n_allow + 1, sizeof(*allow));
	if (!allow)
		return -ENOMEM;
	s->allow = allow;
	allow[s->n_allow] = strdup(value);
	if (!allow[s->n_allow])
		return -ENOMEM;
	s->n_allow++;
	return 0;
}

void settings_clear_allow(void *field)
{
	struct settings *s = field;

	for (size_t i = 0; i < s->n_allow; i++)
		free(s->allow[i]);
	free(s->allow);
	s->allow = NULL;
	s->n_allow = 0;
}

int settings_parse_max_rate(const char *value, void *field, struct err *reterr)
{
	struct rate rate;

	/* Whole requests per second: a cap needs no fractions. */
	if (units_parse_rate(value, &rate) || rate.num < rate.den) {
		err_set(reterr,
			"'%.60s' is not a rate of 1/s or more: write a number and /s, /m or /h, "
			"as in 200k/s",
			value);
		return -EINVAL;
	}
	if (field)
		*(uint64_t *)field = rate.num / rate.den;
	return 0;
}

/* ---- from entries to settings ---- */

/* Problems name the place where the section appears first: file and line. */
static int settings_add_origin(struct settings *s, const struct ini_doc *doc, const char *name,
	const char *file, unsigned line, struct problems *problems)
{
	struct settings_origin *origin;

	for (size_t i = 0; i < s->n_origins; i++)
		if (str_eq(s->origins[i].name, name))
			return 0;
	if (s->n_origins == SETTINGS_ORIGINS_MAX) {
		problems_add(problems, file, line, "more than %d origins: remove some of them",
			SETTINGS_ORIGINS_MAX);
		return 0;
	}
	origin = &s->origins[s->n_origins];
	origin->name = strdup(name);
	if (!origin->name)
		return -ENOMEM;
	s->n_origins++;
	if (!keys_last(doc, "origin", name, "listen"))
		problems_add(problems, file, line,
			"[origin %s] listen is missing: write listen = 127.0.0.1:8000", name);
	return keys_fill_defaults(&settings_keys, "origin", origin);
}

/* Before keys_apply, which fills them. */
static int settings_name_origins(
	struct settings *s, const struct ini_doc *doc, struct problems *problems)
{
	int r = 0;

	s->origins = calloc(SETTINGS_ORIGINS_MAX, sizeof(*s->origins));
	if (!s->origins)
		return -ENOMEM;
	for (size_t i = 0; i < doc->n_sections && !r; i++) {
		const struct ini_section *section = &doc->sections[i];

		if (str_eq(section->name, "origin") && str_is_name(section->arg))
			r = settings_add_origin(
				s, doc, section->arg, section->file, section->line, problems);
	}
	/* Flags have no section line. */
	for (size_t i = 0; i < doc->n_entries && !r; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (str_eq(e->section, "origin") && str_is_name(e->arg))
			r = settings_add_origin(s, doc, e->arg, e->file, e->line, problems);
	}
	return r;
}

/* A path can serve one role only. */
static void settings_check_paths(
	const struct settings *s, const struct ini_doc *doc, struct problems *problems)
{
	const struct ini_entry *e = keys_last(doc, "control", "", "observe");

	if (!e)
		e = keys_last(doc, "control", "", "socket");
	if (e && s->socket && s->observe && str_eq(s->socket, s->observe))
		problems_add(problems, e->file, e->line,
			"%s: socket and observe are the same path: use two paths, as the role "
			"depends on the path",
			e->key);
}

static void *settings_named(void *base, const char *section, const char *arg)
{
	struct settings *s = base;

	for (size_t i = 0; i < s->n_origins; i++)
		if (str_eq(section, "origin") && str_eq(s->origins[i].name, arg))
			return &s->origins[i];
	return NULL;
}

int settings_build(const struct ini_doc *doc, struct settings **ret, struct problems *problems)
{
	struct settings *s = calloc(1, sizeof(*s));
	const struct keys_reading reading = {.table = &settings_keys,
		.doc = doc,
		.base = s,
		.named = settings_named,
		.problems = problems};
	int r;

	if (!s)
		return -ENOMEM;
	r = settings_name_origins(s, doc, problems);
	if (!r)
		r = keys_apply(&reading);
	if (!r)
		settings_check_paths(s, doc, problems);
	for (size_t i = 0; i < s->n_origins && !r; i++)
		settings_origin_check(&s->origins[i], doc, problems);
	if (!r && problems->n)
		r = -EINVAL;
	if (r) {
		settings_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct settings *settings_free(struct settings *s)
{
	if (!s)
		return NULL;
	settings_clear_allow(s);
	for (size_t i = 0; i < s->n_origins; i++)
		settings_origin_fini(&s->origins[i]);
	free(s->origins);
	free(s->socket);
	free(s->observe);
	free(s);
	return NULL;
}

void settings_refuse_private(const struct ini_doc *doc, struct problems *problems)
{
	for (size_t i = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (str_eq(e->section, "origin") && str_eq(e->key, "gaps"))
			problems_add(problems, e->file, e->line,
				"gaps: is for rpsctl origin --gaps alone: the service writes no "
				"files but its own");
	}
}
