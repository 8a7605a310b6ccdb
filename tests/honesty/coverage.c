/* SPDX-License-Identifier: Apache-2.0 */
/* Do the 95 % intervals of percentiles hold the truth in 95 % of runs? Runs of servers whose
 * percentiles are known are simulated from fixed seeds, cut into batches as the daemon cuts them
 * (stretches of a second with histograms of two digits, beside that of the run with three), and
 * given to confidence_of. For each server and percentile one line of columns apart by tabs: the
 * server, the percentile, how many percent of the given intervals hold the truth, how many of the
 * runs had an interval with two ends, with a lower end only and none, the median width of those
 * with two ends in percent of the truth, and how many intervals were above and below the truth.
 *
 *	coverage [RUNS [SERVER]]
 *
 * The servers: answers independent of each other; M/M/1 in steady state, whose response is
 * exponential with mean s / (1 - rho); one that stands still at random; one whose level wanders.
 * The truth of the last two is found by one long simulation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/stats/confidence.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "tests/support/chance.h"

#define LEVEL 0.95
#define LONGEST_S 60
#define WARMUP_S 20.0
#define TRUTH_S 40000.0	 /* of the long simulation of a queue */
#define TRUTH_N 20000000 /* draws of a server without a queue */

static const double qs[] = {0.5, 0.9, 0.99, 0.999};
#define QS (sizeof(qs) / sizeof(*qs))

/* ---------------------------------------------------------------- chance */

