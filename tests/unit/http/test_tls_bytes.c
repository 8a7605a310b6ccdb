/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes over an open TLS connection, read by the edge-triggered rules: split anywhere, many at
 * once; keys that change; what one connection costs.
 * Loops: TLS 1.2 (_i = 0) and 1.3 (_i = 1). */
#include "tests/unit/http/tls_fixture.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

#define MANY (1 << 20)
#define RECORD 16384

/* Bytes that show where they belong. */
static char *pattern(size_t n)
{
	char *data = malloc(n);

	for (size_t i = 0; i < n; i++)
		data[i] = (char)(i * 7 + i / 251);
	return data;
}

/* The server's bytes to the client, while it reads. */
static void carry(struct fixture_client *c, struct fixture_server *s, size_t chunk)
{
	while (fixture_server_pending(s) > 0) {
		(void)fixture_server_give(s, chunk);
		while (fixture_edge(0))
			fixture_client_drain(c);
	}
}

/* ---------------------------------------------------------------- split and joined */

/* Handshake, tickets and a record, byte by byte. */
START_TEST(test_byte_by_byte)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	ck_assert_int_eq(fixture_meet(&c, &s, 1), IO_OK);
	fixture_server_say(&s, "hello", 5);
	carry(&c, &s, 1);
	fixture_client_read(&c, 5);
	ck_assert_uint_eq(c.len, 5);
	ck_assert_mem_eq(c.data, "hello", 5);
	fixture_client_say(&c, "there");
	fixture_server_hears(&s, "there");
	fixture_client_end(&c);
	fixture_server_end(&s);
	/* Resumed, and byte by byte as well. */
	ck_assert_int_eq(fixture_meet(&c, &s, 1), IO_OK);
	ck_assert_uint_eq(tls_context_counts(fixture.context).resumed, 1);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* Two records cut at every byte: what comes first is read without waiting for the rest, and what
 * is cut off comes with its rest. */
