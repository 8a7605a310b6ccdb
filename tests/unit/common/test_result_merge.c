/* SPDX-License-Identifier: Apache-2.0 */
/* Merging results: that the sum is the one that a single run of all arrivals would have given, that
 * it does not depend on order and grouping, that what is no sum is refused or said, and that no
 * part hides behind another. */
#include "common/result/result_merge.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/stats/ledger.h"
#include "common/memory.h"
#include "common/json_path.h"
#include "tests/support/fail_here.h"
#include "tests/support/suite.h"
#include "tests/unit/common/written.h"

#define MS INT64_C(1000000)
#define SLICES 30
#define SHA "3c9d5d0a2c5b0f4a6f3f0f6fb6f0c3f1f1f9f6b1f0c3e4d5a697887766554433"

/* ---------------------------------------------------------------- documents */

static void set(json_t *doc, const char *path, json_t *value)
{
	char key[64];
	size_t len;

	for (;;) {
		len = strcspn(path, ".");
		ck_assert_uint_lt(len, sizeof(key));
		memcpy(key, path, len);
		key[len] = '\0';
		if (!path[len])
			break;
		if (!json_object_get(doc, key))
			ck_assert_int_eq(json_object_set_new(doc, key, json_object()), 0);
		doc = json_object_get(doc, key);
		path += len + 1;
	}
	ck_assert_int_eq(json_object_set_new(doc, key, value), 0);
}

static void set_text(json_t *doc, const char *path, const char *json)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

	ck_assert_ptr_nonnull(value);
	set(doc, path, value);
}

static struct histogram run_histogram(void)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_RUN_DIGITS),
		0);
	return h;
}

static char *batch_hdr(const int64_t *values, size_t n)
{
	struct histogram h;
	char *text;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_INTERVAL_DIGITS),
		0);
	for (size_t i = 0; i < n; i++)
		histogram_record(&h, values[i]);
	text = hdr_encode(&h);
	ck_assert_ptr_nonnull(text);
	histogram_fini(&h);
	return text;
}

/* A run of so many arrivals, all answered well after these times: of a slice that its id names. */
static json_t *document_of(const char *id, const struct histogram *h, uint64_t planned)
{
	struct ledger l = {.planned = planned, .sent = planned};
	json_t *doc = json_object();
	char uuid[80];

	l.classes[LEDGER_OK] = h->count;
	l.classes[LEDGER_TIMEOUT] = planned - h->count;
	(void)snprintf(uuid, sizeof(uuid), "uuid-of-%s", id);
	set(doc, "schema", json_string(RESULT_SCHEMA));
	set(doc, "run.id", json_string(id));
	set(doc, "run.uuid", json_string(uuid));
	set(doc, "run.name", json_string("shop"));
	set(doc, "run.outcome", json_string("completed"));
	set(doc, "run.exit_code", json_integer(0));
	set(doc, "run.started_unix_ns", json_integer(INT64_C(1795168800050000000)));
	set(doc, "headline.result", json_string("ok"));
	set(doc, "headline.limited_by", json_string("plan"));
	set(doc, "headline.planned_per_s", json_real(100));
	set(doc, "plan.sha256", json_string(SHA));
	set(doc, "plan.seed", json_integer(42));
	set(doc, "plan.slice",
		json_pack("{s:i s:i}", "index",
			strncmp(id, "s-", 2) ? id[0] - 'a' + 1 : id[2] - '0' + 1, "of", SLICES));
	set_text(doc, "window", "{\"start_ns\":0,\"end_ns\":10000000000,\"drain_ns\":5}");
	set(doc, "ledger", written_ledger(&l));
	set_text(doc, "rates", "{\"planned_per_s\":100.0,\"ok_per_s\":99.5}");
	set(doc, "latency.response", written_latency(h));
	set(doc, "latency.service", written_latency(h));
	set(doc, "offered", written_offered(h, planned));
	set_text(doc, "statuses", "{\"200\":10}");
	set_text(doc, "connections", "{\"limit\":10,\"peak\":3,\"reused_share\":0.5}");
	set(doc, "generator.verdict", json_string("ok"));
	set(doc, "generator.host.name", json_string("web"));
	set(doc, "generator.workers", json_integer(2));
	return doc;
}

static json_t *document(const char *id, size_t n, int64_t value)
{
	struct histogram h = run_histogram();
	json_t *doc;

	for (size_t i = 0; i < n; i++)
		histogram_record(&h, value);
	doc = document_of(id, &h, n);
	histogram_fini(&h);
	return doc;
}

/* Steals the documents. */
static json_t *merge_as(enum result_merge_mode mode, size_t n, json_t **docs)
{
	struct result_merge_part parts[8];
	struct err err = {0};
	json_t *ret = NULL;

	for (size_t i = 0; i < n; i++)
		parts[i] = (struct result_merge_part){"file", docs[i]};
	ck_assert_msg(result_merge(parts, n, mode, &ret, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < n; i++)
		json_decref(docs[i]);
	return ret;
}

static json_t *merge(size_t n, json_t **docs)
{
	return merge_as(RESULT_MERGE_PARTS, n, docs);
}

static json_t *merge_2(json_t *a, json_t *b)
{
	return merge(2, (json_t *[]){a, b});
}

/* Steals both. */
static void assert_refused_as(enum result_merge_mode mode, json_t *a, json_t *b, const char *why)
{
	const struct result_merge_part parts[] = {{"a.json", a}, {"b.json", b}};
	json_t *ret = NULL;
	struct err err = {0};

	ck_assert_int_eq(result_merge(parts, 2, mode, &ret, &err), RESULT_MERGE_E_REFUSED);
	ck_assert_str_eq(err.text, why);
	ck_assert_ptr_null(ret);
	json_decref(a);
	json_decref(b);
}

static void assert_refused(json_t *a, json_t *b, const char *why)
{
	assert_refused_as(RESULT_MERGE_PARTS, a, b, why);
}

static void assert_int(const json_t *doc, const char *path, int64_t want)
{
	int64_t got = -99;

	ck_assert_msg(json_path_int(doc, path, &got) && got == want, "%s is %jd, not %jd", path,
		(intmax_t)got, (intmax_t)want);
}

static void assert_real(const json_t *doc, const char *path, double want)
{
	double got = -99;

	ck_assert_msg(json_path_real(doc, path, &got) && got > want - 1e-9 && got < want + 1e-9,
		"%s is %g, not %g", path, got, want);
}

static void assert_json(const json_t *doc, const char *path, const char *want)
{
	char *got = json_dumps(json_path_at(doc, path), JSON_COMPACT | JSON_ENCODE_ANY);

	ck_assert_msg(got && strcmp(got, want) == 0, "%s\nis  %s\nnot %s", path, got, want);
	free(got);
}

static const char *note_text(const json_t *doc, const char *code)
{
	const json_t *notes = json_path_at(doc, "generator.notes");

	for (size_t i = 0; i < json_array_size(notes); i++)
		if (strcmp(json_path_text(json_array_get(notes, i), "code"), code) == 0)
			return json_path_text(json_array_get(notes, i), "text");
	return NULL;
}

/* The note is there, with this remedy. */
static void assert_try(const json_t *doc, const char *code, const char *remedy)
{
	const json_t *notes = json_path_at(doc, "generator.notes");
	size_t i = 0;

	while (i < json_array_size(notes) &&
		strcmp(json_path_text(json_array_get(notes, i), "code"), code) != 0)
		i++;
	ck_assert_str_eq(json_path_text(json_array_get(notes, i), "try"), remedy);
}

/* ---------------------------------------------------------------- figures */

/* Averaging percentiles would say that half of the users waited 50.5 ms. */
START_TEST(test_two_hosts)
{
	json_t *doc = merge_2(document("a-1", 1000, MS), document("b-1", 1000, 100 * MS));

	assert_int(doc, "latency.response.count", 2000);
	assert_int(doc, "latency.response.min_ns", MS);
	assert_int(doc, "latency.response.max_ns", 100 * MS);
	assert_int(doc, "latency.response.mean_ns", 50500000);
	assert_int(doc, "latency.response.stddev_ns", 49500000);
	assert_int(doc, "latency.response.p50_ns", 1000447);
	assert_int(doc, "latency.response.p99_ns", 100 * MS);
	assert_int(doc, "offered.p50_ns", 1000447);
	assert_real(doc, "headline.p50_ms", 1.000447);
	assert_real(doc, "headline.p99_ms", 100);
	assert_int(doc, "ledger.planned", 2000);
	assert_int(doc, "ledger.ok", 2000);
	assert_json(doc, "ledger.balanced", "true");
	assert_real(doc, "rates.planned_per_s", 200);
	assert_real(doc, "rates.ok_per_s", 199);
	assert_real(doc, "headline.planned_per_s", 200);
	assert_int(doc, "generator.workers", 4);
	ck_assert_str_eq(note_text(doc, "merge-uneven"),
		"uneven: p50 is 1 ms at web/a-1, 100 ms at web/b-1");
	json_decref(doc);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *state >> 33;
}

/* Eight hosts that share a set of values report what one host would have. */
START_TEST(test_pieces_of_a_whole)
{
	struct histogram whole = run_histogram();
	struct histogram pieces[8];
	json_t *docs[8];
	json_t *doc, *want;
	uint64_t state = 7;

	for (size_t i = 0; i < 8; i++)
		pieces[i] = run_histogram();
	for (size_t i = 0; i < 20000; i++) {
		/* From ns to hours, beyond the layout too. */
		int64_t value = (int64_t)(next_random(&state) << next_random(&state) % 16);

		histogram_record(&whole, value);
		histogram_record(&pieces[next_random(&state) % 8], value);
	}
	for (size_t i = 0; i < 8; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "s-%zu", i);
		docs[i] = document_of(id, &pieces[i], pieces[i].count + i);
		histogram_fini(&pieces[i]);
	}
	doc = merge(8, docs);
	want = written_latency(&whole);
	ck_assert_str_eq(json_path_text(doc, "latency.response.hdr"), json_path_text(want, "hdr"));
	for (void *at = json_object_iter(want); at; at = json_object_iter_next(want, at)) {
		const char *key = json_object_iter_key(at);
		char path[64];
		int64_t value = 0;

		(void)snprintf(path, sizeof(path), "latency.response.%s", key);
		/* Means travel as whole ns: each part's may be off by half of one. */
		if (strcmp(key, "mean_ns") == 0 || strcmp(key, "stddev_ns") == 0) {
			ck_assert(json_path_int(doc, path, &value));
			ck_assert_int_le(
				llabs(value - json_integer_value(json_object_iter_value(at))),
				1000);
			continue;
		}
		ck_assert_msg(json_equal(json_path_at(doc, path), json_object_iter_value(at)), "%s",
			path);
	}
	json_decref(want);
	want = written_offered(&whole, 20000 + 28);
	ck_assert(json_equal(json_path_at(doc, "offered"), want));
	assert_int(doc, "ledger.timeout", 28);
	histogram_fini(&whole);
	json_decref(want);
	json_decref(doc);
}
END_TEST

