/* SPDX-License-Identifier: Apache-2.0 */
/* The pace, by virtual instants: in any window no more than its bounds say, in any order of places.
 */
#include "daemon/engine/pace.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define SEC NSEC_PER_SEC
#define ZERO_NS (77 * SEC)

static const uint64_t rates[] = {1, 3, 7, 10, 200, 999, 300000, 1000000, 7000000, 10000000};
#define N_RATES ((int)(sizeof(rates) / sizeof(rates[0])))

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* In every window: m instants from a to b, so m - 1 <= rate x (b - a + late). (An assertion of
 * check is a write to a file: here are too many of them.) Looked at from each to the next, to that
 * after 2, 4, 8 … and to the last. */
static void check_bound(int64_t *instants, size_t n, uint64_t rate, int64_t late_ns)
{
	qsort(instants, n, sizeof(*instants), compare);
	for (size_t i = 0; i < n; i++)
		for (size_t m = 1; m < n; m = m < n / 2 ? 2 * m : n) {
			size_t j = i + m < n ? i + m : n - 1;
			long double most = (long double)(instants[j] - instants[i] + late_ns) *
					   (long double)rate / SEC;

			if ((long double)(j - i) > most + 1e-9L)
				ck_abort_msg("rate %llu: %zu after the first in %lld ns",
					(unsigned long long)rate, j - i,
					(long long)(instants[j] - instants[i]));
		}
}

/* Gaps of all kinds: at once, a little, a stall. */
static int64_t a_while(uint64_t rate, unsigned *seed)
{
	int64_t gap_ns = (int64_t)(SEC / rate);
	int kind = rand_r(seed) % 16;

	if (kind < 8)
		return 0;
	if (kind < 15)
		return rand_r(seed) % (2 * gap_ns + 1);
	return rand_r(seed) % (300 * MS);
}

START_TEST(planned_are_never_nearer_than_the_rate)
{
	int64_t instants[5000];
	int64_t now_ns = ZERO_NS;
	unsigned seed = (unsigned)_i;
	struct pace p;

	pace_init(&p, rates[_i], ZERO_NS);
	for (size_t i = 0; i < 5000; i++) {
		instants[i] = pace_plan(&p, now_ns);
		now_ns += a_while(rates[_i], &seed);
	}
	/* An instant is rounded up to 1 ns. */
	check_bound(instants, 5000, rates[_i], 1);
}
END_TEST

START_TEST(sent_are_late_by_no_more_than_that)
{
	int64_t instants[5000];
	int64_t now_ns = ZERO_NS;
	unsigned seed = (unsigned)_i;
	struct pace p;
	size_t n = 0;

	pace_init(&p, rates[_i], ZERO_NS);
	while (n < 5000) {
		int64_t again_ns = pace_send(&p, now_ns);

		if (again_ns == 0) {
			instants[n++] = now_ns;
			now_ns += a_while(rates[_i], &seed);
		} else {
			/* Not a ns earlier, and then it may. */
			if (again_ns <= now_ns || pace_send(&p, again_ns - 1) == 0)
				ck_abort_msg("%zu: a place before its time", n);
			now_ns = again_ns;
		}
	}
	check_bound(instants, 5000, rates[_i], PACE_LATE_NS);
}
END_TEST

/* Requests that are due at the very rate, each late by anything up to PACE_LATE_NS: not one is kept
 * back, also after hours. */
START_TEST(lateness_alone_keeps_none_back)
{
	static const uint64_t some[] = {1, 10, 200, 1000, 5000, 64000};
	uint64_t rate = some[_i];
	unsigned seed = 1;
	struct pace p;

	pace_init(&p, rate, ZERO_NS);
	for (uint64_t k = 0; k < 1000000; k++) {
		int64_t due_ns = (int64_t)((unsigned __int128)k * SEC / rate);

		int64_t late_ns = rand_r(&seed) % (PACE_LATE_NS + 1);

		if (pace_send(&p, ZERO_NS + due_ns + late_ns) != 0)
			ck_abort_msg("request %llu is kept back", (unsigned long long)k);
	}
}
END_TEST

