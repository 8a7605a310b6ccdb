/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of the benchmark: what N users in the closed model cost a client that does nothing but
 * send and receive. No schedule, no stamp, no histogram, no timeout, no error but the end of all;
 * the response is looked at just enough to know where it ends. What a real generator needs beyond
 * this is the price of measuring.
 *
 *	floor PORT CONNECTIONS SECONDS
 *
 * One thread, one epoll set, edge-triggered, registered once: as rpsd does it. A recv shorter than
 * the buffer has drained the socket. No request begins after SECONDS. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FLOOR_EVENTS 512
#define FLOOR_READ_SIZE (64 * 1024)
#define FLOOR_CONNECTIONS_MAX 1000000

static const char floor_request[] =
	"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: floor\r\n\r\n";

struct conn {
	int fd;
	uint32_t missing; /* bytes of the response that is on its way; 0: its head is not read */
};

static struct {
	int epoll_fd, timer_fd;
	struct conn *conns;
	int n_conns, in_flight;
	bool stopping;
	uint64_t requests;
	uint32_t body_len; /* of every answer, learned from the first one */
	char buffer[FLOOR_READ_SIZE + 1];
} flr;

static void floor_die(const char *what)
{
	perror(what);
	exit(1);
}

static void floor_odd(void)
{
	fprintf(stderr, "floor: this is not the null server's answer\n");
	exit(1);
}

static double floor_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void floor_send(struct conn *c)
{
	if (send(c->fd, floor_request, sizeof(floor_request) - 1, MSG_NOSIGNAL) !=
		(ssize_t)sizeof(floor_request) - 1)
		floor_die("floor: send");
	flr.in_flight++;
}

/* How long the response is whose first n bytes lie in the buffer; its head comes in one piece. */
static uint32_t floor_length(size_t n)
{
	const char *end = memmem(flr.buffer, n, "\r\n\r\n", 4);

	if (!end || n < 12 || memcmp(flr.buffer, "HTTP/1.1 200", 12) != 0)
		floor_odd();
	if (flr.body_len == 0) {
		const char *field;

		flr.buffer[n] = '\0';
		field = strcasestr(flr.buffer, "\r\ncontent-length:");
		if (!field || field > end)
			floor_odd();
		flr.body_len = (uint32_t)strtoul(field + 17, NULL, 10);
	}
	return (uint32_t)(end + 4 - flr.buffer) + flr.body_len;
}

static void floor_read(struct conn *c)
{
	ssize_t n = recv(c->fd, flr.buffer, FLOOR_READ_SIZE, 0);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0)
		floor_die("floor: recv");
	if (c->missing == 0)
		c->missing = floor_length((size_t)n);
	if ((uint32_t)n > c->missing)
		floor_odd();
	c->missing -= (uint32_t)n;
	if (c->missing > 0)
		return;
	flr.requests++;
	flr.in_flight--;
	if (!flr.stopping)
		floor_send(c);
}

static void floor_add(int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = {.events = events | EPOLLET, .data.ptr = ptr};

	if (epoll_ctl(flr.epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		floor_die("floor: epoll_ctl");
}

static void floor_connect(struct conn *c, uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1 ||
		connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		floor_die("floor: connect");
}

static void floor_open(uint16_t port)
{
	flr.conns = calloc((size_t)flr.n_conns, sizeof(*flr.conns));
	flr.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	flr.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (!flr.conns || flr.epoll_fd == -1 || flr.timer_fd == -1)
		floor_die("floor");
	floor_add(flr.timer_fd, EPOLLIN, NULL);
	for (int i = 0; i < flr.n_conns; i++) {
		struct conn *c = &flr.conns[i];
		int one = 1;

		floor_connect(c, port);
		if (ioctl(c->fd, FIONBIO, &one) == -1)
			floor_die("floor: ioctl");
		floor_add(c->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, c);
	}
}

static void floor_run(double seconds)
{
	static struct epoll_event events[FLOOR_EVENTS];
	struct itimerspec end = {.it_value.tv_sec = (time_t)seconds};

	end.it_value.tv_nsec = (long)((seconds - (double)end.it_value.tv_sec) * 1e9);
	if (timerfd_settime(flr.timer_fd, 0, &end, NULL) == -1)
		floor_die("floor: timerfd_settime");
	for (int i = 0; i < flr.n_conns; i++)
		floor_send(&flr.conns[i]);
	while (!flr.stopping || flr.in_flight > 0) {
		int n = epoll_wait(flr.epoll_fd, events, FLOOR_EVENTS, -1);

		if (n == -1 && errno != EINTR)
			floor_die("floor: epoll_wait");
		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				flr.stopping = true;
			else if (events[i].events & ~(uint32_t)EPOLLOUT)
				floor_read(events[i].data.ptr);
		}
	}
}

int main(int argc, char **argv)
{
	double seconds, start;
	int port;

	if (argc != 4) {
		fprintf(stderr, "usage: floor PORT CONNECTIONS SECONDS\n");
		return 64;
	}
	port = atoi(argv[1]);
	flr.n_conns = atoi(argv[2]);
	seconds = atof(argv[3]);
	if (port < 1 || port > 65535 || flr.n_conns < 1 || flr.n_conns > FLOOR_CONNECTIONS_MAX ||
		!(seconds > 0 && seconds < 1e6)) {
		fprintf(stderr, "floor: a port, connections and seconds above 0 are wanted\n");
		return 64;
	}
	floor_open((uint16_t)port);
	start = floor_now();
	floor_run(seconds);
	printf("requests %llu seconds %.6f\n", (unsigned long long)flr.requests,
		floor_now() - start);
	free(flr.conns);
	return 0;
}
