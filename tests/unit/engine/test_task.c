/* SPDX-License-Identifier: Apache-2.0 */
/* One connection against a server that the test plays itself: every state, every end. */
#include "daemon/engine/task.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "tests/support/suite.h"
#include "tests/unit/engine/task_fixture.h"

static int peer;

static void setup(void)
{
	fixture_open_task(16);
	peer = -1;
}

static void teardown(void)
{
	task_abandon(&task, clock_now_ns());
	if (peer >= 0)
		close(peer);
	fixture_close();
}

static void connect_task(void)
{
	fixture_start_connecting();
	peer = fixture_accept();
	TURN_UNTIL(calls.n_idle > 0);
	ck_assert(!calls.had_exchange);
}

/* A connection with a request on its way; the server has read it. */
static void ask(void)
{
	connect_task();
	fixture_send(clock_now_ns());
	ck_assert_int_eq(task_get_state(&task), TASK_RECEIVING);
	fixture_hear(peer);
}

static void peer_close(void)
{
	close(peer);
	peer = -1;
}

static void peer_reset(void)
{
	mini_reset_fd(peer);
	peer = -1;
}

/* ---- how late an answer is read */

static struct {
	struct transport_ops ops;
	enum io (*read)(struct transport *t, void *buf, size_t size, size_t *ret_n);
	int64_t received_ns;
} stamp;

static enum io read_stamped(struct transport *t, void *buf, size_t size, size_t *ret_n)
{
	enum io io = stamp.read(t, buf, size, ret_n);

	t->received_ns = t->wants_stamp ? stamp.received_ns : 0;
	return io;
}

/* The turn before is so long ago that the stamp is read. No answer is received before its request
 * is sent: then the wall clock was set, and nothing is known from the stamp. */
START_TEST(stamp_of_an_answer)
{
	const struct histogram *slack = &fixture.stats.totals.histograms[STATS_RX_SLACK];
	int64_t begun_ns = clock_now_ns(), sent_ns;

	connect_task();
	stamp.ops = *task._transport.ops;
	stamp.read = stamp.ops.read;
	stamp.ops.read = read_stamped;
	task._transport.ops = &stamp.ops;
	fixture_send(clock_now_ns());
	sent_ns = clock_now_ns();
	fixture_hear(peer);
	fixture_say(peer, MINI_OK);
	while (clock_now_ns() < sent_ns + 2 * MS)
		;
	stamp.received_ns = _i == 0 ? sent_ns + 1 : sent_ns / 2;
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(slack->count, 1);
	ck_assert_int_ge(slack->max, _i == 0 ? 2 * MS - 1 : 0);
	ck_assert_int_le(slack->max, clock_now_ns() - begun_ns);
}
END_TEST

/* ---- connecting */

START_TEST(connects)
{
	connect_task();
	ck_assert_uint_eq(fixture.env.opened, 1);
	ck_assert_uint_eq(calls.n_idle, 1);
	ck_assert_uint_eq(fixture.stats.totals.histograms[STATS_CONNECT].count, 1);
	ck_assert_int_eq(task_planned_ns(&task), CLOCK_NEVER);
}
END_TEST

START_TEST(refused)
{
	const char *why = "";
	enum fault fault;

	close(fixture.server.listener);
	fixture.server.listener = -1;
	fault = task_connect(&task, &why);
	if (fault == FAULT_NONE) {
		TURN_UNTIL(calls.n_failed > 0);
		fault = calls.fault;
		why = calls.why;
	}
	ck_assert_int_eq(fault, FAULT_CONNECT_REFUSED);
	ck_assert_ptr_nonnull(strstr(why, "refused"));
	ck_assert_int_eq(task_get_state(&task), TASK_CLOSED);
	ck_assert_uint_eq(fixture.env.opened, 0);
	ck_assert_uint_eq(calls.n_idle + calls.n_closed, 0);
}
END_TEST

/* The one place in the listener's queue is taken: the handshake waits. */
START_TEST(connect_timeout)
{
	int64_t start_ns = clock_now_ns();
	int filler;

	fixture_close();
	fixture_open_task(0);
	filler = mini_server_fill(&fixture.server);
	ck_assert_int_ge(filler, 0);
	fixture.env.connect_timeout_ns = 30 * MS;
	fixture_start_connecting();
	TURN_UNTIL(calls.n_failed + calls.n_idle > 0);
	ck_assert_uint_eq(calls.n_failed, 1);
	ck_assert_int_eq(calls.fault, FAULT_CONNECT_TIMEOUT);
	ck_assert_int_ge(clock_now_ns() - start_ns, 30 * MS);
	ck_assert_int_eq(task_get_state(&task), TASK_CLOSED);
	close(filler);
}
END_TEST

