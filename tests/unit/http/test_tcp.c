/* SPDX-License-Identifier: Apache-2.0 */
/* Real sockets on loopback, IPv4 (_i = 0) and IPv6 (_i = 1). */
#include "daemon/http/transport.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/stats/fault.h"
#include "common/guard.h"
#include "tests/support/suite.h"

#define WAIT_MS 10000 /* only a broken test waits that long */

static struct guard guard; /* zero: a service that allows loopback */
static struct sockaddr_storage address;
static socklen_t address_len;
static int listener;

static void listen_on_loopback(bool is_ipv6)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	memcpy(&address, is_ipv6 ? (void *)&in6 : (void *)&in, is_ipv6 ? sizeof(in6) : sizeof(in));
	address_len = is_ipv6 ? sizeof(in6) : sizeof(in);
	listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, address_len), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &address_len), 0);
}

static int connect_now(struct transport *t, struct err *err)
{
	return tcp_connect(t, (struct sockaddr *)&address, address_len, NULL, &guard, err);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
}

/* A connected pair: the transport and the peer's descriptor. */
static int connect_pair(struct transport *t)
{
	struct err err = {0};
	int peer;

	ck_assert_msg(connect_now(t, &err) == 0, "%s", err.text);
	wait_for(t->fd, POLLOUT);
	ck_assert_int_eq(transport_finish_connect(t), IO_OK);
	peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	return peer;
}

