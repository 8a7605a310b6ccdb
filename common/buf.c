/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer in one piece of memory: [ bytes: len | NUL | free ], cap in all.
 *
 * Doubling makes appending linear in total; consuming moves the rest to the front, which is cheap
 * because a reader takes whole messages out of a buffer that is then nearly empty. Texts of
 * requests, with their credentials, are made in buffers, so memory is overwritten before it is
 * freed. Not for the hot path: it allocates. One owner, no locks. */
#include "common/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define BUF_CAP_MIN 64

/* It may have held a secret. */
static void buf_free_data(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	free(b->data);
}

/* Memory for len bytes more and the NUL. */
static int buf_grow(struct buf *b, size_t len)
{
	size_t need, cap;
	char *data;

	if (__builtin_add_overflow(b->len, len, &need) || need > SIZE_MAX / 4)
		return -ENOMEM;
	need++;
	if (need <= b->cap)
		return 0;
	cap = b->cap * 2 > need ? b->cap * 2 : need;
	if (cap < BUF_CAP_MIN)
		cap = BUF_CAP_MIN;
	/* Not realloc(), which leaves what it moves. */
	data = memory_malloc(cap);
	if (!data)
		return -ENOMEM;
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	data[b->len] = '\0';
	buf_free_data(b);
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_reserve(struct buf *b, size_t len)
{
	int r = buf_grow(b, len);

	if (r < 0)
		return r;
	/* The caller fills this memory, perhaps only part of it; zeroing it ends the text with a
	 * NUL wherever the caller stops. */
	memset(b->data + b->len, 0, len + 1);
	return 0;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
	int r = buf_grow(b, len);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int len, r;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	r = buf_grow(b, (size_t)len);
	if (r < 0)
		return r;
	va_start(args, format);
	(void)vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
	return 0;
}

void buf_consume(struct buf *b, size_t len)
{
	if (!b->data)
		return;
	if (len > b->len)
		len = b->len;
	b->len -= len;
	memmove(b->data, b->data + len, b->len + 1);
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

void buf_fini(struct buf *b)
{
	buf_free_data(b);
	*b = (struct buf){0};
}
