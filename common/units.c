/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, exactly.
 *
 * A number is read as an integer mantissa over a power of ten, never as a floating-point number:
 * "0.2/s" is one fifth, not the double nearest to it, so that arrival k of a plan falls on the same
 * nanosecond on every host and for every split over workers. Products are formed in 128 bits; with
 * at most 18 digits and units below 2^42 they cannot overflow.
 *
 * A value that is not exact in the unit of the result (1.5ns, 0.1B) is refused, not rounded. Pure,
 * no state, no locale. */
#include "common/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"

#define UNITS_DECIMALS_MAX 6
#define UNITS_MANTISSA_MAX UINT64_C(1000000000000000000)
#define UNITS_RATE_MAX 10000000 /* per second */
#define UNITS_SIZE_MAX ((uint64_t)INT64_MAX)
#define UNITS_RATE_SCALE UINT64_C(1000000)
#define UNITS_RATE_DEN (3600 * UNITS_RATE_SCALE) /* every den divides this */

typedef unsigned __int128 units_wide;

/* mantissa / scale */
struct units_number {
	uint64_t mantissa;
	uint64_t scale;
};

struct units_unit {
	const char *name;
	uint64_t factor;
};

static const struct units_unit units_times[] = {
	{"ns", 1},
	{"us", NSEC_PER_USEC},
	{"ms", NSEC_PER_MSEC},
	{"s", NSEC_PER_SEC},
	{"m", 60 * NSEC_PER_SEC},
	{"h", 3600 * NSEC_PER_SEC},
	{NULL, 0},
};

static const struct units_unit units_sizes[] = {
	{"B", 1},
	{"KiB", 1u << 10},
	{"MiB", 1u << 20},
	{NULL, 0},
};

/* Seconds in the unit after the slash. */
static const struct units_unit units_periods[] = {
	{"", 1},
	{"/s", 1},
	{"/m", 60},
	{"/h", 3600},
	{NULL, 0},
};

/* The words that people write after numbers: "5ms" where a rate is expected is a wrong unit, "5x"
 * is a typing error. */
static const char *const units_known[] = {"ns", "us", "ms", "s", "m", "h", "d", "sec", "min", "%",
	"B", "KiB", "MiB", "GiB", "KB", "kB", "MB", "GB", "k", "K", "M", "G", "/s", "/m", "/h",
	"k/s", "k/m", "k/h", "M/s", "M/m", "M/h", "rps", NULL};

/* Reports len bytes found where a unit is expected. */
static int units_complain(const char *word, size_t len)
{
	if (len == 0)
		return UNITS_E_UNIT;
	for (size_t i = 0; units_known[i]; i++)
		if (strlen(units_known[i]) == len && memcmp(units_known[i], word, len) == 0)
			return UNITS_E_UNIT;
	return UNITS_E_SYNTAX;
}

static const struct units_unit *units_find(
	const struct units_unit *units, const char *word, size_t len)
{
	for (; units->name; units++)
		if (strlen(units->name) == len && memcmp(units->name, word, len) == 0)
			return units;
	return NULL;
}

static bool units_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int units_take_digit(struct units_number *n, char c)
{
	if (n->mantissa >= UNITS_MANTISSA_MAX / 10)
		return UNITS_E_RANGE;
	n->mantissa = n->mantissa * 10 + (uint64_t)(c - '0');
	return 0;
}

/* Reads DIGITS[.DIGITS] at *text and moves *text past it. */
static int units_read_number(const char **text, struct units_number *ret)
{
	struct units_number n = {0, 1};
	const char *at = *text;
	int decimals = 0, r = 0;

	if (!units_is_digit(*at))
		return UNITS_E_SYNTAX;
	for (; units_is_digit(*at) && r == 0; at++)
		r = units_take_digit(&n, *at);
	if (r == 0 && *at == '.') {
		at++;
		if (!units_is_digit(*at))
			return UNITS_E_SYNTAX;
		for (; units_is_digit(*at) && r == 0; at++) {
			if (++decimals > UNITS_DECIMALS_MAX)
				return UNITS_E_RANGE;
			n.scale *= 10;
			r = units_take_digit(&n, *at);
		}
	}
	if (r != 0)
		return r;
	*text = at;
	*ret = n;
	return 0;
}

/* number * factor as an integer that is at most max. */
static int units_scale(struct units_number n, uint64_t factor, uint64_t max, uint64_t *ret)
{
	units_wide product = (units_wide)n.mantissa * factor;

	if (product % n.scale != 0 || product / n.scale > max)
		return UNITS_E_RANGE;
	*ret = (uint64_t)(product / n.scale);
	return 0;
}

