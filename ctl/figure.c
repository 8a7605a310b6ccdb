/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as people read them.
 *
 * Latencies and rates carry three significant digits: more would be noise that looks like
 * knowledge. Counts are exact, since the ledger must add up on paper too. */
#include "ctl/figure.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

/* Largest value that is printed as an integer number of ones; far above any figure of a run. */
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

	if (!strchr(f.text, '.'))
		return f;
	while (f.text[len - 1] == '0')
		f.text[--len] = '\0';
	if (f.text[len - 1] == '.')
		f.text[--len] = '\0';
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
	double size = fabs((double)ns);

	if (ns == 0)
		return (struct figure){"0 s"};
	if (size < 999.5e3)
		return figure_with_unit((double)ns / 1e3, "us");
	if (size < 999.5e6)
		return figure_with_unit((double)ns / 1e6, "ms");
	return figure_with_unit((double)ns / 1e9, "s");
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
