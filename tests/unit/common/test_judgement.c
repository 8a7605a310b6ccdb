/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three-valued judgement: a table, and simulated results of which the truth is known. There a
 * generator that is late by chance adds its delay to answers, and makes some of them come after the
 * timeout. Whatever it does, a server that meets its limit must not fail, what meets it in spite of
 * the delay must pass, and a server that breaks its limit must not pass.
 */
#include "common/stats/judgement.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/stats/confidence.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define NONE JUDGEMENT_UNSERVED
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	double value, less_ours;
	enum judgement_op op;
	double limit;
	enum judgement want;
} table[] = {
	/* from above, as latencies are limited */
	{40, 39, JUDGEMENT_BELOW, 50, JUDGEMENT_PASS},
	{40, 1, JUDGEMENT_BELOW, 50, JUDGEMENT_PASS},
	{60, 40, JUDGEMENT_BELOW, 50, JUDGEMENT_UNDECIDED_OURS},
	{60, 55, JUDGEMENT_BELOW, 50, JUDGEMENT_FAIL},
	{50, 50, JUDGEMENT_BELOW, 50, JUDGEMENT_FAIL},
	{50, 49, JUDGEMENT_BELOW, 50, JUDGEMENT_UNDECIDED_OURS},
	{50, 50, JUDGEMENT_AT_MOST, 50, JUDGEMENT_PASS},
	{51, 50, JUDGEMENT_AT_MOST, 50, JUDGEMENT_UNDECIDED_OURS},
	{0, 0, JUDGEMENT_AT_MOST, 0, JUDGEMENT_PASS},
	/* rounded to buckets the smaller can come out larger: met is met */
	{49, 51, JUDGEMENT_BELOW, 50, JUDGEMENT_PASS},
	/* a rank on what was not served */
	{NONE, NONE, JUDGEMENT_BELOW, 50, JUDGEMENT_FAIL},
	{NONE, 40, JUDGEMENT_BELOW, 50, JUDGEMENT_UNDECIDED_OURS},
	{NONE, 60, JUDGEMENT_BELOW, 50, JUDGEMENT_FAIL},
	{NONE, NONE, JUDGEMENT_ABOVE, 50, JUDGEMENT_FAIL},
	{NONE, NONE, JUDGEMENT_AT_LEAST, 50, JUDGEMENT_FAIL},
	/* from below: our delay could have made it true */
	{60, 55, JUDGEMENT_ABOVE, 50, JUDGEMENT_PASS},
	{60, 40, JUDGEMENT_ABOVE, 50, JUDGEMENT_UNDECIDED_OURS},
	{40, 30, JUDGEMENT_ABOVE, 50, JUDGEMENT_FAIL},
	{50, 50, JUDGEMENT_ABOVE, 50, JUDGEMENT_FAIL},
	{50, 50, JUDGEMENT_AT_LEAST, 50, JUDGEMENT_PASS},
	/* a figure that we make smaller: 990/s completed, of 1,000/s without our lag */
	{990, 1000, JUDGEMENT_AT_LEAST, 1000, JUDGEMENT_UNDECIDED_OURS},
	{990, 995, JUDGEMENT_AT_LEAST, 1000, JUDGEMENT_FAIL},
	{1000, 1000, JUDGEMENT_AT_LEAST, 1000, JUDGEMENT_PASS},
	/* what is no figure meets nothing */
	{NAN, NAN, JUDGEMENT_BELOW, 50, JUDGEMENT_FAIL},
	{NAN, NAN, JUDGEMENT_ABOVE, 50, JUDGEMENT_FAIL},
};

