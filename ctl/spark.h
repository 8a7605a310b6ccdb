/* SPDX-License-Identifier: Apache-2.0 */
/* A row of figures as a row of blocks. Pure. */
#pragma once

#include <stddef.h>

struct buf;

/* Cells of a sparkline at most; more figures are merged with their neighbours. */
#define SPARK_CELLS 40u

enum spark_merge {
	SPARK_MEAN, /* rates */
	SPARK_MAX,  /* latencies: the worst is the news */
};

/* Appends one block for each cell, between 0 and the largest; negative: there is none, a blank. 0
 * or -ENOMEM. */
int spark_draw_cells(const double *cells, size_t n, struct buf *ret);
/* The same for any number of values. */
int spark_draw(const double *values, size_t n, enum spark_merge merge, struct buf *ret);
