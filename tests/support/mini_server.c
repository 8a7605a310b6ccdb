/* SPDX-License-Identifier: Apache-2.0 */
/* A listener, a thread that accepts, and a thread with blocking calls for each connection, so that
 * a behaviour reads like the conversation that it is. Ending shuts the sockets down, which wakes
 * whoever blocks on one, and wakes those that hold.
 *
 * A connection's descriptor is closed by its own thread, under the lock, so that shutting down
 * never meets a number that is another's by then. */
#include "tests/support/mini_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define MINI_PATIENCE_MS 10000 /* only a broken test waits that long */

void mini_reset_fd(int fd)
{
	struct linger linger = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	(void)close(fd);
}

/* Without Nagle's delay, so that a text in two pieces does not wait for an acknowledgement. */
static int mini_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	int one = 1;

	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* ---------------------------------------------------------------- threads */

static void *mini_conn_main(void *arg)
{
	struct mini_conn *c = arg;
	struct mini_server *s = c->server;

	s->_fn(c);
	(void)pthread_mutex_lock(&s->_lock);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	(void)pthread_mutex_unlock(&s->_lock);
	return NULL;
}

static void *mini_server_main(void *arg)
{
	struct mini_server *s = arg;
	bool goes_on = true;

	/* No other thread changes the number. */
	while (goes_on && s->_n_conns < s->_n_conns_max) {
		int fd = mini_accept(s->listener);
		struct mini_conn *c;

		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		(void)pthread_mutex_lock(&s->_lock);
		goes_on = fd >= 0 && !s->_is_stopping;
		if (goes_on) {
			c = &s->_conns[s->_n_conns];
			*c = (struct mini_conn){.server = s, .fd = fd, .index = s->_n_conns};
			goes_on = pthread_create(&c->_thread, NULL, mini_conn_main, c) == 0;
			s->_n_conns += goes_on;
		}
		(void)pthread_mutex_unlock(&s->_lock);
		if (!goes_on && fd >= 0)
			(void)close(fd);
	}
	return NULL;
}

/* ---------------------------------------------------------------- the test's side */

int mini_server_open_limited(
	struct mini_server *s, int backlog, unsigned n_conns_max, mini_fn fn, void *userdata)
{
	socklen_t len = sizeof(s->address);
	int r;

	*s = (struct mini_server){._fn = fn, .userdata = userdata, ._n_conns_max = n_conns_max};
	s->address.sin_family = AF_INET;
	s->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)pthread_mutex_init(&s->_lock, NULL);
	(void)pthread_cond_init(&s->_changed, NULL);
	s->_conns = calloc(MINI_CONNECTIONS_MAX, sizeof(*s->_conns));
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!s->_conns || s->listener == -1 ||
		bind(s->listener, (struct sockaddr *)&s->address, len) == -1 ||
		getsockname(s->listener, (struct sockaddr *)&s->address, &len) == -1 ||
		listen(s->listener, backlog) == -1)
		r = -errno;
	else
		r = fn ? -pthread_create(&s->_thread, NULL, mini_server_main, s) : 0;
	if (r < 0) {
		s->_fn = NULL;
		mini_server_close(s);
	}
	return r;
}

int mini_server_open(struct mini_server *s, int backlog, mini_fn fn, void *userdata)
{
	return mini_server_open_limited(s, backlog, MINI_CONNECTIONS_MAX, fn, userdata);
}

void mini_server_close(struct mini_server *s)
{
	(void)pthread_mutex_lock(&s->_lock);
	s->_is_stopping = true;
	(void)pthread_cond_broadcast(&s->_changed);
	for (unsigned i = 0; i < s->_n_conns; i++)
		if (s->_conns[i].fd >= 0)
			(void)shutdown(s->_conns[i].fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&s->_lock);
	if (s->_fn) {
		(void)shutdown(s->listener, SHUT_RDWR); /* wakes accept */
		(void)pthread_join(s->_thread, NULL);
	}
	/* A connection may have been accepted while the first ones were shut down; nobody adds one
	 * any more. */
	for (unsigned i = 0; i < s->_n_conns; i++) {
		(void)pthread_mutex_lock(&s->_lock);
		if (s->_conns[i].fd >= 0)
			(void)shutdown(s->_conns[i].fd, SHUT_RDWR);
		(void)pthread_mutex_unlock(&s->_lock);
		(void)pthread_join(s->_conns[i]._thread, NULL);
	}
	if (s->listener >= 0)
		(void)close(s->listener);
	free(s->_conns);
	(void)pthread_cond_destroy(&s->_changed);
	(void)pthread_mutex_destroy(&s->_lock);
	*s = (struct mini_server){.listener = -1};
}

int mini_server_accept(struct mini_server *s)
{
	struct pollfd p = {.fd = s->listener, .events = POLLIN};

	if (poll(&p, 1, MINI_PATIENCE_MS) != 1)
		return -1;
	return mini_accept(s->listener);
}

int mini_server_fill(struct mini_server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&s->address, sizeof(s->address)) == -1) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

