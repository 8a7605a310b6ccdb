/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline. A row's latencies are kept as a list of (slot, count), sorted by slot: a typical
 * interval fills one or two hundred of its 3,840 slots, so 4,096 rows take a few megabytes instead
 * of a quarter of a gigabyte, and two rows still add up exactly. Batches are made from them at the
 * end, so they cost nothing during the run. */
#include "daemon/runs/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/stats/quantile.h"
#include "common/result/result_fill.h"
#include "common/result/result_table.h"
#include "daemon/engine/stats.h"

struct timeline_slot {
	uint32_t slot;
	uint32_t count;
};

/* A histogram of the interval layout, compact. */
struct timeline_compact {
	struct timeline_slot *slots;
	size_t n;
	int64_t max;
	double sum;
};

struct timeline_cell {
	struct timeline_row row;
	struct timeline_compact response;
	struct timeline_compact our_delay;
};

struct timeline {
	int64_t interval_ns; /* of the pulses, and of rows before they fold */
	int64_t width_ns;
	unsigned n_workers;
	int64_t *covered_ns; /* for each worker: everything before this has been passed on */
	struct timeline_cell *cells;
	size_t n_cells;
	struct histogram response; /* of all intervals */
	struct histogram our_delay;
	struct histogram scratch;
	bool is_finished;
};

/* ---------------------------------------------------------------- compact histograms */

