/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread and a worker keep for the audit: the kernel's account of the thread, and the
 * worker's own of its arrivals. */
#include "daemon/engine/gauge.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/engine/stats.h"
#include "tests/support/suite.h"

static const struct {
	const char *text;
	int64_t run_queue_ns;
} texts[] = {
	{"1830945 2622268 17\n", 2622268},
	{"1830945 0 1\n", 0},
	{"0 0 1\n", 0},
	{"0 0 0\n", -1}, /* a kernel that does not count */
	{"", -1},
	{"12 34\n", -1},
	{"nonsense", -1},
	{"1 18446744073709551615 1\n", -1},
};

START_TEST(texts_of_schedstat)
{
	ck_assert_int_eq(gauge_parse_run_queue(texts[_i].text), texts[_i].run_queue_ns);
}
END_TEST

START_TEST(this_thread)
{
	struct gauge before, after;
	int first = dup(0), second;

	(void)close(first);
	gauge_read(&before);
	for (int i = 0; i < 50; i++)
		(void)usleep(0); /* gives the CPU away, so somebody counts */
	gauge_read(&after);
	if (access("/proc/thread-self/schedstat", R_OK) == -1)
		ck_assert_int_eq(after.run_queue_ns, -1);
	ck_assert_int_ge(before.involuntary, 0);
	ck_assert_int_ge(after.involuntary, before.involuntary);
	ck_assert_int_ge(after.run_queue_ns, before.run_queue_ns);
	/* No descriptor is kept. */
	second = dup(0);
	(void)close(second);
	ck_assert_int_eq(first, second);
}
END_TEST

/* ---------------------------------------------------------------- the ledger on the way */

static struct stats stats;
static struct stats_interval buffer;

static void setup(void)
{
	ck_assert_int_eq(stats_init(&stats, true, NSEC_PER_SEC, 0, 0), 0);
	ck_assert_int_eq(stats_interval_init(&buffer), 0);
	stats_set_window(&stats, 10, NSEC_PER_SEC);
	stats_give(&stats, &buffer);
}

static void teardown(void)
{
	stats_fini(&stats);
	stats_interval_fini(&buffer);
}

START_TEST(the_ledger_is_right_at_any_time)
{
	struct exchange x[3];
	struct stats_end good = {
		.was_sent = true, .is_complete = true, .status = 200, .slack_ns = -1, .end_ns = 90};
	struct stats_end dropped = {.fault = FAULT_DROPPED, .slack_ns = -1, .end_ns = 80};

	ck_assert(stats_balances(&stats));
	for (int i = 0; i < 3; i++) {
		/* the first lies before the window */
		stats_begin(&stats, &x[i], 5 + 10 * i, 5 + 10 * i, 0);
		ck_assert(stats_balances(&stats));
	}
	for (int i = 0; i < 2; i++) {
		x[i].sent_ns = x[i].sent_all_ns = 50;
		stats_sent(&stats, &x[i]);
		ck_assert(stats_balances(&stats));
	}
	x[0].first_byte_ns = x[0].done_ns = 90;
	stats_end(&stats, &x[0], &good);
	ck_assert(stats_balances(&stats));
	stats_end(&stats, &x[2], &dropped);
	ck_assert(stats_balances(&stats));
	stats_give_up(&stats, &x[1], true, 100);
	ck_assert(stats_balances(&stats));
	ck_assert_uint_eq(stats.outstanding, 0);
}
END_TEST

/* Whatever is wrong by one is seen, while an arrival is waiting and one in flight. */
START_TEST(an_arrival_that_is_lost_is_seen)
{
	struct exchange x[2];
	struct ledger *l = &stats.totals.ledgers[STATS_WINDOW];
	uint64_t *const figures[] = {
		&l->planned,
		&l->sent,
		&l->classes[LEDGER_OK],
		&l->classes[LEDGER_DROPPED],
		&l->classes[LEDGER_UNFINISHED],
		&stats.totals.ledgers[STATS_COOLDOWN].planned,
		&stats.totals.ledgers[STATS_WARMUP].classes[LEDGER_TIMEOUT],
		&stats.outstanding,
		&stats.in_flight,
	};

	stats_begin(&stats, &x[0], 20, 20, 0);
	stats_begin(&stats, &x[1], 30, 30, 0);
	x[0].sent_ns = x[0].sent_all_ns = 40;
	stats_sent(&stats, &x[0]);
	ck_assert(stats_balances(&stats));
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		for (int by = -1; by <= 1; by += 2) {
			*figures[i] += (uint64_t)by;
			ck_assert_msg(!stats_balances(&stats), "figure %zu by %d", i, by);
			*figures[i] -= (uint64_t)by;
		}
	}
	ck_assert(stats_balances(&stats));
}
END_TEST

#define MS INT64_C(1000000)

/* Beats of 20 ms. */
static const struct {
	struct gauge_beat beat;
	int64_t want_ns;
} beats[] = {
	{{0, 0, 0}, 0},
	/* a wake-up on a quiet machine */
	{{6 * MS, 0, 0}, 0},
	/* stopped, at some instant of the 20 ms before */
	{{40 * MS, 0, 0}, 50 * MS},
	{{40 * MS, 15 * MS, 0}, 50 * MS},
	/* ready all the time, and another program had the CPU */
	{{40 * MS, MS, 40 * MS}, 0},
	{{40 * MS, MS, 35 * MS}, 0},
	{{40 * MS, MS, 10 * MS}, 40 * MS},
	/* a turn of the loop that took as long */
	{{40 * MS, 60 * MS, 0}, 0},
	{{90 * MS, 60 * MS, 0}, 60 * MS},
};

START_TEST(a_late_beat_shows_a_stop)
{
	ck_assert_int_eq(gauge_stopped_ns(&beats[_i].beat, 20 * MS), beats[_i].want_ns);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gauge");
	TCase *t = tcase_create("thread");
	TCase *ledger = tcase_create("ledger");

	tcase_add_loop_test(t, texts_of_schedstat, 0, (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_test(t, this_thread);
	tcase_add_loop_test(
		t, a_late_beat_shows_a_stop, 0, (int)(sizeof(beats) / sizeof(beats[0])));
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(ledger, setup, teardown);
	tcase_add_test(ledger, the_ledger_is_right_at_any_time);
	tcase_add_test(ledger, an_arrival_that_is_lost_is_seen);
	suite_add_tcase(s, ledger);
	return suite_main(s);
}