/* Of a connection that is open no timeout is left. */
START_TEST(connect_timeout_ends_with_the_connection)
{
	int64_t start_ns = clock_now_ns();

	fixture.env.connect_timeout_ns = 300 * MS;
	connect_task();
	while (clock_now_ns() < start_ns + 320 * MS)
		ck_assert_int_eq(loop_turn(fixture.loop, 10 * MS), 0);
	ck_assert_int_eq(task_get_state(&task), TASK_IDLE);
	ck_assert_uint_eq(calls.n_failed, 0);
}
END_TEST

START_TEST(guard_refuses)
{
	const char *why = NULL;

	fixture.address.in.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 */
	ck_assert_int_ne(task_connect(&task, &why), FAULT_NONE);
	ck_assert_ptr_nonnull(strstr(why, "only loopback is allowed"));
	ck_assert_int_eq(task_get_state(&task), TASK_CLOSED);
	ck_assert_uint_eq(calls.n_failed, 0); /* the return value has said it */
}
END_TEST

START_TEST(no_descriptor_is_our_fault)
{
	struct rlimit limit, before;
	const char *why = NULL;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(task_connect(&task, &why), FAULT_NO_DESCRIPTORS);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_str_eq(why, "Too many open files");
	ck_assert_int_eq(task_get_state(&task), TASK_CLOSED);
	connect_task(); /* and it can be used again */
}
END_TEST

START_TEST(addresses_are_used_in_turn)
{
	struct mini_server other;
	struct address addresses[2];
	struct task tasks[4];
	const char *why;
	int fds[4];

	ck_assert_int_eq(mini_server_open(&other, 16, NULL, NULL), 0);
	addresses[0] = fixture.address;
	addresses[1] = fixture_address_of(&other);
	fixture.env.addresses = addresses;
	fixture.env.n_addresses = 2;
	for (int i = 0; i < 4; i++) {
		task_init(&tasks[i], &fixture.env);
		ck_assert_int_eq(task_connect(&tasks[i], &why), FAULT_NONE);
	}
	for (int i = 0; i < 4; i++) {
		fds[i] = mini_server_accept(i % 2 ? &other : &fixture.server);
		ck_assert_int_ge(fds[i], 0);
	}
	TURN_UNTIL(calls.n_idle == 4);
	for (int i = 0; i < 4; i++) {
		task_abandon(&tasks[i], clock_now_ns());
		close(fds[i]);
	}
	mini_server_close(&other);
}
END_TEST

/* ---- good ends */

START_TEST(answer)
{
	const struct histogram *h = fixture.stats.totals.histograms;

	ask();
	ck_assert_int_ne(task_planned_ns(&task), CLOCK_NEVER);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert(calls.had_exchange);
	ck_assert_int_eq(task_planned_ns(&task), CLOCK_NEVER);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.stats.totals.statuses[200], 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_out, strlen(FIXTURE_GET));
	ck_assert_uint_eq(fixture.stats.totals.bytes_in, strlen(MINI_OK));
	ck_assert_uint_eq(h[STATS_RX_SLACK].count, 1);
	ck_assert_uint_eq(h[STATS_SEND_STALL].count, 0);
	/* The identity of measurement page A.1, on what was recorded. */
	ck_assert(h[STATS_RESPONSE].sum ==
		  h[STATS_OUR_DELAY].sum + h[STATS_CONNECTION_WAIT].sum + h[STATS_SERVICE].sum);
	ck_assert(h[STATS_FIRST_BYTE].sum <= h[STATS_SERVICE].sum);
}
END_TEST

START_TEST(connection_is_used_again)
{
	ask();
	for (unsigned n = 1; n <= 5; n++) {
		fixture_say(peer, MINI_OK);
		TURN_UNTIL(calls.n_idle == 1 + n);
		fixture_send(clock_now_ns());
		fixture_hear(peer);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 5);
	ck_assert_uint_eq(fixture.env.opened, 1);
	ck_assert_uint_eq(fixture.env.sent, 6);
	ck_assert_uint_eq(fixture.env.requests_on_new, 1);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
	task_abandon(&task, clock_now_ns());
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), 1);
}
END_TEST

#define CHUNKED                                                                                    \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n"         \
	"0\r\nTrailer: t\r\n\r\n"
