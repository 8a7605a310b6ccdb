/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a run file, its overlays and flags become one validated plan.
 *
 * The order is: the key table reads every single value (keys.c); contradictions are resolved and
 * the load is derived (plan_load.c); each request is composed from its section and [defaults], with
 * the files they refer to (plan_requests.c, plan_files.c); combinations that make no sense are
 * refused (plan_request_rules.c). Nothing stops at the first problem, so that the user sees all of
 * them at once; a bad value leaves the default in place, and later steps skip entries that earlier
 * ones have reported. A plan with a problem is never returned.
 *
 * The digest covers everything that determines the load: the run file's text, the entries that
 * override it, and the content of files. The origin of an entry (a flag's name) is not part of it,
 * so that the same run has the same digest in the service and in a private daemon. Built on one
 * thread, then immutable. */
#include "common/plan/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/plan/plan_load.h"
#include "common/plan/plan_files.h"
#include "common/plan/plan_input.h"
#include "common/plan/plan_requests.h"
#include "common/plan/plan_rules.h"
#include "common/plan/plan_connections.h"
#include "common/plan/plan_slice.h"
#include "common/plan/plan_sources.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_thresholds.h"
#include "common/plan/plan_tls.h"
#include "common/plan/plan_values.h"
#include "common/str.h"

#define PLAN_NAME_MAX 64

/* All of it is said of the run, and none of it changes what is sent. */
static bool plan_is_of_run(const struct ini_entry *e)
{
	return str_eq(e->section, "run") || str_eq(e->section, "thresholds") ||
	       (str_eq(e->section, "request") && str_eq(e->key, "require"));
}

/* ---- target and name ---- */

/* An entry that was already refused could have been the URL. */
static bool plan_url_is_doubtful(const struct ini_doc *doc)
{
	for (size_t i = 0; i < doc->n_entries; i++) {
		const struct ini_entry *e = &doc->entries[i];

		if (str_eq(e->key, "url") || (str_eq(e->section, "target") &&
						     !keys_find(&plan_keys, e->section, e->key)))
			return true;
	}
	return doc->is_incomplete;
}

/* A host as the name of a run: "shop.test", "127.0.0.1", "ip6-1" for ::1; for a Unix socket the
 * last component of its path. */
static char *plan_name_from_host(const struct url *url)
{
	const char *prefix = url->is_ipv6 ? "ip6-" : "";
	const char *from = url->unix_path ? strrchr(url->unix_path, '/') + 1 : url->host;
	char *name = malloc(PLAN_NAME_MAX + 1);
	size_t n = strlen(prefix);

	if (!name)
		return NULL;
	memcpy(name, prefix, n);
	for (const char *c = from; *c && n < PLAN_NAME_MAX; c++) {
		bool fits = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			    (*c >= '0' && *c <= '9') || (n && (*c == '.' || *c == '_'));

		if (fits)
			name[n++] = *c;
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	name[n] = '\0';
	if (!n)
		memcpy(name, "run", sizeof("run"));
	return name;
}

static void plan_check_target(const struct plan_input *in)
{
	unsigned line = 0;
	const char *file = in->doc->first_file ? in->doc->first_file : "run";

	/* A bad value has been reported, and has left the field empty. */
	if (in->plan->url_text || plan_url_is_doubtful(in->doc))
		return;
	for (size_t i = in->doc->n_sections; i-- > 0;) {
		file = in->doc->sections[i].file;
		line = in->doc->sections[i].line;
		if (str_eq(in->doc->sections[i].name, "target"))
			break;
		line = 0;
	}
	problems_add(in->problems, file, line,
		"[target] url is missing: write what to load, as in url = http://127.0.0.1:8000/");
}

static int plan_set_name(const struct plan_input *in, const char *name)
{
	struct plan *p = in->plan;

	if (!name)
		return 0;
	p->name = strdup(name);
	if (!p->name)
		return -ENOMEM;
	if (!str_is_name(name))
		problems_add(in->problems, name, 0,
			"not a name for a run: letters, digits, '_', '-' and '.', at most %d",
			PLAN_NAME_MAX);
	return 0;
}

/* ---- text and digest ---- */

/* A flag's value may contain characters that a line of a file cannot. */
static bool plan_fits_a_line(const struct ini_entry *e)
{
	size_t len = strlen(e->value);
	const char *blanks = " \t";

	if (!len)
		return true;
	return plan_is_field_value(e->value, len) && !strchr(blanks, e->value[0]) &&
	       !strchr(blanks, e->value[len - 1]) && len + INI_NAME_MAX < INI_LINE_MAX;
}

static bool plan_is_same_section(const struct ini_entry *a, const struct ini_entry *b)
{
	return str_eq(a->section, b->section) && str_eq(a->arg, b->arg);
}

static int plan_write_entry(
	struct buf *text, const struct ini_entry *e, const struct ini_entry *before)
{
	int r = 0;

	if (!before || !plan_is_same_section(before, e))
		r = buf_printf(text, "[%s%s%s]\n", e->section, *e->arg ? " " : "", e->arg);
	if (r)
		return r;
	/* The value of a variable must not appear in a result. */
	if (e->filled)
		return buf_printf(text, "# %s: filled from the environment\n", e->key);
	if (!plan_fits_a_line(e))
		return buf_printf(
			text, "# %s: %zu bytes that do not fit a line\n", e->key, strlen(e->value));
	return buf_printf(text, "%s = %s\n", e->key, e->value);
}

/* The entry does not change the plan itself: only what is said of the run, the slice that is run,
 * or the start time. */
static bool plan_is_beside(const struct ini_entry *e)
{
	return plan_is_of_run(e) || plan_is_of_slice(e);
}

/* The entries as a run file, for a plan that comes from a command line alone. */
static int plan_write_text(const struct ini_doc *doc, bool is_whole, struct buf *text)
{
	const struct ini_entry *before = NULL;

	/* A section appears once in a file: its entries are collected at the first of them. */
	for (size_t i = 0; i < doc->n_entries; i++) {
		bool is_done = false;

		for (size_t k = 0; k < i && !is_done; k++)
			is_done = plan_is_same_section(&doc->entries[k], &doc->entries[i]);
		for (size_t k = i; k < doc->n_entries && !is_done; k++) {
			const struct ini_entry *e = &doc->entries[k];
			const struct key *key = keys_find(&plan_keys, e->section, e->key);
			int r;

			if (!plan_is_same_section(e, &doc->entries[i]) ||
				(!is_whole && plan_is_beside(e)))
				continue;
			if (!key ||
				(!key->repeated && keys_last(doc, e->section, e->arg, e->key) != e))
				continue;
			r = plan_write_entry(text, e, before);
			if (r)
				return r;
			before = e;
		}
	}
	return 0;
}

static int plan_set_text(const struct plan_input *in, const char *given)
{
	struct plan *p = in->plan;
	struct buf text = {0};
	struct buf all = {0};
	int r;

	r = given ? buf_puts(&text, given) : plan_write_text(in->doc, true, &text);
	if (!r)
		r = given ? buf_puts(&all, given) : plan_write_text(in->doc, false, &all);
	/* The entries that the text does not contain. */
	for (size_t i = 0; !r && i < in->doc->n_entries; i++) {
		const struct ini_entry *e = &in->doc->entries[i];

		if (plan_is_beside(e))
			continue;
		if (given ? e->precedence > 0 || e->filled : e->filled || !plan_fits_a_line(e))
			r = buf_printf(&all, "%s%s%s.%s = %s\n", e->section, *e->arg ? "." : "",
				e->arg, e->key, e->value);
	}
	if (!r)
		r = buf_append(&all, in->canon->data ? in->canon->data : "", in->canon->len);
	if (!r)
		digest_sha256_hex(all.data ? all.data : "", all.len, p->sha256);
	buf_fini(&all);
	if (!r && !text.data)
		r = buf_puts(&text, "");
	p->text = text.data;
	return r;
}

/* ---- the whole ---- */

static void *plan_named(void *base, const char *section, const char *arg)
{
	return str_eq(section, "request") ? plan_find_request(base, arg) : NULL;
}

/* Reads every entry into its field. */
static int plan_read(const struct plan_input *in)
{
	const struct keys_reading reading = {.table = &plan_keys,
		.doc = in->doc,
		.base = in->plan,
		.named = plan_named,
		.is_bad = in->bad,
		.problems = in->problems};
	struct plan *p = in->plan;
	int r = plan_name_requests(in);

	if (r)
		return r;
	p->drain_ns = CLOCK_NEVER;
	r = keys_apply(&reading);
	p->confidence = (double)p->confidence_percent / 100;
	return r;
}

static int plan_fill(struct plan_input *in, const char *name, const char *text)
{
	struct plan *p = in->plan;
	int r;

	r = plan_set_name(in, name);
	if (r)
		return r;
	r = plan_read(in);
	if (r)
		return r;
	plan_check_target(in);
	in->is_load_doubtful = plan_is_load_doubtful(in);
	in->stages_ns = plan_stages_duration(p, false);
	r = plan_resolve_tls(in);
	if (!r)
		r = plan_resolve_requests(in);
	if (r)
		return r;
	plan_exclude(in);
	plan_resolve_place(in);
	r = plan_resolve_load(in);
	plan_apply_rules(in);
	plan_resolve_reuse(in);
	plan_finish_sources(p);
	if (!r)
		r = plan_set_text(in, text);
	if (r || in->problems->n)
		return r;
	plan_judge_requests(in);
	r = plan_resolve_thresholds(in);
	if (r)
		return r;
	if (p->drain_ns == CLOCK_NEVER)
		p->drain_ns = p->request_timeout_ns;
	if (!p->name)
		p->name = plan_name_from_host(&p->url);
	return p->name ? 0 : -ENOMEM;
}

int plan_build(const char *name, const struct ini_doc *doc, const char *text,
	const struct plan_file *files, size_t n_files, struct plan **ret, struct problems *problems)
{
	return plan_build_within(
		PLAN_SERVICE_BYTES_MAX, name, doc, text, files, n_files, ret, problems);
}

int plan_build_within(size_t bodies_max, const char *name, const struct ini_doc *doc,
	const char *text, const struct plan_file *files, size_t n_files, struct plan **ret,
	struct problems *problems)
{
	struct buf canon = {0};
	struct plan_input in = {.plan = calloc(1, sizeof(*in.plan)),
		.doc = doc,
		.bad = calloc(doc->n_entries + 1, sizeof(*in.bad)),
		.lost = calloc(doc->n_entries + 1, sizeof(*in.lost)),
		.files = files,
		.n_files = n_files,
		.bodies_max = bodies_max,
		.problems = problems,
		.canon = &canon};
	int r;

	r = in.plan && in.bad && in.lost ? plan_fill(&in, name, text) : -ENOMEM;
	free(in.bad);
	free(in.lost);
	buf_fini(&canon);
	problems_finish(problems);
	if (!r && problems->n)
		r = -EINVAL;
	if (r) {
		plan_free(in.plan);
		return r;
	}
	*ret = in.plan;
	return 0;
}
