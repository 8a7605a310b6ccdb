/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl check: reads files as the daemon would, without one, and describes the result or reports
 * all problems. The grammar is chosen by the name (*.ini, and *.conf unless it has the sections of
 * a run file alone), else by the sections.
 * A run file without [target] cannot be used alone: after another run file it is an overlay of
 * that, as with `rpsctl run`. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/figure.h"
#include "common/file.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/settings/settings_keys.h"
#include "common/plan/plan.h"
#include "common/plan/plan_slice.h"
#include "common/settings/settings.h"
#include "common/settings/settings_files.h"
#include "common/str.h"
#include "common/units.h"
#include "ctl/commands/cmd.h"
#include "ctl/start/start_request.h"
#include "ctl/print.h"
#include "ctl/start/run_spec.h"

#define CMD_CHECK_MAX ((size_t)1 << 20)

static bool cmd_check_has_section(const struct ini_doc *doc, const struct key_table *table)
{
	for (size_t i = 0; i < doc->n_sections; i++)
		if (keys_of_section(table, doc->sections[i].name))
			return true;
	return false;
}

static const struct key_table *cmd_check_judge(const char *path, const struct ini_doc *doc)
{
	bool is_settings, is_plan;

	if (str_ends(path, ".ini"))
		return &plan_keys;
	is_settings = cmd_check_has_section(doc, &settings_keys);
	is_plan = cmd_check_has_section(doc, &plan_keys);
	/* A run file may have any name (rpsctl ./load.conf). */
	if (str_ends(path, ".conf"))
		return is_plan && !is_settings ? &plan_keys : &settings_keys;
	return is_settings && !is_plan ? &settings_keys : &plan_keys;
}

/* ---------------------------------------------------------------- run files */

static bool cmd_check_has_target(const struct ini_doc *doc)
{
	for (size_t i = 0; i < doc->n_sections; i++) {
		if (str_eq(doc->sections[i].name, "target"))
			return true;
	}
	return false;
}

/* A start at an instant in the past would be refused. */
static void cmd_check_start(struct start_request *d, const struct plan *plan)
{
	const struct ini_entry *at = keys_last(&d->doc, "load", "", "at");
	struct err err = {0};

	if (at && plan_check_start(plan, clock_unix_ns(), &err))
		problems_add(&d->problems, at->file, at->line, "at: %s", err.text);
}

/* Checks a run file and the overlays after it. 0 or the exit status. */
static int cmd_check_run(const char *const *paths, size_t n, struct buf *ret)
{
	static const struct options none;
	struct start_request d = {.is_check = true};
	struct err err = {0};
	const char **unread = NULL;
	struct plan *plan = NULL;
	size_t n_unread;
	int r = start_request_make(&d, paths, n, &none, &err);
	int built = r ? r : start_request_plan(&d, &plan, &unread, &n_unread);

	if (built == 0)
		cmd_check_start(&d, plan);
	if (r == 0 && plan && d.problems.n == 0)
		r = plan_describe(plan, ret) || start_request_put_notes(unread, n_unread, ret)
			    ? EXIT_NO_DAEMON
			    : 0;
	else if (r == 0)
		r = built == -ENOMEM ? EXIT_NO_DAEMON : EXIT_CONFIG;
	if (r == 0)
		start_request_print_hints(&d);
	if (*err.text)
		command_complain("%s", err.text);
	start_request_print_problems(&d);
	plan_free(plan);
	free(unread);
	start_request_fini(&d);
	return r;
}

/* ---------------------------------------------------------------- rpsd.conf */

/* Delay and body, and what else was written of it, in the words of the file. */
static void cmd_check_describe_origin(
	const struct settings_origin *o, const struct ini_doc *doc, struct buf *ret)
{
	(void)buf_printf(ret, "origin    %s on %s", o->name, o->listen);
	for (size_t i = 0; i < settings_keys.n; i++) {
		const struct key *k = &settings_keys.rows[i];
		bool is_always = str_eq(k->name, "delay") || str_eq(k->name, "body");
		const struct ini_entry *e;

		if (!str_eq(k->section, "origin") || str_eq(k->name, "listen"))
			continue;
		e = keys_last(doc, "origin", o->name, k->name);
		if (e || is_always)
			(void)buf_printf(ret, ", %s %s", k->name, e ? e->value : k->fallback);
	}
	(void)buf_puts(ret, "\n");
}

