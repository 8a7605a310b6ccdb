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

int main(void)
{
	Suite *suite = suite_create("audit of stalls");
	TCase *tcase = tcase_create("stalls");

	tcase_add_loop_test(tcase, test_standstills, 0, LEN(courses));
	tcase_add_test(tcase, test_not_of_the_open_model);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