void mini_server_release(struct mini_server *s, uint64_t n)
{
	(void)pthread_mutex_lock(&s->_lock);
	s->_released = s->_released + n < n ? UINT64_MAX : s->_released + n;
	(void)pthread_cond_broadcast(&s->_changed);
	(void)pthread_mutex_unlock(&s->_lock);
}

void mini_server_await_held(struct mini_server *s, unsigned n)
{
	(void)pthread_mutex_lock(&s->_lock);
	while (s->_n_held < n)
		(void)pthread_cond_wait(&s->_changed, &s->_lock);
	(void)pthread_mutex_unlock(&s->_lock);
}

static unsigned mini_server_get(struct mini_server *s, const unsigned *counter)
{
	unsigned value;

	(void)pthread_mutex_lock(&s->_lock);
	value = *counter;
	(void)pthread_mutex_unlock(&s->_lock);
	return value;
}

unsigned mini_server_requests(struct mini_server *s)
{
	return mini_server_get(s, &s->_n_requests);
}

unsigned mini_server_connections(struct mini_server *s)
{
	return mini_server_get(s, &s->_n_conns);
}

/* ---------------------------------------------------------------- the behaviour's side */

void mini_count_request(struct mini_conn *c)
{
	(void)pthread_mutex_lock(&c->server->_lock);
	c->server->_n_requests++;
	(void)pthread_mutex_unlock(&c->server->_lock);
}

bool mini_read_request(struct mini_conn *c)
{
	static const char end[] = "\r\n\r\n";
	char bytes[4096];

	/* What follows the request stays in the socket. */
	for (c->_matched = 0; c->_matched < sizeof(end) - 1;) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_PEEK);
		size_t len = 0;

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		while (len < (size_t)n && c->_matched < sizeof(end) - 1) {
			if (bytes[len] == end[c->_matched])
				c->_matched++;
			else
				c->_matched = bytes[len] == '\r';
			len++;
		}
		(void)recv(c->fd, bytes, len, 0);
	}
	mini_count_request(c);
	return true;
}

bool mini_write_bytes(struct mini_conn *c, const void *data, size_t len)
{
	for (const char *p = data; len > 0;) {
		ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool mini_write(struct mini_conn *c, const char *text)
{
	return mini_write_bytes(c, text, strlen(text));
}

bool mini_hold(struct mini_conn *c)
{
	struct mini_server *s = c->server;
	bool goes_on;

	(void)pthread_mutex_lock(&s->_lock);
	s->_n_held++;
	(void)pthread_cond_broadcast(&s->_changed);
	while (s->_taken >= s->_released && !s->_is_stopping)
		(void)pthread_cond_wait(&s->_changed, &s->_lock);
	s->_n_held--;
	goes_on = !s->_is_stopping;
	s->_taken++;
	(void)pthread_mutex_unlock(&s->_lock);
	return goes_on;
}

bool mini_delay(struct mini_conn *c, int64_t time_ns)
{
	struct mini_server *s = c->server;
	int64_t until_ns = clock_now_ns() + time_ns;
	struct timespec until = {until_ns / NSEC_PER_SEC, until_ns % NSEC_PER_SEC};
	bool goes_on;
	int r = 0;

	(void)pthread_mutex_lock(&s->_lock);
	while (r == 0 && !s->_is_stopping)
		r = pthread_cond_clockwait(&s->_changed, &s->_lock, CLOCK_MONOTONIC, &until);
	goes_on = !s->_is_stopping;
	(void)pthread_mutex_unlock(&s->_lock);
	return goes_on;
}

void mini_linger(struct mini_conn *c)
{
	char bytes[4096];

	while (recv(c->fd, bytes, sizeof(bytes), 0) > 0)
		;
}

void mini_reset(struct mini_conn *c)
{
	(void)pthread_mutex_lock(&c->server->_lock);
	mini_reset_fd(c->fd);
	c->fd = -1;
	(void)pthread_mutex_unlock(&c->server->_lock);
}

/* ---------------------------------------------------------------- behaviours */

void mini_answer(struct mini_conn *c)
{
	while (mini_read_request(c) && mini_write(c, MINI_OK))
		;
}

void mini_answer_503(struct mini_conn *c)
{
	while (mini_read_request(c) && mini_write(c, MINI_503))
		;
}

void mini_answer_close(struct mini_conn *c)
{
	if (mini_read_request(c))
		(void)mini_write(c, MINI_OK_CLOSE);
}

void mini_answer_held(struct mini_conn *c)
{
	while (mini_read_request(c) && mini_hold(c) && mini_write(c, MINI_OK))
		;
}

void mini_hang(struct mini_conn *c)
{
	while (mini_read_request(c))
		;
}

void mini_hang_up(struct mini_conn *c)
{
	(void)c;
}

void mini_garble(struct mini_conn *c)
{
	if (mini_read_request(c) && mini_write(c, "220 mail.test ESMTP\r\n"))
		mini_linger(c);
}

void mini_break(struct mini_conn *c)
{
	if (mini_read_request(c) && mini_write(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"))
		mini_reset(c);
}
