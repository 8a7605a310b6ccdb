/* SPDX-License-Identifier: Apache-2.0 */
/* The live view, whole: what it looks like is held in tests/data/view_*.txt. After a wanted change
 * they are written anew, to be looked at before they are committed, by
 *	WRITE_GOLDEN=1 build/tests/ctl/test_view */
#include "ctl/live/view.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/live/view_history.h"
#include "tests/support/quoted.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/progress_fixture.h"

#define DATA "tests/data/view_"

static const char base[] =
	"{'run': {'id': 'checkout-17', 'name': 'checkout', 'state': 'running', 'user': 'alice',"
	" 'target': 'http://shop.test/', 'outcome': null, 'reason': null, 'exit_code': null},"
	" 'elapsed_ns': 192000000000, 'total_ns': 330000000000, 'requests': null,"
	" 'asked_per_s': 500.0, 'planned': 96007, 'sent': 96007, 'ok': 95942, 'failed': 58,"
	" 'in_flight': 7, 'queue': 0, 'connections': 47, 'connections_limit': 200,"
	" 'oldest_ns': 38200000, 'cpu_share': 0.112,"
	" 'stage': {'number': 2, 'of': 2, 'text': 'hold 500/s for 5m'},"
	" 'last': {'width_ns': 1000000000, 'planned': 500, 'sent': 500, 'ok': 499, 'failed': 0,"
	" 'p50_ns': 12100000, 'p99_ns': 41000000, 'max_ns': 52000000,"
	" 'our_delay_p99_ns': 402000},"
	" 'p50_ns': 12400000, 'p99_ns': 43900000, 'our_delay_p99_ns': 411000,"
	" 'events': [{'at_ns': 0, 'kind': 'addresses', 'text': '::1 refused, using 127.0.0.1'},"
	" {'at_ns': 108000000000, 'kind': 'timeouts', 'text': '27 timeouts (buy)'},"
	" {'at_ns': 123000000000, 'kind': 'steer', 'text': 'alice: rate 400/s -> 500/s'}]}";

struct scene {
	struct view view;
	struct view_history history;
	json_t *doc;
};

static void change(json_t *doc, const char *text)
{
	json_t *by = quoted(text);

	ck_assert_int_eq(json_object_update_recursive(doc, by), 0);
	json_decref(by);
}

static void add(struct view_history *h, json_t *doc)
{
	struct progress now = progress_of(doc);

	view_history_add(h, &now);
	progress_fini(&now);
}

/* A ramp of half a minute, then even but for one bad second. */
static void remember(struct scene *s, unsigned n)
{
	json_t *then = json_deep_copy(s->doc);
	json_t *last = json_object_get(then, "last");

	for (unsigned i = 0; i < n; i++) {
		json_object_set_new(
			last, "ok", json_integer(i < 30 ? 50 + 15 * i : 500 - (i * 7) % 5));
		json_object_set_new(last, "p99_ns",
			json_integer(i == 90 ? 90000000 : 38000000 + (i * 13) % 9 * 700000));
		add(&s->history, then);
	}
	json_decref(then);
	add(&s->history, s->doc);
}

static void make_open(struct scene *s)
{
	remember(s, 120);
}

static void make_closed(struct scene *s)
{
	change(s->doc, "{'asked_per_s': null, 'total_ns': null, 'requests': 200000,"
		       " 'stage': null, 'connections': 64, 'connections_limit': 64,"
		       " 'events': [], 'our_delay_p99_ns': null, 'last': {'our_delay_p99_ns': "
		       "null}, 'in_flight': 64}");
	remember(s, 40);
	s->view.is_watching = true;
}

/* Half a second after an answer that told of 2.1 s without any. */
static void make_stalled(struct scene *s)
{
	remember(s, 50);
	change(s->doc, "{'last': {'ok': 0}, 'in_flight': 1000, 'queue': 57,"
		       " 'connections': 1000, 'connections_limit': 1000,"
		       " 'oldest_ns': 2114000000, 'silent_ns': 2114000000}");
	add(&s->history, s->doc);
	add(&s->history, s->doc);
	s->view.age_ns = NSEC_PER_SEC / 2;
	s->view.is_watching = true;
	s->view.skipped = 3;
}