START_TEST(test_other_layout)
{
	json_t *a = document("a-1", 10, MS);
	json_t *b = document("b-1", 10, MS);
	struct histogram h;
	json_t *doc;

	ck_assert_int_eq(histogram_init(&h, HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
				 HISTOGRAM_INTERVAL_DIGITS),
		0);
	for (size_t i = 0; i < 10; i++)
		histogram_record(&h, MS);
	set(b, "latency.response", written_latency(&h));
	doc = merge_2(a, b);
	assert_int(doc, "latency.response.count", 20);
	assert_int(doc, "latency.response.max_ns", MS);
	assert_int(doc, "latency.response.p50_ns", MS);
	assert_try(doc, "merge-rebinned", "results of one version of rpsd");
	histogram_fini(&h);
	json_decref(doc);
}
END_TEST

/* The closed model knows service time only. */
START_TEST(test_closed)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 10, 2 * MS);
	json_t *doc;

	json_object_del(json_object_get(a, "latency"), "response");
	json_object_del(json_object_get(b, "latency"), "response");
	doc = merge_2(a, b);
	ck_assert_ptr_null(json_path_at(doc, "latency.response"));
	ck_assert_ptr_null(json_path_at(doc, "offered"));
	assert_int(doc, "latency.service.count", 40);
	assert_real(doc, "headline.p50_ms", 1.000447);
	assert_json(doc, "headline.our_delay_share_of_p99", "null");
	json_decref(doc);
}
END_TEST

/* A run without an answer has null figures, and is part of the sum nevertheless. */
START_TEST(test_empty_part)
{
	struct histogram none = run_histogram();
	json_t *b = document_of("b-1", &none, 10);
	json_t *doc;

	set(b, "run.outcome", json_string("failed"));
	set(b, "run.exit_code", json_integer(13));
	set(b, "run.reason", json_string("nothing connected"));
	set(b, "run.failed_by", json_string("connect-refused"));
	set(b, "headline.limited_by", json_string("server"));
	set(b, "headline.because", json_string("refused"));
	set(b, "window", json_null());
	doc = merge_2(document("a-1", 10, MS), b);
	assert_int(doc, "latency.response.count", 10);
	assert_int(doc, "ledger.planned", 20);
	assert_int(doc, "run.exit_code", 13);
	assert_json(doc, "run.outcome", "\"failed\"");
	assert_json(doc, "run.reason", "\"web/b-1: nothing connected\"");
	assert_json(doc, "run.failed_by", "\"connect-refused\"");
	assert_json(doc, "headline.result", "\"failed\"");
	assert_json(
		doc, "headline.because", "\"a run of the sum failed: web/b-1: nothing connected\"");
	assert_json(doc, "headline.try",
		"\"see that the server is up and listens at this address and port\"");
	assert_json(doc, "headline.limited_by", "\"unknown\"");
	assert_int(doc, "window.end_ns", INT64_C(10000000000));
	ck_assert_str_eq(note_text(doc, "merge-uneven"),
		"uneven: at least half of the requests planned at web/b-1 had no good answer, "
		"in other runs fewer");
	histogram_fini(&none);
	json_decref(doc);
}
END_TEST

static const char rule_undecided[] =
	"[{\"rule\":\"p99 < 2ms\",\"kind\":\"require\",\"metric\":\"p99\",\"result\":\"undecided\","
	"\"because\":\"200 requests, and p99 takes 299\"}]";

/* Each rule of any part, judged by the figures of all. */
START_TEST(test_rules)
{
	json_t *a = document("a-1", 200, MS), *b = document("b-1", 200, MS);
	json_t *c = document("a-1", 200, MS), *d = document("b-1", 200, 5 * MS);
	json_t *doc;

	set_text(a, "thresholds", rule_undecided);
	set_text(b, "thresholds", rule_undecided);
	doc = merge_2(a, b);
	assert_json(doc, "headline.result", "\"pass\"");
	assert_int(doc, "run.exit_code", 0);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "thresholds")), 1);
	ck_assert_str_eq(
		json_path_text(json_array_get(json_path_at(doc, "thresholds"), 0), "result"),
		"pass");
	json_decref(doc);

	/* One alone had it, and passed. */
	set_text(c, "thresholds",
		"[{\"rule\":\"p99 < 2ms\",\"kind\":\"require\",\"result\":\"pass\"}]");
	doc = merge_2(c, d);
	assert_json(doc, "headline.result", "\"fail\"");
	assert_int(doc, "run.exit_code", 10);
	json_decref(doc);
}
END_TEST

/* ---------------------------------------------------------------- order and grouping */

static json_t *part_of_three(size_t i)
{
	static const char *const ids[] = {"a-1", "b-1", "c-1"};
	json_t *doc = document(ids[i], 100 + i, (int64_t)(i + 1) * MS);
	int64_t value = (int64_t)(i + 1) * MS;
	char *hdr = batch_hdr(&value, 1);

	set(doc, "run.started_unix_ns",
		json_integer(INT64_C(1795168800050000000) + (int64_t)i * 2000000000));
	set_text(doc, "errors",
		"[{\"class\":\"timeout\",\"phase\":\"timeout\",\"count\":3,\"first_ns\":5,"
		"\"last_ns\":9,\"example\":\"x\"}]");
	set(doc, "batches",
		json_pack("{s:I s:s s:[{s:I s:i s:s s:n}]}", "width_ns", (json_int_t)1000000000,
			"of", "response", "rows", "t_ns", (json_int_t)i * 1000000000, "planned", 1,
			"hdr", hdr, "our_delay_hdr"));
	set_text(doc, "generator.notes",
		"[{\"code\":\"steal\",\"value\":1.0,\"limit\":0.0,\"text\":\"stolen\",\"try\":\"\"}"
		"]");
	set_text(doc, "events", "[{\"at_ns\":7,\"kind\":\"answers\",\"text\":\"silence\"}]");
	free(hdr);
	return doc;
}

/* What must be the same however the parts were put together. */
static const char *const grouped[] = {"ledger", "offered", "statuses", "errors", "latency.response",
	"batches", "intervals", "run.uuid", "run.exit_code", "headline", "generator.verdict",
	"generator.workers", "window", "rates"};

static void assert_same_sum(const json_t *a, const json_t *b)
{
	for (size_t i = 0; i < sizeof(grouped) / sizeof(*grouped); i++) {
		char *x = json_dumps(json_path_at(a, grouped[i]),
			JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
		char *y = json_dumps(json_path_at(b, grouped[i]),
			JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));

		ck_assert_ptr_nonnull(x);
		ck_assert_msg(y && strcmp(x, y) == 0, "%s\n%s\n%s", grouped[i], x, y);
		free(x);
		free(y);
	}
}

