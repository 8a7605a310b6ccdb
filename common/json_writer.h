/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as text in parts, so that writing a long one does not block for long and its
 * text need not be in memory as a whole. The text is that of json_dumps with JSON_COMPACT. Pure;
 * the document must not change meanwhile. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;

#define JSON_WRITER_DEPTH 32 /* values nested more deeply are written in one step */

/* Zero-initialise. */
struct json_writer {
	json_t *_root;
	bool _has_begun;
	unsigned _depth;
	struct json_writer_level {
		json_t *value; /* an object or an array */
		void *member;  /* of the object, the next one; NULL: none */
		size_t n;      /* elements or members before the next one */
	} _levels[JSON_WRITER_DEPTH];
};

/* Takes over document, which must not be NULL. The previous document must have been written
 * completely. */
void json_writer_begin(struct json_writer *w, json_t *document);
bool json_writer_is_writing(const struct json_writer *w);
/* Appends some of the text: at least `enough` bytes, unless it ends before, and not much more than
 * the next string. 0 or -ENOMEM, after which the writer can only be finished. */
int json_writer_write(struct json_writer *w, struct buf *out, size_t enough);
void json_writer_fini(struct json_writer *w);
