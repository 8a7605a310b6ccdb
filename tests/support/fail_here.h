/* SPDX-License-Identifier: Apache-2.0 */
/* A test whose allocations fail, those of libraries too: the program's own malloc, calloc and
 * realloc take the place of libc's. Include it in one file of the test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/skip.h"

/* So many allocations until one fails; negative: none does. */
__attribute__((unused)) static long fail_left = -1;

/* The sanitizers' runtimes have a malloc of their own, in whose place no other may stand: there a
 * test of failures is skipped. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIL_IS_HERE false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAIL_IS_HERE false
#endif
#endif
#ifndef FAIL_IS_HERE
#define FAIL_IS_HERE true

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);

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
#endif

#define tcase_add_test_of_failures(tcase, test)                                                    \
	do {                                                                                       \
		if (FAIL_IS_HERE)                                                                  \
			tcase_add_test(tcase, test);                                               \
		else                                                                               \
			skip_say(#test, "needs a build without sanitizers");                       \
	} while (0)
