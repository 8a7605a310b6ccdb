/* SPDX-License-Identifier: Apache-2.0 */
#include "common/memory.h"

#include <jansson.h>
#include <stdlib.h>

static _Thread_local unsigned long memory_n_failures;

unsigned long memory_failures(void)
{
	return memory_n_failures;
}

void memory_note(void)
{
	memory_n_failures++;
}

void *memory_malloc(size_t size)
{
	void *p = malloc(size);

	if (!p)
		memory_note();
	return p;
}

void *memory_calloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		memory_note();
	return p;
}

void memory_watch(void (*release)(void *memory))
{
	json_set_alloc_funcs(memory_malloc, release);
}
