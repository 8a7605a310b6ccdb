/* SPDX-License-Identifier: Apache-2.0 */
/* One connection over TLS. The server's OpenSSL works in memory; the test carries its bytes, as
 * few at a time as it likes, and turns the loop between: what is left lying without an event makes
 * it wait until its time limit. The task's read buffer is much smaller than a record. */
#include "daemon/engine/task.h"

#include <stdio.h>
#include <sys/ioctl.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/task_fixture.h"

#define ALL SIZE_MAX
#define OK_UNTIL_CLOSE "HTTP/1.1 200 OK\r\n\r\nuntil the end"
#define BODY 300000

static struct {
	int fd; /* -1: not accepted */
	SSL *ssl;
	BIO *in, *out;
	size_t chunk;	/* bytes given at once */
	size_t n_heard; /* of what the client said */
	bool is_deaf;	/* nothing is taken from the socket */
	bool is_plain;	/* no TLS */
	/* said, or the goodbye, as soon as the handshake is done */
	const char *last_word;
	bool has_last_word;
} server;

static void setup(void)
{
	fixture_open_task(16);
	memset(&server, 0, sizeof(server));
	server.fd = -1;
	server.chunk = ALL;
}

static void server_end(void)
{
	if (server.fd >= 0)
		close(server.fd);
	SSL_free(server.ssl);
	server.fd = -1;
	server.ssl = NULL;
}

static void teardown(void)
{
	task_abandon(&task, clock_now_ns());
	server_end();
	fixture_close();
}

/* ---- the server's turn */

static void server_accept(void)
{
	if (!fixture_is_readable(fixture.server.listener))
		return;
	server.fd = mini_server_accept(&fixture.server);
	ck_assert_int_ge(server.fd, 0);
	server.ssl = fixture_accept_tls(&server.in, &server.out);
}