START_TEST(test_grouping)
{
	json_t *flat = merge(3, (json_t *[]){part_of_three(0), part_of_three(1), part_of_three(2)});
	json_t *turned =
		merge(3, (json_t *[]){part_of_three(2), part_of_three(0), part_of_three(1)});
	json_t *left = merge_2(merge_2(part_of_three(0), part_of_three(1)), part_of_three(2));
	json_t *right = merge_2(part_of_three(0), merge_2(part_of_three(1), part_of_three(2)));

	assert_same_sum(flat, left);
	assert_same_sum(flat, right);
	assert_same_sum(flat, turned);
	assert_int(flat, "ledger.ok", 303);
	assert_json(flat, "run.id", "\"a-1 + b-1 + c-1\"");
	assert_json(left, "run.id", "\"a-1 + b-1 + c-1\"");
	ck_assert(json_equal(json_path_at(flat, "parts"), json_path_at(left, "parts")));
	ck_assert(json_equal(json_path_at(flat, "parts"), json_path_at(right, "parts")));
	/* Notes and events carry their part's label once, and ours are not there twice. */
	ck_assert(json_equal(
		json_path_at(flat, "generator.notes"), json_path_at(left, "generator.notes")));
	ck_assert(json_equal(
		json_path_at(flat, "generator.notes"), json_path_at(right, "generator.notes")));
	ck_assert_str_eq(note_text(left, "steal"), "web/a-1: stolen");
	ck_assert_ptr_nonnull(note_text(left, "merge-apart"));
	ck_assert(json_equal(json_path_at(flat, "events"), json_path_at(left, "events")));
	json_decref(flat);
	json_decref(turned);
	json_decref(left);
	json_decref(right);
}
END_TEST

START_TEST(test_uuid)
{
	json_t *doc = merge_2(document("a-1", 1, MS), document("b-1", 1, MS));
	const char *uuid = json_path_text(doc, "run.uuid");

	ck_assert_uint_eq(strlen(uuid), 36);
	ck_assert_int_eq(uuid[14], '8');
	ck_assert_uint_eq(strspn(uuid, "0123456789abcdef-"), 36);
	json_decref(doc);
}
END_TEST

/* ---------------------------------------------------------------- what may not be added */

START_TEST(test_refused)
{
	json_t *a = document("a-1", 1, MS);
	json_t *b = document("b-1", 1, MS);

	set(b, "plan.sha256", json_string("00"));
	assert_refused(
		json_incref(a), b, "a.json and b.json are not of one plan (plan.sha256 differs)");
	b = document("b-1", 1, MS);
	set(b, "schema", json_string("rpsd.result/2"));
	assert_refused(
		json_incref(a), b, "b.json: this is not the result of a run (rpsd.result/1)");
	b = document("b-1", 1, MS);
	set(b, "run.uuid", json_null());
	assert_refused(json_incref(a), b, "b.json: this result does not say which run it is");
	assert_refused(json_incref(a), document("a-1", 1, MS),
		"b.json is the same run as a.json, a-1 (uuid-of-a-1): it would count twice");
	assert_refused(merge_2(json_incref(a), document("c-1", 1, MS)), document("c-1", 1, MS),
		"b.json is the same run as a.json, c-1 (uuid-of-c-1): it would count twice");
	assert_refused(json_incref(a), json_object(),
		"b.json: this is not the result of a run (rpsd.result/1)");
	assert_refused(json_incref(a), json_array(),
		"b.json: this is not the result of a run (rpsd.result/1)");
	json_decref(a);
}
END_TEST

/* Of a latency that is not its histogram's. */
static const struct {
	const char *member;
	const char *value;
} broken[] = {
	{"hdr", "null"},
	{"hdr", "\"HISTFAAA\""},
	{"count", "2"},
	{"count", "-1"},
	{"min_ns", "1"},
	{"min_ns", "null"},
	{"max_ns", "2000000"},
	{"max_ns", "-5"},
	{"mean_ns", "null"},
	{"mean_ns", "1e300"},
	{"mean_ns", "5e9"},
	{"stddev_ns", "-1"},
	{"stddev_ns", "5000000000"},
};

START_TEST(test_broken_latency)
{
	json_t *b = document("b-1", 1, MS);
	char path[64];
	char why[128];
	int64_t count = 1;

	(void)snprintf(path, sizeof(path), "latency.service.%s", broken[_i].member);
	set_text(b, path, broken[_i].value);
	(void)json_path_int(b, "latency.service.count", &count);
	count = count < 0 ? 0 : count; /* as it is read */
	(void)snprintf(why, sizeof(why),
		"b.json: a latency has %jd values, but no histogram (hdr) of them that can be read",
		(intmax_t)count);
	assert_refused(document("a-1", 1, MS), b, why);
}
END_TEST

START_TEST(test_number_of_parts)
{
	const struct result_merge_part one = {"a.json", NULL};
	struct err err = {0};
	json_t *ret;

	ck_assert_int_eq(
		result_merge(&one, 1, RESULT_MERGE_PARTS, &ret, &err), RESULT_MERGE_E_REFUSED);
	ck_assert_int_eq(
		result_merge(&one, 0, RESULT_MERGE_PARTS, &ret, &err), RESULT_MERGE_E_REFUSED);
	ck_assert_int_eq(
		result_merge(&one, 257, RESULT_MERGE_PARTS, &ret, &err), RESULT_MERGE_E_REFUSED);
	ck_assert_str_eq(err.text, "257 results, and 2 to 256 can be merged at once: merge some of "
				   "them first, then the sums");
}
END_TEST

/* ---------------------------------------------------------------- slices */

static json_t *slice(const char *id, int index, int of)
{
	json_t *doc = document(id, 10, MS);

	set(doc, "plan.slice", json_pack("{s:i s:i}", "index", index, "of", of));
	return doc;
}

static json_t *whole(const char *id)
{
	json_t *doc = document(id, 10, MS);

	json_object_del(json_object_get(doc, "plan"), "slice");
	return doc;
}

START_TEST(test_slices)
{
	json_t *doc =
		merge(3, (json_t *[]){slice("a-1", 1, 5), slice("b-1", 4, 5), slice("c-1", 2, 5)});

	ck_assert_str_eq(
		json_path_text(doc, "headline.missing"), "slices 1, 2, 4 of 5: 3, 5 missing");
	ck_assert_ptr_null(json_path_at(doc, "plan.slice"));
	ck_assert_ptr_null(note_text(doc, "merge-seeds"));
	/* The last ones complete the schedule, and nothing is missing. */
	doc = merge_2(doc, merge_2(slice("d-1", 3, 5), slice("e-1", 5, 5)));
	ck_assert_ptr_null(json_path_at(doc, "headline.missing"));
	assert_json(doc, "run.id", "\"a-1 + 4 more\"");
	assert_int(doc, "ledger.planned", 50);
	json_decref(doc);
}
END_TEST

START_TEST(test_slices_that_do_not_fit)
{
	json_t *other;

	assert_refused(slice("a-1", 2, 5), slice("b-1", 2, 5),
		"a.json and b.json are both slice 2 of 5: their rates do not add up; --repeats "
		"merges repetitions");
	assert_refused(slice("a-1", 2, 5), slice("b-1", 1, 3),
		"a.json is a slice of 5, b.json one of 3: these are not one schedule");
	assert_refused(slice("a-1", 2, 5), whole("b-1"),
		"a.json is a slice of the plan, b.json the whole of it");
	assert_refused(whole("b-1"), slice("a-1", 2, 5),
		"b.json is a slice of the plan, a.json the whole of it");
	other = slice("b-1", 2, 2);
	set(other, "plan.seed", json_integer(43));
	other = merge_2(slice("a-1", 1, 2), other);
	ck_assert_ptr_nonnull(note_text(other, "merge-seeds"));
	json_decref(other);
}
END_TEST

/* ---------------------------------------------------------------- parts beside each other */

START_TEST(test_even)
{
	json_t *a = document("a-1", 10, 10 * MS);
	json_t *b = document("b-1", 10, 14 * MS);
	json_t *doc;

	/* Three times as long, and nothing beside the response time. */
	set(a, "latency.connection_wait.p99_ns", json_integer(100000));
	set(b, "latency.connection_wait.p99_ns", json_integer(300000));
	doc = merge_2(a, b);
	ck_assert_ptr_null(note_text(doc, "merge-uneven"));
	assert_real(json_array_get(json_path_at(doc, "parts"), 1), "connection_wait_p99_ms", 0.3);
	assert_json(json_array_get(json_path_at(doc, "parts"), 0), "host", "\"web\"");
	assert_int(json_array_get(json_path_at(doc, "parts"), 0), "planned", 10);
	assert_real(json_array_get(json_path_at(doc, "parts"), 0), "p50_ms", 10);
	json_decref(doc);
}
END_TEST

START_TEST(test_uneven_wait)
{
	json_t *a = document("a-1", 10, 10 * MS);
	json_t *b = document("b-1", 10, 10 * MS);
	json_t *doc;

	set(a, "latency.connection_wait.p99_ns", json_integer(2 * MS));
	set(b, "latency.connection_wait.p99_ns", json_integer(5 * MS));
	doc = merge_2(a, b);
	ck_assert_str_eq(note_text(doc, "merge-uneven"),
		"uneven: the wait for a connection (p99) is 2 ms at web/a-1, 5 ms at web/b-1");
	json_decref(doc);
}
END_TEST