START_TEST(judged_by_the_table)
{
	struct judgement_figures f = {.value = table[_i].value, .less_ours = table[_i].less_ours};
	enum judgement got = judgement_of(&f, table[_i].op, table[_i].limit);

	ck_assert_int_eq(got, table[_i].want);
	/* Enough arrivals change nothing. */
	f.n_effective = f.least_n = 299;
	ck_assert_int_eq(judgement_of(&f, table[_i].op, table[_i].limit), got);
	/* With too few nothing can be said, for good or ill. */
	f.n_effective = 298.5;
	ck_assert_int_eq(judgement_of(&f, table[_i].op, table[_i].limit), JUDGEMENT_UNDECIDED_FEW);
	f.n_effective = NAN;
	ck_assert_int_eq(judgement_of(&f, table[_i].op, table[_i].limit), JUDGEMENT_UNDECIDED_FEW);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(judgement_names[JUDGEMENT_PASS], "pass");
	ck_assert_str_eq(judgement_names[JUDGEMENT_FAIL], "fail");
	ck_assert_str_eq(judgement_names[JUDGEMENT_UNDECIDED_OURS], "undecided");
	ck_assert_str_eq(judgement_names[JUDGEMENT_UNDECIDED_FEW], "undecided");
	ck_assert_str_eq(judgement_reasons[JUDGEMENT_UNDECIDED_OURS], "ours");
	ck_assert_str_eq(judgement_reasons[JUDGEMENT_UNDECIDED_FEW], "n");
	ck_assert(isinf(judgement_figure(QUANTILE_NONE)));
	ck_assert_double_eq(judgement_figure(17), 17);
}
END_TEST

/* ---------------------------------------------------------------- simulated results */

#define ARRIVALS 3000
#define TIMEOUT_NS (200 * MS)
#define LATE_NS MS /* our delays from here on count as an excuse */

/* A small generator of our own: the results must be the same everywhere. */
static uint64_t state;

static double uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) * 0x1p-53;
}

struct server {
	double slow_share; /* of answers, slow_ns and more; the rest are about fast_ns */
	double error_share;
};

struct result {
	struct histogram truth;	    /* what a perfect generator would have measured */
	struct histogram response;  /* what ours has */
	struct histogram less_ours; /* of the same answers */
	uint64_t n_excused;
	uint64_t n_late;
};

static double answer_ns(const struct server *server)
{
	double spread = -log(1 - uniform()); /* mean 1 */

	return uniform() < server->slow_share ? (30 + 60 * spread) * MS : (1 + 2 * spread) * MS;
}

/* Quiet but for a part of the time, in which it is late by up to so much. */
static double delay_ns(double late_share, double late_ns)
{
	return uniform() < late_share ? uniform() * late_ns : 0.06 * MS * uniform();
}

static void simulate(
	const struct server *server, double late_share, double late_ns, struct result *ret)
{
	for (int i = 0; i < ARRIVALS; i++) {
		bool is_error = uniform() < server->error_share;
		double true_ns = answer_ns(server);
		double our_ns = delay_ns(late_share, late_ns);

		ret->n_late += our_ns >= LATE_NS;
		if (is_error)
			continue;
		if (true_ns < TIMEOUT_NS)
			histogram_record(&ret->truth, (int64_t)true_ns);
		if (true_ns + our_ns < TIMEOUT_NS) {
			histogram_record(&ret->response, (int64_t)(true_ns + our_ns));
			histogram_record(&ret->less_ours, (int64_t)true_ns);
		} else {
			ret->n_excused += our_ns >= LATE_NS;
		}
	}
}