static int timeline_compact_set(struct timeline_compact *c, const struct histogram *h)
{
	struct timeline_slot *slots;
	size_t n = 0;

	for (uint32_t i = 0; i < h->n_slots; i++)
		n += h->slots[i] > 0;
	slots = reallocarray(c->slots, n ? n : 1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	c->slots = slots;
	c->n = 0;
	c->max = h->max;
	c->sum = h->sum;
	for (uint32_t i = 0; i < h->n_slots; i++) {
		uint64_t count = h->slots[i];

		if (count > 0)
			c->slots[c->n++] = (struct timeline_slot){
				i, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX};
	}
	return 0;
}

static void timeline_compact_add_to(const struct timeline_compact *c, struct histogram *h)
{
	for (size_t i = 0; i < c->n; i++) {
		h->slots[c->slots[i].slot] += c->slots[i].count;
		h->count += c->slots[i].count;
	}
	if (c->n == 0)
		return;
	h->sum += c->sum;
	if (c->max > h->max)
		h->max = c->max;
	if (histogram_slot_low(h, c->slots[0].slot) < h->min)
		h->min = histogram_slot_low(h, c->slots[0].slot);
}

/* to += more, using the scratch histogram, which contains the sum afterwards. */
static int timeline_compact_merge(
	struct timeline *t, struct timeline_compact *to, const struct histogram *more)
{
	histogram_reset(&t->scratch);
	timeline_compact_add_to(to, &t->scratch);
	histogram_add(&t->scratch, more);
	return timeline_compact_set(to, &t->scratch);
}

/* ---------------------------------------------------------------- rows */

static void timeline_cell_fini(struct timeline_cell *c)
{
	free(c->response.slots);
	free(c->our_delay.slots);
}

static void timeline_cell_init(struct timeline *t, struct timeline_cell *c, size_t index)
{
	*c = (struct timeline_cell){.row = {.start_ns = (int64_t)index * t->width_ns,
					    .width_ns = t->width_ns,
					    .p50_ns = QUANTILE_NONE,
					    .p99_ns = QUANTILE_NONE,
					    .max_ns = QUANTILE_NONE,
					    .good_p50_ns = QUANTILE_NONE,
					    .our_delay_p99_ns = QUANTILE_NONE}};
}

/* A quantile over the row's arrivals; QUANTILE_NONE if the rank falls on one without a good
 * answer. */
static int64_t timeline_offered(const struct histogram *h, uint64_t planned, double q)
{
	return quantile_offered(h, planned > h->count ? planned : h->count, q);
}

/* Adds latencies and computes the quantiles of the sum. The row's counts must be complete. */
static int timeline_cell_record(struct timeline *t, struct timeline_cell *c,
	const struct histogram *response, const struct histogram *our_delay)
{
	int r = timeline_compact_merge(t, &c->response, response);

	c->row.n = t->scratch.count;
	c->row.mean_ns = histogram_mean(&t->scratch);
	c->row.good_p50_ns = quantile_served(&t->scratch, 0.5);
	c->row.p50_ns = timeline_offered(&t->scratch, c->row.planned, 0.5);
	c->row.p99_ns = timeline_offered(&t->scratch, c->row.planned, 0.99);
	c->row.max_ns = timeline_offered(&t->scratch, c->row.planned, 1);
	if (r == 0)
		r = timeline_compact_merge(t, &c->our_delay, our_delay);
	if (r == 0)
		c->row.our_delay_p99_ns = quantile_served(&t->scratch, 0.99);
	return r;
}

/* Joins two neighbours; b is freed. */
static void timeline_cell_join(struct timeline *t, struct timeline_cell *a, struct timeline_cell *b)
{
	struct histogram response, our_delay;

	a->row.planned += b->row.planned;
	a->row.sent += b->row.sent;
	a->row.completed += b->row.completed;
	a->row.ok += b->row.ok;
	a->row.failed += b->row.failed;
	if (b->row.is_noted) {
		a->row.in_flight = b->row.in_flight;
		a->row.queue = b->row.queue;
		a->row.is_noted = true;
	}
	if (histogram_init(&response, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		    HISTOGRAM_INTERVAL_DIGITS) == 0) {
		if (histogram_init(&our_delay, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
			    HISTOGRAM_INTERVAL_DIGITS) == 0) {
			timeline_compact_add_to(&b->response, &response);
			timeline_compact_add_to(&b->our_delay, &our_delay);
			(void)timeline_cell_record(t, a, &response, &our_delay);
			histogram_fini(&our_delay);
		}
		histogram_fini(&response);
	}
	timeline_cell_fini(b);
}

static void timeline_double_width(struct timeline *t)
{
	size_t n = (t->n_cells + 1) / 2;

	t->width_ns *= 2;
	for (size_t i = 0; i < n; i++) {
		struct timeline_cell cell = t->cells[2 * i];

		cell.row.width_ns = t->width_ns;
		if (2 * i + 1 < t->n_cells)
			timeline_cell_join(t, &cell, &t->cells[2 * i + 1]);
		t->cells[i] = cell;
	}
	t->n_cells = n;
}

static struct timeline_cell *timeline_cell_at(struct timeline *t, int64_t at_ns)
{
	while (at_ns / t->width_ns >= TIMELINE_ROWS_MAX)
		timeline_double_width(t);
	while (t->n_cells <= (size_t)(at_ns / t->width_ns)) {
		timeline_cell_init(t, &t->cells[t->n_cells], t->n_cells);
		t->n_cells++;
	}
	return &t->cells[at_ns / t->width_ns];
}

/* ---------------------------------------------------------------- in */

int timeline_add(struct timeline *t, unsigned w, const struct stats_interval *i)
{
	int64_t end_ns = i->start_ns + i->width_ns;
	struct timeline_cell *c;
	struct timeline_row *row;

	/* A worker that ran out of buffers has wider rows: then all rows get that width. */
	while (i->start_ns / t->width_ns != (end_ns - 1) / t->width_ns)
		timeline_double_width(t);
	c = timeline_cell_at(t, i->start_ns);
	row = &c->row;
	row->planned += i->planned;
	row->sent += i->sent;
	row->completed += i->completed;
	row->ok += i->ok;
	row->failed += i->failed;
	t->covered_ns[w] = end_ns;
	histogram_add(&t->response, &i->response);
	histogram_add(&t->our_delay, &i->our_delay);
	return timeline_cell_record(t, c, &i->response, &i->our_delay);
}

void timeline_note(struct timeline *t, int64_t at_ns, uint64_t in_flight, uint64_t queue)
{
	struct timeline_cell *c;

	/* A pulse belongs to the interval whose end is nearest. */
	at_ns -= t->interval_ns / 2;
	if (at_ns < 0)
		return;
	c = timeline_cell_at(t, at_ns);
	c->row.in_flight = in_flight;
	c->row.queue = queue;
	c->row.is_noted = true;
}

void timeline_finish(struct timeline *t)
{
	t->is_finished = true;
}

/* ---------------------------------------------------------------- out */

static int64_t timeline_covered_ns(const struct timeline *t)
{
	int64_t covered_ns = INT64_MAX;

	for (unsigned w = 0; w < t->n_workers && !t->is_finished; w++)
		if (t->covered_ns[w] < covered_ns)
			covered_ns = t->covered_ns[w];
	return covered_ns;
}

bool timeline_newest(const struct timeline *t, struct timeline_row *ret)
{
	int64_t covered_ns = timeline_covered_ns(t);

	for (size_t i = t->n_cells; i-- > 0;) {
		const struct timeline_row *row = &t->cells[i].row;

		if (row->start_ns + row->width_ns <= covered_ns) {
			*ret = *row;
			return true;
		}
	}
	return false;
}

/* A longer wait counts only from this share of a row's width on; below it is due to the moment of
 * the reading. */
#define TIMELINE_PRESENT_SHARE 10

bool timeline_row_is_present(const struct timeline_row *row, int64_t oldest_ns, uint64_t n_ended)
{
	int64_t most_ns = row->width_ns / TIMELINE_PRESENT_SHARE;

	if (oldest_ns == CLOCK_NEVER || oldest_ns <= most_ns)
		return true;
	if (n_ended == 0)
		return false;
	/* The waiting time of arrivals without a good answer is not known. */
	if (row->max_ns == QUANTILE_NONE)
		return true;
	if (row->max_ns + row->max_ns / 4 > most_ns)
		most_ns = row->max_ns + row->max_ns / 4;
	return oldest_ns <= most_ns;
}

const struct histogram *timeline_response(const struct timeline *t)
{
	return &t->response;
}

const struct histogram *timeline_our_delay(const struct timeline *t)
{
	return &t->our_delay;
}

size_t timeline_n_covered(const struct timeline *t)
{
	int64_t n = timeline_covered_ns(t) / t->width_ns;

	return n < (int64_t)t->n_cells ? (size_t)n : t->n_cells;
}

int64_t timeline_width_ns(const struct timeline *t)
{
	return t->width_ns;
}

void timeline_sum(const struct timeline *t, size_t from, size_t to, struct timeline_row *ret,
	struct histogram *response, struct histogram *our_delay)
{
	*ret = (struct timeline_row){.start_ns = (int64_t)from * t->width_ns,
		.width_ns = (int64_t)(to - from) * t->width_ns};
	for (size_t i = from; i < to; i++) {
		const struct timeline_cell *c = &t->cells[i];

		ret->planned += c->row.planned;
		ret->sent += c->row.sent;
		ret->completed += c->row.completed;
		ret->ok += c->row.ok;
		ret->failed += c->row.failed;
		timeline_compact_add_to(&c->response, response);
		timeline_compact_add_to(&c->our_delay, our_delay);
	}
	ret->n = response->count;
}

static int64_t timeline_ns(int64_t ns)
{
	return ns == QUANTILE_NONE ? RESULT_NULL : ns;
}

/* 0 or -ENOMEM. */
static int timeline_fill_row(const struct timeline_row *r, bool is_open, struct result_list *rows)
{
	struct result_row *to = result_list_add(&result_row_table, rows, NULL);

	if (!to)
		return -ENOMEM;
	to->t_ns = r->start_ns;
	to->planned = (int64_t)r->planned;
	to->sent = (int64_t)r->sent;
	to->completed = (int64_t)r->completed;
	to->ok = (int64_t)r->ok;
	to->failed = (int64_t)r->failed;
	to->in_flight = (int64_t)r->in_flight;
	to->queue = (int64_t)r->queue;
	to->p50_ns = timeline_ns(r->p50_ns);
	to->p99_ns = timeline_ns(r->p99_ns);
	to->max_ns = timeline_ns(r->max_ns);
	to->our_delay_p99_ns = timeline_ns(r->our_delay_p99_ns);
	to->open = is_open ? RESULT_YES : RESULT_NO;
	return 0;
}

int timeline_fill(const struct timeline *t, int64_t window_ns, struct result_intervals *ret)
{
	int64_t covered_ns = timeline_covered_ns(t);
	int r = 0;

	ret->is = ret->rows.is = RESULT_IS_THERE;
	ret->width_ns = t->width_ns;
	for (size_t i = 0; i < t->n_cells && t->cells[i].row.start_ns < window_ns && r == 0; i++) {
		const struct timeline_row *row = &t->cells[i].row;

		r = timeline_fill_row(row, row->start_ns + row->width_ns > covered_ns, &ret->rows);
	}
	return r;
}

/* ---------------------------------------------------------------- batches */

size_t timeline_n_rows(const struct timeline *t, int64_t window_ns)
{
	size_t n = window_ns > 0 ? (size_t)(window_ns / t->width_ns) : 0;

	return n < t->n_cells ? n : t->n_cells;
}

const struct timeline_row *timeline_row(const struct timeline *t, size_t i)
{
	return &t->cells[i].row;
}

static int timeline_batch_init(struct timeline_batch *b, int64_t start_ns)
{
	int r;

	*b = (struct timeline_batch){.start_ns = start_ns};
	r = histogram_init(&b->response, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
		HISTOGRAM_INTERVAL_DIGITS);
	if (r == 0)
		r = histogram_init(&b->our_delay, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
			HISTOGRAM_INTERVAL_DIGITS);
	return r;
}

int timeline_batches_new(const struct timeline *t, int64_t window_ns, struct timeline_batches **ret)
{
	struct timeline_batches *b = memory_calloc(1, sizeof(*b));
	/* Rows that begin inside the window. */
	size_t n_rows = window_ns > 0 ? (size_t)((window_ns - 1) / t->width_ns) + 1 : 0;
	size_t group = (size_t)((TIMELINE_BATCH_NS - 1) / t->width_ns) + 1;
	int r = 0;

	if (!b)
		return -ENOMEM;
	if (n_rows > t->n_cells)
		n_rows = t->n_cells;
	if ((n_rows + group - 1) / group > TIMELINE_BATCHES_MAX)
		group = (n_rows + TIMELINE_BATCHES_MAX - 1) / TIMELINE_BATCHES_MAX;
	b->width_ns = (int64_t)group * t->width_ns;
	for (size_t i = 0; i < n_rows && r == 0; i++) {
		const struct timeline_cell *c = &t->cells[i];
		struct timeline_batch *batch;

		if (i % group == 0)
			r = timeline_batch_init(&b->all[b->n++], c->row.start_ns);
		if (r < 0)
			break;
		batch = &b->all[b->n - 1];
		batch->planned += c->row.planned;
		timeline_compact_add_to(&c->response, &batch->response);
		timeline_compact_add_to(&c->our_delay, &batch->our_delay);
	}
	if (r < 0) {
		timeline_batches_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

struct timeline_batches *timeline_batches_free(struct timeline_batches *b)
{
	for (size_t i = 0; b && i < b->n; i++) {
		histogram_fini(&b->all[i].response);
		histogram_fini(&b->all[i].our_delay);
	}
	free(b);
	return NULL;
}

int timeline_batches_fill(
	const struct timeline_batches *b, const char *of, struct result_batches *ret)
{
	int r = result_set_text(&ret->of, of);

	ret->is = ret->rows.is = RESULT_IS_THERE;
	ret->width_ns = b->width_ns;
	for (size_t i = 0; i < b->n && r == 0; i++) {
		const struct timeline_batch *batch = &b->all[i];
		struct result_batch *row = result_list_add(&result_batch_table, &ret->rows, NULL);

		if (!row)
			return -ENOMEM;
		row->t_ns = batch->start_ns;
		row->planned = (int64_t)batch->planned;
		r = result_set_hdr(&row->hdr, &batch->response) |
		    result_set_hdr(&row->our_delay_hdr, &batch->our_delay);
	}
	return r;
}

/* ---------------------------------------------------------------- life */

int timeline_new(int64_t interval_ns, unsigned n_workers, struct timeline **ret)
{
	struct timeline *t = memory_calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->interval_ns = interval_ns;
	t->width_ns = interval_ns;
	t->n_workers = n_workers;
	t->covered_ns = memory_calloc(n_workers, sizeof(*t->covered_ns));
	t->cells = memory_calloc(TIMELINE_ROWS_MAX, sizeof(*t->cells));
	if (t->covered_ns && t->cells)
		r = 0;
	for (int i = 0; i < 3 && r == 0; i++)
		r = histogram_init(
			(struct histogram *[]){&t->response, &t->our_delay, &t->scratch}[i],
			HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_INTERVAL_DIGITS);
	if (r < 0) {
		timeline_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct timeline *timeline_free(struct timeline *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_cells; i++)
		timeline_cell_fini(&t->cells[i]);
	histogram_fini(&t->response);
	histogram_fini(&t->our_delay);
	histogram_fini(&t->scratch);
	free(t->cells);
	free(t->covered_ns);
	free(t);
	return NULL;
}