/* The sum is judged by its own figures; what they hide is a note. */
START_TEST(test_verdicts_of_parts)
{
	json_t *a = document("a-1", 10, MS);
	json_t *b = document("b-1", 10, MS);
	json_t *doc;

	set(a, "headline.result", json_string("overload"));
	set(a, "headline.limited_by", json_string("server"));
	set(a, "generator.verdict", json_string("saturated"));
	set_text(a, "generator.notes",
		"[{\"code\":\"our-delay\",\"value\":1.0,\"limit\":0.0,\"text\":\"late\",\"try\":"
		"\"\"},"
		"{\"code\":\"steal\",\"value\":1.0,\"limit\":0.0,\"text\":\"stolen\",\"try\":\"\"},"
		"{\"code\":\"news\",\"value\":1.0,\"limit\":0.0,\"text\":\"new\",\"try\":\"\"}]");
	set(b, "headline.result", json_string("void"));
	set(b, "headline.limited_by", json_string("generator"));
	set(b, "headline.because", json_string("too slow"));
	set(b, "run.exit_code", json_integer(12));
	set(b, "generator.verdict", json_string("suspect"));
	set_text(b, "steadiness", "{\"word\":\"unsteady\",\"because\":\"it grew\"}");
	set_text(a, "steadiness", "{\"word\":\"steady\",\"because\":\"\"}");
	set(b, "generator.cpu_share", json_real(0.9));
	doc = merge_2(a, b);
	assert_json(doc, "headline.result", "\"ok\"");
	assert_json(doc, "headline.limited_by", "\"plan\"");
	assert_json(doc, "headline.because", "\"\"");
	assert_int(doc, "run.exit_code", 0);
	assert_json(doc, "generator.verdict", "\"suspect\"");
	ck_assert_str_eq(note_text(doc, "merge-verdict"),
		"the generator of web/a-1 was saturated, which the figures of 2 runs together "
		"hide");
	ck_assert_ptr_null(note_text(doc, "our-delay"));
	ck_assert_str_eq(note_text(doc, "steal"), "web/a-1: stolen");
	ck_assert_str_eq(note_text(doc, "news"), "web/a-1: new");
	assert_real(doc, "generator.cpu_share", 0.9);
	assert_json(doc, "steadiness.word", "\"unsteady\"");
	assert_json(doc, "steadiness.because", "\"web/b-1: it grew\"");
	json_decref(doc);
}
END_TEST

/* ---------------------------------------------------------------- counts */

START_TEST(test_counts)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 10, MS);
	json_t *doc;

	set_text(a, "statuses", "{\"503\":2,\"200\":28}");
	set_text(b, "statuses", "{\"200\":8,\"099\":1,\"302\":1}");
	set_text(b, "redirects", "{\"count\":1,\"location\":\"/x\"}");
	set_text(b, "connections", "{\"limit\":5,\"opened\":9,\"reused_share\":0.9}");
	set_text(a, "errors",
		"[{\"class\":\"status\",\"phase\":\"status\",\"count\":2,\"first_ns\":50,"
		"\"last_ns\":60,\"example\":\"503\"}]");
	set_text(b, "errors",
		"[{\"class\":\"reset\",\"phase\":\"receive\",\"count\":1,\"first_ns\":1,"
		"\"last_ns\":1,\"example\":\"\"},"
		"{\"class\":\"status\",\"phase\":\"status\",\"count\":5,\"first_ns\":40,"
		"\"last_ns\":55,\"example\":\"500\"}]");
	set_text(a, "outside", "{\"retries\":3,\"warmup\":{\"planned\":4,\"sent\":4,\"ok\":4}}");
	set_text(b, "outside", "{\"retries\":4,\"warmup\":{\"planned\":6,\"sent\":6,\"ok\":6}}");
	set_text(a, "run.labels", "{\"commit\":\"1f\",\"host\":\"1\"}");
	set_text(b, "run.labels", "{\"host\":\"2\",\"commit\":\"1f\"}");
	doc = merge_2(a, b);
	assert_json(doc, "statuses", "{\"099\":1,\"200\":36,\"302\":1,\"503\":2}");
	assert_json(doc, "redirects",
		"{\"count\":1,\"share\":0.025000000000000001,\"location\":\"/x\"}");
	assert_int(doc, "connections.limit", 15);
	assert_int(doc, "connections.peak", 3);
	assert_int(doc, "connections.opened", 9);
	/* 30 at 0.5 and 14 at 0.9 would be wrong without the warm-up: 34 and 16. */
	assert_real(doc, "connections.reused_share", (34 * 0.5 + 16 * 0.9) / 50);
	assert_json(doc, "errors",
		"[{\"class\":\"status\",\"phase\":\"status\",\"count\":7,\"first_ns\":40,"
		"\"last_ns\":60,\"example\":\"500\"},"
		"{\"class\":\"reset\",\"phase\":\"receive\",\"count\":1,\"first_ns\":1,"
		"\"last_ns\":1,\"example\":\"\"}]");
	assert_int(doc, "outside.retries", 7);
	assert_real(doc, "outside.repeated_share", 7.0 / 50);
	assert_int(doc, "outside.warmup.ok", 10);
	assert_json(doc, "outside.warmup.balanced", "true");
	assert_json(doc, "run.labels", "{\"commit\":\"1f\"}");
	json_decref(doc);
}
END_TEST

/* What is no row is left out. */
START_TEST(test_slowest)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 10, MS);
	json_t *doc;

	set_text(a, "slowest",
		"[{\"at_ns\":1,\"response_ns\":50,\"class\":\"ok\"},"
		"{\"at_ns\":2,\"response_ns\":10,\"class\":\"timeout\"}]");
	set_text(b, "slowest", "[{\"at_ns\":3,\"response_ns\":40,\"class\":\"ok\"},5]");
	doc = merge_2(a, b);
	assert_json(doc, "slowest",
		"[{\"at_ns\":1,\"response_ns\":50,\"class\":\"ok\",\"part\":\"web/a-1\"},"
		"{\"at_ns\":3,\"response_ns\":40,\"class\":\"ok\",\"part\":\"web/b-1\"},"
		"{\"at_ns\":2,\"response_ns\":10,\"class\":\"timeout\",\"part\":\"web/a-1\"}]");
	json_decref(doc);
}
END_TEST

static void set_request(json_t *doc, const char *name, size_t n, int64_t value)
{
	json_t *one = document("x", n, value);
	json_t *requests = json_object_get(doc, "requests");
	json_t *request = json_pack("{s:s s:s s:i s:O s:O}", "method", "GET", "target", "/",
		"weight", 8, "ledger", json_path_at(one, "ledger"), "latency",
		json_path_at(one, "latency"));

	if (!requests) {
		set(doc, "requests", json_object());
		requests = json_object_get(doc, "requests");
	}
	ck_assert_int_eq(json_object_set_new(requests, name, request), 0);
	json_decref(one);
}

/* By name, whatever is in the name. */
START_TEST(test_requests)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 30, MS);
	json_t *doc, *all;

	set_request(a, "v1.get", 20, MS);
	set_request(a, "put", 10, 2 * MS);
	set_request(b, "v1.get", 25, 3 * MS);
	set_request(b, "del", 5, MS);
	doc = merge_2(a, b);
	all = json_object_get(doc, "requests");
	ck_assert_uint_eq(json_object_size(all), 3);
	assert_int(json_object_get(all, "v1.get"), "latency.response.count", 45);
	assert_int(json_object_get(all, "v1.get"), "latency.response.p50_ns", 3 * MS);
	assert_int(json_object_get(all, "v1.get"), "offered.p50_ns", 3 * MS);
	assert_real(json_object_get(all, "v1.get"), "share", 0.75);
	assert_int(json_object_get(all, "v1.get"), "weight", 8);
	assert_int(json_object_get(all, "put"), "ledger.ok", 10);
	assert_int(json_object_get(all, "del"), "latency.service.max_ns", MS);
	json_decref(doc);
}
END_TEST

static void add_stage(json_t *doc, int number, size_t n, int64_t value)
{
	json_t *one = document("x", n, value);
	json_t *stages = json_object_get(doc, "stages");

	if (!stages) {
		set(doc, "stages", json_array());
		stages = json_object_get(doc, "stages");
	}
	ck_assert_int_eq(
		json_array_append_new(
			stages, json_pack("{s:s s:i s:s s:i s:i s:O s:{s:f} s:O}", "kind", "stage",
					"number", number, "text", number == 1 ? "hold 1" : "hold 2",
					"start_ns", 100 * number, "end_ns", 100 + (int)n, "ledger",
					json_path_at(one, "ledger"), "rates", "planned_per_s",
					(double)n, "latency", json_path_at(one, "latency"))),
		0);
	json_decref(one);
}

/* One of the runs was stopped before the second stage. */
START_TEST(test_stages)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 20, MS);
	json_t *doc;

	add_stage(a, 1, 20, MS);
	add_stage(a, 2, 10, 2 * MS);
	add_stage(b, 1, 20, 3 * MS);
	doc = merge_2(a, b);
	ck_assert_uint_eq(json_array_size(json_object_get(doc, "stages")), 2);
	ck_assert_str_eq(json_path_text(json_array_get(json_object_get(doc, "stages"), 1), "text"),
		"hold 2");
	for (int i = 0; i < 2; i++) {
		const json_t *stage = json_array_get(json_object_get(doc, "stages"), (size_t)i);
		int64_t n = i == 0 ? 40 : 10;

		assert_int(stage, "number", i + 1);
		assert_int(stage, "ledger.ok", n);
		assert_int(stage, "latency.response.count", n);
		assert_int(stage, "offered.p99_ns", i == 0 ? 3 * MS : 2 * MS);
		assert_real(stage, "rates.planned_per_s", (double)n);
		assert_int(stage, "start_ns", 100 * (i + 1));
		assert_int(stage, "end_ns", i == 0 ? 120 : 110);
	}
	json_decref(doc);
}
END_TEST

