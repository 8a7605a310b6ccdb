/* SPDX-License-Identifier: Apache-2.0 */
/* Slices and instants of run files: their grammar, and what they change of a plan. */
#include "common/plan/plan_slice.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "tests/support/suite.h"
#include "tests/unit/common/conf_plan.h"

START_TEST(good_slices)
{
	static const struct {
		const char *text;
		unsigned index, of;
	} rows[] = {{"1/1", 1, 1}, {"2/5", 2, 5}, {"1000/1000", 1000, 1000}, {"03/07", 3, 7}};
	struct plan p = {0};

	ck_assert_int_eq(plan_parse_slice(rows[_i].text, &p, NULL), 0);
	ck_assert_uint_eq(p.slice_index, rows[_i].index);
	ck_assert_uint_eq(p.slice_of, rows[_i].of);
}
END_TEST

START_TEST(bad_slices)
{
	static const char *const texts[] = {"", "/", "1", "1/", "/5", "0/5", "6/5", "1/0", "-1/5",
		"1/-5", "1/5 ", " 1/5", "1 /5", "1/5/7", "1.5/2", "1/1001", "99999/99999",
		"18446744073709551617/18446744073709551617"};
	struct err err = {0};
	struct plan p = {.slice_index = 7, .slice_of = 7};

	ck_assert_int_eq(plan_parse_slice(texts[_i], &p, &err), -EINVAL);
	ck_assert_uint_eq(p.slice_index + p.slice_of, 14);
	ck_assert_ptr_nonnull(strstr(err.text, "is not a slice"));
	ck_assert_int_eq(plan_parse_slice(texts[_i], NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(good_instants)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"1970-01-01T00:00:01Z", 1000000000},
		{"2026-11-22T17:00:00Z", 1795366800000000000},
		{"2026-11-22T17:00:00.5Z", 1795366800500000000},
		{"2024-02-29T23:59:59.000000001Z", 1709251199000000001},
		{"1795366800", 1795366800000000000},
		{"1795366800.25", 1795366800250000000},
		{"1795366800.123456789", 1795366800123456789},
		{"9223372035", 9223372035000000000},
	};
	int64_t ns = 0;

	ck_assert_int_eq(plan_parse_instant(rows[_i].text, &ns, NULL), 0);
	ck_assert_int_eq(ns, rows[_i].ns);
}
END_TEST

START_TEST(bad_instants)
{
	static const char *const texts[] = {"", "now", "0", "-1", "1.", ".5", "1.0000000001", "1e9",
		"9223372036", "999999999999999999", "2026-11-22", "2026-11-22T17:00:00",
		"2026-11-22T17:00Z", "2026-11-22 17:00:00Z", "2026-11-22T17:00:00+01:00",
		"2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2025-02-29T00:00:00Z",
		"2026-11-22T24:00:00Z", "2026-11-22T17:60:00Z", "2026-11-22T17:00:60Z",
		"2026-11-22T17:00:00.Z", "2026-11-22T17:00:00Zx", "1969-12-31T23:59:59Z",
		"3000-01-01T00:00:00Z", "20261-1-22T17:00:00Z", "T"};
	struct err err = {0};
	int64_t ns = 7;

	ck_assert_int_eq(plan_parse_instant(texts[_i], &ns, &err), -EINVAL);
	ck_assert_int_eq(ns, 7);
	ck_assert_ptr_nonnull(strstr(err.text, "is not an instant"));
	ck_assert_int_eq(plan_parse_instant(texts[_i], NULL, NULL), -EINVAL);
}
END_TEST

/* Which part is run, and when, changes nothing of the plan: its digest stays. */
START_TEST(plan_of_a_slice)
{
	static const char file[] = CONF_TARGET "[load]\nrate = 500\nduration = 10s\n";
	const char *text = _i ? file : NULL;
	struct conf_doc d = {0};
	char before[DIGEST_SHA256_HEX_SIZE];
	struct buf b = {0};
	struct plan *p;

	conf_read(&d, "f.ini", file);
	p = conf_build(&d, "f", text, NULL, 0);
	memcpy(before, p->sha256, sizeof(before));
	ck_assert_uint_eq(p->slice_of, 0);
	ck_assert_uint_eq(plan_n_slices(p), 1);
	ck_assert_int_eq(p->at_unix_ns, 0);
	plan_free(p);
	conf_set(&d, "--slice", "load", "slice", "2/5");
	conf_set(&d, "--at", "load", "at", "2026-11-22T17:00:00.5Z");
	p = conf_build(&d, "f", text, NULL, 0);
	ck_assert_uint_eq(p->slice_index, 2);
	ck_assert_uint_eq(p->slice_of, 5);
	ck_assert_uint_eq(plan_n_slices(p), 5);
	ck_assert_int_eq(p->at_unix_ns, 1795366800500000000);
	ck_assert_str_eq(p->sha256, before);
	conf_expect_rate(plan_peak_rate(p), 500, 1);
	ck_assert_double_eq(plan_own_peak_per_s(p), 100);
	ck_assert_int_eq(plan_describe(p, &b), 0);
	ck_assert_ptr_nonnull(strstr(b.data,
		"\n  slice        2 of 5: one of 5 of these requests, from number 2 on\n"
		"  starts       2026-11-22T17:00:00.500Z\n"));
	buf_fini(&b);
	plan_free(p);
	conf_fini(&d);
}
END_TEST

