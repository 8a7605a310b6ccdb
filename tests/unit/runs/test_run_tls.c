/* SPDX-License-Identifier: Apache-2.0 */
/* Runs over https from their start to their document, against a TLS server on loopback. */

#include "common/exit_codes.h"
#include "tests/support/mini_tls.h"
#include "tests/support/suite.h"
#include "tests/unit/runs/run_fixture.h"

#define TIMEOUT_S 20 /* only a broken test waits that long */

static struct mini_server server;
static struct mini_tls tls;

/* ---- servers */

/* Until the client goes, an answer to each request. */
static void serve(struct mini_conn *c)
{
	SSL *ssl = mini_tls_accept(&tls, c->fd);

	while (ssl && mini_tls_read_request(ssl) && mini_tls_write(ssl, MINI_OK))
		;
	/* What comes after an alert is read: or a reset would overtake it. */
	if (ssl)
		mini_tls_end(ssl, false);
	else
		mini_linger(c);
}

static void serve_once(struct mini_conn *c)
{
	SSL *ssl = mini_tls_accept(&tls, c->fd);

	if (!ssl)
		return;
	if (mini_tls_read_request(ssl))
		(void)mini_tls_write(ssl, MINI_OK_CLOSE);
	mini_tls_end(ssl, true);
}

static void serve_until_close(struct mini_conn *c)
{
	bool is_polite = *(const bool *)c->server->userdata;
	SSL *ssl = mini_tls_accept(&tls, c->fd);

	if (!ssl)
		return;
	if (mini_tls_read_request(ssl))
		(void)mini_tls_write(ssl, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
	mini_tls_end(ssl, is_polite);
}

/* ---- fixture */

static void teardown(void)
{
	fixture_close();
	mini_tls_close(&tls);
}

static void open_server(enum mini_tls_who who, int version, mini_fn fn, void *userdata)
{
	mini_tls_open(&tls, who, version);
	fixture.ca_pem = tls.ca_pem;
	ck_assert_int_eq(mini_server_open(&server, 64, fn, userdata), 0);
}

static struct run *run_whole(const char *const *keys)
{
	return fixture_run(fixture_plan_to(fixture_port(&server), keys));
}

static const char *first_error(const struct run *run, const char *name)
{
	return json_path_text(json_array_get(json_path_at(run_result(run), "errors"), 0), name);
}

static bool has_note(const struct run *run, const char *text)
{
	const json_t *notes = json_path_at(run_result(run), "generator.notes");

	for (size_t i = 0; i < json_array_size(notes); i++)
		if (strcmp(json_path_text(json_array_get(notes, i), "text"), text) == 0)
			return true;
	return false;
}

/* ---- tests */

START_TEST(what_the_document_says)
{
	static const char *const keys[] = {"load", "rate", "max", "load", "requests", "200",
		"connections", "count", "4", "load", "workers", "2", NULL};
	bool flag = false;
	struct run *run;

	open_server(MINI_TLS_GOOD, _i ? TLS1_3_VERSION : TLS1_2_VERSION, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 200);
	ck_assert(json_path_bool(run_result(run), "plan.target.tls", &flag) && flag);
	ck_assert_str_eq(json_path_text(run_result(run), "plan.target.tls_info.version"),
		_i ? "TLSv1.3" : "TLSv1.2");
	ck_assert_uint_gt(
		strlen(json_path_text(run_result(run), "plan.target.tls_info.cipher")), 0);
	ck_assert(json_path_bool(run_result(run), "plan.target.tls_info.verify", &flag) && flag);
	ck_assert(
		json_path_bool(run_result(run), "plan.target.tls_info.client_certificate", &flag));
	ck_assert(!flag);
	ck_assert_str_eq(
		json_path_text(run_result(run), "plan.target.tls_info.server_name"), "127.0.0.1");
	ck_assert_int_eq(fixture_int(run, "latency.connect.count"), 4);
	ck_assert_int_eq(fixture_int(run, "latency.tls.count"), 4);
	ck_assert_int_eq(fixture_int(run, "connections.opened"), 4);
	ck_assert(!has_note(run, "certificate not verified (-k)"));
	mini_server_close(&server);
}
END_TEST

START_TEST(sessions_are_resumed)
{
	static const char *const keys[2][15] = {
		{"load", "rate", "max", "load", "requests", "20", "connections", "count", "1",
			"connections", "reuse", "no", NULL},
		{"load", "rate", "max", "load", "requests", "20", "connections", "count", "1",
			"tls", "resume", "no", NULL}};
	struct run *run;

	open_server(MINI_TLS_GOOD, TLS1_3_VERSION, serve_once, NULL);
	run = run_whole(keys[_i]);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 20);
	ck_assert_int_ge(fixture_int(run, "latency.tls.count"), 20);
	if (_i == 0)
		ck_assert_double_ge(fixture_real(run, "connections.tls_resumed_share"), 0.5);
	else
		ck_assert_double_eq(fixture_real(run, "connections.tls_resumed_share"), 0);
	mini_server_close(&server);
}
END_TEST