/* One of the runs was steered past the second stage, so that its row of the third is its second. */
START_TEST(test_skipped_stage)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 60, MS);
	const json_t *stages;
	json_t *doc;

	add_stage(a, 1, 20, MS);
	add_stage(a, 3, 10, 2 * MS);
	add_stage(b, 1, 20, MS);
	add_stage(b, 2, 15, 3 * MS);
	add_stage(b, 3, 25, 2 * MS);
	doc = merge_2(a, b);
	stages = json_object_get(doc, "stages");
	ck_assert_uint_eq(json_array_size(stages), 3);
	for (int i = 0; i < 3; i++) {
		static const int64_t n[] = {40, 15, 35};
		const json_t *stage = json_array_get(stages, (size_t)i);

		assert_int(stage, "number", i + 1);
		assert_int(stage, "ledger.ok", n[i]);
		assert_int(stage, "latency.response.count", n[i]);
		assert_int(stage, "latency.response.max_ns",
			i == 0	 ? MS
			: i == 1 ? 3 * MS
				 : 2 * MS);
	}
	json_decref(doc);
}
END_TEST

static const int stages_of_no_plan[][2] = {{2, 1}, {1, 1}, {0, 1}, {1, 1001}};

START_TEST(test_stages_of_no_plan)
{
	json_t *a = document("a-1", 30, MS);
	json_t *b = document("b-1", 30, MS);

	add_stage(a, 1, 30, MS);
	add_stage(b, stages_of_no_plan[_i][0], 10, MS);
	add_stage(b, stages_of_no_plan[_i][1], 20, MS);
	assert_refused(a, b, "b.json: its stages are not those of a plan, in their order");
}
END_TEST

/* ---------------------------------------------------------------- rows */

/* Ten answers after value in each second from first on; and their interval's figures. */
static void set_rows(json_t *doc, size_t first, size_t n, int64_t value)
{
	int64_t values[10];
	json_t *batches = json_array(), *intervals = json_array();
	char *hdr;

	for (size_t i = 0; i < 10; i++)
		values[i] = value;
	hdr = batch_hdr(values, 10);
	for (size_t i = first; i < first + n; i++) {
		json_int_t t = (json_int_t)i * 1000000000;

		ck_assert_int_eq(json_array_append_new(batches,
					 json_pack("{s:I s:i s:s s:s}", "t_ns", t, "planned", 10,
						 "hdr", hdr, "our_delay_hdr", hdr)),
			0);
		ck_assert_int_eq(json_array_append_new(intervals,
					 json_pack("{s:I s:i s:i s:i s:I s:I s:I s:I s:b}", "t_ns",
						 t, "planned", 10, "ok", 9, "in_flight", 2,
						 "p50_ns", (json_int_t)value, "p99_ns",
						 (json_int_t)value, "max_ns", (json_int_t)value,
						 "our_delay_p99_ns", (json_int_t)value, "open", 0)),
			0);
	}
	free(hdr);
	set(doc, "batches",
		json_pack("{s:I s:s s:o}", "width_ns", (json_int_t)1000000000, "of", "response",
			"rows", batches));
	set(doc, "intervals",
		json_pack("{s:I s:o}", "width_ns", (json_int_t)1000000000, "rows", intervals));
}

START_TEST(test_rows)
{
	json_t *a = document("a-1", 300, MS);
	json_t *b = document("b-1", 300, 2 * MS);
	json_t *doc;
	const json_t *row;
	int64_t p50 = 0;

	set_rows(a, 0, 30, MS);
	set_rows(b, 1, 30, 2 * MS);
	set(a, "latency.response.ci95.level", json_real(0.9));
	doc = merge_2(a, b);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "batches.rows")), 31);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "intervals.rows")), 31);
	assert_int(json_array_get(json_path_at(doc, "batches.rows"), 0), "planned", 10);
	assert_int(json_array_get(json_path_at(doc, "batches.rows"), 1), "planned", 20);
	/* The first second is one part's alone, and its figures are its own. */
	row = json_array_get(json_path_at(doc, "intervals.rows"), 0);
	assert_int(row, "p50_ns", MS);
	assert_int(row, "our_delay_p99_ns", MS);
	row = json_array_get(json_path_at(doc, "intervals.rows"), 1);
	assert_int(row, "t_ns", 1000000000);
	assert_int(row, "planned", 20);
	assert_int(row, "ok", 18);
	assert_int(row, "in_flight", 4);
	assert_int(row, "max_ns", 2 * MS);
	/* Of the batch: to its slot. */
	ck_assert(json_path_int(row, "p50_ns", &p50));
	ck_assert_int_ge(p50, MS);
	ck_assert_int_lt(p50, MS + MS / 100);
	ck_assert(json_path_int(row, "our_delay_p99_ns", &p50));
	ck_assert_int_ge(p50, 2 * MS);
	assert_real(doc, "latency.response.ci95.level", 0.9);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "latency.response.ci95.p50_ns")), 2);
	ck_assert(json_is_number(json_path_at(doc, "latency.response.n_effective.p50")));
	ck_assert_ptr_null(note_text(doc, "merge-batches"));
	json_decref(doc);
}
END_TEST

/* A row that one part could not serve is as bad in the sum, if the rank falls there. */
START_TEST(test_rows_unserved)
{
	json_t *a = document("a-1", 300, MS);
	json_t *b = document("b-1", 300, 2 * MS);
	json_t *doc, *one;
	const json_t *row;
	int64_t p50 = 0;

	set_rows(a, 0, 2, MS);
	set_rows(b, 0, 2, 2 * MS);
	one = json_array_get(json_path_at(b, "intervals.rows"), 0);
	json_object_set_new(one, "p99_ns", json_null());
	json_object_set_new(one, "max_ns", json_null());
	one = json_array_get(json_path_at(b, "batches.rows"), 0);
	json_object_set_new(one, "planned", json_integer(12));
	doc = merge_2(a, b);
	row = json_array_get(json_path_at(doc, "intervals.rows"), 0);
	ck_assert(json_path_int(row, "p50_ns", &p50));
	assert_json(row, "p99_ns", "null");
	assert_json(row, "max_ns", "null");
	row = json_array_get(json_path_at(doc, "intervals.rows"), 1);
	ck_assert(json_path_int(row, "p99_ns", &p50));
	assert_int(row, "max_ns", 2 * MS);
	json_decref(doc);
}
END_TEST

/* Without batches a percentile of two parts is not known; counts are. */
START_TEST(test_rows_without_batches)
{
	json_t *a = document("a-1", 300, MS);
	json_t *b = document("b-1", 300, 2 * MS);
	json_t *doc;
	const json_t *row;

	set_rows(a, 0, 2, MS);
	set_rows(b, 0, 2, 2 * MS);
	set(b, "batches.width_ns", json_integer(2000000000));
	doc = merge_2(a, b);
	ck_assert_ptr_null(json_path_at(doc, "batches"));
	ck_assert_ptr_null(json_path_at(doc, "latency.response.ci95"));
	assert_try(doc, "merge-batches", "the same duration (-d) for all");
	row = json_array_get(json_path_at(doc, "intervals.rows"), 0);
	assert_int(row, "planned", 20);
	assert_json(row, "p50_ns", "null");
	assert_json(row, "p99_ns", "null");
	assert_int(row, "max_ns", 2 * MS);
	json_decref(doc);
}
END_TEST

/* Rows that do not line up, or that are not what they say. */
static const char *const crooked[] = {
	"{\"width_ns\":2000000000,\"of\":\"response\",\"rows\":[{\"t_ns\":0}]}",
	"{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[{\"t_ns\":1}]}",
	"{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[{\"t_ns\":-1000000000}]}",
	"{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[{\"t_ns\":0},{\"t_ns\":0}]}",
	"{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[{\"t_ns\":9000000000000000000}]}",
	"{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[5]}",
	"{\"width_ns\":1000000000,\"of\":\"response\",\"rows\":[]}",
	"{\"width_ns\":0,\"of\":\"response\",\"rows\":[{\"t_ns\":0}]}",
	"{\"width_ns\":-1,\"of\":\"response\",\"rows\":[{\"t_ns\":0}]}",
	"{}",
	"[]",
	"null",
};

START_TEST(test_crooked_rows)
{
	for (int turn = 0; turn < 2; turn++) {
		json_t *a = document("a-1", 300, MS);
		json_t *b = document("b-1", 300, MS);
		json_t *doc;

		set_rows(a, 0, 2, MS);
		set_text(b, "batches", crooked[_i]);
		set_text(b, "intervals", crooked[_i]);
		doc = turn ? merge_2(a, b) : merge_2(b, a);
		ck_assert_ptr_null(json_path_at(doc, "batches"));
		ck_assert_uint_eq(json_array_size(json_path_at(doc, "intervals.rows")), 0);
		assert_try(doc, "merge-batches", "the same duration (-d) for all");
		assert_try(doc, "merge-intervals",
			"the same duration (-d) and statistics.interval for all");
		json_decref(doc);
	}
}
END_TEST

