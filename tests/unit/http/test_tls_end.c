/* SPDX-License-Identifier: Apache-2.0 */
/* How an open TLS connection ends: with a goodbye or without, by either side, by force.
 * Loops: TLS 1.2 (_i = 0) and 1.3 (_i = 1). */
#include "tests/unit/http/tls_fixture.h"

#define RECORD 16384

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

enum ending {
	GOODBYE,       /* close_notify, and TCP stays open */
	GOODBYE_TOO,   /* close_notify right after the data, then closed */
	CUT,	       /* closed without a word */
	CUT_IN_HEADER, /* within a record's header */
	CUT_IN_RECORD,
	ENDINGS,
};

START_TEST(test_end)
{
	enum ending ending = (enum ending)(_i % ENDINGS);
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i / ENDINGS]);
	fixture_pair(&c, &s);
	fixture_server_say(&s, "body", 4);
	if (ending != GOODBYE_TOO)
		fixture_server_give(&s, FIXTURE_ALL);
	if (ending <= GOODBYE_TOO)
		ck_assert_int_eq(SSL_shutdown(s.ssl), 0);
	else
		fixture_server_say(&s, "more", 4);
	if (ending != CUT)
		fixture_server_give(&s, ending == CUT_IN_HEADER	  ? 3
					: ending == CUT_IN_RECORD ? 12
								  : FIXTURE_ALL);
	if (ending != GOODBYE)
		ck_assert_int_eq(shutdown(s.fd, SHUT_WR), 0);

	ck_assert_int_eq(fixture_client_read_end(&c), IO_EOF);
	ck_assert_int_eq(c.t.is_truncated, ending >= CUT);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_NONE);
	ck_assert_uint_eq(c.len, 4);
	ck_assert_mem_eq(c.data, "body", 4);
	/* And it stays the end. */
	fixture_client_drain(&c);
	ck_assert_int_eq(c.end, IO_EOF);
	ck_assert_int_eq(c.t.is_truncated, ending >= CUT);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* Our own goodbye: the server sees close_notify, and does not see one after its own cut. */
START_TEST(test_goodbye)
{
	struct fixture_client c;
	struct fixture_server s;
	char buf[16];
	int r;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	fixture_client_end(&c);
	while ((r = SSL_read(s.ssl, buf, sizeof(buf))) <= 0 &&
		SSL_get_error(s.ssl, r) == SSL_ERROR_WANT_READ) {
		fixture_wait(&s);
		ck_assert(fixture_server_take(&s));
	}
	ck_assert_int_eq(SSL_get_error(s.ssl, r), SSL_ERROR_ZERO_RETURN);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* With a full socket there is no goodbye, and no waiting either. */
START_TEST(test_close_when_full)
{
	static const char data[RECORD];
	struct fixture_client c;
	struct fixture_server s;
	size_t n;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	while (transport_write(&c.t, data, RECORD, &n) == IO_OK)
		;
	fixture_client_end(&c);
	ck_assert_int_eq(c.t.fd, -1);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

START_TEST(test_reset)
{
	struct fixture_client c;
	struct fixture_server s;
	size_t n;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	fixture_server_reset(&s);
	ck_assert_int_eq(fixture_client_read_end(&c), IO_ERROR);
	ck_assert_int_eq(c.t.error, ECONNRESET);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_NONE);
	ck_assert_str_eq(tls_fault_text(&c.t), "");
	ck_assert_int_eq(transport_write(&c.t, "x", 1, &n), IO_ERROR);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* Writing to a peer that has gone raises no signal. */
START_TEST(test_broken_pipe)
{
	struct fixture_client c;
	struct fixture_server s;
	enum io io;
	size_t n;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	fixture_server_reset(&s);
	ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	while ((io = transport_write(&c.t, "x", 1, &n)) == IO_OK)
		;
	ck_assert_int_eq(io, IO_ERROR);
	ck_assert(c.t.error == EPIPE || c.t.error == ECONNRESET);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_NONE);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* A record that was changed on its way. */
START_TEST(test_forged)
{
	struct fixture_client c;
	struct fixture_server s;
	char record[64];
	int n;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	fixture_server_say(&s, "hello", 5);
	n = BIO_read(s.out, record, sizeof(record));
	record[n - 1] ^= 1;
	ck_assert_int_eq(send(s.fd, record, (size_t)n, 0), n);
	ck_assert_int_eq(fixture_client_read_end(&c), IO_ERROR);
	ck_assert_int_eq(c.t.error, EPROTO);
	ck_assert_int_eq(tls_get_fault(&c.t), TLS_FAULT_PROTOCOL);
	ck_assert_str_eq(tls_fault_text(&c.t), "TLS failed: decryption failed or bad record mac");
	ck_assert_uint_eq(c.len, 0);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_end");
	TCase *tcase = tcase_create("tls_end");

	tcase_add_loop_test(tcase, test_end, 0, 2 * ENDINGS);
	tcase_add_loop_test(tcase, test_goodbye, 0, 2);
	tcase_add_loop_test(tcase, test_close_when_full, 0, 2);
	tcase_add_loop_test(tcase, test_reset, 0, 2);
	tcase_add_loop_test(tcase, test_broken_pipe, 0, 2);
	tcase_add_loop_test(tcase, test_forged, 0, 2);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
