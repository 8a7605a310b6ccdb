/* SPDX-License-Identifier: Apache-2.0 */
/* A server that stands still, in the closed model: what is told of it, and what is none. */
#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/support/suite.h"
#include "tests/unit/common/audit_judged.h"

#define MS NSEC_PER_MSEC
#define S NSEC_PER_SEC
#define LEN(x) ((int)(sizeof(x) / sizeof((x)[0])))
#define USUAL                                                                                      \
	{                                                                                          \
		.ok = 1000, .max_ns = 8 * MS                                                       \
	}
#define OTHER                                                                                      \
	{                                                                                          \
		.ok = 930, .max_ns = 11 * MS                                                       \
	}

static const struct {
	struct audit_run_answers rows[6];
	int64_t less_max;
	const char *says; /* NULL: nothing */
} courses[] = {
	{{USUAL, OTHER, USUAL, USUAL, OTHER, USUAL}, 11 * MS, NULL},
	/* Within a row, over a border, and up to the end. */
	{{USUAL, {.ok = 50, .max_ns = 960 * MS}, USUAL, OTHER, USUAL, USUAL}, 960 * MS,
		"the server stood still at 0:01: no answer came for 960 ms"},
	{{USUAL, USUAL, {.ok = 700, .max_ns = 1000 * MS}, {.ok = 320, .max_ns = 8 * MS}, OTHER,
		 USUAL},
		S, "the server stood still at 0:02: no answer came for 1.00 s"},
	{{USUAL, OTHER, USUAL, USUAL, USUAL, {.ok = 400, .max_ns = 3 * S}}, 3 * S,
		"the server stood still at 0:05: no answer came for 3.00 s"},
	{{{.ok = 0, .max_ns = 1000 * MS}, USUAL, OTHER, {.ok = 14, .max_ns = 1004 * MS}, USUAL,
		 OTHER},
		1004 * MS,
		"the server stood still at times, at 0:00, 0:03: no answer came for up to 1.00 s"},
	{{{.ok = 700, .max_ns = 300 * MS}, USUAL, USUAL, OTHER, USUAL, USUAL}, 300 * MS,
		"the server stood still at 0:00: no answer came for 300 ms"},
	/* Rows that have more than usual make up for nothing. */
	{{USUAL, USUAL, {.ok = 920, .max_ns = 1010 * MS}, {.ok = 80, .max_ns = 8 * MS},
		 {.ok = 1400}, USUAL},
		1010 * MS, "the server stood still at 0:02: no answer came for 1.01 s"},
	/* One request of many is slow: the others are answered. */
	{{USUAL, {.ok = 990, .max_ns = 2 * S}, USUAL, OTHER, USUAL, USUAL}, 2 * S, NULL},
	{{USUAL, {.ok = 750, .max_ns = S}, {.ok = 750, .max_ns = S}, {.ok = 750, .max_ns = S},
		 {.ok = 750, .max_ns = S}, USUAL},
		S, NULL},
	/* Too short, and the generator's own. */
	{{USUAL, {.ok = 810, .max_ns = 190 * MS}, USUAL, OTHER, USUAL, USUAL}, 190 * MS, NULL},
	{{USUAL, {.ok = 50, .max_ns = 960 * MS}, USUAL, OTHER, USUAL, USUAL}, 20 * MS, NULL},
	/* So few answers that a second without one is normal. */
	{{{.ok = 3, .max_ns = S}, {.ok = 0, .max_ns = 2 * S}, {.ok = 3, .max_ns = 300 * MS},
		 {.ok = 3, .max_ns = 300 * MS}, {.ok = 3, .max_ns = 300 * MS},
		 {.ok = 3, .max_ns = MS}},
		2 * S, NULL},
};

static struct audit_run stalling(int i)
{
	struct audit_run in = audit_run_well_closed();

	in.window_ns = 6 * S;
	in.row_answers = courses[i].rows;
	in.n_rows = 6;
	in.less_max = courses[i].less_max;
	return in;
}

START_TEST(test_standstills)
{
	struct audit_run in = stalling(_i);
	struct audit a = judged(&in);
	const struct audit_note *note = note_of(&a, "stalls");

	ck_assert_int_eq(a.verdict, AUDIT_OK);
	ck_assert_int_eq(a.headline, AUDIT_HEADLINE_OK);
	if (!courses[_i].says) {
		ck_assert_ptr_null(note);
		return;
	}
	ck_assert_ptr_nonnull(note);
	ck_assert_str_eq(note->text, courses[_i].says);
	ck_assert_ptr_nonnull(strstr(note->try_text, "its log"));
}
END_TEST

/* In the open model the percentiles show it, and the headline says so. */
START_TEST(test_not_of_the_open_model)
{
	struct audit_run in = audit_run_well();
	struct audit a;

	in.window_ns = 6 * S;
	in.row_answers = courses[1].rows;
	in.n_rows = 6;
	a = judged(&in);
	ck_assert_ptr_null(note_of(&a, "stalls"));
}
END_TEST

/* Rows of a second each, of an open run at 100/s against a server of 5 ms. */
#define ROW(n_ok, p50, max, left)                                                                  \
	{                                                                                          \
		.planned = 100, .ok = (n_ok), .p50_ns = (p50)*MS, .max_ns = (max)*MS,              \
		.backlog = (left)                                                                  \
	}

