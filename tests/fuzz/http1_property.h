/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of the response parser for any bytes, cut in any pieces: plain, with a memo, to
 * a sink and with content skipped it comes to the same verdict, end and fields; what a sink hears
 * is the same text; no byte after a piece is read; a connection that goes on is read on. Whatever
 * is not true aborts. Shared by the fuzzer and by the test that feeds it the kept corpus.
 *
 * An input is one byte that says how (bit 0: a HEAD is answered, bit 1: an upgrade was
 * asked for; all seed the cuts), and then
 * what the server sends. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/http1.h"

#define HTTP1_PROPERTY_MAX 70000

struct http1_property_way {
	const char *name;
	size_t first, rest; /* sizes of the pieces; rest 0: by chance */
	struct http1_memo *memo;
	bool tells;
	bool skips;
};

struct http1_property_outcome {
	enum http1_result result;
	enum http1_result at_close; /* what it is when the peer closes then */
	size_t used;
	struct http1 p;
	struct http1 closed;
	uint64_t skipped;
	size_t head_len, body_len;
	uint64_t head_hash, body_hash;
};

#define HTTP1_PROPERTY(what, holds)                                                                \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "http1, %s: %s\n", what, #holds);                          \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline uint64_t http1_property_hash(uint64_t hash, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static inline void http1_property_on_head(void *arg, const char *data, size_t len)
{
	struct http1_property_outcome *o = arg;

	HTTP1_PROPERTY("on_head", len > 0 && o->body_len == 0);
	o->head_len += len;
	o->head_hash = http1_property_hash(o->head_hash, data, len);
}

static inline void http1_property_on_body(void *arg, const char *data, size_t len)
{
	struct http1_property_outcome *o = arg;

	HTTP1_PROPERTY("on_body", len > 0);
	o->body_len += len;
	o->body_hash = http1_property_hash(o->body_hash, data, len);
}

/* One piece, copied to memory of just its size, where a sanitizer sees who reads after it. */
static inline size_t http1_property_feed(struct http1_property_outcome *o,
	const struct http1_property_way *w, const char *data, size_t len)
{
	const struct http1_sink sink = {http1_property_on_head, http1_property_on_body, o};
	char *piece = malloc(len);
	size_t used = SIZE_MAX;

	HTTP1_PROPERTY("memory", piece != NULL);
	memcpy(piece, data, len);
	if (w->memo != NULL)
		o->result = http1_feed_memo(&o->p, w->memo, piece, len, &used);
	else if (w->tells)
		o->result = http1_feed_sink(&o->p, &sink, piece, len, &used);
	else
		o->result = http1_feed(&o->p, piece, len, &used);
	free(piece);
	HTTP1_PROPERTY(w->name, used <= len && (used == len || o->result != HTTP1_MORE));
	return used;
}

static inline struct http1_property_outcome http1_property_run(const struct http1_property_way *w,
	const char *data, size_t len, unsigned asked, uint32_t seed)
{
	struct http1_property_outcome o = {.head_hash = 1, .body_hash = 1};
	uint64_t skippable;
	size_t n = w->first;

	http1_start(&o.p, asked);
	HTTP1_PROPERTY(w->name, http1_is_untouched(&o.p));
	for (; o.used < len && o.result == HTTP1_MORE; n = w->rest) {
		if (n == 0) {
			seed = seed * 1664525 + 1013904223;
			n = (seed >> 20) % 17 + 1;
		}
		if (n > len - o.used)
			n = len - o.used;
		skippable = w->skips ? http1_skippable(&o.p) : 0;
		if (skippable > 0) {
			n = n < skippable ? n : (size_t)skippable;
			o.result = http1_skipped(&o.p, n);
			o.used += n;
		} else {
			o.used += http1_property_feed(&o, w, data + o.used, n);
		}
		HTTP1_PROPERTY(w->name, !http1_is_untouched(&o.p));
	}
	o.closed = o.p;
	o.at_close = http1_end(&o.closed);
	return o;
}

static inline void http1_property_same_fields(
	const char *name, const struct http1 *a, const struct http1 *b)
{
	HTTP1_PROPERTY(name, a->status == b->status && a->has_status == b->has_status);
	HTTP1_PROPERTY(name, a->keep_alive == b->keep_alive);
	HTTP1_PROPERTY(name, a->is_close_delimited == b->is_close_delimited);
	HTTP1_PROPERTY(name, a->body_bytes == b->body_bytes && a->head_bytes == b->head_bytes);
	HTTP1_PROPERTY(name, a->error == b->error && a->foreign == b->foreign);
	HTTP1_PROPERTY(name, http1_skippable(a) == http1_skippable(b));
}