#define INFORMED "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" MINI_OK

/* In two pieces, at every byte; and byte by byte. */
static const char *const splittable[] = {MINI_OK, CHUNKED, INFORMED, MINI_503};

START_TEST(answer_split_anywhere)
{
	connect_task();
	for (size_t i = 0; i < sizeof(splittable) / sizeof(splittable[0]); i++) {
		const char *text = splittable[i];
		size_t len = strlen(text);
		size_t at = (size_t)_i % len;
		unsigned before = calls.n_idle;

		fixture_send(clock_now_ns());
		fixture_hear(peer);
		ck_assert_int_eq(write(peer, text, at), at);
		if (at > 0) {
			ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
			ck_assert_int_eq(task_get_state(&task), TASK_RECEIVING);
		}
		fixture_say(peer, text + at);
		TURN_UNTIL(calls.n_idle + calls.n_closed > before);
		ck_assert_uint_eq(calls.n_closed, 0);
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 3);
	ck_assert_uint_eq(fixture_count(LEDGER_HTTP_ERROR), 1);
}
END_TEST

START_TEST(answer_byte_by_byte)
{
	const char *text = splittable[_i];

	ask();
	for (size_t i = 0; text[i]; i++) {
		ck_assert_uint_eq(calls.n_idle, 1);
		ck_assert_int_eq(write(peer, text + i, 1), 1);
		ck_assert_int_eq(loop_turn(fixture.loop, SEC), 0);
	}
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture.stats.outstanding, 0);
}
END_TEST

/* ---- every end, as a table */

enum { NOTHING, CLOSE, RESET, HALF_CLOSE };

static const struct {
	const char *text;
	int then;
	enum fault fault;
	bool stays; /* the connection */
	unsigned by_peer;
	const char *example;
	bool is_head;
	bool no_reuse;
} ends[] = {
	{MINI_OK, NOTHING, FAULT_NONE, true, 0, NULL, false, false},
	{MINI_503, NOTHING, FAULT_STATUS, true, 0, "status 503", false, false},
	{"HTTP/1.1 399 x\r\nContent-Length: 0\r\n\r\n", NOTHING, FAULT_NONE, true, 0, NULL, false,
		false},
	{"HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n", NOTHING, FAULT_STATUS, true, 0,
		"status 400", false, false},
	{"HTTP/1.1 204 x\r\n\r\n", NOTHING, FAULT_NONE, true, 0, NULL, false, false},
	{"HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", NOTHING, FAULT_NONE, true, 0, NULL, false,
		false},
	{"HTTP/1.1 200 x\r\nContent-Length: 9000\r\n\r\n", NOTHING, FAULT_NONE, true, 0, NULL, true,
		false},
	{MINI_OK_CLOSE, NOTHING, FAULT_NONE, false, 1, NULL, false, false},
	{MINI_OK_CLOSE, CLOSE, FAULT_NONE, false, 1, NULL, false, false},
	{"HTTP/1.1 500 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", NOTHING, FAULT_STATUS,
		false, 1, "status 500", false, false},
	{"HTTP/1.0 200 x\r\nContent-Length: 0\r\n\r\n", NOTHING, FAULT_NONE, false, 1, NULL, false,
		false},
	{MINI_OK, CLOSE, FAULT_NONE, false, 1, NULL, false, false},
	{MINI_OK, HALF_CLOSE, FAULT_NONE, false, 1, NULL, false, false},
	{MINI_OK, NOTHING, FAULT_NONE, false, 0, NULL, false, true},
	{MINI_OK_CLOSE, NOTHING, FAULT_NONE, false, 0, NULL, false, true},
	/* until the connection ends */
	{"HTTP/1.1 200 x\r\n\r\nbody", CLOSE, FAULT_NONE, false, 1, NULL, false, false},
	{"HTTP/1.1 200 x\r\n\r\n", CLOSE, FAULT_NONE, false, 1, NULL, false, false},
	{"HTTP/1.1 200 x\r\n\r\nbody", RESET, FAULT_RESET, false, 0, NULL, false, false},
	/* more than was asked for */
	{MINI_OK "x", NOTHING, FAULT_NONE, false, 0, NULL, false, false},
	{MINI_OK MINI_OK, NOTHING, FAULT_NONE, false, 0, NULL, false, false},
	/* not enough */
	{"", CLOSE, FAULT_CLOSED, false, 1, "closed before any byte of the response", false, false},
	{"H", CLOSE, FAULT_CLOSED, false, 1, "closed in the middle of the response", false, false},
	{"", HALF_CLOSE, FAULT_CLOSED, false, 1, "closed before any byte of the response", false,
		false},
	{"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nbody", CLOSE, FAULT_CLOSED, false, 1,
		"closed in the middle of the response", false, false},
	{"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", CLOSE, FAULT_CLOSED,
		false, 1, "closed in the middle of the response", false, false},
	{"", RESET, FAULT_RESET, false, 0, "Connection reset by peer", false, false},
	{"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nbody", RESET, FAULT_RESET, false, 0,
		"Connection reset by peer", false, false},
	/* not HTTP */
	{"220 mail.test ESMTP\r\n", NOTHING, FAULT_NOT_HTTP, false, 0,
		"this is not an HTTP response; it begins: 220 mail.test ESMTP", false, false},
	{"\x01\x02\xff SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3 and more than fits\n", NOTHING,
		FAULT_NOT_HTTP, false, 0,
		"this is not an HTTP response; it begins: ??? SSH-2.0-OpenSSH_9.2p1 "
		"Debian-2+deb12...",
		false, false},
	{"\x15\x03\x01", NOTHING, FAULT_SPEAKS_TLS, false, 0,
		"this server speaks TLS at this port: try https://", false, false},
	{"HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n", NOTHING, FAULT_STATUS, true, 0,
		"status 099", false, false},
	{"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n", NOTHING, FAULT_STATUS, true, 0,
		"status 000", false, false},
	{"HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", NOTHING, FAULT_STATUS, true, 0,
		"status 999", false, false},
	{"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n", NOTHING, FAULT_BAD_RESPONSE, false, 0,
		"status 101, but no upgrade was asked for", false, false},
	{"HTTP/1.1 200 x\r\nContent-Length: 1x\r\n\r\n", NOTHING, FAULT_BAD_RESPONSE, false, 0,
		NULL, false, false},
	{"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NOTHING, FAULT_BAD_RESPONSE,
		false, 0, NULL, false, false},
};

