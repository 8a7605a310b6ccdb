/* SPDX-License-Identifier: Apache-2.0 */
/* Varlink framing and envelopes, for the server and the client alike.
 *
 * A message is one JSON object followed by one NUL. After anything else the framing is lost, and
 * replies could no longer be matched to calls: that is VARLINK_E_PROTOCOL and the end of the
 * connection. Errors inside `parameters` are not detected here; they get an error reply.
 *
 * The envelope is strict in both directions: a known key of a wrong type and an unknown key without
 * a dot are violations, keys in reverse-domain form are extensions and ignored.
 *
 * jansson refuses duplicate keys, invalid UTF-8, \u0000 and integers beyond 64 bits. Its parser
 * accepts 2,048 levels, and allocates some sixty bytes for each element of "[[],[],[]...", so depth
 * and elements are counted first, in one pass that recognises only strings, brackets and
 * separators. */
#include "common/control/varlink.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/json_writer.h"
#include "common/memory.h"
#include "common/str.h"

/* Looks at the text outside strings. The text need not be valid JSON: if this is misled by invalid
 * text, the parser refuses that. An element follows an opening bracket, a comma or a colon; an
 * empty bracket is counted as having one. */
static bool varlink_too_complex(const char *text, size_t len, size_t elements_max)
{
	unsigned depth = 0;
	size_t n_elements = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			n_elements++;
			if (++depth > VARLINK_DEPTH_MAX)
				return true;
		} else if (c == ',' || c == ':') {
			n_elements++;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return n_elements > elements_max;
}

static int varlink_decode(const char *text, size_t len, size_t elements_max, json_t **ret)
{
	unsigned long failures = memory_failures();
	json_t *message;

	if (varlink_too_complex(text, len, elements_max))
		return VARLINK_E_PROTOCOL;
	message = memory_load_json(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!message)
		return memory_failures() != failures ? -ENOMEM : VARLINK_E_PROTOCOL;
	if (!json_is_object(message)) {
		json_decref(message);
		return VARLINK_E_PROTOCOL;
	}
	*ret = message;
	return 0;
}

static int varlink_take_within(
	struct buf *in, size_t max, size_t elements_max, size_t *searched, json_t **ret)
{
	const char *end = NULL;
	size_t len;
	int r;

	*ret = NULL;
	if (in->len > *searched)
		end = memchr(in->data + *searched, '\0', in->len - *searched);
	len = end ? (size_t)(end - in->data) : in->len;
	if (len > max)
		return VARLINK_E_TOO_LONG;
	if (!end) {
		*searched = in->len;
		return 0;
	}
	r = varlink_decode(in->data, len, elements_max, ret);
	buf_consume(in, len + 1);
	*searched = 0;
	return r;
}

int varlink_take(struct buf *in, size_t max, size_t *searched, json_t **ret)
{
	return varlink_take_within(in, max, SIZE_MAX, searched, ret);
}

int varlink_take_call(struct buf *in, size_t max, size_t *searched, json_t **ret)
{
	return varlink_take_within(in, max, VARLINK_ELEMENTS_MAX, searched, ret);
}

/* The key is not one of the envelope's. */
static bool varlink_key_is_foreign(const char *key)
{
	return strchr(key, '.') != NULL;
}

static int varlink_read_bool(const json_t *value, bool *ret)
{
	if (!json_is_boolean(value))
		return VARLINK_E_PROTOCOL;
	*ret = json_is_true(value);
	return 0;
}

static int varlink_read_text(const json_t *value, const char **ret)
{
	if (!json_is_string(value))
		return VARLINK_E_PROTOCOL;
	*ret = json_string_value(value);
	return 0;
}

/* null means no parameters. */
static int varlink_read_parameters(json_t *value, json_t **ret)
{
	if (!json_is_object(value) && !json_is_null(value))
		return VARLINK_E_PROTOCOL;
	*ret = json_is_null(value) ? NULL : value;
	return 0;
}

