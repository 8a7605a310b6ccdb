/* SPDX-License-Identifier: Apache-2.0 */
/* Start, Stop, Watch, and runs that are held. */
#include <netinet/in.h>

#include "common/plan/plan.h"
#include "common/str.h"
#include "tests/support/skip.h"
#include "tests/support/suite.h"
#include "tests/unit/service/methods_fixture.h"

/* ---------------------------------------------------------------- Start */

START_TEST(a_named_run_is_started)
{
	json_t *reply;
	json_t *run;
	char id[96];

	test_start_short(id, json_pack("{}"));
	ck_assert_str_eq(id, "short-1");
	test_fails(&admin, "Report", NULL, RPSD_INTERFACE ".NotFinished", "short-1");
	test_until_finished(id);
	reply = test_ok(&admin, "Report", NULL);
	run = json_object_get(json_object_get(reply, "result"), "run");
	ck_assert_str_eq(json_string_value(json_object_get(run, "id")), id);
	ck_assert_str_eq(json_string_value(json_object_get(run, "outcome")), "completed");
	json_decref(reply);
}
END_TEST

static const struct {
	const char *parameters;
	const char *error;
	const char *text;
} test_refused[] = {
	{"{}", INVALID, "name"},
	{"{'name':'../short'}", INVALID, "name"},
	{"{'name':''}", INVALID, "name"},
	{"{'name':'absent'}", RPSD_INTERFACE ".NoSuchRun", "absent"},
	{"{'name':'bad'}", RPSD_INTERFACE ".PlanInvalid", "bad.ini:4"},
	{"{'name':'bad'}", RPSD_INTERFACE ".PlanInvalid", "bad.ini:5"},
	{"{'text':'rubbish'}", RPSD_INTERFACE ".PlanInvalid", "text:1"},
	{"{'text':'rubbish','name':'n'}", RPSD_INTERFACE ".PlanInvalid", "n:1"},
	{"{'text':'rubbish','file':'a/b.ini'}", RPSD_INTERFACE ".PlanInvalid", "a/b.ini:1"},
	{"{'name':'short','set':[{'key':'load.rate','value':'x'}]}", RPSD_INTERFACE ".PlanInvalid",
		"set load.rate: "},
	{"{'name':'short','set':[{'key':'load.rate','value':'x','origin':'-r'}]}",
		RPSD_INTERFACE ".PlanInvalid", "-r: "},
	{"{'name':'short','set':[{'key':'rate','value':'1'}]}", RPSD_INTERFACE ".PlanInvalid",
		"SECTION.KEY"},
	{"{'name':'short','set':[{'key':'.rate','value':'1'}]}", RPSD_INTERFACE ".PlanInvalid",
		"SECTION.KEY"},
	{"{'name':'short','set':[{'key':'load.','value':'1'}]}", RPSD_INTERFACE ".PlanInvalid",
		"SECTION.KEY"},
	{"{'name':'short','set':[{'key':'load.rate'}]}", INVALID, "set"},
	{"{'name':'short','set':[{'key':'load.rate','value':5}]}", INVALID, "set"},
	{"{'name':'short','set':[{'key':'a.b','value':'','origin':5}]}", INVALID, "set"},
	{"{'name':'short','set':[{'key':'a.b','value':'','more':'x'}]}", INVALID, "set"},
	{"{'name':'short','set':['load.rate=5']}", INVALID, "set"},
	{"{'name':'short','files':{'a':'not base64'}}", INVALID, "files"},
	/* Only a private daemon has a descriptor to look into. */
	{"{'name':'short','held':{'a':{'offset':0,'len':1}}}", INVALID, "held"},
	{"{'name':'short','held':{'a':{'offset':1,'len':0}}}", INVALID, "held"},
	{"{'name':'short','held':{'a':{'offset':-1,'len':0}}}", INVALID, "held"},
	{"{'name':'short','held':{'a':{'offset':0,'len':-1}}}", INVALID, "held"},
	{"{'name':'short','held':{'a':{'offset':0}}}", INVALID, "held"},
	{"{'name':'short','held':{'a':5}}", INVALID, "held"},
	{"{'name':'short','overlays':[5]}", INVALID, "overlays"},
	{"{'name':'short','overlays':[{'file':'o.ini'}]}", INVALID, "overlays"},
	{"{'name':'short','overlays':[{'file':'o.ini','text':'','more':''}]}", INVALID, "overlays"},
	{"{'name':'short','overlays':[{'file':'a/o.ini','text':'[load]\\nrat = 5'}]}",
		RPSD_INTERFACE ".PlanInvalid", "a/o.ini:2: unknown key"},
	{"{'name':'short','overlays':[{'file':'o.ini','text':'[load]\\nrate = ${NO}'}]}",
		RPSD_INTERFACE ".PlanInvalid", "o.ini:2: rate: ${NO} is not set"},
	{"{'name':'short','overlays':[{'file':'o.ini','text':'[load]\\nrate = ${A}'}],"
	 "'variables':{'A':'x'}}",
		RPSD_INTERFACE ".PlanInvalid", "o.ini:2: rate: 'x' is not a rate"},
	{"{'name':'short','overlays':[{'file':'o.ini','text':'[load]\\nrate = 4000'}],"
	 "'set':[{'key':'load.scale','value':'x2'}]}",
		RPSD_INTERFACE ".Refused", "max-rate"},
	/* Nor one that an overlay names. */
	{"{'name':'short','overlays':[{'file':'o.ini','text':'[defaults]\\nbody = @short.ini'}]}",
		RPSD_INTERFACE ".PlanInvalid", "o.ini:2: body: file 'short.ini' is missing"},
	{"{'name':'short','files':{'a':5}}", INVALID, "files"},
	{"{'name':'short','set':[{'key':'load.rate','value':'6000'}]}", RPSD_INTERFACE ".Refused",
		"max-rate"},
	/* A file that only an override names is not opened by the daemon. */
	{"{'name':'short','set':[{'key':'defaults.body','value':'@short.ini'}]}",
		RPSD_INTERFACE ".PlanInvalid", "short.ini"},
};

