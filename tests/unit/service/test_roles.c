/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: every method and every key of a run file, asked for by every role. SECURITY.md
 * has the same tables, and is held to these. What the answers tell is in test_who_sees_what, what
 * no role passes in test_caps, who is of which role in test_control. */
#include <jansson.h>

#include "common/file.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/settings/settings_keys.h"
#include "common/plan/plan.h"
#include "common/str.h"
#include "tests/support/skip.h"
#include "tests/support/suite.h"
#include "tests/unit/service/methods_fixture.h"

enum role { OBSERVER, MEMBER, ADMINISTRATOR, N_ROLES };
static const char *const role_names[N_ROLES] = {"observer", "member", "administrator"};

/* Of each role: - not its method, r refused in words, y done. */
static const struct {
	const char *method;
	const char *parameters; /* ' for " */
	const char *may;
	const char *document; /* the row of SECURITY.md */
} rights[] = {
	{"org.varlink.service.GetInfo", "{}", "yyy", "`GetInfo`, `GetInterfaceDescription`"},
	{"org.varlink.service.GetInterfaceDescription", "{'interface':'io.rpsd.Control'}", "yyy",
		"`GetInfo`, `GetInterfaceDescription`"},
	{"Status", "{}", "yyy", "`Status`"},
	{"Status", "{'run':'short-1'}", "yyy", "`Status`"},
	{"Watch", "{'run':'short-1'}", "yyy", "`Watch`"},
	{"Report", "{'run':'short-1'}", "yyy", "`Report`"},
	{"List", "{}", "yyy", "`List`"},
	{"Show", "{}", "yyy", "`Show`"},
	{"Show", "{'name':'short'}", "yyy", "`Show`"},
	{"Origins", "{}", "yyy", "`Origins`"},
	{"Start", "{'name':'short'}", "-yy", "`Start` of a run in `runs.d`"},
	{"Start", "{'name':'short','set':[{'key':'load.rate','value':'50'}]}", "-yy",
		"`Start` of a run in `runs.d`"},
	{"Start", "{'name':'short','overlays':[{'file':'o','text':'[load]\\nrate = 50\\n'}]}",
		"-yy", "`Start` of a run in `runs.d`"},
	{"Start", "{'name':'short','hold':true}", "-yy", "`Start` of a run in `runs.d`"},
	{"Start", "{'name':'short','set':[{'key':'defaults.header','value':'X: y'}]}", "-ry",
		"`Start` with another target, request or header"},
	{"Start", "{'text':'[target]\\nurl = 127.0.0.1:1\\n','name':'mine'}", "-ry",
		"`Start` of an ad-hoc run (a text)"},
	{"Start", "{'set':[{'key':'target.url','value':'127.0.0.1:1'}]}", "-ry",
		"`Start` of an ad-hoc run (a text)"},
	{"Set", "{'settings':[{'key':'rate','value':'150'}]}", "-yy", "`Set`, `Pause`, `Resume`"},
	{"Pause", "{}", "-yy", "`Set`, `Pause`, `Resume`"},
	{"Resume", "{}", "-yy", "`Set`, `Pause`, `Resume`"},
	{"Next", "{}", "-yy", "`Next`, `Stop`"},
	{"Stop", "{}", "-yy", "`Next`, `Stop`"},
	{"Stop", "{'all':true,'now':true}", "-yy", "`Next`, `Stop`"},
};
#define N_RIGHTS (sizeof(rights) / sizeof(rights[0]))

static json_t *test_json(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(copy, 0, NULL);
	ck_assert_msg(value != NULL, "%s", text);
	free(copy);
	return value;
}

static struct client test_role(enum role role)
{
	return role == OBSERVER ? test_observer()
	       : role == MEMBER ? test_operator()
				: test_client();
}

/* As in the table: '-', 'r' or 'y'. */
static char test_outcome(json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *reason =
		json_string_value(json_object_get(json_object_get(reply, "parameters"), "reason"));

	if (!error)
		return 'y';
	if (str_eq(error, "org.varlink.service.PermissionDenied"))
		return '-';
	return reason && strstr(reason, "only an administrator") ? 'r' : '?';
}

