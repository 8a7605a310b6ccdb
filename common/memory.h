/* SPDX-License-Identifier: Apache-2.0 */
/* Counts failed allocations. A document is made of hundreds of small allocations, and an unchecked
 * failure would silently leave out a member. So code that makes a document compares this count
 * before and after: if it differs, the document is discarded. The failures of jansson, of struct
 * buf and of the functions below are counted. Any thread; each has its own count. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* What helps a program that is out of memory, for the end of a message. */
#define MEMORY_REMEDY "end other programs, or raise the limit (ulimit -v, MemoryMax=)"

/* From now on jansson's failures are counted, and memory that it frees is passed to release: free,
 * or a function that overwrites it first. To be called once, before any other use of jansson, which
 * can have only one pair of allocation functions: they are set here alone. A text that jansson
 * allocates for its caller (json_dumps) can then not be released with free(). */
void memory_watch(void (*release)(void *memory));

/* json_loadb() for a program that may run out of memory, after memory_watch(). The parser of
 * jansson goes on after an allocation that failed: it leaves out a digit, or takes the end of a
 * string for its middle and writes beyond it. NULL: no JSON, or out of memory, which
 * memory_failures() tells; then reterr says nothing. */
json_t *memory_load_json(const char *text, size_t len, size_t flags, json_error_t *reterr);

/* The number of failed allocations of this thread. */
unsigned long memory_failures(void);
/* Counts one more failure. */
void memory_note(void);
/* malloc and calloc that count their failures. */
void *memory_malloc(size_t size);
void *memory_calloc(size_t n, size_t size);
