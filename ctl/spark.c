/* SPDX-License-Identifier: Apache-2.0 */
/* A row of figures as a row of blocks. The scale begins at zero: a scale that begins at the
 * smallest figure makes a mountain of every flat line. */
#include "ctl/spark.h"

#include <math.h>

#include "common/buf.h"

#define SPARK_LEVELS 8

static double spark_cell(const double *values, size_t n, enum spark_merge merge)
{
	double sum = 0;
	double most = -1;
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		if (values[i] < 0)
			continue;
		known++;
		sum += values[i];
		most = fmax(most, values[i]);
	}
	if (known == 0)
		return -1;
	return merge == SPARK_MEAN ? sum / (double)known : most;
}

int spark_draw_cells(const double *cells, size_t n, struct buf *ret)
{
	static const char *const blocks[SPARK_LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	double most = 0;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, cells[i]);
	for (size_t i = 0; i < n && r == 0; i++) {
		double share = most > 0 ? cells[i] / most : 0;
		/* Half a level up, so that what differs by a hair looks alike. Of two infinite ones
		 * the share is no number. */
		long level = share >= 0 && share <= 1 ? lround(share * (SPARK_LEVELS - 1)) : 0;

		r = buf_puts(ret, cells[i] < 0 ? " " : blocks[level]);
	}
	return r;
}

int spark_draw(const double *values, size_t n, enum spark_merge merge, struct buf *ret)
{
	size_t n_cells = n < SPARK_CELLS ? n : SPARK_CELLS;
	double cells[SPARK_CELLS];

	for (size_t i = 0; i < n_cells; i++) {
		size_t from = i * n / n_cells;
		size_t to = (i + 1) * n / n_cells;

		cells[i] = spark_cell(values + from, to - from, merge);
	}
	return spark_draw_cells(cells, n_cells, ret);
}
