/* SPDX-License-Identifier: Apache-2.0 */
/* What may go wrong with TLS, each with its own fault and a line that helps: certificates, servers
 * that speak something else, connections that break anywhere in the handshake.
 * Loops: TLS 1.2 (_i even) and 1.3 (_i odd), where not said otherwise. */
#include "tests/unit/http/tls_fixture.h"

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static const struct {
	enum fixture_who who;
	enum tls_fault fault;
	const char *text; /* begins so */
} bad[] = {
	{FIXTURE_EXPIRED, TLS_FAULT_EXPIRED, "the server's certificate expired on 2"},
	{FIXTURE_FUTURE, TLS_FAULT_NOT_YET_VALID, "the server's certificate is not valid before 2"},
	{FIXTURE_SELF_SIGNED, TLS_FAULT_SELF_SIGNED,
		"the server's certificate is self-signed and not trusted"},
	{FIXTURE_UNKNOWN, TLS_FAULT_UNKNOWN_ISSUER,
		"the issuer of the server's certificate is not trusted: "
		"CN = Other\\09CA"},
	{FIXTURE_WRONG_HOST, TLS_FAULT_WRONG_HOST,
		"the server's certificate is not for " FIXTURE_HOST
		" but for a.test, b.test, 192.0.2.1, *.c.test and 2 more"},
	/* A CA's certificate names no host. */
	{FIXTURE_CA, TLS_FAULT_WRONG_HOST,
		"the server's certificate is not for " FIXTURE_HOST ": it names no host "},
	{FIXTURE_NO_NAMES, TLS_FAULT_WRONG_HOST,
		"the server's certificate is not for " FIXTURE_HOST
		": it names no host in a subjectAltName: CN = " FIXTURE_HOST},
};

START_TEST(test_bad_certificate)
{
	size_t i = (size_t)_i / 2;
	struct fixture_client c;
	struct fixture_server s;
	const char *text;

	fixture_open(bad[i].who, versions[_i % 2]);
	ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
	text = tls_fault_text(&c.t);
	ck_assert_msg(tls_get_fault(&c.t) == bad[i].fault, "%s", text);
	ck_assert_msg(strncmp(text, bad[i].text, strlen(bad[i].text)) == 0, "%s", text);
	ck_assert_int_eq(c.t.error, EPROTO);
	/* What could be asked for instead: a name without a wildcard. */
	ck_assert_str_eq(tls_context_certificate_name(fixture.context),
		bad[i].who == FIXTURE_WRONG_HOST ? "a.test" : "");
	ck_assert_uint_eq(tls_context_counts(fixture.context).failed, 1);
	ck_assert_uint_eq(tls_context_counts(fixture.context).handshakes, 0);
	fixture_client_end(&c);
	/* The text outlives its connection. */
	ck_assert_int_eq(strncmp(text, bad[i].text, strlen(bad[i].text)), 0);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_NONE);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* The server was told why: an alert of ours. */
