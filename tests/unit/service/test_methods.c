/* SPDX-License-Identifier: Apache-2.0 */
/* The interface text against the code, and the methods that only look. */
#include <ctype.h>

#include "common/str.h"
#include "tests/support/suite.h"
#include "tests/unit/service/methods_fixture.h"

/* ---------------------------------------------------------------- the interface and the code */

START_TEST(the_service_describes_itself)
{
	json_t *reply = test_ok(&admin, "org.varlink.service.GetInfo", NULL);
	json_t *interfaces = json_object_get(reply, "interfaces");

	ck_assert_uint_eq(json_array_size(interfaces), 2);
	for (size_t i = 0; i < 2; i++) {
		const char *name = json_string_value(json_array_get(interfaces, i));
		json_t *described = test_ok(&admin, "org.varlink.service.GetInterfaceDescription",
			json_pack("{s:s}", "interface", name));
		const char *text = json_string_value(json_object_get(described, "description"));
		char line[64];

		(void)snprintf(line, sizeof(line), "\ninterface %s\n", name);
		ck_assert_ptr_nonnull(strstr(text, line));
		json_decref(described);
	}
	json_decref(reply);
	test_fails(&admin, "org.varlink.service.GetInterfaceDescription",
		json_pack("{s:s}", "interface", "no.such"), "org.varlink.service.InterfaceNotFound",
		"no.such");
	test_fails(
		&admin, "org.varlink.service.GetInterfaceDescription", NULL, INVALID, "interface");
}
END_TEST

START_TEST(the_text_and_the_table_name_the_same_methods)
{
	const char *at = varlink_interface_text;
	unsigned n = 0;

	while ((at = strstr(at, "\nmethod "))) {
		size_t len = strcspn(at += strlen("\nmethod "), "(");
		char name[64];
		size_t i = 0;

		(void)snprintf(name, sizeof(name), RPSD_INTERFACE ".%.*s", (int)len, at);
		while (i < methods_n && !str_eq(methods_table[i].name, name))
			i++;
		ck_assert_msg(i < methods_n, "%s is not in the table", name);
		n++;
	}
	for (size_t i = 0; i < methods_n; i++)
		n -= str_starts(methods_table[i].name, RPSD_INTERFACE ".");
	ck_assert_uint_eq(n, 0);
}
END_TEST

/* Calls fn with each parameter that the text gives to method. */
static unsigned test_each_parameter(
	const char *method, void (*fn)(const char *method, const char *parameter))
{
	const char *at;
	const char *end;
	char start[64];
	unsigned n = 0;

	(void)snprintf(start, sizeof(start), "\nmethod %s(", method);
	at = strstr(varlink_interface_text, start) + strlen(start);
	end = strchr(at, ')');
	while (at < end) {
		char name[32];
		size_t len;

		while (!isalpha((unsigned char)*at) && at < end)
			at++;
		len = strcspn(at, ":)");
		if (at + len >= end)
			break;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		fn(method, name);
		n++;
		at += strcspn(at, ",)");
	}
	return n;
}

/* It is known: null is taken, and something else is refused, for it. No parameter is a number. */
static void test_check_parameter(const char *method, const char *parameter)
{
	json_t *reply = test_call(&admin, method, json_pack("{s:n}", parameter));
	const char *error = json_string_value(json_object_get(reply, "error"));

	if (error && !str_eq(method, "Start"))
		ck_assert_str_ne(error, INVALID);
	json_decref(reply);
	test_fails(&admin, method, json_pack("{s:i}", parameter, 1), INVALID, parameter);
}

START_TEST(the_code_knows_the_parameters_of_the_text)
{
	ck_assert_uint_eq(test_each_parameter("Start", test_check_parameter), 9);
	ck_assert_uint_eq(test_each_parameter("Stop", test_check_parameter), 3);
	ck_assert_uint_eq(test_each_parameter("Status", test_check_parameter), 1);
	ck_assert_uint_eq(test_each_parameter("Watch", test_check_parameter), 1);
	ck_assert_uint_eq(test_each_parameter("Report", test_check_parameter), 1);
	ck_assert_uint_eq(test_each_parameter("List", test_check_parameter), 0);
	ck_assert_uint_eq(test_each_parameter("Show", test_check_parameter), 1);
	ck_assert_uint_eq(test_each_parameter("Origins", test_check_parameter), 0);
}
END_TEST