START_TEST(every_end)
{
	enum fault fault = ends[_i].fault;

	fixture.request.asked = ends[_i].is_head ? HTTP1_ASKED_HEAD : 0;
	fixture.env.reuse = !ends[_i].no_reuse;
	ask();
	fixture_say(peer, ends[_i].text);
	if (ends[_i].then == CLOSE)
		peer_close();
	else if (ends[_i].then == RESET)
		peer_reset();
	else if (ends[_i].then == HALF_CLOSE)
		ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	TURN_UNTIL(calls.n_idle + calls.n_closed == 2);
	ck_assert(calls.had_exchange);
	ck_assert_uint_eq(calls.n_closed, !ends[_i].stays);
	ck_assert_uint_eq(fixture.env.closed_by_peer, ends[_i].by_peer);
	ck_assert_uint_eq(fixture_count(fault_table[fault].class), 1);
	ck_assert_uint_eq(fixture.stats.outstanding, 0);
	ck_assert_int_eq(task_get_state(&task), ends[_i].stays ? TASK_IDLE : TASK_CLOSED);
	if (fault != FAULT_NONE)
		ck_assert_uint_eq(fixture_faults(fault), 1);
	if (ends[_i].example)
		ck_assert_str_eq(fixture_example(fault), ends[_i].example);
	/* Whatever it was, the task serves on. */
	fixture.request.asked = 0;
	fixture.env.reuse = true;
	if (!ends[_i].stays) {
		if (peer >= 0)
			peer_close();
		calls.n_idle = 0;
		connect_task();
	}
	calls.n_idle = 0;
	fixture_send(clock_now_ns());
	fixture_hear(peer);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 1);
}
END_TEST

/* ---- bytes that belong to no answer */

/* An answer and what follows it: with it (0), when it has been taken (1), over a known length that
 * is dropped in the kernel (2). */
static const struct {
	const char *rest;
	bool stays;
	unsigned surplus;
} rests[] = {
	{"\r\n", true, 0},
	{"\n", true, 0},
	{"\r\n\r\n\r\n\r\n", true, 0},
	{"\r", true, 0},
	{"x", false, 1},
	{"\r\nx", false, 1},
	{MINI_OK, false, 1},
};

