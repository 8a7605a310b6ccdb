/* SPDX-License-Identifier: Apache-2.0 */
#include "common/memory.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/list.h"

static _Thread_local unsigned long memory_n_failures;

/* What jansson allocates while it reads a text stands in a list, and is released as a whole if one
 * allocation fails: the parser is left at once. */
struct memory_block {
	alignas(max_align_t) struct list node;
	char bytes[];
};

static _Thread_local struct {
	bool is_on;
	struct list blocks;
	jmp_buf failed;
} memory_load;

static void (*memory_release)(void *memory);

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

static void *memory_json_malloc(size_t size)
{
	struct memory_block *b =
		size < SIZE_MAX - sizeof(*b) ? memory_malloc(sizeof(*b) + size) : NULL;

	if (!b && memory_load.is_on)
		longjmp(memory_load.failed, 1);
	if (!b)
		return NULL;
	if (memory_load.is_on)
		list_push_back(&memory_load.blocks, &b->node);
	return b->bytes;
}

/* While a text is read, only what was allocated for it is released. */
static void memory_json_free(void *memory)
{
	struct memory_block *b;

	if (!memory)
		return;
	b = container_of(memory, struct memory_block, bytes);
	if (memory_load.is_on)
		list_remove(&b->node);
	memory_release(b);
}

void memory_watch(void (*release)(void *memory))
{
	memory_release = release;
	json_set_alloc_funcs(memory_json_malloc, memory_json_free);
}

json_t *memory_load_json(const char *text, size_t len, size_t flags, json_error_t *reterr)
{
	json_t *value = NULL;
	struct list *node;

	list_init(&memory_load.blocks);
	if (setjmp(memory_load.failed) == 0) {
		memory_load.is_on = true;
		value = json_loadb(text, len, flags, reterr);
		memory_load.is_on = false;
		return value;
	}
	memory_load.is_on = false;
	while ((node = list_pop_front(&memory_load.blocks)))
		memory_release(container_of(node, struct memory_block, node));
	return NULL;
}
