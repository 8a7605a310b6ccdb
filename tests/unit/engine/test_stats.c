/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker counts, under a virtual clock: the window begins at START, a second is SEC. */
#include "daemon/engine/stats.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/suite.h"

#define SEC NSEC_PER_SEC
#define MS NSEC_PER_MSEC
#define START (1000 * SEC)
#define N_BUFFERS 8

static struct stats stats;
static struct stats_interval buffers[N_BUFFERS];

static void open_stats(bool is_open, size_t n_buffers)
{
	ck_assert_int_eq(stats_init(&stats, is_open, SEC, 0, 0), 0);
	stats_set_window(&stats, START, START + 10 * SEC);
	for (size_t i = 0; i < n_buffers; i++)
		stats_give(&stats, &buffers[i]);
}

static void setup(void)
{
	for (size_t i = 0; i < N_BUFFERS; i++)
		ck_assert_int_eq(stats_interval_init(&buffers[i]), 0);
	open_stats(true, N_BUFFERS);
}

static void teardown(void)
{
	stats_fini(&stats);
	for (size_t i = 0; i < N_BUFFERS; i++)
		stats_interval_fini(&buffers[i]);
}

static void reopen(bool is_open, size_t n_buffers)
{
	teardown();
	for (size_t i = 0; i < N_BUFFERS; i++)
		ck_assert_int_eq(stats_interval_init(&buffers[i]), 0);
	open_stats(is_open, n_buffers);
}

/* ---- arrivals, step by step; instants are ns since START */

static struct exchange begun(int64_t planned_ns)
{
	struct exchange x;

	stats_begin(&stats, &x, START + planned_ns, START + planned_ns, 0);
	return x;
}

static void send_at(struct exchange *x, int64_t at_ns)
{
	x->sent_ns = x->sent_all_ns = START + at_ns;
	stats_sent(&stats, x);
}

static void end_at(struct exchange *x, enum fault fault, int64_t at_ns)
{
	enum ledger_class class = fault_table[fault].class;
	struct stats_end end = {
		.fault = fault,
		.was_sent = ledger_class_is_sent(class),
		.is_complete = fault == FAULT_NONE || fault == FAULT_STATUS,
		.status = fault == FAULT_NONE	  ? 200
			  : fault == FAULT_STATUS ? 503
						  : 0,
		.slack_ns = -1,
		.end_ns = START + at_ns,
		.example = fault_table[fault].help,
	};

	if (fault == FAULT_NONE)
		x->first_byte_ns = x->done_ns = START + at_ns;
	stats_end(&stats, x, &end);
}

/* A whole good one. */
static void serve(int64_t planned_ns, int64_t sent_ns, int64_t done_ns)
{
	struct exchange x = begun(planned_ns);

	send_at(&x, sent_ns);
	end_at(&x, FAULT_NONE, done_ns);
}

static const struct histogram *histogram(enum stats_histogram which)
{
	return &stats.totals.histograms[which];
}

/* One value, exactly this. */
static void assert_single(enum stats_histogram which, int64_t value_ns)
{
	const struct histogram *h = histogram(which);

	ck_assert_msg(h->count == 1, "%s: %lu values", stats_histogram_names[which],
		(unsigned long)h->count);
	ck_assert_int_eq(h->min, value_ns);
	ck_assert_int_eq(h->max, value_ns);
}

static void assert_balanced(void)
{
	ck_assert_uint_eq(stats.outstanding, 0);
	ck_assert_uint_eq(stats.in_flight, 0);
	for (int i = 0; i < STATS_PHASE_COUNT; i++)
		ck_assert(ledger_balances(&stats.totals.ledgers[i]));
}

static const struct ledger *window(void)
{
	return &stats.totals.ledgers[STATS_WINDOW];
}

/* ---- durations */

START_TEST(durations_are_exact)
{
	struct exchange x;
	struct stats_end end = {.was_sent = true,
		.is_complete = true,
		.status = 200,
		.slack_ns = 7,
		.end_ns = START + 1110};

	stats_begin(&stats, &x, START, START + 10, 0);
	ck_assert_uint_eq(stats.outstanding, 1);
	x.sent_ns = START + 110;
	x.sent_all_ns = START + 130;
	stats_sent(&stats, &x);
	ck_assert_uint_eq(stats.in_flight, 1);
	x.first_byte_ns = START + 610;
	x.done_ns = START + 1110;
	stats_end(&stats, &x, &end);
	assert_single(STATS_OUR_DELAY, 10);
	assert_single(STATS_CONNECTION_WAIT, 100);
	assert_single(STATS_SERVICE, 1000);
	assert_single(STATS_RESPONSE, 1110);
	assert_single(STATS_FIRST_BYTE, 500);
	assert_single(STATS_SEND_STALL, 20);
	assert_single(STATS_RX_SLACK, 7);
	assert_single(STATS_LESS_OURS, 1083); /* 1000 + 100 - 10 - 7 */
	ck_assert_uint_eq(histogram(STATS_FAILED)->count, 0);
	ck_assert_uint_eq(stats.totals.statuses[200], 1);
	ck_assert_int_eq(stats.totals.last_done_ns, START + 1110);
	ck_assert_uint_eq(stats.totals.completed_in_window, 1);
	ck_assert_uint_eq(stats.totals.ok_in_window, 1);
	ck_assert_uint_eq(window()->classes[LEDGER_OK], 1);
	assert_balanced();
}
END_TEST

