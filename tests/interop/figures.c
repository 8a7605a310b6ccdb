/* SPDX-License-Identifier: Apache-2.0 */
/* What readers of a log of histograms must find in it, from the result that it was made of:
 * TAG COUNT P50 P90 P99 P99.9 MAX, in the order of tags. Stretches are added up as readers do, and
 * the result's own figures are held against its own histograms, so that all three are one. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/stats/hdr_codec.h"
#include "common/stats/histogram.h"
#include "common/stats/quantile.h"
#include "common/json_path.h"

static const struct {
	const char *name;
	double q;
} figures_quantiles[] = {{"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p99_9_ns", 0.999}};
#define FIGURES_N (sizeof(figures_quantiles) / sizeof(*figures_quantiles))

/* 0 or -1. */
static int figures_add(struct histogram *sum, const json_t *hdr)
{
	struct histogram h;

	if (!json_is_string(hdr))
		return 0;
	if (hdr_decode(json_string_value(hdr), &h) < 0)
		return -1;
	if (sum->n_slots == 0 && histogram_init(sum, h.lowest, h.highest, h.digits) < 0)
		return -1;
	histogram_add(sum, &h);
	histogram_fini(&h);
	return 0;
}

/* The result's figures are those of its histogram, but for the exact maximum, which hdr lacks. */
static int figures_check(const json_t *latency, const char *tag, const struct histogram *h)
{
	int64_t count = -1, max = -1, value;

	(void)json_path_int(latency, "count", &count);
	(void)json_path_int(latency, "max_ns", &max);
	if (count != (int64_t)h->count) {
		(void)fprintf(stderr, "%s: %jd values, but %ju in the histograms\n", tag,
			(intmax_t)count, (uintmax_t)h->count);
		return -1;
	}
	for (size_t i = 0; i < FIGURES_N; i++) {
		int64_t want = quantile_served(h, figures_quantiles[i].q);

		want = want < max ? want : max;
		if (json_path_int(latency, figures_quantiles[i].name, &value) && value == want)
			continue;
		(void)fprintf(stderr, "%s: %s is not that of the histogram, %jd\n", tag,
			figures_quantiles[i].name, (intmax_t)want);
		return -1;
	}
	return 0;
}

static int figures_of(const json_t *doc, const char *tag, const char *member)
{
	const json_t *rows = member ? json_path_at(doc, "batches.rows") : NULL;
	struct histogram whole = {0}, sum = {0};
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "latency.%s", tag);
	r = figures_add(&whole, json_path_at(json_path_at(doc, path), "hdr"));
	if (r == 0 && whole.count > 0)
		r = figures_check(json_path_at(doc, path), tag, &whole);
	for (size_t i = 0; i < json_array_size(rows) && r == 0; i++)
		r = figures_add(&sum, json_path_at(json_array_get(rows, i), member));
	if (r == 0 && json_array_size(rows) > 0 && sum.count != whole.count) {
		(void)fprintf(stderr, "%s: %ju values, but %ju in the batches\n", tag,
			(uintmax_t)whole.count, (uintmax_t)sum.count);
		r = -1;
	}
	if (r == 0 && whole.count > 0) {
		const struct histogram *h = json_array_size(rows) > 0 ? &sum : &whole;

		(void)printf("%s %ju", tag, (uintmax_t)h->count);
		for (size_t i = 0; i < FIGURES_N; i++)
			(void)printf(" %jd", (intmax_t)quantile_served(h, figures_quantiles[i].q));
		(void)printf(" %jd\n", (intmax_t)h->max);
	}
	histogram_fini(&whole);
	histogram_fini(&sum);
	return r;
}

int main(int argc, char *argv[])
{
	json_t *doc = argc == 2 ? json_load_file(argv[1], 0, NULL) : NULL;
	const char *of = json_path_text(doc, "batches.of");
	int r;

	if (!doc)
		return 2;
	r = figures_of(doc, "our_delay", "our_delay_hdr");
	if (r == 0)
		r = figures_of(doc, "response", strcmp(of, "response") == 0 ? "hdr" : NULL);
	if (r == 0)
		r = figures_of(doc, "service", strcmp(of, "service") == 0 ? "hdr" : NULL);
	json_decref(doc);
	return r < 0;
}
