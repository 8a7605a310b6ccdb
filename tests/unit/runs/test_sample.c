/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of the live view: whole before they are shown, and never waited for without end. */
#include "daemon/runs/sample.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "daemon/engine/worker.h"
#include "tests/support/suite.h"

#define T0 (1000 * NSEC_PER_SEC)
#define SECOND NSEC_PER_SEC

static struct sample sample;
static struct worker_pulse pulses[2];
static unsigned late;

static void setup(void)
{
	sample_start(&sample, T0);
	pulses[0] = pulses[1] = (struct worker_pulse){0};
	late = 99;
}

/* Worker w has sent so many, at this second. */
static enum sample_news report(unsigned w, int64_t second, uint64_t sent)
{
	pulses[w].due_ns = second == CLOCK_NEVER ? CLOCK_NEVER : T0 + second * SECOND;
	pulses[w].ledger = (struct ledger){.planned = sent, .sent = sent};
	return sample_take(&sample, pulses, 2, SECOND, &late);
}

static uint64_t newest_sent(void)
{
	return sample.ledger.sent - sample.before.sent;
}

/* Whichever worker is first: one report makes no sample. */
START_TEST(a_sample_has_all_workers)
{
	ck_assert_int_eq(report(_i, 1, 50), SAMPLE_NOTHING);
	ck_assert_int_eq(sample.width_ns, 0);
	ck_assert_int_eq(report(!_i, 1, 51), SAMPLE_WHOLE);
	ck_assert_uint_eq(newest_sent(), 101);
	ck_assert_int_eq(sample.width_ns, SECOND);
	ck_assert_int_eq(report(!_i, 2, 101), SAMPLE_NOTHING);
	ck_assert_int_eq(report(_i, 2, 100), SAMPLE_WHOLE);
	ck_assert_uint_eq(newest_sent(), 100);
	ck_assert_int_eq(sample.width_ns, SECOND);
}
END_TEST

/* The other's two intervals count as two. */
START_TEST(an_instant_left_out_makes_the_sample_wider)
{
	(void)report(0, 1, 50);
	ck_assert_int_eq(report(0, 2, 100), SAMPLE_NOTHING);
	ck_assert_int_eq(report(1, 2, 100), SAMPLE_WHOLE);
	ck_assert_uint_eq(newest_sent(), 200);
	ck_assert_int_eq(sample.width_ns, 2 * SECOND);
}
END_TEST

/* Samples are made again, and when it reports, what it did is in one of them. */
START_TEST(a_worker_that_does_not_report_holds_nothing_up_for_long)
{
	(void)report(0, 1, 50);
	(void)report(1, 1, 50);
	ck_assert_int_eq(report(0, 2, 100), SAMPLE_NOTHING);
	ck_assert_int_eq(report(0, 3, 150), SAMPLE_NOTHING);
	ck_assert_int_eq(report(0, 4, 200), SAMPLE_LACKING);
	ck_assert_uint_eq(late, 1);
	ck_assert_uint_eq(newest_sent(), 150);
	ck_assert_int_eq(sample.width_ns, 3 * SECOND);
	/* Its old report is of an instant that has been shown. */
	ck_assert_int_eq(report(1, 3, 120), SAMPLE_NOTHING);
	ck_assert_int_eq(report(1, 5, 250), SAMPLE_NOTHING);
	ck_assert_int_eq(report(0, 5, 250), SAMPLE_WHOLE);
	ck_assert_uint_eq(newest_sent(), 250);
	ck_assert_uint_eq(sample.ledger.sent, 500);
}
END_TEST

START_TEST(a_worker_that_has_ended_is_not_awaited)
{
	(void)report(0, 1, 50);
	(void)report(1, 1, 50);
	(void)report(0, 2, 100);
	ck_assert_int_eq(report(1, CLOCK_NEVER, 70), SAMPLE_WHOLE);
	ck_assert_uint_eq(newest_sent(), 70);
	ck_assert_int_eq(report(0, 3, 150), SAMPLE_WHOLE);
	ck_assert_uint_eq(newest_sent(), 50);
}
END_TEST

/* Before it goes, and when the last one has ended, there is nothing to sum up. */
START_TEST(without_a_worker_there_is_no_sample)
{
	ck_assert_int_eq(report(0, CLOCK_NEVER, 0), SAMPLE_NOTHING);
	ck_assert_int_eq(report(1, CLOCK_NEVER, 0), SAMPLE_NOTHING);
	ck_assert_int_eq(sample.width_ns, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sample");
	TCase *t = tcase_create("sample");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, a_sample_has_all_workers, 0, 2);
	tcase_add_test(t, an_instant_left_out_makes_the_sample_wider);
	tcase_add_test(t, a_worker_that_does_not_report_holds_nothing_up_for_long);
	tcase_add_test(t, a_worker_that_has_ended_is_not_awaited);
	tcase_add_test(t, without_a_worker_there_is_no_sample);
	suite_add_tcase(s, t);
	return suite_main(s);
}