START_TEST(what_cannot_be_started_is_explained)
{
	char *text = strdup(test_refused[_i].parameters);
	json_t *parameters;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	parameters = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(parameters);
	test_fails(&admin, "Start", parameters, test_refused[_i].error, test_refused[_i].text);
	ck_assert_uint_eq(registry_n_active(registry), 0);
	free(text);
}
END_TEST

START_TEST(files_come_with_the_call_or_from_beside_a_named_run)
{
	static const char text[] = "[target]\nurl = http://%s/\n[load]\nrate = 100\n"
				   "duration = 50ms\n[defaults]\nmethod = POST\nbody = @body.txt\n";
	char run[256];

	(void)snprintf(run, sizeof(run), text, origin_address(origin));
	test_fails(&admin, "Start", json_pack("{s:s}", "text", run), RPSD_INTERFACE ".PlanInvalid",
		"body.txt");
	json_decref(test_ok(&admin, "Start",
		json_pack("{s:s, s:{s:s}}", "text", run, "files", "body.txt", "YQ==")));

	test_write_file("body.ini", run);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "body"),
		RPSD_INTERFACE ".PlanInvalid", "body.txt");
	test_write_file("body.txt", "a");
	json_decref(test_ok(&admin, "Start", json_pack("{s:s}", "name", "body")));
}
END_TEST

/* Or whoever may operate would say what it sends. */
START_TEST(a_file_of_the_call_replaces_none_of_a_named_run)
{
	struct client holder = test_client();
	const struct plan *plan;
	char run[256];

	(void)snprintf(run, sizeof(run),
		"[target]\nurl = http://%s/\n[load]\nrate = 1\nduration = 5s\n"
		"[defaults]\nmethod = POST\nbody = @body.txt\n",
		origin_address(origin));
	test_write_file("body.ini", run);
	test_write_file("body.txt", "named");
	json_decref(test_ok(&holder, "Start",
		json_pack("{s:s, s:{s:s}, s:b}", "name", "body", "files", "body.txt",
			"YQ==", "hold", 1)));
	plan = run_plan(registry_find(registry, "body-1"));
	ck_assert_uint_eq(plan->requests[0].body_len, 5);
	ck_assert_mem_eq(plan->requests[0].body, "named", 5);
	test_close(&holder);
	test_until_finished("body-1");
	test_remove_file("body.txt");
}
END_TEST