static void server_take(void)
{
	char buf[16384];
	ssize_t n;

	while (!server.is_deaf && (n = recv(server.fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		ck_assert_int_eq(BIO_write(server.in, buf, (int)n), n);
	if (!SSL_is_init_finished(server.ssl) && SSL_do_handshake(server.ssl) == 1 &&
		server.has_last_word) {
		if (server.last_word)
			(void)SSL_write(
				server.ssl, server.last_word, (int)strlen(server.last_word));
		else
			(void)SSL_shutdown(server.ssl);
	}
	while ((n = SSL_read(server.ssl, buf, sizeof(buf))) > 0)
		server.n_heard += (size_t)n;
}

/* What the socket does not take now stays. */
static void server_give(void)
{
	size_t left = server.chunk;
	char *data;

	while (left > 0 && BIO_ctrl_pending(server.out) > 0) {
		size_t n = (size_t)BIO_get_mem_data(server.out, &data);
		char gone[16384];
		ssize_t sent;

		n = n < left ? n : left;
		n = n < sizeof(gone) ? n : sizeof(gone);
		sent = send(server.fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		ck_assert_int_eq(BIO_read(server.out, gone, (int)sent), sent);
		left -= (size_t)sent;
	}
}

static void turn(void)
{
	ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	if (server.fd < 0)
		server_accept();
	if (server.fd < 0 || server.is_plain)
		return;
	server_take();
	server_give();
}

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		while (!(condition))                                                               \
			turn();                                                                    \
	} while (0)

static bool all_was_read(void)
{
	int n = 0;

	ck_assert_int_eq(ioctl(task._transport.fd, FIONREAD, &n), 0);
	return n == 0 && BIO_ctrl_pending(server.out) == 0;
}

/* ---- steps */

static void connect_task(void)
{
	fixture_start_connecting();
	UNTIL(calls.n_idle > 0 || calls.n_failed > 0);
	ck_assert_msg(calls.n_failed == 0, "%s", calls.why);
	UNTIL(SSL_is_init_finished(server.ssl) && all_was_read());
}

static void ask(void)
{
	server.n_heard = 0;
	fixture_send(clock_now_ns());
	UNTIL(server.n_heard == fixture.request.len);
}

static void say(const char *text, size_t len)
{
	ck_assert_int_eq(SSL_write(server.ssl, text, (int)len), (int)len);
}

/* ---- tests */

static const size_t chunks[] = {1, 7, 100, ALL};
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

START_TEST(handshake_and_answers_in_pieces)
{
	const struct histogram *h = fixture.stats.totals.histograms;

	fixture_open_tls(MINI_TLS_GOOD, versions[_i % 2]);
	server.chunk = chunks[_i / 2];
	connect_task();
	ck_assert_uint_eq(h[STATS_CONNECT].count, 1);
	ck_assert_uint_eq(h[STATS_TLS].count, 1);
	ck_assert_str_eq(fixture.env.tls_info.version, _i % 2 ? "TLSv1.3" : "TLSv1.2");
	ck_assert_uint_gt(strlen(fixture.env.tls_info.cipher), 0);
	for (unsigned i = 0; i < 3; i++) {
		ask();
		say(MINI_OK, strlen(MINI_OK));
		UNTIL(calls.n_idle == 2 + i || calls.n_closed > 0);
		ck_assert_int_eq(task_get_state(&task), TASK_IDLE);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3);
	ck_assert_uint_eq(fixture.env.opened, 1);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
}
END_TEST

/* The header is text as it is; what lies after it is BODY bytes. */
static char *body_behind(const char *head, size_t *ret_len)
{
	char *text = malloc(strlen(head) + BODY);

	memcpy(text, head, strlen(head));
	memset(text + strlen(head), 'x', BODY);
	*ret_len = strlen(head) + BODY;
	return text;
}

START_TEST(large_body)
{
	size_t len;
	char *text = body_behind("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", &len);

	fixture_open_tls(MINI_TLS_GOOD, versions[_i % 2]);
	server.chunk = _i / 2 ? 1000 : ALL;
	connect_task();
	for (unsigned i = 0; i < 2; i++) {
		ask();
		say(text, len);
		UNTIL(calls.n_idle == 2 + i);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	/* What TLS carries, in both directions. */
	ck_assert_uint_eq(fixture.stats.totals.bytes_in, 2 * len);
	ck_assert_uint_eq(fixture.stats.totals.bytes_out, 2 * fixture.request.len);
	free(text);
}
END_TEST

/* With the goodbye it is whole, without it nobody knows. */
START_TEST(body_until_close)
{
	size_t len;
	char *large = body_behind("HTTP/1.1 200 OK\r\n\r\n", &len);
	const char *text = _i & 1 ? large : OK_UNTIL_CLOSE;
	bool is_polite = _i & 2;

	fixture_open_tls(MINI_TLS_GOOD, versions[_i >> 2]);
	connect_task();
	ask();
	say(text, _i & 1 ? len : strlen(text));
	if (is_polite)
		(void)SSL_shutdown(server.ssl);
	UNTIL(BIO_ctrl_pending(server.out) == 0);
	server_end();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert(calls.had_exchange);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), is_polite);
	ck_assert_uint_eq(fixture_count(LEDGER_CONNECTION_ERROR), !is_polite);
	if (!is_polite)
		ck_assert_str_eq(fixture_example(FAULT_TRUNCATED),
			"closed without TLS close_notify: the body may be cut");
	ck_assert_uint_eq(fixture.env.closed_by_peer, 1);
	free(large);
}
END_TEST

START_TEST(cut_in_the_middle)
{
	fixture_open_tls(MINI_TLS_GOOD, 0);
	connect_task();
	ask();
	say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", 42);
	if (_i)
		(void)SSL_shutdown(server.ssl);
	UNTIL(BIO_ctrl_pending(server.out) == 0);
	server_end();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_str_eq(fixture_example(FAULT_CLOSED), "closed in the middle of the response");
}
END_TEST

/* ---- closed as it is used again */

enum { BY_GOODBYE, BY_FIN, BY_RST, N_WAYS };

static void server_hang_up(int way)
{
	if (way == BY_GOODBYE) {
		(void)SSL_shutdown(server.ssl);
		while (BIO_ctrl_pending(server.out) > 0)
			server_give();
	}
	if (way == BY_RST)
		mini_reset_fd(server.fd), server.fd = -1;
	server_end();
}

static void ask_and_answer(void)
{
	connect_task();
	ask();
	say(MINI_OK, strlen(MINI_OK));
	UNTIL(calls.n_idle == 2);
}

static void ask_deaf(void)
{
	int64_t now_ns = clock_now_ns();
	struct exchange x;

	stats_begin(&fixture.stats, &x, now_ns, now_ns, 0);
	task_send(&task, &x, clock_now_ns());
}

/* The server has not had the request, or has gone before it was even written. */
START_TEST(stale_connection)
{
	int way = _i % N_WAYS;
	bool has_heard = _i / N_WAYS % 2;
	bool is_repeatable = _i / N_WAYS / 2 % 2;

	fixture_open_tls(MINI_TLS_GOOD, versions[_i / N_WAYS / 4]);
	fixture.request.is_idempotent = is_repeatable;
	ask_and_answer();
	if (has_heard) {
		ask();
		fixture_acknowledge(&task, false);
	}
	server_hang_up(way);
	if (!has_heard)
		ask_deaf();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert(calls.had_exchange);
	ck_assert_uint_eq(calls.n_returned, is_repeatable);
	ck_assert_uint_eq(fixture_faults(FAULT_STALE), !is_repeatable);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.env.stale, 1);
	if (!is_repeatable) {
		ck_assert_str_eq(fixture_example(FAULT_STALE),
			"closed as the request was sent; GET is not repeated");
		return;
	}
	/* Once more, with the instants that it has. */
	ck_assert_uint_eq(fixture.stats.in_flight, 1);
	calls.n_idle = 0;
	server.n_heard = 0;
	connect_task();
	task_send(&task, &calls.returned, clock_now_ns());
	UNTIL(server.n_heard == fixture.request.len);
	say(MINI_OK, strlen(MINI_OK));
	UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
	ck_assert_uint_eq(fixture.stats.totals.retries, 1);
}
END_TEST

/* The server has read the request, and says goodbye, or not even that. */
START_TEST(dropped)
{
	fixture_open_tls(MINI_TLS_GOOD, versions[_i / 2]);
	ask_and_answer();
	ask();
	server_hang_up(_i % 2 ? BY_GOODBYE : BY_FIN);
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(calls.n_returned, 0);
	ck_assert_uint_eq(fixture_faults(FAULT_CLOSED), 1);
	ck_assert_uint_eq(fixture.env.stale, 0);
}
END_TEST

/* What is closed with a reset says no goodbye. */
START_TEST(reset_without_goodbye)
{
	char byte;

	fixture.env.resets = _i == 1;
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	ask_and_answer();
	task_abandon(&task, clock_now_ns());
	if (_i == 1) {
		ck_assert_int_eq(recv(server.fd, &byte, 1, 0), -1);
		ck_assert_int_eq(errno, ECONNRESET);
		return;
	}
	server_take();
	ck_assert_int_eq(
		SSL_get_shutdown(server.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}
END_TEST

/* TLS 1.3 sends tickets whenever it likes: nothing that anybody has to hear of. */
START_TEST(tickets_while_idle)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	server.chunk = chunks[_i];
	connect_task();
	ck_assert_int_eq(SSL_new_session_ticket(server.ssl), 1);
	ck_assert_int_eq(SSL_do_handshake(server.ssl), 1);
	ck_assert_uint_gt(BIO_ctrl_pending(server.out), 0);
	UNTIL(all_was_read());
	ck_assert_int_eq(task_get_state(&task), TASK_IDLE);
	ck_assert_uint_eq(calls.n_closed, 0);
	ask();
	say(MINI_OK, strlen(MINI_OK));
	UNTIL(calls.n_idle == 2);

	/* The next connection takes it calls. */
	task_abandon(&task, clock_now_ns());
	server_end();
	calls.n_idle = 0;
	connect_task();
	ck_assert_uint_eq(tls_context_counts(fixture.env.tls).handshakes, 2);
	ck_assert_uint_eq(tls_context_counts(fixture.env.tls).resumed, 1);
}
END_TEST

/* A ticket in one flight with the answer, before or after it. */
START_TEST(tickets_with_an_answer)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	connect_task();
	ask();
	if (_i)
		say(MINI_OK, strlen(MINI_OK));
	ck_assert_int_eq(SSL_new_session_ticket(server.ssl), 1);
	ck_assert_int_eq(SSL_do_handshake(server.ssl), 1);
	if (!_i)
		say(MINI_OK, strlen(MINI_OK));
	UNTIL(calls.n_idle == 2);
	UNTIL(all_was_read());
	ck_assert_uint_eq(calls.n_closed, 0);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
}
END_TEST

/* No event tells of what came in one flight with the answer. */
START_TEST(behind_an_answer)
{
	fixture_open_tls(MINI_TLS_GOOD, versions[_i % 2]);
	connect_task();
	ask();
	switch (_i / 2) {
	case 0: /* a goodbye, and no end of TCP */
		say(MINI_OK, strlen(MINI_OK));
		(void)SSL_shutdown(server.ssl);
		break;
	case 1: /* a record too much */
		say(MINI_OK, strlen(MINI_OK));
		say("x", 1);
		break;
	case 2: /* a byte too much */
		say(MINI_OK "x", strlen(MINI_OK) + 1);
		break;
	}
	UNTIL(calls.n_closed == 1);
	ck_assert(calls.had_exchange);
	ck_assert_uint_eq(calls.n_idle, 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.env.closed_by_peer, _i / 2 == 0);
	ck_assert_uint_eq(fixture.env.closed_by_us, _i / 2 > 0);
	ck_assert_uint_eq(fixture.env.surplus, _i / 2 > 0);
}
END_TEST

START_TEST(peer_acts_while_idle)
{
	fixture_open_tls(MINI_TLS_GOOD, versions[_i % 2]);
	connect_task();
	switch (_i / 2) {
	case 0:
		(void)SSL_shutdown(server.ssl);
		break;
	case 1:
		server_end();
		break;
	case 2:
		say(MINI_OK, strlen(MINI_OK));
		break;
	}
	UNTIL(calls.n_closed == 1);
	ck_assert(!calls.had_exchange);
	ck_assert_int_eq(calls.why[0] != '\0', _i / 2 == 2);
	ck_assert_uint_eq(fixture.env.closed_by_peer, _i / 2 < 2);
	ck_assert_uint_eq(fixture.env.closed_by_us, _i / 2 == 2);
}
END_TEST

/* In one flight with the end of the handshake: read ahead with it, and no event to come. */
START_TEST(peer_acts_with_its_last_flight)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_2_VERSION);
	server.last_word = _i ? MINI_OK : NULL;
	server.has_last_word = true;
	fixture_start_connecting();
	UNTIL(calls.n_closed == 1);
	ck_assert(!calls.had_exchange);
	ck_assert_uint_eq(calls.n_idle, 1);
}
END_TEST