START_TEST(test_broken_batch)
{
	json_t *a = document("a-1", 1, MS);
	json_t *b = document("b-1", 1, MS);

	set_rows(a, 0, 2, MS);
	set_rows(b, 0, 2, MS);
	set(json_array_get(json_path_at(b, "batches.rows"), 1), "hdr", json_string("x"));
	assert_refused(a, b, "b.json: a histogram in batches cannot be read");
}
END_TEST

/* ---------------------------------------------------------------- parts or repetitions */

static json_t *repeat_of(const char *id, size_t n, int64_t value, int64_t start_s)
{
	json_t *doc = document(id, n, value);

	json_object_del(json_object_get(doc, "plan"), "slice");
	set(doc, "run.started_unix_ns",
		json_integer(INT64_C(1795168800000000000) + start_s * 1000000000));
	return doc;
}

/* Every figure of a result, and what merging makes of 1 and 3: in parts of one load, and in
 * repetitions of it. */
static const struct {
	const char *path;
	double parts, repeats;
} figures[] = {
	{"headline.planned_per_s", 4, 2},
	{"headline.ok_per_s", 4, 2},
	{"rates.planned_per_s", 4, 2},
	{"rates.sent_per_s", 4, 2},
	{"rates.completed_per_s", 4, 2},
	{"rates.ok_per_s", 4, 2},
	{"rates.bytes_in_per_s", 4, 2},
	{"rates.bytes_out_per_s", 4, 2},
	{"plan.effective.workers", 4, 3},
	{"plan.effective.connections", 4, 3},
	{"ledger.planned", 4, 4},
	{"ledger.sent", 4, 4},
	{"ledger.ok", 4, 4},
	{"ledger.http_error", 4, 4},
	{"ledger.check_failed", 4, 4},
	{"ledger.bad_response", 4, 4},
	{"ledger.timeout", 4, 4},
	{"ledger.connection_error", 4, 4},
	{"ledger.unfinished", 4, 4},
	{"ledger.dropped", 4, 4},
	{"ledger.expired", 4, 4},
	{"ledger.not_connected", 4, 4},
	{"ledger.unsent", 4, 4},
	{"ledger.lost", 4, 4},
	{"outside.retries", 4, 4},
	{"outside.warmup.planned", 4, 4},
	{"outside.warmup.ok", 4, 4},
	{"outside.cooldown.sent", 4, 4},
	{"bytes.in", 4, 4},
	{"bytes.out", 4, 4},
	{"statuses.200", 4, 4},
	{"statuses.503", 4, 4},
	{"redirects.count", 4, 4},
	{"connections.limit", 4, 3},
	{"connections.peak", 4, 3},
	{"connections.queue_peak", 4, 3},
	{"connections.opened", 4, 4},
	{"connections.closed_by_peer", 4, 4},
	{"connections.closed_by_us", 4, 4},
	{"connections.stale", 4, 4},
	{"requests.buy.rates.planned_per_s", 4, 2},
	{"requests.buy.rates.sent_per_s", 4, 2},
	{"requests.buy.rates.ok_per_s", 4, 2},
	{"requests.buy.ledger.planned", 4, 4},
	{"requests.buy.ledger.http_error", 4, 4},
	{"requests.buy.weight", 1, 1},
	{"window.drain_ns", 3, 3},
	{"generator.workers", 4, 3},
	{"generator.cpu_share", 3, 3},
	{"generator.little_residual", 3, 3},
	{"generator.stalled_share", 3, 3},
	{"generator.steal_share", 3, 3},
	{"generator.softirq_share", 3, 3},
	{"generator.throttled_share", 3, 3},
	{"generator.throttled_ns", 4, 4},
	{"generator.run_queue_share", 3, 3},
	{"generator.involuntary_switches", 4, 4},
	{"generator.loop_p99_ns", 3, 3},
	{"generator.loop_max_ns", 3, 3},
	{"generator.rx_slack_p99_ns", 3, 3},
	{"generator.tcp_segments", 4, 4},
	{"generator.retransmits", 4, 4},
	{"generator.tcp_timeouts", 4, 4},
	{"generator.clock_ns", 3, 3},
	{"generator.unbalanced_intervals", 4, 4},
	{"generator.merged_intervals", 4, 4},
	{"generator.descriptors.limit", 1, 1},
	{"generator.descriptors.used_at_most", 3, 3},
	{"generator.ports.range", 1, 1},
	{"generator.ports.time_wait", 3, 3},
};

static json_t *with_figures(const char *id, int value, bool is_slice)
{
	json_t *doc = is_slice ? document(id, 4, MS) : repeat_of(id, 4, MS, 20 * value);

	set_text(doc, "errors",
		"[{\"class\":\"reset\",\"phase\":\"receive\",\"count\":5,\"first_ns\":1,"
		"\"last_ns\":1,\"example\":\"\"}]");
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		set(doc, figures[i].path,
			strstr(figures[i].path, "_per_s") ? json_real(value) : json_integer(value));
	return doc;
}

START_TEST(test_figures)
{
	for (int is_repeats = 0; is_repeats < 2; is_repeats++) {
		json_t *docs[] = {
			with_figures("a-1", 1, !is_repeats), with_figures("b-1", 3, !is_repeats)};
		json_t *doc =
			merge_as(is_repeats ? RESULT_MERGE_REPEATS : RESULT_MERGE_PARTS, 2, docs);

		for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
			assert_real(doc, figures[i].path,
				is_repeats ? figures[i].repeats : figures[i].parts);
		assert_int(json_array_get(json_path_at(doc, "errors"), 0), "count", 10);
		assert_int(doc, "latency.response.count", 8);
		json_decref(doc);
	}
}
END_TEST

/* What no part knows is not known of the sum, and is not 0. */
START_TEST(test_unknown_figures)
{
	json_t *a = document("a-1", 4, MS), *b = document("b-1", 4, MS), *doc;

	set(a, "generator.steal_share", json_null());
	set(b, "generator.steal_share", json_null());
	set(a, "generator.little_residual", json_null());
	set(a, "generator.retransmits", json_null());
	set(b, "generator.retransmits", json_integer(7));
	doc = merge_2(a, b);
	assert_json(doc, "generator.steal_share", "null");
	assert_json(doc, "generator.little_residual", "null");
	assert_int(doc, "generator.retransmits", 7);
	ck_assert_ptr_null(json_path_at(doc, "generator.loop_p99_ns"));
	json_decref(doc);
}
END_TEST

#define BOTH_WHOLE                                                                                 \
	"a.json and b.json both ran the whole plan: their rates do not add up; --repeats merges "  \
	"repetitions"

START_TEST(test_parts_or_repeats)
{
	json_t *sum, *doc, *other;

	assert_refused(repeat_of("a-1", 1, MS, 0), repeat_of("b-1", 1, MS, 20), BOTH_WHOLE);
	assert_refused(repeat_of("a-1", 1, MS, 0), repeat_of("b-1", 1, MS, 0), BOTH_WHOLE);
	/* A mean is no summand. */
	doc = merge_as(RESULT_MERGE_REPEATS, 2,
		(json_t *[]){repeat_of("a-1", 1, MS, 0), repeat_of("b-1", 1, MS, 20)});
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "repeats")), 2);
	assert_refused(repeat_of("c-1", 1, MS, 40), doc,
		"b.json holds repetitions, whose rates are means: --repeats adds further ones; "
		"merge the slices of each repetition before that");
	/* Slices of one run are not repetitions; nor are sums of other slices. */
	assert_refused_as(RESULT_MERGE_REPEATS, slice("a-1", 1, 3), slice("b-1", 2, 3),
		"a.json has slice 1 of 3, b.json slice 2: repetitions have the same slices (those "
		"of one run are merged without --repeats)");
	assert_refused_as(RESULT_MERGE_REPEATS, slice("a-1", 1, 3), whole("b-1"),
		"a.json is a slice of the plan, b.json the whole of it");
	sum = merge_2(slice("a-1", 1, 3), slice("b-1", 2, 3));
	assert_refused_as(RESULT_MERGE_REPEATS, sum, slice("c-1", 1, 3),
		"a.json has slice 1, 2 of 3, b.json slice 1: repetitions have the same slices "
		"(those of one run are merged without --repeats)");
	/* A copy is no repetition, whatever its uuid is. */
	other = document("a-1", 1, MS);
	set(other, "run.uuid", json_string("x"));
	assert_refused_as(RESULT_MERGE_REPEATS, document("a-1", 1, MS), other,
		"b.json is the same run as a.json, a-1 (x): it would count twice");
}
END_TEST