static const struct {
	struct audit_run_answers rows[6];
	size_t n;
	int64_t p50, p99, most;
	double ok_per_s;
	const char *says; /* NULL: it did not stand still */
} open_courses[] = {
	/* Two seconds of three, half of each two, and half of each two within the rows. */
	{{ROW(0, 1518, 2008, 100), ROW(0, 513, 1011, 200), ROW(299, 5, 12, 1),
		 ROW(1, 1509, 2003, 100), ROW(0, 509, 1009, 200)},
		5, 760 * MS, 1989 * MS, 200, 60,
		"limited by the server: it stood still at times, at 0:00, 0:03: no answer came for "
		"up to 2.01 s"},
	{{ROW(0, 509, 1006, 100), ROW(199, 5, 9, 1), ROW(1, 509, 1002, 100), ROW(199, 5, 10, 1)}, 4,
		9 * MS, 990 * MS, 100, 100,
		"limited by the server: it stood still at times, at 0:00, 0:02: no answer came for "
		"up to 1.01 s"},
	{{ROW(100, 446, 943, 0), ROW(95, 5, 995, 5), ROW(105, 446, 945, 0), ROW(95, 5, 995, 5),
		 ROW(105, 447, 945, 0)},
		5, 147 * MS, 975 * MS, 100, 100,
		"limited by the server: it stood still at times, at 0:00, 0:01, 0:03: no answer "
		"came for up to 995 ms"},
	/* A queue that grows, one that wanders, and a few slow answers among fast ones. */
	{{ROW(60, 200, 405, 40), ROW(60, 600, 805, 80), ROW(60, 1000, 1205, 120),
		 ROW(60, 1400, 1605, 160), ROW(60, 1800, 2005, 200)},
		5, 1000 * MS, 1990 * MS, 200, 60, NULL},
	{{ROW(95, 5, 300, 25), ROW(97, 250, 400, 28), ROW(98, 280, 420, 30), ROW(99, 300, 450, 31),
		 ROW(98, 310, 470, 33)},
		5, 270 * MS, 460 * MS, 50, 98, NULL},
	{{ROW(98, 5, 1005, 2), ROW(99, 5, 1005, 3), ROW(100, 5, 1005, 3), ROW(99, 5, 1005, 4),
		 ROW(100, 5, 1005, 4)},
		5, 5 * MS, 1005 * MS, 9, 99, NULL},
};

static struct audit_run standing(int i)
{
	struct audit_run in = audit_run_well();
	int64_t n = (int64_t)open_courses[i].n;

	in.ledger = (struct ledger){.planned = (uint64_t)(100 * n),
		.sent = (uint64_t)(100 * n),
		.classes = {[LEDGER_OK] = (uint64_t)(100 * n)}};
	in.planned_per_s = 100;
	in.window_ns = n * S;
	in.ok_per_s = open_courses[i].ok_per_s;
	in.service_min = 5 * MS;
	in.response_p50 = in.service_p50 = open_courses[i].p50;
	in.response_p99 = in.service_p99 = open_courses[i].p99;
	in.service_mean = in.response_p99 / 2;
	in.connections_peak = (uint64_t)open_courses[i].most;
	in.row_answers = open_courses[i].rows;
	in.n_rows = open_courses[i].n;
	return in;
}

/* A lower rate waits as long, however many answers came after the window. */
START_TEST(test_standing_still_in_the_open_model)
{
	struct audit_run in = standing(_i);
	struct audit a = judged(&in);

	if (!open_courses[_i].says) {
		ck_assert_ptr_null(strstr(a.because, "stood still"));
		return;
	}
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	ck_assert_str_eq(a.because, open_courses[_i].says);
	ck_assert_ptr_nonnull(strstr(a.try_text, "a lower rate or more connections would wait as"));
	ck_assert_ptr_null(strstr(a.try_text, "-r"));
}
END_TEST

/* Where the connections hardly carry the mean time that the standstills make, more of them wait as
 * long. */
START_TEST(test_standing_still_with_few_connections)
{
	struct audit_run in = standing(0);
	struct audit a;

	in.connections_limit = in.connections_peak = 10;
	in.queue_peak = 190;
	in.connection_wait_p50 = 700 * MS;
	in.connection_wait_p99 = in.response_p99;
	in.connection_wait_mean = 700 * MS;
	in.service_mean = 200 * MS;
	in.service_p50 = 5 * MS;
	a = judged(&in);
	ASSERT_JUDGED(&a, AUDIT_HEADLINE_OK, AUDIT_BY_SERVER, 0);
	ck_assert_ptr_nonnull(strstr(a.because, "stood still"));
}
END_TEST

/* The window's last row is cut: its answers are those of a part of a row. */
START_TEST(test_standstill_of_a_short_run)
{
	static const struct audit_run_answers rows[] = {{.ok = 795, .max_ns = 1000 * MS},
		{.ok = 165, .max_ns = 6 * MS}, {.ok = 540, .max_ns = 6 * MS}};
	struct audit_run in = audit_run_well_closed();
	const struct audit_note *note;
	struct audit a;

	in.window_ns = 3 * S;
	in.row_answers = rows;
	in.n_rows = 3;
	in.less_max = 1000 * MS;
	in.last_row = 580 * MS;
	a = judged(&in);
	note = note_of(&a, "stalls");
	ck_assert_ptr_nonnull(note);
	ck_assert_str_eq(note->text, "the server stood still at 0:00: no answer came for 1.00 s");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit of stalls");
	TCase *tcase = tcase_create("stalls");

	tcase_add_loop_test(tcase, test_standstills, 0, LEN(courses));
	tcase_add_test(tcase, test_not_of_the_open_model);
	tcase_add_loop_test(tcase, test_standing_still_in_the_open_model, 0, LEN(open_courses));
	tcase_add_test(tcase, test_standing_still_with_few_connections);
	tcase_add_test(tcase, test_standstill_of_a_short_run);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