/* The slack cannot take off more than there is; unknown and no slack take off nothing. */
START_TEST(less_ours_is_never_negative)
{
	static const struct {
		int64_t slack_ns, less_ours_ns;
		unsigned n_slacks;
	} cases[] = {{5000, 0, 1}, {1000, 0, 1}, {999, 1, 1}, {0, 1000, 1}, {-1, 1000, 0}};
	struct exchange x = begun(0);
	struct stats_end end = {.was_sent = true,
		.is_complete = true,
		.slack_ns = cases[_i].slack_ns,
		.end_ns = START + 1000};

	send_at(&x, 0);
	x.first_byte_ns = x.done_ns = START + 1000;
	stats_end(&stats, &x, &end);
	assert_single(STATS_LESS_OURS, cases[_i].less_ours_ns);
	ck_assert_uint_eq(histogram(STATS_RX_SLACK)->count, cases[_i].n_slacks);
	ck_assert_uint_eq(histogram(STATS_SEND_STALL)->count, 0); /* sent at once */
}
END_TEST

/* Of the wait for a connection no more can be ours than we were late. */
START_TEST(less_ours_is_without_the_wait_of_late_arrivals)
{
	static const struct {
		int64_t delay_ns, wait_ns, less_ours_ns;
	} cases[] = {{0, 300, 1300}, {300, 100, 1000}, {100, 300, 1200}, {300, 300, 1000}};
	int64_t delay_ns = cases[_i].delay_ns, sent_ns = delay_ns + cases[_i].wait_ns;
	struct stats_end end = {
		.was_sent = true, .is_complete = true, .end_ns = START + sent_ns + 1000};
	struct exchange x;

	stats_begin(&stats, &x, START, START + delay_ns, 0);
	send_at(&x, sent_ns);
	x.first_byte_ns = x.done_ns = end.end_ns;
	stats_end(&stats, &x, &end);
	assert_single(STATS_LESS_OURS, cases[_i].less_ours_ns);
}
END_TEST

