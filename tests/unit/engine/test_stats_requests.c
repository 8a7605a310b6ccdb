/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker counts for each named request, for each stage, and for requests that are sent
 * again: the parts always make up the whole. Virtual clock; the window is START to START + 10 s. */
#include "daemon/engine/stats.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "tests/support/suite.h"

#define SEC NSEC_PER_SEC
#define MS NSEC_PER_MSEC
#define START (1000 * SEC)
#define N_REQUESTS 3

static struct stats stats;
static struct stats_interval buffers[2];

static void open_stats(bool is_open, size_t n_requests)
{
	ck_assert_int_eq(stats_init(&stats, is_open, SEC, n_requests, 0), 0);
	stats_set_window(&stats, START, START + 10 * SEC);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(stats_interval_init(&buffers[i]), 0);
		stats_give(&stats, &buffers[i]);
	}
}

static void close_stats(void)
{
	stats_fini(&stats);
	for (int i = 0; i < 2; i++)
		stats_interval_fini(&buffers[i]);
}

/* One arrival from beginning to end. Instants are ns since START. */
static void arrive(size_t request, int64_t planned_ns, int64_t sent_ns, int64_t first_byte_ns,
	int64_t done_ns, enum fault fault)
{
	bool was_sent = ledger_class_is_sent(fault_table[fault].class);
	struct exchange x;
	struct stats_end end = {.fault = fault,
		.was_sent = was_sent,
		.is_complete = fault == FAULT_NONE,
		.slack_ns = -1,
		.end_ns = START + done_ns};

	stats_begin(&stats, &x, START + planned_ns, START + planned_ns, request);
	if (was_sent) {
		x.sent_ns = x.sent_all_ns = START + sent_ns;
		stats_sent(&stats, &x);
	}
	x.first_byte_ns = START + first_byte_ns;
	x.done_ns = START + done_ns;
	stats_end(&stats, &x, &end);
}

static const struct histogram *histogram_of(size_t request, enum stats_request_histogram which)
{
	return &stats.totals.requests[request].histograms[which];
}

static void assert_single(const struct histogram *h, int64_t value_ns)
{
	ck_assert_uint_eq(h->count, 1);
	ck_assert_int_eq(h->min, value_ns);
	ck_assert_int_eq(h->max, value_ns);
}

/* Ledgers and histograms of the names sum to those of the window. */
static void assert_parts_make_whole(const struct stats_totals *t)
{
	static const enum stats_histogram whole[STATS_REQUEST_HISTOGRAM_COUNT] = {
		[STATS_REQUEST_RESPONSE] = STATS_RESPONSE,
		[STATS_REQUEST_SERVICE] = STATS_SERVICE,
		[STATS_REQUEST_FIRST_BYTE] = STATS_FIRST_BYTE,
		[STATS_REQUEST_FAILED] = STATS_FAILED,
	};
	struct ledger sum = {0};

	for (size_t i = 0; i < t->n_requests; i++) {
		ck_assert(ledger_balances(&t->requests[i].ledger));
		ledger_add(&sum, &t->requests[i].ledger);
	}
	ck_assert_mem_eq(&sum, &t->ledgers[STATS_WINDOW], sizeof(sum));
	for (int h = 0; h < STATS_REQUEST_HISTOGRAM_COUNT; h++) {
		uint64_t count = 0;
		double total = 0;

		for (size_t i = 0; i < t->n_requests; i++) {
			count += t->requests[i].histograms[h].count;
			total += t->requests[i].histograms[h].sum;
		}
		ck_assert_uint_eq(count, t->histograms[whole[h]].count);
		ck_assert_double_eq_tol(total, t->histograms[whole[h]].sum, 0.5);
	}
}

