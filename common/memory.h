/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that ran out. A document is made of hundreds of small allocations, and one whose failure
 * is not looked at leaves a document that lacks a member without a word. So whoever makes a
 * document compares this count from before and after: if it differs, the document is not given out.
 * Counted are the failures of jansson, of struct buf and of the functions below. Any thread; each
 * has a count of its own. */
#pragma once

#include <stddef.h>

/* jansson's failures are counted from now on, and what it gives back goes to release: free, or a
 * function that overwrites it first. Once, before anything else uses jansson, which has one place
 * for both functions: they are set here alone. */
void memory_watch(void (*release)(void *memory));

/* How many allocations of this thread have failed. */
unsigned long memory_failures(void);
/* One more has. */
void memory_note(void);
/* malloc and calloc; what they cannot give is counted. */
void *memory_malloc(size_t size);
void *memory_calloc(size_t n, size_t size);
