/* SPDX-License-Identifier: Apache-2.0 */
/* Lets one allocation of a program fail, for LD_PRELOAD. Allocations are counted from 1 on, those
 * of the program's own code and of jansson, which works for it, apart from those of the other
 * libraries, and the chosen one returns NULL.
 *
 *   FAIL_ALLOC_IN     the program's name; all others are left alone (a child inherits all this)
 *   FAIL_ALLOC_OF     "own" or "libs": which of the two counts is meant
 *   FAIL_ALLOC_AT     the number of the allocation that fails; 0 or absent: none does
 *   FAIL_ALLOC_FOR    so many from there on fail (default 1)
 *   FAIL_ALLOC_STEP   instead, from there on each so-manieth fails
 *   FAIL_ALLOC_MET    a file that is made when one fails
 *   FAIL_ALLOC_COUNT  a file to which "OWN LIBS" is appended when the program exits
 *
 * Whose an allocation is, the return address says: whether it lies in the code of the program or of
 * jansson. strdup and strndup are made here, because libc would call malloc in the caller's place.
 * glibc offers its own functions as __libc_*, and the runtime of a sanitizer its as
 * __interceptor_*: where there is one, it must see each block. */
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

#define FAIL_ALLOC_WEAK extern __attribute__((weak))
FAIL_ALLOC_WEAK void *__interceptor_malloc(size_t size);
FAIL_ALLOC_WEAK void *__interceptor_calloc(size_t n, size_t size);
FAIL_ALLOC_WEAK void *__interceptor_realloc(void *old, size_t size);
FAIL_ALLOC_WEAK void *__interceptor_memalign(size_t align, size_t size);

/* The function below ours. */
#define FAIL_ALLOC_NEXT(name) (__interceptor_##name ? __interceptor_##name : __libc_##name)

enum fail_alloc_owner { FAIL_ALLOC_OWN, FAIL_ALLOC_LIBS, FAIL_ALLOC_OWNERS };

#define FAIL_ALLOC_CODES 2 /* the main program's and jansson's */

static struct {
	struct {
		uintptr_t from, to;
	} code[FAIL_ALLOC_CODES];
	unsigned n_codes;
	bool is_on;
	enum fail_alloc_owner of;
	unsigned long at, end, step;
	const char *met;
	atomic_bool has_met;
	atomic_ulong counts[FAIL_ALLOC_OWNERS];
} fail_alloc;

/* The main program is the first object, and has no name. */
static int fail_alloc_on_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (fail_alloc.n_codes > 0 && !strstr(info->dlpi_name, "libjansson"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum && fail_alloc.n_codes < FAIL_ALLOC_CODES; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		fail_alloc.code[fail_alloc.n_codes].from = start;
		fail_alloc.code[fail_alloc.n_codes].to = start + p->p_memsz;
		fail_alloc.n_codes++;
	}
	return 0;
}

static enum fail_alloc_owner fail_alloc_owner(uintptr_t caller)
{
	for (unsigned i = 0; i < fail_alloc.n_codes; i++)
		if (caller >= fail_alloc.code[i].from && caller < fail_alloc.code[i].to)
			return FAIL_ALLOC_OWN;
	return FAIL_ALLOC_LIBS;
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
	fail_alloc.step = fail_alloc_number("FAIL_ALLOC_STEP", 0);
	fail_alloc.met = getenv("FAIL_ALLOC_MET");
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

/* Makes the file, with a call that allocates nothing. */
static void fail_alloc_meet(void)
{
	int fd;

	if (!fail_alloc.met || atomic_exchange(&fail_alloc.has_met, true))
		return;
	fd = open(fail_alloc.met, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd != -1)
		(void)close(fd);
}

/* Whether the nth is to fail. */
static bool fail_alloc_is_meant(unsigned long n)
{
	if (fail_alloc.at == 0 || n < fail_alloc.at)
		return false;
	return fail_alloc.step > 0 ? (n - fail_alloc.at) % fail_alloc.step == 0
				   : n < fail_alloc.end;
}

/* Counts it; true: it shall fail. */
static bool fail_alloc_now(const void *caller)
{
	enum fail_alloc_owner owner;
	unsigned long n;

	if (!fail_alloc.is_on)
		return false;
	owner = fail_alloc_owner((uintptr_t)caller);
	n = atomic_fetch_add(&fail_alloc.counts[owner], 1) + 1;
	if (owner != fail_alloc.of || !fail_alloc_is_meant(n))
		return false;
	fail_alloc_meet();
	errno = ENOMEM;
	return true;
}

#define FAIL_ALLOC_NOW() fail_alloc_now(__builtin_return_address(0))

void *malloc(size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : FAIL_ALLOC_NEXT(malloc)(size);
}

void *calloc(size_t n, size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : FAIL_ALLOC_NEXT(calloc)(n, size);
}

void *realloc(void *old, size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : FAIL_ALLOC_NEXT(realloc)(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return FAIL_ALLOC_NOW() ? NULL : FAIL_ALLOC_NEXT(realloc)(old, bytes);
}

void *aligned_alloc(size_t align, size_t size)
{
	return FAIL_ALLOC_NOW() ? NULL : FAIL_ALLOC_NEXT(memalign)(align, size);
}

int posix_memalign(void **ret, size_t align, size_t size)
{
	void *p = FAIL_ALLOC_NOW() ? NULL : FAIL_ALLOC_NEXT(memalign)(align, size);

	if (!p)
		return ENOMEM;
	*ret = p;
	return 0;
}

static char *fail_alloc_copy(const char *text, size_t len)
{
	char *copy = FAIL_ALLOC_NEXT(malloc)(len + 1);

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