static char *test_document(void)
{
	char *text = NULL;
	size_t len;

	ck_assert_msg(file_read("SECURITY.md", 1 << 20, &text, &len) == 0,
		"SECURITY.md cannot be read: tests begin in the folder of the project");
	return text;
}

/* A run of another, an administrator's, that goes on: two stages, so that there is a next one. */
static void test_start_long(void)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		"[target]\nurl = http://%s/\n[load]\nstage = hold 50 for 60s\n"
		"stage = hold 60 for 60s\n[statistics]\ninterval = 100ms\n",
		origin_address(origin));
	json_decref(
		test_ok(&admin, "Start", json_pack("{s:s, s:s}", "text", text, "name", "theirs")));
	while (run_get_state(registry_find(registry, NULL)) == RUN_PREPARING)
		ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
}

START_TEST(each_role_may_what_is_written)
{
	enum role role = (enum role)_i;
	struct client k = test_role(role);
	char *document = test_document();
	char id[96];

	test_start_short(id, json_pack("{}"));
	test_until_finished(id);
	for (size_t i = 0; i < N_RIGHTS; i++) {
		bool is_start = str_eq(rights[i].method, "Start");
		bool is_act = strchr(rights[i].may, '-') && !is_start;
		json_t *reply;
		char cells[256];

		/* Acts are of a run that another has started. */
		if (is_act &&
			(!registry_find(registry, NULL) ||
				run_get_state(registry_find(registry, NULL)) == RUN_FINISHED ||
				!str_starts(run_id(registry_find(registry, NULL)), "theirs")))
			test_start_long();
		reply = test_call(&k, rights[i].method, test_json(rights[i].parameters));
		ck_assert_msg(test_outcome(reply) == rights[i].may[role], "%s %s of %s: %s",
			rights[i].method, rights[i].parameters, role_names[role],
			json_dumps(reply, 0));
		json_decref(reply);
		/* "| METHOD | no | yes | yes |" */
		(void)snprintf(cells, sizeof(cells), "\n| %s | %s | %s | %s |", rights[i].document,
			rights[i].may[0] == 'y' ? "yes" : "no",
			rights[i].may[1] == 'y' ? "yes" : "no",
			rights[i].may[2] == 'y' ? "yes" : "no");
		ck_assert_msg(strstr(document, cells) != NULL, "SECURITY.md has no row%s", cells);
	}
	free(document);
	test_close(&k);
}
END_TEST

START_TEST(no_method_is_left_out)
{
	for (size_t m = 0; m < methods_n; m++) {
		bool is_there = false;

		for (size_t i = 0; i < N_RIGHTS; i++) {
			size_t len = strlen(rights[i].method);
			size_t all = strlen(methods_table[m].name);

			is_there |= all >= len &&
				    str_eq(methods_table[m].name + all - len, rights[i].method);
		}
		ck_assert_msg(is_there, "%s", methods_table[m].name);
	}
}
END_TEST

/* A member's key: a figure of the load. As SECURITY.md names them: whole sections, and these. */
static bool test_is_figure(const char *section, const char *key)
{
	static const char *const sections[] = {
		"load", "connections", "timeouts", "statistics", "thresholds", "run"};
	bool is_figure = false;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		is_figure |= str_eq(section, sections[i]);
	return is_figure && !str_eq(key, "source");
}