static double exponential(double mean)
{
	return -log(uniform()) * mean;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* ---------------------------------------------------------------- servers */

/* Where the responses of a run go. */
static struct histogram batches[LONGEST_S];
static struct histogram whole;
static bool is_batched;

static void record(double planned_s, double response_s)
{
	int64_t ns = (int64_t)(response_s * 1e9);

	histogram_record(&whole, ns);
	if (is_batched)
		histogram_record(&batches[(int)planned_s], ns);
}

struct server {
	const char *name;
	int length_s;
	double rate; /* Poisson arrivals per second */
	void (*run)(const struct server *s, double length_s);
	void (*draw)(const struct server *s); /* one response, whose percentiles are the truth */
	double service_s;		      /* mean */
	double stall_gap_s;		      /* mean, exponential */
	double spread;			      /* of the responses around the level */
};

/* One server that works while it does not stand still. */
static void run_queue(const struct server *s, double length_s)
{
	double rho = s->rate * s->service_s;
	double t = -WARMUP_S, free_s;
	double stall_s = s->stall_gap_s > 0 ? t + exponential(s->stall_gap_s) : INFINITY;

	/* In steady state an arrival waits with probability rho, and then exponentially long; a
	 * server that stands still comes to it after a while. */
	if (s->stall_gap_s == 0)
		t = 0;
	free_s = t;
	if (uniform() < rho)
		free_s += exponential(s->service_s / (1 - rho));
	for (t += exponential(1 / s->rate); t < length_s; t += exponential(1 / s->rate)) {
		double start_s = free_s > t ? free_s : t, left_s = exponential(s->service_s);

		while (start_s + left_s > stall_s) {
			double end_s = stall_s + 0.2 + 0.3 * uniform();

			/* What was done before the stop stays done. */
			if (start_s < stall_s)
				left_s -= stall_s - start_s;
			start_s = fmax(start_s, end_s);
			stall_s = end_s + exponential(s->stall_gap_s);
		}
		free_s = start_s + left_s;
		if (t >= 0)
			record(t, free_s - t);
	}
}

static double response_independent(const struct server *s)
{
	if (s->spread > 0)
		return s->service_s * exp(s->spread * normal());
	return exponential(s->service_s);
}

static void run_independent(const struct server *s, double length_s)
{
	for (double t = exponential(1 / s->rate); t < length_s; t += exponential(1 / s->rate))
		record(t, response_independent(s));
}

static void draw_independent(const struct server *s)
{
	record(0, response_independent(s));
}

#define LEVEL_SPREAD 0.1
#define LEVEL_KEPT 0.9 /* from second to second */

static void run_wandering(const struct server *s, double length_s)
{
	double level = 1 + LEVEL_SPREAD * normal(), next_s = 1;

	for (double t = exponential(1 / s->rate); t < length_s; t += exponential(1 / s->rate)) {
		for (; t >= next_s; next_s++)
			level = 1 + LEVEL_KEPT * (level - 1) +
				LEVEL_SPREAD * sqrt(1 - LEVEL_KEPT * LEVEL_KEPT) * normal();
		record(t, level * response_independent(s));
	}
}

static void draw_wandering(const struct server *s)
{
	record(0, (1 + LEVEL_SPREAD * normal()) * response_independent(s));
}

/* rho is rate * service; stalls take 0.2 to 0.5 s. */
/* clang-format off */
static const struct server servers[] = {
	{"independent, 10 s", 10, 1000, run_independent, draw_independent, .service_s = 0.01},
	{"lognormal, 10 s", 10, 1000, run_independent, draw_independent, .service_s = 0.01, .spread = 0.5},
	{"independent, 60 s", 60, 200, run_independent, draw_independent, .service_s = 0.01},
	{"M/M/1 5 ms .7, 30 s", 30, 140, run_queue, .service_s = 0.005},
	{"M/M/1 5 ms .9, 30 s", 30, 180, run_queue, .service_s = 0.005},
	{"M/M/1 20 ms .7, 30 s", 30, 35, run_queue, .service_s = 0.02},
	{"M/M/1 20 ms .7, 60 s", 60, 35, run_queue, .service_s = 0.02},
	{"M/M/1 20 ms .9, 30 s", 30, 45, run_queue, .service_s = 0.02},
	{"M/M/1 20 ms .9, 60 s", 60, 45, run_queue, .service_s = 0.02},
	{"M/M/1 1 ms .9, 10 s", 10, 900, run_queue, .service_s = 0.001},
	{"M/M/1 1 ms .9, 60 s", 60, 900, run_queue, .service_s = 0.001},
	{"stalls, 30 s", 30, 400, run_queue, .service_s = 0.0005, .stall_gap_s = 3.3},
	{"stalls, 60 s", 60, 400, run_queue, .service_s = 0.0005, .stall_gap_s = 3.3},
	{"stalls, 12 s", 12, 400, run_queue, .service_s = 0.0005, .stall_gap_s = 3.3},
	{"rare stalls, 60 s", 60, 400, run_queue, .service_s = 0.0005, .stall_gap_s = 10},
	{"wandering, 30 s", 30, 400, run_wandering, draw_wandering, .service_s = 0.01, .spread = 0.5},
	{"wandering, 60 s", 60, 400, run_wandering, draw_wandering, .service_s = 0.01, .spread = 0.5},
	{"even, wandering, 60 s", 60, 400, run_wandering, draw_wandering, .service_s = 0.01, .spread = 0.02},
};
/* clang-format on */
#define SERVERS (sizeof(servers) / sizeof(*servers))

/* ---------------------------------------------------------------- the table */

static void clear(void)
{
	histogram_reset(&whole);
	for (int i = 0; i < LONGEST_S; i++)
		histogram_reset(&batches[i]);
}

static void find_truth(const struct server *s, double *ret_ns)
{
	clear();
	is_batched = false;
	if (s->draw)
		for (int i = 0; i < TRUTH_N; i++)
			s->draw(s);
	else if (s->stall_gap_s > 0)
		s->run(s, TRUTH_S);
	for (size_t i = 0; i < QS; i++)
		ret_ns[i] = whole.count > 0 ? (double)quantile_served(&whole, qs[i])
					    : -log(1 - qs[i]) * s->service_s /
						      (1 - s->rate * s->service_s) * 1e9;
}

struct tally {
	int two, lower, none;
	int below, above; /* intervals that are on this side of the truth */
	double *widths;	  /* of those with two ends, as shares of the truth */
};

static void count(struct tally *t, double truth_ns, const struct confidence *c)
{
	if (!c->is_known) {
		t->none++;
		return;
	}
	t->above += (double)c->low_ns > truth_ns;
	if (c->high_ns == QUANTILE_NONE) {
		t->lower++;
		return;
	}
	t->widths[t->two++] = (double)(c->high_ns - c->low_ns) / truth_ns;
	t->below += (double)c->high_ns < truth_ns;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const struct server *s, double q, const struct tally *t)
{
	int given = t->two + t->lower;

	printf("%s\t%g\t", s->name, q * 100);
	if (given > 0)
		printf("%.1f", 100.0 * (given - t->below - t->above) / given);
	printf("\t%d\t%d\t%d\t", t->two, t->lower, t->none);
	qsort(t->widths, (size_t)t->two, sizeof(double), ascending);
	if (t->two > 0)
		printf("%.3g", t->widths[t->two / 2] * 100);
	printf("\t%d\t%d\n", t->above, t->below);
}

/* 0, or -1 without memory. */
static int try_server(const struct server *s, int n_runs)
{
	struct tally tallies[QS] = {0};
	double truth_ns[QS];
	int r = 0;

	state = (uint64_t)(s - servers) * UINT64_C(1000000007) + 20240229;
	find_truth(s, truth_ns);
	for (size_t i = 0; i < QS; i++) {
		tallies[i].widths = calloc((size_t)n_runs, sizeof(double));
		r |= tallies[i].widths ? 0 : -1;
	}
	is_batched = true;
	for (int run = 0; run < n_runs && r == 0; run++) {
		struct confidence_batch views[LONGEST_S];

		clear();
		s->run(s, s->length_s);
		for (int i = 0; i < s->length_s; i++)
			views[i] = (struct confidence_batch){&batches[i], batches[i].count};
		for (size_t i = 0; i < QS && r == 0; i++) {
			struct confidence c;

			r = confidence_of(
				views, (size_t)s->length_s, &whole, whole.count, qs[i], LEVEL, &c);
			count(&tallies[i], truth_ns[i], &c);
		}
	}
	for (size_t i = 0; i < QS; i++) {
		if (r == 0)
			print(s, qs[i], &tallies[i]);
		free(tallies[i].widths);
	}
	(void)fflush(stdout);
	return r;
}

int main(int argc, char **argv)
{
	int n_runs = argc > 1 ? atoi(argv[1]) : 1000;
	int r = n_runs > 0 ? 0 : -1;

	for (int i = 0; i < LONGEST_S && r == 0; i++)
		r = histogram_init(&batches[i], HISTOGRAM_INTERVAL_LOWEST, HISTOGRAM_HIGHEST_NS,
			HISTOGRAM_INTERVAL_DIGITS);
	if (r == 0)
		r = histogram_init(
			&whole, HISTOGRAM_RUN_LOWEST, HISTOGRAM_HIGHEST_NS, HISTOGRAM_RUN_DIGITS);
	for (size_t i = 0; i < SERVERS && r == 0; i++)
		if (argc < 3 || strncmp(servers[i].name, argv[2], strlen(argv[2])) == 0)
			r = try_server(&servers[i], n_runs);
	return r == 0 ? 0 : 1;
}