/* ---- what OpenSSL hardly ever does: a transport whose directions wait for each other's event */

static struct {
	unsigned n_reads, n_writes;
} crossed;

static enum io crossed_read(struct transport *t, void *buf, size_t size, size_t *ret_n)
{
	(void)buf, (void)size, (void)ret_n;
	crossed.n_reads++;
	t->is_crossed = true;
	return IO_AGAIN;
}

static enum io crossed_write(struct transport *t, const void *data, size_t len, size_t *ret_n)
{
	(void)data, (void)len, (void)ret_n;
	crossed.n_writes++;
	t->is_crossed = true;
	return IO_AGAIN;
}

START_TEST(either_event_moves_what_is_crossed)
{
	static const struct transport_ops ops = {.read = crossed_read, .write = crossed_write};
	const struct transport_ops *real;
	int64_t now_ns = clock_now_ns();
	struct exchange x;
	unsigned reads;

	fixture_open_tls(MINI_TLS_GOOD, 0);
	connect_task();
	real = task._transport.ops;
	stats_begin(&fixture.stats, &x, now_ns, now_ns, 0);
	if (_i == 0) {
		/* Sending: the write waits to read, the read to write. */
		task._transport.ops = &ops;
		task_send(&task, &x, now_ns);
		ck_assert_uint_eq(crossed.n_writes, 1);
		task._loop_task._on_ready(&task._loop_task, EPOLLIN);
		ck_assert_uint_eq(crossed.n_writes, 2);
		reads = crossed.n_reads;
		task._loop_task._on_ready(&task._loop_task, EPOLLOUT);
		ck_assert_uint_eq(crossed.n_reads, reads + 1);
		ck_assert_uint_eq(crossed.n_writes, 3);
	} else {
		task_send(&task, &x, now_ns);
		task._transport.ops = &ops;
		task._loop_task._on_ready(&task._loop_task, EPOLLIN);
		ck_assert_uint_eq(crossed.n_reads, 1);
		task._loop_task._on_ready(&task._loop_task, EPOLLOUT);
		ck_assert_uint_eq(crossed.n_reads, 2);
		/* Otherwise that event says nothing to who waits for an answer. */
		task._transport.is_crossed = false;
		task._loop_task._on_ready(&task._loop_task, EPOLLOUT);
		ck_assert_uint_eq(crossed.n_reads, 2);
	}
	task._transport.ops = real;
}
END_TEST

