/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration makes of a handshake: versions, names, protocols, certificates of both
 * sides, sessions. Loops: TLS 1.2 (_i = 0) and 1.3 (_i = 1).
 */
#include "tests/unit/http/tls_fixture.h"

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
static const char *const version_names[] = {"TLSv1.2", "TLSv1.3"};

/* ---------------------------------------------------------------- agreeing */

START_TEST(test_there_and_back)
{
	struct fixture_client c;
	struct fixture_server s;
	struct tls_info info;
	struct tls_counts counts;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	ck_assert_str_eq(s.sni, FIXTURE_HOST);
	tls_get_info(&c.t, &info);
	ck_assert_str_eq(info.version, version_names[_i]);
	ck_assert_str_eq(info.alpn, "http/1.1");
	ck_assert_str_ne(info.cipher, "");
	ck_assert(!info.resumed);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_NONE);
	ck_assert_str_eq(tls_fault_text(&c.t), "");
	/* Asking again does no harm. */
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_OK);

	fixture_client_say(&c, "hello");
	fixture_server_hears(&s, "hello");
	fixture_server_say(&s, "there", 5);
	fixture_server_give(&s, FIXTURE_ALL);
	fixture_client_read(&c, 5);
	ck_assert_uint_eq(c.len, 5);
	ck_assert_mem_eq(c.data, "there", 5);

	counts = tls_context_counts(fixture.context);
	ck_assert_uint_eq(counts.handshakes, 1);
	ck_assert_uint_eq(counts.resumed, 0);
	ck_assert_uint_eq(counts.failed, 0);
	fixture_client_end(&c);
	ck_assert_int_eq(c.t.fd, -1);
	transport_close(&c.t);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* TCP first, and then the handshake, for who measures both. */
START_TEST(test_phases)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_make_context();
	fixture_client_start(&c);
	fixture_server_start(&s);
	ck_assert_int_eq(tls_finish_tcp(&c.t), IO_OK);
	ck_assert(!fixture_server_take(&s));
	ck_assert_int_eq(tls_finish_tcp(&c.t), IO_OK);
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_AGAIN);
	fixture_wait(&s);
	ck_assert(fixture_server_take(&s));
	ck_assert_int_eq(fixture_shake(&c, &s, FIXTURE_ALL), IO_OK);
	ck_assert_int_eq(tls_finish_tcp(&c.t), IO_OK);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

static void check_version(enum tls_version min, enum tls_version max, int server, bool agrees)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_serve_as(FIXTURE_GOOD, server);
	fixture.config.min_version = min;
	fixture.config.max_version = max;
	if (agrees) {
		fixture_pair(&c, &s);
	} else {
		ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
		ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_PROTOCOL);
		ck_assert_msg(
			strstr(tls_fault_text(&c.t), "no version of TLS that is allowed here"),
			"%s", tls_fault_text(&c.t));
	}
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture.context = tls_context_free(fixture.context);
}

START_TEST(test_versions)
{
	struct tls_config config;
	struct err err = {0};

	fixture_open(FIXTURE_GOOD, 0);
	check_version(TLS_VERSION_1_2, TLS_VERSION_1_2, TLS1_2_VERSION, true);
	check_version(TLS_VERSION_1_2, TLS_VERSION_1_2, TLS1_3_VERSION, false);
	check_version(TLS_VERSION_1_2, TLS_VERSION_DEFAULT, TLS1_3_VERSION, true);
	check_version(TLS_VERSION_DEFAULT, TLS_VERSION_1_2, TLS1_2_VERSION, true);
	check_version(TLS_VERSION_DEFAULT, TLS_VERSION_1_3, TLS1_2_VERSION, true);
	check_version(TLS_VERSION_1_3, TLS_VERSION_DEFAULT, TLS1_3_VERSION, true);
	check_version(TLS_VERSION_1_3, TLS_VERSION_DEFAULT, TLS1_2_VERSION, false);

	config = fixture.config;
	config.min_version = TLS_VERSION_1_3;
	config.max_version = TLS_VERSION_1_2;
	ck_assert_int_eq(tls_context_new(&config, &fixture.context, &err), -EINVAL);
	ck_assert_str_eq(err.text, "the lowest version of TLS is above the highest");
	ck_assert_ptr_null(fixture.context);
	fixture_close();
}
END_TEST

