/* SPDX-License-Identifier: Apache-2.0 */
/* Lets one allocation of a program fail, for LD_PRELOAD. Allocations are counted from 1 on, those
 * of the program's own code apart from those of its libraries, and the chosen one returns NULL.
 *
 *   FAIL_ALLOC_IN     the program's name; all others are left alone (a child inherits all this)
 *   FAIL_ALLOC_OF     "own" or "libs": which of the two counts is meant
 *   FAIL_ALLOC_AT     the number of the allocation that fails; 0 or absent: none does
 *   FAIL_ALLOC_FOR    so many from there on fail (default 1)
 *   FAIL_ALLOC_COUNT  a file to which "OWN LIBS" is appended when the program exits
 *
 * Whose an allocation is, the return address says: the main program lies between the symbols of
 * the linker, and an address outside is a library's. strdup and strndup are made here, because
 * libc would call malloc in the caller's place. glibc offers its own functions as __libc_*. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

enum fail_alloc_owner { FAIL_ALLOC_OWN, FAIL_ALLOC_LIBS, FAIL_ALLOC_OWNERS };

static struct {
	uintptr_t from, to; /* the main program's code */
	bool is_on;
	enum fail_alloc_owner of;
	unsigned long at, end;
	atomic_ulong counts[FAIL_ALLOC_OWNERS];
} fail_alloc;

static int fail_alloc_on_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		fail_alloc.from = start;
		fail_alloc.to = start + p->p_memsz;
	}
	return 1; /* the first is the main program */
}

static unsigned long fail_alloc_number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void fail_alloc_begin(void)
{
	const char *in = getenv("FAIL_ALLOC_IN");
	const char *of = getenv("FAIL_ALLOC_OF");

	if (!in || strcmp(in, program_invocation_short_name) != 0)
		return;
	(void)dl_iterate_phdr(fail_alloc_on_object, NULL);
	fail_alloc.of = of && strcmp(of, "libs") == 0 ? FAIL_ALLOC_LIBS : FAIL_ALLOC_OWN;
	fail_alloc.at = fail_alloc_number("FAIL_ALLOC_AT", 0);
	fail_alloc.end = fail_alloc.at + fail_alloc_number("FAIL_ALLOC_FOR", 1);
	fail_alloc.is_on = true;
}

__attribute__((destructor)) static void fail_alloc_end(void)
{
	const char *path = getenv("FAIL_ALLOC_COUNT");
	char text[64];
	int fd;
	int len;

	if (!fail_alloc.is_on || !path)
		return;
	len = snprintf(text, sizeof(text), "%lu %lu\n",
		atomic_load(&fail_alloc.counts[FAIL_ALLOC_OWN]),
		atomic_load(&fail_alloc.counts[FAIL_ALLOC_LIBS]));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	if (write(fd, text, (size_t)len) != len)
		(void)unlink(path);
	(void)close(fd);
}

/* Counts it; true: it shall fail. */
static bool fail_alloc_now(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	enum fail_alloc_owner owner;
	unsigned long n;

	if (!fail_alloc.is_on)
		return false;
	owner = at >= fail_alloc.from && at < fail_alloc.to ? FAIL_ALLOC_OWN : FAIL_ALLOC_LIBS;
	n = atomic_fetch_add(&fail_alloc.counts[owner], 1) + 1;
	if (owner != fail_alloc.of || fail_alloc.at == 0 || n < fail_alloc.at ||
		n >= fail_alloc.end)
		return false;
	errno = ENOMEM;
	return true;
}

#define FAIL_ALLOC_NOW() fail_alloc_now(__builtin_return_address(0))

void *malloc(size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return FAIL_ALLOC_NOW() ? NULL : __libc_realloc(old, bytes);
}

void *aligned_alloc(size_t align, size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : __libc_memalign(align, size);
}

int posix_memalign(void **ret, size_t align, size_t size)
{
	void *p = FAIL_ALLOC_NOW() ? NULL : __libc_memalign(align, size);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

static char *fail_alloc_copy(const char *text, size_t len)
{
	char *copy = __libc_malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* A header of libc may have made macros of these. */
#undef strdup
#undef strndup
char *strdup(const char *text)
{
	return FAIL_ALLOC_NOW() ? NULL : fail_alloc_copy(text, strlen(text));
}

char *strndup(const char *text, size_t max)
{
	return FAIL_ALLOC_NOW() ? NULL : fail_alloc_copy(text, strnlen(text, max));
}
