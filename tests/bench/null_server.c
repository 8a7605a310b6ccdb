/* SPDX-License-Identifier: Apache-2.0 */
/* The service that the benchmark loads: it answers every request with the same prepared 200 and
 * does as little as a server can, so that as much as possible of what is measured is the client.
 *
 *	null_server [--port N] [--delay MS] [--body BYTES] [--close] [--tls FILE]
 *
 * It prints its address (127.0.0.1:PORT) as its first line and, at SIGTERM or SIGINT, what it has
 * counted: the independent side of every tool's own report.
 *
 * One thread, one epoll set, edge-triggered, each connection registered once. A request is what
 * ends in an empty line: methods, paths, headers and bodies are not looked at, and connections stay
 * open until the client closes them (which is why the answer says keep-alive: ab asks in HTTP/1.0
 * and wants to read it), or with --close are closed after the first answer, which says so.
 *Requests may be pipelined. Bytes that repeat, whole, those scanned last are not scanned again:
 *load generators send the same request for ever.
 *
 * With --delay a connection that has asked stands in a list until its answer is due. All delays
 * are equal, so the list is sorted by itself, and waiting costs a connection nothing but its place.
 * Requests pipelined on one connection are then served one after the other, each with its delay.
 *
 * Large bodies (--body) go out of a file in memory by sendfile, so that giving them away costs the
 * server no copy. With --tls the server's certificate is made at its start and written to FILE, for
 * who wants to verify it; sessions cannot be resumed, so that every handshake is a whole one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/null_tls.h"

#define NULL_HEAD                                                                                  \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: %s\r\n"                        \
	"Content-Length: %zu\r\n\r\n"
#define NULL_PREPARED                                                                              \
	(8 * 1024)		  /* bytes of answers to pipelined requests that one send can take \
				   */
#define NULL_FILE_MIN (64 * 1024) /* answers from this length on are sent as a file */
#define NULL_BODY_MAX (1 << 30)
#define NULL_READ_SIZE (64 * 1024)
#define NULL_EVENTS 512
#define NULL_FDS_MAX (1 << 20)

struct conn {
	uint32_t pending; /* requests whose answer is not due yet */
	uint8_t matched;  /* of the empty line's four bytes */
	bool inside;	  /* in the middle of a request */
	bool is_open;
	struct ssl_st *tls; /* NULL: plain */
	size_t owed;	    /* bytes of answers that the kernel has not taken yet */
	int64_t due_ns;
	struct conn *prev, *next; /* in the waiting list, while pending > 0 */
};

static struct {
	int epoll_fd, listen_fd, signal_fd;
	int64_t delay_ns;
	bool is_closing; /* after each answer */
	bool is_tls;
	struct conn *conns; /* by descriptor */
	int n_conns;
	struct conn waiting; /* the list's ends */

	uint64_t connections, received, answered;

	char *prepared; /* whole answers, one after the other */
	size_t prepared_len, answer_len;
	int prepared_fd; /* the same as a file; -1: sent from memory */
	char buffer[NULL_READ_SIZE];
	char last[1024]; /* whole requests, as they were read at once */
	size_t last_len;
	uint32_t last_count;
} null;

static void null_die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t null_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int null_fd(const struct conn *c)
{
	return (int)(c - null.conns);
}

/* ---------------------------------------------------------------- waiting */

static void null_wait(struct conn *c, int64_t due_ns)
{
	c->due_ns = due_ns;
	c->next = &null.waiting;
	c->prev = null.waiting.prev;
	c->prev->next = c;
	null.waiting.prev = c;
}

static void null_unwait(struct conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
}

static void null_close(struct conn *c)
{
	if (c->pending > 0)
		null_unwait(c);
	null_tls_free(c->tls);
	(void)close(null_fd(c));
	*c = (struct conn){0};
}

/* ---------------------------------------------------------------- answers */

static ssize_t null_put(struct conn *c, size_t at, size_t len)
{
	off_t offset = (off_t)at;

	if (c->tls)
		return null_tls_send(c->tls, null.prepared + at, len);
	if (null.prepared_fd != -1)
		return sendfile(null_fd(c), null.prepared_fd, &offset, len);
	return send(null_fd(c), null.prepared + at, len, MSG_NOSIGNAL);
}

