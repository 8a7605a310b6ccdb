/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as people read them.
 *
 * Latencies and rates carry three significant digits: more digits would be noise that looks like
 * precision. Counts are exact, since the ledger must add up on paper too. */
#include "common/figure.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"
#include "common/units.h"

/* The largest value that is printed as an integer; far above any figure of a run. */
#define FIGURE_LARGEST 9e15

struct figure figure_count(int64_t n)
{
	struct figure f = {0};
	char digits[24];
	size_t len;
	size_t to = 0;

	(void)snprintf(digits, sizeof(digits), "%" PRId64, n);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		f.text[to++] = digits[i];
		if ((len - i) % 3 == 1 && i + 1 < len && digits[i] != '-')
			f.text[to++] = ',';
	}
	return f;
}

struct figure figure_value(double value)
{
	struct figure f = {0};
	double size = fabs(value);
	double step = 1;

	if (!isfinite(value)) {
		(void)snprintf(f.text, sizeof(f.text), "-");
	} else if (size < 0.0005) {
		(void)snprintf(f.text, sizeof(f.text), "0");
	} else if (size < 0.9995) {
		(void)snprintf(f.text, sizeof(f.text), "%.3f", value);
	} else if (size < 9.995) {
		(void)snprintf(f.text, sizeof(f.text), "%.2f", value);
	} else if (size < 99.95) {
		(void)snprintf(f.text, sizeof(f.text), "%.1f", value);
	} else {
		if (size > FIGURE_LARGEST)
			value = copysign(FIGURE_LARGEST, value);
		while (round(fabs(value) / step) >= 1000)
			step *= 10;
		f = figure_count((int64_t)(round(value / step) * step));
	}
	return f;
}

struct figure figure_rate(double per_s)
{
	struct figure f = figure_value(per_s);
	size_t len = strlen(f.text);

	/* A rate of one request per hour must not read as "0". */
	if (per_s > 0 && str_eq(f.text, "0"))
		return (struct figure){"<0.001"};

	if (!strchr(f.text, '.'))
		return f;
	while (f.text[len - 1] == '0')
		f.text[--len] = '\0';
	if (f.text[len - 1] == '.')
		f.text[--len] = '\0';
	return f;
}

struct figure figure_per_s(double per_s)
{
	struct figure number, f;

	if (per_s >= 99.95 && per_s < FIGURE_LARGEST)
		number = figure_count((int64_t)(per_s + 0.5));
	else
		number = figure_rate(per_s);
	(void)snprintf(f.text, sizeof(f.text), "%.44s/s", number.text);
	return f;
}

struct figure figure_share(double share)
{
	struct figure f = {0};
	double percent = share * 100;

	if (!isfinite(percent)) {
		(void)snprintf(f.text, sizeof(f.text), "-");
	} else if (percent == 0 || percent == 100) {
		(void)snprintf(f.text, sizeof(f.text), "%.0f %%", percent);
	} else if (fabs(percent) < 0.0001) {
		(void)snprintf(f.text, sizeof(f.text), "<0.0001 %%");
	} else if (fabs(percent) < 0.01) {
		(void)snprintf(f.text, sizeof(f.text), "%.4f %%", percent);
	} else if (fabs(percent) < 10) {
		(void)snprintf(f.text, sizeof(f.text), "%.2f %%", percent);
	} else {
		/* Cut, not rounded: 99.96 % must not read as all. But 0.29 x 1,000 is just below
		 * 290, and must not read as 28.9 %. */
		(void)snprintf(f.text, sizeof(f.text), "%.1f %%", trunc(percent * 10 + 1e-10) / 10);
	}
	return f;
}

struct figure figure_percent(double share)
{
	struct figure f = {0};
	double percent = share * 100;

	if (!isfinite(percent))
		(void)snprintf(f.text, sizeof(f.text), "-");
	else if (percent > 0 && percent < 1)
		(void)snprintf(f.text, sizeof(f.text), "<1 %%");
	else
		(void)snprintf(f.text, sizeof(f.text), "%.0f %%", percent);
	return f;
}

struct figure figure_clock(int64_t ns)
{
	struct figure f = {0};
	bool before = ns < 0;
	/* The start of the second it lies in, on both sides of zero. */
	int64_t s = before ? -(ns + 1) / NSEC_PER_SEC + 1 : ns / NSEC_PER_SEC;
	const char *sign = before ? "-" : "";

	if (s >= 3600)
		(void)snprintf(f.text, sizeof(f.text), "%s%" PRId64 ":%02d:%02d", sign, s / 3600,
			(int)(s / 60 % 60), (int)(s % 60));
	else
		(void)snprintf(
			f.text, sizeof(f.text), "%s%d:%02d", sign, (int)(s / 60), (int)(s % 60));
	return f;
}

static struct figure figure_with_unit(double value, const char *unit)
{
	struct figure number = figure_value(value);
	struct figure f;

	(void)snprintf(f.text, sizeof(f.text), "%.38s %s", number.text, unit);
	return f;
}

struct figure figure_time(int64_t ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1e3, "us"}, {1e6, "ms"}, {1e9, "s"}, {60e9, "min"}, {3600e9, "h"}};
	const size_t n = sizeof(units) / sizeof(*units);
	double size = fabs((double)ns);
	struct figure f;
	size_t i = 0;

	if (ns == 0)
		return (struct figure){"0 s"};
	if (size < 1000) {
		(void)snprintf(f.text, sizeof(f.text), "%" PRId64 " ns", ns);
		return f;
	}
	/* A value that would round to 1,000 is shown as 1.00 of the next unit. */
	while (i + 1 < n && size / units[i].ns >= 999.5)
		i++;
	return figure_with_unit((double)ns / units[i].ns, units[i].name);
}

struct figure figure_bytes(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		bytes /= 1024;
		unit++;
	}
	return unit ? figure_with_unit(bytes, units[unit])
		    : figure_with_unit(round(bytes), units[0]);
}

struct figure figure_exact_time(int64_t ns)
{
	struct figure f;

	units_format_time(ns, f.text, sizeof(f.text));
	return f;
}

struct figure figure_exact_rate(struct rate rate)
{
	struct figure f;

	units_format_rate(rate, f.text, sizeof(f.text));
	return f;
}