static void make_preparing(struct scene *s)
{
	change(s->doc, "{'run': {'state': 'preparing'}, 'elapsed_ns': 0, 'total_ns': null,"
		       " 'asked_per_s': 0.0, 'planned': 0, 'sent': 0, 'ok': 0, 'failed': 0,"
		       " 'in_flight': 0, 'connections': 0, 'oldest_ns': null, 'cpu_share': 0.0,"
		       " 'stage': null, 'last': null, 'p50_ns': null, 'p99_ns': null,"
		       " 'our_delay_p99_ns': null, 'events': []}");
}

static void make_draining(struct scene *s)
{
	remember(s, 20);
	change(s->doc, "{'run': {'state': 'draining'}, 'elapsed_ns': 331400000000,"
		       " 'asked_per_s': 0.0, 'last': {'planned': 0, 'sent': 0, 'ok': 12,"
		       " 'failed': 2}, 'in_flight': 1234, 'stage': null}");
	add(&s->history, s->doc);
	s->view.message = "stopping: waiting for answers in flight; Ctrl-C again to stop now";
}

/* Beside the rows that they are about, and rows of their own. */
static void make_rules(struct scene *s)
{
	remember(s, 120);
	change(s->doc,
		"{'rules': [{'rule': 'p99 < 50ms', 'result': 'pass', 'value': 43900000.0},"
		" {'rule': 'failed < 0.05%', 'result': 'fail', 'value': 0.0006},"
		" {'rule': 'p99 < 1s', 'result': 'pass', 'value': 43900000.0},"
		" {'rule': 'p99.9 of ok < 50ms', 'result': 'undecided', 'value': 48000000.0},"
		" {'rule': 'rate > 490/s', 'result': 'pass', 'value': 499.7},"
		" {'rule': 'max < 1s', 'result': 'fail', 'value': null},"
		" {'rule': 'of a later version', 'result': 'pass', 'value': 1}, 5]}");
}

static const struct {
	const char *name;
	void (*make)(struct scene *s);
} scenes[] = {
	{"open", make_open},
	{"closed", make_closed},
	{"stalled", make_stalled},
	{"preparing", make_preparing},
	{"draining", make_draining},
	{"rules", make_rules},
};
#define SCENES ((int)(sizeof(scenes) / sizeof(*scenes)))

static void scene_make(struct scene *s, int i)
{
	*s = (struct scene){.doc = quoted(base)};
	s->view.history = &s->history;
	s->view.has_keys = true;
	s->view.rows = 24;
	scenes[i].make(s);
}

static char *compose(struct scene *s, unsigned width, bool utf8, bool colour)
{
	struct style style = {.width = width, .utf8 = utf8, .colour = colour, .terminal = true};
	struct progress now = progress_of(s->doc);
	struct buf text = {0};

	s->view.progress = &now;
	ck_assert_int_eq(view_compose(&s->view, &style, &text), 0);
	progress_fini(&now);
	ck_assert_ptr_nonnull(text.data);
	return text.data;
}

static void scene_fini(struct scene *s)
{
	json_decref(s->doc);
}

static void assert_golden(const char *name, unsigned width, unsigned rows, const char *text)
{
	char path[128];
	char *want = NULL;
	size_t len = 0;

	(void)snprintf(path, sizeof(path), DATA "%s_%ux%u.txt", name, width, rows);
	if (getenv("WRITE_GOLDEN")) {
		FILE *f = fopen(path, "w");

		ck_assert_ptr_nonnull(f);
		ck_assert_int_ge(fputs(text, f), 0);
		ck_assert_int_eq(fclose(f), 0);
	}
	ck_assert_msg(file_read(path, 100000, &want, &len) == 0, "%s", path);
	ck_assert_msg(str_eq(text, want), "%s is now\n%s", path, text);
	free(want);
}

START_TEST(test_pictures)
{
	static const unsigned sizes[][2] = {{60, 24}, {80, 24}, {120, 40}};
	struct scene s;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *text;

		scene_make(&s, _i);
		s.view.rows = sizes[i][1];
		text = compose(&s, sizes[i][0], sizes[i][0] > 60, false);
		assert_golden(scenes[_i].name, sizes[i][0], sizes[i][1], text);
		free(text);
		scene_fini(&s);
	}
}
END_TEST

