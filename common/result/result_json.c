/* SPDX-License-Identifier: Apache-2.0 */
/* Reading trusts nothing: neither types nor sizes. Writing makes each member that is not absent; a
 * member that cannot be made (no memory) makes the whole fail, since a document that lacks a figure
 * would read as "not applicable". */
#include "common/result/result_json.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json_text.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "common/result/result_table.h"

/* Rows of such a list are values, not objects. */
static bool result_is_value(const struct result_table *t)
{
	return t->fields[0].name[0] == '\0';
}

/* ---------------------------------------------------------------- reading */

static int64_t result_bound(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

static void result_read_int(enum result_type type, const json_t *value, int64_t *ret)
{
	int64_t n = json_integer_value(value);

	if (!json_is_integer(value))
		return;
	if (type == RESULT_ANY_INT)
		*ret = result_bound(n, RESULT_ABSENT + 1, INT64_MAX);
	else
		*ret = result_bound(
			n, type == RESULT_COUNT ? 0 : -JSON_PATH_INT_MAX, JSON_PATH_INT_MAX);
}

static void result_read_real(const json_t *value, double *ret)
{
	const double most = (double)JSON_PATH_INT_MAX;

	if (json_is_number(value))
		*ret = fmin(fmax(json_number_value(value), -most), most);
}

static int result_read_text(const json_t *value, char **ret)
{
	const char *text = json_string_value(value);
	size_t size;

	if (!text)
		return 0;
	size = strlen(text) + 1;
	*ret = memory_malloc(size);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, text, size);
	return 0;
}

static int result_read_field(
	const struct result_field *f, const json_t *value, void *at, struct err *reterr);

/* One row: a value, or an object of values. */
static int result_read_row(
	const struct result_table *t, const json_t *value, void *row, struct err *reterr)
{
	if (result_is_value(t))
		return result_read_field(&t->fields[0], value, row, reterr);
	if (json_is_object(value))
		return result_table_read(t, value, row, reterr);
	*(enum result_state *)row = RESULT_IS_NULL;
	return 0;
}

static int result_read_list(const struct result_field *f, const json_t *value,
	struct result_list *list, struct err *reterr)
{
	json_t *from = (json_t *)value; /* jansson iterates over what it may change */
	size_t n = json_array_size(value) + json_object_size(value);
	bool is_named = f->type == RESULT_NAMED;
	int r = 0;

	if (is_named ? !json_is_object(value) : !json_is_array(value))
		return 0;
	if (f->most > 0 && n > f->most) {
		err_set(reterr, "%zu members in %s, no result has more than %zu", n, f->name,
			f->most);
		return RESULT_E_TOO_MANY;
	}
	list->is = RESULT_IS_THERE;
	for (size_t i = 0; !is_named && i < n && r == 0; i++) {
		void *row = result_list_add(f->table, list, NULL);

		r = row ? result_read_row(f->table, json_array_get(value, i), row, reterr)
			: -ENOMEM;
	}
	for (void *at = is_named ? json_object_iter(from) : NULL; at && r == 0;
		at = json_object_iter_next(from, at)) {
		void *row = result_list_add(f->table, list, json_object_iter_key(at));

		r = row ? result_read_row(f->table, json_object_iter_value(at), row, reterr)
			: -ENOMEM;
	}
	return r;
}

static void result_read_null(enum result_type type, void *field)
{
	switch (type) {
	case RESULT_INT:
	case RESULT_COUNT:
	case RESULT_ANY_INT:
		*(int64_t *)field = RESULT_NULL;
		break;
	case RESULT_REAL:
		*(double *)field = RESULT_REAL_NULL;
		break;
	case RESULT_FLAG:
		*(enum result_flag *)field = RESULT_FLAG_NULL;
		break;
	case RESULT_TEXT:
		*(char **)field = result_null_text;
		break;
	case RESULT_JSON:
		*(json_t **)field = json_null();
		break;
	case RESULT_PART:
		*(enum result_state *)field = RESULT_IS_NULL;
		break;
	case RESULT_ROWS:
	case RESULT_NAMED:
		((struct result_list *)field)->is = RESULT_IS_NULL;
		break;
	}
}

static int result_read_field(
	const struct result_field *f, const json_t *value, void *at, struct err *reterr)
{
	void *field = (char *)at + f->offset;

	if (json_is_null(value)) {
		result_read_null(f->type, field);
		return 0;
	}
	switch (f->type) {
	case RESULT_INT:
	case RESULT_COUNT:
	case RESULT_ANY_INT:
		result_read_int(f->type, value, field);
		return 0;
	case RESULT_REAL:
		result_read_real(value, field);
		return 0;
	case RESULT_FLAG:
		if (json_is_boolean(value))
			*(enum result_flag *)field = json_is_true(value) ? RESULT_YES : RESULT_NO;
		return 0;
	case RESULT_TEXT:
		return result_read_text(value, field);
	case RESULT_JSON:
		*(json_t **)field = json_incref((json_t *)value);
		return 0;
	case RESULT_PART:
		return json_is_object(value) ? result_table_read(f->table, value, field, reterr)
					     : 0;
	case RESULT_ROWS:
	case RESULT_NAMED:
		return result_read_list(f, value, field, reterr);
	}
	return 0;
}