/* An object has the fields that the text gives to its type, and no others. */
static void test_expect_type(const json_t *value, const char *type)
{
	char start[32];
	const char *at;
	const char *end;
	size_t n = 0;

	ck_assert(json_is_object(value));
	(void)snprintf(start, sizeof(start), "\ntype %s (", type);
	at = strstr(varlink_interface_text, start) + strlen(start);
	end = strchr(at, ')');
	while (at < end) {
		char name[32];

		while (!isalpha((unsigned char)*at))
			at++;
		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ":"), at);
		ck_assert_msg(json_object_get(value, name) != NULL, "%s has no %s", type, name);
		n++;
		at += strcspn(at, ",)") + 1;
	}
	ck_assert_uint_eq(json_object_size(value), n);
}

START_TEST(replies_have_the_types_of_the_text)
{
	json_t *reply;
	json_t *progress;
	char id[96];

	test_start_short(id, json_pack("{}"));
	test_until_finished(id);
	reply = test_ok(&admin, "Status", NULL);
	test_expect_type(json_object_get(reply, "daemon"), "Daemon");
	test_expect_type(json_array_get(json_object_get(reply, "runs"), 0), "Run");
	json_decref(reply);
	reply = test_ok(&admin, "Origins", NULL);
	test_expect_type(json_array_get(json_object_get(reply, "origins"), 0), "Origin");
	json_decref(reply);
	reply = test_ok(&admin, "List", NULL);
	test_expect_type(json_array_get(json_object_get(reply, "plans"), 0), "Listed");
	json_decref(reply);
	reply = test_ok(&admin, "Watch", NULL);
	progress = json_object_get(reply, "progress");
	test_expect_type(progress, "Progress");
	test_expect_type(json_object_get(progress, "run"), "Run");
	test_expect_type(json_object_get(progress, "last"), "Last");
	ck_assert(json_is_integer(json_object_get(reply, "skipped")));
	json_decref(reply);
}
END_TEST

/* What the page and the interface text promise to observers, and nothing else. */
START_TEST(observers_may_look_and_nothing_else)
{
	static const char *const looks[] = {"org.varlink.service.GetInfo",
		"org.varlink.service.GetInterfaceDescription", RPSD_INTERFACE ".Status",
		RPSD_INTERFACE ".Watch", RPSD_INTERFACE ".Report", RPSD_INTERFACE ".List",
		RPSD_INTERFACE ".Show", RPSD_INTERFACE ".Origins"};
	const size_t n_looks = sizeof(looks) / sizeof(looks[0]);
	struct client observer = test_observer();
	unsigned n_denied = 0;

	for (size_t i = 0; i < methods_n; i++) {
		json_t *reply = test_call(&observer, methods_table[i].name, NULL);
		const char *error = json_string_value(json_object_get(reply, "error"));
		bool denied = error && str_eq(error, "org.varlink.service.PermissionDenied");
		size_t look = 0;

		while (look < n_looks && !str_eq(looks[look], methods_table[i].name))
			look++;
		ck_assert_msg(denied == (look == n_looks), "%s", methods_table[i].name);
		n_denied += denied;
		json_decref(reply);
	}
	ck_assert_uint_eq(n_denied, methods_n - n_looks);
	ck_assert_uint_gt(n_denied, 1);
	ck_assert_uint_eq(registry_n_active(registry), 0);
	test_close(&observer);
}
END_TEST

START_TEST(what_is_not_known_is_refused)
{
	test_fails(&admin, "Stop", json_pack("{s:s}", "runn", "x"), INVALID, "runn");
	test_fails(&admin, "Status", json_pack("{s:b}", "run", 1), INVALID, "run");
	test_fails(&admin, "Origins", json_pack("{s:n}", "x"), INVALID, "x");
	json_decref(
		test_ok(&admin, "Status", json_pack("{s:b}", "allowInteractiveAuthentication", 1)));
}
END_TEST

