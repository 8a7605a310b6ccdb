/* SPDX-License-Identifier: Apache-2.0 */
/* The one server and its dice, on a clock of our own: single jobs to the nanosecond, and the laws
 * of queueing for many. */
#include "daemon/origin/origin_timing.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/settings/settings_origin.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct origin_server server;
static struct origin_job jobs[4];

static void setup(void)
{
	origin_server_init(&server);
	for (int i = 0; i < LEN(jobs); i++)
		origin_job_init(&jobs[i]);
}

START_TEST(jobs_follow_each_other)
{
	ck_assert_int_eq(origin_server_due_ns(&server), CLOCK_NEVER);
	ck_assert_ptr_null(origin_server_take(&server, CLOCK_NEVER));
	ck_assert(origin_server_add(&server, &jobs[0], 100, 10));
	ck_assert(!origin_server_add(&server, &jobs[1], 103, 5));
	ck_assert(!origin_server_add(&server, &jobs[2], 200, 7));
	ck_assert_int_eq(origin_server_due_ns(&server), 110);
	ck_assert_ptr_null(origin_server_take(&server, 109));
	/* However late one looks. */
	ck_assert_ptr_eq(origin_server_take(&server, 150), &jobs[0]);
	ck_assert_int_eq(origin_server_due_ns(&server), 115);
	ck_assert_ptr_eq(origin_server_take(&server, 150), &jobs[1]);
	ck_assert_int_eq(origin_server_due_ns(&server), 207);
	ck_assert_ptr_eq(origin_server_take(&server, 207), &jobs[2]);
	ck_assert_int_eq(origin_server_due_ns(&server), CLOCK_NEVER);
	ck_assert_ptr_null(origin_server_first(&server));
	ck_assert(origin_server_add(&server, &jobs[0], 300, 1));
	ck_assert_int_eq(origin_server_due_ns(&server), 301);
}
END_TEST

START_TEST(who_is_gone_is_not_served)
{
	for (int i = 0; i < 3; i++)
		(void)origin_server_add(&server, &jobs[i], 100, 10);
	origin_server_drop(&server, &jobs[1], 103);
	ck_assert_int_eq(origin_server_due_ns(&server), 110);
	origin_server_drop(&server, &jobs[0], 104); /* in the midst of its service */
	ck_assert_ptr_eq(origin_server_first(&server), &jobs[2]);
	ck_assert_int_eq(origin_server_due_ns(&server), 114);
	origin_server_drop(&server, &jobs[1], 105); /* nothing */
	ck_assert_int_eq(origin_server_due_ns(&server), 114);
	origin_server_drop(&server, &jobs[2], 105);
	ck_assert_int_eq(origin_server_due_ns(&server), CLOCK_NEVER);
	ck_assert(origin_server_add(&server, &jobs[1], 106, 1));
}
END_TEST

START_TEST(a_stall_moves_what_is_at_work)
{
	origin_server_shift(&server, 1000);
	ck_assert_int_eq(origin_server_due_ns(&server), CLOCK_NEVER);
	(void)origin_server_add(&server, &jobs[0], 100, 10);
	(void)origin_server_add(&server, &jobs[1], 100, 10);
	origin_server_shift(&server, 1000);
	ck_assert_ptr_null(origin_server_take(&server, 1109));
	ck_assert_ptr_eq(origin_server_take(&server, 1110), &jobs[0]);
	ck_assert_ptr_eq(origin_server_take(&server, 1120), &jobs[1]);
}
END_TEST

START_TEST(the_longest_job_does_not_overflow)
{
	(void)origin_server_add(&server, &jobs[0], INT64_MAX / 2 + 5, INT64_MAX / 2 + 5);
	ck_assert_ptr_null(origin_server_take(&server, INT64_MAX / 2));
	origin_server_shift(&server, 1000);
	ck_assert_int_gt(origin_server_due_ns(&server), INT64_MAX / 2);
}
END_TEST

/* ---- laws */

#define N_JOBS 400000

