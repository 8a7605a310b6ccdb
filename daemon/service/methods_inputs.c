/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the inputs of a plan. An error becomes a problem in the list, with its file and line,
 * and does not stop the collection: the user gets all problems at once.
 *
 * A named run's file belongs to root, so the daemon opens the files that it names, and reads
 * credentials that the service manager has passed to it. Files that only an override names are
 * never opened here, since an operator could otherwise read the daemon's files through it: their
 * content must come with the call. */
#include "daemon/service/methods_inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/file.h"
#include "common/json_text.h"
#include "common/str.h"
#include "daemon/service/secrets.h"

/* The length of "FILE:LINE:" of the named run's file before a problem; 0: the problem is not in
 * that file. */
static size_t methods_problem_place(
	const struct methods_inputs *m, const char *text, unsigned *ret_line)
{
	size_t len = m->path ? strlen(m->path) : 0;

	*ret_line = 0;
	if (len == 0 || strncmp(text, m->path, len) != 0 || text[len] != ':')
		return 0;
	*ret_line = (unsigned)strtoul(text + len + 1, NULL, 10);
	return len + strspn(text + len, ":0123456789");
}

static bool methods_may_see_problem(
	const struct methods_inputs *m, size_t place, unsigned line, enum control_role role)
{
	if (role != CONTROL_OPERATE)
		return role > CONTROL_OPERATE;
	return place == 0 || line == 0 || !m->text ||
	       secrets_line_is_shown(m->text, strlen(m->text), line, false);
}

json_t *methods_json_problem(const struct methods_inputs *m, size_t i, enum control_role role)
{
	const char *text = m->problems.texts[i];
	struct buf hidden = {0};
	json_t *value = NULL;
	unsigned line;
	size_t place = methods_problem_place(m, text, &line);

	if (methods_may_see_problem(m, place, line, role))
		return json_text(text);
	if (buf_printf(&hidden, "%.*s%snot valid; %s sees why", (int)place, text, place ? " " : "",
		    role < CONTROL_OPERATE ? "a member of group rpsd" : "an administrator") == 0)
		value = json_text(hidden.data);
	buf_fini(&hidden);
	return value;
}

void methods_inputs_fini(struct methods_inputs *m)
{
	free(m->path);
	str_wipe(m->text);
	for (size_t i = 0; i < m->n_named_files; i++) {
		/* It may contain a key. */
		if (m->files[i].data)
			explicit_bzero((char *)m->files[i].data, m->files[i].len);
		free((char *)m->files[i].data);
	}
	start_fini(&m->start);
	ini_fini(&m->doc);
	problems_fini(&m->problems);
	free(m);
}

/* 0 or -errno. */
static int methods_look_for_file(const char *path, char **ret, size_t *ret_len)
{
	int fd = file_open(path);

	if (fd < 0)
		return fd;
	(void)close(fd);
	*ret = strdup("x");
	*ret_len = 1;
	return *ret ? 0 : -ENOMEM;
}

/* What cannot be read is a problem, and for the plan its content is not known. 0 or -ENOMEM. */
static int methods_read_file(struct methods_inputs *m, const char *name, enum methods_files how)
{
	char path[PATH_MAX];
	int where = start_file_path(&m->doc, name, getenv("CREDENTIALS_DIRECTORY"), path);
	char *data = NULL;
	size_t len = 0;
	int r = where;

	if (r == 0)
		r = how == METHODS_LOOK
			    ? methods_look_for_file(path, &data, &len)
			    : file_read(path, PLAN_SERVICE_BYTES_MAX - m->n_bytes, &data, &len);
	if (r == -ENOMEM)
		return r;
	if (r)
		plan_file_unreadable(
			&m->doc, name, where == START_E_NOWHERE ? NULL : path, r, &m->problems);
	m->n_bytes += len;
	m->files[m->n_files++] = (struct plan_file){name, data, len};
	return 0;
}

/* The files that a named run's file refers to, relative to it. */
static int methods_read_files(struct methods_inputs *m, enum methods_files how)
{
	size_t n;
	const char **names = plan_file_names(&m->doc, &n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0 && m->n_files < START_FILES_MAX; i++)
		r = methods_read_file(m, names[i], how);
	m->n_named_files = m->n_files;
	free(names);
	if (n > START_FILES_MAX)
		problems_add(&m->problems, m->path, 0,
			"the run names %zu files, and at most %d are read: divide its requests "
			"among several runs",
			n, START_FILES_MAX);
	return r;
}

int methods_read_named(
	struct methods_inputs *inputs, const char *dir, const char *name, enum methods_files how)
{
	size_t len;
	int r;

	if (asprintf(&inputs->path, "%s/%s.ini", dir, name) == -1) {
		inputs->path = NULL;
		return -ENOMEM;
	}
	r = file_read(inputs->path, METHODS_RUN_FILE_MAX, &inputs->text, &len);
	if (r < 0)
		return r;
	r = ini_read(&inputs->doc, inputs->path, inputs->text, len, &inputs->problems);
	/* Its environment is the daemon's own: a variable without a default is a problem. */
	if (r == 0)
		r = start_fill(NULL, 0, &inputs->doc, &inputs->problems);
	inputs->n_named = inputs->doc.n_entries;
	inputs->n_named_sections = inputs->doc.n_sections;
	return r ? r : methods_read_files(inputs, how);
}

int methods_read_call(struct methods_inputs *m)
{
	const struct start *s = &m->start;
	size_t first = m->doc.n_entries;
	int r = start_read_texts(s, &m->doc, &m->problems);

	if (r == 0)
		r = start_fill(s->variables, first, &m->doc, &m->problems);
	if (r == 0)
		r = start_read_settings(s, 0, &m->doc, &m->problems);
	for (size_t i = 0; i < s->n_files && r == 0; i++) {
		struct plan_file f = s->files[i];
		size_t n = start_lies_in_content(s, &f) ? 0 : f.len;

		if (n > PLAN_SERVICE_BYTES_MAX - m->n_bytes) {
			plan_file_unreadable(&m->doc, f.name, f.name, -EFBIG, &m->problems);
			f = (struct plan_file){.name = f.name};
			n = 0;
		}
		m->n_bytes += n;
		m->files[m->n_files++] = f;
	}
	return r;
}