int varlink_parse_call(json_t *message, struct varlink_call *ret)
{
	struct varlink_call call = {0};
	const char *key;
	json_t *value;
	int r = 0;

	if (!json_is_object(message))
		return VARLINK_E_PROTOCOL;
	json_object_foreach(message, key, value)
	{
		if (str_eq(key, "method"))
			r = varlink_read_text(value, &call.method);
		else if (str_eq(key, "parameters"))
			r = varlink_read_parameters(value, &call.parameters);
		else if (str_eq(key, "more"))
			r = varlink_read_bool(value, &call.more);
		else if (str_eq(key, "oneway"))
			r = varlink_read_bool(value, &call.oneway);
		else if (str_eq(key, "upgrade"))
			r = varlink_read_bool(value, &call.upgrade);
		else if (!varlink_key_is_foreign(key))
			r = VARLINK_E_PROTOCOL;
		if (r != 0)
			return r;
	}
	/* A call cannot ask for several replies and for none. */
	if (!call.method || (call.more && call.oneway))
		return VARLINK_E_PROTOCOL;
	*ret = call;
	return 0;
}

bool varlink_is_for_all(const char *parameter)
{
	return str_eq(parameter, "allowInteractiveAuthentication");
}

int varlink_parse_reply(json_t *message, struct varlink_reply *ret)
{
	struct varlink_reply reply = {0};
	const char *key;
	json_t *value;
	int r = 0;

	if (!json_is_object(message))
		return VARLINK_E_PROTOCOL;
	json_object_foreach(message, key, value)
	{
		if (str_eq(key, "parameters"))
			r = varlink_read_parameters(value, &reply.parameters);
		else if (str_eq(key, "error"))
			r = varlink_read_text(value, &reply.error);
		else if (str_eq(key, "continues"))
			r = varlink_read_bool(value, &reply.continues);
		else if (!varlink_key_is_foreign(key))
			r = VARLINK_E_PROTOCOL;
		if (r != 0)
			return r;
	}
	if (reply.error && reply.continues)
		return VARLINK_E_PROTOCOL;
	*ret = reply;
	return 0;
}

/* Appends the message (taken over; NULL: memory ran out while it was made) or nothing. */
static int varlink_put(struct buf *out, json_t *message)
{
	struct json_writer writer = {0};
	size_t before = out->len;
	int r;

	if (!message)
		return -ENOMEM;
	json_writer_begin(&writer, message);
	r = json_writer_write(&writer, out, SIZE_MAX);
	if (r == 0)
		r = buf_append(out, "", 1);
	if (r != 0)
		buf_cut(out, before);
	json_writer_fini(&writer);
	return r;
}

/* Steals value even on failure; NULL for message or value makes the message NULL. */
static json_t *varlink_with(json_t *message, const char *key, json_t *value)
{
	if (message && json_object_set_new(message, key, value) == 0)
		return message;
	if (!message)
		json_decref(value);
	json_decref(message);
	return NULL;
}

int varlink_put_call(struct buf *out, const char *method, json_t *parameters, bool more)
{
	json_t *message = varlink_with(json_object(), "method", json_string(method));

	if (parameters)
		message = varlink_with(message, "parameters", parameters);
	if (more)
		message = varlink_with(message, "more", json_true());
	return varlink_put(out, message);
}

json_t *varlink_make_reply(json_t *parameters, bool continues)
{
	json_t *message =
		varlink_with(json_object(), "parameters", parameters ? parameters : json_object());

	if (continues)
		message = varlink_with(message, "continues", json_true());
	return message;
}

json_t *varlink_make_error(const char *error, json_t *parameters)
{
	json_t *message = varlink_with(json_object(), "error", json_string(error));

	if (parameters)
		message = varlink_with(message, "parameters", parameters);
	return message;
}

int varlink_put_error(struct buf *out, const char *error, json_t *parameters)
{
	return varlink_put(out, varlink_make_error(error, parameters));
}