static const struct law {
	bool poisson; /* arrivals; else even */
	enum settings_delay_kind service;
	double rho;
	double mean_ms; /* of the response time, for a service of 1 ms */
} laws[] = {
	{false, SETTINGS_DELAY_FIXED, 0.8, 1},
	{true, SETTINGS_DELAY_FIXED, 0.5, 1.5}, /* s + rho s / (2 (1 - rho)) */
	{true, SETTINGS_DELAY_FIXED, 0.8, 3},
	{true, SETTINGS_DELAY_EXPONENTIAL, 0.5, 2}, /* s / (1 - rho) */
	{true, SETTINGS_DELAY_EXPONENTIAL, 0.8, 5},
};

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Jobs as they come, each looked at only when the next one comes. */
static void simulate(const struct law *law, int64_t *response_ns)
{
	static struct origin_job many[N_JOBS];
	static int64_t arrivals_ns[N_JOBS];
	struct settings_delay gap = {
		.kind = law->poisson ? SETTINGS_DELAY_EXPONENTIAL : SETTINGS_DELAY_FIXED,
		.ns = (int64_t)((double)MS / law->rho)};
	struct settings_delay service = {.kind = law->service, .ns = MS};
	struct origin_dice arrivals;
	struct origin_dice services;
	int64_t now_ns = 0;

	origin_dice_init(&arrivals, 1);
	origin_dice_init(&services, 2);
	for (int i = 0; i <= N_JOBS; i++) {
		struct origin_job *job;

		now_ns = i < N_JOBS ? now_ns + origin_dice_delay(&arrivals, &gap) : INT64_MAX / 2;
		for (;;) {
			int64_t due_ns = origin_server_due_ns(&server);

			job = origin_server_take(&server, now_ns);
			if (!job)
				break;
			response_ns[job - many] = due_ns - arrivals_ns[job - many];
		}
		if (i == N_JOBS)
			break;
		arrivals_ns[i] = now_ns;
		(void)origin_server_add(
			&server, &many[i], now_ns, origin_dice_delay(&services, &service));
	}
}

START_TEST(queues_obey_their_laws)
{
	static int64_t response_ns[N_JOBS];
	const struct law *law = &laws[_i];
	double sum = 0;

	simulate(law, response_ns);
	for (int i = 0; i < N_JOBS; i++)
		sum += (double)response_ns[i];
	ck_assert_double_eq_tol(sum / N_JOBS / (double)MS, law->mean_ms, 0.05 * law->mean_ms);
	if (!law->poisson) {
		for (int i = 0; i < N_JOBS; i++)
			if (response_ns[i] != MS)
				ck_abort_msg("job %d took %ld", i, (long)response_ns[i]);
	}
	if (law->poisson && law->service == SETTINGS_DELAY_EXPONENTIAL) {
		double p99_ms;

		qsort(response_ns, N_JOBS, sizeof(*response_ns), compare);
		p99_ms = (double)response_ns[N_JOBS / 100 * 99] / (double)MS;
		ck_assert_double_eq_tol(
			p99_ms, log(100) / (1 - law->rho), 0.1 * log(100) / (1 - law->rho));
	}
}
END_TEST

/* ---- dice */

START_TEST(mixtures_have_their_shares)
{
	const struct settings_delays mixture = {
		.parts = {{0.5, {SETTINGS_DELAY_FIXED, 10}}, {0.7, {SETTINGS_DELAY_FIXED, 20}},
			{0.9, {SETTINGS_DELAY_EXPONENTIAL, 1000000}}},
		.n = 3,
	};
	enum { N = 100000 };
	struct origin_dice d;
	int ten = 0;
	int twenty = 0;
	int none = 0;

	origin_dice_init(&d, 5);
	for (int i = 0; i < N; i++) {
		int64_t ns = origin_dice_mixture(&d, &mixture);

		ten += ns == 10;
		twenty += ns == 20;
		none += ns == 0;
	}
	ck_assert_int_le(abs(ten - N / 2), 500); /* 3 sigma */
	ck_assert_int_le(abs(twenty - N / 5), 400);
	ck_assert_int_le(abs(none - N / 10), 300);
}
END_TEST

START_TEST(certain_things_throw_no_dice)
{
	const struct settings_delays fixed = {.parts = {{1, {SETTINGS_DELAY_FIXED, 10}}}, .n = 1};
	const struct settings_delays none = {.n = 0};
	struct origin_dice one;
	struct origin_dice other;

	origin_dice_init(&one, 5);
	origin_dice_init(&other, 5);
	ck_assert_int_eq(origin_dice_mixture(&one, &fixed), 10);
	ck_assert_int_eq(origin_dice_mixture(&one, &none), 0);
	ck_assert(!origin_dice_hits(&one, 0));
	ck_assert_double_eq(origin_dice_throw(&one), origin_dice_throw(&other));
	ck_assert(origin_dice_hits(&one, 1));
	origin_dice_init(&other, 6);
	ck_assert_double_ne(origin_dice_throw(&one), origin_dice_throw(&other));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_server");
	TCase *tcase = tcase_create("origin_server");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, jobs_follow_each_other);
	tcase_add_test(tcase, who_is_gone_is_not_served);
	tcase_add_test(tcase, a_stall_moves_what_is_at_work);
	tcase_add_test(tcase, the_longest_job_does_not_overflow);
	tcase_add_loop_test(tcase, queues_obey_their_laws, 0, LEN(laws));
	tcase_add_test(tcase, mixtures_have_their_shares);
	tcase_add_test(tcase, certain_things_throw_no_dice);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
