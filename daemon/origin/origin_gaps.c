/* SPDX-License-Identifier: Apache-2.0 */
/* Instants are kept in memory until the end: a disk that is slow for a moment must not influence
 * the very gaps that are logged. 8 bytes each, and pages that were never written use no memory. */
#include "daemon/origin/origin_gaps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
