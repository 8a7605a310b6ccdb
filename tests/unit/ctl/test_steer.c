/* SPDX-License-Identifier: Apache-2.0 */
/* What keys ask of the daemon, and how its answer reads. */
#include "ctl/live/steer.h"

#include <check.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/json_path.h"
#include "ctl/client.h"
#include "tests/support/suite.h"
#include "tests/unit/ctl/progress_fixture.h"

START_TEST(keys)
{
	static const struct {
		enum display_key key;
		const char *progress;
		const char *method; /* NULL: none */
		const char *value;
	} rows[] = {
		{DISPLAY_FASTER, "{}", "Set", "x1.1"},
		{DISPLAY_SLOWER, "{}", "Set", "x0.9"},
		{DISPLAY_PAUSE, "{\"run\": {\"state\": \"running\"}}", "Pause", ""},
		{DISPLAY_PAUSE, "{\"run\": {\"state\": \"paused\"}}", "Resume", ""},
		{DISPLAY_NEXT, "{\"stage\": {\"of\": 2}}", "Next", ""},
		{DISPLAY_NEXT, "{\"stage\": {\"of\": 1}}", NULL, ""},
		{DISPLAY_NEXT, "{\"stage\": null}", NULL, ""},
		{DISPLAY_STOP, "{}", NULL, ""},
		{DISPLAY_LEAVE, "{}", NULL, ""},
		{DISPLAY_NOTHING, "{}", NULL, ""},
	};
	json_t *doc = json_loads(rows[_i].progress, 0, NULL);
	struct progress now = progress_of(doc);
	json_t *parameters = NULL;
	int64_t asked_ns = 0;
	const char *method = steer_by_key(rows[_i].key, "a-1", &now, &asked_ns, &parameters);

	if (rows[_i].method) {
		ck_assert_str_eq(method, rows[_i].method);
		ck_assert_str_eq(json_path_text(parameters, "run"), "a-1");
		ck_assert_str_eq(
			json_path_text(json_array_get(json_object_get(parameters, "settings"), 0),
				"value"),
			rows[_i].value);
		ck_assert_ptr_null(steer_why_not(rows[_i].key, &now));
	} else {
		ck_assert_ptr_null(method);
		ck_assert((steer_why_not(rows[_i].key, &now) != NULL) ==
			  (rows[_i].key == DISPLAY_NEXT));
		ck_assert_ptr_null(parameters);
	}
	json_decref(parameters);
	progress_fini(&now);
	json_decref(doc);
}
END_TEST

/* Pressed twice before the view shows the first: not refused, and not taken back. */
START_TEST(pause_is_asked_for_once)
{
	json_t *doc = json_loads("{\"elapsed_ns\": 7, \"run\": {\"state\": \"running\"}}", 0, NULL);
	struct progress now = progress_of(doc);
	json_t *parameters = NULL;
	int64_t asked_ns = 0;

	ck_assert_str_eq(steer_by_key(DISPLAY_PAUSE, "a-1", &now, &asked_ns, &parameters), "Pause");
	json_decref(parameters);
	parameters = NULL;
	ck_assert_ptr_null(steer_by_key(DISPLAY_PAUSE, "a-1", &now, &asked_ns, &parameters));
	ck_assert_ptr_null(parameters);
	now.elapsed_ns = 8;
	ck_assert_str_eq(steer_by_key(DISPLAY_PAUSE, "a-1", &now, &asked_ns, &parameters), "Pause");
	json_decref(parameters);
	progress_fini(&now);
	json_decref(doc);
}
END_TEST

START_TEST(answers)
{
	static const struct {
		const char *answer;
		const char *text; /* NULL: nothing */
	} rows[] = {
		{"{\"run\": \"a-1\", \"event\": {\"at_ns\": 12400000000, \"kind\": \"pause\", "
		 "\"text\": \"bob: pause\"}}",
			"a-1: pausing, takes effect at 0:12\n"},
		{"{\"run\": \"a-1\", \"event\": {\"at_ns\": 1000000000, \"kind\": \"resume\", "
		 "\"text\": \"bob: resume\"}}",
			"a-1: resuming, takes effect at 0:01\n"},
		{"{\"run\": \"a-1\", \"event\": {\"at_ns\": 0, \"kind\": \"rate\", \"text\": "
		 "\"bob: rate\", \"from\": \"1/s\", \"to\": \"2/s\"}}",
			"a-1: rate 1/s -> 2/s, takes effect at 0:00\n"},
		{"{\"run\": \"a-1\", \"event\": {\"at_ns\": 0, \"kind\": \"rate\", \"text\": "
		 "\"bob: rate\", \"from\": \"paused\", \"to\": \"2/s\"}}",
			"a-1: rate 2/s, when resumed\n"},
		{"{\"run\": \"a-1\", \"event\": {\"at_ns\": 0, \"kind\": \"next\", \"text\": "
		 "\"bob: next\", \"from\": \"hold 1/s\", \"to\": \"the end\"}}",
			"a-1: next stage, hold 1/s -> the end, takes effect at 0:00\n"},
		{"{\"stopped\": [\"a-1\"]}", NULL},
		{"{\"run\": 3, \"event\": [\"text\"]}", NULL},
	};
	json_t *answer = json_loads(rows[_i].answer, 0, NULL);
	struct client_answer a = {.parameters = answer};
	struct buf text = {0};

	ck_assert_int_eq(steer_describe(&a, &text), 0);
	if (rows[_i].text)
		ck_assert_str_eq(text.data, rows[_i].text);
	else
		ck_assert_uint_eq(text.len, 0);
	buf_fini(&text);
	json_decref(answer);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("steer");
	TCase *t = tcase_create("steer");

	tcase_add_test(t, pause_is_asked_for_once);
	tcase_add_loop_test(t, keys, 0, 10);
	tcase_add_loop_test(t, answers, 0, 7);
	suite_add_tcase(s, t);
	return suite_main(s);
}
