/* SPDX-License-Identifier: Apache-2.0 */
/* The repeating pieces of the result document, and reading figures by their paths. */
#include "common/json_path.h"

#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/stats/ledger.h"
#include "common/stats/quantile.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/common/written.h"

static struct histogram run_histogram(void)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
	return h;
}

/* The keys in their order, each followed by a blank. */
static void join_keys(json_t *object, char *text, size_t size)
{
	const char *key;
	json_t *value;

	text[0] = '\0';
	json_object_foreach(object, key, value)
	{
		ck_assert_uint_lt(strlen(text) + strlen(key) + 2, size);
		strcat(strcat(text, key), " ");
	}
}

static int64_t int_at(const json_t *doc, const char *path)
{
	ck_assert_msg(json_is_integer(json_path_at(doc, path)), "%s", path);
	return json_integer_value(json_path_at(doc, path));
}

START_TEST(test_latency)
{
	struct histogram h = run_histogram(), back;
	char keys[512];

	for (int i = 1; i <= 1000; i++)
		histogram_record(&h, i);
	histogram_record(&h, INT64_C(5000000000));

	json_t *l = written_latency(&h);

	ck_assert_ptr_nonnull(l);
	join_keys(l, keys, sizeof(keys));
	ck_assert_str_eq(keys, "count min_ns max_ns mean_ns stddev_ns p50_ns p75_ns p90_ns p95_ns "
			       "p99_ns p99_9_ns p99_99_ns hdr ");
	ck_assert_int_eq(int_at(l, "count"), 1001);
	ck_assert_int_eq(int_at(l, "min_ns"), 1);
	ck_assert_int_eq(int_at(l, "max_ns"), 5000000000);
	ck_assert_int_eq(int_at(l, "mean_ns"), 4995505); /* of 4995504.995 */
	ck_assert_int_eq(int_at(l, "stddev_ns"), 157955911);
	ck_assert_int_eq(int_at(l, "p50_ns"), 501);
	ck_assert_int_eq(int_at(l, "p99_9_ns"), 1000);
	ck_assert_int_eq(int_at(l, "p99_99_ns"), 5000000000);

	/* The text carries the slots. */
	ck_assert_int_eq(hdr_decode(json_path_text(l, "hdr"), &back), 0);
	ck_assert_uint_eq(back.n_slots, h.n_slots);
	ck_assert_mem_eq(back.slots, h.slots, h.n_slots * sizeof(*h.slots));
	json_decref(l);
	histogram_fini(&back);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_latency_empty)
{
	struct histogram h = run_histogram();
	json_t *l = written_latency(&h), *value;
	const char *key;

	ck_assert_uint_eq(json_object_size(l), 6 + quantile_n_names);
	json_object_foreach(l, key, value)
	{
		if (strcmp(key, "count") == 0)
			ck_assert_int_eq(json_integer_value(value), 0);
		else
			ck_assert_msg(json_is_null(value), "%s", key);
	}
	json_decref(l);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_latency_extremes)
{
	struct histogram h = run_histogram();

	histogram_record(&h, INT64_MAX);
	histogram_record(&h, INT64_MAX);

	json_t *l = written_latency(&h);

	ck_assert_int_eq(int_at(l, "mean_ns"), INT64_MAX);
	ck_assert_int_eq(int_at(l, "max_ns"), INT64_MAX);
	ck_assert_int_eq(int_at(l, "p50_ns"), INT64_MAX);
	ck_assert_int_ge(int_at(l, "stddev_ns"), 0);
	json_decref(l);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_offered)
{
	struct histogram h = run_histogram();
	double share = -1;
	char keys[512];

	for (int i = 1; i <= 950; i++)
		histogram_record(&h, i);

	json_t *o = written_offered(&h, 1000);

	join_keys(o, keys, sizeof(keys));
	ck_assert_str_eq(keys, "p50_ns p75_ns p90_ns p95_ns p99_ns p99_9_ns p99_99_ns "
			       "unserved_share ");
	ck_assert_int_eq(int_at(o, "p50_ns"), 500);
	ck_assert_int_eq(int_at(o, "p95_ns"), 950);
	ck_assert(json_is_null(json_object_get(o, "p99_ns")));
	ck_assert(json_is_null(json_object_get(o, "p99_99_ns")));
	ck_assert(json_path_real(o, "unserved_share", &share));
	ck_assert_double_eq_tol(share, 0.05, 1e-12);
	json_decref(o);

	/* All answered. */
	o = written_offered(&h, 950);
	ck_assert(json_path_real(o, "unserved_share", &share));
	ck_assert_double_eq(share, 0);
	ck_assert_int_eq(int_at(o, "p99_99_ns"), 950);
	json_decref(o);

	/* More answers than arrivals is a bug elsewhere; no share of minus something. */
	o = written_offered(&h, 5);
	ck_assert(json_path_real(o, "unserved_share", &share));
	ck_assert_double_eq(share, 0);
	json_decref(o);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_offered_nothing)
{
	struct histogram h = run_histogram();
	json_t *o = written_offered(&h, 0), *value;
	const char *key;
	double share;

	json_object_foreach(o, key, value) ck_assert_msg(json_is_null(value), "%s", key);
	ck_assert_uint_eq(json_object_size(o), quantile_n_names + 1);
	json_decref(o);

	o = written_offered(&h, 7);
	ck_assert(json_is_null(json_object_get(o, "p50_ns")));
	ck_assert(json_path_real(o, "unserved_share", &share));
	ck_assert_double_eq(share, 1);
	json_decref(o);
	histogram_fini(&h);
}
END_TEST

