/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading are the two halves of one codec, and a new parameter has a line in each.
 * Reading is strict: an unknown parameter is an error too, since a misspelt one would start another
 * run than was meant.
 *
 * The daemon knows no caller's environment and opens no caller's path: texts travel as they were
 * written, and with them the variables and the contents of the files that their values name. So a
 * result shows ${NAME} and not its value. */
#include "common/control/start.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/control/varlink.h"
#include "common/digest.h"
#include "common/err.h"
#include "common/config/variables.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "common/str.h"

/* ---------------------------------------------------------------- the struct */

/* Makes room for one more at the end of *array. */
static int start_grow(void *array, size_t n, size_t size)
{
	void *grown = reallocarray(*(void **)array, n + 1, size);

	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	return 0;
}

int start_add_overlay(struct start *s, const char *file, const char *text)
{
	if (start_grow(&s->overlays, s->n_overlays, sizeof(*s->overlays)))
		return -ENOMEM;
	s->overlays[s->n_overlays++] = (struct start_overlay){file, text};
	return 0;
}

int start_add_setting(struct start *s, const char *key, const char *value, const char *origin)
{
	if (start_grow(&s->set, s->n_set, sizeof(*s->set)))
		return -ENOMEM;
	s->set[s->n_set++] = (struct start_setting){key, value, origin};
	return 0;
}

int start_add_file(struct start *s, const char *name, const char *data, size_t len)
{
	if (start_grow(&s->files, s->n_files, sizeof(*s->files)))
		return -ENOMEM;
	s->files[s->n_files++] = (struct plan_file){name, data, len};
	return 0;
}

bool start_lies_in_content(const struct start *s, const struct plan_file *f)
{
	return s->content && f->data >= s->content && f->data < s->content + s->content_len;
}

/* It may be a key. */
static void start_wipe(char *data, size_t len)
{
	explicit_bzero(data, len);
	free(data);
}

void start_fini(struct start *s)
{
	for (size_t i = 0; i < s->n_files; i++)
		/* Without bytes it is a constant. */
		if (s->files[i].len > 0 && !start_lies_in_content(s, &s->files[i]))
			start_wipe((char *)s->files[i].data, s->files[i].len);
	free(s->files);
	free(s->overlays);
	free(s->set);
	json_decref(s->variables);
	*s = (struct start){0};
}

/* ---------------------------------------------------------------- writing */

static json_t *start_write_file(const struct start *s, const struct plan_file *f)
{
	json_int_t offset = f->len > 0 ? f->data - s->content : 0;
	json_t *value = NULL;
	char *base64;

	if (s->is_held)
		return json_pack("{s:I, s:I}", "offset", offset, "len", (json_int_t)f->len);
	base64 = digest_base64_encode(f->data ? f->data : "", f->len);
	if (base64)
		value = json_string(base64);
	free(base64);
	return value;
}

/* Each array and object into the message, where it has members. */
static int start_write_lists(const struct start *s, json_t *p)
{
	json_t *overlays = json_array(), *set = json_array(), *files = json_object();
	int r = 0;

	for (size_t i = 0; i < s->n_overlays; i++)
		r |= json_array_append_new(
			overlays, json_pack("{s:s, s:s}", "file", s->overlays[i].file, "text",
					  s->overlays[i].text));
	for (size_t i = 0; i < s->n_set; i++)
		r |= json_array_append_new(
			set, json_pack("{s:s, s:s, s:s*}", "key", s->set[i].key, "value",
				     s->set[i].value, "origin", s->set[i].origin));
	for (size_t i = 0; i < s->n_files; i++)
		r |= json_object_set_new(
			files, s->files[i].name, start_write_file(s, &s->files[i]));
	if (s->n_overlays > 0)
		r |= json_object_set(p, "overlays", overlays);
	if (s->n_files > 0)
		r |= json_object_set(p, s->is_held ? "held" : "files", files);
	r |= json_object_set(p, "set", set);
	json_decref(overlays);
	json_decref(set);
	json_decref(files);
	return r;
}

json_t *start_write(const struct start *s)
{
	json_t *p =
		json_pack("{s:s*, s:s*, s:s*}", "name", s->name, "text", s->text, "file", s->file);
	int r = p ? start_write_lists(s, p) : -1;

	if (json_object_size(s->variables) > 0)
		r |= json_object_set(p, "variables", s->variables);
	if (s->hold)
		r |= json_object_set_new(p, "hold", json_true());
	if (r == 0)
		return p;
	json_decref(p);
	return NULL;
}

/* ---------------------------------------------------------------- reading */

static int start_read_text(const json_t *value, const char **ret)
{
	*ret = json_string_value(value);
	return *ret ? 0 : -EINVAL;
}

static int start_read_overlays(struct start *s, const json_t *value)
{
	int r = json_is_array(value) ? 0 : -EINVAL;

	for (size_t i = 0; i < json_array_size(value) && r == 0; i++) {
		const char *file, *text;

		if (json_unpack(
			    json_array_get(value, i), "{s:s, s:s !}", "file", &file, "text", &text))
			return -EINVAL;
		r = start_add_overlay(s, file, text);
	}
	return r;
}

static int start_read_variables(struct start *s, json_t *value)
{
	const char *name;
	json_t *text;

	if (!json_is_object(value))
		return -EINVAL;
	json_object_foreach(value, name, text) if (!json_is_string(text)) return -EINVAL;
	s->variables = json_incref(value);
	return 0;
}

static int start_read_file(struct start *s, const char *name, json_t *value)
{
	const char *text = json_string_value(value);
	size_t len;
	char *data = text ? digest_base64_decode(text, &len) : NULL;
	int r;

	if (!data)
		return -EINVAL;
	r = start_add_file(s, name, len > 0 ? data : "", len);
	if (r || len == 0)
		start_wipe(data, len);
	return r;
}