static void cmd_check_describe(const struct settings *s, const struct ini_doc *doc, struct buf *ret)
{
	char duration[UNITS_TEXT_MAX];

	units_format_time(s->max_duration_ns, duration, sizeof(duration));
	(void)buf_printf(ret, "control   %s\n", s->socket);
	(void)buf_puts(ret, "may load  loopback");
	for (size_t i = 0; i < s->n_allow; i++)
		(void)buf_printf(ret, ", %s", s->allow[i]);
	(void)buf_printf(ret, "\neach run  at most %s/s, %s connections, %s\n",
		figure_count((int64_t)s->max_rate).text,
		figure_count((int64_t)s->max_connections).text, duration);
	(void)buf_printf(ret, "history   the newest %s finished runs, in memory\n",
		figure_count((int64_t)s->keep_runs).text);
	for (size_t i = 0; i < s->n_origins; i++)
		cmd_check_describe_origin(&s->origins[i], doc, ret);
}

/* With the drop-ins beside it. 0 or the exit status. */
static int cmd_check_daemon(const char *path, struct buf *ret)
{
	struct problems problems = {0};
	struct settings *settings = NULL;
	struct ini_doc doc = {0};
	int r = settings_files_read(path, true, &doc, &problems);

	if (r == 0 && !problems.n)
		r = settings_build(&doc, &settings, &problems);
	settings_refuse_private(&doc, &problems);
	if (r == -ENOMEM) {
		r = command_out_of_memory(path);
	} else if (r || problems.n) {
		r = EXIT_CONFIG;
	} else {
		cmd_check_describe(settings, &doc, ret);
	}
	problems_finish(&problems);
	for (size_t i = 0; i < problems.n; i++)
		print_errf("%s\n", problems.texts[i]);
	settings_free(settings);
	problems_fini(&problems);
	ini_fini(&doc);
	return r;
}

/* ---------------------------------------------------------------- each file */

/* Determines the kind of a file, as far as its sections show it. 0 or the exit status. */
static int cmd_check_look(const char *path, const struct key_table **ret_kind, bool *ret_has_target)
{
	struct problems problems = {0};
	struct ini_doc doc = {0};
	const char *odd;
	char *text = NULL;
	size_t len;
	struct stat st;
	int r;

	/* A file that can be read only once is taken for a complete run file. */
	*ret_kind = &plan_keys;
	*ret_has_target = true;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	r = file_read(path, CMD_CHECK_MAX, &text, &len);
	odd = r == -EFBIG ? start_request_odd_text(path) : NULL;
	if (odd) {
		command_complain("%s: %s", path, odd);
		return EXIT_CONFIG;
	}
	if (r == -ENOENT && run_spec_kind(path) == RUN_SPEC_NAME) {
		command_complain(
			"%s: no such file; of a run in the service's runs.d: rpsctl run %s "
			"--dry-run",
			path, path);
		return EXIT_NO_INPUT;
	}
	if (r == -ENOMEM)
		return command_out_of_memory(path);
	if (r) {
		command_complain("%s: %s", path, strerror(-r));
		return EXIT_NO_INPUT;
	}
	/* Its problems are reported when it is read for the check itself. */
	(void)ini_read(&doc, path, text, len, &problems);
	*ret_kind = cmd_check_judge(path, &doc);
	*ret_has_target = cmd_check_has_target(&doc);
	problems_fini(&problems);
	ini_fini(&doc);
	free(text);
	return 0;
}

/* The first of paths, and with it the overlays that follow it: run files without [target]. Sets
 * *ret_n to how many were taken. */
static int cmd_check_next(const char *const *paths, size_t n, struct buf *ret, size_t *ret_n)
{
	bool has_target;
	const struct key_table *kind;
	int r = cmd_check_look(paths[0], &kind, &has_target);
	size_t taken = 1;

	if (r == 0 && kind == &settings_keys) {
		r = cmd_check_daemon(paths[0], ret);
	} else if (r == 0) {
		/* A file that cannot be read is reported in its turn. */
		while (taken < n && has_target && access(paths[taken], R_OK) == 0 &&
			cmd_check_look(paths[taken], &kind, &has_target) == 0 &&
			kind == &plan_keys && !has_target) {
			has_target = true;
			taken++;
		}
		r = cmd_check_run(paths, taken, ret);
	}
	*ret_n = taken;
	return r;
}

static void cmd_check_print_names(const char *const *paths, size_t n, bool is_first)
{
	(void)print_outf("%s%s", is_first ? "" : "\n", paths[0]);
	for (size_t i = 1; i < n; i++)
		(void)print_outf("%s%s", i == 1 ? " with " : ", ", paths[i]);
	print_out(":\n");
}

int cmd_check(struct options *o)
{
	int status = 0;
	size_t taken;

	for (size_t i = 0; i < o->n_args; i += taken) {
		struct buf text = {0};
		int r = cmd_check_next(o->args + i, o->n_args - i, &text, &taken);

		/* Several files: each under its name. */
		if (r == 0 && o->n_args > 1)
			cmd_check_print_names(o->args + i, taken, i == 0);
		if (r == 0)
			command_print(text.data ? text.data : "");
		/* A file with problems takes precedence over a missing one. */
		status = r == EXIT_CONFIG || !status ? r : status;
		buf_fini(&text);
	}
	return status;
}