/* False: the connection is gone. */
static bool null_send(struct conn *c)
{
	while (c->owed > 0) {
		size_t at = (null.answer_len - c->owed % null.answer_len) % null.answer_len;
		size_t len = null.prepared_len - at;
		ssize_t n;

		if (len > c->owed)
			len = c->owed;
		n = null_put(c, at, len);
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			null_close(c);
			return false;
		}
		c->owed -= (size_t)n;
	}
	if (null.is_closing) {
		null_close(c);
		return false;
	}
	return true;
}

static bool null_answer(struct conn *c, uint32_t count)
{
	null.answered += count;
	c->owed += count * null.answer_len;
	return null_send(c);
}

/* Answers what is due and says how long epoll_wait may sleep. */
static int null_answer_due(void)
{
	int64_t now_ns;

	if (null.waiting.next == &null.waiting)
		return -1;
	now_ns = null_now_ns();
	while (null.waiting.next != &null.waiting) {
		struct conn *c = null.waiting.next;

		if (c->due_ns > now_ns)
			return (int)((c->due_ns - now_ns + 999999) / 1000000);
		null_unwait(c);
		if (--c->pending > 0)
			null_wait(c, now_ns + null.delay_ns);
		(void)null_answer(c, 1);
	}
	return -1;
}

/* ---------------------------------------------------------------- requests */

/* Counts the requests that end in these bytes. */
static uint32_t null_scan(struct conn *c, const char *bytes, size_t n)
{
	static const char end[] = "\r\n\r\n";
	bool was_inside = c->inside;
	uint32_t count = 0;

	if (!was_inside && n == null.last_len && memcmp(bytes, null.last, n) == 0)
		return null.last_count;
	for (size_t i = 0; i < n; i++) {
		c->inside = true;
		if (bytes[i] == end[c->matched])
			c->matched++;
		else
			c->matched = bytes[i] == '\r';
		if (c->matched < 4)
			continue;
		count++;
		c->matched = 0;
		c->inside = false;
	}
	if (!was_inside && !c->inside && n <= sizeof(null.last)) {
		memcpy(null.last, bytes, n);
		null.last_len = n;
		null.last_count = count;
	}
	return count;
}

static void null_read(struct conn *c)
{
	ssize_t n;

	do {
		uint32_t count;

		if (c->tls)
			n = null_tls_recv(c->tls, null.buffer, sizeof(null.buffer));
		else
			n = recv(null_fd(c), null.buffer, sizeof(null.buffer), 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			null_close(c);
			return;
		}
		count = null_scan(c, null.buffer, (size_t)n);
		null.received += count;
		if (count == 0)
			continue;
		if (null.delay_ns == 0) {
			if (!null_answer(c, count))
				return;
		} else {
			if (c->pending == 0)
				null_wait(c, null_now_ns() + null.delay_ns);
			c->pending += count;
		}
		/* Of TLS a record comes at a time, of TCP all there is. */
	} while (c->tls || (size_t)n == sizeof(null.buffer));
}

