/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous socket: no call blocks, and a call that would have to wait returns IO_AGAIN.
 * Plain TCP (tcp.c) and TLS (tls.h) implement it; further ones get their own struct transport_ops.
 *
 * Edge-triggered rules: after IO_AGAIN wait for the next event; with is_crossed one of the other
 * direction counts too. After IO_OK continue, unless is_drained: then nothing is left to read, here
 * or in the kernel, and more will come with an event. (For TCP a short read has drained; for TLS it
 * has no meaning, because decrypted bytes may wait.) Drained does not tell whether the peer has
 * closed since: on EPOLLRDHUP read until IO_EOF. Thread: that of the loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct guard;
struct err;
struct sockaddr;
struct transport;

enum io {
	IO_OK,	  /* *ret_n bytes were moved, at least one */
	IO_AGAIN, /* nothing now; wait for an event */
	IO_EOF,	  /* the peer has closed its side (when reading) */
	IO_ERROR, /* transport_errno has the reason; close it */
};

/* The kernel's account of the bytes that were written. */
struct transport_account {
	/* The number of last bytes that the peer's kernel has not acknowledged; for TLS counted as
	 * encrypted. For a Unix socket it is only known whether the peer has read all of them: 0 or
	 * SIZE_MAX. */
	size_t unacknowledged;
	int64_t round_trip_ns; /* the shortest so far; 0: not known */
};

/* For connections that have been closed: the number of segments sent, and of those that were
 * retransmitted. */
struct transport_segments {
	uint64_t sent, again;
};

struct transport_ops {
	enum io (*finish_connect)(struct transport *t); /* IO_OK: connected */
	enum io (*read)(struct transport *t, void *buf, size_t size, size_t *ret_n);
	enum io (*write)(struct transport *t, const void *data, size_t len, size_t *ret_n);
	/* Discards up to n received bytes, for TCP without copying them to user space. */
	enum io (*discard)(struct transport *t, size_t n, size_t *ret_n);
	/* May also be called after IO_EOF and IO_ERROR. */
	struct transport_account (*account)(const struct transport *t);
	void (*close)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	void *impl; /* private state of the ops while open; NULL for TCP */
	int fd;	    /* -1: closed */
	int error;  /* errno of the last IO_ERROR, positive */
	/* After IO_OK of read or discard: there is nothing more to read for now. */
	bool is_drained;
	/* After IO_AGAIN: a read waits for EPOLLOUT, or a write for EPOLLIN. */
	bool is_crossed;
	/* After IO_EOF: the peer did not announce the end, as TLS requires (TCP cannot tell, and
	 * never sets it). A body that ends with the connection may be truncated. */
	bool is_truncated;
	/* Set before a read: it also asks when the kernel received the last of the bytes that it
	 * returns. */
	bool wants_stamp;
	/* After IO_OK of such a read: that instant, of CLOCK_MONOTONIC; 0: nothing was asked, or
	 * the kernel does not tell (a Unix socket, or a wall clock that was set in between). */
	int64_t received_ns;
	/* transport_options */
	bool resets;
	struct transport_segments *segments;
};

/* Options for a connection; zero is fine. */
struct transport_options {
	/* The socket is bound to this address before connecting, and the port is chosen only when
	 * it connects, so that one port may serve several servers (IP_BIND_ADDRESS_NO_PORT, ip(7));
	 * NULL: the kernel chooses. */
	const struct sockaddr *source;
	unsigned source_len;
	/* Closing sends RST instead of FIN (SO_LINGER of 0, socket(7)): no TIME_WAIT. */
	bool resets;
	/* Closing adds the segments that TCP has sent, at the cost of one system call; NULL: not
	 * counted. Borrowed until the connection is closed. */
	struct transport_segments *segments;
};

/* tcp.c: an open socket for as long as stamps of the kernel are wanted, so that it need not begin
 * and stop taking them with every connection; -errno if there is none. */
int tcp_stamps_open(void);

/* tcp.c, for servers: what is received on fd, or on what a listening fd accepts, is stamped by the
 * kernel. */
void tcp_ask_for_stamps(int fd);
/* Like recv(); *ret_ns: when the last of these bytes arrived, 0 where it is not known. */
ssize_t tcp_receive_stamped(int fd, void *buf, size_t size, int flags, int64_t *ret_ns);

/* tcp.c: a non-blocking socket with TCP_NODELAY whose connect has been called; sa may be AF_INET,
 * AF_INET6 or AF_UNIX (which has no options); the guard is asked with this very address. options:
 * NULL or borrowed for the call. 0 (connecting or connected: ask finish_connect on the first
 * event), or -errno: -EPERM from the guard (reterr says why), -EAFNOSUPPORT also for a source of
 * the other family, -EAGAIN if the queue of a Unix socket's server is full, others from the kernel,
 * e.g. -EMFILE, -EADDRNOTAVAIL, -ECONNREFUSED. There is nothing to close then. */
int tcp_connect(struct transport *t, const struct sockaddr *sa, unsigned sa_len,
	const struct transport_options *options, const struct guard *guard, struct err *reterr);

static inline enum io transport_finish_connect(struct transport *t)
{
	return t->ops->finish_connect(t);
}
static inline enum io transport_read(struct transport *t, void *buf, size_t size, size_t *ret_n)
{
	return t->ops->read(t, buf, size, ret_n);
}
static inline enum io transport_write(
	struct transport *t, const void *data, size_t len, size_t *ret_n)
{
	return t->ops->write(t, data, len, ret_n);
}
static inline enum io transport_discard(struct transport *t, size_t n, size_t *ret_n)
{
	return t->ops->discard(t, n, ret_n);
}
/* Takes one or two system calls. If the kernel does not tell, nothing counts as unacknowledged. */
static inline struct transport_account transport_get_account(const struct transport *t)
{
	return t->ops->account(t);
}
/* Harmless when closed. The caller has removed the descriptor from its loop before. */
static inline void transport_close(struct transport *t)
{
	if (t->fd >= 0)
		t->ops->close(t);
}