START_TEST(surplus)
{
	size_t rest = (size_t)_i / 3;
	char text[4096] = MINI_OK;
	bool is_late = _i % 3 == 1;

	if (_i % 3 == 2) {
		strcpy(text, "HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
		memset(text + strlen(text), 'x', 3000);
	}
	if (!is_late)
		strcat(text, rests[rest].rest);
	ask();
	fixture_say(peer, text);
	TURN_UNTIL(calls.n_idle + calls.n_closed == 2);
	if (is_late) {
		ck_assert_uint_eq(calls.n_closed, 0);
		fixture_say(peer, rests[rest].rest);
		TURN_UNTIL(calls.n_spared + calls.n_closed == 1);
		ck_assert_str_eq(
			calls.why, rests[rest].stays ? "" : "bytes came that belong to no answer");
	}
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(calls.n_closed, !rests[rest].stays);
	ck_assert_uint_eq(fixture.env.surplus, rests[rest].surplus);
	ck_assert_uint_eq(fixture.env.closed_by_us, rests[rest].surplus);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
	if (!rests[rest].stays)
		return;
	/* The next answer is right, and so is what is known of its first byte. */
	fixture_send(clock_now_ns());
	fixture_hear(peer);
	fixture_say(peer, "\r\n");
	TURN_UNTIL(task._response.head_bytes > 0);
	ck_assert_int_eq(task._exchange.first_byte_ns, 0);
	fixture_say(peer, "\r\n" MINI_503);
	TURN_UNTIL(fixture_count(LEDGER_HTTP_ERROR) == 1);
	ck_assert_int_ne(task._exchange.first_byte_ns, 0);
	ck_assert_int_eq(task_get_state(&task), TASK_IDLE);
}
END_TEST

/* Line ends are no answer: whoever closes after them meets the same end as after nothing. */
START_TEST(closed_after_line_ends)
{
	ask();
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 2);
	fixture_send(clock_now_ns());
	fixture_hear(peer);
	fixture_say(peer, "\r\n");
	TURN_UNTIL(task._response.head_bytes > 0);
	peer_close();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_BAD_RESPONSE), 0);
	ck_assert_int_eq(task._exchange.first_byte_ns, 0);
	if (calls.n_returned > 0)
		stats_give_up(&fixture.stats, &calls.returned, true, clock_now_ns());
}
END_TEST

/* A whole answer, after which the connection speaks another protocol. */
START_TEST(upgrade)
{
	char text[128] = "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

	fixture.request.asked = HTTP1_ASKED_UPGRADE;
	if (_i == 1)
		strcat(text, "\x81\x05hello");
	ask();
	fixture_say(peer, text);
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_HTTP_ERROR), 1);
	ck_assert_str_eq(fixture_example(FAULT_STATUS), "status 101");
	ck_assert_uint_eq(fixture.env.closed_by_us, 1);
	ck_assert_uint_eq(fixture.env.closed_by_peer, 0);
	ck_assert_uint_eq(fixture.env.surplus, 0);
}
END_TEST

/* ---- large bodies */

/* Writes a head and n bytes of content while the loop reads them. */
static void say_long(const char *head, size_t n)
{
	static char bytes[65536];

	fixture_say(peer, head);
	ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
	memset(bytes, 'x', sizeof(bytes));
	while (n > 0) {
		ssize_t sent = write(peer, bytes, n < sizeof(bytes) ? n : sizeof(bytes));

		ck_assert(sent > 0 || errno == EAGAIN);
		if (sent > 0)
			n -= (size_t)sent;
		ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	}
	ck_assert_int_eq(fcntl(peer, F_SETFL, 0), 0);
}

/* Dropped in the kernel: known length, more than the read buffer. */
START_TEST(large_body)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n";

	ask();
	say_long(head, 3000000);
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_in, strlen(head) + 3000000);
	fixture_send(clock_now_ns());
	fixture_hear(peer);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 2);
}
END_TEST

START_TEST(large_chunk)
{
	ask();
	say_long("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2dc6c0\r\n", 3000000);
	fixture_say(peer, "\r\n2\r\nab\r\n0\r\n\r\n");
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_gt(fixture.stats.totals.bytes_in, 3000002);
}
END_TEST

/* What stands after a body that was dropped in the kernel is seen, not left for the next one. */
START_TEST(surplus_behind_a_large_body)
{
	char text[5000] = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n";
	size_t len = strlen(text) + 4000;

	memset(text + strlen(text), 'x', 4000);
	ask();
	ck_assert_int_eq(write(peer, text, len + (size_t)_i), len + (size_t)_i);
	TURN_UNTIL(calls.n_idle + calls.n_closed == 2);
	ck_assert_uint_eq(calls.n_closed, _i > 0);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_in, len);
}
END_TEST