static void result_init(struct result *r)
{
	*r = (struct result){0};
	ck_assert_int_eq(histogram_init(&r->truth, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	ck_assert_int_eq(histogram_init(&r->response, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	ck_assert_int_eq(histogram_init(&r->less_ours, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
}

static void result_fini(struct result *r)
{
	histogram_fini(&r->truth);
	histogram_fini(&r->response);
	histogram_fini(&r->less_ours);
}

/* One rule on one result; counts what came out. */
static void judge(const struct result *r, double q, double limit, unsigned counts[JUDGEMENT_COUNT])
{
	double truth = judgement_figure(quantile_offered(&r->truth, ARRIVALS, q));
	struct judgement_figures f = {
		.value = judgement_figure(quantile_offered(&r->response, ARRIVALS, q)),
		.less_ours = judgement_figure(
			quantile_excusing(&r->less_ours, ARRIVALS, r->n_excused, q)),
		.n_effective = ARRIVALS,
		.least_n = confidence_least_n(q, 0.95),
	};
	enum judgement got = judgement_of(&f, JUDGEMENT_BELOW, limit);

	counts[got]++;
	/* The truth lies between the two. */
	ck_assert_double_le(f.less_ours, truth);
	ck_assert_double_le(truth, f.value);
	if (f.value < limit)
		ck_assert_int_eq(got, JUDGEMENT_PASS);
	if (truth < limit)
		ck_assert_int_ne(got, JUDGEMENT_FAIL);
	else
		ck_assert_int_ne(got, JUDGEMENT_PASS);
	/* A generator that was never late leaves nothing open. */
	if (r->n_late == 0 && fabs(truth - limit) > 0.07 * MS)
		ck_assert_int_eq(got, truth < limit ? JUDGEMENT_PASS : JUDGEMENT_FAIL);
}

static const struct server servers[] = {
	{0, 0}, {0.005, 0}, {0.02, 0}, {0.3, 0}, {0, 0.005}, {0.01, 0.02}, {1, 0}};
static const double late_shares[] = {0, 0.002, 0.02, 0.3};
static const double late_most_ns[] = {5 * MS, 60 * MS, 400 * MS};
static const double limits_ns[] = {5 * MS, 20 * MS, 50 * MS, 150 * MS};
static const double quantiles[] = {0.5, 0.9, 0.99};

START_TEST(simulated_results_are_judged_by_their_truth)
{
	unsigned counts[JUDGEMENT_COUNT] = {0};
	unsigned n = 0;

	state = 0x9e3779b97f4a7c15 + (uint64_t)_i;
	for (size_t s = 0; s < LEN(servers); s++) {
		for (size_t l = 0; l < LEN(late_shares) * LEN(late_most_ns); l++) {
			struct result r;

			result_init(&r);
			simulate(&servers[s], late_shares[l % LEN(late_shares)],
				late_most_ns[l / LEN(late_shares)], &r);
			for (size_t k = 0; k < LEN(limits_ns) * LEN(quantiles); k++, n++)
				judge(&r, quantiles[k / LEN(limits_ns)],
					limits_ns[k % LEN(limits_ns)], counts);
			result_fini(&r);
		}
	}
	/* All three came out, and most are decided. */
	ck_assert_uint_eq(counts[JUDGEMENT_UNDECIDED_FEW], 0);
	ck_assert_uint_gt(counts[JUDGEMENT_PASS], n / 4);
	ck_assert_uint_gt(counts[JUDGEMENT_FAIL], n / 20);
	ck_assert_uint_gt(counts[JUDGEMENT_UNDECIDED_OURS], 0);
	ck_assert_uint_lt(counts[JUDGEMENT_UNDECIDED_OURS], n / 4);
}
END_TEST

/* ---------------------------------------------------------------- excused arrivals */

START_TEST(excused_arrivals_rank_first)
{
	struct histogram h;

	ck_assert_int_eq(histogram_init(&h, 1, HISTOGRAM_HIGHEST_NS, 3), 0);
	ck_assert_int_eq(quantile_excusing(&h, 0, 0, 0.5), QUANTILE_NONE);
	ck_assert_int_eq(quantile_excusing(&h, 10, 0, 0.5), QUANTILE_NONE);
	ck_assert_int_eq(quantile_excusing(&h, 10, 10, 1), 0);
	for (int i = 1; i <= 6; i++)
		histogram_record(&h, 100 * i);
	/* 10 planned: 6 answered, 4 not; of these 0 to 4 excused */
	ck_assert_int_eq(quantile_excusing(&h, 10, 0, 0.5), 500);
	ck_assert_int_eq(quantile_excusing(&h, 10, 0, 0.5), quantile_offered(&h, 10, 0.5));
	ck_assert_int_eq(quantile_excusing(&h, 10, 1, 0.5), 400);
	ck_assert_int_eq(quantile_excusing(&h, 10, 4, 0.5), 100);
	ck_assert_int_eq(quantile_excusing(&h, 10, 4, 0.4), 0);
	ck_assert_int_eq(quantile_excusing(&h, 10, 0, 0.9), QUANTILE_NONE);
	ck_assert_int_eq(quantile_excusing(&h, 10, 2, 0.9), QUANTILE_NONE);
	ck_assert_int_eq(quantile_excusing(&h, 10, 3, 0.9), 600);
	ck_assert_int_eq(quantile_excusing(&h, 10, 4, 1), 600);
	histogram_fini(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("judgement");
	TCase *t = tcase_create("judgement");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, judged_by_the_table, 0, (int)LEN(table));
	tcase_add_test(t, names);
	tcase_add_loop_test(t, simulated_results_are_judged_by_their_truth, 0, 8);
	tcase_add_test(t, excused_arrivals_rank_first);
	suite_add_tcase(s, t);
	return suite_main(s);
}