/* Two repetitions of three hosts, one of whose results is missing. */
START_TEST(test_repeats_of_slices)
{
	json_t *docs[2], *doc, *flat;

	docs[0] = merge_2(slice("a-1", 1, 3), slice("b-1", 3, 3));
	docs[1] = merge_2(slice("b-2", 3, 3), slice("a-2", 1, 3));
	doc = merge_as(RESULT_MERGE_REPEATS, 2, docs);
	ck_assert_str_eq(json_path_text(doc, "headline.missing"), "slices 1, 3 of 3: 2 missing");
	assert_real(doc, "rates.planned_per_s", 200);
	assert_int(doc, "ledger.planned", 40);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "parts")), 4);
	assert_int(json_array_get(json_path_at(doc, "parts"), 0), "repeat", 1);
	assert_int(json_array_get(json_path_at(doc, "parts"), 3), "repeat", 2);
	/* Without the flag the same slice is there twice. */
	docs[0] = merge_2(slice("a-1", 1, 3), slice("b-1", 3, 3));
	assert_refused(docs[0], slice("b-2", 3, 3),
		"a.json and b.json are both slice 3 of 3: their rates do not add up; --repeats "
		"merges repetitions");
	flat = merge_as(
		RESULT_MERGE_REPEATS, 2, (json_t *[]){slice("a-1", 2, 3), slice("a-2", 2, 3)});
	ck_assert_str_eq(json_path_text(flat, "headline.missing"), "slices 2 of 3: 1, 3 missing");
	json_decref(flat);
	json_decref(doc);
}
END_TEST

static json_t *users(const char *id, int64_t start_s)
{
	json_t *doc = repeat_of(id, 10, MS, start_s);

	json_object_del(json_object_get(doc, "latency"), "response");
	return doc;
}

/* Users have no slices: they are parts of one load if they were there at the same time. */
START_TEST(test_users)
{
	json_t *doc = merge_2(users("a-1", 0), users("b-1", 4));

	assert_real(doc, "rates.planned_per_s", 200);
	ck_assert_str_eq(note_text(doc, "merge-apart"),
		"the parts started up to 4 s apart: rates are added as if they had run together");
	assert_try(doc, "merge-apart", "the same --at INSTANT for all");
	assert_refused(doc, users("c-1", 20), BOTH_WHOLE);
	assert_refused(users("a-1", 0), users("b-1", 6), BOTH_WHOLE);
	doc = merge_as(RESULT_MERGE_REPEATS, 2, (json_t *[]){users("a-1", 0), users("b-1", 11)});
	assert_real(doc, "rates.planned_per_s", 100);
	ck_assert_ptr_null(note_text(doc, "merge-overlap"));
	json_decref(doc);
}
END_TEST

/* A run that never began has a file, but no part in the load. */
START_TEST(test_never_began)
{
	struct histogram none = run_histogram();
	json_t *b = document_of("b-1", &none, 0), *doc;

	set(b, "window", json_null());
	set(b, "plan.slice", json_pack("{s:i s:i}", "index", 2, "of", 2));
	doc = merge_2(slice("a-1", 1, 2), json_incref(b));
	ck_assert_str_eq(json_path_text(doc, "headline.missing"), "slices 1 of 2: 2 missing");
	json_decref(doc);
	json_object_del(json_object_get(b, "plan"), "slice");
	assert_refused_as(RESULT_MERGE_REPEATS, repeat_of("a-1", 1, MS, 0), b,
		"b.json: this run did not come to its measured window: it has no rates to take a "
		"mean of");
	histogram_fini(&none);
}
END_TEST

START_TEST(test_started_apart)
{
	json_t *a = slice("a-1", 1, 2), *b = slice("b-1", 2, 2), *doc;

	set(b, "run.started_unix_ns", json_integer(INT64_C(1795168800050000000) + 90 * MS));
	doc = merge_2(a, b);
	ck_assert_ptr_null(note_text(doc, "merge-apart"));
	json_decref(doc);
	a = slice("a-1", 1, 2);
	b = slice("b-1", 2, 2);
	set(b, "run.started_unix_ns", json_integer(INT64_C(1795168800050000000) + 2500 * MS));
	doc = merge_2(a, b);
	ck_assert_str_eq(note_text(doc, "merge-apart"),
		"the slices started up to 2.5 s apart: the server did not get the plan's "
		"schedule, and their rates are added as if it had");
	json_decref(doc);
	doc = merge_as(RESULT_MERGE_REPEATS, 2,
		(json_t *[]){repeat_of("a-1", 1, MS, 0), repeat_of("b-1", 1, MS, 7)});
	ck_assert_str_eq(note_text(doc, "merge-overlap"),
		"repetitions overlapped for up to 3 s: each was a part of the other's load");
	json_decref(doc);
}
END_TEST

static void assert_interval(const json_t *doc, int64_t low, int64_t high)
{
	const json_t *pair = json_path_at(doc, "latency.response.ci95.p50_ns");
	int64_t from = json_integer_value(json_array_get(pair, 0));
	int64_t to = json_integer_value(json_array_get(pair, 1));

	ck_assert_msg(llabs(from - low) < MS / 100 && llabs(to - high) < MS / 100,
		"[%jd, %jd], not [%jd, %jd]", (intmax_t)from, (intmax_t)to, (intmax_t)low,
		(intmax_t)high);
}

/* Batches of a run do not know what differs between runs: 12, 15 and 12 ms, each with hardly any
 * scatter, are 13 +- 4.303 * sqrt(3) / sqrt(3) ms. */
START_TEST(test_interval_between_repeats)
{
	static const int64_t values[] = {12, 15, 12};
	json_t *docs[3], *doc, *other;

	for (size_t i = 0; i < 3; i++) {
		docs[i] = repeat_of((const char *[]){"a-1", "b-1", "c-1"}[i], 300, values[i] * MS,
			40 * (int64_t)i);
		set_rows(docs[i], 0, 30, values[i] * MS);
	}
	other = merge_as(RESULT_MERGE_REPEATS, 2,
		(json_t *[]){json_deep_copy(docs[0]), json_deep_copy(docs[1])});
	assert_json(other, "latency.response.ci95.p50_ns", "null");
	assert_json(other, "latency.response.n_effective.p50", "null");
	other = merge_as(RESULT_MERGE_REPEATS, 2, (json_t *[]){other, json_deep_copy(docs[2])});
	doc = merge_as(RESULT_MERGE_REPEATS, 3, docs);
	assert_int(doc, "latency.response.count", 900);
	assert_real(doc, "latency.response.ci95.level", 0.95);
	assert_interval(doc, 8697000, 17303000);
	assert_same_sum(doc, other);
	ck_assert(json_equal(json_path_at(doc, "repeats"), json_path_at(other, "repeats")));
	ck_assert(json_equal(json_path_at(doc, "parts"), json_path_at(other, "parts")));
	json_decref(other);
	json_decref(doc);
}
END_TEST

/* One after the other, each as it was. */
START_TEST(test_rows_of_repeats)
{
	json_t *a = repeat_of("a-1", 20, MS, 0), *b = repeat_of("b-1", 20, 2 * MS, 40);
	json_t *doc, *row;

	set_rows(a, 0, 2, MS);
	set_rows(b, 0, 2, 2 * MS);
	/* The last second is a half one. */
	set(a, "window.end_ns", json_integer(1500 * MS));
	set(b, "window.end_ns", json_integer(1500 * MS));
	doc = merge_as(RESULT_MERGE_REPEATS, 2, (json_t *[]){a, b});
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "batches.rows")), 4);
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "intervals.rows")), 4);
	assert_int(doc, "intervals.width_ns", 1000 * MS);
	assert_int(doc, "window.end_ns", 3500 * MS);
	row = json_array_get(json_path_at(doc, "intervals.rows"), 1);
	assert_int(row, "length_ns", 500 * MS);
	row = json_array_get(json_path_at(doc, "intervals.rows"), 2);
	ck_assert_ptr_null(json_path_at(row, "length_ns"));
	assert_int(row, "t_ns", 2000 * MS);
	assert_int(row, "planned", 10);
	assert_int(row, "in_flight", 2);
	assert_int(row, "p50_ns", 2 * MS);
	row = json_array_get(json_path_at(doc, "batches.rows"), 3);
	assert_int(row, "t_ns", 3000 * MS);
	assert_int(row, "planned", 10);
	json_decref(doc);
	/* Other widths: no course, but counts. */
	a = repeat_of("a-1", 20, MS, 0);
	b = repeat_of("b-1", 20, MS, 40);
	set_rows(a, 0, 2, MS);
	set_rows(b, 0, 2, MS);
	set(b, "intervals.width_ns", json_integer(500 * MS));
	set(b, "batches.of", json_string("service"));
	doc = merge_as(RESULT_MERGE_REPEATS, 2, (json_t *[]){a, b});
	ck_assert_uint_eq(json_array_size(json_path_at(doc, "intervals.rows")), 0);
	ck_assert_ptr_null(json_path_at(doc, "batches"));
	assert_try(
		doc, "merge-intervals", "the same duration (-d) and statistics.interval for all");
	assert_int(doc, "ledger.planned", 40);
	json_decref(doc);
	a = repeat_of("a-1", 20, MS, 0);
	b = repeat_of("b-1", 20, MS, 40);
	set_rows(a, 0, 2, MS);
	set_rows(b, 0, 2, MS);
	set(json_array_get(json_path_at(b, "batches.rows"), 1), "hdr", json_string("x"));
	assert_refused_as(
		RESULT_MERGE_REPEATS, a, b, "b.json: a histogram in batches cannot be read");
}
END_TEST

