/* SPDX-License-Identifier: Apache-2.0 */
/* One walk over the tables with all parts side by side, since a mean and "what all say" need them
 * together. A figure that no part knows is null in the sum, never 0; one that no part has is
 * absent.
 */
#include "common/result/result_add.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/str.h"

struct result_adding {
	size_t n;
	bool is_repeats;
	double repeats[RESULT_ADD_MAX]; /* of each part, and the requests that it sent */
	double sent[RESULT_ADD_MAX];
};

/* The same struct of every part; NULL where a part has none. */
struct result_view {
	const void *at[RESULT_ADD_MAX];
};

static const void *result_add_field(
	const struct result_view *v, size_t i, const struct result_field *f)
{
	return v->at[i] ? (const char *)v->at[i] + f->offset : NULL;
}

/* ---------------------------------------------------------------- figures */

static int64_t result_add_two(enum result_sum rule, int64_t a, int64_t b)
{
	int64_t sum;

	if (rule == RESULT_MOST)
		return a > b ? a : b;
	if (rule == RESULT_LEAST)
		return a < b ? a : b;
	if (rule == RESULT_SAME)
		return a == b ? a : RESULT_NULL;
	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? -INT64_MAX : INT64_MAX;
	return sum;
}

static void result_add_ints(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, enum result_sum rule, int64_t *ret)
{
	bool is_there = false, is_first = true;
	int64_t sum = RESULT_NULL;

	for (size_t i = 0; i < a->n; i++) {
		const int64_t *one = result_add_field(v, i, f);

		is_there = is_there || (one && *one != RESULT_ABSENT);
		if (!one || !result_is_known(*one))
			continue;
		if (is_first || result_is_known(sum))
			sum = is_first ? *one : result_add_two(rule, sum, *one);
		is_first = false;
	}
	*ret = is_there ? sum : RESULT_ABSENT;
}

static double result_add_weight(const struct result_adding *a, enum result_sum rule, size_t i)
{
	return rule == RESULT_MEAN ? a->repeats[i] : rule == RESULT_MEAN_SENT ? a->sent[i] : 1;
}

static void result_add_reals(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, enum result_sum rule, double *ret)
{
	bool is_mean = rule == RESULT_MEAN || rule == RESULT_MEAN_SENT;
	bool is_there = false, is_known = false;
	double sum = 0, weights = 0;

	for (size_t i = 0; i < a->n; i++) {
		const double *one = result_add_field(v, i, f);
		double weight = result_add_weight(a, rule, i);

		is_there = is_there || (one && *one != RESULT_REAL_ABSENT);
		if (!one || !result_is_real(*one))
			continue;
		if (rule == RESULT_MOST || rule == RESULT_LEAST)
			sum = !is_known		    ? *one
			      : rule == RESULT_MOST ? fmax(sum, *one)
						    : fmin(sum, *one);
		else
			sum += *one * weight;
		weights += weight;
		is_known = true;
	}
	if (is_mean)
		sum = weights > 0 ? sum / weights : 0;
	*ret = !is_there  ? RESULT_REAL_ABSENT
	       : is_known ? fmin(fmax(sum, -DBL_MAX), DBL_MAX)
			  : RESULT_REAL_NULL;
}

static void result_add_flags(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, enum result_flag *ret)
{
	enum result_flag sum = RESULT_FLAG_ABSENT;

	for (size_t i = 0; i < a->n; i++) {
		const enum result_flag *one = result_add_field(v, i, f);

		if (!one || *one == RESULT_FLAG_ABSENT)
			continue;
		/* Yes before no before null before absent. */
		if (*one == RESULT_YES || sum == RESULT_FLAG_ABSENT ||
			(*one == RESULT_NO && sum == RESULT_FLAG_NULL))
			sum = *one;
	}
	*ret = sum;
}

/* The text or part on which all agree that have the struct. */
static int result_add_same(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, void *ret)
{
	const struct result_table one = {"", 0, f, 1};
	json_t *first = NULL;
	bool is_same = true, is_there = false;
	int r;

	for (size_t i = 0; i < a->n; i++) {
		json_t *its;

		if (!v->at[i])
			continue;
		/* A table of this field alone writes it, or nothing where it is absent. */
		its = result_table_write(&one, v->at[i]);
		if (!its) {
			json_decref(first);
			return -ENOMEM;
		}
		is_there = is_there || json_object_size(its) > 0;
		is_same = is_same && (!first || json_equal(first, its));
		if (!first)
			first = json_incref(its);
		json_decref(its);
	}
	if (is_there && !is_same && json_object_set_new(first, f->name, json_null()) < 0) {
		json_decref(first);
		return -ENOMEM;
	}
	r = is_there ? result_table_read(&one, first, (char *)ret, NULL) : 0;
	json_decref(first);
	return r;
}

/* ---------------------------------------------------------------- structs */

static int result_add_table(const struct result_adding *a, const struct result_table *t,
	const struct result_view *v, void *sum);

