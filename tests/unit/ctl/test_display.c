/* SPDX-License-Identifier: Apache-2.0 */
/* The line that is redrawn, and the lines for awk. */
#include "ctl/live/display.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/str.h"
#include "ctl/style.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/progress_fixture.h"

static json_t *running(void)
{
	json_t *doc = json_pack("{s:{s:s, s:s}, s:I, s:I, s:f, s:i, s:i, s:i, s:i,"
				" s:{s:I, s:i, s:i, s:i, s:I, s:I, s:I}, s:I}",
		"run", "id", "checkout-17", "state", "running", "elapsed_ns",
		(json_int_t)192000000000, "total_ns", (json_int_t)330000000000, "asked_per_s",
		500.0, "ok", 95994, "failed", 6, "in_flight", 7, "queue", 0, "last", "width_ns",
		(json_int_t)1000000000, "sent", 500, "ok", 499, "failed", 0, "p50_ns",
		(json_int_t)12100000, "p99_ns", (json_int_t)41000000, "our_delay_p99_ns",
		(json_int_t)400000, "our_delay_p99_ns", (json_int_t)9900000);

	ck_assert_ptr_nonnull(doc);
	return doc;
}

static char *bar(json_t *doc, unsigned width, bool utf8)
{
	struct style style = {.width = width, .utf8 = utf8, .terminal = true};
	struct progress now = progress_of(doc);
	struct buf text = {0};

	ck_assert_int_eq(display_bar(&now, &style, &text), 0);
	progress_fini(&now);
	return text.data ? text.data : strdup("");
}

static void plain(json_t *doc, struct buf *ret)
{
	struct progress now = progress_of(doc);

	ck_assert_int_eq(display_plain(&now, ret), 0);
	progress_fini(&now);
}

static void show(struct display *d, json_t *doc)
{
	struct progress now = progress_of(doc);

	display_show(d, &now, 0);
	progress_fini(&now);
}

static void assert_bar(unsigned width, bool utf8, const char *want)
{
	json_t *doc = running();
	char *text = bar(doc, width, utf8);

	ck_assert_str_eq(text, want);
	free(text);
	json_decref(doc);
}

START_TEST(test_bar)
{
	assert_bar(100, true,
		"checkout-17  [█████████████▉          ]  58 %  500/s  6 failed  p99 41.0 ms  2:18 "
		"left  "
		"7 in flight");
	assert_bar(80, false,
		"checkout-17  [#########        ]  58 %  500/s  6 failed  p99 41.0 ms  2:18 left");
	assert_bar(40, true, "checkout-17   58 %  500/s  6 failed");
	assert_bar(20, true, "checkout-17   58 %");
	assert_bar(8, true, "checkou");
}
END_TEST

START_TEST(test_bar_always_fits)
{
	json_t *doc = running();

	for (unsigned width = 1; width <= 200; width++) {
		char *text = bar(doc, width, _i & 1);

		if (_i & 2)
			json_object_set_new(doc, "elapsed_ns", json_integer(width * 2000000000LL));
		ck_assert_msg(style_columns(text) < width || width == 1, "%u: %s", width, text);
		ck_assert_ptr_null(strchr(text, '\n'));
		free(text);
	}
	json_decref(doc);
}
END_TEST