START_TEST(test_ciphers)
{
	const char *const wanted[] = {
		"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_CHACHA20_POLY1305_SHA256"};
	struct fixture_client c;
	struct fixture_server s;
	struct tls_info info;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture.config.ciphers = wanted[0];
	fixture.config.ciphersuites = wanted[1];
	fixture_pair(&c, &s);
	tls_get_info(&c.t, &info);
	ck_assert_str_eq(info.cipher, wanted[_i]);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* No cipher in common: the server says so with an alert. */
START_TEST(test_alert)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, TLS1_2_VERSION);
	fixture.config.max_version = TLS_VERSION_1_2;
	fixture.config.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
	SSL_CTX_set_cipher_list(fixture.server_ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
	ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_ALERT);
	ck_assert_int_eq(c.t.error, EPROTO);
	ck_assert_str_eq(
		tls_fault_text(&c.t), "the server sent the TLS alert \"handshake failure\" (40)");
	ck_assert_uint_eq(tls_context_counts(fixture.context).failed, 1);
	/* The failure stays. */
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_ERROR);
	ck_assert_uint_eq(tls_context_counts(fixture.context).failed, 1);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

static const struct {
	const char *offered;
	const char *chosen;
	bool agrees;
} alpns[] = {
	{NULL, "http/1.1", true},
	{NULL, NULL, true}, /* the server knows nothing of ALPN */
	{"h2,http/1.1", "h2", true},
	{"h2,http/1.1", "http/1.1", true},
	{"", NULL, true},
	{NULL, "", false},   /* it has nothing in common with us */
	{NULL, "h2", false}, /* it takes what was not offered */
	{"h2,http/1.1", "http", false},
};

START_TEST(test_alpn)
{
	int n = (int)(sizeof(alpns) / sizeof(*alpns));
	struct fixture_client c;
	struct fixture_server s;
	struct tls_info info;

	fixture_open(FIXTURE_GOOD, versions[_i / n]);
	fixture.config.alpn = alpns[_i % n].offered;
	fixture.wish.alpn = alpns[_i % n].chosen;
	if (alpns[_i % n].agrees) {
		fixture_pair(&c, &s);
		tls_get_info(&c.t, &info);
		ck_assert_str_eq(info.alpn, fixture.wish.alpn ? fixture.wish.alpn : "");
	} else {
		ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
		ck_assert_msg(tls_get_fault(&c.t) == TLS_FAULT_ALPN, "%s", tls_fault_text(&c.t));
		ck_assert_ptr_nonnull(strstr(tls_fault_text(&c.t), "(ALPN)"));
		ck_assert_uint_eq(tls_context_counts(fixture.context).failed, 1);
		ck_assert_uint_eq(tls_context_counts(fixture.context).handshakes, 0);
	}
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- names */

static const struct {
	const char *name, *sni;
	bool fits;
} names[] = {
	{FIXTURE_HOST, FIXTURE_HOST, true},
	{FIXTURE_HOST ".", FIXTURE_HOST, true},
	{"GOOD.test", "GOOD.test", true},
	{"127.0.0.1", "", true},
	{"::1", "", true},
	{"127.0.0.2", "", false},
	{"other.test", "other.test", false},
};

START_TEST(test_names)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, 0);
	fixture.config.server_name = names[_i].name;
	ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), names[_i].fits ? IO_OK : IO_ERROR);
	ck_assert_int_eq(
		tls_get_fault(&c.t), names[_i].fits ? TLS_FAULT_NONE : TLS_FAULT_WRONG_HOST);
	if (names[_i].fits)
		ck_assert_str_eq(s.sni, names[_i].sni);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* Without verification anything goes, and the server still sees the name. */
START_TEST(test_skip_verify)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open((enum fixture_who)_i, 0);
	fixture.config.skip_verify = true;
	fixture.config.ca = (struct tls_pem){0};
	fixture_pair(&c, &s);
	ck_assert_str_eq(s.sni, FIXTURE_HOST);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* What ca-file names is trusted, also if it is no root: the server's own certificate. */
START_TEST(test_trust_leaf)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open((enum fixture_who)_i, 0);
	fixture.config.ca = fixture_pem("leaf.pem", fixture_identities[_i].pem);
	fixture_pair(&c, &s);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- our own certificate */

