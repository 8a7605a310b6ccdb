/* SPDX-License-Identifier: Apache-2.0 */
/* How results add up, for every field of the table: by its rule, and with what is not known. And
 * the sum of a run's slices is the run: recorded runs are cut in three and merged. */
#include "common/result/result_add.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/json_path.h"
#include "common/result/audit.h"
#include "common/result/result_fill.h"
#include "common/result/result_json.h"
#include "common/result/result_table.h"
#include "common/result/result_merge.h"
#include "common/str.h"
#include "tests/support/suite.h"

#define N 3

/* ---------------------------------------------------------------- every rule of every field */

static struct result parts[N];
static struct result sum;
static unsigned n_fields;

static void setup(void)
{
	for (size_t i = 0; i < N; i++) {
		result_init(&parts[i]);
		parts[i].is = RESULT_IS_THERE;
	}
	result_init(&sum);
	n_fields = 0;
}

static void teardown(void)
{
	for (size_t i = 0; i < N; i++)
		result_fini(&parts[i]);
	result_fini(&sum);
}

static void add(bool is_repeats)
{
	result_fini(&sum);
	ck_assert_int_eq(result_add(&sum, parts, N, is_repeats), 0);
}

/* Of 2, 4 and 9, each of which counts alike where a mean is asked for. */
static double want_of(enum result_sum rule)
{
	switch (rule) {
	case RESULT_SUM:
		return 15;
	case RESULT_MOST:
		return 9;
	case RESULT_LEAST:
		return 2;
	default:
		return 5;
	}
}

static void check_int(const struct result_field *f, size_t at, bool is_repeats)
{
	static const int64_t values[N] = {2, 4, 9};
	enum result_sum rule = is_repeats ? f->of_repeats : f->of_parts;
	int64_t *field[N], *got = (int64_t *)(void *)((char *)&sum + at);

	for (size_t i = 0; i < N; i++) {
		field[i] = (int64_t *)(void *)((char *)&parts[i] + at);
		*field[i] = RESULT_ABSENT;
	}
	add(is_repeats);
	ck_assert_msg(*got == RESULT_ABSENT, "%s: %jd where none is there", f->name, *got);
	for (size_t i = 0; i < N; i++)
		*field[i] = RESULT_NULL;
	add(is_repeats);
	ck_assert_msg(*got == (rule == RESULT_APART ? RESULT_ABSENT : RESULT_NULL),
		"%s: %jd where none is known", f->name, *got);
	*field[1] = 4;
	add(is_repeats);
	ck_assert_msg(*got == (rule == RESULT_APART ? RESULT_ABSENT : 4),
		"%s: %jd where one is known", f->name, *got);
	for (size_t i = 0; i < N; i++)
		*field[i] = rule == RESULT_SAME ? 5 : values[i];
	add(is_repeats);
	ck_assert_msg(*got == (rule == RESULT_APART ? RESULT_ABSENT : (int64_t)want_of(rule)),
		"%s: %jd", f->name, *got);
	for (size_t i = 0; i < N; i++)
		*field[i] = RESULT_ABSENT;
}

static void check_real(const struct result_field *f, size_t at, bool is_repeats)
{
	static const double values[N] = {2, 4, 9};
	enum result_sum rule = is_repeats ? f->of_repeats : f->of_parts;
	double *field[N], *got = (double *)(void *)((char *)&sum + at);

	for (size_t i = 0; i < N; i++) {
		parts[i].ledger.is = RESULT_IS_THERE;
		parts[i].ledger.sent = 10;
		field[i] = (double *)(void *)((char *)&parts[i] + at);
		*field[i] = RESULT_REAL_NULL;
	}
	add(is_repeats);
	if (rule == RESULT_APART)
		ck_assert_msg(*got == RESULT_REAL_ABSENT, "%s: %g", f->name, *got);
	else
		ck_assert_msg(isnan(*got), "%s: %g where none is known", f->name, *got);
	for (size_t i = 0; i < N; i++)
		*field[i] = values[i];
	add(is_repeats);
	if (rule != RESULT_APART)
		ck_assert_msg(fabs(*got - want_of(rule)) < 1e-9, "%s: %g", f->name, *got);
	for (size_t i = 0; i < N; i++)
		*field[i] = RESULT_REAL_ABSENT;
	add(is_repeats);
	ck_assert_msg(*got == RESULT_REAL_ABSENT, "%s: %g where none is there", f->name, *got);
}