START_TEST(test_options)
{
	struct transport t;
	socklen_t len = sizeof(int);
	int peer, value = 0;

	listen_on_loopback(_i == 1);
	peer = connect_pair(&t);
	ck_assert_int_ne(fcntl(t.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(t.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(getsockopt(t.fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
	ck_assert_int_ne(value, 0);
	transport_close(&t);
	close(peer);
	close(listener);
}
END_TEST

#define CLOCKS_APART_NS (20 * NSEC_PER_USEC)

/* The kernel begins to stamp a moment after the first socket has asked for it, so what is sent is
 * repeated until then. The stamp is of the arrival, however late the read is. */
START_TEST(test_stamp)
{
	int64_t give_up_ns = clock_now_ns() + WAIT_MS * NSEC_PER_MSEC, sent_ns, readable_ns;
	int stamps = tcp_stamps_open();
	struct transport t;
	char buffer[8];
	int peer;
	size_t n;

	listen_on_loopback(_i == 1);
	peer = connect_pair(&t);
	ck_assert_int_ge(stamps, 0);
	do {
		ck_assert_int_lt(clock_now_ns(), give_up_ns);
		sent_ns = clock_now_ns();
		ck_assert_int_eq(write(peer, "x", 1), 1);
		wait_for(t.fd, POLLIN);
		readable_ns = clock_now_ns();
		while (clock_now_ns() < readable_ns + NSEC_PER_MSEC)
			;
		t.wants_stamp = true;
		ck_assert_int_eq(transport_read(&t, buffer, sizeof(buffer), &n), IO_OK);
		ck_assert_uint_eq(n, 1);
	} while (t.received_ns == 0);
	ck_assert_int_ge(t.received_ns, sent_ns - CLOCKS_APART_NS);
	ck_assert_int_le(t.received_ns, readable_ns + CLOCKS_APART_NS);

	/* A read that does not ask forgets it, and so does one that finds nothing. */
	ck_assert_int_eq(write(peer, "x", 1), 1);
	wait_for(t.fd, POLLIN);
	t.wants_stamp = false;
	ck_assert_int_eq(transport_read(&t, buffer, sizeof(buffer), &n), IO_OK);
	ck_assert_int_eq(t.received_ns, 0);
	t.wants_stamp = true;
	ck_assert_int_eq(transport_read(&t, buffer, sizeof(buffer), &n), IO_AGAIN);
	ck_assert_int_eq(t.received_ns, 0);
	transport_close(&t);
	(void)close(peer);
	(void)close(stamps);
	(void)close(listener);
}
END_TEST

START_TEST(test_there_and_back)
{
	struct transport t;
	char buf[16];
	size_t n = 99;
	int peer;

	listen_on_loopback(_i == 1);
	peer = connect_pair(&t);

	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_AGAIN);
	ck_assert_uint_eq(n, 99);
	ck_assert_int_eq(transport_write(&t, "hello", 5, &n), IO_OK);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(read(peer, buf, sizeof(buf)), 5);
	ck_assert_int_eq(write(peer, "there", 5), 5);
	wait_for(t.fd, POLLIN);
	ck_assert_int_eq(transport_read(&t, buf, 3, &n), IO_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert(!t.is_drained);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 2);
	ck_assert(t.is_drained);
	ck_assert_mem_eq(buf, "re", 2);

	close(peer);
	wait_for(t.fd, POLLRDHUP);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_EOF);
	ck_assert_int_eq(transport_discard(&t, 10, &n), IO_EOF);
	ck_assert(!t.is_truncated);
	transport_close(&t);
	ck_assert_int_eq(t.fd, -1);
	transport_close(&t);
	close(listener);
}
END_TEST

START_TEST(test_discard)
{
	struct transport t;
	char data[1000], buf[16];
	size_t n, left = sizeof(data) - 3;
	int peer;

	memset(data, 'x', sizeof(data));
	memcpy(data + sizeof(data) - 3, "end", 3);
	listen_on_loopback(false);
	peer = connect_pair(&t);

	ck_assert_int_eq(transport_discard(&t, 10, &n), IO_AGAIN);
	ck_assert_int_eq(write(peer, data, sizeof(data)), sizeof(data));
	wait_for(t.fd, POLLIN);
	ck_assert_int_eq(transport_discard(&t, 100, &n), IO_OK);
	ck_assert_uint_eq(n, 100);
	ck_assert(!t.is_drained);
	for (left -= n; left > 0; left -= n) {
		wait_for(t.fd, POLLIN);
		ck_assert_int_eq(transport_discard(&t, left, &n), IO_OK);
		ck_assert_uint_le(n, left);
	}
	wait_for(t.fd, POLLIN);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(buf, "end", 3);

	/* Much more than has come, and more than the kernel takes in one call. */
	ck_assert_int_eq(write(peer, data, sizeof(data)), sizeof(data));
	wait_for(t.fd, POLLIN);
	ck_assert_int_eq(transport_discard(&t, SIZE_MAX >> 1, &n), IO_OK);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_le(n, sizeof(data));
	ck_assert(t.is_drained);
	transport_close(&t);
	close(peer);
	close(listener);
}
END_TEST

START_TEST(test_write_until_full)
{
	static char data[1 << 20];
	struct transport t;
	size_t n, total = 0, received = 0;
	enum io io;
	ssize_t r;
	int peer;

	listen_on_loopback(false);
	peer = connect_pair(&t);
	while ((io = transport_write(&t, data, sizeof(data), &n)) == IO_OK)
		total += n;
	ck_assert_int_eq(io, IO_AGAIN);
	ck_assert_uint_gt(total, 0);
	while (received < total) {
		r = read(peer, data, sizeof(data));
		ck_assert_int_gt(r, 0);
		received += (size_t)r;
	}
	ck_assert_int_eq(transport_write(&t, data, 1, &n), IO_OK);
	transport_close(&t);
	close(peer);
	close(listener);
}
END_TEST

/* What was written before the peer closed is acknowledged, what was written after it is not. */
START_TEST(test_account)
{
	struct transport t;
	char buf[16];
	size_t n;
	int peer;

	listen_on_loopback(_i == 1);
	peer = connect_pair(&t);
	ck_assert_uint_eq(transport_get_account(&t).unacknowledged, 0);
	ck_assert_int_eq(transport_write(&t, "hello", 5, &n), IO_OK);
	wait_for(peer, POLLIN);
	ck_assert_int_eq(read(peer, buf, sizeof(buf)), 5);
	close(peer);
	wait_for(t.fd, POLLIN);
	ck_assert_uint_eq(transport_get_account(&t).unacknowledged, 0);
	ck_assert_int_eq(transport_write(&t, "there", 5, &n), IO_OK);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_EOF);
	ck_assert_uint_eq(transport_get_account(&t).unacknowledged, 5);
	ck_assert_int_gt(transport_get_account(&t).round_trip_ns, 0);
	ck_assert_int_lt(transport_get_account(&t).round_trip_ns, WAIT_MS * INT64_C(1000000));
	transport_close(&t);
	close(listener);
}
END_TEST

/* The peer resets: reading says so; writing says EPIPE and raises no signal. */
START_TEST(test_reset)
{
	struct linger linger = {.l_onoff = 1};
	struct transport t;
	char buf[16];
	size_t n;
	int peer;

	listen_on_loopback(_i == 1);
	peer = connect_pair(&t);
	ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(peer);
	wait_for(t.fd, POLLIN);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_ERROR);
	ck_assert_int_eq(t.error, ECONNRESET);
	ck_assert_int_eq(transport_write(&t, "x", 1, &n), IO_ERROR);
	ck_assert_int_eq(t.error, EPIPE);
	transport_close(&t);
	close(listener);
}
END_TEST

START_TEST(test_refused)
{
	struct err err = {0};
	struct transport t;
	int r;

	listen_on_loopback(_i == 1);
	close(listener);
	r = connect_now(&t, &err);
	if (r == 0) {
		wait_for(t.fd, POLLOUT);
		ck_assert_int_eq(transport_finish_connect(&t), IO_ERROR);
		ck_assert_int_eq(t.error, ECONNREFUSED);
	} else {
		ck_assert_int_eq(r, -ECONNREFUSED);
		ck_assert_str_eq(err.text, "Connection refused");
		ck_assert_int_eq(t.fd, -1);
	}
	transport_close(&t);
}
END_TEST

START_TEST(test_guard_is_asked)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct err err = {0};
	struct transport t;
	int before = dup(0), after;

	close(before);
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), 1);
	ck_assert_int_eq(
		tcp_connect(&t, (struct sockaddr *)&in, sizeof(in), NULL, &guard, &err), -EPERM);
	ck_assert_str_eq(err.text, "only loopback is allowed; [policy] allow lists more");
	ck_assert_int_eq(t.fd, -1);
	transport_close(&t);
	ck_assert_int_eq(
		tcp_connect(&t, (struct sockaddr *)&in, sizeof(in), NULL, &guard, NULL), -EPERM);
	after = dup(0);
	ck_assert_int_eq(before, after);
	close(after);
}
END_TEST