/* With a value that no key takes: then who may set the key learns that, and nothing is started. */
START_TEST(each_key_is_for_whom_it_is_written)
{
	enum role role = (enum role)_i;
	struct client k = test_role(role);
	unsigned n = 0;

	for (size_t i = 0; i < plan_keys.n; i++) {
		const struct key *key = &plan_keys.rows[i];
		char name[128];
		json_t *reply;
		char want = '?'; /* it is the value that is wrong, or nothing */
		char got;

		(void)snprintf(name, sizeof(name), "%s.%s%s", key->section,
			str_eq(key->section, "request") ? "a." : "", key->name);
		if (role == OBSERVER)
			want = '-';
		else if (role == MEMBER && !test_is_figure(key->section, key->name))
			want = 'r';
		reply = test_call(&k, "Start",
			json_pack("{s:s, s:[{s:s, s:s}]}", "name", "short", "set", "key", name,
				"value", ""));
		got = test_outcome(reply);
		/* Some take any text, and start. */
		ck_assert_msg(got == want || (want == '?' && got == 'y'), "%s of %s: %s", name,
			role_names[role], json_dumps(reply, 0));
		json_decref(reply);
		json_decref(test_call(&admin, "Stop", json_pack("{s:b, s:b}", "all", 1, "now", 1)));
		while (registry_n_active(registry) > 0)
			ck_assert_int_eq(loop_turn(loop, 10 * NSEC_PER_MSEC), 0);
		n++;
	}
	ck_assert_uint_gt(n, 50);
	test_close(&k);
}
END_TEST

/* What SECURITY.md says in figures: of [policy] and of what one may ask. */
START_TEST(the_limits_are_those_of_the_document)
{
	static const char *const policy[] = {
		"max-rate", "max-connections", "max-runs", "max-duration"};
	const struct control_limits *l = &control_default_limits;
	char *document = test_document();
	const struct {
		const char *what;
		unsigned long long n;
	} figures[] = {
		{"connections at one time", l->n_connections},
		{"of them kept for root and the service's own user", l->n_reserved},
		{"of them for observers", l->n_observers},
		{"of one user", l->n_per_uid},
		{"KiB of a call", l->call_max >> 10},
		{"MiB of a call of an administrator", l->admin_call_max >> 20},
		{"levels of JSON", VARLINK_DEPTH_MAX},
		{"elements of JSON", VARLINK_ELEMENTS_MAX},
		{"s for a call that has begun", (unsigned long long)(l->partial_ns / NSEC_PER_SEC)},
		{"s for an answer that is not read",
			(unsigned long long)(l->stall_ns / NSEC_PER_SEC)},
		{"MiB of a run's files", PLAN_SERVICE_BYTES_MAX >> 20},
		{"requests of a run file", PLAN_REQUESTS_MAX},
	};
	char row[256];

	for (size_t i = 0; i < sizeof(policy) / sizeof(policy[0]); i++) {
		const struct key *key = keys_find(&settings_keys, "policy", policy[i]);

		(void)snprintf(
			row, sizeof(row), "\n| `[policy] %s` | %s |", policy[i], key->fallback);
		ck_assert_msg(strstr(document, row) != NULL, "SECURITY.md has no row%s", row);
	}
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		(void)snprintf(row, sizeof(row), "\n| %s | %llu |", figures[i].what, figures[i].n);
		ck_assert_msg(strstr(document, row) != NULL, "SECURITY.md has no row%s", row);
	}
	free(document);
}
END_TEST

/* Two at one time, whoever has started them; an administrator has no third either. */
START_TEST(so_many_runs_and_no_more)
{
	struct client member = test_operator();

	settings->max_runs = 2;
	test_start_long();
	json_decref(test_ok(&member, "Start",
		json_pack("{s:s, s:[{s:s, s:s}]}", "name", "short", "set", "key", "load.duration",
			"value", "60s")));
	test_fails(&member, "Start", json_pack("{s:s}", "name", "short"), RPSD_INTERFACE ".Refused",
		"max-runs = 2: wait until one ends, or stop one (rpsctl stop)");
	test_fails(&admin, "Start", json_pack("{s:s}", "name", "short"), RPSD_INTERFACE ".Refused",
		"max-runs = 2");
	test_close(&member);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("roles");
	TCase *t = test_case(s, "roles");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test_of_root(t, each_role_may_what_is_written, 0, N_ROLES);
	tcase_add_loop_test_of_root(t, each_key_is_for_whom_it_is_written, 0, N_ROLES);
	tcase_add_test(t, no_method_is_left_out);
	tcase_add_test(t, the_limits_are_those_of_the_document);
	tcase_add_test_of_root(t, so_many_runs_and_no_more);
	return suite_main(s);
}