START_TEST(closed_model_records_service_only)
{
	struct stats_interval *i;

	reopen(false, N_BUFFERS);
	serve(0, 400, 1000);
	assert_single(STATS_SERVICE, 600);
	ck_assert_uint_eq(histogram(STATS_RESPONSE)->count, 0);
	assert_single(STATS_LESS_OURS, 600);
	i = stats_take(&stats, START + SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_uint_eq(i->response.count, 1);
	ck_assert_int_eq(i->response.max, 600);
	assert_balanced();
}
END_TEST

START_TEST(connects_are_recorded)
{
	stats_connected(&stats, 12345);
	assert_single(STATS_CONNECT, 12345);
}
END_TEST

/* ---- the ledger */

START_TEST(every_fault_ends_in_its_class)
{
	enum fault fault = (enum fault)_i;
	enum ledger_class class = fault_table[fault].class;
	bool is_sent = ledger_class_is_sent(class);
	const struct stats_fault *f = &stats.totals.faults[fault];
	struct exchange x = begun(1 * MS);

	if (is_sent)
		send_at(&x, 2 * MS);
	end_at(&x, fault, 5 * MS);
	ck_assert_uint_eq(window()->planned, 1);
	ck_assert_uint_eq(window()->sent, is_sent);
	for (int c = 0; c < LEDGER_CLASS_COUNT; c++)
		ck_assert_uint_eq(window()->classes[c], c == (int)class);
	assert_balanced();
	ck_assert_ptr_null(x.cohort);
	ck_assert_uint_eq(stats.totals.ok_in_window, fault == FAULT_NONE);
	ck_assert_uint_eq(
		stats.totals.completed_in_window, fault == FAULT_NONE || fault == FAULT_STATUS);
	ck_assert_uint_eq(stats.totals.statuses[503], fault == FAULT_STATUS);
	ck_assert_uint_eq(f->count, fault != FAULT_NONE);
	if (fault != FAULT_NONE) {
		ck_assert_int_eq(f->first_ns, 5 * MS);
		ck_assert_int_eq(f->last_ns, 5 * MS);
		ck_assert_str_eq(f->example, fault_table[fault].help);
	}
	if (fault != FAULT_NONE && is_sent)
		assert_single(STATS_FAILED, 4 * MS);
	else
		ck_assert_uint_eq(histogram(STATS_FAILED)->count, 0);
	ck_assert_uint_eq(histogram(STATS_RESPONSE)->count, fault == FAULT_NONE);
}
END_TEST

START_TEST(giving_up_is_unfinished_or_unsent)
{
	struct exchange sent = begun(0);
	struct exchange waiting = begun(1 * SEC);

	send_at(&sent, 0);
	ck_assert_uint_eq(stats.outstanding, 2);
	stats_give_up(&stats, &sent, true, START + 3 * SEC);
	stats_give_up(&stats, &waiting, false, START + 3 * SEC);
	ck_assert_uint_eq(window()->classes[LEDGER_UNFINISHED], 1);
	ck_assert_uint_eq(window()->classes[LEDGER_UNSENT], 1);
	ck_assert_uint_eq(histogram(STATS_UNSERVED_AGE)->count, 2);
	ck_assert_int_eq(histogram(STATS_UNSERVED_AGE)->max, 3 * SEC);
	ck_assert_int_eq(histogram(STATS_UNSERVED_AGE)->min, 2 * SEC);
	assert_balanced();
}
END_TEST

/* The first and the last instant of each phase. */
START_TEST(phases_by_the_planned_instant)
{
	static const struct {
		int64_t planned_ns;
		enum stats_phase phase;
	} cases[] = {{-SEC, STATS_WARMUP}, {-1, STATS_WARMUP}, {0, STATS_WINDOW},
		{10 * SEC - 1, STATS_WINDOW}, {10 * SEC, STATS_COOLDOWN},
		{20 * SEC, STATS_COOLDOWN}};
	struct exchange x = begun(cases[_i].planned_ns);

	ck_assert_uint_eq(x.phase, cases[_i].phase);
	ck_assert_int_eq(x.cohort != NULL, cases[_i].phase == STATS_WINDOW);
	ck_assert_uint_eq(stats.totals.ledgers[cases[_i].phase].planned, 1);
	send_at(&x, cases[_i].planned_ns);
	end_at(&x, FAULT_NONE, cases[_i].planned_ns + 1);
	ck_assert_uint_eq(histogram(STATS_RESPONSE)->count, cases[_i].phase == STATS_WINDOW);
	ck_assert_uint_eq(histogram(STATS_OUR_DELAY)->count, cases[_i].phase == STATS_WINDOW);
	assert_balanced();
}
END_TEST

/* Faults and statuses outside the window are only in the ledger. */
START_TEST(warmup_leaves_no_trace_in_the_figures)
{
	struct exchange x = begun(-2 * SEC);

	send_at(&x, -2 * SEC);
	end_at(&x, FAULT_STATUS, -1 * SEC);
	ck_assert_uint_eq(stats.totals.faults[FAULT_STATUS].count, 0);
	ck_assert_uint_eq(stats.totals.statuses[503], 0);
	ck_assert_int_eq(stats.totals.last_done_ns, 0);
	ck_assert_uint_eq(stats.totals.completed_in_window, 0);
	ck_assert(stats.totals.flight_integral == (double)SEC);
	ck_assert(stats.totals.other_flight_ns == (double)SEC);
	ck_assert_ptr_null(stats_take_any(&stats));
	assert_balanced();
}
END_TEST

/* Throughput belongs to the instant, whatever phase the arrival is of. */
START_TEST(completions_count_by_their_instant)
{
	struct exchange early = begun(-1 * SEC);
	struct exchange late = begun(9 * SEC);
	struct stats_interval *i;

	send_at(&early, -1 * SEC);
	send_at(&late, 9 * SEC);
	end_at(&early, FAULT_NONE, 500 * MS); /* warm-up, answered in the window */
	end_at(&late, FAULT_NONE, 11 * SEC);  /* window, answered after it */
	ck_assert_uint_eq(stats.totals.completed_in_window, 1);
	ck_assert_uint_eq(stats.totals.ok_in_window, 1);
	ck_assert_uint_eq(window()->classes[LEDGER_OK], 1);
	ck_assert_uint_eq(histogram(STATS_RESPONSE)->count, 1);
	i = stats_take_any(&stats);
	ck_assert_ptr_nonnull(i);
	assert_balanced();
}
END_TEST

/* Bytes belong to the instant at which they moved, whatever they are part of. */
START_TEST(bytes_count_by_their_instant)
{
	static const int64_t instants_ns[] = {-SEC, -1, 0, 5 * SEC, 10 * SEC - 1, 10 * SEC};

	for (size_t i = 0; i < sizeof(instants_ns) / sizeof(*instants_ns); i++) {
		stats_wrote(&stats, (size_t)1 << i, START + instants_ns[i]);
		stats_read(&stats, (size_t)100 << i, START + instants_ns[i]);
	}
	ck_assert_uint_eq(stats.totals.bytes_out, 4 + 8 + 16);
	ck_assert_uint_eq(stats.totals.bytes_in, 2800);
	stats_cut_window(&stats, START + 5 * SEC);
	stats_wrote(&stats, 1000, START + 5 * SEC);
	stats_read(&stats, 1, START + 5 * SEC - 1);
	ck_assert_uint_eq(stats.totals.bytes_out, 28);
	ck_assert_uint_eq(stats.totals.bytes_in, 2801);
}
END_TEST

/* Whatever three digits a server sends; a response that broke off is no answer. */
START_TEST(statuses_add_up_to_the_answers)
{
	uint64_t sum = 0;

	for (unsigned status = 0; status < 1000; status++) {
		struct exchange x = begun(status * MS);
		struct stats_end end = {.fault = FAULT_STATUS,
			.was_sent = true,
			.is_complete = true,
			.status = status,
			.slack_ns = -1,
			.end_ns = START + status * MS};

		send_at(&x, status * MS);
		stats_end(&stats, &x, &end);
		x = begun(status * MS);
		send_at(&x, status * MS);
		end.fault = FAULT_CLOSED;
		end.is_complete = false;
		stats_end(&stats, &x, &end);
	}
	for (int i = 0; i < STATS_STATUS_MAX; i++) {
		ck_assert_uint_eq(stats.totals.statuses[i], 1);
		sum += stats.totals.statuses[i];
	}
	ck_assert_uint_eq(sum, window()->classes[LEDGER_HTTP_ERROR]);
	ck_assert_uint_eq(sum, stats.totals.completed_in_window);
	assert_balanced();
}
END_TEST

START_TEST(faults_keep_first_last_and_an_example)
{
	struct exchange a = begun(1 * SEC), b = begun(2 * SEC), c = begun(3 * SEC);
	const struct stats_fault *f = &stats.totals.faults[FAULT_RESET];
	char text[400];
	struct stats_end end = {.fault = FAULT_RESET, .was_sent = true, .example = text};

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	send_at(&a, 1 * SEC);
	send_at(&b, 2 * SEC);
	send_at(&c, 3 * SEC);
	end.end_ns = START + 4 * SEC;
	stats_end(&stats, &b, &end);
	text[0] = 'b';
	end.end_ns = START + 5 * SEC;
	stats_end(&stats, &a, &end);
	end.end_ns = START + 6 * SEC;
	end.example = NULL;
	stats_end(&stats, &c, &end);
	ck_assert_uint_eq(f->count, 3);
	ck_assert_int_eq(f->first_ns, 4 * SEC);
	ck_assert_int_eq(f->last_ns, 6 * SEC);
	ck_assert_uint_eq(strlen(f->example), sizeof(f->example) - 1);
	ck_assert_int_eq(f->example[0], 'a');
	assert_balanced();
}
END_TEST

/* ---- in flight over time */

/* The times of those that are not in the histogram of service times. */
START_TEST(flight_is_the_area_over_the_whole_run)
{
	struct exchange a = begun(-1 * SEC), b = begun(2 * SEC), c = begun(4 * SEC);

	send_at(&a, -1 * SEC);
	send_at(&b, 2 * SEC);
	end_at(&a, FAULT_NONE, 3 * SEC); /* [-1, 3), before the window */
	send_at(&c, 4 * SEC);
	end_at(&b, FAULT_TIMEOUT, 6 * SEC);		   /* [2, 6) */
	stats_give_up(&stats, &c, true, START + 15 * SEC); /* [4, 15) */
	ck_assert(stats.totals.flight_integral == (double)((4 + 4 + 11) * SEC));
	ck_assert(stats.totals.other_flight_ns == stats.totals.flight_integral);
	ck_assert_uint_eq(histogram(STATS_SERVICE)->count, 0);
	assert_balanced();
}
END_TEST

START_TEST(flight_goes_on_where_the_window_is_cut)
{
	struct exchange a = begun(1 * SEC);

	send_at(&a, 1 * SEC);
	stats_cut_window(&stats, START + 4 * SEC);
	stats_cut_window(&stats, START + 8 * SEC); /* never later again */
	end_at(&a, FAULT_NONE, 5 * SEC);
	ck_assert(stats.totals.flight_integral == (double)(4 * SEC));
	ck_assert(stats.totals.other_flight_ns == 0);
	ck_assert_uint_eq(stats.totals.completed_in_window, 0);
	ck_assert_int_eq(stats.window_end_ns, START + 4 * SEC);
	ck_assert_uint_eq(begun(4 * SEC).phase, STATS_COOLDOWN);
	ck_assert_uint_eq(begun(4 * SEC - 1).phase, STATS_WINDOW);
}
END_TEST

/* Little's law over many: the area is the sum of the service times. */
START_TEST(flight_is_the_sum_of_service_times)
{
	struct exchange x[20];
	double sum = 0;

	for (int i = 0; i < 20; i++) {
		x[i] = begun(i * 100 * MS);
		send_at(&x[i], i * 100 * MS + 7);
	}
	for (int i = 0; i < 20; i++) {
		int64_t done_ns = 3 * SEC + i * i * MS;

		end_at(&x[i], FAULT_NONE, done_ns);
		sum += (double)(done_ns - i * 100 * MS - 7);
	}
	ck_assert(stats.totals.flight_integral == sum);
	ck_assert(histogram(STATS_SERVICE)->sum == sum);
	ck_assert(stats.totals.other_flight_ns == 0);
	assert_balanced();
}
END_TEST

/* ---- intervals */

START_TEST(counts_and_latencies_go_to_their_own_intervals)
{
	struct exchange x = begun(500 * MS);
	struct stats_interval *i[3];

	send_at(&x, 1200 * MS);
	end_at(&x, FAULT_NONE, 2700 * MS);
	for (int n = 0; n < 3; n++) {
		i[n] = stats_take(&stats, START + 3 * SEC);
		ck_assert_ptr_nonnull(i[n]);
		ck_assert_int_eq(i[n]->start_ns, n * SEC);
		ck_assert_int_eq(i[n]->width_ns, SEC);
		ck_assert_uint_eq(i[n]->planned, n == 0);
		ck_assert_uint_eq(i[n]->our_delay.count, n == 0);
		ck_assert_uint_eq(i[n]->response.count, n == 0);
		ck_assert_uint_eq(i[n]->sent, n == 1);
		ck_assert_uint_eq(i[n]->completed, n == 2);
		ck_assert_uint_eq(i[n]->ok, n == 2);
		ck_assert_uint_eq(i[n]->failed, 0);
	}
	ck_assert_int_eq(i[0]->response.max, 2200 * MS);
	ck_assert_ptr_null(stats_take(&stats, CLOCK_NEVER));
}
END_TEST

START_TEST(interval_counts_failures)
{
	struct exchange a = begun(0), b = begun(1), c = begun(2);
	struct stats_interval *i;

	send_at(&a, 10);
	end_at(&a, FAULT_STATUS, 20); /* complete, but failed */
	send_at(&b, 10);
	end_at(&b, FAULT_RESET, 20);
	end_at(&c, FAULT_DROPPED, 20);
	i = stats_take(&stats, START + SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_uint_eq(i->planned, 3);
	ck_assert_uint_eq(i->sent, 2);
	ck_assert_uint_eq(i->completed, 1);
	ck_assert_uint_eq(i->ok, 0);
	ck_assert_uint_eq(i->failed, 3);
	ck_assert_uint_eq(i->response.count, 0);
	ck_assert_uint_eq(i->our_delay.count, 3);
}
END_TEST

/* Over for good: its time has passed, and its cohort has ended. */
START_TEST(take_waits_for_floor_and_cohort)
{
	struct exchange slow = begun(100 * MS);
	struct stats_interval *i;

	send_at(&slow, 100 * MS);
	serve(1100 * MS, 1100 * MS, 1200 * MS);
	ck_assert_ptr_null(stats_take(&stats, START + 5 * SEC)); /* the cohort is not complete */
	end_at(&slow, FAULT_NONE, 1300 * MS);
	ck_assert_ptr_null(stats_take(&stats, START + SEC - 1)); /* more may be planned */
	i = stats_take(&stats, START + SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, 0);
	ck_assert_ptr_null(stats_take(&stats, START + 2 * SEC - 1));
	i = stats_take(&stats, START + 2 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, SEC);
	ck_assert_ptr_null(stats_take(&stats, CLOCK_NEVER));
}
END_TEST

/* An old interval that waits holds back the younger ones: they come in order. */
START_TEST(intervals_come_in_order)
{
	struct exchange slow = begun(0);
	int64_t next_ns = 0;
	struct stats_interval *i;

	send_at(&slow, 0);
	for (int n = 1; n < 6; n++)
		serve(n * SEC, n * SEC, n * SEC + 1);
	ck_assert_ptr_null(stats_take(&stats, START + 6 * SEC));
	end_at(&slow, FAULT_TIMEOUT, 5 * SEC);
	while ((i = stats_take(&stats, START + 6 * SEC))) {
		ck_assert_int_eq(i->start_ns, next_ns);
		next_ns += i->width_ns;
	}
	ck_assert_int_eq(next_ns, 6 * SEC);
}
END_TEST

START_TEST(take_any_takes_all_in_order)
{
	struct exchange open = begun(0);
	struct stats_interval *i;

	serve(3 * SEC, 3 * SEC, 3 * SEC);
	for (int n = 0; n < 4; n++) {
		i = stats_take_any(&stats);
		ck_assert_ptr_nonnull(i);
		ck_assert_int_eq(i->start_ns, n * SEC);
	}
	ck_assert_ptr_null(stats_take_any(&stats));
	end_at(&open, FAULT_EXPIRED, 4 * SEC);
}
END_TEST

START_TEST(buffers_come_back_clean)
{
	struct stats_interval *i, *again;

	reopen(true, 2);
	serve(0, 1, 2);
	serve(SEC, SEC, SEC + 1); /* in the other one */
	i = stats_take(&stats, START + SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_uint_eq(i->planned, 1);
	stats_give(&stats, i);
	begun(2 * SEC);
	ck_assert_ptr_nonnull(stats_take(&stats, START + 2 * SEC));
	again = stats_take_any(&stats);
	ck_assert_ptr_eq(again, i);
	ck_assert_int_eq(again->start_ns, 2 * SEC);
	ck_assert_int_eq(again->width_ns, SEC);
	ck_assert_uint_eq(again->planned, 1);
	ck_assert_uint_eq(again->our_delay.count, 1);
	ck_assert_uint_eq(again->response.count, 0);
	ck_assert_uint_eq(again->sent + again->completed + again->ok + again->failed, 0);
}
END_TEST

/* No buffer is free: rows become twice as wide, and neighbours are joined. What is in flight goes
 * with its interval, and no interval has more than its own time. */
START_TEST(rows_become_wider_without_a_free_buffer)
{
	struct exchange first;
	struct stats_interval *i;

	reopen(true, 2);
	first = begun(0);
	send_at(&first, 0);
	for (int n = 1; n < 5; n++)
		serve(n * SEC, n * SEC, n * SEC);
	ck_assert_int_eq(stats.interval_ns, 4 * SEC);
	ck_assert_uint_eq(stats.totals.merged_intervals, 2);
	ck_assert_ptr_null(stats_take(&stats, START + 5 * SEC));
	end_at(&first, FAULT_NONE, 4 * SEC + 1);
	i = stats_take(&stats, START + 4 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, 0);
	ck_assert_int_eq(i->width_ns, 4 * SEC);
	ck_assert_uint_eq(i->planned, 4);
	ck_assert_uint_eq(i->our_delay.count, 4);
	ck_assert_uint_eq(i->response.count, 4);
	ck_assert_uint_eq(i->sent, 4);
	ck_assert_uint_eq(i->completed, 3);
	ck_assert_uint_eq(i->ok, 3);
	ck_assert_ptr_null(stats_take(&stats, START + 8 * SEC - 1));
	stats_give(&stats, i);
	i = stats_take(&stats, START + 8 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, 4 * SEC);
	ck_assert_int_eq(i->width_ns, 4 * SEC);
	ck_assert_uint_eq(i->planned, 1);
	ck_assert_uint_eq(i->sent, 1);
	ck_assert_uint_eq(i->ok, 2);
	assert_balanced();
}
END_TEST

/* Wherever it ends: it is in the interval of its planned instant, after joins too. */
START_TEST(a_joined_cohort_ends_where_it_was_planned)
{
	struct exchange x[8];
	struct stats_interval *i;

	reopen(true, 2);
	for (int n = 0; n < 8; n++) {
		x[n] = begun(n * SEC);
		send_at(&x[n], n * SEC);
	}
	for (int n = 0; n < 8; n++) {
		if (n % 3 == 0)
			stats_give_up(&stats, &x[n], true, START + 8 * SEC);
		else
			end_at(&x[n], n % 3 == 1 ? FAULT_NONE : FAULT_CLOSED, 8 * SEC);
	}
	for (int n = 0; n < 2; n++) {
		i = stats_take_any(&stats);
		ck_assert_ptr_nonnull(i);
		ck_assert_int_eq(i->start_ns, n * 8 * SEC);
		ck_assert_uint_eq(i->pending, 0);
		ck_assert_uint_eq(i->planned, n == 0 ? 8 : 0);
		ck_assert_uint_eq(i->response.count, n == 0 ? 3 : 0);
		ck_assert_uint_eq(i->failed, n == 0 ? 0 : 2);
		ck_assert_uint_eq(i->ok, n == 0 ? 0 : 3);
	}
	ck_assert_ptr_null(stats_take_any(&stats));
	assert_balanced();
}
END_TEST

/* What happens after the window's end is in no interval, as it is in no rate. */
START_TEST(intervals_end_with_the_window)
{
	struct stats_interval *i;

	stats_cut_window(&stats, START + 1500 * MS);
	serve(1200 * MS, 1400 * MS, 1600 * MS);
	serve(1300 * MS, 1501 * MS, 1700 * MS);
	serve(1550 * MS, 1550 * MS, 1560 * MS); /* cooldown */
	serve(2500 * MS, 2500 * MS, 2500 * MS);
	i = stats_take(&stats, START + 3 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, SEC);
	ck_assert_uint_eq(i->planned, 2);
	ck_assert_uint_eq(i->response.count, 2);
	ck_assert_uint_eq(i->sent, 1);
	ck_assert_uint_eq(i->completed + i->ok + i->failed, 0);
	ck_assert_uint_eq(stats.totals.sent_in_window, 1);
	ck_assert_ptr_null(stats_take_any(&stats));
}
END_TEST

/* The last buffer stays until another one comes back, or what happens meanwhile would be in no
 * interval at all. */
START_TEST(the_last_buffer_is_kept)
{
	struct stats_interval *a, *b;

	reopen(true, 2);
	serve(0, 0, 1);
	serve(SEC, SEC, SEC + 1);
	a = stats_take(&stats, START + 5 * SEC);
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_null(stats_take(&stats, START + 5 * SEC));
	serve(5 * SEC, 5 * SEC, 5 * SEC + 1);
	ck_assert_uint_eq(stats.totals.merged_intervals, 0);
	ck_assert_int_eq(stats.interval_ns, 8 * SEC);
	ck_assert_ptr_null(stats_take(&stats, START + 8 * SEC));
	stats_give(&stats, a);
	b = stats_take(&stats, START + 8 * SEC);
	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(b->start_ns, SEC);
	ck_assert_int_eq(b->width_ns, 7 * SEC);
	ck_assert_uint_eq(b->planned, 2);
}
END_TEST

/* A gap without any event is no interval; what comes after it keeps to the grid. */
START_TEST(gaps_are_left_out)
{
	struct stats_interval *i;

	serve(0, 0, 1);
	ck_assert_ptr_nonnull(stats_take(&stats, START + SEC));
	serve(7500 * MS, 7500 * MS, 7500 * MS);
	i = stats_take(&stats, START + 8 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, 7 * SEC);
	ck_assert_int_eq(i->width_ns, SEC);
	ck_assert_uint_eq(stats.totals.merged_intervals, 0);
}
END_TEST

/* Whatever comes after its interval went out, none goes out twice: a broken promise of the floor
 * costs a place, never a second row for the same time. */
START_TEST(no_time_is_handed_over_twice)
{
	struct exchange late;
	struct stats_interval *i;

	serve(1500 * MS, 1500 * MS, 1500 * MS);
	i = stats_take(&stats, START + 2 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, SEC);
	late = begun(1999 * MS);
	ck_assert_ptr_nonnull(late.cohort);
	end_at(&late, FAULT_DROPPED, 2100 * MS);
	i = stats_take(&stats, START + 3 * SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, 2 * SEC);
	ck_assert_uint_eq(i->planned, 1);
	ck_assert_ptr_null(stats_take(&stats, START + 3 * SEC));
	ck_assert_ptr_null(stats_take_any(&stats));
}
END_TEST

/* After a wide one the grid goes on after it, not inside. */
START_TEST(no_overlap_after_a_wide_interval)
{
	struct stats_interval *a, *b;

	reopen(true, 1);
	serve(0, 0, 1);
	serve(3 * SEC, 3 * SEC, 3 * SEC); /* [0, 4) */
	stats_give(&stats, &buffers[1]);
	a = stats_take(&stats, START + 4 * SEC);
	ck_assert_ptr_nonnull(a);
	ck_assert_int_eq(a->width_ns, 4 * SEC);
	serve(2 * SEC, 4 * SEC, 4 * SEC);
	stats_give(&stats, a);
	b = stats_take(&stats, START + 8 * SEC);
	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(b->start_ns, 4 * SEC);
	ck_assert_int_eq(b->width_ns, 4 * SEC);
}
END_TEST

/* Many arrivals in a shuffled life: what was handed over adds up to the totals. */
START_TEST(intervals_add_up_to_the_totals)
{
	enum { N = 500 };
	static struct exchange x[N];
	uint64_t planned = 0, sent = 0, ok = 0, failed = 0, responses = 0;
	int64_t next_ns = 0;
	struct stats_interval *i;

	for (int n = 0; n < N + 50; n++) {
		int64_t now_ns = n * 18 * MS;

		if (n < N) {
			x[n] = begun(now_ns);
			send_at(&x[n], now_ns);
		}
		/* Each third ends late, each fifth badly. */
		if (n >= 50 && (n - 50) % 3 == 0)
			end_at(&x[n - 50], FAULT_NONE, now_ns);
		if (n >= 3 && n - 3 < N && (n - 3) % 3 != 0)
			end_at(&x[n - 3], (n - 3) % 5 ? FAULT_NONE : FAULT_CLOSED, now_ns);
		while ((i = stats_take(&stats, START + now_ns))) {
			ck_assert_int_eq(i->start_ns, next_ns);
			next_ns += i->width_ns;
			planned += i->planned;
			sent += i->sent;
			ok += i->ok;
			failed += i->failed;
			responses += i->response.count;
			stats_give(&stats, i);
		}
	}
	while ((i = stats_take_any(&stats))) {
		planned += i->planned;
		sent += i->sent;
		ok += i->ok;
		failed += i->failed;
		responses += i->response.count;
	}
	ck_assert_uint_eq(planned, N);
	ck_assert_uint_eq(sent, N);
	ck_assert_uint_eq(ok, window()->classes[LEDGER_OK]);
	ck_assert_uint_eq(failed, window()->classes[LEDGER_CONNECTION_ERROR]);
	ck_assert_uint_eq(ok + failed, N);
	ck_assert_uint_eq(responses, ok);
	assert_balanced();
}
END_TEST

/* ---- merging workers */

START_TEST(totals_add_up)
{
	struct stats_totals sum;

	ck_assert_int_eq(stats_totals_init(&sum, 0, 0), 0);
	for (int w = 0; w < 2; w++) {
		struct exchange x = begun(0);

		send_at(&x, w);
		end_at(&x, FAULT_RESET, (5 - w) * SEC);
		serve(1, 1, 2 + w);
		stats.totals.bytes_out = 100;
		stats_totals_add(&sum, &stats.totals);
		reopen(true, N_BUFFERS);
	}
	ck_assert_uint_eq(sum.ledgers[STATS_WINDOW].planned, 4);
	ck_assert_uint_eq(sum.ledgers[STATS_WINDOW].classes[LEDGER_OK], 2);
	ck_assert(ledger_balances(&sum.ledgers[STATS_WINDOW]));
	ck_assert_uint_eq(sum.faults[FAULT_RESET].count, 2);
	ck_assert_int_eq(sum.faults[FAULT_RESET].first_ns, 4 * SEC);
	ck_assert_int_eq(sum.faults[FAULT_RESET].last_ns, 5 * SEC);
	ck_assert_uint_eq(sum.histograms[STATS_RESPONSE].count, 2);
	ck_assert_int_eq(sum.histograms[STATS_RESPONSE].max, 2);
	ck_assert_uint_eq(sum.statuses[200], 2);
	ck_assert_uint_eq(sum.bytes_out, 200);
	ck_assert_uint_eq(sum.completed_in_window, 2);
	ck_assert_int_eq(sum.last_done_ns, START + 5 * SEC);
	stats_totals_fini(&sum);
}
END_TEST

START_TEST(names_are_all_there)
{
	ck_assert_ptr_nonnull(stats_histogram_names[_i]);
	ck_assert_uint_gt(strlen(stats_histogram_names[_i]), 0);
}
END_TEST

/* ---- the slowest */

START_TEST(slowest_are_kept)
{
	struct slow sorted[SLOWEST_MAX];
	struct exchange x;

	for (int64_t i = 0; i < 100; i++)
		serve(i * MS, i * MS, (i + 5 + i % 50) * MS);
	x = begun(3 * MS);
	send_at(&x, 4 * MS);
	end_at(&x, FAULT_STATUS, 10 * MS);
	x = begun(3 * MS);
	end_at(&x, FAULT_DROPPED, 3 * MS); /* was not sent: its time is not the server's */
	x = begun(7 * MS);
	send_at(&x, 8 * MS);
	stats_give_up(&stats, &x, true, START + 500 * MS);
	ck_assert_uint_eq(slowest_sorted(&stats.totals.slowest_ok, sorted), SLOWEST_MAX);
	for (int i = 0; i < SLOWEST_MAX; i++) {
		ck_assert_int_eq(sorted[i].ns, (54 - i / 2) * MS);
		ck_assert_int_eq(sorted[i].at_ns, (49 - i / 2 + i % 2 * 50) * MS);
		ck_assert_uint_eq(sorted[i].status, 200);
		ck_assert_uint_eq(sorted[i].class, LEDGER_OK);
	}
	ck_assert_uint_eq(slowest_sorted(&stats.totals.slowest_failed, sorted), 2);
	ck_assert_uint_eq(sorted[0].class, LEDGER_UNFINISHED);
	ck_assert_int_eq(sorted[0].ns, 493 * MS);
	ck_assert_uint_eq(sorted[1].class, LEDGER_HTTP_ERROR);
	ck_assert_uint_eq(sorted[1].status, 503);
	ck_assert_int_eq(sorted[1].ns, 7 * MS);
}
END_TEST

/* A pause before the window: it begins when the pause is over. */
START_TEST(window_moves_before_it_begins)
{
	stats_move_window(&stats, CLOCK_NEVER, CLOCK_NEVER);
	serve(SEC, SEC, 2 * SEC); /* the old window's, and no window's now */
	stats_move_window(&stats, START + 5 * SEC, START + 15 * SEC);
	serve(4 * SEC, 4 * SEC, 4 * SEC + MS);
	serve(5 * SEC, 5 * SEC, 5 * SEC + MS);
	serve(15 * SEC, 15 * SEC, 15 * SEC + MS);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_WARMUP].planned, 2);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_WINDOW].planned, 1);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_COOLDOWN].planned, 1);
	ck_assert_uint_eq(stats.totals.completed_in_window, 1);
	ck_assert_double_eq_tol(stats.totals.flight_integral, (double)(SEC + 3 * MS), 1);
}
END_TEST

