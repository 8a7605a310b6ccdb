/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs against a server that breaks every connection at another byte: the n-th at the n-th.
 * Several users and workers come to it in any order, so only the sums are known, and they have to
 * be right. Also what a script may not be. */
#include <errno.h>

#include "common/stats/fault.h"
#include "tests/support/hostile.h"
#include "tests/support/suite.h"
#include "tests/unit/runs/run_fixture.h"

#define TIMEOUT_S 40 /* only a broken test waits that long */
#define OK_TEXT "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"
#define OK_BYTES 40

static struct hostile server;

static void open_server(const char *script, int tls_version)
{
	struct hostile_config config = {.script = script, .tls_version = tls_version};
	struct err err = {0};

	ck_assert_msg(hostile_open(&server, &config, &err) == 0, "%s", err.text);
}

/* So many requests of 4 users and 2 workers, to their end. */
static const json_t *run_whole(unsigned n)
{
	char number[16];
	const char *const keys[] = {"load", "model", "closed", "load", "workers", "2", "load",
		"requests", number, "connections", "count", "4", "connections", "reuse", "no",
		NULL};

	(void)snprintf(number, sizeof(number), "%u", n);
	fixture.ca_pem = server.tls.ca_pem;
	return run_result(fixture_run(fixture_plan_to(fixture_port(&server.server), keys)));
}

/* All but n_ok end as this; the rest is well, and both sides count the same. */
static void check(const json_t *doc, unsigned n, unsigned n_ok, enum fault fault)
{
	const json_t *errors = json_path_at(doc, "errors");
	int64_t planned = -1, ok = -1, count = -1, sent = -1;
	bool balanced = false;

	ck_assert(json_path_bool(doc, "ledger.balanced", &balanced) && balanced);
	ck_assert(json_path_int(doc, "ledger.planned", &planned));
	ck_assert(json_path_int(doc, "ledger.sent", &sent));
	ck_assert(json_path_int(doc, "ledger.ok", &ok));
	ck_assert_int_eq(planned, n);
	ck_assert_int_eq(ok, n_ok);
	ck_assert_uint_eq(json_array_size(errors), 1);
	ck_assert_str_eq(
		json_path_text(json_array_get(errors, 0), "class"), fault_table[fault].name);
	ck_assert(json_path_int(json_array_get(errors, 0), "count", &count));
	ck_assert_int_eq(count, n - n_ok);
	/* A connection may be reset before its request is read. */
	ck_assert_int_le(mini_server_requests(&server.server), sent);
}

/* ---- tests */

/* The daemon's first look at the address is the connection with the index 0. */
START_TEST(plain)
{
	unsigned n = OK_BYTES + 5;

	open_server(_i ? "request cut index rst send \"" OK_TEXT "\""
		       : "request cut index fin send \"" OK_TEXT "\"",
		0);
	check(run_whole(n), n, 6, _i ? FAULT_RESET : FAULT_CLOSED);
	hostile_close(&server);
}
END_TEST

START_TEST(over_tls)
{
	open_server(_i & 1 ? "handshake request cut index rst send \"" OK_TEXT "\""
			   : "handshake request cut index fin send \"" OK_TEXT "\"",
		_i & 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
	check(run_whole(OK_BYTES), OK_BYTES, 0, _i & 1 ? FAULT_RESET : FAULT_CLOSED);
	hostile_close(&server);
}
END_TEST

START_TEST(handshakes)
{
	open_server(_i & 1 ? "cut index rst handshake hang" : "cut index fin handshake hang",
		_i & 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
	check(run_whole(100), 100, 0, FAULT_TLS_CLOSED);
	hostile_close(&server);
}
END_TEST

static const char *const bad_scripts[] = {
	"shout",
	"send",
	"send \"no end",
	"send \"\\q\"",
	"repeat x { request }",
	"repeat 2 request",
	"forever { request",
	"}",
	"delay 5parsecs",
	"cut 5",
	"cut 5 slowly",
	"request accept 1",
};

START_TEST(script_that_is_none)
{
	struct hostile_script script;
	struct err err = {0};

	ck_assert_int_eq(hostile_script_parse(&script, bad_scripts[_i], &err), -EINVAL);
	ck_assert_uint_gt(strlen(err.text), 0);
	ck_assert_uint_eq(script.n_steps, 0);
}
END_TEST

START_TEST(script)
{
	struct hostile_script s;
	struct err err = {0};

	ck_assert_msg(hostile_script_parse(&s,
			      "accept 3 # three\nrepeat 2 { send \"\\x41\\0\\r\\n\\\\\\\"\" "
			      "forever { delay 5ms } } cut index hang",
			      &err) == 0,
		"%s", err.text);
	ck_assert_uint_eq(s.n_steps, 6);
	ck_assert_int_eq(s.steps[1].verb, HOSTILE_REPEAT);
	ck_assert_uint_eq(s.steps[1].number, 2);
	ck_assert_uint_eq(s.steps[1].n_inner, 3);
	ck_assert_uint_eq(s.steps[2].len, 6);
	ck_assert_mem_eq(s.steps[2].text, "A\0\r\n\\\"", 6);
	ck_assert_int_eq(s.steps[4].time_ns, 5000000);
	ck_assert_uint_eq(s.steps[5].number, HOSTILE_INDEX);
	ck_assert_int_eq(s.steps[5].how, HOSTILE_CUT_HANG);
	ck_assert(hostile_script_has(&s, HOSTILE_DELAY));
	ck_assert(!hostile_script_has(&s, HOSTILE_HANDSHAKE));
	hostile_script_fini(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hostile");
	TCase *t = tcase_create("hostile"), *scripts = tcase_create("scripts");

	tcase_set_timeout(t, TIMEOUT_S);
	tcase_add_checked_fixture(t, fixture_open, fixture_close);
	tcase_add_loop_test(t, plain, 0, 2);
	tcase_add_loop_test(t, over_tls, 0, 4);
	tcase_add_loop_test(t, handshakes, 0, 4);
	suite_add_tcase(s, t);
	tcase_add_loop_test(
		scripts, script_that_is_none, 0, (int)(sizeof(bad_scripts) / sizeof(*bad_scripts)));
	tcase_add_test(scripts, script);
	suite_add_tcase(s, scripts);
	return suite_main(s);
}