static void null_accept(void)
{
	for (;;) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
		int fd = accept4(null.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1 && errno == EAGAIN)
			return;
		if (fd == -1 || fd >= null.n_conns)
			null_die("null_server: accept");
		event.data.fd = fd;
		null.conns[fd] = (struct conn){
			.is_open = true, .tls = null.is_tls ? null_tls_new(fd) : NULL};
		null.connections++;
		if (epoll_ctl(null.epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
			null_die("null_server: epoll_ctl");
	}
}

static void null_on_event(const struct epoll_event *event)
{
	struct conn *c = &null.conns[event->data.fd];

	/* An event of a connection closed in this same batch may meet its successor: it then
	 * finds nothing to read. */
	if (!c->is_open)
		return;
	if (c->owed > 0 && event->events & EPOLLOUT && !null_send(c))
		return;
	if (event->events & ~(uint32_t)EPOLLOUT)
		null_read(c);
}

/* ---------------------------------------------------------------- start and end */

static void null_register(int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	if (epoll_ctl(null.epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		null_die("null_server: epoll_ctl");
}

static void null_listen(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int one = 1;

	null.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (null.listen_fd == -1 ||
		setsockopt(null.listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
		/* What is accepted inherits it. */
		setsockopt(null.listen_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1 ||
		bind(null.listen_fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
		listen(null.listen_fd, 8192) == -1 ||
		getsockname(null.listen_fd, (struct sockaddr *)&sa, &len) == -1)
		null_die("null_server: listen");
	printf("127.0.0.1:%u\n", ntohs(sa.sin_port));
	(void)fflush(stdout);
}

static void null_prepare(size_t body_len)
{
	char head[256];
	int head_len = snprintf(
		head, sizeof(head), NULL_HEAD, null.is_closing ? "close" : "keep-alive", body_len);
	size_t n;

	null.answer_len = (size_t)head_len + body_len;
	n = null.answer_len < NULL_PREPARED ? NULL_PREPARED / null.answer_len : 1;
	null.prepared_len = n * null.answer_len;
	null.prepared = malloc(null.prepared_len);
	if (!null.prepared)
		null_die("null_server");
	for (size_t i = 0; i < n; i++) {
		char *to = null.prepared + i * null.answer_len;

		memcpy(to, head, (size_t)head_len);
		memset(to + head_len, 'x', body_len);
	}
	null.prepared_fd = -1;
	if (null.is_tls || null.prepared_len < NULL_FILE_MIN)
		return;
	null.prepared_fd = memfd_create("answer", MFD_CLOEXEC);
	if (null.prepared_fd == -1 || write(null.prepared_fd, null.prepared, null.prepared_len) !=
					      (ssize_t)null.prepared_len)
		null_die("null_server: a file in memory");
}

static void null_open(uint16_t port)
{
	struct rlimit limit;
	sigset_t ending;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		null_die("null_server: getrlimit");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	null.n_conns = limit.rlim_max > NULL_FDS_MAX ? NULL_FDS_MAX : (int)limit.rlim_max;
	null.conns = calloc((size_t)null.n_conns, sizeof(*null.conns));
	if (!null.conns)
		null_die("null_server");
	null.waiting.prev = null.waiting.next = &null.waiting;

	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &ending, NULL);
	null.signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
	null.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (null.signal_fd == -1 || null.epoll_fd == -1)
		null_die("null_server");
	null_listen(port);
	null_register(null.listen_fd);
	null_register(null.signal_fd);
}

static void null_run(void)
{
	static struct epoll_event events[NULL_EVENTS];

	for (;;) {
		int n = epoll_wait(null.epoll_fd, events, NULL_EVENTS, null_answer_due());

		if (n == -1 && errno != EINTR)
			null_die("null_server: epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == null.signal_fd)
				return;
			if (events[i].data.fd == null.listen_fd)
				null_accept();
			else
				null_on_event(&events[i]);
		}
	}
}

static long null_number(const char *text, long max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 || n > max) {
		fprintf(stderr, "null_server: %s is not a number from 0 to %ld\n", text, max);
		exit(64);
	}
	return n;
}

static int null_usage(void)
{
	fprintf(stderr, "usage: null_server [--port N] [--delay MS] [--body BYTES] [--close] "
			"[--tls FILE]\n");
	return 64;
}

int main(int argc, char **argv)
{
	const char *certificate = NULL;
	long port = 0, body_len = 3;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--close") == 0)
			null.is_closing = true;
		else if (i + 1 == argc)
			return null_usage();
		else if (strcmp(argv[i], "--port") == 0)
			port = null_number(argv[++i], 65535);
		else if (strcmp(argv[i], "--delay") == 0)
			null.delay_ns = null_number(argv[++i], 3600000) * INT64_C(1000000);
		else if (strcmp(argv[i], "--body") == 0)
			body_len = null_number(argv[++i], NULL_BODY_MAX);
		else if (strcmp(argv[i], "--tls") == 0)
			certificate = argv[++i];
		else
			return null_usage();
	}
	/* Whoever started it may be killed: it shall not stay behind. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)signal(SIGPIPE, SIG_IGN); /* of sendfile and OpenSSL, who cannot be told */
	null.is_tls = certificate != NULL;
	if (null.is_tls)
		null_tls_open(certificate);
	null_prepare((size_t)body_len);
	null_open((uint16_t)port);
	null_run();
	printf("received %llu answered %llu connections %llu\n", (unsigned long long)null.received,
		(unsigned long long)null.answered, (unsigned long long)null.connections);
	free(null.conns);
	free(null.prepared);
	return 0;
}