/* Nothing can be skipped: read in budgets, without a new edge in between. */
START_TEST(large_body_until_close)
{
	ask();
	say_long("HTTP/1.1 200 OK\r\n\r\n", 500000);
	ck_assert_int_eq(task_get_state(&task), TASK_RECEIVING);
	peer_close();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(
		fixture.stats.totals.bytes_in, strlen("HTTP/1.1 200 OK\r\n\r\n") + 500000);
}
END_TEST

/* Many reads of one call are all there is: no more edges come, and still all is read. */
START_TEST(budget_ends_before_the_data)
{
	static char bytes[FIXTURE_READ_SIZE * 100];

	ask();
	memset(bytes, 'x', sizeof(bytes));
	fixture_say(peer, "HTTP/1.1 200 OK\r\n\r\n");
	ck_assert_int_eq(write(peer, bytes, sizeof(bytes)), sizeof(bytes));
	peer_close();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(
		fixture.stats.totals.bytes_in, strlen("HTTP/1.1 200 OK\r\n\r\n") + sizeof(bytes));
}
END_TEST

START_TEST(large_body_is_cut_short)
{
	enum fault fault = _i == 0 ? FAULT_CLOSED : FAULT_RESET;

	ask();
	say_long("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", 100000);
	if (_i == 0)
		peer_close();
	else
		peer_reset();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_faults(fault), 1);
	ck_assert_uint_eq(fixture_count(LEDGER_CONNECTION_ERROR), 1);
}
END_TEST

/* ---- the peer acts while nobody asks */

START_TEST(peer_acts_while_idle)
{
	connect_task();
	if (_i == 0)
		peer_close();
	else if (_i == 1)
		peer_reset();
	else if (_i == 2)
		ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	else
		fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert(!calls.had_exchange);
	ck_assert_uint_eq(fixture.env.closed_by_peer, _i < 3);
	ck_assert_uint_eq(fixture.env.closed_by_us, _i == 3);
	ck_assert_uint_eq(fixture.env.surplus, 0);
	ck_assert_int_eq(task_get_state(&task), TASK_CLOSED);
}
END_TEST

static const struct {
	const char *text; /* 9 bytes at least */
	enum fault fault;
	const char *why;
} greetings[] = {
	{"220 mail.test ESMTP\r\n", FAULT_NOT_HTTP,
		"the server speaks before it is asked: it is not a server of HTTP/1.1; it begins: "
		"220 mail."},
	{MINI_OK, FAULT_BAD_RESPONSE,
		"the server speaks before it is asked: it is not a server of HTTP/1.1; it begins: "
		"HTTP/1.1"},
	{"\0\0\x12\x04\0\0\0\0\0", FAULT_SPEAKS_HTTP2,
		"this server speaks HTTP/2, which rpsd does not"},
};

/* The same before the task has heard that it is connected: the edge tells both at once. */
START_TEST(peer_acts_before_connected_is_seen)
{
	fixture_start_connecting();
	peer = fixture_accept();
	if (_i == 0)
		peer_close();
	else if (_i == 1)
		ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	else
		ck_assert_int_eq(write(peer, greetings[_i - 2].text, 9), 9);
	TURN_UNTIL(calls.n_idle == 1);
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert(!calls.had_exchange);
	ck_assert_uint_eq(fixture.env.closed_by_peer, _i < 2);
	ck_assert_uint_eq(fixture.env.closed_by_us, _i >= 2);
	ck_assert_int_eq(calls.fault, _i < 2 ? FAULT_CLOSED : greetings[_i - 2].fault);
	if (_i >= 2)
		ck_assert_str_eq(calls.why, greetings[_i - 2].why);
}
END_TEST

/* A request goes out into such a connection: it fails, and does not wait for its timeout. */
static void on_idle_send(struct task *t, bool had_exchange)
{
	fixture_on_idle(t, had_exchange);
	if (!had_exchange)
		fixture_send(clock_now_ns());
}

START_TEST(request_into_a_half_closed_connection)
{
	fixture.env.on_idle = on_idle_send;
	fixture_start_connecting();
	peer = fixture_accept();
	ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert(calls.had_exchange);
	ck_assert_uint_eq(fixture_faults(FAULT_CLOSED), 1);
}
END_TEST

/* ---- timeouts */