/* Of all of them together, and of the bodies: a file that two requests send counts twice there. */
START_TEST(files_of_a_run_have_a_limit)
{
	char run[256], path[128];

	(void)snprintf(run, sizeof(run),
		"[target]\nurl = http://%s/\n[load]\nrate = 100\nduration = 50ms\n[defaults]\n"
		"method = POST\n[request a]\nbody = @a\n[request b]\nbody = @b\n",
		origin_address(origin));
	test_write_file("body.ini", run);
	test_write_file("a", "");
	test_write_file("b", "b");
	(void)snprintf(path, sizeof(path), "%s/a", runs_dir);
	ck_assert_int_eq(truncate(path, 10 << 20), 0);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "body"),
		RPSD_INTERFACE ".PlanInvalid",
		"/b: the files of a run in the service have more than 10 MiB with it");
	ck_assert_int_eq(truncate(path, (10 << 20) - 1), 0);
	json_decref(test_ok(&admin, "Start", json_pack("{s:s}", "name", "body")));
	test_fails(&admin, "Start",
		json_pack("{s:s, s:[{s:s, s:s}]}", "name", "body", "set", "key", "request.b.body",
			"value", "@a"),
		RPSD_INTERFACE ".PlanInvalid",
		"the bodies of all requests have more than 10 MiB: a private run (rpsctl PATH) "
		"takes what fits into memory");
	test_remove_file("a");
	test_remove_file("b");
}
END_TEST

/* Nobody writes to it: who opened it would wait, and everybody with him. */
START_TEST(a_pipe_beside_a_named_run_is_not_opened)
{
	char path[128];

	test_write_file("body.ini", "[target]\nurl = http://127.0.0.1:1/\n"
				    "[defaults]\nmethod = POST\nbody = @body.txt\n");
	(void)snprintf(path, sizeof(path), "%s/body.txt", runs_dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "body"),
		RPSD_INTERFACE ".PlanInvalid", "body.txt");
	json_decref(test_ok(&admin, "List", NULL));
}
END_TEST

/* Nobody has put one on the wire in vain: the answer says where to put it. */
static const char *const test_keys[] = {
	"{'text':'[target]\\nurl = https://127.0.0.1:1/\\n[tls]\\ncertificate = c\\nkey = k\\n',"
	"'files':{'c':'YQ==','k':'YQ=='}}",
	"{'text':'[target]\\nurl = https://127.0.0.1:1/\\n[tls]\\ncertificate = c\\n',"
	"'files':{'c':'YQ=='}}",
	"{'name':'tls','set':[{'key':'tls.key','value':'other'}],'files':{'other':'YQ=='}}",
	"{'name':'tls','overlays':[{'file':'o.ini','text':'[tls]\\nkey = o'}],"
	"'files':{'o':'YQ=='}}",
};

START_TEST(a_private_key_does_not_come_with_the_call)
{
	char *text = strdup(test_keys[_i]);

	test_write_file("tls.ini",
		"[target]\nurl = https://127.0.0.1:1/\n[tls]\ncertificate = c.pem\nkey = c.key\n");
	test_write_file("c.pem", "no certificate");
	test_write_file("c.key", "no key");
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	test_fails(&admin, "Start", json_loads(text, 0, NULL), RPSD_INTERFACE ".PlanInvalid",
		"a private key never crosses the service's socket");
	free(text);
	test_remove_file("c.pem");
	test_remove_file("c.key");
	test_remove_file("tls.ini");
}
END_TEST

START_TEST(a_named_run_has_its_key_beside_it)
{
	char run[256];

	(void)snprintf(run, sizeof(run),
		"[target]\nurl = https://%s/\n[load]\nduration = 50ms\n"
		"[tls]\ncertificate = c.pem\nkey = c.key\n",
		origin_address(origin));
	test_write_file("tls.ini", run);
	test_write_file("c.pem", "-----BEGIN CERTIFICATE-----\nbroken\n");
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "tls"),
		RPSD_INTERFACE ".PlanInvalid", "c.key");
	test_write_file("c.key", "-----BEGIN PRIVATE KEY-----\nbroken\n");
	json_decref(test_ok(&admin, "Start", json_pack("{s:s}", "name", "tls")));
	test_until_finished("tls-1");
	test_remove_file("c.pem");
	test_remove_file("c.key");
	test_remove_file("tls.ini");
}
END_TEST