/* ---------------------------------------------------------------- Status, Report, Show */

START_TEST(one_run_or_all)
{
	json_t *reply;
	char id[96];

	test_start_short(id, json_pack("{}"));
	test_start_short(id, json_pack("{}"));
	reply = test_ok(&admin, "Status", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "runs")), 2);
	json_decref(reply);
	reply = test_ok(&admin, "Status", json_pack("{s:s}", "run", "short-1"));
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "runs")), 1);
	json_decref(reply);
	test_fails(&admin, "Status", json_pack("{s:s}", "run", "short-9"),
		RPSD_INTERFACE ".NoSuchRun", "short-9");
	test_fails(&admin, "Report", json_pack("{s:s}", "run", "short-9"),
		RPSD_INTERFACE ".NoSuchRun", "short-9");
}
END_TEST

START_TEST(the_daemon_says_its_caps)
{
	json_t *reply = test_ok(&admin, "Status", NULL);
	json_t *daemon = json_object_get(reply, "daemon");

	ck_assert_int_eq(json_integer_value(json_object_get(daemon, "max_rate")), 5000);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(daemon, "allow"), 0)),
		"192.0.2.7:80");
	ck_assert_int_eq(json_integer_value(json_object_get(daemon, "pid")), getpid());
	json_decref(reply);
}
END_TEST

START_TEST(files_are_shown_without_secrets)
{
	json_t *reply = test_ok(&admin, "Show", json_pack("{s:s}", "name", "short"));
	const char *text = json_string_value(json_object_get(reply, "text"));

	ck_assert_ptr_nonnull(strstr(text, "rate = 200\n"));
	ck_assert_ptr_nonnull(strstr(text, "header = Cookie: ***\n"));
	ck_assert_ptr_null(strstr(text, "secret"));
	json_decref(reply);
	test_fails(&admin, "Show", json_pack("{s:s}", "name", "absent"),
		RPSD_INTERFACE ".NoSuchRun", "absent");
	test_fails(&admin, "Show", json_pack("{s:s}", "name", "../short"), INVALID, "name");

	reply = test_ok(&admin, "Show", NULL);
	text = json_string_value(json_object_get(reply, "text"));
	ck_assert_ptr_nonnull(strstr(text, "[policy]\n"));
	ck_assert_ptr_nonnull(strstr(text, "# rpsd.conf:2\nallow = 192.0.2.7:80\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n[origin a]\n"));
	json_decref(reply);
}
END_TEST

START_TEST(observers_are_shown_less)
{
	struct client observer = test_observer();
	json_t *reply;
	const char *text;

	test_write_file("body.ini", "[target]\nurl = http://127.0.0.1/\n[defaults]\n"
				    "header = X-Customer: 4711\nbody = user=x\n");
	reply = test_ok(&admin, "Show", json_pack("{s:s}", "name", "body"));
	text = json_string_value(json_object_get(reply, "text"));
	ck_assert_ptr_nonnull(strstr(text, "X-Customer: 4711\nbody = user=x\n"));
	json_decref(reply);
	reply = test_ok(&observer, "Show", json_pack("{s:s}", "name", "body"));
	text = json_string_value(json_object_get(reply, "text"));
	ck_assert_ptr_nonnull(strstr(text, "X-Customer: ***\nbody = ***\n"));
	json_decref(reply);
	test_close(&observer);
}
END_TEST

/* ---------------------------------------------------------------- List */

/* "NAME | TARGET | SUMMARY | PROBLEM" of the i-th one. */
static void test_expect_listed(const json_t *reply, size_t i, const char *want)
{
	const json_t *one = json_array_get(json_object_get(reply, "plans"), i);
	const char *problem = json_string_value(json_object_get(one, "problem"));
	struct buf line = {0};

	ck_assert_int_eq(buf_printf(&line, "%s | %s | %s | %s",
				 json_string_value(json_object_get(one, "name")),
				 json_string_value(json_object_get(one, "target")),
				 json_string_value(json_object_get(one, "summary")),
				 problem ? problem : "-"),
		0);
	ck_assert_str_eq(line.data, want);
	buf_fini(&line);
}

