/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of the origin's request reader for any bytes, cut in any pieces: at once, byte
 * by byte and with bodies skipped it comes to the same state, end and fields; it reads no byte past
 * a piece; what it leaves of a line is shorter than a head; a request that is done has one framing.
 *
 * An input is one byte that seeds the cuts, and then what a client sends. */
#pragma once

#include "daemon/origin/origin_request.h"
#include "tests/fuzz/property.h"

#define ORIGIN_REQUEST_PROPERTY_MAX (3u * ORIGIN_REQUEST_HEAD_MAX)

enum origin_request_property_way {
	ORIGIN_REQUEST_PROPERTY_WHOLE,
	ORIGIN_REQUEST_PROPERTY_BYTES,
	ORIGIN_REQUEST_PROPERTY_PIECES,
	ORIGIN_REQUEST_PROPERTY_SKIP,
	ORIGIN_REQUEST_PROPERTY_WAYS,
};

/* These bytes, in memory of just their size, where a sanitizer sees a read past them. */
static inline size_t origin_request_property_feed(
	struct origin_request *r, const uint8_t *data, size_t len)
{
	char *piece = malloc(len > 0 ? len : 1);
	size_t used;

	PROPERTY(piece != NULL);
	memcpy(piece, data, len);
	used = origin_request_feed(r, piece, len);
	free(piece);
	PROPERTY(used <= len);
	return used;
}

/* One request; returns where it ends, or where a part of a line begins. */
static inline size_t origin_request_property_run(enum origin_request_property_way way,
	const uint8_t *data, size_t len, uint32_t seed, struct origin_request *ret)
{
	size_t at = 0, shown = way == ORIGIN_REQUEST_PROPERTY_WHOLE ? len : 0;

	origin_request_init(ret);
	while (ret->state != ORIGIN_REQUEST_DONE && ret->state != ORIGIN_REQUEST_BAD) {
		uint64_t skippable = origin_request_skippable(ret);
		size_t used;

		PROPERTY((skippable > 0) == (ret->state == ORIGIN_REQUEST_BODY ||
						    ret->state == ORIGIN_REQUEST_CHUNK_DATA));
		if (way == ORIGIN_REQUEST_PROPERTY_SKIP && skippable > 0 && shown > at) {
			used = skippable < shown - at ? (size_t)skippable : shown - at;
			origin_request_skip(ret, used);
			ret->at_body = false;
		} else {
			used = origin_request_property_feed(ret, data + at, shown - at);
		}
		at += used;
		if (used > 0 || ret->state == ORIGIN_REQUEST_BAD)
			continue;
		PROPERTY(shown - at < ORIGIN_REQUEST_HEAD_MAX);
		if (shown == len)
			break;
		seed = seed * 1664525 + 1013904223;
		shown += way == ORIGIN_REQUEST_PROPERTY_BYTES ? 1 : (seed >> 20) % 61 + 1;
		shown = shown < len ? shown : len;
	}
	return at;
}

static inline void origin_request_property_same(
	const struct origin_request *a, const struct origin_request *b)
{
	PROPERTY(a->state == b->state && a->body_left == b->body_left);
	PROPERTY(a->head_bytes == b->head_bytes);
	PROPERTY(a->is_head == b->is_head && a->is_http10 == b->is_http10);
	PROPERTY(a->has_host == b->has_host && a->has_length == b->has_length);
	PROPERTY(a->is_chunked == b->is_chunked && a->expects_100 == b->expects_100);
	PROPERTY(a->wants_close == b->wants_close);
	PROPERTY(a->wants_keep_alive == b->wants_keep_alive);
	PROPERTY(origin_request_keeps_alive(a) == origin_request_keeps_alive(b));
}

static inline void origin_request_property_holds(const uint8_t *input, size_t size)
{
	const uint8_t *data = input + 1;
	size_t len = size - 1;
	uint32_t seed;

	if (size < 1 || size > ORIGIN_REQUEST_PROPERTY_MAX)
		return;
	seed = input[0];
	while (len > 0) {
		struct origin_request first, other;
		size_t used = origin_request_property_run(
			ORIGIN_REQUEST_PROPERTY_WHOLE, data, len, seed, &first);

		for (int way = 1; way < ORIGIN_REQUEST_PROPERTY_WAYS; way++) {
			/* Each byte shows a long head once more. */
			if (way == ORIGIN_REQUEST_PROPERTY_BYTES && len > 4096)
				continue;
			PROPERTY(origin_request_property_run((enum origin_request_property_way)way,
					 data, len, seed, &other) == used);
			origin_request_property_same(&first, &other);
		}
		if (first.state != ORIGIN_REQUEST_DONE)
			return;
		PROPERTY(first.has_host || first.is_http10);
		PROPERTY(!(first.has_length && first.is_chunked));
		PROPERTY(used > 0);
		data += used;
		len -= used;
		seed += 97;
	}
}
