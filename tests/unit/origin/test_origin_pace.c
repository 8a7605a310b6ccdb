/* SPDX-License-Identifier: Apache-2.0 */
/* The instants of an origin's faults, on a clock of our own. */
#include "daemon/origin/origin_timing.h"

#include <check.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/support/suite.h"

#define MS NSEC_PER_MSEC
#define LEN(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- stalls: the grid begins at 1,000 ms */

#define START (1000 * MS)

static const struct settings_cycle often = {100 * MS, 1000 * MS};
static const struct settings_cycle once = {100 * MS, 0};
static const struct settings_cycle never = {0, 0};

static const struct {
	const struct settings_cycle *cycle;
	int64_t start_ns;
	int64_t now_ns;
	int64_t until_ns;
	int64_t next_ns;
} stalls[] = {
	{&often, START, START, START + 100 * MS, START + 1000 * MS},
	{&often, START, START + 1, START + 100 * MS, START + 1000 * MS},
	{&often, START, START + 100 * MS - 1, START + 100 * MS, START + 1000 * MS},
	{&often, START, START + 100 * MS, 0, START + 1000 * MS},
	{&often, START, START + 1000 * MS - 1, 0, START + 1000 * MS},
	{&often, START, START + 1000 * MS, START + 1100 * MS, START + 2000 * MS},
	/* A day later it is on the same grid. */
	{&often, START, START + 86400000 * MS + 99 * MS, START + 86400100 * MS,
		START + 86401000 * MS},
	{&often, START, START - 1, 0, START},
	{&often, CLOCK_NEVER, START, 0, CLOCK_NEVER},
	{&once, START, START, START + 100 * MS, CLOCK_NEVER},
	{&once, START, START + 99 * MS, START + 100 * MS, CLOCK_NEVER},
	{&once, START, START + 100 * MS, 0, CLOCK_NEVER},
	{&once, START, START + 86400000 * MS, 0, CLOCK_NEVER},
	{&never, START, START, 0, CLOCK_NEVER},
};

START_TEST(stalls_are_on_their_grid)
{
	ck_assert_int_eq(
		origin_pace_stalled_until(stalls[_i].cycle, stalls[_i].start_ns, stalls[_i].now_ns),
		stalls[_i].until_ns);
	ck_assert_int_eq(
		origin_pace_next_stall(stalls[_i].cycle, stalls[_i].start_ns, stalls[_i].now_ns),
		stalls[_i].next_ns);
}
END_TEST

/* Whatever its beginning, a window of whole periods holds exactly its share. */
START_TEST(whole_periods_hold_the_share)
{
	int64_t stalled = 0;

	for (int64_t t = _i * 37 * MS; t < _i * 37 * MS + 3000 * MS; t += MS)
		stalled += origin_pace_stalled_until(&often, 0, t) > 0;
	ck_assert_int_eq(stalled, 300);
}
END_TEST

/* ---- drip */

static const struct settings_origin dripping = {.drip_pieces = 50, .drip_ns = 10 * MS};

static const struct {
	int64_t passed_ns;
	uint64_t out;
	int64_t next_ns;
} drips[] = {
	{0, 101, 10 * MS},
	{10 * MS - 1, 101, 10 * MS},
	{10 * MS, 121, 20 * MS},
	{25 * MS, 141, 30 * MS},
	{490 * MS, 100 + 1 + 49 * 20, 500 * MS},
	{500 * MS - 1, 100 + 1 + 49 * 20, 500 * MS},
	{500 * MS, 1101, 510 * MS},
	{9000 * MS, 1101, 9010 * MS},
};

/* A head of 100 bytes, a body of 1,001. */
START_TEST(drips_are_on_their_grid)
{
	ck_assert_uint_eq(
		origin_pace_drip(&dripping, 100, 1001, drips[_i].passed_ns), drips[_i].out);
	ck_assert_int_eq(origin_pace_next_drip(&dripping, drips[_i].passed_ns), drips[_i].next_ns);
}
END_TEST