/* Of a named run they are the daemon's own; those of a call come with it. */
START_TEST(credentials_of_a_named_run_are_the_daemons)
{
	static const char text[] = "[target]\nurl = http://%s/\n[load]\nrate = 100\n"
				   "duration = 50ms\n[defaults]\nauth = bearer cred:token.txt\n";
	char run[256];

	(void)snprintf(run, sizeof(run), text, origin_address(origin));
	test_write_file("cred.ini", run);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "cred"),
		RPSD_INTERFACE ".PlanInvalid", "no credentials here: $CREDENTIALS_DIRECTORY");
	/* Nor does a call make up for it, or whoever may start could say who he is. */
	test_fails(&admin, "Start",
		json_pack("{s:s, s:{s:s}}", "name", "cred", "files", "cred:token.txt", "YQ=="),
		RPSD_INTERFACE ".PlanInvalid", "no credentials here: $CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", runs_dir, 1), 0);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "cred"),
		RPSD_INTERFACE ".PlanInvalid", "token.txt: No such file");
	test_write_file("token.txt", "geheim\n");
	json_decref(test_ok(&admin, "Start", json_pack("{s:s}", "name", "cred")));
	/* Never for a text of somebody else. */
	test_fails(&admin, "Start", json_pack("{s:s}", "text", run), RPSD_INTERFACE ".PlanInvalid",
		"'cred:token.txt' is missing");
	json_decref(test_ok(&admin, "Start",
		json_pack("{s:s, s:{s:s}}", "text", run, "files", "cred:token.txt", "YQ==")));
	test_remove_file("token.txt");
	test_remove_file("cred.ini");
}
END_TEST

/* A file without data would be one that was only looked for, and not judged. */
START_TEST(an_empty_piece_is_an_empty_file)
{
	static const char text[] = "[target]\nurl = http://127.0.0.1:1/\n[defaults]\n"
				   "auth = bearer @token\n";

	test_fails(&admin, "Start",
		json_pack("{s:s, s:{s:{s:i, s:i}}}", "text", text, "held", "token", "offset", 0,
			"len", 0),
		RPSD_INTERFACE ".PlanInvalid", "auth: @token is empty");
}
END_TEST

START_TEST(settings_alone_are_a_run)
{
	char url[64];
	json_t *reply;

	(void)snprintf(url, sizeof(url), "http://%s/", origin_address(origin));
	reply = test_ok(&admin, "Start",
		json_pack("{s:[{s:s, s:s}, {s:s, s:s, s:n}]}", "set", "key", "target.url", "value",
			url, "key", "load.duration", "value", "50ms", "origin"));
	ck_assert_str_eq(json_string_value(json_object_get(reply, "id")), "127.0.0.1-1");
	json_decref(reply);
}
END_TEST

START_TEST(overlays_and_variables_make_a_plan)
{
	static const char text[] =
		"[target]\nurl = http://${HOST}/\n[load]\nstage = hold 5 for 9s\n"
		"[run]\nlabel = by=${WHO:-nobody}\n";
	json_t *reply = test_ok(&admin, "Start",
		json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}], s:{s:s}, s:[{s:s, s:s}]}", "text",
			text, "overlays", "file", "a.ini", "text", "[load]\nrate = 3000\n", "file",
			"b.ini", "text", "[load]\nduration = ${LONG:-50ms}\n[run]\nlabel = a=b\n",
			"variables", "HOST", origin_address(origin), "set", "key", "load.scale",
			"value", "x0.1"));
	const char *id = json_string_value(json_object_get(reply, "id"));
	const struct plan *plan = run_plan(registry_find(registry, id));

	ck_assert_str_eq(plan->text, text);
	ck_assert_str_eq(plan->stage_texts[0], "hold 300/s for 50ms");
	ck_assert_uint_eq(plan->n_labels, 2);
	ck_assert_str_eq(plan->labels[0].text, "nobody");
	test_until_finished(id);
	json_decref(reply);
	reply = test_ok(&admin, "Report", NULL);
	ck_assert_str_eq(
		json_string_value(json_object_get(
			json_object_get(
				json_object_get(json_object_get(reply, "result"), "run"), "labels"),
			"a")),
		"b");
	json_decref(reply);
}
END_TEST

START_TEST(a_named_run_is_filled_from_its_defaults_alone)
{
	char run[256];

	(void)snprintf(run, sizeof(run),
		"[target]\nurl = http://${HOST:-%s}/\n[load]\nduration = 50ms\n",
		origin_address(origin));
	test_write_file("body.ini", run);
	json_decref(test_ok(&admin, "Start",
		json_pack("{s:s, s:{s:s}}", "name", "body", "variables", "HOST", "none.invalid")));
	test_write_file("body.ini", "[target]\nurl = http://${HOME}/\n");
	test_fails(&admin, "Start",
		json_pack("{s:s, s:{s:s}}", "name", "body", "variables", "HOME", "127.0.0.1"),
		RPSD_INTERFACE ".PlanInvalid", "body.ini:2: url: ${HOME} is not set");
}
END_TEST