static const struct {
	enum mini_tls_who who;
	enum fault fault;
	const char *why;
} bad[] = {
	{MINI_TLS_EXPIRED, FAULT_TLS_EXPIRED, "the server's certificate expired on "},
	{MINI_TLS_WRONG_HOST, FAULT_TLS_WRONG_HOST,
		"the server's certificate is not for good.test but for other.test"},
	{MINI_TLS_UNKNOWN, FAULT_TLS_UNTRUSTED,
		"the issuer of the server's certificate is not trusted"},
};

START_TEST(bad_certificates)
{
	fixture_open_tls(bad[_i / 2].who, versions[_i % 2]);
	fixture_start_connecting();
	UNTIL(calls.n_failed == 1);
	ck_assert_int_eq(calls.fault, bad[_i / 2].fault);
	ck_assert_msg(
		strncmp(calls.why, bad[_i / 2].why, strlen(bad[_i / 2].why)) == 0, "%s", calls.why);
	ck_assert_uint_eq(fixture.env.opened, 0);
	ck_assert_uint_eq(fixture.stats.totals.histograms[STATS_CONNECT].count, 1);
	ck_assert_uint_eq(fixture.stats.totals.histograms[STATS_TLS].count, 0);
}
END_TEST

START_TEST(handshake_breaks)
{
	fixture_open_tls(MINI_TLS_GOOD, 0);
	server.is_plain = true;
	fixture_start_connecting();
	UNTIL(server.fd >= 0);
	if (_i == 0)
		server_end();
	else if (_i == 1)
		fixture_say(server.fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
	else
		mini_reset_fd(server.fd), server.fd = -1;
	TURN_UNTIL(calls.n_failed == 1);
	ck_assert_int_eq(calls.fault, _i == 1 ? FAULT_NOT_TLS : FAULT_TLS_CLOSED);
	ck_assert_msg(
		strstr(calls.why, _i == 1 ? "does not speak TLS" : "during the TLS handshake"),
		"%s", calls.why);
}
END_TEST

START_TEST(handshake_does_not_end)
{
	fixture_open_tls(MINI_TLS_GOOD, 0);
	fixture.env.connect_timeout_ns = 20 * MS;
	server.is_plain = true;
	fixture_start_connecting();
	TURN_UNTIL(calls.n_failed == 1);
	ck_assert_int_eq(calls.fault, FAULT_TLS_TIMEOUT);
	ck_assert_str_eq(calls.why, "no end of the TLS handshake in time");
}
END_TEST

START_TEST(refused_is_refused)
{
	const char *why;
	enum fault fault;

	fixture_open_tls(MINI_TLS_GOOD, 0);
	close(fixture.server.listener);
	fixture.server.listener = -1;
	fault = task_connect(&task, &why);
	if (fault == FAULT_NONE) {
		TURN_UNTIL(calls.n_failed == 1);
		fault = calls.fault;
	}
	ck_assert_int_eq(fault, FAULT_CONNECT_REFUSED);
}
END_TEST

/* TLS 1.3 tells only after the handshake that a certificate was wanted. */
START_TEST(alert_behind_the_handshake)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	mini_tls_require_certificate(&fixture.tls);
	fixture_start_connecting();
	UNTIL(calls.n_idle == 1);
	if (_i == 0) {
		UNTIL(calls.n_closed == 1);
		ck_assert_msg(strstr(calls.why, "certificate required") != NULL, "%s", calls.why);
		return;
	}
	server.is_deaf = true;
	fixture_send(clock_now_ns());
	server.is_deaf = false;
	UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_CONNECTION_ERROR), 1);
	ck_assert_msg(strstr(fixture_example(FAULT_RECEIVE), "certificate required") != NULL, "%s",
		fixture_example(FAULT_RECEIVE));
}
END_TEST