/* Counted from the planned instant, however late it was sent. */
START_TEST(timeout_from_the_planned_instant)
{
	static const char *const texts[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"};
	static const char *const examples[] = {"no response", "the response was not complete"};
	int64_t planned_ns;

	fixture.env.request_timeout_ns = 10 * SEC;
	connect_task();
	planned_ns = clock_now_ns() - 10 * SEC + 40 * MS;
	fixture_send(planned_ns);
	ck_assert_int_eq(task_planned_ns(&task), planned_ns);
	fixture_hear(peer);
	fixture_say(peer, texts[_i]);
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_int_ge(clock_now_ns(), planned_ns + 10 * SEC);
	ck_assert_int_lt(fixture.stats.totals.histograms[STATS_FAILED].min, 19 * SEC);
	ck_assert_int_ge(fixture.stats.totals.histograms[STATS_FAILED].min, 10 * SEC);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
	ck_assert_str_eq(fixture_example(FAULT_TIMEOUT), examples[_i]);
}
END_TEST

/* Of an exchange that has ended no timeout is left for the next one. */
START_TEST(timeout_of_the_last_exchange_is_gone)
{
	fixture.env.request_timeout_ns = 10 * SEC;
	connect_task();
	fixture_send(clock_now_ns() - 10 * SEC + 200 * MS);
	fixture_hear(peer);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle + calls.n_closed == 2);
	ck_assert_uint_eq(fixture.stats.totals.ledgers[STATS_WINDOW].sent, 1);
	fixture_send(clock_now_ns() - 10 * SEC + 400 * MS);
	TURN_UNTIL(calls.n_closed > 0);
	ck_assert_int_ge(fixture.stats.totals.histograms[STATS_FAILED].min, 10 * SEC);
}
END_TEST

/* ---- large requests */

static void make_large_request(size_t len)
{
	static char *bytes;

	free(bytes);
	bytes = malloc(len);
	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'x', len);
	memcpy(bytes + len - 4, "\r\n\r\n", 4);
	fixture.request.bytes = bytes;
	fixture.request.len = len;
}

START_TEST(large_request)
{
	enum { LEN = 16 << 20 };
	static char bytes[65536];
	size_t left = LEN;

	make_large_request(LEN);
	connect_task();
	fixture_send(clock_now_ns());
	ck_assert_int_eq(task_get_state(&task), TASK_SENDING);
	ck_assert_int_ne(task_planned_ns(&task), CLOCK_NEVER);
	while (left > 0) {
		ssize_t n = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT);

		ck_assert(n > 0 || (n == -1 && errno == EAGAIN));
		if (n > 0)
			left -= (size_t)n;
		ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	}
	ck_assert_int_eq(task_get_state(&task), TASK_RECEIVING);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(fixture.stats.totals.histograms[STATS_SEND_STALL].count, 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_out, LEN);
}
END_TEST

/* The server goes, or does not read, while the request is still on its way. */
START_TEST(large_request_fails)
{
	static const enum fault faults[] = {FAULT_RESET, FAULT_RESET, FAULT_TIMEOUT};

	make_large_request(16 << 20);
	connect_task();
	if (_i == 2)
		fixture.env.request_timeout_ns = 20 * MS;
	fixture_send(clock_now_ns());
	ck_assert_int_eq(task_get_state(&task), TASK_SENDING);
	if (_i == 0)
		peer_close();
	else if (_i == 1)
		peer_reset();
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture_faults(faults[_i]), 1);
	ck_assert_uint_eq(fixture.stats.in_flight, 0);
	/* What the kernel took, which is not all of it. */
	ck_assert_uint_gt(fixture.stats.totals.bytes_out, 0);
	ck_assert_uint_lt(fixture.stats.totals.bytes_out, fixture.request.len);
}
END_TEST

/* Nothing is sent into a connection whose reset has come. */
START_TEST(a_failed_write_sends_no_bytes)
{
	connect_task();
	peer_reset();
	fixture_send(clock_now_ns());
	TURN_UNTIL(calls.n_closed == 1);
	ck_assert_uint_eq(fixture.stats.totals.bytes_out, 0);
}
END_TEST

/* Beyond its timeout the answer is waited for; it counts as a timeout with its true age, and the
 * connection lives on. */