START_TEST(each_counts_for_its_own_name)
{
	open_stats(true, N_REQUESTS);
	arrive(0, 10 * MS, 11 * MS, 15 * MS, 17 * MS, FAULT_NONE);
	arrive(2, 20 * MS, 22 * MS, 30 * MS, 45 * MS, FAULT_TIMEOUT);
	assert_single(histogram_of(0, STATS_REQUEST_RESPONSE), 7 * MS);
	assert_single(histogram_of(0, STATS_REQUEST_SERVICE), 6 * MS);
	assert_single(histogram_of(0, STATS_REQUEST_FIRST_BYTE), 4 * MS);
	assert_single(histogram_of(2, STATS_REQUEST_FAILED), 25 * MS);
	ck_assert_uint_eq(histogram_of(0, STATS_REQUEST_FAILED)->count, 0);
	ck_assert_uint_eq(histogram_of(2, STATS_REQUEST_RESPONSE)->count, 0);
	ck_assert_uint_eq(stats.totals.requests[0].ledger.classes[LEDGER_OK], 1);
	ck_assert_uint_eq(stats.totals.requests[2].ledger.classes[LEDGER_TIMEOUT], 1);
	ck_assert_uint_eq(stats.totals.requests[1].ledger.planned, 0);
	assert_parts_make_whole(&stats.totals);
	close_stats();
}
END_TEST

START_TEST(closed_model_has_service_times_only)
{
	open_stats(false, N_REQUESTS);
	arrive(1, 10 * MS, 11 * MS, 15 * MS, 17 * MS, FAULT_NONE);
	ck_assert_uint_eq(histogram_of(1, STATS_REQUEST_RESPONSE)->count, 0);
	assert_single(histogram_of(1, STATS_REQUEST_SERVICE), 6 * MS);
	assert_parts_make_whole(&stats.totals);
	close_stats();
}
END_TEST

START_TEST(warmup_and_cooldown_leave_no_trace)
{
	open_stats(true, N_REQUESTS);
	arrive(0, -1, 1, 2, 3, FAULT_NONE);
	arrive(1, 10 * SEC, 10 * SEC, 10 * SEC + 1, 10 * SEC + 2, FAULT_NONE);
	arrive(2, -5, -4, -3, -2, FAULT_RESET);
	for (size_t i = 0; i < N_REQUESTS; i++)
		ck_assert_uint_eq(stats.totals.requests[i].ledger.planned, 0);
	assert_parts_make_whole(&stats.totals);
	close_stats();
}
END_TEST

/* Every fault, and what never ends, for names in turn. */
START_TEST(parts_make_up_the_whole)
{
	struct exchange sent, waiting;

	open_stats(_i, N_REQUESTS);
	for (int n = 0; n < 500; n++)
		arrive((size_t)(n * n) % N_REQUESTS, n * 15 * MS, n * 15 * MS + n,
			n * 15 * MS + 2 * n, n * 15 * MS + 3 * n,
			n % 3 ? FAULT_NONE : (enum fault)(n / 3 % FAULT_COUNT));
	stats_begin(&stats, &sent, START + 8 * SEC, START + 8 * SEC, 1);
	stats_begin(&stats, &waiting, START + 8 * SEC, START + 8 * SEC, 1);
	sent.sent_ns = START + 8 * SEC;
	stats_sent(&stats, &sent);
	stats_give_up(&stats, &sent, true, START + 9 * SEC);
	stats_give_up(&stats, &waiting, false, START + 9 * SEC);
	ck_assert_uint_eq(stats.totals.requests[1].ledger.classes[LEDGER_UNFINISHED], 1);
	ck_assert_uint_eq(stats.totals.requests[1].ledger.classes[LEDGER_UNSENT], 1);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_WINDOW].planned, 502);
	assert_parts_make_whole(&stats.totals);
	close_stats();
}
END_TEST

START_TEST(without_names_nothing_is_kept)
{
	open_stats(true, 0);
	arrive(0, 10 * MS, 11 * MS, 15 * MS, 17 * MS, FAULT_NONE);
	arrive(0, 20 * MS, 21 * MS, 25 * MS, 27 * MS, FAULT_CLOSED);
	ck_assert_ptr_null(stats.totals.requests);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_WINDOW].planned, 2);
	close_stats();
}
END_TEST