START_TEST(named_runs_are_listed)
{
	json_t *reply;
	char want[256];

	test_write_file("body.ini",
		"[target]\nurl = http://127.0.0.1:9/x\n[load]\nrate = max\n"
		"duration = 30s\n[defaults]\nmethod = POST\nbody = @body.txt\n");
	test_write_file("body.txt", "not read, only looked for");
	reply = test_ok(&admin, "List", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "plans")), 3);
	(void)snprintf(want, sizeof(want), "bad |  |  | %s/bad.ini:4: ", runs_dir);
	ck_assert(
		str_starts(json_string_value(json_object_get(
				   json_array_get(json_object_get(reply, "plans"), 0), "problem")),
			want + strlen("bad |  |  | ")));
	test_expect_listed(reply, 1, "body | http://127.0.0.1:9/x | closed, 64 users for 30s | -");
	(void)snprintf(want, sizeof(want), "short | http://%s/ | open 200/s for 200ms | -",
		origin_address(origin));
	test_expect_listed(reply, 2, want);
	json_decref(reply);

	/* Without the file that its body names it cannot be started. */
	test_remove_file("body.txt");
	reply = test_ok(&admin, "List", NULL);
	(void)snprintf(want, sizeof(want),
		"body |  |  | %s/body.ini:8: body: cannot read %s/body.txt: No such file or "
		"directory (to send the text itself, write @@body.txt)",
		runs_dir, runs_dir);
	test_expect_listed(reply, 1, want);
	json_decref(reply);
}
END_TEST

#define MANY_FILES 300

static void test_write_many(bool is_there)
{
	for (int i = 0; i < MANY_FILES; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "many%d.ini", i);
		if (is_there)
			test_write_file(name,
				"[target]\nurl = http://127.0.0.1:9/\n[load]\nrate = 10\n"
				"[request a]\n[request b]\n[request c]\n[request d]\n");
		else
			test_remove_file(name);
	}
}

/* A list of many files is made in parts: another client is answered before it is whole. */
START_TEST(a_long_list_lets_others_be_answered)
{
	struct client other = test_client();
	json_t *reply;
	char byte;

	test_write_many(true);
	test_send(&admin, "List", NULL, false);
	test_send(&other, "Status", NULL, false);
	json_decref(test_next(&other));
	ck_assert_int_eq(recv(admin.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	reply = test_next(&admin);
	ck_assert_uint_eq(
		json_array_size(json_object_get(json_object_get(reply, "parameters"), "plans")),
		MANY_FILES + 2);
	json_decref(reply);
	test_close(&other);
	test_write_many(false);
}
END_TEST

START_TEST(a_list_ends_with_its_reader)
{
	struct client k = test_client();

	test_write_many(true);
	test_send(&k, "List", NULL, false);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	ck_assert_int_eq(loop_turn(loop, 0), 0);
	test_close(&k);
	while (control_n_connections(control) > 1)
		ck_assert_int_eq(loop_turn(loop, 0), 0);
	test_write_many(false);
}
END_TEST

/* What is kept of a file is not kept when the file has changed. */
START_TEST(a_changed_file_is_listed_as_it_is_now)
{
	json_t *reply;

	test_write_file("body.ini", "[target]\nurl = http://127.0.0.1:9/x\n[load]\nrate = 10\n");
	for (int i = 0; i < 2; i++) {
		reply = test_ok(&admin, "List", NULL);
		test_expect_listed(reply, 1, "body | http://127.0.0.1:9/x | open 10/s for 10s | -");
		json_decref(reply);
	}
	test_write_file("body.ini", "[target]\nurl = http://127.0.0.1:9/y\n[load]\nrate = 100\n");
	reply = test_ok(&admin, "List", NULL);
	test_expect_listed(reply, 1, "body | http://127.0.0.1:9/y | open 100/s for 10s | -");
	json_decref(reply);
	test_remove_file("body.ini");
	reply = test_ok(&admin, "List", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "plans")), 2);
	json_decref(reply);
}
END_TEST

