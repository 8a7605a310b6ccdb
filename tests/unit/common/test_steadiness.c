/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of steadiness, before queues that are steady or not by construction: every sick one
 * is caught, and of hundreds of healthy ones none is accused. */
#include "common/stats/steadiness.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/chance.h"
#include "tests/support/suite.h"

#define SEC INT64_C(1000000000)
#define ROWS_MAX 600
#define ROW_SAMPLES_MAX 4000

static double exponential(double mean)
{
	return -log(uniform()) * mean;
}

static struct steadiness_row rows[ROWS_MAX];

/* What the server does to a service time at an instant of the run, in seconds. */
typedef double (*change_fn)(double t, double service_s);

static double no_change(double t, double service_s)
{
	(void)t;
	return service_s;
}

static double leak(double t, double service_s)
{
	return service_s * (1 + 0.01 * t);
}

static double slow_start(double t, double service_s)
{
	return t < 5 ? service_s * 3 : service_s;
}

static double slow_step(double t, double service_s)
{
	return t < 20 ? service_s : service_s * 1.5;
}

/* A stop of one second every ten: nothing ends in it. */
static double stalls(double t, double service_s)
{
	return fmod(t, 10) < 1 ? service_s + 1 - fmod(t, 10) : service_s;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A queue with one server before which arrivals come at random, for so many rows of a second. */
static void simulate(size_t n_rows, double rate, double service_s, change_fn change)
{
	static double samples[ROW_SAMPLES_MAX];
	double t = exponential(1 / rate), free_at = 0;

	for (size_t r = 0; r < n_rows; r++) {
		size_t n = 0;
		double sum = 0;

		for (; t < (double)(r + 1); t += exponential(1 / rate)) {
			double begins = t > free_at ? t : free_at;

			free_at = begins + change(begins, exponential(service_s));
			if (n < ROW_SAMPLES_MAX)
				samples[n++] = (free_at - t) * 1e9;
			sum += (free_at - t) * 1e9;
		}
		ck_assert_uint_gt(n, 0);
		qsort(samples, n, sizeof(*samples), compare);
		rows[r] = (struct steadiness_row){.n = n,
			.mean_ns = sum / (double)n,
			.p50_ns = samples[n / 2],
			.in_flight = free_at > (double)(r + 1)
					     ? (free_at - (double)(r + 1)) / service_s
					     : 0};
	}
}

/* Answers that do not depend on each other, in rows of a second; at random instants everything
 * stands still for 50 to 300 ms: stop_rate a second. */
static void simulate_stops(size_t n_rows, double rate, double service_s, double stop_rate)
{
	static double samples[ROW_SAMPLES_MAX];
	double t = exponential(1 / rate), stop = exponential(1 / stop_rate), length = 0.1;

	for (size_t r = 0; r < n_rows; r++) {
		size_t n = 0;
		double sum = 0;

		for (; t < (double)(r + 1); t += exponential(1 / rate)) {
			double response_s = exponential(service_s);

			while (stop + length < t) {
				stop += length + exponential(1 / stop_rate);
				length = 0.05 + 0.25 * uniform();
			}
			if (t >= stop)
				response_s += stop + length - t;
			samples[n++] = response_s * 1e9;
			sum += response_s * 1e9;
		}
		ck_assert_uint_gt(n, 0);
		qsort(samples, n, sizeof(*samples), compare);
		rows[r] = (struct steadiness_row){
			.n = n, .mean_ns = sum / (double)n, .p50_ns = samples[n / 2]};
	}
}

/* Answers that depend on each other for seconds: a level that wanders around its mean, by so much,
 * and forgets a tenth of where it is with each row of a second. */
static void simulate_wander(size_t n_rows, double rate, double service_s, double by)
{
	static double samples[ROW_SAMPLES_MAX];
	double level = by * (uniform() + uniform() + uniform() - 1.5) * 2;

	for (size_t r = 0; r < n_rows; r++) {
		size_t n = (size_t)rate;
		double sum = 0;

		level = 0.9 * level +
			sqrt(1 - 0.81) * by * (uniform() + uniform() + uniform() - 1.5) * 2;
		for (size_t i = 0; i < n; i++) {
			samples[i] = exponential(service_s) * exp(level) * 1e9;
			sum += samples[i];
		}
		qsort(samples, n, sizeof(*samples), compare);
		rows[r] = (struct steadiness_row){
			.n = n, .mean_ns = sum / (double)n, .p50_ns = samples[n / 2]};
	}
}

static enum steadiness_word judge(size_t n_rows, struct steadiness *ret)
{
	steadiness_judge(rows, n_rows, SEC, true, ret);
	return ret->word;
}

static const struct {
	size_t n_rows;
	double load;
} healthy[] = {{10, 0.3}, {10, 0.7}, {30, 0.3}, {30, 0.7}, {60, 0.5}, {60, 0.7}, {120, 0.7},
	{300, 0.7}, {600, 0.5}};

START_TEST(healthy_servers_are_steady)
{
	struct steadiness s;

	state = 1000 + (uint64_t)_i;
	for (int run = 0; run < 40; run++) {
		simulate(healthy[_i].n_rows, 200, healthy[_i].load / 200, no_change);
		ck_assert_msg(judge(healthy[_i].n_rows, &s) == STEADINESS_STEADY, "run %d: %s, %s",
			run, steadiness_words[s.word], s.because);
		ck_assert_str_eq(s.because, "");
	}
}
END_TEST

START_TEST(stalls_that_come_again_are_a_steady_state)
{
	struct steadiness s;

	state = 7;
	for (int run = 0; run < 50; run++) {
		simulate(60, 100, 0.0002, stalls);
		ck_assert_msg(judge(60, &s) == STEADINESS_STEADY, "run %d: %s", run, s.because);
	}
}
END_TEST

#define STATIONARY_RUNS 1000

static const struct {
	size_t n_rows;
	double rate, service_s;
	double stop_rate; /* 0: a queue with one server */
	double wander;	  /* by which the level does; 0: answers as above */
} stationary[] = {
	{12, 100, 0.001, 0.02, 0},
	{12, 100, 0.005, 0.1, 0},
	{12, 100, 0.001, 0.3, 0},
	{30, 100, 0.001, 0.02, 0},
	{30, 100, 0.005, 0.1, 0},
	{30, 100, 0.02, 0.1, 0},
	{60, 100, 0.005, 0.05, 0},
	{12, 25, 0.02, 0, 0},
	{30, 25, 0.02, 0, 0},
	{12, 35, 0.02, 0, 0},
	{30, 35, 0.02, 0, 0},
	{60, 35, 0.02, 0, 0},
	{30, 45, 0.02, 0, 0},
	{60, 45, 0.02, 0, 0},
	{12, 100, 0.005, 0, 0.1},
	{30, 100, 0.005, 0, 0.1},
	{60, 100, 0.005, 0, 0.2},
};

/* A stop somewhere in the first half is not the end of a warm-up, nor is a level that wanders. Of
 * so many runs that were in one state all the time, one in twenty may be accused. */
START_TEST(a_stationary_run_lacks_no_warmup)
{
	size_t n_rows = stationary[_i].n_rows;
	struct steadiness s;
	int n = 0;

	state = 100 + (uint64_t)_i;
	for (int run = 0; run < STATIONARY_RUNS; run++) {
		if (stationary[_i].wander > 0)
			simulate_wander(n_rows, stationary[_i].rate, stationary[_i].service_s,
				stationary[_i].wander);
		else if (stationary[_i].stop_rate > 0)
			simulate_stops(n_rows, stationary[_i].rate, stationary[_i].service_s,
				stationary[_i].stop_rate);
		else
			simulate(n_rows, stationary[_i].rate, stationary[_i].service_s, no_change);
		n += judge(n_rows, &s) == STEADINESS_WARMUP_SHORT;
	}
	ck_assert_msg(20 * n <= STATIONARY_RUNS, "%d of %d runs", n, STATIONARY_RUNS);
}
END_TEST

/* A first second that is slow as a whole is one, in however short a run. */
START_TEST(a_slow_first_second_asks_for_a_warmup)
{
	struct steadiness s;

	state = 29;
	for (int run = 0; run < 50; run++) {
		simulate_stops(12, 100, 0.005, 0.001);
		rows[0].mean_ns *= 4;
		rows[0].p50_ns *= 4;
		ck_assert_msg(judge(12, &s) == STEADINESS_WARMUP_SHORT, "run %d", run);
		ck_assert_int_ge(s.warmup_advice_ns, SEC);
	}
}
END_TEST

START_TEST(an_overloaded_server_is_unsteady)
{
	static const size_t n_rows[] = {30, 60, 300};
	struct steadiness s;

	state = 11;
	for (int run = 0; run < 100; run++) {
		simulate(n_rows[_i], 300, 1.05 / 300, no_change);
		ck_assert_msg(judge(n_rows[_i], &s) == STEADINESS_UNSTEADY, "run %d", run);
		ck_assert_str_ne(s.because, "");
	}
}
END_TEST

START_TEST(a_leak_is_unsteady)
{
	struct steadiness s;

	state = 13;
	for (int run = 0; run < 100; run++) {
		simulate(60, 100, 0.003, leak);
		ck_assert_msg(judge(60, &s) == STEADINESS_UNSTEADY, "run %d", run);
	}
}
END_TEST

START_TEST(a_step_is_unsteady)
{
	struct steadiness s;

	state = 17;
	for (int run = 0; run < 50; run++) {
		simulate(60, 200, 0.002, slow_step);
		ck_assert_msg(judge(60, &s) != STEADINESS_STEADY, "run %d", run);
	}
}
END_TEST

START_TEST(a_cold_start_asks_for_a_warmup)
{
	struct steadiness s;

	state = 19;
	for (int run = 0; run < 50; run++) {
		simulate(60, 200, 0.0015, slow_start);
		ck_assert_msg(
			judge(60, &s) == STEADINESS_WARMUP_SHORT, "run %d: %s", run, s.because);
		ck_assert_int_ge(s.warmup_advice_ns, 5 * SEC);
		ck_assert_int_le(s.warmup_advice_ns, 10 * SEC);
	}
}
END_TEST

START_TEST(little_is_unknown)
{
	struct steadiness s;

	state = 23;
	simulate(20, 500, 0.001, no_change);
	ck_assert_int_eq(judge(STEADINESS_ROWS_LEAST - 1, &s), STEADINESS_UNKNOWN);
	ck_assert_int_eq(judge(0, &s), STEADINESS_UNKNOWN);
	for (size_t i = 0; i < 15; i++)
		rows[i].n = 0;
	ck_assert_int_eq(judge(20, &s), STEADINESS_UNKNOWN);
}
END_TEST

START_TEST(what_nobody_would_notice_is_steady)
{
	struct steadiness s;

	/* A perfect trend of 50 us in 60 rows, without any noise; and one of a hundredth. */
	for (size_t i = 0; i < 60; i++)
		rows[i] = (struct steadiness_row){
			100, 1e5 + 833.0 * (double)i, 1e5 + 833.0 * (double)i, 1};
	ck_assert_int_eq(judge(60, &s), STEADINESS_STEADY);
	for (size_t i = 0; i < 60; i++)
		rows[i] = (struct steadiness_row){
			100, 1e9 + 2e5 * (double)i, 1e9 + 2e5 * (double)i, 1};
	ck_assert_int_eq(judge(60, &s), STEADINESS_STEADY);
	for (size_t i = 0; i < 60; i++)
		rows[i] = (struct steadiness_row){100, 1e9, 1e9, 1};
	ck_assert_int_eq(judge(60, &s), STEADINESS_STEADY);
}
END_TEST

START_TEST(users_have_no_backlog)
{
	struct steadiness s;

	for (size_t i = 0; i < 60; i++)
		rows[i] = (struct steadiness_row){100, 1e6, 1e6, (double)i * 10};
	steadiness_judge(rows, 60, SEC, false, &s);
	ck_assert_int_eq(s.word, STEADINESS_STEADY);
	steadiness_judge(rows, 60, SEC, true, &s);
	ck_assert_int_eq(s.word, STEADINESS_UNSTEADY);
	ck_assert_str_eq(s.because, "the backlog grew by 10 requests a second, to 595");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("steadiness");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(
		tcase, healthy_servers_are_steady, 0, (int)(sizeof(healthy) / sizeof(*healthy)));
	tcase_add_test(tcase, stalls_that_come_again_are_a_steady_state);
	tcase_add_loop_test(tcase, a_stationary_run_lacks_no_warmup, 0,
		(int)(sizeof(stationary) / sizeof(*stationary)));
	tcase_add_test(tcase, a_slow_first_second_asks_for_a_warmup);
	tcase_add_loop_test(tcase, an_overloaded_server_is_unsteady, 0, 3);
	tcase_add_test(tcase, a_leak_is_unsteady);
	tcase_add_test(tcase, a_step_is_unsteady);
	tcase_add_test(tcase, a_cold_start_asks_for_a_warmup);
	tcase_add_test(tcase, little_is_unknown);
	tcase_add_test(tcase, what_nobody_would_notice_is_steady);
	tcase_add_test(tcase, users_have_no_backlog);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
