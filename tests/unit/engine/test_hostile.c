/* SPDX-License-Identifier: Apache-2.0 */
/* A server that breaks off at every byte: of a response, of TLS's records around it, and of its
 * side of the handshake, by a FIN or a reset, with what it has said or after it. Each time one
 * arrival goes through a pool of one connection and has to end, in the one way that the offset
 * calls for.
 *
 * The server is played here, on the test's thread, so nothing is left to chance; its OpenSSL works
 * in memory, and the test carries as many of its bytes as the case allows. */
#include <dirent.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "daemon/engine/pool.h"
#include "tests/support/suite.h"
#include "tests/unit/engine/engine_fixture.h"

#define PATIENCE_NS (5 * SEC) /* of an arrival: past it, it ends as a timeout, and wrongly */
#define ALL SIZE_MAX
#define PARTS_MAX 5

/* Responses in the pieces in which they are written: over TLS, each is a record. */
static const struct response {
	const char *name;
	bool is_until_close;
	const char *parts[PARTS_MAX]; /* the first is the head */
} responses[] = {
	{"length", false, {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "bo", "dy-6"}},
	{"chunked", false,
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3;a=b\r\nabc\r\n",
			"0\r\n", "T: x\r\n\r\n"}},
	{"until close", true, {"HTTP/1.1 200 OK\r\n\r\n", "until", " the end"}},
	{"informational", false,
		{"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No Content\r\n", "\r\n"}},
};
#define N_RESPONSES ((int)(sizeof(responses) / sizeof(*responses)))

enum how {
	BY_FIN,
	BY_RST,
	HOW_COUNT,
};

/* One case: what is cut off where. */
static struct {
	enum how how;
	bool is_at_once; /* the end comes before anybody has read what is before it */
	size_t at;
} cut;

static struct pool pool;
static unsigned n_ended;

static struct {
	int fd;	  /* -1: none */
	SSL *ssl; /* NULL: plain */
	BIO *in, *out;
	size_t n_given; /* bytes of the present stretch that have gone out */
	size_t n_heard; /* of the client's request */
} server = {.fd = -1};

/* ---- fixture */

static void on_ended(struct pool *p, bool connection_is_free)
{
	(void)p, (void)connection_is_free;
	n_ended++;
}