START_TEST(test_ledger)
{
	struct ledger l = {.planned = 5, .sent = 3};
	bool is_balanced = false;
	char keys[512];

	l.classes[LEDGER_DROPPED] = 2;
	l.classes[LEDGER_OK] = 3;

	json_t *o = written_ledger(&l);

	join_keys(o, keys, sizeof(keys));
	ck_assert_str_eq(keys,
		"planned sent dropped expired not_connected unsent lost ok http_error "
		"check_failed bad_response timeout connection_error unfinished "
		"balanced ");
	ck_assert_int_eq(int_at(o, "planned"), 5);
	ck_assert_int_eq(int_at(o, "sent"), 3);
	ck_assert_int_eq(int_at(o, "dropped"), 2);
	ck_assert_int_eq(int_at(o, "ok"), 3);
	ck_assert_int_eq(int_at(o, "timeout"), 0);
	ck_assert(json_path_bool(o, "balanced", &is_balanced));
	ck_assert(is_balanced);
	json_decref(o);

	l.planned++;
	o = written_ledger(&l);
	ck_assert(json_path_bool(o, "balanced", &is_balanced));
	ck_assert(!is_balanced);
	json_decref(o);
}
END_TEST

static json_t *document(void)
{
	json_t *doc = json_loads("{\"schema\":\"rpsd.result/1\","
				 "\"latency\":{\"response\":{\"p99_ns\":42,\"p99_9_ns\":null},"
				 "\"service\":null,\"list\":[1,2]},"
				 "\"rates\":{\"ok_per_s\":99.5,\"whole\":3},"
				 "\"big\":9223372036854775807,\"low\":-9223372036854775808,"
				 "\"huge\":1e300,"
				 "\"yes\":true,\"no\":false,\"empty\":\"\",\"\":{\"\":7}}",
		0, NULL);

	ck_assert_ptr_nonnull(doc);
	return doc;
}

START_TEST(test_at)
{
	json_t *doc = document();

	ck_assert_int_eq(json_integer_value(json_path_at(doc, "latency.response.p99_ns")), 42);
	ck_assert(json_is_null(json_path_at(doc, "latency.response.p99_9_ns")));
	ck_assert(json_is_object(json_path_at(doc, "latency")));
	ck_assert_int_eq(json_integer_value(json_path_at(doc, ".")), 7);
	json_decref(doc);
}
END_TEST

static const char *const absent[] = {
	"nope",
	"latency.nope",
	"latency.nope.p99_ns",
	"latency.response.p99",
	"latency.response.p99_ns_",
	"latency.response.p99_ns.more",
	"latency.service.p99_ns",
	"latency.list.0",
	"latency.",
	".latency",
	"latency..response",
	"..",
	"schema.x",
	"lat",
	"latency.response.",
};
#define N_ABSENT ((int)(sizeof(absent) / sizeof(absent[0])))