/* at: of the struct of this table, from the beginning of the result. */
static void check_table(const struct result_table *t, size_t at, bool is_repeats)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct result_field *f = &t->fields[i];

		n_fields++;
		if (f->type == RESULT_INT || f->type == RESULT_COUNT || f->type == RESULT_ANY_INT)
			check_int(f, at + f->offset, is_repeats);
		if (f->type == RESULT_REAL)
			check_real(f, at + f->offset, is_repeats);
		if (f->type != RESULT_PART ||
			(is_repeats ? f->of_repeats : f->of_parts) != RESULT_SUM)
			continue;
		for (size_t k = 0; k < N; k++)
			*(enum result_state *)(void *)((char *)&parts[k] + at + f->offset) =
				RESULT_IS_THERE;
		check_table(f->table, at + f->offset, is_repeats);
	}
}

START_TEST(test_rules)
{
	check_table(&result_table, 0, _i);
	ck_assert_uint_gt(n_fields, 120);
}
END_TEST

/* A part of the document that no result has is absent, one that is null in all is null. */
START_TEST(test_parts_of_the_document)
{
	add(false);
	ck_assert_int_eq(sum.generator.is, RESULT_IS_ABSENT);
	parts[1].generator.is = RESULT_IS_NULL;
	add(false);
	ck_assert_int_eq(sum.generator.is, RESULT_IS_NULL);
	parts[0].generator.is = RESULT_IS_THERE;
	parts[0].generator.workers = 2;
	add(false);
	ck_assert_int_eq(sum.generator.is, RESULT_IS_THERE);
	ck_assert_int_eq(sum.generator.workers, 2);
}
END_TEST

/* Texts and machines: what all say, else null. */
START_TEST(test_same)
{
	for (size_t i = 0; i < N; i++) {
		parts[i].generator.is = parts[i].generator.host.is = RESULT_IS_THERE;
		ck_assert_int_eq(result_set_text(&parts[i].generator.version, "1"), 0);
		ck_assert_int_eq(result_set_text(&parts[i].generator.host.name, "a"), 0);
	}
	add(false);
	ck_assert_str_eq(sum.generator.version, "1");
	ck_assert_str_eq(sum.generator.host.name, "a");
	ck_assert_int_eq(result_set_text(&parts[2].generator.version, "2"), 0);
	ck_assert_int_eq(result_set_text(&parts[2].generator.host.name, "b"), 0);
	add(false);
	ck_assert_ptr_eq(sum.generator.version, result_null_text);
	ck_assert_int_eq(sum.generator.host.is, RESULT_IS_NULL);
}
END_TEST

/* By name, in the order met. */
START_TEST(test_names)
{
	static const char *const names[N] = {"200", "503", "200"};
	const struct result_number *rows;

	for (size_t i = 0; i < N; i++) {
		struct result_number *row =
			result_list_add(&result_number_table, &parts[i].statuses, names[i]);

		row->n = (int64_t)i + 1;
	}
	add(false);
	ck_assert_uint_eq(sum.statuses.n, 2);
	rows = sum.statuses.rows;
	ck_assert_str_eq(rows[0].name, "200");
	ck_assert_int_eq(rows[0].n, 4);
	ck_assert_str_eq(rows[1].name, "503");
	ck_assert_int_eq(rows[1].n, 2);
}
END_TEST

/* ---------------------------------------------------------------- the slices of a run */

/* Part number i of N of a count. */
static int64_t share_of(int64_t n, size_t i)
{
	return n / N + ((int64_t)i < n % N);
}

static void cut_table(const struct result_table *t, void *at, size_t i);