/* What any outcome says of itself. */
static inline void http1_property_sound(const struct http1_property_outcome *o)
{
	const struct http1 *p = &o->p;

	HTTP1_PROPERTY("sound", (p->error != NULL) == (o->result == HTTP1_ERROR));
	HTTP1_PROPERTY("sound", (p->has_status || p->status == 0) && p->status < 1000);
	HTTP1_PROPERTY("sound",
		p->foreign == HTTP1_NOT_FOREIGN || (o->result == HTTP1_ERROR && !p->has_status));
	HTTP1_PROPERTY("sound", p->head_bytes + p->body_bytes <= o->used);
	HTTP1_PROPERTY("sound", !p->is_close_delimited || !p->keep_alive);
	HTTP1_PROPERTY("sound", !p->is_close_delimited || o->result == HTTP1_MORE);
	HTTP1_PROPERTY("sound", o->result != HTTP1_DONE || p->has_status);
	HTTP1_PROPERTY("sound", o->result == HTTP1_MORE || http1_skippable(p) == 0);
	HTTP1_PROPERTY("sound", o->result == HTTP1_MORE || o->at_close == o->result);
	HTTP1_PROPERTY(
		"sound", o->result != HTTP1_MORE ||
				 o->at_close == (p->is_close_delimited ? HTTP1_DONE : HTTP1_ERROR));
}

/* One response. Returns where it ends if another may follow, else len. */
static inline size_t http1_property_one(
	struct http1_memo *memo, const char *data, size_t len, unsigned asked, uint32_t seed)
{
	const struct http1_property_way ways[] = {
		{.name = "at once", .first = len, .rest = len},
		{.name = "byte by byte", .first = 1, .rest = 1},
		{.name = "in pieces", .first = seed % 61 + 1},
		{.name = "in two", .first = seed % (len + 1) + 1, .rest = len},
		{.name = "another memo", .first = len, .rest = len, .memo = memo},
		{.name = "its memo", .first = len, .rest = len, .memo = memo},
		{.name = "memo, in two", .first = seed % (len + 1) + 1, .rest = len, .memo = memo},
		{.name = "told at once", .first = len, .rest = len, .tells = true},
		{.name = "told in pieces", .first = 3, .tells = true},
		{.name = "skipping", .first = len, .rest = 1, .skips = true},
		{.name = "skipping in pieces", .first = 5, .skips = true},
	};
	struct http1_property_outcome plain, o, told = {0};

	plain = http1_property_run(&ways[0], data, len, asked, seed);
	http1_property_sound(&plain);
	for (size_t i = 1; i < sizeof(ways) / sizeof(ways[0]); i++) {
		o = http1_property_run(&ways[i], data, len, asked, seed);
		HTTP1_PROPERTY(ways[i].name, o.result == plain.result && o.used == plain.used);
		HTTP1_PROPERTY(ways[i].name, o.at_close == plain.at_close);
		http1_property_same_fields(ways[i].name, &o.p, &plain.p);
		http1_property_same_fields(ways[i].name, &o.closed, &plain.closed);
		if (!ways[i].tells)
			continue;
		HTTP1_PROPERTY(ways[i].name, o.body_len == o.p.body_bytes);
		HTTP1_PROPERTY(ways[i].name, o.head_len <= o.p.head_bytes);
		HTTP1_PROPERTY(ways[i].name,
			told.head_hash == 0 ||
				(told.head_len == o.head_len && told.head_hash == o.head_hash &&
					told.body_hash == o.body_hash));
		told = o;
	}
	return plain.result == HTTP1_DONE && plain.p.keep_alive ? plain.used : len;
}

static inline void http1_property_holds(const uint8_t *input, size_t size)
{
	static struct http1_memo memo; /* of whatever came before, so that it is a strange one */
	const char *data = (const char *)input + 1;
	unsigned asked;
	uint32_t seed;

	if (size < 2 || size > HTTP1_PROPERTY_MAX)
		return;
	asked = input[0] & (HTTP1_ASKED_HEAD | HTTP1_ASKED_UPGRADE);
	seed = input[0] >> 1;
	for (size_t at = 0, len = size - 1, used; at < len; at += used) {
		used = http1_property_one(&memo, data + at, len - at, asked, seed);
		asked = 0;
		seed += 97;
	}
}