START_TEST(test_bar_of_other_states)
{
	json_t *doc = running();
	char *text;

	json_object_set_new(json_object_get(doc, "run"), "state", json_string("draining"));
	text = bar(doc, 100, false);
	ck_assert_ptr_nonnull(strstr(text, "draining"));
	ck_assert_ptr_null(strstr(text, "left"));
	free(text);
	/* By count: unknown how long. */
	json_object_set_new(json_object_get(doc, "run"), "state", json_string("running"));
	json_object_set_new(doc, "total_ns", json_null());
	json_object_set_new(doc, "queue", json_integer(1234));
	text = bar(doc, 100, false);
	ck_assert_str_eq(text, "checkout-17  500/s  6 failed  p99 41.0 ms  3:12  1,234 waiting");
	free(text);
	json_decref(doc);
	/* Before anything is known. */
	doc = json_pack("{s:{s:s, s:s}, s:i, s:n, s:n}", "run", "id", "x-1", "state", "preparing",
		"elapsed_ns", 0, "total_ns", "last");
	text = bar(doc, 100, false);
	ck_assert_str_eq(text, "x-1  preparing  0 failed  0:00  0 in flight");
	free(text);
	json_decref(doc);
	doc = json_object();
	text = bar(doc, 100, false);
	ck_assert_uint_gt(strlen(text), 0);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(test_plain)
{
	json_t *doc = running();
	json_t *last = json_object_get(doc, "last");
	struct buf text = {0};

	plain(doc, &text);
	ck_assert_str_eq(text.data, "3:12 asked 500 sent 500 ok 499 fail 0 p50 12.1 p99 41.0 "
				    "inflight 7 ours 0.400\n");
	buf_fini(&text);
	/* Nothing resolved; another width; a plan without a rate; thousands without commas. */
	json_object_set_new(last, "p50_ns", json_null());
	json_object_set_new(last, "p99_ns", json_integer(4567890000LL));
	json_object_set_new(last, "width_ns", json_integer(100000000));
	json_object_set_new(doc, "asked_per_s", json_null());
	plain(doc, &text);
	ck_assert_str_eq(text.data, "3:12 asked - sent 5000 ok 4990 fail 0 p50 - p99 4570 "
				    "inflight 7 ours 0.400\n");
	buf_fini(&text);
	/* So slow that most intervals have no request. */
	json_object_set_new(last, "width_ns", json_integer(1000000000));
	json_object_set_new(last, "sent", json_integer(0));
	json_object_set_new(last, "ok", json_integer(0));
	json_object_set_new(doc, "asked_per_s", json_real(0.5));
	json_object_set_new(doc, "sent", json_integer(3));
	plain(doc, &text);
	ck_assert_str_eq(text.data, "3:12 asked 0.5 sent 0 ok 0 fail 0 p50 - p99 4570 inflight 7 "
				    "ours 0.400 (3 sent so far)\n");
	buf_fini(&text);
	json_object_set_new(doc, "last", json_null());
	plain(doc, &text);
	ck_assert_uint_eq(text.len, 0);
	json_decref(doc);
}
END_TEST

/* The worst of all rules, in one word. */
START_TEST(test_plain_with_rules)
{
	static const struct {
		const char *rules, *end;
	} rows[] = {
		{"[]", " ours 0.400\n"},
		{"[{\"rule\":\"p99 < 1s\",\"result\":\"pass\"}]", " ours 0.400 rules holding\n"},
		{"[{\"rule\":\"p99 < 1s\",\"result\":\"undecided\"},"
		 "{\"rule\":\"p50 < 1s\",\"result\":\"pass\"}]",
			" ours 0.400 rules undecided\n"},
		{"[{\"rule\":\"p99 < 1s\",\"result\":\"undecided\"},"
		 "{\"rule\":\"p50 < 1s\",\"result\":\"fail\"},5]",
			" ours 0.400 rules broken\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *doc = running();
		struct buf text = {0};

		json_object_set_new(doc, "rules", json_loads(rows[i].rules, 0, NULL));
		plain(doc, &text);
		ck_assert_msg(str_ends(text.data, rows[i].end), "%s", text.data);
		buf_fini(&text);
		json_decref(doc);
	}
}
END_TEST

/* Into a pipe: a line for each interval, none for a change of state alone, nothing to wipe. */
START_TEST(test_show_in_a_pipe)
{
	json_t *doc = running();
	json_t *draining = json_deep_copy(doc);
	struct display p;
	char text[1024];
	size_t lines = 0;
	int fds[2];
	ssize_t len;

	json_object_set_new(json_object_get(draining, "run"), "state", json_string("draining"));
	json_object_set_new(doc, "sent", json_integer(96000));
	json_object_set_new(draining, "sent", json_integer(96000));
	/* By now a request waits for so long that the quantiles say nothing of the present. */
	json_object_set_new(json_object_get(draining, "last"), "p99_ns", json_null());
	ck_assert_int_eq(pipe(fds), 0);
	display_init(&p, fds[1]);
	show(&p, doc);
	show(&p, draining);
	display_redraw(&p);
	show(&p, draining);
	display_fini(&p);
	close(fds[1]);
	len = read(fds[0], text, sizeof(text));
	ck_assert_int_gt(len, 0);
	for (ssize_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	ck_assert_uint_eq(lines, 2);
	ck_assert_ptr_null(memchr(text, '\r', (size_t)len));
	close(fds[0]);
	json_decref(draining);
	json_decref(doc);
}
END_TEST

/* One interval after another with the same counts, as at a constant rate: each has its line. */
START_TEST(test_show_equal_intervals)
{
	json_t *doc = running();
	json_t *draining = json_deep_copy(doc);
	struct display p;
	char text[1024];
	size_t lines = 0;
	int fds[2];
	ssize_t len;

	json_object_set_new(json_object_get(draining, "run"), "state", json_string("draining"));
	json_object_set_new(doc, "sent", json_integer(96000));
	json_object_set_new(draining, "sent", json_integer(96500));
	json_object_set_new(json_object_get(draining, "last"), "p99_ns", json_null());
	ck_assert_int_eq(pipe(fds), 0);
	display_init(&p, fds[1]);
	show(&p, doc);
	show(&p, draining);
	display_fini(&p);
	close(fds[1]);
	len = read(fds[0], text, sizeof(text));
	ck_assert_int_gt(len, 0);
	for (ssize_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	ck_assert_uint_eq(lines, 2);
	close(fds[0]);
	json_decref(draining);
	json_decref(doc);
}
END_TEST

/* The last interval, where the daemon had no time to tell of it before the run ended; not one that
 * was told of, nor one of which only a part has passed. */
START_TEST(test_show_last)
{
	static const struct {
		int planned;
		size_t lines;
	} ends[] = {{96000, 1}, {96499, 1}, {96500, 2}, {97000, 2}};
	json_t *doc = running();
	json_t *finished = json_deep_copy(doc);
	struct progress last;
	struct display p;
	char text[1024];
	size_t lines = 0;
	int fds[2];
	ssize_t len;

	json_object_set_new(json_object_get(finished, "run"), "state", json_string("finished"));
	json_object_set_new(json_object_get(doc, "last"), "planned", json_integer(500));
	json_object_set_new(json_object_get(finished, "last"), "planned", json_integer(500));
	json_object_set_new(json_object_get(finished, "last"), "p99_ns", json_integer(7));
	json_object_set_new(doc, "planned", json_integer(96000));
	json_object_set_new(finished, "planned", json_integer(ends[_i].planned));
	ck_assert_int_eq(pipe(fds), 0);
	display_init(&p, fds[1]);
	show(&p, doc);
	last = progress_of(finished);
	display_show_last(&p, &last, 1);
	progress_fini(&last);
	display_fini(&p);
	close(fds[1]);
	len = read(fds[0], text, sizeof(text));
	ck_assert_int_gt(len, 0);
	for (ssize_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	ck_assert_uint_eq(lines, ends[_i].lines);
	close(fds[0]);
	json_decref(finished);
	json_decref(doc);
}
END_TEST

/* The line goes to stderr. */
static void assert_says_stopping(struct display *p, const char *want)
{
	int old = dup(STDERR_FILENO);
	char text[200] = "";
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	display_say_stopping(p, "; again");
	ck_assert_int_eq(dup2(old, STDERR_FILENO), STDERR_FILENO);
	close(old);
	close(fds[1]);
	ck_assert_int_gt(read(fds[0], text, sizeof(text) - 1), 0);
	close(fds[0]);
	text[strcspn(text, "\n")] = '\0';
	ck_assert_str_eq(text, want);
}

/* What the end of a run waits for, by the newest figures: answers only where a request was sent. */
START_TEST(test_say_stopping)
{
	static const struct {
		int in_flight, queue, connections;
		const char *want;
	} rows[] = {
		{7, 0, 8, "stopping: waiting for answers in flight; again"},
		{7, 3, 8, "stopping: waiting for answers in flight; again"},
		{0, 3, 0, "stopping: waiting for connections to open; again"},
		{0, 3, 8, "stopping: waiting for requests that are not sent yet; again"},
		{0, 0, 8, "stopping; again"},
	};
	json_t *doc = running();
	struct display p;

	display_init(&p, -1);
	assert_says_stopping(&p, "stopping; again"); /* before any figures */
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_object_set_new(doc, "in_flight", json_integer(rows[i].in_flight));
		json_object_set_new(doc, "queue", json_integer(rows[i].queue));
		json_object_set_new(doc, "connections", json_integer(rows[i].connections));
		show(&p, doc);
		assert_says_stopping(&p, rows[i].want);
	}
	display_fini(&p);
	json_decref(doc);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("display");
	Suite *suite = suite_create("display");

	tcase_add_test(tcase, test_bar);
	tcase_add_loop_test(tcase, test_bar_always_fits, 0, 4);
	tcase_add_test(tcase, test_bar_of_other_states);
	tcase_add_test(tcase, test_plain);
	tcase_add_test(tcase, test_plain_with_rules);
	tcase_add_test(tcase, test_show_in_a_pipe);
	tcase_add_test(tcase, test_show_equal_intervals);
	tcase_add_loop_test(tcase, test_show_last, 0, 4);
	tcase_add_test(tcase, test_say_stopping);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