START_TEST(test_no_descriptors)
{
	struct rlimit limit, before;
	struct err err = {0};
	struct transport t;

	listen_on_loopback(false);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(connect_now(&t, &err), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_str_eq(err.text, "Too many open files");
	ck_assert_int_eq(t.fd, -1);
	close(listener);
}
END_TEST

/* connect() itself refuses the address: the socket made for it is closed again. */
START_TEST(test_bad_address)
{
	struct err err = {0};
	struct transport t;
	int before, after;

	listen_on_loopback(false);
	before = dup(0);
	close(before);
	ck_assert_int_eq(
		tcp_connect(&t, (struct sockaddr *)&address, 4, NULL, &guard, &err), -EINVAL);
	ck_assert_int_eq(t.fd, -1);
	after = dup(0);
	ck_assert_int_eq(before, after);
	close(after);
	close(listener);
}
END_TEST

/* ---------------------------------------------------------------- options */

static struct sockaddr_in local_address(const char *ip)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	ck_assert_int_eq(inet_pton(AF_INET, ip, &in.sin_addr), 1);
	return in;
}

static int connect_from(const struct sockaddr_in *source, struct transport *t, struct err *err)
{
	struct transport_options options = {
		.source = (const struct sockaddr *)source, .source_len = sizeof(*source)};

	return tcp_connect(t, (struct sockaddr *)&address, address_len, &options, &guard, err);
}

/* The server sees where we come from; the port is chosen late, so two sources may share one. */
START_TEST(test_source)
{
	static const char *const sources[] = {"127.0.0.2", "127.0.0.5", "127.255.255.254"};
	struct sockaddr_in source = local_address(sources[_i]), from;
	socklen_t len = sizeof(from), int_len = sizeof(int);
	struct transport t;
	struct err err = {0};
	int peer, value = 0;

	listen_on_loopback(false);
	ck_assert_msg(connect_from(&source, &t, &err) == 0, "%s", err.text);
	wait_for(t.fd, POLLOUT);
	ck_assert_int_eq(transport_finish_connect(&t), IO_OK);
	peer = accept(listener, (struct sockaddr *)&from, &len);
	ck_assert_int_ge(peer, 0);
	ck_assert_uint_eq(from.sin_addr.s_addr, source.sin_addr.s_addr);
	ck_assert_uint_ne(from.sin_port, 0);
	ck_assert_int_eq(
		getsockopt(t.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &value, &int_len), 0);
	ck_assert_int_eq(value, 1);
	transport_close(&t);
	close(peer);
	close(listener);
}
END_TEST