START_TEST(users_are_not_sliced)
{
	CONF_EXPECT(CONF_TARGET "[load]\nrate = max\nslice = 1/2\n",
		"f.ini:5: a closed model has no slices");
	plan_free(conf_plan(CONF_TARGET "[load]\nrate = max\nat = 1795366800\n"));
}
END_TEST

/* Slices that do not begin together are not one schedule. */
START_TEST(a_slice_has_a_start)
{
	struct plan *p;

	CONF_EXPECT(CONF_TARGET "[load]\nslice = 1/2\n",
		"f.ini:4: slice 1/2 needs an instant at which all slices begin: at (--at), or "
		"unsynchronised = yes (--unsynchronised) if they need not begin together");
	CONF_EXPECT(CONF_TARGET "[load]\nslice = 1/2\nunsynchronised = no\n",
		"f.ini:4: slice 1/2 needs an instant at which all slices begin: at (--at), or "
		"unsynchronised = yes (--unsynchronised) if they need not begin together");
	/* An instant that is none is said once. */
	CONF_EXPECT(CONF_TARGET "[load]\nslice = 1/2\nat = +10s\n",
		"f.ini:5: at: '+10s' is not an instant that all hosts agree on: write "
		"2026-11-22T17:00:00Z (UTC), or seconds since 1970");
	plan_free(conf_plan(CONF_TARGET "[load]\nslice = 1/1\n"));
	p = conf_plan(CONF_TARGET "[load]\nslice = 2/2\nunsynchronised = yes\n");
	ck_assert_uint_eq(p->slice_index, 2);
	plan_free(p);
}
END_TEST

START_TEST(a_start_lies_ahead)
{
	static const struct {
		int64_t ahead_ns;
		const char *problem; /* NULL: none */
	} rows[] = {
		{NSEC_PER_SEC, NULL},
		{24 * 3600 * NSEC_PER_SEC, NULL},
		{-5 * NSEC_PER_SEC,
			"its start at 2020-01-01T00:00:00Z (at, --at) is past: by this host's "
			"clock "
			"it is 2020-01-01T00:00:05Z; choose an instant 1 s to 24 h ahead"},
		{NSEC_PER_SEC / 2, "its start is 0.5 s ahead (at, --at): too soon to connect "
				   "before, choose one 1 s ahead at least"},
		{25 * 3600 * NSEC_PER_SEC,
			"its start at 2020-01-01T00:00:00Z (at, --at) is more than 24 h ahead: by "
			"this host's clock it is 2019-12-30T23:00:00Z; choose an instant 24 h "
			"ahead "
			"at most"},
	};
	struct plan *p = conf_plan(CONF_TARGET "[load]\nat = 2020-01-01T00:00:00Z\n");
	struct err err = {0};

	ck_assert_int_eq(plan_check_start(p, p->at_unix_ns - rows[_i].ahead_ns, &err),
		rows[_i].problem ? -ERANGE : 0);
	ck_assert_str_eq(err.text, rows[_i].problem ? rows[_i].problem : "");
	plan_free(p);
	p = conf_plan(CONF_TARGET);
	ck_assert_int_eq(plan_check_start(p, 1, &err), 0);
	plan_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan_slice");
	TCase *t = tcase_create("plan_slice");

	tcase_add_loop_test(t, good_slices, 0, 4);
	tcase_add_loop_test(t, bad_slices, 0, 18);
	tcase_add_loop_test(t, good_instants, 0, 8);
	tcase_add_loop_test(t, bad_instants, 0, 27);
	tcase_add_loop_test(t, plan_of_a_slice, 0, 2);
	tcase_add_test(t, users_are_not_sliced);
	tcase_add_test(t, a_slice_has_a_start);
	tcase_add_loop_test(t, a_start_lies_ahead, 0, 5);
	suite_add_tcase(s, t);
	return suite_main(s);
}