/* As every combination of body and pieces that is taken, the largest too. */
START_TEST(each_piece_has_a_byte)
{
	static const struct {
		uint64_t body;
		uint64_t pieces;
	} rows[] = {{2, 1}, {51, 50}, {1024, 1023}, {64 << 20, 1000000}, {64 << 20, 1}};
	struct settings_origin s = {.drip_pieces = rows[_i].pieces, .drip_ns = 7};
	uint64_t before = 0;

	for (uint64_t k = 0; k <= s.drip_pieces; k++) {
		uint64_t out = origin_pace_drip(&s, 10, rows[_i].body, (int64_t)k * 7);

		if (out <= before)
			ck_abort_msg("piece %d is empty", (int)k);
		before = out;
	}
	ck_assert_uint_eq(before, 10 + rows[_i].body);
}
END_TEST

START_TEST(what_does_not_drip_is_out_at_once)
{
	struct settings_origin plain = {0};

	ck_assert_uint_eq(origin_pace_drip(&plain, 100, 1001, 0), 1101);
	ck_assert_uint_eq(origin_pace_drip(&dripping, 100, 0, 0), 100);
}
END_TEST

/* ---- reading slowly */

static const struct settings_origin reading = {.read_bytes = 1000, .read_ns = 100 * MS};

/* When a body of so many bytes that is all there is read, of which some came with the head. */
static int64_t read_all(uint64_t body, uint64_t owed)
{
	struct origin_pace_read r;
	int64_t now_ns = START;

	origin_pace_read_begin(&r, now_ns, owed);
	body -= owed;
	for (;;) {
		int64_t due_ns = origin_pace_read_wait(&r, &reading, now_ns);
		uint64_t n = r.left < body ? r.left : body;

		ck_assert_int_eq(due_ns > now_ns, due_ns != 0);
		if (due_ns > 0) {
			now_ns = due_ns;
			continue;
		}
		body -= n;
		r.left -= n;
		if (body == 0)
			return now_ns - START;
	}
}

static const struct {
	uint64_t body;
	uint64_t owed;
	int64_t took_ms;
} reads[] = {
	{1, 0, 100},
	{1000, 0, 100},
	{1001, 0, 200},
	{16000, 0, 1600},
	{16000, 300, 1600},
	{16000, 1000, 1600},
	{16000, 1001, 1600},
	{16000, 15999, 1600},
	{16000, 16000, 1600},
	{300, 300, 100},
	{1, 1, 100},
	{1000, 1000, 100},
	{1001, 1001, 200},
};

START_TEST(a_body_takes_as_long_as_its_pieces)
{
	ck_assert_int_eq(read_all(reads[_i].body, reads[_i].owed), reads[_i].took_ms * MS);
}
END_TEST

/* Late by less than a piece it stays on its grid; later it does not catch up. */
START_TEST(no_pieces_of_the_past)
{
	struct origin_pace_read r;

	origin_pace_read_begin(&r, START, 0);
	ck_assert_int_eq(origin_pace_read_wait(&r, &reading, START + 150 * MS), 0);
	r.left = 0;
	ck_assert_int_eq(origin_pace_read_wait(&r, &reading, START + 150 * MS), START + 200 * MS);
	ck_assert_int_eq(origin_pace_read_wait(&r, &reading, START + 990 * MS), 0);
	ck_assert_uint_eq(r.left, 1000);
	r.left = 0;
	ck_assert_int_eq(origin_pace_read_wait(&r, &reading, START + 990 * MS), START + 1090 * MS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("origin_pace");
	TCase *tcase = tcase_create("origin_pace");

	tcase_add_loop_test(tcase, stalls_are_on_their_grid, 0, LEN(stalls));
	tcase_add_loop_test(tcase, whole_periods_hold_the_share, 0, 30);
	tcase_add_loop_test(tcase, drips_are_on_their_grid, 0, LEN(drips));
	tcase_add_loop_test(tcase, each_piece_has_a_byte, 0, 5);
	tcase_add_test(tcase, what_does_not_drip_is_out_at_once);
	tcase_add_loop_test(tcase, a_body_takes_as_long_as_its_pieces, 0, LEN(reads));
	tcase_add_test(tcase, no_pieces_of_the_past);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