START_TEST(test_split_anywhere)
{
	struct fixture_client c;
	struct fixture_server s;
	size_t total, len = 0;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	do {
		size_t before = c.len, first;

		fixture_server_say(&s, "hello", 5);
		first = fixture_server_pending(&s);
		fixture_server_say(&s, "you", 3);
		total = fixture_server_pending(&s);
		len++;
		ck_assert_uint_eq(fixture_server_give(&s, len), len);
		ck_assert(fixture_edge(FIXTURE_WAIT_MS));
		fixture_client_drain(&c);
		ck_assert_uint_eq(c.len, before + (len >= first ? 5 : 0) + (len == total ? 3 : 0));
		if (len < total) {
			ck_assert_uint_eq(fixture_server_give(&s, FIXTURE_ALL), total - len);
			fixture_client_read(&c, before + 8);
		}
		ck_assert_mem_eq(c.data + before, "helloyou", 8);
	} while (len < total);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* Many records in one segment, one event for all, and a buffer that is smaller than a record: a
 * short read has not drained the connection. */
START_TEST(test_short_reads)
{
	struct fixture_client c;
	struct fixture_server s;
	char buf[RECORD];
	size_t n;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	for (int i = 0; i < 3; i++)
		fixture_server_say(&s, "0123456789", 10);
	fixture_server_give(&s, FIXTURE_ALL);
	ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	ck_assert_int_eq(transport_read(&c.t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 10);
	ck_assert(!c.t.is_drained);
	ck_assert(!fixture_edge(0));
	ck_assert_int_eq(transport_read(&c.t, buf, 4, &n), IO_OK);
	ck_assert_uint_eq(n, 4);
	ck_assert(!c.t.is_drained);
	ck_assert_int_eq(transport_read(&c.t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 6);
	ck_assert(!c.t.is_drained);
	ck_assert_int_eq(transport_discard(&c.t, 3, &n), IO_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert(!c.t.is_drained);
	ck_assert_int_eq(transport_read(&c.t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 7);
	ck_assert_mem_eq(buf, "3456789", 7);
	ck_assert(c.t.is_drained);
	ck_assert_int_eq(transport_read(&c.t, buf, sizeof(buf), &n), IO_AGAIN);
	ck_assert(!c.t.is_crossed);

	fixture.wish.read_size = 3;
	for (int i = 0; i < 100; i++)
		fixture_server_say(&s, "0123456789", 10);
	fixture_server_give(&s, FIXTURE_ALL);
	fixture_client_read(&c, 1000);
	ck_assert_uint_eq(c.len, 1000);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* A whole response costs one read where it has come in one piece. */
START_TEST(test_one_read)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	c.n_reads = 0;
	for (size_t i = 1; i <= 10; i++) {
		fixture_server_say(&s, "hello", 5);
		fixture_server_give(&s, FIXTURE_ALL);
		fixture_client_read(&c, i * 5);
	}
	ck_assert_uint_eq(c.n_reads, 10);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* TLS 1.2: the server speaks right after the handshake, and all of it comes in one piece. No event
 * is left to tell, so a read after the handshake has to find it. */
START_TEST(test_early_words)
{
	struct fixture_client c;
	struct fixture_server s;
	bool has_spoken = false;
	enum io io;

	fixture_open(FIXTURE_GOOD, TLS1_2_VERSION);
	fixture_make_context();
	fixture_client_start(&c);
	fixture_server_start(&s);
	while ((io = transport_finish_connect(&c.t)) == IO_AGAIN) {
		while (!fixture_edge(0)) {
			fixture_wait(&s);
			(void)fixture_server_take(&s);
			fixture_server_shake(&s);
			if (s.is_open && !has_spoken) {
				fixture_server_say(&s, "hello", 5);
				has_spoken = true;
			}
			(void)fixture_server_give(&s, FIXTURE_ALL);
		}
	}
	ck_assert_int_eq(io, IO_OK);
	ck_assert(!fixture_edge(0));
	fixture_client_drain(&c);
	ck_assert_uint_eq(c.len, 5);
	ck_assert_mem_eq(c.data, "hello", 5);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

START_TEST(test_large_body)
{
	char *data = pattern(MANY);
	struct fixture_client c;
	struct fixture_server s;
	size_t n, left = MANY;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	for (size_t at = 0; at < MANY; at += RECORD) {
		fixture_server_say(&s, data + at, RECORD);
		carry(&c, &s, 10007);
	}
	fixture_client_read(&c, MANY);
	ck_assert_uint_eq(c.len, MANY);
	ck_assert_mem_eq(c.data, data, MANY);

	/* Once more, and nobody looks. */
	for (size_t at = 0; at < MANY; at += RECORD) {
		fixture_server_say(&s, data + at, RECORD);
		while (fixture_server_pending(&s) > 0) {
			fixture_server_give(&s, 10007);
			while (fixture_edge(0))
				while (left > 0 && transport_discard(&c.t, left, &n) == IO_OK)
					left -= n;
		}
	}
	while (left > 0) {
		ck_assert(fixture_edge(FIXTURE_WAIT_MS));
		while (left > 0 && transport_discard(&c.t, left, &n) == IO_OK)
			left -= n;
	}
	fixture_server_say(&s, "end", 3);
	fixture_server_give(&s, FIXTURE_ALL);
	fixture_client_read(&c, MANY + 3);
	ck_assert_mem_eq(c.data + MANY, "end", 3);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
	free(data);
}
END_TEST

/* The client writes until nothing more fits, and goes on from elsewhere with more to say. */
START_TEST(test_write_until_full)
{
	char *data = pattern(8 * MANY), *moved, *heard = malloc(8 * MANY);
	size_t n, total = 0, received = 0;
	struct fixture_client c;
	struct fixture_server s;
	enum io io;
	int r;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&c, &s);
	while ((io = transport_write(&c.t, data + total, 100000, &n)) == IO_OK)
		total += n;
	ck_assert_int_eq(io, IO_AGAIN);
	ck_assert(!c.t.is_crossed);
	ck_assert_uint_lt(total, 7 * MANY);
	moved = malloc(200000);
	memcpy(moved, data + total, 200000);
	while (received < total) {
		fixture_server_take(&s);
		while ((r = SSL_read(s.ssl, heard + received, RECORD)) > 0)
			received += (size_t)r;
	}
	ck_assert_int_eq(transport_write(&c.t, moved, 200000, &n), IO_OK);
	total += n;
	free(moved);
	while (received < total) {
		fixture_server_take(&s);
		while ((r = SSL_read(s.ssl, heard + received, RECORD)) > 0)
			received += (size_t)r;
	}
	ck_assert_uint_eq(received, total);
	ck_assert_mem_eq(heard, data, total);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
	free(heard);
	free(data);
}
END_TEST

/* ---------------------------------------------------------------- keys that change */

/* TLS 1.3: the server changes its keys and wants ours changed, too, between records that come at
 * once; the answer goes out before our next write. */
START_TEST(test_key_update)
{
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, TLS1_3_VERSION);
	fixture_pair(&c, &s);
	for (size_t i = 1; i <= 3; i++) {
		fixture_server_say(&s, "old", 3);
		ck_assert_int_eq(SSL_key_update(s.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		fixture_server_say(&s, "new", 3);
		carry(&c, &s, _i == 0 ? FIXTURE_ALL : 1);
		fixture_client_read(&c, i * 6);
		ck_assert_mem_eq(c.data + c.len - 6, "oldnew", 6);
		fixture_client_say(&c, "heard");
		fixture_server_hears(&s, "heard");
		ck_assert_int_eq(SSL_get_key_update_type(s.ssl), SSL_KEY_UPDATE_NONE);
	}
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* The answer does not fit into the socket: reading goes on, and all arrives in order. */
START_TEST(test_key_update_when_full)
{
	char *data = pattern(RECORD), heard[RECORD];
	size_t n, total = 0, received = 0;
	struct fixture_client c;
	struct fixture_server s;
	bool more = true;
	enum io io;
	int r;

	fixture_open(FIXTURE_GOOD, TLS1_3_VERSION);
	fixture_pair(&c, &s);
	while ((io = transport_write(&c.t, data, RECORD, &n)) == IO_OK)
		total += n;
	ck_assert_int_eq(io, IO_AGAIN);
	ck_assert_int_eq(SSL_key_update(s.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	fixture_server_say(&s, "new", 3);
	fixture_server_give(&s, FIXTURE_ALL);
	fixture_client_read(&c, 3);
	ck_assert_uint_eq(c.len, 3);
	while (more || received < total) {
		(void)fixture_server_take(&s);
		while ((r = SSL_read(s.ssl, heard, sizeof(heard))) > 0)
			received += (size_t)r;
		ck_assert_int_eq(SSL_get_error(s.ssl, r), SSL_ERROR_WANT_READ);
		if (more && transport_write(&c.t, data, RECORD, &n) == IO_OK) {
			total += n;
			/* One more, for the answer goes before it. */
			more = transport_write(&c.t, data, RECORD, &n) != IO_OK;
			total += more ? 0 : n;
		}
	}
	ck_assert_uint_eq(received, total);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
	free(data);
}
END_TEST

/* Between the keys: a write has begun to answer and does not fit, and reading cannot go on before
 * it does. The read says that it waits for the other direction. */
START_TEST(test_crossed)
{
	char *junk = pattern(RECORD);
	size_t n, total = 0;
	struct fixture_client c;
	struct fixture_server s;
	ssize_t r;

	fixture_open(FIXTURE_GOOD, TLS1_3_VERSION);
	fixture_pair(&c, &s);
	/* Behind the back of TLS; the server's side takes it out again. */
	while ((r = send(c.t.fd, junk, RECORD, 0)) > 0)
		total += (size_t)r;
	ck_assert_int_eq(SSL_key_update(s.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	fixture_server_say(&s, "new", 3);
	fixture_server_give(&s, FIXTURE_ALL);
	fixture_client_read(&c, 3);
	while ((r = send(c.t.fd, junk, 1, 0)) > 0)
		total += (size_t)r;
	ck_assert_int_eq(transport_write(&c.t, "heard", 5, &n), IO_AGAIN);
	ck_assert(!c.t.is_crossed);
	fixture_server_say(&s, "more", 4);
	fixture_server_give(&s, FIXTURE_ALL);
	ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	fixture_client_drain(&c);
	ck_assert_int_eq(c.end, IO_AGAIN);
	ck_assert_uint_eq(c.len, 3);
	ck_assert(c.t.is_crossed);

	while (total > 0) {
		struct pollfd p = {.fd = s.fd, .events = POLLIN};

		ck_assert_int_eq(poll(&p, 1, FIXTURE_WAIT_MS), 1);
		r = recv(s.fd, junk, total < RECORD ? total : RECORD, 0);
		ck_assert_int_gt(r, 0);
		total -= (size_t)r;
	}
	ck_assert_int_eq(
		poll(&(struct pollfd){.fd = c.t.fd, .events = POLLOUT}, 1, FIXTURE_WAIT_MS), 1);
	fixture_client_drain(&c);
	ck_assert_uint_eq(c.len, 7);
	ck_assert_mem_eq(c.data, "newmore", 7);
	fixture_client_say(&c, "heard");
	fixture_server_hears(&s, "heard");
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
	free(junk);
}
END_TEST

/* TLS 1.2: a server that wants to negotiate anew is told no. */
START_TEST(test_no_renegotiation)
{
	struct fixture_client c;
	struct fixture_server s;
	unsigned long e;
	char buf[16];

	fixture_open(FIXTURE_GOOD, TLS1_2_VERSION);
	fixture_pair(&c, &s);
	ck_assert_int_eq(SSL_renegotiate(s.ssl), 1);
	ck_assert_int_eq(SSL_do_handshake(s.ssl), 1); /* the request alone */
	ck_assert_uint_gt(fixture_server_give(&s, FIXTURE_ALL), 0);
	ck_assert(fixture_edge(FIXTURE_WAIT_MS));
	fixture_client_drain(&c);
	ck_assert_int_eq(c.end, IO_AGAIN);
	fixture_wait(&s);
	ck_assert(fixture_server_take(&s));
	ERR_clear_error();
	ck_assert_int_le(SSL_read(s.ssl, buf, sizeof(buf)), 0);
	e = ERR_peek_error();
	ck_assert_int_eq(ERR_GET_REASON(e), SSL_R_NO_RENEGOTIATION);
	fixture_client_end(&c);
	fixture_server_end(&s);
	fixture_close();
}
END_TEST

/* ---------------------------------------------------------------- threads */

#define WORKERS 3
#define VISITS 8

static void *work(void *arg)
{
	const int *version = arg;
	struct fixture_client c;
	struct fixture_server s;

	fixture_open(FIXTURE_GOOD, *version);
	for (int i = 0; i < VISITS; i++) {
		fixture_pair(&c, &s);
		fixture_client_say(&c, "hello");
		fixture_server_hears(&s, "hello");
		fixture_server_say(&s, "there", 5);
		fixture_server_give(&s, FIXTURE_ALL);
		fixture_client_read(&c, 5);
		fixture_client_end(&c);
		fixture_server_end(&s);
	}
	ck_assert_uint_eq(tls_context_counts(fixture.context).handshakes, VISITS);
	fixture_close();
	return NULL;
}

/* Workers share nothing of ours; what OpenSSL shares it guards. For the thread sanitizer. */
START_TEST(test_workers)
{
	pthread_t threads[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)&versions[_i]), 0);
	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* ---------------------------------------------------------------- costs */

#define CROWD 64
#define IDLE_MAX (24 * 1024)

/* Memory of an idle connection, when it has been used: the server's side is freed before. Printed;
 * sanitizers have an allocator of their own, which tells nothing. */
START_TEST(test_memory)
{
	static struct fixture_client clients[CROWD];
	static struct fixture_server servers[CROWD];
	size_t before, after, each;

	fixture_open(FIXTURE_GOOD, versions[_i]);
	fixture_pair(&clients[0], &servers[0]); /* what is made once */
	fixture_client_end(&clients[0]);
	fixture_server_end(&servers[0]);
	fixture.context = tls_context_free(fixture.context);
	fixture.config.no_resumption = _i % 2;
	fixture_make_context();
	before = mallinfo2().uordblks;
	for (int i = 0; i < CROWD; i++) {
		fixture_pair(&clients[i], &servers[i]);
		fixture_client_say(&clients[i], "hello");
		fixture_server_hears(&servers[i], "hello");
		fixture_server_say(&servers[i], "there", 5);
		fixture_server_give(&servers[i], FIXTURE_ALL);
		fixture_client_read(&clients[i], 5);
		ck_assert_mem_eq(clients[i].data, "there", 5);
		free(clients[i].data);
		clients[i].data = NULL;
		SSL_free(servers[i].ssl);
		servers[i].ssl = NULL;
	}
	ERR_clear_error();
	after = mallinfo2().uordblks;
	each = (after - before) / CROWD;
	if (after > 0)
		printf("%s: %zu bytes for each idle connection\n", _i == 0 ? "TLS 1.2" : "TLS 1.3",
			each);
	ck_assert_uint_le(each, IDLE_MAX);
	for (int i = 0; i < CROWD; i++) {
		fixture_client_end(&clients[i]);
		fixture_server_end(&servers[i]);
	}
	fixture_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_bytes");
	TCase *tcase = tcase_create("tls_bytes");

	tcase_add_loop_test(tcase, test_byte_by_byte, 0, 2);
	tcase_add_loop_test(tcase, test_split_anywhere, 0, 2);
	tcase_add_loop_test(tcase, test_short_reads, 0, 2);
	tcase_add_loop_test(tcase, test_one_read, 0, 2);
	tcase_add_test(tcase, test_early_words);
	tcase_add_loop_test(tcase, test_large_body, 0, 2);
	tcase_add_loop_test(tcase, test_write_until_full, 0, 2);
	tcase_add_loop_test(tcase, test_key_update, 0, 2);
	tcase_add_test(tcase, test_key_update_when_full);
	tcase_add_test(tcase, test_crossed);
	tcase_add_test(tcase, test_no_renegotiation);
	tcase_add_loop_test(tcase, test_workers, 0, 2);
	tcase_add_loop_test(tcase, test_memory, 0, 2);
	suite_add_tcase(suite, tcase);
	return fixture_run(suite);
}