static uint64_t units_gcd(uint64_t a, uint64_t b)
{
	while (b > 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

int units_parse_rate(const char *text, struct rate *ret)
{
	struct units_number n;
	const struct units_unit *period;
	uint64_t factor = 1, den, gcd;
	const char *word;
	units_wide num;
	int r;

	r = units_read_number(&text, &n);
	if (r != 0)
		return r;
	word = text;
	if (*text == 'k')
		factor = 1000;
	else if (*text == 'M')
		factor = 1000000;
	if (factor > 1)
		text++;
	period = units_find(units_periods, text, strlen(text));
	if (!period)
		return units_complain(word, strlen(word));
	num = (units_wide)n.mantissa * factor;
	den = n.scale * period->factor;
	if (num > (units_wide)UNITS_RATE_MAX * den)
		return UNITS_E_RANGE;
	gcd = units_gcd((uint64_t)num, den);
	ret->num = (uint64_t)num / gcd;
	ret->den = den / gcd;
	return 0;
}

int units_parse_time(const char *text, int64_t *ret_ns)
{
	uint64_t sum = 0;

	if (str_eq(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	do {
		struct units_number n;
		const struct units_unit *unit;
		uint64_t ns;
		size_t len;
		int r;

		r = units_read_number(&text, &n);
		if (r != 0)
			return r;
		len = strcspn(text, "0123456789");
		unit = units_find(units_times, text, len);
		if (!unit)
			return units_complain(text, len);
		r = units_scale(n, unit->factor, UNITS_TIME_MAX_NS, &ns);
		if (r != 0)
			return r;
		sum += ns;
		if (sum > UNITS_TIME_MAX_NS)
			return UNITS_E_RANGE;
		text += len;
	} while (*text);
	*ret_ns = (int64_t)sum;
	return 0;
}

int units_parse_share(const char *text, double *ret)
{
	struct units_number n;
	uint64_t whole;
	int r;

	r = units_read_number(&text, &n);
	if (r != 0)
		return r;
	if (!str_eq(text, "%"))
		return units_complain(text, strlen(text));
	whole = 100 * n.scale;
	if (n.mantissa > whole)
		return UNITS_E_RANGE;
	*ret = (double)n.mantissa / (double)whole;
	return 0;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	const struct units_unit *unit;
	struct units_number n;
	int r;

	if (str_eq(text, "0")) {
		*ret_bytes = 0;
		return 0;
	}
	r = units_read_number(&text, &n);
	if (r != 0)
		return r;
	unit = units_find(units_sizes, text, strlen(text));
	if (!unit)
		return units_complain(text, strlen(text));
	return units_scale(n, unit->factor, UNITS_SIZE_MAX, ret_bytes);
}

/* Writes value / 10^decimals without trailing zeros, followed by unit. Returns the text's
 * length. */
static size_t units_put(char *text, size_t size, uint64_t value, int decimals, const char *unit)
{
	uint64_t scale = 1;
	int len;

	while (decimals > 0 && value % 10 == 0) {
		value /= 10;
		decimals--;
	}
	for (int i = 0; i < decimals; i++)
		scale *= 10;
	if (decimals > 0)
		len = snprintf(text, size, "%llu.%0*llu%s", (unsigned long long)(value / scale),
			decimals, (unsigned long long)(value % scale), unit);
	else
		len = snprintf(text, size, "%llu%s", (unsigned long long)value, unit);
	return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

void units_format_rate(struct rate rate, char *text, size_t size)
{
	if (rate.den == 0) {
		(void)snprintf(text, size, "max");
		return;
	}
	for (const struct units_unit *period = units_periods + 1; period->name; period++) {
		units_wide product = (units_wide)rate.num * period->factor * UNITS_RATE_SCALE;

		if (product % rate.den == 0 && product / rate.den <= UINT64_MAX) {
			(void)units_put(text, size, (uint64_t)(product / rate.den),
				UNITS_DECIMALS_MAX, period->name);
			return;
		}
	}
	/* A rate that no run file can contain (a point on a ramp): six significant digits. */
	(void)snprintf(text, size, "%.6g/s", rate_per_s(rate));
}

void units_format_time(int64_t ns, char *text, size_t size)
{
	uint64_t rest = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	const uint64_t hour = 3600 * NSEC_PER_SEC, minute = 60 * NSEC_PER_SEC;
	char parts[UNITS_TEXT_MAX];
	size_t len = 0;

	if (rest >= hour)
		len += units_put(parts + len, sizeof(parts) - len, rest / hour, 0, "h");
	rest %= hour;
	if (rest >= minute)
		len += units_put(parts + len, sizeof(parts) - len, rest / minute, 0, "m");
	rest %= minute;
	if (rest >= (uint64_t)NSEC_PER_SEC && rest % NSEC_PER_USEC != 0) {
		/* Nine decimals would be more than the parser takes. */
		len += units_put(parts + len, sizeof(parts) - len, rest / NSEC_PER_SEC, 0, "s");
		rest %= NSEC_PER_SEC;
	}
	if (rest >= (uint64_t)NSEC_PER_SEC)
		len += units_put(parts + len, sizeof(parts) - len, rest / NSEC_PER_USEC, 6, "s");
	else if (rest >= (uint64_t)NSEC_PER_MSEC)
		len += units_put(parts + len, sizeof(parts) - len, rest, 6, "ms");
	else if (rest >= (uint64_t)NSEC_PER_USEC)
		len += units_put(parts + len, sizeof(parts) - len, rest, 3, "us");
	else if (rest > 0)
		len += units_put(parts + len, sizeof(parts) - len, rest, 0, "ns");
	(void)snprintf(text, size, "%s%s", ns < 0 ? "-" : "", len > 0 ? parts : "0s");
}

int rate_scale(struct rate rate, struct rate factor, struct rate *ret)
{
	/* The factors are reduced crosswise first: then both products are reduced, and the rule for
	 * den keeps them small. */
	uint64_t a = units_gcd(rate.num, factor.den);
	uint64_t b = units_gcd(factor.num, rate.den);
	units_wide num = (units_wide)(rate.num / a) * (factor.num / b);
	units_wide den = (units_wide)(rate.den / b) * (factor.den / a);

	if (den > UNITS_RATE_DEN || UNITS_RATE_DEN % (uint64_t)den != 0 ||
		num > UNITS_RATE_MAX * den)
		return UNITS_E_RANGE;
	*ret = (struct rate){(uint64_t)num, (uint64_t)den};
	return 0;
}

double rate_per_s(struct rate rate)
{
	return rate.den > 0 ? (double)rate.num / (double)rate.den : 0.0;
}
