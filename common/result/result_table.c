/* SPDX-License-Identifier: Apache-2.0 */
/* What all tables have in common: finding a row, and structs that begin and end by it. */
#include "common/result/result_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/str.h"

const char *const result_unit_names[RESULT_UNITS] = {
	[RESULT_NO_UNIT] = "",
	[RESULT_NS] = "ns",
	[RESULT_MS] = "ms",
	[RESULT_SHARE] = "share",
	[RESULT_PER_S] = "/s",
	[RESULT_BYTES] = "B",
	[RESULT_BYTES_PER_S] = "B/s",
};

char result_null_text[] = "";

/* The field of that name, of which only len bytes count. */
static const struct result_field *result_table_find_part(
	const struct result_table *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->n; i++)
		if (strncmp(t->fields[i].name, name, len) == 0 && t->fields[i].name[len] == '\0')
			return &t->fields[i];
	return NULL;
}

const struct result_field *result_table_find(const struct result_table *t, const char *name)
{
	return result_table_find_part(t, name, strlen(name));
}

const struct result_field *result_table_at(const struct result_table *t, const char *path)
{
	const struct result_field *f = NULL;

	while (*path != '\0') {
		size_t len = strcspn(path, ".");

		f = t ? result_table_find_part(t, path, len) : NULL;
		if (!f)
			return NULL;
		t = f->table;
		path += len + (path[len] == '.');
		if (f->type == RESULT_NAMED && *path != '\0') {
			path += strcspn(path, ".");
			path += *path == '.';
			if (*path == '\0')
				f = t->fields[0].name[0] == '\0' ? t->fields : f;
		}
	}
	return f;
}

void result_table_init(const struct result_table *t, void *at)
{
	memset(at, 0, t->size);
	for (size_t i = 0; i < t->n; i++) {
		const struct result_field *f = &t->fields[i];
		void *field = (char *)at + f->offset;

		switch (f->type) {
		case RESULT_INT:
		case RESULT_COUNT:
		case RESULT_ANY_INT:
			*(int64_t *)field = RESULT_ABSENT;
			break;
		case RESULT_REAL:
			*(double *)field = RESULT_REAL_ABSENT;
			break;
		case RESULT_FLAG:
			*(enum result_flag *)field = RESULT_FLAG_ABSENT;
			break;
		case RESULT_PART:
			result_table_init(f->table, field);
			break;
		default:
			break; /* zero is absent */
		}
	}
}

void result_list_fini(const struct result_table *t, bool is_named, struct result_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char *row = (char *)list->rows + i * t->size;

		if (is_named)
			free(((struct result_string *)(void *)row)->name);
		result_table_fini(t, row);
	}
	free(list->rows);
	*list = (struct result_list){0};
}

void result_table_fini(const struct result_table *t, void *at)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct result_field *f = &t->fields[i];
		void *field = (char *)at + f->offset;

		switch (f->type) {
		case RESULT_TEXT:
			if (*(char **)field != result_null_text)
				free(*(char **)field);
			break;
		case RESULT_JSON:
			json_decref(*(json_t **)field);
			break;
		case RESULT_PART:
			result_table_fini(f->table, field);
			break;
		case RESULT_ROWS:
		case RESULT_NAMED:
			result_list_fini(f->table, f->type == RESULT_NAMED, field);
			break;
		default:
			break;
		}
	}
	result_table_init(t, at);
}

void *result_list_add(const struct result_table *t, struct result_list *list, const char *name)
{
	char *copy = NULL;
	void *row;

	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 4;
		void *rows = realloc(list->rows, room * t->size);

		if (!rows) {
			memory_note();
			return NULL;
		}
		list->rows = rows;
		list->room = room;
	}
	if (name) {
		copy = memory_malloc(strlen(name) + 1);
		if (!copy)
			return NULL;
		memcpy(copy, name, strlen(name) + 1);
	}
	row = (char *)list->rows + list->n++ * t->size;
	result_table_init(t, row);
	*(enum result_state *)row = RESULT_IS_THERE;
	if (name)
		((struct result_string *)row)->name = copy;
	list->is = RESULT_IS_THERE;
	return row;
}

static int result_copy_text(const char *from, char **ret)
{
	*ret = (char *)from;
	if (!from || from == result_null_text)
		return 0;
	*ret = memory_malloc(strlen(from) + 1);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, from, strlen(from) + 1);
	return 0;
}

static int result_copy_list(
	const struct result_field *f, const struct result_list *from, struct result_list *ret)
{
	for (size_t i = 0; i < from->n; i++) {
		const char *row = (const char *)from->rows + i * f->table->size;
		const char *name = f->type == RESULT_NAMED
					   ? ((const struct result_string *)(const void *)row)->name
					   : NULL;
		void *copy = result_list_add(f->table, ret, name);

		if (!copy || result_table_copy(f->table, row, copy) < 0)
			return -ENOMEM;
	}
	ret->is = from->is;
	return 0;
}

int result_table_copy(const struct result_table *t, const void *from, void *ret)
{
	int r = 0;

	*(enum result_state *)ret = *(const enum result_state *)from;
	for (size_t i = 0; i < t->n && r == 0; i++) {
		const struct result_field *f = &t->fields[i];
		const void *field = (const char *)from + f->offset;
		void *copy = (char *)ret + f->offset;

		switch (f->type) {
		case RESULT_INT:
		case RESULT_COUNT:
		case RESULT_ANY_INT:
			*(int64_t *)copy = *(const int64_t *)field;
			break;
		case RESULT_REAL:
			*(double *)copy = *(const double *)field;
			break;
		case RESULT_FLAG:
			*(enum result_flag *)copy = *(const enum result_flag *)field;
			break;
		case RESULT_TEXT:
			r = result_copy_text(*(char *const *)field, copy);
			break;
		case RESULT_JSON:
			*(json_t **)copy = json_incref(*(json_t *const *)field);
			break;
		case RESULT_PART:
			r = result_table_copy(f->table, field, copy);
			break;
		case RESULT_ROWS:
		case RESULT_NAMED:
			r = result_copy_list(f, field, copy);
			break;
		}
	}
	return r;
}

void *result_list_find(
	const struct result_table *t, const struct result_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		void *at = (char *)list->rows + i * t->size;
		const struct result_string *row = at;

		if (row->is == RESULT_IS_THERE && str_eq(row->name, name))
			return at;
	}
	return NULL;
}

const struct result_latency *result_find_latency(const struct result *r, const char *name)
{
	return result_list_find(&result_latency_table, &r->latency, name);
}

void result_init(struct result *r)
{
	result_table_init(&result_table, r);
}

void result_fini(struct result *r)
{
	result_table_fini(&result_table, r);
}