START_TEST(test_server_hears_alert)
{
	struct fixture_client c;
	struct fixture_server s;
	unsigned long e;

	fixture_open(FIXTURE_EXPIRED, versions[_i % 2]);
	ck_assert_int_eq(fixture_meet(&c, &s, FIXTURE_ALL), IO_ERROR);
	fixture_wait(&s);
	ck_assert(fixture_server_take(&s));
	ERR_clear_error();
	ck_assert_int_eq(SSL_do_handshake(s.ssl), -1);
	e = ERR_peek_error();
	ck_assert_int_eq(ERR_GET_REASON(e), SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- not TLS, or not quite */

static const struct {
	const char *said;
	size_t len;
	enum tls_fault fault;
	const char *text;
} strangers[] = {
	{"HTTP/1.1 400 Bad Request\r\n\r\n", 28, TLS_FAULT_NOT_TLS,
		"the server does not speak TLS at this port: try http://"},
	{"220 mail.test ESMTP\r\n", 21, TLS_FAULT_NOT_TLS,
		"the server speaks neither TLS nor HTTP at this port; it begins: 220 mail"},
	{"<!DOCTYPE HTML>\n", 16, TLS_FAULT_NOT_TLS,
		"the server does not speak TLS at this port (it begins: <!DOCTYP, a page of HTML): "
		"try http://"},
	{"<html>\n", 7, TLS_FAULT_NOT_TLS,
		"the server does not speak TLS at this port (it begins: <html>"},
	{"<HTML><HEAD>\n", 13, TLS_FAULT_NOT_TLS,
		"the server does not speak TLS at this port (it begins: <HTML><H, a page"},
	{"<stream:error/>", 15, TLS_FAULT_NOT_TLS,
		"the server speaks neither TLS nor HTTP at this port; it begins: <stream:"},
	{"HTCPCP/1.0 418\r\n", 16, TLS_FAULT_NOT_TLS,
		"the server speaks neither TLS nor HTTP at this port; it begins: HTCPCP/1"},
	{"\x15\x03\x03\x00\x02\x02\x28", 7, TLS_FAULT_ALERT,
		"the server sent the TLS alert \"handshake failure\" (40)"},
	{"\x15\x03\x03\x00\x02\x02\x46", 7, TLS_FAULT_PROTOCOL,
		"the server speaks no version of TLS that is allowed here "
		"(it sent the alert \"protocol version\")"},
	{"\x15\x03\x03\x00\x02\x02\x78", 7, TLS_FAULT_ALPN,
		"the server speaks none of the protocols offered (ALPN)"},
	{"\x15\x03\x03\x00\x02\x02\xfe", 7, TLS_FAULT_ALERT, "the server sent the TLS alert "},
	/* A whole record of nonsense, and one that is longer than allowed. */
	{"\x16\x03\x03\x00\x04\xff\x00\x00\x00", 9, TLS_FAULT_PROTOCOL, "TLS failed: "},
	{"\x16\x03\x03\xff\xff\xff\x00\x00\x00", 9, TLS_FAULT_PROTOCOL, "TLS failed: "},
};

START_TEST(test_stranger)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, 0);
	fixture_make_context();
	fixture_client_start(&c);
	fixture_server_start(&s);
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_AGAIN);
	ck_assert_int_eq(send(s.fd, strangers[_i].said, strangers[_i].len, 0), strangers[_i].len);
	ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_ERROR);
	ck_assert_msg(
		strncmp(tls_fault_text(&c.t), strangers[_i].text, strlen(strangers[_i].text)) == 0,
		"%s", tls_fault_text(&c.t));
	ck_assert_int_eq(tls_get_fault(&c.t), strangers[_i].fault);
	ck_assert_int_eq(c.t.error, EPROTO);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- broken connections */

enum breaking {
	RESET,
	CLOSE,
	BREAKINGS,
};

/* The server breaks off when it has sent so many bytes of its handshake. True: that was before the
 * client was done. */
static bool break_at(enum breaking breaking, size_t at)
{
	struct fixture_client c;
	struct fixture_server s;
	enum io io;

	fixture_client_start(&c);
	fixture_server_start(&s);
	io = transport_finish_connect(&c.t);
	while (io == IO_AGAIN && s.n_sent < at) {
		fixture_wait(&s);
		(void)fixture_server_take(&s);
		fixture_server_shake(&s);
		(void)fixture_server_give(&s, at - s.n_sent);
		if (fixture_edge(0))
			io = transport_finish_connect(&c.t);
	}
	if (io == IO_AGAIN) {
		if (breaking == RESET) {
			fixture_server_reset(&s);
		} else {
			shutdown(s.fd, SHUT_WR);
		}
		while (io == IO_AGAIN) {
			ck_assert_msg(fixture_edge(FIXTURE_WAIT_MS), "no end seen at byte %zu", at);
			io = transport_finish_connect(&c.t);
		}
		if (io == IO_ERROR) {
			ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_CLOSED);
			ck_assert_str_eq(tls_fault_text(&c.t),
				breaking == CLOSE
					? "the server closed the connection during the TLS "
					  "handshake"
					: "the connection broke during the TLS handshake: "
					  "Connection reset by peer");
			ck_assert_int_eq(c.t.error, breaking == CLOSE ? EPROTO : ECONNRESET);
		}
	}
	fixture_client_end(&c);
	fixture_server_end(&s);
	return io == IO_ERROR;
}