/* The last interval is a second, also where it is a little more by the clock. */
START_TEST(test_length_of_the_last_interval)
{
	static const struct {
		const char *width;
		const char *title;
	} rows[] = {
		{"{'last': {'width_ns': 1000000000}}", " last 1 s "},
		{"{'last': {'width_ns': 1000300000}}", " last 1 s "},
		{"{'last': {'width_ns': 5000000000}}", " last 5 s "},
		{"{'last': {'width_ns': 450000000}}", " last 450 ms "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct scene s;
		char *text;

		scene_make(&s, 0);
		change(s.doc, rows[i].width);
		text = compose(&s, 80, true, false);
		ck_assert_msg(strstr(text, rows[i].title) != NULL, "%s: %s", rows[i].width, text);
		free(text);
		scene_fini(&s);
	}
}
END_TEST

START_TEST(test_help_and_events)
{
	struct scene s;
	char *text;

	scene_make(&s, 0);
	s.view.shows_help = true;
	text = compose(&s, 80, true, false);
	assert_golden("help", 80, 24, text);
	free(text);
	s.view.shows_help = false;
	s.view.shows_events = true;
	text = compose(&s, 80, true, false);
	assert_golden("events", 80, 24, text);
	free(text);
	scene_fini(&s);
}
END_TEST

/* Every width and height, every scene, everything on. */
START_TEST(test_always_fits)
{
	struct scene s;

	scene_make(&s, _i);
	s.view.skipped = 12345;
	for (int i = 0; i < 30; i++)
		(void)json_array_append_new(json_object_get(s.doc, "events"),
			json_pack("{s:i, s:s}", "at_ns", i, "text",
				"many words, many more words, and on and on they go: 0123456789"));
	change(s.doc, "{'run': {'id': 'a-name-that-is-much-longer-than-anybody-would-like-123'}}");
	for (unsigned width = VIEW_WIDTH_MIN; width <= 230; width++) {
		unsigned rows = VIEW_ROWS_MIN + width % 37;
		unsigned lines = 0;
		char *text;

		s.view.rows = rows;
		s.view.shows_help = width % 3 == 0;
		s.view.shows_events = width % 2 == 0;
		text = compose(&s, width, true, false);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			ck_assert_msg(style_columns(line) < width, "%u: %s", width, line);
			lines++;
		}
		ck_assert_uint_le(lines, rows);
		ck_assert_uint_ge(lines, VIEW_ROWS_MIN - 1);
		free(text);
	}
	scene_fini(&s);
}
END_TEST

static void assert_shows(struct scene *s, const char *want)
{
	char *text = compose(s, 100, false, false);

	ck_assert_msg(strstr(text, want) != NULL, "'%s' is not in\n%s", want, text);
	free(text);
}

static void assert_hides(struct scene *s, const char *unwanted)
{
	char *text = compose(s, 100, false, false);

	ck_assert_msg(strstr(text, unwanted) == NULL, "'%s' is in\n%s", unwanted, text);
	free(text);
}

/* Clocks go on from the newest answer. */
START_TEST(test_age)
{
	struct scene s;

	scene_make(&s, 0);
	assert_shows(&s, "3:12 of 5:30");
	assert_shows(&s, "38.2 ms");
	assert_shows(&s, "2:18 left");
	s.view.age_ns = 2 * NSEC_PER_SEC;
	assert_shows(&s, "3:14 of 5:30");
	assert_shows(&s, "2.04 s");
	assert_shows(&s, "2:16 left");
	assert_hides(&s, "no news");
	s.view.age_ns = 60 * NSEC_PER_SEC;
	assert_shows(&s, "no news for 60 s");
	s.view.age_ns = 600 * NSEC_PER_SEC;
	assert_shows(&s, "0:00 left");
	assert_shows(&s, "100 %");
	scene_fini(&s);
	/* Before the start there is none that could go on; and none is waiting. */
	scene_make(&s, 3);
	s.view.age_ns = 60 * NSEC_PER_SEC;
	assert_shows(&s, "0:00\n");
	assert_hides(&s, "no news");
	change(s.doc, "{'elapsed_ns': -40000000}");
	s.view.age_ns = 0;
	assert_shows(&s, "0:00\n");
	scene_fini(&s);
}
END_TEST

START_TEST(test_silence)
{
	struct scene s;

	scene_make(&s, 2);
	assert_shows(&s, "no answers");
	assert_shows(&s, "2.61 s");
	assert_shows(&s, "(3 skipped)");
	/* What ended a while ago is not the news of a silent second. */
	assert_hides(&s, "12.1 ms");
	assert_hides(&s, "41.0 ms");
	assert_shows(&s, "43.9 ms");
	/* However long one request waits, in a pause or in a quiet second of a slow plan. */
	change(s.doc, "{'silent_ns': null}");
	assert_hides(&s, "no answers");
	/* The daemon does not say so. */
	(void)json_object_del(s.doc, "silent_ns");
	assert_hides(&s, "no answers");
	scene_fini(&s);
}
END_TEST