/* More than the socket takes: it goes out with the events. */
START_TEST(large_request)
{
	size_t len = 8u << 20;
	char *text = malloc(len);
	int64_t now_ns = clock_now_ns();
	struct exchange x;

	memset(text, 'x', len);
	fixture_open_tls(MINI_TLS_GOOD, versions[_i]);
	connect_task();
	fixture.request.bytes = text;
	fixture.request.len = len;
	server.is_deaf = true;
	stats_begin(&fixture.stats, &x, now_ns, now_ns, 0);
	task_send(&task, &x, clock_now_ns());
	ck_assert_int_eq(task_get_state(&task), TASK_SENDING);
	turn();
	ck_assert_int_eq(task_get_state(&task), TASK_SENDING);
	server.is_deaf = false;
	UNTIL(server.n_heard == len);
	say(MINI_OK, strlen(MINI_OK));
	UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	free(text);
}
END_TEST

/* Answered before it has gone out, and with a word of TLS between. */
START_TEST(answer_before_the_request_is_out)
{
	size_t len = 8u << 20;
	char *text = malloc(len);
	int64_t now_ns = clock_now_ns();
	struct exchange x;

	memset(text, 'x', len);
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	connect_task();
	fixture.request.bytes = text;
	fixture.request.len = len;
	server.is_deaf = true;
	stats_begin(&fixture.stats, &x, now_ns, now_ns, 0);
	task_send(&task, &x, clock_now_ns());
	ck_assert_int_eq(SSL_key_update(server.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	say(MINI_503, strlen(MINI_503));
	UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_HTTP_ERROR), 1);
	free(text);
}
END_TEST

