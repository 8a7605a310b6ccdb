/* SPDX-License-Identifier: Apache-2.0 */
/* rpsctl check: reads files as the daemon would, without one, and says what they mean or all that
 * is wrong with them. Which of the two grammars is meant is told by the name (rpsd.conf, *.conf,
 * *.ini), else by the sections. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/exit_codes.h"
#include "common/ini.h"
#include "common/keys.h"
#include "common/plan.h"
#include "common/settings.h"
#include "common/str.h"
#include "common/units.h"
#include "ctl/cmd.h"
#include "ctl/figure.h"
#include "ctl/what.h"

#define CMD_CHECK_MAX ((size_t)1 << 20)
#define CMD_CHECK_FILES_MAX ((size_t)64 << 20)

/* One file on its way. */
struct cmd_check {
	const char *path;
	char *text;
	size_t len;
	struct ini_doc doc;
	struct problems problems;
};

static bool cmd_check_has_section(const struct ini_doc *doc, enum keys_file file)
{
	for (size_t i = 0; i < doc->n_sections; i++) {
		for (size_t k = 0; k < keys_n; k++) {
			if (keys_table[k].file == file &&
				str_eq(keys_table[k].section, doc->sections[i].name))
				return true;
		}
	}
	return false;
}

static enum keys_file cmd_check_judge(const struct cmd_check *c)
{
	if (str_ends(c->path, ".ini"))
		return KEYS_RUN;
	if (str_ends(c->path, ".conf"))
		return KEYS_DAEMON;
	return cmd_check_has_section(&c->doc, KEYS_DAEMON) &&
			       !cmd_check_has_section(&c->doc, KEYS_RUN)
		       ? KEYS_DAEMON
		       : KEYS_RUN;
}

/* ---------------------------------------------------------------- a run file */

static char *cmd_check_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *beside;

	if (name[0] == '/' || !slash)
		return strdup(name);
	return asprintf(&beside, "%.*s%s", (int)(slash - path + 1), path, name) == -1 ? NULL
										      : beside;
}

/* Those that can be read: plan_build has a line number for every other one, so that here only a
 * reason is added that it cannot know. */
static size_t cmd_check_read_files(
	struct cmd_check *c, const char **names, size_t n, struct plan_file *files)
{
	size_t n_read = 0;

	for (size_t i = 0; i < n; i++) {
		char *path = cmd_check_beside(c->path, names[i]);
		char *data = NULL;
		size_t len = 0;
		int r = path ? str_read_file(path, CMD_CHECK_FILES_MAX, &data, &len) : -ENOMEM;

		if (r && r != -ENOENT)
			problems_add(&c->problems, c->path, 0, "@%s: %s", names[i], strerror(-r));
		else if (r == 0)
			files[n_read++] = (struct plan_file){names[i], data, len};
		free(path);
	}
	return n_read;
}

static void cmd_check_run(struct cmd_check *c, struct buf *ret)
{
	size_t n = 0;
	const char **names = plan_file_names(&c->doc, &n);
	struct plan_file *files = calloc(n + 1, sizeof(*files));
	struct plan *plan = NULL;
	char name[WHAT_NAME_SIZE];
	size_t n_read = 0;

	what_name(c->path, name);
	if (files)
		n_read = cmd_check_read_files(c, names, n, files);
	if (plan_build(name, &c->doc, c->text, files, n_read, &plan, &c->problems) == 0)
		(void)plan_describe(plan, ret);
	plan_free(plan);
	for (size_t i = 0; i < n_read; i++)
		free((char *)(uintptr_t)files[i].data);
	free(files);
	free(names);
}

/* ---------------------------------------------------------------- rpsd.conf */

static void cmd_check_describe(const struct settings *s, struct buf *ret)
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
	for (size_t i = 0; i < s->n_origins; i++) {
		const struct settings_origin *o = &s->origins[i];
		char delay[UNITS_TEXT_MAX];

		units_format_time(o->delay_ns, delay, sizeof(delay));
		(void)buf_printf(ret, "origin    %s on %s, delay %s%s, body %s", o->name, o->listen,
			delay, o->delay_kind == SETTINGS_DELAY_EXPONENTIAL ? " on average" : "",
			figure_bytes((double)o->body_bytes).text);
		if (o->error_share > 0)
			(void)buf_printf(ret, ", %s status %u", figure_share(o->error_share).text,
				o->error_status);
		(void)buf_puts(ret, "\n");
	}
}

static void cmd_check_daemon(struct cmd_check *c, struct buf *ret)
{
	struct settings *settings = NULL;
	struct ini_doc doc = {0};

	/* Read anew, with the drop-ins beside it. */
	problems_fini(&c->problems);
	c->problems = (struct problems){0};
	if (settings_read_files(c->path, true, &doc, &c->problems) == 0 && !c->problems.n &&
		settings_build(&doc, &settings, &c->problems) == 0)
		cmd_check_describe(settings, ret);
	settings_free(settings);
	ini_fini(&doc);
}

/* ---------------------------------------------------------------- each file */

static int cmd_check_one(const char *path, struct buf *ret)
{
	struct cmd_check c = {.path = path};
	int r = str_read_file(path, CMD_CHECK_MAX, &c.text, &c.len);

	if (r) {
		command_complain("%s: %s", path, strerror(-r));
		return EXIT_NO_INPUT;
	}
	if (ini_read(&c.doc, path, c.text, c.len, &c.problems))
		problems_add(&c.problems, path, 0, "out of memory");
	if (cmd_check_judge(&c) == KEYS_DAEMON)
		cmd_check_daemon(&c, ret);
	else
		cmd_check_run(&c, ret);
	for (size_t i = 0; i < c.problems.n && i < c.problems.cap; i++)
		(void)fprintf(stderr, "%s\n", c.problems.texts[i]);
	r = c.problems.n ? EXIT_CONFIG : 0;
	problems_fini(&c.problems);
	ini_fini(&c.doc);
	free(c.text);
	return r;
}

int cmd_check(struct options *o)
{
	int status = 0;

	for (size_t i = 0; i < o->n_args; i++) {
		struct buf text = {0};
		int r = cmd_check_one(o->args[i], &text);

		/* Several files: each under its name. */
		if (r == 0 && o->n_args > 1)
			(void)printf("%s%s:\n", i ? "\n" : "", o->args[i]);
		if (r == 0)
			command_print(text.data ? text.data : "");
		/* A file that is not there weighs less than one that is wrong. */
		status = r == EXIT_CONFIG || !status ? r : status;
		buf_fini(&text);
	}
	return status;
}
