/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of levels replaces the recursion of an ordinary writer. Containers and strings are
 * written here; numbers by jansson, so that their form is the same. */
#include "common/json_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"

/* ---------------------------------------------------------------- what is not nested */

static int json_writer_escape(struct buf *out, unsigned char c)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	char short_form[2] = {'\\', c < 0x20 ? letters[c] : (char)c};

	if (short_form[1])
		return buf_append(out, short_form, sizeof(short_form));
	return buf_printf(out, "\\u%04X", c);
}

static int json_writer_string(struct buf *out, const char *text, size_t len)
{
	size_t from = 0;
	int r = buf_append(out, "\"", 1);

	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		r = buf_append(out, text + from, i - from);
		if (r == 0)
			r = json_writer_escape(out, c);
		from = i + 1;
	}
	if (r == 0)
		r = buf_append(out, text + from, len - from);
	return r == 0 ? buf_append(out, "\"", 1) : r;
}

static int json_writer_number(struct buf *out, const json_t *number)
{
	char text[64];
	size_t len = json_dumpb(number, text, sizeof(text), JSON_COMPACT | JSON_ENCODE_ANY);

	return len > 0 && len <= sizeof(text) ? buf_append(out, text, len) : -ENOMEM;
}

static int json_writer_on_dump(const char *data, size_t len, void *arg)
{
	return buf_append(arg, data, len) == 0 ? 0 : -1;
}

static int json_writer_dump(struct buf *out, const json_t *value)
{
	int r = json_dump_callback(value, json_writer_on_dump, out, JSON_COMPACT | JSON_ENCODE_ANY);

	return r == 0 ? 0 : -ENOMEM;
}

/* ---------------------------------------------------------------- containers */

static int json_writer_open(struct json_writer *w, struct buf *out, json_t *value)
{
	if (w->_depth == JSON_WRITER_DEPTH)
		return json_writer_dump(out, value);
	w->_levels[w->_depth++] = (struct json_writer_level){
		.value = value,
		.member = json_object_iter(value),
	};
	return buf_append(out, json_is_object(value) ? "{" : "[", 1);
}

static int json_writer_value(struct json_writer *w, struct buf *out, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return json_writer_open(w, out, value);
	case JSON_STRING:
		return json_writer_string(out, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
		return json_writer_number(out, value);
	case JSON_TRUE:
		return buf_puts(out, "true");
	case JSON_FALSE:
		return buf_puts(out, "false");
	case JSON_NULL:
		return buf_puts(out, "null");
	}
	return 0;
}

/* The next value of the innermost container, after its comma and its key; or the end of the
 * container, then *ret is NULL. */
static int json_writer_next(struct json_writer *w, struct buf *out, json_t **ret)
{
	struct json_writer_level *level = &w->_levels[w->_depth - 1];
	const char *key;
	int r = 0;

	*ret = level->member ? json_object_iter_value(level->member)
			     : json_array_get(level->value, level->n);
	if (!*ret) {
		w->_depth--;
		return buf_append(out, json_is_object(level->value) ? "}" : "]", 1);
	}
	if (level->n++ > 0)
		r = buf_append(out, ",", 1);
	if (r == 0 && level->member) {
		key = json_object_iter_key(level->member);
		level->member = json_object_iter_next(level->value, level->member);
		r = json_writer_string(out, key, strlen(key));
		if (r == 0)
			r = buf_append(out, ":", 1);
	}
	return r;
}

/* ---------------------------------------------------------------- the writer */

void json_writer_begin(struct json_writer *w, json_t *document)
{
	w->_root = document;
	w->_has_begun = false;
	w->_depth = 0;
}

bool json_writer_is_writing(const struct json_writer *w)
{
	return w->_root != NULL;
}

int json_writer_write(struct json_writer *w, struct buf *out, size_t enough)
{
	size_t before = out->len;
	json_t *value = NULL;
	int r = 0;

	if (w->_root && !w->_has_begun) {
		w->_has_begun = true;
		r = json_writer_value(w, out, w->_root);
	}
	while (r == 0 && w->_depth > 0 && out->len - before < enough) {
		r = json_writer_next(w, out, &value);
		if (r == 0 && value)
			r = json_writer_value(w, out, value);
	}
	if (r == 0 && w->_depth == 0)
		json_writer_fini(w);
	return r;
}

void json_writer_fini(struct json_writer *w)
{
	json_decref(w->_root);
	w->_root = NULL;
	w->_depth = 0;
}