START_TEST(test_client_certificate)
{
	struct fixture_client c;
	struct fixture_server s;
	X509 *seen;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_require_client_certificate();
	fixture.config.certificate =
		fixture_pem("client.pem", fixture_identities[FIXTURE_CLIENT].pem);
	fixture.config.key = fixture_pem("client.key", fixture_identities[FIXTURE_CLIENT].key_pem);
	fixture_pair(&c, &s);
	seen = SSL_get1_peer_certificate(s.ssl);
	ck_assert_ptr_nonnull(seen);
	ck_assert_int_eq(X509_cmp(seen, fixture_identities[FIXTURE_CLIENT].x509), 0);
	X509_free(seen);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* TLS 1.2 refuses during the handshake. With 1.3 it is done for the client before the server has
 * judged: the alert comes while reading. */
START_TEST(test_client_certificate_missing)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_require_client_certificate();
	if (_i == 0) {
		ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
		ck_assert_str_eq(tls_fault_text(&c.t),
			"the server sent the TLS alert \"handshake failure\" (40)");
	} else {
		ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_OK);
		ck_assert_uint_gt(fixture_server_give(&s, FIXTURE_ALL), 0);
		ck_assert_int_eq(fixture_client_read_end(&c), IO_ERROR);
		ck_assert_ptr_nonnull(strstr(tls_fault_text(&c.t), "certificate required"));
	}
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_ALERT);
	ck_assert_int_eq(c.t.error, EPROTO);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- sessions */

enum ending {
	GOODBYE,
	CUT, /* the server closes without close_notify */
	ENDINGS,
};

static void visit(enum ending ending, bool expect_resumed)
{
	struct fixture_client c;
	struct fixture_server s;
	struct tls_info info;

	fixture_pair(&c, &s);
	tls_get_info(&c.t, &info);
	ck_assert_int_eq(info.resumed, expect_resumed);
	ck_assert_int_eq(SSL_session_reused(s.ssl), expect_resumed);
	if (ending == CUT) {
		close(s.fd);
		s.fd = -1;
		ck_assert_int_eq(fixture_client_read_end(&c), IO_EOF);
	}
	/* So that the server, too, takes it for a good session. */
	SSL_set_shutdown(s.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	fixture_client_end(&c);
	fixture_server_end(&s);
}

START_TEST(test_resumption)
{
	struct tls_counts counts;

	fixture_open(FIXTURE_GOOD, versions[_i / ENDINGS]);
	for (int i = 0; i < 5; i++)
		visit((enum ending)(_i % ENDINGS), i > 0);
	counts = tls_context_counts(fixture.context);
	ck_assert_uint_eq(counts.handshakes, 5);
	ck_assert_uint_eq(counts.resumed, 4);

	/* Each address has its own sessions. */
	fixture.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	close(fixture.listener);
	fixture.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fixture.listener, (struct sockaddr *)&fixture.address,
				 sizeof(fixture.address)),
		0);
	ck_assert_int_eq(listen(fixture.listener, 16), 0);
	visit(GOODBYE, false);
	visit(GOODBYE, true);
	fixture_close();
}
END_TEST

START_TEST(test_resumption_off)
{
	struct tls_counts counts;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture.config.no_resumption = true;
	for (int i = 0; i < 3; i++)
		visit(GOODBYE, false);
	counts = tls_context_counts(fixture.context);
	ck_assert_uint_eq(counts.handshakes, 3);
	ck_assert_uint_eq(counts.resumed, 0);
	fixture_close();
}
END_TEST

/* A server that has forgotten everything, and one that is another by now: the session does not
 * vouch for it, and is not offered again. */
START_TEST(test_resumption_refused)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	visit(GOODBYE, false);
	fixture_serve_as(FIXTURE_GOOD, versions[_i]);
	visit(GOODBYE, false);
	visit(GOODBYE, true);
	fixture_serve_as(FIXTURE_EXPIRED, versions[_i]);
	ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_EXPIRED);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_serve_as(FIXTURE_GOOD, versions[_i]);
	visit(GOODBYE, false);
	visit(GOODBYE, true);
	fixture_close();
}
END_TEST

/* A session outlives a connection that breaks during the handshake, but not one that the server
 * refuses. */
