/* SPDX-License-Identifier: Apache-2.0 */
/* Plain TCP, and Unix stream sockets, as implementations of the transport interface. Each operation
 * is one system call: the socket is made non-blocking, close-on-exec and without Nagle's delay
 * once, and no call blocks. The guard checks the very sockaddr that is passed to connect, so a name
 * cannot be changed to another address between check and use.
 *
 * A Unix socket differs in three ways: it has neither Nagle's delay nor source addresses;
 * connecting has ended when connect() returns, so a full queue of the server is an error at once
 * (EAGAIN, and no event would follow), where TCP retries; and the kernel cannot discard received
 * bytes, so they are read. Thread: that of the loop; for probes that of the resolver.
 *
 * The kernel stamps each packet that it receives by the wall clock (SO_TIMESTAMPNS, socket(7)), and
 * recvmsg() returns the stamp of the last one. It is brought to the monotonic clock by reading both
 * at the time of the read. So it is known how long an answer waited for this thread, also when the
 * thread had no CPU; reading stamps is dearer than recv(), and left to the caller's choice.
 *
 * recv() and send() are cancellation points, for which glibc executes four atomic operations and a
 * hundred instructions in each request of a program with threads. Threads are never cancelled here,
 * so these two are called by syscall(), which is not a cancellation point. [3 % of a request's user
 * time, measured] */
#include "daemon/http/transport.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/guard.h"
#include "common/unix_path.h"

#define TCP_SCRATCH_SIZE 65536 /* bytes that one call reads and discards */

/* Two clocks that are read within so long count as read together. */
#define TCP_CLOCKS_APART_NS (10 * NSEC_PER_USEC)

static enum io tcp_failed(struct transport *t, int error)
{
	t->error = error;
	return IO_ERROR;
}

static enum io tcp_finish_connect(struct transport *t)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	return error == 0 ? IO_OK : tcp_failed(t, error);
}

/* The result of a send or recv of at least one byte. */
static enum io tcp_moved(struct transport *t, ssize_t n, size_t *ret_n)
{
	if (n == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return IO_AGAIN;
		return tcp_failed(t, errno);
	}
	if (n == 0)
		return IO_EOF;
	*ret_n = (size_t)n;
	return IO_OK;
}

/* An instant of the wall clock, in the past; 0: not known, because the clock was set or this thread
 * lost its CPU between the readings. */
static int64_t tcp_monotonic_ns(int64_t wall_ns)
{
	for (int tries = 0; tries < 3; tries++) {
		int64_t before_ns = clock_now_ns();
		int64_t age_ns = clock_unix_ns() - wall_ns;
		int64_t after_ns = clock_now_ns();

		if (after_ns - before_ns <= TCP_CLOCKS_APART_NS)
			return age_ns >= 0 && age_ns < before_ns ? before_ns - age_ns : 0;
	}
	return 0;
}

void tcp_ask_for_stamps(int fd)
{
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
}

ssize_t tcp_receive_stamped(int fd, void *buf, size_t size, int flags, int64_t *ret_ns)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec piece = {buf, size};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	struct timespec stamp;
	ssize_t n = syscall(SYS_recvmsg, fd, &message, flags);

	*ret_ns = 0;
	c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS &&
		c->cmsg_len == CMSG_LEN(sizeof(stamp))) {
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		*ret_ns = tcp_monotonic_ns(stamp.tv_sec * NSEC_PER_SEC + stamp.tv_nsec);
	}
	return n;
}

static enum io tcp_receive(struct transport *t, void *buf, size_t size, int flags, size_t *ret_n)
{
	ssize_t n;

	assert(size > 0);
	t->received_ns = 0;
	do {
		n = t->wants_stamp ? tcp_receive_stamped(t->fd, buf, size, flags, &t->received_ns)
				   : syscall(SYS_recvfrom, t->fd, buf, size, flags, NULL, NULL);
	} while (n == -1 && errno == EINTR);
	t->is_drained = n < (ssize_t)size;
	return tcp_moved(t, n, ret_n);
}

static enum io tcp_read(struct transport *t, void *buf, size_t size, size_t *ret_n)
{
	return tcp_receive(t, buf, size, 0, ret_n);
}

/* With MSG_TRUNC the kernel frees received bytes without copying them anywhere. */
static enum io tcp_discard(struct transport *t, size_t n, size_t *ret_n)
{
	t->wants_stamp = false;
	return tcp_receive(t, NULL, n, MSG_TRUNC, ret_n);
}

/* MSG_TRUNC has another meaning for Unix sockets. */
static enum io tcp_discard_unix(struct transport *t, size_t n, size_t *ret_n)
{
	char scratch[TCP_SCRATCH_SIZE];

	return tcp_receive(t, scratch, n < sizeof(scratch) ? n : sizeof(scratch), 0, ret_n);
}

static enum io tcp_write(struct transport *t, const void *data, size_t len, size_t *ret_n)
{
	ssize_t n;

	assert(len > 0);
	do {
		n = syscall(SYS_sendto, t->fd, data, len, MSG_NOSIGNAL, NULL, 0);
	} while (n == -1 && errno == EINTR);
	return tcp_moved(t, n, ret_n);
}