START_TEST(test_states)
{
	static const char *const states[][2] = {
		{"queued", "waits for its turn"},
		{"preparing", "resolving and connecting"},
		{"warmup", "not measured yet"},
		{"running", "not measured any more"},
		{"paused", "nothing is sent"},
		{"draining", "nothing new is sent"},
		{"new-word", ""},
	};
	struct scene s;

	scene_make(&s, 0);
	change(s.doc, "{'stage': null}");
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		json_object_set_new(
			json_object_get(s.doc, "run"), "state", json_string(states[i][0]));
		assert_shows(&s, states[i][0]);
		assert_shows(&s, states[i][1]);
	}
	scene_fini(&s);
}
END_TEST

/* Colour on words of state alone, and none where none is wanted. */
START_TEST(test_colour)
{
	struct scene s;
	char *text;
	unsigned n = 0;

	scene_make(&s, 2);
	text = compose(&s, 80, true, true);
	for (const char *c = strchr(text, '\033'); c; c = strchr(c + 1, '\033'))
		n++;
	ck_assert_uint_eq(n, 4);
	ck_assert_ptr_nonnull(strstr(text, "running\033[0m"));
	ck_assert_ptr_nonnull(strstr(text, "no answers\033[0m"));
	free(text);
	text = compose(&s, 80, true, false);
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	scene_fini(&s);
}
END_TEST

START_TEST(test_keys)
{
	struct scene s;

	scene_make(&s, 0);
	assert_hides(&s, "q leave");
	assert_shows(&s, "s stop   e events   ? help");
	s.view.is_watching = true;
	assert_shows(&s, "q leave (run goes on)   s stop   e events   ? help");
	s.view.has_keys = false;
	assert_shows(&s, "Ctrl-C leave (run goes on)");
	assert_hides(&s, "s stop");
	s.view.is_watching = false;
	assert_shows(&s, "Ctrl-C stop");
	scene_fini(&s);
}
END_TEST

/* A run that waits for its instant says how long. */
START_TEST(test_begins_later)
{
	struct scene s;

	scene_make(&s, 0);
	change(s.doc, "{'elapsed_ns': -61500000000, 'run': {'state': 'preparing'}}");
	assert_shows(&s, "preparing  begins in 1:02");
	s.view.age_ns = 60 * NSEC_PER_SEC;
	assert_shows(&s, "preparing  begins in 0:02");
	s.view.age_ns = 62 * NSEC_PER_SEC;
	assert_shows(&s, "preparing  resolving and connecting");
	scene_fini(&s);
}
END_TEST

/* Keys that steer are named where they do something, and fit at every width. */
START_TEST(test_keys_that_steer)
{
	struct scene s;
	char *text;

	scene_make(&s, 0);
	assert_hides(&s, "p pause");
	s.view.may_steer = true;
	assert_shows(&s, "p pause   + - rate 10 %   n next   s stop   e events   ? help");
	change(s.doc, "{'stage': {'of': 1}}");
	assert_shows(&s, "p pause   + - rate 10 %   s stop");
	change(s.doc, "{'run': {'state': 'paused'}}");
	assert_shows(&s, "p resume   + - rate 10 %   s stop");
	change(s.doc, "{'asked_per_s': null, 'stage': null}");
	assert_shows(&s, "p resume   s stop");
	change(s.doc, "{'run': {'state': 'draining'}}");
	assert_hides(&s, "p pause");
	assert_shows(&s, "s stop   e events");
	scene_fini(&s);
	scene_make(&s, 0);
	s.view.may_steer = s.view.is_watching = true;
	for (unsigned width = 60; width < 120; width++) {
		text = compose(&s, width, false, false);
		ck_assert_msg(strstr(text, "? help\n") != NULL, "%u: %s", width, text);
		ck_assert_ptr_nonnull(strstr(text, "q leave"));
		ck_assert_ptr_nonnull(strstr(text, "+ - rate"));
		free(text);
	}
	s.view.shows_help = true;
	assert_shows(&s, "p pause    no new requests until p again");
	assert_shows(&s, "+ - n      rate, and next stage");
	change(s.doc, "{'stage': {'of': 1}}");
	assert_shows(&s, "+ -        rate, from the next second on");
	s.view.may_steer = false;
	assert_hides(&s, "p pause");
	scene_fini(&s);
}
END_TEST

