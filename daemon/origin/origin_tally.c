/* SPDX-License-Identifier: Apache-2.0 */
/* The times are kept in the layout of interval histograms (1 %, 30 KiB). A histogram uses no
 * atomics, because those of the engine are never shared; so this one is written here, each number
 * by a relaxed load and store. A reader may see an answer in one number and not yet in another: the
 * counts of a busy server are not a consistent snapshot, and they are exact when it is idle.
 *
 * The instants of arrivals are kept in memory until the end: a disk that is slow for a moment must
 * not influence the very gaps that are logged. 8 bytes each, and pages that were never written use
 * no memory. */
#include "daemon/origin/origin_tally.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/origin/origin.h"

int origin_tally_init(struct origin_tally *t)
{
	return histogram_init(&t->_times, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		HISTOGRAM_INTERVAL_DIGITS);
}

void origin_tally_fini(struct origin_tally *t)
{
	histogram_fini(&t->_times);
}

static void origin_tally_raise(uint64_t *number)
{
	__atomic_store_n(number, __atomic_load_n(number, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static void origin_tally_record(struct histogram *h, int64_t took_ns)
{
	double sum;

	__atomic_load(&h->sum, &sum, __ATOMIC_RELAXED);
	sum += (double)took_ns;
	__atomic_store(&h->sum, &sum, __ATOMIC_RELAXED);
	if (took_ns < __atomic_load_n(&h->min, __ATOMIC_RELAXED))
		__atomic_store_n(&h->min, took_ns, __ATOMIC_RELAXED);
	if (took_ns > __atomic_load_n(&h->max, __ATOMIC_RELAXED))
		__atomic_store_n(&h->max, took_ns, __ATOMIC_RELAXED);
	origin_tally_raise(&h->slots[histogram_index(h, took_ns)]);
}

void origin_tally_answer(struct origin_tally *t, enum origin_class class, int64_t took_ns)
{
	origin_tally_add(&t->answers[class], 1);
	origin_tally_record(&t->_times, took_ns);
}

static uint64_t origin_tally_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void origin_tally_read(const struct origin_tally *t, struct origin_counts *ret)
{
	ret->connections = origin_tally_get(&t->connections);
	ret->accepted = origin_tally_get(&t->accepted);
	ret->requests = origin_tally_get(&t->requests);
	ret->ok = origin_tally_get(&t->answers[ORIGIN_CLASS_OK]);
	ret->errors = origin_tally_get(&t->answers[ORIGIN_CLASS_ERROR]);
	ret->refused = origin_tally_get(&t->answers[ORIGIN_CLASS_REFUSED]);
	ret->hung = origin_tally_get(&t->hung);
	ret->closed = origin_tally_get(&t->closed);
}

int origin_tally_read_times(const struct origin_tally *t, struct histogram *ret)
{
	const struct histogram *h = &t->_times;
	int r = histogram_init(
		ret, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_INTERVAL_DIGITS);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < h->n_slots; i++) {
		ret->slots[i] = __atomic_load_n(&h->slots[i], __ATOMIC_RELAXED);
		ret->count += ret->slots[i];
	}
	ret->min = __atomic_load_n(&h->min, __ATOMIC_RELAXED);
	ret->max = __atomic_load_n(&h->max, __ATOMIC_RELAXED);
	__atomic_load(&h->sum, &ret->sum, __ATOMIC_RELAXED);
	return 0;
}

/* ---- the log of arrivals */

struct origin_gaps {
	FILE *file;
	uint64_t n; /* may be more than were kept */
	int64_t instants[ORIGIN_GAPS_MAX];
};

/* Writing to a pipe could block. */
static int origin_gaps_open_file(const char *path, FILE **ret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
	struct stat st;
	int r;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	else
		r = (*ret = fdopen(fd, "w")) ? 0 : -errno;
	if (r < 0)
		(void)close(fd);
	return r;
}

int origin_gaps_open(const char *path, struct origin_gaps **ret)
{
	struct origin_gaps *g = malloc(sizeof(*g));
	int r = g ? origin_gaps_open_file(path, &g->file) : -ENOMEM;

	if (r < 0) {
		free(g);
		return r;
	}
	g->n = 0;
	*ret = g;
	return 0;
}

void origin_gaps_add(struct origin_gaps *g, int64_t now_ns)
{
	if (g->n < ORIGIN_GAPS_MAX)
		g->instants[g->n] = now_ns;
	g->n++;
}

int origin_gaps_close(struct origin_gaps *g)
{
	uint64_t n;
	int r = 0;

	if (!g)
		return 0;
	n = g->n < ORIGIN_GAPS_MAX ? g->n : ORIGIN_GAPS_MAX;
	(void)fputs("# instant_ns gap_ns\n", g->file);
	if (n > 0)
		(void)fputs("0 -\n", g->file);
	for (uint64_t i = 1; i < n; i++)
		(void)fprintf(g->file, "%" PRId64 " %" PRId64 "\n", g->instants[i] - g->instants[0],
			g->instants[i] - g->instants[i - 1]);
	if (g->n > n)
		(void)fprintf(g->file, "# %" PRIu64 " more\n", g->n - n);
	if (ferror(g->file))
		r = -EIO;
	if (fclose(g->file) != 0 && r == 0)
		r = -errno;
	free(g);
	return r;
}