START_TEST(test_absent)
{
	json_t *doc = document();
	int64_t i = 11;
	double d = 12;
	bool b = true;

	ck_assert_ptr_null(json_path_at(doc, absent[_i]));
	ck_assert(!json_path_int(doc, absent[_i], &i));
	ck_assert(!json_path_real(doc, absent[_i], &d));
	ck_assert(!json_path_bool(doc, absent[_i], &b));
	ck_assert_str_eq(json_path_text(doc, absent[_i]), "");
	ck_assert_int_eq(i, 11);
	ck_assert_double_eq(d, 12);
	ck_assert(b);
	json_decref(doc);
}
END_TEST

START_TEST(test_no_document)
{
	json_t *list = json_array();
	int64_t i = 11;

	ck_assert_ptr_null(json_path_at(NULL, "a.b"));
	ck_assert(!json_path_int(NULL, "a", &i));
	ck_assert_str_eq(json_path_text(NULL, "a"), "");
	ck_assert_ptr_null(json_path_at(list, "a"));
	json_decref(list);
}
END_TEST

START_TEST(test_types)
{
	json_t *doc = document();
	int64_t i = 11;
	double d = 12;
	bool b = true;

	ck_assert(!json_path_int(doc, "latency.response.p99_9_ns", &i));
	ck_assert(!json_path_int(doc, "rates.ok_per_s", &i));
	ck_assert(!json_path_int(doc, "schema", &i));
	ck_assert(!json_path_int(doc, "yes", &i));
	ck_assert_int_eq(i, 11);
	/* Beyond any figure: sums and differences of two stay in range, and so do reals in an
	 * int64_t. */
	ck_assert(json_path_int(doc, "big", &i));
	ck_assert_int_eq(i, JSON_PATH_INT_MAX);
	ck_assert(json_path_int(doc, "low", &i));
	ck_assert_int_eq(i, -JSON_PATH_INT_MAX);
	ck_assert(json_path_real(doc, "huge", &d));
	ck_assert_double_eq(d, (double)JSON_PATH_INT_MAX);
	d = 12;

	ck_assert(!json_path_real(doc, "latency.response.p99_9_ns", &d));
	ck_assert(!json_path_real(doc, "schema", &d));
	ck_assert(!json_path_real(doc, "yes", &d));
	ck_assert_double_eq(d, 12);
	ck_assert(json_path_real(doc, "rates.ok_per_s", &d));
	ck_assert_double_eq(d, 99.5);
	ck_assert(json_path_real(doc, "rates.whole", &d));
	ck_assert_double_eq(d, 3);

	ck_assert(!json_path_bool(doc, "rates.whole", &b));
	ck_assert(!json_path_bool(doc, "latency.service", &b));
	ck_assert(b);
	ck_assert(json_path_bool(doc, "no", &b));
	ck_assert(!b);
	ck_assert(json_path_bool(doc, "yes", &b));
	ck_assert(b);

	ck_assert_str_eq(json_path_text(doc, "schema"), RESULT_SCHEMA);
	ck_assert_str_eq(json_path_text(doc, "empty"), "");
	ck_assert_str_eq(json_path_text(doc, "latency.service"), "");
	ck_assert_str_eq(json_path_text(doc, "rates.whole"), "");
	json_decref(doc);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("result");
	TCase *t = tcase_create("pieces");

	tcase_add_test(t, test_latency);
	tcase_add_test(t, test_latency_empty);
	tcase_add_test(t, test_latency_extremes);
	tcase_add_test(t, test_offered);
	tcase_add_test(t, test_offered_nothing);
	tcase_add_test(t, test_ledger);
	suite_add_tcase(s, t);

	t = tcase_create("paths");
	tcase_add_test(t, test_at);
	tcase_add_loop_test(t, test_absent, 0, N_ABSENT);
	tcase_add_test(t, test_no_document);
	tcase_add_test(t, test_types);
	suite_add_tcase(s, t);

	return suite_main(s);
}
