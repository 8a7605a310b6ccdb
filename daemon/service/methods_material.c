/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what a plan is made of. What is wrong with it is a problem in the list, with its file and
 * line, and stops nothing: a person is told all of it at once.
 *
 * A named run's file is root's, so the daemon opens the files that it names, and takes credentials
 * from those that the service manager has given to itself. Those that only an
 * override names are never opened here, or an operator could have the daemon read its own files to
 * him: their content must come with the call. */
#include "daemon/service/methods_material.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/fill.h"
#include "common/json_text.h"
#include "common/str.h"
#include "daemon/service/methods_call.h"
#include "daemon/service/secrets.h"

static bool methods_is_held(const struct methods_material *m, const char *data)
{
	return m->content && data >= m->content && data < m->content + m->content_len;
}

/* The length of "FILE:LINE:" of the named run's file before a problem; 0: it is none of that file.
 */
static size_t methods_problem_place(
	const struct methods_material *m, const char *text, unsigned *ret_line)
{
	size_t len = m->path ? strlen(m->path) : 0;

	*ret_line = 0;
	if (len == 0 || strncmp(text, m->path, len) != 0 || text[len] != ':')
		return 0;
	*ret_line = (unsigned)strtoul(text + len + 1, NULL, 10);
	return len + strspn(text + len, ":0123456789");
}

static bool methods_may_see_problem(
	const struct methods_material *m, size_t place, unsigned line, enum control_role role)
{
	if (role != CONTROL_OPERATE)
		return role > CONTROL_OPERATE;
	return place == 0 || line == 0 || !m->text ||
	       secrets_line_is_shown(m->text, strlen(m->text), line, false);
}

json_t *methods_json_problem(const struct methods_material *m, size_t i, enum control_role role)
{
	const char *text = m->problems.texts[i];
	struct buf hidden = {0};
	json_t *value = NULL;
	unsigned line;
	size_t place = methods_problem_place(m, text, &line);

	if (methods_may_see_problem(m, place, line, role))
		return json_text(text);
	if (buf_printf(&hidden, "%.*s%snot valid; %s sees why", (int)place, text, place ? " " : "",
		    role < CONTROL_OPERATE ? "who may operate" : "an administrator") == 0)
		value = json_text(hidden.data);
	buf_fini(&hidden);
	return value;
}

void methods_material_fini(struct methods_material *m)
{
	free(m->path);
	str_wipe(m->text);
	ini_fini(&m->doc);
	for (size_t i = 0; i < m->n_files; i++) {
		free((char *)m->files[i].name);
		if (methods_is_held(m, m->files[i].data))
			continue;
		/* It may be a key. */
		if (m->files[i].data)
			explicit_bzero((char *)m->files[i].data, m->files[i].len);
		free((char *)m->files[i].data);
	}
	problems_fini(&m->problems);
	free(m);
}