START_TEST(soft_timeout_waits_for_the_answer)
{
	struct histogram *failed = &fixture.stats.totals.histograms[STATS_FAILED];

	fixture.env.is_soft = true;
	fixture.env.request_timeout_ns = 10 * SEC;
	connect_task();
	fixture_send(clock_now_ns() - 20 * SEC);
	fixture_hear(peer);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 2);
	ck_assert_uint_eq(fixture_count(LEDGER_TIMEOUT), 1);
	ck_assert_uint_eq(fixture_faults(FAULT_TIMEOUT), 1);
	ck_assert_uint_eq(failed->count, 1);
	ck_assert_int_ge(failed->min, 20 * SEC);
	fixture_send(clock_now_ns());
	fixture_hear(peer);
	fixture_say(peer, MINI_OK);
	TURN_UNTIL(calls.n_idle == 3);
	ck_assert_uint_eq(fixture_count(LEDGER_OK), 1);
	ck_assert_uint_eq(calls.n_closed, 0);
}
END_TEST

/* ---- abandoning, in every state and without a word */

START_TEST(abandon_in_every_state)
{
	enum task_state state = (enum task_state)_i;
	bool has_exchange = state == TASK_SENDING || state == TASK_RECEIVING;

	if (state == TASK_SENDING)
		make_large_request(16 << 20);
	if (state == TASK_CONNECTING)
		fixture_start_connecting();
	else if (state != TASK_CLOSED)
		connect_task();
	if (has_exchange)
		fixture_send(clock_now_ns());
	ck_assert_int_eq(task_get_state(&task), state);
	memset(&calls, 0, sizeof(calls));
	task_abandon(&task, clock_now_ns());
	ck_assert_int_eq(task_get_state(&task), TASK_CLOSED);
	ck_assert_uint_eq(fixture_count(LEDGER_UNFINISHED), has_exchange);
	ck_assert_uint_eq(fixture.stats.totals.histograms[STATS_UNSERVED_AGE].count, has_exchange);
	ck_assert_int_eq(loop_turn(fixture.loop, 0), 0);
	ck_assert_uint_eq(calls.n_idle + calls.n_closed + calls.n_failed, 0);
	task_abandon(&task, clock_now_ns()); /* harmless */
	if (peer >= 0)
		peer_close();
	else if (state == TASK_CONNECTING)
		close(fixture_accept());
	connect_task();
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, connects);
	tcase_add_test(t, refused);
	tcase_add_test(t, connect_timeout);
	tcase_add_test(t, connect_timeout_ends_with_the_connection);
	tcase_add_test(t, guard_refuses);
	tcase_add_test(t, no_descriptor_is_our_fault);
	tcase_add_test(t, addresses_are_used_in_turn);
	tcase_add_test(t, answer);
	tcase_add_loop_test(t, stamp_of_an_answer, 0, 2);
	tcase_add_test(t, connection_is_used_again);
	tcase_add_loop_test(t, answer_split_anywhere, 0, (int)strlen(CHUNKED));
	tcase_add_loop_test(t, answer_byte_by_byte, 0, 4);
	tcase_add_loop_test(t, every_end, 0, sizeof(ends) / sizeof(ends[0]));
	tcase_add_loop_test(t, surplus, 0, 3 * sizeof(rests) / sizeof(rests[0]));
	tcase_add_test(t, closed_after_line_ends);
	tcase_add_loop_test(t, upgrade, 0, 2);
	tcase_add_test(t, large_body);
	tcase_add_test(t, large_chunk);
	tcase_add_loop_test(t, surplus_behind_a_large_body, 0, 3);
	tcase_add_test(t, large_body_until_close);
	tcase_add_test(t, budget_ends_before_the_data);
	tcase_add_loop_test(t, large_body_is_cut_short, 0, 2);
	tcase_add_loop_test(t, peer_acts_while_idle, 0, 4);
	tcase_add_loop_test(t, peer_acts_before_connected_is_seen, 0, 5);
	tcase_add_test(t, request_into_a_half_closed_connection);
	tcase_add_loop_test(t, timeout_from_the_planned_instant, 0, 2);
	tcase_add_test(t, timeout_of_the_last_exchange_is_gone);
	tcase_add_test(t, large_request);
	tcase_add_test(t, soft_timeout_waits_for_the_answer);
	tcase_add_test(t, a_failed_write_sends_no_bytes);
	tcase_add_loop_test(t, large_request_fails, 0, 3);
	tcase_add_loop_test(t, abandon_in_every_state, 0, TASK_STATE_COUNT);
}

int main(void)
{
	Suite *s = suite_create("task");
	TCase *t = tcase_create("task");

	tcase_set_timeout(t, FIXTURE_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	add_tests(t);
	suite_add_tcase(s, t);
	return suite_main(s);
}