/* The peer wants new keys in the middle of everything. */
START_TEST(new_keys)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	connect_task();
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(SSL_key_update(server.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		if (i % 2) {
			ck_assert_int_eq(SSL_do_handshake(server.ssl), 1);
			UNTIL(all_was_read());
		}
		ask();
		say(MINI_OK, strlen(MINI_OK));
		UNTIL(calls.n_idle == 2 + i);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 4);
	ck_assert_uint_eq(calls.n_closed, 0);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, handshake_and_answers_in_pieces, 0, 8);
	tcase_add_loop_test(t, large_body, 0, 4);
	tcase_add_loop_test(t, body_until_close, 0, 8);
	tcase_add_loop_test(t, cut_in_the_middle, 0, 2);
	tcase_add_loop_test(t, tickets_while_idle, 0, 4);
	tcase_add_loop_test(t, tickets_with_an_answer, 0, 2);
	tcase_add_loop_test(t, behind_an_answer, 0, 6);
	tcase_add_loop_test(t, peer_acts_while_idle, 0, 6);
	tcase_add_loop_test(t, peer_acts_with_its_last_flight, 0, 2);
	tcase_add_loop_test(t, either_event_moves_what_is_crossed, 0, 2);
	tcase_add_loop_test(t, bad_certificates, 0, 6);
	tcase_add_loop_test(t, handshake_breaks, 0, 3);
	tcase_add_test(t, handshake_does_not_end);
	tcase_add_test(t, refused_is_refused);
	tcase_add_loop_test(t, alert_behind_the_handshake, 0, 2);
	tcase_add_loop_test(t, large_request, 0, 2);
	tcase_add_test(t, answer_before_the_request_is_out);
	tcase_add_test(t, new_keys);
	tcase_add_loop_test(t, stale_connection, 0, N_WAYS * 8);
	tcase_add_loop_test(t, dropped, 0, 4);
	tcase_add_loop_test(t, reset_without_goodbye, 0, 2);
}

int main(void)
{
	Suite *s = suite_create("task_tls");
	TCase *t = tcase_create("task_tls");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