int result_table_read(
	const struct result_table *t, const json_t *object, void *ret, struct err *reterr)
{
	int r = 0;

	*(enum result_state *)ret = RESULT_IS_THERE;
	for (size_t i = 0; i < t->n && r == 0; i++)
		r = result_read_field(
			&t->fields[i], json_object_get(object, t->fields[i].name), ret, reterr);
	return r;
}

int result_read(const json_t *doc, struct result *ret, struct err *reterr)
{
	result_init(ret);
	return result_table_read(&result_table, doc, ret, reterr);
}

/* ---------------------------------------------------------------- writing */

static json_t *result_write_int(int64_t n)
{
	return n == RESULT_NULL ? json_null() : json_integer(n);
}

/* No document can hold what is beyond all numbers. */
static json_t *result_write_real(double value)
{
	return isnan(value) ? json_null() : json_real(fmin(fmax(value, -DBL_MAX), DBL_MAX));
}

static json_t *result_write_row(const struct result_table *t, const void *row);

static json_t *result_write_list(const struct result_field *f, const struct result_list *list)
{
	json_t *all = f->type == RESULT_NAMED ? json_object() : json_array();
	int r = all ? 0 : -1;

	if (list->is == RESULT_IS_NULL) {
		json_decref(all);
		return json_null();
	}
	for (size_t i = 0; i < list->n && r == 0; i++) {
		const void *row = (const char *)list->rows + i * f->table->size;
		json_t *value = result_write_row(f->table, row);

		if (f->type == RESULT_NAMED)
			r = json_object_set_new(
				all, ((const struct result_string *)row)->name, value);
		else
			r = json_array_append_new(all, value);
	}
	if (r == 0)
		return all;
	json_decref(all);
	return NULL;
}

/* Whether there is anything to write of the field. */
static bool result_has_field(const struct result_field *f, const void *at)
{
	const void *field = (const char *)at + f->offset;

	switch (f->type) {
	case RESULT_INT:
	case RESULT_COUNT:
	case RESULT_ANY_INT:
		return *(const int64_t *)field != RESULT_ABSENT;
	case RESULT_REAL:
		return *(const double *)field != RESULT_REAL_ABSENT;
	case RESULT_FLAG:
		return *(const enum result_flag *)field != RESULT_FLAG_ABSENT;
	case RESULT_TEXT:
		return *(char *const *)field != NULL;
	case RESULT_JSON:
		return *(json_t *const *)field != NULL;
	case RESULT_PART:
		return *(const enum result_state *)field != RESULT_IS_ABSENT;
	case RESULT_ROWS:
	case RESULT_NAMED:
		return ((const struct result_list *)field)->is != RESULT_IS_ABSENT;
	}
	return false;
}

static json_t *result_write_field(const struct result_field *f, const void *at)
{
	const void *field = (const char *)at + f->offset;
	enum result_flag flag;
	const char *text;

	switch (f->type) {
	case RESULT_INT:
	case RESULT_COUNT:
	case RESULT_ANY_INT:
		return result_write_int(*(const int64_t *)field);
	case RESULT_REAL:
		return result_write_real(*(const double *)field);
	case RESULT_FLAG:
		flag = *(const enum result_flag *)field;
		return flag == RESULT_FLAG_NULL ? json_null() : json_boolean(flag == RESULT_YES);
	case RESULT_TEXT:
		text = *(char *const *)field;
		return text == result_null_text ? json_null() : json_text(text);
	case RESULT_JSON:
		return json_incref(*(json_t *const *)field);
	case RESULT_PART:
		return result_table_write(f->table, field);
	case RESULT_ROWS:
	case RESULT_NAMED:
		return result_write_list(f, field);
	}
	return NULL;
}

/* A row of values that is not known to be one is null. */
static json_t *result_write_row(const struct result_table *t, const void *row)
{
	if (!result_is_value(t))
		return result_table_write(t, row);
	return result_has_field(&t->fields[0], row) ? result_write_field(&t->fields[0], row)
						    : json_null();
}

json_t *result_table_write(const struct result_table *t, const void *at)
{
	json_t *object;

	if (*(const enum result_state *)at != RESULT_IS_THERE)
		return json_null();
	object = json_object();
	for (size_t i = 0; i < t->n && object; i++) {
		const struct result_field *f = &t->fields[i];

		if (!result_has_field(f, at) ||
			json_object_set_new(object, f->name, result_write_field(f, at)) == 0)
			continue;
		json_decref(object);
		object = NULL;
	}
	return object;
}

json_t *result_write(const struct result *r)
{
	return result_table_write(&result_table, r);
}
