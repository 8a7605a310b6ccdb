/* SPDX-License-Identifier: Apache-2.0 */
/* The service that the benchmark loads: it answers every request with the same prepared 200 and
 * does as little as a server can, so that as much as possible of what is measured is the client.
 *
 *	null_server [--port N] [--delay MS]
 *
 * It prints its address (127.0.0.1:PORT) as its first line and, at SIGTERM or SIGINT, what it has
 * counted: the independent side of every tool's own report.
 *
 * One thread, one epoll set, edge-triggered, each connection registered once. A request is what
 * ends in an empty line: methods, paths, headers and bodies are not looked at, and connections stay
 * open until the client closes them (which is why the answer says keep-alive: ab asks in HTTP/1.0
 * and wants to read it). Requests may be pipelined. Bytes that repeat, whole, those scanned last
 * are not scanned again: load generators send the same request for ever.
 *
 * With --delay a connection that has asked stands in a list until its answer is due. All delays
 * are equal, so the list is sorted by itself, and waiting costs a connection nothing but its place.
 * Requests pipelined on one connection are then served one after the other, each with its delay. */
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NULL_ANSWER                                                                                \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n"                \
	"Content-Length: 3\r\n\r\nok\n"
#define NULL_ANSWER_LEN (sizeof(NULL_ANSWER) - 1)
#define NULL_PREPARED 64 /* answers to pipelined requests that one send can take */
#define NULL_READ_SIZE (64 * 1024)
#define NULL_EVENTS 512
#define NULL_FDS_MAX (1 << 20)

struct conn {
	uint32_t pending; /* requests whose answer is not due yet */
	uint8_t matched;  /* of the empty line's four bytes */
	bool inside;	  /* in the middle of a request */
	bool is_open;
	size_t owed; /* bytes of answers that the kernel has not taken yet */
	int64_t due_ns;
	struct conn *prev, *next; /* in the waiting list, while pending > 0 */
};

static struct {
	int epoll_fd, listen_fd, signal_fd;
	int64_t delay_ns;
	struct conn *conns; /* by descriptor */
	int n_conns;
	struct conn waiting; /* the list's ends */

	uint64_t connections, received, answered;

	char prepared[NULL_PREPARED * NULL_ANSWER_LEN];
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
	(void)close(null_fd(c));
	*c = (struct conn){0};
}

/* ---------------------------------------------------------------- answers */

/* False: the connection is gone. */
static bool null_send(struct conn *c)
{
	while (c->owed > 0) {
		size_t at = (NULL_ANSWER_LEN - c->owed % NULL_ANSWER_LEN) % NULL_ANSWER_LEN;
		size_t len = sizeof(null.prepared) - at;
		ssize_t n;

		if (len > c->owed)
			len = c->owed;
		n = send(null_fd(c), null.prepared + at, len, MSG_NOSIGNAL);
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
	return true;
}

static bool null_answer(struct conn *c, uint32_t count)
{
	null.answered += count;
	c->owed += count * NULL_ANSWER_LEN;
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
	} while ((size_t)n == sizeof(null.buffer));
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
		null.conns[fd] = (struct conn){.is_open = true};
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
	for (size_t i = 0; i < NULL_PREPARED; i++)
		memcpy(null.prepared + i * NULL_ANSWER_LEN, NULL_ANSWER, NULL_ANSWER_LEN);

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

int main(int argc, char **argv)
{
	long port = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
			port = null_number(argv[++i], 65535);
		} else if (strcmp(argv[i], "--delay") == 0 && i + 1 < argc) {
			null.delay_ns = null_number(argv[++i], 3600000) * INT64_C(1000000);
		} else {
			fprintf(stderr, "usage: null_server [--port N] [--delay MS]\n");
			return 64;
		}
	}
	/* Whoever started it may be killed: it shall not stay behind. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	null_open((uint16_t)port);
	null_run();
	printf("received %llu answered %llu connections %llu\n", (unsigned long long)null.received,
		(unsigned long long)null.answered, (unsigned long long)null.connections);
	free(null.conns);
	return 0;
}