static const struct {
	enum mini_tls_who who;
	const char *class, *example, *try;
} bad[] = {
	{MINI_TLS_EXPIRED, "tls-expired", "the server's certificate expired on ", "-k"},
	{MINI_TLS_WRONG_HOST, "tls-wrong-host",
		"the server's certificate is not for 127.0.0.1 but for other.test",
		"tls.server-name=other.test"},
	{MINI_TLS_UNKNOWN, "tls-untrusted", "the issuer of the server's certificate is not trusted",
		"--cacert"},
};

START_TEST(bad_certificate_in_the_open_model)
{
	static const char *const keys[] = {
		"load", "rate", "100", "load", "duration", "100ms", NULL};
	const char *example = bad[_i].example;
	struct run *run;

	open_server(bad[_i].who, 0, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	ck_assert_int_eq(fixture_int(run, "ledger.not_connected"), 10);
	ck_assert_str_eq(first_error(run, "class"), bad[_i].class);
	ck_assert_str_eq(first_error(run, "phase"), "tls");
	ck_assert_msg(strncmp(first_error(run, "example"), example, strlen(example)) == 0, "%s",
		first_error(run, "example"));
	ck_assert_ptr_nonnull(strstr(json_path_text(run_result(run), "headline.try"), bad[_i].try));
	ck_assert(json_is_null(json_path_at(run_result(run), "plan.target.tls_info.version")));
	ck_assert(json_is_null(json_path_at(run_result(run), "connections.tls_resumed_share")));
	mini_server_close(&server);
}
END_TEST

/* Where the connections are opened before the run begins. */
START_TEST(bad_certificate_in_the_closed_model)
{
	static const char *const keys[] = {"load", "rate", "max", "load", "duration", "1s", NULL};
	struct run *run;

	open_server(bad[_i].who, 0, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	ck_assert_str_eq(run_outcome(run), "failed");
	ck_assert_msg(strncmp(run_reason(run), bad[_i].example, strlen(bad[_i].example)) == 0, "%s",
		run_reason(run));
	mini_server_close(&server);
}
END_TEST

START_TEST(any_certificate_with_k)
{
	static const char *const keys[] = {
		"load", "rate", "100", "load", "duration", "100ms", "tls", "verify", "no", NULL};
	bool flag = true;
	struct run *run;

	open_server(bad[_i].who, 0, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 10);
	ck_assert(json_path_bool(run_result(run), "plan.target.tls_info.verify", &flag) && !flag);
	ck_assert(has_note(run, "certificate not verified (-k)"));
	mini_server_close(&server);
}
END_TEST

START_TEST(another_name_may_be_asked_for)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "100ms",
		"tls", "server-name", MINI_TLS_HOST, NULL};
	struct run *run;

	open_server(MINI_TLS_GOOD, 0, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), 10);
	mini_server_close(&server);
}
END_TEST

