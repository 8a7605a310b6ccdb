/* SPDX-License-Identifier: Apache-2.0 */
/* What the full report says of the generator and its machine: what is null or absent has no line,
 * and every note with a remedy has its figure and its limit. */
#include "tests/support/suite.h"
#include "tests/unit/ctl/report_fixture.h"

static json_t *doc;

static void setup(void)
{
	doc = recorded_report("open");
}

static void teardown(void)
{
	json_decref(doc);
}

/* The block of the generator; free it. */
static char *block(void)
{
	struct style style = {.width = 80, .utf8 = true, .verbose = true};
	char *text = fixture_render(&format_text, doc, style);
	char *at, *end;

	at = strstr(text, "\nGenerator\n");
	ck_assert_ptr_nonnull(at);
	end = strstr(at, "\nPlan\n");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	at = strdup(at);
	free(text);
	return at;
}

static const struct {
	const char *member;
	double value; /* a real or, where it is whole, an integer */
	const char *want;
} lines[] = {
	{"steal_share", 0.125, "  steal 12 % of this machine's CPU time\n"},
	{"run_queue_share", 0.25, "  waited for a CPU 25 % of the run, lost it 303 times\n"},
	{"loop_p99_ns", 58879, "  a turn of its loop took up to 58.9 us (p99), at most 5.01 ms\n"},
	{"throttled_share", 0.5, "  CPU quota ran out in 50 % of its periods\n"},
	{"softirq_share", 0.25, "  packets and timers 25 % of this machine's CPU time\n"},
	{"retransmits", 12, "  TCP: 2,032 segments sent, 12 of them again\n"},
	{"clock_ns", 17, "  clock tsc, 17 ns a reading\n"},
};

START_TEST(figures_of_the_machine)
{
	double v = lines[_i].value;
	char *text;

	fixture_set(doc, "generator", "involuntary_switches", json_integer(303));
	fixture_set(doc, "generator", "loop_max_ns", json_integer(5009998));
	fixture_set(doc, "generator", "tcp_segments", json_integer(2032));
	fixture_set(doc, "generator", "clocksource", json_string("tsc"));
	fixture_set(doc, "generator", lines[_i].member,
		v < 1 ? json_real(v) : json_integer((json_int_t)v));
	text = block();
	ck_assert_msg(strstr(text, lines[_i].want), "%s", text);
	free(text);
	fixture_set(doc, "generator", lines[_i].member, json_null());
	text = block();
	ck_assert_ptr_null(strstr(text, lines[_i].want));
	ck_assert_msg(!strstr(text, "null") && !strstr(text, "-1"), "%s", text);
	free(text);
}
END_TEST

START_TEST(what_there_is_room_for)
{
	char *text;

	fixture_set(doc, "generator", "descriptors",
		json_pack("{s:i s:i}", "limit", 20000, "used_at_most", 26));
	fixture_set(doc, "generator", "ports",
		json_pack("{s:i s:i}", "range", 28232, "time_wait", 754));
	text = block();
	ck_assert_ptr_nonnull(strstr(text, "  descriptors 26 of 20,000\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "  ports 28,232, of this machine 754 wait to be used again\n"));
	free(text);
}
END_TEST

static const struct {
	double value, limit;
	const char *unit, *try_text, *want;
} notes[] = {
	{1360895, 1000000, "ns", "a quieter machine", "  x: 1.36 ms, limit 1.00 ms\n"},
	{0.25, 0.05, "share", "a dedicated machine", "  x: 25 %, limit 5 %\n"},
	{165, 0, "count", "more of them", "  x: 165, limit 0\n"},
	{1, 0, "count", "", NULL},		 /* nothing to try: no reason */
	{1, 0, NULL, "a quieter machine", NULL}, /* an older document */
};

START_TEST(notes_have_their_limit)
{
	json_t *note = json_pack("{s:s s:f s:f s:s s:s}", "code", "x", "value", notes[_i].value,
		"limit", notes[_i].limit, "text", "in words", "try", notes[_i].try_text);
	char *text;

	if (notes[_i].unit)
		json_object_set_new(note, "unit", json_string(notes[_i].unit));
	fixture_set(doc, "generator", "notes", json_pack("[o]", note));
	text = block();
	if (notes[_i].want)
		ck_assert_msg(strstr(text, notes[_i].want), "%s", text);
	else
		ck_assert_msg(!strstr(text, "  x: "), "%s", text);
	free(text);
}
END_TEST

#define LEN(x) (int)(sizeof(x) / sizeof((x)[0]))

int main(void)
{
	Suite *s = suite_create("format of the generator");
	TCase *t = tcase_create("generator");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, figures_of_the_machine, 0, LEN(lines));
	tcase_add_test(t, what_there_is_room_for);
	tcase_add_loop_test(t, notes_have_their_limit, 0, LEN(notes));
	suite_add_tcase(s, t);
	return suite_main(s);
}