/* At every 64th byte, and around the first headers at each. */
START_TEST(test_broken_handshake)
{
	enum breaking breaking = (enum breaking)(_i / 2);
	uint64_t failed = 0;
	size_t at = 0;

	fixture_open(FIXTURE_GOOD, versions[_i % 2]);
	fixture_make_context();
	while (break_at(breaking, at)) {
		ck_assert_uint_eq(tls_context_counts(fixture.context).failed, ++failed);
		at += at < 16 ? 1 : 64;
	}
	/* The server's part, its certificate in it, is some 600 bytes and more. */
	ck_assert_uint_gt(at, 512);
	ck_assert_uint_le(tls_context_counts(fixture.context).handshakes, 1);
	fixture_close();
}
END_TEST

/* We give up in the middle: nothing is left behind, and the server hears no goodbye. */
START_TEST(test_given_up)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i % 2]);
	fixture_make_context();
	fixture_client_start(&c);
	fixture_server_start(&s);
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_AGAIN);
	fixture_wait(&s);
	ck_assert(fixture_server_take(&s));
	fixture_server_shake(&s);
	(void)fixture_server_give(&s, 100);
	ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	ck_assert_int_eq(transport_finish_connect(&c.t), IO_AGAIN);
	fixture_client_end(&c);
	ck_assert_int_eq(c.t.fd, -1);
	ck_assert_uint_eq(tls_context_counts(fixture.context).failed, 0);
	fixture_server_end(&s);

	/* Before anything of TLS. */
	fixture_client_start(&c);
	fixture_client_end(&c);
	fixture_close();
}
END_TEST

/* New keys and nothing else, without end: OpenSSL would read on as long as there are any, and
 * nobody else of the worker would have a turn. A few of them are nobody's business. */
START_TEST(test_flood)
{
	int n_updates = _i == 0 ? 32 : 300;
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, TLS1_3_VERSION);
	fixture_pair(&c, &s);
	for (int i = 0; i < n_updates; i++) {
		ck_assert_int_eq(SSL_key_update(s.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		ck_assert_int_eq(SSL_do_handshake(s.ssl), 1);
	}
	fixture_server_say(&s, "data", 4);
	ck_assert_uint_gt(fixture_server_give(&s, FIXTURE_ALL), 25 * (size_t)n_updates);
	fixture_client_read(&c, 4);
	if (_i == 0) {
		ck_assert_uint_eq(c.len, 4);
	} else {
		ck_assert_int_eq(c.end, IO_ERROR);
		ck_assert_int_eq(c.t.error, EPROTO);
		ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_PROTOCOL);
		ck_assert_str_eq(tls_fault_text(&c.t), "the server sends TLS messages without end");
	}
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_fault");
	TCase *tcase = tcase_create("tls_fault");

	tcase_add_loop_test(tcase, test_bad_certificate, 0, 2 * (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_loop_test(tcase, test_server_hears_alert, 0, 2);
	tcase_add_loop_test(tcase, test_stranger, 0, (int)(sizeof(strangers) / sizeof(*strangers)));
	tcase_add_loop_test(tcase, test_broken_handshake, 0, 2 * BREAKINGS);
	tcase_add_loop_test(tcase, test_given_up, 0, 2);
	tcase_add_loop_test(tcase, test_flood, 0, 2);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