/* Takes over data. 0 or -ENOMEM; more than fit are left out, which the plan finds missing. */
static int methods_add_file(struct methods_material *m, const char *name, char *data, size_t len)
{
	char *copy;

	if (m->n_files == METHODS_FILES_MAX) {
		free(data);
		return 0;
	}
	copy = strdup(name);
	if (!copy) {
		free(data);
		return -ENOMEM;
	}
	m->files[m->n_files++] = (struct plan_file){.name = copy, .data = data, .len = len};
	return 0;
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

/* Told here, with why; for the plan its content is not known. path NULL: there are no credentials.
 * 0 or -ENOMEM. */
static int methods_miss_file(
	struct methods_material *m, const char *name, const char *path, int error)
{
	plan_file_unreadable(&m->doc, name, path, error, &m->problems);
	return methods_add_file(m, name, NULL, 0);
}

/* Where a file of a named run is, in *ret; NULL: it is a credential, and the service manager has
 * given none, or standard input. 0 or -ENOMEM. */
static int methods_file_path(const char *dir, const char *name, struct buf *ret)
{
	const char *credential = plan_credential(name);
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");

	if (str_eq(name, PLAN_STDIN))
		return 0;
	if (credential)
		return credentials ? buf_printf(ret, "%s/%s", credentials, credential) : 0;
	return name[0] == '/' ? buf_puts(ret, name) : buf_printf(ret, "%s/%s", dir, name);
}

static int methods_read_file(
	struct methods_material *m, const char *name, const char *path, enum methods_files how)
{
	char *data;
	size_t len;
	int r;

	if (!path)
		return methods_miss_file(m, name, NULL, 0);
	if (how == METHODS_LOOK)
		r = methods_look_for_file(path, &data, &len);
	else
		r = file_read(path, PLAN_SERVICE_BYTES_MAX - m->n_bytes, &data, &len);
	if (r)
		return methods_miss_file(m, name, path, r);
	m->n_bytes += len;
	return methods_add_file(m, name, data, len);
}

/* The files that a named run's file refers to, relative to it. What cannot be read is a problem. */
static int methods_read_files(struct methods_material *m, const char *dir, enum methods_files how)
{
	size_t n;
	const char **names = plan_file_names(&m->doc, &n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct buf path = {0};

		r = methods_file_path(dir, names[i], &path);
		if (r == 0)
			r = methods_read_file(m, names[i], path.data, how);
		buf_fini(&path);
	}
	free(names);
	return r;
}

static const char *methods_find_variable(void *userdata, const char *name)
{
	return json_string_value(json_object_get(userdata, name));
}

/* Fills what was read since the doc had first entries. variables: NULL where there are none. */
static int methods_fill(struct methods_material *m, size_t first, json_t *variables)
{
	const struct fill fill = {methods_find_variable, variables};

	return fill_doc(&m->doc, first, &fill, &m->problems);
}

int methods_read_named(struct methods_material *material, const char *dir, const char *name,
	enum methods_files how)
{
	size_t len;
	int r;

	if (asprintf(&material->path, "%s/%s.ini", dir, name) == -1) {
		material->path = NULL;
		return -ENOMEM;
	}
	material->label = material->path;
	r = file_read(material->path, METHODS_RUN_FILE_MAX, &material->text, &len);
	if (r < 0)
		return r;
	r = ini_read(&material->doc, material->label, material->text, len, &material->problems);
	material->n_named = material->doc.n_entries;
	material->n_named_sections = material->doc.n_sections;
	/* The daemon's environment is nobody's business: what has no default is a problem. */
	if (r == 0)
		r = methods_fill(material, 0, NULL);
	if (r == 0)
		r = methods_read_files(material, dir, how);
	return r;
}

int methods_read_text(struct methods_material *material, const char *text, json_t *variables)
{
	int r;

	if (!text)
		return 0;
	material->text = strdup(text);
	if (!material->text)
		return -ENOMEM;
	r = ini_read(&material->doc, material->label, text, strlen(text), &material->problems);
	return r ? r : methods_fill(material, 0, variables);
}

int methods_read_overlays(struct methods_material *m, const json_t *overlays, json_t *variables)
{
	size_t first = m->doc.n_entries;
	json_t *overlay;
	size_t i;

	json_array_foreach(overlays, i, overlay)
	{
		const char *file;
		const char *text;
		int r;

		if (json_unpack(overlay, "{s:s, s:s !}", "file", &file, "text", &text) == -1)
			return -EINVAL;
		r = ini_read(&m->doc, file, text, strlen(text), &m->problems);
		if (r < 0)
			return r;
	}
	return methods_fill(m, first, variables);
}

int methods_read_set(struct methods_material *m, const json_t *settings)
{
	json_t *setting;
	size_t i;
	int r;

	json_array_foreach(settings, i, setting)
	{
		const char *origin = NULL;
		const char *key;
		const char *value;
		char text[256];

		if (json_is_null(json_object_get(setting, "origin")))
			(void)json_object_del(setting, "origin");
		if (json_unpack(setting, "{s:s, s:s, s?s !}", "key", &key, "value", &value,
			    "origin", &origin) == -1)
			return -EINVAL;
		(void)snprintf(text, sizeof(text), "set %s", key);
		r = ini_set_path(&m->doc, origin ? origin : text, key, value);
		if (r == -EINVAL)
			problems_add(&m->problems, origin ? origin : text, 0,
				"'%.200s' is not SECTION.KEY", key);
		else if (r < 0)
			return r;
	}
	return 0;
}

int methods_take_files(struct methods_material *m, json_t *files)
{
	const char *name;
	json_t *value;

	json_object_foreach(files, name, value)
	{
		size_t len;
		char *data;
		int r;

		if (!json_is_string(value))
			return -EINVAL;
		data = digest_base64_decode(json_string_value(value), &len);
		if (!data)
			return -EINVAL;
		if (len > PLAN_SERVICE_BYTES_MAX - m->n_bytes) {
			free(data);
			r = methods_miss_file(m, name, name, -EFBIG);
		} else {
			m->n_bytes += len;
			r = methods_add_file(m, name, data, len);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* An empty piece may be of no content at all, and a file without data is one that was only looked
 * for. */
static int methods_add_piece(
	struct methods_material *m, const char *name, size_t offset, size_t len)
{
	char *copy;

	if (len == 0) {
		copy = strdup("");
		return copy ? methods_add_file(m, name, copy, 0) : -ENOMEM;
	}
	if (m->n_files == METHODS_FILES_MAX)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	m->files[m->n_files++] =
		(struct plan_file){.name = copy, .data = m->content + offset, .len = len};
	return 0;
}

int methods_take_held(struct methods_material *m, json_t *held)
{
	const char *name;
	json_t *value;

	json_object_foreach(held, name, value)
	{
		json_int_t offset, len;
		int r;

		if (json_unpack(value, "{s:I, s:I !}", "offset", &offset, "len", &len) == -1 ||
			offset < 0 || len < 0 || (uint64_t)offset > m->content_len ||
			(uint64_t)len > m->content_len - (uint64_t)offset)
			return -EINVAL;
		r = methods_add_piece(m, name, (size_t)offset, (size_t)len);
		if (r < 0)
			return r;
	}
	return 0;
}