/* Those who wait get every place. */
START_TEST(the_whole_rate_is_to_be_had)
{
	int64_t now_ns = ZERO_NS;
	struct pace p;
	uint64_t n = 0;

	pace_init(&p, rates[_i], ZERO_NS);
	ck_assert_int_eq(pace_plan(&p, ZERO_NS), ZERO_NS);
	ck_assert_int_eq(pace_plan(&p, ZERO_NS + 10 * SEC), ZERO_NS + 10 * SEC);
	while (n < 1000 || now_ns < ZERO_NS + SEC / 100) {
		int64_t again_ns = pace_send(&p, now_ns);

		n += again_ns == 0;
		now_ns = again_ns ? again_ns : now_ns;
	}
	ck_assert_uint_ge(n + 1, (uint64_t)((double)rates[_i] * 0.9999 *
					    (double)(now_ns - ZERO_NS + PACE_LATE_NS) / 1e9));
}
END_TEST

/* A year after the beginning. */
START_TEST(nothing_overflows)
{
	int64_t late_ns = ZERO_NS + 8760 * 3600 * SEC;
	struct pace p;

	pace_init(&p, 1, ZERO_NS);
	ck_assert_int_eq(pace_plan(&p, late_ns), late_ns);
	ck_assert_int_eq(pace_plan(&p, late_ns), late_ns + SEC);
	ck_assert_int_eq(pace_send(&p, late_ns), 0);
	ck_assert_int_eq(pace_send(&p, late_ns), late_ns + SEC - PACE_LATE_NS);
	/* Before its zero there is no time. */
	pace_init(&p, 1, ZERO_NS);
	ck_assert_int_eq(pace_plan(&p, ZERO_NS - SEC), ZERO_NS);
}
END_TEST

/* ---------------------------------------------------------------- several workers */

#define N_THREADS 4
#define N_EACH 20000

struct taker {
	pthread_t thread;
	struct pace *pace;
	uint64_t rate;
	unsigned seed;
	bool plans;
	int64_t instants[N_EACH];
};

static void *take(void *arg)
{
	struct taker *t = arg;
	int64_t now_ns = ZERO_NS;

	for (size_t n = 0; n < N_EACH;) {
		int64_t at_ns = t->plans ? pace_plan(t->pace, now_ns) : pace_send(t->pace, now_ns);

		if (t->plans)
			t->instants[n++] = at_ns;
		else if (at_ns == 0)
			t->instants[n++] = now_ns;
		if (at_ns > now_ns)
			now_ns = at_ns;
		now_ns += a_while(t->rate, &t->seed);
	}
	return NULL;
}

/* Each by a time of its own, which differ: the bound is of all of them together. */
START_TEST(workers_keep_it_together)
{
	bool plans = _i % 2;
	uint64_t rate = rates[_i / 2];
	struct taker *takers = calloc(N_THREADS, sizeof(*takers));
	int64_t *all = calloc(N_THREADS, sizeof(takers->instants));
	struct pace p;

	pace_init(&p, rate, ZERO_NS);
	for (unsigned i = 0; i < N_THREADS; i++) {
		takers[i] = (struct taker){.pace = &p, .rate = rate, .seed = i, .plans = plans};
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take, &takers[i]), 0);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		ck_assert_int_eq(pthread_join(takers[i].thread, NULL), 0);
		for (size_t k = 0; k < N_EACH; k++)
			all[i * N_EACH + k] = takers[i].instants[k];
	}
	check_bound(all, (size_t)N_THREADS * N_EACH, rate, plans ? 1 : PACE_LATE_NS);
	free(all);
	free(takers);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_add_loop_test(t, planned_are_never_nearer_than_the_rate, 0, N_RATES);
	tcase_add_loop_test(t, sent_are_late_by_no_more_than_that, 0, N_RATES);
	tcase_add_loop_test(t, lateness_alone_keeps_none_back, 0, 6);
	tcase_add_loop_test(t, the_whole_rate_is_to_be_had, 0, N_RATES);
	tcase_add_test(t, nothing_overflows);
	tcase_add_loop_test(t, workers_keep_it_together, 0, 2 * N_RATES);
	suite_add_tcase(s, t);
	return suite_main(s);
}