START_TEST(an_operator_starts_named_runs_only)
{
	struct client k = test_operator();

	test_fails(&k, "Start", test_set("target.url", "http://127.0.0.1/"),
		RPSD_INTERFACE ".Refused", "administrator");
	test_fails(&k, "Start", json_pack("{s:s, s:s}", "name", "short", "text", ""),
		RPSD_INTERFACE ".Refused", "administrator");
	json_decref(test_ok(&k, "Start", json_pack("{s:s}", "name", "short")));
	json_decref(test_ok(&k, "Stop", NULL));
	test_close(&k);
}
END_TEST

static const char *const test_overrides[] = {
	"{'name':'short','set':[{'key':'target.url','value':'http://127.0.0.1:1/'}]}",
	"{'name':'short','set':[{'key':'tls.verify','value':'no'}]}",
	"{'name':'short','set':[{'key':'defaults.method','value':'DELETE'}]}",
	"{'name':'short','set':[{'key':'defaults.header','value':'X: y'}]}",
	"{'name':'short','set':[{'key':'defaults.auth','value':'none'}]}",
	"{'name':'short','set':[{'key':'request.a.weight','value':'3'}]}",
	"{'name':'short','overlays':[{'file':'o','text':'[request a]\\nbody = cred:token'}]}",
	"{'name':'short','overlays':[{'file':'o','text':'[load]\\nrate = 5\\n[target]\\nurl = "
	"http://127.0.0.1:1/'}]}",
	"{'name':'short','overlays':[{'file':'o','text':'[request more]\\n'}]}",
	"{'name':'short','overlays':[{'file':'o','text':'[load]\\nrate = 5\\n[defaults]\\n'}]}",
	"{'name':'short','set':[{'key':'connections.source','value':'127.0.0.2'}]}",
	"{'name':'short','set':[{'key':'pacing.mode','value':'spin'}]}",
};

/* Its file has a cookie in it. */
START_TEST(an_operator_cannot_say_what_a_named_run_sends)
{
	struct client k = test_operator();
	char *text = strdup(test_overrides[_i]);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	test_fails(&k, "Start", json_loads(text, 0, NULL), RPSD_INTERFACE ".Refused",
		"only an administrator may change it");
	if (strstr(text, "target"))
		json_decref(test_ok(&admin, "Start", json_loads(text, 0, NULL)));
	free(text);
	test_close(&k);
}
END_TEST

START_TEST(nothing_is_started_when_the_daemon_ends)
{
	methods_stop_starting(methods);
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "short"),
		RPSD_INTERFACE ".Unavailable",
		"rpsd is stopping: try again when it has started anew");
	json_decref(test_ok(&admin, "Status", NULL));
}
END_TEST

/* ---------------------------------------------------------------- hold, Stop, Watch */

/* A listener that answers no connection: its queue is full. The two in it stay open. */
static int test_full_listener(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	for (int i = 0; i < 2; i++) {
		int full = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		(void)connect(full, (struct sockaddr *)&sa, sizeof(sa));
	}
	return fd;
}

START_TEST(a_held_run_ends_with_its_client)
{
	struct client holder = test_client();
	json_t *parameters = test_set("load.duration", "30s");
	json_t *reply;
	const struct run *run;

	ck_assert_int_eq(json_object_set_new(parameters, "name", json_string("short")), 0);
	ck_assert_int_eq(json_object_set_new(parameters, "hold", json_true()), 0);
	reply = test_ok(&holder, "Start", parameters);
	json_decref(reply);
	test_close(&holder);
	test_until_finished("short-1");
	run = registry_find(registry, "short-1");
	ck_assert_str_eq(run_outcome(run), "stopped");
	ck_assert_ptr_nonnull(strstr(run_reason(run), "client"));
}
END_TEST

/* While the run still looks for its target nothing has to be awaited: it ends, and ends the watch,
 * inside the closing of the connection that both belong to. */