static struct transport_account tcp_account(const struct transport *t)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	int n = 0;

	/* The round trip is ~0 as long as it was not measured. */
	if (getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1 ||
		info.tcpi_min_rtt == UINT32_MAX)
		info.tcpi_min_rtt = 0;
	if (ioctl(t->fd, SIOCOUTQ, &n) == -1 || n < 0)
		n = 0;
	return (struct transport_account){
		.unacknowledged = (size_t)n,
		.round_trip_ns = (int64_t)info.tcpi_min_rtt * NSEC_PER_USEC,
	};
}

/* A peer that closes with unread data causes a reset (unix(7)), and one that had closed before a
 * write causes EPIPE. The kernel drops the bytes with the reset. */
static struct transport_account tcp_account_unix(const struct transport *t)
{
	bool is_unread = t->error == ECONNRESET || t->error == EPIPE;
	int n = 0;

	if (!is_unread && ioctl(t->fd, SIOCOUTQ, &n) == 0)
		is_unread = n > 0;
	return (struct transport_account){.unacknowledged = is_unread ? SIZE_MAX : 0};
}

/* Kernels before 4.2 do not count the segments sent. */
static void tcp_count_segments(const struct transport *t)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return;
	t->segments->sent += info.tcpi_segs_out;
	t->segments->again += info.tcpi_total_retrans;
}

static void tcp_close(struct transport *t)
{
	struct linger now = {.l_onoff = 1};

	if (t->segments)
		tcp_count_segments(t);
	if (t->resets)
		(void)setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	/* There is no remedy for an error, and the descriptor is closed in any case. */
	(void)close(t->fd);
	t->fd = -1;
}

static const struct transport_ops tcp_ops = {
	.finish_connect = tcp_finish_connect,
	.read = tcp_read,
	.write = tcp_write,
	.discard = tcp_discard,
	.account = tcp_account,
	.close = tcp_close,
};

static const struct transport_ops tcp_unix_ops = {
	.finish_connect = tcp_finish_connect,
	.read = tcp_read,
	.write = tcp_write,
	.discard = tcp_discard_unix,
	.account = tcp_account_unix,
	.close = tcp_close,
};

/* 0 or -1 with errno. */
static int tcp_bind(int fd, int family, const struct transport_options *options)
{
	int one = 1;

	if (!options || !options->source)
		return 0;
	if (options->source->sa_family != family) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) == -1)
		return -1;
	return bind(fd, options->source, options->source_len);
}

/* Sets the options that only TCP has. 0 or -1 with errno. */
static int tcp_prepare(int fd, int family, const struct transport_options *options)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
		return -1;
	/* Without stamps it is not known how late answers are read, and all else is as well. */
	tcp_ask_for_stamps(fd);
	return tcp_bind(fd, family, options);
}

/* Like connect(), without following symbolic links: connects to the very file that the descriptor
 * refers to. */
static int tcp_connect_path(int fd, const struct sockaddr *sa, unsigned sa_len)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char path[sizeof(un.sun_path) + 1] = "";
	int error, file, r;

	memcpy(path, ((const struct sockaddr_un *)(const void *)sa)->sun_path,
		sa_len - offsetof(struct sockaddr_un, sun_path));
	file = unix_path_open(path);
	if (file < 0) {
		errno = -file;
		return -1;
	}
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d", file);
	r = connect(fd, (struct sockaddr *)&un, sizeof(un));
	error = errno;
	(void)close(file);
	errno = error;
	return r;
}

int tcp_connect(struct transport *t, const struct sockaddr *sa, unsigned sa_len,
	const struct transport_options *options, const struct guard *guard, struct err *reterr)
{
	bool is_unix = sa->sa_family == AF_UNIX;
	const char *why;
	int error, fd, r;

	*t = (struct transport){.ops = is_unix ? &tcp_unix_ops : &tcp_ops,
		.fd = -1,
		.resets = options && options->resets && !is_unix,
		.segments = options && !is_unix ? options->segments : NULL};
	if (!guard_allows(guard, sa, &why)) {
		err_set(reterr, "%s", why);
		return -EPERM;
	}

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		is_unix ? 0 : IPPROTO_TCP);
	if (fd == -1) {
		error = errno;
		goto failed;
	}
	if (!is_unix && tcp_prepare(fd, sa->sa_family, options) == -1) {
		error = errno;
		goto failed_close;
	}
	do {
		/* The user of a private daemon may follow links as in any program. */
		r = is_unix && !guard->is_private ? tcp_connect_path(fd, sa, sa_len)
						  : connect(fd, sa, sa_len);
	} while (r == -1 && errno == EINTR);
	/* After an interrupted call connecting continues by itself: EALREADY, EISCONN. */
	if (r == -1 && errno != EINPROGRESS && errno != EALREADY && errno != EISCONN) {
		error = errno;
		goto failed_close;
	}
	t->fd = fd;
	return 0;

failed_close:
	(void)close(fd);
failed:
	err_set(reterr, "%s",
		is_unix && error == EAGAIN ? "the server's queue of new connections is full"
					   : strerrordesc_np(error));
	return -error;
}

int tcp_stamps_open(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -errno;
	tcp_ask_for_stamps(fd);
	return fd;
}