/* What others have said steers no terminal and makes no lines. */
START_TEST(test_hostile_text)
{
	struct scene s;
	char *text;
	char *again;

	scene_make(&s, 0);
	text = compose(&s, 80, true, false);
	json_object_set_new(json_array_get(json_object_get(s.doc, "events"), 2), "text",
		json_string("a\033[2Jb\nc\rd"));
	again = compose(&s, 80, true, false);
	ck_assert_ptr_nonnull(strstr(again, "a?[2Jb c?d\n"));
	for (const char *c = text, *d = again;; c++, d++) {
		c = strchr(c, '\n');
		d = strchr(d, '\n');
		ck_assert(!c == !d);
		if (!c)
			break;
	}
	free(text);
	free(again);
	scene_fini(&s);
}
END_TEST

/* Nothing and nonsense are shown as well as they can be. */
START_TEST(test_nonsense)
{
	static const char *const docs[] = {"{}", "{'run': 3, 'last': [], 'events': 7, 'stage': 1}",
		"{'run': {'state': 'running'}, 'elapsed_ns': 9223372036854775807,"
		" 'total_ns': 9223372036854775807, 'oldest_ns': 9223372036854775807,"
		" 'last': {'width_ns': -1, 'ok': -5, 'failed': 5}, 'cpu_share': 1e300,"
		" 'asked_per_s': 1e300, 'ok': -3, 'failed': 3, 'in_flight': -1}",
		"{'last': {'width_ns': 1, 'sent': 4611686018427387904, 'ok': 1}, 'requests': 5,"
		" 'ok': 9, 'events': [1, {}, null]}"};
	struct scene s;
	char *text;

	scene_make(&s, 0);
	json_decref(s.doc);
	s.doc = quoted(docs[_i]);
	add(&s.history, s.doc);
	text = compose(&s, 80, true, false);
	ck_assert_uint_gt(strlen(text), 200);
	free(text);
	scene_fini(&s);
}
END_TEST

START_TEST(test_history)
{
	static struct view_history h;
	json_t *doc = quoted(base);
	json_t *nothing = quoted("{'last': null}");

	add(&h, nothing);
	ck_assert_uint_eq(h.n, 0);
	add(&h, doc);
	ck_assert_uint_eq(h.n, 1);
	ck_assert(h.ok_per_s[0] == 499 && h.p99_ns[0] == 41e6);
	/* A gap is a gap, and no longer than what can be shown. */
	view_history_skip(&h, 2);
	ck_assert_uint_eq(h.n, 3);
	ck_assert(h.ok_per_s[2] < 0 && h.p99_ns[2] < 0);
	view_history_skip(&h, UINT64_MAX);
	ck_assert_uint_eq(h.n, VIEW_WIDTH_MAX);
	add(&h, doc);
	ck_assert_uint_eq(h.n, VIEW_WIDTH_MAX);
	ck_assert(h.ok_per_s[VIEW_WIDTH_MAX - 1] == 499 && h.ok_per_s[VIEW_WIDTH_MAX - 2] < 0);
	json_decref(doc);
	json_decref(nothing);
}
END_TEST

START_TEST(test_fits)
{
	struct style style = {.width = VIEW_WIDTH_MIN, .terminal = true};

	ck_assert(view_fits(&style, VIEW_ROWS_MIN));
	ck_assert(!view_fits(&style, VIEW_ROWS_MIN - 1));
	style.width--;
	ck_assert(!view_fits(&style, VIEW_ROWS_MIN));
	style.width = 200;
	style.terminal = false;
	ck_assert(!view_fits(&style, VIEW_ROWS_MIN));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("view");
	Suite *suite = suite_create("view");

	tcase_add_loop_test(tcase, test_pictures, 0, SCENES);
	tcase_add_test(tcase, test_length_of_the_last_interval);
	tcase_add_test(tcase, test_help_and_events);
	tcase_add_loop_test(tcase, test_always_fits, 0, SCENES);
	tcase_add_test(tcase, test_age);
	tcase_add_test(tcase, test_silence);
	tcase_add_test(tcase, test_states);
	tcase_add_test(tcase, test_colour);
	tcase_add_test(tcase, test_keys);
	tcase_add_test(tcase, test_keys_that_steer);
	tcase_add_test(tcase, test_begins_later);
	tcase_add_test(tcase, test_hostile_text);
	tcase_add_loop_test(tcase, test_nonsense, 0, 4);
	tcase_add_test(tcase, test_history);
	tcase_add_test(tcase, test_fits);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