static void cut_latency(struct result_latency *latency, size_t i)
{
	struct histogram h, part;
	uint64_t k = 0;

	if (!latency->hdr || latency->hdr == result_null_text)
		return;
	ck_assert_int_eq(hdr_decode(latency->hdr, &h), 0);
	ck_assert_int_eq(histogram_init(&part, h.lowest, h.highest, h.digits), 0);
	/* Each value goes to one part; its slot is what is known of it. */
	for (uint32_t slot = 0; slot < h.n_slots; slot++)
		for (uint64_t n = h.slots[slot]; n > 0; n--)
			if (k++ % N == i)
				histogram_record(&part, histogram_slot_low(&h, slot));
	ck_assert_int_eq(result_fill_latency(&part, latency), 0);
	histogram_fini(&h);
	histogram_fini(&part);
}

static void cut_field(const struct result_field *f, void *at, size_t i)
{
	void *field = (char *)at + f->offset;
	struct result_list *list = field;

	if (f->type == RESULT_PART)
		cut_table(f->table, field, i);
	for (size_t k = 0; f->type == RESULT_NAMED && k < list->n; k++) {
		void *row = (char *)list->rows + k * f->table->size;

		if (f->table == &result_latency_table)
			cut_latency(row, i);
		else
			cut_table(f->table, row, i);
	}
	if (f->of_parts != RESULT_SUM)
		return;
	if ((f->type == RESULT_INT || f->type == RESULT_COUNT) &&
		result_is_known(*(int64_t *)field))
		*(int64_t *)field = share_of(*(int64_t *)field, i);
	if (f->type == RESULT_REAL && result_is_real(*(double *)field))
		*(double *)field /= N;
}

static void cut_table(const struct result_table *t, void *at, size_t i)
{
	for (size_t k = 0; k < t->n; k++)
		cut_field(&t->fields[k], at, i);
}

/* The document of slice number i. New reference. */
static json_t *slice_of(const json_t *doc, size_t i)
{
	struct result r;
	struct err err = {0};
	json_t *slice;
	char id[32];

	ck_assert_int_eq(result_read(doc, &r, &err), 0);
	cut_table(&result_table, &r, i);
	(void)snprintf(id, sizeof(id), "slice-%zu", i);
	ck_assert_int_eq(result_set_text(&r.run.id, id) | result_set_text(&r.run.uuid, id), 0);
	slice = result_write(&r);
	result_fini(&r);
	json_object_set_new(slice, "plan", json_deep_copy(json_object_get(doc, "plan")));
	json_object_set_new(json_object_get(slice, "plan"), "slice",
		json_pack("{s:i s:i}", "index", (int)i + 1, "of", N));
	return slice;
}

static void expect_table(
	const struct result_table *t, const char *where, const json_t *want, const json_t *got);

static void expect_field(
	const struct result_field *f, const char *where, const json_t *want, const json_t *got)
{
	json_t *rows = (json_t *)want, *row;
	char below[160];
	const char *key;

	(void)snprintf(below, sizeof(below), "%.100s.%.50s", where, f->name);
	if (f->type == RESULT_PART && json_is_object(want)) {
		expect_table(f->table, below, want, got);
	} else if (f->type == RESULT_NAMED && f->of_parts == RESULT_SUM) {
		ck_assert_uint_eq(json_object_size(got), json_object_size(want));
		json_object_foreach(rows, key, row) if (json_is_object(row))
			expect_table(f->table, below, row, json_object_get(got, key));
		else ck_assert_msg(json_equal(row, json_object_get(got, key)), "%s.%s", below, key);
	} else if (json_is_real(want) && f->of_parts != RESULT_APART) {
		ck_assert_msg(fabs(json_real_value(want) - json_real_value(got)) <=
				      1e-9 * fabs(json_real_value(want)),
			"%s: %g instead of %g", below, json_real_value(got), json_real_value(want));
	} else if (f->of_parts != RESULT_APART) {
		ck_assert_msg(json_equal(want, got) || (!want && !got), "%s", below);
	}
}