START_TEST(a_client_may_hold_and_watch_a_run_and_go_before_it_begins)
{
	int full = test_full_listener();
	struct client holder = test_client();
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	json_t *parameters;
	char url[64];

	ck_assert_int_eq(getsockname(full, (struct sockaddr *)&sa, &len), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(sa.sin_port));
	parameters = json_pack("{s:s, s:b, s:[{s:s, s:s}, {s:s, s:s}]}", "name", "short", "hold", 1,
		"set", "key", "target.url", "value", url, "key", "timeouts.connect", "value", "1s");
	json_decref(test_ok(&holder, "Start", parameters));
	test_send(&holder, "Watch", NULL, true);
	json_decref(test_next(&holder));
	test_close(&holder);
	test_until_finished("short-1");
	ck_assert_str_eq(run_outcome(registry_find(registry, "short-1")), "stopped");
	json_decref(test_ok(&admin, "Status", NULL));
	ck_assert_int_eq(close(full), 0);
}
END_TEST

START_TEST(a_run_that_is_not_held_goes_on)
{
	struct client starter = test_client();
	json_t *reply =
		test_ok(&starter, "Start", json_pack("{s:s, s:b}", "name", "short", "hold", 0));

	json_decref(reply);
	test_close(&starter);
	test_until_finished("short-1");
	ck_assert_str_eq(run_outcome(registry_find(registry, "short-1")), "completed");
}
END_TEST

START_TEST(a_held_run_that_is_over_lets_its_client_go)
{
	struct client holder = test_client();

	json_decref(test_ok(&holder, "Start", json_pack("{s:s, s:b}", "name", "short", "hold", 1)));
	test_until_finished("short-1");
	test_close(&holder);
	json_decref(test_ok(&admin, "Status", NULL));
	ck_assert_str_eq(run_outcome(registry_find(registry, "short-1")), "completed");
}
END_TEST

START_TEST(runs_are_stopped_one_or_all)
{
	json_t *reply;
	char id[96];

	reply = test_ok(&admin, "Stop", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "stopped")), 0);
	json_decref(reply);
	for (int i = 0; i < 3; i++)
		test_start_short(id, test_set("load.duration", "30s"));
	test_fails(&admin, "Stop", json_pack("{s:s}", "run", "x-1"), RPSD_INTERFACE ".NoSuchRun",
		"x-1");
	test_fails(&admin, "Stop", json_pack("{s:s, s:b}", "run", "short-1", "all", 1), INVALID,
		"all");
	reply = test_ok(&admin, "Stop", json_pack("{s:s}", "run", "short-1"));
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "stopped")), 1);
	json_decref(reply);
	test_until_finished("short-1");
	reply = test_ok(&admin, "Stop", json_pack("{s:s}", "run", "short-1"));
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "stopped")), 0);
	json_decref(reply);
	reply = test_ok(&admin, "Stop", json_pack("{s:b, s:b}", "all", 1, "now", 1));
	ck_assert_uint_eq(json_array_size(json_object_get(reply, "stopped")), 2);
	json_decref(reply);
	test_until_finished("short-3");
	ck_assert_str_eq(run_outcome(registry_find(registry, "short-3")), "stopped");
}
END_TEST

START_TEST(a_watch_goes_on_until_the_run_has_finished)
{
	struct client watcher = test_client();
	unsigned n = 0;
	bool continues;
	char id[96];

	test_fails(&admin, "Watch", NULL, RPSD_INTERFACE ".NoSuchRun", "run");
	test_start_short(id, json_pack("{}"));
	test_send(&watcher, "Watch", json_pack("{s:s}", "run", id), true);
	do {
		json_t *reply = test_next(&watcher);
		json_t *progress =
			json_object_get(json_object_get(reply, "parameters"), "progress");
		const char *state = json_string_value(
			json_object_get(json_object_get(progress, "run"), "state"));

		continues = json_is_true(json_object_get(reply, "continues"));
		ck_assert_int_eq(str_eq(state, "finished"), !continues);
		if (!continues)
			ck_assert_int_eq(json_integer_value(json_object_get(progress, "sent")), 40);
		json_decref(reply);
		n++;
	} while (continues);
	ck_assert_uint_ge(n, 3);
	/* The connection is free again. */
	json_decref(test_ok(&watcher, "Status", NULL));
	test_close(&watcher);
}
END_TEST

/* The socket is full of other replies when the watch begins, and nobody reads until the run is
 * over: of all its news only the first and the last are sent. */
