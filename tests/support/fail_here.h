/* SPDX-License-Identifier: Apache-2.0 */
/* A test whose allocations fail, those of libraries too: the program's own malloc, calloc and
 * realloc take the place of libc's. Include it in one file of the test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);

/* So many allocations until one fails; negative: none does. */
static long fail_left = -1;

static bool fail_now(void)
{
	return fail_left >= 0 && fail_left-- == 0;
}

void *malloc(size_t size)
{
	return fail_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fail_now() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fail_now() ? NULL : __libc_realloc(old, size);
}