static void expect_table(
	const struct result_table *t, const char *where, const json_t *want, const json_t *got)
{
	for (size_t i = 0; i < t->n; i++)
		expect_field(&t->fields[i], where, json_object_get(want, t->fields[i].name),
			json_object_get(got, t->fields[i].name));
}

/* Percentiles are found in histograms, so these are those of the run's, value by value. */
static void expect_percentiles(const json_t *doc, const json_t *merged)
{
	json_t *latencies = json_object_get(doc, "latency"), *one;
	const char *name, *const figures[] = {"count", "p50_ns", "p90_ns", "p99_ns", "p99_99_ns"};

	json_object_foreach(latencies, name, one)
	{
		struct histogram h, sum_h;

		for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
			int64_t want = -1, got = -1;
			char path[96];

			(void)snprintf(path, sizeof(path), "latency.%s.%s", name, figures[i]);
			(void)json_path_int(doc, path, &want);
			(void)json_path_int(merged, path, &got);
			/* The largest is known to its slot here. */
			ck_assert_msg(
				got == want || (i > 0 && got <= want && got >= want - want / 1000),
				"%s: %jd instead of %jd", path, got, want);
		}
		if (!json_is_string(json_object_get(one, "hdr")))
			continue;
		ck_assert_int_eq(hdr_decode(json_path_text(one, "hdr"), &h), 0);
		ck_assert_int_eq(
			hdr_decode(json_path_text(json_object_get(
							  json_object_get(merged, "latency"), name),
					   "hdr"),
				&sum_h),
			0);
		ck_assert_mem_eq(h.slots, sum_h.slots, h.n_slots * sizeof(*h.slots));
		histogram_fini(&h);
		histogram_fini(&sum_h);
	}
}

/* What older results lack, sums have. */
static void remove_lost(json_t *object)
{
	const char *key;
	json_t *one;

	json_object_del(object, "lost");
	json_object_foreach(object, key, one) remove_lost(one);
}

static const char *const runs[] = {"open", "errors", "overload", "requests", "tls", "stages"};

/* Of the run as it would be judged today. */
static void expect_same_judgement(const json_t *doc, const json_t *merged)
{
	struct err err = {0};
	struct result r;
	struct audit audit;

	ck_assert_int_eq(result_read(doc, &r, &err), 0);
	audit_judge(&r, &audit);
	result_fini(&r);
	ck_assert_str_eq(
		json_path_text(merged, "headline.result"), audit_headline_names[audit.headline]);
	ck_assert_str_eq(
		json_path_text(merged, "headline.limited_by"), audit_limit_names[audit.limited_by]);
	ck_assert_str_eq(
		json_path_text(merged, "generator.verdict"), audit_verdict_names[audit.verdict]);
	ck_assert_str_eq(json_path_text(merged, "headline.because"), audit.because);
}

START_TEST(test_slices_of_a_run)
{
	struct result_merge_part docs[N];
	json_t *doc, *merged = NULL;
	struct err err = {0};
	char path[96];

	(void)snprintf(path, sizeof(path), "tests/data/results/%s.json", runs[_i]);
	doc = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(doc);
	for (size_t i = 0; i < N; i++)
		docs[i] = (struct result_merge_part){path, slice_of(doc, i)};
	ck_assert_msg(
		result_merge(docs, N, RESULT_MERGE_PARTS, &merged, &err) == 0, "%s", err.text);
	if (!json_path_at(doc, "ledger.lost"))
		remove_lost(merged);
	expect_table(&result_table, "", doc, merged);
	expect_percentiles(doc, merged);
	expect_same_judgement(doc, merged);
	for (size_t i = 0; i < N; i++)
		json_decref((json_t *)docs[i].doc);
	json_decref(merged);
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("result_add");
	TCase *tcase = tcase_create("rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_rules, 0, 2);
	tcase_add_test(tcase, test_parts_of_the_document);
	tcase_add_test(tcase, test_same);
	tcase_add_test(tcase, test_names);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("slices");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_slices_of_a_run, 0, (int)(sizeof(runs) / sizeof(*runs)));
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