/* The end moves both ways; a start that has been reached stays, since intervals count from it. */
START_TEST(window_moves_while_it_goes_on)
{
	struct stats_interval *i;

	serve(SEC / 2, SEC / 2, SEC / 2);
	stats_move_window(&stats, START + 3 * SEC, START + 20 * SEC);
	ck_assert_int_eq(stats.window_start_ns, START);
	serve(5 * SEC, 5 * SEC, 5 * SEC);
	stats_move_window(&stats, START, START + 6 * SEC);
	serve(7 * SEC, 7 * SEC, 7 * SEC);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_WINDOW].planned, 2);
	ck_assert_uint_eq(stats.totals.ledgers[STATS_COOLDOWN].planned, 1);
	i = stats_take(&stats, START + SEC);
	ck_assert_ptr_nonnull(i);
	ck_assert_int_eq(i->start_ns, 0);
	ck_assert_uint_eq(i->planned, 1);
	stats_give(&stats, i);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, window_moves_before_it_begins);
	tcase_add_test(t, window_moves_while_it_goes_on);
	tcase_add_test(t, durations_are_exact);
	tcase_add_loop_test(t, less_ours_is_never_negative, 0, 5);
	tcase_add_loop_test(t, less_ours_is_without_the_wait_of_late_arrivals, 0, 4);
	tcase_add_test(t, closed_model_records_service_only);
	tcase_add_test(t, connects_are_recorded);
	tcase_add_loop_test(t, every_fault_ends_in_its_class, 0, FAULT_COUNT);
	tcase_add_test(t, giving_up_is_unfinished_or_unsent);
	tcase_add_loop_test(t, phases_by_the_planned_instant, 0, 6);
	tcase_add_test(t, warmup_leaves_no_trace_in_the_figures);
	tcase_add_test(t, completions_count_by_their_instant);
	tcase_add_test(t, bytes_count_by_their_instant);
	tcase_add_test(t, statuses_add_up_to_the_answers);
	tcase_add_test(t, faults_keep_first_last_and_an_example);
	tcase_add_test(t, flight_is_the_area_over_the_whole_run);
	tcase_add_test(t, flight_goes_on_where_the_window_is_cut);
	tcase_add_test(t, flight_is_the_sum_of_service_times);
	tcase_add_test(t, counts_and_latencies_go_to_their_own_intervals);
	tcase_add_test(t, interval_counts_failures);
	tcase_add_test(t, take_waits_for_floor_and_cohort);
	tcase_add_test(t, intervals_come_in_order);
	tcase_add_test(t, take_any_takes_all_in_order);
	tcase_add_test(t, buffers_come_back_clean);
	tcase_add_test(t, rows_become_wider_without_a_free_buffer);
	tcase_add_test(t, a_joined_cohort_ends_where_it_was_planned);
	tcase_add_test(t, intervals_end_with_the_window);
	tcase_add_test(t, the_last_buffer_is_kept);
	tcase_add_test(t, gaps_are_left_out);
	tcase_add_test(t, no_time_is_handed_over_twice);
	tcase_add_test(t, no_overlap_after_a_wide_interval);
	tcase_add_test(t, intervals_add_up_to_the_totals);
	tcase_add_test(t, totals_add_up);
	tcase_add_test(t, slowest_are_kept);
	tcase_add_loop_test(t, names_are_all_there, 0, STATS_HISTOGRAM_COUNT);
}

int main(void)
{
	Suite *s = suite_create("stats");
	TCase *t = tcase_create("stats");

	tcase_add_checked_fixture(t, setup, teardown);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
