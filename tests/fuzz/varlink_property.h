/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of Varlink messages, whatever bytes come in whatever pieces: the same messages
 * are taken and the same verdict ends them; what a server takes is within its depth and number of
 * elements, and a client takes it too; calls and replies that are read are the same when they are
 * written and read again.
 *
 * An input is one byte that says how long a message may be and seeds the cuts, and then what a peer
 * sends. */
#pragma once

#include "common/control/varlink.h"
#include "tests/fuzz/property.h"
#include "tests/support/put_reply.h"

#define VARLINK_PROPERTY_MAX (1u << 20)

/* Of all messages of one reading. */
struct varlink_property_outcome {
	json_t *messages;
	int end; /* VARLINK_E_…; 0: no further whole message */
};

static inline struct varlink_property_outcome varlink_property_read(
	const uint8_t *data, size_t len, size_t max, size_t piece, uint32_t seed, bool is_server)
{
	struct varlink_property_outcome o = {.messages = json_array()};
	struct buf in = {0};
	size_t searched = 0;

	for (size_t at = 0; o.end == 0;) {
		json_t *message;
		size_t n = piece;

		o.end = is_server ? varlink_take_call(&in, max, &searched, &message)
				  : varlink_take(&in, max, &searched, &message);
		PROPERTY(o.end == 0 || o.end == VARLINK_E_PROTOCOL || o.end == VARLINK_E_TOO_LONG);
		PROPERTY(o.end == 0 || message == NULL);
		if (message)
			json_array_append_new(o.messages, message);
		else if (at == len || o.end)
			break;
		if (message)
			continue;
		if (n == 0) {
			seed = seed * 1664525 + 1013904223;
			n = (seed >> 20) % 61 + 1;
		}
		n = n < len - at ? n : len - at;
		PROPERTY(buf_append(&in, data + at, n) == 0);
		at += n;
	}
	buf_fini(&in);
	return o;
}

static inline unsigned varlink_property_elements(const json_t *value, unsigned depth)
{
	json_t *object = (json_t *)value;
	unsigned n = 0;

	PROPERTY(depth <= VARLINK_DEPTH_MAX || !(json_is_object(value) || json_is_array(value)));
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
		n += 1 + varlink_property_elements(json_object_iter_value(at), depth + 1);
	for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
		n += 1 + varlink_property_elements(json_array_get(value, i), depth + 1);
	return n;
}

/* The one message that was written; out is emptied. */
static inline json_t *varlink_property_written(struct buf *out)
{
	size_t searched = 0;
	json_t *message;

	PROPERTY(varlink_take(out, SIZE_MAX, &searched, &message) == 0 && message);
	PROPERTY(out->len == 0);
	buf_fini(out);
	return message;
}

static inline void varlink_property_call(json_t *message)
{
	struct varlink_call call = {0}, again;
	struct buf out = {0};
	int r = varlink_parse_call(message, &call);

	PROPERTY(r == 0 || r == VARLINK_E_PROTOCOL);
	if (r)
		return;
	PROPERTY(call.method && !(call.more && call.oneway));
	PROPERTY(varlink_put_call(&out, call.method, json_incref(call.parameters), call.more) == 0);
	message = varlink_property_written(&out);
	PROPERTY(varlink_parse_call(message, &again) == 0);
	PROPERTY(strcmp(again.method, call.method) == 0 && again.more == call.more);
	PROPERTY(call.parameters ? json_equal(again.parameters, call.parameters)
				 : !again.parameters);
	json_decref(message);
}

static inline void varlink_property_reply(json_t *message)
{
	struct varlink_reply reply = {0}, again;
	struct buf out = {0};
	int r = varlink_parse_reply(message, &reply);

	PROPERTY(r == 0 || r == VARLINK_E_PROTOCOL);
	if (r)
		return;
	PROPERTY(!(reply.error && reply.continues));
	json_incref(reply.parameters);
	r = reply.error ? varlink_put_error(&out, reply.error, reply.parameters)
			: put_reply(&out, reply.parameters, reply.continues);
	PROPERTY(r == 0);
	message = varlink_property_written(&out);
	PROPERTY(varlink_parse_reply(message, &again) == 0);
	PROPERTY(again.continues == reply.continues && !again.error == !reply.error);
	PROPERTY(!reply.error || strcmp(again.error, reply.error) == 0);
	PROPERTY(!reply.parameters || json_equal(again.parameters, reply.parameters));
	json_decref(message);
}

static inline void varlink_property_holds(const uint8_t *input, size_t size)
{
	struct varlink_property_outcome first, other;
	size_t max, n;

	if (size < 1 || size > VARLINK_PROPERTY_MAX)
		return;
	max = input[0] & 1 ? VARLINK_CALL_MAX : 100;
	first = varlink_property_read(input + 1, size - 1, max, size, 0, true);
	n = json_array_size(first.messages);
	for (int way = 0; way < 3; way++) {
		other = varlink_property_read(
			input + 1, size - 1, max, way == 0 ? 1 : 0, input[0], way < 2);
		/* A client takes more elements, but not deeper ones. */
		if (way < 2)
			PROPERTY(other.end == first.end && json_array_size(other.messages) == n);
		for (size_t i = 0; i < n; i++)
			PROPERTY(json_equal(json_array_get(first.messages, i),
				json_array_get(other.messages, i)));
		json_decref(other.messages);
	}
	for (size_t i = 0; i < n; i++) {
		json_t *message = json_array_get(first.messages, i);

		PROPERTY(varlink_property_elements(message, 1) <= VARLINK_ELEMENTS_MAX);
		varlink_property_call(message);
		varlink_property_reply(message);
	}
	json_decref(first.messages);
}