/* Members of any type where others are meant: no crash, no sum that is none. */
static const char *const strange[] = {"null", "5", "\"x\"", "[]", "[5,[],{}]", "{}",
	"{\"a\":{\"b\":[]}}", "{\"response\":5,\"rows\":{},\"name\":[],\"result\":{}}"};
static const char *const members[] = {"run.id", "run.labels", "run.exit_code", "run.ended",
	"headline", "plan.effective", "plan.slice", "plan.seed", "window", "thresholds", "ledger",
	"outside", "rates", "latency", "errors", "statuses", "redirects", "requests", "connections",
	"intervals", "batches", "generator", "generator.notes", "events", "steadiness", "slowest",
	"repeats", "parts", "offered"};

START_TEST(test_strange_members)
{
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		json_t *a = document("a-1", 3, MS);
		json_t *b = document("b-1", 3, MS);
		const struct result_merge_part parts[] = {{"a", a}, {"b", b}};
		const struct result_merge_part turned[] = {{"b", b}, {"a", a}};
		json_t *ret = NULL, *before;
		struct err err = {0};
		int r;

		set_text(b, members[_i], strange[i]);
		before = json_deep_copy(b);
		for (int turn = 0; turn < 4; turn++) {
			enum result_merge_mode mode =
				turn & 2 ? RESULT_MERGE_REPEATS : RESULT_MERGE_PARTS;

			if (mode == RESULT_MERGE_REPEATS && strcmp(members[_i], "plan.slice")) {
				json_object_del(json_object_get(a, "plan"), "slice");
				json_object_del(json_object_get(b, "plan"), "slice");
				json_decref(before);
				before = json_deep_copy(b);
			}
			r = result_merge(turn & 1 ? turned : parts, 2, mode, &ret, &err);
			ck_assert_msg(
				r == 0 || r == RESULT_MERGE_E_REFUSED, "%s: %d", strange[i], r);
			if (r == 0)
				json_decref(ret);
		}
		/* What was given is as it was. */
		ck_assert(json_equal(b, before));
		json_decref(before);
		json_decref(a);
		json_decref(b);
	}
}
END_TEST

/* Counts of hostile files do not wrap. */
START_TEST(test_large_counts)
{
	json_t *a = document("a-1", 3, MS);
	json_t *b = document("b-1", 3, MS);
	json_t *doc;

	set(a, "outside.retries", json_integer(INT64_MAX));
	set(b, "outside.retries", json_integer(INT64_MAX));
	doc = merge_2(a, b);
	/* As it is read. */
	assert_int(doc, "outside.retries", JSON_PATH_INT_MAX);
	json_decref(doc);
}
END_TEST

/* Nor do windows, however long a file says that they were. */
START_TEST(test_large_windows)
{
	static const int64_t ends[] = {INT64_MAX, INT64_MAX / 256, INT64_MIN, -1, 0};
	static const int64_t widths[] = {
		INT64_MAX, INT64_MAX / 4000, INT64_MAX / 256, 1, 1000000000};

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		json_t *docs[8], *doc;
		int64_t end = -1;

		for (size_t k = 0; k < 8; k++) {
			char id[] = {(char)('a' + k), '-', '1', '\0'};

			docs[k] = repeat_of(id, 2, MS, 20 * (int64_t)k);
			set_rows(docs[k], 0, 2, MS);
			set(docs[k], "batches.width_ns", json_integer(widths[i]));
			set(docs[k], "intervals.width_ns", json_integer(widths[i]));
			for (int row = 0; row < 2; row++) {
				json_t *rows[] = {(json_t *)json_path_at(docs[k], "batches.rows"),
					(json_t *)json_path_at(docs[k], "intervals.rows")};
				int64_t t =
					row && widths[i] < INT64_MAX
						? (int64_t)((uint64_t)widths[i] * 4000 % INT64_MAX)
						: 0;

				for (int m = 0; m < 2; m++)
					json_object_set_new(json_array_get(rows[m], row), "t_ns",
						json_integer(t));
			}
			set(docs[k], "window.end_ns", json_integer(ends[_i]));
		}
		doc = merge_as(RESULT_MERGE_REPEATS, 8, docs);
		ck_assert(json_path_int(doc, "window.end_ns", &end));
		ck_assert_int_ge(end, 0);
		json_decref(doc);
	}
}
END_TEST

/* What is compared with each other one, or costs a histogram, is bounded. */
START_TEST(test_many_members)
{
	static const char *const paths[] = {"parts", "errors", "latency", "requests"};
	static const char *const why[] = {
		"b.json: 2000 members in parts, no result has more than 1024",
		"b.json: 2000 members in errors, no result has more than 256",
		"b.json: 2000 members in latency, no result has more than 64",
		"b.json: 2000 members in requests, no result has more than 64"};
	json_t *a = document("a-1", 3, MS), *b = document("b-1", 3, MS), *many;
	bool is_array = _i < 2;

	many = is_array ? json_array() : json_object();
	for (int i = 0; i < 2000; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "x%d", i);
		if (is_array)
			json_array_append_new(
				many, json_pack("{s:s s:s}", "class", name, "uuid", name));
		else
			json_object_set_new(many, name, json_object());
	}
	set(b, paths[_i], many);
	assert_refused(a, b, why[_i]);
}
END_TEST

/* Each allocation fails once, also jansson's: the sum is whole, or there is none. */
START_TEST(test_without_memory)
{
	struct result_merge_part parts[] = {{"a.json", NULL}, {"b.json", NULL}};
	json_t *a, *b, *want = NULL, *doc = NULL;
	struct err err = {0};
	unsigned n_failed = 0;
	int r = 0;

	memory_watch(free);
	parts[0].doc = a = document("a-1", 1000, MS);
	parts[1].doc = b = document("b-1", 1000, 2 * MS);
	ck_assert_int_eq(result_merge(parts, 2, RESULT_MERGE_PARTS, &want, &err), 0);
	for (long n = 0; fail_left < 0; n += 1 + n / 50) {
		doc = NULL;
		fail_left = n;
		r = result_merge(parts, 2, RESULT_MERGE_PARTS, &doc, &err);
		if (fail_left >= 0)
			break; /* it needs fewer */
		if (r == 0)
			ck_assert(json_equal(doc, want));
		else
			ck_assert_ptr_null(doc);
		n_failed += r != 0;
		json_decref(doc);
	}
	fail_left = -1;
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n_failed, 50);
	json_decref(doc);
	json_decref(want);
	json_decref(a);
	json_decref(b);
}
END_TEST

static TCase *add_case(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	suite_add_tcase(s, t);
	return t;
}

int main(void)
{
	Suite *s = suite_create("result_merge");
	TCase *t = add_case(s, "figures");

	tcase_add_test(t, test_two_hosts);
	tcase_add_test(t, test_pieces_of_a_whole);
	tcase_add_test(t, test_other_layout);
	tcase_add_test(t, test_closed);
	tcase_add_test(t, test_empty_part);
	tcase_add_test(t, test_rules);
	tcase_add_test(t, test_counts);
	tcase_add_test(t, test_requests);
	tcase_add_test(t, test_stages);
	tcase_add_test(t, test_skipped_stage);
	tcase_add_loop_test(t, test_stages_of_no_plan, 0, 4);
	tcase_add_test(t, test_slowest);
	t = add_case(s, "parts");
	tcase_add_test(t, test_grouping);
	tcase_add_test(t, test_uuid);
	tcase_add_test(t, test_slices);
	tcase_add_test(t, test_even);
	tcase_add_test(t, test_uneven_wait);
	tcase_add_test(t, test_verdicts_of_parts);
	t = add_case(s, "refused");
	tcase_add_test(t, test_refused);
	tcase_add_loop_test(t, test_broken_latency, 0, (int)(sizeof(broken) / sizeof(*broken)));
	tcase_add_test(t, test_number_of_parts);
	tcase_add_test(t, test_slices_that_do_not_fit);
	tcase_add_test(t, test_broken_batch);
	t = add_case(s, "rows");
	tcase_add_test(t, test_rows);
	tcase_add_test(t, test_rows_unserved);
	tcase_add_test(t, test_rows_without_batches);
	tcase_add_loop_test(t, test_crooked_rows, 0, (int)(sizeof(crooked) / sizeof(*crooked)));
	t = add_case(s, "repeats");
	tcase_add_test(t, test_figures);
	tcase_add_test(t, test_unknown_figures);
	tcase_add_test(t, test_parts_or_repeats);
	tcase_add_test(t, test_repeats_of_slices);
	tcase_add_test(t, test_users);
	tcase_add_test(t, test_never_began);
	tcase_add_test(t, test_started_apart);
	tcase_add_test(t, test_interval_between_repeats);
	tcase_add_test(t, test_rows_of_repeats);
	t = add_case(s, "hostile");
	tcase_add_loop_test(t, test_strange_members, 0, (int)(sizeof(members) / sizeof(*members)));
	tcase_add_test(t, test_large_counts);
	tcase_add_loop_test(t, test_many_members, 0, 4);
	tcase_add_loop_test(t, test_large_windows, 0, 5);
	tcase_add_test_of_failures(t, test_without_memory);
	return suite_main(s);
}