START_TEST(test_source_v6)
{
	struct sockaddr_in6 source = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct transport_options options = {
		.source = (struct sockaddr *)&source, .source_len = sizeof(source)};
	struct transport t;
	struct err err = {0};

	listen_on_loopback(true);
	ck_assert_msg(tcp_connect(&t, (struct sockaddr *)&address, address_len, &options, &guard,
			      &err) == 0,
		"%s", err.text);
	wait_for(t.fd, POLLOUT);
	ck_assert_int_eq(transport_finish_connect(&t), IO_OK);
	transport_close(&t);
	close(listener);
}
END_TEST

START_TEST(test_foreign_source)
{
	struct sockaddr_in source = local_address("192.0.2.9");
	struct transport t;
	struct err err = {0};

	listen_on_loopback(false);
	ck_assert_int_eq(connect_from(&source, &t, &err), -EADDRNOTAVAIL);
	ck_assert_int_eq(t.fd, -1);
	close(listener);
}
END_TEST

START_TEST(test_source_of_the_other_family)
{
	struct sockaddr_in source = local_address("127.0.0.2");
	struct transport t;
	struct err err = {0};

	listen_on_loopback(true);
	ck_assert_int_eq(connect_from(&source, &t, &err), -EAFNOSUPPORT);
	ck_assert_str_eq(err.text, "Address family not supported by protocol");
	ck_assert_int_eq(t.fd, -1);
	close(listener);
}
END_TEST

/* The connection's own, however much this host sends besides. Again is what a busy machine makes.
 */
START_TEST(test_segments)
{
	struct transport_segments segments = {0}, first;
	struct transport_options options = {.segments = &segments};
	struct err err = {0};

	listen_on_loopback(_i);
	for (int n = 0; n < 2; n++) {
		struct transport t, other;
		int peer, other_peer = connect_pair(&other);
		size_t len;

		first = segments;
		ck_assert_int_eq(tcp_connect(&t, (struct sockaddr *)&address, address_len, &options,
					 &guard, &err),
			0);
		wait_for(t.fd, POLLOUT);
		ck_assert_int_eq(transport_finish_connect(&t), IO_OK);
		peer = accept(listener, NULL, NULL);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(transport_write(&t, "x", 1, &len), IO_OK);
		for (int i = 0; i < 500; i++)
			ck_assert_int_eq(transport_write(&other, "x", 1, &len), IO_OK);
		ck_assert_uint_eq(segments.sent, first.sent);
		transport_close(&t);
		/* SYN, ACK and five bytes, which may share segments. */
		ck_assert_uint_ge(segments.sent - first.sent, 3);
		ck_assert_uint_le(segments.sent - first.sent - (segments.again - first.again), 7);
		transport_close(&other);
		close(peer);
		close(other_peer);
	}
	close(listener);
}
END_TEST

/* The peer sees a reset (1), or the end (0). */
START_TEST(test_close)
{
	struct transport_options options = {.resets = _i == 1};
	struct transport t;
	struct err err = {0};
	char c;
	int peer;

	listen_on_loopback(false);
	ck_assert_int_eq(
		tcp_connect(&t, (struct sockaddr *)&address, address_len, &options, &guard, &err),
		0);
	wait_for(t.fd, POLLOUT);
	ck_assert_int_eq(transport_finish_connect(&t), IO_OK);
	peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	transport_close(&t);
	wait_for(peer, POLLIN);
	errno = 0;
	ck_assert_int_eq(read(peer, &c, 1), _i == 1 ? -1 : 0);
	ck_assert_int_eq(errno, _i == 1 ? ECONNRESET : 0);
	close(peer);
	close(listener);
}
END_TEST

/* ---------------------------------------------------------------- sockets of Unix */

static char unix_dir[32];