static void setup(void)
{
	fixture_open(16);
	fixture.request.is_idempotent = true;
	fixture.env.request_timeout_ns = fixture.env.connect_timeout_ns = PATIENCE_NS;
	task_env_fini(&fixture.env);
	ck_assert_int_eq(task_env_init(&fixture.env), 0);
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* ---- the server */

static void server_accept(void)
{
	server.fd = fixture_accept();
	server.n_given = server.n_heard = 0;
	if (!fixture.env.tls)
		return;
	server.ssl = fixture_accept_tls(&server.in, &server.out);
}

static void server_end(void)
{
	if (server.fd >= 0)
		(void)close(server.fd);
	SSL_free(server.ssl);
	server.fd = -1;
	server.ssl = NULL;
}

static bool server_has_request(void)
{
	return server.n_heard >= fixture.request.len;
}

static void server_hear(void)
{
	char buf[16384];
	ssize_t n;

	while ((n = recv(server.fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		if (server.ssl)
			ck_assert_int_eq(BIO_write(server.in, buf, (int)n), n);
		else
			server.n_heard += (size_t)n;
	}
	if (!server.ssl)
		return;
	while ((n = SSL_read(server.ssl, buf, sizeof(buf))) > 0)
		server.n_heard += (size_t)n;
}

static void server_put(const char *data, size_t len)
{
	ck_assert_int_eq(send(server.fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
	server.n_given += len;
}

/* What TLS has to say, up to so many bytes of the present stretch. */
static void server_carry(size_t limit)
{
	char buf[4096];
	int n;

	while (server.n_given < limit) {
		size_t left = limit - server.n_given;

		n = BIO_read(server.out, buf, (int)(left < sizeof(buf) ? left : sizeof(buf)));
		if (n <= 0)
			return;
		server_put(buf, (size_t)n);
	}
}

static void server_cut(void)
{
	if (cut.how == BY_FIN) {
		ck_assert_int_eq(shutdown(server.fd, SHUT_WR), 0);
		return;
	}
	mini_reset_fd(server.fd);
	server.fd = -1;
}

/* ---- a case */

static void turn(void)
{
	ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
}

/* Of the one connection; also when it is gone. */
static bool client_has_read_all(void)
{
	int n = 0;

	return pool.tasks[0]._transport.fd < 0 ||
	       ioctl(pool.tasks[0]._transport.fd, FIONREAD, &n) == -1 || n == 0;
}

static void client_reads(void)
{
	if (cut.is_at_once)
		return;
	do
		turn();
	while (!client_has_read_all());
}

static void begin(void)
{
	struct pool_config config = {
		.env = &fixture.env, .limit = 1, .queue_max = 4, .on_ended = on_ended};

	fixture.env.opened = 0;
	n_ended = 0;
	ck_assert_int_eq(pool_init(&pool, &config), 0);
}

static void arrive(void)
{
	int64_t now_ns = clock_now_ns();

	pool_arrive(&pool, now_ns, now_ns, 0);
}

/* Up to the whole request. */
static void serve_request(void)
{
	while (!server_has_request()) {
		turn();
		server_hear();
		if (server.ssl)
			server_carry(ALL);
	}
}

static void finish(void)
{
	server_end();
	pool_fini(&pool);
}

/* How the n-th arrival of all has ended, and the ledger agrees. */
static enum fault ended_as(const uint64_t before[FAULT_COUNT])
{
	enum fault found = FAULT_NONE;
	unsigned n = 0;

	for (enum fault f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		if (fixture_faults(f) != before[f]) {
			found = f;
			n += (unsigned)(fixture_faults(f) - before[f]);
		}
	ck_assert_uint_le(n, 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), before[FAULT_NONE] + (n == 0));
	return found;
}

static void note(uint64_t ret[FAULT_COUNT])
{
	for (enum fault f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
		ret[f] = fixture_faults(f);
	ret[FAULT_NONE] = fixture_count(LEDGER_OK);
}

static void expect(const char *what, enum fault found, enum fault wanted)
{
	ck_assert_msg(found == wanted, "%s, %s %s at byte %zu: %s instead of %s", what,
		cut.how == BY_FIN ? "FIN" : "RST", cut.is_at_once ? "at once" : "a moment later",
		cut.at, fault_table[found].name, fault_table[wanted].name);
}

/* ---- responses */

static size_t length_of(const struct response *r)
{
	size_t len = 0;

	for (size_t i = 0; i < PARTS_MAX && r->parts[i]; i++)
		len += strlen(r->parts[i]);
	return len;
}

/* Of a response of which so much has come, and with it, or not, TLS's goodbye. */
static enum fault wanted_of(const struct response *r, size_t n, bool has_goodbye)
{
	if (r->is_until_close && has_goodbye)
		return FAULT_NONE;
	if (!r->is_until_close && n == length_of(r))
		return FAULT_NONE;
	if (cut.how == BY_RST)
		return FAULT_RESET;
	if (r->is_until_close && n >= strlen(r->parts[0]))
		return fixture.env.tls ? FAULT_TRUNCATED : FAULT_NONE;
	return FAULT_CLOSED;
}

/* Says up to cut.at bytes; *ret_wanted: what has to come of it. False: there is no more to cut. */
static bool say_plain(const struct response *r, enum fault *ret_wanted)
{
	char text[512] = "";

	for (size_t i = 0; i < PARTS_MAX && r->parts[i]; i++)
		strcat(text, r->parts[i]);
	if (cut.at > strlen(text))
		return false;
	server_put(text, cut.at);
	*ret_wanted = wanted_of(r, cut.at, false);
	return true;
}

static bool say_over_tls(const struct response *r, enum fault *ret_wanted)
{
	size_t n = 0;
	bool has_goodbye;

	for (size_t i = 0; i < PARTS_MAX && r->parts[i]; i++) {
		int len = (int)strlen(r->parts[i]);

		ck_assert_int_eq(SSL_write(server.ssl, r->parts[i], len), len);
		/* Of a record that is not complete nothing can be read. */
		if (BIO_ctrl_pending(server.out) <= cut.at)
			n += (size_t)len;
	}
	(void)SSL_shutdown(server.ssl);
	if (BIO_ctrl_pending(server.out) < cut.at)
		return false;
	has_goodbye = BIO_ctrl_pending(server.out) == cut.at;
	*ret_wanted = wanted_of(r, n, has_goodbye);
	server.n_given = 0;
	server_carry(cut.at);
	return true;
}

/* One response, cut at one offset. */
static bool play_cut(const struct response *r)
{
	uint64_t before[FAULT_COUNT];
	enum fault wanted;
	bool goes_on;

	note(before);
	begin();
	arrive();
	server_accept();
	serve_request();
	goes_on = fixture.env.tls ? say_over_tls(r, &wanted) : say_plain(r, &wanted);
	if (goes_on) {
		client_reads();
		server_cut();
		TURN_UNTIL(n_ended == 1);
		expect(r->name, ended_as(before), wanted);
	}
	finish();
	return goes_on;
}

static void play_cuts(int i)
{
	const struct response *r = &responses[i / (2 * HOW_COUNT)];
	unsigned descriptors;

	cut.how = (enum how)(i % HOW_COUNT);
	cut.is_at_once = i / HOW_COUNT % 2;
	cut.at = 0;
	(void)play_cut(r); /* what is made once */
	descriptors = count_descriptors();
	for (cut.at = 0; play_cut(r); cut.at++)
		;
	ck_assert_uint_gt(cut.at, length_of(r));
	ck_assert_uint_eq(count_descriptors(), descriptors);
}

START_TEST(plain_responses)
{
	play_cuts(_i);
}
END_TEST

START_TEST(responses_over_tls_1_2)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_2_VERSION);
	play_cuts(_i);
}
END_TEST

START_TEST(responses_over_tls_1_3)
{
	fixture_open_tls(MINI_TLS_GOOD, TLS1_3_VERSION);
	play_cuts(_i);
}
END_TEST

/* ---- handshakes */

/* The server's side, of which cut.at bytes come; *ret_goes_on false: it has no more. */
static enum fault play_handshake(bool *ret_goes_on, bool *ret_was_open)
{
	uint64_t before[FAULT_COUNT];
	bool is_cut = false;

	note(before);
	begin();
	arrive();
	server_accept();
	while (n_ended == 0 && (is_cut || !server_has_request())) {
		turn();
		if (is_cut)
			continue;
		server_hear();
		server_carry(cut.at);
		if (server.n_given == cut.at && BIO_ctrl_pending(server.out) > 0) {
			client_reads();
			server_cut();
			is_cut = true;
		}
	}
	*ret_goes_on = is_cut;
	*ret_was_open = fixture.env.opened > 0;
	if (!is_cut) {
		/* All of it has come, and the request with it. */
		server_cut();
		TURN_UNTIL(n_ended == 1);
	}
	finish();
	return ended_as(before);
}

/* TLS 1.3 has more to say after the handshake, when the request is under way already. */
START_TEST(handshakes)
{
	int version = _i & 4 ? TLS1_3_VERSION : TLS1_2_VERSION;
	bool goes_on = true, was_open = false;

	fixture_open_tls(MINI_TLS_GOOD, version);
	cut.how = (enum how)(_i & 1);
	cut.is_at_once = _i & 2;
	for (cut.at = 0; goes_on; cut.at++) {
		enum fault found = play_handshake(&goes_on, &was_open);

		/* Where the handshake ends varies by a byte or two, as signatures do. */
		ck_assert(cut.at > 500 || !was_open);
		if (was_open)
			expect("handshake done", found,
				cut.how == BY_FIN ? FAULT_CLOSED : FAULT_RESET);
		else
			expect("handshake", found, FAULT_TLS_CLOSED);
	}
	ck_assert(was_open);
	ck_assert_uint_gt(cut.at, 500);
}
END_TEST

/* ---- a connection that has answered before */

/* The first request is answered, the second one is what is cut. Also at byte 0 the server has had
 * it: it is not repeated, whether it may be or not. */
static enum fault play_second(const struct response *r, bool is_idempotent, bool *ret_goes_on)
{
	uint64_t before[FAULT_COUNT];
	enum fault ignored;

	fixture.request.is_idempotent = is_idempotent;
	begin();
	arrive();
	server_accept();
	serve_request();
	server_put(MINI_OK, strlen(MINI_OK));
	TURN_UNTIL(n_ended == 1);
	note(before);
	server.n_heard = 0;
	arrive();
	serve_request();
	*ret_goes_on = say_plain(r, &ignored);
	client_reads();
	/* An acknowledgement may wait, and a reset tells of none. */
	if (cut.how == BY_RST)
		fixture_acknowledge(&pool.tasks[0], true);
	server_cut();
	TURN_UNTIL(n_ended == 2);
	finish();
	return ended_as(before);
}

START_TEST(second_responses)
{
	bool is_idempotent = _i & 1, goes_on = true;

	cut.how = (enum how)(_i >> 1 & 1);
	cut.is_at_once = _i & 4;
	for (cut.at = 0; cut.at < length_of(&responses[0]); cut.at++) {
		enum fault found = play_second(&responses[0], is_idempotent, &goes_on);

		ck_assert(goes_on);
		expect("second", found, cut.how == BY_FIN ? FAULT_CLOSED : FAULT_RESET);
	}
	ck_assert_uint_eq(fixture.stats.totals.retries, 0);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_loop_test(t, plain_responses, 0, N_RESPONSES * 2 * HOW_COUNT);
	tcase_add_loop_test(t, responses_over_tls_1_2, 0, N_RESPONSES * 2 * HOW_COUNT);
	tcase_add_loop_test(t, responses_over_tls_1_3, 0, N_RESPONSES * 2 * HOW_COUNT);
	tcase_add_loop_test(t, handshakes, 0, 8);
	tcase_add_loop_test(t, second_responses, 0, 8);
}

int main(void)
{
	Suite *s = suite_create("hostile");
	TCase *t = tcase_create("hostile");

	tcase_set_timeout(t, 60); /* a sanitizer's handshakes are slow */
	tcase_add_checked_fixture(t, setup, fixture_close);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