START_TEST(a_slow_reader_of_a_watch_gets_the_newest)
{
	struct client watcher = test_client();
	json_t *reply;
	json_t *parameters;
	char id[96];

	/* More than a socket takes, less than the daemon keeps for one client. */
	size_t n_before = 410000 / strlen(varlink_interface_text);

	test_start_short(id, test_set("load.duration", "500ms"));
	for (size_t i = 0; i < n_before; i++)
		test_send(&watcher, "org.varlink.service.GetInterfaceDescription",
			json_pack("{s:s}", "interface", RPSD_INTERFACE), false);
	test_send(&watcher, "Watch", NULL, true);
	test_until_finished(id);
	for (size_t i = 0; i < n_before; i++) {
		reply = test_next(&watcher);
		ck_assert(json_object_get(json_object_get(reply, "parameters"), "description"));
		json_decref(reply);
	}
	reply = test_next(&watcher);
	ck_assert(json_is_true(json_object_get(reply, "continues")));
	json_decref(reply);
	reply = test_next(&watcher);
	parameters = json_object_get(reply, "parameters");
	ck_assert_ptr_null(json_object_get(reply, "continues"));
	ck_assert_int_ge(json_integer_value(json_object_get(parameters, "skipped")), 4);
	json_decref(reply);
	test_close(&watcher);
}
END_TEST

START_TEST(a_watch_may_be_left)
{
	struct client watcher = test_client();
	char id[96];

	test_start_short(id, json_pack("{}"));
	test_send(&watcher, "Watch", NULL, true);
	json_decref(test_next(&watcher));
	test_close(&watcher);
	test_until_finished(id);
	ck_assert_str_eq(run_outcome(registry_find(registry, id)), "completed");
}
END_TEST

START_TEST(watch_without_more_answers_once)
{
	json_t *reply;
	char id[96];

	test_start_short(id, json_pack("{}"));
	reply = test_call(&admin, "Watch", NULL);
	ck_assert_ptr_null(json_object_get(reply, "continues"));
	ck_assert_ptr_null(json_object_get(reply, "error"));
	json_decref(reply);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("methods_start");
	TCase *t;

	t = test_case(s, "start");
	tcase_add_test(t, a_named_run_is_started);
	tcase_add_test(t, overlays_and_variables_make_a_plan);
	tcase_add_test(t, a_named_run_is_filled_from_its_defaults_alone);
	tcase_add_loop_test(t, what_cannot_be_started_is_explained, 0,
		(int)(sizeof(test_refused) / sizeof(test_refused[0])));
	tcase_add_test(t, files_come_with_the_call_or_from_beside_a_named_run);
	tcase_add_test(t, a_file_of_the_call_replaces_none_of_a_named_run);
	tcase_add_test(t, files_of_a_run_have_a_limit);
	tcase_add_test(t, a_pipe_beside_a_named_run_is_not_opened);
	tcase_add_loop_test(t, a_private_key_does_not_come_with_the_call, 0,
		(int)(sizeof(test_keys) / sizeof(*test_keys)));
	tcase_add_test(t, a_named_run_has_its_key_beside_it);
	tcase_add_test(t, credentials_of_a_named_run_are_the_daemons);
	tcase_add_test(t, an_empty_piece_is_an_empty_file);
	tcase_add_test(t, settings_alone_are_a_run);
	tcase_add_test_of_root(t, an_operator_starts_named_runs_only);
	tcase_add_loop_test_of_root(t, an_operator_cannot_say_what_a_named_run_sends, 0,
		(int)(sizeof(test_overrides) / sizeof(*test_overrides)));
	tcase_add_test(t, nothing_is_started_when_the_daemon_ends);

	t = test_case(s, "steer");
	tcase_add_test(t, a_held_run_ends_with_its_client);
	tcase_add_test(t, a_client_may_hold_and_watch_a_run_and_go_before_it_begins);
	tcase_add_test(t, a_run_that_is_not_held_goes_on);
	tcase_add_test(t, a_held_run_that_is_over_lets_its_client_go);
	tcase_add_test(t, runs_are_stopped_one_or_all);
	tcase_add_test(t, a_watch_goes_on_until_the_run_has_finished);
	tcase_add_test(t, a_slow_reader_of_a_watch_gets_the_newest);
	tcase_add_test(t, a_watch_may_be_left);
	tcase_add_test(t, watch_without_more_answers_once);
	return suite_main(s);
}