START_TEST(a_version_too_low)
{
	static const char *const keys[] = {"load", "rate", "100", "load", "duration", "100ms",
		"tls", "min-version", "1.3", NULL};
	struct run *run;

	open_server(MINI_TLS_GOOD, TLS1_2_VERSION, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(fixture_int(run, "ledger.not_connected"), 10);
	ck_assert_str_eq(first_error(run, "class"), "tls-protocol");
	ck_assert_ptr_nonnull(strstr(first_error(run, "example"), "no version of TLS"));
	mini_server_close(&server);
}
END_TEST

/* The alert comes when the connection is open already; in the closed model before a request. */
START_TEST(a_certificate_is_wanted)
{
	static const char *const keys[2][7] = {
		{"load", "rate", "100", "load", "duration", "100ms", NULL},
		{"load", "rate", "max", "load", "duration", "1s", NULL}};
	struct run *run;

	open_server(MINI_TLS_GOOD, TLS1_3_VERSION, serve, NULL);
	mini_tls_require_certificate(&tls);
	run = run_whole(keys[_i]);
	ck_assert_int_eq(run_exit_code(run), EXIT_RUN_FAILED);
	if (_i == 0)
		ck_assert_msg(strstr(first_error(run, "example"), "certificate required") != NULL,
			"%s", first_error(run, "example"));
	mini_server_close(&server);
}
END_TEST

START_TEST(bodies_until_the_end)
{
	static const char *const keys[] = {
		"load", "rate", "100", "load", "duration", "100ms", NULL};
	bool is_polite = _i;
	struct run *run;

	open_server(MINI_TLS_GOOD, 0, serve_until_close, &is_polite);
	run = run_whole(keys);
	ck_assert_int_eq(fixture_int(run, "ledger.ok"), is_polite ? 10 : 0);
	ck_assert_int_eq(fixture_int(run, "ledger.connection_error"), is_polite ? 0 : 10);
	mini_server_close(&server);
}
END_TEST

/* Found by the worker, told before anything is sent. */
START_TEST(a_context_that_cannot_be)
{
	static const char *const keys[] = {
		"tls", "ciphers", "NO-SUCH", "load", "workers", "2", NULL};
	struct run *run;

	open_server(MINI_TLS_GOOD, 0, serve, NULL);
	run = run_whole(keys);
	ck_assert_int_eq(run_exit_code(run), EXIT_CONFIG);
	ck_assert_str_eq(run_outcome(run), "failed");
	ck_assert_str_eq(run_reason(run), "ciphers: no cipher of TLS 1.2 in \"NO-SUCH\"");
	/* But for the probe. */
	ck_assert_uint_le(mini_server_connections(&server), 1);
	mini_server_close(&server);
}
END_TEST

/* A system without authorities is said to be one. */
START_TEST(no_authorities)
{
	struct run *run;
	char url[64];

	open_server(MINI_TLS_GOOD, 0, serve, NULL);
	ck_assert_int_eq(setenv("SSL_CERT_FILE", "/nonexistent/file", 1), 0);
	ck_assert_int_eq(setenv("SSL_CERT_DIR", "/nonexistent", 1), 0);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", fixture_port(&server));
	fixture.ca_pem = NULL;
	run = fixture_run(fixture_plan(url, NULL));
	ck_assert_int_eq(run_exit_code(run), EXIT_CONFIG);
	ck_assert_ptr_nonnull(strstr(run_reason(run), "no CA bundle on this system"));
	mini_server_close(&server);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run_tls");
	TCase *t = tcase_create("run_tls");

	tcase_set_timeout(t, TIMEOUT_S);
	tcase_add_checked_fixture(t, fixture_open, teardown);
	tcase_add_loop_test(t, what_the_document_says, 0, 2);
	tcase_add_loop_test(t, sessions_are_resumed, 0, 2);
	tcase_add_loop_test(t, bad_certificate_in_the_open_model, 0, 3);
	tcase_add_loop_test(t, bad_certificate_in_the_closed_model, 0, 3);
	tcase_add_loop_test(t, any_certificate_with_k, 0, 3);
	tcase_add_test(t, another_name_may_be_asked_for);
	tcase_add_test(t, a_version_too_low);
	tcase_add_loop_test(t, a_certificate_is_wanted, 0, 2);
	tcase_add_loop_test(t, bodies_until_the_end, 0, 2);
	tcase_add_test(t, a_context_that_cannot_be);
	tcase_add_test(t, no_authorities);
	suite_add_tcase(s, t);
	return suite_main(s);
}