START_TEST(workers_add_up_by_name)
{
	struct stats_totals sum;

	ck_assert_int_eq(stats_totals_init(&sum, N_REQUESTS, 0), 0);
	for (int w = 1; w <= 3; w++) {
		open_stats(true, N_REQUESTS);
		for (int n = 0; n < 10 * w; n++)
			arrive((size_t)n % N_REQUESTS, n * MS, n * MS, n * MS + w, n * MS + 2 * w,
				n % 7 ? FAULT_NONE : FAULT_CHECK_BODY);
		stats.totals.retries = (uint64_t)w;
		stats_totals_add(&sum, &stats.totals);
		close_stats();
	}
	ck_assert_uint_eq(sum.ledgers[STATS_WINDOW].planned, 60);
	ck_assert_uint_eq(sum.requests[0].ledger.planned, 4 + 7 + 10);
	ck_assert_int_eq(sum.requests[1].histograms[STATS_REQUEST_RESPONSE].max, 6);
	ck_assert_uint_eq(sum.retries, 6);
	assert_parts_make_whole(&sum);
	stats_totals_fini(&sum);
	ck_assert_uint_eq(sum.n_requests, 0);
}
END_TEST

/* Examples are of strangers, and end in a document of UTF-8. */
START_TEST(long_examples_are_cut_between_characters)
{
	char text[300];
	size_t len = sizeof(stats.totals.faults[0].example) - sizeof("...");
	struct exchange x;
	struct stats_end end = {
		.fault = FAULT_TLS_EXPIRED, .slack_ns = -1, .end_ns = START + 1, .example = text};

	/* _i letters, and then characters of three bytes. */
	memset(text, 'a', (size_t)_i);
	for (size_t at = (size_t)_i; at + 3 < sizeof(text); at += 3)
		memcpy(text + at, "\xe2\x82\xac", 4);
	open_stats(true, 0);
	stats_begin(&stats, &x, START, START, 0);
	stats_end(&stats, &x, &end);
	len -= (len - (size_t)_i) % 3;
	memcpy(text + len, "...", sizeof("..."));
	ck_assert_str_eq(stats.totals.faults[FAULT_TLS_EXPIRED].example, text);
	close_stats();
}
END_TEST

/* A request that is sent again is one in flight all the time, and one in the ledger. */
START_TEST(a_retry_is_one_request)
{
	struct stats_end end = {.fault = FAULT_NONE,
		.was_sent = true,
		.is_complete = true,
		.status = 200,
		.slack_ns = -1,
		.end_ns = START + 9 * MS};
	struct exchange x;

	open_stats(true, N_REQUESTS);
	stats_begin(&stats, &x, START, START, 0);
	x.sent_ns = x.sent_all_ns = START + 1 * MS;
	stats_sent(&stats, &x);
	stats_retried(&stats);
	ck_assert_uint_eq(stats.in_flight, 1);
	x.first_byte_ns = START + 8 * MS;
	x.done_ns = START + 9 * MS;
	stats_end(&stats, &x, &end);
	ck_assert_uint_eq(stats.totals.retries, 1);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_WINDOW].sent, 1);
	ck_assert_uint_eq(stats.totals.sent_in_window, 1);
	ck_assert_uint_eq(stats.in_flight, 0);
	ck_assert_uint_eq(stats.outstanding, 0);
	ck_assert_double_eq_tol(stats.totals.flight_integral, 8.0 * MS, 1);
	/* both attempts are time of the server's */
	assert_single(histogram_of(0, STATS_REQUEST_SERVICE), 8 * MS);
	assert_parts_make_whole(&stats.totals);
	close_stats();
}
END_TEST

/* ---------------------------------------------------------------- stages */