static int result_add_part(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, void *sum)
{
	struct result_view its = {0};
	enum result_state is = RESULT_IS_ABSENT;

	for (size_t i = 0; i < a->n; i++) {
		const enum result_state *one = result_add_field(v, i, f);

		if (!one)
			continue;
		is = *one > is ? *one : is;
		if (*one == RESULT_IS_THERE)
			its.at[i] = one;
	}
	if (is == RESULT_IS_THERE)
		return result_add_table(a, f->table, &its, sum);
	*(enum result_state *)sum = is;
	return 0;
}

static const void *result_add_row(
	const struct result_table *t, const struct result_list *list, const char *name)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const struct result_string *row =
			(const void *)((const char *)list->rows + i * t->size);

		if (row->is == RESULT_IS_THERE && str_eq(row->name, name))
			return row;
	}
	return NULL;
}

static int result_add_named(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, struct result_list *sum)
{
	const struct result_table *t = f->table;

	for (size_t i = 0; i < a->n; i++) {
		const struct result_list *list = result_add_field(v, i, f);

		if (list && list->is > sum->is)
			sum->is = list->is;
		for (size_t k = 0; list && k < list->n; k++) {
			const struct result_string *row =
				(const void *)((const char *)list->rows + k * t->size);
			struct result_view its = {0};
			void *to;

			if (row->is != RESULT_IS_THERE || result_add_row(t, sum, row->name))
				continue;
			for (size_t m = i; m < a->n; m++)
				its.at[m] = result_add_row(t, result_add_field(v, m, f), row->name);
			to = result_list_add(t, sum, row->name);
			if (!to || result_add_table(a, t, &its, to) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* The number of row k; false: there is none. */
static bool result_add_number(
	const struct result_table *t, const struct result_list *list, size_t k, int64_t *ret)
{
	const char *number = (const char *)(list && k < list->n ? list->rows : NULL);

	if (!number)
		return false;
	number += k * t->size + result_table_find(t, "number")->offset;
	*ret = *(const int64_t *)(const void *)number;
	return true;
}

/* The least number of the next rows, next[i] of part i; false: there are none left. */
static bool result_add_least(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, const size_t *next, int64_t *ret)
{
	bool is_there = false;
	int64_t number;

	for (size_t i = 0; i < a->n; i++) {
		if (!result_add_number(f->table, result_add_field(v, i, f), next[i], &number) ||
			(is_there && number >= *ret))
			continue;
		*ret = number;
		is_there = true;
	}
	return is_there;
}

/* Rows of one number, whatever their places: a part lacks what was skipped in it. */
static int result_add_rows(const struct result_adding *a, const struct result_view *v,
	const struct result_field *f, struct result_list *sum)
{
	size_t next[RESULT_ADD_MAX] = {0};
	int64_t least = 0, number;

	for (size_t i = 0; i < a->n; i++) {
		const struct result_list *list = result_add_field(v, i, f);

		if (list && list->is > sum->is)
			sum->is = list->is;
	}
	while (result_add_least(a, v, f, next, &least)) {
		struct result_view its = {0};
		void *to = result_list_add(f->table, sum, NULL);

		for (size_t i = 0; i < a->n; i++) {
			const struct result_list *list = result_add_field(v, i, f);

			if (result_add_number(f->table, list, next[i], &number) && number == least)
				its.at[i] = (const char *)list->rows + next[i]++ * f->table->size;
		}
		if (!to || result_add_table(a, f->table, &its, to) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int result_add_table(const struct result_adding *a, const struct result_table *t,
	const struct result_view *v, void *sum)
{
	int r = 0;

	*(enum result_state *)sum = RESULT_IS_THERE;
	for (size_t i = 0; i < t->n && r == 0; i++) {
		const struct result_field *f = &t->fields[i];
		enum result_sum rule = a->is_repeats ? f->of_repeats : f->of_parts;
		void *field = (char *)sum + f->offset;

		if (rule == RESULT_APART)
			continue;
		switch (f->type) {
		case RESULT_INT:
		case RESULT_COUNT:
		case RESULT_ANY_INT:
			result_add_ints(a, v, f, rule, field);
			break;
		case RESULT_REAL:
			result_add_reals(a, v, f, rule, field);
			break;
		case RESULT_FLAG:
			result_add_flags(a, v, f, field);
			break;
		case RESULT_PART:
			r = rule == RESULT_SAME ? result_add_same(a, v, f, sum)
						: result_add_part(a, v, f, field);
			break;
		case RESULT_NAMED:
			r = result_add_named(a, v, f, field);
			break;
		case RESULT_ROWS:
			r = result_add_rows(a, v, f, field);
			break;
		case RESULT_TEXT:
		case RESULT_JSON:
			r = result_add_same(a, v, f, sum);
			break;
		}
	}
	return r;
}

size_t result_n_repeats(const struct result *r)
{
	return r->repeats.n > 0 ? r->repeats.n : 1;
}

int result_add(struct result *sum, const struct result *parts, size_t n, bool is_repeats)
{
	struct result_adding a = {.n = n, .is_repeats = is_repeats};
	struct result_view v = {0};

	for (size_t i = 0; i < n; i++) {
		v.at[i] = &parts[i];
		a.repeats[i] = (double)result_n_repeats(&parts[i]);
		if (result_is_known(parts[i].ledger.sent))
			a.sent[i] = (double)parts[i].ledger.sent;
	}
	return result_add_table(&a, &result_table, &v, sum);
}