START_TEST(test_resumption_broken)
{
	static const char alert[] = "\x15\x03\x03\x00\x02\x02\x28";
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	visit(GOODBYE, false);
	for (int refuses = 0; refuses < 2; refuses++) {
		fixture_client_start(&c);
		fixture_server_start(&s);
		ck_assert_int_eq(transport_finish_connect(&c.t), IO_AGAIN);
		if (refuses)
			ck_assert_int_eq(send(s.fd, alert, sizeof(alert) - 1, 0), 7);
		fixture_wait(&s);
		(void)fixture_server_take(&s);
		fixture_server_end(&s);
		while (transport_finish_connect(&c.t) == IO_AGAIN)
			ck_assert(fixture_edge(FIXTURE_WAIT_MS));
		ck_assert_int_eq(tls_get_fault(&c.t), refuses ? TLS_FAULT_ALERT : TLS_FAULT_CLOSED);
		fixture_client_end(&c);
		visit(GOODBYE, !refuses);
	}
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- refusals before any handshake */

START_TEST(test_guard_is_asked)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
	struct err err = {0};
	struct transport t;
	int before = dup(0), after;

	close(before);
	fixture_open(FIXTURE_GOOD, 0);
	fixture_make_context();
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), 1);
	ck_assert_int_eq(tls_connect(&t, fixture.context, (struct sockaddr *)&in, sizeof(in), NULL,
				 &fixture.guard, &err),
		-EPERM);
	ck_assert_str_eq(err.text, "only loopback is allowed; [policy] allow lists more");
	ck_assert_int_eq(t.fd, -1);
	ck_assert_int_eq(tls_get_fault(&t), TLS_FAULT_NONE);
	transport_close(&t);
	fixture_close();
	after = dup(0);
	ck_assert_int_eq(before, after);
	close(after);
}
END_TEST

/* That is TCP's fault and none of TLS. */
START_TEST(test_refused)
{
	struct err err = {0};
	struct transport t;
	int r;

	fixture_open(FIXTURE_GOOD, 0);
	fixture_make_context();
	close(fixture.listener);
	fixture.listener = -1;
	r = tls_connect(&t, fixture.context, (struct sockaddr *)&fixture.address,
		sizeof(fixture.address), NULL, &fixture.guard, &err);
	if (r == 0) {
		ck_assert_int_eq(transport_finish_connect(&t), IO_ERROR);
		ck_assert_int_eq(t.error, ECONNREFUSED);
		ck_assert_int_eq(transport_finish_connect(&t), IO_ERROR);
		ck_assert_int_eq(t.error, ECONNREFUSED);
	} else {
		ck_assert_int_eq(r, -ECONNREFUSED);
	}
	ck_assert_int_eq(tls_get_fault(&t), TLS_FAULT_NONE);
	ck_assert_str_eq(tls_fault_text(&t), "");
	ck_assert_uint_eq(tls_context_counts(fixture.context).failed, 0);
	transport_close(&t);
	fixture_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tcase = tcase_create("tls");

	tcase_add_loop_test(tcase, test_there_and_back, 0, 2);
	tcase_add_loop_test(tcase, test_phases, 0, 2);
	tcase_add_test(tcase, test_versions);
	tcase_add_loop_test(tcase, test_ciphers, 0, 2);
	tcase_add_test(tcase, test_alert);
	tcase_add_loop_test(tcase, test_alpn, 0, 2 * (int)(sizeof(alpns) / sizeof(*alpns)));
	tcase_add_loop_test(tcase, test_names, 0, (int)(sizeof(names) / sizeof(*names)));
	tcase_add_loop_test(tcase, test_skip_verify, FIXTURE_GOOD, FIXTURE_WHO_COUNT);
	tcase_add_loop_test(tcase, test_trust_leaf, FIXTURE_SELF_SIGNED, FIXTURE_UNKNOWN + 1);
	tcase_add_loop_test(tcase, test_client_certificate, 0, 2);
	tcase_add_loop_test(tcase, test_client_certificate_missing, 0, 2);
	tcase_add_loop_test(tcase, test_resumption, 0, 2 * ENDINGS);
	tcase_add_loop_test(tcase, test_resumption_off, 0, 2);
	tcase_add_loop_test(tcase, test_resumption_refused, 0, 2);
	tcase_add_loop_test(tcase, test_resumption_broken, 0, 2);
	tcase_add_test(tcase, test_guard_is_asked);
	tcase_add_test(tcase, test_refused);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