START_TEST(each_counts_for_its_stage)
{
	struct stats_totals sum;

	ck_assert_int_eq(stats_totals_init(&sum, 0, 2), 0);
	for (int w = 0; w < 2; w++) {
		open_stats(true, 0);
		stats_fini(&stats);
		ck_assert_int_eq(stats_init(&stats, true, SEC, 0, 2), 0);
		stats_set_window(&stats, START, START + 10 * SEC);
		for (int i = 0; i < 2; i++)
			stats_give(&stats, &buffers[i]);
		stats.stage = 0;
		arrive(0, -1 * MS, 0, 0, 0, FAULT_NONE); /* warm-up */
		arrive(0, 10 * MS, 11 * MS, 15 * MS, 17 * MS, FAULT_NONE);
		arrive(0, 20 * MS, 21 * MS, 25 * MS, 27 * MS, FAULT_CLOSED);
		stats.stage = 1;
		arrive(0, 30 * MS, 31 * MS, 35 * MS, 39 * MS, FAULT_NONE);
		arrive(0, 40 * MS, 0, 0, 50 * MS, FAULT_DROPPED);
		stats.stage = 2; /* of no stage */
		arrive(0, 9 * SEC, 9 * SEC, 9 * SEC, 9 * SEC, FAULT_NONE);
		stats_totals_add(&sum, &stats.totals);
		close_stats();
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(sum.stages[i].ledger.planned, 4);
		ck_assert_uint_eq(sum.stages[i].ledger.sent, i == 0 ? 4 : 2);
		ck_assert_uint_eq(sum.stages[i].ledger.classes[LEDGER_OK], 2);
		ck_assert(ledger_balances(&sum.stages[i].ledger));
		ck_assert_uint_eq(sum.stages[i].response.count, 2);
		ck_assert_uint_eq(sum.stages[i].our_delay.count, 4);
	}
	ck_assert_int_eq(sum.stages[0].response.max, 7 * MS);
	ck_assert_int_eq(sum.stages[1].response.max, 9 * MS);
	ck_assert_uint_eq(sum.ledgers[STATS_WINDOW].planned, 10);
	stats_totals_fini(&sum);
	ck_assert_uint_eq(sum.n_stages, 0);
}
END_TEST

/* Twice 64 names have histograms of some 140 MB: what is not counted in must not become memory. */
#ifndef __SANITIZE_THREAD__
START_TEST(memory_comes_with_use)
{
	struct stats_totals from, to;
	struct rusage before, after;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
	ck_assert_int_eq(stats_totals_init(&from, 64, 0), 0);
	ck_assert_int_eq(stats_totals_init(&to, 64, 0), 0);
	for (size_t i = 0; i < 64; i++)
		for (int h = 0; h < STATS_REQUEST_HISTOGRAM_COUNT; h++)
			histogram_record(&from.requests[i].histograms[h], 3 * MS);
	stats_totals_add(&to, &from);
	ck_assert_uint_eq(to.requests[63].histograms[0].count, 1);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 48L * 1024);
	stats_totals_fini(&from);
	stats_totals_fini(&to);
}
END_TEST

/* The same with 1,000 stages, whose histograms have some 60 MB in each of the two. */
START_TEST(memory_comes_with_stages)
{
	struct stats_totals from, to;
	struct rusage before, after;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
	ck_assert_int_eq(stats_totals_init(&from, 0, 1000), 0);
	ck_assert_int_eq(stats_totals_init(&to, 0, 1000), 0);
	for (size_t i = 0; i < 1000; i++) {
		histogram_record(&from.stages[i].response, 3 * MS);
		histogram_record(&from.stages[i].our_delay, (int64_t)i);
	}
	stats_totals_add(&to, &from);
	ck_assert_uint_eq(to.stages[999].response.count, 1);
	ck_assert_int_eq(to.stages[999].our_delay.max, 999);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 48L * 1024);
	stats_totals_fini(&from);
	stats_totals_fini(&to);
}
END_TEST
#endif

START_TEST(names_are_all_there)
{
	ck_assert_ptr_nonnull(stats_request_histogram_names[_i]);
	ck_assert_uint_gt(strlen(stats_request_histogram_names[_i]), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stats of requests");
	TCase *t = tcase_create("stats of requests");

	tcase_add_test(t, each_counts_for_its_own_name);
	tcase_add_test(t, closed_model_has_service_times_only);
	tcase_add_test(t, warmup_and_cooldown_leave_no_trace);
	tcase_add_loop_test(t, parts_make_up_the_whole, 0, 2);
	tcase_add_test(t, without_names_nothing_is_kept);
	tcase_add_test(t, workers_add_up_by_name);
	tcase_add_test(t, each_counts_for_its_stage);
	tcase_add_loop_test(t, long_examples_are_cut_between_characters, 0, 3);
	tcase_add_test(t, a_retry_is_one_request);
#ifndef __SANITIZE_THREAD__ /* it keeps books of every byte that is looked at */
	tcase_add_test(t, memory_comes_with_use);
	tcase_add_test(t, memory_comes_with_stages);
#endif
	tcase_add_loop_test(t, names_are_all_there, 0, STATS_REQUEST_HISTOGRAM_COUNT);
	suite_add_tcase(s, t);
	return suite_main(s);
}
