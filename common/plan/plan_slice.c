/* SPDX-License-Identifier: Apache-2.0 */
/* Slices. Several hosts that start one plan at the same instant, each with its own slice, act as
 * one generator: slice i of n makes every n-th arrival of the one schedule, from the i-th on. The
 * plan and its digest are the same on all of them, so that their results can be added up. */
#include "common/plan/plan_slice.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/plan/plan.h"
#include "common/str.h"

/* Later instants do not fit into ns since 1970: they end in 2262. */
#define PLAN_INSTANT_MAX_S (INT64_MAX / NSEC_PER_SEC - 1)

/* The allowed distance of a run's start from now: resolving and connecting take time, and a start
 * that is days away is a mistyped date. */
#define PLAN_AHEAD_MIN_NS NSEC_PER_SEC
#define PLAN_AHEAD_MAX_NS (24 * 3600 * NSEC_PER_SEC)

/* Reads at most n_max digits at *text. False: none, or more. */
static bool plan_take_number(const char **text, size_t n_max, int64_t *ret)
{
	size_t n = strspn(*text, "0123456789");
	int64_t value = 0;

	if (n == 0 || n > n_max)
		return false;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + ((*text)[i] - '0');
	*text += n;
	*ret = value;
	return true;
}

int plan_parse_slice(const char *value, void *field, struct err *reterr)
{
	struct plan *plan = field;
	const char *at = value;
	int64_t index = 0, of = 0;

	if (!plan_take_number(&at, 4, &index) || *at++ != '/' || !plan_take_number(&at, 4, &of) ||
		*at) {
		err_set(reterr, "'%.60s' is not a slice: write which of how many, as in 2/5",
			value);
		return -EINVAL;
	}
	if (of < 1 || of > PLAN_SLICES_MAX || index < 1 || index > of) {
		err_set(reterr, "'%.60s' is not a slice: there are 1/N to N/N, and N is at most %d",
			value, PLAN_SLICES_MAX);
		return -EINVAL;
	}
	if (plan) {
		plan->slice_index = (unsigned)index;
		plan->slice_of = (unsigned)of;
	}
	return 0;
}

/* ".25" and the like, or nothing. */
static bool plan_take_fraction(const char **text, int64_t *ret_ns)
{
	const char *from;
	int64_t ns = 0;

	*ret_ns = 0;
	if (**text != '.')
		return true;
	from = ++*text;
	if (!plan_take_number(text, 9, &ns))
		return false;
	for (size_t n = (size_t)(*text - from); n < 9; n++)
		ns *= 10;
	*ret_ns = ns;
	return true;
}

/* "2026-11-22T17:00:00" at *text. */
static bool plan_take_date(const char **text, int64_t *ret_s)
{
	static const char separators[] = "--T::";
	int64_t parts[6];
	struct tm tm, back;
	time_t s;

	for (int i = 0; i < 6; i++) {
		size_t width = i == 0 ? 4 : 2;

		if (strspn(*text, "0123456789") != width ||
			!plan_take_number(text, width, &parts[i]))
			return false;
		if (i < 5 && *(*text)++ != separators[i])
			return false;
	}
	tm = (struct tm){.tm_year = (int)parts[0] - 1900,
		.tm_mon = (int)parts[1] - 1,
		.tm_mday = (int)parts[2],
		.tm_hour = (int)parts[3],
		.tm_min = (int)parts[4],
		.tm_sec = (int)parts[5]};
	back = tm;
	s = timegm(&back);
	/* timegm() turns April 31 into May 1. */
	if (s < 0 || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
		back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return false;
	*ret_s = s;
	return true;
}

int plan_parse_instant(const char *value, void *field, struct err *reterr)
{
	const char *at = value;
	bool is_date = strchr(value, 'T') != NULL;
	int64_t s = 0, ns = 0;
	bool ok = is_date ? plan_take_date(&at, &s) : plan_take_number(&at, 18, &s);

	ok = ok && plan_take_fraction(&at, &ns);
	if (ok && is_date)
		ok = *at++ == 'Z';
	if (!ok || *at || s > PLAN_INSTANT_MAX_S || s == 0) {
		err_set(reterr,
			"'%.60s' is not an instant that all hosts agree on: write "
			"2026-11-22T17:00:00Z (UTC), or seconds since 1970",
			value);
		return -EINVAL;
	}
	if (field)
		*(int64_t *)field = s * NSEC_PER_SEC + ns;
	return 0;
}

static void plan_write_instant(int64_t unix_ns, char *ret, size_t size)
{
	time_t s = unix_ns / NSEC_PER_SEC;
	struct tm tm;

	*ret = '\0';
	if (gmtime_r(&s, &tm))
		(void)strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int plan_check_start(const struct plan *plan, int64_t now_unix_ns, struct err *reterr)
{
	int64_t ahead_ns = plan->at_unix_ns - now_unix_ns;
	char start[32], now[32];

	if (plan->at_unix_ns == 0 ||
		(ahead_ns >= PLAN_AHEAD_MIN_NS && ahead_ns <= PLAN_AHEAD_MAX_NS))
		return 0;
	plan_write_instant(plan->at_unix_ns, start, sizeof(start));
	plan_write_instant(now_unix_ns, now, sizeof(now));
	if (ahead_ns < 0)
		err_set(reterr,
			"its start at %s (at, --at) is past: by this host's clock it is %s; choose "
			"an instant 1 s to 24 h ahead",
			start, now);
	else if (ahead_ns < PLAN_AHEAD_MIN_NS)
		err_set(reterr,
			"its start is %.1f s ahead (at, --at): too soon to connect before, choose "
			"one 1 s ahead at least",
			(double)ahead_ns / 1e9);
	else
		err_set(reterr,
			"its start at %s (at, --at) is more than 24 h ahead: by this host's clock "
			"it is %s; choose an instant 24 h ahead at most",
			start, now);
	return -ERANGE;
}

bool plan_is_of_slice(const struct ini_entry *e)
{
	static const char *const keys[] = {"slice", "at", "unsynchronised"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (str_eq(e->section, "load") && str_eq(e->key, keys[i]))
			return true;
	return false;
}