static int start_read_piece(struct start *s, const char *name, json_t *value)
{
	json_int_t offset, len;

	if (json_unpack(value, "{s:I, s:I !}", "offset", &offset, "len", &len) || offset < 0 ||
		len < 0 || (uint64_t)offset > s->content_len ||
		(uint64_t)len > s->content_len - (uint64_t)offset)
		return -EINVAL;
	/* Where all are empty there may be no content at all. */
	return start_add_file(s, name, len > 0 ? s->content + offset : "", (size_t)len);
}

static int start_read_files(struct start *s, json_t *files,
	int (*read)(struct start *s, const char *name, json_t *value))
{
	int r = json_is_object(files) ? 0 : -EINVAL;
	const char *name;
	json_t *value;

	json_object_foreach(files, name, value)
	{
		if (r == 0 && s->n_files < START_FILES_MAX)
			r = read(s, name, value);
	}
	return r;
}

static int start_read_set(struct start *s, const json_t *value)
{
	int r = json_is_array(value) ? 0 : -EINVAL;

	for (size_t i = 0; i < json_array_size(value) && r == 0; i++) {
		const char *key, *text;
		json_t *origin = json_null();

		if (json_unpack(json_array_get(value, i), "{s:s, s:s, s?o !}", "key", &key, "value",
			    &text, "origin", &origin) ||
			!(json_is_null(origin) || json_is_string(origin)))
			return -EINVAL;
		r = start_add_setting(s, key, text, json_string_value(origin));
	}
	return r;
}

/* null is as good as nothing, but an unknown name is none. */
static int start_read_member(struct start *s, const char *key, json_t *value)
{
	bool is_null = json_is_null(value);

	if (varlink_is_for_all(key))
		return 0;
	if (str_eq(key, "name"))
		return is_null ? 0 : start_read_text(value, &s->name);
	if (str_eq(key, "text"))
		return is_null ? 0 : start_read_text(value, &s->text);
	if (str_eq(key, "file"))
		return is_null ? 0 : start_read_text(value, &s->file);
	if (str_eq(key, "overlays"))
		return is_null ? 0 : start_read_overlays(s, value);
	if (str_eq(key, "variables"))
		return is_null ? 0 : start_read_variables(s, value);
	if (str_eq(key, "files"))
		return is_null ? 0 : start_read_files(s, value, start_read_file);
	if (str_eq(key, "held"))
		return is_null ? 0 : start_read_files(s, value, start_read_piece);
	if (str_eq(key, "set"))
		return is_null ? 0 : start_read_set(s, value);
	s->hold = json_is_true(value);
	return str_eq(key, "hold") && (is_null || json_is_boolean(value)) ? 0 : -EINVAL;
}

int start_read(struct start *s, json_t *parameters, const char **ret_bad)
{
	const char *key;
	json_t *value;

	json_object_foreach(parameters, key, value)
	{
		int r = start_read_member(s, key, value);

		*ret_bad = key;
		if (r)
			return r;
	}
	*ret_bad = "name";
	return (s->name && !str_is_name(s->name)) || (!s->name && !s->text && !s->set) ? -EINVAL
										       : 0;
}

/* ---------------------------------------------------------------- the entries of a plan */

const char *start_label(const struct start *s)
{
	return s->file ? s->file : s->name ? s->name : "text";
}

static const char *start_find_variable(void *variables, const char *name)
{
	return json_string_value(json_object_get(variables, name));
}

int start_fill(json_t *variables, size_t first, struct ini_doc *doc, struct problems *problems)
{
	const struct variables fill = {start_find_variable, variables};

	return variables_expand(doc, first, &fill, problems);
}

int start_read_texts(const struct start *s, struct ini_doc *doc, struct problems *problems)
{
	int r = 0;

	if (s->text)
		r = ini_read(doc, start_label(s), s->text, strlen(s->text), problems);
	for (size_t i = 0; i < s->n_overlays && r == 0; i++)
		r = ini_read(doc, s->overlays[i].file, s->overlays[i].text,
			strlen(s->overlays[i].text), problems);
	return r;
}

int start_read_settings(
	const struct start *s, size_t first, struct ini_doc *doc, struct problems *problems)
{
	int r = 0;

	for (size_t i = first; i < s->n_set && r != -ENOMEM; i++) {
		const struct start_setting *one = &s->set[i];
		char text[256];

		(void)snprintf(text, sizeof(text), "set %s", one->key);
		r = ini_set_path(doc, one->origin ? one->origin : text, one->key, one->value);
		if (r == -EINVAL && problems)
			problems_add(problems, one->origin ? one->origin : text, 0,
				"'%.200s' is not SECTION.KEY: write that, as in load.rate",
				one->key);
	}
	return r == -ENOMEM ? r : 0;
}

int start_file_path(const struct ini_doc *doc, const char *name, const char *credentials,
	char ret[static PATH_MAX])
{
	const struct ini_entry *e = plan_file_entry(doc, name);
	const char *slash = e && e->line ? strrchr(e->file, '/') : NULL;
	const char *credential = plan_credential(name);
	int len;

	if (str_eq(name, PLAN_STDIN) || (credential && !credentials))
		return START_E_NOWHERE;
	if (credential)
		len = snprintf(ret, PATH_MAX, "%s/%s", credentials, credential);
	else if (name[0] == '/' || !slash)
		len = snprintf(ret, PATH_MAX, "%s", name);
	else
		len = snprintf(ret, PATH_MAX, "%.*s/%s", (int)(slash - e->file), e->file, name);
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}