START_TEST(observers_are_told_the_place_of_a_problem)
{
	struct client observer = test_observer();
	json_t *reply = test_ok(&observer, "List", NULL);
	char want[256];

	(void)snprintf(want, sizeof(want),
		"bad |  |  | %s/bad.ini:4: not valid; a member of group rpsd sees why", runs_dir);
	test_expect_listed(reply, 0, want);
	json_decref(reply);
	test_close(&observer);
}
END_TEST

START_TEST(what_is_no_run_is_not_listed_as_one)
{
	json_t *reply;

	test_write_file(".hidden.ini", "");
	test_write_file("notes.txt", "");
	test_write_file("two words.ini", "");
	reply = test_ok(&admin, "List", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "plans")), 3);
	test_expect_listed(reply, 2,
		"two words |  |  | this is not a name for a run: letters, digits, '_', '-' and "
		"'.', "
		"at most 64, not first '-'");
	json_decref(reply);
	test_remove_file(".hidden.ini");
	test_remove_file("notes.txt");
	test_remove_file("two words.ini");
}
END_TEST

START_TEST(a_folder_is_no_run_file)
{
	static const char says[] = "/folder.ini: Is a directory: a named run is a file that rpsd "
				   "may read";
	char path[128];
	json_t *reply;
	char *all;

	(void)snprintf(path, sizeof(path), "%s/folder.ini", runs_dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	test_fails(&admin, "Show", json_pack("{s:s}", "name", "folder"),
		RPSD_INTERFACE ".Unavailable", says);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "folder"),
		RPSD_INTERFACE ".PlanInvalid", says);
	reply = test_ok(&admin, "List", NULL);
	all = json_dumps(reply, JSON_COMPACT);
	ck_assert_msg(strstr(all, says) != NULL, "%s", all);
	free(all);
	json_decref(reply);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(without_a_directory_there_are_no_runs)
{
	json_t *reply;

	test_remove_file("short.ini");
	test_remove_file("bad.ini");
	ck_assert_int_eq(rmdir(runs_dir), 0);
	reply = test_ok(&admin, "List", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "plans")), 0);
	json_decref(reply);
	test_fails(&admin, "List", json_pack("{s:s}", "name", "x"), INVALID, "name");
	ck_assert_int_eq(mkdir(runs_dir, 0700), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("methods");
	TCase *t;

	t = test_case(s, "interface");
	tcase_add_test(t, the_service_describes_itself);
	tcase_add_test(t, the_text_and_the_table_name_the_same_methods);
	tcase_add_test(t, the_code_knows_the_parameters_of_the_text);
	tcase_add_test(t, replies_have_the_types_of_the_text);
	tcase_add_test(t, observers_may_look_and_nothing_else);
	tcase_add_test(t, what_is_not_known_is_refused);

	t = test_case(s, "look");
	tcase_add_test(t, one_run_or_all);
	tcase_add_test(t, the_daemon_says_its_caps);
	tcase_add_test(t, files_are_shown_without_secrets);
	tcase_add_test(t, observers_are_shown_less);

	t = test_case(s, "list");
	tcase_add_test(t, named_runs_are_listed);
	tcase_add_test(t, a_long_list_lets_others_be_answered);
	tcase_add_test(t, a_list_ends_with_its_reader);
	tcase_add_test(t, a_changed_file_is_listed_as_it_is_now);
	tcase_add_test(t, observers_are_told_the_place_of_a_problem);
	tcase_add_test(t, what_is_no_run_is_not_listed_as_one);
	tcase_add_test(t, a_folder_is_no_run_file);
	tcase_add_test(t, without_a_directory_there_are_no_runs);
	return suite_main(s);
}
