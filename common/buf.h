/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer: append at the end, consume at the front. The bytes are
 * always followed by a NUL that is not counted, so data is also a C string. */
#pragma once

#include <stddef.h>

/* Zero-initialise. data is NULL until the first append. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* Each returns 0 or -ENOMEM, and leaves the buffer as it was on failure. */
int buf_append(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for len bytes more after the end; write them there, then add to b->len. */
int buf_reserve(struct buf *b, size_t len);

/* Drops len bytes (at most b->len) from the front. */
void buf_consume(struct buf *b, size_t len);
/* Drops what comes after the first len bytes. */
void buf_cut(struct buf *b, size_t len);
void buf_fini(struct buf *b);