static void unix_setup(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	strcpy(unix_dir, "/tmp/test_tcp.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(unix_dir));
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", unix_dir);
	memcpy(&address, &un, sizeof(un));
	address_len = sizeof(un);
	guard_init_private(&guard);
}

static void unix_teardown(void)
{
	(void)unlink(((struct sockaddr_un *)&address)->sun_path);
	(void)rmdir(unix_dir);
}

static void listen_on_path(int backlog)
{
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, address_len), 0);
	ck_assert_int_eq(listen(listener, backlog), 0);
}

START_TEST(test_unix)
{
	struct sockaddr_in source = local_address("127.0.0.2");
	struct transport t;
	struct err err = {0};
	char buf[16];
	size_t n;
	int peer;

	listen_on_path(4);
	/* A source means nothing here. */
	ck_assert_msg(connect_from(&source, &t, &err) == 0, "%s", err.text);
	ck_assert_int_ne(fcntl(t.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(t.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(transport_finish_connect(&t), IO_OK);
	peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_AGAIN);
	ck_assert_int_eq(transport_write(&t, "hello", 5, &n), IO_OK);
	ck_assert_int_eq(read(peer, buf, sizeof(buf)), 5);
	ck_assert_int_eq(write(peer, "there", 5), 5);
	t.wants_stamp = true; /* there is none */
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(t.received_ns, 0);
	close(peer);
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_EOF);
	ck_assert_int_eq(transport_write(&t, "x", 1, &n), IO_ERROR);
	ck_assert_int_eq(t.error, EPIPE);
	transport_close(&t);
	close(listener);
}
END_TEST

/* The peer closes when it has read what was written, before it has, or before it was written. */
START_TEST(test_unix_account)
{
	struct transport t;
	struct err err = {0};
	char buf[16];
	size_t n;
	int peer;

	listen_on_path(4);
	ck_assert_int_eq(connect_now(&t, &err), 0);
	peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	ck_assert_uint_eq(transport_get_account(&t).unacknowledged, 0);
	if (_i < 2) {
		ck_assert_int_eq(transport_write(&t, "hello", 5, &n), IO_OK);
		ck_assert_uint_eq(transport_get_account(&t).unacknowledged, SIZE_MAX);
	}
	if (_i == 0)
		ck_assert_int_eq(read(peer, buf, sizeof(buf)), 5);
	close(peer);
	if (_i == 2)
		ck_assert_int_eq(transport_write(&t, "hello", 5, &n), IO_ERROR);
	else
		ck_assert_int_eq(
			transport_read(&t, buf, sizeof(buf), &n), _i == 0 ? IO_EOF : IO_ERROR);
	ck_assert_uint_eq(transport_get_account(&t).unacknowledged, _i == 0 ? 0 : SIZE_MAX);
	transport_close(&t);
	close(listener);
}
END_TEST

/* What is discarded is gone, and no more than that. */
START_TEST(test_unix_discard)
{
	static char data[150000];
	struct transport t;
	struct err err = {0};
	char buf[16];
	size_t n, left = sizeof(data) - 3;
	int peer, size = sizeof(data) * 4;

	memset(data, 'x', sizeof(data));
	memcpy(data + sizeof(data) - 3, "end", 3);
	listen_on_path(4);
	ck_assert_int_eq(connect_now(&t, &err), 0);
	peer = accept(listener, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	ck_assert_int_eq(transport_discard(&t, 10, &n), IO_AGAIN);
	ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	ck_assert_int_eq(write(peer, data, sizeof(data)), sizeof(data));
	for (; left > 0; left -= n) {
		ck_assert_int_eq(transport_discard(&t, left, &n), IO_OK);
		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(n, left);
	}
	ck_assert_int_eq(transport_read(&t, buf, sizeof(buf), &n), IO_OK);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(buf, "end", 3);
	ck_assert_int_eq(transport_discard(&t, SIZE_MAX >> 1, &n), IO_AGAIN);
	close(peer);
	ck_assert_int_eq(transport_discard(&t, 10, &n), IO_EOF);
	transport_close(&t);
	close(listener);
}
END_TEST

START_TEST(test_unix_nobody)
{
	struct transport t;
	struct err err = {0};

	ck_assert_int_eq(connect_now(&t, &err), -ENOENT);
	ck_assert_str_eq(err.text, "No such file or directory");
	listen_on_path(4);
	close(listener);
	ck_assert_int_eq(connect_now(&t, &err), -ECONNREFUSED);
	ck_assert_int_eq(t.fd, -1);
}
END_TEST

START_TEST(test_unix_full_queue)
{
	struct transport first, t;
	struct err err = {0};

	listen_on_path(0);
	ck_assert_int_eq(connect_now(&first, &err), 0);
	ck_assert_int_eq(connect_now(&t, &err), -EAGAIN);
	ck_assert_str_eq(err.text, "the server's queue of new connections is full");
	ck_assert_int_eq(t.fd, -1);
	ck_assert_int_eq(fault_of_connect_errno(EAGAIN), FAULT_CONNECT_BACKLOG);
	transport_close(&first);
	close(listener);
}
END_TEST

START_TEST(test_unix_guard)
{
	struct transport t;
	struct err err = {0};

	guard = (struct guard){0};
	listen_on_path(4);
	ck_assert_int_eq(connect_now(&t, &err), -EPERM);
	ck_assert_str_eq(err.text, "[policy] allow does not list this socket");
	ck_assert_int_eq(t.fd, -1);
	close(listener);
}
END_TEST

/* A listed path that is a socket (0), a link to one (1), a link to nothing (2). */
START_TEST(test_unix_links)
{
	char rule[64], link[80];
	const char *list = rule;
	struct sockaddr_un *un = (struct sockaddr_un *)&address;
	struct transport t;
	struct err err = {0};

	(void)snprintf(rule, sizeof(rule), "unix:%s/", unix_dir);
	ck_assert_int_eq(guard_init_service(&guard, &list, 1, &err), 0);
	listen_on_path(4);
	(void)snprintf(link, sizeof(link), "%s/link", unix_dir);
	if (_i > 0) {
		ck_assert_int_eq(symlink(_i == 1 ? un->sun_path : "/nonexistent", link), 0);
		strcpy(un->sun_path, link);
	}
	ck_assert_int_eq(connect_now(&t, &err), _i == 0 ? 0 : -EPERM);
	if (_i == 0)
		transport_close(&t);
	else
		ck_assert_ptr_nonnull(strstr(err.text, "a symbolic link is part of this path"));
	close(listener);
	guard_fini(&guard);
	(void)unlink(link);
	(void)snprintf(un->sun_path, sizeof(un->sun_path), "%s/s", unix_dir);
}
END_TEST

static bool has_ipv6(void)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

int main(void)
{
	Suite *suite = suite_create("tcp");
	TCase *tcase = tcase_create("tcp");
	TCase *local = tcase_create("unix");
	int families = has_ipv6() ? 2 : 1;

	tcase_add_loop_test(tcase, test_options, 0, families);
	tcase_add_loop_test(tcase, test_stamp, 0, families);
	tcase_add_loop_test(tcase, test_there_and_back, 0, families);
	tcase_add_test(tcase, test_discard);
	tcase_add_test(tcase, test_write_until_full);
	tcase_add_loop_test(tcase, test_account, 0, families);
	tcase_add_loop_test(tcase, test_reset, 0, families);
	tcase_add_loop_test(tcase, test_refused, 0, families);
	tcase_add_test(tcase, test_guard_is_asked);
	tcase_add_test(tcase, test_no_descriptors);
	tcase_add_test(tcase, test_bad_address);
	tcase_add_loop_test(tcase, test_source, 0, 3);
	if (families == 2) {
		tcase_add_test(tcase, test_source_v6);
		tcase_add_test(tcase, test_source_of_the_other_family);
	}
	tcase_add_test(tcase, test_foreign_source);
	tcase_add_loop_test(tcase, test_segments, 0, 2);
	tcase_add_loop_test(tcase, test_close, 0, 2);
	suite_add_tcase(suite, tcase);

	tcase_add_checked_fixture(local, unix_setup, unix_teardown);
	tcase_add_test(local, test_unix);
	tcase_add_loop_test(local, test_unix_account, 0, 3);
	tcase_add_test(local, test_unix_discard);
	tcase_add_test(local, test_unix_nobody);
	tcase_add_test(local, test_unix_full_queue);
	tcase_add_test(local, test_unix_guard);
	tcase_add_loop_test(local, test_unix_links, 0, 3);
	suite_add_tcase(suite, local);

	return suite_main(suite);
}
